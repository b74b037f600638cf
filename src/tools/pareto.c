/* kpu-dse pareto: the candidates of a results file that no other one beats. */
#include "tools/pareto.h"

#include <string.h>

#include "tools/command.h"
#include "tools/output.h"

typedef struct values {
    const char *objectives, *where, *per, *format, *hypervolume;
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
    {"hypervolume", 0, KPU_OPTION_TEXT, offsetof(values, hypervolume), "REF",
     "print the volume that each front dominates up to REF: a number for each objective, as "
     "1e6,2e9, or auto, which lies beyond the worst of the front by a tenth of its extent",
     0, 0},
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

static int run(const kpu_call *call)
{
    const values *given = call->values;
    kpu_table_format format = KPU_TABLE_TEXT;
    kpu_pareto_question question = {.path = call->operands[0],
                                    .objectives = given->objectives,
                                    .where = given->where,
                                    .unique = given->unique,
                                    .reference = given->hypervolume};
    kpu_pareto pareto;
    kpu_text caveat = {0};
    int status = choose_per(given->per, &question.per, call->diag);
    int chosen = kpu_tool_choose_format(given->format, &format, call->diag);
    if (status || chosen)
        return KPU_E_USAGE;
    status = kpu_pareto_find(&question, &pareto, call->diag);
    if (!status)
        status = kpu_pareto_print(&pareto, format);
    if (!status) {
        kpu_pareto_put_caveat(&pareto, &caveat);
        status = kpu_tool_remark(&caveat);
    }
    kpu_pareto_fini(&pareto);
    return status;
}

const kpu_tool_command kpu_command_pareto = {
    .name = "pareto",
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "print the Pareto fronts of a results file",
    .details = "A candidate belongs to the front if it fits and no other one is at least as good\n"
               "in every objective and better in one. Candidates that are equal in every\n"
               "objective all belong, unless --unique says otherwise. Fronts are sorted by the\n"
               "first objective, best first, ties by id.\n"
               "\n"
               "--per gemm       a front for each GEMM; its machines compete\n"
               "--per machine    a front for each GEMM on each machine (or variant of one)\n"
               "--per workload   a front for each workload; its GEMMs compete, small with large\n"
               "--per all        one front; everything competes\n"
               "\n"
               "An EXPR names any column of the file (kpu-dse info --columns), and workload,\n"
               "gemm_name and machine_name. It has + - * / % ( ) < <= == != >= > and or not\n"
               "min() max().\n"
               "\n"
               "The table leaves out fields that have their default in a whole front. csv and\n"
               "json have all fields, and numbers that read back the same.\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_bytes = sizeof(values),
    .run = run,
};
