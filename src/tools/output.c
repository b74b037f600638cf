#include "tools/output.h"

#include <stdio.h>

int kpu_tool_print(kpu_text *text)
{
    int status = text->failed ? KPU_E_MEMORY : KPU_OK;
    if (text->data && !text->failed)
        fwrite(text->data, 1, text->length, stdout);
    kpu_text_fini(text);
    return status;
}
