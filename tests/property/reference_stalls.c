/* reference_stalls.c - every cycle in which the fabric does not compute, put down to a cause by
 * tracing back through the recorded waits (section 9). */
#include "reference_parts.h"

static const ref_wait *wait_at(const ref_program *program, const ref_command *command, size_t i)
{
    return &program->waits[command->first_wait + i];
}

/* The wait of this sort (slot or source) that ended when the command started, or NULL. */
static const ref_wait *find_ended(const ref_program *program, const ref_command *command,
                                  bool is_slot)
{
    for (size_t i = 0; i < command->wait_count; i++) {
        const ref_wait *wait = wait_at(program, command, i);
        if ((wait->slot != REF_SOURCE) == is_slot && ref_wait_time(program, wait) == command->start)
            return wait;
    }
    return NULL;
}

/* Busy cycles of the command's engine from `begin` to the command's start. */
static int64_t busy_before(const ref_program *program, const ref_command *command, int64_t begin)
{
    int64_t busy = 0;
    for (size_t i = 0; i < program->command_count; i++) {
        const ref_command *other = &program->commands[i];
        if (other->engine_class != command->engine_class || other->engine != command->engine)
            continue;
        int64_t from = ref_max(other->start, begin);
        int64_t to = ref_min(other->end, command->start);
        busy += ref_max(to - from, 0);
    }
    return busy;
}

static int engine_stall(const ref_program *program, const ref_command *command)
{
    int64_t begin = ref_last_wait(program, command);
    bool idle = busy_before(program, command, begin) < command->start - begin;
    switch (command->engine_class) {
    case KPU_ENGINE_DMA: return idle ? KPU_STALL_DRAM_ORDER : KPU_STALL_DRAM_BANDWIDTH;
    case KPU_ENGINE_BM: return idle ? KPU_STALL_L3_ORDER : KPU_STALL_L3_BANDWIDTH;
    default: return idle ? KPU_STALL_L2_ORDER : KPU_STALL_L2_BANDWIDTH;
    }
}

static void trace(const ref_program *program, const ref_command *command, int64_t *cause,
                  int *operand)
{
    *operand = command->operand;
    while (command->engine_class != KPU_ENGINE_FAB && command->start != 0) {
        const ref_wait *slot = find_ended(program, command, true);
        const ref_wait *source = find_ended(program, command, false);
        if (slot) {
            *cause = slot->slot;
            *operand = slot->operand;
            return;
        }
        if (!source) {
            *cause = engine_stall(program, command);
            *operand = command->operand;
            return;
        }
        command = &program->commands[source->command];
    }
    *cause = KPU_STALL_LATENCY;
}

/* The gap before a FAB: its waits stand in the order of the ties. */
static void attribute_gap(const ref_program *program, const ref_command *fab, int64_t gap,
                          ref_result *result)
{
    const ref_wait *last = NULL;
    for (size_t i = 0; i < fab->wait_count; i++) {
        const ref_wait *wait = wait_at(program, fab, i);
        if (!last || ref_wait_time(program, wait) > ref_wait_time(program, last))
            last = wait;
    }
    int64_t cause = last->slot;
    int operand = last->operand;
    if (last->slot == REF_SOURCE)
        trace(program, &program->commands[last->command], &cause, &operand);
    result->counts.stalls[cause][operand] += gap;
}

static void attribute_stretch(const ref_program *program, const ref_command *fab,
                              ref_result *result)
{
    int64_t stretch = fab->end - fab->start - fab->duration, latest = -1;
    int operand = 0;
    for (int x = 0; x < KPU_OPERANDS && stretch > 0; x++) {
        if (fab->streams[x] == REF_NONE)
            continue;
        const ref_command *stream = &program->commands[fab->streams[x]];
        if (stream->end + stream->latency > latest) {
            latest = stream->end + stream->latency;
            operand = x;
        }
    }
    result->counts.stalls[KPU_STALL_L2_BANDWIDTH][operand] += stretch;
}

void ref_program_attribute(const ref_program *program, ref_result *result)
{
    int64_t previous_end = 0;
    for (size_t i = 0; i < program->command_count; i++) {
        const ref_command *fab = &program->commands[i];
        if (fab->engine_class != KPU_ENGINE_FAB)
            continue;
        if (fab->start > previous_end)
            attribute_gap(program, fab, fab->start - previous_end, result);
        attribute_stretch(program, fab, result);
        previous_end = fab->end;
    }
    result->counts.drain_cycles = result->counts.cycles - previous_end;
}
