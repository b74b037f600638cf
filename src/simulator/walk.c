#include "simulator/walk.h"

#include <string.h>

static bool in_last_block(const walk *w, int dim)
{
    for (int i = 0; i < KPU_BLOCK_LOOPS; i++)
        if (w->program->loop_dim[i] == dim)
            return w->index[i] == w->trips[i] - 1;
    return true;
}

static int64_t block_index(const walk *w, int dim)
{
    int i = 0;
    while (w->program->loop_dim[i] != dim)
        i++;
    return w->index[i];
}

/* How the loops inside a window number its tiles, in order of first use. Changes only with the
 * block, as edge blocks have fewer tiles. */
static void renumber(const walk *w, walk_window *v)
{
    const kpu_program *p = w->program;
    unsigned inside = v->program->relevant_inside;
    int64_t stride = 1;
    for (int i = WALK_LAST; i >= KPU_BLOCK_LOOPS; i--) {
        v->stride[i] = inside >> i & 1 ? stride : 0;
        if (inside >> i & 1)
            stride *= w->trips[i];
    }
    v->block_line = 0;
    int64_t inner = stride; /* tiles of the current block within the part inside the window */
    int64_t outer_trips = 0;
    int outer = -1;
    for (int i = KPU_BLOCK_LOOPS - 1; i >= 0; i--) {
        if (!(inside >> i & 1))
            continue;
        int dim = p->loop_dim[i], tile_loop = KPU_BLOCK_LOOPS;
        while (p->loop_dim[tile_loop] != dim)
            tile_loop++;
        int64_t before = block_index(w, dim) * p->trips[tile_loop][0];
        /* tiles of earlier blocks of this loop x tiles along all other dimensions at this depth */
        int64_t per_tile = inner / w->trips[tile_loop];
        if (outer >= 0) /* a block loop further in is inside too: count its whole dimension */
            per_tile = per_tile / outer_trips * p->tiles[outer];
        v->block_line += before * per_tile;
        outer = dim;
        outer_trips = w->trips[tile_loop];
    }
}

static void count_used_tiles(walk *w, int window)
{
    const walk_window *v = &w->window[window];
    int hoist = v->program->hoist;
    unsigned relevant = v->program->relevant_inside | v->program->relevant_outside;
    int64_t tiles = 1;
    bool moving = false; /* windows are renewed inside the loops seen so far */
    for (int l = WALK_LAST; l >= 0; l--) {
        w->used_tiles[window][l] = tiles;
        bool counts = (relevant >> l & 1) || (l < hoist && moving);
        if (!counts || w->trips[l] == 1)
            continue;
        moving = moving || l < hoist;
        tiles = tiles * w->trips[l] < v->slots ? tiles * w->trips[l] : v->slots;
    }
}

static void set_trips(walk *w)
{
    const kpu_program *p = w->program;
    for (int i = KPU_BLOCK_LOOPS; i < KPU_NEST; i++)
        w->trips[i] = p->trips[i][in_last_block(w, p->loop_dim[i])];
    w->multi = 0;
    for (int i = 0; i < KPU_NEST; i++)
        if (w->trips[i] > 1)
            w->multi |= 1u << i;
    for (int v = 0; v < KPU_OPERANDS * KPU_HOIST_LEVELS; v++)
        if (w->windows >> v & 1) {
            renumber(w, &w->window[v]);
            count_used_tiles(w, v);
        }
}

/* Loops that restart or advance when the loop at `position` does, given who has several trips. */
static unsigned moved_loops(int position, unsigned multi)
{
    if (position < 0)
        return ~0u;
    unsigned inner = ~((2u << position) - 1);
    return (1u << position) | (multi & inner);
}

static void enter_window(const walk *w, walk_window *v, unsigned moved)
{
    const kpu_program_window *p = v->program;
    if (w->changed < p->hoist) {
        v->lap_fresh = w->changed < 0 || (p->relevant_outside & moved); /* it is renewed */
        if (v->lap_fresh) {
            v->base_slot = v->head_slot;
            v->base_number = v->next_number;
        }
    }
    v->line = v->block_line + w->index[3] * v->stride[3] + w->index[4] * v->stride[4];
    unsigned others = w->nonzero | 1u << WALK_LAST;
    v->first[0] = v->lap_fresh && !(w->nonzero & p->irrelevant_inside);
    v->first[1] = p->hoist == KPU_NEST ? p->relevant_outside >> WALK_LAST & 1
                                       : v->lap_fresh && !(others & p->irrelevant_inside);
}

/* The position whose loop advances after this sweep: the innermost outer one not at its end. */
static int next_position(const walk *w)
{
    for (int i = WALK_LAST - 1; i >= 0; i--)
        if (w->index[i] + 1 < w->trips[i])
            return i;
    return -1;
}

static void set_edges(walk *w)
{
    const kpu_program *p = w->program;
    w->edges = 0;
    for (int i = KPU_BLOCK_LOOPS; i < KPU_NEST; i++) {
        int dim = p->loop_dim[i];
        bool edge = p->has_edge[dim] && in_last_block(w, dim);
        if (i == WALK_LAST)
            w->last_edges = w->edges | (unsigned)edge << dim;
        else if (edge && w->index[i] == w->trips[i] - 1)
            w->edges |= 1u << dim;
    }
    if (w->trips[WALK_LAST] == 1)
        w->edges = w->last_edges;
}

static void enter_sweep(walk *w, unsigned previous_multi)
{
    unsigned moved = moved_loops(w->changed, previous_multi);
    for (int v = 0; v < KPU_OPERANDS * KPU_HOIST_LEVELS; v++)
        if (w->windows >> v & 1)
            enter_window(w, &w->window[v], moved);
    unsigned stationary = w->program->relevant[w->program->stationary];
    w->run_begins = (stationary & moved) != 0;
    w->next = next_position(w);
    w->run_ends = w->next < 0 || (stationary & moved_loops(w->next, w->multi));
    set_edges(w);
}

void walk_start(walk *w, const kpu_program *program, unsigned windows)
{
    memset(w, 0, sizeof *w);
    w->program = program;
    w->windows = windows;
    for (int i = 0; i < KPU_NEST; i++)
        w->trips[i] = program->trips[i][0];
    for (int x = 0; x < KPU_OPERANDS; x++)
        for (int level = 0; level < KPU_HOIST_LEVELS; level++) {
            walk_window *v = walk_of(w, x, level);
            v->program = &program->window[x][level];
            v->slots = v->program->slots;
        }
    w->changed = -1;
    set_trips(w);
    enter_sweep(w, 0);
}

bool walk_advance(walk *w)
{
    if (w->next < 0)
        return false;
    unsigned previous_multi = w->multi;
    w->changed = w->next;
    w->index[w->changed]++;
    w->nonzero |= 1u << w->changed;
    for (int i = w->changed + 1; i < WALK_LAST; i++)
        w->index[i] = 0;
    w->nonzero &= (2u << w->changed) - 1;
    if (w->changed < KPU_BLOCK_LOOPS)
        set_trips(w);
    enter_sweep(w, previous_multi);
    return true;
}

bool walk_k_finished(const walk *w)
{
    for (int i = 0; i < WALK_LAST; i++)
        if (w->program->loop_dim[i] == KPU_K && w->index[i] != w->trips[i] - 1)
            return false;
    return true;
}

static int tile_loop_of(const kpu_program *p, int dim)
{
    int i = KPU_BLOCK_LOOPS;
    while (p->loop_dim[i] != dim)
        i++;
    return i;
}

static int block_loop_of(const kpu_program *p, int dim)
{
    int i = 0;
    while (p->loop_dim[i] != dim)
        i++;
    return i;
}

/* Tiles of C along m and n in a block. */
typedef struct c_block {
    int64_t trips[KPU_DIMS];
} c_block;

/* In such a block every iteration of k's tile loop takes its C tiles to L3 anew. */
static bool k_brings_back(const walk *w, const c_block *block)
{
    const kpu_program *p = w->program;
    int hoist = p->window[KPU_C][KPU_HOIST_L3].hoist;
    for (int l = tile_loop_of(p, KPU_K) + 1; l < hoist; l++)
        if (block->trips[p->loop_dim[l]] > 1) /* inside k's tile loop are those of m and n */
            return true;
    return false;
}

/* Tiles that C takes to L3 in one iteration of k's block loop, in the blocks of the loops from
 * `position` inwards; `block` holds the trips of the others. `k_trips`: of k's tile loop. If
 * *before is asked for: what of it comes before the present block. */
static int64_t visits_inside(const walk *w, int position, c_block *block, int64_t k_trips,
                             int64_t *before)
{
    const kpu_program *p = w->program;
    if (position == KPU_BLOCK_LOOPS) {
        int64_t tiles = block->trips[KPU_M] * block->trips[KPU_N];
        return k_brings_back(w, block) ? tiles * k_trips : tiles;
    }
    int dim = p->loop_dim[position], tile_loop = tile_loop_of(p, dim);
    int64_t present = block->trips[dim], blocks = w->trips[position];
    block->trips[dim] = p->trips[tile_loop][0];
    int64_t full = visits_inside(w, position + 1, block, k_trips, NULL);
    block->trips[dim] = p->trips[tile_loop][1];
    int64_t last = visits_inside(w, position + 1, block, k_trips, NULL);
    block->trips[dim] = present;
    if (before) {
        visits_inside(w, position + 1, block, k_trips, before);
        *before += w->index[position] * full;
    }
    return (blocks - 1) * full + last;
}

/* Rank of a visit within the tile loops, k taking `k_trips` and being at `k`. */
static int64_t visit_rank(const walk *w, int64_t i, int64_t k_trips, int64_t k)
{
    int64_t rank = 0;
    for (int l = KPU_BLOCK_LOOPS; l < KPU_NEST; l++) {
        bool is_k = w->program->loop_dim[l] == KPU_K;
        int64_t index = is_k ? k : l == WALK_LAST ? i : w->index[l];
        rank = rank * (is_k ? k_trips : w->trips[l]) + index;
    }
    return rank;
}

int64_t walk_revisit_distance(const walk *w, int64_t i)
{
    const kpu_program *p = w->program;
    int tile_loop = tile_loop_of(p, KPU_K), block_loop = block_loop_of(p, KPU_K);
    c_block block;
    for (int d = 0; d < KPU_DIMS; d++)
        block.trips[d] = w->trips[tile_loop_of(p, d)];
    bool by_tile = k_brings_back(w, &block);
    if (by_tile && w->index[tile_loop] > 0) {
        int64_t tiles = 1;
        for (int l = tile_loop + 1; l < KPU_NEST; l++)
            tiles *= w->trips[l];
        return tiles;
    }
    /* It was there last in the iteration before of k's block loop, a full one. */
    int64_t earlier_trips = p->trips[tile_loop][0], trips = w->trips[tile_loop];
    int64_t earlier_before = 0, before = 0;
    int64_t earlier = visits_inside(w, block_loop + 1, &block, earlier_trips, &earlier_before);
    visits_inside(w, block_loop + 1, &block, trips, &before);
    int64_t distance = earlier - earlier_before + before;
    if (by_tile) /* else once in its block, at the same place */
        distance += visit_rank(w, i, trips, 0) - visit_rank(w, i, earlier_trips, earlier_trips - 1);
    return distance;
}

static int64_t wrap(int64_t slot, int64_t slots)
{
    return (slot % slots + slots) % slots;
}

void walk_note_numbers(const walk *w, walk_numbers *out)
{
    for (int i = 0; i < KPU_OPERANDS * KPU_HOIST_LEVELS; i++) {
        out->next[i] = w->window[i].next_number;
        out->base[i] = w->window[i].base_number;
    }
}

void walk_place(walk *w, const int64_t index[KPU_NEST])
{
    w->nonzero = 0;
    for (int i = 0; i < WALK_LAST; i++) {
        w->index[i] = index[i];
        if (index[i])
            w->nonzero |= 1u << i;
    }
    set_trips(w);
    for (int i = 0; i < KPU_OPERANDS * KPU_HOIST_LEVELS; i++) {
        walk_window *v = &w->window[i];
        if (w->windows >> i & 1)
            v->line = v->block_line + w->index[3] * v->stride[3] + w->index[4] * v->stride[4];
    }
    w->next = next_position(w);
    unsigned stationary = w->program->relevant[w->program->stationary];
    w->run_ends = w->next < 0 || (stationary & moved_loops(w->next, w->multi));
    set_edges(w);
}

static void move_numbers(walk *w, const walk_numbers *from, const walk_numbers *to, int64_t times)
{
    for (int i = 0; i < KPU_OPERANDS * KPU_HOIST_LEVELS; i++) {
        walk_window *v = &w->window[i];
        int64_t tiles = (to->next[i] - from->next[i]) * times;
        int64_t base = (to->base[i] - from->base[i]) * times;
        if (tiles) {
            v->next_number += tiles;
            v->head_slot = wrap(v->head_slot + tiles, v->slots);
        }
        if (base) {
            v->base_number += base;
            v->base_slot = wrap(v->base_slot + base, v->slots);
        }
    }
}

/* To the end of the present iteration of that loop, and on as usual. */
static bool leave_iteration(walk *w, int position)
{
    for (int i = position + 1; i < WALK_LAST; i++)
        w->index[i] = w->trips[i] - 1;
    w->next = next_position(w);
    return walk_advance(w);
}

bool walk_repeat(walk *w, const walk_numbers *earlier, int position, int64_t iterations,
                 int64_t times)
{
    walk_numbers now;
    walk_note_numbers(w, &now);
    move_numbers(w, earlier, &now, times);
    if (position == WALK_LAST)
        return true;
    w->index[position] += iterations * times - 1;
    return leave_iteration(w, position);
}

bool walk_redo(walk *w, const walk_numbers *found, const walk_numbers *left, int position)
{
    walk_numbers to = *left;
    memcpy(to.base, found->base, sizeof to.base); /* of windows that end with it anyway */
    move_numbers(w, found, &to, 1);
    return leave_iteration(w, position);
}

/* What C's revisits look like does not depend on which block of k it is. */
bool walk_is_regular(const walk *w)
{
    const kpu_program *p = w->program;
    int k = tile_loop_of(p, KPU_K);
    return p->trips[k][0] == p->trips[k][1] || !walk_c_returns(p, KPU_HOIST_L3);
}

uint64_t walk_shape(const walk *w, int position)
{
    const kpu_program *p = w->program;
    uint64_t shape = 0;
    for (int i = 0; i < KPU_OPERANDS * KPU_HOIST_LEVELS; i++)
        shape = shape << 2 | (unsigned)w->window[i].first[0] << 1 | w->window[i].first[1];
    bool k_ends = true; /* the last of k may come in this iteration */
    for (int l = 0; l <= position; l++)
        k_ends = k_ends && (p->loop_dim[l] != KPU_K || w->index[l] == w->trips[l] - 1);
    for (int d = 0; d < KPU_DIMS; d++) {
        int l = tile_loop_of(p, d);
        bool edge = l <= position && p->has_edge[d] && w->index[l] == w->trips[l] - 1;
        shape = shape << 2 | (unsigned)in_last_block(w, d) << 1 | edge;
    }
    int next = position; /* the loop that advances after this iteration */
    while (next >= 0 && w->index[next] == w->trips[next] - 1)
        next--;
    bool ends = next < 0 || (p->relevant[p->stationary] & moved_loops(next, w->multi));
    int k = tile_loop_of(p, KPU_K);
    return shape << 5 | (unsigned)k_ends << 4 | (unsigned)walk_k_started(w) << 3 |
           (unsigned)w->run_begins << 2 | (unsigned)ends << 1 |
           (unsigned)(k <= position && w->index[k] > 0);
}

bool walk_last_is_alike(const walk *w, int position)
{
    const kpu_program *p = w->program;
    int dim = p->loop_dim[position], tile_loop = tile_loop_of(p, dim);
    bool edge = p->has_edge[dim] && (position < KPU_BLOCK_LOOPS || in_last_block(w, dim));
    bool smaller = position < KPU_BLOCK_LOOPS && p->trips[tile_loop][0] != p->trips[tile_loop][1];
    /* A run that ends with each iteration ends with the last. */
    bool ends = p->relevant[p->stationary] & moved_loops(position, w->multi);
    return dim != KPU_K && !edge && !smaller && ends;
}

bool walk_c_returns(const kpu_program *p, int level)
{
    int hoist = p->window[KPU_C][level].hoist;
    for (int k = 0; k < hoist; k++)
        for (int l = k + 1; l < hoist; l++)
            if (p->loop_dim[k] == KPU_K && p->trips[k][0] > 1 && p->loop_dim[l] != KPU_K &&
                p->trips[l][0] > 1)
                return true;
    return false;
}

bool walk_taken_again(const walk *w, int operand, int64_t i, int window, int reader)
{
    unsigned relevant = w->program->relevant[operand], moving = relevant & w->multi;
    unsigned irrelevant = ~relevant & ((1u << KPU_NEST) - 1);
    for (; irrelevant; irrelevant &= irrelevant - 1) {
        int loop = __builtin_ctz(irrelevant);
        if (loop >= reader || (loop == WALK_LAST ? i : w->index[loop]) + 1 >= w->trips[loop])
            continue;
        unsigned inner = moving & ~((2u << loop) - 1);
        bool renewed_before = loop < window && (inner & ((1u << window) - 1));
        bool taken = reader == WALK_EVERY_STEP || (inner & ((1u << reader) - 1));
        if (taken && !renewed_before)
            return true;
    }
    return false;
}
