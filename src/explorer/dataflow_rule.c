/* Which operand stays in the array, by the shape of the problem alone. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "explorer/tiling.h"

/* A dimension is large if it is that many times each of the others. */
static const int64_t large_ratio = 4;

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool is_large(const int64_t dim[KPU_DIMS], int which, int other, int another)
{
    return dim[which] / large_ratio >= larger(dim[other], dim[another]);
}

/* A problem whose K no tile should cut: a stationary tile of A or B would take as long to stream in
 * as it is used. */
static bool has_small_k(const kpu_machine *machine, const kpu_problem *problem)
{
    return problem->dim[KPU_K] <= larger(machine->fabric_rows, machine->fabric_cols);
}

static void say_large(char *why, const char *name, const int64_t dim[KPU_DIMS], const char *rest)
{
    snprintf(why, KPU_TILING_WHY_MAX + 1,
             "M, N, K = %" PRId64 ", %" PRId64 ", %" PRId64 ": %s is at least %" PRId64
             " times each of the others: %s",
             dim[KPU_M], dim[KPU_N], dim[KPU_K], name, large_ratio, rest);
}

int kpu_dataflow_by_rule(const kpu_machine *machine, const kpu_problem *problem,
                         char why[KPU_TILING_WHY_MAX + 1])
{
    const int64_t *dim = problem->dim;
    if (has_small_k(machine, problem)) {
        snprintf(why, KPU_TILING_WHY_MAX + 1,
                 "K = %" PRId64 " is no more than the array is wide (%" PRId64 " x %" PRId64
                 "): output-stationary with tiles of the whole K, so that C leaves the array once.",
                 dim[KPU_K], machine->fabric_rows, machine->fabric_cols);
        return KPU_OS;
    }
    if (is_large(dim, KPU_M, KPU_N, KPU_K)) {
        say_large(why, "M", dim, "weight-stationary, so that a tile of B serves many rows of A.");
        return KPU_WS;
    }
    if (is_large(dim, KPU_N, KPU_M, KPU_K)) {
        say_large(why, "N", dim, "input-stationary, so that a tile of A serves many columns of B.");
        return KPU_IS;
    }
    snprintf(why, KPU_TILING_WHY_MAX + 1,
             "M, N, K = %" PRId64 ", %" PRId64 ", %" PRId64 ": neither M nor N is %" PRId64
             " times each of the others, and K is not small: "
             "output-stationary, so that sums stay in the array.",
             dim[KPU_M], dim[KPU_N], dim[KPU_K], large_ratio);
    return KPU_OS;
}

void kpu_tiling_dataflows_list(const kpu_tiling_question *question, kpu_tiling_dataflows *out)
{
    memset(out, 0, sizeof *out);
    if (!question->any_dataflow) {
        out->dataflow[out->count++] = (int)question->base->dataflow;
        return;
    }
    int first = kpu_dataflow_by_rule(question->machine, question->problem, out->why);
    out->full_k = has_small_k(question->machine, question->problem);
    out->dataflow[out->count++] = first;
    for (int other = 0; other < KPU_DATAFLOWS; other++)
        if (other != first)
            out->dataflow[out->count++] = other;
}
