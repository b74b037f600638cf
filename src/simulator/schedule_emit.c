/* The commands of a mapping in emission order, each with what it waits for: sections "Nest",
 * "Commands", "Waits" and "Control" of docs/model.md, step by step. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "mapping/dataflow.h"
#include "simulator/schedule_build.h"

/* A tile's stay in a ring, from its first use in a window to the window's end. Stays of a ring are
 * numbered in order of first use; -1 is no stay, no command. */
typedef struct stay {
    int64_t tile;    /* number of the tile in its operand */
    int64_t above;   /* L2: the stay in L3 that it comes from and goes back to */
    int64_t below;   /* L3: the latest stay in L2 of the tile */
    int64_t sibling; /* L2: the stay in L2 before it that has the same stay above */
    int64_t loaded;  /* the command that brought it from above */
    int64_t written; /* C: the latest command that wrote it from below */
    int64_t read;    /* A, B in L2: the latest stream out of it */
    int64_t stored;  /* C: its store */
} stay;

typedef struct ring {
    stay *stays;
    schedule_growth growth;
    int64_t *latest; /* of every tile of the operand, its latest stay */
    int64_t window;  /* number of the first stay of the present window */
    int64_t slots;   /* that waits know of */
    int64_t stored;  /* C: the next stay to be stored */
} ring;

typedef struct emitter {
    kpu_schedule *s;
    const kpu_mapping *m;
    uint32_t without;
    int stationary;
    schedule_growth command_growth, wait_growth;
    int code; /* not KPU_OK: nothing is added any more */
    kpu_command discarded;
    ring ring[KPU_OPERANDS][KPU_HOIST_LEVELS];
    int64_t loop[KPU_NEST]; /* indices of the present step */
    int64_t tile[KPU_DIMS];
    int64_t step, run;
    bool first_step, run_begins, run_ends;
    unsigned changed; /* loops whose index is another than at the step before; all at the first */
    int64_t *fab, *cout;     /* of every step */
    int64_t run_released[2]; /* command that lets go of the registers, by run mod 2 */
} emitter;

/* What a step uses of C, and who came in. */
typedef struct step_use {
    bool first[KPU_OPERANDS][KPU_HOIST_LEVELS]; /* first use in the window */
    int64_t at[KPU_OPERANDS][KPU_HOIST_LEVELS]; /* stays */
    int64_t c_before[KPU_HOIST_LEVELS];         /* the stay before, of a C tile that comes in */
    bool c_fresh;
    int64_t stream[KPU_OPERANDS]; /* this step's streams in, -1 if there is none */
} step_use;

int schedule_grow(void **items, schedule_growth *g)
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

/* Number of an operand's tile: row-major over its dimensions in the order m, n, k. */
static int64_t tile_number(const emitter *e, int x, const int64_t tile[KPU_DIMS])
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

static int64_t slot_of(const emitter *e, int x, int level, int64_t stay_number)
{
    return stay_number % e->s->slots[x][level];
}

static stay *stay_at(emitter *e, int x, int level, int64_t number)
{
    return &e->ring[x][level].stays[number];
}

/* ---- commands and waits --------------------------------------------------------------------- */

/* A new command of an operand's tile. Once something failed, one that nobody sees. */
static kpu_command *add_command(emitter *e, int kind, int x, int64_t tile)
{
    kpu_schedule *s = e->s;
    void *items = s->commands;
    if (e->code == KPU_OK)
        e->code = schedule_grow(&items, &e->command_growth);
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

static int64_t latest_command(const emitter *e)
{
    return e->s->command_count - 1;
}

/* Lets the latest command wait for another, if there is one. */
static void add_wait(emitter *e, int kind, int64_t command)
{
    kpu_schedule *s = e->s;
    if (e->code != KPU_OK || command < 0 || e->without >> kind & 1)
        return;
    void *items = s->waits;
    e->code = schedule_grow(&items, &e->wait_growth);
    s->waits = items;
    if (e->code != KPU_OK)
        return;
    s->waits[e->wait_growth.count++] = (kpu_wait){.command = command, .kind = (uint8_t)kind};
    s->wait_count = e->wait_growth.count;
    s->commands[latest_command(e)].wait_count++;
}

static void set_bytes(const emitter *e, kpu_command *c, int64_t element_bytes)
{
    int64_t extent[KPU_DIMS];
    kpu_command_extent(e->s, c, extent);
    c->bytes = extent[KPU_M] * extent[KPU_N] * extent[KPU_K] * element_bytes;
}

static void set_bytes_in(const emitter *e, kpu_command *c)
{
    const kpu_problem *p = &e->m->problem;
    set_bytes(e, c, c->operand == KPU_C ? p->partial_bytes : p->element_bytes[c->operand]);
}

static void set_bytes_out(const emitter *e, kpu_command *c, bool final)
{
    const kpu_problem *p = &e->m->problem;
    c->final = final;
    set_bytes(e, c, final ? p->element_bytes[KPU_C] : p->partial_bytes);
}

/* The first command that writes a stay waits until its slot is released. Streams run in order, so
 * the last one is the last to end; block movers need not. */
static void wait_for_slot(emitter *e, int x, int level, int64_t number)
{
    static const uint8_t kind_ab[] = {KPU_WAIT_L3_SLOT_AB, KPU_WAIT_L2_SLOT_AB};
    static const uint8_t kind_c[] = {KPU_WAIT_L3_SLOT_C, KPU_WAIT_L2_SLOT_C};
    ring *r = &e->ring[x][level];
    if (number < r->slots)
        return;
    const stay *tenant = &r->stays[number - r->slots];
    if (x == KPU_C)
        add_wait(e, kind_c[level], tenant->stored);
    else if (level == KPU_HOIST_L2)
        add_wait(e, kind_ab[level], tenant->read);
    else
        for (int64_t i = tenant->below; i >= 0; i = stay_at(e, x, KPU_HOIST_L2, i)->sibling)
            add_wait(e, kind_ab[level], stay_at(e, x, KPU_HOIST_L2, i)->loaded);
}

static bool unwritten(const stay *at)
{
    return at->loaded < 0 && at->written < 0;
}

/* ---- windows -------------------------------------------------------------------------------- */

static unsigned loops_of(const emitter *e, int x)
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
    if (e->first_step || (e->changed & outside & loops_of(e, x)))
        r->window = r->growth.count;
}

/* The stay of this step's tile; a new one if this is its first use in the window. */
static void enter(emitter *e, int x, int level, step_use *use)
{
    ring *r = &e->ring[x][level];
    int64_t tile = tile_number(e, x, e->tile);
    int64_t before = r->latest[tile];
    renew_window(e, x, level);
    use->first[x][level] = before < r->window;
    use->at[x][level] = before;
    if (x == KPU_C)
        use->c_before[level] = before;
    if (before >= r->window || e->code != KPU_OK)
        return;
    void *items = r->stays;
    e->code = schedule_grow(&items, &r->growth);
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

/* Ties the new stays in L2 to those in L3. */
static void link_stays(emitter *e, const step_use *use)
{
    for (int x = 0; x < KPU_OPERANDS; x++) {
        if (!use->first[x][KPU_HOIST_L2])
            continue;
        stay *above = stay_at(e, x, KPU_HOIST_L3, use->at[x][KPU_HOIST_L3]);
        stay *below = stay_at(e, x, KPU_HOIST_L2, use->at[x][KPU_HOIST_L2]);
        below->above = use->at[x][KPU_HOIST_L3];
        below->sibling = above->below;
        above->below = use->at[x][KPU_HOIST_L2];
    }
}

/* ---- stores --------------------------------------------------------------------------------- */

static void bm_store(emitter *e, int64_t number)
{
    stay *from = stay_at(e, KPU_C, KPU_HOIST_L2, number);
    stay *into = stay_at(e, KPU_C, KPU_HOIST_L3, from->above);
    kpu_command *c = add_command(e, KPU_CMD_BM_STORE_C, KPU_C, from->tile);
    c->source_slot = slot_of(e, KPU_C, KPU_HOIST_L2, number);
    c->dest_slot = slot_of(e, KPU_C, KPU_HOIST_L3, from->above);
    c->fresh = unwritten(into);
    set_bytes_out(e, c, e->code == KPU_OK && e->s->commands[from->written].final);
    if (c->fresh)
        wait_for_slot(e, KPU_C, KPU_HOIST_L3, from->above);
    add_wait(e, KPU_WAIT_BM_STORE_SOURCE, from->written);
    from->stored = into->written = latest_command(e);
}

static void dma_store(emitter *e, int64_t number)
{
    stay *from = stay_at(e, KPU_C, KPU_HOIST_L3, number);
    kpu_command *c = add_command(e, KPU_CMD_DMA_STORE_C, KPU_C, from->tile);
    c->source_slot = slot_of(e, KPU_C, KPU_HOIST_L3, number);
    set_bytes_out(e, c, e->code == KPU_OK && e->s->commands[from->written].final);
    add_wait(e, KPU_WAIT_DMA_STORE_SOURCE, from->written);
    from->stored = latest_command(e);
}

/* Every pending BM_STORE up to stay `last[L2]` or the last that a DMA_STORE carries, then every
 * pending DMA_STORE up to stay `last[L3]`. */
static void store_up_to(emitter *e, const int64_t last[KPU_HOIST_LEVELS])
{
    ring *l3 = &e->ring[KPU_C][KPU_HOIST_L3], *l2 = &e->ring[KPU_C][KPU_HOIST_L2];
    int64_t carried = last[KPU_HOIST_L2];
    for (int64_t q = l3->stored; q <= last[KPU_HOIST_L3]; q++)
        if (l3->stays[q].below > carried)
            carried = l3->stays[q].below;
    for (; l2->stored <= carried && e->code == KPU_OK; l2->stored++)
        bm_store(e, l2->stored);
    for (; l3->stored <= last[KPU_HOIST_L3] && e->code == KPU_OK; l3->stored++)
        dma_store(e, l3->stored);
}

/* iddo: what this step demands: the slots of its new stays, and the tile itself if it comes back.
 */
static void store_on_demand(emitter *e, const step_use *use)
{
    int64_t last[KPU_HOIST_LEVELS] = {-1, -1};
    for (int level = 0; level < KPU_HOIST_LEVELS; level++) {
        if (!use->first[KPU_C][level])
            continue;
        last[level] = use->at[KPU_C][level] - e->ring[KPU_C][level].slots;
        if (use->c_before[level] > last[level])
            last[level] = use->c_before[level];
    }
    store_up_to(e, last);
}

/* eddo: what the step before ended. */
static void store_at_window_end(emitter *e, const step_use *use)
{
    int64_t last[KPU_HOIST_LEVELS];
    (void)use;
    for (int level = 0; level < KPU_HOIST_LEVELS; level++)
        last[level] = e->ring[KPU_C][level].window - 1;
    store_up_to(e, last);
}

static void store_rest(emitter *e)
{
    int64_t last[KPU_HOIST_LEVELS];
    for (int level = 0; level < KPU_HOIST_LEVELS; level++)
        last[level] = e->ring[KPU_C][level].growth.count - 1;
    store_up_to(e, last);
}

/* ---- loads ---------------------------------------------------------------------------------- */

static void dma_load(emitter *e, int x, const step_use *use)
{
    int64_t number = use->at[x][KPU_HOIST_L3];
    stay *into = stay_at(e, x, KPU_HOIST_L3, number);
    kpu_command *c = add_command(e, KPU_CMD_DMA_LOAD_A + x, x, into->tile);
    c->dest_slot = slot_of(e, x, KPU_HOIST_L3, number);
    set_bytes_in(e, c);
    wait_for_slot(e, x, KPU_HOIST_L3, number);
    if (x == KPU_C)
        add_wait(e, KPU_WAIT_DRAM_C,
                 stay_at(e, x, KPU_HOIST_L3, use->c_before[KPU_HOIST_L3])->stored);
    into->loaded = latest_command(e);
}

static void bm_load(emitter *e, int x, const step_use *use)
{
    int64_t number = use->at[x][KPU_HOIST_L2];
    stay *into = stay_at(e, x, KPU_HOIST_L2, number);
    const stay *from = stay_at(e, x, KPU_HOIST_L3, into->above);
    kpu_command *c = add_command(e, KPU_CMD_BM_LOAD_A + x, x, into->tile);
    c->source_slot = slot_of(e, x, KPU_HOIST_L3, into->above);
    c->dest_slot = slot_of(e, x, KPU_HOIST_L2, number);
    set_bytes_in(e, c);
    wait_for_slot(e, x, KPU_HOIST_L2, number);
    add_wait(e, KPU_WAIT_L3_LOADED, from->loaded);
    /* A tile that was stored here was loaded from here before that: each store is ready later
     * than the one before it, so the latest stands for all. */
    add_wait(e, KPU_WAIT_L3_STORED, from->written);
    into->loaded = latest_command(e);
}

static void load(emitter *e, const step_use *use)
{
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (use->first[x][KPU_HOIST_L3] && !(x == KPU_C && use->c_fresh))
            dma_load(e, x, use);
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (use->first[x][KPU_HOIST_L2] && !(x == KPU_C && use->c_fresh))
            bm_load(e, x, use);
}

/* ---- streams and fabric -----------------------------------------------------------------------
 */

static int64_t register_slot(const emitter *e)
{
    return e->run % e->s->register_slots;
}

/* Where the operand lies at this step: in the registers or in L1. */
static int64_t use_slot(const emitter *e, int x)
{
    return x == e->stationary ? register_slot(e) : e->step % e->m->l1_buffers;
}

static int64_t of_earlier_step(const emitter *e, const int64_t *commands)
{
    return e->step < e->m->l1_buffers ? -1 : commands[e->step - e->m->l1_buffers];
}

static void wait_for_registers(emitter *e)
{
    int64_t run = e->run - e->s->register_slots;
    if (run >= 0)
        add_wait(e, KPU_WAIT_REGISTERS, e->run_released[run & 1]);
}

static void stream_in(emitter *e, int x, step_use *use)
{
    int64_t number = use->at[x][KPU_HOIST_L2];
    stay *from = stay_at(e, x, KPU_HOIST_L2, number);
    kpu_command *c = add_command(e, KPU_CMD_STR_A + x, x, from->tile);
    c->run_begins = x == e->stationary;
    c->source_slot = slot_of(e, x, KPU_HOIST_L2, number);
    c->dest_slot = use_slot(e, x);
    set_bytes_in(e, c);
    if (x == e->stationary)
        wait_for_registers(e);
    else if (x == KPU_C)
        add_wait(e, KPU_WAIT_ACCUMULATORS, of_earlier_step(e, e->cout));
    else
        add_wait(e, KPU_WAIT_L1_SLOT, of_earlier_step(e, e->fab));
    add_wait(e, KPU_WAIT_L2_LOADED, from->loaded);
    add_wait(e, KPU_WAIT_L2_STORED, from->written); /* the streamer is one: the latest is last */
    from->read = use->stream[x] = latest_command(e);
}

static void stream_all_in(emitter *e, step_use *use)
{
    for (int x = 0; x < KPU_OPERANDS; x++) {
        use->stream[x] = -1;
        if (x == e->stationary ? e->run_begins : true)
            if (!(x == KPU_C && use->c_fresh))
                stream_in(e, x, use);
    }
}

/* Waits in the order in which ties between them are broken. */
static void wait_for_operands(emitter *e, const step_use *use)
{
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (x != e->stationary)
            add_wait(e, KPU_WAIT_STREAM_FIRST, use->stream[x]);
    add_wait(e, KPU_WAIT_STATIONARY, use->stream[e->stationary]);
    if (use->c_fresh && e->stationary != KPU_C)
        add_wait(e, KPU_WAIT_ACCUMULATORS, of_earlier_step(e, e->cout));
    if (use->c_fresh && e->stationary == KPU_C && e->run_begins)
        wait_for_registers(e);
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (x != e->stationary)
            add_wait(e, KPU_WAIT_STREAM_READY, use->stream[x]);
}

static void compute(emitter *e, const step_use *use)
{
    kpu_command *c = add_command(e, KPU_CMD_FAB, KPU_C, tile_number(e, KPU_C, e->tile));
    memcpy(c->tile, e->tile, sizeof c->tile);
    c->fresh = use->c_fresh;
    c->run_begins = e->run_begins;
    c->run_ends = e->run_ends;
    for (int x = 0; x < KPU_OPERANDS; x++)
        c->use_slot[x] = use_slot(e, x);
    wait_for_operands(e, use);
    e->fab[e->step] = latest_command(e);
    if (e->run_ends && e->stationary != KPU_C)
        e->run_released[e->run & 1] = latest_command(e);
}

static void stream_out(emitter *e, const step_use *use)
{
    int64_t number = use->at[KPU_C][KPU_HOIST_L2];
    stay *into = stay_at(e, KPU_C, KPU_HOIST_L2, number);
    kpu_command *c = add_command(e, KPU_CMD_STR_COUT, KPU_C, into->tile);
    c->run_ends = e->stationary == KPU_C;
    c->source_slot = use_slot(e, KPU_C);
    c->dest_slot = slot_of(e, KPU_C, KPU_HOIST_L2, number);
    c->fresh = unwritten(into);
    set_bytes_out(e, c, e->tile[KPU_K] == e->m->tiles[KPU_K] - 1);
    if (c->fresh)
        wait_for_slot(e, KPU_C, KPU_HOIST_L2, number);
    add_wait(e, KPU_WAIT_RESULT, e->fab[e->step]);
    into->written = e->cout[e->step] = latest_command(e);
    if (e->stationary == KPU_C)
        e->run_released[e->run & 1] = latest_command(e);
}

/* ---- the nest ---------------------------------------------------------------------------------
 */

static int64_t trips(const emitter *e, const int64_t loop[KPU_NEST], int position)
{
    const kpu_mapping *m = e->m;
    int d = m->loop_dim[position];
    if (position < KPU_BLOCK_LOOPS)
        return m->blocks[d];
    int block = 0;
    while (m->loop_dim[block] != d)
        block++;
    return loop[block] == m->blocks[d] - 1 ? m->last_block_tiles[d] : m->block_tiles[d];
}

/* The loops that change from this step to the next, whose indices become *next; 0 at the end. */
static unsigned next_step(const emitter *e, int64_t next[KPU_NEST])
{
    int position = KPU_NEST - 1;
    memcpy(next, e->loop, KPU_NEST * sizeof *next);
    while (position >= 0 && next[position] == trips(e, e->loop, position) - 1)
        next[position--] = 0;
    if (position < 0)
        return 0;
    next[position]++;
    unsigned changed = 0;
    for (int i = 0; i < KPU_NEST; i++)
        changed |= (unsigned)(next[i] != e->loop[i]) << i;
    return changed;
}

static void set_tiles(emitter *e)
{
    memset(e->tile, 0, sizeof e->tile);
    for (int i = 0; i < KPU_NEST; i++) {
        int d = e->m->loop_dim[i];
        e->tile[d] += e->loop[i] * (i < KPU_BLOCK_LOOPS ? e->m->block_tiles[d] : 1);
    }
}

/* Stores go first: under iddo they belong to this step, under eddo to the one before. */
static void store_before(emitter *e, const step_use *use)
{
    static void (*const store[KPU_CONTROLS])(emitter *, const step_use *) = {
        [KPU_IDDO] = store_on_demand, [KPU_EDDO] = store_at_window_end};
    bool earlier = e->m->control == KPU_EDDO && !e->first_step;
    int64_t step = e->step, run = e->run;
    if (earlier) {
        e->step--;
        e->run -= e->run_begins;
    }
    store[e->m->control](e, use);
    e->step = step;
    e->run = run;
}

static void emit_step(emitter *e)
{
    step_use use = {.c_fresh = e->tile[KPU_K] == 0};
    for (int x = 0; x < KPU_OPERANDS; x++)
        for (int level = 0; level < KPU_HOIST_LEVELS; level++)
            enter(e, x, level, &use);
    if (e->code != KPU_OK)
        return;
    store_before(e, &use);
    link_stays(e, &use);
    load(e, &use);
    stream_all_in(e, &use);
    compute(e, &use);
    if (e->stationary != KPU_C || e->run_ends)
        stream_out(e, &use);
}

static void emit_all(emitter *e)
{
    const unsigned run_loops = loops_of(e, e->stationary);
    int64_t next[KPU_NEST];
    e->first_step = e->run_begins = true;
    unsigned changed;
    do {
        set_tiles(e);
        changed = next_step(e, next);
        e->run_ends = !changed || (changed & run_loops);
        emit_step(e);
        if (!changed)
            break;
        memcpy(e->loop, next, sizeof next);
        e->changed = changed;
        e->first_step = false;
        e->run_begins = e->run_ends;
        e->step++;
        e->run += e->run_ends;
    } while (e->code == KPU_OK);
    if (e->code == KPU_OK)
        store_rest(e);
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

static int prepare(emitter *e)
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

static void fini(emitter *e)
{
    free(e->fab);
    free(e->cout);
    for (int i = 0; i < KPU_OPERANDS * KPU_HOIST_LEVELS; i++) {
        ring *r = &e->ring[i / KPU_HOIST_LEVELS][i % KPU_HOIST_LEVELS];
        free(r->stays);
        free(r->latest);
    }
}

static int64_t count_steps(const kpu_mapping *m)
{
    return m->tiles[KPU_M] * m->tiles[KPU_N] * m->tiles[KPU_K];
}

int schedule_emit(kpu_schedule *s, const kpu_schedule_options *options, kpu_diag *diag)
{
    int64_t limit = options->max_commands ? options->max_commands : KPU_SCHEDULE_COMMANDS_MAX;
    s->steps = count_steps(&s->mapping);
    emitter e = {.s = s,
                 .m = &s->mapping,
                 .without = options->without,
                 .stationary = kpu_dataflow_stationary(kpu_dataflow_at(s->mapping.dataflow))};
    e.command_growth = (schedule_growth){.limit = limit, .item_bytes = sizeof(kpu_command)};
    e.wait_growth = (schedule_growth){.limit = INT64_MAX / (int64_t)sizeof(kpu_wait),
                                      .item_bytes = sizeof(kpu_wait)};
    e.code = s->steps > limit ? KPU_E_RANGE : prepare(&e);
    if (e.code == KPU_OK)
        emit_all(&e);
    fini(&e);
    if (e.code == KPU_E_RANGE)
        return kpu_diag_add(diag, e.code,
                            "the schedule has more than %" PRId64 " commands (steps: %" PRId64
                            "); larger tiles give fewer",
                            limit, s->steps);
    if (e.code == KPU_E_MEMORY)
        return kpu_diag_add(diag, e.code, "out of memory for the commands of a schedule");
    return e.code;
}
