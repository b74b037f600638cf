/* Matrix multiplications and their mappings -> a program. */
#include "compiler/dfx_private.h"

#include "mapping/nest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows and columns cancel out of all that is asked of it. */
const kpu_machine kpu_dfx_any_machine = {.fabric_rows = 1, .fabric_cols = 1, .registers_per_pe = 1};

/* ---- Allocations -------------------------------------------------------------------------- */

/* A window that holds every tile stays for the whole kernel. */
static uint8_t allocation_hint(const kpu_mapping *m, int operand, int64_t window_tiles)
{
    int64_t all = 1;
    for (int d = 0; d < KPU_DIMS; d++)
        if (kpu_operand_dims[operand] >> d & 1)
            all *= m->tiles[d];
    return window_tiles == all ? KPU_DFX_PERSISTENT : KPU_DFX_TEMPORARY;
}

size_t kpu_dfx_make_allocations(const kpu_mapping *m, kpu_dfx_allocation out[KPU_OPERANDS * 3])
{
    static const uint8_t levels[KPU_HOIST_LEVELS] = {
        [KPU_HOIST_L3] = KPU_DFX_L3, [KPU_HOIST_L2] = KPU_DFX_L2};
    size_t count = 0;
    for (int level = 0; level < KPU_HOIST_LEVELS; level++)
        for (int x = 0; x < KPU_OPERANDS; x++)
            out[count++] = (kpu_dfx_allocation){
                .operand = (uint8_t)x,
                .level = levels[level],
                .tiles = m->window_tiles[x][level],
                .buffers = m->buffers[x][level],
                .size_bytes = kpu_mul_saturate(m->slots[x][level], m->slot_bytes[x]),
                .hint = allocation_hint(m, x, m->window_tiles[x][level]),
            };
    int stationary = kpu_dataflow_stationary(kpu_dataflow_at(m->dataflow));
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (x != stationary)
            out[count++] = (kpu_dfx_allocation){
                .operand = (uint8_t)x,
                .level = KPU_DFX_L1,
                .tiles = 1,
                .buffers = m->l1_buffers,
                .size_bytes = kpu_mul_saturate(m->l1_buffers, m->slot_bytes[x]),
                .hint = KPU_DFX_TEMPORARY,
            };
    return count;
}

/* ---- Hints -------------------------------------------------------------------------------- */

/* Passes of all tiles along a dimension, summed. */
static int64_t total_passes(const kpu_mapping *m, int dim, int64_t side)
{
    int64_t full = m->tiles[dim] - 1;
    int64_t edge = m->problem.dim[dim] - full * m->tile[dim];
    return full * kpu_ceil_div(m->tile[dim], side) + kpu_ceil_div(edge, side);
}

/* Section 5 of docs/model.md, summed over all steps: every pass costs its depth and its fill. */
static int64_t compute_cycles(const kpu_machine *machine, const kpu_mapping *m)
{
    const kpu_dataflow *flow = kpu_dataflow_at(m->dataflow);
    int depth_dim = kpu_dataflow_depth_dim(flow);
    int64_t passes = kpu_mul_saturate(total_passes(m, flow->row_dim, machine->fabric_rows),
                                      total_passes(m, flow->col_dim, machine->fabric_cols));
    int64_t fill = kpu_machine_fill_cycles(machine, flow->unpipelined_row_fills);
    int64_t depth =
        kpu_add_saturate(m->problem.dim[depth_dim], kpu_mul_saturate(m->tiles[depth_dim], fill));
    return kpu_mul_saturate(passes, depth);
}

void kpu_dfx_make_hints(const kpu_machine *machine, const kpu_mapping *m, kpu_dfx_kernel_hints *out)
{
    kpu_traffic traffic;
    kpu_mapping_traffic(machine ? machine : &kpu_dfx_any_machine, m, &traffic);
    memset(out, 0, sizeof *out);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        int64_t dram = traffic.dram_read[x] + traffic.dram_write[x];
        int64_t l3_l2 = traffic.l3_to_l2[x] + traffic.l2_to_l3[x];
        out->dram_bytes += dram;
        out->l3_l2_bytes += l3_l2;
        out->l2_l1_bytes += traffic.l2_to_l1[x] + traffic.l1_to_l2[x];
        out->reuse[x] = (double)l3_l2 / (double)dram;
    }
    out->parallelism_degree = m->tiles[KPU_M] * m->tiles[KPU_N];
    const int64_t *dim = m->problem.dim;
    out->arithmetic_intensity =
        (double)(dim[KPU_M] * dim[KPU_N] * dim[KPU_K]) / (double)out->dram_bytes;
    if (machine) {
        out->compute_cycles = compute_cycles(machine, m);
        memcpy(out->machine, machine->name, sizeof out->machine);
    }
}

/* ---- Kernels ------------------------------------------------------------------------------ */

static void build_loops(const kpu_mapping *m, kpu_dfx_kernel *kernel)
{
    static const char *const vars[2][KPU_DIMS] = {{"mb", "nb", "kb"}, {"m", "n", "k"}};
    for (int i = 0; i < KPU_NEST; i++) {
        int dim = m->loop_dim[i];
        bool is_tile = i >= KPU_BLOCK_LOOPS;
        kpu_dfx_loop *loop = &kernel->loops[i];
        snprintf(loop->var, sizeof loop->var, "%s", vars[is_tile][dim]);
        loop->dim = (uint8_t)dim;
        loop->start = 0;
        loop->end = is_tile ? m->block[dim] : m->problem.dim[dim];
        loop->step = is_tile ? m->tile[dim] : m->block[dim];
    }
}

static void build_body(const kpu_mapping *m, kpu_dfx_kernel *kernel)
{
    kpu_dfx_body_shape shape = {.dataflow = (int)m->dataflow, .accumulate = m->tiles[KPU_K] > 1};
    for (int x = 0; x < KPU_OPERANDS; x++) {
        shape.transposed[x] = m->problem.transposed[x];
        for (int level = 0; level < KPU_HOIST_LEVELS; level++)
            shape.hoist[x][level] = (uint8_t)m->hoist[x][level];
    }
    kpu_dfx_make_body(&shape, kernel->operations);
    kernel->operation_count = KPU_DFX_BODY;
}

typedef struct builder {
    const kpu_dfx_source *source;
    kpu_dfx *dfx;
    int32_t *tensor_of; /* index in the program of each tensor of the graph; -1: not touched */
    int32_t *writer_of; /* kernel that writes each tensor of the program; -1: none so far */
} builder;

static uint8_t role_of(const kpu_tensor *tensor)
{
    if (tensor->producer < 0)
        return tensor->is_constant ? KPU_DFX_CONSTANT : KPU_DFX_INPUT;
    return tensor->is_result ? KPU_DFX_OUTPUT : KPU_DFX_INTERMEDIATE;
}

static int build_tensors(builder *b)
{
    const kpu_graph *graph = b->source->graph;
    for (size_t t = 0; t < graph->tensor_count; t++) {
        if (b->tensor_of[t] < 0)
            continue;
        const kpu_tensor *from = &graph->tensors[t];
        kpu_dfx_tensor *to = kpu_dfx_add_tensor(b->dfx, from->name);
        if (!to)
            return KPU_E_MEMORY;
        to->dtype = from->dtype;
        to->rank = from->rank;
        memcpy(to->shape, from->shape, (size_t)from->rank * sizeof *to->shape);
        to->role = role_of(from);
        b->tensor_of[t] = (int32_t)b->dfx->tensor_count - 1;
    }
    return KPU_OK;
}

/* Kernels that write what this one reads, ascending, each once. */
static int build_dependencies(builder *b, size_t index)
{
    kpu_dfx_kernel *kernel = &b->dfx->kernels[index];
    int32_t first = b->writer_of[kernel->tensor[KPU_A]];
    int32_t second = b->writer_of[kernel->tensor[KPU_B]];
    if (first > second) {
        int32_t swap = first;
        first = second;
        second = swap;
    }
    b->writer_of[kernel->tensor[KPU_C]] = (int32_t)index;
    if (second < 0)
        return KPU_OK;
    kernel->depends_on = malloc(2 * sizeof *kernel->depends_on);
    if (!kernel->depends_on)
        return KPU_E_MEMORY;
    if (first >= 0 && first != second)
        kernel->depends_on[kernel->depends_count++] = first;
    kernel->depends_on[kernel->depends_count++] = second;
    return KPU_OK;
}

/* A node that becomes several kernels gives them its name and a number. */
static kpu_dfx_kernel *add_kernel(builder *b, size_t index)
{
    const kpu_matmul *items = b->source->matmuls->items;
    const char *node = b->source->graph->nodes[items[index].node].name;
    size_t earlier = 0;
    while (earlier < index && items[index - earlier - 1].node == items[index].node)
        earlier++;
    if (earlier == 0)
        return kpu_dfx_add_kernel(b->dfx, node);
    kpu_text name = {0};
    kpu_text_format(&name, "%s#%zu", node, earlier + 1);
    kpu_dfx_kernel *kernel = name.failed ? NULL : kpu_dfx_add_kernel(b->dfx, name.data);
    kpu_text_fini(&name);
    return kernel;
}

static int build_kernel(builder *b, size_t index)
{
    const kpu_matmul *matmul = &b->source->matmuls->items[index];
    const kpu_mapping *m = &b->source->mappings[index];
    kpu_dfx_kernel *kernel = add_kernel(b, index);
    if (!kernel)
        return KPU_E_MEMORY;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        kernel->tensor[x] = b->tensor_of[matmul->tensor[x]];
        kernel->dtype[x] = matmul->dtype[x];
        kernel->transposed[x] = matmul->problem.transposed[x];
        kernel->batch_stride[x] = matmul->batch_stride[x];
    }
    kernel->partial_dtype = matmul->partial_dtype;
    memcpy(kernel->dim, matmul->problem.dim, sizeof kernel->dim);
    kernel->batch = matmul->batch;
    kernel->dataflow = (uint8_t)m->dataflow;
    kernel->control = (uint8_t)m->control;
    kernel->eddo_window = m->eddo_window;
    kernel->l1_buffers = m->l1_buffers;
    build_loops(m, kernel);
    kernel->allocation_count = kpu_dfx_make_allocations(m, kernel->allocations);
    build_body(m, kernel);
    kpu_dfx_make_hints(b->source->machine, m, &kernel->hints);
    return build_dependencies(b, index);
}

static int build(builder *b)
{
    const kpu_matmul_list *matmuls = b->source->matmuls;
    for (size_t i = 0; i < matmuls->count; i++)
        for (int x = 0; x < KPU_OPERANDS; x++)
            b->tensor_of[matmuls->items[i].tensor[x]] = 0;
    int code = build_tensors(b);
    for (size_t i = 0; i < matmuls->count && code == KPU_OK; i++)
        code = build_kernel(b, i);
    return code;
}

int kpu_dfx_build(const kpu_dfx_source *source, kpu_dfx **out, kpu_diag *diag)
{
    size_t tensors = source->graph->tensor_count;
    *out = NULL;
    if (source->matmuls->count > KPU_DFX_KERNELS_MAX)
        return kpu_diag_add(diag, KPU_E_RANGE, "%zu matrix multiplications: at most %d are allowed",
                            source->matmuls->count, KPU_DFX_KERNELS_MAX);
    builder b = {.source = source, .dfx = kpu_dfx_new(source->graph->name)};
    b.tensor_of = malloc((tensors + 1) * sizeof *b.tensor_of);
    b.writer_of = malloc((tensors + 1) * sizeof *b.writer_of);
    int code = KPU_E_MEMORY;
    if (b.dfx && b.tensor_of && b.writer_of) {
        for (size_t t = 0; t < tensors; t++)
            b.tensor_of[t] = b.writer_of[t] = -1;
        code = build(&b);
    }
    free(b.tensor_of);
    free(b.writer_of);
    if (code == KPU_E_MEMORY)
        kpu_diag_add(diag, code, "out of memory");
    else
        code = kpu_dfx_verify(b.dfx, NULL, diag);
    if (code == KPU_OK)
        *out = b.dfx;
    else
        kpu_dfx_free(b.dfx);
    return code;
}
