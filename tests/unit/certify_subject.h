/* Forgeries of the certificate of a small space: what the test programs of `certify` share. */
#ifndef KPU_CERTIFY_SUBJECT_H
#define KPU_CERTIFY_SUBJECT_H

#include "certify_fixture.h"
#include "config_fixture.h"

enum { MACHINES = 2, LINE = 512 };

#define WORKLOAD "[workload]\ngemms = one:64x96x48, two:40x64x32\n"
#define HEAD "[sweep]\nname = small\nmachines = default, edge-ai\n"
#define AIMS "objectives = cycles, footprint_bytes, utilisation\n"
#define AXES                                                                                       \
    "[space]\nTM = 8, 16, 32, 64\nTN = 16, 24, 48\nTK = 8, 24, 48\nBM = 0, 24\n"                   \
    "dataflow = os, ws, is\nd3 = 1, 2\n[constraints]\nrule = TM * TN <= 2048\n"
static const char small_sweep[] = HEAD AIMS WORKLOAD AXES;

static inline kpu_space *subject_make_space(const char *text)
{
    kpu_ini ini = {0};
    kpu_diag diag = {0};
    kpu_space *space = NULL;
    char *machine[MACHINES] = {NULL, NULL};
    size_t bytes;
    kpu_text_read(KPU_SOURCE_DIR "/configs/default.ini", &machine[0], &bytes, &diag);
    kpu_text_read(KPU_SOURCE_DIR "/configs/edge-ai.ini", &machine[1], &bytes, &diag);
    const kpu_space_file files[MACHINES] = {{"configs/default.ini", machine[0]},
                                            {"configs/edge-ai.ini", machine[1]}};
    if (kpu_ini_parse("t.ini", text, strlen(text), KPU_FILE_SWEEP, &ini, &diag) == KPU_OK)
        kpu_space_make_kept(&ini, files, MACHINES, &space, &diag);
    show_unexpected(&diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(space);
    kpu_ini_fini(&ini);
    kpu_diag_fini(&diag);
    for (int i = 0; i < MACHINES; i++)
        free(machine[i]);
    return space;
}

/* The small space and its certificate. */
typedef struct subject {
    kpu_space *space;
    certificate honest, forged;
    size_t tree; /* its line */
} subject;

static inline void subject_init(subject *s, const char *text)
{
    s->space = subject_make_space(text);
    CU_ASSERT_FATAL(certificate_make(s->space, &s->honest));
    s->forged = certificate_copy(&s->honest);
    s->tree = certificate_find(&s->honest, 0, "tree");
}

static inline void subject_fini(subject *s)
{
    certificate_fini(&s->honest);
    certificate_fini(&s->forged);
    kpu_space_free(s->space);
}

static inline void subject_restore(subject *s)
{
    certificate_fini(&s->forged);
    s->forged = certificate_copy(&s->honest);
}

/* Checks what was forged, as it stands: it must fail with this reason, at this line (from 1; 0:
 * any). Then begins anew. */
static inline void expect_refuted_unsigned(subject *s, size_t line, const char *reason)
{
    kpu_certify_facts facts;
    kpu_diag diag = {0};
    int code = certificate_check(s->space, &s->forged, &facts, &diag);
    CU_ASSERT_EQUAL(code, KPU_E_REFUTED);
    CU_ASSERT_EQUAL(diag.count, 1);
    CU_ASSERT(has_complaint(&diag, (int64_t)line, 0, reason));
    kpu_certify_facts_fini(&facts);
    kpu_diag_fini(&diag);
    subject_restore(s);
}

static inline void expect_refuted(subject *s, size_t line, const char *reason)
{
    certificate_sign(&s->forged);
    expect_refuted_unsigned(s, line, reason);
}

/* The index among the members of the candidate at a line `p`: what the check says of a lie about
 * it. */
static inline size_t member_at(subject *s, size_t at)
{
    kpu_certify_facts facts;
    kpu_diag diag = {0};
    certificate_set(&s->forged, at, "i");
    certificate_check(s->space, &s->forged, &facts, &diag);
    CU_ASSERT_FATAL(diag.count == 1 && strstr(diag.entries[0].message, "candidate ") != NULL);
    int64_t id = atoll(strstr(diag.entries[0].message, "candidate ") + strlen("candidate "));
    size_t member = 0;
    while (member < facts.member_count && facts.members[member].id != id)
        member++;
    CU_ASSERT_FATAL(member < facts.member_count);
    kpu_certify_facts_fini(&facts);
    kpu_diag_fini(&diag);
    subject_restore(s);
    return member;
}

/* The first line of the tree that begins with this; there must be one. */
static inline size_t find_closing(const subject *s, const char *prefix)
{
    size_t at = certificate_find(&s->honest, s->tree, prefix);
    CU_ASSERT_FATAL(at < s->honest.count);
    return at;
}

/* A line of `prefix`, its last word `digits`... numbers: index of the n-th word. */
static const char *word_at(const char *line, size_t n)
{
    while (n-- > 0)
        line = strchr(line, ' ') + 1;
    return line;
}

/* Replaces word n of a line. */
static inline void set_word(certificate *c, size_t at, size_t n, const char *word)
{
    const char *line = c->line[at], *old = word_at(line, n);
    size_t length = strcspn(old, " ");
    char *copy = strdup(line);
    certificate_set(c, at, "%.*s%s%s", (int)(old - line), copy, word, copy + (old - line) + length);
    free(copy);
}

static inline double value_of(const certificate *c, size_t at, size_t n)
{
    return strtod(word_at(c->line[at], n), NULL);
}

static inline void set_value(certificate *c, size_t at, size_t n, double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.17g", value);
    set_word(c, at, n, text);
}

/* Closes the box of line `at` like this, without its parts. */
static inline void close_box(certificate *c, size_t at, const char *text)
{
    for (size_t open = 1; open > 0; open--) {
        if (c->line[at][0] == 's')
            open += 2;
        certificate_remove(c, at);
    }
    certificate_insert(c, at, text);
}

#endif
