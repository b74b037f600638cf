/* Archive, hypervolume and epsilon indicators against their definitions. */
#include "kpu/explorer.h"

#include "run_suite.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS_MAX = 700, OBJECTIVES_MAX = 6 };

/* One value; `levels` different ones, so that few levels make many ties. */
static double draw(uint64_t stream, uint64_t index, uint64_t levels, bool special)
{
    static const double specials[] = {NAN, INFINITY, -INFINITY, -0.0, 0.0};
    uint64_t r = kpu_random_u64(11, stream, index);
    if (special && r % 16 == 0)
        return specials[(r >> 8) % 5];
    return (double)((r >> 16) % levels) - (double)(levels / 2);
}

static bool dominates(const double *a, const double *b, int objectives)
{
    bool better = false;
    for (int d = 0; d < objectives; d++) {
        if (!(a[d] <= b[d]))
            return false;
        better = better || a[d] < b[d];
    }
    return better;
}

/* ---- The archive ------------------------------------------------------------------------ */

typedef struct member {
    double values[OBJECTIVES_MAX];
    int objectives;
    int64_t id;
} member;

static int compare_members(const void *a, const void *b)
{
    const member *x = a, *y = b;
    for (int d = 0; d < x->objectives; d++)
        if (x->values[d] != y->values[d])
            return x->values[d] < y->values[d] ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* The definition: what of `values` is a member, in canonical order. */
static size_t expected_members(const double *values, size_t count, int objectives, member *out)
{
    int64_t front[POINTS_MAX];
    size_t found = (size_t)kpu_pareto_front(values, (int64_t)count, objectives, front);
    for (size_t i = 0; i < found; i++) {
        out[i] = (member){.objectives = objectives, .id = front[i]};
        memcpy(out[i].values, values + front[i] * objectives, (size_t)objectives * sizeof(double));
    }
    qsort(out, found, sizeof *out, compare_members);
    return found;
}

static int64_t expected_dominator(const member *members, size_t count, const double *bound)
{
    for (size_t i = 0; i < count; i++)
        if (dominates(members[i].values, bound, members[i].objectives))
            return members[i].id;
    return -1;
}

static void expect_members(const kpu_archive *archive, const member *expected, size_t count)
{
    double values[POINTS_MAX * OBJECTIVES_MAX];
    int64_t ids[POINTS_MAX];
    CU_ASSERT_EQUAL_FATAL(kpu_archive_count(archive), count);
    CU_ASSERT_EQUAL_FATAL(kpu_archive_read(archive, values, ids), KPU_OK);
    for (size_t i = 0; i < count; i++) {
        int objectives = expected[i].objectives;
        CU_ASSERT_EQUAL(ids[i], expected[i].id);
        for (int d = 0; d < objectives; d++)
            CU_ASSERT_EQUAL(values[i * (size_t)objectives + (size_t)d], expected[i].values[d]);
    }
}

/* A permutation of 0 .. count-1. */
static void shuffle(size_t *order, size_t count, uint64_t stream)
{
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t i = count; i > 1; i--) {
        size_t j = kpu_random_u64(12, stream, i) % i, kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}

/* Adds in a random order, asks on the way and at the end. */
static void expect_archive(const double *values, size_t count, int objectives, uint64_t stream)
{
    size_t order[POINTS_MAX];
    static member expected[POINTS_MAX]; /* too large for the stack; set anew each time */
    double bound[OBJECTIVES_MAX];
    size_t found = expected_members(values, count, objectives, expected);
    kpu_archive *archive = kpu_archive_new(objectives);
    CU_ASSERT_PTR_NOT_NULL_FATAL(archive);
    shuffle(order, count, stream);
    for (size_t i = 0; i < count; i++)
        CU_ASSERT_EQUAL(
            kpu_archive_add(archive, values + order[i] * (size_t)objectives, (int64_t)order[i]),
            KPU_OK);
    expect_members(archive, expected, found);
    for (uint64_t q = 0; q < 60; q++) {
        const double *near = values + (count ? q * 7 % count : 0) * (size_t)objectives;
        for (int d = 0; d < objectives; d++)
            bound[d] = (count ? near[d] : 0) + draw(stream, q * 8 + (uint64_t)d, 3, true);
        CU_ASSERT_EQUAL(kpu_archive_dominator(archive, bound),
                        expected_dominator(expected, found, bound));
    }
    kpu_archive_free(archive);
}

static void test_archive_equals_the_definition(void)
{
    static const uint64_t levels[] = {1, 2, 3, 6, 40, 1000000};
    static double values[POINTS_MAX * OBJECTIVES_MAX];
    uint64_t stream = 0;
    for (int objectives = 1; objectives <= OBJECTIVES_MAX; objectives++)
        for (size_t l = 0; l < sizeof levels / sizeof *levels; l++)
            for (int round = 0; round < 8; round++, stream++) {
                size_t count = kpu_random_u64(13, stream, 0) % (POINTS_MAX + 1);
                if (round < 2)
                    count %= 12;
                for (size_t i = 0; i < count * (size_t)objectives; i++)
                    values[i] = draw(stream, i, levels[l], round % 2 == 1);
                expect_archive(values, count, objectives, stream);
            }
}

/* Nearly everything is a member, and later ones replace it all. */
static void test_archive_of_a_surface(void)
{
    static double values[POINTS_MAX * 3];
    for (int distance = 4; distance >= 0; distance -= 2) {
        for (size_t i = 0; i < POINTS_MAX; i++) {
            values[3 * i] = (double)(i % 29);
            values[3 * i + 1] = (double)(i * 7 % 31);
            values[3 * i + 2] =
                100 - values[3 * i] - values[3 * i + 1] + (double)(i % 3 ? distance : 0);
        }
        expect_archive(values, POINTS_MAX, 3, (uint64_t)distance);
    }
}

static void test_archive_small(void)
{
    kpu_archive *archive = kpu_archive_new(2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(archive);
    const double at[2] = {-0.0, 3}, same[2] = {0.0, 3}, above[2] = {0, 4}, nan[2] = {-5, NAN};
    const double least[2] = {-INFINITY, -INFINITY};
    CU_ASSERT_EQUAL(kpu_archive_dominator(archive, above), -1);
    CU_ASSERT_EQUAL(kpu_archive_add(archive, at, 9), KPU_OK);
    CU_ASSERT_EQUAL(kpu_archive_add(archive, nan, 1), KPU_OK);
    CU_ASSERT_EQUAL(kpu_archive_add(archive, above, 2), KPU_OK);
    CU_ASSERT_EQUAL(kpu_archive_count(archive), 1);
    CU_ASSERT_EQUAL(kpu_archive_dominator(archive, same), -1);
    CU_ASSERT_EQUAL(kpu_archive_dominator(archive, above), 9);
    CU_ASSERT_EQUAL(kpu_archive_dominator(archive, least), -1);
    CU_ASSERT_EQUAL(kpu_archive_dominator(archive, nan), -1);
    CU_ASSERT_EQUAL(kpu_archive_add(archive, same, 4), KPU_OK); /* a duplicate of lower id */
    CU_ASSERT_EQUAL(kpu_archive_count(archive), 2);
    CU_ASSERT_EQUAL(kpu_archive_dominator(archive, above), 4);
    double values[4];
    CU_ASSERT_EQUAL(kpu_archive_read(archive, values, NULL), KPU_OK);
    CU_ASSERT_FALSE(signbit(values[0]) || signbit(values[2]));
    kpu_archive_free(archive);
    CU_ASSERT_PTR_NULL(kpu_archive_new(0));
    kpu_archive_free(NULL);
}

/* Far beyond what a scan does in a test's time: 60,000 members in three objectives, each asked for
 * what lies a little below and above it. */
static void test_archive_of_many(void)
{
    enum { COUNT = 60000 };
    kpu_archive *archive = kpu_archive_new(3);
    CU_ASSERT_PTR_NOT_NULL_FATAL(archive);
    for (int64_t i = 0; i < COUNT; i++) {
        double x = draw(1, (uint64_t)i, 1u << 20, false), y = draw(2, (uint64_t)i, 1u << 20, false);
        const double value[3] = {x, y, -x - y};
        CU_ASSERT_EQUAL(kpu_archive_add(archive, value, i), KPU_OK);
    }
    CU_ASSERT_EQUAL(kpu_archive_count(archive), COUNT);
    for (int64_t i = 0; i < COUNT; i++) {
        double x = draw(1, (uint64_t)i, 1u << 20, false), y = draw(2, (uint64_t)i, 1u << 20, false);
        const double above[3] = {x, y, -x - y + 1}, at[3] = {x, y, -x - y};
        CU_ASSERT(kpu_archive_dominator(archive, above) >= 0);
        CU_ASSERT_EQUAL(kpu_archive_dominator(archive, at), -1);
    }
    kpu_archive_free(archive);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"archive: equals the definition", test_archive_equals_the_definition},
        {"archive: a surface", test_archive_of_a_surface},
        {"archive: duplicates, zeros, NaN", test_archive_small},
        {"archive: 60,000 members", test_archive_of_many},
        CU_TEST_INFO_NULL,
    };
    return run_suite("front", tests);
}
