/* Private to the program: the fronts of a results file, chosen in pareto_select.c and printed in
 * pareto_print.c. */
#ifndef KPU_SRC_TOOLS_PARETO_H
#define KPU_SRC_TOOLS_PARETO_H

#include "kpu/explorer.h"
#include "kpu/report.h"
#include "kpu/store.h"

enum { KPU_PARETO_OBJECTIVES_MAX = 16 };

/* What competes with what. */
typedef enum kpu_pareto_per {
    KPU_PER_GEMM,     /* a GEMM's candidates, on all machines */
    KPU_PER_WORKLOAD, /* a workload's candidates, those of all its GEMMs */
    KPU_PER_MACHINE,  /* a GEMM's candidates on one machine (variant) */
    KPU_PER_ALL
} kpu_pareto_per;

typedef struct kpu_pareto_question {
    const char *path, *objectives, *where; /* objectives and where may be NULL */
    kpu_pareto_per per;
    bool unique;           /* of candidates equal in every objective, only the first */
    const char *reference; /* of the hypervolumes: "auto", or numbers; NULL: none are wanted */
} kpu_pareto_question;

/* A member of a front. */
typedef struct kpu_pareto_member {
    int64_t row;
    int64_t group;
} kpu_pareto_member;

typedef struct kpu_pareto {
    kpu_results *results;
    const kpu_pareto_question *question;
    size_t objectives[KPU_PARETO_OBJECTIVES_MAX]; /* columns */
    int objective_count;
    int64_t gemm_count, machine_count;   /* rows of the tables */
    char **workload_names, **gemm_names; /* of each GEMM */
    char **machine_names;                /* of each machine */
    int64_t group_count;
    int64_t *rows;              /* of each group: candidates */
    int64_t *feasible;          /* of each group: candidates that fit */
    int64_t *considered;        /* of each group: those of them that the filter keeps */
    kpu_pareto_member *members; /* by group; best in the first objective first, ties by row */
    int64_t member_count;
    int64_t *first; /* member of each group; [group_count]: their number */
    double *costs;  /* of member i and objective j, all minimised: [i * objective_count + j] */
    double *hypervolumes; /* of each group; NULL if they are not wanted */
    double *references;   /* of group i and objective j, minimised: [i * objective_count + j] */
    size_t *shown;        /* columns to print: those of the candidate, then the objectives */
    size_t shown_count;
    kpu_metric_value *cells; /* of member i and shown column j: [i * shown_count + j] */
} kpu_pareto;

/* Opens the file, finds the fronts and reads what is to be shown. kpu_pareto_fini in any case. */
int kpu_pareto_find(const kpu_pareto_question *question, kpu_pareto *out, kpu_diag *diag);
void kpu_pareto_fini(kpu_pareto *pareto);
/* The hypervolumes of the fronts that were found: in pareto_volume.c. */
int kpu_pareto_measure(kpu_pareto *pareto, kpu_diag *diag);
/* A line for the reader if the file has only rows of other fronts: in pareto_caveat.c. */
void kpu_pareto_put_caveat(const kpu_pareto *pareto, kpu_text *out);
/* A value of an objective as it is minimised, and back: negated if more is better. */
double kpu_pareto_turned(const kpu_pareto *pareto, int objective, double value);
/* ---- Between pareto_select.c and pareto_filter.c ------------------------------------------ */

/* What --where says, and the columns that it needs. */
typedef struct kpu_pareto_filter {
    const kpu_pareto *pareto;
    kpu_expression *where;     /* NULL: everything passes */
    bool *used;                /* columns to read: set by parsing, and by others */
    kpu_metric_value **blocks; /* rows of the columns that are used */
    double *slots;             /* one row as the expression sees it */
    char words[512];           /* for a complaint */
    kpu_diag *diag;            /* while it is parsed */
} kpu_pareto_filter;

int kpu_pareto_filter_parse(kpu_pareto_filter *filter, kpu_diag *diag);
/* Of row `at` of the blocks. */
bool kpu_pareto_filter_keeps(const kpu_pareto_filter *filter, int64_t gemm, int64_t machine,
                             int64_t at);
void kpu_pareto_filter_fini(kpu_pareto_filter *filter); /* used and blocks are not its own */
/* The number of the first of equal names. */
int64_t kpu_pareto_first_of_name(char *const *names, int64_t at);
const kpu_column *kpu_pareto_column(const kpu_pareto *pareto, size_t column);
double kpu_pareto_number(const kpu_pareto *pareto, kpu_metric_value *const *blocks, size_t column,
                         int64_t at);

/* ---- pareto_print.c ----------------------------------------------------------------------- */

/* Members to show in a table, with columns of the caller's behind their own. */
typedef struct kpu_pareto_note {
    const char *title;
    const char *const *cells; /* of each listed member */
} kpu_pareto_note;
typedef struct kpu_pareto_list {
    const int64_t *members;
    int64_t count;
    const kpu_pareto_note *notes;
    size_t note_count;
} kpu_pareto_list;
void kpu_pareto_put_list(const kpu_pareto *pareto, const kpu_pareto_list *list, kpu_text *out);
/* A whole number that is shown of a member: "id", "gemm", "machine", ... */
int64_t kpu_pareto_cell(const kpu_pareto *pareto, int64_t member, const char *name);
void kpu_pareto_add_value(const kpu_column *column, kpu_metric_value value, kpu_table *table);
/* "cycles 12,345": an objective that comes minimised, rounded. */
void kpu_pareto_put_objective(const kpu_pareto *pareto, int objective, double cost, kpu_text *out);
void kpu_pareto_put_gemm(const kpu_pareto *pareto, int64_t gemm,
                         kpu_text *out); /* its name, MxNxK */
/* Prints to the standard output; KPU_OK or KPU_E_MEMORY. */
int kpu_pareto_print(const kpu_pareto *pareto, kpu_table_format format);

#endif
