/* docs/bounds.md, "A box": the hull, its variants, and the least of what they say. */
#include "explorer/certify_bounds.h"

#include <string.h>

/* ---- The hull ---------------------------------------------------------------------------- */

enum { /* the rows of kpu_space_axes */
       AXIS_TILE = 0,
       AXIS_BLOCK = 3,
       AXIS_DATAFLOW = 6,
       AXIS_SWAP = 7,
       AXIS_ORDER = 8,
       AXIS_L3 = 9,
       AXIS_L2 = 10,
       AXIS_L1 = 11,
       AXIS_RESIDENCY = 14
};
_Static_assert(AXIS_RESIDENCY + 1 == KPU_SPACE_AXES, "residency is the last axis");

/* The elements of an axis that the box has. */
typedef struct elements {
    const int64_t *number;
    int64_t count;
    size_t width;
} elements;

static elements elements_of(const kpu_space *space, const kpu_certify_box *box, size_t axis)
{
    const kpu_certify_range range = box->digit[space->digits.digit_of[axis]];
    const kpu_values *values = &space->values[(size_t)box->gemm.low * KPU_SPACE_AXES + axis];
    size_t width = kpu_element_width(kpu_space_axes[axis].element);
    return (elements){values->number + (size_t)range.low * width, range.high - range.low + 1,
                      width};
}

static const int64_t *element_at(const elements *e, int64_t n)
{
    return e->number + (size_t)n * e->width;
}

/* Of one number of the elements; 0 may stand for something larger than all. */
static kpu_certify_span span_of(const elements *e, size_t part, int64_t zero)
{
    kpu_certify_span span = {INT64_MAX, 0};
    for (int64_t n = 0; n < e->count; n++) {
        int64_t value = element_at(e, n)[part] == 0 ? zero : element_at(e, n)[part];
        span.lo = least(span.lo, value);
        span.hi = largest(span.hi, value);
    }
    return span;
}

static void put_flags(const elements *e, bool *flags)
{
    for (int64_t n = 0; n < e->count; n++)
        flags[*element_at(e, n)] = true;
}

/* An element of residency: whether it is auto, then the six hoists. */
static void put_residency(const elements *e, kpu_certify_hull *out)
{
    bool same = true;
    for (int64_t n = 1; n < e->count; n++)
        same = same && memcmp(element_at(e, n), e->number, e->width * sizeof *e->number) == 0;
    out->all_auto = same && e->number[0];
    out->same_hoists = same && !e->number[0];
    memcpy(out->hoist, e->number + 1, sizeof out->hoist);
}

void kpu_certify_hull_make(const kpu_space *space, const kpu_certify_box *box,
                           kpu_certify_hull *out)
{
    elements of[KPU_SPACE_AXES];
    for (size_t a = 0; a < KPU_SPACE_AXES; a++)
        of[a] = elements_of(space, box, a);
    memset(out, 0, sizeof *out);
    for (size_t d = 0; d < KPU_DIMS; d++) {
        out->tile[d] = span_of(&of[AXIS_TILE + d], 0, 0);
        out->block[d] = span_of(&of[AXIS_BLOCK + d], 0, INT64_MAX);
    }
    for (size_t x = 0; x < KPU_OPERANDS; x++) {
        out->buffers[x][KPU_HOIST_L3] = span_of(&of[AXIS_L3], x, 0);
        out->buffers[x][KPU_HOIST_L2] = span_of(&of[AXIS_L2], x, 0);
    }
    out->l1_buffers = span_of(&of[AXIS_L1], 0, 0);
    put_flags(&of[AXIS_DATAFLOW], out->dataflow);
    put_flags(&of[AXIS_SWAP], out->swap);
    for (int64_t n = 0; n < of[AXIS_ORDER].count; n++) {
        const int64_t *order = element_at(&of[AXIS_ORDER], n);
        out->order[order[0]][order[1]] = true;
    }
    put_residency(&of[AXIS_RESIDENCY], out);
}

/* ---- Variants ---------------------------------------------------------------------------- */

/* The bounds of one variant; false if it is proven empty. */
static bool bound_variant(kpu_certify_variant *v, kpu_certify_level level[KPU_HOIST_LEVELS],
                          kpu_result *out)
{
    memset(out, 0, sizeof *out);
    return kpu_certify_layout(v) &&
           kpu_certify_hoists(v, KPU_HOIST_L3, NULL, &level[KPU_HOIST_L3]) &&
           kpu_certify_hoists(v, KPU_HOIST_L2, &level[KPU_HOIST_L3], &level[KPU_HOIST_L2]) &&
           kpu_certify_cycles(v, level, out);
}

static void lower(int64_t *value, int64_t other)
{
    *value = least(*value, other);
}

static void lower_traffic(kpu_traffic *t, const kpu_traffic *other)
{
    for (int x = 0; x < KPU_OPERANDS; x++) {
        lower(&t->dram_read[x], other->dram_read[x]);
        lower(&t->dram_write[x], other->dram_write[x]);
        lower(&t->l3_to_l2[x], other->l3_to_l2[x]);
        lower(&t->l2_to_l3[x], other->l2_to_l3[x]);
        lower(&t->l2_to_l1[x], other->l2_to_l1[x]);
        lower(&t->l1_to_l2[x], other->l1_to_l2[x]);
        lower(&t->l1_to_fabric[x], other->l1_to_fabric[x]);
        lower(&t->fabric_to_l1[x], other->fabric_to_l1[x]);
    }
}

/* The least of both, component by component. */
static void lower_all(kpu_result *result, const kpu_result *other)
{
    lower(&result->counts.cycles, other->counts.cycles);
    lower_traffic(&result->counts.traffic, &other->counts.traffic);
    lower(&result->mapping.l3_bytes, other->mapping.l3_bytes);
    lower(&result->mapping.l2_bytes, other->mapping.l2_bytes);
    lower(&result->mapping.l1_bytes, other->mapping.l1_bytes);
    lower(&result->mapping.registers_per_pe, other->mapping.registers_per_pe);
}

/* Variant `n`: a dataflow, a swap, the first loop of an order and its second; false if it is not
 * one of the box. */
static bool make_variant(int n, kpu_certify_variant *v)
{
    const kpu_certify_hull *hull = v->hull;
    int second = n % KPU_DIMS, first = n / KPU_DIMS % KPU_DIMS;
    int swap = n / (KPU_DIMS * KPU_DIMS) % 2, dataflow = n / (KPU_DIMS * KPU_DIMS * 2);
    if (!hull->dataflow[dataflow] || !hull->swap[swap] || !hull->order[first][second])
        return false;
    v->flow = kpu_dataflow_at(dataflow);
    v->loop[0] = first;
    v->loop[1] = second;
    v->loop[2] = KPU_M + KPU_N + KPU_K - first - second;
    for (int i = 0; i < KPU_DIMS; i++)
        v->loop[KPU_BLOCK_LOOPS + i] = v->flow->loops[swap][i];
    return true;
}

/* "A box" */
static bool bound_box(kpu_certify_variant *v, kpu_result *out)
{
    enum { VARIANTS = KPU_DATAFLOWS * 2 * KPU_DIMS * KPU_DIMS };
    kpu_certify_level level[KPU_HOIST_LEVELS];
    kpu_result one;
    bool empty = true;
    for (int n = 0; n < VARIANTS; n++) {
        if (!make_variant(n, v) || !bound_variant(v, level, &one))
            continue;
        if (empty)
            *out = one;
        else
            lower_all(out, &one);
        empty = false;
    }
    return !empty;
}

/* "A mapping": the model says where the candidate keeps its operands; the rest follows. */
static bool bound_mapping(const kpu_space *space, const kpu_certify_box *box,
                          kpu_certify_variant *v, kpu_certify_hull *hull, kpu_result *out)
{
    kpu_certify_level level[KPU_HOIST_LEVELS];
    kpu_mapping mapping;
    kpu_point point;
    kpu_certify_box_point(space, box, 0, &point);
    if (kpu_mapping_make(v->machine, v->problem, &point.candidate, &mapping) != KPU_OK ||
        mapping.broken)
        return false;
    hull->all_auto = false;
    hull->same_hoists = true;
    memcpy(hull->hoist, mapping.hoist, sizeof hull->hoist);
    for (int n = 0; !make_variant(n, v);)
        n++;
    if (!bound_variant(v, level, out))
        return false;
    out->counts.cycles = kpu_certify_mapping_cycles(v, level);
    return true;
}

void kpu_certify_bound(const kpu_space *space, const kpu_certify_box *box, kpu_certify_bounds *out)
{
    kpu_certify_hull hull;
    kpu_result floor;
    kpu_certify_hull_make(space, box, &hull);
    kpu_certify_variant v = {.machine = kpu_space_machine(space, box->machine.low),
                             .problem = &kpu_space_gemm(space, box->gemm.low)->problem,
                             .hull = &hull};
    out->empty =
        !(kpu_certify_box_count(space, box) == 1 ? bound_mapping(space, box, &v, &hull, &floor)
                                                 : bound_box(&v, &floor));
    if (out->empty)
        return;
    floor.mapping.problem = *v.problem;
    for (size_t i = 0; i < kpu_space_objective_count(space); i++)
        out->value[i] =
            kpu_certify_metric(v.machine, &floor, (size_t)kpu_space_objective(space, i));
}
