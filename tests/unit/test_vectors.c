/* The published cases: every field that they expect, in the JSON that the library prints; integers
 * exactly. Their `commands`, `stalls` and `bytes` leave out what is 0. */
#include "kpu/report.h"

#include "run_suite.h"
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int differences(const json_t *got, const json_t *want, const char *path);

static int complain(const char *path, const json_t *got, const json_t *want)
{
    char *g = got ? json_dumps(got, JSON_ENCODE_ANY) : NULL;
    char *w = want ? json_dumps(want, JSON_ENCODE_ANY) : NULL;
    fprintf(stderr, "  %s: got %s, want %s\n", path, g ? g : "nothing", w ? w : "nothing");
    free(g);
    free(w);
    return 1;
}

static bool is_zero(const json_t *value)
{
    return json_is_integer(value) && json_integer_value(value) == 0;
}

/* A map that may leave out what is 0, in either direction. */
static bool is_sparse(const char *path)
{
    return strcmp(path, "commands") == 0 || strcmp(path, "stalls") == 0 ||
           strcmp(path, "bytes") == 0;
}

static int object_differences(const json_t *got, const json_t *want, const char *path)
{
    const char *key;
    json_t *value;
    int count = 0;
    json_object_foreach((json_t *)(uintptr_t)want, key, value)
    {
        const json_t *other = json_object_get(got, key);
        if (other)
            count += differences(other, value, *path ? path : key);
        else if (!is_sparse(path) || !is_zero(value))
            count += complain(key, NULL, value);
    }
    if (is_sparse(path))
        json_object_foreach((json_t *)(uintptr_t)got, key,
                            value) if (!json_object_get(want, key) && !is_zero(value)) count +=
            complain(key, value, NULL);
    return count;
}

static int array_differences(const json_t *got, const json_t *want, const char *path)
{
    int count = 0;
    if (json_array_size(got) != json_array_size(want))
        return complain(path, got, want);
    for (size_t i = 0; i < json_array_size(want); i++)
        count += differences(json_array_get(got, i), json_array_get(want, i), path);
    return count;
}

/* Number of differing leaves below two values; `path` is the outermost key. */
static int differences(const json_t *got, const json_t *want, const char *path)
{
    if (json_is_object(got) && json_is_object(want))
        return object_differences(got, want, path);
    if (json_is_array(got) && json_is_array(want))
        return array_differences(got, want, path);
    if (json_is_real(want) && json_is_number(got)) {
        double wanted = json_real_value(want);
        bool near = fabs(json_number_value(got) - wanted) <= 1e-12 * fabs(wanted);
        return near ? 0 : complain(path, got, want);
    }
    /* a sum of doubles that happens to be whole may be printed either way */
    if (json_is_integer(want) && json_is_real(got) &&
        json_real_value(got) == json_number_value(want))
        return 0;
    return json_equal(got, want) ? 0 : complain(path, got, want);
}

/* The library's answer to the case on the line. */
static json_t *answer(kpu_simulator *simulator, const char *line, size_t length)
{
    kpu_machine machine;
    kpu_problem problem;
    kpu_candidate candidate;
    kpu_result result;
    kpu_diag diag = {0};
    char *buffer = NULL;
    size_t capacity = 0;
    json_t *out = NULL;
    if (kpu_case_parse(line, length, &machine, &problem, &candidate, &diag) == KPU_OK &&
        kpu_evaluate(simulator, &machine, &problem, &candidate, &result) == KPU_OK &&
        kpu_result_print_json(&machine, &result, &buffer, &capacity) == KPU_OK)
        out = json_loads(buffer, 0, NULL);
    free(buffer);
    kpu_diag_fini(&diag);
    return out;
}

/* Number of cases in the file. */
static int check_file(const char *path)
{
    FILE *file = fopen(path, "r");
    kpu_simulator *simulator = kpu_simulator_new();
    char *line = NULL;
    size_t capacity = 0;
    int cases = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_PTR_NOT_NULL_FATAL(simulator);
    for (ssize_t length; (length = getline(&line, &capacity, file)) > 0; cases++) {
        json_t *given = json_loads(line, 0, NULL);
        json_t *got = answer(simulator, line, (size_t)length);
        CU_ASSERT_PTR_NOT_NULL(got);
        int wrong = differences(got, json_object_get(given, "expect"), "");
        CU_ASSERT_EQUAL(wrong, 0);
        if (wrong)
            fprintf(stderr, "%s:%d: the fields above\n", path, cases + 1);
        json_decref(got);
        json_decref(given);
    }
    kpu_simulator_free(simulator);
    free(line);
    fclose(file);
    return cases;
}

static void test_small(void)
{
    CU_ASSERT_EQUAL(check_file(KPU_SOURCE_DIR "/tests/vectors/small.jsonl"), 400);
}

static void test_medium(void)
{
    CU_ASSERT_EQUAL(check_file(KPU_SOURCE_DIR "/tests/vectors/medium.jsonl"), 30);
}

/* The comparison itself can fail. */
static void test_comparison(void)
{
    const struct {
        const char *got, *want;
        int differences;
    } cases[] = {
        {"{\"cycles\":5,\"more\":1}", "{\"cycles\":5}", 0},
        {"{\"cycles\":6}", "{\"cycles\":5}", 1},
        {"{}", "{\"cycles\":0}", 1},
        {"{\"bytes\":{\"a\":0}}", "{\"bytes\":{\"b\":0}}", 0},
        {"{\"bytes\":{\"a\":1}}", "{\"bytes\":{}}", 1},
        {"{\"stalls\":{}}", "{\"stalls\":{\"drain\":3}}", 1},
        {"{\"busy\":{\"dma\":1}}", "{\"busy\":{\"dma\":2}}", 1},
        {"{\"W\":{\"A\":[1,2]}}", "{\"W\":{\"A\":[2,1]}}", 2},
        {"{\"e\":1.0000000000001}", "{\"e\":1.0}", 0},
        {"{\"e\":1.00000000001}", "{\"e\":1.0}", 1},
        {"{\"e\":2}", "{\"e\":2.0}", 0},
    };
    fprintf(stderr, "(wanted differences, from the test of the comparison:)\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *got = json_loads(cases[i].got, 0, NULL);
        json_t *want = json_loads(cases[i].want, 0, NULL);
        CU_ASSERT_EQUAL(differences(got, want, ""), cases[i].differences);
        json_decref(got);
        json_decref(want);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"the comparison can fail", test_comparison},
        {"small cases", test_small},
        {"medium cases", test_medium},
        CU_TEST_INFO_NULL,
    };
    return run_suite("vectors", tests);
}
