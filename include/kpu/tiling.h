/* kpu/tiling.h - chooses dataflow and tiling of one matrix multiplication for a machine. */
#ifndef KPU_TILING_H
#define KPU_TILING_H

#include "kpu/mapping.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { KPU_TILING_WHY_MAX = 511 };

struct kpu_tiling_question;
struct kpu_tiling;

/* One row of the table of strategies (src/explorer/strategies.def). */
typedef struct kpu_tile_strategy {
    const char *name, *summary; /* "analytical", "search", "exact" */
    int (*choose)(const struct kpu_tiling_question *question, struct kpu_tiling *out,
                  kpu_diag *diag);
    bool takes_budget;
} kpu_tile_strategy;
size_t kpu_tile_strategy_count(void);
const kpu_tile_strategy *kpu_tile_strategy_at(size_t index);
const kpu_tile_strategy *kpu_tile_strategy_find(const char *name); /* NULL: none */

/* What tilings are allowed. */
typedef struct kpu_tiling_limits {
    int64_t
        min_tile_elements; /* of TM*TN, TN*TK and TM*TK each, unless the whole operand is less */
    int64_t max_tiles_per_dim; /* 0: any number */
    double target_reuse;       /* 0: none; at least that many MACs per DRAM byte, if any has it, and
                                  of equals the one with the most */
    bool prefer_square;        /* of equals, the tile whose TM and TN are nearest in ratio */
} kpu_tiling_limits;

typedef struct kpu_tiling_question {
    const kpu_machine *machine;
    const kpu_problem *problem;
    const kpu_candidate *base; /* all that is not chosen: buffering, control, ...; dataflow, unless
                                  it is to be chosen */
    bool any_dataflow;         /* choose it too: by rule if analytical, else by searching all */
    const char *objective;     /* metric to minimise (or maximise, as kpu_metric says): "cycles",
                                  "dram_bytes", "energy_pj", "edp", ... */
    kpu_tiling_limits limits;
    int64_t budget; /* of `search`: how many tilings it times; 0: KPU_TILING_BUDGET */
    int threads;    /* as in kpu_explore_options */
} kpu_tiling_question;
enum { KPU_TILING_BUDGET = 2000 };

typedef struct kpu_tiling {
    kpu_candidate candidate;
    double objective_value;
    int64_t considered, evaluated;    /* points of the space, and those that were simulated */
    char why[KPU_TILING_WHY_MAX + 1]; /* sentences for a person */
} kpu_tiling;

/* Dataflow by the known rules (large M: weight-stationary; large N: input-stationary; balanced:
 * output-stationary; small K: output-stationary with full K), and why. */
int kpu_dataflow_by_rule(const kpu_machine *machine, const kpu_problem *problem,
                         char why[KPU_TILING_WHY_MAX + 1]);

/* KPU_E_INPUT with a complaint: no metric, or one of which neither more nor less is better. */
int kpu_tiling_check_objective(const char *objective, kpu_diag *diag);

/* Of all tilings that the strategy considers, the best by: the target of reuse is met; the
 * objective; the target again; prefer_square; cycles (DRAM bytes if cycles are the objective);
 * footprint. `search` and `exact` never choose a worse one than `analytical`, and `exact` the best
 * that there is among these: every size up to 64 along each dimension, and beyond that the powers
 * of two, the whole dimension, multiples of the array up to 64 arrays, and what cuts it into up to
 * 64 equal parts, also rounded up to whole arrays; with any_dataflow all dataflows, each with both
 * orders of loops.
 * KPU_E_INPUT with a complaint: nothing fits the machine within the limits, an unknown
 * objective. */
int kpu_tiling_choose(const kpu_tile_strategy *strategy, const kpu_tiling_question *question,
                      kpu_tiling *out, kpu_diag *diag);

/* Which limit a mapping that does not fit breaks: "a tile of 64x64x64 (os) needs 98304 bytes of l1,
 * of which the machine tiny has 65536". */
enum { KPU_TILING_UNFIT_TEXT = 256 };
const char *kpu_tiling_unfit_text(const kpu_machine *machine, const kpu_mapping *mapping,
                                  char out[KPU_TILING_UNFIT_TEXT]);

#ifdef __cplusplus
}
#endif
#endif
