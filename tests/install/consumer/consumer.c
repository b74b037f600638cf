/* The smallest useful program on top of libkpu: times one GEMM on a machine file. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <kpu/machine.h>
#include <kpu/metrics.h>

static int fail(kpu_diag *diag)
{
    char *text = kpu_diag_render(diag);
    fputs(text != NULL ? text : "out of memory\n", stderr);
    free(text);
    kpu_diag_fini(diag);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const kpu_problem problem = {
        .dim = {512, 512, 512}, .element_bytes = {4, 4, 4}, .partial_bytes = 4};
    kpu_candidate candidate;
    kpu_machine machine;
    kpu_diag diag;
    kpu_diag_init(&diag);
    if (argc != 2)
        return EXIT_FAILURE;
    if (kpu_machine_load(argv[1], &machine, &diag) != KPU_OK)
        return fail(&diag);
    kpu_candidate_defaults(&candidate);
    for (int dim = 0; dim < KPU_DIMS; dim++)
        candidate.tile[dim] = 64;

    kpu_simulator *simulator = kpu_simulator_new();
    kpu_result result;
    int code = simulator != NULL ? kpu_evaluate(simulator, &machine, &problem, &candidate, &result)
                                 : KPU_E_MEMORY;
    if (code == KPU_OK)
        printf("%s: %" PRId64 " cycles\n", machine.name, result.counts.cycles);
    kpu_simulator_free(simulator);
    kpu_diag_fini(&diag);
    return code == KPU_OK && result.counts.cycles == 817580 ? EXIT_SUCCESS : EXIT_FAILURE;
}
