/* kpu/dtype.h - element types of tensors: names, sizes, exact conversions. */
#ifndef KPU_DTYPE_H
#define KPU_DTYPE_H

#include "kpu/workload.h"

#ifdef __cplusplus
extern "C" {
#endif

/* name as we print it, the other names that are met, bytes, floating point */
#define KPU_DTYPE_LIST(X)                                                                          \
    X(F64, "f64", "float64 double fp64", 8, true)                                                  \
    X(F32, "f32", "float32 float fp32", 4, true)                                                   \
    X(F16, "f16", "float16 half fp16", 2, true)                                                    \
    X(BF16, "bf16", "bfloat16", 2, true)                                                           \
    X(I64, "i64", "int64", 8, false)                                                               \
    X(I32, "i32", "int32", 4, false)                                                               \
    X(I16, "i16", "int16", 2, false)                                                               \
    X(I8, "i8", "int8", 1, false)                                                                  \
    X(U8, "u8", "uint8 ui8", 1, false)                                                             \
    X(BOOL, "bool", "i1", 1, false)

enum {
#define KPU_X(name, text, others, bytes, floating) KPU_##name,
    KPU_DTYPE_LIST(KPU_X)
#undef KPU_X
        KPU_DTYPES
};

/* Of KPU_F64 .. KPU_BOOL. */
const char *kpu_dtype_name(int dtype);
int64_t kpu_dtype_bytes(int dtype);
bool kpu_dtype_is_float(int dtype);
/* By any of its names; -1: none. */
int kpu_dtype_find(const char *name);
/* The nearest name, for a complaint; NULL: none is near. */
const char *kpu_dtype_nearest(const char *name);

/* In which products of elements of a and b are summed: f64 if one is f64, f32 for the other floats,
 * i64 if one has 4 or 8 bytes, i32 for the other integers; never narrower than c. -1 if a and b are
 * not both floats or both integers, if one is bool, or if c is of the other kind. */
int kpu_dtype_partial(int a, int b, int c);

/* `count` elements of `from` as a type that sums are kept in (f64, f32, i64, i32): exact. `from`
 * must be exact in `to`: f16, bf16, f32 in f32; any float in f64; up to 2 bytes in i32; any integer
 * in i64. Neither needs to be aligned. */
void kpu_dtype_widen(int from, const void *in, int to, void *out, size_t count);
/* And back: floats round to nearest even (overflow: infinity), integers saturate. */
void kpu_dtype_narrow(int from, const void *in, int to, void *out, size_t count);

#ifdef __cplusplus
}
#endif
#endif
