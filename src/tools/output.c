#include "tools/output.h"

#include <stdio.h>
#include <string.h>

static int print_to(FILE *file, kpu_text *text)
{
    int status = text->failed ? KPU_E_MEMORY : KPU_OK;
    if (text->data && !text->failed)
        fwrite(text->data, 1, text->length, file);
    kpu_text_fini(text);
    return status;
}

int kpu_tool_print(kpu_text *text)
{
    return print_to(stdout, text);
}

int kpu_tool_remark(kpu_text *text)
{
    return print_to(stderr, text);
}

int kpu_tool_choose_format(const char *name, kpu_table_format *out, kpu_diag *diag)
{
    for (int i = 0; i < KPU_TABLE_FORMATS; i++)
        if (!name || strcmp(name, kpu_table_format_names[i]) == 0) {
            *out = (kpu_table_format)i;
            return KPU_OK;
        }
    return kpu_diag_add(diag, KPU_E_USAGE, "--format: expected table, csv or json, got \"%s\"",
                        name);
}
