/* What stands beside the rows of a results file, taken over by another one: tables, texts,
 * attributes. Byte for byte; but the file may come from anywhere, so only what looks like ours. */
#include <stdlib.h>
#include <string.h>

#include "store/column.h"
#include "store/read.h"
#include "store/store.h"

enum { DEPTH_MAX = 8 };

static const char *const own_attributes[] = {"format", "format_version", "library_version", "rows",
                                             "complete"};

typedef struct copying {
    kpu_store *store;
    kpu_results *from;
    const char *const *without;
    const char *group; /* for complaints */
    hid_t to;          /* where the group's copy is */
    int depth;
    int code;
    kpu_diag *diag;
} copying;

static bool is_listed(const char *const *names, const char *name)
{
    for (; *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

static herr_t refuse(copying *c, const char *name, const char *why)
{
    kpu_place place = {.file = c->from->path};
    c->code = kpu_diag_add_at(c->diag, KPU_E_INPUT, &place, "'%s/%s' %s", c->group, name, why);
    return -1;
}

/* Numbers, words or strings of a length, none too many. */
static bool is_plain(hid_t dataset)
{
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    bool plain = false;
    if (type >= 0 && space >= 0) {
        H5T_class_t class = H5Tget_class(type);
        hssize_t cells = H5Sget_simple_extent_npoints(space);
        size_t bytes = H5Tget_size(type);
        bool known = class == H5T_INTEGER || class == H5T_FLOAT || class == H5T_ENUM ||
                     (class == H5T_STRING && H5Tis_variable_str(type) == 0);
        plain = known && cells >= 0 && bytes > 0 && bytes <= KPU_STORE_TEXT_MAX &&
                (size_t)cells <= (size_t)KPU_STORE_TEXT_MAX / bytes * 16;
    }
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    return plain;
}

static herr_t copy_dataset(copying *c, hid_t group, const char *name, int rank)
{
    const char *why = NULL;
    int64_t length = 0;
    hid_t dataset = kpu_store_open_dataset(group, name, rank, &length, &why);
    if (dataset < 0)
        return refuse(c, name, why);
    bool plain = is_plain(dataset);
    H5Dclose(dataset);
    if (!plain)
        return refuse(c, name, "is no table or text of ours");
    if (H5Ocopy(group, name, c->to, name, H5P_DEFAULT, H5P_DEFAULT) >= 0)
        return 0;
    if (!c->store->durable.blocks.error) /* it is not for the disk */
        return refuse(c, name, "is damaged");
    c->code = kpu_store_check(c->store, -1, "cannot copy a table of the results", c->diag);
    return -1;
}

static herr_t copy_cells(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    (void)info;
    return copy_dataset(context, group, name, 1);
}

static herr_t copy_text(hid_t group, const char *name, const H5L_info_t *info, void *context);

static herr_t copy_folder(copying *c, hid_t group, const char *name)
{
    copying inner = *c;
    inner.depth++;
    if (inner.depth > DEPTH_MAX)
        return refuse(c, name, "is nested too deep");
    inner.group = name;
    inner.to = H5Gcreate2(c->to, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    hid_t from = H5Gopen2(group, name, H5P_DEFAULT);
    herr_t status = inner.to < 0 || from < 0
                        ? refuse(c, name, "is damaged")
                        : H5Literate(from, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_text, &inner);
    if (inner.code != KPU_OK)
        c->code = inner.code;
    if (from >= 0)
        H5Gclose(from);
    if (inner.to >= 0)
        H5Gclose(inner.to);
    return status;
}

static herr_t copy_text(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
    copying *c = context;
    H5O_info_t object;
    if (c->depth == 0 && is_listed(c->without, name))
        return 0;
    if (info->type != H5L_TYPE_HARD ||
        H5Oget_info_by_name2(group, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
        return refuse(c, name, "is no text");
    return object.type == H5O_TYPE_GROUP ? copy_folder(c, group, name)
                                         : copy_dataset(c, group, name, 0);
}

static int copy_group(copying *c, const char *name, H5L_iterate_t copy)
{
    kpu_place place = {.file = c->from->path};
    hid_t from = kpu_store_open_group(c->from->file, name);
    if (from < 0)
        return kpu_diag_add_at(c->diag, KPU_E_INPUT, &place, "has no group '%s'", name);
    c->group = name;
    c->code = KPU_OK;
    c->to = H5Gopen2(c->store->file, name, H5P_DEFAULT);
    herr_t status =
        c->to < 0 ? -1 : H5Literate(from, kpu_store_group_order(from), H5_ITER_INC, NULL, copy, c);
    if (c->to >= 0)
        H5Gclose(c->to);
    H5Gclose(from);
    if (c->code == KPU_OK && status < 0)
        return kpu_diag_add_at(c->diag, KPU_E_INPUT, &place, "group '%s' is damaged", name);
    return c->code;
}

static herr_t copy_attribute(hid_t file, const char *name, const H5A_info_t *info, void *context)
{
    copying *c = context;
    (void)info;
    for (size_t i = 0; i < sizeof own_attributes / sizeof *own_attributes; i++)
        if (strcmp(name, own_attributes[i]) == 0)
            return 0;
    if (is_listed(c->without, name))
        return 0;
    char *text = kpu_store_get_text(file, name);
    if (text)
        c->code = kpu_store_write_attribute(c->store, name, text, c->diag);
    free(text);
    return c->code == KPU_OK ? 0 : -1;
}

int kpu_store_copy_frame(kpu_store *store, kpu_results *from, const char *const *without,
                         kpu_diag *diag)
{
    if (store->failed)
        return store->failed;
    kpu_place place = {.file = from->path};
    copying c = {.store = store, .from = from, .without = without, .diag = diag};
    int code = copy_group(&c, "workloads", copy_cells);
    if (code == KPU_OK)
        code = copy_group(&c, "machines", copy_cells);
    if (code == KPU_OK)
        code = copy_group(&c, "provenance", copy_text);
    if (code != KPU_OK)
        return code;
    herr_t status = H5Aiterate2(from->file, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_attribute, &c);
    if (c.code == KPU_OK && status < 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "its attributes are damaged");
    return c.code;
}
