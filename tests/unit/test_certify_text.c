/* kpu_certify: numbers, lines and bytes of a certificate; the checksum; certificates of other
 * spaces; any number of threads. */
#include "certify_subject.h"

/* ---- Numbers and bytes ------------------------------------------------------------------- */

static void test_numbers(void)
{
    static const char *const values[] = {"nan",  "inf",   "-inf",     "0x10", "1e999", "+5",
                                         "05",   "5.0",   "1e3",      "5x",   "",      "-nan",
                                         "1e-9", "0x1p4", "infinity", "1_0",  "5,0",   ".5"};
    static const char *const integers[] = {
        "0x0", "+0", "00", "0.0", "-0", "", "0x", "18446744073709551616", "1e0", "nan"};
    subject s;
    subject_init(&s, small_sweep);
    const size_t d = find_closing(&s, "d"), e = find_closing(&s, "e"),
                 split = find_closing(&s, "s 0");
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const char *reason = values[i][0] ? "expected a value as %.17g prints it"
                                          : "expected words with one space between them";
        set_word(&s.forged, d, 2, values[i]);
        expect_refuted(&s, d + 1, reason);
        set_word(&s.forged, e, 3, values[i]);
        expect_refuted(&s, e + 1, reason);
        set_word(&s.forged, 7, 4, values[i]);
        expect_refuted(&s, 8, reason);
    }
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        const char *reason = integers[i][0] ? "expected an integer of 64 bits"
                                            : "expected words with one space between them";
        set_word(&s.forged, d, 1, integers[i]);
        expect_refuted(&s, d + 1, reason);
        set_word(&s.forged, split, 2, integers[i]);
        expect_refuted(&s, split + 1, reason);
        set_word(&s.forged, 7, 3, integers[i]);
        expect_refuted(&s, 8, reason);
    }
    subject_fini(&s);
}

static void test_lines(void)
{
    subject s;
    subject_init(&s, small_sweep);
    const size_t d = find_closing(&s, "d");
    const char *line = s.honest.line[d];
    static const char one_space[] = "expected words with one space between them";
    certificate_set(&s.forged, d, "%s ", line);
    expect_refuted(&s, d + 1, one_space);
    certificate_set(&s.forged, d, " %s", line);
    expect_refuted(&s, d + 1, one_space);
    certificate_set(&s.forged, d, "d  %s", word_at(line, 1));
    expect_refuted(&s, d + 1, one_space);
    certificate_set(&s.forged, d, "%s", "");
    expect_refuted(&s, d + 1, one_space);
    certificate_set(&s.forged, d, "%s 1", line);
    expect_refuted(&s, d + 1, "a line 'd' has 5 words here, this one has 6");
    certificate_set(&s.forged, d, "d");
    expect_refuted(&s, d + 1, "a line 'd' has 5 words here, this one has 1");
    certificate_set(&s.forged, d, "d 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1");
    expect_refuted(&s, d + 1, "too many words");
    static const char junk[] = "no printable ASCII";
    certificate_set(&s.forged, d, "%s\r", line);
    expect_refuted(&s, d + 1, junk);
    certificate_set(&s.forged, d, "d\t%s", word_at(line, 1));
    expect_refuted(&s, d + 1, junk);
    certificate_set(&s.forged, d, "d \xc3\xa9");
    expect_refuted(&s, d + 1, junk);
    char long_line[5000];
    memset(long_line, '1', sizeof long_line);
    long_line[sizeof long_line - 1] = '\0';
    certificate_set(&s.forged, d, "%s", long_line);
    expect_refuted(&s, d + 1, "a line of more than 1024 bytes");
    certificate_set(&s.forged, d, "d %.1022s", long_line);
    expect_refuted(&s, d + 1, "a line of more than 1024 bytes");
    certificate_set(&s.forged, d, "d %.1021s", long_line);
    expect_refuted(&s, d + 1, "a line 'd' has 5 words here");
    subject_fini(&s);
}

static void test_checksum(void)
{
    subject s;
    subject_init(&s, small_sweep);
    const size_t end = s.honest.count - 1;
    set_word(&s.forged, end, 1, "1");
    expect_refuted_unsigned(&s, end + 1, "expected a number in");
    s.forged.line[end][strlen(s.forged.line[end]) - 1] ^= 1;
    expect_refuted_unsigned(&s, end + 1, "the checksum of the lines before is");
    certificate_set(&s.forged, end, "end");
    expect_refuted_unsigned(&s, end + 1, "a line 'end' has 3 words here");
    /* A bound that is lower than it needs to be is true all the same: the checksum tells. */
    const size_t d = find_closing(&s, "d");
    double bound = value_of(&s.honest, d, 2);
    set_value(&s.forged, d, 2, bound - 1e-6);
    expect_refuted_unsigned(&s, 0, "");
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
    subject_restore(s);
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
        for (size_t j = i + 1; j + 1 < s.honest.count && j < i + 4; j++) {
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
    enum { STRIDE = 23 };
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
    subject_init(&s, small_sweep);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char hash[33];
        kpu_space *mine = s.space;
        s.space = subject_make_space(others[i]);
        kpu_space_hash(s.space, hash);
        expect_refuted(&s, 3, "a certificate of another space");
        certificate_set(&s.forged, 2, "space %s", hash);
        expect_refuted(&s, 0, "");
        kpu_space_free(s.space);
        s.space = mine;
    }
    subject_fini(&s);
}

static void test_threads_agree(void)
{
    subject s;
    subject_init(&s, small_sweep);
    size_t bytes;
    set_value(&s.forged, find_closing(&s, "e"), 2, 1);
    set_value(&s.forged, certificate_find(&s.honest, find_closing(&s, "e") + 1, "e"), 2, 1);
    char *text = certificate_join(&s.forged, &bytes);
    for (int threads = 1; threads <= 4; threads++) {
        certificate_bytes from = {text, bytes, 0};
        const kpu_certify_source source = {"cert", certificate_read, &from};
        const kpu_certify_options options = {.threads = threads};
        kpu_certify_facts facts;
        kpu_diag diag = {0};
        CU_ASSERT_EQUAL(kpu_certify(s.space, &source, &options, &facts, &diag), KPU_E_REFUTED);
        CU_ASSERT_EQUAL_FATAL(diag.count, 1);
        CU_ASSERT_EQUAL(diag.entries[0].line, (int64_t)find_closing(&s, "e") + 1);
        kpu_certify_facts_fini(&facts);
        kpu_diag_fini(&diag);
    }
    free(text);
    subject_fini(&s);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"numbers", test_numbers},
        {"lines", test_lines},
        {"the checksum", test_checksum},
        {"every line removed, doubled, moved", test_every_line},
        {"bytes changed, and cut off", test_bytes},
        {"a certificate of another space", test_another_space},
        {"the first defect, whatever the number of threads", test_threads_agree},
        CU_TEST_INFO_NULL,
    };
    return run_suite("certify, text", tests);
}
