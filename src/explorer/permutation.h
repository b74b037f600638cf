/* A random permutation of 0 .. size-1, any term of it at once and without memory. */
#ifndef KPU_EXPLORER_PERMUTATION_H
#define KPU_EXPLORER_PERMUTATION_H

#include "kpu/base.h"

typedef struct kpu_permutation {
    uint64_t size, seed;
    int half_bits;
} kpu_permutation;

/* size in 1 .. 2^62; every seed is another permutation. */
void kpu_permutation_init(kpu_permutation *p, int64_t size, uint64_t seed);
/* Term n, 0 <= n < size. */
int64_t kpu_permutation_at(const kpu_permutation *p, int64_t n);

#endif
