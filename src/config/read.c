/* Reads INI text through inih. inih gives its handler no line numbers, cuts lines at 200 bytes,
 * takes an indented or repeated key for the continuation of a value and gives keys that follow a
 * malformed section to the section before. So it never sees the file's own lines: our reader
 * walks the text, complains about every line that is not well formed, and hands inih a short
 * plain form of the others; the handler takes the value from our view of the line. */
#include "config_private.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS_MAX = 256 };

typedef struct reader {
    kpu_ini *ini;
    kpu_diag *diag;
    const char *next, *end; /* what is left of the text */
    const char *line;       /* the current line, `length` bytes, no line end */
    size_t length;
    int64_t number;                         /* of the current line, from 1 */
    size_t name_at, value_at, value_length; /* parts of the current line */
    bool in_section; /* a known one; keys are skipped where a section is wrong */
    bool skipping;
    int64_t section_line[KEYS_MAX]; /* where the section of this row of the table began */
    int complaints;
    int code;
} reader;

static kpu_place place_at(const reader *r, size_t offset)
{
    return (kpu_place){r->ini->path, r->number, (int64_t)offset + 1, r->line};
}

static void note(reader *r, int code)
{
    if (code == KPU_OK)
        return;
    r->code = r->code == KPU_E_MEMORY ? r->code : code;
    r->complaints++;
}

static void complain(reader *r, size_t offset, const char *message)
{
    kpu_place place = place_at(r, offset);
    note(r, kpu_diag_add_at(r->diag, KPU_E_INPUT, &place, "%s", message));
}

static bool next_line(reader *r)
{
    if (r->next >= r->end)
        return false;
    const char *newline = memchr(r->next, '\n', (size_t)(r->end - r->next));
    const char *stop = newline ? newline : r->end;
    r->line = r->next;
    r->next = newline ? newline + 1 : r->end;
    r->number++;
    if (stop > r->line && stop[-1] == '\r')
        stop--;
    r->length = (size_t)(stop - r->line);
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t skip_blanks(const reader *r, size_t at)
{
    while (at < r->length && is_blank(r->line[at]))
        at++;
    return at;
}

static size_t trim(const reader *r, size_t from, size_t to)
{
    while (to > from && is_blank(r->line[to - 1]))
        to--;
    return to;
}

static bool is_comment(const reader *r, size_t at)
{
    return at < r->length && (r->line[at] == ';' || r->line[at] == '#');
}

/* A line that is text and not too long; else complains. */
static bool is_text(reader *r)
{
    char message[96];
    if (r->length > KPU_INI_LINE_MAX) {
        snprintf(message, sizeof message, "line of %zu bytes; at most %d are allowed", r->length,
                 KPU_INI_LINE_MAX);
        complain(r, 0, message);
        return false;
    }
    size_t junk = kpu_text_first_junk(r->line, r->length);
    if (junk == r->length)
        return true;
    snprintf(message, sizeof message, "byte 0x%02X is no text: expected an INI file in UTF-8",
             (unsigned)(unsigned char)r->line[junk]);
    complain(r, junk, message);
    return false;
}

/* Where the section of that name begins in the table. */
static size_t section_row(const reader *r, const char *section)
{
    size_t row = 0;
    while (kpu_key_at(row)->file != r->ini->kind || strcmp(kpu_key_at(row)->section, section) != 0)
        row++;
    return row;
}

static bool open_section(reader *r, const char *section, size_t name_at)
{
    kpu_place place = place_at(r, name_at);
    if (!kpu_config_has_section(r->ini->kind, section)) {
        note(r, kpu_config_unknown_section(r->ini->kind, section, &place, r->diag));
        return false;
    }
    int64_t *first = &r->section_line[section_row(r, section)];
    if (*first > 0) {
        note(r, kpu_diag_add_at(r->diag, KPU_E_INPUT, &place,
                                "duplicate section [%s]; first given in line %lld", section,
                                (long long)*first));
    } else {
        *first = r->number;
    }
    return true; /* its keys are still worth checking */
}

/* "[name]" at `at`, in plain form to out[size]. */
static bool take_section(reader *r, size_t at, char *out, size_t size)
{
    size_t close = at + 1;
    char name[KPU_INI_NAME_MAX + 1];
    while (close < r->length && r->line[close] != ']')
        close++;
    r->in_section = false;
    r->skipping = true; /* until a section that is right begins */
    if (close == r->length) {
        complain(r, trim(r, at, r->length), "section without its closing ]");
        return false;
    }
    size_t from = skip_blanks(r, at + 1), to = trim(r, from, close);
    size_t rest = skip_blanks(r, close + 1);
    if (rest < r->length && !is_comment(r, rest)) {
        complain(r, rest, "nothing but a comment may follow a section's name");
        return false;
    }
    if (to <= from || to - from > KPU_INI_NAME_MAX ||
        !kpu_config_is_name(r->line + from, to - from)) {
        complain(r, from, "a section's name is 1 to 48 letters, digits, _ . or -");
        return false;
    }
    memcpy(name, r->line + from, to - from);
    name[to - from] = '\0';
    if (!open_section(r, name, from))
        return false;
    r->in_section = true;
    r->skipping = false;
    snprintf(out, size, "[%s]\n", name);
    return true;
}

/* End of the value: a comment begins at its front or after white space, so that a;b and a#b stay
 * whole. */
static size_t value_end(const reader *r, size_t from)
{
    return trim(r, from, from + kpu_config_comment(r->line + from, r->length - from));
}

/* "name = value" at `at`, in plain form to out[size]. */
static bool take_key(reader *r, size_t at, char *out, size_t size)
{
    const char *equals = memchr(r->line + at, '=', r->length - at);
    if (!equals) {
        complain(r, at, "expected key = value, [section] or a comment");
        return false;
    }
    size_t split = (size_t)(equals - r->line), to = trim(r, at, split);
    if (to == at || to - at > KPU_INI_NAME_MAX || !kpu_config_is_name(r->line + at, to - at)) {
        complain(r, at, "a key's name is 1 to 48 letters, digits, _ . or -");
        return false;
    }
    if (r->skipping)
        return false;
    if (!r->in_section) {
        complain(r, at, "key before any [section]");
        return false;
    }
    r->name_at = at;
    r->value_at = skip_blanks(r, split + 1);
    r->value_length = value_end(r, r->value_at) - r->value_at;
    if (r->value_length == 0)
        r->value_at = split + 1;
    snprintf(out, size, "%.*s=-\n", (int)(to - at), r->line + at);
    return true;
}

/* ini_reader: the next line that inih is to see, or NULL at the end. */
static char *read_line(char *out, int size, void *stream)
{
    reader *r = stream;
    while (r->code != KPU_E_MEMORY && next_line(r)) {
        if (r->complaints >= KPU_INI_ERRORS_MAX) {
            complain(r, 0, "too many errors; the rest of the file is not read");
            return NULL;
        }
        if (!is_text(r))
            continue;
        size_t at = skip_blanks(r, 0);
        if (at == r->length || is_comment(r, at))
            continue;
        bool taken = r->line[at] == '[' ? take_section(r, at, out, (size_t)size)
                                        : take_key(r, at, out, (size_t)size);
        if (taken)
            return out;
    }
    return NULL;
}

/* ini_handler: 1 is success; complaints are kept in the reader, and inih goes on. */
static int take_setting(void *user, const char *section, const char *name, const char *value)
{
    reader *r = user;
    (void)value; /* its plain form; the true one may be long */
    kpu_config_item item = {.section = section,
                            .name = name,
                            .value = r->line + r->value_at,
                            .value_length = r->value_length,
                            .name_place = place_at(r, r->name_at),
                            .value_place = place_at(r, r->value_at)};
    note(r, kpu_config_add(r->ini, &item, false, r->diag));
    return 1;
}

static void skip_byte_order_mark(reader *r)
{
    if (r->end - r->next >= 3 && memcmp(r->next, "\xEF\xBB\xBF", 3) == 0)
        r->next += 3;
}

/* Parses ini->text. */
static int parse(kpu_ini *ini, kpu_diag *diag)
{
    const kpu_place whole = {.file = ini->path};
    reader r = {.ini = ini, .diag = diag, .next = ini->text, .end = ini->text + ini->text_bytes};
    _Static_assert(KPU_INI_NAME_MAX < 50, "inih keeps 49 bytes of a name");
    skip_byte_order_mark(&r);
    int result = ini_parse_stream(read_line, &r, take_setting, &r);
    if (r.code == KPU_OK && result != 0)
        return kpu_diag_add_at(diag, KPU_E_INTERNAL, &whole, "inih stopped with %d", result);
    if (r.code == KPU_OK && ini->count == 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &whole,
                               "empty: expected sections with key = value lines");
    return r.code;
}

int kpu_ini_parse(const char *path, const char *text, size_t bytes, kpu_key_file kind, kpu_ini *out,
                  kpu_diag *diag)
{
    *out = (kpu_ini){.kind = kind, .path = strdup(path), .text = malloc(bytes + 1)};
    if (!out->path || !out->text)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    memcpy(out->text, text, bytes);
    out->text[bytes] = '\0';
    out->text_bytes = bytes;
    return parse(out, diag);
}

int kpu_ini_read(const char *path, kpu_key_file kind, kpu_ini *out, kpu_diag *diag)
{
    *out = (kpu_ini){.kind = kind};
    int code = kpu_text_read(path, &out->text, &out->text_bytes, diag);
    if (code != KPU_OK)
        return code;
    out->path = strdup(path);
    if (!out->path)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    return parse(out, diag);
}

/* A line of this file that opens a section of that kind. */
static bool begins_section_of(kpu_key_file kind, const char *text, const char *end)
{
    char name[KPU_INI_NAME_MAX + 1];
    while (text < end && is_blank(*text))
        text++;
    if (text == end || *text != '[')
        return false;
    const char *close = memchr(text, ']', (size_t)(end - text));
    size_t length = close ? (size_t)(close - text) - 1 : 0;
    if (length == 0 || length > KPU_INI_NAME_MAX)
        return false;
    memcpy(name, text + 1, length);
    name[length] = '\0';
    return kpu_config_has_section(kind, name);
}

kpu_key_file kpu_ini_detect(const char *text, size_t bytes)
{
    int machine = 0, sweep = 0;
    const char *end = text + bytes;
    for (const char *line = text; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *stop = newline ? newline : end;
        machine += begins_section_of(KPU_FILE_MACHINE, line, stop);
        sweep += begins_section_of(KPU_FILE_SWEEP, line, stop);
        line = newline ? newline + 1 : end;
    }
    return sweep > machine ? KPU_FILE_SWEEP : KPU_FILE_MACHINE;
}
