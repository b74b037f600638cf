/* object_bytes.h - binary objects changed on purpose: checksums made to fit again, a section more.
 * Header only: fuzz targets use it too. */
#ifndef KPU_TESTS_OBJECT_BYTES_H
#define KPU_TESTS_OBJECT_BYTES_H

#include "kpu/base.h"

#include <string.h>

enum { OBJECT_HEADER = 16, OBJECT_ENTRY = 32, OBJECT_CHECKSUM = 8 };

static inline uint64_t object_load(const unsigned char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

static inline void object_store(unsigned char *at, int bytes, uint64_t value)
{
    for (int i = 0; i < bytes; i++, value >>= 8)
        at[i] = (unsigned char)value;
}

/* Where entry `section` of the table begins. */
static inline size_t object_entry(size_t section)
{
    return OBJECT_HEADER + section * OBJECT_ENTRY;
}

/* Where section `section` begins, and its bytes. */
static inline size_t object_section_at(const unsigned char *data, size_t section, size_t *bytes)
{
    const unsigned char *entry = data + object_entry(section);
    *bytes = (size_t)object_load(entry + 16, 8);
    return (size_t)object_load(entry + 8, 8);
}

/* Every checksum whose bytes are there. */
static inline void object_seal(unsigned char *data, size_t size)
{
    if (size < OBJECT_HEADER)
        return;
    uint64_t count = object_load(data + 12, 4);
    if (count > (size - OBJECT_HEADER) / OBJECT_ENTRY)
        return;
    size_t table_end = object_entry((size_t)count);
    for (size_t i = 0; i < count; i++) {
        unsigned char *entry = data + object_entry(i);
        uint64_t offset = object_load(entry + 8, 8), bytes = object_load(entry + 16, 8);
        if (offset <= size && bytes <= size - offset)
            object_store(entry + 24, 8, kpu_crc32(data + offset, (size_t)bytes));
    }
    if (size - table_end >= OBJECT_CHECKSUM)
        object_store(data + table_end, 8, kpu_crc32(data, table_end));
}

/* A section of `bytes` zeros, the first in the table; `out` has room for OBJECT_ENTRY + bytes more.
 * The new size. (Inlined, gcc 12 sees writes past ends that are not there.) */
__attribute__((noinline, unused)) static size_t object_add_section(const unsigned char *data,
                                                                   size_t size, const char id[4],
                                                                   uint32_t flags, size_t bytes,
                                                                   unsigned char *out)
{
    size_t count = (size_t)object_load(data + 12, 4), table_end = object_entry(count);
    size_t begin = table_end + OBJECT_CHECKSUM, moved = OBJECT_ENTRY + bytes;
    if (size < begin)
        return 0;
    memset(out, 0, size + moved);
    memcpy(out, data, OBJECT_HEADER);
    object_store(out + 12, 4, count + 1);
    unsigned char *entry = out + OBJECT_HEADER;
    memcpy(entry, id, 4);
    object_store(entry + 4, 4, flags);
    object_store(entry + 8, 8, begin + OBJECT_ENTRY);
    object_store(entry + 16, 8, bytes);
    memcpy(entry + OBJECT_ENTRY, data + OBJECT_HEADER, table_end - OBJECT_HEADER);
    for (size_t i = 1; i <= count; i++) {
        unsigned char *at = out + object_entry(i) + 8;
        object_store(at, 8, object_load(at, 8) + moved);
    }
    memcpy(out + begin + moved, data + begin, size - begin);
    object_seal(out, size + moved);
    return size + moved;
}

#endif
