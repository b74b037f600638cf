/* What differs between two programs, field by field. */
#include <string.h>

#include "compiler/dfx_private.h"
#include "compiler/object_json.h"

typedef struct comparison {
    const kpu_dfx *dfx[2];
    kpu_text *out;
    int64_t count;
    kpu_text where; /* "kernel mm0: loop 3: " */
} comparison;

/* Begins a line: where, and which field. */
static void begin_line(comparison *c, const char *key)
{
    c->count++;
    kpu_text_put(c->out, c->where.data ? c->where.data : "");
    kpu_text_format(c->out, "%s: ", key);
}

/* Names a part of what `where` names already; give the length back to leave_part. */
static size_t enter_part(comparison *c, const char *what, const char *name)
{
    size_t before = c->where.length;
    kpu_text_format(&c->where, "%s%s%s: ", what, *name ? " " : "", name);
    return before;
}

static void leave_part(comparison *c, size_t before)
{
    if (c->where.failed)
        return;
    c->where.length = before;
    c->where.data[before] = '\0';
}

static bool same_value(const comparison *c, const object_field *field, const void *a, const void *b)
{
    if (kpu_object_field_is_text(field))
        return strcmp(kpu_object_field_text(field, a), kpu_object_field_text(field, b)) == 0;
    int64_t left = kpu_object_field_get(field, a), right = kpu_object_field_get(field, b);
    if (field->kind == OBJECT_TENSOR)
        return strcmp(c->dfx[0]->tensors[left].name, c->dfx[1]->tensors[right].name) == 0;
    return left == right;
}

static void compare_record(comparison *c, const object_record *record, const void *a, const void *b)
{
    for (size_t i = 0; i < record->count; i++) {
        const object_field *field = &record->fields[i];
        if (same_value(c, field, a, b))
            continue;
        begin_line(c, field->key);
        kpu_object_json_put_value(c->out, c->dfx[0], field, a);
        kpu_text_put(c->out, " | ");
        kpu_object_json_put_value(c->out, c->dfx[1], field, b);
        kpu_text_put(c->out, "\n");
    }
}

typedef struct numbers {
    const int64_t *items;
    size_t count;
} numbers;

static void put_numbers(kpu_text *out, numbers list)
{
    kpu_text_put(out, "[");
    for (size_t i = 0; i < list.count; i++) {
        kpu_text_put(out, i > 0 ? ", " : "");
        kpu_text_put_int(out, list.items[i]);
    }
    kpu_text_put(out, "]");
}

static void compare_numbers(comparison *c, const char *key, numbers a, numbers b)
{
    if (a.count == b.count &&
        (a.count == 0 || memcmp(a.items, b.items, a.count * sizeof *a.items) == 0))
        return;
    begin_line(c, key);
    put_numbers(c->out, a);
    kpu_text_put(c->out, " | ");
    put_numbers(c->out, b);
    kpu_text_put(c->out, "\n");
}

/* Parts in order, of which one program may have more. */
typedef struct parts {
    const object_record *record;
    void (*put_label)(const void *item, kpu_text *out); /* which one it is in the first program */
    const void *items[2];
    size_t count[2];
    size_t item_bytes;
} parts;

static void put_loop_label(const void *item, kpu_text *out)
{
    const kpu_dfx_loop *loop = item;
    kpu_text_put(out, loop->var);
}

static void put_allocation_label(const void *item, kpu_text *out)
{
    const kpu_dfx_allocation *allocation = item;
    kpu_text_format(out, "%s %s", kpu_dfx_operand_names[allocation->operand],
                    kpu_dfx_level_names[allocation->level]);
}

static void put_operation_label(const void *item, kpu_text *out)
{
    const kpu_dfx_operation *operation = item;
    kpu_text_format(out, "%%%d", (int)operation->id);
}

static size_t enter_item(comparison *c, const parts *p, size_t index)
{
    size_t before = c->where.length;
    kpu_text_format(&c->where, "%s ", p->record->what);
    p->put_label((const char *)p->items[0] + index * p->item_bytes, &c->where);
    kpu_text_put(&c->where, ": ");
    return before;
}

static void compare_parts(comparison *c, const parts *p)
{
    size_t common = p->count[0] < p->count[1] ? p->count[0] : p->count[1];
    for (size_t i = 0; i < common; i++) {
        size_t before = enter_item(c, p, i);
        compare_record(c, p->record, (const char *)p->items[0] + i * p->item_bytes,
                       (const char *)p->items[1] + i * p->item_bytes);
        leave_part(c, before);
    }
    if (p->count[0] == p->count[1])
        return;
    begin_line(c, p->record->what);
    kpu_text_format(c->out, "%zu of them | %zu\n", p->count[0], p->count[1]);
}

static void compare_operations(comparison *c, const kpu_dfx_kernel *a, const kpu_dfx_kernel *b)
{
    const parts operations = {.record = &kpu_object_operation,
                              .put_label = put_operation_label,
                              .items = {a->operations, b->operations},
                              .count = {a->operation_count, b->operation_count},
                              .item_bytes = sizeof *a->operations};
    compare_parts(c, &operations);
    for (size_t i = 0; i < a->operation_count && i < b->operation_count; i++) {
        const kpu_dfx_operation *both[] = {&a->operations[i], &b->operations[i]};
        int64_t on[2][KPU_DFX_DEPENDS_MAX];
        for (int side = 0; side < 2; side++)
            for (size_t d = 0; d < both[side]->depends_count; d++)
                on[side][d] = both[side]->depends_on[d];
        size_t before = enter_item(c, &operations, i);
        compare_numbers(c, "depends_on", (numbers){on[0], both[0]->depends_count},
                        (numbers){on[1], both[1]->depends_count});
        leave_part(c, before);
    }
}

/* Kernels are waited for by name: their numbers differ when one more stands before them. */
static bool same_dependencies(const comparison *c, const kpu_dfx_kernel *a, const kpu_dfx_kernel *b)
{
    if (a->depends_count != b->depends_count)
        return false;
    for (size_t i = 0; i < a->depends_count; i++)
        if (strcmp(c->dfx[0]->kernels[a->depends_on[i]].name,
                   c->dfx[1]->kernels[b->depends_on[i]].name) != 0)
            return false;
    return true;
}

static void put_dependencies(comparison *c, int side, const kpu_dfx_kernel *kernel)
{
    kpu_text_put(c->out, "[");
    for (size_t i = 0; i < kernel->depends_count; i++) {
        kpu_text_put(c->out, i > 0 ? ", " : "");
        kpu_text_put_json_string(c->out, c->dfx[side]->kernels[kernel->depends_on[i]].name);
    }
    kpu_text_put(c->out, "]");
}

static void compare_kernel(comparison *c, const kpu_dfx_kernel *a, const kpu_dfx_kernel *b)
{
    compare_record(c, &kpu_object_metadata, a, b);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        size_t before = enter_part(c, kpu_object_operands[x].what, "");
        compare_record(c, &kpu_object_operands[x], a, b);
        leave_part(c, before);
    }
    if (!same_dependencies(c, a, b)) {
        begin_line(c, "depends_on");
        put_dependencies(c, 0, a);
        kpu_text_put(c->out, " | ");
        put_dependencies(c, 1, b);
        kpu_text_put(c->out, "\n");
    }
    compare_parts(c, &(parts){&kpu_object_loop,
                              put_loop_label,
                              {a->loops, b->loops},
                              {KPU_NEST, KPU_NEST},
                              sizeof *a->loops});
    compare_parts(c, &(parts){&kpu_object_allocation,
                              put_allocation_label,
                              {a->allocations, b->allocations},
                              {a->allocation_count, b->allocation_count},
                              sizeof *a->allocations});
    compare_operations(c, a, b);
    size_t before = enter_part(c, kpu_object_hints.what, "");
    compare_record(c, &kpu_object_hints, &a->hints, &b->hints);
    leave_part(c, before);
}

static void say_only(comparison *c, int side)
{
    c->count++;
    kpu_text_put(c->out, c->where.data ? c->where.data : "");
    kpu_text_format(c->out, "only in the %s\n", side ? "second" : "first");
}

/* A kind of part that has a name. */
typedef struct named {
    const char *what, *order; /* "kernel", "order of kernels" */
    size_t count[2];
    const char *(*name)(const kpu_dfx *dfx, size_t index);
    int (*find)(const kpu_dfx *dfx, object_names *out);
    void (*compare)(comparison *c, size_t a, size_t b);
} named;

static const char *tensor_name(const kpu_dfx *dfx, size_t index)
{
    return dfx->tensors[index].name;
}

static const char *kernel_name(const kpu_dfx *dfx, size_t index)
{
    return dfx->kernels[index].name;
}

static void compare_tensor_at(comparison *c, size_t a, size_t b)
{
    const kpu_dfx_tensor *left = &c->dfx[0]->tensors[a], *right = &c->dfx[1]->tensors[b];
    compare_record(c, &kpu_object_tensor, left, right);
    compare_numbers(c, "shape", (numbers){left->shape, (size_t)left->rank},
                    (numbers){right->shape, (size_t)right->rank});
}

static void compare_kernel_at(comparison *c, size_t a, size_t b)
{
    compare_kernel(c, &c->dfx[0]->kernels[a], &c->dfx[1]->kernels[b]);
}

/* Parts of one program that the other has too are compared, the others named. */
static void compare_side(comparison *c, const named *kind, int side, const object_names *others)
{
    int32_t last = -1;
    bool moved = false;
    for (size_t i = 0; i < kind->count[side]; i++) {
        const char *name = kind->name(c->dfx[side], i);
        int32_t other = kpu_object_names_find(others, name);
        size_t before = enter_part(c, kind->what, name);
        if (other < 0)
            say_only(c, side);
        else if (side == 0)
            kind->compare(c, i, (size_t)other);
        leave_part(c, before);
        moved = moved || (other >= 0 && other < last);
        last = other >= 0 ? other : last;
    }
    if (moved && side == 0) {
        begin_line(c, kind->order);
        kpu_text_put(c->out, "not the same\n");
    }
}

static int compare_named(comparison *c, const named *kind)
{
    object_names names[2] = {0};
    int status = kind->find(c->dfx[0], &names[0]);
    if (!status)
        status = kind->find(c->dfx[1], &names[1]);
    for (int side = 0; side < 2 && !status; side++)
        compare_side(c, kind, side, &names[!side]);
    kpu_object_names_fini(&names[0]);
    kpu_object_names_fini(&names[1]);
    return status;
}

int kpu_object_compare(const kpu_dfx *a, const kpu_dfx *b, kpu_text *out, int64_t *count)
{
    comparison c = {.dfx = {a, b}, .out = out};
    const named tensors = {
        "tensor",    "order of tensors",          {a->tensor_count, b->tensor_count},
        tensor_name, kpu_object_names_of_tensors, compare_tensor_at};
    const named kernels = {
        "kernel",    "order of kernels",          {a->kernel_count, b->kernel_count},
        kernel_name, kpu_object_names_of_kernels, compare_kernel_at};
    compare_record(&c, &kpu_object_program, a, b);
    int status = compare_named(&c, &tensors);
    if (!status)
        status = compare_named(&c, &kernels);
    if (c.where.failed || out->failed)
        status = KPU_E_MEMORY;
    kpu_text_fini(&c.where);
    *count = c.count;
    return status;
}
