#include "store/chunk.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/plane.h"

enum { HEADER_BYTES = 2, TRAILER_BYTES = 4, CHECKSUM_BYTES = 4, LARGEST_VALUE = 8 };
/* What zlib calls it; matches are runs only, which is what shuffling makes of numbers. */
enum { DEFLATE_LEVEL = 1, DEFLATE_STRATEGY = Z_RLE, WINDOW_BITS = 15, MEMORY_LEVEL = 8 };
/* Raw deflate: header and checksum of the zlib stream are put around it. */

bool kpu_chunk_encoder_init(kpu_chunk_encoder *encoder, size_t chunk_bytes)
{
    *encoder = (kpu_chunk_encoder){.chunk_bytes = chunk_bytes};
    encoder->ready = deflateInit2(&encoder->stream, DEFLATE_LEVEL, Z_DEFLATED, -WINDOW_BITS,
                                  MEMORY_LEVEL, DEFLATE_STRATEGY) == Z_OK;
    if (!encoder->ready)
        return false;
    encoder->packed_bytes = deflateBound(&encoder->stream, chunk_bytes) + HEADER_BYTES +
                            TRAILER_BYTES + CHECKSUM_BYTES + chunk_bytes / LARGEST_VALUE +
                            LARGEST_VALUE * KPU_PLANE_SLACK;
    encoder->shuffled = malloc(chunk_bytes);
    encoder->packed = malloc(encoder->packed_bytes);
    return encoder->shuffled && encoder->packed;
}

void kpu_chunk_encoder_fini(kpu_chunk_encoder *encoder)
{
    if (encoder->ready)
        deflateEnd(&encoder->stream);
    free(encoder->shuffled);
    free(encoder->packed);
    *encoder = (kpu_chunk_encoder){0};
}

herr_t kpu_chunk_set_filters(hid_t creation, hsize_t rows)
{
    if (H5Pset_chunk(creation, 1, &rows) < 0 || H5Pset_shuffle(creation) < 0 ||
        H5Pset_deflate(creation, DEFLATE_LEVEL) < 0)
        return -1;
    return H5Pset_fletcher32(creation);
}

/* Exchanges the off-diagonal blocks of an 8 x 8 matrix of bytes, a row a word. */
static void swap_blocks(uint64_t *rows, int distance, uint64_t mask)
{
    int bits = 8 * distance;
    for (int i = 0; i < 8; i++) {
        if (i & distance)
            continue;
        uint64_t moved = ((rows[i] >> bits) ^ rows[i + distance]) & mask;
        rows[i + distance] ^= moved;
        rows[i] ^= moved << bits;
    }
}

/* Eight rows of values of eight bytes at a time, turned as a matrix of bytes. */
static void shuffle_words(const unsigned char *values, size_t rows, unsigned char *out)
{
    for (size_t i = 0; i < rows; i += 8) {
        uint64_t word[8];
        memcpy(word, values + i * 8, sizeof word);
        swap_blocks(word, 4, UINT64_C(0x00000000ffffffff));
        swap_blocks(word, 2, UINT64_C(0x0000ffff0000ffff));
        swap_blocks(word, 1, UINT64_C(0x00ff00ff00ff00ff));
        for (size_t b = 0; b < 8; b++)
            memcpy(out + b * rows + i, &word[b], sizeof word[b]);
    }
}

/* All first bytes of the values, then all second bytes, ... */
static void shuffle(const unsigned char *values, size_t rows, size_t value_bytes,
                    unsigned char *out)
{
    static const uint16_t little_endian = 1;
    if (value_bytes == 8 && rows % 8 == 0 && *(const unsigned char *)&little_endian == 1) {
        shuffle_words(values, rows, out);
        return;
    }
    for (size_t i = 0; i < rows; i++)
        for (size_t b = 0; b < value_bytes; b++)
            out[b * rows + i] = values[i * value_bytes + b];
}

static uint32_t fold(uint32_t sum)
{
    return (sum & 0xffff) + (sum >> 16);
}

/* Fletcher's checksum over big-endian 16-bit words, as HDF5 computes it. 360 words are as many as
 * the sums can take without a carry. */
static uint32_t fletcher32(const unsigned char *data, size_t bytes)
{
    uint32_t sum1 = 0, sum2 = 0;
    for (size_t words = bytes / 2; words > 0;) {
        size_t part = words > 360 ? 360 : words;
        words -= part;
        for (; part > 0; part--, data += 2) {
            sum1 += (uint32_t)data[0] << 8 | data[1];
            sum2 += sum1;
        }
        sum1 = fold(sum1);
        sum2 = fold(sum2);
    }
    if (bytes % 2) {
        sum1 += (uint32_t)data[0] << 8;
        sum2 += sum1;
        sum1 = fold(sum1);
        sum2 = fold(sum2);
    }
    return fold(sum2) << 16 | fold(sum1);
}

/* Bytes in encoder->packed, a zlib stream without Fletcher's checksum; 0: it failed. */
static size_t deflate_chunk(kpu_chunk_encoder *encoder, const unsigned char *data, size_t rows,
                            size_t value_bytes)
{
    static const unsigned char header[HEADER_BYTES] = {0x78, 0x01}; /* 32 KiB window, fastest */
    size_t bytes = rows * value_bytes;
    if (bytes > encoder->chunk_bytes || deflateReset(&encoder->stream) != Z_OK)
        return 0;
    memcpy(encoder->packed, header, HEADER_BYTES);
    size_t room = encoder->packed_bytes - HEADER_BYTES - TRAILER_BYTES - CHECKSUM_BYTES;
    size_t packed = kpu_plane_deflate(&encoder->stream, data, value_bytes, rows,
                                      encoder->packed + HEADER_BYTES, room);
    if (packed == 0)
        return 0;
    uint32_t adler = kpu_plane_adler32(data, value_bytes, rows);
    unsigned char *trailer = encoder->packed + HEADER_BYTES + packed;
    for (int i = 0; i < TRAILER_BYTES; i++)
        trailer[i] = (unsigned char)(adler >> (24 - 8 * i));
    return packed + HEADER_BYTES + TRAILER_BYTES;
}

herr_t kpu_chunk_write(kpu_chunk_encoder *encoder, hid_t dataset, hsize_t first, size_t rows,
                       size_t value_bytes, const void *values)
{
    const unsigned char *data = values;
    if (value_bytes > 1) {
        shuffle(values, rows, value_bytes, encoder->shuffled);
        data = encoder->shuffled;
    }
    size_t packed = deflate_chunk(encoder, data, rows, value_bytes);
    if (packed == 0)
        return -1;
    uint32_t sum = fletcher32(encoder->packed, packed);
    for (int i = 0; i < CHECKSUM_BYTES; i++)
        encoder->packed[packed + (size_t)i] = (unsigned char)(sum >> (8 * i));
    return H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, &first, packed + CHECKSUM_BYTES,
                          encoder->packed);
}
