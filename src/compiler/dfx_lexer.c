#include "compiler/dfx_lexer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Lines -------------------------------------------------------------------------------- */

bool kpu_dfx_complain_at(kpu_dfx_lexer *l, size_t at, const char *format, ...)
{
    l->complaints++;
    if (l->code == KPU_OK)
        l->code = KPU_E_INPUT;
    const kpu_place place = {l->path, l->number, (int64_t)at + 1, l->line};
    char *message = NULL;
    va_list list;
    va_start(list, format);
    if (vasprintf(&message, format, list) < 0)
        message = NULL;
    va_end(list);
    kpu_diag_add_at(l->diag, KPU_E_INPUT, &place, "%s", message ? message : "out of memory");
    free(message);
    return false;
}

bool kpu_dfx_out_of_memory(kpu_dfx_lexer *l)
{
    if (l->code != KPU_E_MEMORY)
        kpu_diag_add(l->diag, KPU_E_MEMORY, "out of memory");
    l->code = KPU_E_MEMORY;
    return false;
}

static void skip_blanks(kpu_dfx_lexer *l)
{
    while (l->at < l->length && (l->line[l->at] == ' ' || l->line[l->at] == '\t'))
        l->at++;
}

bool kpu_dfx_line_ends(kpu_dfx_lexer *l)
{
    skip_blanks(l);
    return l->at == l->length || l->line[l->at] == '#';
}

bool kpu_dfx_take_line_end(kpu_dfx_lexer *l)
{
    return kpu_dfx_line_ends(l) || kpu_dfx_complain_at(l, l->at, "expected the end of the line");
}

bool kpu_dfx_next_line(kpu_dfx_lexer *l)
{
    while (l->next < l->end && l->complaints < KPU_DFX_ERRORS_MAX && l->code != KPU_E_MEMORY) {
        const char *newline = memchr(l->next, '\n', (size_t)(l->end - l->next));
        const char *stop = newline ? newline : l->end;
        l->line = l->next;
        l->next = newline ? newline + 1 : l->end;
        l->number++;
        l->at = 0;
        if (stop > l->line && stop[-1] == '\r')
            stop--;
        l->length = (size_t)(stop - l->line);
        size_t junk = kpu_text_first_junk(l->line, l->length);
        if (junk < l->length)
            kpu_dfx_complain_at(l, junk, "byte 0x%02X is no text: expected DFX text in UTF-8",
                                (unsigned)(unsigned char)l->line[junk]);
        else if (!kpu_dfx_line_ends(l))
            return true;
    }
    return false;
}

/* ---- Words -------------------------------------------------------------------------------- */

static bool is_word_byte(const kpu_dfx_lexer *l, size_t at)
{
    char c = l->line[at];
    if (c == '-') /* "->" is a symbol */
        return at + 1 == l->length || l->line[at + 1] != '>';
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '+';
}

static size_t word_length(kpu_dfx_lexer *l)
{
    skip_blanks(l);
    size_t end = l->at;
    while (end < l->length && is_word_byte(l, end))
        end++;
    return end - l->at;
}

bool kpu_dfx_take_word(kpu_dfx_lexer *l, const char *what, char out[KPU_DFX_WORD_MAX + 1])
{
    size_t length = word_length(l);
    if (length == 0 || length > KPU_DFX_WORD_MAX)
        return kpu_dfx_complain_at(l, l->at, "expected %s", what);
    memcpy(out, l->line + l->at, length);
    out[length] = '\0';
    l->at += length;
    return true;
}

bool kpu_dfx_skip(kpu_dfx_lexer *l, const char *text)
{
    size_t word = word_length(l), length = strlen(text);
    bool matches = l->length - l->at >= length && memcmp(l->line + l->at, text, length) == 0 &&
                   (word == 0 || word == length);
    if (matches)
        l->at += length;
    return matches;
}

bool kpu_dfx_take(kpu_dfx_lexer *l, const char *text)
{
    return kpu_dfx_skip(l, text) || kpu_dfx_complain_at(l, l->at, "expected '%s'", text);
}

bool kpu_dfx_take_listed(kpu_dfx_lexer *l, kpu_dfx_words words, uint8_t *out)
{
    char word[KPU_DFX_WORD_MAX + 1];
    if (!kpu_dfx_take_word(l, words.what, word))
        return false;
    for (size_t i = 0; i < words.count; i++)
        if (strcmp(word, words.names[i]) == 0) {
            *out = (uint8_t)i;
            return true;
        }
    const char *nearest = kpu_nearest_name(word, words.names, words.count);
    return kpu_dfx_complain_at(l, l->at - strlen(word), "'%s' is not %s%s%s%s", word, words.what,
                               nearest ? "; did you mean '" : "", nearest ? nearest : "",
                               nearest ? "'?" : "");
}

bool kpu_dfx_take_dtype(kpu_dfx_lexer *l, int32_t *out)
{
    char word[KPU_DFX_WORD_MAX + 1];
    if (!kpu_dfx_take_word(l, "an element type", word))
        return false;
    *out = kpu_dtype_find(word);
    if (*out >= 0)
        return true;
    const char *nearest = kpu_dtype_nearest(word);
    return kpu_dfx_complain_at(l, l->at - strlen(word), "'%s' is not an element type%s%s%s", word,
                               nearest ? "; did you mean '" : "", nearest ? nearest : "",
                               nearest ? "'?" : "");
}

/* ---- Numbers ------------------------------------------------------------------------------ */

bool kpu_dfx_take_int(kpu_dfx_lexer *l, const char *what, kpu_range range, int64_t *out)
{
    char word[KPU_DFX_WORD_MAX + 1];
    if (!kpu_dfx_take_word(l, what, word))
        return false;
    size_t column = l->at - strlen(word);
    const char *digits = word + (word[0] == '-');
    if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
        return kpu_dfx_complain_at(l, column, "'%s' is no whole number: expected %s", word, what);
    errno = 0;
    *out = strtoll(word, NULL, 10);
    if (errno != 0 || *out < range.low || *out > range.high)
        return kpu_dfx_complain_at(l, column, "%s is %s: expected %lld to %lld", what, word,
                                   (long long)range.low, (long long)range.high);
    return true;
}

bool kpu_dfx_take_real(kpu_dfx_lexer *l, const char *what, double *out)
{
    char word[KPU_DFX_WORD_MAX + 1], *end;
    if (!kpu_dfx_take_word(l, what, word))
        return false;
    *out = strtod(word, &end);
    if (*end != '\0' || word[strspn(word, "0123456789.eE+-")] != '\0')
        return kpu_dfx_complain_at(l, l->at - strlen(word), "'%s' is no number: expected %s", word,
                                   what);
    return true;
}

/* ---- Strings ------------------------------------------------------------------------------ */

/* UTF-8 of a code point below 0x10000; bytes. */
static size_t encode(unsigned code, char out[3])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    out[0] = (char)(0xE0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3F));
    out[2] = (char)(0x80 | (code & 0x3F));
    return 3;
}

/* The four digits behind \u; 0: none, or a code point that is no character by itself. */
static unsigned take_code(kpu_dfx_lexer *l)
{
    char digits[5] = {0};
    if (l->length - l->at < 4)
        return 0;
    memcpy(digits, l->line + l->at, 4);
    if (digits[strspn(digits, "0123456789abcdefABCDEF")] != '\0')
        return 0;
    unsigned code = (unsigned)strtoul(digits, NULL, 16);
    l->at += 4;
    return code >= 0xD800 && code <= 0xDFFF ? 0 : code;
}

/* What follows a backslash; bytes written to `out`, 0: it is no escape. */
static size_t take_escape(kpu_dfx_lexer *l, char out[3])
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = l->at < l->length ? l->line[l->at++] : '\0';
    if (c == 'u') {
        unsigned code = take_code(l);
        return code ? encode(code, out) : 0;
    }
    const char *found = c ? strchr(from, c) : NULL;
    if (!found)
        return 0;
    out[0] = to[found - from];
    return 1;
}

bool kpu_dfx_take_string(kpu_dfx_lexer *l, const char *what, char out[KPU_GRAPH_NAME_MAX + 1])
{
    skip_blanks(l);
    size_t start = l->at, used = 0;
    if (start == l->length || l->line[start] != '"')
        return kpu_dfx_complain_at(l, start, "expected %s in quotes", what);
    for (l->at++; l->at < l->length && l->line[l->at] != '"';) {
        size_t from = l->at, bytes = 1;
        char piece[3] = {l->line[l->at++]};
        if (piece[0] == '\\' && (bytes = take_escape(l, piece)) == 0)
            return kpu_dfx_complain_at(l, from, "an escape that is none: expected one of JSON's");
        if (used + bytes > KPU_GRAPH_NAME_MAX)
            return kpu_dfx_complain_at(l, start, "%s of more than %d bytes", what,
                                       KPU_GRAPH_NAME_MAX);
        memcpy(out + used, piece, bytes);
        used += bytes;
    }
    out[used] = '\0';
    if (l->at++ < l->length)
        return true;
    l->at = l->length;
    return kpu_dfx_complain_at(l, start, "%s without its closing quote", what);
}
