/* The inside of the check of a certificate (docs/certificate.md), shared by its files. None of it
 * is shared with the search that writes certificates, nor with the bounds in src/mapping: what both
 * got wrong would go unnoticed. */
#ifndef KPU_EXPLORER_CERTIFY_H
#define KPU_EXPLORER_CERTIFY_H

#include "explorer/space.h"
#include "explorer/team.h"

typedef struct kpu_certify_range {
    int64_t low, high; /* inclusive */
} kpu_certify_range;

enum {
    KPU_CERTIFY_LINE_MAX = 1024, /* bytes, with the newline */
    KPU_CERTIFY_WORDS_MAX = 16,
    KPU_CERTIFY_REASON_MAX = 256
};

/* ---- Lines and words (certify_read.c) ---------------------------------------------------- */

/* Reads a certificate once, line by line. Complaints are KPU_E_REFUTED, at the current line. */
typedef struct kpu_certify_reader {
    const kpu_certify_source *source;
    kpu_diag *diag;
    kpu_hash *hash; /* of all lines before the current one */
    char *buffer;
    size_t used, next; /* bytes in the buffer; the first one that is in no line yet */
    bool drained;      /* the source has no more */

    int64_t number;                  /* of the current line, from 1 */
    char line[KPU_CERTIFY_LINE_MAX]; /* without its newline, NUL-terminated */
    char cut[KPU_CERTIFY_LINE_MAX];  /* the same with NULs for the spaces between words */
    char *word[KPU_CERTIFY_WORDS_MAX];
    size_t words;
} kpu_certify_reader;

int kpu_certify_reader_init(kpu_certify_reader *reader, const kpu_certify_source *source,
                            kpu_diag *diag);
void kpu_certify_reader_fini(kpu_certify_reader *reader);
/* Reads the next line, or complains: about the end too, since a certificate has its own. */
int kpu_certify_read_line(kpu_certify_reader *reader);
/* Complains unless the file ends here. */
int kpu_certify_read_end(kpu_certify_reader *reader);
/* A complaint about a word of the current line; word KPU_CERTIFY_WORDS_MAX: about all of it. */
int kpu_certify_complain(const kpu_certify_reader *reader, size_t word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Complains unless the line has that many words. */
int kpu_certify_want_words(const kpu_certify_reader *reader, size_t count);
/* Word `word` as an integer in low .. high. */
int kpu_certify_want_int(const kpu_certify_reader *reader, size_t word, kpu_certify_range range,
                         int64_t *out);
/* Word `word` as a value: as printf("%.17g") has it, and finite, or "nan" if that may be. */
int kpu_certify_want_value(const kpu_certify_reader *reader, size_t word, bool may_be_nan,
                           double *out);

/* ---- Boxes (certify_box.c) --------------------------------------------------------------- */

/* Of candidates: the digits mean something once there is one GEMM and one machine. */
typedef struct kpu_certify_box {
    kpu_certify_range gemm, machine;
    kpu_certify_range digit[KPU_SPACE_AXES];
} kpu_certify_box;

enum { KPU_CERTIFY_DIGIT_GEMM = -2, KPU_CERTIFY_DIGIT_MACHINE = -1 };

/* The whole space. */
void kpu_certify_box_init(const kpu_space *space, kpu_certify_box *out);
/* One GEMM and one machine. */
bool kpu_certify_box_is_cell(const kpu_certify_box *box);
/* The range of a digit. */
kpu_certify_range *kpu_certify_box_range(kpu_certify_box *box, int64_t digit);
/* To be called when the range of the GEMM has changed: all digits of one GEMM are in full. */
void kpu_certify_box_enter_gemm(const kpu_space *space, kpu_certify_box *box);
/* Points of a box with one GEMM and one machine. */
int64_t kpu_certify_box_count(const kpu_space *space, const kpu_certify_box *box);
/* The n-th of them, digits as in the numbering of the space. False if a constraint excludes it. */
bool kpu_certify_box_point(const kpu_space *space, const kpu_certify_box *box, int64_t n,
                           kpu_point *out);
/* The box of one point that has this id, which lies within the space. */
void kpu_certify_box_of_id(const kpu_space *space, int64_t id, kpu_certify_box *out);

/* ---- Bounds (certify_bounds.c) ----------------------------------------------------------- */

/* What no candidate of the box that fits can beat. */
typedef struct kpu_certify_bounds {
    bool empty; /* no candidate of the box fits; then the rest says nothing */
    double value[KPU_CERTIFY_OBJECTIVES_MAX];
} kpu_certify_bounds;
/* A lower bound of a metric (an upper one if its sense is MAX) from lower bounds on what it is made
 * of: floor->counts.cycles and .traffic, the footprints and the problem of floor->mapping. Infinite
 * if nothing is known. (certify_metrics.c) */
double kpu_certify_metric(const kpu_machine *machine, const kpu_result *floor, size_t metric);
void kpu_certify_bound(const kpu_space *space, const kpu_certify_box *box, kpu_certify_bounds *out);

/* ---- Claims (certify_claims.c) ----------------------------------------------------------- */

struct kpu_certify_claim;

/* What all checks see. */
typedef struct kpu_certify_proof {
    const kpu_space *space;
    size_t objectives;
    bool fast_forward;           /* for all but members */
    kpu_certify_member *members; /* ascending by GEMM, then id */
    size_t member_count, member_capacity;
    kpu_metric_value *scratch; /* all metrics of one candidate, for every worker */
} kpu_certify_proof;

/* A way to close a box. */
typedef struct kpu_certify_closing {
    const char *word;
    bool names_member, has_values, is_point, may_be_nan;
    /* A job of the team. KPU_E_REFUTED: claim->reason says why. */
    int (*check)(const kpu_certify_proof *proof, kpu_worker *worker,
                 struct kpu_certify_claim *claim);
} kpu_certify_closing;
extern const kpu_certify_closing kpu_certify_closings[KPU_CERTIFY_CLOSINGS];

/* A closed box, and the reason that is claimed. */
typedef struct kpu_certify_claim {
    const kpu_certify_closing *closing;
    kpu_certify_box box;
    int64_t member; /* that is named, or that is the box */
    double value[KPU_CERTIFY_OBJECTIVES_MAX];
    int64_t line;
    char text[KPU_CERTIFY_LINE_MAX];
    char reason[KPU_CERTIFY_REASON_MAX]; /* why it does not hold, once it was checked */
} kpu_certify_claim;

/* All metrics of a candidate, timed as the simulator is set, if it fits. */
int kpu_certify_evaluate(const kpu_space *space, kpu_worker *worker, const kpu_point *point,
                         bool *feasible, kpu_metric_value *metrics);

/* ---- The certificate, part by part ------------------------------------------------------- */

/* Everything up to `tree`. */
int kpu_certify_read_head(kpu_certify_reader *reader, kpu_certify_proof *proof);

/* Follows the tree, from the line after `tree` to that of the last box. Every closed box goes to
 * take(context, claim), which may not keep it. */
typedef int (*kpu_certify_taker)(void *context, const kpu_certify_claim *claim);
int kpu_certify_read_tree(kpu_certify_reader *reader, const kpu_certify_proof *proof,
                          kpu_certify_taker take, void *context);

#endif
