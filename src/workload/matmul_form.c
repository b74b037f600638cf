/* What MATMUL, GEMM and LINEAR have in common: C[b] = op(A[b]) * op(B[b]). */
#include "workload/operator.h"

#include <stdlib.h>
#include <string.h>

enum { MATRIX_RANK = 2 };

/* The tensors and sizes of a form; the last two dimensions of each operand are its matrix. */
typedef struct operands {
    const kpu_tensor *tensor[KPU_OPERANDS];
    int64_t rows[KPU_OPERANDS], columns[KPU_OPERANDS]; /* op(A), op(B), C */
    int leading[KPU_OPERANDS];
} operands;

static const char letters[] = "ABC";

static void look_at(const kpu_matmul_form *form, operands *out)
{
    const kpu_node *node = form->node;
    const int32_t tensors[KPU_OPERANDS] = {node->inputs[0], node->inputs[1], node->outputs[0]};
    for (int x = 0; x < KPU_OPERANDS; x++) {
        const kpu_tensor *tensor = &form->graph->tensors[tensors[x]];
        out->tensor[x] = tensor;
        out->leading[x] = tensor->rank - MATRIX_RANK;
        if (out->leading[x] < 0)
            continue;
        const int64_t *last = tensor->shape + out->leading[x];
        out->rows[x] = last[form->transposed[x]];
        out->columns[x] = last[!form->transposed[x]];
    }
}

static bool same_leading(const kpu_tensor *a, const kpu_tensor *b)
{
    return a->rank == b->rank &&
           memcmp(a->shape, b->shape, (size_t)(a->rank - MATRIX_RANK) * sizeof a->shape[0]) == 0;
}

static int complain_types(const kpu_matmul_form *form, const operands *o, const char *what,
                          kpu_diag *diag)
{
    char text[KPU_OPERANDS][KPU_GRAPH_TYPE_TEXT];
    for (int x = 0; x < KPU_OPERANDS; x++)
        kpu_graph_type_text(o->tensor[x], text[x]);
    return kpu_graph_complain(form->graph, form->node, diag, "%s (A = %s%s, B = %s%s, C = %s)",
                              what, text[KPU_A], form->transposed[KPU_A] ? " transposed" : "",
                              text[KPU_B], form->transposed[KPU_B] ? " transposed" : "",
                              text[KPU_C]);
}

/* Leading dimensions: those of A and B are equal, or one of them has none; C has theirs. */
static bool leading_agree(const operands *o)
{
    bool shared_a = o->leading[KPU_A] == 0, shared_b = o->leading[KPU_B] == 0;
    if (!shared_a && !shared_b && !same_leading(o->tensor[KPU_A], o->tensor[KPU_B]))
        return false;
    return same_leading(o->tensor[KPU_C], o->tensor[shared_a ? KPU_B : KPU_A]);
}

int kpu_matmul_form_verify(const kpu_matmul_form *form, kpu_diag *diag)
{
    operands o = {0};
    look_at(form, &o);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        if (o.leading[x] < 0)
            return kpu_graph_complain(form->graph, form->node, diag,
                                      "%c is '%s' with %d dimension%s; expected 2 or more",
                                      letters[x], o.tensor[x]->name, o.tensor[x]->rank,
                                      o.tensor[x]->rank == 1 ? "" : "s");
    }
    if (o.columns[KPU_A] != o.rows[KPU_B])
        return complain_types(form, &o, "columns of A and rows of B differ", diag);
    if (o.rows[KPU_C] != o.rows[KPU_A] || o.columns[KPU_C] != o.columns[KPU_B])
        return complain_types(form, &o, "C is not rows of A by columns of B", diag);
    if (!leading_agree(&o))
        return complain_types(form, &o,
                              "the leading dimensions must be the same for A, B and C, where A or "
                              "B may have none",
                              diag);
    if (kpu_dtype_partial(o.tensor[KPU_A]->dtype, o.tensor[KPU_B]->dtype, o.tensor[KPU_C]->dtype) <
        0)
        return complain_types(form, &o, "expected floats for A, B and C, or integers for all three",
                              diag);
    return KPU_OK;
}

static kpu_matmul *append(kpu_matmul_list *list)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 8;
        kpu_matmul *items = realloc(list->items, capacity * sizeof *items);
        if (!items)
            return NULL;
        list->items = items;
        list->capacity = capacity;
    }
    kpu_matmul *item = &list->items[list->count++];
    memset(item, 0, sizeof *item);
    return item;
}

static void fill_batch(const operands *o, kpu_matmul *out)
{
    out->batch = 1; /* within a tensor's size, so nothing here overflows */
    for (int d = 0; d < o->leading[KPU_C]; d++)
        out->batch *= o->tensor[KPU_C]->shape[d];
    for (int x = 0; x < KPU_OPERANDS; x++)
        out->batch_stride[x] = o->leading[x] > 0 ? o->rows[x] * o->columns[x] : 0;
}

/* Of the whole batch, so that whoever counts its work need not look. */
static int check_size(const kpu_matmul_form *form, const kpu_matmul *item, kpu_diag *diag)
{
    const int64_t *dim = item->problem.dim;
    int64_t product = item->batch;
    bool fits = kpu_problem_validate(&item->problem, NULL, NULL) == KPU_OK;
    if (item->batch > KPU_WORKLOAD_DIM_MAX)
        return kpu_graph_complain(form->graph, form->node, diag,
                                  "a batch of %lld matrices; expected at most 2^40",
                                  (long long)item->batch);
    for (int d = 0; d < KPU_DIMS; d++)
        fits = fits && !kpu_mul_overflows(product, dim[d], &product) &&
               product <= KPU_WORKLOAD_PRODUCT_MAX;
    if (fits)
        return KPU_OK;
    return kpu_graph_complain(form->graph, form->node, diag,
                              "%lld times M = %lld, N = %lld, K = %lld is too large: M*N*K of all "
                              "of them and the bytes of each matrix may not exceed 2^62",
                              (long long)item->batch, (long long)dim[KPU_M], (long long)dim[KPU_N],
                              (long long)dim[KPU_K]);
}

int kpu_matmul_form_lower(const kpu_matmul_form *form, kpu_matmul_list *out, kpu_diag *diag)
{
    const kpu_graph_owned *owned = form->graph->owned;
    const kpu_node *node = form->node;
    operands o = {0};
    look_at(form, &o);
    kpu_matmul *item = append(out);
    if (!item)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    item->node = (int32_t)(node - form->graph->nodes);
    item->problem.dim[KPU_M] = o.rows[KPU_C];
    item->problem.dim[KPU_N] = o.columns[KPU_C];
    item->problem.dim[KPU_K] = o.columns[KPU_A];
    const int32_t tensors[KPU_OPERANDS] = {node->inputs[0], node->inputs[1], node->outputs[0]};
    for (int x = 0; x < KPU_OPERANDS; x++) {
        const kpu_graph_view view = owned->views[tensors[x]];
        item->dtype[x] = o.tensor[x]->dtype;
        item->problem.element_bytes[x] = kpu_dtype_bytes(item->dtype[x]);
        item->tensor[x] = x == KPU_C ? tensors[x] : view.tensor;
        item->problem.transposed[x] = x != KPU_C && form->transposed[x] != view.transposed;
    }
    item->partial_dtype =
        kpu_dtype_partial(item->dtype[KPU_A], item->dtype[KPU_B], item->dtype[KPU_C]);
    item->problem.partial_bytes = kpu_dtype_bytes(item->partial_dtype);
    fill_batch(&o, item);
    return check_size(form, item, diag);
}
