/* What no candidate of a cell can beat. */
#include <math.h>

#include "explorer/exact.h"

/* The bound of a metric as a cost. A bound that is no number bounds nothing. */
static double cost_bound(const kpu_cell_shape *shape, const kpu_machine *machine,
                         const kpu_lower_bounds *bounds, size_t objective)
{
    size_t metric = (size_t)kpu_space_objective(shape->space, objective);
    const kpu_problem *problem = &kpu_space_gemm(shape->space, shape->gemm)->problem;
    double bound = kpu_metric_bound(machine, problem, bounds, metric);
    if (isnan(bound))
        return -INFINITY;
    return kpu_metric_at(metric)->sense == KPU_SENSE_MAX ? -bound : bound;
}

/* A certificate may say of a box that all its candidates are excluded if each can be asked. */
static const int64_t excluded_at_once = 1 << 20;

static bool is_excluded(const kpu_cell_shape *shape, const kpu_cell *cell)
{
    kpu_point low, high;
    if (shape->space->constraint_count == 0 || kpu_cell_points(shape, cell) > excluded_at_once)
        return false;
    kpu_cell_extremes(shape, cell, &low, &high);
    return kpu_space_admits_none(shape->space, &low, &high);
}

/* A candidate by itself has a mapping, which says more than its box. */
static bool bound_point(const kpu_cell_shape *shape, const kpu_cell *cell,
                        const kpu_machine *machine, kpu_lower_bounds *out)
{
    const kpu_problem *problem = &kpu_space_gemm(shape->space, shape->gemm)->problem;
    kpu_point point;
    kpu_mapping mapping;
    if (!kpu_space_point(shape->space, kpu_cell_first_point(shape, cell), &point))
        return false;
    kpu_mapping_make(machine, problem, &point.candidate, &mapping);
    if (mapping.broken)
        return false;
    kpu_mapping_lower_bounds(machine, &mapping, out);
    return true;
}

static bool bound_box(const kpu_cell_shape *shape, const kpu_cell *cell, const kpu_machine *machine,
                      kpu_lower_bounds *out)
{
    const kpu_problem *problem = &kpu_space_gemm(shape->space, shape->gemm)->problem;
    kpu_box box;
    if (!kpu_cell_has_layout(shape, cell) || is_excluded(shape, cell))
        return false;
    kpu_cell_hull(shape, cell, &box);
    kpu_box_bounds(machine, problem, &box, out);
    return !out->empty;
}

kpu_exact_outcome kpu_exact_bound(const kpu_cell_shape *shape, const kpu_cell *cell, double *costs)
{
    size_t objectives = kpu_space_objective_count(shape->space);
    int64_t number = kpu_cell_machine(shape, cell);
    if (number < 0) {
        for (size_t i = 0; i < objectives; i++)
            costs[i] = -INFINITY;
        return KPU_EXACT_OPEN;
    }
    const kpu_machine *machine = kpu_space_machine(shape->space, number);
    kpu_lower_bounds bounds;
    if (!(kpu_cell_is_point(shape, cell) ? bound_point(shape, cell, machine, &bounds)
                                         : bound_box(shape, cell, machine, &bounds)))
        return KPU_EXACT_EMPTY;
    for (size_t i = 0; i < objectives; i++)
        costs[i] = cost_bound(shape, machine, &bounds, i);
    return KPU_EXACT_OPEN;
}

/* The sum of asinh: the logarithm of what is large, so that an objective counts by its ratios,
 * whatever its unit, and monotone through 0 for what is to be maximised. An objective of which
 * nothing is known counts nothing. */
double kpu_exact_key(const double *costs, size_t objectives)
{
    double key = 0;
    for (size_t i = 0; i < objectives; i++)
        if (isfinite(costs[i]))
            key += asinh(costs[i]);
    return key;
}
