/* eddo: the commands of a queue in emission order, made when there is room for them. */
#include "simulator/eddo.h"

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

void eddo_emit_start(queue *q, int level)
{
    arrive(q, level);
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
    for (int x = 0; x < KPU_OPERANDS; x++)
        again_forget(&q->again[x]);
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

/* Member by member: there are many commands, and most of their members are not of interest yet. */
static void set_entry(entry *e, int kind, int operand, unsigned edges)
{
    e->kind = (uint8_t)kind;
    e->operand = (uint8_t)operand;
    e->edges = (uint8_t)edges;
}

/* DMA: the load of operand x at this step, if there is one. */
static bool emit_dma_load(struct eddo *d, int x, entry *out)
{
    queue *q = &d->dma;
    if (!q->step_first[x])
        return false;
    unsigned edges = step_edges(q);
    set_entry(out, x == KPU_C ? ENTRY_LOAD_C : ENTRY_LOAD, x, edges);
    out->number = q->step_number[x];
    if (x != KPU_C) {
        tile_touch(&d->tile[x][KPU_HOIST_L3], out->number);
        return true;
    }
    c_touch(&d->c[KPU_HOIST_L3], out->number, edges, q->fresh);
    if (!q->fresh)
        d->revisited = out->from = out->number - walk_revisit_distance(&q->walk, q->iteration);
    return !q->fresh;
}

/* Block movers: likewise, from L3 to L2. */
static bool emit_bm_load(struct eddo *d, int x, entry *out)
{
    queue *q = &d->bm;
    if (!q->step_first[x])
        return false;
    unsigned edges = step_edges(q);
    set_entry(out, x == KPU_C ? ENTRY_LOAD_C : ENTRY_LOAD, x, edges);
    out->number = q->step_number[x];
    out->from = q->step_from[x];
    const kpu_program_window *window = d->program->window[x];
    bool again =
        taken_again(&q->again[x], &q->walk, q->iteration,
                    (again_for){x, window[KPU_HOIST_L3].hoist, window[KPU_HOIST_L2].hoist});
    if (x != KPU_C) {
        tile_touch(&d->tile[x][KPU_HOIST_L2], out->number);
        tile_record *read = tile_touch(&d->tile[x][KPU_HOIST_L3], out->from);
        read->pending++;
        read->closed = !again;
        return true;
    }
    c_record *from = c_touch(&d->c[KPU_HOIST_L3], out->from, edges, q->fresh);
    c_record *into = c_touch(&d->c[KPU_HOIST_L2], out->number, edges, q->fresh);
    into->above = out->from;
    into->last = !again;
    out->needed = from->queued;
    return !q->fresh;
}

static void emit_store(struct eddo *d, queue *q, int level, entry *out)
{
    int64_t number = q->store_next++;
    set_entry(out, ENTRY_STORE, KPU_C, 0);
    out->number = number;
    if (level == KPU_HOIST_L2) {
        out->from = c_at(&d->c[KPU_HOIST_L2], number)->above;
        c_at(&d->c[KPU_HOIST_L3], out->from)->queued++;
    }
}

bool eddo_emit(struct eddo *d, queue *q, int level, entry *out)
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
