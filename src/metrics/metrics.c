#include "kpu/metrics.h"

#include <math.h>
#include <string.h>

#include "metrics/metrics_private.h"

const char *const kpu_reason_names[KPU_REASONS] = {"none", "input", "l3", "l2", "l1", "registers"};

#define KPU_METRIC(metric, kind, unit_text, sense_word, when, growth, text, expression)            \
    {#metric, unit_text, KPU_METRIC_##kind, KPU_SENSE_##sense_word, text, NULL, 0},
#define KPU_METRIC_WORDS(metric, unit_text, sense_word, when, text, expression, names, count)      \
    {#metric, unit_text, KPU_METRIC_INT64, KPU_SENSE_##sense_word, text, names, count},
static const kpu_metric metrics[] = {
#include "metrics/metrics.def"
};
#undef KPU_METRIC
#undef KPU_METRIC_WORDS

size_t kpu_metric_count(void)
{
    return sizeof metrics / sizeof *metrics;
}

const kpu_metric *kpu_metric_at(size_t index)
{
    return index < kpu_metric_count() ? &metrics[index] : NULL;
}

int kpu_metric_find(const char *name)
{
    for (size_t i = 0; i < kpu_metric_count(); i++)
        if (strcmp(metrics[i].name, name) == 0)
            return (int)i;
    return -1;
}

static int64_t largest(const int64_t *values, int64_t count)
{
    int64_t most = 0;
    for (int64_t i = 0; i < count; i++)
        most = values[i] > most ? values[i] : most;
    return most;
}

/* Busy cycles of every class, divided by its engines: the longest is a bound on the run. */
static int64_t engine_bound(const kpu_machine *machine, const kpu_counts *n)
{
    int64_t most = 0;
    for (int e = 0; e < KPU_ENGINE_CLASSES; e++) {
        int64_t engines = e == KPU_ENGINE_DMA  ? machine->dram_channels
                          : e == KPU_ENGINE_BM ? machine->block_mover_engines
                                               : 1;
        int64_t cycles = kpu_ceil_div(n->busy[e], engines);
        most = cycles > most ? cycles : most;
    }
    return most;
}

static int64_t dram_elements(const kpu_result *result)
{
    const kpu_problem *p = &result->mapping.problem;
    const kpu_traffic *t = &result->counts.traffic;
    int64_t final_elements = p->dim[KPU_M] * p->dim[KPU_N];
    int64_t partial_out = t->dram_write[KPU_C] - final_elements * p->element_bytes[KPU_C];
    return t->dram_read[KPU_A] / p->element_bytes[KPU_A] +
           t->dram_read[KPU_B] / p->element_bytes[KPU_B] +
           (t->dram_read[KPU_C] + partial_out) / p->partial_bytes + final_elements;
}

/* What follows from the problem, the cycles and the traffic: all that a MONOTONE row may look at.
 */
static void share_traffic(const kpu_machine *machine, const kpu_result *result, metric_context *c)
{
    const kpu_problem *p = &result->mapping.problem;
    memset(c, 0, sizeof *c);
    c->counts = &result->counts;
    c->macs = p->dim[KPU_M] * p->dim[KPU_N] * p->dim[KPU_K];
    kpu_result_level_bytes(result, c->read, c->written);
    kpu_result_energy(machine, result, &c->energy);
    c->dram_elements = dram_elements(result);
}

static void share(const kpu_machine *machine, const kpu_result *result, metric_context *c)
{
    const kpu_counts *n = &result->counts;
    share_traffic(machine, result, c);
    for (int i = 0; i < KPU_COMMANDS; i++)
        c->commands += n->commands[i];
    c->busiest_dma = largest(n->dma_busy, machine->dram_channels);
    c->busiest_bm = largest(n->bm_busy, machine->block_mover_engines);
    c->engine_bound = engine_bound(machine, n);
}

static int64_t first_limit(const kpu_mapping *m)
{
    return m->broken ? __builtin_ctz(m->broken) + 1 : 0;
}

static int64_t footprint_bytes(const kpu_mapping *m)
{
    int64_t sum;
    if (__builtin_add_overflow(m->l3_bytes, m->l2_bytes, &sum) ||
        __builtin_add_overflow(sum, m->l1_bytes, &sum))
        return INT64_MAX;
    return sum;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : NAN;
}

static double level_bytes(const metric_context *c, int level)
{
    return (double)(c->read[level] + c->written[level]);
}

/* Busy cycles of the engines that move bytes into or out of the level (docs/model.md). */
static double level_busy(const metric_context *c, int level)
{
    const int64_t *busy = c->counts->busy;
    int64_t streamers = busy[KPU_ENGINE_STR_A] + busy[KPU_ENGINE_STR_B] + busy[KPU_ENGINE_STR_CIN] +
                        busy[KPU_ENGINE_STR_COUT];
    const int64_t cycles[KPU_LEVELS] = {
        [KPU_LEVEL_DRAM] = busy[KPU_ENGINE_DMA],
        [KPU_LEVEL_L3] = busy[KPU_ENGINE_DMA] + busy[KPU_ENGINE_BM],
        [KPU_LEVEL_L2] = busy[KPU_ENGINE_BM] + streamers,
        [KPU_LEVEL_L1] = streamers + busy[KPU_ENGINE_FAB],
    };
    return (double)cycles[level];
}

static double reuse(const kpu_traffic *t, int level, int x)
{
    const int64_t link[KPU_LEVELS] = {
        t->dram_read[x] + t->dram_write[x],
        t->l3_to_l2[x] + t->l2_to_l3[x],
        t->l2_to_l1[x] + t->l1_to_l2[x],
        t->l1_to_fabric[x] + t->fabric_to_l1[x],
    };
    return ratio((double)link[level], (double)link[level - 1]);
}

typedef enum availability { RUN, ALWAYS } availability;

void kpu_metrics_compute(const kpu_machine *machine, const kpu_result *result,
                         kpu_metric_value *values)
{
    const kpu_mapping *m = &result->mapping;
    const kpu_counts *n = &result->counts;
    const kpu_traffic *t = &n->traffic;
    const kpu_bounds *b = &result->bounds;
    metric_context shared;
    const metric_context *c = &shared;
    bool ran = m->broken == 0;
    if (ran)
        share(machine, result, &shared);
#define KPU_INT64(value) ((kpu_metric_value){.i = (value)})
#define KPU_DOUBLE(value) ((kpu_metric_value){.d = (value)})
#define KPU_NONE_INT64 KPU_INT64(0)
#define KPU_NONE_DOUBLE KPU_DOUBLE(NAN)
#define KPU_METRIC(metric, kind, unit, sense, when, growth, text, expression)                      \
    *values++ = ran || when == ALWAYS ? KPU_##kind(expression) : KPU_NONE_##kind;
#define KPU_METRIC_WORDS(metric, unit, sense, when, text, expression, names, count)                \
    *values++ = KPU_INT64(expression);
#include "metrics/metrics.def"
#undef KPU_METRIC
#undef KPU_METRIC_WORDS
}

/* ---- Bounds ------------------------------------------------------------------------------- */

/* A run with exactly these cycles, traffic and footprints: what a bound is the metric of. */
static void pretend(const kpu_machine *machine, const kpu_problem *problem,
                    const kpu_lower_bounds *bounds, kpu_result *out)
{
    memset(out, 0, sizeof *out);
    out->mapping.problem = *problem;
    out->mapping.l3_bytes = bounds->l3_bytes;
    out->mapping.l2_bytes = bounds->l2_bytes;
    out->mapping.l1_bytes = bounds->l1_bytes;
    out->mapping.registers_per_pe = bounds->registers_per_pe;
    out->counts.cycles = bounds->cycles;
    out->counts.traffic = bounds->traffic;
    kpu_mapping_bounds(machine, &out->mapping, &out->bounds);
}

typedef enum growth { OPEN, MONOTONE } growth;

enum {
#define KPU_METRIC(metric, kind, unit, sense, when, growth, text, expression) ROW_##metric,
#define KPU_METRIC_WORDS(metric, unit, sense, when, text, expression, names, count) ROW_##metric,
#include "metrics/metrics.def"
#undef KPU_METRIC
#undef KPU_METRIC_WORDS
};

/* NaN for a row that is not MONOTONE. */
static double evaluate_row(const kpu_machine *machine, const kpu_result *result, size_t row)
{
    const kpu_mapping *m = &result->mapping;
    const kpu_counts *n = &result->counts;
    const kpu_traffic *t = &n->traffic;
    const kpu_bounds *b = &result->bounds;
    metric_context shared;
    const metric_context *c = &shared;
    share_traffic(machine, result, &shared);
    switch (row) {
#define KPU_METRIC(metric, kind, unit, sense, when, growth, text, expression)                      \
    case ROW_##metric:                                                                             \
        return growth == MONOTONE ? (double)(expression) : NAN;
#define KPU_METRIC_WORDS(metric, unit, sense, when, text, expression, names, count)                \
    case ROW_##metric:                                                                             \
        return NAN;
#include "metrics/metrics.def"
#undef KPU_METRIC
#undef KPU_METRIC_WORDS
    default: return NAN;
    }
}

double kpu_metric_bound(const kpu_machine *machine, const kpu_problem *problem,
                        const kpu_lower_bounds *bounds, size_t metric)
{
    bool most = metric < kpu_metric_count() && metrics[metric].sense == KPU_SENSE_MAX;
    if (bounds->empty)
        return most ? -INFINITY : INFINITY;
    kpu_result result;
    pretend(machine, problem, bounds, &result);
    double value = evaluate_row(machine, &result, metric);
    if (isnan(value))
        return most ? INFINITY : -INFINITY;
    return value;
}
