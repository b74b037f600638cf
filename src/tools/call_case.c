#include "tools/call_case.h"

#include "tools/stored_case.h"

int kpu_call_case_read(const kpu_call *call, const kpu_case_values *values, kpu_tool_case *out)
{
    const char *command = call->command->name;
    if (call->operand_count == 1)
        return kpu_diag_add(call->diag, KPU_E_USAGE, "%s: which candidate of %s? Give its id",
                            command, call->operands[0]);
    if (call->operand_count == 2 && kpu_case_values_given(values))
        return kpu_diag_add(call->diag, KPU_E_USAGE,
                            "%s: FILE ID and flags that describe a candidate exclude each other",
                            command);
    if (call->operand_count == 2)
        return kpu_stored_case_read(call->operands[0], call->operands[1], out, call->diag);
    return kpu_case_values_read(values, out, call->diag);
}
