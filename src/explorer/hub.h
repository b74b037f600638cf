/* Rank 0's side of the ranks: deals out the items of a batch to the others, takes what comes back,
 * and gives items out again whose rank was lost. Only the thread that leads calls it; it never
 * waits. */
#ifndef KPU_EXPLORER_HUB_H
#define KPU_EXPLORER_HUB_H

#include "kpu/ranks.h"

typedef struct kpu_hub kpu_hub;

/* What the others can do: rows of kpu_served_jobs. */
typedef enum kpu_remote_job {
    KPU_REMOTE_UNITS,  /* some points of a run each */
    KPU_REMOTE_POINTS, /* one point each */
    KPU_REMOTE_CELLS,  /* of the exact search */
    KPU_REMOTE_JOBS
} kpu_remote_job;

/* A batch: items that others may do as well as this process. */
typedef struct kpu_hub_batch {
    kpu_remote_job job;
    void *context;
    size_t threads; /* of this process that work on it too */
    /* What all items have in common and the rank does not know yet: *mark is the hub's for each
     * rank, 0 at first, and tells how much of it has been sent. May be NULL. */
    void (*share)(void *context, int64_t *mark, kpu_text *out);
    /* What an item is made of; NULL: its number says all. */
    void (*encode)(void *context, int64_t item, kpu_text *out);
    /* How many items are left to be given out. */
    int64_t (*left)(void *context);
    /* Gives out at most `most` that follow one another: how many. Makes sure that `again` will not
     * fail for them. */
    int64_t (*take)(void *context, int64_t most, int64_t *first);
    /* An item was done, or failed with `code` whoever does it. False: that is no answer. */
    bool (*done)(void *context, int64_t item, int code, const char *bytes, size_t size);
    /* Items that were given out and will not be done. */
    void (*again)(void *context, int64_t first, int64_t count);
} kpu_hub_batch;

/* Tells all that a run begins. *out: NULL if `ranks` is, or is alone. KPU_OK or KPU_E_MEMORY. */
int kpu_hub_open(kpu_ranks *ranks, const kpu_space *space, kpu_hub **out);
/* Nobody need go on. Takes NULL. */
void kpu_hub_close(kpu_hub *hub);

/* `batch` stays the caller's. */
void kpu_hub_begin(kpu_hub *hub, const kpu_hub_batch *batch);
/* Receives, deals out, looks who is silent. True if anything came. To be called often, in a batch
 * or not. */
bool kpu_hub_pump(kpu_hub *hub);
/* Items given out that are not back. */
int64_t kpu_hub_missing(const kpu_hub *hub);
/* What is not back will not be used. */
void kpu_hub_end(kpu_hub *hub);
/* Threads of the others, as far as they are known. */
size_t kpu_hub_threads(const kpu_hub *hub);

#endif
