/* Bounds on cycles from C, which goes round: its rings, and each tile's steps, which must wait for
 * one another (docs/bounds.md, "A mapping"). */
#include "mapping/cycle_case.h"

static bool c_is_stationary(const kpu_cycle_case *c)
{
    return c->stationary == KPU_C;
}

/* ---- Rings -------------------------------------------------------------------------------- */

/* Of k's factor, what falls in visits but the first of a C tile. */
static int64_t later_factor(const kpu_cycle_case *c, int64_t visits)
{
    const kpu_mapping *m = c->mapping;
    int64_t first = c->factor[KPU_K][0];
    if (visits == 1)
        return 0;
    if (visits == m->blocks[KPU_K])
        first *= m->block_tiles[KPU_K];
    return c->factors[KPU_K] - first;
}

/* Compute cycles of all steps but those of the first visit to L2 of their C tile. */
static int64_t later_compute(const kpu_cycle_case *c)
{
    int64_t sum = 0;
    for (int i = 0; i < KPU_TILE_CLASSES; i++)
        for (int j = 0; j < KPU_TILE_CLASSES; j++) {
            int64_t tiles = c->tiles[KPU_M][i] * c->tiles[KPU_N][j];
            if (tiles)
                sum += tiles * c->factor[KPU_M][i == KPU_TILE_EDGE] *
                       c->factor[KPU_N][j == KPU_TILE_EDGE] *
                       later_factor(c, kpu_visits_of_c(c, KPU_VISIT_L2, i, j));
        }
    return sum;
}

static int64_t later_visits(const kpu_cycle_case *c, int visit)
{
    return kpu_count_visits(c, KPU_C, visit) - c->mapping->tiles[KPU_M] * c->mapping->tiles[KPU_N];
}

/* From the loads of all tiles that come back to L2 to the end of their last step there. */
static int64_t spent_in_l2(const kpu_cycle_case *c)
{
    const kpu_transfer_cycles *in = &c->in[KPU_C];
    int64_t streamed = kpu_sum_visits(c, KPU_C, KPU_VISIT_L2, 1, &in->stream);
    int64_t computed = later_compute(c), stepped = computed + streamed;
    if (!c_is_stationary(c)) /* the step begins with the first datum */
        stepped = computed > streamed ? computed : streamed;
    return kpu_sum_visits(c, KPU_C, KPU_VISIT_L2, 1, &in->bm) + stepped +
           later_visits(c, KPU_VISIT_L2) * (c->ends.lat2 + c->ends.lat1 + c->ends.skew);
}

kpu_cycle_term kpu_bound_l2_ring_of_c(const kpu_cycle_case *c)
{
    const kpu_run_ends *e = &c->ends;
    const kpu_transfer_cycles *in = &c->in[KPU_C], *final = &c->final;
    int64_t held = spent_in_l2(c) + kpu_sum_visits(c, KPU_C, KPU_VISIT_L2, 1, &in->stream) +
                   kpu_sum_visits(c, KPU_C, KPU_VISIT_L2, 1, &in->bm) +
                   kpu_sum_tiles(c, KPU_C, &final->stream) + kpu_sum_tiles(c, KPU_C, &final->bm) +
                   kpu_count_visits(c, KPU_C, KPU_VISIT_L2) * e->lat1;
    return (kpu_cycle_term){e->first + e->skew, held, c->mapping->slots[KPU_C][KPU_HOIST_L2],
                            e->lat2 + e->lat3};
}

kpu_cycle_term kpu_bound_l3_ring_of_c(const kpu_cycle_case *c)
{
    const kpu_run_ends *e = &c->ends;
    const kpu_transfer_cycles *in = &c->in[KPU_C], *final = &c->final;
    int64_t held = 2 * kpu_sum_visits(c, KPU_C, KPU_VISIT_L3, 1, &in->dma) +
                   kpu_sum_tiles(c, KPU_C, &final->dma) + later_visits(c, KPU_VISIT_L3) * e->lat3 +
                   spent_in_l2(c) + kpu_sum_visits(c, KPU_C, KPU_VISIT_L2, 1, &final->stream) +
                   later_visits(c, KPU_VISIT_L2) * e->lat1 +
                   kpu_sum_visits(c, KPU_C, KPU_VISIT_L2, 1, &in->bm) +
                   kpu_sum_tiles(c, KPU_C, &final->bm) +
                   kpu_count_visits(c, KPU_C, KPU_VISIT_L2) * e->lat2;
    return (kpu_cycle_term){e->first + e->skew + e->lat1, held,
                            c->mapping->slots[KPU_C][KPU_HOIST_L3], e->lat3};
}

/* ---- Chain -------------------------------------------------------------------------------- */

/* The C tiles whose steps are chained one after another, as numbers of tiles along a dimension. */
typedef struct chained {
    int64_t tiles[KPU_TILE_CLASSES];
} chained;

static int position_of(const kpu_mapping *m, int dim, int from)
{
    while (m->loop_dim[from] != dim)
        from++;
    return from;
}

static chained first_tiles(const kpu_cycle_case *c, int d, bool of_every_block)
{
    chained n = {{0, 0, 0}};
    int64_t full_blocks = c->mapping->blocks[d] - 1;
    n.tiles[KPU_TILE_IN_FULL_BLOCK] = of_every_block || full_blocks == 0 ? full_blocks : 1;
    if (of_every_block || full_blocks == 0)
        n.tiles[c->tiles[d][KPU_TILE_IN_LAST_BLOCK] ? KPU_TILE_IN_LAST_BLOCK : KPU_TILE_EDGE] = 1;
    return n;
}

/* Along m or n, for each iteration of the loops around k's block or tile loop. */
static chained choose_tiles(const kpu_cycle_case *c, int d, bool tile_loop)
{
    const kpu_mapping *m = c->mapping;
    int from = tile_loop ? KPU_BLOCK_LOOPS : 0;
    if (position_of(m, d, from) > position_of(m, KPU_K, from))
        return first_tiles(c, d, tile_loop);
    if (!tile_loop)
        return first_tiles(c, d, true);
    chained all;
    for (int i = 0; i < KPU_TILE_CLASSES; i++)
        all.tiles[i] = c->tiles[d][i];
    return all;
}

/* Of one C tile: its waits for itself, as many as there are `jumps` from a step (os: run) to the
 * next, some of them by way of L3 or DRAM. */
typedef struct jumps {
    int64_t all, by_l3, by_dram;
} jumps;

static jumps count_jumps(const kpu_cycle_case *c, int i, int j, bool tile_loop)
{
    const kpu_mapping *m = c->mapping;
    int64_t l3 = kpu_visits_of_c(c, KPU_VISIT_L3, i, j),
            l2 = kpu_visits_of_c(c, KPU_VISIT_L2, i, j);
    int64_t tiles = m->tiles[KPU_K], within = tiles - m->blocks[KPU_K];
    if (!tile_loop)
        return (jumps){(c_is_stationary(c) ? kpu_visits_of_c(c, KPU_VISIT_RUN, i, j) : tiles) - 1,
                       l2 - 1, l3 - 1};
    return (jumps){within, l2 == tiles ? within : 0, l3 == tiles ? within : 0};
}

static int64_t chain_of(const kpu_cycle_case *c, bool tile_loop)
{
    const kpu_run_ends *e = &c->ends;
    const kpu_transfer_cycles *in = &c->in[KPU_C];
    chained m = choose_tiles(c, KPU_M, tile_loop), n = choose_tiles(c, KPU_N, tile_loop);
    int64_t sum = 0;
    for (int i = 0; i < KPU_TILE_CLASSES; i++)
        for (int j = 0; j < KPU_TILE_CLASSES; j++) {
            int a = i == KPU_TILE_EDGE, b = j == KPU_TILE_EDGE;
            if (!m.tiles[i] || !n.tiles[j])
                continue;
            jumps go = count_jumps(c, i, j, tile_loop);
            int64_t stream = in->stream.of[a][b] * (c_is_stationary(c) ? 2 : 1);
            sum += m.tiles[i] * n.tiles[j] *
                   (c->factor[KPU_M][a] * c->factor[KPU_N][b] * c->factors[KPU_K] +
                    go.all * (e->skew + stream + 2 * e->lat1) +
                    go.by_l3 * 2 * (in->bm.of[a][b] + e->lat2) +
                    go.by_dram * 2 * (in->dma.of[a][b] + e->lat3));
        }
    return sum;
}

kpu_cycle_term kpu_bound_chain(const kpu_cycle_case *c)
{
    int64_t most = chain_of(c, false), other = c_is_stationary(c) ? 0 : chain_of(c, true);
    most = other > most ? other : most;
    return (kpu_cycle_term){c->ends.first, most, 1, c->ends.drain};
}
