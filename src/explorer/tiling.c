/* The table of tiling strategies, and what decides between two tilings. */
#include "explorer/tiling.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const kpu_tile_strategy *const strategies[] = {
#define KPU_X(name) &kpu_tile_strategy_##name,
#include "explorer/strategies.def"
#undef KPU_X
};

size_t kpu_tile_strategy_count(void)
{
    return sizeof strategies / sizeof *strategies;
}

const kpu_tile_strategy *kpu_tile_strategy_at(size_t index)
{
    return index < kpu_tile_strategy_count() ? strategies[index] : NULL;
}

const kpu_tile_strategy *kpu_tile_strategy_find(const char *name)
{
    for (size_t i = 0; i < kpu_tile_strategy_count(); i++)
        if (strcmp(strategies[i]->name, name) == 0)
            return strategies[i];
    return NULL;
}

/* ---- Which of two is better -------------------------------------------------------------- */

static double metric_value(const kpu_metric_value *metrics, int metric)
{
    return kpu_metric_at((size_t)metric)->type == KPU_METRIC_INT64 ? (double)metrics[metric].i
                                                                   : metrics[metric].d;
}

/* What breaks ties: time, or traffic if time is the objective. */
static int second_metric(int objective)
{
    bool is_time =
        objective == kpu_metric_find("cycles") || objective == kpu_metric_find("time_ns");
    return kpu_metric_find(is_time ? "dram_bytes" : "cycles");
}

void kpu_tiling_contest_init(kpu_tiling_contest *contest, const kpu_tiling_question *question)
{
    int objective = kpu_metric_find(question->objective);
    *contest = (kpu_tiling_contest){.question = question,
                                    .metric = objective,
                                    .feasible = kpu_metric_find("feasible"),
                                    .macs = kpu_metric_find("macs"),
                                    .dram_bytes = kpu_metric_find("dram_bytes"),
                                    .second = second_metric(objective),
                                    .footprint = kpu_metric_find("footprint_bytes")};
}

/* How far a tile is from square, as a ratio. */
static double oblongness(const kpu_tiling_question *question, const kpu_candidate *candidate)
{
    const int64_t *dim = question->problem->dim;
    double m = fmin((double)candidate->tile[KPU_M], (double)dim[KPU_M]);
    double n = fmin((double)candidate->tile[KPU_N], (double)dim[KPU_N]);
    return m > n ? m / n : n / m;
}

static void fill_keys(const kpu_tiling_contest *contest, const kpu_candidate *candidate,
                      const kpu_metric_value *metrics, double key[KPU_TILING_KEYS])
{
    const kpu_tiling_limits *limits = &contest->question->limits;
    double value = metric_value(metrics, contest->metric);
    double dram_bytes = metric_value(metrics, contest->dram_bytes);
    bool most = kpu_metric_at((size_t)contest->metric)->sense == KPU_SENSE_MAX;
    bool short_of = metric_value(metrics, contest->macs) < limits->target_reuse * dram_bytes;
    key[0] = short_of ? 1 : 0;
    key[1] = isnan(value) ? INFINITY : most ? -value : value;
    key[2] = limits->target_reuse > 0 ? dram_bytes : 0;
    key[3] = limits->prefer_square ? oblongness(contest->question, candidate) : 0;
    key[4] = metric_value(metrics, contest->second);
    key[5] = metric_value(metrics, contest->footprint);
}

/* -1, 0, 1. Of full equals the one with the larger tile, so that the answer does not depend on the
 * order of offers. */
static int compare(const kpu_tiling_contest *contest, const double key[KPU_TILING_KEYS],
                   const kpu_candidate *candidate)
{
    const kpu_candidate *best = &contest->candidate;
    for (int i = 0; i < KPU_TILING_KEYS; i++)
        if (key[i] != contest->key[i])
            return key[i] < contest->key[i] ? -1 : 1;
    for (int d = 0; d < KPU_DIMS; d++)
        if (candidate->tile[d] != best->tile[d])
            return candidate->tile[d] > best->tile[d] ? -1 : 1;
    if (candidate->dataflow != best->dataflow)
        return candidate->dataflow < best->dataflow ? -1 : 1;
    return (candidate->swap > best->swap) - (candidate->swap < best->swap);
}

void kpu_tiling_contest_offer(kpu_tiling_contest *contest, const kpu_candidate *candidate,
                              const kpu_metric_value *metrics)
{
    double key[KPU_TILING_KEYS];
    if (!metrics[contest->feasible].i)
        return;
    fill_keys(contest, candidate, metrics, key);
    if (contest->found && compare(contest, key, candidate) >= 0)
        return;
    contest->found = true;
    contest->candidate = *candidate;
    contest->value = metric_value(metrics, contest->metric);
    memcpy(contest->key, key, sizeof key);
}

/* A front keeps all of equal points; so the first of the keys that can differ must be the first
 * of its objectives, and what follows them may not be an objective where prefer_square stands in
 * between. */
size_t kpu_tiling_objectives(const kpu_tiling_question *question,
                             int metrics[KPU_TILING_OBJECTIVES_MAX])
{
    const int objective = kpu_metric_find(question->objective);
    const int dram = kpu_metric_find("dram_bytes"), second = second_metric(objective);
    size_t count = 0;
    metrics[count++] = objective;
    if (question->limits.target_reuse > 0 && objective != dram)
        metrics[count++] = dram;
    if (!question->limits.prefer_square && second != metrics[count - 1])
        metrics[count++] = second;
    return count;
}

/* ---- Answers ----------------------------------------------------------------------------- */

void kpu_tiling_say(kpu_tiling *out, const char *format, ...)
{
    size_t length = strlen(out->why);
    if (length > 0 && length < KPU_TILING_WHY_MAX) {
        out->why[length++] = ' ';
        out->why[length] = '\0';
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out->why + length, sizeof out->why - length, format, arguments);
    va_end(arguments);
}

const char *kpu_tiling_tile_text(const int64_t tile[KPU_DIMS], char out[KPU_TILING_TEXT])
{
    snprintf(out, KPU_TILING_TEXT, "%" PRId64 "x%" PRId64 "x%" PRId64, tile[KPU_M], tile[KPU_N],
             tile[KPU_K]);
    return out;
}

const char *kpu_tiling_value_text(double value, char out[KPU_TILING_TEXT])
{
    static const double exact = 1e15; /* whole numbers up to here have all their digits */
    bool is_whole = fabs(value) < exact && value == floor(value);
    snprintf(out, KPU_TILING_TEXT, is_whole ? "%.0f" : "%.6g", value);
    return out;
}

const char *kpu_tiling_goal_text(const kpu_tiling_contest *contest, char out[KPU_TILING_TEXT])
{
    const kpu_metric *metric = kpu_metric_at((size_t)contest->metric);
    snprintf(out, KPU_TILING_TEXT, "%s %s", metric->sense == KPU_SENSE_MAX ? "most" : "least",
             metric->name);
    return out;
}

void kpu_tiling_contest_answer(const kpu_tiling_contest *contest, kpu_tiling *out)
{
    double target = contest->question->limits.target_reuse;
    out->candidate = contest->candidate;
    out->objective_value = contest->value;
    if (target > 0 && contest->key[0] > 0)
        kpu_tiling_say(
            out, "None of them reaches %g MACs per DRAM byte, so the target was dropped.", target);
}

const char *kpu_tiling_unfit_text(const kpu_machine *machine, const kpu_mapping *mapping,
                                  char out[KPU_TILING_UNFIT_TEXT])
{
    const kpu_mapping *m = mapping;
    const struct {
        int64_t needed, there;
        const char *unit;
    } limits[KPU_LIMITS] = {
        [KPU_LIMIT_L3] = {m->l3_bytes, kpu_machine_capacity_bytes(machine, KPU_LEVEL_L3),
                          "bytes of l3"},
        [KPU_LIMIT_L2] = {m->l2_bytes, kpu_machine_capacity_bytes(machine, KPU_LEVEL_L2),
                          "bytes of l2"},
        [KPU_LIMIT_L1] = {m->l1_bytes, kpu_machine_capacity_bytes(machine, KPU_LEVEL_L1),
                          "bytes of l1"},
        [KPU_LIMIT_REGISTERS] = {m->full_passes, machine->registers_per_pe, "registers a PE"},
    };
    int limit = m->broken ? __builtin_ctz(m->broken) : KPU_LIMIT_INPUT;
    char tile[KPU_TILING_TEXT];
    if (limit == KPU_LIMIT_INPUT)
        snprintf(out, KPU_TILING_UNFIT_TEXT, "%s", m->input_error);
    else
        snprintf(out, KPU_TILING_UNFIT_TEXT,
                 "a tile of %s (%s) needs %" PRId64 " %s, of which the machine %s has %" PRId64,
                 kpu_tiling_tile_text(m->tile, tile), kpu_dataflow_names[m->dataflow],
                 limits[limit].needed, limits[limit].unit, machine->name, limits[limit].there);
    return out;
}

/* ---- Choosing ---------------------------------------------------------------------------- */

static int complain_unknown(const char *objective, kpu_diag *diag)
{
    size_t count = kpu_metric_count();
    const char **names = malloc(count * sizeof *names);
    if (!names)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++)
        names[i] = kpu_metric_at(i)->name;
    const char *near = kpu_nearest_name(objective, names, count);
    free(names);
    return kpu_diag_add(diag, KPU_E_INPUT, "objective: no metric '%s'%s%s%s", objective,
                        near ? "; did you mean '" : "; kpu-dse metrics lists them",
                        near ? near : "", near ? "'?" : "");
}

int kpu_tiling_check_objective(const char *objective, kpu_diag *diag)
{
    int metric = kpu_metric_find(objective);
    if (metric < 0)
        return complain_unknown(objective, diag);
    if (kpu_metric_at((size_t)metric)->sense == KPU_SENSE_NONE)
        return kpu_diag_add(diag, KPU_E_INPUT, "objective: neither more nor less of '%s' is better",
                            objective);
    return KPU_OK;
}

static int check(const kpu_tiling_question *question, kpu_diag *diag)
{
    const kpu_tiling_limits *limits = &question->limits;
    int code = kpu_tiling_check_objective(question->objective, diag);
    if (code != KPU_OK)
        return code;
    if (limits->min_tile_elements < 0 || limits->max_tiles_per_dim < 0 || question->budget < 0 ||
        !(limits->target_reuse >= 0 && limits->target_reuse < INFINITY))
        return kpu_diag_add(diag, KPU_E_INPUT, "limits of a tiling must not be negative");
    return kpu_problem_validate(question->problem, NULL, diag);
}

int kpu_tiling_choose(const kpu_tile_strategy *strategy, const kpu_tiling_question *question,
                      kpu_tiling *out, kpu_diag *diag)
{
    memset(out, 0, sizeof *out);
    int code = check(question, diag);
    return code == KPU_OK ? strategy->choose(question, out, diag) : code;
}
