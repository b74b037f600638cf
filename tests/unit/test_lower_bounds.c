/* kpu/mapping.h, kpu/metrics.h: bounds of a mapping and of a box, small enough to follow by hand;
 * what is proven empty; what a bound says of a metric; what would leave 64 bits. */
#include "kpu/metrics.h"

#include "run_suite.h"
#include "tiny_machine.h"
#include <math.h>
#include <string.h>

static kpu_problem fp32_problem(int64_t m, int64_t n, int64_t k)
{
    return (kpu_problem){.dim = {m, n, k}, .element_bytes = {4, 4, 4}, .partial_bytes = 4};
}

/* Single buffers, no tile kept longer than it is used. */
static kpu_candidate plain_candidate(int64_t dataflow)
{
    kpu_candidate c;
    kpu_candidate_defaults(&c);
    c.dataflow = dataflow;
    c.l1_buffers = 1;
    c.auto_residency = 0;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        c.l3_buffers[x] = c.l2_buffers[x] = 1;
        c.hoist[x][KPU_HOIST_L3] = c.hoist[x][KPU_HOIST_L2] = KPU_NEST;
    }
    return c;
}

static kpu_result evaluate(const kpu_problem *problem, const kpu_candidate *candidate)
{
    kpu_result result;
    kpu_simulator *simulator = kpu_simulator_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(simulator);
    CU_ASSERT_EQUAL_FATAL(kpu_evaluate(simulator, &tiny_machine, problem, candidate, &result),
                          KPU_OK);
    CU_ASSERT_EQUAL_FATAL(result.mapping.broken, 0);
    kpu_simulator_free(simulator);
    result.counts.dma_busy = result.counts.bm_busy = NULL; /* they went with the simulator */
    return result;
}

/* ---- Cycles of a mapping ------------------------------------------------------------------ */

/* Bounds on the cycles of a run, and what it takes. */
static int64_t bound_cycles(int64_t dataflow, const kpu_problem *problem,
                            int64_t bounds[KPU_CYCLE_BOUNDS])
{
    kpu_candidate candidate = plain_candidate(dataflow);
    kpu_result result = evaluate(problem, &candidate);
    kpu_mapping_cycle_bounds(&tiny_machine, &result.mapping, bounds);
    return result.counts.cycles;
}

/* A tile takes 1 + 10 + 1 + 3 = 15 to reach L2, 2 more to the first step; a result takes 1 + 2 to
 * reach L2, 1 + 3 to L3, 1 + 10 to the DRAM: 18. All but the wait of B for the only DMA engine. */
static void test_one_multiplication(void)
{
    kpu_problem problem = fp32_problem(1, 1, 1);
    int64_t b[KPU_CYCLE_BOUNDS];
    CU_ASSERT_EQUAL(bound_cycles(KPU_OS, &problem, b), 37);
    CU_ASSERT_EQUAL(b[KPU_BOUND_COMPUTE], 17 + 1 + 18);
    CU_ASSERT_EQUAL(b[KPU_BOUND_DMA], 3 + 10);
    CU_ASSERT_EQUAL(b[KPU_BOUND_BM], 10 + 3 + 3 + 10);
    CU_ASSERT_EQUAL(b[KPU_BOUND_STR_A], 15 + 1 + 2 + 18);
    CU_ASSERT_EQUAL(b[KPU_BOUND_STR_B], 15 + 1 + 2 + 18);
    CU_ASSERT_EQUAL(b[KPU_BOUND_STR_CIN], 0);
    CU_ASSERT_EQUAL(b[KPU_BOUND_STR_COUT], 17 + 1 + 17);
    CU_ASSERT_EQUAL(b[KPU_BOUND_L1], 15 + 2 + 1 + 18);
    CU_ASSERT_EQUAL(b[KPU_BOUND_ACCUMULATORS], 0);
    CU_ASSERT_EQUAL(b[KPU_BOUND_REGISTERS], 17 + 1 + 1 + 17);
    CU_ASSERT_EQUAL(b[KPU_BOUND_CHAIN], 17 + 1 + 18);
}

/* The only slot of A in L3 is loaded, waited for and read twice: 2 * (1 + 10 + 1); the last tile
 * then takes 3 + 2 + 18. */
static void test_ring_of_one_slot(void)
{
    kpu_problem problem = fp32_problem(1, 1, 2);
    int64_t b[KPU_CYCLE_BOUNDS];
    CU_ASSERT_EQUAL(bound_cycles(KPU_OS, &problem, b), 49);
    CU_ASSERT_EQUAL(b[KPU_BOUND_L3_A], 24 + 23);
    CU_ASSERT_EQUAL(b[KPU_BOUND_L2_A], 10 + 2 * (1 + 3 + 1) + 2 + 18);
}

/* B stationary: C leaves the array after the first step, 1 + 2, and comes back, 2, for the second.
 */
static void test_chain(void)
{
    kpu_problem problem = fp32_problem(1, 1, 2);
    int64_t b[KPU_CYCLE_BOUNDS];
    CU_ASSERT_EQUAL(bound_cycles(KPU_WS, &problem, b), 50);
    CU_ASSERT_EQUAL(b[KPU_BOUND_CHAIN], 18 + 1 + 5 + 1 + 18);
}

/* Both tiles of C leave as partial sums and come back. Each holds the only slot of L3 twice: first
 * from its BM_STORE on, 1 + 3 and 1 for the DMA_STORE; then for its load, 1 + 10, that to L2,
 * 1 + 3, a step from its first datum to its result, 2 + 1 + 1 + 2, and 1 + 3 and 1 on its way out.
 * The first BM_STORE cannot start before 18 + 2. */
static void test_ring_of_c(void)
{
    kpu_problem problem = fp32_problem(2, 1, 2);
    int64_t b[KPU_CYCLE_BOUNDS];
    int64_t cycles = bound_cycles(KPU_WS, &problem, b);
    CU_ASSERT_EQUAL(b[KPU_BOUND_L3_C], 20 + 2 * (5 + 11 + 4 + 6 + 5) + 10);
    CU_ASSERT_EQUAL(b[KPU_BOUND_L3_C], 92);
    CU_ASSERT_TRUE(cycles >= 92);
    /* in L2: 1 + 2 + 1 at first; then 4, 6 and 1 */
    CU_ASSERT_EQUAL(b[KPU_BOUND_L2_C], 18 + 2 * (4 + 11) + 3 + 10);
}

/* Slow beyond 64 bits: the simulator refuses, the bound says nothing. */
static void test_what_leaves_64_bits(void)
{
    kpu_machine machine = tiny_machine;
    kpu_problem problem = fp32_problem(1 << 17, 1 << 17, 1 << 17);
    kpu_candidate candidate = plain_candidate(KPU_WS);
    kpu_mapping mapping;
    kpu_lower_bounds bounds;
    kpu_box box;
    machine.dma_bytes_per_cycle = machine.drain_bytes_per_cycle = (kpu_rational){1, 1000000};
    machine.dma_latency_cycles = machine.streamer_latency_cycles = 1000000000;
    CU_ASSERT_EQUAL_FATAL(kpu_mapping_make(&machine, &problem, &candidate, &mapping), KPU_OK);
    CU_ASSERT_EQUAL_FATAL(mapping.broken, 0);
    kpu_mapping_lower_bounds(&machine, &mapping, &bounds);
    CU_ASSERT_EQUAL(bounds.cycles, 0);
    kpu_box_of_candidate(&candidate, &box);
    kpu_box_bounds(&machine, &problem, &box, &bounds);
    CU_ASSERT_FALSE(bounds.empty);
    CU_ASSERT_EQUAL(bounds.cycles, INT64_MAX);
}

/* ---- Boxes -------------------------------------------------------------------------------- */

/* 8 x 8 x 8 on the tiny machine with registers for it. */
static kpu_lower_bounds bound_box(const kpu_candidate *a, const kpu_candidate *b)
{
    kpu_machine machine = tiny_machine;
    kpu_problem problem = fp32_problem(8, 8, 8);
    kpu_box box;
    kpu_lower_bounds bounds;
    machine.registers_per_pe = 64;
    kpu_box_of_candidate(a, &box);
    kpu_box_add(&box, b);
    kpu_box_bounds(&machine, &problem, &box, &bounds);
    return bounds;
}

static void test_box_of_tiles(void)
{
    kpu_candidate a = plain_candidate(KPU_OS), b = a;
    for (int d = 0; d < KPU_DIMS; d++) {
        a.tile[d] = 2;
        b.tile[d] = 4;
    }
    kpu_lower_bounds bounds = bound_box(&a, &b);
    CU_ASSERT_FALSE(bounds.empty);
    /* at least two tiles along n: A comes twice; so does B */
    CU_ASSERT_EQUAL(bounds.traffic.dram_read[KPU_A], 2 * 64 * 4);
    CU_ASSERT_EQUAL(bounds.traffic.l3_to_l2[KPU_B], 2 * 64 * 4);
    CU_ASSERT_EQUAL(bounds.traffic.l2_to_l1[KPU_A], 2 * 64 * 4);
    CU_ASSERT_EQUAL(bounds.traffic.l1_to_fabric[KPU_A], 8 * 64 * 4);
    CU_ASSERT_EQUAL(bounds.traffic.dram_write[KPU_C], 64 * 4);
    CU_ASSERT_EQUAL(bounds.traffic.dram_read[KPU_C], 0);
    CU_ASSERT_EQUAL(bounds.l3_bytes, 3 * 4 * 4);
    CU_ASSERT_EQUAL(bounds.l1_bytes, 2 * 4 * 4);
    CU_ASSERT_EQUAL(bounds.registers_per_pe, 8);
    CU_ASSERT_TRUE(bounds.cycles >= 512);
}

/* Registers are not monotone: of 4 and of 36 passes both fit 64, 36 of them once. */
static void test_box_of_registers(void)
{
    kpu_candidate a = plain_candidate(KPU_OS), b = a;
    a.tile[KPU_M] = a.tile[KPU_N] = 5; /* 25 passes, twice */
    b.tile[KPU_M] = b.tile[KPU_N] = 6; /* 36 once */
    CU_ASSERT_EQUAL(bound_box(&a, &a).registers_per_pe, 50);
    CU_ASSERT_EQUAL(bound_box(&b, &b).registers_per_pe, 36);
    CU_ASSERT_EQUAL(bound_box(&a, &b).registers_per_pe, 33);
}

static void test_empty_boxes(void)
{
    kpu_machine machine = tiny_machine;
    kpu_problem problem = fp32_problem(8, 8, 8);
    kpu_candidate a = plain_candidate(KPU_OS);
    kpu_box box;
    kpu_lower_bounds bounds;
    a.tile[KPU_M] = a.tile[KPU_N] = 2; /* four passes, one register */
    kpu_box_of_candidate(&a, &box);
    kpu_box_bounds(&machine, &problem, &box, &bounds);
    CU_ASSERT_TRUE(bounds.empty);
    machine.registers_per_pe = 4;
    kpu_box_bounds(&machine, &problem, &box, &bounds);
    CU_ASSERT_FALSE(bounds.empty);
    box.block[KPU_M] = (kpu_range){3, 3}; /* no multiple of 2 */
    kpu_box_bounds(&machine, &problem, &box, &bounds);
    CU_ASSERT_TRUE(bounds.empty);
    box.block[KPU_M] = (kpu_range){3, 4};
    kpu_box_bounds(&machine, &problem, &box, &bounds);
    CU_ASSERT_FALSE(bounds.empty);
    box.l1_buffers = (kpu_range){1 << 20, 1 << 20};
    kpu_box_bounds(&machine, &problem, &box, &bounds);
    CU_ASSERT_TRUE(bounds.empty);
}

static void test_hull(void)
{
    kpu_candidate a = plain_candidate(KPU_OS), b = plain_candidate(KPU_IS);
    kpu_box box;
    a.block[KPU_M] = 16;
    b.swap = 1;
    b.order[0] = KPU_K;
    b.order[2] = KPU_M;
    b.tile[KPU_N] = 7;
    b.control = KPU_EDDO;
    kpu_box_of_candidate(&a, &box);
    CU_ASSERT_TRUE(box.one_residency && !box.any_auto);
    kpu_box_add(&box, &b);
    CU_ASSERT_TRUE(box.one_residency);
    CU_ASSERT_EQUAL(box.dataflows, 1u << 0 | 1u << 5);
    CU_ASSERT_EQUAL(box.orders, 1u << 0 | 1u << 5);
    CU_ASSERT_EQUAL(box.controls, 3);
    CU_ASSERT_TRUE(box.block[KPU_M].low == 16 && box.block[KPU_M].high == INT64_MAX);
    CU_ASSERT_TRUE(box.tile[KPU_N].low == 1 && box.tile[KPU_N].high == 7);
    b.hoist[KPU_A][KPU_HOIST_L3] = 0;
    kpu_box_add(&box, &b);
    CU_ASSERT_FALSE(box.one_residency || box.any_auto);
    b.auto_residency = 1;
    kpu_box_add(&box, &b);
    CU_ASSERT_TRUE(!box.one_residency && box.any_auto);
    for (int i = 0; i < KPU_ORDERS; i++) {
        uint8_t dims[KPU_DIMS];
        kpu_box_order(i, dims);
        for (int d = 0; d < KPU_DIMS; d++)
            a.order[d] = dims[d];
        kpu_box_of_candidate(&a, &box);
        CU_ASSERT_EQUAL(box.orders, 1u << i);
    }
}

/* ---- Metrics ------------------------------------------------------------------------------ */

static double metric_bound(const kpu_problem *problem, const kpu_lower_bounds *bounds,
                           const char *name)
{
    int metric = kpu_metric_find(name);
    CU_ASSERT_TRUE_FATAL(metric >= 0);
    return kpu_metric_bound(&tiny_machine, problem, bounds, (size_t)metric);
}

static void test_metrics(void)
{
    kpu_problem problem = fp32_problem(1, 1, 1);
    kpu_candidate candidate = plain_candidate(KPU_OS);
    kpu_result result = evaluate(&problem, &candidate);
    kpu_lower_bounds b;
    kpu_mapping_lower_bounds(&tiny_machine, &result.mapping, &b);
    CU_ASSERT_EQUAL(b.cycles, 36);
    CU_ASSERT_EQUAL(metric_bound(&problem, &b, "cycles"), 36);
    CU_ASSERT_EQUAL(metric_bound(&problem, &b, "time_ns"), 36);
    CU_ASSERT_EQUAL(metric_bound(&problem, &b, "utilisation"), 1.0 / 36);
    CU_ASSERT_EQUAL(metric_bound(&problem, &b, "dram_bytes"), 12);
    CU_ASSERT_EQUAL(metric_bound(&problem, &b, "arithmetic_intensity"), 1.0 / 12);
    CU_ASSERT_EQUAL(metric_bound(&problem, &b, "footprint_bytes"), 12 + 12 + 8);
    /* 12 bytes over each link, read on one side and written on the other; one MAC; leakage. L1
     * feeds the fabric with 8 bytes and takes 4 */
    double energy = 12 * 8 + 24 * 4 + 24 * 2 + 24 * 1 + 1 + 36;
    CU_ASSERT_EQUAL(metric_bound(&problem, &b, "energy_pj"), energy);
    CU_ASSERT_EQUAL(metric_bound(&problem, &b, "edp"), energy * 36);
    CU_ASSERT_EQUAL(metric_bound(&problem, &b, "stall_drain"), -INFINITY);
    CU_ASSERT_EQUAL(metric_bound(&problem, &b, "reuse_l2_A"), INFINITY);
    CU_ASSERT_EQUAL(metric_bound(&problem, &b, "dram_elements_over_bound"), -INFINITY);
    b.empty = true;
    CU_ASSERT_EQUAL(metric_bound(&problem, &b, "cycles"), INFINITY);
    CU_ASSERT_EQUAL(metric_bound(&problem, &b, "utilisation"), -INFINITY);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"one multiplication", test_one_multiplication},
        {"ring of one slot", test_ring_of_one_slot},
        {"chain", test_chain},
        {"ring of C", test_ring_of_c},
        {"what leaves 64 bits", test_what_leaves_64_bits},
        {"box of tiles", test_box_of_tiles},
        {"box of registers", test_box_of_registers},
        {"empty boxes", test_empty_boxes},
        {"hull", test_hull},
        {"metrics", test_metrics},
        CU_TEST_INFO_NULL,
    };
    return run_suite("lower bounds", tests);
}
