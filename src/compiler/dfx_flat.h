/* Private to DFX: a kernel unrolled, operation by operation. */
#ifndef KPU_SRC_COMPILER_DFX_FLAT_H
#define KPU_SRC_COMPILER_DFX_FLAT_H

#include "compiler/dfx_private.h"

enum { KPU_DFX_FLAT_DEPENDS_MAX = KPU_OPERANDS };

/* One operation of one step. Its number is its place in the sequence, from 1. */
typedef struct kpu_dfx_flat_operation {
    int64_t id;
    const kpu_dfx_operation *of; /* the operation of the body that it is */
    int64_t tile[KPU_DIMS];      /* of the step; a store's own m and n */
    bool accumulate;
    int64_t depends_on[KPU_DFX_FLAT_DEPENDS_MAX]; /* ascending */
    size_t depends_count;
} kpu_dfx_flat_operation;

typedef struct kpu_dfx_flat_sink {
    void (*take)(void *context, const kpu_dfx_flat_operation *operation);
    void *context;
} kpu_dfx_flat_sink;

/* Hands every operation of a verified kernel to the sink, in order. KPU_E_RANGE: there are more
 * than KPU_DFX_FLAT_OPERATIONS_MAX; some were handed over already. KPU_E_MEMORY. */
int kpu_dfx_unroll(const kpu_dfx_kernel *kernel, const kpu_mapping *mapping,
                   kpu_dfx_flat_sink sink);

#endif
