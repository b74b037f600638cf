/* kpu-dse show: one candidate explained to a person. */
#include "kpu/report.h"
#include "tools/call_case.h"
#include "tools/output.h"

typedef struct values {
    kpu_case_values c;
    bool plain_walk;
} values;

static const kpu_option options[] = {
    KPU_CASE_OPTIONS(values, c),
    KPU_NO_FAST_FORWARD_OPTION(values, plain_walk),
};

static int explain(const kpu_tool_case *c, kpu_simulator *simulator, kpu_diag *diag)
{
    kpu_result result;
    kpu_text text = {0};
    int status = kpu_evaluate(simulator, &c->machine, &c->problem, &c->candidate, &result);
    if (status)
        return kpu_diag_add(diag, status, "%s", kpu_error_text(status));
    kpu_result_explain(&text, &c->machine, &result);
    return kpu_tool_print(&text);
}

static int run(const kpu_call *call)
{
    const values *v = call->values;
    kpu_tool_case c;
    int status = kpu_call_case_read(call, &v->c, &c);
    if (status)
        return status;
    kpu_simulator *simulator = kpu_simulator_new();
    if (simulator)
        kpu_simulator_set_fast_forward(simulator, !v->plain_walk);
    status = simulator ? explain(&c, simulator, call->diag) : KPU_E_MEMORY;
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
