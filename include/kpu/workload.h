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
    int64_t dim[KPU_DIMS];               /* M, N, K >= 1 */
    int64_t element_bytes[KPU_OPERANDS]; /* eA, eB, eC (final output) */
    int64_t partial_bytes;               /* eP >= eC */
    bool transposed[KPU_OPERANDS]; /* A, B: lie in memory as K x M, N x K; a block mover turns each
                                      tile on its way to L2 (docs/model.md, "Transposition") */
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

enum { KPU_WORKLOAD_COUNT_MAX = 1000000000, KPU_WORKLOAD_GEMMS_MAX = 8192 };
#define KPU_WORKLOAD_DIM_MAX (INT64_C(1) << 40)
/* Largest M*N*K and largest operand in bytes. */
#define KPU_WORKLOAD_PRODUCT_MAX (INT64_C(1) << 62)

/* Bytes of an element of A, B and C, and of a partial sum of C. */
typedef struct kpu_element_types {
    int64_t bytes[KPU_OPERANDS];
    int64_t partial_bytes; /* >= bytes[KPU_C] */
} kpu_element_types;

/* Bytes of "fp32", "bf16", "int8", ... (with their usual other names); 0 if it is none. */
int64_t kpu_element_type_bytes(const char *name);
/* "fp32", "bf16", "fp16", "int8" (sums of the last three: 4 bytes), or "A=int8 B=int8 C=int8
 * P=int32", all four of them. `place` is where `text` begins. */
int kpu_element_types_parse(const char *text, const kpu_place *place, kpu_element_types *out,
                            kpu_diag *diag);

/* Dimensions 1 .. KPU_WORKLOAD_DIM_MAX, sizes 1 .. 64 with eC <= eP, products within
 * KPU_WORKLOAD_PRODUCT_MAX. `place` may be NULL. */
int kpu_problem_validate(const kpu_problem *problem, const kpu_place *place, kpu_diag *diag);

/* CSV with a header line: columns name, M, N, K, count, in any order, and optionally `types`, as
 * element types above, for GEMMs that differ from `types`. Fields may be "quoted" ("" is a
 * quote); `#` begins a line of comment. The workload has the file's name without folder and .csv.
 * Gathers all complaints. On failure *out is empty. */
int kpu_workload_read_csv(const char *path, const kpu_element_types *types, kpu_workload *out,
                          kpu_diag *diag);
/* A CSV that is in memory already, with a NUL at text[bytes]; path is for the complaints and the
 * name. */
typedef struct kpu_workload_source {
    const char *path, *text;
    size_t bytes;
} kpu_workload_source;
int kpu_workload_parse_csv(const kpu_workload_source *source, const kpu_element_types *types,
                           kpu_workload *out, kpu_diag *diag);
/* "qkv:384x768x768 x12, ffn:384x3072x768": name:MxNxK and how many (1 if it is not said). The
 * workload is called "inline". On failure *out is empty. */
int kpu_workload_parse_inline(const char *text, const kpu_place *place,
                              const kpu_element_types *types, kpu_workload *out, kpu_diag *diag);
void kpu_workload_fini(kpu_workload *workload);

#ifdef __cplusplus
}
#endif
#endif
