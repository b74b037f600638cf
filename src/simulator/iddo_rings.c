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
        if ((x == p->program->stationary && !moves) ||
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

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t slot_of(int64_t number, int64_t slots)
{
    int64_t at = number % slots;
    return at < 0 ? at + slots : at;
}

/* `count` slots of a ring from tile number `from` on, in order. */
static void copy_out(const void *ring, size_t size, int64_t slots, const touched *t, void *out)
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
        if (m->touched[r].count == 0)
            continue;
        if (x == KPU_C)
            copy_out(p->s->ring_c[level], sizeof(slot_c), slots, &m->touched[r], m->c[level]);
        else
            copy_out(p->s->ring[x][level], sizeof(slot), slots, &m->touched[r], m->ab[x][level]);
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
    int64_t end = first->from;
    for (int i = 0; i < d->mark_count && end - first->from < g->slots; i++) {
        const touched *t = &d->marks[i]->touched[ring];
        if ((t->count > 0) != used || t->from < first->from || t->from > end ||
            t->filling != now->filling)
            return false;
        end = t->from + t->count > end ? t->from + t->count : end;
    }
    if (!used)
        return true;
    g->span = end - g->from < g->slots ? end - g->from : g->slots;
    return g->step >= 0 && first->count == now->count;
}

/* Copies the slots that the period found into `out`. */
static void gather(const period *d, const range *g, size_t size, void *out)
{
    int x = g->ring / KPU_HOIST_LEVELS, level = g->ring % KPU_HOIST_LEVELS;
    int64_t done = 0;
    for (int i = 0; i < d->mark_count && done < g->span; i++) {
        const mark *m = d->marks[i];
        const touched *t = &m->touched[g->ring];
        const char *from = x == KPU_C ? (const char *)m->c[level] : (const char *)m->ab[x][level];
        int64_t skip = g->from + done - t->from, count = t->count - skip;
        if (count <= 0)
            continue;
        count = count < g->span - done ? count : g->span - done;
        memcpy((char *)out + (size_t)done * size, from + (size_t)skip * size, (size_t)count * size);
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

/* So many periods later. */
typedef struct lapse {
    int64_t shift, link_step;
} lapse;

static inline void pass_period(const period *d, const range *g, lapse *l)
{
    l->shift += d->shift;
    l->link_step += g->links_step;
    if (g->ring % KPU_HOIST_LEVELS == KPU_HOIST_L2 && l->link_step >= g->links)
        l->link_step -= g->links;
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
    const slot *ab = x == KPU_C ? NULL : d->p->s->ring[x][level];
    const slot_c *c = d->p->s->ring_c[level];
    int64_t start = slot_of(g->from + g->step, g->slots), first = 0;
    lapse by = {0};
    pass_period(d, g, &by);
    for (int64_t k = 0; k < d->limit; k++, pass_period(d, g, &by)) {
        int64_t at = start + k * g->step + first, end = start + g->slots;
        for (int64_t i = first; i < g->span && at < end; i++, at++) {
            int64_t slot_index = at >= g->slots ? at - g->slots : at;
            if (x == KPU_C ? !same_c(d, g, &d->scratch->c_found[i], &c[slot_index], &by)
                           : !same_slot(g, &d->scratch->ab_found[i], &ab[slot_index], by.shift))
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
    if (g->ring / KPU_HOIST_LEVELS == KPU_C)
        gather(d, g, sizeof(slot_c), d->scratch->c_found);
    else
        gather(d, g, sizeof(slot), d->scratch->ab_found);
    d->limit = fitting_repetitions(d, g);
    return d->limit > 0;
}

/* ---- skipping --------------------------------------------------------------------------- */

/* What the tile at a place becomes that is, `times` periods later, what the period left of what it
 * found: it wrote what differs. */
static void leave_slot(const slot *found, const slot *left, int64_t shift, slot *out)
{
    if (left->ready != found->ready) {
        out->ready = left->ready + shift;
        out->cause = left->cause;
    }
    if (left->release != found->release)
        out->release = left->release + shift;
}

static void leave_c(const range *g, const slot_c *found, const slot_c *left, const lapse *by,
                    slot_c *out)
{
    if (left->ready != found->ready) {
        out->ready = left->ready + by->shift;
        out->cause = left->cause;
    }
    if (left->release != found->release)
        out->release = left->release + by->shift;
    if (left->link != found->link) {
        out->link = left->link + by->link_step;
        if (g->ring % KPU_HOIST_LEVELS == KPU_HOIST_L2 && out->link >= g->links)
            out->link -= g->links;
    }
    out->final = left->final;
    out->unwritten = left->unwritten;
    out->edges = left->edges;
}

static lapse after(const period *d, const range *g, int64_t periods)
{
    lapse by = {d->shift * periods, g->links_step * periods};
    if (g->ring % KPU_HOIST_LEVELS == KPU_HOIST_L2 && g->links)
        by.link_step %= g->links;
    return by;
}

/* A whole ring of new tiles: what each slot holds moves on. */
static void turn_slot(const period *d, int64_t times, slot *s)
{
    s->ready += d->shift * times;
    if (s->release >= 0)
        s->release += d->shift * times;
}
static void turn_c(const period *d, const range *g, int64_t times, slot_c *s)
{
    s->ready += d->shift * times;
    if (s->release >= 0)
        s->release += d->shift * times;
    s->link += g->links_step * times;
    if (g->ring % KPU_HOIST_LEVELS == KPU_HOIST_L2)
        s->link = slot_of(s->link, g->links);
}

static void turn_ring(const period *d, const range *g, int64_t times)
{
    int x = g->ring / KPU_HOIST_LEVELS, level = g->ring % KPU_HOIST_LEVELS;
    const kpu_simulator *s = d->p->s;
    touched now = {.from = g->from + g->step, .count = g->slots};
    int64_t at = slot_of(now.from + g->step * times, g->slots);
    if (x == KPU_C)
        copy_out(s->ring_c[level], sizeof(slot_c), g->slots, &now, d->scratch->c_left);
    else
        copy_out(s->ring[x][level], sizeof(slot), g->slots, &now, d->scratch->ab_left);
    for (int64_t i = 0; i < g->slots; i++) {
        if (x == KPU_C) {
            turn_c(d, g, times, &d->scratch->c_left[i]);
            s->ring_c[level][at] = d->scratch->c_left[i];
        } else {
            turn_slot(d, times, &d->scratch->ab_left[i]);
            s->ring[x][level][at] = d->scratch->ab_left[i];
        }
        at = at + 1 == g->slots ? 0 : at + 1;
    }
}

/* Place `index` of the period as the repetitions `first` .. `last` leave it, each a step further.
 */
static void leave_places(const period *d, const range *g, int64_t index,
                         const int64_t repetitions[2])
{
    int x = g->ring / KPU_HOIST_LEVELS, level = g->ring % KPU_HOIST_LEVELS;
    const kpu_simulator *s = d->p->s;
    int64_t k = repetitions[0], at = slot_of(g->from + index + k * g->step, g->slots);
    int64_t step = g->step % g->slots;
    lapse by = after(d, g, k);
    for (; k <= repetitions[1]; k++, pass_period(d, g, &by)) {
        if (x == KPU_C)
            leave_c(g, &d->scratch->c_found[index], &d->scratch->c_left[index], &by,
                    &s->ring_c[level][at]);
        else
            leave_slot(&d->scratch->ab_found[index], &d->scratch->ab_left[index], by.shift,
                       &s->ring[x][level][at]);
        at = at + step >= g->slots ? at + step - g->slots : at + step;
    }
}

/* Slots are written by later repetitions after earlier ones, and so at lower places after higher.
 */
static void leave_all(const period *d, const range *g, int64_t count, int64_t times)
{
    const int64_t *written = d->scratch->written;
    if (g->step == 0) { /* the last one leaves everything */
        for (int64_t i = 0; i < count; i++)
            leave_places(d, g, written[i], (int64_t[]){times, times});
        return;
    }
    if (times * g->step + g->span <= g->slots) {
        for (int64_t i = count - 1; i >= 0; i--)
            leave_places(d, g, written[i], (int64_t[]){1, times});
        return;
    }
    /* The ring turns: what repetitions long before the last left has been written again. */
    int64_t periods = (g->slots + g->span + g->step - 1) / g->step;
    for (int64_t k = times > periods ? times - periods + 1 : 1; k <= times; k++)
        for (int64_t i = 0; i < count; i++)
            leave_places(d, g, written[i], (int64_t[]){k, k});
}

static bool was_written(const period *d, const range *g, int64_t index)
{
    if (g->ring / KPU_HOIST_LEVELS == KPU_C) {
        const slot_c *f = &d->scratch->c_found[index], *l = &d->scratch->c_left[index];
        return f->ready != l->ready || f->release != l->release || f->link != l->link ||
               f->final != l->final || f->unwritten != l->unwritten || f->edges != l->edges;
    }
    const slot *f = &d->scratch->ab_found[index], *l = &d->scratch->ab_left[index];
    return f->ready != l->ready || f->release != l->release;
}

static void repeat_ring(const period *d, const range *g, int64_t times)
{
    int x = g->ring / KPU_HOIST_LEVELS, level = g->ring % KPU_HOIST_LEVELS;
    const kpu_simulator *s = d->p->s;
    if (g->step > 0 && g->span == g->slots && !g->stays) {
        turn_ring(d, g, times);
        return;
    }
    touched all = {.from = g->from, .count = g->span};
    if (x == KPU_C) {
        gather(d, g, sizeof(slot_c), d->scratch->c_found);
        copy_out(s->ring_c[level], sizeof(slot_c), g->slots, &all, d->scratch->c_left);
    } else {
        gather(d, g, sizeof(slot), d->scratch->ab_found);
        copy_out(s->ring[x][level], sizeof(slot), g->slots, &all, d->scratch->ab_left);
    }
    int64_t count = 0;
    for (int64_t i = 0; i < g->span; i++)
        if (was_written(d, g, i))
            d->scratch->written[count++] = i;
    leave_all(d, g, count, times);
}

/* ---- what may differ -------------------------------------------------------------------- */

/* Tiles that came to the ring in the period. */
static int64_t new_tiles(const period *d, int ring)
{
    return d->p->walk.window[ring].next_number - d->marks[0]->numbers.next[ring];
}

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
    if (d->p->stored[level] != d->marks[0]->stored[level])
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
    const mark *m = d->marks[0];
    int ring = walk_bit(KPU_C, level);
    int64_t tiles = new_tiles(d, ring), stores = d->p->stored[level] - m->stored[level];
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
    if (now->ready < floor)
        return true; /* so it was in the period, or it would not have shifted to this */
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
    int64_t next = p->walk.window[ring].next_number, step = new_tiles(d, ring);
    int64_t first = next + d->earliest.farthest, last = p->stored[KPU_HOIST_L3] - 1;
    int64_t remembered = p->stored[KPU_HOIST_L3] - p->s->stored_mask - 1;
    if (first < remembered) {
        if (p->dram_forgotten >= d->earliest.dma_c_slot + d->shift)
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

/* The stores of the skipped periods, of which the last are remembered; and how late those can have
 * been that are not. */
static void repeat_stored(const period *d, int64_t times)
{
    pass *p = d->p;
    kpu_simulator *s = p->s;
    int64_t stored = p->stored[KPU_HOIST_L3];
    int64_t step = stored - d->marks[0]->stored[KPU_HOIST_L3], count = step * times;
    if (!step || !walk_c_returns(p->program, KPU_HOIST_L3))
        return;
    int64_t capacity = s->stored_mask + 1, cycles = p->tally->cycles;
    int64_t kept = step < capacity ? step : capacity; /* of the last period */
    int64_t first = count > capacity ? count - capacity : 0;
    for (int64_t i = 0; i < kept; i++)
        d->scratch->stored[i] = s->stored[(stored - kept + i) & s->stored_mask];
    int64_t lost = -1;
    if (first > 0 && step <= capacity)
        lost = cycles + ((first - 1) / step + 1) * d->shift;
    else if (first >
             0) /* what was forgotten in the period moves on, what is remembered now follows */
        lost = later(p->dram_forgotten + times * d->shift, cycles + (times - 1) * d->shift);
    int64_t from = first % step, later_by = (first / step + 1) * d->shift;
    for (int64_t n = first; n < count; n++) {
        dram_time *to = &s->stored[(stored + n) & s->stored_mask];
        if (n < capacity && stored + n >= capacity && to->ready > lost)
            lost = to->ready;
        *to = d->scratch->stored[from - (step - kept)];
        to->ready += later_by;
        if (++from == step) {
            from = 0;
            later_by += d->shift;
        }
    }
    p->dram_forgotten = lost > p->dram_forgotten ? lost : p->dram_forgotten;
}

/* ---- */

bool rings_fit(period *d)
{
    const int c2 = walk_bit(KPU_C, KPU_HOIST_L2), c3 = walk_bit(KPU_C, KPU_HOIST_L3);
    const touched *now = d->now;
    for (int level = 0; level < KPU_HOIST_LEVELS; level++)
        if (!stores_fit(d, level, &now[walk_bit(KPU_C, level)]))
            return false;
    range *g = d->range;
    for (int r = 0; r < REPEAT_RINGS; r++)
        if (!find_range(d, r, &now[r], &g[r]))
            return false;
    g[c2].links = g[c3].slots;
    g[c2].links_step = slot_of(g[c3].step, g[c3].slots);
    g[c3].links = d->marks[0]->stored[KPU_HOIST_L2];
    g[c3].links_step = new_tiles(d, c2);
    find_engine_floors(d);
    for (int r = 0; r < REPEAT_RINGS; r++) {
        g[r].stays = new_tiles(d, r) == 0;
        if (g[r].span == 0)
            continue;
        set_floors(d, &g[r]);
        if (!ring_fits(d, &g[r]))
            return false;
    }
    return dram_fits(d);
}

void rings_repeat(const period *d, int64_t times)
{
    for (int r = 0; r < REPEAT_RINGS; r++)
        if (d->range[r].span > 0)
            repeat_ring(d, &d->range[r], times);
    repeat_stored(d, times);
}
