/* kpu-dse schedule: which command runs where and when. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kpu/schedule.h"
#include "kpu/tiling.h"
#include "tools/call_case.h"
#include "tools/file_sink.h"
#include "tools/machine_files.h"
#include "tools/output.h"

typedef struct values {
    kpu_case_values c;
    const char *format, *view, *steps, *svg, *trace;
    int64_t width;
    bool logical, verbose;
} values;

enum { DEFAULT_WIDTH = 80 };

static const kpu_option options[] = {
    KPU_CASE_OPTIONS(values, c),
    {"view", 0, KPU_OPTION_TEXT, offsetof(values, view), "V",
     "commands (default), injection, events, sequencer, gantt or timeline", 0, 0},
    {"format", 0, KPU_OPTION_TEXT, offsetof(values, format), "F", "table (default), csv or json", 0,
     0},
    {"steps", 0, KPU_OPTION_TEXT, offsetof(values, steps), "A..B",
     "only these steps, from 0 (default: all; gantt: the first 8; timeline: the first)", 0, 0},
    {"logical", 0, KPU_OPTION_FLAG, offsetof(values, logical), NULL,
     "injection and events in logical time: no machine is timed, so none is needed", 0, 0},
    {"verbose", 0, KPU_OPTION_FLAG, offsetof(values, verbose), NULL,
     "commands with engines, addresses, ends and waits", 0, 0},
    {"width", 0, KPU_OPTION_INT, offsetof(values, width), "N",
     "columns of gantt and timeline (default 80)", KPU_GANTT_WIDTH_MIN, KPU_GANTT_WIDTH_MAX},
    {"svg", 0, KPU_OPTION_TEXT, offsetof(values, svg), "FILE",
     "draw gantt (default) or timeline into a file", 0, 0},
    {"trace", 0, KPU_OPTION_TEXT, offsetof(values, trace), "FILE",
     "write a trace of the whole run for Perfetto or chrome://tracing", 0, 0},
};

static void set_defaults(void *v)
{
    ((values *)v)->width = DEFAULT_WIDTH;
}

/* ---- Views -------------------------------------------------------------------------------- */

/* What a view is made of, once everything is read. */
typedef struct request {
    const values *v;
    kpu_machine machine;
    kpu_mapping mapping;
    kpu_schedule schedule; /* not if logical */
    kpu_list_style style;
} request;

typedef struct schedule_view {
    const char *name;
    int (*list)(const kpu_schedule *schedule, const kpu_list_style *style, const kpu_sink *sink);
    int (*logical)(const kpu_mapping *mapping, const kpu_list_style *style, const kpu_sink *sink);
    int (*chart)(const kpu_schedule *schedule, int64_t first_step, int64_t last_step,
                 kpu_gantt *out);
    int64_t steps; /* that a chart shows if nobody says */
} schedule_view;

static const schedule_view views[] = {
    {.name = "commands", .list = kpu_schedule_put_commands},
    {.name = "injection", .list = kpu_schedule_put_injection, .logical = kpu_logical_put_injection},
    {.name = "events", .list = kpu_schedule_put_events, .logical = kpu_logical_put_events},
    {.name = "sequencer", .list = kpu_schedule_put_sequencer},
    {.name = "gantt", .chart = kpu_gantt_of_engines, .steps = 8},
    {.name = "timeline", .chart = kpu_gantt_of_steps, .steps = 1},
};
enum { VIEWS = sizeof views / sizeof *views };

static int find_view(const values *v, const schedule_view **out, kpu_diag *diag)
{
    const char *names[VIEWS];
    const char *name = v->view ? v->view : v->svg ? "gantt" : v->logical ? "injection" : "commands";
    *out = NULL;
    for (int i = 0; i < VIEWS; i++) {
        names[i] = views[i].name;
        if (strcmp(name, names[i]) == 0)
            *out = &views[i];
    }
    const char *nearest = *out ? NULL : kpu_nearest_name(name, names, VIEWS);
    if (!*out)
        return kpu_diag_add(diag, KPU_E_USAGE,
                            nearest ? "--view: unknown view \"%s\"; did you mean \"%s\"?"
                                    : "--view: unknown view \"%s\"%s; expected commands, "
                                      "injection, events, sequencer, gantt or timeline",
                            name, nearest ? nearest : "");
    if (v->svg && !(*out)->chart)
        return kpu_diag_add(diag, KPU_E_USAGE, "--svg draws gantt or timeline, not %s", name);
    if (v->logical && (!(*out)->logical || v->svg || v->trace))
        return kpu_diag_add(diag, KPU_E_USAGE,
                            "--logical has injection and events, no other view and no trace");
    return KPU_OK;
}

/* The published generators know one loop order, and neither buffers nor engines. */
static int check_logical(const kpu_case_values *c, kpu_diag *diag)
{
    const struct {
        const char *option;
        bool is_given;
    } timed[] = {{"--dataflow", c->dataflow},
                 {"--swap", c->swap},
                 {"--block", c->block},
                 {"--order", c->order},
                 {"--d3", c->d3},
                 {"--d2", c->d2},
                 {"--d1", c->d1},
                 {"--control", c->control},
                 {"--eddo-window", c->eddo_window},
                 {"--residency", c->residency},
                 {"--set", c->set.count > 0}};
    for (size_t i = 0; i < sizeof timed / sizeof *timed; i++)
        if (timed[i].is_given)
            return kpu_diag_add(diag, KPU_E_USAGE,
                                "--logical has one loop order and times no machine; %s means "
                                "nothing there",
                                timed[i].option);
    return KPU_OK;
}

/* ---- Steps -------------------------------------------------------------------------------- */

static bool read_step(const char *text, char **end, int64_t *out)
{
    errno = 0;
    *out = strtoll(text, end, 10);
    return *text >= '0' && *text <= '9' && !errno;
}

/* "12..15", or "12". */
static int read_steps(const values *v, const schedule_view *view, int64_t steps,
                      kpu_list_style *out, kpu_diag *diag)
{
    char *end = NULL;
    out->first_step = 0;
    out->last_step = view->steps && view->steps < steps ? view->steps - 1 : steps - 1;
    if (!v->steps)
        return KPU_OK;
    bool good = read_step(v->steps, &end, &out->first_step);
    out->last_step = out->first_step;
    if (good && strncmp(end, "..", 2) == 0)
        good = read_step(end + 2, &end, &out->last_step);
    const kpu_place place = {.file = "--steps", .column = 1, .text = v->steps};
    if (!good || *end)
        return kpu_diag_add_at(diag, KPU_E_USAGE, &place,
                               "expected steps from 0 on, as 12 or 12..15");
    if (out->first_step > out->last_step)
        return kpu_diag_add_at(diag, KPU_E_USAGE, &place, "ends before it begins");
    if (out->first_step >= steps)
        return kpu_diag_add_at(diag, KPU_E_USAGE, &place, "the run has steps 0..%" PRId64,
                               steps - 1);
    out->last_step = out->last_step < steps ? out->last_step : steps - 1;
    return KPU_OK;
}

/* ---- Outputs ------------------------------------------------------------------------------ */

static int too_much(int status, kpu_diag *diag)
{
    if (status == KPU_E_RANGE)
        return kpu_diag_add(diag, KPU_E_RANGE,
                            "that is too much for this view; choose fewer steps with --steps");
    return status;
}

static int print_chart(const request *r, const schedule_view *view, kpu_diag *diag)
{
    kpu_gantt gantt;
    kpu_text text = {0};
    const kpu_sink sink = kpu_stdout_sink();
    int status = view->chart(&r->schedule, r->style.first_step, r->style.last_step, &gantt);
    if (status)
        return too_much(status, diag);
    if (r->v->svg) {
        kpu_gantt_put_svg(&gantt, &text);
        status =
            text.failed ? KPU_E_MEMORY : kpu_file_write(r->v->svg, text.data, text.length, diag);
        kpu_text_fini(&text);
    } else if (r->style.format == KPU_TABLE_TEXT) {
        kpu_gantt_put_text(&gantt, (int)r->v->width, &text);
        status = kpu_tool_print(&text);
    } else {
        status = kpu_gantt_put_list(&gantt, &r->style, &sink);
    }
    kpu_gantt_fini(&gantt);
    return status;
}

static int write_trace(const request *r, kpu_diag *diag)
{
    kpu_file_sink file;
    kpu_trace *trace = NULL;
    int status = kpu_file_sink_open(r->v->trace, &file, diag);
    if (status)
        return status;
    const kpu_sink sink = kpu_file_sink_of(&file);
    status = kpu_trace_new(&r->machine, &sink, &trace);
    if (!status)
        status = kpu_trace_add(trace, &r->schedule, NULL, 0);
    if (status == KPU_E_RANGE)
        kpu_diag_add(diag, status, "the run is too long for a trace");
    if (!status)
        status = kpu_trace_finish(trace);
    kpu_trace_free(trace);
    return kpu_file_sink_close(&file, status, diag);
}

/* Files first; then what was asked for, if it is not in a file already. */
static int show_schedule(const request *r, const schedule_view *view, kpu_diag *diag)
{
    const values *v = r->v;
    const kpu_sink sink = kpu_stdout_sink();
    int status = v->trace ? write_trace(r, diag) : KPU_OK;
    if (status || (v->trace && !v->view && !v->svg))
        return status;
    if (view->chart)
        return print_chart(r, view, diag);
    return view->list(&r->schedule, &r->style, &sink);
}

/* ---- The command -------------------------------------------------------------------------- */

static int64_t steps_of(const kpu_mapping *m)
{
    return m->tiles[KPU_M] * m->tiles[KPU_N] * m->tiles[KPU_K];
}

static int show(request *r, const kpu_tool_case *c, const schedule_view *view, kpu_diag *diag)
{
    char unfit[KPU_TILING_UNFIT_TEXT];
    const kpu_sink sink = kpu_stdout_sink();
    r->machine = c->machine;
    int status = kpu_mapping_make(&c->machine, &c->problem, &c->candidate, &r->mapping);
    if (!status)
        status = read_steps(r->v, view, steps_of(&r->mapping), &r->style, diag);
    if (status)
        return status;
    if (r->v->logical)
        return too_much(view->logical(&r->mapping, &r->style, &sink), diag);
    if (r->mapping.broken)
        return kpu_diag_add(diag, KPU_E_INPUT, "there is no schedule: %s",
                            kpu_tiling_unfit_text(&c->machine, &r->mapping, unfit));
    status = kpu_schedule_make(&c->machine, &r->mapping, NULL, &r->schedule, diag);
    if (status)
        return status;
    status = show_schedule(r, view, diag);
    kpu_schedule_fini(&r->schedule);
    return status;
}

static int check_files(const kpu_call *call)
{
    const values *v = call->values;
    char *machine = NULL;
    /* A machine that is not found is complained about when it is read. */
    if (v->c.machine && (v->svg || v->trace) &&
        kpu_machine_files_find(v->c.machine, &machine, NULL) != KPU_OK)
        machine = NULL;
    const kpu_tool_file files[] = {
        {"FILE", call->operand_count > 0 ? call->operands[0] : NULL, false},
        {"--machine", machine, false},
        {"--svg", v->svg, true},
        {"--trace", v->trace, true}};
    int status = kpu_tool_check_files(files, sizeof files / sizeof *files, call->diag);
    free(machine);
    return status;
}

static int run(const kpu_call *call)
{
    const values *v = call->values;
    request r = {.v = v};
    const schedule_view *view = NULL;
    kpu_tool_case c;
    int status = find_view(v, &view, call->diag);
    if (!status)
        status = kpu_tool_choose_format(v->format, &r.style.format, call->diag);
    if (!status)
        status = check_files(call);
    if (!status && v->logical)
        status = check_logical(&v->c, call->diag);
    if (!status)
        status = v->logical && call->operand_count == 0
                     ? kpu_case_values_read_untimed(&v->c, &c, call->diag)
                     : kpu_call_case_read(call, &v->c, &c);
    r.style.verbose = v->verbose;
    return status ? status : show(&r, &c, view, call->diag);
}

const kpu_tool_command kpu_command_schedule = {
    .name = "schedule",
    .operands = "[FILE ID]",
    .max_operands = 2,
    .summary = "which command runs where and when: lists, charts, traces",
    .details = "The candidate is number ID of a results file, or is given by flags as with eval.\n"
               "Example:\n"
               "  kpu-dse schedule --machine default --gemm 512x512x512 --tile 64x64x64 \\\n"
               "      --view gantt\n"
               "With --trace and no --view nothing is printed. See docs/schedules.md.\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_bytes = sizeof(values),
    .defaults = set_defaults,
    .run = run,
};
