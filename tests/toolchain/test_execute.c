/* Schedules run with real numbers, and checked command by command. `test_execute COUNT SEED` runs
 * that many random cases of that seed, and nothing else. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "executed_case.h"
#include "random_case.h"
#include "run_suite.h"

static char *complaints(const kpu_diag *diag)
{
    return diag->count ? kpu_diag_render(diag) : NULL;
}

/* False and a complaint on stdout if the check, or the numbers, are not as they should be. */
static bool is_right(const random_case *c, const kpu_mapping *m, const executed_types *types,
                     uint64_t number)
{
    kpu_schedule s;
    kpu_diag diag = {0};
    if (kpu_schedule_make(&c->machine, m, NULL, &s, &diag) != KPU_OK)
        return false;
    int checked = kpu_schedule_check(&s, &diag);
    int outcome = executed_run(&s, types, number);
    kpu_schedule_fini(&s);
    bool right = checked == KPU_OK && outcome == EXECUTED_RIGHT;
    if (!right) {
        char *text = complaints(&diag);
        printf("\ncase %" PRIu64 ": outcome %d, transposed %d %d, types %d\n%s\n", number, outcome,
               (int)c->problem.transposed[KPU_A], (int)c->problem.transposed[KPU_B],
               (int)(types - executed_type_table), text ? text : "");
        random_case_print(c, stdout);
        free(text);
    }
    kpu_diag_fini(&diag);
    return right;
}

/* Cases that do not fit are none. */
static bool draw(uint64_t seed, uint64_t number, random_case *c, kpu_mapping *m,
                 const executed_types **types)
{
    random_stream random = {.seed = seed, .stream = number, .index = UINT64_C(1) << 40};
    random_case_draw(seed, number, c);
    *types = &executed_type_table[random_between(&random, 0, EXECUTED_TYPES - 1)];
    executed_set_types(&c->problem, *types);
    c->problem.transposed[KPU_A] = random_chance(&random, 30);
    c->problem.transposed[KPU_B] = random_chance(&random, 30);
    kpu_mapping_make(&c->machine, &c->problem, &c->candidate, m);
    return !m->broken;
}

/* Wrong ones of `count` cases; *feasible of them fit. */
static int run_cases(uint64_t seed, uint64_t count, int64_t *feasible)
{
    int wrong = 0;
    *feasible = 0;
    for (uint64_t i = 0; i < count && wrong < 3; i++) {
        random_case c;
        kpu_mapping m;
        const executed_types *types;
        if (!draw(seed, i, &c, &m, &types))
            continue;
        ++*feasible;
        wrong += !is_right(&c, &m, types, i);
    }
    return wrong;
}

static void test_random_cases(void)
{
    int64_t feasible;
    CU_ASSERT_EQUAL(run_cases(1, 1500, &feasible), 0);
    CU_ASSERT(feasible > 500);
    printf(" %" PRId64 " cases ", feasible);
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        int64_t feasible;
        int wrong = run_cases(strtoull(argv[2], NULL, 10), strtoull(argv[1], NULL, 10), &feasible);
        printf("%" PRId64 " cases, %d wrong\n", feasible, wrong);
        return wrong != 0;
    }
    CU_TestInfo tests[] = {{"random cases", test_random_cases}, CU_TEST_INFO_NULL};
    return run_suite("execute", tests);
}
