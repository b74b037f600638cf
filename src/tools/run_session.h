/* Private to the program: one run under way. */
#ifndef KPU_SRC_TOOLS_RUN_SESSION_H
#define KPU_SRC_TOOLS_RUN_SESSION_H

#include "tools/row_reader.h"
#include "tools/run_files.h"

typedef struct kpu_run_session {
    const kpu_run *run;
    const kpu_columns *columns;
    kpu_run_files files;
    kpu_fronts fronts;
    kpu_selection *selection; /* NULL: all rows are kept */
    bool gives_fronts;        /* the search has rows at its end only, and evaluations before */
    bool wants_fronts;        /* somebody looks at them, or they are kept */
    kpu_metric_value *rows;   /* converted; grows */
    bool *chosen;             /* of as many rows: which are appended */
    size_t row_capacity;
    int64_t skipped;   /* rows that the search gives and OUTPUT has */
    bool log_is_whole; /* and committed */
    kpu_search_progress found;
    kpu_run_certificate certificate;
    kpu_row_reader past;
    int64_t known;    /* rows that an earlier call of this run left */
    int64_t recalled; /* of which so many were looked at */
    int64_t kept;     /* rows in OUTPUT at the end */
    int64_t known_points, known_evaluations, known_ms;
    bool is_alone;    /* the other ranks were sent home */
    int failed;       /* of a commit while the search went on */
    double start;     /* seconds */
    double cpu_start; /* seconds of all threads */
    double writing;   /* of which so many to convert and write rows */
    double shown;     /* when the progress was shown last */
    bool shows_progress;
} kpu_run_session;

double kpu_run_seconds(void);     /* that pass */
double kpu_run_cpu_seconds(void); /* of this thread */
double kpu_run_process_seconds(void);

/* Whether the search goes through the points one by one, and so goes on with the next one. */
bool kpu_run_counts_points(const kpu_space *space);
/* Runs it all, from what is there to the finished file. */
int kpu_run_sweep(const kpu_run *run, kpu_diag *diag);

/* ---- Rows that are known from before (run_past.c) ----------------------------------------- */

/* Fills in *out; *has is false if there are none. */
int kpu_run_open_past(kpu_run_session *session, kpu_search_past *out, bool *has, kpu_diag *diag);
/* Those that the search did not ask for. */
int kpu_run_recall_rest(kpu_run_session *session, kpu_diag *diag);

/* ---- Rows that come (run_rows.c) ---------------------------------------------------------- */

/* kpu_search_options.sink and .noted; context: the session. */
int kpu_run_take_rows(void *context, const kpu_row *rows, size_t count, kpu_diag *diag);
int kpu_run_take_noted(void *context, const kpu_row *row, kpu_diag *diag);
/* Says that a row of the log, its number `number`, is one to choose from. */
int kpu_run_offer(kpu_run_session *session, const kpu_row *row, int64_t number, bool *is_kept);
/* The rows to keep, from the log to OUTPUT. KPU_E_INTERRUPTED if a signal comes. */
int kpu_run_copy_kept(kpu_run_session *session, kpu_diag *diag);

/* ---- What is shown (run_progress.c, run_summary.c) ---------------------------------------- */

/* "1,234 of 10,000", or "1,234 evaluated" if there is no end (total 0). */
void kpu_run_put_done(kpu_text *out, int64_t done, int64_t total);
/* ", 500/s, 0:18 left"; left < 0: no end is known. */
void kpu_run_put_rate(kpu_text *out, int64_t left, double rate);
void kpu_run_show_progress(kpu_run_session *session, const kpu_search_progress *progress);
int kpu_run_print_summary(const kpu_run_session *session, kpu_diag *diag);

#endif
