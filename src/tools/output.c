#include "tools/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

/* A path as its folder, with links resolved, and its last part; malloc. */
static char *resolve(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    char *real = folder ? realpath(folder, NULL) : NULL, *whole = NULL;
    if (real && asprintf(&whole, "%s/%s", real, slash ? slash + 1 : path) < 0)
        whole = NULL;
    free(real);
    free(folder);
    return whole;
}

/* The same file, or what would be the same file once it is there. */
static bool is_same_file(const char *a, const char *b)
{
    struct stat one, other;
    bool has_one = stat(a, &one) == 0, has_other = stat(b, &other) == 0;
    if (has_one != has_other)
        return false;
    if (has_one)
        return S_ISREG(one.st_mode) && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
    char *resolved = resolve(a), *against = resolve(b);
    bool same = resolved && against && strcmp(resolved, against) == 0;
    free(resolved);
    free(against);
    return same;
}

int kpu_tool_check_files(const kpu_tool_file *files, size_t count, kpu_diag *diag)
{
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++) {
            if (!files[i].path || !files[j].path || (!files[i].is_written && !files[j].is_written))
                continue;
            if (is_same_file(files[i].path, files[j].path))
                return kpu_diag_add(diag, KPU_E_USAGE,
                                    "%s and %s are the same file, %s, which would be lost",
                                    files[j].what, files[i].what, files[i].path);
        }
    return KPU_OK;
}
