/* docs/bounds.md, "A mapping": the terms that bound the cycles of one candidate. All that is a
 * range in a box has one value here: lo is as good as hi. */
#include "explorer/certify_bounds.h"

/* Beyond this nothing is said, and below it nothing here leaves 64 bits. */
static const int64_t longest_run = INT64_C(1) << 60;

/* Tiles along a dimension: of one extent, and all in its last block or all before. */
typedef struct kind {
    int64_t extent, count;
    bool last;
} kind;
enum { KINDS = 3 };

/* Tiles of an operand, of one kind along each of its dimensions: how often they come into L3, L2
 * and the array, and how long moving one takes; of C as partial sums, and as output. */
typedef struct tile {
    int64_t count, v3, v2, v1;
    int64_t dma, bm, str, dma_out, bm_out, str_out;
    int64_t compute; /* f * f' of its two dimensions */
} tile;

typedef struct one_case {
    const kpu_certify_variant *v;
    const kpu_certify_level *level;
    int stationary;
    kpu_certify_ends e;
    kind kinds[KPU_DIMS][KINDS];
    tile tiles[KPU_OPERANDS][KINDS * KINDS];
    int64_t f[KPU_DIMS];              /* F_d */
    int64_t compute;                  /* F_m * F_n * F_k */
    int64_t in[KPU_OPERANDS], output; /* in(X); the sum of str' */
    int64_t best;
} one_case;

/* A term of the table. */
static void raise(one_case *c, int64_t before, int64_t held, int64_t slots, int64_t after)
{
    c->best = largest(c->best, before + kpu_ceil_div(held, slots) + after);
}

/* The sum of an expression of the tile `t` over all tiles of an operand. */
#define SUM_OVER_TILES(result, c, x, expression)                                                   \
    do {                                                                                           \
        for (int n_ = 0; n_ < KINDS * KINDS; n_++) {                                               \
            const tile *t = &(c)->tiles[x][n_];                                                    \
            (result) += t->count * (expression);                                                   \
        }                                                                                          \
    } while (0)

static int64_t tiles_along(const one_case *c, int dim)
{
    return c->v->dim[dim].tiles.lo;
}

/* ---- What there is ----------------------------------------------------------------------- */

/* f_d of a tile. */
static int64_t part_of_compute(const one_case *c, int dim, int64_t extent)
{
    const kpu_machine *m = c->v->machine;
    return dim == c->v->flow->row_dim   ? kpu_ceil_div(extent, m->fabric_rows)
           : dim == c->v->flow->col_dim ? kpu_ceil_div(extent, m->fabric_cols)
                                        : extent + c->e.fill;
}

static void list_kinds(one_case *c, int dim)
{
    const kpu_certify_dim *d = &c->v->dim[dim];
    int64_t before = (d->blocks.lo - 1) * d->in_block.lo;
    c->kinds[dim][0] = (kind){d->tile.lo, before, false};
    c->kinds[dim][1] = (kind){d->tile.lo, d->tiles.lo - before - 1, true};
    c->kinds[dim][2] = (kind){d->edge, 1, true};
    for (int i = 0; i < KINDS; i++)
        c->f[dim] += c->kinds[dim][i].count * part_of_compute(c, dim, c->kinds[dim][i].extent);
}

static tile make_tile(const one_case *c, int x, const kind *first, const kind *second)
{
    const kpu_machine *m = c->v->machine;
    const kpu_rational streamer = kpu_certify_streamer(m, x);
    const bool last[2] = {first->last, second->last};
    int64_t elements = first->extent * second->extent;
    int64_t bytes = elements * kpu_certify_element_bytes(c->v->problem, x);
    int64_t output = elements * c->v->problem->element_bytes[x];
    int dims[2];
    kpu_certify_dims_of(x, dims);
    return (tile){
        .count = first->count * second->count,
        .v3 = kpu_certify_visits(c->v, x, (int)c->v->hull->hoist[x][KPU_HOIST_L3], last),
        .v2 = kpu_certify_visits(c->v, x, (int)c->v->hull->hoist[x][KPU_HOIST_L2], last),
        .v1 = kpu_certify_visits(c->v, x, KPU_NEST, last),
        .dma = occupancy(bytes, m->dma_bytes_per_cycle),
        .bm = occupancy(bytes, m->block_mover_bytes_per_cycle),
        .str = occupancy(bytes, streamer),
        .dma_out = occupancy(output, m->dma_bytes_per_cycle),
        .bm_out = occupancy(output, m->block_mover_bytes_per_cycle),
        .str_out = occupancy(output, streamer),
        .compute = part_of_compute(c, dims[0], first->extent) *
                   part_of_compute(c, dims[1], second->extent),
    };
}

static void list_tiles(one_case *c, int x)
{
    int dims[2];
    kpu_certify_dims_of(x, dims);
    for (int i = 0; i < KINDS; i++)
        for (int j = 0; j < KINDS; j++)
            c->tiles[x][i * KINDS + j] =
                make_tile(c, x, &c->kinds[dims[0]][i], &c->kinds[dims[1]][j]);
}

static void add_streams(one_case *c)
{
    for (int x = KPU_A; x <= KPU_B; x++) {
        int64_t times = tiles_along(c, kpu_certify_dim_lacking(x));
        SUM_OVER_TILES(c->in[x], c, x, (x == c->stationary ? t->v1 : times) * t->str);
    }
    bool stays = c->stationary == KPU_C;
    SUM_OVER_TILES(c->in[KPU_C], c, KPU_C, ((stays ? t->v1 : tiles_along(c, KPU_K)) - 1) * t->str);
    SUM_OVER_TILES(c->output, c, KPU_C, t->str_out);
}

/* Whether the run could take longer than we can count: all that moving a full tile of A, B and C
 * costs, twice, and the compute, for all steps one after the other. */
static bool is_too_long(const one_case *c)
{
    int64_t steps = 1, compute = 1, moves = c->e.skew;
    for (int d = 0; d < KPU_DIMS; d++) {
        steps = product(steps, tiles_along(c, d));
        compute = product(compute, part_of_compute(c, d, c->v->dim[d].tile.lo));
    }
    for (int x = 0; x < KPU_OPERANDS; x++) {
        int dims[2];
        kpu_certify_dims_of(x, dims);
        const kind first = {.extent = c->v->dim[dims[0]].tile.lo, .last = true};
        const kind second = {.extent = c->v->dim[dims[1]].tile.lo, .last = true};
        tile t = make_tile(c, x, &first, &second);
        moves = sum(moves, sum(sum(t.dma, t.bm), t.str));
        moves = sum(moves, sum(sum(c->e.lat1, c->e.lat2), c->e.lat3));
    }
    return product(product(steps, sum(moves, compute)), 2) > longest_run;
}

/* ---- Engines ----------------------------------------------------------------------------- */

static void bound_by_engines(one_case *c)
{
    const kpu_machine *m = c->v->machine;
    const kpu_certify_ends *e = &c->e;
    int64_t dma = 0, bm = 0;
    for (int x = KPU_A; x <= KPU_B; x++) {
        SUM_OVER_TILES(dma, c, x, t->v3 * t->dma);
        SUM_OVER_TILES(bm, c, x, t->v2 * t->bm);
        raise(c, e->in[x], c->in[x], 1, e->lat1 + e->drain);
    }
    SUM_OVER_TILES(dma, c, KPU_C, (t->v3 - 1) * 2 * t->dma + t->dma_out);
    SUM_OVER_TILES(bm, c, KPU_C, (t->v2 - 1) * 2 * t->bm + t->bm_out);
    raise(c, e->first, c->compute, 1, e->drain);
    raise(c, 0, dma, m->dram_channels, e->lat3);
    raise(c, e->lat3, bm, m->block_mover_engines, e->lat2 + e->lat3);
    if (c->in[KPU_C] > 0)
        raise(c, e->first, c->in[KPU_C], 1, e->lat1 + e->drain);
    raise(c, e->first + e->skew, c->in[KPU_C] + c->output, 1, e->out);
}

/* ---- L1: over all steps ------------------------------------------------------------------ */

/* Steps with these extents of m, n and k. */
typedef struct step {
    int64_t extent[KPU_DIMS];
    bool fresh;
} step;

static int64_t streams_in(const one_case *c, const step *s, int x)
{
    int dims[2];
    kpu_certify_dims_of(x, dims);
    int64_t bytes =
        s->extent[dims[0]] * s->extent[dims[1]] * kpu_certify_element_bytes(c->v->problem, x);
    return occupancy(bytes, kpu_certify_streamer(c->v->machine, x));
}

static int64_t compute_of(const one_case *c, const step *s)
{
    int64_t cycles = 1;
    for (int d = 0; d < KPU_DIMS; d++)
        cycles *= part_of_compute(c, d, s->extent[d]);
    return cycles;
}

/* For how long a step holds its slot of L1, and its accumulators. */
static int64_t l1_held(const one_case *c, const step *s)
{
    int64_t most = compute_of(c, s);
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (x != c->stationary && !(x == KPU_C && s->fresh))
            most = largest(most, streams_in(c, s, x));
    return c->e.lat1 + most;
}

static int64_t accumulators_held(const one_case *c, const step *s)
{
    int64_t compute = compute_of(c, s);
    if (s->fresh)
        return c->e.skew + compute;
    return c->e.skew + c->e.lat1 + largest(compute, streams_in(c, s, KPU_C));
}

/* The sum over all steps: full tiles and the last one along each dimension; along k the first one
 * by itself, whose steps find C fresh. */
static int64_t sum_over_steps(const one_case *c, int64_t (*held)(const one_case *c, const step *s))
{
    int64_t total = 0;
    for (int n = 0; n < 2 * 2 * KINDS; n++) {
        const int which[KPU_DIMS] = {n % 2, n / 2 % 2, n / 4};
        step s = {.fresh = which[KPU_K] == 2};
        int64_t count = 1;
        for (int d = 0; d < KPU_DIMS; d++) {
            const kpu_certify_dim *dim = &c->v->dim[d];
            bool single = dim->tiles.lo == 1, first = which[d] == 2, last = which[d] == 1;
            s.extent[d] = last || single ? dim->edge : dim->tile.lo;
            if (d == KPU_K)
                count *= first ? 1 : single ? 0 : last ? 1 : dim->tiles.lo - 2;
            else
                count *= last ? 1 : dim->tiles.lo - 1;
        }
        total += count * held(c, &s);
    }
    return total;
}

static void bound_by_l1(one_case *c)
{
    const int64_t d1 = c->v->hull->l1_buffers.lo;
    int64_t before = INT64_MAX;
    for (int x = KPU_A; x <= KPU_B; x++)
        if (x != c->stationary)
            before = least(before, c->e.in[x]);
    raise(c, before, sum_over_steps(c, l1_held), d1, c->e.drain);
    if (c->stationary != KPU_C)
        raise(c, c->e.first, sum_over_steps(c, accumulators_held) + c->in[KPU_C] + c->output, d1,
              c->e.out);
}

/* ---- Registers and rings ----------------------------------------------------------------- */

static void bound_by_registers(one_case *c)
{
    const kpu_machine *m = c->v->machine;
    const kpu_certify_ends *e = &c->e;
    const int x = c->stationary;
    int64_t passes = 1;
    for (int d = 0; d < KPU_DIMS; d++)
        if (d != kpu_dataflow_depth_dim(c->v->flow))
            passes *= part_of_compute(c, d, c->v->dim[d].tile.lo);
    const int64_t slots = passes <= m->registers_per_pe / 2 ? 2 : 1;
    int64_t held = c->compute;
    if (x == KPU_C) {
        SUM_OVER_TILES(held, c, x, (t->v1 - 1) * e->lat1 + t->v1 * e->skew);
        raise(c, e->first, held + 2 * c->in[x] + c->output, slots, e->out);
        return;
    }
    SUM_OVER_TILES(held, c, x, t->v1 * e->lat1);
    raise(c, e->in[x], held + c->in[x], slots, e->drain);
}

/* Compute cycles of the steps of the first visit of a C tile to L2: what they have of F_k. */
static int64_t first_visit(const one_case *c, int64_t v2)
{
    const kpu_certify_dim *k = &c->v->dim[KPU_K];
    int64_t full = part_of_compute(c, KPU_K, k->tile.lo);
    if (v2 == 1)
        return c->f[KPU_K];
    return v2 == k->blocks.lo ? k->in_block.lo * full : full;
}

/* From the load of a tile of C that comes back to L2 until its last result there. */
static int64_t back(const one_case *c)
{
    const kpu_certify_ends *e = &c->e;
    int64_t total = 0, later = 0, streamed = 0;
    SUM_OVER_TILES(total, c, KPU_C, (t->v2 - 1) * (t->bm + e->lat2 + e->lat1 + e->skew));
    SUM_OVER_TILES(later, c, KPU_C, t->compute * (c->f[KPU_K] - first_visit(c, t->v2)));
    SUM_OVER_TILES(streamed, c, KPU_C, (t->v2 - 1) * t->str);
    return total + (c->stationary == KPU_C ? later + streamed : largest(later, streamed));
}

static void bound_by_rings(one_case *c)
{
    const kpu_certify_level *l3 = &c->level[KPU_HOIST_L3], *l2 = &c->level[KPU_HOIST_L2];
    const kpu_certify_ends *e = &c->e;
    for (int x = KPU_A; x <= KPU_B; x++) {
        int64_t in_l3 = 0, in_l2 = 0;
        SUM_OVER_TILES(in_l3, c, x, t->v3 * (e->lat3 + t->dma + t->bm));
        SUM_OVER_TILES(in_l2, c, x, t->v2 * (e->lat2 + t->bm + t->str));
        raise(c, 0, in_l3, l3->slots[x], e->lat2 + e->lat1 + e->drain);
        raise(c, e->lat3, in_l2, l2->slots[x], e->lat1 + e->drain);
    }
    int64_t in_l3 = back(c), in_l2 = in_l3;
    SUM_OVER_TILES(in_l2, c, KPU_C,
                   (t->v2 - 1) * (t->str + t->bm) + t->str_out + t->bm_out + t->v2 * e->lat1);
    SUM_OVER_TILES(in_l3, c, KPU_C,
                   (t->v3 - 1) * (2 * t->dma + e->lat3) + t->dma_out +
                       (t->v2 - 1) * (t->str_out + e->lat1 + t->bm) + t->bm_out + t->v2 * e->lat2);
    raise(c, e->first + e->skew, in_l2, l2->slots[KPU_C], e->lat2 + e->lat3);
    raise(c, e->first + e->skew + e->lat1, in_l3, l3->slots[KPU_C], e->lat3);
}

/* ---- Chains of the steps of a C tile ----------------------------------------------------- */

static int position_of(const one_case *c, int dim, bool tile_loop)
{
    int position = tile_loop ? KPU_BLOCK_LOOPS : 0;
    while (c->v->loop[position] != dim)
        position++;
    return position;
}

/* Which tiles along a dimension have a chain. */
typedef enum chosen { THE_FIRST, FIRST_OF_EACH_BLOCK, ALL } chosen;

static int list_chosen(const one_case *c, int dim, chosen which, kind out[KINDS])
{
    const kpu_certify_dim *d = &c->v->dim[dim];
    int64_t before = d->blocks.lo - 1, in_last = d->tiles.lo - before * d->in_block.lo;
    const kind in_last_block = {in_last > 1 ? d->tile.lo : d->edge, 1, true};
    if (which == ALL) {
        for (int i = 0; i < KINDS; i++)
            out[i] = c->kinds[dim][i];
        return KINDS;
    }
    if (which == THE_FIRST) {
        out[0] = before > 0 ? (kind){d->tile.lo, 1, false} : in_last_block;
        return 1;
    }
    out[0] = (kind){d->tile.lo, before, false};
    out[1] = in_last_block;
    return 2;
}

/* Between two steps (os: runs) of a tile, but for what goes by L3 or by the DRAM. */
static int64_t jump(const one_case *c, const tile *t)
{
    return c->e.skew + (c->stationary == KPU_C ? 2 : 1) * t->str + 2 * c->e.lat1;
}

/* The chain of a tile through all blocks of k. */
static int64_t whole_chain(const one_case *c, const tile *t)
{
    int64_t jumps = (c->stationary == KPU_C ? t->v1 : tiles_along(c, KPU_K)) - 1;
    return t->compute * c->f[KPU_K] + jumps * jump(c, t) + (t->v2 - 1) * 2 * (t->bm + c->e.lat2) +
           (t->v3 - 1) * 2 * (t->dma + c->e.lat3);
}

/* The chains of a tile within the blocks of k. */
static int64_t chains_in_blocks(const one_case *c, const tile *t)
{
    int64_t all = tiles_along(c, KPU_K), jumps = all - c->v->dim[KPU_K].blocks.lo;
    int64_t each = jump(c, t);
    if (t->v2 == all)
        each += 2 * (t->bm + c->e.lat2);
    if (t->v3 == all)
        each += 2 * (t->dma + c->e.lat3);
    return t->compute * c->f[KPU_K] + jumps * each;
}

static int64_t add_chains(const one_case *c, const chosen which[KPU_DIMS],
                          int64_t (*chain)(const one_case *c, const tile *t))
{
    kind along_m[KINDS], along_n[KINDS];
    int ms = list_chosen(c, KPU_M, which[KPU_M], along_m);
    int ns = list_chosen(c, KPU_N, which[KPU_N], along_n);
    int64_t total = 0;
    for (int i = 0; i < ms; i++)
        for (int j = 0; j < ns; j++) {
            tile t = make_tile(c, KPU_C, &along_m[i], &along_n[j]);
            total += t.count * chain(c, &t);
        }
    return total;
}

static void bound_by_chains(one_case *c)
{
    chosen outside_block[KPU_DIMS], outside_tile[KPU_DIMS];
    for (int d = KPU_M; d <= KPU_N; d++) {
        outside_block[d] = position_of(c, d, false) < position_of(c, KPU_K, false)
                               ? FIRST_OF_EACH_BLOCK
                               : THE_FIRST;
        outside_tile[d] =
            position_of(c, d, true) < position_of(c, KPU_K, true) ? ALL : FIRST_OF_EACH_BLOCK;
    }
    raise(c, c->e.first, add_chains(c, outside_block, whole_chain), 1, c->e.drain);
    if (c->stationary != KPU_C)
        raise(c, c->e.first, add_chains(c, outside_tile, chains_in_blocks), 1, c->e.drain);
}

/* ---- The whole --------------------------------------------------------------------------- */

int64_t kpu_certify_mapping_cycles(const kpu_certify_variant *v,
                                   const kpu_certify_level level[KPU_HOIST_LEVELS])
{
    one_case c = {.v = v, .level = level, .stationary = kpu_dataflow_stationary(v->flow)};
    kpu_certify_ends_make(v, &c.e);
    if (is_too_long(&c))
        return 0;
    for (int d = 0; d < KPU_DIMS; d++)
        list_kinds(&c, d);
    for (int x = 0; x < KPU_OPERANDS; x++)
        list_tiles(&c, x);
    c.compute = c.f[KPU_M] * c.f[KPU_N] * c.f[KPU_K];
    add_streams(&c);
    bound_by_engines(&c);
    bound_by_l1(&c);
    bound_by_registers(&c);
    bound_by_rings(&c);
    bound_by_chains(&c);
    return c.best;
}
