/* Private to the program: eval --jsonl. */
#ifndef KPU_SRC_TOOLS_JSONL_H
#define KPU_SRC_TOOLS_JSONL_H

#include "kpu/base.h"

/* Reads a case a line from the standard input, prints a result a line. A bad line gives
 * {"error": ...} in its place and KPU_E_INPUT in the end.
 * `plain_walk`: without fast-forward. */
int kpu_tool_jsonl(bool plain_walk, kpu_diag *diag);

#endif
