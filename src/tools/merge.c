/* kpu-dse merge: the parts of a run that was cut with run --shard, put together again. */
#include "tools/merge.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/output.h"
#include "tools/run.h"

typedef struct values {
    bool allow_missing, is_virtual, quiet, force;
} values;

static const kpu_option options[] = {
    {"allow-missing", 0, KPU_OPTION_FLAG, offsetof(values, allow_missing), NULL,
     "merge what there is, though parts are missing or not finished; the file says so", 0, 0},
    {"virtual", 0, KPU_OPTION_FLAG, offsetof(values, is_virtual), NULL,
     "copy no rows: OUT is a view over the parts, an HDF5 virtual dataset a column, and needs them "
     "beside it or in folders below",
     0, 0},
    {"quiet", 'q', KPU_OPTION_FLAG, offsetof(values, quiet), NULL,
     "no progress and no summary; complaints only", 0, 0},
    {"force", 0, KPU_OPTION_FLAG, offsetof(values, force), NULL,
     "replace OUT if it exists, once the new one is complete", 0, 0},
};

/* ---- Progress --------------------------------------------------------------------------- */

typedef struct progress {
    double start, shown; /* seconds */
    bool is_shown;
} progress;

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void show_progress(void *context, int64_t done, int64_t total)
{
    const double interval = 0.2;
    progress *p = context;
    double now = seconds();
    if (!p->is_shown || total == 0 || now - p->shown < interval)
        return;
    p->shown = now;
    kpu_text line = {0};
    kpu_text_put_grouped(&line, done);
    kpu_text_put(&line, " of ");
    kpu_text_put_grouped(&line, total);
    kpu_text_format(&line, " rows, %.1f %%", 100.0 * (double)done / (double)total);
    if (!line.failed)
        fprintf(stderr, "\r%.78s\033[K", line.data);
    kpu_text_fini(&line);
}

/* ---- What stands beside the rows --------------------------------------------------------- */

static int write_outcome(const kpu_merge *merge, kpu_store *store, kpu_diag *diag)
{
    int64_t evaluations = 0;
    double gap = 0;
    bool counts = true, has_gap = true;
    for (size_t i = 0; i < merge->count; i++) {
        const kpu_merge_part *part = &merge->parts[i];
        counts = counts && part->evaluations >= 0;
        evaluations += counts ? part->evaluations : 0;
        has_gap = has_gap && part->has_gap;
        gap += has_gap ? part->gap : 0;
    }
    kpu_text text = {0};
    int status = KPU_OK;
    if (counts) {
        kpu_text_put_int(&text, evaluations);
        status = text.failed ? KPU_E_MEMORY
                             : kpu_store_write_attribute(store, "evaluations", text.data, diag);
    }
    kpu_text_clear(&text);
    if (!status && has_gap && !merge->missing.length) {
        kpu_text_format(&text, "%.17g", gap);
        status =
            text.failed ? KPU_E_MEMORY : kpu_store_write_attribute(store, "gap", text.data, diag);
    }
    kpu_text_fini(&text);
    return status;
}

static int write_command_line(const kpu_call *call, kpu_store *store)
{
    kpu_text line = {0};
    kpu_text_put(&line, "kpu-dse");
    for (int i = 0; i < call->argc; i++)
        kpu_text_format(&line, " %s", call->argv[i]);
    int status = line.failed ? KPU_E_MEMORY
                             : kpu_store_write_text(store, "command_line", line.data, call->diag);
    kpu_text_fini(&line);
    return status;
}

/* All but the rows; what differs from part to part is left out, or summed. */
static int write_frame(const kpu_merge *merge, const kpu_call *call, kpu_store *store)
{
    static const char *const without[] = {"shard", "shard_block",  "evaluations",
                                          "gap",   "command_line", NULL};
    kpu_results *first = NULL;
    int status = kpu_results_open(merge->parts[0].path, &first, call->diag);
    if (!status)
        status = kpu_store_copy_frame(store, first, without, call->diag);
    kpu_results_close(first);
    if (!status)
        status = write_command_line(call, store);
    if (!status && merge->missing.length)
        status =
            kpu_store_write_attribute(store, "shards_missing", merge->missing.data, call->diag);
    return status ? status : write_outcome(merge, store, call->diag);
}

/* ---- The file ---------------------------------------------------------------------------- */

/* The number that tells an unfinished file of a merge from one of a run. */
static const char merged_rows[] = "merged";

/* A merge that was killed just before its file got its name is begun anew, as any other; after
 * that its journals may be left. What a run has left is not ours. */
static int drop_unfinished_merge(const char *output, kpu_diag *diag)
{
    kpu_store_state state;
    int64_t rows;
    kpu_store_probe(output, &state);
    if (state.is_finished && !state.is_partial)
        kpu_store_sweep(output);
    if (!state.is_partial || state.is_written ||
        !kpu_store_probe_number(output, merged_rows, &rows))
        return KPU_OK;
    return kpu_store_drop_partial(output, diag);
}

static int finish(const kpu_merge *merge, kpu_store *store, kpu_diag *diag)
{
    return merge->missing.length ? kpu_store_finish_incomplete(store, diag)
                                 : kpu_store_finish(store, diag);
}

/* *in_order: as in kpu_merge_write_view. */
static int write_file(const kpu_merge *merge, const kpu_call *call, bool *in_order)
{
    const values *v = call->values;
    const char *output = call->operands[0];
    kpu_store *store = NULL;
    int status = drop_unfinished_merge(output, call->diag);
    *in_order = true;
    if (!status)
        status = kpu_store_create(output, v->force, merge->columns.column,
                                  v->is_virtual ? 0 : merge->columns.count, &store, call->diag);
    if (!status) {
        kpu_store_set_number(store, merged_rows, merge->rows);
        status = write_frame(merge, call, store);
    }
    if (!status && v->is_virtual)
        status = kpu_merge_write_view(merge, output, store, in_order, call->diag);
    else if (!status)
        status = kpu_merge_write_rows(merge, output, store, call->diag);
    if (!status && !*in_order)
        status = kpu_store_write_attribute(store, "order", "parts", call->diag);
    if (!status && *merge->stop)
        status = KPU_E_INTERRUPTED;
    if (!status)
        return finish(merge, store, call->diag);
    kpu_store_abandon(store);
    return status;
}

static int check_files(const kpu_call *call)
{
    for (int i = 1; i < call->operand_count; i++) {
        const kpu_tool_file files[] = {{"OUT", call->operands[0], true},
                                       {"a part", call->operands[i], false}};
        int status = kpu_tool_check_files(files, 2, call->diag);
        if (status)
            return status;
    }
    return KPU_OK;
}

/* --force is for old results: it replaces HDF5 files only. */
static int check_output(const kpu_merge *merge, const kpu_call *call)
{
    const values *v = call->values;
    const kpu_run as_run = {.space = merge->space,
                            .sweep_path = "", /* no file that is read here */
                            .output = call->operands[0],
                            .force = v->force};
    return kpu_run_check_output(&as_run, call->diag);
}

/* ---- The whole --------------------------------------------------------------------------- */

static void put_count(kpu_text *out, int64_t count, const char *one)
{
    kpu_text_put_grouped(out, count);
    kpu_text_format(out, " %s%s", one, count == 1 ? "" : "s");
}

static int print_summary(const kpu_merge *merge, const kpu_call *call, bool in_order)
{
    const values *v = call->values;
    const progress *p = merge->progress_context;
    double took = seconds() - p->start;
    kpu_text out = {0};
    put_count(&out, (int64_t)merge->count, "part");
    kpu_text_put(&out, ", ");
    put_count(&out, merge->rows, "row");
    if (v->is_virtual)
        kpu_text_format(&out, ", %s",
                        in_order ? "in the order of a single run" : "in the order of the parts");
    kpu_text_format(&out, "; %.2f s", took);
    if (!v->is_virtual && took > 0) {
        kpu_text_put(&out, ", ");
        kpu_text_put_grouped(&out, (int64_t)((double)merge->rows / took));
        kpu_text_put(&out, " rows/s");
    }
    kpu_text_put(&out, "\n");
    if (merge->missing.length)
        kpu_text_format(&out, "Incomplete: of %lld parts these are missing: %s\n",
                        (long long)merge->shards, merge->missing.data);
    kpu_text_format(&out, "%s in %s\n", v->is_virtual ? "A view of the results" : "Results",
                    call->operands[0]);
    return kpu_tool_print(&out);
}

static int merge_parts(kpu_merge *merge, const kpu_call *call)
{
    const values *v = call->values;
    bool in_order = true;
    int status = kpu_merge_read_parts(call->operands + 1, (size_t)call->operand_count - 1,
                                      v->allow_missing, merge, call->diag);
    if (!status && v->is_virtual && merge->keep.kind != KPU_KEEP_ALL && merge->count > 1 &&
        !merge->search->only_fronts)
        status = kpu_diag_add(call->diag, KPU_E_USAGE,
                              "--virtual: the sweep keeps a choice of all rows, which is made of "
                              "those of all parts; a view cannot leave out any");
    if (!status)
        status = check_output(merge, call);
    if (!status && v->is_virtual)
        status = kpu_merge_check_folders(merge, call->operands[0], call->diag);
    if (!status)
        status = write_file(merge, call, &in_order);
    if (!status && !v->quiet)
        status = print_summary(merge, call, in_order);
    return status;
}

static int run(const kpu_call *call)
{
    const values *v = call->values;
    progress shown = {.start = seconds(), .is_shown = !v->quiet && isatty(STDERR_FILENO)};
    kpu_merge merge = {
        .stop = kpu_run_stop(), .progress = show_progress, .progress_context = &shown};
    kpu_run_catch_signals();
    int status = check_files(call);
    if (!status)
        status = merge_parts(&merge, call);
    if (shown.shown > 0)
        fputs("\r\033[K", stderr);
    if (status == KPU_E_INTERRUPTED)
        kpu_diag_add(call->diag, status, "interrupted; nothing was written");
    kpu_merge_fini(&merge);
    return status;
}

const kpu_tool_command kpu_command_merge = {
    .name = "merge",
    .operands = "OUT IN...",
    .min_operands = 2,
    .max_operands = INT_MAX,
    .summary = "put together the parts of a sweep that run --shard wrote",
    .details = "IN are all parts of one run, in any order. OUT is the file that the run would\n"
               "have written without --shard, whatever the number of parts.\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_bytes = sizeof(values),
    .run = run,
};
