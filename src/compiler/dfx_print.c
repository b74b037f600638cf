/* A program as text (docs/dfx.md). */
#include "compiler/dfx_private.h"

#define INT(value) (long long)(value)

static void print_tensor(const kpu_dfx_tensor *tensor, kpu_text *out)
{
    kpu_text_put(out, "tensor ");
    kpu_text_put_json_string(out, tensor->name);
    kpu_text_format(out, " %s [", kpu_dtype_name(tensor->dtype));
    for (int i = 0; i < tensor->rank; i++)
        kpu_text_format(out, "%s%lld", i ? ", " : "", INT(tensor->shape[i]));
    kpu_text_format(out, "] %s\n", kpu_dfx_role_names[tensor->role]);
}

static void print_operand(const kpu_dfx *dfx, const kpu_dfx_kernel *kernel, int x, kpu_text *out)
{
    kpu_text_format(out, "  %s ", kpu_dfx_operand_names[x]);
    kpu_text_put_json_string(out, dfx->tensors[kernel->tensor[x]].name);
    kpu_text_format(out, " %s", kpu_dtype_name(kernel->dtype[x]));
    if (x == KPU_C)
        kpu_text_format(out, " partial %s", kpu_dtype_name(kernel->partial_dtype));
    if (kernel->transposed[x])
        kpu_text_put(out, " transposed");
    if (kernel->batch_stride[x] != 0)
        kpu_text_format(out, " batch_stride %lld", INT(kernel->batch_stride[x]));
    kpu_text_put(out, "\n");
}

static void print_settings(const kpu_dfx *dfx, const kpu_dfx_kernel *kernel, kpu_text *out)
{
    kpu_text_format(out, "  M %lld N %lld K %lld\n", INT(kernel->dim[KPU_M]),
                    INT(kernel->dim[KPU_N]), INT(kernel->dim[KPU_K]));
    for (int x = 0; x < KPU_OPERANDS; x++)
        print_operand(dfx, kernel, x, out);
    kpu_text_format(out, "  batch %lld\n", INT(kernel->batch));
    if (kernel->depends_count > 0)
        kpu_text_put(out, "  after");
    for (size_t i = 0; i < kernel->depends_count; i++) {
        kpu_text_put(out, i ? ", " : " ");
        kpu_text_put_json_string(out, dfx->kernels[kernel->depends_on[i]].name);
    }
    if (kernel->depends_count > 0)
        kpu_text_put(out, "\n");
    kpu_text_format(out, "  dataflow %s\n  control %s\n  eddo_window %lld\n  l1_buffers %lld\n",
                    kpu_dfx_dataflow_names[kernel->dataflow], kpu_control_names[kernel->control],
                    INT(kernel->eddo_window), INT(kernel->l1_buffers));
}

static void print_hints(const kpu_dfx_kernel_hints *hints, kpu_text *out)
{
    kpu_text_format(out,
                    "  hint dram_bytes %lld\n  hint l3_l2_bytes %lld\n  hint l2_l1_bytes %lld\n"
                    "  hint compute_cycles %lld\n  hint parallelism_degree %lld\n",
                    INT(hints->dram_bytes), INT(hints->l3_l2_bytes), INT(hints->l2_l1_bytes),
                    INT(hints->compute_cycles), INT(hints->parallelism_degree));
    kpu_text_put(out, "  hint arithmetic_intensity ");
    kpu_text_put_double(out, hints->arithmetic_intensity);
    kpu_text_put(out, "\n  hint reuse");
    for (int x = 0; x < KPU_OPERANDS; x++) {
        kpu_text_put(out, x ? ", " : " ");
        kpu_text_put_double(out, hints->reuse[x]);
    }
    kpu_text_put(out, "\n  hint machine ");
    kpu_text_put_json_string(out, hints->machine);
    kpu_text_put(out, "\n");
}

static void print_allocation(const kpu_dfx_allocation *a, kpu_text *out)
{
    kpu_text_format(out, "  allocate %s %s tiles %lld buffers %lld size_bytes %lld %s\n",
                    kpu_dfx_operand_names[a->operand], kpu_dfx_level_names[a->level], INT(a->tiles),
                    INT(a->buffers), INT(a->size_bytes), kpu_dfx_hint_names[a->hint]);
}

static void print_loop(const kpu_dfx_loop *loop, int depth, kpu_text *out)
{
    kpu_text_repeat(out, ' ', 2 + depth);
    kpu_text_format(out, "for %s over %s from %lld to %lld step %lld\n", loop->var,
                    kpu_dfx_dimension_names[loop->dim], INT(loop->start), INT(loop->end),
                    INT(loop->step));
}

/* "%4 = LOAD A L3 -> L2 FIRST_USE hoist 2 transpose depends_on %1" */
static void print_operation(const kpu_dfx_operation *o, kpu_text *out)
{
    kpu_dfx_operation copy = *o;
    kpu_text_repeat(out, ' ', 2 + KPU_NEST);
    kpu_text_format(out, "%%%d = ", o->id);
    if (o->type == KPU_DFX_BARRIER)
        kpu_text_put(out, kpu_dfx_type_names[o->type]);
    else
        kpu_text_format(out, "%s %s %s -> %s", kpu_dfx_subtype_names[o->subtype],
                        kpu_dfx_operand_names[o->operand], kpu_dfx_level_names[o->source],
                        kpu_dfx_level_names[o->dest]);
    kpu_text_format(out, " %s", kpu_dfx_when_names[o->when]);
    if (kpu_dfx_has_hoist(o))
        kpu_text_format(out, " hoist %d", o->hoist);
    for (size_t flag = 0; flag < KPU_DFX_FLAGS; flag++)
        if (*kpu_dfx_flag(&copy, flag))
            kpu_text_format(out, " %s", kpu_dfx_flag_names[flag]);
    for (int i = 0; i < o->depends_count; i++)
        kpu_text_format(out, "%s %%%d", i ? "," : " depends_on", o->depends_on[i]);
    kpu_text_put(out, "\n");
}

static void print_kernel(const kpu_dfx *dfx, const kpu_dfx_kernel *kernel, kpu_text *out)
{
    kpu_text_put(out, "\nkernel ");
    kpu_text_put_json_string(out, kernel->name);
    kpu_text_put(out, "\n");
    print_settings(dfx, kernel, out);
    print_hints(&kernel->hints, out);
    for (size_t i = 0; i < kernel->allocation_count; i++)
        print_allocation(&kernel->allocations[i], out);
    for (int i = 0; i < KPU_NEST; i++)
        print_loop(&kernel->loops[i], i, out);
    for (size_t i = 0; i < kernel->operation_count; i++)
        print_operation(&kernel->operations[i], out);
    kpu_text_put(out, "end\n");
}

void kpu_dfx_print(const kpu_dfx *dfx, kpu_text *out)
{
    kpu_text_put(out, "dfx " KPU_DFX_VERSION "\ngraph ");
    kpu_text_put_json_string(out, dfx->graph_name);
    kpu_text_put(out, "\n\n");
    for (size_t i = 0; i < dfx->tensor_count; i++)
        print_tensor(&dfx->tensors[i], out);
    for (size_t i = 0; i < dfx->kernel_count; i++)
        print_kernel(dfx, &dfx->kernels[i], out);
}
