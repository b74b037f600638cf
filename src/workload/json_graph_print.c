/* Graphs as JSON. */
#include "workload/graph_private.h"

#include <string.h>

static void put_tensor(const kpu_tensor *tensor, kpu_text *out)
{
    kpu_text_put_json_string(out, tensor->name);
    kpu_text_put(out, ": {\"shape\": [");
    for (int d = 0; d < tensor->rank; d++) {
        kpu_text_put(out, d ? ", " : "");
        kpu_text_put_int(out, tensor->shape[d]);
    }
    kpu_text_format(out, "], \"dtype\": \"%s\"}", kpu_dtype_name(tensor->dtype));
}

static void put_ports(const kpu_graph *graph, const int32_t *ports, size_t count, kpu_text *out)
{
    kpu_text_put(out, "[");
    for (size_t i = 0; i < count; i++) {
        kpu_text_put(out, i ? ", " : "");
        kpu_text_put_json_string(out, graph->tensors[ports[i]].name);
    }
    kpu_text_put(out, "]");
}

/* Bytes of an integer as we print it ourselves; 0: there is none. */
static size_t integer_bytes(const char *text)
{
    enum { DIGITS_MAX = 18 };
    const char *digits = text + (*text == '-');
    size_t count = strspn(digits, "0123456789");
    bool plain = *digits != '0' || (count == 1 && digits == text);
    return count > 0 && count <= DIGITS_MAX && plain ? (size_t)(digits - text) + count : 0;
}

/* "[1,0]": integers, separated as we print them. */
static bool is_list(const char *text)
{
    size_t count = 0, bytes;
    do {
        if (*text++ != (count ? ',' : '['))
            return false;
        bytes = integer_bytes(text);
        text += bytes;
        count++;
    } while (bytes > 0 && *text == ',' && count < KPU_GRAPH_PORTS_MAX);
    return bytes > 0 && strcmp(text, "]") == 0;
}

/* Whether a value reads back as the same text from JSON that is no string. */
static bool is_plain(const char *value)
{
    size_t bytes = integer_bytes(value);
    return strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ||
           (bytes > 0 && value[bytes] == '\0') || is_list(value);
}

static void put_attribute(const kpu_attribute *attribute, kpu_text *out)
{
    const char *value = attribute->value;
    kpu_text_put_json_string(out, attribute->name);
    kpu_text_put(out, ": ");
    if (is_plain(value))
        kpu_text_put(out, value);
    else
        kpu_text_put_json_string(out, value);
}

static void put_node(const kpu_graph *graph, const kpu_node *node, kpu_text *out)
{
    kpu_text_put(out, "{\"name\": ");
    kpu_text_put_json_string(out, node->name);
    kpu_text_format(out,
                    ", \"type\": \"%s\", \"inputs\": ", kpu_operator_at((size_t)node->type)->name);
    put_ports(graph, node->inputs, node->input_count, out);
    kpu_text_put(out, ", \"outputs\": ");
    put_ports(graph, node->outputs, node->output_count, out);
    kpu_text_put(out, ", \"attributes\": {");
    for (size_t i = 0; i < node->attribute_count; i++) {
        kpu_text_put(out, i ? ", " : "");
        put_attribute(&node->attributes[i], out);
    }
    kpu_text_put(out, "}}");
}

void kpu_graph_print_json(const kpu_graph *graph, kpu_text *out)
{
    kpu_text_put(out, "{\"name\": ");
    kpu_text_put_json_string(out, graph->name);
    kpu_text_put(out, ",\n \"tensors\": {");
    for (size_t t = 0; t < graph->tensor_count; t++) {
        kpu_text_put(out, t ? ",\n  " : "\n  ");
        put_tensor(&graph->tensors[t], out);
    }
    kpu_text_put(out, "},\n \"operators\": [");
    for (size_t n = 0; n < graph->node_count; n++) {
        kpu_text_put(out, n ? ",\n  " : "\n  ");
        put_node(graph, &graph->nodes[n], out);
    }
    kpu_text_put(out, "]}\n");
}
