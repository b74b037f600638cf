/* Object files, both forms, and DFX text. Binary input is read a second time with checksums that
 * fit, so that changes reach what is behind them. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "kpu/kpu_object.h"
#include "toolchain/object_bytes.h"

/* What was read can be printed in both forms, and is read back the same. */
static void print_again(const kpu_dfx *dfx)
{
    for (int f = 0; f < KPU_OBJECT_FORMATS; f++) {
        kpu_text text = {0};
        kpu_dfx *again;
        kpu_object_print(dfx, (kpu_object_format)f, &text);
        if (text.failed || kpu_object_parse("again", text.data, text.length, &again, NULL) ||
            !kpu_dfx_equal(dfx, again))
            __builtin_trap();
        kpu_dfx_free(again);
        kpu_text_fini(&text);
    }
}

static void parse(const uint8_t *data, size_t size)
{
    kpu_dfx *dfx;
    kpu_diag diag;
    kpu_diag_init(&diag);
    int status = kpu_object_parse("file.kpu", data, size, &dfx, &diag);
    if ((status == KPU_OK) != (diag.count == 0) || (status == KPU_OK) != (dfx != NULL))
        __builtin_trap();
    if (dfx)
        print_again(dfx);
    kpu_dfx_free(dfx);
    kpu_diag_fini(&diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    parse(data, size);
    if (size < 4 || memcmp(data, "KPU", 4) != 0)
        return 0;
    uint8_t *copy = malloc(size);
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    object_seal(copy, size);
    parse(copy, size);
    free(copy);
    return 0;
}
