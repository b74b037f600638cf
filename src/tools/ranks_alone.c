/* Until there is a transport: every process is alone. */
#include "tools/ranks.h"

#define WEAK __attribute__((weak))

bool WEAK kpu_tool_ranks_started(int *rank, int *count)
{
    *rank = 0;
    *count = 1;
    return false;
}

int WEAK kpu_tool_ranks_open(kpu_ranks **out, kpu_diag *diag)
{
    (void)diag;
    *out = NULL;
    return KPU_OK;
}

void WEAK kpu_tool_ranks_close(kpu_ranks *ranks)
{
    (void)ranks;
}

int WEAK kpu_search_serve(const kpu_space *space, kpu_ranks *ranks,
                          const kpu_search_options *options, kpu_diag *diag)
{
    (void)space;
    (void)ranks;
    (void)options;
    return kpu_diag_add(diag, KPU_E_INTERNAL, "no ranks");
}

void WEAK kpu_ranks_dismiss(kpu_ranks *ranks)
{
    (void)ranks;
}
