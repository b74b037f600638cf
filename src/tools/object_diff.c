/* kpu-dse object-diff: what differs between two object files. */
#include "kpu/kpu_object.h"
#include "tools/command.h"
#include "tools/output.h"

static int compare(const kpu_dfx *a, const kpu_dfx *b)
{
    kpu_text text = {0};
    int64_t count;
    int status = kpu_object_compare(a, b, &text, &count);
    if (status) {
        kpu_text_fini(&text);
        return status;
    }
    kpu_text_format(&text, "%lld difference%s\n", (long long)count, count == 1 ? "" : "s");
    status = kpu_tool_print(&text);
    return status || count == 0 ? status : KPU_E_DIFFERENT;
}

static int run(const kpu_call *call)
{
    kpu_dfx *objects[2] = {NULL, NULL};
    int status = KPU_OK;
    for (int i = 0; i < 2; i++) { /* complains of both */
        int one = kpu_object_read(call->operands[i], &objects[i], call->diag);
        status = status ? status : one;
    }
    if (!status)
        status = compare(objects[0], objects[1]);
    kpu_dfx_free(objects[0]);
    kpu_dfx_free(objects[1]);
    return status;
}

const kpu_tool_command kpu_command_object_diff = {
    .name = "object-diff",
    .operands = "A.kpu B.kpu",
    .min_operands = 2,
    .max_operands = 2,
    .summary = "print what differs between two object files",
    .details = "One line a difference: where it is, and the values in A and in B. Kernels and\n"
               "tensors belong together by name; the form of the files does not count. The\n"
               "exit code is 1 if anything differs.\n",
    .run = run,
};
