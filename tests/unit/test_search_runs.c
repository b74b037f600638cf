/* kpu/explorer.h: parts of runs, and runs that go on where others stopped. What holds for every
 * space, tests/property/test_resume.c tries. */
#include "sweep_fixture.h"

/* ---- Parts -------------------------------------------------------------------------------- */

static void expect_refused(const kpu_space *space, const kpu_search_options *options,
                           const char *part)
{
    kpu_diag diag = {0};
    kpu_search_progress summary;
    CU_ASSERT_EQUAL(kpu_search_run(space, options, &summary, &diag), KPU_E_USAGE);
    CU_ASSERT(has_complaint(&diag, 0, 0, part));
    CU_ASSERT_EQUAL(diag.count, 1);
    kpu_diag_fini(&diag);
}

static int drop_text(void *context, const char *text, size_t bytes, kpu_diag *diag)
{
    (void)context;
    (void)text;
    (void)bytes;
    (void)diag;
    return KPU_OK;
}

static void test_parts_that_there_are_not(void)
{
    kpu_space *space = must_make_with("", "");
    const kpu_search_settings nsga2 = settings_of("nsga2", 10, 1);
    const kpu_search_settings exact = settings_of("exact", 0, 1), some = settings_of("exact", 9, 1);
    expect_refused(space, &(kpu_search_options){.settings = &nsga2, .shard = {0, 2}}, "mpirun");
    expect_refused(
        space, &(kpu_search_options){.settings = &exact, .shard = {1, 2}, .certificate = drop_text},
        "certificate");
    expect_refused(space, &(kpu_search_options){.settings = &some, .shard = {1, 2}}, "budget");
    expect_refused(space, &(kpu_search_options){.shard = {2, 2}}, "no part 2 of 2");
    expect_refused(space, &(kpu_search_options){.shard = {-1, 2}}, "no part -1 of 2");
    expect_refused(space, &(kpu_search_options){.shard = {1, 0}}, "no part 1 of 0");
    expect_refused(space, &(kpu_search_options){.shard = {0, -1}}, "1 to 1000000 parts");
    expect_refused(space, &(kpu_search_options){.shard = {0, 1000001}}, "1 to 1000000 parts");
    kpu_space_free(space);
}

/* One part of one is the whole, of every search. */
static void test_one_part_is_the_whole(void)
{
    kpu_space *space = must_make_with("", "");
    for (size_t i = 0; i < kpu_search_count(); i++) {
        const kpu_search_settings settings = settings_of(kpu_search_at(i)->name, 50, 1);
        found whole = {0}, part = {0};
        search(space, &settings, 2, &whole);
        const kpu_search_options options = {
            .settings = &settings, .sink = keep_rows, .sink_context = &part, .shard = {0, 1}};
        CU_ASSERT_EQUAL(kpu_search_run(space, &options, &part.summary, NULL), KPU_OK);
        CU_ASSERT(whole.count == part.count &&
                  memcmp(whole.points, part.points, part.count * sizeof *part.points) == 0);
        found_fini(&whole);
        found_fini(&part);
    }
    kpu_space_free(space);
}

static void test_blocks(void)
{
    static const struct {
        const char *sweep, *search;
        int64_t shards, block;
    } cases[] = {
        {"", "", 1, 16},
        {"", "", 1000000, 16},
        {"sample = 300\n", "", 2, 16},
        {"", "method = random\nbudget = 10000000000\n", 0, 16}, /* of 432 points */
        {"", "method = exact\n", 3, 1},
        {"", "method = nsga2\nbudget = 100\n", 1, 16},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kpu_space *space = must_make_with(cases[i].sweep, cases[i].search);
        CU_ASSERT_EQUAL(kpu_shard_block(space, cases[i].shards), cases[i].block);
        kpu_space_free(space);
    }
    kpu_space *large = must_make_space("[sweep]\nname = t\nmachines = minimal\n"
                                       "[workload]\ngemms = a:64x64x64\n"
                                       "[space]\nTM = 1..1000\nTN = 1..1000\nTK = 1..1000\n");
    CU_ASSERT_EQUAL(kpu_shard_block(large, 1), 65536);
    CU_ASSERT_EQUAL(kpu_shard_block(large, 1000), 15632); /* 10^9 / 64,000, up to a multiple */
    CU_ASSERT_EQUAL(kpu_shard_block(large, 1000000), 16);
    kpu_space_free(large);
}

/* ---- Earlier runs ------------------------------------------------------------------------- */

/* An earlier run, to be told wrongly. */
typedef struct earlier {
    const found *rows;
    int64_t wrong;   /* row that is told with the id of the next one; -1: none */
    int64_t fails;   /* row that cannot be read; -1: none */
    int64_t outside; /* row with this id instead, if wrong < 0 */
    int64_t asked;
} earlier;

static int read_earlier(void *context, int64_t n, int64_t *id, kpu_metric_value *metrics,
                        kpu_diag *diag)
{
    earlier *e = context;
    size_t width = kpu_metric_count();
    CU_ASSERT_EQUAL(n, e->asked++); /* once each, in their order */
    if (n == e->fails)
        return kpu_diag_add(diag, KPU_E_IO, "the disk is gone");
    *id = e->rows->points[n].index + (n == e->wrong);
    if (e->outside != 0)
        *id = e->outside;
    memcpy(metrics, e->rows->metrics + (size_t)n * width, width * sizeof *metrics);
    return KPU_OK;
}

static void expect_past(const kpu_space *space, kpu_search_past past, int code, const char *part)
{
    kpu_diag diag = {0};
    kpu_search_progress summary;
    const kpu_search_options options = {.past = &past};
    past.read = read_earlier;
    CU_ASSERT_EQUAL(kpu_search_run(space, &options, &summary, &diag), code);
    CU_ASSERT(has_complaint(&diag, 0, 0, part));
    CU_ASSERT_EQUAL(diag.count, 1);
    kpu_diag_fini(&diag);
}

static void test_a_past_of_another_search(void)
{
    static const char *const searches[] = {"method = random\nbudget = 60\n",
                                           "method = low-discrepancy\nbudget = 60\n",
                                           "method = nsga2\nbudget = 60\n"};
    for (size_t i = 0; i < sizeof searches / sizeof *searches; i++) {
        kpu_space *space = must_make_with("", searches[i]);
        found all = {0};
        search(space, NULL, 1, &all);
        CU_ASSERT_EQUAL(all.count, 60);
        earlier e = {.rows = &all, .wrong = 7, .fails = -1};
        expect_past(space, (kpu_search_past){.count = 20, .context = &e}, KPU_E_INPUT,
                    "row 7 of the earlier run is of point");
        e = (earlier){.rows = &all, .wrong = -1, .fails = 9};
        expect_past(space, (kpu_search_past){.count = 20, .context = &e}, KPU_E_IO, "the disk");
        found_fini(&all);
        kpu_space_free(space);
    }
}

static void test_a_past_with_too_many_rows(void)
{
    kpu_space *longer = must_make_with("", "method = random\nbudget = 61\n");
    kpu_space *space = must_make_with("", "method = random\nbudget = 60\n");
    found all = {0};
    search(longer, NULL, 1, &all);
    earlier e = {.rows = &all, .wrong = -1, .fails = -1};
    expect_past(space, (kpu_search_past){.count = 61, .context = &e}, KPU_E_INPUT,
                "the earlier run has 61 rows, where this search evaluates 60");
    found_fini(&all);
    kpu_space_free(space);
    kpu_space_free(longer);
}

static void test_a_past_that_cannot_be(void)
{
    kpu_space *space = must_make_with("", "");
    int64_t size = kpu_space_run_size(space);
    found all = {0};
    search(space, NULL, 1, &all);
    const kpu_search_past bad[] = {
        {.points = size + 1},
        {.points = -1},
        {.points = 4, .evaluations = 5},
        {.points = 4, .evaluations = 3, .feasible = 4},
        {.points = 4, .evaluations = 3, .count = 4},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_past(space, bad[i], KPU_E_INPUT, "the earlier run has looked at");
    const int64_t outside[] = {size, -5};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        earlier e = {.rows = &all, .wrong = -1, .fails = -1, .outside = outside[i]};
        expect_past(space,
                    (kpu_search_past){.count = 2, .points = 5, .evaluations = 2, .context = &e},
                    KPU_E_INPUT, "no candidate of this space");
    }
    found_fini(&all);
    kpu_space_free(space);
}

/* A run that had ended says the same once more, and evaluates nothing. */
static void test_a_past_that_is_complete(void)
{
    for (size_t i = 0; i < kpu_search_count(); i++) {
        kpu_space *space = must_make_with("", "");
        const kpu_search_settings settings = settings_of(kpu_search_at(i)->name, 70, 1);
        found all = {0}, none = {0};
        search(space, &settings, 1, &all);
        earlier e = {.rows = &all, .wrong = -1, .fails = -1};
        const kpu_search_past past = {.count = (int64_t)all.count,
                                      .read = read_earlier,
                                      .context = &e,
                                      .points = all.summary.done,
                                      .evaluations = all.summary.evaluations,
                                      .feasible = all.summary.feasible};
        const kpu_search_options options = {
            .settings = &settings, .sink = keep_rows, .sink_context = &none, .past = &past};
        if (!settings.search->only_fronts) {
            CU_ASSERT_EQUAL(kpu_search_run(space, &options, &none.summary, NULL), KPU_OK);
            CU_ASSERT_EQUAL(none.count, 0);
            CU_ASSERT_EQUAL(e.asked, past.count);
            CU_ASSERT_EQUAL(none.summary.evaluations, all.summary.evaluations);
            CU_ASSERT_EQUAL(none.summary.feasible, all.summary.feasible);
            CU_ASSERT(none.summary.hypervolume >= all.summary.hypervolume &&
                      none.summary.hypervolume <= all.summary.hypervolume);
        }
        found_fini(&all);
        found_fini(&none);
        kpu_space_free(space);
    }
}

static int refuse_row(void *context, const kpu_row *row, kpu_diag *diag)
{
    int64_t *left = context;
    (void)row;
    return (*left)-- > 0 ? KPU_OK : kpu_diag_add(diag, KPU_E_IO, "the log is full");
}

static void test_a_log_that_is_full_ends_the_search(void)
{
    kpu_space *space = must_make_with("", "method = exact\n");
    for (int64_t room = 0; room < 20; room++) {
        int64_t left = room;
        found f = {0};
        kpu_diag diag = {0};
        const kpu_search_options options = {
            .sink = keep_rows, .sink_context = &f, .noted = refuse_row, .noted_context = &left};
        CU_ASSERT_EQUAL(kpu_search_run(space, &options, &f.summary, &diag), KPU_E_IO);
        CU_ASSERT(has_complaint(&diag, 0, 0, "the log is full") && diag.count == 1);
        CU_ASSERT(f.count == 0 && left == -1);
        kpu_diag_fini(&diag);
        found_fini(&f);
    }
    kpu_space_free(space);
}

/* Of a refused row nothing is said. */
static int refuse_some(void *context, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    int64_t *left = context;
    (void)rows;
    (void)diag;
    if (*left < (int64_t)count)
        return KPU_E_IO;
    *left -= (int64_t)count;
    return KPU_OK;
}

static void test_refused_rows_do_not_count(void)
{
    kpu_space *space = must_make_with("", "");
    for (int64_t room = 0; room < 200; room += 19) {
        int64_t left = room;
        kpu_search_progress summary;
        const kpu_search_options options = {.sink = refuse_some, .sink_context = &left};
        CU_ASSERT_EQUAL(kpu_search_run(space, &options, &summary, NULL), KPU_E_IO);
        CU_ASSERT_EQUAL(summary.evaluations, room - left);
        CU_ASSERT(summary.done >= summary.evaluations);
    }
    kpu_space_free(space);
}

/* ---- Progress ----------------------------------------------------------------------------- */

typedef struct heard {
    int64_t rows, calls;
    bool holds;
    const kpu_space *space;
    int64_t last; /* place in the run of the last row, + 1 */
} heard;

static int count_rows(void *context, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    heard *h = context;
    (void)diag;
    h->rows += (int64_t)count;
    h->last = count ? rows[count - 1].point.index + 1 : h->last;
    return KPU_OK;
}

static bool compare_counts(void *context, const kpu_search_progress *progress)
{
    heard *h = context;
    kpu_point point;
    h->calls++;
    h->holds &= progress->evaluations == h->rows;
    if (kpu_space_search(h->space)->search->shards != KPU_SHARDS_OF_POINTS)
        return h->calls >= 4;
    for (int64_t n = h->last; n < progress->done; n++) /* all that lies between is excluded */
        h->holds &= !kpu_space_point(h->space, n, &point);
    h->holds &= h->last <= progress->done;
    return h->calls >= 4;
}

/* Whenever there is a report, the rows of what is counted have been handed over. Long searches,
 * which end with the fourth report. */
static void test_reports_are_true(void)
{
    static const char *const searches[] = {"", "method = random\nbudget = 10000000\n",
                                           "method = low-discrepancy\nbudget = 10000000\n",
                                           "method = nsga2\nbudget = 10000000\n"};
    for (size_t i = 0; i < sizeof searches / sizeof *searches; i++) {
        char text[1024];
        snprintf(text, sizeof text,
                 "[sweep]\nname = t\nmachines = default\n[search]\n%s"
                 "[workload]\ngemms = a:128x128x128, b:64x256x64\n[space]\nTM = 8..128 +1\n"
                 "TN = 8..128 +1\nTK = 8..128 +1\nd3 = 1..3\nd2 = 1..3\n"
                 "[constraints]\nodd = TM %% 2 == 0 or TN %% 3 > 0\n",
                 searches[i]);
        heard h = {.holds = true, .space = must_make_space(text)};
        kpu_search_progress summary;
        const kpu_search_options options = {.threads = 2,
                                            .sink = count_rows,
                                            .sink_context = &h,
                                            .progress = compare_counts,
                                            .progress_context = &h};
        CU_ASSERT_EQUAL(kpu_search_run(h.space, &options, &summary, NULL), KPU_E_INTERRUPTED);
        CU_ASSERT(h.holds && h.calls >= 4 && h.rows > 0);
        CU_ASSERT_EQUAL(summary.evaluations, h.rows);
        kpu_space_free((kpu_space *)h.space);
    }
}

static void test_what_a_past_has_to_know(void)
{
    static const char *const needed[] = {"feasible",
                                         "reason",
                                         "energy_pj",
                                         "footprint_l3_bytes",
                                         "footprint_l2_bytes",
                                         "footprint_l1_bytes",
                                         "footprint_registers_per_pe"};
    kpu_space *space = must_make_with("objectives = energy_pj\n", "");
    size_t count = 0;
    for (size_t m = 0; m < kpu_metric_count(); m++)
        count += kpu_search_needs(space, m);
    CU_ASSERT_EQUAL(count, sizeof needed / sizeof *needed);
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        CU_ASSERT(kpu_search_needs(space, (size_t)kpu_metric_find(needed[i])));
    kpu_space_free(space);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"parts that there are not", test_parts_that_there_are_not},
        {"one part is the whole", test_one_part_is_the_whole},
        {"blocks", test_blocks},
        {"a past of another search", test_a_past_of_another_search},
        {"a past with too many rows", test_a_past_with_too_many_rows},
        {"a past that cannot be", test_a_past_that_cannot_be},
        {"a past that is complete", test_a_past_that_is_complete},
        {"a log that is full ends the search", test_a_log_that_is_full_ends_the_search},
        {"refused rows do not count", test_refused_rows_do_not_count},
        {"reports are true", test_reports_are_true},
        {"what a past has to know", test_what_a_past_has_to_know},
        CU_TEST_INFO_NULL,
    };
    return run_suite("search runs", tests);
}
