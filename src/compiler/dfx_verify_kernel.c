/* Whether one kernel is legal: its words and sizes, its tensors, its loops, its allocations. */
#include "compiler/dfx_private.h"

#include "mapping/dataflow.h"

#include <math.h>
#include <string.h>

typedef struct kernel_check {
    kpu_dfx_check *check;
    size_t index;
    const kpu_dfx_kernel *of;
    kpu_dfx_part_id id;
} kernel_check;

/* ---- Words and sizes ---------------------------------------------------------------------- */

typedef struct limited {
    const char *what;
    int64_t value, min, max;
} limited;

static bool check_ranges(const kernel_check *k, const limited *ranges, size_t count)
{
    bool fine = true;
    for (size_t i = 0; i < count; i++)
        if (ranges[i].value < ranges[i].min || ranges[i].value > ranges[i].max) {
            kpu_dfx_complain(k->check, k->id, "%s is %lld: expected %lld to %lld", ranges[i].what,
                             (long long)ranges[i].value, (long long)ranges[i].min,
                             (long long)ranges[i].max);
            fine = false;
        }
    return fine;
}

static bool check_words(const kernel_check *k)
{
    const kpu_dfx_kernel *of = k->of;
    const int64_t tensors = (int64_t)k->check->dfx->tensor_count;
    const limited ranges[] = {
        {"A (the number of a tensor)", of->tensor[KPU_A], 0, tensors - 1},
        {"B (the number of a tensor)", of->tensor[KPU_B], 0, tensors - 1},
        {"C (the number of a tensor)", of->tensor[KPU_C], 0, tensors - 1},
        {"element type of A", of->dtype[KPU_A], 0, KPU_DTYPES - 1},
        {"element type of B", of->dtype[KPU_B], 0, KPU_DTYPES - 1},
        {"element type of C", of->dtype[KPU_C], 0, KPU_DTYPES - 1},
        {"type of partial sums", of->partial_dtype, 0, KPU_DTYPES - 1},
        {"M", of->dim[KPU_M], 1, KPU_WORKLOAD_DIM_MAX},
        {"N", of->dim[KPU_N], 1, KPU_WORKLOAD_DIM_MAX},
        {"K", of->dim[KPU_K], 1, KPU_WORKLOAD_DIM_MAX},
        {"batch", of->batch, 1, KPU_WORKLOAD_DIM_MAX},
        {"dataflow", of->dataflow, 0, KPU_DATAFLOWS - 1},
        {"control", of->control, 0, KPU_CONTROLS - 1},
        {"eddo_window", of->eddo_window, 1, INT64_MAX},
        {"l1_buffers", of->l1_buffers, 1, INT64_MAX},
        {"number of allocations", (int64_t)of->allocation_count, 0, KPU_OPERANDS * 3},
        {"number of operations", (int64_t)of->operation_count, 0, KPU_DFX_OPERATIONS_MAX},
    };
    return check_ranges(k, ranges, sizeof ranges / sizeof *ranges);
}

/* ---- Tensors ------------------------------------------------------------------------------ */

static bool check_types(const kernel_check *k)
{
    const kpu_dfx_kernel *of = k->of;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        const kpu_dfx_tensor *tensor = &k->check->dfx->tensors[of->tensor[x]];
        if (tensor->dtype != of->dtype[x])
            kpu_dfx_complain(k->check, k->id, "element type of %s is %s, but tensor '%s' has %s",
                             kpu_dfx_operand_names[x], kpu_dtype_name(of->dtype[x]), tensor->name,
                             kpu_dtype_name(tensor->dtype));
    }
    int partial = kpu_dtype_partial(of->dtype[KPU_A], of->dtype[KPU_B], of->dtype[KPU_C]);
    if (partial < 0)
        kpu_dfx_complain(k->check, k->id, "%s times %s as %s is no product of ours",
                         kpu_dtype_name(of->dtype[KPU_A]), kpu_dtype_name(of->dtype[KPU_B]),
                         kpu_dtype_name(of->dtype[KPU_C]));
    else if (of->partial_dtype != partial)
        kpu_dfx_complain(k->check, k->id, "sums of %s times %s are kept as %s: expected %s",
                         kpu_dtype_name(of->dtype[KPU_A]), kpu_dtype_name(of->dtype[KPU_B]),
                         kpu_dtype_name(of->partial_dtype), kpu_dtype_name(partial));
    return partial >= 0;
}

/* Elements from one matrix of a batch to the next: all of one, or none if it is the same for all.
 */
static void check_stride(const kernel_check *k, int x, int64_t matrix)
{
    const kpu_dfx_kernel *of = k->of;
    bool may_be_none = x != KPU_C || of->batch == 1;
    if (of->batch_stride[x] != matrix && !(may_be_none && of->batch_stride[x] == 0))
        kpu_dfx_complain(k->check, k->id, "batch_stride of %s is %lld: expected %s%lld",
                         kpu_dfx_operand_names[x], (long long)of->batch_stride[x],
                         may_be_none ? "0 or " : "", (long long)matrix);
}

/* The last two dimensions of a tensor are a matrix, the others number those of a batch. */
static void check_shape(const kernel_check *k, int x)
{
    static const uint8_t dims[KPU_OPERANDS][2] = {
        [KPU_A] = {KPU_M, KPU_K}, [KPU_B] = {KPU_K, KPU_N}, [KPU_C] = {KPU_M, KPU_N}};
    const kpu_dfx_kernel *of = k->of;
    const kpu_dfx_tensor *tensor = &k->check->dfx->tensors[of->tensor[x]];
    int64_t rows = of->dim[dims[x][of->transposed[x] ? 1 : 0]];
    int64_t columns = of->dim[dims[x][of->transposed[x] ? 0 : 1]];
    int64_t wanted = of->batch_stride[x] == 0 && x != KPU_C ? 1 : of->batch, matrices = 1;
    for (int i = 0; i < tensor->rank - 2; i++)
        matrices *= tensor->shape[i];
    const int64_t *last = tensor->shape + tensor->rank - 2;
    if (tensor->rank < 2 || last[0] != rows || last[1] != columns || matrices != wanted)
        kpu_dfx_complain(k->check, k->id,
                         "%s is %lld times %lld x %lld, which is not the shape of tensor '%s'",
                         kpu_dfx_operand_names[x], (long long)wanted, (long long)rows,
                         (long long)columns, tensor->name);
    else
        check_stride(k, x, rows * columns);
}

static void check_tensors(const kernel_check *k)
{
    const kpu_dfx_kernel *of = k->of;
    if (of->transposed[KPU_C])
        kpu_dfx_complain(k->check, k->id, "C is transposed: only A and B can be");
    for (int x = 0; x < KPU_OPERANDS; x++)
        check_shape(k, x);
    for (int x = KPU_A; x <= KPU_B; x++)
        if (of->tensor[x] == of->tensor[KPU_C])
            kpu_dfx_complain(k->check, k->id, "reads and writes '%s'",
                             k->check->dfx->tensors[of->tensor[x]].name);
}

/* ---- Loops -------------------------------------------------------------------------------- */

static bool is_variable(const char *var)
{
    size_t length = strspn(var, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return length > 0 && length <= KPU_DFX_VAR_MAX && var[length] == '\0' &&
           !(var[0] >= '0' && var[0] <= '9');
}

static void check_variable(const kernel_check *k, size_t at)
{
    const kpu_dfx_loop *loops = k->of->loops;
    const kpu_dfx_part_id id = {KPU_DFX_PART_LOOP, k->index, at};
    if (memchr(loops[at].var, '\0', sizeof loops[at].var) == NULL || !is_variable(loops[at].var))
        kpu_dfx_complain(k->check, id,
                         "its variable is no name: expected a letter or _, then letters, digits "
                         "and _, at most %d in all",
                         KPU_DFX_VAR_MAX);
    for (size_t i = 0; i < at; i++)
        if (strcmp(loops[i].var, loops[at].var) == 0)
            kpu_dfx_complain(k->check, id, "variable '%s' is that of loop %zu too", loops[at].var,
                             i + 1);
}

/* Three loops, one over each dimension. */
static bool check_dimensions(const kernel_check *k, size_t first)
{
    unsigned seen = 0;
    for (size_t i = first; i < first + KPU_DIMS; i++) {
        const kpu_dfx_part_id id = {KPU_DFX_PART_LOOP, k->index, i};
        if (k->of->loops[i].dim >= KPU_DIMS) {
            kpu_dfx_complain(k->check, id, "dimension %d: expected 0 to %d", k->of->loops[i].dim,
                             KPU_DIMS - 1);
            return false;
        }
        if (seen >> k->of->loops[i].dim & 1) {
            kpu_dfx_complain(k->check, id, "a second %s loop over %s",
                             first == 0 ? "block" : "tile",
                             kpu_dfx_dimension_names[k->of->loops[i].dim]);
            return false;
        }
        seen |= 1u << k->of->loops[i].dim;
    }
    return true;
}

/* From 0 to the dimension (a block loop) or to the end of the first block (a tile loop). */
static bool check_bounds(const kernel_check *k, size_t at, int64_t end)
{
    const kpu_dfx_loop *loop = &k->of->loops[at];
    const kpu_dfx_part_id id = {KPU_DFX_PART_LOOP, k->index, at};
    bool fine = loop->start == 0 && loop->end == end && loop->step >= 1 && loop->step <= end;
    if (loop->start != 0 || loop->end != end)
        kpu_dfx_complain(k->check, id, "runs from %lld to %lld: expected 0 to %lld",
                         (long long)loop->start, (long long)loop->end, (long long)end);
    if (loop->step < 1 || loop->step > end)
        kpu_dfx_complain(k->check, id, "step %lld: expected 1 to %lld", (long long)loop->step,
                         (long long)end);
    return fine;
}

static bool check_block(const kernel_check *k, size_t at)
{
    const kpu_dfx_loop *tile = &k->of->loops[at], *block = k->of->loops;
    while (block->dim != tile->dim)
        block++;
    if (!check_bounds(k, (size_t)(block - k->of->loops), k->of->dim[block->dim]) ||
        !check_bounds(k, at, block->step))
        return false;
    bool fine = block->step == k->of->dim[block->dim] || block->step % tile->step == 0;
    if (!fine)
        kpu_dfx_complain(k->check, (kpu_dfx_part_id){KPU_DFX_PART_LOOP, k->index, at},
                         "step %lld: a block of %lld is no whole number of tiles",
                         (long long)tile->step, (long long)block->step);
    return fine;
}

/* The order of the tile loops is one that the dataflow has. */
static bool check_dataflow(const kernel_check *k)
{
    const kpu_dfx_loop *tile = &k->of->loops[KPU_BLOCK_LOOPS];
    const kpu_dataflow *flow = kpu_dataflow_at(k->of->dataflow);
    for (int swap = 0; swap < 2; swap++) {
        const uint8_t *dims = flow->loops[swap];
        if (tile[0].dim == dims[0] && tile[1].dim == dims[1] && tile[2].dim == dims[2])
            return true;
    }
    kpu_dfx_complain(k->check, k->id, "tile loops over %s, %s, %s are not those of %s",
                     kpu_dfx_dimension_names[tile[0].dim], kpu_dfx_dimension_names[tile[1].dim],
                     kpu_dfx_dimension_names[tile[2].dim], kpu_dfx_dataflow_names[k->of->dataflow]);
    return false;
}

static bool check_loops(const kernel_check *k)
{
    for (size_t i = 0; i < KPU_NEST; i++)
        check_variable(k, i);
    if (!check_dimensions(k, 0) || !check_dimensions(k, KPU_BLOCK_LOOPS))
        return false;
    bool fine = true;
    for (size_t i = KPU_BLOCK_LOOPS; i < KPU_NEST; i++)
        fine = check_block(k, i) && fine;
    return check_dataflow(k) && fine;
}

/* ---- Allocations -------------------------------------------------------------------------- */

static void check_allocation(const kernel_check *k, size_t at, const kpu_dfx_allocation *wanted)
{
    const kpu_dfx_allocation *a = &k->of->allocations[at];
    const kpu_dfx_part_id id = {KPU_DFX_PART_ALLOCATION, k->index, at};
    if (a->operand != wanted->operand || a->level != wanted->level)
        kpu_dfx_complain(k->check, id, "expected that of %s at %s",
                         kpu_dfx_operand_names[wanted->operand],
                         kpu_dfx_level_names[wanted->level]);
    if (a->hint >= KPU_DFX_HINTS)
        kpu_dfx_complain(k->check, id, "hint number %d is none", a->hint);
    if (a->tiles != wanted->tiles)
        kpu_dfx_complain(k->check, id, "%lld tiles: the largest window has %lld",
                         (long long)a->tiles, (long long)wanted->tiles);
    if (a->buffers != wanted->buffers)
        kpu_dfx_complain(k->check, id, "%lld buffers: expected %lld", (long long)a->buffers,
                         (long long)wanted->buffers);
    if (a->size_bytes != wanted->size_bytes)
        kpu_dfx_complain(k->check, id, "size_bytes is %lld: expected %lld",
                         (long long)a->size_bytes, (long long)wanted->size_bytes);
}

/* The rings that the loops, hoists and buffers ask for, level by level. */
static void check_allocations(const kernel_check *k)
{
    const kpu_dfx_kernel *of = k->of;
    const size_t rings = KPU_OPERANDS * KPU_HOIST_LEVELS;
    kpu_problem problem;
    kpu_candidate candidate;
    kpu_mapping m;
    kpu_dfx_allocation wanted[KPU_OPERANDS * 3];
    kpu_dfx_kernel_problem(of, &problem);
    kpu_dfx_kernel_candidate(of, &candidate);
    kpu_mapping_make(&kpu_dfx_any_machine, &problem, &candidate, &m);
    if (m.broken >> KPU_LIMIT_INPUT & 1) {
        kpu_dfx_complain(k->check, k->id, "%s", m.input_error);
        return;
    }
    size_t count = kpu_dfx_make_allocations(&m, wanted);
    if (of->allocation_count != count) {
        kpu_dfx_complain(k->check, k->id, "%zu allocations: expected %zu", of->allocation_count,
                         count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        check_allocation(k, i, &wanted[i]);
    for (size_t i = 0; i < rings; i++)
        if (wanted[i].size_bytes == INT64_MAX)
            kpu_dfx_complain(k->check, (kpu_dfx_part_id){KPU_DFX_PART_ALLOCATION, k->index, i},
                             "more bytes than can be counted");
}

/* ---- Hints -------------------------------------------------------------------------------- */

static void check_hints(const kernel_check *k)
{
    const kpu_dfx_kernel_hints *h = &k->of->hints;
    const limited ranges[] = {
        {"hint dram_bytes", h->dram_bytes, 0, INT64_MAX},
        {"hint l3_l2_bytes", h->l3_l2_bytes, 0, INT64_MAX},
        {"hint l2_l1_bytes", h->l2_l1_bytes, 0, INT64_MAX},
        {"hint compute_cycles", h->compute_cycles, 0, INT64_MAX},
        {"hint parallelism_degree", h->parallelism_degree, 0, INT64_MAX},
    };
    check_ranges(k, ranges, sizeof ranges / sizeof *ranges);
    const double reals[] = {h->arithmetic_intensity, h->reuse[KPU_A], h->reuse[KPU_B],
                            h->reuse[KPU_C]};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        if (!isfinite(reals[i]) || signbit(reals[i]))
            kpu_dfx_complain(k->check, k->id, "hint %s is %g: expected a finite number from 0 on",
                             i == 0 ? "arithmetic_intensity" : "reuse", reals[i]);
    const char *end = memchr(h->machine, '\0', sizeof h->machine);
    if (!end ||
        kpu_text_first_junk(h->machine, (size_t)(end - h->machine)) < (size_t)(end - h->machine))
        kpu_dfx_complain(k->check, k->id, "hint machine is no text of at most %d bytes",
                         KPU_MACHINE_NAME_MAX);
}

bool kpu_dfx_check_kernel(kpu_dfx_check *check, size_t index)
{
    const kernel_check k = {check, index, &check->dfx->kernels[index],
                            (kpu_dfx_part_id){KPU_DFX_PART_KERNEL, index, 0}};
    if (!check_words(&k))
        return false;
    check_hints(&k);
    if (check_types(&k))
        check_tensors(&k);
    if (check_loops(&k) && kpu_dfx_check_body(check, index))
        check_allocations(&k);
    return true;
}
