/* The order of the nodes of a graph: each after what it depends on. */
#include "workload/graph_private.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 8 };

/* Who makes each tensor, and which nodes read it. */
typedef struct links {
    int32_t *maker;   /* of each tensor; -1: nobody */
    size_t *first;    /* readers of tensor t: readers[first[t]] .. readers[first[t+1] - 1] */
    int32_t *readers; /* nodes, once an operand */
    int32_t *waits;   /* of each node: operands that are still to be made */
    int32_t *heap;    /* nodes that wait for nothing, the least first */
    size_t heap_count;
} links;

static void links_fini(links *l)
{
    free(l->maker);
    free(l->first);
    free(l->readers);
    free(l->waits);
    free(l->heap);
}

static bool links_allocate(links *l, const kpu_graph *graph)
{
    size_t operands = 0;
    for (size_t n = 0; n < graph->node_count; n++)
        operands += graph->nodes[n].input_count;
    l->maker = malloc((graph->tensor_count + 1) * sizeof *l->maker);
    l->first = calloc(graph->tensor_count + 2, sizeof *l->first);
    l->readers = malloc((operands + 1) * sizeof *l->readers);
    l->waits = calloc(graph->node_count + 1, sizeof *l->waits);
    l->heap = malloc((graph->node_count + 1) * sizeof *l->heap);
    return l->maker && l->first && l->readers && l->waits && l->heap;
}

static void links_fill(links *l, const kpu_graph *graph)
{
    for (size_t t = 0; t < graph->tensor_count; t++)
        l->maker[t] = -1;
    for (size_t n = 0; n < graph->node_count; n++) {
        const kpu_node *node = &graph->nodes[n];
        for (size_t i = 0; i < node->output_count; i++)
            l->maker[node->outputs[i]] = (int32_t)n;
        for (size_t i = 0; i < node->input_count; i++)
            l->first[node->inputs[i] + 2]++;
    }
    for (size_t t = 2; t < graph->tensor_count + 2; t++)
        l->first[t] += l->first[t - 1];
    for (size_t n = 0; n < graph->node_count; n++) { /* moves first[t + 1] to where it belongs */
        const kpu_node *node = &graph->nodes[n];
        for (size_t i = 0; i < node->input_count; i++) {
            l->readers[l->first[node->inputs[i] + 1]++] = (int32_t)n;
            l->waits[n] += l->maker[node->inputs[i]] >= 0;
        }
    }
}

static void heap_push(links *l, int32_t node)
{
    size_t at = l->heap_count++;
    while (at > 0 && l->heap[(at - 1) / 2] > node) {
        l->heap[at] = l->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    l->heap[at] = node;
}

static int32_t heap_pop(links *l)
{
    int32_t least = l->heap[0], moved = l->heap[--l->heap_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < l->heap_count && l->heap[child + 1] < l->heap[child])
            child++;
        if (child >= l->heap_count || l->heap[child] >= moved)
            break;
        l->heap[at] = l->heap[child];
        at = child;
    }
    l->heap[at] = moved;
    return least;
}

/* Every node that is left waits for another that is left: going back from one reaches a cycle. */
static int complain_cycle(const links *l, const kpu_graph *graph, kpu_diag *diag)
{
    size_t start = 0, shown = 0;
    kpu_text text = {0};
    while (l->waits[start] == 0)
        start++;
    for (size_t step = 0, at = start; shown <= SHOWN_MAX; step++) {
        const kpu_node *node = &graph->nodes[at];
        if (step == graph->node_count) /* surely on the cycle by now */
            start = at;
        if (step >= graph->node_count) {
            kpu_text_format(&text, "%s%s", shown++ ? " <- " : "", node->name);
            if (step > graph->node_count && at == start)
                break;
        }
        size_t i = 0;
        while (l->maker[node->inputs[i]] < 0 || l->waits[l->maker[node->inputs[i]]] == 0)
            i++;
        at = (size_t)l->maker[node->inputs[i]];
    }
    int code = kpu_graph_complain(graph, &graph->nodes[start], diag, "a cycle: %s%s",
                                  text.data ? text.data : "", shown > SHOWN_MAX ? " <- ..." : "");
    kpu_text_fini(&text);
    return code;
}

static int take_all(links *l, const kpu_graph *graph, int32_t *order, kpu_diag *diag)
{
    size_t done = 0;
    for (size_t n = 0; n < graph->node_count; n++) {
        if (l->waits[n] == 0)
            heap_push(l, (int32_t)n);
    }
    while (l->heap_count > 0) {
        const kpu_node *node = &graph->nodes[order[done++] = heap_pop(l)];
        for (size_t i = 0; i < node->output_count; i++) {
            size_t tensor = (size_t)node->outputs[i];
            for (size_t r = l->first[tensor]; r < l->first[tensor + 1]; r++) {
                if (--l->waits[l->readers[r]] == 0)
                    heap_push(l, l->readers[r]);
            }
        }
    }
    return done == graph->node_count ? KPU_OK : complain_cycle(l, graph, diag);
}

int kpu_graph_order(const kpu_graph *graph, int32_t *order, kpu_diag *diag)
{
    links l = {0};
    int code = KPU_E_MEMORY;
    if (links_allocate(&l, graph)) {
        links_fill(&l, graph);
        code = take_all(&l, graph, order, diag);
    } else {
        kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    }
    links_fini(&l);
    return code;
}
