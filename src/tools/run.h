/* Private to the program: what the files of `run` share. */
#ifndef KPU_SRC_TOOLS_RUN_H
#define KPU_SRC_TOOLS_RUN_H

#include "kpu/report.h"
#include "tools/columns.h"
#include "tools/command.h"

/* What is run, and where the results go. */
typedef struct kpu_run {
    const kpu_space *space;
    const kpu_ini *sweep;
    const kpu_call *call; /* the command line is stored too */
    const char *sweep_path;
    const char *output;
    const char *certificate; /* file, or NULL */
    bool force;
} kpu_run;

/* A new results file with its tables and all that says where the numbers come from. */
int kpu_run_create_store(const kpu_run *run, const kpu_columns *columns, kpu_store **out,
                         kpu_diag *diag);

/* How the search went: what a file says of it besides its rows. */
int kpu_run_store_outcome(kpu_store *store, const kpu_search_progress *found, kpu_diag *diag);

/* ---- The certificate of an exact search --------------------------------------------------- */

typedef struct kpu_run_certificate {
    kpu_gzip_writer *writer; /* NULL: none is wanted, or it is finished */
    const char *path;
    bool has_come; /* some of it */
} kpu_run_certificate;

/* If the run wants one. Complains about searches that have none, and about a file that --force must
 * not replace. */
int kpu_run_open_certificate(const kpu_run *run, kpu_run_certificate *out, kpu_diag *diag);
/* kpu_search_options.certificate; context: kpu_run_certificate. */
int kpu_run_take_certificate(void *context, const char *text, size_t bytes, kpu_diag *diag);
/* A wanted one that has not come, because the budget ended the search, is an error. */
int kpu_run_finish_certificate(kpu_run_certificate *certificate, kpu_diag *diag);
void kpu_run_drop_certificate(kpu_run_certificate *certificate);

/* Prints what the sweep spans and how much of it fits; computes no more and writes nothing. */
int kpu_run_print_plan(const kpu_run *run, kpu_diag *diag);

/* ---- Fronts, kept while the rows come ---------------------------------------------------- */

/* A member of a front. */
typedef struct kpu_front_row {
    kpu_point point;
    double cost[]; /* the objectives, those to be maximised negated */
} kpu_front_row;

/* Of one GEMM: the rows that no other dominates; equal ones are all kept. */
typedef struct kpu_front {
    kpu_front_row **rows;
    size_t count, capacity;
    double best; /* least cost of the first objective; infinite if there is none */
} kpu_front;

typedef struct kpu_fronts {
    const kpu_space *space;
    kpu_front *front; /* one a GEMM */
    size_t objectives;
    int64_t rows, feasible;
    int64_t last_gemm; /* of the row that came last */
} kpu_fronts;

int kpu_fronts_init(kpu_fronts *fronts, const kpu_space *space);
void kpu_fronts_fini(kpu_fronts *fronts);
int kpu_fronts_add(kpu_fronts *fronts, const kpu_row *row);
/* One line: how far, how fast, how good so far. */
void kpu_run_put_progress(kpu_text *out, const kpu_search_progress *progress, double seconds,
                          const kpu_fronts *fronts);
/* Each GEMM's front as a table, and a chart of the GEMM with most work. */
void kpu_fronts_print(const kpu_fronts *fronts, kpu_text *out);
/* The value of objective `index` as it is shown. */
double kpu_fronts_shown(const kpu_fronts *fronts, size_t index, double cost);

/* ---- --verify: candidates executed with numbers -------------------------------------------- */

typedef struct kpu_run_checks {
    const kpu_run *run;
    int64_t wanted;
    kpu_point *points; /* of those that fit, as many as are wanted, by ascending id */
    int64_t count;
} kpu_run_checks;

/* `wanted` of 0: none. Complains if a GEMM's elements are no types that can be executed. */
int kpu_run_checks_init(kpu_run_checks *checks, const kpu_run *run, int64_t wanted, kpu_diag *diag);
void kpu_run_checks_add(kpu_run_checks *checks, const kpu_row *row);
/* Members of the fronts first, then the others, each by ascending id. The first that is wrong ends
 * it. `stop` as in kpu_search_options. Appends a line about it. */
int kpu_run_checks_do(const kpu_run_checks *checks, const kpu_fronts *fronts,
                      const volatile int *stop, kpu_text *out, kpu_diag *diag);
void kpu_run_checks_fini(kpu_run_checks *checks);

#endif
