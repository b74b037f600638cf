/* kpu-dse show: one candidate explained to a person. */
#include <string.h>

#include "kpu/report.h"
#include "tools/call_case.h"
#include "tools/output.h"

typedef struct values {
    kpu_case_values c;
    const char *format;
    bool plain_walk;
} values;

static const kpu_option options[] = {
    KPU_CASE_OPTIONS(values, c),
    {"format", 0, KPU_OPTION_TEXT, offsetof(values, format), "F",
     "text (default), or c: loop nest and transfers as a comment block of C", 0, 0},
    KPU_NO_FAST_FORWARD_OPTION(values, plain_walk),
};

typedef void explainer(kpu_text *text, const kpu_machine *machine, const kpu_result *result);

static int find_explainer(const char *format, explainer **out, kpu_diag *diag)
{
    static const struct {
        const char *name;
        explainer *explain;
    } formats[] = {{"text", kpu_result_explain}, {"c", kpu_result_explain_c}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (!format || strcmp(format, formats[i].name) == 0) {
            *out = formats[i].explain;
            return KPU_OK;
        }
    return kpu_diag_add(diag, KPU_E_USAGE, "--format: expected text or c, got \"%s\"", format);
}

static int explain(const kpu_tool_case *c, explainer *put, kpu_simulator *simulator, kpu_diag *diag)
{
    kpu_result result;
    kpu_text text = {0};
    int status = kpu_evaluate(simulator, &c->machine, &c->problem, &c->candidate, &result);
    if (status)
        return kpu_diag_add(diag, status, "%s", kpu_error_text(status));
    put(&text, &c->machine, &result);
    return kpu_tool_print(&text);
}

static int run(const kpu_call *call)
{
    const values *v = call->values;
    kpu_tool_case c;
    explainer *put = NULL;
    int status = find_explainer(v->format, &put, call->diag);
    if (!status)
        status = kpu_call_case_read(call, &v->c, &c);
    if (status)
        return status;
    kpu_simulator *simulator = kpu_simulator_new();
    if (simulator)
        kpu_simulator_set_fast_forward(simulator, !v->plain_walk);
    status = simulator ? explain(&c, put, simulator, call->diag) : KPU_E_MEMORY;
    kpu_simulator_free(simulator);
    return status;
}

const kpu_tool_command kpu_command_show = {
    .name = "show",
    .operands = "[FILE ID]",
    .max_operands = 2,
    .summary = "explain one candidate: loop nest, memories, cycles, bounds",
    .details = "The candidate is number ID of a results file, or is given by flags as with eval.\n"
               "It is timed again, so the explanation is of this version of the model.\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_bytes = sizeof(values),
    .run = run,
};
