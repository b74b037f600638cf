/* The cycles that no candidate of a box goes below: the terms of docs/bounds.md, one by one. */
#include "mapping/box_bounds.h"
#include "mapping/cycle_terms.h"

/* What the terms share. Lower bounds, all but the slots. */
typedef struct box_times {
    const box_variant *variant;
    const kpu_machine *machine;
    const kpu_traffic *traffic;
    const box_level *levels;
    kpu_run_ends ends;
    int64_t compute, steps, cells[KPU_OPERANDS], register_slots;
    int64_t stream[KPU_OPERANDS], stream_out; /* busy cycles of the streamers; C: in */
} box_times;

static int64_t add(int64_t a, int64_t b)
{
    return kpu_add_saturate(a, b);
}
static int64_t mul(int64_t a, int64_t b)
{
    return kpu_mul_saturate(a, b);
}
static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
static int64_t bound(int64_t before, int64_t held, int64_t slots, int64_t after)
{
    const kpu_cycle_term term = {before, held, slots, after};
    return kpu_cycle_term_bound(&term);
}

static int64_t smallest_tile_bytes(const box_variant *v, int x)
{
    int64_t bytes = v->problem->element_bytes[x];
    for (int d = 0; d < KPU_DIMS; d++)
        if (kpu_operand_dims[x] >> d & 1)
            bytes *= v->dim[d].tile.low;
    return bytes;
}

static void set_ends(box_times *t)
{
    const box_variant *v = t->variant;
    int64_t final = v->dim[KPU_M].edge * v->dim[KPU_N].edge * v->problem->element_bytes[KPU_C];
    const kpu_end_tiles tiles = {{smallest_tile_bytes(v, KPU_A), smallest_tile_bytes(v, KPU_B)},
                                 final};
    kpu_run_ends_init(t->machine, v->problem, v->stationary, &tiles, &t->ends);
}

static void set_work(box_times *t)
{
    const box_variant *v = t->variant;
    const kpu_dataflow *flow = v->flow;
    const box_dimension *depth = &v->dim[kpu_dataflow_depth_dim(flow)];
    int64_t fill = kpu_machine_fill_cycles(t->machine, flow->unpipelined_row_fills);
    int64_t passes = box_passes(&v->dim[flow->row_dim], t->machine->fabric_rows) *
                     box_passes(&v->dim[flow->col_dim], t->machine->fabric_cols);
    t->compute = mul(passes, add(depth->size, mul(depth->tiles.low, fill)));
    t->steps = 1;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        t->steps *= v->dim[x].tiles.low; /* as many dimensions as operands */
        t->cells[x] = 1;
        for (int d = 0; d < KPU_DIMS; d++)
            if (kpu_operand_dims[x] >> d & 1)
                t->cells[x] *= v->dim[d].tiles.low;
        t->stream[x] = kpu_stream_cycles(t->machine, x, t->traffic->l2_to_l1[x]);
    }
    t->stream_out = kpu_stream_cycles(t->machine, KPU_C, t->traffic->l1_to_l2[KPU_C]);
}

/* Block movers: what is turned goes through them twice. */
static int64_t moved_bytes(const box_times *t)
{
    const box_level *l2 = &t->levels[KPU_HOIST_L2];
    int64_t bytes = l2->joint_bytes;
    for (int x = KPU_A; x <= KPU_B; x++)
        if (t->variant->problem->transposed[x])
            bytes = add(bytes, l2->link[x].in);
    return bytes;
}

static int64_t engines(const box_times *t)
{
    const kpu_machine *machine = t->machine;
    const kpu_run_ends *e = &t->ends;
    int64_t dma = kpu_dma_cycles(machine, t->levels[KPU_HOIST_L3].joint_bytes);
    int64_t bm = kpu_bm_cycles(machine, moved_bytes(t));
    int64_t most = bound(e->first, t->compute, 1, e->drain);
    most = larger(most, bound(0, dma, machine->dram_channels, e->lat3));
    most = larger(most, bound(e->lat3, bm, machine->block_mover_engines, e->lat2 + e->lat3));
    for (int x = KPU_A; x <= KPU_B; x++)
        most = larger(most, bound(e->arrival[x], t->stream[x], 1, add(e->lat1, e->drain)));
    if (t->traffic->l2_to_l1[KPU_C] > 0)
        most = larger(most, bound(e->first, t->stream[KPU_C], 1, add(e->lat1, e->drain)));
    return larger(most, bound(add(e->first, e->skew), t->stream_out, 1, e->out));
}

/* What the fabric keeps: L1 slots, accumulators, registers. */
static int64_t fabric_slots(const box_times *t)
{
    const box_variant *v = t->variant;
    const kpu_run_ends *e = &t->ends;
    int64_t d1 = v->box->l1_buffers.high, most = 0, held;
    int stationary = v->stationary;
    for (int x = KPU_A; x <= KPU_B; x++) {
        if (x == stationary)
            continue;
        held = add(mul(t->steps, e->lat1), larger(t->compute, t->stream[x]));
        most = larger(most, bound(e->arrival[x], held, d1, e->drain));
    }
    if (stationary == KPU_C) {
        held = add(mul(t->cells[KPU_C], e->skew), t->compute);
        held = add(held, add(t->stream[KPU_C], t->stream_out));
        return larger(most, bound(e->first, held, t->register_slots, e->out));
    }
    held = add(mul(t->steps, e->skew), mul(t->steps - t->cells[KPU_C], e->lat1));
    held = add(held, add(t->compute, t->stream_out));
    most = larger(most, bound(e->first, held, d1, e->out));
    held = add(mul(t->cells[stationary], e->lat1), add(t->stream[stationary], t->compute));
    return larger(most, bound(e->arrival[stationary], held, t->register_slots, e->drain));
}

static int64_t ring_slots(const box_times *t, int level, int x)
{
    const kpu_box *box = t->variant->box;
    const kpu_range *buffers = level == KPU_HOIST_L3 ? box->l3_buffers : box->l2_buffers;
    return add(t->levels[level].window_tiles[x], buffers[x].high - 1);
}

/* Slots of A and B in L3 and L2: held while the tile is loaded, arrives and is read once. */
static int64_t rings(const box_times *t)
{
    const kpu_machine *machine = t->machine;
    const kpu_problem *problem = t->variant->problem;
    const kpu_run_ends *e = &t->ends;
    int64_t most = 0;
    for (int x = KPU_A; x <= KPU_B; x++) {
        int64_t in3 = t->traffic->dram_read[x], in2 = t->traffic->l3_to_l2[x];
        int64_t held3 =
            add(mul(t->cells[x], e->lat3),
                add(kpu_dma_cycles(machine, in3), kpu_bm_load_cycles(machine, problem, x, in3)));
        int64_t held2 =
            add(mul(t->cells[x], e->lat2), add(kpu_bm_load_cycles(machine, problem, x, in2),
                                               kpu_stream_cycles(machine, x, in2)));
        most = larger(most, bound(0, held3, ring_slots(t, KPU_HOIST_L3, x),
                                  add(e->lat2 + e->lat1, e->drain)));
        most = larger(
            most, bound(e->lat3, held2, ring_slots(t, KPU_HOIST_L2, x), add(e->lat1, e->drain)));
    }
    return most;
}

int64_t box_cycles(const box_variant *v, const box_level levels[KPU_HOIST_LEVELS],
                   const kpu_traffic *traffic, int64_t register_slots)
{
    box_times t = {.variant = v,
                   .machine = v->machine,
                   .traffic = traffic,
                   .levels = levels,
                   .register_slots = register_slots};
    set_ends(&t);
    set_work(&t);
    return larger(larger(engines(&t), fabric_slots(&t)), rings(&t));
}
