/* iddo's fast-forward: the tiles in the rings. */
#include <string.h>

#include "simulator/iddo_repeat.h"

/* ---- which slots an iteration can touch ------------------------------------------------- */

static int64_t c_new_tiles(const pass *p, int level)
{
    return p->walk.window[walk_bit(KPU_C, level)].next_number;
}

/* L3: back to the tiles that block movers have still to store into. */
static void reach_back(const pass *p, touched *t)
{
    const walk_window *w2 = &p->walk.window[walk_bit(KPU_C, KPU_HOIST_L2)];
    int64_t slots = p->program->window[KPU_C][KPU_HOIST_L3].slots;
    if (p->stored[KPU_HOIST_L2] == w2->next_number)
        return;
    const slot_c *oldest = &p->s->ring_c[KPU_HOIST_L2][p->stored_slot[KPU_HOIST_L2]];
    int64_t back = (t->from % slots - oldest->link + slots) % slots;
    if (back + t->count >= slots) {
        t->count = slots;
        return;
    }
    t->from -= back;
    t->count += back;
}

static void find_touched_c(const pass *p, int level, bool resident, touched *t)
{
    int64_t slots = p->program->window[KPU_C][level].slots, next = c_new_tiles(p, level);
    if (level == KPU_HOIST_L3)
        reach_back(p, t);
    if (resident)
        return;
    t->filling = p->stored[level] == 0 && next <= slots;
    if (!t->filling && p->stored[level] != next - slots)
        t->count = slots; /* stores go to tiles anywhere */
}

void rings_find_touched(const pass *p, const stretch *of, touched out[REPEAT_RINGS])
{
    const walk *w = &p->walk;
    int position = of->position;
    unsigned moving = w->multi & ~((1u << position) - 1);
    for (int r = 0; r < REPEAT_RINGS; r++) {
        int x = r / KPU_HOIST_LEVELS, level = r % KPU_HOIST_LEVELS;
        const walk_window *v = &w->window[r], *l2 = &w->window[walk_bit(x, KPU_HOIST_L2)];
        unsigned moves = p->program->relevant[x] & moving;
        out[r] = (touched){.from = walk_peek_number(v, position == WALK_LAST ? of->i : 0)};
        /* Nobody asks L2 for a tile that stays in the registers, nor L3 for one that stays in L2.
         */
        if ((x == p->program->stationary && !moves && !of->first_or_last) ||
            (level == KPU_HOIST_L3 && walk_is_resident(w, l2, position)))
            continue;
        if (position < WALK_LAST)
            out[r].count = walk_used_tiles(w, v, position);
        else
            out[r].count = !moves ? 1 : of->steps < v->slots ? of->steps : v->slots;
        if (x == KPU_C)
            find_touched_c(p, level, walk_is_resident(w, v, position), &out[r]);
    }
}

void ring_copy(const void *ring, size_t size, int64_t slots, const touched *t, void *out)
{
    int64_t at = slot_of(t->from, slots), first = slots - at < t->count ? slots - at : t->count;
    memcpy(out, (const char *)ring + (size_t)at * size, (size_t)first * size);
    memcpy((char *)out + (size_t)first * size, ring, (size_t)(t->count - first) * size);
}

void rings_copy_touched(const pass *p, mark *m)
{
    for (int r = 0; r < REPEAT_RINGS; r++) {
        int x = r / KPU_HOIST_LEVELS, level = r % KPU_HOIST_LEVELS;
        int64_t slots = ring_slots(p, r);
        if (m->touched[r].count <= 0)
            continue;
        if (x == KPU_C)
            ring_copy(p->s->ring_c[level], sizeof(slot_c), slots, &m->touched[r], m->c[level]);
        else
            ring_copy(p->s->ring[x][level], sizeof(slot), slots, &m->touched[r], m->ab[x][level]);
    }
}

/* ---- one ring over a period ------------------------------------------------------------- */

/* Puts together what the iterations of the period found, each slot as found first. False if they
 * cannot be put together. */
static bool find_range(const period *d, int ring, const touched *now, range *g)
{
    const touched *first = &d->marks[0]->touched[ring];
    g->ring = ring;
    g->slots = ring_slots(d->p, ring);
    g->from = first->from;
    g->step = now->from - first->from;
    g->span = 0;
    bool used = now->count > 0;
    if (now->count < 0)
        return false;
    int64_t end = first->from;
    for (int i = 0; i < d->mark_count && end - first->from < g->slots; i++) {
        const touched *t = &d->marks[i]->touched[ring];
        if (t->count < 0 || (t->count > 0) != used || t->from < first->from || t->from > end ||
            t->filling != now->filling)
            return false;
        end = t->from + t->count > end ? t->from + t->count : end;
    }
    if (!used)
        return true;
    g->span = end - g->from < g->slots ? end - g->from : g->slots;
    return g->step >= 0 && first->count == now->count;
}

void ring_gather(const period *d, const range *g)
{
    int x = g->ring / KPU_HOIST_LEVELS, level = g->ring % KPU_HOIST_LEVELS;
    size_t size = x == KPU_C ? sizeof(slot_c) : sizeof(slot);
    char *out = x == KPU_C ? (char *)d->scratch->c_found : (char *)d->scratch->ab_found;
    int64_t done = 0;
    for (int i = 0; i < d->mark_count && done < g->span; i++) {
        const mark *m = d->marks[i];
        const touched *t = &m->touched[g->ring];
        const char *from = x == KPU_C ? (const char *)m->c[level] : (const char *)m->ab[x][level];
        int64_t skip = g->from + done - t->from, count = t->count - skip;
        if (count <= 0)
            continue;
        count = count < g->span - done ? count : g->span - done;
        memcpy(out + (size_t)done * size, from + (size_t)skip * size, (size_t)count * size);
        done += count;
    }
}

static inline bool is_over(const time_floor readers[READERS], int64_t then, int64_t now,
                           int64_t shift)
{
    for (int i = 0; i < READERS; i++) {
        const time_floor *f = &readers[i];
        if (!(then < f->moving && now - shift < f->moving) && !(then < f->then && now < f->now))
            return false;
    }
    return true;
}

/* Below this, a time is over for all of its readers. */
static int64_t quick_floor(const time_floor readers[READERS])
{
    return readers[0].moving < readers[1].moving ? readers[0].moving : readers[1].moving;
}

static inline bool same_release(const range *g, int64_t then, int64_t now, int64_t shift)
{
    return now - then == shift || (then < 0 && now < 0) || is_over(g->release, then, now, shift);
}

static inline bool same_slot(const range *g, const slot *then, const slot *now, int64_t shift)
{
    bool late = now->ready - then->ready == shift && now->cause == then->cause;
    return (late || is_over(g->ready, then->ready, now->ready, shift)) &&
           same_release(g, then->release, now->release, shift);
}

/* Links count on by links_step in each period: slots of L3, modulo `links`; or numbers at L2, of
 * which only those not yet stored, from `links` on, matter. `step`: how far by now. */
static inline bool same_link(const period *d, const range *g, int64_t then, int64_t now,
                             int64_t step)
{
    int64_t expected = then + step;
    if (g->ring % KPU_HOIST_LEVELS == KPU_HOIST_L2)
        return now == (expected >= g->links ? expected - g->links : expected);
    return now == expected || (then < g->links && now < d->p->stored[KPU_HOIST_L2]);
}

static inline bool same_c(const period *d, const range *g, const slot_c *then, const slot_c *now,
                          const lapse *by)
{
    bool late = now->ready - then->ready == by->shift && now->cause == then->cause;
    bool released =
        (g->stays && !now->unwritten) || same_release(g, then->release, now->release, by->shift);
    return (late || is_over(g->ready, then->ready, now->ready, by->shift)) && released &&
           now->final == then->final && now->unwritten == then->unwritten &&
           now->edges == then->edges && same_link(d, g, then->link, now->link, by->link_step);
}

/* The repetitions, at most `limit`, that find in the ring what the period found there. Each looks
 * at what no earlier one has come to, until all slots have been looked at. */
static int64_t fitting_repetitions(const period *d, const range *g)
{
    int x = g->ring / KPU_HOIST_LEVELS, level = g->ring % KPU_HOIST_LEVELS;
    const slot *ab = x == KPU_C ? NULL : d->p->s->ring[x][level], *found = d->scratch->ab_found;
    const slot_c *c = d->p->s->ring_c[level];
    int64_t ready = quick_floor(g->ready), release = quick_floor(g->release);
    int64_t start = slot_of(g->from + g->step, g->slots), first = 0;
    lapse by = {0};
    pass_period(d, g, &by);
    for (int64_t k = 0; k < d->limit; k++, pass_period(d, g, &by)) {
        int64_t at = start + k * g->step + first, end = start + g->slots;
        for (int64_t i = first; i < g->span && at < end; i++, at++) {
            int64_t slot_index = at >= g->slots ? at - g->slots : at;
            if (x == KPU_C) {
                if (!same_c(d, g, &d->scratch->c_found[i], &c[slot_index], &by))
                    return k;
                continue;
            }
            const slot *then = &found[i], *now = &ab[slot_index];
            bool over = then->ready < ready && now->ready - by.shift < ready &&
                        then->release < release && now->release - by.shift < release;
            if (!over && !same_slot(g, then, now, by.shift))
                return k;
        }
        if (g->step == 0 || at >= end)
            break;
        first = g->step < g->span ? g->span - g->step : 0;
    }
    return d->limit;
}

static bool ring_fits(period *d, const range *g)
{
    ring_gather(d, g);
    d->limit = fitting_repetitions(d, g);
    return d->limit > 0;
}

/* ---- what may differ -------------------------------------------------------------------- */

int64_t stream_slot_floor(const period *d, int x)
{
    const mark *m = d->marks[0];
    const kpu_program *p = d->p->program;
    if (x == p->stationary)
        return p->double_buffered && m->registers[m->run_parity ^ 1] < m->registers[m->run_parity]
                   ? m->registers[m->run_parity ^ 1]
                   : m->registers[m->run_parity];
    return m->l1[m->l1_slot + (x == KPU_C ? p->l1_buffers : 0)];
}

static const time_floor nobody = {INT64_MAX, INT64_MAX, INT64_MAX};

/* Since when all engines of the classes have been busy, and until when. */
static void find_engine_floors(period *d)
{
    const timing *t = d->p->t;
    const engine *then = d->marks[0]->engines, *now = d->p->s->dma;
    for (int dma = 1; dma >= 0; dma--) {
        int64_t count = dma ? t->dma_engines : t->bm_engines;
        d->since[dma] = d->until[dma] = nobody;
        for (int64_t e = 0; e < count; e++) {
            note_wait(&d->since[dma].then, then[e].since);
            note_wait(&d->since[dma].now, now[e].since);
            note_wait(&d->until[dma].then, then[e].free);
            note_wait(&d->until[dma].now, now[e].free);
        }
        then += count;
        now += count;
        d->since[dma].moving = d->until[dma].moving = 0;
    }
}

static time_floor reader(const period *d, bool dma, int64_t moving)
{
    time_floor f = d->since[dma];
    f.moving = moving == INT64_MAX ? 0 : moving;
    return f;
}

/* A store waits for one thing only; what that is put down to matters only if C comes back. */
static time_floor store_reader(const period *d, int level)
{
    bool dma = level == KPU_HOIST_L3;
    return walk_c_returns(d->p->program, level) ? d->since[dma] : d->until[dma];
}

static void set_floors_c(const period *d, int level, range *g)
{
    const earliest *e = &d->earliest;
    bool loads = level == KPU_HOIST_L3 ? e->nearest < INT64_MAX : e->bm_slot[KPU_C] < INT64_MAX;
    if (d->stores[level])
        g->ready[1] = store_reader(d, level);
    if (loads)
        g->release[1] = reader(d, level == KPU_HOIST_L3, 0);
    if (level == KPU_HOIST_L2) {
        g->ready[0] = (time_floor){.moving = stream_slot_floor(d, KPU_C)};
        g->release[0] = (time_floor){.moving = d->marks[0]->fabric_free};
    } else {
        if (e->bm_slot[KPU_C] < INT64_MAX)
            g->ready[0] = reader(d, false, e->bm_slot[KPU_C]);
        if (e->bm_store_source < INT64_MAX)
            g->release[0] = reader(d, false, e->bm_store_source);
    }
}

/* Who reads the times of a ring in the period, and what else they waited for. */
static void set_floors(const period *d, range *g)
{
    int x = g->ring / KPU_HOIST_LEVELS, level = g->ring % KPU_HOIST_LEVELS;
    const earliest *e = &d->earliest;
    for (int i = 0; i < READERS; i++)
        g->ready[i] = g->release[i] = nobody;
    if (x == KPU_C) {
        set_floors_c(d, level, g);
    } else if (level == KPU_HOIST_L2) {
        g->ready[0] = (time_floor){.moving = stream_slot_floor(d, x)};
        if (!g->stays)
            g->release[0] = reader(d, false, 0);
    } else {
        g->ready[0] = reader(d, false, e->bm_slot[x]);
        if (e->bm < INT64_MAX) /* every read moves it on to when it ends */
            g->release[0] = (time_floor){.moving = e->bm};
        if (!g->stays)
            g->release[1] = reader(d, true, 0);
    }
}

/* C's stores follow its new tiles at a constant distance, or none comes into question. */
static bool stores_fit(period *d, int level, const touched *now)
{
    int ring = walk_bit(KPU_C, level);
    int64_t tiles = d->tiles[ring], stores = d->stores[level];
    if (tiles == stores)
        return true;
    if (!now->filling || stores)
        return false;
    int64_t room = ring_slots(d->p, ring) - d->p->walk.window[ring].next_number;
    d->limit = room / tiles < d->limit ? room / tiles : d->limit;
    return d->limit > 0;
}

/* ---- C in DRAM -------------------------------------------------------------------------- */

static bool same_stored(const period *d, int64_t number, int64_t step, int64_t repetition)
{
    const kpu_simulator *s = d->p->s;
    const dram_time *now = &s->stored[number & s->stored_mask];
    int64_t floor = d->earliest.dma_c_slot + (repetition + 1) * d->shift;
    if (now->ready < floor && d->earliest.dma_c_slack > 0)
        return true; /* it loses, as all did in the period */
    int64_t before = number - step;
    if (before < 0 || before + s->stored_mask + 1 < d->p->stored[KPU_HOIST_L3])
        return false;
    const dram_time *then = &s->stored[before & s->stored_mask];
    return now->ready - then->ready == d->shift && now->cause == then->cause;
}

/* Tiles of C that come back from DRAM. */
static bool dram_fits(period *d)
{
    const pass *p = d->p;
    int ring = walk_bit(KPU_C, KPU_HOIST_L3);
    if (d->earliest.nearest == INT64_MAX)
        return true;
    int64_t next = p->walk.window[ring].next_number, step = d->tiles[ring];
    int64_t first = next + d->earliest.farthest, last = p->stored[KPU_HOIST_L3] - 1;
    int64_t remembered = p->stored[KPU_HOIST_L3] - p->s->stored_mask - 1;
    if (first < remembered) {
        if (d->earliest.dma_c_slack <= 0 || p->dram_forgotten >= d->earliest.dma_c_slot + d->shift)
            return false;
        first = remembered;
    }
    for (int64_t n = first < 0 ? 0 : first; n <= last && d->limit > 0; n++) {
        int64_t repetition = (n + d->earliest.nearest - next) / step;
        repetition = repetition < 0 ? 0 : repetition;
        if (repetition >= d->limit)
            break;
        if (!same_stored(d, n, step, repetition))
            d->limit = repetition;
    }
    return d->limit > 0;
}

/* ---- */

/* What the ranges of the rings tell about C's links, and that everything in the rings fits. */
static bool all_fit(period *d)
{
    const int c2 = walk_bit(KPU_C, KPU_HOIST_L2), c3 = walk_bit(KPU_C, KPU_HOIST_L3);
    range *g = d->range;
    g[c2].links = g[c3].slots;
    g[c2].links_step = slot_of(g[c3].step, g[c3].slots);
    g[c3].links = d->marks[0]->stored[KPU_HOIST_L2];
    find_engine_floors(d);
    for (int r = 0; r < REPEAT_RINGS; r++) {
        g[r].stays = d->tiles[r] == 0;
        if (r / KPU_HOIST_LEVELS != KPU_C)
            g[r].links = g[r].links_step = 0;
        if (g[r].span == 0)
            continue;
        set_floors(d, &g[r]);
        if (!ring_fits(d, &g[r]))
            return false;
    }
    return true;
}

bool rings_fit(period *d)
{
    const mark *m = d->marks[0];
    for (int r = 0; r < REPEAT_RINGS; r++)
        d->tiles[r] = d->p->walk.window[r].next_number - m->numbers.next[r];
    for (int level = 0; level < KPU_HOIST_LEVELS; level++) {
        d->stores[level] = d->p->stored[level] - m->stored[level];
        if (!stores_fit(d, level, &d->now[walk_bit(KPU_C, level)]))
            return false;
    }
    for (int r = 0; r < REPEAT_RINGS; r++)
        if (!find_range(d, r, &d->now[r], &d->range[r]))
            return false;
    d->range[walk_bit(KPU_C, KPU_HOIST_L3)].links_step = d->tiles[walk_bit(KPU_C, KPU_HOIST_L2)];
    return all_fit(d) && dram_fits(d);
}

/* No tile that comes back from DRAM in the mark's iteration can have waited for its store, nor can
 * it now. */
static bool dram_is_over(const period *d)
{
    const pass *p = d->p;
    if (d->earliest.nearest == INT64_MAX)
        return true;
    int64_t wait = d->earliest.dma_c_slot + d->shift;
    int ring = walk_bit(KPU_C, KPU_HOIST_L3);
    int64_t stored = p->stored[KPU_HOIST_L3], first = stored - p->s->stored_mask - 1;
    int64_t last = p->walk.window[ring].next_number + d->tiles[ring] - d->earliest.nearest;
    if (d->earliest.dma_c_slack <= 0 || p->dram_forgotten >= wait || last >= stored)
        return false;
    for (int64_t n = first < 0 ? 0 : first; n <= last; n++)
        if (p->s->stored[n & p->s->stored_mask].ready >= wait)
            return false;
    return true;
}

bool rings_fit_once(period *d)
{
    const mark *m = d->marks[0];
    const int c2 = walk_bit(KPU_C, KPU_HOIST_L2);
    for (int level = 0; level < KPU_HOIST_LEVELS; level++) {
        int ring = walk_bit(KPU_C, level);
        if (d->p->walk.window[ring].next_number - d->p->stored[level] !=
            m->numbers.next[ring] - m->stored[level])
            return false;
    }
    for (int r = 0; r < REPEAT_RINGS; r++) {
        const touched *then = &m->touched[r], *now = &d->now[r];
        range *g = &d->range[r];
        if (then->count < 0 || then->count != now->count || then->filling != now->filling)
            return false;
        g->ring = r;
        g->slots = ring_slots(d->p, r);
        g->from = then->from;
        g->step = now->from - then->from;
        g->span = then->count;
    }
    d->range[walk_bit(KPU_C, KPU_HOIST_L3)].links_step =
        d->p->walk.window[c2].next_number - m->numbers.next[c2];
    return all_fit(d) && dram_is_over(d);
}
