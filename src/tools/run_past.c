/* What an earlier call of the same run found out: to the search, to the fronts, and to what chooses
 * the rows to keep. */
#include <string.h>

#include "tools/run_session.h"

/* Fronts and choice see every known row once, in the order in which they came. */
static int recall(kpu_run_session *s, const kpu_row *row, kpu_diag *diag)
{
    bool is_kept;
    int status = KPU_OK;
    if (!s->gives_fronts)
        status = kpu_run_offer(s, row, s->recalled, &is_kept);
    s->recalled++;
    return status ? kpu_diag_add(diag, status, "out of memory") : KPU_OK;
}

static int read_row(void *context, int64_t n, int64_t *id, kpu_metric_value *metrics,
                    kpu_diag *diag)
{
    kpu_run_session *s = context;
    kpu_row row;
    int status = kpu_row_reader_row(&s->past, n, &row, diag);
    if (status)
        return status;
    *id = row.point.index;
    memcpy(metrics, row.metrics, kpu_metric_count() * sizeof *metrics);
    return n == s->recalled ? recall(s, &row, diag) : KPU_OK;
}

int kpu_run_recall_rest(kpu_run_session *s, kpu_diag *diag)
{
    int status = KPU_OK;
    while (!status && s->wants_fronts && s->recalled < s->known) {
        kpu_row row;
        if (*kpu_run_stop())
            return KPU_E_INTERRUPTED;
        status = kpu_row_reader_row(&s->past, s->recalled, &row, diag);
        if (!status)
            status = recall(s, &row, diag);
    }
    return status;
}

static int64_t number_of(const kpu_store *store, const char *name)
{
    int64_t value = 0;
    return kpu_store_get_number(store, name, &value) ? value : 0;
}

int kpu_run_open_past(kpu_run_session *s, kpu_search_past *out, bool *has, kpu_diag *diag)
{
    kpu_store *store = kpu_run_files_first(&s->files);
    const kpu_run_files *files = &s->files;
    s->known = kpu_store_rows(store);
    s->known_points = number_of(store, KPU_RUN_POINTS);
    s->known_evaluations =
        kpu_run_counts_points(s->run->space) ? number_of(store, KPU_RUN_EVALUATIONS) : s->known;
    s->known_ms = number_of(store, KPU_RUN_TIME);
    s->skipped = s->gives_fronts ? kpu_store_rows(files->main) : 0;
    *has = s->known > 0 || s->known_points > 0;
    if (!*has)
        return KPU_OK;
    const kpu_row_source source = {
        .space = s->run->space,
        .columns = s->columns,
        .store = store,
        .store_columns = files->log ? files->log_columns : s->columns->column,
        .store_column_count = files->log ? files->log_column_count : s->columns->count,
        .path = files->log ? files->log_partial : files->partial};
    /* Where rows are not needed to go on, nobody waits until all have been read. */
    const bool is_read = s->wants_fronts || !kpu_run_counts_points(s->run->space);
    *out = (kpu_search_past){.count = is_read ? s->known : 0,
                             .read = read_row,
                             .context = s,
                             .points = s->known_points,
                             .evaluations = s->known_evaluations,
                             .feasible = number_of(store, KPU_RUN_FEASIBLE)};
    return kpu_row_reader_init(&s->past, &source, diag);
}
