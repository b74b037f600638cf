/* Graphs and single operators as JSON. */
#include "base/json.h"
#include "workload/graph_private.h"

#include <stdlib.h>
#include <string.h>

enum { NUMBER_BYTES = 32 };

typedef struct reader {
    kpu_graph *graph;
    kpu_name_index tensors;
    kpu_diag *diag;
    int code, complaints;
} reader;

static void note(reader *r, int code)
{
    r->code = r->code == KPU_OK ? code : r->code;
    r->complaints += code != KPU_OK;
}

static int out_of_memory(const reader *r)
{
    return kpu_diag_add(r->diag, KPU_E_MEMORY, "out of memory");
}

/* A string that is kept: a name (not empty), or the value of an attribute. */
static int take_text(const reader *r, const json_node *node, size_t max_bytes, char **out)
{
    const char *text;
    int code = json_node_string(node, &text);
    if (code != KPU_OK)
        return code;
    const char *fault = kpu_graph_name_fault(text, max_bytes);
    if (fault)
        return json_node_complain(node, "'%.32s' %s", text, fault);
    if (*text == '\0' && max_bytes == KPU_GRAPH_NAME_MAX)
        return json_node_complain(node, "an empty name");
    *out = kpu_graph_copy(r->graph, text, strlen(text));
    return *out ? KPU_OK : out_of_memory(r);
}

/* ---- Tensors ------------------------------------------------------------------------------ */

static int take_dtype(const json_node *object, int *out)
{
    json_node node;
    const char *name;
    int code = json_node_member(object, "dtype", &node);
    if (code == KPU_OK)
        code = json_node_string(&node, &name);
    if (code != KPU_OK)
        return code;
    *out = kpu_dtype_find(name);
    if (*out >= 0)
        return KPU_OK;
    const char *nearest = kpu_dtype_nearest(name);
    return json_node_complain(&node, "unknown element type '%.32s'; %s '%s'%s", name,
                              nearest ? "did you mean" : "expected one such as",
                              nearest ? nearest : "float32", nearest ? "?" : "");
}

static int take_shape(const json_node *object, kpu_tensor *out)
{
    json_node shape, item;
    size_t rank = 0;
    int code = json_node_member(object, "shape", &shape);
    if (code == KPU_OK)
        code = json_node_array(&shape, KPU_RANK_MAX, &rank);
    if (code != KPU_OK)
        return code;
    for (size_t d = 0; d < rank && code == KPU_OK; d++) {
        json_node_item(&shape, d, &item);
        code = json_node_int(&item, 1, KPU_WORKLOAD_DIM_MAX, &out->shape[d]);
    }
    out->rank = (int)rank;
    const char *fault = code == KPU_OK ? kpu_graph_shape_fault(out) : NULL;
    return fault ? json_node_complain(&shape, "%s", fault) : code;
}

static int take_tensor(reader *r, const json_node *node, const char *name)
{
    static const char *const keys[] = {"shape", "dtype"};
    kpu_tensor type = {0};
    int code = json_node_check_keys(node, keys, sizeof keys / sizeof *keys);
    const char *fault = kpu_graph_name_fault(name, KPU_GRAPH_NAME_MAX);
    if (code == KPU_OK && (fault || *name == '\0'))
        code = json_node_complain(node, "the name of a tensor %s", fault ? fault : "is empty");
    if (code == KPU_OK)
        code = take_dtype(node, &type.dtype);
    if (code == KPU_OK)
        code = take_shape(node, &type);
    char *copy = code == KPU_OK ? kpu_graph_copy(r->graph, name, strlen(name)) : NULL;
    if (code == KPU_OK && (!copy || kpu_graph_add_tensor(r->graph, copy, &type) < 0))
        code = out_of_memory(r);
    return code;
}

static int index_tensors(reader *r)
{
    const kpu_graph *graph = r->graph;
    int code = kpu_name_index_init(&r->tensors, graph->tensor_count, r->diag);
    if (code != KPU_OK)
        return code;
    for (size_t t = 0; t < graph->tensor_count; t++)
        r->tensors.entries[r->tensors.count++] =
            (kpu_name_index_entry){graph->tensors[t].name, (int32_t)t};
    kpu_name_index_sort(&r->tensors);
    return KPU_OK;
}

static int take_tensors(reader *r, const json_node *root)
{
    json_node tensors;
    const char *key;
    json_t *value;
    int code = json_node_member(root, "tensors", &tensors);
    if (code == KPU_OK)
        code = json_node_object(&tensors);
    if (code != KPU_OK)
        return code;
    if (json_object_size(tensors.value) > KPU_GRAPH_TENSORS_MAX)
        return json_node_complain(&tensors, "more than %d tensors", KPU_GRAPH_TENSORS_MAX);
    json_object_foreach((json_t *)(uintptr_t)tensors.value, key, value)
    {
        json_node node;
        if (r->complaints < KPU_GRAPH_COMPLAINTS_MAX && json_node_find(&tensors, key, &node))
            note(r, take_tensor(r, &node, key));
    }
    return index_tensors(r);
}

/* ---- Operators ---------------------------------------------------------------------------- */

static int take_type(const json_node *object, const char *key, int *out)
{
    json_node node;
    const char *name;
    int code = json_node_member(object, key, &node);
    if (code == KPU_OK)
        code = json_node_string(&node, &name);
    if (code != KPU_OK)
        return code;
    *out = kpu_operator_find(name);
    if (*out >= 0)
        return KPU_OK;
    const char *nearest = kpu_operator_nearest(name);
    return json_node_complain(&node, "unknown operator '%.32s'%s%s%s", name,
                              nearest ? "; did you mean '" : "; expected one such as MATMUL",
                              nearest ? nearest : "", nearest ? "'?" : "");
}

static int take_ports(const reader *r, const json_node *object, const char *key, int32_t **out,
                      size_t *count)
{
    json_node list, item;
    const char *name;
    int code = json_node_member(object, key, &list);
    if (code == KPU_OK)
        code = json_node_array(&list, KPU_GRAPH_PORTS_MAX, count);
    if (code != KPU_OK)
        return code;
    *out = kpu_graph_allocate(r->graph, *count, sizeof **out);
    if (!*out)
        return out_of_memory(r);
    for (size_t i = 0; i < *count; i++) {
        json_node_item(&list, i, &item);
        if (json_node_string(&item, &name) != KPU_OK)
            return KPU_E_INPUT;
        (*out)[i] = kpu_name_index_find(&r->tensors, name);
        if ((*out)[i] >= 0)
            continue;
        const char *nearest = kpu_name_index_nearest(&r->tensors, name);
        return json_node_complain(&item, "no tensor '%.64s' in \"tensors\"%s%s%s", name,
                                  nearest ? "; did you mean '" : "", nearest ? nearest : "",
                                  nearest ? "'?" : "");
    }
    return KPU_OK;
}

/* A list of scalars as "[1,1]". */
static int list_text(const reader *r, const json_node *node, size_t count, kpu_text *text)
{
    int code = KPU_OK;
    kpu_text_put(text, "[");
    for (size_t i = 0; i < count && code == KPU_OK; i++) {
        json_node item;
        double number = 0;
        json_node_item(node, i, &item);
        kpu_text_put(text, i ? "," : "");
        if (json_is_integer(item.value))
            kpu_text_put_int(text, json_integer_value(item.value));
        else if ((code = json_node_real(&item, &number)) == KPU_OK)
            kpu_text_put_double(text, number);
    }
    kpu_text_put(text, "]");
    return text->failed ? out_of_memory(r) : code;
}

static int take_value(const reader *r, const json_node *node, char **out)
{
    kpu_text text = {0};
    size_t count;
    int code = KPU_OK;
    if (json_is_string(node->value))
        return take_text(r, node, KPU_GRAPH_VALUE_MAX, out);
    if (json_is_boolean(node->value))
        kpu_text_put(&text, json_is_true(node->value) ? "true" : "false");
    else if (json_is_integer(node->value))
        kpu_text_put_int(&text, json_integer_value(node->value));
    else if (json_is_real(node->value))
        kpu_text_put_double(&text, json_number_value(node->value));
    else if (json_is_array(node->value))
        code = (code = json_node_array(node, KPU_GRAPH_PORTS_MAX, &count)) == KPU_OK
                   ? list_text(r, node, count, &text)
                   : code;
    else
        code = json_node_complain(node,
                                  "expected a string, a number, a boolean or a list of "
                                  "numbers, got %s",
                                  json_node_type_text(node->value));
    *out = code == KPU_OK && text.data ? kpu_graph_copy(r->graph, text.data, text.length) : NULL;
    kpu_text_fini(&text);
    return code == KPU_OK && !*out ? out_of_memory(r) : code;
}

static int take_attribute(const reader *r, const json_node *value, kpu_attribute *out)
{
    const char *fault = kpu_graph_name_fault(value->key, KPU_GRAPH_NAME_MAX);
    if (fault || value->key[0] == '\0')
        return json_node_complain(value, "the name of an attribute %s", fault ? fault : "is empty");
    out->name = kpu_graph_copy(r->graph, value->key, strlen(value->key));
    return out->name ? take_value(r, value, &out->value) : out_of_memory(r);
}

static int take_attributes(const reader *r, const json_node *object, kpu_node *out)
{
    json_node attributes, node;
    const char *key;
    json_t *value;
    if (!json_node_find(object, "attributes", &attributes))
        return KPU_OK;
    int code = json_node_object(&attributes);
    if (code != KPU_OK)
        return code;
    size_t count = json_object_size(attributes.value);
    if (count > KPU_GRAPH_ATTRIBUTES_MAX)
        return json_node_complain(&attributes, "more than %d attributes", KPU_GRAPH_ATTRIBUTES_MAX);
    out->attributes = kpu_graph_allocate(r->graph, count, sizeof *out->attributes);
    if (!out->attributes)
        return out_of_memory(r);
    json_object_foreach((json_t *)(uintptr_t)attributes.value, key, value)
    {
        if (code == KPU_OK && json_node_find(&attributes, key, &node))
            code = take_attribute(r, &node, &out->attributes[out->attribute_count++]);
    }
    return code;
}

static int take_operator(reader *r, const json_node *object, kpu_node *out)
{
    static const char *const keys[] = {"name", "type", "inputs", "outputs", "attributes"};
    json_node name;
    int code = json_node_check_keys(object, keys, sizeof keys / sizeof *keys);
    if (code == KPU_OK)
        code = json_node_member(object, "name", &name);
    if (code == KPU_OK)
        code = take_text(r, &name, KPU_GRAPH_NAME_MAX, &out->name);
    if (code == KPU_OK)
        code = take_type(object, "type", &out->type);
    if (code == KPU_OK)
        code = take_ports(r, object, "inputs", &out->inputs, &out->input_count);
    if (code == KPU_OK)
        code = take_ports(r, object, "outputs", &out->outputs, &out->output_count);
    return code == KPU_OK ? take_attributes(r, object, out) : code;
}

static int check_node_names(const reader *r, const json_node *operators)
{
    const kpu_graph *graph = r->graph;
    kpu_name_index index;
    int code = kpu_name_index_init(&index, graph->node_count, r->diag);
    if (code != KPU_OK)
        return code;
    for (size_t n = 0; n < graph->node_count; n++)
        index.entries[index.count++] = (kpu_name_index_entry){graph->nodes[n].name, (int32_t)n};
    kpu_name_index_sort(&index);
    for (size_t i = 1; i < index.count && code == KPU_OK; i++) {
        const kpu_name_index_entry *before = &index.entries[i - 1], *entry = &index.entries[i];
        json_node node;
        json_node_item(operators, (size_t)entry->number, &node);
        if (strcmp(before->name, entry->name) == 0)
            code = json_node_complain(&node, "the name '%.64s' is that of operators[%d] already",
                                      entry->name, (int)before->number);
    }
    kpu_name_index_fini(&index);
    return code;
}

static int take_operators(reader *r, const json_node *root)
{
    json_node operators, item;
    size_t count;
    int code = json_node_member(root, "operators", &operators);
    if (code == KPU_OK)
        code = json_node_array(&operators, KPU_GRAPH_NODES_MAX, &count);
    if (code == KPU_OK)
        code = kpu_graph_reserve_nodes(r->graph, count, r->diag);
    if (code != KPU_OK)
        return code;
    const kpu_graph_owned *owned = r->graph->owned;
    for (size_t n = 0; n < count && r->complaints < KPU_GRAPH_COMPLAINTS_MAX; n++) {
        kpu_node *node = &r->graph->nodes[r->graph->node_count++];
        node->id = (int64_t)n;
        node->place.file = owned->path;
        json_node_item(&operators, n, &item);
        note(r, take_operator(r, &item, node));
    }
    return r->code == KPU_OK ? check_node_names(r, &operators) : r->code;
}

static void take_graph(reader *r, const json_node *root)
{
    static const char *const keys[] = {"name", "tensors", "operators"};
    json_node name;
    note(r, json_node_check_keys(root, keys, sizeof keys / sizeof *keys));
    if (r->code != KPU_OK)
        return;
    int code = json_node_member(root, "name", &name);
    note(r, code == KPU_OK ? take_text(r, &name, KPU_GRAPH_NAME_MAX, &r->graph->name) : code);
    code = take_tensors(r, root);
    note(r, code);
    if (r->code == KPU_OK)
        note(r, take_operators(r, root));
}

/* ---- One operator ------------------------------------------------------------------------- */

static const char *const operand_keys[KPU_OPERANDS] = {"A", "B", "C"};

/* Named like its file, without folder and .json. */
static char *name_of_file(kpu_graph *graph)
{
    const kpu_graph_owned *owned = graph->owned;
    const char *path = owned->path ? owned->path : "operator";
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t length = strlen(name);
    if (length > 5 && strcmp(name + length - 5, ".json") == 0)
        length -= 5;
    if (length > KPU_GRAPH_NAME_MAX)
        length = KPU_GRAPH_NAME_MAX;
    return kpu_graph_copy(graph, name, length);
}

static int take_one_node(reader *r, const json_node *root)
{
    kpu_graph *graph = r->graph;
    const kpu_graph_owned *owned = graph->owned;
    int code = kpu_graph_reserve_nodes(graph, 1, r->diag);
    if (code != KPU_OK)
        return code;
    kpu_node *node = &graph->nodes[graph->node_count++];
    int32_t *ports = kpu_graph_allocate(graph, KPU_OPERANDS, sizeof *ports);
    if (!ports)
        return out_of_memory(r);
    for (int32_t x = 0; x < KPU_OPERANDS; x++)
        ports[x] = x;
    node->place.file = owned->path;
    node->inputs = ports;
    node->input_count = KPU_C;
    node->outputs = ports + KPU_C;
    node->output_count = 1;
    code = take_type(root, "op", &node->type);
    if (code == KPU_OK) {
        const char *name = kpu_operator_at((size_t)node->type)->name;
        node->name = kpu_graph_copy(graph, name, strlen(name));
        code = node->name ? take_attributes(r, root, node) : out_of_memory(r);
    }
    return code;
}

static void take_one_operator(reader *r, const json_node *root)
{
    static const char *const keys[] = {"op", "A", "B", "C", "name", "attributes"};
    json_node node;
    kpu_graph_owned *owned = r->graph->owned;
    owned->format = KPU_GRAPH_ONE_OPERATOR;
    note(r, json_node_check_keys(root, keys, sizeof keys / sizeof *keys));
    if (r->code != KPU_OK)
        return;
    if (json_node_find(root, "name", &node))
        note(r, take_text(r, &node, KPU_GRAPH_NAME_MAX, &r->graph->name));
    else if (!(r->graph->name = name_of_file(r->graph)))
        note(r, out_of_memory(r));
    for (int x = 0; x < KPU_OPERANDS; x++) {
        int code = json_node_member(root, operand_keys[x], &node);
        note(r, code == KPU_OK ? take_tensor(r, &node, operand_keys[x]) : code);
    }
    note(r, take_one_node(r, root));
}

int kpu_json_graph_parse(const kpu_graph_source *source, kpu_graph **out, kpu_diag *diag)
{
    json_node root, op;
    *out = NULL;
    int code = json_node_parse(source->path, source->text, source->bytes, &root, diag);
    if (code != KPU_OK)
        return code;
    reader r = {.graph = kpu_graph_new(KPU_GRAPH_JSON, source->path, diag), .diag = diag};
    if (!r.graph)
        r.code = KPU_E_MEMORY;
    else if (json_node_object(&root) != KPU_OK)
        r.code = KPU_E_INPUT;
    else if (json_node_find(&root, "op", &op))
        take_one_operator(&r, &root);
    else
        take_graph(&r, &root);
    kpu_name_index_fini(&r.tensors);
    json_node_free(&root);
    *out = r.graph;
    return r.code;
}
