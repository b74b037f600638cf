/* Programs built of random mappings say those mappings, and hints say what a run counts. */
#include "kpu/simulator.h"

#include "random_program.h"
#include "run_suite.h"

#include <stdlib.h>
#include <string.h>

enum { PROGRAMS = 1500 };

#define SAME(field) (memcmp(&a->field, &b->field, sizeof a->field) == 0)

static bool same_problem(const kpu_problem *a, const kpu_problem *b)
{
    return SAME(dim) && SAME(element_bytes) && SAME(partial_bytes) && SAME(transposed);
}

static bool same_mapping(const kpu_mapping *a, const kpu_mapping *b)
{
    return same_problem(&a->problem, &b->problem) && SAME(tile) && SAME(block) && SAME(tiles) &&
           SAME(blocks) && SAME(block_tiles) && SAME(last_block_tiles) && SAME(dataflow) &&
           SAME(control) && SAME(eddo_window) && SAME(loop_dim) && SAME(buffers) &&
           SAME(l1_buffers) && SAME(hoist) && SAME(window_tiles) && SAME(slots) &&
           SAME(slot_bytes) && SAME(l3_bytes) && SAME(l2_bytes) && SAME(l1_bytes) &&
           SAME(registers_per_pe) && SAME(full_passes) && SAME(double_buffered) && SAME(broken);
}

static void test_bind_gives_the_mapping_back(void)
{
    random_program p;
    size_t kernels = 0, waiting = 0, batched = 0;
    for (uint64_t n = 0; n < PROGRAMS; n++) {
        random_program_draw(1, n, &p);
        kpu_dfx *dfx = random_program_build(&p);
        CU_ASSERT_PTR_NOT_NULL_FATAL(dfx);
        CU_ASSERT_EQUAL(dfx->kernel_count, p.matmuls.count);
        for (size_t k = 0; k < dfx->kernel_count; k++) {
            kpu_mapping bound;
            CU_ASSERT_EQUAL(kpu_dfx_bind(&dfx->kernels[k], &p.machines[k], &bound, NULL), KPU_OK);
            CU_ASSERT(same_mapping(&bound, &p.mappings[k]));
            kernels++;
            waiting += dfx->kernels[k].depends_count > 0;
            batched += dfx->kernels[k].batch > 1;
        }
        kpu_dfx_free(dfx);
    }
    CU_ASSERT(kernels > PROGRAMS && waiting > PROGRAMS / 2 && batched > PROGRAMS / 4);
}

/* A node that is lowered to several kernels gives each a name of its own. */
static void test_kernels_of_one_node_have_names(void)
{
    random_program p;
    uint64_t n = 0;
    do
        random_program_draw(8, n++, &p);
    while (p.matmuls.count < 3);
    p.items[1].node = p.items[2].node = 0;
    kpu_dfx *dfx = random_program_build(&p);
    CU_ASSERT_PTR_NOT_NULL_FATAL(dfx);
    CU_ASSERT_STRING_EQUAL(dfx->kernels[0].name, "mm0");
    CU_ASSERT_STRING_EQUAL(dfx->kernels[1].name, "mm0#2");
    CU_ASSERT_STRING_EQUAL(dfx->kernels[2].name, "mm0#3");
    kpu_dfx_free(dfx);
}

/* Persistent: every tile of the operand has its slot, so none is loaded twice. */
static void test_what_is_persistent_is_loaded_once(void)
{
    random_program p;
    size_t persistent = 0, temporary = 0;
    for (uint64_t n = 0; n < PROGRAMS / 3; n++) {
        random_program_draw(9, n, &p);
        kpu_dfx *dfx = random_program_build(&p);
        CU_ASSERT_PTR_NOT_NULL_FATAL(dfx);
        const kpu_dfx_kernel *kernel = &dfx->kernels[0];
        const kpu_problem *problem = &p.mappings[0].problem;
        kpu_traffic traffic;
        kpu_mapping_traffic(&p.machines[0], &p.mappings[0], &traffic);
        for (int x = KPU_A; x <= KPU_B; x++) {
            int64_t bytes = problem->dim[KPU_K] * problem->dim[x == KPU_A ? KPU_M : KPU_N] *
                            problem->element_bytes[x];
            bool is_persistent = kernel->allocations[x].hint == KPU_DFX_PERSISTENT;
            CU_ASSERT(!is_persistent || traffic.dram_read[x] == bytes);
            CU_ASSERT(is_persistent || kernel->allocations[x].hint == KPU_DFX_TEMPORARY);
            persistent += is_persistent;
            temporary += traffic.dram_read[x] > bytes;
        }
        kpu_dfx_free(dfx);
    }
    CU_ASSERT(persistent > PROGRAMS / 30 && temporary > PROGRAMS / 30);
}

static void test_hints_are_what_a_run_counts(void)
{
    random_program p;
    kpu_simulator *simulator = kpu_simulator_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(simulator);
    for (uint64_t n = 0; n < PROGRAMS / 3; n++) {
        random_program_draw(2, n, &p);
        kpu_dfx *dfx = random_program_build(&p);
        CU_ASSERT_PTR_NOT_NULL_FATAL(dfx);
        const kpu_dfx_kernel_hints *hints = &dfx->kernels[0].hints;
        kpu_counts counts;
        CU_ASSERT_EQUAL(kpu_simulator_run(simulator, &p.machines[0], &p.mappings[0], &counts),
                        KPU_OK);
        int64_t dram = 0, l2 = 0, l1 = 0;
        for (int x = 0; x < KPU_OPERANDS; x++) {
            dram += counts.traffic.dram_read[x] + counts.traffic.dram_write[x];
            l2 += counts.traffic.l3_to_l2[x] + counts.traffic.l2_to_l3[x];
            l1 += counts.traffic.l2_to_l1[x] + counts.traffic.l1_to_l2[x];
        }
        CU_ASSERT_EQUAL(hints->dram_bytes, dram);
        CU_ASSERT_EQUAL(hints->l3_l2_bytes, l2);
        CU_ASSERT_EQUAL(hints->l2_l1_bytes, l1);
        CU_ASSERT_EQUAL(hints->compute_cycles, counts.compute_cycles);
        CU_ASSERT_STRING_EQUAL(hints->machine, p.machines[0].name);
        kpu_dfx_free(dfx);
    }
    kpu_simulator_free(simulator);
}

static void test_parsed_text_is_the_program(void)
{
    random_program p;
    for (uint64_t n = 0; n < 2 * PROGRAMS; n++) {
        random_program_draw(4, n, &p);
        kpu_dfx *dfx = random_program_build(&p), *parsed = NULL;
        CU_ASSERT_PTR_NOT_NULL_FATAL(dfx);
        kpu_text text = {0}, again = {0};
        kpu_dfx_print(dfx, &text);
        int code = kpu_dfx_parse("text", text.data, text.length, &parsed, NULL);
        CU_ASSERT_EQUAL_FATAL(code, KPU_OK);
        CU_ASSERT(kpu_dfx_equal(dfx, parsed));
        kpu_dfx_print(parsed, &again);
        CU_ASSERT_STRING_EQUAL(text.data, again.data);
        kpu_text_fini(&text);
        kpu_text_fini(&again);
        kpu_dfx_free(dfx);
        kpu_dfx_free(parsed);
    }
}

static void test_what_does_not_fit_is_refused_with_a_number(void)
{
    random_program p;
    random_program_draw(3, 1, &p);
    kpu_dfx *dfx = random_program_build(&p);
    CU_ASSERT_PTR_NOT_NULL_FATAL(dfx);
    kpu_machine machine = p.machines[0];
    machine.l3_tile_kib = machine.l2_bank_kib = machine.l1_buffer_kib = 0;
    machine.registers_per_pe = 0;
    kpu_diag diag = {0};
    kpu_mapping bound;
    CU_ASSERT_EQUAL(kpu_dfx_bind(&dfx->kernels[0], &machine, &bound, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL_FATAL(diag.count, 4);
    char wanted[200];
    snprintf(wanted, sizeof wanted,
             "kernel 'mm0' does not fit machine 'random': l3: needs %lld bytes, there are 0",
             (long long)p.mappings[0].l3_bytes);
    CU_ASSERT_STRING_EQUAL(diag.entries[0].message, wanted);
    kpu_diag_fini(&diag);
    kpu_dfx_free(dfx);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"bind gives the mapping back", test_bind_gives_the_mapping_back},
        {"kernels of one node have names", test_kernels_of_one_node_have_names},
        {"what is persistent is loaded once", test_what_is_persistent_is_loaded_once},
        {"hints are what a run counts", test_hints_are_what_a_run_counts},
        {"parsed text is the program", test_parsed_text_is_the_program},
        {"what does not fit is refused", test_what_does_not_fit_is_refused_with_a_number},
        CU_TEST_INFO_NULL,
    };
    return run_suite("dfx", tests);
}
