/* kpu-bench-bounds: how tight the bounds are, and what they cost. Draws candidates with TM, TN, TK
 * in {16, 32, ... 256}, every dataflow and swap, d = 1, 2, 3, that fit the default machine; times
 * each, and prints cycles / bound: by the engines alone, and with what L1, registers and rings add.
 * Then the DRAM bytes and cycles of boxes around them. A measurement, not a test.
 *
 *     kpu-bench-bounds [--size N] [--samples N] */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kpu/metrics.h"

enum { STEPS = 16, REPEATS = 20 };

typedef struct settings {
    int64_t size, samples;
} settings;

/* Sums over the samples, but the largest of `most`. */
typedef struct tightness {
    double engines, all, most, box_cycles, box_bytes;
    double make_seconds, bound_seconds, box_seconds;
} tightness;

typedef struct bench {
    kpu_machine machine;
    kpu_problem problem;
    kpu_simulator *simulator;
    uint64_t drawn;
} bench;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int64_t draw(bench *b, int64_t count)
{
    return (int64_t)(kpu_random_u64(1, 0, b->drawn++) % (uint64_t)count);
}

static void draw_candidate(bench *b, int64_t control, kpu_candidate *c)
{
    kpu_candidate_defaults(c);
    for (int d = 0; d < KPU_DIMS; d++)
        c->tile[d] = 16 * (1 + draw(b, STEPS));
    c->dataflow = draw(b, KPU_DATAFLOWS);
    c->swap = draw(b, 2);
    c->l1_buffers = 1 + draw(b, 3);
    for (int x = 0; x < KPU_OPERANDS; x++)
        c->l3_buffers[x] = c->l2_buffers[x] = c->l1_buffers;
    c->control = control;
}

static int64_t largest(const int64_t *values, int count)
{
    int64_t most = 0;
    for (int i = 0; i < count; i++)
        most = values[i] > most ? values[i] : most;
    return most;
}

static double dram_bytes(const kpu_traffic *t)
{
    double bytes = 0;
    for (int x = 0; x < KPU_OPERANDS; x++)
        bytes += (double)(t->dram_read[x] + t->dram_write[x]);
    return bytes;
}

/* All tiles within 16 of the candidate's, everything else as it has it. */
static void measure_box(const bench *b, const kpu_candidate *c, const kpu_counts *counts,
                        tightness *out)
{
    kpu_box box;
    kpu_lower_bounds bounds;
    kpu_box_of_candidate(c, &box);
    for (int d = 0; d < KPU_DIMS; d++) {
        box.tile[d].low = c->tile[d] > 16 ? c->tile[d] - 16 : 16;
        box.tile[d].high = c->tile[d] + 16;
    }
    double start = now();
    for (int i = 0; i < REPEATS; i++)
        kpu_box_bounds(&b->machine, &b->problem, &box, &bounds);
    out->box_seconds += (now() - start) / REPEATS;
    out->box_cycles += (double)counts->cycles / (double)bounds.cycles;
    out->box_bytes += dram_bytes(&counts->traffic) / dram_bytes(&bounds.traffic);
}

static int measure(bench *b, const kpu_candidate *c, kpu_mapping *m, tightness *out)
{
    kpu_lower_bounds bounds;
    kpu_counts counts;
    int64_t terms[KPU_CYCLE_BOUNDS];
    int code = kpu_simulator_run(b->simulator, &b->machine, m, &counts);
    if (code != KPU_OK)
        return code;
    double start = now();
    for (int i = 0; i < REPEATS; i++)
        kpu_mapping_make(&b->machine, &b->problem, c, m);
    double made = now();
    for (int i = 0; i < REPEATS; i++)
        kpu_mapping_lower_bounds(&b->machine, m, &bounds);
    out->make_seconds += (made - start) / REPEATS;
    out->bound_seconds += (now() - made) / REPEATS;
    kpu_mapping_cycle_bounds(&b->machine, m, terms);
    double ratio = (double)counts.cycles / (double)bounds.cycles;
    out->engines += (double)counts.cycles / (double)largest(terms, KPU_BOUND_STR_COUT + 1);
    out->all += ratio;
    out->most = ratio > out->most ? ratio : out->most;
    measure_box(b, c, &counts, out);
    return KPU_OK;
}

static int run(bench *b, const settings *set, int64_t control)
{
    tightness sum = {0};
    int64_t count = 0;
    while (count < set->samples) {
        kpu_candidate c;
        kpu_mapping m;
        draw_candidate(b, control, &c);
        if (kpu_mapping_make(&b->machine, &b->problem, &c, &m) != KPU_OK || m.broken)
            continue;
        int code = measure(b, &c, &m, &sum);
        if (code != KPU_OK)
            return code;
        count++;
    }
    double n = (double)count;
    printf("%s %lld^3, %lld candidates: cycles / bound mean %.3f, most %.3f; engines alone, mean "
           "%.3f\n",
           kpu_control_names[control], (long long)set->size, (long long)count, sum.all / n,
           sum.most, sum.engines / n);
    printf("  boxes of all tiles within 16: cycles / bound mean %.3f, DRAM bytes / bound mean "
           "%.3f\n",
           sum.box_cycles / n, sum.box_bytes / n);
    printf("  microseconds: mapping %.2f, its bounds %.2f, bounds of a box %.2f\n",
           1e6 * sum.make_seconds / n, 1e6 * sum.bound_seconds / n, 1e6 * sum.box_seconds / n);
    return KPU_OK;
}

static int parse(int argc, char **argv, settings *set)
{
    static const struct option options[] = {{"size", required_argument, NULL, 's'},
                                            {"samples", required_argument, NULL, 'n'},
                                            {NULL, 0, NULL, 0}};
    *set = (settings){1024, 300};
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        char *end;
        long value = o == '?' ? 0 : strtol(optarg, &end, 10);
        if (value < 1 || value > 1 << 20 || *end) {
            fprintf(stderr, "usage: kpu-bench-bounds [--size N] [--samples N]\n");
            return KPU_E_USAGE;
        }
        *(o == 's' ? &set->size : &set->samples) = value;
    }
    return KPU_OK;
}

int main(int argc, char **argv)
{
    settings set;
    bench b = {.simulator = kpu_simulator_new()};
    int code = b.simulator ? parse(argc, argv, &set) : KPU_E_MEMORY;
    if (code == KPU_OK)
        code = kpu_machine_load(KPU_SOURCE_DIR "/configs/default.ini", &b.machine, NULL);
    b.problem = (kpu_problem){
        .dim = {set.size, set.size, set.size}, .element_bytes = {4, 4, 4}, .partial_bytes = 4};
    for (int64_t control = 0; code == KPU_OK && control < KPU_CONTROLS; control++)
        code = run(&b, &set, control);
    kpu_simulator_free(b.simulator);
    return kpu_error_exit_code(code);
}
