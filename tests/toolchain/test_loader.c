/* What kpu-loader, kpu-dse verify and run --verify stand on: matrices in files, the comparison with
 * BLAS, candidates executed with random numbers. The programs themselves: test_loader.py. */
#include "random_case.h"
#include "run_suite.h"
#include "tools/functional_check.h"
#include "tools/matrix_file.h"
#include "tools/npy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CASES = 300 };

static bool has_text(const kpu_diag *diag, const char *part)
{
    for (size_t i = 0; i < diag->count; i++)
        if (strstr(diag->entries[i].message, part))
            return true;
    fprintf(stderr, "no complaint has \"%s\"\n", part);
    for (size_t i = 0; i < diag->count; i++)
        fprintf(stderr, "  %s\n", diag->entries[i].message);
    return false;
}

/* ---- .npy -------------------------------------------------------------------------------- */

static void expect_bad_header(const char *dictionary, const char *part)
{
    kpu_npy npy;
    kpu_diag diag = {0};
    kpu_text text = {0};
    const size_t length = strlen(dictionary);
    const char before[] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, (char)length, 0};
    kpu_text_put_bytes(&text, before, sizeof before);
    kpu_text_put(&text, dictionary);
    CU_ASSERT_EQUAL(kpu_npy_parse("m.npy", text.data, text.length, &npy, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL(diag.count, 1);
    CU_ASSERT_TRUE(has_text(&diag, part));
    kpu_text_fini(&text);
    kpu_diag_fini(&diag);
}

static void test_npy_complaints(void)
{
    expect_bad_header("", "ends at byte 10");
    expect_bad_header("nothing", "expected a dictionary");
    expect_bad_header("{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}", "big-endian");
    expect_bad_header("{'descr': '<c8', 'fortran_order': False, 'shape': (2,)}", "'<c8'");
    expect_bad_header("{'descr': [('a', '<f4')], 'fortran_order': False}", "records");
    expect_bad_header("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", "byte 44");
    expect_bad_header("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
                      "the size of a dimension");
    expect_bad_header("{'descr': '<f4', 'fortran_order': False}", "each of");
    expect_bad_header("{'descr': '<f4', 'descr': '<f4'}", "each key once");
    expect_bad_header("{'descr': '<f4', 'shape': (1, 2", "a comma or the end of the shape");
    expect_bad_header("{'order': 1}", "'descr', 'fortran_order' or 'shape'");
    expect_bad_header("{'descr': '<f4', 'fortran_order': False, 'shape': ()} x", "nothing after");
}

/* ---- Files ------------------------------------------------------------------------------- */

static char tensor_name[] = "A";
static const kpu_dfx_tensor small_tensor = {
    .name = tensor_name, .dtype = KPU_F32, .rank = 2, .shape = {2, 3}};

static void write_file(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(data, 1, bytes, file), bytes);
    fclose(file);
}

static void test_files_round_trip(void)
{
    const char *const paths[] = {"loader_matrix.npy", "loader_matrix.bin"};
    for (int dtype = 0; dtype < KPU_DTYPES; dtype++)
        for (size_t p = 0; p < 2; p++) {
            kpu_dfx_tensor tensor = small_tensor;
            kpu_diag diag = {0};
            char in[64], out[64] = {0};
            int64_t bytes;
            tensor.dtype = dtype;
            for (size_t i = 0; i < sizeof in; i++)
                in[i] = (char)(i * 7 + 1);
            CU_ASSERT_EQUAL(kpu_matrix_bytes(&tensor, &bytes, &diag), KPU_OK);
            CU_ASSERT_EQUAL(bytes, 6 * kpu_dtype_bytes(dtype));
            CU_ASSERT_EQUAL(kpu_matrix_file_write(paths[p], &tensor, in, &diag), KPU_OK);
            CU_ASSERT_EQUAL(kpu_matrix_file_read(paths[p], &tensor, out, &diag), KPU_OK);
            CU_ASSERT_EQUAL(memcmp(in, out, (size_t)bytes), 0);
            CU_ASSERT_EQUAL(diag.count, 0);
            kpu_diag_fini(&diag);
            unlink(paths[p]);
        }
}

static void expect_bad_file(const kpu_dfx_tensor *written, const char *path, size_t bytes,
                            const char *part)
{
    char data[64] = {0};
    kpu_diag diag = {0};
    if (written)
        CU_ASSERT_EQUAL(kpu_matrix_file_write(path, written, data, &diag), KPU_OK);
    if (bytes > 0)
        write_file(path, data, bytes);
    CU_ASSERT_EQUAL(kpu_matrix_file_read(path, &small_tensor, data, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL(diag.count, 1);
    CU_ASSERT_TRUE(has_text(&diag, part));
    CU_ASSERT_TRUE(diag.count == 1 && strcmp(diag.entries[0].file, path) == 0);
    kpu_diag_fini(&diag);
    unlink(path);
}

static void test_file_complaints(void)
{
    kpu_dfx_tensor other = small_tensor;
    expect_bad_file(NULL, "loader_no_such.bin", 0, "No such file");
    expect_bad_file(NULL, "loader_short.bin", 23, "has 23 bytes");
    expect_bad_file(NULL, "loader_tiny.bin", 5, "has 5 bytes");
    expect_bad_file(NULL, "loader_long.bin", 25, "more than 24 bytes");
    expect_bad_file(NULL, "loader_bare.npy", 24, "is no .npy file");
    other.shape[0] = 3;
    other.shape[1] = 2;
    expect_bad_file(&other, "loader_shape.npy", 0, "its shape is 3x2, that of tensor A is 2x3");
    other = small_tensor;
    other.dtype = KPU_I32;
    expect_bad_file(&other, "loader_type.npy", 0, "of type i4, those of tensor A are f32");
    other = small_tensor;
    other.dtype = KPU_F64;
    other.shape[0] = INT64_MAX;
    kpu_diag diag = {0};
    int64_t bytes;
    CU_ASSERT_EQUAL(kpu_matrix_bytes(&other, &bytes, &diag), KPU_E_INPUT);
    CU_ASSERT_TRUE(has_text(&diag, "larger than the 8 GiB"));
    kpu_diag_fini(&diag);
}

static void test_fortran_order(void)
{
    kpu_text text = {0};
    kpu_diag diag = {0};
    char data[24];
    kpu_npy_put_header(&text, KPU_F32, small_tensor.shape, 2);
    char *order = strstr(text.data + 10, "False, ");
    CU_ASSERT_PTR_NOT_NULL_FATAL(order);
    memcpy(order, "True,  ", 7);
    kpu_text_repeat(&text, 'x', 24);
    write_file("loader_fortran.npy", text.data, text.length);
    CU_ASSERT_EQUAL(kpu_matrix_file_read("loader_fortran.npy", &small_tensor, data, &diag),
                    KPU_E_INPUT);
    CU_ASSERT_TRUE(has_text(&diag, "Fortran order"));
    unlink("loader_fortran.npy");
    kpu_diag_fini(&diag);
    kpu_text_fini(&text);
}

/* ---- Comparison with BLAS ----------------------------------------------------------------- */

/* A product of random matrices, by definition. */
typedef struct product {
    kpu_problem problem;
    kpu_matrices matrices;
    char *data[KPU_OPERANDS];
    double *exact_c, *sizes; /* A B and |A||B|; integers are exact in them */
} product;

static double at(const product *p, int operand, int64_t row, int64_t column)
{
    const int64_t *dim = p->problem.dim;
    const int64_t widths[KPU_OPERANDS] = {dim[KPU_K], dim[KPU_N], dim[KPU_N]};
    const int64_t heights[KPU_OPERANDS] = {dim[KPU_M], dim[KPU_K], dim[KPU_M]};
    const int dtype = p->matrices.dtype[operand];
    int64_t index = p->problem.transposed[operand] ? column * heights[operand] + row
                                                   : row * widths[operand] + column;
    const char *element = p->data[operand] + index * kpu_dtype_bytes(dtype);
    double real;
    int64_t whole;
    if (kpu_dtype_is_float(dtype)) {
        kpu_dtype_widen(dtype, element, KPU_F64, &real, 1);
        return real;
    }
    kpu_dtype_widen(dtype, element, KPU_I64, &whole, 1);
    return (double)whole;
}

static void multiply(product *p)
{
    const int64_t *dim = p->problem.dim;
    const int dtype = p->matrices.dtype[KPU_C];
    const bool floats = kpu_dtype_is_float(dtype);
    for (int64_t i = 0; i < dim[KPU_M] * dim[KPU_N]; i++) {
        double sum = 0, size = 0;
        for (int64_t k = 0; k < dim[KPU_K]; k++) {
            double product_k = at(p, KPU_A, i / dim[KPU_N], k) * at(p, KPU_B, k, i % dim[KPU_N]);
            sum += product_k;
            size += fabs(product_k);
        }
        const int64_t whole = (int64_t)sum;
        p->exact_c[i] = sum;
        p->sizes[i] = size;
        kpu_dtype_narrow(floats ? KPU_F64 : KPU_I64, floats ? (const void *)&sum : &whole, dtype,
                         p->data[KPU_C] + i * kpu_dtype_bytes(dtype), 1);
    }
}

static void product_make(product *p, const int dtype[KPU_OPERANDS], int partial, uint64_t number)
{
    static const uint8_t dims[KPU_OPERANDS][2] = {{KPU_M, KPU_K}, {KPU_K, KPU_N}, {KPU_M, KPU_N}};
    random_stream random = {.seed = 5, .stream = number};
    memset(p, 0, sizeof *p);
    for (int d = 0; d < KPU_DIMS; d++)
        p->problem.dim[d] = random_between(&random, 1, d == KPU_M ? 600 : 20);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        const int64_t count = p->problem.dim[dims[x][0]] * p->problem.dim[dims[x][1]];
        p->data[x] = calloc((size_t)count, 8);
        p->matrices.dtype[x] = dtype[x];
        p->problem.element_bytes[x] = kpu_dtype_bytes(dtype[x]);
        p->problem.transposed[x] = x != KPU_C && random_chance(&random, 50);
        const int sums = partial == KPU_I64 ? KPU_I32 : partial; /* doubles hold those of i32 */
        const kpu_random_matrix numbers = {dtype[x], sums, p->problem.dim[KPU_K], number,
                                           (uint64_t)x};
        if (x != KPU_C)
            kpu_random_matrix_fill(&numbers, p->data[x], count);
    }
    const int64_t elements = p->problem.dim[KPU_M] * p->problem.dim[KPU_N];
    p->matrices.partial_dtype = partial;
    p->problem.partial_bytes = kpu_dtype_bytes(partial);
    p->matrices.a = p->data[KPU_A];
    p->matrices.b = p->data[KPU_B];
    p->matrices.c = p->data[KPU_C];
    p->exact_c = calloc((size_t)elements, sizeof *p->exact_c);
    p->sizes = calloc((size_t)elements, sizeof *p->sizes);
    multiply(p);
}

static void product_fini(product *p)
{
    for (int x = 0; x < KPU_OPERANDS; x++)
        free(p->data[x]);
    free(p->exact_c);
    free(p->sizes);
}

static kpu_gemm_verdict verdict_of(const product *p)
{
    kpu_gemm_verdict verdict;
    kpu_diag diag = {0};
    CU_ASSERT_EQUAL(kpu_gemm_verify(&p->problem, &p->matrices, &verdict, &diag), KPU_OK);
    CU_ASSERT_EQUAL(diag.count, 0);
    CU_ASSERT_EQUAL(verdict.elements, p->problem.dim[KPU_M] * p->problem.dim[KPU_N]);
    kpu_diag_fini(&diag);
    return verdict;
}

/* One element is put off: by a little less than is allowed, or by a little more. */
static void put_off(product *p, int64_t index, bool too_far)
{
    const int dtype = p->matrices.dtype[KPU_C];
    char *element = p->data[KPU_C] + index * kpu_dtype_bytes(dtype);
    const double k = (double)p->problem.dim[KPU_K];
    const double unit = p->matrices.partial_dtype == KPU_F64 ? 0x1p-53 : 0x1p-24;
    const double last = dtype == KPU_F16 ? 0x1p-11 : dtype == KPU_BF16 ? 0x1p-8 : 0;
    const double allowed = k * unit * p->sizes[index] + last * fabs(p->exact_c[index]);
    if (kpu_dtype_is_float(dtype)) {
        /* C's own rounding takes up what is allowed of a narrow type. */
        double value = p->exact_c[index] + allowed * (too_far ? 4 : last > 0 ? 0 : 0.2);
        kpu_dtype_narrow(KPU_F64, &value, dtype, element, 1);
        return;
    }
    int64_t value = (int64_t)p->exact_c[index];
    int64_t moved = value + (too_far ? value > 0 ? -1 : 1 : 0);
    kpu_dtype_narrow(KPU_I64, &moved, dtype, element, 1);
}

static void test_comparison_by_definition(void)
{
    static const struct {
        int dtype[KPU_OPERANDS], partial;
    } types[] = {{{KPU_F32, KPU_F32, KPU_F32}, KPU_F32}, {{KPU_F64, KPU_F64, KPU_F64}, KPU_F64},
                 {{KPU_F16, KPU_F16, KPU_F32}, KPU_F32}, {{KPU_BF16, KPU_BF16, KPU_F32}, KPU_F32},
                 {{KPU_F16, KPU_F16, KPU_F16}, KPU_F32}, {{KPU_BF16, KPU_F32, KPU_BF16}, KPU_F32},
                 {{KPU_I8, KPU_I8, KPU_I32}, KPU_I32},   {{KPU_U8, KPU_I8, KPU_I32}, KPU_I32},
                 {{KPU_I16, KPU_I16, KPU_I32}, KPU_I32}, {{KPU_I32, KPU_I32, KPU_I64}, KPU_I64}};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (uint64_t number = 0; number < 20; number++) {
            product p;
            product_make(&p, types[t].dtype, types[t].partial, number);
            const int64_t n = p.problem.dim[KPU_N], elements = p.problem.dim[KPU_M] * n;
            CU_ASSERT_EQUAL(verdict_of(&p).wrong, 0);
            const int64_t index = (int64_t)(number * 7919) % elements;
            put_off(&p, index, false);
            CU_ASSERT_EQUAL(verdict_of(&p).wrong, 0);
            put_off(&p, index, true);
            const kpu_gemm_verdict verdict = verdict_of(&p);
            CU_ASSERT_EQUAL(verdict.wrong, 1);
            CU_ASSERT(verdict.row == index / n && verdict.column == index % n);
            product_fini(&p);
        }
}

static void test_what_is_not_finite(void)
{
    static const int types[] = {KPU_F32, KPU_F32, KPU_F32};
    product p;
    product_make(&p, types, KPU_F32, 3);
    float *c = p.matrices.c;
    c[1] = NAN;
    CU_ASSERT_EQUAL(verdict_of(&p).wrong, 1);
    c[1] = INFINITY;
    CU_ASSERT_EQUAL(verdict_of(&p).wrong, 1);
    memcpy(p.data[KPU_A], &c[1], sizeof *c); /* A has an infinity: the first row, or column, of A */
    CU_ASSERT(verdict_of(&p).wrong > 0);
    product_fini(&p);
}

/* One element of a product of two terms: how it is judged. */
typedef struct special_case {
    float a[2], b[2], got;
    char judged; /* 'r'ight, right and 's'pecial, 'u'nbounded, 'w'rong */
} special_case;

static char judge(const special_case *s)
{
    float c = s->got;
    const kpu_problem problem = {.dim = {1, 1, 2}, .element_bytes = {4, 4, 4}, .partial_bytes = 4};
    const kpu_matrices m = {s->a, s->b, &c, {KPU_F32, KPU_F32, KPU_F32}, KPU_F32};
    kpu_gemm_verdict v;
    CU_ASSERT_EQUAL(kpu_gemm_verify(&problem, &m, &v, NULL), KPU_OK);
    CU_ASSERT(v.elements == 1 && !v.is_exact && v.wrong + v.unbounded + v.special <= 1);
    bool proves = kpu_gemm_complain(&v, "C", NULL) == KPU_OK;
    CU_ASSERT_EQUAL(proves, v.wrong + v.unbounded == 0);
    return v.wrong ? 'w' : v.unbounded ? 'u' : v.special ? 's' : 'r';
}

static void test_judgements(void)
{
    const float inf = INFINITY;
    const special_case cases[] = {
        /* Infinities and no numbers that come from the matrices. */
        {{inf, 1}, {1, 1}, inf, 's'},
        {{inf, 1}, {1, 1}, -inf, 'w'},
        {{inf, 1}, {1, 1}, NAN, 'w'},
        {{inf, 1}, {1, 1}, 7, 'w'},
        {{inf, 1}, {-1, 1}, -inf, 's'},
        {{inf, -inf}, {1, 1}, NAN, 's'},
        {{inf, -inf}, {1, 1}, inf, 'w'},
        {{NAN, 1}, {1, 1}, NAN, 's'},
        {{NAN, 1}, {1, 1}, 1, 'w'},
        {{1, 1}, {1, 1}, NAN, 'w'},
        {{1, 1}, {1, 1}, inf, 'w'},
        {{1, 1}, {1, 1}, 2, 'r'},
        /* Sums that overflow to one side, */
        {{1e30f, 1}, {1e30f, 1}, inf, 's'},
        {{1e30f, 1}, {1e30f, 1}, -inf, 'w'},
        {{1e30f, 1}, {1e30f, 1}, NAN, 'w'},
        {{1e30f, 1}, {1e30f, 1}, 3e38f, 'w'},
        {{1e30f, 1}, {-1e30f, 1}, -inf, 's'},
        /* to either, */
        {{1e30f, 1e30f}, {1e30f, -1e30f}, NAN, 'u'},
        {{1e30f, 1e30f}, {1e30f, -1e30f}, inf, 'u'},
        {{1e30f, 1e30f}, {1e30f, -1e30f}, 5, 'u'},
        /* or perhaps. */
        {{3e38f, 3e38f}, {1.5f, -0.9f}, inf, 'u'},
        {{3e38f, 3e38f}, {1.5f, -0.9f}, 1.8e38f, 'r'},
        {{3e38f, 3e38f}, {1.5f, -0.9f}, -inf, 'w'},
        {{3e38f, 3e38f}, {1.5f, -0.9f}, NAN, 'w'},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char judged = judge(&cases[i]);
        CU_ASSERT_EQUAL(judged, cases[i].judged);
        if (judged != cases[i].judged)
            fprintf(stderr, "judgement %zu: %c\n", i, judged);
    }
}

static void expect_words(const kpu_gemm_verdict *verdict, const char *words)
{
    kpu_text text = {0};
    kpu_gemm_put_verdict(verdict, &text);
    CU_ASSERT_STRING_EQUAL(text.data, words);
    kpu_text_fini(&text);
}

static void test_words(void)
{
    kpu_diag diag = {0};
    const kpu_gemm_verdict nothing = {.elements = 480, .unbounded = 480};
    CU_ASSERT_EQUAL(kpu_gemm_complain(&nothing, "C", &diag), KPU_E_REFUTED);
    CU_ASSERT_TRUE(has_text(&diag, "480 of the 480 elements of C cannot be compared, so nothing is "
                                   "proved: sums of their products may overflow"));
    kpu_diag_fini(&diag);
    expect_words(&(kpu_gemm_verdict){.elements = 9, .unbounded = 2, .special = 3, .allowed = 0.5},
                 "7 elements agree with BLAS; at most off by 0, 0.5 is allowed there; 3 of them "
                 "infinite or no number, as it has to be; 2 of 9 elements cannot be compared: sums "
                 "of their products may overflow\n");
    expect_words(&(kpu_gemm_verdict){.elements = 9, .special = 9},
                 "9 elements agree with BLAS; 9 of them infinite or no number, as it has to be\n");
    expect_words(&(kpu_gemm_verdict){.elements = 9, .is_exact = true},
                 "9 elements are equal to those of BLAS\n");
    expect_words(&(kpu_gemm_verdict){.elements = 1, .is_exact = true, .without_blas = true},
                 "1 element is equal to that of a product in 64-bit integers\n");
}

static void test_integers_saturate_and_wrap(void)
{
    const int8_t a[2] = {127, 127}, b[2] = {127, 127};
    const int32_t wide_a[2] = {INT32_MAX, INT32_MAX};
    int8_t c = 127; /* 32258 saturates */
    int64_t wide_c = 0;
    kpu_problem problem = {.dim = {1, 1, 2}, .element_bytes = {1, 1, 1}, .partial_bytes = 4};
    kpu_matrices m = {a, b, &c, {KPU_I8, KPU_I8, KPU_I8}, KPU_I32};
    kpu_gemm_verdict verdict;
    CU_ASSERT_EQUAL(kpu_gemm_verify(&problem, &m, &verdict, NULL), KPU_OK);
    CU_ASSERT(verdict.is_exact && !verdict.without_blas);
    CU_ASSERT(verdict.wrong == 0 && verdict.expected == 127);
    c = 126;
    CU_ASSERT_EQUAL(kpu_gemm_verify(&problem, &m, &verdict, NULL), KPU_OK);
    CU_ASSERT_EQUAL(verdict.wrong, 1);
    m = (kpu_matrices){wide_a, wide_a, &wide_c, {KPU_I32, KPU_I32, KPU_I64}, KPU_I64};
    wide_c = 2 * (int64_t)INT32_MAX * INT32_MAX; /* beyond what a double counts one by one */
    CU_ASSERT_EQUAL(kpu_gemm_verify(&problem, &m, &verdict, NULL), KPU_OK);
    CU_ASSERT(verdict.wrong == 0 && verdict.is_exact && verdict.without_blas);
    wide_c++;
    CU_ASSERT_EQUAL(kpu_gemm_verify(&problem, &m, &verdict, NULL), KPU_OK);
    CU_ASSERT_EQUAL(verdict.wrong, 1);
}

static void test_complaint(void)
{
    const kpu_gemm_verdict good = {.elements = 12, .error = 1, .allowed = 2};
    const kpu_gemm_verdict bad = {.elements = 12, .wrong = 3, .row = 1, .column = 2, .got = 0.5};
    kpu_diag diag = {0};
    CU_ASSERT_EQUAL(kpu_gemm_complain(&good, "C", &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_gemm_complain(&bad, "C of candidate 7", &diag), KPU_E_REFUTED);
    CU_ASSERT_EQUAL(kpu_error_exit_code(KPU_E_REFUTED), 1);
    CU_ASSERT_TRUE(has_text(&diag, "3 of the 12 elements of C of candidate 7 are wrong; the first "
                                   "one, [1,2], is 0.5, BLAS gives 0"));
    CU_ASSERT_EQUAL(diag.count, 1);
    kpu_diag_fini(&diag);
}

static void test_bound_that_says_nothing(void)
{
    const float one = 1;
    kpu_problem problem = {
        .dim = {1, 1, INT64_C(1) << 24}, .element_bytes = {4, 4, 4}, .partial_bytes = 4};
    kpu_matrices m = {&one, &one, NULL, {KPU_F32, KPU_F32, KPU_F32}, KPU_F32};
    kpu_gemm_verdict verdict;
    kpu_diag diag = {0};
    CU_ASSERT_EQUAL(kpu_gemm_verify(&problem, &m, &verdict, &diag), KPU_E_INPUT);
    CU_ASSERT_TRUE(has_text(&diag, "nothing can be said of sums of 16777216 products in f32"));
    kpu_diag_fini(&diag);
}

/* ---- Types, candidates --------------------------------------------------------------------- */

static void expect_types(int64_t a, int64_t b, int64_t c, int64_t partial, const char *expected)
{
    const kpu_problem problem = {
        .dim = {1, 1, 1}, .element_bytes = {a, b, c}, .partial_bytes = partial};
    kpu_functional_types types;
    char got[64] = "none";
    if (kpu_functional_choose_types(&problem, &types, NULL) == KPU_OK)
        snprintf(got, sizeof got, "%s %s %s %s", kpu_dtype_name(types.dtype[KPU_A]),
                 kpu_dtype_name(types.dtype[KPU_B]), kpu_dtype_name(types.dtype[KPU_C]),
                 kpu_dtype_name(types.partial_dtype));
    CU_ASSERT_STRING_EQUAL(got, expected);
}

static void test_types_of_sizes(void)
{
    expect_types(4, 4, 4, 4, "f32 f32 f32 f32");
    expect_types(2, 2, 2, 4, "bf16 bf16 bf16 f32");
    expect_types(1, 1, 1, 4, "i8 i8 i8 i32");
    expect_types(1, 2, 4, 4, "i8 i16 i32 i32");
    expect_types(8, 8, 8, 8, "f64 f64 f64 f64");
    expect_types(1, 4, 8, 8, "i8 i32 i64 i64");
    expect_types(1, 4, 4, 4, "none");
    expect_types(2, 2, 2, 2, "none");
    expect_types(8, 8, 4, 4, "none");
    expect_types(4, 4, 4, 16, "none");
}

/* Whatever fits and has types is right; and random numbers keep integer sums within bounds. */
static void test_random_candidates(void)
{
    int executed = 0;
    for (uint64_t number = 0; number < CASES; number++) {
        random_case c;
        kpu_mapping mapping;
        kpu_functional_types types;
        kpu_gemm_verdict verdict;
        kpu_diag diag = {0};
        random_case_draw(77, number, &c);
        const kpu_tool_case candidate = {c.machine, c.problem, c.candidate};
        kpu_mapping_make(&c.machine, &c.problem, &c.candidate, &mapping);
        bool fits =
            !mapping.broken && kpu_functional_choose_types(&c.problem, &types, NULL) == KPU_OK;
        int status =
            kpu_functional_check_candidate(&candidate, (int64_t)number, number, &verdict, &diag);
        CU_ASSERT_EQUAL(status, fits ? KPU_OK : KPU_E_INPUT);
        CU_ASSERT_EQUAL(diag.count, fits ? 0 : 1);
        if (diag.count > 0 && fits) {
            fprintf(stderr, "%s\n", diag.entries[0].message);
            random_case_print(&c, stderr);
        }
        executed += fits;
        kpu_diag_fini(&diag);
    }
    CU_ASSERT(executed > CASES / 10);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {".npy complaints", test_npy_complaints},
        {"files round trip", test_files_round_trip},
        {"file complaints", test_file_complaints},
        {"Fortran order", test_fortran_order},
        {"comparison by definition", test_comparison_by_definition},
        {"not finite", test_what_is_not_finite},
        {"judgements", test_judgements},
        {"verdicts in words", test_words},
        {"integers saturate and wrap", test_integers_saturate_and_wrap},
        {"complaint", test_complaint},
        {"a bound that says nothing", test_bound_that_says_nothing},
        {"types of sizes", test_types_of_sizes},
        {"random candidates", test_random_candidates},
        CU_TEST_INFO_NULL,
    };
    return run_suite("loader", tests);
}
