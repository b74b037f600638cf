/* The ring in which finished units of kpu_explore wait for their turn: unit u in slot u % slots.
 * Each slot keeps a block of memory, if the ring is short. It is long for the sake of other ranks;
 * then most units wait as ranks send them, and how many bytes may is bounded. */
#ifndef KPU_EXPLORER_RING_H
#define KPU_EXPLORER_RING_H

#include <stdatomic.h>

#include "explorer/units.h"

typedef struct kpu_slot {
    _Atomic int64_t finished; /* the unit that is here, + 1 */
    int error;                /* kpu_error of the last point tried; ends the run there */
    kpu_unit unit;
    char *encoded; /* the unit, as ranks send it; NULL: it is there already */
    size_t bytes;
    bool is_noted; /* for kpu_explore_options.ahead */
} kpu_slot;

typedef struct kpu_ring {
    const kpu_units *units;
    size_t slot_count;
    kpu_slot *slots;
    bool has_ranks;                 /* all below is of such a ring */
    int64_t plain_max;              /* units of this process that wait without being encoded */
    double unit_bytes;              /* of those that came from ranks; the sink's thread alone */
    _Atomic int64_t delivered;      /* units whose slots are free again */
    _Atomic int64_t plain, encoded; /* units that wait, bytes of the others */
    _Atomic int64_t encoded_max;
} kpu_ring;

/* `units` stays the caller's; ranks: this process and others, 1 if there are none. False: out of
 * memory. */
bool kpu_ring_init(kpu_ring *ring, const kpu_units *units, int workers, int ranks);
void kpu_ring_fini(kpu_ring *ring);

static inline kpu_slot *kpu_ring_slot(const kpu_ring *ring, int64_t unit)
{
    return &ring->slots[unit % (int64_t)ring->slot_count];
}

/* ---- Workers ----------------------------------------------------------------------------- */

/* Whether the unit has a slot. */
bool kpu_ring_reaches(kpu_ring *ring, int64_t unit);
/* So many bytes wait that only what the ring waits for should be done. */
bool kpu_ring_is_full(kpu_ring *ring);
/* Whether a unit that is done now has to be encoded: kpu_ring_keep instead of kpu_slot.unit. */
bool kpu_ring_encodes(kpu_ring *ring);
/* A copy of the bytes of a unit, for its slot; NULL: there was no memory for them. */
void kpu_ring_keep(kpu_ring *ring, int64_t unit, const char *bytes, size_t size);
/* The slot is as it should be, and its turn may come. */
void kpu_ring_finish(kpu_ring *ring, int64_t unit);

/* ---- The sink's thread -------------------------------------------------------------------- */

bool kpu_ring_is_finished(const kpu_ring *ring, int64_t unit);
/* So many bytes had an answer of another rank. */
void kpu_ring_learn(kpu_ring *ring, size_t size);
/* The next unit in order was handed over. */
void kpu_ring_advance(kpu_ring *ring);
/* The first unit that may not be lent to other ranks: there is no slot, or no memory. They have
 * so many threads; `next` is the first one that nobody has, `lent` are on their way. */
int64_t kpu_ring_end_of_lending(kpu_ring *ring, size_t threads, int64_t next, int64_t lent);

/* ---- Units -------------------------------------------------------------------------------- */

/* Rows and metrics, if the unit has none yet. False: out of memory. */
bool kpu_unit_make_room(kpu_unit *unit);
void kpu_unit_free(kpu_unit *unit);
/* Nothing could be done of the unit: KPU_E_MEMORY. */
int kpu_unit_lack_memory(const kpu_units *units, int64_t unit, kpu_unit *out);

#endif
