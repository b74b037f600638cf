/* TRANSPOSE: perm (or perms) says which dimension of the operand each one of the result is. Those
 * that swap the last two are folded into the matrix multiplications that read them. */
#include "workload/operator.h"

#include <stdlib.h>
#include <string.h>

static const char *const attributes[] = {"perm", "perms", NULL};

/* "[0,2,1]", brackets or none, into a permutation of `rank` dimensions. */
static bool parse_permutation(const char *text, int rank, int perm[KPU_RANK_MAX])
{
    static const char blanks[] = " \t[](){}";
    unsigned seen = 0;
    text += strspn(text, blanks);
    for (int d = 0; d < rank; d++) {
        char *end;
        long value = strtol(text, &end, 10);
        if (end == text || value < 0 || value >= rank || (seen >> value & 1))
            return false;
        seen |= 1U << value;
        perm[d] = (int)value;
        text = end + strspn(end, blanks);
        if (d + 1 < rank && *text++ != ',')
            return false;
        text += strspn(text, blanks);
    }
    return *text == '\0';
}

/* A matrix has only one transposition, so it need not be said. */
static bool permutation_of(const kpu_graph *graph, const kpu_node *node, int perm[KPU_RANK_MAX])
{
    int rank = graph->tensors[node->inputs[0]].rank;
    const char *text = kpu_node_attribute(node, attributes[0]);
    if (!text)
        text = kpu_node_attribute(node, attributes[1]);
    if (text)
        return parse_permutation(text, rank, perm);
    perm[0] = 1;
    perm[1] = 0;
    return rank == 2;
}

static int verify(const kpu_graph *graph, const kpu_node *node, kpu_diag *diag)
{
    const kpu_tensor *in = &graph->tensors[node->inputs[0]];
    const kpu_tensor *result = &graph->tensors[node->outputs[0]];
    int perm[KPU_RANK_MAX] = {0};
    int code = kpu_node_check_attributes(graph, node, attributes, diag);
    if (code != KPU_OK)
        return code;
    if (!permutation_of(graph, node, perm))
        return kpu_graph_complain(graph, node, diag,
                                  "expected the attribute perm, a permutation of the %d dimensions "
                                  "of '%s' such as [1,0]",
                                  in->rank, in->name);
    kpu_tensor expected = {.dtype = in->dtype, .rank = in->rank};
    for (int d = 0; d < in->rank; d++)
        expected.shape[d] = in->shape[perm[d]];
    if (kpu_graph_same_type(&expected, result))
        return KPU_OK;
    char expected_text[KPU_GRAPH_TYPE_TEXT], result_text[KPU_GRAPH_TYPE_TEXT];
    kpu_graph_type_text(&expected, expected_text);
    kpu_graph_type_text(result, result_text);
    return kpu_graph_complain(graph, node, diag, "the result '%s' is %s; expected %s", result->name,
                              result_text, expected_text);
}

static bool swaps_last_two(const kpu_graph *graph, const kpu_node *node)
{
    int rank = graph->tensors[node->inputs[0]].rank, perm[KPU_RANK_MAX] = {0};
    if (!permutation_of(graph, node, perm) || rank < 2)
        return false;
    for (int d = 0; d < rank - 2; d++) {
        if (perm[d] != d)
            return false;
    }
    return perm[rank - 1] == rank - 2;
}

bool kpu_node_swaps_last_two(const kpu_graph *graph, const kpu_node *node)
{
    return kpu_node_is(node, &kpu_operator_transpose) && swaps_last_two(graph, node);
}

/* Nothing to do for it if whoever reads it can read it as it lies. */
static int lower(const kpu_graph *graph, const kpu_node *node, kpu_matmul_list *out, kpu_diag *diag)
{
    const kpu_graph_owned *owned = graph->owned;
    const int32_t result = node->outputs[0];
    (void)out;
    if (!swaps_last_two(graph, node))
        return kpu_graph_complain(graph, node, diag,
                                  "not lowered yet: only the last two dimensions can be swapped");
    if (graph->tensors[result].is_result)
        return kpu_graph_complain(graph, node, diag,
                                  "not lowered yet: its result '%s' is one of the graph; only what "
                                  "matrix multiplications read can be transposed on the way",
                                  graph->tensors[result].name);
    if (owned->needs_memory[result])
        return kpu_graph_complain(graph, node, diag,
                                  "not lowered yet: '%s' is read by more than matrix "
                                  "multiplications",
                                  graph->tensors[result].name);
    return KPU_OK;
}

const kpu_operator kpu_operator_transpose = {
    .name = "TRANSPOSE",
    .summary = "permutes the dimensions of its operand",
    .min_inputs = 1,
    .max_inputs = 1,
    .min_outputs = 1,
    .max_outputs = 1,
    .folds_transpose = true,
    .verify = verify,
    .lower = lower,
};
