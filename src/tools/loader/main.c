/* kpu-loader: an object file onto a machine; what it does there, with real numbers. */

#include "tools/loader/loader.h"
#include "tools/output.h"

static const kpu_option options[] = {
    {"machine", 'm', KPU_OPTION_TEXT, offsetof(loader_values, machine), "M",
     "machine: a file, or a name in configs/; without it the one that the object was compiled for",
     0, 0},
    {"set", 0, KPU_OPTION_LIST, offsetof(loader_values, set), "S.K=V",
     "override a key of the machine, as l2.banks=4; again and again", 0, 0},
    {"dry-run", 'n', KPU_OPTION_FLAG, offsetof(loader_values, dry_run), NULL,
     "print the bound schedule: every command with its cycle, engine class, tile and places", 0, 0},
    {"verbose", 'v', KPU_OPTION_FLAG, offsetof(loader_values, verbose), NULL,
     "with --dry-run: addresses, engines, slots and waits too", 0, 0},
    {"format", 0, KPU_OPTION_TEXT, offsetof(loader_values, format), "F",
     "of --dry-run or --profile: table (default), csv or json", 0, 0},
    {"emit", 0, KPU_OPTION_TEXT, offsetof(loader_values, emit), "FILE",
     "write DMA descriptors, block-mover transforms and streamer patterns as JSON", 0, 0},
    {"input", 'i', KPU_OPTION_LIST, offsetof(loader_values, inputs), "NAME=FILE",
     "execute: tensor NAME from a file, .npy or bare elements; again and again", 0, 0},
    {"output", 'o', KPU_OPTION_LIST, offsetof(loader_values, outputs), "NAME=FILE",
     "execute: write tensor NAME to a file, .npy if it is called so; again and again", 0, 0},
    {"input-a", 0, KPU_OPTION_TEXT, offsetof(loader_values, operand[KPU_A]), "FILE",
     "A of a program of one kernel", 0, 0},
    {"input-b", 0, KPU_OPTION_TEXT, offsetof(loader_values, operand[KPU_B]), "FILE",
     "B of a program of one kernel", 0, 0},
    {"output-c", 0, KPU_OPTION_TEXT, offsetof(loader_values, operand[KPU_C]), "FILE",
     "C of a program of one kernel", 0, 0},
    {"random", 0, KPU_OPTION_INT, offsetof(loader_values, random), "SEED",
     "execute: random numbers for the inputs that no file is given for", 0, INT64_MAX},
    {"check", 0, KPU_OPTION_FLAG, offsetof(loader_values, check), NULL,
     "execute: check the schedules, and compare each result with BLAS; exit code 1 if it is wrong",
     0, 0},
    {"profile", 0, KPU_OPTION_FLAG, offsetof(loader_values, profile), NULL,
     "print time by engine and level, stalls by cause, and the place under the roofline", 0, 0},
    {"trace", 0, KPU_OPTION_TEXT, offsetof(loader_values, trace), "FILE",
     "write a trace for chrome://tracing or Perfetto", 0, 0},
};

static void set_defaults(void *values)
{
    ((loader_values *)values)->random = -1;
}

/* ---- Stages ------------------------------------------------------------------------------ */

static const loader_stage *const stages[] = {&loader_stage_list, &loader_stage_emit,
                                             &loader_stage_trace, &loader_stage_execute};
enum { STAGES = sizeof stages / sizeof *stages };

/* The schedule of a kernel at the addresses of one of its runs. */
static void place_operands(const loader_binding *binding, const kpu_dfx_kernel *code, int64_t batch,
                           kpu_schedule *schedule)
{
    kpu_layout *layout = &schedule->layout;
    for (int x = 0; x < KPU_OPERANDS; x++)
        layout->dram_base[x] =
            binding->tensors[code->tensor[x]].address + loader_batch_offset(code, x, batch);
    const kpu_problem *problem = &schedule->mapping.problem;
    bool in_place = problem->partial_bytes == problem->element_bytes[KPU_C];
    layout->dram_partial_base = in_place ? layout->dram_base[KPU_C] : binding->partial_sums.address;
}

static int do_run(const loader_job *job, void *const states[STAGES], const loader_run *run)
{
    int status = KPU_OK;
    for (size_t s = 0; !status && s < STAGES; s++)
        if (stages[s]->wanted(job->values))
            status = stages[s]->run(job, states[s], run);
    return status;
}

static int do_kernel(const loader_job *job, void *const states[STAGES], size_t number)
{
    const loader_binding *b = job->binding;
    const loader_kernel *kernel = &b->kernels[number];
    kpu_schedule schedule;
    int status =
        kpu_schedule_make(&b->machine, &kernel->result.mapping, NULL, &schedule, job->diag);
    if (status == KPU_E_RANGE)
        return kpu_diag_add(job->diag, status, "kernel %s has no list of commands",
                            kernel->code->name);
    if (status)
        return status == KPU_E_MEMORY ? loader_no_memory(job->diag) : status;
    const int64_t batch = kernel->code->batch;
    for (int64_t i = 0; !status && i < batch; i++) {
        kpu_text name = {0};
        kpu_text_put(&name, kernel->code->name);
        if (batch > 1)
            kpu_text_format(&name, "[%lld]", (long long)i);
        place_operands(b, kernel->code, i, &schedule);
        const loader_run run = {
            .kernel = kernel,
            .batch = i,
            .start_cycle = kernel->start_cycle + i * kernel->result.counts.cycles,
            .name = name.data,
            .schedule = &schedule,
            .is_first = number == 0 && i == 0,
            .is_last = number + 1 == b->program->kernel_count && i + 1 == batch};
        status = name.failed ? loader_no_memory(job->diag) : do_run(job, states, &run);
        kpu_text_fini(&name);
    }
    kpu_schedule_fini(&schedule);
    return status;
}

/* What a program reads from the standard output stays free of remarks. `all`: nothing else is asked
 * for. */
static int print_summary(const loader_job *job, bool all)
{
    kpu_text text = {0};
    const loader_values *v = job->values;
    if (v->format || v->dry_run || v->profile)
        return KPU_OK;
    loader_put_summary(job->binding, all, &text);
    return kpu_tool_print(&text);
}

static int do_stages(const loader_job *job)
{
    void *states[STAGES] = {NULL};
    size_t begun = 0;
    bool any = false;
    int status = KPU_OK;
    for (; !status && begun < STAGES; begun++)
        if (stages[begun]->wanted(job->values)) {
            status = stages[begun]->begin(job, &states[begun]);
            any = true;
        }
    if (!status)
        status = print_summary(job, !any);
    for (size_t k = 0; !status && any && k < job->binding->program->kernel_count; k++)
        status = do_kernel(job, states, k);
    for (size_t s = 0; s < begun; s++)
        if (stages[s]->wanted(job->values))
            status = stages[s]->end(job, states[s], status);
    return status;
}

/* ---- The command ------------------------------------------------------------------------- */

bool loader_executes(const loader_values *v)
{
    bool named = v->operand[KPU_A] || v->operand[KPU_B] || v->operand[KPU_C];
    return named || v->inputs.count > 0 || v->outputs.count > 0 || v->random >= 0 || v->check;
}

bool loader_needs_commands(const loader_values *v)
{
    for (size_t s = 0; s < STAGES; s++)
        if (stages[s]->wanted(v))
            return true;
    return false;
}

int loader_no_memory(kpu_diag *diag)
{
    return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
}

int64_t loader_batch_offset(const kpu_dfx_kernel *code, int operand, int64_t batch)
{
    return batch * code->batch_stride[operand] * kpu_dtype_bytes(code->dtype[operand]);
}

static int check_usage(const loader_values *v, kpu_diag *diag)
{
    kpu_table_format format;
    int status = kpu_tool_choose_format(v->format, &format, diag);
    if (status)
        return status;
    if (v->verbose && !v->dry_run)
        return kpu_diag_add(diag, KPU_E_USAGE, "--verbose needs --dry-run");
    if (v->format && v->dry_run == v->profile)
        return kpu_diag_add(diag, KPU_E_USAGE, "--format needs one of --dry-run and --profile");
    return KPU_OK;
}

static int run(const kpu_call *call)
{
    const loader_values *v = call->values;
    loader_binding binding = {0};
    loader_files files = {0};
    const loader_job job = {&binding, v, &files, call->diag};
    int status = check_usage(v, call->diag);
    if (!status)
        status = loader_bind(call->operands[0], v, &binding, call->diag);
    if (!status)
        status = loader_find_files(&job, &files);
    if (!status)
        status = do_stages(&job);
    if (!status && v->profile)
        status = loader_print_profile(&job);
    loader_free_files(&files);
    loader_unbind(&binding);
    return status;
}

static const kpu_tool_command command = {
    .name = "kpu-loader",
    .is_program = true,
    .operands = "OBJECT.kpu",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "bind an object file to a machine; print, execute, check, profile or trace it",
    .details = "Examples:\n"
               "  kpu-loader matmul.kpu --dry-run\n"
               "  kpu-loader matmul.kpu --input-a A.npy --input-b B.npy --output-c C.npy --check\n"
               "  kpu-loader mlp.kpu --machine edge-ai --random 1 --check --profile\n"
               "\n"
               "Kernels run one after the other. Without any of these options it says what would\n"
               "be loaded where.\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_bytes = sizeof(loader_values),
    .defaults = set_defaults,
    .run = run,
};

static int dispatch(int argc, char **argv, kpu_diag *diag)
{
    return kpu_program_call(&command, argc, argv, diag);
}

int main(int argc, char **argv)
{
    return kpu_program_main(argc, argv, dispatch);
}
