/* [space]: the candidate's axes, and the numbering of all points. */
#include "explorer/space.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(kpu_candidate, field)
/* The order is that of the digits, the last one fastest. */
const kpu_space_axis kpu_space_axes[KPU_SPACE_AXES] = {
    {"TM", AT(tile[KPU_M]), KPU_ELEMENT_EXTENT, KPU_M},
    {"TN", AT(tile[KPU_N]), KPU_ELEMENT_EXTENT, KPU_N},
    {"TK", AT(tile[KPU_K]), KPU_ELEMENT_EXTENT, KPU_K},
    {"BM", AT(block[KPU_M]), KPU_ELEMENT_EXTENT, KPU_M},
    {"BN", AT(block[KPU_N]), KPU_ELEMENT_EXTENT, KPU_N},
    {"BK", AT(block[KPU_K]), KPU_ELEMENT_EXTENT, KPU_K},
    {"dataflow", AT(dataflow), KPU_ELEMENT_WORD, -1},
    {"swap", AT(swap), KPU_ELEMENT_INTEGER, -1},
    {"order", AT(order), KPU_ELEMENT_ORDER, -1},
    {"d3", AT(l3_buffers), KPU_ELEMENT_TRIPLE, -1},
    {"d2", AT(l2_buffers), KPU_ELEMENT_TRIPLE, -1},
    {"d1", AT(l1_buffers), KPU_ELEMENT_INTEGER, -1},
    {"control", AT(control), KPU_ELEMENT_WORD, -1},
    {"eddo_window", AT(eddo_window), KPU_ELEMENT_INTEGER, -1},
    {"residency", AT(auto_residency), KPU_ELEMENT_RESIDENCY, -1},
};
_Static_assert(offsetof(kpu_candidate, hoist) ==
                   offsetof(kpu_candidate, auto_residency) + sizeof(int64_t),
               "a residency is written to auto_residency and hoist at once");

static const char *const dim_names[KPU_DIMS] = {"M", "N", "K"};
/* Beyond this, sums of indices could leave 64 bits; nobody evaluates as many. */
static const int64_t largest_space = INT64_C(1) << 62;

static int read_axis(kpu_space *space, size_t a, const kpu_ini *sweep, kpu_diag *diag)
{
    const kpu_space_axis *axis = &kpu_space_axes[a];
    const kpu_key *key = kpu_key_find(KPU_FILE_SWEEP, "space", axis->name);
    const kpu_setting *setting = kpu_ini_find(sweep, "space", axis->name);
    const kpu_place nowhere = {.file = sweep->path};
    const char *text = kpu_ini_value(sweep, "space", axis->name);
    if (!text)
        return KPU_E_INPUT; /* kpu_ini_check_required has told */
    int code = kpu_axis_parse(&space->axes[a], key, axis->element, text,
                              setting ? &setting->place : &nowhere, diag);
    if (code == KPU_OK && !space->axes[a].has_divisors)
        code = kpu_axis_expand(&space->axes[a], &(kpu_axis_extent){0}, &space->shared[a], diag);
    return code;
}

static void list_names(const char *names[KPU_SPACE_AXES])
{
    for (size_t a = 0; a < KPU_SPACE_AXES; a++)
        names[a] = kpu_space_axes[a].name;
}

int kpu_space_read_axes(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    const char *names[KPU_SPACE_AXES];
    int worst = KPU_OK;
    for (size_t a = 0; a < KPU_SPACE_AXES; a++) {
        int code = read_axis(space, a, sweep, diag);
        worst = code != KPU_OK ? code : worst;
    }
    list_names(names);
    space->digits = (kpu_digits){.axis_count = KPU_SPACE_AXES};
    int code = kpu_digits_make(&space->digits, names, sweep, diag);
    return worst != KPU_OK ? worst : code;
}

/* Divisors are found by trial up to the root of each dimension: whether that takes seconds at
 * most. */
static int check_factoring(const kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    const double most = 1 << 28;
    double trials = 0;
    for (size_t g = 0; g < space->gemm_count; g++) {
        const kpu_problem *problem = &kpu_space_gemm(space, (int64_t)g)->problem;
        for (size_t a = 0; a < KPU_SPACE_AXES; a++) {
            int dim = kpu_space_axes[a].dim; /* -1: not a size, so without divisors */
            if (space->axes[a].has_divisors && dim >= 0)
                trials += sqrt((double)problem->dim[dim]);
        }
    }
    if (trials <= most)
        return KPU_OK;
    return kpu_diag_add_at(diag, KPU_E_INPUT, &(kpu_place){.file = sweep->path},
                           "[space] asks for the divisors of too many large dimensions; give "
                           "lists or ranges");
}

/* Values of every axis for one GEMM; *made: those of all GEMMs so far. */
static int expand_gemm(kpu_space *space, size_t g, int64_t *made, kpu_diag *diag)
{
    const kpu_gemm *gemm = kpu_space_gemm(space, (int64_t)g);
    int worst = KPU_OK;
    for (size_t a = 0; a < KPU_SPACE_AXES; a++) {
        kpu_values *values = &space->values[g * KPU_SPACE_AXES + a];
        *values = space->shared[a];
        if (!space->axes[a].has_divisors)
            continue;
        int dim = kpu_space_axes[a].dim;
        kpu_axis_extent extent = {gemm->problem.dim[dim], dim_names[dim], gemm->name};
        int code = kpu_axis_expand(&space->axes[a], &extent, values, diag);
        worst = code != KPU_OK ? code : worst;
        *made += values->count;
    }
    if (*made > KPU_SPACE_VALUES_MAX)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &space->axes[KPU_M].place,
                               "axes with divisors have more than %d values for all GEMMs together",
                               KPU_SPACE_VALUES_MAX);
    return worst;
}

static int measure_gemm(kpu_space *space, size_t g, kpu_diag *diag)
{
    const char *names[KPU_SPACE_AXES];
    char whose[160];
    int64_t axis_lengths[KPU_SPACE_AXES];
    list_names(names);
    for (size_t a = 0; a < KPU_SPACE_AXES; a++)
        axis_lengths[a] = space->values[g * KPU_SPACE_AXES + a].count;
    snprintf(whose, sizeof whose, " for the GEMM %s", kpu_space_gemm(space, (int64_t)g)->name);
    return kpu_digits_lengths(&space->digits, names, axis_lengths, whose,
                              &space->lengths[g * space->digits.digit_count], diag);
}

/* False if the space is too large to be numbered. */
static bool count_gemm(kpu_space *space, size_t g)
{
    int64_t size = 1;
    for (size_t d = 0; d < space->digits.digit_count; d++) {
        if (kpu_mul_overflows(size, space->lengths[g * space->digits.digit_count + d], &size) ||
            size > largest_space)
            return false;
    }
    return !kpu_add_overflows(space->first[g], size, &space->first[g + 1]) &&
           space->first[g + 1] <= largest_space;
}

static int number_gemms(kpu_space *space, kpu_diag *diag)
{
    int64_t made = 0;
    for (size_t g = 0; g < space->gemm_count; g++) {
        int code = expand_gemm(space, g, &made, diag);
        if (code == KPU_OK)
            code = measure_gemm(space, g, diag);
        if (code != KPU_OK)
            return code; /* the other GEMMs would say much the same */
        if (!count_gemm(space, g))
            return KPU_E_RANGE;
    }
    return kpu_mul_overflows(space->first[space->gemm_count], (int64_t)space->machine_count,
                             &space->raw_size) ||
                   space->raw_size > largest_space
               ? KPU_E_RANGE
               : KPU_OK;
}

int kpu_space_number(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    size_t gemms = space->gemm_count;
    if (gemms == 0 || space->machine_count == 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &(kpu_place){.file = sweep->path},
                               "an empty space: no GEMM or no machine");
    space->values = calloc(gemms * KPU_SPACE_AXES, sizeof *space->values);
    space->lengths = calloc(gemms * space->digits.digit_count, sizeof *space->lengths);
    space->first = calloc(gemms + 1, sizeof *space->first);
    if (!space->values || !space->lengths || !space->first)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    int code = check_factoring(space, sweep, diag);
    if (code == KPU_OK)
        code = number_gemms(space, diag);
    if (code == KPU_E_RANGE)
        return kpu_diag_add_at(diag, code, &(kpu_place){.file = sweep->path},
                               "[space] has more than 2^62 points; shorten its axes");
    return code;
}

void kpu_space_free_axes(kpu_space *space)
{
    for (size_t i = 0; space->values && i < space->gemm_count * KPU_SPACE_AXES; i++) {
        if (space->axes[i % KPU_SPACE_AXES].has_divisors)
            free(space->values[i].number);
    }
    for (size_t a = 0; a < KPU_SPACE_AXES; a++) {
        free(space->shared[a].number);
        kpu_axis_fini(&space->axes[a]);
    }
    free(space->values);
    free(space->lengths);
    free(space->first);
}
