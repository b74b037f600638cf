/* Bytes over every link in closed form. The simulator counts the same commands one by one and a
 * property test holds the two equal. */
#include "mapping/nest.h"

#include <math.h>
#include <string.h>

/* Passes of all tiles along a dimension, summed: what is fed once per pass is fed this often. */
static int64_t total_passes(const kpu_mapping *m, int dim, int64_t side)
{
    int64_t full = m->tiles[dim] - 1;
    int64_t edge = m->problem.dim[dim] - full * m->tile[dim];
    return full * kpu_ceil_div(m->tile[dim], side) + kpu_ceil_div(edge, side);
}

static int64_t operand_elements(const kpu_mapping *m, int operand)
{
    int64_t elements = 1;
    for (int d = 0; d < KPU_DIMS; d++)
        if (kpu_operand_dims[operand] >> d & 1)
            elements *= m->problem.dim[d];
    return elements;
}

/* An operand that streams at every step passes once for every tile along the dimension that it
 * does not have; `passes` is how often L1 feeds it along that dimension. */
static void stream_every_step(const kpu_mapping *m, int x, int64_t tiles, int64_t passes,
                              kpu_traffic *out)
{
    int64_t elements = operand_elements(m, x), partial = m->problem.partial_bytes;
    if (x == KPU_C) {
        out->l2_to_l1[x] = elements * (tiles - 1) * partial;
        out->l1_to_l2[x] = out->l2_to_l1[x] + elements * m->problem.element_bytes[KPU_C];
        out->l1_to_fabric[x] = out->fabric_to_l1[x] = elements * passes * partial;
    } else {
        out->l2_to_l1[x] = elements * tiles * m->problem.element_bytes[x];
        out->l1_to_fabric[x] = elements * passes * m->problem.element_bytes[x];
    }
}

void kpu_mapping_traffic(const kpu_machine *machine, const kpu_mapping *m, kpu_traffic *out)
{
    memset(out, 0, sizeof *out);
    const kpu_dataflow *flow = kpu_dataflow_at(m->dataflow);
    int stationary = kpu_dataflow_stationary(flow);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        kpu_link_bytes l3 = kpu_mapping_link_bytes(m, x, (int)m->hoist[x][KPU_HOIST_L3]);
        kpu_link_bytes l2 = kpu_mapping_link_bytes(m, x, (int)m->hoist[x][KPU_HOIST_L2]);
        out->dram_read[x] = l3.in;
        out->dram_write[x] = l3.out;
        out->l3_to_l2[x] = l2.in;
        out->l2_to_l3[x] = l2.out;
        if (x == stationary) { /* once a run, and runs are windows of one tile */
            kpu_link_bytes run = kpu_mapping_link_bytes(m, x, KPU_NEST);
            out->l2_to_l1[x] = out->l1_to_fabric[x] = run.in;
            out->l1_to_l2[x] = out->fabric_to_l1[x] = run.out;
        } else {
            int other = x == kpu_operand_without(flow->col_dim) ? flow->col_dim : flow->row_dim;
            int64_t side = other == flow->col_dim ? machine->fabric_cols : machine->fabric_rows;
            stream_every_step(m, x, m->tiles[other], total_passes(m, other, side), out);
        }
    }
}

void kpu_mapping_bounds(const kpu_machine *machine, const kpu_mapping *m, kpu_bounds *out)
{
    const kpu_problem *p = &m->problem;
    int64_t macs = p->dim[KPU_M] * p->dim[KPU_N] * p->dim[KPU_K];
    out->mac_cycles = kpu_ceil_div(macs, machine->fabric_rows * machine->fabric_cols);
    out->compulsory_dram_bytes = 0;
    int64_t smallest = p->element_bytes[KPU_A];
    for (int x = 0; x < KPU_OPERANDS; x++) {
        out->compulsory_dram_bytes += operand_elements(m, x) * p->element_bytes[x];
        if (p->element_bytes[x] < smallest)
            smallest = p->element_bytes[x];
    }
    /* The most elements that could ever be on chip: everything at the narrowest type. */
    double on_chip = (double)machine->registers_per_pe * (double)machine->fabric_rows *
                     (double)machine->fabric_cols;
    for (int level = KPU_LEVEL_L3; level <= KPU_LEVEL_L1; level++)
        on_chip += (double)(kpu_machine_capacity_bytes(machine, level) / smallest);
    double bound = 2.0 * (double)macs / sqrt(on_chip) - 2.0 * on_chip;
    out->io_lower_bound_elements = bound > 0 ? bound : 0;
}
