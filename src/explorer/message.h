/* What ranks say to each other: a head, then what its kind needs, all in the byte order of the
 * machine; whoever has another one says another identity. */
#ifndef KPU_EXPLORER_MESSAGE_H
#define KPU_EXPLORER_MESSAGE_H

#include <string.h>

#include "kpu/ranks.h"

typedef enum kpu_message_kind {
    /* from rank 0 */
    KPU_MESSAGE_BEGIN = 1, /* a run: double patience_s, the identity of its space */
    KPU_MESSAGE_WORK, /* uint32 job, uint32 bytes of what its items share, these; int64 first item,
                         int64 count; of each uint32 bytes, these */
    KPU_MESSAGE_END,  /* of the run or of what was given out: what is not done need not be */
    KPU_MESSAGE_HOME, /* int32: ranks that were lost */
    /* to rank 0 */
    KPU_MESSAGE_HELLO,   /* to BEGIN: int64 threads */
    KPU_MESSAGE_DONE,    /* int64 ns of work; of each item int64 number, int32 code, uint32 bytes,
                            these */
    KPU_MESSAGE_LEAVING, /* int32 code: does nothing more */
    /* both ways, so that something is heard */
    KPU_MESSAGE_ALIVE
} kpu_message_kind;

typedef struct kpu_message_head {
    int64_t run;   /* each has a number of its own */
    int64_t batch; /* of the run; what is late is known by it */
    int64_t kind;
} kpu_message_head;

enum { KPU_MESSAGE_IDENTITY = 33 };
/* Of all that says what item means what: model, space, sample, seed, objectives, metrics.
 * KPU_OK or KPU_E_MEMORY. */
int kpu_message_identity(const kpu_space *space, char out[KPU_MESSAGE_IDENTITY]);

/* After which something is said, if there is nothing to say. */
static inline int64_t kpu_message_pause_ns(const kpu_ranks *ranks)
{
    double s = ranks->patience_s / 8;
    return (int64_t)((s < 1 ? s : 1) * 1e9);
}

/* A pause between two looks whether a message is there, after one that was in vain. */
static inline int64_t kpu_message_longer(int64_t pause_ns, int64_t most_ns)
{
    return pause_ns + pause_ns / 8 < most_ns ? pause_ns + pause_ns / 8 : most_ns;
}

/* ---- Reading ------------------------------------------------------------------------------ */

typedef struct kpu_reader {
    const char *at;
    size_t left;
    bool failed; /* something was missing: all that is read from then on is 0 */
} kpu_reader;

/* The next bytes; NULL if there are not so many. */
static inline const char *kpu_read_bytes(kpu_reader *reader, size_t size)
{
    const char *bytes = reader->at;
    reader->failed |= reader->left < size;
    if (reader->failed)
        return NULL;
    reader->at += size;
    reader->left -= size;
    return bytes;
}

static inline void kpu_read(kpu_reader *reader, void *out, size_t size)
{
    const char *bytes = kpu_read_bytes(reader, size);
    if (bytes)
        memcpy(out, bytes, size);
    else
        memset(out, 0, size);
}

static inline int64_t kpu_read_int(kpu_reader *reader)
{
    int64_t value;
    kpu_read(reader, &value, sizeof value);
    return value;
}

static inline int32_t kpu_read_int32(kpu_reader *reader)
{
    int32_t value;
    kpu_read(reader, &value, sizeof value);
    return value;
}

static inline uint32_t kpu_read_size(kpu_reader *reader)
{
    uint32_t value;
    kpu_read(reader, &value, sizeof value);
    return value;
}

/* ---- Writing ------------------------------------------------------------------------------ */

static inline void kpu_put(kpu_text *out, const void *bytes, size_t size)
{
    kpu_text_put_bytes(out, bytes, size);
}

static inline void kpu_put_int(kpu_text *out, int64_t value)
{
    kpu_put(out, &value, sizeof value);
}

static inline void kpu_put_int32(kpu_text *out, int32_t value)
{
    kpu_put(out, &value, sizeof value);
}

static inline void kpu_put_size(kpu_text *out, size_t value)
{
    uint32_t size = (uint32_t)value;
    kpu_put(out, &size, sizeof size);
}

/* Room for a size that is not known yet: its place, for kpu_end_size. */
static inline size_t kpu_begin_size(kpu_text *out)
{
    kpu_put_size(out, 0);
    return out->length;
}

static inline void kpu_end_size(kpu_text *out, size_t place)
{
    uint32_t size = (uint32_t)(out->length - place);
    if (!out->failed)
        memcpy(out->data + place - sizeof size, &size, sizeof size);
}

/* ---- Rows (row_code.c) -------------------------------------------------------------------- */

/* Metrics by how they differ from those of the row before (NULL: none): half a byte each, and the
 * bytes that differ. */
void kpu_row_encode(const kpu_metric_value *before, const kpu_metric_value *metrics, kpu_text *out);
void kpu_row_decode(kpu_reader *reader, const kpu_metric_value *before, kpu_metric_value *metrics);

#endif
