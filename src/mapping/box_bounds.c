/* Lower bounds that hold for every feasible candidate of a box: docs/bounds.md, "A box". */
#include "mapping/box_bounds.h"

#include <string.h>

static int64_t elements_of(const kpu_problem *problem, int x)
{
    int64_t elements = 1;
    for (int d = 0; d < KPU_DIMS; d++)
        if (kpu_operand_dims[x] >> d & 1)
            elements *= problem->dim[d];
    return elements;
}

/* ---- Traffic ------------------------------------------------------------------------------ */

static void take_levels(const box_level levels[KPU_HOIST_LEVELS], kpu_lower_bounds *out)
{
    for (int x = 0; x < KPU_OPERANDS; x++) {
        out->traffic.dram_read[x] = levels[KPU_HOIST_L3].link[x].in;
        out->traffic.dram_write[x] = levels[KPU_HOIST_L3].link[x].out;
        out->traffic.l3_to_l2[x] = levels[KPU_HOIST_L2].link[x].in;
        out->traffic.l2_to_l3[x] = levels[KPU_HOIST_L2].link[x].out;
    }
    out->l3_bytes = levels[KPU_HOIST_L3].ring_bytes;
    out->l2_bytes = levels[KPU_HOIST_L2].ring_bytes;
}

static void stream_traffic(const box_variant *v, kpu_traffic *t)
{
    const kpu_dataflow *flow = v->flow;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        if (x == v->stationary) {
            box_hoist run; /* comes once a run, and runs are windows of one tile */
            box_hoist_init(v, x, KPU_NEST, &run);
            t->l2_to_l1[x] = t->l1_to_fabric[x] = run.least.in;
            t->l1_to_l2[x] = t->fabric_to_l1[x] = run.least.out;
            continue;
        }
        bool by_columns = x == kpu_operand_without(flow->col_dim);
        const box_dimension *other = &v->dim[by_columns ? flow->col_dim : flow->row_dim];
        int64_t passes =
            box_passes(other, by_columns ? v->machine->fabric_cols : v->machine->fabric_rows);
        kpu_link_bytes link = {0, 0};
        kpu_add_visits(v->problem, x, elements_of(v->problem, x), other->tiles.low, &link);
        t->l2_to_l1[x] = link.in;
        t->l1_to_l2[x] = link.out;
        t->l1_to_fabric[x] =
            elements_of(v->problem, x) * passes *
            (x == KPU_C ? v->problem->partial_bytes : v->problem->element_bytes[x]);
        t->fabric_to_l1[x] = x == KPU_C ? t->l1_to_fabric[x] : 0;
    }
}

/* ---- L1 and registers --------------------------------------------------------------------- */

static bool l1_fits(const box_variant *v, int64_t *bytes)
{
    int64_t streamed = 0;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        int64_t tile = x == KPU_C ? v->problem->partial_bytes : v->problem->element_bytes[x];
        for (int d = 0; d < KPU_DIMS; d++)
            if (kpu_operand_dims[x] >> d & 1)
                tile *= v->dim[d].tile.low;
        streamed += x == v->stationary ? 0 : tile;
    }
    *bytes = kpu_mul_saturate(v->box->l1_buffers.low, streamed);
    return *bytes <= kpu_machine_capacity_bytes(v->machine, KPU_LEVEL_L1);
}

/* Not monotone: from half of the registers on, a tile is no longer double-buffered. */
static bool registers_fit(const box_variant *v, int64_t *registers, int64_t *slots)
{
    const kpu_range rows = v->dim[v->flow->row_dim].tile, cols = v->dim[v->flow->col_dim].tile;
    int64_t side = v->machine->fabric_rows, other = v->machine->fabric_cols;
    int64_t low = kpu_ceil_div(rows.low, side) * kpu_ceil_div(cols.low, other);
    int64_t high = kpu_ceil_div(rows.high, side) * kpu_ceil_div(cols.high, other);
    int64_t half = v->machine->registers_per_pe / 2;
    *slots = low <= half ? 2 : 1;
    *registers = low <= half ? 2 * low : low;
    if (low <= half && high > half && half + 1 < *registers)
        *registers = half + 1;
    return low <= v->machine->registers_per_pe;
}

/* ---- Variants ----------------------------------------------------------------------------- */

static bool bound_variant(const box_variant *v, kpu_lower_bounds *out)
{
    int64_t register_slots;
    box_level levels[KPU_HOIST_LEVELS];
    memset(out, 0, sizeof *out);
    if (!l1_fits(v, &out->l1_bytes) || !registers_fit(v, &out->registers_per_pe, &register_slots) ||
        !box_levels_choose(v, levels))
        return false;
    take_levels(levels, out);
    stream_traffic(v, &out->traffic);
    out->cycles = box_cycles(v, levels, &out->traffic, register_slots);
    return true;
}

static void lower(int64_t *to, int64_t value)
{
    *to = value < *to ? value : *to;
}

static void merge(const kpu_lower_bounds *one, kpu_lower_bounds *all)
{
    if (all->empty) {
        *all = *one;
        return;
    }
    kpu_traffic *t = &all->traffic;
    const kpu_traffic *u = &one->traffic;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        lower(&t->dram_read[x], u->dram_read[x]);
        lower(&t->dram_write[x], u->dram_write[x]);
        lower(&t->l3_to_l2[x], u->l3_to_l2[x]);
        lower(&t->l2_to_l3[x], u->l2_to_l3[x]);
        lower(&t->l2_to_l1[x], u->l2_to_l1[x]);
        lower(&t->l1_to_l2[x], u->l1_to_l2[x]);
        lower(&t->l1_to_fabric[x], u->l1_to_fabric[x]);
        lower(&t->fabric_to_l1[x], u->fabric_to_l1[x]);
    }
    lower(&all->cycles, one->cycles);
    lower(&all->l3_bytes, one->l3_bytes);
    lower(&all->l2_bytes, one->l2_bytes);
    lower(&all->l1_bytes, one->l1_bytes);
    lower(&all->registers_per_pe, one->registers_per_pe);
}

static void set_variant(box_variant *v, int dataflow, int swap, int order)
{
    v->flow = kpu_dataflow_at(dataflow);
    v->stationary = kpu_dataflow_stationary(v->flow);
    kpu_box_order(order, v->loop_dim);
    memcpy(v->loop_dim + KPU_BLOCK_LOOPS, v->flow->loops[swap], KPU_DIMS);
}

void kpu_box_bounds(const kpu_machine *machine, const kpu_problem *problem, const kpu_box *box,
                    kpu_lower_bounds *out)
{
    box_dimension dim[KPU_DIMS];
    box_variant v = {.machine = machine, .problem = problem, .box = box, .dim = dim};
    memset(out, 0, sizeof *out);
    out->empty = true;
    if (kpu_mapping_problem_error(problem))
        return;
    uint32_t orders = 1; /* one will do if there is one block along each dimension */
    for (int d = 0; d < KPU_DIMS; d++) {
        if (!box_dimension_init(problem->dim[d], box->tile[d], box->block[d], &dim[d]))
            return;
        if (dim[d].block.low < dim[d].size)
            orders = box->orders;
    }
    for (int flow = 0; flow < 2 * KPU_DATAFLOWS; flow++)
        for (int order = 0; order < KPU_ORDERS; order++) {
            kpu_lower_bounds one;
            if (!(box->dataflows >> flow & 1) || !(orders >> order & 1))
                continue;
            set_variant(&v, flow / 2, flow % 2, order);
            if (bound_variant(&v, &one))
                merge(&one, out);
        }
}
