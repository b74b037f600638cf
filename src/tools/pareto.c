/* kpu-dse pareto: the candidates of a results file that no other one beats. */
#include "tools/pareto.h"

#include <string.h>

#include "tools/command.h"

typedef struct values {
    const char *objectives, *where, *per, *format;
    bool unique;
} values;

static const kpu_option options[] = {
    {"objectives", 0, KPU_OPTION_TEXT, offsetof(values, objectives), "LIST",
     "metrics that the front is taken over, as cycles,energy_pj; without it those of the sweep", 0,
     0},
    {"where", 0, KPU_OPTION_TEXT, offsetof(values, where), "EXPR",
     "take only candidates for which this is true, as 'footprint_l2_bytes <= 65536 and dataflow == "
     "os'",
     0, 0},
    {"per", 0, KPU_OPTION_TEXT, offsetof(values, per), "WHAT",
     "a front for each gemm (the default), workload or machine, or one of all", 0, 0},
    {"format", 0, KPU_OPTION_TEXT, offsetof(values, format), "FORMAT",
     "table (the default), csv or json", 0, 0},
    {"unique", 0, KPU_OPTION_FLAG, offsetof(values, unique), NULL,
     "of candidates that are equal in every objective, only the one of lowest id", 0, 0},
};

static const char *const per_names[] = {[KPU_PER_GEMM] = "gemm",
                                        [KPU_PER_WORKLOAD] = "workload",
                                        [KPU_PER_MACHINE] = "machine",
                                        [KPU_PER_ALL] = "all"};

enum { PER_NAMES = sizeof per_names / sizeof *per_names };

static int choose_per(const char *name, kpu_pareto_per *out, kpu_diag *diag)
{
    for (int i = 0; i < PER_NAMES; i++)
        if (!name || strcmp(name, per_names[i]) == 0) {
            *out = (kpu_pareto_per)i;
            return KPU_OK;
        }
    return kpu_diag_add(diag, KPU_E_USAGE,
                        "--per: expected gemm, workload, machine or all, got \"%s\"", name);
}

static int choose_format(const char *name, kpu_table_format *out, kpu_diag *diag)
{
    for (int i = 0; i < KPU_TABLE_FORMATS; i++)
        if (!name || strcmp(name, kpu_table_format_names[i]) == 0) {
            *out = (kpu_table_format)i;
            return KPU_OK;
        }
    return kpu_diag_add(diag, KPU_E_USAGE, "--format: expected table, csv or json, got \"%s\"",
                        name);
}

static int run(const kpu_call *call)
{
    const values *given = call->values;
    kpu_table_format format = KPU_TABLE_TEXT;
    kpu_pareto_question question = {.path = call->operands[0],
                                    .objectives = given->objectives,
                                    .where = given->where,
                                    .unique = given->unique};
    kpu_pareto pareto;
    int status = choose_per(given->per, &question.per, call->diag);
    int chosen = choose_format(given->format, &format, call->diag);
    if (status || chosen)
        return KPU_E_USAGE;
    status = kpu_pareto_find(&question, &pareto, call->diag);
    if (!status)
        status = kpu_pareto_print(&pareto, format);
    kpu_pareto_fini(&pareto);
    return status;
}

const kpu_command kpu_command_pareto = {
    .name = "pareto",
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "print the Pareto fronts of a results file",
    .details = details,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_bytes = sizeof(values),
    .run = run,
};
