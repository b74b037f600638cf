#include "simulator/eddo_repeat.h"

#include <stdlib.h>
#include <string.h>

#include "simulator/eddo_period.h"
#include "simulator/eddo_replay.h"

enum {
    GLIMPSES = 8,
    GLIMPSED_ENGINES = 16, /* of a queue */
    STREAK = 4,            /* glimpses that repeat before a shape is taken, besides a period's */
    WORTHWHILE = 24,       /* steps, to take a shape for */
    COMPARED = 32          /* moments of like words that the present one is compared with */
};

/* What is remembered of the iterations of a loop, besides moments. */
typedef struct loop_history {
    uint64_t glimpse[GLIMPSES]; /* of the last ones, whether their shapes were taken or not */
    int64_t glimpses;
    int streak[GLIMPSES]; /* how many in a row were equal to those that many, plus 1, before them */
    uint64_t taken;       /* the glimpse of the last one whose shape was taken */
    int64_t taken_at;     /* how many there had been */
    int64_t failures, pause; /* iterations to let pass: twice as many after each failure */
} loop_history;

struct eddo_repeats {
    moments moments;
    loop_history loop[KPU_NEST];
    int64_t latest;         /* serial of the latest moment */
    int64_t step[KPU_NEST]; /* of the fabric, when it last advanced in each loop */
};

/* ---- glimpses --------------------------------------------------------------------------- */

/* One number of a glimpse: sums of such do not wait for each other. */
static uint64_t mix(int64_t value, unsigned place)
{
    return (uint64_t)value *
           (UINT64_C(0x9E3779B97F4A7C15) + 2 * place * UINT64_C(0xD1B54A32D192ED03));
}

static int64_t time_left(int64_t time, int64_t now)
{
    return time > now ? time - now : 0;
}

static uint64_t glimpse_queue(const queue *q, int64_t now, unsigned place)
{
    uint64_t hash = mix(q->count << 20 | q->known_count << 3 | (int64_t)q->loads, place);
    for (int64_t i = 0; i < q->engine_count && i < GLIMPSED_ENGINES; i++)
        hash += mix(time_left(q->engines[i].free, now), place + 1 + (unsigned)i);
    return hash;
}

/* A few numbers of a shape: without them equal, it need not be taken. */
static uint64_t take_glimpse(const struct eddo *d)
{
    int64_t now = d->dma.now > d->bm.now ? d->dma.now : d->bm.now;
    uint64_t hash = mix(d->fabric_free - now, 0) + mix(time_left(d->cout_engine.free, now), 1);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        hash += mix(time_left(d->stream_engine[x].free, now), 2 + (unsigned)x);
        if (x != d->program->stationary)
            hash += mix(d->stream[x].done - d->fabric.done, 5 + (unsigned)x);
    }
    hash += glimpse_queue(&d->dma, now, 8);
    hash += glimpse_queue(&d->bm, now, 9 + GLIMPSED_ENGINES);
    return hash ^ hash >> 29;
}

/* Does the glimpse go on with what the last ones repeat? */
static bool glimpse_repeats(loop_history *h, uint64_t glimpse)
{
    bool repeats = false;
    for (int i = 0; i < GLIMPSES; i++) {
        bool equal = i < h->glimpses && h->glimpse[(h->glimpses - 1 - i) % GLIMPSES] == glimpse;
        h->streak[i] = equal ? h->streak[i] + 1 : 0;
        repeats = repeats || h->streak[i] > i + STREAK;
    }
    h->glimpse[h->glimpses++ % GLIMPSES] = glimpse;
    return repeats;
}

/* ---- to another state ------------------------------------------------------------------- */

/* All counts but the last two, which are times. */
enum { TALLY_COUNTS = offsetof(tally, cycles) / sizeof(int64_t) };

static void add_counts(tally *to, const tally *from, const tally *until, int64_t times)
{
    int64_t *count = (int64_t *)(void *)to;
    const int64_t *a = (const int64_t *)(const void *)from,
                  *b = (const int64_t *)(const void *)until;
    for (size_t i = 0; i < TALLY_COUNTS; i++)
        count[i] += (b[i] - a[i]) * times;
}

/* An engine that has been busy since before `from` has been so since it was in the present state;
 * else it begins anew, `shift` later, what it began then. */
static void move_engines(struct eddo *d, const moment *from, const moment *until, int64_t times,
                         int64_t shift)
{
    for (size_t i = 0; i < d->repeats->moments.engines; i++) {
        engine *e = &d->s->dma[i]; /* the block movers follow */
        const engine *a = &from->engines[i], *b = &until->engines[i];
        e->busy += (b->busy - a->busy) * times;
        if (b->since != a->since)
            e->since = b->since + shift;
    }
}

/* Of the stores that are skipped, those are remembered that are not settled. */
static void move_stores(struct eddo *d, const moment *until, int64_t tiles, int64_t shift)
{
    if (tiles == 0)
        return;
    for (int64_t i = 0; i < until->unsettled_count; i++) {
        dram_record r = until->unsettled[i];
        int64_t number = until->shape.settled + i;
        if (r.key != number + d->base)
            continue;
        r.key += tiles;
        r.ready += shift;
        d->stored[(number + tiles) & d->stored_mask] = r;
    }
    d->forgotten = until->shape.now + shift;
}

/* The draft is what the state is to be. */
static void settle_in(struct eddo *d)
{
    moments *m = &d->repeats->moments;
    shape_give(d, &m->draft.shape);
    moments_note(m, d);
    d->repeats->latest = moments_keep(m, d->repeats->latest);
    d->crossed = KPU_NEST;
}

static void move_by(int64_t *value, const int64_t *from, size_t count, int64_t times)
{
    for (size_t i = 0; i < count; i++)
        value[i] += (value[i] - from[i]) * times;
}

/* What led from `then` to the present state, which is kept as `now`, leads on. */
static void repeat(struct eddo *d, const moment *then, const moment *now, const period *p)
{
    moment *draft = &d->repeats->moments.draft;
    shape *s = &draft->shape;
    int64_t shift = p->shift * p->times;
    int64_t cycles = now->tally.cycles == then->tally.cycles ? 0 : shift;
    add_counts(&d->s->tally, &then->tally, &now->tally, p->times);
    d->s->tally.cycles += cycles;
    move_engines(d, then, now, p->times, shift);
    move_stores(d, now, (now->shape.settled - then->shape.settled) * p->times, shift);
    s->now += shift;
    move_by(s->place, then->shape.place, s->places, p->times);
    move_by(s->index[0], then->shape.index[0], EDDO_ACTORS * KPU_NEST, p->times);
    settle_in(d);
}

/* What led from `old` to `last` leads from the present state, the draft, to what is to be. */
static void replay_until(struct eddo *d, const moment *old, const moment *last, const replay *r)
{
    moments *m = &d->repeats->moments;
    shape *s = &m->draft.shape;
    int64_t revisited = d->revisited, ring = walk_bit(KPU_C, KPU_HOIST_L3);
    add_counts(&d->s->tally, &old->tally, &last->tally, 1);
    if (last->tally.cycles > old->tally.cycles &&
        last->tally.cycles + r->cycles > d->s->tally.cycles)
        d->s->tally.cycles = last->tally.cycles + r->cycles;
    move_engines(d, old, last, 1, r->cycles);
    move_stores(d, last, r->place[ring], r->cycles);
    bool fetched = last->shape.place[last->shape.loose] != old->shape.place[old->shape.loose];
    moments_redraft(m, last);
    s->now += r->cycles;
    for (size_t i = 0; i < s->places; i++)
        s->place[i] += r->place[s->kind[i] & PLACE_KIND];
    if (!fetched)
        s->place[s->loose] = revisited;
    for (int a = 0; a < EDDO_ACTORS; a++)
        for (int l = 0; l < KPU_NEST; l++)
            s->index[a][l] += r->index[a][l];
    settle_in(d);
}

/* ---- looking ---------------------------------------------------------------------------- */

static bool same_words(const shape *a, const shape *b)
{
    return a->words == b->words && a->places == b->places &&
           memcmp(a->word, b->word, a->words * sizeof *a->word) == 0;
}

/* Skips what it can from the latest moment on, which is the present one and the draft; false if
 * nothing. */
static bool skip(struct eddo *d)
{
    moments *m = &d->repeats->moments;
    const moment *now = moments_get(m, d->repeats->latest), *old = moments_older(m, now), *last;
    for (int i = 0; old && i < COMPARED; i++, old = moments_older(m, old)) {
        period p;
        replay apart;
        if (old->hash != now->hash || !same_words(&old->shape, &now->shape))
            continue;
        if (period_find(d, old, now, &p)) {
            repeat(d, old, now, &p);
            return true;
        }
        if ((last = replay_find(d, m, old, &apart))) {
            replay_until(d, old, last, &apart);
            return true;
        }
    }
    return false;
}

/* Is it worth taking the shape of this iteration? Of short ones, only if their glimpses repeat. */
static bool worth_taking(struct eddo *d, loop_history *h, bool is_long)
{
    if (is_long)
        return true;
    uint64_t glimpse = take_glimpse(d);
    bool repeats = glimpse_repeats(h, glimpse);
    if (h->pause > 0) {
        h->pause--;
        return false;
    }
    bool again = h->glimpses - h->taken_at < 2 * GLIMPSES;
    if (!repeats || (again && glimpse != h->taken))
        return false;
    if (again)
        h->pause = INT64_C(1) << (h->failures < 6 ? h->failures++ : 6); /* unless it succeeds */
    h->taken = glimpse;
    h->taken_at = h->glimpses;
    return true;
}

static void forget(loop_history *h)
{
    h->glimpses = 0;
    h->taken_at = -2 * GLIMPSES;
    h->failures = h->pause = 0;
}

void eddo_repeat(struct eddo *d)
{
    struct eddo_repeats *r = d->repeats;
    int position = d->crossed;
    d->crossed = KPU_NEST;
    for (int l = position + 1; l < KPU_NEST; l++)
        forget(&r->loop[l]);
    const walk *w = &d->fabric.walk;
    bool is_long = d->fabric.done - r->step[position] >= WORTHWHILE;
    r->step[position] = d->fabric.done;
    int64_t left = w->trips[WALK_LAST] - d->fabric.iteration;
    if (d->fabric.finished || (position == WALK_LAST && left < 3 * WORTHWHILE) ||
        !worth_taking(d, &r->loop[position], is_long) || !moments_take(&r->moments, d))
        return;
    r->latest = moments_keep(&r->moments, r->latest);
    while (skip(d))
        forget(&r->loop[position]);
}

/* ---- scratch ---------------------------------------------------------------------------- */

bool eddo_repeats_start(struct eddo *d)
{
    if (!d->repeats && !(d->repeats = calloc(1, sizeof *d->repeats)))
        return false;
    struct eddo_repeats *r = d->repeats;
    for (int l = 0; l < KPU_NEST; l++) {
        forget(&r->loop[l]);
        r->step[l] = 0;
    }
    r->latest = 0;
    return moments_start(&r->moments, d);
}

void eddo_repeats_free(struct eddo_repeats *r)
{
    if (!r)
        return;
    moments_free(&r->moments);
    free(r);
}
