/* test_fast_forward.c - what repeats may be skipped, but no number may change: every count of a run
 * with fast-forward against the same run command by command, on small odd cases and on long ones.
 *     test_fast_forward [CASES [SEED]] */
#include "kpu/metrics.h"
#include "random_case.h"

#include <stdlib.h>
#include <string.h>

typedef struct tally {
    long cases, fitting, differing;
    int64_t steps[KPU_CONTROLS], walked[KPU_CONTROLS];
} tally;

typedef struct pair {
    kpu_simulator *plain, *fast;
} pair;

static bool same_engines(const int64_t *a, const int64_t *b, int64_t count)
{
    return memcmp(a, b, (size_t)count * sizeof *a) == 0;
}

static bool same_counts(const kpu_machine *machine, const kpu_counts *a, const kpu_counts *b)
{
    kpu_counts x = *a, y = *b;
    x.dma_busy = y.dma_busy = x.bm_busy = y.bm_busy = NULL;
    return memcmp(&x, &y, sizeof x) == 0 &&
           same_engines(a->dma_busy, b->dma_busy, machine->dram_channels) &&
           same_engines(a->bm_busy, b->bm_busy, machine->block_mover_engines);
}

static void differ(const random_case *c, const char *what, tally *sum)
{
    if (++sum->differing > 10)
        return;
    printf("%s: ", what);
    random_case_print(c, stdout);
}

static void check_case(const pair *simulators, const random_case *c, tally *sum)
{
    kpu_result plain, fast;
    int code = kpu_evaluate(simulators->plain, &c->machine, &c->problem, &c->candidate, &plain);
    int fast_code = kpu_evaluate(simulators->fast, &c->machine, &c->problem, &c->candidate, &fast);
    sum->cases++;
    if (code != fast_code || plain.mapping.broken != fast.mapping.broken) {
        differ(c, "another outcome", sum);
        return;
    }
    if (code != KPU_OK || plain.mapping.broken)
        return;
    sum->fitting++;
    sum->steps[c->candidate.control] += plain.counts.steps;
    sum->walked[c->candidate.control] += kpu_simulator_steps_walked(simulators->fast);
    if (kpu_simulator_steps_walked(simulators->plain) != plain.counts.steps)
        differ(c, "the plain run skipped steps", sum);
    if (!same_counts(&c->machine, &plain.counts, &fast.counts))
        differ(c, "other counts", sum);
}

typedef void draw_case(uint64_t seed, uint64_t number, random_case *out);

static void check_random(const pair *simulators, draw_case *draw, uint64_t seed, long count,
                         tally *sum)
{
    for (long i = 0; i < count; i++) {
        random_case c;
        draw(seed, (uint64_t)i, &c);
        check_case(simulators, &c, sum);
    }
}

/* `most`: percentage of steps that may be timed one by one, so that the comparison is one. */
static bool report(const char *what, const tally *sum, int64_t most)
{
    bool skipped = true;
    printf("%s: %ld cases, %ld fit, %ld differ;", what, sum->cases, sum->fitting, sum->differing);
    for (int control = 0; control < KPU_CONTROLS; control++) {
        skipped = skipped && sum->walked[control] * 100 <= sum->steps[control] * most;
        printf(" %s walked %lld of %lld steps%s", kpu_control_names[control],
               (long long)sum->walked[control], (long long)sum->steps[control],
               control + 1 < KPU_CONTROLS ? "," : "\n");
    }
    return sum->fitting > 0 && !sum->differing && skipped;
}

int main(int argc, char **argv)
{
    pair simulators = {kpu_simulator_new(), kpu_simulator_new()};
    tally small = {0}, large = {0};
    if (!simulators.plain || !simulators.fast)
        return 1;
    kpu_simulator_set_fast_forward(simulators.plain, false);
    long cases = argc > 1 ? atol(argv[1]) : 5000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    check_random(&simulators, random_case_draw, seed, cases / 2, &small);
    check_random(&simulators, random_case_draw_long, seed, cases - cases / 2, &large);
    bool good = report("small", &small, 100);
    good = report("long", &large, 60) && good;
    kpu_simulator_free(simulators.plain);
    kpu_simulator_free(simulators.fast);
    return good ? 0 : 1;
}
