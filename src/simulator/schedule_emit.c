/* The commands of a mapping in emission order, each with what it waits for: sections "Nest",
 * "Commands", "Waits" and "Control" of docs/model.md, step by step. */
#include <inttypes.h>
#include <string.h>

#include "mapping/dataflow.h"
#include "simulator/schedule_emitter.h"

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
    kpu_command *c = emitter_add_command(e, KPU_CMD_BM_STORE_C, KPU_C, from->tile);
    c->source_slot = slot_of(e, KPU_C, KPU_HOIST_L2, number);
    c->dest_slot = slot_of(e, KPU_C, KPU_HOIST_L3, from->above);
    c->fresh = unwritten(into);
    set_bytes_out(e, c, e->code == KPU_OK && e->s->commands[from->written].final);
    if (c->fresh)
        emitter_wait_for_slot(e, KPU_C, KPU_HOIST_L3, from->above);
    emitter_add_wait(e, KPU_WAIT_BM_STORE_SOURCE, from->written);
    from->stored = into->written = latest_command(e);
}

static void dma_store(emitter *e, int64_t number)
{
    stay *from = stay_at(e, KPU_C, KPU_HOIST_L3, number);
    kpu_command *c = emitter_add_command(e, KPU_CMD_DMA_STORE_C, KPU_C, from->tile);
    c->source_slot = slot_of(e, KPU_C, KPU_HOIST_L3, number);
    set_bytes_out(e, c, e->code == KPU_OK && e->s->commands[from->written].final);
    emitter_add_wait(e, KPU_WAIT_DMA_STORE_SOURCE, from->written);
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
    kpu_command *c = emitter_add_command(e, KPU_CMD_DMA_LOAD_A + x, x, into->tile);
    c->dest_slot = slot_of(e, x, KPU_HOIST_L3, number);
    set_bytes_in(e, c);
    emitter_wait_for_slot(e, x, KPU_HOIST_L3, number);
    if (x == KPU_C)
        emitter_add_wait(e, KPU_WAIT_DRAM_C,
                         stay_at(e, x, KPU_HOIST_L3, use->c_before[KPU_HOIST_L3])->stored);
    into->loaded = latest_command(e);
}

static void bm_load(emitter *e, int x, const step_use *use)
{
    int64_t number = use->at[x][KPU_HOIST_L2];
    stay *into = stay_at(e, x, KPU_HOIST_L2, number);
    const stay *from = stay_at(e, x, KPU_HOIST_L3, into->above);
    kpu_command *c = emitter_add_command(e, KPU_CMD_BM_LOAD_A + x, x, into->tile);
    c->source_slot = slot_of(e, x, KPU_HOIST_L3, into->above);
    c->dest_slot = slot_of(e, x, KPU_HOIST_L2, number);
    set_bytes_in(e, c);
    emitter_wait_for_slot(e, x, KPU_HOIST_L2, number);
    emitter_add_wait(e, KPU_WAIT_L3_LOADED, from->loaded);
    /* A tile that was stored here was loaded from here before that: each store is ready later
     * than the one before it, so the latest stands for all. */
    emitter_add_wait(e, KPU_WAIT_L3_STORED, from->written);
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
        emitter_add_wait(e, KPU_WAIT_REGISTERS, e->run_released[run & 1]);
}

static void stream_in(emitter *e, int x, step_use *use)
{
    int64_t number = use->at[x][KPU_HOIST_L2];
    stay *from = stay_at(e, x, KPU_HOIST_L2, number);
    kpu_command *c = emitter_add_command(e, KPU_CMD_STR_A + x, x, from->tile);
    c->run_begins = x == e->stationary;
    c->source_slot = slot_of(e, x, KPU_HOIST_L2, number);
    c->dest_slot = use_slot(e, x);
    set_bytes_in(e, c);
    if (x == e->stationary)
        wait_for_registers(e);
    else if (x == KPU_C)
        emitter_add_wait(e, KPU_WAIT_ACCUMULATORS, of_earlier_step(e, e->cout));
    else
        emitter_add_wait(e, KPU_WAIT_L1_SLOT, of_earlier_step(e, e->fab));
    emitter_add_wait(e, KPU_WAIT_L2_LOADED, from->loaded);
    emitter_add_wait(e, KPU_WAIT_L2_STORED,
                     from->written); /* the streamer is one: the latest is last */
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
            emitter_add_wait(e, KPU_WAIT_STREAM_FIRST, use->stream[x]);
    emitter_add_wait(e, KPU_WAIT_STATIONARY, use->stream[e->stationary]);
    if (use->c_fresh && e->stationary != KPU_C)
        emitter_add_wait(e, KPU_WAIT_ACCUMULATORS, of_earlier_step(e, e->cout));
    if (use->c_fresh && e->stationary == KPU_C && e->run_begins)
        wait_for_registers(e);
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (x != e->stationary)
            emitter_add_wait(e, KPU_WAIT_STREAM_READY, use->stream[x]);
}

static void compute(emitter *e, const step_use *use)
{
    kpu_command *c =
        emitter_add_command(e, KPU_CMD_FAB, KPU_C, emitter_tile_number(e, KPU_C, e->tile));
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
    kpu_command *c = emitter_add_command(e, KPU_CMD_STR_COUT, KPU_C, into->tile);
    c->run_ends = e->stationary == KPU_C;
    c->source_slot = use_slot(e, KPU_C);
    c->dest_slot = slot_of(e, KPU_C, KPU_HOIST_L2, number);
    c->fresh = unwritten(into);
    set_bytes_out(e, c, e->tile[KPU_K] == e->m->tiles[KPU_K] - 1);
    if (c->fresh)
        emitter_wait_for_slot(e, KPU_C, KPU_HOIST_L2, number);
    emitter_add_wait(e, KPU_WAIT_RESULT, e->fab[e->step]);
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
            emitter_enter(e, x, level, &use);
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
    const unsigned run_loops = emitter_loops_of(e, e->stationary);
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

/* ------------------------------------------------------------------------------------------- */

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
    e.code = s->steps > limit ? KPU_E_RANGE : emitter_prepare(&e);
    if (e.code == KPU_OK)
        emit_all(&e);
    emitter_fini(&e);
    if (e.code == KPU_E_RANGE)
        return kpu_diag_add(diag, e.code,
                            "the schedule has more than %" PRId64 " commands (steps: %" PRId64
                            "); larger tiles give fewer",
                            limit, s->steps);
    if (e.code == KPU_E_MEMORY)
        return kpu_diag_add(diag, e.code, "out of memory for the commands of a schedule");
    return e.code;
}
