/* Private to the simulator: state of the explicit discipline.
 *
 * Seven actors, each with a walk of its own over the nest: the DMA and block-mover queues, and
 * the in-order streamers A, B, C-in, the fabric and C-out. They meet in records of tiles, so that
 * nobody has to hold the commands that lie between the position of one and that of another, and
 * memory depends on the rings and the window, not on the length of the run. */
#ifndef KPU_SRC_SIMULATOR_EDDO_H
#define KPU_SRC_SIMULATOR_EDDO_H

#include "simulator/timing.h"

#define EDDO_UNKNOWN INT64_MAX /* a time that is not determined yet */

enum { ENTRY_LOAD, ENTRY_LOAD_C, ENTRY_STORE };

/* A command that waits in a queue. */
typedef struct entry {
    uint8_t kind, operand, edges;
    bool mover;           /* in the block movers' queue, not the DMA engines' */
    bool has_slot;        /* its slot's release is known */
    int64_t sequence;     /* place in emission order */
    int64_t number;       /* of the tile at the level that is written (load) or read (store) */
    int64_t from;         /* BM: number of the tile at L3; DMA_LOAD of C: when it was there last */
    int64_t needed;       /* BM_LOAD of C: BM_STOREs that must have been written before */
    int64_t slot, source; /* times, once known */
    int source_cause;
    struct entry *next;            /* who waits for the same tile */
    struct entry **waits;          /* the tile's list of them; NULL: its waits are known */
    struct entry *earlier, *later; /* in emission order */
} entry;

/* Tile of A or B at a level. */
typedef struct tile_record {
    int64_t key;    /* which tile of which run; another key: the record is stale */
    entry *waiters; /* commands that wait for something to happen to this tile */
    int64_t ready;  /* EDDO_UNKNOWN until its load has started */
    int64_t release;
    int32_t pending; /* L3: BM_LOADs of it that are queued */
    uint8_t cause;
    bool closed; /* no further command of its window reads it */
} tile_record;

/* Tile of C at L3 or L2. */
typedef struct c_record {
    int64_t key;
    entry *waiters;
    int64_t ready;       /* of the latest of its load and the writes into it */
    int64_t release;     /* end of its store, EDDO_UNKNOWN until that has started */
    int64_t store_ready; /* L3: when the DMA_STORE is ready */
    int64_t above;       /* L2: number of the tile at L3, -1 as long as the queue is not there */
    int32_t queued;      /* L3: BM_STOREs queued into it; L2: streams in, fresh visits included */
    int32_t written;     /* L3: BM_STOREs started; L2: STR_COUTs started */
    uint8_t cause, store_cause, final, unwritten, edges;
    bool closed; /* no further command of its window writes it */
    bool last;   /* L2: the tile's last stay there while its window at L3 lasts */
} c_record;

/* Records by number and mask. Keys are numbers plus `base`, which is another one in every run: what
 * earlier runs left behind is nobody's tile, and need not be cleared. */
typedef struct tile_table {
    tile_record *at;
    int64_t mask; /* records - 1, a power of two less one */
    int64_t base;
} tile_table;
typedef struct c_table {
    c_record *at;
    int64_t mask, base;
} c_table;

/* When a C tile was back in DRAM, after its record has gone; keys as above. */
typedef struct dram_record {
    int64_t key, ready, cause;
} dram_record;

/* Whether a tile is taken again (walk_taken_again), for the steps of a sweep but the last, and for
 * the last: all but the last are alike. */
typedef struct again_memo {
    bool known[2], value[2];
} again_memo;
typedef struct again_for {
    int operand, window, reader;
} again_for;
static inline void again_forget(again_memo *a)
{
    a->known[0] = a->known[1] = false;
}
static inline bool taken_again(again_memo *a, const walk *w, int64_t i, again_for what)
{
    bool last = i == w->trips[WALK_LAST] - 1;
    if (!a->known[last]) {
        a->known[last] = true;
        a->value[last] = walk_taken_again(w, what.operand, i, what.window, what.reader);
    }
    return a->value[last];
}

/* DMA or block-mover queue: its first `window` commands not yet started, in emission order. */
typedef struct queue {
    walk walk;
    int64_t iteration;
    int64_t step_number[KPU_OPERANDS], step_from[KPU_OPERANDS]; /* of the tiles in `loads` */
    unsigned loads;   /* operands whose loads, and first uses, are still to come at this step */
    unsigned renewed; /* those that have one at every step of the sweep but the first */
    again_memo again[KPU_OPERANDS];
    bool fresh, finished;
    int64_t store_next, store_end; /* tiles of C whose window has ended */
    entry *entries;                /* pool of `window` */
    int32_t *spare;                /* free entries: from `count` on */
    entry *oldest, *newest;        /* the commands in the window */
    int64_t count;
    int64_t emitted;
    entry **known;            /* those whose waits are known, in no order: */
    int64_t *wait, *sequence; /* end of its last wait, its place in emission order */
    int64_t known_count;
    int64_t earliest; /* of all `wait` */
    engine *engines;
    int64_t engine_count;
    int64_t free_at; /* earliest that an engine is free */
    int64_t now;     /* cycle of the last event */
} queue;

/* A streamer or the fabric: its next command's place in the nest. */
typedef struct actor {
    walk walk;
    int64_t iteration;
    int64_t done;   /* steps, or runs, behind it */
    int64_t number; /* of the L2 tile that it uses next */
    again_memo again;
    bool finished;
} actor;

/* What a stream tells the fabric. */
typedef struct stream_times {
    int64_t first, ready;
    int cause;
} stream_times;

enum { EDDO_RUNS = 4 }; /* runs under way at once: at most 3; a power of two */

/* The in-order actors: who may be able to go on, one bit each. */
enum { CORE_A = KPU_A, CORE_B = KPU_B, CORE_C = KPU_C, CORE_FABRIC, CORE_COUT, CORE_ACTORS };

struct eddo {
    /* From run to run. */
    kpu_simulator *s;
    struct eddo_repeats *repeats; /* what is skipped by, made at its first use */
    int64_t base;                 /* of this run's keys */
    buffer tables[KPU_OPERANDS * KPU_HOIST_LEVELS];
    buffer queue_buffer, times_buffer, stored_buffer;
    /* Of a run. */
    const kpu_program *program;
    const timing *t;
    tile_table tile[KPU_OPERANDS][KPU_HOIST_LEVELS]; /* A, B */
    c_table c[KPU_HOIST_LEVELS];
    queue dma, bm;
    actor stream[KPU_OPERANDS]; /* A, B, C in */
    actor fabric, cout;
    engine stream_engine[KPU_OPERANDS], cout_engine;
    int64_t fabric_free;
    bool c_stationary;
    stream_times *times[KPU_OPERANDS]; /* by step, or run if stationary, and mask */
    int64_t times_mask;
    int64_t *fab_end, *cout_end;  /* of steps, by step and mask */
    int64_t registers[EDDO_RUNS]; /* release of each run */
    int64_t runs_released;
    int64_t run_end[EDDO_RUNS]; /* end of each run's last FAB */
    int64_t fabric_run;
    int crossed; /* the outermost loop that the fabric advanced in since it was last looked at */
    dram_record *stored; /* the latest stores, by number and mask */
    int64_t stored_mask;
    int64_t forgotten; /* ready time of every store no longer remembered is at most this */
    bool failed;       /* it was not enough to know that */
    int64_t settled;   /* all tiles of C before this are back in DRAM by now */
    int64_t unordered; /* of two stores that far apart the earlier one's tile is in DRAM before the
                          later one's slot is free */
    int64_t newest_stored;
    int64_t near_fetches; /* DMA_LOADs of C for which it mattered when their tile was stored */
    bool repeating;       /* what repeats is skipped */
    int64_t revisited;    /* number at L3, last time, of the C tile that was fetched again last */
    int64_t slotless[KPU_OPERANDS * KPU_HOIST_LEVELS]; /* tiles before this have their slots */
};

/* Moves d->settled on, given that the present cycle is not before `cycle`. */
void eddo_settle_stores(struct eddo *d, int64_t cycle);

/* Scratch of a run that remembers that many stores; KPU_OK or KPU_E_MEMORY. */
int eddo_reserve(struct eddo *d, int64_t stores);

/* Emission: to the walk's first step; the next command in emission order, false at the end. */
void eddo_emit_start(queue *q, int level);
bool eddo_emit(struct eddo *d, queue *q, int level, entry *out);

/* Something happened to a tile: those who wait for it look again at what they wait for. */
void eddo_wake(struct eddo *d, entry **waiters);
/* Looks at what a command waits for: it becomes known, or the waiter of a tile. */
void eddo_look(struct eddo *d, entry *e);

/* Runs streamers and fabric as far as known times carry them, beginning with those in `due`. */
void eddo_core_start(struct eddo *d);
void eddo_core_run(struct eddo *d, unsigned due);

static inline tile_record *tile_at(const tile_table *table, int64_t number)
{
    return &table->at[number & table->mask];
}
static inline c_record *c_at(const c_table *table, int64_t number)
{
    return &table->at[number & table->mask];
}

/* The record of a tile, made when first asked for. */
static inline tile_record *tile_touch(const tile_table *table, int64_t number)
{
    tile_record *r = tile_at(table, number);
    if (r->key != number + table->base)
        *r = (tile_record){.key = number + table->base, .ready = EDDO_UNKNOWN, .release = -1};
    return r;
}
static inline c_record *c_touch(const c_table *table, int64_t number, unsigned edges, bool fresh)
{
    c_record *r = c_at(table, number);
    if (r->key != number + table->base)
        *r = (c_record){.key = number + table->base,
                        .ready = EDDO_UNKNOWN,
                        .release = EDDO_UNKNOWN,
                        .store_ready = EDDO_UNKNOWN,
                        .above = -1,
                        .edges = (uint8_t)edges,
                        .unwritten = fresh};
    return r;
}

/* Release of C's slot for tile `number`: when the store of tile number - S ended. */
static inline int64_t c_slot_release(const struct eddo *d, int level, int64_t number)
{
    int64_t previous = number - d->program->window[KPU_C][level].slots;
    return previous < 0 ? -1 : c_at(&d->c[level], previous)->release;
}

#endif
