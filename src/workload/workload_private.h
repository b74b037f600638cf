/* Shared by the files of src/workload. */
#ifndef KPU_WORKLOAD_PRIVATE_H
#define KPU_WORKLOAD_PRIVATE_H

#include "kpu/config.h"
#include "kpu/workload.h"

/* M, N, K and count as rows, so that their complaints read like those of a key. */
enum { KPU_WORKLOAD_COUNT = KPU_DIMS, KPU_WORKLOAD_NUMBERS };
extern const kpu_key kpu_workload_number_keys[KPU_WORKLOAD_NUMBERS];

/* Appends a GEMM; complains about a name that is there already and about sizes. Copies name. */
int kpu_workload_add(kpu_workload *workload, const kpu_gemm *gemm, const kpu_place *place,
                     kpu_diag *diag);

#endif
