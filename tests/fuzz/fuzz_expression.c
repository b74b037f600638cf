/* Constraints and filters: parsed, computed, and bounded over intervals. */
#include "explorer/expression.h"
#include "fuzz/check.h"
#include "fuzz/fuzz.h"

#include <math.h>

enum { NAMES = 4 };
static const char *const names[NAMES] = {"TM", "TN", "dataflow", "l2.banks"};

static int find_slot(void *context, const char *name)
{
    (void)context;
    for (int i = 0; i < NAMES; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static bool find_word(void *context, const char *name, const char *word, double *value)
{
    (void)context;
    *value = strcmp(word, "os") == 0 ? 0 : 1;
    return strcmp(name, "dataflow") == 0 && (*value == 0 || strcmp(word, "ws") == 0);
}

static const char *list_words(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "dataflow") == 0 ? "os ws" : NULL;
}

/* Numbers of either sign, and those that are none. */
static double number_of(uint64_t index)
{
    static const double odd[] = {0, 1, -1, 16, 1e300, -1e300, 0.5, 3};
    uint64_t random = kpu_random_u64(1, 2, index);
    return random % 4 ? odd[random / 4 % 8] : (double)(int64_t)random * 0x1p-50;
}

/* Whatever the values are between their bounds, the result lies within its own. */
static void check_bounds(const kpu_expression *expression)
{
    for (uint64_t n = 0; n < 16; n++) {
        kpu_interval box[NAMES];
        double slots[NAMES];
        for (uint64_t i = 0; i < NAMES; i++) {
            double a = number_of(8 * n + 2 * i), b = number_of(8 * n + 2 * i + 1);
            box[i] = (kpu_interval){fmin(a, b), fmax(a, b), false};
            slots[i] = n % 2 ? a : b;
        }
        double value = kpu_expression_value(expression, slots);
        kpu_interval bound = kpu_expression_interval(expression, box);
        if (isnan(value) ? !bound.nan : value < bound.low || value > bound.high)
            fail_check("a value that its bounds exclude");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const kpu_expression_names known = {.slot = find_slot,
                                        .word = find_word,
                                        .words = list_words,
                                        .known = names,
                                        .known_count = NAMES};
    char *text = copy_text(data, size);
    const kpu_place place = {"fuzz.ini", 1, 1, text};
    kpu_expression *expression;
    kpu_diag diag = {0};
    int status = kpu_expression_parse(text, &known, size % 2 ? &place : NULL, &expression, &diag);
    if ((status == KPU_OK) != (expression != NULL))
        fail_check("no expression and no failure");
    if (expression)
        check_bounds(expression);
    check_complaints(status, &diag);
    kpu_expression_free(expression);
    free(text);
    return 0;
}
