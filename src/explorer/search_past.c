/* What an interrupted run of the same search has found out: its rows instead of evaluations. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "explorer/search.h"

enum { ROWS_BETWEEN_LOOKS = 64 };

static bool is_objective(const kpu_space *space, size_t metric)
{
    for (size_t i = 0; i < kpu_space_objective_count(space); i++) {
        if ((size_t)kpu_space_objective(space, i) == metric)
            return true;
    }
    return false;
}

bool kpu_search_needs(const kpu_space *space, size_t metric)
{
    const char *name = kpu_metric_at(metric)->name;
    return strcmp(name, "feasible") == 0 || strcmp(name, "reason") == 0 ||
           kpu_search_violation_reads(name) || is_objective(space, metric);
}

/* ---- Searches that begin anew ------------------------------------------------------------ */

bool kpu_search_knows_next(const kpu_search_session *session)
{
    const kpu_search_past *past = session->options->past;
    return past && session->recalled < past->count;
}

int kpu_search_recall(kpu_search_session *session, const kpu_point *point,
                      kpu_metric_value *metrics)
{
    const kpu_search_past *past = session->options->past;
    int64_t id = -1;
    memset(metrics, 0, kpu_metric_count() * sizeof *metrics); /* some may not be known */
    int code = past->read(past->context, session->recalled, &id, metrics, session->diag);
    if (code != KPU_OK)
        return code;
    if (id != point->index)
        return kpu_diag_add(session->diag, KPU_E_INPUT,
                            "row %" PRId64 " of the earlier run is of point %" PRId64
                            ", where this search evaluates %" PRId64,
                            session->recalled, id, point->index);
    session->recalled++;
    kpu_ahead_settle(session->ahead, id);
    return KPU_OK;
}

int kpu_search_recall_all(kpu_search_session *session, size_t count, size_t *known)
{
    *known = 0;
    if (!kpu_search_knows_next(session))
        return KPU_OK;
    if (kpu_search_is_stopped(session))
        return KPU_E_INTERRUPTED;
    for (size_t i = 0; i < count && kpu_search_knows_next(session); i++) {
        kpu_row *row = &session->rows[i];
        kpu_metric_value *metrics = session->metrics + i * kpu_metric_count();
        int code = kpu_search_recall(session, &row->point, metrics);
        if (code != KPU_OK)
            return code;
        row->metrics = metrics;
        code = kpu_search_note(session, &row->point, metrics);
        if (code != KPU_OK)
            return kpu_diag_add(session->diag, code, "out of memory");
        ++*known;
    }
    session->progress->done = session->progress->evaluations;
    return KPU_OK;
}

int kpu_search_check_past(kpu_search_session *session)
{
    if (!kpu_search_knows_next(session))
        return KPU_OK;
    return kpu_diag_add(session->diag, KPU_E_INPUT,
                        "the earlier run has %" PRId64 " rows, where this search evaluates %" PRId64
                        " candidates",
                        session->options->past->count, session->recalled);
}

int kpu_search_tell(kpu_search_session *session, const kpu_point *point,
                    const kpu_metric_value *metrics)
{
    const kpu_search_options *options = session->options;
    const kpu_row row = {.point = *point, .metrics = metrics};
    int code =
        options->noted ? options->noted(options->noted_context, &row, session->diag) : KPU_OK;
    if (code == KPU_OK)
        kpu_ahead_settle(session->ahead, point->index);
    return code;
}

/* ---- The exhaustive one ------------------------------------------------------------------ */

static int restore_row(kpu_search_session *session, int64_t n, kpu_metric_value *metrics)
{
    const kpu_search_past *past = session->options->past;
    kpu_point point;
    double costs[KPU_OBJECTIVES_MAX];
    int64_t id = -1;
    int code = past->read(past->context, n, &id, metrics, session->diag);
    if (code != KPU_OK)
        return code;
    if (id < 0 || id >= kpu_space_raw_size(session->space) ||
        !kpu_space_point_at(session->space, id, &point))
        return kpu_diag_add(session->diag, KPU_E_INPUT,
                            "row %" PRId64 " of the earlier run is of point %" PRId64
                            ", which is no candidate of this space",
                            n, id);
    if (!kpu_search_costs(session->space, metrics, costs))
        return KPU_OK;
    code = kpu_search_fronts_add(session->fronts, &point, costs);
    return code == KPU_OK ? code : kpu_diag_add(session->diag, code, "out of memory");
}

int kpu_search_restore(kpu_search_session *session)
{
    const kpu_search_past *past = session->options->past;
    kpu_search_progress *progress = session->progress;
    if (past->points < 0 || past->points > progress->total || past->evaluations > past->points ||
        past->feasible > past->evaluations || past->count > past->evaluations)
        return kpu_diag_add(session->diag, KPU_E_INPUT,
                            "the earlier run has looked at %" PRId64 " points, evaluated %" PRId64
                            " and kept %" PRId64 ", where there are %" PRId64 " points",
                            past->points, past->evaluations, past->count, progress->total);
    kpu_metric_value *metrics = calloc(kpu_metric_count(), sizeof *metrics);
    int code = metrics ? KPU_OK : kpu_diag_add(session->diag, KPU_E_MEMORY, "out of memory");
    progress->done = past->points;
    progress->evaluations = past->evaluations;
    progress->feasible = past->feasible;
    session->is_unit_unknown = past->count < past->evaluations;
    session->recalled = past->count;
    for (int64_t n = 0; code == KPU_OK && n < past->count; n++) {
        if (n % ROWS_BETWEEN_LOOKS == 0 && kpu_search_is_stopped(session))
            code = KPU_E_INTERRUPTED;
        else
            code = restore_row(session, n, metrics);
    }
    free(metrics);
    return code;
}
