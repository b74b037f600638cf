/* Private to the simulator: the shape of eddo's state, by which fast-forward knows it again.
 *
 * A shape holds whatever can make a difference to a later command, put so that it does not depend
 * on when and where in the run it is: words, in which times are relative to the present cycle and
 * those of the past that no later command can tell apart are alike, and tiles' records are runs of
 * like ones; and places, which count tiles, steps and runs. Between two events everybody is blocked
 * by what some later event decides, so every later command starts after the present cycle (DMA
 * engines and block movers: not before it), and no wait ends earlier that is not known yet. Hence
 * of a time that has passed
 * - streamers and the fabric can tell nothing;
 * - DMA engines and block movers only whether one of them has been busy without a break since.
 * Equal words at places that correspond have the same future. */
#ifndef KPU_SRC_SIMULATOR_EDDO_SHAPE_H
#define KPU_SRC_SIMULATOR_EDDO_SHAPE_H

#include "simulator/eddo.h"

enum { EDDO_ACTORS = KPU_OPERANDS + 4, EDDO_RINGS = KPU_OPERANDS * KPU_HOIST_LEVELS };

/* What a place counts: tiles of a ring (walk_bit), steps, runs, or something else; and what it is
 * to tiles. */
enum {
    PLACE_STEPS = EDDO_RINGS,
    PLACE_RUNS,
    PLACE_KINDS,
    PLACE_KIND = 15,  /* mask */
    PLACE_SLOT = 16,  /* its slot matters as well, which is that of the tile a ring before */
    PLACE_WAITS = 32, /* a command waits for that slot */
    PLACE_FREED = 64  /* from here on tiles are, or are not, released or about to be */
};

/* Since when engines have been busy without a break: of those that are busy, the first and last. */
typedef struct busy_since {
    int64_t least, most; /* INT64_MAX, INT64_MIN: none is busy */
    int64_t count;
} busy_since;

typedef struct shape {
    int64_t now;
    size_t words, places;
    int64_t *word, *place;
    uint16_t *kind;                       /* of each place */
    int64_t index[EDDO_ACTORS][KPU_NEST]; /* of the walks; the last is the actor's iteration */
    int64_t zone[EDDO_RINGS];             /* first tile of each ring whose record matters */
    size_t engines;                       /* where their words begin */
    size_t loose; /* the place of the last C tile that was fetched again, if ever one was */
    busy_since dma;
    int64_t settled, newest_stored;
} shape;

/* Room for a shape of this run; some of it only up to the rings' end. */
typedef struct shape_room {
    size_t words, places, ring_words, ring_places;
} shape_room;
shape_room shape_room_of(const struct eddo *d);

/* False if it does not fit the room. */
bool shape_take(struct eddo *d, const shape_room *room, shape *out);
/* Makes the state that has that shape, at its places, cycle and indices, of one of the same run.
 * Since when engines have been busy, and which stores of C are remembered, is the caller's. */
void shape_give(struct eddo *d, shape *wanted);

/* Loops of which it matters later whether this is their first iteration, one bit each. */
unsigned shape_first_matters(const kpu_program *program);

#endif
