/* Private to the report: what drawings of a chart have in common. */
#ifndef KPU_SRC_REPORT_GANTT_H
#define KPU_SRC_REPORT_GANTT_H

#include "report/schedule_list.h"

const char *gantt_verb(const kpu_command *command); /* "load", "in", "compute", ... */

#endif
