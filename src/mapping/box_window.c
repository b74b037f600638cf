/* Windows of an operand at one hoist: how large, and what they bring in. */
#include "mapping/box_bounds.h"

/* An operand as its windows see it. */
typedef struct operand_loops {
    int dims[2], other; /* its dimensions, and the one that it lacks */
    int block_loop[2], tile_loop[2];
    int other_block_loop, other_tile_loop;
} operand_loops;

static int position_of(const box_variant *v, int dim, int from)
{
    while (v->loop_dim[from] != dim)
        from++;
    return from;
}

static operand_loops loops_of(const box_variant *v, int operand)
{
    operand_loops l;
    int n = 0;
    for (int d = 0; d < KPU_DIMS; d++) {
        int block_loop = position_of(v, d, 0), tile_loop = position_of(v, d, KPU_BLOCK_LOOPS);
        if (kpu_operand_dims[operand] >> d & 1) {
            l.dims[n] = d;
            l.block_loop[n] = block_loop;
            l.tile_loop[n++] = tile_loop;
        } else {
            l.other = d;
            l.other_block_loop = block_loop;
            l.other_tile_loop = tile_loop;
        }
    }
    return l;
}

static int64_t element_bytes(const box_variant *v, int operand)
{
    return operand == KPU_C ? v->problem->partial_bytes : v->problem->element_bytes[operand];
}

static kpu_range times(kpu_range a, kpu_range b)
{
    return (kpu_range){kpu_mul_saturate(a.low, b.low), kpu_mul_saturate(a.high, b.high)};
}
static kpu_range plus(kpu_range a, kpu_range b)
{
    return (kpu_range){kpu_add_saturate(a.low, b.low), kpu_add_saturate(a.high, b.high)};
}

static void measure(const box_variant *v, int operand, const operand_loops *l, box_hoist *h)
{
    kpu_range window = {1, 1}, slot = {1, 1}, element = {1, 1};
    h->window_tiles = 1;
    for (int i = 0; i < 2; i++) {
        const box_dimension *d = &v->dim[l->dims[i]];
        bool all = l->block_loop[i] >= h->position, block = l->tile_loop[i] >= h->position;
        window = times(window, all ? d->all_elements : block ? d->block_elements : d->tile);
        slot = times(slot, d->tile);
        int64_t tiles = all ? d->tiles.high : block ? d->block_tiles.high : 1;
        h->window_tiles = kpu_mul_saturate(h->window_tiles, tiles);
    }
    element.low = element.high = element_bytes(v, operand);
    for (int level = 0; level < KPU_HOIST_LEVELS; level++) {
        kpu_range ahead =
            level == KPU_HOIST_L3 ? v->box->l3_buffers[operand] : v->box->l2_buffers[operand];
        ahead.low--;
        ahead.high--;
        h->ring_bytes[level] = times(plus(window, times(ahead, slot)), element);
    }
}

/* `iterating`: the operand's loops that do, as bits of their positions. */
static int64_t visits(const operand_loops *l, int64_t hoist, unsigned iterating, int64_t tiles,
                      int64_t blocks)
{
    unsigned before = iterating & ((1u << hoist) - 1);
    if (before >> l->other_tile_loop > 1)
        return tiles;
    return before >> l->other_block_loop > 1 ? blocks : 1;
}

static unsigned block_loops(const box_variant *v, const operand_loops *l, bool surely)
{
    unsigned bits = 0;
    for (int i = 0; i < 2; i++) {
        const box_dimension *d = &v->dim[l->dims[i]];
        bits |= (unsigned)((surely ? d->block.high : d->block.low) < d->size) << l->block_loop[i];
    }
    return bits;
}

/* Bytes over the link, at least (surely) or at most. */
static kpu_link_bytes sum_link(const box_variant *v, int operand, const operand_loops *l,
                               int64_t hoist, bool surely)
{
    kpu_link_bytes sum = {0, 0};
    const box_dimension *d[2] = {&v->dim[l->dims[0]], &v->dim[l->dims[1]]};
    const box_dimension *other = &v->dim[l->other];
    int64_t tiles = surely ? other->tiles.low : other->tiles.high;
    int64_t blocks = surely ? other->blocks.low : other->blocks.high;
    unsigned outer = block_loops(v, l, surely);
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) {
            const box_part *a = surely ? &d[0]->surely[i] : &d[0]->perhaps[i];
            const box_part *b = surely ? &d[1]->surely[j] : &d[1]->perhaps[j];
            unsigned iterating = outer | (unsigned)a->iterates << l->tile_loop[0] |
                                 (unsigned)b->iterates << l->tile_loop[1];
            kpu_add_visits(v->problem, operand, a->extent * b->extent,
                           visits(l, hoist, iterating, tiles, blocks), &sum);
        }
    return sum;
}

void box_hoist_init(const box_variant *v, int operand, int position, box_hoist *out)
{
    operand_loops l = loops_of(v, operand);
    out->position = position;
    measure(v, operand, &l, out);
    out->least = sum_link(v, operand, &l, position, true);
    kpu_link_bytes most = sum_link(v, operand, &l, position, false);
    out->most = most.in + most.out;
}
