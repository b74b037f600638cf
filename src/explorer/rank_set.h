/* Private to the explorer: a set of ranks 0 .. room-1 that finds neighbours in O(log room), as
 * layers of bits: a bit of a layer says whether the word below it has any. */
#ifndef KPU_SRC_EXPLORER_RANK_SET_H
#define KPU_SRC_EXPLORER_RANK_SET_H

#include <stdbool.h>
#include <stdint.h>

enum { KPU_RANK_LAYERS = 11 }; /* 64^11 > 2^63 */

typedef struct kpu_rank_set {
    uint64_t *words;                   /* of all layers */
    uint64_t *layers[KPU_RANK_LAYERS]; /* into words; the last one is a single word */
    int layer_count;
} kpu_rank_set;

bool kpu_ranks_init(kpu_rank_set *set, int64_t room); /* empty; false: out of memory */
void kpu_ranks_fini(kpu_rank_set *set);
void kpu_ranks_add(kpu_rank_set *set, int64_t rank);
void kpu_ranks_remove(kpu_rank_set *set, int64_t rank);
/* The nearest one below, above `rank`, or -1. */
int64_t kpu_ranks_before(const kpu_rank_set *set, int64_t rank);
int64_t kpu_ranks_after(const kpu_rank_set *set, int64_t rank);

#endif
