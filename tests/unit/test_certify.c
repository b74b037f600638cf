/* kpu_certify: an honest certificate holds; a forged one, signed again so that the checksum does
 * not give it away, fails for the reason that it should, at the line where it should. */
#include "certify_fixture.h"
#include "config_fixture.h"

enum { MACHINES = 2, LINE = 512 };

#define WORKLOAD "[workload]\ngemms = one:64x96x48, two:40x64x32\n"
#define HEAD "[sweep]\nname = small\nmachines = default, edge-ai\n"
#define AIMS "objectives = cycles, footprint_bytes, utilisation\n"
#define AXES                                                                                       \
    "[space]\nTM = 8, 16, 32, 64\nTN = 16, 24, 48\nTK = 8, 24, 48\nBM = 0, 24\n"                   \
    "dataflow = os, ws, is\nd3 = 1, 2\n[constraints]\nrule = TM * TN <= 2048\n"
static const char sweep[] = HEAD AIMS WORKLOAD AXES;

static kpu_space *make_space(const char *text)
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

static void subject_init(subject *s, const char *text)
{
    s->space = make_space(text);
    CU_ASSERT_FATAL(certificate_make(s->space, &s->honest));
    s->forged = certificate_copy(&s->honest);
    s->tree = certificate_find(&s->honest, 0, "tree");
}

static void subject_fini(subject *s)
{
    certificate_fini(&s->honest);
    certificate_fini(&s->forged);
    kpu_space_free(s->space);
}

static void restore(subject *s)
{
    certificate_fini(&s->forged);
    s->forged = certificate_copy(&s->honest);
}

/* Checks what was forged, as it stands: it must fail with this reason, at this line (from 1; 0:
 * any). Then begins anew. */
static void expect_unsigned(subject *s, size_t line, const char *reason)
{
    kpu_certify_facts facts;
    kpu_diag diag = {0};
    int code = certificate_check(s->space, &s->forged, &facts, &diag);
    CU_ASSERT_EQUAL(code, KPU_E_REFUTED);
    CU_ASSERT_EQUAL(diag.count, 1);
    CU_ASSERT(has_complaint(&diag, (int64_t)line, 0, reason));
    kpu_certify_facts_fini(&facts);
    kpu_diag_fini(&diag);
    restore(s);
}

static void expect(subject *s, size_t line, const char *reason)
{
    certificate_sign(&s->forged);
    expect_unsigned(s, line, reason);
}

/* The index among the members of the candidate at a line `p`: what the check says of a lie about
 * it. */
static size_t member_at(subject *s, size_t at)
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
    restore(s);
    return member;
}

/* The first line of the tree that begins with this; there must be one. */
static size_t closing(const subject *s, const char *prefix)
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
static void set_word(certificate *c, size_t at, size_t n, const char *word)
{
    const char *line = c->line[at], *old = word_at(line, n);
    size_t length = strcspn(old, " ");
    char *copy = strdup(line);
    certificate_set(c, at, "%.*s%s%s", (int)(old - line), copy, word, copy + (old - line) + length);
    free(copy);
}

static double value_of(const certificate *c, size_t at, size_t n)
{
    return strtod(word_at(c->line[at], n), NULL);
}

static void set_value(certificate *c, size_t at, size_t n, double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.17g", value);
    set_word(c, at, n, text);
}

/* Closes the box of line `at` like this, without its parts. */
static void close_box(certificate *c, size_t at, const char *text)
{
    for (size_t open = 1; open > 0; open--) {
        if (c->line[at][0] == 's')
            open += 2;
        certificate_remove(c, at);
    }
    certificate_insert(c, at, text);
}

/* ---- Honest ones ------------------------------------------------------------------------- */

static void test_honest_certificates_hold(void)
{
    static const char *const sweeps[] = {
        sweep,
        HEAD "objectives = energy_pj\n" WORKLOAD AXES,
        HEAD "objectives = edp, dram_bytes, l1_bytes, reuse_l2_A\n" WORKLOAD AXES,
        HEAD "objectives = cycles, dram_elements_over_bound\n" WORKLOAD AXES, /* NaN */
        HEAD AIMS WORKLOAD "[space]\nTM = 8\nTN = 8\nTK = 8\n",
        HEAD AIMS WORKLOAD "[space]\nTM = 100000\nTN = 100000\nTK = 100000\n[constraints]\n"
                           "none = TM < 0\n",
    };
    for (size_t i = 0; i < sizeof sweeps / sizeof *sweeps; i++) {
        subject s;
        kpu_certify_facts facts;
        kpu_diag diag = {0};
        subject_init(&s, sweeps[i]);
        CU_ASSERT_EQUAL(certificate_check(s.space, &s.honest, &facts, &diag), KPU_OK);
        show_unexpected(&diag);
        int64_t candidates = 0;
        for (int n = 0; n < KPU_CERTIFY_CLOSINGS; n++)
            candidates += facts.candidates[n];
        CU_ASSERT_EQUAL(candidates, kpu_space_raw_size(s.space));
        CU_ASSERT_EQUAL(facts.lines, (int64_t)s.honest.count);
        CU_ASSERT_EQUAL(facts.boxes[KPU_CERTIFY_MEMBER], (int64_t)facts.member_count);
        kpu_certify_facts_fini(&facts);
        kpu_diag_fini(&diag);
        subject_fini(&s);
    }
}

/* ---- The head ---------------------------------------------------------------------------- */

static void test_head(void)
{
    static const struct {
        size_t at;
        const char *line, *reason;
    } forgeries[] = {
        {0, "kpu-dse-certificate 2", "another version of the format"},
        {0, "hello", "expected a line 'kpu-dse-certificate'"},
        {0, "kpu-dse-certificate 1 1", "has 2 words here"},
        {1, "model 2", "another version of the model"},
        {2, "space 00000000000000000000000000000000", "another space"},
        {2, "space", "has 2 words here"},
        {3, "objectives cycles footprint_bytes", "has 4 words here"},
        {3, "objectives footprint_bytes cycles utilisation", "other objectives: number 1"},
        {3, "objectives cycles footprint_bytes energy_pj", "other objectives: number 3"},
        {4, "gemms 1", "GEMMs: the space of the results has 2"},
        {5, "candidates 1727", "candidates: the space of the results has 1728"},
        {5, "candidates 99999999999999999999", "expected an integer of 64 bits"},
        {6, "members 9223372036854775807", "expected a number in 0 .. 1728"},
        {6, "members -1", "expected a number in 0 .. 1728"},
        {6, "members 1", "expected a line 'tree'"},
        {6, "members 100", "expected a line 'm'"},
    };
    subject s;
    subject_init(&s, sweep);
    for (size_t i = 0; i < sizeof forgeries / sizeof *forgeries; i++) {
        certificate_set(&s.forged, forgeries[i].at, "%s", forgeries[i].line);
        expect(&s, strncmp(forgeries[i].line, "members 1", 9) ? forgeries[i].at + 1 : 0,
               forgeries[i].reason);
    }
    for (size_t at = 0; at <= s.tree; at++) {
        certificate_remove(&s.forged, at);
        expect(&s, at < 7 ? at + 1 : 0, "expected a ");
    }
    subject_fini(&s);
}

static void test_members(void)
{
    subject s;
    subject_init(&s, sweep);
    const size_t m = 7; /* the first member's line */
    set_word(&s.forged, m + 2, 1, "3");
    expect(&s, m + 3, "expected a number in 2 .. 2");
    set_word(&s.forged, m, 2, "1");
    expect(&s, m + 1, "belongs to GEMM 0");
    set_word(&s.forged, m, 2, "2");
    expect(&s, m + 1, "expected a number in 0 .. 1");
    set_word(&s.forged, m, 3, "1728");
    expect(&s, m + 1, "expected a number in 0 .. 1727");
    certificate_swap(&s.forged, m, m + 1);
    set_word(&s.forged, m, 1, "0");
    set_word(&s.forged, m + 1, 1, "1");
    expect(&s, m + 2, "must ascend");
    certificate_set(&s.forged, m + 1, "%s", s.honest.line[m]);
    set_word(&s.forged, m + 1, 1, "1");
    expect(&s, m + 2, "must ascend");
    const size_t p = closing(&s, "p"), its = m + member_at(&s, p);
    set_value(&s.forged, its, 4, value_of(&s.honest, its, 4) - 1e-3);
    expect(&s, p + 1, "the cycles of candidate");
    subject_fini(&s);
}

/* ---- The tree ---------------------------------------------------------------------------- */

static void test_splits(void)
{
    subject s;
    subject_init(&s, sweep);
    const size_t first = s.tree + 1, cell = closing(&s, "s 0");
    set_word(&s.forged, first, 2, "0");
    expect(&s, first + 1, "expected a number in 1 .. 1");
    set_word(&s.forged, first, 2, "2");
    expect(&s, first + 1, "expected a number in 1 .. 1");
    set_word(&s.forged, first, 1, "-3");
    expect(&s, first + 1, "expected a number in -2 .. 14");
    set_word(&s.forged, first, 1, "15");
    expect(&s, first + 1, "expected a number in -2 .. 14");
    certificate_set(&s.forged, first, "s 0 1");
    expect(&s, first + 1, "a digit of the candidate is split in a box of more than one");
    certificate_set(&s.forged, cell, "s -1 1");
    expect(&s, cell + 1, "the box has one value of this digit, 0");
    certificate_set(&s.forged, cell, "s 7 1");
    expect(&s, cell + 1, "the box has one value of this digit, 0");
    certificate_set(&s.forged, cell, "s 0 4");
    expect(&s, cell + 1, "expected a number in 1 .. 3");
    close_box(&s.forged, first, "i");
    expect(&s, first + 1, "a box of more than one GEMM or machine is closed");
    static const char *const points[] = {"p", "e 0 1 1 1", "n nan 1 1"};
    for (const char *const *word = points; word < points + 3; word++) {
        close_box(&s.forged, cell, *word);
        expect(&s, cell + 1, "a box of more than one candidate is closed by");
    }
    subject_fini(&s);
}

static void test_shape_of_the_tree(void)
{
    subject s;
    subject_init(&s, sweep);
    const size_t end = s.honest.count - 1, e = closing(&s, "e");
    certificate_remove(&s.forged, e);
    expect(&s, 0, "");
    certificate_remove(&s.forged, end - 1);
    expect(&s, end, "boxes are still open");
    certificate_insert(&s.forged, end, "i");
    expect(&s, end + 1, "all boxes are closed; expected a line 'end'");
    certificate_insert(&s.forged, end, s.honest.line[end]);
    expect(&s, end + 2, "the file goes on after its line 'end'");
    certificate_insert(&s.forged, end + 1, s.honest.line[end]);
    expect_unsigned(&s, end + 2, "the file goes on after its line 'end'");
    certificate_insert(&s.forged, end + 1, "");
    expect_unsigned(&s, end + 2, "the file goes on after its line 'end'");
    certificate_set(&s.forged, e, "x");
    expect(&s, e + 1, "boxes are still open; expected s, i, d, p, e or n, got 'x'");
    certificate_set(&s.forged, e, "tree");
    expect(&s, e + 1, "boxes are still open");
    subject_fini(&s);
}

/* ---- Claims ------------------------------------------------------------------------------ */

static void test_empty_boxes(void)
{
    subject s;
    subject_init(&s, sweep);
    const size_t e = closing(&s, "e"), p = closing(&s, "p"), d = closing(&s, "d");
    certificate_set(&s.forged, e, "i");
    expect(&s, e + 1, "the box is not empty: candidate");
    certificate_set(&s.forged, p, "i");
    expect(&s, p + 1, "the box is not empty: candidate");
    certificate_set(&s.forged, d, "i");
    expect(&s, d + 1, "the box is not empty: candidate");
    close_box(&s.forged, closing(&s, "s 0"), "i");
    expect(&s, closing(&s, "s 0") + 1, "the box is not empty: candidate");
    subject_fini(&s);
}

static void test_a_large_box_is_not_looked_at(void)
{
    subject s;
    s.space = make_space(HEAD AIMS "[workload]\ngemms = one:64x64x64\n[space]\nTM = 1..64\n"
                                   "TN = 1..256\nTK = 1..256\n[constraints]\nnone = TM < 0\n");
    s.honest = (certificate){0};
    char hash[33];
    kpu_space_hash(s.space, hash);
    const char *const lines[] = {"kpu-dse-certificate 1",
                                 "model 1",
                                 hash,
                                 "objectives cycles footprint_bytes utilisation",
                                 "gemms 1",
                                 "candidates 8388608",
                                 "members 0",
                                 "tree",
                                 "s -1 1",
                                 "i",
                                 "i",
                                 "end"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        certificate_insert(&s.honest, i, lines[i]);
    certificate_set(&s.honest, 2, "space %s", hash);
    s.forged = certificate_copy(&s.honest);
    expect(&s, 10, "more than the 1048576 that are looked at one by one");
    subject_fini(&s);
}

static void test_bounds(void)
{
    subject s;
    subject_init(&s, sweep);
    const size_t d = closing(&s, "d");
    char text[32];
    set_value(&s.forged, d, 2, value_of(&s.honest, d, 2) + 1);
    expect(&s, d + 1, "the bound of this box is");
    set_value(&s.forged, d, 3, value_of(&s.honest, d, 3) * 10);
    expect(&s, d + 1, "in footprint_bytes, the certificate claims");
    set_value(&s.forged, d, 4, value_of(&s.honest, d, 4) / 2);
    expect(&s, d + 1, "in utilisation, the certificate claims");
    set_value(&s.forged, d, 2, 1);
    expect(&s, d + 1, "does not dominate this: its cycles is");
    set_value(&s.forged, d, 3, 0);
    expect(&s, d + 1, "does not dominate this: its footprint_bytes is");
    set_value(&s.forged, d, 4, 2);
    expect(&s, d + 1, "does not dominate this: its utilisation is");
    snprintf(text, sizeof text, "%zu", s.tree - 7);
    set_word(&s.forged, d, 1, text);
    expect(&s, d + 1, "expected a number in 0 .. ");
    set_word(&s.forged, d, 1, "-1");
    expect(&s, d + 1, "expected a number in 0 .. ");
    snprintf(text, sizeof text, "%zu", s.tree - 8); /* the last member is of GEMM 1 */
    set_word(&s.forged, d, 1, text);
    expect(&s, d + 1, "is of GEMM 1, this box of 0");
    subject_fini(&s);
}

/* The number of a member of GEMM 0 that does not dominate the values of a line. */
static size_t find_weak(const subject *s, size_t at)
{
    double value[3], member[3];
    for (size_t i = 0; i < 3; i++)
        value[i] = value_of(&s->honest, at, 2 + i);
    for (size_t m = 7; m < s->tree; m++) {
        for (size_t i = 0; i < 3; i++)
            member[i] = value_of(&s->honest, m, 4 + i);
        if (word_at(s->honest.line[m], 2)[0] == '0' &&
            !kpu_certify_dominates(s->space, member, value))
            return m - 7;
    }
    return 0;
}

static void test_timed_candidates(void)
{
    subject s;
    subject_init(&s, sweep);
    const size_t e = closing(&s, "e"), p = closing(&s, "p");
    char text[LINE];
    set_value(&s.forged, e, 2, value_of(&s.honest, e, 2) + 1);
    expect(&s, e + 1, "the cycles of candidate");
    set_value(&s.forged, e, 4, 0.25);
    expect(&s, e + 1, "the utilisation of candidate");
    snprintf(text, sizeof text, "%zu", find_weak(&s, e));
    set_word(&s.forged, e, 1, text);
    expect(&s, e + 1, "does not dominate this");
    certificate_set(&s.forged, e, "p");
    expect(&s, e + 1, "is no member");
    certificate_set(&s.forged, e, "n nan 1 1");
    expect(&s, e + 1, "the cycles of candidate");
    certificate_set(&s.forged, e, "n %s", word_at(s.honest.line[e], 2));
    expect(&s, e + 1, "all these values are numbers");
    const size_t its = 7 + member_at(&s, p);
    certificate_set(&s.forged, p, "e %zu %s", its - 7, word_at(s.honest.line[its], 4));
    expect(&s, p + 1, "does not dominate this: it is equal in all objectives");
    certificate_set(&s.forged, p, "d %zu %s", its - 7, word_at(s.honest.line[its], 4));
    expect(&s, p + 1, "");
    subject_fini(&s);
}

/* The member that a line of the tree names, or -1. */
static long named_by(const char *line)
{
    return line[0] == 'd' || line[0] == 'e' ? atol(word_at(line, 1)) : -1;
}

/* Another member that dominates what the line `at` claims, or -1. */
static long find_other(const subject *s, size_t at, size_t gone)
{
    const size_t first = 7, own = first + (size_t)named_by(s->honest.line[at]);
    double value[3], member[3];
    for (size_t i = 0; i < 3; i++)
        value[i] = value_of(&s->honest, at, 2 + i);
    for (size_t m = first; m < s->tree; m++) {
        for (size_t i = 0; i < 3; i++)
            member[i] = value_of(&s->honest, m, 4 + i);
        if (m != first + gone &&
            *word_at(s->honest.line[m], 2) == *word_at(s->honest.line[own], 2) &&
            kpu_certify_dominates(s->space, member, value))
            return (long)(m - first);
    }
    return -1;
}

/* A line `p` of a member that no other line needs. */
static size_t find_needless(subject *s, size_t *member)
{
    for (size_t p = closing(s, "p"); p + 1 < s->honest.count;
         p = certificate_find(&s->honest, p + 1, "p")) {
        bool needed = false;
        *member = member_at(s, p);
        for (size_t at = s->tree; at + 1 < s->honest.count && !needed; at++)
            needed =
                named_by(s->honest.line[at]) == (long)*member && find_other(s, at, *member) < 0;
        if (!needed)
            return p;
    }
    CU_FAIL_FATAL("every member is needed");
    return 0;
}

/* Takes a member out of the list, and gives the others their new numbers. */
static void leave_out(subject *s, size_t gone)
{
    const size_t first = 7;
    char text[LINE];
    for (size_t at = s->tree; at + 1 < s->forged.count; at++) {
        long named = named_by(s->forged.line[at]);
        if (named == (long)gone)
            named = find_other(s, at, gone);
        snprintf(text, sizeof text, "%ld", named - (named > (long)gone));
        if (named >= 0)
            set_word(&s->forged, at, 1, text);
    }
    certificate_remove(&s->forged, first + gone);
    certificate_set(&s->forged, 6, "members %zu", s->tree - first - 1);
    for (size_t m = first; m + 1 < s->tree; m++) {
        snprintf(text, sizeof text, "%zu", m - first);
        set_word(&s->forged, m, 1, text);
    }
}

/* A member that is left out, and its box closed in each of the ways that there are. */
static void test_members_left_out(void)
{
    static const struct {
        const char *closing, *reason;
        bool has_values;
    } ways[] = {
        {"i", "the box is not empty", false},
        {"d 0 ", "", true},
        {"d 0 1 1 1", "does not dominate", false},
        {"e 0 ", "does not dominate", true},
        {"e 0 1000000000 1000000000 0", "the cycles of candidate", false},
        {"n ", "all these values are numbers", true},
        {"p", "is no member", false},
    };
    subject s;
    subject_init(&s, sweep);
    size_t gone = 0, p = find_needless(&s, &gone);
    const char *values = word_at(s.honest.line[7 + gone], 4);
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        leave_out(&s, gone);
        certificate_set(&s.forged, p - 1, "%s%s", ways[w].closing,
                        ways[w].has_values ? values : "");
        expect(&s, p, ways[w].reason);
    }
    for (size_t w = 0; w + 1 < sizeof ways / sizeof *ways; w++) { /* kept in the list */
        certificate_set(&s.forged, p, "%s%s", ways[w].closing, ways[w].has_values ? values : "");
        expect(&s, p + 1, ways[w].reason);
    }
    subject_fini(&s);
}

/* A dominated candidate that is declared a member. */
static void test_dominated_member(void)
{
    subject s;
    subject_init(&s, sweep);
    const size_t m = 7;
    /* worse in every objective than it is: the other members dominate it */
    set_value(&s.forged, m, 4, 1e6);
    set_value(&s.forged, m, 5, 1e9);
    set_value(&s.forged, m, 6, 1e-9);
    expect(&s, m + 1, "this member is dominated by another one of its GEMM");
    subject_fini(&s);
}

/* ---- Numbers and bytes ------------------------------------------------------------------- */

static void test_numbers(void)
{
    static const char *const values[] = {"nan",  "inf",   "-inf",     "0x10", "1e999", "+5",
                                         "05",   "5.0",   "1e3",      "5x",   "",      "-nan",
                                         "1e-9", "0x1p4", "infinity", "1_0",  "5,0",   ".5"};
    static const char *const integers[] = {
        "0x0", "+0", "00", "0.0", "-0", "", "0x", "18446744073709551616", "1e0", "nan"};
    subject s;
    subject_init(&s, sweep);
    const size_t d = closing(&s, "d"), e = closing(&s, "e"), split = closing(&s, "s 0");
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const char *reason = values[i][0] ? "expected a value as %.17g prints it"
                                          : "expected words with one space between them";
        set_word(&s.forged, d, 2, values[i]);
        expect(&s, d + 1, reason);
        set_word(&s.forged, e, 3, values[i]);
        expect(&s, e + 1, reason);
        set_word(&s.forged, 7, 4, values[i]);
        expect(&s, 8, reason);
    }
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        const char *reason = integers[i][0] ? "expected an integer of 64 bits"
                                            : "expected words with one space between them";
        set_word(&s.forged, d, 1, integers[i]);
        expect(&s, d + 1, reason);
        set_word(&s.forged, split, 2, integers[i]);
        expect(&s, split + 1, reason);
        set_word(&s.forged, 7, 3, integers[i]);
        expect(&s, 8, reason);
    }
    subject_fini(&s);
}

static void test_lines(void)
{
    subject s;
    subject_init(&s, sweep);
    const size_t d = closing(&s, "d");
    const char *line = s.honest.line[d];
    static const char one_space[] = "expected words with one space between them";
    certificate_set(&s.forged, d, "%s ", line);
    expect(&s, d + 1, one_space);
    certificate_set(&s.forged, d, " %s", line);
    expect(&s, d + 1, one_space);
    certificate_set(&s.forged, d, "d  %s", word_at(line, 1));
    expect(&s, d + 1, one_space);
    certificate_set(&s.forged, d, "%s", "");
    expect(&s, d + 1, one_space);
    certificate_set(&s.forged, d, "%s 1", line);
    expect(&s, d + 1, "a line 'd' has 5 words here, this one has 6");
    certificate_set(&s.forged, d, "d");
    expect(&s, d + 1, "a line 'd' has 5 words here, this one has 1");
    certificate_set(&s.forged, d, "d 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1");
    expect(&s, d + 1, "too many words");
    static const char junk[] = "no printable ASCII";
    certificate_set(&s.forged, d, "%s\r", line);
    expect(&s, d + 1, junk);
    certificate_set(&s.forged, d, "d\t%s", word_at(line, 1));
    expect(&s, d + 1, junk);
    certificate_set(&s.forged, d, "d \xc3\xa9");
    expect(&s, d + 1, junk);
    char long_line[5000];
    memset(long_line, '1', sizeof long_line);
    long_line[sizeof long_line - 1] = '\0';
    certificate_set(&s.forged, d, "%s", long_line);
    expect(&s, d + 1, "a line of more than 1024 bytes");
    certificate_set(&s.forged, d, "d %.1022s", long_line);
    expect(&s, d + 1, "a line of more than 1024 bytes");
    certificate_set(&s.forged, d, "d %.1021s", long_line);
    expect(&s, d + 1, "a line 'd' has 5 words here");
    subject_fini(&s);
}

static void test_checksum(void)
{
    subject s;
    subject_init(&s, sweep);
    const size_t end = s.honest.count - 1;
    set_word(&s.forged, end, 1, "1");
    expect_unsigned(&s, end + 1, "expected a number in");
    s.forged.line[end][strlen(s.forged.line[end]) - 1] ^= 1;
    expect_unsigned(&s, end + 1, "the checksum of the lines before is");
    certificate_set(&s.forged, end, "end");
    expect_unsigned(&s, end + 1, "a line 'end' has 3 words here");
    /* A bound that is lower than it needs to be is true all the same: the checksum tells. */
    const size_t d = closing(&s, "d");
    double bound = value_of(&s.honest, d, 2);
    set_value(&s.forged, d, 2, bound - 1e-6);
    expect_unsigned(&s, 0, "");
    subject_fini(&s);
}

/* ---- Every byte, every line -------------------------------------------------------------- */

#define TINY                                                                                       \
    HEAD "objectives = cycles, dram_bytes\n[workload]\ngemms = one:32x24x16\n"                     \
         "[space]\nTM = 8, 16\nTN = 8, 24\nTK = 8\nBN = 0, 16\ndataflow = os, ws\n"

/* Either refuted, or just as true: the same members. */
static void expect_no_lie(subject *s, const char *text, size_t bytes,
                          const kpu_certify_facts *truth)
{
    kpu_certify_facts facts;
    kpu_diag diag = {0};
    int code = certificate_check_bytes(s->space, text, bytes, &facts, &diag);
    if (code == KPU_OK) {
        CU_ASSERT_EQUAL(facts.member_count, truth->member_count);
        for (size_t i = 0; i < facts.member_count && i < truth->member_count; i++)
            CU_ASSERT_EQUAL(facts.members[i].id, truth->members[i].id);
    } else {
        CU_ASSERT_EQUAL(code, KPU_E_REFUTED);
        CU_ASSERT_EQUAL(diag.count, 1);
    }
    kpu_certify_facts_fini(&facts);
    kpu_diag_fini(&diag);
}

static void expect_no_lie_signed(subject *s, const kpu_certify_facts *truth)
{
    size_t bytes;
    certificate_sign(&s->forged);
    char *text = certificate_join(&s->forged, &bytes);
    expect_no_lie(s, text, bytes, truth);
    free(text);
    restore(s);
}

static void test_every_line(void)
{
    subject s;
    kpu_certify_facts truth;
    subject_init(&s, TINY);
    CU_ASSERT_EQUAL(certificate_check(s.space, &s.honest, &truth, NULL), KPU_OK);
    for (size_t i = 0; i + 1 < s.honest.count; i++) {
        certificate_remove(&s.forged, i);
        expect_no_lie_signed(&s, &truth);
        certificate_insert(&s.forged, i, s.honest.line[i]);
        expect_no_lie_signed(&s, &truth);
        for (size_t j = i + 1; j + 1 < s.honest.count && j < i + 8; j++) {
            certificate_swap(&s.forged, i, j);
            expect_no_lie_signed(&s, &truth);
        }
    }
    kpu_certify_facts_fini(&truth);
    subject_fini(&s);
}

/* Cut, or one byte changed: refuted wherever it is, since it is not signed again. */
static void test_bytes(void)
{
    enum { STRIDE = 7 };
    subject s;
    size_t bytes;
    subject_init(&s, TINY);
    char *text = certificate_join(&s.honest, &bytes);
    for (size_t i = 0; i < bytes; i += STRIDE) {
        kpu_certify_facts facts;
        kpu_diag diag = {0};
        CU_ASSERT_EQUAL(certificate_check_bytes(s.space, text, i, &facts, &diag), KPU_E_REFUTED);
        CU_ASSERT_EQUAL(diag.count, 1);
        kpu_certify_facts_fini(&facts);
        kpu_diag_fini(&diag);
        text[i] ^= 1;
        CU_ASSERT_EQUAL(certificate_check_bytes(s.space, text, bytes, &facts, NULL), KPU_E_REFUTED);
        kpu_certify_facts_fini(&facts);
        text[i] ^= 1;
    }
    free(text);
    subject_fini(&s);
}

/* ---- Of another space -------------------------------------------------------------------- */

static void test_another_space(void)
{
    static const char *const others[] = {
        HEAD AIMS "[workload]\ngemms = one:64x96x64, two:40x64x32\n" AXES,
        HEAD AIMS WORKLOAD "[space]\nTM = 8, 16, 32, 64\nTN = 16, 24, 48\nTK = 8, 24, 48\n"
                           "BM = 0, 24\ndataflow = os, ws, is\nd3 = 1, 2\n",
        HEAD AIMS WORKLOAD AXES "[machine_axes]\ndma.latency = 99\n",
        HEAD AIMS "[workload]\nelement_types = int8\ngemms = one:64x96x48, two:40x64x32\n" AXES,
    };
    subject s;
    subject_init(&s, sweep);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char hash[33];
        kpu_space *mine = s.space;
        s.space = make_space(others[i]);
        kpu_space_hash(s.space, hash);
        expect(&s, 3, "a certificate of another space");
        certificate_set(&s.forged, 2, "space %s", hash);
        expect(&s, 0, "");
        kpu_space_free(s.space);
        s.space = mine;
    }
    subject_fini(&s);
}

static void test_threads_agree(void)
{
    subject s;
    subject_init(&s, sweep);
    size_t bytes;
    set_value(&s.forged, closing(&s, "e"), 2, 1);
    set_value(&s.forged, certificate_find(&s.honest, closing(&s, "e") + 1, "e"), 2, 1);
    char *text = certificate_join(&s.forged, &bytes);
    for (int threads = 1; threads <= 4; threads++) {
        certificate_bytes from = {text, bytes, 0};
        const kpu_certify_source source = {"cert", certificate_read, &from};
        const kpu_certify_options options = {.threads = threads};
        kpu_certify_facts facts;
        kpu_diag diag = {0};
        CU_ASSERT_EQUAL(kpu_certify(s.space, &source, &options, &facts, &diag), KPU_E_REFUTED);
        CU_ASSERT_EQUAL_FATAL(diag.count, 1);
        CU_ASSERT_EQUAL(diag.entries[0].line, (int64_t)closing(&s, "e") + 1);
        kpu_certify_facts_fini(&facts);
        kpu_diag_fini(&diag);
    }
    free(text);
    subject_fini(&s);
}

static CU_TestInfo tests[] = {
    {"honest certificates hold", test_honest_certificates_hold},
    {"the head", test_head},
    {"members", test_members},
    {"splits", test_splits},
    {"shape of the tree", test_shape_of_the_tree},
    {"boxes that are not empty", test_empty_boxes},
    {"a large box is not looked at", test_a_large_box_is_not_looked_at},
    {"bounds", test_bounds},
    {"timed candidates", test_timed_candidates},
    {"members left out", test_members_left_out},
    {"a dominated member", test_dominated_member},
    {"numbers", test_numbers},
    {"lines", test_lines},
    {"the checksum", test_checksum},
    {"every line removed, doubled, moved", test_every_line},
    {"bytes changed, and cut off", test_bytes},
    {"a certificate of another space", test_another_space},
    {"the first defect, whatever the number of threads", test_threads_agree},
    CU_TEST_INFO_NULL,
};

int main(void)
{
    return run_suite("certify", tests);
}
