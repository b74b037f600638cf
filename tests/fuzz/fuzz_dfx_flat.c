/* The flat form. What is read prints to a flat form that reads back as the same program. */
#include "fuzz/fuzz.h"
#include "kpu/dfx.h"

#include <stdlib.h>

static void check(const kpu_dfx *dfx)
{
    kpu_text text = {0};
    kpu_dfx *again = NULL;
    if (kpu_dfx_print_flat(dfx, 0, &text, NULL) == KPU_OK &&
        (kpu_dfx_parse_flat("again", text.data, text.length, &again, NULL) != KPU_OK ||
         !kpu_dfx_equal(dfx, again)))
        abort();
    kpu_dfx_free(again);
    kpu_text_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kpu_dfx *dfx = NULL;
    kpu_diag diag = {0};
    int code = kpu_dfx_parse_flat("fuzz", (const char *)data, size, &dfx, &diag);
    if ((code == KPU_OK) != (dfx != NULL) || (code == KPU_OK) != (diag.count == 0))
        abort();
    if (dfx)
        check(dfx);
    kpu_diag_fini(&diag);
    kpu_dfx_free(dfx);
    return 0;
}
