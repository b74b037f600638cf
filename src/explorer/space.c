/* The space that a sweep spans: made from the sweep, then a pure function from numbers to points. */
#include "explorer/space.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STREAM_SAMPLE = 1 }; /* of the counter-based random numbers */

static int no_memory(kpu_diag *diag)
{
    return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
}

/* ---- files ------------------------------------------------------------------------------ */

static char *join_path(const char *folder, size_t length, const char *between, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%.*s%s%s", (int)length, folder, between, name) < 0)
        return NULL;
    return path;
}

/* Folder of the sweep file with its slash; "" if it lies in the working folder. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* `edge-ai` is configs/edge-ai.ini; a name with a slash or a suffix is a path. */
static bool is_bare(const char *name)
{
    return !strchr(name, '/') && !strchr(name, '.');
}

int kpu_space_find_file(const kpu_ini *sweep, const char *name, const kpu_place *place, char **out,
                        kpu_diag *diag)
{
    static const char *const between[] = {"", "../", ""};
    char *file = NULL;
    size_t folder = folder_length(sweep->path);
    int length = is_bare(name) ? asprintf(&file, "configs/%s.ini", name)
                               : asprintf(&file, "%s", name);
    if (length < 0)
        return no_memory(diag);
    for (size_t i = 0; i < (name[0] == '/' ? 1 : 3); i++) {
        *out = name[0] == '/' ? strdup(name)
                              : join_path(sweep->path, i < 2 ? folder : 0, between[i], file);
        if (!*out || access(*out, F_OK) == 0)
            break;
        free(*out);
        *out = NULL;
    }
    if (!*out)
        kpu_diag_add_at(diag, KPU_E_INPUT, place,
                        "no file %s, neither beside the sweep nor in its parent folder nor here",
                        file);
    free(file);
    return *out ? KPU_OK : KPU_E_INPUT;
}

int kpu_space_add_source(kpu_space *space, const char *name, const char *text, kpu_diag *diag)
{
    kpu_source *grown = realloc(space->sources, (space->source_count + 1) * sizeof *grown);
    if (!grown)
        return no_memory(diag);
    space->sources = grown;
    kpu_source *source = &grown[space->source_count++];
    source->name = strdup(name);
    source->text = strdup(text);
    return source->name && source->text ? KPU_OK : no_memory(diag);
}

/* ---- [sweep] ---------------------------------------------------------------------------- */

static int read_objective(const kpu_list_entry *entry, int *out, kpu_diag *diag)
{
    *out = kpu_metric_find(entry->text);
    if (*out >= 0 && kpu_metric_at((size_t)*out)->sense != KPU_SENSE_NONE)
        return KPU_OK;
    if (*out >= 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &entry->place,
                               "objectives: %s is neither better high nor better low", entry->text);
    const char *names[512];
    size_t count = 0;
    for (size_t i = 0; i < kpu_metric_count() && count < 512; i++)
        if (kpu_metric_at(i)->sense != KPU_SENSE_NONE)
            names[count++] = kpu_metric_at(i)->name;
    const char *near = kpu_nearest_name(entry->text, names, count);
    return kpu_diag_add_at(diag, KPU_E_INPUT, &entry->place,
                           "objectives: '%s' is no metric%s%s%s; see kpu-dse metrics", entry->text,
                           near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int read_objectives(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    const kpu_setting *given = kpu_ini_find(sweep, "sweep", "objectives");
    kpu_setting by_default = {.name = (char *)(uintptr_t)"objectives",
                              .value = (char *)(uintptr_t)kpu_ini_value(sweep, "sweep",
                                                                        "objectives"),
                              .place = {sweep->path, 0, 0, NULL}};
    kpu_list_entry *entries;
    size_t count;
    int worst = kpu_list_split(given ? given : &by_default, &entries, &count, diag);
    if (worst != KPU_OK)
        return worst;
    space->objectives = calloc(count, sizeof *space->objectives);
    if (!space->objectives)
        worst = no_memory(diag);
    for (size_t i = 0; space->objectives && i < count; i++) {
        int code = read_objective(&entries[i], &space->objectives[i], diag);
        worst = code != KPU_OK ? code : worst;
    }
    space->objective_count = count;
    kpu_list_free(entries, count);
    return worst;
}

static int read_names(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    const kpu_setting *name = kpu_ini_find(sweep, "sweep", "name");
    const kpu_place none = {sweep->path, 0, 0, NULL};
    if (!name)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &none, "sweep.name is missing");
    if (strchr(name->value, '/') || name->value[0] == '.')
        return kpu_diag_add_at(diag, KPU_E_INPUT, &name->place,
                               "name: '%s' names a file in results/; it must not have a slash or "
                               "begin with a dot",
                               name->value);
    const char *output = kpu_ini_value(sweep, "sweep", "output");
    space->name = strdup(name->value);
    if (output)
        space->output = strdup(output);
    else if (asprintf(&space->output, "results/%s.h5", name->value) < 0)
        space->output = NULL;
    return space->name && space->output ? KPU_OK : no_memory(diag);
}

static int read_numbers(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    const kpu_place none = {sweep->path, 0, 0, NULL};
    int64_t number[2] = {0, 0};
    static const char *const names[2] = {"seed", "sample"};
    int worst = KPU_OK;
    for (int i = 0; i < 2; i++) {
        const kpu_setting *setting = kpu_ini_find(sweep, "sweep", names[i]);
        const kpu_key *key = kpu_key_find(KPU_FILE_SWEEP, "sweep", names[i]);
        int code = kpu_key_parse_int(key, setting ? setting->value : key->fallback,
                                     setting ? &setting->place : &none, &number[i], diag);
        worst = code != KPU_OK ? code : worst;
    }
    space->seed = (uint64_t)number[0];
    space->run_size = number[1]; /* until the space is numbered: the sample that was asked for */
    return worst;
}

/* ---- the whole -------------------------------------------------------------------------- */

static int make(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    int (*const read[])(kpu_space *, const kpu_ini *, kpu_diag *) = {
        read_names, read_numbers, read_objectives, kpu_space_read_machines,
        kpu_space_read_workloads};
    int worst = KPU_OK;
    for (size_t i = 0; i < sizeof read / sizeof *read; i++) {
        int code = read[i](space, sweep, diag);
        worst = code != KPU_OK ? code : worst;
    }
    int code = kpu_space_read_constraints(space, sweep, diag);
    worst = code != KPU_OK ? code : worst;
    code = kpu_space_read_axes(space, sweep, diag);
    worst = code != KPU_OK ? code : worst;
    if (worst == KPU_OK)
        worst = kpu_space_number(space, sweep, diag);
    if (space->run_size == 0 || space->run_size > space->raw_size)
        space->run_size = space->raw_size;
    return worst;
}

int kpu_space_make(const kpu_ini *sweep, kpu_space **out, kpu_diag *diag)
{
    *out = NULL;
    int code = kpu_ini_check_required(sweep, diag);
    kpu_space *space = calloc(1, sizeof *space);
    if (!space)
        return no_memory(diag);
    if (code == KPU_OK)
        code = make(space, sweep, diag);
    if (code != KPU_OK) {
        kpu_space_free(space);
        return code;
    }
    *out = space;
    return KPU_OK;
}

void kpu_space_free(kpu_space *space)
{
    if (!space)
        return;
    kpu_space_free_axes(space); /* before the workloads, by whose number they are laid out */
    kpu_space_free_machines(space);
    kpu_space_free_workloads(space);
    for (size_t i = 0; i < space->constraint_count; i++)
        kpu_expression_free(space->constraints[i]);
    for (size_t i = 0; i < space->source_count; i++) {
        free(space->sources[i].name);
        free(space->sources[i].text);
    }
    free(space->constraints);
    free(space->sources);
    free(space->lengths);
    free(space->first);
    free(space->objectives);
    free(space->name);
    free(space->output);
    free(space);
}

/* ---- points ----------------------------------------------------------------------------- */

/* a * b / c without overflow, c > 0. */
__extension__ typedef unsigned __int128 wide;
static int64_t scale(int64_t a, int64_t b, int64_t c)
{
    return (int64_t)((wide)a * (wide)b / (wide)c);
}

/* A sample takes one point, drawn by its number, of each of run_size equal strata: ascending,
 * without repetition, and with no memory of what was drawn. */
static int64_t point_index(const kpu_space *space, int64_t n)
{
    if (space->run_size == space->raw_size)
        return n;
    int64_t from = scale(n, space->raw_size, space->run_size);
    int64_t width = scale(n + 1, space->raw_size, space->run_size) - from;
    uint64_t random = kpu_random_u64(space->seed, STREAM_SAMPLE, (uint64_t)n);
    return from + (int64_t)((wide)random * (wide)width >> 64);
}

static int64_t find_gemm(const kpu_space *space, int64_t rest)
{
    size_t low = 0, high = space->gemm_count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (space->first[middle] <= rest)
            low = middle;
        else
            high = middle;
    }
    return (int64_t)low;
}

static void decode_candidate(const kpu_space *space, int64_t gemm, int64_t rest,
                             kpu_candidate *out)
{
    size_t digits = space->digits.digit_count;
    const int64_t *lengths = &space->lengths[(size_t)gemm * digits];
    int64_t digit[KPU_DIGITS_MAX];
    for (size_t d = digits; d-- > 0;) {
        digit[d] = rest % lengths[d];
        rest /= lengths[d];
    }
    for (size_t a = 0; a < KPU_SPACE_AXES; a++) {
        const kpu_values *values = &space->values[(size_t)gemm * KPU_SPACE_AXES + a];
        size_t width = kpu_element_width(kpu_space_axes[a].element);
        memcpy((char *)out + kpu_space_axes[a].offset,
               values->number + (size_t)digit[space->digits.digit_of[a]] * width,
               width * sizeof(int64_t));
    }
}

bool kpu_space_point(const kpu_space *space, int64_t n, kpu_point *out)
{
    int64_t per_machine = space->first[space->gemm_count];
    out->index = point_index(space, n);
    out->machine = out->index / per_machine;
    int64_t rest = out->index % per_machine;
    out->gemm = find_gemm(space, rest);
    kpu_candidate_defaults(&out->candidate);
    decode_candidate(space, out->gemm, rest - space->first[out->gemm], &out->candidate);
    return kpu_space_admits(space, out);
}

/* ---- what it consists of ---------------------------------------------------------------- */

int64_t kpu_space_raw_size(const kpu_space *space)
{
    return space->raw_size;
}
int64_t kpu_space_run_size(const kpu_space *space)
{
    return space->run_size;
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
size_t kpu_space_source_count(const kpu_space *space)
{
    return space->source_count;
}
const char *kpu_space_source_name(const kpu_space *space, size_t n)
{
    return space->sources[n].name;
}
const char *kpu_space_source_text(const kpu_space *space, size_t n)
{
    return space->sources[n].text;
}
uint64_t kpu_space_seed(const kpu_space *space)
{
    return space->seed;
}
const char *kpu_space_name(const kpu_space *space)
{
    return space->name;
}
const char *kpu_space_output(const kpu_space *space)
{
    return space->output;
}
size_t kpu_space_objective_count(const kpu_space *space)
{
    return space->objective_count;
}
int kpu_space_objective(const kpu_space *space, size_t n)
{
    return space->objectives[n];
}
