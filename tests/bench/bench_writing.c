/* What writing costs: its share of a sweep, and a commit while the file grows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "kpu/store.h"

#define TILES KPU_SOURCE_DIR "/tests/bench/tiles.ini"
static const char *const objectives = "cycles,dram_bytes,footprint_bytes";

/* As many columns as a real results file has: the metrics, and what describes a candidate. */
enum { FIELDS = 22, NAME_BYTES = 16 };

static int create_store(const char *path, kpu_store **out, kpu_diag *diag)
{
    size_t metrics = kpu_metric_count();
    char names[FIELDS][NAME_BYTES];
    kpu_column *columns = calloc(metrics + FIELDS, sizeof *columns);
    if (!columns)
        return KPU_E_MEMORY;
    for (size_t i = 0; i < FIELDS; i++) {
        snprintf(names[i], NAME_BYTES, "field_%zu", i);
        columns[metrics + i] = (kpu_column){.group = "candidates", .name = names[i]};
    }
    for (size_t i = 0; i < metrics; i++) {
        const kpu_metric *m = kpu_metric_at(i);
        columns[i] = (kpu_column){.group = "metrics",
                                  .name = m->name,
                                  .unit = m->unit,
                                  .description = m->description,
                                  .sense = m->sense,
                                  .type = m->type == KPU_METRIC_INT64 ? KPU_COLUMN_INT64
                                                                      : KPU_COLUMN_DOUBLE};
    }
    int code = kpu_store_create(path, true, columns, metrics + FIELDS, out, diag);
    free(columns);
    return code;
}

/* Small numbers, each of which changes less often than the one before. */
static void fill_row(int64_t number, const kpu_metric_value *metrics, kpu_metric_value *row)
{
    size_t count = kpu_metric_count();
    memcpy(row, metrics, count * sizeof *row);
    for (size_t i = 0; i < FIELDS; i++)
        row[count + i].i = i == 0 ? number : number >> (2 * i) & 15;
}

/* ---- The share of a sweep ---------------------------------------------------------------- */

typedef struct writer {
    kpu_store *store;
    kpu_metric_value *row;
    double seconds; /* of processor time */
    int64_t rows;
} writer;

static int write_rows(void *context, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    writer *w = context;
    int code = KPU_OK;
    double start = bench_seconds(CLOCK_THREAD_CPUTIME_ID);
    for (size_t i = 0; code == KPU_OK && i < count; i++) {
        fill_row(w->rows++, rows[i].metrics, w->row);
        code = kpu_store_append(w->store, w->row, 1, diag);
    }
    if (code == KPU_OK)
        code = kpu_store_commit_if_due(w->store, diag);
    w->seconds += bench_seconds(CLOCK_THREAD_CPUTIME_ID) - start;
    return code;
}

/* Every metric of every candidate into a file. */
static int write_space(const kpu_space *space, const char *path, int threads, kpu_diag *diag)
{
    writer w = {.row = calloc(kpu_metric_count() + FIELDS, sizeof *w.row)};
    double start = bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
    double begun = bench_seconds(CLOCK_THREAD_CPUTIME_ID);
    int code = w.row ? create_store(path, &w.store, diag) : KPU_E_MEMORY;
    w.seconds = bench_seconds(CLOCK_THREAD_CPUTIME_ID) - begun;
    kpu_explore_options options = {.threads = threads, .sink = write_rows, .sink_context = &w};
    if (code == KPU_OK)
        code = kpu_explore(space, &options, diag);
    begun = bench_seconds(CLOCK_THREAD_CPUTIME_ID);
    if (code == KPU_OK)
        code = kpu_store_finish(w.store, diag);
    w.seconds += bench_seconds(CLOCK_THREAD_CPUTIME_ID) - begun;
    if (code == KPU_OK)
        printf("writing\n%lld rows of %zu columns: %.1f %% of the processor time\n",
               (long long)w.rows, kpu_metric_count() + FIELDS,
               100.0 * w.seconds / (bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - start));
    free(w.row);
    return code;
}

static int in_new_folder(int (*run)(const bench *, const char *, const void *, kpu_diag *),
                         const bench *b, const void *context, kpu_diag *diag)
{
    char folder[] = "/tmp/kpu-bench-XXXXXX", path[64];
    if (!mkdtemp(folder))
        return kpu_diag_add(diag, KPU_E_IO, "cannot make a folder in /tmp");
    snprintf(path, sizeof path, "%s/rows.h5", folder);
    int code = run(b, path, context, diag);
    unlink(path);
    kpu_store_drop_partial(path, NULL);
    rmdir(folder);
    return code;
}

static int run_writing(const bench *b, const char *path, const void *space, kpu_diag *diag)
{
    return write_space(space, path, b->threads, diag);
}

int bench_writing(const bench *b, const void *unused, kpu_diag *diag)
{
    (void)unused;
    kpu_space *space;
    int code = bench_load_space(TILES, objectives, b->tile_step, &space, diag);
    if (code != KPU_OK)
        return code;
    code = in_new_folder(run_writing, b, space, diag);
    kpu_space_free(space);
    return code;
}

/* ---- Commits ----------------------------------------------------------------------------- */

/* Real rows, to be written again and again. */
enum { SAMPLE_ROWS = 4096, ROWS_A_COMMIT = 5003 };

typedef struct sample {
    kpu_metric_value *values;
    int64_t count;
} sample;

static int keep_rows(void *context, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    (void)diag;
    sample *s = context;
    size_t metrics = kpu_metric_count();
    for (size_t i = 0; i < count && s->count < SAMPLE_ROWS; i++)
        memcpy(s->values + (size_t)s->count++ * metrics, rows[i].metrics,
               metrics * sizeof *s->values);
    return s->count < SAMPLE_ROWS ? KPU_OK : KPU_E_INTERRUPTED;
}

static int take_sample(const bench *b, sample *out, kpu_diag *diag)
{
    kpu_space *space;
    int code = bench_load_space(TILES, objectives, b->tile_step, &space, diag);
    if (code != KPU_OK)
        return code;
    out->values = calloc(SAMPLE_ROWS * kpu_metric_count(), sizeof *out->values);
    kpu_explore_options options = {.threads = b->threads, .sink = keep_rows, .sink_context = out};
    code = out->values ? kpu_explore(space, &options, diag) : KPU_E_MEMORY;
    kpu_space_free(space);
    return code == KPU_E_INTERRUPTED ? KPU_OK : code;
}

/* What this process has given to write(2) and its like. */
static int64_t written_bytes(void)
{
    char line[128];
    long long bytes = 0;
    FILE *io = fopen("/proc/self/io", "r");
    while (io && fgets(line, sizeof line, io))
        if (sscanf(line, "wchar: %lld", &bytes) == 1)
            break;
    if (io)
        fclose(io);
    return bytes;
}

/* Commits in the first or in the last tenth of a file. */
typedef struct tenth {
    double seconds;
    int64_t bytes;
    int count;
} tenth;

static void print_commits(int64_t rows, const char *path, double seconds, const tenth *ends)
{
    struct stat st;
    printf("%10lld %8.1f %10.0f", (long long)rows,
           stat(path, &st) == 0 ? 1e-6 * (double)st.st_size : 0, (double)rows / seconds);
    for (int i = 0; i < 2; i++) {
        int count = ends[i].count > 0 ? ends[i].count : 1;
        printf(" %8.1f %9.0f", 1e3 * ends[i].seconds / count, 1e-3 * (double)ends[i].bytes / count);
    }
    printf(" %10.1f\n", (double)bench_peak_kib() / 1024);
}

static int commit(kpu_store *store, tenth *end, kpu_diag *diag)
{
    int64_t before = written_bytes();
    double start = bench_seconds(CLOCK_MONOTONIC);
    int code = kpu_store_commit(store, diag);
    if (end) {
        end->seconds += bench_seconds(CLOCK_MONOTONIC) - start;
        end->bytes += written_bytes() - before;
        end->count++;
    }
    return code;
}

typedef struct growth {
    const sample *from;
    int64_t rows;
} growth;

static int write_many(const bench *b, const char *path, const void *context, kpu_diag *diag)
{
    (void)b;
    const growth *g = context;
    size_t metrics = kpu_metric_count();
    kpu_metric_value *row = calloc(metrics + FIELDS, sizeof *row);
    kpu_store *store = NULL;
    tenth ends[2] = {0};
    double start = bench_seconds(CLOCK_MONOTONIC);
    int code = row ? create_store(path, &store, diag) : KPU_E_MEMORY;
    for (int64_t n = 0; code == KPU_OK && n < g->rows; n++) {
        fill_row(n, g->from->values + (size_t)(n % g->from->count) * metrics, row);
        code = kpu_store_append(store, row, 1, diag);
        tenth *end = n < g->rows / 10 ? &ends[0] : n >= g->rows - g->rows / 10 ? &ends[1] : NULL;
        if (code == KPU_OK && n % ROWS_A_COMMIT == 0)
            code = commit(store, end, diag);
    }
    if (code == KPU_OK)
        code = kpu_store_finish(store, diag);
    if (code == KPU_OK)
        print_commits(g->rows, path, bench_seconds(CLOCK_MONOTONIC) - start, ends);
    free(row);
    return code;
}

static int grow(const bench *b, const void *context, kpu_diag *diag)
{
    return in_new_folder(write_many, b, context, diag);
}

int bench_commits(const bench *b, const void *unused, kpu_diag *diag)
{
    (void)unused;
    sample s = {0};
    int code = take_sample(b, &s, diag);
    printf("commits, %zu columns, one every %d rows\n%10s %8s %10s %18s %18s %10s\n",
           kpu_metric_count() + FIELDS, ROWS_A_COMMIT, "", "", "", "first tenth", "last tenth", "");
    printf("%10s %8s %10s %8s %9s %8s %9s %10s\n", "rows", "file MB", "rows/s", "ms", "kB", "ms",
           "kB", "peak MiB");
    for (int64_t rows = b->rows_first; code == KPU_OK && rows <= b->rows_last; rows *= 10) {
        growth g = {&s, rows};
        code = bench_in_child(grow, b, &g, diag);
    }
    free(s.values);
    return code;
}
