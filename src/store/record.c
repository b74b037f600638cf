/* A record of the journal in memory. */
#include <stdlib.h>
#include <string.h>

#include "store/disk.h"
#include "store/journal.h"

void kpu_record_fini(kpu_record *record)
{
    free(record->bytes);
    *record = (kpu_record){0};
}

const kpu_journal_header *kpu_record_header(const kpu_record *record)
{
    return (const kpu_journal_header *)record->bytes;
}

static const unsigned char *block_numbers(const kpu_record *record)
{
    return record->bytes + sizeof(kpu_journal_header);
}

static uint64_t block_number(const kpu_record *record, size_t index)
{
    uint64_t number;
    memcpy(&number, block_numbers(record) + index * sizeof number, sizeof number);
    return number;
}

static const unsigned char *block_content(const kpu_record *record, size_t index)
{
    return block_numbers(record) + kpu_record_header(record)->block_count * sizeof(uint64_t) +
           index * KPU_BLOCK_BYTES;
}

const void *kpu_record_bytes(const kpu_record *record)
{
    return block_content(record, kpu_record_header(record)->block_count);
}

static bool make_room(kpu_record *record, size_t size)
{
    if (size <= record->capacity)
        return true;
    unsigned char *bytes = realloc(record->bytes, size);
    if (!bytes)
        return false;
    record->bytes = bytes;
    record->capacity = size;
    return true;
}

bool kpu_record_make(kpu_record *record, const kpu_journal_header *header,
                     const kpu_overlay *overlay, const void *bytes)
{
    size_t count = overlay->count;
    size_t size =
        sizeof *header + count * (sizeof(uint64_t) + KPU_BLOCK_BYTES) + header->byte_count;
    size_t *order = kpu_overlay_order(overlay);
    if (!order || !make_room(record, size)) {
        free(order);
        return false;
    }
    record->size = size;
    kpu_journal_header *own = (kpu_journal_header *)record->bytes;
    *own = *header;
    own->block_count = count;
    unsigned char *numbers = record->bytes + sizeof *header;
    unsigned char *content = numbers + count * sizeof(uint64_t);
    for (size_t i = 0; i < count; i++) {
        memcpy(numbers + i * sizeof(uint64_t), &overlay->numbers[order[i]], sizeof(uint64_t));
        memcpy(content + i * KPU_BLOCK_BYTES, kpu_overlay_block(overlay, order[i]),
               KPU_BLOCK_BYTES);
    }
    if (header->byte_count > 0)
        memcpy(content + count * KPU_BLOCK_BYTES, bytes, header->byte_count);
    free(order);
    return true;
}

bool kpu_journal_number_find(const kpu_journal_number *numbers, const char *name, int64_t *out)
{
    for (size_t i = 0; i < KPU_STORE_NUMBERS; i++)
        if (numbers[i].name[0] && strcmp(numbers[i].name, name) == 0) {
            *out = numbers[i].value;
            return true;
        }
    return false;
}

bool kpu_record_load(const kpu_record *record, kpu_overlay *out)
{
    size_t count = kpu_record_header(record)->block_count;
    for (size_t i = 0; i < count; i++) {
        unsigned char *block = kpu_overlay_add(out, block_number(record, i));
        if (!block)
            return false;
        memcpy(block, block_content(record, i), KPU_BLOCK_BYTES);
    }
    return true;
}

static int apply_run(const kpu_record *record, int fd, size_t first, size_t end)
{
    return kpu_disk_write(fd, block_number(record, first) * KPU_BLOCK_BYTES,
                          block_content(record, first), (end - first) * KPU_BLOCK_BYTES);
}

int kpu_record_apply(const kpu_record *record, int fd)
{
    static const char no_signature[8];
    size_t count = kpu_record_header(record)->block_count;
    if (count == 0)
        return 0;
    /* The first block is in every record that has any, and goes last. */
    int error = kpu_disk_write(fd, 0, no_signature, sizeof no_signature);
    for (size_t first = 1, next; !error && first < count; first = next) {
        uint64_t number = block_number(record, first);
        for (next = first + 1; next < count; next++)
            if (block_number(record, next) != number + (next - first))
                break;
        error = apply_run(record, fd, first, next);
    }
    return error ? error : apply_run(record, fd, 0, 1);
}
