/* Numbers and names of a .dfg: each number is that of one node, each name that of one tensor. */
#include "workload/dfg.h"

#include <stdlib.h>
#include <string.h>

static int compare_ids(const void *a, const void *b)
{
    const dfg_id *x = a, *y = b;
    int order = (x->id > y->id) - (x->id < y->id);
    return order ? order : (x->node > y->node) - (x->node < y->node);
}

static int complain_node(dfg *d, int32_t node, const char *what)
{
    d->complaints++;
    d->code = kpu_diag_add_at(d->diag, KPU_E_INPUT, &d->graph->nodes[node].place, "%s", what);
    return d->code;
}

static int index_ids(dfg *d)
{
    size_t count = d->graph->node_count;
    for (size_t n = 0; n < count; n++)
        d->ids[n] = (dfg_id){d->graph->nodes[n].id, (int32_t)n};
    qsort(d->ids, count, sizeof *d->ids, compare_ids);
    for (size_t i = 1; i < count && d->code == KPU_OK; i++) {
        if (d->ids[i].id == d->ids[i - 1].id)
            complain_node(d, d->ids[i].node, "a node with the id of an earlier one");
    }
    if (count > 0 && d->running_id >= 0 && d->running_id < d->ids[count - 1].id &&
        d->code == KPU_OK)
        complain_node(d, d->ids[count - 1].node, "an id above RUNNING_NODE_ID");
    return d->code;
}

static void sort_names(const kpu_graph *graph, kpu_name_index *index)
{
    index->count = graph->node_count;
    for (size_t n = 0; n < graph->node_count; n++)
        index->entries[n] = (kpu_name_index_entry){graph->nodes[n].name, (int32_t)n};
    kpu_name_index_sort(index);
}

/* Nodes may be named alike, as their operators are: the later ones become "name#id". */
static int make_names_unique(dfg *d)
{
    kpu_name_index index;
    int code = kpu_name_index_init(&index, d->graph->node_count, d->diag);
    if (code != KPU_OK)
        return d->code = code;
    sort_names(d->graph, &index);
    for (size_t i = 1; i < index.count; i++) {
        kpu_node *node = &d->graph->nodes[index.entries[i].number];
        kpu_text name = {0};
        if (strcmp(index.entries[i - 1].name, index.entries[i].name) != 0)
            continue;
        kpu_text_format(&name, "%s#%lld", index.entries[i].name, (long long)node->id);
        node->name = name.failed ? NULL : kpu_graph_copy(d->graph, name.data, name.length);
        kpu_text_fini(&name);
        if (!node->name) {
            dfg_out_of_memory(d);
            break;
        }
    }
    if (d->code == KPU_OK)
        sort_names(d->graph, &index);
    for (size_t i = 0; i < index.count && d->code == KPU_OK; i++) {
        const kpu_name_index_entry *entry = &index.entries[i];
        if (kpu_graph_name_fault(entry->name, KPU_GRAPH_NAME_MAX) ||
            (i > 0 && strcmp(entry[-1].name, entry->name) == 0))
            complain_node(d, entry->number, "a node with the name of another one");
    }
    kpu_name_index_fini(&index);
    return d->code;
}

static int check_tensor_names(dfg *d)
{
    const kpu_graph *graph = d->graph;
    kpu_name_index index; /* numbers are those of the nodes that make them */
    int code = kpu_name_index_init(&index, graph->tensor_count, d->diag);
    if (code != KPU_OK)
        return d->code = code;
    for (size_t n = 0; n < graph->node_count; n++) {
        const kpu_node *node = &graph->nodes[n];
        for (size_t i = 0; i < node->output_count; i++)
            index.entries[index.count++] =
                (kpu_name_index_entry){graph->tensors[node->outputs[i]].name, (int32_t)n};
    }
    kpu_name_index_sort(&index);
    for (size_t i = 1; i < index.count && d->code == KPU_OK; i++) {
        const kpu_name_index_entry *before = &index.entries[i - 1], *entry = &index.entries[i];
        if (strcmp(before->name, entry->name) != 0)
            continue;
        d->complaints++;
        d->code = kpu_diag_add_at(d->diag, KPU_E_INPUT, &graph->nodes[entry->number].place,
                                  "the result '%.64s' is one of node %lld too", entry->name,
                                  (long long)graph->nodes[before->number].id);
    }
    kpu_name_index_fini(&index);
    return d->code;
}

int dfg_index_nodes(dfg *d)
{
    if (index_ids(d) != KPU_OK || make_names_unique(d) != KPU_OK)
        return d->code;
    return check_tensor_names(d);
}
