/* kpu_explore: rows are the same, in the same order, for any number of threads; the sink is called
 * by one thread, in order; stopping delivers a prefix; nothing is lost when a sink fails. */
#include "kpu/explorer.h"

#include "run_suite.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All the kinds of rows: small and large, some excluded, some that do not fit. */
static const char mixed[] =
    "[sweep]\nname = t\nmachines = minimal, edge-ai\n"
    "[workload]\ngemms = a:24x40x16, b:1x64x48, c:33x17x65\n"
    "[space]\nTM = 4, 8, 16, 4096\nTN = 8, 16\nTK = 8, 16\nBM = 0, 16\nd3 = 1, 3/2/1\n"
    "dataflow = os, ws, is\ncontrol = iddo, eddo\nresidency = auto, 0-0/0-0/0-0\n"
    "[constraints]\nsome = TM*TN != 64 or dataflow == ws\n";
/* More units than the ring has slots, nearly all of them cheap. */
static const char many[] = "[sweep]\nname = t\nmachines = minimal\n[workload]\ngemms = a:8x8x8\n"
                           "[space]\nTM = 8..40\nTN = 8..40\nTK = 8..40\n"
                           "[constraints]\nfew = (TM + TN + TK) % 5 == 0\n";

static kpu_space *make(const char *text)
{
    kpu_ini ini = {0};
    kpu_diag diag = {0};
    kpu_space *space = NULL;
    if (kpu_ini_parse(KPU_SOURCE_DIR "/sweeps/t.ini", text, strlen(text), KPU_FILE_SWEEP, &ini,
                      &diag) == KPU_OK)
        kpu_space_make(&ini, &space, &diag);
    char *complaints = diag.count ? kpu_diag_render(&diag) : NULL;
    if (complaints)
        fprintf(stderr, "%s", complaints);
    free(complaints);
    kpu_diag_fini(&diag);
    kpu_ini_fini(&ini);
    CU_ASSERT_PTR_NOT_NULL_FATAL(space);
    return space;
}

/* Every row with its point, as bytes. */
typedef struct collected {
    char *bytes;
    size_t size, capacity;
    int64_t rows, last_index;
    bool in_order, one_thread;
    pthread_t thread;
    int64_t fail_after; /* rows; 0: never */
    int volatile *stop_after_first;
} collected;

static void keep(collected *c, const void *data, size_t size)
{
    if (c->size + size > c->capacity) {
        c->capacity = 2 * (c->size + size);
        c->bytes = realloc(c->bytes, c->capacity);
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(c->bytes);
    if (!c->bytes)
        return;
    memcpy(c->bytes + c->size, data, size);
    c->size += size;
}

static int collect(void *context, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    collected *c = context;
    (void)diag;
    c->one_thread &= pthread_equal(c->thread, pthread_self()) != 0;
    for (size_t i = 0; i < count; i++) {
        c->in_order &= rows[i].point.index > c->last_index;
        c->last_index = rows[i].point.index;
        keep(c, &rows[i].point, sizeof rows[i].point);
        keep(c, rows[i].metrics, kpu_metric_count() * sizeof(kpu_metric_value));
        c->rows++;
    }
    if (c->stop_after_first)
        *c->stop_after_first = 1;
    return c->fail_after && c->rows >= c->fail_after ? KPU_E_IO : KPU_OK;
}

static collected collector(void)
{
    return (collected){
        .last_index = -1, .in_order = true, .one_thread = true, .thread = pthread_self()};
}

static int explore(const kpu_space *space, int threads, collected *c)
{
    kpu_diag diag = {0};
    kpu_explore_options options = {
        .threads = threads, .sink = collect, .sink_context = c, .stop = c->stop_after_first};
    int code = kpu_explore(space, &options, &diag);
    kpu_diag_fini(&diag);
    CU_ASSERT(c->in_order && c->one_thread);
    return code;
}

static void expect_same_for_any_threads(const char *text)
{
    static const int threads[] = {2, 3, 16, 0};
    kpu_space *space = make(text);
    collected one = collector();
    CU_ASSERT_EQUAL(explore(space, 1, &one), KPU_OK);
    int64_t admitted = 0;
    for (int64_t n = 0; n < kpu_space_run_size(space); n++) {
        kpu_point point;
        admitted += kpu_space_point(space, n, &point);
    }
    CU_ASSERT_EQUAL(one.rows, admitted);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        collected other = collector();
        CU_ASSERT_EQUAL(explore(space, threads[i], &other), KPU_OK);
        CU_ASSERT_EQUAL(other.rows, one.rows);
        CU_ASSERT(other.size == one.size && memcmp(other.bytes, one.bytes, one.size) == 0);
        free(other.bytes);
    }
    free(one.bytes);
    kpu_space_free(space);
}

static void test_rows_do_not_depend_on_threads(void)
{
    expect_same_for_any_threads(mixed);
}

static void test_more_units_than_slots(void)
{
    expect_same_for_any_threads(many);
}

static void test_a_stop_delivers_a_prefix(void)
{
    kpu_space *space = make(many);
    collected all = collector();
    CU_ASSERT_EQUAL(explore(space, 2, &all), KPU_OK);
    for (int threads = 1; threads <= 4; threads++) {
        volatile int stop = 0;
        collected some = collector();
        some.stop_after_first = &stop;
        int code = explore(space, threads, &some);
        CU_ASSERT(code == KPU_E_INTERRUPTED || (code == KPU_OK && some.rows == all.rows));
        CU_ASSERT(some.rows > 0 && some.size <= all.size);
        CU_ASSERT_EQUAL(memcmp(some.bytes, all.bytes, some.size), 0);
        free(some.bytes);
    }
    free(all.bytes);
    kpu_space_free(space);
}

static void test_a_stop_before_the_start(void)
{
    kpu_space *space = make(many);
    volatile int stop = 1;
    collected none = collector();
    none.stop_after_first = &stop;
    CU_ASSERT_EQUAL(explore(space, 3, &none), KPU_E_INTERRUPTED);
    free(none.bytes);
    kpu_space_free(space);
}

static void test_a_failing_sink_ends_the_run(void)
{
    kpu_space *space = make(many);
    for (int threads = 1; threads <= 4; threads++) {
        collected c = collector();
        c.fail_after = 40;
        CU_ASSERT_EQUAL(explore(space, threads, &c), KPU_E_IO);
        CU_ASSERT(c.rows >= 40 && c.rows < 40 + 16);
        free(c.bytes);
    }
    kpu_space_free(space);
}

typedef struct heard {
    int64_t calls, last, total;
    bool ascending;
} heard;

static bool hear(void *context, int64_t done, int64_t total)
{
    heard *h = context;
    h->ascending &= done >= h->last && total == h->total;
    h->last = done;
    h->calls++;
    return false;
}

static bool refuse(void *context, int64_t done, int64_t total)
{
    (void)context;
    (void)done;
    (void)total;
    return true;
}

static void test_progress(void)
{
    kpu_space *space = make(many);
    heard h = {.total = kpu_space_run_size(space), .ascending = true};
    kpu_explore_options options = {.threads = 2, .progress = hear, .progress_context = &h};
    CU_ASSERT_EQUAL(kpu_explore(space, &options, NULL), KPU_OK); /* without a sink: a dry run */
    CU_ASSERT(h.calls >= 1 && h.ascending);
    CU_ASSERT_EQUAL(h.last, h.total);
    options.progress = refuse;
    int code = kpu_explore(space, &options, NULL);
    CU_ASSERT(code == KPU_OK || code == KPU_E_INTERRUPTED);
    kpu_space_free(space);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"rows do not depend on threads", test_rows_do_not_depend_on_threads},
        {"more units than slots", test_more_units_than_slots},
        {"a stop delivers a prefix", test_a_stop_delivers_a_prefix},
        {"a stop before the start", test_a_stop_before_the_start},
        {"a failing sink ends the run", test_a_failing_sink_ends_the_run},
        {"progress", test_progress},
        CU_TEST_INFO_NULL,
    };
    return run_suite("explore", tests);
}
