/* reference_time.c - when each command runs, under both disciplines (sections 6 and 7). */
#include "reference_parts.h"

#include <stdlib.h>

static int64_t engine_count(const kpu_machine *machine, int engine_class)
{
    switch (engine_class) {
    case KPU_ENGINE_DMA: return machine->dram_channels;
    case KPU_ENGINE_BM: return machine->block_mover_engines;
    default: return 1;
    }
}

static int64_t ready_time(const ref_command *command)
{
    return command->end + command->latency;
}

int64_t ref_wait_time(const ref_program *program, const ref_wait *wait)
{
    const ref_command *command = &program->commands[wait->command];
    switch (wait->moment) {
    case REF_FIRST_DATUM: return command->start + command->latency;
    case REF_BUSY_END: return command->end;
    case REF_READY: return ready_time(command);
    default: return command->end + program->skew;
    }
}

/* The latest end of the command's waits, 0 if it has none. */
int64_t ref_last_wait(const ref_program *program, const ref_command *command)
{
    int64_t latest = 0;
    for (size_t i = 0; i < command->wait_count; i++)
        latest = ref_max(latest, ref_wait_time(program, &program->waits[command->first_wait + i]));
    return latest;
}

static void start(ref_program *program, ref_command *command, size_t engine, int64_t cycle)
{
    command->started = true;
    command->engine = engine;
    command->start = cycle;
    command->end = cycle + command->duration;
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (command->streams[x] != REF_NONE)
            command->end =
                ref_max(command->end, ready_time(&program->commands[command->streams[x]]));
}

/* Engines that are free from cycle free_at[engine_class][engine] on. */
typedef struct engines {
    size_t count[KPU_ENGINE_CLASSES];
    int64_t *free_at[KPU_ENGINE_CLASSES];
} engines;

static void engines_init(const kpu_machine *machine, engines *out)
{
    for (int c = 0; c < KPU_ENGINE_CLASSES; c++) {
        out->count[c] = (size_t)engine_count(machine, c);
        out->free_at[c] = ref_allocate(out->count[c], sizeof(int64_t));
    }
}

static void engines_fini(engines *all)
{
    for (int c = 0; c < KPU_ENGINE_CLASSES; c++)
        free(all->free_at[c]);
}

/* ---- iddo --------------------------------------------------------------------------------- */

static void time_in_order(const ref_nest *nest, ref_program *program)
{
    engines all;
    size_t emitted[KPU_ENGINE_CLASSES] = {0};
    engines_init(nest->machine, &all);
    for (size_t i = 0; i < program->command_count; i++) {
        ref_command *command = &program->commands[i];
        int c = command->engine_class;
        size_t engine = emitted[c]++ % all.count[c];
        int64_t *free_at = &all.free_at[c][engine];
        start(program, command, engine, ref_max(*free_at, ref_last_wait(program, command)));
        *free_at = command->end;
    }
    engines_fini(&all);
}

/* ---- eddo --------------------------------------------------------------------------------- */

typedef struct queue {
    size_t *commands, count;
    size_t head;   /* all before it have started */
    size_t window; /* how many unstarted commands are looked at */
} queue;

typedef struct event_clock {
    ref_program *program;
    engines all;
    queue queues[KPU_ENGINE_CLASSES];
    int64_t cycle;
} event_clock;

static void queues_init(const ref_nest *nest, event_clock *clock)
{
    const ref_program *program = clock->program;
    for (int c = 0; c < KPU_ENGINE_CLASSES; c++) {
        queue *q = &clock->queues[c];
        bool is_dynamic = c == KPU_ENGINE_DMA || c == KPU_ENGINE_BM;
        *q = (queue){.window = is_dynamic ? (size_t)nest->candidate->eddo_window : 1};
        q->commands = ref_allocate(program->command_count, sizeof *q->commands);
        for (size_t i = 0; i < program->command_count; i++)
            if (program->commands[i].engine_class == c)
                q->commands[q->count++] = i;
    }
}

/* Whether all that the command waits for has a known time, and then the last of them. */
static bool is_enabled(const ref_program *program, const ref_command *command, int64_t *cycle)
{
    for (size_t i = 0; i < command->wait_count; i++)
        if (!program->commands[program->waits[command->first_wait + i].command].started)
            return false;
    *cycle = ref_last_wait(program, command);
    return true;
}

/* First command in the queue's window whose waits are over now, or NULL. *next becomes the
 * earliest later cycle at which one's would be. */
static ref_command *find_ready(event_clock *clock, queue *q, int64_t *next)
{
    ref_program *program = clock->program;
    while (q->head < q->count && program->commands[q->commands[q->head]].started)
        q->head++;
    size_t seen = 0;
    for (size_t i = q->head; i < q->count && seen < q->window; i++) {
        ref_command *command = &program->commands[q->commands[i]];
        int64_t cycle;
        if (command->started)
            continue;
        seen++;
        if (!is_enabled(program, command, &cycle))
            continue;
        if (cycle <= clock->cycle)
            return command;
        *next = ref_min(*next, cycle);
    }
    return NULL;
}

/* Starts what can start in this cycle; false if nothing could. */
static bool start_what_can(event_clock *clock, int c)
{
    bool any = false;
    for (size_t engine = 0; engine < clock->all.count[c]; engine++) {
        int64_t unused = 0;
        if (clock->all.free_at[c][engine] > clock->cycle)
            continue;
        ref_command *command = find_ready(clock, &clock->queues[c], &unused);
        if (!command)
            break;
        start(clock->program, command, engine, clock->cycle);
        clock->all.free_at[c][engine] = command->end;
        any = true;
    }
    return any;
}

/* The next cycle in which a command can start, or INT64_MAX: an engine becomes free for one that
 * is enabled, or a wait ends. */
static int64_t next_cycle(event_clock *clock)
{
    int64_t next = INT64_MAX;
    for (int c = 0; c < KPU_ENGINE_CLASSES; c++) {
        if (find_ready(clock, &clock->queues[c], &next))
            for (size_t engine = 0; engine < clock->all.count[c]; engine++)
                next = ref_min(next, clock->all.free_at[c][engine]);
    }
    return next;
}

static void time_by_events(const ref_nest *nest, ref_program *program)
{
    event_clock clock = {.program = program};
    engines_init(nest->machine, &clock.all);
    queues_init(nest, &clock);
    while (clock.cycle != INT64_MAX) {
        bool any = true;
        while (any) { /* a stream without latency lets the fabric start in the same cycle */
            any = false;
            for (int c = 0; c < KPU_ENGINE_CLASSES; c++)
                any = start_what_can(&clock, c) || any;
        }
        clock.cycle = next_cycle(&clock);
    }
    for (int c = 0; c < KPU_ENGINE_CLASSES; c++)
        free(clock.queues[c].commands);
    engines_fini(&clock.all);
}

/* ---- What came of it ---------------------------------------------------------------------- */

void ref_program_time(const ref_nest *nest, ref_program *program, ref_result *result)
{
    kpu_counts *counts = &result->counts;
    if (nest->candidate->control == KPU_IDDO)
        time_in_order(nest, program);
    else
        time_by_events(nest, program);
    int64_t *dma = ref_allocate((size_t)nest->machine->dram_channels, sizeof *dma);
    int64_t *bm = ref_allocate((size_t)nest->machine->block_mover_engines, sizeof *bm);
    for (size_t i = 0; i < program->command_count; i++) {
        const ref_command *command = &program->commands[i];
        if (!command->started)
            abort(); /* neither discipline can deadlock */
        counts->cycles = ref_max(counts->cycles, ready_time(command));
        counts->busy[command->engine_class] += command->duration;
        if (command->engine_class == KPU_ENGINE_DMA)
            dma[command->engine] += command->duration;
        if (command->engine_class == KPU_ENGINE_BM)
            bm[command->engine] += command->duration;
    }
    counts->dma_busy = dma;
    counts->bm_busy = bm;
}
