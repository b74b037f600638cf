/* kpu-dse verify: candidates of a results file, executed with random numbers. */
#include <inttypes.h>
#include <stdlib.h>

#include "kpu/report.h"
#include "tools/functional_check.h"
#include "tools/output.h"
#include "tools/stored_case.h"

typedef struct values {
    int64_t seed;
} values;

static const kpu_option options[] = {
    {"seed", 0, KPU_OPTION_INT, offsetof(values, seed), "S", "of the random numbers (default 0)", 0,
     INT64_MAX},
};

static void put_candidate(kpu_text *out, const char *id, const kpu_tool_case *c)
{
    const int64_t *dim = c->problem.dim, *tile = c->candidate.tile;
    kpu_text_format(out,
                    "candidate %s: %" PRId64 "x%" PRId64 "x%" PRId64 ", tile %" PRId64 "x%" PRId64
                    "x%" PRId64 ", %s, %s, on %s: ",
                    id, dim[KPU_M], dim[KPU_N], dim[KPU_K], tile[KPU_M], tile[KPU_N], tile[KPU_K],
                    kpu_dataflow_names[c->candidate.dataflow],
                    kpu_control_names[c->candidate.control], c->machine.name);
}

static int verify(const kpu_call *call, const char *id)
{
    const values *v = call->values;
    kpu_tool_case c;
    kpu_gemm_verdict verdict;
    kpu_text text = {0};
    int status = kpu_stored_case_read(call->operands[0], id, &c, call->diag);
    if (!status)
        status = kpu_functional_check_candidate(&c, strtoll(id, NULL, 10), (uint64_t)v->seed,
                                                &verdict, call->diag);
    if (status)
        return status;
    put_candidate(&text, id, &c);
    kpu_gemm_put_verdict(&verdict, &text);
    return kpu_tool_print(&text);
}

/* All of them, and the worst that happened. */
static int run(const kpu_call *call)
{
    int status = KPU_OK;
    for (int i = 1; i < call->operand_count; i++) {
        int result = verify(call, call->operands[i]);
        status = status ? status : result;
    }
    return status;
}

const kpu_tool_command kpu_command_verify = {
    .name = "verify",
    .operands = "RESULTS.h5 ID...",
    .min_operands = 2,
    .max_operands = INT32_MAX,
    .summary = "execute candidates with random numbers and compare with BLAS",
    .details = "The commands of a candidate move real bytes at the cycles at which they run, so\n"
               "that a slot overwritten too early, or read too late, gives wrong numbers. Exit\n"
               "code 1 if they are. Elements of 2 bytes are executed as bf16, of 1 as int8.\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_bytes = sizeof(values),
    .run = run,
};
