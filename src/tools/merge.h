/* Private to the program: what the files of `merge` share. */
#ifndef KPU_SRC_TOOLS_MERGE_H
#define KPU_SRC_TOOLS_MERGE_H

#include "kpu/report.h"
#include "tools/columns.h"

/* What a part's file says of itself. */
typedef struct kpu_merge_part {
    const char *path;
    int64_t index, count;  /* part `index` (from 0) of `count` */
    int64_t block, rows;   /* block: as kpu_shard_block has it */
    int64_t evaluations;   /* -1: it does not say */
    double gap;            /* NaN: it does not say */
    bool has_gap, is_done; /* is_done: the run came to its end */
} kpu_merge_part;

/* Parts that belong together. */
typedef struct kpu_merge {
    kpu_merge_part *parts; /* those that were given, ascending */
    size_t count;
    int64_t shards, block, rows; /* rows: of all that were given */
    kpu_space *space;
    const kpu_search *search;
    kpu_keep keep;
    kpu_columns columns; /* of a whole run */
    bool has_place;      /* the parts have KPU_PLACE_COLUMN */
    kpu_text missing;    /* "2, 5-7": parts that are not there, or not to the end; empty: none */
    const volatile int *stop;                                     /* set by a signal */
    void (*progress)(void *context, int64_t done, int64_t total); /* rows; may be NULL */
    void *progress_context;
} kpu_merge;

/* Opens each file, and complains about those that are no parts, belong to others, or come twice;
 * unless `may_miss`, about those that are missing, too. kpu_merge_fini in any case. */
int kpu_merge_read_parts(char *const *paths, size_t count, bool may_miss, kpu_merge *out,
                         kpu_diag *diag);
void kpu_merge_fini(kpu_merge *merge);
/* Whether the file is a part of the same run as all others: in merge_same.c. */
int kpu_merge_check_same(const kpu_merge *merge, kpu_results *first, kpu_results *other,
                         const char *path, kpu_diag *diag);
/* Column of a part's file that holds column `column` of a whole run. */
size_t kpu_merge_file_column(const kpu_merge *merge, size_t column);

/* ---- Rows, in the order of a single run: merge_rows.c ------------------------------------- */

typedef struct kpu_merge_rows kpu_merge_rows;
/* `beside`: what it has to put aside goes to a file of that folder which has no name. */
int kpu_merge_rows_open(const kpu_merge *merge, const char *beside, kpu_merge_rows **out,
                        kpu_diag *diag);
/* Up to `capacity` rows of merge->columns.count values each; *count 0: there are no more.
 * Complains about rows that are not the part's, out of order or there twice. */
int kpu_merge_rows_next(kpu_merge_rows *rows, kpu_metric_value *out, size_t capacity, size_t *count,
                        kpu_diag *diag);
void kpu_merge_rows_close(kpu_merge_rows *rows); /* takes NULL */
/* For searches that draw, whose order does not tell: no id stands twice. Reads ids alone, again and
 * again if there are very many. */
int kpu_merge_check_ids(const kpu_merge *merge, kpu_diag *diag);

/* ---- What is made of them: merge_write.c, merge_view.c ------------------------------------ */

/* All rows, or those that [sweep] store keeps of them. */
int kpu_merge_write_rows(const kpu_merge *merge, const char *output, kpu_store *store,
                         kpu_diag *diag);
/* *in_order: the rows are in the view as a single run has them, and not part by part. */
int kpu_merge_write_view(const kpu_merge *merge, const char *output, kpu_store *store,
                         bool *in_order, kpu_diag *diag);
/* The parts, as a view at `output` names them: KPU_E_USAGE if one is not beside it or below. */
int kpu_merge_check_folders(const kpu_merge *merge, const char *output, kpu_diag *diag);
/* Where a row stands in its part, and what it says of itself. */
typedef struct kpu_merge_place {
    int64_t row, id, machine, gemm;
} kpu_merge_place;
/* Whether the space has these. */
bool kpu_merge_is_place(const kpu_merge *merge, const kpu_merge_place *place);
/* The block that a row is in: of a search that draws its `row` counts, of others what it says. */
int64_t kpu_merge_block_of(const kpu_merge *merge, const kpu_merge_part *part,
                           const kpu_merge_place *place);

#endif
