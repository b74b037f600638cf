/* Private to iddo's fast-forward: what whole iterations did. */
#ifndef KPU_SRC_SIMULATOR_IDDO_MEMO_H
#define KPU_SRC_SIMULATOR_IDDO_MEMO_H

#include "simulator/iddo_repeat.h"

enum {
    MEMO_LOOPS = KPU_BLOCK_LOOPS + 1, /* the outer ones */
    MEMO_OUTCOMES = 24,               /* of one loop; the oldest are forgotten */
    MEMO_STORES = 128                 /* into DRAM, of one iteration, that are remembered */
};

/* An iteration: the state that it found and the one that it left. */
typedef struct outcome {
    bool known;
    uint64_t shape; /* walk_shape */
    mark entry, left;
    mark *entry_pointer; /* to entry */
    int64_t stored_count, forgotten;
    dram_time stored[MEMO_STORES]; /* its last stores; no other was later than `forgotten` */
} outcome;

typedef struct memo {
    bool watched;
    int open, next;    /* the outcome under way, or -1; the one to be overwritten next */
    int count;         /* outcomes in use */
    earliest earliest; /* of the one under way */
    outcome *at;
    char *marks; /* memory of theirs */
} memo;

typedef enum memo_found { MEMO_NOTHING, MEMO_REPLAYED, MEMO_ENDED } memo_found;

/* Gives an outcome's marks their memory. */
void memo_lay(const pass *p, int position, outcome *o);
memo *memo_at(struct repeats *repeats, int position);
const ring_scratch *memo_scratch(const struct repeats *repeats);

/* At the first sweep of an iteration of the loop at `position`, -1 at the start of the run: ends
 * what ends here. */
void memo_close(pass *p, int position);
/* Replays the iteration of this loop, or the first of one inside it, if it is known; or begins to
 * remember it. */
memo_found memo_look(pass *p, int position);

#endif
