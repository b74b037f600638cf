/* The binary form's sections, read. Each must be used up exactly, and strings stand in the order in
 * which records name them: so no byte of a file goes unread, and what is read prints the same. */
#include "compiler/object_binary.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHERE_BYTES = 96, NO_KERNEL = -1 };

/* A place in a section. */
typedef struct section_cursor {
    const object_section *section;
    size_t at;
} section_cursor;

typedef struct binary_reader {
    const object_frame *frame;
    kpu_dfx *dfx;
    section_cursor cursors[OBJECT_SECTIONS];
    uint32_t strings; /* read so far */
    /* what is being read, for complaints */
    int64_t kernel;
    const char *what;
    size_t index;
} binary_reader;

/* A byte of a file, and what ought to be there. */
static int complain(const binary_reader *reader, const section_cursor *cursor, const char *message)
{
    const kpu_place place = {.file = reader->frame->path};
    char kernel[WHERE_BYTES] = "", what[WHERE_BYTES] = "";
    if (reader->kernel != NO_KERNEL)
        snprintf(kernel, sizeof kernel, "kernel %" PRId64 ": ", reader->kernel);
    if (reader->what)
        snprintf(what, sizeof what, "%s %zu: ", reader->what, reader->index);
    return kpu_diag_add_at(reader->frame->diag, KPU_E_INPUT, &place, "section %s, byte %zu: %s%s%s",
                           cursor->section->name, cursor->section->offset + cursor->at, kernel,
                           what, message);
}

static int out_of_memory(const binary_reader *reader)
{
    return kpu_diag_add(reader->frame->diag, KPU_E_MEMORY, "out of memory");
}

static void begin(binary_reader *reader, const char *what, size_t index)
{
    reader->what = what;
    reader->index = index;
}

static size_t left(const section_cursor *cursor)
{
    return cursor->section->bytes - cursor->at;
}

static int get_uint(binary_reader *reader, int section, int bytes, uint64_t *out)
{
    section_cursor *cursor = &reader->cursors[section];
    if (left(cursor) < (size_t)bytes)
        return complain(reader, cursor, "the section ends too early");
    *out = kpu_object_load_uint(cursor->section->data + cursor->at, bytes);
    cursor->at += (size_t)bytes;
    return KPU_OK;
}

/* How many of something follow, each of at least `least_bytes`. */
static int get_count(binary_reader *reader, int section, const char *of, size_t max, size_t *out)
{
    uint64_t count = 0;
    char message[WHERE_BYTES];
    int status = get_uint(reader, section, sizeof(uint32_t), &count);
    if (status)
        return status;
    if (count > max) {
        reader->cursors[section].at -= sizeof(uint32_t);
        snprintf(message, sizeof message, "%" PRIu64 " %s; at most %zu are allowed", count, of,
                 max);
        return complain(reader, &reader->cursors[section], message);
    }
    *out = (size_t)count;
    return KPU_OK;
}

/* The string that a record names next. */
static int get_string(binary_reader *reader, int section, const char **out, size_t *bytes)
{
    section_cursor *strings = &reader->cursors[OBJECT_STRS], *here = &reader->cursors[section];
    uint64_t number = 0, length = 0;
    char message[WHERE_BYTES];
    int status = get_uint(reader, section, sizeof(uint32_t), &number);
    if (status)
        return status;
    if (number != reader->strings) {
        here->at -= sizeof(uint32_t);
        snprintf(message, sizeof message, "expected string %" PRIu32 ", got %" PRIu64,
                 reader->strings, number);
        return complain(reader, here, message);
    }
    if ((status = get_uint(reader, OBJECT_STRS, sizeof(uint32_t), &length)))
        return status;
    if (length > left(strings))
        return complain(reader, strings, "a string that ends outside of the section");
    *out = (const char *)strings->section->data + strings->at;
    *bytes = (size_t)length;
    size_t junk = kpu_text_first_junk(*out, *bytes);
    if (junk < *bytes) {
        strings->at += junk;
        return complain(reader, strings, "no text: a control character, or no UTF-8");
    }
    strings->at += *bytes;
    reader->strings++;
    return KPU_OK;
}

static int get_text_field(binary_reader *reader, int section, const object_field *field,
                          void *record)
{
    const char *text = "";
    size_t bytes = 0;
    int status = get_string(reader, section, &text, &bytes);
    if (status)
        return status;
    status = kpu_object_field_set_text(field, record, text, bytes);
    if (status != KPU_E_RANGE)
        return status ? out_of_memory(reader) : KPU_OK;
    char message[WHERE_BYTES];
    snprintf(message, sizeof message, "%s: %zu bytes; at most %" PRId64 " are allowed", field->key,
             bytes, field->max);
    return complain(reader, &reader->cursors[section], message);
}

/* The range of a field whose bits were just read. */
static int check_field(binary_reader *reader, int section, const object_field *field, uint64_t bits)
{
    section_cursor *cursor = &reader->cursors[section];
    char message[2 * WHERE_BYTES];
    double real;
    memcpy(&real, &bits, sizeof real);
    int64_t max = kpu_object_field_max(field, reader->dfx->tensor_count);
    bool is_real = field->kind == OBJECT_REAL;
    if (is_real ? isfinite(real) && !signbit(real)
                : max >= 0 && bits >= (uint64_t)field->min && bits <= (uint64_t)max)
        return KPU_OK;
    cursor->at -= (size_t)kpu_object_field_bytes(field);
    if (is_real)
        snprintf(message, sizeof message, "%s: expected a number of at least 0", field->key);
    else
        snprintf(message, sizeof message, "%s: expected %" PRId64 " to %" PRId64 ", got %" PRIu64,
                 field->key, field->min, max, bits);
    return complain(reader, cursor, message);
}

static int get_record(binary_reader *reader, int section, const object_record *record, void *out)
{
    int status = KPU_OK;
    for (size_t i = 0; i < record->count && !status; i++) {
        const object_field *field = &record->fields[i];
        uint64_t bits = 0;
        if (kpu_object_field_is_text(field)) {
            status = get_text_field(reader, section, field, out);
            continue;
        }
        status = get_uint(reader, section, kpu_object_field_bytes(field), &bits);
        if (!status)
            status = check_field(reader, section, field, bits);
        if (!status)
            kpu_object_field_set(field, out, (int64_t)bits);
    }
    return status;
}

/* ---- Sections ----------------------------------------------------------------------------- */

typedef struct program_counts {
    size_t tensors, kernels;
} program_counts;

static int get_meta(binary_reader *reader, program_counts *out)
{
    const char *text = "";
    size_t bytes = 0;
    int status = get_string(reader, OBJECT_META, &text, &bytes);
    if (!status && (bytes != strlen(KPU_DFX_VERSION) || memcmp(text, KPU_DFX_VERSION, bytes) != 0))
        return complain(reader, &reader->cursors[OBJECT_META],
                        "a version of DFX that is not " KPU_DFX_VERSION);
    if (!status)
        status = get_string(reader, OBJECT_META, &text, &bytes);
    if (!status) {
        char *name = strndup(text, bytes);
        reader->dfx = name ? kpu_dfx_new(name) : NULL;
        free(name);
        if (!reader->dfx)
            return out_of_memory(reader);
    }
    if (!status)
        status = get_count(reader, OBJECT_META, "tensors", KPU_DFX_TENSORS_MAX, &out->tensors);
    if (!status)
        status = get_count(reader, OBJECT_META, "kernels", KPU_DFX_KERNELS_MAX, &out->kernels);
    return status;
}

static int get_tensor(binary_reader *reader, kpu_dfx_tensor *tensor)
{
    size_t rank = 0;
    int status = get_record(reader, OBJECT_TENS, &kpu_object_tensor, tensor);
    if (!status)
        status = get_count(reader, OBJECT_TENS, "dimensions", KPU_RANK_MAX, &rank);
    tensor->rank = (int32_t)rank;
    for (size_t d = 0; d < rank && !status; d++) {
        static const object_field size = {"shape", OBJECT_INT64, 0, 0, INT64_MAX, NULL};
        uint64_t bits = 0;
        status = get_uint(reader, OBJECT_TENS, sizeof bits, &bits);
        if (!status)
            status = check_field(reader, OBJECT_TENS, &size, bits);
        tensor->shape[d] = (int64_t)bits;
    }
    return status;
}

static int get_kernel(binary_reader *reader, kpu_dfx_kernel *kernel)
{
    const int s = OBJECT_OPER;
    int status = get_record(reader, s, &kpu_object_kernel_name, kernel);
    if (!status)
        status = get_record(reader, s, &kpu_object_metadata, kernel);
    for (int x = 0; x < KPU_OPERANDS && !status; x++)
        status = get_record(reader, s, &kpu_object_operands[x], kernel);
    for (size_t l = 0; l < KPU_NEST && !status; l++) {
        begin(reader, "loop", l);
        status = get_record(reader, s, &kpu_object_loop, &kernel->loops[l]);
    }
    begin(reader, NULL, 0);
    if (!status)
        status = get_count(reader, s, "allocations", KPU_OPERANDS * 3, &kernel->allocation_count);
    for (size_t i = 0; i < kernel->allocation_count && !status; i++) {
        begin(reader, "allocation", i);
        status = get_record(reader, s, &kpu_object_allocation, &kernel->allocations[i]);
    }
    begin(reader, NULL, 0);
    if (!status)
        status =
            get_count(reader, s, "operations", KPU_DFX_OPERATIONS_MAX, &kernel->operation_count);
    for (size_t i = 0; i < kernel->operation_count && !status; i++) {
        begin(reader, "operation", i);
        status = get_record(reader, s, &kpu_object_operation, &kernel->operations[i]);
    }
    return status;
}

static int get_dependencies(binary_reader *reader, int32_t *out, size_t count, int64_t max)
{
    const object_field on = {"depends_on", OBJECT_INT32, 0, 0, max, NULL};
    int status = KPU_OK;
    for (size_t i = 0; i < count && !status; i++) {
        uint64_t bits = 0;
        status = get_uint(reader, OBJECT_DEPS, sizeof *out, &bits);
        if (!status)
            status = check_field(reader, OBJECT_DEPS, &on, bits);
        out[i] = (int32_t)bits;
    }
    return status;
}

static int get_kernel_dependencies(binary_reader *reader, kpu_dfx_kernel *kernel)
{
    section_cursor *cursor = &reader->cursors[OBJECT_DEPS];
    size_t count = 0;
    int status =
        get_count(reader, OBJECT_DEPS, "kernels waited for", (size_t)reader->kernel, &count);
    if (!status && count * sizeof *kernel->depends_on > left(cursor))
        status = complain(reader, cursor, "the section ends too early");
    if (status || count == 0)
        return status;
    kernel->depends_on = calloc(count, sizeof *kernel->depends_on);
    if (!kernel->depends_on)
        return out_of_memory(reader);
    kernel->depends_count = count;
    return get_dependencies(reader, kernel->depends_on, count, reader->kernel - 1);
}

static int get_operation_dependencies(binary_reader *reader, kpu_dfx_operation *operation)
{
    size_t count = 0;
    int status =
        get_count(reader, OBJECT_DEPS, "operations waited for", KPU_DFX_DEPENDS_MAX, &count);
    operation->depends_count = (uint8_t)count;
    return status ? status : get_dependencies(reader, operation->depends_on, count, INT32_MAX);
}

static int get_kernel_parts(binary_reader *reader, kpu_dfx_kernel *kernel)
{
    int status = get_kernel(reader, kernel);
    begin(reader, NULL, 0);
    if (!status)
        status = get_kernel_dependencies(reader, kernel);
    for (size_t i = 0; i < kernel->operation_count && !status; i++) {
        begin(reader, "operation", i);
        status = get_operation_dependencies(reader, &kernel->operations[i]);
    }
    begin(reader, NULL, 0);
    return status;
}

static int get_program(binary_reader *reader)
{
    program_counts counts = {0};
    int status = get_meta(reader, &counts);
    for (size_t i = 0; i < counts.tensors && !status; i++) {
        kpu_dfx_tensor *tensor = kpu_dfx_add_tensor(reader->dfx, "");
        begin(reader, "tensor", i);
        status = tensor ? get_tensor(reader, tensor) : out_of_memory(reader);
    }
    begin(reader, NULL, 0);
    for (size_t k = 0; k < counts.kernels && !status; k++) {
        kpu_dfx_kernel *kernel = kpu_dfx_add_kernel(reader->dfx, "");
        reader->kernel = (int64_t)k;
        status = kernel ? get_kernel_parts(reader, kernel) : out_of_memory(reader);
    }
    for (size_t k = 0; k < counts.kernels && !status; k++) {
        reader->kernel = (int64_t)k;
        status = get_record(reader, OBJECT_HINT, &kpu_object_hints, &reader->dfx->kernels[k].hints);
    }
    reader->kernel = NO_KERNEL;
    for (int s = 0; s < OBJECT_SECTIONS && !status; s++)
        if (left(&reader->cursors[s]) > 0)
            status = complain(reader, &reader->cursors[s], "more than the section's contents");
    return status;
}

int kpu_object_parse_binary(object_frame *frame, kpu_dfx **out)
{
    int status = kpu_object_frame_read(frame);
    if (status)
        return status;
    binary_reader reader = {.frame = frame, .kernel = NO_KERNEL};
    for (int s = 0; s < OBJECT_SECTIONS; s++)
        reader.cursors[s].section = &frame->sections[s];
    status = get_program(&reader);
    if (status)
        kpu_dfx_free(reader.dfx);
    else
        *out = reader.dfx;
    return status;
}
