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

static digest run(const kpu_space *space, const char *name, int threads)
{
    const kpu_search_settings settings = settings_of(name, 700, 1);
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
        digest one = run(space, name, 1);
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
            digest other = run(space, name, threads[t]);
            CU_ASSERT(other.value == one.value && other.rows == one.rows);
        }
    }
    kpu_space_free(space);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"any number of threads", test_any_number_of_threads},
        CU_TEST_INFO_NULL,
    };
    return run_suite("search threads", tests);
}
