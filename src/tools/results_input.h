/* Private to the program: results files that are named on a command line. */
#ifndef KPU_SRC_TOOLS_RESULTS_INPUT_H
#define KPU_SRC_TOOLS_RESULTS_INPUT_H

#include "kpu/store.h"

/* kpu_results_open; where there is no such file it tells if there is an unfinished one. */
int kpu_tool_open_results(const char *path, kpu_results **out, kpu_diag *diag);

#endif
