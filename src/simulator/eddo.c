/* eddo: DMA engines and block movers take, of the first commands of their queue, the first whose
 * waits are over. Events are decided in order of time: whatever is not yet started will start at
 * or after the present cycle, so a wait that is unknown now is not over now. */
#include "simulator/eddo.h"

#include <stdlib.h>
#include <string.h>

/* ---- emission --------------------------------------------------------------------------- */

/* Arrives at a step: tile numbers at this queue's level (and at L3 for block movers), and the
 * stores of a window of C that ended before it. */
static void arrive(queue *q, int level)
{
    for (int x = 0; x < KPU_OPERANDS; x++) {
        bool first;
        walk_window *v = walk_of(&q->walk, x, level);
        if (level == KPU_HOIST_L2)
            q->step_from[x] =
                walk_tile_number(walk_of(&q->walk, x, KPU_HOIST_L3), q->iteration, &first);
        q->step_number[x] = walk_tile_number(v, q->iteration, &q->step_first[x]);
    }
    q->store_end = walk_of(&q->walk, KPU_C, level)->base_number;
    bool k_inner = q->walk.program->loop_dim[WALK_LAST] == KPU_K;
    q->fresh = !(k_inner && q->iteration) && !walk_k_started(&q->walk);
    q->phase = 0;
}

/* No first use at the remaining steps of the sweep? Then nothing is emitted there. */
static bool quiet(const queue *q, int level)
{
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (q->walk.window[walk_bit(x, level)].first[1])
            return false;
    return true;
}

static void leave_step(queue *q, int level)
{
    q->iteration++;
    if (q->iteration < q->walk.trips[WALK_LAST] && !quiet(q, level)) {
        arrive(q, level);
        return;
    }
    q->iteration = 0;
    if (walk_advance(&q->walk)) {
        arrive(q, level);
        return;
    }
    q->finished = true;
    q->store_end = walk_of(&q->walk, KPU_C, level)->next_number;
}

static unsigned step_edges(const queue *q)
{
    return q->iteration == q->walk.trips[WALK_LAST] - 1 ? q->walk.last_edges : q->walk.edges;
}

static int64_t step_tile(const queue *q)
{
    return walk_c_tile(&q->walk) + q->iteration * walk_c_tile_stride(&q->walk);
}

/* DMA: the load of operand x at this step, if there is one. */
static bool emit_dma_load(struct eddo *d, int x, entry *out)
{
    queue *q = &d->dma;
    if (!q->step_first[x])
        return false;
    unsigned edges = step_edges(q);
    *out = (entry){.kind = ENTRY_LOAD,
                   .operand = (uint8_t)x,
                   .edges = (uint8_t)edges,
                   .number = q->step_number[x],
                   .from = -1};
    if (x != KPU_C) {
        tile_touch(&d->tile[x][KPU_HOIST_L3], out->number);
        return true;
    }
    int64_t tile = step_tile(q), *dram = &d->s->dram_ready[tile];
    c_touch(&d->c[KPU_HOIST_L3], out->number, tile, edges, q->fresh);
    out->kind = ENTRY_LOAD_C;
    if (!q->fresh && *dram < 0)
        out->from = -*dram - 1;
    else if (!q->fresh) {
        out->source = *dram;
        out->source_cause = d->s->dram_cause[tile];
    }
    *dram = -out->number - 1; /* its next DMA_STORE is pending */
    return !q->fresh;
}

/* Block movers: likewise, from L3 to L2. */
static bool emit_bm_load(struct eddo *d, int x, entry *out)
{
    queue *q = &d->bm;
    if (!q->step_first[x])
        return false;
    unsigned edges = step_edges(q);
    *out = (entry){.kind = ENTRY_LOAD,
                   .operand = (uint8_t)x,
                   .edges = (uint8_t)edges,
                   .number = q->step_number[x],
                   .from = q->step_from[x]};
    const kpu_program_window *window = d->program->window[x];
    bool again = walk_taken_again(&q->walk, x, q->iteration, window[KPU_HOIST_L3].hoist,
                                  window[KPU_HOIST_L2].hoist);
    if (x != KPU_C) {
        tile_touch(&d->tile[x][KPU_HOIST_L2], out->number);
        tile_record *read = tile_touch(&d->tile[x][KPU_HOIST_L3], out->from);
        read->pending++;
        read->closed = !again;
        return true;
    }
    c_record *from = c_touch(&d->c[KPU_HOIST_L3], out->from, step_tile(q), edges, q->fresh);
    c_record *into = c_touch(&d->c[KPU_HOIST_L2], out->number, 0, edges, q->fresh);
    into->tile = out->from;
    into->last = !again;
    out->kind = ENTRY_LOAD_C;
    out->needed = from->queued;
    return !q->fresh;
}

static void emit_store(struct eddo *d, queue *q, int level, entry *out)
{
    int64_t number = q->store_next++;
    *out = (entry){.kind = ENTRY_STORE, .operand = KPU_C, .number = number};
    if (level == KPU_HOIST_L2) {
        out->from = c_at(&d->c[KPU_HOIST_L2], number)->tile;
        c_at(&d->c[KPU_HOIST_L3], out->from)->queued++;
    }
}

/* The next command in emission order; false at the end. */
static bool emit(struct eddo *d, queue *q, int level, entry *out)
{
    for (;;) {
        if (q->store_next < q->store_end) {
            emit_store(d, q, level, out);
            return true;
        }
        if (q->finished)
            return false;
        while (q->phase < KPU_OPERANDS) {
            int x = q->phase++;
            if (level == KPU_HOIST_L3 ? emit_dma_load(d, x, out) : emit_bm_load(d, x, out))
                return true;
        }
        leave_step(q, level);
    }
}

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

static bool dma_known(struct eddo *d, entry *e)
{
    if (e->kind == ENTRY_LOAD) {
        e->source = 0;
        e->source_cause = KPU_STALL_LATENCY;
        return tile_slot_known(d, KPU_HOIST_L3, e);
    }
    if (e->kind == ENTRY_LOAD_C) {
        if (!c_slot_known(d, KPU_HOIST_L3, e->number, e))
            return false;
        if (e->from < 0)
            return true;
        c_record *stored = c_at(&d->c[KPU_HOIST_L3], e->from);
        e->source = stored->store_ready;
        e->source_cause = stored->store_cause;
        return known(e->source, e, &stored->waiters);
    }
    c_record *from = c_at(&d->c[KPU_HOIST_L3], e->number);
    e->slot = -1;
    e->source = from->closed ? from->ready : EDDO_UNKNOWN;
    e->source_cause = from->cause;
    return known(e->source, e, &from->waiters);
}

static bool bm_known(struct eddo *d, entry *e)
{
    if (e->kind == ENTRY_LOAD) {
        if (!tile_slot_known(d, KPU_HOIST_L2, e))
            return false;
        tile_record *from = tile_at(&d->tile[e->operand][KPU_HOIST_L3], e->from);
        e->source = from->ready;
        e->source_cause = from->cause;
        return known(e->source, e, &from->waiters);
    }
    if (e->kind == ENTRY_LOAD_C) {
        if (!c_slot_known(d, KPU_HOIST_L2, e->number, e))
            return false;
        c_record *from = c_at(&d->c[KPU_HOIST_L3], e->from);
        e->source = from->written == e->needed ? from->ready : EDDO_UNKNOWN;
        e->source_cause = from->cause;
        return known(e->source, e, &from->waiters);
    }
    c_record *from = c_at(&d->c[KPU_HOIST_L2], e->number);
    e->slot = -1;
    if (c_at(&d->c[KPU_HOIST_L3], e->from)->unwritten && !c_slot_known(d, KPU_HOIST_L3, e->from, e))
        return false;
    e->source = from->closed ? from->ready : EDDO_UNKNOWN;
    e->source_cause = from->cause;
    return known(e->source, e, &from->waiters);
}

/* ---- queues ----------------------------------------------------------------------------- */

static void look(struct eddo *d, entry *e)
{
    if (!(e->mover ? bm_known(d, e) : dma_known(d, e)))
        return;
    queue *q = e->mover ? &d->bm : &d->dma;
    q->known[q->known_count] = e;
    q->sequence[q->known_count] = e->sequence;
    q->wait[q->known_count++] = later(e->slot, e->source);
}

void eddo_wake(struct eddo *d, entry **waiters)
{
    entry *e = *waiters;
    *waiters = NULL;
    while (e) {
        entry *next = e->next;
        look(d, e);
        e = next;
    }
}

static void refill(struct eddo *d, queue *q, int level)
{
    int64_t window = d->program->eddo_window;
    while (q->count < window) {
        entry *e = &q->entries[q->spare[q->count]];
        if (!emit(d, q, level, e))
            return;
        e->mover = level == KPU_HOIST_L2;
        e->sequence = q->emitted++;
        q->count++;
        look(d, e);
    }
}

/* Earliest cycle at which the queue can start a command, as far as known. A command that came into
 * the window at the last event cannot have started before it. */
static int64_t next_event(const queue *q)
{
    int64_t earliest = EDDO_UNKNOWN;
    for (int64_t i = 0; i < q->known_count; i++)
        earliest = q->wait[i] < earliest ? q->wait[i] : earliest;
    return later(later(earliest, q->free_at), q->now);
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
    q->spare[--q->count] = (int32_t)(e - q->entries);
    q->now = cycle;
    return e;
}

/* Puts the command on the free engine of lowest index; returns the cause of its start. */
static int start_at(queue *q, const entry *e, int64_t cycle, int engine_cause, int64_t cycles)
{
    engine *free_engine = q->engines;
    while (free_engine->free > cycle)
        free_engine++;
    bool idle = free_engine->free < cycle || later(e->slot, e->source) < free_engine->since;
    int slot_cause = engine_cause == KPU_STALL_L3_BANDWIDTH && e->kind != ENTRY_STORE
                         ? KPU_STALL_L2_SLOTS
                         : KPU_STALL_L3_SLOTS;
    int cause = engine_cause + idle;
    if (e->slot == cycle)
        cause = slot_cause;
    else if (e->source == cycle)
        cause = e->source_cause;
    occupy(free_engine, cycle, cycles);
    q->free_at = q->engines[0].free;
    for (int64_t i = 1; i < q->engine_count; i++)
        if (q->engines[i].free < q->free_at)
            q->free_at = q->engines[i].free;
    return cause;
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
        if (s->dram_ready[from->tile] == -e->number - 1) {
            s->dram_ready[from->tile] = from->store_ready;
            s->dram_cause[from->tile] = (uint8_t)cause;
        }
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

static void start_bm(struct eddo *d, entry *e, int64_t cycle)
{
    const timing *t = d->t;
    if (e->kind == ENTRY_STORE) {
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
}

/* KPU_E_INTERNAL if commands were left that wait for each other: a defect, as neither discipline
 * can deadlock. */
static int run_events(struct eddo *d)
{
    unsigned calls = 0;
    for (;;) {
        if (must_stop(d->s, &calls))
            return KPU_E_INTERRUPTED;
        refill(d, &d->bm, KPU_HOIST_L2); /* tells the DMA queue which reads are the last */
        refill(d, &d->dma, KPU_HOIST_L3);
        int64_t dma = next_event(&d->dma), bm = next_event(&d->bm);
        if (dma == EDDO_UNKNOWN && bm == EDDO_UNKNOWN) {
            bool ended = d->dma.count == 0 && d->bm.count == 0 && d->fabric.finished;
            return ended ? KPU_OK : KPU_E_INTERNAL;
        }
        if (dma <= bm) {
            start_dma(d, take(&d->dma, dma), dma);
        } else {
            start_bm(d, take(&d->bm, bm), bm);
            eddo_core_run(d);
        }
    }
}

/* ---- scratch ---------------------------------------------------------------------------- */

/* Records that a ring needs: the tiles in its slots, those whose release is still asked for, and
 * what a walk may be ahead of them: a window of fresh C tiles needs no command to pass, the rest is
 * held back by the commands that fit in a queue. */
static int64_t record_count(const struct eddo *d, int x, int level)
{
    int64_t needed = 3 * d->program->window[x][level].slots + 2 * d->program->eddo_window + 8;
    int64_t count = 16;
    while (count < needed)
        count *= 2;
    return count;
}

static bool reserve_tables(struct eddo *d)
{
    size_t bytes = 0;
    for (int level = 0; level < KPU_HOIST_LEVELS; level++) {
        bytes += (size_t)record_count(d, KPU_C, level) * sizeof(c_record);
        for (int x = KPU_A; x <= KPU_B; x++)
            bytes += (size_t)record_count(d, x, level) * sizeof(tile_record);
    }
    if (!buffer_reserve(&d->tables_buffer, bytes, 1))
        return false;
    char *next = d->tables_buffer.data;
    memset(next, 0xff, bytes); /* number -1: no record is anybody's yet */
    for (int level = 0; level < KPU_HOIST_LEVELS; level++) {
        int64_t count = record_count(d, KPU_C, level);
        d->c[level] = (c_table){(c_record *)(void *)next, count - 1};
        next += (size_t)count * sizeof(c_record);
        for (int x = KPU_A; x <= KPU_B; x++) {
            count = record_count(d, x, level);
            d->tile[x][level] = (tile_table){(tile_record *)(void *)next, count - 1};
            next += (size_t)count * sizeof(tile_record);
        }
    }
    return true;
}

static char *lay_queue(queue *q, char *next, int64_t window)
{
    size_t n = (size_t)window;
    q->entries = (entry *)(void *)next;
    q->known = (entry **)(void *)(q->entries + n);
    q->wait = (int64_t *)(void *)(q->known + n);
    q->sequence = q->wait + n;
    q->spare = (int32_t *)(void *)(q->sequence + n);
    for (int32_t i = 0; i < window; i++)
        q->spare[i] = i;
    return (char *)(q->spare + n + n % 2); /* aligned for the next */
}

static bool reserve_state(struct eddo *d)
{
    int64_t window = d->program->eddo_window, d1 = d->program->l1_buffers;
    size_t one = sizeof(entry) + sizeof(entry *) + 2 * sizeof(int64_t) + sizeof(int64_t);
    size_t times = (size_t)(d1 + EDDO_RUNS);
    if (!reserve_tables(d) || !buffer_reserve(&d->queue_buffer, 2 * (size_t)window, one) ||
        !buffer_reserve(&d->times_buffer, KPU_OPERANDS * times, sizeof(stream_times)))
        return false;
    lay_queue(&d->bm, lay_queue(&d->dma, d->queue_buffer.data, window), window);
    for (int x = 0; x < KPU_OPERANDS; x++)
        d->times[x] = (stream_times *)d->times_buffer.data + (size_t)x * times;
    return true;
}

static void start_queue(queue *q, const kpu_program *program, int level, engine *engines,
                        int64_t engine_count)
{
    unsigned windows = 0;
    for (int x = 0; x < KPU_OPERANDS; x++)
        windows |= 1u << walk_bit(x, KPU_HOIST_L3) | 1u << walk_bit(x, level);
    q->engines = engines;
    q->engine_count = engine_count;
    walk_start(&q->walk, program, windows);
    arrive(q, level);
}

void eddo_free(struct eddo *d)
{
    if (!d)
        return;
    free(d->tables_buffer.data);
    free(d->queue_buffer.data);
    free(d->times_buffer.data);
    free(d);
}

int run_eddo(kpu_simulator *s)
{
    if (reserve_eddo(s) != KPU_OK)
        return KPU_E_MEMORY;
    if (!s->eddo && !(s->eddo = calloc(1, sizeof *s->eddo)))
        return KPU_E_MEMORY;
    struct eddo *d = s->eddo;
    s->steps_walked = 0;
    buffer tables = d->tables_buffer, queues = d->queue_buffer, times = d->times_buffer;
    *d = (struct eddo){.s = s,
                       .program = &s->program,
                       .t = &s->timing,
                       .tables_buffer = tables,
                       .queue_buffer = queues,
                       .times_buffer = times};
    d->c_stationary = d->program->stationary == KPU_C;
    if (!reserve_state(d))
        return KPU_E_MEMORY;
    start_queue(&d->dma, d->program, KPU_HOIST_L3, s->dma, s->timing.dma_engines);
    start_queue(&d->bm, d->program, KPU_HOIST_L2, s->bm, s->timing.bm_engines);
    eddo_core_start(d);
    int code = run_events(d);
    s->tally.fabric_end = d->fabric_free;
    return code;
}
