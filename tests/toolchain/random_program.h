/* random_program.h - random graphs of matrix multiplications, laid over random machines: chains,
 * batches, transposed operands, all element types. */
#ifndef KPU_TESTS_RANDOM_PROGRAM_H
#define KPU_TESTS_RANDOM_PROGRAM_H

#include "kpu/dfx.h"

enum { RANDOM_KERNELS_MAX = 4, RANDOM_TENSORS_MAX = 3 * RANDOM_KERNELS_MAX };

/* Everything points into itself or to constants: it must not be moved, and needs no release. */
typedef struct random_program {
    kpu_graph graph;
    kpu_node nodes[RANDOM_KERNELS_MAX];
    kpu_tensor tensors[RANDOM_TENSORS_MAX];
    kpu_matmul_list matmuls;
    kpu_matmul items[RANDOM_KERNELS_MAX];
    kpu_machine machines[RANDOM_KERNELS_MAX]; /* each kernel fits its own */
    kpu_mapping mappings[RANDOM_KERNELS_MAX];
} random_program;

/* Program `number` of `seed`. Nests have at most 2,000 steps. */
void random_program_draw(uint64_t seed, uint64_t number, random_program *out);
/* Built of it, hints for the first machine; NULL, after printing the complaints, if that fails. */
kpu_dfx *random_program_build(const random_program *program);

#endif
