/* The rows of all parts into one file, as a single run writes them. */
#include <stdlib.h>
#include <string.h>

#include "tools/merge.h"

enum { BATCH = 256 }; /* rows that go from hand to hand */

/* Where the results go, "." if their name has no folder; malloc'ed. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == path ? strdup("/")
           : slash       ? strndup(path, (size_t)(slash - path))
                         : strdup(".");
}

typedef struct writing {
    const kpu_merge *merge;
    const char *folder;
    kpu_metric_value *rows; /* BATCH of them */
    int64_t passes, pass;   /* how often the rows are read, and how often they were */
} writing;

typedef int (*take_rows)(void *context, kpu_metric_value *rows, size_t count, int64_t first,
                         kpu_diag *diag);

/* All rows in their order; `first` of a batch is its place among all. */
static int for_each_batch(const writing *w, take_rows take, void *context, kpu_diag *diag)
{
    const kpu_merge *merge = w->merge;
    kpu_merge_rows *rows = NULL;
    int64_t done = 0;
    size_t count = 1;
    int status = kpu_merge_rows_open(merge, w->folder, &rows, diag);
    while (!status && count > 0) {
        status = kpu_merge_rows_next(rows, w->rows, BATCH, &count, diag);
        if (!status && count > 0)
            status = take(context, w->rows, count, done, diag);
        done += (int64_t)count;
        if (merge->progress)
            merge->progress(merge->progress_context, w->pass * merge->rows + done,
                            w->passes * merge->rows);
        if (!status && *merge->stop)
            status = KPU_E_INTERRUPTED;
    }
    kpu_merge_rows_close(rows);
    return status;
}

static int append(void *context, kpu_metric_value *rows, size_t count, int64_t first,
                  kpu_diag *diag)
{
    (void)first;
    return kpu_store_append(context, rows, count, diag);
}

/* ---- A choice of rows: found in a first pass, written in a second ------------------------- */

typedef struct choice {
    const kpu_merge *merge;
    kpu_selection *selection;
    kpu_store *store;
    int64_t *kept; /* ascending */
    size_t count, next;
    size_t id, machine, gemm; /* columns */
} choice;

static size_t column_named(const kpu_merge *merge, const char *name)
{
    size_t i = 0;
    while (strcmp(merge->columns.column[i].name, name) != 0)
        i++;
    return i;
}

static int offer(void *context, kpu_metric_value *rows, size_t count, int64_t first, kpu_diag *diag)
{
    choice *c = context;
    const kpu_columns *columns = &c->merge->columns;
    int status = KPU_OK;
    (void)diag;
    for (size_t i = 0; !status && i < count; i++) {
        const kpu_metric_value *values = rows + i * columns->count;
        const kpu_row row = {.point = {.index = values[c->id].i,
                                       .machine = values[c->machine].i,
                                       .gemm = values[c->gemm].i},
                             .metrics = values + columns->metric_first};
        bool accepted;
        status = kpu_selection_offer(c->selection, &row, first + (int64_t)i, &accepted);
    }
    return status;
}

static int append_kept(void *context, kpu_metric_value *rows, size_t count, int64_t first,
                       kpu_diag *diag)
{
    choice *c = context;
    size_t columns = c->merge->columns.count;
    int status = KPU_OK;
    while (!status && c->next < c->count && c->kept[c->next] < first + (int64_t)count) {
        size_t at = (size_t)(c->kept[c->next++] - first);
        status = kpu_store_append(c->store, rows + at * columns, 1, diag);
    }
    return status;
}

static int write_choice(writing *w, kpu_store *store, kpu_diag *diag)
{
    choice c = {.merge = w->merge,
                .selection = kpu_selection_new(w->merge->space, w->merge->keep),
                .store = store,
                .id = column_named(w->merge, "id"),
                .machine = column_named(w->merge, "machine"),
                .gemm = column_named(w->merge, "gemm")};
    int status = c.selection ? KPU_OK : KPU_E_MEMORY;
    w->passes = 2;
    if (!status)
        status = for_each_batch(w, offer, &c, diag);
    w->pass = 1;
    if (!status)
        status = kpu_selection_list(c.selection, &c.kept, &c.count);
    kpu_selection_free(c.selection);
    if (!status)
        status = for_each_batch(w, append_kept, &c, diag);
    free(c.kept);
    return status;
}

int kpu_merge_write_rows(const kpu_merge *merge, const char *output, kpu_store *store,
                         kpu_diag *diag)
{
    char *folder = folder_of(output);
    writing w = {.merge = merge, .folder = folder, .passes = 1};
    w.rows = malloc(BATCH * merge->columns.count * sizeof *w.rows);
    int status = folder && w.rows ? KPU_OK : KPU_E_MEMORY;
    if (!status && merge->search->shards == KPU_SHARDS_OF_DRAWS)
        status = kpu_merge_check_ids(merge, diag);
    if (!status)
        status = merge->keep.kind == KPU_KEEP_ALL ? for_each_batch(&w, append, store, diag)
                                                  : write_choice(&w, store, diag);
    free(w.rows);
    free(folder);
    return status;
}
