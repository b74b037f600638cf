/* kpu/store.h - the results file (docs/results-file.md): columns of one length in HDF5 groups,
 * small tables, and text. It knows columns, not the model. One thread owns a store, and all
 * stores and results that are open in a process belong to the same thread. HDF5's own printing
 * of errors is switched off by the first use. */
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

/* Creates FILE.partial beside `path`, and journals beside that; it gets its name in
 * kpu_store_finish. Without `force` fails if `path` exists, or FILE.partial of a run that did not
 * end; with it the latter is dropped. Fails whatever `force` says if another process writes there,
 * if `path` is a folder, or cannot be created (all KPU_E_INPUT). Columns are copied; names differ
 * over all groups. All row columns grow together. */
int kpu_store_create(const char *path, bool force, const kpu_column *columns, size_t count,
                     kpu_store **out, kpu_diag *diag);
/* Goes on with FILE.partial as its last commit left it. KPU_E_INPUT: there is none
 * (kpu_store_probe tells beforehand), its columns are others, or another process writes there.
 * Tables, texts and attributes are there; they may be written again. */
int kpu_store_resume(const char *path, const kpu_column *columns, size_t count, kpu_store **out,
                     kpu_diag *diag);

/* What stands at `path`. */
typedef struct kpu_store_state {
    bool is_finished; /* a file of that name, whatever is in it */
    bool is_partial;  /* FILE.partial with something committed */
    bool is_damaged;  /* FILE.partial of which nobody can tell what was: going on tells why */
    int64_t rows;     /* of that; 0 without */
    bool is_written;  /* by a process that lives */
    char writer[256]; /* "host, process 123, since 2026-01-31 12:00:00 UTC", or "" */
} kpu_store_state;
void kpu_store_probe(const char *path, kpu_store_state *out);
/* A number (kpu_store_set_number) of FILE.partial, whether or not it can be opened; false: it has
 * none. */
bool kpu_store_probe_number(const char *path, const char *name, int64_t *out);
/* Removes FILE.partial and its journals. KPU_E_INPUT: another process writes there. */
int kpu_store_drop_partial(const char *path, kpu_diag *diag);
/* Removes journals that a run has left that was killed when its file was finished already. */
void kpu_store_sweep(const char *path);

/* rows: row-major, `count` x columns values. Buffered to whole chunks. They survive a crash of the
 * process, or of the machine, once they are committed. After a failure (KPU_E_IO: disk full, file
 * removed, ...) the store takes nothing more; what was committed before stays. A limit on the size
 * of files is an error only in a process that ignores SIGXFSZ. */
int kpu_store_append(kpu_store *store, const kpu_metric_value *rows, size_t count, kpu_diag *diag);
int64_t kpu_store_rows(const kpu_store *store); /* appended, those before a resume too */
/* A number that is committed together with the rows that were appended before, and is gone from a
 * finished file; name: a constant; at most KPU_STORE_NUMBERS. */
enum { KPU_STORE_NUMBERS = 8 };
void kpu_store_set_number(kpu_store *store, const char *name, int64_t value);
/* As it was set last, or committed before a resume; false: never. */
bool kpu_store_get_number(const kpu_store *store, const char *name, int64_t *out);
/* Bytes that go with them as numbers do: they take the place of those before; at most
 * KPU_STORE_BYTES, as all are written with every commit. KPU_E_RANGE, KPU_E_MEMORY: told. */
enum { KPU_STORE_BYTES = 1 << 24 };
int kpu_store_set_bytes(kpu_store *store, const void *bytes, size_t count, kpu_diag *diag);
/* As they were set last, or committed before a resume, until they are set again. */
const void *kpu_store_bytes(const kpu_store *store, size_t *count);
/* Makes all that came durable, or nothing of it: whenever this process or the machine dies,
 * FILE.partial is what a commit left. Creation commits nothing. */
int kpu_store_commit(kpu_store *store, kpu_diag *diag);
/* The same if the last one is long enough ago: 2 s, more (up to 4.5 s) where commits are slow. Call
 * it often: a run in which no row comes has to call it too. */
int kpu_store_commit_if_due(kpu_store *store, kpu_diag *diag);
/* `count` values of a column from row `first` on, of rows that were appended. */
int kpu_store_read(kpu_store *store, size_t column, int64_t first, int64_t count,
                   kpu_metric_value *out, kpu_diag *diag);
/* malloc'ed copy of /provenance/<name>, or NULL: what was written before a resume. */
char *kpu_store_text(kpu_store *store, const char *name);
/* A table: strings in cells[row * columns + column] (numbers are printed text, converted; a double
 * may be "400/3", an enumeration is its word). */
int kpu_store_write_table(kpu_store *store, const kpu_column *columns, size_t column_count,
                          const char *const *cells, size_t row_count, kpu_diag *diag);
/* Text as /provenance/<name> (a scalar string dataset): the sweep, machine files, seed, hashes. A
 * slash in the name makes a group. */
int kpu_store_write_text(kpu_store *store, const char *name, const char *text, kpu_diag *diag);
/* Text attribute of the file itself: "model_version", ... (format, format_version,
 * library_version, rows and complete are written by the store). */
int kpu_store_write_attribute(kpu_store *store, const char *name, const char *text, kpu_diag *diag);
/* Commit, rename; frees. Without force never replaces: if a file of that name has come into being,
 * the results stay under their partial name and the complaint says so. On other failures too all
 * that was committed stays there. */
int kpu_store_finish(kpu_store *store, kpu_diag *diag);
/* Commits if it can (KPU_E_IO, told, if not; a store that failed before does not try) and leaves
 * FILE.partial for kpu_store_resume; frees. */
int kpu_store_suspend(kpu_store *store, kpu_diag *diag);
void kpu_store_abandon(kpu_store *store); /* closes, removes the partial; frees; takes NULL */

/* Reading: every complaint names the file. FILE.partial of a run that was killed, or is under way,
 * opens too, with the rows of its last commit, which do not change while it is open;
 * kpu_results_complete tells. */
typedef struct kpu_results kpu_results;
int kpu_results_open(const char *path, kpu_results **out, kpu_diag *diag);
void kpu_results_close(kpu_results *results); /* takes NULL */
int64_t kpu_results_rows(const kpu_results *results);
bool kpu_results_complete(const kpu_results *results);
/* Of an unfinished file: what kpu_store_set_number set before its last commit. */
bool kpu_results_number(const kpu_results *results, const char *name, int64_t *out);
size_t kpu_results_column_count(const kpu_results *results);
const kpu_column *kpu_results_column(const kpu_results *results, size_t index);
int kpu_results_find(const kpu_results *results, const char *name); /* column index or -1 */
/* `count` values of a column from row `first` on, into out. */
int kpu_results_read(kpu_results *results, size_t column, int64_t first, int64_t count,
                     kpu_metric_value *out, kpu_diag *diag);
/* malloc'ed string of a table cell / a text / a text attribute; NULL if there is none. Numbers are
 * printed so that they read back the same. */
char *kpu_results_text(kpu_results *results, const char *name);
char *kpu_results_attribute(kpu_results *results, const char *name);
/* Rows of a table, 0 if there is none or its columns differ in length. */
int64_t kpu_results_table_rows(kpu_results *results, const char *table);
char *kpu_results_cell(kpu_results *results, const char *table, const char *column, int64_t row);

/* ---- One file of many, for merge --------------------------------------------------------- */

/* Tables, texts and attributes of another file, byte for byte; but none of those named, up to a
 * NULL, and not what the store itself writes. KPU_E_INPUT: that file is damaged. */
int kpu_store_copy_frame(kpu_store *store, kpu_results *from, const char *const *without,
                         kpu_diag *diag);

/* So many rows of a view, from row `first` of it on. */
typedef struct kpu_view_piece {
    int64_t first, count;
} kpu_view_piece;
/* A results file with the columns of the view, and where its rows go: into pieces that ascend and
 * have `rows` together. */
typedef struct kpu_view_part {
    const char *file; /* relative to the view's folder, in or below which it is */
    int64_t rows;
    const kpu_view_piece *pieces;
    size_t piece_count;
} kpu_view_part;
/* How many entries each column of the view has for that: pieces of one length at one distance are
 * one. */
size_t kpu_view_part_entries(const kpu_view_part *part);
typedef struct kpu_view {
    const kpu_column *columns;
    size_t column_count;
    const kpu_view_part *parts;
    size_t part_count;
    int64_t rows;
    const volatile int *stop; /* may be NULL; once it is set, KPU_E_INTERRUPTED */
} kpu_view;
/* Columns that lie in the files of others, as HDF5's virtual datasets: for a store that was created
 * without columns. It takes no rows then. */
int kpu_store_write_view(kpu_store *store, const kpu_view *view, kpu_diag *diag);
/* kpu_store_finish, but the file says that rows are missing (kpu_results_complete). */
int kpu_store_finish_incomplete(kpu_store *store, kpu_diag *diag);

/* ---- Compressed text -------------------------------------------------------------------- */

/* Bytes of a file as they are, or as they were before gzip: its content tells. */
typedef struct kpu_gzip_reader kpu_gzip_reader;
int kpu_gzip_reader_open(const char *path, kpu_gzip_reader **out, kpu_diag *diag);
/* At most `size` bytes; fewer only at the end. KPU_E_IO: damaged, cut short or unreadable. */
int kpu_gzip_reader_read(kpu_gzip_reader *reader, char *bytes, size_t size, size_t *got,
                         kpu_diag *diag);
void kpu_gzip_reader_close(kpu_gzip_reader *reader); /* takes NULL */

/* A file that is compressed if its name ends in .gz. As a results file it has its name only when it
 * is finished, and replaces another only with `force`. `what` names its content in complaints
 * ("certificate"; not copied). */
typedef struct kpu_gzip_writer kpu_gzip_writer;
int kpu_gzip_writer_open(const char *path, const char *what, bool force, kpu_gzip_writer **out,
                         kpu_diag *diag);
int kpu_gzip_writer_write(kpu_gzip_writer *writer, const char *bytes, size_t size, kpu_diag *diag);
int kpu_gzip_writer_finish(kpu_gzip_writer *writer, kpu_diag *diag); /* frees */
/* Removes what was written; frees; takes NULL. */
void kpu_gzip_writer_discard(kpu_gzip_writer *writer);

#ifdef __cplusplus
}
#endif
#endif
