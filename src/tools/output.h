/* Private to the program: a finished text to the standard output. */
#ifndef KPU_SRC_TOOLS_OUTPUT_H
#define KPU_SRC_TOOLS_OUTPUT_H

#include "kpu/report.h"

/* Prints and frees. Whether it reached its reader is checked once, at the program's end. */
int kpu_tool_print(kpu_text *text);

#endif
