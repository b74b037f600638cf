/* Private to the program: the candidate of a command that takes FILE ID or flags. */
#ifndef KPU_SRC_TOOLS_CALL_CASE_H
#define KPU_SRC_TOOLS_CALL_CASE_H

#include "tools/case_options.h"

/* From the operands of the call, or from `values`; both is a complaint. */
int kpu_call_case_read(const kpu_call *call, const kpu_case_values *values, kpu_tool_case *out);

#endif
