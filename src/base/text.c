#include "kpu/base.h"

int kpu_text_read(const char *path, char **out, size_t *bytes, kpu_diag *diag)
{
    return kpu_file_read(path, KPU_TEXT_FILE_MAX, out, bytes, diag);
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
