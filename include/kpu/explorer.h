/* kpu/explorer.h - the space that a sweep spans, its parallel evaluation, and Pareto fronts. */
#ifndef KPU_EXPLORER_H
#define KPU_EXPLORER_H

#include "kpu/config.h"
#include "kpu/metrics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The space -------------------------------------------------------------------------- */

/* Immutable once made; shared by all workers. Points are numbered 0 .. size-1, machine outermost,
 * then machine axes, then GEMM, then the candidate's axes in the order of the key table, the last
 * one fastest. */
typedef struct kpu_space kpu_space;

/* One point, decoded. */
typedef struct kpu_point {
    int64_t index;   /* in the space */
    int64_t machine; /* machine variant: 0 .. kpu_space_machine_count-1 */
    int64_t gemm;    /* 0 .. kpu_space_gemm_count-1, over all workloads */
    kpu_candidate candidate;
} kpu_point;

/* The sweep as kpu_ini (already --set), which may be freed afterwards. Relative paths are relative
 * to the sweep file's folder, then its parent, then the current folder. Gathers all complaints
 * (empty space, bad ranges, missing files, ...). */
int kpu_space_make(const kpu_ini *sweep, kpu_space **out, kpu_diag *diag);
void kpu_space_free(kpu_space *space);
/* The same without a look at the disk: the sweep as it was resolved, and the files that it named
 * then, in that order (kpu_space_source_name, kpu_space_source_text), each under a name that ends
 * as the sweep has it. `files` is not NULL. */
typedef struct kpu_space_file {
    const char *name, *text;
} kpu_space_file;
int kpu_space_make_kept(const kpu_ini *sweep, const kpu_space_file *files, size_t count,
                        kpu_space **out, kpu_diag *diag);

/* Points of the full cross product, before constraints and sampling. */
int64_t kpu_space_raw_size(const kpu_space *space);
/* What a run looks at: the raw points, or the `sample` drawn of them (ascending index, without
 * replacement: the raw points are cut into that many equal strata, and one is drawn of each). */
int64_t kpu_space_run_size(const kpu_space *space);
/* Decodes the n-th point of the run. False if a constraint excludes it (then it is no candidate
 * and has no row). */
bool kpu_space_point(const kpu_space *space, int64_t n, kpu_point *out);

size_t kpu_space_machine_count(const kpu_space *space); /* machine variants */
const kpu_machine *kpu_space_machine(const kpu_space *space, int64_t machine);
size_t kpu_space_gemm_count(const kpu_space *space);
const kpu_gemm *kpu_space_gemm(const kpu_space *space, int64_t gemm);
const char *kpu_space_workload_name(const kpu_space *space, int64_t gemm); /* of that GEMM */
/* Text to keep with the results: the n-th source file (machine INI, workload CSV), its name. */
size_t kpu_space_source_count(const kpu_space *space);
const char *kpu_space_source_name(const kpu_space *space, size_t n);
const char *kpu_space_source_text(const kpu_space *space, size_t n);
/* Hash of what decides which candidates there are and how they are timed: machines, GEMMs, values
 * of the axes, constraints (docs/certificate.md). KPU_OK or KPU_E_MEMORY. */
int kpu_space_hash(const kpu_space *space, char out[33]);
/* Machine keys that are axes ("l2.banks", ...), and their value for a machine variant. */
size_t kpu_space_machine_axis_count(const kpu_space *space);
const kpu_key *kpu_space_machine_axis(const kpu_space *space, size_t axis);
double kpu_space_machine_axis_value(const kpu_space *space, size_t axis, int64_t machine);
uint64_t kpu_space_seed(const kpu_space *space);
const char *kpu_space_name(const kpu_space *space);
const char *kpu_space_output(const kpu_space *space); /* [sweep] output, or results/NAME.h5 */
/* Objectives of the front: indices in the table of metrics, none of sense NONE. */
size_t kpu_space_objective_count(const kpu_space *space);
int kpu_space_objective(const kpu_space *space, size_t n);

/* ---- Which rows are kept ---------------------------------------------------------------- */

/* [sweep] store. */
typedef enum kpu_keep_kind {
    KPU_KEEP_ALL,
    KPU_KEEP_FRONT, /* the fronts of the sweep's objectives, one a GEMM */
    KPU_KEEP_TOP,   /* of each GEMM the `count` that fit and have the best first objective; of equal
                       ones those of the least id */
    KPU_KEEP_SAMPLE /* `count` of all candidates, drawn uniformly: a function of the seed and of
                       which candidates there are */
} kpu_keep_kind;
typedef struct kpu_keep {
    kpu_keep_kind kind;
    int64_t count;
} kpu_keep;
kpu_keep kpu_space_keep(const kpu_space *space);

struct kpu_row;
/* Chooses among rows that come one by one; the outcome does not depend on their order. Memory grows
 * with what is kept. */
typedef struct kpu_selection kpu_selection;
/* Not for KPU_KEEP_ALL. NULL: out of memory. */
kpu_selection *kpu_selection_new(const kpu_space *space, kpu_keep keep);
void kpu_selection_free(kpu_selection *selection); /* takes NULL */
/* *accepted: the row is among those to keep, so far. `number` is the caller's, for the list. */
int kpu_selection_offer(kpu_selection *selection, const struct kpu_row *row, int64_t number,
                        bool *accepted);
/* The numbers of those kept, ascending, malloc'ed. KPU_OK or KPU_E_MEMORY. */
int kpu_selection_list(const kpu_selection *selection, int64_t **numbers, size_t *count);

/* ---- Identity ---------------------------------------------------------------------------- */

/* What decides the rows of a run, part by part, so that it can be said which differs. */
typedef struct kpu_identity_part {
    const char *name;    /* "machines", "seed"; a constant */
    const char *meaning; /* for complaints: "the machines", "the seed" */
    char value[64];      /* a hash, number or word; no blanks */
} kpu_identity_part;
enum { KPU_IDENTITY_PARTS = 12 };
typedef struct kpu_identity {
    kpu_identity_part part[KPU_IDENTITY_PARTS];
} kpu_identity;
/* Model, machines, workloads, axes, constraints, sample, seed, search, budget, population,
 * objectives, store; each hash over a text as in kpu_space_hash. KPU_OK or KPU_E_MEMORY. */
int kpu_space_identity(const kpu_space *space, kpu_identity *out);

/* ---- Shards ------------------------------------------------------------------------------ */

/* Part `index` (from 0) of `count` of a run; count 0 or 1: all of it. Parts are cut into many
 * blocks that are dealt out in turn, so that they take about equally long. */
typedef struct kpu_shard {
    int64_t index, count;
} kpu_shard;
/* How a search is cut, and how its parts go together again. */
typedef enum kpu_shard_kind {
    KPU_SHARDS_NONE,      /* not at all: it learns from all of its candidates */
    KPU_SHARDS_OF_POINTS, /* blocks of points of the run; together: by ascending id */
    KPU_SHARDS_OF_DRAWS,  /* blocks of candidates in the order of evaluation; together: in turn a
                             block of each */
    KPU_SHARDS_OF_GEMMS   /* GEMM g belongs to part g % count; together: by ascending id */
} kpu_shard_kind;
/* Points, or candidates, of a block, when the space's own search is cut into `count`: a multiple of
 * 16, some 64 blocks for each part, 65536 at most. 1 if it is cut by GEMMs. */
int64_t kpu_shard_block(const kpu_space *space, int64_t count);

/* ---- Evaluation ------------------------------------------------------------------------- */

/* An evaluated point: its numbers in the order of the metric table. */
typedef struct kpu_row {
    kpu_point point;
    const kpu_metric_value *metrics; /* kpu_metric_count() of them */
} kpu_row;

/* Receives rows in ascending order of point, `count` at once, in the thread that called
 * kpu_explore; they are valid during the call. Returns a kpu_error; anything but KPU_OK stops the
 * exploration, which then returns it. */
typedef int (*kpu_row_sink)(void *context, const kpu_row *rows, size_t count, kpu_diag *diag);

typedef struct kpu_explore_options {
    int threads; /* that evaluate, besides the calling one, which sleeps; 0: what OpenMP says */
    kpu_row_sink sink; /* NULL: rows are dropped */
    void *sink_context;
    /* Called from the same thread now and then and at the end, with points of the run, excluded
     * ones too; may be NULL. Returns true to stop. */
    bool (*progress)(void *context, int64_t done, int64_t total);
    void *progress_context;
    const volatile int *stop; /* set by a signal handler; may be NULL */
    bool plain_walk;          /* without kpu_simulator_set_fast_forward; changes no row */
    int64_t first; /* points of the run (of the shard) that are done already; `done` counts
                      them */
    kpu_shard shard;
    struct kpu_ranks *ranks; /* other processes that help (kpu/ranks.h); may be NULL */
    struct kpu_ahead *ahead; /* of searches; NULL */
} kpu_explore_options;

/* Evaluates every point of the run. Rows do not depend on the number of threads. Stopped, it hands
 * over what is complete up to the first point that is not, and returns KPU_E_INTERRUPTED. Whenever
 * progress is called, and it is called last of all, the rows of the first `done` points were handed
 * over, and no others. Memory
 * does not depend on the size of the space. */
int kpu_explore(const kpu_space *space, const kpu_explore_options *options, kpu_diag *diag);

/* ---- Searches --------------------------------------------------------------------------- */

/* Whether a search takes a setting: an error if it is given to one that does not, or not given to
 * one that has to have it. */
typedef enum kpu_search_need {
    KPU_SEARCH_REFUSES,
    KPU_SEARCH_TAKES,
    KPU_SEARCH_NEEDS
} kpu_search_need;

struct kpu_search_session;

/* A row of the table (src/explorer/searches.def): which points of a space to evaluate. */
typedef struct kpu_search {
    const char *name;
    const char *summary;         /* one line */
    kpu_search_need budget;      /* a number of evaluations */
    kpu_search_need sample;      /* [sweep] sample */
    kpu_search_need certificate; /* TAKES: can write one */
    bool only_fronts;            /* gives rows of the fronts alone, not of all that it evaluated */
    kpu_shard_kind shards;
    int (*run)(struct kpu_search_session *session); /* private to the explorer */
} kpu_search;

size_t kpu_search_count(void);
const kpu_search *kpu_search_at(size_t index);
const kpu_search *kpu_search_find(const char *name); /* NULL: there is none */

/* What a sweep says about its search. */
typedef struct kpu_search_settings {
    const kpu_search *search;
    int64_t budget; /* candidates evaluated at most; 0: none, all that the search wants */
    uint64_t seed;
    int64_t nsga2_population; /* of each GEMM */
} kpu_search_settings;

/* [search] and the seed of the sweep, complaints told when the space was made. */
const kpu_search_settings *kpu_space_search(const kpu_space *space);

typedef struct kpu_search_progress {
    int64_t done, total; /* exhaustive: points of the run; with a budget: evaluations, and how many
                            there can be; else total is 0 */
    int64_t evaluations; /* candidates evaluated, those that do not fit too; each once */
    int64_t feasible;    /* of which so many fit */
    /* Of the fronts so far, the mean over all GEMMs; it never falls. For each GEMM the unit is the
     * box that its first 16 fitting candidates span in the objectives, and the reference lies a
     * tenth of that beyond the worst of each objective: a run is compared with itself, not with
     * another. NaN: 4 objectives or more, and fronts too large to be measured in passing; or the
     * run goes on where another stopped that has not kept all its rows. */
    double hypervolume;
    double gap; /* what is still missing at most, in the same unit; NaN: nothing is known */
    /* exact: boxes that were bounded, and those that are open. With none open the fronts are
     * complete; without a gap they may still lack points that equal others. */
    int64_t boxes, open;
    /* Results of which the rows have not come yet, as they come in order, and a candidate may take
     * long: for kpu_search_options of a run that goes on, so that they are not found out again.
     * They go with the rows that have come. NULL: none. Not after the last progress. */
    const void *ahead;
    size_t ahead_bytes;
} kpu_search_progress;

/* What an interrupted run of the same search found out. */
typedef struct kpu_search_past {
    int64_t count; /* rows that are known */
    /* Row n, asked once each in ascending order: *id, and the metrics, of which those suffice that
     * the search looks at (feasible, objectives, and what kpu_search_needs says). */
    int (*read)(void *context, int64_t n, int64_t *id, kpu_metric_value *metrics, kpu_diag *diag);
    void *context;
    /* exhaustive: how far it had come (of kpu_search_progress); `count` may be less than
     * `evaluations`, if not all rows were kept. Others begin anew and find their first `count`
     * evaluations known: KPU_E_INPUT if one of them is of another point, or there are not as many.
     * While they go through them once more, progress has fewer evaluations than `count`. */
    int64_t points, evaluations, feasible;
} kpu_search_past;

typedef struct kpu_search_options {
    const kpu_search_settings *settings; /* NULL: kpu_space_search */
    int threads;                         /* as in kpu_explore_options, like all that follows */
    kpu_row_sink sink; /* gets rows in the order of evaluation: that of the points if the search is
                          exhaustive or exact */
    void *sink_context;
    bool (*progress)(void *context, const kpu_search_progress *progress);
    void *progress_context;
    const volatile int *stop;
    bool plain_walk;
    /* exact: gets the certificate (docs/certificate.md) piece by piece, after all rows, if the
     * fronts are complete. Returns a kpu_error, told to `diag`. NULL: no
     * certificate, and less memory. */
    int (*certificate)(void *context, const char *text, size_t bytes, kpu_diag *diag);
    void *certificate_context;
    const kpu_search_past *past; /* NULL: none */
    const void *ahead;           /* of kpu_search_progress of an earlier run, past or not */
    size_t ahead_bytes;
    /* Each evaluation that was not known, in their order, for searches that give rows of the fronts
     * alone: what `past` is made of. The sink gets all their rows at the end, past or not; that of
     * other searches gets no row that was known. May be NULL; if not, a search that was stopped
     * hands over none of the rows, or the first of them, and returns at once. */
    int (*noted)(void *context, const kpu_row *row, kpu_diag *diag);
    void *noted_context;
    kpu_shard shard;         /* KPU_E_USAGE if the search has no such parts */
    struct kpu_ranks *ranks; /* other processes that help (kpu/ranks.h); may be NULL */
} kpu_search_options;

/* Whether a search looks at this metric of a row that is known. */
bool kpu_search_needs(const kpu_space *space, size_t metric);

/* Complains (KPU_E_USAGE) about what kpu_search_run would refuse: before anything is begun. */
int kpu_search_check(const kpu_space *space, const kpu_search_options *options, kpu_diag *diag);

/* Searches the space. The rows are a function of the space and the settings, whatever the number of
 * threads. `summary` gets the last progress, of a run that was stopped or failed too. Errors as
 * kpu_explore, and KPU_E_USAGE for settings that the search does not take. Memory: the fronts, and
 * some bytes for each evaluation, or none. */
int kpu_search_run(const kpu_space *space, const kpu_search_options *options,
                   kpu_search_progress *summary, kpu_diag *diag);

/* ---- Certificates ----------------------------------------------------------------------- */

/* Where the bytes of a certificate come from. */
typedef struct kpu_certify_source {
    const char *name; /* for complaints */
    /* At most `size` bytes; fewer only at the end. KPU_OK, or an error that was told. */
    int (*read)(void *context, char *bytes, size_t size, size_t *got, kpu_diag *diag);
    void *context;
} kpu_certify_source;

/* Ways to close a box (docs/certificate.md). */
enum {
    KPU_CERTIFY_EMPTY,
    KPU_CERTIFY_RULED_OUT,
    KPU_CERTIFY_MEMBER,
    KPU_CERTIFY_SIMULATED,
    KPU_CERTIFY_NO_NUMBER,
    KPU_CERTIFY_CLOSINGS
};
enum { KPU_CERTIFY_OBJECTIVES_MAX = 8 };

/* A member of the front. */
typedef struct kpu_certify_member {
    int64_t gemm, id;
    int64_t line;                             /* of the certificate */
    double value[KPU_CERTIFY_OBJECTIVES_MAX]; /* of the objectives, as they are shown */
} kpu_certify_member;

/* What a certificate says. fini. */
typedef struct kpu_certify_facts {
    int64_t lines;
    int64_t boxes[KPU_CERTIFY_CLOSINGS], candidates[KPU_CERTIFY_CLOSINGS]; /* so far */
    kpu_certify_member *members; /* ascending by GEMM, then id */
    size_t member_count;
} kpu_certify_facts;

typedef struct kpu_certify_options {
    int threads;       /* as in kpu_explore_options */
    bool fast_forward; /* for candidates that are no members; those go by the plain walk */
    const volatile int *stop;
    /* Called now and then; may be NULL. Returns true to stop. */
    bool (*progress)(void *context, const kpu_certify_facts *facts);
    void *context;
} kpu_certify_options;

/* Checks a certificate of the front of a space, with code that shares nothing with the search and
 * its bounds. KPU_OK: it holds. KPU_E_REFUTED: it does not; the one complaint tells the first
 * defect. Memory grows with the number of members and the depth of the tree. */
int kpu_certify(const kpu_space *space, const kpu_certify_source *source,
                const kpu_certify_options *options, kpu_certify_facts *out, kpu_diag *diag);
void kpu_certify_facts_fini(kpu_certify_facts *facts);
/* Index of a member, or -1. */
int64_t kpu_certify_find_member(const kpu_certify_member *members, size_t count, int64_t gemm,
                                int64_t id);
/* Whether values `a` of the objectives, as they are shown, are no worse than `b` anywhere and
 * better somewhere. */
bool kpu_certify_dominates(const kpu_space *space, const double *a, const double *b);
/* Times members that have been checked once more, for a comparison with all that a results file
 * says of them: *out gets `count` rows, one block of memory that the caller frees. */
int kpu_certify_time_members(const kpu_certify_options *options, const kpu_space *space,
                             const kpu_certify_member *members, size_t count, kpu_row **out,
                             kpu_diag *diag);

/* ---- Pareto fronts ---------------------------------------------------------------------- */

/* The non-dominated of `count` points in `objectives` dimensions, all minimised (negate to
 * maximise); values are row-major. Writes ascending indices to front[] and returns how many. A
 * point equal to another in every objective is not dominated by it: duplicates are all kept.
 * Points with a NaN never belong. O(n log n) for 1, 2, 3 objectives. -1: out of memory. */
int64_t kpu_pareto_front(const double *values, int64_t count, int objectives, int64_t *front);

/* A front that grows: of all points added so far, those that no other one strictly dominates (at
 * most as large in every objective and smaller in one), each with an id of the caller's; all
 * objectives minimised. Equal points are all kept. What it holds and answers depends on what was
 * added, never on the order. Any number may ask at the same time while nobody adds. */
typedef struct kpu_archive kpu_archive;
/* NULL: out of memory, or no objective. */
kpu_archive *kpu_archive_new(int objectives);
void kpu_archive_free(kpu_archive *archive); /* takes NULL */
/* KPU_OK or KPU_E_MEMORY (then nothing has changed). A point that is dominated or has a NaN is
 * dropped; members that it dominates leave. -0.0 is kept as 0.0. Amortised O(log^2 n) for the
 * fronts that occur. */
int kpu_archive_add(kpu_archive *archive, const double *values, int64_t id);
/* The id of the first member, in the order of kpu_archive_read, that strictly dominates `bound`, or
 * -1; then nothing at `bound` or above can be on the front. A bound with a NaN is dominated by
 * nothing. A search in k-d trees: much less than a scan with few objectives. */
int64_t kpu_archive_dominator(const kpu_archive *archive, const double *bound);
size_t kpu_archive_count(const kpu_archive *archive);
/* All members, ordered by their values (lexicographic), equal ones by id: count x objectives values
 * and count ids, into what the caller owns; either may be NULL. KPU_OK or KPU_E_MEMORY. */
int kpu_archive_read(const kpu_archive *archive, double *values, int64_t *ids);

/* The volume dominated by `count` points (row-major) up to `reference`, exact but for rounding: the
 * same bits in whatever order they come. All minimised. Points that are not below the reference in
 * every objective (or have a NaN) add nothing; duplicates and dominated points neither. INFINITY if
 * a point that counts, or the reference, is infinite; -1: out of memory. O(n log n) for 1, 2, 3
 * objectives; with d > 3 it grows about as n^(d-2). */
double kpu_hypervolume(const double *values, int64_t count, int objectives,
                       const double *reference);

/* Points to compare: all minimised; those with a NaN count as absent. */
typedef struct kpu_point_set {
    const double *values; /* row-major */
    int64_t count;
} kpu_point_set;
/* The least e such that every point of b is weakly dominated by a point of a less e in each
 * objective: at most 0 if a is as good everywhere. INFINITY if only a is empty, -INFINITY if b
 * is. */
double kpu_epsilon_additive(kpu_point_set a, kpu_point_set b, int objectives);
/* The same with a point of a divided by e: at most 1 if a is as good everywhere; 0 if b is empty.
 * NaN if a value is negative. An objective to maximise enters as its reciprocal. */
double kpu_epsilon_multiplicative(kpu_point_set a, kpu_point_set b, int objectives);

/* An expression over named numbers: + - * / % ( ), comparisons, and, or, not, min(), max();
 * words of enumerations as os or 'os'. True is neither 0 nor NaN; comparisons with NaN are false.
 * Used by constraints and --where. */
typedef struct kpu_expression kpu_expression;
typedef struct kpu_expression_names {
    void *context;
    /* Resolves a name to a slot >= 0, or -1 (unknown). */
    int (*slot)(void *context, const char *name);
    /* Resolves an enumeration word to its number, given the name that it is compared with;
     * returns false if it is none. May be NULL. */
    bool (*word)(void *context, const char *name, const char *word, double *value);
    /* The words of a name for a complaint ("os ws is"); NULL if it has none. May be NULL. */
    const char *(*words)(void *context, const char *name);
    const char *const *known; /* for "did you mean"; may be NULL */
    size_t known_count;
} kpu_expression_names;
/* One complaint at most, with its column: `place` is where `text` begins, or NULL. */
int kpu_expression_parse(const char *text, const kpu_expression_names *names,
                         const kpu_place *place, kpu_expression **out, kpu_diag *diag);
/* Thread-safe; allocates nothing. `slots` are indexed by what names->slot returned. */
double kpu_expression_value(const kpu_expression *expression, const double *slots);
void kpu_expression_free(kpu_expression *expression);

#ifdef __cplusplus
}
#endif
#endif
