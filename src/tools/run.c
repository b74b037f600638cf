/* kpu-dse run: a sweep, from its file to results and fronts. */
#include "tools/run.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/complaints.h"
#include "tools/output.h"
#include "tools/sweep_input.h"

enum { THREADS_MAX = 4096, VERIFY_MAX = 100000 };
/* More points than a run is started for without `sample`. */
#define POINTS_MAX INT64_C(10000000000)

typedef struct values {
    const char *output, *seed, *sample, *search, *budget, *certificate;
    int64_t threads, verify;
    kpu_option_list sets;
    bool dry_run, quiet, force, plain_walk;
} values;

static const kpu_option options[] = {
    {"output", 'o', KPU_OPTION_TEXT, offsetof(values, output), "FILE",
     "results file; without it the sweep's output, or results/NAME.h5", 0, 0},
    {"jobs", 'j', KPU_OPTION_INT, offsetof(values, threads), "N",
     "threads; without it one a core. The results do not depend on it", 1, THREADS_MAX},
    {"set", 0, KPU_OPTION_LIST, offsetof(values, sets), "SECTION.KEY=VALUE",
     "replace or add a key of the sweep, or of every machine in it; may be repeated", 0, 0},
    {"seed", 0, KPU_OPTION_TEXT, offsetof(values, seed), "S", "the same as --set sweep.seed=S", 0,
     0},
    {"sample", 0, KPU_OPTION_TEXT, offsetof(values, sample), "N",
     "draw N candidates at random: the same as --set sweep.sample=N", 0, 0},
    {"search", 0, KPU_OPTION_TEXT, offsetof(values, search), "NAME",
     "which points to evaluate: the same as --set search.method=NAME; `kpu-dse searches` lists "
     "them",
     0, 0},
    {"budget", 0, KPU_OPTION_TEXT, offsetof(values, budget), "N",
     "evaluate N candidates at most: the same as --set search.budget=N", 0, 0},
    {"certificate", 0, KPU_OPTION_TEXT, offsetof(values, certificate), "FILE",
     "with --search exact: write why no other candidate belongs to the fronts, for `kpu-dse "
     "certify`; compressed if FILE ends in .gz",
     0, 0},
    {"verify", 0, KPU_OPTION_INT, offsetof(values, verify), "N",
     "execute N candidates with random numbers, those of the fronts first, and compare with BLAS; "
     "exit code 1 if one is wrong",
     1, VERIFY_MAX},
    KPU_NO_FAST_FORWARD_OPTION(values, plain_walk),
    {"dry-run", 'n', KPU_OPTION_FLAG, offsetof(values, dry_run), NULL,
     "say how many candidates there are, how many fit, and the first few; write nothing", 0, 0},
    {"quiet", 'q', KPU_OPTION_FLAG, offsetof(values, quiet), NULL,
     "no progress and no fronts; complaints only", 0, 0},
    {"force", 0, KPU_OPTION_FLAG, offsetof(values, force), NULL,
     "replace the results file if it exists, once the new one is complete", 0, 0},
};

/* ---- Interruption ----------------------------------------------------------------------- */

static volatile sig_atomic_t interrupted; /* the signal that came, 0: none */

static void note_signal(int number)
{
    interrupted = number;
}

/* The first signal stops the run in good order; the second one kills. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction before;
        sigaction(signals[i], &action, &before);
        if (signals[i] == SIGHUP && before.sa_handler == SIG_IGN) /* nohup */
            sigaction(signals[i], &before, NULL);
    }
}

/* ---- What happens to the rows ----------------------------------------------------------- */

typedef struct session {
    const kpu_run *run;
    const kpu_columns *columns;
    kpu_store *store;
    kpu_fronts fronts;
    kpu_run_checks checks;
    kpu_metric_value *rows; /* converted; grows */
    size_t row_capacity;
    kpu_search_progress found;
    kpu_run_certificate certificate;
    double start;     /* seconds */
    double cpu_start; /* seconds of all threads */
    double writing;   /* of which so many to convert and write rows */
    double shown;     /* when the progress was shown last */
    bool shows_progress;
} session;

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int convert(session *s, const kpu_row *rows, size_t count)
{
    if (count > s->row_capacity) {
        kpu_metric_value *grown = realloc(s->rows, count * s->columns->count * sizeof *grown);
        if (!grown)
            return KPU_E_MEMORY;
        s->rows = grown;
        s->row_capacity = count;
    }
    for (size_t i = 0; i < count; i++)
        kpu_columns_put_row(s->columns, s->run->space, &rows[i], s->rows + i * s->columns->count);
    return KPU_OK;
}

static int take_rows(void *context, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    session *s = context;
    double start = seconds(CLOCK_THREAD_CPUTIME_ID);
    int status = convert(s, rows, count);
    if (!status)
        status = kpu_store_append(s->store, s->rows, count, diag);
    s->writing += seconds(CLOCK_THREAD_CPUTIME_ID) - start;
    for (size_t i = 0; !status && i < count; i++) {
        kpu_run_checks_add(&s->checks, &rows[i]);
        status = kpu_fronts_add(&s->fronts, &rows[i]);
    }
    return status;
}

static bool show_progress(void *context, const kpu_search_progress *progress)
{
    const double interval = 0.2;
    session *s = context;
    double now = seconds(CLOCK_MONOTONIC);
    if (!s->shows_progress || progress->evaluations == 0 || now - s->shown < interval)
        return false;
    s->shown = now;
    kpu_text line = {0};
    kpu_run_put_progress(&line, progress, now - s->start, &s->fronts);
    if (!line.failed)
        fprintf(stderr, "\r%.78s\033[K", line.data);
    kpu_text_fini(&line);
    return false;
}

/* ---- The end ---------------------------------------------------------------------------- */

/* What a search with bounds knows of those that it did not evaluate. */
static void put_gap(kpu_text *out, const kpu_search_progress *found)
{
    if (found->gap > 0)
        kpu_text_format(out, "\nThe fronts may lack up to %.3g of volume %.6g.\n", found->gap,
                        found->hypervolume);
    else if (!isnan(found->gap))
        kpu_text_put(out, "\nThe fronts are complete: no other candidate belongs to them.\n");
    else if (found->open > 0)
        kpu_text_put(out,
                     "\nThe fronts may lack candidates; too few were evaluated to say more.\n");
}

/* Of how many, unless it is all of them. */
static void put_evaluations(const session *s, kpu_text *out)
{
    int64_t points = kpu_space_raw_size(s->run->space);
    kpu_text_put_grouped(out, s->found.evaluations);
    kpu_text_put(out, " candidates");
    if (points > s->found.evaluations) {
        kpu_text_put(out, " of ");
        kpu_text_put_grouped(out, points);
        kpu_text_put(out, " points");
    }
    kpu_text_put(out, ", ");
}

static int print_summary(const session *s, kpu_diag *diag)
{
    kpu_text out = {0};
    double took = seconds(CLOCK_MONOTONIC) - s->start;
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - s->cpu_start;
    kpu_fronts_print(&s->fronts, &out);
    put_gap(&out, &s->found);
    kpu_text_put(&out, "\n");
    put_evaluations(s, &out);
    kpu_text_put_grouped(&out, s->found.feasible);
    kpu_text_format(&out, " fit; %.2f s, ", took);
    kpu_text_put_grouped(&out, took > 0 ? (int64_t)((double)s->found.evaluations / took) : 0);
    kpu_text_format(&out, " candidates/s; %.1f %% of the work was writing\nResults in %s\n",
                    cpu > 0 ? 100.0 * s->writing / cpu : 0.0, s->run->output);
    int status = out.failed ? kpu_diag_add(diag, KPU_E_MEMORY, "out of memory") : KPU_OK;
    if (!status)
        fwrite(out.data, 1, out.length, stdout);
    kpu_text_fini(&out);
    return status;
}

/* "x.h5" -> "x.interrupted.h5", or "x.interrupted-2.h5" if that is there already, ... */
static bool interrupted_path(const char *output, kpu_text *out)
{
    enum { TRIES = 10000 };
    size_t length = strlen(output);
    if (length > 3 && strcmp(output + length - 3, ".h5") == 0)
        length -= 3;
    for (int n = 1; n < TRIES; n++) {
        kpu_text_clear(out);
        kpu_text_put_bytes(out, output, length);
        kpu_text_put(out, ".interrupted");
        if (n > 1)
            kpu_text_format(out, "-%d", n);
        kpu_text_put(out, ".h5");
        if (out->failed || access(out->data, F_OK) != 0)
            break;
    }
    return !out->failed;
}

static int finish_interrupted(session *s, kpu_diag *diag)
{
    kpu_text path = {0};
    int status = interrupted_path(s->run->output, &path) ? KPU_OK : KPU_E_MEMORY;
    if (!status)
        status = kpu_run_store_outcome(s->store, &s->found, diag);
    if (!status) {
        kpu_store *store = s->store;
        s->store = NULL;
        status = kpu_store_finish_as(store, path.data, diag);
    }
    if (!status)
        status =
            kpu_diag_add(diag, KPU_E_INTERRUPTED,
                         kpu_space_search(s->run->space)->search->only_fronts
                             ? "interrupted after %lld candidates; the fronts of them are in %s"
                             : "interrupted after %lld candidates; they are in %s",
                         (long long)s->found.evaluations, path.data);
    kpu_text_fini(&path);
    return status;
}

static int finish(session *s, kpu_diag *diag)
{
    double start = seconds(CLOCK_THREAD_CPUTIME_ID);
    int status = kpu_run_store_outcome(s->store, &s->found, diag);
    if (!status) {
        kpu_store *store = s->store;
        s->store = NULL;
        status = kpu_store_finish(store, diag);
    }
    s->writing += seconds(CLOCK_THREAD_CPUTIME_ID) - start;
    return status;
}

/* The results are there, whatever comes of it. */
static int verify(session *s, const values *v, kpu_diag *diag)
{
    kpu_text out = {0};
    int status = kpu_run_checks_do(&s->checks, &s->fronts, &interrupted, &out, diag);
    if (!status && !v->quiet)
        return kpu_tool_print(&out);
    kpu_text_fini(&out);
    return status;
}

/* ---- The whole -------------------------------------------------------------------------- */

static int explore(session *s, const values *v, kpu_diag *diag)
{
    const kpu_search_options how = {.threads = (int)v->threads,
                                    .sink = take_rows,
                                    .sink_context = s,
                                    .progress = show_progress,
                                    .progress_context = s,
                                    .stop = &interrupted,
                                    .plain_walk = v->plain_walk,
                                    .certificate =
                                        s->certificate.writer ? kpu_run_take_certificate : NULL,
                                    .certificate_context = &s->certificate};
    s->start = seconds(CLOCK_MONOTONIC);
    s->cpu_start = seconds(CLOCK_PROCESS_CPUTIME_ID);
    s->shows_progress = !v->quiet && isatty(STDERR_FILENO);
    catch_signals();
    int status = kpu_search_run(s->run->space, &how, &s->found, diag);
    if (s->shown > 0)
        fputs("\r\033[K", stderr);
    if (status == KPU_E_INTERRUPTED || (!status && interrupted))
        return finish_interrupted(s, diag);
    if (!status && s->found.evaluations == 0 && isnan(s->found.gap)) /* without bounds */
        status = kpu_diag_add(diag, KPU_E_INPUT,
                              "no candidate is left: the constraints exclude all %lld points",
                              (long long)kpu_space_run_size(s->run->space));
    if (!status)
        status = finish(s, diag);
    if (!status)
        status = kpu_run_finish_certificate(&s->certificate, diag);
    if (!status && !v->quiet)
        status = print_summary(s, diag);
    if (!status && v->verify > 0)
        status = verify(s, v, diag);
    return status;
}

static bool is_same_file(const char *path, const struct stat *output)
{
    struct stat file;
    return stat(path, &file) == 0 && file.st_dev == output->st_dev && file.st_ino == output->st_ino;
}

/* --force is for old results: it replaces nothing that the run reads, and only HDF5 files. */
static int check_output(const kpu_run *run, kpu_diag *diag)
{
    static const char signature[8] = "\211HDF\r\n\032\n";
    const kpu_place place = {.file = run->output};
    struct stat output;
    char head[sizeof signature] = {0};
    if (!run->force || stat(run->output, &output) != 0 || !S_ISREG(output.st_mode))
        return KPU_OK; /* creating the file says what is wrong with it */
    bool is_input = is_same_file(run->sweep_path, &output);
    for (size_t i = 0; i < kpu_space_source_count(run->space); i++)
        is_input |= is_same_file(kpu_space_source_name(run->space, i), &output);
    FILE *file = is_input ? NULL : fopen(run->output, "rb");
    size_t bytes = file ? fread(head, 1, sizeof head, file) : 0;
    if (file)
        fclose(file);
    if (is_input || (bytes > 0 && memcmp(head, signature, sizeof signature) != 0))
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "is no results file; --force replaces nothing else");
    return KPU_OK;
}

static int run_sweep(const kpu_run *run, const values *v, kpu_diag *diag)
{
    kpu_columns columns = {0};
    session s = {.run = run, .columns = &columns};
    int status = check_output(run, diag);
    if (!status)
        status = kpu_columns_make(run->space, &columns);
    if (!status)
        status = kpu_fronts_init(&s.fronts, run->space);
    if (!status)
        status = kpu_run_checks_init(&s.checks, run, v->verify, diag);
    if (!status)
        status = kpu_run_create_store(run, &columns, &s.store, diag);
    if (!status)
        status = kpu_run_open_certificate(run, &s.certificate, diag);
    if (!status)
        status = explore(&s, v, diag);
    kpu_run_drop_certificate(&s.certificate);
    kpu_store_abandon(s.store);
    kpu_run_checks_fini(&s.checks);
    kpu_fronts_fini(&s.fronts);
    free(s.rows);
    kpu_columns_fini(&columns);
    return status;
}

static int check_size(const kpu_space *space, const char *path, kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    bool takes_all = kpu_space_search(space)->search->budget == KPU_SEARCH_REFUSES;
    if (!takes_all || kpu_space_run_size(space) <= POINTS_MAX)
        return KPU_OK;
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                           "the space has %lld points, more than the %lld that are run one after "
                           "another; draw some with --sample 1000000, choose another --search, or "
                           "narrow an axis",
                           (long long)kpu_space_run_size(space), (long long)POINTS_MAX);
}

/* The sweep with all that the command line says. */
static int read_sweep(const kpu_call *call, kpu_ini *sweep)
{
    const values *v = call->values;
    int status = kpu_tool_read_sweep(call->operands[0], &v->sets, sweep, call->diag);
    const struct {
        const char *option, *key, *value;
    } given[] = {{"--seed", "sweep.seed", v->seed},
                 {"--sample", "sweep.sample", v->sample},
                 {"--search", "search.method", v->search},
                 {"--budget", "search.budget", v->budget}};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        if (!given[i].value)
            continue;
        int result =
            kpu_tool_set_option(sweep, given[i].option, given[i].key, given[i].value, call->diag);
        status = result ? result : status;
    }
    return status;
}

/* The folder that is nobody's choice but ours, results/, need not be there already. If it cannot
 * be made, creating the file tells. */
static void make_default_folder(const char *output)
{
    char *folder = strdup(output);
    char *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash) {
        *slash = '\0';
        mkdir(folder, 0777);
    }
    free(folder);
}

static int run(const kpu_call *call)
{
    const values *v = call->values;
    kpu_ini sweep = {0};
    kpu_space *space = NULL;
    int status = read_sweep(call, &sweep);
    if (status)
        kpu_tool_complain_further(&sweep, call->diag);
    else
        status = kpu_space_make(&sweep, &space, call->diag);
    if (!status) {
        const kpu_run what = {.space = space,
                              .sweep = &sweep,
                              .call = call,
                              .sweep_path = call->operands[0],
                              .output = v->output ? v->output : kpu_space_output(space),
                              .certificate = v->certificate,
                              .force = v->force};
        if (v->dry_run)
            status = kpu_run_print_plan(&what, call->diag);
        else
            status = check_size(space, call->operands[0], call->diag);
        if (!status && !v->dry_run) {
            if (!v->output && !kpu_ini_find(&sweep, "sweep", "output"))
                make_default_folder(what.output);
            status = run_sweep(&what, v, call->diag);
        }
    }
    kpu_space_free(space);
    kpu_ini_fini(&sweep);
    return status;
}

const kpu_tool_command kpu_command_run = {
    .name = "run",
    .operands = "SWEEP.ini",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "time the candidates of a sweep; results to a file, fronts to the terminal",
    .details = "Interrupt it (Ctrl-C) and what is complete goes to NAME.interrupted.h5,\n"
               "beside NAME.h5; interrupt it twice and it is killed.\n"
               "kpu-dse keys lists every key of a sweep and of a machine.\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_bytes = sizeof(values),
    .run = run,
};
