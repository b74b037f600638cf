/* Writing a view. */
#include "store/virtual.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/column.h"
#include "store/store.h"

bool kpu_store_is_beside(const char *name)
{
    if (!*name || *name == '/')
        return false;
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/';
        size_t length = strcspn(part, "/");
        if (length == 0 || (length == 2 && strncmp(part, "..", 2) == 0) ||
            (length == 1 && *part == '.'))
            return false;
    }
    return true;
}

/* HDF5 takes %b for the number of a block. malloc'ed. */
static char *escape(const char *name)
{
    char *text = malloc(2 * strlen(name) + 1), *to = text;
    for (; text && *name; name++) {
        *to++ = *name;
        if (*name == '%')
            *to++ = '%';
    }
    if (text)
        *to = '\0';
    return text;
}

/* As many pieces from `at` on as have one length and one distance: a strided selection. */
static size_t regular_run(const kpu_view_part *part, size_t at)
{
    const kpu_view_piece *p = part->pieces + at;
    size_t left = part->piece_count - at, run = 1;
    while (run < left && p[run].count == p[0].count &&
           p[run].first - p[run - 1].first == p[1].first - p[0].first)
        run++;
    return run;
}

size_t kpu_view_part_entries(const kpu_view_part *part)
{
    size_t entries = 0;
    for (size_t i = 0; i < part->piece_count; i += regular_run(part, i))
        entries++;
    return entries;
}

static herr_t select_pieces(hid_t space, const kpu_view_part *part)
{
    herr_t status = 0;
    H5S_seloper_t with = H5S_SELECT_SET;
    for (size_t i = 0; status >= 0 && i < part->piece_count; with = H5S_SELECT_OR) {
        const kpu_view_piece *piece = part->pieces + i;
        size_t run = regular_run(part, i);
        hsize_t start = (hsize_t)piece->first, block = (hsize_t)piece->count, count = run;
        hsize_t stride = run > 1 ? (hsize_t)(piece[1].first - piece->first) : block;
        status = H5Sselect_hyperslab(space, with, &start, &stride, &count, &block);
        i += run;
    }
    return status;
}

/* Where the rows of a part come from, and where they go. */
typedef struct mapping {
    hid_t source, target;
    char *file;
} mapping;

static void free_mappings(mapping *mappings, size_t count)
{
    for (size_t i = 0; mappings && i < count; i++) {
        if (mappings[i].source >= 0)
            H5Sclose(mappings[i].source);
        if (mappings[i].target >= 0)
            H5Sclose(mappings[i].target);
        free(mappings[i].file);
    }
    free(mappings);
}

static bool make_mapping(const kpu_view *view, const kpu_view_part *part, mapping *out)
{
    hsize_t rows = (hsize_t)view->rows, of_part = (hsize_t)part->rows;
    *out = (mapping){.source = H5Screate_simple(1, &of_part, NULL),
                     .target = H5Screate_simple(1, &rows, NULL),
                     .file = escape(part->file)};
    return out->source >= 0 && out->target >= 0 && out->file &&
           select_pieces(out->target, part) >= 0 &&
           H5Sget_select_npoints(out->target) == part->rows;
}

static mapping *make_mappings(const kpu_view *view)
{
    mapping *mappings = calloc(view->part_count + 1, sizeof *mappings);
    for (size_t i = 0; mappings && i < view->part_count; i++)
        mappings[i].source = mappings[i].target = -1;
    for (size_t i = 0; mappings && i < view->part_count; i++)
        if (view->parts[i].rows > 0 && !make_mapping(view, &view->parts[i], &mappings[i])) {
            free_mappings(mappings, view->part_count);
            return NULL;
        }
    return mappings;
}

static herr_t map_column(const kpu_column *column, const mapping *mappings, size_t count,
                         hid_t creation)
{
    char name[2 * KPU_STORE_NAME_MAX + 4];
    herr_t status = H5Pset_layout(creation, H5D_VIRTUAL);
    int length = snprintf(name, sizeof name, "/%s/%s", column->group, column->name);
    if (length < 0 || (size_t)length >= sizeof name || strchr(column->name, '%'))
        return -1;
    for (size_t i = 0; status >= 0 && i < count; i++)
        if (mappings[i].file)
            status = H5Pset_virtual(creation, mappings[i].target, mappings[i].file, name,
                                    mappings[i].source);
    return status;
}

static herr_t write_column(kpu_store *store, const kpu_view *view, const kpu_column *column,
                           const mapping *mappings)
{
    hsize_t rows = (hsize_t)view->rows;
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    hid_t type = kpu_store_column_type(column, 0);
    hid_t space = H5Screate_simple(1, &rows, NULL);
    hid_t group = H5Gopen2(store->file, column->group, H5P_DEFAULT);
    hid_t dataset = -1;
    if (creation >= 0 && type >= 0 && space >= 0 && group >= 0 &&
        (view->rows == 0 || map_column(column, mappings, view->part_count, creation) >= 0))
        dataset = kpu_store_column_create(group, column, type, space, creation);
    if (group >= 0)
        H5Gclose(group);
    H5Sclose(space);
    H5Tclose(type);
    H5Pclose(creation);
    return dataset < 0 ? -1 : H5Dclose(dataset);
}

static int check_view(kpu_store *store, const kpu_view *view, kpu_diag *diag)
{
    kpu_place place = {.file = store->durable.output.path};
    bool known = store->count == 0 && store->base == 0;
    for (size_t i = 0; known && i < view->part_count; i++)
        known = kpu_store_is_beside(view->parts[i].file);
    return known ? KPU_OK
                 : kpu_diag_add_at(diag, KPU_E_INTERNAL, &place, "cannot be made a view of that");
}

int kpu_store_write_view(kpu_store *store, const kpu_view *view, kpu_diag *diag)
{
    if (store->failed)
        return store->failed;
    int code = check_view(store, view, diag);
    if (code != KPU_OK)
        return code;
    mapping *mappings = make_mappings(view);
    if (!mappings)
        return kpu_store_fail(store, KPU_E_MEMORY, "out of memory", diag);
    for (size_t i = 0; code == KPU_OK && i < view->column_count; i++)
        code = view->stop && *view->stop
                   ? KPU_E_INTERRUPTED
                   : kpu_store_check(store, write_column(store, view, &view->columns[i], mappings),
                                     "cannot write the view", diag);
    free_mappings(mappings, view->part_count);
    store->base = view->rows;
    return code;
}
