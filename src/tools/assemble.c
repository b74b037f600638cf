/* kpu-dse assemble: an object file of DFX text, or of an object in the other form. */
#include <string.h>

#include "kpu/kpu_object.h"
#include "tools/command.h"
#include "tools/output.h"

typedef struct assemble_options {
    const char *output, *format;
} assemble_options;

static const kpu_option options[] = {
    {"output", 'o', KPU_OPTION_TEXT, offsetof(assemble_options, output), "OBJECT.kpu",
     "the file to write; it must be given", 0, 0},
    {"format", 0, KPU_OPTION_TEXT, offsetof(assemble_options, format), "F",
     "form of the object: json or binary (default)", 0, 0},
};

static int choose_format(const char *name, kpu_object_format *out, kpu_diag *diag)
{
    for (int f = 0; f < KPU_OBJECT_FORMATS; f++)
        if (strcmp(name, kpu_object_format_names[f]) == 0) {
            *out = (kpu_object_format)f;
            return KPU_OK;
        }
    return kpu_diag_add(diag, KPU_E_USAGE, "--format: expected json or binary, got \"%s\"", name);
}

static int run(const kpu_call *call)
{
    const assemble_options *o = call->values;
    kpu_object_format format = KPU_OBJECT_BINARY;
    kpu_dfx *dfx;
    if (!o->output)
        return kpu_diag_add(call->diag, KPU_E_USAGE, "assemble: -o OBJECT.kpu is missing");
    const kpu_tool_file files[] = {{"TEXT", call->operands[0], false}, {"-o", o->output, true}};
    int status = o->format ? choose_format(o->format, &format, call->diag) : KPU_OK;
    if (!status)
        status = kpu_tool_check_files(files, sizeof files / sizeof *files, call->diag);
    if (!status)
        status = kpu_object_read(call->operands[0], &dfx, call->diag);
    if (status)
        return status;
    status = kpu_object_write(o->output, dfx, format, call->diag);
    kpu_dfx_free(dfx);
    return status;
}

const kpu_tool_command kpu_command_assemble = {
    .name = "assemble",
    .operands = "TEXT",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "make an object file (.kpu) of DFX text",
    .details = "TEXT is what kpu-dse disassemble prints, or an object file: so one form becomes\n"
               "the other. docs/dfx.md describes the text, docs/kpu-object.md the file.\n",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_bytes = sizeof(assemble_options),
    .run = run,
};
