/* kpu-dse eval: one candidate, or a stream of them. */
#include "tools/command.h"
#include "tools/jsonl.h"

typedef struct values {
    bool jsonl;
} values;

static const kpu_option options[] = {
    {"jsonl", 0, KPU_OPTION_FLAG, offsetof(values, jsonl), NULL,
     "read a case a line from the standard input, print a result a line", 0, 0},
};

static int run(const kpu_call *call)
{
    return kpu_tool_jsonl(call->diag);
}

const kpu_command kpu_command_eval = {
    .name = "eval",
    .operands = "",
    .summary = "time one candidate on one machine",
    .details = "",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_bytes = sizeof(values),
    .run = run,
};
