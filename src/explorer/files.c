/* Files that a sweep names, and the text that is kept of them. */
#include "explorer/space.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Folder of the sweep with its slash, "" for the current one. malloc. */
static char *folder_of(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("");
}

static bool try_file(char **out, const char *folder, const char *between, const char *name)
{
    if (asprintf(out, "%s%s%s", folder, between, name) < 0) {
        *out = NULL;
        return false;
    }
    if (access(*out, F_OK) == 0)
        return true;
    free(*out);
    *out = NULL;
    return false;
}

/* Relative to the sweep's folder, to its parent, or to the current folder. */
static int find_file(const kpu_ini *sweep, const char *name, const kpu_place *place, char **out,
                     kpu_diag *diag)
{
    char *folder = name[0] == '/' ? strdup("") : folder_of(sweep->path);
    *out = NULL;
    if (!folder)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    bool found =
        try_file(out, folder, "", name) ||
        (name[0] != '/' && (try_file(out, folder, "../", name) || try_file(out, "", "", name)));
    int code = KPU_OK;
    if (!found && name[0] == '/')
        code = kpu_diag_add_at(diag, KPU_E_INPUT, place, "no file '%s'", name);
    else if (!found) {
        code = kpu_diag_add_at(diag, KPU_E_INPUT, place,
                               "no file '%s' in '%s', its parent folder or the current folder",
                               name, folder[0] ? folder : "./");
    }
    free(folder);
    return code;
}

/* The next of the files that are kept; its name must end as the sweep names it. */
static int take_kept_file(kpu_space *space, const char *name, const kpu_place *place,
                          kpu_space_text *out, kpu_diag *diag)
{
    if (space->kept_used == space->kept_count)
        return kpu_diag_add_at(diag, KPU_E_INPUT, place, "no text of '%s' is kept with the sweep",
                               name);
    const kpu_space_file *file = &space->kept[space->kept_used++];
    size_t length = strlen(name), whole = strlen(file->name);
    if (length > whole || strcmp(file->name + whole - length, name) != 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, place,
                               "'%s' is kept with the sweep where '%s' is expected", file->name,
                               name);
    *out = (kpu_space_text){strdup(file->name), strdup(file->text), strlen(file->text)};
    return out->path && out->text ? KPU_OK : kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
}

int kpu_space_read_file(kpu_space *space, const kpu_ini *sweep, const char *name,
                        const kpu_place *place, kpu_space_text *out, kpu_diag *diag)
{
    *out = (kpu_space_text){0};
    if (space->kept)
        return take_kept_file(space, name, place, out, diag);
    int code = find_file(sweep, name, place, &out->path, diag);
    return code == KPU_OK ? kpu_text_read(out->path, &out->text, &out->bytes, diag) : code;
}

void kpu_space_text_fini(kpu_space_text *text)
{
    free(text->path);
    free(text->text);
    *text = (kpu_space_text){0};
}

/* ---- Where the results go ---------------------------------------------------------------- */

/* The folder of a file, with all links resolved, or of it as much as is there. malloc; NULL: out of
 * memory, or not even the current folder can be found. */
static char *resolve_folder(const char *path)
{
    char *folder = strdup(path), *real = NULL;
    while (folder && !real) {
        char *slash = strrchr(folder, '/');
        if (!slash) { /* the current folder */
            real = realpath(".", NULL);
            break;
        }
        *slash = '\0';
        real = realpath(folder, NULL);
    }
    free(folder);
    return real;
}

/* Whether a file of that name, relative to the current folder, lies below it. */
static bool is_below(const char *path)
{
    char *folder = resolve_folder(path), *current = realpath(".", NULL);
    size_t length = current ? strlen(current) : 0;
    bool below = folder && current && strncmp(folder, current, length) == 0 &&
                 (folder[length] == '\0' || folder[length] == '/' || length == 1);
    free(folder);
    free(current);
    return below;
}

/* A sweep may come from anybody: what it writes by itself stays below the current folder. Who says
 * the name on the command line means it. */
int kpu_space_check_output(const kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    const kpu_setting *setting = kpu_ini_find(sweep, "sweep", "output");
    if (!setting || setting->place.line == 0 || space->kept)
        return KPU_OK;
    const char *why = setting->value[0] == '/' ? "is an absolute path" : NULL;
    for (const char *part = setting->value; part && !why; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            why = "leaves the current folder";
    }
    if (!why && !is_below(setting->value))
        why = "leaves the current folder by a symbolic link";
    if (!why)
        return KPU_OK;
    return kpu_diag_add_at(diag, KPU_E_INPUT, &setting->place,
                           "sweep.output: '%s' %s; a sweep names a file below the current folder, "
                           "and only --set sweep.output=FILE another place",
                           setting->value, why);
}

/* ---- What is kept of the files ------------------------------------------------------------ */

int kpu_space_add_source(kpu_space *space, const char *name, const char *text, kpu_diag *diag)
{
    size_t bytes = strlen(text);
    if (bytes > KPU_SPACE_FILES_MAX - space->source_bytes)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &(kpu_place){.file = name},
                               "with this file, those that the sweep names have more than %d MiB",
                               KPU_SPACE_FILES_MAX >> 20);
    space->source_bytes += bytes;
    kpu_source *sources = realloc(space->sources, (space->source_count + 1) * sizeof *sources);
    if (!sources)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    space->sources = sources;
    kpu_source *source = &sources[space->source_count++];
    *source = (kpu_source){strdup(name), strdup(text)};
    return source->name && source->text ? KPU_OK
                                        : kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
}

size_t kpu_space_source_count(const kpu_space *space)
{
    return space->source_count;
}

const char *kpu_space_source_name(const kpu_space *space, size_t n)
{
    return space->sources[n].name;
}

const char *kpu_space_source_text(const kpu_space *space, size_t n)
{
    return space->sources[n].text;
}
