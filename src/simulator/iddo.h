/* Private to the simulator: what the implicit discipline carries from command to command, and the
 * skipping of what repeats (iddo_repeat.c). */
#ifndef KPU_SRC_SIMULATOR_IDDO_H
#define KPU_SRC_SIMULATOR_IDDO_H

#include "simulator/timing.h"

enum { IDDO_STREAMS = KPU_OPERANDS + 1, IDDO_COUT = KPU_OPERANDS }; /* A, B, C in; C out */

/* What the commands of an interval waited for: whatever lies before has not mattered. */
typedef struct earliest {
    int64_t dma, bm;               /* earliest wait of DMA commands, of block-mover commands */
    int64_t bm_slot[KPU_OPERANDS]; /* earliest slot that BM_LOADs waited for */
    int64_t bm_store_source;       /* earliest source that BM_STOREs waited for */
    int64_t dma_c_slot;            /* earliest slot that DMA_LOADs of C waited for ... */
    int64_t dma_c_slack; /* ... how much later it was, at least, than the tile was stored ... */
    int64_t nearest, farthest; /* ... and how far back, in number, the tile was stored; the
                                  latter is negative, so that less is further */
} earliest;
static inline void note_wait(int64_t *so_far, int64_t wait)
{
    *so_far = wait < *so_far ? wait : *so_far;
}
void earliest_reset(earliest *e);
void earliest_add(earliest *e, const earliest *other);

typedef struct pass {
    kpu_simulator *s;
    const kpu_program *program;
    const timing *t;
    tally *tally;
    walk walk;
    int64_t next_dma, next_bm; /* engine of the next command */
    engine stream[IDDO_STREAMS];
    int64_t fabric_free;
    int64_t l1_slot;      /* step mod d1 */
    int64_t registers[2]; /* release of the last run(s) */
    int run_parity;
    int64_t stored[KPU_HOIST_LEVELS];      /* tiles of C whose store has been emitted, in number */
    int64_t stored_slot[KPU_HOIST_LEVELS]; /* where the next of them lies */
    int64_t dram_forgotten; /* ready time of every store no longer remembered is at most this */
    bool failed;            /* it was not enough to know that */
    earliest earliest;
    struct repeats *repeats; /* NULL: nothing is skipped */
} pass;

/* Before a run: decides for which loops it is worth looking for repetition. NULL: for none, or out
 * of memory. */
struct repeats *repeats_start(pass *p);
void repeats_free(struct repeats *repeats);
/* At the first sweep of an iteration of the loop that advanced last, or of the run: skips what
 * repeats. False: the run has come to its end. */
bool repeats_at_loop(pass *p);
/* The same before step `i` > 0 of a sweep of `trips`; returns the steps skipped. Only asked if
 * repeats_in_sweep, asked at the sweep's begin, says that it is worth it. */
int64_t repeats_at_step(pass *p, int64_t i, int64_t trips);
bool repeats_in_sweep(pass *p);

#endif
