/* Start, end and arrival of commands whose waits have their times; the implicit discipline. */
#include <stdlib.h>

#include "mapping/dataflow.h"
#include "simulator/schedule_build.h"

/* Later than this no moment is, so that moments can be added up to a little. */
static const int64_t latest_cycle = INT64_C(1) << 60;

/* A block mover that turns a tile takes all of it in by rows, then gives it out by columns. */
static int64_t transfer_cycles(const kpu_schedule *s, const kpu_command *c)
{
    const kpu_machine *machine = &s->machine;
    const kpu_rational bandwidth[KPU_ENGINE_CLASSES] = {
        [KPU_ENGINE_DMA] = machine->dma_bytes_per_cycle,
        [KPU_ENGINE_BM] = machine->block_mover_bytes_per_cycle,
        [KPU_ENGINE_STR_A] = machine->row_bytes_per_cycle,
        [KPU_ENGINE_STR_B] = machine->col_bytes_per_cycle,
        [KPU_ENGINE_STR_CIN] = machine->drain_bytes_per_cycle,
        [KPU_ENGINE_STR_COUT] = machine->drain_bytes_per_cycle,
    };
    uint8_t engine = kpu_command_class(c->kind);
    int64_t cycles = kpu_rational_ceil_quotient(c->bytes, bandwidth[engine]);
    bool turns = engine == KPU_ENGINE_BM && s->mapping.problem.transposed[c->operand];
    return turns && cycles < latest_cycle ? 2 * cycles : cycles;
}

static int64_t compute_cycles(const kpu_schedule *s, const kpu_command *c)
{
    const kpu_dataflow *flow = kpu_dataflow_at(s->mapping.dataflow);
    int64_t extent[KPU_DIMS];
    kpu_command_extent(s, c, extent);
    int64_t passes = kpu_ceil_div(extent[flow->row_dim], s->machine.fabric_rows) *
                     kpu_ceil_div(extent[flow->col_dim], s->machine.fabric_cols);
    int64_t depth = extent[kpu_dataflow_depth_dim(flow)];
    return passes * (depth + kpu_machine_fill_cycles(&s->machine, flow->unpipelined_row_fills));
}

int64_t kpu_command_work_cycles(const kpu_schedule *s, const kpu_command *c)
{
    return c->kind == KPU_CMD_FAB ? compute_cycles(s, c) : transfer_cycles(s, c);
}

int64_t kpu_wait_end(const kpu_schedule *s, const kpu_wait *wait)
{
    const kpu_command *c = &s->commands[wait->command];
    switch (kpu_wait_moments[wait->kind]) {
    case KPU_MOMENT_BUSY_END: return c->busy_end;
    case KPU_MOMENT_READY: return c->ready;
    case KPU_MOMENT_FIRST: return c->start + kpu_schedule_latency(s, kpu_command_class(c->kind));
    default: return c->busy_end + kpu_machine_skew_cycles(&s->machine);
    }
}

/* When its waits are over; *critical becomes the first of those that end last, -1 if none. The
 * waits for whole streams come last and hold up nothing but the end. */
static int64_t waits_over(const kpu_schedule *s, const kpu_command *c, int64_t *critical)
{
    int64_t over = -1;
    *critical = -1;
    for (int64_t i = c->first_wait; i < c->first_wait + c->wait_count; i++) {
        if (s->waits[i].kind == KPU_WAIT_STREAM_READY)
            break;
        int64_t end = kpu_wait_end(s, &s->waits[i]);
        if (end > over) {
            over = end;
            *critical = i;
        }
    }
    return over;
}

static int64_t fab_end(const kpu_schedule *s, const kpu_command *c, int64_t end)
{
    for (int64_t i = c->first_wait; i < c->first_wait + c->wait_count; i++) {
        int64_t wait = kpu_wait_end(s, &s->waits[i]);
        if (s->waits[i].kind == KPU_WAIT_STREAM_READY && wait > end)
            end = wait;
    }
    return end;
}

int schedule_time_command(kpu_schedule *s, kpu_command *c, int64_t engine_free)
{
    int64_t critical, over = waits_over(s, c, &critical);
    int64_t cycles = kpu_command_work_cycles(s, c);
    c->start = over > engine_free ? over : engine_free;
    c->critical = over == c->start ? critical : -1;
    if (cycles > latest_cycle - c->start)
        return KPU_E_RANGE;
    c->busy_end = c->start + cycles;
    if (c->kind == KPU_CMD_FAB)
        c->busy_end = fab_end(s, c, c->busy_end);
    int64_t latency = kpu_schedule_latency(s, kpu_command_class(c->kind));
    c->ready = c->busy_end + latency;
    return latency <= latest_cycle && c->ready <= latest_cycle ? KPU_OK : KPU_E_RANGE;
}

/* Commands of a class are dealt out in turn, and each engine runs its share in order. */
int schedule_time_iddo(kpu_schedule *s)
{
    int64_t *free_at[KPU_ENGINE_CLASSES] = {NULL}, next[KPU_ENGINE_CLASSES] = {0};
    int code = KPU_OK;
    for (int e = 0; e < KPU_ENGINE_CLASSES; e++) {
        free_at[e] = calloc((size_t)kpu_schedule_engines(s, e), sizeof *free_at[e]);
        if (!free_at[e])
            code = KPU_E_MEMORY;
    }
    for (int64_t i = 0; i < s->command_count && code == KPU_OK; i++) {
        kpu_command *c = &s->commands[i];
        uint8_t e = kpu_command_class(c->kind);
        c->engine = (int32_t)next[e];
        next[e] = (next[e] + 1) % kpu_schedule_engines(s, e);
        code = schedule_time_command(s, c, free_at[e][c->engine]);
        free_at[e][c->engine] = c->busy_end;
    }
    for (int e = 0; e < KPU_ENGINE_CLASSES; e++)
        free(free_at[e]);
    return code;
}
