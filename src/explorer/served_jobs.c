/* What a rank can do for rank 0. */
#include <stdlib.h>

#include "explorer/serve.h"

bool kpu_serving_init(kpu_serving *serving, const kpu_space *space, size_t workers)
{
    size_t metrics = KPU_UNIT_POINTS * kpu_metric_count();
    *serving = (kpu_serving){.space = space, .workers = workers};
    serving->metrics = calloc(workers * metrics, sizeof *serving->metrics);
    return serving->metrics != NULL;
}

void kpu_serving_fini(kpu_serving *serving)
{
    kpu_cells_free(serving->cells);
    free(serving->metrics);
}

static kpu_metric_value *metrics_of(const kpu_serving *serving, const kpu_worker *worker)
{
    return serving->metrics + worker->number * KPU_UNIT_POINTS * kpu_metric_count();
}

/* ---- Units -------------------------------------------------------------------------------- */

static bool prepare_units(kpu_serving *serving, kpu_reader *shared)
{
    kpu_units *u = &serving->units;
    kpu_read(shared, u, sizeof *u);
    return !shared->failed && u->block >= 0 && (u->block == 0 || u->shard.count > 0) &&
           u->total <= kpu_space_run_size(serving->space);
}

/* The simulator asks whether it should stop; between two points nobody need. */
static bool goes_on(void *context)
{
    (void)context;
    return false;
}

static int serve_unit(const kpu_serving *serving, kpu_worker *worker, int64_t unit,
                      kpu_reader *reader, kpu_text *out)
{
    kpu_row rows[KPU_UNIT_POINTS];
    kpu_unit done = {.rows = rows, .metrics = metrics_of(serving, worker)};
    const kpu_unit_options options = {.space = serving->space,
                                      .simulator = worker->simulator,
                                      .result = &worker->result,
                                      .is_cancelled = goes_on};
    (void)reader;
    if (unit < 0 || unit >= kpu_units_count(&serving->units))
        return KPU_E_INTERNAL;
    int code = kpu_unit_evaluate(&serving->units, unit, &options, &done);
    kpu_unit_encode(&serving->units, unit, &done, out);
    return code;
}

/* ---- Points ------------------------------------------------------------------------------- */

static bool prepare_points(kpu_serving *serving, kpu_reader *shared)
{
    (void)serving;
    return shared->left == 0;
}

static int serve_point(const kpu_serving *serving, kpu_worker *worker, int64_t item,
                       kpu_reader *reader, kpu_text *out)
{
    kpu_point point;
    int64_t index = kpu_read_int(reader);
    (void)item;
    if (index < 0 || index >= kpu_space_raw_size(serving->space))
        return KPU_E_INTERNAL;
    kpu_space_point_at(serving->space, index, &point);
    kpu_metric_value *metrics = metrics_of(serving, worker);
    int code = kpu_search_measure(serving->space, worker, &point, metrics);
    if (code == KPU_OK)
        kpu_row_encode(NULL, metrics, out);
    return code;
}

/* ---- */

enum { SOON_NS = 10 * 1000 * 1000, LATER_NS = 50 * 1000 * 1000 };

/* Rank 0 waits for all of a batch, but for no unit in particular. */
const kpu_served_job kpu_served_jobs[KPU_REMOTE_JOBS] = {
    [KPU_REMOTE_UNITS] = {prepare_units, serve_unit, LATER_NS},
    [KPU_REMOTE_POINTS] = {prepare_points, serve_point, SOON_NS},
    [KPU_REMOTE_CELLS] = {kpu_cells_prepare, kpu_cells_serve, SOON_NS},
};
