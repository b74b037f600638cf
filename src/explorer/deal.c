#include "explorer/deal.h"

#include <stdlib.h>

bool kpu_deal_init(kpu_deal *deal)
{
    deal->count = 0;
    deal->again = NULL;
    deal->room = deal->lent = 0;
    atomic_init(&deal->next, 0);
    atomic_init(&deal->waiting, 0);
    return pthread_mutex_init(&deal->lock, NULL) == 0;
}

void kpu_deal_fini(kpu_deal *deal)
{
    pthread_mutex_destroy(&deal->lock);
    free(deal->again);
}

void kpu_deal_begin(kpu_deal *deal, int64_t count)
{
    deal->count = count;
    deal->lent = 0;
    atomic_store_explicit(&deal->waiting, 0, memory_order_relaxed);
    atomic_store_explicit(&deal->next, 0, memory_order_relaxed);
}

/* From the end of the list. */
int64_t kpu_deal_claim_again(kpu_deal *deal, int64_t most, int64_t *first)
{
    if (atomic_load_explicit(&deal->waiting, memory_order_relaxed) == 0)
        return 0;
    pthread_mutex_lock(&deal->lock);
    int64_t waiting = atomic_load_explicit(&deal->waiting, memory_order_relaxed), count = 0;
    while (count < most && count < waiting &&
           (count == 0 || deal->again[waiting - count - 1] == *first - 1))
        *first = deal->again[waiting - ++count];
    atomic_store_explicit(&deal->waiting, waiting - count, memory_order_relaxed);
    pthread_mutex_unlock(&deal->lock);
    return count;
}

int64_t kpu_deal_claim(kpu_deal *deal, int64_t most, int64_t *first)
{
    int64_t again = kpu_deal_claim_again(deal, most, first);
    if (again > 0 || atomic_load_explicit(&deal->next, memory_order_relaxed) >= deal->count)
        return again;
    *first = atomic_fetch_add_explicit(&deal->next, most, memory_order_relaxed);
    int64_t left = deal->count - *first;
    return left < 0 ? 0 : left < most ? left : most;
}

int64_t kpu_deal_left(const kpu_deal *deal)
{
    int64_t left = deal->count - atomic_load_explicit(&deal->next, memory_order_relaxed);
    return (left > 0 ? left : 0) + atomic_load_explicit(&deal->waiting, memory_order_relaxed);
}

/* The list never holds more than was lent. */
static bool make_room(kpu_deal *deal, int64_t more)
{
    int64_t waiting = atomic_load_explicit(&deal->waiting, memory_order_relaxed);
    size_t need = (size_t)(waiting + more) + deal->lent;
    if (need <= deal->room)
        return true;
    int64_t *again = realloc(deal->again, 2 * need * sizeof *again);
    if (!again)
        return false;
    deal->again = again;
    deal->room = 2 * need;
    return true;
}

static int64_t claim_below(kpu_deal *deal, int64_t most, int64_t end, int64_t *first)
{
    int64_t again = kpu_deal_claim_again(deal, most, first), count;
    if (again > 0)
        return again;
    end = end < deal->count ? end : deal->count;
    *first = atomic_load_explicit(&deal->next, memory_order_relaxed);
    do {
        if (*first >= end)
            return 0;
        count = end - *first < most ? end - *first : most;
    } while (!atomic_compare_exchange_weak_explicit(&deal->next, first, *first + count,
                                                    memory_order_relaxed, memory_order_relaxed));
    return count;
}

int64_t kpu_deal_lend(kpu_deal *deal, int64_t most, int64_t end, int64_t *first)
{
    pthread_mutex_lock(&deal->lock);
    bool has_room = make_room(deal, most);
    pthread_mutex_unlock(&deal->lock);
    int64_t count = has_room ? claim_below(deal, most, end, first) : 0;
    pthread_mutex_lock(&deal->lock);
    deal->lent += (size_t)count;
    pthread_mutex_unlock(&deal->lock);
    return count;
}

void kpu_deal_settle(kpu_deal *deal)
{
    pthread_mutex_lock(&deal->lock);
    deal->lent--;
    pthread_mutex_unlock(&deal->lock);
}

void kpu_deal_give_back(kpu_deal *deal, int64_t first, int64_t count)
{
    pthread_mutex_lock(&deal->lock);
    int64_t waiting = atomic_load_explicit(&deal->waiting, memory_order_relaxed);
    for (int64_t i = 0; i < count; i++)
        deal->again[waiting++] = first + i;
    deal->lent -= (size_t)count;
    atomic_store_explicit(&deal->waiting, waiting, memory_order_relaxed);
    pthread_mutex_unlock(&deal->lock);
}
