#include "kpu/base.h"

/* The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a bijection of 64 bits. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

uint64_t kpu_random_u64(uint64_t seed, uint64_t stream, uint64_t index)
{
    const uint64_t golden = UINT64_C(0x9E3779B97F4A7C15);
    /* For one (seed, stream) this is SplitMix64 from a hashed start: no value repeats in 2^64. */
    uint64_t start = mix(mix(seed + golden) + stream * UINT64_C(0xD1342543DE82EF95) + golden);
    return mix(start + (index + 1) * golden);
}
