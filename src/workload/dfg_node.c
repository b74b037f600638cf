/* NODE 3 : |name|operator|depth|operands|attributes|results|types of results */
#include "workload/dfg.h"
#include "workload/operator.h"

#include <stdio.h>
#include <string.h>

enum {
    FIELD_NAME,
    FIELD_TYPE,
    FIELD_DEPTH,
    FIELD_OPERANDS,
    FIELD_ATTRIBUTES,
    FIELD_RESULTS,
    FIELD_RESULT_TYPES,
    FIELDS
};
enum { TYPE_TEXT = 64 };
#define NODE_ID_MAX (INT64_C(1) << 62)

static int take_fields(dfg *d, dfg_span rest, dfg_span fields[FIELDS])
{
    const char *begin = dfg_trim(rest).begin;
    if (!dfg_skip(&rest, "|"))
        return dfg_complain(d, begin, "expected |name|operator|depth|...");
    /* dfg_skip trims: an empty last field is still there. */
    int count = dfg_split(rest, '|', fields, FIELDS);
    if (count == FIELDS)
        return KPU_OK;
    return dfg_complain(d, begin,
                        "%d fields; expected %d: |name|operator|depth|operands|attributes|results|"
                        "types of results",
                        count, FIELDS);
}

static int take_type(dfg *d, dfg_span span, kpu_node *node)
{
    char name[TYPE_TEXT];
    snprintf(name, sizeof name, "%.*s",
             (int)(span.end - span.begin < TYPE_TEXT ? span.end - span.begin : TYPE_TEXT),
             span.begin);
    node->type = kpu_operator_find(name);
    if (node->type >= 0)
        return KPU_OK;
    const char *nearest = kpu_operator_nearest(name);
    return dfg_complain(d, span.begin, "unknown operator '%s'%s%s%s", name,
                        nearest ? "; did you mean '" : "; expected one such as MATMUL",
                        nearest ? nearest : "", nearest ? "'?" : "");
}

static size_t count_items(dfg_span list)
{
    size_t count = 0;
    dfg_span item;
    if (list.begin == list.end)
        return 0;
    while (dfg_cut(&list, ',', &item))
        count++;
    return count;
}

/* The next of "0:value,1:value", whose number must be `index`. */
static int take_indexed(dfg *d, dfg_span *list, size_t index, dfg_span *value)
{
    dfg_span item, number;
    int64_t said = 0;
    dfg_cut(list, ',', &item);
    const char *begin = item.begin;
    dfg_cut(&item, ':', &number);
    if (!item.begin)
        return dfg_complain(d, begin, "expected %zu:...", index);
    int code = dfg_int(d, number, "an index", &said);
    if (code == KPU_OK && said != (int64_t)index)
        code = dfg_complain(d, begin, "index %lld; expected %zu", (long long)said, index);
    *value = dfg_trim(item);
    return code;
}

static int check_ports(dfg *d, dfg_span list, size_t count)
{
    if (count <= KPU_GRAPH_PORTS_MAX)
        return KPU_OK;
    return dfg_complain(d, list.begin, "%zu of them; at most %d are allowed", count,
                        KPU_GRAPH_PORTS_MAX);
}

static int take_operands(dfg *d, dfg_span list, kpu_node *node)
{
    kpu_graph_owned *owned = d->graph->owned;
    size_t index = (size_t)(node - d->graph->nodes);
    size_t count = count_items(list);
    int code = check_ports(d, list, count);
    if (code != KPU_OK)
        return code;
    kpu_tensor *types = kpu_graph_allocate(d->graph, count, sizeof *types);
    node->inputs = kpu_graph_allocate(d->graph, count, sizeof *node->inputs);
    owned->extras[index].edges =
        kpu_graph_allocate(d->graph, count, sizeof *owned->extras[index].edges);
    d->is_fed[index] = kpu_graph_allocate(d->graph, count, sizeof *d->is_fed[index]);
    if (!types || !node->inputs || !owned->extras[index].edges || !d->is_fed[index])
        return dfg_out_of_memory(d);
    for (size_t i = 0; i < count && code == KPU_OK; i++) {
        dfg_span text;
        code = take_indexed(d, &list, i, &text);
        if (code == KPU_OK)
            code = dfg_type(d, text, &types[i]);
    }
    d->operand_types[index] = types;
    node->input_count = count;
    return code;
}

static int take_attribute(dfg *d, dfg_span item, kpu_node *node)
{
    kpu_attribute *attribute = &node->attributes[node->attribute_count];
    dfg_span name;
    const char *begin = item.begin;
    dfg_cut(&item, ':', &name);
    if (!item.begin)
        return dfg_complain(d, begin, "expected an attribute, name:value");
    int code = dfg_text(d, name, KPU_GRAPH_NAME_MAX, &attribute->name);
    if (code == KPU_OK)
        code = dfg_text(d, dfg_trim(item), KPU_GRAPH_VALUE_MAX, &attribute->value);
    if (code == KPU_OK && kpu_node_attribute(node, attribute->name))
        code = dfg_complain(d, begin, "the attribute '%s' is given twice", attribute->name);
    node->attribute_count += code == KPU_OK;
    return code;
}

static int take_attributes(dfg *d, dfg_span list, kpu_node *node)
{
    size_t count = count_items(list);
    int code = KPU_OK;
    if (count > KPU_GRAPH_ATTRIBUTES_MAX)
        return dfg_complain(d, list.begin, "%zu attributes; at most %d are allowed", count,
                            KPU_GRAPH_ATTRIBUTES_MAX);
    node->attributes = kpu_graph_allocate(d->graph, count, sizeof *node->attributes);
    if (!node->attributes)
        return dfg_out_of_memory(d);
    for (size_t i = 0; i < count && code == KPU_OK; i++) {
        dfg_span item;
        dfg_cut(&list, ',', &item);
        code = take_attribute(d, item, node);
    }
    return code;
}

static int take_result(dfg *d, dfg_span name, dfg_span type_text, kpu_node *node)
{
    kpu_tensor type;
    char *text;
    int code = dfg_text(d, name, KPU_GRAPH_NAME_MAX, &text);
    if (code == KPU_OK)
        code = dfg_type(d, type_text, &type);
    if (code != KPU_OK)
        return code;
    if (d->graph->tensor_count >= KPU_GRAPH_TENSORS_MAX)
        return dfg_complain(d, name.begin, "more than %d tensors", KPU_GRAPH_TENSORS_MAX);
    int32_t tensor = kpu_graph_add_tensor(d->graph, text, &type);
    if (tensor < 0)
        return dfg_out_of_memory(d);
    node->outputs[node->output_count++] = tensor;
    return KPU_OK;
}

/* What a FUNCTION_RETURN gives is its operand, perhaps by another name. */
static int take_return(dfg *d, dfg_span name, dfg_span type_text, kpu_node *node, size_t i)
{
    const kpu_graph_owned *owned = d->graph->owned;
    size_t index = (size_t)(node - d->graph->nodes);
    kpu_tensor type;
    int code = dfg_text(d, name, KPU_GRAPH_NAME_MAX, &owned->extras[index].return_names[i]);
    if (code == KPU_OK)
        code = dfg_type(d, type_text, &type);
    if (code == KPU_OK && !kpu_graph_same_type(&type, &d->operand_types[index][i]))
        code = dfg_complain(d, type_text.begin, "the type of result %zu is not that of operand %zu",
                            i, i);
    return code;
}

static int take_results(dfg *d, dfg_span names, dfg_span types, kpu_node *node)
{
    const kpu_graph_owned *owned = d->graph->owned;
    const bool is_return = kpu_node_is(node, &kpu_operator_function_return);
    size_t count = count_items(names);
    int code = check_ports(d, names, count);
    if (code != KPU_OK)
        return code;
    if (count_items(types) != count)
        return dfg_complain(d, types.begin, "%zu types for %zu results", count_items(types), count);
    if (is_return && count > 0 && count != node->input_count)
        return dfg_complain(d, names.begin, "%zu results for %zu operands", count,
                            node->input_count);
    node->outputs = kpu_graph_allocate(d->graph, count, sizeof *node->outputs);
    char **return_names = kpu_graph_allocate(d->graph, count, sizeof *return_names);
    if (!node->outputs || !return_names)
        return dfg_out_of_memory(d);
    if (is_return && count > 0)
        owned->extras[node - d->graph->nodes].return_names = return_names;
    for (size_t i = 0; i < count && code == KPU_OK; i++) {
        dfg_span name, type;
        code = take_indexed(d, &names, i, &name);
        if (code == KPU_OK)
            code = take_indexed(d, &types, i, &type);
        if (code == KPU_OK)
            code =
                is_return ? take_return(d, name, type, node, i) : take_result(d, name, type, node);
    }
    return code;
}

static int take_place(dfg *d, kpu_node *node)
{
    const kpu_graph_owned *owned = d->graph->owned;
    size_t length = (size_t)(d->line.end - d->line.begin);
    bool shown = length <= DFG_SHOWN_LINE_MAX;
    char *line = shown ? kpu_graph_copy(d->graph, d->line.begin, length) : NULL;
    node->place = (kpu_place){owned->path, d->number, 0, line};
    return line || !shown ? KPU_OK : dfg_out_of_memory(d);
}

int dfg_take_node(dfg *d, dfg_span rest)
{
    dfg_span id, fields[FIELDS] = {0};
    kpu_node *node = &d->graph->nodes[d->graph->node_count++];
    const char *begin = rest.begin;
    dfg_cut(&rest, ':', &id);
    if (!rest.begin)
        return dfg_complain(d, begin, "expected NODE id : |name|operator|depth|...");
    int code = dfg_int(d, id, "the id of a node", &node->id);
    if (code == KPU_OK && node->id > NODE_ID_MAX)
        code = dfg_complain(d, id.begin, "an id above %lld", (long long)NODE_ID_MAX);
    if (code == KPU_OK)
        code = take_place(d, node);
    if (code == KPU_OK)
        code = take_fields(d, rest, fields);
    if (code == KPU_OK)
        code = dfg_text(d, fields[FIELD_NAME], KPU_GRAPH_NAME_MAX, &node->name);
    if (code == KPU_OK)
        code = take_type(d, fields[FIELD_TYPE], node);
    if (code == KPU_OK)
        code = dfg_int(d, fields[FIELD_DEPTH], "the depth", &node->depth);
    if (code == KPU_OK)
        code = take_operands(d, fields[FIELD_OPERANDS], node);
    if (code == KPU_OK)
        code = take_attributes(d, fields[FIELD_ATTRIBUTES], node);
    return code == KPU_OK ? take_results(d, fields[FIELD_RESULTS], fields[FIELD_RESULT_TYPES], node)
                          : code;
}
