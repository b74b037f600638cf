/* Private to the program: the processes among which this one was started. */
#ifndef KPU_SRC_TOOLS_RANKS_H
#define KPU_SRC_TOOLS_RANKS_H

#include "kpu/ranks.h"

/* Whether mpirun or srun started this process as one of several, and which: no MPI is needed to
 * know. */
bool kpu_tool_ranks_started(int *rank, int *count);
/* *out: NULL if this process is alone. KPU_E_INPUT if it is not, and MPI was not built in. */
int kpu_tool_ranks_open(kpu_ranks **out, kpu_diag *diag);
/* The run cannot begin in this process, as `diag` says; of several that say the same one is enough.
 * Takes NULL. */
void kpu_tool_ranks_decline(kpu_ranks *ranks, kpu_diag *diag);
/* Takes NULL. Does not wait for ranks that were lost. */
void kpu_tool_ranks_close(kpu_ranks *ranks);

#endif
