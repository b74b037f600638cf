/* Every search under the thread sanitizer: rows do not depend on the number of threads, and all of
 * them come to the sink in the thread that called. */
#include "search_fixture.h"

#include <pthread.h>

static const char sweep[] =
    "[sweep]\nname = t\nmachines = minimal, edge-ai\nobjectives = cycles, dram_bytes\n"
    "[workload]\ngemms = a:24x40x16, b:36x18x20\n"
    "[space]\nTM = divisors\nTN = 8, 16\nTK = 8, 16\nd3 = 1..3\ndataflow = os, ws, is\n"
    "[constraints]\nsome = TM*TN != 64 or dataflow == ws\n";

typedef struct digest {
    pthread_t thread;
    bool one_thread;
    int64_t rows;
    uint64_t value; /* of all rows in their order */
} digest;

static int take(void *context, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    digest *d = context;
    (void)diag;
    d->one_thread &= pthread_equal(d->thread, pthread_self()) != 0;
    for (size_t i = 0; i < count; i++) {
        d->value = kpu_random_u64(d->value, 0, (uint64_t)rows[i].point.index);
        for (size_t m = 0; m < kpu_metric_count(); m++)
            d->value = kpu_random_u64(d->value, 1, (uint64_t)rows[i].metrics[m].i);
        d->rows++;
    }
    return KPU_OK;
}

static digest run(const kpu_space *space, const char *name, int64_t budget, int threads)
{
    const kpu_search_settings settings = settings_of(name, budget, 1);
    digest d = {.thread = pthread_self(), .one_thread = true};
    kpu_search_progress summary;
    const kpu_search_options options = {
        .settings = &settings, .threads = threads, .sink = take, .sink_context = &d};
    CU_ASSERT_EQUAL(kpu_search_run(space, &options, &summary, NULL), KPU_OK);
    CU_ASSERT(d.one_thread && d.rows > 0);
    return d;
}

static void test_any_number_of_threads(void)
{
    static const int threads[] = {2, 3, 16, 0};
    kpu_space *space = must_make_space(sweep);
    for (size_t i = 0; i < kpu_search_count(); i++) {
        const char *name = kpu_search_at(i)->name;
        digest one = run(space, name, 700, 1);
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
            digest other = run(space, name, 700, threads[t]);
            CU_ASSERT(other.value == one.value && other.rows == one.rows);
        }
    }
    kpu_space_free(space);
}

/* A run that was stopped, or what it left. */
typedef struct broken {
    digest all; /* of all rows, of both runs */
    found rows; /* or those noted */
    bool takes_notes;
} broken;

static int take_and_keep(void *context, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    broken *b = context;
    take(&b->all, rows, count, diag);
    return b->takes_notes ? KPU_OK : keep_rows(&b->rows, rows, count, diag);
}

static int note(void *context, const kpu_row *row, kpu_diag *diag)
{
    broken *b = context;
    b->all.one_thread &= pthread_equal(b->all.thread, pthread_self()) != 0;
    return keep_rows(&b->rows, row, 1, diag);
}

static int read_row(void *context, int64_t n, int64_t *id, kpu_metric_value *metrics,
                    kpu_diag *diag)
{
    broken *b = context;
    size_t width = kpu_metric_count();
    (void)diag;
    b->all.one_thread &= pthread_equal(b->all.thread, pthread_self()) != 0;
    *id = b->rows.points[n].index;
    memcpy(metrics, b->rows.metrics + (size_t)n * width, width * sizeof *metrics);
    return KPU_OK;
}

/* Stopped after some rows, and gone on with another number of threads. */
static digest run_broken(const kpu_space *space, const char *name, int threads, bool *stopped)
{
    const kpu_search_settings settings = settings_of(name, 1500, 1);
    broken b = {.all = {.thread = pthread_self(), .one_thread = true},
                .rows = {.stop_after = 10},
                .takes_notes = settings.search->only_fronts};
    kpu_search_options options = {.settings = &settings,
                                  .threads = threads,
                                  .sink = take_and_keep,
                                  .sink_context = &b,
                                  .stop = &b.rows.stop,
                                  .noted = note,
                                  .noted_context = &b};
    kpu_search_progress summary;
    int code = kpu_search_run(space, &options, &summary, NULL);
    CU_ASSERT(code == KPU_OK || code == KPU_E_INTERRUPTED); /* all may have come at once */
    *stopped = code != KPU_OK;
    const kpu_search_past past = {.count = (int64_t)b.rows.count,
                                  .read = read_row,
                                  .context = &b,
                                  .points = summary.done,
                                  .evaluations = summary.evaluations,
                                  .feasible = summary.feasible};
    b.rows.stop = 0;
    b.rows.stop_after = 0;
    options.threads = threads % 3 + 1;
    options.past = &past;
    if (*stopped)
        CU_ASSERT_EQUAL(kpu_search_run(space, &options, &summary, NULL), KPU_OK);
    found_fini(&b.rows);
    return b.all;
}

static void test_going_on(void)
{
    int stops = 0;
    kpu_space *space = must_make_space(sweep);
    for (size_t i = 0; i < kpu_search_count(); i++) {
        const char *name = kpu_search_at(i)->name;
        digest whole = run(space, name, 1500, 1);
        for (int threads = 1; threads <= 3; threads++) {
            bool is_stopped;
            digest parts = run_broken(space, name, threads, &is_stopped);
            stops += is_stopped;
            CU_ASSERT(parts.value == whole.value && parts.rows == whole.rows && parts.one_thread);
        }
    }
    CU_ASSERT(stops > 0);
    kpu_space_free(space);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"any number of threads", test_any_number_of_threads},
        {"going on", test_going_on},
        CU_TEST_INFO_NULL,
    };
    return run_suite("search threads", tests);
}
