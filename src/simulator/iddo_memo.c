/* iddo's fast-forward: remembers what whole iterations of the outer loops did, so that one that
 * begins alike in another execution of its loop need not be walked through. */
#include "simulator/iddo_memo.h"

#include <string.h>

/* ---- is it the same? -------------------------------------------------------------------- */

static bool same_registers(const period *d)
{
    const pass *p = d->p;
    const mark *m = d->marks[0];
    return shifted(m->registers[m->run_parity], p->registers[p->run_parity], d->shift) &&
           shifted(m->registers[m->run_parity ^ 1], p->registers[p->run_parity ^ 1], d->shift);
}

static bool same_engine(const engine *then, const engine *now, int64_t shift, int64_t wait)
{
    return was_idle(then, now, shift, wait) || (now->free - then->free == shift && then->free > 0 &&
                                                same_since(then, now, shift, wait));
}

/* Only those that the iteration used need be the same. */
static bool same_streams(const period *d, const outcome *o)
{
    for (int x = 0; x < IDDO_STREAMS; x++) {
        int64_t wait = x == IDDO_COUT ? o->entry.fabric_free : stream_slot_floor(d, x);
        if (o->left.stream[x].free != o->entry.stream[x].free &&
            !same_engine(&o->entry.stream[x], &d->p->stream[x], d->shift, wait))
            return false;
    }
    return true;
}

static bool same_engines(const period *d, const outcome *o, bool dma)
{
    const pass *p = d->p;
    int64_t count = dma ? p->t->dma_engines : p->t->bm_engines;
    int64_t first = dma ? 0 : p->t->dma_engines;
    const engine *then = o->entry.engines + first, *left = o->left.engines + first;
    const engine *now = p->s->dma + first;
    int64_t i = dma ? o->entry.next_dma : o->entry.next_bm, j = dma ? p->next_dma : p->next_bm;
    int64_t wait = dma ? d->earliest.dma : d->earliest.bm;
    for (int64_t k = 0; k < count; k++) {
        if (left[i].free != then[i].free && !same_engine(&then[i], &now[j], d->shift, wait))
            return false;
        i = i + 1 == count ? 0 : i + 1;
        j = j + 1 == count ? 0 : j + 1;
    }
    return true;
}

/* Whether the iteration that starts now, and can touch `now`, will do what that one did. */
static bool is_again(pass *p, outcome *o, const touched *now, period *d)
{
    d->p = p;
    d->marks = (mark *const *)&o->entry_pointer;
    d->mark_count = d->iterations = 1;
    d->now = now;
    d->limit = 1;
    d->shift = p->fabric_free - o->entry.fabric_free;
    d->scratch = memo_scratch(p->repeats);
    int row = p->program->stationary == KPU_A ? KPU_B : KPU_A;
    if (p->stream[row].free - o->entry.stream[row].free != d->shift || !same_l1(d) ||
        !same_registers(d))
        return false;
    d->earliest = o->entry.earliest;
    if (!same_streams(d, o) || !same_engines(d, o, true) || !same_engines(d, o, false))
        return false;
    for (int r = 0; r < REPEAT_RINGS; r++)
        d->tiles[r] = o->left.numbers.next[r] - o->entry.numbers.next[r];
    for (int level = 0; level < KPU_HOIST_LEVELS; level++)
        d->stores[level] = o->left.stored[level] - o->entry.stored[level];
    return rings_fit_once(d);
}

/* ---- do the same ------------------------------------------------------------------------ */

static void replay_engine(const engine *then, const engine *left, int64_t shift, engine *now)
{
    if (left->free == then->free)
        return;
    now->since = left->since == then->since ? now->since : left->since + shift;
    now->free = left->free + shift;
    now->busy += left->busy - then->busy;
}

static void replay_engines(const period *d, const outcome *o, bool dma)
{
    pass *p = d->p;
    int64_t count = dma ? p->t->dma_engines : p->t->bm_engines;
    int64_t first = dma ? 0 : p->t->dma_engines;
    int64_t *next = dma ? &p->next_dma : &p->next_bm;
    int64_t i = dma ? o->entry.next_dma : o->entry.next_bm, j = *next;
    for (int64_t k = 0; k < count; k++) {
        replay_engine(&o->entry.engines[first + i], &o->left.engines[first + i], d->shift,
                      &p->s->dma[first + j]);
        i = i + 1 == count ? 0 : i + 1;
        j = j + 1 == count ? 0 : j + 1;
    }
    int64_t turn = dma ? o->left.next_dma - o->entry.next_dma : o->left.next_bm - o->entry.next_bm;
    *next = slot_of(*next + turn, count);
}

static int64_t moved(int64_t time, int64_t shift)
{
    return time < 0 ? time : time + shift;
}

static void replay_fabric(const period *d, const outcome *o)
{
    pass *p = d->p;
    int64_t d1 = p->program->l1_buffers, from = o->left.l1_slot;
    int64_t to = slot_of(p->l1_slot + o->left.l1_slot - o->entry.l1_slot, d1);
    p->l1_slot = to;
    for (int64_t n = 0; n < d1; n++) {
        p->s->fab_end[to] = moved(o->left.l1[from], d->shift);
        p->s->cout_end[to] = moved(o->left.l1[d1 + from], d->shift);
        from = from + 1 == d1 ? 0 : from + 1;
        to = to + 1 == d1 ? 0 : to + 1;
    }
    p->run_parity ^= o->left.run_parity ^ o->entry.run_parity;
    for (int i = 0; i < 2; i++)
        p->registers[p->run_parity ^ i] =
            moved(o->left.registers[o->left.run_parity ^ i], d->shift);
    for (int x = 0; x < IDDO_STREAMS; x++)
        replay_engine(&o->entry.stream[x], &o->left.stream[x], d->shift, &p->stream[x]);
    p->fabric_free = o->left.fabric_free + d->shift;
}

static void replay_ring(const period *d, const outcome *o, const range *g)
{
    int x = g->ring / KPU_HOIST_LEVELS, level = g->ring % KPU_HOIST_LEVELS;
    const kpu_simulator *s = d->p->s;
    int64_t at = slot_of(g->from + g->step, g->slots);
    const lapse by = {d->shift, g->links_step};
    for (int64_t i = 0; i < g->span; i++) {
        if (x == KPU_C)
            leave_c(g, &o->entry.c[level][i], &o->left.c[level][i], &by, &s->ring_c[level][at]);
        else
            leave_slot(&o->entry.ab[x][level][i], &o->left.ab[x][level][i], d->shift,
                       &s->ring[x][level][at]);
        at = at + 1 == g->slots ? 0 : at + 1;
    }
}

/* Stores into DRAM: the last are remembered as they were, the others as late as any can have been.
 */
static void replay_stored(const period *d, const outcome *o)
{
    pass *p = d->p;
    int64_t stored = p->stored[KPU_HOIST_L3] + d->stores[KPU_HOIST_L3];
    for (int64_t n = stored - o->stored_count; n < stored; n++) {
        dram_time *at = &p->s->stored[n & p->s->stored_mask];
        if (n > p->s->stored_mask)
            p->dram_forgotten = later(p->dram_forgotten, at->ready);
        *at = o->stored[n - (stored - o->stored_count)];
        at->ready += d->shift;
    }
    if (o->stored_count < d->stores[KPU_HOIST_L3])
        p->dram_forgotten = later(p->dram_forgotten, o->forgotten + d->shift);
}

static void replay_earliest(const period *d)
{
    earliest *e = &d->p->earliest;
    const earliest *was = &d->earliest;
    int64_t shift = d->shift;
    *e = *was;
    e->dma = was->dma == INT64_MAX ? INT64_MAX : was->dma + (was->dma > 0 ? shift : 0);
    e->bm = was->bm == INT64_MAX ? INT64_MAX : was->bm + shift;
    for (int x = 0; x < KPU_OPERANDS; x++)
        e->bm_slot[x] = was->bm_slot[x] == INT64_MAX ? INT64_MAX : moved(was->bm_slot[x], shift);
    if (was->bm_store_source != INT64_MAX)
        e->bm_store_source += shift;
    if (was->dma_c_slot != INT64_MAX)
        e->dma_c_slot = moved(was->dma_c_slot, shift);
}

static bool replay(const period *d, const outcome *o, int position)
{
    pass *p = d->p;
    for (int r = 0; r < REPEAT_RINGS; r++)
        if (d->range[r].span > 0)
            replay_ring(d, o, &d->range[r]);
    replay_stored(d, o);
    replay_engines(d, o, true);
    replay_engines(d, o, false);
    replay_fabric(d, o);
    replay_earliest(d);
    int64_t cycles = p->tally->cycles;
    tally_add(p->tally, &o->left.tally, &o->entry.tally);
    p->tally->cycles = d->stores[KPU_HOIST_L3] ? later(cycles, o->left.cycles + d->shift) : cycles;
    for (int level = 0; level < KPU_HOIST_LEVELS; level++) {
        p->stored[level] += d->stores[level];
        p->stored_slot[level] = p->stored[level] % p->program->window[KPU_C][level].slots;
    }
    return walk_redo(&p->walk, &o->entry.numbers, &o->left.numbers, position);
}

/* ---- remembering ------------------------------------------------------------------------ */

/* The iteration begins. */
static void open_outcome(pass *p, memo *m, int position, uint64_t shape)
{
    m->open = m->next;
    m->next = m->next + 1 == MEMO_OUTCOMES ? 0 : m->next + 1;
    outcome *o = &m->at[m->open];
    if (m->open == m->count) {
        m->count++;
        memo_lay(p, position, o);
    }
    o->shape = shape;
    o->known = false;
    earliest_reset(&m->earliest);
    mark_make(p, &(stretch){.position = position, .first_or_last = true}, &o->entry);
}

/* It has ended. */
static void close_outcome(pass *p, memo *m)
{
    outcome *o = &m->at[m->open];
    mark *left = &o->left;
    m->open = -1;
    memcpy(left->touched, o->entry.touched, sizeof left->touched);
    mark_make_as_touched(p, left);
    o->entry.earliest = m->earliest;
    bool returns = walk_c_returns(p->program, KPU_HOIST_L3);
    int64_t stores = left->stored[KPU_HOIST_L3] - o->entry.stored[KPU_HOIST_L3];
    int64_t wanted = !returns ? 0 : stores <= p->s->stored_mask ? stores : p->s->stored_mask + 1;
    o->stored_count = wanted < MEMO_STORES ? wanted : MEMO_STORES;
    for (int64_t i = 0; i < o->stored_count; i++)
        o->stored[i] =
            p->s->stored[(left->stored[KPU_HOIST_L3] - o->stored_count + i) & p->s->stored_mask];
    o->forgotten = left->cycles;
    o->known = o->stored_count == wanted && (stores == 0 || left->cycles > o->entry.cycles);
}

void memo_close(pass *p, int position)
{
    for (int l = 0; l < MEMO_LOOPS; l++) {
        memo *m = memo_at(p->repeats, l);
        if (m->open < 0)
            continue;
        earliest_add(&m->earliest, &p->earliest);
        if (l >= position)
            close_outcome(p, m);
    }
}

memo_found memo_look(pass *p, int position)
{
    for (int l = position < 0 ? 0 : position; l < MEMO_LOOPS; l++) {
        memo *m = memo_at(p->repeats, l);
        if (!m->watched)
            continue;
        uint64_t shape = walk_shape(&p->walk, l);
        touched now[REPEAT_RINGS];
        rings_find_touched(p, &(stretch){.position = l, .first_or_last = true}, now);
        for (int i = 0; i < m->count; i++) {
            period d;
            outcome *o = &m->at[i];
            if (o->known && o->shape == shape && is_again(p, o, now, &d))
                return replay(&d, o, l) ? MEMO_REPLAYED : MEMO_ENDED;
        }
        open_outcome(p, m, l, shape);
    }
    return MEMO_NOTHING;
}
