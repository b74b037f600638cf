#include "tools/merge_spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of all batches together: beyond the first they go to a file, beyond the second they get
 * smaller. */
static const size_t memory_bytes = (size_t)64 << 20, spool_bytes = (size_t)8 << 30;

static size_t tile_values(const kpu_spool *spool)
{
    return spool->columns * KPU_SPOOL_TILE;
}

static int complain(const kpu_spool *spool, int error, kpu_diag *diag)
{
    const kpu_place place = {.file = spool->folder};
    return kpu_diag_add_at(diag, KPU_E_IO, &place,
                           "rows of many parts cannot be put aside in this folder: %s",
                           strerror(error));
}

/* A file that is gone when we are. */
static int open_file(kpu_spool *spool, kpu_diag *diag)
{
    char *name = NULL;
    if (asprintf(&name, "%s/.kpu-merge-XXXXXX", spool->folder) < 0)
        return KPU_E_MEMORY;
    spool->fd = mkstemp(name);
    int error = errno;
    if (spool->fd >= 0)
        unlink(name);
    free(name);
    return spool->fd >= 0 ? KPU_OK : complain(spool, error, diag);
}

int kpu_spool_init(kpu_spool *spool, size_t count, size_t columns, const char *folder,
                   kpu_diag *diag)
{
    *spool = (kpu_spool){.columns = columns, .tiles = KPU_SPOOL_BATCH_MAX, .fd = -1};
    size_t tile_bytes = columns * KPU_SPOOL_TILE * sizeof *spool->memory;
    size_t batch_bytes = spool->tiles * tile_bytes;
    bool in_memory = count <= memory_bytes / batch_bytes;
    while (spool->tiles > 1 && count > spool_bytes / batch_bytes) {
        spool->tiles /= 2;
        batch_bytes = spool->tiles * tile_bytes;
    }
    spool->folder = strdup(folder);
    spool->files = calloc(count + 1, sizeof *spool->files);
    spool->column = malloc(spool->tiles * KPU_SPOOL_TILE * sizeof *spool->column);
    spool->batch = calloc(1, batch_bytes);
    if (in_memory)
        spool->memory = malloc(count * batch_bytes + 1);
    if (!spool->folder || !spool->files || !spool->column || !spool->batch ||
        (in_memory && !spool->memory))
        return KPU_E_MEMORY;
    spool->count = count;
    for (size_t i = 0; !in_memory && i < count; i++) {
        spool->files[i].copy = malloc(tile_bytes);
        if (!spool->files[i].copy)
            return KPU_E_MEMORY;
    }
    return in_memory ? KPU_OK : open_file(spool, diag);
}

void kpu_spool_fini(kpu_spool *spool)
{
    for (size_t i = 0; i < spool->count; i++)
        free(spool->files[i].copy);
    if (spool->fd >= 0)
        close(spool->fd);
    free(spool->files);
    free(spool->memory);
    free(spool->column);
    free(spool->batch);
    free(spool->folder);
    *spool = (kpu_spool){.fd = -1};
}

/* ---- What waits -------------------------------------------------------------------------- */

/* All of it, or why not. */
static int transfer(const kpu_spool *spool, bool out, void *data, size_t bytes, off_t offset)
{
    char *at = data;
    while (bytes > 0) {
        ssize_t done =
            out ? pwrite(spool->fd, at, bytes, offset) : pread(spool->fd, at, bytes, offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? errno : EIO;
        at += done;
        offset += done;
        bytes -= (size_t)done;
    }
    return 0;
}

/* In values, of the batch's tile number `tile`. */
static size_t place_of(const kpu_spool *spool, const kpu_spool_file *file, size_t tile)
{
    return ((size_t)(file - spool->files) * spool->tiles + tile) * tile_values(spool);
}

static int put_batch(kpu_spool *spool, const kpu_spool_file *file, size_t tiles, kpu_diag *diag)
{
    size_t bytes = tiles * tile_values(spool) * sizeof *spool->batch;
    size_t place = place_of(spool, file, 0);
    if (spool->memory) {
        memcpy(spool->memory + place, spool->batch, bytes);
        return KPU_OK;
    }
    int error = transfer(spool, true, spool->batch, bytes, (off_t)(place * sizeof *spool->batch));
    return error ? complain(spool, error, diag) : KPU_OK;
}

static int get_tile(kpu_spool *spool, kpu_spool_file *file, size_t tile, kpu_diag *diag)
{
    size_t place = place_of(spool, file, tile);
    if (spool->memory) {
        file->tile = spool->memory + place;
        return KPU_OK;
    }
    int error = transfer(spool, false, file->copy, tile_values(spool) * sizeof *file->copy,
                         (off_t)(place * sizeof *file->copy));
    file->tile = file->copy;
    return error ? complain(spool, error, diag) : KPU_OK;
}

/* ---- What comes -------------------------------------------------------------------------- */

static int read_columns(kpu_spool *spool, const kpu_spool_file *file, int64_t count,
                        kpu_results *results, kpu_diag *diag)
{
    for (size_t c = 0; c < spool->columns; c++) {
        int status = kpu_results_read(results, c, file->end, count, spool->column, diag);
        if (status)
            return status;
        for (int64_t row = 0; row < count; row += KPU_SPOOL_TILE) {
            int64_t left = count - row < KPU_SPOOL_TILE ? count - row : KPU_SPOOL_TILE;
            memcpy(spool->batch + (size_t)row * spool->columns + c * KPU_SPOOL_TILE,
                   spool->column + row, (size_t)left * sizeof *spool->column);
        }
    }
    return KPU_OK;
}

static int read_batch(kpu_spool *spool, kpu_spool_file *file, kpu_diag *diag)
{
    const kpu_place place = {.file = file->path};
    int64_t most = (int64_t)spool->tiles * KPU_SPOOL_TILE, left = file->rows - file->end;
    int64_t count = left < most ? left : most;
    kpu_results *results = NULL;
    int status = kpu_results_open(file->path, &results, diag);
    if (!status && (kpu_results_rows(results) < file->rows || /* more: a run goes on with it */
                    kpu_results_column_count(results) != spool->columns))
        status = kpu_diag_add_at(diag, KPU_E_INPUT, &place, "has changed while it was merged");
    if (!status)
        status = read_columns(spool, file, count, results, diag);
    kpu_results_close(results);
    if (!status)
        status =
            put_batch(spool, file, (size_t)(count + KPU_SPOOL_TILE - 1) / KPU_SPOOL_TILE, diag);
    if (!status)
        file->end += count;
    return status;
}

int kpu_spool_advance(kpu_spool *spool, kpu_spool_file *file, kpu_diag *diag)
{
    file->next += file->tile ? KPU_SPOOL_TILE : 0;
    int64_t batch = (int64_t)spool->tiles * KPU_SPOOL_TILE;
    int status = file->next >= file->end ? read_batch(spool, file, diag) : KPU_OK;
    return status ? status
                  : get_tile(spool, file, (size_t)(file->next % batch) / KPU_SPOOL_TILE, diag);
}
