/* test_properties.c - what the model says of every run, on random cases: closed-form traffic is
 * the simulated one, no bound is beaten, every cycle is accounted for, iddo is monotone, and a
 * simulator remembers nothing.   test_properties [CASES [SEED]] */
#include "kpu/metrics.h"
#include "random_case.h"

#include <stdlib.h>
#include <string.h>

typedef struct property_run {
    kpu_simulator *simulator;
    random_case c;
    kpu_result result;
    long checks, failures;
} property_run;

static void expect(property_run *run, bool holds, const char *what)
{
    run->checks++;
    if (holds)
        return;
    run->failures++;
    if (run->failures > 10)
        return;
    printf("does not hold: %s\n", what);
    random_case_print(&run->c, stdout);
}

/* ---- Accounting --------------------------------------------------------------------------- */

static void check_traffic(property_run *run)
{
    kpu_traffic closed_form;
    kpu_mapping_traffic(&run->c.machine, &run->result.mapping, &closed_form);
    expect(run, memcmp(&closed_form, &run->result.counts.traffic, sizeof closed_form) == 0,
           "closed-form traffic = simulated traffic");
}

static void check_cycles_add_up(property_run *run)
{
    const kpu_counts *counts = &run->result.counts;
    int64_t cycles = counts->compute_cycles + counts->drain_cycles;
    bool negative = counts->drain_cycles < 0;
    for (int i = 0; i < KPU_STALLS; i++)
        for (int x = 0; x < KPU_OPERANDS; x++) {
            cycles += counts->stalls[i][x];
            negative = negative || counts->stalls[i][x] < 0;
        }
    expect(run, cycles == counts->cycles, "compute + stalls + drain = cycles");
    expect(run, !negative, "no stall is negative");
    expect(run, counts->commands[KPU_CMD_FAB] == counts->steps, "one FAB a step");
}

static int64_t sum(const int64_t *values, int64_t count)
{
    int64_t total = 0;
    for (int64_t i = 0; i < count; i++)
        total += values[i];
    return total;
}

/* ---- Bounds ------------------------------------------------------------------------------- */

static void check_cycle_bounds(property_run *run)
{
    const kpu_machine *machine = &run->c.machine;
    const kpu_counts *counts = &run->result.counts;
    int64_t dma = machine->dram_channels, bm = machine->block_mover_engines;
    for (int i = 0; i < KPU_ENGINE_CLASSES; i++) {
        int64_t engines = i == KPU_ENGINE_DMA ? dma : i == KPU_ENGINE_BM ? bm : 1;
        expect(run, counts->cycles >= kpu_ceil_div(counts->busy[i], engines),
               "cycles >= busy cycles of a class / its engines");
    }
    for (int64_t i = 0; i < dma; i++)
        expect(run, counts->cycles >= counts->dma_busy[i], "cycles >= a DMA engine's");
    for (int64_t i = 0; i < bm; i++)
        expect(run, counts->cycles >= counts->bm_busy[i], "cycles >= a block mover's");
    expect(run, sum(counts->dma_busy, dma) == counts->busy[KPU_ENGINE_DMA],
           "the DMA engines' busy cycles sum to their class's");
    expect(run, sum(counts->bm_busy, bm) == counts->busy[KPU_ENGINE_BM],
           "the block movers' busy cycles sum to their class's");
    expect(run, counts->cycles >= run->result.bounds.mac_cycles, "cycles >= MNK / (R*C)");
    expect(run, counts->compute_cycles >= run->result.bounds.mac_cycles,
           "compute cycles >= MNK / (R*C)");
}

static void check_traffic_bounds(property_run *run)
{
    const kpu_problem *p = &run->c.problem;
    const kpu_traffic *t = &run->result.counts.traffic;
    const kpu_bounds *bounds = &run->result.bounds;
    const int64_t *e = p->element_bytes;
    int64_t outputs = p->dim[KPU_M] * p->dim[KPU_N];
    int64_t bytes = sum(t->dram_read, KPU_OPERANDS) + sum(t->dram_write, KPU_OPERANDS);
    expect(run, bytes >= bounds->compulsory_dram_bytes, "DRAM bytes >= compulsory");
    /* A partial tile that leaves comes back once; the final ones leave once. */
    expect(run, t->dram_write[KPU_C] == t->dram_read[KPU_C] + outputs * e[KPU_C],
           "C written to DRAM = C read from it + the outputs");
    expect(run, t->l2_to_l3[KPU_C] == t->l3_to_l2[KPU_C] + outputs * e[KPU_C],
           "C written to L3 = C read from it + the outputs");
    expect(run, t->l1_to_l2[KPU_C] == t->l2_to_l1[KPU_C] + outputs * e[KPU_C],
           "C written to L2 = C read from it + the outputs");
    int64_t elements = t->dram_read[KPU_A] / e[KPU_A] + t->dram_read[KPU_B] / e[KPU_B] +
                       2 * (t->dram_read[KPU_C] / p->partial_bytes) + outputs;
    expect(run, (double)elements >= bounds->io_lower_bound_elements,
           "elements moved >= the I/O lower bound");
    for (int x = 0; x < KPU_OPERANDS; x++) {
        expect(run, t->l3_to_l2[x] >= t->dram_read[x], "L3 gives at least what it gets");
        expect(run, t->l2_to_l1[x] >= t->l3_to_l2[x], "L2 gives at least what it gets");
        expect(run, t->l1_to_fabric[x] >= t->l2_to_l1[x], "L1 gives at least what it gets");
    }
}

/* ---- No memory ---------------------------------------------------------------------------- */

static bool same_counts(const kpu_machine *machine, const kpu_counts *a, const kpu_counts *b)
{
    kpu_counts x = *a, y = *b;
    x.dma_busy = y.dma_busy = x.bm_busy = y.bm_busy = NULL;
    return memcmp(&x, &y, sizeof x) == 0 &&
           memcmp(a->dma_busy, b->dma_busy, (size_t)machine->dram_channels * sizeof *a->dma_busy) ==
               0 &&
           memcmp(a->bm_busy, b->bm_busy,
                  (size_t)machine->block_mover_engines * sizeof *a->bm_busy) == 0;
}

/* The simulator has run all cases before this one; a new one has not. */
static void check_scratch(property_run *run)
{
    const random_case *c = &run->c;
    kpu_simulator *fresh = kpu_simulator_new();
    kpu_result again;
    bool same = fresh &&
                kpu_evaluate(fresh, &c->machine, &c->problem, &c->candidate, &again) == KPU_OK &&
                same_counts(&c->machine, &run->result.counts, &again.counts);
    expect(run, same, "a used simulator gives what a new one gives");
    kpu_simulator_free(fresh);
}

/* ---- Monotone under iddo ------------------------------------------------------------------ */

static void faster(kpu_rational *bandwidth)
{
    (void)kpu_rational_make(bandwidth->num * 3, bandwidth->den * 2, bandwidth);
}

static void improve_dma_bandwidth(random_case *c)
{
    faster(&c->machine.dma_bytes_per_cycle);
}
static void improve_bm_bandwidth(random_case *c)
{
    faster(&c->machine.block_mover_bytes_per_cycle);
}
static void improve_row_bandwidth(random_case *c)
{
    faster(&c->machine.row_bytes_per_cycle);
}
static void improve_col_bandwidth(random_case *c)
{
    faster(&c->machine.col_bytes_per_cycle);
}
static void improve_drain_bandwidth(random_case *c)
{
    faster(&c->machine.drain_bytes_per_cycle);
}
static void improve_dma_latency(random_case *c)
{
    c->machine.dma_latency_cycles /= 2;
}
static void improve_bm_latency(random_case *c)
{
    c->machine.block_mover_latency_cycles /= 2;
}
static void improve_str_latency(random_case *c)
{
    c->machine.streamer_latency_cycles /= 2;
}
static void improve_registers(random_case *c)
{
    c->machine.registers_per_pe *= 2;
}
static void improve_d1(random_case *c)
{
    c->candidate.l1_buffers++;
}
static void improve_d2_a(random_case *c)
{
    c->candidate.l2_buffers[KPU_A]++;
}
static void improve_d2_b(random_case *c)
{
    c->candidate.l2_buffers[KPU_B]++;
}

static const struct {
    const char *name;
    void (*apply)(random_case *c);
} improvements[] = {
    {"DMA bandwidth", improve_dma_bandwidth},
    {"block mover bandwidth", improve_bm_bandwidth},
    {"row streamer bandwidth", improve_row_bandwidth},
    {"column streamer bandwidth", improve_col_bandwidth},
    {"drain bandwidth", improve_drain_bandwidth},
    {"DMA latency", improve_dma_latency},
    {"block mover latency", improve_bm_latency},
    {"streamer latency", improve_str_latency},
    {"registers", improve_registers},
    {"d1", improve_d1},
    {"d2 of A", improve_d2_a},
    {"d2 of B", improve_d2_b},
};

/* The same case with its hoists fixed, and memory enough for another buffer. */
static random_case with_fixed_hoists(const property_run *run)
{
    random_case c = run->c;
    c.candidate.auto_residency = 0;
    memcpy(c.candidate.hoist, run->result.mapping.hoist, sizeof c.candidate.hoist);
    c.machine.l3_tile_kib = c.machine.l2_bank_kib = c.machine.l1_buffer_kib = 1 << 20;
    return c;
}

static int64_t cycles_of(kpu_simulator *simulator, const random_case *c)
{
    kpu_result result;
    if (kpu_evaluate(simulator, &c->machine, &c->problem, &c->candidate, &result) ||
        result.mapping.broken)
        return -1;
    return result.counts.cycles;
}

static void check_monotone(property_run *run)
{
    char what[96];
    int64_t before = run->result.counts.cycles;
    random_case fixed = with_fixed_hoists(run);
    expect(run, cycles_of(run->simulator, &fixed) == before,
           "chosen hoists given explicitly, in larger memories, take the same cycles");
    if (run->c.candidate.control != KPU_IDDO)
        return;
    for (size_t i = 0; i < sizeof improvements / sizeof *improvements; i++) {
        random_case better = fixed;
        improvements[i].apply(&better);
        int64_t after = cycles_of(run->simulator, &better);
        snprintf(what, sizeof what, "better %s: %lld cycles, before %lld", improvements[i].name,
                 (long long)after, (long long)before);
        expect(run, after >= 0 && after <= before, what);
    }
}

/* ------------------------------------------------------------------------------------------- */

static void check_case(property_run *run)
{
    const random_case *c = &run->c;
    int code = kpu_evaluate(run->simulator, &c->machine, &c->problem, &c->candidate, &run->result);
    expect(run, code == KPU_OK, "kpu_evaluate succeeds");
    if (code != KPU_OK || run->result.mapping.broken)
        return;
    check_traffic(run);
    check_cycles_add_up(run);
    check_cycle_bounds(run);
    check_traffic_bounds(run);
    check_scratch(run);
    check_monotone(run); /* last: the simulator's next run overwrites the engines' busy cycles */
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? atol(argv[1]) : 3000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 100;
    property_run run = {.simulator = kpu_simulator_new()};
    if (!run.simulator)
        return 1;
    for (long i = 0; i < count; i++) {
        random_case_draw(seed, (uint64_t)i, &run.c);
        check_case(&run);
    }
    kpu_simulator_free(run.simulator);
    printf("%ld cases, %ld checks, %ld failures\n", count, run.checks, run.failures);
    return run.failures || !run.checks;
}
