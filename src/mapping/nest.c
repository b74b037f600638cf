#include "mapping/nest.h"

/* Trip counts of the loop at `position` when the blocks of its dimension are of class `last`. */
static int64_t trips(const kpu_mapping *m, int position, int last)
{
    int dim = m->loop_dim[position];
    if (position < KPU_BLOCK_LOOPS)
        return m->blocks[dim];
    return last ? m->last_block_tiles[dim] : m->block_tiles[dim];
}

static int position_of(const kpu_mapping *m, int dim, bool tile_loop)
{
    int position = tile_loop ? KPU_BLOCK_LOOPS : 0;
    while (m->loop_dim[position] != dim)
        position++;
    return position;
}

/* Whether a loop of the operand strictly between `outer` and `hoist` iterates. `last` gives the
 * block class per dimension. */
static bool iterates_between(const kpu_mapping *m, int operand, int outer, int hoist,
                             const int *last)
{
    for (int i = outer + 1; i < hoist; i++) {
        int dim = m->loop_dim[i];
        if ((kpu_operand_dims[operand] >> dim & 1) && trips(m, i, last[dim]) > 1)
            return true;
    }
    return false;
}

/* How often one window identity is visited, given the block classes of the operand's dims. */
static int64_t visit_count(const kpu_mapping *m, int operand, int hoist, const int *last)
{
    int other = 0; /* the dimension that the operand does not have */
    while (kpu_operand_dims[operand] >> other & 1)
        other++;
    int block_loop = position_of(m, other, false), tile_loop = position_of(m, other, true);
    if (tile_loop < hoist && iterates_between(m, operand, tile_loop, hoist, last))
        return m->tiles[other]; /* the block loop, further out, multiplies as well */
    if (block_loop < hoist && iterates_between(m, operand, block_loop, hoist, last))
        return m->blocks[other];
    return 1;
}

void kpu_mapping_visits(const kpu_mapping *m, int operand, int hoist, kpu_visits *out)
{
    int dims[2], n = 0;
    for (int d = 0; d < KPU_DIMS; d++)
        if (kpu_operand_dims[operand] >> d & 1)
            dims[n++] = d;
    int64_t extent[2][2];
    for (int i = 0; i < 2; i++) {
        extent[i][0] = (m->blocks[dims[i]] - 1) * m->block[dims[i]];
        extent[i][1] = m->problem.dim[dims[i]] - extent[i][0];
    }
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) {
            int last[KPU_DIMS] = {0};
            last[dims[0]] = i;
            last[dims[1]] = j;
            out->elements[i][j] = extent[0][i] * extent[1][j];
            out->times[i][j] = out->elements[i][j] ? visit_count(m, operand, hoist, last) : 0;
        }
}

int64_t kpu_mapping_window_tiles(const kpu_mapping *m, int operand, int hoist)
{
    int64_t tiles = 1;
    for (int d = 0; d < KPU_DIMS; d++) {
        if (!(kpu_operand_dims[operand] >> d & 1))
            continue;
        if (position_of(m, d, false) >= hoist)
            tiles = kpu_mul_saturate(tiles, m->tiles[d]);
        else if (position_of(m, d, true) >= hoist)
            tiles = kpu_mul_saturate(tiles, m->block_tiles[d]);
    }
    return tiles;
}

kpu_link_bytes kpu_mapping_link_bytes(const kpu_mapping *m, int operand, int hoist)
{
    kpu_visits v;
    kpu_link_bytes bytes = {0, 0};
    kpu_mapping_visits(m, operand, hoist, &v);
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            if (v.elements[i][j])
                kpu_add_visits(&m->problem, operand, v.elements[i][j], v.times[i][j], &bytes);
    return bytes;
}
