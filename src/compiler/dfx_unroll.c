/* Walks a kernel's nest and says which operations of its body take place at each step: sections 4
 * and 6 of docs/model.md, stores as soon as their window ends. */
#include "compiler/dfx_flat.h"

#include "mapping/nest.h"

#include <stdlib.h>
#include <string.h>

/* What a level holds of an operand. */
typedef struct ring {
    unsigned outside;  /* loops whose indices identify the window */
    int64_t identity;  /* of the current window; -1: none yet */
    int64_t window;    /* its number, from 1 */
    int64_t *used_in;  /* of each tile: the window that used it last */
    int64_t *producer; /* of each tile: the operation that wrote it here last */
    int64_t *list;     /* C: tiles of the current window, in order of first use */
    int64_t count;
} ring;

typedef struct walk {
    const kpu_dfx_kernel *kernel;
    const kpu_mapping *m;
    kpu_dfx_flat_sink sink;
    int stationary;
    int64_t id; /* operations so far */
    int64_t index[KPU_NEST], tile[KPU_DIMS];
    ring rings[KPU_OPERANDS][KPU_HOIST_LEVELS];
    int64_t *stored;    /* of each C tile: the store that brought it to DRAM last; 0: none */
    bool *touched;      /* of each C tile: no longer fresh */
    int64_t in_run;     /* stationary tile; -1: none yet */
    int64_t run_source; /* what the run's tile depends on: its load, os: its last computation */
} walk;

static int64_t tile_of(const walk *w, int x)
{
    static const uint8_t dims[KPU_OPERANDS][2] = {
        [KPU_A] = {KPU_M, KPU_K}, [KPU_B] = {KPU_K, KPU_N}, [KPU_C] = {KPU_M, KPU_N}};
    return w->tile[dims[x][0]] * w->m->tiles[dims[x][1]] + w->tile[dims[x][1]];
}

/* ---- Operations --------------------------------------------------------------------------- */

/* In ascending order; 0: nothing. */
static void put(kpu_dfx_flat_operation *o, int64_t depends_on)
{
    if (depends_on == 0)
        return;
    size_t at = o->depends_count++;
    for (; at > 0 && o->depends_on[at - 1] > depends_on; at--)
        o->depends_on[at] = o->depends_on[at - 1];
    o->depends_on[at] = depends_on;
}

static int64_t hand_over(walk *w, kpu_dfx_flat_operation *o)
{
    o->id = ++w->id;
    if (w->id <= KPU_DFX_FLAT_OPERATIONS_MAX)
        w->sink.take(w->sink.context, o);
    return o->id;
}

/* A move of this step; its number. */
static int64_t move(walk *w, int at, int64_t depends_on)
{
    kpu_dfx_flat_operation o = {.of = &w->kernel->operations[at]};
    memcpy(o.tile, w->tile, sizeof o.tile);
    put(&o, depends_on);
    return hand_over(w, &o);
}

/* A move of C tile `tile`, which need not be of this step. */
static int64_t store(walk *w, int at, int64_t tile, int64_t depends_on)
{
    kpu_dfx_flat_operation o = {.of = &w->kernel->operations[at]};
    o.tile[KPU_M] = tile / w->m->tiles[KPU_N];
    o.tile[KPU_N] = tile % w->m->tiles[KPU_N];
    put(&o, depends_on);
    return hand_over(w, &o);
}

/* ---- Windows ------------------------------------------------------------------------------ */

static int64_t identity_of(const walk *w, const ring *r)
{
    int64_t identity = 0;
    for (int i = 0; i < KPU_NEST; i++) {
        int dim = w->m->loop_dim[i];
        int64_t trips = i < KPU_BLOCK_LOOPS ? w->m->blocks[dim] : w->m->block_tiles[dim];
        if (r->outside >> i & 1)
            identity = identity * trips + w->index[i];
    }
    return identity;
}

static void store_window(walk *w, int level)
{
    static const uint8_t stores[KPU_HOIST_LEVELS] = {
        [KPU_HOIST_L3] = KPU_DFX_STORE_EXTERNAL, [KPU_HOIST_L2] = KPU_DFX_STORE_L3};
    ring *r = &w->rings[KPU_C][level];
    int64_t *to = level == KPU_HOIST_L3 ? w->stored : w->rings[KPU_C][KPU_HOIST_L3].producer;
    for (int64_t i = 0; i < r->count; i++)
        to[r->list[i]] = store(w, stores[level], r->list[i], r->producer[r->list[i]]);
    r->count = 0;
}

/* os: C leaves the array. */
static void end_run(walk *w)
{
    if (w->stationary != KPU_C)
        return;
    ring *l2 = &w->rings[KPU_C][KPU_HOIST_L2];
    l2->producer[w->in_run] = store(w, KPU_DFX_STORE_L2, w->in_run, w->run_source);
}

/* After what the step before has ended: its run, then its windows. */
static void open_windows(walk *w)
{
    if (w->in_run >= 0 && tile_of(w, w->stationary) != w->in_run)
        end_run(w);
    for (int level = KPU_HOIST_L2; level >= KPU_HOIST_L3; level--)
        for (int x = 0; x < KPU_OPERANDS; x++) {
            ring *r = &w->rings[x][level];
            int64_t identity = identity_of(w, r);
            if (identity == r->identity)
                continue;
            if (x == KPU_C)
                store_window(w, level);
            r->identity = identity;
            r->window++;
        }
}

/* ---- One step ----------------------------------------------------------------------------- */

static void load(walk *w, int x, int level)
{
    ring *r = &w->rings[x][level];
    int64_t tile = tile_of(w, x);
    if (r->used_in[tile] == r->window)
        return;
    r->used_in[tile] = r->window;
    if (x == KPU_C) {
        r->list[r->count++] = tile;
        if (!w->touched[tile])
            return;
    }
    if (level == KPU_HOIST_L3)
        r->producer[tile] = move(w, KPU_DFX_LOAD_L3 + x, x == KPU_C ? w->stored[tile] : 0);
    else
        r->producer[tile] = move(w, KPU_DFX_LOAD_L2 + x, w->rings[x][KPU_HOIST_L3].producer[tile]);
}

/* What X's stream of this step is to the computation; 0: there is none. */
static int64_t stream(walk *w, int x)
{
    int64_t tile = tile_of(w, x);
    bool fresh = x == KPU_C && !w->touched[tile];
    int64_t source = w->rings[x][KPU_HOIST_L2].producer[tile];
    if (x != w->stationary)
        return fresh ? 0 : move(w, KPU_DFX_STREAM + x, source);
    if (tile != w->in_run) {
        w->in_run = tile;
        w->run_source = fresh ? 0 : move(w, KPU_DFX_STREAM + x, source);
    }
    return w->run_source;
}

static void step(walk *w)
{
    open_windows(w);
    for (int level = KPU_HOIST_L3; level < KPU_HOIST_LEVELS; level++)
        for (int x = 0; x < KPU_OPERANDS; x++)
            load(w, x, level);
    int64_t c = tile_of(w, KPU_C);
    kpu_dfx_flat_operation o = {.of = &w->kernel->operations[KPU_DFX_MATMUL]};
    memcpy(o.tile, w->tile, sizeof o.tile);
    o.accumulate = w->touched[c];
    for (int x = 0; x < KPU_OPERANDS; x++)
        put(&o, stream(w, x));
    int64_t id = hand_over(w, &o);
    w->touched[c] = true;
    if (w->stationary == KPU_C)
        w->run_source = id;
    else
        w->rings[KPU_C][KPU_HOIST_L2].producer[c] = store(w, KPU_DFX_STORE_L2, c, id);
}

/* ---- The nest ----------------------------------------------------------------------------- */

static int64_t trips_of(const walk *w, int position)
{
    const kpu_mapping *m = w->m;
    int dim = m->loop_dim[position], block_loop = 0;
    if (position < KPU_BLOCK_LOOPS)
        return m->blocks[dim];
    while (m->loop_dim[block_loop] != dim)
        block_loop++;
    bool last = w->index[block_loop] == m->blocks[dim] - 1;
    return last ? m->last_block_tiles[dim] : m->block_tiles[dim];
}

static void set_tile(walk *w)
{
    memset(w->tile, 0, sizeof w->tile);
    for (int i = 0; i < KPU_NEST; i++) {
        int dim = w->m->loop_dim[i];
        w->tile[dim] += w->index[i] * (i < KPU_BLOCK_LOOPS ? w->m->block_tiles[dim] : 1);
    }
}

/* To the next step; false: that was the last one. */
static bool advance(walk *w)
{
    for (int i = KPU_NEST - 1; i >= 0; i--) {
        if (++w->index[i] < trips_of(w, i))
            return true;
        w->index[i] = 0;
    }
    return false;
}

static void run(walk *w)
{
    do {
        set_tile(w);
        step(w);
    } while (w->id <= KPU_DFX_FLAT_OPERATIONS_MAX && advance(w));
    end_run(w);
    store_window(w, KPU_HOIST_L2);
    store_window(w, KPU_HOIST_L3);
}

/* ---- Memory ------------------------------------------------------------------------------- */

static int64_t operand_tiles(const kpu_mapping *m, int x)
{
    int64_t tiles = 1;
    for (int d = 0; d < KPU_DIMS; d++)
        if (kpu_operand_dims[x] >> d & 1)
            tiles *= m->tiles[d];
    return tiles;
}

static bool ring_init(walk *w, int x, int level)
{
    ring *r = &w->rings[x][level];
    size_t tiles = (size_t)operand_tiles(w->m, x);
    r->identity = -1;
    for (int i = 0; i < w->m->hoist[x][level]; i++)
        if (kpu_operand_dims[x] >> w->m->loop_dim[i] & 1)
            r->outside |= 1u << i;
    r->used_in = calloc(tiles, sizeof *r->used_in);
    r->producer = calloc(tiles, sizeof *r->producer);
    r->list = x == KPU_C ? calloc(tiles, sizeof *r->list) : NULL;
    return r->used_in && r->producer && (x != KPU_C || r->list);
}

static bool walk_init(walk *w)
{
    size_t tiles = (size_t)operand_tiles(w->m, KPU_C);
    w->stationary = kpu_dataflow_stationary(kpu_dataflow_at(w->m->dataflow));
    w->in_run = -1;
    w->stored = calloc(tiles, sizeof *w->stored);
    w->touched = calloc(tiles, sizeof *w->touched);
    bool fine = w->stored && w->touched;
    for (int x = 0; x < KPU_OPERANDS; x++)
        for (int level = 0; level < KPU_HOIST_LEVELS; level++)
            fine = ring_init(w, x, level) && fine;
    return fine;
}

static void walk_fini(walk *w)
{
    for (int x = 0; x < KPU_OPERANDS; x++)
        for (int level = 0; level < KPU_HOIST_LEVELS; level++) {
            free(w->rings[x][level].used_in);
            free(w->rings[x][level].producer);
            free(w->rings[x][level].list);
        }
    free(w->stored);
    free(w->touched);
}

int kpu_dfx_unroll(const kpu_dfx_kernel *kernel, const kpu_mapping *m, kpu_dfx_flat_sink sink)
{
    int64_t steps = kpu_mul_saturate(kpu_mul_saturate(m->tiles[KPU_M], m->tiles[KPU_N]),
                                     m->tiles[KPU_K]); /* each computes */
    if (steps > KPU_DFX_FLAT_OPERATIONS_MAX)
        return KPU_E_RANGE;
    walk w = {.kernel = kernel, .m = m, .sink = sink};
    int code = walk_init(&w) ? KPU_OK : KPU_E_MEMORY;
    if (code == KPU_OK) {
        run(&w);
        code = w.id <= KPU_DFX_FLAT_OPERATIONS_MAX ? KPU_OK : KPU_E_RANGE;
    }
    walk_fini(&w);
    return code;
}
