/* What the files of the reading side share. */
#ifndef KPU_STORE_READ_H
#define KPU_STORE_READ_H

#include <hdf5.h>

#include "kpu/store.h"
#include "store/input_file.h"

struct kpu_results {
    char *path;
    kpu_input_file *input; /* NULL: HDF5 reads the file itself */
    hid_t file;
    int64_t rows;
    bool complete;
    bool is_view; /* a column lies in other files */
    kpu_column *columns;
    hid_t *datasets;
    size_t count, capacity;
};

/* Opens GROUP/NAME if it is a dataset in this very file, of `rank` (0 or 1) dimensions; its length
 * into *length. Negative, with *why a constant, if not. */
hid_t kpu_store_open_dataset(hid_t group, const char *name, int rank, int64_t *length,
                             const char **why);
/* Rows of a column; *known: all words are words. Negative: damaged. */
herr_t kpu_store_read_rows(hid_t dataset, const kpu_column *column, int64_t first, int64_t count,
                           kpu_metric_value *out, bool *known);
/* A group of the file itself, or negative. */
hid_t kpu_store_open_group(hid_t file, const char *name);
/* That in which its members were created, if the file knows it. */
H5_index_t kpu_store_group_order(hid_t group);

#endif
