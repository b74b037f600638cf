/* The flat form, read: which loops compute in the order of a file, and which windows load and store
 * as much as it does. */
#include "compiler/dfx_flat_read.h"

#include "mapping/nest.h"

#include <stdlib.h>
#include <string.h>

/* Blocks in tiles, the order of block loops, which of the dataflow's two orders of tile loops. */
typedef struct nest {
    int64_t block[KPU_DIMS];
    uint8_t order[KPU_DIMS];
    int swap;
} nest;

typedef struct search {
    const flat_search *of;
    /* elements that moves brought to L3 and L2 (C: stored from there) */
    int64_t elements[KPU_OPERANDS][KPU_HOIST_LEVELS];
    int64_t lead[KPU_HOIST_LEVELS]; /* steps before the first store of C from there */
    kpu_mapping nearest; /* of the first nest that computes in this order, or has windows too */
    bool has_nearest, has_windows, found;
    int32_t differs; /* where the whole nests leave the file's order, if all do */
    int64_t expected[KPU_DIMS];
} search;

/* ---- The order of steps ------------------------------------------------------------------- */

static const kpu_dataflow *flow_of(const search *s)
{
    return kpu_dataflow_at((int64_t)s->of->file->dataflow);
}

/* The step before the second block: few nests that are wrong pass. */
static bool is_likely(const int32_t tile[KPU_DIMS], const nest *n)
{
    for (int d = 0; d < KPU_DIMS; d++)
        if (tile[d] != n->block[d] - 1)
            return false;
    return true;
}

typedef struct walk {
    const flat_file *file;
    const nest *nest;
    uint8_t dims[KPU_NEST];
    int64_t index[KPU_NEST], tile[KPU_DIMS];
} walk;

static bool advance(walk *w)
{
    for (int i = KPU_NEST - 1; i >= 0; i--) {
        int dim = w->dims[i], block_loop = 0;
        int64_t block = w->nest->block[dim], tiles = w->file->tiles[dim];
        int64_t trips = kpu_ceil_div(tiles, block);
        while (w->dims[block_loop] != dim)
            block_loop++;
        if (i >= KPU_BLOCK_LOOPS) {
            int64_t left = tiles - w->index[block_loop] * block;
            trips = left < block ? left : block;
        }
        w->tile[dim] -= w->index[i] * (i < KPU_BLOCK_LOOPS ? block : 1);
        if (++w->index[i] < trips) {
            w->tile[dim] += w->index[i] * (i < KPU_BLOCK_LOOPS ? block : 1);
            return true;
        }
        w->index[i] = 0;
    }
    return false;
}

/* The operation that is of another step than the nest's; -1: none. */
static int32_t first_difference(const search *s, const nest *n, int64_t expected[KPU_DIMS])
{
    const flat_file *file = s->of->file;
    walk w = {.file = file, .nest = n};
    memcpy(w.dims, n->order, sizeof n->order);
    memcpy(w.dims + KPU_BLOCK_LOOPS, flow_of(s)->loops[n->swap], KPU_DIMS);
    int32_t at = file->first[KPU_DFX_MATMUL];
    do {
        const int32_t *tile = file->operations[at].tile;
        for (int d = 0; d < KPU_DIMS; d++)
            if (tile[d] != w.tile[d]) {
                memcpy(expected, w.tile, sizeof w.tile);
                return at;
            }
        at = file->operations[at].next;
    } while (advance(&w)); /* there are as many computations as steps */
    return -1;
}

/* Loops that run once may stand anywhere: only one of these nests is looked at. */
static bool is_canonical(const search *s, const nest *n)
{
    const int64_t *tiles = s->of->file->tiles;
    for (int i = 1; i < KPU_DIMS; i++) {
        int before = n->order[i - 1], dim = n->order[i];
        bool once = n->block[dim] == tiles[dim], once_before = n->block[before] == tiles[before];
        if (once && (!once_before || before > dim))
            return false;
    }
    return true;
}

/* The second order of tile loops is the first if it swaps a loop that runs once. */
static bool is_other_order(const search *s, const nest *n)
{
    uint8_t dims[2][KPU_DIMS];
    int count[2] = {0, 0};
    for (int swap = 0; swap < 2; swap++)
        for (int i = 0; i < KPU_DIMS; i++) {
            uint8_t dim = flow_of(s)->loops[swap][i];
            if (n->block[dim] > 1)
                dims[swap][count[swap]++] = dim;
        }
    return memcmp(dims[0], dims[1], (size_t)count[0]) != 0;
}

/* ---- Windows ------------------------------------------------------------------------------ */

static int64_t elements_of(const kpu_mapping *m, int x, int hoist)
{
    kpu_visits visits;
    int64_t sum = 0;
    kpu_mapping_visits(m, x, hoist, &visits);
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            sum =
                kpu_add_saturate(sum, kpu_mul_saturate(visits.elements[i][j], visits.times[i][j]));
    return sum;
}

/* The smallest windows in which X is loaded as often as in the file, L2's within L3's. Of two
 * windows with as many loads both have the same. False: there are none; then the nearest. */
static bool choose_windows(const search *s, kpu_mapping *m, int x)
{
    int64_t off[KPU_HOIST_LEVELS] = {INT64_MAX, INT64_MAX};
    int least = KPU_NEST;
    for (int level = KPU_HOIST_L2; level >= KPU_HOIST_L3; level--) {
        for (int p = least; p >= 0; p--) {
            int64_t by = elements_of(m, x, p) - s->elements[x][level];
            by = by < 0 ? -by : by;
            if (by < off[level]) {
                off[level] = by;
                m->hoist[x][level] = p;
            }
        }
        least = (int)m->hoist[x][level];
    }
    return off[KPU_HOIST_L3] == 0 && off[KPU_HOIST_L2] == 0;
}

/* At once: a window is one tile. */
static bool choose_all_windows(const search *s, kpu_mapping *m)
{
    bool fine = true;
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (x == KPU_C && s->of->file->is_direct)
            m->hoist[x][KPU_HOIST_L3] = m->hoist[x][KPU_HOIST_L2] = KPU_NEST;
        else
            fine = choose_windows(s, m, x) && fine;
    return fine;
}

/* ---- C's windows -------------------------------------------------------------------------- */

static int64_t trips_at(const kpu_mapping *m, int p)
{
    int dim = m->loop_dim[p];
    return p < KPU_BLOCK_LOOPS ? m->blocks[dim] : m->block_tiles[dim];
}

/* Whether C's windows from p on are others than those from p + 1 on, stored as often as in the
 * file, and the first of them as early. */
static bool is_window(const search *s, const kpu_mapping *m, int level, int p)
{
    if (p < KPU_NEST && (m->loop_dim[p] == KPU_K || trips_at(m, p) == 1))
        return false;
    int outside = p - 1; /* the loop that ends the first window */
    int64_t steps = 1;
    while (outside >= 0 && (m->loop_dim[outside] == KPU_K || trips_at(m, outside) == 1))
        outside--;
    for (int i = KPU_NEST - 1; i > outside; i--) {
        int dim = m->loop_dim[i]; /* the last block may be smaller */
        steps = i < KPU_BLOCK_LOOPS ? steps / m->block_tiles[dim] * m->tiles[dim]
                                    : steps * m->block_tiles[dim];
    }
    return steps == s->lead[level] && elements_of(m, KPU_C, p) == s->elements[KPU_C][level];
}

/* C may be held longer and stored just as often: the file's order decides, if it has ours. */
static bool offer_with_c(const search *s, kpu_mapping *m)
{
    if (s->of->file->is_direct)
        return s->of->take(s->of->context, m);
    for (int p2 = KPU_NEST; p2 >= 0; p2--)
        for (int p3 = is_window(s, m, KPU_HOIST_L2, p2) ? p2 : -1; p3 >= 0; p3--) {
            if (!is_window(s, m, KPU_HOIST_L3, p3))
                continue;
            m->hoist[KPU_C][KPU_HOIST_L3] = p3;
            m->hoist[KPU_C][KPU_HOIST_L2] = p2;
            if (s->of->take(s->of->context, m))
                return true;
        }
    return false;
}

/* ---- All nests ---------------------------------------------------------------------------- */

static void lay_out(const search *s, const nest *n, kpu_mapping *m)
{
    const flat_file *file = s->of->file;
    kpu_candidate candidate;
    kpu_candidate_defaults(&candidate);
    candidate.auto_residency = 0;
    candidate.dataflow = (int64_t)file->dataflow;
    candidate.swap = n->swap;
    for (int d = 0; d < KPU_DIMS; d++) {
        candidate.tile[d] = file->tile[d];
        candidate.block[d] = n->block[d] == file->tiles[d] ? 0 : n->block[d] * file->tile[d];
        candidate.order[d] = n->order[d];
    }
    kpu_mapping_make(&kpu_dfx_any_machine, &file->problem, &candidate, m);
}

static void try_nest(search *s, const nest *n)
{
    int64_t expected[KPU_DIMS];
    kpu_mapping m;
    int32_t differs = first_difference(s, n, expected);
    if (differs > s->differs && !s->has_nearest) {
        s->differs = differs;
        memcpy(s->expected, expected, sizeof expected);
    }
    if (differs >= 0)
        return;
    lay_out(s, n, &m);
    bool fine = choose_all_windows(s, &m);
    if (!s->has_nearest || (fine && !s->has_windows))
        s->nearest = m;
    s->has_nearest = true;
    s->has_windows = s->has_windows || fine;
    if (fine)
        s->found = offer_with_c(s, &m);
}

static void try_blocks(search *s, nest *n, const int32_t *const last)
{
    if (!is_likely(last, n))
        return;
    for (n->swap = 0; n->swap < 2 && !s->found; n->swap++)
        for (int order = 0; order < KPU_ORDERS && !s->found; order++) {
            kpu_box_order(order, n->order);
            if (is_canonical(s, n) && (n->swap == 0 || is_other_order(s, n)))
                try_nest(s, n);
        }
}

/* Large blocks first: a whole dimension is the simplest loop. */
static void try_all(search *s, const int32_t *steps)
{
    const flat_file *file = s->of->file;
    const int64_t *tiles = file->tiles;
    nest n;
    for (n.block[KPU_M] = tiles[KPU_M]; n.block[KPU_M] > 0 && !s->found; n.block[KPU_M]--)
        for (n.block[KPU_N] = tiles[KPU_N]; n.block[KPU_N] > 0 && !s->found; n.block[KPU_N]--)
            for (n.block[KPU_K] = tiles[KPU_K]; n.block[KPU_K] > 0 && !s->found; n.block[KPU_K]--) {
                int64_t step = n.block[KPU_M] * n.block[KPU_N] * n.block[KPU_K] - 1;
                try_blocks(s, &n, file->operations[steps[step]].tile);
            }
}

static int64_t extent(const flat_file *file, int dim, int64_t tile)
{
    int64_t left = file->problem.dim[dim] - tile * file->tile[dim];
    return left < file->tile[dim] ? left : file->tile[dim];
}

static int64_t steps_before(const flat_file *file, int32_t before)
{
    int64_t steps = 0;
    for (int32_t at = file->first[KPU_DFX_MATMUL]; at >= 0; at = file->operations[at].next)
        steps += at < before;
    return steps;
}

static void count_elements(search *s)
{
    static const uint8_t kinds[KPU_OPERANDS][KPU_HOIST_LEVELS] = {
        [KPU_A] = {KPU_DFX_LOAD_L3 + KPU_A, KPU_DFX_LOAD_L2 + KPU_A},
        [KPU_B] = {KPU_DFX_LOAD_L3 + KPU_B, KPU_DFX_LOAD_L2 + KPU_B},
        [KPU_C] = {KPU_DFX_STORE_EXTERNAL, KPU_DFX_STORE_L3},
    };
    const flat_file *file = s->of->file;
    for (int level = 0; level < KPU_HOIST_LEVELS; level++)
        s->lead[level] = steps_before(file, file->first[kinds[KPU_C][level]]);
    for (int x = 0; x < KPU_OPERANDS; x++)
        for (int level = 0; level < KPU_HOIST_LEVELS; level++) {
            int32_t at = file->first[kinds[x][level]];
            for (; at >= 0; at = file->operations[at].next) {
                const int32_t *tile = file->operations[at].tile;
                int rows = kpu_dfx_flat_dims[x][0], columns = kpu_dfx_flat_dims[x][1];
                s->elements[x][level] = kpu_add_saturate(s->elements[x][level],
                                                         extent(file, rows, tile[rows]) *
                                                             extent(file, columns, tile[columns]));
            }
        }
}

static int complain_of_order(const search *s)
{
    const flat_file *file = s->of->file;
    const int64_t *e = s->expected;
    const int32_t *tile = file->operations[s->differs].tile;
    json_node node;
    json_node_item(&file->list, (size_t)s->differs, &node);
    return json_node_complain(
        &node,
        "C[%d,%d] += A[%d,%d] * B[%d,%d]: no %s nest computes in this order; without blocks, "
        "C[%lld,%lld] += A[%lld,%lld] * B[%lld,%lld] would be next",
        tile[KPU_M], tile[KPU_N], tile[KPU_M], tile[KPU_K], tile[KPU_K], tile[KPU_N],
        kpu_dfx_dataflow_names[file->dataflow], (long long)e[KPU_M], (long long)e[KPU_N],
        (long long)e[KPU_M], (long long)e[KPU_K], (long long)e[KPU_K], (long long)e[KPU_N]);
}

/* For the complaint: how far nests without blocks get. */
static void measure_whole(search *s)
{
    nest n = {.order = {KPU_M, KPU_N, KPU_K}};
    memcpy(n.block, s->of->file->tiles, sizeof n.block);
    s->differs = -1;
    for (n.swap = 0; n.swap < 2; n.swap++)
        try_nest(s, &n);
}

static int list_steps(const flat_file *file, int32_t **out)
{
    int64_t steps = file->tiles[KPU_M] * file->tiles[KPU_N] * file->tiles[KPU_K], count = 0;
    for (int32_t at = file->first[KPU_DFX_MATMUL]; at >= 0; at = file->operations[at].next)
        count++;
    if (count != steps)
        return json_node_complain(&file->list,
                                  "%lld COMPUTE operations; %lld x %lld x %lld tiles have %lld "
                                  "steps",
                                  (long long)count, (long long)file->tiles[KPU_M],
                                  (long long)file->tiles[KPU_N], (long long)file->tiles[KPU_K],
                                  (long long)steps);
    *out = malloc((size_t)steps * sizeof **out);
    if (!*out)
        return kpu_diag_add(file->root.diag, KPU_E_MEMORY, "out of memory");
    count = 0;
    for (int32_t at = file->first[KPU_DFX_MATMUL]; at >= 0; at = file->operations[at].next)
        (*out)[count++] = at;
    return KPU_OK;
}

int kpu_dfx_flat_search(const flat_search *of)
{
    search s = {.of = of, .differs = -1};
    int32_t *steps;
    int status = list_steps(of->file, &steps);
    if (status)
        return status;
    count_elements(&s);
    try_all(&s, steps);
    free(steps);
    if (!s.has_nearest) {
        measure_whole(&s);
        return complain_of_order(&s);
    }
    if (!s.found)
        of->take(of->context, &s.nearest);
    return KPU_OK;
}
