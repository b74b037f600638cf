/* What a file must not make HDF5 do: looked at before HDF5 is asked for data. */
#ifndef KPU_STORE_GUARD_H
#define KPU_STORE_GUARD_H

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether a dataset of this creation list is stored as ours are: in chunks of a size that fits in
 * memory, through no filters but shuffle, deflate and Fletcher's checksum. `why`: a constant. */
bool kpu_guard_storage(hid_t creation, const char **why);
/* Integers of 1, 2, 4 or 8 bytes and IEEE numbers of 4 or 8, whole, in either byte order. */
bool kpu_guard_number(hid_t type);
/* Whether the chunks of these rows are all there, have been through all filters, and are no larger
 * in the file than a chunk can become: deflate takes as much memory as it finds data for. */
bool kpu_guard_chunks(hid_t dataset, int64_t first, int64_t count);
/* Whether so many rows can be in a file of so many bytes, compressed as well as deflate can. */
bool kpu_guard_rows(int64_t rows, int64_t file_bytes);

#endif
