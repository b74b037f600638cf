/* Exact conversions of elements. Every float goes through a double, which holds all of ours, and
 * every integer through an int64_t; so there is one rounding, or none. */
#include "kpu/dtype.h"

#include <string.h>

/* ---- Loads -------------------------------------------------------------------------------- */

#define PLAIN_LOAD(name, type, wide)                                                               \
    static inline wide load_##name(const unsigned char *in)                                        \
    {                                                                                              \
        type value;                                                                                \
        memcpy(&value, in, sizeof value);                                                          \
        return (wide)value;                                                                        \
    }
PLAIN_LOAD(F64, double, double)
PLAIN_LOAD(F32, float, double)
PLAIN_LOAD(I64, int64_t, int64_t)
PLAIN_LOAD(I32, int32_t, int64_t)
PLAIN_LOAD(I16, int16_t, int64_t)
PLAIN_LOAD(I8, int8_t, int64_t)
PLAIN_LOAD(U8, uint8_t, int64_t)
PLAIN_LOAD(BOOL, uint8_t, int64_t)

static inline float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline double load_BF16(const unsigned char *in)
{
    uint16_t half;
    memcpy(&half, in, sizeof half);
    return (double)float_of_bits((uint32_t)half << 16);
}

static inline double load_F16(const unsigned char *in)
{
    uint16_t half;
    memcpy(&half, in, sizeof half);
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t rest = (uint32_t)(half & 0x7FFF) << 13; /* exponent and mantissa, as a float's */
    if ((half & 0x7C00) == 0x7C00)
        return (double)float_of_bits(sign | rest | 0x7F800000); /* infinity, NaN */
    /* The exponent's bias differs by 127 - 15: also right for the subnormal ones. */
    return (double)(float_of_bits(sign | rest) * 0x1p112F);
}

/* ---- Stores ------------------------------------------------------------------------------- */

/* Bits of `value`, rounded to nearest even, as a float of 16 bits with so many bits of mantissa. */
static inline uint16_t round_to_16_bits(double value, int mantissa_bits)
{
    enum { DOUBLE_MANTISSA_BITS = 52, DOUBLE_BIAS = 1023, BITS = 15 };
    const int bias = (1 << (BITS - mantissa_bits - 1)) - 1;
    const uint64_t infinity = (UINT64_C(1) << BITS) - (UINT64_C(1) << mantissa_bits);
    const int dropped = DOUBLE_MANTISSA_BITS - mantissa_bits;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint16_t sign = (uint16_t)(bits >> 48 & 0x8000);
    bits &= INT64_MAX;
    int exponent = (int)(bits >> DOUBLE_MANTISSA_BITS) - DOUBLE_BIAS;
    if (value != value)
        return (uint16_t)(sign | infinity | UINT64_C(1) << (mantissa_bits - 1));
    if (exponent > bias)
        return (uint16_t)(sign | infinity);
    if (exponent < 1 - bias) { /* subnormal: count its units; adding 2^52 rounds to a whole one */
        uint64_t scale_bits = (uint64_t)(DOUBLE_BIAS + bias - 1 + mantissa_bits)
                              << DOUBLE_MANTISSA_BITS;
        double scale, magnitude;
        memcpy(&scale, &scale_bits, sizeof scale);
        memcpy(&magnitude, &bits, sizeof magnitude);
        return (uint16_t)(sign | (uint16_t)(magnitude * scale + 0x1p52 - 0x1p52));
    }
    bits += (UINT64_C(1) << (dropped - 1)) - 1 + (bits >> dropped & 1); /* may carry to infinity */
    bits = (bits >> dropped) - ((uint64_t)(DOUBLE_BIAS - bias) << mantissa_bits);
    return (uint16_t)(sign | bits);
}

static inline void store_F16(unsigned char *out, double value)
{
    uint16_t bits = round_to_16_bits(value, 10);
    memcpy(out, &bits, sizeof bits);
}

static inline void store_BF16(unsigned char *out, double value)
{
    uint16_t bits = round_to_16_bits(value, 7);
    memcpy(out, &bits, sizeof bits);
}

static inline void store_F32(unsigned char *out, double value)
{
    float narrow = (float)value;
    memcpy(out, &narrow, sizeof narrow);
}

static inline void store_F64(unsigned char *out, double value)
{
    memcpy(out, &value, sizeof value);
}

#define SATURATED_STORE(name, type, low, high)                                                     \
    static inline void store_##name(unsigned char *out, int64_t value)                             \
    {                                                                                              \
        type narrow = (type)(value < (low) ? (low) : value > (high) ? (high) : value);             \
        memcpy(out, &narrow, sizeof narrow);                                                       \
    }
SATURATED_STORE(I64, int64_t, INT64_MIN, INT64_MAX)
SATURATED_STORE(I32, int32_t, INT32_MIN, INT32_MAX)
SATURATED_STORE(I16, int16_t, INT16_MIN, INT16_MAX)
SATURATED_STORE(I8, int8_t, INT8_MIN, INT8_MAX)
SATURATED_STORE(U8, uint8_t, 0, UINT8_MAX)
SATURATED_STORE(BOOL, uint8_t, 0, 1)

/* ---- All pairs ---------------------------------------------------------------------------- */

typedef void convert(const unsigned char *in, unsigned char *out, size_t count);

/* X(from, to, bytes of from, bytes of to): of one kind, one of them a type that sums are kept in */
#define FLOAT_PAIRS(X)                                                                             \
    X(F64, F32, 8, 4)                                                                              \
    X(F64, F16, 8, 2)                                                                              \
    X(F64, BF16, 8, 2)                                                                             \
    X(F32, F64, 4, 8)                                                                              \
    X(F32, F16, 4, 2)                                                                              \
    X(F32, BF16, 4, 2)                                                                             \
    X(F16, F64, 2, 8)                                                                              \
    X(F16, F32, 2, 4)                                                                              \
    X(BF16, F64, 2, 8)                                                                             \
    X(BF16, F32, 2, 4)
#define INTEGER_PAIRS(X)                                                                           \
    X(I64, I32, 8, 4)                                                                              \
    X(I64, I16, 8, 2)                                                                              \
    X(I64, I8, 8, 1)                                                                               \
    X(I64, U8, 8, 1)                                                                               \
    X(I64, BOOL, 8, 1)                                                                             \
    X(I32, I64, 4, 8)                                                                              \
    X(I32, I16, 4, 2)                                                                              \
    X(I32, I8, 4, 1)                                                                               \
    X(I32, U8, 4, 1)                                                                               \
    X(I32, BOOL, 4, 1)                                                                             \
    X(I16, I64, 2, 8)                                                                              \
    X(I16, I32, 2, 4)                                                                              \
    X(I8, I64, 1, 8)                                                                               \
    X(I8, I32, 1, 4)                                                                               \
    X(U8, I64, 1, 8)                                                                               \
    X(U8, I32, 1, 4)                                                                               \
    X(BOOL, I64, 1, 8)                                                                             \
    X(BOOL, I32, 1, 4)
#define ALL_PAIRS(X) FLOAT_PAIRS(X) INTEGER_PAIRS(X)

#define KPU_X(from, to, from_bytes, to_bytes)                                                      \
    static void from##_to_##to(const unsigned char *in, unsigned char *out, size_t count)          \
    {                                                                                              \
        for (size_t n = 0; n < count; n++)                                                         \
            store_##to(out + n * (to_bytes), load_##from(in + n * (from_bytes)));                  \
    }
ALL_PAIRS(KPU_X)
#undef KPU_X

static convert *const converts[KPU_DTYPES][KPU_DTYPES] = {
#define KPU_X(from, to, from_bytes, to_bytes) [KPU_##from][KPU_##to] = from##_to_##to,
    ALL_PAIRS(KPU_X)
#undef KPU_X
};

void kpu_dtype_widen(int from, const void *in, int to, void *out, size_t count)
{
    if (from == to)
        memcpy(out, in, count * (size_t)kpu_dtype_bytes(from));
    else
        converts[from][to](in, out, count);
}

void kpu_dtype_narrow(int from, const void *in, int to, void *out, size_t count)
{
    kpu_dtype_widen(from, in, to, out, count);
}
