#include "schedule_mutation.h"

#include <stdlib.h>
#include <string.h>

/* Another number of 0 .. count-1. */
static bool other(int64_t *value, int64_t count, random_stream *random)
{
    if (count < 2 || *value < 0)
        return false;
    *value = (*value + random_between(random, 1, count - 1)) % count;
    return true;
}

static bool change_kind(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    (void)s;
    int64_t kind = c->kind;
    other(&kind, KPU_COMMANDS, random);
    c->kind = (uint8_t)kind;
    return true;
}

static bool change_operand(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    (void)s;
    int64_t operand = c->operand;
    other(&operand, KPU_OPERANDS, random);
    c->operand = (uint8_t)operand;
    return true;
}

static bool change_tile(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    int64_t dim = random_between(random, KPU_M, KPU_K);
    return other(&c->tile[dim], s->mapping.tiles[dim], random);
}

static bool leave_problem(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    int64_t dim = random_between(random, KPU_M, KPU_K);
    c->tile[dim] = s->mapping.tiles[dim];
    return true;
}

static bool change_bytes(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    (void)s;
    c->bytes += random_chance(random, 50) ? 1 : -1;
    return true;
}

static bool change_final(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    (void)s;
    (void)random;
    c->final = !c->final;
    return c->kind != KPU_CMD_FAB;
}

static bool change_fresh(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    (void)s;
    (void)random;
    c->fresh = !c->fresh;
    return c->kind == KPU_CMD_FAB;
}

/* Within the ring at a level, where the slot is in one. */
static bool change_slot(kpu_schedule *s, kpu_command *c, random_stream *random, bool source)
{
    static const int source_level[KPU_COMMANDS] = {
        [KPU_CMD_DMA_LOAD_A] = -1,
        [KPU_CMD_DMA_LOAD_B] = -1,
        [KPU_CMD_DMA_LOAD_C] = -1,
        [KPU_CMD_BM_LOAD_A] = KPU_HOIST_L3,
        [KPU_CMD_BM_LOAD_B] = KPU_HOIST_L3,
        [KPU_CMD_BM_LOAD_C] = KPU_HOIST_L3,
        [KPU_CMD_STR_A] = KPU_HOIST_L2,
        [KPU_CMD_STR_B] = KPU_HOIST_L2,
        [KPU_CMD_STR_CIN] = KPU_HOIST_L2,
        [KPU_CMD_FAB] = -1,
        [KPU_CMD_STR_COUT] = -1,
        [KPU_CMD_BM_STORE_C] = KPU_HOIST_L2,
        [KPU_CMD_DMA_STORE_C] = KPU_HOIST_L3,
    };
    static const int dest_level[KPU_COMMANDS] = {
        [KPU_CMD_DMA_LOAD_A] = KPU_HOIST_L3,
        [KPU_CMD_DMA_LOAD_B] = KPU_HOIST_L3,
        [KPU_CMD_DMA_LOAD_C] = KPU_HOIST_L3,
        [KPU_CMD_BM_LOAD_A] = KPU_HOIST_L2,
        [KPU_CMD_BM_LOAD_B] = KPU_HOIST_L2,
        [KPU_CMD_BM_LOAD_C] = KPU_HOIST_L2,
        [KPU_CMD_STR_A] = -1,
        [KPU_CMD_STR_B] = -1,
        [KPU_CMD_STR_CIN] = -1,
        [KPU_CMD_FAB] = -1,
        [KPU_CMD_STR_COUT] = KPU_HOIST_L2,
        [KPU_CMD_BM_STORE_C] = KPU_HOIST_L3,
        [KPU_CMD_DMA_STORE_C] = -1,
    };
    int level = source ? source_level[c->kind] : dest_level[c->kind];
    return level >= 0 &&
           other(source ? &c->source_slot : &c->dest_slot, s->slots[c->operand][level], random);
}

static bool change_source(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    return change_slot(s, c, random, true);
}

static bool change_dest(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    return change_slot(s, c, random, false);
}

static bool change_use(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    int64_t x = random_between(random, KPU_A, KPU_C);
    int64_t slots = s->l1_slots[x] ? s->l1_slots[x] : s->register_slots;
    return c->kind == KPU_CMD_FAB && other(&c->use_slot[x], slots, random);
}

static bool leave_ring(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    (void)s;
    (void)random;
    const int64_t far = INT64_C(1) << 40;
    if (c->kind == KPU_CMD_FAB)
        c->use_slot[KPU_C] = far;
    else if (c->source_slot >= 0)
        c->source_slot = far;
    else
        c->dest_slot = far;
    return true;
}

static bool change_engine(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    (void)random;
    c->engine = (int32_t)kpu_schedule_engines(s, kpu_command_class(c->kind));
    return true;
}

/* To an earlier cycle, at which something that it waited for was not over. */
static bool begin_early(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    int64_t by = random_between(random, 1, c->start > 0 ? c->start : 1);
    if (c->critical < 0 || s->waits[c->critical].kind == KPU_WAIT_STREAM_READY)
        return false;
    c->start -= by;
    c->busy_end -= by;
    c->ready -= by;
    return true;
}

static bool end_early(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    (void)random;
    c->busy_end = c->start + kpu_command_work_cycles(s, c) - 1;
    return true;
}

static bool arrive_early(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    (void)s;
    (void)random;
    c->ready--;
    return true;
}

static bool arrive_late(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    c->ready += random_between(random, 1, 9);
    s->cycles = c->ready > s->cycles ? c->ready : s->cycles;
    return true;
}

/* Only the fabric may be busy for longer than it works. */
static bool end_late(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    c->busy_end++;
    return c->kind != KPU_CMD_FAB && arrive_late(s, c, random);
}

/* A tile that comes again may lie there still. */
static bool drop(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    (void)random;
    int64_t after = s->commands + s->command_count - c - 1;
    memmove(c, c + 1, (size_t)after * sizeof *c);
    s->command_count--;
    return true;
}

static bool lengthen_run(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    (void)c;
    s->cycles += random_between(random, 1, 3);
    return true;
}

static bool enlarge_ring(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    (void)c;
    s->slots[random_between(random, KPU_A, KPU_C)][random_chance(random, 50)] += INT64_C(1) << 40;
    return true;
}

static bool crowd_registers(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    (void)c;
    (void)random;
    s->register_slots = s->machine.registers_per_pe + 1;
    return true;
}

static bool pile_rings(kpu_schedule *s, kpu_command *c, random_stream *random)
{
    (void)c;
    int64_t *base = random_chance(random, 50) ? s->layout.l3_base : s->layout.l2_base;
    base[KPU_C] = base[KPU_B];
    return true;
}

const schedule_mutation schedule_mutations[] = {
    {"another kind", true, change_kind},         {"another operand", true, change_operand},
    {"another tile", true, change_tile},         {"no tile of the problem", true, leave_problem},
    {"other bytes", true, change_bytes},         {"final or not", true, change_final},
    {"fresh or not", true, change_fresh},        {"another source", false, change_source},
    {"another destination", false, change_dest}, {"another place at the array", false, change_use},
    {"no slot of the ring", true, leave_ring},   {"no engine of the machine", true, change_engine},
    {"begins early", true, begin_early},         {"ends early", true, end_early},
    {"arrives early", true, arrive_early},       {"ends late", true, end_late},
    {"arrives late", true, arrive_late},         {"left out", false, drop},
    {"a longer run", true, lengthen_run},        {"a ring beyond its memory", true, enlarge_ring},
    {"rings upon each other", true, pile_rings}, {"too many registers", true, crowd_registers},
};
const int schedule_mutation_count = sizeof schedule_mutations / sizeof schedule_mutations[0];

bool schedule_mutate(const kpu_schedule *schedule, int mutation, random_stream *random,
                     kpu_schedule *copy)
{
    enum { TRIES = 20 };
    size_t bytes = (size_t)schedule->command_count * sizeof *schedule->commands;
    *copy = *schedule;
    copy->commands = malloc(bytes);
    if (!copy->commands)
        abort();
    for (int i = 0; i < TRIES; i++) {
        memcpy(copy->commands, schedule->commands, bytes);
        kpu_command *c = &copy->commands[random_between(random, 0, copy->command_count - 1)];
        if (schedule_mutations[mutation].apply(copy, c, random))
            return true;
    }
    free(copy->commands);
    return false;
}
