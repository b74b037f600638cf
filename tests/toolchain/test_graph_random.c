/* Random graphs of matrix multiplications and transpositions: what they are lowered to computes
 * what the graph says, and they come back from both formats. */
#include "fuzz/graph_round_trip.h"
#include "graph_text.h"

enum { TENSORS_MAX = 80, NAME_BYTES = 40, LEADING_MAX = 2 };

/* A tensor and what it should hold: sums wrap around, in the same way for both. */
typedef struct value {
    char name[NAME_BYTES];
    int rank;
    int64_t shape[LEADING_MAX + 2];
    uint64_t *data;
} value;

typedef struct random_graph {
    uint64_t seed, draws;
    value values[TENSORS_MAX];
    int count, operators;
    bool is_made[TENSORS_MAX];
    int leading; /* dimensions before the last two that batched tensors have */
    int64_t lead[LEADING_MAX];
    kpu_text text; /* of the operators */
} random_graph;

static int draw(random_graph *g, int below)
{
    return (int)(kpu_random_u64(g->seed, 7, g->draws++) % (unsigned)below);
}

static int64_t element_count(const value *v)
{
    int64_t count = 1;
    for (int d = 0; d < v->rank; d++)
        count *= v->shape[d];
    return count;
}

/* A tensor of so many rows and columns, filled at random; its number. */
static int add_value(random_graph *g, bool batched, int64_t rows, int64_t columns)
{
    static const char *const tails[] = {"",  ",",     "|", "\\", ":x",  "<",
                                        ">", "[a,b]", "}", "é",  "x y", "\\,"};
    value *v = &g->values[g->count];
    CU_ASSERT_FATAL(g->count < TENSORS_MAX);
    snprintf(v->name, sizeof v->name, "t%d%s", g->count,
             tails[draw(g, sizeof tails / sizeof *tails)]);
    for (int d = 0; batched && d < g->leading; d++)
        v->shape[v->rank++] = g->lead[d];
    v->shape[v->rank++] = rows;
    v->shape[v->rank++] = columns;
    v->data = calloc((size_t)element_count(v), sizeof *v->data);
    CU_ASSERT_PTR_NOT_NULL_FATAL(v->data);
    for (int64_t n = 0; n < element_count(v); n++)
        v->data[n] = (uint64_t)draw(g, 7) - 3;
    return g->count++;
}

static uint64_t at(const value *v, int64_t batch, int64_t row, int64_t column)
{
    int64_t rows = v->shape[v->rank - 2], columns = v->shape[v->rank - 1];
    return v->data[(v->rank > 2 ? batch * rows * columns : 0) + row * columns + column];
}

static void put_operator(random_graph *g, const char *type, const int inputs[2], int output,
                         const char *attributes)
{
    kpu_text_format(&g->text, "%s{\"name\": \"n%d\", \"type\": \"%s\", \"inputs\": [",
                    g->operators ? ",\n" : "", g->operators, type);
    kpu_text_put_json_string(&g->text, g->values[inputs[0]].name);
    if (inputs[1] >= 0) {
        kpu_text_put(&g->text, ", ");
        kpu_text_put_json_string(&g->text, g->values[inputs[1]].name);
    }
    kpu_text_put(&g->text, "], \"outputs\": [");
    kpu_text_put_json_string(&g->text, g->values[output].name);
    kpu_text_format(&g->text, "], \"attributes\": {%s}}", attributes);
    g->operators++;
    g->is_made[output] = true;
}

static int add_transpose(random_graph *g, int of)
{
    const int rank = g->values[of].rank, inputs[2] = {of, -1};
    int64_t rows = g->values[of].shape[rank - 2], columns = g->values[of].shape[rank - 1];
    int result = add_value(g, rank > 2, columns, rows);
    char perm[60];
    int length = snprintf(perm, sizeof perm, "\"perm\": [");
    for (int d = 0; d < rank - 2; d++)
        length += snprintf(perm + length, sizeof perm - (size_t)length, "%d, ", d);
    snprintf(perm + length, sizeof perm - (size_t)length, "%d, %d]", rank - 1, rank - 2);
    value *v = &g->values[result];
    for (int64_t n = 0; n < element_count(v); n++)
        v->data[n] = at(&g->values[of], n / (rows * columns), n % rows, n / rows % columns);
    put_operator(g, "TRANSPOSE", inputs, result, rank == 2 && draw(g, 2) ? "" : perm);
    return result;
}

/* How an operator reads its operands. */
typedef struct form {
    const char *type, *attributes;
    bool turn_a, turn_b, matrices, matrix_b;
} form;

static const form forms[] = {
    {"MATMUL", "", false, false, false, false},
    {"MATMUL", "\"transpose_a\": true", true, false, false, false},
    {"MATMUL", "\"transpose_b\": true, \"transpose_a\": false", false, true, false, false},
    {"MATMUL", "\"transpose_a\": true, \"transpose_b\": true", true, true, false, false},
    {"GEMM", "\"transA\": 1", true, false, true, true},
    {"GEMM", "\"alpha\": 1.0, \"transpose_b\": true", false, true, true, true},
    {"LINEAR", "", false, true, false, true},
};

static int pick(random_graph *g, bool matrix)
{
    for (int tries = 0; tries < 8 && g->count > 0; tries++) {
        int n = draw(g, g->count);
        if (!matrix || g->values[n].rank == 2)
            return n;
    }
    return add_value(g, !matrix && draw(g, 2), 1 + draw(g, 5), 1 + draw(g, 5));
}

/* One that fits `other` along the dimension that is summed over; perhaps behind transpositions. */
static int add_partner(random_graph *g, int64_t inner, bool inner_is_rows, bool matrix)
{
    int64_t outer = 1 + draw(g, 5);
    bool batched = !matrix && draw(g, 2);
    int turns = draw(g, 3);
    bool rows = inner_is_rows != (turns % 2 == 1);
    int n = add_value(g, batched, rows ? inner : outer, rows ? outer : inner);
    while (turns-- > 0)
        n = add_transpose(g, n);
    return n;
}

static void fill_product(random_graph *g, const form *f, const int inputs[2], int result)
{
    const value *a = &g->values[inputs[0]], *b = &g->values[inputs[1]];
    value *c = &g->values[result];
    int64_t rows = c->shape[c->rank - 2], columns = c->shape[c->rank - 1];
    int64_t inner = a->shape[a->rank - (f->turn_a ? 2 : 1)];
    for (int64_t n = 0; n < element_count(c); n++) {
        int64_t batch = n / (rows * columns), i = n / columns % rows, j = n % columns;
        c->data[n] = 0;
        for (int64_t k = 0; k < inner; k++)
            c->data[n] += (f->turn_a ? at(a, batch, k, i) : at(a, batch, i, k)) *
                          (f->turn_b ? at(b, batch, j, k) : at(b, batch, k, j));
    }
}

static void add_product(random_graph *g)
{
    const form *f = &forms[draw(g, sizeof forms / sizeof *forms)];
    int inputs[2];
    inputs[0] = pick(g, f->matrices);
    for (int turns = draw(g, 3); turns > 0; turns--)
        inputs[0] = add_transpose(g, inputs[0]);
    value *a = &g->values[inputs[0]];
    int64_t rows = a->shape[a->rank - (f->turn_a ? 1 : 2)];
    int64_t inner = a->shape[a->rank - (f->turn_a ? 2 : 1)];
    inputs[1] = add_partner(g, inner, !f->turn_b, f->matrix_b);
    const value *b = &g->values[inputs[1]];
    int64_t columns = b->shape[b->rank - (f->turn_b ? 2 : 1)];
    int result = add_value(g, a->rank > 2 || b->rank > 2, rows, columns);
    fill_product(g, f, inputs, result);
    put_operator(g, f->type, inputs, result, f->attributes);
}

static char *graph_text(const random_graph *g)
{
    kpu_text text = {0};
    kpu_text_put(&text, "{\"name\": \"random\", \"tensors\": {");
    for (int n = 0; n < g->count; n++) {
        const value *v = &g->values[n];
        kpu_text_put(&text, n ? ",\n" : "");
        kpu_text_put_json_string(&text, v->name);
        kpu_text_put(&text, ": {\"dtype\": \"i64\", \"shape\": [");
        for (int d = 0; d < v->rank; d++)
            kpu_text_format(&text, "%s%lld", d ? ", " : "", (long long)v->shape[d]);
        kpu_text_put(&text, "]}");
    }
    kpu_text_format(&text, "},\n\"operators\": [%s]}", g->text.data);
    return text.data;
}

/* ---- What it was lowered to ---------------------------------------------------------------- */

static uint64_t *data_of(const random_graph *g, const char *name, uint64_t *const computed[])
{
    for (int n = 0; n < g->count; n++) {
        if (strcmp(g->values[n].name, name) == 0)
            return g->is_made[n] ? computed[n] : g->values[n].data;
    }
    return NULL;
}

static void run_matmul(const kpu_matmul *m, uint64_t *const data[KPU_OPERANDS])
{
    const int64_t *dim = m->problem.dim;
    const bool *turned = m->problem.transposed;
    for (int64_t n = 0; n < m->batch * dim[KPU_M] * dim[KPU_N]; n++) {
        int64_t batch = n / (dim[KPU_M] * dim[KPU_N]), i = n / dim[KPU_N] % dim[KPU_M];
        int64_t j = n % dim[KPU_N];
        const uint64_t *a = data[KPU_A] + batch * m->batch_stride[KPU_A];
        const uint64_t *b = data[KPU_B] + batch * m->batch_stride[KPU_B];
        uint64_t sum = 0;
        for (int64_t k = 0; k < dim[KPU_K]; k++)
            sum += a[turned[KPU_A] ? k * dim[KPU_M] + i : i * dim[KPU_K] + k] *
                   b[turned[KPU_B] ? j * dim[KPU_K] + k : k * dim[KPU_N] + j];
        data[KPU_C][batch * m->batch_stride[KPU_C] + i * dim[KPU_N] + j] = sum;
    }
}

/* Runs the list on memory of its own for what is made, and compares it with what should be. */
static void check_lowered(const random_graph *g, const kpu_graph *graph)
{
    uint64_t *computed[TENSORS_MAX] = {0};
    kpu_matmul_list list = matmuls_of(graph);
    for (int n = 0; n < g->count; n++) {
        computed[n] = calloc((size_t)element_count(&g->values[n]), sizeof *computed[n]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(computed[n]);
    }
    for (size_t i = 0; i < list.count; i++) {
        uint64_t *data[KPU_OPERANDS];
        for (int x = 0; x < KPU_OPERANDS; x++)
            data[x] = data_of(g, graph->tensors[list.items[i].tensor[x]].name, computed);
        run_matmul(&list.items[i], data);
        const char *name = graph->tensors[list.items[i].tensor[KPU_C]].name;
        for (int n = 0; n < g->count; n++) {
            size_t bytes = (size_t)element_count(&g->values[n]) * sizeof(uint64_t);
            if (strcmp(g->values[n].name, name) == 0)
                CU_ASSERT_EQUAL(memcmp(computed[n], g->values[n].data, bytes), 0);
        }
    }
    for (int n = 0; n < g->count; n++)
        free(computed[n]);
    kpu_matmul_list_fini(&list);
}

static void check_seed(uint64_t seed)
{
    random_graph *g = calloc(1, sizeof *g);
    CU_ASSERT_PTR_NOT_NULL_FATAL(g);
    g->seed = seed;
    g->leading = draw(g, LEADING_MAX + 1);
    for (int d = 0; d < g->leading; d++)
        g->lead[d] = 1 + draw(g, 3);
    for (int products = 1 + draw(g, 6); products > 0; products--)
        add_product(g);
    char *text = graph_text(g);
    kpu_graph *graph = graph_of("random.json", text);
    check_lowered(g, graph);
    round_trip(graph, kpu_graph_print_dfg, "again.dfg");
    round_trip(graph, kpu_graph_print_json, "again.json");
    kpu_graph_free(graph);
    free(text);
    for (int n = 0; n < g->count; n++)
        free(g->values[n].data);
    kpu_text_fini(&g->text);
    free(g);
}

static void test_random(void)
{
    for (uint64_t seed = 0; seed < 1000; seed++)
        check_seed(seed);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"lowered and printed", test_random},
        CU_TEST_INFO_NULL,
    };
    return run_suite("graph_random", tests);
}
