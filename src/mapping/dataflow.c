#include "mapping/dataflow.h"

static const kpu_dataflow *const dataflows[] = {
#define KPU_X(name) &kpu_dataflow_##name,
#include "dataflows.def"
#undef KPU_X
};
_Static_assert(sizeof dataflows / sizeof *dataflows == KPU_DATAFLOWS, "one line per dataflow");

const char *const kpu_dataflow_names[KPU_DATAFLOWS] = {
#define KPU_X(name) #name,
#include "dataflows.def"
#undef KPU_X
};

const uint8_t kpu_operand_dims[KPU_OPERANDS] = {
    [KPU_A] = 1 << KPU_M | 1 << KPU_K,
    [KPU_B] = 1 << KPU_K | 1 << KPU_N,
    [KPU_C] = 1 << KPU_M | 1 << KPU_N,
};

const kpu_dataflow *kpu_dataflow_at(int64_t index)
{
    return dataflows[index];
}

int kpu_operand_without(int dim)
{
    static const uint8_t without[KPU_DIMS] = {[KPU_M] = KPU_B, [KPU_N] = KPU_A, [KPU_K] = KPU_C};
    return without[dim];
}
