#include "tools/stored_space.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kpu/report.h"

static int no_memory(kpu_diag *diag)
{
    return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
}

/* ---- The files --------------------------------------------------------------------------- */

typedef struct kept_files {
    kpu_space_file *files;
    size_t count;
    char *hashes; /* whose lines hold the names */
} kept_files;

static void free_files(kept_files *kept)
{
    for (size_t i = 0; i < kept->count; i++)
        free((char *)kept->files[i].text);
    free(kept->files);
    free(kept->hashes);
}

/* A line of /provenance/hashes: "HASH  NAME". */
enum { HASH_LENGTH = 32, BEFORE_NAME = HASH_LENGTH + 2 };

/* Takes a text that was kept, which is NULL if there is none, and checks that it is still what it
 * was. */
static int check_text(char **text, const char *line, const kpu_place *place, kpu_diag *diag)
{
    char hash[HASH_LENGTH + 1];
    if (!*text)
        return kpu_diag_add_at(diag, KPU_E_INPUT, place, "has no text of %s", line + BEFORE_NAME);
    kpu_hash_hex(*text, strlen(*text), hash);
    if (strncmp(hash, line, HASH_LENGTH) == 0)
        return KPU_OK;
    free(*text);
    *text = NULL;
    return kpu_diag_add_at(diag, KPU_E_INPUT, place, "is damaged: the text of %s has another hash",
                           line + BEFORE_NAME);
}

/* The text that was kept as number `n` of the file of that line. */
static int read_file(kpu_results *results, const kpu_place *place, size_t n, const char *line,
                     kept_files *kept, kpu_diag *diag)
{
    const char *name = line + BEFORE_NAME;
    const char *slash = strrchr(name, '/');
    kpu_text entry = {0};
    kpu_text_format(&entry, "files/%zu_%s", n, slash ? slash + 1 : name);
    char *text = entry.failed ? NULL : kpu_results_text(results, entry.data);
    kpu_text_fini(&entry);
    int status = check_text(&text, line, place, diag);
    if (!status)
        kept->files[kept->count++] = (kpu_space_file){name, text};
    return status;
}

/* /provenance/hashes names every file that was read, "HASH  NAME", after the sweep as it was
 * resolved and as it was written. */
static int read_files(kpu_results *results, const kpu_place *place, kept_files *kept,
                      kpu_diag *diag)
{
    enum { SWEEPS = 2 };
    *kept = (kept_files){.hashes = kpu_results_text(results, "hashes")};
    if (!kept->hashes)
        return kpu_diag_add_at(diag, KPU_E_INPUT, place, "has no hashes of the files it came from");
    size_t lines = 0;
    for (const char *c = kept->hashes; *c; c++)
        lines += *c == '\n';
    kept->files = calloc(lines + 1, sizeof *kept->files);
    if (!kept->files)
        return no_memory(diag);
    char *line = kept->hashes;
    int status = KPU_OK;
    if (lines < SWEEPS)
        status = kpu_diag_add_at(diag, KPU_E_INPUT, place, "its list of hashes is damaged");
    for (size_t n = 0; !status && n < lines; n++) {
        char *next = strchr(line, '\n') + 1;
        next[-1] = '\0';
        if (strlen(line) <= BEFORE_NAME)
            status = kpu_diag_add_at(diag, KPU_E_INPUT, place, "its list of hashes is damaged");
        else if (n >= SWEEPS)
            status = read_file(results, place, n - SWEEPS, line, kept, diag);
        line = next;
    }
    return status;
}

static int make_space(kpu_results *results, const char *path, kpu_space **out, kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    char *text = kpu_results_text(results, "sweep");
    kept_files kept = {0};
    kpu_ini sweep = {0};
    if (!text)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "has no sweep");
    int status = read_files(results, &place, &kept, diag);
    if (!status) /* the first line is that of the sweep */
        status = check_text(&text, kept.hashes, &place, diag);
    if (!status)
        status = kpu_ini_parse(path, text, strlen(text), KPU_FILE_SWEEP, &sweep, diag);
    if (!status)
        status = kpu_space_make_kept(&sweep, kept.files, kept.count, out, diag);
    kpu_ini_fini(&sweep);
    free_files(&kept);
    free(text);
    return status;
}

/* ---- What else the file says of the space ------------------------------------------------ */

/* Takes `found`, which is NULL if the file has nothing. */
static int want(char *found, const char *expected, const kpu_place *place, const char *what,
                kpu_diag *diag)
{
    int status = KPU_OK;
    if (!found)
        status = kpu_diag_add_at(diag, KPU_E_REFUTED, place, "has no %s", what);
    else if (strcmp(found, expected) != 0)
        status = kpu_diag_add_at(diag, KPU_E_REFUTED, place, "%s is '%.60s', expected '%.60s'",
                                 what, found, expected);
    free(found);
    return status;
}

static int want_cell(kpu_results *results, const kpu_place *place, const char *table,
                     const char *column, int64_t row, const char *expected, kpu_diag *diag)
{
    char what[96];
    kpu_text name = {0};
    kpu_text_format(&name, "%s of row %" PRId64 " of /%s", column, row, table);
    if (name.failed)
        return no_memory(diag);
    strncpy(what, name.data, sizeof what - 1);
    what[sizeof what - 1] = '\0';
    kpu_text_fini(&name);
    return want(kpu_results_cell(results, table, column, row), expected, place, what, diag);
}

static int check_machines(kpu_results *results, const kpu_place *place, const kpu_space *space,
                          kpu_diag *diag)
{
    int64_t count = (int64_t)kpu_space_machine_count(space);
    int status = KPU_OK;
    if (kpu_results_table_rows(results, "machines") != count)
        return kpu_diag_add_at(diag, KPU_E_REFUTED, place,
                               "its sweep makes %" PRId64 " machines, /machines has %" PRId64
                               " rows",
                               count, kpu_results_table_rows(results, "machines"));
    for (int64_t m = 0; !status && m < count; m++) {
        kpu_text ini = {0};
        kpu_machine_put_ini(&ini, kpu_space_machine(space, m));
        status = ini.failed ? no_memory(diag)
                            : want_cell(results, place, "machines", "ini", m, ini.data, diag);
        kpu_text_fini(&ini);
    }
    return status;
}

static int check_gemm(kpu_results *results, const kpu_place *place, const kpu_space *space,
                      int64_t g, kpu_diag *diag)
{
    const kpu_gemm *gemm = kpu_space_gemm(space, g);
    const kpu_problem *p = &gemm->problem;
    const struct {
        const char *column;
        int64_t value;
    } numbers[] = {{"M", p->dim[KPU_M]},
                   {"N", p->dim[KPU_N]},
                   {"K", p->dim[KPU_K]},
                   {"count", gemm->count},
                   {"eA", p->element_bytes[KPU_A]},
                   {"eB", p->element_bytes[KPU_B]},
                   {"eC", p->element_bytes[KPU_C]},
                   {"eP", p->partial_bytes}};
    int status = want_cell(results, place, "workloads", "workload", g,
                           kpu_space_workload_name(space, g), diag);
    if (!status)
        status = want_cell(results, place, "workloads", "name", g, gemm->name, diag);
    for (size_t i = 0; !status && i < sizeof numbers / sizeof *numbers; i++) {
        kpu_text text = {0};
        kpu_text_put_int(&text, numbers[i].value);
        status = text.failed ? no_memory(diag)
                             : want_cell(results, place, "workloads", numbers[i].column, g,
                                         text.data, diag);
        kpu_text_fini(&text);
    }
    return status;
}

static int check_gemms(kpu_results *results, const kpu_place *place, const kpu_space *space,
                       kpu_diag *diag)
{
    int64_t count = (int64_t)kpu_space_gemm_count(space);
    int status = KPU_OK;
    if (kpu_results_table_rows(results, "workloads") != count)
        return kpu_diag_add_at(diag, KPU_E_REFUTED, place,
                               "its sweep makes %" PRId64 " GEMMs, /workloads has %" PRId64 " rows",
                               count, kpu_results_table_rows(results, "workloads"));
    for (int64_t g = 0; !status && g < count; g++)
        status = check_gemm(results, place, space, g, diag);
    return status;
}

static int check_objectives(kpu_results *results, const kpu_place *place, const kpu_space *space,
                            kpu_diag *diag)
{
    kpu_text names = {0};
    for (size_t i = 0; i < kpu_space_objective_count(space); i++)
        kpu_text_format(&names, "%s%s", i ? "," : "",
                        kpu_metric_at((size_t)kpu_space_objective(space, i))->name);
    int status = names.failed ? no_memory(diag)
                              : want(kpu_results_attribute(results, "objectives"), names.data,
                                     place, "the attribute objectives", diag);
    kpu_text_fini(&names);
    return status;
}

int kpu_stored_space_read(kpu_results *results, const char *path, kpu_space **out, kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    *out = NULL;
    int status = want(kpu_results_attribute(results, "model_version"), KPU_MODEL_VERSION, &place,
                      "the attribute model_version", diag);
    if (!status)
        status = make_space(results, path, out, diag);
    if (!status)
        status = check_machines(results, &place, *out, diag);
    if (!status)
        status = check_gemms(results, &place, *out, diag);
    if (!status)
        status = check_objectives(results, &place, *out, diag);
    if (status) {
        kpu_space_free(*out);
        *out = NULL;
    }
    return status;
}
