/* The table of operators, and what their files share. */
#include "workload/operator.h"

#include <string.h>
#include <strings.h>

static const kpu_operator *const operators[] = {
#define KPU_X(name) &kpu_operator_##name,
#include "operators.def"
#undef KPU_X
};

size_t kpu_operator_count(void)
{
    return sizeof operators / sizeof *operators;
}

const kpu_operator *kpu_operator_at(size_t index)
{
    return operators[index];
}

int kpu_operator_find(const char *name)
{
    for (size_t i = 0; i < kpu_operator_count(); i++) {
        if (strcasecmp(operators[i]->name, name) == 0)
            return (int)i;
    }
    return -1;
}

const char *kpu_operator_nearest(const char *name)
{
    const char *names[sizeof operators / sizeof *operators];
    for (size_t i = 0; i < kpu_operator_count(); i++)
        names[i] = operators[i]->name;
    return kpu_nearest_name(name, names, kpu_operator_count());
}

const char *kpu_node_attribute(const kpu_node *node, const char *name)
{
    for (size_t i = 0; i < node->attribute_count; i++) {
        if (strcmp(node->attributes[i].name, name) == 0)
            return node->attributes[i].value;
    }
    return NULL;
}

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

typedef struct known_names {
    const char *const *names;
    size_t count;
} known_names;

/* With the name that is near, or else with all. */
static int complain_attribute(const kpu_graph *graph, const kpu_node *node,
                              const known_names *known, const char *name, kpu_diag *diag)
{
    const char *nearest = kpu_nearest_name(name, known->names, known->count);
    if (nearest)
        return kpu_graph_complain(graph, node, diag,
                                  "unknown attribute '%.64s'; did you mean '%s'?", name, nearest);
    kpu_text list = {0};
    for (size_t i = 0; i < known->count; i++)
        kpu_text_format(&list, "%s%s",
                        i == 0                 ? ""
                        : i + 1 < known->count ? ", "
                                               : " and ",
                        known->names[i]);
    int code = kpu_graph_complain(graph, node, diag, "unknown attribute '%.64s'; %s%s", name,
                                  list.data && !list.failed ? "known are " : "there are none",
                                  list.data && !list.failed ? list.data : "");
    kpu_text_fini(&list);
    return code;
}

int kpu_node_check_attributes(const kpu_graph *graph, const kpu_node *node,
                              const char *const *names, kpu_diag *diag)
{
    size_t count = 0;
    int code = KPU_OK;
    while (names[count])
        count++;
    for (size_t i = 0; i < node->attribute_count; i++) {
        const char *name = node->attributes[i].name;
        if (is_among(name, names, count))
            continue;
        code = complain_attribute(graph, node, &(known_names){names, count}, name, diag);
    }
    return code;
}

static int complain_truth(const kpu_graph *graph, const kpu_node *node, const char *name,
                          const char *expected, kpu_diag *diag)
{
    return kpu_graph_complain(graph, node, diag, "%s is '%.64s'; expected %s", name,
                              kpu_node_attribute(node, name), expected);
}

int kpu_node_bool(const kpu_graph *graph, const kpu_node *node, const char *name, bool *out,
                  kpu_diag *diag)
{
    const char *value = kpu_node_attribute(node, name);
    if (!value)
        return KPU_OK;
    bool yes = strcmp(value, "true") == 0;
    if (!yes && strcmp(value, "false") != 0)
        return complain_truth(graph, node, name, "true or false", diag);
    *out = yes;
    return KPU_OK;
}

int kpu_node_flag(const kpu_graph *graph, const kpu_node *node, const char *name, bool *out,
                  kpu_diag *diag)
{
    const char *value = kpu_node_attribute(node, name);
    if (!value)
        return KPU_OK;
    bool yes = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
    if (!yes && strcmp(value, "false") != 0 && strcmp(value, "0") != 0)
        return complain_truth(graph, node, name, "true or false, or 1 or 0", diag);
    *out = yes;
    return KPU_OK;
}

int kpu_operator_lower_to_nothing(const kpu_graph *graph, const kpu_node *node,
                                  kpu_matmul_list *out, kpu_diag *diag)
{
    (void)graph, (void)node, (void)out, (void)diag;
    return KPU_OK;
}

bool kpu_broadcasts(const kpu_tensor *tensor, const kpu_tensor *to)
{
    int more = to->rank - tensor->rank;
    if (more < 0)
        return false;
    for (int d = 0; d < tensor->rank; d++) {
        if (tensor->shape[d] != 1 && tensor->shape[d] != to->shape[d + more])
            return false;
    }
    return true;
}

int64_t kpu_element_count(const kpu_tensor *tensor)
{
    int64_t count = 1;
    for (int d = 0; d < tensor->rank; d++)
        count *= tensor->shape[d];
    return count;
}

int kpu_operator_complain_type(const kpu_graph *graph, const kpu_node *node, kpu_diag *diag,
                               const kpu_tensor *operand, const kpu_tensor *result)
{
    char operand_text[KPU_GRAPH_TYPE_TEXT], result_text[KPU_GRAPH_TYPE_TEXT];
    kpu_graph_type_text(operand, operand_text);
    kpu_graph_type_text(result, result_text);
    return kpu_graph_complain(graph, node, diag,
                              "'%.64s' is %s, which does not agree with the result '%.64s', %s",
                              operand->name, operand_text, result->name, result_text);
}

int kpu_operator_verify_same_type(const kpu_graph *graph, const kpu_node *node, kpu_diag *diag)
{
    const kpu_tensor *operand = &graph->tensors[node->inputs[0]];
    const kpu_tensor *result = &graph->tensors[node->outputs[0]];
    if (kpu_graph_same_type(operand, result))
        return KPU_OK;
    return kpu_operator_complain_type(graph, node, diag, operand, result);
}
