/* Tilings of random small problems against brute force: every tile, every dataflow, timed one by
 * one. usage: test_tiling_random [QUESTIONS [SEED]] */
#include "random_case.h"
#include "tiling_answer.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const objectives[] = {"cycles",   "dram_bytes",  "energy_pj",
                                         "edp",      "utilisation", "footprint_bytes",
                                         "l2_bytes", "reuse_l3_A"};
enum { OBJECTIVES = sizeof objectives / sizeof *objectives, LEAST_DIM_MAX = 9 };

/* ---- Brute force ------------------------------------------------------------------------- */

static void try_tile(kpu_simulator *simulator, const kpu_tiling_question *q, kpu_candidate c,
                     tiling_score *best)
{
    if (!tiling_is_within_limits(q, c.tile))
        return;
    for (int flow = 0; flow < (q->any_dataflow ? 2 * KPU_DATAFLOWS : 1); flow++) {
        if (q->any_dataflow) {
            c.dataflow = flow / 2;
            c.swap = flow % 2;
        }
        tiling_score s = tiling_score_of(simulator, q, &c);
        if (tiling_score_compare(&s, best) < 0)
            *best = s;
    }
}

static tiling_score best_of_all(kpu_simulator *simulator, const kpu_tiling_question *q)
{
    const int64_t *dim = q->problem->dim;
    tiling_score best = {0};
    kpu_candidate c = *q->base;
    for (c.tile[0] = 1; c.tile[0] <= dim[0]; c.tile[0]++)
        for (c.tile[1] = 1; c.tile[1] <= dim[1]; c.tile[1]++)
            for (c.tile[2] = 1; c.tile[2] <= dim[2]; c.tile[2]++)
                try_tile(simulator, q, c, &best);
    return best;
}

/* ---- Random questions -------------------------------------------------------------------- */

typedef struct random_question {
    random_case c;
    kpu_tiling_question q;
} random_question;

/* MACs per DRAM byte if every byte crosses once. */
static double most_reuse(const kpu_problem *p)
{
    const int64_t *dim = p->dim, *bytes = p->element_bytes;
    int64_t compulsory = dim[KPU_M] * dim[KPU_K] * bytes[KPU_A] +
                         dim[KPU_K] * dim[KPU_N] * bytes[KPU_B] +
                         dim[KPU_M] * dim[KPU_N] * bytes[KPU_C];
    return (double)(dim[KPU_M] * dim[KPU_N] * dim[KPU_K]) / (double)compulsory;
}

/* Small machines, so that not everything fits; every third question has limits. */
static void draw_question(uint64_t seed, uint64_t number, random_question *out)
{
    random_stream random = {.seed = seed + 1, .stream = number};
    random_case_draw(seed, number, &out->c);
    kpu_machine *machine = &out->c.machine;
    machine->l1_buffers = machine->l2_banks = machine->l3_tiles = 1;
    machine->l1_buffer_kib = machine->l2_bank_kib = machine->l3_tile_kib = 1;
    machine->fabric_rows = random_between(&random, 1, 4);
    machine->fabric_cols = random_between(&random, 1, 4);
    machine->registers_per_pe = random_between(&random, 1, 8);
    for (int d = 0; d < KPU_DIMS; d++) {
        out->c.problem.dim[d] = random_between(&random, 1, LEAST_DIM_MAX);
        out->c.candidate.block[d] = 0;
    }
    for (int x = 0; x < KPU_OPERANDS; x++)
        out->c.problem.transposed[x] = x != KPU_C && random_chance(&random, 20);
    out->q = (kpu_tiling_question){.machine = machine,
                                   .problem = &out->c.problem,
                                   .base = &out->c.candidate,
                                   .any_dataflow = random_chance(&random, 50),
                                   .objective = objectives[number % OBJECTIVES],
                                   .budget = 60,
                                   .threads = 1};
    if (random_chance(&random, 60))
        return;
    out->q.limits = (kpu_tiling_limits){
        .min_tile_elements = random_chance(&random, 50) ? random_between(&random, 0, 40) : 0,
        .max_tiles_per_dim = random_chance(&random, 50) ? random_between(&random, 1, 9) : 0,
        .target_reuse =
            random_chance(&random, 50)
                ? most_reuse(&out->c.problem) * (double)random_between(&random, 20, 110) / 100
                : 0,
        .prefer_square = random_chance(&random, 50)};
}

/* ---- Checking ---------------------------------------------------------------------------- */

typedef struct test_run {
    kpu_simulator *simulator;
    long questions, answered, failures;
} test_run;

static void expect(test_run *t, bool holds, const kpu_tiling_question *q, const char *what)
{
    if (holds)
        return;
    t->failures++;
    printf("question %ld, %s: %s\n", t->questions, q->objective, what);
}

/* Whether there is an answer, as there must be if any tiling fits. */
static bool ask(test_run *t, const char *strategy, const kpu_tiling_question *q, bool exists,
                tiling_score *out)
{
    kpu_tiling answer;
    kpu_diag diag;
    kpu_diag_init(&diag);
    int code = kpu_tiling_choose(kpu_tile_strategy_find(strategy), q, &answer, &diag);
    expect(t, code == (exists ? KPU_OK : KPU_E_INPUT), q, strategy);
    expect(t, diag.count == (code == KPU_OK ? 0 : 1), q, "one complaint or none");
    kpu_diag_fini(&diag);
    if (code != KPU_OK)
        return false;
    *out = tiling_score_of(t->simulator, q, &answer.candidate);
    const char *error = tiling_answer_error(q, &answer, out);
    expect(t, !error, q, error);
    return true;
}

static void check_question(test_run *t, const kpu_tiling_question *q)
{
    tiling_score analytical, search, exact, best = best_of_all(t->simulator, q);
    bool answered = ask(t, "analytical", q, best.fits, &analytical);
    answered = ask(t, "search", q, best.fits, &search) && answered;
    answered = ask(t, "exact", q, best.fits, &exact) && answered;
    if (!answered)
        return;
    t->answered++;
    expect(t, tiling_score_compare(&exact, &best) == 0, q, "exact is the best of all");
    expect(t, tiling_score_compare(&search, &analytical) <= 0, q, "search is no worse");
    expect(t, tiling_score_compare(&best, &search) <= 0, q, "nothing is better than the best");
}

int main(int argc, char **argv)
{
    long questions = argc > 1 ? strtol(argv[1], NULL, 10) : 40;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    test_run t = {.simulator = kpu_simulator_new()};
    for (; t.simulator && t.questions < questions; t.questions++) {
        random_question r;
        draw_question(seed, (uint64_t)t.questions, &r);
        check_question(&t, &r.q);
    }
    printf("%ld questions, %ld answered, %ld failures\n", t.questions, t.answered, t.failures);
    kpu_simulator_free(t.simulator);
    bool tried = t.answered > questions / 2 && t.answered < questions;
    return t.failures != 0 || !tried;
}
