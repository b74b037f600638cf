/* Results files: all that our programs read of one, of any content. */
#include "fuzz/fuzz.h"
#include "fuzz/read_results.h"
#include "fuzz/survival.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "%s/kpu-fuzz-%ld.h5", scratch_folder(), (long)getpid());
    put_file(path, data, size);
    if (is_survived(read_everything, path))
        read_everything(path);
    remove(path);
    return 0;
}
