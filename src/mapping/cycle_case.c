#include "mapping/cycle_case.h"

#include <math.h>

void kpu_operand_dimensions(int operand, int dims[2])
{
    int n = 0;
    for (int d = 0; d < KPU_DIMS; d++)
        if (kpu_operand_dims[operand] >> d & 1)
            dims[n++] = d;
}

static void set_dimension(kpu_cycle_case *c, int d, const kpu_dataflow *flow)
{
    const kpu_mapping *m = c->mapping;
    int64_t tile = m->tile[d], edge = m->problem.dim[d] - (m->tiles[d] - 1) * tile;
    c->tiles[d][KPU_TILE_IN_FULL_BLOCK] = (m->blocks[d] - 1) * m->block_tiles[d];
    c->tiles[d][KPU_TILE_EDGE] = edge != tile;
    c->tiles[d][KPU_TILE_IN_LAST_BLOCK] = m->last_block_tiles[d] - (edge != tile);
    c->sizes[d][0] = m->tiles[d] - (edge != tile);
    c->sizes[d][1] = edge != tile;
    if (d == kpu_dataflow_depth_dim(flow)) {
        int64_t fill = kpu_machine_fill_cycles(c->machine, flow->unpipelined_row_fills);
        c->factor[d][0] = tile + fill;
        c->factor[d][1] = edge + fill;
    } else {
        int64_t side = d == flow->row_dim ? c->machine->fabric_rows : c->machine->fabric_cols;
        c->factor[d][0] = kpu_ceil_div(tile, side);
        c->factor[d][1] = kpu_ceil_div(edge, side);
    }
    c->factors[d] = c->sizes[d][0] * c->factor[d][0] + c->sizes[d][1] * c->factor[d][1];
}

static int64_t extent(const kpu_mapping *m, int d, int edge)
{
    return edge ? m->problem.dim[d] - (m->tiles[d] - 1) * m->tile[d] : m->tile[d];
}

static void set_transfer(const kpu_cycle_case *c, int operand, int64_t element_bytes,
                         kpu_transfer_cycles *out)
{
    int dims[2];
    kpu_operand_dimensions(operand, dims);
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) {
            if (!c->sizes[dims[0]][i] || !c->sizes[dims[1]][j])
                continue;
            int64_t bytes =
                extent(c->mapping, dims[0], i) * extent(c->mapping, dims[1], j) * element_bytes;
            out->dma.of[i][j] = kpu_dma_cycles(c->machine, bytes);
            out->bm.of[i][j] = kpu_bm_load_cycles(c->machine, &c->mapping->problem, operand, bytes);
            out->stream.of[i][j] = kpu_stream_cycles(c->machine, operand, bytes);
        }
}

/* Every command started only after the one before it had ended: no sum below is larger. */
static double serial_cycles(const kpu_cycle_case *c)
{
    const kpu_run_ends *e = &c->ends;
    double step = (double)e->skew, compute = 1;
    for (int d = 0; d < KPU_DIMS; d++)
        compute *= (double)c->factor[d][0];
    for (int x = 0; x < KPU_OPERANDS; x++) {
        const kpu_transfer_cycles *in = &c->in[x];
        step += 2.0 *
                ((double)in->dma.of[0][0] + (double)in->bm.of[0][0] + (double)in->stream.of[0][0] +
                 (double)e->lat3 + (double)e->lat2 + (double)e->lat1);
    }
    for (int d = 0; d < KPU_DIMS; d++)
        step *= (double)c->mapping->tiles[d];
    for (int d = 0; d < KPU_DIMS; d++)
        compute *= (double)c->mapping->tiles[d];
    return step + compute;
}

bool kpu_cycle_case_init(const kpu_machine *machine, const kpu_mapping *m, kpu_cycle_case *c)
{
    const kpu_dataflow *flow = kpu_dataflow_at(m->dataflow);
    const kpu_problem *p = &m->problem;
    *c = (kpu_cycle_case){
        .machine = machine, .mapping = m, .stationary = kpu_dataflow_stationary(flow)};
    for (int d = 0; d < KPU_DIMS; d++)
        set_dimension(c, d, flow);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        set_transfer(c, x, x == KPU_C ? p->partial_bytes : p->element_bytes[x], &c->in[x]);
        kpu_mapping_visits(m, x, (int)m->hoist[x][KPU_HOIST_L3], &c->visits[x][KPU_VISIT_L3]);
        kpu_mapping_visits(m, x, (int)m->hoist[x][KPU_HOIST_L2], &c->visits[x][KPU_VISIT_L2]);
        kpu_mapping_visits(m, x, KPU_NEST, &c->visits[x][KPU_VISIT_RUN]);
    }
    set_transfer(c, KPU_C, p->element_bytes[KPU_C], &c->final);
    int64_t final = extent(m, KPU_M, 1) * extent(m, KPU_N, 1) * p->element_bytes[KPU_C];
    const kpu_end_tiles tiles = {{m->slot_bytes[KPU_A], m->slot_bytes[KPU_B]}, final};
    kpu_run_ends_init(machine, p, c->stationary, &tiles, &c->ends);
    return serial_cycles(c) < ldexp(1.0, 60);
}

int64_t kpu_sum_visits(const kpu_cycle_case *c, int operand, int visit, int first,
                       const kpu_tile_cycles *cycles)
{
    int dims[2];
    int64_t sum = 0;
    kpu_operand_dimensions(operand, dims);
    for (int i = 0; i < KPU_TILE_CLASSES; i++)
        for (int j = 0; j < KPU_TILE_CLASSES; j++) {
            int64_t tiles = c->tiles[dims[0]][i] * c->tiles[dims[1]][j];
            if (!tiles)
                continue;
            int64_t times = c->visits[operand][visit].times[i > 0][j > 0];
            sum += tiles * (times - first) * cycles->of[i == KPU_TILE_EDGE][j == KPU_TILE_EDGE];
        }
    return sum;
}

int64_t kpu_sum_tiles(const kpu_cycle_case *c, int operand, const kpu_tile_cycles *cycles)
{
    int dims[2];
    int64_t sum = 0;
    kpu_operand_dimensions(operand, dims);
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            sum += c->sizes[dims[0]][i] * c->sizes[dims[1]][j] * cycles->of[i][j];
    return sum;
}

int64_t kpu_count_visits(const kpu_cycle_case *c, int operand, int visit)
{
    static const kpu_tile_cycles one = {{{1, 1}, {1, 1}}};
    return kpu_sum_visits(c, operand, visit, 0, &one);
}

int64_t kpu_visits_of_c(const kpu_cycle_case *c, int visit, int m_class, int n_class)
{
    return c->visits[KPU_C][visit]
        .times[m_class != KPU_TILE_IN_FULL_BLOCK][n_class != KPU_TILE_IN_FULL_BLOCK];
}
