/* dominance_by_definition.h - what the fronts are tested against. */
#ifndef KPU_TESTS_DOMINANCE_BY_DEFINITION_H
#define KPU_TESTS_DOMINANCE_BY_DEFINITION_H

#include <stdbool.h>

/* Nowhere worse, somewhere better; all minimised. A NaN is never not worse. */
static inline bool dominates(const double *a, const double *b, int objectives)
{
    bool better = false;
    for (int d = 0; d < objectives; d++) {
        if (!(a[d] <= b[d]))
            return false;
        better = better || a[d] < b[d];
    }
    return better;
}

#endif
