/* The flat form, read: metadata, tensors, hints. */
#include "compiler/dfx_flat_read.h"

#include "mapping/nest.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

const uint8_t kpu_dfx_flat_dims[KPU_OPERANDS][2] = {
    [KPU_A] = {KPU_M, KPU_K}, [KPU_B] = {KPU_K, KPU_N}, [KPU_C] = {KPU_M, KPU_N}};

static int member_string(const json_node *object, const char *key, const char **out)
{
    json_node node;
    int status = json_node_member(object, key, &node);
    if (!status)
        status = json_node_string(&node, out);
    if (!status && kpu_text_first_junk(*out, strlen(*out)) < strlen(*out))
        status = json_node_complain(&node, "a control character in a name");
    return status;
}

static int member_dtype(const json_node *object, const char *key, int32_t *out)
{
    json_node node;
    const char *text;
    int status = json_node_member(object, key, &node);
    if (!status)
        status = json_node_string(&node, &text);
    if (status)
        return status;
    *out = kpu_dtype_find(text);
    if (*out >= 0)
        return KPU_OK;
    const char *nearest = kpu_dtype_nearest(text);
    return json_node_complain(&node, "unknown element type \"%.64s\"; %s \"%s\"", text,
                              nearest ? "did you mean" : "expected one like",
                              nearest ? nearest : kpu_dtype_name(KPU_F32));
}

/* ---- Metadata ----------------------------------------------------------------------------- */

static int read_sizes(flat_file *file, const json_node *metadata)
{
    static const char *const tile_keys[KPU_DIMS] = {[KPU_M] = "Ti", [KPU_N] = "Tj", [KPU_K] = "Tk"};
    int64_t steps = 1;
    for (int d = 0; d < KPU_DIMS; d++) {
        json_node node;
        int status = json_node_member(metadata, kpu_dfx_dimension_names[d], &node);
        if (!status)
            status = json_node_int(&node, 1, KPU_WORKLOAD_DIM_MAX, &file->problem.dim[d]);
        if (!status)
            status = json_node_member(metadata, tile_keys[d], &node);
        if (!status)
            status = json_node_int(&node, 1, file->problem.dim[d], &file->tile[d]);
        if (status)
            return status;
        file->tiles[d] = kpu_ceil_div(file->problem.dim[d], file->tile[d]);
        steps = kpu_mul_saturate(steps, file->tiles[d]);
    }
    if (steps <= KPU_DFX_FLAT_OPERATIONS_MAX)
        return KPU_OK;
    return json_node_complain(metadata,
                              "more than %d steps: there are at most that many "
                              "operations in a flat form",
                              KPU_DFX_FLAT_OPERATIONS_MAX);
}

static int read_metadata(flat_file *file, int32_t *element_type)
{
    static const char *const keys[] = {"M", "N", "K", "Ti", "Tj", "Tk", "dataflow", "element_type"};
    json_node metadata, node;
    int status = json_node_member(&file->root, "metadata", &metadata);
    if (!status)
        status = json_node_check_keys(&metadata, keys, COUNT(keys));
    if (!status)
        status = read_sizes(file, &metadata);
    if (!status)
        status = json_node_member(&metadata, "dataflow", &node);
    if (!status)
        status = json_node_word(&node, kpu_dfx_dataflow_names, KPU_DATAFLOWS, &file->dataflow);
    return status ? status : member_dtype(&metadata, "element_type", element_type);
}

/* Nothing depends on them, but the cycles of the machine that it was compiled for are kept. */
static int read_hints(flat_file *file)
{
    static const char *const keys[] = {"estimated_dram_bytes", "estimated_compute_cycles",
                                       "parallelism_degree"};
    json_node hints, node;
    if (!json_node_find(&file->root, "hints", &hints))
        return KPU_OK;
    int status = json_node_check_keys(&hints, keys, COUNT(keys));
    for (size_t i = 0; i < COUNT(keys) && !status; i++) {
        int64_t value = 0;
        if (json_node_find(&hints, keys[i], &node))
            status = json_node_int(&node, 0, INT64_MAX, &value);
        if (i == 1)
            file->compute_cycles = value;
    }
    return status;
}

/* ---- Tensors ------------------------------------------------------------------------------ */

/* The element of `tensors` with that name; complains at `place` if there is none. */
static int find_tensor(const flat_file *file, const char *name, const json_node *place,
                       json_node *tensors, json_node *out)
{
    size_t count;
    int status = json_node_member(&file->root, "tensors", tensors);
    if (!status)
        status = json_node_array(tensors, KPU_OPERANDS, &count);
    for (size_t i = 0; i < (status ? 0 : count); i++) {
        const char *other;
        json_node_item(tensors, i, out);
        status = member_string(out, "name", &other);
        if (status || strcmp(name, other) == 0)
            return status;
    }
    return status ? status : json_node_complain(place, "there is no tensor \"%.64s\"", name);
}

static int read_tensor(flat_file *file, int x, const json_node *node)
{
    static const char *const keys[] = {"name", "shape", "dtype"};
    kpu_dfx_tensor *tensor = &file->tensor[x];
    json_node shape, size;
    size_t rank = 0;
    int status = json_node_check_keys(node, keys, COUNT(keys));
    if (!status)
        status = member_dtype(node, "dtype", &tensor->dtype);
    if (!status)
        status = json_node_member(node, "shape", &shape);
    if (!status)
        status = json_node_array(&shape, KPU_RANK_MAX, &rank);
    if (!status && rank < 2)
        status = json_node_complain(&shape, "%zu dimensions; expected at least 2", rank);
    tensor->rank = (int32_t)rank;
    for (size_t d = 0; d < rank && !status; d++) {
        json_node_item(&shape, d, &size);
        status = json_node_int(&size, 1, KPU_WORKLOAD_DIM_MAX, &tensor->shape[d]);
    }
    return status;
}

static int check_types(const flat_file *file, int32_t element_type)
{
    const kpu_dfx_tensor *t = file->tensor;
    json_node metadata, node;
    json_node_find(&file->root, "metadata", &metadata);
    json_node_find(&metadata, "element_type", &node);
    if (t[KPU_A].dtype != element_type)
        return json_node_complain(&node, "%s, but tensor \"%.64s\" has %s",
                                  kpu_dtype_name(element_type), file->name[KPU_A],
                                  kpu_dtype_name(t[KPU_A].dtype));
    if (kpu_dtype_partial(t[KPU_A].dtype, t[KPU_B].dtype, t[KPU_C].dtype) < 0) {
        json_node_find(&file->root, "tensors", &node);
        return json_node_complain(&node, "%s times %s as %s is no product of ours",
                                  kpu_dtype_name(t[KPU_A].dtype), kpu_dtype_name(t[KPU_B].dtype),
                                  kpu_dtype_name(t[KPU_C].dtype));
    }
    return KPU_OK;
}

/* Which tensor is which: as the first COMPUTE operation names them. */
static int find_compute(const flat_file *file, json_node *out)
{
    for (size_t i = 0; i < file->count; i++) {
        json_node type;
        const char *text;
        json_node_item(&file->list, i, out);
        int status = json_node_member(out, "type", &type);
        if (!status)
            status = json_node_string(&type, &text);
        if (status || strcmp(text, kpu_dfx_type_names[KPU_DFX_COMPUTE]) == 0)
            return status;
    }
    return json_node_complain(&file->list, "none of them is a COMPUTE operation");
}

static int place_name(const json_node *place, const char **out)
{
    return member_string(place, "tensor", out);
}

static int read_names(flat_file *file)
{
    json_node compute, inputs, places[KPU_OPERANDS], tensors, tensor;
    size_t count;
    int status = find_compute(file, &compute);
    if (!status)
        status = json_node_member(&compute, "inputs", &inputs);
    if (!status)
        status = json_node_array(&inputs, 2, &count);
    if (!status && count < 2)
        status = json_node_complain(&inputs, "%zu elements; expected 2", count);
    if (!status)
        status = json_node_member(&compute, "output", &places[KPU_C]);
    for (int x = KPU_A; x <= KPU_B && !status; x++)
        json_node_item(&inputs, (size_t)x, &places[x]);
    for (int x = 0; x < KPU_OPERANDS && !status; x++) {
        status = place_name(&places[x], &file->name[x]);
        if (!status)
            status = find_tensor(file, file->name[x], &places[x], &tensors, &tensor);
        for (int y = 0; y < x && !status; y++)
            if (strcmp(file->name[x], file->name[y]) == 0)
                status = json_node_complain(&places[x],
                                            "\"%.64s\" is %s too: the flat form could not say "
                                            "whose loads are whose",
                                            file->name[x], kpu_dfx_operand_names[y]);
        if (!status)
            status = read_tensor(file, x, &tensor);
    }
    return status;
}

int kpu_dfx_flat_read_head(flat_file *file)
{
    static const char *const keys[] = {"dfx_version", "graph_name", "metadata",
                                       "tensors",     "operations", "hints"};
    json_node node;
    const char *version;
    int32_t element_type = 0;
    int status = json_node_check_keys(&file->root, keys, COUNT(keys));
    if (!status)
        status = member_string(&file->root, "dfx_version", &version);
    json_node_find(&file->root, "dfx_version", &node);
    if (!status && strcmp(version, KPU_DFX_VERSION) != 0)
        status = json_node_complain(&node, "version %.32s; this program reads " KPU_DFX_VERSION,
                                    version);
    if (!status)
        status = member_string(&file->root, "graph_name", &file->graph_name);
    if (!status)
        status = read_metadata(file, &element_type);
    if (!status)
        status = read_hints(file);
    if (!status)
        status = json_node_member(&file->root, "operations", &file->list);
    if (!status)
        status = json_node_array(&file->list, KPU_DFX_FLAT_OPERATIONS_MAX, &file->count);
    if (!status)
        status = read_names(file);
    return status ? status : check_types(file, element_type);
}
