/* Candidates a second, plain and fast-forwarded, and the memory of a worker. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench.h"

enum { TILES = 5, SHAPES = TILES * TILES * TILES, BUFFERS = 3, MIX = SHAPES * 2 * BUFFERS };

/* Those candidates of a dataflow that fit, in random order: any part of them is a fair sample. */
typedef struct mix {
    int count;
    kpu_candidate candidate[MIX];
    int64_t steps[MIX];
    int64_t all_steps;
} mix;

typedef struct pass {
    const bench *bench;
    kpu_simulator *simulator;
    kpu_problem problem;
    bool is_plain;
    double deadline; /* a run that asks later is ended: if it is 0, each that asks */
} pass;

/* What some candidates took. */
typedef struct outcome {
    int tried, completed;
    int64_t steps; /* of those that were completed */
    int64_t walked;
    double seconds; /* of processor time */
} outcome;

static bool must_end(void *context)
{
    const pass *p = context;
    return bench_seconds(CLOCK_MONOTONIC) >= p->deadline;
}

static void pass_begin(pass *p, const bench *b, int64_t size)
{
    p->bench = b;
    p->simulator = kpu_simulator_new();
    p->problem =
        (kpu_problem){.dim = {size, size, size}, .element_bytes = {4, 4, 4}, .partial_bytes = 4};
    if (p->simulator)
        kpu_simulator_set_stop(p->simulator, must_end, p);
}

/* TM, TN, TK in {16, 32, 64, 128, 256}, swapped or not, d = 1, 2, 3. */
static void candidate_at(int64_t n, int64_t block, kpu_candidate *c)
{
    kpu_candidate_defaults(c);
    for (int d = 0; d < KPU_DIMS; d++, n /= TILES) {
        c->tile[d] = INT64_C(16) << n % TILES;
        c->block[d] = block;
    }
    c->swap = n % 2;
    c->l1_buffers = n / 2 + 1;
    for (int x = 0; x < KPU_OPERANDS; x++)
        c->l3_buffers[x] = c->l2_buffers[x] = c->l1_buffers;
}

static void swap_entries(mix *m, int a, int b)
{
    kpu_candidate c = m->candidate[a];
    int64_t steps = m->steps[a];
    m->candidate[a] = m->candidate[b];
    m->steps[a] = m->steps[b];
    m->candidate[b] = c;
    m->steps[b] = steps;
}

static int fill_mix(const pass *p, int64_t block, int64_t dataflow, int64_t control, mix *m)
{
    m->count = 0;
    m->all_steps = 0;
    for (int n = 0; n < MIX; n++) {
        kpu_candidate *c = &m->candidate[m->count];
        kpu_mapping mapping;
        candidate_at(n, block, c);
        c->dataflow = dataflow;
        c->control = control;
        int code = kpu_mapping_make(&p->bench->machine, &p->problem, c, &mapping);
        if (code != KPU_OK)
            return code;
        if (mapping.broken)
            continue;
        int64_t steps = mapping.tiles[KPU_M] * mapping.tiles[KPU_N] * mapping.tiles[KPU_K];
        m->all_steps += steps;
        m->steps[m->count++] = steps;
    }
    for (int n = m->count - 1; n > 0; n--)
        swap_entries(m, n, (int)(kpu_random_u64(1, 0, (uint64_t)n) % (uint64_t)(n + 1)));
    return KPU_OK;
}

/* The first `most` candidates, fewer if `seconds` are over. */
static int time_mix(pass *p, const mix *m, int most, double seconds, outcome *out)
{
    double begun = bench_seconds(CLOCK_MONOTONIC), now = begun;
    double start = bench_seconds(CLOCK_THREAD_CPUTIME_ID);
    int code = KPU_OK;
    *out = (outcome){0};
    for (int n = 0; code == KPU_OK && n < most && now - begun < seconds; n++) {
        kpu_result result;
        p->deadline = p->is_plain ? 0 : now + 3 * p->bench->seconds;
        code =
            kpu_evaluate(p->simulator, &p->bench->machine, &p->problem, &m->candidate[n], &result);
        out->tried++;
        if (code == KPU_OK || p->is_plain)
            out->walked += kpu_simulator_steps_walked(p->simulator);
        if (code == KPU_OK) {
            out->completed++;
            out->steps += m->steps[n];
        }
        code = code == KPU_E_INTERRUPTED ? KPU_OK : code;
        now = bench_seconds(CLOCK_MONOTONIC);
    }
    out->seconds = bench_seconds(CLOCK_THREAD_CPUTIME_ID) - start;
    return code;
}

static int time_plain(pass *p, const mix *m, outcome *out)
{
    int sample = p->bench->plain_sample;
    p->is_plain = true;
    kpu_simulator_set_fast_forward(p->simulator, false);
    return time_mix(p, m, m->count < sample ? m->count : sample, INFINITY, out);
}

static int time_fast(pass *p, const mix *m, int most, double seconds, outcome *out)
{
    p->is_plain = false;
    kpu_simulator_set_fast_forward(p->simulator, true);
    return time_mix(p, m, most, seconds, out);
}

/* Both ways in turns; the best of each. */
static int compare(pass *p, const mix *m, outcome *fast, outcome *plain)
{
    int code = time_fast(p, m, m->count, p->bench->seconds, fast);
    if (code == KPU_OK)
        code = time_plain(p, m, plain);
    for (int i = 1; code == KPU_OK && i < p->bench->repeats; i++) {
        outcome again;
        code = time_fast(p, m, fast->tried, INFINITY, &again);
        *fast = again.seconds < fast->seconds ? again : *fast;
        if (code == KPU_OK)
            code = time_plain(p, m, &again);
        *plain = again.seconds < plain->seconds ? again : *plain;
    }
    return code;
}

/* All dataflows at one size; seconds are what all candidates that fit take, or would take. */
typedef struct speed {
    int fit, completed;
    double plain_seconds, fast_seconds, rate[KPU_DATAFLOWS];
    double steps;                   /* of all that fit */
    double completed_steps, walked; /* of those that were completed */
} speed;

static double per(double amount, double of)
{
    return of > 0 ? amount / of : 0;
}

static int measure_speed(pass *p, int64_t block, int64_t control, speed *out)
{
    *out = (speed){0};
    for (int64_t f = 0; f < KPU_DATAFLOWS; f++) {
        mix m;
        outcome fast, plain;
        int code = fill_mix(p, block, f, control, &m);
        if (code == KPU_OK)
            code = compare(p, &m, &fast, &plain);
        if (code != KPU_OK)
            return code;
        out->rate[f] = per(fast.completed, fast.seconds);
        out->fast_seconds += fast.completed ? m.count / out->rate[f] : INFINITY;
        out->plain_seconds += per(plain.seconds, (double)plain.walked) * (double)m.all_steps;
        out->fit += m.count;
        out->steps += (double)m.all_steps;
        out->completed += fast.completed;
        out->completed_steps += (double)fast.steps;
        out->walked += (double)fast.walked;
    }
    return KPU_OK;
}

static void print_speed(int64_t size, int64_t block, const speed *s)
{
    char cube[24], blocks[24] = "-", timed[24];
    double walked = per(s->walked, s->completed), fast = per(s->fit, s->fast_seconds);
    snprintf(cube, sizeof cube, "%lld^3", (long long)size);
    if (block)
        snprintf(blocks, sizeof blocks, "%lld", (long long)block);
    snprintf(timed, sizeof timed, s->completed < s->fit ? "%d/%d" : "%d", s->completed, s->fit);
    printf("%8s %6s %9s %9.2f %7.1f %8.0f %7.1f %7.0f %9.0f %7.0f %8.4f", cube, blocks, timed,
           per(s->fit, s->plain_seconds), 1e9 * per(s->plain_seconds, s->steps), fast,
           per(1e9, fast * walked), per(s->plain_seconds, s->fast_seconds), per(s->steps, s->fit),
           walked, 100 * per(s->walked, s->completed_steps));
    for (int f = 0; f < KPU_DATAFLOWS; f++)
        printf(" %8.0f", s->rate[f]);
    printf("\n");
}

static int speed_of(const bench *b, int64_t control)
{
    static const struct {
        int64_t size, block;
    } sizes[] = {{512, 0}, {1024, 0}, {4096, 0}, {16384, 0}, {1024, 256}, {16384, 256}};
    printf("%s, one thread: candidates a second of processor time\n"
           "%8s %6s %9s %9s %7s %8s %7s %7s %9s %7s %8s",
           kpu_control_names[control], "size", "blocks", "timed", "plain", "ns/step", "fast",
           "ns/step", "ratio", "steps", "walked", "%");
    for (int f = 0; f < KPU_DATAFLOWS; f++)
        printf(" %8s", kpu_dataflow_names[f]);
    printf("\n");
    int code = KPU_OK;
    for (size_t i = 0; code == KPU_OK && i < sizeof sizes / sizeof *sizes; i++) {
        pass p = {0};
        speed s;
        pass_begin(&p, b, sizes[i].size);
        code = p.simulator ? measure_speed(&p, sizes[i].block, control, &s) : KPU_E_MEMORY;
        if (code == KPU_OK)
            print_speed(sizes[i].size, sizes[i].block, &s);
        kpu_simulator_free(p.simulator);
    }
    return code;
}

int bench_speed(const bench *b, const void *unused, kpu_diag *diag)
{
    (void)unused;
    (void)diag;
    int code = KPU_OK;
    for (int control = 0; code == KPU_OK && control < KPU_CONTROLS; control++) {
        printf("%s", control ? "\n" : "");
        code = speed_of(b, control);
    }
    return code;
}

/* ---- Memory ------------------------------------------------------------------------------ */

/* A worker's scratch after all candidates of 16384^3 with the smallest tiles. */
static int print_worker(const bench *b, const void *context, kpu_diag *diag)
{
    const int64_t control = *(const int *)context, size = 16384;
    int64_t before = bench_peak_kib();
    enum { VARIANTS = MIX / SHAPES, COUNT = VARIANTS * 2 * KPU_DATAFLOWS };
    int code = KPU_OK, fit = 0;
    pass p = {0};
    (void)diag;
    pass_begin(&p, b, size);
    if (!p.simulator)
        return KPU_E_MEMORY;
    for (int n = 0; code == KPU_OK && n < COUNT; n++) {
        kpu_candidate c;
        kpu_result result;
        candidate_at(n % VARIANTS * SHAPES, n / VARIANTS % 2 * 256, &c);
        c.dataflow = n / VARIANTS / 2;
        c.control = control;
        p.deadline = bench_seconds(CLOCK_MONOTONIC) + b->seconds;
        code = kpu_evaluate(p.simulator, &b->machine, &p.problem, &c, &result);
        code = code == KPU_E_INTERRUPTED ? KPU_OK : code;
        fit += !result.mapping.broken;
    }
    printf("%s: %.1f MiB more than before, %d candidates\n", kpu_control_names[control],
           (double)(bench_peak_kib() - before) / 1024, fit);
    kpu_simulator_free(p.simulator);
    return code;
}

int bench_memory(const bench *b, const void *unused, kpu_diag *diag)
{
    (void)unused;
    int code = KPU_OK;
    printf("peak memory of one worker, 16384^3 in tiles of 16x16x16\n");
    for (int control = 0; code == KPU_OK && control < KPU_CONTROLS; control++)
        code = bench_in_child(print_worker, b, &control, diag);
    return code;
}
