/* The files of a run: beginning, going on, ending.
 *
 * A run may be killed between any two of these steps, and --resume then does what is missing:
 *   1. OUTPUT.partial is created and locked; nothing of it counts until its first commit.
 *   2. A log that an older run left is dropped. (Killed here: the run begins anew.)
 *   3. Tables, provenance and identity are written to OUTPUT.partial, and committed.
 *   4. The log, if there is one, is created, and committed. (Killed before: it is created later.)
 *   5. Rows and the numbers that say how far the run is are committed together, to the log if there
 * is one, else to OUTPUT.partial. (Killed: what came after the last commit is done again.)
 *   6. The log is committed with all that it will have; only then rows come from it to
 * OUTPUT.partial. Which ones, and their order, follow from the log. (Killed: the search finds all
 * that it asks for in the log, and rows that are in OUTPUT.partial are skipped.)
 *   7. That a certificate is ours is committed to OUTPUT.partial; then it gets its name. (Killed:
 * it is made again, and may replace itself.)
 *   8. OUTPUT.partial is committed and becomes OUTPUT. (Killed: --resume finds a finished run.)
 *   9. The log is removed. (Killed before: --resume, or step 2 of a later run, removes it.) */
#include "tools/run_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/output.h"
#include "tools/run_place.h"

static int no_memory(kpu_diag *diag)
{
    return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
}

bool kpu_run_has_log(const kpu_space *space)
{
    return kpu_space_search(space)->search->only_fronts ||
           kpu_space_keep(space).kind != KPU_KEEP_ALL;
}

void kpu_run_put_log_path(kpu_text *out, const char *output)
{
    kpu_text_format(out, "%s.log", output);
}

/* ---- The log ------------------------------------------------------------------------------ */

/* Of a search that gives its rows at the end: the id, and what the search looks at. */
static bool is_logged(const kpu_run *run, const kpu_columns *columns, size_t column)
{
    if (!kpu_space_search(run->space)->search->only_fronts || column == 0)
        return true;
    return column >= columns->metric_first &&
           kpu_columns_is_followed(run->space, column - columns->metric_first);
}

static int make_log_columns(const kpu_columns *columns, kpu_run_files *files)
{
    files->log_columns = calloc(columns->count, sizeof *files->log_columns);
    files->log_sources = calloc(columns->count, sizeof *files->log_sources);
    if (!files->log_columns || !files->log_sources)
        return KPU_E_MEMORY;
    for (size_t i = 0; i < columns->count; i++)
        if (is_logged(files->run, columns, i)) {
            files->log_columns[files->log_column_count] = columns->column[i];
            files->log_sources[files->log_column_count++] = i;
        }
    return KPU_OK;
}

static int create_log(kpu_run_files *files, kpu_diag *diag)
{
    kpu_text identity = {0};
    int status = kpu_store_create(files->log_path, true, files->log_columns,
                                  files->log_column_count, &files->log, diag);
    if (!status)
        status = kpu_run_put_identity(&identity, files->run->space);
    if (!status)
        status = kpu_store_write_text(files->log, "identity", identity.data, diag);
    if (!status)
        status = kpu_run_store_shard(files->log, files->run, diag);
    if (!status)
        status = kpu_store_commit(files->log, diag);
    kpu_text_fini(&identity);
    return status;
}

static int open_log(const kpu_columns *columns, kpu_run_files *files, kpu_diag *diag)
{
    kpu_store_state state;
    if (!kpu_run_has_log(files->run->space))
        return KPU_OK;
    if (make_log_columns(columns, files))
        return no_memory(diag);
    kpu_store_probe(files->log_path, &state);
    if (!state.is_partial && !state.is_damaged)
        return create_log(files, diag);
    int status = kpu_run_check_identity(files->run, files->log_partial, diag);
    if (!status)
        status = kpu_store_resume(files->log_path, files->log_columns, files->log_column_count,
                                  &files->log, diag);
    return status;
}

/* ---- What is there ------------------------------------------------------------------------ */

/* Rows of what a run left; -1 if it cannot be read. */
static int64_t count_rows(const char *path)
{
    kpu_results *results;
    if (kpu_results_open(path, &results, NULL) != KPU_OK)
        return -1;
    int64_t rows = kpu_results_rows(results);
    kpu_results_close(results);
    return rows;
}

static int64_t count_kept(const kpu_run_files *files)
{
    int64_t rows = count_rows(files->partial);
    kpu_store_state log;
    kpu_store_probe(files->log_path, &log);
    int64_t logged = log.is_partial ? count_rows(files->log_partial) : -1;
    return logged > rows ? logged : rows;
}

static int refuse_busy(const kpu_run_files *files, const char *writer, kpu_diag *diag)
{
    const kpu_place place = {.file = files->partial};
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                           "another run is writing it (%s); `kpu-dse watch %s` shows how far it "
                           "is; choose another file with -o",
                           *writer ? writer : "nothing is known of it", files->run->output);
}

static int refuse_unfinished(const kpu_run_files *files, kpu_diag *diag)
{
    const kpu_place place = {.file = files->partial};
    int64_t kept = count_kept(files);
    kpu_text rows = {0};
    if (kept >= 0) {
        kpu_text_put(&rows, "has ");
        kpu_text_put_grouped(&rows, kept);
        kpu_text_put(&rows, " rows of");
    }
    int status = rows.failed ? no_memory(diag)
                             : kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                                               "%s a run that did not end; --resume goes on with "
                                               "it, --force drops it",
                                               rows.data ? rows.data : "is what is left of");
    kpu_text_fini(&rows);
    return status;
}

static void remark_dropped(const kpu_run_files *files, int64_t kept)
{
    kpu_text text = {0};
    kpu_text_format(&text, "%s: dropped, with ", files->partial);
    kpu_text_put_grouped(&text, kept < 0 ? 0 : kept);
    kpu_text_put(&text, " rows of a run that did not end\n");
    kpu_tool_remark(&text);
}

/* ---- Opening ------------------------------------------------------------------------------ */

static int create(const kpu_columns *columns, kpu_run_files *files, kpu_diag *diag)
{
    int64_t kept = files->drops ? count_kept(files) : 0;
    int status = kpu_run_create_store(files->run, columns, &files->main, diag);
    if (!status && files->drops)
        remark_dropped(files, kept);
    if (!status)
        status = kpu_store_drop_partial(files->log_path, diag);
    if (!status)
        status = kpu_store_commit(files->main, diag);
    return status ? status : open_log(columns, files, diag);
}

static int resume(const kpu_columns *columns, kpu_run_files *files, kpu_diag *diag)
{
    kpu_columns stored = {0};
    int status = kpu_place_columns(files->run, columns, &stored);
    if (!status)
        status =
            kpu_store_resume(files->run->output, stored.column, stored.count, &files->main, diag);
    free(stored.column);
    return status ? status : open_log(columns, files, diag);
}

/* A run that is resumed once more than needed, by a job script say, has nothing to do. */
static void sweep_finished(kpu_run_files *files)
{
    kpu_store_sweep(files->run->output); /* the run was killed before it could */
    kpu_store_drop_partial(files->log_path, NULL);
}

static int find_step(kpu_run_files *files, kpu_diag *diag)
{
    const kpu_run *run = files->run;
    kpu_store_state state;
    kpu_store_probe(run->output, &state);
    files->step = KPU_RUN_BEGINS;
    files->drops = state.is_partial;
    if (state.is_written)
        return refuse_busy(files, state.writer, diag);
    if (run->resume && state.is_partial && (!state.is_finished || run->force)) {
        files->step = KPU_RUN_RESUMES;
        return kpu_run_check_identity(run, files->partial, diag);
    }
    if (run->resume && state.is_finished) {
        files->step = KPU_RUN_IS_FINISHED;
        return kpu_run_check_identity(run, run->output, diag);
    }
    return state.is_partial && !run->force ? refuse_unfinished(files, diag) : KPU_OK;
}

int kpu_run_files_open(kpu_run_files *files, const kpu_columns *columns, kpu_diag *diag)
{
    if (files->step == KPU_RUN_BEGINS)
        return create(columns, files, diag);
    if (files->step == KPU_RUN_RESUMES)
        return resume(columns, files, diag);
    sweep_finished(files);
    return KPU_OK;
}

static char *take_text(kpu_text *text)
{
    char *data = text->failed ? NULL : text->data;
    if (!data)
        kpu_text_fini(text);
    return data;
}

static char *name_file(const char *path, const char *ending)
{
    kpu_text text = {0};
    kpu_text_format(&text, "%s%s", path, ending);
    return take_text(&text);
}

int kpu_run_files_find(const kpu_run *run, kpu_run_files *out, kpu_diag *diag)
{
    kpu_text log = {0};
    kpu_run_put_log_path(&log, run->output);
    *out = (kpu_run_files){
        .run = run, .partial = name_file(run->output, ".partial"), .log_path = take_text(&log)};
    out->log_partial = out->log_path ? name_file(out->log_path, ".partial") : NULL;
    if (!out->partial || !out->log_partial)
        return no_memory(diag);
    return find_step(out, diag);
}

kpu_store *kpu_run_files_first(const kpu_run_files *files)
{
    return files->log ? files->log : files->main;
}

/* ---- The end ------------------------------------------------------------------------------ */

int kpu_run_files_suspend(kpu_run_files *files, kpu_diag *diag)
{
    int status = files->log ? kpu_store_suspend(files->log, diag) : KPU_OK;
    int main_status = files->main ? kpu_store_suspend(files->main, diag) : KPU_OK;
    files->log = files->main = NULL;
    return status ? status : main_status;
}

int kpu_run_files_finish(kpu_run_files *files, kpu_diag *diag)
{
    kpu_store *store = files->main;
    files->main = NULL;
    int status = kpu_store_finish(store, diag);
    if (status)
        return status;
    kpu_store_abandon(files->log);
    files->log = NULL;
    return KPU_OK;
}

void kpu_run_files_abandon(kpu_run_files *files)
{
    kpu_store_abandon(files->main); /* before the log: what goes on needs it */
    kpu_store_abandon(files->log);
    files->main = files->log = NULL;
}

void kpu_run_files_fini(kpu_run_files *files)
{
    kpu_run_files_suspend(files, NULL);
    free(files->log_columns);
    free(files->log_sources);
    free(files->partial);
    free(files->log_path);
    free(files->log_partial);
    *files = (kpu_run_files){0};
}

/* ---- What to tell ------------------------------------------------------------------------- */

/* As a shell reads it. */
static void put_word(kpu_text *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV"
                                "WXYZ0123456789_-./=,:+@%^";
    if (*word && word[strspn(word, plain)] == '\0') {
        kpu_text_put(out, word);
        return;
    }
    kpu_text_put(out, "'");
    for (; *word; word++)
        if (*word == '\'')
            kpu_text_put(out, "'\\''");
        else
            kpu_text_put_bytes(out, word, 1);
    kpu_text_put(out, "'");
}

void kpu_run_put_command(kpu_text *out, const kpu_run *run)
{
    const kpu_call *call = run->call;
    kpu_text_put(out, "kpu-dse");
    for (int i = 0; i < call->argc; i++) {
        kpu_text_put(out, " ");
        put_word(out, call->argv[i]);
        if (i == 0 && !run->resume)
            kpu_text_put(out, " --resume");
    }
}

bool kpu_run_put_kept(kpu_text *out, const kpu_run_files *files)
{
    int64_t rows = count_kept(files);
    if (rows < 0)
        return false;
    kpu_text_put_grouped(out, rows);
    kpu_text_format(out, " %s kept in %s; go on with: ", rows == 1 ? "row is" : "rows are",
                    files->partial);
    kpu_run_put_command(out, files->run);
    return true;
}
