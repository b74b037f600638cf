/* kpu/graph.h - graphs of operators on tensors: read (.dfg, JSON), verified, ordered, lowered to
 * matrix multiplications. */
#ifndef KPU_GRAPH_H
#define KPU_GRAPH_H

#include "kpu/dtype.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Limits, checked before anything is allocated. */
enum {
    KPU_RANK_MAX = 8,
    KPU_GRAPH_NODES_MAX = 100000,
    KPU_GRAPH_TENSORS_MAX = 100000,
    KPU_GRAPH_NAME_MAX = 255, /* bytes */
    KPU_GRAPH_PORTS_MAX = 64  /* operands, or results, of an operator */
};

typedef struct kpu_tensor {
    char *name; /* unique in its graph */
    int dtype, rank;
    int64_t shape[KPU_RANK_MAX]; /* row-major, the last dimension is contiguous */
    int32_t producer;            /* the operator that computes it; -1: it comes from outside (that
                                    of a CONSTANT too) */
    bool is_constant;            /* from outside, and of a CONSTANT */
    bool is_result;              /* somebody outside wants it: a FUNCTION_RETURN reads it, or it is
                                    computed and nobody reads it */
} kpu_tensor;

typedef struct kpu_attribute {
    char *name, *value;
} kpu_attribute;

typedef struct kpu_node {
    char *name;                /* unique in its graph */
    int type;                  /* row of the table of operators (src/workload/operators.def) */
    int32_t *inputs, *outputs; /* tensors; the n-th operand is inputs[n] */
    size_t input_count, output_count;
    kpu_attribute *attributes;
    size_t attribute_count;
    kpu_place place;   /* strings belong to the graph; JSON: the file alone */
    int64_t id, depth; /* of a .dfg node; in other formats its number, and its depth in the graph */
} kpu_node;

/* Nodes and tensors refer to each other by index. new/free: the fields are read only. */
typedef struct kpu_graph {
    char *name;
    kpu_node *nodes;
    size_t node_count;
    kpu_tensor *tensors;
    size_t tensor_count;
    void *owned; /* memory and what only .dfg knows */
} kpu_graph;

typedef struct kpu_graph_source {
    const char *path, *text; /* text[bytes] is a NUL */
    size_t bytes;
} kpu_graph_source;

/* .dfg, JSON graph or one operator as JSON, whichever it is. Read, then verified: unknown
 * operators, types and names, shapes that do not agree, a tensor made twice or by nobody, cycles,
 * missing or dangling operands. Gathers all complaints, each with its line (.dfg) or path (JSON).
 * On failure *out is NULL. */
int kpu_graph_read(const char *path, kpu_graph **out, kpu_diag *diag);
int kpu_graph_parse(const kpu_graph_source *source, kpu_graph **out, kpu_diag *diag);
void kpu_graph_free(kpu_graph *graph);

/* What is printed can be parsed again, to a graph that prints the same. */
void kpu_graph_print_dfg(const kpu_graph *graph, kpu_text *out);
void kpu_graph_print_json(const kpu_graph *graph, kpu_text *out);

/* Nodes in an order in which each comes after what it depends on; of several that could be next,
 * the one with the lowest index. order[node_count]. KPU_E_INPUT: there is a cycle. */
int kpu_graph_order(const kpu_graph *graph, int32_t *order, kpu_diag *diag);

/* ---- Operators ---------------------------------------------------------------------------- */

/* A matrix multiplication that an operator is lowered to, `batch` times over:
 * C[b] = op(A[b]) * op(B[b]). problem.transposed (kpu/workload.h) says which of A and B lie
 * transposed in memory: A as K x M, B as N x K. */
typedef struct kpu_matmul {
    int32_t node;
    int32_t tensor[KPU_OPERANDS]; /* those that are read and written: behind any TRANSPOSE */
    kpu_problem problem;
    int dtype[KPU_OPERANDS], partial_dtype;
    int64_t batch;                      /* >= 1 */
    int64_t batch_stride[KPU_OPERANDS]; /* elements from one to the next; 0: the same for all */
} kpu_matmul;

typedef struct kpu_matmul_list {
    kpu_matmul *items;
    size_t count, capacity;
} kpu_matmul_list;

/* One file src/workload/operator_*.c each, and one line in operators.def. */
typedef struct kpu_operator {
    const char *name; /* "MATMUL" */
    const char *summary;
    int min_inputs, max_inputs, min_outputs, max_outputs;
    bool folds_transpose; /* it can read an operand whose last two dimensions lie swapped */
    /* Shapes, types and attributes of a node; NULL: anything goes. */
    int (*verify)(const kpu_graph *graph, const kpu_node *node, kpu_diag *diag);
    /* Appends what it is lowered to; NULL: it is known, but not lowered yet. An operator that
     * computes nothing appends nothing. */
    int (*lower)(const kpu_graph *graph, const kpu_node *node, kpu_matmul_list *out,
                 kpu_diag *diag);
} kpu_operator;

size_t kpu_operator_count(void);
const kpu_operator *kpu_operator_at(size_t index);
int kpu_operator_find(const char *name); /* -1: none */

/* All matrix multiplications of a graph, in topological order. A complaint for every operator that
 * is not lowered yet, and if there is nothing to compute. On failure *out is empty. */
int kpu_graph_lower(const kpu_graph *graph, kpu_matmul_list *out, kpu_diag *diag);
void kpu_matmul_list_fini(kpu_matmul_list *list);

#ifdef __cplusplus
}
#endif
#endif
