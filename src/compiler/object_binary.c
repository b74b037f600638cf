/* The binary form, written. */
#include "compiler/object_binary.h"

#include <string.h>

const char kpu_object_magic[4] = {'K', 'P', 'U', '\0'};

const char *const kpu_object_section_names[OBJECT_SECTIONS] = {
#define KPU_X(name) #name,
    OBJECT_SECTION_LIST(KPU_X)
#undef KPU_X
};

typedef struct binary_writer {
    kpu_text sections[OBJECT_SECTIONS];
    uint32_t strings;
} binary_writer;

static void put_uint(kpu_text *out, uint64_t value, int bytes)
{
    char little[sizeof value];
    for (int i = 0; i < bytes; i++, value >>= 8)
        little[i] = (char)(value & 0xFF);
    kpu_text_put_bytes(out, little, (size_t)bytes);
}

static void put_count(kpu_text *out, size_t count)
{
    put_uint(out, count, sizeof(uint32_t));
}

/* A string goes to STRS, its number to where it is named. */
static void put_string(binary_writer *writer, int section, const char *string)
{
    kpu_text *strings = &writer->sections[OBJECT_STRS];
    put_count(strings, strlen(string));
    kpu_text_put(strings, string);
    put_count(&writer->sections[section], writer->strings++);
}

static void put_record(binary_writer *writer, int section, const object_record *record,
                       const void *value)
{
    kpu_text *out = &writer->sections[section];
    for (size_t i = 0; i < record->count; i++) {
        const object_field *field = &record->fields[i];
        if (kpu_object_field_is_text(field)) {
            put_string(writer, section, kpu_object_field_text(field, value));
            continue;
        }
        uint64_t bits = (uint64_t)kpu_object_field_get(field, value);
        put_uint(out, bits, kpu_object_field_bytes(field));
    }
}

static void put_tensors(binary_writer *writer, const kpu_dfx *dfx)
{
    for (size_t i = 0; i < dfx->tensor_count; i++) {
        const kpu_dfx_tensor *tensor = &dfx->tensors[i];
        put_record(writer, OBJECT_TENS, &kpu_object_tensor, tensor);
        put_count(&writer->sections[OBJECT_TENS], (size_t)tensor->rank);
        for (int32_t d = 0; d < tensor->rank; d++)
            put_uint(&writer->sections[OBJECT_TENS], (uint64_t)tensor->shape[d], sizeof(int64_t));
    }
}

static void put_kernel(binary_writer *writer, const kpu_dfx_kernel *kernel)
{
    kpu_text *out = &writer->sections[OBJECT_OPER];
    put_record(writer, OBJECT_OPER, &kpu_object_kernel_name, kernel);
    put_record(writer, OBJECT_OPER, &kpu_object_metadata, kernel);
    for (int x = 0; x < KPU_OPERANDS; x++)
        put_record(writer, OBJECT_OPER, &kpu_object_operands[x], kernel);
    for (int l = 0; l < KPU_NEST; l++)
        put_record(writer, OBJECT_OPER, &kpu_object_loop, &kernel->loops[l]);
    put_count(out, kernel->allocation_count);
    for (size_t i = 0; i < kernel->allocation_count; i++)
        put_record(writer, OBJECT_OPER, &kpu_object_allocation, &kernel->allocations[i]);
    put_count(out, kernel->operation_count);
    for (size_t i = 0; i < kernel->operation_count; i++)
        put_record(writer, OBJECT_OPER, &kpu_object_operation, &kernel->operations[i]);
}

static void put_dependencies(kpu_text *out, const int32_t *on, size_t count)
{
    put_count(out, count);
    for (size_t i = 0; i < count; i++)
        put_uint(out, (uint32_t)on[i], sizeof(int32_t));
}

static void put_sections(binary_writer *writer, const kpu_dfx *dfx)
{
    put_string(writer, OBJECT_META, KPU_DFX_VERSION);
    put_string(writer, OBJECT_META, dfx->graph_name);
    put_count(&writer->sections[OBJECT_META], dfx->tensor_count);
    put_count(&writer->sections[OBJECT_META], dfx->kernel_count);
    put_tensors(writer, dfx);
    for (size_t k = 0; k < dfx->kernel_count; k++) {
        const kpu_dfx_kernel *kernel = &dfx->kernels[k];
        kpu_text *dependencies = &writer->sections[OBJECT_DEPS];
        put_kernel(writer, kernel);
        put_dependencies(dependencies, kernel->depends_on, kernel->depends_count);
        for (size_t i = 0; i < kernel->operation_count; i++)
            put_dependencies(dependencies, kernel->operations[i].depends_on,
                             kernel->operations[i].depends_count);
    }
    for (size_t k = 0; k < dfx->kernel_count; k++)
        put_record(writer, OBJECT_HINT, &kpu_object_hints, &dfx->kernels[k].hints);
}

static void put_frame(const binary_writer *writer, kpu_text *out)
{
    size_t begin = out->length;
    size_t offset =
        OBJECT_HEADER_BYTES + OBJECT_SECTIONS * OBJECT_ENTRY_BYTES + OBJECT_CHECKSUM_BYTES;
    kpu_text_put_bytes(out, kpu_object_magic, sizeof kpu_object_magic);
    put_uint(out, KPU_OBJECT_VERSION_MAJOR, sizeof(uint16_t));
    put_uint(out, KPU_OBJECT_VERSION_MINOR, sizeof(uint16_t));
    put_uint(out, 0, sizeof(uint32_t));
    put_count(out, OBJECT_SECTIONS);
    for (int s = 0; s < OBJECT_SECTIONS; s++) {
        const kpu_text *section = &writer->sections[s];
        kpu_text_put_bytes(out, kpu_object_section_names[s], OBJECT_ID_BYTES);
        put_uint(out, 0, sizeof(uint32_t));
        put_uint(out, offset, sizeof(uint64_t));
        put_uint(out, section->length, sizeof(uint64_t));
        put_uint(out, kpu_crc32(section->data, section->length), sizeof(uint64_t));
        offset += section->length;
    }
    if (!out->failed)
        put_uint(out, kpu_crc32(out->data + begin, out->length - begin), sizeof(uint64_t));
}

void kpu_object_print_binary(const kpu_dfx *dfx, kpu_text *out)
{
    binary_writer writer = {0};
    put_sections(&writer, dfx);
    put_frame(&writer, out);
    for (int s = 0; s < OBJECT_SECTIONS; s++) {
        kpu_text_put_bytes(out, writer.sections[s].data, writer.sections[s].length);
        out->failed = out->failed || writer.sections[s].failed;
        kpu_text_fini(&writer.sections[s]);
    }
}
