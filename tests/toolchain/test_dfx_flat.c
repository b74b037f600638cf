/* The flat form: the published sample, and random kernels against what the simulator counts. */
#include "compiler/dfx_flat.h"
#include "kpu/simulator.h"

#include "random_program.h"
#include "run_suite.h"

#include <stdlib.h>
#include <string.h>

enum { PROGRAMS = 400, TILES_MAX = 20000 };

/* ---- The published sample ----------------------------------------------------------------- */

static const char head[] =
    "{\"dfx_version\": \"1.0\", \"graph_name\": \"non-batched-2-input-matmul\",\n"
    " \"metadata\": {\"M\": 4, \"N\": 4, \"K\": 16, \"Ti\": 4, \"Tj\": 4, \"Tk\": 16, "
    "\"dataflow\": \"output_stationary\", \"element_type\": \"float32\"},\n"
    " \"tensors\": [{\"name\": \"A\", \"shape\": [4, 16], \"dtype\": \"f32\"}, "
    "{\"name\": \"B\", \"shape\": [16, 4], \"dtype\": \"f32\"}, "
    "{\"name\": \"C\", \"shape\": [4, 4], \"dtype\": \"f32\"}],\n"
    " \"operations\": [\n";
static const char compute[] =
    "  {\"op_id\": 7, \"type\": \"COMPUTE\", \"subtype\": \"MATMUL_TILE\", \"inputs\": ["
    "{\"tensor\": \"A\", \"level\": \"L1\", \"tile\": [0, 0]}, "
    "{\"tensor\": \"B\", \"level\": \"L1\", \"tile\": [0, 0]}], "
    "\"output\": {\"tensor\": \"C\", \"level\": \"REGISTER\", \"tile\": [0, 0]}, "
    "\"accumulate\": false, \"depends_on\": [5, 6], \"produces\": 7},\n";
static const char tail[] =
    "],\n \"hints\": {\"estimated_dram_bytes\": 576, \"estimated_compute_cycles\": 0, "
    "\"parallelism_degree\": 1}}\n";

typedef struct sample_move {
    int id;
    const char *subtype, *tensor, *source, *dest, *depends_on;
} sample_move;

static const sample_move moves[] = {
    {1, "LOAD", "A", "EXTERNAL", "L3", ""},    {2, "LOAD", "B", "EXTERNAL", "L3", ""},
    {3, "LOAD", "A", "L3", "L2", "1"},         {4, "LOAD", "B", "L3", "L2", "2"},
    {5, "LOAD", "A", "L2", "L1", "3"},         {6, "LOAD", "B", "L2", "L1", "4"},
    {8, "STORE", "C", "REGISTER", "L2", "7"},  {9, "STORE", "C", "L2", "L3", "8"},
    {10, "STORE", "C", "L3", "EXTERNAL", "9"},
};

static void put_sample(kpu_text *out)
{
    kpu_text_put(out, head);
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        const sample_move *m = &moves[i];
        if (m->id == 8)
            kpu_text_put(out, compute);
        kpu_text_format(out,
                        "  {\"op_id\": %d, \"type\": \"DATA_MOVE\", \"subtype\": \"%s\", "
                        "\"source\": {\"tensor\": \"%s\", \"level\": \"%s\", \"tile\": [0, 0]}, "
                        "\"dest\": {\"tensor\": \"%s\", \"level\": \"%s\", \"tile\": [0, 0]}, "
                        "\"depends_on\": [%s], \"produces\": %d}%s",
                        m->id, m->subtype, m->tensor, m->source, m->tensor, m->dest, m->depends_on,
                        m->id, m->id < 10 ? ",\n" : "");
    }
    kpu_text_put(out, tail);
}

static void build_sample(random_program *p)
{
    static char *const names[KPU_OPERANDS] = {"A", "B", "C"};
    static const int64_t shapes[KPU_OPERANDS][2] = {{4, 16}, {16, 4}, {4, 4}};
    memset(p, 0, sizeof *p);
    p->graph = (kpu_graph){.name = "non-batched-2-input-matmul",
                           .nodes = p->nodes,
                           .node_count = 1,
                           .tensors = p->tensors,
                           .tensor_count = KPU_OPERANDS};
    p->nodes[0] = (kpu_node){.name = "2-input MATMUL"};
    kpu_matmul *matmul = &p->items[0];
    *matmul = (kpu_matmul){.partial_dtype = KPU_F32, .batch = 1};
    matmul->problem = (kpu_problem){{4, 4, 16}, {4, 4, 4}, 4, {false, false, false}};
    for (int x = 0; x < KPU_OPERANDS; x++) {
        matmul->tensor[x] = x;
        matmul->dtype[x] = KPU_F32;
        p->tensors[x] = (kpu_tensor){
            .name = names[x], .dtype = KPU_F32, .rank = 2, .producer = x == KPU_C ? 0 : -1};
        memcpy(p->tensors[x].shape, shapes[x], sizeof shapes[x]);
    }
    p->matmuls = (kpu_matmul_list){.items = p->items, .count = 1};
    kpu_candidate candidate;
    kpu_candidate_defaults(&candidate);
    memcpy(candidate.tile, matmul->problem.dim, sizeof candidate.tile);
    kpu_machine machine = {.l3_tiles = 1,
                           .l3_tile_kib = 64,
                           .l2_banks = 1,
                           .l2_bank_kib = 64,
                           .l1_buffers = 1,
                           .l1_buffer_kib = 64,
                           .fabric_rows = 4,
                           .fabric_cols = 4,
                           .registers_per_pe = 2};
    kpu_mapping_make(&machine, &matmul->problem, &candidate, &p->mappings[0]);
    CU_ASSERT_EQUAL(p->mappings[0].broken, 0);
}

static void test_the_published_sample(void)
{
    random_program p;
    build_sample(&p);
    kpu_dfx_source source = {&p.graph, &p.matmuls, p.mappings, NULL};
    kpu_dfx *dfx = NULL;
    kpu_text text = {0};
    CU_ASSERT_EQUAL_FATAL(kpu_dfx_build(&source, &dfx, NULL), KPU_OK);
    CU_ASSERT_EQUAL(kpu_dfx_print_flat(dfx, 0, &text, NULL), KPU_OK);
    kpu_text wanted = {0};
    put_sample(&wanted);
    CU_ASSERT_STRING_EQUAL(text.data, wanted.data);
    kpu_text_fini(&wanted);
    kpu_text_fini(&text);
    kpu_dfx_free(dfx);
}

/* ---- Random kernels ----------------------------------------------------------------------- */

typedef struct follower {
    const kpu_dfx_kernel *kernel;
    const kpu_mapping *m;
    int64_t writer[KPU_OPERANDS][KPU_DFX_LEVELS][TILES_MAX]; /* operation that wrote it last */
    int64_t counts[KPU_COMMANDS], last_id, not_needed, accumulated;
    bool late;
} follower;

static int64_t tile_of(const follower *f, int x, const int64_t tile[KPU_DIMS])
{
    int row = x == KPU_B ? KPU_K : KPU_M, column = x == KPU_A ? KPU_K : KPU_N;
    return tile[row] * f->m->tiles[column] + tile[column];
}

/* The command of the machine model that an operation is. */
static int command_of(const kpu_dfx_operation *o)
{
    static const uint8_t streams[KPU_OPERANDS] = {KPU_CMD_STR_A, KPU_CMD_STR_B, KPU_CMD_STR_CIN};
    if (o->type == KPU_DFX_COMPUTE)
        return KPU_CMD_FAB;
    if (o->subtype == KPU_DFX_STORE)
        return o->dest == KPU_DFX_L2   ? KPU_CMD_STR_COUT
               : o->dest == KPU_DFX_L3 ? KPU_CMD_BM_STORE_C
                                       : KPU_CMD_DMA_STORE_C;
    return o->dest == KPU_DFX_L3   ? KPU_CMD_DMA_LOAD_A + o->operand
           : o->dest == KPU_DFX_L2 ? KPU_CMD_BM_LOAD_A + o->operand
                                   : streams[o->operand];
}

static void need(follower *f, const kpu_dfx_flat_operation *o, int64_t writer)
{
    bool found = writer == 0;
    for (size_t i = 0; i < o->depends_count; i++)
        found = found || o->depends_on[i] == writer;
    f->late = f->late || !found;
    f->not_needed -= writer != 0;
}

/* Whatever an operation reads, it depends on the one that wrote that last, and on nothing else. */
static void follow(void *context, const kpu_dfx_flat_operation *o)
{
    follower *f = context;
    CU_ASSERT_EQUAL(o->id, f->last_id + 1);
    f->last_id = o->id;
    f->counts[command_of(o->of)]++;
    f->not_needed += (int64_t)o->depends_count;
    for (size_t i = 0; i < o->depends_count; i++)
        CU_ASSERT(o->depends_on[i] < o->id && (i == 0 || o->depends_on[i] > o->depends_on[i - 1]));
    int x = o->of->operand;
    if (o->of->type == KPU_DFX_COMPUTE) {
        for (int y = KPU_A; y <= KPU_B; y++)
            need(f, o,
                 f->writer[y][f->kernel->operations[KPU_DFX_STREAM + y].dest]
                          [tile_of(f, y, o->tile)]);
        if (o->accumulate)
            need(f, o, f->writer[x][o->of->dest][tile_of(f, x, o->tile)]);
        f->accumulated += o->accumulate;
    } else {
        need(f, o, f->writer[x][o->of->source][tile_of(f, x, o->tile)]);
    }
    f->writer[x][o->of->dest][tile_of(f, x, o->tile)] = o->id;
}

static void test_operations_are_the_simulator_s_commands(void)
{
    random_program p;
    follower *f = malloc(sizeof *f);
    kpu_simulator *simulator = kpu_simulator_new();
    CU_ASSERT_FATAL(f != NULL && simulator != NULL);
    for (uint64_t n = 0; n < PROGRAMS; n++) {
        random_program_draw(5, n, &p);
        kpu_dfx *dfx = random_program_build(&p);
        CU_ASSERT_PTR_NOT_NULL_FATAL(dfx);
        for (size_t k = 0; k < dfx->kernel_count; k++) {
            const kpu_mapping *m = &p.mappings[k];
            kpu_counts counts;
            memset(f, 0, sizeof *f);
            f->kernel = &dfx->kernels[k];
            f->m = m;
            CU_ASSERT_EQUAL(kpu_dfx_unroll(f->kernel, m, (kpu_dfx_flat_sink){follow, f}), KPU_OK);
            CU_ASSERT_EQUAL(kpu_simulator_run(simulator, &p.machines[k], m, &counts), KPU_OK);
            CU_ASSERT_EQUAL(memcmp(f->counts, counts.commands, sizeof f->counts), 0);
            CU_ASSERT_FALSE(f->late);
            CU_ASSERT_EQUAL(f->not_needed, 0);
            CU_ASSERT_EQUAL(f->accumulated, counts.steps - m->tiles[KPU_M] * m->tiles[KPU_N]);
        }
        kpu_dfx_free(dfx);
    }
    kpu_simulator_free(simulator);
    free(f);
}

static void test_too_many_operations_are_refused(void)
{
    random_program p;
    build_sample(&p);
    kpu_matmul *matmul = &p.items[0];
    kpu_candidate candidate;
    kpu_candidate_defaults(&candidate); /* tiles of one element */
    kpu_machine machine = {.l3_tiles = 1,
                           .l3_tile_kib = 1000,
                           .l2_banks = 1,
                           .l2_bank_kib = 1000,
                           .l1_buffers = 1,
                           .l1_buffer_kib = 64,
                           .fabric_rows = 4,
                           .fabric_cols = 4,
                           .registers_per_pe = 2};
    for (int d = 0; d < KPU_DIMS; d++)
        matmul->problem.dim[d] = 100; /* a million steps of several operations each */
    for (int x = 0; x < KPU_OPERANDS; x++)
        p.tensors[x].shape[0] = p.tensors[x].shape[1] = 100;
    kpu_mapping_make(&machine, &matmul->problem, &candidate, &p.mappings[0]);
    kpu_dfx_source source = {&p.graph, &p.matmuls, p.mappings, NULL};
    kpu_dfx *dfx = NULL;
    kpu_diag diag = {0};
    kpu_text text = {0};
    CU_ASSERT_EQUAL_FATAL(kpu_dfx_build(&source, &dfx, NULL), KPU_OK);
    kpu_text_put(&text, "before");
    CU_ASSERT_EQUAL(kpu_dfx_print_flat(dfx, 0, &text, &diag), KPU_E_RANGE);
    CU_ASSERT_STRING_EQUAL(text.data, "before");
    CU_ASSERT_EQUAL_FATAL(diag.count, 1);
    CU_ASSERT_STRING_EQUAL(diag.entries[0].message,
                           "kernel '2-input MATMUL' unrolls to more than 1000000 operations: take "
                           "larger tiles, or the loop form");
    kpu_text_fini(&text);
    kpu_diag_fini(&diag);
    kpu_dfx_free(dfx);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"the published sample", test_the_published_sample},
        {"operations are the simulator's commands", test_operations_are_the_simulator_s_commands},
        {"too many operations are refused", test_too_many_operations_are_refused},
        CU_TEST_INFO_NULL,
    };
    return run_suite("dfx flat", tests);
}
