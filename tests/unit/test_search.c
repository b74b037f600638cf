/* kpu/explorer.h, searches: what every row of the table promises. */
#include "search_fixture.h"

#include <ctype.h>
#include <math.h>

/* Machines with an axis, GEMMs whose axes differ in length, and every outcome: excluded, does not
 * fit, fits. A maximised objective. */
static const char mixed[] =
    "[sweep]\nname = t\nmachines = minimal, edge-ai\nobjectives = cycles, dram_bytes, utilisation\n"
    "[workload]\ngemms = a:24x40x16, b:1x64x48, c:36x18x20\n"
    "[machine_axes]\nl2.bank_kib = 1, 16\n"
    "[space]\nTM = divisors, 4096\nTN = 8, 16\nTK = 8, 16\nBM = 0, 16\nd3 = 1, 3/2/1\n"
    "dataflow = os, ws, is\nresidency = auto, 0-0/0-0/0-0\n"
    "[constraints]\nsome = TM*TN != 64 or dataflow == ws\n";
/* Constraints leave one point in about 250. */
static const char sparse[] =
    "[sweep]\nname = t\nmachines = minimal\nobjectives = cycles, dram_bytes\n"
    "[workload]\ngemms = a:24x40x16, b:8x8x8\n[space]\nTM = 1..40\nTN = 1..40\nTK = 1..16\n"
    "[constraints]\nfew = (TM + 7*TN + 3*TK) % 250 == 0\n";
/* A trade-off between cycles and bytes, large enough that chance does not find it. */
static const char wide[] =
    "[sweep]\nname = t\nmachines = default\nobjectives = cycles, dram_bytes\n"
    "[workload]\ngemms = a:128x128x128, b:64x256x64\n"
    "[space]\nTM = 8..128 +8\nTN = 8..128 +8\nTK = 8..128 +8\ndataflow = os, ws, is\nswap = 0, 1\n"
    "d3 = 1..3\nd2 = 1..3\n";

static const uint64_t seed = 1;

/* ---- The table --------------------------------------------------------------------------- */

static void test_the_table_is_well_formed(void)
{
    CU_ASSERT(kpu_search_count() > 0);
    CU_ASSERT_PTR_NULL(kpu_search_at(kpu_search_count()));
    CU_ASSERT_PTR_NULL(kpu_search_find("none"));
    for (size_t i = 0; i < kpu_search_count(); i++) {
        const kpu_search *s = kpu_search_at(i);
        CU_ASSERT_PTR_EQUAL(kpu_search_find(s->name), s); /* no name twice */
        CU_ASSERT(strlen(s->name) > 0 && strlen(s->summary) > 0);
        for (const char *c = s->name; *c; c++)
            CU_ASSERT(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '-');
        CU_ASSERT_PTR_NULL(strchr(s->summary, '\n'));
        CU_ASSERT_PTR_NOT_NULL(s->run);
    }
}

static int by_index(const void *first, const void *second)
{
    const kpu_point *a = first, *b = second;
    return (a->index > b->index) - (a->index < b->index);
}

static void expect_no_point_twice(const found *f)
{
    kpu_point *sorted = calloc(f->count + 1, sizeof *sorted);
    CU_ASSERT_PTR_NOT_NULL_FATAL(sorted);
    if (!sorted)
        return;
    memcpy(sorted, f->points, f->count * sizeof *sorted);
    qsort(sorted, f->count, sizeof *sorted, by_index);
    for (size_t i = 1; i < f->count; i++)
        CU_ASSERT_NOT_EQUAL(sorted[i].index, sorted[i - 1].index);
    free(sorted);
}

static bool same_rows(const found *a, const found *b)
{
    size_t width = kpu_metric_count();
    return a->count == b->count &&
           memcmp(a->points, b->points, a->count * sizeof *a->points) == 0 &&
           memcmp(a->metrics, b->metrics, a->count * width * sizeof *a->metrics) == 0;
}

/* Every row is the one that looking at all points finds there. */
static void expect_rows_of(const found *all, const found *some)
{
    size_t width = kpu_metric_count();
    for (size_t i = 0; i < some->count; i++) {
        const kpu_point *there =
            bsearch(&some->points[i], all->points, all->count, sizeof *all->points, by_index);
        CU_ASSERT_PTR_NOT_NULL_FATAL(there);
        size_t at = there ? (size_t)(there - all->points) : 0;
        CU_ASSERT_EQUAL(memcmp(there, &some->points[i], sizeof *there), 0);
        CU_ASSERT_EQUAL(memcmp(all->metrics + at * width, some->metrics + i * width,
                               width * sizeof *all->metrics),
                        0);
    }
}

static void expect_counts(const found *f, const kpu_search_settings *settings)
{
    int64_t feasible = 0;
    for (size_t i = 0; i < f->count; i++)
        feasible += f->metrics[i * kpu_metric_count() + (size_t)kpu_metric_find("feasible")].i;
    CU_ASSERT(settings->budget == 0 || f->summary.evaluations <= settings->budget);
    CU_ASSERT(f->summary.evaluations >= (int64_t)f->count);
    CU_ASSERT(f->summary.feasible >= feasible);
    CU_ASSERT(isfinite(f->summary.hypervolume));
    CU_ASSERT_EQUAL(f->summary.hypervolume > 0, f->summary.feasible > 0);
    if (settings->search->budget == KPU_SEARCH_NEEDS) { /* it hands over all that it evaluates */
        CU_ASSERT_EQUAL(f->summary.evaluations, (int64_t)f->count);
        CU_ASSERT_EQUAL(f->summary.feasible, feasible);
        CU_ASSERT_EQUAL(f->summary.done, f->summary.total);
    }
}

static void expect_promises(const kpu_space *space, const found *all, const char *name)
{
    static const int64_t budgets[] = {1, 7, 300, 1100};
    for (size_t b = 0; b < sizeof budgets / sizeof *budgets; b++) {
        const kpu_search_settings settings = settings_of(name, budgets[b], seed);
        found one = {0};
        search(space, &settings, 1, &one);
        CU_ASSERT_EQUAL(one.code, KPU_OK);
        expect_counts(&one, &settings);
        expect_no_point_twice(&one);
        expect_rows_of(all, &one);
        if (settings.search->budget == KPU_SEARCH_NEEDS)
            CU_ASSERT_EQUAL((int64_t)one.count,
                            budgets[b] < (int64_t)all->count ? budgets[b] : (int64_t)all->count);
        for (int threads = 2; threads <= 3; threads++) {
            found other = {0};
            search(space, &settings, threads, &other);
            CU_ASSERT_EQUAL(other.code, KPU_OK);
            CU_ASSERT(same_rows(&one, &other));
            CU_ASSERT_EQUAL(memcmp(&one.summary.done, &other.summary.done, sizeof(int64_t)), 0);
            CU_ASSERT(one.summary.hypervolume >= other.summary.hypervolume &&
                      one.summary.hypervolume <= other.summary.hypervolume);
            found_fini(&other);
        }
        found_fini(&one);
    }
}

static void expect_promises_of_all(const char *text)
{
    kpu_space *space = must_make_space(text);
    const kpu_search_settings everything = settings_of("exhaustive", 0, seed);
    found all = {0};
    search(space, &everything, 2, &all);
    CU_ASSERT_FATAL(all.code == KPU_OK && all.count > 0);
    for (size_t i = 0; i < kpu_search_count(); i++)
        expect_promises(space, &all, kpu_search_at(i)->name);
    found_fini(&all);
    kpu_space_free(space);
}

static void test_promises(void)
{
    expect_promises_of_all(mixed);
}

static void test_promises_when_most_is_excluded(void)
{
    expect_promises_of_all(sparse);
}

/* A budget beyond the space: everything is evaluated, once. */
static void test_a_budget_for_everything(void)
{
    kpu_space *space = must_make_space(mixed);
    const kpu_search_settings everything = settings_of("exhaustive", 0, seed);
    found all = {0};
    search(space, &everything, 2, &all);
    for (size_t i = 0; i < kpu_search_count(); i++) {
        kpu_search_settings settings = settings_of(kpu_search_at(i)->name, 1000000, seed);
        found f = {0};
        if (settings.search->budget != KPU_SEARCH_NEEDS)
            continue;
        search(space, &settings, 2, &f);
        CU_ASSERT_EQUAL(f.code, KPU_OK);
        CU_ASSERT_EQUAL(f.count, all.count);
        expect_no_point_twice(&f);
        expect_rows_of(&all, &f);
        expect_counts(&f, &settings);
        found_fini(&f);
    }
    found_fini(&all);
    kpu_space_free(space);
}

/* Another seed draws other points, the same one the same. */
static void test_the_seed_decides(void)
{
    kpu_space *space = must_make_space(wide);
    for (size_t i = 0; i < kpu_search_count(); i++) {
        const kpu_search_settings first = settings_of(kpu_search_at(i)->name, 50, 1);
        const kpu_search_settings second = settings_of(kpu_search_at(i)->name, 50, 2);
        found a = {0}, b = {0}, again = {0};
        if (first.search->budget != KPU_SEARCH_NEEDS)
            continue;
        search(space, &first, 2, &a);
        search(space, &second, 2, &b);
        search(space, &first, 2, &again);
        CU_ASSERT(same_rows(&a, &again) && !same_rows(&a, &b));
        found_fini(&a);
        found_fini(&b);
        found_fini(&again);
    }
    kpu_space_free(space);
}

/* ---- Stopping, and what is heard meanwhile ------------------------------------------------ */

static void test_a_stop_delivers_a_prefix(void)
{
    kpu_space *space = must_make_space(wide);
    for (size_t i = 0; i < kpu_search_count(); i++) {
        const kpu_search_settings settings = settings_of(kpu_search_at(i)->name, 1500, seed);
        found all = {0}, some = {.stop_after = 1};
        if (settings.search->budget != KPU_SEARCH_NEEDS)
            continue;
        search(space, &settings, 2, &all);
        search(space, &settings, 2, &some);
        CU_ASSERT_EQUAL(some.code, KPU_E_INTERRUPTED);
        CU_ASSERT(some.count > 0 && some.count < all.count);
        CU_ASSERT_EQUAL(some.summary.evaluations, (int64_t)some.count);
        all.count = some.count;
        CU_ASSERT(same_rows(&all, &some));
        found_fini(&all);
        found_fini(&some);
    }
    kpu_space_free(space);
}

static void test_a_stop_before_the_start(void)
{
    kpu_space *space = must_make_space(mixed);
    for (size_t i = 0; i < kpu_search_count(); i++) {
        const kpu_search_settings settings = settings_of(kpu_search_at(i)->name, 10, seed);
        found none = {.stop = 1};
        search(space, &settings, 3, &none);
        CU_ASSERT(none.code == KPU_E_INTERRUPTED && none.count == 0);
        found_fini(&none);
    }
    kpu_space_free(space);
}

typedef struct heard {
    kpu_search_progress last;
    int64_t calls;
    bool ascending;
} heard;

static bool hear(void *context, const kpu_search_progress *progress)
{
    heard *h = context;
    h->ascending &=
        progress->done >= h->last.done && progress->evaluations >= h->last.evaluations &&
        progress->feasible >= h->last.feasible && progress->hypervolume >= h->last.hypervolume;
    h->last = *progress;
    h->calls++;
    return false;
}

static void test_progress(void)
{
    kpu_space *space = must_make_space(mixed);
    for (size_t i = 0; i < kpu_search_count(); i++) {
        const kpu_search_settings settings = settings_of(kpu_search_at(i)->name, 1100, seed);
        heard h = {.ascending = true};
        kpu_search_progress summary;
        const kpu_search_options options = {
            .settings = &settings, .threads = 2, .progress = hear, .progress_context = &h};
        CU_ASSERT_EQUAL(kpu_search_run(space, &options, &summary, NULL), KPU_OK); /* no sink */
        CU_ASSERT(h.calls >= 1 && h.ascending);
        CU_ASSERT_EQUAL(h.last.evaluations, summary.evaluations);
        CU_ASSERT_EQUAL(h.last.done, summary.done);
        CU_ASSERT(h.last.hypervolume >= summary.hypervolume);
    }
    kpu_space_free(space);
}

static int refuse_rows(void *context, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    (void)context;
    (void)rows;
    (void)count;
    (void)diag;
    return KPU_E_IO;
}

static void test_a_failing_sink_ends_the_search(void)
{
    kpu_space *space = must_make_space(mixed);
    for (size_t i = 0; i < kpu_search_count(); i++) {
        const kpu_search_settings settings = settings_of(kpu_search_at(i)->name, 100, seed);
        kpu_search_progress summary;
        const kpu_search_options options = {
            .settings = &settings, .threads = 2, .sink = refuse_rows};
        CU_ASSERT_EQUAL(kpu_search_run(space, &options, &summary, NULL), KPU_E_IO);
    }
    kpu_space_free(space);
}

/* ---- What they are good for --------------------------------------------------------------- */

/* Hypervolume of what was found, per GEMM as a part of the volume up to the same worst point. */
static double volume(const kpu_space *space, const found *f, const double worst[2][2])
{
    static const char *const names[2] = {"cycles", "dram_bytes"};
    double sum = 0;
    for (int64_t g = 0; g < 2; g++) {
        double *values = calloc(2 * f->count + 1, sizeof *values);
        int64_t count = 0;
        CU_ASSERT_PTR_NOT_NULL_FATAL(values);
        for (size_t i = 0; i < f->count && values; i++) {
            const kpu_metric_value *row = f->metrics + i * kpu_metric_count();
            if (f->points[i].gemm != g || !row[kpu_metric_find("feasible")].i)
                continue;
            for (int o = 0; o < 2; o++)
                values[2 * count + o] = (double)row[kpu_metric_find(names[o])].i;
            count++;
        }
        sum += kpu_hypervolume(values, count, 2, worst[g]) / (worst[g][0] * worst[g][1]);
        free(values);
    }
    CU_ASSERT_EQUAL(kpu_space_gemm_count(space), 2);
    return sum;
}

/* Twice the compulsory traffic and cycles, or so: near the front. */
static const double near[2][2] = {{4e4, 8e5}, {2e4, 4e5}};

static void test_nsga2_beats_random(void)
{
    kpu_space *space = must_make_space(wide);
    int better = 0;
    for (uint64_t s = 1; s <= 4; s++) {
        const kpu_search_settings chance = settings_of("random", 1000, s);
        const kpu_search_settings genetic = settings_of("nsga2", 1000, s);
        found a = {0}, b = {0};
        search(space, &chance, 0, &a);
        search(space, &genetic, 0, &b);
        double va = volume(space, &a, near), vb = volume(space, &b, near);
        better += vb > va;
        found_fini(&a);
        found_fini(&b);
    }
    CU_ASSERT_EQUAL(better, 4);
    kpu_space_free(space);
}

/* Of a low-discrepancy sample every value of an axis has its share, within a few. */
static void test_low_discrepancy_is_even(void)
{
    enum { SAMPLE = 512 };
    kpu_space *space = must_make_space(wide);
    const kpu_search_settings settings = settings_of("low-discrepancy", SAMPLE, seed);
    found f = {0};
    int64_t of_tm[17] = {0}, of_flow[KPU_DATAFLOWS] = {0}, of_gemm[2] = {0};
    search(space, &settings, 0, &f);
    for (size_t i = 0; i < f.count; i++) {
        of_tm[f.points[i].candidate.tile[KPU_M] / 8]++;
        of_flow[f.points[i].candidate.dataflow]++;
        of_gemm[f.points[i].gemm]++;
    }
    for (int i = 1; i <= 16; i++)
        CU_ASSERT(llabs(of_tm[i] - SAMPLE / 16) <= 4);
    for (int i = 0; i < KPU_DATAFLOWS; i++)
        CU_ASSERT(llabs(of_flow[i] - SAMPLE / KPU_DATAFLOWS) <= 8);
    CU_ASSERT(llabs(of_gemm[0] - SAMPLE / 2) <= 4);
    found_fini(&f);
    kpu_space_free(space);
}

/* ---- [search] ---------------------------------------------------------------------------- */

static void expect_complaint(const char *sweep, const char *lines, int64_t line, const char *part)
{
    char text[2048];
    kpu_diag diag = {0};
    snprintf(text, sizeof text,
             "[sweep]\nname = t\nmachines = minimal\n%s[workload]\ngemms = a:8x8x8\n"
             "[space]\nTM = 8\nTN = 8\nTK = 1..8\n[search]\n%s",
             sweep, lines);
    kpu_space *space = make_space(text, &diag);
    CU_ASSERT_PTR_NULL(space);
    CU_ASSERT(has_complaint(&diag, line, 0, part));
    CU_ASSERT_EQUAL(diag.count, 1);
    kpu_space_free(space);
    kpu_diag_fini(&diag);
}

static void test_settings(void)
{
    kpu_space *space = must_make_space(mixed);
    CU_ASSERT_STRING_EQUAL(kpu_space_search(space)->search->name, "exhaustive");
    CU_ASSERT_EQUAL(kpu_space_search(space)->budget, 0);
    kpu_space_free(space);
    space = must_make_space("[sweep]\nname = t\nmachines = minimal\nseed = 9\n"
                            "[workload]\ngemms = a:8x8x8\n[space]\nTM = 8\nTN = 8\nTK = 1..8\n"
                            "[search]\nmethod = nsga2\nbudget = 5\nnsga2_population = 4\n");
    const kpu_search_settings *s = kpu_space_search(space);
    CU_ASSERT_STRING_EQUAL(s->search->name, "nsga2");
    CU_ASSERT(s->budget == 5 && s->nsga2_population == 4 && s->seed == 9);
    found f = {0};
    search(space, NULL, 0, &f); /* what the sweep says */
    CU_ASSERT_EQUAL(f.count, 5);
    found_fini(&f);
    kpu_space_free(space);
}

static void test_complaints(void)
{
    expect_complaint("", "method = nsga\nbudget = 5\n", 11, "did you mean 'nsga2'?");
    expect_complaint("", "method = simulated annealing\nbudget = 5\n", 11, "no search 'simulated");
    expect_complaint("", "method = random\n", 11, "budget");
    expect_complaint("", "budget = 5\n", 11, "takes no budget");
    expect_complaint("", "method = exhaustive\nbudget = 5\n", 12, "takes no budget");
    expect_complaint("", "budget = -1\n", 11, "whole number");
    expect_complaint("", "method = nsga2\nbudget = 5\nnsga2_population = 3\n", 13, "from 4 to");
    expect_complaint("sample = 4\n", "method = random\nbudget = 5\n", 4, "takes no sample");
}

static void test_settings_that_do_not_go_together(void)
{
    kpu_space *space = must_make_space(mixed);
    const kpu_search_settings bad[] = {
        {.search = kpu_search_find("random"), .nsga2_population = 4},
        {.search = kpu_search_find("exhaustive"), .budget = 4, .nsga2_population = 4},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        kpu_diag diag = {0};
        kpu_search_progress summary;
        const kpu_search_options options = {.settings = &bad[i]};
        CU_ASSERT_EQUAL(kpu_search_run(space, &options, &summary, &diag), KPU_E_USAGE);
        CU_ASSERT(has_complaint(&diag, 0, 0, "budget"));
        kpu_diag_fini(&diag);
    }
    kpu_space_free(space);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"the table is well formed", test_the_table_is_well_formed},
        {"promises", test_promises},
        {"promises when most is excluded", test_promises_when_most_is_excluded},
        {"a budget for everything", test_a_budget_for_everything},
        {"the seed decides", test_the_seed_decides},
        {"a stop delivers a prefix", test_a_stop_delivers_a_prefix},
        {"a stop before the start", test_a_stop_before_the_start},
        {"progress", test_progress},
        {"a failing sink ends the search", test_a_failing_sink_ends_the_search},
        {"nsga2 beats random", test_nsga2_beats_random},
        {"low-discrepancy is even", test_low_discrepancy_is_even},
        {"settings", test_settings},
        {"complaints", test_complaints},
        {"settings that do not go together", test_settings_that_do_not_go_together},
        CU_TEST_INFO_NULL,
    };
    return run_suite("search", tests);
}
