/* Private to the program: rows of results, back as they were when they were evaluated. */
#ifndef KPU_SRC_TOOLS_ROW_READER_H
#define KPU_SRC_TOOLS_ROW_READER_H

#include "tools/columns.h"

/* Where rows come from: a store that is being written, or a results file. */
typedef struct kpu_row_source {
    const kpu_space *space;
    const kpu_columns *columns; /* what rows of the space have; a source may have fewer */
    kpu_results *results;       /* this, or */
    kpu_store *store;           /* this, with */
    const kpu_column *store_columns;
    size_t store_column_count;
    const char *path; /* for complaints */
    bool whole;       /* all columns; else those of a point, and what searches and fronts look at */
} kpu_row_source;

typedef struct kpu_row_reader {
    kpu_row_source source;
    size_t *at; /* of each of our columns the number in the source, or none */
    bool has_points;
    kpu_metric_value *column; /* a block of one */
    kpu_metric_value *rows;   /* the same block of all, row-major */
    int64_t first, count;     /* rows of it */
} kpu_row_reader;

/* kpu_row_reader_fini it in any case. KPU_E_INPUT: the source has no column id. */
int kpu_row_reader_init(kpu_row_reader *reader, const kpu_row_source *source, kpu_diag *diag);
void kpu_row_reader_fini(kpu_row_reader *reader);
int64_t kpu_row_reader_count(const kpu_row_reader *reader);
/* Row n: ascending n is fast. All its values in the order of `columns`, valid until the next call;
 * those that were not read are 0. */
int kpu_row_reader_values(kpu_row_reader *reader, int64_t n, const kpu_metric_value **out,
                          kpu_diag *diag);
/* The same as a row. KPU_E_INPUT if it is none of the space. */
int kpu_row_reader_row(kpu_row_reader *reader, int64_t n, kpu_row *out, kpu_diag *diag);

#endif
