/* Private to the program: how large fronts are, and how far from each other, in a box that fits
 * them. All objectives minimised. */
#ifndef KPU_SRC_TOOLS_MEASURE_H
#define KPU_SRC_TOOLS_MEASURE_H

#include "tools/pareto.h"

typedef struct kpu_measure_box {
    int objectives;
    double best[KPU_PARETO_OBJECTIVES_MAX];      /* of all points */
    double reference[KPU_PARETO_OBJECTIVES_MAX]; /* beyond the worst by a tenth of the extent; of
                                                    the value, or 0.1, if there is no extent */
} kpu_measure_box;

/* Around `count` sets; values that are not finite do not stretch it. */
void kpu_measure_box_make(const kpu_point_set *sets, size_t count, int objectives,
                          kpu_measure_box *out);
/* What one set is worth beside another in that box. */
typedef struct kpu_measure {
    double hypervolume;            /* share of the box that the set dominates */
    double epsilon_additive;       /* kpu_epsilon_additive to the other one; the box has side 1 */
    double epsilon_multiplicative; /* kpu_epsilon_multiplicative of the values themselves */
} kpu_measure;
/* Values that more of is better (`negated`) come negated. KPU_OK or KPU_E_MEMORY. */
int kpu_measure_set(const kpu_measure_box *box, const bool *negated, kpu_point_set set,
                    kpu_point_set other, kpu_measure *out);

#endif
