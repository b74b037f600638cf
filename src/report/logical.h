/* Private to the report: steps in the published order, outermost m, then n, innermost k. */
#ifndef KPU_SRC_REPORT_LOGICAL_H
#define KPU_SRC_REPORT_LOGICAL_H

#include "kpu/report.h"

static inline void logical_tile(const kpu_mapping *mapping, int64_t step, int64_t tile[KPU_DIMS])
{
    tile[KPU_K] = step % mapping->tiles[KPU_K];
    step /= mapping->tiles[KPU_K];
    tile[KPU_N] = step % mapping->tiles[KPU_N];
    tile[KPU_M] = step / mapping->tiles[KPU_N];
}

/* How many of the mapping's steps lie within those of the style; -1: more than a list may have, or
 * numbers that are too large for the times of their events. */
int64_t logical_steps(const kpu_mapping *mapping, const kpu_list_style *style);

#endif
