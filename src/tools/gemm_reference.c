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
    double most_a, most_b;  /* the largest finite magnitudes */
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

/* Returns the largest finite one, or `most` if that is larger. */
static double magnitudes(const double *in, double *out, int64_t count, double most)
{
    for (int64_t i = 0; i < count; i++) {
        out[i] = fabs(in[i]);
        most = isfinite(out[i]) && out[i] > most ? out[i] : most;
    }
    return most;
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

typedef enum judgement { RIGHT, RIGHT_SPECIAL, UNBOUNDED, WRONG } judgement;

typedef struct element {
    int64_t row, column;
    double got, expected, error, allowed;
    judgement judgement;
} element;

static void note(kpu_gemm_verdict *out, const element *e)
{
    const bool is_wrong = e->judgement == WRONG;
    const bool measured = out->elements > out->special + out->unbounded;
    bool nearer = !measured || e->error * out->allowed > out->error * e->allowed;
    if (out->wrong == 0 && (is_wrong || (e->judgement == RIGHT && nearer))) {
        out->row = e->row;
        out->column = e->column;
        out->got = e->got;
        out->expected = e->expected;
        out->error = e->error;
        out->allowed = e->allowed;
    }
    out->wrong += is_wrong;
    out->unbounded += e->judgement == UNBOUNDED;
    out->special += e->judgement == RIGHT_SPECIAL;
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

/* Both no number, or both the same infinity. */
static bool are_same_special(double a, double b)
{
    return (isnan(a) && isnan(b)) || (isinf(a) && a == b);
}

/* Whether sums whose products of one sign are `part` of `size` may overflow to that side. */
static bool may_overflow(const comparison *c, double part, double size)
{
    const double most = roundings[c->matrices->partial_dtype].most;
    /* BLAS rounds; products of one sign alone it rounds alike in A B and |A||B|. */
    const double rounded = part == 0 ? 0 : size * (double)c->problem->dim[KPU_K] * 0x1p-52;
    return !((part + rounded) * (1 + c->gamma) + c->gamma * most < most);
}

/* `got` is not finite, and BLAS has a number. */
static judgement judge_overflow(const comparison *c, const element *e, double size)
{
    const double c_holds = roundings[c->matrices->dtype[KPU_C]].most;
    const bool right_side = isinf(e->got) && (e->got > 0) == (e->expected > 0);
    const bool may_up = may_overflow(c, size / 2 + e->expected / 2, size);
    const bool may_down = may_overflow(c, size / 2 - e->expected / 2, size);
    if (right_side && !may_up && !may_down)
        return fabs(e->expected) + e->allowed < c_holds ? WRONG : RIGHT_SPECIAL;
    if (may_up && may_down)
        return UNBOUNDED;
    if (!isinf(e->got) || !(e->got > 0 ? may_up : may_down))
        return WRONG;
    return fabs(e->expected) - e->allowed > c_holds ? RIGHT_SPECIAL : UNBOUNDED;
}

/* `size` is |A||B| there. */
static judgement judge_number(const comparison *c, const element *e, double size)
{
    const double largest = c->most_a * c->most_b * (double)c->problem->dim[KPU_K] * 2;
    if (are_same_special(e->got, e->expected))
        return RIGHT_SPECIAL;
    /* Infinities come from the matrices, or sums overflow, which other orders do otherwise. */
    if (!isfinite(e->expected))
        return largest < roundings[c->matrices->partial_dtype].most ? WRONG : UNBOUNDED;
    if (!isfinite(e->allowed))
        return UNBOUNDED;
    if (!isfinite(e->got))
        return judge_overflow(c, e, size);
    if (e->error > e->allowed)
        return WRONG;
    return e->allowed < roundings[c->matrices->dtype[KPU_C]].most ? RIGHT : UNBOUNDED;
}

static void judge_float(const comparison *c, element *e, double size)
{
    e->allowed = allowed_error(c, e->expected, size);
    e->error = fabs(e->got - e->expected);
    e->judgement = judge_number(c, e, size);
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
    e->judgement = got == expected ? RIGHT : WRONG;
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

static void verify_panel(comparison *c, int64_t first, int64_t rows)
{
    const int64_t a_count = rows * c->problem->dim[KPU_K];
    widen_panel(c, first, rows, c->is_float ? (void *)c->a : (void *)c->whole_a);
    if (c->is_float)
        c->most_a = magnitudes(c->a, c->a_size, a_count, 0);
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
    c->out->is_exact = !c->is_float;
    c->out->without_blas = !c->is_float && !c->by_blas;
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
        c->most_b = magnitudes(c->b, c->b_size, b, 0);
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

/* ---- In words ---------------------------------------------------------------------------- */

static const char *reference_of(const kpu_gemm_verdict *verdict)
{
    return verdict->without_blas ? "a product in 64-bit integers" : "BLAS";
}

int kpu_gemm_complain(const kpu_gemm_verdict *verdict, const char *name, kpu_diag *diag)
{
    if (verdict->wrong > 0)
        return kpu_diag_add(diag, KPU_E_REFUTED,
                            "%lld of the %lld elements of %s are wrong; the first one, "
                            "[%lld,%lld], is %.9g, %s gives %.9g, and %.3g of difference is "
                            "allowed",
                            (long long)verdict->wrong, (long long)verdict->elements, name,
                            (long long)verdict->row, (long long)verdict->column, verdict->got,
                            reference_of(verdict), verdict->expected, verdict->allowed);
    if (verdict->unbounded > 0 && verdict->unbounded == verdict->elements)
        return kpu_diag_add(diag, KPU_E_REFUTED,
                            "%lld of the %lld elements of %s cannot be compared, so nothing is "
                            "proved: sums of their products may overflow",
                            (long long)verdict->unbounded, (long long)verdict->elements, name);
    return KPU_OK;
}

void kpu_gemm_put_verdict(const kpu_gemm_verdict *verdict, kpu_text *out)
{
    const int64_t right = verdict->elements - verdict->wrong - verdict->unbounded;
    kpu_text_put_grouped(out, right);
    kpu_text_put(out, right == 1 ? " element" : " elements");
    if (verdict->is_exact) {
        kpu_text_format(out, " %s equal to %s %s\n", right == 1 ? "is" : "are",
                        right == 1 ? "that of" : "those of", reference_of(verdict));
        return;
    }
    kpu_text_put(out, right == 1 ? " agrees with BLAS" : " agree with BLAS");
    if (right > verdict->special)
        kpu_text_format(out, "; at most off by %.2g, %.2g is allowed there", verdict->error,
                        verdict->allowed);
    if (verdict->special > 0) {
        kpu_text_put(out, "; ");
        kpu_text_put_grouped(out, verdict->special);
        kpu_text_put(out, " of them infinite or no number, as it has to be");
    }
    if (verdict->unbounded > 0) {
        kpu_text_put(out, "; ");
        kpu_text_put_grouped(out, verdict->unbounded);
        kpu_text_put(out, " of ");
        kpu_text_put_grouped(out, verdict->elements);
        kpu_text_put(out, " elements cannot be compared: sums of their products may overflow");
    }
    kpu_text_put(out, "\n");
}
