/* kpu/explorer.h: the space that a sweep spans: axes, numbering, lock step, machine variants,
 * constraints, sampling, and every complaint about them. */
#include "kpu/explorer.h"

#include "config_fixture.h"
#include <sys/stat.h>
#include <unistd.h>

#define GEMM "[workload]\ngemms = one:96x64x32\n"
#define SWEEP "[sweep]\nname = t\nmachines = minimal\n"
#define TILES "TM = 16\nTN = 16\nTK = 16\n"
static const char path[] = KPU_SOURCE_DIR "/sweeps/t.ini";

/* Makes the space of a sweep's text; NULL with the complaints in `diag` (which may be NULL). */
static kpu_space *make(const char *text, kpu_diag *diag)
{
    kpu_ini ini = {0};
    kpu_space *space = NULL;
    if (kpu_ini_parse(path, text, strlen(text), KPU_FILE_SWEEP, &ini, diag) == KPU_OK)
        kpu_space_make(&ini, &space, diag);
    kpu_ini_fini(&ini);
    return space;
}

static kpu_space *must_make(const char *text)
{
    kpu_diag diag = {0};
    kpu_space *space = make(text, &diag);
    show_unexpected(&diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(space);
    CU_ASSERT_EQUAL(diag.count, 0);
    kpu_diag_fini(&diag);
    return space;
}

/* The sweep above with [space] lines of its own. */
static kpu_space *make_axes(const char *lines, kpu_diag *diag)
{
    char text[8192];
    snprintf(text, sizeof text, SWEEP GEMM "[space]\n%s", lines);
    return make(text, diag);
}

static void expect_complaint(const char *lines, int64_t line, int64_t column, const char *part)
{
    kpu_diag diag = {0};
    kpu_space *space = make_axes(lines, &diag);
    CU_ASSERT_PTR_NULL(space);
    CU_ASSERT(has_complaint(&diag, line ? line + 6 : 0, column, part));
    kpu_space_free(space);
    kpu_diag_fini(&diag);
}

/* TM's values are `expected`, in this order. */
static void expect_values(const char *value, const int64_t *expected, int64_t count)
{
    char text[1024];
    kpu_diag diag = {0};
    kpu_point point;
    snprintf(text, sizeof text, "TM = %s\nTN = 16\nTK = 16\n", value);
    kpu_space *space = make_axes(text, &diag);
    show_unexpected(&diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(space);
    CU_ASSERT_EQUAL(kpu_space_raw_size(space), count);
    for (int64_t i = 0; i < count && i < kpu_space_run_size(space); i++) {
        CU_ASSERT(kpu_space_point(space, i, &point));
        CU_ASSERT_EQUAL(point.candidate.tile[KPU_M], expected[i]);
    }
    kpu_space_free(space);
    kpu_diag_fini(&diag);
}
#define VALUES(text, ...)                                                                          \
    expect_values(text, (const int64_t[]){__VA_ARGS__},                                            \
                  (int64_t)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)))

static void test_lists_and_ranges(void)
{
    VALUES("16", 16);
    VALUES("32, 8,16", 32, 8, 16);
    VALUES("16..64 +16", 16, 32, 48, 64);
    VALUES("16..70+16", 16, 32, 48, 64);
    VALUES("16..18", 16, 17, 18);
    VALUES("16..16", 16);
    VALUES("16 .. 128 x2", 16, 32, 64, 128);
    VALUES("16..100x2", 16, 32, 64);
    VALUES("1..81 x 3", 1, 3, 9, 27, 81);
    VALUES("1, 16..32 +16, 7", 1, 16, 32, 7);
    VALUES("divisors", 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 96);
    VALUES("divisors 16..50", 16, 24, 32, 48);
    VALUES("5, divisors 40..1000", 5, 48, 96);
    VALUES("549755813888..1099511627776 x2", INT64_C(549755813888), INT64_C(1099511627776));
}

static void test_complaints_about_values(void)
{
    static const struct {
        const char *value;
        int64_t column; /* within the value */
        const char *part;
    } bad[] = {
        {"0", 1, "TM"},
        {"-4", 1, "TM"},
        {"1e3", 1, "TM"},
        {"4.5", 1, "TM"},
        {"9223372036854775808", 1, "TM"},
        {"x", 1, "TM"},
        {"16..8", 1, "backwards"},
        {"8, 16..8", 4, "backwards"},
        {"0..8", 1, "TM"},
        {"16..", 5, "TM"},
        {"16..64 +0", 9, "step"},
        {"16..64 x1", 8, "x1"},
        {"16..64 x0", 9, "step"},
        {"16..64 +", 9, "step"},
        {"16..64 16", 5, "TM"},
        {"16, 16", 5, "16 stands in the list twice"},
        {"16..64 +16, 48", 13, "48 stands in the list twice"},
        {"1..8, 4..12", 7, "4 stands in the list twice"},
        {"divisors, 48", 11, "48 stands in the list twice for the GEMM one"},
        {"16,,32", 4, "empty entry"},
        {"16,", 4, "empty entry"},
        {"1..1000001", 1, "more than 1000000 values"},
        {"1..1099511627776", 1, "more than 1000000 values"},
        {"divisors 5..5", 1, "M = 96 of the GEMM one has no divisor within 5..5"},
        {"divisors 16", 10, "limits after divisors"},
        {"divisors 64..16", 10, "backwards"},
        {"divisor", 1, "TM"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[1024];
        snprintf(text, sizeof text, "TM = %s\nTN = 16\nTK = 16\n", bad[i].value);
        expect_complaint(text, 1, bad[i].column + 5, bad[i].part);
    }
}

static void test_all_complaints_at_once(void)
{
    kpu_diag diag = {0};
    CU_ASSERT_PTR_NULL(
        make_axes("TM = 0, -1\nTN = 16..8\nTK = 16\nd3 = 1/2\nresidency = 1-0/6-6/6-6\n"
                  "dataflow = os, xs\nd1 = divisors\n[constraints]\nfit = TL < 3\n",
                  &diag));
    CU_ASSERT(has_complaint(&diag, 7, 6, "TM"));
    CU_ASSERT(has_complaint(&diag, 7, 9, "TM"));
    CU_ASSERT(has_complaint(&diag, 8, 6, "backwards"));
    CU_ASSERT(has_complaint(&diag, 10, 6, "three for A, B and C"));
    CU_ASSERT(has_complaint(&diag, 11, 13, "must not exceed"));
    CU_ASSERT(has_complaint(&diag, 12, 16, "xs"));
    CU_ASSERT(has_complaint(&diag, 13, 6, "divisors belong to"));
    CU_ASSERT(has_complaint(&diag, 15, 7, "unknown name 'TL'; did you mean 'TM'?"));
    CU_ASSERT(diag.count >= 8);
    kpu_diag_fini(&diag);
}

static void test_every_field_of_the_candidate(void)
{
    kpu_space *space =
        must_make(SWEEP GEMM "[space]\nTM = 16\nTN = 32\nTK = 8\nBM = 48\nBN = 0\nBK = 16\n"
                             "dataflow = is\nswap = 1\norder = kmn\nd3 = 3/2/1\nd2 = 4\nd1 = 3\n"
                             "control = eddo\neddo_window = 16\nresidency = 3-4/0-6/5-5\n");
    kpu_point p;
    CU_ASSERT_EQUAL(kpu_space_raw_size(space), 1);
    CU_ASSERT(kpu_space_point(space, 0, &p));
    const kpu_candidate expected = {.tile = {16, 32, 8},
                                    .block = {48, 0, 16},
                                    .dataflow = KPU_IS,
                                    .swap = 1,
                                    .order = {KPU_K, KPU_M, KPU_N},
                                    .l3_buffers = {3, 2, 1},
                                    .l2_buffers = {4, 4, 4},
                                    .l1_buffers = 3,
                                    .control = KPU_EDDO,
                                    .eddo_window = 16,
                                    .auto_residency = 0,
                                    .hoist = {{3, 4}, {0, 6}, {5, 5}}};
    CU_ASSERT_EQUAL(memcmp(&p.candidate, &expected, sizeof expected), 0);
    CU_ASSERT_STRING_EQUAL(kpu_space_workload_name(space, 0), "inline");
    kpu_space_free(space);
}

/* What the sweep does not say is what kpu_candidate_defaults says. */
static void test_defaults_agree_with_the_mapping(void)
{
    kpu_space *space = must_make(SWEEP GEMM "[space]\nTM = 1\nTN = 1\nTK = 1\n");
    kpu_candidate expected;
    kpu_point p;
    kpu_candidate_defaults(&expected);
    CU_ASSERT(kpu_space_point(space, 0, &p));
    CU_ASSERT_EQUAL(memcmp(&p.candidate, &expected, sizeof expected), 0);
    CU_ASSERT_STRING_EQUAL(kpu_space_name(space), "t");
    CU_ASSERT_STRING_EQUAL(kpu_space_output(space), "results/t.h5");
    CU_ASSERT_EQUAL(kpu_space_seed(space), 1);
    CU_ASSERT_EQUAL(kpu_space_objective_count(space), 3);
    CU_ASSERT_EQUAL(kpu_space_objective(space, 0), kpu_metric_find("cycles"));
    kpu_space_free(space);
}

/* The words of the key table have the numbers of the model's enumerations. */
static void test_words_agree_with_the_model(void)
{
    kpu_space *space =
        must_make(SWEEP GEMM "[space]\n" TILES "dataflow = os, ws, is\ncontrol = iddo, eddo\n"
                             "[constraints]\na = dataflow != ws\nb = control == iddo\n"
                             "c = order == 'mnk'\n");
    kpu_point p;
    static const bool admitted[] = {true, false, false, false, true, false};
    CU_ASSERT_EQUAL_FATAL(kpu_space_raw_size(space), 6);
    for (int64_t i = 0; i < 6; i++) {
        CU_ASSERT_EQUAL(kpu_space_point(space, i, &p), admitted[i]);
        CU_ASSERT_EQUAL(p.candidate.dataflow, i / 2);
        CU_ASSERT_EQUAL(p.candidate.control, i % 2);
    }
    kpu_space_free(space);
}

/* Machine outermost, then machine axes, then GEMM, then the axes, the last one fastest. */
static void test_numbering(void)
{
    kpu_space *space =
        must_make("[sweep]\nname = t\nmachines = minimal, edge-ai\n"
                  "[workload]\ngemms = a:8x4x4, b:6x4x4 x3\n"
                  "[space]\nTM = divisors 2..6\nTN = 4\nTK = 2, 4\n"
                  "[machine_axes]\nl2.banks = 4, 8\ndma.bytes_per_cycle = 8, 400/3, 12.8\n");
    /* a: TM 2 4; b: TM 2 3 6 */
    CU_ASSERT_EQUAL(kpu_space_machine_count(space), 12);
    CU_ASSERT_EQUAL(kpu_space_gemm_count(space), 2);
    CU_ASSERT_EQUAL_FATAL(kpu_space_raw_size(space), 12 * (2 * 2 + 3 * 2));
    static const int64_t tm[] = {2, 2, 4, 4, 2, 2, 3, 3, 6, 6};
    for (int64_t i = 0; i < kpu_space_raw_size(space); i++) {
        kpu_point p;
        CU_ASSERT(kpu_space_point(space, i, &p));
        CU_ASSERT_EQUAL(p.index, i);
        CU_ASSERT_EQUAL(p.machine, i / 10);
        CU_ASSERT_EQUAL(p.gemm, i % 10 >= 4);
        CU_ASSERT_EQUAL(p.candidate.tile[KPU_M], tm[i % 10]);
        CU_ASSERT_EQUAL(p.candidate.tile[KPU_K], i % 2 ? 4 : 2);
    }
    const kpu_machine *m = kpu_space_machine(space, 6 + 3 + 1); /* edge-ai, 8 banks, 400/3 */
    CU_ASSERT_STRING_EQUAL(m->name, "edge-ai");
    CU_ASSERT_EQUAL(m->l2_banks, 8);
    CU_ASSERT(m->dma_bytes_per_cycle.num == 400 && m->dma_bytes_per_cycle.den == 3);
    CU_ASSERT_EQUAL(kpu_space_machine_axis_count(space), 2);
    CU_ASSERT_STRING_EQUAL(kpu_space_machine_axis(space, 0)->name, "banks");
    CU_ASSERT_EQUAL(kpu_space_machine_axis_value(space, 0, 10), 8);
    CU_ASSERT_DOUBLE_EQUAL(kpu_space_machine_axis_value(space, 1, 10), 400.0 / 3, 1e-12);
    CU_ASSERT_EQUAL(kpu_space_source_count(space), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(kpu_space_source_name(space, 1), "edge-ai.ini"));
    CU_ASSERT_PTR_NOT_NULL(strstr(kpu_space_source_text(space, 1), "[fabric]"));
    kpu_space_free(space);
}

static void test_lockstep(void)
{
    kpu_space *space =
        must_make(SWEEP GEMM "[space]\nTM = 8, 16\nTN = 4, 32\nTK = 1, 2, 3\n"
                             "[lockstep]\nsquare = TM, TN\nmem = l2.banks, l3.tiles\n"
                             "[machine_axes]\nl2.banks = 1, 2\nl3.tiles = 4, 8\n");
    CU_ASSERT_EQUAL(kpu_space_machine_count(space), 2);
    CU_ASSERT_EQUAL(kpu_space_machine(space, 1)->l3_tiles, 8);
    CU_ASSERT_EQUAL(kpu_space_machine(space, 1)->l2_banks, 2);
    CU_ASSERT_EQUAL_FATAL(kpu_space_raw_size(space), 12);
    for (int64_t i = 0; i < 6; i++) {
        kpu_point p;
        CU_ASSERT(kpu_space_point(space, i, &p));
        CU_ASSERT_EQUAL(p.candidate.tile[KPU_M], i < 3 ? 8 : 16);
        CU_ASSERT_EQUAL(p.candidate.tile[KPU_N], i < 3 ? 4 : 32);
        CU_ASSERT_EQUAL(p.candidate.tile[KPU_K], i % 3 + 1);
    }
    kpu_space_free(space);
    expect_complaint("TM = 8, 16\nTN = 1\nTK = 4\n[lockstep]\ns = TM, TN\n", 5, 5,
                     "TM has 2 values, TN has 1 for the GEMM one");
    expect_complaint(TILES "[lockstep]\ns = TM, TX\n", 5, 9, "'TX' is no axis");
    expect_complaint(TILES "[lockstep]\ns = TM\n", 5, 5, "at least two");
    expect_complaint(TILES "[lockstep]\ns = TM, TN\nt = TK, TN\n", 6, 9, "already advances");
    expect_complaint(TILES "[lockstep]\ns = l2.banks, l3.tiles\n", 5, 5, "'l2.banks' is no axis");
}

static void test_machine_axes_complaints(void)
{
    expect_complaint(TILES "[machine_axes]\nl2.bank = 4\n", 5, 0, "l2.bank");
    expect_complaint(TILES "[machine_axes]\nl2.banks = 4, 0\n", 5, 15, "banks");
    expect_complaint(TILES "[machine_axes]\nl2.banks = 4, 4\n", 5, 15, "twice");
    expect_complaint(TILES "[machine_axes]\ndma.bytes_per_cycle = 8, 16/2\n", 5, 26, "twice");
    expect_complaint(TILES "[machine_axes]\ndma.bytes_per_cycle = 8, x\n", 5, 26, "");
    expect_complaint(TILES "[machine_axes]\nfabric.pipelining = none, some\n", 5, 27, "some");
    expect_complaint(TILES "[machine_axes]\ndma.bytes_per_cycle = 8\ndma.gb_per_s = 4\n", 6, 16,
                     "says the same");
    expect_complaint(TILES "[machine_axes]\nl2.banks = 1..1000\nl3.tiles = 1..1000\n", 0, 0,
                     "more than 65536 machines");
}

static void test_constraints(void)
{
    kpu_space *space =
        must_make(SWEEP GEMM "[space]\nTM = 16..96 +16\nTN = 16\nTK = 8\nd3 = 2, 3/2/1\n"
                             "[constraints]\nfit = TM*TN*eA <= l2_bytes and TM <= M/2\n"
                             "even = (TM / 16) % 2 == 0\nbuffers = d3A + d3B + d3C == 6\n"
                             "fabric = R*C > 0 and N == 64 and K == 32 and eP >= eC\n"
                             "whole = BM == 0 or BM % min(TM, M) == 0\n");
    int64_t admitted = 0;
    for (int64_t i = 0; i < kpu_space_run_size(space); i++) {
        kpu_point p;
        if (!kpu_space_point(space, i, &p))
            continue;
        admitted++;
        CU_ASSERT_EQUAL(p.candidate.tile[KPU_M], 32); /* of 32, 64, 96 only 32 is within M/2 */
    }
    CU_ASSERT_EQUAL(admitted, 2); /* both bufferings sum to 6 */
    kpu_space_free(space);
}

static void test_a_sample_is_ascending_and_has_no_doubles(void)
{
    kpu_space *space =
        must_make("[sweep]\nname = t\nmachines = minimal\nsample = 1000\nseed = 7\n" GEMM
                  "[space]\nTM = 1..50\nTN = 1..50\nTK = 1..50\n");
    kpu_space *other =
        must_make("[sweep]\nname = t\nmachines = minimal\nsample = 1000\nseed = 8\n" GEMM
                  "[space]\nTM = 1..50\nTN = 1..50\nTK = 1..50\n");
    CU_ASSERT_EQUAL(kpu_space_raw_size(space), 125000);
    CU_ASSERT_EQUAL_FATAL(kpu_space_run_size(space), 1000);
    int64_t last = -1, sum = 0, differing = 0;
    for (int64_t i = 0; i < 1000; i++) {
        kpu_point p = {0}, q = {0};
        CU_ASSERT(kpu_space_point(space, i, &p) && kpu_space_point(other, i, &q));
        CU_ASSERT(p.index > last && p.index / 125 == i);
        last = p.index;
        sum += p.index % 125;
        differing += p.index != q.index;
    }
    CU_ASSERT(sum > 57000 && sum < 67000); /* 62000 expected, deviation 1140 */
    CU_ASSERT(differing > 900);
    kpu_space_free(space);
    kpu_space_free(other);
    space = must_make("[sweep]\nname = t\nmachines = minimal\nsample = 500\n" GEMM
                      "[space]\nTM = 1..7\nTN = 16\nTK = 16\n");
    CU_ASSERT_EQUAL(kpu_space_run_size(space), 7); /* no more than there are */
    kpu_space_free(space);
}

static void test_an_enormous_space(void)
{
    kpu_diag diag = {0};
    kpu_point p;
    kpu_space *space = make_axes("TM = 1..100000\nTN = 1..100000\nTK = 1..100000\n", &diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(space);
    CU_ASSERT_EQUAL(kpu_space_raw_size(space), INT64_C(1000000000000000));
    CU_ASSERT(kpu_space_point(space, INT64_C(999999999999999), &p));
    CU_ASSERT_EQUAL(p.candidate.tile[KPU_K], 100000);
    kpu_space_free(space);
    CU_ASSERT_PTR_NULL(
        make_axes("TM = 1..100000\nTN = 1..100000\nTK = 1..100000\nd1 = 1..60000\n", &diag));
    CU_ASSERT(has_complaint(&diag, 0, 0, "more than 2^62 points"));
    kpu_diag_fini(&diag);
}

static void expect_sweep_complaint(const char *text, const char *part)
{
    kpu_diag diag = {0};
    kpu_space *space = make(text, &diag);
    CU_ASSERT_PTR_NULL(space);
    CU_ASSERT(has_complaint(&diag, 0, 0, part));
    kpu_space_free(space);
    kpu_diag_fini(&diag);
}

static void test_complaints_about_the_sweep(void)
{
    expect_sweep_complaint(
        "[sweep]\nname = t\nmachines = minimal\n" GEMM "[space]\nTM = 1\nTN = 1\n", "TK");
    expect_sweep_complaint("[sweep]\nname = t\nmachines = mini\n" GEMM "[space]\n" TILES,
                           "configs/mini.ini");
    expect_sweep_complaint(
        "[sweep]\nname = t\nmachines = minimal, minimal\n" GEMM "[space]\n" TILES, "twice");
    expect_sweep_complaint(SWEEP "[space]\n" TILES, "nothing to compute");
    expect_sweep_complaint(SWEEP "[workload]\nfiles = none.csv\n[space]\n" TILES, "none.csv");
    expect_sweep_complaint(SWEEP "objectives = cycels\n" GEMM "[space]\n" TILES,
                           "did you mean 'cycles'?");
    expect_sweep_complaint(SWEEP "objectives = steps\n" GEMM "[space]\n" TILES, "is better");
    expect_sweep_complaint(SWEEP "[workload]\ngemms = qkv:8x8x8\ninclude = qkw\n[space]\n" TILES,
                           "did you mean 'qkv'?");
    expect_sweep_complaint(SWEEP "[workload]\ngemms = qkv:8x8x0\n[space]\n" TILES, "");
    expect_sweep_complaint(SWEEP GEMM "element_types = fp31\n[space]\n" TILES, "fp31");
    expect_sweep_complaint("[sweep]\nname = ../t\nmachines = minimal\n" GEMM "[space]\n" TILES,
                           "cannot name a file");
}

/* Text that repeats `piece` n times between `before` and `after`; the caller frees it. */
static char *repeat(const char *before, const char *piece, int n, const char *after)
{
    kpu_text text = {0};
    kpu_text_put(&text, before);
    for (int i = 0; i < n; i++)
        kpu_text_format(&text, piece, i + 1);
    kpu_text_put(&text, after);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text.data);
    return text.data;
}

static void expect_limit(char *text, const char *part)
{
    expect_sweep_complaint(text, part);
    free(text);
}

/* What would need more memory or time than anybody has is refused before it is begun. */
static void test_limits(void)
{
    expect_sweep_complaint(SWEEP GEMM "[space]\nTM = 1..1000000000000\nTN = 1\nTK = 1\n",
                           "more than 1000000 values");
    expect_limit(repeat("[sweep]\nname = t\nmachines = m0", ",m%d", 5000, "\n"),
                 "a list of 5001 entries");
    expect_limit(repeat(SWEEP GEMM "[space]\n" TILES "[constraints]\n", "c%d = 1\n", 1100, ""),
                 "more than 1024 keys");
    expect_limit(repeat(SWEEP GEMM "[space]\n" TILES "[constraints]\nc = 0", "+1", 5000, "\n"),
                 "more than 4096");
    expect_limit(repeat(SWEEP GEMM "[space]\n" TILES "[constraints]\nc = ", "(", 5000, "\n"),
                 "too deeply nested");
    expect_sweep_complaint(SWEEP GEMM "[space]\n" TILES "[machine_axes]\nl3.tile_kib = 1..70000\n",
                           "more than 65536 values of a machine");
    expect_limit(repeat(SWEEP "[workload]\ngemms = g:1x1x1", ", g%d:1099511627776x1048575x2", 600,
                        "\n[space]\nTM = divisors\nTN = 1\nTK = 1\n"),
                 "divisors of too many large dimensions");
    expect_limit(repeat(SWEEP "[workload]\ngemms = g:2x1x1", ", g%d:2x1x1", 40,
                        "\n[space]\nTM = divisors, 3..900000\nTN = 1\nTK = 1\n"),
                 "values for all GEMMs together");
}

/* A list of mistakes: neither all of them are told nor is the line kept with each. */
static void test_complaints_have_an_end(void)
{
    char *text = repeat(SWEEP GEMM "[space]\nTN = 1\nTK = 1\nTM = x", ",x%d", 8000, "\n");
    kpu_diag diag = {0};
    CU_ASSERT_PTR_NULL(make(text, &diag));
    CU_ASSERT(diag.count >= KPU_INI_ERRORS_MAX && diag.count <= KPU_DIAG_MAX);
    kpu_diag_fini(&diag);
    for (int i = 0; i < 2 * KPU_DIAG_MAX; i++)
        CU_ASSERT_EQUAL(kpu_diag_add(&diag, KPU_E_INPUT, "%d", i), KPU_E_INPUT);
    CU_ASSERT_EQUAL(diag.count, KPU_DIAG_MAX);
    kpu_diag_fini(&diag);
    free(text);
}

/* A file that somebody sent writes nothing outside the folder that one stands in. */
static void test_output_stays_below(void)
{
#define OUTPUT(path) SWEEP "output = " path "\n" GEMM "[space]\n" TILES
    expect_sweep_complaint(OUTPUT("/tmp/t.h5"), "is an absolute path");
    expect_sweep_complaint(OUTPUT("../t.h5"), "leaves the current folder");
    expect_sweep_complaint(OUTPUT("a/../../t.h5"), "leaves the current folder");
    expect_sweep_complaint(OUTPUT("a/.."), "leaves the current folder");
    kpu_space *space = must_make(OUTPUT("a..b/..c/t.h5"));
    CU_ASSERT_STRING_EQUAL(kpu_space_output(space), "a..b/..c/t.h5");
    kpu_space_free(space);
    kpu_ini ini = {0};
    static const char text[] = OUTPUT("/tmp/t.h5");
    CU_ASSERT_EQUAL(kpu_ini_parse(path, text, strlen(text), KPU_FILE_SWEEP, &ini, NULL), KPU_OK);
    CU_ASSERT_EQUAL(kpu_ini_set(&ini, "sweep.output=/tmp/mine.h5", NULL), KPU_OK);
    CU_ASSERT_EQUAL_FATAL(kpu_space_make(&ini, &space, NULL), KPU_OK);
    CU_ASSERT_STRING_EQUAL(kpu_space_output(space), "/tmp/mine.h5");
    kpu_space_free(space);
    kpu_ini_fini(&ini);
}

/* Nor does it by a link that came with it; whoever runs it may have links of his own. */
static void test_output_follows_no_link(void)
{
    char folder[] = "/tmp/kpu-test-space-XXXXXX", *before = realpath(".", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    CU_ASSERT_EQUAL_FATAL(chdir(folder), 0);
    CU_ASSERT_EQUAL_FATAL(mkdir("inside", 0777), 0);
    CU_ASSERT_EQUAL_FATAL(symlink("/tmp", "away"), 0);
    CU_ASSERT_EQUAL_FATAL(symlink("inside", "near"), 0);
    expect_sweep_complaint(OUTPUT("away/t.h5"), "leaves the current folder by a symbolic link");
    expect_sweep_complaint(OUTPUT("away/new/t.h5"), "leaves the current folder by a symbolic link");
    kpu_space_free(must_make(OUTPUT("near/t.h5")));
    kpu_space_free(must_make(OUTPUT("inside/new/t.h5")));
    kpu_space_free(must_make(SWEEP GEMM "[space]\n" TILES));
    unlink("away");
    unlink("near");
    rmdir("inside");
    CU_ASSERT_EQUAL_FATAL(chdir(before), 0);
    rmdir(folder);
    free(before);
}

/* As many workloads as a list may name would be millions of GEMMs. */
static void test_too_many_gemms(void)
{
    enum { FILES = 9, ROWS = 8192 };
    static const char sweep[] =
        SWEEP "[workload]\nfiles = 0.csv, 1.csv, 2.csv, 3.csv, 4.csv, 5.csv, 6.csv, 7.csv, 8.csv\n"
              "[space]\n" TILES;
    kpu_text csv = {0};
    kpu_text_put(&csv, "name,M,N,K,count\n");
    for (int i = 0; i < ROWS; i++)
        kpu_text_format(&csv, "%d,8,8,8,1\n", i);
    kpu_space_file files[FILES + 1] = {{"configs/minimal.ini", "[dma]\nlatency = 1\n"}};
    char names[FILES][16];
    for (int i = 0; i < FILES; i++) {
        snprintf(names[i], sizeof names[i], "%d.csv", i);
        files[i + 1] = (kpu_space_file){names[i], csv.data};
    }
    kpu_ini ini = {0};
    kpu_space *space;
    kpu_diag diag = {0};
    kpu_ini_parse(path, sweep, strlen(sweep), KPU_FILE_SWEEP, &ini, &diag);
    CU_ASSERT_EQUAL(kpu_space_make_kept(&ini, files, FILES + 1, &space, &diag), KPU_E_INPUT);
    CU_ASSERT(has_complaint(&diag, 5, 65, "more than 65536 GEMMs"));
    kpu_diag_fini(&diag);
    kpu_ini_fini(&ini);
    kpu_text_fini(&csv);
}

static void test_include_and_files(void)
{
    kpu_space *space = must_make(SWEEP "[workload]\nfiles = workloads/bert-base-128.csv\n"
                                       "gemms = mine:8x8x8 x4\ninclude = mine, pooler\n"
                                       "element_types = int8\n[space]\n" TILES);
    CU_ASSERT_EQUAL_FATAL(kpu_space_gemm_count(space), 2);
    CU_ASSERT_STRING_EQUAL(kpu_space_gemm(space, 0)->name, "pooler");
    CU_ASSERT_STRING_EQUAL(kpu_space_workload_name(space, 0), "bert-base-128");
    CU_ASSERT_STRING_EQUAL(kpu_space_workload_name(space, 1), "inline");
    CU_ASSERT_EQUAL(kpu_space_gemm(space, 1)->count, 4);
    CU_ASSERT_EQUAL(kpu_space_gemm(space, 1)->problem.element_bytes[KPU_A], 1);
    CU_ASSERT_EQUAL(kpu_space_gemm(space, 1)->problem.partial_bytes, 4);
    CU_ASSERT_EQUAL(kpu_space_source_count(space), 2);
    kpu_space_free(space);
}

/* A space from files that are kept with the sweep: none is read from the disk. */
static kpu_space *make_kept(const kpu_space_file *files, size_t count, kpu_diag *diag)
{
    static const char text[] = SWEEP "[workload]\nfiles = w.csv\n[space]\n" TILES;
    kpu_ini ini = {0};
    kpu_space *space = NULL;
    CU_ASSERT_EQUAL(kpu_ini_parse("nowhere/t.ini", text, strlen(text), KPU_FILE_SWEEP, &ini, diag),
                    KPU_OK);
    kpu_space_make_kept(&ini, files, count, &space, diag);
    kpu_ini_fini(&ini);
    return space;
}

static void test_kept_files(void)
{
    char *machine = NULL;
    size_t bytes;
    CU_ASSERT_EQUAL_FATAL(
        kpu_text_read(KPU_SOURCE_DIR "/configs/minimal.ini", &machine, &bytes, NULL), KPU_OK);
    const kpu_space_file files[] = {{"there/configs/minimal.ini", machine},
                                    {"w.csv", "name,M,N,K,count\nq,8,9,10,1\n"},
                                    {"x.csv", "name,M,N,K,count\nq,8,9,10,1\n"}};
    const kpu_space_file others[] = {files[0], files[2]};
    kpu_diag diag = {0};
    kpu_space *space = make_kept(files, 2, &diag);
    show_unexpected(&diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(space);
    CU_ASSERT_EQUAL(kpu_space_gemm(space, 0)->problem.dim[KPU_N], 9);
    CU_ASSERT_STRING_EQUAL(kpu_space_source_name(space, 0), "there/configs/minimal.ini");
    kpu_space_free(space);
    CU_ASSERT_PTR_NULL(make_kept(files, 1, &diag));
    CU_ASSERT(has_complaint(&diag, 5, 9, "no text of 'w.csv' is kept with the sweep"));
    CU_ASSERT_PTR_NULL(make_kept(others, 2, &diag));
    CU_ASSERT(has_complaint(&diag, 5, 9, "'x.csv' is kept with the sweep where 'w.csv'"));
    CU_ASSERT_PTR_NULL(make_kept(files, 3, &diag));
    CU_ASSERT(has_complaint(&diag, 0, 0, "'x.csv' is kept with the sweep, which does not name it"));
    kpu_diag_fini(&diag);
    free(machine);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"lists and ranges", test_lists_and_ranges},
        {"complaints about values", test_complaints_about_values},
        {"all complaints at once", test_all_complaints_at_once},
        {"every field of the candidate", test_every_field_of_the_candidate},
        {"defaults agree with the mapping", test_defaults_agree_with_the_mapping},
        {"words agree with the model", test_words_agree_with_the_model},
        {"numbering", test_numbering},
        {"lock step", test_lockstep},
        {"machine axes: complaints", test_machine_axes_complaints},
        {"constraints", test_constraints},
        {"samples", test_a_sample_is_ascending_and_has_no_doubles},
        {"enormous space", test_an_enormous_space},
        {"complaints about the sweep", test_complaints_about_the_sweep},
        {"limits", test_limits},
        {"complaints end", test_complaints_have_an_end},
        {"output", test_output_stays_below},
        {"output by a link", test_output_follows_no_link},
        {"too many GEMMs", test_too_many_gemms},
        {"include and files", test_include_and_files},
        {"files that are kept with the sweep", test_kept_files},
        CU_TEST_INFO_NULL,
    };
    return run_suite("space", tests);
}
