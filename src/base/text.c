#include "kpu/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int too_large(const kpu_place *place, kpu_diag *diag)
{
    return kpu_diag_add_at(diag, KPU_E_INPUT, place, "too large: more than %d MiB",
                           KPU_TEXT_FILE_MAX >> 20);
}

/* Reads to the end, whatever the size claims: it may be a pipe. */
static int read_stream(FILE *in, const kpu_place *place, char **out, size_t *bytes, kpu_diag *diag)
{
    size_t capacity = 4096, used = 0;
    char *text = malloc(capacity + 1);
    while (text) {
        used += fread(text + used, 1, capacity - used, in);
        if (used < capacity || used > KPU_TEXT_FILE_MAX)
            break;
        capacity *= 2;
        char *grown = realloc(text, capacity + 1);
        if (!grown)
            free(text);
        text = grown;
    }
    if (!text)
        return kpu_diag_add_at(diag, KPU_E_MEMORY, place, "out of memory");
    if (ferror(in) || used > KPU_TEXT_FILE_MAX) {
        int error = errno;
        free(text);
        if (used > KPU_TEXT_FILE_MAX)
            return too_large(place, diag);
        return kpu_diag_add_at(diag, KPU_E_INPUT, place, "cannot be read: %s", strerror(error));
    }
    text[used] = '\0';
    *out = text;
    *bytes = used;
    return KPU_OK;
}

int kpu_text_read(const char *path, char **out, size_t *bytes, kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    struct stat status;
    FILE *in = fopen(path, "rb");
    if (!in)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "cannot be opened: %s", strerror(errno));
    int code;
    if (fstat(fileno(in), &status) != 0)
        code = kpu_diag_add_at(diag, KPU_E_INPUT, &place, "cannot be read: %s", strerror(errno));
    else if (S_ISDIR(status.st_mode))
        code = kpu_diag_add_at(diag, KPU_E_INPUT, &place, "is a directory, a file was expected");
    else if (S_ISREG(status.st_mode) && status.st_size > KPU_TEXT_FILE_MAX)
        code = too_large(&place, diag);
    else
        code = read_stream(in, &place, out, bytes, diag);
    fclose(in);
    return code;
}

/* Bytes of the UTF-8 sequence at `text`, 0 if it is none (overlong, surrogate, too far, cut). */
static size_t utf8_length(const unsigned char *text, size_t bytes)
{
    unsigned char lead = text[0];
    size_t length = lead < 0x80   ? 1
                    : lead < 0xC2 ? 0
                    : lead < 0xE0 ? 2
                    : lead < 0xF0 ? 3
                    : lead < 0xF5 ? 4
                                  : 0;
    if (length == 0 || length > bytes)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    }
    if ((lead == 0xE0 && text[1] < 0xA0) || (lead == 0xED && text[1] > 0x9F) ||
        (lead == 0xF0 && text[1] < 0x90) || (lead == 0xF4 && text[1] > 0x8F))
        return 0;
    return length;
}

size_t kpu_text_first_junk(const char *text, size_t bytes)
{
    size_t i = 0;
    while (i < bytes) {
        unsigned char c = (unsigned char)text[i];
        size_t length = utf8_length((const unsigned char *)text + i, bytes - i);
        if (length == 0 || (c < ' ' && c != '\t') || c == 0x7F)
            return i;
        i += length;
    }
    return bytes;
}
