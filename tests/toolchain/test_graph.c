/* kpu/graph.h: what is read, printed, ordered and lowered. */
#include "graph_text.h"

/* ---- Samples ------------------------------------------------------------------------------- */

static char *file_text(const char *name)
{
    char path[512], *text = NULL;
    size_t bytes;
    snprintf(path, sizeof path, KPU_SOURCE_DIR "/sweeps/graphs/%s", name);
    CU_ASSERT_EQUAL_FATAL(kpu_text_read(path, &text, &bytes, NULL), KPU_OK);
    return text;
}

static void test_published_sample(void)
{
    kpu_graph *graph = graph_of_sample("matmul.dfg");
    CU_ASSERT_STRING_EQUAL(graph->name, "non-batched-2-input-matmul");
    CU_ASSERT_EQUAL_FATAL(graph->node_count, 5);
    CU_ASSERT_EQUAL_FATAL(graph->tensor_count, 4);
    const kpu_node *matmul = &graph->nodes[1];
    CU_ASSERT_STRING_EQUAL(matmul->name, "2-input MATMUL");
    CU_ASSERT_STRING_EQUAL(kpu_operator_at((size_t)matmul->type)->name, "MATMUL");
    CU_ASSERT_EQUAL(matmul->id, 3);
    CU_ASSERT_EQUAL(matmul->depth, 1);
    CU_ASSERT_EQUAL(matmul->place.line, 6);
    CU_ASSERT_STRING_EQUAL(graph->tensors[matmul->inputs[0]].name, "A");
    CU_ASSERT_STRING_EQUAL(graph->tensors[matmul->inputs[1]].name, "B");
    const kpu_tensor *a = &graph->tensors[matmul->inputs[0]];
    CU_ASSERT_TRUE(a->dtype == KPU_F32 && a->rank == 2 && a->shape[0] == 4 && a->shape[1] == 16);
    CU_ASSERT_TRUE(a->is_constant && a->producer == -1 && !a->is_result);
    const kpu_tensor *c = &graph->tensors[matmul->outputs[0]];
    CU_ASSERT_TRUE(!c->is_constant && c->producer == 1 && c->is_result);
    CU_ASSERT_STRING_EQUAL(c->name, "Cout");
    CU_ASSERT_STRING_EQUAL(graph->nodes[0].attributes[0].value, "memory");
    CU_ASSERT_EQUAL(graph->nodes[0].output_count, 0);
    kpu_graph_free(graph);
}

/* Files that are in our own layout come out as they went in. */
static void test_prints_what_it_read(void)
{
    static const char *const names[] = {"matmul.dfg", "transposed.dfg"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        kpu_graph *graph = graph_of_sample(names[n]);
        char *text = file_text(names[n]);
        kpu_text printed = {0};
        kpu_graph_print_dfg(graph, &printed);
        CU_ASSERT_STRING_EQUAL(printed.data, text);
        kpu_text_fini(&printed);
        free(text);
        kpu_graph_free(graph);
    }
}

typedef struct expected_matmul {
    const char *file, *node, *tensors[KPU_OPERANDS];
    int64_t dim[KPU_DIMS], batch, stride[KPU_OPERANDS];
    bool transposed[KPU_OPERANDS];
    const char *partial;
} expected_matmul;

static const expected_matmul expected[] = {
    {"matmul.dfg", "2-input MATMUL", {"A", "B", "Cout"}, {4, 4, 16}, 1, {0}, {0}, "f32"},
    {"matmul-1024.json", "MATMUL", {"A", "B", "C"}, {1024, 1024, 512}, 1, {0}, {0}, "f32"},
    {"mlp.json", "mm0", {"X", "W0", "H"}, {128, 512, 256}, 1, {0}, {0}, "f32"},
    {"mlp.json", "mm1", {"H", "W1", "Y"}, {128, 64, 512}, 1, {0}, {0}, "f32"},
    {"attention-batched.json",
     "query",
     {"X", "Wq", "Q"},
     {64, 32, 96},
     4,
     {6144, 0, 2048},
     {0},
     "f32"},
    {"attention-batched.json",
     "key",
     {"X", "Wk", "K"},
     {64, 32, 96},
     4,
     {6144, 0, 2048},
     {0},
     "f32"},
    {"attention-batched.json",
     "value",
     {"X", "Wv", "V"},
     {64, 32, 96},
     4,
     {6144, 0, 2048},
     {0},
     "f32"},
    {"attention-batched.json",
     "scores",
     {"Q", "K", "S"},
     {64, 64, 32},
     4,
     {2048, 2048, 4096},
     {0, 1, 0},
     "f32"},
    {"attention-batched.json",
     "weighted",
     {"S", "V", "Y"},
     {64, 32, 64},
     4,
     {4096, 2048, 2048},
     {0},
     "f32"},
    {"transposed.json", "gemm", {"A", "B", "C"}, {80, 112, 96}, 1, {0}, {1, 1, 0}, "f32"},
    {"transposed.dfg", "matmul", {"A", "Bt", "C"}, {80, 112, 96}, 1, {0}, {0, 1, 0}, "f32"},
    {"int8.json", "MATMUL", {"A", "B", "C"}, {100, 120, 200}, 1, {0}, {0}, "i32"},
    {"bf16.json", "MATMUL", {"A", "B", "C"}, {128, 160, 192}, 1, {0}, {0}, "f32"},
    {"fp16.json", "MATMUL", {"A", "B", "C"}, {128, 160, 192}, 1, {0}, {0}, "f32"},
    {"linear.json", "up", {"X", "W0", "H"}, {48, 96, 64}, 2, {3072, 0, 4608}, {0, 1, 0}, "f32"},
    {"linear.json", "down", {"H", "W1", "Y"}, {48, 32, 96}, 2, {4608, 0, 1536}, {0, 1, 0}, "f32"},
};
enum { EXPECTED = sizeof expected / sizeof *expected };

static void check_matmul(const kpu_graph *graph, const kpu_matmul *item, const expected_matmul *e)
{
    CU_ASSERT_STRING_EQUAL(graph->nodes[item->node].name, e->node);
    CU_ASSERT_EQUAL(item->batch, e->batch);
    CU_ASSERT_STRING_EQUAL(kpu_dtype_name(item->partial_dtype), e->partial);
    CU_ASSERT_EQUAL(item->problem.partial_bytes, kpu_dtype_bytes(item->partial_dtype));
    for (int d = 0; d < KPU_DIMS; d++)
        CU_ASSERT_EQUAL(item->problem.dim[d], e->dim[d]);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        const kpu_tensor *tensor = &graph->tensors[item->tensor[x]];
        CU_ASSERT_STRING_EQUAL(tensor->name, e->tensors[x]);
        CU_ASSERT_EQUAL(item->dtype[x], tensor->dtype);
        CU_ASSERT_EQUAL(item->problem.element_bytes[x], kpu_dtype_bytes(tensor->dtype));
        CU_ASSERT_EQUAL(item->problem.transposed[x], e->transposed[x]);
        CU_ASSERT_EQUAL(item->batch_stride[x], e->stride[x]);
    }
}

static void test_samples_lower(void)
{
    for (size_t n = 0; n < EXPECTED;) {
        kpu_graph *graph = graph_of_sample(expected[n].file);
        kpu_matmul_list list = matmuls_of(graph);
        const char *file = expected[n].file;
        size_t i = 0;
        for (; n < EXPECTED && strcmp(expected[n].file, file) == 0; n++, i++) {
            CU_ASSERT_FATAL(i < list.count);
            check_matmul(graph, &list.items[i], &expected[n]);
        }
        CU_ASSERT_EQUAL(i, list.count);
        kpu_matmul_list_fini(&list);
        kpu_graph_free(graph);
    }
}

/* ---- Reading ------------------------------------------------------------------------------- */

static void test_lines_in_any_order(void)
{
    static const char text[] = "SINK: 1\nEDGE 2 -> 1 : 7|true|tensor<2x2xi8>|8|0|0|1\n"
                               "NODE 2 : |m|matmul|5|0:tensor<2x3xi8>,1:tensor<3x2xi8>||0:c|0:"
                               "tensor<2x2xi8>\nDIRECTED\n\nEDGES 3\n"
                               "NODE 1 : |r|FUNCTION_RETURN|6|0:tensor<2x2xi8>||0:d|0:"
                               "tensor<2x2xi8>\nNODES 4\n"
                               "EDGE 0 -> 2 : 0|false|tensor<3x2xi8>|8|0|1|1\n"
                               "EDGE 9 -> 2 : 0|false|tensor<2x3xi8>|8|0|0|1\n"
                               "NODE 9 : |m|CONSTANT|0|||0:a|0:tensor<2x3xi8>\n"
                               "NODE 0 : |c|CONSTANT|0|||0:b|0:tensor<3x2xi8>\n"
                               "Domain Flow Graph: mixed";
    kpu_graph *graph = graph_of("x.dfg", text);
    CU_ASSERT_STRING_EQUAL(graph->name, "mixed");
    CU_ASSERT_STRING_EQUAL(graph->nodes[0].name, "m");
    CU_ASSERT_STRING_EQUAL(graph->nodes[2].name, "m#9"); /* a second one of that name */
    kpu_text printed = {0};
    kpu_graph_print_dfg(graph, &printed);
    CU_ASSERT_PTR_NOT_NULL(strstr(printed.data, "EDGE 2 -> 1 : 7|true|tensor<2x2xi8>|8|0|0|1\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(printed.data, "|FUNCTION_RETURN|6|0:tensor<2x2xi8>||0:d|0:"));
    kpu_text_fini(&printed);
    kpu_matmul_list list = matmuls_of(graph);
    CU_ASSERT_EQUAL_FATAL(list.count, 1);
    CU_ASSERT_STRING_EQUAL(graph->tensors[list.items[0].tensor[KPU_A]].name, "a");
    kpu_matmul_list_fini(&list);
    kpu_graph_free(graph);
}

/* What a backslash or brackets keep together, read and printed. */
static void test_escapes(void)
{
    static const char text[] =
        "Domain Flow Graph: a | b \\ c\nDIRECTED\nNODES 3\n"
        "NODE 7 : |m\\|a\\\\t|MATMUL|1|0:tensor<2x4xi8>,1:tensor<4x2xi8>||0:r\\,1|0:"
        "tensor<2x2xi8>\n"
        "NODE 3 : |c|CONSTANT|0||value:[1,2,(3)],note:a\\<b\\,c,time:10:30,none:|0:p|0:"
        "tensor<2x4xi8>\n"
        "NODE 9 : |d|CONSTANT|0|||0:q|0:tensor<4x2xi8>\nEDGES 2\n"
        "EDGE 3 -> 7 : 0|true|tensor<2x4xi8>|8|0|0|\nEDGE 9 -> 7 : 0|true|tensor<4x2xi8>|8|0|1|\n";
    static const char *const attributes[][2] = {
        {"value", "[1,2,(3)]"}, {"note", "a<b,c"}, {"time", "10:30"}, {"none", ""}};
    kpu_graph *graph = graph_of("x.dfg", text);
    CU_ASSERT_STRING_EQUAL(graph->name, "a | b \\ c");
    CU_ASSERT_STRING_EQUAL(graph->nodes[0].name, "m|a\\t");
    CU_ASSERT_STRING_EQUAL(graph->tensors[graph->nodes[0].outputs[0]].name, "r,1");
    CU_ASSERT_EQUAL_FATAL(graph->nodes[1].attribute_count, 4);
    for (int n = 0; n < 4; n++) {
        CU_ASSERT_STRING_EQUAL(graph->nodes[1].attributes[n].name, attributes[n][0]);
        CU_ASSERT_STRING_EQUAL(graph->nodes[1].attributes[n].value, attributes[n][1]);
    }
    kpu_text printed = {0};
    kpu_graph_print_dfg(graph, &printed);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(printed.data, "|value:[1,2,(3)],note:a\\<b\\,c,time:10:30,none:|"));
    CU_ASSERT_PTR_NOT_NULL(strstr(printed.data, "NODE 7 : |m\\|a\\\\t|"));
    CU_ASSERT_PTR_NOT_NULL(strstr(printed.data, "|0:r\\,1|"));
    kpu_text_fini(&printed);
    kpu_graph_free(graph);
}

static void test_json_tensors(void)
{
    static const char text[] =
        "{\"name\": \"g\", \"tensors\": {\"A\": {\"shape\": [2, 3], \"dtype\": \"half\"},"
        "\"B\": {\"shape\": [3, 2], \"dtype\": \"fp16\"}, \"C\": {\"shape\": [2, 2], \"dtype\": "
        "\"f32\"}, \"D\": {\"shape\": [2, 2], \"dtype\": \"f32\"}},"
        "\"operators\": [{\"name\": \"w\", \"type\": \"CONSTANT\", \"inputs\": [], \"outputs\": "
        "[\"B\"]}, {\"name\": \"x\", \"type\": \"matmul\", \"inputs\": [\"A\", \"B\"], "
        "\"outputs\": "
        "[\"C\"]}, {\"name\": \"y\", \"type\": \"RELU\", \"inputs\": [\"C\"], \"outputs\": "
        "[\"D\"]},"
        "{\"name\": \"z\", \"type\": \"FUNCTION_RETURN\", \"inputs\": [\"C\"], \"outputs\": []}]}";
    kpu_graph *graph = graph_of("g.json", text);
    const kpu_tensor *t = graph->tensors;
    CU_ASSERT_TRUE(t[0].producer == -1 && !t[0].is_constant && !t[0].is_result);
    CU_ASSERT_TRUE(t[1].producer == -1 && t[1].is_constant && !t[1].is_result);
    CU_ASSERT_TRUE(t[2].producer == 1 && !t[2].is_constant && t[2].is_result);
    CU_ASSERT_TRUE(t[3].producer == 2 && !t[3].is_constant && t[3].is_result);
    CU_ASSERT_TRUE(t[0].dtype == KPU_F16 && t[1].dtype == KPU_F16);
    CU_ASSERT_EQUAL(graph->nodes[0].depth, 0);
    CU_ASSERT_EQUAL(graph->nodes[1].depth, 1);
    CU_ASSERT_EQUAL(graph->nodes[3].depth, 2);
    kpu_graph_free(graph);
}

static void test_one_operator_named(void)
{
    static const char text[] = "{\"op\": \"GEMM\", \"name\": \"n\", \"attributes\": {\"transB\": "
                               "true}, \"A\": {\"shape\": [2, 3], \"dtype\": \"i8\"}, \"B\": "
                               "{\"shape\": [4, 3], \"dtype\": \"u8\"}, \"C\": {\"shape\": [2, 4], "
                               "\"dtype\": \"i8\"}}";
    kpu_graph *graph = graph_of("some/where/file.json", text);
    kpu_matmul_list list = matmuls_of(graph);
    CU_ASSERT_STRING_EQUAL(graph->name, "n");
    CU_ASSERT_EQUAL_FATAL(list.count, 1);
    CU_ASSERT_TRUE(list.items[0].problem.transposed[KPU_B]);
    CU_ASSERT_EQUAL(list.items[0].partial_dtype, KPU_I32);
    kpu_matmul_list_fini(&list);
    kpu_graph_free(graph);
    char *unnamed = replace_first(text, "\"name\": \"n\", ", "");
    graph = graph_of("some/where/file.json", unnamed);
    CU_ASSERT_STRING_EQUAL(graph->name, "file");
    kpu_graph_free(graph);
    free(unnamed);
}

/* ---- Operators ----------------------------------------------------------------------------- */

static void test_table(void)
{
    static const char names[] =
        "GEMM MATMUL LINEAR CONV2D CONV2D_DEPTHWISE CONV3D ELEMENTWISE_ADD ELEMENTWISE_SUB "
        "ELEMENTWISE_MUL ELEMENTWISE_DIV RELU GELU SIGMOID SOFTMAX LAYERNORM BATCHNORM MAXPOOL "
        "AVGPOOL RESHAPE TRANSPOSE CONCAT SPLIT PAD GATHER CAST CLAMP ABS NEGATE EXP RECIPROCAL "
        "REDUCE_SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD ATTENTION CONSTANT FUNCTION_RETURN";
    size_t count = 0;
    char copy[sizeof names], *rest = NULL;
    memcpy(copy, names, sizeof names);
    for (char *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
        int found = kpu_operator_find(name);
        CU_ASSERT_FATAL(found >= 0);
        CU_ASSERT_STRING_EQUAL(kpu_operator_at((size_t)found)->name, name);
        count++;
    }
    CU_ASSERT_EQUAL(count, kpu_operator_count());
    for (size_t n = 0; n < kpu_operator_count(); n++) {
        const kpu_operator *row = kpu_operator_at(n);
        CU_ASSERT_EQUAL(kpu_operator_find(row->name), (int)n);
        CU_ASSERT_TRUE(row->summary && row->summary[0]);
        CU_ASSERT_TRUE(row->min_inputs >= 0 && row->min_inputs <= row->max_inputs);
        CU_ASSERT_TRUE(row->max_inputs <= KPU_GRAPH_PORTS_MAX);
        CU_ASSERT_TRUE(row->min_outputs >= 0 && row->min_outputs <= row->max_outputs);
        CU_ASSERT_TRUE(row->max_inputs + row->max_outputs > 0);
        CU_ASSERT_TRUE(!row->folds_transpose || row->lower);
    }
    CU_ASSERT_EQUAL(kpu_operator_find("MATMU"), -1);
}

static void put_range(kpu_text *out, int low, int high)
{
    if (low == high)
        kpu_text_format(out, "%d | ", low);
    else
        kpu_text_format(out, "%d to %d | ", low, high);
}

/* docs/graphs.md has a row for each operator and each type, and the sample as it stands. */
static void test_document(void)
{
    char *document = NULL, *sample = file_text("matmul.dfg");
    size_t bytes;
    kpu_text row = {0};
    CU_ASSERT_EQUAL_FATAL(kpu_text_read(KPU_SOURCE_DIR "/docs/graphs.md", &document, &bytes, NULL),
                          KPU_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(document, sample));
    for (size_t n = 0; n < kpu_operator_count(); n++) {
        const kpu_operator *o = kpu_operator_at(n);
        kpu_text_clear(&row);
        kpu_text_format(&row, "\n| `%s` | ", o->name);
        put_range(&row, o->min_inputs, o->max_inputs);
        put_range(&row, o->min_outputs, o->max_outputs);
        kpu_text_format(&row, "%s | %s |\n", o->lower ? "yes" : "no", o->summary);
        CU_ASSERT_PTR_NOT_NULL(strstr(document, row.data));
    }
    for (int dtype = 0; dtype < KPU_DTYPES; dtype++) {
        kpu_text_clear(&row);
        kpu_text_format(&row, "\n| `%s` | ", kpu_dtype_name(dtype));
        CU_ASSERT_PTR_NOT_NULL(strstr(document, row.data));
    }
    kpu_text_fini(&row);
    free(document);
    free(sample);
}

/* ---- Order --------------------------------------------------------------------------------- */

/* A graph of random dependencies: node n reads results of nodes with lower `rank`. */
static char *random_graph(uint64_t seed, int count, int rank[])
{
    kpu_text text = {0};
    for (int n = 0; n < count; n++)
        rank[n] = n;
    for (int n = count - 1; n > 0; n--) {
        int other = (int)(kpu_random_u64(seed, 0, (uint64_t)n) % (unsigned)(n + 1));
        int swapped = rank[n];
        rank[n] = rank[other];
        rank[other] = swapped;
    }
    kpu_text_put(&text,
                 "{\"name\": \"r\", \"tensors\": {\"in\": {\"shape\": [4], \"dtype\": \"i8\"}");
    for (int n = 0; n < count; n++)
        kpu_text_format(&text, ", \"t%d\": {\"shape\": [4], \"dtype\": \"i8\"}", n);
    kpu_text_put(&text, "}, \"operators\": [");
    for (int n = 0; n < count; n++) {
        int inputs = 0;
        kpu_text_format(&text, "%s{\"name\": \"n%d\", \"type\": \"CONCAT\", \"inputs\": [",
                        n ? ", " : "", n);
        for (int m = 0; m < count; m++)
            if (rank[m] < rank[n] && kpu_random_u64(seed, 1, (uint64_t)(n * count + m)) % 4 == 0)
                kpu_text_format(&text, "%s\"t%d\"", inputs++ ? ", " : "", m);
        kpu_text_format(&text, "%s], \"outputs\": [\"t%d\"]}", inputs ? "" : "\"in\"", n);
    }
    kpu_text_put(&text, "]}");
    return text.data;
}

/* The definition, in the slow way: of those whose operands are all there, the lowest. */
static void order_by_definition(const kpu_graph *graph, int32_t *order)
{
    bool done[64] = {false};
    for (size_t at = 0; at < graph->node_count; at++) {
        for (size_t n = 0; n < graph->node_count; n++) {
            const kpu_node *node = &graph->nodes[n];
            bool ready = !done[n];
            for (size_t i = 0; i < node->input_count; i++) {
                int32_t producer = graph->tensors[node->inputs[i]].producer;
                ready = ready && (producer < 0 || done[producer]);
            }
            if (!ready)
                continue;
            done[n] = true;
            order[at] = (int32_t)n;
            break;
        }
    }
}

static void test_order(void)
{
    for (uint64_t seed = 0; seed < 300; seed++) {
        int rank[64], count = 1 + (int)(kpu_random_u64(seed, 2, 0) % 40);
        char *text = random_graph(seed, count, rank);
        kpu_graph *graph = graph_of("r.json", text);
        int32_t order[64], by_definition[64];
        CU_ASSERT_EQUAL(kpu_graph_order(graph, order, NULL), KPU_OK);
        order_by_definition(graph, by_definition);
        CU_ASSERT_EQUAL(memcmp(order, by_definition, (size_t)count * sizeof *order), 0);
        kpu_graph_free(graph);
        free(text);
    }
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"the published sample", test_published_sample},
        {"prints what it read", test_prints_what_it_read},
        {"samples are lowered", test_samples_lower},
        {"lines in any order", test_lines_in_any_order},
        {"escapes", test_escapes},
        {"tensors of a JSON graph", test_json_tensors},
        {"one operator", test_one_operator_named},
        {"the table of operators", test_table},
        {"the document", test_document},
        {"order", test_order},
        CU_TEST_INFO_NULL,
    };
    return run_suite("graph", tests);
}
