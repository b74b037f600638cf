/* Private to the explorer: points compared, all objectives minimised. Inline: these are the inner
 * loops. */
#ifndef KPU_SRC_EXPLORER_DOMINANCE_H
#define KPU_SRC_EXPLORER_DOMINANCE_H

#include <math.h>
#include <stdbool.h>

/* -1, 0, 1: lexicographic. -0.0 and 0.0 compare equal, as they should. No NaN. */
static inline int kpu_compare_values(const double *a, const double *b, int objectives)
{
    for (int d = 0; d < objectives; d++)
        if (a[d] != b[d])
            return a[d] < b[d] ? -1 : 1;
    return 0;
}

/* a <= b in every objective; false where a NaN is compared. */
static inline bool kpu_weakly_dominates(const double *a, const double *b, int objectives)
{
    for (int d = 0; d < objectives; d++)
        if (!(a[d] <= b[d]))
            return false;
    return true;
}

static inline bool kpu_has_nan(const double *value, int objectives)
{
    for (int d = 0; d < objectives; d++)
        if (isnan(value[d]))
            return true;
    return false;
}

#endif
