/* By how much a candidate does not fit. */
#include "explorer/search.h"

#include <math.h>

static double excess(const kpu_metric_value *metrics, const char *footprint, int64_t capacity)
{
    double need = (double)metrics[kpu_metric_find(footprint)].i;
    return need > (double)capacity ? (need - (double)capacity) / fmax((double)capacity, 1) : 0;
}

double kpu_search_violation(const kpu_machine *machine, const kpu_metric_value *metrics)
{
    double sum =
        excess(metrics, "footprint_l3_bytes", kpu_machine_capacity_bytes(machine, KPU_LEVEL_L3)) +
        excess(metrics, "footprint_l2_bytes", kpu_machine_capacity_bytes(machine, KPU_LEVEL_L2)) +
        excess(metrics, "footprint_l1_bytes", kpu_machine_capacity_bytes(machine, KPU_LEVEL_L1)) +
        excess(metrics, "footprint_registers_per_pe", machine->registers_per_pe);
    return sum > 0 ? sum : INFINITY;
}
