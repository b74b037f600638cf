/* reference.c - one candidate, from the machine to its stalls. */
#include "reference_parts.h"

#include <stdlib.h>

static bool is_order_legal(const int64_t order[KPU_DIMS])
{
    int seen = 0;
    for (int i = 0; i < KPU_DIMS; i++)
        if (order[i] >= 0 && order[i] < KPU_DIMS)
            seen |= 1 << order[i];
    return seen == (1 << KPU_DIMS) - 1;
}

static bool is_legal(const kpu_problem *problem, const kpu_candidate *candidate)
{
    bool legal = is_order_legal(candidate->order) && candidate->l1_buffers >= 1 &&
                 candidate->eddo_window >= 1 &&
                 problem->partial_bytes >= problem->element_bytes[KPU_C];
    for (int x = 0; x < KPU_OPERANDS; x++) {
        const int64_t *hoist = candidate->hoist[x];
        legal = legal && candidate->l3_buffers[x] >= 1 && candidate->l2_buffers[x] >= 1;
        if (!candidate->auto_residency)
            legal = legal && hoist[KPU_HOIST_L3] >= 0 && hoist[KPU_HOIST_L2] <= KPU_NEST &&
                    hoist[KPU_HOIST_L3] <= hoist[KPU_HOIST_L2];
    }
    return legal;
}

static int64_t l1_bytes(const ref_nest *nest)
{
    const int64_t *tile = nest->tile, *element = nest->problem->element_bytes;
    int64_t a = tile[KPU_M] * tile[KPU_K] * element[KPU_A];
    int64_t b = tile[KPU_K] * tile[KPU_N] * element[KPU_B];
    int64_t c = tile[KPU_M] * tile[KPU_N] * nest->problem->partial_bytes;
    switch (nest->candidate->dataflow) {
    case KPU_OS: return nest->candidate->l1_buffers * (a + b);
    case KPU_WS: return nest->candidate->l1_buffers * (a + c);
    default: return nest->candidate->l1_buffers * (b + c);
    }
}

static void check_limits(const ref_nest *nest, ref_result *out)
{
    int64_t passes = ref_passes(nest, nest->tile), registers = nest->machine->registers_per_pe;
    out->l1_bytes = l1_bytes(nest);
    out->double_buffered = 2 * passes <= registers;
    out->registers_per_pe = out->double_buffered ? 2 * passes : passes;
    if (out->l3_bytes > kpu_machine_capacity_bytes(nest->machine, KPU_LEVEL_L3))
        out->broken |= 1u << KPU_LIMIT_L3;
    if (out->l2_bytes > kpu_machine_capacity_bytes(nest->machine, KPU_LEVEL_L2))
        out->broken |= 1u << KPU_LIMIT_L2;
    if (out->l1_bytes > kpu_machine_capacity_bytes(nest->machine, KPU_LEVEL_L1))
        out->broken |= 1u << KPU_LIMIT_L1;
    if (passes > registers)
        out->broken |= 1u << KPU_LIMIT_REGISTERS;
}

/* Section 8, "Bytes per level". */
static void sum_levels(ref_result *out)
{
    const kpu_traffic *t = &out->counts.traffic;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        out->level_read[KPU_LEVEL_DRAM] += t->dram_read[x];
        out->level_written[KPU_LEVEL_DRAM] += t->dram_write[x];
        out->level_written[KPU_LEVEL_L3] += t->dram_read[x] + t->l2_to_l3[x];
        out->level_read[KPU_LEVEL_L3] += t->l3_to_l2[x] + t->dram_write[x];
        out->level_written[KPU_LEVEL_L2] += t->l3_to_l2[x] + t->l1_to_l2[x];
        out->level_read[KPU_LEVEL_L2] += t->l2_to_l1[x] + t->l2_to_l3[x];
        out->level_written[KPU_LEVEL_L1] += t->l2_to_l1[x] + t->fabric_to_l1[x];
        out->level_read[KPU_LEVEL_L1] += t->l1_to_fabric[x] + t->l1_to_l2[x];
    }
}

static void sum_energy(const ref_nest *nest, ref_result *out)
{
    const kpu_machine *machine = nest->machine;
    const int64_t *dim = nest->problem->dim;
    for (int level = 0; level < KPU_LEVELS; level++)
        out->level_pj[level] = (double)out->level_read[level] * machine->read_pj[level] +
                               (double)out->level_written[level] * machine->write_pj[level];
    out->mac_pj = (double)(dim[KPU_M] * dim[KPU_N] * dim[KPU_K]) * machine->mac_pj;
    out->leakage_pj = machine->leakage_mw * (double)out->counts.cycles / machine->clock_ghz;
}

void ref_evaluate(const kpu_machine *machine, const kpu_problem *problem,
                  const kpu_candidate *candidate, ref_result *out)
{
    ref_nest nest = {.machine = machine, .problem = problem, .candidate = candidate};
    *out = (ref_result){0};
    if (!is_legal(problem, candidate) || !ref_nest_make(&nest)) {
        out->broken = 1u << KPU_LIMIT_INPUT;
        return;
    }
    ref_choose_residency(&nest, out);
    check_limits(&nest, out);
    if (!out->broken) {
        ref_program program;
        ref_program_make(&nest, out, &program);
        ref_program_time(&nest, &program, out);
        ref_program_attribute(&program, out);
        sum_levels(out);
        sum_energy(&nest, out);
        ref_program_fini(&program);
    }
    ref_nest_fini(&nest);
}

void ref_result_fini(ref_result *result)
{
    free((void *)(uintptr_t)result->counts.dma_busy);
    free((void *)(uintptr_t)result->counts.bm_busy);
    *result = (ref_result){0};
}
