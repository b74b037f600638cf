/* Private to the program: a sweep, with what the command line overrides. */
#ifndef KPU_SRC_TOOLS_SWEEP_INPUT_H
#define KPU_SRC_TOOLS_SWEEP_INPUT_H

#include "kpu/config.h"
#include "tools/command.h"

/* Applies --set section.key=value. A machine's key becomes an axis of one value, so that it
 * overrides every machine of the sweep. */
int kpu_tool_set(kpu_ini *sweep, const char *assignment, kpu_diag *diag);
/* Applies section.key=value, which came from the option `option` ("--seed"; not copied): complaints
 * about it, now and later, name that. */
int kpu_tool_set_option(kpu_ini *sweep, const char *option, const char *key, const char *value,
                        kpu_diag *diag);
/* Reads a sweep and applies the list. kpu_ini_fini it in any case. */
int kpu_tool_read_sweep(const char *path, const kpu_option_list *sets, kpu_ini *out,
                        kpu_diag *diag);

#endif
