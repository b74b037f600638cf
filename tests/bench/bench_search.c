/* What searches cost: the share that `exact` simulates, scaling with threads. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define TILES KPU_SOURCE_DIR "/tests/bench/tiles.ini"
#define BLOCKS KPU_SOURCE_DIR "/tests/bench/blocks.ini"
#define LAYERS KPU_SOURCE_DIR "/sweeps/bert-exact.ini"

static int count_rows(void *context, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    (void)rows;
    (void)diag;
    *(int64_t *)context += (int64_t)count;
    return KPU_OK;
}

int bench_load_space(const char *path, const char *wanted, int step, kpu_space **out,
                     kpu_diag *diag)
{
    static const char *const axes[KPU_DIMS] = {"TM", "TN", "TK"};
    char set[128];
    kpu_ini sweep;
    int code = kpu_ini_read(path, KPU_FILE_SWEEP, &sweep, diag);
    snprintf(set, sizeof set, "sweep.objectives=%s", wanted);
    if (code == KPU_OK)
        code = kpu_ini_set(&sweep, set, diag);
    for (int d = 0; code == KPU_OK && step && d < KPU_DIMS; d++) {
        snprintf(set, sizeof set, "space.%s=%d..256 +%d", axes[d], step, step);
        code = kpu_ini_set(&sweep, set, diag);
    }
    if (code == KPU_OK)
        code = kpu_space_make(&sweep, out, diag);
    kpu_ini_fini(&sweep);
    return code;
}

/* A search with what it took. */
typedef struct timed {
    int64_t rows;
    kpu_search_progress found;
    double seconds, processor_seconds;
} timed;

static int time_search(const kpu_space *space, const char *method, int threads, timed *out,
                       kpu_diag *diag)
{
    kpu_search_settings settings = *kpu_space_search(space);
    settings.search = kpu_search_find(method);
    *out = (timed){0};
    kpu_search_options options = {
        .settings = &settings, .threads = threads, .sink = count_rows, .sink_context = &out->rows};
    double start = bench_seconds(CLOCK_MONOTONIC);
    double processor_start = bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
    int code = kpu_search_run(space, &options, &out->found, diag);
    out->seconds = bench_seconds(CLOCK_MONOTONIC) - start;
    out->processor_seconds = bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - processor_start;
    return code;
}

/* ---- The share that exact simulates ------------------------------------------------------- */

static const char *const objectives[] = {"cycles,dram_bytes,footprint_bytes", "cycles,energy_pj"};

typedef struct exact_case {
    const char *name, *path;
    int step;
    const char *objectives;
} exact_case;

typedef struct extent {
    double candidates, fit;
    bool is_estimate;
} extent;

/* Counted, or, of spaces of more than POINTS points, judged by that many drawn at random. */
static void measure_extent(const kpu_space *space, extent *out)
{
    enum { POINTS = 1000000 };
    int64_t size = kpu_space_run_size(space), candidates = 0, fit = 0;
    out->is_estimate = size > POINTS;
    int64_t points = out->is_estimate ? POINTS : size;
    for (int64_t i = 0; i < points; i++) {
        kpu_point point;
        kpu_mapping mapping;
        int64_t n = i;
        if (out->is_estimate)
            n = (int64_t)(kpu_random_u64(1, 0, (uint64_t)i) % (uint64_t)size);
        if (!kpu_space_point(space, n, &point))
            continue;
        candidates++;
        fit += kpu_mapping_make(kpu_space_machine(space, point.machine),
                                &kpu_space_gemm(space, point.gemm)->problem, &point.candidate,
                                &mapping) == KPU_OK &&
               !mapping.broken;
    }
    out->candidates = (double)candidates * (double)size / (double)points;
    out->fit = (double)fit * (double)size / (double)points;
}

static int print_exact(const bench *b, const void *context, kpu_diag *diag)
{
    const exact_case *c = context;
    kpu_space *space;
    timed exact;
    extent whole;
    int code = bench_load_space(c->path, c->objectives, c->step, &space, diag);
    if (code != KPU_OK)
        return code;
    code = time_search(space, "exact", b->threads, &exact, diag);
    double peak = (double)bench_peak_kib() / 1024;
    measure_extent(space, &whole);
    double simulated = 100 * (double)exact.found.evaluations;
    const char *form = whole.is_estimate ? "%-7s %-33s %10.2e %9.2e" : "%-7s %-33s %10.0f %9.0f";
    if (code == KPU_OK) {
        printf(form, c->name, c->objectives, whole.candidates, whole.fit);
        printf(" %7lld %9lld %9.5f %9.5f %9lld %7.2f %5.2f %5.0f\n", (long long)exact.rows,
               (long long)exact.found.evaluations, simulated / whole.fit,
               simulated / whole.candidates, (long long)exact.found.boxes, exact.seconds,
               exact.processor_seconds / exact.seconds, peak);
    }
    kpu_space_free(space);
    return code;
}

int bench_exact(const bench *b, const void *unused, kpu_diag *diag)
{
    const exact_case cases[] = {{"tiles", TILES, b->tile_step, objectives[0]},
                                {"tiles", TILES, b->tile_step, objectives[1]},
                                {"blocks", BLOCKS, 0, objectives[0]},
                                {"blocks", BLOCKS, 0, objectives[1]},
                                {"layers", LAYERS, 0, objectives[0]},
                                {"layers", LAYERS, 0, objectives[1]}};
    int count = b->searches_layers ? 6 : b->searches_long ? 4 : 2, code = KPU_OK;
    (void)unused;
    printf("exact, %d threads\n%-7s %-33s %10s %9s %7s %9s %9s %9s %9s %7s %5s %5s\n", b->threads,
           "space", "objectives", "candidates", "fit", "front", "simulated", "% of fit", "% of all",
           "boxes", "seconds", "cores", "MiB");
    for (int i = 0; code == KPU_OK && i < count; i++)
        code = bench_in_child(print_exact, b, &cases[i], diag);
    return code;
}

/* ---- Threads ----------------------------------------------------------------------------- */

enum { THREADS_MAX_LOG = 9 };

/* One search with 1, 2, 4, ... threads, in turns. */
static int print_scaling(const bench *b, const kpu_space *space, const char *method, kpu_diag *diag)
{
    timed best[THREADS_MAX_LOG], again;
    for (int i = 0; i < b->repeats; i++)
        for (int t = 0; 1 << t <= b->threads; t++) {
            int code = time_search(space, method, 1 << t, &again, diag);
            if (code != KPU_OK)
                return code;
            if (i == 0 || again.seconds < best[t].seconds)
                best[t] = again;
        }
    for (int t = 0; 1 << t <= b->threads; t++)
        printf("%-10s %9lld %7d %8.3f %10.3f %10.2f %6.2f\n", method,
               (long long)best[t].found.evaluations, 1 << t, best[t].seconds,
               best[t].processor_seconds, best[0].seconds / best[t].seconds / (1 << t),
               best[t].processor_seconds / best[t].seconds);
    return KPU_OK;
}

int bench_threads(const bench *b, const void *unused, kpu_diag *diag)
{
    (void)unused;
    kpu_space *space;
    printf("threads\n%-10s %9s %7s %8s %10s %10s %6s\n", "search", "simulated", "threads",
           "seconds", "processor", "efficiency", "cores");
    int code = bench_load_space(TILES, objectives[0], b->tile_step, &space, diag);
    if (code != KPU_OK)
        return code;
    code = print_scaling(b, space, "exhaustive", diag);
    kpu_space_free(space);
    if (code == KPU_OK)
        code = bench_load_space(b->searches_long ? BLOCKS : TILES, objectives[1],
                                b->searches_long ? 0 : b->tile_step, &space, diag);
    if (code != KPU_OK)
        return code;
    code = print_scaling(b, space, "exact", diag);
    kpu_space_free(space);
    return code;
}
