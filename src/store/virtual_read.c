/* Whether a view that is read is one of ours: HDF5 would open any file that it names, show zeros
 * where one is missing, and follow a view of itself for ever. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/column.h"
#include "store/virtual.h"

enum { PARTS_MAX = 65536 };

static int complain(const kpu_results *results, const char *text, kpu_diag *diag)
{
    kpu_place place = {.file = results->path};
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "%s", text);
}

/* A name that the property list has, %% turned back; malloc'ed, NULL if it is none that we give. */
static char *get_name(hid_t creation, size_t part, ssize_t (*get)(hid_t, size_t, char *, size_t))
{
    ssize_t length = get(creation, part, NULL, 0);
    if (length <= 0 || length > KPU_STORE_TEXT_MAX)
        return NULL;
    char *name = malloc((size_t)length + 1);
    if (!name || get(creation, part, name, (size_t)length + 1) != length) {
        free(name);
        return NULL;
    }
    char *to = name;
    for (const char *from = name; *from; from++) {
        if (from[0] == '%' && *++from != '%') {
            free(name);
            return NULL;
        }
        *to++ = *from;
    }
    *to = '\0';
    return name;
}

/* "FOLDER/name" beside the view; malloc'ed. */
static char *beside(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    char *text = NULL;
    int length = slash ? (int)(slash - path) + 1 : 0;
    return asprintf(&text, "%.*s%s", length, path, name) < 0 ? NULL : text;
}

/* Rows of a part, all of which are in the view; -1: it does not say. */
static int64_t mapped_rows(hid_t creation, size_t part)
{
    hid_t space = H5Pget_virtual_vspace(creation, part);
    hssize_t rows = space >= 0 ? H5Sget_select_npoints(space) : -1;
    if (space >= 0)
        H5Sclose(space);
    return (int64_t)rows;
}

/* What is checked: the list of parts of each column, which HDF5 copies whenever it is asked for. */
typedef struct checking {
    const kpu_results *results;
    hid_t *creation; /* of each column */
    size_t count;    /* columns whose list is here */
    size_t parts;
} checking;

/* The part `part` of one column: in the file of that name, which is open. */
static const char *check_source(const checking *check, size_t column, size_t part,
                                const char *file_name, hid_t file)
{
    const kpu_column *c = &check->results->columns[column];
    hid_t creation = check->creation[column];
    char *name = get_name(creation, part, H5Pget_virtual_filename);
    char *source = get_name(creation, part, H5Pget_virtual_dsetname);
    char *expected = NULL;
    const char *why = NULL, *unused = NULL;
    int64_t length = -1;
    if (asprintf(&expected, "/%s/%s", c->group, c->name) < 0)
        expected = NULL;
    if (!name || !source || !expected || strcmp(name, file_name) != 0 ||
        strcmp(source, expected) != 0)
        why = "is no view that kpu-dse merge --virtual makes";
    hid_t group = why ? -1 : kpu_store_open_group(file, c->group);
    hid_t dataset = group < 0 ? -1 : kpu_store_open_dataset(group, c->name, 1, &length, &unused);
    if (!why && (dataset < 0 || length != mapped_rows(creation, part)))
        why = "has not as many rows as when the view was made";
    if (dataset >= 0)
        H5Dclose(dataset);
    if (group >= 0)
        H5Gclose(group);
    free(name);
    free(source);
    free(expected);
    return why;
}

static int check_columns(const checking *check, size_t part, const char *name, hid_t file,
                         kpu_diag *diag)
{
    const kpu_results *results = check->results;
    kpu_place place = {.file = results->path};
    for (size_t c = 0; c < results->count; c++) {
        const char *why = check_source(check, c, part, name, file);
        if (why)
            return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "column '%s/%s' of its part %s %s",
                                   results->columns[c].group, results->columns[c].name, name, why);
    }
    return KPU_OK;
}

static int check_part(const checking *check, size_t part, const char *name, kpu_diag *diag)
{
    kpu_place place = {.file = check->results->path};
    struct stat st;
    char *path = beside(place.file, name);
    if (!path)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    bool is_file = stat(path, &st) == 0 && S_ISREG(st.st_mode);
    hid_t file = is_file ? H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT) : -1;
    int code = file < 0 ? kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                                          "is a view of parts, and its part %s is %s", path,
                                          is_file ? "damaged or no HDF5" : "missing")
                        : check_columns(check, part, name, file, diag);
    if (file >= 0)
        H5Fclose(file);
    free(path);
    return code;
}

/* Every column is spread over as many parts. */
static bool list_parts(checking *check)
{
    const kpu_results *results = check->results;
    bool same = results->count > 0;
    for (; same && check->count < results->count; check->count++) {
        size_t parts = 0;
        hid_t creation = H5Dget_create_plist(results->datasets[check->count]);
        check->creation[check->count] = creation;
        same = creation >= 0 && H5Pget_layout(creation) == H5D_VIRTUAL &&
               H5Pget_virtual_count(creation, &parts) >= 0 && parts <= PARTS_MAX &&
               (check->count == 0 || parts == check->parts);
        check->parts = parts;
    }
    return same;
}

int kpu_store_check_view(kpu_results *results, kpu_diag *diag)
{
    static const char *const not_ours = "has its data in other files, but is no view that kpu-dse "
                                        "merge --virtual makes";
    checking check = {.results = results,
                      .creation = calloc(results->count + 1, sizeof *check.creation)};
    if (!check.creation)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    int code = list_parts(&check) ? KPU_OK : complain(results, not_ours, diag);
    for (size_t p = 0; code == KPU_OK && p < check.parts; p++) {
        char *name = get_name(check.creation[0], p, H5Pget_virtual_filename);
        code = name && kpu_store_is_beside(name) ? check_part(&check, p, name, diag)
                                                 : complain(results, not_ours, diag);
        free(name);
    }
    for (size_t c = 0; c < check.count; c++)
        if (check.creation[c] >= 0)
            H5Pclose(check.creation[c]);
    free(check.creation);
    return code;
}
