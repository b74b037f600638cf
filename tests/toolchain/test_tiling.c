/* How tilings are chosen: rules, sizes, limits, machines of the project. */
#include "explorer/tiling.h"

#include "run_suite.h"
#include "tiling_answer.h"

#include <stdio.h>
#include <string.h>

static bool ask(const char *strategy, const kpu_tiling_question *q, kpu_tiling *out)
{
    kpu_diag diag;
    kpu_diag_init(&diag);
    const kpu_tile_strategy *row = kpu_tile_strategy_find(strategy);
    CU_ASSERT_PTR_NOT_NULL_FATAL(row);
    int code = kpu_tiling_choose(row, q, out, &diag);
    CU_ASSERT(code == KPU_OK || code == KPU_E_INPUT);
    CU_ASSERT_EQUAL(diag.count, code == KPU_OK ? 0 : 1);
    kpu_diag_fini(&diag);
    return code == KPU_OK;
}

static tiling_score check_answer(kpu_simulator *simulator, const kpu_tiling_question *q,
                                 const kpu_tiling *answer)
{
    tiling_score s = tiling_score_of(simulator, q, &answer->candidate);
    CU_ASSERT_PTR_NULL(tiling_answer_error(q, answer, &s));
    return s;
}

/* ---- Real sizes -------------------------------------------------------------------------- */

static void load_machine(const char *name, kpu_machine *out)
{
    char path[512];
    snprintf(path, sizeof path, "%s/configs/%s.ini", KPU_SOURCE_DIR, name);
    CU_ASSERT_EQUAL_FATAL(kpu_machine_load(path, out, NULL), KPU_OK);
}

static kpu_problem problem_of(int64_t m, int64_t n, int64_t k)
{
    return (kpu_problem){.dim = {m, n, k}, .element_bytes = {4, 4, 4}, .partial_bytes = 4};
}

/* A formula upside down would choose the smallest tile for every cube. */
static void test_cubes(void)
{
    static const char *const machines[] = {"default", "datacenter", "edge-ai", "embodied-ai"};
    static const char *const asked[] = {"cycles", "dram_bytes", "energy_pj"};
    kpu_simulator *simulator = kpu_simulator_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(simulator);
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
        for (int64_t size = 256; size <= 1024; size *= 4) {
            kpu_machine machine;
            kpu_candidate base;
            const kpu_problem problem = problem_of(size, size, size);
            load_machine(machines[i], &machine);
            kpu_candidate_defaults(&base);
            kpu_tiling_question q = {&machine, &problem, &base, true, asked[i % 3], {0}, 100, 1};
            kpu_tiling analytical, search;
            CU_ASSERT_TRUE_FATAL(ask("analytical", &q, &analytical));
            CU_ASSERT_TRUE_FATAL(ask("search", &q, &search));
            for (int d = 0; d < KPU_DIMS; d++)
                base.tile[d] = 16;
            tiling_score small = tiling_score_of(simulator, &q, &base);
            tiling_score a = check_answer(simulator, &q, &analytical);
            tiling_score s = check_answer(simulator, &q, &search);
            CU_ASSERT(!small.fits || a.key[1] <= small.key[1]);
            CU_ASSERT(tiling_score_compare(&s, &a) <= 0);
            const int64_t *tile = analytical.candidate.tile;
            CU_ASSERT(tile[KPU_M] * tile[KPU_N] * tile[KPU_K] > 16 * 16 * 16);
        }
    kpu_simulator_free(simulator);
}

/* What it answers is a matter of the question, not of threads. */
static void test_threads(void)
{
    static const char *const names[] = {"search", "exact"};
    kpu_machine machine;
    kpu_candidate base;
    const kpu_problem problem = problem_of(24, 70, 30);
    load_machine("default", &machine);
    kpu_candidate_defaults(&base);
    kpu_tiling_question q = {&machine, &problem, &base, true, "edp", {0}, 200, 1};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        kpu_tiling one, three;
        q.threads = 1;
        CU_ASSERT_TRUE_FATAL(ask(names[i], &q, &one));
        q.threads = 3;
        CU_ASSERT_TRUE_FATAL(ask(names[i], &q, &three));
        CU_ASSERT_EQUAL(memcmp(&one.candidate, &three.candidate, sizeof one.candidate), 0);
        CU_ASSERT_EQUAL(one.objective_value, three.objective_value);
        CU_ASSERT_EQUAL(one.evaluated, three.evaluated);
    }
}

/* A target that can be reached is, one that cannot is dropped, and it says so. */
static void test_target(void)
{
    kpu_machine machine;
    kpu_candidate base;
    const kpu_problem problem = problem_of(32, 32, 64);
    load_machine("default", &machine);
    kpu_candidate_defaults(&base);
    for (size_t i = 0; i < kpu_tile_strategy_count(); i++) {
        kpu_tiling_question q = {&machine, &problem, &base, true, "footprint_bytes", {0}, 200, 1};
        kpu_simulator *simulator = kpu_simulator_new();
        CU_ASSERT_PTR_NOT_NULL_FATAL(simulator);
        kpu_tiling tiling;
        q.limits.target_reuse = 3; /* all that there is: 3.2 */
        CU_ASSERT_TRUE_FATAL(ask(kpu_tile_strategy_at(i)->name, &q, &tiling));
        CU_ASSERT_EQUAL(check_answer(simulator, &q, &tiling).key[0], 0);
        CU_ASSERT_PTR_NULL(strstr(tiling.why, "dropped"));
        q.limits.target_reuse = 1e6;
        CU_ASSERT_TRUE_FATAL(ask(kpu_tile_strategy_at(i)->name, &q, &tiling));
        CU_ASSERT_EQUAL(check_answer(simulator, &q, &tiling).key[0], 1);
        CU_ASSERT_PTR_NOT_NULL(strstr(tiling.why, "dropped"));
        kpu_simulator_free(simulator);
    }
}

/* ---- The rule ---------------------------------------------------------------------------- */

static void test_rule(void)
{
    static const struct {
        int64_t dim[KPU_DIMS];
        int dataflow;
        const char *says;
    } cases[] = {
        {{1024, 1024, 1024}, KPU_OS, "neither M nor N"},
        {{4096, 512, 512}, KPU_WS, "M is at least 4 times"},
        {{512, 4096, 512}, KPU_IS, "N is at least 4 times"},
        {{2047, 512, 512}, KPU_OS, "neither M nor N"},
        {{2048, 512, 512}, KPU_WS, "M is at least 4 times"},
        {{512, 512, 65536}, KPU_OS, "neither M nor N"},
        {{4096, 512, 16}, KPU_OS, "the whole K"},
        {{512, 4096, 1}, KPU_OS, "the whole K"},
        {{4096, 16, 17}, KPU_WS, "M is at least 4 times"},
        {{1, 4096, 256}, KPU_IS, "N is at least 4 times"},
    };
    kpu_machine machine;
    kpu_candidate base;
    load_machine("default", &machine);
    kpu_candidate_defaults(&base);
    CU_ASSERT_EQUAL(machine.fabric_rows, 16);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char why[KPU_TILING_WHY_MAX + 1];
        const kpu_problem problem = problem_of(cases[i].dim[0], cases[i].dim[1], cases[i].dim[2]);
        CU_ASSERT_EQUAL(kpu_dataflow_by_rule(&machine, &problem, why), cases[i].dataflow);
        CU_ASSERT_PTR_NOT_NULL(strstr(why, cases[i].says));
        kpu_tiling_question q = {&machine, &problem, &base, true, "cycles", {0}, 0, 1};
        kpu_tiling tiling;
        CU_ASSERT_TRUE_FATAL(ask("analytical", &q, &tiling));
        CU_ASSERT_EQUAL(tiling.candidate.dataflow, cases[i].dataflow);
        CU_ASSERT_PTR_NOT_NULL(strstr(tiling.why, cases[i].says));
        if (problem.dim[KPU_K] <= machine.fabric_rows)
            CU_ASSERT_EQUAL(tiling.candidate.tile[KPU_K], problem.dim[KPU_K]);
    }
}

/* ---- Sizes ------------------------------------------------------------------------------- */

static bool has(const kpu_tile_sizes *sizes, int64_t size)
{
    for (size_t i = 0; i < sizes->count; i++)
        if (sizes->size[i] == size)
            return true;
    return false;
}

static void check_sizes(const kpu_tiling_question *q, int dim)
{
    kpu_tile_sizes sizes[KPU_TILES_ALL + 1];
    int64_t whole = q->problem->dim[dim], most = q->limits.max_tiles_per_dim;
    for (int detail = 0; detail <= KPU_TILES_ALL; detail++) {
        kpu_tile_sizes *s = &sizes[detail];
        kpu_tile_sizes_make(q, dim, (kpu_tile_detail)detail, s);
        CU_ASSERT(s->count > 0 && s->count < KPU_TILE_SIZES_MAX);
        CU_ASSERT_EQUAL(s->size[s->count - 1], whole);
        for (size_t i = 0; i < s->count; i++) {
            CU_ASSERT(s->size[i] >= 1 && (i == 0 || s->size[i] > s->size[i - 1]));
            CU_ASSERT(most == 0 || kpu_ceil_div(whole, s->size[i]) <= most);
        }
    }
    for (int detail = 0; detail < KPU_TILES_ALL; detail++)
        for (size_t i = 0; i < sizes[detail].count; i++)
            CU_ASSERT(has(&sizes[detail + 1], sizes[detail].size[i]));
    for (int64_t size = 1; size <= 64 && size <= whole && whole <= 64 && most == 0; size++)
        CU_ASSERT(has(&sizes[KPU_TILES_ALL], size));
}

static void test_sizes(void)
{
    static const int64_t arrays[][2] = {{16, 16}, {1, 65536}, {24, 10}, {65536, 3}, {7, 128}};
    kpu_machine machine;
    load_machine("default", &machine);
    for (size_t a = 0; a < sizeof arrays / sizeof *arrays; a++)
        for (int64_t size = 1; size <= INT64_C(1) << 40; size = size * 3 / 2 + 1) {
            const kpu_problem problem = problem_of(size, size, size);
            kpu_tiling_question q = {.machine = &machine, .problem = &problem};
            machine.fabric_rows = arrays[a][0];
            machine.fabric_cols = arrays[a][1];
            q.limits.max_tiles_per_dim = size % 3 == 0 ? 12 : 0;
            for (int dim = 0; dim < KPU_DIMS; dim++)
                check_sizes(&q, dim);
        }
}

/* ---- Complaints -------------------------------------------------------------------------- */

static void expect_complaint(const kpu_tiling_question *q, const char *text)
{
    for (size_t i = 0; i < kpu_tile_strategy_count(); i++) {
        kpu_tiling tiling;
        kpu_diag diag;
        kpu_diag_init(&diag);
        CU_ASSERT_EQUAL(kpu_tiling_choose(kpu_tile_strategy_at(i), q, &tiling, &diag), KPU_E_INPUT);
        CU_ASSERT_EQUAL_FATAL(diag.count, 1);
        CU_ASSERT_PTR_NOT_NULL(strstr(diag.entries[0].message, text));
        if (!strstr(diag.entries[0].message, text))
            printf("\n%s\n", diag.entries[0].message);
        kpu_diag_fini(&diag);
    }
}

static void test_complaints(void)
{
    kpu_machine machine;
    kpu_candidate base;
    kpu_problem problem = problem_of(256, 256, 256);
    load_machine("default", &machine);
    kpu_candidate_defaults(&base);
    kpu_tiling_question q = {&machine, &problem, &base, true, "cycels", {0}, 0, 1};
    expect_complaint(&q, "no metric 'cycels'; did you mean 'cycles'?");
    q.objective = "steps";
    expect_complaint(&q, "neither more nor less of 'steps' is better");
    q.objective = "cycles";
    q.limits.max_tiles_per_dim = 1;
    expect_complaint(&q, "no tiling within the limits fits: even a tile of 256x256x256 (os)");
    q.limits.max_tiles_per_dim = 0;
    q.limits.min_tile_elements = 65536;
    expect_complaint(&q, "256x256x256");
    q.limits.min_tile_elements = -1;
    expect_complaint(&q, "must not be negative");
    q.limits.min_tile_elements = 0;
    base.l1_buffers = 1000000;
    expect_complaint(&q, "even a tile of 1x1x1 (os) needs 8000000 bytes of l1");
    base.l1_buffers = 0;
    expect_complaint(&q, "d1 must be at least 1");
    base.l1_buffers = 2;
    problem.dim[KPU_M] = 0;
    expect_complaint(&q, "M");
}

static void test_table(void)
{
    CU_ASSERT_EQUAL(kpu_tile_strategy_count(), 3);
    CU_ASSERT_PTR_NULL(kpu_tile_strategy_at(kpu_tile_strategy_count()));
    CU_ASSERT_PTR_NULL(kpu_tile_strategy_find("best"));
    for (size_t i = 0; i < kpu_tile_strategy_count(); i++) {
        const kpu_tile_strategy *row = kpu_tile_strategy_at(i);
        CU_ASSERT_PTR_EQUAL(kpu_tile_strategy_find(row->name), row);
        CU_ASSERT(strlen(row->summary) > 0);
        CU_ASSERT_PTR_NOT_NULL(row->choose);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"the table", test_table},       {"sizes", test_sizes},
        {"dataflow by rule", test_rule}, {"complaints", test_complaints},

        {"cubes", test_cubes},           {"targets of reuse", test_target},
        {"threads", test_threads},       CU_TEST_INFO_NULL,
    };
    return run_suite("tiling", tests);
}
