/* kpu-dse eval: one candidate, or a stream of them. */
#include <stdio.h>
#include <stdlib.h>

#include <unistd.h>

#include "kpu/report.h"
#include "tools/case_options.h"
#include "tools/jsonl.h"
#include "tools/output.h"

typedef struct values {
    kpu_case_values c;
    bool json, jsonl, plain_walk;
} values;

static const kpu_option options[] = {
    KPU_CASE_OPTIONS(values, c),
    {"json", 0, KPU_OPTION_FLAG, offsetof(values, json), NULL,
     "print the result and all metrics as one JSON object", 0, 0},
    {"jsonl", 0, KPU_OPTION_FLAG, offsetof(values, jsonl), NULL,
     "read a case a line from the standard input, print a result a line", 0, 0},
    KPU_NO_FAST_FORWARD_OPTION(values, plain_walk),
};

static void put_metrics(kpu_text *text, const kpu_metric_value *metrics)
{
    for (size_t i = 0; i < kpu_metric_count(); i++) {
        const kpu_metric *metric = kpu_metric_at(i);
        kpu_text_put(text, i > 0 ? "," : "");
        kpu_text_put_json_string(text, metric->name);
        kpu_text_put(text, ":");
        if (metric->words)
            kpu_text_put_json_string(text, metric->words[metrics[i].i]);
        else if (metric->type == KPU_METRIC_INT64)
            kpu_text_put_int(text, metrics[i].i);
        else
            kpu_text_put_json_number(text, metrics[i].d);
    }
}

static int put_json(kpu_text *text, const kpu_tool_case *c, const kpu_result *result)
{
    kpu_metric_value *metrics = calloc(kpu_metric_count(), sizeof *metrics);
    if (!metrics)
        return KPU_E_MEMORY;
    kpu_metrics_compute(&c->machine, result, metrics);
    kpu_text_put(text, "{\"machine\":");
    kpu_text_put_json_string(text, c->machine.name);
    kpu_text_put(text, ",");
    kpu_result_put_json_fields(text, &c->machine, result);
    kpu_text_put(text, ",\"metrics\":{");
    put_metrics(text, metrics);
    kpu_text_put(text, "}}\n");
    free(metrics);
    return KPU_OK;
}

static int evaluate(const values *v, const kpu_tool_case *c, kpu_simulator *simulator,
                    kpu_diag *diag)
{
    kpu_result result;
    kpu_text text = {0};
    int status = kpu_evaluate(simulator, &c->machine, &c->problem, &c->candidate, &result);
    if (status)
        return kpu_diag_add(diag, status, "%s", kpu_error_text(status));
    if (v->json)
        status = put_json(&text, c, &result);
    else
        kpu_result_summarise(&text, &c->machine, &result);
    int printed = kpu_tool_print(&text);
    return status ? status : printed;
}

static int run(const kpu_call *call)
{
    const values *v = call->values;
    if (v->jsonl && (v->json || kpu_case_values_given(&v->c)))
        return kpu_diag_add(call->diag, KPU_E_USAGE,
                            "eval: --jsonl reads whole cases; it takes no --json and no flag that "
                            "describes one");
    if (v->jsonl) {
        const kpu_jsonl streams = {STDIN_FILENO, stdout, v->plain_walk};
        return kpu_tool_jsonl(&streams, call->diag);
    }
    kpu_tool_case c;
    int status = kpu_case_values_read(&v->c, &c, call->diag);
    if (status)
        return status;
    kpu_simulator *simulator = kpu_simulator_new();
    if (simulator)
        kpu_simulator_set_fast_forward(simulator, !v->plain_walk);
    status = simulator ? evaluate(v, &c, simulator, call->diag) : KPU_E_MEMORY;
    kpu_simulator_free(simulator);
    return status;
}

const kpu_tool_command kpu_command_eval = {
    .name = "eval",
    .operands = "",
    .summary = "time one candidate on one machine, or a stream of them",
    .details = "Example:\n"
               "  kpu-dse eval --machine default --gemm 512x512x512 --tile 64x64x64 --d3 3\n"
               "\n"
               "--jsonl: each line is an object {\"hw\", \"problem\", \"candidate\"}; hw has the\n"
               "sections and keys of a machine file. Each line is answered at once. A bad line\n"
               "gives {\"error\": \"...\"} in its place, and exit code 2 in the end.\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_bytes = sizeof(values),
    .run = run,
};
