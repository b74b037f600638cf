/* A randomised Halton sequence in many dimensions: any stretch of it is spread evenly. */
#ifndef KPU_EXPLORER_HALTON_H
#define KPU_EXPLORER_HALTON_H

#include "kpu/base.h"

/* Halton 1960 with the random digit permutations of Owen 2017 ("A randomized Halton algorithm in
 * R", arXiv:1706.02808): coordinate j of term n is the radical inverse of n in the j-th prime, each
 * of whose digits goes through a random permutation of its own. */
typedef struct kpu_halton_axis {
    uint32_t base;
    int places;             /* digits that are kept: base^places < 2^53 */
    uint64_t scale;         /* base^places */
    uint16_t *permutations; /* [place * base + digit] */
} kpu_halton_axis;

typedef struct kpu_halton {
    kpu_halton_axis *axes;
    size_t dimensions;
} kpu_halton;

/* KPU_OK or KPU_E_MEMORY. kpu_halton_fini it in any case. */
int kpu_halton_init(kpu_halton *h, size_t dimensions, uint64_t seed);
void kpu_halton_fini(kpu_halton *h);
/* floor(x * length) for coordinate `dimension` of term n, which is x in [0, 1); exact. */
int64_t kpu_halton_at(const kpu_halton *h, size_t dimension, int64_t n, int64_t length);

#endif
