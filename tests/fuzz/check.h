/* What every reader must stand: it fails if and only if it complains, and what it complains about
 * can be shown. */
#ifndef KPU_TESTS_FUZZ_CHECK_H
#define KPU_TESTS_FUZZ_CHECK_H

#include "kpu/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline void fail_check(const char *what)
{
    fprintf(stderr, "%s\n", what);
    __builtin_trap();
}

static inline void check_complaints(int status, kpu_diag *diag)
{
    char *text = kpu_diag_render(diag);
    if (status != KPU_E_MEMORY && (status == KPU_OK) != (diag->count == 0))
        fail_check(diag->count ? text : "refused without a complaint");
    free(text);
    kpu_diag_fini(diag);
}

/* The bytes with a NUL behind them. */
static inline char *copy_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        exit(1);
    memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

/* For files that live only while they are read. */
static inline const char *scratch_folder(void)
{
    return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

static inline void put_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        exit(1);
}

#endif
