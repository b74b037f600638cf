/* Private to the program: the space of a results file, from what the file itself keeps. */
#ifndef KPU_SRC_TOOLS_STORED_SPACE_H
#define KPU_SRC_TOOLS_STORED_SPACE_H

#include "kpu/explorer.h"
#include "kpu/store.h"

/* From the sweep and the files in /provenance; no other file is looked at. Checked against the
 * tables of machines and workloads, the model's version and the objectives: KPU_E_REFUTED if the
 * results file contradicts itself. `path` is for the complaints. */
int kpu_stored_space_read(kpu_results *results, const char *path, kpu_space **out, kpu_diag *diag);

#endif
