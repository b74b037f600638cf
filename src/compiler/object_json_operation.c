/* The JSON form's operations, read. What kernel and loops say already (tensors, tiles, shapes,
 * where a compute operation finds its inputs) may be missing, but must not say otherwise. */
#include "compiler/object_json.h"

#include <string.h>

#include "compiler/dfx_private.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct context {
    const kpu_dfx *dfx;
    const kpu_dfx_kernel *kernel;
} context;

static int get_word(const json_node *object, const char *key, const char *const *names,
                    size_t count, uint8_t *out)
{
    json_node node;
    size_t word = 0;
    int status = json_node_member(object, key, &node);
    if (!status)
        status = json_node_word(&node, names, count, &word);
    *out = (uint8_t)word;
    return status;
}

/* Flags that a published file leaves out when they are false. */
static int get_flag(const json_node *object, const char *key, bool *out)
{
    json_node node;
    return json_node_find(object, key, &node) ? json_node_bool(&node, out) : KPU_OK;
}

static int get_id(const json_node *object, const char *key, int32_t *out)
{
    json_node node;
    int64_t id = 0;
    int status = json_node_member(object, key, &node);
    if (!status)
        status = json_node_int(&node, 0, INT32_MAX, &id);
    *out = (int32_t)id;
    return status;
}

static int get_ids(const json_node *object, const char *key, kpu_dfx_operation *out)
{
    json_node array, node;
    size_t count = 0;
    int status = json_node_member(object, key, &array);
    if (!status)
        status = json_node_array(&array, KPU_DFX_DEPENDS_MAX, &count);
    for (size_t i = 0; i < count && !status; i++) {
        int64_t id = 0;
        json_node_item(&array, i, &node);
        status = json_node_int(&node, 0, INT32_MAX, &id);
        out->depends_on[i] = (int32_t)id;
    }
    out->depends_count = (uint8_t)count;
    return status;
}

/* An array of two that follows from kernel and loops; `texts` or `numbers` of them. */
typedef struct pair {
    const char *texts[2];
    int64_t numbers[2];
} pair;

static int expect_pair(const json_node *object, const char *key, const pair *expected)
{
    json_node array, node;
    size_t count;
    if (!json_node_find(object, key, &array))
        return KPU_OK;
    int status = json_node_array(&array, 2, &count);
    if (!status && count < 2)
        return json_node_complain(&array, "%zu elements; expected 2", count);
    for (size_t i = 0; i < 2 && !status; i++) {
        const char *text;
        int64_t number = 0;
        json_node_item(&array, i, &node);
        if (expected->texts[i]) {
            status = json_node_string(&node, &text);
            if (!status && strcmp(text, expected->texts[i]) != 0)
                status = json_node_complain(&node, "\"%.32s\", but the tile loop is \"%s\"", text,
                                            expected->texts[i]);
        } else {
            status = json_node_int(&node, 0, INT64_MAX, &number);
            if (!status && number != expected->numbers[i])
                status = json_node_complain(&node, "%lld, but the tile loop has step %lld",
                                            (long long)number, (long long)expected->numbers[i]);
        }
    }
    return status;
}

/* {"tensor": "A", "level": "L3", "tile": ["m", "k"]} */
static int get_place(const context *c, const json_node *place, int operand, uint8_t *level)
{
    static const char *const keys[] = {"tensor", "level", "tile"};
    const uint8_t *dims = kpu_object_tile_dims[operand];
    const pair vars = {.texts = {kpu_object_tile_var(c->kernel, dims[0]),
                                 kpu_object_tile_var(c->kernel, dims[1])}};
    int status = json_node_check_keys(place, keys, COUNT(keys));
    if (!status)
        status = kpu_object_json_expect_text(place, "tensor",
                                             c->dfx->tensors[c->kernel->tensor[operand]].name);
    if (!status)
        status = get_word(place, "level", kpu_dfx_level_names, KPU_DFX_LEVELS, level);
    return status ? status : expect_pair(place, "tile", &vars);
}

/* ---- One function a type ------------------------------------------------------------------ */

static int get_move(const context *c, const json_node *node, kpu_dfx_operation *out)
{
    json_node source, dest, hoist;
    int64_t position = 0;
    int status = get_word(node, "operand", kpu_dfx_operand_names, KPU_OPERANDS, &out->operand);
    if (!status)
        status = json_node_member(node, "source", &source);
    if (!status)
        status = get_place(c, &source, out->operand, &out->source);
    if (!status)
        status = json_node_member(node, "dest", &dest);
    if (!status)
        status = get_place(c, &dest, out->operand, &out->dest);
    if (status)
        return status;
    const uint8_t *dims = kpu_object_tile_dims[out->operand];
    const pair steps = {.numbers = {kpu_object_tile_step(c->kernel, dims[0]),
                                    kpu_object_tile_step(c->kernel, dims[1])}};
    status = expect_pair(node, "shape", &steps);
    if (!status)
        status = json_node_member(node, "hoist", &hoist);
    if (!status)
        status = json_node_int(&hoist, 0, KPU_NEST, &position);
    out->hoist = (uint8_t)position;
    if (!status)
        status = get_flag(node, "unless_fresh", &out->unless_fresh);
    if (!status)
        status = get_flag(node, "transpose", &out->transpose);
    if (!status)
        status = get_flag(node, "broadcast", &out->broadcast);
    return status ? status : get_ids(node, "depends_on", out);
}

static int check_inputs(const context *c, const json_node *node)
{
    json_node inputs, input;
    size_t count;
    if (!json_node_find(node, "inputs", &inputs))
        return KPU_OK;
    int status = json_node_array(&inputs, KPU_C, &count);
    if (!status && count < KPU_C)
        return json_node_complain(&inputs, "%zu inputs; expected A and B", count);
    for (int x = 0; x < KPU_C && !status; x++) {
        uint8_t level = 0;
        int expected = kpu_object_input_level(c->kernel, x);
        json_node_item(&inputs, (size_t)x, &input);
        status = get_place(c, &input, x, &level);
        if (!status && level != expected)
            status = json_node_complain(&input, "in %s, but the last load of %s goes to %s",
                                        kpu_dfx_level_names[level], kpu_dfx_operand_names[x],
                                        kpu_dfx_level_names[expected]);
    }
    return status;
}

static int get_compute(const context *c, const json_node *node, kpu_dfx_operation *out)
{
    json_node output, accumulate;
    out->operand = KPU_C;
    out->source = KPU_DFX_L1;
    out->hoist = KPU_NEST;
    int status = check_inputs(c, node);
    if (!status)
        status = json_node_member(node, "output", &output);
    if (!status)
        status = get_place(c, &output, KPU_C, &out->dest);
    if (!status)
        status = json_node_member(node, "accumulate", &accumulate);
    if (!status)
        status = json_node_bool(&accumulate, &out->accumulate);
    return status ? status : get_ids(node, "depends_on", out);
}

static int get_barrier(const context *c, const json_node *node, kpu_dfx_operation *out)
{
    out->operand = KPU_C;
    out->hoist = KPU_NEST;
    int status = kpu_object_json_expect_text(node, "label", c->kernel->name);
    return status ? status : get_ids(node, "wait_for", out);
}

typedef struct type_row {
    const char *const *keys; /* those that other types do not have */
    size_t count;
    bool has_subtype;
    int (*get)(const context *c, const json_node *node, kpu_dfx_operation *out);
} type_row;

static const char *const move_keys[] = {
    "op_id",  "type", "when",  "produces", "subtype",      "depends_on", "operand",
    "source", "dest", "shape", "hoist",    "unless_fresh", "transpose",  "broadcast"};
static const char *const compute_keys[] = {"op_id",      "type",   "when",   "produces",  "subtype",
                                           "depends_on", "inputs", "output", "accumulate"};
static const char *const barrier_keys[] = {"op_id",    "type",  "when",
                                           "produces", "label", "wait_for"};

static const type_row types[KPU_DFX_TYPES] = {
    [KPU_DFX_DATA_MOVE] = {move_keys, COUNT(move_keys), true, get_move},
    [KPU_DFX_COMPUTE] = {compute_keys, COUNT(compute_keys), true, get_compute},
    [KPU_DFX_BARRIER] = {barrier_keys, COUNT(barrier_keys), false, get_barrier},
};

int kpu_object_json_get_operation(const json_node *node, const kpu_dfx *dfx,
                                  const kpu_dfx_kernel *kernel, kpu_dfx_operation *out)
{
    const context c = {dfx, kernel};
    int status = get_word(node, "type", kpu_dfx_type_names, KPU_DFX_TYPES, &out->type);
    if (status)
        return status;
    const type_row *type = &types[out->type];
    status = json_node_check_keys(node, type->keys, type->count);
    if (!status)
        status = get_id(node, "op_id", &out->id);
    if (!status)
        status = get_id(node, "produces", &out->produces);
    if (!status)
        status = get_word(node, "when", kpu_dfx_when_names, KPU_DFX_WHENS, &out->when);
    if (!status && type->has_subtype)
        status = get_word(node, "subtype", kpu_dfx_subtype_names, KPU_DFX_SUBTYPES, &out->subtype);
    return status ? status : type->get(&c, node, out);
}
