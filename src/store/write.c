/* Rows: buffer, chunks, commits, the end. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/column.h"
#include "store/disk.h"
#include "store/read.h"
#include "store/store.h"

/* What a crash costs is at most what came since the last commit began: committing takes at most a
 * twentieth of the time, but from the begin of one to the end of the next there are at most 4.5 s
 * on a disk that can do it. */
static const double interval_s = 2, cost_factor = 20, longest_wait_s = 4.5;

int kpu_store_fail(kpu_store *store, int code, const char *doing, kpu_diag *diag)
{
    store->failed = code;
    if (code == KPU_E_IO)
        return kpu_durable_file_complain(&store->durable, doing, diag);
    kpu_place place = {.file = store->durable.output.path};
    return kpu_diag_add_at(diag, code, &place, "%s", doing);
}

int kpu_store_check(kpu_store *store, herr_t status, const char *doing, kpu_diag *diag)
{
    if (store->durable.blocks.error || status < 0)
        return kpu_store_fail(store, KPU_E_IO, doing, diag);
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

static int write_chunk(kpu_store *store, kpu_diag *diag)
{
    int code = write_buffer(store, diag);
    store->base += store->buffered;
    store->buffered = store->stored = 0;
    return code;
}

static int check_words(kpu_store *store, const kpu_metric_value *row, kpu_diag *diag)
{
    for (size_t i = 0; i < store->count; i++) {
        const kpu_column *column = &store->columns[i];
        if (column->type == KPU_COLUMN_ENUM &&
            (row[i].i < 0 || row[i].i >= (int64_t)column->word_count)) {
            kpu_place place = {.file = store->durable.output.path};
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
    store->changed = store->changed || count > 0;
    if (code == KPU_OK && kpu_durable_file_catch_up(&store->durable) != 0)
        code = kpu_store_check(store, -1, "cannot write the results", diag);
    return code;
}

int64_t kpu_store_rows(const kpu_store *store)
{
    return store->base + store->buffered;
}

int kpu_store_read(kpu_store *store, size_t column, int64_t first, int64_t count,
                   kpu_metric_value *out, kpu_diag *diag)
{
    kpu_place place = {.file = store->durable.output.partial};
    if (store->failed)
        return store->failed;
    if (column >= store->count || first < 0 || count < 0 || first > kpu_store_rows(store) - count)
        return kpu_diag_add_at(diag, KPU_E_RANGE, &place, "has no rows %lld to %lld of column %zu",
                               (long long)first, (long long)(first + count), column);
    int64_t in_file = first >= store->base          ? 0
                      : count < store->base - first ? count
                                                    : store->base - first;
    if (in_file > 0) {
        bool known = false;
        herr_t status = kpu_store_read_rows(store->datasets[column], &store->columns[column], first,
                                            in_file, out, &known);
        int code =
            kpu_store_check(store, known ? status : -1, "cannot read back the results", diag);
        if (code != KPU_OK)
            return code;
    }
    if (count > in_file)
        memcpy(out + in_file,
               store->buffer + column * KPU_STORE_STRIDE + (first + in_file - store->base),
               (size_t)(count - in_file) * sizeof *out);
    return KPU_OK;
}

/* ---- Commits ---------------------------------------------------------------------------- */

void kpu_store_set_number(kpu_store *store, const char *name, int64_t value)
{
    kpu_journal_number *number = store->durable.state.numbers;
    kpu_journal_number *end = number + KPU_STORE_NUMBERS;
    assert(strlen(name) < KPU_JOURNAL_NAME_BYTES);
    while (number < end && number->name[0] && strcmp(number->name, name) != 0)
        number++;
    assert(number < end);
    if (number == end || (number->name[0] && number->value == value))
        return;
    snprintf(number->name, sizeof number->name, "%s", name);
    number->value = value;
    store->changed = true;
}

bool kpu_store_get_number(const kpu_store *store, const char *name, int64_t *out)
{
    return kpu_journal_number_find(store->durable.state.numbers, name, out);
}

int kpu_store_set_bytes(kpu_store *store, const void *bytes, size_t count, kpu_diag *diag)
{
    kpu_durable_file *file = &store->durable;
    kpu_place place = {.file = file->output.path};
    if (count > KPU_STORE_BYTES)
        return kpu_diag_add_at(diag, KPU_E_RANGE, &place, "%zu bytes are too many", count);
    if (count == file->state.byte_count && (count == 0 || memcmp(bytes, file->bytes, count) == 0))
        return KPU_OK;
    if (!kpu_durable_file_set_bytes(file, bytes, count))
        return kpu_diag_add_at(diag, KPU_E_MEMORY, &place, "out of memory");
    store->changed = true;
    return KPU_OK;
}

const void *kpu_store_bytes(const kpu_store *store, size_t *count)
{
    *count = store->durable.state.byte_count;
    return store->durable.bytes;
}

/* All that is in memory is given to the driver. */
static int flush(kpu_store *store, kpu_diag *diag)
{
    int code = store->buffered > store->stored ? write_buffer(store, diag) : KPU_OK;
    if (code != KPU_OK)
        return code;
    store->durable.state.rows = kpu_store_rows(store);
    herr_t status = kpu_store_put_int(store->file, "rows", kpu_store_rows(store));
    if (status >= 0)
        status = H5Fflush(store->file, H5F_SCOPE_GLOBAL);
    return kpu_store_check(store, status, "cannot write the results", diag);
}

int kpu_store_commit(kpu_store *store, kpu_diag *diag)
{
    if (store->failed)
        return store->failed;
    double start = kpu_disk_seconds();
    int code = flush(store, diag);
    if (code == KPU_OK)
        code = store->failed = kpu_durable_file_commit(&store->durable, diag);
    store->changed = false;
    store->last_commit = start;
    store->commit_cost = kpu_disk_seconds() - start;
    return code;
}

int kpu_store_commit_if_due(kpu_store *store, kpu_diag *diag)
{
    double wait = cost_factor * store->commit_cost;
    if (store->failed)
        return store->failed;
    if (wait > longest_wait_s - 2 * store->commit_cost) /* the next one may take longer */
        wait = longest_wait_s - 2 * store->commit_cost;
    if (wait < interval_s)
        wait = interval_s;
    if (kpu_durable_file_catch_up(&store->durable) != 0)
        return kpu_store_check(store, -1, "cannot write the results", diag);
    double now = kpu_disk_seconds();
    if (store->changed && now - store->last_commit >= wait)
        return kpu_store_commit(store, diag);
    if (!store->changed && now - store->last_beat >= interval_s) {
        kpu_journal_beat(&store->durable.journal);
        store->last_beat = now;
    }
    return KPU_OK;
}

/* ---- The end ---------------------------------------------------------------------------- */

static herr_t close_file(kpu_store *store)
{
    herr_t status = 0;
    for (size_t i = 0; store->datasets && i < store->count; i++)
        if (store->datasets[i] >= 0 && H5Dclose(store->datasets[i]) < 0)
            status = -1;
    if (store->file >= 0 && H5Fclose(store->file) < 0)
        status = -1;
    store->file = -1;
    return status;
}

void kpu_store_free(kpu_store *store)
{
    for (size_t i = 0; store->columns && i < store->count; i++)
        kpu_store_column_fini(&store->columns[i]);
    free(store->columns);
    free(store->datasets);
    free(store->buffer);
    kpu_chunk_encoder_fini(&store->encoder);
    free(store);
}

/* Closes HDF5's file without writing: what it writes now goes to memory, which is freed. */
static void drop_file(kpu_store *store)
{
    if (!store->durable.blocks.error)
        store->durable.blocks.error = ECANCELED;
    (void)close_file(store);
}

/* To go on with; without a commit nothing of it can be read. */
static void leave_file(kpu_store *store)
{
    if (store->durable.state.generation > 0)
        kpu_durable_file_close(&store->durable);
    else
        kpu_durable_file_discard(&store->durable);
}

static int finish(kpu_store *store, bool complete, kpu_diag *diag)
{
    int code = store->failed;
    if (code == KPU_OK && complete)
        code = kpu_store_check(store, kpu_store_put_int(store->file, "complete", 1),
                               "cannot write the results", diag);
    if (code == KPU_OK)
        code = flush(store, diag);
    if (code != KPU_OK) {
        kpu_store_suspend(store, NULL);
        return code;
    }
    code = kpu_store_check(store, close_file(store), "cannot write the results", diag);
    if (code == KPU_OK)
        code = kpu_durable_file_finish(&store->durable, diag);
    else
        leave_file(store);
    kpu_store_free(store);
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

int kpu_store_suspend(kpu_store *store, kpu_diag *diag)
{
    int code = store->failed ? KPU_OK : kpu_store_commit(store, diag);
    drop_file(store);
    leave_file(store);
    kpu_store_free(store);
    return code;
}

void kpu_store_abandon(kpu_store *store)
{
    if (!store)
        return;
    drop_file(store);
    kpu_durable_file_discard(&store->durable);
    kpu_store_free(store);
}
