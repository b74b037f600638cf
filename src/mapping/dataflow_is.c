/* Input-stationary: A stays in the array while the columns of B stream through. */
#include "mapping/dataflow.h"

const kpu_dataflow kpu_dataflow_is = {
    .name = "is",
    .loops = {{KPU_M, KPU_K, KPU_N}, {KPU_K, KPU_M, KPU_N}},
    .row_dim = KPU_K,
    .col_dim = KPU_M,
    .unpipelined_row_fills = 2,
};
