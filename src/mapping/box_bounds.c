/* Lower bounds that hold for every feasible candidate of a box (docs/bounds.md). */
#include <string.h>

#include "mapping/nest.h"

void kpu_box_bounds(const kpu_machine *machine, const kpu_problem *problem, const kpu_box *box,
                    kpu_lower_bounds *out)
{
    memset(out, 0, sizeof *out);
    (void)box;
    kpu_mapping m = {.problem = *problem};
    kpu_bounds bounds;
    kpu_mapping_bounds(machine, &m, &bounds);
    out->cycles = bounds.mac_cycles;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        int64_t bytes = problem->element_bytes[x];
        for (int d = 0; d < KPU_DIMS; d++)
            if (kpu_operand_dims[x] >> d & 1)
                bytes *= problem->dim[d];
        kpu_traffic *t = &out->traffic;
        if (x == KPU_C)
            t->dram_write[x] = t->l2_to_l3[x] = t->l1_to_l2[x] = t->fabric_to_l1[x] = bytes;
        else
            t->dram_read[x] = t->l3_to_l2[x] = t->l2_to_l1[x] = t->l1_to_fabric[x] = bytes;
    }
}
