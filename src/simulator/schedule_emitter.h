/* Private to the simulator: what schedule_emit.c emits commands with. Stays of tiles in rings, the
 * list of commands, the list of waits. */
#ifndef KPU_SRC_SIMULATOR_SCHEDULE_EMITTER_H
#define KPU_SRC_SIMULATOR_SCHEDULE_EMITTER_H

#include "simulator/schedule_build.h"

/* Of an array that grows up to `limit` items. */
typedef struct schedule_growth {
    int64_t count, capacity, limit;
    size_t item_bytes;
} schedule_growth;

/* A tile's stay in a ring, from its first use in a window to the window's end. Stays of a ring are
 * numbered in order of first use; -1 is no stay, no command. */
typedef struct stay {
    int64_t tile;    /* number of the tile in its operand */
    int64_t above;   /* L2: the stay in L3 that it comes from and goes back to */
    int64_t below;   /* L3: the latest stay in L2 of the tile */
    int64_t sibling; /* L2: the stay in L2 before it that has the same stay above */
    int64_t loaded;  /* the command that brought it from above */
    int64_t written; /* C: the latest command that wrote it from below */
    int64_t read;    /* A, B in L2: the latest stream out of it */
    int64_t stored;  /* C: its store */
} stay;

typedef struct ring {
    stay *stays;
    schedule_growth growth;
    int64_t *latest; /* of every tile of the operand, its latest stay */
    int64_t window;  /* number of the first stay of the present window */
    int64_t slots;   /* that waits know of */
    int64_t stored;  /* C: the next stay to be stored */
} ring;

typedef struct emitter {
    kpu_schedule *s;
    const kpu_mapping *m;
    uint32_t without;
    int stationary;
    schedule_growth command_growth, wait_growth;
    int code; /* not KPU_OK: nothing is added any more */
    kpu_command discarded;
    ring ring[KPU_OPERANDS][KPU_HOIST_LEVELS];
    int64_t loop[KPU_NEST]; /* indices of the present step */
    int64_t tile[KPU_DIMS];
    int64_t step, run;
    bool first_step, run_begins, run_ends;
    unsigned changed;        /* loops whose index is another than at the step before */
    int64_t *fab, *cout;     /* of every step */
    int64_t run_released[2]; /* command that lets go of the registers, by run mod 2 */
} emitter;

/* The stays of a step's tiles, and which of them begin with it. */
typedef struct step_use {
    bool first[KPU_OPERANDS][KPU_HOIST_LEVELS]; /* first use in the window */
    int64_t at[KPU_OPERANDS][KPU_HOIST_LEVELS]; /* stays */
    int64_t c_before[KPU_HOIST_LEVELS];         /* the stay before, of a C tile that comes in */
    bool c_fresh;                               /* C starts from zero */
    int64_t stream[KPU_OPERANDS];               /* this step's streams in, -1 if there is none */
} step_use;

/* Memory for a schedule's rings and steps; KPU_OK or KPU_E_MEMORY. To be fini-ed in any case. */
int emitter_prepare(emitter *e);
void emitter_fini(emitter *e);

/* The stay of this step's tile, a new one if this is its first use in the window; a new window if
 * its identity is another one. Both are noted in *use. */
void emitter_enter(emitter *e, int operand, int level, step_use *use);
/* Bit i: the loop at position i indexes the operand. */
unsigned emitter_loops_of(const emitter *e, int operand);

/* A new command of an operand's tile. Once something failed, one that nobody sees. */
kpu_command *emitter_add_command(emitter *e, int kind, int operand, int64_t tile);
/* Lets the latest command wait for another, if there is one. */
void emitter_add_wait(emitter *e, int kind, int64_t command);
/* Lets it wait until the slot of that stay, which it is the first to write, is released. */
void emitter_wait_for_slot(emitter *e, int operand, int level, int64_t number);
/* Number of an operand's tile: row-major over its dimensions in the order m, n, k. */
int64_t emitter_tile_number(const emitter *e, int operand, const int64_t tile[KPU_DIMS]);

static inline int64_t slot_of(const emitter *e, int operand, int level, int64_t stay_number)
{
    return stay_number % e->s->slots[operand][level];
}
static inline stay *stay_at(emitter *e, int operand, int level, int64_t number)
{
    return &e->ring[operand][level].stays[number];
}
static inline int64_t latest_command(const emitter *e)
{
    return e->s->command_count - 1;
}
/* No command has written it yet. */
static inline bool unwritten(const stay *at)
{
    return at->loaded < 0 && at->written < 0;
}

#endif
