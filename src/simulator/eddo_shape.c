/* eddo: takes the shape of a state, and gives it to one. Both are one traversal. */
#include "simulator/eddo_shaper.h"

#include <string.h>

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
    if (!shape_pass_rings(s))
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
            zone z = shape_find_zone(d, x, level);
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
