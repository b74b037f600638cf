#include "tools/machine_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char suffix[] = ".ini";
enum { SUFFIX = sizeof suffix - 1 };
static const char *const folders[] = {"configs", KPU_DATA_DIR "/configs"};
enum { FOLDERS = sizeof folders / sizeof *folders };

static bool has_suffix(const char *name)
{
    size_t length = strlen(name);
    return length > SUFFIX && strcmp(name + length - SUFFIX, suffix) == 0;
}

static const char *default_folder(void)
{
    struct stat info;
    for (size_t i = 0; i + 1 < FOLDERS; i++)
        if (stat(folders[i], &info) == 0 && S_ISDIR(info.st_mode))
            return folders[i];
    return folders[FOLDERS - 1];
}

static int add_name(kpu_machine_files *files, const char *name)
{
    char **names = realloc(files->names, (files->count + 1) * sizeof *names);
    if (!names)
        return KPU_E_MEMORY;
    files->names = names;
    names[files->count] = strndup(name, strlen(name) - SUFFIX);
    return names[files->count++] ? KPU_OK : KPU_E_MEMORY;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int kpu_machine_files_list(const char *folder, kpu_machine_files *out, kpu_diag *diag)
{
    *out = (kpu_machine_files){.folder = strdup(folder ? folder : default_folder())};
    DIR *directory = out->folder ? opendir(out->folder) : NULL;
    if (!directory) {
        const kpu_place place = {.file = out->folder};
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "cannot read the folder: %s",
                               strerror(errno));
    }
    int status = KPU_OK;
    const struct dirent *entry;
    while (!status && (entry = readdir(directory)))
        if (has_suffix(entry->d_name))
            status = add_name(out, entry->d_name);
    closedir(directory);
    if (out->count > 0)
        qsort(out->names, out->count, sizeof *out->names, compare);
    return status;
}

void kpu_machine_files_fini(kpu_machine_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->names[i]);
    free(files->names);
    free(files->folder);
    *files = (kpu_machine_files){0};
}

static int complain_unknown(const char *machine, kpu_diag *diag)
{
    kpu_machine_files files;
    int status = kpu_machine_files_list(NULL, &files, diag);
    const char *nearest = NULL;
    if (!status)
        nearest = kpu_nearest_name(machine, (const char *const *)files.names, files.count);
    if (!status && nearest)
        status = kpu_diag_add(diag, KPU_E_INPUT,
                              "there is no machine \"%s\" in %s; did you mean \"%s\"?", machine,
                              files.folder, nearest);
    else if (!status)
        status = kpu_diag_add(diag, KPU_E_INPUT,
                              "there is no machine \"%s\" in %s; see kpu-dse machines", machine,
                              files.folder);
    kpu_machine_files_fini(&files);
    return status;
}

int kpu_machine_files_find(const char *machine, char **path, kpu_diag *diag)
{
    struct stat info;
    *path = NULL;
    if (strchr(machine, '/') || has_suffix(machine)) {
        *path = strdup(machine);
        return *path ? KPU_OK : KPU_E_MEMORY;
    }
    for (size_t i = 0; i < FOLDERS; i++) {
        if (asprintf(path, "%s/%s%s", folders[i], machine, suffix) < 0)
            return KPU_E_MEMORY;
        if (stat(*path, &info) == 0)
            return KPU_OK;
        free(*path);
        *path = NULL;
    }
    return complain_unknown(machine, diag);
}
