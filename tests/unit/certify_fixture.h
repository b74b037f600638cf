/* Certificates as lists of lines: made by the search `exact`, changed line by line, signed again,
 * checked. */
#ifndef KPU_CERTIFY_FIXTURE_H
#define KPU_CERTIFY_FIXTURE_H

#include "kpu/explorer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines without their newlines; the checksum is the last one. */
typedef struct certificate {
    char **line;
    size_t count, capacity;
} certificate;

static inline void *must_have(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static inline void certificate_insert(certificate *c, size_t at, const char *text)
{
    if (c->count == c->capacity) {
        c->capacity = c->capacity ? 2 * c->capacity : 256;
        c->line = must_have(realloc(c->line, c->capacity * sizeof *c->line));
    }
    memmove(c->line + at + 1, c->line + at, (c->count - at) * sizeof *c->line);
    c->line[at] = must_have(strdup(text));
    c->count++;
}

static inline void certificate_remove(certificate *c, size_t at)
{
    free(c->line[at]);
    memmove(c->line + at, c->line + at + 1, (c->count - at - 1) * sizeof *c->line);
    c->count--;
}

__attribute__((format(printf, 3, 4))) static inline void certificate_set(certificate *c, size_t at,
                                                                         const char *format, ...)
{
    char *text;
    va_list list;
    va_start(list, format);
    if (vasprintf(&text, format, list) < 0)
        abort();
    va_end(list);
    free(c->line[at]);
    c->line[at] = text;
}

static inline void certificate_swap(certificate *c, size_t i, size_t j)
{
    char *line = c->line[i];
    c->line[i] = c->line[j];
    c->line[j] = line;
}

static inline void certificate_fini(certificate *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->line[i]);
    free(c->line);
    *c = (certificate){0};
}

static inline certificate certificate_copy(const certificate *c)
{
    certificate copy = {0};
    for (size_t i = 0; i < c->count; i++)
        certificate_insert(&copy, i, c->line[i]);
    return copy;
}

/* The first line from `from` on that begins with this text; count if there is none. */
static inline size_t certificate_find(const certificate *c, size_t from, const char *prefix)
{
    while (from < c->count && strncmp(c->line[from], prefix, strlen(prefix)) != 0)
        from++;
    return from;
}

/* Makes the last line that of all lines before it. */
static inline void certificate_sign(certificate *c)
{
    char hex[33];
    kpu_hash *hash = must_have(kpu_hash_new());
    for (size_t i = 0; i + 1 < c->count; i++) {
        kpu_hash_add(hash, c->line[i], strlen(c->line[i]));
        kpu_hash_add(hash, "\n", 1);
    }
    kpu_hash_text(hash, hex);
    kpu_hash_free(hash);
    certificate_set(c, c->count - 1, "end %zu %s", c->count - 1, hex);
}

/* ---- Making ------------------------------------------------------------------------------ */

typedef struct certificate_maker {
    certificate *out;
    char *rest; /* of a line that has not ended */
    size_t length;
} certificate_maker;

static inline int certificate_take(void *context, const char *text, size_t bytes, kpu_diag *diag)
{
    certificate_maker *m = context;
    (void)diag;
    m->rest = must_have(realloc(m->rest, m->length + bytes + 1));
    memcpy(m->rest + m->length, text, bytes);
    m->length += bytes;
    m->rest[m->length] = '\0';
    char *from = m->rest;
    for (char *end; (end = strchr(from, '\n')); from = end + 1) {
        *end = '\0';
        certificate_insert(m->out, m->out->count, from);
    }
    m->length = strlen(from);
    memmove(m->rest, from, m->length + 1);
    return KPU_OK;
}

/* The certificate that the exact search of a space writes; false if it fails. */
static inline bool certificate_make(const kpu_space *space, certificate *out)
{
    certificate_maker maker = {.out = out};
    const kpu_search_settings settings = {.search = kpu_search_find("exact")};
    const kpu_search_options options = {.settings = &settings,
                                        .threads = 1,
                                        .certificate = certificate_take,
                                        .certificate_context = &maker};
    kpu_search_progress summary;
    *out = (certificate){0};
    bool good = kpu_search_run(space, &options, &summary, NULL) == KPU_OK && out->count > 0;
    free(maker.rest);
    return good;
}

/* ---- Checking ---------------------------------------------------------------------------- */

typedef struct certificate_bytes {
    const char *text;
    size_t bytes, read;
} certificate_bytes;

static inline int certificate_read(void *context, char *bytes, size_t size, size_t *got,
                                   kpu_diag *diag)
{
    certificate_bytes *from = context;
    (void)diag;
    *got = from->bytes - from->read < size ? from->bytes - from->read : size;
    memcpy(bytes, from->text + from->read, *got);
    from->read += *got;
    return KPU_OK;
}

/* All of it as one text; the caller frees it. */
static inline char *certificate_join(const certificate *c, size_t *bytes)
{
    char *text = NULL;
    FILE *out = must_have(open_memstream(&text, bytes));
    for (size_t i = 0; i < c->count; i++)
        fprintf(out, "%s\n", c->line[i]);
    fclose(out);
    return text;
}

static inline int certificate_check_bytes(const kpu_space *space, const char *text, size_t bytes,
                                          kpu_certify_facts *facts, kpu_diag *diag)
{
    certificate_bytes from = {text, bytes, 0};
    const kpu_certify_source source = {"cert", certificate_read, &from};
    const kpu_certify_options options = {.threads = 1};
    return kpu_certify(space, &source, &options, facts, diag);
}

static inline int certificate_check(const kpu_space *space, const certificate *c,
                                    kpu_certify_facts *facts, kpu_diag *diag)
{
    size_t bytes;
    char *text = certificate_join(c, &bytes);
    int code = certificate_check_bytes(space, text, bytes, facts, diag);
    free(text);
    return code;
}

#endif
