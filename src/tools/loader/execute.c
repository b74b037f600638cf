/* Real numbers through the program: inputs, kernels one after the other, checks, outputs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/functional_check.h"
#include "tools/loader/loader.h"
#include "tools/matrix_file.h"
#include "tools/output.h"

typedef struct execute_state {
    void **data; /* what is in DRAM of each tensor */
    size_t tensor_count;
    kpu_gemm_verdict verdict; /* of the kernel's runs so far */
    kpu_text report;
} execute_state;

static bool wants_execute(const loader_values *values)
{
    return loader_executes(values);
}

/* ---- Inputs ------------------------------------------------------------------------------ */

/* Numbers that no kernel that reads them sums up to an overflow. */
static void fill(const loader_job *job, size_t tensor, void *data)
{
    const kpu_dfx *program = job->binding->program;
    const int dtype = program->tensors[tensor].dtype;
    kpu_random_matrix numbers = {.dtype = dtype,
                                 .partial_dtype = dtype,
                                 .terms = 1,
                                 .seed = (uint64_t)job->values->random,
                                 .stream = tensor};
    for (size_t k = 0; k < program->kernel_count; k++) {
        const kpu_dfx_kernel *kernel = &program->kernels[k];
        bool reads =
            kernel->tensor[KPU_A] == (int32_t)tensor || kernel->tensor[KPU_B] == (int32_t)tensor;
        if (reads && kernel->dim[KPU_K] >= numbers.terms) {
            numbers.terms = kernel->dim[KPU_K];
            numbers.partial_dtype = kernel->partial_dtype;
        }
    }
    int64_t count = job->binding->tensors[tensor].bytes / kpu_dtype_bytes(dtype);
    kpu_random_matrix_fill(&numbers, data, count);
}

static int load_tensor(const loader_job *job, execute_state *s, size_t number)
{
    const kpu_dfx_tensor *tensor = &job->binding->program->tensors[number];
    const loader_file *file = NULL;
    int64_t bytes;
    int status = kpu_matrix_bytes(tensor, &bytes, job->diag);
    if (status)
        return status;
    for (size_t i = 0; i < job->files->input_count; i++)
        if (job->files->inputs[i].tensor == number)
            file = &job->files->inputs[i];
    s->data[number] = calloc(1, (size_t)bytes);
    if (!s->data[number])
        return loader_no_memory(job->diag);
    if (file)
        return kpu_matrix_file_read(file->path, tensor, s->data[number], job->diag);
    if (loader_is_from_outside(tensor) && job->values->random < 0)
        return kpu_diag_add(job->diag, KPU_E_USAGE,
                            "input %s is missing; give --input %s=FILE, or --random SEED",
                            tensor->name, tensor->name);
    if (loader_is_from_outside(tensor))
        fill(job, number, s->data[number]);
    return KPU_OK;
}

static int begin_execute(const loader_job *job, void **state)
{
    const kpu_dfx *program = job->binding->program;
    execute_state *s = calloc(1, sizeof *s);
    *state = s;
    if (!s)
        return loader_no_memory(job->diag);
    s->data = calloc(program->tensor_count + 1, sizeof *s->data);
    if (!s->data)
        return loader_no_memory(job->diag);
    s->tensor_count = program->tensor_count;
    int status = KPU_OK;
    for (size_t t = 0; status != KPU_E_MEMORY && t < program->tensor_count; t++) {
        int result = load_tensor(job, s, t);
        status = status ? status : result;
    }
    return status;
}

/* ---- Runs -------------------------------------------------------------------------------- */

/* Keeps what is nearest to wrong over all runs of a kernel. */
static void add_verdict(kpu_gemm_verdict *sum, const kpu_gemm_verdict *one)
{
    const kpu_gemm_verdict before = *sum;
    const bool measured = before.elements > before.special + before.unbounded;
    const bool measures = one->elements > one->special + one->unbounded;
    if (!measured || (measures && one->error * sum->allowed > sum->error * one->allowed))
        *sum = *one;
    sum->elements = before.elements + one->elements;
    sum->special = before.special + one->special;
    sum->unbounded = before.unbounded + one->unbounded;
}

static int complain(const loader_job *job, const kpu_gemm_verdict *verdict, const char *tensor,
                    const char *run)
{
    kpu_text what = {0};
    kpu_text_format(&what, "%s (kernel %s)", tensor, run);
    int status = what.failed ? loader_no_memory(job->diag)
                             : kpu_gemm_complain(verdict, what.data, job->diag);
    kpu_text_fini(&what);
    return status;
}

static int check(const loader_job *job, execute_state *s, const loader_run *run,
                 const kpu_matrices *matrices)
{
    const kpu_dfx_kernel *code = run->kernel->code;
    const char *tensor = job->binding->program->tensors[code->tensor[KPU_C]].name;
    kpu_gemm_verdict verdict;
    int status =
        kpu_gemm_verify(&run->kernel->result.mapping.problem, matrices, &verdict, job->diag);
    if (!status && verdict.wrong > 0)
        status = complain(job, &verdict, tensor, run->name);
    if (status)
        return status;
    if (run->batch == 0)
        s->verdict = (kpu_gemm_verdict){0};
    add_verdict(&s->verdict, &verdict);
    if (run->batch + 1 < code->batch)
        return KPU_OK;
    kpu_text_format(&s->report, "%s: %s: ", code->name, tensor);
    kpu_gemm_put_verdict(&s->verdict, &s->report);
    return complain(job, &s->verdict, tensor, code->name);
}

static int execute_run(const loader_job *job, void *state, const loader_run *run)
{
    execute_state *s = state;
    const kpu_dfx_kernel *code = run->kernel->code;
    char *at[KPU_OPERANDS];
    kpu_matrices matrices = {.partial_dtype = code->partial_dtype};
    for (int x = 0; x < KPU_OPERANDS; x++) {
        at[x] = (char *)s->data[code->tensor[x]] + loader_batch_offset(code, x, run->batch);
        matrices.dtype[x] = code->dtype[x];
    }
    matrices.a = at[KPU_A];
    matrices.b = at[KPU_B];
    matrices.c = at[KPU_C];
    int status = KPU_OK;
    if (job->values->check && run->batch == 0)
        status = kpu_schedule_check(run->schedule, job->diag);
    if (!status)
        status = kpu_execute(run->schedule, &matrices, job->diag);
    if (!status && job->values->check)
        status = check(job, s, run, &matrices);
    return status;
}

/* ---- The end ----------------------------------------------------------------------------- */

static int write_outputs(const loader_job *job, const execute_state *s)
{
    const kpu_dfx *program = job->binding->program;
    int status = KPU_OK;
    for (size_t i = 0; !status && i < job->files->output_count; i++) {
        const loader_file *file = &job->files->outputs[i];
        status = kpu_matrix_file_write(file->path, &program->tensors[file->tensor],
                                       s->data[file->tensor], job->diag);
    }
    return status;
}

static int end_execute(const loader_job *job, void *state, int status)
{
    execute_state *s = state;
    if (!s)
        return status;
    if (!status)
        status = write_outputs(job, s);
    if (!status && !job->values->format)
        status = kpu_tool_print(&s->report);
    for (size_t t = 0; t < s->tensor_count; t++)
        free(s->data[t]);
    free(s->data);
    kpu_text_fini(&s->report);
    free(s);
    return status;
}

const loader_stage loader_stage_execute = {wants_execute, begin_execute, execute_run, end_execute};
