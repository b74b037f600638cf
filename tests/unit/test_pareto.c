/* kpu_pareto_front against the definition, on points with many ties and duplicates. */
#include "kpu/explorer.h"

#include "dominance_by_definition.h"
#include "run_suite.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS_MAX = 300, OBJECTIVES_MAX = 5 };

/* The definition, word by word. */
static int64_t brute_force(const double *values, int64_t count, int objectives, int64_t *front)
{
    int64_t found = 0;
    for (int64_t i = 0; i < count; i++) {
        bool keep = true;
        for (int d = 0; d < objectives; d++)
            keep = keep && !isnan(values[i * objectives + d]);
        for (int64_t j = 0; keep && j < count; j++)
            keep = !dominates(values + j * objectives, values + i * objectives, objectives);
        if (keep)
            front[found++] = i;
    }
    return found;
}

static void expect_definition(const double *values, int64_t count, int objectives)
{
    int64_t expected[POINTS_MAX], found[POINTS_MAX];
    int64_t n = brute_force(values, count, objectives, expected);
    CU_ASSERT_EQUAL(kpu_pareto_front(values, count, objectives, found), n);
    CU_ASSERT_EQUAL(memcmp(found, expected, (size_t)n * sizeof *found), 0);
}

/* One value; `levels` different ones, so that few levels make many ties. */
static double draw(uint64_t stream, uint64_t index, uint64_t levels, bool special)
{
    static const double specials[] = {NAN, INFINITY, -INFINITY, -0.0, 0.0};
    uint64_t r = kpu_random_u64(7, stream, index);
    if (special && r % 8 == 0)
        return specials[(r >> 8) % 5];
    return (double)((r >> 16) % levels) - (double)(levels / 2);
}

static void test_equals_the_definition(void)
{
    static const uint64_t levels[] = {1, 2, 3, 5, 20, 1000000};
    double values[POINTS_MAX * OBJECTIVES_MAX];
    uint64_t stream = 0;
    for (int objectives = 1; objectives <= OBJECTIVES_MAX; objectives++)
        for (size_t l = 0; l < sizeof levels / sizeof *levels; l++)
            for (int round = 0; round < 24; round++, stream++) {
                int64_t count = (int64_t)(kpu_random_u64(8, stream, 0) % (POINTS_MAX + 1));
                if (round < 8)
                    count %= 12;
                for (int64_t i = 0; i < count * objectives; i++)
                    values[i] = draw(stream, (uint64_t)i, levels[l], round % 2 == 1);
                expect_definition(values, count, objectives);
            }
}

/* All on the front: the case in which nothing is thrown away early. */
static void test_keeps_a_front_of_everything(void)
{
    double values[POINTS_MAX * 3];
    int64_t front[POINTS_MAX];
    for (int i = 0; i < POINTS_MAX; i++) {
        values[3 * i] = i;
        values[3 * i + 1] = (i * 7) % POINTS_MAX;
        values[3 * i + 2] = -values[3 * i] - values[3 * i + 1];
    }
    CU_ASSERT_EQUAL(kpu_pareto_front(values, POINTS_MAX, 3, front), POINTS_MAX);
    expect_definition(values, POINTS_MAX, 3);
}

static void test_special_values(void)
{
    int64_t front[8];
    const double zeros[] = {0.0, 1, -0.0, 1, 0.0, 2};
    CU_ASSERT_EQUAL(kpu_pareto_front(zeros, 3, 2, front), 2);
    CU_ASSERT_EQUAL(front[0], 0);
    CU_ASSERT_EQUAL(front[1], 1);
    const double infinite[] = {INFINITY, INFINITY, INFINITY, INFINITY, NAN, -INFINITY};
    CU_ASSERT_EQUAL(kpu_pareto_front(infinite, 3, 2, front), 2);
    const double three[] = {INFINITY, INFINITY, INFINITY, 1, INFINITY, INFINITY};
    CU_ASSERT_EQUAL(kpu_pareto_front(three, 2, 3, front), 1);
    CU_ASSERT_EQUAL(front[0], 1);
    const double nothing[] = {NAN, NAN};
    CU_ASSERT_EQUAL(kpu_pareto_front(nothing, 2, 1, front), 0);
    CU_ASSERT_EQUAL(kpu_pareto_front(nothing, 0, 1, front), 0);
}

/* Far beyond what a quadratic algorithm does in a test's time. */
static void test_half_a_million_points_in_three_objectives(void)
{
    enum { COUNT = 500000 };
    double *values = malloc(3 * COUNT * sizeof *values);
    int64_t *front = malloc(COUNT * sizeof *front);
    CU_ASSERT_PTR_NOT_NULL_FATAL(values);
    CU_ASSERT_PTR_NOT_NULL_FATAL(front);
    for (int64_t i = 0; i < COUNT; i++) {
        values[3 * i] = draw(1, (uint64_t)i, 1u << 20, false);
        values[3 * i + 1] = -values[3 * i] + draw(2, (uint64_t)i, 16, false);
        values[3 * i + 2] = draw(3, (uint64_t)i, 1u << 20, false);
    }
    int64_t found = kpu_pareto_front(values, COUNT, 3, front);
    CU_ASSERT(found > 1000);
    for (int64_t i = 1; i < found; i++)
        CU_ASSERT_FATAL(front[i - 1] < front[i]);
    int64_t dominated = 0;
    for (int64_t i = 0; i < 50; i++) /* members are dominated by nothing */
        for (int64_t j = 0; j < COUNT; j++)
            dominated += dominates(values + 3 * j, values + 3 * front[i], 3);
    CU_ASSERT_EQUAL(dominated, 0);
    free(front);
    free(values);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"equals the definition", test_equals_the_definition},
        {"everything on the front", test_keeps_a_front_of_everything},
        {"zeros, infinities, NaN", test_special_values},
        {"half a million points", test_half_a_million_points_in_three_objectives},
        CU_TEST_INFO_NULL,
    };
    return run_suite("pareto", tests);
}
