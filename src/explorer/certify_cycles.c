/* docs/bounds.md, from "Traffic below L2" to "Cycles". */
#include "explorer/certify_bounds.h"

static int64_t side_of(const kpu_certify_variant *v, int dim)
{
    return dim == v->flow->row_dim ? v->machine->fabric_rows : v->machine->fabric_cols;
}

static int64_t elements_of(const kpu_certify_variant *v, int operand)
{
    int dims[2];
    kpu_certify_dims_of(operand, dims);
    return product(v->problem->dim[dims[0]], v->problem->dim[dims[1]]);
}

/* one_lo * one_lo' * e */
static int64_t tile_bytes(const kpu_certify_variant *v, int operand)
{
    int dims[2];
    kpu_certify_dims_of(operand, dims);
    return product(product(v->dim[dims[0]].tile.lo, v->dim[dims[1]].tile.lo),
                   kpu_certify_element_bytes(v->problem, operand));
}

/* ---- Traffic below L2 -------------------------------------------------------------------- */

static void stream(const kpu_certify_variant *v, int x, kpu_traffic *t)
{
    const kpu_certify_dim *o = &v->dim[kpu_certify_dim_lacking(x)];
    int64_t elements = elements_of(v, x), e = kpu_certify_element_bytes(v->problem, x);
    int64_t passes = kpu_certify_passes(o, side_of(v, kpu_certify_dim_lacking(x)));
    int64_t fed = product(product(elements, e), passes);
    t->l1_to_fabric[x] = fed;
    if (x != KPU_C) {
        t->l2_to_l1[x] = product(product(elements, e), o->tiles.lo);
        return;
    }
    t->fabric_to_l1[x] = fed;
    t->l2_to_l1[x] = product(product(elements, e), o->tiles.lo - 1);
    t->l1_to_l2[x] = sum(t->l2_to_l1[x], product(elements, v->problem->element_bytes[x]));
}

static void put_traffic(const kpu_certify_variant *v,
                        const kpu_certify_level level[KPU_HOIST_LEVELS], kpu_traffic *t)
{
    for (int x = 0; x < KPU_OPERANDS; x++) {
        t->dram_read[x] = level[KPU_HOIST_L3].bytes[x].in;
        t->dram_write[x] = level[KPU_HOIST_L3].bytes[x].out;
        t->l3_to_l2[x] = level[KPU_HOIST_L2].bytes[x].in;
        t->l2_to_l3[x] = level[KPU_HOIST_L2].bytes[x].out;
        if (x != kpu_dataflow_stationary(v->flow)) {
            stream(v, x, t);
            continue;
        }
        kpu_certify_bytes once = kpu_certify_link_bytes(v, x, KPU_NEST, false);
        t->l2_to_l1[x] = t->l1_to_fabric[x] = once.in;
        t->l1_to_l2[x] = t->fabric_to_l1[x] = once.out;
    }
}

/* ---- L1 and registers -------------------------------------------------------------------- */

static bool put_l1(const kpu_certify_variant *v, kpu_mapping *out)
{
    int64_t streamed = 0;
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (x != kpu_dataflow_stationary(v->flow))
            streamed = sum(streamed, tile_bytes(v, x));
    out->l1_bytes = product(v->hull->l1_buffers.lo, streamed);
    return out->l1_bytes <= kpu_machine_capacity_bytes(v->machine, KPU_LEVEL_L1);
}

/* Passes of a full tile. */
static kpu_certify_span full_passes(const kpu_certify_variant *v)
{
    const kpu_certify_span row = v->dim[v->flow->row_dim].tile;
    const kpu_certify_span col = v->dim[v->flow->col_dim].tile;
    const int64_t rows = v->machine->fabric_rows, cols = v->machine->fabric_cols;
    return (kpu_certify_span){product(kpu_ceil_div(row.lo, rows), kpu_ceil_div(col.lo, cols)),
                              product(kpu_ceil_div(row.hi, rows), kpu_ceil_div(col.hi, cols))};
}

static bool put_registers(const kpu_certify_variant *v, kpu_mapping *out)
{
    kpu_certify_span passes = full_passes(v);
    int64_t half = v->machine->registers_per_pe / 2;
    out->registers_per_pe = INT64_MAX;
    if (passes.lo <= half)
        out->registers_per_pe = 2 * passes.lo;
    if (passes.hi > half)
        out->registers_per_pe = least(out->registers_per_pe, largest(passes.lo, half + 1));
    return passes.lo <= v->machine->registers_per_pe;
}

/* ---- Cycles ------------------------------------------------------------------------------ */

/* What the rows of the table share. */
typedef struct parts {
    const kpu_certify_variant *v;
    const kpu_traffic *t;
    int stationary;
    kpu_certify_ends e;
    int64_t compute, steps, cells[KPU_OPERANDS], slots;
    int64_t best;
} parts;

kpu_rational kpu_certify_streamer(const kpu_machine *machine, int operand)
{
    return operand == KPU_A   ? machine->row_bytes_per_cycle
           : operand == KPU_B ? machine->col_bytes_per_cycle
                              : machine->drain_bytes_per_cycle;
}

static int64_t streams(const kpu_certify_variant *v, int operand, int64_t bytes)
{
    return occupancy(bytes, kpu_certify_streamer(v->machine, operand));
}

static int64_t add_up(const int64_t *terms, size_t count)
{
    int64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total = sum(total, terms[i]);
    return total;
}
#define SUM(...)                                                                                   \
    add_up((const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

static void put_compute(const kpu_certify_variant *v, parts *s)
{
    const kpu_machine *m = v->machine;
    const kpu_certify_dim *depth = &v->dim[kpu_dataflow_depth_dim(v->flow)];
    int64_t passes = product(kpu_certify_passes(&v->dim[v->flow->row_dim], m->fabric_rows),
                             kpu_certify_passes(&v->dim[v->flow->col_dim], m->fabric_cols));
    s->compute = product(passes, sum(depth->size, product(depth->tiles.lo, s->e.fill)));
}

void kpu_certify_ends_make(const kpu_certify_variant *v, kpu_certify_ends *out)
{
    const kpu_machine *m = v->machine;
    const bool pipelined = m->pipelining == KPU_PIPELINING_FULL;
    kpu_certify_ends e = {.lat3 = m->dma_latency_cycles,
                          .lat2 = m->block_mover_latency_cycles,
                          .lat1 = m->streamer_latency_cycles};
    e.skew = pipelined ? m->fabric_rows + m->fabric_cols - 2 : 0;
    e.fill = pipelined ? 0 : v->flow->unpipelined_row_fills * m->fabric_rows + m->fabric_cols - 2;
    for (int x = KPU_A; x <= KPU_B; x++) {
        int64_t tile = tile_bytes(v, x);
        e.in[x] = SUM(occupancy(tile, m->dma_bytes_per_cycle), e.lat3,
                      occupancy(tile, m->block_mover_bytes_per_cycle), e.lat2);
        int64_t loaded = x == kpu_dataflow_stationary(v->flow) ? streams(v, x, tile) : 0;
        e.first = largest(e.first, SUM(e.in[x], e.lat1, loaded));
    }
    int64_t final =
        product(product(v->dim[KPU_M].edge, v->dim[KPU_N].edge), v->problem->element_bytes[KPU_C]);
    e.out = SUM(e.lat1, occupancy(final, m->block_mover_bytes_per_cycle), e.lat2,
                occupancy(final, m->dma_bytes_per_cycle), e.lat3);
    e.drain = SUM(e.skew, streams(v, KPU_C, final), e.out);
    *out = e;
}

static void put_counts(const kpu_certify_variant *v, parts *s)
{
    s->steps = 1;
    for (int d = 0; d < KPU_DIMS; d++)
        s->steps = product(s->steps, v->dim[d].tiles.lo);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        int dims[2];
        kpu_certify_dims_of(x, dims);
        s->cells[x] = product(v->dim[dims[0]].tiles.lo, v->dim[dims[1]].tiles.lo);
    }
    s->slots = full_passes(v).lo <= v->machine->registers_per_pe / 2 ? 2 : 1;
}

static void raise(parts *s, int64_t bound)
{
    s->best = largest(s->best, bound);
}

static void bound_by_engines(const kpu_certify_level level[KPU_HOIST_LEVELS], parts *s)
{
    const kpu_machine *m = s->v->machine;
    const kpu_traffic *t = s->t;
    int64_t dma = occupancy(level[KPU_HOIST_L3].joint, m->dma_bytes_per_cycle);
    int64_t bm = occupancy(level[KPU_HOIST_L2].joint, m->block_mover_bytes_per_cycle);
    raise(s, SUM(s->e.first, s->compute, s->e.drain));
    raise(s, SUM(kpu_ceil_div(dma, m->dram_channels), s->e.lat3));
    raise(s, SUM(s->e.lat3, kpu_ceil_div(bm, m->block_mover_engines), s->e.lat2, s->e.lat3));
    for (int x = KPU_A; x <= KPU_B; x++)
        raise(s, SUM(s->e.in[x], streams(s->v, x, t->l2_to_l1[x]), s->e.lat1, s->e.drain));
    if (t->l2_to_l1[KPU_C] > 0)
        raise(s, SUM(s->e.first, streams(s->v, KPU_C, t->l2_to_l1[KPU_C]), s->e.lat1, s->e.drain));
    raise(s, SUM(s->e.first, s->e.skew, streams(s->v, KPU_C, t->l1_to_l2[KPU_C]), s->e.out));
}

static void bound_by_l1(parts *s)
{
    const kpu_traffic *t = s->t;
    const int64_t buffers = s->v->hull->l1_buffers.hi;
    for (int x = KPU_A; x <= KPU_B; x++) {
        if (x == s->stationary)
            continue;
        int64_t held = SUM(product(s->steps, s->e.lat1),
                           largest(s->compute, streams(s->v, x, t->l2_to_l1[x])));
        raise(s, SUM(s->e.in[x], kpu_ceil_div(held, buffers), s->e.drain));
    }
    if (s->stationary == KPU_C)
        return;
    int64_t held = SUM(product(s->steps, s->e.skew), product(s->steps - s->cells[KPU_C], s->e.lat1),
                       s->compute, streams(s->v, KPU_C, t->l1_to_l2[KPU_C]));
    raise(s, SUM(s->e.first, kpu_ceil_div(held, buffers), s->e.out));
}

static void bound_by_registers(parts *s)
{
    const kpu_traffic *t = s->t;
    const int x = s->stationary;
    if (x == KPU_C) {
        int64_t held = SUM(product(s->cells[x], s->e.skew), streams(s->v, x, t->l2_to_l1[x]),
                           streams(s->v, x, t->l1_to_l2[x]), s->compute);
        raise(s, SUM(s->e.first, kpu_ceil_div(held, s->slots), s->e.out));
        return;
    }
    int64_t held =
        SUM(product(s->cells[x], s->e.lat1), streams(s->v, x, t->l2_to_l1[x]), s->compute);
    raise(s, SUM(s->e.in[x], kpu_ceil_div(held, s->slots), s->e.drain));
}

static void bound_by_rings(const kpu_certify_level level[KPU_HOIST_LEVELS], parts *s)
{
    const kpu_machine *m = s->v->machine;
    const kpu_traffic *t = s->t;
    for (int x = KPU_A; x <= KPU_B; x++) {
        int64_t l3 =
            SUM(product(s->cells[x], s->e.lat3), occupancy(t->dram_read[x], m->dma_bytes_per_cycle),
                occupancy(t->dram_read[x], m->block_mover_bytes_per_cycle));
        int64_t l2 = SUM(product(s->cells[x], s->e.lat2),
                         occupancy(t->l3_to_l2[x], m->block_mover_bytes_per_cycle),
                         streams(s->v, x, t->l3_to_l2[x]));
        raise(s, SUM(kpu_ceil_div(l3, level[KPU_HOIST_L3].slots[x]), s->e.lat2, s->e.lat1,
                     s->e.drain));
        raise(s, SUM(s->e.lat3, kpu_ceil_div(l2, level[KPU_HOIST_L2].slots[x]), s->e.lat1,
                     s->e.drain));
    }
}

bool kpu_certify_cycles(const kpu_certify_variant *v,
                        const kpu_certify_level level[KPU_HOIST_LEVELS], kpu_result *out)
{
    parts s = {.v = v, .t = &out->counts.traffic, .stationary = kpu_dataflow_stationary(v->flow)};
    out->mapping.l3_bytes = level[KPU_HOIST_L3].footprint;
    out->mapping.l2_bytes = level[KPU_HOIST_L2].footprint;
    if (!put_l1(v, &out->mapping) || !put_registers(v, &out->mapping))
        return false;
    put_traffic(v, level, &out->counts.traffic);
    kpu_certify_ends_make(v, &s.e);
    put_compute(v, &s);
    put_counts(v, &s);
    bound_by_engines(level, &s);
    bound_by_l1(&s);
    bound_by_registers(&s);
    bound_by_rings(level, &s);
    out->counts.cycles = s.best;
    return true;
}
