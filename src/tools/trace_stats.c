/* kpu-dse trace-stats: what a trace says about engines, waits and the critical path. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kpu/report.h"
#include "tools/command.h"
#include "tools/output.h"

typedef struct values {
    bool json;
} values;

static const kpu_option options[] = {
    {"json", 0, KPU_OPTION_FLAG, offsetof(values, json), NULL,
     "print one JSON object, with every command of the critical path", 0, 0},
};

static int complain(const char *path, int code, const char *what, kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    return kpu_diag_add_at(diag, code, &place, "%s: %s", what, strerror(errno));
}

static int read_all(FILE *file, const char *path, kpu_trace_stats *stats, kpu_diag *diag)
{
    char piece[1 << 16];
    int status = KPU_OK;
    for (size_t bytes; !status && (bytes = fread(piece, 1, sizeof piece, file)) > 0;)
        status = kpu_trace_stats_add(stats, piece, bytes);
    if (!status && ferror(file))
        return complain(path, KPU_E_INPUT, "cannot be read", diag);
    return status ? status : kpu_trace_stats_finish(stats);
}

static int read_stats(const char *path, kpu_trace_stats *stats, kpu_diag *diag)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return complain(path, KPU_E_INPUT, "cannot be opened", diag);
    int status = read_all(file, path, stats, diag);
    fclose(file);
    return status;
}

static int run(const kpu_call *call)
{
    const values *v = call->values;
    const char *path = call->operands[0];
    kpu_trace_stats *stats;
    kpu_text text = {0};
    int status = kpu_trace_stats_new(path, call->diag, &stats);
    if (!status)
        status = read_stats(path, stats, call->diag);
    if (!status) {
        (v->json ? kpu_trace_stats_put_json : kpu_trace_stats_put_text)(stats, &text);
        status = kpu_tool_print(&text);
    }
    kpu_trace_stats_free(stats);
    return status;
}

const kpu_tool_command kpu_command_trace_stats = {
    .name = "trace-stats",
    .operands = "TRACE.json",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "what a trace says: use of engines, longest waits, critical path",
    .details = "TRACE.json was written by kpu-dse schedule --trace or kpu-loader --trace. See\n"
               "docs/schedules.md.\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_bytes = sizeof(values),
    .run = run,
};
