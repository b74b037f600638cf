/* kpu/workload.h: element types, CSV, inline GEMMs, limits, and the workloads that we ship. */
#include "config_fixture.h"

#include "kpu/workload.h"

static const kpu_element_types fp32 = {{4, 4, 4}, 4};

static void expect_types(const char *text, int64_t a, int64_t b, int64_t c, int64_t p)
{
    kpu_element_types types = {0};
    kpu_diag diag = {0};
    CU_ASSERT_EQUAL(kpu_element_types_parse(text, NULL, &types, &diag), KPU_OK);
    show_unexpected(&diag);
    CU_ASSERT(types.bytes[KPU_A] == a && types.bytes[KPU_B] == b && types.bytes[KPU_C] == c);
    CU_ASSERT_EQUAL(types.partial_bytes, p);
    kpu_diag_fini(&diag);
}

static void expect_bad_types(const char *text, int64_t column, const char *part)
{
    kpu_element_types types;
    kpu_diag diag = {0};
    kpu_place place = {"s.ini", 4, 10, "line"};
    CU_ASSERT_EQUAL(kpu_element_types_parse(text, &place, &types, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL(diag.count, 1);
    CU_ASSERT_TRUE(has_complaint(&diag, 4, column, part));
    kpu_diag_fini(&diag);
}

static void test_element_types(void)
{
    CU_ASSERT_EQUAL(kpu_element_type_bytes("fp64"), 8);
    CU_ASSERT_EQUAL(kpu_element_type_bytes("float32"), 4);
    CU_ASSERT_EQUAL(kpu_element_type_bytes("bf16"), 2);
    CU_ASSERT_EQUAL(kpu_element_type_bytes("u8"), 1);
    CU_ASSERT_EQUAL(kpu_element_type_bytes("int3"), 0);
    expect_types("fp32", 4, 4, 4, 4);
    expect_types("bf16", 2, 2, 2, 4);
    expect_types("fp16", 2, 2, 2, 4);
    expect_types("int8", 1, 1, 1, 4);
    expect_types("A=int8 B=int16 C=int8 P=int32", 1, 2, 1, 4);
    expect_types("P=fp64,  C=f32, B=half A=u8", 1, 2, 4, 8);
    expect_bad_types("int9", 10, "expected fp32, bf16, fp16 or int8");
    expect_bad_types("", 10, "no element type for A");
    expect_bad_types("A=int8 B=int8 C=int8", 10, "no element type for P");
    expect_bad_types("A=int8 B=fp23 C=int8 P=int32", 17, "did you mean 'fp32'");
    expect_bad_types("A=int8 A=int8 C=int8 P=int32", 17, "twice");
    expect_bad_types("A=int8 Q=int8 C=int8 P=int32", 17, "expected");
    expect_bad_types("A=int8 B=int8 C=int32 P=int8", 10, "larger than a partial sum");
}

static void expect_gemm(const kpu_workload *w, size_t index, const char *name,
                        const int64_t shape[4])
{
    CU_ASSERT_FATAL(index < w->gemm_count);
    const kpu_gemm *g = &w->gemms[index];
    CU_ASSERT_STRING_EQUAL(g->name, name);
    for (int d = 0; d < KPU_DIMS; d++)
        CU_ASSERT_EQUAL(g->problem.dim[d], shape[d]);
    CU_ASSERT_EQUAL(g->count, shape[3]);
}

static int parse_csv(const char *text, kpu_workload *out, kpu_diag *diag)
{
    kpu_workload_source source = {"folder/net.csv", text, strlen(text)};
    kpu_diag_init(diag);
    return kpu_workload_parse_csv(&source, &fp32, out, diag);
}

static void test_csv(void)
{
    kpu_workload w;
    kpu_diag diag;
    CU_ASSERT_EQUAL(
        parse_csv("\xEF\xBB\xBF# a network\r\nname,M,N,K,count\r\n\r\nqkv, 384 ,768,768,12\r\n"
                  "  # more\r\n\"a, \"\"b\"\"\" ,1,2,3,4",
                  &w, &diag),
        KPU_OK);
    show_unexpected(&diag);
    CU_ASSERT_STRING_EQUAL(w.name, "net");
    CU_ASSERT_EQUAL(w.gemm_count, 2);
    expect_gemm(&w, 0, "qkv", (int64_t[]){384, 768, 768, 12});
    expect_gemm(&w, 1, "a, \"b\"", (int64_t[]){1, 2, 3, 4});
    CU_ASSERT_EQUAL(w.gemms[0].problem.partial_bytes, 4);
    kpu_workload_fini(&w);
    CU_ASSERT_EQUAL(w.gemm_count, 0);
    CU_ASSERT_EQUAL(parse_csv("types,count,K,N,M,name\n,1,2,3,4,x\nint8,1,2,3,4,y\n", &w, &diag),
                    KPU_OK);
    show_unexpected(&diag);
    expect_gemm(&w, 0, "x", (int64_t[]){4, 3, 2, 1});
    CU_ASSERT_EQUAL(w.gemms[0].problem.element_bytes[KPU_B], 4);
    CU_ASSERT_EQUAL(w.gemms[1].problem.element_bytes[KPU_B], 1);
    CU_ASSERT_EQUAL(w.gemms[1].problem.partial_bytes, 4);
    kpu_workload_fini(&w);
    kpu_diag_fini(&diag);
}

static void expect_bad_csv(const char *text, int64_t line, int64_t column, const char *part)
{
    kpu_workload w;
    kpu_diag diag;
    CU_ASSERT_EQUAL(parse_csv(text, &w, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL(diag.count, 1);
    CU_ASSERT_TRUE(has_complaint(&diag, line, column, part));
    CU_ASSERT_PTR_NULL(w.gemms);
    kpu_workload_fini(&w);
    kpu_diag_fini(&diag);
}

#define HEADER "name,M,N,K,count\n"

static void test_bad_csv(void)
{
    expect_bad_csv("", 0, 0, "no GEMM");
    expect_bad_csv("# nothing\n", 0, 0, "no GEMM");
    expect_bad_csv(HEADER, 0, 0, "no GEMM");
    expect_bad_csv("a,1,2,3,4\n", 1, 1, "unknown column 'a'");
    expect_bad_csv("name,M,N,L,count\na,1,2,3,4\n", 1, 10, "unknown column 'L'");
    expect_bad_csv("nmae,M,N,K,count\na,1,2,3,4\n", 1, 1, "did you mean 'name'");
    expect_bad_csv("name,M,N,K\na,1,2,3\n", 1, 1, "lacks a column");
    expect_bad_csv("M,N,K,count\n1,2,3,1\n", 1, 1, "lacks a column");
    expect_bad_csv("name,M,M,N,K,count\na,1,2,3,4,5\n", 1, 8, "duplicate column");
    expect_bad_csv(HEADER "a,1,2,3\n", 2, 1, "4 fields; the header has 5 columns");
    expect_bad_csv(HEADER "a,1,2,3,4,5\n", 2, 1, "6 fields");
    expect_bad_csv(HEADER "a,0,2,3,4\n", 2, 3, "gemm.M: '0' is too small");
    expect_bad_csv(HEADER "a,1,-2,3,4\n", 2, 5, "gemm.N: '-2' is too small");
    expect_bad_csv(HEADER "a,1,2,1e3,4\n", 2, 7, "gemm.K: '1e3' is not a whole number");
    expect_bad_csv(HEADER "a,1,2,4.5,4\n", 2, 7, "not a whole number");
    expect_bad_csv(HEADER "a,1,2,,4\n", 2, 7, "no value");
    expect_bad_csv(HEADER "a,1,2,3,0\n", 2, 9, "gemm.count: '0' is too small");
    expect_bad_csv(HEADER "a,9223372036854775808,2,3,1\n", 2, 3, "too large");
    expect_bad_csv(HEADER "a,1099511627776,1099511627776,1,1\n", 2, 1, "too large");
    expect_bad_csv(HEADER "a,2097152,2097152,2097152,1\n", 2, 1,
                   "2097152x2097152x2097152 is too large");
    expect_bad_csv(HEADER ",1,2,3,4\n", 2, 1, "no name");
    expect_bad_csv(HEADER "a,1,2,3,4\na,1,2,3,4\n", 3, 1, "duplicate GEMM 'a'");
    expect_bad_csv(HEADER "\"a,1,2,3,4\n", 2, 1, "quote without its end");
    expect_bad_csv(HEADER "\"a\"b,1,2,3,4\n", 2, 4, "comma after the closing quote");
    expect_bad_csv(HEADER "a\x01,1,2,3,4\n", 2, 2, "no text");
    expect_bad_csv("name,M,N,K,count,types\na,1,2,3,4,int9\n", 2, 11, "int9");
    kpu_workload w;
    kpu_diag diag;
    CU_ASSERT_EQUAL(parse_csv(HEADER "a,0,2,3,4\nb,1,2,3\nc,x,y,3,4\n", &w, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL(diag.count, 4); /* all of them */
    kpu_diag_fini(&diag);
    CU_ASSERT_EQUAL(kpu_workload_read_csv("no/such.csv", &fp32, &w, &diag), KPU_E_INPUT);
    CU_ASSERT_TRUE(has_complaint(&diag, 0, 0, "No such file"));
    kpu_diag_fini(&diag);
    CU_ASSERT_EQUAL(kpu_workload_read_csv(".", &fp32, &w, &diag), KPU_E_INPUT);
    CU_ASSERT_TRUE(has_complaint(&diag, 0, 0, "directory"));
    kpu_diag_fini(&diag);
}

static void test_csv_noise_and_long_lines(void)
{
    enum { SIZE = 50000 };
    static char noise[SIZE + 1];
    kpu_workload w;
    kpu_diag diag = {0};
    strcpy(noise, HEADER);
    for (size_t i = strlen(HEADER); i < SIZE; i++)
        noise[i] =
            (char)(kpu_random_u64(3, 3, i) % 3 ? ",\"\n1x #"[kpu_random_u64(4, 4, i) % 7] : 'a');
    kpu_workload_source source = {"noise.csv", noise, SIZE};
    CU_ASSERT_EQUAL(kpu_workload_parse_csv(&source, &fp32, &w, &diag), KPU_E_INPUT);
    CU_ASSERT_TRUE(has_complaint(&diag, 0, 0, "too many errors"));
    kpu_diag_fini(&diag);
    memset(noise + strlen(HEADER), ',', SIZE - strlen(HEADER));
    CU_ASSERT_EQUAL(kpu_workload_parse_csv(&source, &fp32, &w, &diag), KPU_E_INPUT);
    CU_ASSERT_TRUE(has_complaint(&diag, 2, 0, "line too long"));
    kpu_diag_fini(&diag);
    source.bytes = strlen(HEADER) + 4096; /* a full buffer of separators */
    CU_ASSERT_EQUAL(kpu_workload_parse_csv(&source, &fp32, &w, &diag), KPU_E_INPUT);
    CU_ASSERT_TRUE(has_complaint(&diag, 2, 0, "too many fields"));
    kpu_diag_fini(&diag);
}

static void test_inline(void)
{
    kpu_workload w;
    kpu_diag diag = {0};
    kpu_place place = {"s.ini", 3, 9, "gemms = ..."};
    kpu_element_types int8 = {{1, 1, 1}, 4};
    CU_ASSERT_EQUAL(kpu_workload_parse_inline("qkv:384x768x768 x12,  one : 1 x2x 3,z:4x5x6  ",
                                              &place, &int8, &w, &diag),
                    KPU_E_INPUT);
    kpu_diag_fini(&diag);
    CU_ASSERT_EQUAL(kpu_workload_parse_inline("qkv:384x768x768 x12,  one : 1x2x3,z:4x5x6  ", &place,
                                              &int8, &w, &diag),
                    KPU_OK);
    show_unexpected(&diag);
    CU_ASSERT_EQUAL(w.gemm_count, 3);
    expect_gemm(&w, 0, "qkv", (int64_t[]){384, 768, 768, 12});
    expect_gemm(&w, 1, "one", (int64_t[]){1, 2, 3, 1});
    expect_gemm(&w, 2, "z", (int64_t[]){4, 5, 6, 1});
    CU_ASSERT(w.gemms[0].problem.element_bytes[KPU_A] == 1 &&
              w.gemms[0].problem.partial_bytes == 4);
    kpu_workload_fini(&w);
    kpu_diag_fini(&diag);
}

static void expect_bad_inline(const char *text, int64_t column, const char *part)
{
    kpu_workload w;
    kpu_diag diag = {0};
    kpu_place place = {"s.ini", 3, 9, "gemms = ..."};
    CU_ASSERT_EQUAL(kpu_workload_parse_inline(text, &place, &fp32, &w, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL(diag.count, 1);
    CU_ASSERT_TRUE(has_complaint(&diag, 3, column, part));
    CU_ASSERT_PTR_NULL(w.gemms);
    kpu_diag_fini(&diag);
}

static void test_bad_inline(void)
{
    expect_bad_inline("", 9, "expected name:MxNxK");
    expect_bad_inline("384x768x768", 9, "expected name:MxNxK");
    expect_bad_inline(":1x2x3", 9, "expected name:MxNxK");
    expect_bad_inline("a:1x2", 14, "expected name:MxNxK");
    expect_bad_inline("a:1x2x3x4", 16, "expected name:MxNxK");
    expect_bad_inline("a:1x2x3 12", 17, "expected name:MxNxK");
    expect_bad_inline("a:1x2x3 x", 18, "no value");
    expect_bad_inline("a:1x2x3 x0", 18, "gemm.count");
    expect_bad_inline("a:0x2x3", 11, "gemm.M: '0' is too small");
    expect_bad_inline("a:1x-2x3", 13, "gemm.N: '-2'");
    expect_bad_inline("a:1x2x4.5", 15, "gemm.K: '4.5'");
    expect_bad_inline("a:2097152x2097152x2097152", 9, "too large");
    expect_bad_inline("a:1x2x3, a:1x2x3", 18, "duplicate GEMM 'a'");
    expect_bad_inline("a:1x2x3,", 17, "expected name:MxNxK");
}

/* A number is read to its end, however long it is. */
static void test_long_numbers(void)
{
#define ZEROS "00000000000000000000000000000000000000000000000000000000000000"
    kpu_workload w;
    expect_bad_inline("a:" ZEROS "1000000000000000x2x3", 11, "is too large");
    CU_ASSERT_EQUAL(
        kpu_workload_parse_inline("a:" ZEROS "384x2x3 x" ZEROS "12", NULL, &fp32, &w, NULL),
        KPU_OK);
    expect_gemm(&w, 0, "a", (int64_t[]){384, 2, 3, 12});
    kpu_workload_fini(&w);
}

static void test_problem_validate(void)
{
    kpu_problem good = {.dim = {1, 1, 1}, .element_bytes = {4, 4, 2}, .partial_bytes = 4}, bad;
    CU_ASSERT_EQUAL(kpu_problem_validate(&good, NULL, NULL), KPU_OK);
    good.dim[KPU_M] = KPU_WORKLOAD_DIM_MAX;
    CU_ASSERT_EQUAL(kpu_problem_validate(&good, NULL, NULL), KPU_OK);
    good.dim[KPU_N] = INT64_C(1) << 20; /* M * N = 2^60, times eP of 4 = 2^62 */
    CU_ASSERT_EQUAL(kpu_problem_validate(&good, NULL, NULL), KPU_OK);
    bad = good;
    bad.partial_bytes = 8;
    CU_ASSERT_EQUAL(kpu_problem_validate(&bad, NULL, NULL), KPU_E_INPUT);
    bad = good;
    bad.dim[KPU_K] = 0;
    CU_ASSERT_EQUAL(kpu_problem_validate(&bad, NULL, NULL), KPU_E_INPUT);
    bad = good;
    bad.element_bytes[KPU_A] = 0;
    CU_ASSERT_EQUAL(kpu_problem_validate(&bad, NULL, NULL), KPU_E_INPUT);
    bad = good;
    bad.element_bytes[KPU_C] = 5;
    CU_ASSERT_EQUAL(kpu_problem_validate(&bad, NULL, NULL), KPU_E_INPUT);
    bad = good;
    bad.dim[KPU_K] = 5;
    CU_ASSERT_EQUAL(kpu_problem_validate(&bad, NULL, NULL), KPU_E_INPUT);
}

/* MACs of one pass, from the published numbers of parameters and layers, not from the files. */
static void test_shipped_workloads(void)
{
    static const struct {
        const char *name;
        double gmacs;
    } networks[] = {
        /* encoder: layers * (4 h^2 + 2 h ff) * s + layers * 2 s^2 h, and the pooler's h^2 */
        {"bert-base-128", 12 * (4 * .768 * .768 + 2 * .768 * 3.072) * .128 +
                              12 * 2 * .128 * .128 * .768 + .768 * .768e-3},
        {"bert-base-512", 12 * (4 * .768 * .768 + 2 * .768 * 3.072) * .512 +
                              12 * 2 * .512 * .512 * .768 + .768 * .768e-3},
        {"bert-large-128", 24 * (4 * 1.024 * 1.024 + 2 * 1.024 * 4.096) * .128 +
                               24 * 2 * .128 * .128 * 1.024 + 1.024 * 1.024e-3},
        {"bert-large-512", 24 * (4 * 1.024 * 1.024 + 2 * 1.024 * 4.096) * .512 +
                               24 * 2 * .512 * .512 * 1.024 + 1.024 * 1.024e-3},
        /* ... and the logits, s * h * vocabulary */
        {"gpt2", 12 * (4 * .768 * .768 + 2 * .768 * 3.072) * 1.024 + 12 * 2 * 1.024 * 1.024 * .768 +
                     1.024 * .768 * 50.257},
        {"llama2-7b-prefill", 32 * (4 * 4.096 * 4.096 + 3 * 4.096 * 11.008) * 2.048 +
                                  32 * 2 * 2.048 * 2.048 * 4.096 + 4.096 * 32e-3},
        {"llama2-7b-decode", 32 * (4 * 4.096 * 4.096 + 3 * 4.096 * 11.008) * .001 +
                                 32 * 2 * .001 * 2.048 * 4.096 + 4.096 * 32e-3},
        {"resnet50", 3.858}, /* He et al., table 1: 3.8 * 10^9 multiply-adds */
    };
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        char path[512];
        kpu_workload w;
        kpu_diag diag = {0};
        double gmacs = 0;
        snprintf(path, sizeof path, KPU_SOURCE_DIR "/sweeps/workloads/%s.csv", networks[i].name);
        CU_ASSERT_EQUAL(kpu_workload_read_csv(path, &fp32, &w, &diag), KPU_OK);
        show_unexpected(&diag);
        CU_ASSERT_STRING_EQUAL(w.name, networks[i].name);
        for (size_t g = 0; g < w.gemm_count; g++)
            gmacs += 1e-9 * (double)w.gemms[g].count * (double)w.gemms[g].problem.dim[KPU_M] *
                     (double)w.gemms[g].problem.dim[KPU_N] * (double)w.gemms[g].problem.dim[KPU_K];
        CU_ASSERT_DOUBLE_EQUAL(gmacs, networks[i].gmacs, 2e-4 * networks[i].gmacs);
        kpu_workload_fini(&w);
        kpu_diag_fini(&diag);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"element types", test_element_types},
        {"csv", test_csv},
        {"bad csv", test_bad_csv},
        {"csv noise", test_csv_noise_and_long_lines},
        {"inline", test_inline},
        {"bad inline", test_bad_inline},
        {"long numbers", test_long_numbers},
        {"problem limits", test_problem_validate},
        {"shipped workloads", test_shipped_workloads},
        CU_TEST_INFO_NULL,
    };
    return run_suite("workload", tests);
}
