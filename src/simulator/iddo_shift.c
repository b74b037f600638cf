/* iddo's fast-forward: engines, fabric, L1, registers and counts after so many periods more. */
#include <string.h>

#include "simulator/iddo_repeat.h"

static int64_t greatest_divisor(int64_t a, int64_t b)
{
    while (b) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* What each engine was busy for in `times` more periods, in each of which engines take the place of
 * those `turn` before. `before` is overwritten. */
static void repeat_busy(engine *before, engine *now, int64_t count, int64_t turn, int64_t times)
{
    int64_t cycle = turn ? count / greatest_divisor(count, turn) : 1;
    int64_t rounds = times / cycle, rest = times % cycle;
    for (int64_t e = 0; e < count; e++)
        before[e].busy = now[e].busy - before[e].busy;
    for (int64_t e = 0; e < count; e++) {
        int64_t from = e;
        for (int64_t k = 0; k < cycle; k++) {
            from = (from - turn + count) % count;
            now[e].busy += before[from].busy * (rounds + (k < rest));
        }
    }
}

/* Engines `times` periods on. `before` is overwritten. */
static void repeat_engines(engine *before, engine *now, int64_t count, int64_t turn,
                           const int64_t by[2]) /* times, shift */
{
    int64_t times = by[0], later = times * by[1];
    bool used = false, broken = false;
    for (int64_t e = 0; e < count; e++) {
        used = used || now[e].free != before[e].free;
        broken = broken || now[e].since != before[e].since;
    }
    if (!used)
        return;
    repeat_busy(before, now, count, turn, times);
    int64_t total = turn * (times % count) % count;
    for (int64_t e = 0; e < count; e++) {
        engine *to = &before[(e + total) % count];
        bool moves = broken && (turn || now[e].since != to->since);
        to->free = now[e].free + later;
        to->busy = now[(e + total) % count].busy;
        if (!broken)
            continue; /* each has been busy since it was, wherever it stands in the row */
        to->since = moves ? now[e].since + later : now[e].since;
    }
    memcpy(now, before, (size_t)count * sizeof *now);
}

static void repeat_tally(tally *now, const tally *before, int64_t times)
{
    int64_t cycles = now->cycles;
    const int64_t *b = (const int64_t *)(const void *)before;
    int64_t *n = (int64_t *)(void *)now;
    for (size_t i = 0; i < sizeof *now / sizeof *n; i++)
        if (n[i] != b[i]) /* most have not counted */
            n[i] += times * (n[i] - b[i]);
    now->cycles = cycles;
}

void tally_add(tally *now, const tally *left, const tally *found)
{
    const int64_t *l = (const int64_t *)(const void *)left;
    const int64_t *f = (const int64_t *)(const void *)found;
    int64_t *n = (int64_t *)(void *)now;
    for (size_t i = 0; i < sizeof *now / sizeof *n; i++)
        n[i] += l[i] - f[i];
}

static void repeat_l1(const period *d, int64_t times)
{
    pass *p = d->p;
    const mark *m = d->marks[0];
    int64_t d1 = p->program->l1_buffers, *now = p->s->fab_end;
    int64_t turn = (p->l1_slot - m->l1_slot + d1) % d1 * (times % d1) % d1;
    for (int64_t i = 0; i < 2 * d1; i++)
        m->l1[i < d1 ? (i + turn) % d1 : d1 + (i - d1 + turn) % d1] =
            now[i] < 0 ? now[i] : now[i] + times * d->shift;
    memcpy(now, m->l1, (size_t)d1 * 2 * sizeof *now);
    p->l1_slot = (p->l1_slot + turn) % d1;
}

static void repeat_registers(const period *d, int64_t times)
{
    pass *p = d->p;
    const mark *m = d->marks[0];
    if (p->registers[0] == m->registers[0] && p->registers[1] == m->registers[1])
        return;
    bool turned = (p->run_parity != m->run_parity) && times % 2;
    int64_t moved[2];
    for (int i = 0; i < 2; i++)
        moved[i ^ turned] =
            p->registers[i] < 0 ? p->registers[i] : p->registers[i] + times * d->shift;
    memcpy(p->registers, moved, sizeof moved);
    p->run_parity ^= turned;
}

static void repeat_streams(const period *d, int64_t times)
{
    for (int x = 0; x < IDDO_STREAMS; x++) {
        engine *now = &d->p->stream[x];
        const engine *before = &d->marks[0]->stream[x];
        if (now->free == before->free)
            continue;
        if (now->since != before->since)
            now->since += times * d->shift;
        now->free += times * d->shift;
    }
}

void repeat(const period *d, int64_t times)
{
    pass *p = d->p;
    mark *m = d->marks[0];
    const timing *t = p->t;
    int64_t dma_turn = (p->next_dma - m->next_dma + t->dma_engines) % t->dma_engines;
    int64_t bm_turn = (p->next_bm - m->next_bm + t->bm_engines) % t->bm_engines;
    const int64_t by[2] = {times, d->shift};
    rings_repeat(d, times);
    repeat_engines(m->engines, p->s->dma, t->dma_engines, dma_turn, by);
    repeat_engines(m->engines + t->dma_engines, p->s->bm, t->bm_engines, bm_turn, by);
    p->next_dma = (p->next_dma + dma_turn * (times % t->dma_engines)) % t->dma_engines;
    p->next_bm = (p->next_bm + bm_turn * (times % t->bm_engines)) % t->bm_engines;
    repeat_l1(d, times);
    repeat_registers(d, times);
    repeat_streams(d, times);
    p->fabric_free += times * d->shift;
    repeat_tally(p->tally, &m->tally, times);
    if (p->stored[KPU_HOIST_L3] != m->stored[KPU_HOIST_L3])
        p->tally->cycles += times * d->shift;
    for (int level = 0; level < KPU_HOIST_LEVELS; level++) {
        int64_t slots = p->program->window[KPU_C][level].slots;
        p->stored[level] += times * (p->stored[level] - m->stored[level]);
        p->stored_slot[level] = p->stored[level] % slots;
    }
}
