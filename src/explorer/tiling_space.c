/* The tilings of a question as a space like that of a sweep, and a search in it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "explorer/search.h"
#include "explorer/tiling.h"

/* ---- The sweep --------------------------------------------------------------------------- */

static void put_sizes(kpu_text *text, const kpu_tiling_question *question, int dim)
{
    static const char *const names[KPU_DIMS] = {"TM", "TN", "TK"};
    kpu_tile_sizes sizes;
    kpu_tile_sizes_make(question, dim, KPU_TILES_ALL, &sizes);
    kpu_text_format(text, "%s = ", names[dim]);
    for (size_t i = 0; i < sizes.count; i++)
        kpu_text_format(text, "%s%" PRId64, i > 0 ? "," : "", sizes.size[i]);
    kpu_text_put(text, "\n");
}

static void put_three(kpu_text *text, const char *name, const int64_t values[KPU_OPERANDS])
{
    kpu_text_format(text, "%s = %" PRId64 "/%" PRId64 "/%" PRId64 "\n", name, values[KPU_A],
                    values[KPU_B], values[KPU_C]);
}

static void put_dataflow(kpu_text *text, const kpu_tiling_question *question)
{
    const kpu_candidate *base = question->base;
    if (!question->any_dataflow) {
        kpu_text_format(text, "dataflow = %s\nswap = %" PRId64 "\n",
                        kpu_dataflow_names[base->dataflow], base->swap);
        return;
    }
    kpu_text_put(text, "dataflow = ");
    for (int flow = 0; flow < KPU_DATAFLOWS; flow++)
        kpu_text_format(text, "%s%s", flow > 0 ? "," : "", kpu_dataflow_names[flow]);
    kpu_text_put(text, "\nswap = 0, 1\n");
}

static void put_residency(kpu_text *text, const kpu_candidate *base)
{
    if (base->auto_residency) {
        kpu_text_put(text, "residency = auto\n");
        return;
    }
    kpu_text_put(text, "residency = ");
    for (int x = 0; x < KPU_OPERANDS; x++)
        kpu_text_format(text, "%s%" PRId64 "-%" PRId64, x > 0 ? "/" : "",
                        base->hoist[x][KPU_HOIST_L3], base->hoist[x][KPU_HOIST_L2]);
    kpu_text_put(text, "\n");
}

static void put_space(kpu_text *text, const kpu_tiling_question *question)
{
    static const char letters[] = "mnk";
    static const char *const blocks[KPU_DIMS] = {"BM", "BN", "BK"};
    const kpu_candidate *base = question->base;
    kpu_text_put(text, "[space]\n");
    for (int d = 0; d < KPU_DIMS; d++) {
        put_sizes(text, question, d);
        kpu_text_format(text, "%s = %" PRId64 "\n", blocks[d], base->block[d]);
    }
    put_dataflow(text, question);
    kpu_text_format(text, "order = %c%c%c\n", letters[base->order[0]], letters[base->order[1]],
                    letters[base->order[2]]);
    put_three(text, "d3", base->l3_buffers);
    put_three(text, "d2", base->l2_buffers);
    kpu_text_format(text, "d1 = %" PRId64 "\ncontrol = %s\neddo_window = %" PRId64 "\n",
                    base->l1_buffers, kpu_control_names[base->control], base->eddo_window);
    put_residency(text, base);
}

static void put_constraints(kpu_text *text, const kpu_tiling_question *question)
{
    static const char *const products[KPU_OPERANDS] = {"TM*TK", "TK*TN", "TM*TN"};
    static const char operands[] = "ABC";
    int64_t least[KPU_OPERANDS];
    kpu_tile_least_elements(question, least);
    kpu_text_put(text, "[constraints]\n");
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (least[x] > 1)
            kpu_text_format(text, "%c = %s >= %" PRId64 "\n", operands[x], products[x], least[x]);
}

static void put_sweep(kpu_text *text, const kpu_tiling_question *question, const char *search)
{
    bool needs = kpu_search_find(search)->budget == KPU_SEARCH_NEEDS;
    int64_t budget = question->budget > 0 ? question->budget : KPU_TILING_BUDGET;
    kpu_text_format(text, "[search]\nmethod = %s\nbudget = %" PRId64 "\n", search,
                    needs ? budget : 0);
    put_space(text, question);
    put_constraints(text, question);
}

/* ---- The space --------------------------------------------------------------------------- */

/* One machine, one GEMM: those of the question, not copies that went through text. */
static bool fill_case(kpu_space *space, const kpu_tiling_question *question)
{
    int metrics[KPU_TILING_OBJECTIVES_MAX];
    size_t count = kpu_tiling_objectives(question, metrics);
    space->name = strdup("tiling");
    space->objectives = calloc(count, sizeof *space->objectives);
    space->machines = calloc(1, sizeof *space->machines);
    space->workloads = calloc(1, sizeof *space->workloads);
    space->gemms = calloc(1, sizeof *space->gemms);
    kpu_gemm *gemm = calloc(1, sizeof *gemm);
    if (!space->name || !space->objectives || !space->machines || !space->workloads ||
        !space->gemms || !gemm) {
        free(gemm);
        return false;
    }
    memcpy(space->objectives, metrics, count * sizeof *metrics);
    space->objective_count = count;
    space->machines[0] = *question->machine;
    space->machine_count = 1;
    space->machine_axes_size = 1;
    *gemm = (kpu_gemm){.name = strdup("matmul"), .problem = *question->problem, .count = 1};
    space->workloads[0] = (kpu_workload){.name = strdup("graph"), .gemms = gemm, .gemm_count = 1};
    space->workload_count = 1;
    space->gemm_count = 1;
    return gemm->name && space->workloads[0].name;
}

static int fill_axes(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    int code = kpu_space_read_axes(space, sweep, diag);
    if (code == KPU_OK)
        code = kpu_space_read_constraints(space, sweep, diag);
    if (code == KPU_OK)
        code = kpu_space_read_search(space, sweep, diag);
    if (code == KPU_OK)
        code = kpu_space_number(space, sweep, diag);
    space->run_size = space->raw_size;
    return code;
}

int kpu_tiling_space_make(const kpu_tiling_question *question, const char *search, kpu_space **out,
                          kpu_diag *diag)
{
    kpu_text text = {0};
    kpu_ini sweep = {0};
    kpu_space *space = calloc(1, sizeof *space);
    *out = NULL;
    put_sweep(&text, question, search);
    int code = space && !text.failed && fill_case(space, question)
                   ? KPU_OK
                   : kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    if (code == KPU_OK)
        code = kpu_ini_parse("tiling", text.data, text.length, KPU_FILE_SWEEP, &sweep, diag);
    if (code == KPU_OK)
        code = fill_axes(space, &sweep, diag);
    kpu_ini_fini(&sweep);
    kpu_text_fini(&text);
    if (code == KPU_OK)
        *out = space;
    else
        kpu_space_free(space);
    return code;
}

/* ---- Searching --------------------------------------------------------------------------- */

static int offer_rows(void *context, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    (void)diag;
    for (size_t i = 0; i < count; i++)
        kpu_tiling_contest_offer(context, &rows[i].point.candidate, rows[i].metrics);
    return KPU_OK;
}

static int offer_timed(kpu_tiling_contest *contest, const kpu_candidate *candidate, kpu_diag *diag)
{
    const kpu_tiling_question *question = contest->question;
    kpu_simulator *simulator = kpu_simulator_new();
    kpu_metric_value *metrics = calloc(kpu_metric_count(), sizeof *metrics);
    kpu_result result;
    int code = simulator && metrics ? kpu_evaluate(simulator, question->machine, question->problem,
                                                   candidate, &result)
                                    : KPU_E_MEMORY;
    if (code == KPU_OK) {
        kpu_metrics_compute(question->machine, &result, metrics);
        kpu_tiling_contest_offer(contest, candidate, metrics);
    }
    free(metrics);
    kpu_simulator_free(simulator);
    return code == KPU_OK ? KPU_OK : kpu_diag_add(diag, code, "%s", kpu_error_text(code));
}

static int run(kpu_tiling_contest *contest, const kpu_space *space, kpu_search_progress *summary,
               kpu_diag *diag)
{
    const kpu_search_options options = {
        .threads = contest->question->threads, .sink = offer_rows, .sink_context = contest};
    return kpu_search_run(space, &options, summary, diag);
}

static void explain(const kpu_tiling_contest *contest, const kpu_tiling *first, const char *search,
                    kpu_tiling *out)
{
    char tile[KPU_TILING_TEXT], other[KPU_TILING_TEXT], goal[KPU_TILING_TEXT];
    char value[KPU_TILING_TEXT], before[KPU_TILING_TEXT];
    bool proven = kpu_search_find(search)->only_fronts;
    kpu_tiling_say(out,
                   "%s, %s: %s of %s %" PRId64 " tilings (search %s, %" PRId64 " timed), %s; "
                   "the analytical choice, %s, %s: %s.",
                   kpu_tiling_tile_text(contest->candidate.tile, tile),
                   kpu_dataflow_names[contest->candidate.dataflow],
                   kpu_tiling_goal_text(contest, goal), proven ? "all" : "those timed of",
                   out->considered, search, out->evaluated,
                   kpu_tiling_value_text(contest->value, value),
                   kpu_tiling_tile_text(first->candidate.tile, other),
                   kpu_dataflow_names[first->candidate.dataflow],
                   kpu_tiling_value_text(first->objective_value, before));
}

int kpu_tiling_search(const kpu_tiling_question *question, const char *search, kpu_tiling *out,
                      kpu_diag *diag)
{
    kpu_tiling_contest contest;
    kpu_tiling first = {0};
    kpu_space *space = NULL;
    kpu_search_progress summary = {0};
    kpu_tiling_contest_init(&contest, question);
    int code = kpu_tile_strategy_analytical.choose(question, &first, diag);
    if (code == KPU_OK)
        code = offer_timed(&contest, &first.candidate, diag);
    if (code == KPU_OK)
        code = kpu_tiling_space_make(question, search, &space, diag);
    if (code == KPU_OK)
        code = run(&contest, space, &summary, diag);
    if (code == KPU_OK) {
        out->considered = kpu_space_raw_size(space);
        out->evaluated = summary.evaluations;
        explain(&contest, &first, search, out);
        kpu_tiling_contest_answer(&contest, out);
    }
    kpu_space_free(space);
    return code;
}
