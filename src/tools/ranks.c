/* The processes among which this one was started, by the variables that launchers set. */
#include "tools/ranks.h"

#include <stdlib.h>

#include "tools/ranks_transport.h"
#include "tools/run.h"

/* Of a batch script Slurm says how many tasks there will be, of a task srun says how many there
 * are: only the latter counts. */
static const struct {
    const char *rank, *count;
} launchers[] = {
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"}, /* OpenMPI's mpirun */
    {"PMI_RANK", "PMI_SIZE"},                         /* MPICH's, Intel's */
    {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"},         /* srun */
};

/* A variable that is a whole number; -1: it is not. */
static long read_variable(const char *name)
{
    const char *text = getenv(name);
    char *end;
    if (!text || !*text)
        return -1;
    long value = strtol(text, &end, 10);
    return *end == '\0' && value >= 0 && value < 1 << 24 ? value : -1;
}

bool kpu_tool_ranks_started(int *rank, int *count)
{
    *rank = 0;
    *count = 1;
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) {
        long own = read_variable(launchers[i].rank), all = read_variable(launchers[i].count);
        if (own < 0 || all < 2 || own >= all)
            continue;
        *rank = (int)own;
        *count = (int)all;
        return true;
    }
    return false;
}

int kpu_tool_ranks_open(kpu_ranks **out, kpu_diag *diag)
{
    int rank, count;
    *out = NULL;
    if (!kpu_tool_ranks_started(&rank, &count))
        return KPU_OK;
    int code = kpu_tool_transport_open(out, diag);
    if (code != KPU_OK || (*out)->count == count)
        return code;
    int seen = (*out)->count;
    kpu_tool_transport_close(*out);
    *out = NULL;
    return kpu_diag_add(diag, KPU_E_INPUT,
                        "this is one of %d processes, but MPI knows of %d: were they started by "
                        "the same MPI (with srun: --mpi=pmix)? --shard ranks needs no MPI",
                        count, seen);
}

void kpu_tool_ranks_decline(kpu_ranks *ranks, kpu_diag *diag)
{
    if (ranks && ranks->rank > 0 && !kpu_ranks_decline(ranks))
        kpu_diag_fini(diag);
}

void kpu_tool_ranks_close(kpu_ranks *ranks)
{
    if (!ranks)
        return;
    if (ranks->rank == 0)
        kpu_ranks_dismiss(ranks);
    if (*kpu_run_stop()) /* the launcher kills those that are not gone soon */
        ranks->lost = ranks->count - 1;
    if (ranks->rank > 0 && ranks->lost > 0 && ranks->lost < ranks->count - 1)
        kpu_ranks_wait(ranks, kpu_run_stop());
    kpu_tool_transport_close(ranks);
}
