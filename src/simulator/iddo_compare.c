/* iddo's fast-forward: whether what will be read now is what was read then, but for one shift. */
#include "simulator/iddo_repeat.h"

void earliest_reset(earliest *e)
{
    *e = (earliest){.dma = INT64_MAX,
                    .bm = INT64_MAX,
                    .bm_slot = {INT64_MAX, INT64_MAX, INT64_MAX},
                    .bm_store_source = INT64_MAX,
                    .dma_c_slot = INT64_MAX,
                    .dma_c_slack = INT64_MAX,
                    .nearest = INT64_MAX,
                    .farthest = INT64_MAX};
}

void earliest_add(earliest *e, const earliest *other)
{
    note_wait(&e->dma, other->dma);
    note_wait(&e->bm, other->bm);
    for (int x = 0; x < KPU_OPERANDS; x++)
        note_wait(&e->bm_slot[x], other->bm_slot[x]);
    note_wait(&e->bm_store_source, other->bm_store_source);
    note_wait(&e->dma_c_slot, other->dma_c_slot);
    note_wait(&e->dma_c_slack, other->dma_c_slack);
    note_wait(&e->nearest, other->nearest);
    note_wait(&e->farthest, other->farthest);
}

bool shifted(int64_t before, int64_t now, int64_t shift)
{
    return now - before == shift || (now < 0 && before < 0);
}

/* `wait`: no command of the period waited for less. A wait is held against since when its engine
 * has been busy: earlier is `order`. A wait for nothing, 0, does not move with the others. */
bool same_since(const engine *before, const engine *now, int64_t shift, int64_t wait)
{
    bool follows = now->since - before->since == shift;
    if (wait == 0)
        return (follows && before->since > 0) || (before->since == 0 && now->since == 0);
    return follows || (before->since <= wait && now->since - shift <= wait);
}

/* Idle before its first command of the period, which waited for more: what it did before is over.
 */
bool was_idle(const engine *before, const engine *now, int64_t shift, int64_t wait)
{
    return before->free < wait && now->free - shift < wait;
}

static bool same_stream(const engine *before, const engine *now, int64_t shift, int64_t wait)
{
    if (now->free == before->free || was_idle(before, now, shift, wait)) /* not used; idle */
        return true;
    return now->free - before->free == shift && same_since(before, now, shift, wait);
}

static bool same_streams(const period *d)
{
    const mark *m = d->marks[0];
    for (int x = 0; x < IDDO_STREAMS; x++) {
        int64_t wait = x == IDDO_COUT ? m->fabric_free : stream_slot_floor(d, x);
        if (!same_stream(&m->stream[x], &d->p->stream[x], d->shift, wait))
            return false;
    }
    return true;
}

bool same_l1(const period *d)
{
    const mark *m = d->marks[0];
    int64_t d1 = d->p->program->l1_buffers;
    const int64_t *now = d->p->s->fab_end, *before = m->l1;
    int64_t i = d->p->l1_slot, j = m->l1_slot;
    for (int64_t n = 0; n < d1; n++) {
        if (!shifted(before[j], now[i], d->shift) ||
            !shifted(before[d1 + j], now[d1 + i], d->shift))
            return false;
        i = i + 1 == d1 ? 0 : i + 1;
        j = j + 1 == d1 ? 0 : j + 1;
    }
    return true;
}

static bool same_registers(const period *d)
{
    const pass *p = d->p;
    const mark *m = d->marks[0];
    if (p->registers[0] == m->registers[0] && p->registers[1] == m->registers[1])
        return p->run_parity == m->run_parity; /* no run ended, so none will begin */
    return shifted(m->registers[m->run_parity], p->registers[p->run_parity], d->shift) &&
           shifted(m->registers[m->run_parity ^ 1], p->registers[p->run_parity ^ 1], d->shift);
}

/* Engines take commands in turn: the next one now corresponds to the next one then. */
static bool same_engines(const engine *before, int64_t next_before, const engine *now,
                         int64_t next_now, int64_t count, const period *d, int64_t wait)
{
    bool used = false, unbroken = true, followed = true;
    for (int64_t e = 0; e < count; e++) {
        used = used || now[e].free != before[e].free;
        unbroken = unbroken && now[e].since == before[e].since && now[e].since <= wait;
    }
    if (!used)
        return true;
    int64_t i = next_before, j = next_now;
    for (int64_t k = 0; k < count; k++) {
        const engine *b = &before[i], *n = &now[j];
        bool idle = i == j && n->free != b->free && was_idle(b, n, d->shift, wait);
        if (!idle && (n->free - b->free != d->shift || b->free == 0))
            return false;
        followed =
            followed && (idle || (n->since - b->since == d->shift && (wait > 0 || b->since > 0)) ||
                         (i == j && n->since == b->since && n->since <= wait));
        i = i + 1 == count ? 0 : i + 1;
        j = j + 1 == count ? 0 : j + 1;
    }
    return unbroken || followed;
}

static bool same_class(const period *d, bool dma)
{
    const pass *p = d->p;
    const mark *m = d->marks[0];
    int64_t first = dma ? 0 : p->t->dma_engines;
    return same_engines(m->engines + first, dma ? m->next_dma : m->next_bm, p->s->dma + first,
                        dma ? p->next_dma : p->next_bm, dma ? p->t->dma_engines : p->t->bm_engines,
                        d, dma ? d->earliest.dma : d->earliest.bm);
}

/* The makespan so far is a maximum over stores: known to move on with them, or not to matter. */
static bool same_cycles(const period *d)
{
    const mark *m = d->marks[0];
    bool stores = d->p->stored[KPU_HOIST_L3] != m->stored[KPU_HOIST_L3];
    return !stores || d->p->tally->cycles > m->cycles;
}

/* Cheapest first: most candidates for a period fail at once. */
bool is_period(period *d)
{
    const pass *p = d->p;
    const mark *m = d->marks[0];
    d->shift = p->fabric_free - m->fabric_free;
    int row = p->program->stationary == KPU_A ? KPU_B : KPU_A;
    if (p->stream[row].free - m->stream[row].free != d->shift || !same_l1(d) || !same_registers(d))
        return false;
    earliest_reset(&d->earliest);
    for (int i = 0; i < d->mark_count; i++)
        earliest_add(&d->earliest, &d->marks[i]->earliest);
    return same_streams(d) && same_class(d, true) && same_class(d, false) && same_cycles(d) &&
           rings_fit(d);
}
