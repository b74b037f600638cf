/* A team of workers, to which a search hands batches of work.
 *
 * The thread that opens a team leads it: it thinks up a batch, has it worked off with
 * kpu_team_run, looks at what came out, thinks up the next one. While a batch is under way it
 * evaluates nothing and answers Ctrl-C and the clock; between batches the workers sleep. So what a
 * search does between two batches needs no lock, and nothing it computes depends on the number of
 * threads, if the size of its batches does not. */
#ifndef KPU_EXPLORER_TEAM_H
#define KPU_EXPLORER_TEAM_H

#include "explorer/ahead.h"
#include "explorer/hub.h"

typedef struct kpu_team kpu_team;

/* What one worker owns. */
typedef struct kpu_worker {
    size_t number;            /* 0 .. kpu_team_size-1: finds the search's own scratch */
    kpu_simulator *simulator; /* never NULL in a job */
    kpu_result result;        /* scratch of kpu_evaluate */
    kpu_ahead *ahead;         /* what is known of some candidates; may be NULL */
} kpu_worker;

typedef struct kpu_team_options {
    int threads; /* that work, besides the leading one; 0: what OpenMP says */
    /* Asked by the leading thread every few milliseconds of a batch, and before each: true ends
     * the batch, and all that follow. May be NULL. */
    bool (*is_stopped)(void *context);
    void *context;
    bool plain_walk;        /* the workers' simulators begin without fast-forward */
    kpu_ranks *ranks;       /* that help with what kpu_team_share hands out; may be NULL */
    const kpu_space *space; /* theirs too; needed with ranks */
    kpu_ahead *ahead;       /* the workers'; may be NULL */
} kpu_team_options;

/* Does item `item` of a batch: reads what is shared, writes what belongs to the item or to the
 * worker. Returns a kpu_error. */
typedef int (*kpu_team_job)(void *context, kpu_worker *worker, int64_t item);

/* Starts the workers, calls lead(context, team) in this thread, and returns what it returns, or
 * KPU_E_MEMORY, KPU_E_INTERNAL (told to `diag`) if there is no team. */
int kpu_team_open(const kpu_team_options *options, int (*lead)(void *context, kpu_team *team),
                  void *context, kpu_diag *diag);

/* Workers, at least 1. */
size_t kpu_team_size(const kpu_team *team);

/* Does the items 0 .. count-1 in any order, and returns when no worker touches any of them any
 * more. KPU_E_INTERRUPTED: stopped; some items are not done, and further batches will not begin.
 * Another error: that of the first item, in their order, that failed; all before it are done. Only
 * for the thread that leads. */
int kpu_team_run(kpu_team *team, int64_t count, kpu_team_job job, void *context);

/* How items of a job are done in other processes, in kpu_served_jobs[job]. */
typedef struct kpu_team_remote {
    kpu_remote_job job;
    /* As in kpu_hub_batch; called by the thread that leads, with the context of the job. */
    void (*share)(void *context, int64_t *mark, kpu_text *out);
    void (*encode)(void *context, int64_t item, kpu_text *out);
    /* Puts what came out of an item where the job would have left it. False: that is no answer. */
    bool (*decode)(void *context, int64_t item, const char *bytes, size_t size);
} kpu_team_remote;

/* kpu_team_run, with help of the ranks if there are any. */
int kpu_team_share(kpu_team *team, int64_t count, kpu_team_job job, void *context,
                   const kpu_team_remote *remote);
/* Workers, here and in other processes. */
size_t kpu_team_power(const kpu_team *team);

/* The item that failed in the last batch. */
int64_t kpu_team_failed_item(const kpu_team *team);

#endif
