/* Reading tables and texts. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/column.h"
#include "store/read.h"

char *kpu_results_attribute(kpu_results *results, const char *name)
{
    int64_t number = 0;
    char *text = kpu_store_get_text(results->file, name);
    if (!text && kpu_store_get_int(results->file, name, &number) &&
        asprintf(&text, "%" PRId64, number) < 0)
        text = NULL;
    return text;
}

/* Down the groups of a name like "machines/edge-ai.ini", through hard links only. */
static hid_t open_parent(hid_t file, const char *first, const char *path, const char **leaf)
{
    char name[KPU_STORE_NAME_MAX + 1];
    H5L_info_t link;
    hid_t group = H5Lget_info(file, first, &link, H5P_DEFAULT) >= 0 && link.type == H5L_TYPE_HARD
                      ? H5Gopen2(file, first, H5P_DEFAULT)
                      : -1;
    const char *slash;
    while (*path == '/')
        path++;
    while (group >= 0 && (slash = strchr(path, '/'))) {
        size_t length = (size_t)(slash - path);
        bool fits = length > 0 && length < sizeof name;
        if (fits) {
            memcpy(name, path, length);
            name[length] = '\0';
        }
        hid_t next =
            fits && H5Lget_info(group, name, &link, H5P_DEFAULT) >= 0 && link.type == H5L_TYPE_HARD
                ? H5Gopen2(group, name, H5P_DEFAULT)
                : -1;
        H5Gclose(group);
        group = next;
        path = slash + 1;
    }
    *leaf = path;
    return group;
}

static hid_t open_in(kpu_results *results, const char *first, const char *path, int rank,
                     int64_t *length)
{
    const char *leaf = NULL, *why = NULL;
    hid_t group = open_parent(results->file, first, path, &leaf);
    if (group < 0)
        return -1;
    hid_t dataset = kpu_store_open_dataset(group, leaf, rank, length, &why);
    H5Gclose(group);
    return dataset;
}

char *kpu_results_text(kpu_results *results, const char *name)
{
    int64_t length = 0;
    hid_t dataset = open_in(results, "provenance", name, 0, &length);
    if (dataset < 0)
        return NULL;
    char *text = kpu_store_read_text(dataset);
    H5Dclose(dataset);
    return text;
}

typedef struct table_length {
    int64_t rows; /* -1: no column yet, -2: they differ */
} table_length;

static herr_t measure_column(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    (void)info;
    table_length *table = context;
    const char *why = NULL;
    int64_t length = 0;
    hid_t dataset = kpu_store_open_dataset(group, name, 1, &length, &why);
    if (dataset < 0)
        return 0;
    H5Dclose(dataset);
    if (table->rows == -1)
        table->rows = length;
    else if (table->rows != length)
        table->rows = -2;
    return 0;
}

int64_t kpu_results_table_rows(kpu_results *results, const char *table)
{
    const char *leaf = NULL;
    table_length found = {.rows = -1};
    hid_t group = open_parent(results->file, table, "", &leaf);
    if (group < 0)
        return 0;
    H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, measure_column, &found);
    H5Gclose(group);
    return found.rows > 0 ? found.rows : 0;
}

/* Shortest text that reads back as the same number. */
static char *print_double(double value)
{
    char *text = NULL;
    for (int digits = 15; digits <= 17; digits++) {
        free(text);
        if (asprintf(&text, "%.*g", digits, value) < 0)
            return NULL;
        if (strtod(text, NULL) == value)
            break;
    }
    return text;
}

/* One element of the dataset as text. `space` selects it, `one` is a single element in memory. */
static char *read_cell(hid_t dataset, const kpu_column *column, hid_t space, hid_t one)
{
    kpu_metric_value value = {0};
    char *text = NULL;
    hid_t type = H5Dget_type(dataset);
    if (type < 0)
        return NULL;
    switch (column->type) {
    case KPU_COLUMN_INT64:
        if (H5Dread(dataset, H5T_NATIVE_INT64, one, space, H5P_DEFAULT, &value.i) >= 0 &&
            asprintf(&text, "%" PRId64, value.i) < 0)
            text = NULL;
        break;
    case KPU_COLUMN_DOUBLE:
        if (H5Dread(dataset, H5T_NATIVE_DOUBLE, one, space, H5P_DEFAULT, &value.d) >= 0)
            text = print_double(value.d);
        break;
    case KPU_COLUMN_ENUM: {
        signed char byte = -1;
        if (H5Dread(dataset, type, one, space, H5P_DEFAULT, &byte) >= 0 && byte >= 0 &&
            (size_t)byte < column->word_count)
            text = strdup(column->words[byte]);
        break;
    }
    case KPU_COLUMN_STRING:
        if (H5Tis_variable_str(type) > 0) {
            char *string = NULL;
            if (H5Dread(dataset, type, one, space, H5P_DEFAULT, &string) >= 0 && string) {
                text = strdup(string);
                H5Dvlen_reclaim(type, one, H5P_DEFAULT, &string);
            }
        } else {
            text = calloc(H5Tget_size(type) + 1, 1);
            if (text && H5Dread(dataset, type, one, space, H5P_DEFAULT, text) < 0) {
                free(text);
                text = NULL;
            }
        }
        break;
    }
    H5Tclose(type);
    return text;
}

static char *select_cell(hid_t dataset, const kpu_column *column, int64_t row)
{
    hsize_t start = (hsize_t)row, one_row = 1;
    hid_t space = H5Dget_space(dataset), one = H5Screate_simple(1, &one_row, NULL);
    char *text = NULL;
    if (space >= 0 && one >= 0 &&
        H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &one_row, NULL) >= 0)
        text = read_cell(dataset, column, space, one);
    if (one >= 0)
        H5Sclose(one);
    if (space >= 0)
        H5Sclose(space);
    return text;
}

char *kpu_results_cell(kpu_results *results, const char *table, const char *column, int64_t row)
{
    int64_t length = 0;
    const char *why = NULL;
    kpu_column loaded;
    char *text = NULL;
    hid_t dataset = open_in(results, table, column, 1, &length);
    if (dataset < 0)
        return NULL;
    if (row >= 0 && row < length &&
        kpu_store_column_load(dataset, table, column, &loaded, &why) == KPU_OK) {
        text = select_cell(dataset, &loaded, row);
        kpu_store_column_fini(&loaded);
    }
    H5Dclose(dataset);
    return text;
}
