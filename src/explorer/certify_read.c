/* Lines and words of a certificate. Whatever is not written exactly as docs/certificate.md says is
 * refused, so that nothing can be read in two ways. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explorer/certify.h"

enum { BUFFER_BYTES = 1 << 16 };

int kpu_certify_reader_init(kpu_certify_reader *reader, const kpu_certify_source *source,
                            kpu_diag *diag)
{
    memset(reader, 0, sizeof *reader);
    reader->source = source;
    reader->diag = diag;
    reader->hash = kpu_hash_new();
    reader->buffer = malloc(BUFFER_BYTES);
    return reader->hash && reader->buffer ? KPU_OK
                                          : kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
}

void kpu_certify_reader_fini(kpu_certify_reader *reader)
{
    kpu_hash_free(reader->hash);
    free(reader->buffer);
}

int kpu_certify_complain(const kpu_certify_reader *reader, size_t word, const char *format, ...)
{
    char message[KPU_CERTIFY_REASON_MAX];
    kpu_place place = {.file = reader->source->name, .line = reader->number, .text = reader->line};
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    if (word < reader->words)
        place.column = reader->word[word] - reader->cut + 1;
    return kpu_diag_add_at(reader->diag, KPU_E_REFUTED, &place, "%s", message);
}

/* A complaint about a line that could not be read. */
static int complain_unread(const kpu_certify_reader *reader, const char *message)
{
    const kpu_place place = {.file = reader->source->name, .line = reader->number};
    return kpu_diag_add_at(reader->diag, KPU_E_REFUTED, &place, "%s", message);
}

/* Makes sure that a whole line is in the buffer, or all that is left. */
static int fill(kpu_certify_reader *reader)
{
    size_t left = reader->used - reader->next;
    if (reader->drained || left >= KPU_CERTIFY_LINE_MAX)
        return KPU_OK;
    memmove(reader->buffer, reader->buffer + reader->next, left);
    size_t got = 0;
    int code = reader->source->read(reader->source->context, reader->buffer + left,
                                    BUFFER_BYTES - left, &got, reader->diag);
    reader->next = 0;
    reader->used = left + got;
    reader->drained = reader->used < BUFFER_BYTES;
    return code;
}

/* Cuts the line into its words. */
static int cut(kpu_certify_reader *reader)
{
    memcpy(reader->cut, reader->line, sizeof reader->cut);
    reader->words = 0;
    for (char *next = reader->cut; next;) {
        if (reader->words == KPU_CERTIFY_WORDS_MAX)
            return kpu_certify_complain(reader, KPU_CERTIFY_WORDS_MAX, "too many words");
        char *from = next;
        next = strchr(from, ' ');
        if (next)
            *next++ = '\0';
        reader->word[reader->words++] = from;
        if (*from == '\0')
            return kpu_certify_complain(reader, reader->words - 1,
                                        "expected words with one space between them");
    }
    return KPU_OK;
}

int kpu_certify_read_line(kpu_certify_reader *reader)
{
    if (reader->number > 0) { /* the newline stands where the current line ends */
        kpu_hash_add(reader->hash, reader->line, strlen(reader->line));
        kpu_hash_add(reader->hash, "\n", 1);
    }
    reader->number++;
    reader->words = 0;
    int code = fill(reader);
    if (code != KPU_OK)
        return code;
    const char *from = reader->buffer + reader->next;
    size_t left = reader->used - reader->next;
    size_t most = left < KPU_CERTIFY_LINE_MAX ? left : KPU_CERTIFY_LINE_MAX;
    const char *newline = memchr(from, '\n', most);
    if (left == 0)
        return complain_unread(reader, "the file ends before its line 'end'");
    if (!newline)
        return complain_unread(reader, most < KPU_CERTIFY_LINE_MAX
                                           ? "the file ends within a line"
                                           : "a line of more than 1024 bytes");
    size_t length = (size_t)(newline - from);
    for (size_t i = 0; i < length; i++)
        if (from[i] < ' ' || from[i] > '~')
            return complain_unread(reader, "a byte that is no printable ASCII character");
    memcpy(reader->line, from, length);
    reader->line[length] = '\0';
    reader->next += length + 1;
    return cut(reader);
}

int kpu_certify_read_end(kpu_certify_reader *reader)
{
    int code = fill(reader);
    if (code != KPU_OK || reader->next == reader->used)
        return code;
    reader->number++;
    return complain_unread(reader, "the file goes on after its line 'end'");
}

int kpu_certify_want_words(const kpu_certify_reader *reader, size_t count)
{
    if (reader->words == count)
        return KPU_OK;
    return kpu_certify_complain(reader, KPU_CERTIFY_WORDS_MAX,
                                "a line '%s' has %zu words here, this one has %zu", reader->word[0],
                                count, reader->words);
}

int kpu_certify_want_int(const kpu_certify_reader *reader, size_t word, kpu_certify_range range,
                         int64_t *out)
{
    const char *text = reader->word[word];
    char again[24];
    int64_t value = strtoll(text, NULL, 10); /* stops at its limits */
    snprintf(again, sizeof again, "%" PRId64, value);
    if (strcmp(text, again) != 0)
        return kpu_certify_complain(reader, word, "expected an integer of 64 bits");
    if (value < range.low || value > range.high)
        return kpu_certify_complain(reader, word, "expected a number in %" PRId64 " .. %" PRId64,
                                    range.low, range.high);
    *out = value;
    return KPU_OK;
}

int kpu_certify_want_value(const kpu_certify_reader *reader, size_t word, bool may_be_nan,
                           double *out)
{
    const char *text = reader->word[word];
    char again[32];
    *out = NAN;
    if (may_be_nan && strcmp(text, "nan") == 0)
        return KPU_OK;
    double value = strtod(text, NULL);
    snprintf(again, sizeof again, "%.17g", value);
    if (!isfinite(value) || strcmp(text, again) != 0)
        return kpu_certify_complain(reader, word, "expected a value as %%.17g prints it");
    *out = value;
    return KPU_OK;
}
