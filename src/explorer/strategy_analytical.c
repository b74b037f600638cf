/* A tiling from closed forms: traffic and footprint are exact, cycles a lower bound. Few sizes, no
 * simulation but of the one that is chosen. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "explorer/tiling.h"

/* A search through the sizes of one dataflow. */
typedef struct analysis {
    const kpu_tiling_question *question;
    kpu_tiling_contest contest;
    kpu_tile_sizes sizes[KPU_DIMS];
    kpu_metric_value *metrics;
    int64_t *idle; /* busy cycles of engines that nobody timed: zeros */
    int64_t considered;
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
    kpu_tiling_contest_init(&a->contest, question);
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

/* What it needs at least: every window one tile. Cheaper than to choose a residency, and larger
 * tiles need more. */
static bool fits_at_all(analysis *a, const kpu_candidate *candidate)
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
    if (!mapping.broken)
        return true;
    bool says_more = !a->has_least || (a->least.broken & 1u << KPU_LIMIT_INPUT) != 0 ||
                     memory_bytes(&mapping) < memory_bytes(&a->least);
    if (says_more)
        a->least = mapping;
    a->has_least = true;
    return false;
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
    kpu_tiling_contest_offer(&a->contest, candidate, a->metrics);
}

/* ---- All tilings of a dataflow ----------------------------------------------------------- */

/* Both orders of the loops if they may be chosen. */
static bool consider_tile(analysis *a, const kpu_candidate *candidate)
{
    if (!kpu_tile_is_allowed(a->question, candidate->tile))
        return true;
    if (!fits_at_all(a, candidate))
        return false;
    kpu_candidate tried = *candidate;
    consider(a, &tried);
    if (a->question->any_dataflow) {
        tried.swap = !tried.swap;
        consider(a, &tried);
    }
    return true;
}

/* A block that is no multiple of its tile says nothing about larger tiles; memory does. */
static bool is_too_large(const analysis *a)
{
    return !(a->least.broken & 1u << KPU_LIMIT_INPUT);
}

static void consider_column(analysis *a, kpu_candidate *candidate)
{
    const kpu_tile_sizes *sizes = &a->sizes[KPU_K];
    for (size_t k = 0; k < sizes->count; k++) {
        candidate->tile[KPU_K] = sizes->size[k];
        if (!consider_tile(a, candidate) && is_too_large(a))
            return;
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

/* Few sizes first; more if none of them fits. */
static void consider_dataflow(analysis *a, int dataflow, bool full_k)
{
    for (int detail = KPU_TILES_COARSE; detail <= KPU_TILES_FINE && !a->contest.found; detail++) {
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

/* Times the winner: what was estimated is replaced by what is so. */
static int time_winner(analysis *a, kpu_diag *diag)
{
    kpu_simulator *simulator = kpu_simulator_new();
    kpu_candidate winner = a->contest.candidate;
    kpu_result result;
    int code = simulator ? kpu_evaluate(simulator, a->question->machine, a->question->problem,
                                        &winner, &result)
                         : KPU_E_MEMORY;
    if (code == KPU_OK) {
        kpu_metrics_compute(a->question->machine, &result, a->metrics);
        a->contest.found = false;
        kpu_tiling_contest_offer(&a->contest, &winner, a->metrics);
    }
    kpu_simulator_free(simulator);
    return code == KPU_OK ? KPU_OK : kpu_diag_add(diag, code, "%s", kpu_error_text(code));
}

static void explain(const analysis *a, kpu_tiling *out, double estimate)
{
    char tile[KPU_TILING_TEXT], goal[KPU_TILING_TEXT];
    kpu_tiling_say(out, "%s: %s of %" PRId64 " tilings by closed form, %.10g; timed %.10g.",
                   kpu_tiling_tile_text(a->contest.candidate.tile, tile),
                   kpu_tiling_goal_text(&a->contest, goal), a->considered, estimate,
                   a->contest.value);
}

/* By rule, then with any tile size of that dataflow, then by any other dataflow that fits. */
static void analyse(analysis *a, kpu_tiling *out)
{
    kpu_tiling_dataflows flows;
    kpu_tiling_dataflows_list(a->question, &flows);
    if (*flows.why)
        kpu_tiling_say(out, "%s", flows.why);
    for (size_t i = 0; i < flows.count && !a->contest.found; i++) {
        if (i == 0 && flows.full_k)
            consider_dataflow(a, flows.dataflow[i], true);
        if (!a->contest.found)
            consider_dataflow(a, flows.dataflow[i], false);
        if (i > 0 && a->contest.found)
            kpu_tiling_say(out, "That does not fit the machine; %s does.",
                           kpu_dataflow_names[flows.dataflow[i]]);
    }
}

static int choose(const kpu_tiling_question *question, kpu_tiling *out, kpu_diag *diag)
{
    analysis a;
    int code = open_analysis(&a, question, diag);
    if (code == KPU_OK) {
        analyse(&a, out);
        code = a.contest.found ? KPU_OK : complain_nothing_fits(&a, diag);
    }
    double estimate = a.contest.value;
    if (code == KPU_OK)
        code = time_winner(&a, diag);
    if (code == KPU_OK) {
        explain(&a, out, estimate);
        kpu_tiling_contest_answer(&a.contest, out);
        out->considered = a.considered;
        out->evaluated = 1;
    }
    close_analysis(&a);
    return code;
}

const kpu_tile_strategy kpu_tile_strategy_analytical = {
    .name = "analytical",
    .summary = "the dataflow by rule, the tile by closed forms of traffic, footprint and cycles",
    .choose = choose,
};
