/* kpu/workload.h - what is computed: C[M,N] = A[M,K] * B[K,N], and lists of such GEMMs. */
#ifndef KPU_WORKLOAD_H
#define KPU_WORKLOAD_H

#include "kpu/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { KPU_A, KPU_B, KPU_C, KPU_OPERANDS };
enum { KPU_M, KPU_N, KPU_K, KPU_DIMS };

typedef struct kpu_problem {
    int64_t dim[KPU_DIMS]; /* M, N, K >= 1 */
    int64_t element_bytes[KPU_OPERANDS]; /* eA, eB, eC (final output) */
    int64_t partial_bytes;               /* eP >= eC */
} kpu_problem;

/* A GEMM of a workload: `count` equal ones run in it. */
typedef struct kpu_gemm {
    char *name;
    kpu_problem problem;
    int64_t count;
} kpu_gemm;

/* Owns its gemms; init/fini. */
typedef struct kpu_workload {
    char *name;
    kpu_gemm *gemms;
    size_t gemm_count;
} kpu_workload;

#ifdef __cplusplus
}
#endif
#endif
