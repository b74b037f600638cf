/* eddo: takes the shape of a state, and gives it to one. Both are one traversal. */
#include "simulator/eddo_shape.h"

#include <string.h>

typedef struct shaper {
    struct eddo *d;
    shape *shape;
    bool giving;           /* the state its shape; else taking it */
    int64_t *word, *place; /* the next ones */
    uint16_t *kind;
    const int64_t *words_end, *places_end; /* of what the rings may take */
    int64_t now;
    busy_since since[2]; /* DMA, block movers */
    int64_t earliest[2]; /* of the times that some of them have been busy since, and some not */
} shaper;

enum { BY_DMA, BY_BM };

/* ---- words, places, times --------------------------------------------------------------- */

static inline int64_t pass_word(shaper *s, int64_t value)
{
    if (s->giving)
        return *s->word++;
    *s->word++ = value;
    return value;
}

static inline int64_t pass_place(shaper *s, int kind, int64_t value)
{
    if (s->giving)
        return *s->place++;
    *s->place++ = value;
    *s->kind++ = (uint16_t)kind;
    return value;
}

/* A time as a word: what it is, in the lowest bits, and how long after the present cycle. */
enum {
    TIME_PAST,
    TIME_UNKNOWN,
    TIME_RECENT,
    TIME_EXACT,
    TIME_DMA_PAST, /* past to one queue's engines, recent to the other's */
    TIME_BM_PAST,
    TIME_KINDS = 8
};

static int64_t exact_time(const shaper *s, int64_t time)
{
    return (time - s->now) * TIME_KINDS + TIME_EXACT;
}

/* For streamers and the fabric. */
static int64_t core_time(const shaper *s, int64_t time)
{
    if (time == EDDO_UNKNOWN)
        return TIME_UNKNOWN;
    return time > s->now ? exact_time(s, time) : TIME_PAST;
}

/* It is before some that are busy became so, and after others did. */
static int64_t told_apart(shaper *s, int by, int64_t time)
{
    if (time < s->earliest[by])
        s->earliest[by] = time;
    return exact_time(s, time);
}

/* For the engines of a queue: before, or after, all that are busy became so. */
static int64_t queue_time(shaper *s, int by, int64_t time)
{
    if (time == EDDO_UNKNOWN)
        return TIME_UNKNOWN;
    if (time >= s->now)
        return exact_time(s, time);
    if (time < s->since[by].least)
        return TIME_PAST;
    if (time >= s->since[by].most)
        return TIME_RECENT;
    return told_apart(s, by, time);
}

/* For the engines of both. */
static int64_t shared_time(shaper *s, int64_t time)
{
    int64_t dma = queue_time(s, BY_DMA, time), bm = queue_time(s, BY_BM, time);
    if (dma == bm || !s->since[BY_BM].count)
        return dma;
    if (!s->since[BY_DMA].count)
        return bm;
    if (dma == TIME_PAST && bm == TIME_RECENT)
        return TIME_DMA_PAST;
    if (dma == TIME_RECENT && bm == TIME_PAST)
        return TIME_BM_PAST;
    told_apart(s, BY_DMA, time);
    return told_apart(s, BY_BM, time);
}

static int64_t time_of(const shaper *s, int64_t word)
{
    switch (word & (TIME_KINDS - 1)) {
    case TIME_PAST: return -1;
    case TIME_UNKNOWN: return EDDO_UNKNOWN;
    case TIME_RECENT: return s->now - 1;
    case TIME_DMA_PAST: return s->since[BY_BM].most;
    case TIME_BM_PAST: return s->since[BY_DMA].most;
    default: return s->now + (word - TIME_EXACT) / TIME_KINDS;
    }
}

static int64_t pass_core_time(shaper *s, int64_t time)
{
    int64_t word = pass_word(s, core_time(s, time));
    return s->giving ? time_of(s, word) : time;
}

static int64_t pass_exact_time(shaper *s, int64_t time)
{
    int64_t word = pass_word(s, exact_time(s, time));
    return s->giving ? time_of(s, word) : time;
}

/* ---- walks ------------------------------------------------------------------------------ */

unsigned shape_first_matters(const kpu_program *p)
{
    unsigned loops = ~(unsigned)p->relevant[KPU_C] & ((1u << KPU_NEST) - 1);
    for (int x = 0; x < KPU_OPERANDS; x++)
        for (int level = 0; level < KPU_HOIST_LEVELS; level++)
            loops |= p->window[x][level].irrelevant_inside;
    return loops;
}

static void pass_window(shaper *s, walk_window *v, int ring, int64_t *flags)
{
    int64_t own = *flags >> (3 * ring);
    if (s->giving) {
        v->lap_fresh = own >> 2 & 1;
        v->first[0] = own >> 1 & 1;
        v->first[1] = own & 1;
    } else {
        *flags |= (int64_t)(v->lap_fresh << 2 | v->first[0] << 1 | v->first[1]) << (3 * ring);
    }
    v->base_number = pass_place(s, ring, v->base_number);
    v->next_number = pass_place(s, ring, v->next_number);
}

static void place_walk(walk *w, const int64_t index[KPU_NEST])
{
    if (memcmp(w->index, index, WALK_LAST * sizeof *index) != 0)
        walk_place(w, index);
}

/* A walk's position is not part of the shape, but for what else follows from it. */
static void pass_walk(shaper *s, walk *w, int number, int64_t *iteration)
{
    int64_t *index = s->shape->index[number], windows = 0;
    if (s->giving) {
        *iteration = index[WALK_LAST];
        place_walk(w, index);
    } else {
        memcpy(index, w->index, WALK_LAST * sizeof *index);
        index[WALK_LAST] = *iteration;
    }
    unsigned nonzero = w->nonzero & shape_first_matters(w->program);
    int64_t flags = (int64_t)w->run_begins | (int64_t)w->run_ends << 1 | (int64_t)w->edges << 4 |
                    (int64_t)w->last_edges << 8 | (int64_t)w->multi << 12 | (int64_t)nonzero << 20;
    w->run_begins = pass_word(s, flags) & 1;
    int64_t *windows_at = s->word++;
    if (s->giving)
        windows = *windows_at;
    for (int i = 0; i < EDDO_RINGS; i++)
        if (w->windows >> i & 1)
            pass_window(s, &w->window[i], i, &windows);
    *windows_at = windows;
}

/* ---- the in-order part ------------------------------------------------------------------ */

static void pass_core_engine(shaper *s, engine *e)
{
    e->free = pass_core_time(s, e->free);
    e->since = pass_core_time(s, e->free > s->now ? e->since : -1);
}

/* What the streams of the fabric's next steps, or runs, have told it. Up to then it is busy. */
static void pass_times(shaper *s, int x, int64_t next)
{
    struct eddo *d = s->d;
    bool stationary = x == d->program->stationary;
    int64_t floor = d->fabric_free > s->now ? d->fabric_free : s->now;
    for (int64_t n = next; n < d->stream[x].done; n++) {
        stream_times *t = &d->times[x][n & d->times_mask];
        bool matters = (stationary ? t->ready : t->first) > floor;
        t->cause = (int)pass_word(s, matters ? t->cause : 0);
        t->first = pass_core_time(s, t->first > floor ? t->first : -1);
        t->ready = pass_core_time(s, t->ready > floor ? t->ready : -1);
    }
}

/* Of the last steps done, latest first. */
static void pass_ages(shaper *s, int64_t *times, int64_t done, int64_t later)
{
    for (int64_t age = 1; age <= s->d->program->l1_buffers; age++) {
        int64_t *time = &times[(done - age) & s->d->times_mask];
        *time = pass_core_time(s, *time + later) - later;
    }
}

static void pass_actors(shaper *s)
{
    struct eddo *d = s->d;
    int number = 0;
    for (int x = 0; x < KPU_OPERANDS; x++, number++) {
        pass_walk(s, &d->stream[x].walk, number, &d->stream[x].iteration);
        d->stream[x].number = pass_place(s, walk_bit(x, KPU_HOIST_L2), d->stream[x].number);
        d->stream[x].finished = pass_word(s, d->stream[x].finished);
        pass_core_engine(s, &d->stream_engine[x]);
    }
    pass_walk(s, &d->fabric.walk, number++, &d->fabric.iteration);
    d->fabric.finished = pass_word(s, d->fabric.finished);
    pass_walk(s, &d->cout.walk, number, &d->cout.iteration);
    d->cout.number = pass_place(s, walk_bit(KPU_C, KPU_HOIST_L2) | PLACE_SLOT, d->cout.number);
    d->cout.finished = pass_word(s, d->cout.finished);
    pass_core_engine(s, &d->cout_engine);
}

/* How far each is, in steps or runs. */
static void pass_progress(shaper *s)
{
    struct eddo *d = s->d;
    int64_t step = d->fabric.done, run = d->fabric_run;
    d->fabric.done = pass_place(s, PLACE_STEPS, step);
    d->fabric_run = pass_place(s, PLACE_RUNS, run);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        bool by_run = x == d->program->stationary;
        int64_t ahead = pass_word(s, d->stream[x].done - (by_run ? run : step));
        d->stream[x].done = ahead + (by_run ? d->fabric_run : d->fabric.done);
    }
    int64_t behind = pass_word(s, d->cout.done - (d->c_stationary ? run : step));
    d->cout.done = behind + (d->c_stationary ? d->fabric_run : d->fabric.done);
    d->runs_released = pass_word(s, d->runs_released - run) + d->fabric_run;
}

static void pass_core(shaper *s)
{
    struct eddo *d = s->d;
    pass_actors(s);
    pass_progress(s);
    d->fabric_free = pass_exact_time(s, d->fabric_free);
    bool mid_run = d->fabric.iteration > 0 || !d->fabric.walk.run_begins;
    for (int x = 0; x < KPU_OPERANDS; x++)
        pass_times(s, x, x != d->program->stationary ? d->fabric.done : d->fabric_run + mid_run);
    pass_ages(s, d->fab_end, d->fabric.done, d->t->skew);
    pass_ages(s, d->cout_end, d->cout.done, 0);
    for (int64_t run = d->runs_released - 2; run < d->runs_released; run++) {
        int64_t *release = &d->registers[run & (EDDO_RUNS - 1)];
        *release = pass_core_time(s, run < 0 ? -1 : *release);
    }
    for (int64_t run = d->cout.done; d->c_stationary && run < d->fabric_run; run++) {
        int64_t *end = &d->run_end[run & (EDDO_RUNS - 1)];
        *end = pass_core_time(s, *end + d->t->skew) - d->t->skew;
    }
}

/* ---- tiles ------------------------------------------------------------------------------ */

/* What matters of a tile's record, but for places. */
typedef struct cell {
    int64_t flags, ready, release, stored;
} cell;

enum {
    CELL_RELEASED = 1, /* its slot is free, or will be at a known time: nothing else matters */
    CELL_CLOSED = 2,
    CELL_UNWRITTEN = 4,
    CELL_FINAL = 8,
    CELL_LAST = 16,
    CELL_ABOVE = 32,   /* it is to be stored to a tile at L3 */
    CELL_PRESENT = 64, /* C: it has a record */
    CELL_EDGES = 8,    /* from which bit on */
    CELL_CAUSE = 16,
    CELL_STORE_CAUSE = 24,
    CELL_COUNT = 32
};

static cell take_tile(shaper *s, int x, int level, int64_t number)
{
    const tile_table *table = &s->d->tile[x][level];
    const tile_record *r = tile_at(table, number);
    if (r->key != number + table->base)
        return (cell){0, TIME_UNKNOWN, TIME_PAST, 0};
    int reader = level == KPU_HOIST_L3 ? BY_DMA : BY_BM;
    if (r->closed && r->pending == 0)
        return (cell){CELL_RELEASED, 0, queue_time(s, reader, r->release), 0};
    cell c = {.flags = (int64_t)r->pending << CELL_COUNT | (r->closed ? CELL_CLOSED : 0)};
    if (level == KPU_HOIST_L3) {
        c.ready = queue_time(s, BY_BM, r->ready);
        c.release = core_time(s, r->release); /* so far; the last one is yet to come */
    } else {
        c.ready = core_time(s, r->ready);
        c.release = TIME_PAST;
    }
    if (r->ready != EDDO_UNKNOWN && r->ready >= s->now)
        c.flags |= (int64_t)r->cause << CELL_CAUSE;
    return c;
}

static void give_tile(const shaper *s, tile_record *r, int64_t key, const cell *c)
{
    bool released = c->flags & CELL_RELEASED;
    *r = (tile_record){.key = key,
                       .ready = time_of(s, c->ready),
                       .release = time_of(s, c->release),
                       .pending = (int32_t)(c->flags >> CELL_COUNT),
                       .cause = (uint8_t)(c->flags >> CELL_CAUSE),
                       .closed = released || (c->flags & CELL_CLOSED)};
}

static cell take_released_c(shaper *s, int level, const c_record *r)
{
    cell c = {.flags = CELL_RELEASED | CELL_PRESENT};
    if (level == KPU_HOIST_L2) {
        c.release = queue_time(s, BY_BM, r->release);
        return c;
    }
    c.release = shared_time(s, r->release);
    c.stored = queue_time(s, BY_DMA, r->store_ready);
    if (r->store_ready >= s->now)
        c.flags |= (int64_t)r->store_cause << CELL_STORE_CAUSE;
    return c;
}

static cell take_c(shaper *s, int level, int64_t number)
{
    const c_table *table = &s->d->c[level];
    const c_record *r = c_at(table, number);
    if (r->key != number + table->base)
        return (cell){0};
    if (r->release != EDDO_UNKNOWN)
        return take_released_c(s, level, r);
    cell c = {.flags = CELL_PRESENT | (r->closed ? CELL_CLOSED : 0) |
                       (r->unwritten ? CELL_UNWRITTEN : 0) | (r->final ? CELL_FINAL : 0) |
                       (int64_t)r->edges << CELL_EDGES |
                       (int64_t)(r->queued - r->written) * (INT64_C(1) << CELL_COUNT),
              .release = TIME_UNKNOWN,
              .stored = TIME_UNKNOWN};
    if (level == KPU_HOIST_L3) {
        c.ready = shared_time(s, r->ready);
    } else {
        c.ready = queue_time(s, BY_BM, r->ready);
        c.flags |= r->last ? CELL_LAST : 0;
        if (number >= s->d->bm.store_next && r->above >= 0)
            c.flags |= CELL_ABOVE;
    }
    if (r->ready != EDDO_UNKNOWN && r->ready >= s->now)
        c.flags |= (int64_t)r->cause << CELL_CAUSE;
    return c;
}

static void give_c(const shaper *s, c_record *r, int64_t key, const cell *c)
{
    bool released = c->flags & CELL_RELEASED;
    *r = (c_record){.key = c->flags & CELL_PRESENT ? key : -1,
                    .ready = released ? -1 : time_of(s, c->ready),
                    .release = time_of(s, c->release),
                    .store_ready = time_of(s, c->stored),
                    .above = -1,
                    .queued = (int32_t)(c->flags >> CELL_COUNT),
                    .cause = (uint8_t)(c->flags >> CELL_CAUSE),
                    .store_cause = (uint8_t)(c->flags >> CELL_STORE_CAUSE),
                    .final = (c->flags & CELL_FINAL) != 0,
                    .unwritten = (c->flags & CELL_UNWRITTEN) != 0,
                    .edges = (uint8_t)(c->flags >> CELL_EDGES) & (KPU_EDGES - 1),
                    .closed = released || (c->flags & CELL_CLOSED),
                    .last = (c->flags & CELL_LAST) != 0};
}

/* ---- rings ------------------------------------------------------------------------------ */

/* The tiles of a ring whose records matter. */
typedef struct zone {
    int64_t from, to;
} zone;

static int64_t highest(const walk *a, const walk *b, int ring)
{
    int64_t x = a->window[ring].next_number, y = b->window[ring].next_number;
    return x > y ? x : y;
}

/* Has the tile been given its slot? One whose record has gone to a later tile has. */
static bool has_slot(const struct eddo *d, int x, int level, int64_t number)
{
    int64_t key = number + d->base;
    if (x != KPU_C) {
        const tile_record *r = tile_at(&d->tile[x][level], number);
        return r->key > key || (r->key == key && r->ready != EDDO_UNKNOWN);
    }
    const c_record *r = c_at(&d->c[level], number);
    return r->key > key || (r->key == key && !r->unwritten && r->ready != EDDO_UNKNOWN);
}

/* From the slot that the first tile waits for, or will, which has none yet, to the last tile that
 * anybody has come across. */
static zone find_zone(struct eddo *d, int x, int level)
{
    int ring = walk_bit(x, level);
    const walk *reader = x == KPU_C ? &d->stream[KPU_C].walk : &d->bm.walk;
    zone z = {.to = level == KPU_HOIST_L3 ? highest(&d->dma.walk, &d->bm.walk, ring)
                                          : highest(&d->bm.walk, reader, ring)};
    while (d->slotless[ring] < z.to && has_slot(d, x, level, d->slotless[ring]))
        d->slotless[ring]++;
    z.from = d->slotless[ring] - d->program->window[x][level].slots;
    if (z.from < 0)
        z.from = 0;
    return z;
}

/* A time that has passed: as all engines of the queue see it that are busy, or -1. */
enum { QUIET_PAST, QUIET_RECENT, QUIET_TIMES };
static int quiet_time(const shaper *s, int by, int64_t time)
{
    if (time >= s->now)
        return -1;
    return time < s->since[by].least ? QUIET_PAST : time >= s->since[by].most ? QUIET_RECENT : -1;
}

/* Most records are of tiles to which nothing is happening: those with the same number, not
 * negative, are alike. */
static int quiet_tile(const shaper *s, int level, const tile_record *r)
{
    if (r->pending)
        return -1;
    if (r->closed) {
        int when = quiet_time(s, level == KPU_HOIST_L3 ? BY_DMA : BY_BM, r->release);
        return when < 0 ? -1 : QUIET_TIMES + when;
    }
    if (level == KPU_HOIST_L2)
        return r->ready <= s->now ? 0 : -1;
    return r->release <= s->now ? quiet_time(s, BY_BM, r->ready) : -1;
}

static int quiet_c(const shaper *s, int level, const c_record *r)
{
    bool shared = level == KPU_HOIST_L3, released = r->release != EDDO_UNKNOWN;
    int64_t time = released ? r->release : r->ready;
    int bm = quiet_time(s, BY_BM, time), dma = shared ? quiet_time(s, BY_DMA, time) : 0;
    if (bm < 0 || dma < 0)
        return -1;
    if (released) {
        int stored = shared ? quiet_time(s, BY_DMA, r->store_ready) : 0;
        return stored < 0 ? -1 : bm | dma << 1 | stored << 2;
    }
    if (!shared || r->queued != r->written)
        return -1;
    return 8 | bm | dma << 1 | r->closed << 4 | r->unwritten << 5 | r->final << 6 | r->edges << 7;
}

/* The first tile from `from` on that is not like the one before it. */
static int64_t pass_quiet(const shaper *s, int x, int level, int64_t from, int64_t to)
{
    int64_t base = s->d->base, n = from;
    if (x == KPU_C) {
        const c_table *table = &s->d->c[level];
        if (c_at(table, from - 1)->key != from - 1 + base)
            return from;
        int like = quiet_c(s, level, c_at(table, from - 1));
        while (like >= 0 && n < to && c_at(table, n)->key == n + base &&
               quiet_c(s, level, c_at(table, n)) == like)
            n++;
        return n;
    }
    const tile_table *table = &s->d->tile[x][level];
    if (tile_at(table, from - 1)->key != from - 1 + base)
        return from;
    int like = quiet_tile(s, level, tile_at(table, from - 1));
    while (like >= 0 && n < to && tile_at(table, n)->key == n + base &&
           quiet_tile(s, level, tile_at(table, n)) == like)
        n++;
    return n;
}

/* Like records in a row. Their tiles at L3 follow each other at the same distance. */
typedef struct cell_run {
    cell cell;
    int64_t from, above, stride;
    bool strides;
} cell_run;

static int64_t above_of(const struct eddo *d, int64_t number)
{
    return c_at(&d->c[KPU_HOIST_L2], number)->above;
}

static bool joins(const struct eddo *d, cell_run *run, const cell *c, int64_t number)
{
    const cell *r = &run->cell;
    if (r->flags != c->flags || r->ready != c->ready || r->release != c->release ||
        r->stored != c->stored)
        return false;
    if (!(c->flags & CELL_ABOVE))
        return true;
    int64_t above = above_of(d, number);
    if (!run->strides) {
        run->strides = true;
        run->stride = above - run->above;
    }
    return above == run->above + run->stride * (number - run->from);
}

static bool freed(const cell *c)
{
    return c->flags & (CELL_RELEASED | CELL_CLOSED);
}

static void put_run(shaper *s, int ring, const cell_run *run, bool turns)
{
    pass_word(s, run->cell.flags);
    pass_word(s, run->cell.ready);
    pass_word(s, run->cell.release);
    pass_word(s, run->cell.stored);
    pass_place(s, ring | (turns ? PLACE_FREED : 0), run->from);
    if (run->cell.flags & CELL_ABOVE) {
        pass_word(s, run->stride);
        pass_place(s, walk_bit(KPU_C, KPU_HOIST_L3), run->above);
    }
}

enum { RUN_WORDS = 6, RUN_PLACES = 2 };

static bool take_ring(shaper *s, int x, int level)
{
    int ring = walk_bit(x, level);
    zone z = find_zone(s->d, x, level);
    int64_t *count_at = s->word++;
    int64_t count = 0;
    cell_run run = {.from = z.from};
    bool was_freed = false;
    for (int64_t n = z.from; n <= z.to; n++) {
        if (n > z.from && n == run.from + 1)
            n = pass_quiet(s, x, level, n, z.to);
        cell c = n == z.to    ? (cell){-1, 0, 0, 0}
                 : x == KPU_C ? take_c(s, level, n)
                              : take_tile(s, x, level, n);
        if (n > z.from && joins(s->d, &run, &c, n))
            continue;
        if (n > z.from) {
            put_run(s, ring, &run, count == 0 || was_freed != freed(&run.cell));
            was_freed = freed(&run.cell);
            count++;
        }
        if (s->word + RUN_WORDS > s->words_end || s->place + RUN_PLACES > s->places_end)
            return false;
        run = (cell_run){.cell = c, .from = n};
        if (n < z.to && (c.flags & CELL_ABOVE))
            run.above = above_of(s->d, n);
    }
    pass_place(s, ring | (was_freed ? PLACE_FREED : 0), z.to);
    pass_place(s, ring, s->d->slotless[ring]);
    *count_at = count;
    s->shape->zone[ring] = z.from;
    return true;
}

/* `n` gets the record of a run. */
static void give_cell(shaper *s, int x, int level, const cell_run *run, int64_t n)
{
    if (x != KPU_C) {
        const tile_table *table = &s->d->tile[x][level];
        give_tile(s, tile_at(table, n), n + table->base, &run->cell);
        return;
    }
    const c_table *table = &s->d->c[level];
    c_record *r = c_at(table, n);
    give_c(s, r, n + table->base, &run->cell);
    if (run->cell.flags & CELL_ABOVE)
        r->above = run->above + run->stride * (n - run->from);
}

static void give_ring(shaper *s, int x, int level)
{
    int ring = walk_bit(x, level);
    int64_t count = pass_word(s, 0);
    for (int64_t i = 0; i < count; i++) {
        cell_run run = {0};
        run.cell.flags = pass_word(s, 0);
        run.cell.ready = pass_word(s, 0);
        run.cell.release = pass_word(s, 0);
        run.cell.stored = pass_word(s, 0);
        run.from = pass_place(s, 0, 0);
        if (run.cell.flags & CELL_ABOVE) {
            run.stride = pass_word(s, 0);
            run.above = pass_place(s, 0, 0);
        }
        int64_t to = *s->place; /* where the next one begins */
        for (int64_t n = run.from; n < to; n++)
            give_cell(s, x, level, &run, n);
    }
    pass_place(s, 0, 0);
    s->d->slotless[ring] = pass_place(s, 0, 0);
}

static bool pass_rings(shaper *s)
{
    for (int level = 0; level < KPU_HOIST_LEVELS; level++)
        for (int x = 0; x < KPU_OPERANDS; x++) {
            if (s->giving)
                give_ring(s, x, level);
            else if (!take_ring(s, x, level))
                return false;
        }
    return true;
}

/* ---- queues ----------------------------------------------------------------------------- */

/* Where the queue takes and finds tiles, and what is left of the present step. */
static void pass_step(shaper *s, queue *q, int level)
{
    bool by_bm = level == KPU_HOIST_L2;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        int ring = walk_bit(x, level), above = walk_bit(x, KPU_HOIST_L3);
        pass_place(s, ring | PLACE_SLOT | PLACE_WAITS, q->walk.window[ring].next_number);
        if (by_bm)
            pass_place(s, above, walk_peek_number(&q->walk.window[above], q->iteration));
        if (!(q->loads >> x & 1))
            continue;
        q->step_number[x] = pass_place(s, ring | PLACE_SLOT | PLACE_WAITS, q->step_number[x]);
        if (by_bm)
            q->step_from[x] = pass_place(s, above | (x == KPU_C ? PLACE_SLOT : 0), q->step_from[x]);
    }
}

static void pass_queue(shaper *s, queue *q, int level)
{
    pass_walk(s, &q->walk, KPU_OPERANDS + 2 + (level == KPU_HOIST_L2), &q->iteration);
    int64_t flags = pass_word(s, (int64_t)q->loads | (int64_t)q->renewed << 4 |
                                     (int64_t)q->fresh << 8 | (int64_t)q->finished << 9);
    q->loads = flags & 15;
    q->renewed = flags >> 4 & 15;
    q->fresh = flags >> 8 & 1;
    q->finished = flags >> 9 & 1;
    pass_step(s, q, level);
    q->store_next = pass_place(s, walk_bit(KPU_C, level), q->store_next);
    q->store_end = pass_place(s, walk_bit(KPU_C, level), q->store_end);
}

/* Kind, operand, edges and whether it waits are in one word, with how far what it needs is from
 * what has been written. */
enum { ENTRY_OPERAND = 4, ENTRY_EDGES = 8, ENTRY_WAITS = 12, ENTRY_NEEDED = 16 };

static int64_t entry_word(const struct eddo *d, const entry *e)
{
    int64_t needed = 0;
    if (e->mover && e->kind == ENTRY_LOAD_C)
        needed = e->needed - c_at(&d->c[KPU_HOIST_L3], e->from)->written;
    return (int64_t)e->kind | (int64_t)e->operand << ENTRY_OPERAND |
           (int64_t)e->edges << ENTRY_EDGES | (int64_t)(e->waits != NULL) << ENTRY_WAITS |
           needed * (INT64_C(1) << ENTRY_NEEDED);
}

static void pass_entry(shaper *s, entry *e)
{
    int64_t word = pass_word(s, s->giving ? 0 : entry_word(s->d, e));
    e->kind = word & 15;
    e->operand = word >> ENTRY_OPERAND & 15;
    e->edges = word >> ENTRY_EDGES & 15;
    bool of_c = e->kind == ENTRY_LOAD_C, store = e->kind == ENTRY_STORE;
    int waits = word >> ENTRY_WAITS & 1 ? PLACE_WAITS : 0,
        above = walk_bit(e->operand, KPU_HOIST_L3);
    int ring = e->mover ? walk_bit(e->operand, KPU_HOIST_L2) : above;
    e->number = pass_place(s, ring | (store ? 0 : PLACE_SLOT | waits), e->number);
    if (e->mover || of_c)
        e->from = pass_place(s, above | (store ? PLACE_SLOT : 0), e->from);
    if (e->mover && of_c)
        e->needed = (word >> ENTRY_NEEDED) + c_at(&s->d->c[KPU_HOIST_L3], e->from)->written;
    if (!e->mover && of_c) /* the record of when it was stored may have gone */
        pass_word(s, waits ? TIME_UNKNOWN : queue_time(s, BY_DMA, e->source));
}

/* The same number of commands in emission order, to be filled in. */
static void renew_entries(queue *q, int64_t count, int64_t window, bool mover)
{
    for (int64_t i = 0; i < window; i++)
        q->spare[i] = (int32_t)i;
    q->oldest = q->newest = NULL;
    for (int64_t i = 0; i < count; i++) {
        entry *e = &q->entries[i];
        e->mover = mover;
        e->sequence = i;
        e->earlier = q->newest;
        e->later = NULL;
        e->has_slot = false;
        *(q->newest ? &q->newest->later : &q->oldest) = e;
        q->newest = e;
    }
    q->count = q->emitted = count;
}

static void pass_entries(shaper *s, queue *q)
{
    int64_t count = pass_word(s, q->count);
    if (s->giving)
        renew_entries(q, count, s->d->program->eddo_window, q == &s->d->bm);
    for (entry *e = q->oldest; e; e = e->later)
        pass_entry(s, e);
}

/* Since when an engine has been busy without a break is compared with times that have passed. If
 * all engines see all these alike, that much is enough; and whether it is cycle 0, from which on
 * tiles of A and B are in DRAM. */
static void take_engine(shaper *s, const engine *e, int by)
{
    bool idle = e->free < s->now;
    *s->word++ = idle ? TIME_PAST : exact_time(s, e->free);
    if (idle)
        *s->word++ = 0;
    else if (e->since > s->earliest[by])
        *s->word++ = exact_time(s, e->since);
    else
        *s->word++ = e->since == 0 ? TIME_PAST : TIME_RECENT;
}

static void take_engines(shaper *s)
{
    struct eddo *d = s->d;
    s->shape->engines = (size_t)(s->word - s->shape->word);
    for (int64_t i = 0; i < d->dma.engine_count; i++)
        take_engine(s, &d->dma.engines[i], BY_DMA);
    for (int64_t i = 0; i < d->bm.engine_count; i++)
        take_engine(s, &d->bm.engines[i], BY_BM);
}

/* They already have been busy since when they are to be. */
static void give_queue_engines(const shaper *s, queue *q, const int64_t *word)
{
    q->free_at = INT64_MAX;
    for (int64_t i = 0; i < q->engine_count; i++) {
        engine *e = &q->engines[i];
        e->free = time_of(s, word[2 * i]);
        q->free_at = e->free < q->free_at ? e->free : q->free_at;
    }
}

static bool pass_state(shaper *s)
{
    struct eddo *d = s->d;
    pass_core(s);
    pass_queue(s, &d->dma, KPU_HOIST_L3);
    pass_queue(s, &d->bm, KPU_HOIST_L2);
    d->settled = pass_place(s, walk_bit(KPU_C, KPU_HOIST_L3), d->settled);
    d->newest_stored = pass_place(s, walk_bit(KPU_C, KPU_HOIST_L3), d->newest_stored);
    d->unordered = pass_word(s, d->unordered);
    s->shape->loose = (size_t)(s->place - s->shape->place);
    d->revisited = pass_place(s, walk_bit(KPU_C, KPU_HOIST_L3), d->revisited);
    if (!pass_rings(s))
        return false;
    pass_entries(s, &d->dma);
    pass_entries(s, &d->bm);
    if (!s->giving)
        take_engines(s);
    return true;
}

/* ---- whole shapes ----------------------------------------------------------------------- */

static busy_since find_since(const queue *q, int64_t now)
{
    busy_since since = {INT64_MAX, INT64_MIN, 0};
    for (int64_t i = 0; i < q->engine_count; i++) {
        const engine *e = &q->engines[i];
        if (e->free < now)
            continue;
        since.count++;
        since.least = e->since < since.least ? e->since : since.least;
        since.most = e->since > since.most ? e->since : since.most;
    }
    return since;
}

/* At most five words and four places a command, three words an engine; some hundred for the rest
 * but the rings. Shapes with more runs of records than we leave room for are not worth it. */
shape_room shape_room_of(const struct eddo *d)
{
    size_t commands = 2 * (size_t)d->program->eddo_window;
    size_t engines = (size_t)(d->dma.engine_count + d->bm.engine_count);
    size_t before = 150 + 20 * ((size_t)d->program->l1_buffers + EDDO_RUNS);
    size_t tail_words = 5 * commands + 3 * engines + 16, tail_places = 4 * commands + 16;
    return (shape_room){.ring_words = before + 1024,
                        .ring_places = before + 512,
                        .words = before + 1024 + tail_words,
                        .places = before + 512 + tail_places};
}

/* What is looked at besides words and places. */
static void note_stores(const struct eddo *d, shape *out)
{
    out->dma = find_since(&d->dma, out->now);
    out->settled = d->settled;
    out->newest_stored = d->newest_stored;
}

bool shape_take(struct eddo *d, const shape_room *room, shape *out)
{
    int64_t now = d->dma.now > d->bm.now ? d->dma.now : d->bm.now;
    shaper s = {.d = d,
                .shape = out,
                .word = out->word,
                .place = out->place,
                .kind = out->kind,
                .words_end = out->word + room->ring_words,
                .places_end = out->place + room->ring_places,
                .now = now,
                .since = {find_since(&d->dma, now), find_since(&d->bm, now)},
                .earliest = {INT64_MAX, INT64_MAX}};
    out->now = now;
    eddo_settle_stores(d, now);
    if (!pass_state(&s))
        return false;
    note_stores(d, out);
    out->words = (size_t)(s.word - out->word);
    out->places = (size_t)(s.place - out->place);
    return true;
}

/* Nobody waits for a tile any more. */
static void forget_waits(queue *q)
{
    for (entry *e = q->oldest; e; e = e->later)
        if (e->waits)
            *e->waits = NULL;
    q->known_count = 0;
    q->earliest = EDDO_UNKNOWN;
}

/* Tiles are no longer what they were. */
static void forget_records(struct eddo *d)
{
    for (int level = 0; level < KPU_HOIST_LEVELS; level++)
        for (int x = 0; x < KPU_OPERANDS; x++) {
            zone z = find_zone(d, x, level);
            for (int64_t n = z.from; n < z.to; n++) {
                if (x == KPU_C)
                    c_at(&d->c[level], n)->key = -1;
                else
                    tile_at(&d->tile[x][level], n)->key = -1;
            }
        }
}

/* Nor are sweeps. */
static void forget_sweeps(struct eddo *d)
{
    for (int x = 0; x < KPU_OPERANDS; x++) {
        again_forget(&d->stream[x].again);
        again_forget(&d->bm.again[x]);
    }
    again_forget(&d->cout.again);
}

static void look_again(struct eddo *d, queue *q)
{
    for (entry *e = q->oldest; e; e = e->later)
        eddo_look(d, e);
}

/* Before anything else: what times of the past are made of depends on them. */
static void give_engines(shaper *s)
{
    struct eddo *d = s->d;
    const int64_t *word = s->shape->word + s->shape->engines;
    give_queue_engines(s, &d->dma, word);
    give_queue_engines(s, &d->bm, word + 2 * d->dma.engine_count);
    s->since[BY_DMA] = find_since(&d->dma, s->now);
    s->since[BY_BM] = find_since(&d->bm, s->now);
}

void shape_give(struct eddo *d, shape *wanted)
{
    shaper s = {.d = d,
                .shape = wanted,
                .word = wanted->word,
                .place = wanted->place,
                .giving = true,
                .now = wanted->now};
    forget_waits(&d->dma);
    forget_waits(&d->bm);
    forget_records(d);
    forget_sweeps(d);
    give_engines(&s);
    pass_state(&s);
    d->dma.now = d->bm.now = wanted->now;
    look_again(d, &d->dma);
    look_again(d, &d->bm);
    note_stores(d, wanted);
}
