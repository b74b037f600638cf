/* The search `exact`: the complete front of every GEMM. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explorer/exact.h"
#include "explorer/message.h"

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Indices of all members, ascending. */
static int list_members(const kpu_exact *exact, int64_t **out, size_t *count)
{
    *count = 0;
    for (size_t g = 0; g < exact->gemm_count; g++)
        *count += kpu_archive_count(exact->gemms[g].front);
    *out = malloc((*count + 1) * sizeof **out);
    if (!*out)
        return KPU_E_MEMORY;
    size_t at = 0;
    for (size_t g = 0; g < exact->gemm_count; g++) {
        if (kpu_archive_read(exact->gemms[g].front, NULL, *out + at) != KPU_OK)
            return KPU_E_MEMORY;
        at += kpu_archive_count(exact->gemms[g].front);
    }
    qsort(*out, *count, sizeof **out, compare_ids);
    return KPU_OK;
}

/* ---- Rows --------------------------------------------------------------------------------- */

typedef struct delivery {
    const kpu_space *space;
    kpu_row *rows;
    kpu_metric_value *metrics;
} delivery;

static int measure_row(void *context, kpu_worker *worker, int64_t item)
{
    delivery *d = context;
    kpu_metric_value *metrics = d->metrics + (size_t)item * kpu_metric_count();
    d->rows[item].metrics = metrics;
    return kpu_search_measure(d->space, worker, &d->rows[item].point, metrics);
}

/* The same elsewhere. */
static void encode_row(void *context, int64_t item, kpu_text *out)
{
    const delivery *d = context;
    kpu_put_int(out, d->rows[item].point.index);
}

static bool decode_row(void *context, int64_t item, const char *bytes, size_t size)
{
    delivery *d = context;
    kpu_metric_value *metrics = d->metrics + (size_t)item * kpu_metric_count();
    kpu_reader reader = {bytes, size, false};
    kpu_row_decode(&reader, NULL, metrics);
    d->rows[item].metrics = metrics;
    return !reader.failed && reader.left == 0;
}

static const kpu_team_remote remote_rows = {
    .job = KPU_REMOTE_POINTS, .encode = encode_row, .decode = decode_row};

/* Of a run that was stopped the team does no more, so this thread does it. */
static int measure_alone(delivery *d, size_t count, bool plain_walk)
{
    kpu_worker worker = {.simulator = kpu_simulator_new()};
    int code = worker.simulator ? KPU_OK : KPU_E_MEMORY;
    if (code == KPU_OK)
        kpu_simulator_set_fast_forward(worker.simulator, !plain_walk);
    for (size_t i = 0; code == KPU_OK && i < count; i++)
        code = measure_row(d, &worker, (int64_t)i);
    kpu_simulator_free(worker.simulator);
    return code;
}

static int deliver_some(kpu_exact *exact, delivery *d, const int64_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        kpu_space_point(d->space, ids[i], &d->rows[i].point);
    int code = kpu_team_share(exact->team, (int64_t)count, measure_row, d, &remote_rows);
    bool is_stopped = code == KPU_E_INTERRUPTED;
    if (is_stopped && exact->session->options->noted)
        return code; /* what is missing comes when the search goes on */
    if (is_stopped)
        code = measure_alone(d, count, exact->session->options->plain_walk);
    if (code != KPU_OK)
        return kpu_diag_add(exact->session->diag, code, "a member of the front: %s",
                            kpu_error_text(code));
    code = kpu_search_deliver(exact->session, d->rows, count);
    exact->is_stopped |= is_stopped;
    return code;
}

/* The members once more, with all their metrics. */
static int deliver(kpu_exact *exact)
{
    delivery d = {.space = exact->session->space,
                  .rows = calloc(KPU_SEARCH_BATCH, sizeof *d.rows),
                  .metrics = calloc(KPU_SEARCH_BATCH * kpu_metric_count(), sizeof *d.metrics)};
    int64_t *ids = NULL;
    size_t count = 0;
    int code = d.rows && d.metrics ? list_members(exact, &ids, &count) : KPU_E_MEMORY;
    if (code != KPU_OK)
        kpu_diag_add(exact->session->diag, code, "out of memory");
    for (size_t i = 0; code == KPU_OK && i < count; i += KPU_SEARCH_BATCH)
        code = deliver_some(exact, &d, ids + i,
                            count - i < KPU_SEARCH_BATCH ? count - i : KPU_SEARCH_BATCH);
    free(ids);
    free(d.rows);
    free(d.metrics);
    return code;
}

/* ---- The whole ---------------------------------------------------------------------------- */

/* Candidates of each GEMM that are simulated before the first one is gone into: enough to have
 * a unit for its gap. */
enum { FIRST_EVALUATIONS = 16 };

static bool is_complete(const kpu_exact *exact)
{
    for (size_t g = 0; g < exact->gemm_count; g++)
        if (kpu_exact_open_count(&exact->gemms[g]) > 0)
            return false;
    return true;
}

/* How many candidates of the GEMM may be simulated in all: a fair share of what is left, and no
 * more than `most` now. */
static int64_t limit_of(const kpu_exact *exact, size_t gemm, int64_t most)
{
    const kpu_exact_gemm *gemms = exact->gemms;
    int64_t budget = exact->session->settings.budget, sharers = 0;
    for (size_t g = gemm; g < exact->gemm_count; g++)
        sharers += kpu_exact_open_count(&gemms[g]) > 0;
    int64_t left = budget - exact->session->progress->evaluations;
    int64_t share = budget == 0 || sharers == 0 ? INT64_MAX : kpu_ceil_div(left, sharers);
    share = share < most ? share : most;
    return share < INT64_MAX - gemms[gemm].evaluations ? gemms[gemm].evaluations + share
                                                       : INT64_MAX;
}

static int search_all(kpu_exact *exact, int64_t most)
{
    int code = KPU_OK;
    for (size_t g = 0; code == KPU_OK && g < exact->gemm_count; g++) {
        code = kpu_exact_gemm_search(exact, (int64_t)g, limit_of(exact, g, most));
        kpu_exact_measure_gap(exact, (int64_t)g);
    }
    kpu_exact_report_gap(exact);
    return code;
}

/* A GEMM of another shard has nothing open, and its front stays empty. */
static int begin(kpu_exact *exact)
{
    const kpu_shard shard = exact->session->options->shard;
    int code = KPU_OK;
    for (size_t g = 0; g < exact->gemm_count; g++)
        exact->gemms[g].front = kpu_search_front(exact->session->fronts, (int64_t)g);
    for (size_t g = 0; code == KPU_OK && g < exact->gemm_count; g++) {
        if (kpu_shard_has(shard, 1, (int64_t)g))
            code = kpu_exact_gemm_init(exact, (int64_t)g);
    }
    return code;
}

static int search(kpu_exact *exact)
{
    int code = begin(exact);
    if (code != KPU_OK)
        return kpu_diag_add(exact->session->diag, code, "out of memory");
    kpu_search_progress *progress = exact->session->progress;
    progress->total = exact->session->settings.budget;
    code = search_all(exact, FIRST_EVALUATIONS);
    for (int64_t before = -1; code == KPU_OK && progress->evaluations > before &&
                              !is_complete(exact);) { /* what one leaves is shared by the others */
        before = progress->evaluations;
        code = search_all(exact, INT64_MAX);
    }
    return code;
}

static int lead(void *context, kpu_team *team)
{
    kpu_exact *exact = context;
    exact->team = team;
    int code = search(exact);
    if (code != KPU_OK && (code != KPU_E_INTERRUPTED || exact->session->options->noted))
        return code;
    if (code == KPU_OK)
        code = kpu_search_check_past(exact->session);
    if (code != KPU_OK && code != KPU_E_INTERRUPTED)
        return code;
    int delivered = deliver(exact);
    if (delivered != KPU_OK || code != KPU_OK || exact->is_stopped)
        return delivered != KPU_OK ? delivered : KPU_E_INTERRUPTED;
    return exact->keeps_tree && is_complete(exact) ? kpu_exact_write_certificate(exact) : KPU_OK;
}

int kpu_exact_run(kpu_search_session *session, size_t open_max)
{
    kpu_exact exact = {.session = session,
                       .objectives = kpu_space_objective_count(session->space),
                       .gemm_count = kpu_space_gemm_count(session->space),
                       .keeps_tree = session->options->certificate != NULL,
                       .open_max = open_max};
    exact.gemms = calloc(exact.gemm_count, sizeof *exact.gemms);
    exact.batch = kpu_exact_batch_new(&exact);
    int code = exact.gemms && exact.batch
                   ? kpu_search_open_team(session, lead, &exact)
                   : kpu_diag_add(session->diag, KPU_E_MEMORY, "out of memory");
    for (size_t g = 0; exact.gemms && g < exact.gemm_count; g++)
        kpu_exact_gemm_fini(&exact.gemms[g]);
    kpu_exact_batch_free(exact.batch);
    kpu_text_fini(&exact.log);
    free(exact.gemms);
    return code;
}

/* Some 70 bytes each with three objectives. */
enum { OPEN_MAX = 1 << 20 };

static int run(kpu_search_session *session)
{
    return kpu_exact_run(session, OPEN_MAX);
}

const kpu_search kpu_search_exact = {
    .name = "exact",
    .summary = "the whole front, evaluating only what bounds cannot rule out",
    .budget = KPU_SEARCH_TAKES,
    .certificate = KPU_SEARCH_TAKES,
    .only_fronts = true,
    .shards = KPU_SHARDS_OF_GEMMS,
    .run = run,
};
