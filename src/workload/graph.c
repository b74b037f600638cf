/* Graphs: reading whatever it is, memory, the order of nodes. */
#include "workload/graph_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 1 << 16, MESSAGE_BYTES = 512 };

kpu_graph *kpu_graph_new(int format, const char *path, kpu_diag *diag)
{
    kpu_graph *graph = calloc(1, sizeof *graph);
    kpu_graph_owned *owned = calloc(1, sizeof *owned);
    if (!graph || !owned) {
        free(graph);
        free(owned);
        kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
        return NULL;
    }
    graph->owned = owned;
    owned->format = format;
    owned->path = path ? kpu_graph_copy(graph, path, strlen(path)) : NULL;
    return graph;
}

void kpu_graph_free(kpu_graph *graph)
{
    if (!graph)
        return;
    kpu_graph_owned *owned = graph->owned;
    for (kpu_graph_chunk *chunk = owned->chunks; chunk;) {
        kpu_graph_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    free(owned->extras);
    free(owned->needs_memory);
    free(owned->views);
    free(owned);
    free(graph->nodes);
    free(graph->tensors);
    free(graph);
}

void *kpu_graph_allocate(kpu_graph *graph, size_t count, size_t bytes)
{
    kpu_graph_owned *owned = graph->owned;
    kpu_graph_chunk *chunk = owned->chunks;
    const size_t unit = sizeof(max_align_t);
    size_t need;
    if (__builtin_mul_overflow(count, bytes, &need) || need > SIZE_MAX / 2)
        return NULL;
    need = (need + unit - 1) / unit * unit;
    if (!chunk || chunk->bytes - chunk->used < need) {
        size_t size = need > CHUNK_BYTES ? need : CHUNK_BYTES;
        chunk = calloc(1, sizeof *chunk + size);
        if (!chunk)
            return NULL;
        chunk->bytes = size;
        chunk->next = owned->chunks;
        owned->chunks = chunk;
    }
    void *memory = (char *)chunk->memory + chunk->used;
    chunk->used += need;
    return memory;
}

char *kpu_graph_copy(kpu_graph *graph, const char *text, size_t bytes)
{
    char *copy = kpu_graph_allocate(graph, bytes + 1, 1);
    if (copy)
        memcpy(copy, text, bytes);
    return copy;
}

int kpu_graph_reserve_nodes(kpu_graph *graph, size_t count, kpu_diag *diag)
{
    graph->nodes = calloc(count ? count : 1, sizeof *graph->nodes);
    return graph->nodes ? KPU_OK : kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
}

int32_t kpu_graph_add_tensor(kpu_graph *graph, char *name, const kpu_tensor *type)
{
    kpu_graph_owned *owned = graph->owned;
    if (graph->tensor_count >= KPU_GRAPH_TENSORS_MAX)
        return -1;
    if (graph->tensor_count == owned->tensor_capacity) {
        size_t capacity = owned->tensor_capacity ? 2 * owned->tensor_capacity : 16;
        kpu_tensor *tensors = realloc(graph->tensors, capacity * sizeof *tensors);
        if (!tensors)
            return -1;
        graph->tensors = tensors;
        owned->tensor_capacity = capacity;
    }
    kpu_tensor *tensor = &graph->tensors[graph->tensor_count];
    *tensor = *type;
    tensor->name = name;
    tensor->producer = -1;
    tensor->is_constant = tensor->is_result = false;
    return (int32_t)graph->tensor_count++;
}

int kpu_graph_complain(const kpu_graph *graph, const kpu_node *node, kpu_diag *diag,
                       const char *format, ...)
{
    const kpu_graph_owned *owned = graph->owned;
    char message[MESSAGE_BYTES], path[40] = "";
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    if (owned->format == KPU_GRAPH_JSON)
        snprintf(path, sizeof path, "operators[%lld]: ", (long long)node->id);
    const char *type = kpu_operator_at((size_t)node->type)->name;
    bool named = strcmp(type, node->name) != 0;
    return kpu_diag_add_at(diag, KPU_E_INPUT, &node->place, "%s%s%s%s: %s", path, type,
                           named ? " " : "", named ? node->name : "", message);
}

/* ---- Reading ------------------------------------------------------------------------------ */

static bool is_json(const kpu_graph_source *source)
{
    const char *text = source->text + strspn(source->text, " \t\r\n");
    size_t length = source->path ? strlen(source->path) : 0;
    return *text == '{' || *text == '[' ||
           (length > 5 && strcmp(source->path + length - 5, ".json") == 0);
}

int kpu_graph_parse(const kpu_graph_source *source, kpu_graph **out, kpu_diag *diag)
{
    int code = is_json(source) ? kpu_json_graph_parse(source, out, diag)
                               : kpu_dfg_parse(source, out, diag);
    if (code == KPU_OK)
        code = kpu_graph_verify(*out, diag);
    if (code != KPU_OK) {
        kpu_graph_free(*out);
        *out = NULL;
    }
    return code;
}

int kpu_graph_read(const char *path, kpu_graph **out, kpu_diag *diag)
{
    kpu_graph_source source = {.path = path};
    char *text = NULL;
    *out = NULL;
    int code = kpu_text_read(path, &text, &source.bytes, diag);
    if (code != KPU_OK)
        return code;
    source.text = text;
    code = kpu_graph_parse(&source, out, diag);
    free(text);
    return code;
}
