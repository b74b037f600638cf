/* kpu/mapping.h: layout, windows, residency, limits, bounds; what is illegal. */
#include "kpu/mapping.h"

#include "run_suite.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Everything fits; arrays of 4 x 4. */
static kpu_machine roomy_machine(void)
{
    return (kpu_machine){
        .name = "roomy",
        .dram_channels = 1,
        .dma_bytes_per_cycle = {8, 1},
        .l3_tiles = 1,
        .l3_tile_kib = 1 << 20,
        .block_mover_engines = 1,
        .block_mover_bytes_per_cycle = {8, 1},
        .l2_banks = 1,
        .l2_bank_kib = 1 << 20,
        .row_bytes_per_cycle = {8, 1},
        .col_bytes_per_cycle = {8, 1},
        .drain_bytes_per_cycle = {8, 1},
        .l1_buffers = 1,
        .l1_buffer_kib = 1 << 20,
        .fabric_rows = 4,
        .fabric_cols = 4,
        .registers_per_pe = 1024,
        .clock_ghz = 1,
    };
}

/* 24 x 20 x 30 in tiles of 8 x 8 x 8: 3 x 3 x 4 tiles, the last of n and k smaller. */
static const kpu_problem problem_24_20_30 = {
    .dim = {24, 20, 30}, .element_bytes = {2, 4, 4}, .partial_bytes = 8};

static kpu_candidate candidate_of_8(void)
{
    kpu_candidate c;
    kpu_candidate_defaults(&c);
    for (int d = 0; d < KPU_DIMS; d++)
        c.tile[d] = 8;
    return c;
}

static kpu_mapping make(const kpu_machine *machine, const kpu_problem *problem,
                        const kpu_candidate *candidate)
{
    kpu_mapping mapping;
    CU_ASSERT_EQUAL(kpu_mapping_make(machine, problem, candidate, &mapping), KPU_OK);
    return mapping;
}

static void set_hoists(kpu_candidate *candidate, int operand, int64_t l3, int64_t l2)
{
    candidate->auto_residency = 0;
    candidate->hoist[operand][KPU_HOIST_L3] = l3;
    candidate->hoist[operand][KPU_HOIST_L2] = l2;
}

static void test_defaults(void)
{
    kpu_candidate c;
    memset(&c, 0x55, sizeof c);
    kpu_candidate_defaults(&c);
    for (int d = 0; d < KPU_DIMS; d++) {
        CU_ASSERT_EQUAL(c.order[d], d);
        CU_ASSERT_EQUAL(c.block[d], 0);
        CU_ASSERT_EQUAL(c.l3_buffers[d], 2);
        CU_ASSERT_EQUAL(c.l2_buffers[d], 2);
    }
    CU_ASSERT_EQUAL(c.control, KPU_IDDO);
    CU_ASSERT_EQUAL(c.eddo_window, 32);
    CU_ASSERT_EQUAL(c.auto_residency, 1);
}

/* Tiles are clamped, then blocks; 0 or too large is the whole dimension. */
static void test_layout(void)
{
    kpu_machine machine = roomy_machine();
    kpu_candidate c = candidate_of_8();
    c.tile[KPU_M] = 100;
    c.block[KPU_M] = 100;
    c.block[KPU_N] = 16;
    kpu_mapping m = make(&machine, &problem_24_20_30, &c);
    CU_ASSERT_EQUAL(m.broken, 0);
    CU_ASSERT_EQUAL(m.tile[KPU_M], 24);
    CU_ASSERT_EQUAL(m.block[KPU_M], 24);
    CU_ASSERT_EQUAL(m.tiles[KPU_M], 1);
    CU_ASSERT_EQUAL(m.block[KPU_N], 16);
    CU_ASSERT_EQUAL(m.blocks[KPU_N], 2);
    CU_ASSERT_EQUAL(m.block_tiles[KPU_N], 2);
    CU_ASSERT_EQUAL(m.last_block_tiles[KPU_N], 1);
    CU_ASSERT_EQUAL(m.tiles[KPU_N], 3);
    CU_ASSERT_EQUAL(m.block[KPU_K], 30);
    CU_ASSERT_EQUAL(m.tiles[KPU_K], 4);
    CU_ASSERT_EQUAL(m.slot_bytes[KPU_A], 24 * 8 * 2);
    CU_ASSERT_EQUAL(m.slot_bytes[KPU_B], 8 * 8 * 4);
    CU_ASSERT_EQUAL(m.slot_bytes[KPU_C], 24 * 8 * 8); /* partial sums */
}

static void test_loop_orders(void)
{
    static const char *const wanted[KPU_DATAFLOWS][2] = {
        {"mnk", "nmk"}, {"nkm", "knm"}, {"mkn", "kmn"}};
    kpu_machine machine = roomy_machine();
    kpu_candidate c = candidate_of_8();
    c.order[0] = KPU_K;
    c.order[1] = KPU_M;
    c.order[2] = KPU_N;
    for (c.dataflow = 0; c.dataflow < KPU_DATAFLOWS; c.dataflow++)
        for (c.swap = 0; c.swap < 2; c.swap++) {
            kpu_mapping m = make(&machine, &problem_24_20_30, &c);
            CU_ASSERT_EQUAL(m.loop_dim[0], KPU_K);
            CU_ASSERT_EQUAL(m.loop_dim[1], KPU_M);
            CU_ASSERT_EQUAL(m.loop_dim[2], KPU_N);
            for (int i = 0; i < KPU_DIMS; i++)
                CU_ASSERT_EQUAL("mnk"[m.loop_dim[KPU_BLOCK_LOOPS + i]],
                                wanted[c.dataflow][c.swap][i]);
        }
}

/* os, m n k, blocks whole: hoist 3 holds all tiles, 4 those of an m, 5 of an m and n, 6 one. */
static void test_windows_whole_blocks(void)
{
    static const int64_t wanted[KPU_OPERANDS][KPU_NEST + 1] = {
        {12, 12, 12, 12, 4, 4, 1},  /* A: m, k */
        {12, 12, 12, 12, 12, 4, 1}, /* B: n, k; m does not matter to it */
        {9, 9, 9, 9, 3, 1, 1},      /* C: m, n */
    };
    kpu_machine machine = roomy_machine();
    kpu_candidate c = candidate_of_8();
    for (int64_t p = 0; p <= KPU_NEST; p++) {
        for (int x = 0; x < KPU_OPERANDS; x++)
            set_hoists(&c, x, 0, p);
        kpu_mapping m = make(&machine, &problem_24_20_30, &c);
        for (int x = 0; x < KPU_OPERANDS; x++) {
            CU_ASSERT_EQUAL(m.window_tiles[x][KPU_HOIST_L3], wanted[x][0]);
            CU_ASSERT_EQUAL(m.window_tiles[x][KPU_HOIST_L2], wanted[x][p]);
            CU_ASSERT_EQUAL(m.slots[x][KPU_HOIST_L2], wanted[x][p] + 1); /* d2 = 2 */
        }
    }
}

/* Blocks of 16 along n (2 tiles, then 1) and k (2 and 2), order mnk: the largest window counts. */
static void test_windows_of_blocks(void)
{
    static const int64_t wanted[KPU_OPERANDS][KPU_NEST + 1] = {
        {12, 12, 12, 6, 2, 2, 1}, /* A: hoist 3 is a block of k, all of m */
        {12, 12, 8, 4, 4, 2, 1},  /* B: hoist 2 is a block of n, all of k */
        {9, 9, 6, 6, 2, 1, 1},    /* C */
    };
    kpu_machine machine = roomy_machine();
    kpu_candidate c = candidate_of_8();
    c.block[KPU_N] = c.block[KPU_K] = 16;
    for (int64_t p = 0; p <= KPU_NEST; p++) {
        for (int x = 0; x < KPU_OPERANDS; x++)
            set_hoists(&c, x, p, p);
        kpu_mapping m = make(&machine, &problem_24_20_30, &c);
        for (int x = 0; x < KPU_OPERANDS; x++)
            CU_ASSERT_EQUAL(m.window_tiles[x][KPU_HOIST_L3], wanted[x][p]);
    }
}

/* With room for all, every byte is moved once and the hoists are as large as that allows. */
static void test_auto_residency_with_room(void)
{
    kpu_machine machine = roomy_machine();
    kpu_candidate c = candidate_of_8();
    kpu_traffic t;
    kpu_bounds bounds;
    kpu_mapping m = make(&machine, &problem_24_20_30, &c);
    CU_ASSERT_EQUAL(m.broken, 0);
    kpu_mapping_traffic(&machine, &m, &t);
    kpu_mapping_bounds(&machine, &m, &bounds);
    CU_ASSERT_EQUAL(t.dram_read[KPU_A], 24 * 30 * 2);
    CU_ASSERT_EQUAL(t.dram_read[KPU_B], 30 * 20 * 4);
    CU_ASSERT_EQUAL(t.dram_read[KPU_C], 0);
    CU_ASSERT_EQUAL(t.dram_write[KPU_C], 24 * 20 * 4);
    CU_ASSERT_EQUAL(bounds.compulsory_dram_bytes, 24 * 30 * 2 + 30 * 20 * 4 + 24 * 20 * 4);
    /* A: the tiles of one m; B: all; C: one. To hoist past an irrelevant loop is free, and of equal
     * hoists the larger is taken: past n for A (4 to 5), past m for B (3 to 4). */
    CU_ASSERT_EQUAL(m.hoist[KPU_A][KPU_HOIST_L3], 5);
    CU_ASSERT_EQUAL(m.window_tiles[KPU_A][KPU_HOIST_L3], 4);
    CU_ASSERT_EQUAL(m.hoist[KPU_B][KPU_HOIST_L3], 4);
    CU_ASSERT_EQUAL(m.hoist[KPU_C][KPU_HOIST_L3], 6);
}

/* An L3 too small for all of B: the next best. An L2 for single tiles only: hoist 6. */
static void test_auto_residency_when_tight(void)
{
    kpu_machine machine = roomy_machine();
    kpu_candidate c = candidate_of_8();
    kpu_traffic t;
    for (int x = 0; x < KPU_OPERANDS; x++)
        c.l3_buffers[x] = c.l2_buffers[x] = 1;
    machine.l3_tile_kib = 2; /* A 4 * 128, B 4 * 256 and C 512 fill it to the byte */
    machine.l2_bank_kib = 1; /* A 128, B 256, C 512 */
    kpu_mapping m = make(&machine, &problem_24_20_30, &c);
    CU_ASSERT_EQUAL(m.broken, 0);
    CU_ASSERT_EQUAL(m.l3_bytes, 4 * 128 + 256 + 512); /* keeping B's 4 saves nothing */
    CU_ASSERT_EQUAL(m.l2_bytes, 128 + 256 + 512);
    kpu_mapping_traffic(&machine, &m, &t);
    CU_ASSERT_EQUAL(t.dram_read[KPU_A], 24 * 30 * 2);
    CU_ASSERT_EQUAL(t.dram_read[KPU_B], 3 * 30 * 20 * 4); /* again for each m */
    CU_ASSERT_EQUAL(t.l3_to_l2[KPU_A], 3 * 24 * 30 * 2);  /* again for each n */
    for (int x = 0; x < KPU_OPERANDS; x++)
        CU_ASSERT_EQUAL(m.hoist[x][KPU_HOIST_L2], 6);
}

static void test_limits(void)
{
    const kpu_machine roomy = roomy_machine();
    kpu_candidate c = candidate_of_8();
    for (int x = 0; x < KPU_OPERANDS; x++)
        c.l3_buffers[x] = c.l2_buffers[x] = 8; /* 8 * (128 + 256 + 512) bytes = 7 KiB */
    c.l1_buffers = 8;                          /* 8 * (128 + 256) = 3 KiB */
    for (int automatic = 0; automatic < 2; automatic++) {
        for (int x = 0; x < KPU_OPERANDS; x++)
            set_hoists(&c, x, 6, 6);
        c.auto_residency = automatic;
        kpu_machine machine = roomy;
        machine.l3_tile_kib = machine.l2_bank_kib = 7;
        machine.l1_buffer_kib = 3;
        machine.registers_per_pe = 4; /* 2 * 2 passes */
        CU_ASSERT_EQUAL(make(&machine, &problem_24_20_30, &c).broken, 0);
        machine.l3_tile_kib = 6;
        CU_ASSERT_EQUAL(make(&machine, &problem_24_20_30, &c).broken, 1u << KPU_LIMIT_L3);
        machine.l3_tile_kib = 7;
        machine.l2_bank_kib = 6;
        CU_ASSERT_EQUAL(make(&machine, &problem_24_20_30, &c).broken, 1u << KPU_LIMIT_L2);
        machine.l1_buffer_kib = 2;
        machine.registers_per_pe = 3;
        CU_ASSERT_EQUAL(make(&machine, &problem_24_20_30, &c).broken,
                        1u << KPU_LIMIT_L2 | 1u << KPU_LIMIT_L1 | 1u << KPU_LIMIT_REGISTERS);
        machine.l2_bank_kib = 7;
        machine.registers_per_pe = 4;
        CU_ASSERT_EQUAL(make(&machine, &problem_24_20_30, &c).broken, 1u << KPU_LIMIT_L1);
    }
}

/* A single register more or less decides on the second buffer. */
static void test_registers(void)
{
    kpu_machine machine = roomy_machine();
    kpu_candidate c = candidate_of_8();
    machine.registers_per_pe = 7;
    kpu_mapping m = make(&machine, &problem_24_20_30, &c);
    CU_ASSERT_EQUAL(m.full_passes, 4);
    CU_ASSERT_FALSE(m.double_buffered);
    CU_ASSERT_EQUAL(m.registers_per_pe, 4);
    machine.registers_per_pe = 8;
    m = make(&machine, &problem_24_20_30, &c);
    CU_ASSERT_TRUE(m.double_buffered);
    CU_ASSERT_EQUAL(m.registers_per_pe, 8);
    machine.fabric_rows = 2; /* is: k over rows, m over columns */
    c.dataflow = KPU_IS;
    CU_ASSERT_EQUAL(make(&machine, &problem_24_20_30, &c).full_passes, 4 * 2);
}

static void test_bounds(void)
{
    kpu_machine machine = roomy_machine();
    kpu_candidate c = candidate_of_8();
    kpu_problem problem = {
        .dim = {1000, 1000, 1001}, .element_bytes = {4, 4, 4}, .partial_bytes = 4};
    kpu_bounds bounds;
    for (int d = 0; d < KPU_DIMS; d++)
        c.tile[d] = 4;
    machine.l3_tile_kib = machine.l2_bank_kib = machine.l1_buffer_kib = 4;
    machine.registers_per_pe = 4;
    kpu_mapping m = make(&machine, &problem, &c);
    CU_ASSERT_EQUAL(m.broken, 0);
    kpu_mapping_bounds(&machine, &m, &bounds);
    CU_ASSERT_EQUAL(bounds.mac_cycles, 1001000000 / 16 + 1 - (1001000000 % 16 == 0));
    CU_ASSERT_EQUAL(bounds.compulsory_dram_bytes, 4 * (1001000 + 1001000 + 1000000));
    double on_chip = 3 * 1024 + 4 * 4 * 4;
    double elements = 2 * 1001000000.0 / sqrt(on_chip) - 2 * on_chip;
    CU_ASSERT_DOUBLE_EQUAL(bounds.io_lower_bound_elements, elements, 1e-6);
    m = make(&machine, &problem_24_20_30, &c); /* everything fits on chip */
    machine = roomy_machine();
    kpu_mapping_bounds(&machine, &m, &bounds);
    CU_ASSERT_EQUAL(bounds.io_lower_bound_elements, 0);
}

/* ---- Illegal input ------------------------------------------------------------------------ */

static void expect_illegal(const kpu_problem *problem, const kpu_candidate *candidate,
                           const char *complaint)
{
    kpu_machine machine = roomy_machine();
    kpu_mapping m = make(&machine, problem, candidate);
    CU_ASSERT_EQUAL(m.broken, 1u << KPU_LIMIT_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(m.input_error, complaint));
    if (!strstr(m.input_error, complaint))
        fprintf(stderr, "  complains \"%s\", not about %s\n", m.input_error, complaint);
}

/* One field at a time becomes what it must not be. */
static void test_illegal_candidates(void)
{
    kpu_candidate c = candidate_of_8();
    const struct {
        int64_t *field, value;
        const char *complaint;
    } cases[] = {
        {&c.tile[KPU_M], 0, "TM"},
        {&c.tile[KPU_K], -4, "TK"},
        {&c.block[KPU_N], -1, "BN"},
        {&c.block[KPU_N], 12, "multiple"},
        {&c.block[KPU_M], 7, "multiple"},
        {&c.order[0], KPU_K, "permutation"},
        {&c.order[1], 3, "permutation"},
        {&c.order[2], -1, "permutation"},
        {&c.dataflow, 3, "dataflow"},
        {&c.dataflow, -1, "dataflow"},
        {&c.swap, 2, "swap"},
        {&c.control, 2, "control"},
        {&c.eddo_window, 0, "eddo_window"},
        {&c.l1_buffers, 0, "d1"},
        {&c.l3_buffers[KPU_C], 0, "d3"},
        {&c.l2_buffers[KPU_A], -1, "d2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t legal = *cases[i].field;
        *cases[i].field = cases[i].value;
        expect_illegal(&problem_24_20_30, &c, cases[i].complaint);
        *cases[i].field = legal;
    }
    set_hoists(&c, KPU_B, 4, 3);
    expect_illegal(&problem_24_20_30, &c, "residency");
    set_hoists(&c, KPU_B, 4, 7);
    expect_illegal(&problem_24_20_30, &c, "residency");
    set_hoists(&c, KPU_B, -1, 3);
    expect_illegal(&problem_24_20_30, &c, "residency");
    c.auto_residency = 1; /* then nobody looks at the hoists */
    kpu_machine machine = roomy_machine();
    CU_ASSERT_EQUAL(make(&machine, &problem_24_20_30, &c).broken, 0);
}

static void test_illegal_problems(void)
{
    static const struct {
        kpu_problem problem;
        const char *complaint;
    } cases[] = {
        {{.dim = {0, 1, 1}, .element_bytes = {4, 4, 4}, .partial_bytes = 4}, "M, N and K"},
        {{.dim = {1, 1, -5}, .element_bytes = {4, 4, 4}, .partial_bytes = 4}, "M, N and K"},
        {{.dim = {1, 1, 1}, .element_bytes = {4, 0, 4}, .partial_bytes = 4}, "element"},
        {{.dim = {1, 1, 1}, .element_bytes = {4, 4, 4}, .partial_bytes = 2}, "eP"},
        {{.dim = {INT64_C(1) << 31, INT64_C(1) << 31, INT64_C(1) << 31},
          .element_bytes = {4, 4, 4},
          .partial_bytes = 4},
         "M*N*K"},
        {{.dim = {INT64_MAX, 1, 1}, .element_bytes = {1, 1, 1}, .partial_bytes = 1}, "M*N*K"},
        {{.dim = {INT64_MAX, INT64_MAX, INT64_MAX}, .element_bytes = {8, 8, 8}, .partial_bytes = 8},
         "M*N*K"},
        {{.dim = {1, 1, 1},
          .element_bytes = {4, 4, 4},
          .partial_bytes = 4,
          .transposed = {false, false, true}},
         "A and B"},
    };
    kpu_candidate c = candidate_of_8();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_illegal(&cases[i].problem, &c, cases[i].complaint);
}

/* Buffers beyond all memory are a limit broken, not an overflow. */
static void test_huge_buffering_saturates(void)
{
    kpu_machine machine = roomy_machine();
    kpu_candidate c = candidate_of_8();
    c.l1_buffers = INT64_MAX;
    CU_ASSERT_EQUAL(make(&machine, &problem_24_20_30, &c).broken, 1u << KPU_LIMIT_L1);
    c.l1_buffers = 1;
    c.l3_buffers[KPU_A] = INT64_MAX;
    CU_ASSERT_TRUE(make(&machine, &problem_24_20_30, &c).broken & 1u << KPU_LIMIT_L3);
    c.l3_buffers[KPU_A] = 1;
    c.l2_buffers[KPU_C] = INT64_MAX;
    CU_ASSERT_EQUAL(make(&machine, &problem_24_20_30, &c).broken, 1u << KPU_LIMIT_L2);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"defaults", test_defaults},
        {"layout", test_layout},
        {"loop orders", test_loop_orders},
        {"windows", test_windows_whole_blocks},
        {"windows of blocks", test_windows_of_blocks},
        {"auto residency, roomy", test_auto_residency_with_room},
        {"auto residency, tight", test_auto_residency_when_tight},
        {"limits", test_limits},
        {"registers", test_registers},
        {"bounds", test_bounds},
        {"illegal candidates", test_illegal_candidates},
        {"illegal problems", test_illegal_problems},
        {"huge buffering", test_huge_buffering_saturates},
        CU_TEST_INFO_NULL,
    };
    return run_suite("mapping", tests);
}
