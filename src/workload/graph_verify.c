/* What makes a graph right, whatever it was read from. */
#include "workload/operator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct check {
    kpu_graph *graph;
    kpu_diag *diag;
    int32_t *maker; /* of each tensor: a node, also a CONSTANT; -1: nobody yet */
    bool *is_read;
    int code, complaints;
} check;

static void note(check *c, int code)
{
    c->code = c->code == KPU_OK ? code : c->code;
    c->complaints += code != KPU_OK;
}

static const kpu_operator *operator_of(const kpu_node *node)
{
    return kpu_operator_at((size_t)node->type);
}

static int complain_count(const check *c, const kpu_node *node, const char *what, size_t count,
                          const int range[2])
{
    if (range[0] == range[1])
        return kpu_graph_complain(c->graph, node, c->diag, "%s: %zu; expected %d", what, count,
                                  range[0]);
    return kpu_graph_complain(c->graph, node, c->diag, "%s: %zu; expected %d to %d", what, count,
                              range[0], range[1]);
}

static void check_counts(check *c, const kpu_node *node)
{
    const kpu_operator *type = operator_of(node);
    const int inputs[2] = {type->min_inputs, type->max_inputs};
    const int outputs[2] = {type->min_outputs, type->max_outputs};
    if (node->input_count < (size_t)inputs[0] || node->input_count > (size_t)inputs[1])
        note(c, complain_count(c, node, "operands", node->input_count, inputs));
    if (node->output_count < (size_t)outputs[0] || node->output_count > (size_t)outputs[1])
        note(c, complain_count(c, node, "results", node->output_count, outputs));
}

static void link_node(check *c, int32_t n)
{
    const kpu_graph *graph = c->graph;
    const kpu_node *node = &graph->nodes[n];
    const bool is_constant = kpu_node_is(node, &kpu_operator_constant);
    const bool is_return = kpu_node_is(node, &kpu_operator_function_return);
    for (size_t i = 0; i < node->output_count; i++) {
        int32_t t = node->outputs[i];
        kpu_tensor *tensor = &graph->tensors[t];
        if (c->maker[t] >= 0) {
            note(c, kpu_graph_complain(graph, node, c->diag, "'%s' is made twice: by %s too",
                                       tensor->name, graph->nodes[c->maker[t]].name));
            continue;
        }
        c->maker[t] = n;
        tensor->is_constant = is_constant;
        tensor->producer = is_constant ? -1 : n;
    }
    for (size_t i = 0; i < node->input_count; i++) {
        kpu_graph_owned *owned = graph->owned;
        int32_t t = node->inputs[i];
        c->is_read[t] = true;
        graph->tensors[t].is_result |= is_return;
        owned->needs_memory[t] |= !operator_of(node)->folds_transpose && !is_return;
    }
}

static void check_tensors(check *c)
{
    const kpu_graph_owned *owned = c->graph->owned;
    const kpu_place place = {.file = owned->path};
    for (size_t t = 0; t < c->graph->tensor_count; t++) {
        kpu_tensor *tensor = &c->graph->tensors[t];
        tensor->is_result |= tensor->producer >= 0 && !c->is_read[t];
        if (c->maker[t] < 0 && !c->is_read[t])
            note(c, kpu_diag_add_at(c->diag, KPU_E_INPUT, &place,
                                    "tensors.%s: no operator makes or reads it", tensor->name));
    }
}

static void check_all(check *c)
{
    kpu_graph *graph = c->graph;
    for (size_t n = 0; n < graph->node_count && c->complaints < KPU_GRAPH_COMPLAINTS_MAX; n++) {
        check_counts(c, &graph->nodes[n]);
        link_node(c, (int32_t)n);
    }
    if (c->code == KPU_OK)
        check_tensors(c);
    bool linked = c->code == KPU_OK;
    for (size_t n = 0; linked && n < graph->node_count; n++) {
        const kpu_operator *type = operator_of(&graph->nodes[n]);
        if (type->verify && c->complaints < KPU_GRAPH_COMPLAINTS_MAX)
            note(c, type->verify(graph, &graph->nodes[n], c->diag));
    }
}

/* A .dfg says it itself. */
static void fill_depths(const check *c, const int32_t *order)
{
    const kpu_graph_owned *owned = c->graph->owned;
    for (size_t n = 0; owned->format != KPU_GRAPH_DFG && n < c->graph->node_count; n++) {
        kpu_node *node = &c->graph->nodes[order[n]];
        for (size_t i = 0; i < node->input_count; i++) {
            int32_t maker = c->maker[node->inputs[i]];
            if (maker >= 0 && c->graph->nodes[maker].depth >= node->depth)
                node->depth = c->graph->nodes[maker].depth + 1;
        }
    }
}

static void fill_views(const check *c, const int32_t *order)
{
    const kpu_graph *graph = c->graph;
    kpu_graph_view *views = ((kpu_graph_owned *)graph->owned)->views;
    for (size_t t = 0; t < graph->tensor_count; t++)
        views[t] = (kpu_graph_view){(int32_t)t, false};
    for (size_t n = 0; n < graph->node_count; n++) {
        const kpu_node *node = &graph->nodes[order[n]];
        if (!kpu_node_swaps_last_two(graph, node))
            continue;
        const kpu_graph_view view = views[node->inputs[0]];
        views[node->outputs[0]] = (kpu_graph_view){view.tensor, !view.transposed};
    }
}

int kpu_graph_verify(kpu_graph *graph, kpu_diag *diag)
{
    kpu_graph_owned *owned = graph->owned;
    size_t tensors = graph->tensor_count + 1;
    check c = {.graph = graph, .diag = diag};
    c.maker = malloc(tensors * sizeof *c.maker);
    c.is_read = calloc(tensors, sizeof *c.is_read);
    owned->needs_memory = calloc(tensors, sizeof *owned->needs_memory);
    owned->views = calloc(tensors, sizeof *owned->views);
    int32_t *order = malloc((graph->node_count + 1) * sizeof *order);
    if (c.maker && c.is_read && owned->needs_memory && owned->views && order) {
        for (size_t t = 0; t < tensors; t++)
            c.maker[t] = -1;
        check_all(&c);
        if (c.code == KPU_OK)
            c.code = kpu_graph_order(graph, order, diag);
        if (c.code == KPU_OK) {
            fill_depths(&c, order);
            fill_views(&c, order);
        }
    } else {
        c.code = kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    }
    free(c.maker);
    free(c.is_read);
    free(order);
    return c.code;
}
