/* Private to the programs: a matrix product that was computed somewhere else, against BLAS. */
#ifndef KPU_SRC_TOOLS_GEMM_REFERENCE_H
#define KPU_SRC_TOOLS_GEMM_REFERENCE_H

#include "kpu/execute.h"

typedef struct kpu_gemm_verdict {
    int64_t elements, wrong;
    int64_t unbounded;     /* neither right nor wrong: the sums may overflow, and did */
    int64_t special;       /* right, and infinite or no number */
    int64_t row, column;   /* of the first wrong one; if none is, of the one nearest to wrong */
    double got, expected;  /* there */
    double error, allowed; /* there; integers: allowed is 0 */
    bool is_exact;         /* integers: equal, or wrong */
    bool without_blas;     /* they are compared with a product in 64-bit integers */
} kpu_gemm_verdict;

/* Compares matrices->c, row-major, with A * B by BLAS in double precision.
 *
 * Integers have to be equal: sums are taken modulo 2^32 (2^64), then saturate in the type of C.
 *
 * Floats: K products summed in a type of unit roundoff u, in any order, differ from the exact sum
 * by at most K u / (1 - K u) * |A||B| in each element (Higham, Accuracy and Stability of Numerical
 * Algorithms, 2nd ed., section 3.1); BLAS adds the same with its own u, products below the normal
 * range add K times the smallest number, and C's type rounds once more.
 *
 * Where BLAS gives an infinity or no number, the element has to be the same: of that sign. Where
 * |A||B| is more than the type of sums holds, nothing bounds what overflows on the way: an element
 * that is not finite there says nothing and is counted as unbounded, unless sums overflow on one
 * side only (then the other infinity, or no number, is wrong). So is one that every number of C's
 * type is near enough to.
 *
 * KPU_E_INPUT: K is so large that the bound says nothing (K u >= 1). KPU_E_MEMORY. */
int kpu_gemm_verify(const kpu_problem *problem, const kpu_matrices *matrices, kpu_gemm_verdict *out,
                    kpu_diag *diag);
/* "1,024 elements agree with BLAS; ..." and a newline. */
void kpu_gemm_put_verdict(const kpu_gemm_verdict *verdict, kpu_text *out);
/* KPU_OK if nothing is wrong and something is right, else KPU_E_REFUTED and what of `name` is
 * wrong, or that it proves nothing. */
int kpu_gemm_complain(const kpu_gemm_verdict *verdict, const char *name, kpu_diag *diag);

#endif
