#include "simulator/eddo_period.h"

#include <string.h>

typedef struct search {
    struct eddo *d;
    const moment *then, *now;
    period *found;
    int64_t slots[EDDO_RINGS];
    int64_t reach[EDDO_RINGS]; /* tiles before and after a place that are touched from there */
    bool freeing[EDDO_RINGS];  /* tiles are released in the period, or new ones come */
} search;

const walk *period_walk(const struct eddo *d, int number)
{
    const walk *const walks[EDDO_ACTORS] = {&d->stream[KPU_A].walk,
                                            &d->stream[KPU_B].walk,
                                            &d->stream[KPU_C].walk,
                                            &d->fabric.walk,
                                            &d->cout.walk,
                                            &d->dma.walk,
                                            &d->bm.walk};
    return walks[number];
}

/* Does it matter to a reader of the operand's tiles, which takes them anew as its own window is
 * renewed, whether the loop goes on? (walk_taken_again) */
static bool going_on_matters(const walk *w, int loop, int operand, int window, int reader)
{
    unsigned relevant = w->program->relevant[operand];
    if (relevant >> loop & 1)
        return false;
    unsigned inner = relevant & w->multi & ~((2u << loop) - 1);
    bool renewed_before = loop < window && (inner & ((1u << window) - 1));
    bool taken = reader == WALK_EVERY_STEP || (inner & ((1u << reader) - 1));
    return loop < reader && taken && !renewed_before;
}

/* Does the last iteration of the loop differ in nothing from those before it? */
bool period_last_is_alike(const struct eddo *d, const walk *w, int loop)
{
    const kpu_program *p = d->program;
    if (loop == WALK_LAST || !walk_last_is_alike(w, loop))
        return false;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        int l3 = p->window[x][KPU_HOIST_L3].hoist, l2 = p->window[x][KPU_HOIST_L2].hoist;
        int reader = x == p->stationary ? KPU_NEST : WALK_EVERY_STEP;
        if (going_on_matters(w, loop, x, l3, l2) || going_on_matters(w, loop, x, l2, reader))
            return false;
    }
    return true;
}

static void limit_to(search *p, int64_t times)
{
    if (times < p->found->times)
        p->found->times = times;
}

/* The loop in which indices differ between the two moments: KPU_NEST if in none, -1 if in several.
 */
static int moving_loop(const search *p)
{
    int loop = KPU_NEST;
    for (int a = 0; a < EDDO_ACTORS; a++)
        for (int l = 0; l < KPU_NEST; l++)
            if (p->then->shape.index[a][l] != p->now->shape.index[a][l]) {
                if (loop != KPU_NEST && loop != l)
                    return -1;
                loop = l;
            }
    return loop;
}

/* Every walk is where it was, or some iterations of this loop further on. Of the innermost loop the
 * first iteration is never like the others; of other loops, if it makes a difference the shape
 * shows it. */
static bool walks_repeat(search *p)
{
    int loop = p->found->position = moving_loop(p);
    if (loop < 0 || loop == KPU_NEST)
        return false;
    for (int a = 0; a < EDDO_ACTORS; a++) {
        int64_t then = p->then->shape.index[a][loop], now = p->now->shape.index[a][loop];
        const walk *w = period_walk(p->d, a);
        if (now == then)
            continue;
        if (now < then || (loop == WALK_LAST && then == 0))
            return false;
        limit_to(p, (w->trips[loop] - (period_last_is_alike(p->d, w, loop) ? 1 : 2) - now) /
                        (now - then));
    }
    return p->found->times > 0;
}

/* Places that move, move alike if they count the same. */
static bool places_move(search *p)
{
    const shape *then = &p->then->shape, *now = &p->now->shape;
    for (size_t i = 0; i < now->places; i++) {
        int kind = now->kind[i] & PLACE_KIND;
        int64_t step = now->place[i] - then->place[i];
        if (now->kind[i] != then->kind[i])
            return false;
        if (step == 0)
            continue;
        if (step < 0 || (p->found->step[kind] && p->found->step[kind] != step))
            return false;
        p->found->step[kind] = step;
        if (now->kind[i] & PLACE_FREED)
            p->freeing[kind] = true;
    }
    return true;
}

/* A place that moves does not come near `fixed`, one that stays. */
static void keep_off(search *p, size_t moving, int64_t fixed)
{
    const shape *then = &p->then->shape, *now = &p->now->shape;
    int ring = now->kind[moving] & PLACE_KIND;
    int64_t slots[] = {0, p->slots[ring]};
    for (int i = 0; i <= (now->kind[moving] & PLACE_SLOT ? 1 : 0); i++) {
        int64_t high = now->place[moving] - slots[i] + p->reach[ring];
        int64_t low = then->place[moving] - slots[i] - p->reach[ring];
        if (fixed > high)
            limit_to(p, (fixed - high - 1) / p->found->step[ring]);
        else if (fixed >= low)
            p->found->times = 0;
    }
}

/* That a command waits for the release of a tile does not matter to those who pass it without
 * releasing it. */
static void keep_apart(search *p, size_t fixed)
{
    const shape *then = &p->then->shape, *now = &p->now->shape;
    int ring = now->kind[fixed] & PLACE_KIND;
    bool own_slot = now->kind[fixed] & PLACE_SLOT, waits = now->kind[fixed] & PLACE_WAITS;
    for (size_t i = 0; i < now->places && p->found->times > 0; i++) {
        if ((now->kind[i] & PLACE_KIND) != ring || now->place[i] == then->place[i])
            continue;
        keep_off(p, i, now->place[fixed]);
        if (own_slot && (!waits || p->freeing[ring]))
            keep_off(p, i, now->place[fixed] - p->slots[ring]);
    }
}

static void find_reach(search *p)
{
    const walk *w = &p->d->bm.walk;
    for (int ring = 0; ring < EDDO_RINGS; ring++) {
        p->slots[ring] = w->window[ring].slots;
        p->reach[ring] = p->found->position == WALK_LAST
                             ? 1
                             : walk_used_tiles(w, &w->window[ring], p->found->position) + 1;
    }
}

static bool rings_repeat(search *p)
{
    const shape *then = &p->then->shape, *now = &p->now->shape;
    if (!places_move(p))
        return false;
    find_reach(p);
    for (size_t i = 0; i < now->places && p->found->times > 0; i++) {
        int kind = now->kind[i] & PLACE_KIND;
        if (kind >= EDDO_RINGS || !p->found->step[kind])
            continue;
        if (now->place[i] == then->place[i])
            keep_apart(p, i);
        else
            keep_off(p, i, 0); /* tiles before have never had a slot */
    }
    return p->found->times > 0;
}

/* ---- what is in DRAM -------------------------------------------------------------------- */

/* How the DMA engines that load C again see the time at which it was stored, if it has passed: as
 * before all those that are busy became so, or as after. */
enum { STORED_OTHERWISE, STORED_BEFORE, STORED_AFTER };
static int stored_when(const search *p, int64_t number)
{
    const shape *then = &p->then->shape, *now = &p->now->shape;
    const dram_record *r = &p->d->stored[number & p->d->stored_mask];
    bool remembered = r->key == number + p->d->base;
    int64_t ready = remembered ? r->ready : p->d->forgotten;
    bool unbroken = then->dma.count == p->d->dma.engine_count &&
                    now->dma.count == then->dma.count && now->dma.most == then->dma.most &&
                    now->dma.least == then->dma.least;
    if (number >= p->d->settled)
        return STORED_OTHERWISE;
    if (ready < then->now && ready < then->dma.least)
        return STORED_BEFORE;
    bool after = remembered && ready < then->now && ready >= then->dma.most && unbroken;
    return after ? STORED_AFTER : STORED_OTHERWISE;
}

/* Tiles of C that are fetched again, and it matters when they were stored: while their records are
 * there, they are part of the shape; afterwards all that are fetched in the period, and when it
 * repeats, must look the same. */
static bool fetches_repeat(search *p)
{
    int ring = walk_bit(KPU_C, KPU_HOIST_L3);
    if (p->d->near_fetches == p->then->near_fetches)
        return true;
    int64_t step = p->found->step[ring], reach = p->reach[ring];
    int64_t last = p->d->revisited, first = last - step - reach;
    if (first >= p->now->shape.zone[ring])
        return true;
    int when = stored_when(p, first);
    if (step == 0 || when == STORED_OTHERWISE)
        return false;
    int64_t remembered =
        p->d->newest_stored - p->d->stored_mask; /* those before look like `first` */
    for (int64_t n = first > remembered ? first : remembered;
         n <= last + p->found->times * step + reach; n++)
        if (stored_when(p, n) != when)
            limit_to(p, n <= last + reach ? 0 : (n - last - reach - 1) / step);
    return p->found->times > 0;
}

static int64_t sum(const int64_t *values, size_t count)
{
    int64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += values[i];
    return total;
}

/* The end of the run, so far, is that of the latest store. */
static bool stores_repeat(const search *p)
{
    if (p->now->shape.settled - p->then->shape.settled !=
        p->now->shape.newest_stored - p->then->shape.newest_stored)
        return false;
    const tally *then = &p->then->tally, *now = &p->now->tally;
    if (sum(now->dma_store[0], 2 * KPU_EDGES) == sum(then->dma_store[0], 2 * KPU_EDGES))
        return now->cycles == then->cycles;
    return now->cycles == then->cycles + p->found->shift;
}

/* ----------------------------------------------------------------------------------------- */

bool period_find(struct eddo *d, const moment *then, const moment *now, period *out)
{
    search p = {.d = d, .then = then, .now = now, .found = out};
    *out = (period){.shift = now->shape.now - then->shape.now, .times = INT64_MAX};
    return out->shift > 0 && walks_repeat(&p) && rings_repeat(&p) && fetches_repeat(&p) &&
           stores_repeat(&p);
}
