/* [workload]: the GEMMs of CSV files and those written inline, less what `include` leaves out. */
#include <stdlib.h>
#include <string.h>

#include "explorer/space.h"

static int no_memory(kpu_diag *diag)
{
    return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
}

static kpu_workload *next_workload(kpu_space *space)
{
    kpu_workload *grown =
        realloc(space->workloads, (space->workload_count + 1) * sizeof *space->workloads);
    if (!grown)
        return NULL;
    space->workloads = grown;
    memset(&grown[space->workload_count], 0, sizeof *grown);
    return &grown[space->workload_count++];
}

static int read_csv(kpu_space *space, const char *path, const kpu_element_types *types,
                    kpu_diag *diag)
{
    char *text;
    size_t bytes;
    int code = kpu_text_read(path, &text, &bytes, diag);
    if (code != KPU_OK)
        return code;
    kpu_workload *workload = next_workload(space);
    kpu_workload_source source = {path, text, bytes};
    code = workload ? kpu_workload_parse_csv(&source, types, workload, diag) : no_memory(diag);
    if (code == KPU_OK)
        code = kpu_space_add_source(space, path, text, diag);
    free(text);
    return code;
}

static int read_files(kpu_space *space, const kpu_ini *sweep, const kpu_element_types *types,
                      kpu_diag *diag)
{
    const kpu_setting *files = kpu_ini_find(sweep, "workload", "files");
    kpu_list_entry *entries;
    size_t count;
    if (!files)
        return KPU_OK;
    int worst = kpu_list_split(files, &entries, &count, diag);
    for (size_t i = 0; i < count; i++) {
        char *path = NULL;
        int code = kpu_space_find_file(sweep, entries[i].text, &entries[i].place, &path, diag);
        if (code == KPU_OK)
            code = read_csv(space, path, types, diag);
        worst = code != KPU_OK ? code : worst;
        free(path);
    }
    kpu_list_free(entries, count);
    return worst;
}

static int read_inline(kpu_space *space, const kpu_ini *sweep, const kpu_element_types *types,
                       kpu_diag *diag)
{
    const kpu_setting *gemms = kpu_ini_find(sweep, "workload", "gemms");
    if (!gemms)
        return KPU_OK;
    kpu_workload *workload = next_workload(space);
    if (!workload)
        return no_memory(diag);
    return kpu_workload_parse_inline(gemms->value, &gemms->place, types, workload, diag);
}

static int read_types(const kpu_ini *sweep, kpu_element_types *types, kpu_diag *diag)
{
    const kpu_setting *setting = kpu_ini_find(sweep, "workload", "element_types");
    const kpu_place none = {sweep->path, 0, 0, NULL};
    return kpu_element_types_parse(kpu_ini_value(sweep, "workload", "element_types"),
                                   setting ? &setting->place : &none, types, diag);
}

static bool is_listed(const kpu_list_entry *entries, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(entries[i].text, name) == 0)
            return true;
    return false;
}

/* Enters the GEMMs whose names are in the list (all if there is none). */
static void keep_gemms(kpu_space *space, const kpu_list_entry *entries, size_t count)
{
    for (size_t w = 0; w < space->workload_count; w++)
        for (size_t g = 0; g < space->workloads[w].gemm_count; g++)
            if (!entries || is_listed(entries, count, space->workloads[w].gemms[g].name))
                space->gemms[space->gemm_count++] = (kpu_space_gemm_entry){w, g};
}

static int complain_unknown(const kpu_space *space, const kpu_list_entry *entry, kpu_diag *diag)
{
    size_t total = 0, n = 0;
    for (size_t w = 0; w < space->workload_count; w++)
        total += space->workloads[w].gemm_count;
    const char **names = calloc(total + 1, sizeof *names);
    if (!names)
        return no_memory(diag);
    for (size_t w = 0; w < space->workload_count; w++)
        for (size_t g = 0; g < space->workloads[w].gemm_count; g++)
            names[n++] = space->workloads[w].gemms[g].name;
    int code = KPU_OK;
    size_t i = 0;
    while (i < n && strcmp(names[i], entry->text) != 0)
        i++;
    if (i == n) {
        const char *near = kpu_nearest_name(entry->text, names, n);
        code = kpu_diag_add_at(diag, KPU_E_INPUT, &entry->place,
                               "include: no GEMM is called '%s'%s%s%s", entry->text,
                               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    free(names);
    return code;
}

static int choose_gemms(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    const kpu_setting *include = kpu_ini_find(sweep, "workload", "include");
    kpu_list_entry *entries = NULL;
    size_t count = 0, total = 0;
    int worst = include ? kpu_list_split(include, &entries, &count, diag) : KPU_OK;
    for (size_t i = 0; i < count; i++) {
        int code = complain_unknown(space, &entries[i], diag);
        worst = code != KPU_OK ? code : worst;
    }
    for (size_t w = 0; w < space->workload_count; w++)
        total += space->workloads[w].gemm_count;
    space->gemms = calloc(total + 1, sizeof *space->gemms);
    if (!space->gemms)
        worst = no_memory(diag);
    else
        keep_gemms(space, entries, count);
    kpu_list_free(entries, count);
    return worst;
}

int kpu_space_read_workloads(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    kpu_element_types types;
    int worst = read_types(sweep, &types, diag);
    if (worst != KPU_OK)
        return worst;
    worst = read_files(space, sweep, &types, diag);
    int code = read_inline(space, sweep, &types, diag);
    worst = code != KPU_OK ? code : worst;
    if (worst == KPU_OK)
        worst = choose_gemms(space, sweep, diag);
    if (worst == KPU_OK && space->gemm_count == 0) {
        kpu_place place = {sweep->path, 0, 0, NULL};
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "the space is empty: no GEMM; give workload.files or "
                               "workload.gemms");
    }
    return worst;
}

void kpu_space_free_workloads(kpu_space *space)
{
    for (size_t w = 0; w < space->workload_count; w++)
        kpu_workload_fini(&space->workloads[w]);
    free(space->workloads);
    free(space->gemms);
}
