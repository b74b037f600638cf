/* Private to the report: what the writer of traces and their reader agree on. */
#ifndef KPU_SRC_REPORT_TRACE_H
#define KPU_SRC_REPORT_TRACE_H

#include "report/outlet.h"

/* The counters of a trace, each with its series. */
enum {
    TRACE_L3,
    TRACE_L2,
    TRACE_L1,
    TRACE_DRAM_LINK,
    TRACE_L3_LINK,
    TRACE_L2_LINK,
    TRACE_COUNTERS
};
enum { TRACE_SERIES_MAX = 4 };

/* A series of a counter is one step up or down at a cycle. */
typedef struct trace_change {
    int64_t cycle;
    uint8_t counter, series;
    int8_t sign;
} trace_change;

/* All changes of a schedule, by cycle and counter; the caller frees them. */
int trace_changes_find(const kpu_schedule *schedule, trace_change **out, size_t *count);

#endif
