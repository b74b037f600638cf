/* docs/bounds.md, "Dimensions" and "Windows". */
#include "explorer/certify_bounds.h"

/* ---- Dimensions -------------------------------------------------------------------------- */

static bool lay_out(int64_t size, kpu_certify_span tile, kpu_certify_span block,
                    kpu_certify_dim *out)
{
    kpu_certify_span t = {least(tile.lo, size), least(tile.hi, size)};
    kpu_certify_span b = {least(block.lo, size), least(block.hi, size)};
    t.hi = least(t.hi, b.hi);
    b.lo = largest(b.lo, t.lo);
    if (t.lo > t.hi || b.lo > b.hi)
        return false;
    bool one_tile = t.lo == t.hi, one_block = b.lo == b.hi;
    if (one_tile && one_block && b.hi < size && b.lo % t.lo != 0)
        return false;
    out->size = size;
    out->tile = t;
    out->block = b;
    out->tiles = (kpu_certify_span){kpu_ceil_div(size, t.hi), kpu_ceil_div(size, t.lo)};
    out->blocks = (kpu_certify_span){kpu_ceil_div(size, b.hi), kpu_ceil_div(size, b.lo)};
    out->in_block = (kpu_certify_span){kpu_ceil_div(b.lo, t.hi), kpu_ceil_div(b.hi, t.lo)};
    out->all = (kpu_certify_span){size, size + t.hi - 1};
    out->part = (kpu_certify_span){b.lo, b.hi == size ? size + t.hi - 1 : b.hi};
    out->edge = 1;
    if (one_tile) {
        out->all.lo = out->all.hi = out->tiles.lo * t.lo;
        out->edge = size - (out->tiles.lo - 1) * t.lo;
    }
    if (one_tile && one_block)
        out->part.lo = out->part.hi = kpu_ceil_div(b.lo, t.lo) * t.lo;
    return true;
}

bool kpu_certify_layout(kpu_certify_variant *v)
{
    for (int d = 0; d < KPU_DIMS; d++)
        if (!lay_out(v->problem->dim[d], v->hull->tile[d], v->hull->block[d], &v->dim[d]))
            return false;
    return true;
}

int64_t kpu_certify_passes(const kpu_certify_dim *dim, int64_t side)
{
    if (dim->tile.lo < dim->tile.hi)
        return largest(kpu_ceil_div(dim->size, side), dim->tiles.lo);
    return (dim->tiles.lo - 1) * kpu_ceil_div(dim->tile.lo, side) + kpu_ceil_div(dim->edge, side);
}

/* ---- Operands ---------------------------------------------------------------------------- */

void kpu_certify_dims_of(int operand, int dims[2])
{
    static const int of[KPU_OPERANDS][2] = {
        [KPU_A] = {KPU_M, KPU_K}, [KPU_B] = {KPU_K, KPU_N}, [KPU_C] = {KPU_M, KPU_N}};
    dims[0] = of[operand][0];
    dims[1] = of[operand][1];
}

int kpu_certify_dim_lacking(int operand)
{
    static const int lacking[KPU_OPERANDS] = {[KPU_A] = KPU_N, [KPU_B] = KPU_M, [KPU_C] = KPU_K};
    return lacking[operand];
}

int64_t kpu_certify_element_bytes(const kpu_problem *problem, int operand)
{
    return operand == KPU_C ? problem->partial_bytes : problem->element_bytes[operand];
}

/* ---- Rings ------------------------------------------------------------------------------- */

static int position_of(const kpu_certify_variant *v, int dim, bool tile_loop)
{
    int position = tile_loop ? KPU_BLOCK_LOOPS : 0;
    while (v->loop[position] != dim)
        position++;
    return position;
}

/* Elements along a dimension in a window at hoist p. */
static kpu_certify_span span_of(const kpu_certify_variant *v, int dim, int p)
{
    return position_of(v, dim, false) >= p  ? v->dim[dim].all
           : position_of(v, dim, true) >= p ? v->dim[dim].part
                                            : v->dim[dim].tile;
}

/* (span * span' + (d - 1) * one * one') * e */
static int64_t ring(const int64_t span[2], const int64_t one[2], int64_t buffers, int64_t e)
{
    int64_t window = product(product(span[0], span[1]), e);
    int64_t ahead = product(buffers - 1, product(product(one[0], one[1]), e));
    return sum(window, ahead);
}

kpu_certify_span kpu_certify_ring_bytes(const kpu_certify_variant *v, int operand, int level, int p)
{
    int dims[2];
    kpu_certify_dims_of(operand, dims);
    const kpu_certify_span s[2] = {span_of(v, dims[0], p), span_of(v, dims[1], p)};
    const kpu_certify_span one[2] = {v->dim[dims[0]].tile, v->dim[dims[1]].tile};
    const kpu_certify_span buffers = v->hull->buffers[operand][level];
    int64_t e = kpu_certify_element_bytes(v->problem, operand);
    return (kpu_certify_span){
        ring((int64_t[]){s[0].lo, s[1].lo}, (int64_t[]){one[0].lo, one[1].lo}, buffers.lo, e),
        ring((int64_t[]){s[0].hi, s[1].hi}, (int64_t[]){one[0].hi, one[1].hi}, buffers.hi, e)};
}

int64_t kpu_certify_window_tiles(const kpu_certify_variant *v, int operand, int p)
{
    int dims[2];
    int64_t tiles = 1;
    kpu_certify_dims_of(operand, dims);
    for (int i = 0; i < 2; i++) {
        const kpu_certify_dim *dim = &v->dim[dims[i]];
        tiles = product(tiles, position_of(v, dims[i], false) >= p  ? dim->tiles.hi
                               : position_of(v, dims[i], true) >= p ? dim->in_block.hi
                                                                    : 1);
    }
    return tiles;
}

/* ---- Visits ------------------------------------------------------------------------------ */

/* A part of a dimension: its elements, and whether the tile loop iterates in it; surely for a
 * lower bound, perhaps for an upper one. */
typedef struct piece {
    int64_t extent;
    bool iterates;
} piece;

static void cut(const kpu_certify_dim *dim, bool hi, piece out[2])
{
    const int64_t tile = hi ? dim->tile.lo : dim->tile.hi;
    if (dim->block.lo == dim->block.hi) {
        int64_t before = (dim->blocks.lo - 1) * dim->block.lo, last = dim->size - before;
        out[0] = (piece){before, dim->block.lo > tile};
        out[1] = (piece){last, last > tile};
    } else if (hi) {
        out[0] = (piece){0, false};
        out[1] = (piece){dim->size, dim->block.hi > tile};
    } else {
        out[0] = (piece){dim->size - dim->block.hi, dim->block.lo > tile};
        out[1] = (piece){dim->block.hi, false};
    }
}

static bool block_loop_iterates(const kpu_certify_dim *dim, bool hi)
{
    return (hi ? dim->block.lo : dim->block.hi) < dim->size;
}

bool kpu_certify_perhaps_iterates(const kpu_certify_variant *v, int position)
{
    const kpu_certify_dim *dim = &v->dim[v->loop[position]];
    return position < KPU_BLOCK_LOOPS ? block_loop_iterates(dim, true)
                                      : dim->block.hi > dim->tile.lo;
}

/* What of an operand comes into a level: which pieces of its two dimensions. */
typedef struct visitor {
    const kpu_certify_variant *v;
    int dims[2], lacking, p;
    bool hi;
    piece of[2]; /* of dims[0], dims[1] */
} visitor;

/* Whether a loop of the operand strictly between a position and p iterates. */
static bool iterates_between(const visitor *w, int after)
{
    for (int position = after + 1; position < w->p; position++)
        for (int i = 0; i < 2; i++) {
            if (w->v->loop[position] != w->dims[i])
                continue;
            if (position < KPU_BLOCK_LOOPS ? block_loop_iterates(&w->v->dim[w->dims[i]], w->hi)
                                           : w->of[i].iterates)
                return true;
        }
    return false;
}

static int64_t count_visits(const visitor *w)
{
    const kpu_certify_dim *o = &w->v->dim[w->lacking];
    int tile_loop = position_of(w->v, w->lacking, true);
    int block_loop = position_of(w->v, w->lacking, false);
    if (tile_loop < w->p && iterates_between(w, tile_loop))
        return w->hi ? o->tiles.hi : o->tiles.lo;
    if (block_loop < w->p && iterates_between(w, block_loop))
        return w->hi ? o->blocks.hi : o->blocks.lo;
    return 1;
}

static void add(const kpu_problem *p, int operand, int64_t elements, int64_t visits,
                kpu_certify_bytes *bytes)
{
    if (operand != KPU_C) {
        bytes->in = sum(bytes->in, product(product(elements, visits), p->element_bytes[operand]));
        return;
    }
    int64_t again = product(visits - 1, p->partial_bytes);
    bytes->in = sum(bytes->in, product(elements, again));
    bytes->out = sum(bytes->out, product(elements, sum(again, p->element_bytes[KPU_C])));
}

int64_t kpu_certify_visits(const kpu_certify_variant *v, int operand, int p, const bool last[2])
{
    visitor w = {.v = v, .lacking = kpu_certify_dim_lacking(operand), .p = p};
    kpu_certify_dims_of(operand, w.dims);
    for (int i = 0; i < 2; i++) {
        piece of[2];
        cut(&v->dim[w.dims[i]], false, of);
        w.of[i] = of[last[i]];
    }
    return count_visits(&w);
}

kpu_certify_bytes kpu_certify_link_bytes(const kpu_certify_variant *v, int operand, int p, bool hi)
{
    visitor w = {.v = v, .lacking = kpu_certify_dim_lacking(operand), .p = p, .hi = hi};
    kpu_certify_bytes bytes = {0, 0};
    piece first[2], second[2];
    kpu_certify_dims_of(operand, w.dims);
    cut(&v->dim[w.dims[0]], hi, first);
    cut(&v->dim[w.dims[1]], hi, second);
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++) {
            w.of[0] = first[i];
            w.of[1] = second[j];
            add(v->problem, operand, product(first[i].extent, second[j].extent), count_visits(&w),
                &bytes);
        }
    return bytes;
}
