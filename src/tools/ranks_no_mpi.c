#include "tools/ranks_transport.h"

int kpu_tool_transport_open(kpu_ranks **out, kpu_diag *diag)
{
    *out = NULL;
    return kpu_diag_add(diag, KPU_E_INPUT,
                        "one of several processes, but this kpu-dse was built without MPI: say "
                        "--shard ranks and merge, or build with -DKPU_MPI=ON");
}

void kpu_tool_transport_close(kpu_ranks *ranks)
{
    (void)ranks;
}
