/* The inside of the exact search, shared by its files.
 *
 * The search keeps, GEMM by GEMM, a queue of cells (exact_cell.h) that may still hold members of
 * the front. It takes the best of them; of one that a member of the front so far dominates by its
 * bound nothing can come; a larger one is split, a single candidate is simulated. The order is that
 * of a key that grows with every component of the bound. A candidate that dominates a bound has
 * a smaller key than that bound has, and so have all cells around it: it was simulated before.
 * So nothing is simulated that the final front rules out, but for what shares a batch with it.
 *
 * To be of use before it ends, the search makes several passes. In the first ones a cell waits for
 * the next if a member dominates its bound worsened by some share: so a coarse front is complete
 * soon, and becomes finer. That costs a few simulations more. */
#ifndef KPU_EXPLORER_EXACT_H
#define KPU_EXPLORER_EXACT_H

#include "explorer/exact_cell.h"
#include "explorer/exact_queue.h"
#include "explorer/search.h"

/* ---- Bounds (exact_bound.c) --------------------------------------------------------------- */

typedef enum kpu_exact_outcome {
    KPU_EXACT_OPEN,
    KPU_EXACT_EMPTY,  /* nothing in it fits, or is admitted by the constraints */
    KPU_EXACT_BOUNDED /* a member of the front dominates its bound */
} kpu_exact_outcome;

/* OPEN or EMPTY; of an open cell `costs` get a lower bound of every objective, all minimised as in
 * kpu_search_costs; -INFINITY where nothing is known. */
kpu_exact_outcome kpu_exact_bound(const kpu_cell_shape *shape, const kpu_cell *cell, double *costs);
/* Grows with every component. */
double kpu_exact_key(const double *costs, size_t objectives);

/* ---- Splitting (exact_split.c) ------------------------------------------------------------ */

/* One half of a split cell. */
typedef struct kpu_exact_part {
    kpu_cell cell;
    kpu_exact_outcome outcome;
    double *bound;
    double key;
    bool is_point;
    int32_t split; /* which split of the same item went on with it; -1: none */
} kpu_exact_part;

typedef struct kpu_exact_split {
    size_t dial;
    int32_t at; /* low..at-1, at..high */
    kpu_exact_part part[2];
} kpu_exact_split;

/* Where a cell that is no point is cut: its dial and the first value of the upper half. */
void kpu_exact_choose_split(const kpu_cell_shape *shape, const kpu_cell *cell, size_t *dial,
                            int32_t *at);
/* Splits `cell`, and bounds both halves: the parts' bounds have room for the objectives. */
void kpu_exact_split_cell(const kpu_cell_shape *shape, const kpu_archive *front,
                          const kpu_cell *cell, kpu_exact_split *out);

/* Goes down to one candidate, the better half each time, by `limit` splits at most: how many. */
size_t kpu_exact_dive(const kpu_cell_shape *shape, const kpu_archive *front, const kpu_cell *cell,
                      size_t limit, kpu_exact_split *splits);

/* ---- One GEMM (exact_gemm.c) -------------------------------------------------------------- */

typedef struct kpu_exact_gemm {
    kpu_cell_shape shape;
    kpu_archive *front; /* of the session */
    kpu_queue queue;    /* of this pass, best first */
    kpu_queue later;    /* of the next one */
    kpu_queue deep;     /* smallest first: what there was no room for, and goes before all others */
    double slack;       /* share by which the bounds are worsened in this pass */
    kpu_tree tree;
    int64_t evaluations;
    int64_t boxes; /* that were bounded */
    double gap;    /* 0 once nothing is open; NaN: nothing is known */
} kpu_exact_gemm;

/* ---- The whole (exact.c) ------------------------------------------------------------------ */

enum { KPU_EXACT_CERTIFIED_OBJECTIVES = KPU_CERTIFY_OBJECTIVES_MAX }; /* docs/certificate.md */

typedef struct kpu_exact {
    kpu_search_session *session;
    kpu_team *team;
    size_t objectives, gemm_count;
    bool keeps_tree; /* a certificate is wanted */
    bool is_stopped;
    size_t open_max; /* cells of the queue of a GEMM; further ones are gone into one by one */
    kpu_exact_gemm *gemms;
    struct kpu_exact_batch *batch;
    int64_t next_gap_ns; /* when the gap is looked at again */
    kpu_text log;        /* for other ranks: all that joined a front */
} kpu_exact;

/* The search, with open_max. */
int kpu_exact_run(kpu_search_session *session, size_t open_max);

struct kpu_exact_batch *kpu_exact_batch_new(const kpu_exact *exact);
void kpu_exact_batch_free(struct kpu_exact_batch *batch); /* takes NULL */

/* With the whole space of the GEMM open. KPU_E_MEMORY; fini it in any case. */
int kpu_exact_gemm_init(kpu_exact *exact, int64_t gemm);
void kpu_exact_gemm_fini(kpu_exact_gemm *gemm);
/* Goes on until nothing is open, or no candidate that comes next may be simulated, as `limit` of
 * the GEMM were. Complaints are told. */
int kpu_exact_gemm_search(kpu_exact *exact, int64_t gemm, int64_t limit);
static inline size_t kpu_exact_open_count(const kpu_exact_gemm *gemm)
{
    return gemm->queue.count + gemm->later.count + gemm->deep.count;
}
/* The n-th of them, in no order. */
static inline kpu_open_cell kpu_exact_open_at(const kpu_exact_gemm *gemm, size_t n)
{
    const kpu_queue *const queues[] = {&gemm->queue, &gemm->later, &gemm->deep};
    size_t q = 0;
    while (n >= queues[q]->count)
        n -= queues[q++]->count;
    return kpu_queue_at(queues[q], n);
}

/* ---- What is missing (exact_gap.c) -------------------------------------------------------- */

/* Sets gemm->gap: what its open cells could add to the front's hypervolume at most, in the
 * session's unit. */
void kpu_exact_measure_gap(kpu_exact *exact, int64_t gemm);
/* Puts the sum over the GEMMs, and the numbers of boxes, into the session's progress. */
void kpu_exact_report_gap(kpu_exact *exact);
/* Both, if it was not just done: it may take a small share of the time. */
void kpu_exact_look_at_gap(kpu_exact *exact, int64_t gemm);

/* ---- The certificate (exact_certificate.c) ------------------------------------------------ */

/* Hands it to options->certificate. Only of a search that is complete. Complaints are told. */
int kpu_exact_write_certificate(kpu_exact *exact);

#endif
