/* NSGA-II (Deb, Pratap, Agarwal and Meyarivan 2002) without what it searches: a population and who
 * of it survives. */
#ifndef KPU_EXPLORER_NSGA2_H
#define KPU_EXPLORER_NSGA2_H

#include "kpu/base.h"

/* One individual. It lies below another if it is fitter by constrained domination: one that fits
 * beats one that does not, of two that do not fit the one that violates less wins, of two that fit
 * the one that dominates. */
typedef struct kpu_individual {
    int64_t id;       /* decides ties: the order of individuals does not matter */
    double violation; /* 0: fits */
    double crowding;  /* distance to its neighbours on the front; larger is lonelier, better */
    int32_t rank;     /* of its front, from 0 */
    int32_t *genes;
    double *costs; /* all minimised, no NaN; if it does not fit, anything */
} kpu_individual;

/* Sorts `count` individuals into fronts: sets rank and crowding, and orders them by rank, then
 * crowding, then id, the fittest first. KPU_OK or KPU_E_MEMORY. */
int kpu_nsga2_sort(kpu_individual *individuals, size_t count, size_t objectives);

#endif
