#include "random_program.h"

#include "random_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *const node_names[RANDOM_KERNELS_MAX] = {"mm0", "2-input MATMUL", "\"quoted\" \\ name",
                                                     "d\xC3\xBCnn"};
static char *const tensor_names[RANDOM_TENSORS_MAX] = {"A",  "B",  "C",  "t.3", "t 4", "t5",
                                                       "t6", "t7", "t8", "t9",  "%1",  "end"};

static int32_t add_tensor(random_program *p, int dtype, int rank)
{
    int32_t index = (int32_t)p->graph.tensor_count++;
    p->tensors[index] =
        (kpu_tensor){.name = tensor_names[index], .dtype = dtype, .rank = rank, .producer = -1};
    return index;
}

/* Element types whose products can be summed, that of A given if it is not -1. */
static void draw_types(random_stream *random, int given, kpu_matmul *matmul)
{
    do {
        for (int x = 0; x < KPU_OPERANDS; x++)
            matmul->dtype[x] = (int)random_between(random, 0, KPU_DTYPES - 1);
        if (given >= 0)
            matmul->dtype[KPU_A] = given;
        matmul->partial_dtype =
            kpu_dtype_partial(matmul->dtype[KPU_A], matmul->dtype[KPU_B], matmul->dtype[KPU_C]);
    } while (matmul->partial_dtype < 0);
    for (int x = 0; x < KPU_OPERANDS; x++)
        matmul->problem.element_bytes[x] = kpu_dtype_bytes(matmul->dtype[x]);
    matmul->problem.partial_bytes = kpu_dtype_bytes(matmul->partial_dtype);
}

/* A candidate that fits its machine; false if this draw has none. `from` is a tensor of an earlier
 * kernel that is read as A. */
static bool lay_out(random_stream *random, const kpu_tensor *from, random_program *p, size_t at)
{
    random_case c;
    kpu_problem *problem = &p->items[at].problem;
    random_case_draw(random->seed + 1, random->stream * 1000 + random->index++, &c);
    memcpy(problem->dim, c.problem.dim, sizeof problem->dim);
    if (from) {
        const int64_t *last = from->shape + from->rank - 2;
        problem->dim[KPU_M] = last[problem->transposed[KPU_A]];
        problem->dim[KPU_K] = last[!problem->transposed[KPU_A]];
    }
    p->machines[at] = c.machine;
    kpu_mapping_make(&c.machine, problem, &c.candidate, &p->mappings[at]);
    return !p->mappings[at].broken;
}

static void set_shape(kpu_matmul *matmul, int x, kpu_tensor *tensor)
{
    static const uint8_t dims[KPU_OPERANDS][2] = {
        [KPU_A] = {KPU_M, KPU_K}, [KPU_B] = {KPU_K, KPU_N}, [KPU_C] = {KPU_M, KPU_N}};
    bool turned = matmul->problem.transposed[x];
    int64_t *last = tensor->shape + tensor->rank - 2;
    last[0] = matmul->problem.dim[dims[x][turned]];
    last[1] = matmul->problem.dim[dims[x][!turned]];
    if (tensor->rank > 2)
        tensor->shape[0] = matmul->batch;
    matmul->batch_stride[x] = tensor->rank > 2 ? last[0] * last[1] : 0;
}

static void draw_kernel(random_stream *random, random_program *p, size_t at)
{
    kpu_matmul *matmul = &p->items[at];
    int32_t from = -1;
    if (at > 0 && random_chance(random, 60)) /* the result of an earlier one */
        from = p->items[random_between(random, 0, (int64_t)at - 1)].tensor[KPU_C];
    const kpu_tensor *earlier = from >= 0 ? &p->tensors[from] : NULL;
    bool fits;
    do {
        *matmul = (kpu_matmul){.node = (int32_t)at, .batch = 1};
        draw_types(random, earlier ? earlier->dtype : -1, matmul);
        for (int x = KPU_A; x <= KPU_B; x++)
            matmul->problem.transposed[x] = random_chance(random, 25);
        fits = lay_out(random, earlier, p, at);
    } while (!fits);
    if (earlier)
        matmul->batch = earlier->rank > 2 ? earlier->shape[0] : 1;
    else if (random_chance(random, 30))
        matmul->batch = random_between(random, 1, 5);
    bool batched = earlier ? earlier->rank > 2 : matmul->batch > 1;
    bool shared = batched && random_chance(random, 50); /* one B for all */
    matmul->tensor[KPU_A] = earlier ? from : add_tensor(p, matmul->dtype[KPU_A], batched ? 3 : 2);
    matmul->tensor[KPU_B] = add_tensor(p, matmul->dtype[KPU_B], batched && !shared ? 3 : 2);
    matmul->tensor[KPU_C] = add_tensor(p, matmul->dtype[KPU_C], batched ? 3 : 2);
    for (int x = 0; x < KPU_OPERANDS; x++)
        set_shape(matmul, x, &p->tensors[matmul->tensor[x]]);
    p->tensors[matmul->tensor[KPU_B]].is_constant = random_chance(random, 50);
    p->tensors[matmul->tensor[KPU_C]].producer = (int32_t)at;
    p->tensors[matmul->tensor[KPU_C]].is_result = random_chance(random, 50);
    p->nodes[at] = (kpu_node){.name = node_names[at]};
}

void random_program_draw(uint64_t seed, uint64_t number, random_program *p)
{
    random_stream random = {.seed = seed, .stream = number, .index = UINT64_C(1) << 40};
    memset(p, 0, sizeof *p);
    p->graph = (kpu_graph){.name = "random", .nodes = p->nodes, .tensors = p->tensors};
    p->graph.node_count = (size_t)random_between(&random, 1, RANDOM_KERNELS_MAX);
    random.index = 0;
    for (size_t at = 0; at < p->graph.node_count; at++)
        draw_kernel(&random, p, at);
    p->matmuls = (kpu_matmul_list){.items = p->items, .count = p->graph.node_count};
}

kpu_dfx *random_program_build(const random_program *p)
{
    kpu_dfx *dfx = NULL;
    kpu_diag diag = {0};
    kpu_dfx_source source = {&p->graph, &p->matmuls, p->mappings, &p->machines[0]};
    if (kpu_dfx_build(&source, &dfx, &diag) != KPU_OK) {
        char *text = kpu_diag_render(&diag);
        printf("%s", text ? text : "out of memory\n");
        free(text);
    }
    kpu_diag_fini(&diag);
    return dfx;
}
