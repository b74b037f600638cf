/* kpu-dse disassemble: an object file as DFX text. */
#include "kpu/kpu_object.h"
#include "tools/command.h"
#include "tools/output.h"

typedef struct disassemble_options {
    const char *output;
} disassemble_options;

static const kpu_option options[] = {
    {"output", 'o', KPU_OPTION_TEXT, offsetof(disassemble_options, output), "TEXT",
     "write to this file, not to the standard output", 0, 0},
};

static int run(const kpu_call *call)
{
    const disassemble_options *o = call->values;
    kpu_dfx *dfx;
    kpu_text text = {0};
    const kpu_tool_file files[] = {{"OBJECT.kpu", call->operands[0], false},
                                   {"-o", o->output, true}};
    int status = kpu_tool_check_files(files, sizeof files / sizeof *files, call->diag);
    if (!status)
        status = kpu_object_read(call->operands[0], &dfx, call->diag);
    if (status)
        return status;
    kpu_dfx_print(dfx, &text);
    kpu_dfx_free(dfx);
    if (!o->output)
        return kpu_tool_print(&text);
    status =
        text.failed ? KPU_E_MEMORY : kpu_file_write(o->output, text.data, text.length, call->diag);
    kpu_text_fini(&text);
    return status;
}

const kpu_tool_command kpu_command_disassemble = {
    .name = "disassemble",
    .operands = "OBJECT.kpu",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "print an object file (.kpu, either form) as DFX text",
    .details = "kpu-dse assemble makes the same object of the text again. docs/dfx.md describes\n"
               "the text, docs/kpu-object.md the file.\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_bytes = sizeof(disassemble_options),
    .run = run,
};
