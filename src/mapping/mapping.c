#include "kpu/mapping.h"

#include <string.h>

#include "mapping/nest.h"

const char *const kpu_control_names[KPU_CONTROLS] = {"iddo", "eddo"};
const char *const kpu_limit_names[KPU_LIMITS] = {"input", "l3", "l2", "l1", "registers"};

/* So that no sum of bytes or cycles of a run can leave 64 bits. */
static const int64_t largest_product = INT64_C(1) << 56;

void kpu_candidate_defaults(kpu_candidate *candidate)
{
    *candidate = (kpu_candidate){
        .tile = {1, 1, 1},
        .dataflow = KPU_OS,
        .order = {KPU_M, KPU_N, KPU_K},
        .l3_buffers = {2, 2, 2},
        .l2_buffers = {2, 2, 2},
        .l1_buffers = 2,
        .control = KPU_IDDO,
        .eddo_window = 32,
        .auto_residency = 1,
    };
}

const char *kpu_mapping_problem_error(const kpu_problem *p)
{
    for (int d = 0; d < KPU_DIMS; d++)
        if (p->dim[d] < 1)
            return "M, N and K must be at least 1";
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (p->element_bytes[x] < 1)
            return "element sizes must be at least 1 byte";
    if (p->partial_bytes < p->element_bytes[KPU_C])
        return "eC must not exceed eP";
    if (p->transposed[KPU_C])
        return "only A and B can lie transposed";
    int64_t product =
        kpu_mul_saturate(kpu_mul_saturate(p->dim[KPU_M], p->dim[KPU_N]), p->dim[KPU_K]);
    int64_t widest = p->partial_bytes;
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (p->element_bytes[x] > widest)
            widest = p->element_bytes[x];
    if (kpu_mul_saturate(product, widest) > largest_product)
        return "M*N*K times the bytes of the widest element is over 2^56: sums may leave 64 bits";
    return NULL;
}

static const char *buffering_error(const kpu_candidate *c)
{
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (c->l3_buffers[x] < 1 || c->l2_buffers[x] < 1)
            return "d3 and d2 must be at least 1";
    return c->l1_buffers < 1 ? "d1 must be at least 1" : NULL;
}

static const char *candidate_error(const kpu_candidate *c)
{
    unsigned seen = 0;
    for (int d = 0; d < KPU_DIMS; d++) {
        if (c->tile[d] < 1)
            return "TM, TN and TK must be at least 1";
        if (c->block[d] < 0)
            return "BM, BN and BK must not be negative";
        if (c->order[d] >= 0 && c->order[d] < KPU_DIMS)
            seen |= 1u << c->order[d];
    }
    if (seen != 7)
        return "order must be a permutation of mnk";
    if (c->dataflow < 0 || c->dataflow >= KPU_DATAFLOWS)
        return "dataflow must be os, ws or is";
    if (c->swap != 0 && c->swap != 1)
        return "swap must be 0 or 1";
    if (c->control < 0 || c->control >= KPU_CONTROLS)
        return "control must be iddo or eddo";
    if (c->eddo_window < 1)
        return "eddo_window must be at least 1";
    for (int x = 0; x < KPU_OPERANDS && !c->auto_residency; x++) {
        int64_t p3 = c->hoist[x][KPU_HOIST_L3], p2 = c->hoist[x][KPU_HOIST_L2];
        if (p3 < 0 || p2 > KPU_NEST || p3 > p2)
            return "residency needs 0 <= p(L3) <= p(L2) <= 6";
    }
    return buffering_error(c);
}

/* Clamps tile and block; false if a block is neither whole nor a multiple of its tile. */
static bool lay_out(const kpu_candidate *c, kpu_mapping *m)
{
    for (int d = 0; d < KPU_DIMS; d++) {
        int64_t size = m->problem.dim[d];
        int64_t tile = c->tile[d] < size ? c->tile[d] : size;
        int64_t block = c->block[d] == 0 || c->block[d] >= size ? size : c->block[d];
        if (block != size && block % tile != 0)
            return false;
        m->tile[d] = tile;
        m->block[d] = block;
        m->tiles[d] = kpu_ceil_div(size, tile);
        m->blocks[d] = kpu_ceil_div(size, block);
        m->block_tiles[d] = kpu_ceil_div(block, tile);
        m->last_block_tiles[d] = kpu_ceil_div(size - (m->blocks[d] - 1) * block, tile);
    }
    return true;
}

static void set_loops(const kpu_candidate *c, kpu_mapping *m)
{
    const kpu_dataflow *flow = kpu_dataflow_at(c->dataflow);
    for (int i = 0; i < KPU_DIMS; i++) {
        m->loop_dim[i] = (uint8_t)c->order[i];
        m->loop_dim[KPU_BLOCK_LOOPS + i] = flow->loops[c->swap][i];
    }
    m->dataflow = c->dataflow;
    m->control = c->control;
    m->eddo_window = c->eddo_window;
    m->l1_buffers = c->l1_buffers;
    const int64_t *t = m->tile;
    m->slot_bytes[KPU_A] = t[KPU_M] * t[KPU_K] * m->problem.element_bytes[KPU_A];
    m->slot_bytes[KPU_B] = t[KPU_K] * t[KPU_N] * m->problem.element_bytes[KPU_B];
    m->slot_bytes[KPU_C] = t[KPU_M] * t[KPU_N] * m->problem.partial_bytes;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        m->buffers[x][KPU_HOIST_L3] = c->l3_buffers[x];
        m->buffers[x][KPU_HOIST_L2] = c->l2_buffers[x];
        for (int level = 0; level < KPU_HOIST_LEVELS; level++)
            m->hoist[x][level] = c->hoist[x][level];
    }
}

static void check_fabric(const kpu_machine *machine, kpu_mapping *m)
{
    const kpu_dataflow *flow = kpu_dataflow_at(m->dataflow);
    int stationary = kpu_dataflow_stationary(flow);
    int64_t streamed_bytes = 0;
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (x != stationary)
            streamed_bytes += m->slot_bytes[x];
    m->l1_bytes = kpu_mul_saturate(m->l1_buffers, streamed_bytes);
    if (m->l1_bytes > kpu_machine_capacity_bytes(machine, KPU_LEVEL_L1))
        m->broken |= 1u << KPU_LIMIT_L1;
    m->full_passes = kpu_ceil_div(m->tile[flow->row_dim], machine->fabric_rows) *
                     kpu_ceil_div(m->tile[flow->col_dim], machine->fabric_cols);
    m->double_buffered = m->full_passes <= machine->registers_per_pe / 2;
    m->registers_per_pe = m->full_passes * (m->double_buffered ? 2 : 1);
    if (m->full_passes > machine->registers_per_pe)
        m->broken |= 1u << KPU_LIMIT_REGISTERS;
}

int kpu_mapping_make(const kpu_machine *machine, const kpu_problem *problem,
                     const kpu_candidate *candidate, kpu_mapping *out)
{
    memset(out, 0, sizeof *out);
    out->problem = *problem;
    const char *error = kpu_mapping_problem_error(problem);
    if (!error)
        error = candidate_error(candidate);
    if (!error && !lay_out(candidate, out))
        error = "a block must be 0, whole, or a multiple of its tile";
    if (error) {
        out->broken = 1u << KPU_LIMIT_INPUT;
        strncpy(out->input_error, error, sizeof out->input_error - 1);
        return KPU_OK;
    }
    set_loops(candidate, out);
    if (candidate->auto_residency)
        kpu_mapping_choose_residency(machine, out);
    kpu_mapping_apply_hoists(machine, out);
    check_fabric(machine, out);
    return KPU_OK;
}
