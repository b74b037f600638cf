/* A round of the exact search: cells and candidates that a team works on, here and elsewhere. */
#ifndef KPU_EXPLORER_EXACT_BATCH_H
#define KPU_EXPLORER_EXACT_BATCH_H

#include "explorer/exact.h"

enum {
    KPU_EXACT_BATCH = 1024, /* cells of a round at most */
    KPU_EXACT_DIVES = 8, /* cells of a round from which is dived, while few candidates are known */
    KPU_EXACT_DIVE_DEPTH = 400, /* splits; no cell has as many */
};

/* A cell of a round, and what became of it. */
typedef struct kpu_exact_item {
    uint32_t node;
    bool is_point;
    bool is_known; /* from an earlier run */
    kpu_cell cell;
    double *bound;
    size_t limit, count; /* of the splits */
    kpu_exact_split *splits;
    kpu_metric_value *metrics; /* of a candidate */
    kpu_point point;
} kpu_exact_item;

typedef struct kpu_exact_batch {
    kpu_exact *exact;
    kpu_exact_gemm *gemm;
    size_t count, points;
    bool is_out_of_memory;
    kpu_exact_item items[KPU_EXACT_BATCH];
    kpu_exact_split splits[KPU_EXACT_BATCH];
    kpu_exact_split dives[KPU_EXACT_DIVES * KPU_EXACT_DIVE_DEPTH];
    double *bounds; /* of all items, and of the parts of all splits */
    kpu_metric_value *metrics;
} kpu_exact_batch;

/* How other ranks do the items of a batch, its context (exact_remote.c). */
extern const kpu_team_remote kpu_exact_remote;
/* Remembers a candidate that may join a front, before it does, for the ranks if there are any.
 * False: out of memory. */
bool kpu_exact_log(kpu_exact *exact, const kpu_point *point, const kpu_metric_value *metrics);

#endif
