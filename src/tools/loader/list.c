/* --dry-run: the bound schedule. --trace: the same for a viewer of traces. */
#include <stdlib.h>

#include "tools/file_sink.h"
#include "tools/loader/loader.h"
#include "tools/output.h"

/* ---- The list ---------------------------------------------------------------------------- */

static bool wants_list(const loader_values *values)
{
    return values->dry_run;
}

static int begin_list(const loader_job *job, void **state)
{
    (void)job;
    *state = NULL;
    return KPU_OK;
}

static int list_run(const loader_job *job, void *state, const loader_run *run)
{
    const kpu_sink sink = kpu_stdout_sink();
    const loader_binding *b = job->binding;
    bool several = b->program->kernel_count > 1 || run->kernel->code->batch > 1;
    kpu_list_style style = {.last_step = INT64_MAX,
                            .verbose = job->values->verbose,
                            .kernel = several ? run->name : NULL,
                            .start_cycle = run->start_cycle,
                            .follows = !run->is_first,
                            .continues = !run->is_last};
    (void)state;
    int status = kpu_tool_choose_format(job->values->format, &style.format, job->diag);
    if (!status)
        status = kpu_schedule_put_commands(run->schedule, &style, &sink);
    return status == KPU_E_MEMORY ? loader_no_memory(job->diag) : status;
}

/* Whether it was read is checked at the program's end. */
static int end_list(const loader_job *job, void *state, int status)
{
    (void)job;
    (void)state;
    return status;
}

const loader_stage loader_stage_list = {wants_list, begin_list, list_run, end_list};

/* ---- The trace --------------------------------------------------------------------------- */

typedef struct trace_state {
    kpu_file_sink file;
    kpu_sink sink;
    kpu_trace *trace;
} trace_state;

static bool wants_trace(const loader_values *values)
{
    return values->trace != NULL;
}

static int explain(const loader_job *job, int status)
{
    if (status == KPU_E_RANGE)
        return kpu_diag_add(job->diag, status, "the trace is too long: its times exceed 62 bits");
    return status == KPU_E_MEMORY ? loader_no_memory(job->diag) : status;
}

static int begin_trace(const loader_job *job, void **state)
{
    trace_state *s = calloc(1, sizeof *s);
    if (!s)
        return loader_no_memory(job->diag);
    int status = kpu_file_sink_open(job->values->trace, &s->file, job->diag);
    if (status) {
        free(s);
        return status;
    }
    *state = s;
    s->sink = kpu_file_sink_of(&s->file);
    return explain(job, kpu_trace_new(&job->binding->machine, &s->sink, &s->trace));
}

static int trace_run(const loader_job *job, void *state, const loader_run *run)
{
    trace_state *s = state;
    bool several = job->binding->program->kernel_count > 1 || run->kernel->code->batch > 1;
    return explain(
        job, kpu_trace_add(s->trace, run->schedule, several ? run->name : NULL, run->start_cycle));
}

static int end_trace(const loader_job *job, void *state, int status)
{
    trace_state *s = state;
    if (!s)
        return status;
    if (!status)
        status = explain(job, kpu_trace_finish(s->trace));
    kpu_trace_free(s->trace);
    status = kpu_file_sink_close(&s->file, status, job->diag);
    free(s);
    return status;
}

const loader_stage loader_stage_trace = {wants_trace, begin_trace, trace_run, end_trace};
