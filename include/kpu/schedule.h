/* kpu/schedule.h - a mapping bound to a machine, command by command: every command with its tile,
 * slots, engine, waits and cycles. Memory grows with the number of commands; kpu/simulator.h times
 * the same commands without keeping them, and the two agree on every cycle. */
#ifndef KPU_SCHEDULE_H
#define KPU_SCHEDULE_H

#include "kpu/simulator.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Every kind of wait ("Waits" in docs/model.md): name, whom the wait is for, the moment of that
 * command that ends the wait. Of several commands that one engine runs in order, and of stores
 * that wait for one another, only the last is waited for. Moments: BUSY_END it stops being busy;
 * READY what it moved has arrived; FIRST its first datum has (start + latency); SETTLED end + skew.
 */
#define KPU_WAIT_LIST(X)                                                                           \
    X(L3_SLOT_AB, "l3 slot of A or B", BUSY_END)      /* DMA_LOAD: BM_LOADs of tile q - S */       \
    X(L3_SLOT_C, "l3 slot of C", BUSY_END)            /* first write: DMA_STORE of tile q - S */   \
    X(L2_SLOT_AB, "l2 slot of A or B", BUSY_END)      /* BM_LOAD: streams of tile q - S */         \
    X(L2_SLOT_C, "l2 slot of C", BUSY_END)            /* first write: BM_STORE of tile q - S */    \
    X(DRAM_C, "C back in DRAM", READY)                /* DMA_LOAD of C: its last DMA_STORE */      \
    X(L3_LOADED, "tile in l3", READY)                 /* BM_LOAD: its DMA_LOAD */                  \
    X(L3_STORED, "C written to l3", READY)            /* BM_LOAD of C: BM_STOREs into it so far */ \
    X(L2_LOADED, "tile in l2", READY)                 /* stream in: its BM_LOAD */                 \
    X(L2_STORED, "C written to l2", READY)            /* STR_CIN: STR_COUTs into it so far */      \
    X(BM_STORE_SOURCE, "C in l2 complete", READY)     /* BM_STORE: the last STR_COUT into it */    \
    X(DMA_STORE_SOURCE, "C in l3 complete", READY)    /* DMA_STORE: the last BM_STORE into it */   \
    X(L1_SLOT, "l1 buffer", BUSY_END)                 /* stream n: FAB that used n - d1 */         \
    X(ACCUMULATORS, "accumulators", BUSY_END)         /* STR_CIN, or FAB if C is fresh: the        \
                                                         STR_COUT of step s - d1 (ws, is) */       \
    X(REGISTERS, "registers", BUSY_END)               /* stationary stream, or first FAB if C is   \
                                                         fresh: FAB or STR_COUT of a run before */ \
    X(STREAM_FIRST, "first datum of a stream", FIRST) /* FAB starts: this step's streams in */     \
    X(STREAM_READY, "whole of a stream", READY)       /* FAB ends: this step's streams in */       \
    X(STATIONARY, "stationary tile", READY)           /* FAB: the stream of its run's tile */      \
    X(RESULT, "result in the array", SETTLED)         /* STR_COUT: the last FAB it carries */

#define KPU_X(name, text, moment) KPU_WAIT_##name,
enum { KPU_WAIT_LIST(KPU_X) KPU_WAITS };
#undef KPU_X
enum { KPU_MOMENT_BUSY_END, KPU_MOMENT_READY, KPU_MOMENT_FIRST, KPU_MOMENT_SETTLED };
extern const char *const kpu_wait_names[KPU_WAITS];  /* "l3 slot of A or B", ... */
extern const char *const kpu_wait_tokens[KPU_WAITS]; /* "l3_slot_ab", ... for options and JSON */
extern const uint8_t kpu_wait_moments[KPU_WAITS];

typedef struct kpu_wait {
    int64_t command; /* index, earlier in emission order */
    uint8_t kind;    /* KPU_WAIT_* */
} kpu_wait;

/* In emission order. Slots are numbers 0 .. S-1 in the operand's ring at a level. */
typedef struct kpu_command {
    uint8_t kind;    /* KPU_CMD_* */
    uint8_t operand; /* that it moves; FAB: KPU_C */
    bool final;      /* C leaves as final output (eC), else as partial sums (eP) */
    /* FAB: its C starts from zero. STR_COUT: the tile has no earlier content in L2; BM_STORE: none
     * in L3. */
    bool fresh;
    /* FAB: first, last step of its run. Streams: run_begins, it brings the stationary tile of its
     * run; run_ends, it takes C from the registers (os). */
    bool run_begins, run_ends;
    int32_t engine; /* of its class, 0 .. kpu_schedule_engines - 1 */
    int64_t step;   /* that it is emitted at; stores at the end of the program: the last step */
    int64_t run;    /* that this step belongs to, from 0 */
    int64_t tile[KPU_DIMS]; /* along m, n, k; -1: the operand lacks it. FAB: all three */
    int64_t bytes;          /* moved; FAB: 0 */
    /* L3, L2: in the operand's ring. L1: n-th stream of the operand, mod d1 (ws, is: of C in and
     * out, step mod d1). Registers: run mod 1 or 2. -1: DRAM, or FAB. */
    int64_t source_slot, dest_slot;
    int64_t use_slot[KPU_OPERANDS]; /* FAB: where A, B and C lie in L1 or the registers */
    int64_t start, busy_end, ready; /* FAB: busy_end = ready = its end, skew not included */
    /* In kpu_schedule.waits; of a slot before those for a source, FAB's in the order in which
     * stalls are put down to them, STREAM_READY, which delays only its end, last. */
    int64_t first_wait, wait_count;
    /* The wait (index in kpu_schedule.waits) that was over just when it started, of several the
     * first; -1: it could not start at once then, because of its engine or the queue's order, or
     * has nothing to wait for. */
    int64_t critical;
} kpu_command;

/* Where rings and tensors lie. Bytes from the beginning of each memory; slot q of a ring at
 * base + q * slot_bytes. Rings of a level lie one after the other, A, B, C. */
typedef struct kpu_layout {
    int64_t dram_base[KPU_OPERANDS], dram_bytes[KPU_OPERANDS]; /* tensors; aligned to 4096 */
    /* Partial sums of C in DRAM, M x N at eP: a tensor of its own, so that a final tile that is
     * stored never lies on partial sums of others; C's own place if eC = eP. 0 bytes: they never
     * go there. */
    int64_t dram_partial_base, dram_partial_bytes;
    int64_t l3_base[KPU_OPERANDS], l2_base[KPU_OPERANDS];
    int64_t l1_base[KPU_OPERANDS], l1_slots[KPU_OPERANDS]; /* 0: stationary */
    int64_t slot_bytes[KPU_OPERANDS];
    int64_t l3_tile_bytes, l2_bank_bytes, l1_buffer_bytes; /* tile, bank, buffer of an address:
                                                              address / this */
} kpu_layout;

typedef struct kpu_schedule {
    kpu_machine machine;
    kpu_mapping mapping;
    kpu_layout layout;
    kpu_command *commands;
    int64_t command_count;
    kpu_wait *waits;
    int64_t wait_count;
    int64_t steps, cycles;
    int64_t slots[KPU_OPERANDS][KPU_HOIST_LEVELS]; /* of the rings; the mapping's, unless broken */
    int64_t l1_slots[KPU_OPERANDS], register_slots;
} kpu_schedule;

typedef struct kpu_schedule_options {
    int64_t max_commands; /* 0: KPU_SCHEDULE_COMMANDS_MAX */
    /* To prove that every wait is needed (docs/legality.md): schedules that are wrong. */
    uint32_t without; /* bit KPU_WAIT_*: these waits are left out */
    uint8_t shortened[KPU_OPERANDS]
                     [KPU_HOIST_LEVELS]; /* slots fewer in memory than waits know of */
} kpu_schedule_options;
#define KPU_SCHEDULE_COMMANDS_MAX (INT64_C(1) << 24)

/* Commands of a feasible mapping, timed under its control. `options` may be NULL. KPU_OK,
 * KPU_E_MEMORY, or KPU_E_RANGE with a complaint: too many commands, or cycles. *out is to be
 * fini-ed after KPU_OK only. */
int kpu_schedule_make(const kpu_machine *machine, const kpu_mapping *mapping,
                      const kpu_schedule_options *options, kpu_schedule *out, kpu_diag *diag);
void kpu_schedule_fini(kpu_schedule *schedule);

uint8_t kpu_command_class(int kind);                                    /* KPU_ENGINE_* */
int64_t kpu_schedule_engines(const kpu_schedule *schedule, int engine); /* of a class */
int64_t kpu_schedule_latency(const kpu_schedule *schedule, int engine); /* cycles */
/* Cycles that it keeps its engine at work: a transfer's bytes at the engine's bandwidth; FAB: its
 * compute cycles, less than busy_end - start if it then waited for its streams. */
int64_t kpu_command_work_cycles(const kpu_schedule *schedule, const kpu_command *command);
/* Elements of a command's tile along m, n, k; 1 along a dimension that the operand lacks. */
void kpu_command_extent(const kpu_schedule *schedule, const kpu_command *command,
                        int64_t extent[KPU_DIMS]);
/* "A[0,3]", the operand's two tile indices; FAB: "C[0,1]". */
enum { KPU_COMMAND_TILE_TEXT = 48 };
const char *kpu_command_tile_text(const kpu_command *command, char out[KPU_COMMAND_TILE_TEXT]);
/* When the wait is over, in cycles. */
int64_t kpu_wait_end(const kpu_schedule *schedule, const kpu_wait *wait);

/* What a schedule must keep to, whoever made it; independent of waits and of how they were timed:
 * it follows tiles through slots by the nest alone. Every read after its write is ready, no slot
 * written before its last reader let go, rings within their capacity at every cycle, an engine on
 * one command at a time, everything that must be computed is computed once, in legal order, and
 * ends in DRAM. Gathers up to KPU_SCHEDULE_ERRORS_MAX complaints; KPU_E_REFUTED. */
enum { KPU_SCHEDULE_ERRORS_MAX = 20 };
int kpu_schedule_check(const kpu_schedule *schedule, kpu_diag *diag);

#ifdef __cplusplus
}
#endif
#endif
