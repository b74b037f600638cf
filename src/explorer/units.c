#include "explorer/units.h"

#include "explorer/space.h"

int64_t kpu_units_count(const kpu_units *units)
{
    return kpu_ceil_div(units->total - units->first, KPU_UNIT_POINTS);
}

int64_t kpu_units_begin(const kpu_units *units, int64_t unit)
{
    return units->first + unit * KPU_UNIT_POINTS;
}

int64_t kpu_units_end(const kpu_units *units, int64_t unit)
{
    int64_t begin = kpu_units_begin(units, unit);
    return units->total - begin < KPU_UNIT_POINTS ? units->total : begin + KPU_UNIT_POINTS;
}

/* Its blocks are every count-th of the run. */
int64_t kpu_units_number(const kpu_units *units, int64_t local)
{
    const kpu_shard *shard = &units->shard;
    if (units->block == 0)
        return local;
    return (local / units->block * shard->count + shard->index) * units->block +
           local % units->block;
}

/* ---- Evaluating --------------------------------------------------------------------------- */

static int measure(const kpu_unit_options *o, const kpu_point *point, kpu_metric_value *metrics)
{
    if (kpu_ahead_recall(o->ahead, point->index, metrics))
        return KPU_OK;
    if (!o->simulator)
        return KPU_E_MEMORY;
    const kpu_machine *machine = kpu_space_machine(o->space, point->machine);
    const kpu_problem *problem = &kpu_space_gemm(o->space, point->gemm)->problem;
    int64_t began = kpu_ahead_begin(o->ahead);
    int code = kpu_evaluate(o->simulator, machine, problem, &point->candidate, o->result);
    if (code != KPU_OK)
        return code;
    kpu_metrics_compute(machine, o->result, metrics);
    kpu_ahead_note(o->ahead, point->index, metrics, began);
    return KPU_OK;
}

static int evaluate_point(const kpu_unit_options *o, int64_t number, unsigned bit, kpu_unit *out)
{
    kpu_row *row = &out->rows[out->count];
    if (!kpu_space_point(o->space, number, &row->point))
        return KPU_OK;
    kpu_metric_value *values = out->metrics + out->count * kpu_metric_count();
    int code = measure(o, &row->point, values);
    if (code != KPU_OK)
        return code;
    row->metrics = values;
    out->count++;
    out->candidates |= (uint16_t)(1u << bit);
    return KPU_OK;
}

int kpu_unit_evaluate(const kpu_units *units, int64_t unit, const kpu_unit_options *options,
                      kpu_unit *out)
{
    int code = KPU_OK;
    int64_t begin = kpu_units_begin(units, unit), end = kpu_units_end(units, unit);
    out->count = 0;
    out->candidates = 0;
    for (out->end = begin; out->end < end; out->end++) {
        if (options->is_cancelled(options->context))
            return KPU_E_INTERRUPTED;
        unsigned bit = (unsigned)(out->end - begin);
        code = evaluate_point(options, kpu_units_number(units, out->end), bit, out);
        if (code != KPU_OK)
            break;
    }
    return code;
}

/* ---- Between ranks ------------------------------------------------------------------------ */

/* uint8: how many points were tried; uint16: which of them are candidates; then their rows, each
 * as it differs from the one before. */
_Static_assert(KPU_UNIT_POINTS == 16, "a bit each");

void kpu_unit_encode(const kpu_units *units, int64_t unit, const kpu_unit *done, kpu_text *out)
{
    const uint8_t tried = (uint8_t)(done->end - kpu_units_begin(units, unit));
    kpu_put(out, &tried, sizeof tried);
    kpu_put(out, &done->candidates, sizeof done->candidates);
    for (size_t i = 0; i < done->count; i++)
        kpu_row_encode(i > 0 ? done->rows[i - 1].metrics : NULL, done->rows[i].metrics, out);
}

bool kpu_unit_decode(const kpu_units *units, int64_t unit, const kpu_space *space,
                     kpu_reader *reader, kpu_unit *out)
{
    uint8_t tried;
    int64_t begin = kpu_units_begin(units, unit);
    kpu_read(reader, &tried, sizeof tried);
    kpu_read(reader, &out->candidates, sizeof out->candidates);
    out->end = begin + tried;
    out->count = 0;
    if (out->end > kpu_units_end(units, unit) || out->candidates >> tried != 0)
        return false;
    const kpu_metric_value *before = NULL;
    for (int64_t n = begin; n < out->end; n++) {
        if (!(out->candidates >> (n - begin) & 1))
            continue;
        kpu_row *row = &out->rows[out->count];
        kpu_metric_value *metrics = out->metrics + out->count++ * kpu_metric_count();
        kpu_space_decode(space, kpu_units_number(units, n), &row->point);
        kpu_row_decode(reader, before, metrics);
        row->metrics = before = metrics;
    }
    return !reader->failed && reader->left == 0;
}
