/* kpu-bench: what an evaluation costs. Prints nanoseconds per command and candidates per second of
 * both disciplines on one core, how kpu_explore scales with threads, and which share of the
 * processor time writing takes. A measurement, not a test: the best of several repeats, as machines
 * are shared and noisy.
 *
 *     kpu-bench [--size N] [--repeats N] [--threads N] */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kpu/explorer.h"
#include "kpu/machine.h"
#include "kpu/metrics.h"
#include "kpu/store.h"

enum { TILES = 5, BUFFERS = 3, MIX = TILES * TILES * TILES * KPU_DATAFLOWS * 2 * BUFFERS };

typedef struct settings {
    int64_t size;
    int repeats, threads;
} settings;

typedef struct cost {
    int64_t feasible, commands;
    double seconds;
} cost;

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double now(void)
{
    return seconds(CLOCK_MONOTONIC);
}

/* The mix: TM, TN, TK in {16, 32, 64, 128, 256}, every dataflow and swap, d = 1, 2, 3. */
static void candidate_at(int64_t n, int64_t control, kpu_candidate *c)
{
    kpu_candidate_defaults(c);
    for (int d = 0; d < KPU_DIMS; d++, n /= TILES)
        c->tile[d] = INT64_C(16) << n % TILES;
    c->dataflow = n % KPU_DATAFLOWS;
    n /= KPU_DATAFLOWS;
    c->swap = n % 2;
    int64_t buffers = n / 2 % BUFFERS + 1;
    for (int x = 0; x < KPU_OPERANDS; x++)
        c->l3_buffers[x] = c->l2_buffers[x] = buffers;
    c->l1_buffers = buffers;
    c->control = control;
}

static cost evaluate_mix(kpu_simulator *simulator, const kpu_machine *machine, int64_t size,
                         int64_t control)
{
    kpu_problem problem = {{size, size, size}, {4, 4, 4}, 4};
    cost s = {0, 0, 0};
    double start = now();
    for (int64_t i = 0; i < MIX; i++) {
        kpu_candidate c;
        kpu_result result;
        candidate_at(i, control, &c);
        if (kpu_evaluate(simulator, machine, &problem, &c, &result) != KPU_OK ||
            result.mapping.broken)
            continue;
        s.feasible++;
        for (int k = 0; k < KPU_COMMANDS; k++)
            s.commands += result.counts.commands[k];
    }
    s.seconds = now() - start;
    return s;
}

static int bench_disciplines(const kpu_machine *machine, const settings *set)
{
    kpu_simulator *simulator = kpu_simulator_new();
    if (!simulator)
        return KPU_E_MEMORY;
    for (int control = 0; control < KPU_CONTROLS; control++) {
        cost best = evaluate_mix(simulator, machine, set->size, control);
        for (int i = 1; i < set->repeats; i++) {
            cost again = evaluate_mix(simulator, machine, set->size, control);
            if (again.seconds < best.seconds)
                best = again;
        }
        printf("%s %lld^3: %lld of %d candidates fit, %lld commands: %.2f ns/command, "
               "%.0f candidates/s\n",
               kpu_control_names[control], (long long)set->size, (long long)best.feasible, MIX,
               (long long)best.commands, 1e9 * best.seconds / (double)best.commands,
               (double)best.feasible / best.seconds);
    }
    kpu_simulator_free(simulator);
    return KPU_OK;
}

static int count_rows(void *context, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    (void)rows;
    (void)diag;
    *(int64_t *)context += (int64_t)count;
    return KPU_OK;
}

/* `tiles` is the axis of TM and of TN. */
static int make_space(const settings *set, const char *tiles, kpu_space **space, kpu_diag *diag)
{
    char text[1024];
    kpu_ini sweep;
    int length = snprintf(text, sizeof text,
                          "[sweep]\nname = bench\nmachines = %s/configs/default.ini\n"
                          "[workload]\ngemms = cube:%lldx%lldx%lld\n"
                          "[space]\nTM = %s\nTN = %s\nTK = 16..256 x2\n"
                          "dataflow = os, ws, is\nswap = 0, 1\nd3 = 1..3\n",
                          KPU_SOURCE_DIR, (long long)set->size, (long long)set->size,
                          (long long)set->size, tiles, tiles);
    int code = kpu_ini_parse("bench", text, (size_t)length, KPU_FILE_SWEEP, &sweep, diag);
    if (code != KPU_OK)
        return code;
    code = kpu_space_make(&sweep, space, diag);
    kpu_ini_fini(&sweep);
    return code;
}

static int bench_threads(const settings *set, kpu_diag *diag)
{
    kpu_space *space;
    int code = make_space(set, "16..256 x2", &space, diag);
    double single = 0;
    for (int threads = 1; code == KPU_OK && threads <= set->threads; threads *= 2) {
        double best = 0;
        int64_t rows = 0;
        for (int i = 0; code == KPU_OK && i < set->repeats; i++) {
            rows = 0;
            kpu_explore_options options = {
                .threads = threads, .sink = count_rows, .sink_context = &rows};
            double start = now();
            code = kpu_explore(space, &options, diag);
            double seconds = now() - start;
            best = i == 0 || seconds < best ? seconds : best;
        }
        single = threads == 1 ? best : single;
        printf("threads %d: %lld candidates in %.3f s, %.0f/s, efficiency %.2f\n", threads,
               (long long)rows, best, (double)rows / best, single / best / threads);
    }
    if (code == KPU_OK)
        kpu_space_free(space);
    return code;
}

typedef struct writer {
    kpu_store *store;
    double seconds; /* of processor time */
} writer;

static int write_rows(void *context, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    writer *w = context;
    int code = KPU_OK;
    double start = seconds(CLOCK_THREAD_CPUTIME_ID);
    for (size_t i = 0; code == KPU_OK && i < count; i++)
        code = kpu_store_append(w->store, rows[i].metrics, 1, diag);
    w->seconds += seconds(CLOCK_THREAD_CPUTIME_ID) - start;
    return code;
}

static int create_store(const char *path, kpu_store **out, kpu_diag *diag)
{
    size_t count = kpu_metric_count();
    kpu_column *columns = calloc(count, sizeof *columns);
    if (!columns)
        return KPU_E_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const kpu_metric *m = kpu_metric_at(i);
        columns[i] = (kpu_column){.group = "metrics",
                                  .name = m->name,
                                  .unit = m->unit,
                                  .description = m->description,
                                  .sense = m->sense,
                                  .type = m->type == KPU_METRIC_INT64 ? KPU_COLUMN_INT64
                                                                      : KPU_COLUMN_DOUBLE};
    }
    int code = kpu_store_create(path, true, columns, count, out, diag);
    free(columns);
    return code;
}

/* Every metric of every candidate to a file, and which share of the processor time that takes. */
static int bench_writing(const settings *set, kpu_diag *diag)
{
    char folder[] = "/tmp/kpu-bench-XXXXXX", path[64];
    kpu_space *space;
    writer w = {0};
    if (!mkdtemp(folder))
        return kpu_diag_add(diag, KPU_E_IO, "cannot make a folder in /tmp");
    snprintf(path, sizeof path, "%s/rows.h5", folder);
    int code = make_space(set, "16..256 +16", &space, diag);
    if (code != KPU_OK)
        return code;
    double start = seconds(CLOCK_PROCESS_CPUTIME_ID), begun = seconds(CLOCK_THREAD_CPUTIME_ID);
    code = create_store(path, &w.store, diag);
    w.seconds = seconds(CLOCK_THREAD_CPUTIME_ID) - begun;
    kpu_explore_options options = {.threads = set->threads, .sink = write_rows, .sink_context = &w};
    if (code == KPU_OK)
        code = kpu_explore(space, &options, diag);
    begun = seconds(CLOCK_THREAD_CPUTIME_ID);
    if (code == KPU_OK)
        code = kpu_store_finish(w.store, diag);
    w.seconds += seconds(CLOCK_THREAD_CPUTIME_ID) - begun;
    if (code == KPU_OK)
        printf("writing: %lld candidates, %.1f %% of the processor time\n",
               (long long)kpu_space_run_size(space),
               100.0 * w.seconds / (seconds(CLOCK_PROCESS_CPUTIME_ID) - start));
    unlink(path);
    rmdir(folder);
    kpu_space_free(space);
    return code;
}

static int parse(int argc, char **argv, settings *set)
{
    static const struct option options[] = {{"size", required_argument, NULL, 's'},
                                            {"repeats", required_argument, NULL, 'r'},
                                            {"threads", required_argument, NULL, 't'},
                                            {NULL, 0, NULL, 0}};
    *set = (settings){512, 5, 2};
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        char *end;
        long value = o == '?' ? 0 : strtol(optarg, &end, 10);
        if (value < 1 || value > 1 << 20 || *end) {
            fprintf(stderr, "usage: kpu-bench [--size N] [--repeats N] [--threads N]\n");
            return KPU_E_USAGE;
        }
        if (o == 's')
            set->size = value;
        else if (o == 'r')
            set->repeats = (int)value;
        else
            set->threads = (int)value;
    }
    return KPU_OK;
}

int main(int argc, char **argv)
{
    settings set;
    kpu_machine machine;
    kpu_diag diag;
    kpu_diag_init(&diag);
    int code = parse(argc, argv, &set);
    if (code == KPU_OK)
        code = kpu_machine_load(KPU_SOURCE_DIR "/configs/default.ini", &machine, &diag);
    if (code == KPU_OK)
        code = bench_disciplines(&machine, &set);
    if (code == KPU_OK)
        code = bench_threads(&set, &diag);
    if (code == KPU_OK)
        code = bench_writing(&set, &diag);
    char *text = kpu_diag_render(&diag);
    if (text && diag.count)
        fprintf(stderr, "%s\n", text);
    free(text);
    kpu_diag_fini(&diag);
    return kpu_error_exit_code(code);
}
