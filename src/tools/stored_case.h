/* Private to the programs: one candidate of a results file, as a case of its own. */
#ifndef KPU_SRC_TOOLS_STORED_CASE_H
#define KPU_SRC_TOOLS_STORED_CASE_H

#include "tools/case_options.h"

/* Machine, problem and candidate number `id` (text from a command line); the file keeps all of
 * them. */
int kpu_stored_case_read(const char *path, const char *id, kpu_tool_case *out, kpu_diag *diag);

#endif
