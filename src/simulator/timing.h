/* Private to the simulator: tables and state that both disciplines share. */
#ifndef KPU_SRC_SIMULATOR_TIMING_H
#define KPU_SRC_SIMULATOR_TIMING_H

#include "kpu/simulator.h"
#include "simulator/walk.h"

/* Cause codes of a start: a stall's cause, KPU_STALL_*. For a bandwidth cause, +1 is `order`. */
_Static_assert(KPU_STALL_DRAM_ORDER == KPU_STALL_DRAM_BANDWIDTH + 1 &&
                   KPU_STALL_L3_ORDER == KPU_STALL_L3_BANDWIDTH + 1 &&
                   KPU_STALL_L2_ORDER == KPU_STALL_L2_BANDWIDTH + 1,
               "order follows bandwidth");

/* Cycles that a tile occupies an engine, by edge mask. */
typedef struct tile_cycles {
    int64_t dma[KPU_EDGES], bm[KPU_EDGES], str[KPU_EDGES];
} tile_cycles;

/* A program bound to a machine: every duration that can occur. */
typedef struct timing {
    tile_cycles in[KPU_OPERANDS]; /* A, B, C as partial sums */
    tile_cycles out[2];           /* C leaving: [0] partial, [1] final */
    int64_t compute[KPU_EDGES];   /* cycles of a step */
    int64_t passes_row[KPU_EDGES], passes_col[KPU_EDGES];
    int64_t skew;
    int64_t dma_latency, bm_latency, str_latency;
    int64_t dma_engines, bm_engines;
} timing;

/* KPU_E_RANGE if a duration, or all of them together, could leave 64 bits. */
int timing_bind(const kpu_machine *machine, const kpu_problem *problem, const kpu_program *program,
                timing *out);

/* What a run counts: commands by edge mask; bytes and busy cycles follow from them. */
typedef struct tally {
    int64_t dma_load[KPU_OPERANDS][KPU_EDGES], bm_load[KPU_OPERANDS][KPU_EDGES];
    int64_t stream_in[KPU_OPERANDS][KPU_EDGES]; /* C: STR_CIN */
    int64_t fab[KPU_EDGES];
    int64_t stream_out[2][KPU_EDGES], bm_store[2][KPU_EDGES], dma_store[2][KPU_EDGES];
    int64_t stalls[KPU_STALLS][KPU_OPERANDS];
    int64_t cycles, fabric_end;
} tally;

/* An engine that runs one command after another. */
typedef struct engine {
    int64_t free;  /* it stops being busy */
    int64_t since; /* it has been busy without a break since then */
    int64_t busy;
} engine;

/* A tile of A or B in a ring. -1: nobody waits for this slot's first tenant. */
typedef struct slot {
    int64_t ready;   /* the tile has arrived */
    int64_t release; /* its readers have stopped being busy */
    int32_t cause;   /* of its load, if it is late */
} slot;

/* A tile of C. */
typedef struct slot_c {
    int64_t ready, release;
    int64_t
        link; /* L2: the tile's slot in the ring at L3; L3: number at L2 of its latest stay there */
    int32_t cause, final, unwritten, edges; /* no char: it would alias everything */
} slot_c;

/* When a tile of C is in DRAM. */
typedef struct dram_time {
    int64_t ready;
    int64_t cause;
} dram_time;

/* Scratch that grows and is reused. */
typedef struct buffer {
    void *data;
    size_t bytes;
} buffer;

struct kpu_simulator {
    bool (*stop)(void *context);
    void *stop_context;
    kpu_program program;
    timing timing;
    tally tally;
    engine *dma, *bm; /* in engines_buffer */
    int64_t *busy;
    slot *ring[KPU_OPERANDS][KPU_HOIST_LEVELS]; /* A, B */
    slot_c *ring_c[KPU_HOIST_LEVELS];
    bool no_fast_forward;
    int64_t steps_walked;
    dram_time *stored; /* iddo: of the latest stores, by the tile's number at L3 and this mask */
    int64_t stored_mask;
    int64_t *fab_end;  /* of the last d1 steps */
    int64_t *cout_end; /* of the last d1 steps' STR_COUT (accumulators) */
    buffer engines_buffer, busy_buffer, slots_buffer, stored_buffer, l1_buffer;
    struct repeats *repeats; /* what iddo skips by, made at its first use */
    struct eddo *eddo;       /* state of the explicit discipline, made at its first use */
};

/* Whether to give up, when `more` steps or events are to come; asks once in so many of them. *done:
 * since the last question. */
enum { DONE_PER_QUESTION = 4096 };
static inline bool must_stop(const kpu_simulator *s, int64_t *done, int64_t more)
{
    *done += more;
    if (*done < DONE_PER_QUESTION)
        return false;
    *done = 0;
    return s->stop && s->stop(s->stop_context);
}

/* Makes `buffer` at least that large; contents are not kept. False: out of memory. */
bool buffer_reserve(buffer *buffer, size_t count, size_t size);

/* Starts a command that waits for `slot` (a slot's release, -1 if none) and `source` (data). */
typedef struct start_wait {
    int64_t slot, source;
    int slot_cause, source_cause, engine_cause;
} start_wait;

/* The command's start; *cause becomes what a wait for it is put down to. */
static inline int64_t start_command(const engine *e, const start_wait *w, int *cause)
{
    int64_t wait = w->slot > w->source ? w->slot : w->source;
    int64_t start = e->free > wait ? e->free : wait;
    int engine_cause = w->engine_cause + (wait < e->since);
    int source_cause = start == w->source ? w->source_cause : engine_cause;
    *cause = start == w->slot ? w->slot_cause : source_cause;
    return start;
}
static inline int64_t occupy(engine *e, int64_t start, int64_t cycles)
{
    e->since = start > e->free ? start : e->since;
    e->free = start + cycles;
    e->busy += cycles;
    return e->free;
}

/* A step's streams into the fabric, as its FAB sees them. */
typedef struct fab_inputs {
    int64_t first[KPU_OPERANDS]; /* first datum; -1: the operand does not stream at this step */
    int64_t ready[KPU_OPERANDS]; /* last datum */
    int cause[KPU_OPERANDS];
    int64_t stationary_ready; /* -1: this step begins no run, or C is fresh (os) */
    int stationary_cause;
    int64_t accumulators; /* -1: no wait */
    int64_t registers;    /* -1: no wait */
} fab_inputs;

/* Times FAB and attributes the gap before it and its stretch. Returns its end; sets *start_out. */
static inline int64_t fab_run(tally *counts, int stationary, int64_t fabric_free, int64_t compute,
                              const fab_inputs *in, int64_t *start_out)
{
    int64_t start = fabric_free;
    int operand = KPU_C, cause = KPU_STALL_LATENCY;
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (in->first[x] > start) {
            start = in->first[x];
            operand = x;
            cause = in->cause[x];
        }
    if (in->stationary_ready > start) {
        start = in->stationary_ready;
        operand = stationary;
        cause = in->stationary_cause;
    }
    if (in->accumulators > start) {
        start = in->accumulators;
        operand = KPU_C;
        cause = KPU_STALL_L1_SLOTS;
    }
    if (in->registers > start) {
        start = in->registers;
        operand = KPU_C;
        cause = KPU_STALL_REGISTER_SLOTS;
    }
    counts->stalls[cause][operand] += start - fabric_free;
    int64_t end = start + compute;
    operand = KPU_OPERANDS;
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (in->ready[x] > end) {
            end = in->ready[x];
            operand = x;
        }
    if (operand < KPU_OPERANDS)
        counts->stalls[KPU_STALL_L2_BANDWIDTH][operand] += end - start - compute;
    *start_out = start;
    return end;
}

/* Commands, bytes and busy cycles from the tally of a finished run. */
void count_run(const kpu_simulator *s, kpu_counts *out);

/* Reserves and resets the scratch of a run; iddo: with that many stores remembered. */
int reserve_iddo(kpu_simulator *s, int64_t stores);
int reserve_eddo(kpu_simulator *s);

/* The two disciplines. KPU_OK, KPU_E_MEMORY or
 * KPU_E_INTERRUPTED. */
int run_iddo(kpu_simulator *s);
int run_eddo(kpu_simulator *s);
void eddo_free(struct eddo *eddo);

#endif
