/* Each command by itself, and the memories as they are laid out. */
#include "simulator/schedule_check.h"

/* Per kind: its operand, and whether it goes up, away from the array. */
static const uint8_t operands[KPU_COMMANDS] = {
    [KPU_CMD_DMA_LOAD_A] = KPU_A,  [KPU_CMD_DMA_LOAD_B] = KPU_B, [KPU_CMD_DMA_LOAD_C] = KPU_C,
    [KPU_CMD_BM_LOAD_A] = KPU_A,   [KPU_CMD_BM_LOAD_B] = KPU_B,  [KPU_CMD_BM_LOAD_C] = KPU_C,
    [KPU_CMD_STR_A] = KPU_A,       [KPU_CMD_STR_B] = KPU_B,      [KPU_CMD_STR_CIN] = KPU_C,
    [KPU_CMD_FAB] = KPU_C,         [KPU_CMD_STR_COUT] = KPU_C,   [KPU_CMD_BM_STORE_C] = KPU_C,
    [KPU_CMD_DMA_STORE_C] = KPU_C,
};

static bool lacks(int operand, int dim)
{
    return dim == (operand == KPU_A ? KPU_N : operand == KPU_B ? KPU_M : KPU_K);
}

static int64_t extent_along(const check *c, const kpu_command *command, int dim)
{
    const kpu_mapping *m = &c->schedule->mapping;
    int64_t left = m->problem.dim[dim] - command->tile[dim] * m->tile[dim];
    return left < m->tile[dim] ? left : m->tile[dim];
}

static bool check_tile(check *c, int64_t index)
{
    const kpu_command *command = &c->schedule->commands[index];
    for (int d = 0; d < KPU_DIMS; d++) {
        bool absent = command->kind != KPU_CMD_FAB && lacks(command->operand, d);
        if (absent ? command->tile[d] == -1
                   : command->tile[d] >= 0 && command->tile[d] < c->schedule->mapping.tiles[d])
            continue;
        check_complain(c, index, "there is no tile %lld along %c", (long long)command->tile[d],
                       "mnk"[d]);
        return false;
    }
    return true;
}

static void check_bytes(check *c, int64_t index)
{
    const kpu_command *command = &c->schedule->commands[index];
    const kpu_problem *problem = &c->schedule->mapping.problem;
    int x = command->operand;
    int64_t bytes =
        x == KPU_C && !command->final ? problem->partial_bytes : problem->element_bytes[x];
    for (int d = 0; d < KPU_DIMS; d++)
        bytes *= lacks(x, d) ? 1 : extent_along(c, command, d);
    if (command->kind == KPU_CMD_FAB)
        bytes = 0;
    if (command->bytes != bytes)
        check_complain(c, index, "moves %lld bytes; its tile has %lld", (long long)command->bytes,
                       (long long)bytes);
    bool carries_sums = command->kind <= KPU_CMD_FAB;
    if (command->final && carries_sums)
        check_complain(c, index, "only stores carry final output");
}

static int64_t slots_at(const check *c, int place, int operand)
{
    const kpu_schedule *s = c->schedule;
    const int64_t slots[PLACES] = {
        [PLACE_L3] = s->slots[operand][KPU_HOIST_L3],
        [PLACE_L2] = s->slots[operand][KPU_HOIST_L2],
        [PLACE_L1] = s->l1_slots[operand],
        [PLACE_REGISTERS] = s->register_slots,
    };
    return slots[place];
}

/* DRAM has no slots: -1. */
static void check_slot(check *c, int64_t index, int place, int operand, int64_t slot)
{
    if (place == PLACE_DRAM) {
        if (slot != -1)
            check_complain(c, index, "DRAM has no slots, but slot %lld is named", (long long)slot);
        return;
    }
    if (slot < 0 || slot >= slots_at(c, place, operand))
        check_complain(c, index, "slot %lld of %c in %s: there are %lld", (long long)slot,
                       "ABC"[operand], check_place_name(place),
                       (long long)slots_at(c, place, operand));
    else if (slot >= c->used[place][operand])
        c->used[place][operand] = slot + 1;
}

static void check_slots(check *c, int64_t index)
{
    const kpu_command *command = &c->schedule->commands[index];
    if (command->kind == KPU_CMD_FAB) {
        for (int x = 0; x < KPU_OPERANDS; x++)
            check_slot(c, index, check_edge_of(c, x), x, command->use_slot[x]);
        return;
    }
    check_route route = check_route_of(c, command);
    check_slot(c, index, route.source, command->operand, command->source_slot);
    check_slot(c, index, route.dest, command->operand, command->dest_slot);
}

/* ---- Engines and durations ---------------------------------------------------------------- */

static int64_t compute_cycles(const check *c, const kpu_command *command)
{
    const kpu_machine *machine = &c->schedule->machine;
    const kpu_program *p = &c->program;
    int64_t rows = kpu_ceil_div(extent_along(c, command, p->row_dim), machine->fabric_rows);
    int64_t cols = kpu_ceil_div(extent_along(c, command, p->col_dim), machine->fabric_cols);
    int64_t fill = kpu_machine_fill_cycles(machine, p->unpipelined_row_fills);
    return rows * cols * (extent_along(c, command, p->depth_dim) + fill);
}

/* A tile that is turned on its way goes through the block mover twice: in by rows, out by columns.
 */
static int64_t transfer_cycles(const check *c, const kpu_command *command)
{
    const kpu_machine *m = &c->schedule->machine;
    const kpu_rational widths[KPU_ENGINE_CLASSES] = {
        [KPU_ENGINE_DMA] = m->dma_bytes_per_cycle,
        [KPU_ENGINE_BM] = m->block_mover_bytes_per_cycle,
        [KPU_ENGINE_STR_A] = m->row_bytes_per_cycle,
        [KPU_ENGINE_STR_B] = m->col_bytes_per_cycle,
        [KPU_ENGINE_STR_CIN] = m->drain_bytes_per_cycle,
        [KPU_ENGINE_STR_COUT] = m->drain_bytes_per_cycle,
    };
    uint8_t engine = kpu_command_class(command->kind);
    bool turns = engine == KPU_ENGINE_BM && command->operand != KPU_C &&
                 c->schedule->mapping.problem.transposed[command->operand];
    return kpu_rational_ceil_quotient(command->bytes, widths[engine]) * (turns ? 2 : 1);
}

static int64_t latency_of(const check *c, const kpu_command *command)
{
    const kpu_machine *m = &c->schedule->machine;
    const int64_t latencies[KPU_ENGINE_CLASSES] = {
        [KPU_ENGINE_DMA] = m->dma_latency_cycles,
        [KPU_ENGINE_BM] = m->block_mover_latency_cycles,
        [KPU_ENGINE_STR_A] = m->streamer_latency_cycles,
        [KPU_ENGINE_STR_B] = m->streamer_latency_cycles,
        [KPU_ENGINE_STR_CIN] = m->streamer_latency_cycles,
        [KPU_ENGINE_STR_COUT] = m->streamer_latency_cycles,
        [KPU_ENGINE_FAB] = 0,
    };
    return latencies[kpu_command_class(command->kind)];
}

static void check_times(check *c, int64_t index)
{
    const kpu_command *command = &c->schedule->commands[index];
    bool computes = command->kind == KPU_CMD_FAB;
    int64_t least = computes ? compute_cycles(c, command) : transfer_cycles(c, command);
    int64_t busy = command->busy_end - command->start;
    if (command->start < 0)
        check_complain(c, index, "starts before cycle 0");
    else if (busy < least || (!computes && busy != least)) /* FAB may wait for its streams */
        check_complain(c, index, "is busy for %lld cycles; it needs %lld", (long long)busy,
                       (long long)least);
    else if (command->ready - command->busy_end != latency_of(c, command))
        check_complain(c, index, "is ready %lld cycles after its end; the latency is %lld",
                       (long long)(command->ready - command->busy_end),
                       (long long)latency_of(c, command));
}

/* ---- Memories ----------------------------------------------------------------------------- */

/* The rings of a level lie within it, and not upon each other. */
static void check_level(check *c, int level, int place, const int64_t base[KPU_OPERANDS])
{
    const kpu_schedule *s = c->schedule;
    int64_t end[KPU_OPERANDS], capacity = kpu_machine_capacity_bytes(&s->machine, level);
    bool fits = true;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        int64_t bytes = 0;
        fits &= base[x] >= 0 && slots_at(c, place, x) >= 0;
        fits &= !kpu_mul_overflows(slots_at(c, place, x), s->layout.slot_bytes[x], &bytes);
        fits &= !kpu_add_overflows(base[x], bytes, &end[x]) && end[x] <= capacity;
        fits &= s->layout.slot_bytes[x] == s->mapping.slot_bytes[x];
        for (int y = 0; y < x; y++)
            fits &= end[x] <= base[y] || end[y] <= base[x] || end[x] == base[x];
    }
    if (fits)
        return;
    c->errors++;
    kpu_diag_add(c->diag, KPU_E_REFUTED, "the rings do not fit %s, which has %lld bytes",
                 check_place_name(place), (long long)capacity);
}

static void check_memories(check *c)
{
    const kpu_schedule *s = c->schedule;
    check_level(c, KPU_LEVEL_L3, PLACE_L3, s->layout.l3_base);
    check_level(c, KPU_LEVEL_L2, PLACE_L2, s->layout.l2_base);
    check_level(c, KPU_LEVEL_L1, PLACE_L1, s->layout.l1_base);
    int64_t registers = 0;
    if (!kpu_mul_overflows(s->register_slots, s->mapping.full_passes, &registers) &&
        registers <= s->machine.registers_per_pe)
        return;
    c->errors++;
    kpu_diag_add(c->diag, KPU_E_REFUTED, "the stationary tiles do not fit %lld registers",
                 (long long)s->machine.registers_per_pe);
}

void check_shapes(check *c)
{
    const kpu_schedule *s = c->schedule;
    check_memories(c);
    for (int64_t i = 0; i < s->command_count && !check_is_full(c); i++) {
        const kpu_command *command = &s->commands[i];
        if (command->kind >= KPU_COMMANDS || command->operand != operands[command->kind]) {
            check_complain(c, i, "there is no such command");
            continue;
        }
        if (!check_tile(c, i))
            continue;
        int64_t engines = kpu_schedule_engines(s, kpu_command_class(command->kind));
        if (command->engine < 0 || command->engine >= engines)
            check_complain(c, i, "engine %d: there are %lld", (int)command->engine,
                           (long long)engines);
        check_bytes(c, i);
        check_slots(c, i);
        check_times(c, i);
    }
}
