/* kpu-dse keys: the table of keys. */
#include <stddef.h>

#include "kpu/report.h"
#include "tools/command.h"
#include "tools/output.h"

typedef struct values {
    bool markdown;
} values;

static const kpu_option options[] = {
    {"markdown", 0, KPU_OPTION_FLAG, offsetof(values, markdown), NULL, "print docs/keys.md", 0, 0},
};

static int run(const kpu_call *call)
{
    const values *v = call->values;
    kpu_text text = {0};
    if (v->markdown)
        kpu_reference_put_keys_markdown(&text);
    else
        kpu_reference_put_keys(&text);
    return kpu_tool_print(&text);
}

const kpu_tool_command kpu_command_keys = {
    .name = "keys",
    .operands = "",
    .summary = "list every key of machine and sweep files, with unit, default and bounds",
    .details = "",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_bytes = sizeof(values),
    .run = run,
};
