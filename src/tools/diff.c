/* kpu-dse diff: two results files compared: what was asked, the numbers, the fronts. */
#include "tools/diff.h"

#include <stdlib.h>
#include <string.h>

#include "tools/command.h"
#include "tools/output.h"
#include "tools/results_input.h"

enum { ROWS_SHOWN = 20 };

typedef struct values {
    const char *objectives, *format;
    int64_t rows;
    bool exit_code;
} values;

static const kpu_option options[] = {
    {"objectives", 0, KPU_OPTION_TEXT, offsetof(values, objectives), "LIST",
     "metrics that the fronts are taken over, as cycles,energy_pj; without it those of A's sweep",
     0, 0},
    {"format", 0, KPU_OPTION_TEXT, offsetof(values, format), "FORMAT",
     "table (the default), csv or json", 0, 0},
    {"rows", 'n', KPU_OPTION_INT, offsetof(values, rows), "N",
     "print at most N rows of a table (20 without it), 0: all of them", 0, INT64_MAX},
    {"exit-code", 0, KPU_OPTION_FLAG, offsetof(values, exit_code), NULL,
     "end with exit code 1 if a candidate, a number or a front differs", 0, 0},
};

static void set_defaults(void *pointer)
{
    ((values *)pointer)->rows = ROWS_SHOWN;
}

/* ---- The comparison --------------------------------------------------------------------- */

/* B has what the fronts are taken over, and calls the same way better. */
static int check_objectives(const kpu_diff *diff, kpu_results *b, kpu_diag *diag)
{
    const kpu_pareto *a = &diff->side[KPU_DIFF_A].pareto;
    const kpu_place place = {.file = diff->side[KPU_DIFF_B].question.path};
    int status = KPU_OK;
    for (int d = 0; d < a->objective_count; d++) {
        const kpu_column *own = kpu_pareto_column(a, a->objectives[d]);
        int other = kpu_results_find(b, own->name);
        if (other < 0 || kpu_results_column(b, (size_t)other)->sense != own->sense)
            status =
                kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                                "\"%s\", an objective of the first file, is none here", own->name);
    }
    return status;
}

/* The objectives of A by name, malloc'ed. */
static char *objective_names(const kpu_pareto *a)
{
    kpu_text names = {0};
    for (int d = 0; d < a->objective_count; d++)
        kpu_text_format(&names, "%s%s", d ? "," : "", kpu_pareto_column(a, a->objectives[d])->name);
    if (!names.failed)
        return names.data;
    kpu_text_fini(&names);
    return NULL;
}

static int find_second_front(kpu_diff *diff, kpu_diag *diag)
{
    kpu_diff_side *b = &diff->side[KPU_DIFF_B];
    kpu_results *results = NULL;
    int status = kpu_tool_open_results(b->question.path, &results, diag);
    if (!status)
        status = check_objectives(diff, results, diag);
    kpu_results_close(results);
    if (status)
        return status;
    char *names = objective_names(&diff->side[KPU_DIFF_A].pareto);
    b->question.objectives = names;
    status = names ? kpu_pareto_find(&b->question, &b->pareto, diag) : KPU_E_MEMORY;
    b->question.objectives = NULL;
    free(names);
    return status;
}

int kpu_diff_make(const char *const paths[KPU_DIFF_SIDES], const char *objectives, kpu_diff *out,
                  kpu_diag *diag)
{
    *out = (kpu_diff){0};
    for (int i = 0; i < KPU_DIFF_SIDES; i++)
        out->side[i].question = (kpu_pareto_question){.path = paths[i]};
    kpu_diff_side *a = &out->side[KPU_DIFF_A];
    a->question.objectives = objectives;
    int status = kpu_pareto_find(&a->question, &a->pareto, diag);
    if (!status)
        status = find_second_front(out, diag);
    if (!status)
        status = kpu_diff_compare_setup(out);
    if (!status)
        status = kpu_diff_prepare_fronts(out);
    if (!status)
        status = kpu_diff_match(out, diag);
    return status ? status : kpu_diff_compare_fronts(out, diag);
}

void kpu_diff_fini(kpu_diff *diff)
{
    for (int i = 0; i < KPU_DIFF_SIDES; i++) {
        kpu_diff_side *side = &diff->side[i];
        kpu_pareto_fini(&side->pareto);
        free(side->gemm_partner);
        free(side->machine_partner);
        free(side->members);
        free(side->by_row);
    }
    for (size_t i = 0; i < diff->fact_count; i++) {
        free(diff->facts[i].name);
        free(diff->facts[i].value[KPU_DIFF_A]);
        free(diff->facts[i].value[KPU_DIFF_B]);
    }
    free(diff->facts);
    free(diff->metrics);
    free(diff->fronts);
    *diff = (kpu_diff){0};
}

bool kpu_diff_differs(const kpu_diff *diff)
{
    bool differs = diff->changed > 0;
    for (int i = 0; i < KPU_DIFF_SIDES; i++)
        differs = differs || diff->side[i].only > 0;
    for (size_t i = 0; i < diff->front_count; i++)
        differs = differs || diff->fronts[i].fresh + diff->fronts[i].gone > 0;
    return differs;
}

/* ---- The command ------------------------------------------------------------------------ */

static int run(const kpu_call *call)
{
    const values *given = call->values;
    kpu_table_format format = KPU_TABLE_TEXT;
    kpu_diff diff;
    kpu_text caveats = {0};
    int status = kpu_tool_choose_format(given->format, &format, call->diag);
    if (status)
        return status;
    status =
        kpu_diff_make((const char *const *)call->operands, given->objectives, &diff, call->diag);
    if (!status)
        status = format == KPU_TABLE_TEXT ? kpu_diff_print(&diff, given->rows)
                                          : kpu_diff_print_rows(&diff, format);
    if (!status) {
        for (int i = 0; i < KPU_DIFF_SIDES; i++)
            kpu_pareto_put_caveat(&diff.side[i].pareto, &caveats);
        status = kpu_tool_remark(&caveats);
    }
    if (!status && given->exit_code && kpu_diff_differs(&diff))
        status = KPU_E_DIFFERENT;
    kpu_diff_fini(&diff);
    return status;
}

const kpu_tool_command kpu_command_diff = {
    .name = "diff",
    .operands = "A B",
    .min_operands = KPU_DIFF_SIDES,
    .max_operands = KPU_DIFF_SIDES,
    .summary = "compare two results files: what was asked, numbers, fronts",
    .details = "Candidates are the same if their GEMM, their machine and all their parameters\n"
               "are, whatever their ids. A machine of which some keys were changed is still the\n"
               "same if no other one in its file has its name; a GEMM of another size is another\n"
               "GEMM. Where a candidate fits in one file only, its numbers are not compared.\n"
               "\n"
               "For each GEMM that both files have, the fronts are compared:\n"
               "\n"
               "best         of each objective, and the change from A to B\n"
               "hypervolume  share that a front dominates of the box between the best values of\n"
               "             both fronts and the reference, which lies beyond their worst values\n"
               "             by a tenth of the distance between the two\n"
               "epsilon      how far one front is from covering the other: the factor by which\n"
               "             it would have to be better in every objective, and the distance as\n"
               "             a part of that box; x1 and +0, or less: it covers it\n"
               "new, gone    candidates on the front of B alone, of A alone; what the other file\n"
               "             has of them, and which member of its front dominates them\n"
               "changed      candidates on both fronts with other values\n"
               "\n"
               "csv and json have all numbers, exact, one fact a row; change is (B - A) / |A|.\n"
               "\n"
               "The exit code is 0 also if the files differ, unless --exit-code is given.\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_bytes = sizeof(values),
    .defaults = set_defaults,
    .run = run,
};
