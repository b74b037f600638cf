/* Archive, hypervolume and epsilon indicators against their definitions. */
#include "kpu/explorer.h"

#include "dominance_by_definition.h"
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
    member expected[POINTS_MAX];
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
    double values[POINTS_MAX * OBJECTIVES_MAX];
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
    double values[POINTS_MAX * 3];
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

/* Tilings that are cut to the same: a scan of them for each would take minutes. */
static void test_archive_of_equals(void)
{
    enum { COUNT = 200000 };
    kpu_archive *archive = kpu_archive_new(2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(archive);
    const double at[2] = {5, 5}, beside[2] = {4, 6}, above[2] = {5, 7}, below[2] = {5, 4};
    int64_t least = COUNT;
    for (int64_t i = 0; i < COUNT; i++) {
        int64_t id = (i + COUNT / 2) * 7919 % COUNT; /* each once, in no order */
        least = id < least ? id : least;
        CU_ASSERT_EQUAL_FATAL(kpu_archive_add(archive, at, id), KPU_OK);
        CU_ASSERT_EQUAL(kpu_archive_dominator(archive, above), least);
        CU_ASSERT_EQUAL(kpu_archive_dominator(archive, at), -1);
    }
    CU_ASSERT_EQUAL(kpu_archive_add(archive, beside, COUNT), KPU_OK);
    CU_ASSERT_EQUAL(kpu_archive_count(archive), COUNT + 1);
    CU_ASSERT_EQUAL(kpu_archive_dominator(archive, above), COUNT);
    CU_ASSERT_EQUAL(kpu_archive_add(archive, below, 3), KPU_OK);
    CU_ASSERT_EQUAL(kpu_archive_count(archive), 2);
    kpu_archive_free(archive);
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

/* ---- Hypervolume ------------------------------------------------------------------------ */

static double hypervolume(const double *values, int64_t count, int objectives, double reference)
{
    double at[OBJECTIVES_MAX];
    for (int d = 0; d < objectives; d++)
        at[d] = reference;
    return kpu_hypervolume(values, count, objectives, at);
}

static void test_hypervolume_published(void)
{
    const double two[] = {5, 5, 4, 6, 2, 7, 7, 4}, three[] = {1, 0, 1, 0, 1, 0};
    CU_ASSERT_EQUAL(hypervolume(two, 4, 2, 10), 38);
    CU_ASSERT_EQUAL(hypervolume(three, 2, 3, 2), 5);
}

/* Unit cells of a grid that some point dominates: for whole values in 0 .. side-1. */
static double cells_dominated(const double *values, int64_t count, int objectives, int side)
{
    double cell[OBJECTIVES_MAX] = {0}, cells = 0;
    for (int d = 0; d < objectives;) {
        bool inside = false;
        for (int64_t i = 0; !inside && i < count; i++) {
            inside = true;
            for (int e = 0; e < objectives; e++)
                inside = inside && values[i * objectives + e] <= cell[e];
        }
        cells += inside;
        for (d = 0; d < objectives && ++cell[d] == side; d++)
            cell[d] = 0;
    }
    return cells;
}

static void test_hypervolume_equals_counted_cells(void)
{
    static const int sides[] = {0, 40, 20, 9, 6, 4, 3};
    double values[60 * OBJECTIVES_MAX];
    for (uint64_t round = 0; round < 600; round++) {
        int objectives = 1 + (int)(round % OBJECTIVES_MAX), side = sides[objectives];
        int64_t count = (int64_t)(kpu_random_u64(14, round, 0) % 60);
        for (int64_t i = 0; i < count * objectives; i++) /* on and beyond the reference too */
            values[i] = (double)(kpu_random_u64(15, round, (uint64_t)i) % (uint64_t)(side + 2));
        CU_ASSERT_EQUAL(hypervolume(values, count, objectives, side),
                        cells_dominated(values, count, objectives, side));
    }
}

/* Over all subsets: sum of the volumes of their common boxes, with alternating sign. */
static double inclusion_exclusion(const double *values, int count, int objectives, double reference)
{
    double volume = 0;
    for (unsigned subset = 1; subset < 1u << count; subset++) {
        double box = __builtin_popcount(subset) % 2 ? 1 : -1;
        for (int d = 0; d < objectives; d++) {
            double edge = -INFINITY;
            for (int i = 0; i < count; i++)
                if (subset >> i & 1)
                    edge = fmax(edge, values[i * objectives + d]);
            box *= fmax(reference - edge, 0);
        }
        volume += box;
    }
    return volume;
}

static void test_hypervolume_equals_inclusion_exclusion(void)
{
    double values[10 * OBJECTIVES_MAX];
    for (uint64_t round = 0; round < 300; round++) {
        int objectives = 1 + (int)(round % OBJECTIVES_MAX), count = (int)(round / 6 % 11);
        for (int i = 0; i < count * objectives; i++)
            values[i] = draw(round, (uint64_t)i, 1000, false) / 500;
        CU_ASSERT_DOUBLE_EQUAL(hypervolume(values, count, objectives, 0.75),
                               inclusion_exclusion(values, count, objectives, 0.75), 1e-9);
    }
}

/* Every point twice, shuffled: the same bits. */
static void test_hypervolume_is_of_a_set(void)
{
    enum { COUNT = 150 };
    double values[COUNT * 5], mixed[2 * COUNT * 5];
    size_t order[2 * COUNT];
    for (int objectives = 1; objectives <= 5; objectives++)
        for (uint64_t round = 0; round < 4; round++) {
            size_t width = (size_t)objectives;
            for (size_t i = 0; i < COUNT * width; i++)
                values[i] = draw(round, i, 1000000, false) / 7e5;
            shuffle(order, 2 * COUNT, round);
            for (size_t i = 0; i < 2 * COUNT; i++)
                memcpy(mixed + i * width, values + order[i] / 2 * width, width * sizeof *values);
            CU_ASSERT_EQUAL(hypervolume(values, COUNT, objectives, 1),
                            hypervolume(mixed, 2 * COUNT, objectives, 1));
        }
}

static void test_hypervolume_special_values(void)
{
    const double on[] = {2, 1, 1, 3}, nan[] = {NAN, 0, 1, 1}, low[] = {-INFINITY, 1};
    CU_ASSERT_EQUAL(hypervolume(on, 2, 2, 2), 0);
    CU_ASSERT_EQUAL(hypervolume(nan, 2, 2, 2), 1);
    CU_ASSERT_EQUAL(hypervolume(low, 1, 2, 2), INFINITY);
    CU_ASSERT_EQUAL(hypervolume(low, 1, 2, 1), 0);
    CU_ASSERT_EQUAL(hypervolume(on, 1, 2, INFINITY), INFINITY);
    CU_ASSERT_EQUAL(hypervolume(on, 2, 2, NAN), 0);
    CU_ASSERT_EQUAL(hypervolume(on, 0, 2, 2), 0);
}

/* Columns on a grid, each as high as its place says; no column dominates another. */
static void test_hypervolume_of_many(void)
{
    enum { SIDE = 300, COUNT = SIDE * SIDE };
    double *values = malloc(COUNT * 3 * sizeof *values);
    CU_ASSERT_PTR_NOT_NULL_FATAL(values);
    double expected = 0;
    for (int i = 0; i < COUNT; i++) { /* column x, y begins at z */
        int x = i * 7 % COUNT / SIDE, y = i * 7 % COUNT % SIDE, z = 2 * SIDE - x - y;
        values[3 * i] = x;
        values[3 * i + 1] = y;
        values[3 * i + 2] = z;
        expected += 3 * SIDE - z;
    }
    const double reference[3] = {SIDE, SIDE, 3 * SIDE};
    CU_ASSERT_EQUAL(kpu_hypervolume(values, COUNT, 3, reference), expected);
    free(values);
}

/* ---- Epsilon ---------------------------------------------------------------------------- */

static void test_epsilon_by_hand(void)
{
    /* a is one step behind b in its second point, b two behind a in its first. */
    const double a[] = {1, 5, 4, 3}, b[] = {3, 5, 4, 2};
    kpu_point_set first = {a, 2}, second = {b, 2};
    CU_ASSERT_EQUAL(kpu_epsilon_additive(first, second, 2), 1);
    CU_ASSERT_EQUAL(kpu_epsilon_additive(second, first, 2), 2);
    CU_ASSERT_EQUAL(kpu_epsilon_multiplicative(first, second, 2), 1.5);
    CU_ASSERT_EQUAL(kpu_epsilon_multiplicative(second, first, 2), 3);
    CU_ASSERT_EQUAL(kpu_epsilon_additive(first, first, 2), 0);
    CU_ASSERT_EQUAL(kpu_epsilon_multiplicative(first, first, 2), 1);
}

static double epsilon_by_definition(kpu_point_set a, kpu_point_set b, int objectives, bool divide)
{
    double worst = divide ? 0 : -INFINITY;
    for (int64_t j = 0; j < b.count; j++) {
        double nearest = INFINITY;
        for (int64_t i = 0; i < a.count; i++) {
            double most = -INFINITY;
            for (int d = 0; d < objectives; d++) {
                double x = a.values[i * objectives + d], y = b.values[j * objectives + d];
                most = fmax(most, divide ? x / y : x - y);
            }
            nearest = fmin(nearest, most);
        }
        worst = fmax(worst, nearest);
    }
    return worst;
}

static void test_epsilon_equals_the_definition(void)
{
    double values[2][40 * OBJECTIVES_MAX];
    for (uint64_t round = 0; round < 400; round++) {
        int objectives = 1 + (int)(round % OBJECTIVES_MAX);
        kpu_point_set fronts[2];
        for (uint64_t f = 0; f < 2; f++) {
            fronts[f] = (kpu_point_set){values[f], (int64_t)(kpu_random_u64(16, round, f) % 40)};
            for (int64_t i = 0; i < fronts[f].count * objectives; i++)
                values[f][i] =
                    draw(2 * round + f, (uint64_t)i, round % 3 ? 20 : 5000, false) + 2501;
        }
        CU_ASSERT_EQUAL(kpu_epsilon_additive(fronts[0], fronts[1], objectives),
                        epsilon_by_definition(fronts[0], fronts[1], objectives, false));
        CU_ASSERT_EQUAL(kpu_epsilon_multiplicative(fronts[0], fronts[1], objectives),
                        epsilon_by_definition(fronts[0], fronts[1], objectives, true));
    }
}

static void test_epsilon_special_values(void)
{
    const double a[] = {0, INFINITY}, b[] = {0, 7}, negative[] = {-1, 7}, nan[] = {NAN, 1};
    kpu_point_set infinite = {a, 1}, finite = {b, 1}, below = {negative, 1}, absent = {nan, 1};
    kpu_point_set nothing = {NULL, 0};
    CU_ASSERT_EQUAL(kpu_epsilon_additive(infinite, infinite, 2), 0);
    CU_ASSERT_EQUAL(kpu_epsilon_multiplicative(infinite, infinite, 2), 1);
    CU_ASSERT_EQUAL(kpu_epsilon_additive(infinite, finite, 2), INFINITY);
    CU_ASSERT_EQUAL(kpu_epsilon_multiplicative(finite, infinite, 2), 1);
    CU_ASSERT(isnan(kpu_epsilon_multiplicative(finite, below, 2)));
    CU_ASSERT_EQUAL(kpu_epsilon_additive(absent, finite, 2), INFINITY);
    CU_ASSERT_EQUAL(kpu_epsilon_additive(finite, absent, 2), -INFINITY);
    CU_ASSERT_EQUAL(kpu_epsilon_additive(nothing, nothing, 2), -INFINITY);
    CU_ASSERT_EQUAL(kpu_epsilon_multiplicative(nothing, finite, 2), INFINITY);
    CU_ASSERT_EQUAL(kpu_epsilon_multiplicative(finite, nothing, 2), 0);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"archive: equals the definition", test_archive_equals_the_definition},
        {"archive: a surface", test_archive_of_a_surface},
        {"archive: duplicates, zeros, NaN", test_archive_small},
        {"archive: many equal ones", test_archive_of_equals},
        {"archive: 60,000 members", test_archive_of_many},
        {"hypervolume: published values", test_hypervolume_published},
        {"hypervolume: counted cells", test_hypervolume_equals_counted_cells},
        {"hypervolume: inclusion and exclusion", test_hypervolume_equals_inclusion_exclusion},
        {"hypervolume: same bits for any order", test_hypervolume_is_of_a_set},
        {"hypervolume: infinities, NaN, the reference", test_hypervolume_special_values},
        {"hypervolume: 90,000 points", test_hypervolume_of_many},
        {"epsilon: by hand", test_epsilon_by_hand},
        {"epsilon: equals the definition", test_epsilon_equals_the_definition},
        {"epsilon: infinities, zeros, NaN", test_epsilon_special_values},
        CU_TEST_INFO_NULL,
    };
    return run_suite("front", tests);
}
