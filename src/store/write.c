/* Writing rows: buffer, chunks, flushes, the end. */
#include <stdlib.h>
#include <string.h>

#include "store/column.h"
#include "store/store.h"

/* A killed run loses at most what the last seconds brought; flushing takes at most a twentieth of
 * the time. */
static const double flush_interval_s = 2.0, flush_cost_factor = 20.0;

static const char *const row_groups[] = {"candidates", "metrics"};
enum { ROW_GROUPS = sizeof row_groups / sizeof *row_groups };

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int kpu_store_fail(kpu_store *store, int code, const char *doing, kpu_diag *diag)
{
    store->failed = code;
    if (code == KPU_E_IO)
        return kpu_output_file_complain(&store->output, doing, diag);
    kpu_place place = {.file = store->output.path};
    return kpu_diag_add_at(diag, code, &place, "%s", doing);
}

int kpu_store_check(kpu_store *store, herr_t status, const char *doing, kpu_diag *diag)
{
    if (store->output.error || status < 0)
        return kpu_store_fail(store, KPU_E_IO, doing, diag);
    return KPU_OK;
}

/* ---- Creation --------------------------------------------------------------------------- */

static int check_columns(const char *path, const kpu_column *columns, size_t count, kpu_diag *diag)
{
    kpu_place place = {.file = path};
    for (size_t i = 0; i < count; i++) {
        const kpu_column *c = &columns[i];
        bool known = false;
        for (size_t g = 0; g < ROW_GROUPS; g++)
            known = known || strcmp(c->group, row_groups[g]) == 0;
        bool enumerated = c->type == KPU_COLUMN_ENUM;
        if (!known || !c->name[0] || strchr(c->name, '/') || c->type == KPU_COLUMN_STRING ||
            (enumerated && (c->word_count < 1 || c->word_count > KPU_STORE_WORDS_MAX)))
            return kpu_diag_add_at(diag, KPU_E_INTERNAL, &place,
                                   "'%s/%s' cannot be a column of rows", c->group, c->name);
        for (size_t j = 0; j < i; j++)
            if (strcmp(c->name, columns[j].name) == 0)
                return kpu_diag_add_at(diag, KPU_E_INTERNAL, &place, "two columns are named '%s'",
                                       c->name);
    }
    return KPU_OK;
}

static bool copy_columns(kpu_store *store, const kpu_column *columns, size_t count)
{
    size_t slots = count ? count : 1;
    store->columns = calloc(slots, sizeof *store->columns);
    store->datasets = calloc(slots, sizeof *store->datasets);
    store->buffer = calloc(slots * KPU_STORE_STRIDE, sizeof *store->buffer);
    if (!store->columns || !store->datasets || !store->buffer ||
        !kpu_chunk_encoder_init(&store->encoder, KPU_STORE_CHUNK_ROWS * sizeof *store->buffer))
        return false;
    for (; store->count < count; store->count++) {
        store->datasets[store->count] = -1;
        if (!kpu_store_column_copy(&columns[store->count], &store->columns[store->count]))
            return false;
    }
    return true;
}

static herr_t create_groups(hid_t file)
{
    static const char *const names[] = {"candidates", "metrics", "workloads", "machines",
                                        "provenance"};
    hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
    herr_t status =
        H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    for (size_t i = 0; status >= 0 && i < sizeof names / sizeof *names; i++) {
        hid_t group = H5Gcreate2(file, names[i], H5P_DEFAULT, creation, H5P_DEFAULT);
        status = group < 0 ? -1 : H5Gclose(group);
    }
    H5Pclose(creation);
    return status;
}

static herr_t write_root_attributes(hid_t file)
{
    if (kpu_store_put_text(file, "format", KPU_STORE_FORMAT) < 0 ||
        kpu_store_put_int(file, "format_version", KPU_STORE_FORMAT_VERSION) < 0 ||
        kpu_store_put_text(file, "library_version", KPU_VERSION) < 0 ||
        kpu_store_put_int(file, "rows", 0) < 0)
        return -1;
    return kpu_store_put_int(file, "complete", 0);
}

static herr_t create_datasets(kpu_store *store)
{
    hsize_t none = 0, unlimited = H5S_UNLIMITED;
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    hid_t space = H5Screate_simple(1, &none, &unlimited);
    herr_t status = kpu_chunk_set_filters(creation, KPU_STORE_CHUNK_ROWS);
    for (size_t i = 0; status >= 0 && i < store->count; i++) {
        const kpu_column *column = &store->columns[i];
        hid_t type = kpu_store_column_type(column, 0);
        hid_t group = H5Gopen2(store->file, column->group, H5P_DEFAULT);
        store->datasets[i] = kpu_store_column_create(group, column, type, space, creation);
        status = store->datasets[i] < 0 ? -1 : 0;
        H5Tclose(type);
        H5Gclose(group);
    }
    H5Sclose(space);
    H5Pclose(creation);
    return status;
}

static herr_t create_contents(kpu_store *store)
{
    hid_t access = kpu_output_file_access(&store->output);
    if (access < 0)
        return -1;
    store->file = H5Fcreate(store->output.partial, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    if (store->file < 0 || create_groups(store->file) < 0 ||
        write_root_attributes(store->file) < 0 || create_datasets(store) < 0)
        return -1;
    return H5Fflush(store->file, H5F_SCOPE_GLOBAL);
}

int kpu_store_create(const char *path, bool force, const kpu_column *columns, size_t count,
                     kpu_store **out, kpu_diag *diag)
{
    *out = NULL;
    kpu_store_silence_hdf5();
    int code = check_columns(path, columns, count, diag);
    if (code != KPU_OK)
        return code;
    kpu_store *store = calloc(1, sizeof *store);
    if (!store)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    store->file = -1;
    code = kpu_output_file_create(path, "results", force, &store->output, diag);
    if (code == KPU_OK && !copy_columns(store, columns, count))
        code = kpu_store_fail(store, KPU_E_MEMORY, "out of memory", diag);
    if (code == KPU_OK)
        code =
            kpu_store_check(store, create_contents(store), "cannot create the results file", diag);
    if (code != KPU_OK) {
        kpu_store_abandon(store);
        return code;
    }
    store->last_flush = seconds();
    *out = store;
    return KPU_OK;
}

/* ---- Rows ------------------------------------------------------------------------------- */

/* An enumeration's indices, packed to bytes at the front of its own buffer: value by value from
 * the left, so nothing is overwritten before it is read. Undone by unpack(). */
static void *pack(kpu_metric_value *values, int64_t count)
{
    signed char *bytes = (signed char *)values;
    for (int64_t i = 0; i < count; i++) {
        int64_t value = values[i].i;
        bytes[i] = (signed char)value;
    }
    return bytes;
}

static void unpack(kpu_metric_value *values, int64_t count)
{
    const signed char *bytes = (const signed char *)values;
    for (int64_t i = count - 1; i >= 0; i--) {
        signed char value = bytes[i];
        values[i].i = value;
    }
}

/* What is buffered of a column to its chunk in the file. The rows that are yet to come are zeros,
 * so that equal results are equal bytes. */
static herr_t write_column(kpu_store *store, size_t column)
{
    kpu_metric_value *values = store->buffer + column * KPU_STORE_STRIDE;
    hid_t dataset = store->datasets[column];
    hsize_t extent = (hsize_t)(store->base + store->buffered);
    if (H5Dset_extent(dataset, &extent) < 0)
        return -1;
    memset(values + store->buffered, 0,
           (size_t)(KPU_STORE_CHUNK_ROWS - store->buffered) * sizeof *values);
    if (store->columns[column].type != KPU_COLUMN_ENUM)
        return kpu_chunk_write(&store->encoder, dataset, (hsize_t)store->base, KPU_STORE_CHUNK_ROWS,
                               sizeof *values, values);
    const void *bytes = pack(values, KPU_STORE_CHUNK_ROWS);
    herr_t status = kpu_chunk_write(&store->encoder, dataset, (hsize_t)store->base,
                                    KPU_STORE_CHUNK_ROWS, 1, bytes);
    unpack(values, KPU_STORE_CHUNK_ROWS);
    return status;
}

/* What is buffered, of every column, to its place in the file. */
static int write_buffer(kpu_store *store, kpu_diag *diag)
{
    int code = KPU_OK;
    for (size_t i = 0; code == KPU_OK && i < store->count; i++)
        code = kpu_store_check(store, write_column(store, i), "cannot write the results", diag);
    store->stored = store->buffered;
    return code;
}

static int flush(kpu_store *store, kpu_diag *diag)
{
    herr_t status = kpu_store_put_int(store->file, "rows", store->base + store->stored);
    if (status >= 0)
        status = H5Fflush(store->file, H5F_SCOPE_GLOBAL);
    return kpu_store_check(store, status, "cannot write the results", diag);
}

static int write_chunk(kpu_store *store, kpu_diag *diag)
{
    /* A chunk that was flushed half full moves when it grows, and its old place is used again:
     * the file on disk must not point there any longer. */
    bool moved = store->stored > 0;
    int code = write_buffer(store, diag);
    store->base += store->buffered;
    store->buffered = store->stored = 0;
    return code == KPU_OK && moved ? flush(store, diag) : code;
}

static int flush_if_due(kpu_store *store, kpu_diag *diag)
{
    double start = seconds(), waited = start - store->last_flush;
    if (waited < flush_interval_s || waited < flush_cost_factor * store->flush_cost)
        return KPU_OK;
    int code = store->buffered > store->stored ? write_buffer(store, diag) : KPU_OK;
    if (code == KPU_OK)
        code = flush(store, diag);
    store->last_flush = seconds();
    store->flush_cost = store->last_flush - start;
    return code;
}

static int check_words(kpu_store *store, const kpu_metric_value *row, kpu_diag *diag)
{
    for (size_t i = 0; i < store->count; i++) {
        const kpu_column *column = &store->columns[i];
        if (column->type == KPU_COLUMN_ENUM &&
            (row[i].i < 0 || row[i].i >= (int64_t)column->word_count)) {
            kpu_place place = {.file = store->output.path};
            store->failed = KPU_E_INTERNAL;
            return kpu_diag_add_at(diag, KPU_E_INTERNAL, &place,
                                   "value %lld of column '%s' has no word", (long long)row[i].i,
                                   column->name);
        }
    }
    return KPU_OK;
}

int kpu_store_append(kpu_store *store, const kpu_metric_value *rows, size_t count, kpu_diag *diag)
{
    if (store->failed)
        return store->failed;
    int code = KPU_OK;
    for (size_t r = 0; code == KPU_OK && r < count; r++) {
        const kpu_metric_value *row = rows + r * store->count;
        code = check_words(store, row, diag);
        for (size_t i = 0; code == KPU_OK && i < store->count; i++)
            store->buffer[i * KPU_STORE_STRIDE + (size_t)store->buffered] = row[i];
        if (code == KPU_OK && ++store->buffered == KPU_STORE_CHUNK_ROWS)
            code = write_chunk(store, diag);
    }
    return code == KPU_OK ? flush_if_due(store, diag) : code;
}

/* ---- The end ---------------------------------------------------------------------------- */

static void close_file(kpu_store *store)
{
    for (size_t i = 0; store->datasets && i < store->count; i++)
        if (store->datasets[i] >= 0)
            H5Dclose(store->datasets[i]);
    if (store->file >= 0)
        H5Fclose(store->file);
    store->file = -1;
}

static void store_free(kpu_store *store)
{
    for (size_t i = 0; store->columns && i < store->count; i++)
        kpu_store_column_fini(&store->columns[i]);
    free(store->columns);
    free(store->datasets);
    free(store->buffer);
    kpu_chunk_encoder_fini(&store->encoder);
    free(store);
}

static int finish(kpu_store *store, bool complete, kpu_diag *diag)
{
    int code = store->failed;
    if (code == KPU_OK && store->buffered > store->stored)
        code = write_buffer(store, diag);
    if (code == KPU_OK && complete)
        code = kpu_store_check(store, kpu_store_put_int(store->file, "complete", 1),
                               "cannot write the results", diag);
    if (code == KPU_OK)
        code = flush(store, diag);
    if (code != KPU_OK) {
        kpu_store_abandon(store);
        return code;
    }
    close_file(store);
    code = kpu_output_file_commit(&store->output, diag);
    store_free(store);
    return code;
}

int kpu_store_finish(kpu_store *store, kpu_diag *diag)
{
    return finish(store, true, diag);
}

int kpu_store_finish_incomplete(kpu_store *store, kpu_diag *diag)
{
    return finish(store, false, diag);
}

int kpu_store_finish_as(kpu_store *store, const char *path, kpu_diag *diag)
{
    char *copy = strdup(path);
    if (!copy) {
        kpu_store_abandon(store);
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    }
    free(store->output.path);
    store->output.path = copy;
    store->output.force = false;
    return finish(store, false, diag);
}

void kpu_store_abandon(kpu_store *store)
{
    if (!store)
        return;
    if (!store->output.error)
        store->output.error = -1; /* the driver need not write what is removed at once */
    close_file(store);
    kpu_output_file_discard(&store->output);
    store_free(store);
}
