#include "tools/gemm_reference.h"

#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kpu/report.h"

/* What rounding to a type may change: relative, and absolute below its normal range; its largest
 * finite number. */
typedef struct rounding {
    double unit, least, most;
} rounding;
static const rounding roundings[KPU_DTYPES] = {
    [KPU_F64] = {0x1p-53, 0x1p-1074, 0x1.fffffffffffffp1023},
    [KPU_F32] = {0x1p-24, 0x1p-149, 0x1.fffffep127},
    [KPU_F16] = {0x1p-11, 0x1p-24, 0x1.ffcp15},
    [KPU_BF16] = {0x1p-8, 0x1p-133, 0x1.fep127},
};

/* C is compared so many rows at a time. */
enum { PANEL_ROWS = 256 };

typedef struct comparison {
    const kpu_problem *problem;
    const kpu_matrices *matrices;
    bool is_float, by_blas; /* integers whose sums a double may not hold: without BLAS */
    double gamma;           /* of the sums, and of those that BLAS takes */
    double *b, *b_size;     /* B, |B| */
    double *a, *a_size;     /* a panel of A, of |A| */
    double *c, *c_size;     /* a panel of A B, of |A||B| */
    int64_t *whole_a, *whole_b, *whole_c; /* the same of integers */
    double *wide; /* a panel of C as it came; integers: int64_t in the same place */
    kpu_gemm_verdict *out;
} comparison;

/* ---- Elements ---------------------------------------------------------------------------- */

/* `count` elements from number `first` on, as doubles or as 64-bit integers: exact either way. */
static void widen(int dtype, const void *in, int64_t first, void *out, int64_t count)
{
    int to = kpu_dtype_is_float(dtype) ? KPU_F64 : KPU_I64;
    kpu_dtype_widen(dtype, (const char *)in + first * kpu_dtype_bytes(dtype), to, out,
                    (size_t)count);
}

static void doubles_of_integers(const int64_t *in, double *out, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        out[i] = (double)in[i];
}

static void magnitudes(const double *in, double *out, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        out[i] = fabs(in[i]);
}

/* The rows of op(A) from `first` on, `count` of them, as they lie in memory but without gaps. */
static void widen_panel(const comparison *c, int64_t first, int64_t count, void *out)
{
    const kpu_problem *p = c->problem;
    const int64_t m = p->dim[KPU_M], k = p->dim[KPU_K];
    if (!p->transposed[KPU_A])
        widen(c->matrices->dtype[KPU_A], c->matrices->a, first * k, out, count * k);
    for (int64_t row = 0; p->transposed[KPU_A] && row < k; row++)
        widen(c->matrices->dtype[KPU_A], c->matrices->a, row * m + first,
              (int64_t *)out + row * count, count);
}

/* ---- Products ---------------------------------------------------------------------------- */

static void multiply_doubles(const comparison *c, const double *a, const double *b, int64_t rows,
                             double *out)
{
    const kpu_problem *p = c->problem;
    const int n = (int)p->dim[KPU_N], k = (int)p->dim[KPU_K];
    cblas_dgemm(CblasRowMajor, p->transposed[KPU_A] ? CblasTrans : CblasNoTrans,
                p->transposed[KPU_B] ? CblasTrans : CblasNoTrans, (int)rows, n, k, 1.0, a,
                p->transposed[KPU_A] ? (int)rows : k, b, p->transposed[KPU_B] ? k : n, 0.0, out, n);
}

/* Modulo 2^64. */
static void multiply_integers(const comparison *c, int64_t rows, int64_t *out)
{
    const kpu_problem *p = c->problem;
    const int64_t n = p->dim[KPU_N], k = p->dim[KPU_K];
    const int64_t a_row = p->transposed[KPU_A] ? 1 : k, a_column = p->transposed[KPU_A] ? rows : 1;
    const int64_t b_row = p->transposed[KPU_B] ? 1 : n, b_column = p->transposed[KPU_B] ? k : 1;
    memset(out, 0, (size_t)(rows * n) * sizeof *out);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t l = 0; l < k; l++) {
            const uint64_t a = (uint64_t)c->whole_a[i * a_row + l * a_column];
            for (int64_t j = 0; j < n; j++)
                out[i * n + j] = (int64_t)((uint64_t)out[i * n + j] +
                                           a * (uint64_t)c->whole_b[l * b_row + j * b_column]);
        }
}

/* ---- Verdicts ---------------------------------------------------------------------------- */

typedef struct element {
    int64_t row, column;
    double got, expected, error, allowed;
    bool wrong;
} element;

static void note(kpu_gemm_verdict *out, const element *e)
{
    bool first = out->elements == 0 || (e->wrong && out->wrong == 0);
    bool nearer = out->wrong == 0 && e->error * out->allowed > out->error * e->allowed;
    if (first || nearer) {
        out->row = e->row;
        out->column = e->column;
        out->got = e->got;
        out->expected = e->expected;
        out->error = e->error;
        out->allowed = e->allowed;
    }
    out->wrong += e->wrong;
    out->elements++;
}

/* `size` is |A||B| there. */
static double allowed_error(const comparison *c, double expected, double size)
{
    const rounding *sum = &roundings[c->matrices->partial_dtype];
    const rounding *last = &roundings[c->matrices->dtype[KPU_C]];
    const double blas_size = 1 + 0x1p-20; /* |A||B| comes rounded too */
    double in_sum = c->gamma * size * blas_size + (double)c->problem->dim[KPU_K] * sum->least;
    if (c->matrices->dtype[KPU_C] == c->matrices->partial_dtype)
        return in_sum;
    return in_sum + last->unit * (fabs(expected) + in_sum) + last->least;
}

static void judge_float(const comparison *c, element *e, double size)
{
    const double most = roundings[c->matrices->dtype[KPU_C]].most;
    bool sums_overflow = size >= roundings[c->matrices->partial_dtype].most;
    e->allowed = allowed_error(c, e->expected, size);
    e->error = fabs(e->got - e->expected);
    if (!isfinite(e->expected))
        e->wrong = isfinite(e->got);
    else if (isinf(e->got) && (e->got > 0) == (e->expected > 0))
        e->wrong = !sums_overflow && fabs(e->expected) + e->allowed < most;
    else
        e->wrong = !(e->error <= e->allowed) && !(sums_overflow && !isfinite(e->got));
    if (!e->wrong && !isfinite(e->error))
        e->error = 0;
    note(c->out, e);
}

/* What becomes of a sum modulo 2^64 in the type of sums, then in that of C. */
static int64_t as_stored(const comparison *c, int64_t sum)
{
    int64_t back;
    char stored[sizeof sum];
    const int dtype = c->matrices->dtype[KPU_C];
    if (c->matrices->partial_dtype == KPU_I32)
        sum = (int32_t)(uint32_t)(uint64_t)sum;
    kpu_dtype_narrow(KPU_I64, &sum, dtype, stored, 1);
    kpu_dtype_widen(dtype, stored, KPU_I64, &back, 1);
    return back;
}

static void judge_integer(const comparison *c, element *e, int64_t got, int64_t sum)
{
    int64_t expected = as_stored(c, sum);
    e->got = (double)got;
    e->expected = (double)expected;
    e->error = fabs(e->got - e->expected);
    e->wrong = got != expected;
    note(c->out, e);
}

static void compare_panel(const comparison *c, int64_t first, int64_t rows)
{
    const int64_t n = c->problem->dim[KPU_N];
    const int64_t *wide_integers = (const int64_t *)(const void *)c->wide;
    widen(c->matrices->dtype[KPU_C], c->matrices->c, first * n, c->wide, rows * n);
    for (int64_t i = 0; i < rows * n; i++) {
        element e = {.row = first + i / n, .column = i % n};
        if (c->is_float) {
            e.got = c->wide[i];
            e.expected = c->c[i];
            judge_float(c, &e, c->c_size[i]);
        } else {
            judge_integer(c, &e, wide_integers[i], c->by_blas ? (int64_t)c->c[i] : c->whole_c[i]);
        }
    }
}

static void verify_panel(const comparison *c, int64_t first, int64_t rows)
{
    const int64_t a_count = rows * c->problem->dim[KPU_K];
    widen_panel(c, first, rows, c->is_float ? (void *)c->a : (void *)c->whole_a);
    if (c->is_float)
        magnitudes(c->a, c->a_size, a_count);
    else if (c->by_blas)
        doubles_of_integers(c->whole_a, c->a, a_count);
    if (c->is_float || c->by_blas)
        multiply_doubles(c, c->a, c->b, rows, c->c);
    else
        multiply_integers(c, rows, c->whole_c);
    if (c->is_float)
        multiply_doubles(c, c->a_size, c->b_size, rows, c->c_size);
    compare_panel(c, first, rows);
}

/* ---- The whole --------------------------------------------------------------------------- */

static void *room(int64_t count, bool wanted, bool *ok)
{
    void *out = wanted ? calloc((size_t)count, sizeof(double)) : NULL;
    *ok = *ok && (out || !wanted);
    return out;
}

/* Whether there is room for all that is needed. */
static bool reserve(comparison *c)
{
    const kpu_problem *p = c->problem;
    const int64_t rows = p->dim[KPU_M] < PANEL_ROWS ? p->dim[KPU_M] : PANEL_ROWS;
    const int64_t a = rows * p->dim[KPU_K], b = p->dim[KPU_K] * p->dim[KPU_N];
    const int64_t out = rows * p->dim[KPU_N];
    const bool doubles = c->is_float || c->by_blas;
    bool ok = true;
    c->a = room(a, doubles, &ok);
    c->a_size = room(a, c->is_float, &ok);
    c->b = room(b, doubles, &ok);
    c->b_size = room(b, c->is_float, &ok);
    c->c = room(out, doubles, &ok);
    c->c_size = room(out, c->is_float, &ok);
    c->whole_a = room(a, !c->is_float, &ok);
    c->whole_b = room(b, !c->is_float, &ok);
    c->whole_c = room(out, !doubles, &ok);
    c->wide = room(out, true, &ok);
    return ok;
}

static void release(const comparison *c)
{
    void *const all[] = {c->a,      c->b,       c->c,       c->a_size,  c->b_size,
                         c->c_size, c->whole_a, c->whole_b, c->whole_c, c->wide};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

/* Whether no sum of K products leaves the whole numbers that a double holds. */
static bool sums_fit_double(const kpu_problem *p, const int dtype[KPU_OPERANDS])
{
    const int bits = 8 * (int)(kpu_dtype_bytes(dtype[KPU_A]) + kpu_dtype_bytes(dtype[KPU_B]));
    return bits <= 32 && (double)p->dim[KPU_K] <= ldexp(1, 53 - bits);
}

/* The error of sums in the type of partial ones, and of those that BLAS takes. */
static int choose_gamma(comparison *c, kpu_diag *diag)
{
    const int types[] = {c->matrices->partial_dtype, KPU_F64};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        double ku = (double)c->problem->dim[KPU_K] * roundings[types[i]].unit;
        if (ku >= 1)
            return kpu_diag_add(diag, KPU_E_INPUT,
                                "nothing can be said of sums of %lld products in %s: their "
                                "rounding errors may be as large as the sums",
                                (long long)c->problem->dim[KPU_K], kpu_dtype_name(types[i]));
        c->gamma += ku / (1 - ku);
    }
    return KPU_OK;
}

static int prepare(comparison *c, kpu_diag *diag)
{
    const kpu_problem *p = c->problem;
    const int64_t b = p->dim[KPU_K] * p->dim[KPU_N];
    c->is_float = kpu_dtype_is_float(c->matrices->dtype[KPU_C]);
    c->by_blas = !c->is_float && sums_fit_double(p, c->matrices->dtype);
    for (int d = 0; d < KPU_DIMS; d++)
        if (p->dim[d] > INT_MAX)
            return kpu_diag_add(diag, KPU_E_INPUT, "BLAS takes no dimension of %lld",
                                (long long)p->dim[d]);
    int status = c->is_float ? choose_gamma(c, diag) : KPU_OK;
    if (status)
        return status;
    if (!reserve(c))
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    widen(c->matrices->dtype[KPU_B], c->matrices->b, 0,
          c->is_float ? (void *)c->b : (void *)c->whole_b, b);
    if (c->is_float)
        magnitudes(c->b, c->b_size, b);
    else if (c->by_blas)
        doubles_of_integers(c->whole_b, c->b, b);
    return KPU_OK;
}

int kpu_gemm_verify(const kpu_problem *problem, const kpu_matrices *matrices, kpu_gemm_verdict *out,
                    kpu_diag *diag)
{
    comparison c = {.problem = problem, .matrices = matrices, .out = out};
    memset(out, 0, sizeof *out);
    int status = prepare(&c, diag);
    for (int64_t first = 0; !status && first < problem->dim[KPU_M]; first += PANEL_ROWS) {
        int64_t left = problem->dim[KPU_M] - first;
        verify_panel(&c, first, left < PANEL_ROWS ? left : PANEL_ROWS);
    }
    release(&c);
    return status;
}

int kpu_gemm_complain(const kpu_gemm_verdict *verdict, const char *name, kpu_diag *diag)
{
    if (verdict->wrong == 0)
        return KPU_OK;
    return kpu_diag_add(diag, KPU_E_REFUTED,
                        "%lld of the %lld elements of %s are wrong; the first one, [%lld,%lld], is "
                        "%.9g, BLAS gives %.9g, and %.3g of difference is allowed",
                        (long long)verdict->wrong, (long long)verdict->elements, name,
                        (long long)verdict->row, (long long)verdict->column, verdict->got,
                        verdict->expected, verdict->allowed);
}

void kpu_gemm_put_verdict(const kpu_gemm_verdict *verdict, kpu_text *out)
{
    kpu_text_put_grouped(out, verdict->elements);
    if (verdict->allowed > 0)
        kpu_text_format(out,
                        " elements agree with BLAS; at most off by %.2g, %.2g is allowed there\n",
                        verdict->error, verdict->allowed);
    else
        kpu_text_put(out, " elements are equal to those of BLAS\n");
}
