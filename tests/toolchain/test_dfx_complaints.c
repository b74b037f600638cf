/* A legal program with one thing changed: the complaint says what is wrong, and whose it is. */
#include "kpu/dfx.h"

#include "random_program.h"
#include "run_suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Changes something of a program whose second kernel reads what its first one writes; the complaint
 * that is wanted. */
typedef struct change {
    void (*apply)(kpu_dfx *dfx, kpu_dfx_kernel *kernel);
    const char *wanted;
} change;

/* %5, and all that stands behind it gets the numbers of who stood there. */
static void drop_and_renumber(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    memmove(&k->operations[4], &k->operations[5],
            (--k->operation_count - 4) * sizeof(kpu_dfx_operation));
    for (size_t i = 0; i < k->operation_count; i++) {
        kpu_dfx_operation *o = &k->operations[i];
        o->produces = o->id = (int32_t)i + 1;
        for (size_t d = 0; d < o->depends_count; d++)
            o->depends_on[d] -= o->depends_on[d] > 5;
    }
}

static void drop_compute(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    memmove(&k->operations[9], &k->operations[10], 4 * sizeof *k->operations);
    k->operation_count--;
}

static void drop_barrier(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    k->operation_count--;
}

static void repeat_operation(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    k->operations[k->operation_count] = k->operations[3];
    k->operations[k->operation_count].id = k->operations[k->operation_count].produces = 15;
    k->operation_count++;
}

static void swap_operations(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    kpu_dfx_operation kept = k->operations[0];
    k->operations[0] = k->operations[1];
    k->operations[1] = kept;
    k->operations[0].id = k->operations[0].produces = 1;
    k->operations[1].id = k->operations[1].produces = 2;
    k->operations[3].depends_on[0] = 2;
    k->operations[4].depends_on[0] = 1;
}

static void short_cut(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    k->operations[3].source = KPU_DFX_EXTERNAL; /* A to L2 past L3 */
}

static void other_dependency(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    k->operations[3].depends_on[0] = 2;
}

static void swap_dependencies(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    kpu_dfx_operation *matmul = &k->operations[9];
    matmul->depends_on[0] = 8;
    matmul->depends_on[1] = 7;
}

static void repeat_dependency(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    kpu_dfx_operation *matmul = &k->operations[9];
    matmul->depends_on[matmul->depends_count++] = 9;
}

static void prefetch(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    k->operations[0].subtype = KPU_DFX_PREFETCH;
}

static void swap_hoists(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    k->operations[0].hoist = 6;
    k->operations[3].hoist = 2;
}

static void swap_tile_loops(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    kpu_dfx_loop kept = k->loops[5];
    k->loops[5] = k->loops[4];
    k->loops[4] = kept;
}

static void uneven_block(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    k->loops[2].step = k->loops[5].end = 6;
}

static void two_variables(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    strcpy(k->loops[4].var, k->loops[1].var);
}

static void no_variable(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    strcpy(k->loops[0].var, "m-1");
}

static void endless_variable(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    memset(k->loops[0].var, 'm', sizeof k->loops[0].var);
    k->loops[0].var[sizeof k->loops[0].var - 1] = '\0';
    k->loops[0].var[1] = ' ';
}

static void drop_allocation(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    k->allocation_count--;
}

static void endless_buffers(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    k->allocations[0].buffers = k->allocations[0].size_bytes = INT64_MAX;
}

static void allocation_hint(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    k->allocations[0].hint = KPU_DFX_HINTS;
}

static void no_control(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    k->control = KPU_CONTROLS;
}

static void no_eddo_window(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    k->eddo_window = 0;
}

static void not_a_number(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    k->hints.reuse[KPU_B] = NAN;
}

static void minus_zero(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    k->hints.arithmetic_intensity = -0.0;
}

static void negative_hint(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    k->hints.compute_cycles = -1;
}

static void machine_is_no_text(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    strcpy(k->hints.machine, "\xFF");
}

static void no_wait(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)k;
    dfx->kernels[1].depends_count = 0;
}

static void wait_for_itself(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)k;
    dfx->kernels[1].depends_on[0] = 1;
}

static void swap_kernels(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)k;
    kpu_dfx_kernel kept = dfx->kernels[0];
    dfx->kernels[0] = dfx->kernels[1];
    dfx->kernels[1] = kept;
}

static void two_writers(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    dfx->kernels[1].tensor[KPU_C] = k->tensor[KPU_C];
}

static void no_such_tensor(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    k->tensor[KPU_B] = (int32_t)dfx->tensor_count;
}

static void write_an_input(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    dfx->tensors[k->tensor[KPU_C]].role = KPU_DFX_INPUT;
}

static void input_without_source(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    dfx->tensors[k->tensor[KPU_A]].role = KPU_DFX_INTERMEDIATE;
}

static void no_role(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    dfx->tensors[k->tensor[KPU_A]].role = KPU_DFX_ROLES;
}

static void rename_to(char **name, const char *to)
{
    free(*name);
    *name = strdup(to);
}

static void two_tensors_of_a_name(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)k;
    rename_to(&dfx->tensors[2].name, dfx->tensors[0].name);
}

static void two_kernels_of_a_name(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    rename_to(&dfx->kernels[1].name, k->name);
}

static void nameless(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)k;
    rename_to(&dfx->tensors[1].name, "");
}

static void name_is_no_text(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    rename_to(&k->name, "a\x01");
}

static void endless_name(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    char name[KPU_GRAPH_NAME_MAX + 2];
    (void)k;
    memset(name, 'a', sizeof name);
    name[KPU_GRAPH_NAME_MAX + 1] = '\0';
    rename_to(&dfx->graph_name, name);
}

static void unused_tensor(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    kpu_dfx_tensor *tensor = kpu_dfx_add_tensor(dfx, "unused");
    (void)k;
    tensor->rank = 1;
    tensor->shape[0] = 1;
}

static void no_such_types(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    k->dtype[KPU_A] = k->dtype[KPU_B] = k->dtype[KPU_C] = k->partial_dtype = KPU_DTYPES;
}

static void no_such_tensor_type(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    dfx->tensors[k->tensor[KPU_A]].dtype = KPU_DTYPES;
}

static void no_such_dimension(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    k->loops[4].dim = KPU_DIMS;
}

static void second_tile_loop(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    k->loops[4] = k->loops[3];
    strcpy(k->loops[4].var, "other");
}

static void no_shape(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    dfx->tensors[k->tensor[KPU_A]].shape[1] = 0;
}

static void rank_beyond(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    dfx->tensors[k->tensor[KPU_A]].rank = KPU_RANK_MAX + 1;
}

static void digit_first(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    strcpy(k->loops[0].var, "0m");
}

static void no_name_at_all(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)dfx;
    strcpy(k->loops[0].var, "");
}

static void no_kernels(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    (void)k;
    for (size_t i = 0; i < dfx->kernel_count; i++) {
        free(dfx->kernels[i].name);
        free(dfx->kernels[i].depends_on);
    }
    dfx->kernel_count = 0;
}

static const change changes[] = {
    {drop_and_renumber, "kernel 'mm0': LOAD of B from L3 to L2 is missing"},
    {drop_compute, "kernel 'mm0': COMPUTE of MATMUL_TILE from L1 to REGISTER is missing"},
    {drop_barrier, "kernel 'mm0': the BARRIER (of C, from and to EXTERNAL) is missing"},
    {repeat_operation, "kernel 'mm0', operation 15 (LOAD of A from L3 to L2): is there twice"},
    {swap_operations, "kernel 'mm0', operation 1 (LOAD of B from EXTERNAL to L3): is out of order: "
                      "operations stand as they are issued, here LOAD of A from EXTERNAL to L3"},
    {short_cut, "kernel 'mm0', operation 4 (LOAD of A from EXTERNAL to L2): lies on no path of its "
                "operand under output_stationary"},
    {other_dependency, "kernel 'mm0', operation 4 (LOAD of A from L3 to L2): does not depend on 1, "
                       "whose result it needs"},
    {swap_dependencies, "kernel 'mm0', operation 10: depends on 7 after 8: expected ascending "
                        "order"},
    {repeat_dependency, "kernel 'mm0', operation 10: depends on 9 after 9: expected ascending "
                        "order"},
    {prefetch, "kernel 'mm0', operation 1 (PREFETCH of A from EXTERNAL to L3): DATA_MOVE with "
               "subtype PREFETCH is not supported in a kernel: expected DATA_MOVE with LOAD or "
               "STORE, COMPUTE with MATMUL_TILE, or BARRIER with NONE"},
    {swap_hoists, "kernel 'mm0', operation 4 (LOAD of A from L3 to L2): hoist 2: expected at least "
                  "6, that of the load into L3"},
    {swap_tile_loops, "kernel 'mm0': tile loops over M, K, N are not those of output_stationary"},
    {uneven_block, "kernel 'mm0', loop 6 (k): step 4: a block of 6 is no whole number of tiles"},
    {two_variables, "kernel 'mm0', loop 5 (nb): variable 'nb' is that of loop 2 too"},
    {no_variable, "kernel 'mm0', loop 1 (m-1): its variable is no name: expected a letter or _, "
                  "then letters, digits and _, at most 15 in all"},
    {endless_variable, "kernel 'mm0', loop 1 (m mmmmmmmmmmmmm): its variable is no name: expected "
                       "a letter or _, then letters, digits and _, at most 15 in all"},
    {drop_allocation, "kernel 'mm0': 7 allocations: expected 8"},
    {endless_buffers, "kernel 'mm0', allocation 1: more bytes than can be counted"},
    {allocation_hint, "kernel 'mm0', allocation 1: hint number 3 is none"},
    {no_control, "kernel 'mm0': control is 2: expected 0 to 1"},
    {no_eddo_window, "kernel 'mm0': eddo_window is 0: expected 1 to 9223372036854775807"},
    {not_a_number, "kernel 'mm0': hint reuse is nan: expected a finite number from 0 on"},
    {minus_zero,
     "kernel 'mm0': hint arithmetic_intensity is -0: expected a finite number from 0 on"},
    {negative_hint, "kernel 'mm0': hint compute_cycles is -1: expected 0 to 9223372036854775807"},
    {machine_is_no_text, "kernel 'mm0': hint machine is no text of at most 63 bytes"},
    {no_wait, "kernel 'mm1': reads what kernel 'mm0' writes, but does not wait for it"},
    {wait_for_itself, "kernel 'mm1': waits for kernel 'mm1', but reads nothing of it"},
    {swap_kernels, "kernel 'mm1': reads 'C' before kernel 'mm0' has written it"},
    {two_writers, "kernel 'mm1': reads and writes 'C'"},
    {no_such_tensor, "kernel 'mm0': B (the number of a tensor) is 5: expected 0 to 4"},
    {write_an_input, "kernel 'mm0': writes 'C', which comes from outside (INPUT)"},
    {input_without_source,
     "tensor 'A': no kernel writes it, but it does not come from outside (INTERMEDIATE)"},
    {no_role, "tensor 'A': role number 4 is none"},
    {two_tensors_of_a_name, "tensor 'A': that name is taken by an earlier tensor"},
    {two_kernels_of_a_name, "kernel 'mm0': that name is taken by an earlier kernel"},
    {nameless, "tensor '': a name of 0 bytes: expected 1 to 255"},
    {name_is_no_text, "kernel 'a\x01': byte 2 of its name is no text"},
    {endless_name, "a name of 256 bytes: expected 1 to 255"},
    {unused_tensor, "tensor 'unused': no kernel reads or writes it"},
    {no_such_types, "kernel 'mm0': element type of A is 10: expected 0 to 9"},
    {no_such_types, "kernel 'mm0': element type of B is 10: expected 0 to 9"},
    {no_such_types, "kernel 'mm0': element type of C is 10: expected 0 to 9"},
    {no_such_types, "kernel 'mm0': type of partial sums is 10: expected 0 to 9"},
    {no_such_tensor_type, "tensor 'A': element type number 10 is none"},
    {no_such_dimension, "kernel 'mm0', loop 5 (n): dimension 3: expected 0 to 2"},
    {second_tile_loop, "kernel 'mm0', loop 5 (other): a second tile loop over M"},
    {no_shape, "tensor 'A': dimension 2 is 0: expected 1 to 1099511627776"},
    {rank_beyond, "tensor 'A': rank 9: expected 0 to 8"},
    {digit_first, "kernel 'mm0', loop 1 (0m): its variable is no name: expected a letter or _, "
                  "then letters, digits and _, at most 15 in all"},
    {no_name_at_all, "kernel 'mm0', loop 1 (): its variable is no name: expected a letter or _, "
                     "then letters, digits and _, at most 15 in all"},
    {no_kernels, "0 kernels: expected 1 to 100000"},
};

/* ---- Programs ----------------------------------------------------------------------------- */

/* (A * B) * D */
static const int32_t chain[][KPU_OPERANDS] = {{0, 1, 2}, {2, 3, 4}};
/* C = A * B, D = A * A, E = C * D, F = E * E: one kernel reads of two others, one the same twice */
static const int32_t diamond[][KPU_OPERANDS] = {{0, 1, 2}, {0, 0, 3}, {2, 3, 4}, {4, 4, 5}};

/* All matrices are 8 x 8, with tiles of 4, under os; the last kernel's result is wanted. */
static kpu_dfx *build(const int32_t (*tensors)[KPU_OPERANDS], int count)
{
    static char *const names[] = {"A", "B", "C", "D", "E", "F"};
    static char *const nodes[] = {"mm0", "mm1", "mm2", "mm3"};
    const kpu_machine machine = {.name = "small",
                                 .l3_tiles = 1,
                                 .l3_tile_kib = 64,
                                 .l2_banks = 1,
                                 .l2_bank_kib = 64,
                                 .l1_buffers = 1,
                                 .l1_buffer_kib = 64,
                                 .fabric_rows = 4,
                                 .fabric_cols = 4,
                                 .registers_per_pe = 2};
    random_program p;
    kpu_candidate candidate;
    memset(&p, 0, sizeof p);
    p.machines[0] = machine;
    kpu_candidate_defaults(&candidate);
    candidate.tile[KPU_M] = candidate.tile[KPU_N] = candidate.tile[KPU_K] = 4;
    p.graph = (kpu_graph){.name = "graph", .nodes = p.nodes, .tensors = p.tensors};
    p.graph.node_count = (size_t)count;
    p.graph.tensor_count = (size_t)tensors[count - 1][KPU_C] + 1;
    for (size_t t = 0; t < p.graph.tensor_count; t++)
        p.tensors[t] = (kpu_tensor){
            .name = names[t], .dtype = KPU_F32, .rank = 2, .shape = {8, 8}, .producer = -1};
    for (int n = 0; n < count; n++) {
        p.nodes[n] = (kpu_node){.name = nodes[n]};
        p.items[n] = (kpu_matmul){.node = n,
                                  .problem = {{8, 8, 8}, {4, 4, 4}, 4, {false, false, false}},
                                  .dtype = {KPU_F32, KPU_F32, KPU_F32},
                                  .partial_dtype = KPU_F32,
                                  .batch = 1};
        memcpy(p.items[n].tensor, tensors[n], sizeof tensors[n]);
        kpu_mapping_make(&machine, &p.items[n].problem, &candidate, &p.mappings[n]);
        p.tensors[tensors[n][KPU_C]].producer = n;
        p.tensors[tensors[n][KPU_C]].is_result = n == count - 1;
    }
    p.matmuls = (kpu_matmul_list){.items = p.items, .count = (size_t)count};
    return random_program_build(&p);
}

static void expect(kpu_dfx *dfx, const change *c)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(dfx);
    kpu_diag diag = {0};
    c->apply(dfx, &dfx->kernels[0]);
    CU_ASSERT_EQUAL(kpu_dfx_verify(dfx, NULL, &diag), KPU_E_INPUT);
    bool found = false;
    for (size_t n = 0; n < diag.count; n++)
        found = found || strcmp(diag.entries[n].message, c->wanted) == 0;
    if (!found)
        printf("wanted: %s\ngot:    %s\n", c->wanted,
               diag.count ? diag.entries[0].message : "nothing");
    CU_ASSERT(found);
    kpu_diag_fini(&diag);
    kpu_dfx_free(dfx);
}

static void test_the_complaint_says_what_and_where(void)
{
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        expect(build(chain, 2), &changes[i]);
}

/* ---- Who waits for whom ------------------------------------------------------------------- */

static void test_kernels_wait_for_the_writers_of_what_they_read(void)
{
    kpu_dfx *dfx = build(diamond, 4);
    CU_ASSERT_PTR_NOT_NULL_FATAL(dfx);
    const kpu_dfx_kernel *k = dfx->kernels;
    CU_ASSERT(k[0].depends_count == 0 && k[1].depends_count == 0);
    CU_ASSERT(k[2].depends_count == 2 && k[2].depends_on[0] == 0 && k[2].depends_on[1] == 1);
    CU_ASSERT(k[3].depends_count == 1 && k[3].depends_on[0] == 2);
    kpu_dfx_free(dfx);
}

static void swap_waits(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    k[2].depends_on[0] = 1;
    k[2].depends_on[1] = 0;
    (void)dfx;
}

static void repeat_wait(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    k[2].depends_on[0] = 1;
    (void)dfx;
}

static void wait_twice(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    k[2].depends_on[1] = 0;
    (void)dfx;
}

static void drop_second_wait(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    k[2].depends_count = 1;
    (void)dfx;
}

static void drop_wait_of_both(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    k[3].depends_count = 0;
    (void)dfx;
}

static void same_result(kpu_dfx *dfx, kpu_dfx_kernel *k)
{
    k[1].tensor[KPU_C] = k[0].tensor[KPU_C];
    (void)dfx;
}

static void test_complaints_of_waits(void)
{
    static const change waits[] = {
        {swap_waits, "kernel 'mm2': the kernels that it waits for are not in their order"},
        {repeat_wait, "kernel 'mm2': reads what kernel 'mm0' writes, but does not wait for it"},
        {repeat_wait, "kernel 'mm2': the kernels that it waits for are not in their order"},
        {wait_twice, "kernel 'mm2': reads what kernel 'mm1' writes, but does not wait for it"},
        {drop_second_wait, "kernel 'mm2': reads what kernel 'mm1' writes, but does not wait for "
                           "it"},
        {drop_wait_of_both, "kernel 'mm3': reads what kernel 'mm2' writes, but does not wait for "
                            "it"},
        {same_result, "kernel 'mm1': writes 'C', which kernel 'mm0' writes too"},
        {same_result, "tensor 'D': no kernel writes it, but it does not come from outside "
                      "(INTERMEDIATE)"},
    };
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
        expect(build(diamond, 4), &waits[i]);
}

/* ---- Limits ------------------------------------------------------------------------------- */

static void test_what_is_just_allowed(void)
{
    char name[KPU_GRAPH_NAME_MAX + 1];
    kpu_dfx *dfx = build(chain, 2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(dfx);
    memset(name, 'a', sizeof name);
    name[KPU_GRAPH_NAME_MAX] = '\0';
    rename_to(&dfx->tensors[0].name, name);
    rename_to(&dfx->kernels[0].name, name);
    strcpy(dfx->kernels[0].loops[0].var, "_09azAZ________");
    dfx->kernels[0].control = KPU_EDDO;
    dfx->kernels[0].eddo_window = INT64_MAX;
    dfx->tensors[0].rank = KPU_RANK_MAX; /* many a batch of one */
    for (int i = 0; i < KPU_RANK_MAX; i++)
        dfx->tensors[0].shape[i] = i < KPU_RANK_MAX - 2 ? 1 : 8;
    kpu_text text = {0};
    kpu_dfx *parsed = NULL;
    CU_ASSERT_EQUAL(kpu_dfx_verify(dfx, NULL, NULL), KPU_OK);
    kpu_dfx_print(dfx, &text);
    CU_ASSERT_EQUAL(kpu_dfx_parse("text", text.data, text.length, &parsed, NULL), KPU_OK);
    CU_ASSERT(parsed && kpu_dfx_equal(dfx, parsed));
    kpu_text_fini(&text);
    kpu_dfx_free(parsed);
    kpu_dfx_free(dfx);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"the complaint says what and where", test_the_complaint_says_what_and_where},
        {"kernels wait for the writers of what they read",
         test_kernels_wait_for_the_writers_of_what_they_read},
        {"complaints of waits", test_complaints_of_waits},
        {"what is just allowed", test_what_is_just_allowed},
        CU_TEST_INFO_NULL,
    };
    return run_suite("dfx complaints", tests);
}
