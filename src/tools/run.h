/* Private to the program: what the files of `run` share. */
#ifndef KPU_SRC_TOOLS_RUN_H
#define KPU_SRC_TOOLS_RUN_H

#include "kpu/ranks.h"
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
    kpu_shard shard;         /* count 0: not cut */
    kpu_ranks *ranks;        /* NULL: this process is alone */
    int64_t threads, verify;
    bool force, resume, quiet, plain_walk;
} kpu_run;

/* ---- Signals ------------------------------------------------------------------------------ */

/* From now on the first SIGINT, SIGTERM or SIGHUP (unless it is ignored: nohup) only sets what
 * kpu_run_stop points to; the next one of them, 0.2 s later or more, ends the process with 130. */
void kpu_run_catch_signals(void);
const volatile int *kpu_run_stop(void);
/* Where nothing is left to be kept: a signal prints `text`, which has to stay, and ends the process
 * with 130. NULL: as before. */
void kpu_run_end_on_signal(const char *text);

/* ---- The results file --------------------------------------------------------------------- */

/* A new results file with its tables and all that says where the numbers come from; nothing is
 * committed. */
int kpu_run_create_store(const kpu_run *run, const kpu_columns *columns, kpu_store **out,
                         kpu_diag *diag);

/* How the search went: what a file says of it besides its rows. */
int kpu_run_store_outcome(kpu_store *store, const kpu_search_progress *found, kpu_diag *diag);

/* Which part of the run it has, if that is cut. */
int kpu_run_store_shard(kpu_store *store, const kpu_run *run, kpu_diag *diag);

/* Names of unfinished files are taken. */
int kpu_run_check_name(const char *path, kpu_diag *diag);
/* --force is for old results: it replaces nothing that the run reads, and only HDF5 files. */
int kpu_run_check_output(const kpu_run *run, kpu_diag *diag);

/* "all", "front", "top 10", "sample 1000": as [sweep] store has it. */
void kpu_run_put_keep(kpu_text *out, kpu_keep keep);

/* What /provenance/identity says of this run, in lines "name value". KPU_OK or KPU_E_MEMORY. */
int kpu_run_put_identity(kpu_text *out, const kpu_space *space);
/* Whether a file, finished or not, belongs to this run: KPU_E_INPUT names all that differs. */
int kpu_run_check_identity(const kpu_run *run, const char *path, kpu_diag *diag);

/* --shard: "I/N" with I from 1, "slurm" (a task of a job array), "ranks" (of mpirun or srun).
 * KPU_E_USAGE. */
int kpu_run_read_shard(const char *text, kpu_shard *out, kpu_diag *diag);
/* "x.h5" -> "x.shard-2-of-5.h5". */
void kpu_run_put_shard_path(kpu_text *out, const char *output, kpu_shard shard);

/* ---- The certificate of an exact search --------------------------------------------------- */

typedef struct kpu_run_certificate {
    kpu_gzip_writer *writer; /* NULL: none is wanted, or it is finished */
    const char *path;
    bool has_come; /* some of it */
} kpu_run_certificate;

struct kpu_run_files;
/* If the run wants one. Complains about a file that must not be replaced: one that was there before
 * the run, unless there is --force, and all that is no certificate. */
int kpu_run_open_certificate(const struct kpu_run_files *files, kpu_run_certificate *out,
                             kpu_diag *diag);
/* kpu_search_options.certificate; context: kpu_run_certificate. */
int kpu_run_take_certificate(void *context, const char *text, size_t bytes, kpu_diag *diag);
/* Gives it its name if it has come. The store remembers that it was this run. */
int kpu_run_finish_certificate(kpu_run_certificate *certificate, kpu_store *store, kpu_diag *diag);
/* A wanted one that has not come, because the budget ended the search, is an error. */
int kpu_run_miss_certificate(const kpu_run_certificate *certificate, kpu_diag *diag);
void kpu_run_drop_certificate(kpu_run_certificate *certificate);

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
/* *joined: it is on its front, so far; may be NULL. */
int kpu_fronts_add(kpu_fronts *fronts, const kpu_row *row, bool *joined);
/* Adds the members of other fronts of the same space. KPU_OK or KPU_E_MEMORY. */
int kpu_fronts_join(kpu_fronts *fronts, const kpu_fronts *others);
/* Each GEMM's front as a table, and a chart of the GEMM with most work. */
void kpu_fronts_print(const kpu_fronts *fronts, kpu_text *out);
/* The value of objective `index` as it is shown. */
double kpu_fronts_shown(const kpu_fronts *fronts, size_t index, double cost);

/* ---- --verify: candidates executed with numbers -------------------------------------------- */

/* Complains if a GEMM's elements are no types that can be executed. */
int kpu_run_check_types(const kpu_run *run, kpu_diag *diag);
/* Executes run->verify candidates of the finished results: members of their fronts first, then the
 * others, each by ascending id. The first that is wrong ends it. */
int kpu_run_verify(const kpu_run *run, const kpu_columns *columns, kpu_diag *diag);

/* Prints what the sweep spans and how much of it fits; computes no more and writes nothing. */
int kpu_run_print_plan(const kpu_run *run, kpu_diag *diag);

#endif
