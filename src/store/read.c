/* Opening a results file and reading its rows. A file may come from anywhere: nothing in it is
 * believed before it is checked. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/column.h"
#include "store/disk.h"
#include "store/guard.h"
#include "store/read.h"
#include "store/store.h"
#include "store/virtual.h"

enum { COLUMNS_MAX = 4096, USUAL_COLUMNS = 160 };

static int complain(const char *path, const char *text, kpu_diag *diag)
{
    kpu_place place = {.file = path};
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "%s", text);
}

/* ---- Datasets --------------------------------------------------------------------------- */

/* A dataset can be spread over other files, of any name. Ours are not, but for views. */
static bool is_stored_well(hid_t dataset, bool or_view, const char **why)
{
    hid_t creation = H5Dget_create_plist(dataset);
    *why = "is damaged";
    if (creation < 0)
        return false;
    *why = "has its data in another file";
    H5D_layout_t layout = H5Pget_layout(creation);
    bool good = (layout == H5D_CHUNKED || layout == H5D_CONTIGUOUS || layout == H5D_COMPACT ||
                 (or_view && layout == H5D_VIRTUAL)) &&
                H5Pget_external_count(creation) == 0 && kpu_guard_storage(creation, why);
    H5Pclose(creation);
    return good;
}

static bool has_rank(hid_t dataset, int rank, int64_t *length)
{
    hid_t space = H5Dget_space(dataset);
    hsize_t extent = 1;
    bool ok = space >= 0 && H5Sget_simple_extent_ndims(space) == rank &&
              H5Sget_simple_extent_type(space) != H5S_NULL &&
              (rank == 0 || H5Sget_simple_extent_dims(space, &extent, NULL) == 1) &&
              extent <= INT64_MAX;
    if (space >= 0)
        H5Sclose(space);
    *length = (int64_t)extent;
    return ok;
}

typedef struct wanted {
    int rank;     /* 0 or 1 */
    bool or_view; /* it may lie in other files */
} wanted;

static hid_t open_wanted(hid_t group, const char *name, wanted what, int64_t *length,
                         const char **why)
{
    H5L_info_t link;
    *why = "is no dataset";
    if (H5Lget_info(group, name, &link, H5P_DEFAULT) < 0 || link.type != H5L_TYPE_HARD)
        return -1;
    hid_t object = H5Oopen(group, name, H5P_DEFAULT);
    if (object < 0)
        return -1;
    if (H5Iget_type(object) == H5I_DATASET) {
        if (is_stored_well(object, what.or_view, why)) {
            *why = what.rank == 1 ? "is no list: its rank is not 1" : "is no single value";
            if (has_rank(object, what.rank, length))
                return object;
        }
    }
    H5Oclose(object);
    return -1;
}

hid_t kpu_store_open_dataset(hid_t group, const char *name, int rank, int64_t *length,
                             const char **why)
{
    return open_wanted(group, name, (wanted){.rank = rank}, length, why);
}

/* ---- Opening ---------------------------------------------------------------------------- */

/* The reasons that HDF5 states badly, in words. */
static int check_file(const char *path, kpu_diag *diag)
{
    kpu_place place = {.file = path};
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "cannot open the results file: %s",
                               strerror(error));
    }
    close(fd);
    if (S_ISDIR(st.st_mode))
        return complain(path, "is a folder, no results file", diag);
    if (!S_ISREG(st.st_mode))
        return complain(path, "is no regular file", diag);
    if (st.st_size == 0)
        return complain(path, "is empty", diag);
    return KPU_OK;
}

static int check_format(kpu_results *results, kpu_diag *diag)
{
    kpu_place place = {.file = results->path};
    char *format = kpu_store_get_text(results->file, "format");
    bool ours = format && strcmp(format, KPU_STORE_FORMAT) == 0;
    int64_t version = 0, complete = 0;
    free(format);
    if (!ours)
        return complain(results->path, "is HDF5, but no results file of kpu-dse", diag);
    if (!kpu_store_get_int(results->file, "format_version", &version))
        return complain(results->path, "has no format_version", diag);
    if (version != KPU_STORE_FORMAT_VERSION)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "is of format version %lld; this program reads version %d",
                               (long long)version, KPU_STORE_FORMAT_VERSION);
    if (!kpu_store_get_int(results->file, "rows", &results->rows) || results->rows < 0 ||
        !kpu_store_get_int(results->file, "complete", &complete))
        return complain(results->path, "does not say how many rows it has", diag);
    results->complete = complete != 0;
    return KPU_OK;
}

static bool grow(kpu_results *results)
{
    if (results->count < results->capacity)
        return true;
    size_t capacity = results->capacity ? 2 * results->capacity : 64;
    kpu_column *columns = realloc(results->columns, capacity * sizeof *columns);
    if (columns)
        results->columns = columns;
    hid_t *datasets = realloc(results->datasets, capacity * sizeof *datasets);
    if (datasets)
        results->datasets = datasets;
    if (columns && datasets)
        results->capacity = capacity;
    return columns && datasets;
}

/* A member of one of the groups that hold columns. */
typedef struct member {
    hid_t group;
    const char *group_name, *name;
} member;

static int load_column(kpu_results *results, const member *m, kpu_diag *diag)
{
    kpu_place place = {.file = results->path};
    const char *why = NULL;
    int64_t length = 0;
    if (!grow(results))
        return kpu_diag_add_at(diag, KPU_E_MEMORY, &place, "out of memory");
    hid_t dataset = open_wanted(m->group, m->name, (wanted){1, true}, &length, &why);
    if (dataset < 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "column '%s/%s' %s", m->group_name,
                               m->name, why);
    kpu_column *column = &results->columns[results->count];
    int code = kpu_store_column_load(dataset, m->group_name, m->name, column, &why);
    if (code != KPU_OK) {
        kpu_diag_add_at(diag, code, &place, "column '%s/%s' %s", m->group_name, m->name,
                        code == KPU_E_MEMORY ? "does not fit in memory" : why);
        H5Dclose(dataset);
        return code;
    }
    results->datasets[results->count++] = dataset;
    results->is_view = results->is_view || !is_stored_well(dataset, false, &why);
    if (column->type == KPU_COLUMN_STRING)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "column '%s/%s' holds strings, not numbers", m->group_name, m->name);
    if (length < results->rows || (results->complete && length != results->rows))
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "column '%s/%s' has %lld rows where the file says %lld",
                               m->group_name, m->name, (long long)length, (long long)results->rows);
    return KPU_OK;
}

/* Names of a group's members. They are gathered first, so that none of our work is done within a
 * call of HDF5: whose a fault or a leak is can then be told. */
typedef struct name_list {
    char **names;
    size_t count;
    bool no_memory, too_much;
} name_list;

static herr_t gather_name(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    name_list *list = context;
    (void)group;
    (void)info;
    list->too_much = list->count == COLUMNS_MAX || strlen(name) > KPU_STORE_NAME_MAX;
    if (list->too_much)
        return -1;
    if ((list->count & (list->count - 1)) == 0) { /* full: capacities are the powers of two */
        size_t capacity = list->count ? 2 * list->count : 1;
        char **names = realloc(list->names, capacity * sizeof *names);
        list->no_memory = !names;
        if (!names)
            return -1;
        list->names = names;
    }
    list->names[list->count] = strdup(name);
    list->no_memory = !list->names[list->count];
    list->count += !list->no_memory;
    return list->no_memory ? -1 : 0;
}

static void free_names(name_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    free(list->names);
}

H5_index_t kpu_store_group_order(hid_t group)
{
    unsigned flags = 0;
    hid_t creation = H5Gget_create_plist(group);
    if (creation < 0)
        return H5_INDEX_NAME;
    if (H5Pget_link_creation_order(creation, &flags) < 0)
        flags = 0;
    H5Pclose(creation);
    return flags & H5P_CRT_ORDER_TRACKED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
}

hid_t kpu_store_open_group(hid_t file, const char *name)
{
    H5L_info_t link;
    if (strchr(name, '/') || H5Lget_info(file, name, &link, H5P_DEFAULT) < 0 ||
        link.type != H5L_TYPE_HARD)
        return -1;
    return H5Gopen2(file, name, H5P_DEFAULT);
}

static int gather_names(const kpu_results *results, const member *m, name_list *out, kpu_diag *diag)
{
    kpu_place place = {.file = results->path};
    herr_t status =
        H5Literate(m->group, kpu_store_group_order(m->group), H5_ITER_INC, NULL, gather_name, out);
    if (out->no_memory)
        return kpu_diag_add_at(diag, KPU_E_MEMORY, &place, "out of memory");
    if (out->too_much || results->count + out->count > COLUMNS_MAX)
        return complain(results->path, "has more or longer named columns than any of ours", diag);
    if (status < 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "group '%s' is damaged", m->group_name);
    if (out->count == 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "group '%s' has no columns",
                               m->group_name);
    return KPU_OK;
}

static int load_group(kpu_results *results, const char *name, kpu_diag *diag)
{
    kpu_place place = {.file = results->path};
    name_list list = {0};
    member m = {.group = kpu_store_open_group(results->file, name), .group_name = name};
    if (m.group < 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "has no group '%s'", name);
    int code = gather_names(results, &m, &list, diag);
    for (size_t i = 0; code == KPU_OK && i < list.count; i++) {
        m.name = list.names[i];
        code = load_column(results, &m, diag);
    }
    free_names(&list);
    H5Gclose(m.group);
    return code;
}

/* Whether HDF5 will get its lock: 0, EWOULDBLOCK, or ENOTSUP if the file system has none. */
static int try_lock(const char *path)
{
    int fd, error = kpu_disk_open(path, O_RDONLY, &fd);
    if (error)
        return error;
    error = kpu_disk_lock(fd, LOCK_SH | LOCK_NB);
    close(fd);
    return error;
}

/* Every column that was read keeps a cache, and there may be hundreds of columns. Readers go from
 * block to block, so a few chunks are enough; HDF5 would take 1 MiB each. */
static hid_t make_access(const kpu_results *results, bool has_locks)
{
    const size_t slots = 7, bytes = 4 * KPU_STORE_CHUNK_ROWS * sizeof(int64_t);
    const double evict_read_first = 1;
    hid_t access = results->input ? kpu_block_file_access(&results->input->blocks)
                                  : H5Pcreate(H5P_FILE_ACCESS);
    if (access < 0)
        return -1;
    if (kpu_store_bound_metadata(access, USUAL_COLUMNS) >= 0 &&
        H5Pset_cache(access, 0, slots, bytes, evict_read_first) >= 0 &&
        (has_locks || H5Pset_file_locking(access, false, true) >= 0))
        return access;
    H5Pclose(access);
    return -1;
}

static int open_file(kpu_results *results, const char *path, kpu_diag *diag)
{
    int code = kpu_input_file_open(path, &results->input, diag);
    if (code != KPU_OK)
        return code;
    int locked = results->input ? 0 : try_lock(path);
    if (locked == EWOULDBLOCK)
        return complain(path, "is being written by another program", diag);
    if (!results->input && H5Fis_hdf5(path) <= 0)
        return complain(path, "is no results file of kpu-dse (not HDF5)", diag);
    hid_t access = make_access(results, locked != ENOTSUP);
    if (access >= 0)
        results->file = H5Fopen(path, H5F_ACC_RDONLY, access);
    if (results->file < 0) /* before the next call of HDF5 forgets why */
        code = kpu_store_complain_hdf5(path, KPU_E_INPUT, "is truncated or damaged", diag);
    if (access >= 0)
        H5Pclose(access);
    return code;
}

/* A file that claims more rows than can be in it would keep its readers busy for ever. */
static int check_rows(const kpu_results *results, kpu_diag *diag)
{
    const kpu_place place = {.file = results->path};
    hsize_t bytes = 0;
    if (H5Fget_filesize(results->file, &bytes) < 0)
        return complain(results->path, "is damaged", diag);
    if (kpu_guard_rows(results->rows, (int64_t)bytes))
        return KPU_OK;
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                           "says that it has %lld rows, which its %lld bytes cannot hold",
                           (long long)results->rows, (long long)bytes);
}

static int open_results(kpu_results *results, const char *path, kpu_diag *diag)
{
    int code = check_file(path, diag);
    if (code != KPU_OK)
        return code;
    results->path = strdup(path);
    if (!results->path)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    code = open_file(results, path, diag);
    if (code == KPU_OK)
        code = check_format(results, diag);
    if (code == KPU_OK)
        code = load_group(results, "candidates", diag);
    if (code == KPU_OK)
        code = load_group(results, "metrics", diag);
    if (code != KPU_OK)
        return code;
    if (!results->is_view)
        return check_rows(results, diag);
    if (results->input)
        return complain(path, "is a view that was not finished; make it again", diag);
    return kpu_store_check_view(results, diag);
}

int kpu_results_open(const char *path, kpu_results **out, kpu_diag *diag)
{
    *out = NULL;
    kpu_store_silence_hdf5();
    kpu_results *results = calloc(1, sizeof *results);
    if (!results)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    results->file = -1;
    int code = open_results(results, path, diag);
    if (code == KPU_OK)
        *out = results;
    else
        kpu_results_close(results);
    return code;
}

void kpu_results_close(kpu_results *results)
{
    if (!results)
        return;
    for (size_t i = 0; i < results->count; i++) {
        kpu_store_column_fini(&results->columns[i]);
        H5Dclose(results->datasets[i]);
    }
    if (results->file >= 0)
        H5Fclose(results->file);
    kpu_input_file_close(results->input);
    free(results->columns);
    free(results->datasets);
    free(results->path);
    free(results);
}

/* ---- Columns and rows ------------------------------------------------------------------- */

int64_t kpu_results_rows(const kpu_results *results)
{
    return results->rows;
}

bool kpu_results_number(const kpu_results *results, const char *name, int64_t *out)
{
    return results->input && kpu_journal_number_find(results->input->state.numbers, name, out);
}

bool kpu_results_complete(const kpu_results *results)
{
    return results->complete;
}

size_t kpu_results_column_count(const kpu_results *results)
{
    return results->count;
}

const kpu_column *kpu_results_column(const kpu_results *results, size_t index)
{
    return index < results->count ? &results->columns[index] : NULL;
}

int kpu_results_find(const kpu_results *results, const char *name)
{
    for (size_t i = 0; i < results->count; i++)
        if (strcmp(results->columns[i].name, name) == 0)
            return (int)i;
    return -1;
}

static herr_t read_slab(hid_t dataset, hid_t type, int64_t first, int64_t count, void *out)
{
    hsize_t start = (hsize_t)first, length = (hsize_t)count;
    hid_t in_file = H5Dget_space(dataset), in_memory = H5Screate_simple(1, &length, NULL);
    herr_t status =
        in_file < 0 || in_memory < 0 ||
                H5Sselect_hyperslab(in_file, H5S_SELECT_SET, &start, NULL, &length, NULL) < 0
            ? -1
            : H5Dread(dataset, type, in_memory, in_file, H5P_DEFAULT, out);
    H5Sclose(in_memory);
    H5Sclose(in_file);
    return status;
}

/* An enumeration's bytes, read to the front of `out`, spread over it from the right. */
static bool widen_words(const kpu_column *column, int64_t count, kpu_metric_value *out)
{
    const signed char *bytes = (const signed char *)out;
    bool known = true;
    for (int64_t i = count - 1; i >= 0; i--) {
        signed char value = bytes[i];
        known = known && value >= 0 && (size_t)value < column->word_count;
        out[i].i = value;
    }
    return known;
}

herr_t kpu_store_read_rows(hid_t dataset, const kpu_column *column, int64_t first, int64_t count,
                           kpu_metric_value *out, bool *known)
{
    bool enumerated = column->type == KPU_COLUMN_ENUM;
    hid_t own = enumerated ? H5Dget_type(dataset) : -1;
    hid_t type = enumerated                         ? own
                 : column->type == KPU_COLUMN_INT64 ? H5T_NATIVE_INT64
                                                    : H5T_NATIVE_DOUBLE;
    herr_t status =
        kpu_guard_chunks(dataset, first, count) ? read_slab(dataset, type, first, count, out) : -1;
    if (own >= 0)
        H5Tclose(own);
    *known = status < 0 || !enumerated || widen_words(column, count, out);
    return status;
}

int kpu_results_read(kpu_results *results, size_t column, int64_t first, int64_t count,
                     kpu_metric_value *out, kpu_diag *diag)
{
    kpu_place place = {.file = results->path};
    if (column >= results->count || first < 0 || count < 0 || first > results->rows - count)
        return kpu_diag_add_at(diag, KPU_E_RANGE, &place, "has no rows %lld to %lld of column %zu",
                               (long long)first, (long long)(first + count), column);
    if (count == 0)
        return KPU_OK;
    const kpu_column *c = &results->columns[column];
    bool known = false;
    herr_t status = kpu_store_read_rows(results->datasets[column], c, first, count, out, &known);
    if (status < 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "column '%s/%s' is damaged: a checksum is wrong or data is missing",
                               c->group, c->name);
    if (!known)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "column '%s/%s' has values without a word", c->group, c->name);
    return KPU_OK;
}
