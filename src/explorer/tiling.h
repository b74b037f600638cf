/* Private to the explorer: what the strategies that choose tilings share. A strategy is one file of
 * statics that exports one const kpu_tile_strategy, and one line in strategies.def. */
#ifndef KPU_EXPLORER_TILING_H
#define KPU_EXPLORER_TILING_H

#include "explorer/space.h"
#include "kpu/tiling.h"

#define KPU_X(name) extern const kpu_tile_strategy kpu_tile_strategy_##name;
#include "explorer/strategies.def"
#undef KPU_X

/* ---- Sizes ------------------------------------------------------------------------------- */

enum { KPU_TILE_SIZES_MAX = 1024 };

/* Tile sizes along one dimension: ascending, none twice, none beyond the dimension. */
typedef struct kpu_tile_sizes {
    size_t count;
    int64_t size[KPU_TILE_SIZES_MAX];
} kpu_tile_sizes;

/* Each holds the one before it. */
typedef enum kpu_tile_detail {
    KPU_TILES_COARSE, /* whole arrays in powers of two, and halves of the dimension */
    KPU_TILES_FINE,   /* parts of an array too */
    KPU_TILES_ALL     /* as kpu/tiling.h says */
} kpu_tile_detail;

/* Those of dimension `dim` that max_tiles_per_dim allows: at least the whole dimension. */
void kpu_tile_sizes_make(const kpu_tiling_question *question, int dim, kpu_tile_detail detail,
                         kpu_tile_sizes *out);
/* Whether min_tile_elements allows the tile: at least the whole problem. */
bool kpu_tile_is_allowed(const kpu_tiling_question *question, const int64_t tile[KPU_DIMS]);
/* The elements that each operand's tile needs at least. */
void kpu_tile_least_elements(const kpu_tiling_question *question, int64_t least[KPU_OPERANDS]);

/* ---- Which of two is better -------------------------------------------------------------- */

enum { KPU_TILING_KEYS = 6 };

/* The best so far of the tilings that were offered. */
typedef struct kpu_tiling_contest {
    const kpu_tiling_question *question;
    int metric;                                        /* the objective's */
    int feasible, macs, dram_bytes, second, footprint; /* other metrics */
    bool found;
    double key[KPU_TILING_KEYS]; /* less is better, the first one counts most */
    double value;                /* of the objective */
    kpu_candidate candidate;
} kpu_tiling_contest;

void kpu_tiling_contest_init(kpu_tiling_contest *contest, const kpu_tiling_question *question);
/* One that does not fit is not looked at. `metrics`: in the order of the table. */
void kpu_tiling_contest_offer(kpu_tiling_contest *contest, const kpu_candidate *candidate,
                              const kpu_metric_value *metrics);
/* The metrics of which a Pareto front holds the winner, whatever was offered. */
enum { KPU_TILING_OBJECTIVES_MAX = 3 };
size_t kpu_tiling_objectives(const kpu_tiling_question *question,
                             int metrics[KPU_TILING_OBJECTIVES_MAX]);

/* ---- Answers ----------------------------------------------------------------------------- */

/* Fills candidate and objective_value with the winner's, and says whether the target was met. */
void kpu_tiling_contest_answer(const kpu_tiling_contest *contest, kpu_tiling *out);
/* One more sentence of out->why; cut off if there is no room. */
void kpu_tiling_say(kpu_tiling *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum { KPU_TILING_TEXT = 64 };
/* "64x32x128" */
const char *kpu_tiling_tile_text(const int64_t tile[KPU_DIMS], char out[KPU_TILING_TEXT]);
/* "4280434", "0.979893" */
const char *kpu_tiling_value_text(double value, char out[KPU_TILING_TEXT]);
/* "least cycles", "most utilisation" */
const char *kpu_tiling_goal_text(const kpu_tiling_contest *contest, char out[KPU_TILING_TEXT]);

/* ---- Dataflows --------------------------------------------------------------------------- */

/* In the order in which they are tried, best first; and whether the first one wants tiles of the
 * whole K. Returns how many. `why` gets the rule's sentence, or "". */
typedef struct kpu_tiling_dataflows {
    size_t count;
    int dataflow[KPU_DATAFLOWS];
    bool full_k;
    char why[KPU_TILING_WHY_MAX + 1];
} kpu_tiling_dataflows;
void kpu_tiling_dataflows_list(const kpu_tiling_question *question, kpu_tiling_dataflows *out);

/* ---- Searching --------------------------------------------------------------------------- */

/* A space of all tilings of the question, and how it is to be searched. */
int kpu_tiling_space_make(const kpu_tiling_question *question, const char *search, kpu_space **out,
                          kpu_diag *diag);
/* The best of what a search finds and of what `analytical` chooses. */
int kpu_tiling_search(const kpu_tiling_question *question, const char *search, kpu_tiling *out,
                      kpu_diag *diag);

#endif
