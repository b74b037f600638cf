/* By how much a candidate does not fit. */
#include "explorer/search.h"

#include <math.h>
#include <string.h>

static const char *const footprints[] = {"footprint_l3_bytes", "footprint_l2_bytes",
                                         "footprint_l1_bytes", "footprint_registers_per_pe"};

bool kpu_search_violation_reads(const char *metric)
{
    for (size_t i = 0; i < sizeof footprints / sizeof *footprints; i++) {
        if (strcmp(footprints[i], metric) == 0)
            return true;
    }
    return false;
}

static double excess(const kpu_metric_value *metrics, const char *footprint, int64_t capacity)
{
    double need = (double)metrics[kpu_metric_find(footprint)].i;
    return need > (double)capacity ? (need - (double)capacity) / fmax((double)capacity, 1) : 0;
}

double kpu_search_violation(const kpu_machine *machine, const kpu_metric_value *metrics)
{
    const int64_t capacities[] = {kpu_machine_capacity_bytes(machine, KPU_LEVEL_L3),
                                  kpu_machine_capacity_bytes(machine, KPU_LEVEL_L2),
                                  kpu_machine_capacity_bytes(machine, KPU_LEVEL_L1),
                                  machine->registers_per_pe};
    double sum = 0;
    for (size_t i = 0; i < sizeof footprints / sizeof *footprints; i++)
        sum += excess(metrics, footprints[i], capacities[i]);
    return sum > 0 ? sum : INFINITY;
}
