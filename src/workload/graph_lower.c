/* A graph as a list of matrix multiplications. */
#include "workload/graph_private.h"

#include <stdlib.h>

void kpu_matmul_list_fini(kpu_matmul_list *list)
{
    free(list->items);
    *list = (kpu_matmul_list){0};
}

static int lower_node(const kpu_graph *graph, const kpu_node *node, kpu_matmul_list *out,
                      kpu_diag *diag)
{
    const kpu_operator *type = kpu_operator_at((size_t)node->type);
    if (type->lower)
        return type->lower(graph, node, out, diag);
    return kpu_graph_complain(graph, node, diag, "this operator is known, but not lowered yet");
}

static int lower_all(const kpu_graph *graph, const int32_t *order, kpu_matmul_list *out,
                     kpu_diag *diag)
{
    const kpu_graph_owned *owned = graph->owned;
    const kpu_place place = {.file = owned->path};
    int code = KPU_OK;
    int complaints = 0;
    for (size_t n = 0; n < graph->node_count && complaints < KPU_GRAPH_COMPLAINTS_MAX; n++) {
        int node_code = lower_node(graph, &graph->nodes[order[n]], out, diag);
        code = code == KPU_OK ? node_code : code;
        complaints += node_code != KPU_OK;
    }
    if (code == KPU_OK && out->count == 0)
        code = kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "nothing to compute: no operator of the graph is a matrix "
                               "multiplication");
    return code;
}

int kpu_graph_lower(const kpu_graph *graph, kpu_matmul_list *out, kpu_diag *diag)
{
    *out = (kpu_matmul_list){0};
    int32_t *order = malloc((graph->node_count + 1) * sizeof *order);
    if (!order)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    int code = kpu_graph_order(graph, order, diag);
    if (code == KPU_OK)
        code = lower_all(graph, order, out, diag);
    free(order);
    if (code != KPU_OK)
        kpu_matmul_list_fini(out);
    return code;
}
