/* What the results of a run may replace. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/run.h"

static bool is_same_file(const char *path, const struct stat *output)
{
    struct stat file;
    return stat(path, &file) == 0 && file.st_dev == output->st_dev && file.st_ino == output->st_ino;
}

int kpu_run_check_name(const char *path, kpu_diag *diag)
{
    static const char *const endings[] = {".partial", ".log", ".partial.journal-0",
                                          ".partial.journal-1"};
    const kpu_place place = {.file = path};
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i]);
        if (length >= ending && strcmp(path + length - ending, endings[i]) == 0)
            return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                                   "names that end in %s are those of unfinished files; choose "
                                   "that of the finished one",
                                   endings[i]);
    }
    return KPU_OK;
}

int kpu_run_check_output(const kpu_run *run, kpu_diag *diag)
{
    static const char signature[8] = "\211HDF\r\n\032\n";
    const kpu_place place = {.file = run->output};
    struct stat output;
    char head[sizeof signature] = {0};
    int status = kpu_run_check_name(run->output, diag);
    if (status)
        return status;
    if (!run->force || stat(run->output, &output) != 0 || !S_ISREG(output.st_mode))
        return KPU_OK; /* creating the file says what is wrong with it */
    bool is_input = is_same_file(run->sweep_path, &output);
    for (size_t i = 0; i < kpu_space_source_count(run->space); i++)
        is_input |= is_same_file(kpu_space_source_name(run->space, i), &output);
    FILE *file = is_input ? NULL : fopen(run->output, "rb");
    size_t bytes = file ? fread(head, 1, sizeof head, file) : 0;
    if (file)
        fclose(file);
    if (is_input || (bytes > 0 && memcmp(head, signature, sizeof signature) != 0))
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "is no results file; --force replaces nothing else");
    return KPU_OK;
}
