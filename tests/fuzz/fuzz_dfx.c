/* DFX text. What is accepted prints to text that is the same program, and binds without surprise.
 */
#include "fuzz/fuzz.h"
#include "kpu/dfx.h"

#include <stdlib.h>

static void check(const kpu_dfx *dfx)
{
    kpu_text text = {0};
    kpu_dfx *again = NULL;
    kpu_dfx_print(dfx, &text);
    if (kpu_dfx_parse("again", text.data, text.length, &again, NULL) != KPU_OK ||
        !kpu_dfx_equal(dfx, again))
        abort();
    kpu_dfx_free(again);
    kpu_text_fini(&text);
    kpu_machine machine = {.name = "tiny", .fabric_rows = 1, .fabric_cols = 1};
    for (size_t k = 0; k < dfx->kernel_count; k++) {
        kpu_mapping mapping;
        kpu_dfx_bind(&dfx->kernels[k], &machine, &mapping, NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kpu_dfx *dfx = NULL;
    kpu_diag diag = {0};
    int code = kpu_dfx_parse("fuzz", (const char *)data, size, &dfx, &diag);
    if ((code == KPU_OK) != (dfx != NULL) || (code == KPU_OK) != (diag.count == 0))
        abort();
    if (dfx)
        check(dfx);
    char *text = kpu_diag_render(&diag);
    free(text);
    kpu_diag_fini(&diag);
    kpu_dfx_free(dfx);
    return 0;
}
