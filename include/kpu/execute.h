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

/* KPU_OK whatever the numbers: a wrong schedule gives a wrong C (spoilt floats are NaN, spoilt
 * integers a pattern), or KPU_E_INTERNAL if the schedule is not even a schedule. */
int kpu_execute(const kpu_schedule *schedule, const kpu_matrices *matrices, kpu_diag *diag);

#ifdef __cplusplus
}
#endif
#endif
