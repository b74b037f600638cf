#include "simulator/eddo_replay.h"

#include "simulator/eddo_period.h"

typedef struct search {
    struct eddo *d;
    replay *apart;
    unsigned first_matters; /* loops whose first iteration is not like the others */
} search;

/* Places of a kind are the same distance apart; and rings have been gone round in both or are the
 * same. */
static bool places_correspond(const search *s, const shape *old, const shape *now)
{
    bool known[PLACE_KINDS] = {false};
    for (int kind = 0; kind < PLACE_KINDS; kind++)
        s->apart->place[kind] = 0;
    for (size_t i = 0; i < now->places; i++) {
        int kind = now->kind[i] & PLACE_KIND;
        int64_t apart = now->place[i] - old->place[i];
        if (now->kind[i] != old->kind[i])
            return false;
        if (i == now->loose)
            continue;
        if (known[kind] && s->apart->place[kind] != apart)
            return false;
        known[kind] = true;
        s->apart->place[kind] = apart;
    }
    for (int ring = 0; ring < EDDO_RINGS; ring++)
        if (s->apart->place[ring] && (now->zone[ring] == 0 || old->zone[ring] == 0))
            return false;
    return true;
}

/* On the way from `a` to `b` the loop is not at an iteration that is unlike those that it is at
 * `apart` iterations from there. */
static bool loop_corresponds(const search *s, int who, int loop, const shape *a, const shape *b)
{
    const walk *w = period_walk(s->d, who);
    int64_t apart = s->apart->index[who][loop], from = a->index[who][loop],
            to = b->index[who][loop];
    for (int l = 0; l < loop; l++)
        if (a->index[who][l] != b->index[who][l])
            return false;
    int64_t least = s->first_matters >> loop & 1 ? 1 : 0;
    int64_t most = w->trips[loop] - (period_last_is_alike(s->d, w, loop) ? 1 : 2);
    return from <= to && from >= least && from + apart >= least && to <= most && to + apart <= most;
}

/* What led from `a` to `b` leads on from where it corresponds to `a`. */
static bool follows(const search *s, const moment *a, const moment *b)
{
    for (int who = 0; who < EDDO_ACTORS; who++)
        for (int loop = 0; loop < KPU_NEST; loop++)
            if (s->apart->index[who][loop] && !loop_corresponds(s, who, loop, &a->shape, &b->shape))
                return false;
    int64_t stores = 0;
    for (int e = 0; e < KPU_EDGES; e++)
        stores += b->tally.dma_store[0][e] - a->tally.dma_store[0][e] + b->tally.dma_store[1][e] -
                  a->tally.dma_store[1][e];
    /* The end of the run, so far, is that of the latest store. */
    return a->near_fetches == b->near_fetches && (stores == 0 || b->tally.cycles > a->tally.cycles);
}

static unsigned first_matters(const kpu_program *p)
{
    return shape_first_matters(p) | 1u << WALK_LAST;
}

const moment *replay_find(struct eddo *d, const moments *m, const moment *old, replay *out)
{
    const shape *now = &m->draft.shape;
    search s = {.d = d, .apart = out, .first_matters = first_matters(d->program)};
    const moment *next = moments_get(m, old->next), *last = old;
    if (!next)
        return NULL;
    out->cycles = now->now - old->shape.now;
    for (int a = 0; a < EDDO_ACTORS; a++)
        for (int l = 0; l < KPU_NEST; l++)
            out->index[a][l] = now->index[a][l] - old->shape.index[a][l];
    if (!follows(&s, old, next) || !places_correspond(&s, &old->shape, now))
        return NULL;
    while (next && follows(&s, last, next)) {
        last = next;
        next = moments_get(m, last->next);
    }
    return last;
}
