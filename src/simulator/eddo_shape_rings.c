/* eddo: the part of a shape that is the tiles in the rings. */
#include "simulator/eddo_shaper.h"

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
zone shape_find_zone(struct eddo *d, int x, int level)
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
    zone z = shape_find_zone(s->d, x, level);
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

bool shape_pass_rings(shaper *s)
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
