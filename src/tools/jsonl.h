/* Private to the program: eval --jsonl. */
#ifndef KPU_SRC_TOOLS_JSONL_H
#define KPU_SRC_TOOLS_JSONL_H

#include "kpu/base.h"

/* Reads a case a line from the standard input, prints a result a line. A bad line gives
 * {"error": ...} in its place and KPU_E_INPUT in the end. */
int kpu_tool_jsonl(kpu_diag *diag);

#endif
