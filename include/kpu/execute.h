/* kpu/execute.h - runs a bound schedule with real numbers: bytes move through DRAM, L3 slots, L2
 * slots, L1 buffers and the array at the cycles that the schedule says, so that a slot that is
 * overwritten too early or read too late spoils the result. */
#ifndef KPU_EXECUTE_H
#define KPU_EXECUTE_H

#include "kpu/dtype.h"
#include "kpu/schedule.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The matrices as they lie in memory, row-major: A M x K (or K x M if problem.transposed), B K x N
 * (or N x K), C M x N. Borrowed; c is overwritten. */
typedef struct kpu_matrices {
    const void *a, *b;
    void *c;
    int dtype[KPU_OPERANDS], partial_dtype; /* of problem.element_bytes, problem.partial_bytes */
} kpu_matrices;

/* Slots, L1 buffers, registers and the order within a cycle: docs/legality.md. Sums are added in
 * the order of the nest, so equal schedules and matrices give equal bits. Integers are exact (they
 * wrap round in partial_dtype, and saturate as they are narrowed to C). A float differs from the
 * exact product by at most K*u / (1 - K*u) times the sum of its products' magnitudes, u being the
 * unit roundoff of partial_dtype (2^-24 for f32): the bound of a sum of K rounded products in any
 * order (Higham, Accuracy and Stability of Numerical Algorithms, 3.1); and by one rounding to C's
 * type.
 *
 * KPU_OK whatever the numbers: a wrong schedule gives a wrong C (spoilt floats are NaN, spoilt
 * integers a pattern). KPU_E_INPUT: types that the schedule was not made for; KPU_E_MEMORY;
 * KPU_E_INTERNAL if the schedule is not even a schedule. */
int kpu_execute(const kpu_schedule *schedule, const kpu_matrices *matrices, kpu_diag *diag);

#ifdef __cplusplus
}
#endif
#endif
