/* The binary form's frame, read: header, table of sections, checksums. */
#include "compiler/object_binary.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool kpu_object_is_binary(const void *data, size_t bytes)
{
    return bytes >= sizeof kpu_object_magic &&
           memcmp(data, kpu_object_magic, sizeof kpu_object_magic) == 0;
}

uint64_t kpu_object_load_uint(const unsigned char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

static int complain(const object_frame *frame, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int complain(const object_frame *frame, const char *format, ...)
{
    const kpu_place place = {.file = frame->path};
    char message[256];
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    return kpu_diag_add_at(frame->diag, KPU_E_INPUT, &place, "%s", message);
}

static uint64_t load(const object_frame *frame, size_t at, int bytes)
{
    return kpu_object_load_uint(frame->data + at, bytes);
}

/* Where the sections begin, 0 after a complaint. */
static size_t read_header(const object_frame *frame, size_t *sections)
{
    if (frame->bytes < OBJECT_HEADER_BYTES) {
        complain(frame, "cut off in the header: %zu of %d bytes", frame->bytes,
                 OBJECT_HEADER_BYTES);
        return 0;
    }
    unsigned major = (unsigned)load(frame, 4, 2), minor = (unsigned)load(frame, 6, 2);
    if (major != KPU_OBJECT_VERSION_MAJOR) {
        complain(frame, "version %u.%u of the object format, %s; this program reads %d.x", major,
                 minor, major > KPU_OBJECT_VERSION_MAJOR ? "from a newer program" : "which is none",
                 KPU_OBJECT_VERSION_MAJOR);
        return 0;
    }
    uint64_t flags = load(frame, 8, 4), count = load(frame, 12, 4);
    if (count > OBJECT_SECTIONS_MAX) {
        complain(frame, "byte 12: %" PRIu64 " sections; at most %d are allowed", count,
                 OBJECT_SECTIONS_MAX);
        return 0;
    }
    size_t table_end = OBJECT_HEADER_BYTES + (size_t)count * OBJECT_ENTRY_BYTES;
    if (frame->bytes < table_end + OBJECT_CHECKSUM_BYTES) {
        complain(frame, "cut off in the table of sections: %zu of %zu bytes", frame->bytes,
                 table_end + OBJECT_CHECKSUM_BYTES);
        return 0;
    }
    if (load(frame, table_end, OBJECT_CHECKSUM_BYTES) != kpu_crc32(frame->data, table_end)) {
        complain(frame,
                 "damaged: bytes 0 to %zu (header and table of sections) do not have the "
                 "checksum that stands there",
                 table_end - 1);
        return 0;
    }
    if (flags != 0) {
        complain(frame, "byte 8: unknown flags 0x%" PRIx64, flags);
        return 0;
    }
    *sections = (size_t)count;
    return table_end + OBJECT_CHECKSUM_BYTES;
}

/* The place of a section in its table, OBJECT_SECTIONS if it is not known. */
static size_t find_section(const char *name)
{
    size_t s = 0;
    while (s < OBJECT_SECTIONS && strcmp(kpu_object_section_names[s], name) != 0)
        s++;
    return s;
}

static void read_name(const unsigned char *id, char name[OBJECT_ID_BYTES + 1])
{
    for (int i = 0; i < OBJECT_ID_BYTES; i++)
        name[i] = isalnum(id[i]) ? (char)id[i] : '?';
    name[OBJECT_ID_BYTES] = '\0';
}

/* One entry of the table; its section begins at `begin`. */
static int read_entry(object_frame *frame, size_t entry, size_t begin, object_section *out)
{
    read_name(frame->data + entry, out->name);
    uint64_t flags = load(frame, entry + 4, 4), offset = load(frame, entry + 8, 8);
    uint64_t bytes = load(frame, entry + 16, 8), checksum = load(frame, entry + 24, 8);
    bool known = find_section(out->name) < OBJECT_SECTIONS;
    if (flags > OBJECT_OPTIONAL || (known && flags != 0))
        return complain(frame, "byte %zu: section %s has unknown flags 0x%" PRIx64, entry + 4,
                        out->name, flags);
    if (!known && flags != OBJECT_OPTIONAL)
        return complain(frame,
                        "byte %zu: section %s is unknown, and not one that may be skipped: "
                        "the object is from a newer program",
                        entry, out->name);
    if (offset != begin)
        return complain(frame,
                        "byte %zu: section %s begins at byte %" PRIu64 "; expected %zu, where "
                        "what is before it ends",
                        entry + 8, out->name, offset, begin);
    if (bytes > frame->bytes - begin)
        return complain(frame,
                        "cut off: section %s has %" PRIu64 " bytes from byte %zu on, the file "
                        "ends at %zu",
                        out->name, bytes, begin, frame->bytes);
    out->data = frame->data + begin;
    out->offset = begin;
    out->bytes = (size_t)bytes;
    if (checksum != kpu_crc32(out->data, out->bytes))
        return complain(frame, "damaged: section %s, bytes %zu to %zu, does not have its checksum",
                        out->name, begin, begin + out->bytes);
    return KPU_OK;
}

int kpu_object_frame_read(object_frame *frame)
{
    size_t count = 0, next = 0, at = read_header(frame, &count);
    if (at == 0)
        return KPU_E_INPUT;
    for (size_t i = 0; i < count; i++) {
        object_section section = {0};
        int status = read_entry(frame, OBJECT_HEADER_BYTES + i * OBJECT_ENTRY_BYTES, at, &section);
        if (status)
            return status;
        at += section.bytes;
        size_t known = find_section(section.name);
        if (known == OBJECT_SECTIONS)
            continue;
        if (known != next)
            return complain(frame, "section %s where %s was expected", section.name,
                            next < OBJECT_SECTIONS ? kpu_object_section_names[next] : "none");
        frame->sections[next++] = section;
    }
    if (next < OBJECT_SECTIONS)
        return complain(frame, "section %s is missing", kpu_object_section_names[next]);
    if (at != frame->bytes)
        return complain(frame, "the last section ends at byte %zu, the file at %zu", at,
                        frame->bytes);
    return KPU_OK;
}
