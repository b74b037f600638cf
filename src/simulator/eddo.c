/* eddo: DMA engines and block movers take, of the first commands of their queue, the first whose
 * waits are over. Events are decided in order of time: whatever is not yet started will start at
 * or after the present cycle, so a wait that is unknown now is not over now. */
#include "simulator/eddo.h"

#include <stdlib.h>

#include "simulator/eddo_repeat.h"

/* ---- waits ------------------------------------------------------------------------------ */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b; /* EDDO_UNKNOWN is the largest of all */
}

/* A wait is looked at in two parts, slot and source. The first that is not known yet makes the
 * command a waiter of the tile that it depends on. */
static bool known(int64_t time, entry *e, entry **waiters)
{
    if (time != EDDO_UNKNOWN)
        return true;
    e->next = *waiters;
    e->waits = waiters;
    *waiters = e;
    return false;
}

static bool tile_slot_known(struct eddo *d, int level, entry *e)
{
    int64_t previous = e->number - d->program->window[e->operand][level].slots;
    e->slot = -1;
    if (previous < 0)
        return true;
    tile_record *r = tile_at(&d->tile[e->operand][level], previous);
    e->slot = r->closed && r->pending == 0 ? r->release : EDDO_UNKNOWN;
    return known(e->slot, e, &r->waiters);
}

/* The slot at `level` that tile `number` of C goes to. */
static bool c_slot_known(struct eddo *d, int level, int64_t number, entry *e)
{
    int64_t previous = number - d->program->window[KPU_C][level].slots;
    e->slot = -1;
    if (previous < 0)
        return true;
    c_record *r = c_at(&d->c[level], previous);
    e->slot = r->release;
    return known(e->slot, e, &r->waiters);
}

void eddo_settle_stores(struct eddo *d, int64_t cycle)
{
    for (;;) {
        const dram_record *r = &d->stored[d->settled & d->stored_mask];
        if (r->key != d->settled + d->base || r->ready >= cycle)
            return;
        d->settled++;
    }
}

/* When the C tile is back in DRAM, whose stay at L3 as tile number e->from was its last. Usually
 * that is so long ago that it was there before the slot was free. Of one that was stored before all
 * that we remember we know enough if those were. */
static bool stored_known(struct eddo *d, entry *e)
{
    int64_t previous = e->number - d->program->window[KPU_C][KPU_HOIST_L3].slots;
    eddo_settle_stores(d, d->dma.now);
    e->source = -1;
    e->source_cause = KPU_STALL_LATENCY;
    if (e->from < d->settled && previous - e->from >= d->unordered)
        return true;
    d->near_fetches++;
    c_record *r = c_at(&d->c[KPU_HOIST_L3], e->from);
    if (r->key == e->from + d->c[KPU_HOIST_L3].base) {
        e->source = r->store_ready;
        e->source_cause = r->store_cause;
        return known(e->source, e, &r->waiters);
    }
    const dram_record *stored = &d->stored[e->from & d->stored_mask];
    if (stored->key == e->from + d->base) {
        e->source = stored->ready;
        e->source_cause = (int)stored->cause;
    } else if (d->forgotten >= e->slot) {
        d->failed = true;
    }
    return true;
}

static bool slot_known(struct eddo *d, entry *e)
{
    int level = e->mover ? KPU_HOIST_L2 : KPU_HOIST_L3;
    if (e->kind == ENTRY_LOAD)
        return tile_slot_known(d, level, e);
    if (e->kind == ENTRY_LOAD_C)
        return c_slot_known(d, level, e->number, e);
    e->slot = -1;
    return !e->mover || !c_at(&d->c[KPU_HOIST_L3], e->from)->unwritten ||
           c_slot_known(d, KPU_HOIST_L3, e->from, e);
}

static bool source_known(struct eddo *d, entry *e)
{
    if (e->kind == ENTRY_LOAD && !e->mover) {
        e->source = 0;
        e->source_cause = KPU_STALL_LATENCY;
        return true;
    }
    if (e->kind == ENTRY_LOAD) {
        tile_record *from = tile_at(&d->tile[e->operand][KPU_HOIST_L3], e->from);
        e->source = from->ready;
        e->source_cause = from->cause;
        return known(e->source, e, &from->waiters);
    }
    if (e->kind == ENTRY_LOAD_C && !e->mover)
        return stored_known(d, e);
    bool load = e->kind == ENTRY_LOAD_C;
    int64_t number = load ? e->from : e->number;
    c_record *from = c_at(&d->c[e->mover && !load ? KPU_HOIST_L2 : KPU_HOIST_L3], number);
    bool complete = load ? from->written == e->needed : from->closed;
    e->source = complete ? from->ready : EDDO_UNKNOWN;
    e->source_cause = from->cause;
    return known(e->source, e, &from->waiters);
}

/* ---- queues ----------------------------------------------------------------------------- */

void eddo_look(struct eddo *d, entry *e)
{
    e->has_slot = e->has_slot || slot_known(d, e);
    if (!e->has_slot || !source_known(d, e))
        return;
    queue *q = e->mover ? &d->bm : &d->dma;
    e->waits = NULL;
    q->known[q->known_count] = e;
    q->sequence[q->known_count] = e->sequence;
    int64_t wait = later(e->slot, e->source);
    q->wait[q->known_count++] = wait;
    q->earliest = wait < q->earliest ? wait : q->earliest;
}

void eddo_wake(struct eddo *d, entry **waiters)
{
    entry *e = *waiters;
    *waiters = NULL;
    while (e) {
        entry *next = e->next;
        eddo_look(d, e);
        e = next;
    }
}

static void refill(struct eddo *d, queue *q, int level)
{
    int64_t window = d->program->eddo_window;
    while (q->count < window) {
        entry *e = &q->entries[q->spare[q->count]];
        if (!eddo_emit(d, q, level, e))
            return;
        e->mover = level == KPU_HOIST_L2;
        e->sequence = q->emitted++;
        e->earlier = q->newest;
        e->later = NULL;
        e->has_slot = false;
        *(q->newest ? &q->newest->later : &q->oldest) = e;
        q->newest = e;
        q->count++;
        eddo_look(d, e);
    }
}

/* Earliest cycle at which the queue can start a command, as far as known. A command that came into
 * the window at the last event cannot have started before it. */
static int64_t next_event(const queue *q)
{
    return later(later(q->earliest, q->free_at), q->now);
}

/* Takes the first command, in emission order, whose waits are over at `cycle`. */
static entry *take(queue *q, int64_t cycle)
{
    int64_t best = -1, sequence = INT64_MAX;
    for (int64_t i = 0; i < q->known_count; i++)
        if (q->wait[i] <= cycle && q->sequence[i] < sequence) {
            sequence = q->sequence[i];
            best = i;
        }
    entry *e = q->known[best];
    int64_t last = --q->known_count;
    q->known[best] = q->known[last];
    q->wait[best] = q->wait[last];
    q->sequence[best] = q->sequence[last];
    q->earliest = EDDO_UNKNOWN;
    for (int64_t i = 0; i < last; i++)
        q->earliest = q->wait[i] < q->earliest ? q->wait[i] : q->earliest;
    *(e->earlier ? &e->earlier->later : &q->oldest) = e->later;
    *(e->later ? &e->later->earlier : &q->newest) = e->earlier;
    q->spare[--q->count] = (int32_t)(e - q->entries);
    q->now = cycle;
    return e;
}

/* Puts the command on the free engine of lowest index; returns the cause of its start. */
static int start_at(queue *q, const entry *e, int64_t cycle, int engine_cause, int64_t cycles)
{
    engine *on = q->engines;
    while (on->free > cycle)
        on++;
    bool idle = on->free < cycle || later(e->slot, e->source) < on->since;
    int slot_cause = engine_cause == KPU_STALL_L3_BANDWIDTH && e->kind != ENTRY_STORE
                         ? KPU_STALL_L2_SLOTS
                         : KPU_STALL_L3_SLOTS;
    int cause = engine_cause + idle;
    if (e->slot == cycle)
        cause = slot_cause;
    else if (e->source == cycle)
        cause = e->source_cause;
    occupy(on, cycle, cycles);
    int64_t free_at = q->engines[0].free;
    for (int64_t i = 1; i < q->engine_count; i++)
        free_at = q->engines[i].free < free_at ? q->engines[i].free : free_at;
    q->free_at = free_at;
    return cause;
}

/* ---- events ----------------------------------------------------------------------------- */

/* Stores that are settled were ready before this one starts, and so before it frees its slot. */
static void remember_stored(struct eddo *d, int64_t number, const c_record *from)
{
    dram_record *at = &d->stored[number & d->stored_mask];
    if (number > d->stored_mask)
        d->forgotten = later(d->forgotten, at->ready);
    *at = (dram_record){number + d->base, from->store_ready, from->store_cause};
    eddo_settle_stores(d, d->dma.now);
    d->unordered = later(d->unordered, number - d->settled + 1);
    d->unordered = later(d->unordered, d->newest_stored - number + 1);
    d->newest_stored = later(d->newest_stored, number);
}

static void start_dma(struct eddo *d, entry *e, int64_t cycle)
{
    kpu_simulator *s = d->s;
    const timing *t = d->t;
    if (e->kind == ENTRY_STORE) {
        c_record *from = c_at(&d->c[KPU_HOIST_L3], e->number);
        int64_t cycles = t->out[from->final].dma[from->edges];
        int cause = start_at(&d->dma, e, cycle, KPU_STALL_DRAM_BANDWIDTH, cycles);
        from->release = cycle + cycles;
        from->store_ready = from->release + t->dma_latency;
        from->store_cause = (uint8_t)cause;
        remember_stored(d, e->number, from);
        s->tally.cycles = later(s->tally.cycles, from->store_ready);
        s->tally.dma_store[from->final][from->edges]++;
        eddo_wake(d, &from->waiters);
        return;
    }
    int64_t cycles = t->in[e->operand].dma[e->edges];
    int cause = start_at(&d->dma, e, cycle, KPU_STALL_DRAM_BANDWIDTH, cycles);
    int64_t ready = cycle + cycles + t->dma_latency;
    s->tally.dma_load[e->operand][e->edges]++;
    if (e->kind == ENTRY_LOAD) {
        tile_record *into = tile_at(&d->tile[e->operand][KPU_HOIST_L3], e->number);
        into->ready = ready;
        into->cause = (uint8_t)cause;
        eddo_wake(d, &into->waiters);
    } else {
        c_record *into = c_at(&d->c[KPU_HOIST_L3], e->number);
        into->ready = ready;
        into->cause = (uint8_t)cause;
        eddo_wake(d, &into->waiters);
    }
}

static void start_bm_store(struct eddo *d, const entry *e, int64_t cycle)
{
    const timing *t = d->t;
    c_record *from = c_at(&d->c[KPU_HOIST_L2], e->number);
    c_record *into = c_at(&d->c[KPU_HOIST_L3], e->from);
    int64_t cycles = t->out[from->final].bm[from->edges];
    into->cause = (uint8_t)start_at(&d->bm, e, cycle, KPU_STALL_L3_BANDWIDTH, cycles);
    from->release = cycle + cycles;
    into->ready = from->release + t->bm_latency;
    into->final = from->final;
    into->unwritten = 0;
    into->written++;
    into->closed = from->last;
    d->s->tally.bm_store[from->final][from->edges]++;
    eddo_wake(d, &from->waiters);
    eddo_wake(d, &into->waiters);
    eddo_core_run(d, 1u << CORE_COUT);
}

static void start_bm(struct eddo *d, entry *e, int64_t cycle)
{
    const timing *t = d->t;
    if (e->kind == ENTRY_STORE) {
        start_bm_store(d, e, cycle);
        return;
    }
    int64_t cycles = t->in[e->operand].bm[e->edges];
    int cause = start_at(&d->bm, e, cycle, KPU_STALL_L3_BANDWIDTH, cycles);
    int64_t ready = cycle + cycles + t->bm_latency;
    d->s->tally.bm_load[e->operand][e->edges]++;
    if (e->kind == ENTRY_LOAD) {
        tile_record *from = tile_at(&d->tile[e->operand][KPU_HOIST_L3], e->from);
        tile_record *into = tile_at(&d->tile[e->operand][KPU_HOIST_L2], e->number);
        into->ready = ready;
        into->cause = (uint8_t)cause;
        from->release = later(from->release, cycle + cycles);
        from->pending--;
        if (from->closed && from->pending == 0)
            eddo_wake(d, &from->waiters);
    } else {
        c_record *into = c_at(&d->c[KPU_HOIST_L2], e->number);
        into->ready = ready;
        into->cause = (uint8_t)cause;
    }
    if (d->stream[e->operand].number == e->number)
        eddo_core_run(d, 1u << e->operand);
}

/* KPU_E_INTERNAL if commands were left that wait for each other: a defect, as neither discipline
 * can deadlock. */
static int run_events(struct eddo *d)
{
    int64_t done = 0;
    refill(d, &d->bm, KPU_HOIST_L2); /* tells the DMA queue which reads are the last */
    refill(d, &d->dma, KPU_HOIST_L3);
    while (!d->failed) {
        if (must_stop(d->s, &done, 1))
            return KPU_E_INTERRUPTED;
        if (d->repeating && d->crossed < KPU_NEST)
            eddo_repeat(d);
        int64_t dma = next_event(&d->dma), bm = next_event(&d->bm);
        if (dma == EDDO_UNKNOWN && bm == EDDO_UNKNOWN) {
            bool ended = d->dma.count == 0 && d->bm.count == 0 && d->fabric.finished;
            return ended ? KPU_OK : KPU_E_INTERNAL;
        }
        if (dma <= bm) {
            start_dma(d, take(&d->dma, dma), dma);
            refill(d, &d->dma, KPU_HOIST_L3);
        } else {
            start_bm(d, take(&d->bm, bm), bm);
            refill(d, &d->bm, KPU_HOIST_L2);
        }
    }
    return KPU_OK;
}

static void start_queue(struct eddo *d, queue *q, int level)
{
    unsigned windows = 0;
    for (int x = 0; x < KPU_OPERANDS; x++)
        windows |= 1u << walk_bit(x, KPU_HOIST_L3) | 1u << walk_bit(x, level);
    q->engines = level == KPU_HOIST_L2 ? d->s->bm : d->s->dma;
    q->engine_count = level == KPU_HOIST_L2 ? d->t->bm_engines : d->t->dma_engines;
    q->earliest = EDDO_UNKNOWN;
    walk_start(&q->walk, d->program, windows);
    eddo_emit_start(q, level);
}

/* Enough to remember: usually a tile that comes back was stored long before the one whose slot it
 * takes. Stores that were skipped are not remembered, however many could be: a run that fails with
 * that many is timed without skipping. */
enum { STORES_REMEMBERED = 256, STORES_WITH_SKIPPING = STORES_REMEMBERED * 64 };

/* Once, with that many stores remembered. */
static int run_remembering(struct eddo *d, int64_t stores)
{
    int code = eddo_reserve(d, stores);
    if (code != KPU_OK)
        return code;
    start_queue(d, &d->dma, KPU_HOIST_L3);
    start_queue(d, &d->bm, KPU_HOIST_L2);
    d->s->steps_walked = 0;
    eddo_core_start(d);
    d->repeating =
        !d->s->no_fast_forward && stores <= STORES_WITH_SKIPPING && eddo_repeats_start(d);
    code = run_events(d);
    d->s->tally.fabric_end = d->fabric_free;
    return code;
}

int run_eddo(kpu_simulator *s)
{
    if (!s->eddo && !(s->eddo = calloc(1, sizeof *s->eddo)))
        return KPU_E_MEMORY;
    struct eddo *d = s->eddo;
    d->s = s;
    d->failed = true;
    int code = KPU_OK;
    for (int64_t stores = STORES_REMEMBERED; code == KPU_OK && d->failed; stores *= 4)
        code = run_remembering(d, stores);
    return code;
}
