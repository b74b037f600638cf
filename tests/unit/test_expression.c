/* kpu/explorer.h: the expression language of constraints and filters. */
#include "kpu/explorer.h"

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
        CU_TEST_INFO_NULL,
    };
    return run_suite("expression", tests);
}
