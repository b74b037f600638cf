/* GEMM: Y = alpha * op(A) * op(B) + beta * C, as ONNX has it: transA, transB, alpha and beta, the
 * last two 1 if they are not given. */
#include "workload/operator.h"

#include <stdlib.h>

static const char *const attributes[] = {"transA", "transB", "transpose_a", "transpose_b",
                                         "alpha",  "beta",   NULL};
enum { TRANS_A, TRANS_B, TRANSPOSE_A, TRANSPOSE_B, ALPHA, BETA };
enum { MATRIX_RANK = 2, THIRD = 2 };

/* By either of its names, but not by both. */
static int take_transposed(const kpu_graph *graph, const kpu_node *node, int operand,
                           kpu_matmul_form *form, kpu_diag *diag)
{
    const char *trans = attributes[TRANS_A + operand];
    const char *transpose = attributes[TRANSPOSE_A + operand];
    if (kpu_node_attribute(node, trans) && kpu_node_attribute(node, transpose))
        return kpu_graph_complain(graph, node, diag, "both %s and %s", trans, transpose);
    int code = kpu_node_flag(graph, node, trans, &form->transposed[operand], diag);
    return code != KPU_OK ? code
                          : kpu_node_bool(graph, node, transpose, &form->transposed[operand], diag);
}

static int take_factor(const kpu_graph *graph, const kpu_node *node, const char *name, double *out,
                       kpu_diag *diag)
{
    const char *text = kpu_node_attribute(node, name);
    char *end;
    *out = 1;
    if (!text)
        return KPU_OK;
    *out = strtod(text, &end);
    if (end == text || *end != '\0' || *out - *out != 0)
        return kpu_graph_complain(graph, node, diag, "%s is '%.32s'; expected a number", name,
                                  text);
    return KPU_OK;
}

static int verify_third(const kpu_graph *graph, const kpu_node *node, kpu_diag *diag)
{
    const kpu_tensor *result = &graph->tensors[node->outputs[0]];
    if (node->input_count <= THIRD || kpu_broadcasts(&graph->tensors[node->inputs[THIRD]], result))
        return KPU_OK;
    return kpu_graph_complain(graph, node, diag, "the third operand '%s' has not the shape of '%s'",
                              graph->tensors[node->inputs[THIRD]].name, result->name);
}

static int form_of(const kpu_graph *graph, const kpu_node *node, kpu_matmul_form *form,
                   kpu_diag *diag)
{
    *form = (kpu_matmul_form){.graph = graph, .node = node};
    int a = take_transposed(graph, node, KPU_A, form, diag);
    int b = take_transposed(graph, node, KPU_B, form, diag);
    return a != KPU_OK ? a : b;
}

static int verify(const kpu_graph *graph, const kpu_node *node, kpu_diag *diag)
{
    kpu_matmul_form form;
    double factor;
    int code = kpu_node_check_attributes(graph, node, attributes, diag);
    if (code == KPU_OK)
        code = form_of(graph, node, &form, diag);
    if (code == KPU_OK)
        code = take_factor(graph, node, attributes[ALPHA], &factor, diag);
    if (code == KPU_OK)
        code = take_factor(graph, node, attributes[BETA], &factor, diag);
    if (code == KPU_OK && graph->tensors[node->outputs[0]].rank != MATRIX_RANK)
        code = kpu_graph_complain(graph, node, diag, "the result has %d dimensions; expected 2",
                                  graph->tensors[node->outputs[0]].rank);
    if (code == KPU_OK)
        code = kpu_matmul_form_verify(&form, diag);
    return code == KPU_OK ? verify_third(graph, node, diag) : code;
}

static int lower(const kpu_graph *graph, const kpu_node *node, kpu_matmul_list *out, kpu_diag *diag)
{
    kpu_matmul_form form;
    double alpha = 1, beta = 1;
    int code = form_of(graph, node, &form, diag);
    if (code == KPU_OK)
        code = take_factor(graph, node, attributes[ALPHA], &alpha, diag);
    if (code == KPU_OK)
        code = take_factor(graph, node, attributes[BETA], &beta, diag);
    if (code == KPU_OK && alpha != 1)
        code =
            kpu_graph_complain(graph, node, diag, "not lowered yet: alpha is %g; only 1 is", alpha);
    if (code == KPU_OK && node->input_count > THIRD && beta != 0)
        code = kpu_graph_complain(graph, node, diag,
                                  "not lowered yet: '%s' is added; only beta = 0 is, or no third "
                                  "operand",
                                  graph->tensors[node->inputs[THIRD]].name);
    return code == KPU_OK ? kpu_matmul_form_lower(&form, out, diag) : code;
}

const kpu_operator kpu_operator_gemm = {
    .name = "GEMM",
    .summary = "alpha * A * B + beta * C, of matrices; A and B may lie transposed",
    .min_inputs = 2,
    .max_inputs = 3,
    .min_outputs = 1,
    .max_outputs = 1,
    .folds_transpose = true,
    .verify = verify,
    .lower = lower,
};
