/* Replays a corpus through a fuzz target: every file of the folder, and every file with its end cut
 * off and with single bytes changed. */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

enum { BYTES_MAX = 1 << 20, CUTS = 24, CHANGES = 64 };

static void cut_and_change(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 1);
    if (!copy)
        exit(1);
    for (size_t n = 0; n < CUTS; n++) {
        size_t left = size * n / CUTS;
        memcpy(copy, data, left);
        LLVMFuzzerTestOneInput(copy, left);
    }
    for (size_t n = 0; n < CHANGES && size > 0; n++) {
        memcpy(copy, data, size);
        copy[(n * 2654435761u + 17) % size] ^= (uint8_t)(1u << n % 8);
        LLVMFuzzerTestOneInput(copy, size);
    }
    free(copy);
}

static bool replay(const char *path)
{
    FILE *in = fopen(path, "rb");
    uint8_t *data = malloc(BYTES_MAX);
    if (!in || !data) {
        fprintf(stderr, "cannot read %s\n", path);
        return false;
    }
    size_t size = fread(data, 1, BYTES_MAX, in);
    fclose(in);
    LLVMFuzzerTestOneInput(data, size);
    cut_and_change(data, size);
    free(data);
    return true;
}

int main(void)
{
    DIR *folder = opendir(KPU_CORPUS);
    if (!folder) {
        fprintf(stderr, "no corpus: " KPU_CORPUS "\n");
        return 1;
    }
    int files = 0;
    bool ok = true;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        char path[4096];
        snprintf(path, sizeof path, KPU_CORPUS "/%s", entry->d_name);
        ok = replay(path) && ok;
        files++;
    }
    closedir(folder);
    printf("%d files, each cut %d times and changed %d times\n", files, CUTS, CHANGES);
    return ok && files > 0 ? 0 : 1;
}
