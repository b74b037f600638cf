/* Private to the program: the files that a run writes its rows to.
 *
 * There is always OUTPUT, which is OUTPUT.partial until it is finished. If not all rows are kept,
 * or the search gives rows only at its end, there is a log beside it as well: what was evaluated,
 * or the part of it that may be kept. At the end the rows to keep go from the log to OUTPUT. */
#ifndef KPU_SRC_TOOLS_RUN_FILES_H
#define KPU_SRC_TOOLS_RUN_FILES_H

#include "tools/run.h"

/* Numbers that are committed together with the rows: how far the run is. */
#define KPU_RUN_POINTS "points_done"      /* exhaustive: points of the run (of the shard) */
#define KPU_RUN_TOTAL "points_total"      /* of as many; 0: no end is known */
#define KPU_RUN_EVALUATIONS "evaluated"   /* candidates */
#define KPU_RUN_FEASIBLE "feasible"       /* of which so many fit */
#define KPU_RUN_TIME "milliseconds"       /* that it ran, all calls together */
#define KPU_RUN_CERTIFICATE "certificate" /* hash of its path, once it may have its name */

/* What is to be done with what is there. */
typedef enum kpu_run_step {
    KPU_RUN_BEGINS,
    KPU_RUN_RESUMES,
    KPU_RUN_IS_FINISHED /* OUTPUT is there and of this run: nothing */
} kpu_run_step;

typedef struct kpu_run_files {
    const kpu_run *run;
    kpu_store *main;
    kpu_store *log;          /* NULL: rows go to `main` as they come */
    kpu_column *log_columns; /* some of `main`'s; names are not owned */
    size_t *log_sources;     /* which */
    size_t log_column_count;
    char *partial, *log_path, *log_partial;
    kpu_run_step step;
    bool drops; /* a run that begins: what one left that did not end */
} kpu_run_files;

/* Whether a run of this space has a log. */
bool kpu_run_has_log(const kpu_space *space);
/* Its name, less the ending ".partial". */
void kpu_run_put_log_path(kpu_text *out, const char *output);

/* Looks at what is there, and complains about it, or settles the next step; changes nothing.
 * kpu_run_files_fini it in any case. */
int kpu_run_files_find(const kpu_run *run, kpu_run_files *out, kpu_diag *diag);
/* Takes that step. Remarks on what --force drops. */
int kpu_run_files_open(kpu_run_files *files, const kpu_columns *columns, kpu_diag *diag);
/* What is still open is left for --resume as it was committed last. */
void kpu_run_files_fini(kpu_run_files *files);

/* Where rows come to first: the log, or OUTPUT. */
kpu_store *kpu_run_files_first(const kpu_run_files *files);
/* Commits what came, and closes; it is left for --resume. */
int kpu_run_files_suspend(kpu_run_files *files, kpu_diag *diag);
/* OUTPUT gets its name; the log goes. */
int kpu_run_files_finish(kpu_run_files *files, kpu_diag *diag);
/* Nothing is left. */
void kpu_run_files_abandon(kpu_run_files *files);

/* The command line that goes on with a run: this one, with --resume. */
void kpu_run_put_command(kpu_text *out, const kpu_run *run);
/* Once the files are closed: how much of the run is in them, and how to go on. False if there is
 * nothing to go on with. */
bool kpu_run_put_kept(kpu_text *out, const kpu_run_files *files);

#endif
