/* eddo: the commands of a queue in emission order, made when there is room for them. */
#include "simulator/eddo.h"

/* The tile of operand x at the present step: its number at this queue's level, and at L3. */
static void find_tile(queue *q, int x, int level)
{
    bool first;
    if (level == KPU_HOIST_L2)
        q->step_from[x] =
            walk_tile_number(walk_of(&q->walk, x, KPU_HOIST_L3), q->iteration, &first);
    q->step_number[x] = walk_tile_number(walk_of(&q->walk, x, level), q->iteration, &first);
    q->loads |= (unsigned)first << x;
}

/* Arrives at a sweep: its tiles, and the stores of a window of C that ended before it. */
static void arrive(queue *q, int level)
{
    q->renewed = 0;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        find_tile(q, x, level);
        q->renewed |= (unsigned)walk_of(&q->walk, x, level)->first[1] << x;
    }
    q->store_end = walk_of(&q->walk, KPU_C, level)->base_number;
    q->fresh = !walk_k_started(&q->walk);
}

/* At a later step of it. A tile that is no first use at the queue's level is none at L3. */
static void arrive_within(queue *q, int level)
{
    for (unsigned left = q->renewed; left; left &= left - 1)
        find_tile(q, __builtin_ctz(left), level);
    if (q->walk.program->loop_dim[WALK_LAST] == KPU_K)
        q->fresh = false;
    else
        q->store_end = walk_of(&q->walk, KPU_C, level)->base_number;
}

void eddo_emit_start(queue *q, int level)
{
    arrive(q, level);
}

static void leave_step(queue *q, int level)
{
    q->iteration++;
    if (q->renewed && q->iteration < q->walk.trips[WALK_LAST]) {
        arrive_within(q, level);
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

/* DMA: the load of operand x at this step, whose tile is a first use. None if it is a fresh C. */
static bool emit_dma_load(struct eddo *d, int x, entry *out)
{
    queue *q = &d->dma;
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
        while (q->loads) {
            int x = __builtin_ctz(q->loads);
            q->loads &= q->loads - 1;
            if (level == KPU_HOIST_L3 ? emit_dma_load(d, x, out) : emit_bm_load(d, x, out))
                return true;
        }
        leave_step(q, level);
    }
}
