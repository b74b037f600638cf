/* The cycles that no candidate of a box goes below: the terms of docs/bounds.md, one by one. */
#include "mapping/box_bounds.h"

/* What the terms share. Lower bounds, all but the slots. */
typedef struct box_times {
    const box_variant *variant;
    const kpu_machine *machine;
    const kpu_traffic *traffic;
    const box_level *levels;
    int64_t compute, steps, cells[KPU_OPERANDS], register_slots;
    int64_t arrival[KPU_OPERANDS];            /* first tile of A, B in L2 */
    int64_t first;                            /* start of the first step */
    int64_t skew, out, drain;                 /* after the last step, see docs/bounds.md */
    int64_t stream[KPU_OPERANDS], stream_out; /* busy cycles of the streamers */
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
static int64_t dma(const kpu_machine *machine, int64_t bytes)
{
    return kpu_rational_ceil_quotient(bytes, machine->dma_bytes_per_cycle);
}
static int64_t move(const kpu_machine *machine, int64_t bytes)
{
    return kpu_rational_ceil_quotient(bytes, machine->block_mover_bytes_per_cycle);
}
static int64_t stream(const kpu_machine *machine, int operand, int64_t bytes)
{
    const kpu_rational bandwidth[KPU_OPERANDS] = {
        machine->row_bytes_per_cycle, machine->col_bytes_per_cycle, machine->drain_bytes_per_cycle};
    return kpu_rational_ceil_quotient(bytes, bandwidth[operand]);
}

static int64_t smallest_tile_bytes(const box_variant *v, int x)
{
    int64_t bytes = v->problem->element_bytes[x];
    for (int d = 0; d < KPU_DIMS; d++)
        if (kpu_operand_dims[x] >> d & 1)
            bytes *= v->dim[d].tile.low;
    return bytes;
}

/* How the first tiles come in and the last one goes out. */
static void set_ends(box_times *t)
{
    const box_variant *v = t->variant;
    const kpu_machine *machine = t->machine;
    for (int x = KPU_A; x <= KPU_B; x++) {
        int64_t bytes = smallest_tile_bytes(v, x), start;
        t->arrival[x] = dma(machine, bytes) + machine->dma_latency_cycles + move(machine, bytes) +
                        machine->block_mover_latency_cycles;
        start = t->arrival[x] + machine->streamer_latency_cycles;
        t->first = larger(t->first, x == v->stationary ? start + stream(machine, x, bytes) : start);
    }
    int64_t final = v->dim[KPU_M].edge * v->dim[KPU_N].edge * v->problem->element_bytes[KPU_C];
    t->skew = kpu_machine_skew_cycles(machine);
    t->out = machine->streamer_latency_cycles + move(machine, final) +
             machine->block_mover_latency_cycles + dma(machine, final) +
             machine->dma_latency_cycles;
    t->drain = t->skew + stream(machine, KPU_C, final) + t->out;
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
        t->stream[x] = stream(t->machine, x, t->traffic->l2_to_l1[x]);
    }
    t->stream_out = stream(t->machine, KPU_C, t->traffic->l1_to_l2[KPU_C]);
}

static int64_t engines(const box_times *t)
{
    const kpu_machine *machine = t->machine;
    int64_t lat1 = machine->streamer_latency_cycles, lat2 = machine->block_mover_latency_cycles,
            lat3 = machine->dma_latency_cycles;
    int64_t most = add(t->first, add(t->compute, t->drain));
    most = larger(most, kpu_ceil_div(dma(machine, t->levels[KPU_HOIST_L3].joint_bytes),
                                     machine->dram_channels) +
                            lat3);
    most = larger(most, kpu_ceil_div(move(machine, t->levels[KPU_HOIST_L2].joint_bytes),
                                     machine->block_mover_engines) +
                            lat2 + 2 * lat3);
    for (int x = KPU_A; x <= KPU_B; x++)
        most = larger(most, add(t->stream[x], t->arrival[x] + lat1 + t->drain));
    if (t->traffic->l2_to_l1[KPU_C] > 0)
        most = larger(most, add(t->stream[KPU_C], t->first + lat1 + t->drain));
    return larger(most, add(t->stream_out, t->first + t->skew + t->out));
}

/* What the fabric keeps: L1 slots, accumulators, registers. */
static int64_t fabric_slots(const box_times *t)
{
    const box_variant *v = t->variant;
    int64_t lat1 = t->machine->streamer_latency_cycles, d1 = v->box->l1_buffers.high;
    int stationary = v->stationary;
    int64_t most = 0, held;
    for (int x = KPU_A; x <= KPU_B; x++) {
        if (x == stationary)
            continue;
        held = add(mul(t->steps, lat1), larger(t->compute, t->stream[x]));
        most = larger(most, add(kpu_ceil_div(held, d1), t->arrival[x] + t->drain));
    }
    if (stationary == KPU_C) {
        held = add(mul(t->cells[KPU_C], t->skew), t->compute);
        held = add(held, add(t->stream[KPU_C], t->stream_out));
        return larger(most, add(kpu_ceil_div(held, t->register_slots), t->first + t->out));
    }
    held = add(mul(t->steps, t->skew), mul(t->steps - t->cells[KPU_C], lat1));
    held = add(held, add(t->compute, t->stream_out));
    most = larger(most, add(kpu_ceil_div(held, d1), t->first + t->out));
    held = add(mul(t->cells[stationary], lat1), add(t->stream[stationary], t->compute));
    return larger(most,
                  add(kpu_ceil_div(held, t->register_slots), t->arrival[stationary] + t->drain));
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
    int64_t lat1 = machine->streamer_latency_cycles, lat2 = machine->block_mover_latency_cycles,
            lat3 = machine->dma_latency_cycles, most = 0;
    for (int x = KPU_A; x <= KPU_B; x++) {
        int64_t in3 = t->traffic->dram_read[x], in2 = t->traffic->l3_to_l2[x];
        int64_t held3 = add(mul(t->cells[x], lat3), add(dma(machine, in3), move(machine, in3)));
        int64_t held2 =
            add(mul(t->cells[x], lat2), add(move(machine, in2), stream(machine, x, in2)));
        most = larger(
            most, add(kpu_ceil_div(held3, ring_slots(t, KPU_HOIST_L3, x)), lat2 + lat1 + t->drain));
        most = larger(
            most, add(kpu_ceil_div(held2, ring_slots(t, KPU_HOIST_L2, x)), lat3 + lat1 + t->drain));
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
