/* A small writer of rows by one of several mechanisms, to be killed: see mechanisms.py.
 *
 *     kpu-mechanisms write MECHANISM FILE COLUMNS ROWS EVERY
 *     kpu-mechanisms read FILE
 *
 * write: hands over ROWS rows, and asks the mechanism after each EVERY of them to make them safe;
 * says in FILE.promises how many are, as far as it knows. read: opens FILE as kpu-dse does;
 * prints the number of rows, and of wrong values. Value of row r, column c: 1000003 r + 7 c + 1. */
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kpu/store.h"

enum { CHUNK = 512, NAME = 24 };

typedef struct writer {
    const char *path;
    int64_t columns, rows, every;
    char (*names)[NAME];
    hid_t file, *data; /* plain HDF5 */
    kpu_store *store;  /* ours */
    int64_t *values;   /* of one column, `every` rows */
    kpu_metric_value *cells;
} writer;

typedef struct mechanism {
    const char *name;
    bool (*create)(writer *w, const struct mechanism *how);
    bool (*append)(writer *w, int64_t first);
    bool (*keep)(writer *w, const struct mechanism *how);
    bool (*finish)(writer *w);
    bool flushes, syncs, is_swmr;
} mechanism;

static int64_t value_of(int64_t row, int64_t column)
{
    return 1000003 * row + 7 * column + 1;
}

/* ---- Plain HDF5 ---------------------------------------------------------------------------- */

static hid_t create_column(const writer *w, int64_t c)
{
    hsize_t none = 0, no_end = H5S_UNLIMITED, chunk = CHUNK;
    hid_t space = H5Screate_simple(1, &none, &no_end), how = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(how, 1, &chunk);
    H5Pset_shuffle(how);
    H5Pset_deflate(how, 1);
    H5Pset_fletcher32(how);
    hid_t data =
        H5Dcreate2(w->file, w->names[c], H5T_STD_I64LE, space, H5P_DEFAULT, how, H5P_DEFAULT);
    H5Pclose(how);
    H5Sclose(space);
    return data;
}

static bool create_plain(writer *w, const mechanism *how)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (how->is_swmr)
        H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    w->file = H5Fcreate(w->path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    w->data = calloc((size_t)w->columns, sizeof *w->data);
    bool ok = w->file >= 0 && w->data;
    for (int64_t c = 0; ok && c < w->columns; c++)
        ok = (w->data[c] = create_column(w, c)) >= 0;
    return ok && (!how->is_swmr || H5Fstart_swmr_write(w->file) >= 0);
}

static bool append_plain(writer *w, int64_t first)
{
    hsize_t start = (hsize_t)first, count = (hsize_t)w->every, size = start + count;
    hid_t memory = H5Screate_simple(1, &count, NULL);
    bool ok = true;
    for (int64_t c = 0; ok && c < w->columns; c++) {
        for (int64_t r = 0; r < w->every; r++)
            w->values[r] = value_of(first + r, c);
        ok = H5Dset_extent(w->data[c], &size) >= 0;
        hid_t space = H5Dget_space(w->data[c]);
        H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL);
        ok = ok &&
             H5Dwrite(w->data[c], H5T_NATIVE_INT64, memory, space, H5P_DEFAULT, w->values) >= 0;
        H5Sclose(space);
    }
    H5Sclose(memory);
    return ok;
}

static bool keep_plain(writer *w, const mechanism *how)
{
    if (how->flushes && H5Fflush(w->file, H5F_SCOPE_GLOBAL) < 0)
        return false;
    int fd = how->syncs ? open(w->path, O_RDONLY) : -1;
    bool ok = !how->syncs || (fd >= 0 && fsync(fd) == 0);
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool finish_plain(writer *w)
{
    for (int64_t c = 0; c < w->columns; c++)
        H5Dclose(w->data[c]);
    free(w->data);
    return H5Fclose(w->file) >= 0;
}

/* ---- Ours ---------------------------------------------------------------------------------- */

static bool create_store(writer *w, const mechanism *how)
{
    (void)how;
    kpu_diag diag = {0};
    kpu_column *columns = calloc((size_t)w->columns, sizeof *columns);
    w->cells = calloc((size_t)(w->columns * w->every), sizeof *w->cells);
    for (int64_t c = 0; columns && c < w->columns; c++)
        columns[c] = (kpu_column){.group = c == 0 ? "candidates" : "metrics",
                                  .name = w->names[c],
                                  .unit = "1",
                                  .description = "a number",
                                  .type = KPU_COLUMN_INT64};
    bool ok =
        columns && w->cells &&
        kpu_store_create(w->path, false, columns, (size_t)w->columns, &w->store, &diag) == KPU_OK;
    free(columns);
    kpu_diag_fini(&diag);
    return ok;
}

static bool append_store(writer *w, int64_t first)
{
    kpu_diag diag = {0};
    for (int64_t r = 0; r < w->every; r++)
        for (int64_t c = 0; c < w->columns; c++)
            w->cells[r * w->columns + c].i = value_of(first + r, c);
    bool ok = kpu_store_append(w->store, w->cells, (size_t)w->every, &diag) == KPU_OK;
    kpu_diag_fini(&diag);
    return ok;
}

static bool keep_store(writer *w, const mechanism *how)
{
    (void)how;
    kpu_diag diag = {0};
    bool ok = kpu_store_commit(w->store, &diag) == KPU_OK;
    kpu_diag_fini(&diag);
    return ok;
}

static bool finish_store(writer *w)
{
    kpu_diag diag = {0};
    bool ok = kpu_store_finish(w->store, &diag) == KPU_OK;
    kpu_diag_fini(&diag);
    free(w->cells);
    return ok;
}

#define PLAIN create_plain, append_plain, keep_plain, finish_plain
static const mechanism mechanisms[] = {
    {"none", PLAIN, false, false, false},
    {"flush", PLAIN, true, false, false},
    {"flush-fsync", PLAIN, true, true, false},
    {"swmr", PLAIN, true, false, true},
    {"swmr-fsync", PLAIN, true, true, true},
    {"journal", create_store, append_store, keep_store, finish_store, true, true, false},
};

/* ---- The whole ----------------------------------------------------------------------------- */

static bool say(int promises, int64_t rows)
{
    char line[32];
    int n = snprintf(line, sizeof line, "%lld\n", (long long)rows);
    return write(promises, line, (size_t)n) == n;
}

static int open_promises(const char *path)
{
    char name[4096];
    snprintf(name, sizeof name, "%s.promises", path);
    return open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
}

static bool write_rows(writer *w, const mechanism *how)
{
    int promises = open_promises(w->path);
    bool ok = promises >= 0 && how->create(w, how);
    for (int64_t row = 0; ok && row < w->rows; row += w->every) {
        ok = how->append(w, row) && how->keep(w, how) && say(promises, row + w->every);
        nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
    }
    ok = ok && how->finish(w);
    if (promises >= 0)
        close(promises);
    return ok;
}

static int write_file(char **argument)
{
    writer w = {.path = argument[1],
                .columns = strtoll(argument[2], NULL, 10),
                .rows = strtoll(argument[3], NULL, 10),
                .every = strtoll(argument[4], NULL, 10)};
    w.names = calloc((size_t)w.columns, sizeof *w.names);
    w.values = calloc((size_t)w.every, sizeof *w.values);
    for (int64_t c = 0; w.names && c < w.columns; c++)
        snprintf(w.names[c], NAME, "c%lld", (long long)c);
    bool ok = false;
    for (size_t m = 0; w.names && w.values && m < sizeof mechanisms / sizeof *mechanisms; m++)
        if (strcmp(mechanisms[m].name, argument[0]) == 0)
            ok = write_rows(&w, &mechanisms[m]);
    free(w.names);
    free(w.values);
    return ok ? 0 : 1;
}

static int64_t count_wrong(kpu_results *results, int64_t rows, kpu_metric_value *values)
{
    kpu_diag diag = {0};
    int64_t wrong = 0;
    for (size_t c = 0; c < kpu_results_column_count(results); c++) {
        bool read = kpu_results_read(results, c, 0, rows, values, &diag) == KPU_OK;
        for (int64_t r = 0; r < rows; r++)
            wrong += !read || values[r].i != value_of(r, (int64_t)c);
    }
    kpu_diag_fini(&diag);
    return wrong;
}

static int read_file(const char *path)
{
    kpu_diag diag = {0};
    kpu_results *results = NULL;
    if (kpu_results_open(path, &results, &diag) != KPU_OK) {
        char *said = kpu_diag_render(&diag);
        fputs(said ? said : "out of memory", stderr);
        free(said);
        kpu_diag_fini(&diag);
        return 1;
    }
    int64_t rows = kpu_results_rows(results);
    kpu_metric_value *values = calloc((size_t)rows + 1, sizeof *values);
    if (values)
        printf("%lld %lld\n", (long long)rows, (long long)count_wrong(results, rows, values));
    kpu_results_close(results);
    free(values);
    kpu_diag_fini(&diag);
    return values ? 0 : 1;
}

int main(int count, char **argument)
{
    if (count == 7 && strcmp(argument[1], "write") == 0)
        return write_file(argument + 2);
    if (count == 3 && strcmp(argument[1], "read") == 0)
        return read_file(argument[2]);
    fputs("usage: see mechanisms.c\n", stderr);
    return 2;
}
