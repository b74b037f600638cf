/* Private to the program: all that is wrong with a file, at once. */
#ifndef KPU_SRC_TOOLS_COMPLAINTS_H
#define KPU_SRC_TOOLS_COMPLAINTS_H

#include "kpu/config.h"

/* After reading or overriding `ini` failed: makes what it describes of what was good in it, only
 * to add the complaints of that. Keys that are missing because they were bad are not mentioned. */
void kpu_tool_complain_further(const kpu_ini *ini, kpu_diag *diag);

#endif
