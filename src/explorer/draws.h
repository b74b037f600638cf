/* Searches that draw points from a sequence which is known beforehand, whatever comes out. */
#ifndef KPU_EXPLORER_DRAWS_H
#define KPU_EXPLORER_DRAWS_H

#include "explorer/search.h"

/* A sequence of indices of points, in which points may come again. */
typedef struct kpu_draws {
    int64_t (*index)(const void *context, int64_t n); /* thread-safe */
    const void *context;
} kpu_draws;

/* Evaluates the first candidates of the sequence that the budget holds, each once, and remembers
 * them (some bytes each). When hardly anything new comes, the rest is taken from the sequence of
 * kpu_draws_search_all. */
int kpu_draws_search(kpu_search_session *session, const kpu_draws *draws);
/* The same with a random permutation of all points: nothing comes again, nothing is remembered. */
int kpu_draws_search_all(kpu_search_session *session);

#endif
