/* An object laid over a machine: what fits where, and how long it takes. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/case_options.h"
#include "tools/loader/loader.h"

/* Tensors begin at pages, none at address 0. */
enum { PAGE_BYTES = 4096 };

/* ---- The machine ------------------------------------------------------------------------- */

/* The one that is given, or the one that all kernels were compiled for. */
static int choose_machine(const kpu_dfx *program, const loader_values *v, kpu_machine *out,
                          kpu_diag *diag)
{
    const char *name = v->machine;
    for (size_t k = 0; !v->machine && k < program->kernel_count; k++) {
        const char *hint = program->kernels[k].hints.machine;
        if (!hint[0] || (name && strcmp(name, hint) != 0))
            return kpu_diag_add(diag, KPU_E_USAGE,
                                "the object names no machine; choose one with --machine");
        name = hint;
    }
    if (!name)
        return kpu_diag_add(diag, KPU_E_USAGE, "--machine is required");
    int status = kpu_tool_load_machine(name, &v->set, out, diag);
    if (status && !v->machine)
        kpu_diag_add(diag, status, "the object was compiled for \"%s\"; choose one with --machine",
                     name);
    return status;
}

/* ---- Kernels ----------------------------------------------------------------------------- */

static int time_kernel(loader_binding *b, loader_kernel *kernel, kpu_simulator *simulator)
{
    kpu_result *result = &kernel->result;
    int64_t cycles = 0;
    int status = kpu_simulator_run(simulator, &b->machine, &result->mapping, &result->counts);
    kernel->metrics = calloc(kpu_metric_count(), sizeof *kernel->metrics);
    if (!kernel->metrics)
        status = KPU_E_MEMORY;
    if (status)
        return status;
    kpu_mapping_bounds(&b->machine, &result->mapping, &result->bounds);
    kpu_metrics_compute(&b->machine, result, kernel->metrics);
    result->counts.dma_busy = result->counts.bm_busy = NULL; /* they are the simulator's */
    kernel->start_cycle = b->cycles;
    bool overflows = kpu_mul_overflows(result->counts.cycles, kernel->code->batch, &cycles) ||
                     kpu_add_overflows(b->cycles, cycles, &b->cycles);
    return overflows ? KPU_E_RANGE : KPU_OK;
}

/* Each step is a command at least, so that there are too many can be said before they are timed,
 * which takes long. */
static int check_length(const loader_kernel *kernel, kpu_diag *diag)
{
    const int64_t *tiles = kernel->result.mapping.tiles;
    int64_t steps;
    if (kpu_mul_overflows(tiles[KPU_M], tiles[KPU_N], &steps) ||
        kpu_mul_overflows(steps, tiles[KPU_K], &steps))
        steps = INT64_MAX;
    if (steps <= KPU_SCHEDULE_COMMANDS_MAX)
        return KPU_OK;
    return kpu_diag_add(diag, KPU_E_RANGE,
                        "kernel %s: its %" PRId64 " steps are more commands than the %" PRId64
                        " that are listed or executed; larger tiles give fewer",
                        kernel->code->name, steps, (int64_t)KPU_SCHEDULE_COMMANDS_MAX);
}

static int bind_kernel(loader_binding *b, size_t number, kpu_simulator *simulator, kpu_diag *diag)
{
    loader_kernel *kernel = &b->kernels[number];
    kernel->code = &b->program->kernels[number];
    int status = kpu_dfx_bind(kernel->code, &b->machine, &kernel->result.mapping, diag);
    if (!status && b->needs_commands)
        status = check_length(kernel, diag);
    if (status)
        return status;
    status = time_kernel(b, kernel, simulator);
    if (status == KPU_E_RANGE)
        return kpu_diag_add(diag, status, "kernel %s: its cycles exceed 64 bits",
                            kernel->code->name);
    return status ? kpu_diag_add(diag, status, "%s", kpu_error_text(status)) : KPU_OK;
}

static int bind_kernels(loader_binding *b, kpu_diag *diag)
{
    int status = KPU_OK;
    kpu_simulator *simulator = kpu_simulator_new();
    b->kernels = calloc(b->program->kernel_count + 1, sizeof *b->kernels);
    if (!simulator || !b->kernels)
        status = loader_no_memory(diag);
    for (size_t k = 0; status != KPU_E_MEMORY && k < b->program->kernel_count; k++) {
        int result = bind_kernel(b, k, simulator, diag);
        status = status ? status : result;
    }
    kpu_simulator_free(simulator);
    return status;
}

/* ---- Memory ------------------------------------------------------------------------------ */

static int place_at_end(loader_binding *b, const char *what, loader_place *out, kpu_diag *diag)
{
    int64_t end = 0;
    out->address = b->dram_bytes;
    if (kpu_add_overflows(b->dram_bytes, out->bytes, &end) ||
        kpu_add_overflows(end, PAGE_BYTES - 1, &end))
        return kpu_diag_add(diag, KPU_E_RANGE, "%s: its address exceeds 64 bits", what);
    b->dram_bytes = end / PAGE_BYTES * PAGE_BYTES;
    return KPU_OK;
}

static int place_tensor(loader_binding *b, size_t number, kpu_diag *diag)
{
    const kpu_dfx_tensor *tensor = &b->program->tensors[number];
    loader_place *place = &b->tensors[number];
    bool overflows = false;
    place->bytes = kpu_dtype_bytes(tensor->dtype);
    for (int d = 0; d < tensor->rank; d++)
        overflows = overflows || kpu_mul_overflows(place->bytes, tensor->shape[d], &place->bytes);
    if (overflows)
        return kpu_diag_add(diag, KPU_E_RANGE, "%s: its bytes exceed 64 bits", tensor->name);
    return place_at_end(b, tensor->name, place, diag);
}

/* Room for the largest C as partial sums, if any is wider than C itself. */
static void measure_partial_sums(loader_binding *b)
{
    for (size_t k = 0; k < b->program->kernel_count; k++) {
        const loader_kernel *kernel = &b->kernels[k];
        const kpu_problem *p = &kernel->result.mapping.problem;
        int64_t bytes = p->dim[KPU_M] * p->dim[KPU_N] * p->partial_bytes;
        bool needed = kernel->result.counts.traffic.dram_read[KPU_C] > 0 &&
                      p->partial_bytes > p->element_bytes[KPU_C];
        if (needed && bytes > b->partial_sums.bytes)
            b->partial_sums.bytes = bytes;
    }
}

static int place_tensors(loader_binding *b, kpu_diag *diag)
{
    int status = KPU_OK;
    b->tensors = calloc(b->program->tensor_count + 1, sizeof *b->tensors);
    if (!b->tensors)
        return loader_no_memory(diag);
    b->dram_bytes = PAGE_BYTES;
    for (size_t t = 0; !status && t < b->program->tensor_count; t++)
        status = place_tensor(b, t, diag);
    measure_partial_sums(b);
    if (!status)
        status = place_at_end(b, "partial sums", &b->partial_sums, diag);
    return status;
}

/* ---- The whole --------------------------------------------------------------------------- */

int loader_bind(const char *path, const loader_values *values, loader_binding *out, kpu_diag *diag)
{
    *out = (loader_binding){.path = path, .needs_commands = loader_needs_commands(values)};
    int status = kpu_object_read(path, &out->program, diag);
    if (!status)
        status = choose_machine(out->program, values, &out->machine, diag);
    if (!status)
        status = bind_kernels(out, diag);
    if (!status)
        status = place_tensors(out, diag);
    return status;
}

void loader_unbind(loader_binding *binding)
{
    for (size_t k = 0; binding->kernels && k < binding->program->kernel_count; k++)
        free(binding->kernels[k].metrics);
    free(binding->kernels);
    free(binding->tensors);
    kpu_dfx_free(binding->program);
    *binding = (loader_binding){0};
}
