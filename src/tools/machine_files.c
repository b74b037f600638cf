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
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "cannot read the folder: %s%s",
                               strerror(errno),
                               folder || !out->folder || strcmp(out->folder, folders[0]) == 0
                                   ? ""
                                   : "; nor is there a folder configs here");
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

/* Complains with the name of a machine of the folder that is near; false: there is none. */
static bool complain_nearest(const char *machine, const char *folder, kpu_diag *diag)
{
    kpu_machine_files files;
    const char *nearest = NULL;
    if (kpu_machine_files_list(folder, &files, NULL) == KPU_OK)
        nearest = kpu_nearest_name(machine, (const char *const *)files.names, files.count);
    if (nearest)
        kpu_diag_add(diag, KPU_E_INPUT, "there is no machine \"%s\" in %s; did you mean \"%s\"?",
                     machine, folder, nearest);
    kpu_machine_files_fini(&files);
    return nearest != NULL;
}

static int complain_unknown(const char *machine, kpu_diag *diag)
{
    for (size_t i = 0; i < FOLDERS; i++)
        if (complain_nearest(machine, folders[i], diag))
            return KPU_E_INPUT;
    return kpu_diag_add(diag, KPU_E_INPUT,
                        "there is no machine \"%s\" in the folders %s and %s; --machine also takes "
                        "the path of a machine file",
                        machine, folders[0], folders[1]);
}

int kpu_machine_files_find(const char *machine, char **path, kpu_diag *diag)
{
    struct stat info;
    *path = NULL;
    if (strchr(machine, '/') || has_suffix(machine) || machine[strspn(machine, ".")] == '\0') {
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
