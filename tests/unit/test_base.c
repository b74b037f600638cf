/* kpu/base.h: errors, diagnostics, rationals, arithmetic, random numbers, hash, names. */
#include "kpu/base.h"

#include "run_suite.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_every_error_has_text_and_exit_code(void)
{
#define KPU_X(code, text, exit_code)                                                               \
    CU_ASSERT_STRING_EQUAL(kpu_error_text(code), text);                                            \
    CU_ASSERT_EQUAL(kpu_error_exit_code(code), exit_code);
    KPU_ERROR_LIST(KPU_X)
#undef KPU_X
    CU_ASSERT_EQUAL(kpu_error_exit_code(KPU_E_INPUT), 2);
    CU_ASSERT_EQUAL(kpu_error_exit_code(KPU_E_IO), 1);
    CU_ASSERT_EQUAL(kpu_error_exit_code(-1), 1);
    CU_ASSERT_EQUAL(kpu_error_exit_code(12345), 1);
    CU_ASSERT_STRING_EQUAL(kpu_error_text(12345), "unknown error");
}

static void expect_rendered(const kpu_diag *diag, const char *expected)
{
    char *text = kpu_diag_render(diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_STRING_EQUAL(text, expected);
    if (strcmp(text, expected) != 0)
        fprintf(stderr, "rendered:\n%s\nexpected:\n%s\n", text, expected);
    free(text);
}

static void test_diag_renders_place_line_and_caret(void)
{
    kpu_diag diag = {0};
    expect_rendered(&diag, "");
    kpu_place place = {"a.ini", 3, 6, "rows = x\nnext line"};
    CU_ASSERT_EQUAL(kpu_diag_add_at(&diag, KPU_E_INPUT, &place, "not %s", "good"), KPU_E_INPUT);
    CU_ASSERT_EQUAL(kpu_diag_add(&diag, KPU_E_IO, "plain"), KPU_E_IO);
    place = (kpu_place){"b.ini", 0, 0, NULL};
    kpu_diag_add_at(&diag, KPU_E_INPUT, &place, "empty");
    place = (kpu_place){"c.ini", 7, 0, "whole"};
    kpu_diag_add_at(&diag, KPU_E_INPUT, &place, "line");
    CU_ASSERT_EQUAL(diag.count, 4);
    expect_rendered(&diag, "a.ini:3:6: error: not good\n  rows = x\n       ^\n"
                           "error: plain\n"
                           "b.ini: error: empty\n"
                           "c.ini:7: error: line\n  whole\n");
    kpu_diag_fini(&diag);
    CU_ASSERT_EQUAL(diag.count, 0);
}

static void test_diag_without_a_gatherer_still_returns_the_code(void)
{
    CU_ASSERT_EQUAL(kpu_diag_add(NULL, KPU_E_RANGE, "lost"), KPU_E_RANGE);
}

static void test_diag_caret_under_tabs_and_utf8(void)
{
    kpu_diag diag = {0};
    kpu_place place = {"t", 1, 5, "\tab x"};
    kpu_diag_add_at(&diag, KPU_E_INPUT, &place, "m");
    place = (kpu_place){"u", 1, 4, "\xC3\xA9 x"}; /* e acute: two bytes, one column */
    kpu_diag_add_at(&diag, KPU_E_INPUT, &place, "m");
    place = (kpu_place){"v", 1, 1, "\x1B[31m"};
    kpu_diag_add_at(&diag, KPU_E_INPUT, &place, "m");
    expect_rendered(&diag, "t:1:5: error: m\n  \tab x\n  \t   ^\n"
                           "u:1:4: error: m\n  \xC3\xA9 x\n    ^\n"
                           "v:1:1: error: m\n  ?[31m\n  ^\n");
    kpu_diag_fini(&diag);
}

static void test_diag_shows_no_control_characters(void)
{
    kpu_diag diag = {0};
    kpu_place place = {"a\x1B]0;b\n", 1, 3, "\xC2\x9B x\x07"}; /* C1: two bytes, one column */
    kpu_diag_add_at(&diag, KPU_E_INPUT, &place, "kernel '%s'", "mat\x1B[31m\r\n\x7F\xC3\xA9\t.");
    kpu_diag_add(&diag, KPU_E_INPUT, "\xC2\xA0 \xC2\x80");
    expect_rendered(&diag, "a?]0;b?:1:3: error: kernel 'mat?[31m???\xC3\xA9\t.'\n  ? x?\n   ^\n"
                           "error: \xC2\xA0 ?\n");
    kpu_diag_fini(&diag);
}

static void test_diag_cuts_a_long_line_around_the_caret(void)
{
    char line[5001];
    memset(line, 'a', 5000);
    line[5000] = '\0';
    line[2999] = '!';
    kpu_diag diag = {0};
    kpu_place place = {"l", 1, 3000, line};
    kpu_diag_add_at(&diag, KPU_E_INPUT, &place, "m");
    char *text = kpu_diag_render(&diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT(strlen(text) < 300);
    char *shown = strchr(text, '\n') + 1, *caret_line = strchr(shown, '\n') + 1;
    CU_ASSERT_EQUAL(strchr(shown, '!') - shown, strchr(caret_line, '^') - caret_line);
    free(text);
    kpu_diag_fini(&diag);
}

static void test_rational_parses_exactly(void)
{
    static const struct {
        const char *text;
        int64_t num, den;
    } good[] = {{"8", 8, 1},
                {"12.8", 64, 5},
                {"400/3", 400, 3},
                {"0.5", 1, 2},
                {"6/4", 3, 2},
                {"0", 0, 1},
                {"1.5/2.5", 3, 5},
                {"007", 7, 1},
                {"0.1", 1, 10},
                {"133.33", 13333, 100},
                {"8.000", 8, 1},
                {"8.0000000000000000000000000", 8, 1},
                {"9223372036854775807", INT64_MAX, 1}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        kpu_rational r = {-1, -1};
        CU_ASSERT_TRUE(kpu_rational_parse(good[i].text, &r));
        CU_ASSERT_EQUAL(r.num, good[i].num);
        CU_ASSERT_EQUAL(r.den, good[i].den);
    }
    static const char *const bad[] = {"",
                                      "-8",
                                      "+8",
                                      "1e3",
                                      "8/0",
                                      "8/",
                                      "/3",
                                      ".5",
                                      "5.",
                                      "8 ",
                                      " 8",
                                      "0x10",
                                      "1/2/3",
                                      "8,5",
                                      "inf",
                                      "9223372036854775808",
                                      "0.12345678901234567890123",
                                      "1/0.0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        kpu_rational r;
        CU_ASSERT_FALSE(kpu_rational_parse(bad[i], &r));
    }
}

static void test_rational_arithmetic(void)
{
    kpu_rational r;
    CU_ASSERT_TRUE(kpu_rational_make(-6, -4, &r));
    CU_ASSERT(r.num == 3 && r.den == 2);
    CU_ASSERT_TRUE(kpu_rational_make(6, -4, &r));
    CU_ASSERT(r.num == -3 && r.den == 2);
    CU_ASSERT_FALSE(kpu_rational_make(1, 0, &r));
    CU_ASSERT_FALSE(kpu_rational_make(INT64_MIN, 2, &r));
    CU_ASSERT_TRUE(kpu_rational_div((kpu_rational){50, 1}, (kpu_rational){1, 2}, &r));
    CU_ASSERT(r.num == 100 && r.den == 1);
    CU_ASSERT_FALSE(kpu_rational_div((kpu_rational){1, 2}, (kpu_rational){0, 1}, &r));
    /* the naive cross products overflow, the result does not */
    CU_ASSERT_TRUE(
        kpu_rational_div((kpu_rational){INT64_MAX, 3}, (kpu_rational){INT64_MAX, 5}, &r));
    CU_ASSERT(r.num == 5 && r.den == 3);
    CU_ASSERT_FALSE(
        kpu_rational_div((kpu_rational){INT64_MAX, 1}, (kpu_rational){1, INT64_MAX}, &r));
    CU_ASSERT_DOUBLE_EQUAL(kpu_rational_value((kpu_rational){400, 3}), 133.3333333333, 1e-9);
}

static void test_checked_arithmetic(void)
{
    int64_t out;
    CU_ASSERT_EQUAL(kpu_ceil_div(0, 3), 0);
    CU_ASSERT_EQUAL(kpu_ceil_div(6, 3), 2);
    CU_ASSERT_EQUAL(kpu_ceil_div(7, 3), 3);
    CU_ASSERT_EQUAL(kpu_ceil_div(INT64_MAX, 2), INT64_MAX / 2 + 1);
    CU_ASSERT_TRUE(kpu_mul_overflows(INT64_MAX, 2, &out));
    CU_ASSERT_FALSE(kpu_mul_overflows(INT64_C(1) << 31, INT64_C(1) << 31, &out));
    CU_ASSERT_TRUE(kpu_add_overflows(INT64_MAX, 1, &out));
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void test_random_is_a_pure_uniform_function(void)
{
    enum { COUNT = 20000, BUCKETS = 64 };
    static uint64_t seen[COUNT];
    int bucket[BUCKETS] = {0}, ones[64] = {0};
    for (uint64_t i = 0; i < COUNT; i++) {
        uint64_t r = kpu_random_u64(1, 2, i);
        seen[i] = r;
        CU_ASSERT_EQUAL(r, kpu_random_u64(1, 2, i));
        bucket[r >> 58]++;
        for (int bit = 0; bit < 64; bit++)
            ones[bit] += (int)(r >> bit & 1);
    }
    qsort(seen, COUNT, sizeof seen[0], compare_u64);
    for (size_t i = 1; i < COUNT; i++)
        CU_ASSERT_NOT_EQUAL(seen[i], seen[i - 1]);
    double chi2 = 0, expected = (double)COUNT / BUCKETS;
    for (int i = 0; i < BUCKETS; i++)
        chi2 += (bucket[i] - expected) * (bucket[i] - expected) / expected;
    CU_ASSERT(chi2 > 30 && chi2 < 110); /* 63 degrees of freedom: 99.9 % between 34 and 104 */
    for (int bit = 0; bit < 64; bit++)
        CU_ASSERT(abs(ones[bit] - COUNT / 2) < 400); /* 5.6 standard deviations */
    CU_ASSERT_NOT_EQUAL(kpu_random_u64(1, 2, 3), kpu_random_u64(2, 1, 3));
    CU_ASSERT_NOT_EQUAL(kpu_random_u64(1, 2, 3), kpu_random_u64(1, 3, 2));
    CU_ASSERT_NOT_EQUAL(kpu_random_u64(0, 0, 0), 0);
}

static void test_random_values_never_change(void)
{
    /* Stored results name a seed; the draws belong to the file format. */
    CU_ASSERT_EQUAL(kpu_random_u64(0, 0, 0), UINT64_C(0x238275BC38FCBE91));
    CU_ASSERT_EQUAL(kpu_random_u64(1, 2, 3), UINT64_C(0xEB2B04ECDA3EBFFE));
}

static void test_hash_is_xxh3_128(void)
{
    char hex[33];
    kpu_hash_hex("", 0, hex); /* reference value of the xxHash project: XXH128 of nothing */
    CU_ASSERT_STRING_EQUAL(hex, "99aa06d3014798d86001c324468d497f");
    char other[33];
    kpu_hash_hex("a", 1, hex);
    kpu_hash_hex("b", 1, other);
    CU_ASSERT_STRING_NOT_EQUAL(hex, other);
    CU_ASSERT_EQUAL(strlen(hex), 32);
}

static void test_hash_of_pieces_is_that_of_the_whole(void)
{
    static const char text[] = "a line\nand another one, long enough to fill more than a lane\n";
    char whole[33], pieces[33];
    kpu_hash_hex(text, sizeof text, whole);
    kpu_hash *hash = kpu_hash_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(hash);
    for (size_t i = 0; i < sizeof text; i += 7)
        kpu_hash_add(hash, text + i, sizeof text - i < 7 ? sizeof text - i : 7);
    kpu_hash_text(hash, pieces);
    CU_ASSERT_STRING_EQUAL(pieces, whole);
    kpu_hash_add(hash, text, 0);
    kpu_hash_text(hash, pieces);
    CU_ASSERT_STRING_EQUAL(pieces, whole);
    kpu_hash_free(hash);
    kpu_hash_free(NULL);
}

static void test_nearest_name(void)
{
    static const char *const names[] = {"bytes_per_cycle", "latency", "engines", "TM", "rows"};
    const size_t count = sizeof names / sizeof names[0];
    CU_ASSERT_STRING_EQUAL(kpu_nearest_name("bytes_per_cycel", names, count), "bytes_per_cycle");
    CU_ASSERT_STRING_EQUAL(kpu_nearest_name("latnecy", names, count), "latency");
    CU_ASSERT_STRING_EQUAL(kpu_nearest_name("tm", names, count), "TM");
    static const char *const types[] = {"fp64", "fp32"}; /* a swap is nearer than two changes */
    CU_ASSERT_STRING_EQUAL(kpu_nearest_name("fp23", types, 2), "fp32");
    CU_ASSERT_STRING_EQUAL(kpu_nearest_name("row", names, count), "rows");
    CU_ASSERT_PTR_NULL(kpu_nearest_name("frequency_of_fabric", names, count));
    CU_ASSERT_PTR_NULL(kpu_nearest_name("q", names, count));
    CU_ASSERT_PTR_NULL(kpu_nearest_name("", names, count));
    CU_ASSERT_PTR_NULL(kpu_nearest_name("x", NULL, 0));
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"errors", test_every_error_has_text_and_exit_code},
        {"diag renders", test_diag_renders_place_line_and_caret},
        {"diag NULL", test_diag_without_a_gatherer_still_returns_the_code},
        {"diag tabs and UTF-8", test_diag_caret_under_tabs_and_utf8},
        {"diag control characters", test_diag_shows_no_control_characters},
        {"diag long line", test_diag_cuts_a_long_line_around_the_caret},
        {"rational parse", test_rational_parses_exactly},
        {"rational arithmetic", test_rational_arithmetic},
        {"checked arithmetic", test_checked_arithmetic},
        {"random uniform", test_random_is_a_pure_uniform_function},
        {"random fixed", test_random_values_never_change},
        {"hash", test_hash_is_xxh3_128},
        {"hash piece by piece", test_hash_of_pieces_is_that_of_the_whole},
        {"nearest name", test_nearest_name},
        CU_TEST_INFO_NULL,
    };
    return run_suite("base", tests);
}
