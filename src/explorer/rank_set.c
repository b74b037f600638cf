#include "explorer/rank_set.h"

#include <stdlib.h>

enum { WORD_BITS = 64 };

bool kpu_ranks_init(kpu_rank_set *set, int64_t room)
{
    size_t first[KPU_RANK_LAYERS], total = 0, width = room > 0 ? (size_t)room : 1;
    *set = (kpu_rank_set){0};
    do {
        width = (width + WORD_BITS - 1) / WORD_BITS;
        first[set->layer_count++] = total;
        total += width;
    } while (width > 1);
    set->words = calloc(total, sizeof *set->words);
    for (int layer = 0; set->words && layer < set->layer_count; layer++)
        set->layers[layer] = set->words + first[layer];
    return set->words;
}

void kpu_ranks_fini(kpu_rank_set *set)
{
    free(set->words);
    *set = (kpu_rank_set){0};
}

void kpu_ranks_add(kpu_rank_set *set, int64_t rank)
{
    for (int layer = 0; layer < set->layer_count; layer++, rank /= WORD_BITS)
        set->layers[layer][rank / WORD_BITS] |= UINT64_C(1) << rank % WORD_BITS;
}

void kpu_ranks_remove(kpu_rank_set *set, int64_t rank)
{
    for (int layer = 0; layer < set->layer_count; layer++, rank /= WORD_BITS) {
        uint64_t *word = &set->layers[layer][rank / WORD_BITS];
        *word &= ~(UINT64_C(1) << rank % WORD_BITS);
        if (*word)
            return;
    }
}

/* From a bit of a layer down to the rank at the edge of what is below it. */
static int64_t descend(const kpu_rank_set *set, int layer, int64_t bit, bool last)
{
    while (layer-- > 0) {
        uint64_t word = set->layers[layer][bit];
        bit = bit * WORD_BITS +
              (last ? WORD_BITS - 1 - __builtin_clzll(word) : __builtin_ctzll(word));
    }
    return bit;
}

int64_t kpu_ranks_before(const kpu_rank_set *set, int64_t rank)
{
    for (int layer = 0; layer < set->layer_count; layer++, rank /= WORD_BITS) {
        uint64_t below = (UINT64_C(1) << rank % WORD_BITS) - 1;
        uint64_t word = set->layers[layer][rank / WORD_BITS] & below;
        if (word)
            return descend(set, layer,
                           rank - rank % WORD_BITS + WORD_BITS - 1 - __builtin_clzll(word), true);
    }
    return -1;
}

int64_t kpu_ranks_after(const kpu_rank_set *set, int64_t rank)
{
    for (int layer = 0; layer < set->layer_count; layer++, rank /= WORD_BITS) {
        uint64_t above = ~UINT64_C(1) << rank % WORD_BITS;
        uint64_t word = set->layers[layer][rank / WORD_BITS] & above;
        if (word)
            return descend(set, layer, rank - rank % WORD_BITS + __builtin_ctzll(word), false);
    }
    return -1;
}
