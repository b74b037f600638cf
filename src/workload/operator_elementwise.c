/* Operators on each element by itself: of two operands, one of which may be repeated along
 * dimensions, and of one. Known, not lowered yet. */
#include "workload/operator.h"

static int verify_binary(const kpu_graph *graph, const kpu_node *node, kpu_diag *diag)
{
    const kpu_tensor *result = &graph->tensors[node->outputs[0]];
    for (size_t i = 0; i < node->input_count; i++) {
        const kpu_tensor *operand = &graph->tensors[node->inputs[i]];
        if (!kpu_broadcasts(operand, result) || operand->dtype != result->dtype)
            return kpu_operator_complain_type(graph, node, diag, operand, result);
    }
    return KPU_OK;
}

static int verify_cast(const kpu_graph *graph, const kpu_node *node, kpu_diag *diag)
{
    const kpu_tensor *operand = &graph->tensors[node->inputs[0]];
    kpu_tensor result = graph->tensors[node->outputs[0]];
    result.dtype = operand->dtype;
    if (kpu_graph_same_type(operand, &result))
        return KPU_OK;
    return kpu_operator_complain_type(graph, node, diag, operand,
                                      &graph->tensors[node->outputs[0]]);
}

#define BINARY(row, text, about)                                                                   \
    const kpu_operator kpu_operator_##row = {                                                      \
        .name = text,                                                                              \
        .summary = about,                                                                          \
        .min_inputs = 2,                                                                           \
        .max_inputs = 2,                                                                           \
        .min_outputs = 1,                                                                          \
        .max_outputs = 1,                                                                          \
        .verify = verify_binary,                                                                   \
    };
#define UNARY(row, text, about, check)                                                             \
    const kpu_operator kpu_operator_##row = {                                                      \
        .name = text,                                                                              \
        .summary = about,                                                                          \
        .min_inputs = 1,                                                                           \
        .max_inputs = 1,                                                                           \
        .min_outputs = 1,                                                                          \
        .max_outputs = 1,                                                                          \
        .verify = check,                                                                           \
    };

BINARY(elementwise_add, "ELEMENTWISE_ADD", "a + b of each element")
BINARY(elementwise_sub, "ELEMENTWISE_SUB", "a - b of each element")
BINARY(elementwise_mul, "ELEMENTWISE_MUL", "a * b of each element")
BINARY(elementwise_div, "ELEMENTWISE_DIV", "a / b of each element")
UNARY(relu, "RELU", "max(x, 0)", kpu_operator_verify_same_type)
UNARY(gelu, "GELU", "x times the normal distribution at x", kpu_operator_verify_same_type)
UNARY(sigmoid, "SIGMOID", "1 / (1 + exp(-x))", kpu_operator_verify_same_type)
UNARY(clamp, "CLAMP", "x, kept within limits", kpu_operator_verify_same_type)
UNARY(abs, "ABS", "x without its sign", kpu_operator_verify_same_type)
UNARY(negate, "NEGATE", "-x", kpu_operator_verify_same_type)
UNARY(exp, "EXP", "e to the power of x", kpu_operator_verify_same_type)
UNARY(reciprocal, "RECIPROCAL", "1 / x", kpu_operator_verify_same_type)
UNARY(cast, "CAST", "the same value as another type", verify_cast)
