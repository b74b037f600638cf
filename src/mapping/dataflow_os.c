/* Output-stationary: C stays in the array's accumulators while k streams through. */
#include "mapping/dataflow.h"

const kpu_dataflow kpu_dataflow_os = {
    .name = "os",
    .loops = {{KPU_M, KPU_N, KPU_K}, {KPU_N, KPU_M, KPU_K}},
    .row_dim = KPU_M,
    .col_dim = KPU_N,
    .unpipelined_row_fills = 1,
};
