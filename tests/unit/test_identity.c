/* kpu/explorer.h: which rows are kept, and what a run is. */
#include "sweep_fixture.h"

#include <math.h>

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
        CU_TEST_INFO_NULL,
    };
    return run_suite("identity", tests);
}
