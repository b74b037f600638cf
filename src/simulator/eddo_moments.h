/* Private to the simulator: moments of a run that eddo's fast-forward may come back to. */
#ifndef KPU_SRC_SIMULATOR_EDDO_MOMENTS_H
#define KPU_SRC_SIMULATOR_EDDO_MOMENTS_H

#include "simulator/eddo_shape.h"

/* A state between two events. */
typedef struct moment {
    shape shape;
    engine *engines; /* DMA engines, block movers */
    tally tally;
    int64_t near_fetches;
    dram_record *unsettled; /* stores of the tiles of C from shape.settled on, as remembered */
    int64_t unsettled_count;
    int64_t serial;       /* 1, 2, ... over all runs; 0: not kept */
    int64_t next;         /* serial of the moment that this one led to; 0: not known yet */
    int64_t like;         /* serial of an older one whose words have the same hash; 0: none */
    uint64_t hash;        /* of the words */
    size_t offset, bytes; /* where its arrays lie */
} moment;

/* The latest moments, at most MOMENTS and as many as fit. */
enum { MOMENTS = 512, MOMENTS_BYTES = 2 << 20, MOMENT_BUCKETS = 1024, UNSETTLED_MOST = 64 };
typedef struct moments {
    shape_room room;
    size_t engines;
    moment draft; /* the next one, as long as it is not kept */
    moment kept[MOMENTS];
    int64_t bucket[MOMENT_BUCKETS]; /* serial of the latest moment with such a hash */
    int64_t oldest, next;           /* serials */
    size_t head;                    /* where the next one's arrays go */
    buffer draft_buffer, kept_buffer;
} moments;

/* For a run; forgets those of earlier ones. False: out of memory. */
bool moments_start(moments *m, const struct eddo *d);
void moments_free(moments *m);
/* Takes the present one as the draft. False: it is not of a kind that is kept. */
bool moments_take(moments *m, struct eddo *d);
/* Makes the draft the present state, whose shape it has already; a copy of one that is kept. */
void moments_note(moments *m, const struct eddo *d);
void moments_redraft(moments *m, const moment *kept);
/* Keeps the draft, as what the moment `from` led to; its serial. Older ones make room. */
int64_t moments_keep(moments *m, int64_t from);
/* By serial, NULL if it is not kept any more; the next older one whose words may be alike. */
const moment *moments_get(const moments *m, int64_t serial);
const moment *moments_older(const moments *m, const moment *than);

#endif
