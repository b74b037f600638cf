/* FUNCTION_RETURN: its operands are results of the graph. */
#include "workload/operator.h"

static int verify(const kpu_graph *graph, const kpu_node *node, kpu_diag *diag)
{
    int code = KPU_OK;
    for (size_t i = 0; i < node->input_count; i++) {
        const kpu_tensor *tensor = &graph->tensors[node->inputs[i]];
        if (tensor->producer < 0)
            code = kpu_graph_complain(graph, node, diag,
                                      "'%s' comes from outside; expected something computed",
                                      tensor->name);
    }
    return code;
}

const kpu_operator kpu_operator_function_return = {
    .name = "FUNCTION_RETURN",
    .summary = "its operands are results of the graph",
    .min_inputs = 1,
    .max_inputs = KPU_GRAPH_PORTS_MAX,
    .verify = verify,
    .lower = kpu_operator_lower_to_nothing,
};
