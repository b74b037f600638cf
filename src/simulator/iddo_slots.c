/* iddo's fast-forward: what is in the rings after so many periods more. */
#include "simulator/iddo_repeat.h"

/* What the tile at a place becomes that is, `times` periods later, what the period left of what it
 * found: it wrote what differs. */
void leave_slot(const slot *found, const slot *left, int64_t shift, slot *out)
{
    if (left->ready != found->ready) {
        out->ready = left->ready + shift;
        out->cause = left->cause;
    }
    if (left->release != found->release)
        out->release = left->release + shift;
}

void leave_c(const range *g, const slot_c *found, const slot_c *left, const lapse *by, slot_c *out)
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
        ring_copy(s->ring_c[level], sizeof(slot_c), g->slots, &now, d->scratch->c_left);
    else
        ring_copy(s->ring[x][level], sizeof(slot), g->slots, &now, d->scratch->ab_left);
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
    ring_gather(d, g);
    if (x == KPU_C)
        ring_copy(s->ring_c[level], sizeof(slot_c), g->slots, &all, d->scratch->c_left);
    else
        ring_copy(s->ring[x][level], sizeof(slot), g->slots, &all, d->scratch->ab_left);
    int64_t count = 0;
    for (int64_t i = 0; i < g->span; i++)
        if (was_written(d, g, i))
            d->scratch->written[count++] = i;
    leave_all(d, g, count, times);
}

/* The stores of the skipped periods, of which the last are remembered; and how late those can have
 * been that are not. */
static void repeat_stored(const period *d, int64_t times)
{
    pass *p = d->p;
    kpu_simulator *s = p->s;
    int64_t stored = p->stored[KPU_HOIST_L3];
    int64_t step = d->stores[KPU_HOIST_L3], count = step * times;
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

void rings_repeat(const period *d, int64_t times)
{
    for (int r = 0; r < REPEAT_RINGS; r++)
        if (d->range[r].span > 0)
            repeat_ring(d, &d->range[r], times);
    repeat_stored(d, times);
}
