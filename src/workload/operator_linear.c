/* LINEAR: Y = X * W^T + bias, W being output features x input features. */
#include "workload/operator.h"

static const char *const attributes[] = {NULL};
enum { WEIGHTS = 1, BIAS = 2, MATRIX_RANK = 2 };

static kpu_matmul_form form_of(const kpu_graph *graph, const kpu_node *node)
{
    return (kpu_matmul_form){.graph = graph, .node = node, .transposed = {[KPU_B] = true}};
}

static int verify(const kpu_graph *graph, const kpu_node *node, kpu_diag *diag)
{
    const kpu_matmul_form form = form_of(graph, node);
    const kpu_tensor *weights = &graph->tensors[node->inputs[WEIGHTS]];
    int code = kpu_node_check_attributes(graph, node, attributes, diag);
    if (code == KPU_OK && weights->rank != MATRIX_RANK)
        code = kpu_graph_complain(graph, node, diag,
                                  "the weights '%s' have %d dimensions; expected 2, output by "
                                  "input features",
                                  weights->name, weights->rank);
    if (code == KPU_OK)
        code = kpu_matmul_form_verify(&form, diag);
    if (code != KPU_OK || node->input_count <= BIAS)
        return code;
    const kpu_tensor *bias = &graph->tensors[node->inputs[BIAS]];
    if (bias->rank == 1 && bias->shape[0] == weights->shape[0])
        return KPU_OK;
    return kpu_graph_complain(graph, node, diag, "the bias '%s' is not one of %lld elements",
                              bias->name, (long long)weights->shape[0]);
}

static int lower(const kpu_graph *graph, const kpu_node *node, kpu_matmul_list *out, kpu_diag *diag)
{
    const kpu_matmul_form form = form_of(graph, node);
    if (node->input_count > BIAS)
        return kpu_graph_complain(graph, node, diag, "not lowered yet: the bias '%s'",
                                  graph->tensors[node->inputs[BIAS]].name);
    return kpu_matmul_form_lower(&form, out, diag);
}

const kpu_operator kpu_operator_linear = {
    .name = "LINEAR",
    .summary = "X * W^T + bias, the weights W being output by input features",
    .min_inputs = 2,
    .max_inputs = 3,
    .min_outputs = 1,
    .max_outputs = 1,
    .folds_transpose = true,
    .verify = verify,
    .lower = lower,
};
