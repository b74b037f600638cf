/* Operators that are known by name and by what they take. One that is lowered, or whose shapes are
 * checked more closely, moves to a file of its own. */
#include "workload/operator.h"

static int verify_reshape(const kpu_graph *graph, const kpu_node *node, kpu_diag *diag)
{
    const kpu_tensor *operand = &graph->tensors[node->inputs[0]];
    const kpu_tensor *result = &graph->tensors[node->outputs[0]];
    if (operand->dtype == result->dtype && kpu_element_count(operand) == kpu_element_count(result))
        return KPU_OK;
    return kpu_operator_complain_type(graph, node, diag, operand, result);
}

#define LATER(row, text, about, inputs_low, inputs_high, outputs_high, check)                      \
    const kpu_operator kpu_operator_##row = {                                                      \
        .name = text,                                                                              \
        .summary = about,                                                                          \
        .min_inputs = inputs_low,                                                                  \
        .max_inputs = inputs_high,                                                                 \
        .min_outputs = 1,                                                                          \
        .max_outputs = outputs_high,                                                               \
        .verify = check,                                                                           \
    };

LATER(conv2d, "CONV2D", "two-dimensional convolution", 2, 3, 1, NULL)
LATER(conv2d_depthwise, "CONV2D_DEPTHWISE", "the same, each channel by itself", 2, 3, 1, NULL)
LATER(conv3d, "CONV3D", "three-dimensional convolution", 2, 3, 1, NULL)
LATER(softmax, "SOFTMAX", "exp(x) over its sum", 1, 1, 1, kpu_operator_verify_same_type)
LATER(layernorm, "LAYERNORM", "normalisation of each row", 1, 3, 1, kpu_operator_verify_same_type)
LATER(batchnorm, "BATCHNORM", "normalisation of each channel", 1, 5, 1,
      kpu_operator_verify_same_type)
LATER(maxpool, "MAXPOOL", "largest element of each window", 1, 1, 1, NULL)
LATER(avgpool, "AVGPOOL", "mean of each window", 1, 1, 1, NULL)
LATER(reshape, "RESHAPE", "the same elements in another shape", 1, 2, 1, verify_reshape)
LATER(concat, "CONCAT", "operands one after another", 1, KPU_GRAPH_PORTS_MAX, 1, NULL)
LATER(split, "SPLIT", "parts of a tensor", 1, 2, KPU_GRAPH_PORTS_MAX, NULL)
LATER(pad, "PAD", "a margin around a tensor", 1, 3, 1, NULL)
LATER(gather, "GATHER", "elements picked by index", 2, 2, 1, NULL)
LATER(reduce_sum, "REDUCE_SUM", "sum along dimensions", 1, 2, 1, NULL)
LATER(reduce_max, "REDUCE_MAX", "largest along dimensions", 1, 2, 1, NULL)
LATER(reduce_min, "REDUCE_MIN", "least along dimensions", 1, 2, 1, NULL)
LATER(reduce_prod, "REDUCE_PROD", "product along dimensions", 1, 2, 1, NULL)
LATER(attention, "ATTENTION", "softmax(Q * K^T) * V", 3, 4, 1, NULL)
