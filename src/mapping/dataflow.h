/* Private to the library: what distinguishes one dataflow from another, as data.
 *
 * The array's rows hold `row_dim` and its columns `col_dim`; a tile is cut into passes of at most
 * R x C of them, and each pass streams the third dimension. From these two follow the rest:
 * the stationary operand is the one without the streamed dimension, the operand without the
 * column dimension is fed once per column pass, the one without the row dimension once per row
 * pass. See docs/add-a-dataflow.md. */
#ifndef KPU_SRC_MAPPING_DATAFLOW_H
#define KPU_SRC_MAPPING_DATAFLOW_H

#include "kpu/mapping.h"

typedef struct kpu_dataflow {
    const char *name;
    uint8_t loops[2][KPU_DIMS]; /* tile loops, outermost first, without and with swap */
    uint8_t row_dim, col_dim;
    int64_t unpipelined_row_fills; /* `pipelining = none`: a pass costs depth + this*R + C - 2 */
} kpu_dataflow;

/* dataflows.def, in the order of KPU_OS, KPU_WS, KPU_IS */
#define KPU_X(name) extern const kpu_dataflow kpu_dataflow_##name;
#include "dataflows.def"
#undef KPU_X

const kpu_dataflow *kpu_dataflow_at(int64_t index);

/* Bit d set: the operand is indexed by dimension d. */
extern const uint8_t kpu_operand_dims[KPU_OPERANDS];
/* The operand that is not indexed by `dim`. */
int kpu_operand_without(int dim);

static inline int kpu_dataflow_depth_dim(const kpu_dataflow *dataflow)
{
    return KPU_M + KPU_N + KPU_K - dataflow->row_dim - dataflow->col_dim;
}
static inline int kpu_dataflow_stationary(const kpu_dataflow *dataflow)
{
    return kpu_operand_without(kpu_dataflow_depth_dim(dataflow));
}

#endif
