/* Private to eddo's shapes: the one traversal of a state that takes its shape, or gives it one. */
#ifndef KPU_SRC_SIMULATOR_EDDO_SHAPER_H
#define KPU_SRC_SIMULATOR_EDDO_SHAPER_H

#include "simulator/eddo_shape.h"

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

static inline int64_t exact_time(const shaper *s, int64_t time)
{
    return (time - s->now) * TIME_KINDS + TIME_EXACT;
}

/* For streamers and the fabric. */
static inline int64_t core_time(const shaper *s, int64_t time)
{
    if (time == EDDO_UNKNOWN)
        return TIME_UNKNOWN;
    return time > s->now ? exact_time(s, time) : TIME_PAST;
}

/* It is before some that are busy became so, and after others did. */
static inline int64_t told_apart(shaper *s, int by, int64_t time)
{
    if (time < s->earliest[by])
        s->earliest[by] = time;
    return exact_time(s, time);
}

/* For the engines of a queue: before, or after, all that are busy became so. */
static inline int64_t queue_time(shaper *s, int by, int64_t time)
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
static inline int64_t shared_time(shaper *s, int64_t time)
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

static inline int64_t time_of(const shaper *s, int64_t word)
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

static inline int64_t pass_core_time(shaper *s, int64_t time)
{
    int64_t word = pass_word(s, core_time(s, time));
    return s->giving ? time_of(s, word) : time;
}

static inline int64_t pass_exact_time(shaper *s, int64_t time)
{
    int64_t word = pass_word(s, exact_time(s, time));
    return s->giving ? time_of(s, word) : time;
}

/* The tiles of a ring whose records matter. */
typedef struct zone {
    int64_t from, to;
} zone;
zone shape_find_zone(struct eddo *d, int x, int level);
/* The tiles in the rings. */
bool shape_pass_rings(shaper *s);

#endif
