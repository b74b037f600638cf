/* The table of searches, and what they have in common: evaluating, counting, reporting. */
#include "explorer/message.h"
#include "explorer/search.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t report_interval_ns = 100 * 1000 * 1000;
static const int64_t part_target_ns = 200 * 1000 * 1000; /* of a batch */
static const int64_t part_long_ns = 1000 * 1000 * 1000;  /* after which what comes is noted */
enum { PART_PER_WORKER = 4 };

static const kpu_search *const searches[] = {
#define KPU_X(name) &kpu_search_##name,
#include "explorer/searches.def"
#undef KPU_X
};

size_t kpu_search_count(void)
{
    return sizeof searches / sizeof *searches;
}

const kpu_search *kpu_search_at(size_t index)
{
    return index < kpu_search_count() ? searches[index] : NULL;
}

const kpu_search *kpu_search_find(const char *name)
{
    for (size_t i = 0; i < kpu_search_count(); i++) {
        if (strcmp(searches[i]->name, name) == 0)
            return searches[i];
    }
    return NULL;
}

/* ---- Progress ---------------------------------------------------------------------------- */

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static double measure(const kpu_search_session *s)
{
    return s->is_unit_unknown ? NAN : kpu_search_hypervolume(s->fronts);
}

static void report_ahead(kpu_search_session *s)
{
    if (!kpu_ahead_write(s->ahead, &s->ahead_text))
        return;
    s->progress->ahead = s->ahead_text.length > 0 ? s->ahead_text.data : NULL;
    s->progress->ahead_bytes = s->ahead_text.length;
}

/* The volume takes time: it is computed when somebody looks. */
static bool report(kpu_search_session *s)
{
    const kpu_search_options *options = s->options;
    if (!options->progress)
        return false;
    report_ahead(s);
    s->progress->hypervolume = measure(s);
    bool stops = options->progress(options->progress_context, s->progress);
    s->next_report_ns = now_ns() + report_interval_ns;
    return stops;
}

bool kpu_search_is_stopped(void *context)
{
    kpu_search_session *s = context;
    kpu_ranks_keep(s->options->ranks);
    if (s->options->stop && *s->options->stop)
        return true;
    return now_ns() >= s->next_report_ns && report(s);
}

int kpu_search_open_team(kpu_search_session *session, int (*lead)(void *context, kpu_team *team),
                         void *context)
{
    const kpu_team_options options = {.threads = session->options->threads,
                                      .is_stopped = kpu_search_is_stopped,
                                      .context = session,
                                      .plain_walk = session->options->plain_walk,
                                      .ranks = session->options->ranks,
                                      .space = session->space,
                                      .ahead = session->ahead};
    return kpu_team_open(&options, lead, context, session->diag);
}

/* ---- Evaluating -------------------------------------------------------------------------- */

int kpu_search_measure(const kpu_space *space, kpu_worker *worker, const kpu_point *point,
                       kpu_metric_value *metrics)
{
    const kpu_machine *machine = kpu_space_machine(space, point->machine);
    const kpu_problem *problem = &kpu_space_gemm(space, point->gemm)->problem;
    if (kpu_ahead_recall(worker->ahead, point->index, metrics))
        return KPU_OK;
    int64_t began = kpu_ahead_begin(worker->ahead);
    int code =
        kpu_evaluate(worker->simulator, machine, problem, &point->candidate, &worker->result);
    if (code != KPU_OK)
        return code;
    kpu_metrics_compute(machine, &worker->result, metrics);
    kpu_ahead_note(worker->ahead, point->index, metrics, began);
    return KPU_OK;
}

int kpu_search_complain(kpu_search_session *session, const kpu_point *point, int code)
{
    const kpu_space *space = session->space;
    return kpu_diag_add(session->diag, code, "point %" PRId64 " (GEMM %s on %s): %s", point->index,
                        kpu_space_gemm(space, point->gemm)->name,
                        kpu_space_machine(space, point->machine)->name, kpu_error_text(code));
}

double kpu_search_cost(const kpu_space *space, const kpu_metric_value *metrics, size_t n)
{
    int index = kpu_space_objective(space, n);
    const kpu_metric *metric = kpu_metric_at((size_t)index);
    double value = metric->type == KPU_METRIC_INT64 ? (double)metrics[index].i : metrics[index].d;
    return metric->sense == KPU_SENSE_MAX ? -value : value;
}

bool kpu_search_costs(const kpu_space *space, const kpu_metric_value *metrics, double *costs)
{
    bool numbers = metrics[kpu_metric_find("feasible")].i != 0;
    for (size_t i = 0; numbers && i < kpu_space_objective_count(space); i++) {
        costs[i] = kpu_search_cost(space, metrics, i);
        numbers = !isnan(costs[i]);
    }
    return numbers;
}

int kpu_search_note(kpu_search_session *session, const kpu_point *point,
                    const kpu_metric_value *metrics)
{
    double costs[KPU_OBJECTIVES_MAX];
    session->progress->evaluations++;
    session->progress->feasible += metrics[kpu_metric_find("feasible")].i != 0;
    if (!kpu_search_costs(session->space, metrics, costs))
        return KPU_OK;
    return kpu_search_fronts_add(session->fronts, point, costs);
}

int kpu_search_deliver(kpu_search_session *session, const kpu_row *rows, size_t count)
{
    const kpu_search_options *options = session->options;
    if (!options->sink || count == 0)
        return KPU_OK;
    int code = options->sink(options->sink_context, rows, count, session->diag);
    for (size_t i = 0; code == KPU_OK && i < count; i++)
        kpu_ahead_settle(session->ahead, rows[i].point.index);
    return code;
}

static bool make_room(kpu_search_session *s, size_t count)
{
    if (count <= s->capacity)
        return true;
    free(s->metrics);
    free(s->rows);
    s->metrics = calloc(count * kpu_metric_count(), sizeof *s->metrics);
    s->rows = calloc(count, sizeof *s->rows);
    s->capacity = s->metrics && s->rows ? count : 0;
    return s->capacity > 0;
}

/* Some rows, for a job. */
typedef struct part {
    kpu_search_session *session;
    size_t first, count;
    int64_t began_ns;
} part;

/* A job: the point of a row. A row that is done has its metrics. */
static int measure_row(void *context, kpu_worker *worker, int64_t item)
{
    const part *p = context;
    size_t at = p->first + (size_t)item;
    kpu_row *row = &p->session->rows[at];
    kpu_metric_value *metrics = p->session->metrics + at * kpu_metric_count();
    int code = kpu_search_measure(p->session->space, worker, &row->point, metrics);
    if (code == KPU_OK)
        row->metrics = metrics;
    return code;
}

/* The same elsewhere. */
static void encode_row(void *context, int64_t item, kpu_text *out)
{
    const part *p = context;
    kpu_put_int(out, p->session->rows[p->first + (size_t)item].point.index);
}

static bool decode_row(void *context, int64_t item, const char *bytes, size_t size)
{
    const part *p = context;
    size_t at = p->first + (size_t)item;
    kpu_metric_value *metrics = p->session->metrics + at * kpu_metric_count();
    kpu_reader reader = {bytes, size, false};
    kpu_row_decode(&reader, NULL, metrics);
    bool good = !reader.failed && reader.left == 0;
    if (good) /* with metrics it counts as done */
        p->session->rows[at].metrics = metrics;
    if (good && now_ns() - p->began_ns > part_long_ns)
        kpu_ahead_keep(p->session->ahead, p->session->rows[at].point.index, metrics);
    return good;
}

static const kpu_team_remote remote_rows = {
    .job = KPU_REMOTE_POINTS, .encode = encode_row, .decode = decode_row};

static int evaluate_part(part *p, kpu_team *team)
{
    kpu_search_session *s = p->session;
    const kpu_row *rows = s->rows + p->first;
    int code = kpu_team_share(team, (int64_t)p->count, measure_row, p, &remote_rows);
    size_t done = 0;
    int noted = KPU_OK;
    for (; done < p->count && rows[done].metrics && noted == KPU_OK; done++)
        noted = kpu_search_note(s, &rows[done].point, rows[done].metrics);
    s->progress->done = s->progress->evaluations;
    if (noted != KPU_OK)
        return kpu_diag_add(s->diag, noted, "out of memory");
    int delivered = kpu_search_deliver(s, rows, done);
    if (delivered != KPU_OK)
        return delivered;
    return code == KPU_OK || code == KPU_E_INTERRUPTED
               ? code
               : kpu_search_complain(s, &rows[kpu_team_failed_item(team)].point, code);
}

/* The batch is cut so that candidates which take long do not keep rows and progress waiting. How it
 * is cut depends on the clock, and nothing depends on how it is cut. */
int kpu_search_evaluate(kpu_search_session *session, kpu_team *team, const kpu_point *points,
                        size_t count)
{
    int code = KPU_OK;
    part p = {.session = session};
    if (!make_room(session, count))
        return kpu_diag_add(session->diag, KPU_E_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++)
        session->rows[i] = (kpu_row){.point = points[i]};
    code = kpu_search_recall_all(session, count, &p.first);
    for (; p.first < count && code == KPU_OK; p.first += p.count) {
        size_t least = PART_PER_WORKER * kpu_team_power(team);
        session->part = session->part < least ? least : session->part;
        p.count = count - p.first < session->part ? count - p.first : session->part;
        p.began_ns = now_ns();
        code = evaluate_part(&p, team);
        if (now_ns() - p.began_ns > part_target_ns)
            session->part /= 2;
        else if (p.count == session->part)
            session->part *= 2;
    }
    return code;
}

/* ---- The whole --------------------------------------------------------------------------- */

static int check_cut(const kpu_search_settings *settings, const kpu_search_options *options,
                     kpu_diag *diag)
{
    const kpu_search *search = settings->search;
    if (search->shards == KPU_SHARDS_OF_GEMMS && options->shard.count > 1 && options->certificate)
        return kpu_diag_add(diag, KPU_E_USAGE,
                            "a part of a run (--shard) has no certificate: it would be of all "
                            "GEMMs");
    if (search->shards == KPU_SHARDS_OF_GEMMS && options->shard.count > 1 && settings->budget > 0)
        return kpu_diag_add(diag, KPU_E_USAGE,
                            "the search %s with a budget cannot be cut into parts (--shard): its "
                            "GEMMs share the budget as they go",
                            search->name);
    return kpu_shard_check(search, options->shard, diag);
}

static int check(const kpu_space *space, const kpu_search_settings *settings,
                 const kpu_search_options *options, kpu_diag *diag)
{
    const char *name = settings->search->name;
    size_t objectives = kpu_space_objective_count(space);
    bool certifies = options->certificate != NULL;
    bool is_sampled = kpu_space_run_size(space) < kpu_space_raw_size(space);
    if (settings->search->budget == KPU_SEARCH_NEEDS && settings->budget <= 0)
        return kpu_diag_add(diag, KPU_E_USAGE, "the search %s needs a budget", name);
    if (settings->search->budget == KPU_SEARCH_REFUSES && settings->budget != 0)
        return kpu_diag_add(diag, KPU_E_USAGE, "the search %s takes no budget", name);
    if (settings->search->sample == KPU_SEARCH_REFUSES && is_sampled)
        return kpu_diag_add(diag, KPU_E_USAGE, "the search %s takes no sample", name);
    if (settings->search->certificate == KPU_SEARCH_REFUSES && certifies)
        return kpu_diag_add(diag, KPU_E_USAGE,
                            "--certificate: the search %s writes none; --search exact does", name);
    if (certifies && objectives > KPU_CERTIFY_OBJECTIVES_MAX)
        return kpu_diag_add(diag, KPU_E_USAGE,
                            "--certificate: it has at most %d objectives, the sweep has %zu",
                            KPU_CERTIFY_OBJECTIVES_MAX, objectives);
    if (objectives > KPU_OBJECTIVES_MAX)
        return kpu_diag_add(diag, KPU_E_USAGE, "more than %d objectives", KPU_OBJECTIVES_MAX);
    return check_cut(settings, options, diag);
}

int kpu_search_check(const kpu_space *space, const kpu_search_options *options, kpu_diag *diag)
{
    const kpu_search_settings *settings = options->settings;
    return check(space, settings ? settings : kpu_space_search(space), options, diag);
}

/* The last report is made even if one has just been. */
static int run(kpu_search_session *s)
{
    int code = kpu_search_fronts_make(s->space, &s->fronts);
    if (code != KPU_OK)
        return kpu_diag_add(s->diag, code, "out of memory");
    s->next_report_ns = now_ns() + report_interval_ns;
    code = s->settings.search->run(s);
    if (code == KPU_OK)
        code = kpu_search_check_past(s);
    kpu_search_fronts_close(s->fronts);
    bool stops = report(s);
    s->progress->hypervolume = measure(s);
    return code == KPU_OK && stops && s->progress->done < s->progress->total ? KPU_E_INTERRUPTED
                                                                             : code;
}

/* What is ahead of the rows is kept for a caller who may go on with it. */
static int begin_ahead(kpu_search_session *s)
{
    const kpu_search_options *options = s->options;
    if (!options->progress && options->ahead_bytes == 0)
        return KPU_OK;
    s->ahead = kpu_ahead_new(s->space);
    int code =
        s->ahead ? kpu_ahead_load(s->ahead, options->ahead, options->ahead_bytes) : KPU_E_MEMORY;
    if (code == KPU_E_INPUT)
        return kpu_diag_add(s->diag, code,
                            "what the earlier run found ahead of its rows is damaged");
    return code == KPU_OK ? code : kpu_diag_add(s->diag, code, "out of memory");
}

static void end_ahead(kpu_search_session *s)
{
    s->progress->ahead = NULL;
    s->progress->ahead_bytes = 0;
    kpu_text_fini(&s->ahead_text);
    kpu_ahead_free(s->ahead);
}

int kpu_search_run(const kpu_space *space, const kpu_search_options *options,
                   kpu_search_progress *summary, kpu_diag *diag)
{
    kpu_search_session s = {.space = space, .options = options, .progress = summary, .diag = diag};
    s.settings = *(options->settings ? options->settings : kpu_space_search(space));
    *summary = (kpu_search_progress){.gap = NAN, .hypervolume = NAN};
    int code = check(space, &s.settings, options, diag);
    if (code == KPU_OK)
        code = begin_ahead(&s);
    if (code == KPU_OK)
        code = run(&s);
    end_ahead(&s);
    kpu_search_fronts_free(s.fronts);
    free(s.metrics);
    free(s.rows);
    return code;
}
