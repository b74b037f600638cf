/* Chunks as HDF5's filters shuffle, deflate and fletcher32 make them, written past its pipeline:
 * that one allocates and clears zlib's state for every chunk, which took most of the time. */
#ifndef KPU_STORE_CHUNK_H
#define KPU_STORE_CHUNK_H

#include <hdf5.h>
#include <stdbool.h>
#include <zlib.h>

/* Scratch of one writer. Zeroed memory is a valid empty one for fini. */
typedef struct kpu_chunk_encoder {
    z_stream stream;
    bool ready;              /* stream is initialised */
    unsigned char *shuffled; /* chunk_bytes */
    unsigned char *packed;   /* packed_bytes: the most that they can become, and the checksum */
    size_t chunk_bytes, packed_bytes;
} kpu_chunk_encoder;

/* For chunks of at most `chunk_bytes`. False: out of memory. */
bool kpu_chunk_encoder_init(kpu_chunk_encoder *encoder, size_t chunk_bytes);
void kpu_chunk_encoder_fini(kpu_chunk_encoder *encoder);

/* The filters of a dataset whose chunks this writes: `creation` gets chunks of `rows` and them. */
herr_t kpu_chunk_set_filters(hid_t creation, hsize_t rows);
/* Writes a whole chunk of `rows` values of `value_bytes`, the first one being row `first`. */
herr_t kpu_chunk_write(kpu_chunk_encoder *encoder, hid_t dataset, hsize_t first, size_t rows,
                       size_t value_bytes, const void *values);

#endif
