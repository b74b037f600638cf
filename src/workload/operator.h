/* Rows of the table of operators. */
#ifndef KPU_OPERATOR_H
#define KPU_OPERATOR_H

#include "workload/graph_private.h"

#define KPU_X(name) extern const kpu_operator kpu_operator_##name;
#include "operators.def"
#undef KPU_X

static inline bool kpu_node_is(const kpu_node *node, const kpu_operator *type)
{
    return kpu_operator_at((size_t)node->type) == type;
}

/* One matrix multiplication, or a batch of them, of the operands of a node. Each operand is two
 * dimensions behind any number of leading ones, which must be equal where there are any. */
typedef struct kpu_matmul_form {
    const kpu_graph *graph;
    const kpu_node *node;
    bool transposed[KPU_OPERANDS]; /* A: the node's own dimensions are K x M; B: N x K */
} kpu_matmul_form;

/* Shapes and types of operands 0 and 1 and result 0. */
int kpu_matmul_form_verify(const kpu_matmul_form *form, kpu_diag *diag);
/* Appends it, reading behind any TRANSPOSE. */
int kpu_matmul_form_lower(const kpu_matmul_form *form, kpu_matmul_list *out, kpu_diag *diag);

/* For lowering what computes nothing. */
int kpu_operator_lower_to_nothing(const kpu_graph *graph, const kpu_node *node,
                                  kpu_matmul_list *out, kpu_diag *diag);

/* Whether a tensor has a shape, or one that can be repeated to it: dimensions from the last on,
 * equal or 1. */
bool kpu_broadcasts(const kpu_tensor *tensor, const kpu_tensor *to);
int64_t kpu_element_count(const kpu_tensor *tensor);

/* The result is of the type and shape of the first operand. */
int kpu_operator_verify_same_type(const kpu_graph *graph, const kpu_node *node, kpu_diag *diag);
int kpu_operator_complain_type(const kpu_graph *graph, const kpu_node *node, kpu_diag *diag,
                               const kpu_tensor *operand, const kpu_tensor *result);

#endif
