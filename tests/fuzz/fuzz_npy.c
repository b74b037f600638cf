/* Headers of .npy files. The reader belongs to the programs, so it is compiled in here. */
#include "fuzz/fuzz.h"

#include "tools/npy.c"

/* What was understood can be written, and reads back the same. */
static void write_again(const kpu_npy *npy)
{
    for (int dtype = 0; dtype < KPU_DTYPES; dtype++) {
        kpu_text text = {0};
        kpu_npy again;
        if (!kpu_npy_holds(npy, dtype))
            continue;
        kpu_npy_put_header(&text, dtype, npy->shape, npy->rank);
        if (text.failed || kpu_npy_parse("again", text.data, text.length, &again, NULL) ||
            again.rank != npy->rank || again.data_offset != text.length ||
            memcmp(again.shape, npy->shape, sizeof again.shape) != 0 ||
            !kpu_npy_holds(&again, dtype))
            __builtin_trap();
        kpu_text_fini(&text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kpu_npy npy;
    kpu_diag diag;
    kpu_diag_init(&diag);
    int status = kpu_npy_parse("file.npy", data, size, &npy, &diag);
    if ((status == KPU_OK) != (diag.count == 0))
        __builtin_trap();
    if (!status)
        write_again(&npy);
    kpu_diag_fini(&diag);
    return 0;
}
