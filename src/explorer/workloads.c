/* [workload]: CSV files and inline GEMMs, of which `include` keeps some. */
#include "explorer/space.h"

#include <stdlib.h>
#include <string.h>

static const char section[] = "workload";

static int parse_csv(kpu_space *space, const kpu_space_text *file, const kpu_element_types *types,
                     kpu_diag *diag)
{
    const kpu_workload_source source = {file->path, file->text, file->bytes};
    int code =
        kpu_workload_parse_csv(&source, types, &space->workloads[space->workload_count], diag);
    if (code != KPU_OK)
        return code;
    space->workload_count++;
    return kpu_space_add_source(space, file->path, file->text, diag);
}

static bool is_known_workload(const kpu_space *space, const char *name)
{
    for (size_t w = 0; w + 1 < space->workload_count; w++) {
        if (strcmp(space->workloads[w].name, name) == 0)
            return true;
    }
    return false;
}

static size_t count_gemms(const kpu_space *space)
{
    size_t total = 0;
    for (size_t w = 0; w < space->workload_count; w++)
        total += space->workloads[w].gemm_count;
    return total;
}

static int read_file(kpu_space *space, const kpu_ini *sweep, const kpu_list_entry *entry,
                     const kpu_element_types *types, kpu_diag *diag)
{
    kpu_space_text file;
    int code = kpu_space_read_file(space, sweep, entry->text, &entry->place, &file, diag);
    if (code == KPU_OK)
        code = parse_csv(space, &file, types, diag);
    kpu_space_text_fini(&file);
    if (code != KPU_OK)
        return code;
    if (count_gemms(space) > KPU_SPACE_GEMMS_MAX)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &entry->place,
                               "with this file, the workloads have more than %d GEMMs",
                               KPU_SPACE_GEMMS_MAX);
    const char *name = space->workloads[space->workload_count - 1].name;
    if (is_known_workload(space, name))
        return kpu_diag_add_at(diag, KPU_E_INPUT, &entry->place,
                               "a second workload of the name '%s'", name);
    return KPU_OK;
}

static int read_files(kpu_space *space, const kpu_ini *sweep, const kpu_element_types *types,
                      kpu_diag *diag)
{
    const kpu_setting *files = kpu_ini_find(sweep, section, "files");
    kpu_list_entry *entries = NULL;
    size_t count = 0;
    int worst = files ? kpu_list_split(files, &entries, &count, diag) : KPU_OK;
    space->workloads = calloc(count + 1, sizeof *space->workloads); /* and the inline one */
    if (!space->workloads)
        worst = kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    for (size_t i = 0; i < count && worst != KPU_E_MEMORY; i++) {
        if (count_gemms(space) > KPU_SPACE_GEMMS_MAX)
            break; /* told; the rest would be more of the same */
        int code = read_file(space, sweep, &entries[i], types, diag);
        worst = code != KPU_OK ? code : worst;
    }
    kpu_list_free(entries, count);
    return worst;
}

static int read_inline(kpu_space *space, const kpu_ini *sweep, const kpu_element_types *types,
                       kpu_diag *diag)
{
    const kpu_setting *gemms = kpu_ini_find(sweep, section, "gemms");
    if (!gemms)
        return KPU_OK;
    int code = kpu_workload_parse_inline(gemms->value, &gemms->place, types,
                                         &space->workloads[space->workload_count], diag);
    space->workload_count += code == KPU_OK;
    return code;
}

/* ---- include ----------------------------------------------------------------------------- */

static bool is_kept(const char *name, const kpu_list_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(entries[i].text, name) == 0)
            return true;
    }
    return count == 0;
}

static int complain_unknown(const kpu_space *space, const kpu_list_entry *entry, size_t total,
                            kpu_diag *diag)
{
    const char **names = malloc((total + 1) * sizeof *names);
    size_t count = 0;
    if (!names)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    for (size_t w = 0; w < space->workload_count; w++) {
        for (size_t g = 0; g < space->workloads[w].gemm_count; g++)
            names[count++] = space->workloads[w].gemms[g].name;
    }
    const char *near = kpu_nearest_name(entry->text, names, count);
    free(names);
    return kpu_diag_add_at(diag, KPU_E_INPUT, &entry->place, "include: no GEMM '%s'%s%s%s",
                           entry->text, near ? "; did you mean '" : "", near ? near : "",
                           near ? "'?" : "");
}

static bool is_any_gemm(const kpu_space *space, const char *name)
{
    for (size_t w = 0; w < space->workload_count; w++) {
        for (size_t g = 0; g < space->workloads[w].gemm_count; g++) {
            if (strcmp(space->workloads[w].gemms[g].name, name) == 0)
                return true;
        }
    }
    return false;
}

static int keep(kpu_space *space, const kpu_list_entry *entries, size_t count, kpu_diag *diag)
{
    const int unknown_max = 10; /* the nearest of many names takes its time */
    const size_t total = count_gemms(space);
    int worst = KPU_OK, unknown = 0;
    for (size_t i = 0; i < count && unknown < unknown_max; i++) {
        if (is_any_gemm(space, entries[i].text))
            continue;
        worst = complain_unknown(space, &entries[i], total, diag);
        unknown++;
    }
    space->gemms = calloc(total + 1, sizeof *space->gemms);
    if (!space->gemms)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    for (size_t w = 0; w < space->workload_count; w++) {
        for (size_t g = 0; g < space->workloads[w].gemm_count; g++) {
            if (is_kept(space->workloads[w].gemms[g].name, entries, count))
                space->gemms[space->gemm_count++] = (kpu_space_gemm_entry){w, g};
        }
    }
    return worst;
}

static int select_gemms(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    const kpu_setting *include = kpu_ini_find(sweep, section, "include");
    kpu_list_entry *entries = NULL;
    size_t count = 0;
    int code = include ? kpu_list_split(include, &entries, &count, diag) : KPU_OK;
    if (code == KPU_OK)
        code = keep(space, entries, count, diag);
    kpu_list_free(entries, count);
    return code;
}

int kpu_space_read_workloads(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    const kpu_setting *setting = kpu_ini_find(sweep, section, "element_types");
    const kpu_place *place = setting ? &setting->place : &(kpu_place){.file = sweep->path};
    kpu_element_types types;
    if (!kpu_ini_find(sweep, section, "files") && !kpu_ini_find(sweep, section, "gemms"))
        return kpu_diag_add_at(diag, KPU_E_INPUT, &(kpu_place){.file = sweep->path},
                               "nothing to compute: give [workload] files or gemms");
    int code = kpu_element_types_parse(kpu_ini_value(sweep, section, "element_types"), place,
                                       &types, diag);
    if (code != KPU_OK)
        return code;
    code = read_files(space, sweep, &types, diag);
    int inlined = code == KPU_E_MEMORY ? code : read_inline(space, sweep, &types, diag);
    if (code == KPU_OK)
        code = inlined;
    return code == KPU_OK ? select_gemms(space, sweep, diag) : code;
}

void kpu_space_free_workloads(kpu_space *space)
{
    for (size_t w = 0; w < space->workload_count; w++)
        kpu_workload_fini(&space->workloads[w]);
    free(space->workloads);
    free(space->gemms);
}

size_t kpu_space_gemm_count(const kpu_space *space)
{
    return space->gemm_count;
}

const kpu_gemm *kpu_space_gemm(const kpu_space *space, int64_t gemm)
{
    const kpu_space_gemm_entry *entry = &space->gemms[gemm];
    return &space->workloads[entry->workload].gemms[entry->gemm];
}

const char *kpu_space_workload_name(const kpu_space *space, int64_t gemm)
{
    return space->workloads[space->gemms[gemm].workload].name;
}
