/* Items 0 .. count-1, of which each is given out once; but one that somebody had and will not do is
 * given out again. Any thread claims; what goes to other ranks is the leading thread's. */
#ifndef KPU_EXPLORER_DEAL_H
#define KPU_EXPLORER_DEAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct kpu_deal {
    int64_t count;
    _Atomic int64_t next;    /* first item that nobody has claimed */
    _Atomic int64_t waiting; /* items that are given out again */
    pthread_mutex_t lock;    /* of all below */
    int64_t *again;
    size_t room, lent; /* items that others have: there is room for them */
} kpu_deal;

bool kpu_deal_init(kpu_deal *deal);
void kpu_deal_fini(kpu_deal *deal);
/* New items, when nobody has any. */
void kpu_deal_begin(kpu_deal *deal, int64_t count);
/* At most `most` that follow one another; 0: none is left. */
int64_t kpu_deal_claim(kpu_deal *deal, int64_t most, int64_t *first);
/* The same, only of those that are given out again. */
int64_t kpu_deal_claim_again(kpu_deal *deal, int64_t most, int64_t *first);
/* How many are left. */
int64_t kpu_deal_left(const kpu_deal *deal);

/* The same for another rank, which then either does each, or gives it back. None but those that
 * are given out again is `end` or more. 0: no memory, too. */
int64_t kpu_deal_lend(kpu_deal *deal, int64_t most, int64_t end, int64_t *first);
void kpu_deal_settle(kpu_deal *deal); /* one was done */
void kpu_deal_give_back(kpu_deal *deal, int64_t first, int64_t count);

#endif
