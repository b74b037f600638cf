#include "kpu/metrics.h"

#include <string.h>

int kpu_evaluate(kpu_simulator *simulator, const kpu_machine *machine, const kpu_problem *problem,
                 const kpu_candidate *candidate, kpu_result *out)
{
    memset(&out->bounds, 0, sizeof out->bounds);
    memset(&out->counts, 0, sizeof out->counts);
    int code = kpu_mapping_make(machine, problem, candidate, &out->mapping);
    if (code != KPU_OK || out->mapping.broken)
        return code;
    kpu_mapping_bounds(machine, &out->mapping, &out->bounds);
    return kpu_simulator_run(simulator, machine, &out->mapping, &out->counts);
}

void kpu_result_level_bytes(const kpu_result *result, int64_t read[KPU_LEVELS],
                            int64_t written[KPU_LEVELS])
{
    const kpu_traffic *t = &result->counts.traffic;
    memset(read, 0, KPU_LEVELS * sizeof *read);
    memset(written, 0, KPU_LEVELS * sizeof *written);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        read[KPU_LEVEL_DRAM] += t->dram_read[x];
        written[KPU_LEVEL_DRAM] += t->dram_write[x];
        read[KPU_LEVEL_L3] += t->l3_to_l2[x] + t->dram_write[x];
        written[KPU_LEVEL_L3] += t->dram_read[x] + t->l2_to_l3[x];
        read[KPU_LEVEL_L2] += t->l2_to_l1[x] + t->l2_to_l3[x];
        written[KPU_LEVEL_L2] += t->l3_to_l2[x] + t->l1_to_l2[x];
        read[KPU_LEVEL_L1] += t->l1_to_fabric[x] + t->l1_to_l2[x];
        written[KPU_LEVEL_L1] += t->l2_to_l1[x] + t->fabric_to_l1[x];
    }
}

void kpu_result_energy(const kpu_machine *machine, const kpu_result *result, kpu_energy *out)
{
    int64_t read[KPU_LEVELS], written[KPU_LEVELS];
    const kpu_problem *p = &result->mapping.problem;
    kpu_result_level_bytes(result, read, written);
    out->total_pj = 0;
    for (int level = 0; level < KPU_LEVELS; level++) {
        out->level_pj[level] = (double)read[level] * machine->read_pj[level] +
                               (double)written[level] * machine->write_pj[level];
        out->total_pj += out->level_pj[level];
    }
    out->mac_pj = (double)(p->dim[KPU_M] * p->dim[KPU_N] * p->dim[KPU_K]) * machine->mac_pj;
    /* mW * cycles / GHz = mW * ns = pJ */
    out->leakage_pj = machine->leakage_mw * (double)result->counts.cycles / machine->clock_ghz;
    out->total_pj += out->mac_pj + out->leakage_pj;
}
