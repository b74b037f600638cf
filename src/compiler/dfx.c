/* DFX: names, owners, and the numbers that a kernel's loops say. */
#include "compiler/dfx_private.h"

#include <stdlib.h>
#include <string.h>

#define KPU_X(name, text) [KPU_DFX_##name] = text,
const char *const kpu_dfx_level_names[KPU_DFX_LEVELS] = {KPU_DFX_LEVEL_LIST(KPU_X)};
const char *const kpu_dfx_type_names[KPU_DFX_TYPES] = {KPU_DFX_TYPE_LIST(KPU_X)};
const char *const kpu_dfx_subtype_names[KPU_DFX_SUBTYPES] = {KPU_DFX_SUBTYPE_LIST(KPU_X)};
const char *const kpu_dfx_when_names[KPU_DFX_WHENS] = {KPU_DFX_WHEN_LIST(KPU_X)};
const char *const kpu_dfx_hint_names[KPU_DFX_HINTS] = {KPU_DFX_HINT_LIST(KPU_X)};
const char *const kpu_dfx_role_names[KPU_DFX_ROLES] = {KPU_DFX_ROLE_LIST(KPU_X)};
#undef KPU_X
const char *const kpu_dfx_dataflow_names[KPU_DATAFLOWS] = {
    [KPU_OS] = "output_stationary",
    [KPU_WS] = "weight_stationary",
    [KPU_IS] = "input_stationary",
};
const char *const kpu_dfx_dimension_names[KPU_DIMS] = {[KPU_M] = "M", [KPU_N] = "N", [KPU_K] = "K"};
const char *const kpu_dfx_operand_names[KPU_OPERANDS] = {
    [KPU_A] = "A", [KPU_B] = "B", [KPU_C] = "C"};

#define KPU_X(name) #name,
const char *const kpu_dfx_flag_names[KPU_DFX_FLAGS] = {KPU_DFX_FLAG_LIST(KPU_X)};
#undef KPU_X

bool *kpu_dfx_flag(kpu_dfx_operation *operation, size_t flag)
{
#define KPU_X(name) [KPU_DFX_FLAG_##name] = &operation->name,
    bool *const flags[KPU_DFX_FLAGS] = {KPU_DFX_FLAG_LIST(KPU_X)};
#undef KPU_X
    return flags[flag];
}

bool kpu_dfx_has_hoist(const kpu_dfx_operation *o)
{
    return o->type == KPU_DFX_DATA_MOVE && o->source <= KPU_DFX_L2 && o->dest <= KPU_DFX_L2;
}

kpu_dfx *kpu_dfx_new(const char *graph_name)
{
    kpu_dfx *dfx = calloc(1, sizeof *dfx);
    if (dfx)
        dfx->graph_name = strdup(graph_name);
    if (dfx && !dfx->graph_name) {
        free(dfx);
        return NULL;
    }
    return dfx;
}

void kpu_dfx_free(kpu_dfx *dfx)
{
    if (!dfx)
        return;
    for (size_t i = 0; i < dfx->tensor_count; i++)
        free(dfx->tensors[i].name);
    for (size_t i = 0; i < dfx->kernel_count; i++) {
        free(dfx->kernels[i].name);
        free(dfx->kernels[i].depends_on);
    }
    free(dfx->tensors);
    free(dfx->kernels);
    free(dfx->graph_name);
    free(dfx);
}

/* Room for one more of `size` bytes: the capacity is the power of two that `count` fills. */
static void *grow(void *items, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return items;
    return reallocarray(items, count == 0 ? 1 : 2 * count, size);
}

kpu_dfx_tensor *kpu_dfx_add_tensor(kpu_dfx *dfx, const char *name)
{
    kpu_dfx_tensor *tensors = grow(dfx->tensors, dfx->tensor_count, sizeof *tensors);
    if (!tensors)
        return NULL;
    dfx->tensors = tensors;
    char *copy = strdup(name);
    if (!copy)
        return NULL;
    kpu_dfx_tensor *added = &tensors[dfx->tensor_count++];
    *added = (kpu_dfx_tensor){.name = copy};
    return added;
}

kpu_dfx_kernel *kpu_dfx_add_kernel(kpu_dfx *dfx, const char *name)
{
    kpu_dfx_kernel *kernels = grow(dfx->kernels, dfx->kernel_count, sizeof *kernels);
    if (!kernels)
        return NULL;
    dfx->kernels = kernels;
    char *copy = strdup(name);
    if (!copy)
        return NULL;
    kpu_dfx_kernel *added = &kernels[dfx->kernel_count++];
    memset(added, 0, sizeof *added);
    added->name = copy;
    return added;
}
