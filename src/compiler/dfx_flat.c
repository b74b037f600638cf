/* The published flat form: every operation of every step, as JSON. */
#include "compiler/dfx_flat.h"

#include <string.h>

#define INT(value) (long long)(value)

typedef struct printer {
    const kpu_dfx *dfx;
    const kpu_dfx_kernel *kernel;
    kpu_text *out;
} printer;

/* "float32": the first of the names that others use. */
static void put_long_dtype(kpu_text *out, int dtype)
{
    static const char *const others[KPU_DTYPES] = {
#define KPU_X(name, text, names, bytes, floating) [KPU_##name] = names,
        KPU_DTYPE_LIST(KPU_X)
#undef KPU_X
    };
    kpu_text_put_bytes(out, others[dtype], strcspn(others[dtype], " "));
}

static void put_tensor_name(const printer *p, int x)
{
    kpu_text_put_json_string(p->out, p->dfx->tensors[p->kernel->tensor[x]].name);
}

/* {"tensor": "A", "level": "L3", "tile": [0, 0]} */
static void put_place(const printer *p, int x, int level, const int64_t tile[KPU_DIMS])
{
    static const uint8_t dims[KPU_OPERANDS][2] = {
        [KPU_A] = {KPU_M, KPU_K}, [KPU_B] = {KPU_K, KPU_N}, [KPU_C] = {KPU_M, KPU_N}};
    kpu_text_put(p->out, "{\"tensor\": ");
    put_tensor_name(p, x);
    kpu_text_format(p->out, ", \"level\": \"%s\", \"tile\": [%lld, %lld]}",
                    kpu_dfx_level_names[level], INT(tile[dims[x][0]]), INT(tile[dims[x][1]]));
}

static void put_move(const printer *p, const kpu_dfx_flat_operation *o)
{
    kpu_text_put(p->out, ", \"source\": ");
    put_place(p, o->of->operand, o->of->source, o->tile);
    kpu_text_put(p->out, ", \"dest\": ");
    put_place(p, o->of->operand, o->of->dest, o->tile);
    if (o->of->transpose)
        kpu_text_put(p->out, ", \"transpose\": true");
}

/* A and B come from where their streams lead to. */
static void put_compute(const printer *p, const kpu_dfx_flat_operation *o)
{
    kpu_text_put(p->out, ", \"inputs\": [");
    put_place(p, KPU_A, p->kernel->operations[KPU_DFX_STREAM + KPU_A].dest, o->tile);
    kpu_text_put(p->out, ", ");
    put_place(p, KPU_B, p->kernel->operations[KPU_DFX_STREAM + KPU_B].dest, o->tile);
    kpu_text_put(p->out, "], \"output\": ");
    put_place(p, KPU_C, o->of->dest, o->tile);
    kpu_text_format(p->out, ", \"accumulate\": %s", o->accumulate ? "true" : "false");
}

static void put_operation(void *context, const kpu_dfx_flat_operation *o)
{
    const printer *p = context;
    kpu_text_format(p->out, "%s  {\"op_id\": %lld, \"type\": \"%s\", \"subtype\": \"%s\"",
                    o->id > 1 ? ",\n" : "", INT(o->id), kpu_dfx_type_names[o->of->type],
                    kpu_dfx_subtype_names[o->of->subtype]);
    if (o->of->type == KPU_DFX_COMPUTE)
        put_compute(p, o);
    else
        put_move(p, o);
    kpu_text_put(p->out, ", \"depends_on\": [");
    for (size_t i = 0; i < o->depends_count; i++)
        kpu_text_format(p->out, "%s%lld", i ? ", " : "", INT(o->depends_on[i]));
    kpu_text_format(p->out, "], \"produces\": %lld}", INT(o->id));
}

static void put_head(const printer *p, const kpu_mapping *m)
{
    const kpu_dfx_kernel *kernel = p->kernel;
    kpu_text_put(p->out, "{\"dfx_version\": \"" KPU_DFX_VERSION "\", \"graph_name\": ");
    kpu_text_put_json_string(p->out, p->dfx->graph_name);
    kpu_text_format(p->out,
                    ",\n \"metadata\": {\"M\": %lld, \"N\": %lld, \"K\": %lld, \"Ti\": %lld, "
                    "\"Tj\": %lld, \"Tk\": %lld, \"dataflow\": \"%s\", \"element_type\": \"",
                    INT(kernel->dim[KPU_M]), INT(kernel->dim[KPU_N]), INT(kernel->dim[KPU_K]),
                    INT(m->tile[KPU_M]), INT(m->tile[KPU_N]), INT(m->tile[KPU_K]),
                    kpu_dfx_dataflow_names[kernel->dataflow]);
    put_long_dtype(p->out, kernel->dtype[KPU_A]);
    kpu_text_put(p->out, "\"},\n \"tensors\": [");
    for (int x = 0; x < KPU_OPERANDS; x++) {
        const kpu_dfx_tensor *tensor = &p->dfx->tensors[kernel->tensor[x]];
        kpu_text_put(p->out, x ? ", {\"name\": " : "{\"name\": ");
        kpu_text_put_json_string(p->out, tensor->name);
        kpu_text_put(p->out, ", \"shape\": [");
        for (int i = 0; i < tensor->rank; i++)
            kpu_text_format(p->out, "%s%lld", i ? ", " : "", INT(tensor->shape[i]));
        kpu_text_format(p->out, "], \"dtype\": \"%s\"}", kpu_dtype_name(tensor->dtype));
    }
    kpu_text_put(p->out, "],\n \"operations\": [\n");
}

static void put_tail(const printer *p)
{
    const kpu_dfx_kernel_hints *hints = &p->kernel->hints;
    kpu_text_format(p->out,
                    "],\n \"hints\": {\"estimated_dram_bytes\": %lld, "
                    "\"estimated_compute_cycles\": %lld, \"parallelism_degree\": %lld}}\n",
                    INT(hints->dram_bytes), INT(hints->compute_cycles),
                    INT(hints->parallelism_degree));
}

int kpu_dfx_print_flat(const kpu_dfx *dfx, size_t kernel, kpu_text *out, kpu_diag *diag)
{
    printer p = {dfx, &dfx->kernels[kernel], out};
    size_t before = out->length;
    kpu_problem problem;
    kpu_candidate candidate;
    kpu_mapping m;
    kpu_dfx_kernel_problem(p.kernel, &problem);
    kpu_dfx_kernel_candidate(p.kernel, &candidate);
    kpu_mapping_make(&kpu_dfx_any_machine, &problem, &candidate, &m);
    put_head(&p, &m);
    int code = kpu_dfx_unroll(p.kernel, &m, (kpu_dfx_flat_sink){put_operation, &p});
    put_tail(&p);
    if (code == KPU_OK && out->failed)
        code = KPU_E_MEMORY;
    if (code == KPU_OK)
        return KPU_OK;
    if (!out->failed) {
        out->length = before;
        out->data[before] = '\0';
    }
    return code == KPU_E_RANGE
               ? kpu_diag_add(diag, code,
                              "kernel '%s' unrolls to more than %d operations: take larger tiles, "
                              "or the loop form",
                              p.kernel->name, KPU_DFX_FLAT_OPERATIONS_MAX)
               : kpu_diag_add(diag, code, "out of memory");
}
