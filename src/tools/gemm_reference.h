/* Private to the programs: a matrix product that was computed somewhere else, against BLAS. */
#ifndef KPU_SRC_TOOLS_GEMM_REFERENCE_H
#define KPU_SRC_TOOLS_GEMM_REFERENCE_H

#include "kpu/execute.h"

typedef struct kpu_gemm_verdict {
    int64_t elements, wrong;
    int64_t row, column;   /* of the first wrong one; if none is, of the one nearest to wrong */
    double got, expected;  /* there */
    double error, allowed; /* there; integers: allowed is 0 */
} kpu_gemm_verdict;

/* Compares matrices->c, row-major, with A * B by BLAS in double precision.
 *
 * Integers have to be equal: sums are taken modulo 2^32 (2^64), then saturate in the type of C.
 *
 * Floats: K products summed in a type of unit roundoff u, in any order, differ from the exact sum
 * by at most K u / (1 - K u) * |A||B| in each element (Higham, Accuracy and Stability of Numerical
 * Algorithms, 2nd ed., section 3.1); BLAS adds the same with its own u, products below the normal
 * range add K times the smallest number, and C's type rounds once more. Elements that are infinite
 * or no number in one must be so in both; one that is large enough to overflow may be infinite.
 *
 * KPU_E_INPUT: K is so large that the bound says nothing (K u >= 1). KPU_E_MEMORY. */
int kpu_gemm_verify(const kpu_problem *problem, const kpu_matrices *matrices, kpu_gemm_verdict *out,
                    kpu_diag *diag);
/* "1,024 elements agree with BLAS; ..." and a newline. */
void kpu_gemm_put_verdict(const kpu_gemm_verdict *verdict, kpu_text *out);
/* KPU_OK if nothing is wrong, else KPU_E_REFUTED and what of `name` is. */
int kpu_gemm_complain(const kpu_gemm_verdict *verdict, const char *name, kpu_diag *diag);

#endif
