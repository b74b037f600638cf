/* Private to the simulator: what the implicit discipline carries from command to command, and the
 * skipping of what repeats (iddo_repeat.c). */
#ifndef KPU_SRC_SIMULATOR_IDDO_H
#define KPU_SRC_SIMULATOR_IDDO_H

#include "simulator/timing.h"

enum { IDDO_STREAMS = KPU_OPERANDS + 1, IDDO_COUT = KPU_OPERANDS }; /* A, B, C in; C out */

/* The earliest that commands of an interval waited for: what lies before cannot have mattered. */
typedef struct earliest {
    int64_t dma, bm;               /* waits of DMA commands, of block-mover commands */
    int64_t bm_slot[KPU_OPERANDS]; /* slots of BM_LOADs */
    int64_t dma_c_slot;            /* slots of DMA_LOADs of C */
} earliest;

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

/* Before a run, once its scratch is reserved. NULL: out of memory, or this run is too short, or
 * too large, to be worth it. */
struct repeats *repeats_start(kpu_simulator *s);
void repeats_free(struct repeats *repeats);
/* At the first sweep of an iteration, not the first, of the loop that advanced last: skips as many
 * of its iterations as repeat earlier ones, the last one never. */
void repeats_at_loop(pass *p);
/* The same before step `i` > 0 of a sweep of `trips`; returns the steps skipped. */
int64_t repeats_at_step(pass *p, int64_t i, int64_t trips);
/* A sweep begins; is it long enough for repeats_at_step to be asked? */
bool repeats_in_sweep(pass *p);
/* The sweep has ended. */
void repeats_leave_sweep(pass *p);

#endif
