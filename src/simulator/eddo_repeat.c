#include "simulator/eddo_repeat.h"

#include <stdlib.h>
#include <string.h>

#include "simulator/eddo_shape.h"

enum {
    MOMENTS = 32,            /* iterations of a loop that are compared with, */
    MOMENTS_BYTES = 4 << 20, /* if memory for that is not more than this */
    GLIMPSES = 8,
    LONGEST_WINDOW = 1024, /* commands: shapes of longer queues are too large */
    WORTHWHILE = 24,       /* steps, to take a shape for */
    GLIMPSED_ENGINES = 16, /* of a queue */
    STREAK = 4             /* glimpses that repeat before a shape is taken, besides a period's */
};

/* The start of an iteration, as it was. */
typedef struct moment {
    shape shape;
    tally tally;
    int64_t near_fetches;
    int64_t *busy; /* of DMA engines and block movers */
    uint64_t glimpse;
} moment;

/* What is remembered of the iterations of a loop. */
typedef struct loop_history {
    moment *moment; /* a ring of them, the latest at `latest` */
    int count, latest;
    uint64_t glimpse[GLIMPSES]; /* of the last iterations, whether their shapes were taken or not */
    int64_t glimpses, last_taken, step;
    int streak[GLIMPSES]; /* how many in a row were equal to those that many, plus 1, before them */
    int64_t failures, pause; /* iterations to let pass: twice as many after each failure */
} loop_history;

struct eddo_repeats {
    shape_room room;
    size_t engines;
    loop_history loop[KPU_NEST];
    moment moments[KPU_NEST][MOMENTS];
    int moments_kept;
    buffer moments_buffer, stores_buffer;
};

/* ---- what two moments have in common ---------------------------------------------------- */

typedef struct period {
    struct eddo *d;
    const moment *then, *now;
    int position;              /* of the loop */
    int64_t shift;             /* cycles */
    int64_t ring[PLACE_KINDS]; /* tiles that places of a kind move by, those that move */
    int64_t slots[EDDO_RINGS];
    int64_t reach[EDDO_RINGS]; /* tiles before and after a place that are touched from there */
    bool freeing[EDDO_RINGS];  /* tiles are released in the period, or new ones come */
    int64_t limit;             /* repetitions that are possible, as far as known */
} period;

static void limit_to(period *p, int64_t times)
{
    if (times < p->limit)
        p->limit = times;
}

static const walk *walk_at(const struct eddo *d, int number)
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
static bool last_is_alike(const struct eddo *d, const walk *w, int loop)
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

/* Every walk is where it was, or some iterations of this loop further on. Of the innermost loop the
 * first iteration is never like the others; of other loops, if it makes a difference the shape
 * shows it. */
static bool walks_repeat(period *p)
{
    bool moved = false;
    for (int a = 0; a < EDDO_ACTORS; a++) {
        const int64_t *then = p->then->shape.index[a], *now = p->now->shape.index[a];
        const walk *w = walk_at(p->d, a);
        for (int l = 0; l < KPU_NEST; l++)
            if (l != p->position && then[l] != now[l])
                return false;
        int64_t step = now[p->position] - then[p->position];
        if (step == 0)
            continue;
        if (step < 0 || (p->position == WALK_LAST && then[WALK_LAST] == 0))
            return false;
        int64_t last = w->trips[p->position] - (last_is_alike(p->d, w, p->position) ? 1 : 2);
        limit_to(p, (last - now[p->position]) / step);
        moved = true;
    }
    return moved;
}

/* Places that move, move alike if they count the same. */
static bool places_move(period *p)
{
    const shape *then = &p->then->shape, *now = &p->now->shape;
    for (size_t i = 0; i < now->places; i++) {
        int kind = now->kind[i] & PLACE_KIND;
        int64_t step = now->place[i] - then->place[i];
        if (now->kind[i] != then->kind[i])
            return false;
        if (step == 0 || kind == PLACE_LINES)
            continue;
        if (step < 0 || (p->ring[kind] && p->ring[kind] != step))
            return false;
        p->ring[kind] = step;
        if (now->kind[i] & PLACE_FREED)
            p->freeing[kind] = true;
    }
    return true;
}

/* A place that moves does not come near `fixed`, one that stays. */
static void keep_off(period *p, size_t moving, int64_t fixed)
{
    const shape *then = &p->then->shape, *now = &p->now->shape;
    int ring = now->kind[moving] & PLACE_KIND;
    int64_t slots[] = {0, p->slots[ring]};
    for (int i = 0; i <= (now->kind[moving] & PLACE_SLOT ? 1 : 0); i++) {
        int64_t high = now->place[moving] - slots[i] + p->reach[ring];
        int64_t low = then->place[moving] - slots[i] - p->reach[ring];
        if (fixed > high)
            limit_to(p, (fixed - high - 1) / p->ring[ring]);
        else if (fixed >= low)
            p->limit = 0;
    }
}

/* That a command waits for the release of a tile does not matter to those who pass it without
 * releasing it. */
static void keep_apart(period *p, size_t fixed)
{
    const shape *then = &p->then->shape, *now = &p->now->shape;
    int ring = now->kind[fixed] & PLACE_KIND;
    bool own_slot = now->kind[fixed] & PLACE_SLOT, waits = now->kind[fixed] & PLACE_WAITS;
    for (size_t i = 0; i < now->places && p->limit > 0; i++) {
        if ((now->kind[i] & PLACE_KIND) != ring || now->place[i] == then->place[i])
            continue;
        keep_off(p, i, now->place[fixed]);
        if (own_slot && (!waits || p->freeing[ring]))
            keep_off(p, i, now->place[fixed] - p->slots[ring]);
    }
}

static void find_reach(period *p)
{
    const walk *w = &p->d->bm.walk;
    for (int ring = 0; ring < EDDO_RINGS; ring++) {
        p->slots[ring] = w->window[ring].slots;
        p->reach[ring] =
            p->position == WALK_LAST ? 1 : walk_used_tiles(w, &w->window[ring], p->position) + 1;
    }
}

static bool rings_repeat(period *p)
{
    const shape *then = &p->then->shape, *now = &p->now->shape;
    if (!places_move(p))
        return false;
    find_reach(p);
    for (size_t i = 0; i < now->places && p->limit > 0; i++) {
        int kind = now->kind[i] & PLACE_KIND;
        if (kind < EDDO_RINGS && p->ring[kind] && now->place[i] == then->place[i])
            keep_apart(p, i);
    }
    return p->limit > 0;
}

/* ---- what is in DRAM -------------------------------------------------------------------- */

/* How the DMA engines that load C again see the time at which it was stored, if it has passed: as
 * before all those that are busy became so, or as after. */
enum { STORED_OTHERWISE, STORED_BEFORE, STORED_AFTER };
static int stored_when(const period *p, int64_t number)
{
    const shape *then = &p->then->shape, *now = &p->now->shape;
    const dram_record *r = &p->d->stored[number & p->d->stored_mask];
    bool remembered = r->key == number + p->d->base;
    int64_t ready = remembered ? r->ready : p->d->forgotten;
    bool unbroken = then->dma.count == p->d->dma.engine_count &&
                    now->dma.count == then->dma.count && now->dma.most == then->dma.most &&
                    now->dma.least == then->dma.least;
    if (ready < then->now && ready < then->dma.least)
        return STORED_BEFORE;
    bool after = remembered && ready < then->now && ready >= then->dma.most && unbroken;
    return after ? STORED_AFTER : STORED_OTHERWISE;
}

/* Tiles of C that are fetched again, and it matters when they were stored: while their records are
 * there, they are part of the shape; afterwards all that are fetched in the period, and when it
 * repeats, must look the same. */
static bool fetches_repeat(period *p)
{
    int ring = walk_bit(KPU_C, KPU_HOIST_L3);
    if (p->d->near_fetches == p->then->near_fetches)
        return true;
    int64_t step = p->ring[ring], reach = p->reach[ring];
    int64_t last = p->d->revisited, first = last - step - reach;
    if (first >= p->now->shape.zone[ring])
        return true;
    int when = stored_when(p, first);
    if (step == 0 || when == STORED_OTHERWISE)
        return false;
    for (int64_t n = first; n <= last + p->limit * step + reach; n++)
        if (stored_when(p, n) != when)
            limit_to(p, n <= last + reach ? 0 : (n - last - reach - 1) / step);
    return p->limit > 0;
}

static int64_t sum(const int64_t *values, size_t count)
{
    int64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += values[i];
    return total;
}

/* The end of the run, so far, is that of the latest store. */
static bool stores_repeat(const period *p)
{
    if (p->now->shape.settled - p->then->shape.settled !=
        p->now->shape.newest_stored - p->then->shape.newest_stored)
        return false;
    const tally *then = &p->then->tally, *now = &p->now->tally;
    if (sum(now->dma_store[0], 2 * KPU_EDGES) == sum(then->dma_store[0], 2 * KPU_EDGES))
        return now->cycles == then->cycles;
    return now->cycles == then->cycles + p->shift;
}

/* Of the stores that are skipped, those are remembered that are not settled. */
static bool repeat_stores(const period *p, int64_t times)
{
    struct eddo *d = p->d;
    int64_t skipped = times * (p->now->shape.settled - p->then->shape.settled);
    int64_t from = d->settled, count = d->newest_stored + 1 - from;
    buffer *b = &d->repeats->stores_buffer;
    if (!buffer_reserve(b, (size_t)(count > 0 ? count : 0), sizeof(dram_record)))
        return false;
    dram_record *known = b->data;
    for (int64_t i = 0; i < count; i++)
        known[i] = d->stored[(from + i) & d->stored_mask];
    for (int64_t i = 0; i < count; i++)
        if (known[i].key == from + i + d->base)
            d->stored[(from + skipped + i) & d->stored_mask] = (dram_record){
                known[i].key + skipped, known[i].ready + times * p->shift, known[i].cause};
    if (skipped)
        d->forgotten = p->now->shape.now + times * p->shift;
    return true;
}

/* ---- repetition ------------------------------------------------------------------------- */

static bool find_period(period *p)
{
    const shape *then = &p->then->shape, *now = &p->now->shape;
    p->shift = now->now - then->now;
    p->limit = INT64_MAX;
    if (p->shift <= 0 || now->words != then->words || now->places != then->places ||
        memcmp(now->word, then->word, now->words * sizeof *now->word) != 0)
        return false;
    return walks_repeat(p) && p->limit > 0 && rings_repeat(p) && fetches_repeat(p) &&
           stores_repeat(p);
}

static void repeat_counts(int64_t *count, const int64_t *then, size_t counts, int64_t times)
{
    for (size_t i = 0; i < counts; i++)
        count[i] += (count[i] - then[i]) * times;
}

/* The engines of both queues lie one after the other. */
static void repeat_tally(const period *p, int64_t times)
{
    kpu_simulator *s = p->d->s;
    tally *t = &s->tally;
    int64_t cycles = t->cycles;
    repeat_counts(&t->dma_load[0][0], &p->then->tally.dma_load[0][0], sizeof *t / sizeof cycles,
                  times);
    t->cycles = cycles == p->then->tally.cycles ? cycles : cycles + p->shift * times;
    for (size_t i = 0; i < p->d->repeats->engines; i++)
        s->dma[i].busy += (s->dma[i].busy - p->then->busy[i]) * times;
}

/* ---- moments ---------------------------------------------------------------------------- */

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
    uint64_t hash = mix(q->count << 20 | q->known_count << 3 | q->phase, place);
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

static void note_counts(const struct eddo *d, moment *out)
{
    out->tally = d->s->tally;
    out->near_fetches = d->near_fetches;
    for (size_t i = 0; i < d->repeats->engines; i++)
        out->busy[i] = d->s->dma[i].busy;
}

static bool take_moment(struct eddo *d, uint64_t glimpse, moment *out)
{
    if (!shape_take(d, &d->repeats->room, &out->shape))
        return false;
    out->glimpse = glimpse;
    note_counts(d, out);
    return true;
}

static void forget(loop_history *h)
{
    h->count = 0;
    h->glimpses = 0;
    h->last_taken = -GLIMPSES;
    h->failures = h->pause = 0;
}

/* The present moment becomes that of the state to be. */
static bool repeat(const period *p, moment *now, int64_t times)
{
    int64_t shift[EDDO_RINGS];
    for (int ring = 0; ring < EDDO_RINGS; ring++)
        shift[ring] = p->ring[ring] * times;
    if (!repeat_stores(p, times))
        return false;
    repeat_tally(p, times);
    now->shape.now += p->shift * times;
    repeat_counts(now->shape.place, p->then->shape.place, now->shape.places, times);
    repeat_counts(now->shape.index[0], p->then->shape.index[0], EDDO_ACTORS * KPU_NEST, times);
    shape_give(p->d, &now->shape, shift);
    note_counts(p->d, now);
    return true;
}

static bool skip_since(struct eddo *d, int position, const moment *then, moment *now)
{
    period p = {.d = d, .then = then, .now = now, .position = position};
    return then->glimpse == now->glimpse && find_period(&p) && repeat(&p, now, p.limit);
}

static const moment *earlier(const struct eddo_repeats *r, int position, int i)
{
    const loop_history *h = &r->loop[position];
    return &h->moment[(h->latest + r->moments_kept - i) % r->moments_kept];
}

/* The present moment against those before it; true if it was repeated from. The first iteration of
 * the loop began with one of a loop outside. */
static bool skip_from(struct eddo *d, int position, moment *now)
{
    const struct eddo_repeats *r = d->repeats;
    for (int i = 0; i < r->loop[position].count; i++)
        if (earlier(r, position, i) != now && skip_since(d, position, earlier(r, position, i), now))
            return true;
    for (int l = position - 1; l >= 0; l--)
        if (r->loop[l].count > 0 && skip_since(d, position, earlier(r, l, 0), now))
            return true;
    return false;
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

static bool taken(const struct eddo_repeats *r, int position, uint64_t glimpse)
{
    for (int i = 0; i < r->loop[position].count; i++)
        if (earlier(r, position, i)->glimpse == glimpse)
            return true;
    for (int l = 0; l < position; l++)
        if (r->loop[l].count > 0 && earlier(r, l, 0)->glimpse == glimpse)
            return true;
    return false;
}

/* The shapes of short iterations are taken only if glimpses of them repeat. */
static void look_at(struct eddo *d, int position)
{
    loop_history *h = &d->repeats->loop[position];
    uint64_t glimpse = take_glimpse(d);
    bool repeats = glimpse_repeats(h, glimpse), is_long = d->fabric.done - h->step >= WORTHWHILE;
    h->step = d->fabric.done;
    if (!repeats && !is_long)
        return;
    if (h->pause > 0) {
        h->pause--;
        return;
    }
    bool compare = taken(d->repeats, position, glimpse);
    if (!compare && !is_long && h->glimpses - h->last_taken < GLIMPSES)
        return;
    h->last_taken = h->glimpses;
    int next = (h->latest + 1) % d->repeats->moments_kept;
    moment *now = &h->moment[next];
    if (!take_moment(d, glimpse, now))
        return;
    if (h->count == d->repeats->moments_kept)
        h->count--; /* the oldest made room for this one */
    if (compare && skip_from(d, position, now)) {
        forget(h);
        h->latest = next;
        h->count = 1;
        return;
    }
    if (compare && !is_long)
        h->pause = INT64_C(1) << (h->failures < 6 ? h->failures++ : 6);
    h->latest = next;
    h->count++;
}

void eddo_repeat(struct eddo *d)
{
    struct eddo_repeats *r = d->repeats;
    int position = d->crossed;
    d->crossed = KPU_NEST;
    for (int l = position + 1; l < KPU_NEST; l++)
        forget(&r->loop[l]);
    if (d->fabric.finished)
        return;
    const walk *w = &d->fabric.walk;
    int64_t index = position == WALK_LAST ? d->fabric.iteration : w->index[position];
    int64_t left = w->trips[position] - 1 - index;
    if (index >= 1 && left >= (position == WALK_LAST ? 3 * WORTHWHILE : 1))
        look_at(d, position);
}

/* ---- scratch ---------------------------------------------------------------------------- */

static bool reserve_moments(struct eddo_repeats *r)
{
    size_t words = r->room.words + r->room.places + r->engines;
    size_t bytes = words * sizeof(int64_t) + (r->room.places + 3) / 4 * 4 * sizeof(uint16_t);
    size_t kept = MOMENTS_BYTES / KPU_NEST / bytes;
    kept = kept < 2 ? 2 : kept > MOMENTS ? MOMENTS : kept;
    if (!buffer_reserve(&r->moments_buffer, KPU_NEST * kept, bytes))
        return false;
    char *next = r->moments_buffer.data;
    for (int l = 0; l < KPU_NEST; l++) {
        for (size_t i = 0; i < kept; i++, next += bytes) {
            moment *m = &r->moments[l][i];
            m->shape.word = (int64_t *)(void *)next;
            m->shape.place = m->shape.word + r->room.words;
            m->busy = m->shape.place + r->room.places;
            m->shape.kind = (uint16_t *)(void *)(m->busy + r->engines);
        }
        r->loop[l] = (loop_history){.moment = r->moments[l], .last_taken = -GLIMPSES};
    }
    r->moments_kept = (int)kept;
    return true;
}

bool eddo_repeats_start(struct eddo *d)
{
    if (d->program->eddo_window > LONGEST_WINDOW)
        return false;
    if (!d->repeats && !(d->repeats = calloc(1, sizeof *d->repeats)))
        return false;
    struct eddo_repeats *r = d->repeats;
    r->room = shape_room_of(d);
    r->engines = (size_t)(d->dma.engine_count + d->bm.engine_count);
    return reserve_moments(r);
}

void eddo_repeats_free(struct eddo_repeats *r)
{
    if (!r)
        return;
    free(r->moments_buffer.data);
    free(r->stores_buffer.data);
    free(r);
}
