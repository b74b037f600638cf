/* kpu/dtype.h: names, partial types, and conversions against arithmetic written a second time. */
#include "kpu/dtype.h"

#include "run_suite.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PATTERNS = 1 << 16 };

static void test_names(void)
{
    static const char *const all[KPU_DTYPES][4] = {
        {"f64", "float64", "double", "fp64"}, {"f32", "float32", "float", "fp32"},
        {"f16", "float16", "half", "fp16"},   {"bf16", "bfloat16", "bf16", "bf16"},
        {"i64", "int64", "i64", "i64"},       {"i32", "int32", "i32", "i32"},
        {"i16", "int16", "i16", "i16"},       {"i8", "int8", "i8", "i8"},
        {"u8", "uint8", "ui8", "u8"},         {"bool", "i1", "bool", "bool"},
    };
    static const int64_t bytes[KPU_DTYPES] = {8, 4, 2, 2, 8, 4, 2, 1, 1, 1};
    for (int t = 0; t < KPU_DTYPES; t++) {
        CU_ASSERT_STRING_EQUAL(kpu_dtype_name(t), all[t][0]);
        CU_ASSERT_EQUAL(kpu_dtype_bytes(t), bytes[t]);
        CU_ASSERT_EQUAL(kpu_dtype_is_float(t), t <= KPU_BF16);
        for (int n = 0; n < 4; n++)
            CU_ASSERT_EQUAL(kpu_dtype_find(all[t][n]), t);
    }
    CU_ASSERT_EQUAL(kpu_dtype_find("f3"), -1);
    CU_ASSERT_EQUAL(kpu_dtype_find("f322"), -1);
    CU_ASSERT_EQUAL(kpu_dtype_find("float fp32"), -1);
    CU_ASSERT_EQUAL(kpu_dtype_find(""), -1);
    CU_ASSERT_STRING_EQUAL(kpu_dtype_nearest("flaot32"), "f32");
    CU_ASSERT_STRING_EQUAL(kpu_dtype_nearest("bflot16"), "bf16");
    CU_ASSERT_STRING_EQUAL(kpu_dtype_nearest("int9"), "i8");
    CU_ASSERT_PTR_NULL(kpu_dtype_nearest("complex"));
}

static int partial_by_definition(const int dtypes[3])
{
    bool is_double = false, is_wide = false;
    for (int n = 0; n < 3; n++) {
        if (dtypes[n] == KPU_BOOL || kpu_dtype_is_float(dtypes[n]) != kpu_dtype_is_float(dtypes[0]))
            return -1;
        is_double |= dtypes[n] == KPU_F64;
        is_wide |= dtypes[n] == KPU_I64 || (n < 2 && dtypes[n] == KPU_I32);
    }
    if (kpu_dtype_is_float(dtypes[0]))
        return is_double ? KPU_F64 : KPU_F32;
    return is_wide ? KPU_I64 : KPU_I32;
}

static void test_partial(void)
{
    CU_ASSERT_EQUAL(kpu_dtype_partial(KPU_I8, KPU_U8, KPU_I32), KPU_I32);
    CU_ASSERT_EQUAL(kpu_dtype_partial(KPU_I8, KPU_I8, KPU_I64), KPU_I64);
    CU_ASSERT_EQUAL(kpu_dtype_partial(KPU_BF16, KPU_F16, KPU_BF16), KPU_F32);
    CU_ASSERT_EQUAL(kpu_dtype_partial(KPU_F32, KPU_I32, KPU_F32), -1);
    for (int n = 0; n < KPU_DTYPES * KPU_DTYPES * KPU_DTYPES; n++) {
        const int d[3] = {n % KPU_DTYPES, n / KPU_DTYPES % KPU_DTYPES, n / KPU_DTYPES / KPU_DTYPES};
        int partial = kpu_dtype_partial(d[0], d[1], d[2]);
        CU_ASSERT_EQUAL(partial, partial_by_definition(d));
        CU_ASSERT_TRUE(partial < 0 || kpu_dtype_bytes(partial) >= kpu_dtype_bytes(d[2]));
    }
}

/* ---- Floats of 16 bits -------------------------------------------------------------------- */

static int mantissa_bits_of(int dtype)
{
    return dtype == KPU_F16 ? 10 : 7;
}

/* The value of a pattern, from the definition of IEEE 754 binary formats. */
static double value_of(int dtype, unsigned pattern)
{
    const int mantissa_bits = mantissa_bits_of(dtype), exponent_bits = 15 - mantissa_bits;
    const int bias = (1 << (exponent_bits - 1)) - 1;
    int exponent = (int)(pattern >> mantissa_bits) & ((1 << exponent_bits) - 1);
    int mantissa = (int)pattern & ((1 << mantissa_bits) - 1);
    double value;
    if (exponent == (1 << exponent_bits) - 1)
        value = mantissa ? (double)NAN : (double)INFINITY;
    else if (exponent == 0)
        value = ldexp(mantissa, 1 - bias - mantissa_bits);
    else
        value = ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits);
    return pattern >> 15 ? -value : value;
}

static bool same_value(double a, double b)
{
    return (a != a && b != b) || (a == b && signbit(a) == signbit(b));
}

static void check_widen(int dtype)
{
    int wrong = 0;
    for (unsigned n = 0; n < PATTERNS; n++) {
        uint16_t pattern = (uint16_t)n;
        float f;
        double d;
        kpu_dtype_widen(dtype, &pattern, KPU_F32, &f, 1);
        kpu_dtype_widen(dtype, &pattern, KPU_F64, &d, 1);
        wrong += !same_value((double)f, value_of(dtype, n)) || !same_value(d, value_of(dtype, n));
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static unsigned narrow_double(int dtype, double value)
{
    uint16_t pattern;
    kpu_dtype_narrow(KPU_F64, &value, dtype, &pattern, 1);
    return pattern;
}

static unsigned narrow_float(int dtype, double value)
{
    float f = (float)value;
    uint16_t pattern;
    kpu_dtype_narrow(KPU_F32, &f, dtype, &pattern, 1);
    return pattern;
}

/* Each value is its own; what lies between two neighbours goes to the nearer one, and from the
 * middle to the even one. The middle is exact as a float. */
static void check_narrow(int dtype)
{
    const unsigned infinity = 0x8000U - (1U << mantissa_bits_of(dtype));
    int wrong = 0;
    for (unsigned n = 0; n < infinity; n++) {
        double low = value_of(dtype, n), high = value_of(dtype, n + 1);
        if (n + 1 == infinity) /* as if the exponent went on */
            high = 2 * low - value_of(dtype, n - 1);
        double middle = (low + high) / 2;
        unsigned even = n + (n & 1);
        wrong += narrow_double(dtype, low) != n || narrow_float(dtype, low) != n;
        wrong += narrow_double(dtype, -low) != (n | 0x8000U);
        wrong += narrow_double(dtype, middle) != even || narrow_float(dtype, middle) != even;
        wrong += narrow_double(dtype, nextafter(middle, low)) != n;
        wrong += narrow_double(dtype, nextafter(middle, high)) != n + 1;
        wrong += narrow_double(dtype, -nextafter(middle, high)) != ((n + 1) | 0x8000U);
        wrong += narrow_float(dtype, (double)nextafterf((float)middle, (float)low)) != n;
        wrong += narrow_float(dtype, (double)nextafterf((float)middle, (float)high)) != n + 1;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(narrow_double(dtype, 1e300), infinity);
    CU_ASSERT_EQUAL(narrow_double(dtype, (double)-INFINITY), infinity | 0x8000U);
    CU_ASSERT_EQUAL(narrow_double(dtype, -1e-300), 0x8000U);
    CU_ASSERT_TRUE(isnan(value_of(dtype, narrow_double(dtype, (double)NAN))));
    CU_ASSERT_TRUE(isnan(value_of(dtype, narrow_float(dtype, -(double)NAN))));
}

static void test_half(void)
{
    check_widen(KPU_F16);
    check_narrow(KPU_F16);
    CU_ASSERT_EQUAL(narrow_double(KPU_F16, 65519.999), 0x7BFF);
    CU_ASSERT_EQUAL(narrow_double(KPU_F16, 65520), 0x7C00);
}

static void test_bfloat(void)
{
    check_widen(KPU_BF16);
    check_narrow(KPU_BF16);
    CU_ASSERT_EQUAL(narrow_double(KPU_BF16, 1), 0x3F80);
    CU_ASSERT_EQUAL(narrow_float(KPU_BF16, 3.4028235e38), 0x7F80);
}

static void test_float(void)
{
    const double in[] = {0.1, 1 + ldexp(1, -24), 1 + 3 * ldexp(1, -24), 1e300, -1e-60, 5};
    const float expected[] = {0.1F, 1, 1 + 4 * 0x1p-24F, INFINITY, -0.0F, 5};
    float out[6];
    double back[6];
    kpu_dtype_narrow(KPU_F64, in, KPU_F32, out, 6);
    CU_ASSERT_EQUAL(memcmp(out, expected, sizeof out), 0);
    kpu_dtype_widen(KPU_F32, expected, KPU_F64, back, 6);
    for (int n = 0; n < 6; n++)
        CU_ASSERT_TRUE(same_value(back[n], (double)expected[n]));
}

/* ---- Integers ----------------------------------------------------------------------------- */

static int64_t read_integer(int dtype, const unsigned char *in)
{
    int64_t value = 0;
    const int64_t bytes = kpu_dtype_bytes(dtype);
    for (int64_t n = bytes; n-- > 0;) /* little-endian */
        value = (int64_t)((uint64_t)value << 8 | in[n]);
    bool is_negative = dtype != KPU_U8 && dtype != KPU_BOOL && bytes < 8 && in[bytes - 1] >= 0x80;
    return is_negative ? value - (INT64_C(1) << (8 * bytes)) : value;
}

static const struct {
    int dtype;
    int64_t low, high;
} ranges[] = {
    {KPU_I64, INT64_MIN, INT64_MAX}, {KPU_I32, INT32_MIN, INT32_MAX},
    {KPU_I16, INT16_MIN, INT16_MAX}, {KPU_I8, INT8_MIN, INT8_MAX},
    {KPU_U8, 0, UINT8_MAX},          {KPU_BOOL, 0, 1},
};
enum { RANGES = sizeof ranges / sizeof *ranges };

static const int64_t integers[] = {
    0,         1,         -1,         2,           127,       128,       -128,
    -129,      255,       256,        32767,       32768,     -32768,    -32769,
    INT32_MAX, INT32_MIN, 2147483648, -2147483649, INT64_MAX, INT64_MIN,
};
enum { INTEGERS = sizeof integers / sizeof *integers };

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static void test_integers_saturate(void)
{
    int32_t ints[INTEGERS];
    unsigned char out[8 * INTEGERS];
    for (int n = 0; n < INTEGERS; n++)
        ints[n] = (int32_t)clamp(integers[n], INT32_MIN, INT32_MAX);
    for (int r = 0; r < RANGES; r++) {
        int64_t bytes = kpu_dtype_bytes(ranges[r].dtype);
        kpu_dtype_narrow(KPU_I64, integers, ranges[r].dtype, out, INTEGERS);
        for (int n = 0; n < INTEGERS; n++)
            CU_ASSERT_EQUAL(read_integer(ranges[r].dtype, out + n * bytes),
                            clamp(integers[n], ranges[r].low, ranges[r].high));
        kpu_dtype_narrow(KPU_I32, ints, ranges[r].dtype, out, INTEGERS);
        for (int n = 0; n < INTEGERS; n++)
            CU_ASSERT_EQUAL(read_integer(ranges[r].dtype, out + n * bytes),
                            clamp(ints[n], ranges[r].low, ranges[r].high));
    }
}

/* Every value of up to 16 bits, from an odd address. */
static void test_integers_widen(void)
{
    int wrong = 0;
    for (unsigned n = 0; n < PATTERNS; n++) {
        unsigned char in[9] = {0, (unsigned char)n, (unsigned char)(n >> 8)};
        for (int dtype = KPU_I16; dtype <= KPU_BOOL; dtype++) {
            unsigned char out[9];
            kpu_dtype_widen(dtype, in + 1, KPU_I32, out + 1, 1);
            wrong += read_integer(KPU_I32, out + 1) != read_integer(dtype, in + 1);
            kpu_dtype_widen(dtype, in + 1, KPU_I64, out + 1, 1);
            wrong += read_integer(KPU_I64, out + 1) != read_integer(dtype, in + 1);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* The same type: bit for bit, a NaN with a message too. */
static void test_same_type(void)
{
    const uint64_t in[2] = {UINT64_C(0x7FF0000000000123), UINT64_C(0xFFF4000000000001)};
    for (int dtype = 0; dtype < KPU_DTYPES; dtype++) {
        uint64_t out[2] = {0};
        size_t count = sizeof in / (size_t)kpu_dtype_bytes(dtype);
        kpu_dtype_widen(dtype, in, dtype, out, count);
        CU_ASSERT_EQUAL(memcmp(in, out, sizeof in), 0);
        memset(out, 0, sizeof out);
        kpu_dtype_narrow(dtype, in, dtype, out, count);
        CU_ASSERT_EQUAL(memcmp(in, out, sizeof in), 0);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"names", test_names},
        {"partial types", test_partial},
        {"f16", test_half},
        {"bf16", test_bfloat},
        {"f32 and f64", test_float},
        {"integers saturate", test_integers_saturate},
        {"integers widen", test_integers_widen},
        {"the same type", test_same_type},
        CU_TEST_INFO_NULL,
    };
    return run_suite("dtype", tests);
}
