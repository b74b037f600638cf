#include "kpu/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A shown line is cut to this many bytes around the caret: a list may be 64 KiB long. */
enum { SHOWN_BYTES = 96, SHOWN_BEFORE_CARET = 64 };

void kpu_diag_init(kpu_diag *diag)
{
    *diag = (kpu_diag){0};
}

static void entry_fini(kpu_diag_entry *entry)
{
    free((char *)entry->file);
    free((char *)entry->text);
    free((char *)entry->message);
}

void kpu_diag_fini(kpu_diag *diag)
{
    if (!diag)
        return;
    for (size_t i = 0; i < diag->count; i++)
        entry_fini(&diag->entries[i]);
    free(diag->entries);
    kpu_diag_init(diag);
}

static bool grow(kpu_diag *diag)
{
    if (diag->count < diag->capacity)
        return true;
    size_t capacity = diag->capacity ? 2 * diag->capacity : 8;
    kpu_diag_entry *entries = realloc(diag->entries, capacity * sizeof *entries);
    if (!entries)
        return false;
    diag->entries = entries;
    diag->capacity = capacity;
    return true;
}

/* Copies only one line of `text`, however much follows it. */
static char *copy_line(const char *text)
{
    return strndup(text, strcspn(text, "\r\n"));
}

static int add(kpu_diag *diag, int code, const kpu_place *place, const char *format, va_list list)
{
    if (!diag || diag->count >= KPU_DIAG_MAX || !grow(diag))
        return code;
    kpu_diag_entry entry = {.code = code};
    char *message = NULL;
    if (vasprintf(&message, format, list) < 0)
        return code;
    entry.message = message;
    if (place) {
        entry.line = place->line;
        entry.column = place->column;
        entry.file = place->file ? strdup(place->file) : NULL;
        entry.text = place->text ? copy_line(place->text) : NULL;
    }
    diag->entries[diag->count++] = entry;
    return code;
}

int kpu_diag_add(kpu_diag *diag, int code, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    add(diag, code, NULL, format, list);
    va_end(list);
    return code;
}

int kpu_diag_add_at(kpu_diag *diag, int code, const kpu_place *place, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    add(diag, code, place, format, list);
    va_end(list);
    return code;
}

static bool is_continuation(char c) /* of a UTF-8 sequence: takes no column on a screen */
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* Control characters of C1 are two bytes of UTF-8; some terminals obey them like an escape. */
static bool is_c1(const char *text)
{
    unsigned char second = (unsigned char)text[1];
    return (unsigned char)text[0] == 0xC2 && second >= 0x80 && second < 0xA0;
}

/* What is not text must not reach a terminal: names and lines come from files. */
static void put_safely(FILE *out, const char *text, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        unsigned char c = (unsigned char)text[i];
        bool hidden = (c < ' ' && c != '\t') || c == 0x7F || is_c1(text + i);
        fputc(hidden ? '?' : c, out);
        i += is_c1(text + i);
    }
}

static void render_line(FILE *out, const char *text, int64_t column)
{
    size_t length = strlen(text), caret = column > 0 ? (size_t)column - 1 : 0;
    size_t from = 0, to = length;
    if (caret > length)
        caret = length;
    if (length > SHOWN_BYTES) {
        from = caret > SHOWN_BEFORE_CARET ? caret - SHOWN_BEFORE_CARET : 0;
        to = from + SHOWN_BYTES < length ? from + SHOWN_BYTES : length;
        while (from > 0 && is_continuation(text[from]))
            from--;
        while (to < length && is_continuation(text[to]))
            to++;
    }
    fputs(from > 0 ? "  ..." : "  ", out);
    put_safely(out, text, from, to);
    fputs(to < length ? "...\n" : "\n", out);
    if (column <= 0)
        return;
    fputs(from > 0 ? "     " : "  ", out);
    for (size_t i = from; i < caret; i++) {
        if (!is_continuation(text[i]))
            fputc(text[i] == '\t' ? '\t' : ' ', out);
    }
    fputs("^\n", out);
}

char *kpu_diag_render(const kpu_diag *diag)
{
    char *string = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&string, &size);
    if (!out)
        return NULL;
    for (size_t i = 0; diag && i < diag->count; i++) {
        const kpu_diag_entry *entry = &diag->entries[i];
        if (entry->file) {
            put_safely(out, entry->file, 0, strlen(entry->file));
            fputc(':', out);
        }
        if (entry->line > 0)
            fprintf(out, "%lld:", (long long)entry->line);
        if (entry->line > 0 && entry->column > 0)
            fprintf(out, "%lld:", (long long)entry->column);
        fputs(entry->file ? " error: " : "error: ", out);
        put_safely(out, entry->message, 0, strlen(entry->message));
        fputc('\n', out);
        if (entry->text)
            render_line(out, entry->text, entry->column);
    }
    if (fclose(out) != 0) {
        free(string);
        return NULL;
    }
    return string;
}
