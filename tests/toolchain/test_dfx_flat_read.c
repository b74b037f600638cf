/* The flat form, read back: random kernels, the published sample, and what is wrong in a file. */
#include "kpu/kpu_object.h"

#include "random_program.h"
#include "run_suite.h"

#include <stdlib.h>
#include <string.h>

enum { PROGRAMS = 50 };

static kpu_text sample(void)
{
    char *data = NULL;
    size_t bytes = 0;
    kpu_text text = {0};
    CU_ASSERT_EQUAL_FATAL(kpu_file_read(KPU_FLAT_SAMPLE, 1 << 20, &data, &bytes, NULL), KPU_OK);
    kpu_text_put_bytes(&text, data, bytes);
    free(data);
    return text;
}

static void print_complaints(const kpu_diag *diag)
{
    char *text = kpu_diag_render(diag);
    printf("\n%s", text ? text : "");
    free(text);
}

/* ---- Back and forth ----------------------------------------------------------------------- */

/* Reads a flat file and prints it again; false if that is another text. */
static bool reads_back(const char *text, size_t bytes)
{
    kpu_dfx *dfx = NULL;
    kpu_diag diag = {0};
    kpu_text again = {0};
    int code = kpu_dfx_parse_flat("x.json", text, bytes, &dfx, &diag);
    if (code)
        print_complaints(&diag);
    else
        code = kpu_dfx_print_flat(dfx, 0, &again, NULL);
    bool same = code == KPU_OK && strcmp(text, again.data) == 0;
    CU_ASSERT(code != KPU_OK || kpu_dfx_verify(dfx, NULL, NULL) == KPU_OK);
    if (!same)
        printf("%s\n%s\n", text, again.data ? again.data : "");
    kpu_text_fini(&again);
    kpu_diag_fini(&diag);
    kpu_dfx_free(dfx);
    return same;
}

static void test_random_kernels_read_back(void)
{
    random_program p;
    for (uint64_t n = 0; n < PROGRAMS; n++) {
        random_program_draw(11, n, &p);
        kpu_dfx *dfx = random_program_build(&p);
        CU_ASSERT_PTR_NOT_NULL_FATAL(dfx);
        for (size_t k = 0; k < dfx->kernel_count; k++) {
            kpu_text text = {0};
            CU_ASSERT_EQUAL(kpu_dfx_print_flat(dfx, k, &text, NULL), KPU_OK);
            CU_ASSERT_FATAL(reads_back(text.data, text.length));
            kpu_text_fini(&text);
        }
        kpu_dfx_free(dfx);
    }
}

static void test_the_published_sample(void)
{
    kpu_text text = sample();
    kpu_dfx *dfx = NULL, *object = NULL;
    CU_ASSERT_EQUAL_FATAL(kpu_dfx_parse_flat("x", text.data, text.length, &dfx, NULL), KPU_OK);
    CU_ASSERT_EQUAL_FATAL(kpu_object_parse("x", text.data, text.length, &object, NULL), KPU_OK);
    CU_ASSERT(kpu_dfx_equal(dfx, object));
    const kpu_dfx_kernel *kernel = &dfx->kernels[0];
    CU_ASSERT_EQUAL(kernel->dim[KPU_K], 16);
    CU_ASSERT_EQUAL(kernel->l1_buffers, 2);
    CU_ASSERT_EQUAL(kernel->hints.dram_bytes, 576); /* the file says 416 */
    CU_ASSERT_EQUAL(kernel->hints.compute_cycles, 16);
    CU_ASSERT_EQUAL(dfx->tensors[kernel->tensor[KPU_A]].role, KPU_DFX_INPUT);
    CU_ASSERT_EQUAL(dfx->tensors[kernel->tensor[KPU_C]].role, KPU_DFX_OUTPUT);
    kpu_dfx_free(object);
    kpu_dfx_free(dfx);
    kpu_text_fini(&text);
}

/* ---- Complaints --------------------------------------------------------------------------- */

typedef struct change {
    const char *from, *to, *complaint; /* NULL: it is read */
} change;

static void expect(const char *text, const change *c)
{
    const char *at = strstr(text, c->from);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    kpu_text changed = {0};
    kpu_dfx *dfx = NULL;
    kpu_diag diag = {0};
    kpu_text_put_bytes(&changed, text, (size_t)(at - text));
    kpu_text_put(&changed, c->to);
    kpu_text_put(&changed, at + strlen(c->from));
    int code = kpu_dfx_parse_flat("x", changed.data, changed.length, &dfx, &diag);
    bool fine = c->complaint ? code == KPU_E_INPUT && !dfx && diag.count == 1 &&
                                   strstr(diag.entries[0].message, c->complaint)
                             : code == KPU_OK && dfx;
    CU_ASSERT(fine);
    if (!fine) {
        printf("\n%s -> %s: expected %s", c->from, c->to, c->complaint ? c->complaint : "no more");
        print_complaints(&diag);
    }
    kpu_dfx_free(dfx);
    kpu_diag_fini(&diag);
    kpu_text_fini(&changed);
}

static void test_changes_of_the_sample(void)
{
    static const change changes[] = {
        {"416", "1", NULL},
        {"\"depends_on\": [5, 6]", "\"depends_on\": [3, 5, 6]", NULL},
        {"\"depends_on\": [7], \"produces\": 8",
         "\"depends_on\": [7], \"transpose\": false, "
         "\"broadcast\": false, \"produces\": 8",
         NULL},
        {"\"op_id\": 8", "\"op_id\": 9", "operations[7].produces: 8: expected 9, its op_id"},
        {"\"1.0\"", "\"2.0\"", "dfx_version: version 2.0; this program reads 1.0"},
    };
    kpu_text text = sample();
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        expect(text.data, &changes[i]);
    kpu_text_fini(&text);
}

static void test_complaints_name_the_operation(void)
{
    static const change changes[] = {
        {"\"Ti\": 4", "\"Ti\": 5", "metadata.Ti: expected an integer from 1 to 4, got 5"},
        {"\"Ti\": 4", "\"Ti\": 2", "operations: 1 COMPUTE operations; 2 x 1 x 1 tiles have 2"},
        {"\"M\": 4", "\"M\": 0", "metadata.M: expected an integer from 1 to"},
        {"output_stationary", "output_stationery", "did you mean \"output_stationary\""},
        {"output_stationary", "weight_stationary",
         "operations[5].dest.level: \"L1\": expected \"REGISTER\", where a LOAD of B from L2"},
        {"float32", "int8", "metadata.element_type: i8, but tensor \"A\" has f32"},
        {"[4, 16]", "[16, 4]", "tensors: \"A\" is 16 x 4, but A is 4 x 16"},
        {"[4, 16]", "[2, 4, 16]", "tensors: \"A\" has 2 matrices, but \"C\" 1"},
        {"[4, 16], \"dtype\": \"f32\"", "[4, 16], \"dtype\": \"f3\"",
         "tensors[0].dtype: unknown element type \"f3\""},
        {"\"name\": \"B\"", "\"name\": \"D\"", "there is no tensor \"B\""},
        {"416", "-1", "hints.estimated_dram_bytes: expected an integer from 0"},
        {"\"level\": \"EXTERNAL\", \"tile\": [0, 0]}, \"depends_on\": [7]",
         "\"level\": \"L3\", \"tile\": [0, 0]}, \"depends_on\": [7]",
         "operations[7].dest.level: \"L3\": expected \"L2\" or \"EXTERNAL\""},
        {"\"level\": \"EXTERNAL\", \"tile\": [0, 0]}, \"depends_on\": [7]",
         "\"level\": \"L2\", \"tile\": [0, 0]}, \"depends_on\": [7]",
         "operations: the last STORE of C from L2 to L3 is missing"},
        {"\"depends_on\": [5, 6]", "\"depends_on\": [5]",
         "operations[6]: depends_on: 6 is missing, whose result the COMPUTE needs"},
        {"\"depends_on\": [1]", "\"depends_on\": []",
         "operations[2]: depends_on: 1 is missing, whose result the LOAD of A from L3 to L2"},
        {"\"depends_on\": [1]", "\"depends_on\": [3]",
         "operations[2].depends_on[0]: expected an integer from 1 to 2, got 3"},
        {"\"accumulate\": false", "\"accumulate\": true",
         "operations[6]: accumulate: true: expected false, since this tile starts from zero"},
        {"\"tile\": [0, 0]", "\"tile\": [0, 1]",
         "operations[0].source.tile[1]: expected an integer from 0 to 0, got 1"},
        {"\"tensor\": \"A\", \"level\": \"L3\", \"tile\": [0, 0]}, \"depends_on\": []",
         "\"tensor\": \"B\", \"level\": \"L3\", \"tile\": [0, 0]}, \"depends_on\": []",
         "operations[0].dest: another tile than that of source"},
        {"\"LOAD\"", "\"PREFETCH\"", "operations[0].subtype: PREFETCH: expected LOAD or STORE"},
        {"\"DATA_MOVE\"", "\"BARRIER\"", "operations[0].type: BARRIER: one kernel needs none"},
        {"\"MATMUL_TILE\"", "\"SOFTMAX_TILE\"", "operations[6].subtype: SOFTMAX_TILE: expected"},
        {"\"op_id\": 2", "\"op_id\": 1", "operations[1].op_id: expected an integer from 2 to"},
        {"\"produces\": 1}", "\"produces\": 1, \"transpose\": true}",
         "operations[0].transpose: only a LOAD of A or B from L3 to L2 turns a tile"},
        {"\"produces\": 1}", "\"produces\": 1, \"broadcast\": true}",
         "operations[0].broadcast: no kernel has broadcasts yet"},
        {"\"produces\": 3}", "\"produces\": 3, \"transpose\": true}",
         "tensors: \"A\" is 4 x 16, but A lies transposed as 16 x 4"},
        {"{\"tensor\": \"B\", \"level\": \"L1\", \"tile\": [0, 0]}],",
         "{\"tensor\": \"A\", \"level\": \"L1\", \"tile\": [0, 0]}],",
         "operations[6].inputs[1]: \"A\" is A too"},
        {"\"produces\": 1}", "\"produces\": 1, \"loops\": []}",
         "operations[0]: unknown key \"loops\""},
    };
    kpu_text text = sample();
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        expect(text.data, &changes[i]);
    kpu_text_fini(&text);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"random kernels read back", test_random_kernels_read_back},
        {"the published sample", test_the_published_sample},
        {"changes of the sample that are fine", test_changes_of_the_sample},
        {"complaints name the operation", test_complaints_name_the_operation},
        CU_TEST_INFO_NULL,
    };
    return run_suite("dfx flat read", tests);
}
