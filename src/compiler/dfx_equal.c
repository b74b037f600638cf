/* Whether two programs are the same in every field. Structures have holes, and arrays have ends
 * that nobody uses: so field by field. */
#include "compiler/dfx_private.h"

#include <string.h>

static bool same_tensor(const kpu_dfx_tensor *a, const kpu_dfx_tensor *b)
{
    return strcmp(a->name, b->name) == 0 && a->dtype == b->dtype && a->rank == b->rank &&
           a->role == b->role &&
           memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) == 0;
}

static bool same_loop(const kpu_dfx_loop *a, const kpu_dfx_loop *b)
{
    return strncmp(a->var, b->var, sizeof a->var) == 0 && a->dim == b->dim &&
           a->start == b->start && a->end == b->end && a->step == b->step;
}

static bool same_allocation(const kpu_dfx_allocation *a, const kpu_dfx_allocation *b)
{
    return a->operand == b->operand && a->level == b->level && a->tiles == b->tiles &&
           a->buffers == b->buffers && a->size_bytes == b->size_bytes && a->hint == b->hint;
}

static bool same_operation(const kpu_dfx_operation *a, const kpu_dfx_operation *b)
{
    return a->id == b->id && a->type == b->type && a->subtype == b->subtype &&
           a->operand == b->operand && a->source == b->source && a->dest == b->dest &&
           a->when == b->when && a->hoist == b->hoist && a->unless_fresh == b->unless_fresh &&
           a->transpose == b->transpose && a->broadcast == b->broadcast &&
           a->accumulate == b->accumulate && a->produces == b->produces &&
           a->depends_count == b->depends_count &&
           memcmp(a->depends_on, b->depends_on, a->depends_count * sizeof *a->depends_on) == 0;
}

static bool same_hints(const kpu_dfx_kernel_hints *a, const kpu_dfx_kernel_hints *b)
{
    return a->dram_bytes == b->dram_bytes && a->l3_l2_bytes == b->l3_l2_bytes &&
           a->l2_l1_bytes == b->l2_l1_bytes && a->compute_cycles == b->compute_cycles &&
           a->parallelism_degree == b->parallelism_degree &&
           memcmp(&a->arithmetic_intensity, &b->arithmetic_intensity,
                  sizeof a->arithmetic_intensity) == 0 &&
           memcmp(a->reuse, b->reuse, sizeof a->reuse) == 0 &&
           strncmp(a->machine, b->machine, sizeof a->machine) == 0;
}

static bool same_settings(const kpu_dfx_kernel *a, const kpu_dfx_kernel *b)
{
    return strcmp(a->name, b->name) == 0 && memcmp(a->tensor, b->tensor, sizeof a->tensor) == 0 &&
           memcmp(a->dtype, b->dtype, sizeof a->dtype) == 0 &&
           a->partial_dtype == b->partial_dtype && memcmp(a->dim, b->dim, sizeof a->dim) == 0 &&
           memcmp(a->transposed, b->transposed, sizeof a->transposed) == 0 &&
           a->batch == b->batch &&
           memcmp(a->batch_stride, b->batch_stride, sizeof a->batch_stride) == 0 &&
           a->dataflow == b->dataflow && a->control == b->control &&
           a->eddo_window == b->eddo_window && a->l1_buffers == b->l1_buffers;
}

static bool same_kernel(const kpu_dfx_kernel *a, const kpu_dfx_kernel *b)
{
    if (!same_settings(a, b) || !same_hints(&a->hints, &b->hints) ||
        a->allocation_count != b->allocation_count || a->operation_count != b->operation_count ||
        a->depends_count != b->depends_count)
        return false;
    for (size_t i = 0; i < KPU_NEST; i++)
        if (!same_loop(&a->loops[i], &b->loops[i]))
            return false;
    for (size_t i = 0; i < a->allocation_count; i++)
        if (!same_allocation(&a->allocations[i], &b->allocations[i]))
            return false;
    for (size_t i = 0; i < a->operation_count; i++)
        if (!same_operation(&a->operations[i], &b->operations[i]))
            return false;
    for (size_t i = 0; i < a->depends_count; i++)
        if (a->depends_on[i] != b->depends_on[i])
            return false;
    return true;
}

bool kpu_dfx_equal(const kpu_dfx *a, const kpu_dfx *b)
{
    if (strcmp(a->graph_name, b->graph_name) != 0 || a->tensor_count != b->tensor_count ||
        a->kernel_count != b->kernel_count)
        return false;
    for (size_t i = 0; i < a->tensor_count; i++)
        if (!same_tensor(&a->tensors[i], &b->tensors[i]))
            return false;
    for (size_t i = 0; i < a->kernel_count; i++)
        if (!same_kernel(&a->kernels[i], &b->kernels[i]))
            return false;
    return true;
}
