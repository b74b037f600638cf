/* What the ranges of a tile and of a block say about one dimension. */
#include "mapping/box_bounds.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool clamp(box_dimension *d, kpu_range tile, kpu_range block)
{
    d->tile = (kpu_range){least(tile.low, d->size), least(tile.high, d->size)};
    d->block = (kpu_range){least(block.low, d->size), least(block.high, d->size)};
    if (d->tile.high > d->block.high) /* a block is not smaller than its tile */
        d->tile.high = d->block.high;
    if (d->block.low < d->tile.low)
        d->block.low = d->tile.low;
    if (d->tile.low > d->tile.high || d->block.low > d->block.high)
        return false;
    bool point = d->tile.low == d->tile.high && d->block.low == d->block.high;
    return !point || d->block.low == d->size || d->block.low % d->tile.low == 0;
}

static void count_elements(box_dimension *d)
{
    int64_t high = d->size + d->tile.high - 1;
    d->all_elements = (kpu_range){d->size, high};
    d->block_elements = (kpu_range){d->block.low, d->block.high < d->size ? d->block.high : high};
    d->edge = 1;
    if (d->tile.low < d->tile.high)
        return;
    int64_t tile = d->tile.low, all = d->tiles.low * tile;
    d->all_elements = (kpu_range){all, all};
    d->edge = d->size - (all - tile);
    if (d->block.low == d->block.high) {
        int64_t block = d->block_tiles.low * tile;
        d->block_elements = (kpu_range){block, block};
    }
}

static void cut(box_dimension *d)
{
    kpu_range tile = d->tile, block = d->block;
    if (block.low == block.high) {
        int64_t last = d->size - (d->blocks.low - 1) * block.low;
        d->surely[0] = (box_part){d->size - last, block.low > tile.high};
        d->surely[1] = (box_part){last, last > tile.high};
        d->perhaps[0] = (box_part){d->size - last, block.low > tile.low};
        d->perhaps[1] = (box_part){last, last > tile.low};
        return;
    }
    d->surely[0] = (box_part){d->size - block.high, block.low > tile.high};
    d->surely[1] = (box_part){block.high, false};
    d->perhaps[0] = (box_part){0, false};
    d->perhaps[1] = (box_part){d->size, block.high > tile.low};
}

bool box_dimension_init(int64_t size, kpu_range tile, kpu_range block, box_dimension *d)
{
    d->size = size;
    if (!clamp(d, tile, block))
        return false;
    d->tiles = (kpu_range){kpu_ceil_div(size, d->tile.high), kpu_ceil_div(size, d->tile.low)};
    d->blocks = (kpu_range){kpu_ceil_div(size, d->block.high), kpu_ceil_div(size, d->block.low)};
    d->block_tiles = (kpu_range){kpu_ceil_div(d->block.low, d->tile.high),
                                 kpu_ceil_div(d->block.high, d->tile.low)};
    count_elements(d);
    cut(d);
    return true;
}

int64_t box_passes(const box_dimension *d, int64_t side)
{
    if (d->tile.low == d->tile.high)
        return (d->tiles.low - 1) * kpu_ceil_div(d->tile.low, side) + kpu_ceil_div(d->edge, side);
    int64_t covering = kpu_ceil_div(d->size, side);
    return covering > d->tiles.low ? covering : d->tiles.low;
}
