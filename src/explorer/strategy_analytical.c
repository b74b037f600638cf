/* A tiling from closed forms: traffic and footprint are exact, cycles a lower bound, which small
 * tiles keep to less well than large ones. So the closed forms choose the best tile of each class
 * of sizes, and these few are timed. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explorer/tiling.h"

enum {
    SIZE_CLASSES = 128, /* of tiles, by the power of two of their elements in three dimensions */
    TIMED_STEPS_MAX = 1 << 14 /* more take long, and are timed only if all have more */
};

/* A search through the sizes of one dataflow. */
typedef struct analysis {
    const kpu_tiling_question *question;
    kpu_tiling_contest classes[SIZE_CLASSES];
    kpu_tiling_contest timed;
    bool found;
    kpu_tile_sizes sizes[KPU_DIMS];
    kpu_metric_value *metrics;
    int64_t *idle; /* busy cycles of engines that nobody timed: zeros */
    int64_t considered;
    int evaluated;
    kpu_mapping least; /* of those that do not fit, the one that needs the least memory */
    bool has_least;
} analysis;

static int open_analysis(analysis *a, const kpu_tiling_question *question, kpu_diag *diag)
{
    const kpu_machine *machine = question->machine;
    int64_t engines = machine->dram_channels > machine->block_mover_engines
                          ? machine->dram_channels
                          : machine->block_mover_engines;
    memset(a, 0, sizeof *a);
    a->question = question;
    kpu_tiling_contest_init(&a->timed, question);
    for (int i = 0; i < SIZE_CLASSES; i++)
        a->classes[i] = a->timed;
    a->metrics = calloc(kpu_metric_count(), sizeof *a->metrics);
    a->idle = calloc((size_t)engines, sizeof *a->idle);
    return a->metrics && a->idle ? KPU_OK : kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
}

static void close_analysis(analysis *a)
{
    free(a->metrics);
    free(a->idle);
}

/* ---- One tiling -------------------------------------------------------------------------- */

static double memory_bytes(const kpu_mapping *m)
{
    return (double)m->l3_bytes + (double)m->l2_bytes + (double)m->l1_bytes;
}

/* Limits that it breaks whatever the residency, if that may be chosen: windows of one tile each.
 * Cheaper than to choose one. */
static uint32_t broken_at_least(analysis *a, const kpu_candidate *candidate)
{
    kpu_candidate smallest = *candidate;
    kpu_mapping mapping;
    if (smallest.auto_residency) {
        smallest.auto_residency = 0;
        for (int x = 0; x < KPU_OPERANDS; x++)
            for (int level = 0; level < KPU_HOIST_LEVELS; level++)
                smallest.hoist[x][level] = KPU_NEST;
    }
    kpu_mapping_make(a->question->machine, a->question->problem, &smallest, &mapping);
    bool says_more = !a->has_least || (a->least.broken & 1u << KPU_LIMIT_INPUT) != 0 ||
                     memory_bytes(&mapping) < memory_bytes(&a->least);
    if (mapping.broken && says_more) {
        a->least = mapping;
        a->has_least = true;
    }
    return mapping.broken;
}

static int size_class(const int64_t tile[KPU_DIMS])
{
    return ilogb((double)tile[KPU_M] * (double)tile[KPU_N] * (double)tile[KPU_K]);
}

/* A run as the closed forms see it. */
static void consider(analysis *a, const kpu_candidate *candidate)
{
    kpu_result result;
    kpu_lower_bounds bounds;
    const kpu_machine *machine = a->question->machine;
    memset(&result, 0, sizeof result);
    kpu_mapping_make(machine, a->question->problem, candidate, &result.mapping);
    a->considered++;
    if (result.mapping.broken)
        return;
    kpu_mapping_lower_bounds(machine, &result.mapping, &bounds);
    kpu_mapping_bounds(machine, &result.mapping, &result.bounds);
    result.counts.cycles = bounds.cycles;
    result.counts.traffic = bounds.traffic;
    result.counts.dma_busy = result.counts.bm_busy = a->idle;
    kpu_metrics_compute(machine, &result, a->metrics);
    kpu_tiling_contest_offer(&a->classes[size_class(candidate->tile)], candidate, a->metrics);
    a->found = true;
}

/* ---- All tilings of a dataflow ----------------------------------------------------------- */

/* Both orders of the loops if they may be chosen. */
static void consider_orders(analysis *a, kpu_candidate candidate)
{
    consider(a, &candidate);
    if (!a->question->any_dataflow)
        return;
    candidate.swap = !candidate.swap;
    consider(a, &candidate);
}

/* Larger tiles need more of what is asked of L1 and the array. The windows of given hoists need not
 * grow with the tile, a single tile does. */
static bool is_too_large(const kpu_candidate *candidate, uint32_t broken)
{
    const uint32_t array = 1u << KPU_LIMIT_L1 | 1u << KPU_LIMIT_REGISTERS;
    const uint32_t memories = 1u << KPU_LIMIT_L3 | 1u << KPU_LIMIT_L2;
    return (broken & (candidate->auto_residency ? array | memories : array)) != 0;
}

static void consider_column(analysis *a, kpu_candidate *candidate)
{
    const kpu_tile_sizes *sizes = &a->sizes[KPU_K];
    for (size_t k = 0; k < sizes->count; k++) {
        candidate->tile[KPU_K] = sizes->size[k];
        if (!kpu_tile_is_allowed(a->question, candidate->tile))
            continue;
        uint32_t broken = broken_at_least(a, candidate);
        if (is_too_large(candidate, broken))
            return;
        if (!broken)
            consider_orders(a, *candidate);
    }
}

static void consider_all(analysis *a, int dataflow)
{
    kpu_candidate candidate = *a->question->base;
    candidate.dataflow = dataflow;
    candidate.swap = a->question->any_dataflow ? 0 : candidate.swap;
    for (size_t m = 0; m < a->sizes[KPU_M].count; m++)
        for (size_t n = 0; n < a->sizes[KPU_N].count; n++) {
            candidate.tile[KPU_M] = a->sizes[KPU_M].size[m];
            candidate.tile[KPU_N] = a->sizes[KPU_N].size[n];
            consider_column(a, &candidate);
        }
}

/* A tile of one element divides every block and needs the least memory. */
static bool nothing_can_fit(analysis *a, int dataflow)
{
    kpu_candidate smallest = *a->question->base;
    smallest.dataflow = dataflow;
    for (int d = 0; d < KPU_DIMS; d++)
        smallest.tile[d] = 1;
    uint32_t broken = broken_at_least(a, &smallest);
    return (broken & 1u << KPU_LIMIT_INPUT) != 0 || (smallest.auto_residency && broken != 0);
}

/* Few sizes first; more if none of them fits. */
static void consider_dataflow(analysis *a, int dataflow, bool full_k)
{
    if (nothing_can_fit(a, dataflow))
        return;
    for (int detail = KPU_TILES_COARSE; detail <= KPU_TILES_ALL && !a->found; detail++) {
        for (int d = 0; d < KPU_DIMS; d++)
            kpu_tile_sizes_make(a->question, d, (kpu_tile_detail)detail, &a->sizes[d]);
        kpu_tile_sizes *k = &a->sizes[KPU_K];
        if (full_k) {
            k->size[0] = k->size[k->count - 1];
            k->count = 1;
        }
        consider_all(a, dataflow);
    }
}

/* ---- The answer -------------------------------------------------------------------------- */

static int complain_nothing_fits(const analysis *a, kpu_diag *diag)
{
    char text[KPU_TILING_UNFIT_TEXT];
    kpu_tiling_unfit_text(a->question->machine, &a->least, text);
    if (a->least.broken & 1u << KPU_LIMIT_INPUT)
        return kpu_diag_add(diag, KPU_E_INPUT, "no tiling: %s", text);
    return kpu_diag_add(diag, KPU_E_INPUT, "no tiling within the limits fits: even %s", text);
}

static int64_t steps_of(const analysis *a, const kpu_candidate *candidate)
{
    int64_t steps = 1;
    for (int d = 0; d < KPU_DIMS; d++)
        steps *= kpu_ceil_div(a->question->problem->dim[d], candidate->tile[d]);
    return steps;
}

static int time_one(analysis *a, const kpu_candidate *candidate, kpu_simulator *simulator)
{
    kpu_result result;
    const kpu_tiling_question *q = a->question;
    int code = kpu_evaluate(simulator, q->machine, q->problem, candidate, &result);
    if (code != KPU_OK)
        return code;
    kpu_metrics_compute(q->machine, &result, a->metrics);
    kpu_tiling_contest_offer(&a->timed, candidate, a->metrics);
    a->evaluated++;
    return KPU_OK;
}

/* From large tiles to small ones. */
static int time_classes(analysis *a, kpu_diag *diag)
{
    kpu_simulator *simulator = kpu_simulator_new();
    int code = simulator ? KPU_OK : KPU_E_MEMORY;
    for (int i = SIZE_CLASSES - 1; i >= 0 && code == KPU_OK; i--) {
        const kpu_candidate *candidate = &a->classes[i].candidate;
        bool takes_long = a->classes[i].found && steps_of(a, candidate) > TIMED_STEPS_MAX;
        if (a->classes[i].found && !(takes_long && a->evaluated > 0))
            code = time_one(a, candidate, simulator);
    }
    kpu_simulator_free(simulator);
    return code == KPU_OK ? KPU_OK : kpu_diag_add(diag, code, "%s", kpu_error_text(code));
}

static void explain(const analysis *a, kpu_tiling *out)
{
    char tile[KPU_TILING_TEXT], goal[KPU_TILING_TEXT], value[KPU_TILING_TEXT];
    kpu_tiling_say(out,
                   "%s: %s, %s, of %d that were timed, the best of their size among %" PRId64
                   " tilings by closed form.",
                   kpu_tiling_tile_text(a->timed.candidate.tile, tile),
                   kpu_tiling_goal_text(&a->timed, goal),
                   kpu_tiling_value_text(a->timed.value, value), a->evaluated, a->considered);
}

/* By rule, then with any tile size of that dataflow, then by any other dataflow that fits. */
static void analyse(analysis *a, kpu_tiling *out)
{
    kpu_tiling_dataflows flows;
    kpu_tiling_dataflows_list(a->question, &flows);
    if (*flows.why)
        kpu_tiling_say(out, "%s", flows.why);
    for (size_t i = 0; i < flows.count && !a->found; i++) {
        if (i == 0 && flows.full_k)
            consider_dataflow(a, flows.dataflow[i], true);
        if (!a->found)
            consider_dataflow(a, flows.dataflow[i], false);
        if (i > 0 && a->found)
            kpu_tiling_say(out, "That does not fit the machine; %s does.",
                           kpu_dataflow_names[flows.dataflow[i]]);
    }
}

/* The rule has the last word, but a user should know what it costs. */
static int look_elsewhere(const analysis *chosen, kpu_tiling *out, kpu_diag *diag)
{
    const kpu_tiling_contest *best = &chosen->timed;
    analysis other;
    int code = open_analysis(&other, chosen->question, diag);
    for (int flow = 0; flow < KPU_DATAFLOWS && code == KPU_OK; flow++) {
        other.found = false;
        if (flow != best->candidate.dataflow)
            consider_dataflow(&other, flow, false);
    }
    if (code == KPU_OK)
        code = time_classes(&other, diag);
    const kpu_tiling_contest *rival = &other.timed;
    bool is_better = rival->key[0] < best->key[0] ||
                     (rival->key[0] == best->key[0] && rival->key[1] < best->key[1]);
    if (code == KPU_OK && rival->found && is_better) {
        char tile[KPU_TILING_TEXT], value[KPU_TILING_TEXT];
        kpu_tiling_say(out, "The rule is not the best here: with %s and %s it would be %s.",
                       kpu_dataflow_names[rival->candidate.dataflow],
                       kpu_tiling_tile_text(rival->candidate.tile, tile),
                       kpu_tiling_value_text(rival->value, value));
    }
    close_analysis(&other);
    return code;
}

static int answer(analysis *a, kpu_tiling *out, kpu_diag *diag)
{
    int code = time_classes(a, diag);
    if (code != KPU_OK)
        return code;
    explain(a, out);
    kpu_tiling_contest_answer(&a->timed, out);
    out->considered = a->considered;
    out->evaluated = a->evaluated;
    return a->question->any_dataflow ? look_elsewhere(a, out, diag) : KPU_OK;
}

static int choose(const kpu_tiling_question *question, kpu_tiling *out, kpu_diag *diag)
{
    analysis a;
    int code = open_analysis(&a, question, diag);
    if (code == KPU_OK) {
        analyse(&a, out);
        code = a.found ? answer(&a, out, diag) : complain_nothing_fits(&a, diag);
    }
    close_analysis(&a);
    return code;
}

const kpu_tile_strategy kpu_tile_strategy_analytical = {
    .name = "analytical",
    .summary = "the dataflow by rule, the tile by closed forms, the best of each size timed",
    .choose = choose,
};
