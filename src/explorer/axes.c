/* [space]: the axes of the candidate, in the order of the table of keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explorer/space.h"

#define AXIS(name, element, field, dim) {name, KPU_ELEMENT_##element, offsetof(kpu_candidate, field), dim}
const kpu_space_axis kpu_space_axes[KPU_SPACE_AXES] = {
    AXIS("TM", EXTENT, tile[KPU_M], KPU_M),
    AXIS("TN", EXTENT, tile[KPU_N], KPU_N),
    AXIS("TK", EXTENT, tile[KPU_K], KPU_K),
    AXIS("BM", EXTENT, block[KPU_M], KPU_M),
    AXIS("BN", EXTENT, block[KPU_N], KPU_N),
    AXIS("BK", EXTENT, block[KPU_K], KPU_K),
    AXIS("dataflow", WORD, dataflow, -1),
    AXIS("swap", INTEGER, swap, -1),
    AXIS("order", ORDER, order, -1),
    AXIS("d3", TRIPLE, l3_buffers, -1),
    AXIS("d2", TRIPLE, l2_buffers, -1),
    AXIS("d1", INTEGER, l1_buffers, -1),
    AXIS("control", WORD, control, -1),
    AXIS("eddo_window", INTEGER, eddo_window, -1),
    AXIS("residency", RESIDENCY, auto_residency, -1), /* and hoist[][], which follows it */
};
#undef AXIS
_Static_assert(offsetof(kpu_candidate, hoist) ==
                   offsetof(kpu_candidate, auto_residency) + sizeof(int64_t),
               "a residency is one element: auto_residency, then hoist");

static const char *const dim_names[KPU_DIMS] = {"M", "N", "K"};

static void list_names(const char *names[KPU_SPACE_AXES])
{
    for (size_t a = 0; a < KPU_SPACE_AXES; a++)
        names[a] = kpu_space_axes[a].name;
}

/* An axis that is not set takes the default of its key. */
static int parse_axis(kpu_space *space, size_t a, const kpu_ini *sweep, kpu_diag *diag)
{
    const kpu_space_axis *axis = &kpu_space_axes[a];
    const kpu_setting *setting = kpu_ini_find(sweep, "space", axis->name);
    const kpu_key *key = kpu_key_find(KPU_FILE_SWEEP, "space", axis->name);
    kpu_place none = {sweep->path, 0, 0, NULL};
    const char *text = setting ? setting->value : key->fallback;
    if (!text) /* required keys are checked before; this is for callers that did not */
        return kpu_diag_add_at(diag, KPU_E_INPUT, &none, "space.%s is missing", axis->name);
    return kpu_axis_parse(&space->axes[a], key, axis->element, text,
                          setting ? &setting->place : &none, diag);
}

/* Values of an axis for one GEMM: its own if they depend on it, else those that all share. */
static int expand_axis(kpu_space *space, size_t a, size_t gemm, kpu_diag *diag)
{
    kpu_values *into = &space->values[gemm * KPU_SPACE_AXES + a];
    if (!space->axes[a].has_divisors) {
        *into = space->shared[a];
        return KPU_OK;
    }
    int dim = kpu_space_axes[a].dim;
    const kpu_gemm *g = kpu_space_gemm(space, (int64_t)gemm);
    kpu_axis_extent extent = {g->problem.dim[dim], dim_names[dim], g->name};
    return kpu_axis_expand(&space->axes[a], &extent, into, diag);
}

static int parse_axes(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    int worst = KPU_OK;
    for (size_t a = 0; a < KPU_SPACE_AXES; a++) {
        kpu_axis_extent none = {0};
        int code = parse_axis(space, a, sweep, diag);
        if (code == KPU_OK && !space->axes[a].has_divisors)
            code = kpu_axis_expand(&space->axes[a], &none, &space->shared[a], diag);
        worst = code != KPU_OK ? code : worst;
    }
    return worst;
}

int kpu_space_read_axes(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    const char *names[KPU_SPACE_AXES];
    list_names(names);
    int worst = parse_axes(space, sweep, diag);
    int code = kpu_digits_make(&space->digits, names, KPU_SPACE_AXES, sweep, diag);
    worst = code != KPU_OK ? code : worst;
    if (worst != KPU_OK)
        return worst;
    space->values = calloc(space->gemm_count * KPU_SPACE_AXES, sizeof *space->values);
    if (!space->values)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    for (size_t g = 0; g < space->gemm_count; g++)
        for (size_t a = 0; a < KPU_SPACE_AXES; a++) {
            code = expand_axis(space, a, g, diag);
            worst = code != KPU_OK ? code : worst;
        }
    return worst;
}

void kpu_space_free_axes(kpu_space *space)
{
    for (size_t a = 0; a < KPU_SPACE_AXES; a++) {
        for (size_t g = 0; space->values && g < space->gemm_count; g++)
            if (space->axes[a].has_divisors)
                free(space->values[g * KPU_SPACE_AXES + a].number);
        free(space->shared[a].number);
        kpu_axis_fini(&space->axes[a]);
    }
    free(space->values);
}

static int too_large(const kpu_ini *sweep, kpu_diag *diag)
{
    kpu_place place = {sweep->path, 0, 0, NULL};
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                           "the space has more than 2^62 candidates; narrow an axis");
}

/* Points of one GEMM on one machine. */
static int count_points(kpu_space *space, size_t gemm, const kpu_ini *sweep, kpu_diag *diag)
{
    const char *names[KPU_SPACE_AXES];
    int64_t lengths[KPU_SPACE_AXES], *digits = &space->lengths[gemm * space->digits.digit_count];
    char whose[160];
    list_names(names);
    for (size_t a = 0; a < KPU_SPACE_AXES; a++)
        lengths[a] = space->values[gemm * KPU_SPACE_AXES + a].count;
    snprintf(whose, sizeof whose, " for the GEMM %s", kpu_space_gemm(space, (int64_t)gemm)->name);
    int code = kpu_digits_lengths(&space->digits, names, lengths, whose, digits, diag);
    int64_t points = 1;
    for (size_t d = 0; code == KPU_OK && d < space->digits.digit_count; d++)
        if (kpu_mul_overflows(points, digits[d], &points) || points > INT64_C(1) << 62)
            return too_large(sweep, diag);
    int64_t *first = &space->first[gemm];
    if (code == KPU_OK && kpu_add_overflows(first[0], points, &first[1]))
        return too_large(sweep, diag);
    return code;
}

int kpu_space_number(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    space->lengths = calloc(space->gemm_count * space->digits.digit_count, sizeof(int64_t));
    space->first = calloc(space->gemm_count + 1, sizeof(int64_t));
    if (!space->lengths || !space->first)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    for (size_t g = 0; g < space->gemm_count; g++) {
        int code = count_points(space, g, sweep, diag);
        if (code != KPU_OK)
            return code;
    }
    if (kpu_mul_overflows(space->first[space->gemm_count], (int64_t)space->machine_count,
                          &space->raw_size) ||
        space->raw_size > INT64_C(1) << 62)
        return too_large(sweep, diag);
    return KPU_OK;
}
