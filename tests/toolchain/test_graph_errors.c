/* kpu/graph.h: every kind of bad input has its complaint, at its place. */
#include "graph_text.h"

static bool has_complaint(const kpu_diag *diag, int64_t line, int64_t column, const char *part)
{
    for (size_t i = 0; i < diag->count; i++) {
        const kpu_diag_entry *entry = &diag->entries[i];
        if (strstr(entry->message, part) && entry->line == line && entry->column == column)
            return true;
    }
    fprintf(stderr, "expected '%s' at %lld:%lld in:\n", part, (long long)line, (long long)column);
    show_complaints(diag);
    return false;
}

static void expect(const char *path, const char *text, int64_t line, int64_t column,
                   const char *part)
{
    kpu_diag diag = {0};
    kpu_graph *graph = NULL;
    kpu_matmul_list list = {0};
    const kpu_graph_source source = {path, text, strlen(text)};
    int code = kpu_graph_parse(&source, &graph, &diag);
    if (code == KPU_OK)
        code = kpu_graph_lower(graph, &list, &diag);
    CU_ASSERT_EQUAL(code, KPU_E_INPUT);
    if (diag.count != 1)
        show_complaints(&diag);
    CU_ASSERT_EQUAL(diag.count, 1);
    CU_ASSERT_TRUE(has_complaint(&diag, line, column, part));
    CU_ASSERT_PTR_NULL(list.items);
    if (diag.count > 0)
        CU_ASSERT_STRING_EQUAL(diag.entries[0].file, path);
    kpu_diag_fini(&diag);
    kpu_graph_free(graph);
}

/* ---- .dfg ---------------------------------------------------------------------------------- */

static const char dfg[] =
    "Domain Flow Graph: sample\n"
    "DIRECTED\n"
    "RUNNING_NODE_ID 3\n"
    "NODES 4\n"
    "NODE 0 : |const.A|CONSTANT|0|||0:A|0:tensor<4x16xf32>\n"
    "NODE 1 : |const.B|CONSTANT|0|||0:B|0:tensor<16x4xf32>\n"
    "NODE 2 : |mm|MATMUL|1|0:tensor<4x16xf32>,1:tensor<16x4xf32>||0:C|0:tensor<4x4xf32>\n"
    "NODE 3 : |C|FUNCTION_RETURN|2|0:tensor<4x4xf32>|target:memory|0:C|0:tensor<4x4xf32>\n"
    "EDGES 3\n"
    "EDGE 0 -> 2 : 0|true|tensor<4x16xf32>|32|0|0|1,1,1\n"
    "EDGE 1 -> 2 : 0|true|tensor<16x4xf32>|32|0|1|1,1,1\n"
    "EDGE 2 -> 3 : 0|false|tensor<4x4xf32>|32|0|0|1,1,1\n"
    "ADJACENCY 3\n"
    "ADJ 0 : 2\n"
    "ADJ 1 : 2\n"
    "ADJ 2 : 3\n"
    "SOURCE: 0, 1\n"
    "SINK: 3\n";

/* The sample with its first `old` replaced, and what is complained of. */
static const struct {
    const char *old, *changed;
    int64_t line, column;
    const char *part;
} dfg_cases[] = {
    {"Domain Flow Graph: sample\n", "", 0, 0, "no line 'Domain Flow Graph: name'"},
    {": sample", ":", 1, 19, "the name of the graph is missing"},
    {"DIRECTED\n", "", 0, 0, "no line 'DIRECTED'"},
    {"DIRECTED", "UNDIRECTED", 2, 1, "unknown word 'UNDIRECTED'; did you mean 'DIRECTED'?"},
    {"DIRECTED", "DIRECTED no", 2, 10, "expected no more here"},
    {"DIRECTED", "Domain Flow Graph: two", 2, 20, "a second title"},
    {"ID 3", "ID 2", 8, 0, "an id above RUNNING_NODE_ID"},
    {"ID 3", "ID x", 3, 17, "'x': expected the highest id, a whole number"},
    {"NODES 4", "NODES 5", 0, 0, "NODES says 5, but there are 4"},
    {"NODES 4\n", "", 0, 0, "no line NODES"},
    {"NODES 4", "NODES 4\nNODES 4", 5, 7, "the number of nodes is given twice"},
    {"EDGES 3", "EDGES 2", 0, 0, "EDGES says 2, but there are 3"},
    {"EDGES 3", "EDGES 99999999999999999999", 9, 7, "the number of edges is too large"},
    {"ADJACENCY 3", "ADJACENCY 4", 0, 0, "ADJACENCY says 4, but there are 3"},
    {"NODE 0", "NODE -1", 5, 6, "'-1': expected the id of a node"},
    {"NODE 0 :", "NODE 0 ", 5, 6, "'0  |const.A|CONSTANT|0|||0': expected the id of a node"},
    {"NODE 0", "NOED 0", 5, 1, "unknown word 'NOED'; did you mean 'NODE'?"},
    {"NODE 0", "NODE 1", 6, 0, "a node with the id of an earlier one"},
    {"|const.A", "const.A", 5, 10, "expected |name|operator|depth|..."},
    {"|const.A|", "||", 5, 11, "'' is empty; expected a name"},
    {"|const.A|CONSTANT", "|const.A CONSTANT", 5, 10, "6 fields; expected 7"},
    {"|CONSTANT", "|CONSTENT", 5, 19, "unknown operator 'CONSTENT'; did you mean 'CONSTANT'?"},
    {"|CONSTANT", "|QUUX", 5, 19, "unknown operator 'QUUX'; expected one such as MATMUL"},
    {"MATMUL|1", "MATMUL|one", 7, 21, "'one': expected the depth"},
    {"0:A|0:", "0:A|", 5, 36, "expected 0:..."},
    {"0:A|0:", "0:A|1:", 5, 36, "index 1; expected 0"},
    {"0:A|0:tensor<4x16xf32>", "0:A|", 5, 36, "0 types for 1 results"},
    {"0:tensor<4x16xf32>,1", "0:tenor<4x16xf32>,1", 7, 25, "is no type; expected one such as"},
    {"0:tensor<4x16xf32>,1", "0:tensor<4x16>,1", 7, 25, "'tensor<4x16>' is no type"},
    {"0:tensor<4x16xf32>,1", "0:tensor<4x?xf32>,1", 7, 34, "a dimension that is not known"},
    {"0:tensor<4x16xf32>,1", "0:tensor<4x0xf32>,1", 7, 25, "a dimension is not from 1 to 2^40"},
    {"0:tensor<4x16xf32>,1", "0:tensor<4x16xf31>,1", 7, 37,
     "unknown element type 'f31'; did you mean 'f32'?"},
    {"0:tensor<4x16xf32>,1", "0:tensor<1x2x3x4x5x6x7x8x9xf32>,1", 7, 25, "more than 8 dimensions"},
    {"0:tensor<4x16xf32>,1", "0:tensor<1000000000000x1000000000000xf32>,1", 7, 25,
     "a tensor of more than 2^62 bytes"},
    {"||0:C|", "|transpose_a|0:C|", 7, 61, "expected an attribute, name:value"},
    {"||0:C|", "|a:1,a:2|0:C|", 7, 65, "the attribute 'a' is given twice"},
    {"||0:C|", "|transpose_c:1|0:C|", 7, 0,
     "MATMUL mm: unknown attribute 'transpose_c'; did you mean 'transpose_a'?"},
    {"||0:C|", "|transpose_a:2|0:C|", 7, 0, "transpose_a is '2'; expected true or false"},
    {"||0:C|", "|transpose_a:true|0:C|", 7, 0,
     "columns of A and rows of B differ (A = tensor<4x16xf32> transposed, B = tensor<16x4xf32>, "
     "C = tensor<4x4xf32>)"},
    {"0:C|0:tensor<4x4xf32>\nNODE 3", "0:A|0:tensor<4x4xf32>\nNODE 3", 7, 0,
     "the result 'A' is one of node 0 too"},
    {"|0:C|0:tensor<4x4xf32>\nEDGES", "|0:C|0:tensor<4x5xf32>\nEDGES", 8, 69,
     "the type of result 0 is not that of operand 0"},
    {"EDGE 0 -> 2", "EDGE 0 > 2", 10, 6, "expected EDGE from -> to : ..."},
    {"EDGE 0 -> 2", "EDGE 7 -> 2", 10, 6, "there is no NODE 7"},
    {"EDGE 0 -> 2", "EDGE 0 -> 7", 10, 11, "there is no NODE 7"},
    {"EDGE 0 -> 2", "EDGE 3 -> 2", 10, 42, "node 3 (C) has no result 0"},
    {"32|0|1|1,1,1", "32|0|2|1,1,1", 11, 44, "node 2 (mm) has no operand 2"},
    {"32|0|1|1,1,1", "32|0|0|1,1,1", 11, 44, "operand 0 of node 2 (mm) has an edge already"},
    {"0|true|tensor<4x16xf32>|32|0", "0|true|tensor<4x16xf32>|32|1", 10, 42,
     "node 0 (const.A) has no result 1"},
    {"0|true|tensor<4x16xf32>|32", "0|true|tensor<4x17xf32>|32", 10, 22,
     "the result that it comes from is tensor<4x16xf32>"},
    {"0:A|0:tensor<4x16xf32>", "0:A|0:tensor<4x16xi32>", 10, 22,
     "the result that it comes from is tensor<4x16xi32>"},
    {"0:tensor<4x16xf32>,1", "0:tensor<4x15xf32>,1", 10, 22,
     "the operand that it leads to is tensor<4x15xf32>"},
    {"16xf32>|32|", "16xf32>|16|", 10, 39, "16 bits; an element of type f32 has 32"},
    {"0|true|tensor<4x16xf32>", "0|ture|tensor<4x16xf32>", 10, 17, "expected true or false"},
    {"0|true|tensor<4x16xf32>", "x|true|tensor<4x16xf32>", 10, 15, "'x': expected the flow"},
    {"|1,1,1", "|a,b", 10, 46, "expected a schedule vector such as 1,1,1"},
    {"|1,1,1", "", 10, 15, "6 fields; expected 7: flow|stationary"},
    {"EDGES 3\nEDGE 0 -> 2 : 0|true|tensor<4x16xf32>|32|0|0|1,1,1\n", "EDGES 2\n", 13, 9,
     "there is no EDGE 0 -> 2"},
    {"ADJ 0 : 2\n", "ADJ 0 : 3\n", 14, 9, "there is no EDGE 0 -> 3"},
    {"ADJ 0 : 2\n", "ADJ 0 : 2, 8\n", 14, 12, "there is no NODE 8"},
    {"ADJ 0 : 2\n", "ADJ 0 2\n", 14, 5, "expected ADJ from : to, to, ..."},
    {"ACENCY 3\nADJ 0 : 2\n", "ACENCY 2\n", 0, 0, "EDGE 0 -> 2 is in no ADJ line"},
    {"SOURCE: 0, 1", "SOURCE: 0, 2", 17, 12, "node 2 (mm) has operands; a source has none"},
    {"SINK: 3", "SINK: 2", 18, 7, "an edge leads on from node 2 (mm)"},
    {"SINK: 3", "SINK: 3,", 18, 9, "'': expected the id of a node"},
    {"const.A", "const\x01.A", 5, 16, "a byte that is no text"},
    {"const.A", "const\xff.A", 5, 16, "a byte that is no text"},
};

static void test_dfg(void)
{
    for (size_t n = 0; n < sizeof dfg_cases / sizeof *dfg_cases; n++) {
        char *text = replace_first(dfg, dfg_cases[n].old, dfg_cases[n].changed);
        expect("x.dfg", text, dfg_cases[n].line, dfg_cases[n].column, dfg_cases[n].part);
        free(text);
    }
    expect("x.dfg", "hello", 1, 1, "unknown word 'hello'");
}

static void test_dfg_missing_edge(void)
{
    char *fewer = replace_first(dfg, "EDGE 1 -> 2 : 0|true|tensor<16x4xf32>|32|0|1|1,1,1\n", "");
    char *counted = replace_first(fewer, "EDGES 3", "EDGES 2");
    char *listed =
        replace_first(counted, "ADJACENCY 3\nADJ 0 : 2\nADJ 1 : 2\n", "ADJACENCY 2\nADJ 0 : 2\n");
    expect("x.dfg", listed, 7, 0, "no EDGE leads to operand 1 of node 2");
    free(fewer);
    free(counted);
    free(listed);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

#define T(name, shape, dtype) "\"" name "\": {\"shape\": " shape ", \"dtype\": \"" dtype "\"}"
#define OP(name, type, inputs, outputs, attributes)                                                \
    "{\"name\": \"" name "\", \"type\": \"" type "\", \"inputs\": " inputs                         \
    ", \"outputs\": " outputs ", \"attributes\": {" attributes "}}"
#define GRAPH(tensors, operators)                                                                  \
    "{\"name\": \"g\", \"tensors\": {" tensors "}, \"operators\": [" operators "]}"
#define ABC T("A", "[2, 3]", "f32") ", " T("B", "[3, 4]", "f32") ", " T("C", "[2, 4]", "f32")
#define AB "[\"A\", \"B\"]"
#define C "[\"C\"]"
#define MM OP("mm", "MATMUL", AB, C, "")
#define ONE(a, b, c, more)                                                                         \
    "{\"op\": \"matmul\", " T("A", a, "f32") ", " T("B", b, "f32") ", " T("C", c, "f32") more "}"

static const struct {
    const char *text, *part;
} json_cases[] = {
    {"{\"name\": \"g\"}", "\"tensors\" is missing"},
    {"[]", "expected an object, got an array"},
    {"{\"name\": \"g\", \"tensors\": {}}", "\"operators\" is missing"},
    {"{\"nam\": \"g\", \"tensors\": {}, \"operators\": []}", "unknown key \"nam\""},
    {"{\"name\": \"\", \"tensors\": {}, \"operators\": []}", "name: an empty name"},
    {"{\"name\": \" g\", \"tensors\": {}, \"operators\": []}", "begins or ends with a blank"},
    {"{\"name\": \"a\\nb\", \"tensors\": {}, \"operators\": []}", "that is no text"},
    {GRAPH("", ""), "nothing to compute"},
    {GRAPH(ABC ", " T("D", "[1]", "f32"), MM), "tensors.D: no operator makes or reads it"},
    {GRAPH(T("A", "[2, 3]", "float33"), ""),
     "tensors.A.dtype: unknown element type 'float33'; did you mean 'f32'?"},
    {GRAPH(T("A", "[2, 3]", "complex"), ""), "expected one such as 'float32'"},
    {GRAPH(T("A", "[2, 0]", "f32"), ""), "tensors.A.shape[1]: expected an integer from 1 to"},
    {GRAPH(T("A", "[2, 2.5]", "f32"), ""), "tensors.A.shape[1]: expected an integer, got a real"},
    {GRAPH(T("A", "[1,1,1,1,1,1,1,1,1]", "f32"), ""), "tensors.A.shape: 9 elements; at most 8"},
    {GRAPH(T("A", "[1099511627776, 1099511627776]", "f32"), ""), "more than 2^62 bytes"},
    {GRAPH(T("A", "7", "f32"), ""), "tensors.A.shape: expected an array, got an integer"},
    {GRAPH("\"A\": {\"shape\": [2]}", ""), "tensors.A: \"dtype\" is missing"},
    {GRAPH("\"A\": {\"shape\": [2], \"dtype\": \"f32\", \"x\": 1}", ""), "unknown key \"x\""},
    {GRAPH("\"\": {\"shape\": [2], \"dtype\": \"f32\"}", ""), "the name of a tensor is empty"},
    {GRAPH(ABC, OP("mm", "MATMULL", AB, C, "")),
     "operators[0].type: unknown operator 'MATMULL'; did you mean 'MATMUL'?"},
    {GRAPH(ABC, OP("mm", "MATMUL", "[\"A\", \"BB\"]", C, "")),
     "operators[0].inputs[1]: no tensor 'BB' in \"tensors\"; did you mean 'B'?"},
    {GRAPH(ABC, OP("mm", "MATMUL", "[\"A\", 3]", C, "")),
     "operators[0].inputs[1]: expected a string, got an integer"},
    {GRAPH(ABC, MM ", " OP("mm", "MATMUL", AB, C, "")),
     "operators[1]: the name 'mm' is that of operators[0] already"},
    {GRAPH(ABC, MM ", " OP("m2", "MATMUL", AB, C, "")),
     "operators[1]: MATMUL m2: 'C' is made twice: by mm too"},
    {GRAPH(ABC, OP("mm", "MATMUL", "[\"A\"]", C, "")),
     "operators[0]: MATMUL mm: operands: 1; expected 2"},
    {GRAPH(ABC, OP("mm", "GEMM", "[\"A\", \"B\", \"B\", \"B\"]", C, "")),
     "operands: 4; expected 2 to 3"},
    {GRAPH(ABC, OP("mm", "MATMUL", AB, "[]", "")), "results: 0; expected 1"},
    {GRAPH(ABC, OP("mm", "MATMUL", AB, C, "\"x\": {}")),
     "operators[0].attributes.x: expected a string, a number, a boolean or a list of numbers, got "
     "an object"},
    {GRAPH(ABC, OP("mm", "MATMUL", AB, C, "\"x\": [\"a\"]")),
     "operators[0].attributes.x[0]: expected a number, got a string"},
    {GRAPH(ABC, OP("mm", "MATMUL", AB, C, "\"transpose_a\": 1")),
     "transpose_a is '1'; expected true or false"},
    {GRAPH(ABC, OP("mm", "GEMM", AB, C, "\"transA\": 2")),
     "transA is '2'; expected true or false, or 1 or 0"},
    {GRAPH(ABC, OP("mm", "MATMUL", AB, C, "\"beta\": 1")),
     "unknown attribute 'beta'; known are transpose_a and transpose_b"},
    {GRAPH(T("A", "[2, 3]", "f32") ", " T("B", "[3, 4]", "f32") ", " T("C", "[4, 2]", "f32"), MM),
     "C is not rows of A by columns of B"},
    {GRAPH(T("A", "[2, 3]", "i8") ", " T("B", "[3, 4]", "f32") ", " T("C", "[2, 4]", "f32"), MM),
     "expected floats for A, B and C, or integers for all three"},
    {GRAPH(T("A", "[3]", "f32") ", " T("B", "[3, 4]", "f32") ", " T("C", "[4]", "f32"), MM),
     "A is 'A' with 1 dimension; expected 2 or more"},
    {GRAPH(
         T("A", "[5, 2, 3]", "f32") ", " T("B", "[6, 3, 4]", "f32") ", " T("C", "[5, 2, 4]", "f32"),
         MM),
     "the leading dimensions must be the same"},
    {GRAPH(T("A", "[5, 2, 3]", "f32") ", " T("B", "[3, 4]", "f32") ", " T("C", "[2, 4]", "f32"),
           MM),
     "the leading dimensions must be the same"},
    {GRAPH(ABC, OP("mm", "GEMM", AB, C, "\"alpha\": 0.5")),
     "operators[0]: GEMM mm: not lowered yet: alpha is 0.5; only 1 is"},
    {GRAPH(ABC, OP("mm", "GEMM", AB, C, "\"alpha\": \"one\"")),
     "alpha is 'one'; expected a number"},
    {GRAPH(ABC, OP("mm", "GEMM", AB, C, "\"transA\": 0, \"transpose_a\": 0")),
     "both transA and transpose_a"},
    {GRAPH(ABC ", " T("D", "[4]", "f32"), OP("mm", "GEMM", "[\"A\", \"B\", \"D\"]", C, "")),
     "not lowered yet: 'D' is added; only beta = 0 is"},
    {GRAPH(ABC ", " T("D", "[3]", "f32"), OP("mm", "GEMM", "[\"A\", \"B\", \"D\"]", C, "")),
     "the third operand 'D' has not the shape of 'C'"},
    {GRAPH(T("A", "[2, 3]", "f32") ", " T("B", "[4, 3]", "f32") ", " T("C", "[2, 4]", "f32") ", " T(
               "D", "[4]", "f32"),
           OP("fc", "LINEAR", "[\"A\", \"B\", \"D\"]", C, "")),
     "operators[0]: LINEAR fc: not lowered yet: the bias 'D'"},
    {GRAPH(T("A", "[2, 3]", "f32") ", " T("B", "[4, 3]", "f32") ", " T("C", "[2, 4]", "f32") ", " T(
               "D", "[3]", "f32"),
           OP("fc", "LINEAR", "[\"A\", \"B\", \"D\"]", C, "")),
     "the bias 'D' is not one of 4 elements"},
    {GRAPH(ABC, OP("fc", "LINEAR", AB, C, "")), "columns of A and rows of B differ"},
    {GRAPH(T("A", "[2, 2]", "i8") ", " T("B", "[2, 2]", "i8"),
           OP("x", "MATMUL", "[\"A\", \"A\"]", "[\"B\"]",
              "") ", " OP("y", "MATMUL", "[\"B\", \"B\"]", "[\"A\"]", "")),
     "operators[0]: MATMUL x: a cycle: x <- y <- x"},
    {GRAPH(T("A", "[2, 2]", "i8"), OP("x", "MATMUL", "[\"A\", \"A\"]", "[\"A\"]", "")),
     "a cycle: x <- x"},
    {GRAPH(T("A", "[2, 2]", "i8"), OP("r", "FUNCTION_RETURN", "[\"A\"]", "[]", "")),
     "FUNCTION_RETURN r: 'A' comes from outside; expected something computed"},
    {GRAPH(T("A", "[2, 3]", "i8") ", " T("B", "[2, 3]", "i8"),
           OP("t", "TRANSPOSE", "[\"A\"]", "[\"B\"]", "")),
     "the result 'B' is tensor<2x3xi8>; expected tensor<3x2xi8>"},
    {GRAPH(T("A", "[2, 3]", "i8") ", " T("B", "[3, 2]", "i8"),
           OP("t", "TRANSPOSE", "[\"A\"]", "[\"B\"]", "")),
     "TRANSPOSE t: not lowered yet: its result 'B' is one of the graph"},
    {GRAPH(T("A", "[2, 3]", "i8") ", " T("B", "[3, 2]", "i8"),
           OP("t", "TRANSPOSE", "[\"A\"]", "[\"B\"]", "\"perm\": [0, 0]")),
     "expected the attribute perm, a permutation of the 2 dimensions of 'A'"},
    {GRAPH(T("A", "[2, 3, 4]", "i8") ", " T("B", "[4, 3, 2]", "i8"),
           OP("t", "TRANSPOSE", "[\"A\"]", "[\"B\"]", "")),
     "expected the attribute perm, a permutation of the 3 dimensions"},
    {GRAPH(T("A", "[2, 2, 2]", "i8") ", " T("B", "[2, 2, 2]", "i8") ", " T("C", "[2, 2, 2]", "i8"),
           OP("t", "TRANSPOSE", "[\"A\"]", "[\"B\"]", "\"perm\": [1, 0, 2]") ", " OP("mm", "MATMUL",
                                                                                     AB, C, "")),
     "TRANSPOSE t: not lowered yet: only the last two dimensions can be swapped"},
    {GRAPH(T("A", "[2, 3]", "i8") ", " T("B", "[2, 3]", "i8"),
           OP("r", "RELU", "[\"A\"]", "[\"B\"]", "")),
     "operators[0]: RELU r: this operator is known, but not lowered yet"},
    {GRAPH(T("A", "[2, 3]", "i8") ", " T("B", "[2, 4]", "i8"),
           OP("r", "RELU", "[\"A\"]", "[\"B\"]", "")),
     "'A' is tensor<2x3xi8>, which does not agree with the result 'B', tensor<2x4xi8>"},
    {GRAPH(T("A", "[2, 3]", "i8") ", " T("B", "[7]", "i8"),
           OP("r", "RESHAPE", "[\"A\"]", "[\"B\"]", "")),
     "does not agree"},
    {GRAPH(T("A", "[2, 3]", "i8") ", " T("B", "[2]", "i8") ", " T("C", "[2, 3]", "i8"),
           OP("s", "ELEMENTWISE_ADD", AB, C, "")),
     "'B' is tensor<2xi8>, which does not agree"},
    {ONE("[2, 3]", "[4, 4]", "[2, 4]", ""), "MATMUL: columns of A and rows of B differ"},
    {ONE("[2, 3]", "[3, 4]", "[2, 4]", ", \"D\": 1"), "unknown key \"D\""},
    {ONE("[1099511627776, 3]", "[3, 1099511627776]", "[1, 4]", ""), "C is not rows of A"},
    {ONE("[1048576, 1048576]", "[1048576, 1099511627776]", "[1048576, 1099511627776]", ""),
     "is too large: M*N*K of all of them"},
    {"{\"op\": \"matmul\", " T("A", "[2, 2]", "f32") ", " T("B", "[2, 2]", "f32") "}",
     "\"C\" is missing"},
    {"{\"op\": 3, " ABC "}", "op: expected a string, got an integer"},
    {"{\"op\": \"matmull\", " ABC "}", "op: unknown operator 'matmull'; did you mean 'MATMUL'?"},
};

static void test_json(void)
{
    for (size_t n = 0; n < sizeof json_cases / sizeof *json_cases; n++)
        expect("x.json", json_cases[n].text, 0, 0, json_cases[n].part);
    expect("x.json", "{\"name\": \"g\",\n \"tensors\": {},}", 2, 16, "no JSON: ");
    expect("x.json", GRAPH(ABC ", " T("A", "[1]", "f32"), MM), 1, 149, "duplicate");
    expect("x.json", "", 1, 0, "no JSON");
    expect("x.json", "{\"name\": \"a\\u0000b\"}", 1, 19, "no JSON: \\u0000 in a string");
    expect("x.json", "{\"a\\u0000b\": 1}", 1, 11, "no JSON: \\u0000 in a string");
}

/* ---- Several, and limits ------------------------------------------------------------------- */

static void test_all_are_gathered(void)
{
    static const char text[] = GRAPH(
        T("A", "[2, -3]", "f32") ", " T("B", "[3, 4]", "f23") ", " T("C", "[2, 4]", "f32"), MM);
    kpu_diag diag = {0};
    kpu_graph *graph;
    const kpu_graph_source source = {"x.json", text, strlen(text)};
    CU_ASSERT_EQUAL(kpu_graph_parse(&source, &graph, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL(diag.count, 2);
    kpu_diag_fini(&diag);
}

/* A file of nothing but mistakes has an end. */
static void test_complaints_end(void)
{
    kpu_text text = {0};
    kpu_diag diag = {0};
    kpu_graph *graph;
    for (int n = 0; n < 1000; n++)
        kpu_text_put(&text, "NODE ?\n");
    const kpu_graph_source source = {"x.dfg", text.data, text.length};
    CU_ASSERT_EQUAL(kpu_graph_parse(&source, &graph, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL(diag.count, 50);
    CU_ASSERT_EQUAL(kpu_graph_parse(&source, &graph, NULL), KPU_E_INPUT);
    kpu_diag_fini(&diag);
    kpu_text_fini(&text);
}

static void test_limits(void)
{
    kpu_text text = {0};
    kpu_text_put(&text, "{\"name\": \"");
    kpu_text_repeat(&text, 'n', KPU_GRAPH_NAME_MAX + 1);
    kpu_text_put(&text, "\", \"tensors\": {}, \"operators\": []}");
    expect("x.json", text.data, 0, 0, "is too long");
    kpu_text_clear(&text);
    kpu_text_put(&text, "{\"name\": \"g\", \"tensors\": {}, \"operators\": [0");
    for (int n = 0; n < KPU_GRAPH_NODES_MAX; n++)
        kpu_text_put(&text, ",0");
    kpu_text_put(&text, "]}");
    expect("x.json", text.data, 0, 0, "operators: 100001 elements; at most 100000 are allowed");
    kpu_text_clear(&text);
    for (int n = 0; n <= KPU_GRAPH_NODES_MAX; n++)
        kpu_text_put(&text, "NODE 0 :\n");
    expect("x.dfg", text.data, KPU_GRAPH_NODES_MAX + 1, 1, "more than 100000 nodes");
    kpu_text_fini(&text);
}

static void test_files(void)
{
    kpu_diag diag = {0};
    kpu_graph *graph;
    CU_ASSERT_EQUAL(kpu_graph_read("/nonexistent/graph.dfg", &graph, &diag), KPU_E_INPUT);
    CU_ASSERT_PTR_NULL(graph);
    CU_ASSERT_TRUE(has_complaint(&diag, 0, 0, "cannot be opened"));
    kpu_diag_fini(&diag);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {".dfg", test_dfg},
        {"an operand without an edge", test_dfg_missing_edge},
        {"JSON", test_json},
        {"all complaints are gathered", test_all_are_gathered},
        {"complaints end", test_complaints_end},
        {"limits", test_limits},
        {"files", test_files},
        CU_TEST_INFO_NULL,
    };
    return run_suite("graph_errors", tests);
}
