/* Schedules run with real numbers, and checked command by command. `test_execute COUNT SEED` runs
 * that many random cases of that seed and a twentieth as many with long loops, nothing else. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "executed_case.h"
#include "random_case.h"
#include "run_suite.h"
#include "schedule_mutation.h"
#include "tiny_machine.h"

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

/* Long loops, by the check alone: wrong ones of `count` cases. */
static int check_long_cases(uint64_t seed, uint64_t count)
{
    int wrong = 0;
    for (uint64_t i = 0; i < count; i++) {
        random_case c;
        kpu_mapping m;
        kpu_schedule s;
        random_case_draw_long(seed, i, &c);
        kpu_mapping_make(&c.machine, &c.problem, &c.candidate, &m);
        if (m.broken)
            continue;
        if (kpu_schedule_make(&c.machine, &m, NULL, &s, NULL) != KPU_OK) {
            wrong++;
            continue;
        }
        if (kpu_schedule_check(&s, NULL) != KPU_OK) {
            wrong++;
            random_case_print(&c, stdout);
        }
        kpu_schedule_fini(&s);
    }
    return wrong;
}

static void test_long_loops(void)
{
    CU_ASSERT_EQUAL(check_long_cases(31, 60), 0);
}

/* ---- Damaged schedules -------------------------------------------------------------------- */

/* What the check accepts comes out right, whatever was done to it. */
static void mutate(const kpu_schedule *s, const executed_types *types, random_stream *random,
                   int64_t refused[])
{
    for (int kind = 0; kind < schedule_mutation_count; kind++) {
        kpu_schedule damaged;
        if (!schedule_mutate(s, kind, random, &damaged))
            continue;
        bool is_accepted = kpu_schedule_check(&damaged, NULL) == KPU_OK;
        refused[kind] += !is_accepted;
        bool all_right = !is_accepted || (!schedule_mutations[kind].is_illegal &&
                                          executed_run(&damaged, types, 1) == EXECUTED_RIGHT);
        CU_ASSERT(all_right);
        if (!all_right)
            printf("\n%s: accepted ", schedule_mutations[kind].name);
        free(damaged.commands);
    }
}

static void test_damaged_schedules(void)
{
    int64_t refused[SCHEDULE_MUTATIONS_MAX] = {0};
    for (uint64_t i = 0; i < 400; i++) {
        random_case c;
        kpu_mapping m;
        kpu_schedule s;
        const executed_types *types;
        random_stream random = {.seed = 21, .stream = i};
        if (!draw(20, i, &c, &m, &types) ||
            kpu_schedule_make(&c.machine, &m, NULL, &s, NULL) != KPU_OK)
            continue;
        mutate(&s, types, &random, refused);
        kpu_schedule_fini(&s);
    }
    for (int kind = 0; kind < schedule_mutation_count; kind++) {
        CU_ASSERT(refused[kind] > 0);
        if (!refused[kind])
            printf("\n%s: never refused ", schedule_mutations[kind].name);
    }
}

/* ---- One tile, by hand -------------------------------------------------------------------- */

/* One PE; C of 2 x 2 in four tiles of one element, k in two steps. */
static bool make_tiny(const kpu_problem *problem, kpu_schedule *out)
{
    kpu_candidate candidate;
    kpu_mapping mapping;
    kpu_candidate_defaults(&candidate);
    candidate.tile[KPU_M] = candidate.tile[KPU_N] = candidate.tile[KPU_K] = 1;
    kpu_mapping_make(&tiny_machine, problem, &candidate, &mapping);
    return !mapping.broken && kpu_schedule_make(&tiny_machine, &mapping, NULL, out, NULL) == KPU_OK;
}

static void test_transposed(void)
{
    static const float a[] = {1, 2, 3, 4}, b[] = {5, 6, 7, 8};
    static const float want[2][2][4] = {
        {{19, 22, 43, 50}, {17, 23, 39, 53}},
        {{26, 30, 38, 44}, {23, 31, 34, 46}},
    };
    for (int ta = 0; ta < 2; ta++)
        for (int tb = 0; tb < 2; tb++) {
            kpu_problem problem = {.dim = {2, 2, 2}, .transposed = {ta, tb, false}};
            executed_set_types(&problem, &executed_type_table[0]);
            float c[4] = {0};
            kpu_matrices matrices = {a, b, c, {KPU_F32, KPU_F32, KPU_F32}, KPU_F32};
            kpu_schedule s;
            CU_ASSERT_FATAL(make_tiny(&problem, &s));
            CU_ASSERT_EQUAL(kpu_execute(&s, &matrices, NULL), KPU_OK);
            CU_ASSERT_EQUAL(memcmp(c, want[ta][tb], sizeof c), 0);
            kpu_schedule_fini(&s);
        }
}

/* ---- What the check says ------------------------------------------------------------------ */

static void expect_refusal(const kpu_schedule *s, const char *message)
{
    kpu_diag diag = {0};
    CU_ASSERT_EQUAL(kpu_schedule_check(s, &diag), KPU_E_REFUTED);
    CU_ASSERT(diag.count >= 1 && diag.count <= KPU_SCHEDULE_ERRORS_MAX);
    bool found = false;
    for (size_t i = 0; i < diag.count; i++)
        found |= strstr(diag.entries[i].message, message) != NULL;
    CU_ASSERT(found);
    if (!found)
        printf("\nnot \"%s\": %s", message, diag.count ? diag.entries[0].message : "nothing");
    kpu_diag_fini(&diag);
}

static int64_t find(const kpu_schedule *s, int kind, int64_t from)
{
    while (s->commands[from].kind != kind)
        from++;
    return from;
}

/* Two tiles of 1 x 1 x 1 along each dimension: the first commands load A[0,0] and B[0,0]. */
static void test_refusals(void)
{
    kpu_problem problem = {.dim = {2, 2, 2}};
    executed_set_types(&problem, &executed_type_table[0]);
    kpu_schedule s;
    CU_ASSERT_FATAL(make_tiny(&problem, &s));
    CU_ASSERT_EQUAL(kpu_schedule_check(&s, NULL), KPU_OK);

    kpu_command *fab = &s.commands[find(&s, KPU_CMD_FAB, 0)], kept = *fab;
    fab->start--;
    expect_refusal(&s, "FAB C[0,0] in cycle 17: begins before B is in l1, in cycle 18");
    *fab = kept;
    fab->tile[KPU_K] = 1;
    expect_refusal(&s, "computes [0,0,1], which is not the next step");
    *fab = kept;
    kpu_command *bm = &s.commands[find(&s, KPU_CMD_BM_LOAD_A, 0)];
    kept = *bm;
    bm->start--, bm->busy_end--, bm->ready--;
    expect_refusal(&s, "BM_LOAD_A A[0,0] in cycle 10: is read from l3 before cycle 11, when "
                       "command 0 has brought it");
    *bm = kept;

    /* the nest is another one */
    uint8_t *loops = s.mapping.loop_dim + KPU_BLOCK_LOOPS;
    loops[0] = KPU_N, loops[1] = KPU_M;
    expect_refusal(&s, "which is not the next step");
    loops[0] = KPU_M, loops[1] = KPU_N;

    s.cycles++;
    expect_refusal(&s, "the run is said to take");
    s.cycles--;
    CU_ASSERT_EQUAL(kpu_schedule_check(&s, NULL), KPU_OK);
    kpu_schedule_fini(&s);
}

/* The same tile brought twice at once: nobody could see that in the numbers. */
static void test_brought_twice(void)
{
    kpu_problem problem = {.dim = {2, 2, 2}};
    executed_set_types(&problem, &executed_type_table[0]);
    kpu_schedule s;
    CU_ASSERT_FATAL(make_tiny(&problem, &s));
    kpu_schedule twice = s;
    twice.machine.dram_channels = 2;
    twice.commands = calloc((size_t)s.command_count + 1, sizeof *s.commands);
    CU_ASSERT_FATAL(twice.commands != NULL);
    twice.commands[0] = s.commands[0];
    twice.commands[0].engine = 1;
    memcpy(twice.commands + 1, s.commands, (size_t)s.command_count * sizeof *s.commands);
    twice.command_count++;
    expect_refusal(&twice, "DMA_LOAD_A A[0,0] in cycle 0: overwrites in l3 what command 0 brings "
                           "until cycle 11");
    free(twice.commands);
    kpu_schedule_fini(&s);
}

/* ---- What is not run ---------------------------------------------------------------------- */

static void expect(const kpu_schedule *s, const kpu_matrices *m, int code, const char *message)
{
    kpu_diag diag = {0};
    CU_ASSERT_EQUAL(kpu_execute(s, m, &diag), code);
    CU_ASSERT_EQUAL(diag.count, 1);
    bool found = diag.count == 1 && strstr(diag.entries[0].message, message);
    CU_ASSERT(found);
    if (!found)
        printf("\nnot \"%s\": %s", message, diag.count ? diag.entries[0].message : "nothing");
    kpu_diag_fini(&diag);
}

static void test_types_that_do_not_fit(void)
{
    float a[4] = {0}, b[4] = {0}, c[4] = {0};
    kpu_problem problem = {.dim = {2, 2, 2}};
    executed_set_types(&problem, &executed_type_table[0]);
    kpu_schedule s;
    CU_ASSERT_FATAL(make_tiny(&problem, &s));
    const struct {
        int a, b, c, partial;
        const char *message;
    } wrong[] = {
        {KPU_F32, KPU_F32, KPU_F32, KPU_F16, "partial sums must be f32, f64, i32 or i64"},
        {KPU_F32, KPU_F32, KPU_F32, KPU_F64, "partial sums are f64, but the schedule moves 4"},
        {KPU_F16, KPU_F32, KPU_F32, KPU_F32, "matrix A is f16, but the schedule moves 4"},
        {KPU_F32, KPU_I32, KPU_F32, KPU_F32, "matrix B is i32, which f32 does not hold"},
        {KPU_F32, KPU_F32, KPU_DTYPES, KPU_F32, "matrix C has no known type"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        kpu_matrices m = {a, b, c, {wrong[i].a, wrong[i].b, wrong[i].c}, wrong[i].partial};
        expect(&s, &m, KPU_E_INPUT, wrong[i].message);
    }
    kpu_schedule_fini(&s);
}

/* A schedule that would leave its memories is not run at all. */
static void test_no_schedule(void)
{
    float a[4] = {0}, b[4] = {0}, c[4] = {0};
    kpu_matrices m = {a, b, c, {KPU_F32, KPU_F32, KPU_F32}, KPU_F32};
    kpu_problem problem = {.dim = {2, 2, 2}};
    executed_set_types(&problem, &executed_type_table[0]);
    kpu_schedule s;
    CU_ASSERT_FATAL(make_tiny(&problem, &s));
    kpu_command *first = &s.commands[0], kept = *first;
    first->kind = KPU_COMMANDS;
    expect(&s, &m, KPU_E_INTERNAL, "command 0 of the schedule: no such command");
    *first = kept;
    first->tile[KPU_M] = 2;
    expect(&s, &m, KPU_E_INTERNAL, "a tile that the problem lacks");
    *first = kept;
    first->dest_slot = s.slots[KPU_A][KPU_HOIST_L3];
    expect(&s, &m, KPU_E_INTERNAL, "a slot that the machine lacks");
    *first = kept;
    first->bytes++;
    expect(&s, &m, KPU_E_INTERNAL, "not the bytes of its tile");
    *first = kept;
    first->busy_end = first->start;
    expect(&s, &m, KPU_E_INTERNAL, "cycles out of order");
    *first = kept;
    kpu_schedule_fini(&s);
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        int64_t feasible;
        uint64_t count = strtoull(argv[1], NULL, 10), seed = strtoull(argv[2], NULL, 10);
        int wrong = run_cases(seed, count, &feasible) + check_long_cases(seed, count / 20);
        printf("%" PRId64 " cases, %d wrong\n", feasible, wrong);
        return wrong != 0;
    }
    CU_TestInfo tests[] = {
        {"random cases", test_random_cases},
        {"long loops", test_long_loops},
        {"damaged schedules", test_damaged_schedules},
        {"transposed", test_transposed},
        {"refusals", test_refusals},
        {"brought twice", test_brought_twice},
        {"types that do not fit", test_types_that_do_not_fit},
        {"no schedule", test_no_schedule},
        CU_TEST_INFO_NULL,
    };
    return run_suite("execute", tests);
}
