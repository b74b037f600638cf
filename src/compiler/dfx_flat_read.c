/* The flat form, read: the kernel that unrolls to it. */
#include "compiler/dfx_flat_read.h"

#include "mapping/dataflow.h"

#include <stdlib.h>
#include <string.h>

/* Kernels that are unrolled to find one: of small files more. */
enum { UNROLLED_MAX = 20000000, TRIES_MIN = 4, TRIES_MAX = 1000 };

bool kpu_dfx_is_flat(const json_node *root)
{
    json_node node;
    return json_node_find(root, "operations", &node) && !json_node_find(root, "kernels", &node);
}

/* ---- Shapes ------------------------------------------------------------------------------- */

/* All dimensions but the last two number the matrices. */
static int64_t matrices_of(const kpu_dfx_tensor *tensor)
{
    int64_t matrices = 1;
    for (int d = 0; d < tensor->rank - 2; d++)
        if (kpu_mul_overflows(matrices, tensor->shape[d], &matrices))
            return INT64_MAX;
    return matrices;
}

static int check_shape(flat_file *file, int x)
{
    const kpu_dfx_tensor *tensor = &file->tensor[x];
    const int64_t *last = tensor->shape + tensor->rank - 2;
    bool turned = file->problem.transposed[x];
    int64_t rows = file->problem.dim[kpu_dfx_flat_dims[x][turned]];
    int64_t columns = file->problem.dim[kpu_dfx_flat_dims[x][!turned]];
    int64_t matrices = matrices_of(tensor);
    bool is_shared = x != KPU_C && matrices == 1;
    json_node tensors;
    json_node_find(&file->root, "tensors", &tensors);
    if (last[0] != rows || last[1] != columns)
        return json_node_complain(&tensors, "\"%.64s\" is %lld x %lld, but %s %s%lld x %lld",
                                  file->name[x], (long long)last[0], (long long)last[1],
                                  kpu_dfx_operand_names[x], turned ? "lies transposed as " : "is ",
                                  (long long)rows, (long long)columns);
    if (matrices > KPU_WORKLOAD_DIM_MAX || (!is_shared && matrices != file->batch))
        return json_node_complain(&tensors, "\"%.64s\" has %lld matrices, but \"%.64s\" %lld",
                                  file->name[x], (long long)matrices, file->name[KPU_C],
                                  (long long)file->batch);
    if (!is_shared || (tensor->rank > 2 && file->batch == 1))
        file->batch_stride[x] = tensor->rank > 2 ? rows * columns : 0;
    return KPU_OK;
}

static int check_shapes(flat_file *file)
{
    kpu_problem *problem = &file->problem;
    int partial = kpu_dtype_partial(file->tensor[KPU_A].dtype, file->tensor[KPU_B].dtype,
                                    file->tensor[KPU_C].dtype);
    problem->partial_bytes = kpu_dtype_bytes(partial);
    file->batch = matrices_of(&file->tensor[KPU_C]);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        problem->element_bytes[x] = kpu_dtype_bytes(file->tensor[x].dtype);
        problem->transposed[x] = file->turned[x] == 1;
    }
    json_node metadata;
    kpu_mapping m;
    kpu_candidate candidate;
    kpu_candidate_defaults(&candidate);
    memcpy(candidate.tile, file->tile, sizeof candidate.tile);
    kpu_mapping_make(&kpu_dfx_any_machine, problem, &candidate, &m);
    json_node_find(&file->root, "metadata", &metadata);
    if (m.broken >> KPU_LIMIT_INPUT & 1)
        return json_node_complain(&metadata, "%s", m.input_error);
    int status = KPU_OK;
    for (int x = 0; x < KPU_OPERANDS && !status; x++)
        status = check_shape(file, x);
    return status;
}

/* ---- Kernels ------------------------------------------------------------------------------ */

int kpu_dfx_flat_build(const flat_file *file, const kpu_mapping *mapping, kpu_dfx **out)
{
    char name[] = "MATMUL";
    kpu_node node = {.name = name};
    kpu_tensor tensors[KPU_OPERANDS];
    kpu_matmul matmul = {.problem = file->problem, .batch = file->batch};
    for (int x = 0; x < KPU_OPERANDS; x++) {
        const kpu_dfx_tensor *from = &file->tensor[x];
        tensors[x] = (kpu_tensor){.name = (char *)(uintptr_t)file->name[x], /* only read */
                                  .dtype = from->dtype,
                                  .rank = from->rank,
                                  .producer = x == KPU_C ? 0 : -1,
                                  .is_result = x == KPU_C};
        memcpy(tensors[x].shape, from->shape, sizeof from->shape);
        matmul.tensor[x] = x;
        matmul.dtype[x] = from->dtype;
        matmul.batch_stride[x] = file->batch_stride[x];
    }
    matmul.partial_dtype =
        kpu_dtype_partial(matmul.dtype[KPU_A], matmul.dtype[KPU_B], matmul.dtype[KPU_C]);
    const kpu_graph graph = {.name = (char *)(uintptr_t)file->graph_name,
                             .nodes = &node,
                             .node_count = 1,
                             .tensors = tensors,
                             .tensor_count = KPU_OPERANDS};
    const kpu_matmul_list matmuls = {.items = &matmul, .count = 1};
    const kpu_dfx_source source = {&graph, &matmuls, mapping, NULL};
    int status = kpu_dfx_build(&source, out, file->root.diag);
    if (!status)
        (*out)->kernels[0].hints.compute_cycles = file->compute_cycles;
    return status;
}

typedef struct finder {
    const flat_file *file;
    int64_t tries;   /* left */
    int status;      /* of the search itself */
    kpu_dfx *answer; /* the best one so far; NULL: none */
    bool is_exact;
    flat_difference difference; /* of the first that was tried */
    bool has_difference;
} finder;

/* What the windows of a mapping hold follows from its hoists. */
static void finish_mapping(const kpu_mapping *from, kpu_mapping *out)
{
    kpu_candidate c;
    kpu_candidate_defaults(&c);
    c.auto_residency = 0;
    c.dataflow = from->dataflow;
    c.swap = from->loop_dim[KPU_BLOCK_LOOPS] != kpu_dataflow_at(from->dataflow)->loops[0][0];
    for (int d = 0; d < KPU_DIMS; d++) {
        c.tile[d] = from->tile[d];
        c.block[d] = from->block[d];
        c.order[d] = from->loop_dim[d];
    }
    memcpy(c.hoist, from->hoist, sizeof c.hoist);
    kpu_mapping_make(&kpu_dfx_any_machine, &from->problem, &c, out);
}

static void keep_difference(finder *f, flat_difference *difference)
{
    if (f->has_difference) {
        kpu_text_fini(&difference->text);
        return;
    }
    f->difference = *difference;
    f->has_difference = true;
}

/* The exact one ends the search; one of another order is kept. */
static bool try_mapping(void *context, const kpu_mapping *half)
{
    finder *f = context;
    kpu_mapping m;
    kpu_dfx *dfx;
    flat_difference difference = {0};
    finish_mapping(half, &m);
    f->status = kpu_dfx_flat_build(f->file, &m, &dfx);
    if (f->status)
        return true;
    f->status = kpu_dfx_flat_compare(f->file, &dfx->kernels[0], &m, &difference);
    bool same = !f->status && difference.at == SIZE_MAX;
    f->is_exact = same && !difference.reordered;
    if (same && (f->is_exact || !f->answer)) {
        kpu_dfx_free(f->answer);
        f->answer = dfx;
        dfx = NULL;
    }
    kpu_dfx_free(dfx);
    keep_difference(f, &difference);
    return f->status || f->is_exact || --f->tries <= 0;
}

static int complain_of_difference(const finder *f)
{
    const flat_file *file = f->file;
    json_node node;
    if (f->difference.at == file->count)
        return json_node_complain(&file->list, "%s", f->difference.text.data);
    json_node_item(&file->list, f->difference.at, &node);
    return json_node_complain(&node, "%s", f->difference.text.data);
}

static int find_kernel(const flat_file *file, kpu_dfx **out)
{
    finder f = {.file = file, .tries = UNROLLED_MAX / (int64_t)file->count};
    f.tries = f.tries < TRIES_MIN ? TRIES_MIN : f.tries > TRIES_MAX ? TRIES_MAX : f.tries;
    int status = kpu_dfx_flat_search(&(flat_search){file, try_mapping, &f});
    if (!status && f.status == KPU_E_MEMORY)
        status = kpu_diag_add(file->root.diag, KPU_E_MEMORY, "out of memory");
    else if (!status && f.status == KPU_E_RANGE)
        status = json_node_complain(&file->list, "the loops have more than %d of them",
                                    KPU_DFX_FLAT_OPERATIONS_MAX);
    else if (!status)
        status = f.status;
    if (!status && !f.answer)
        status = complain_of_difference(&f);
    kpu_text_fini(&f.difference.text);
    if (status)
        kpu_dfx_free(f.answer);
    else
        *out = f.answer;
    return status;
}

/* ---- The whole file ----------------------------------------------------------------------- */

int kpu_dfx_read_flat(const json_node *root, kpu_dfx **out)
{
    flat_file file = {.root = *root};
    *out = NULL;
    int status = kpu_dfx_flat_read_head(&file);
    if (!status)
        status = kpu_dfx_flat_read_operations(&file);
    if (!status)
        status = check_shapes(&file);
    if (!status)
        status = find_kernel(&file, out);
    free(file.operations);
    return status;
}

int kpu_dfx_parse_flat(const char *path, const char *text, size_t bytes, kpu_dfx **out,
                       kpu_diag *diag)
{
    json_node root;
    *out = NULL;
    int status = json_node_parse(path, text, bytes, &root, diag);
    if (status)
        return status;
    status = kpu_dfx_read_flat(&root, out);
    json_node_free(&root);
    return status;
}
