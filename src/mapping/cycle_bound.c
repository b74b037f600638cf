/* A lower bound on the cycles of one mapping (docs/bounds.md, "A mapping"). */
#include "mapping/cycle_case.h"

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- Steps -------------------------------------------------------------------------------- */

/* Sums over all steps. */
typedef struct step_sums {
    int64_t compute;
    int64_t in_l1;           /* first datum to last result of what streams in at every step */
    int64_t in_accumulators; /* from the arrival of C to the STR_COUT that takes it */
} step_sums;

static void add_steps(const kpu_cycle_case *c, const int edge[KPU_DIMS], step_sums *sums)
{
    const kpu_run_ends *e = &c->ends;
    int64_t steps = 1, compute = 1, stream[KPU_OPERANDS];
    for (int d = 0; d < KPU_DIMS; d++) {
        steps *= c->sizes[d][edge[d]];
        compute *= c->factor[d][edge[d]];
    }
    if (!steps)
        return;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        int dims[2];
        kpu_operand_dimensions(x, dims);
        stream[x] = x == c->stationary ? 0 : c->in[x].stream.of[edge[dims[0]]][edge[dims[1]]];
    }
    int64_t fresh = edge[KPU_K] ? 0 : steps / c->sizes[KPU_K][0], later = steps - fresh;
    int64_t step = larger(compute, larger(stream[KPU_A], stream[KPU_B]));
    sums->compute += steps * compute;
    sums->in_l1 += steps * e->lat1 + fresh * step + later * larger(step, stream[KPU_C]);
    sums->in_accumulators +=
        steps * e->skew + fresh * compute + later * (e->lat1 + larger(compute, stream[KPU_C]));
}

static step_sums sum_steps(const kpu_cycle_case *c)
{
    step_sums sums = {0, 0, 0};
    for (int i = 0; i < 1 << KPU_DIMS; i++) {
        const int edge[KPU_DIMS] = {i & 1, i >> 1 & 1, i >> 2};
        add_steps(c, edge, &sums);
    }
    return sums;
}

/* ---- Engines ------------------------------------------------------------------------------ */

/* Loads and stores at a level: a tile of C that leaves unfinished comes back. */
static int64_t level_busy(const kpu_cycle_case *c, int visit)
{
    const kpu_transfer_cycles *in = c->in, *final = &c->final;
    bool l3 = visit == KPU_VISIT_L3;
    return kpu_sum_visits(c, KPU_A, visit, 0, l3 ? &in[KPU_A].dma : &in[KPU_A].bm) +
           kpu_sum_visits(c, KPU_B, visit, 0, l3 ? &in[KPU_B].dma : &in[KPU_B].bm) +
           kpu_sum_visits(c, KPU_C, visit, 1, l3 ? &in[KPU_C].dma : &in[KPU_C].bm) * 2 +
           kpu_sum_tiles(c, KPU_C, l3 ? &final->dma : &final->bm);
}

static int64_t streamer_busy(const kpu_cycle_case *c, int x)
{
    static const uint8_t lacks[KPU_OPERANDS] = {KPU_N, KPU_M, KPU_K};
    if (x == c->stationary)
        return kpu_sum_visits(c, x, KPU_VISIT_RUN, x == KPU_C, &c->in[x].stream);
    return kpu_sum_tiles(c, x, &c->in[x].stream) * (c->mapping->tiles[lacks[x]] - (x == KPU_C));
}

static void bound_by_engines(const kpu_cycle_case *c, const step_sums *sums,
                             kpu_cycle_term terms[KPU_CYCLE_BOUNDS])
{
    const kpu_run_ends *e = &c->ends;
    int64_t c_in = streamer_busy(c, KPU_C);
    int64_t c_out = c_in + kpu_sum_tiles(c, KPU_C, &c->final.stream);
    terms[KPU_BOUND_COMPUTE] = (kpu_cycle_term){e->first, sums->compute, 1, e->drain};
    terms[KPU_BOUND_DMA] =
        (kpu_cycle_term){0, level_busy(c, KPU_VISIT_L3), c->machine->dram_channels, e->lat3};
    terms[KPU_BOUND_BM] = (kpu_cycle_term){e->lat3, level_busy(c, KPU_VISIT_L2),
                                           c->machine->block_mover_engines, e->lat2 + e->lat3};
    for (int x = KPU_A; x <= KPU_B; x++)
        terms[KPU_BOUND_STR_A + x] =
            (kpu_cycle_term){e->arrival[x], streamer_busy(c, x), 1, e->lat1 + e->drain};
    if (c_in)
        terms[KPU_BOUND_STR_CIN] = (kpu_cycle_term){e->first, c_in, 1, e->lat1 + e->drain};
    terms[KPU_BOUND_STR_COUT] = (kpu_cycle_term){e->first + e->skew, c_out, 1, e->out};
}

/* ---- Slots -------------------------------------------------------------------------------- */

static void bound_by_l1(const kpu_cycle_case *c, const step_sums *sums,
                        kpu_cycle_term terms[KPU_CYCLE_BOUNDS])
{
    const kpu_run_ends *e = &c->ends;
    int64_t slots = c->mapping->l1_buffers, before = INT64_MAX;
    for (int x = KPU_A; x <= KPU_B; x++)
        if (x != c->stationary && e->arrival[x] < before)
            before = e->arrival[x];
    terms[KPU_BOUND_L1] = (kpu_cycle_term){before, sums->in_l1, slots, e->drain};
    if (c->stationary == KPU_C)
        return;
    int64_t out = streamer_busy(c, KPU_C) + kpu_sum_tiles(c, KPU_C, &c->final.stream);
    terms[KPU_BOUND_ACCUMULATORS] =
        (kpu_cycle_term){e->first, sums->in_accumulators + out, slots, e->out};
}

static kpu_cycle_term bound_by_registers(const kpu_cycle_case *c, int64_t compute)
{
    const kpu_run_ends *e = &c->ends;
    const kpu_mapping *m = c->mapping;
    int64_t runs = kpu_count_visits(c, c->stationary, KPU_VISIT_RUN);
    int64_t in = streamer_busy(c, c->stationary), slots = m->double_buffered ? 2 : 1;
    if (c->stationary != KPU_C)
        return (kpu_cycle_term){e->arrival[c->stationary], runs * e->lat1 + in + compute, slots,
                                e->drain};
    int64_t later = runs - m->tiles[KPU_M] * m->tiles[KPU_N];
    int64_t out = in + kpu_sum_tiles(c, KPU_C, &c->final.stream);
    return (kpu_cycle_term){e->first, later * e->lat1 + in + compute + runs * e->skew + out, slots,
                            e->out};
}

/* Loaded, arrived, read once. */
static void bound_by_rings(const kpu_cycle_case *c, kpu_cycle_term terms[KPU_CYCLE_BOUNDS])
{
    const kpu_run_ends *e = &c->ends;
    for (int x = KPU_A; x <= KPU_B; x++) {
        const kpu_transfer_cycles *in = &c->in[x];
        const int64_t *slots = c->mapping->slots[x];
        int64_t l3 = kpu_count_visits(c, x, KPU_VISIT_L3) * e->lat3 +
                     kpu_sum_visits(c, x, KPU_VISIT_L3, 0, &in->dma) +
                     kpu_sum_visits(c, x, KPU_VISIT_L3, 0, &in->bm);
        int64_t l2 = kpu_count_visits(c, x, KPU_VISIT_L2) * e->lat2 +
                     kpu_sum_visits(c, x, KPU_VISIT_L2, 0, &in->bm) +
                     kpu_sum_visits(c, x, KPU_VISIT_L2, 0, &in->stream);
        terms[KPU_BOUND_L3_A + x] =
            (kpu_cycle_term){0, l3, slots[KPU_HOIST_L3], e->lat2 + e->lat1 + e->drain};
        terms[KPU_BOUND_L2_A + x] =
            (kpu_cycle_term){e->lat3, l2, slots[KPU_HOIST_L2], e->lat1 + e->drain};
    }
    terms[KPU_BOUND_L3_C] = kpu_bound_l3_ring_of_c(c);
    terms[KPU_BOUND_L2_C] = kpu_bound_l2_ring_of_c(c);
}

/* ------------------------------------------------------------------------------------------- */

void kpu_mapping_cycle_bounds(const kpu_machine *machine, const kpu_mapping *mapping,
                              int64_t bounds[KPU_CYCLE_BOUNDS])
{
    kpu_cycle_term terms[KPU_CYCLE_BOUNDS] = {{0, 0, 0, 0}};
    kpu_cycle_case c;
    for (int i = 0; i < KPU_CYCLE_BOUNDS; i++)
        bounds[i] = 0;
    if (!kpu_cycle_case_init(machine, mapping, &c))
        return;
    step_sums sums = sum_steps(&c);
    bound_by_engines(&c, &sums, terms);
    bound_by_l1(&c, &sums, terms);
    terms[KPU_BOUND_REGISTERS] = bound_by_registers(&c, sums.compute);
    bound_by_rings(&c, terms);
    terms[KPU_BOUND_CHAIN] = kpu_bound_chain(&c);
    for (int i = 0; i < KPU_CYCLE_BOUNDS; i++)
        bounds[i] = kpu_cycle_term_bound(&terms[i]);
}

void kpu_mapping_lower_bounds(const kpu_machine *machine, const kpu_mapping *m,
                              kpu_lower_bounds *out)
{
    int64_t bounds[KPU_CYCLE_BOUNDS];
    kpu_mapping_traffic(machine, m, &out->traffic);
    kpu_mapping_cycle_bounds(machine, m, bounds);
    out->empty = false;
    out->cycles = 0;
    for (int i = 0; i < KPU_CYCLE_BOUNDS; i++)
        out->cycles = larger(out->cycles, bounds[i]);
    out->l3_bytes = m->l3_bytes;
    out->l2_bytes = m->l2_bytes;
    out->l1_bytes = m->l1_bytes;
    out->registers_per_pe = m->registers_per_pe;
}
