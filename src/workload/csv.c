/* name,M,N,K,count[,types] */
#include "workload_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMN_NAME = KPU_WORKLOAD_NUMBERS, COLUMN_TYPES, COLUMNS };
enum { FIELDS_MAX = 16, LINE_MAX_BYTES = 4096, ERRORS_MAX = 50 };

static const char *const column_names[COLUMNS] = {
    [KPU_M] = "M",          [KPU_N] = "N",           [KPU_K] = "K", [KPU_WORKLOAD_COUNT] = "count",
    [COLUMN_NAME] = "name", [COLUMN_TYPES] = "types"};

typedef struct line_fields {
    char buffer[LINE_MAX_BYTES + 1]; /* the fields, unquoted, each NUL-terminated */
    const char *text[FIELDS_MAX];
    int64_t column[FIELDS_MAX]; /* where each begins in its line, from 1 */
    int count;
} line_fields;

typedef struct csv {
    const char *path;
    const char *next, *end;
    const char *line; /* the current one, `length` bytes */
    size_t length;
    int64_t number;
    int order[FIELDS_MAX]; /* COLUMN of each field */
    int width;             /* fields of the header; 0: it is still to come */
    line_fields fields;
    const kpu_element_types *types;
    kpu_workload *workload;
    kpu_diag *diag;
    int complaints, code;
} csv;

static kpu_place place_at(const csv *c, int64_t column)
{
    return (kpu_place){c->path, c->number, column, c->line};
}

static void note(csv *c, int code)
{
    c->code = c->code == KPU_OK ? code : c->code;
    c->complaints += code != KPU_OK;
}

static void complain(csv *c, int64_t column, const char *message)
{
    kpu_place place = place_at(c, column);
    note(c, kpu_diag_add_at(c->diag, KPU_E_INPUT, &place, "%s", message));
}

static bool next_line(csv *c)
{
    if (c->next >= c->end)
        return false;
    const char *newline = memchr(c->next, '\n', (size_t)(c->end - c->next));
    const char *stop = newline ? newline : c->end;
    c->line = c->next;
    c->next = newline ? newline + 1 : c->end;
    c->number++;
    if (stop > c->line && stop[-1] == '\r')
        stop--;
    c->length = (size_t)(stop - c->line);
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t skip_blanks(const csv *c, size_t at)
{
    while (at < c->length && is_blank(c->line[at]))
        at++;
    return at;
}

/* Copies the quoted field at *at (its opening quote); false if it does not end. */
static bool take_quoted(const csv *c, size_t *at, char **out)
{
    for (++*at; *at < c->length; ++*at) {
        if (c->line[*at] == '"') {
            if (*at + 1 >= c->length || c->line[*at + 1] != '"') {
                ++*at;
                return true;
            }
            ++*at; /* "" is one quote */
        }
        *(*out)++ = c->line[*at];
    }
    return false;
}

static void take_plain(const csv *c, size_t *at, char **out)
{
    const char *start = *out;
    for (; *at < c->length && c->line[*at] != ','; ++*at)
        *(*out)++ = c->line[*at];
    while (*out > start && is_blank((*out)[-1]))
        --*out;
}

static bool split(csv *c)
{
    line_fields *f = &c->fields;
    char *out = f->buffer;
    size_t at = 0;
    f->count = 0;
    for (bool more = true; more; at++) {
        at = skip_blanks(c, at);
        if (f->count == FIELDS_MAX) {
            complain(c, (int64_t)at + 1, "too many fields");
            return false;
        }
        f->text[f->count] = out;
        f->column[f->count++] = (int64_t)at + 1;
        if (at < c->length && c->line[at] == '"') {
            if (!take_quoted(c, &at, &out)) {
                complain(c, f->column[f->count - 1], "quote without its end in this line");
                return false;
            }
            at = skip_blanks(c, at);
        } else {
            take_plain(c, &at, &out);
        }
        *out++ = '\0';
        if (at < c->length && c->line[at] != ',') {
            complain(c, (int64_t)at + 1, "expected a comma after the closing quote");
            return false;
        }
        more = at < c->length;
    }
    return true;
}

static int find_column(const char *name)
{
    for (int i = 0; i < COLUMNS; i++) {
        if (strcmp(column_names[i], name) == 0)
            return i;
    }
    return -1;
}

static void unknown_column(csv *c, int field)
{
    kpu_place place = place_at(c, c->fields.column[field]);
    const char *nearest = kpu_nearest_name(c->fields.text[field], column_names, COLUMNS);
    note(c, kpu_diag_add_at(c->diag, KPU_E_INPUT, &place, "unknown column '%s'%s%s%s",
                            c->fields.text[field],
                            nearest ? "; did you mean '" : "; expected the header name,M,N,K,count",
                            nearest ? nearest : "", nearest ? "'?" : ""));
}

static void take_header(csv *c)
{
    unsigned seen = 0;
    for (int i = 0; i < c->fields.count; i++) {
        c->order[i] = find_column(c->fields.text[i]);
        if (c->order[i] < 0) {
            unknown_column(c, i);
            return;
        }
        if (seen & 1U << c->order[i]) {
            complain(c, c->fields.column[i], "duplicate column");
            return;
        }
        seen |= 1U << c->order[i];
    }
    if ((seen | 1U << COLUMN_TYPES) != (1U << COLUMNS) - 1)
        complain(c, 1, "the header lacks a column; expected name,M,N,K,count");
    else
        c->width = c->fields.count;
}

/* One field into the gemm. */
static int take_field(csv *c, int field, kpu_gemm *gemm, kpu_element_types *types)
{
    const char *text = c->fields.text[field];
    kpu_place place = place_at(c, c->fields.column[field]);
    int column = c->order[field];
    switch (column) {
    case COLUMN_NAME:
        gemm->name = (char *)text;
        return *text ? KPU_OK : kpu_diag_add_at(c->diag, KPU_E_INPUT, &place, "a GEMM has no name");
    case COLUMN_TYPES:
        return *text ? kpu_element_types_parse(text, &place, types, c->diag) : KPU_OK;
    case KPU_WORKLOAD_COUNT:
        return kpu_key_parse_int(&kpu_workload_number_keys[column], text, &place, &gemm->count,
                                 c->diag);
    default:
        return kpu_key_parse_int(&kpu_workload_number_keys[column], text, &place,
                                 &gemm->problem.dim[column], c->diag);
    }
}

static void take_row(csv *c)
{
    kpu_gemm gemm = {0};
    kpu_element_types types = *c->types;
    kpu_place place = place_at(c, 1);
    int code = KPU_OK;
    if (c->fields.count != c->width) {
        note(c, kpu_diag_add_at(c->diag, KPU_E_INPUT, &place,
                                "%d fields; the header has %d columns", c->fields.count, c->width));
        return;
    }
    for (int i = 0; i < c->width; i++) {
        int field_code = take_field(c, i, &gemm, &types);
        code = code == KPU_OK ? field_code : code;
    }
    memcpy(gemm.problem.element_bytes, types.bytes, sizeof types.bytes);
    gemm.problem.partial_bytes = types.partial_bytes;
    note(c, code == KPU_OK ? kpu_workload_add(c->workload, &gemm, &place, c->diag) : code);
}

static bool is_text(csv *c)
{
    if (c->length > LINE_MAX_BYTES) {
        complain(c, 0, "line too long; at most 4096 bytes are allowed");
        return false;
    }
    size_t junk = kpu_text_first_junk(c->line, c->length);
    if (junk < c->length)
        complain(c, (int64_t)junk + 1, "a byte here is no text: expected a CSV file in UTF-8");
    return junk == c->length;
}

static void take_lines(csv *c)
{
    if (c->end - c->next >= 3 && memcmp(c->next, "\xEF\xBB\xBF", 3) == 0)
        c->next += 3; /* a byte order mark */
    while (c->code != KPU_E_MEMORY && next_line(c)) {
        if (c->complaints >= ERRORS_MAX) {
            complain(c, 0, "too many errors; the rest of the file is not read");
            return;
        }
        size_t at = skip_blanks(c, 0);
        if (!is_text(c) || at == c->length || c->line[at] == '#' || !split(c))
            continue;
        if (c->width > 0)
            take_row(c);
        else
            take_header(c);
        if (c->width == 0)
            return; /* without a header nothing else makes sense */
    }
}

static char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t length = strlen(name);
    if (length > 4 && strcmp(name + length - 4, ".csv") == 0)
        length -= 4;
    return strndup(name, length);
}

int kpu_workload_parse_csv(const kpu_workload_source *source, const kpu_element_types *types,
                           kpu_workload *out, kpu_diag *diag)
{
    const kpu_place whole = {.file = source->path};
    *out = (kpu_workload){.name = name_of(source->path)};
    csv *c = calloc(1, sizeof *c);
    int code = KPU_E_MEMORY;
    if (c && out->name) {
        c->path = source->path;
        c->next = source->text;
        c->end = source->text + source->bytes;
        c->types = types;
        c->workload = out;
        c->diag = diag;
        take_lines(c);
        code = c->code;
        if (code == KPU_OK && out->gemm_count == 0)
            code = kpu_diag_add_at(diag, KPU_E_INPUT, &whole,
                                   "no GEMM: expected the header name,M,N,K,count and a line each");
    } else {
        kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    }
    free(c);
    if (code != KPU_OK)
        kpu_workload_fini(out);
    return code;
}

int kpu_workload_read_csv(const char *path, const kpu_element_types *types, kpu_workload *out,
                          kpu_diag *diag)
{
    kpu_workload_source source = {.path = path};
    char *text = NULL;
    *out = (kpu_workload){0};
    int code = kpu_text_read(path, &text, &source.bytes, diag);
    if (code != KPU_OK)
        return code;
    source.text = text;
    code = kpu_workload_parse_csv(&source, types, out, diag);
    free(text);
    return code;
}
