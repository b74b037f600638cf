/* A schedule against the simulator's fast passes: cycles, commands, bytes, busy cycles of every
 * engine, and every stalled cycle, traced back through the waits that the schedule calls critical.
 *   test_schedule [CASES [SEED]] */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kpu/schedule.h"
#include "random_case.h"

typedef struct schedule_run {
    kpu_simulator *simulator;
    random_case c;
    kpu_schedule s;
    int64_t *since; /* of every command: its engine has been busy without a break since then */
    int64_t feasible, commands, failures;
    int64_t controls[KPU_CONTROLS], dataflows[KPU_DATAFLOWS], transposed;
} schedule_run;

static void expect(schedule_run *run, const char *what, int64_t number, int64_t got, int64_t want)
{
    if (got == want || run->failures++ > 10)
        return;
    printf("%s %" PRId64 ": %" PRId64 ", expected %" PRId64 "%s\n", what, number, got, want,
           run->c.problem.transposed[KPU_A] || run->c.problem.transposed[KPU_B] ? " (transposed)"
                                                                                : "");
    random_case_print(&run->c, stdout);
}

/* ---- Counts ------------------------------------------------------------------------------- */

static void add_traffic(const kpu_command *c, kpu_traffic *t)
{
    int64_t *const moved[KPU_COMMANDS] = {
        [KPU_CMD_DMA_LOAD_A] = t->dram_read, [KPU_CMD_DMA_LOAD_B] = t->dram_read,
        [KPU_CMD_DMA_LOAD_C] = t->dram_read, [KPU_CMD_BM_LOAD_A] = t->l3_to_l2,
        [KPU_CMD_BM_LOAD_B] = t->l3_to_l2,   [KPU_CMD_BM_LOAD_C] = t->l3_to_l2,
        [KPU_CMD_STR_A] = t->l2_to_l1,       [KPU_CMD_STR_B] = t->l2_to_l1,
        [KPU_CMD_STR_CIN] = t->l2_to_l1,     [KPU_CMD_STR_COUT] = t->l1_to_l2,
        [KPU_CMD_BM_STORE_C] = t->l2_to_l3,  [KPU_CMD_DMA_STORE_C] = t->dram_write,
    };
    if (moved[c->kind])
        moved[c->kind][c->operand] += c->bytes;
}

static void compare_traffic(schedule_run *run, const kpu_traffic *got, const kpu_traffic *want)
{
    const int64_t *const links[][2] = {
        {got->dram_read, want->dram_read}, {got->dram_write, want->dram_write},
        {got->l3_to_l2, want->l3_to_l2},   {got->l2_to_l3, want->l2_to_l3},
        {got->l2_to_l1, want->l2_to_l1},   {got->l1_to_l2, want->l1_to_l2}};
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        for (int x = 0; x < KPU_OPERANDS; x++)
            expect(run, "bytes", (int64_t)i * 10 + x, links[i][0][x], links[i][1][x]);
}

static int64_t busy_of(const kpu_schedule *s, int class, int64_t engine)
{
    int64_t busy = 0;
    for (int64_t i = 0; i < s->command_count; i++)
        if (kpu_command_class(s->commands[i].kind) == class && s->commands[i].engine == engine)
            busy += kpu_command_work_cycles(s, &s->commands[i]);
    return busy;
}

static void compare_counts(schedule_run *run, const kpu_counts *want)
{
    const kpu_schedule *s = &run->s;
    kpu_counts got = {.cycles = s->cycles, .steps = s->steps};
    for (int64_t i = 0; i < s->command_count; i++) {
        const kpu_command *c = &s->commands[i];
        got.commands[c->kind]++;
        got.busy[kpu_command_class(c->kind)] += kpu_command_work_cycles(s, c);
        add_traffic(c, &got.traffic);
    }
    expect(run, "cycles", 0, got.cycles, want->cycles);
    expect(run, "steps", 0, got.steps, want->steps);
    for (int i = 0; i < KPU_COMMANDS; i++)
        expect(run, kpu_command_names[i], i, got.commands[i], want->commands[i]);
    for (int i = 0; i < KPU_ENGINE_CLASSES; i++)
        expect(run, kpu_engine_names[i], i, got.busy[i], want->busy[i]);
    for (int64_t e = 0; e < kpu_schedule_engines(s, KPU_ENGINE_DMA); e++)
        expect(run, "dma engine", e, busy_of(s, KPU_ENGINE_DMA, e), want->dma_busy[e]);
    for (int64_t e = 0; e < kpu_schedule_engines(s, KPU_ENGINE_BM); e++)
        expect(run, "block mover", e, busy_of(s, KPU_ENGINE_BM, e), want->bm_busy[e]);
    compare_traffic(run, &got.traffic, &want->traffic);
}

/* ---- Stalls ------------------------------------------------------------------------------- */

/* Whose commands are in a row, of one engine after the other, each in order of time. */
static int compare_on_engine(const void *a, const void *b)
{
    const kpu_command *x = *(const kpu_command *const *)a, *y = *(const kpu_command *const *)b;
    int64_t class = kpu_command_class(x->kind) - kpu_command_class(y->kind);
    int64_t difference = class                    ? class
                         : x->engine != y->engine ? x->engine - y->engine
                                                  : x->start - y->start;
    return (difference > 0) - (difference < 0);
}

static bool find_since(schedule_run *run)
{
    const kpu_schedule *s = &run->s;
    size_t count = (size_t)s->command_count;
    const kpu_command **order = malloc(count * sizeof *order);
    run->since = malloc(count * sizeof *run->since);
    if (!order || !run->since) {
        free(order);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        order[i] = &s->commands[i];
    qsort(order, count, sizeof *order, compare_on_engine);
    for (size_t i = 0; i < count; i++) {
        const kpu_command *c = order[i], *before = i ? order[i - 1] : NULL;
        bool same = before && before->engine == c->engine &&
                    kpu_command_class(before->kind) == kpu_command_class(c->kind);
        if (same && c->start < before->busy_end)
            expect(run, "overlap", c - s->commands, c->start, before->busy_end);
        int64_t idle_until =
            same && before->busy_end == c->start ? run->since[before - s->commands] : c->start;
        run->since[c - s->commands] = idle_until;
    }
    free(order);
    return true;
}

/* The cause of a start for want of an engine. */
static int engine_cause(const schedule_run *run, const kpu_command *c)
{
    static const uint8_t bandwidth[KPU_ENGINE_CLASSES] = {
        [KPU_ENGINE_DMA] = KPU_STALL_DRAM_BANDWIDTH,
        [KPU_ENGINE_BM] = KPU_STALL_L3_BANDWIDTH,
        [KPU_ENGINE_STR_A] = KPU_STALL_L2_BANDWIDTH,
        [KPU_ENGINE_STR_B] = KPU_STALL_L2_BANDWIDTH,
        [KPU_ENGINE_STR_CIN] = KPU_STALL_L2_BANDWIDTH,
        [KPU_ENGINE_STR_COUT] = KPU_STALL_L2_BANDWIDTH,
    };
    int64_t over = 0;
    for (int64_t i = c->first_wait; i < c->first_wait + c->wait_count; i++) {
        int64_t end = kpu_wait_end(&run->s, &run->s.waits[i]);
        over = end > over ? end : over;
    }
    bool idle = over < run->since[c - run->s.commands];
    return bandwidth[kpu_command_class(c->kind)] + idle;
}

/* What a late stream is put down to ("Stalls" in docs/model.md). */
static int trace(const schedule_run *run, const kpu_command *c)
{
    static const uint8_t slots[KPU_WAITS] = {
        [KPU_WAIT_L3_SLOT_AB] = KPU_STALL_L3_SLOTS,
        [KPU_WAIT_L3_SLOT_C] = KPU_STALL_L3_SLOTS,
        [KPU_WAIT_L2_SLOT_AB] = KPU_STALL_L2_SLOTS,
        [KPU_WAIT_L2_SLOT_C] = KPU_STALL_L2_SLOTS,
        [KPU_WAIT_L1_SLOT] = KPU_STALL_L1_SLOTS,
        [KPU_WAIT_ACCUMULATORS] = KPU_STALL_L1_SLOTS,
        [KPU_WAIT_REGISTERS] = KPU_STALL_REGISTER_SLOTS,
    };
    while (c->kind != KPU_CMD_FAB && c->start > 0) {
        if (c->critical < 0)
            return engine_cause(run, c);
        const kpu_wait *wait = &run->s.waits[c->critical];
        if (slots[wait->kind])
            return slots[wait->kind];
        c = &run->s.commands[wait->command];
    }
    return KPU_STALL_LATENCY;
}

static void add_gap(const schedule_run *run, const kpu_command *fab, int64_t gap, kpu_counts *out)
{
    const kpu_wait *wait = &run->s.waits[fab->critical];
    const kpu_command *stream = &run->s.commands[wait->command];
    if (wait->kind == KPU_WAIT_ACCUMULATORS)
        out->stalls[KPU_STALL_L1_SLOTS][KPU_C] += gap;
    else if (wait->kind == KPU_WAIT_REGISTERS)
        out->stalls[KPU_STALL_REGISTER_SLOTS][KPU_C] += gap;
    else
        out->stalls[trace(run, stream)][stream->operand] += gap;
}

static void add_stretch(const schedule_run *run, const kpu_command *fab, kpu_counts *out)
{
    int64_t end = fab->start + kpu_command_work_cycles(&run->s, fab), latest = end;
    int operand = KPU_C;
    for (int64_t i = fab->first_wait; i < fab->first_wait + fab->wait_count; i++) {
        const kpu_wait *wait = &run->s.waits[i];
        if (wait->kind != KPU_WAIT_STREAM_READY || kpu_wait_end(&run->s, wait) <= latest)
            continue;
        latest = kpu_wait_end(&run->s, wait);
        operand = run->s.commands[wait->command].operand;
    }
    out->stalls[KPU_STALL_L2_BANDWIDTH][operand] += latest - end;
}

static void compare_stalls(schedule_run *run, const kpu_counts *want)
{
    kpu_counts got = {0};
    int64_t free_from = 0;
    for (int64_t i = 0; i < run->s.command_count; i++) {
        const kpu_command *c = &run->s.commands[i];
        if (c->kind != KPU_CMD_FAB)
            continue;
        if (c->start > free_from)
            add_gap(run, c, c->start - free_from, &got);
        add_stretch(run, c, &got);
        free_from = c->busy_end;
    }
    expect(run, "drain", 0, run->s.cycles - free_from, want->drain_cycles);
    for (int i = 0; i < KPU_STALLS; i++)
        for (int x = 0; x < KPU_OPERANDS; x++)
            expect(run, kpu_stall_names[i], x, got.stalls[i][x], want->stalls[i][x]);
}

/* ------------------------------------------------------------------------------------------- */

static void check_case(schedule_run *run)
{
    kpu_mapping m;
    kpu_counts want;
    kpu_mapping_make(&run->c.machine, &run->c.problem, &run->c.candidate, &m);
    if (m.broken)
        return;
    run->feasible++;
    run->controls[m.control]++;
    run->dataflows[m.dataflow]++;
    run->transposed += m.problem.transposed[KPU_A] || m.problem.transposed[KPU_B];
    int code = kpu_simulator_run(run->simulator, &run->c.machine, &m, &want);
    if (code == KPU_OK)
        code = kpu_schedule_make(&run->c.machine, &m, NULL, &run->s, NULL);
    expect(run, "made", 0, code, KPU_OK);
    if (code != KPU_OK)
        return;
    run->commands += run->s.command_count;
    compare_counts(run, &want);
    if (find_since(run))
        compare_stalls(run, &want);
    else
        run->failures++;
    free(run->since);
    kpu_schedule_fini(&run->s);
}

int main(int argc, char **argv)
{
    schedule_run run = {.simulator = kpu_simulator_new()};
    long cases = argc > 1 ? atol(argv[1]) : 4000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    if (!run.simulator)
        return 1;
    for (uint64_t i = 0; i < (uint64_t)cases; i++) {
        if (i % 40 == 39)
            random_case_draw_long(seed, i, &run.c);
        else
            random_case_draw(seed, i, &run.c);
        random_case_transpose(i, &run.c);
        check_case(&run);
    }
    kpu_simulator_free(run.simulator);
    printf("%ld cases, %" PRId64 " fit (iddo %" PRId64 ", eddo %" PRId64 "; os %" PRId64
           ", ws %" PRId64 ", is %" PRId64 "; transposed %" PRId64 "), %" PRId64
           " commands, %" PRId64 " failures\n",
           cases, run.feasible, run.controls[KPU_IDDO], run.controls[KPU_EDDO],
           run.dataflows[KPU_OS], run.dataflows[KPU_WS], run.dataflows[KPU_IS], run.transposed,
           run.commands, run.failures);
    return run.failures || run.feasible < cases / 3;
}
