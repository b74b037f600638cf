/* A Feistel network over the next even number of bits (Luby and Rackoff 1988), walked until it
 * comes back into the range (cycle walking: Black and Rogaway 2002), which takes fewer than four
 * steps on average: a bijection of 2^b numbers stays one when it is walked on a part of them. */
#include "explorer/permutation.h"

enum { ROUNDS = 8 };

void kpu_permutation_init(kpu_permutation *p, int64_t size, uint64_t seed)
{
    *p = (kpu_permutation){.size = (uint64_t)size, .seed = seed, .half_bits = 1};
    while (UINT64_C(1) << (2 * p->half_bits) < p->size)
        p->half_bits++;
}

static uint64_t scramble(const kpu_permutation *p, uint64_t x)
{
    uint64_t mask = (UINT64_C(1) << p->half_bits) - 1;
    uint64_t left = x >> p->half_bits, right = x & mask;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        uint64_t mixed = left ^ (kpu_random_u64(p->seed, round, right) & mask);
        left = right;
        right = mixed;
    }
    return left << p->half_bits | right;
}

int64_t kpu_permutation_at(const kpu_permutation *p, int64_t n)
{
    uint64_t x = scramble(p, (uint64_t)n);
    while (x >= p->size)
        x = scramble(p, x);
    return (int64_t)x;
}
