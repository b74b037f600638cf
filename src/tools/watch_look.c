/* One look at runs: what they have committed, read without a trace. A file is open, and locked for
 * reading, for a moment only: meanwhile a run cannot put committed parts in their place, and keeps
 * them in memory. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/row_reader.h"
#include "tools/stored_space.h"
#include "tools/watch.h"

enum { ROWS_AT_ONCE = 1 << 18 };

static int no_memory(kpu_diag *diag)
{
    return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
}

/* ---- Names -------------------------------------------------------------------------------- */

static bool cut_ending(char *path, const char *ending)
{
    size_t length = strlen(path), cut = strlen(ending);
    if (length <= cut || strcmp(path + length - cut, ending) != 0)
        return false;
    path[length - cut] = '\0';
    return true;
}

int kpu_watch_init(kpu_watch *watch, char *const *paths, int count, kpu_diag *diag)
{
    *watch = (kpu_watch){.runs = calloc((size_t)count, sizeof *watch->runs)};
    if (!watch->runs)
        return no_memory(diag);
    for (int i = 0; i < count; i++) {
        kpu_watched *run = &watch->runs[watch->count];
        *run = (kpu_watched){.path = strdup(paths[i]), .rate = -1};
        if (!run->path)
            return no_memory(diag);
        watch->count++;
        if (cut_ending(run->path, ".partial"))
            cut_ending(run->path, ".log");
    }
    return KPU_OK;
}

static void forget_rows(kpu_watched *run)
{
    if (run->has_fronts)
        kpu_fronts_fini(&run->fronts);
    free(run->source);
    run->has_fronts = false;
    run->source = NULL;
    run->rows_read = 0;
}

void kpu_watch_fini(kpu_watch *watch)
{
    for (size_t i = 0; i < watch->count; i++) {
        forget_rows(&watch->runs[i]);
        free(watch->runs[i].identity);
        free(watch->runs[i].missing);
        free(watch->runs[i].path);
    }
    free(watch->runs);
    if (watch->space)
        kpu_columns_fini(&watch->columns);
    kpu_space_free(watch->space);
    *watch = (kpu_watch){0};
}

/* ---- Numbers ------------------------------------------------------------------------------ */

static int64_t number_of(const kpu_results *results, const char *name)
{
    int64_t value;
    return kpu_results_number(results, name, &value) ? value : 0;
}

/* Numbers of one commit and of another: the rate between them, or that of all the run. */
static void take_pace(kpu_watched *run, const kpu_results *results)
{
    const kpu_watch_pace before = run->pace;
    kpu_watch_pace *now = &run->pace;
    now->evaluations = number_of(results, KPU_RUN_EVALUATIONS);
    now->feasible = number_of(results, KPU_RUN_FEASIBLE);
    now->total = number_of(results, KPU_RUN_TOTAL);
    now->ms = number_of(results, KPU_RUN_TIME);
    now->done = number_of(results, KPU_RUN_POINTS);
    if (now->done == 0)
        now->done = now->evaluations;
    int64_t ms = now->ms - before.ms, done = now->done - before.done;
    if (ms > 0 && done >= 0)
        run->rate = 1e3 * (double)done / (double)ms;
}

/* Of a finished file: the run's, from its attributes. */
static void take_outcome(kpu_watched *run, kpu_results *results)
{
    char *evaluations = kpu_results_attribute(results, "evaluations");
    run->pace = (kpu_watch_pace){.evaluations = evaluations ? strtoll(evaluations, NULL, 10)
                                                            : kpu_results_rows(results)};
    free(evaluations);
    free(run->missing);
    run->missing = kpu_results_attribute(results, "shards_missing");
    run->rate = -1;
}

/* ---- Rows --------------------------------------------------------------------------------- */

/* All runs that are watched at once are parts of one: their fronts are shown together. */
static int check_identity(kpu_watch *watch, kpu_watched *run, kpu_results *results, kpu_diag *diag)
{
    const kpu_place place = {.file = run->path};
    free(run->identity);
    run->identity = kpu_results_text(results, "identity");
    for (size_t i = 0; i < watch->count; i++) {
        const char *other = watch->runs[i].identity;
        if (!other || &watch->runs[i] == run ||
            (run->identity && strcmp(other, run->identity) == 0))
            continue;
        free(run->identity);
        run->identity = NULL;
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "is of another run than %s; only parts of one run can be "
                               "watched together",
                               watch->runs[i].path);
    }
    return KPU_OK;
}

static int know_space(kpu_watch *watch, kpu_watched *run, kpu_results *results, kpu_diag *diag)
{
    int status = run->identity ? KPU_OK : check_identity(watch, run, results, diag);
    if (!status && !watch->space) {
        status = kpu_stored_space_read(results, run->path, &watch->space, diag);
        if (!status && kpu_columns_make(watch->space, &watch->columns))
            status = no_memory(diag);
    }
    if (!status && !run->has_fronts) {
        status = kpu_fronts_init(&run->fronts, watch->space) ? no_memory(diag) : KPU_OK;
        run->has_fronts = true;
    }
    return status;
}

static int read_rows(kpu_watch *watch, kpu_watched *run, kpu_results *results, kpu_diag *diag)
{
    const kpu_row_source source = {
        .space = watch->space, .columns = &watch->columns, .results = results, .path = run->source};
    kpu_row_reader reader;
    int status = kpu_row_reader_init(&reader, &source, diag);
    int64_t left = kpu_row_reader_count(&reader) - run->rows_read;
    left = left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE;
    for (; !status && left > 0 && !*kpu_run_stop(); left--) {
        kpu_row row;
        status = kpu_row_reader_row(&reader, run->rows_read, &row, diag);
        if (!status && kpu_fronts_add(&run->fronts, &row, NULL))
            status = no_memory(diag);
        run->rows_read++;
    }
    kpu_row_reader_fini(&reader);
    return status;
}

/* How far it is, and rows that are new in a file, some of them; *more: there are others. */
static int read_some(kpu_watch *watch, kpu_watched *run, bool *more, kpu_diag *diag)
{
    kpu_results *results;
    *more = false;
    int status = kpu_results_open(run->source, &results, diag);
    if (status)
        return status;
    if (run->stage != KPU_WATCH_FINISHED)
        take_pace(run, results);
    if (watch->wants_fronts && kpu_results_rows(results) > run->rows_read) {
        status = read_rows(watch, run, results, diag);
        *more = !status && kpu_results_rows(results) > run->rows_read && !*kpu_run_stop();
    }
    kpu_results_close(results);
    return status;
}

/* Another file than at the last look has other rows, but for a file that got its name. */
static int choose_source(kpu_watched *run, const char *path, bool is_same_rows, kpu_diag *diag)
{
    if (run->source && strcmp(run->source, path) == 0)
        return KPU_OK;
    char *copy = strdup(path);
    if (!copy)
        return no_memory(diag);
    if (!is_same_rows)
        forget_rows(run);
    free(run->source);
    run->source = copy;
    return KPU_OK;
}

/* ---- A look ------------------------------------------------------------------------------- */

/* Of a run: names of its files, and what stands there. */
typedef struct sight {
    kpu_text partial, log, log_partial;
    kpu_store_state main, logged;
} sight;

static void free_sight(sight *s)
{
    kpu_text_fini(&s->partial);
    kpu_text_fini(&s->log);
    kpu_text_fini(&s->log_partial);
}

static bool see(const kpu_watched *run, sight *out)
{
    *out = (sight){0};
    kpu_text_format(&out->partial, "%s.partial", run->path);
    kpu_run_put_log_path(&out->log, run->path);
    kpu_text_format(&out->log_partial, "%s.partial", out->log.data ? out->log.data : "");
    if (out->partial.failed || out->log.failed || out->log_partial.failed)
        return false;
    kpu_store_probe(run->path, &out->main);
    kpu_store_probe(out->log.data, &out->logged);
    return true;
}

/* An unfinished file beside a finished one counts if somebody writes it. */
static void judge(kpu_watched *run, const sight *s)
{
    const kpu_store_state *main = &s->main;
    memcpy(run->writer, main->writer, sizeof run->writer);
    if (main->is_written)
        run->stage = main->is_partial ? KPU_WATCH_RUNNING : KPU_WATCH_BEGINNING;
    else
        run->stage = main->is_finished ? KPU_WATCH_FINISHED : KPU_WATCH_STANDING;
}

static int read_all(kpu_watch *watch, kpu_watched *run, const sight *s, kpu_diag *diag)
{
    const bool is_over = run->stage == KPU_WATCH_FINISHED, has_log = s->logged.is_partial;
    const char *main = is_over ? run->path : s->partial.data;
    kpu_results *results;
    int status = kpu_results_open(main, &results, diag);
    if (status)
        return status;
    bool only_new = run->source && strcmp(run->source, s->partial.data) == 0 && is_over;
    status = choose_source(run, has_log && !is_over ? s->log_partial.data : main, only_new, diag);
    if (!status)
        status = know_space(watch, run, results, diag);
    if (is_over)
        take_outcome(run, results);
    kpu_results_close(results);
    for (bool more = true; !status && more;)
        status = read_some(watch, run, &more, diag);
    if (is_over)
        run->pace.feasible = run->fronts.feasible;
    return status;
}

static int look(kpu_watch *watch, kpu_watched *run, kpu_diag *diag)
{
    const kpu_place place = {.file = run->path};
    sight s;
    int status = see(run, &s) ? KPU_OK : no_memory(diag);
    if (!status && !s.main.is_finished && !s.main.is_partial && !s.main.is_written)
        status = kpu_diag_add_at(diag, KPU_E_INPUT, &place, "there is no such file, and no %s%s",
                                 s.partial.data,
                                 access(s.partial.data, F_OK) == 0 ? " with its journals" : "");
    if (!status) {
        judge(run, &s);
        if (run->stage != KPU_WATCH_BEGINNING)
            status = read_all(watch, run, &s, diag);
    }
    free_sight(&s);
    return status;
}

/* A file may get its name, or be dropped, while it is looked at: a second look tells. */
int kpu_watch_look(kpu_watch *watch, kpu_diag *diag)
{
    int status = KPU_OK;
    for (size_t i = 0; !status && i < watch->count && !*kpu_run_stop(); i++) {
        kpu_diag first;
        kpu_diag_init(&first);
        if (look(watch, &watch->runs[i], &first) != KPU_OK) {
            forget_rows(&watch->runs[i]);
            status = look(watch, &watch->runs[i], diag);
        }
        kpu_diag_fini(&first);
    }
    return status;
}

bool kpu_watch_is_over(const kpu_watch *watch)
{
    for (size_t i = 0; i < watch->count; i++)
        if (watch->runs[i].stage != KPU_WATCH_FINISHED)
            return false;
    return true;
}
