#include "store/guard.h"

#include <stdlib.h>

enum { CHUNK_ROWS_MAX = 1 << 20, VALUE_BYTES_MAX = 8, FILTERS_MAX = 3, DEFLATE_RATIO_MAX = 1032 };

static bool is_known_filter(H5Z_filter_t filter)
{
    return filter == H5Z_FILTER_SHUFFLE || filter == H5Z_FILTER_DEFLATE ||
           filter == H5Z_FILTER_FLETCHER32;
}

/* Others may be loaded as plug-ins, or have no limit of their own. */
static bool are_filters_known(hid_t creation)
{
    int count = H5Pget_nfilters(creation);
    bool known = count >= 0 && count <= FILTERS_MAX;
    for (int i = 0; known && i < count; i++) {
        unsigned flags, values[1];
        size_t value_count = 1;
        known = is_known_filter(
            H5Pget_filter2(creation, (unsigned)i, &flags, &value_count, values, 0, NULL, NULL));
    }
    return known;
}

bool kpu_guard_storage(hid_t creation, const char **why)
{
    hsize_t rows = 0;
    if (H5Pget_layout(creation) != H5D_CHUNKED)
        return true;
    *why = "is stored in chunks that are larger than any of ours";
    if (H5Pget_chunk(creation, 1, &rows) != 1 || rows < 1 || rows > CHUNK_ROWS_MAX)
        return false;
    *why = "is stored through filters that ours are not";
    return are_filters_known(creation);
}

static bool is_whole(hid_t type)
{
    return H5Tget_precision(type) == 8 * H5Tget_size(type) && H5Tget_offset(type) == 0 &&
           (H5Tget_order(type) == H5T_ORDER_LE || H5Tget_order(type) == H5T_ORDER_BE);
}

bool kpu_guard_number(hid_t type)
{
    size_t bytes = H5Tget_size(type);
    switch (H5Tget_class(type)) {
    case H5T_INTEGER:
        return (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8) && is_whole(type);
    case H5T_FLOAT:
        return H5Tequal(type, H5T_IEEE_F64LE) > 0 || H5Tequal(type, H5T_IEEE_F64BE) > 0 ||
               H5Tequal(type, H5T_IEEE_F32LE) > 0 || H5Tequal(type, H5T_IEEE_F32BE) > 0;
    default: return false;
    }
}

/* Deflate makes incompressible data a little longer, the checksum is 4 bytes. */
static hsize_t stored_bytes_max(hsize_t rows)
{
    return rows * VALUE_BYTES_MAX + rows / 8 + 64;
}

/* One chunk as it lies in the file. */
typedef struct raw_chunk {
    unsigned char *bytes;
    hsize_t capacity;
} raw_chunk;

/* The index of the chunks has no checksum. Where it has lost a chunk, HDF5 gives zeros; where it
 * says that a chunk was spared a filter, HDF5 takes the bytes as they are. Ours have been through
 * all of them. */
static bool is_chunk_good(hid_t dataset, hsize_t at, hsize_t most, raw_chunk *chunk)
{
    hsize_t bytes = 0;
    uint32_t spared = 0;
    if (H5Dget_chunk_storage_size(dataset, &at, &bytes) < 0 || bytes == 0 || bytes > most)
        return false;
    if (bytes > chunk->capacity) {
        free(chunk->bytes);
        chunk->bytes = malloc(bytes);
        chunk->capacity = chunk->bytes ? bytes : 0;
    }
    return chunk->bytes && H5Dread_chunk(dataset, H5P_DEFAULT, &at, &spared, chunk->bytes) >= 0 &&
           spared == 0;
}

static bool are_chunks_good(hid_t dataset, hsize_t rows, int64_t first, int64_t count)
{
    hsize_t last = (hsize_t)(first + count - 1) / rows * rows;
    raw_chunk chunk = {0};
    bool good = true;
    for (hsize_t at = (hsize_t)first / rows * rows; good && at <= last; at += rows)
        good = is_chunk_good(dataset, at, stored_bytes_max(rows), &chunk);
    free(chunk.bytes);
    return good;
}

bool kpu_guard_chunks(hid_t dataset, int64_t first, int64_t count)
{
    hid_t creation = H5Dget_create_plist(dataset);
    hsize_t rows = 0;
    if (creation < 0)
        return false;
    bool good = H5Pget_layout(creation) != H5D_CHUNKED ||
                (H5Pget_chunk(creation, 1, &rows) == 1 && rows > 0 &&
                 are_chunks_good(dataset, rows, first, count));
    H5Pclose(creation);
    return good;
}

bool kpu_guard_rows(int64_t rows, int64_t file_bytes)
{
    return rows / DEFLATE_RATIO_MAX <= file_bytes;
}
