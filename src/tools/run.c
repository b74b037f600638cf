/* kpu-dse run: a sweep, from its file to results and fronts. */
#include "tools/run.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/complaints.h"
#include "tools/ranks.h"
#include "tools/run_session.h"
#include "tools/sweep_input.h"

enum { THREADS_MAX = 4096, VERIFY_MAX = 100000, PATIENCE_MAX = 86400 };
/* More points than a run is started for without `sample`. */
#define POINTS_MAX INT64_C(10000000000)

typedef struct values {
    const char *output, *seed, *sample, *search, *budget, *store, *certificate, *shard;
    int64_t threads, verify, patience;
    kpu_option_list sets;
    bool dry_run, quiet, force, resume, plain_walk;
} values;

static const kpu_option options[] = {
    {"output", 'o', KPU_OPTION_TEXT, offsetof(values, output), "FILE",
     "results file; without it the sweep's output, or results/NAME.h5", 0, 0},
    {"jobs", 'j', KPU_OPTION_INT, offsetof(values, threads), "N",
     "threads; without it one a core. The results do not depend on it", 1, THREADS_MAX},
    {"set", 0, KPU_OPTION_LIST, offsetof(values, sets), "SECTION.KEY=VALUE",
     "replace or add a key of the sweep, or of every machine in it; may be "
     "repeated",
     0, 0},
    {"seed", 0, KPU_OPTION_TEXT, offsetof(values, seed), "S", "the same as --set sweep.seed=S", 0,
     0},
    {"sample", 0, KPU_OPTION_TEXT, offsetof(values, sample), "N",
     "draw N candidates at random: the same as --set sweep.sample=N", 0, 0},
    {"search", 0, KPU_OPTION_TEXT, offsetof(values, search), "NAME",
     "which points to evaluate: the same as --set search.method=NAME; `kpu-dse "
     "searches` lists "
     "them",
     0, 0},
    {"budget", 0, KPU_OPTION_TEXT, offsetof(values, budget), "N",
     "evaluate N candidates at most: the same as --set search.budget=N", 0, 0},
    {"store", 0, KPU_OPTION_TEXT, offsetof(values, store), "ROWS",
     "which candidates get a row in the results: all, front, 'top N' or "
     "'sample N'; the same as "
     "--set sweep.store=ROWS",
     0, 0},
    {"certificate", 0, KPU_OPTION_TEXT, offsetof(values, certificate), "FILE",
     "with --search exact: write why no other candidate belongs to the fronts, "
     "for `kpu-dse "
     "certify`; compressed if FILE ends in .gz",
     0, 0},
    {"verify", 0, KPU_OPTION_INT, offsetof(values, verify), "N",
     "execute N candidates with random numbers, those of the fronts first, and "
     "compare with BLAS; "
     "exit code 1 if one is wrong",
     1, VERIFY_MAX},
    KPU_NO_FAST_FORWARD_OPTION(values, plain_walk),
    {"dry-run", 'n', KPU_OPTION_FLAG, offsetof(values, dry_run), NULL,
     "say how many candidates there are, how many fit, and the first few; "
     "write nothing",
     0, 0},
    {"quiet", 'q', KPU_OPTION_FLAG, offsetof(values, quiet), NULL,
     "no progress and no fronts; complaints only", 0, 0},
    {"resume", 0, KPU_OPTION_FLAG, offsetof(values, resume), NULL,
     "go on with the run that left FILE.partial; without one begin, and with "
     "FILE finished do "
     "nothing",
     0, 0},
    {"force", 0, KPU_OPTION_FLAG, offsetof(values, force), NULL,
     "replace the results file if it exists, once the new one is complete; "
     "without --resume drop "
     "what a run left that did not end",
     0, 0},
    {"shard", 0, KPU_OPTION_TEXT, offsetof(values, shard), "I/N",
     "evaluate the I-th of N parts, into NAME.shard-I-of-N.h5, for kpu-dse "
     "merge; slurm: the part "
     "of this task of a job array; ranks: the part of this process of mpirun "
     "or srun",
     0, 0},
    {"rank-patience", 0, KPU_OPTION_INT, offsetof(values, patience), "S",
     "seconds after which a rank (mpirun, srun) of which nothing is heard "
     "counts as lost, and its "
     "work is done again",
     1, PATIENCE_MAX},
};

static int check_size(const kpu_space *space, kpu_shard shard, const char *path, kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    int64_t points = kpu_space_run_size(space);
    points = shard.count > 1 ? kpu_ceil_div(points, shard.count) : points;
    if (!kpu_run_counts_points(space) || points <= POINTS_MAX)
        return KPU_OK;
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                           "the space has %lld points, more than the %lld that are run one after "
                           "another; draw some with --sample 1000000, choose another --search, or "
                           "narrow an axis",
                           (long long)points, (long long)POINTS_MAX);
}

/* Before anything is made, and with --dry-run. */
static int check_search(const kpu_space *space, kpu_shard shard, const char *certificate,
                        kpu_diag *diag)
{
    const kpu_search_options how = {.shard = shard,
                                    .certificate = certificate ? kpu_run_take_certificate : NULL};
    return kpu_search_check(space, &how, diag);
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
                 {"--budget", "search.budget", v->budget},
                 {"--store", "sweep.store", v->store}};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        if (!given[i].value)
            continue;
        int result =
            kpu_tool_set_option(sweep, given[i].option, given[i].key, given[i].value, call->diag);
        status = result ? result : status;
    }
    return status;
}

/* The folder that is nobody's choice but ours, results/, need not be there already. If it cannot be
 * made, creating the file tells. */
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

/* The name of the results, `text` if it is not there yet. */
static const char *choose_output(const values *v, const kpu_space *space, kpu_shard shard,
                                 kpu_text *text)
{
    const char *output = v->output ? v->output : kpu_space_output(space);
    if (!v->shard)
        return output;
    kpu_run_put_shard_path(text, output, shard);
    return text->failed ? NULL : text->data;
}

/* ---- Among others -------------------------------------------------------------------------- */

/* Evaluates for the first rank, which has the results, and prints complaints alone. */
static int serve(const kpu_run *run, kpu_diag *diag)
{
    const kpu_search_options how = {
        .threads = (int)run->threads, .stop = kpu_run_stop(), .plain_walk = run->plain_walk};
    kpu_run_catch_signals();
    return kpu_search_serve(run->space, run->ranks, &how, diag);
}

/* Before anything is read: a process that ended before would leave the others waiting for it. With
 * --shard ranks each has results of its own. */
static int open_ranks(const values *v, kpu_ranks **out, kpu_diag *diag)
{
    const bool is_apart = v->shard && strcmp(v->shard, "ranks") == 0;
    int status = is_apart || v->dry_run ? KPU_OK : kpu_tool_ranks_open(out, diag);
    if (*out && v->patience > 0)
        (*out)->patience_s = (double)v->patience;
    return status;
}

/* One of several is enough to say what all of them would. */
static bool is_silent(void)
{
    int rank = 0, count = 0;
    return kpu_tool_ranks_started(&rank, &count) && rank > 0;
}

/* What a run is made of. */
typedef struct input {
    kpu_ini sweep;
    kpu_space *space;
    kpu_ranks *ranks;
    bool is_ready; /* the run was begun */
} input;

/* Takes part in the run, or prints its plan. */
static int begin(kpu_run *run, const values *v, input *in)
{
    kpu_diag *diag = run->call->diag;
    if (v->dry_run)
        return is_silent() ? KPU_OK : kpu_run_print_plan(run, diag);
    int status = check_size(run->space, run->shard, run->sweep_path, diag);
    if (status)
        return status;
    if (!v->output && !kpu_ini_find(run->sweep, "sweep", "output"))
        make_default_folder(run->output);
    in->is_ready = true;
    return run->ranks && run->ranks->rank > 0 ? serve(run, diag) : kpu_run_sweep(run, diag);
}

static int run_space(const kpu_call *call, input *in)
{
    const values *v = call->values;
    const kpu_space *space = in->space;
    kpu_shard shard = {0};
    kpu_text path = {0};
    int status = v->shard ? kpu_run_read_shard(v->shard, &shard, call->diag) : KPU_OK;
    if (!status)
        status = check_search(space, shard, v->certificate, call->diag);
    const char *output = status ? NULL : choose_output(v, space, shard, &path);
    if (!status && !output)
        status = KPU_E_MEMORY;
    kpu_run what = {.space = space,
                    .sweep = &in->sweep,
                    .call = call,
                    .sweep_path = call->operands[0],
                    .output = output,
                    .certificate = v->certificate,
                    .shard = shard,
                    .threads = v->threads,
                    .verify = v->verify,
                    .force = v->force,
                    .resume = v->resume,
                    .quiet = v->quiet || is_silent(),
                    .plain_walk = v->plain_walk,
                    .ranks = in->ranks};
    if (!status)
        status = begin(&what, v, in);
    kpu_text_fini(&path);
    return status;
}

static int read_and_run(const kpu_call *call, input *in)
{
    int status = read_sweep(call, &in->sweep);
    if (status)
        kpu_tool_complain_further(&in->sweep, call->diag);
    else
        status = kpu_space_make(&in->sweep, &in->space, call->diag);
    return status ? status : run_space(call, in);
}

static int run(const kpu_call *call)
{
    input in = {.space = NULL};
    int status = open_ranks(call->values, &in.ranks, call->diag);
    if (!status)
        status = read_and_run(call, &in);
    if (status && !in.is_ready)
        kpu_tool_ranks_decline(in.ranks, call->diag);
    kpu_tool_ranks_close(in.ranks);
    kpu_space_free(in.space);
    kpu_ini_fini(&in.sweep);
    return status;
}

const kpu_tool_command kpu_command_run = {
    .name = "run",
    .operands = "SWEEP.ini",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "time the candidates of a sweep; results to a file, fronts to "
               "the terminal",
    .details = "Results come to FILE.partial; it becomes FILE when all are "
               "there. A run that was\n"
               "interrupted (Ctrl-C), or killed, or found the disk full goes "
               "on with --resume.\n"
               "kpu-dse watch FILE shows how far it is; kpu-dse keys lists "
               "every key of a sweep\n"
               "and of a machine.\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_bytes = sizeof(values),
    .run = run,
};
