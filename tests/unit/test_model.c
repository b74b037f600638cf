/* Runs small enough to follow by hand, known formulas, published figures, what overflows. */
#include "kpu/metrics.h"

#include "run_suite.h"
#include "tiny_machine.h"
#include <stdio.h>
#include <string.h>

static kpu_problem fp32_problem(int64_t m, int64_t n, int64_t k)
{
    return (kpu_problem){.dim = {m, n, k}, .element_bytes = {4, 4, 4}, .partial_bytes = 4};
}

/* Single buffers, no tile kept longer than it is used. */
static kpu_candidate plain_candidate(int64_t dataflow, int64_t control)
{
    kpu_candidate c;
    kpu_candidate_defaults(&c);
    c.dataflow = dataflow;
    c.control = control;
    c.l1_buffers = 1;
    c.auto_residency = 0;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        c.l3_buffers[x] = c.l2_buffers[x] = 1;
        c.hoist[x][KPU_HOIST_L3] = c.hoist[x][KPU_HOIST_L2] = KPU_NEST;
    }
    return c;
}

static kpu_result evaluate(const kpu_machine *machine, const kpu_problem *problem,
                           const kpu_candidate *candidate)
{
    kpu_result result;
    kpu_simulator *simulator = kpu_simulator_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(simulator);
    CU_ASSERT_EQUAL_FATAL(kpu_evaluate(simulator, machine, problem, candidate, &result), KPU_OK);
    CU_ASSERT_EQUAL(result.mapping.broken, 0);
    result.counts.dma_busy = result.counts.bm_busy = NULL; /* they go with the simulator */
    kpu_simulator_free(simulator);
    return result;
}

typedef struct stall {
    int cause, operand;
    int64_t cycles;
} stall;

/* Cycles, drain, and all stalls: what is not in the list (ended by 0 cycles) is 0. */
static void expect_cycles(const kpu_result *result, int64_t cycles, int64_t drain,
                          const stall *stalls)
{
    kpu_counts wanted = {0};
    CU_ASSERT_EQUAL(result->counts.cycles, cycles);
    CU_ASSERT_EQUAL(result->counts.drain_cycles, drain);
    for (const stall *s = stalls; s->cycles; s++)
        wanted.stalls[s->cause][s->operand] = s->cycles;
    for (int i = 0; i < KPU_STALLS; i++)
        for (int x = 0; x < KPU_OPERANDS; x++) {
            CU_ASSERT_EQUAL(result->counts.stalls[i][x], wanted.stalls[i][x]);
            if (result->counts.stalls[i][x] != wanted.stalls[i][x])
                fprintf(stderr, "  %s %c: %lld cycles\n", kpu_stall_names[i], "ABC"[x],
                        (long long)result -> counts.stalls[i][x]);
        }
}

/* ---- Traces by hand: start - end of being busy, then when it is ready ---------------------- */

/* DMA_LOAD A 0-1, 11; DMA_LOAD B 1-2, 12; BM_LOAD A 11-12, 15; BM_LOAD B 12-13, 16;
 * STR_A 15-16, 18; STR_B 16-17, first datum 18, ready 19; FAB 18-19;
 * STR_COUT 19-20, 22; BM_STORE 22-23, 26; DMA_STORE 26-27, 37.
 * The FAB waits for B, whose DMA_LOAD found the only engine busy. */
static void test_one_multiplication(void)
{
    kpu_problem problem = fp32_problem(1, 1, 1);
    for (int64_t control = 0; control < KPU_CONTROLS; control++) {
        kpu_candidate candidate = plain_candidate(KPU_OS, control);
        kpu_result result = evaluate(&tiny_machine, &problem, &candidate);
        expect_cycles(&result, 37, 18, (stall[]){{KPU_STALL_DRAM_BANDWIDTH, KPU_B, 18}, {0}});
        CU_ASSERT_EQUAL(result.counts.compute_cycles, 1);
        CU_ASSERT_EQUAL(result.counts.busy[KPU_ENGINE_DMA], 3);
        CU_ASSERT_EQUAL(result.counts.busy[KPU_ENGINE_BM], 3);
        CU_ASSERT_EQUAL(result.counts.busy[KPU_ENGINE_STR_COUT], 1);
        CU_ASSERT_EQUAL(result.counts.busy[KPU_ENGINE_STR_CIN], 0);
    }
}

/* Two steps along k. The first as above up to its FAB, 18-19. The second:
 * DMA_LOAD A 12-13, 23 (its slot is free when BM_LOAD A ended, 12); DMA_LOAD B 13-14, 24 (slot);
 * BM_LOAD A 23-24, 27; BM_LOAD B 24-25, 28; STR_A 27-28, 30; STR_B 28-29, first datum 30, 31;
 * FAB 30-31; STR_COUT 31-32, 34; BM_STORE 34-35, 38; DMA_STORE 38-39, 49.
 * The gap 19-30 leads over B's BM_LOAD to its DMA_LOAD, which waited for the slot. */
static void test_two_steps_output_stationary(void)
{
    kpu_problem problem = fp32_problem(1, 1, 2);
    kpu_candidate candidate = plain_candidate(KPU_OS, KPU_IDDO);
    kpu_result result = evaluate(&tiny_machine, &problem, &candidate);
    expect_cycles(
        &result, 49, 18,
        (stall[]){{KPU_STALL_DRAM_BANDWIDTH, KPU_B, 18}, {KPU_STALL_L3_SLOTS, KPU_B, 11}, {0}});
}

/* The same with B stationary: C goes out and comes back.
 * Step 0: loads as above; STR_A 15-16, first datum 17; STR_B 16-17, 19: the stationary tile must be
 * whole; FAB 19-20; STR_COUT 20-21, 23.
 * Step 1: A and B as above: STR_A 27-28, first datum 29; STR_B 28-29, 31; STR_CIN 23-24 (when what
 * STR_COUT wrote is ready in L2); FAB 31-32; STR_COUT 32-33, 35; BM_STORE 35-36, 39; DMA_STORE
 * 39-40, 50. */
static void test_two_steps_weight_stationary(void)
{
    kpu_problem problem = fp32_problem(1, 1, 2);
    kpu_candidate candidate = plain_candidate(KPU_WS, KPU_IDDO);
    kpu_result result = evaluate(&tiny_machine, &problem, &candidate);
    expect_cycles(
        &result, 50, 18,
        (stall[]){{KPU_STALL_DRAM_BANDWIDTH, KPU_B, 19}, {KPU_STALL_L3_SLOTS, KPU_B, 11}, {0}});
    CU_ASSERT_EQUAL(result.counts.commands[KPU_CMD_STR_CIN], 1);
    CU_ASSERT_EQUAL(result.counts.commands[KPU_CMD_STR_COUT], 2);
    CU_ASSERT_EQUAL(result.counts.commands[KPU_CMD_BM_LOAD_C], 0);
}

/* Two steps along m; B stays. Step 0 as in the first trace up to STR_COUT 19-20, 22.
 * eddo: DMA_LOAD A 12-13, 23 goes before the DMA_STORE; BM_STORE 22-23, 26; BM_LOAD A 23-24, 27;
 * DMA_STORE 26-27; STR_A 27-28, first datum 29, 30; STR_B 19-20; FAB 29-30; STR_COUT 30-31, 33;
 * BM_STORE 33-34, 37; DMA_STORE 37-38, 48.
 * iddo: C's only slots demand both stores before the second step, so DMA_STORE 26-27 comes first,
 * DMA_LOAD A 27-28, 38; BM_LOAD A 38-39, 42; STR_A 42-43, first datum 44; FAB 44-45;
 * STR_COUT 45-46, 48; BM_STORE 48-49, 52; DMA_STORE 52-53, 63. The DMA engine was idle while the
 * store held up the load, whose slot had been free since 12: `order`. */
static void test_store_holds_up_load_under_iddo(void)
{
    kpu_problem problem = fp32_problem(2, 1, 1);
    kpu_candidate candidate = plain_candidate(KPU_OS, KPU_EDDO);
    kpu_result result = evaluate(&tiny_machine, &problem, &candidate);
    expect_cycles(
        &result, 48, 18,
        (stall[]){{KPU_STALL_DRAM_BANDWIDTH, KPU_B, 18}, {KPU_STALL_L3_SLOTS, KPU_A, 10}, {0}});
    CU_ASSERT_EQUAL(result.counts.commands[KPU_CMD_DMA_LOAD_B], 1);
    candidate.control = KPU_IDDO;
    result = evaluate(&tiny_machine, &problem, &candidate);
    expect_cycles(
        &result, 63, 18,
        (stall[]){{KPU_STALL_DRAM_BANDWIDTH, KPU_B, 18}, {KPU_STALL_DRAM_ORDER, KPU_A, 25}, {0}});
    candidate.control = KPU_EDDO;
    candidate.eddo_window = 1; /* no choice is left: the DMA_STORE comes first again */
    result = evaluate(&tiny_machine, &problem, &candidate);
    CU_ASSERT_EQUAL(result.counts.cycles, 63);
}

/* ---- Known formulas ----------------------------------------------------------------------- */

/* One tile on an R x C array without pipelining. A. Samajdar et al., "A Systematic Methodology for
 * Characterizing Scalability of DNN Accelerators using SCALE-Sim", ISPASS 2020: a fold takes
 * 2R + C + T - 2 cycles: R to fill the stationary operand, T + R + C - 2 to stream. With os nothing
 * is filled; the R that it takes to shift C out there is a stream of its own here. */
static void test_systolic_formulas(void)
{
    static const int64_t sizes[][3] = {{1, 1, 1},  {4, 4, 1},    {3, 5, 7},
                                       {8, 2, 30}, {16, 16, 64}, {1, 9, 100}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int64_t rows = sizes[i][0], cols = sizes[i][1], depth = sizes[i][2];
        const kpu_problem problems[KPU_DATAFLOWS] = {
            [KPU_OS] = fp32_problem(rows, cols, depth),
            [KPU_WS] = fp32_problem(depth, cols, rows),
            [KPU_IS] = fp32_problem(cols, depth, rows),
        };
        for (int flow = 0; flow < KPU_DATAFLOWS; flow++) {
            kpu_machine machine = tiny_machine;
            kpu_candidate candidate = plain_candidate(flow, KPU_IDDO);
            machine.fabric_rows = rows;
            machine.fabric_cols = cols;
            memcpy(candidate.tile, problems[flow].dim, sizeof candidate.tile);
            machine.pipelining = KPU_PIPELINING_NONE;
            kpu_result result = evaluate(&machine, &problems[flow], &candidate);
            CU_ASSERT_EQUAL(result.counts.compute_cycles,
                            depth + (flow == KPU_OS ? rows : 2 * rows) + cols - 2);
            machine.pipelining = KPU_PIPELINING_FULL;
            result = evaluate(&machine, &problems[flow], &candidate);
            CU_ASSERT_EQUAL(result.counts.compute_cycles, depth);
        }
    }
}

/* A tile of pm x pn arrays takes pm * pn passes, counting broken ones. */
static void test_passes(void)
{
    kpu_machine machine = tiny_machine;
    kpu_problem problem = fp32_problem(9, 11, 5);
    kpu_candidate candidate = plain_candidate(KPU_OS, KPU_IDDO);
    memcpy(candidate.tile, problem.dim, sizeof candidate.tile);
    machine.fabric_rows = 4;
    machine.fabric_cols = 5;
    machine.registers_per_pe = 9;
    kpu_result result = evaluate(&machine, &problem, &candidate);
    CU_ASSERT_EQUAL(result.counts.compute_cycles, 3 * 3 * 5);
    CU_ASSERT_EQUAL(result.mapping.full_passes, 9);
    CU_ASSERT_FALSE(result.mapping.double_buffered);
    CU_ASSERT_EQUAL(result.counts.traffic.l1_to_fabric[KPU_A], 3 * 9 * 5 * 4);
    CU_ASSERT_EQUAL(result.counts.traffic.l1_to_fabric[KPU_B], 3 * 5 * 11 * 4);
    CU_ASSERT_EQUAL(result.counts.traffic.fabric_to_l1[KPU_C], 9 * 11 * 4);
    machine.registers_per_pe = 18;
    result = evaluate(&machine, &problem, &candidate);
    CU_ASSERT_TRUE(result.mapping.double_buffered);
    CU_ASSERT_EQUAL(result.mapping.registers_per_pe, 18);
}

/* ---- Published figures -------------------------------------------------------------------- */

/* 512^3, fp32, tile 64, os, iddo on the default machine (tests/vectors/README.md). */
static void test_default_machine(void)
{
    static const int64_t cycles[] = {1637352, 817580, 554298};
    kpu_machine machine;
    kpu_problem problem = fp32_problem(512, 512, 512);
    kpu_diag diag = {0};
    CU_ASSERT_EQUAL_FATAL(kpu_machine_load(KPU_SOURCE_DIR "/configs/default.ini", &machine, &diag),
                          KPU_OK);
    for (int64_t d = 1; d <= 3; d++) {
        kpu_candidate candidate;
        kpu_candidate_defaults(&candidate);
        candidate.l1_buffers = d;
        for (int x = 0; x < KPU_OPERANDS; x++) {
            candidate.tile[x] = 64;
            candidate.l3_buffers[x] = candidate.l2_buffers[x] = d;
        }
        kpu_result result = evaluate(&machine, &problem, &candidate);
        CU_ASSERT_EQUAL(result.counts.cycles, cycles[d - 1]);
        CU_ASSERT_EQUAL(result.counts.compute_cycles, 524288);
        if (d == 1)
            expect_cycles(&result, 1637352, 3479,
                          (stall[]){{KPU_STALL_L3_SLOTS, KPU_B, 1082592},
                                    {KPU_STALL_DRAM_BANDWIDTH, KPU_B, 23800},
                                    {KPU_STALL_LATENCY, KPU_A, 3193},
                                    {0}});
    }
    kpu_diag_fini(&diag);
}

/* ---- What cannot be counted, what is not run ---------------------------------------------- */

/* Four pairs of tiles of 2^40 bytes over engines of 10^-6 bytes a cycle: about 2^63 cycles. */
static void test_cycles_beyond_64_bits(void)
{
    kpu_machine machine = tiny_machine;
    kpu_problem problem = {
        .dim = {1, 1, INT64_C(1) << 39}, .element_bytes = {8, 8, 8}, .partial_bytes = 8};
    kpu_candidate candidate = plain_candidate(KPU_OS, KPU_IDDO);
    kpu_simulator *simulator = kpu_simulator_new();
    kpu_result result;
    candidate.tile[KPU_K] = INT64_C(1) << 36;
    machine.l3_tile_kib = machine.l2_bank_kib = machine.l1_buffer_kib = INT64_C(1) << 32;
    machine.dma_bytes_per_cycle = machine.block_mover_bytes_per_cycle = (kpu_rational){1, 1000000};
    CU_ASSERT_PTR_NOT_NULL_FATAL(simulator);
    for (candidate.control = 0; candidate.control < KPU_CONTROLS; candidate.control++) {
        CU_ASSERT_EQUAL(kpu_evaluate(simulator, &machine, &problem, &candidate, &result),
                        KPU_E_RANGE);
        kpu_problem short_problem = problem; /* the same simulator still works */
        short_problem.dim[KPU_K] = 1;
        CU_ASSERT_EQUAL(kpu_evaluate(simulator, &machine, &short_problem, &candidate, &result),
                        KPU_OK);
        CU_ASSERT_TRUE(result.counts.cycles > 0);
    }
    kpu_simulator_free(simulator);
}

/* A candidate that does not fit is a result: with its reason, and all counts zero. */
static void test_infeasible_has_no_counts(void)
{
    static const kpu_counts nothing;
    kpu_machine machine = tiny_machine;
    kpu_problem problem = fp32_problem(64, 64, 64);
    kpu_candidate candidate = plain_candidate(KPU_OS, KPU_IDDO);
    kpu_simulator *simulator = kpu_simulator_new();
    kpu_result result;
    memcpy(candidate.tile, problem.dim, sizeof candidate.tile); /* 64 * 64 passes, one register */
    CU_ASSERT_PTR_NOT_NULL_FATAL(simulator);
    CU_ASSERT_EQUAL(kpu_evaluate(simulator, &machine, &problem, &candidate, &result), KPU_OK);
    CU_ASSERT_EQUAL(result.mapping.broken, 1u << KPU_LIMIT_REGISTERS);
    CU_ASSERT_EQUAL(memcmp(&result.counts, &nothing, sizeof nothing), 0);
    kpu_simulator_free(simulator);
    kpu_simulator_free(NULL);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"one multiplication", test_one_multiplication},
        {"two steps, os", test_two_steps_output_stationary},
        {"two steps, ws", test_two_steps_weight_stationary},
        {"a store holds up a load", test_store_holds_up_load_under_iddo},
        {"systolic formulas", test_systolic_formulas},
        {"passes", test_passes},
        {"default machine", test_default_machine},
        {"too many cycles", test_cycles_beyond_64_bits},
        {"infeasible", test_infeasible_has_no_counts},
        CU_TEST_INFO_NULL,
    };
    return run_suite("model", tests);
}
