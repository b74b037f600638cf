/* iddo's fast-forward: finds out that iterations repeat, and skips them. */
#include "simulator/iddo_memo.h"

#include <stdlib.h>
#include <string.h>

enum {
    MARKS = 9,            /* of one loop: periods of up to 8 iterations are found */
    STEP_PERIODS = 4,     /* steps */
    MEMO_STEPS = 64,      /* of an iteration that is worth remembering */
    MEMO_BYTES = 1 << 14, /* of a mark of it, at most */
    STEPS_WORTH = 24,     /* to skip, at least, in one execution of a loop */
    REACH_BACK = 64,
    TOUCHED_MAX = 2048 /* slots that an iteration may touch; beyond, its loop is not looked at */
};

/* One loop of the nest, in its present execution. */
typedef struct loop {
    bool watched;
    int count;         /* iterations remembered in a row, the newest last */
    earliest earliest; /* since the newest */
    mark *marks[MARKS];
} loop;

/* The steps of a sweep are so cheap that only a few times are kept of each, relative to the fabric;
 * when those come back after some steps, a mark is made, and it is compared that many steps later.
 */
typedef struct glimpse {
    int64_t times[IDDO_STREAMS + 4];
} glimpse;
typedef struct steps {
    glimpse seen[STEP_PERIODS];
    int count;
    int period;         /* of what the mark waits for; 0: nothing */
    int64_t due, quiet; /* step at which it is compared; before which nothing is looked at */
    int64_t pause;
} steps;

struct repeats {
    loop loops[KPU_NEST];
    steps steps;
    mark marks[KPU_NEST][MARKS];
    memo memos[MEMO_LOOPS];
    int64_t used_tiles[REPEAT_RINGS][KPU_NEST]; /* in blocks that are whole: the most */
    ring_scratch scratch;
    buffer buffer;
};

/* ---- memory ----------------------------------------------------------------------------- */

/* Slots of a ring that there is room for in a mark of that loop. C's stores reach back to tiles
 * that have been left; usually not far. */
static int64_t room_for(const pass *p, int ring, int position)
{
    int64_t slots = ring_slots(p, ring);
    int64_t used = position == WALK_LAST ? STEP_PERIODS : p->s->repeats->used_tiles[ring][position];
    if (ring / KPU_HOIST_LEVELS == KPU_C)
        used += REACH_BACK;
    return used < slots ? used : slots;
}

static char *take(char **next, size_t bytes)
{
    char *at = *next;
    *next += (bytes + 15) / 16 * 16;
    return at;
}

/* Lays a mark out from *next on. */
static void lay_mark(const pass *p, int position, mark *m, char **next)
{
    m->engines = (engine *)(void *)take(next, engine_count(p) * sizeof(engine));
    m->l1 = (int64_t *)(void *)take(next, (size_t)p->program->l1_buffers * 2 * sizeof(int64_t));
    for (int r = 0; r < REPEAT_RINGS; r++) {
        int x = r / KPU_HOIST_LEVELS, level = r % KPU_HOIST_LEVELS;
        m->room[r] = room_for(p, r, position);
        if (x == KPU_C)
            m->c[level] = (slot_c *)(void *)take(next, (size_t)m->room[r] * sizeof(slot_c));
        else
            m->ab[x][level] = (slot *)(void *)take(next, (size_t)m->room[r] * sizeof(slot));
    }
}

static int64_t touched_slots(const pass *p, int position)
{
    int64_t slots = 0;
    for (int r = 0; r < REPEAT_RINGS; r++)
        slots += room_for(p, r, position);
    return slots;
}

static size_t mark_bytes(const pass *p, int position)
{
    size_t bytes = engine_count(p) * sizeof(engine) + (size_t)p->program->l1_buffers * 16;
    for (int r = 0; r < REPEAT_RINGS; r++)
        bytes += (size_t)room_for(p, r, position) *
                 (r / KPU_HOIST_LEVELS == KPU_C ? sizeof(slot_c) : sizeof(slot));
    return bytes + 16 * (2 + REPEAT_RINGS);
}

/* Worth watching: once two iterations have been compared, skipping the rest saves more than looking
 * has cost. */
static bool is_worth(const pass *p, int position)
{
    int64_t saved = p->walk.trips[position] - 3;
    for (int l = position + 1; l < KPU_NEST; l++)
        saved *= p->walk.trips[l];
    return saved >= STEPS_WORTH && touched_slots(p, position) <= TOUCHED_MAX;
}

/* Slots that a period may touch in one ring. */
static size_t longest_span(const pass *p)
{
    int64_t longest = 1;
    for (int r = 0; r < REPEAT_RINGS; r++)
        longest = ring_slots(p, r) > longest ? ring_slots(p, r) : longest;
    return (size_t)(longest < MARKS * TOUCHED_MAX ? longest : MARKS * TOUCHED_MAX);
}

static void lay_scratch(const pass *p, ring_scratch *scratch, char **next)
{
    size_t span = longest_span(p);
    scratch->ab_found = (slot *)(void *)take(next, span * sizeof(slot));
    scratch->ab_left = (slot *)(void *)take(next, span * sizeof(slot));
    scratch->c_found = (slot_c *)(void *)take(next, span * sizeof(slot_c));
    scratch->c_left = (slot_c *)(void *)take(next, span * sizeof(slot_c));
    scratch->written = (int64_t *)(void *)take(next, span * sizeof(int64_t));
    scratch->stored =
        (dram_time *)(void *)take(next, (size_t)(p->s->stored_mask + 1) * sizeof(dram_time));
}

/* Worth remembering: long, begun again and again, and not too large. */
static bool is_worth_remembering(const pass *p, int position)
{
    const int64_t *trips = p->walk.trips;
    int64_t inside = 1;
    bool blocks = false;
    for (int l = position + 1; l < KPU_NEST; l++)
        inside *= trips[l];
    for (int l = 0; l < KPU_BLOCK_LOOPS; l++)
        blocks = blocks || trips[l] > 1;
    return blocks && trips[position] > 1 && inside >= MEMO_STEPS && walk_is_regular(&p->walk) &&
           mark_bytes(p, position) <= MEMO_BYTES;
}

static size_t memo_bytes(const pass *p, int position)
{
    return MEMO_OUTCOMES * (sizeof(outcome) + 2 * mark_bytes(p, position)) + 16;
}

static void lay_memo(const pass *p, int position, memo *m, char **next)
{
    m->at = (outcome *)(void *)take(next, MEMO_OUTCOMES * sizeof(outcome));
    m->open = -1;
    m->next = m->count = 0;
    m->marks = *next;
    *next += MEMO_OUTCOMES * 2 * mark_bytes(p, position);
}

void memo_lay(const pass *p, int position, outcome *o)
{
    memo *m = &p->repeats->memos[position];
    char *next = m->marks + (size_t)(o - m->at) * 2 * mark_bytes(p, position);
    o->entry_pointer = &o->entry;
    lay_mark(p, position, &o->entry, &next);
    lay_mark(p, position, &o->left, &next);
}

static bool reserve_marks(pass *p, struct repeats *r)
{
    size_t bytes = longest_span(p) * (2 * sizeof(slot) + 2 * sizeof(slot_c) + sizeof(int64_t)) +
                   (size_t)(p->s->stored_mask + 1) * sizeof(dram_time) + 16 * 6;
    for (int l = 0; l < KPU_NEST; l++)
        if (r->loops[l].watched)
            bytes += MARKS * mark_bytes(p, l);
    for (int l = 0; l < MEMO_LOOPS; l++)
        if (r->memos[l].watched)
            bytes += memo_bytes(p, l);
    if (!buffer_reserve(&r->buffer, bytes, 1))
        return false;
    char *next = r->buffer.data;
    lay_scratch(p, &r->scratch, &next);
    for (int l = 0; l < MEMO_LOOPS; l++)
        if (r->memos[l].watched)
            lay_memo(p, l, &r->memos[l], &next);
    for (int l = 0; l < KPU_NEST; l++)
        for (int i = 0; r->loops[l].watched && i < MARKS; i++) {
            r->loops[l].marks[i] = &r->marks[l][i];
            lay_mark(p, l, r->loops[l].marks[i], &next);
        }
    return true;
}

struct repeats *repeats_start(pass *p)
{
    bool any = false;
    if (!p->s->repeats && !(p->s->repeats = calloc(1, sizeof *p->s->repeats)))
        return NULL;
    struct repeats *r = p->s->repeats;
    memcpy(r->used_tiles, p->walk.used_tiles, sizeof r->used_tiles);
    for (int l = 0; l < KPU_NEST; l++) {
        r->loops[l].watched = is_worth(p, l);
        r->loops[l].count = 0;
        earliest_reset(&r->loops[l].earliest);
        any = any || r->loops[l].watched;
    }
    for (int l = 0; l < MEMO_LOOPS; l++) {
        r->memos[l].watched = is_worth_remembering(p, l);
        r->memos[l].open = -1;
        any = any || r->memos[l].watched;
    }
    earliest_reset(&p->earliest);
    return any && reserve_marks(p, r) ? r : NULL;
}

void repeats_free(struct repeats *r)
{
    if (r)
        free(r->buffer.data);
    free(r);
}

/* ---- marks ------------------------------------------------------------------------------ */

/* By the library: what compilers put in place of a copy of a known size starts slowly. */
static __attribute__((noinline)) void copy(void *to, const void *from, size_t bytes)
{
    memcpy(to, from, bytes);
}

void mark_make_as_touched(const pass *p, mark *m)
{
    const kpu_simulator *s = p->s;
    walk_note_numbers(&p->walk, &m->numbers);
    m->fabric_free = p->fabric_free;
    memcpy(m->registers, p->registers, sizeof m->registers);
    m->next_dma = p->next_dma;
    m->next_bm = p->next_bm;
    m->l1_slot = p->l1_slot;
    m->cycles = p->tally->cycles;
    memcpy(m->stored, p->stored, sizeof m->stored);
    m->run_parity = p->run_parity;
    memcpy(m->stream, p->stream, sizeof m->stream);
    copy(&m->tally, p->tally, sizeof m->tally);
    memcpy(m->engines, s->dma, engine_count(p) * sizeof(engine));
    memcpy(m->l1, s->fab_end, (size_t)p->program->l1_buffers * 2 * sizeof(int64_t));
    rings_copy_touched(p, m);
}

void mark_make(const pass *p, const stretch *of, mark *m)
{
    rings_find_touched(p, of, m->touched);
    for (int r = 0; r < REPEAT_RINGS; r++)
        if (m->touched[r].count > m->room[r])
            m->touched[r].count = -1;
    mark_make_as_touched(p, m);
}

/* ---- loops ------------------------------------------------------------------------------ */

/* Looks for a period among the iterations before the one that starts now, of which `left` may be
 * skipped. Returns its length, 0 if there is none. */
static int find_period(pass *p, loop *l, int64_t left, period *d)
{
    for (int q = 1; q < l->count && q <= left; q++) {
        d->p = p;
        d->marks = &l->marks[l->count - 1 - q];
        d->mark_count = d->iterations = q;
        d->now = l->marks[l->count - 1]->touched;
        d->limit = left / q;
        d->scratch = &p->repeats->scratch;
        if (is_period(d))
            return q;
    }
    return 0;
}

/* The newest mark goes to the end of the row; of a full row the oldest is forgotten. */
static mark *next_mark(loop *l)
{
    if (l->count == MARKS) {
        mark *oldest = l->marks[0];
        memmove(l->marks, l->marks + 1, (MARKS - 1) * sizeof *l->marks);
        l->marks[--l->count] = oldest;
    }
    return l->marks[l->count++];
}

/* Marks the start of an iteration and skips what repeats. False: everything that was left. */
static bool look_at_loop(pass *p, int position)
{
    loop *l = &p->repeats->loops[position];
    int64_t trips = p->walk.trips[position], i = p->walk.index[position];
    int64_t left = trips - i - !walk_last_is_alike(&p->walk, position);
    if (!l->watched || left <= 0)
        return true;
    if (l->count)
        l->marks[l->count - 1]->earliest = l->earliest;
    earliest_reset(&l->earliest);
    mark_make(p, &(stretch){.position = position}, next_mark(l));
    period d;
    int q = find_period(p, l, left, &d);
    if (!q)
        return true;
    repeat(&d, d.limit);
    l->count = 0;
    return walk_repeat(&p->walk, &d.marks[0]->numbers, position, q, d.limit);
}

static void pass_on_earliest(pass *p)
{
    struct repeats *r = p->repeats;
    for (int l = 0; l < WALK_LAST; l++)
        if (r->loops[l].count) /* the interval begins with a mark */
            earliest_add(&r->loops[l].earliest, &p->earliest);
}

bool repeats_at_loop(pass *p)
{
    struct repeats *r = p->repeats;
    for (;;) {
        int position = p->walk.changed;
        pass_on_earliest(p);
        memo_close(p, position);
        earliest_reset(&p->earliest);
        for (int l = position + 1; l < WALK_LAST; l++)
            r->loops[l].count = 0;
        if (position >= 0 && !look_at_loop(p, position))
            return false;
        if (p->walk.changed < position) /* skipped to its end, the loop advanced another */
            continue;
        memo_found found = memo_look(p, position);
        if (found != MEMO_REPLAYED)
            return found == MEMO_NOTHING;
    }
}

memo *memo_at(struct repeats *r, int position)
{
    return &r->memos[position];
}

const ring_scratch *memo_scratch(const struct repeats *r)
{
    return &r->scratch;
}

/* ---- steps ------------------------------------------------------------------------------ */

bool repeats_in_sweep(pass *p)
{
    steps *s = &p->repeats->steps;
    s->count = s->period = 0;
    s->quiet = 0;
    s->pause = 1;
    return p->repeats->loops[WALK_LAST].watched && p->walk.trips[WALK_LAST] > STEPS_WORTH;
}

static void look_at(const pass *p, glimpse *g)
{
    int64_t d1 = p->program->l1_buffers, at = p->l1_slot;
    const int64_t *fab_end = p->s->fab_end, *cout_end = p->s->cout_end;
    int64_t *t = g->times;
    for (int x = 0; x < IDDO_STREAMS; x++) { /* those that are busy at every step */
        bool every_step = x == IDDO_COUT ? p->program->stationary != KPU_C
                                         : x != KPU_C && x != p->program->stationary;
        t[x] = every_step ? p->stream[x].free - p->fabric_free : 0;
    }
    for (int n = 0; n < 4; n++) {
        t[IDDO_STREAMS + n] = n < d1 ? fab_end[at] - p->fabric_free : 0;
        if (n == 3 && cout_end[p->l1_slot] >= 0) /* of deeper buffers, only the one that is next */
            t[IDDO_STREAMS + n] = cout_end[p->l1_slot] - p->fabric_free;
        at = at + 1 == d1 ? 0 : at + 1;
    }
}

/* After how many steps the times came back that are seen now; 0: not. */
static int glimpse_again(steps *s, const glimpse *now)
{
    for (int q = 1; q <= s->count; q++)
        if (!memcmp(&s->seen[s->count - q], now, sizeof *now))
            return q;
    return 0;
}

static void keep_glimpse(steps *s, const glimpse *now)
{
    if (s->count == STEP_PERIODS)
        memmove(s->seen, s->seen + 1, (STEP_PERIODS - 1) * sizeof *s->seen);
    else
        s->count++;
    s->seen[s->count - 1] = *now;
}

/* What the steps since the mark did, will be done again? Returns the steps skipped. */
static int64_t compare_steps(pass *p, int64_t i, int64_t trips)
{
    struct repeats *r = p->repeats;
    loop *l = &r->loops[WALK_LAST];
    int q = r->steps.period;
    touched now[REPEAT_RINGS];
    l->marks[0]->earliest = p->earliest;
    earliest_add(&p->earliest, &l->earliest);
    r->steps.period = 0;
    rings_find_touched(p, &(stretch){.position = WALK_LAST, .i = i, .steps = q}, now);
    period d; /* large, and mostly filled in as it is compared */
    d.p = p;
    d.marks = l->marks;
    d.mark_count = 1;
    d.now = now;
    d.iterations = q;
    d.limit = (trips - 1 - i) / q;
    d.scratch = &r->scratch;
    if (!is_period(&d)) {
        r->steps.quiet = i + r->steps.pause;
        r->steps.pause += r->steps.pause < 64 ? r->steps.pause : 0;
        return 0;
    }
    repeat(&d, d.limit);
    walk_repeat(&p->walk, &d.marks[0]->numbers, WALK_LAST, q, d.limit);
    r->steps.count = 0;
    return q * d.limit;
}

int64_t repeats_at_step(pass *p, int64_t i, int64_t trips)
{
    steps *s = &p->repeats->steps;
    if (s->period)
        return i == s->due ? compare_steps(p, i, trips) : 0;
    if (i < s->quiet)
        return 0;
    glimpse now;
    look_at(p, &now);
    int q = glimpse_again(s, &now);
    keep_glimpse(s, &now);
    if (!q || i + q + STEPS_WORTH > trips - 1)
        return 0;
    loop *l = &p->repeats->loops[WALK_LAST];
    mark_make(p, &(stretch){.position = WALK_LAST, .i = i, .steps = q}, l->marks[0]);
    l->earliest = p->earliest;
    earliest_reset(&p->earliest);
    s->period = q;
    s->due = i + q;
    return 0;
}
