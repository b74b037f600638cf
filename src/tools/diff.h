/* Private to the program: two results files compared. diff_setup.c says what was asked differently
 * and which machines and GEMMs are the same, diff_keys.c and diff_match.c find the candidates that
 * both files have and compare their numbers, diff_fronts.c compares the fronts, diff_print.c prints
 * it for people and diff_rows.c for programs. */
#ifndef KPU_SRC_TOOLS_DIFF_H
#define KPU_SRC_TOOLS_DIFF_H

#include "tools/measure.h"
#include "tools/pareto.h"

enum { KPU_DIFF_A, KPU_DIFF_B, KPU_DIFF_SIDES };

/* One difference in what the files were made from. */
typedef struct kpu_diff_fact {
    const char *what;            /* "machine", "sweep", ... */
    char *name;                  /* of it */
    char *value[KPU_DIFF_SIDES]; /* NULL: this file has none */
} kpu_diff_fact;

/* A metric of the candidates that both files have. */
typedef struct kpu_diff_metric {
    size_t column[KPU_DIFF_SIDES];
    int64_t lower, higher, other; /* in B than in A; other: words, NaN */
    double change;                /* the largest: (B - A) / |A|; NaN if it is none */
    int64_t row[KPU_DIFF_SIDES];  /* where it is */
    int64_t id[KPU_DIFF_SIDES];
    kpu_metric_value value[KPU_DIFF_SIDES];
} kpu_diff_metric;

/* What the other file knows of a member of a front. */
typedef enum kpu_diff_state {
    KPU_DIFF_ABSENT,    /* it has no such candidate */
    KPU_DIFF_UNFIT,     /* which does not fit there */
    KPU_DIFF_BEATEN,    /* which is not on the front there */
    KPU_DIFF_DIFFERENT, /* which is, with another value of an objective */
    KPU_DIFF_SAME
} kpu_diff_state;

typedef struct kpu_diff_member {
    int64_t partner_row; /* -1: none */
    bool partner_fits;
    int64_t partner;   /* member of the other side, -1: none */
    int64_t beaten_by; /* member of the other side that dominates it, -1: none */
    kpu_diff_state state;
} kpu_diff_member;

typedef struct kpu_diff_side {
    kpu_pareto_question question;
    kpu_pareto pareto;                       /* its fronts, and its results */
    int64_t *gemm_partner, *machine_partner; /* rows of the other file's tables, -1: none */
    kpu_diff_member *members;                /* of pareto.members */
    int64_t *by_row;                         /* members in the order of their rows */
    int64_t only;                            /* candidates that the other file has not */
    int64_t fits_alone;                      /* candidates of both that fit in this file only */
} kpu_diff_side;

/* A GEMM that both files have. */
typedef struct kpu_diff_front {
    int64_t gemm[KPU_DIFF_SIDES];
    kpu_measure_box box;
    kpu_measure measure[KPU_DIFF_SIDES];
    int64_t fresh, gone, changed; /* members */
} kpu_diff_front;

typedef struct kpu_diff {
    kpu_diff_side side[KPU_DIFF_SIDES];
    kpu_diff_fact *facts;
    size_t fact_count;
    kpu_diff_metric *metrics;
    size_t metric_count;
    int64_t both, changed; /* candidates that both have; those that differ in whether they fit
                               or, if they fit in both or in none, in some metric */
    kpu_diff_front *fronts;
    size_t front_count;
} kpu_diff;

/* Compares; kpu_diff_fini in any case. `objectives` NULL: those of A. */
int kpu_diff_make(const char *const paths[KPU_DIFF_SIDES], const char *objectives, kpu_diff *out,
                  kpu_diag *diag);
void kpu_diff_fini(kpu_diff *diff);
/* A candidate, a number or a front is not the same. */
bool kpu_diff_differs(const kpu_diff *diff);

/* ---- Between the files of the comparison --------------------------------------------------- */

int kpu_diff_compare_setup(kpu_diff *diff);
int kpu_diff_match(kpu_diff *diff, kpu_diag *diag);
/* The front members' partners as the candidates are matched; then the fronts. */
int kpu_diff_prepare_fronts(kpu_diff *diff);
void kpu_diff_note_pair(kpu_diff *diff, const int64_t row[KPU_DIFF_SIDES]);
int kpu_diff_compare_fronts(kpu_diff *diff, kpu_diag *diag);
/* The best value of an objective on a front, as shown, and the first member that has it; NaN and -1
 * if the front is empty. `member` may be NULL. */
double kpu_diff_best(const kpu_diff_side *side, int64_t gemm, int objective, int64_t *member);
/* (B - A) / |A|: 0 if they are equal, infinite from 0, NaN if one is. */
double kpu_diff_change(double a, double b);

/* ---- Printing ------------------------------------------------------------------------------- */

/* To the standard output; at most `limit` rows a table, 0: all. */
int kpu_diff_print(const kpu_diff *diff, int64_t limit);
int kpu_diff_print_rows(const kpu_diff *diff, kpu_table_format format);

#endif
