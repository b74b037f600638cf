/* kpu/explorer.h: runs that go on where others stopped, parts of runs, which rows are kept, what a
 * run is. What holds for every space, tests/property/test_resume.c tries. */
#include "search_fixture.h"

#include <math.h>

#define GEMMS "[workload]\ngemms = a:24x40x16, b:16x64x48, c:36x18x20\n"
#define AXES                                                                                       \
    "[space]\nTM = 4, 8, 12\nTN = 8, 16\nTK = 8, 16\nd3 = 1, 3/2/1\ndataflow = os, ws, is\n"
#define RULE "[constraints]\nsome = TM*TN != 64 or dataflow == ws\n"

/* A sweep with lines of its own in [sweep] and [search]. */
static kpu_space *make_with(const char *sweep_lines, const char *search_lines, kpu_diag *diag)
{
    char text[4096];
    snprintf(text, sizeof text,
             "[sweep]\nname = t\nmachines = minimal, edge-ai\n%s[search]\n%s" GEMMS AXES RULE,
             sweep_lines, search_lines);
    return make_space(text, diag);
}

static kpu_space *must_make_with(const char *sweep_lines, const char *search_lines)
{
    kpu_diag diag = {0};
    kpu_space *space = make_with(sweep_lines, search_lines, &diag);
    show_unexpected(&diag);
    kpu_diag_fini(&diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(space);
    return space;
}

/* ---- [sweep] store ------------------------------------------------------------------------ */

static void expect_keep(const char *lines, kpu_keep_kind kind, int64_t count)
{
    kpu_space *space = must_make_with(lines, "");
    CU_ASSERT(kpu_space_keep(space).kind == kind && kpu_space_keep(space).count == count);
    kpu_space_free(space);
}

static void test_store(void)
{
    expect_keep("", KPU_KEEP_ALL, 0);
    expect_keep("store = all\n", KPU_KEEP_ALL, 0);
    expect_keep("store = front\n", KPU_KEEP_FRONT, 0);
    expect_keep("store = top 1\n", KPU_KEEP_TOP, 1);
    expect_keep("store = top  100\n", KPU_KEEP_TOP, 100);
    expect_keep("store = sample 1000000000\n", KPU_KEEP_SAMPLE, 1000000000);
}

static void expect_store_complaint(const char *value, const char *search, int64_t column,
                                   const char *part)
{
    char line[128];
    kpu_diag diag = {0};
    snprintf(line, sizeof line, "store = %s\n", value);
    kpu_space *space = make_with(line, search, &diag);
    CU_ASSERT_PTR_NULL(space);
    CU_ASSERT_EQUAL(diag.count, 1);
    CU_ASSERT(has_complaint(&diag, 4, column, part));
    kpu_space_free(space);
    kpu_diag_fini(&diag);
}

static void test_store_complaints(void)
{
    expect_store_complaint("frnt", "", 9, "did you mean 'front'?");
    expect_store_complaint("everything", "", 9, "expected all, front, top N or sample N");
    expect_store_complaint("fron", "", 9, "no choice of rows");
    expect_store_complaint("top", "", 9, "expected top N");
    expect_store_complaint("sample", "", 9, "expected sample N");
    expect_store_complaint("top ten", "", 13, "whole number from 1 to 1000000000");
    expect_store_complaint("top 0", "", 13, "too small");
    expect_store_complaint("top 1000000001", "", 13, "too large");
    expect_store_complaint("sample -1", "", 16, "whole number");
    expect_store_complaint("top 1 2", "", 13, "whole number");
    expect_store_complaint("front 5", "", 15, "nothing may follow 'front'");
    expect_store_complaint("all of them", "", 13, "nothing may follow 'all'");
    expect_store_complaint("top 5", "method = exact\n", 9, "gives the fronts alone");
    expect_store_complaint("sample 5", "method = exact\n", 9, "gives the fronts alone");
}

/* Nobody knows how many rows will come: no memory is taken beforehand. */
static void test_a_selection_is_empty_at_first(void)
{
    kpu_space *space = must_make_with("", "");
    for (int kind = KPU_KEEP_FRONT; kind <= KPU_KEEP_SAMPLE; kind++) {
        const kpu_keep keep = {(kpu_keep_kind)kind, INT64_C(1000000000)};
        int64_t *numbers = NULL;
        size_t count = 1;
        kpu_selection *selection = kpu_selection_new(space, keep);
        CU_ASSERT_PTR_NOT_NULL_FATAL(selection);
        CU_ASSERT_EQUAL(kpu_selection_list(selection, &numbers, &count), KPU_OK);
        CU_ASSERT(count == 0 && numbers != NULL);
        free(numbers);
        kpu_selection_free(selection);
    }
    kpu_selection_free(NULL);
    kpu_space_free(space);
}

/* Every candidate has the same chance: over many seeds each is drawn about as often. */
static void test_a_sample_is_fair(void)
{
    enum { IDS = 50, DRAWN = 10, SEEDS = 2000 };
    kpu_metric_value *metrics = calloc(kpu_metric_count(), sizeof *metrics);
    int64_t hits[IDS] = {0};
    double chi = 0;
    for (int seed = 0; seed < SEEDS && metrics; seed++) {
        char line[32];
        int64_t *numbers = NULL;
        size_t count = 0;
        bool accepted;
        snprintf(line, sizeof line, "seed = %d\n", seed);
        kpu_space *space = must_make_with(line, "");
        kpu_selection *s = kpu_selection_new(space, (kpu_keep){KPU_KEEP_SAMPLE, DRAWN});
        for (int64_t i = 0; i < IDS; i++) {
            const kpu_row row = {.point = {.index = i}, .metrics = metrics};
            CU_ASSERT_EQUAL(kpu_selection_offer(s, &row, i, &accepted), KPU_OK);
            CU_ASSERT(accepted || i >= DRAWN);
        }
        CU_ASSERT_EQUAL(kpu_selection_list(s, &numbers, &count), KPU_OK);
        CU_ASSERT_EQUAL(count, DRAWN);
        for (size_t i = 0; i < count; i++)
            hits[numbers[i]]++;
        free(numbers);
        kpu_selection_free(s);
        kpu_space_free(space);
    }
    const double mean = (double)SEEDS * DRAWN / IDS;
    for (int i = 0; i < IDS; i++)
        chi += pow((double)hits[i] - mean, 2) / (mean * (1 - (double)DRAWN / IDS));
    CU_ASSERT(chi < 85); /* about 49 degrees of freedom: one in a thousand is beyond */
    free(metrics);
}

/* ---- Identity ----------------------------------------------------------------------------- */

static const char *const part_names[KPU_IDENTITY_PARTS] = {
    "model", "machines", "workloads", "axes",       "constraints", "sample",
    "seed",  "search",   "budget",    "population", "objectives",  "store"};

static kpu_identity identity_of(const char *text)
{
    kpu_identity identity = {0};
    kpu_space *space = must_make_space(text);
    CU_ASSERT_EQUAL(kpu_space_identity(space, &identity), KPU_OK);
    kpu_space_free(space);
    return identity;
}

static void expect_well_formed(const kpu_identity *identity)
{
    for (size_t i = 0; i < KPU_IDENTITY_PARTS; i++) {
        const kpu_identity_part *part = &identity->part[i];
        CU_ASSERT_STRING_EQUAL(part->name, part_names[i]);
        CU_ASSERT(strncmp(part->meaning, "the ", 4) == 0);
        CU_ASSERT(strlen(part->value) > 0 && strlen(part->value) < sizeof part->value);
        CU_ASSERT_PTR_NULL(strpbrk(part->value, " \t\n"));
    }
}

/* The sweep with one text replaced by another differs in this part alone; NULL: in none. */
static void expect_differs(const char *what, const char *by, const char *part_name)
{
    static const char sweep[] =
        "[sweep]\nname = t\nmachines = minimal, edge-ai\nseed = 3\nsample = 50\nstore = all\n"
        "objectives = cycles, dram_bytes\n" GEMMS "[machine_axes]\nl2.bank_kib = 1, 16\n"
        "dram.channels = 1, 2\n" AXES RULE "[search]\nmethod = exhaustive\n";
    char text[4096];
    const char *at = strstr(sweep, what);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    size_t before = at ? (size_t)(at - sweep) : 0;
    snprintf(text, sizeof text, "%.*s%s%s", (int)before, sweep, by, at + strlen(what));
    kpu_identity first = identity_of(sweep), second = identity_of(text);
    expect_well_formed(&second);
    for (size_t i = 0; i < KPU_IDENTITY_PARTS; i++) {
        bool differs = strcmp(first.part[i].value, second.part[i].value) != 0;
        bool has_to = part_name && strcmp(first.part[i].name, part_name) == 0;
        CU_ASSERT_EQUAL(differs, has_to);
        if (differs != has_to)
            printf("%s by %s: %s\n", what, by, first.part[i].name);
    }
}

static void test_identity_says_what_differs(void)
{
    expect_differs("name = t", "name = another", NULL);
    expect_differs("some =", "; a comment\nany =", NULL);
    expect_differs("TM = 4, 8, 12", "TM = 4..12 +4", NULL);
    expect_differs("seed = 3", "seed = 4", "seed");
    expect_differs("sample = 50", "sample = 51", "sample");
    expect_differs("sample = 50", "sample = 0", "sample");
    expect_differs("store = all", "store = front", "store");
    expect_differs("store = all", "store = top 7", "store");
    expect_differs("cycles, dram_bytes", "dram_bytes, cycles", "objectives");
    expect_differs("a:24x40x16", "z:24x40x16", "workloads");
    expect_differs("a:24x40x16", "a:24x40x16 x2", "workloads");
    expect_differs("a:24x40x16", "a:24x40x17", "workloads");
    expect_differs("TM = 4, 8, 12", "TM = 4, 12, 8", "axes");
    expect_differs("d3 = 1,", "d3 = 2,", "axes");
    expect_differs("TM*TN != 64", "TM*TN != 65", "constraints");
    expect_differs("method = exhaustive", "method = exhaustive\nnsga2_population = 7",
                   "population");
}

/* Machine axes are axes, and machines too: their variants are what is timed. */
static void test_identity_of_machines(void)
{
    static const char format[] =
        "[sweep]\nname = t\nmachines = %s\n" GEMMS "[machine_axes]\nl2.bank_kib = %s\n" AXES;
    static const char *const machines[] = {"minimal, edge-ai", "edge-ai, minimal", "minimal",
                                           "minimal, edge-ai"};
    static const char *const values[] = {"1, 16", "1, 16", "1, 16", "16, 1"};
    kpu_identity of[4];
    for (size_t i = 0; i < 4; i++) {
        char text[2048];
        snprintf(text, sizeof text, format, machines[i], values[i]);
        of[i] = identity_of(text);
        for (size_t j = 0; j < i; j++)
            CU_ASSERT_STRING_NOT_EQUAL(of[i].part[1].value, of[j].part[1].value);
    }
    CU_ASSERT_STRING_EQUAL(of[0].part[3].value, of[1].part[3].value);
    CU_ASSERT_STRING_NOT_EQUAL(of[0].part[3].value, of[3].part[3].value);
}

static void test_identity_of_searches(void)
{
    static const struct {
        const char *search, *values[3]; /* search, budget, population */
    } cases[] = {
        {"method = nsga2\nbudget = 40\n", {"nsga2", "40", "100"}},
        {"method = nsga2\nbudget = 41\nnsga2_population = 8\n", {"nsga2", "41", "8"}},
        {"method = exact\n", {"exact", "0", "100"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kpu_identity identity;
        kpu_space *space = must_make_with("seed = 5\n", cases[i].search);
        CU_ASSERT_EQUAL(kpu_space_identity(space, &identity), KPU_OK);
        expect_well_formed(&identity);
        for (size_t v = 0; v < 3; v++)
            CU_ASSERT_STRING_EQUAL(identity.part[7 + v].value, cases[i].values[v]);
        CU_ASSERT_STRING_EQUAL(identity.part[0].value, KPU_MODEL_VERSION);
        CU_ASSERT_STRING_EQUAL(identity.part[6].value, "5");
        CU_ASSERT_STRING_EQUAL(identity.part[10].value, "cycles,energy_pj,dram_bytes");
        CU_ASSERT_STRING_EQUAL(identity.part[11].value, "all");
        kpu_space_free(space);
    }
}

/* Names that do not fit are hashed. */
static void test_identity_of_many_objectives(void)
{
    kpu_identity few, many;
    kpu_space *space = must_make_with("store = sample 12\nobjectives = cycles, energy_pj\n", "");
    CU_ASSERT_EQUAL(kpu_space_identity(space, &few), KPU_OK);
    kpu_space_free(space);
    space = must_make_with("objectives = cycles, energy_pj, dram_bytes, footprint_bytes, "
                           "footprint_l3_bytes, footprint_l2_bytes\n",
                           "");
    CU_ASSERT_EQUAL(kpu_space_identity(space, &many), KPU_OK);
    kpu_space_free(space);
    CU_ASSERT_STRING_EQUAL(few.part[10].value, "cycles,energy_pj");
    CU_ASSERT_STRING_EQUAL(few.part[11].value, "sample-12");
    CU_ASSERT_EQUAL(strlen(many.part[10].value), 32);
    CU_ASSERT_PTR_NULL(strchr(many.part[10].value, ','));
}

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
        {"store", test_store},
        {"store: complaints", test_store_complaints},
        {"a selection is empty at first", test_a_selection_is_empty_at_first},
        {"a sample is fair", test_a_sample_is_fair},
        {"identity says what differs", test_identity_says_what_differs},
        {"identity of machines", test_identity_of_machines},
        {"identity of searches", test_identity_of_searches},
        {"identity of many objectives", test_identity_of_many_objectives},
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
