/* What differs between two programs is told by part and field. */
#include "kpu/kpu_object.h"

#include "compiler/object_fields.h"
#include "random_program.h"
#include "run_suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static kpu_dfx *draw(uint64_t seed, uint64_t number)
{
    random_program p;
    random_program_draw(seed, number, &p);
    kpu_dfx *dfx = random_program_build(&p);
    CU_ASSERT_PTR_NOT_NULL_FATAL(dfx);
    return dfx;
}

typedef struct row_of {
    const object_record *record;
    void *row;
    const char *where;
} row_of;

/* Every field of a program, changed by one, is one difference in that place. */
static void change_every_field(kpu_dfx *changed, const kpu_dfx *dfx, const row_of *at)
{
    for (size_t i = 0; i < at->record->count; i++) {
        const object_field *field = &at->record->fields[i];
        kpu_text text = {0};
        int64_t count = 0, max = kpu_object_field_max(field, changed->tensor_count);
        if (kpu_object_field_is_text(field))
            continue;
        int64_t before = kpu_object_field_get(field, at->row);
        if (field->kind == OBJECT_REAL)
            kpu_object_field_set_real(field, at->row, kpu_object_field_real(field, at->row) + 1);
        else
            kpu_object_field_set(field, at->row, before < max ? before + 1 : before - 1);
        CU_ASSERT(!kpu_dfx_equal(dfx, changed));
        CU_ASSERT_EQUAL(kpu_object_compare(dfx, changed, &text, &count), KPU_OK);
        char wanted[128];
        snprintf(wanted, sizeof wanted, "%s%s: ", at->where, field->key);
        bool found = count == 1 && text.data && strncmp(text.data, wanted, strlen(wanted)) == 0;
        CU_ASSERT(found);
        if (!found)
            printf("\n  wanted: %s...\n     got: %s\n", wanted, text.data ? text.data : "");
        kpu_text_fini(&text);
        kpu_object_field_set(field, at->row, before);
    }
}

static void test_every_field_can_differ(void)
{
    kpu_dfx *dfx = draw(24, 0), *changed = draw(24, 0);
    kpu_dfx_kernel *kernel = &changed->kernels[0];
    const row_of rows[] = {
        {&kpu_object_tensor, &changed->tensors[0], "tensor A: "},
        {&kpu_object_metadata, kernel, "kernel mm0: "},
        {&kpu_object_operands[KPU_A], kernel, "kernel mm0: operand A: "},
        {&kpu_object_operands[KPU_B], kernel, "kernel mm0: operand B: "},
        {&kpu_object_operands[KPU_C], kernel, "kernel mm0: operand C: "},
        {&kpu_object_loop, &kernel->loops[1], "kernel mm0: loop mb: "},
        {&kpu_object_allocation, &kernel->allocations[0], "kernel mm0: allocation A L3: "},
        {&kpu_object_operation, &kernel->operations[6], "kernel mm0: operation %7: "},
        {&kpu_object_hints, &kernel->hints, "kernel mm0: hints: "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        change_every_field(changed, dfx, &rows[i]);
    }
    CU_ASSERT(kpu_dfx_equal(dfx, changed));
    kpu_dfx_free(dfx);
    kpu_dfx_free(changed);
}

static void expect_differences(const kpu_dfx *a, const kpu_dfx *b, const char *wanted)
{
    kpu_text text = {0};
    int64_t count, lines = 0;
    CU_ASSERT_EQUAL(kpu_object_compare(a, b, &text, &count), KPU_OK);
    bool same = strcmp(text.data ? text.data : "", wanted) == 0;
    CU_ASSERT(same);
    if (!same)
        printf("\n  wanted: %s\n     got: %s\n", wanted, text.data ? text.data : "");
    for (size_t i = 0; i < text.length; i++)
        lines += text.data[i] == '\n';
    CU_ASSERT_EQUAL(count, lines);
    kpu_text_fini(&text);
}

static void test_parts_can_differ(void)
{
    kpu_dfx *a = draw(24, 0), *b = draw(24, 0);
    expect_differences(a, b, "");
    for (int l = 0; l < KPU_NEST; l++) {
        char *var = b->kernels[0].loops[l].var;
        *var = strcmp(var, "kb") == 0 ? 'z' : *var;
    }
    b->kernels[0].operations[3].depends_on[0] = 3;
    b->kernels[0].allocation_count--;
    b->tensors[0].shape[0] = 77;
    b->tensors[0].shape[1] = 78;
    a->tensors[0].shape[0] = 7;
    a->tensors[0].shape[1] = 8;
    a->tensors[0].rank = b->tensors[0].rank = 2;
    free(b->graph_name);
    b->graph_name = strdup("other");
    expect_differences(a, b,
                       "graph_name: \"random\" | \"other\"\n"
                       "tensor A: shape: [7, 8] | [77, 78]\n"
                       "kernel mm0: loop kb: induction_var: \"kb\" | \"zb\"\n"
                       "kernel mm0: allocation: 8 of them | 7\n"
                       "kernel mm0: operation %4: depends_on: [1] | [3]\n");
    kpu_dfx_free(b);
    b = draw(24, 0);
    b->kernels[0].name[0] = 'q';
    memcpy(b->tensors[0].shape, a->tensors[0].shape, sizeof a->tensors[0].shape);
    b->tensors[0].rank = 2;
    expect_differences(a, b, "kernel mm0: only in the first\nkernel qm0: only in the second\n");
    kpu_dfx_free(a);
    kpu_dfx_free(b);
}

static void test_dependencies_can_differ(void)
{
    size_t found = 0;
    for (uint64_t n = 0; n < 20; n++) {
        kpu_dfx *a = draw(25, n), *b = draw(25, n);
        for (size_t k = 0; k < b->kernel_count; k++) {
            char wanted[128];
            kpu_dfx_kernel *kernel = &b->kernels[k];
            if (kernel->depends_count != 1)
                continue;
            kpu_text text = {0};
            kpu_text_put_json_string(&text, a->kernels[kernel->depends_on[0]].name);
            snprintf(wanted, sizeof wanted, "kernel %.32s: depends_on: [%.32s] | []\n",
                     kernel->name, text.data);
            kernel->depends_count = 0;
            expect_differences(a, b, wanted);
            kernel->depends_count = 1;
            kpu_text_fini(&text);
            found++;
        }
        kpu_dfx_free(a);
        kpu_dfx_free(b);
    }
    CU_ASSERT(found > 5);
}

/* ---- No field is left out ----------------------------------------------------------------- */

typedef struct span {
    size_t offset, bytes;
} span;
#define SPAN(type, member)                                                                         \
    {                                                                                              \
        offsetof(type, member), sizeof(((type *)NULL)->member)                                     \
    }

static size_t bytes_of(const object_field *field)
{
    static const size_t bytes[OBJECT_KINDS] = {
        [OBJECT_WORD] = 1,   [OBJECT_BYTE] = 1,  [OBJECT_BOOL] = 1,  [OBJECT_INT32] = 4,
        [OBJECT_INT64] = 8,  [OBJECT_REAL] = 8,  [OBJECT_DTYPE] = 4, [OBJECT_TENSOR] = 4,
        [OBJECT_STRING] = 8, [OBJECT_CHARS] = 0,
    };
    return field->kind == OBJECT_CHARS ? (size_t)field->max + 1 : bytes[field->kind];
}

/* A structure of a program, the tables of its fields, and what is not in a table. */
typedef struct covered {
    char *row;
    size_t bytes;
    const object_record *records[4];
    const span *others;
    size_t other_count;
} covered;

static bool is_in_a_table(const covered *c, size_t at)
{
    for (int r = 0; r < 4 && c->records[r]; r++)
        for (size_t i = 0; i < c->records[r]->count; i++) {
            const object_field *field = &c->records[r]->fields[i];
            if (at - field->offset < bytes_of(field)) /* wraps around before it */
                return true;
        }
    return false;
}

static bool is_among_others(const covered *c, size_t at)
{
    for (size_t i = 0; i < c->other_count; i++)
        if (at - c->others[i].offset < c->others[i].bytes)
            return true;
    return false;
}

/* Every byte that makes two programs differ belongs to a field of a table. */
static void check_covered(const kpu_dfx *dfx, const kpu_dfx *changed, const covered *c)
{
    size_t bytes = 0;
    for (size_t at = 0; at < c->bytes; at++) {
        if (is_among_others(c, at))
            continue;
        c->row[at] ^= 1;
        bool counts = !kpu_dfx_equal(dfx, changed);
        c->row[at] ^= 1;
        CU_ASSERT(!counts || is_in_a_table(c, at));
        bytes += counts;
    }
    CU_ASSERT(bytes > 0);
}

static void test_no_field_is_left_out(void)
{
    static const span of_tensor[] = {SPAN(kpu_dfx_tensor, name), SPAN(kpu_dfx_tensor, rank),
                                     SPAN(kpu_dfx_tensor, shape)};
    static const span of_kernel[] = {
        SPAN(kpu_dfx_kernel, name),        SPAN(kpu_dfx_kernel, loops),
        SPAN(kpu_dfx_kernel, allocations), SPAN(kpu_dfx_kernel, allocation_count),
        SPAN(kpu_dfx_kernel, operations),  SPAN(kpu_dfx_kernel, operation_count),
        SPAN(kpu_dfx_kernel, depends_on),  SPAN(kpu_dfx_kernel, depends_count),
        SPAN(kpu_dfx_kernel, hints),
    };
    static const span of_operation[] = {SPAN(kpu_dfx_operation, depends_on),
                                        SPAN(kpu_dfx_operation, depends_count)};
    kpu_dfx *dfx = draw(24, 0), *changed = draw(24, 0);
    kpu_dfx_kernel *kernel = &changed->kernels[0];
    const covered parts[] = {
        {(char *)&changed->tensors[0],
         sizeof *changed->tensors,
         {&kpu_object_tensor},
         of_tensor,
         3},
        {(char *)kernel,
         sizeof *kernel,
         {&kpu_object_metadata, &kpu_object_operands[KPU_A], &kpu_object_operands[KPU_B],
          &kpu_object_operands[KPU_C]},
         of_kernel,
         sizeof of_kernel / sizeof *of_kernel},
        {(char *)&kernel->loops[0], sizeof *kernel->loops, {&kpu_object_loop}, NULL, 0},
        {(char *)&kernel->allocations[0],
         sizeof *kernel->allocations,
         {&kpu_object_allocation},
         NULL,
         0},
        {(char *)&kernel->operations[6],
         sizeof *kernel->operations,
         {&kpu_object_operation},
         of_operation,
         2},
        {(char *)&kernel->hints, sizeof kernel->hints, {&kpu_object_hints}, NULL, 0},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        check_covered(dfx, changed, &parts[i]);
    kpu_dfx_free(dfx);
    kpu_dfx_free(changed);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"every field can differ", test_every_field_can_differ},
        {"parts can differ", test_parts_can_differ},
        {"no field is left out", test_no_field_is_left_out},
        {"dependencies can differ", test_dependencies_can_differ},
        CU_TEST_INFO_NULL,
    };
    return run_suite("object_compare", tests);
}
