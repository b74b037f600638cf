/* kpu/store.h - the results file (docs/results-file.md): columns of one length in HDF5 groups,
 * small tables, and text. It knows columns, not the model. One thread owns a store. */
#ifndef KPU_STORE_H
#define KPU_STORE_H

#include "kpu/metrics.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum kpu_column_type {
    KPU_COLUMN_INT64,
    KPU_COLUMN_DOUBLE,
    KPU_COLUMN_ENUM,  /* stored as an HDF5 enumeration of `words`; value.i is the index */
    KPU_COLUMN_STRING /* tables only */
} kpu_column_type;

typedef struct kpu_column {
    const char *group; /* "candidates" or "metrics"; tables: "workloads", "machines" */
    const char *name, *unit, *description;
    kpu_metric_sense sense;
    kpu_column_type type;
    const char *const *words; /* ENUM */
    size_t word_count;
} kpu_column;

typedef struct kpu_store kpu_store;

/* Creates FILE.partial-PID beside `path`; it gets its name in kpu_store_finish. Fails if `path`
 * exists and !force. Columns are copied. All row columns grow together. */
int kpu_store_create(const char *path, bool force, const kpu_column *columns, size_t count,
                     kpu_store **out, kpu_diag *diag);
/* rows: row-major, `count` x columns values. Buffered to whole chunks, flushed at intervals. */
int kpu_store_append(kpu_store *store, const kpu_metric_value *rows, size_t count, kpu_diag *diag);
/* A table: strings in cells[row * columns + column] (numbers are printed text, converted). */
int kpu_store_write_table(kpu_store *store, const kpu_column *columns, size_t column_count,
                          const char *const *cells, size_t row_count, kpu_diag *diag);
/* Text as /provenance/<name> (a scalar string dataset): the sweep, machine files, seed, hashes. */
int kpu_store_write_text(kpu_store *store, const char *name, const char *text, kpu_diag *diag);
int kpu_store_finish(kpu_store *store, kpu_diag *diag); /* flush, fsync, rename; frees */
void kpu_store_abandon(kpu_store *store);               /* closes, removes the partial; frees */

/* Reading: every complaint names the file. */
typedef struct kpu_results kpu_results;
int kpu_results_open(const char *path, kpu_results **out, kpu_diag *diag);
void kpu_results_close(kpu_results *results);
int64_t kpu_results_rows(const kpu_results *results);
size_t kpu_results_column_count(const kpu_results *results);
const kpu_column *kpu_results_column(const kpu_results *results, size_t index);
int kpu_results_find(const kpu_results *results, const char *name); /* column index or -1 */
/* `count` values of a column from row `first` on, into out. */
int kpu_results_read(kpu_results *results, size_t column, int64_t first, int64_t count,
                     kpu_metric_value *out, kpu_diag *diag);
/* malloc'ed string of a table cell / a text; NULL if there is none. */
char *kpu_results_text(kpu_results *results, const char *name);
int64_t kpu_results_table_rows(kpu_results *results, const char *table);
char *kpu_results_cell(kpu_results *results, const char *table, const char *column, int64_t row);

#ifdef __cplusplus
}
#endif
#endif
