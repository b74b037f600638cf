/* Private to the program: messages by MPI, if it was built in (ranks_mpi.c, or ranks_no_mpi.c). */
#ifndef KPU_SRC_TOOLS_RANKS_TRANSPORT_H
#define KPU_SRC_TOOLS_RANKS_TRANSPORT_H

#include "kpu/ranks.h"

int kpu_tool_transport_open(kpu_ranks **out, kpu_diag *diag);
void kpu_tool_transport_close(kpu_ranks *ranks);

#endif
