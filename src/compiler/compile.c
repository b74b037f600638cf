#include "kpu/compiler.h"

#include <string.h>

#include "mapping/dataflow.h"

static void compile_loops(const kpu_mapping *m, kpu_program *p)
{
    for (int i = 0; i < KPU_NEST; i++) {
        int dim = p->loop_dim[i] = m->loop_dim[i];
        p->trips[i][0] = i < KPU_BLOCK_LOOPS ? m->blocks[dim] : m->block_tiles[dim];
        p->trips[i][1] = i < KPU_BLOCK_LOOPS ? m->blocks[dim] : m->last_block_tiles[dim];
        for (int x = 0; x < KPU_OPERANDS; x++)
            if (kpu_operand_dims[x] >> dim & 1)
                p->relevant[x] |= (uint8_t)(1u << i);
    }
}

static void compile_tiles(const kpu_mapping *m, kpu_program *p)
{
    for (int d = 0; d < KPU_DIMS; d++) {
        p->tiles[d] = m->tiles[d];
        p->extent[d][0] = m->tile[d];
        p->extent[d][1] = m->problem.dim[d] - (m->tiles[d] - 1) * m->tile[d];
        p->has_edge[d] = p->extent[d][1] != m->tile[d];
    }
    for (int edges = 0; edges < KPU_EDGES; edges++) {
        int64_t size[KPU_DIMS];
        for (int d = 0; d < KPU_DIMS; d++)
            size[d] = p->extent[d][edges >> d & 1];
        for (int x = 0; x < KPU_OPERANDS; x++) {
            int64_t elements = 1;
            for (int d = 0; d < KPU_DIMS; d++)
                if (kpu_operand_dims[x] >> d & 1)
                    elements *= size[d];
            int64_t element_bytes =
                x == KPU_C ? m->problem.partial_bytes : m->problem.element_bytes[x];
            p->tile_bytes[x][edges] = elements * element_bytes;
            if (x == KPU_C)
                p->final_bytes[edges] = elements * m->problem.element_bytes[KPU_C];
        }
    }
}

static void compile_windows(const kpu_mapping *m, kpu_program *p)
{
    const unsigned all = (1u << KPU_NEST) - 1;
    for (int x = 0; x < KPU_OPERANDS; x++)
        for (int level = 0; level < KPU_HOIST_LEVELS; level++) {
            unsigned outside = (1u << m->hoist[x][level]) - 1, inside = all & ~outside;
            p->window[x][level] = (kpu_program_window){
                .hoist = (uint8_t)m->hoist[x][level],
                .relevant_outside = (uint8_t)(p->relevant[x] & outside),
                .relevant_inside = (uint8_t)(p->relevant[x] & inside),
                .irrelevant_inside = (uint8_t)(~p->relevant[x] & inside),
                .slots = m->slots[x][level],
            };
        }
}

void kpu_program_compile(const kpu_mapping *m, kpu_program *p)
{
    memset(p, 0, sizeof *p);
    const kpu_dataflow *flow = kpu_dataflow_at(m->dataflow);
    compile_loops(m, p);
    compile_tiles(m, p);
    compile_windows(m, p);
    p->row_dim = flow->row_dim;
    p->col_dim = flow->col_dim;
    p->depth_dim = (uint8_t)kpu_dataflow_depth_dim(flow);
    p->unpipelined_row_fills = flow->unpipelined_row_fills;
    p->stationary = (uint8_t)kpu_dataflow_stationary(flow);
    p->l1_buffers = m->l1_buffers;
    p->double_buffered = m->double_buffered;
    p->control = m->control;
    p->eddo_window = m->eddo_window;
}
