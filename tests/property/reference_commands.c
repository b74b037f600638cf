/* reference_commands.c - every command with everything it waits for (sections 5 to 7). */
#include "reference_parts.h"

#include <stdlib.h>

/* What happened so far to an arrival. */
typedef struct history {
    size_t *readers, reader_count, reader_capacity;
    size_t *writers, writer_count, writer_capacity;
    size_t store; /* or REF_NONE */
} history;

typedef struct run_record {
    size_t last_fab, cout;
} run_record;

typedef struct emitter {
    const ref_nest *nest;
    ref_result *result;
    ref_program *program;
    ref_residence residence[KPU_HOIST_LEVELS][KPU_OPERANDS];
    history *history[KPU_HOIST_LEVELS][KPU_OPERANDS];
    size_t *last_dma_store;              /* of each C tile */
    size_t next_store[KPU_HOIST_LEVELS]; /* iddo: first C arrival not yet stored */
    size_t *fab_of_step, *cout_of_step;
    run_record *runs;
    size_t run; /* the present one */
    bool run_begins, run_ends;
    int stationary;
    size_t step;
} emitter;

static const int slot_stall[KPU_HOIST_LEVELS] = {KPU_STALL_L3_SLOTS, KPU_STALL_L2_SLOTS};

/* ---- Commands and waits ------------------------------------------------------------------- */

static const struct {
    int operand, engine_class;
} kinds[KPU_COMMANDS] = {
    [KPU_CMD_DMA_LOAD_A] = {KPU_A, KPU_ENGINE_DMA},
    [KPU_CMD_DMA_LOAD_B] = {KPU_B, KPU_ENGINE_DMA},
    [KPU_CMD_DMA_LOAD_C] = {KPU_C, KPU_ENGINE_DMA},
    [KPU_CMD_BM_LOAD_A] = {KPU_A, KPU_ENGINE_BM},
    [KPU_CMD_BM_LOAD_B] = {KPU_B, KPU_ENGINE_BM},
    [KPU_CMD_BM_LOAD_C] = {KPU_C, KPU_ENGINE_BM},
    [KPU_CMD_STR_A] = {KPU_A, KPU_ENGINE_STR_A},
    [KPU_CMD_STR_B] = {KPU_B, KPU_ENGINE_STR_B},
    [KPU_CMD_STR_CIN] = {KPU_C, KPU_ENGINE_STR_CIN},
    [KPU_CMD_FAB] = {KPU_C, KPU_ENGINE_FAB},
    [KPU_CMD_STR_COUT] = {KPU_C, KPU_ENGINE_STR_COUT},
    [KPU_CMD_BM_STORE_C] = {KPU_C, KPU_ENGINE_BM},
    [KPU_CMD_DMA_STORE_C] = {KPU_C, KPU_ENGINE_DMA},
};

static size_t emit(emitter *e, int kind, int64_t bytes)
{
    const kpu_machine *machine = e->nest->machine;
    ref_program *program = e->program;
    kpu_rational bandwidth = {1, 1};
    ref_command command = {.kind = kind,
                           .operand = kinds[kind].operand,
                           .engine_class = kinds[kind].engine_class,
                           .bytes = bytes,
                           .latency = machine->streamer_latency_cycles,
                           .first_wait = program->wait_count,
                           .streams = {REF_NONE, REF_NONE, REF_NONE}};
    switch (command.engine_class) {
    case KPU_ENGINE_DMA:
        bandwidth = machine->dma_bytes_per_cycle;
        command.latency = machine->dma_latency_cycles;
        break;
    case KPU_ENGINE_BM:
        bandwidth = machine->block_mover_bytes_per_cycle;
        command.latency = machine->block_mover_latency_cycles;
        break;
    case KPU_ENGINE_STR_A: bandwidth = machine->row_bytes_per_cycle; break;
    case KPU_ENGINE_STR_B: bandwidth = machine->col_bytes_per_cycle; break;
    case KPU_ENGINE_FAB: command.latency = 0; break;
    default: bandwidth = machine->drain_bytes_per_cycle; break;
    }
    command.duration = ref_ceil_div(bytes * bandwidth.den, bandwidth.num);
    if (command.engine_class == KPU_ENGINE_BM && e->nest->problem->transposed[command.operand])
        command.duration *= 2; /* all of it in by rows, then all of it out by columns */
    program->commands = ref_grow(program->commands, &program->command_capacity,
                                 program->command_count + 1, sizeof command);
    program->commands[program->command_count] = command;
    e->result->counts.commands[kind]++;
    return program->command_count++;
}

/* The command emitted last waits for a moment of an earlier one. */
static void wait_for(emitter *e, size_t earlier, ref_moment moment, int slot, int operand)
{
    ref_program *program = e->program;
    program->waits = ref_grow(program->waits, &program->wait_capacity, program->wait_count + 1,
                              sizeof *program->waits);
    program->waits[program->wait_count++] = (ref_wait){earlier, moment, slot, operand};
    program->commands[program->command_count - 1].wait_count++;
}

static void wait_for_source(emitter *e, size_t earlier, ref_moment moment)
{
    wait_for(e, earlier, moment, REF_SOURCE, 0);
}

static void wait_for_writers(emitter *e, const history *h)
{
    for (size_t i = 0; i < h->writer_count; i++)
        wait_for_source(e, h->writers[i], REF_READY);
}

/* The first write of arrival q waits until arrival q - S is released. */
static void wait_for_slot(emitter *e, int level, int operand, size_t q)
{
    size_t slots = (size_t)e->result->slots[operand][level];
    if (q < slots)
        return;
    const history *h = &e->history[level][operand][q - slots];
    if (operand == KPU_C)
        wait_for(e, h->store, REF_BUSY_END, slot_stall[level], operand);
    else
        for (size_t i = 0; i < h->reader_count; i++)
            wait_for(e, h->readers[i], REF_BUSY_END, slot_stall[level], operand);
}

static void add_reader(history *h, size_t command)
{
    h->readers = ref_grow(h->readers, &h->reader_capacity, h->reader_count + 1, sizeof(size_t));
    h->readers[h->reader_count++] = command;
}

static void add_writer(history *h, size_t command)
{
    h->writers = ref_grow(h->writers, &h->writer_capacity, h->writer_count + 1, sizeof(size_t));
    h->writers[h->writer_count++] = command;
}

/* ---- Stores ------------------------------------------------------------------------------- */

static const ref_step *first_step(const emitter *e, int level, size_t q)
{
    return &e->nest->steps[e->residence[level][KPU_C].arrivals[q].first_step];
}

/* The L3 arrival that holds L2 arrival q of C. */
static size_t l3_arrival_of(const emitter *e, size_t q)
{
    size_t step = e->residence[KPU_HOIST_L2][KPU_C].arrivals[q].first_step;
    return e->residence[KPU_HOIST_L3][KPU_C].arrival_of_step[step];
}

static void emit_bm_store(emitter *e, size_t q)
{
    const ref_arrival *arrival = &e->residence[KPU_HOIST_L2][KPU_C].arrivals[q];
    history *from = &e->history[KPU_HOIST_L2][KPU_C][q];
    size_t l3 = l3_arrival_of(e, q);
    history *to = &e->history[KPU_HOIST_L3][KPU_C][l3];
    int64_t bytes = ref_tile_bytes(e->nest, KPU_C, first_step(e, KPU_HOIST_L2, q), arrival->final);
    size_t command = emit(e, KPU_CMD_BM_STORE_C, bytes);
    if (to->writer_count == 0)
        wait_for_slot(e, KPU_HOIST_L3, KPU_C, l3);
    wait_for_source(e, from->writers[from->writer_count - 1], REF_READY);
    add_writer(to, command);
    from->store = command;
    e->result->counts.traffic.l2_to_l3[KPU_C] += bytes;
}

static void emit_dma_store(emitter *e, size_t q)
{
    const ref_arrival *arrival = &e->residence[KPU_HOIST_L3][KPU_C].arrivals[q];
    history *from = &e->history[KPU_HOIST_L3][KPU_C][q];
    int64_t bytes = ref_tile_bytes(e->nest, KPU_C, first_step(e, KPU_HOIST_L3, q), arrival->final);
    size_t command = emit(e, KPU_CMD_DMA_STORE_C, bytes);
    wait_for_source(e, from->writers[from->writer_count - 1], REF_READY);
    from->store = command;
    e->last_dma_store[arrival->tile] = command;
    e->result->counts.traffic.dram_write[KPU_C] += bytes;
}

/* eddo: the windows that end with this step. */
static void emit_stores_at_window_end(emitter *e)
{
    for (int level = KPU_HOIST_L2; level >= KPU_HOIST_L3; level--) {
        const ref_residence *residence = &e->residence[level][KPU_C];
        for (size_t q = 0; q < residence->arrival_count; q++) {
            if (residence->arrivals[q].end_step != e->step)
                continue;
            if (level == KPU_HOIST_L2)
                emit_bm_store(e, q);
            else
                emit_dma_store(e, q);
        }
    }
}

/* iddo: how many pending stores of a level (counted from arrival 0) this step needs emitted:
 * for the slot of its tile, and for loading its tile again. */
static size_t needed_by_step(const emitter *e, int level)
{
    const ref_residence *residence = &e->residence[level][KPU_C];
    size_t q = residence->arrival_of_step[e->step];
    size_t needed = 0;
    if (residence->arrivals[q].first_step != e->step)
        return 0;
    size_t slots = (size_t)e->result->slots[KPU_C][level];
    if (q >= slots)
        needed = q - slots + 1;
    if (!residence->arrivals[q].fresh)
        for (size_t i = e->next_store[level]; i < q; i++)
            if (residence->arrivals[i].tile == residence->arrivals[q].tile && i + 1 > needed)
                needed = i + 1;
    return needed;
}

static void emit_stores_up_to(emitter *e, size_t dma_needed, size_t bm_needed)
{
    size_t bm_count = e->residence[KPU_HOIST_L2][KPU_C].arrival_count;
    for (size_t q = e->next_store[KPU_HOIST_L2]; q < bm_count; q++) {
        size_t l3 = l3_arrival_of(e, q);
        if (l3 >= e->next_store[KPU_HOIST_L3] && l3 < dma_needed && q + 1 > bm_needed)
            bm_needed = q + 1;
    }
    while (e->next_store[KPU_HOIST_L2] < bm_needed)
        emit_bm_store(e, e->next_store[KPU_HOIST_L2]++);
    while (e->next_store[KPU_HOIST_L3] < dma_needed)
        emit_dma_store(e, e->next_store[KPU_HOIST_L3]++);
}

/* ---- One step ----------------------------------------------------------------------------- */

static void emit_dma_load(emitter *e, int operand)
{
    const ref_step *step = &e->nest->steps[e->step];
    size_t q = e->residence[KPU_HOIST_L3][operand].arrival_of_step[e->step];
    const ref_arrival *arrival = &e->residence[KPU_HOIST_L3][operand].arrivals[q];
    if (arrival->first_step != e->step || (operand == KPU_C && arrival->fresh))
        return;
    int64_t bytes = ref_tile_bytes(e->nest, operand, step, false);
    size_t command = emit(e, KPU_CMD_DMA_LOAD_A + operand, bytes);
    wait_for_slot(e, KPU_HOIST_L3, operand, q);
    if (operand == KPU_C)
        wait_for_source(e, e->last_dma_store[arrival->tile], REF_READY);
    add_writer(&e->history[KPU_HOIST_L3][operand][q], command);
    e->result->counts.traffic.dram_read[operand] += bytes;
}

static void emit_bm_load(emitter *e, int operand)
{
    const ref_step *step = &e->nest->steps[e->step];
    size_t q = e->residence[KPU_HOIST_L2][operand].arrival_of_step[e->step];
    size_t l3 = e->residence[KPU_HOIST_L3][operand].arrival_of_step[e->step];
    const ref_arrival *arrival = &e->residence[KPU_HOIST_L2][operand].arrivals[q];
    if (arrival->first_step != e->step || (operand == KPU_C && arrival->fresh))
        return;
    int64_t bytes = ref_tile_bytes(e->nest, operand, step, false);
    size_t command = emit(e, KPU_CMD_BM_LOAD_A + operand, bytes);
    wait_for_slot(e, KPU_HOIST_L2, operand, q);
    wait_for_writers(e, &e->history[KPU_HOIST_L3][operand][l3]);
    add_reader(&e->history[KPU_HOIST_L3][operand][l3], command);
    add_writer(&e->history[KPU_HOIST_L2][operand][q], command);
    e->result->counts.traffic.l3_to_l2[operand] += bytes;
}

static bool c_is_fresh(const emitter *e)
{
    const ref_residence *residence = &e->residence[KPU_HOIST_L2][KPU_C];
    const ref_arrival *arrival = &residence->arrivals[residence->arrival_of_step[e->step]];
    return arrival->fresh && arrival->first_step == e->step;
}

static bool is_streamed_in(const emitter *e, int operand)
{
    if (operand == KPU_C && c_is_fresh(e))
        return false;
    return operand != e->stationary || e->run_begins;
}

/* The registers that this run needs: let go of by the run before, or the one before that. */
static void wait_for_registers(emitter *e)
{
    size_t back = e->result->double_buffered ? 2 : 1;
    if (e->run < back)
        return;
    const run_record *run = &e->runs[e->run - back];
    wait_for(e, e->stationary == KPU_C ? run->cout : run->last_fab, REF_BUSY_END,
             KPU_STALL_REGISTER_SLOTS, e->stationary);
}

static void wait_for_accumulators(emitter *e)
{
    size_t d1 = (size_t)e->nest->candidate->l1_buffers;
    if (e->step >= d1)
        wait_for(e, e->cout_of_step[e->step - d1], REF_BUSY_END, KPU_STALL_L1_SLOTS, KPU_C);
}

static size_t emit_stream_in(emitter *e, int operand)
{
    size_t d1 = (size_t)e->nest->candidate->l1_buffers;
    size_t q = e->residence[KPU_HOIST_L2][operand].arrival_of_step[e->step];
    int64_t bytes = ref_tile_bytes(e->nest, operand, &e->nest->steps[e->step], false);
    if (!is_streamed_in(e, operand))
        return REF_NONE;
    size_t command = emit(e, KPU_CMD_STR_A + operand, bytes);
    wait_for_writers(e, &e->history[KPU_HOIST_L2][operand][q]);
    add_reader(&e->history[KPU_HOIST_L2][operand][q], command);
    if (operand == e->stationary)
        wait_for_registers(e);
    else if (operand == KPU_C)
        wait_for_accumulators(e);
    else if (e->step >= d1) /* one such stream a step, so the step is its number */
        wait_for(e, e->fab_of_step[e->step - d1], REF_BUSY_END, KPU_STALL_L1_SLOTS, operand);
    e->result->counts.traffic.l2_to_l1[operand] += bytes;
    return command;
}

static int64_t compute_cycles(const ref_nest *nest, const int64_t extent[KPU_DIMS])
{
    int64_t rows = nest->machine->fabric_rows, cols = nest->machine->fabric_cols;
    static const int depth_dim[KPU_DATAFLOWS] = {KPU_K, KPU_M, KPU_N};
    int64_t depth = extent[depth_dim[nest->candidate->dataflow]];
    if (nest->machine->pipelining == KPU_PIPELINING_NONE)
        depth += (nest->candidate->dataflow == KPU_OS ? rows : 2 * rows) + cols - 2;
    return ref_passes(nest, extent) * depth;
}

static void emit_fab(emitter *e, const size_t streams[KPU_OPERANDS])
{
    size_t command = emit(e, KPU_CMD_FAB, 0);
    ref_command *fab = &e->program->commands[command];
    fab->duration = compute_cycles(e->nest, e->nest->steps[e->step].extent);
    e->result->counts.compute_cycles += fab->duration;
    /* in the order in which ties of their ends are attributed */
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (x != e->stationary && streams[x] != REF_NONE) {
            wait_for_source(e, streams[x], REF_FIRST_DATUM);
            fab->streams[x] = streams[x];
        }
    if (streams[e->stationary] != REF_NONE)
        wait_for_source(e, streams[e->stationary], REF_READY);
    if (e->stationary != KPU_C && c_is_fresh(e))
        wait_for_accumulators(e);
    if (e->stationary == KPU_C && c_is_fresh(e))
        wait_for_registers(e);
    e->fab_of_step[e->step] = command;
    e->runs[e->run].last_fab = command;
}

static void emit_cout(emitter *e)
{
    if (e->stationary == KPU_C && !e->run_ends)
        return;
    size_t q = e->residence[KPU_HOIST_L2][KPU_C].arrival_of_step[e->step];
    history *h = &e->history[KPU_HOIST_L2][KPU_C][q];
    const ref_step *step = &e->nest->steps[e->step];
    bool final = true; /* unless a later step uses the tile */
    for (size_t s = e->step + 1; s < e->nest->step_count && final; s++)
        final =
            ref_tile_id(e->nest, KPU_C, &e->nest->steps[s]) != ref_tile_id(e->nest, KPU_C, step);
    int64_t bytes = ref_tile_bytes(e->nest, KPU_C, step, final);
    size_t command = emit(e, KPU_CMD_STR_COUT, bytes);
    if (h->writer_count == 0)
        wait_for_slot(e, KPU_HOIST_L2, KPU_C, q);
    wait_for_source(e, e->fab_of_step[e->step], REF_SKEWED_END);
    add_writer(h, command);
    e->cout_of_step[e->step] = command;
    e->runs[e->run].cout = command;
    e->result->counts.traffic.l1_to_l2[KPU_C] += bytes;
    if (e->stationary == KPU_C)
        e->result->counts.traffic.fabric_to_l1[KPU_C] += bytes;
}

/* What L1 feeds the fabric and gets back (os: its C goes out with the stream). */
static void count_fabric_bytes(emitter *e)
{
    const ref_nest *nest = e->nest;
    const ref_step *step = &nest->steps[e->step];
    kpu_traffic *traffic = &e->result->counts.traffic;
    int64_t pieces[KPU_DIMS];
    for (int d = 0; d < KPU_DIMS; d++)
        pieces[d] = ref_pieces(nest, d, step->extent);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        int64_t bytes = ref_tile_bytes(nest, x, step, false);
        if (x == e->stationary) {
            traffic->l1_to_fabric[x] += is_streamed_in(e, x) ? bytes : 0;
            continue;
        }
        /* fed once for each piece along the dimension that is not its own */
        int64_t times = x == KPU_A ? pieces[KPU_N] : x == KPU_B ? pieces[KPU_M] : pieces[KPU_K];
        traffic->l1_to_fabric[x] += times * bytes;
        if (x == KPU_C)
            traffic->fabric_to_l1[x] += times * bytes;
    }
}

static bool same_stationary(const emitter *e, size_t a, size_t b)
{
    return ref_tile_id(e->nest, e->stationary, &e->nest->steps[a]) ==
           ref_tile_id(e->nest, e->stationary, &e->nest->steps[b]);
}

static void emit_step(emitter *e)
{
    size_t last = e->nest->step_count - 1;
    e->run_begins = e->step == 0 || !same_stationary(e, e->step - 1, e->step);
    e->run_ends = e->step == last || !same_stationary(e, e->step, e->step + 1);
    if (e->run_begins && e->step > 0)
        e->run++;
    if (e->nest->candidate->control == KPU_IDDO)
        emit_stores_up_to(e, needed_by_step(e, KPU_HOIST_L3), needed_by_step(e, KPU_HOIST_L2));
    for (int x = 0; x < KPU_OPERANDS; x++)
        emit_dma_load(e, x);
    for (int x = 0; x < KPU_OPERANDS; x++)
        emit_bm_load(e, x);
    size_t streams[KPU_OPERANDS];
    for (int x = 0; x < KPU_OPERANDS; x++)
        streams[x] = emit_stream_in(e, x);
    emit_fab(e, streams);
    emit_cout(e);
    count_fabric_bytes(e);
    if (e->nest->candidate->control == KPU_EDDO)
        emit_stores_at_window_end(e);
}

/* ---- The whole run ------------------------------------------------------------------------ */

static void emitter_init(emitter *e)
{
    const ref_nest *nest = e->nest;
    static const int stationary_of[KPU_DATAFLOWS] = {KPU_C, KPU_B, KPU_A};
    e->stationary = stationary_of[nest->candidate->dataflow];
    for (int level = 0; level < KPU_HOIST_LEVELS; level++)
        for (int x = 0; x < KPU_OPERANDS; x++) {
            ref_residence *residence = &e->residence[level][x];
            ref_residence_make(nest, x, e->result->hoist[x][level], residence);
            e->history[level][x] = ref_allocate(residence->arrival_count, sizeof(history));
        }
    e->last_dma_store =
        ref_allocate((size_t)(nest->tiles[KPU_M] * nest->tiles[KPU_N]), sizeof(size_t));
    e->fab_of_step = ref_allocate(nest->step_count, sizeof(size_t));
    e->cout_of_step = ref_allocate(nest->step_count, sizeof(size_t));
    e->runs = ref_allocate(nest->step_count, sizeof(run_record));
}

static void emitter_fini(emitter *e)
{
    for (int level = 0; level < KPU_HOIST_LEVELS; level++)
        for (int x = 0; x < KPU_OPERANDS; x++) {
            for (size_t q = 0; q < e->residence[level][x].arrival_count; q++) {
                free(e->history[level][x][q].readers);
                free(e->history[level][x][q].writers);
            }
            free(e->history[level][x]);
            ref_residence_fini(&e->residence[level][x]);
        }
    free(e->last_dma_store);
    free(e->fab_of_step);
    free(e->cout_of_step);
    free(e->runs);
}

void ref_program_make(const ref_nest *nest, ref_result *result, ref_program *out)
{
    emitter e = {.nest = nest, .result = result, .program = out};
    *out = (ref_program){0};
    if (nest->machine->pipelining == KPU_PIPELINING_FULL)
        out->skew = nest->machine->fabric_rows + nest->machine->fabric_cols - 2;
    emitter_init(&e);
    for (e.step = 0; e.step < nest->step_count; e.step++)
        emit_step(&e);
    if (nest->candidate->control == KPU_IDDO)
        emit_stores_up_to(&e, e.residence[KPU_HOIST_L3][KPU_C].arrival_count,
                          e.residence[KPU_HOIST_L2][KPU_C].arrival_count);
    result->counts.steps = (int64_t)nest->step_count;
    emitter_fini(&e);
}

void ref_program_fini(ref_program *program)
{
    free(program->commands);
    free(program->waits);
    *program = (ref_program){0};
}
