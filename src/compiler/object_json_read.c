/* The JSON form, read. */
#include "compiler/object_json.h"

#include "compiler/dfx_flat_read.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
enum { KEYS_MAX = 24 };

static int out_of_memory(const json_node *node)
{
    return kpu_diag_add(node->diag, KPU_E_MEMORY, "out of memory");
}

int kpu_object_json_check_keys(const json_node *object, const object_keys *keys)
{
    const char *names[KEYS_MAX];
    size_t count = 0;
    for (size_t i = 0; keys->record && i < keys->record->count; i++)
        names[count++] = keys->record->fields[i].key;
    for (size_t i = 0; i < keys->count; i++)
        names[count++] = keys->others[i];
    return json_node_check_keys(object, names, count);
}

int kpu_object_json_expect_int(const json_node *object, const char *key, int64_t value)
{
    json_node node;
    int64_t got;
    if (!json_node_find(object, key, &node))
        return KPU_OK;
    int status = json_node_int(&node, INT64_MIN, INT64_MAX, &got);
    if (status || got == value)
        return status;
    return json_node_complain(&node, "%lld, but all else says %lld", (long long)got,
                              (long long)value);
}

int kpu_object_json_expect_text(const json_node *object, const char *key, const char *text)
{
    json_node node;
    const char *got;
    if (!json_node_find(object, key, &node))
        return KPU_OK;
    int status = json_node_string(&node, &got);
    if (status || strcmp(got, text) == 0)
        return status;
    return json_node_complain(&node, "\"%.64s\", but all else says \"%.64s\"", got, text);
}

/* ---- Fields ------------------------------------------------------------------------------- */

static int get_text(const json_node *node, const object_field *field, void *out)
{
    const char *text;
    int status = json_node_string(node, &text);
    if (status)
        return status;
    size_t bytes = strlen(text);
    if (kpu_text_first_junk(text, bytes) < bytes)
        return json_node_complain(node, "a control character in a name");
    status = kpu_object_field_set_text(field, out, text, bytes);
    if (status == KPU_E_RANGE)
        return json_node_complain(node, "%zu bytes; at most %lld are allowed", bytes,
                                  (long long)field->max);
    return status ? out_of_memory(node) : KPU_OK;
}

static int get_dtype(const json_node *node, int64_t *out)
{
    const char *text;
    int status = json_node_string(node, &text);
    if (status)
        return status;
    *out = kpu_dtype_find(text);
    if (*out >= 0)
        return KPU_OK;
    const char *nearest = kpu_dtype_nearest(text);
    return json_node_complain(node, "unknown element type \"%.64s\"; %s \"%s\"", text,
                              nearest ? "did you mean" : "expected one like",
                              nearest ? nearest : kpu_dtype_name(KPU_F32));
}

static int get_tensor(const object_json_reader *reader, const json_node *node, int64_t *out)
{
    const char *name;
    int status = json_node_string(node, &name);
    if (status)
        return status;
    *out = kpu_object_names_find(&reader->tensors, name);
    if (*out < 0)
        return json_node_complain(node, "there is no tensor \"%.64s\"", name);
    return KPU_OK;
}

static int get_real(const json_node *node, double *out)
{
    int status = json_node_real(node, out);
    if (status || *out >= 0) {
        *out += 0.0; /* -0 becomes 0 */
        return status;
    }
    return json_node_complain(node, "expected a number of at least 0, got %g", *out);
}

/* A field that is neither text nor real, as its number. */
static int get_number(const object_json_reader *reader, const json_node *node,
                      const object_field *field, int64_t *out)
{
    size_t word = 0;
    bool flag = false;
    int status;
    switch (field->kind) {
    case OBJECT_WORD:
        status = json_node_word(node, field->names, (size_t)field->max + 1, &word);
        *out = (int64_t)word;
        return status;
    case OBJECT_BOOL:
        status = json_node_bool(node, &flag);
        *out = flag;
        return status;
    case OBJECT_DTYPE: return get_dtype(node, out);
    case OBJECT_TENSOR: return get_tensor(reader, node, out);
    default: return json_node_int(node, field->min, field->max, out);
    }
}

static int get_field(const object_json_reader *reader, const json_node *node,
                     const object_field *field, void *out)
{
    if (kpu_object_field_is_text(field))
        return get_text(node, field, out);
    double real = 0;
    int64_t number = 0;
    int status = field->kind == OBJECT_REAL ? get_real(node, &real)
                                            : get_number(reader, node, field, &number);
    if (status)
        return status;
    if (field->kind == OBJECT_REAL)
        kpu_object_field_set_real(field, out, real);
    else
        kpu_object_field_set(field, out, number);
    return KPU_OK;
}

int kpu_object_json_get(const object_json_reader *reader, const json_node *object,
                        const object_record *record, void *out)
{
    int status = KPU_OK;
    for (size_t i = 0; i < record->count; i++) {
        json_node node;
        int one = json_node_member(object, record->fields[i].key, &node);
        if (!one)
            one = get_field(reader, &node, &record->fields[i], out);
        status = status ? status : one;
    }
    return status;
}

/* ---- Tensors ------------------------------------------------------------------------------ */

static int read_tensor(const object_json_reader *reader, const json_node *node)
{
    static const char *const others[] = {"shape"};
    json_node shape, size;
    size_t rank = 0;
    int status = kpu_object_json_check_keys(node, &(object_keys){&kpu_object_tensor, others, 1});
    kpu_dfx_tensor *tensor = kpu_dfx_add_tensor(reader->dfx, "");
    if (!tensor)
        return out_of_memory(node);
    if (!status)
        status = kpu_object_json_get(reader, node, &kpu_object_tensor, tensor);
    if (!status)
        status = json_node_member(node, "shape", &shape);
    if (!status)
        status = json_node_array(&shape, KPU_RANK_MAX, &rank);
    tensor->rank = (int32_t)rank;
    for (size_t d = 0; d < rank && !status; d++) {
        json_node_item(&shape, d, &size);
        status = json_node_int(&size, 0, INT64_MAX, &tensor->shape[d]);
    }
    return status;
}

static int read_tensors(object_json_reader *reader, const json_node *root)
{
    json_node array, item;
    size_t count = 0;
    int status = json_node_member(root, "tensors", &array);
    if (!status)
        status = json_node_array(&array, KPU_DFX_TENSORS_MAX, &count);
    for (size_t i = 0; i < count && !status; i++) {
        json_node_item(&array, i, &item);
        status = read_tensor(reader, &item);
    }
    if (!status && kpu_object_names_of_tensors(reader->dfx, &reader->tensors))
        status = out_of_memory(root);
    return status;
}

/* ---- Kernels ------------------------------------------------------------------------------ */

static int read_metadata(const object_json_reader *reader, const json_node *kernel,
                         kpu_dfx_kernel *out)
{
    static const char *const others[] = {"Ti", "Tj", "Tk", "element_type"};
    static const char *const operands[] = {"A", "B", "C"};
    json_node metadata, all, one;
    int status = json_node_member(kernel, "metadata", &metadata);
    if (!status)
        status = kpu_object_json_check_keys(
            &metadata, &(object_keys){&kpu_object_metadata, others, COUNT(others)});
    if (!status)
        status = kpu_object_json_get(reader, &metadata, &kpu_object_metadata, out);
    if (!status)
        status = json_node_member(kernel, "operands", &all);
    if (!status)
        status = kpu_object_json_check_keys(&all, &(object_keys){NULL, operands, COUNT(operands)});
    for (int x = 0; x < KPU_OPERANDS && !status; x++) {
        const object_record *record = &kpu_object_operands[x];
        status = json_node_member(&all, operands[x], &one);
        if (!status)
            status = kpu_object_json_check_keys(&one, &(object_keys){record, NULL, 0});
        if (!status)
            status = kpu_object_json_get(reader, &one, record, out);
    }
    return status;
}

/* What is said again in `metadata`. */
static int check_metadata(const json_node *kernel, const kpu_dfx_kernel *read)
{
    static const char *const keys[] = {[KPU_M] = "Ti", [KPU_N] = "Tj", [KPU_K] = "Tk"};
    json_node metadata, node;
    int64_t type = -1;
    int status = json_node_member(kernel, "metadata", &metadata);
    for (int d = 0; d < KPU_DIMS && !status; d++)
        status = kpu_object_json_expect_int(&metadata, keys[d], kpu_object_tile_step(read, d));
    if (status || !json_node_find(&metadata, "element_type", &node))
        return status;
    status = get_dtype(&node, &type);
    if (status || type == read->dtype[KPU_A])
        return status;
    return json_node_complain(&node, "%s, but operand A has elements of %s",
                              kpu_dtype_name((int)type), kpu_dtype_name(read->dtype[KPU_A]));
}

static int read_loops(const object_json_reader *reader, const json_node *kernel,
                      kpu_dfx_kernel *out)
{
    static const char *const others[] = {"iteration_order"};
    json_node array, loop;
    size_t count = 0;
    int status = json_node_member(kernel, "loops", &array);
    if (!status)
        status = json_node_array(&array, KPU_NEST, &count);
    if (!status && count < KPU_NEST)
        return json_node_complain(&array, "%zu loops; expected %d", count, KPU_NEST);
    for (size_t l = 0; l < count && !status; l++) {
        json_node_item(&array, l, &loop);
        status = kpu_object_json_check_keys(&loop, &(object_keys){&kpu_object_loop, others, 1});
        if (!status)
            status = kpu_object_json_get(reader, &loop, &kpu_object_loop, &out->loops[l]);
        if (!status)
            status = kpu_object_json_expect_int(&loop, others[0], (int64_t)l);
    }
    return status;
}

static int read_allocations(const object_json_reader *reader, const json_node *kernel,
                            kpu_dfx_kernel *out)
{
    static const char *const others[] = {"tensor_name"};
    const object_keys keys = {&kpu_object_allocation, others, 1};
    json_node array, node;
    int status = json_node_member(kernel, "allocations", &array);
    if (!status)
        status = json_node_array(&array, COUNT(out->allocations), &out->allocation_count);
    for (size_t i = 0; i < out->allocation_count && !status; i++) {
        kpu_dfx_allocation *allocation = &out->allocations[i];
        json_node_item(&array, i, &node);
        status = kpu_object_json_check_keys(&node, &keys);
        if (!status)
            status = kpu_object_json_get(reader, &node, keys.record, allocation);
        const char *name = reader->dfx->tensors[out->tensor[allocation->operand]].name;
        if (!status)
            status = kpu_object_json_expect_text(&node, others[0], name);
    }
    return status;
}

static int read_operations(const object_json_reader *reader, const json_node *kernel,
                           kpu_dfx_kernel *out)
{
    json_node array, node;
    size_t count = 0;
    int status = json_node_member(kernel, "operations", &array);
    if (!status)
        status = json_node_array(&array, KPU_DFX_OPERATIONS_MAX, &count);
    for (size_t i = 0; i < count && !status; i++) {
        json_node_item(&array, i, &node);
        out->operation_count = i; /* an operation looks at those before it */
        status = kpu_object_json_get_operation(&node, reader->dfx, out, &out->operations[i]);
    }
    out->operation_count = count;
    return status;
}

static int read_kernel_dependencies(const json_node *kernel, size_t earlier, kpu_dfx_kernel *out)
{
    json_node array, node;
    size_t count = 0;
    int status = json_node_member(kernel, "depends_on", &array);
    if (!status)
        status = json_node_array(&array, earlier, &count);
    if (status || count == 0)
        return status;
    out->depends_on = calloc(count, sizeof *out->depends_on);
    if (!out->depends_on)
        return out_of_memory(kernel);
    out->depends_count = count;
    for (size_t i = 0; i < count && !status; i++) {
        int64_t on = 0;
        json_node_item(&array, i, &node);
        status = json_node_int(&node, 0, (int64_t)earlier - 1, &on);
        out->depends_on[i] = (int32_t)on;
    }
    return status;
}

static int read_hints(const object_json_reader *reader, const json_node *kernel,
                      kpu_dfx_kernel *out)
{
    json_node hints;
    int status = json_node_member(kernel, "hints", &hints);
    if (!status)
        status = kpu_object_json_check_keys(&hints, &(object_keys){&kpu_object_hints, NULL, 0});
    return status ? status : kpu_object_json_get(reader, &hints, &kpu_object_hints, &out->hints);
}

static int read_kernel(const object_json_reader *reader, const json_node *node)
{
    static const char *const keys[] = {"metadata", "operands",    "depends_on", "loops",
                                       "hints",    "allocations", "operations"};
    size_t earlier = reader->dfx->kernel_count;
    int status = kpu_object_json_check_keys(
        node, &(object_keys){&kpu_object_kernel_name, keys, COUNT(keys)});
    if (status)
        return status;
    kpu_dfx_kernel *kernel = kpu_dfx_add_kernel(reader->dfx, "");
    if (!kernel)
        return out_of_memory(node);
    status = kpu_object_json_get(reader, node, &kpu_object_kernel_name, kernel);
    if (!status)
        status = read_kernel_dependencies(node, earlier, kernel);
    if (!status)
        status = read_metadata(reader, node, kernel);
    if (!status)
        status = read_loops(reader, node, kernel);
    if (!status)
        status = check_metadata(node, kernel);
    if (!status)
        status = read_allocations(reader, node, kernel);
    if (!status)
        status = read_operations(reader, node, kernel);
    return status ? status : read_hints(reader, node, kernel);
}

static int read_kernels(const object_json_reader *reader, const json_node *root)
{
    json_node array, item;
    size_t count = 0;
    int status = json_node_member(root, "kernels", &array);
    if (!status)
        status = json_node_array(&array, KPU_DFX_KERNELS_MAX, &count);
    for (size_t k = 0; k < count && !status; k++) {
        json_node_item(&array, k, &item);
        status = read_kernel(reader, &item);
    }
    return status;
}

/* ---- Program ------------------------------------------------------------------------------ */

static int check_version(const json_node *root)
{
    json_node node;
    const char *version;
    int status = json_node_member(root, "dfx_version", &node);
    if (!status)
        status = json_node_string(&node, &version);
    if (status || strcmp(version, KPU_DFX_VERSION) == 0)
        return status;
    return json_node_complain(&node, "version %.32s; this program reads " KPU_DFX_VERSION, version);
}

static int read_program(object_json_reader *reader, const json_node *root)
{
    static const char *const keys[] = {"dfx_version", "graph_name", "tensors", "kernels"};
    json_node node;
    const char *name;
    int status = json_node_object(root);
    if (!status)
        status = check_version(root);
    if (!status)
        status = json_node_check_keys(root, keys, COUNT(keys));
    if (!status)
        status = json_node_member(root, "graph_name", &node);
    if (!status)
        status = json_node_string(&node, &name);
    if (status)
        return status;
    reader->dfx = kpu_dfx_new(name);
    if (!reader->dfx)
        return out_of_memory(root);
    if (kpu_text_first_junk(name, strlen(name)) < strlen(name))
        return json_node_complain(&node, "a control character in a name");
    status = read_tensors(reader, root);
    return status ? status : read_kernels(reader, root);
}

int kpu_object_parse_json(const char *path, const char *text, size_t bytes, kpu_dfx **out,
                          kpu_diag *diag)
{
    json_node root;
    int status = json_node_parse(path, text, bytes, &root, diag);
    if (status)
        return status;
    object_json_reader reader = {0};
    if (kpu_dfx_is_flat(&root))
        status = kpu_dfx_read_flat(&root, &reader.dfx);
    else
        status = read_program(&reader, &root);
    json_node_free(&root);
    kpu_object_names_fini(&reader.tensors);
    if (status)
        kpu_dfx_free(reader.dfx);
    else
        *out = reader.dfx;
    return status;
}
