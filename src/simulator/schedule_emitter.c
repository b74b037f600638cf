/* Lists of commands and waits, and the rings that say who waits for whom. */
#include "simulator/schedule_emitter.h"

#include <stdlib.h>

#include "mapping/dataflow.h"

/* Room for one more: KPU_OK, KPU_E_RANGE beyond the limit, KPU_E_MEMORY. */
static int grow(void **items, schedule_growth *g)
{
    if (g->count < g->capacity)
        return KPU_OK;
    if (g->count >= g->limit)
        return KPU_E_RANGE;
    int64_t capacity = g->capacity > g->limit / 2 ? g->limit : g->capacity * 2;
    if (capacity < 64)
        capacity = g->limit < 64 ? g->limit : 64;
    void *grown = realloc(*items, (size_t)capacity * g->item_bytes);
    if (!grown)
        return KPU_E_MEMORY;
    *items = grown;
    g->capacity = capacity;
    return KPU_OK;
}

/* ---- tiles -------------------------------------------------------------------------------- */

int64_t emitter_tile_number(const emitter *e, int x, const int64_t tile[KPU_DIMS])
{
    int64_t number = 0;
    for (int d = 0; d < KPU_DIMS; d++)
        if (kpu_operand_dims[x] >> d & 1)
            number = number * e->m->tiles[d] + tile[d];
    return number;
}

static void tile_of_number(const emitter *e, int x, int64_t number, int64_t tile[KPU_DIMS])
{
    for (int d = KPU_DIMS - 1; d >= 0; d--) {
        tile[d] = -1;
        if (!(kpu_operand_dims[x] >> d & 1))
            continue;
        tile[d] = number % e->m->tiles[d];
        number /= e->m->tiles[d];
    }
}

/* ---- commands and waits --------------------------------------------------------------------- */

kpu_command *emitter_add_command(emitter *e, int kind, int x, int64_t tile)
{
    kpu_schedule *s = e->s;
    void *items = s->commands;
    if (e->code == KPU_OK)
        e->code = grow(&items, &e->command_growth);
    s->commands = items;
    kpu_command *c = e->code == KPU_OK ? &s->commands[e->command_growth.count++] : &e->discarded;
    s->command_count = e->command_growth.count;
    *c = (kpu_command){.kind = (uint8_t)kind,
                       .operand = (uint8_t)x,
                       .step = e->step,
                       .run = e->run,
                       .source_slot = -1,
                       .dest_slot = -1,
                       .use_slot = {-1, -1, -1},
                       .first_wait = s->wait_count,
                       .critical = -1};
    tile_of_number(e, x, tile, c->tile);
    return c;
}

void emitter_add_wait(emitter *e, int kind, int64_t command)
{
    kpu_schedule *s = e->s;
    if (e->code != KPU_OK || command < 0 || e->without >> kind & 1)
        return;
    void *items = s->waits;
    e->code = grow(&items, &e->wait_growth);
    s->waits = items;
    if (e->code != KPU_OK)
        return;
    s->waits[e->wait_growth.count++] = (kpu_wait){.command = command, .kind = (uint8_t)kind};
    s->wait_count = e->wait_growth.count;
    s->commands[latest_command(e)].wait_count++;
}

/* Streams run in order, so that the last is the last to end. Block movers need not. */
void emitter_wait_for_slot(emitter *e, int x, int level, int64_t number)
{
    static const uint8_t kind_ab[] = {KPU_WAIT_L3_SLOT_AB, KPU_WAIT_L2_SLOT_AB};
    static const uint8_t kind_c[] = {KPU_WAIT_L3_SLOT_C, KPU_WAIT_L2_SLOT_C};
    ring *r = &e->ring[x][level];
    if (number < r->slots)
        return;
    const stay *tenant = &r->stays[number - r->slots];
    if (x == KPU_C)
        emitter_add_wait(e, kind_c[level], tenant->stored);
    else if (level == KPU_HOIST_L2)
        emitter_add_wait(e, kind_ab[level], tenant->read);
    else
        for (int64_t i = tenant->below; i >= 0; i = stay_at(e, x, KPU_HOIST_L2, i)->sibling)
            emitter_add_wait(e, kind_ab[level], stay_at(e, x, KPU_HOIST_L2, i)->loaded);
}

/* ---- windows -------------------------------------------------------------------------------- */

unsigned emitter_loops_of(const emitter *e, int x)
{
    unsigned loops = 0;
    for (int i = 0; i < KPU_NEST; i++)
        if (kpu_operand_dims[x] >> e->m->loop_dim[i] & 1)
            loops |= 1u << i;
    return loops;
}

/* Begins a new window if its identity is another one. */
static void renew_window(emitter *e, int x, int level)
{
    unsigned outside = (1u << e->m->hoist[x][level]) - 1;
    ring *r = &e->ring[x][level];
    if (e->first_step || (e->changed & outside & emitter_loops_of(e, x)))
        r->window = r->growth.count;
}

void emitter_enter(emitter *e, int x, int level, step_use *use)
{
    ring *r = &e->ring[x][level];
    int64_t tile = emitter_tile_number(e, x, e->tile);
    int64_t before = r->latest[tile];
    renew_window(e, x, level);
    use->first[x][level] = before < r->window;
    use->at[x][level] = before;
    if (x == KPU_C)
        use->c_before[level] = before;
    if (before >= r->window || e->code != KPU_OK)
        return;
    void *items = r->stays;
    e->code = grow(&items, &r->growth);
    r->stays = items;
    if (e->code != KPU_OK)
        return;
    use->at[x][level] = r->latest[tile] = r->growth.count;
    r->stays[r->growth.count++] = (stay){.tile = tile,
                                         .above = -1,
                                         .below = -1,
                                         .sibling = -1,
                                         .loaded = -1,
                                         .written = -1,
                                         .read = -1,
                                         .stored = -1};
}

/* ---- memory -----------------------------------------------------------------------------------
 */

/* An array of `count` times -1, NULL if there is no memory. */
static int64_t *new_numbers(int64_t count)
{
    int64_t *numbers = malloc((size_t)count * sizeof *numbers);
    for (int64_t i = 0; numbers && i < count; i++)
        numbers[i] = -1;
    return numbers;
}

int emitter_prepare(emitter *e)
{
    bool complete = (e->fab = new_numbers(e->s->steps)) && (e->cout = new_numbers(e->s->steps));
    for (int x = 0; x < KPU_OPERANDS; x++)
        for (int level = 0; level < KPU_HOIST_LEVELS; level++) {
            ring *r = &e->ring[x][level];
            int64_t tiles = 1;
            for (int d = 0; d < KPU_DIMS; d++)
                tiles *= kpu_operand_dims[x] >> d & 1 ? e->m->tiles[d] : 1;
            *r = (ring){.latest = new_numbers(tiles), .slots = e->m->slots[x][level]};
            r->growth = (schedule_growth){.limit = INT64_MAX / (int64_t)sizeof(stay),
                                          .item_bytes = sizeof(stay)};
            complete = complete && r->latest;
        }
    return complete ? KPU_OK : KPU_E_MEMORY;
}

void emitter_fini(emitter *e)
{
    free(e->fab);
    free(e->cout);
    for (int i = 0; i < KPU_OPERANDS * KPU_HOIST_LEVELS; i++) {
        ring *r = &e->ring[i / KPU_HOIST_LEVELS][i % KPU_HOIST_LEVELS];
        free(r->stays);
        free(r->latest);
    }
}
