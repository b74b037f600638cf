#include "explorer/halton.h"

#include <stdlib.h>

static const uint64_t scale_max = UINT64_C(1) << 53;

static uint32_t next_prime(uint32_t after)
{
    for (uint32_t p = after + 1;; p++) {
        uint32_t d = 2;
        while (d * d <= p && p % d != 0)
            d++;
        if (d * d > p)
            return p;
    }
}

/* Fisher and Yates. The bias of taking a remainder is below 2^-50. */
static void shuffle(uint16_t *order, uint32_t count, uint64_t seed, uint64_t stream)
{
    for (uint32_t i = 0; i < count; i++)
        order[i] = (uint16_t)i;
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = (uint32_t)(kpu_random_u64(seed, stream, i) % i);
        uint16_t moved = order[i - 1];
        order[i - 1] = order[other];
        order[other] = moved;
    }
}

static bool make_axis(kpu_halton_axis *axis, uint64_t seed)
{
    axis->scale = 1;
    for (axis->places = 0; axis->scale * axis->base <= scale_max; axis->places++)
        axis->scale *= axis->base;
    axis->permutations = calloc((size_t)axis->places * axis->base, sizeof *axis->permutations);
    for (int place = 0; axis->permutations && place < axis->places; place++)
        shuffle(axis->permutations + (size_t)place * axis->base, axis->base, seed,
                (uint64_t)axis->base << 32 | (uint64_t)place);
    return axis->permutations != NULL;
}

int kpu_halton_init(kpu_halton *h, size_t dimensions, uint64_t seed)
{
    *h = (kpu_halton){.axes = calloc(dimensions + 1, sizeof *h->axes)};
    if (!h->axes)
        return KPU_E_MEMORY;
    uint32_t prime = 1;
    for (; h->dimensions < dimensions; h->dimensions++) {
        kpu_halton_axis *axis = &h->axes[h->dimensions];
        axis->base = prime = next_prime(prime);
        if (!make_axis(axis, seed))
            return KPU_E_MEMORY;
    }
    return KPU_OK;
}

void kpu_halton_fini(kpu_halton *h)
{
    for (size_t i = 0; i < h->dimensions; i++)
        free(h->axes[i].permutations);
    free(h->axes);
    *h = (kpu_halton){0};
}

int64_t kpu_halton_at(const kpu_halton *h, size_t dimension, int64_t n, int64_t length)
{
    __extension__ typedef unsigned __int128 u128;
    const kpu_halton_axis *axis = &h->axes[dimension];
    uint64_t rest = (uint64_t)n, sum = 0;
    for (int place = 0; place < axis->places; place++, rest /= axis->base)
        sum = sum * axis->base + axis->permutations[(size_t)place * axis->base + rest % axis->base];
    return (int64_t)((u128)sum * (uint64_t)length / axis->scale);
}
