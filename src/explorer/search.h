/* What a search is made of. A search is one file of statics that exports one const kpu_search, and
 * one line in searches.def. Its `run` opens a team and leads it: it has points evaluated batch by
 * batch, and learns from them what to evaluate next.
 *
 * Batches have a size that does not depend on the number of threads, and random numbers are a
 * function of seed, search, batch and place, so that the results do not depend on it either. */
#ifndef KPU_EXPLORER_SEARCH_H
#define KPU_EXPLORER_SEARCH_H

#include "explorer/space.h"
#include "explorer/team.h"

#define KPU_X(name) extern const kpu_search kpu_search_##name;
#include "explorer/searches.def"
#undef KPU_X

enum { KPU_OBJECTIVES_MAX = 64 }; /* no more metrics have a sense */

/* Points of a batch that is not cut to a measure of its own: enough for many workers, and some
 * megabytes of metrics. */
enum { KPU_SEARCH_BATCH = 1024 };

/* Streams of random numbers below one seed; 1 is that of [sweep] sample. */
enum { KPU_STREAM_RANDOM = 2, KPU_STREAM_LOW_DISCREPANCY, KPU_STREAM_NSGA2, KPU_STREAM_KEEP };

/* The fronts of a search, one a GEMM, and their hypervolume. */
typedef struct kpu_search_fronts kpu_search_fronts;

/* One run of a search. */
typedef struct kpu_search_session {
    const kpu_space *space;
    kpu_search_settings settings;
    const kpu_search_options *options;
    /* The search sets total and gap, and done if it does not use kpu_search_evaluate; the rest is
     * kept by the functions below. */
    kpu_search_progress *progress;
    kpu_search_fronts *fronts;
    kpu_diag *diag;
    int64_t next_report_ns;
    kpu_metric_value *metrics; /* of the last kpu_search_evaluate, row-major in the order of its
                                  points */
    kpu_row *rows;
    size_t capacity;      /* points for which there is room in both */
    size_t part;          /* of a batch that is evaluated before rows are handed over */
    int64_t recalled;     /* rows of options->past that are used */
    kpu_ahead *ahead;     /* what was evaluated before its turn; NULL: nobody asks */
    kpu_text ahead_text;  /* of that, for progress */
    bool is_unit_unknown; /* of the hypervolume: rows of the earlier run are missing */
} kpu_search_session;

/* kpu_team_open with the session's threads; progress and stop are looked at while batches are under
 * way. */
int kpu_search_open_team(kpu_search_session *session, int (*lead)(void *context, kpu_team *team),
                         void *context);

/* Evaluates `count` points that the constraints admit, keeps count of them and of the fronts, hands
 * them to the sink in this order, and leaves their metrics in session->metrics. Stopped, it hands
 * over those before the first that is not done. Of points that are known from an earlier run it
 * keeps count alone, and their metrics are those that kpu_search_needs names. Complaints are told.
 */
int kpu_search_evaluate(kpu_search_session *session, kpu_team *team, const kpu_point *points,
                        size_t count);

/* What a team's is_stopped asks (context: the session): reports when it is time to. */
bool kpu_search_is_stopped(void *context);

/* ---- The parts of it, for a search with batches of its own -------------------------------- */

/* Inside a job: the metrics of one point. */
int kpu_search_measure(const kpu_space *space, kpu_worker *worker, const kpu_point *point,
                       kpu_metric_value *metrics);
/* Says why the point could not be measured, and returns `code`. */
int kpu_search_complain(kpu_search_session *session, const kpu_point *point, int code);
/* After a batch, in an order that is always the same: counts one evaluation, and adds the point to
 * its GEMM's front. */
int kpu_search_note(kpu_search_session *session, const kpu_point *point,
                    const kpu_metric_value *metrics);
/* Hands rows to the sink, if there is one. */
int kpu_search_deliver(kpu_search_session *session, const kpu_row *rows, size_t count);

/* The objectives of a point that fits, all to be minimised, into costs[objective_count]. False if
 * it does not fit, or one of them is NaN. */
bool kpu_search_costs(const kpu_space *space, const kpu_metric_value *metrics, double *costs);

/* The objective number `n`, whether the point fits or not. */
double kpu_search_cost(const kpu_space *space, const kpu_metric_value *metrics, size_t n);

/* By how much a point that has no costs does not fit: what it needs beyond each capacity, in parts
 * of that capacity, summed. Infinite if it breaks no capacity. */
double kpu_search_violation(const kpu_machine *machine, const kpu_metric_value *metrics);
bool kpu_search_violation_reads(const char *metric);

int kpu_search_fronts_make(const kpu_space *space, kpu_search_fronts **out);
void kpu_search_fronts_free(kpu_search_fronts *fronts); /* takes NULL */
int kpu_search_fronts_add(kpu_search_fronts *fronts, const kpu_point *point, const double *costs);
/* The front of a GEMM so far: ids are kpu_point.index. */
kpu_archive *kpu_search_front(kpu_search_fronts *fronts, int64_t gemm);
/* After the last one: a GEMM with few candidates has a unit too. */
void kpu_search_fronts_close(kpu_search_fronts *fronts);
/* Of kpu_search_progress: the mean over all GEMMs. */
double kpu_search_hypervolume(kpu_search_fronts *fronts);
/* A GEMM's part of that mean: the volume of a set of points (row-major) beyond `reference` counts
 * `weight` times. False, and 0 counts, until its first fitting candidates are there. */
bool kpu_search_unit(const kpu_search_fronts *fronts, int64_t gemm, const double **reference,
                     double *weight);

/* ---- An earlier run (search_past.c) ------------------------------------------------------- */

/* Whether the next evaluation is known. */
bool kpu_search_knows_next(const kpu_search_session *session);
/* Takes it; KPU_E_INPUT if it is of another point. Complaints are told. */
int kpu_search_recall(kpu_search_session *session, const kpu_point *point,
                      kpu_metric_value *metrics);
/* Takes the first of the session's `count` rows, as far as they are known, and keeps count of
 * them. */
int kpu_search_recall_all(kpu_search_session *session, size_t count, size_t *known);
/* At the end: KPU_E_INPUT, told, if the earlier run had evaluated more. */
int kpu_search_check_past(kpu_search_session *session);
/* An evaluation that was not known, to options->noted. */
int kpu_search_tell(kpu_search_session *session, const kpu_point *point,
                    const kpu_metric_value *metrics);
/* exhaustive, progress->total being set: how far it had come, and the fronts. */
int kpu_search_restore(kpu_search_session *session);

/* ---- Parts of a run (shard.c) ------------------------------------------------------------- */

int kpu_shard_check(const kpu_search *search, kpu_shard shard, kpu_diag *diag);
/* How many of `total`, and whether number n, when it goes by blocks. */
int64_t kpu_shard_share(kpu_shard shard, int64_t block, int64_t total);
bool kpu_shard_has(kpu_shard shard, int64_t block, int64_t n);

/* "top-100", for kpu_identity. */
void kpu_keep_text(kpu_keep keep, char *text, size_t size);

#endif
