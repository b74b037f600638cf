/* Tables and texts: small, written whole. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/column.h"
#include "store/read.h"
#include "store/store.h"

static bool parse_cell(const kpu_column *column, const char *text, kpu_metric_value *out)
{
    char *end = NULL;
    kpu_rational rational;
    errno = 0;
    switch (column->type) {
    case KPU_COLUMN_INT64: out->i = strtoll(text, &end, 10); break;
    case KPU_COLUMN_DOUBLE:
        out->d = strtod(text, &end);
        if (*end != '\0' && kpu_rational_parse(text, &rational)) {
            out->d = kpu_rational_value(rational);
            return true;
        }
        break;
    case KPU_COLUMN_ENUM:
        for (size_t i = 0; i < column->word_count; i++)
            if (strcmp(column->words[i], text) == 0) {
                out->i = (int64_t)i;
                return true;
            }
        return false;
    case KPU_COLUMN_STRING: return false;
    }
    return end != text && *end == '\0' && (errno == 0 || column->type == KPU_COLUMN_DOUBLE);
}

/* The cells of one column as HDF5 wants them, `bytes` each. */
typedef struct cells {
    const char *const *text; /* of the whole table */
    size_t column, columns, rows, bytes;
} cells;

static const char *cell_text(const cells *table, size_t row)
{
    const char *text = table->text[row * table->columns + table->column];
    return text ? text : "";
}

static size_t cell_bytes(const kpu_column *column, const cells *table)
{
    size_t longest = 1;
    if (column->type == KPU_COLUMN_ENUM)
        return 1;
    if (column->type != KPU_COLUMN_STRING)
        return sizeof(kpu_metric_value);
    for (size_t row = 0; row < table->rows; row++) {
        size_t length = strlen(cell_text(table, row));
        longest = length > longest ? length : longest;
    }
    return longest;
}

/* malloc'ed; NULL with *bad set to the text that is no value, or unset when out of memory. */
static char *convert_cells(const kpu_column *column, const cells *table, const char **bad)
{
    char *data = calloc(table->rows ? table->rows : 1, table->bytes);
    for (size_t row = 0; data && row < table->rows; row++) {
        const char *text = cell_text(table, row);
        char *to = data + row * table->bytes;
        kpu_metric_value value = {0};
        if (column->type == KPU_COLUMN_STRING) {
            memcpy(to, text, strlen(text));
        } else if (!parse_cell(column, text, &value)) {
            *bad = text;
            free(data);
            return NULL;
        } else if (column->type == KPU_COLUMN_ENUM) {
            *to = (char)value.i;
        } else {
            memcpy(to, &value, sizeof value);
        }
    }
    return data;
}

/* What stands there already, from before a resume, if it is of this type and length; it goes if it
 * is of others. Negative: there is none now. */
static hid_t open_again(hid_t group, const char *name, hid_t type, hid_t space)
{
    hid_t dataset = H5Dopen2(group, name, H5P_DEFAULT);
    if (dataset < 0)
        return -1;
    hid_t own_type = H5Dget_type(dataset), own_space = H5Dget_space(dataset);
    bool same = own_type >= 0 && own_space >= 0 && H5Tequal(own_type, type) > 0 &&
                H5Sextent_equal(own_space, space) > 0;
    H5Tclose(own_type);
    H5Sclose(own_space);
    if (same)
        return dataset;
    H5Dclose(dataset);
    H5Ldelete(group, name, H5P_DEFAULT);
    return -1;
}

/* How what is written whole is kept: in its header, which has a checksum, as chunks have if it is
 * too long for that. A single long text has none; /provenance/hashes has its hash. */
static hid_t make_creation(size_t rows, size_t value_bytes)
{
    const size_t header_bytes = 60000, chunk_bytes = 65536; /* HDF5: at most 64 KiB */
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t chunk = chunk_bytes / value_bytes;
    if (rows > 0 && rows <= header_bytes / value_bytes) {
        H5Pset_layout(creation, H5D_COMPACT);
    } else if (rows > 1) {
        chunk = chunk < 1 ? 1 : chunk < rows ? chunk : rows;
        H5Pset_chunk(creation, 1, &chunk);
        H5Pset_fletcher32(creation);
    }
    return creation;
}

static herr_t write_cells(kpu_store *store, const kpu_column *column, const cells *table,
                          const char *data)
{
    hsize_t rows = table->rows;
    hid_t type = kpu_store_column_type(column, table->bytes);
    hid_t space = H5Screate_simple(1, &rows, NULL);
    hid_t creation = make_creation(table->rows, table->bytes);
    hid_t group = H5Gopen2(store->file, column->group, H5P_DEFAULT);
    hid_t dataset = open_again(group, column->name, type, space);
    if (dataset < 0)
        dataset = kpu_store_column_create(group, column, type, space, creation);
    herr_t status = dataset < 0 ? -1 : 0;
    if (status >= 0 && rows > 0)
        status = H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
    if (dataset >= 0)
        H5Dclose(dataset);
    H5Gclose(group);
    H5Pclose(creation);
    H5Sclose(space);
    H5Tclose(type);
    return status;
}

int kpu_store_write_table(kpu_store *store, const kpu_column *columns, size_t column_count,
                          const char *const *text, size_t row_count, kpu_diag *diag)
{
    int code = store->failed;
    store->changed = true;
    for (size_t i = 0; code == KPU_OK && i < column_count; i++) {
        const kpu_column *column = &columns[i];
        const char *bad = NULL;
        cells table = {.text = text, .column = i, .columns = column_count, .rows = row_count};
        table.bytes = cell_bytes(column, &table);
        char *data = convert_cells(column, &table, &bad);
        if (!data && !bad) {
            code = kpu_store_fail(store, KPU_E_MEMORY, "out of memory", diag);
        } else if (!data) {
            kpu_place place = {.file = store->durable.output.path};
            store->failed = KPU_E_INTERNAL;
            code =
                kpu_diag_add_at(diag, KPU_E_INTERNAL, &place, "'%s' is no value of column '%s/%s'",
                                bad, column->group, column->name);
        } else {
            code = kpu_store_check(store, write_cells(store, column, &table, data),
                                   "cannot write a table of the results", diag);
        }
        free(data);
    }
    return code;
}

char *kpu_store_text(kpu_store *store, const char *name)
{
    const char *why;
    int64_t length;
    while (*name == '/')
        name++;
    hid_t group = H5Gopen2(store->file, "provenance", H5P_DEFAULT);
    hid_t dataset = group < 0 ? -1 : kpu_store_open_dataset(group, name, 0, &length, &why);
    char *text = dataset < 0 ? NULL : kpu_store_read_text(dataset);
    if (dataset >= 0)
        H5Dclose(dataset);
    if (group >= 0)
        H5Gclose(group);
    return text;
}

static herr_t write_text(hid_t group, const char *name, const char *text)
{
    kpu_column column = {.type = KPU_COLUMN_STRING};
    hid_t type = kpu_store_column_type(&column, strlen(text));
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t links = H5Pcreate(H5P_LINK_CREATE), creation = make_creation(1, strlen(text) + 1);
    H5Pset_create_intermediate_group(links, 1);
    hid_t dataset = open_again(group, name, type, space);
    if (dataset < 0)
        dataset = H5Dcreate2(group, name, type, space, links, creation, H5P_DEFAULT);
    herr_t status = dataset < 0 ? -1 : H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text);
    if (dataset >= 0)
        H5Dclose(dataset);
    H5Pclose(creation);
    H5Pclose(links);
    H5Sclose(space);
    H5Tclose(type);
    return status;
}

int kpu_store_write_text(kpu_store *store, const char *name, const char *text, kpu_diag *diag)
{
    if (store->failed)
        return store->failed;
    store->changed = true;
    while (*name == '/') /* to HDF5 a leading slash is the root of the file, not our group */
        name++;
    hid_t group = H5Gopen2(store->file, "provenance", H5P_DEFAULT);
    herr_t status = group < 0 ? -1 : write_text(group, name, text);
    if (group >= 0)
        H5Gclose(group);
    return kpu_store_check(store, status, "cannot write a text of the results", diag);
}

int kpu_store_write_attribute(kpu_store *store, const char *name, const char *text, kpu_diag *diag)
{
    if (store->failed)
        return store->failed;
    store->changed = true;
    return kpu_store_check(store, kpu_store_put_text(store->file, name, text),
                           "cannot write an attribute of the results", diag);
}
