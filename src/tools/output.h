/* Private to the program: a finished text to the standard output. */
#ifndef KPU_SRC_TOOLS_OUTPUT_H
#define KPU_SRC_TOOLS_OUTPUT_H

#include "kpu/report.h"

/* Prints and frees. Whether it reached its reader is checked once, at the program's end. */
int kpu_tool_print(kpu_text *text);
/* The same for what is said about the output, to the standard error. */
int kpu_tool_remark(kpu_text *text);
/* The format of that name; NULL: the table. KPU_E_USAGE if there is none. */
int kpu_tool_choose_format(const char *name, kpu_table_format *out, kpu_diag *diag);

#endif
