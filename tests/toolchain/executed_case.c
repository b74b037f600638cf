#include "executed_case.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>

const executed_types executed_type_table[EXECUTED_TYPES] = {
    {{KPU_F32, KPU_F32, KPU_F32}, KPU_F32},   {{KPU_F64, KPU_F64, KPU_F64}, KPU_F64},
    {{KPU_BF16, KPU_BF16, KPU_F32}, KPU_F32}, {{KPU_BF16, KPU_BF16, KPU_BF16}, KPU_F32},
    {{KPU_F16, KPU_F16, KPU_F32}, KPU_F32},   {{KPU_F16, KPU_F16, KPU_F16}, KPU_F32},
    {{KPU_F32, KPU_BF16, KPU_F32}, KPU_F64},  {{KPU_I8, KPU_I8, KPU_I32}, KPU_I32},
    {{KPU_I8, KPU_I8, KPU_I8}, KPU_I32},      {{KPU_U8, KPU_I16, KPU_I16}, KPU_I32},
    {{KPU_I32, KPU_I16, KPU_I64}, KPU_I64},   {{KPU_I8, KPU_I32, KPU_I32}, KPU_I64},
};

void executed_set_types(kpu_problem *problem, const executed_types *types)
{
    for (int x = 0; x < KPU_OPERANDS; x++)
        problem->element_bytes[x] = kpu_dtype_bytes(types->dtype[x]);
    problem->partial_bytes = kpu_dtype_bytes(types->partial);
}

/* ---- Matrices ----------------------------------------------------------------------------- */

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (!memory)
        abort();
    return memory;
}

/* Numbers of -1 .. 1, or integers of -100 .. 100 (0 .. 100), as the type has them. */
static double drawn(int dtype, uint64_t bits)
{
    if (kpu_dtype_is_float(dtype))
        return (double)(int64_t)(bits >> 11) / (double)(INT64_C(1) << 52) - 1.0;
    double magnitude = (double)(bits % 101);
    return dtype != KPU_U8 && bits >> 63 ? -magnitude : magnitude;
}

static void fill(int dtype, uint64_t seed, void *out, size_t count)
{
    bool floating = kpu_dtype_is_float(dtype);
    for (size_t i = 0; i < count; i++) {
        double value = drawn(dtype, kpu_random_u64(seed, (uint64_t)dtype, i));
        int64_t whole = (int64_t)value;
        char *element = (char *)out + i * (size_t)kpu_dtype_bytes(dtype);
        if (floating)
            kpu_dtype_narrow(KPU_F64, &value, dtype, element, 1);
        else
            kpu_dtype_narrow(KPU_I64, &whole, dtype, element, 1);
    }
}

static double *as_doubles(int dtype, const void *in, size_t count)
{
    double *out = allocate(count, sizeof *out);
    if (kpu_dtype_is_float(dtype)) {
        kpu_dtype_widen(dtype, in, KPU_F64, out, count);
        return out;
    }
    for (size_t i = 0; i < count; i++) {
        int64_t value;
        kpu_dtype_widen(dtype, (const char *)in + i * (size_t)kpu_dtype_bytes(dtype), KPU_I64,
                        &value, 1);
        out[i] = (double)value;
    }
    return out;
}

static double *magnitudes(const double *in, size_t count)
{
    double *out = allocate(count, sizeof *out);
    for (size_t i = 0; i < count; i++)
        out[i] = fabs(in[i]);
    return out;
}

/* ---- Comparison --------------------------------------------------------------------------- */

static double unit_roundoff(int dtype)
{
    static const int bits[KPU_DTYPES] = {
        [KPU_F64] = 53, [KPU_F32] = 24, [KPU_F16] = 11, [KPU_BF16] = 8};
    return ldexp(1, -bits[dtype]);
}

static double gamma_of(int64_t k, double u)
{
    return (double)k * u / (1 - (double)k * u);
}

static double clamped(int dtype, double value)
{
    int bits = (int)(8 * kpu_dtype_bytes(dtype)) - (dtype != KPU_U8);
    double high = ldexp(1, bits) - 1, low = dtype == KPU_U8 ? 0 : -high - 1;
    return fmin(fmax(value, low), high);
}

static bool is_close(const kpu_matrices *m, int64_t k, double got, const double want[2])
{
    int c = m->dtype[KPU_C];
    if (!kpu_dtype_is_float(c))
        return got == clamped(c, want[0]);
    const double smallest_half = ldexp(1, -25); /* of f16, the only type that comes near its end */
    double sums =
        (gamma_of(k, unit_roundoff(m->partial_dtype)) + gamma_of(k, unit_roundoff(KPU_F64))) *
        want[1];
    double out =
        c == m->partial_dtype ? 0 : unit_roundoff(c) * (fabs(want[0]) + sums) + smallest_half;
    return fabs(got - want[0]) <= sums + out; /* false for NaN */
}

static double *multiplied(const kpu_problem *p, const double *a, const double *b)
{
    int m = (int)p->dim[KPU_M], n = (int)p->dim[KPU_N], k = (int)p->dim[KPU_K];
    bool ta = p->transposed[KPU_A], tb = p->transposed[KPU_B];
    double *c = allocate((size_t)m * (size_t)n, sizeof *c);
    cblas_dgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n,
                k, 1.0, a, ta ? m : k, b, tb ? k : n, 0.0, c, n);
    return c;
}

static int compare(const kpu_problem *p, const kpu_matrices *m)
{
    size_t a_count = (size_t)(p->dim[KPU_M] * p->dim[KPU_K]);
    size_t b_count = (size_t)(p->dim[KPU_K] * p->dim[KPU_N]);
    size_t c_count = (size_t)(p->dim[KPU_M] * p->dim[KPU_N]);
    double *a = as_doubles(m->dtype[KPU_A], m->a, a_count);
    double *b = as_doubles(m->dtype[KPU_B], m->b, b_count);
    double *c = as_doubles(m->dtype[KPU_C], m->c, c_count);
    double *a_size = magnitudes(a, a_count), *b_size = magnitudes(b, b_count);
    double *want = multiplied(p, a, b), *size = multiplied(p, a_size, b_size);
    int outcome = EXECUTED_RIGHT;
    for (size_t i = 0; i < c_count; i++)
        if (!is_close(m, p->dim[KPU_K], c[i], (const double[]){want[i], size[i]}))
            outcome = EXECUTED_WRONG;
    double *const all[] = {a, b, c, a_size, b_size, want, size};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    return outcome;
}

int executed_run(const kpu_schedule *schedule, const executed_types *types, uint64_t seed)
{
    const kpu_problem *p = &schedule->mapping.problem;
    size_t a_count = (size_t)(p->dim[KPU_M] * p->dim[KPU_K]);
    size_t b_count = (size_t)(p->dim[KPU_K] * p->dim[KPU_N]);
    size_t c_count = (size_t)(p->dim[KPU_M] * p->dim[KPU_N]);
    void *a = allocate(a_count, (size_t)p->element_bytes[KPU_A]);
    void *b = allocate(b_count, (size_t)p->element_bytes[KPU_B]);
    void *c = allocate(c_count, (size_t)p->element_bytes[KPU_C]);
    fill(types->dtype[KPU_A], 2 * seed, a, a_count);
    fill(types->dtype[KPU_B], 2 * seed + 1, b, b_count);
    kpu_matrices matrices = {.a = a, .b = b, .c = c, .partial_dtype = types->partial};
    for (int x = 0; x < KPU_OPERANDS; x++)
        matrices.dtype[x] = types->dtype[x];
    int outcome = EXECUTED_FAILED;
    if (kpu_execute(schedule, &matrices, NULL) == KPU_OK)
        outcome = compare(p, &matrices);
    free(a);
    free(b);
    free(c);
    return outcome;
}
