/* Shared by the files that read, verify, print and lower graphs. */
#ifndef KPU_GRAPH_PRIVATE_H
#define KPU_GRAPH_PRIVATE_H

#include "kpu/graph.h"

/* Complaints of one reading, after which the rest would only repeat them. */
enum { KPU_GRAPH_COMPLAINTS_MAX = 50 };

enum { KPU_GRAPH_DFG, KPU_GRAPH_JSON, KPU_GRAPH_ONE_OPERATOR };

/* What a .dfg says about the edge into an operand. */
typedef struct kpu_graph_edge {
    int64_t flow;
    bool stationary;
    const char *schedule; /* "1,1,1" */
} kpu_graph_edge;

typedef struct kpu_graph_extra {
    kpu_graph_edge *edges; /* of each operand */
    char **return_names;   /* FUNCTION_RETURN: what the outside calls each operand */
} kpu_graph_extra;

/* Memory that lives as long as its graph. */
typedef struct kpu_graph_chunk {
    struct kpu_graph_chunk *next;
    size_t used, bytes;
    max_align_t memory[];
} kpu_graph_chunk;

/* A tensor as it lies in memory: the one behind any TRANSPOSE of the last two dimensions. */
typedef struct kpu_graph_view {
    int32_t tensor;
    bool transposed;
} kpu_graph_view;

typedef struct kpu_graph_owned {
    int format; /* KPU_GRAPH_DFG ... */
    kpu_graph_chunk *chunks;
    kpu_graph_extra *extras; /* of each node; NULL: not of a .dfg */
    size_t tensor_capacity;
    const char *path;
    /* of each tensor, once the graph is verified: */
    bool *needs_memory; /* somebody reads it who cannot read it transposed */
    kpu_graph_view *views;
} kpu_graph_owned;

/* NULL: out of memory, with a complaint. */
kpu_graph *kpu_graph_new(int format, const char *path, kpu_diag *diag);
/* Zeroed, released with the graph; NULL: out of memory. */
void *kpu_graph_allocate(kpu_graph *graph, size_t count, size_t bytes);
char *kpu_graph_copy(kpu_graph *graph, const char *text, size_t bytes);
/* Room for `count` nodes, zeroed; once. */
int kpu_graph_reserve_nodes(kpu_graph *graph, size_t count, kpu_diag *diag);
/* A tensor more, with that name and type, made by nobody; its index, or -1: out of memory, or too
 * many. */
int32_t kpu_graph_add_tensor(kpu_graph *graph, char *name, const kpu_tensor *type);

/* Why a name, or the value of an attribute, is none; NULL: it is fine. */
const char *kpu_graph_name_fault(const char *text, size_t max_bytes);
enum { KPU_GRAPH_VALUE_MAX = 4096, KPU_GRAPH_ATTRIBUTES_MAX = 64 };
/* 1 .. KPU_WORKLOAD_DIM_MAX each, all bytes within KPU_WORKLOAD_PRODUCT_MAX. NULL: fine. */
const char *kpu_graph_shape_fault(const kpu_tensor *type);
bool kpu_graph_same_type(const kpu_tensor *a, const kpu_tensor *b); /* element type and shape */
enum { KPU_GRAPH_TYPE_TEXT = 240 };
/* "tensor<4x16xf32>" */
void kpu_graph_type_text(const kpu_tensor *type, char text[KPU_GRAPH_TYPE_TEXT]);

/* Numbers found by name; the names stay where they are. */
typedef struct kpu_name_index_entry {
    const char *name;
    int32_t number;
} kpu_name_index_entry;
typedef struct kpu_name_index {
    kpu_name_index_entry *entries;
    size_t count;
} kpu_name_index;
/* Room for `count`; entries are filled by the caller, then sorted: equal names by number. */
int kpu_name_index_init(kpu_name_index *index, size_t count, kpu_diag *diag);
void kpu_name_index_fini(kpu_name_index *index);
void kpu_name_index_sort(kpu_name_index *index);
int32_t kpu_name_index_find(const kpu_name_index *index, const char *name); /* -1: none */
const char *kpu_name_index_nearest(const kpu_name_index *index, const char *name);

/* "operators[3]: MATMUL mm0: message" at the node's place; returns KPU_E_INPUT. */
int kpu_graph_complain(const kpu_graph *graph, const kpu_node *node, kpu_diag *diag,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Readers: fill an empty graph; verified by the caller. */
int kpu_dfg_parse(const kpu_graph_source *source, kpu_graph **out, kpu_diag *diag);
int kpu_json_graph_parse(const kpu_graph_source *source, kpu_graph **out, kpu_diag *diag);

/* Fills in producers, constants and results, and complains of all that is not right. */
int kpu_graph_verify(kpu_graph *graph, kpu_diag *diag);

/* ---- For operators ------------------------------------------------------------------------- */

/* The nearest name of an operator, for a complaint; NULL: none is near. */
const char *kpu_operator_nearest(const char *name);
/* The value of an attribute; NULL: it has none of that name. */
const char *kpu_node_attribute(const kpu_node *node, const char *name);
/* Complains of an attribute that is not among `names`. */
int kpu_node_check_attributes(const kpu_graph *graph, const kpu_node *node,
                              const char *const *names, kpu_diag *diag);
/* Whether a node is a TRANSPOSE that swaps the last two dimensions and nothing else. */
bool kpu_node_swaps_last_two(const kpu_graph *graph, const kpu_node *node);
/* true or false; *out stays as it is if there is no such attribute. */
int kpu_node_bool(const kpu_graph *graph, const kpu_node *node, const char *name, bool *out,
                  kpu_diag *diag);
/* The same where ONNX has numbers: 0 and 1 too. */
int kpu_node_flag(const kpu_graph *graph, const kpu_node *node, const char *name, bool *out,
                  kpu_diag *diag);
#endif
