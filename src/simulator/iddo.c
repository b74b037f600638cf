/* iddo: every engine drains its own queue strictly in order, so a command's start is a maximum of
 * times that are already known when it is emitted: the run is one pass over the emission order. */
#include "simulator/iddo.h"

static engine *next_engine(engine *engines, int64_t count, int64_t *next)
{
    engine *e = &engines[*next];
    *next = *next + 1 == count ? 0 : *next + 1;
    return e;
}

/* ---- loads of A and B ------------------------------------------------------------------- */

static void dma_load(pass *p, int x, unsigned edges, int64_t slot_index)
{
    slot *into = &p->s->ring[x][KPU_HOIST_L3][slot_index];
    engine *e = next_engine(p->s->dma, p->t->dma_engines, &p->next_dma);
    start_wait w = {into->release, 0, KPU_STALL_L3_SLOTS, KPU_STALL_LATENCY,
                    KPU_STALL_DRAM_BANDWIDTH};
    int cause;
    int64_t start = start_command(e, &w, &cause);
    note_wait(&p->earliest.dma, into->release > 0 ? into->release : 0);
    into->ready = occupy(e, start, p->t->in[x].dma[edges]) + p->t->dma_latency;
    into->cause = cause;
    p->tally->dma_load[x][edges]++;
}

static inline void note_bm_load(pass *p, int x, const start_wait *w)
{
    note_wait(&p->earliest.bm, w->slot > w->source ? w->slot : w->source);
    note_wait(&p->earliest.bm_slot[x], w->slot);
}

static void bm_load(pass *p, int x, unsigned edges, int64_t from_slot, int64_t to_slot)
{
    slot *from = &p->s->ring[x][KPU_HOIST_L3][from_slot];
    slot *into = &p->s->ring[x][KPU_HOIST_L2][to_slot];
    engine *e = next_engine(p->s->bm, p->t->bm_engines, &p->next_bm);
    start_wait w = {into->release, from->ready, KPU_STALL_L2_SLOTS, from->cause,
                    KPU_STALL_L3_BANDWIDTH};
    int cause;
    int64_t start = start_command(e, &w, &cause);
    note_bm_load(p, x, &w);
    int64_t end = occupy(e, start, p->t->in[x].bm[edges]);
    into->ready = end + p->t->bm_latency;
    into->cause = cause;
    from->release = end > from->release ? end : from->release;
    p->tally->bm_load[x][edges]++;
}

/* ---- C: stores on demand, loads --------------------------------------------------------- */

static void stored_one(pass *p, int level)
{
    p->stored[level]++;
    if (++p->stored_slot[level] == p->program->window[KPU_C][level].slots)
        p->stored_slot[level] = 0;
}

static void bm_store_next(pass *p)
{
    slot_c *from = &p->s->ring_c[KPU_HOIST_L2][p->stored_slot[KPU_HOIST_L2]];
    slot_c *into = &p->s->ring_c[KPU_HOIST_L3][from->link];
    const timing *t = p->t;
    engine *e = next_engine(p->s->bm, t->bm_engines, &p->next_bm);
    start_wait w = {into->unwritten ? into->release : -1, from->ready, KPU_STALL_L3_SLOTS,
                    from->cause, KPU_STALL_L3_BANDWIDTH};
    int cause;
    int64_t start = start_command(e, &w, &cause);
    note_wait(&p->earliest.bm, w.slot > w.source ? w.slot : w.source);
    note_wait(&p->earliest.bm_store_source, w.source);
    from->release = occupy(e, start, t->out[from->final].bm[from->edges]);
    into->ready = from->release + t->bm_latency;
    into->cause = cause;
    into->final = from->final;
    into->unwritten = 0;
    p->tally->bm_store[from->final][from->edges]++;
    stored_one(p, KPU_HOIST_L2);
}

/* Remembers when the tile of that number is in DRAM, in the place of one long before it. */
static void remember_stored(pass *p, int64_t number, int64_t ready, int cause)
{
    dram_time *at = &p->s->stored[number & p->s->stored_mask];
    if (number > p->s->stored_mask && at->ready > p->dram_forgotten)
        p->dram_forgotten = at->ready;
    *at = (dram_time){ready, cause};
}

static void dma_store_next(pass *p)
{
    slot_c *from = &p->s->ring_c[KPU_HOIST_L3][p->stored_slot[KPU_HOIST_L3]];
    const timing *t = p->t;
    engine *e = next_engine(p->s->dma, t->dma_engines, &p->next_dma);
    start_wait w = {-1, from->ready, 0, from->cause, KPU_STALL_DRAM_BANDWIDTH};
    int cause;
    int64_t start = start_command(e, &w, &cause);
    note_wait(&p->earliest.dma, w.source);
    from->release = occupy(e, start, t->out[from->final].dma[from->edges]);
    int64_t ready = from->release + t->dma_latency;
    remember_stored(p, p->stored[KPU_HOIST_L3], ready, cause);
    if (ready > p->tally->cycles)
        p->tally->cycles = ready;
    p->tally->dma_store[from->final][from->edges]++;
    stored_one(p, KPU_HOIST_L3);
}

/* Emits the pending stores up to tile `l3` of the L3 ring and tile `l2` of the L2 ring, first
 * those BM_STOREs that the DMA_STOREs carry. */
static void store_up_to(pass *p, int64_t l3, int64_t l2)
{
    int64_t slots = p->program->window[KPU_C][KPU_HOIST_L3].slots;
    int64_t at = p->stored_slot[KPU_HOIST_L3];
    for (int64_t q = p->stored[KPU_HOIST_L3]; q <= l3; q++) {
        if (p->s->ring_c[KPU_HOIST_L3][at].link > l2)
            l2 = p->s->ring_c[KPU_HOIST_L3][at].link;
        if (++at == slots)
            at = 0;
    }
    while (p->stored[KPU_HOIST_L2] <= l2)
        bm_store_next(p);
    while (p->stored[KPU_HOIST_L3] <= l3)
        dma_store_next(p);
}

typedef struct c_use {
    int64_t l3_slot, l2_slot;
    int64_t number, previous; /* first in L3, not fresh: its number there, and when last there */
    bool first_l3, first_l2, fresh;
    unsigned edges;
} c_use;

/* What must have been stored before this step's commands (docs/model.md, iddo). */
static void demand_stores(pass *p, const c_use *c, int64_t l3_number, int64_t l2_number)
{
    int64_t need_l3 = -1, need_l2 = l2_number - p->program->window[KPU_C][KPU_HOIST_L2].slots;
    if (c->first_l3) {
        need_l3 = l3_number - p->program->window[KPU_C][KPU_HOIST_L3].slots;
        if (!c->fresh && c->previous > need_l3)
            need_l3 = c->previous;
    } else if (!c->fresh) {
        int64_t previous = p->s->ring_c[KPU_HOIST_L3][c->l3_slot].link;
        need_l2 = previous > need_l2 ? previous : need_l2;
    }
    store_up_to(p, need_l3, need_l2);
}

/* When the tile is back in DRAM. One that was stored so long ago that we do not remember cannot
 * hold up anything if the slot is released later than all that we forgot. */
static dram_time stored_time(pass *p, int64_t number, int64_t slot_release)
{
    if (number + p->s->stored_mask + 1 >= p->stored[KPU_HOIST_L3])
        return p->s->stored[number & p->s->stored_mask];
    if (p->dram_forgotten >= slot_release)
        p->failed = true;
    return (dram_time){-1, KPU_STALL_LATENCY};
}

static void dma_load_c(pass *p, const c_use *c)
{
    slot_c *into = &p->s->ring_c[KPU_HOIST_L3][c->l3_slot];
    engine *e = next_engine(p->s->dma, p->t->dma_engines, &p->next_dma);
    dram_time from = stored_time(p, c->previous, into->release);
    start_wait w = {into->release, from.ready, KPU_STALL_L3_SLOTS, (int)from.cause,
                    KPU_STALL_DRAM_BANDWIDTH};
    int cause;
    int64_t start = start_command(e, &w, &cause);
    note_wait(&p->earliest.dma, w.slot > w.source ? w.slot : w.source);
    note_wait(&p->earliest.dma_c_slot, w.slot);
    note_wait(&p->earliest.dma_c_slack, w.slot - w.source);
    note_wait(&p->earliest.nearest, c->number - c->previous);
    note_wait(&p->earliest.farthest, c->previous - c->number);
    into->ready = occupy(e, start, p->t->in[KPU_C].dma[c->edges]) + p->t->dma_latency;
    into->cause = cause;
    p->tally->dma_load[KPU_C][c->edges]++;
}

static void bm_load_c(pass *p, const c_use *c)
{
    slot_c *from = &p->s->ring_c[KPU_HOIST_L3][c->l3_slot];
    slot_c *into = &p->s->ring_c[KPU_HOIST_L2][c->l2_slot];
    engine *e = next_engine(p->s->bm, p->t->bm_engines, &p->next_bm);
    start_wait w = {into->release, from->ready, KPU_STALL_L2_SLOTS, from->cause,
                    KPU_STALL_L3_BANDWIDTH};
    int cause;
    int64_t start = start_command(e, &w, &cause);
    note_bm_load(p, KPU_C, &w);
    into->ready = occupy(e, start, p->t->in[KPU_C].bm[c->edges]) + p->t->bm_latency;
    into->cause = cause;
    p->tally->bm_load[KPU_C][c->edges]++;
}

/* C's slots at iteration i; new tenants are entered in the rings. */
static void place_c(pass *p, int64_t i, c_use *c)
{
    walk_window *w3 = walk_of(&p->walk, KPU_C, KPU_HOIST_L3);
    walk_window *w2 = walk_of(&p->walk, KPU_C, KPU_HOIST_L2);
    c->l3_slot = walk_slot(w3, i, &c->first_l3);
    c->l2_slot = walk_slot(w2, i, &c->first_l2);
    if (!c->first_l2)
        return;
    if (c->first_l3 && !c->fresh) {
        c->number = w3->next_number - 1;
        c->previous = c->number - walk_revisit_distance(&p->walk, i);
    }
    demand_stores(p, c, w3->next_number - 1, w2->next_number - 1);
    slot_c *s3 = &p->s->ring_c[KPU_HOIST_L3][c->l3_slot];
    if (c->first_l3) {
        s3->edges = (int32_t)c->edges;
        s3->unwritten = c->fresh;
    }
    slot_c *s2 = &p->s->ring_c[KPU_HOIST_L2][c->l2_slot];
    s2->link = c->l3_slot;
    s2->edges = (int32_t)c->edges;
    s2->unwritten = c->fresh;
}

/* After the loads of this step are emitted in their order (A, B, C to L3, then to L2). */
static void enter_c(pass *p, const c_use *c)
{
    p->s->ring_c[KPU_HOIST_L3][c->l3_slot].link =
        walk_of(&p->walk, KPU_C, KPU_HOIST_L2)->next_number - 1;
}

/* Where this step's tiles of A and B lie. */
typedef struct step_tiles {
    int64_t l2_slot[2];
    unsigned edges;
} step_tiles;

/* ---- streams and fabric ----------------------------------------------------------------- */

/* A stream into the fabric: waits for a slot in L1 (or the registers) and for its tile in L2. */
static void stream_in(engine *e, const start_wait *w, int64_t cycles, int64_t latency, int x,
                      fab_inputs *in)
{
    int64_t start = start_command(e, w, &in->cause[x]);
    in->first[x] = start + latency;
    in->ready[x] = occupy(e, start, cycles) + latency;
}

static inline void stream_a_or_b(pass *p, int x, bool stationary, const step_tiles *at,
                                 fab_inputs *in)
{
    unsigned edges = at->edges;
    slot *from = &p->s->ring[x][KPU_HOIST_L2][at->l2_slot[x]];
    start_wait w = {stationary ? p->registers[p->run_parity] : p->s->fab_end[p->l1_slot],
                    from->ready, stationary ? KPU_STALL_REGISTER_SLOTS : KPU_STALL_L1_SLOTS,
                    from->cause, KPU_STALL_L2_BANDWIDTH};
    engine *e = &p->stream[x];
    stream_in(e, &w, p->t->in[x].str[edges], p->t->str_latency, x, in);
    from->release = e->free;
    p->tally->stream_in[x][edges]++;
    if (stationary) {
        in->stationary_ready = in->ready[x];
        in->stationary_cause = in->cause[x];
        in->first[x] = in->ready[x] = -1;
    }
}

static inline void stream_c_in(pass *p, bool stationary, const c_use *c, fab_inputs *in)
{
    const slot_c *from = &p->s->ring_c[KPU_HOIST_L2][c->l2_slot];
    start_wait w = {stationary ? p->registers[p->run_parity] : p->s->cout_end[p->l1_slot],
                    from->ready, stationary ? KPU_STALL_REGISTER_SLOTS : KPU_STALL_L1_SLOTS,
                    from->cause, KPU_STALL_L2_BANDWIDTH};
    stream_in(&p->stream[KPU_C], &w, p->t->in[KPU_C].str[c->edges], p->t->str_latency, KPU_C, in);
    p->tally->stream_in[KPU_C][c->edges]++;
    if (stationary) {
        in->stationary_ready = in->ready[KPU_C];
        in->stationary_cause = in->cause[KPU_C];
        in->first[KPU_C] = in->ready[KPU_C] = -1;
    }
}

/* Returns when the streamer stops being busy. */
static int64_t stream_c_out(pass *p, const c_use *c, bool final, int64_t result_ready)
{
    slot_c *into = &p->s->ring_c[KPU_HOIST_L2][c->l2_slot];
    start_wait w = {into->unwritten ? into->release : -1, result_ready, KPU_STALL_L2_SLOTS,
                    KPU_STALL_LATENCY, KPU_STALL_L2_BANDWIDTH};
    int cause;
    int64_t start = start_command(&p->stream[IDDO_COUT], &w, &cause);
    int64_t end = occupy(&p->stream[IDDO_COUT], start, p->t->out[final].str[c->edges]);
    into->ready = end + p->t->str_latency;
    into->cause = cause;
    into->final = final;
    into->unwritten = 0;
    p->tally->stream_out[final][c->edges]++;
    return end;
}

/* ---- the pass --------------------------------------------------------------------------- */

/* What one sweep has in common for all its steps. */
typedef struct sweep {
    bool k_finished;  /* the last step of the sweep makes its C tile final */
    bool fresh_first; /* C is fresh at the first step, at the others */
    bool fresh_others;
} sweep;

static sweep describe_sweep(const walk *w)
{
    const kpu_program *p = w->program;
    int inner = p->loop_dim[WALK_LAST];
    sweep d;
    d.k_finished = walk_k_finished(w);
    d.fresh_first = !walk_k_started(w);
    d.fresh_others = inner == KPU_K ? false : d.fresh_first;
    return d;
}

/* Loads of A and B that this step needs, to L3 then to L2; C's in between, in emission order. */
static inline void load_tiles(pass *p, int64_t i, const c_use *c, step_tiles *at)
{
    unsigned edges = at->edges;
    int64_t l3_slot[2];
    bool first[2];
    for (int x = KPU_A; x <= KPU_B; x++) {
        walk_window *w3 = walk_of(&p->walk, x, KPU_HOIST_L3);
        l3_slot[x] = walk_slot(w3, i, &first[x]);
        if (first[x])
            dma_load(p, x, edges, l3_slot[x]);
    }
    if (c->first_l3 && !c->fresh)
        dma_load_c(p, c);
    for (int x = KPU_A; x <= KPU_B; x++) {
        walk_window *w2 = walk_of(&p->walk, x, KPU_HOIST_L2);
        at->l2_slot[x] = walk_slot(w2, i, &first[x]);
        if (first[x])
            bm_load(p, x, edges, l3_slot[x], at->l2_slot[x]);
    }
    if (c->first_l2) {
        if (!c->fresh)
            bm_load_c(p, c);
        enter_c(p, c);
    }
}

static inline __attribute__((always_inline)) void run_step(pass *p, const int stationary,
                                                           const sweep *d, int64_t i, bool last)
{
    const bool c_stationary = stationary == KPU_C;
    bool run_begins = i == 0 && p->walk.run_begins, run_ends = last && p->walk.run_ends;
    step_tiles at = {.edges = last ? p->walk.last_edges : p->walk.edges};
    unsigned edges = at.edges;
    c_use c = {.fresh = i ? d->fresh_others : d->fresh_first, .edges = edges};
    place_c(p, i, &c);
    load_tiles(p, i, &c, &at);

    if (run_begins && p->program->double_buffered)
        p->run_parity ^= 1;
    fab_inputs in = {.first = {-1, -1, -1},
                     .ready = {-1, -1, -1},
                     .stationary_ready = -1,
                     .accumulators = -1,
                     .registers = -1};
    for (int x = KPU_A; x <= KPU_B; x++)
        if (x != stationary || run_begins)
            stream_a_or_b(p, x, x == stationary, &at, &in);
    if (!c_stationary || run_begins) {
        if (!c.fresh)
            stream_c_in(p, c_stationary, &c, &in);
        else if (c_stationary)
            in.registers = p->registers[p->run_parity];
        else
            in.accumulators = p->s->cout_end[p->l1_slot];
    }
    int64_t start;
    int64_t end = fab_run(p->tally, stationary, p->fabric_free, p->t->compute[edges], &in, &start);
    p->fabric_free = p->s->fab_end[p->l1_slot] = end;
    p->tally->fab[edges]++;
    if (!c_stationary || run_ends) {
        bool final = d->k_finished && (!c_stationary || last);
        int64_t out = stream_c_out(p, &c, final, end + p->t->skew);
        if (c_stationary)
            p->registers[p->run_parity] = out;
        else
            p->s->cout_end[p->l1_slot] = out;
    }
    if (run_ends && !c_stationary)
        p->registers[p->run_parity] = end;
    if (++p->l1_slot == p->program->l1_buffers)
        p->l1_slot = 0;
}

/* Compiled once for each stationary operand: which streams a step has is then no question. */
static inline __attribute__((always_inline)) int run_sweeps(pass *p, const int stationary)
{
    int64_t done = 0;
    do {
        if (p->repeats && !repeats_at_loop(p))
            break;
        sweep d = describe_sweep(&p->walk);
        int64_t trips = p->walk.trips[WALK_LAST];
        p->s->steps_walked += trips;
        bool skips = p->repeats && repeats_in_sweep(p);
        for (int64_t i = 0, end = 0; i < trips;) { /* by pieces of steps */
            end = trips - i > DONE_PER_QUESTION ? i + DONE_PER_QUESTION : trips;
            if (must_stop(p->s, &done, end - i))
                return KPU_E_INTERRUPTED;
            for (; i < end; i++) {
                if (skips && i > 0) {
                    int64_t skipped = repeats_at_step(p, i, trips);
                    p->s->steps_walked -= skipped;
                    i += skipped;
                }
                run_step(p, stationary, &d, i, i == trips - 1);
            }
        }
    } while (!p->failed && walk_advance(&p->walk));
    return KPU_OK;
}
static int run_with_a(pass *p)
{
    return run_sweeps(p, KPU_A);
}
static int run_with_b(pass *p)
{
    return run_sweeps(p, KPU_B);
}
static int run_with_c(pass *p)
{
    return run_sweeps(p, KPU_C);
}

static int run_remembering(kpu_simulator *s, bool *failed)
{
    static int (*const run_with[KPU_OPERANDS])(pass *) = {run_with_a, run_with_b, run_with_c};
    pass p = {.s = s,
              .program = &s->program,
              .t = &s->timing,
              .tally = &s->tally,
              .registers = {-1, -1},
              .dram_forgotten = -1};
    s->steps_walked = 0;
    walk_start(&p.walk, p.program, ~0u);
    p.repeats = s->no_fast_forward ? NULL : repeats_start(&p);
    int code = run_with[p.program->stationary](&p);
    if (code != KPU_OK)
        return code;
    store_up_to(&p, walk_of(&p.walk, KPU_C, KPU_HOIST_L3)->next_number - 1,
                walk_of(&p.walk, KPU_C, KPU_HOIST_L2)->next_number - 1);
    s->tally.fabric_end = p.fabric_free;
    *failed = p.failed;
    return KPU_OK;
}

/* Enough to remember: usually a tile that comes back was stored long before the one whose slot it
 * takes. */
enum { STORES_REMEMBERED = 128 };

int run_iddo(kpu_simulator *s)
{
    const kpu_program *p = &s->program;
    int64_t tiles = p->tiles[KPU_M] * p->tiles[KPU_N];
    int64_t wanted = 2 * p->window[KPU_C][KPU_HOIST_L3].slots;
    wanted = wanted < STORES_REMEMBERED ? STORES_REMEMBERED : wanted;
    wanted = wanted < tiles ? wanted : tiles;
    for (bool failed = true; failed; wanted *= 4) {
        int code = reserve_iddo(s, wanted);
        if (code == KPU_OK)
            code = run_remembering(s, &failed);
        if (code != KPU_OK)
            return code;
    }
    return KPU_OK;
}
