/* Graphs as .dfg. What a .dfg says twice (edges as adjacency, sources, sinks) follows from the
 * edges. A tensor from outside that no operator makes becomes a CONSTANT: the format has no other
 * way to bring one in. */
#include "workload/operator.h"

#include <stdlib.h>
#include <string.h>

/* An edge between lines: nodes of the graph first, then one CONSTANT per tensor from outside. */
typedef struct edge {
    size_t from, to, from_slot, to_slot;
} edge;

typedef struct printer {
    const kpu_graph *graph;
    kpu_text *out;
    size_t *from, *from_slot; /* of each tensor: its line, and which of the line's results */
    int32_t *outside;         /* tensors of the lines after the nodes */
    size_t outside_count;
    int64_t outside_id; /* of the first of these lines */
    edge *edges;
    size_t edge_count;
    bool *is_read; /* each line */
    kpu_name_index names;
} printer;

/* ---- Texts -------------------------------------------------------------------------------- */

/* Whether the reader, who splits at commas outside of brackets, is back outside at the end. */
static bool is_nested(const char *text)
{
    int depth = 0;
    for (; *text; text++)
        depth += strchr("<[({", *text) ? 1 : depth > 0 && strchr(">])}", *text) ? -1 : 0;
    return depth == 0;
}

/* With a backslash before what would end it. */
static void put_text(kpu_text *out, const char *text, const char *stops)
{
    const bool nested = is_nested(text);
    int depth = 0;
    for (; *text; text++) {
        bool bracket = strchr("<[({>])}", *text) != NULL;
        depth += strchr("<[({", *text) ? 1 : depth > 0 && strchr(">])}", *text) ? -1 : 0;
        bool stop = strchr(stops, *text) && (*text != ',' || !nested || depth == 0);
        if (stop || *text == '|' || *text == '\\' || (bracket && !nested))
            kpu_text_put(out, "\\");
        kpu_text_put_bytes(out, text, 1);
    }
}

static void put_type(kpu_text *out, const kpu_tensor *tensor)
{
    char text[KPU_GRAPH_TYPE_TEXT];
    kpu_graph_type_text(tensor, text);
    kpu_text_put(out, text);
}

static void put_types(const printer *p, const int32_t *tensors, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        kpu_text_format(p->out, "%s%zu:", i ? "," : "", i);
        put_type(p->out, &p->graph->tensors[tensors[i]]);
    }
}

/* ---- Nodes -------------------------------------------------------------------------------- */

static const kpu_graph_extra *extra_of(const printer *p, size_t node)
{
    const kpu_graph_owned *owned = p->graph->owned;
    return owned->extras ? &owned->extras[node] : NULL;
}

static int64_t id_of(const printer *p, size_t line)
{
    size_t nodes = p->graph->node_count;
    return line < nodes ? p->graph->nodes[line].id : p->outside_id + (int64_t)(line - nodes);
}

static void put_result_names(const printer *p, size_t index)
{
    const kpu_node *node = &p->graph->nodes[index];
    const kpu_graph_extra *extra = extra_of(p, index);
    bool is_return = kpu_node_is(node, &kpu_operator_function_return);
    size_t count = is_return ? node->input_count : node->output_count;
    for (size_t i = 0; i < count; i++) {
        int32_t tensor = is_return ? node->inputs[i] : node->outputs[i];
        const char *name = p->graph->tensors[tensor].name;
        if (is_return && extra && extra->return_names)
            name = extra->return_names[i];
        kpu_text_format(p->out, "%s%zu:", i ? "," : "", i);
        put_text(p->out, name, ",");
    }
    kpu_text_put(p->out, "|");
    put_types(p, is_return ? node->inputs : node->outputs, count);
}

static void put_node(const printer *p, size_t index)
{
    const kpu_node *node = &p->graph->nodes[index];
    kpu_text_format(p->out, "NODE %lld : |", (long long)node->id);
    put_text(p->out, node->name, "");
    kpu_text_format(p->out, "|%s|%lld|", kpu_operator_at((size_t)node->type)->name,
                    (long long)node->depth);
    put_types(p, node->inputs, node->input_count);
    kpu_text_put(p->out, "|");
    for (size_t i = 0; i < node->attribute_count; i++) {
        kpu_text_put(p->out, i ? "," : "");
        put_text(p->out, node->attributes[i].name, ",:");
        kpu_text_put(p->out, ":");
        put_text(p->out, node->attributes[i].value, ",");
    }
    kpu_text_put(p->out, "|");
    put_result_names(p, index);
    kpu_text_put(p->out, "\n");
}

/* "const.A", or something like it that is no node's name yet. */
static void put_outside(const printer *p, size_t number)
{
    const kpu_tensor *tensor = &p->graph->tensors[p->outside[number]];
    long long id = (long long)p->outside_id + (long long)number;
    static const char prefix[] = "const.";
    kpu_text name = {0};
    kpu_text_put(&name, prefix);
    if (strlen(prefix) + strlen(tensor->name) <= KPU_GRAPH_NAME_MAX)
        kpu_text_put(&name, tensor->name);
    else
        kpu_text_put_int(&name, id);
    if (!name.failed && kpu_name_index_find(&p->names, name.data) >= 0) {
        kpu_text_clear(&name);
        kpu_text_format(&name, "%s#%lld", prefix, id);
        while (!name.failed && kpu_name_index_find(&p->names, name.data) >= 0)
            kpu_text_put(&name, "#");
    }
    kpu_text_format(p->out, "NODE %lld : |", id);
    put_text(p->out, name.failed ? "" : name.data, "");
    kpu_text_put(p->out, "|CONSTANT|0|||0:");
    put_text(p->out, tensor->name, ",");
    kpu_text_put(p->out, "|0:");
    put_type(p->out, tensor);
    kpu_text_put(p->out, "\n");
    p->out->failed |= name.failed;
    kpu_text_fini(&name);
}

/* ---- Edges -------------------------------------------------------------------------------- */

static int compare_edges(const void *a, const void *b)
{
    const edge *x = a, *y = b;
    const size_t left[] = {x->from, x->from_slot, x->to, x->to_slot};
    const size_t right[] = {y->from, y->from_slot, y->to, y->to_slot};
    int order = 0;
    for (size_t i = 0; i < sizeof left / sizeof *left && order == 0; i++)
        order = (left[i] > right[i]) - (left[i] < right[i]);
    return order;
}

static void put_edge(const printer *p, const edge *e)
{
    const kpu_node *to = &p->graph->nodes[e->to];
    const kpu_tensor *tensor = &p->graph->tensors[to->inputs[e->to_slot]];
    const kpu_graph_extra *extra = extra_of(p, e->to);
    const kpu_graph_edge plain = {0, tensor->producer < 0, "1,1,1"};
    const kpu_graph_edge *said = extra ? &extra->edges[e->to_slot] : &plain;
    kpu_text_format(p->out, "EDGE %lld -> %lld : %lld|%s|", (long long)id_of(p, e->from),
                    (long long)to->id, (long long)said->flow, said->stationary ? "true" : "false");
    put_type(p->out, tensor);
    kpu_text_format(p->out, "|%lld|%zu|%zu|%s\n", (long long)(8 * kpu_dtype_bytes(tensor->dtype)),
                    e->from_slot, e->to_slot, said->schedule);
}

static void put_edges(const printer *p)
{
    kpu_text_format(p->out, "EDGES %zu\n", p->edge_count);
    for (size_t i = 0; i < p->edge_count; i++)
        put_edge(p, &p->edges[i]);
}

static bool is_first_of_source(const printer *p, size_t i)
{
    return i == 0 || p->edges[i].from != p->edges[i - 1].from;
}

static int compare_nodes(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* Each neighbour once, in the order of the lines. */
static void put_adjacent(const printer *p, size_t begin, size_t end, size_t *scratch)
{
    size_t count = 0;
    for (size_t i = begin; i < end; i++)
        scratch[count++] = p->edges[i].to;
    qsort(scratch, count, sizeof *scratch, compare_nodes);
    kpu_text_format(p->out, "ADJ %lld :", (long long)id_of(p, p->edges[begin].from));
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || scratch[i] != scratch[i - 1])
            kpu_text_format(p->out, "%s %lld", i ? "," : "", (long long)id_of(p, scratch[i]));
    }
    kpu_text_put(p->out, "\n");
}

static void put_adjacency(const printer *p, size_t *scratch)
{
    size_t sources = 0;
    for (size_t i = 0; i < p->edge_count; i++)
        sources += is_first_of_source(p, i);
    kpu_text_format(p->out, "ADJACENCY %zu\n", sources);
    for (size_t begin = 0, end; begin < p->edge_count; begin = end) {
        for (end = begin + 1; end < p->edge_count && !is_first_of_source(p, end);)
            end++;
        put_adjacent(p, begin, end, scratch);
    }
}

static int compare_ids(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Sources: no operand, and somebody reads them. Sinks: operands, and nobody reads them. */
static void put_ends(const printer *p, const char *word, bool is_source, int64_t *scratch)
{
    size_t count = 0;
    for (size_t line = 0; line < p->graph->node_count + p->outside_count; line++) {
        bool has_operands = line < p->graph->node_count && p->graph->nodes[line].input_count > 0;
        if (p->is_read[line] == is_source && has_operands != is_source)
            scratch[count++] = id_of(p, line);
    }
    qsort(scratch, count, sizeof *scratch, compare_ids);
    kpu_text_put(p->out, word);
    for (size_t i = 0; i < count; i++)
        kpu_text_format(p->out, "%s %lld", i ? "," : "", (long long)scratch[i]);
    kpu_text_put(p->out, "\n");
}

/* ---- The whole ---------------------------------------------------------------------------- */

static void find_lines(printer *p)
{
    const kpu_graph *graph = p->graph;
    const size_t nobody = SIZE_MAX;
    for (size_t t = 0; t < graph->tensor_count; t++)
        p->from[t] = nobody;
    for (size_t n = 0; n < graph->node_count; n++) {
        const kpu_node *node = &graph->nodes[n];
        p->names.entries[p->names.count++] = (kpu_name_index_entry){node->name, (int32_t)n};
        if (node->id >= p->outside_id)
            p->outside_id = node->id + 1;
        for (size_t i = 0; i < node->output_count; i++) {
            p->from[node->outputs[i]] = n;
            p->from_slot[node->outputs[i]] = i;
        }
    }
    kpu_name_index_sort(&p->names);
    for (size_t t = 0; t < graph->tensor_count; t++) {
        if (p->from[t] != nobody)
            continue;
        p->from[t] = graph->node_count + p->outside_count;
        p->outside[p->outside_count++] = (int32_t)t;
    }
}

static void find_edges(printer *p)
{
    for (size_t n = 0; n < p->graph->node_count; n++) {
        const kpu_node *node = &p->graph->nodes[n];
        for (size_t i = 0; i < node->input_count; i++) {
            size_t tensor = (size_t)node->inputs[i];
            p->edges[p->edge_count++] = (edge){p->from[tensor], n, p->from_slot[tensor], i};
            p->is_read[p->from[tensor]] = true;
        }
    }
    qsort(p->edges, p->edge_count, sizeof *p->edges, compare_edges);
}

static void print_all(printer *p, size_t *neighbours, int64_t *ids)
{
    const kpu_graph *graph = p->graph;
    find_lines(p);
    find_edges(p);
    size_t lines = graph->node_count + p->outside_count;
    int64_t highest = p->outside_id + (int64_t)p->outside_count;
    kpu_text_format(p->out, "Domain Flow Graph: %s\nDIRECTED\nRUNNING_NODE_ID %lld\nNODES %zu\n",
                    graph->name, (long long)(highest > 0 ? highest - 1 : 0), lines);
    for (size_t n = 0; n < graph->node_count; n++)
        put_node(p, n);
    for (size_t n = 0; n < p->outside_count; n++)
        put_outside(p, n);
    put_edges(p);
    put_adjacency(p, neighbours);
    put_ends(p, "SOURCE:", true, ids);
    put_ends(p, "SINK:", false, ids);
}

void kpu_graph_print_dfg(const kpu_graph *graph, kpu_text *out)
{
    printer p = {.graph = graph, .out = out};
    size_t operands = 1, tensors = graph->tensor_count + 1;
    size_t lines = graph->node_count + tensors;
    for (size_t n = 0; n < graph->node_count; n++)
        operands += graph->nodes[n].input_count;
    p.from = calloc(tensors, sizeof *p.from);
    p.from_slot = calloc(tensors, sizeof *p.from_slot);
    p.outside = calloc(tensors, sizeof *p.outside);
    p.edges = calloc(operands, sizeof *p.edges);
    p.is_read = calloc(lines, sizeof *p.is_read);
    size_t *neighbours = calloc(operands, sizeof *neighbours);
    int64_t *ids = calloc(lines, sizeof *ids);
    int code = kpu_name_index_init(&p.names, graph->node_count, NULL);
    if (code == KPU_OK && p.from && p.from_slot && p.outside && p.edges && p.is_read &&
        neighbours && ids)
        print_all(&p, neighbours, ids);
    else
        out->failed = true;
    kpu_name_index_fini(&p.names);
    free(p.from);
    free(p.from_slot);
    free(p.outside);
    free(p.edges);
    free(p.is_read);
    free(neighbours);
    free(ids);
}
