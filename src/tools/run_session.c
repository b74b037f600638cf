/* A run: the search, the rows that it brings, the end. */
#include "tools/run_session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tools/output.h"

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double kpu_run_seconds(void)
{
    return seconds(CLOCK_MONOTONIC);
}

double kpu_run_cpu_seconds(void)
{
    return seconds(CLOCK_THREAD_CPUTIME_ID);
}

double kpu_run_process_seconds(void)
{
    return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

bool kpu_run_counts_points(const kpu_space *space)
{
    return kpu_space_search(space)->search->budget == KPU_SEARCH_REFUSES;
}

/* ---- While it goes on --------------------------------------------------------------------- */

/* What is committed together with the rows that came. A search that begins anew is behind what is
 * known for a while. */
static void set_numbers(kpu_run_session *s, const kpu_search_progress *p, kpu_diag *diag)
{
    kpu_store *store = kpu_run_files_first(&s->files);
    if (p->evaluations < s->known_evaluations)
        return;
    if (kpu_run_counts_points(s->run->space))
        kpu_store_set_number(store, KPU_RUN_POINTS, p->done);
    kpu_store_set_number(store, KPU_RUN_TOTAL, p->total);
    kpu_store_set_number(store, KPU_RUN_EVALUATIONS, p->evaluations);
    kpu_store_set_number(store, KPU_RUN_FEASIBLE, p->feasible);
    kpu_store_set_number(store, KPU_RUN_TIME,
                         s->known_ms + (int64_t)(1e3 * (kpu_run_seconds() - s->start)));
    s->failed = kpu_store_set_bytes(store, p->ahead, p->ahead_bytes, diag);
}

typedef struct progress_context {
    kpu_run_session *session;
    kpu_diag *diag;
} progress_context;

static bool take_progress(void *context, const kpu_search_progress *progress)
{
    progress_context *c = context;
    kpu_run_session *s = c->session;
    double start = kpu_run_cpu_seconds();
    if (!s->failed)
        set_numbers(s, progress, c->diag);
    if (!s->failed)
        s->failed = kpu_store_commit_if_due(kpu_run_files_first(&s->files), c->diag);
    if (!s->failed && s->files.log) /* shows that somebody is there */
        s->failed = kpu_store_commit_if_due(s->files.main, c->diag);
    s->writing += kpu_run_cpu_seconds() - start;
    kpu_run_show_progress(s, progress);
    return s->failed != KPU_OK;
}

static int search(kpu_run_session *s, kpu_diag *diag)
{
    bool has_past;
    kpu_search_past past;
    progress_context progress = {s, diag};
    int status = kpu_run_open_past(s, &past, &has_past, diag);
    if (status)
        return status;
    size_t ahead_bytes;
    const void *ahead = kpu_store_bytes(kpu_run_files_first(&s->files), &ahead_bytes);
    const kpu_search_options how = {.threads = (int)s->run->threads,
                                    .sink = kpu_run_take_rows,
                                    .sink_context = s,
                                    .progress = take_progress,
                                    .progress_context = &progress,
                                    .stop = kpu_run_stop(),
                                    .plain_walk = s->run->plain_walk,
                                    .certificate =
                                        s->certificate.writer ? kpu_run_take_certificate : NULL,
                                    .certificate_context = &s->certificate,
                                    .past = has_past ? &past : NULL,
                                    .ahead = ahead,
                                    .ahead_bytes = ahead_bytes,
                                    .noted = s->gives_fronts ? kpu_run_take_noted : NULL,
                                    .noted_context = s,
                                    .shard = s->run->shard,
                                    .ranks = s->run->ranks};
    s->start = kpu_run_seconds();
    s->cpu_start = kpu_run_process_seconds();
    s->shows_progress = !s->run->quiet && isatty(STDERR_FILENO);
    status = kpu_search_run(s->run->space, &how, &s->found, diag);
    if (s->shown > 0)
        fputs("\r\033[K", stderr);
    if (s->failed)
        return s->failed;
    if (!status && *kpu_run_stop()) /* between the last row and here: what the sink took, counts */
        return KPU_E_INTERRUPTED;
    return status ? status : kpu_run_recall_rest(s, diag);
}

/* ---- The end ------------------------------------------------------------------------------ */

static bool found_nothing(const kpu_run_session *s)
{
    return s->found.evaluations == 0 && isnan(s->found.gap) /* without bounds */ &&
           s->run->shard.count <= 1;
}

/* The certificate before the results: who sees these finds that one. */
static int finish(kpu_run_session *s, kpu_diag *diag)
{
    double start = kpu_run_cpu_seconds();
    int status = s->selection ? kpu_run_copy_kept(s, diag) : KPU_OK;
    if (!status)
        status = kpu_run_store_outcome(s->files.main, &s->found, diag);
    if (!status)
        status = kpu_run_finish_certificate(&s->certificate, s->files.main, diag);
    if (!status && *kpu_run_stop())
        status = KPU_E_INTERRUPTED;
    if (!status) {
        s->kept = kpu_store_rows(s->files.main);
        status = kpu_run_files_finish(&s->files, diag);
    }
    s->writing += kpu_run_cpu_seconds() - start;
    return status;
}

/* What did not come to its end is left as it is, to go on with. */
static int leave(kpu_run_session *s, int status, kpu_diag *diag)
{
    kpu_text text = {0};
    int suspended = kpu_run_files_suspend(&s->files, status == KPU_E_IO ? NULL : diag);
    status = suspended ? suspended : status;
    bool has = kpu_run_put_kept(&text, &s->files);
    if (text.failed)
        kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    else if (status == KPU_E_INTERRUPTED)
        kpu_diag_add(diag, status, "interrupted%s%s", has ? "; " : "", has ? text.data : "");
    else if (has)
        kpu_diag_add(diag, status, "%s", text.data);
    kpu_text_fini(&text);
    return status;
}

static void dismiss_ranks(kpu_run_session *s)
{
    if (s->run->ranks && !s->is_alone)
        kpu_ranks_dismiss(s->run->ranks);
    s->is_alone = true;
}

static int run_to_end(kpu_run_session *s, kpu_diag *diag)
{
    int status = search(s, diag);
    dismiss_ranks(s);
    if (!status && found_nothing(s)) {
        kpu_run_files_abandon(&s->files);
        return kpu_diag_add_at(diag, KPU_E_INPUT, &(kpu_place){.file = s->run->sweep_path},
                               "no candidate is left: the constraints exclude all %lld points",
                               (long long)kpu_space_run_size(s->run->space));
    }
    if (!status)
        status = finish(s, diag);
    if (status)
        return leave(s, status, diag);
    if (!s->run->quiet)
        status = kpu_run_print_summary(s, diag);
    return status ? status : kpu_run_miss_certificate(&s->certificate, diag);
}

/* ---- The whole ---------------------------------------------------------------------------- */

static int tell_finished(const kpu_run *run, const kpu_run_files *files, kpu_diag *diag)
{
    const kpu_place place = {.file = run->output};
    kpu_text text = {0};
    if (run->certificate && access(run->certificate, F_OK) != 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "is finished, and was made without the certificate %s; --force "
                               "without --resume makes both",
                               run->certificate);
    if (run->quiet)
        return KPU_OK;
    kpu_text_format(&text, "%s is finished; nothing is left to do.\n", run->output);
    if (access(files->partial, F_OK) == 0)
        kpu_text_format(&text,
                        "%s is of a later run, with --force, that did not end; --resume "
                        "--force goes on with it.\n",
                        files->partial);
    return kpu_tool_print(&text);
}

static int begin(kpu_run_session *s, kpu_diag *diag)
{
    const kpu_run *run = s->run;
    const kpu_keep keep = kpu_space_keep(run->space);
    s->gives_fronts = kpu_space_search(run->space)->search->only_fronts;
    int status = kpu_fronts_init(&s->fronts, run->space);
    if (!status && !s->gives_fronts && keep.kind != KPU_KEEP_ALL) {
        s->selection = kpu_selection_new(run->space, keep);
        status = s->selection ? KPU_OK : KPU_E_MEMORY;
    }
    if (status)
        return kpu_diag_add(diag, status, "out of memory");
    s->wants_fronts = !run->quiet || s->selection;
    status = kpu_run_files_find(run, &s->files, diag);
    if (!status && s->files.step != KPU_RUN_IS_FINISHED)
        status = kpu_run_open_certificate(&s->files, &s->certificate, diag);
    if (status)
        return status;
    status = kpu_run_files_open(&s->files, s->columns, diag);
    if (status && s->files.step == KPU_RUN_BEGINS)
        kpu_run_files_abandon(&s->files);
    return status;
}

int kpu_run_sweep(const kpu_run *run, kpu_diag *diag)
{
    kpu_columns columns = {0};
    kpu_run_session s = {.run = run, .columns = &columns};
    int status = kpu_run_check_output(run, diag);
    if (!status && run->verify > 0)
        status = kpu_run_check_types(run, diag);
    if (!status && kpu_columns_make(run->space, &columns))
        status = kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    kpu_run_catch_signals();
    if (!status)
        status = begin(&s, diag);
    if (!status)
        status = s.files.step == KPU_RUN_IS_FINISHED ? tell_finished(run, &s.files, diag)
                                                     : run_to_end(&s, diag);
    if (!status && run->verify > 0)
        status = kpu_run_verify(run, &columns, diag);
    dismiss_ranks(&s);
    kpu_run_drop_certificate(&s.certificate);
    kpu_run_files_fini(&s.files);
    kpu_row_reader_fini(&s.past);
    kpu_selection_free(s.selection);
    kpu_fronts_fini(&s.fronts);
    free(s.rows);
    free(s.chosen);
    kpu_columns_fini(&columns);
    return status;
}
