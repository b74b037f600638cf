/* The space as a whole: made from a sweep, decoded point by point. */
#include "explorer/space.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t sampling_stream = 1; /* of the random numbers of this seed */

/* ---- Making ------------------------------------------------------------------------------ */

static int read_objective(kpu_space *space, const kpu_list_entry *entry, kpu_diag *diag)
{
    int metric = kpu_metric_find(entry->text);
    if (metric >= 0 && kpu_metric_at((size_t)metric)->sense != KPU_SENSE_NONE) {
        space->objectives[space->objective_count++] = metric;
        return KPU_OK;
    }
    if (metric >= 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &entry->place,
                               "objectives: neither more nor less of '%s' is better", entry->text);
    size_t count = kpu_metric_count();
    const char **names = malloc((count + 1) * sizeof *names);
    if (!names)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++)
        names[i] = kpu_metric_at(i)->name;
    const char *near = kpu_nearest_name(entry->text, names, count);
    free(names);
    return kpu_diag_add_at(diag, KPU_E_INPUT, &entry->place, "objectives: no metric '%s'%s%s%s",
                           entry->text, near ? "; did you mean '" : "", near ? near : "",
                           near ? "'?" : "");
}

/* A default has no place; it is split like what a user writes. */
static int read_objectives(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    const kpu_setting *given = kpu_ini_find(sweep, "sweep", "objectives");
    const char *value = kpu_ini_value(sweep, "sweep", "objectives");
    char *copy = strdup(value ? value : "");
    kpu_setting setting = {.name = (char *)"objectives", .value = copy};
    kpu_list_entry *entries = NULL;
    size_t count = 0;
    setting.place = given ? given->place : (kpu_place){.file = sweep->path};
    int worst = copy ? kpu_list_split(&setting, &entries, &count, diag)
                     : kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    space->objectives = calloc(count + 1, sizeof *space->objectives);
    if (!space->objectives)
        worst = kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    for (size_t i = 0; i < count && space->objectives; i++) {
        int code = read_objective(space, &entries[i], diag);
        worst = code != KPU_OK ? code : worst;
    }
    kpu_list_free(entries, count);
    free(copy);
    return worst;
}

/* An integer of [sweep]; its form has been checked when it was read. */
static int read_int(const kpu_ini *sweep, const char *name, int64_t *out, kpu_diag *diag)
{
    const kpu_setting *setting = kpu_ini_find(sweep, "sweep", name);
    const kpu_place place = setting ? setting->place : (kpu_place){.file = sweep->path};
    return kpu_key_parse_int(kpu_key_find(KPU_FILE_SWEEP, "sweep", name),
                             kpu_ini_value(sweep, "sweep", name), &place, out, diag);
}

static int read_names(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    const char *name = kpu_ini_value(sweep, "sweep", "name");
    const char *output = kpu_ini_value(sweep, "sweep", "output");
    if (!name)
        return KPU_E_INPUT; /* kpu_ini_check_required has told */
    int code = kpu_space_check_output(space, sweep, diag);
    if (code != KPU_OK)
        return code;
    const kpu_setting *setting = kpu_ini_find(sweep, "sweep", "name");
    if (!output && (strchr(name, '/') || name[0] == '.'))
        return kpu_diag_add_at(diag, KPU_E_INPUT, &setting->place,
                               "name: '%s' cannot name a file; give an output too", name);
    space->name = strdup(name);
    if (output)
        space->output = strdup(output);
    else if (asprintf(&space->output, "results/%s.h5", name) < 0)
        space->output = NULL;
    return space->name && space->output ? KPU_OK
                                        : kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
}

static int read_sweep(kpu_space *space, const kpu_ini *sweep, int64_t *sample, kpu_diag *diag)
{
    int64_t seed = 0;
    int code = kpu_ini_check_required(sweep, diag);
    int names = read_names(space, sweep, diag);
    int seeded = read_int(sweep, "seed", &seed, diag);
    int sampled = read_int(sweep, "sample", sample, diag);
    int aimed = read_objectives(space, sweep, diag);
    space->seed = (uint64_t)seed;
    return code ? code : names ? names : seeded ? seeded : sampled ? sampled : aimed;
}

static int fill(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    int64_t sample = 0;
    int codes[] = {
        read_sweep(space, sweep, &sample, diag),        kpu_space_read_machines(space, sweep, diag),
        kpu_space_read_workloads(space, sweep, diag),   kpu_space_read_axes(space, sweep, diag),
        kpu_space_read_constraints(space, sweep, diag), kpu_space_read_search(space, sweep, diag),
        kpu_space_read_keep(space, sweep, diag),
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i] != KPU_OK)
            return codes[i];
    }
    int code = kpu_space_number(space, sweep, diag);
    space->run_size = sample > 0 && sample < space->raw_size ? sample : space->raw_size;
    return code;
}

static int make(const kpu_ini *sweep, kpu_space *space, kpu_space **out, kpu_diag *diag)
{
    *out = NULL;
    if (!space)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    int code = fill(space, sweep, diag);
    if (code == KPU_OK && space->kept_used != space->kept_count)
        code =
            kpu_diag_add(diag, KPU_E_INPUT, "'%s' is kept with the sweep, which does not name it",
                         space->kept[space->kept_used].name);
    space->kept = NULL;
    if (code != KPU_OK) {
        kpu_space_free(space);
        return code;
    }
    *out = space;
    return KPU_OK;
}

int kpu_space_make(const kpu_ini *sweep, kpu_space **out, kpu_diag *diag)
{
    return make(sweep, calloc(1, sizeof(kpu_space)), out, diag);
}

int kpu_space_make_kept(const kpu_ini *sweep, const kpu_space_file *files, size_t count,
                        kpu_space **out, kpu_diag *diag)
{
    kpu_space *space = calloc(1, sizeof *space);
    if (space) {
        space->kept = files;
        space->kept_count = count;
    }
    return make(sweep, space, out, diag);
}

void kpu_space_free(kpu_space *space)
{
    if (!space)
        return;
    kpu_space_free_axes(space);
    kpu_space_free_machines(space);
    kpu_space_free_workloads(space);
    for (size_t i = 0; i < space->constraint_count; i++) {
        kpu_expression_free(space->constraints[i]);
        free(space->constraint_texts[i]);
    }
    for (size_t i = 0; i < space->source_count; i++) {
        free(space->sources[i].name);
        free(space->sources[i].text);
    }
    free(space->constraints);
    free(space->constraint_texts);
    free(space->sources);
    free(space->objectives);
    free(space->name);
    free(space->output);
    free(space);
}

/* ---- Points ------------------------------------------------------------------------------ */

int64_t kpu_space_raw_size(const kpu_space *space)
{
    return space->raw_size;
}

int64_t kpu_space_run_size(const kpu_space *space)
{
    return space->run_size;
}

/* Stratified sampling without memory: the raw points are cut into run_size strata of equal size
 * (within one), and one point is drawn of each. */
static int64_t raw_index(const kpu_space *space, int64_t n)
{
    if (space->run_size == space->raw_size)
        return n;
    __extension__ typedef unsigned __int128 u128;
    uint64_t from = (uint64_t)((u128)n * (u128)space->raw_size / (u128)space->run_size);
    uint64_t end = (uint64_t)((u128)(n + 1) * (u128)space->raw_size / (u128)space->run_size);
    uint64_t random = kpu_random_u64(space->seed, sampling_stream, (uint64_t)n);
    return (int64_t)(from + (uint64_t)((u128)random * (end - from) >> 64));
}

/* first[gemm] <= n < first[gemm + 1]. */
size_t kpu_space_gemm_of(const kpu_space *space, int64_t n)
{
    size_t low = 0, high = space->gemm_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (space->first[middle] <= n)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void decode_candidate(const kpu_space *space, size_t gemm, int64_t n, kpu_candidate *out)
{
    const int64_t *lengths = &space->lengths[gemm * space->digits.digit_count];
    const kpu_values *values = &space->values[gemm * KPU_SPACE_AXES];
    int64_t digit[KPU_SPACE_AXES];
    for (size_t d = space->digits.digit_count; d-- > 0; n /= lengths[d])
        digit[d] = n % lengths[d];
    for (size_t a = 0; a < KPU_SPACE_AXES; a++) {
        size_t width = kpu_element_width(kpu_space_axes[a].element);
        const int64_t *element =
            values[a].number + (size_t)digit[space->digits.digit_of[a]] * width;
        memcpy((char *)out + kpu_space_axes[a].offset, element, width * sizeof *element);
    }
}

static void decode(const kpu_space *space, int64_t index, kpu_point *out)
{
    int64_t of_machine = space->first[space->gemm_count];
    *out = (kpu_point){.index = index};
    out->machine = out->index / of_machine;
    int64_t rest = out->index % of_machine;
    size_t gemm = kpu_space_gemm_of(space, rest);
    out->gemm = (int64_t)gemm;
    decode_candidate(space, gemm, rest - space->first[gemm], &out->candidate);
}

bool kpu_space_point_at(const kpu_space *space, int64_t index, kpu_point *out)
{
    decode(space, index, out);
    return kpu_space_admits(space, out);
}

void kpu_space_decode(const kpu_space *space, int64_t n, kpu_point *out)
{
    decode(space, raw_index(space, n), out);
}

bool kpu_space_point(const kpu_space *space, int64_t n, kpu_point *out)
{
    return kpu_space_point_at(space, raw_index(space, n), out);
}

int64_t kpu_space_index(const kpu_space *space, int64_t machine, int64_t gemm,
                        const int64_t *digits)
{
    const int64_t *lengths = &space->lengths[(size_t)gemm * space->digits.digit_count];
    int64_t n = 0;
    for (size_t d = 0; d < space->digits.digit_count; d++)
        n = n * lengths[d] + digits[d];
    return machine * space->first[space->gemm_count] + space->first[gemm] + n;
}

/* ---- The rest ---------------------------------------------------------------------------- */

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
