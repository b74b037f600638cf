/* Legal programs with one number changed: each change is refused. */
#include "kpu/dfx.h"

#include "random_program.h"
#include "run_suite.h"

#include <stdlib.h>
#include <string.h>

enum { PROGRAMS = 120 };

/* ---- Every number, changed ---------------------------------------------------------------- */

typedef struct field {
    const char *name;
    void *at;
    size_t bytes;
    bool is_flag;
} field;

enum { FIELDS_MAX = 600 };
typedef struct field_list {
    field items[FIELDS_MAX];
    size_t count;
} field_list;

static void add(field_list *list, const char *name, void *at, size_t bytes)
{
    CU_ASSERT_FATAL(list->count < FIELDS_MAX);
    list->items[list->count++] = (field){name, at, bytes, false};
}

static void add_flag(field_list *list, const char *name, bool *at)
{
    add(list, name, at, sizeof *at);
    list->items[list->count - 1].is_flag = true;
}

#define ADD(member) add(list, #member, &o->member, sizeof o->member)
#define ADD_FLAG(member) add_flag(list, #member, &o->member)

/* The hoist of a load may be another one, if that window has as many tiles. */
static void list_operation(field_list *list, kpu_dfx_operation *o)
{
    ADD(id);
    ADD(type);
    ADD(subtype);
    ADD(operand);
    ADD(source);
    ADD(dest);
    ADD(when);
    ADD(depends_count);
    ADD(produces);
    if (o->subtype != KPU_DFX_LOAD || o->source == KPU_DFX_L2)
        ADD(hoist);
    ADD_FLAG(unless_fresh);
    ADD_FLAG(transpose);
    ADD_FLAG(broadcast);
    ADD_FLAG(accumulate);
    for (size_t i = 0; i < o->depends_count; i++)
        ADD(depends_on[i]);
}

static void list_allocation(field_list *list, kpu_dfx_allocation *o)
{
    ADD(operand);
    ADD(level);
    ADD(tiles);
    ADD(buffers);
    ADD(size_bytes);
}

static void list_loop(field_list *list, kpu_dfx_loop *o)
{
    ADD(dim);
    ADD(start);
    ADD(end);
    ADD(step);
}

static void list_kernel(field_list *list, kpu_dfx_kernel *o)
{
    for (int x = 0; x < KPU_OPERANDS; x++) {
        ADD(dtype[x]);
        ADD(dim[x]);
        ADD_FLAG(transposed[x]);
        if (o->batch > 1)
            ADD(batch_stride[x]);
    }
    ADD(partial_dtype);
    ADD(batch);
    ADD(dataflow);
    ADD(l1_buffers);
    ADD(allocation_count);
    ADD(operation_count);
    for (size_t i = 0; i < o->depends_count; i++)
        ADD(depends_on[i]);
    for (int i = 0; i < KPU_NEST; i++)
        list_loop(list, &o->loops[i]);
    for (size_t i = 0; i < o->allocation_count; i++)
        list_allocation(list, &o->allocations[i]);
    for (size_t i = 0; i < o->operation_count; i++)
        list_operation(list, &o->operations[i]);
}

static void list_tensor(field_list *list, kpu_dfx_tensor *o)
{
    ADD(dtype);
    if (o->shape[0] > 1) /* a leading 1 may go */
        ADD(rank);
    for (int i = 0; i < o->rank; i++)
        ADD(shape[i]);
}

static int64_t get(const field *f)
{
    int64_t value = 0;
    memcpy(&value, f->at, f->bytes); /* little-endian: the low bytes */
    return f->bytes == 4 ? (int32_t)value : value;
}

static void set(const field *f, int64_t value)
{
    memcpy(f->at, &value, f->bytes);
}

/* Refused with complaints, of a kernel or a tensor. */
static bool refused(const kpu_dfx *dfx)
{
    kpu_diag diag = {0};
    int code = kpu_dfx_verify(dfx, "file.kpu", &diag);
    bool named = diag.count > 0 && diag.count <= 50;
    for (size_t i = 0; i < diag.count; i++)
        named = named && diag.entries[i].file && strcmp(diag.entries[i].file, "file.kpu") == 0 &&
                (strncmp(diag.entries[i].message, "kernel '", 8) == 0 ||
                 strncmp(diag.entries[i].message, "tensor '", 8) == 0);
    kpu_diag_fini(&diag);
    return code == KPU_E_INPUT && named;
}

static size_t try_values(const kpu_dfx *dfx, const field *f)
{
    int64_t kept = get(f), largest = f->bytes == 8   ? INT64_MAX
                                     : f->bytes == 4 ? INT32_MAX
                                                     : UINT8_MAX;
    const int64_t values[] = {kept + 1, kept - 1, kept ^ 2, 0, largest, largest - 1};
    size_t count = f->is_flag ? 1 : sizeof values / sizeof *values, tried = 0;
    for (size_t i = 0; i < count; i++) {
        set(f, f->is_flag ? !kept : values[i]);
        if (get(f) != kept) {
            tried++;
            bool fine = refused(dfx);
            if (!fine)
                printf("%s = %lld instead of %lld was accepted\n", f->name, (long long)get(f),
                       (long long)kept);
            CU_ASSERT(fine);
        }
        set(f, kept);
    }
    return tried;
}

static void test_every_number_counts(void)
{
    random_program p;
    field_list list;
    size_t tried = 0;
    for (uint64_t n = 0; n < PROGRAMS; n++) {
        random_program_draw(6, n, &p);
        kpu_dfx *dfx = random_program_build(&p);
        CU_ASSERT_PTR_NOT_NULL_FATAL(dfx);
        for (size_t k = 0; k < dfx->kernel_count; k++) {
            list.count = 0;
            list_kernel(&list, &dfx->kernels[k]);
            for (size_t i = 0; i < list.count; i++)
                tried += try_values(dfx, &list.items[i]);
        }
        for (size_t t = 0; t < dfx->tensor_count; t++) {
            list.count = 0;
            list_tensor(&list, &dfx->tensors[t]);
            for (size_t i = 0; i < list.count; i++)
                tried += try_values(dfx, &list.items[i]);
        }
        CU_ASSERT_EQUAL(kpu_dfx_verify(dfx, NULL, NULL), KPU_OK);
        kpu_dfx_free(dfx);
    }
    CU_ASSERT(tried > 1000 * PROGRAMS);
}

/* A hoist that is accepted is one whose windows are as large, and it is what bind gives back. */
static void test_another_hoist_is_another_mapping(void)
{
    random_program p;
    size_t accepted = 0, not_accepted = 0;
    for (uint64_t n = 0; n < PROGRAMS; n++) {
        random_program_draw(7, n, &p);
        kpu_dfx *dfx = random_program_build(&p);
        CU_ASSERT_PTR_NOT_NULL_FATAL(dfx);
        kpu_dfx_kernel *kernel = &dfx->kernels[0];
        for (int at = 0; at < KPU_OPERANDS * KPU_HOIST_LEVELS; at++) {
            int x = at % KPU_OPERANDS, level = at / KPU_OPERANDS;
            uint8_t kept = kernel->operations[at].hoist;
            kernel->operations[at].hoist = (uint8_t)(n % (KPU_NEST + 2));
            if (x == KPU_C) /* the way back has the same window */
                kernel->operations[level == KPU_HOIST_L3 ? 12 : 11].hoist =
                    kernel->operations[at].hoist;
            kpu_mapping bound;
            if (refused(dfx)) {
                not_accepted++;
            } else {
                CU_ASSERT_EQUAL(kpu_dfx_bind(kernel, &p.machines[0], &bound, NULL), KPU_OK);
                CU_ASSERT_EQUAL(bound.hoist[x][level], kernel->operations[at].hoist);
                CU_ASSERT_EQUAL(bound.window_tiles[x][level], p.mappings[0].window_tiles[x][level]);
                accepted += kept != kernel->operations[at].hoist;
            }
            kernel->operations[at].hoist = kept;
            if (x == KPU_C)
                kernel->operations[level == KPU_HOIST_L3 ? 12 : 11].hoist = kept;
        }
        CU_ASSERT_EQUAL(kpu_dfx_verify(dfx, NULL, NULL), KPU_OK);
        kpu_dfx_free(dfx);
    }
    CU_ASSERT(accepted > 0 && not_accepted > PROGRAMS);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"every number counts", test_every_number_counts},
        {"another hoist is another mapping", test_another_hoist_is_another_mapping},
        CU_TEST_INFO_NULL,
    };
    return run_suite("dfx verify", tests);
}
