/* Making a store, and going on with one. */
#include <stdlib.h>
#include <string.h>

#include "store/column.h"
#include "store/disk.h"
#include "store/read.h"
#include "store/store.h"

const char *const kpu_store_row_groups[] = {"candidates", "metrics"};

static int check_columns(const char *path, const kpu_column *columns, size_t count, kpu_diag *diag)
{
    kpu_place place = {.file = path};
    for (size_t i = 0; i < count; i++) {
        const kpu_column *c = &columns[i];
        bool known = false;
        for (size_t g = 0; g < KPU_STORE_ROW_GROUPS; g++)
            known = known || strcmp(c->group, kpu_store_row_groups[g]) == 0;
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

/* Chunks are written past HDF5's cache, and read one after the other. */
static herr_t bound_caches(const kpu_store *store, hid_t access)
{
    const size_t slots = 3, bytes = KPU_STORE_CHUNK_ROWS * sizeof(kpu_metric_value);
    const double evict_read_first = 1;
    if (kpu_store_bound_metadata(access, store->count) < 0)
        return -1;
    return H5Pset_cache(access, 0, slots, bytes, evict_read_first);
}

static hid_t open_file(kpu_store *store, bool is_new)
{
    const char *name = store->durable.output.partial;
    hid_t access = kpu_block_file_access(&store->durable.blocks), file = -1;
    if (access < 0)
        return -1;
    if (bound_caches(store, access) >= 0)
        file = is_new ? H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, access)
                      : H5Fopen(name, H5F_ACC_RDWR, access);
    H5Pclose(access);
    return file;
}

static herr_t create_contents(kpu_store *store)
{
    store->file = open_file(store, true);
    if (store->file < 0 || create_groups(store->file) < 0 || write_root_attributes(store->file) < 0)
        return -1;
    return create_datasets(store);
}

/* A store without a file. */
static int make_store(const char *path, const kpu_column *columns, size_t count, kpu_store **out,
                      kpu_diag *diag)
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
    if (!copy_columns(store, columns, count)) {
        kpu_store_free(store);
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    }
    store->last_commit = kpu_disk_seconds();
    *out = store;
    return KPU_OK;
}

int kpu_store_create(const char *path, bool force, const kpu_column *columns, size_t count,
                     kpu_store **out, kpu_diag *diag)
{
    kpu_store *store;
    *out = NULL;
    int code = make_store(path, columns, count, &store, diag);
    if (code != KPU_OK)
        return code;
    code = kpu_durable_file_create(path, force, &store->durable, diag);
    if (code != KPU_OK) {
        kpu_store_free(store);
        return code;
    }
    code = kpu_store_check(store, create_contents(store), "cannot create the results file", diag);
    if (code != KPU_OK) {
        kpu_store_abandon(store);
        return code;
    }
    store->changed = true;
    *out = store;
    return KPU_OK;
}

/* ---- Going on --------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_column(const kpu_column *a, const kpu_column *b)
{
    bool same = a->type == b->type && a->sense == b->sense && same_text(a->unit, b->unit) &&
                same_text(a->description, b->description) && a->word_count == b->word_count;
    for (size_t i = 0; same && i < a->word_count; i++)
        same = strcmp(a->words[i], b->words[i]) == 0;
    return same;
}

/* Opens the dataset of a column, if it is what it has to be. */
static int open_column(kpu_store *store, size_t index, int64_t rows, kpu_diag *diag)
{
    const kpu_column *column = &store->columns[index];
    kpu_place place = {.file = store->durable.output.partial};
    const char *why = "is damaged";
    int64_t length = -1;
    kpu_column found = {0};
    hid_t group = H5Gopen2(store->file, column->group, H5P_DEFAULT);
    if (group >= 0) {
        store->datasets[index] = kpu_store_open_dataset(group, column->name, 1, &length, &why);
        H5Gclose(group);
    }
    hid_t dataset = store->datasets[index];
    int code = dataset < 0
                   ? KPU_E_INPUT
                   : kpu_store_column_load(dataset, column->group, column->name, &found, &why);
    if (code == KPU_OK && (!same_column(column, &found) || length != rows)) {
        why = length != rows ? "has not as many rows as the others" : "is not what it is now";
        code = KPU_E_INPUT;
    }
    kpu_store_column_fini(&found);
    if (code == KPU_OK)
        return KPU_OK;
    return kpu_diag_add_at(diag, code, &place, "cannot be gone on with: column '%s/%s' %s",
                           column->group, column->name, why);
}

static int64_t count_columns(const kpu_store *store)
{
    int64_t count = 0;
    for (size_t g = 0; g < KPU_STORE_ROW_GROUPS; g++) {
        H5G_info_t info;
        hid_t group = H5Gopen2(store->file, kpu_store_row_groups[g], H5P_DEFAULT);
        if (group >= 0 && H5Gget_info(group, &info) >= 0)
            count += (int64_t)info.nlinks;
        if (group >= 0)
            H5Gclose(group);
    }
    return count;
}

/* The rows that do not fill a chunk, back into the buffer. */
static int load_tail(kpu_store *store, int64_t rows, kpu_diag *diag)
{
    int64_t tail = rows % KPU_STORE_CHUNK_ROWS;
    int code = KPU_OK;
    store->base = rows; /* until all of it is there, rows come from the file */
    for (size_t i = 0; code == KPU_OK && tail > 0 && i < store->count; i++)
        code =
            kpu_store_read(store, i, rows - tail, tail, store->buffer + i * KPU_STORE_STRIDE, diag);
    store->base = rows - tail;
    store->buffered = store->stored = tail;
    return code;
}

static int load_contents(kpu_store *store, kpu_diag *diag)
{
    kpu_place place = {.file = store->durable.output.partial};
    int64_t rows = store->durable.state.rows, stated = -1;
    store->file = open_file(store, false);
    if (store->file < 0)
        return kpu_durable_file_complain(&store->durable, "cannot be gone on with", diag);
    if (!kpu_store_get_int(store->file, "rows", &stated) || stated != rows)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "cannot be gone on with: it has %lld rows, its journal %lld",
                               (long long)stated, (long long)rows);
    int64_t columns = count_columns(store);
    if (columns != (int64_t)store->count)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "cannot be gone on with: it has %lld columns, this run %zu",
                               (long long)columns, store->count);
    int code = KPU_OK;
    for (size_t i = 0; code == KPU_OK && i < store->count; i++)
        code = open_column(store, i, rows, diag);
    if (code == KPU_OK)
        code = load_tail(store, rows, diag);
    if (code == KPU_OK)
        code = kpu_store_check(store, kpu_store_put_int(store->file, "complete", 0),
                               "cannot write the results", diag);
    return code;
}

int kpu_store_resume(const char *path, const kpu_column *columns, size_t count, kpu_store **out,
                     kpu_diag *diag)
{
    kpu_store *store;
    *out = NULL;
    int code = make_store(path, columns, count, &store, diag);
    if (code != KPU_OK)
        return code;
    code = kpu_durable_file_resume(path, &store->durable, diag);
    if (code != KPU_OK) {
        kpu_store_free(store);
        return code;
    }
    code = load_contents(store, diag);
    if (code != KPU_OK) {
        store->failed = code;
        kpu_store_suspend(store, NULL);
        return code;
    }
    *out = store;
    return KPU_OK;
}
