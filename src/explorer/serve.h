/* The inside of a rank that serves rank 0: a pool of workers that do items one after another as
 * they come, and the jobs that they know. */
#ifndef KPU_EXPLORER_SERVE_H
#define KPU_EXPLORER_SERVE_H

#include "explorer/exact.h"
#include "explorer/hub.h"
#include "explorer/message.h"
#include "explorer/units.h"

/* ---- Jobs (served_jobs.c, exact_remote.c) -------------------------------------------------- */

/* What an item needs besides its own bytes: constant while any is under way. */
typedef struct kpu_serving {
    const kpu_space *space;
    size_t workers;
    kpu_metric_value *metrics; /* scratch of each worker: of a unit's rows */
    kpu_units units;
    struct kpu_served_cells *cells;
} kpu_serving;

typedef struct kpu_served_job {
    /* Takes what the items of a batch share. Leading thread; no item is under way. False: it makes
     * no sense, or no memory. */
    bool (*prepare)(kpu_serving *serving, kpu_reader *shared);
    /* Does an item, and appends what came out. Returns a kpu_error. */
    int (*serve)(const kpu_serving *serving, kpu_worker *worker, int64_t item, kpu_reader *reader,
                 kpu_text *out);
    /* How long what is done may wait for more, while there is more to do. */
    int64_t flush_ns;
} kpu_served_job;

extern const kpu_served_job kpu_served_jobs[KPU_REMOTE_JOBS];

bool kpu_serving_init(kpu_serving *serving, const kpu_space *space, size_t workers);
void kpu_serving_fini(kpu_serving *serving);

bool kpu_cells_prepare(kpu_serving *serving, kpu_reader *shared);
int kpu_cells_serve(const kpu_serving *serving, kpu_worker *worker, int64_t item,
                    kpu_reader *reader, kpu_text *out);
void kpu_cells_free(struct kpu_served_cells *cells); /* takes NULL */

/* ---- The pool (pool.c) --------------------------------------------------------------------- */

typedef struct kpu_pool kpu_pool;

typedef struct kpu_pool_options {
    kpu_serving *serving;
    bool plain_walk;
    const volatile int *stop; /* may be NULL */
} kpu_pool_options;

/* Some items of a job, in a message that the pool frees. */
typedef struct kpu_pool_work {
    void *message;
    kpu_reader items;
    kpu_remote_job job;
    int64_t first, count;
} kpu_pool_work;

/* What has been done since the last time: bodies of items as in KPU_MESSAGE_DONE. */
typedef struct kpu_pool_done {
    kpu_text text;
    int64_t spent_ns;
    int error; /* that is none of the items': KPU_E_MEMORY */
} kpu_pool_done;

/* Starts `threads` workers, calls lead(context, pool) in this thread, returns what it returns. */
int kpu_pool_open(const kpu_pool_options *options, int threads,
                  int (*lead)(void *context, kpu_pool *pool), void *context, kpu_diag *diag);
size_t kpu_pool_size(const kpu_pool *pool);
/* False: no memory; the message is freed all the same. */
bool kpu_pool_add(kpu_pool *pool, const kpu_pool_work *work);
/* Nothing of what was added is done any more, or will be told. Waits for the workers, which are
 * told to stop. */
void kpu_pool_drop(kpu_pool *pool);
/* Sleeps until there is nothing left to do, for so long at most. Without workers it works. */
void kpu_pool_wait(kpu_pool *pool, int64_t ns);
/* Whether something is to be told: an error, that nothing is left to do, `bytes`, or `waited` and
 * anything. */
bool kpu_pool_has_news(kpu_pool *pool, bool waited, size_t bytes);
/* Exchanges done->text, which is empty, for the one that the workers have filled. */
void kpu_pool_collect(kpu_pool *pool, kpu_pool_done *done);

#endif
