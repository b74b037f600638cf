/* Weight-stationary: B stays in the array while the rows of A stream through. */
#include "mapping/dataflow.h"

const kpu_dataflow kpu_dataflow_ws = {
    .name = "ws",
    .loops = {{KPU_N, KPU_K, KPU_M}, {KPU_K, KPU_N, KPU_M}},
    .row_dim = KPU_K,
    .col_dim = KPU_N,
    .unpipelined_row_fills = 2,
};
