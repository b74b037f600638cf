#include "tools/measure.h"

#include <math.h>
#include <stdlib.h>

static void stretch(kpu_measure_box *box, kpu_point_set set, double *worst)
{
    for (int64_t i = 0; i < set.count; i++)
        for (int d = 0; d < box->objectives; d++) {
            double value = set.values[i * box->objectives + d];
            if (!isfinite(value))
                continue;
            box->best[d] = fmin(box->best[d], value);
            worst[d] = fmax(worst[d], value);
        }
}

void kpu_measure_box_make(const kpu_point_set *sets, size_t count, int objectives,
                          kpu_measure_box *out)
{
    const double margin = 0.1;
    double worst[KPU_PARETO_OBJECTIVES_MAX];
    *out = (kpu_measure_box){.objectives = objectives};
    for (int d = 0; d < objectives; d++) {
        out->best[d] = INFINITY;
        worst[d] = -INFINITY;
    }
    for (size_t i = 0; i < count; i++)
        stretch(out, sets[i], worst);
    for (int d = 0; d < objectives; d++) {
        if (worst[d] < out->best[d]) /* nothing finite */
            out->best[d] = worst[d] = 0;
        double extent = worst[d] - out->best[d];
        if (extent == 0)
            extent = worst[d] == 0 ? 1 : fabs(worst[d]);
        out->reference[d] = worst[d] + margin * extent;
    }
}

/* What a value becomes for an indicator. */
typedef double (*turn)(const kpu_measure_box *box, const bool *negated, int d, double value);

static double scaled(const kpu_measure_box *box, const bool *negated, int d, double value)
{
    (void)negated;
    return (value - box->best[d]) / (box->reference[d] - box->best[d]);
}

/* As a ratio is taken of it: the reciprocal of what more of is better. */
static double as_ratio(const kpu_measure_box *box, const bool *negated, int d, double value)
{
    (void)box;
    return negated[d] ? 1 / (0 - value) : value;
}

/* A copy, to be freed; NULL values if there is no memory. */
static kpu_point_set turned(const kpu_measure_box *box, const bool *negated, kpu_point_set set,
                            turn how)
{
    double *values = malloc(((size_t)set.count * (size_t)box->objectives + 1) * sizeof *values);
    for (int64_t i = 0; values && i < set.count * box->objectives; i++)
        values[i] = how(box, negated, (int)(i % box->objectives), set.values[i]);
    return (kpu_point_set){values, set.count};
}

static int measure_scaled(const kpu_measure_box *box, kpu_point_set set, kpu_point_set other,
                          kpu_measure *out)
{
    double ones[KPU_PARETO_OBJECTIVES_MAX];
    for (int d = 0; d < box->objectives; d++)
        ones[d] = 1;
    if (!set.values || !other.values)
        return KPU_E_MEMORY;
    out->hypervolume = kpu_hypervolume(set.values, set.count, box->objectives, ones);
    out->epsilon_additive = kpu_epsilon_additive(set, other, box->objectives);
    return out->hypervolume < 0 ? KPU_E_MEMORY : KPU_OK;
}

int kpu_measure_set(const kpu_measure_box *box, const bool *negated, kpu_point_set set,
                    kpu_point_set other, kpu_measure *out)
{
    kpu_point_set a = turned(box, negated, set, scaled), b = turned(box, negated, other, scaled);
    kpu_point_set x = turned(box, negated, set, as_ratio),
                  y = turned(box, negated, other, as_ratio);
    int status = measure_scaled(box, a, b, out);
    if (!x.values || !y.values)
        status = KPU_E_MEMORY;
    if (!status)
        out->epsilon_multiplicative = kpu_epsilon_multiplicative(x, y, box->objectives);
    free((void *)a.values);
    free((void *)b.values);
    free((void *)x.values);
    free((void *)y.values);
    return status;
}
