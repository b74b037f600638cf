/* kpu/mapping.h - a candidate laid over a problem on a machine: nest, windows, residency,
 * feasibility, closed-form traffic, bounds. Nothing here knows time. */
#ifndef KPU_MAPPING_H
#define KPU_MAPPING_H

#include "kpu/machine.h"
#include "kpu/workload.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { KPU_OS, KPU_WS, KPU_IS, KPU_DATAFLOWS };
enum { KPU_IDDO, KPU_EDDO, KPU_CONTROLS };
enum { KPU_HOIST_L3, KPU_HOIST_L2, KPU_HOIST_LEVELS };
enum { KPU_NEST = 6, KPU_BLOCK_LOOPS = 3 };

/* One point of the design space, as the user says it. */
typedef struct kpu_candidate {
    int64_t tile[KPU_DIMS];           /* TM, TN, TK >= 1, not yet clamped */
    int64_t block[KPU_DIMS];          /* BM, BN, BK; 0 = whole dimension */
    int64_t dataflow;                 /* KPU_OS ... */
    int64_t swap;                     /* 0, 1 */
    int64_t order[KPU_DIMS];          /* block loops, outermost first: a permutation of KPU_M.. */
    int64_t l3_buffers[KPU_OPERANDS]; /* d3 >= 1 */
    int64_t l2_buffers[KPU_OPERANDS]; /* d2 >= 1 */
    int64_t l1_buffers;               /* d1 >= 1 */
    int64_t control;                  /* KPU_IDDO, KPU_EDDO */
    int64_t eddo_window;              /* >= 1, default 32 */
    int64_t auto_residency;           /* 1: hoist is chosen */
    int64_t hoist[KPU_OPERANDS][KPU_HOIST_LEVELS]; /* [L3, L2], 0..6; used if !auto */
} kpu_candidate;

/* tile, block 0, os, mnk, all buffers 2, iddo, window 32, auto. */
void kpu_candidate_defaults(kpu_candidate *candidate);

/* A word of the candidate's fields and its value (0 .. count-1): "os", "iddo", ... */
extern const char *const kpu_dataflow_names[KPU_DATAFLOWS];
extern const char *const kpu_control_names[KPU_CONTROLS];

/* Why a candidate does not run, in the order in which they are reported. */
enum { KPU_LIMIT_INPUT, KPU_LIMIT_L3, KPU_LIMIT_L2, KPU_LIMIT_L1, KPU_LIMIT_REGISTERS, KPU_LIMITS };
extern const char *const kpu_limit_names[KPU_LIMITS];

typedef struct kpu_mapping {
    kpu_problem problem;
    int64_t tile[KPU_DIMS];        /* clamped to the dimension */
    int64_t block[KPU_DIMS];       /* 1 .. dimension */
    int64_t tiles[KPU_DIMS];       /* number of tiles along each dimension */
    int64_t blocks[KPU_DIMS];      /* number of blocks */
    int64_t block_tiles[KPU_DIMS]; /* tiles in a full block */
    int64_t last_block_tiles[KPU_DIMS];
    int64_t dataflow, control, eddo_window;
    uint8_t loop_dim[KPU_NEST]; /* KPU_M.. of each loop, outermost first; 0..2 block, 3..5 tile */
    int64_t buffers[KPU_OPERANDS][KPU_HOIST_LEVELS]; /* d3, d2 */
    int64_t l1_buffers;
    int64_t hoist[KPU_OPERANDS][KPU_HOIST_LEVELS];
    int64_t window_tiles[KPU_OPERANDS][KPU_HOIST_LEVELS]; /* W */
    int64_t slots[KPU_OPERANDS][KPU_HOIST_LEVELS];        /* S = W + d - 1 */
    int64_t slot_bytes[KPU_OPERANDS];                     /* a full tile; C at eP */
    int64_t l3_bytes, l2_bytes, l1_bytes;                 /* footprint */
    int64_t registers_per_pe; /* P_full, twice that if double-buffered */
    int64_t full_passes;      /* P_full */
    bool double_buffered;
    uint32_t broken;      /* bit 1 << KPU_LIMIT_*; 0: feasible */
    char input_error[96]; /* what of the input is wrong when KPU_LIMIT_INPUT is broken */
} kpu_mapping;

/* Lays `candidate` over `problem`. Returns KPU_OK even when it does not fit (see `broken`);
 * KPU_LIMIT_INPUT covers every illegal value, with input_error saying which. Pure. */
int kpu_mapping_make(const kpu_machine *machine, const kpu_problem *problem,
                     const kpu_candidate *candidate, kpu_mapping *out);

/* Bytes over every link, per operand; written by the closed form and by the simulator. */
typedef struct kpu_traffic {
    int64_t dram_read[KPU_OPERANDS], dram_write[KPU_OPERANDS]; /* DMA loads, stores */
    int64_t l3_to_l2[KPU_OPERANDS], l2_to_l3[KPU_OPERANDS];    /* block movers */
    int64_t l2_to_l1[KPU_OPERANDS], l1_to_l2[KPU_OPERANDS];    /* streamers */
    int64_t l1_to_fabric[KPU_OPERANDS], fabric_to_l1[KPU_OPERANDS];
} kpu_traffic;

/* Traffic without simulating: sums over the nest's block classes. Mapping must be feasible. */
void kpu_mapping_traffic(const kpu_machine *machine, const kpu_mapping *mapping, kpu_traffic *out);

/* Bounds that no schedule beats (docs/model.md, "Bounds"). */
typedef struct kpu_bounds {
    int64_t mac_cycles;             /* ceil(MNK / (R*C)) */
    int64_t compulsory_dram_bytes;  /* M*K*eA + K*N*eB + M*N*eC */
    double io_lower_bound_elements; /* 2MNK/sqrt(S) - 2S, at least 0 (Hong & Kung 1981; Smith et
                                       al. 2019) */
} kpu_bounds;
void kpu_mapping_bounds(const kpu_machine *machine, const kpu_mapping *mapping, kpu_bounds *out);

/* What no run can go below (docs/bounds.md), component by component. */
typedef struct kpu_lower_bounds {
    bool empty; /* proven: nothing here fits the machine; the rest then means nothing */
    int64_t cycles;
    kpu_traffic traffic;
    int64_t l3_bytes, l2_bytes, l1_bytes, registers_per_pe; /* footprint */
} kpu_lower_bounds;

/* Of one feasible mapping: traffic and footprint are exact; cycles, a lower bound: engines,
 * compute, fill and drain, rings. It holds for both controls. */
void kpu_mapping_lower_bounds(const kpu_machine *machine, const kpu_mapping *mapping,
                              kpu_lower_bounds *out);

/* The bounds on the cycles of a mapping, of which the largest counts: what must be busy, or be
 * held, for how long. 0: does not apply. */
enum {
    KPU_BOUND_COMPUTE,
    KPU_BOUND_DMA,
    KPU_BOUND_BM,
    KPU_BOUND_STR_A,
    KPU_BOUND_STR_B,
    KPU_BOUND_STR_CIN,
    KPU_BOUND_STR_COUT,
    KPU_BOUND_L1,
    KPU_BOUND_ACCUMULATORS,
    KPU_BOUND_REGISTERS,
    KPU_BOUND_L3_A,
    KPU_BOUND_L3_B,
    KPU_BOUND_L3_C,
    KPU_BOUND_L2_A,
    KPU_BOUND_L2_B,
    KPU_BOUND_L2_C,
    KPU_BOUND_CHAIN,
    KPU_CYCLE_BOUNDS
};
extern const char *const kpu_cycle_bound_names[KPU_CYCLE_BOUNDS]; /* "compute", "dma", ... */
void kpu_mapping_cycle_bounds(const kpu_machine *machine, const kpu_mapping *mapping,
                              int64_t bounds[KPU_CYCLE_BOUNDS]);

typedef struct kpu_range {
    int64_t low, high; /* inclusive */
} kpu_range;

/* The hull of a set of candidates. Every value by itself is legal (tiles >= 1, buffers >= 1, ...),
 * their combination need not be. */
typedef struct kpu_box {
    kpu_range tile[KPU_DIMS];  /* as the user says them: not yet clamped */
    kpu_range block[KPU_DIMS]; /* a whole dimension (0) counts as INT64_MAX: ranges are ordered */
    uint32_t dataflows;        /* bit dataflow * 2 + swap */
    uint32_t orders;           /* bit n: the n-th permutation of mnk in lexicographic order */
    kpu_range l3_buffers[KPU_OPERANDS], l2_buffers[KPU_OPERANDS], l1_buffers;
    uint32_t controls; /* bit control */
    kpu_range eddo_window;
    bool any_auto;      /* the residency of some candidate is auto */
    bool one_residency; /* all have the same residency: auto, or the same six hoists */
    int64_t hoist[KPU_OPERANDS][KPU_HOIST_LEVELS]; /* these, if one_residency && !any_auto */
} kpu_box;

enum { KPU_ORDERS = 6 };
/* The block loops, outermost first, of bit `order` of a box's orders. */
void kpu_box_order(int order, uint8_t dims[KPU_DIMS]);
/* The box of one candidate; enlarges a box to hold another one too. */
void kpu_box_of_candidate(const kpu_candidate *candidate, kpu_box *out);
void kpu_box_add(kpu_box *box, const kpu_candidate *candidate);
/* Bounds that hold for every feasible candidate of the box. */
void kpu_box_bounds(const kpu_machine *machine, const kpu_problem *problem, const kpu_box *box,
                    kpu_lower_bounds *out);

#ifdef __cplusplus
}
#endif
#endif
