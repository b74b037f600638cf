/* reference_nest.c - steps, windows, residency (the model's sections 3, 4 and 5). */
#include "reference_parts.h"

#include <stdlib.h>
#include <string.h>

void *ref_allocate(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        abort();
    return memory;
}

void *ref_grow(void *array, size_t *capacity, size_t count, size_t size)
{
    if (count <= *capacity)
        return array;
    *capacity = 2 * count + 16;
    void *grown = realloc(array, *capacity * size);
    if (!grown)
        abort();
    return grown;
}

int64_t ref_ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

int64_t ref_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t ref_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

bool ref_is_relevant(int operand, int dim)
{
    switch (operand) {
    case KPU_A: return dim == KPU_M || dim == KPU_K;
    case KPU_B: return dim == KPU_K || dim == KPU_N;
    default: return dim == KPU_M || dim == KPU_N;
    }
}

static const int tile_loops[KPU_DATAFLOWS][2][KPU_DIMS] = {
    [KPU_OS] = {{KPU_M, KPU_N, KPU_K}, {KPU_N, KPU_M, KPU_K}},
    [KPU_WS] = {{KPU_N, KPU_K, KPU_M}, {KPU_K, KPU_N, KPU_M}},
    [KPU_IS] = {{KPU_M, KPU_K, KPU_N}, {KPU_K, KPU_M, KPU_N}},
};

/* Clamped tile and block; false if illegal. */
static bool clamp(const kpu_problem *problem, const kpu_candidate *candidate, int dim,
                  int64_t *tile, int64_t *block)
{
    if (candidate->tile[dim] < 1 || candidate->block[dim] < 0)
        return false;
    *tile = ref_min(candidate->tile[dim], problem->dim[dim]);
    *block = candidate->block[dim];
    if (*block == 0 || *block >= problem->dim[dim]) {
        *block = problem->dim[dim];
        return true;
    }
    return *block % *tile == 0;
}

int64_t ref_count_steps(const kpu_problem *problem, const kpu_candidate *candidate, int64_t limit)
{
    int64_t steps = 1;
    for (int d = 0; d < KPU_DIMS; d++) {
        int64_t tile, block;
        if (!clamp(problem, candidate, d, &tile, &block))
            return 0;
        int64_t tiles = 0;
        for (int64_t begin = 0; begin < problem->dim[d] && tiles <= limit; begin += block)
            tiles += ref_ceil_div(ref_min(block, problem->dim[d] - begin), tile);
        steps *= tiles;
        if (steps > limit)
            return 0;
    }
    return steps;
}

/* Trips of the loop at `position`, given the indices of the loops outside. */
static int64_t trips(const ref_nest *nest, int position, const int64_t index[KPU_NEST])
{
    int dim = nest->loop_dim[position];
    int64_t whole = nest->problem->dim[dim];
    if (position < KPU_BLOCK_LOOPS)
        return ref_ceil_div(whole, nest->block[dim]);
    int64_t block_index = 0;
    for (int i = 0; i < KPU_BLOCK_LOOPS; i++)
        if (nest->loop_dim[i] == dim)
            block_index = index[i];
    int64_t left = whole - block_index * nest->block[dim];
    return ref_ceil_div(ref_min(nest->block[dim], left), nest->tile[dim]);
}

static void record_step(ref_nest *nest, const int64_t index[KPU_NEST])
{
    ref_step *step = &nest->steps[nest->step_count++];
    memcpy(step->index, index, sizeof step->index);
    for (int d = 0; d < KPU_DIMS; d++) {
        int64_t begin = 0;
        for (int i = 0; i < KPU_NEST; i++)
            if (nest->loop_dim[i] == d)
                begin += index[i] * (i < KPU_BLOCK_LOOPS ? nest->block[d] : nest->tile[d]);
        step->tile[d] = begin / nest->tile[d];
        step->extent[d] = ref_min(nest->tile[d], nest->problem->dim[d] - begin);
    }
}

static void run_loop(ref_nest *nest, int position, int64_t index[KPU_NEST])
{
    if (position == KPU_NEST) {
        record_step(nest, index);
        return;
    }
    int64_t count = trips(nest, position, index);
    for (index[position] = 0; index[position] < count; index[position]++)
        run_loop(nest, position + 1, index);
}

bool ref_nest_make(ref_nest *nest)
{
    for (int d = 0; d < KPU_DIMS; d++) {
        if (!clamp(nest->problem, nest->candidate, d, &nest->tile[d], &nest->block[d]))
            return false;
        nest->tiles[d] = ref_ceil_div(nest->problem->dim[d], nest->tile[d]);
        nest->loop_dim[d] = (int)nest->candidate->order[d];
        nest->loop_dim[KPU_BLOCK_LOOPS + d] =
            tile_loops[nest->candidate->dataflow][nest->candidate->swap][d];
    }
    size_t most = (size_t)(nest->tiles[KPU_M] * nest->tiles[KPU_N] * nest->tiles[KPU_K]);
    nest->steps = ref_allocate(most, sizeof *nest->steps);
    nest->step_count = 0;
    int64_t index[KPU_NEST] = {0};
    run_loop(nest, 0, index);
    return true;
}

void ref_nest_fini(ref_nest *nest)
{
    free(nest->steps);
    nest->steps = NULL;
}

int64_t ref_tile_id(const ref_nest *nest, int operand, const ref_step *step)
{
    int64_t id = 0;
    for (int d = 0; d < KPU_DIMS; d++)
        if (ref_is_relevant(operand, d))
            id = id * nest->tiles[d] + step->tile[d];
    return id;
}

int64_t ref_tile_bytes(const ref_nest *nest, int operand, const ref_step *step, bool final)
{
    int64_t bytes = nest->problem->element_bytes[operand];
    if (operand == KPU_C && !final)
        bytes = nest->problem->partial_bytes;
    for (int d = 0; d < KPU_DIMS; d++)
        if (ref_is_relevant(operand, d))
            bytes *= step->extent[d];
    return bytes;
}

static bool same_window(const ref_nest *nest, int operand, int64_t hoist, size_t step)
{
    const ref_step *now = &nest->steps[step], *before = &nest->steps[step - 1];
    for (int i = 0; i < hoist; i++)
        if (ref_is_relevant(operand, nest->loop_dim[i]) && now->index[i] != before->index[i])
            return false;
    return true;
}

/* For each tile of the operand: the first and the last step that uses it, in the whole run. */
typedef struct lifetimes {
    size_t *first, *last;
} lifetimes;

static lifetimes find_lifetimes(const ref_nest *nest, int operand, size_t tiles)
{
    lifetimes life = {ref_allocate(tiles, sizeof(size_t)), ref_allocate(tiles, sizeof(size_t))};
    for (size_t i = 0; i < tiles; i++)
        life.first[i] = REF_NONE;
    for (size_t s = 0; s < nest->step_count; s++) {
        int64_t tile = ref_tile_id(nest, operand, &nest->steps[s]);
        if (life.first[tile] == REF_NONE)
            life.first[tile] = s;
        life.last[tile] = s;
    }
    return life;
}

static void close_window(const ref_nest *nest, int operand, const lifetimes *life,
                         ref_residence *out, size_t first_arrival, size_t end_step)
{
    out->window_tiles = ref_max(out->window_tiles, (int64_t)(out->arrival_count - first_arrival));
    for (size_t a = first_arrival; a < out->arrival_count; a++) {
        ref_arrival *arrival = &out->arrivals[a];
        const ref_step *step = &nest->steps[arrival->first_step];
        arrival->end_step = end_step;
        arrival->final = life->last[arrival->tile] <= end_step;
        if (operand != KPU_C || !arrival->fresh)
            out->load_bytes += ref_tile_bytes(nest, operand, step, false);
        if (operand == KPU_C)
            out->store_bytes += ref_tile_bytes(nest, operand, step, arrival->final);
    }
}

void ref_residence_make(const ref_nest *nest, int operand, int64_t hoist, ref_residence *out)
{
    size_t tiles = (size_t)(nest->tiles[KPU_M] * nest->tiles[KPU_N] * nest->tiles[KPU_K]);
    lifetimes life = find_lifetimes(nest, operand, tiles);
    size_t *newest = ref_allocate(tiles, sizeof *newest); /* arrival + 1 of each tile, 0 none */
    *out = (ref_residence){0};
    out->arrivals = ref_allocate(nest->step_count, sizeof *out->arrivals);
    out->arrival_of_step = ref_allocate(nest->step_count, sizeof *out->arrival_of_step);
    size_t window_begin = 0;
    for (size_t s = 0; s < nest->step_count; s++) {
        if (s > 0 && !same_window(nest, operand, hoist, s)) {
            close_window(nest, operand, &life, out, window_begin, s - 1);
            window_begin = out->arrival_count;
        }
        int64_t tile = ref_tile_id(nest, operand, &nest->steps[s]);
        if (newest[tile] <= window_begin) {
            out->arrivals[out->arrival_count++] =
                (ref_arrival){.tile = tile, .first_step = s, .fresh = life.first[tile] == s};
            newest[tile] = out->arrival_count;
        }
        out->arrival_of_step[s] = newest[tile] - 1;
    }
    close_window(nest, operand, &life, out, window_begin, nest->step_count - 1);
    free(newest);
    free(life.first);
    free(life.last);
}

void ref_residence_fini(ref_residence *residence)
{
    free(residence->arrivals);
    free(residence->arrival_of_step);
    *residence = (ref_residence){0};
}

/* ---- Residency: all hoists tried ---------------------------------------------------------- */

typedef struct choice {
    int64_t window_tiles[KPU_OPERANDS][KPU_NEST + 1];
    int64_t bytes[KPU_OPERANDS][KPU_NEST + 1]; /* loaded and stored */
    int64_t slot_bytes[KPU_OPERANDS];
} choice;

static void measure(const ref_nest *nest, choice *out)
{
    for (int x = 0; x < KPU_OPERANDS; x++) {
        out->slot_bytes[x] =
            x == KPU_C ? nest->problem->partial_bytes : nest->problem->element_bytes[x];
        for (int d = 0; d < KPU_DIMS; d++)
            if (ref_is_relevant(x, d))
                out->slot_bytes[x] *= nest->tile[d];
        for (int p = 0; p <= KPU_NEST; p++) {
            ref_residence residence;
            ref_residence_make(nest, x, p, &residence);
            out->window_tiles[x][p] = residence.window_tiles;
            out->bytes[x][p] = residence.load_bytes + residence.store_bytes;
            ref_residence_fini(&residence);
        }
    }
}

static const int64_t *buffers(const kpu_candidate *candidate, int level)
{
    return level == KPU_HOIST_L3 ? candidate->l3_buffers : candidate->l2_buffers;
}

static int64_t ring_bytes(const ref_nest *nest, const choice *all, int level, const int64_t p[3])
{
    int64_t bytes = 0;
    for (int x = 0; x < KPU_OPERANDS; x++)
        bytes += (all->window_tiles[x][p[x]] + buffers(nest->candidate, level)[x] - 1) *
                 all->slot_bytes[x];
    return bytes;
}

/* Fewest bytes, then smallest footprint, then larger p of A, B, C. */
static bool is_better(const int64_t a[5], const int64_t b[5])
{
    for (int i = 0; i < 5; i++)
        if (a[i] != b[i])
            return a[i] < b[i];
    return false;
}

static void choose_level(const ref_nest *nest, const choice *all, int level, const int64_t least[3],
                         ref_result *result)
{
    int64_t capacity = kpu_machine_capacity_bytes(
        nest->machine, level == KPU_HOIST_L3 ? KPU_LEVEL_L3 : KPU_LEVEL_L2);
    int64_t best[5] = {INT64_MAX, 0, 0, 0, 0};
    int64_t p[3];
    for (p[0] = least[0]; p[0] <= KPU_NEST; p[0]++)
        for (p[1] = least[1]; p[1] <= KPU_NEST; p[1]++)
            for (p[2] = least[2]; p[2] <= KPU_NEST; p[2]++) {
                int64_t footprint = ring_bytes(nest, all, level, p);
                if (footprint > capacity)
                    continue;
                int64_t key[5] = {all->bytes[0][p[0]] + all->bytes[1][p[1]] + all->bytes[2][p[2]],
                                  footprint, -p[0], -p[1], -p[2]};
                if (is_better(key, best))
                    memcpy(best, key, sizeof best);
            }
    for (int x = 0; x < KPU_OPERANDS; x++)
        result->hoist[x][level] = best[0] == INT64_MAX ? KPU_NEST : -best[2 + x];
}

void ref_choose_residency(const ref_nest *nest, ref_result *result)
{
    choice all;
    measure(nest, &all);
    int64_t least[3] = {0, 0, 0};
    for (int level = 0; level < KPU_HOIST_LEVELS; level++) {
        if (nest->candidate->auto_residency)
            choose_level(nest, &all, level, least, result);
        int64_t p[3];
        for (int x = 0; x < KPU_OPERANDS; x++) {
            if (!nest->candidate->auto_residency)
                result->hoist[x][level] = nest->candidate->hoist[x][level];
            p[x] = least[x] = result->hoist[x][level];
            result->window_tiles[x][level] = all.window_tiles[x][p[x]];
            result->slots[x][level] =
                all.window_tiles[x][p[x]] + buffers(nest->candidate, level)[x] - 1;
        }
        *(level == KPU_HOIST_L3 ? &result->l3_bytes : &result->l2_bytes) =
            ring_bytes(nest, &all, level, p);
    }
}

/* ---- Fabric ------------------------------------------------------------------------------- */

/* pm, pn or pk: how many pieces of the array's side the extent along `dim` takes. */
int64_t ref_pieces(const ref_nest *nest, int dim, const int64_t extent[KPU_DIMS])
{
    int64_t rows = nest->machine->fabric_rows, cols = nest->machine->fabric_cols;
    if (dim == KPU_M)
        return ref_ceil_div(extent[dim], nest->candidate->dataflow == KPU_IS ? cols : rows);
    return ref_ceil_div(extent[dim], dim == KPU_N ? cols : rows);
}

int64_t ref_passes(const ref_nest *nest, const int64_t extent[KPU_DIMS])
{
    switch (nest->candidate->dataflow) {
    case KPU_OS: return ref_pieces(nest, KPU_M, extent) * ref_pieces(nest, KPU_N, extent);
    case KPU_WS: return ref_pieces(nest, KPU_K, extent) * ref_pieces(nest, KPU_N, extent);
    default: return ref_pieces(nest, KPU_K, extent) * ref_pieces(nest, KPU_M, extent);
    }
}
