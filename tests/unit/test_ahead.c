/* kpu/explorer.h: results of which the rows have not come yet. They are told of, and a search that
 * goes on takes them instead of evaluating again. */
#include "sweep_fixture.h"

#include "explorer/ahead.h"

/* ---- Taken -------------------------------------------------------------------------------- */

/* A metric that no search looks at, by which rows are known that were taken. */
static size_t marked_metric(void)
{
    int index = kpu_metric_find("dram_read_bytes");
    CU_ASSERT_FATAL(index >= 0);
    return (size_t)index;
}

enum { MARK = 1000003 };

static void put_result(kpu_text *out, int64_t index, const kpu_metric_value *metrics)
{
    kpu_put_int(out, index);
    size_t place = kpu_begin_size(out);
    kpu_row_encode(NULL, metrics, out);
    kpu_end_size(out, place);
}

/* All candidates of the space, marked. */
static void put_all(const kpu_space *space, kpu_text *out)
{
    const kpu_search_settings settings = settings_of("exhaustive", 0, 1);
    const size_t width = kpu_metric_count();
    found all = {0};
    search(space, &settings, 2, &all);
    for (size_t i = 0; i < all.count; i++) {
        kpu_metric_value *metrics = all.metrics + i * width;
        metrics[marked_metric()].i += MARK;
        put_result(out, all.points[i].index, metrics);
    }
    CU_ASSERT_FALSE(out->failed);
    found_fini(&all);
}

static void expect_marked(const found *plain, const found *marked)
{
    const size_t width = kpu_metric_count(), metric = marked_metric();
    size_t wrong = 0;
    CU_ASSERT_EQUAL_FATAL(plain->count, marked->count);
    CU_ASSERT(plain->count > 0);
    for (size_t i = 0; i < plain->count; i++) {
        kpu_metric_value *metrics = marked->metrics + i * width;
        metrics[metric].i -= MARK;
        wrong += plain->points[i].index != marked->points[i].index ||
                 memcmp(plain->metrics + i * width, metrics, width * sizeof *metrics) != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static int keep_noted(void *context, const kpu_row *row, kpu_diag *diag)
{
    return keep_rows(context, row, 1, diag);
}

static int drop_rows(void *context, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    (void)context;
    (void)rows;
    (void)count;
    (void)diag;
    return KPU_OK;
}

/* All evaluations, in their order. */
static void evaluate(const kpu_space *space, const kpu_search_settings *settings,
                     const kpu_text *ahead, found *out)
{
    bool by_note = settings->search->only_fronts;
    const kpu_search_options options = {.settings = settings,
                                        .threads = 2,
                                        .sink = by_note ? drop_rows : keep_rows,
                                        .sink_context = out,
                                        .noted = by_note ? keep_noted : NULL,
                                        .noted_context = out,
                                        .ahead = ahead->data,
                                        .ahead_bytes = ahead->length};
    CU_ASSERT_EQUAL(kpu_search_run(space, &options, &out->summary, NULL), KPU_OK);
    CU_ASSERT_PTR_NULL(out->summary.ahead);
}

static void test_what_is_known_is_not_evaluated(void)
{
    kpu_space *space = must_make_with("", "");
    const kpu_text nothing = {0};
    kpu_text all = {0};
    put_all(space, &all);
    for (size_t i = 0; i < kpu_search_count(); i++) {
        const kpu_search_settings settings = settings_of(kpu_search_at(i)->name, 60, 1);
        found plain = {0}, marked = {0};
        evaluate(space, &settings, &nothing, &plain);
        evaluate(space, &settings, &all, &marked);
        expect_marked(&plain, &marked);
        found_fini(&plain);
        found_fini(&marked);
    }
    kpu_text_fini(&all);
    kpu_space_free(space);
}

static void expect_damaged(const kpu_space *space, const char *bytes, size_t size)
{
    kpu_diag diag = {0};
    kpu_search_progress summary;
    const kpu_search_options options = {.ahead = bytes, .ahead_bytes = size};
    CU_ASSERT_EQUAL(kpu_search_run(space, &options, &summary, &diag), KPU_E_INPUT);
    CU_ASSERT(has_complaint(&diag, 0, 0, "is damaged"));
    kpu_diag_fini(&diag);
}

static void test_damage_is_refused(void)
{
    kpu_space *space = must_make_with("", "");
    kpu_metric_value *metrics = calloc(kpu_metric_count(), sizeof *metrics);
    kpu_text one = {0}, outside = {0}, word = {0};
    CU_ASSERT_PTR_NOT_NULL_FATAL(metrics);
    put_result(&one, 0, metrics);
    for (size_t size = 1; size < one.length; size++)
        expect_damaged(space, one.data, size);
    put_result(&outside, kpu_space_raw_size(space), metrics);
    expect_damaged(space, outside.data, outside.length);
    metrics[kpu_metric_find("reason")].i = 127;
    put_result(&word, 0, metrics);
    expect_damaged(space, word.data, word.length);
    kpu_text_fini(&one);
    kpu_text_fini(&outside);
    kpu_text_fini(&word);
    free(metrics);
    kpu_space_free(space);
}

/* ---- Told --------------------------------------------------------------------------------- */

/* What progress told of, and the rows that came. */
typedef struct telling {
    found rows, told; /* each result that was told, maybe many times */
    size_t late;      /* of them were told although their row had come */
    bool last;        /* the last progress told of some */
} telling;

static bool has_come(const found *rows, int64_t index)
{
    for (size_t i = 0; i < rows->count; i++)
        if (rows->points[i].index == index)
            return true;
    return false;
}

static bool listen(void *context, const kpu_search_progress *progress)
{
    telling *t = context;
    kpu_reader reader = {progress->ahead, progress->ahead_bytes, false};
    kpu_metric_value *metrics = calloc(kpu_metric_count(), sizeof *metrics);
    CU_ASSERT_PTR_NOT_NULL_FATAL(metrics);
    while (reader.left > 0) {
        kpu_row row = {.point = {.index = kpu_read_int(&reader)}, .metrics = metrics};
        kpu_reader bytes = {.left = kpu_read_size(&reader)};
        bytes.at = kpu_read_bytes(&reader, bytes.left);
        CU_ASSERT_PTR_NOT_NULL_FATAL(bytes.at);
        kpu_row_decode(&bytes, NULL, metrics);
        CU_ASSERT(!bytes.failed && bytes.left == 0);
        t->late += has_come(&t->rows, row.point.index);
        keep_rows(&t->told, &row, 1, NULL);
    }
    t->last = progress->ahead_bytes > 0;
    free(metrics);
    return false;
}

static void expect_truth(const telling *t)
{
    const size_t width = kpu_metric_count();
    size_t wrong = 0;
    CU_ASSERT(t->told.count > 0);
    for (size_t i = 0; i < t->told.count; i++) {
        size_t n = 0;
        while (n < t->rows.count && t->rows.points[n].index != t->told.points[i].index)
            n++;
        wrong +=
            n == t->rows.count || memcmp(t->rows.metrics + n * width, t->told.metrics + i * width,
                                         width * sizeof *t->rows.metrics) != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(t->late, 0);
    CU_ASSERT_FALSE(t->last);
}

/* Some milliseconds each: a unit of them takes longer than it is from progress to progress. */
static void test_slow_ones_are_told(void)
{
    static const char *const searches[] = {"exhaustive", "random"};
    kpu_space *space = must_make_space("[sweep]\nname = t\nmachines = default\n"
                                       "[workload]\ngemms = a:2048x2048x2048\n"
                                       "[space]\nTM = 16..64 +16\nTN = 32, 64\nTK = 32..64 +16\n"
                                       "dataflow = os, ws\n");
    for (size_t i = 0; i < sizeof searches / sizeof *searches; i++) {
        const kpu_search_settings settings = settings_of(searches[i], 48, 1);
        telling t = {0};
        const kpu_search_options options = {.settings = &settings,
                                            .threads = 2,
                                            .sink = keep_rows,
                                            .sink_context = &t.rows,
                                            .progress = listen,
                                            .progress_context = &t,
                                            .plain_walk = true};
        CU_ASSERT_EQUAL(kpu_search_run(space, &options, &t.rows.summary, NULL), KPU_OK);
        expect_truth(&t);
        found_fini(&t.rows);
        found_fini(&t.told);
    }
    kpu_space_free(space);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"what is known is not evaluated", test_what_is_known_is_not_evaluated},
        {"damage is refused", test_damage_is_refused},
        {"slow ones are told", test_slow_ones_are_told},
        CU_TEST_INFO_NULL,
    };
    return run_suite("ahead", tests);
}
