/* kpu/explorer.h: the expression language of constraints and filters. */
#include "explorer/expression.h"

#include "run_suite.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {"TM", "TN", "dataflow", "cycles", "nothing"};
static const double values[] = {16.0, 32.0, 1.0, 1e6, NAN};
static const char *const words[] = {"os", "ws", "is"};

static int find_slot(void *context, const char *name)
{
    (void)context;
    for (int i = 0; i < 5; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    return -1;
}

static bool find_word(void *context, const char *name, const char *word, double *value)
{
    (void)context;
    for (int i = 0; i < 3 && strcmp(name, "dataflow") == 0; i++) {
        if (strcmp(words[i], word) == 0) {
            *value = i;
            return true;
        }
    }
    return false;
}

static const char *list_words(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "dataflow") == 0 ? "os ws is" : NULL;
}

static const kpu_expression_names table = {
    .slot = find_slot, .word = find_word, .words = list_words, .known = names, .known_count = 5};

static void expect_value(const char *text, double expected)
{
    kpu_diag diag = {0};
    kpu_expression *expression = NULL;
    int code = kpu_expression_parse(text, &table, NULL, &expression, &diag);
    CU_ASSERT_EQUAL(code, KPU_OK);
    if (code != KPU_OK) {
        fprintf(stderr, "%s: %s\n", text, diag.entries[0].message);
        kpu_diag_fini(&diag);
        return;
    }
    double got = kpu_expression_value(expression, values);
    CU_ASSERT(got == expected || (isnan(got) && isnan(expected)));
    if (got != expected && !isnan(expected))
        fprintf(stderr, "%s = %g, expected %g\n", text, got, expected);
    kpu_expression_free(expression);
    kpu_diag_fini(&diag);
}

static void expect_error(const char *text, int64_t column, const char *part)
{
    kpu_diag diag = {0};
    kpu_expression *expression = NULL;
    kpu_place place = {"s.ini", 7, 11, "whatever"};
    CU_ASSERT_EQUAL(kpu_expression_parse(text, &table, &place, &expression, &diag), KPU_E_INPUT);
    CU_ASSERT_PTR_NULL(expression);
    CU_ASSERT_EQUAL_FATAL(diag.count, 1);
    const kpu_diag_entry *entry = &diag.entries[0];
    CU_ASSERT(entry->column == 10 + column && strstr(entry->message, part) != NULL);
    if (entry->column != 10 + column || !strstr(entry->message, part))
        fprintf(stderr, "%s: column %d: %s\n", text, (int)entry->column - 10, entry->message);
    kpu_diag_fini(&diag);
}

static void test_arithmetic(void)
{
    expect_value("1", 1);
    expect_value(" 2 + 3 * 4 ", 14);
    expect_value("(2+3)*4", 20);
    expect_value("10-3-2", 5);
    expect_value("64/4/2", 8);
    expect_value("17 % 5", 2);
    expect_value("-TM + 2", -14);
    expect_value("--3", 3);
    expect_value("2*-3", -6);
    expect_value("1.5e2", 150);
    expect_value("1e-1", 0.1);
    expect_value("TM*TN", 512);
    expect_value("min(TM, TN, 3)", 3);
    expect_value("max(TM, min(TN, 20))", 20);
    expect_value("min(5)", 5);
    expect_value("1/0", INFINITY);
    expect_value("nothing + 1", NAN);
}

static void test_logic(void)
{
    expect_value("TM < TN", 1);
    expect_value("TM<=16 and TN>=32", 1);
    expect_value("TM == 16", 1);
    expect_value("TM != 16", 0);
    expect_value("TM > 16 or TN > 16", 1);
    expect_value("not TM > 16", 1);
    expect_value("not not TM", 1);
    expect_value("not (TM == 16) or TN == 32", 1);
    expect_value("1 or 0 and 0", 1);
    expect_value("(1 or 0) and 0", 0);
    expect_value("TM*2 == TN and (TM+TN) % 16 == 0", 1);
    expect_value("(TM < TN) == 1", 1);
}

static void test_nan_is_false_everywhere(void)
{
    expect_value("nothing == nothing", 0);
    expect_value("nothing != 1", 0);
    expect_value("nothing < 1", 0);
    expect_value("nothing or 0", 0);
    expect_value("not nothing", 1);
}

static void test_words(void)
{
    expect_value("dataflow == ws", 1);
    expect_value("dataflow == 'ws'", 1);
    expect_value("\"os\" == dataflow", 0);
    expect_value("dataflow != is and TM", 1);
    expect_value("(dataflow) == (ws)", 1);
    expect_error("dataflow == xs", 13, "'xs' is no value of 'dataflow': os ws is");
    expect_error("TM == xs", 7, "unknown name 'xs'");
    expect_error("os == ws", 1, "unknown name 'os'");
    expect_error("dataflow + os == 2", 12, "unknown name 'os'");
    expect_error("os", 1, "unknown name 'os'");
    expect_error("not os", 5, "unknown name 'os'");
    expect_error("min(os, 1)", 5, "unknown name 'os'");
    expect_error("dataflow == 'os", 13, "not closed");
}

static void test_errors_have_a_column(void)
{
    expect_error("", 1, "expected a number");
    expect_error("TM <", 5, "expected a number");
    expect_error("TM TN", 4, "expected an operator");
    expect_error("TL < 3", 1, "unknown name 'TL'; did you mean 'TM'?");
    expect_error("TM + cycle", 6, "did you mean 'cycles'?");
    expect_error("(TM", 1, "not closed");
    expect_error("TM)", 3, "without its '('");
    expect_error("(TM TN)", 5, "expected ')'");
    expect_error("TM = 4", 4, "write '=' as ==");
    expect_error("TM && TN", 4, "write '&&' as and");
    expect_error("!TM", 1, "write '!' as not");
    expect_error("1 < TM < 4", 8, "do not chain");
    expect_error("TM == 16 == 1", 10, "do not chain");
    expect_error("min TM", 4, "expected '('");
    expect_error("min(TM TN)", 8, "expected ',' or ')'");
    expect_error("16KiB", 1, "not a number");
    expect_error("1e999", 1, "out of range");
    expect_error("TM + and", 6, "expected a number");
    expect_error("2 * not TM", 5, "needs parentheses");
    expect_error("TM \x01", 4, "expected an operator");
}

static void test_depth_is_limited(void)
{
    char text[2048];
    memset(text, '(', 1000);
    text[1000] = '1';
    memset(text + 1001, ')', 1000);
    text[2001] = '\0';
    kpu_diag diag = {0};
    kpu_expression *expression;
    CU_ASSERT_EQUAL(kpu_expression_parse(text, &table, NULL, &expression, &diag), KPU_E_INPUT);
    CU_ASSERT_STRING_EQUAL(diag.entries[0].message, "too deeply nested");
    kpu_diag_fini(&diag);
    memset(text, '-', 2000);
    CU_ASSERT_EQUAL(kpu_expression_parse(text, &table, NULL, &expression, NULL), KPU_E_INPUT);
    expect_value("((((((((((((((((((((1))))))))))))))))))))", 1);
}

static void test_a_long_sum_needs_no_depth(void)
{
    char text[4096] = "1";
    for (int i = 0; i < 1000; i++)
        memcpy(text + 1 + 2 * i, "+1", 3);
    expect_value(text, 1001);
}

/* ---- Over ranges --------------------------------------------------------------------------- */

static double draw(uint64_t *turn, double low, double high)
{
    uint64_t r = kpu_random_u64(7, 7, (*turn)++) % 101;
    return r == 0 ? low : r == 100 ? high : floor(low + (high - low) * (double)r / 100);
}

static bool lies_in(double value, kpu_interval range)
{
    return isnan(value) ? range.nan : value >= range.low && value <= range.high;
}

/* Random ranges, random values in them: none beyond what is said of all. */
static void expect_interval_holds(const char *text, uint64_t *turn)
{
    kpu_expression *expression = NULL;
    CU_ASSERT_EQUAL_FATAL(kpu_expression_parse(text, &table, NULL, &expression, NULL), KPU_OK);
    for (int box = 0; box < 200; box++) {
        kpu_interval slots[5];
        for (int i = 0; i < 5; i++) {
            double a = draw(turn, -8, 8), b = draw(turn, -8, 8);
            slots[i] = (kpu_interval){fmin(a, b), fmax(a, b), i == 4};
        }
        kpu_interval range = kpu_expression_interval(expression, slots);
        for (int n = 0; n < 20; n++) {
            double at[5];
            for (int i = 0; i < 5; i++)
                at[i] = i == 4 && n % 4 == 0 ? NAN : draw(turn, slots[i].low, slots[i].high);
            CU_ASSERT(lies_in(kpu_expression_value(expression, at), range));
        }
    }
    kpu_expression_free(expression);
}

static void test_interval_holds_every_value(void)
{
    static const char *const texts[] = {"TM",
                                        "-TM * TN",
                                        "TM + TN - cycles",
                                        "TM / TN",
                                        "TM / (TN * TN + 1)",
                                        "TM % TN",
                                        "TM % 4 == 0",
                                        "min(TM, TN) * max(cycles, -2)",
                                        "TM < TN and TN <= cycles",
                                        "not (TM > TN) or cycles >= 3",
                                        "TM != TN",
                                        "TM == TN or nothing < 2",
                                        "not nothing",
                                        "nothing != TM",
                                        "min(nothing, TM) > 0",
                                        "(TM - TN) / (TM - TN) == 1",
                                        "1 / (TM - TM) > TN",
                                        "dataflow == ws and TM * TM <= 16",
                                        "max(TM, 1) % max(TN, 1)"};
    uint64_t turn = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect_interval_holds(texts[i], &turn);
}

static void expect_interval(const char *text, double low, double high)
{
    const kpu_interval slots[5] = {{16, 64, false}, {8, 32, false}, {1, 1, false}, {5, 5, false}};
    kpu_expression *expression = NULL;
    CU_ASSERT_EQUAL_FATAL(kpu_expression_parse(text, &table, NULL, &expression, NULL), KPU_OK);
    kpu_interval range = kpu_expression_interval(expression, slots);
    CU_ASSERT(range.low == low && range.high == high && !range.nan);
    kpu_expression_free(expression);
}

/* It would hold if it said nothing; it says what it can. */
static void test_interval_is_narrow(void)
{
    expect_interval("TM + TN", 24, 96);
    expect_interval("TM - TN", -16, 56);
    expect_interval("TM / TN", 0.5, 8);
    expect_interval("TM % TN", 0, 32);
    expect_interval("max(TM, TN)", 16, 64);
    expect_interval("TM < 16", 0, 0);
    expect_interval("TM <= 16", 0, 1);
    expect_interval("TM >= 16 and TN != 40", 1, 1);
    expect_interval("TM > 64 or dataflow == os", 0, 0);
    expect_interval("not (TM * TN > 2048)", 1, 1);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"arithmetic", test_arithmetic},
        {"logic", test_logic},
        {"NaN is false everywhere", test_nan_is_false_everywhere},
        {"words", test_words},
        {"errors have a column", test_errors_have_a_column},
        {"depth is limited", test_depth_is_limited},
        {"a long sum needs no depth", test_a_long_sum_needs_no_depth},
        {"an interval holds every value", test_interval_holds_every_value},
        {"an interval is narrow", test_interval_is_narrow},
        CU_TEST_INFO_NULL,
    };
    return run_suite("expression", tests);
}
