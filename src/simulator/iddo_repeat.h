/* Private to iddo's fast-forward: what is remembered of the start of an iteration.
 *
 * The system is time-invariant: if at the start of an iteration everything that commands will read
 * equals, but for one shift D of all times, what it was q iterations before, then the iterations
 * from here on do what those q did, D later; and so on, for as long as what they find in the rings
 * fits as well. Compared are: the engines, the fabric, L1 and registers (iddo_repeat.c), and of
 * every ring the tiles that these iterations can touch (iddo_rings.c). Two times correspond if they
 * differ by D, or if both are so early that they lost against another wait of the same command:
 * then neither start nor cause depends on them. */
#ifndef KPU_SRC_SIMULATOR_IDDO_REPEAT_H
#define KPU_SRC_SIMULATOR_IDDO_REPEAT_H

#include "simulator/iddo.h"

enum { REPEAT_RINGS = KPU_OPERANDS * KPU_HOIST_LEVELS };

/* The tiles of a ring that an iteration can touch: `count` slots from tile number `from` on; -1:
 * more than there is room for. */
typedef struct touched {
    int64_t from, count;
    bool filling; /* C: new tiles come and no store has been demanded yet */
} touched;

/* The start of an iteration. */
typedef struct mark {
    walk_numbers numbers;
    int64_t fabric_free, registers[2], next_dma, next_bm, l1_slot, cycles;
    int64_t stored[KPU_HOIST_LEVELS];
    int run_parity;
    engine stream[IDDO_STREAMS];
    earliest earliest; /* of the iteration that starts here */
    touched touched[REPEAT_RINGS];
    tally tally;
    engine *engines;            /* DMA, block movers */
    int64_t *l1;                /* fab_end, cout_end */
    int64_t room[REPEAT_RINGS]; /* slots that there is memory for */
    slot *ab[KPU_OPERANDS][KPU_HOIST_LEVELS];
    slot_c *c[KPU_HOIST_LEVELS];
} mark;

/* Room for what a period found in a ring and what it left there; for all stores remembered. */
typedef struct ring_scratch {
    slot *ab_found, *ab_left;
    slot_c *c_found, *c_left;
    dram_time *stored;
    int64_t *written; /* which places */
} ring_scratch;

/* A reader of a time loses nothing by reading another: both lie before what else the reader waited
 * for, then and, `shift` later, now; or before its engine's `then` and `now`, which never go back:
 * since when it has been busy, so that a wait for them is `order` either way. */
typedef struct time_floor {
    int64_t moving, then, now;
} time_floor;
enum { READERS = 2 };

/* What a period found in a ring: `span` slots from tile number `from` on, `step` further on in each
 * period. */
typedef struct range {
    int ring;
    int64_t slots, from, span, step;
    time_floor ready[READERS], release[READERS];
    bool stays;                /* no new tiles */
    int64_t links, links_step; /* C: how links count on */
} range;

/* Two instants of a run at which the same is to come: that of a mark, and now. */
typedef struct period {
    pass *p;
    mark *const *marks; /* of the iterations that came then, in order; or one for all of them */
    int mark_count;
    const touched *now; /* by the iteration that starts now */
    int iterations;
    int64_t shift;     /* D */
    int64_t limit;     /* repetitions that are possible, as far as known */
    earliest earliest; /* of these iterations */
    /* Their new tiles; C's stores. */
    int64_t tiles[REPEAT_RINGS], stores[KPU_HOIST_LEVELS];
    time_floor since[2], until[2]; /* block movers, DMA engines: see time_floor */
    range range[REPEAT_RINGS];
    const ring_scratch *scratch;
} period;

/* So many periods later. */
typedef struct lapse {
    int64_t shift, link_step;
} lapse;

/* Which slots the iteration of the loop at `position` that starts now can touch; with WALK_LAST,
 * the `steps` steps from `i` on. */
typedef struct stretch {
    int position;
    int64_t i, steps;
    bool first_or_last; /* of its loop, perhaps: a run may begin or end in it */
} stretch;
/* Fills the mark for what starts now; or for the slots that it names already. */
void mark_make(const pass *p, const stretch *of, mark *m);
void mark_make_as_touched(const pass *p, mark *m);
void rings_find_touched(const pass *p, const stretch *of, touched out[REPEAT_RINGS]);
void rings_copy_touched(const pass *p, mark *m);
/* Lowers period->limit to the repetitions for which the rings fit; false if there is none. */
bool rings_fit(period *d);
/* The same for one repetition of what the mark's iteration did, wherever the mark was made. */
bool rings_fit_once(period *d);
/* `count` slots of a ring from tile number `from` on, in order. */
void ring_copy(const void *ring, size_t size, int64_t slots, const touched *t, void *out);
/* What the period found in a ring, into the scratch. */
void ring_gather(const period *d, const range *g);
/* Brings the rings, but not their walks' numbers, to where `times` repetitions leave them. */
void rings_repeat(const period *d, int64_t times);

/* What C's place `left` of `found` becomes elsewhere, and A's or B's. */
void leave_slot(const slot *found, const slot *left, int64_t shift, slot *out);
void leave_c(const range *g, const slot_c *found, const slot_c *left, const lapse *by, slot_c *out);

/* Whether all but the rings is as it was; the earlier of two times may have become immaterial. */
bool is_period(period *d);
bool same_l1(const period *d);
bool same_since(const engine *before, const engine *now, int64_t shift, int64_t wait);
bool was_idle(const engine *before, const engine *now, int64_t shift, int64_t wait);
bool shifted(int64_t before, int64_t now, int64_t shift);
/* Everything but the walk, which has other loops to look after, `times` periods on. The mark's
 * engines and L1 are overwritten. */
void repeat(const period *d, int64_t times);

void tally_add(tally *now, const tally *left, const tally *found);

/* The earliest release that streams of operand x can have waited for. */
int64_t stream_slot_floor(const period *d, int x);

static inline int64_t ring_slots(const pass *p, int ring)
{
    return p->program->window[ring / KPU_HOIST_LEVELS][ring % KPU_HOIST_LEVELS].slots;
}
static inline size_t engine_count(const pass *p)
{
    return (size_t)(p->t->dma_engines + p->t->bm_engines);
}
static inline int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
static inline int64_t slot_of(int64_t number, int64_t slots)
{
    int64_t at = number % slots;
    return at < 0 ? at + slots : at;
}
static inline void pass_period(const period *d, const range *g, lapse *l)
{
    l->shift += d->shift;
    l->link_step += g->links_step;
    if (g->ring % KPU_HOIST_LEVELS == KPU_HOIST_L2 && l->link_step >= g->links)
        l->link_step -= g->links;
}

#endif
