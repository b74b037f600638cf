/* Text that is wrong: every complaint with its line and column. */
#include "kpu/dfx.h"

#include "run_suite.h"

#include <stdlib.h>
#include <string.h>

/* Lines of a legal program, numbered from 1. */
static const char *const lines[] = {
    "dfx 1.0",
    "graph \"sample\" # a comment",
    "tensor \"A\" f32 [8, 16] CONSTANT",
    "tensor \"B\" f32 [16, 8] INPUT",
    "tensor \"C\" f32 [8, 8] OUTPUT",
    "kernel \"mm\"",
    "  M 8 N 8 K 16",
    "  A \"A\" f32",
    "  B \"B\" f32",
    "  C \"C\" f32 partial f32",
    "  batch 1",
    "  dataflow output_stationary",
    "  control iddo",
    "  eddo_window 32",
    "  l1_buffers 2",
    "  hint dram_bytes 1280",
    "  hint l3_l2_bytes 1280",
    "  hint l2_l1_bytes 2304",
    "  hint compute_cycles 0",
    "  hint parallelism_degree 4",
    "  hint arithmetic_intensity 0.8",
    "  hint reuse 1, 1, 1e0",
    "  hint machine \"\"",
    "  allocate A L3 tiles 4 buffers 2 size_bytes 640 PERSISTENT",
    "  allocate B L3 tiles 4 buffers 2 size_bytes 640 PERSISTENT",
    "  allocate C L3 tiles 4 buffers 2 size_bytes 320 PERSISTENT",
    "  allocate A L2 tiles 4 buffers 2 size_bytes 640 PERSISTENT",
    "  allocate B L2 tiles 4 buffers 2 size_bytes 640 PERSISTENT",
    "  allocate C L2 tiles 1 buffers 2 size_bytes 128 TEMPORARY",
    "  allocate A L1 tiles 1 buffers 2 size_bytes 256 TEMPORARY",
    "  allocate B L1 tiles 1 buffers 2 size_bytes 256 TEMPORARY",
    "  for mb over M from 0 to 8 step 8",
    "  for nb over N from 0 to 8 step 8",
    "  for kb over K from 0 to 16 step 16",
    "  for m over M from 0 to 8 step 4",
    "  for n over N from 0 to 8 step 4",
    "  for k over K from 0 to 16 step 8",
    "  %1 = LOAD A EXTERNAL -> L3 FIRST_USE hoist 0",
    "  %2 = LOAD B EXTERNAL->L3 FIRST_USE hoist 0",
    "  %3 = LOAD C EXTERNAL -> L3 FIRST_USE hoist 0 unless_fresh",
    "  %4 = LOAD A L3 -> L2 FIRST_USE hoist 0 depends_on %1",
    "  %5 = LOAD B L3 -> L2 FIRST_USE hoist 0 depends_on %2",
    "  %6 = LOAD C L3 -> L2 FIRST_USE hoist 6 unless_fresh depends_on %3",
    "  %7 = LOAD A L2 -> L1 EVERY_STEP depends_on %4",
    "  %8 = LOAD B L2 -> L1 EVERY_STEP depends_on %5",
    "  %9 = LOAD C L2 -> REGISTER RUN_BEGINS unless_fresh depends_on %6",
    "  %10 = MATMUL_TILE C L1 -> REGISTER EVERY_STEP accumulate depends_on %7, %8, %9",
    "  %11 = STORE C REGISTER -> L2 RUN_ENDS depends_on %10",
    "  %12 = STORE C L2 -> L3 WINDOW_ENDS hoist 6 depends_on %11",
    "  %13 = STORE C L3 -> EXTERNAL WINDOW_ENDS hoist 0 depends_on %12",
    "  %14 = BARRIER KERNEL_ENDS depends_on %13",
    "end",
};
enum { LINES = sizeof lines / sizeof *lines };

/* A line instead of another one, and the first complaint. */
typedef struct wrong {
    int line;
    const char *instead;
    int at_line, at_column;
    const char *message;
} wrong;

static const wrong wrongs[] = {
    {1, "dfx 2.0", 1, 5, "version 2.0 is not known here: expected 1.0"},
    {1, "dfx", 1, 4, "expected a version"},
    {1, "", 2, 1, "expected 'dfx 1.0' first"},
    {2, "dfx 1.0", 2, 1, "a second version"},
    {2, "grahp \"sample\"", 2, 1, "'grahp' is not a statement; did you mean 'graph'?"},
    {2, "graph sample", 2, 7, "expected the graph's name in quotes"},
    {2, "graph \"sample", 2, 7, "the graph's name without its closing quote"},
    {2, "graph \"a\\qb\"", 2, 9, "an escape that is none: expected one of JSON's"},
    {2, "graph \"a\\ud800b\"", 2, 9, "an escape that is none: expected one of JSON's"},
    {2, "graph \"a\\u0000b\"", 2, 9, "an escape that is none: expected one of JSON's"},
    {2, "graph \"a\" b", 2, 11, "expected the end of the line"},
    {2, "graph \"a\x01\"", 2, 9, "byte 0x01 is no text: expected DFX text in UTF-8"},
    {3, "tensor \"A\" f23 [8, 16] CONSTANT", 3, 12,
     "'f23' is not an element type; did you mean 'f32'?"},
    {3, "tensor \"A\" f32 [8, 16 CONSTANT", 3, 23, "expected ']'"},
    {3, "tensor \"A\" f32 [8, 0] CONSTANT", 3, 20, "a dimension is 0: expected 1 to 1099511627776"},
    {3, "tensor \"A\" f32 [1, 1, 1, 1, 1, 1, 1, 8, 16] CONSTANT", 3, 40, "more than 8 dimensions"},
    {3, "tensor \"A\" f32 [8, 16] CONST", 3, 24, "'CONST' is not a role"},
    {3, "tensor \"A\" f32 [8, 16] constant", 3, 24,
     "'constant' is not a role; did you mean 'CONSTANT'?"},
    {3, "tensor \"A\" f32 [16, 8] CONSTANT", 6, 1,
     "kernel 'mm': A is 1 times 8 x 16, which is not the shape of tensor 'A'"},
    {4, "tensor \"A\" f32 [16, 8] INPUT", 9, 5, "no tensor 'B' stands above"},
    {7, "  M 8 N 8", 7, 10, "expected 'K'"},
    {7, "  M 8 N eight K 16", 7, 9, "'eight' is no whole number: expected N"},
    {7, "  M 8 N 8 K 0", 7, 13, "K is 0: expected 1 to 1099511627776"},
    {8, "  A \"B\" f32", 6, 1,
     "kernel 'mm': A is 1 times 8 x 16, which is not the shape of tensor 'B'"},
    {8, "  B \"B\" f32", 9, 3, "a second B"},
    {10, "  C \"C\" f32", 10, 12, "expected 'partial'"},
    {11, "", 52, 1, "kernel 'mm' does not say batch"},
    {11, "  bach 1", 11, 3, "'bach' is not a statement of a kernel; did you mean 'batch'?"},
    {11, "  after \"mm\"", 52, 1, "kernel 'mm' does not say batch"},
    {11, "  after \"no\"", 11, 9, "no kernel 'no' stands above"},
    {12, "  dataflow output-stationary", 12, 12,
     "'output-stationary' is not a dataflow; did you mean 'output_stationary'?"},
    {14, "  eddo_window 99999999999999999999", 14, 15,
     "eddo_window is 99999999999999999999: expected -9223372036854775808 to "
     "9223372036854775807"},
    {14, "  eddo_window 0", 6, 1,
     "kernel 'mm': eddo_window is 0: expected 1 to 9223372036854775807"},
    {16, "", 52, 1, "kernel 'mm' does not say hint dram_bytes"},
    {16, "  hint l3_l2_bytes 1280", 17, 8, "a second hint l3_l2_bytes"},
    {21, "  hint arithmetic_intensity nan", 21, 29,
     "'nan' is no number: expected arithmetic_intensity"},
    {22, "  hint reuse 1, 1", 22, 18, "expected ','"},
    {24, "  allocate A L3 tiles 4 buffers 2 size_bytes 641 PERSISTENT", 24, 3,
     "kernel 'mm', allocation 1: size_bytes is 641: expected 640"},
    {24, "  allocate A L4 tiles 4 buffers 2 size_bytes 640 PERSISTENT", 24, 14,
     "'L4' is not a level; did you mean 'L3'?"},
    {32, "", 52, 1, "kernel 'mm' has 5 loops: expected 6"},
    {32, "  for sixteen_letters_ over M from 0 to 8 step 8", 32, 7,
     "a variable of more than 15 bytes"},
    {34, "  for kb over K from 0 to 16 step 12", 37, 3,
     "kernel 'mm', loop 6 (k): runs from 0 to 16: expected 0 to 12"},
    {38, "  %1 = LOAD A EXTERNAL -> L3 FIRST_USE", 38, 39, "expected 'hoist'"},
    {38, "  %1 = LOAD A EXTERNAL - > L3 FIRST_USE hoist 0", 38, 24, "expected '->'"},
    {38, "  %0 = LOAD A EXTERNAL -> L3 FIRST_USE hoist 0", 38, 4,
     "the number of an operation is 0: expected 1 to 2147483647"},
    {38, "  %1 = LOAD A EXTERNAL -> L3 FIRST_USE hoist 7", 38, 46, "hoist is 7: expected 0 to 6"},
    {38, "  %1 = LAOD A EXTERNAL -> L3 FIRST_USE hoist 0", 38, 8,
     "'LAOD' is not an operation; did you mean 'LOAD'?"},
    {38, "  %1 = PREFETCH A EXTERNAL -> L3 FIRST_USE hoist 0", 38, 3,
     "kernel 'mm', operation 1 (PREFETCH of A from EXTERNAL to L3): DATA_MOVE with subtype "
     "PREFETCH is not supported in a kernel: expected DATA_MOVE with LOAD or STORE, COMPUTE with "
     "MATMUL_TILE, or BARRIER with NONE"},
    {41, "  %4 = LOAD A L3 -> L2 FIRST_USE hoist 0 depends_on 1", 41, 53, "expected '%'"},
    {41, "  %4 = LOAD A L3 -> L2 FIRST_USE hoist 0 depends_on %2", 41, 3,
     "kernel 'mm', operation 4 (LOAD of A from L3 to L2): does not depend on 1, whose result it "
     "needs"},
    {44, "  %7 = LOAD A L2 -> L1 EVERY_STEP hoist 6 depends_on %4", 44, 35,
     "expected the end of the line"},
    {47,
     "  %10 = MATMUL_TILE C L1 -> REGISTER EVERY_STEP accumulate depends_on "
     "%1, %2, %3, %4, %5, %6, %7, %8, %9",
     47, 102, "depends on more than 8"},
    {52, "end end", 52, 5, "expected the end of the line"},
    {52, "", 0, 0, "kernel 'mm' without its end"},
};

static int parse_with(int line, const char *instead, kpu_dfx **out, kpu_diag *diag)
{
    kpu_text text = {0};
    for (int i = 0; i < LINES; i++)
        kpu_text_format(&text, "%s\n", i + 1 == line ? instead : lines[i]);
    int code = kpu_dfx_parse("sample.dfx", text.data, text.length, out, diag);
    kpu_text_fini(&text);
    return code;
}

static void test_the_sample_is_legal(void)
{
    kpu_dfx *dfx = NULL;
    CU_ASSERT_EQUAL_FATAL(parse_with(0, NULL, &dfx, NULL), KPU_OK);
    kpu_text text = {0};
    CU_ASSERT_EQUAL(kpu_dfx_print_flat(dfx, 0, &text, NULL), KPU_OK);
    kpu_text_fini(&text);
    kpu_dfx_free(dfx);
}

static void test_complaints(void)
{
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        const wrong *w = &wrongs[i];
        kpu_dfx *dfx = NULL;
        kpu_diag diag = {0};
        CU_ASSERT_EQUAL(parse_with(w->line, w->instead, &dfx, &diag), KPU_E_INPUT);
        CU_ASSERT_PTR_NULL(dfx);
        CU_ASSERT_FATAL(diag.count > 0);
        const kpu_diag_entry *first = &diag.entries[0];
        bool right = strcmp(first->message, w->message) == 0 && first->line == w->at_line &&
                     first->column == w->at_column && strcmp(first->file, "sample.dfx") == 0;
        if (!right)
            printf("%s:\n wanted %d:%d: %s\n got    %d:%d: %s\n", w->instead, w->at_line,
                   w->at_column, w->message, (int)first->line, (int)first->column, first->message);
        CU_ASSERT(right);
        kpu_diag_fini(&diag);
        kpu_dfx_free(dfx);
    }
}

/* Many wrong lines: each has its complaint, until there are enough. */
static void test_all_complaints_are_gathered(void)
{
    kpu_dfx *dfx = NULL;
    kpu_diag diag = {0};
    kpu_text text = {0};
    kpu_text_put(&text, "dfx 1.0\ngraph \"g\"\n");
    for (int i = 0; i < 30; i++)
        kpu_text_put(&text, "tensor \"T\" f32 [0] INPUT\n");
    CU_ASSERT_EQUAL(kpu_dfx_parse("many", text.data, text.length, &dfx, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL(diag.count, 30);
    CU_ASSERT_EQUAL(diag.entries[29].line, 32);
    kpu_diag_fini(&diag);
    for (int i = 0; i < 1000; i++)
        kpu_text_put(&text, "tensor \"T\" f32 [0] INPUT\n");
    CU_ASSERT_EQUAL(kpu_dfx_parse("many", text.data, text.length, &dfx, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL(diag.count, 50);
    kpu_diag_fini(&diag);
    kpu_text_fini(&text);
}

/* Shapes of which the product leaves 64 bits, and dimensions that do. */
static void test_huge_sizes_are_refused(void)
{
    static const wrong huge[] = {
        {3, "tensor \"A\" f32 [1099511627776, 1099511627776, 1099511627776] CONSTANT", 3, 1,
         "tensor 'A': more than 4611686018427387904 bytes"},
        {7, "  M 1099511627776 N 1099511627776 K 1099511627776", 6, 1,
         "kernel 'mm': A is 1 times 1099511627776 x 1099511627776, which is not the shape of "
         "tensor 'A'"},
        {11, "  batch 1099511627776", 6, 1,
         "kernel 'mm': C is 1099511627776 times 8 x 8, which is not the shape of tensor 'C'"},
    };
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        kpu_dfx *dfx = NULL;
        kpu_diag diag = {0};
        CU_ASSERT_EQUAL(parse_with(huge[i].line, huge[i].instead, &dfx, &diag), KPU_E_INPUT);
        CU_ASSERT_FATAL(diag.count > 0);
        CU_ASSERT_STRING_EQUAL(diag.entries[0].message, huge[i].message);
        CU_ASSERT_EQUAL(diag.entries[0].line, huge[i].at_line);
        kpu_diag_fini(&diag);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"the sample is legal", test_the_sample_is_legal},
        {"complaints", test_complaints},
        {"all complaints are gathered", test_all_complaints_are_gathered},
        {"huge sizes are refused", test_huge_sizes_are_refused},
        CU_TEST_INFO_NULL,
    };
    return run_suite("dfx parse", tests);
}
