#include "compiler/object_fields.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/dfx_private.h"

#define WORD(type, key, member, words, count)                                                      \
    {                                                                                              \
        key, OBJECT_WORD, offsetof(type, member), 0, (count)-1, words                              \
    }
#define NUMBER(type, key, member, kind, most)                                                      \
    {                                                                                              \
        key, OBJECT_##kind, offsetof(type, member), 0, most, NULL                                  \
    }
#define OTHER(type, key, member, kind) NUMBER(type, key, member, kind, 0)
#define RECORD(what, fields)                                                                       \
    {                                                                                              \
        what, fields, sizeof(fields) / sizeof *(fields)                                            \
    }

static const object_field program_fields[] = {
    OTHER(kpu_dfx, "graph_name", graph_name, STRING),
};
const object_record kpu_object_program = RECORD("program", program_fields);

static const object_field tensor_fields[] = {
    OTHER(kpu_dfx_tensor, "name", name, STRING),
    OTHER(kpu_dfx_tensor, "dtype", dtype, DTYPE),
    WORD(kpu_dfx_tensor, "role", role, kpu_dfx_role_names, KPU_DFX_ROLES),
};
const object_record kpu_object_tensor = RECORD("tensor", tensor_fields);

static const object_field kernel_name_fields[] = {
    OTHER(kpu_dfx_kernel, "name", name, STRING),
};
const object_record kpu_object_kernel_name = RECORD("kernel", kernel_name_fields);

static const object_field metadata_fields[] = {
    NUMBER(kpu_dfx_kernel, "M", dim[KPU_M], INT64, INT64_MAX),
    NUMBER(kpu_dfx_kernel, "N", dim[KPU_N], INT64, INT64_MAX),
    NUMBER(kpu_dfx_kernel, "K", dim[KPU_K], INT64, INT64_MAX),
    WORD(kpu_dfx_kernel, "dataflow", dataflow, kpu_dfx_dataflow_names, KPU_DATAFLOWS),
    OTHER(kpu_dfx_kernel, "partial_type", partial_dtype, DTYPE),
    WORD(kpu_dfx_kernel, "control", control, kpu_control_names, KPU_CONTROLS),
    NUMBER(kpu_dfx_kernel, "eddo_window", eddo_window, INT64, INT64_MAX),
    NUMBER(kpu_dfx_kernel, "l1_buffers", l1_buffers, INT64, INT64_MAX),
    NUMBER(kpu_dfx_kernel, "batch", batch, INT64, INT64_MAX),
};
const object_record kpu_object_metadata = RECORD("metadata", metadata_fields);

#define OPERAND_FIELDS(x)                                                                          \
    {                                                                                              \
        OTHER(kpu_dfx_kernel, "tensor", tensor[x], TENSOR),                                        \
            OTHER(kpu_dfx_kernel, "dtype", dtype[x], DTYPE),                                       \
            OTHER(kpu_dfx_kernel, "transposed", transposed[x], BOOL),                              \
            NUMBER(kpu_dfx_kernel, "batch_stride", batch_stride[x], INT64, INT64_MAX),             \
    }
static const object_field a_fields[] = OPERAND_FIELDS(KPU_A);
static const object_field b_fields[] = OPERAND_FIELDS(KPU_B);
static const object_field c_fields[] = OPERAND_FIELDS(KPU_C);
const object_record kpu_object_operands[KPU_OPERANDS] = {
    RECORD("operand A", a_fields),
    RECORD("operand B", b_fields),
    RECORD("operand C", c_fields),
};

static const object_field loop_fields[] = {
    NUMBER(kpu_dfx_loop, "induction_var", var, CHARS, KPU_DFX_VAR_MAX),
    WORD(kpu_dfx_loop, "dimension", dim, kpu_dfx_dimension_names, KPU_DIMS),
    NUMBER(kpu_dfx_loop, "start", start, INT64, INT64_MAX),
    NUMBER(kpu_dfx_loop, "end", end, INT64, INT64_MAX),
    NUMBER(kpu_dfx_loop, "step", step, INT64, INT64_MAX),
};
const object_record kpu_object_loop = RECORD("loop", loop_fields);

static const object_field allocation_fields[] = {
    WORD(kpu_dfx_allocation, "operand", operand, kpu_dfx_operand_names, KPU_OPERANDS),
    WORD(kpu_dfx_allocation, "level", level, kpu_dfx_level_names, KPU_DFX_LEVELS),
    NUMBER(kpu_dfx_allocation, "tiles", tiles, INT64, INT64_MAX),
    NUMBER(kpu_dfx_allocation, "buffers", buffers, INT64, INT64_MAX),
    NUMBER(kpu_dfx_allocation, "size_bytes", size_bytes, INT64, INT64_MAX),
    WORD(kpu_dfx_allocation, "hint", hint, kpu_dfx_hint_names, KPU_DFX_HINTS),
};
const object_record kpu_object_allocation = RECORD("allocation", allocation_fields);

static const object_field operation_fields[] = {
    NUMBER(kpu_dfx_operation, "op_id", id, INT32, INT32_MAX),
    WORD(kpu_dfx_operation, "type", type, kpu_dfx_type_names, KPU_DFX_TYPES),
    WORD(kpu_dfx_operation, "subtype", subtype, kpu_dfx_subtype_names, KPU_DFX_SUBTYPES),
    WORD(kpu_dfx_operation, "operand", operand, kpu_dfx_operand_names, KPU_OPERANDS),
    WORD(kpu_dfx_operation, "source", source, kpu_dfx_level_names, KPU_DFX_LEVELS),
    WORD(kpu_dfx_operation, "dest", dest, kpu_dfx_level_names, KPU_DFX_LEVELS),
    WORD(kpu_dfx_operation, "when", when, kpu_dfx_when_names, KPU_DFX_WHENS),
    NUMBER(kpu_dfx_operation, "hoist", hoist, BYTE, KPU_NEST),
    OTHER(kpu_dfx_operation, "unless_fresh", unless_fresh, BOOL),
    OTHER(kpu_dfx_operation, "transpose", transpose, BOOL),
    OTHER(kpu_dfx_operation, "broadcast", broadcast, BOOL),
    OTHER(kpu_dfx_operation, "accumulate", accumulate, BOOL),
    NUMBER(kpu_dfx_operation, "produces", produces, INT32, INT32_MAX),
};
const object_record kpu_object_operation = RECORD("operation", operation_fields);

#define HINT(key, member) NUMBER(kpu_dfx_kernel_hints, key, member, INT64, INT64_MAX)
static const object_field hint_fields[] = {
    HINT("estimated_dram_bytes", dram_bytes),
    HINT("estimated_l3_l2_bytes", l3_l2_bytes),
    HINT("estimated_l2_l1_bytes", l2_l1_bytes),
    HINT("estimated_compute_cycles", compute_cycles),
    HINT("parallelism_degree", parallelism_degree),
    OTHER(kpu_dfx_kernel_hints, "arithmetic_intensity", arithmetic_intensity, REAL),
    OTHER(kpu_dfx_kernel_hints, "reuse_A", reuse[KPU_A], REAL),
    OTHER(kpu_dfx_kernel_hints, "reuse_B", reuse[KPU_B], REAL),
    OTHER(kpu_dfx_kernel_hints, "reuse_C", reuse[KPU_C], REAL),
    NUMBER(kpu_dfx_kernel_hints, "machine", machine, CHARS, KPU_MACHINE_NAME_MAX),
};
const object_record kpu_object_hints = RECORD("hints", hint_fields);

/* ---- What a kind is ----------------------------------------------------------------------- */

typedef struct kind_row {
    int memory_bytes, file_bytes;
} kind_row;

enum { STRING_NUMBER_BYTES = 4 };

static const kind_row kinds[OBJECT_KINDS] = {
    [OBJECT_WORD] = {1, 1},
    [OBJECT_BYTE] = {1, 1},
    [OBJECT_BOOL] = {sizeof(bool), 1},
    [OBJECT_INT32] = {4, 4},
    [OBJECT_INT64] = {8, 8},
    [OBJECT_REAL] = {8, 8},
    [OBJECT_DTYPE] = {4, 1},
    [OBJECT_TENSOR] = {4, 4},
    [OBJECT_STRING] = {sizeof(char *), STRING_NUMBER_BYTES},
    [OBJECT_CHARS] = {1, STRING_NUMBER_BYTES},
};

bool kpu_object_field_is_text(const object_field *field)
{
    return field->kind == OBJECT_STRING || field->kind == OBJECT_CHARS;
}

int kpu_object_field_bytes(const object_field *field)
{
    return kinds[field->kind].file_bytes;
}

int64_t kpu_object_field_max(const object_field *field, size_t tensor_count)
{
    if (field->kind == OBJECT_TENSOR)
        return (int64_t)tensor_count - 1;
    if (field->kind == OBJECT_DTYPE)
        return KPU_DTYPES - 1;
    return field->kind == OBJECT_BOOL ? 1 : field->max;
}

int64_t kpu_object_field_get(const object_field *field, const void *record)
{
    const char *at = (const char *)record + field->offset;
    int32_t four;
    int64_t eight;
    switch (kinds[field->kind].memory_bytes) {
    case 1: return *(const uint8_t *)at;
    case 4: memcpy(&four, at, sizeof four); return four;
    default: memcpy(&eight, at, sizeof eight); return eight;
    }
}

void kpu_object_field_set(const object_field *field, void *record, int64_t value)
{
    char *at = (char *)record + field->offset;
    const int32_t four = (int32_t)value;
    switch (kinds[field->kind].memory_bytes) {
    case 1: *(uint8_t *)at = (uint8_t)value; break;
    case 4: memcpy(at, &four, sizeof four); break;
    default: memcpy(at, &value, sizeof value); break;
    }
}

const char *kpu_object_field_text(const object_field *field, const void *record)
{
    const char *at = (const char *)record + field->offset;
    if (field->kind == OBJECT_CHARS)
        return at;
    const char *text;
    memcpy(&text, at, sizeof text);
    return text ? text : "";
}

int kpu_object_field_set_text(const object_field *field, void *record, const char *text,
                              size_t bytes)
{
    char *at = (char *)record + field->offset;
    if (field->kind == OBJECT_CHARS) {
        if (bytes > (size_t)field->max)
            return KPU_E_RANGE;
        memcpy(at, text, bytes);
        at[bytes] = '\0';
        return KPU_OK;
    }
    char *old, *copy = strndup(text, bytes);
    if (!copy)
        return KPU_E_MEMORY;
    memcpy(&old, at, sizeof old);
    free(old);
    memcpy(at, &copy, sizeof copy);
    return KPU_OK;
}

double kpu_object_field_real(const object_field *field, const void *record)
{
    double value;
    memcpy(&value, (const char *)record + field->offset, sizeof value);
    return value;
}

void kpu_object_field_set_real(const object_field *field, void *record, double value)
{
    memcpy((char *)record + field->offset, &value, sizeof value);
}
