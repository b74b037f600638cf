/* MATMUL: C = A * B; transpose_a, transpose_b: of an operand that lies transposed. */
#include "workload/operator.h"

static const char *const attributes[] = {"transpose_a", "transpose_b", NULL};

static int form_of(const kpu_graph *graph, const kpu_node *node, kpu_matmul_form *form,
                   kpu_diag *diag)
{
    *form = (kpu_matmul_form){.graph = graph, .node = node};
    int a = kpu_node_bool(graph, node, attributes[0], &form->transposed[KPU_A], diag);
    int b = kpu_node_bool(graph, node, attributes[1], &form->transposed[KPU_B], diag);
    return a != KPU_OK ? a : b;
}

static int verify(const kpu_graph *graph, const kpu_node *node, kpu_diag *diag)
{
    kpu_matmul_form form;
    int code = kpu_node_check_attributes(graph, node, attributes, diag);
    int form_code = form_of(graph, node, &form, diag);
    if (form_code == KPU_OK)
        form_code = kpu_matmul_form_verify(&form, diag);
    return code != KPU_OK ? code : form_code;
}

static int lower(const kpu_graph *graph, const kpu_node *node, kpu_matmul_list *out, kpu_diag *diag)
{
    kpu_matmul_form form;
    int code = form_of(graph, node, &form, diag);
    return code != KPU_OK ? code : kpu_matmul_form_lower(&form, out, diag);
}

const kpu_operator kpu_operator_matmul = {
    .name = "MATMUL",
    .summary = "C = A * B",
    .min_inputs = 2,
    .max_inputs = 2,
    .min_outputs = 1,
    .max_outputs = 1,
    .folds_transpose = true,
    .verify = verify,
    .lower = lower,
};
