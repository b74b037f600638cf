/* kpu/ranks.h - several processes that evaluate one run together. One of them, rank 0, leads and is
 * the only one that has results; the others serve it. What comes out does not depend on how many
 * there are, who did what, or which of them were lost on the way. This knows no MPI: a transport
 * gives the four functions below. */
#ifndef KPU_RANKS_H
#define KPU_RANKS_H

#include "kpu/explorer.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { KPU_RANKS_LEADER_PATIENCE = 6 };

/* Messages are whole, and in order between two ranks. Only the thread that made the transport
 * calls it. */
typedef struct kpu_ranks {
    int rank, count; /* this process, all of them */
    void *context;
    /* Takes a copy, or the bytes are on their way, when it returns; never waits for the other side.
     * KPU_OK, KPU_E_MEMORY, or KPU_E_IO: that rank cannot be reached. */
    int (*send)(void *context, int to, const void *bytes, size_t size);
    /* The next message of anybody: *from, malloc'ed *bytes, *size; *from is -1 if none is there.
     * KPU_E_MEMORY: one of *from was there, and is lost. KPU_E_IO: nobody can be reached. */
    int (*receive)(void *context, int *from, void **bytes, size_t *size);
    double patience_s; /* a rank of which nothing is heard for so long is lost; rank 0, which also
                          writes, when nothing is heard for KPU_RANKS_LEADER_PATIENCE as long */
    bool eager;        /* sends work even where it takes less time than the message: for tests */
    /* Filled in as it goes. */
    int lost;         /* ranks that are; all others, when this one leaves before it is sent home */
    int64_t messages; /* received by rank 0 */
    int64_t bytes;
    int64_t kept_ns; /* when kpu_ranks_keep last said something */
} kpu_ranks;

/* Serves rank 0, which runs kpu_search_run or kpu_explore on the same space, until it says that all
 * is done. KPU_E_IO: rank 0 was lost; KPU_E_INPUT: its space is another one. `options`: threads,
 * stop, plain_walk. */
int kpu_search_serve(const kpu_space *space, kpu_ranks *ranks, const kpu_search_options *options,
                     kpu_diag *diag);
/* Instead, for a rank that cannot, as its space could not be made: waits for what rank 0 says, and
 * leaves. False: rank 0 could not begin either, so it has said why. */
bool kpu_ranks_decline(kpu_ranks *ranks);
/* For a rank that was sent home while others are lost, before it ends the transport: rank 0, which
 * may have something to write yet, sends it home once more when it has done so. */
void kpu_ranks_wait(kpu_ranks *ranks, const volatile int *stop);
/* Rank 0, now and then while it has nothing for the others to do, so that they do not give it up;
 * costs hardly anything. The search does so. Takes NULL. */
void kpu_ranks_keep(kpu_ranks *ranks);
/* Rank 0, when all is done or has failed: sends the others home. */
void kpu_ranks_dismiss(kpu_ranks *ranks);

#ifdef __cplusplus
}
#endif
#endif
