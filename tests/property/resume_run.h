/* resume_run.h - a run of a search, as a program keeps it: what comes, what was said with it, and
 * going on from there. */
#ifndef KPU_TESTS_RESUME_RUN_H
#define KPU_TESTS_RESUME_RUN_H

#include "kpu/explorer.h"
#include "random_space.h"

/* ---- Rows --------------------------------------------------------------------------------- */

typedef struct rows {
    kpu_point *points;
    kpu_metric_value *metrics;
    size_t count, capacity;
} rows;

const kpu_metric_value *rows_metrics(const rows *r, size_t at);
void rows_add_copy(rows *to, const rows *from, size_t at);
bool rows_same(const rows *a, const rows *b);
void rows_fini(rows *r);

/* ---- One space, and what is wrong with it ------------------------------------------------- */

typedef struct test_run {
    random_space text;
    kpu_space *space;
    random_stream random;
    uint64_t number;
    long spaces, failures, runs, stops, kills, parts, selections;
    long crews, lost, messages; /* runs with other ranks; ranks; to the first */
    bool failed;
} test_run;

void expect(test_run *t, bool holds, const char *what);
/* Whether its search gives rows of the fronts alone. */
bool gives_fronts(const test_run *t);

/* ---- A run -------------------------------------------------------------------------------- */

/* What survives: rows, and what was said with them. */
typedef struct kept {
    rows log;   /* rows that came, or (fronts alone) that were noted */
    rows given; /* fronts alone: what the sink got at the end */
    int64_t points, evaluations, feasible;
    char *certificate;
    size_t bytes, room;
    kpu_search_progress summary;
    int code;
} kept;

void kept_fini(kept *k);

/* What a run is asked for. */
typedef struct way {
    kpu_shard shard;
    bool certifies;
    bool selects;
} way;

/* Goes on where *k stands, alone or with some other ranks; stops after so many new rows, 0: not at
 * all. On the way it looks whether all that is said is true of what came. */
void run_once(test_run *t, const way *w, size_t stop_after, kept *k);

#endif
