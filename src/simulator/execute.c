/* Runs a bound schedule with real numbers: what happens, cycle by cycle. */
#include "simulator/execution.h"

#include <stdlib.h>
#include <string.h>

/* ---- What will happen --------------------------------------------------------------------- */

static bool is_before(const execution_event *a, const execution_event *b)
{
    if (a->cycle != b->cycle)
        return a->cycle < b->cycle;
    if (a->phase != b->phase)
        return a->phase < b->phase;
    return a->command < b->command;
}

static bool reserve(void **array, int64_t *capacity, int64_t count, size_t size)
{
    if (count < *capacity)
        return true;
    int64_t larger = 2 * *capacity + 64;
    void *grown = realloc(*array, (size_t)larger * size);
    if (!grown)
        return false;
    *array = grown;
    *capacity = larger;
    return true;
}

static bool push(execution *e, execution_event event)
{
    void *heap = e->heap;
    if (!reserve(&heap, &e->heap_capacity, e->heap_count, sizeof *e->heap))
        return false;
    e->heap = heap;
    int64_t at = e->heap_count++;
    for (; at > 0 && is_before(&event, &e->heap[(at - 1) / 2]); at = (at - 1) / 2)
        e->heap[at] = e->heap[(at - 1) / 2];
    e->heap[at] = event;
    return true;
}

static execution_event pop(execution *e)
{
    execution_event top = e->heap[0], last = e->heap[--e->heap_count];
    int64_t at = 0;
    for (int64_t child; (child = 2 * at + 1) < e->heap_count; at = child) {
        if (child + 1 < e->heap_count && is_before(&e->heap[child + 1], &e->heap[child]))
            child++;
        if (!is_before(&e->heap[child], &last))
            break;
        e->heap[at] = e->heap[child];
    }
    e->heap[at] = last;
    return top;
}

/* ---- Transfers ---------------------------------------------------------------------------- */

/* Room for a tile under way; -1: no memory. */
static int32_t take_off(execution *e)
{
    if (e->free_flight >= 0) {
        int32_t flight = e->free_flight;
        e->free_flight = e->flights[flight].next_free;
        return flight;
    }
    void *flights = e->flights;
    if (!reserve(&flights, &e->flight_capacity, e->flight_count, sizeof *e->flights))
        return -1;
    e->flights = flights;
    int64_t largest = 1;
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (e->schedule->mapping.slot_bytes[x] > largest)
            largest = e->schedule->mapping.slot_bytes[x];
    char *bytes = malloc((size_t)largest);
    if (!bytes)
        return -1;
    e->flights[e->flight_count] = (execution_flight){.bytes = bytes, .next_free = -1};
    return (int32_t)e->flight_count++;
}

/* Bytes of the first half as they are read: whole elements, at least one. */
static int64_t half_bytes(const execution *e, const kpu_command *command)
{
    int64_t elements = execution_elements(e, command, command->operand);
    return (elements - elements / 2) * execution_source_bytes(e, command);
}

/* C cannot leave the array before it is there: what is taken too early is nonsense. */
static void read_source(execution *e, const execution_event *event, int64_t from, int64_t to)
{
    const kpu_command *command = &e->schedule->commands[event->command];
    char *bytes = e->flights[event->flight].bytes;
    bool leaves_array = command->kind == KPU_CMD_STR_COUT;
    if (leaves_array && event->cycle < e->settled[command->source_slot]) {
        execution_spoil(e, KPU_C, bytes + from, to - from);
        return;
    }
    execution_region source = execution_source(e, command);
    execution_read(&source, from, to, bytes);
}

static int start_transfer(execution *e, execution_event event)
{
    const kpu_command *command = &e->schedule->commands[event.command];
    event.flight = take_off(e);
    if (event.flight < 0)
        return KPU_E_MEMORY;
    read_source(e, &event, 0, half_bytes(e, command));
    execution_spoil_dest(e, command);
    execution_claim_dest(e, event.command);
    bool ok = true;
    if (execution_routes[command->kind].dest == SPACE_EDGE && command->operand != e->stationary) {
        event.phase = PHASE_FIRST;
        event.cycle = command->start + (command->ready - command->busy_end);
        ok = push(e, event);
    }
    event.phase = PHASE_LEFT;
    event.cycle = command->busy_end;
    ok = ok && push(e, event);
    event.phase = PHASE_ARRIVED;
    event.cycle = command->ready;
    return ok && push(e, event) ? KPU_OK : KPU_E_MEMORY;
}

static int finish_reading(execution *e, execution_event event)
{
    const kpu_command *command = &e->schedule->commands[event.command];
    int64_t all =
        execution_elements(e, command, command->operand) * execution_source_bytes(e, command);
    read_source(e, &event, half_bytes(e, command), all);
    return KPU_OK;
}

static int deliver_first(execution *e, execution_event event)
{
    const kpu_command *command = &e->schedule->commands[event.command];
    execution_region dest = execution_dest(e, command);
    if (execution_owns_dest(e, event.command))
        execution_write(&dest, 0, half_bytes(e, command), e->flights[event.flight].bytes);
    return KPU_OK;
}

static bool is_turned(const execution *e, const kpu_command *command)
{
    return command->kind <= KPU_CMD_BM_LOAD_C && command->kind >= KPU_CMD_BM_LOAD_A &&
           e->schedule->mapping.problem.transposed[command->operand];
}

/* A tile that lies transposed in memory, out of the block mover the right way round. */
static void deliver_turned(execution *e, const kpu_command *command, const char *bytes)
{
    int rows = command->operand == KPU_A ? KPU_K : KPU_N; /* as it lies */
    int columns = command->operand == KPU_A ? KPU_M : KPU_K;
    int64_t extent[KPU_DIMS];
    kpu_command_extent(e->schedule, command, extent);
    execution_region dest = execution_dest(e, command);
    execution_transpose(bytes, extent[rows], extent[columns], execution_dest_bytes(e, command),
                        dest.bytes);
}

/* As it lies at the destination: turned, narrowed, or as it was read. */
static void deliver_bytes(execution *e, const kpu_command *command, const char *bytes)
{
    const kpu_matrices *m = e->matrices;
    execution_region dest = execution_dest(e, command);
    bool narrows =
        command->kind == KPU_CMD_STR_COUT && command->final && m->dtype[KPU_C] != m->partial_dtype;
    if (is_turned(e, command))
        deliver_turned(e, command, bytes);
    else if (narrows)
        kpu_dtype_narrow(m->partial_dtype, bytes, m->dtype[KPU_C], dest.bytes,
                         (size_t)execution_elements(e, command, KPU_C));
    else
        execution_write(&dest, 0, dest.total, bytes);
}

static int deliver(execution *e, execution_event event)
{
    execution_flight *flight = &e->flights[event.flight];
    if (execution_owns_dest(e, event.command))
        deliver_bytes(e, &e->schedule->commands[event.command], flight->bytes);
    flight->next_free = e->free_flight;
    e->free_flight = event.flight;
    return KPU_OK;
}

/* ---- The fabric --------------------------------------------------------------------------- */

static int start_fabric(execution *e, execution_event event)
{
    const kpu_command *command = &e->schedule->commands[event.command];
    execution_fabric_start(e, command);
    event.phase = PHASE_COMPUTED;
    event.cycle = command->busy_end;
    return push(e, event) ? KPU_OK : KPU_E_MEMORY;
}

static int end_fabric(execution *e, execution_event event)
{
    execution_fabric_end(e, &e->schedule->commands[event.command]);
    return KPU_OK;
}

/* ---- The run ------------------------------------------------------------------------------ */

static int run(execution *e)
{
    static int (*const handlers[])(execution *, execution_event) = {
        [PHASE_LEFT] = finish_reading, [PHASE_ARRIVED] = deliver,
        [PHASE_COMPUTED] = end_fabric, [PHASE_START] = start_transfer,
        [PHASE_FIRST] = deliver_first, [PHASE_COMPUTE] = start_fabric,
    };
    int64_t next = 0, count = e->schedule->command_count;
    int code = KPU_OK;
    while (!code && (next < count || e->heap_count > 0)) {
        bool starts =
            next < count && (e->heap_count == 0 || is_before(&e->starts[next], &e->heap[0]));
        execution_event event = starts ? e->starts[next++] : pop(e);
        code = handlers[event.phase](e, event);
    }
    return code;
}

int kpu_execute(const kpu_schedule *schedule, const kpu_matrices *matrices, kpu_diag *diag)
{
    kpu_program program;
    kpu_program_compile(&schedule->mapping, &program);
    execution e = {
        .schedule = schedule,
        .matrices = matrices,
        .stationary = program.stationary,
        .skew = kpu_machine_skew_cycles(&schedule->machine),
        .free_flight = -1,
    };
    int code = execution_check(&e, diag);
    if (!code)
        code = execution_open(&e, diag);
    if (!code) {
        code = run(&e);
        if (code)
            kpu_diag_add(diag, code, "no memory for what is under way");
    }
    execution_close(&e);
    return code;
}
