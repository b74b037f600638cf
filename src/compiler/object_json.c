/* The JSON form, written: one line a loop, allocation and operation. */
#include "compiler/object_json.h"

#include <string.h>

#include "compiler/dfx_private.h"

const uint8_t kpu_object_tile_dims[KPU_OPERANDS][2] = {
    [KPU_A] = {KPU_M, KPU_K}, [KPU_B] = {KPU_K, KPU_N}, [KPU_C] = {KPU_M, KPU_N}};

void kpu_object_long_type(int dtype, char out[16])
{
    static const char *const others[KPU_DTYPES] = {
#define KPU_X(name, text, others, bytes, floating) others,
        KPU_DTYPE_LIST(KPU_X)
#undef KPU_X
    };
    const char *name = dtype == KPU_BOOL ? kpu_dtype_name(dtype) : others[dtype];
    size_t length = strcspn(name, " ");
    memcpy(out, name, length < 15 ? length : 15);
    out[length < 15 ? length : 15] = '\0';
}

static const kpu_dfx_loop *tile_loop(const kpu_dfx_kernel *kernel, int dim)
{
    for (int l = KPU_BLOCK_LOOPS; l < KPU_NEST; l++)
        if (kernel->loops[l].dim == dim)
            return &kernel->loops[l];
    return NULL;
}

const char *kpu_object_tile_var(const kpu_dfx_kernel *kernel, int dim)
{
    const kpu_dfx_loop *loop = tile_loop(kernel, dim);
    return loop ? loop->var : "";
}

int64_t kpu_object_tile_step(const kpu_dfx_kernel *kernel, int dim)
{
    const kpu_dfx_loop *loop = tile_loop(kernel, dim);
    return loop ? loop->step : 0;
}

int kpu_object_input_level(const kpu_dfx_kernel *kernel, int operand)
{
    int level = KPU_DFX_EXTERNAL;
    for (size_t i = 0; i < kernel->operation_count; i++) {
        const kpu_dfx_operation *operation = &kernel->operations[i];
        if (operation->subtype == KPU_DFX_LOAD && operation->operand == operand)
            level = operation->dest;
    }
    return level;
}

/* ---- Values ------------------------------------------------------------------------------- */

static void put_key(kpu_text *out, const char *key, bool first)
{
    kpu_text_format(out, "%s\"%s\": ", first ? "" : ", ", key);
}

static void put_int(kpu_text *out, const char *key, int64_t value)
{
    put_key(out, key, false);
    kpu_text_put_int(out, value);
}

static void put_string(kpu_text *out, const char *key, const char *value)
{
    put_key(out, key, false);
    kpu_text_put_json_string(out, value);
}

static void put_flag(kpu_text *out, const char *key, bool value)
{
    if (value)
        kpu_text_format(out, ", \"%s\": true", key);
}

void kpu_object_json_put_value(kpu_text *out, const kpu_dfx *dfx, const object_field *field,
                               const void *record)
{
    int64_t number = 0;
    if (!kpu_object_field_is_text(field) && field->kind != OBJECT_REAL)
        number = kpu_object_field_get(field, record);
    switch (field->kind) {
    case OBJECT_STRING:
    case OBJECT_CHARS: kpu_text_put_json_string(out, kpu_object_field_text(field, record)); break;
    case OBJECT_REAL: kpu_text_put_json_number(out, kpu_object_field_real(field, record)); break;
    case OBJECT_WORD: kpu_text_put_json_string(out, field->names[number]); break;
    case OBJECT_DTYPE: kpu_text_put_json_string(out, kpu_dtype_name((int)number)); break;
    case OBJECT_TENSOR: kpu_text_put_json_string(out, dfx->tensors[number].name); break;
    case OBJECT_BOOL: kpu_text_put(out, number ? "true" : "false"); break;
    default: kpu_text_put_int(out, number); break;
    }
}

static void put_fields(kpu_text *out, const kpu_dfx *dfx, const object_record *record,
                       const void *value)
{
    for (size_t i = 0; i < record->count; i++) {
        put_key(out, record->fields[i].key, i == 0);
        kpu_object_json_put_value(out, dfx, &record->fields[i], value);
    }
}

static void put_ids(kpu_text *out, const char *key, const int32_t *ids, size_t count)
{
    put_key(out, key, false);
    kpu_text_put(out, "[");
    for (size_t i = 0; i < count; i++)
        kpu_text_format(out, "%s%d", i > 0 ? ", " : "", (int)ids[i]);
    kpu_text_put(out, "]");
}

/* ---- Operations --------------------------------------------------------------------------- */

typedef struct printer {
    const kpu_dfx *dfx;
    const kpu_dfx_kernel *kernel;
    kpu_text *out;
} printer;

/* {"tensor": "A", "level": "L3", "tile": ["m", "k"]} */
static void put_place(const printer *p, int operand, int level)
{
    const uint8_t *dims = kpu_object_tile_dims[operand];
    kpu_text_put(p->out, "{");
    put_key(p->out, "tensor", true);
    kpu_text_put_json_string(p->out, p->dfx->tensors[p->kernel->tensor[operand]].name);
    put_string(p->out, "level", kpu_dfx_level_names[level]);
    kpu_text_put(p->out, ", \"tile\": [");
    kpu_text_put_json_string(p->out, kpu_object_tile_var(p->kernel, dims[0]));
    kpu_text_put(p->out, ", ");
    kpu_text_put_json_string(p->out, kpu_object_tile_var(p->kernel, dims[1]));
    kpu_text_put(p->out, "]}");
}

static void put_move(const printer *p, const kpu_dfx_operation *operation)
{
    const uint8_t *dims = kpu_object_tile_dims[operation->operand];
    put_string(p->out, "operand", kpu_dfx_operand_names[operation->operand]);
    put_key(p->out, "source", false);
    put_place(p, operation->operand, operation->source);
    put_key(p->out, "dest", false);
    put_place(p, operation->operand, operation->dest);
    kpu_text_put(p->out, ", \"shape\": [");
    kpu_text_put_int(p->out, kpu_object_tile_step(p->kernel, dims[0]));
    kpu_text_put(p->out, ", ");
    kpu_text_put_int(p->out, kpu_object_tile_step(p->kernel, dims[1]));
    kpu_text_put(p->out, "]");
    put_int(p->out, "hoist", operation->hoist);
    put_flag(p->out, "unless_fresh", operation->unless_fresh);
    put_flag(p->out, "transpose", operation->transpose);
    put_flag(p->out, "broadcast", operation->broadcast);
}

static void put_compute(const printer *p, const kpu_dfx_operation *operation)
{
    kpu_text_put(p->out, ", \"inputs\": [");
    put_place(p, KPU_A, kpu_object_input_level(p->kernel, KPU_A));
    kpu_text_put(p->out, ", ");
    put_place(p, KPU_B, kpu_object_input_level(p->kernel, KPU_B));
    kpu_text_put(p->out, "], \"output\": ");
    put_place(p, operation->operand, operation->dest);
    kpu_text_format(p->out, ", \"accumulate\": %s", operation->accumulate ? "true" : "false");
}

static void put_barrier(const printer *p, const kpu_dfx_operation *operation)
{
    put_string(p->out, "label", p->kernel->name);
    put_ids(p->out, "wait_for", operation->depends_on, operation->depends_count);
}

static void put_operation(const printer *p, const kpu_dfx_operation *operation)
{
    static void (*const puts[KPU_DFX_TYPES])(const printer *, const kpu_dfx_operation *) = {
        [KPU_DFX_DATA_MOVE] = put_move,
        [KPU_DFX_COMPUTE] = put_compute,
        [KPU_DFX_BARRIER] = put_barrier,
    };
    kpu_text_format(p->out, "    {\"op_id\": %d", (int)operation->id);
    put_string(p->out, "type", kpu_dfx_type_names[operation->type]);
    if (operation->type != KPU_DFX_BARRIER)
        put_string(p->out, "subtype", kpu_dfx_subtype_names[operation->subtype]);
    put_string(p->out, "when", kpu_dfx_when_names[operation->when]);
    puts[operation->type](p, operation);
    if (operation->type != KPU_DFX_BARRIER)
        put_ids(p->out, "depends_on", operation->depends_on, operation->depends_count);
    put_int(p->out, "produces", operation->produces);
    kpu_text_put(p->out, "}");
}

/* ---- Kernels ------------------------------------------------------------------------------ */

static void put_tiles(const printer *p)
{
    static const char *const keys[] = {[KPU_M] = "Ti", [KPU_N] = "Tj", [KPU_K] = "Tk"};
    for (int d = 0; d < KPU_DIMS; d++)
        put_int(p->out, keys[d], kpu_object_tile_step(p->kernel, d));
}

/* What follows from loops and operands stands where the published form has it. */
static void put_metadata(const printer *p)
{
    char type[16];
    kpu_object_long_type(p->kernel->dtype[KPU_A], type);
    kpu_text_put(p->out, "   \"metadata\": {");
    for (size_t i = 0; i < kpu_object_metadata.count; i++) {
        const object_field *field = &kpu_object_metadata.fields[i];
        put_key(p->out, field->key, i == 0);
        kpu_object_json_put_value(p->out, p->dfx, field, p->kernel);
        if (field->offset == offsetof(kpu_dfx_kernel, dim[KPU_K]))
            put_tiles(p);
        if (field->offset == offsetof(kpu_dfx_kernel, dataflow))
            put_string(p->out, "element_type", type);
    }
    kpu_text_put(p->out, "}");
}

static void put_operands(const printer *p)
{
    kpu_text_put(p->out, ",\n   \"operands\": {");
    for (int x = 0; x < KPU_OPERANDS; x++) {
        kpu_text_format(p->out, "%s\n    \"%s\": {", x > 0 ? "," : "", kpu_dfx_operand_names[x]);
        put_fields(p->out, p->dfx, &kpu_object_operands[x], p->kernel);
        kpu_text_put(p->out, "}");
    }
    kpu_text_put(p->out, "}");
}

static void put_loops(const printer *p)
{
    kpu_text_put(p->out, ",\n   \"loops\": [");
    for (int l = 0; l < KPU_NEST; l++) {
        kpu_text_put(p->out, l > 0 ? ",\n    {" : "\n    {");
        put_fields(p->out, p->dfx, &kpu_object_loop, &p->kernel->loops[l]);
        put_int(p->out, "iteration_order", l);
        kpu_text_put(p->out, "}");
    }
    kpu_text_put(p->out, "]");
}

static void put_allocations(const printer *p)
{
    kpu_text_put(p->out, ",\n   \"allocations\": [");
    for (size_t i = 0; i < p->kernel->allocation_count; i++) {
        const kpu_dfx_allocation *allocation = &p->kernel->allocations[i];
        int32_t tensor = p->kernel->tensor[allocation->operand];
        kpu_text_put(p->out, i > 0 ? ",\n    {" : "\n    {");
        put_key(p->out, "tensor_name", true);
        kpu_text_put_json_string(p->out, p->dfx->tensors[tensor].name);
        kpu_text_put(p->out, ", ");
        put_fields(p->out, p->dfx, &kpu_object_allocation, allocation);
        kpu_text_put(p->out, "}");
    }
    kpu_text_put(p->out, "]");
}

static void put_kernel(const printer *p)
{
    kpu_text_put(p->out, "  {\"name\": ");
    kpu_text_put_json_string(p->out, p->kernel->name);
    put_ids(p->out, "depends_on", p->kernel->depends_on, p->kernel->depends_count);
    kpu_text_put(p->out, ",\n");
    put_metadata(p);
    put_operands(p);
    put_loops(p);
    put_allocations(p);
    kpu_text_put(p->out, ",\n   \"operations\": [\n");
    for (size_t i = 0; i < p->kernel->operation_count; i++) {
        kpu_text_put(p->out, i > 0 ? ",\n" : "");
        put_operation(p, &p->kernel->operations[i]);
    }
    kpu_text_put(p->out, "],\n   \"hints\": {");
    put_fields(p->out, p->dfx, &kpu_object_hints, &p->kernel->hints);
    kpu_text_put(p->out, "}}");
}

static void put_tensor(const kpu_dfx *dfx, const kpu_dfx_tensor *tensor, kpu_text *out)
{
    kpu_text_put(out, "  {");
    put_fields(out, dfx, &kpu_object_tensor, tensor);
    kpu_text_put(out, ", \"shape\": [");
    for (int32_t d = 0; d < tensor->rank; d++) {
        kpu_text_put(out, d > 0 ? ", " : "");
        kpu_text_put_int(out, tensor->shape[d]);
    }
    kpu_text_put(out, "]}");
}

void kpu_object_print_json(const kpu_dfx *dfx, kpu_text *out)
{
    kpu_text_put(out, "{\"dfx_version\": \"" KPU_DFX_VERSION "\",\n \"graph_name\": ");
    kpu_text_put_json_string(out, dfx->graph_name);
    kpu_text_put(out, ",\n \"tensors\": [\n");
    for (size_t i = 0; i < dfx->tensor_count; i++) {
        kpu_text_put(out, i > 0 ? ",\n" : "");
        put_tensor(dfx, &dfx->tensors[i], out);
    }
    kpu_text_put(out, "],\n \"kernels\": [\n");
    for (size_t k = 0; k < dfx->kernel_count; k++) {
        kpu_text_put(out, k > 0 ? ",\n" : "");
        put_kernel(&(printer){.dfx = dfx, .kernel = &dfx->kernels[k], .out = out});
    }
    kpu_text_put(out, "]}\n");
}
