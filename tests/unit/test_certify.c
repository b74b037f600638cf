/* kpu_certify: an honest certificate holds; a forged one, signed again so that the checksum does
 * not give it away, fails for the reason that it should, at the line where it should. Its bytes and
 * lines as such: test_certify_text.c. */
#include "certify_subject.h"

/* ---- Honest ones ------------------------------------------------------------------------- */

static void test_honest_certificates_hold(void)
{
    static const char *const sweeps[] = {
        small_sweep,
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
    subject_init(&s, small_sweep);
    for (size_t i = 0; i < sizeof forgeries / sizeof *forgeries; i++) {
        certificate_set(&s.forged, forgeries[i].at, "%s", forgeries[i].line);
        expect_refuted(&s, strncmp(forgeries[i].line, "members 1", 9) ? forgeries[i].at + 1 : 0,
                       forgeries[i].reason);
    }
    for (size_t at = 0; at <= s.tree; at++) {
        certificate_remove(&s.forged, at);
        expect_refuted(&s, at < 7 ? at + 1 : 0, "expected a ");
    }
    subject_fini(&s);
}

static void test_members(void)
{
    subject s;
    subject_init(&s, small_sweep);
    const size_t m = 7; /* the first member's line */
    set_word(&s.forged, m + 2, 1, "3");
    expect_refuted(&s, m + 3, "expected a number in 2 .. 2");
    set_word(&s.forged, m, 2, "1");
    expect_refuted(&s, m + 1, "belongs to GEMM 0");
    set_word(&s.forged, m, 2, "2");
    expect_refuted(&s, m + 1, "expected a number in 0 .. 1");
    set_word(&s.forged, m, 3, "1728");
    expect_refuted(&s, m + 1, "expected a number in 0 .. 1727");
    certificate_swap(&s.forged, m, m + 1);
    set_word(&s.forged, m, 1, "0");
    set_word(&s.forged, m + 1, 1, "1");
    expect_refuted(&s, m + 2, "must ascend");
    certificate_set(&s.forged, m + 1, "%s", s.honest.line[m]);
    set_word(&s.forged, m + 1, 1, "1");
    expect_refuted(&s, m + 2, "must ascend");
    const size_t p = find_closing(&s, "p"), its = m + member_at(&s, p);
    set_value(&s.forged, its, 4, value_of(&s.honest, its, 4) - 1e-3);
    expect_refuted(&s, p + 1, "the cycles of candidate");
    subject_fini(&s);
}

/* ---- The tree ---------------------------------------------------------------------------- */

static void test_splits(void)
{
    subject s;
    subject_init(&s, small_sweep);
    const size_t first = s.tree + 1, cell = find_closing(&s, "s 0");
    set_word(&s.forged, first, 2, "0");
    expect_refuted(&s, first + 1, "expected a number in 1 .. 1");
    set_word(&s.forged, first, 2, "2");
    expect_refuted(&s, first + 1, "expected a number in 1 .. 1");
    set_word(&s.forged, first, 1, "-3");
    expect_refuted(&s, first + 1, "expected a number in -2 .. 14");
    set_word(&s.forged, first, 1, "15");
    expect_refuted(&s, first + 1, "expected a number in -2 .. 14");
    certificate_set(&s.forged, first, "s 0 1");
    expect_refuted(&s, first + 1, "a digit of the candidate is split in a box of more than one");
    certificate_set(&s.forged, cell, "s -1 1");
    expect_refuted(&s, cell + 1, "the box has one value of this digit, 0");
    certificate_set(&s.forged, cell, "s 7 1");
    expect_refuted(&s, cell + 1, "the box has one value of this digit, 0");
    certificate_set(&s.forged, cell, "s 0 4");
    expect_refuted(&s, cell + 1, "expected a number in 1 .. 3");
    close_box(&s.forged, first, "i");
    expect_refuted(&s, first + 1, "a box of more than one GEMM or machine is closed");
    static const char *const points[] = {"p", "e 0 1 1 1", "n nan 1 1"};
    for (const char *const *word = points; word < points + 3; word++) {
        close_box(&s.forged, cell, *word);
        expect_refuted(&s, cell + 1, "a box of more than one candidate is closed by");
    }
    subject_fini(&s);
}

static void test_shape_of_the_tree(void)
{
    subject s;
    subject_init(&s, small_sweep);
    const size_t end = s.honest.count - 1, e = find_closing(&s, "e");
    certificate_remove(&s.forged, e);
    expect_refuted(&s, 0, "");
    certificate_remove(&s.forged, end - 1);
    expect_refuted(&s, end, "boxes are still open");
    certificate_insert(&s.forged, end, "i");
    expect_refuted(&s, end + 1, "all boxes are closed; expected a line 'end'");
    certificate_insert(&s.forged, end, s.honest.line[end]);
    expect_refuted(&s, end + 2, "the file goes on after its line 'end'");
    certificate_insert(&s.forged, end + 1, s.honest.line[end]);
    expect_refuted_unsigned(&s, end + 2, "the file goes on after its line 'end'");
    certificate_insert(&s.forged, end + 1, "");
    expect_refuted_unsigned(&s, end + 2, "the file goes on after its line 'end'");
    certificate_set(&s.forged, e, "x");
    expect_refuted(&s, e + 1, "boxes are still open; expected s, i, d, p, e or n, got 'x'");
    certificate_set(&s.forged, e, "tree");
    expect_refuted(&s, e + 1, "boxes are still open");
    subject_fini(&s);
}

/* ---- Claims ------------------------------------------------------------------------------ */

static void test_empty_boxes(void)
{
    subject s;
    subject_init(&s, small_sweep);
    const size_t e = find_closing(&s, "e"), p = find_closing(&s, "p"), d = find_closing(&s, "d");
    certificate_set(&s.forged, e, "i");
    expect_refuted(&s, e + 1, "the box is not empty: candidate");
    certificate_set(&s.forged, p, "i");
    expect_refuted(&s, p + 1, "the box is not empty: candidate");
    certificate_set(&s.forged, d, "i");
    expect_refuted(&s, d + 1, "the box is not empty: candidate");
    close_box(&s.forged, find_closing(&s, "s 0"), "i");
    expect_refuted(&s, find_closing(&s, "s 0") + 1, "the box is not empty: candidate");
    subject_fini(&s);
}

static void test_a_large_box_is_not_looked_at(void)
{
    subject s;
    s.space =
        subject_make_space(HEAD AIMS "[workload]\ngemms = one:64x64x64\n[space]\nTM = 1..64\n"
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
    expect_refuted(&s, 10, "more than the 1048576 that are looked at one by one");
    subject_fini(&s);
}

static void test_bounds(void)
{
    subject s;
    subject_init(&s, small_sweep);
    const size_t d = find_closing(&s, "d");
    char text[32];
    set_value(&s.forged, d, 2, value_of(&s.honest, d, 2) + 1);
    expect_refuted(&s, d + 1, "the bound of this box is");
    set_value(&s.forged, d, 3, value_of(&s.honest, d, 3) * 10);
    expect_refuted(&s, d + 1, "in footprint_bytes, the certificate claims");
    set_value(&s.forged, d, 4, value_of(&s.honest, d, 4) / 2);
    expect_refuted(&s, d + 1, "in utilisation, the certificate claims");
    set_value(&s.forged, d, 2, 1);
    expect_refuted(&s, d + 1, "does not dominate this: its cycles is");
    set_value(&s.forged, d, 3, 0);
    expect_refuted(&s, d + 1, "does not dominate this: its footprint_bytes is");
    set_value(&s.forged, d, 4, 2);
    expect_refuted(&s, d + 1, "does not dominate this: its utilisation is");
    snprintf(text, sizeof text, "%zu", s.tree - 7);
    set_word(&s.forged, d, 1, text);
    expect_refuted(&s, d + 1, "expected a number in 0 .. ");
    set_word(&s.forged, d, 1, "-1");
    expect_refuted(&s, d + 1, "expected a number in 0 .. ");
    snprintf(text, sizeof text, "%zu", s.tree - 8); /* the last member is of GEMM 1 */
    set_word(&s.forged, d, 1, text);
    expect_refuted(&s, d + 1, "is of GEMM 1, this box of 0");
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
    subject_init(&s, small_sweep);
    const size_t e = find_closing(&s, "e"), p = find_closing(&s, "p");
    char text[LINE];
    set_value(&s.forged, e, 2, value_of(&s.honest, e, 2) + 1);
    expect_refuted(&s, e + 1, "the cycles of candidate");
    set_value(&s.forged, e, 4, 0.25);
    expect_refuted(&s, e + 1, "the utilisation of candidate");
    snprintf(text, sizeof text, "%zu", find_weak(&s, e));
    set_word(&s.forged, e, 1, text);
    expect_refuted(&s, e + 1, "does not dominate this");
    certificate_set(&s.forged, e, "p");
    expect_refuted(&s, e + 1, "is no member");
    certificate_set(&s.forged, e, "n nan 1 1");
    expect_refuted(&s, e + 1, "the cycles of candidate");
    certificate_set(&s.forged, e, "n %s", word_at(s.honest.line[e], 2));
    expect_refuted(&s, e + 1, "all these values are numbers");
    const size_t its = 7 + member_at(&s, p);
    certificate_set(&s.forged, p, "e %zu %s", its - 7, word_at(s.honest.line[its], 4));
    expect_refuted(&s, p + 1, "does not dominate this: it is equal in all objectives");
    certificate_set(&s.forged, p, "d %zu %s", its - 7, word_at(s.honest.line[its], 4));
    expect_refuted(&s, p + 1, "");
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
    for (size_t p = find_closing(s, "p"); p + 1 < s->honest.count;
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
    subject_init(&s, small_sweep);
    size_t gone = 0, p = find_needless(&s, &gone);
    const char *values = word_at(s.honest.line[7 + gone], 4);
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        leave_out(&s, gone);
        certificate_set(&s.forged, p - 1, "%s%s", ways[w].closing,
                        ways[w].has_values ? values : "");
        expect_refuted(&s, p, ways[w].reason);
    }
    for (size_t w = 0; w + 1 < sizeof ways / sizeof *ways; w++) { /* kept in the list */
        certificate_set(&s.forged, p, "%s%s", ways[w].closing, ways[w].has_values ? values : "");
        expect_refuted(&s, p + 1, ways[w].reason);
    }
    subject_fini(&s);
}

/* A dominated candidate that is declared a member. */
static void test_dominated_member(void)
{
    subject s;
    subject_init(&s, small_sweep);
    const size_t m = 7;
    /* worse in every objective than it is: the other members dominate it */
    set_value(&s.forged, m, 4, 1e6);
    set_value(&s.forged, m, 5, 1e9);
    set_value(&s.forged, m, 6, 1e-9);
    expect_refuted(&s, m + 1, "this member is dominated by another one of its GEMM");
    subject_fini(&s);
}

int main(void)
{
    CU_TestInfo tests[] = {
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
        CU_TEST_INFO_NULL,
    };
    return run_suite("certify", tests);
}
