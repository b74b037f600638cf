/* The array: takes its operands half at the beginning and half at the end, sums in a fixed order.
 */
#include "simulator/execution.h"

#include <string.h>

/* c[m,n] += a[m,k] * b[k,n]: every sum in order of k, whatever the compiler makes of the loops.
 * Four rows of b at a time, so that c is read and written once for four products. */
#define KPU_KERNEL(name, type)                                                                     \
    static void name(const void *restrict a_, const void *restrict b_, void *restrict c_,          \
                     const int64_t extent[KPU_DIMS])                                               \
    {                                                                                              \
        const int64_t rows = extent[KPU_M], columns = extent[KPU_N], depth = extent[KPU_K];        \
        for (int64_t m = 0; m < rows; m++) {                                                       \
            const type *restrict a = (const type *)a_ + m * depth;                                 \
            type *restrict c = (type *)c_ + m * columns;                                           \
            int64_t k = 0;                                                                         \
            for (; k + 4 <= depth; k += 4) {                                                       \
                const type *restrict b = (const type *)b_ + k * columns;                           \
                const type a0 = a[k], a1 = a[k + 1], a2 = a[k + 2], a3 = a[k + 3];                 \
                for (int64_t n = 0; n < columns; n++)                                              \
                    c[n] =                                                                         \
                        (((c[n] + a0 * b[n]) + a1 * b[columns + n]) + a2 * b[2 * columns + n]) +   \
                        a3 * b[3 * columns + n];                                                   \
            }                                                                                      \
            for (; k < depth; k++) {                                                               \
                const type *restrict b = (const type *)b_ + k * columns;                           \
                for (int64_t n = 0; n < columns; n++)                                              \
                    c[n] += a[k] * b[n];                                                           \
            }                                                                                      \
        }                                                                                          \
    }
/* Integers as unsigned: they wrap round, and spoilt ones may. */
KPU_KERNEL(multiply_f32, float)
KPU_KERNEL(multiply_f64, double)
KPU_KERNEL(multiply_i32, uint32_t)
KPU_KERNEL(multiply_i64, uint64_t)
#undef KPU_KERNEL

typedef void (*kernel)(const void *restrict a, const void *restrict b, void *restrict c,
                       const int64_t extent[KPU_DIMS]);
static const kernel kernels[KPU_DTYPES] = {
    [KPU_F32] = multiply_f32,
    [KPU_F64] = multiply_f64,
    [KPU_I32] = multiply_i32,
    [KPU_I64] = multiply_i64,
};

bool execution_can_sum(int dtype)
{
    return kernels[dtype] != NULL;
}

static char *operand_slot(const execution *e, const kpu_command *command, int operand)
{
    int space = execution_space(e, SPACE_EDGE, operand);
    return execution_slot(e, space, operand, command->use_slot[operand]);
}

/* Elements from .. to-1 of an operand into the array, as wide as its sums. */
static void take(execution *e, const kpu_command *command, int operand, const int64_t range[2])
{
    const kpu_matrices *m = e->matrices;
    int64_t wide = kpu_dtype_bytes(m->partial_dtype);
    int dtype = operand == KPU_C ? m->partial_dtype : m->dtype[operand];
    const char *from = operand_slot(e, command, operand) + range[0] * kpu_dtype_bytes(dtype);
    char *to = e->work[operand] + range[0] * wide;
    size_t count = (size_t)(range[1] - range[0]);
    if (dtype == m->partial_dtype)
        memcpy(to, from, count * (size_t)wide);
    else
        kpu_dtype_widen(dtype, from, m->partial_dtype, to, count);
}

static int64_t c_bytes(const execution *e, const kpu_command *command)
{
    return execution_elements(e, command, KPU_C) * e->schedule->mapping.problem.partial_bytes;
}

void execution_fabric_start(execution *e, const kpu_command *command)
{
    if (command->fresh)
        memset(operand_slot(e, command, KPU_C), 0, (size_t)c_bytes(e, command));
    for (int x = 0; x < KPU_OPERANDS; x++) {
        int64_t elements = execution_elements(e, command, x);
        take(e, command, x, (const int64_t[]){0, elements - elements / 2});
    }
}

void execution_fabric_end(execution *e, const kpu_command *command)
{
    int64_t extent[KPU_DIMS];
    kpu_command_extent(e->schedule, command, extent);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        int64_t elements = execution_elements(e, command, x);
        take(e, command, x, (const int64_t[]){elements - elements / 2, elements});
    }
    kernels[e->matrices->partial_dtype](e->work[KPU_A], e->work[KPU_B], e->work[KPU_C], extent);
    memcpy(operand_slot(e, command, KPU_C), e->work[KPU_C], (size_t)c_bytes(e, command));
    e->settled[command->use_slot[KPU_C]] = command->busy_end + e->skew;
}
