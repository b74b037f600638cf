/* What searches are made of: a permutation without memory, a Halton sequence, a set of ids, the
 * sorting of NSGA-II. */
#include "explorer/halton.h"
#include "explorer/id_set.h"
#include "explorer/nsga2.h"
#include "explorer/permutation.h"

#include "run_suite.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Permutation ------------------------------------------------------------------------- */

static void expect_bijection(int64_t size, uint64_t seed)
{
    kpu_permutation p;
    char *hit = calloc((size_t)size, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(hit);
    kpu_permutation_init(&p, size, seed);
    for (int64_t n = 0; n < size && hit; n++) {
        int64_t term = kpu_permutation_at(&p, n);
        CU_ASSERT_FATAL(term >= 0 && term < size);
        CU_ASSERT_FALSE(hit[term]);
        hit[term] = 1;
    }
    free(hit);
}

static void test_a_permutation_is_one(void)
{
    for (int64_t size = 1; size <= 70; size++)
        expect_bijection(size, (uint64_t)size);
    expect_bijection(4096, 1);
    expect_bijection(4097, 1);
    expect_bijection(65535, 2);
}

static void test_a_permutation_of_the_largest_space(void)
{
    const int64_t size = INT64_C(1) << 62;
    kpu_permutation p;
    kpu_permutation_init(&p, size, 5);
    int64_t upper = 0;
    for (int64_t n = 0; n < 1000; n++) {
        int64_t term = kpu_permutation_at(&p, n);
        CU_ASSERT(term >= 0 && term < size);
        upper += term >= size / 2;
    }
    CU_ASSERT(upper > 420 && upper < 580); /* five standard deviations */
}

/* The first term is any number with the same chance: chi square of 10 cells over 2,000 seeds. */
static void test_a_permutation_is_fair(void)
{
    enum { SIZE = 10, SEEDS = 2000 };
    int64_t count[SIZE] = {0};
    double chi = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        kpu_permutation p;
        kpu_permutation_init(&p, SIZE, seed);
        count[kpu_permutation_at(&p, 0)]++;
    }
    for (int i = 0; i < SIZE; i++)
        chi += pow((double)count[i] - SEEDS / SIZE, 2) / (SEEDS / SIZE);
    CU_ASSERT(chi < 27.9); /* 9 degrees of freedom: one in a thousand is beyond */
}

/* ---- Halton ------------------------------------------------------------------------------ */

/* Of any base^k terms from a multiple of it on, each base^-k-th of the axis has exactly one. */
static void test_halton_is_even_on_each_axis(void)
{
    static const int64_t powers[] = {64, 81, 125, 49, 121};
    enum { DIMENSIONS = sizeof powers / sizeof *powers };
    kpu_halton h;
    CU_ASSERT_EQUAL_FATAL(kpu_halton_init(&h, DIMENSIONS, 7), KPU_OK);
    for (size_t d = 0; d < DIMENSIONS; d++) {
        for (int64_t block = 0; block < 3; block++) {
            char hit[128] = {0};
            for (int64_t i = 0; i < powers[d]; i++) {
                int64_t cell = kpu_halton_at(&h, d, block * powers[d] + i, powers[d]);
                CU_ASSERT(cell >= 0 && cell < powers[d] && !hit[cell]);
                hit[cell] = 1;
            }
        }
    }
    kpu_halton_fini(&h);
}

/* The first two axes together: every 2^-a x 3^-b box has one of 2^a 3^b terms. */
static void test_halton_is_even_on_two_axes(void)
{
    kpu_halton h;
    int64_t count[8][9] = {{0}};
    CU_ASSERT_EQUAL_FATAL(kpu_halton_init(&h, 2, 11), KPU_OK);
    for (int64_t n = 0; n < 72; n++)
        count[kpu_halton_at(&h, 0, n, 8)][kpu_halton_at(&h, 1, n, 9)]++;
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < 9; j++)
            CU_ASSERT_EQUAL(count[i][j], 1);
    }
    kpu_halton_fini(&h);
}

static void test_halton_of_many_dimensions_and_large_numbers(void)
{
    enum { DIMENSIONS = 90 };
    kpu_halton h;
    CU_ASSERT_EQUAL_FATAL(kpu_halton_init(&h, DIMENSIONS, 1), KPU_OK);
    CU_ASSERT_EQUAL(h.axes[0].base, 2);
    CU_ASSERT_EQUAL(h.axes[DIMENSIONS - 1].base, 463); /* the 90th prime */
    for (size_t d = 0; d < DIMENSIONS; d++) {
        int64_t at = kpu_halton_at(&h, d, INT64_C(1) << 40, INT64_C(1) << 62);
        CU_ASSERT(at >= 0 && at < INT64_C(1) << 62);
        CU_ASSERT_EQUAL(kpu_halton_at(&h, d, 12345, 1), 0);
    }
    kpu_halton_fini(&h);
}

/* ---- Set --------------------------------------------------------------------------------- */

static void test_a_set_of_ids(void)
{
    kpu_id_set set = {0};
    bool added;
    CU_ASSERT_FALSE(kpu_id_set_has(&set, 0));
    for (int64_t i = 0; i < 5000; i++) {
        CU_ASSERT_EQUAL(kpu_id_set_add(&set, i * i, &added), KPU_OK);
        CU_ASSERT_TRUE(added);
        CU_ASSERT_EQUAL(kpu_id_set_add(&set, i / 2 * (i / 2), &added), KPU_OK);
        CU_ASSERT_FALSE(added);
    }
    for (int64_t i = 0; i < 5000; i++)
        CU_ASSERT_TRUE(kpu_id_set_has(&set, i * i));
    CU_ASSERT_EQUAL(set.count, 5000);
    CU_ASSERT_FALSE(kpu_id_set_has(&set, 3));
    kpu_id_set_fini(&set);
}

/* ---- NSGA-II ----------------------------------------------------------------------------- */

enum { MOST = 200, OBJECTIVES_MOST = 4 };
typedef struct crowd {
    kpu_individual all[MOST];
    double costs[MOST][OBJECTIVES_MOST];
} crowd;

/* Small whole numbers, so that ties are frequent; a third do not fit. */
static void draw_crowd(crowd *c, size_t count, size_t objectives, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t r = kpu_random_u64(seed, 100, i);
        c->all[i] = (kpu_individual){.id = (int64_t)(r >> 32 << 8 | i), .costs = c->costs[i]};
        c->all[i].violation = r % 3 == 0 ? 1 + (double)(r / 3 % 4) : 0;
        for (size_t o = 0; o < objectives; o++)
            c->costs[i][o] = (double)(kpu_random_u64(seed, o, i) % 9);
    }
}

static bool is_fitter(const kpu_individual *a, const kpu_individual *b, size_t objectives)
{
    bool better = false;
    if (a->violation > 0 || b->violation > 0)
        return a->violation < b->violation;
    for (size_t o = 0; o < objectives; o++) {
        if (a->costs[o] > b->costs[o])
            return false;
        better |= a->costs[o] < b->costs[o];
    }
    return better;
}

/* A front is who is beaten by nobody that is left. */
static void expect_fronts(const crowd *c, size_t count, size_t objectives)
{
    for (size_t i = 0; i < count; i++) {
        int32_t most = -1; /* the worst rank of those that are fitter */
        for (size_t j = 0; j < count; j++) {
            if (is_fitter(&c->all[j], &c->all[i], objectives) && c->all[j].rank > most)
                most = c->all[j].rank;
        }
        CU_ASSERT_EQUAL(c->all[i].rank, most + 1);
    }
    for (size_t i = 1; i < count; i++) {
        const kpu_individual *a = &c->all[i - 1], *b = &c->all[i];
        CU_ASSERT(a->rank < b->rank || (a->rank == b->rank && a->crowding >= b->crowding));
    }
}

static void test_fronts_against_brute_force(void)
{
    static crowd c;
    for (uint64_t seed = 0; seed < 60; seed++) {
        size_t count = 1 + seed * 3, objectives = 1 + seed % OBJECTIVES_MOST;
        draw_crowd(&c, count, objectives, seed);
        CU_ASSERT_EQUAL(kpu_nsga2_sort(c.all, count, objectives), KPU_OK);
        expect_fronts(&c, count, objectives);
    }
    CU_ASSERT_EQUAL(kpu_nsga2_sort(c.all, 0, 2), KPU_OK);
}

/* The order in which individuals come does not matter. */
static void test_sorting_has_one_outcome(void)
{
    static crowd a, b;
    draw_crowd(&a, MOST, 2, 3);
    draw_crowd(&b, MOST, 2, 3);
    for (size_t i = 0; i < MOST / 2; i++) {
        kpu_individual moved = b.all[i];
        b.all[i] = b.all[MOST - 1 - i];
        b.all[MOST - 1 - i] = moved;
    }
    CU_ASSERT_EQUAL(kpu_nsga2_sort(a.all, MOST, 2), KPU_OK);
    CU_ASSERT_EQUAL(kpu_nsga2_sort(b.all, MOST, 2), KPU_OK);
    for (size_t i = 0; i < MOST; i++)
        CU_ASSERT_EQUAL(a.all[i].id, b.all[i].id);
}

/* By hand: (0,4) (1,2) (3,1) (4,0). (1,2): 3/4 + 3/4; (3,1): 3/4 + 2/4. */
static void test_crowding_by_hand(void)
{
    double costs[4][2] = {{3, 1}, {0, 4}, {4, 0}, {1, 2}};
    kpu_individual all[4];
    for (int i = 0; i < 4; i++)
        all[i] = (kpu_individual){.id = i, .costs = costs[i]};
    CU_ASSERT_EQUAL(kpu_nsga2_sort(all, 4, 2), KPU_OK);
    CU_ASSERT(all[0].id == 1 && isinf(all[0].crowding));
    CU_ASSERT(all[1].id == 2 && isinf(all[1].crowding));
    CU_ASSERT_EQUAL(all[2].id, 3);
    CU_ASSERT_DOUBLE_EQUAL(all[2].crowding, 1.5, 1e-12);
    CU_ASSERT_EQUAL(all[3].id, 0);
    CU_ASSERT_DOUBLE_EQUAL(all[3].crowding, 1.25, 1e-12);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"a permutation is one", test_a_permutation_is_one},
        {"a permutation of the largest space", test_a_permutation_of_the_largest_space},
        {"a permutation is fair", test_a_permutation_is_fair},
        {"halton is even on each axis", test_halton_is_even_on_each_axis},
        {"halton is even on two axes", test_halton_is_even_on_two_axes},
        {"halton of many dimensions and large numbers",
         test_halton_of_many_dimensions_and_large_numbers},
        {"a set of ids", test_a_set_of_ids},
        {"fronts against brute force", test_fronts_against_brute_force},
        {"sorting has one outcome", test_sorting_has_one_outcome},
        {"crowding by hand", test_crowding_by_hand},
        CU_TEST_INFO_NULL,
    };
    return run_suite("search parts", tests);
}
