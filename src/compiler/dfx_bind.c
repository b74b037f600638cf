/* A kernel of a program -> the mapping that it says. */
#include "compiler/dfx_private.h"

#include "mapping/dataflow.h"

void kpu_dfx_kernel_problem(const kpu_dfx_kernel *kernel, kpu_problem *out)
{
    *out = (kpu_problem){.partial_bytes = kpu_dtype_bytes(kernel->partial_dtype)};
    for (int d = 0; d < KPU_DIMS; d++)
        out->dim[d] = kernel->dim[d];
    for (int x = 0; x < KPU_OPERANDS; x++) {
        out->element_bytes[x] = kpu_dtype_bytes(kernel->dtype[x]);
        out->transposed[x] = kernel->transposed[x];
    }
}

void kpu_dfx_kernel_candidate(const kpu_dfx_kernel *kernel, kpu_candidate *out)
{
    const kpu_dataflow *flow = kpu_dataflow_at(kernel->dataflow);
    kpu_candidate_defaults(out);
    out->dataflow = kernel->dataflow;
    out->control = kernel->control;
    out->eddo_window = kernel->eddo_window;
    out->l1_buffers = kernel->l1_buffers;
    out->swap = kernel->loops[KPU_BLOCK_LOOPS].dim != flow->loops[0][0];
    for (int i = 0; i < KPU_DIMS; i++) {
        const kpu_dfx_loop *block = &kernel->loops[i], *tile = &kernel->loops[KPU_BLOCK_LOOPS + i];
        out->order[i] = block->dim;
        out->block[block->dim] = block->step;
        out->tile[tile->dim] = tile->step;
    }
    out->auto_residency = 0;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        out->hoist[x][KPU_HOIST_L3] = kernel->operations[KPU_DFX_LOAD_L3 + x].hoist;
        out->hoist[x][KPU_HOIST_L2] = kernel->operations[KPU_DFX_LOAD_L2 + x].hoist;
        out->l3_buffers[x] = kernel->allocations[x].buffers;
        out->l2_buffers[x] = kernel->allocations[KPU_OPERANDS + x].buffers;
    }
}

typedef struct need {
    int limit;
    const char *unit;
    int64_t needed, available;
} need;

static int complain_of_limits(const kpu_dfx_kernel *kernel, const kpu_machine *machine,
                              const kpu_mapping *m, kpu_diag *diag)
{
    const need needs[] = {
        {KPU_LIMIT_L3, "bytes", m->l3_bytes, kpu_machine_capacity_bytes(machine, KPU_LEVEL_L3)},
        {KPU_LIMIT_L2, "bytes", m->l2_bytes, kpu_machine_capacity_bytes(machine, KPU_LEVEL_L2)},
        {KPU_LIMIT_L1, "bytes", m->l1_bytes, kpu_machine_capacity_bytes(machine, KPU_LEVEL_L1)},
        {KPU_LIMIT_REGISTERS, "a processing element", m->full_passes, machine->registers_per_pe},
    };
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (m->broken >> needs[i].limit & 1)
            kpu_diag_add(diag, KPU_E_INPUT,
                         "kernel '%s' does not fit machine '%s': %s: needs %lld %s, there are %lld",
                         kernel->name, machine->name, kpu_limit_names[needs[i].limit],
                         (long long)needs[i].needed, needs[i].unit, (long long)needs[i].available);
    if (m->broken >> KPU_LIMIT_INPUT & 1)
        kpu_diag_add(diag, KPU_E_INPUT, "kernel '%s': %s", kernel->name, m->input_error);
    return KPU_E_INPUT;
}

int kpu_dfx_bind(const kpu_dfx_kernel *kernel, const kpu_machine *machine, kpu_mapping *out,
                 kpu_diag *diag)
{
    kpu_problem problem;
    kpu_candidate candidate;
    kpu_dfx_kernel_problem(kernel, &problem);
    kpu_dfx_kernel_candidate(kernel, &candidate);
    int code = kpu_mapping_make(machine, &problem, &candidate, out);
    if (code == KPU_OK && out->broken)
        code = complain_of_limits(kernel, machine, out, diag);
    return code;
}
