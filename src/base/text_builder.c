/* Growing strings. */
#include "kpu/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256, INT64_DIGITS = 20 };

void kpu_text_fini(kpu_text *text)
{
    free(text->data);
    *text = (kpu_text){0};
}

void kpu_text_clear(kpu_text *text)
{
    text->length = 0;
    if (text->data)
        text->data[0] = '\0';
}

/* Room for `more` bytes and a NUL; remembers a failure, after which nothing is appended. */
static bool reserve(kpu_text *text, size_t more)
{
    if (text->failed)
        return false;
    size_t need = text->length + more + 1;
    if (need <= text->capacity)
        return true;
    size_t capacity = text->capacity ? text->capacity : FIRST_CAPACITY;
    while (capacity < need)
        capacity *= 2;
    char *data = realloc(text->data, capacity);
    if (!data) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void kpu_text_put_bytes(kpu_text *text, const char *bytes, size_t count)
{
    if (!reserve(text, count))
        return;
    memcpy(text->data + text->length, bytes, count);
    text->length += count;
    text->data[text->length] = '\0';
}

void kpu_text_put(kpu_text *text, const char *string)
{
    kpu_text_put_bytes(text, string, strlen(string));
}

void kpu_text_repeat(kpu_text *text, char c, int count)
{
    if (count <= 0 || !reserve(text, (size_t)count))
        return;
    memset(text->data + text->length, c, (size_t)count);
    text->length += (size_t)count;
    text->data[text->length] = '\0';
}

void kpu_text_format(kpu_text *text, const char *format, ...)
{
    va_list list, again;
    va_start(list, format);
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, list);
    if (length >= 0 && reserve(text, (size_t)length)) {
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
    va_end(list);
}

void kpu_text_put_int(kpu_text *text, int64_t value)
{
    char digits[INT64_DIGITS];
    int at = INT64_DIGITS;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        digits[--at] = '-';
    kpu_text_put_bytes(text, digits + at, (size_t)(INT64_DIGITS - at));
}

void kpu_text_put_double(kpu_text *text, double value)
{
    const double exact_integers = 9007199254740992.0; /* 2^53 */
    if (value > -exact_integers && value < exact_integers && value == (double)(int64_t)value) {
        kpu_text_put_int(text, (int64_t)value);
        return;
    }
    char digits[40];
    int precision = 15; /* 17 digits always come back as the same double, 15 often do */
    do
        snprintf(digits, sizeof digits, "%.*g", precision, value);
    while (precision++ < 17 && strtod(digits, NULL) != value);
    kpu_text_put(text, digits);
}

void kpu_text_put_json_string(kpu_text *text, const char *string)
{
    kpu_text_put(text, "\"");
    for (const char *c = string; *c; c++) {
        if (*c == '"' || *c == '\\')
            kpu_text_format(text, "\\%c", *c);
        else if (*c == '\n')
            kpu_text_put(text, "\\n");
        else if ((unsigned char)*c < ' ')
            kpu_text_format(text, "\\u%04x", (unsigned)*c);
        else
            kpu_text_put_bytes(text, c, 1);
    }
    kpu_text_put(text, "\"");
}

void kpu_text_put_json_number(kpu_text *text, double value)
{
    if (value - value == 0)
        kpu_text_put_double(text, value);
    else
        kpu_text_put(text, "null"); /* JSON has neither NaN nor infinity */
}
