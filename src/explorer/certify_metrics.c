/* What lower bounds on cycles, bytes and footprint mean for a metric.
 *
 * Each metric below grows, or shrinks, with all of them, and so does every operation of its
 * expression, rounding included. So its value at the lower bounds bounds it. The expressions are
 * those of the table of metrics, operation by operation: the numbers agree to the last bit. */
#include <math.h>
#include <string.h>

#include "explorer/certify.h"

/* What the expressions see. */
typedef struct view {
    const kpu_machine *machine;
    const kpu_result *floor;
    double cycles, macs;
    int64_t read[KPU_LEVELS], written[KPU_LEVELS];
    kpu_energy energy;
    kpu_bounds bounds;
} view;

static int64_t all_bytes(const view *v, int level)
{
    return v->read[level] + v->written[level];
}

/* Elements moved between DRAM and L3, from the bytes: C goes out once as a result, otherwise, and
 * in, as partial sums. */
static int64_t dram_elements(const view *v)
{
    const kpu_problem *p = &v->floor->mapping.problem;
    const kpu_traffic *t = &v->floor->counts.traffic;
    int64_t results = p->dim[KPU_M] * p->dim[KPU_N];
    int64_t partial =
        t->dram_read[KPU_C] + t->dram_write[KPU_C] - results * p->element_bytes[KPU_C];
    return t->dram_read[KPU_A] / p->element_bytes[KPU_A] +
           t->dram_read[KPU_B] / p->element_bytes[KPU_B] + partial / p->partial_bytes + results;
}

static double array_of(const kpu_machine *machine)
{
    return (double)(machine->fabric_rows * machine->fabric_cols);
}

#define L3 KPU_LEVEL_L3
#define L2 KPU_LEVEL_L2
#define L1 KPU_LEVEL_L1
#define DRAM KPU_LEVEL_DRAM
#define METRICS(X)                                                                                 \
    X(cycles, v->cycles)                                                                           \
    X(time_ns, v->cycles / v->machine->clock_ghz)                                                  \
    X(utilisation, v->macs / (array_of(v->machine) * v->cycles))                                   \
    X(dram_read_bytes, (double)v->read[DRAM])                                                      \
    X(dram_write_bytes, (double)v->written[DRAM])                                                  \
    X(dram_bytes, (double)all_bytes(v, DRAM))                                                      \
    X(l3_read_bytes, (double)v->read[L3])                                                          \
    X(l3_write_bytes, (double)v->written[L3])                                                      \
    X(l3_bytes, (double)all_bytes(v, L3))                                                          \
    X(l2_read_bytes, (double)v->read[L2])                                                          \
    X(l2_write_bytes, (double)v->written[L2])                                                      \
    X(l2_bytes, (double)all_bytes(v, L2))                                                          \
    X(l1_read_bytes, (double)v->read[L1])                                                          \
    X(l1_write_bytes, (double)v->written[L1])                                                      \
    X(l1_bytes, (double)all_bytes(v, L1))                                                          \
    X(arithmetic_intensity, v->macs / (double)all_bytes(v, DRAM))                                  \
    X(footprint_l3_bytes, (double)v->floor->mapping.l3_bytes)                                      \
    X(footprint_l2_bytes, (double)v->floor->mapping.l2_bytes)                                      \
    X(footprint_l1_bytes, (double)v->floor->mapping.l1_bytes)                                      \
    X(footprint_bytes, (double)(v->floor->mapping.l3_bytes + v->floor->mapping.l2_bytes +          \
                                v->floor->mapping.l1_bytes))                                       \
    X(footprint_registers_per_pe, (double)v->floor->mapping.registers_per_pe)                      \
    X(energy_pj, v->energy.total_pj)                                                               \
    X(energy_dram_pj, v->energy.level_pj[DRAM])                                                    \
    X(energy_l3_pj, v->energy.level_pj[L3])                                                        \
    X(energy_l2_pj, v->energy.level_pj[L2])                                                        \
    X(energy_l1_pj, v->energy.level_pj[L1])                                                        \
    X(energy_mac_pj, v->energy.mac_pj)                                                             \
    X(energy_leakage_pj, v->energy.leakage_pj)                                                     \
    X(edp, v->energy.total_pj * v->cycles / v->machine->clock_ghz)                                 \
    X(cycles_over_mac_bound, v->cycles / (double)v->bounds.mac_cycles)                             \
    X(dram_bytes_over_bound, (double)all_bytes(v, DRAM) / (double)v->bounds.compulsory_dram_bytes) \
    X(dram_elements_over_bound, (double)dram_elements(v) / v->bounds.io_lower_bound_elements)

#define FUNCTION(name, expression)                                                                 \
    static double value_of_##name(const view *v)                                                   \
    {                                                                                              \
        return expression;                                                                         \
    }
METRICS(FUNCTION)

#define ROW(name, expression) {#name, value_of_##name},
static const struct row {
    const char *name;
    double (*value)(const view *v);
} rows[] = {METRICS(ROW)};

double kpu_certify_metric(const kpu_machine *machine, const kpu_result *floor, size_t metric)
{
    const kpu_metric *what = kpu_metric_at(metric);
    const kpu_problem *p = &floor->mapping.problem;
    double unknown = what->sense == KPU_SENSE_MAX ? INFINITY : -INFINITY;
    view v = {.machine = machine, .floor = floor, .cycles = (double)floor->counts.cycles};
    v.macs = (double)(p->dim[KPU_M] * p->dim[KPU_N] * p->dim[KPU_K]);
    kpu_result_level_bytes(floor, v.read, v.written);
    kpu_result_energy(machine, floor, &v.energy);
    kpu_mapping_bounds(machine, &floor->mapping, &v.bounds);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, what->name) == 0) {
            double value = rows[i].value(&v);
            return isfinite(value) ? value : unknown;
        }
    return unknown;
}
