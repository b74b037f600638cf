#include "tiling_answer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double metric(const kpu_metric_value *metrics, const char *name)
{
    int m = kpu_metric_find(name);
    return kpu_metric_at((size_t)m)->type == KPU_METRIC_INT64 ? (double)metrics[m].i : metrics[m].d;
}

tiling_score tiling_score_of(kpu_simulator *simulator, const kpu_tiling_question *q,
                             const kpu_candidate *candidate)
{
    kpu_result result;
    tiling_score out = {0};
    const kpu_tiling_limits *l = &q->limits;
    kpu_metric_value *metrics = calloc(kpu_metric_count(), sizeof *metrics);
    if (!metrics || kpu_evaluate(simulator, q->machine, q->problem, candidate, &result) != KPU_OK)
        abort();
    kpu_metrics_compute(q->machine, &result, metrics);
    out.fits = result.mapping.broken == 0;
    bool time = strcmp(q->objective, "cycles") == 0;
    bool most = kpu_metric_at((size_t)kpu_metric_find(q->objective))->sense == KPU_SENSE_MAX;
    double value = metric(metrics, q->objective), dram = metric(metrics, "dram_bytes");
    double tm = (double)result.mapping.tile[KPU_M], tn = (double)result.mapping.tile[KPU_N];
    out.key[0] = metric(metrics, "macs") < l->target_reuse * dram;
    out.key[1] = isnan(value) ? INFINITY : most ? -value : value;
    out.key[2] = l->target_reuse > 0 ? dram : 0;
    out.key[3] = l->prefer_square ? fmax(tm / tn, tn / tm) : 0;
    out.key[4] = time ? dram : metric(metrics, "cycles");
    out.key[5] = metric(metrics, "footprint_bytes");
    free(metrics);
    return out;
}

int tiling_score_compare(const tiling_score *a, const tiling_score *b)
{
    if (a->fits != b->fits)
        return a->fits ? -1 : 1;
    for (size_t i = 0; i < sizeof a->key / sizeof *a->key; i++)
        if (a->key[i] != b->key[i])
            return a->key[i] < b->key[i] ? -1 : 1;
    return 0;
}

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

bool tiling_is_within_limits(const kpu_tiling_question *q, const int64_t t[KPU_DIMS])
{
    const int64_t *dim = q->problem->dim, least = q->limits.min_tile_elements;
    for (int d = 0; d < KPU_DIMS; d++)
        if (q->limits.max_tiles_per_dim > 0 &&
            kpu_ceil_div(dim[d], t[d]) > q->limits.max_tiles_per_dim)
            return false;
    return t[0] * t[1] >= lesser(least, dim[0] * dim[1]) &&
           t[1] * t[2] >= lesser(least, dim[1] * dim[2]) &&
           t[0] * t[2] >= lesser(least, dim[0] * dim[2]);
}

const char *tiling_answer_error(const kpu_tiling_question *q, const kpu_tiling *answer,
                                const tiling_score *score)
{
    const bool most = kpu_metric_at((size_t)kpu_metric_find(q->objective))->sense == KPU_SENSE_MAX;
    double value = most ? -answer->objective_value : answer->objective_value;
    int64_t tile[KPU_DIMS];
    for (int d = 0; d < KPU_DIMS; d++)
        tile[d] = lesser(answer->candidate.tile[d], q->problem->dim[d]);
    if (!score->fits)
        return "it does not fit";
    if (!tiling_is_within_limits(q, tile))
        return "it is not within the limits";
    if (score->key[1] != (isnan(value) ? INFINITY : value))
        return "what it says of the objective is not so";
    if (!q->any_dataflow && answer->candidate.dataflow != q->base->dataflow)
        return "it has another dataflow";
    return strlen(answer->why) > 0 ? NULL : "it does not say why";
}
