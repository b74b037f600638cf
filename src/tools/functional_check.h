/* Private to the programs: a mapping executed with random numbers, and compared with BLAS. */
#ifndef KPU_SRC_TOOLS_FUNCTIONAL_CHECK_H
#define KPU_SRC_TOOLS_FUNCTIONAL_CHECK_H

#include "kpu/graph.h"
#include "tools/case_options.h"
#include "tools/gemm_reference.h"

/* Types that a problem's sizes may stand for: floats if no element has one byte or is wider than
 * the sums, bf16 for two bytes; else integers. KPU_E_INPUT: there are none, as for partial
 * sums of two bytes. */
typedef struct kpu_functional_types {
    int dtype[KPU_OPERANDS], partial_dtype;
} kpu_functional_types;
int kpu_functional_choose_types(const kpu_problem *problem, kpu_functional_types *out,
                                kpu_diag *diag);

/* `count` random elements: floats from -1 to 1; integers so small that no sum of `terms` products
 * leaves partial_dtype. A function of seed, stream and place. */
typedef struct kpu_random_matrix {
    int dtype, partial_dtype;
    int64_t terms;
    uint64_t seed, stream;
} kpu_random_matrix;
void kpu_random_matrix_fill(const kpu_random_matrix *matrix, void *data, int64_t count);

typedef struct kpu_functional_case {
    const kpu_machine *machine;
    const kpu_mapping *mapping; /* feasible */
    kpu_functional_types types;
    uint64_t seed;
    const char *name; /* of C in complaints: "C of candidate 17" */
} kpu_functional_case;

/* Schedules, checks the schedule, executes it, compares. KPU_OK: all is right, and *out says how
 * near. KPU_E_REFUTED with complaints: it is not. KPU_E_INPUT, KPU_E_RANGE, KPU_E_MEMORY: too large
 * to be executed. */
int kpu_functional_check(const kpu_functional_case *c, kpu_gemm_verdict *out, kpu_diag *diag);

/* The same for candidate `id` of a space, whose types are chosen. KPU_E_INPUT too if it does not
 * fit its machine. */
int kpu_functional_check_candidate(const kpu_tool_case *c, int64_t id, uint64_t seed,
                                   kpu_gemm_verdict *out, kpu_diag *diag);

#endif
