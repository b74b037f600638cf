/* Private to the metrics: what several rows of the table share, computed once a result. */
#ifndef KPU_SRC_METRICS_PRIVATE_H
#define KPU_SRC_METRICS_PRIVATE_H

#include "kpu/metrics.h"

typedef struct metric_context {
    const kpu_counts *counts;
    int64_t macs, commands;
    int64_t busiest_dma, busiest_bm;
    int64_t read[KPU_LEVELS], written[KPU_LEVELS];
    kpu_energy energy;
    int64_t engine_bound, dram_elements;
} metric_context;

#endif
