#include "store/column.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/guard.h"

static const char *const sense_names[] = {"none", "min", "max"};

/* ---- Copies ----------------------------------------------------------------------------- */

static char *copy_or_empty(const char *text, bool *ok)
{
    char *copy = strdup(text ? text : "");
    *ok = *ok && copy;
    return copy;
}

bool kpu_store_column_copy(const kpu_column *column, kpu_column *out)
{
    bool ok = true;
    *out = *column;
    out->group = copy_or_empty(column->group, &ok);
    out->name = copy_or_empty(column->name, &ok);
    out->unit = copy_or_empty(column->unit, &ok);
    out->description = copy_or_empty(column->description, &ok);
    size_t count = column->type == KPU_COLUMN_ENUM ? column->word_count : 0;
    char **words = count ? calloc(count, sizeof *words) : NULL;
    ok = ok && (words || !count);
    for (size_t i = 0; ok && i < count; i++)
        words[i] = copy_or_empty(column->words[i], &ok);
    out->words = (const char *const *)words;
    out->word_count = words ? count : 0;
    if (!ok)
        kpu_store_column_fini(out);
    return ok;
}

void kpu_store_column_fini(kpu_column *column)
{
    free((char *)column->group);
    free((char *)column->name);
    free((char *)column->unit);
    free((char *)column->description);
    for (size_t i = 0; i < column->word_count; i++)
        free((char *)column->words[i]);
    free((void *)column->words);
    *column = (kpu_column){0};
}

/* ---- Types ------------------------------------------------------------------------------ */

static hid_t string_type(size_t bytes)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (H5Tset_size(type, bytes ? bytes : 1) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0 ||
        H5Tset_strpad(type, H5T_STR_NULLPAD) < 0) {
        H5Tclose(type);
        return -1;
    }
    return type;
}

static hid_t enum_type(const kpu_column *column)
{
    hid_t type = H5Tenum_create(H5T_STD_I8LE);
    for (size_t i = 0; type >= 0 && i < column->word_count; i++) {
        signed char value = (signed char)i;
        if (H5Tenum_insert(type, column->words[i], &value) < 0) {
            H5Tclose(type);
            type = -1;
        }
    }
    return type;
}

hid_t kpu_store_column_type(const kpu_column *column, size_t string_bytes)
{
    switch (column->type) {
    case KPU_COLUMN_INT64: return H5Tcopy(H5T_NATIVE_INT64);
    case KPU_COLUMN_DOUBLE: return H5Tcopy(H5T_NATIVE_DOUBLE);
    case KPU_COLUMN_ENUM: return enum_type(column);
    case KPU_COLUMN_STRING: return string_type(string_bytes);
    }
    return -1;
}

/* ---- Attributes ------------------------------------------------------------------------- */

/* The attribute, if it is there and of this type; it goes if it is of another. */
static hid_t open_again(hid_t object, const char *name, hid_t type)
{
    hid_t attribute = H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT) : -1;
    if (attribute < 0)
        return -1;
    hid_t own = H5Aget_type(attribute);
    bool same = H5Tequal(own, type) > 0;
    H5Tclose(own);
    if (same)
        return attribute;
    H5Aclose(attribute);
    H5Adelete(object, name);
    return -1;
}

static herr_t put_attribute(hid_t object, const char *name, hid_t type, const void *value)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = open_again(object, name, type);
    if (attribute < 0)
        attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    herr_t status = attribute < 0 ? -1 : H5Awrite(attribute, type, value);
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Sclose(space);
    return status;
}

herr_t kpu_store_put_text(hid_t object, const char *name, const char *text)
{
    hid_t type = string_type(strlen(text));
    if (type < 0)
        return -1;
    herr_t status = put_attribute(object, name, type, text);
    H5Tclose(type);
    return status;
}

herr_t kpu_store_put_int(hid_t object, const char *name, int64_t value)
{
    return put_attribute(object, name, H5T_NATIVE_INT64, &value);
}

hid_t kpu_store_column_create(hid_t group, const kpu_column *column, hid_t type, hid_t space,
                              hid_t creation)
{
    hid_t dataset =
        H5Dcreate2(group, column->name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (dataset < 0)
        return -1;
    if (kpu_store_put_text(dataset, "unit", column->unit ? column->unit : "") < 0 ||
        kpu_store_put_text(dataset, "description", column->description ? column->description : "") <
            0 ||
        kpu_store_put_text(dataset, "sense", sense_names[column->sense]) < 0) {
        H5Dclose(dataset);
        return -1;
    }
    return dataset;
}

/* Fixed-length strings (ours) and variable-length ones (h5py's), from an attribute or a dataset:
 * `read` is H5Aread, or H5Dread of everything. */
static char *read_string(hid_t object, hid_t type, hid_t space,
                         herr_t (*read)(hid_t, hid_t, void *))
{
    if (H5Tget_class(type) != H5T_STRING || H5Sget_simple_extent_npoints(space) != 1)
        return NULL;
    if (H5Tis_variable_str(type) > 0) {
        hid_t memory = H5Tcopy(H5T_C_S1);
        char *text = NULL, *copy = NULL;
        H5Tset_size(memory, H5T_VARIABLE);
        H5Tset_cset(memory, H5Tget_cset(type));
        if (read(object, memory, &text) >= 0 && text) {
            copy = strdup(text);
            H5Dvlen_reclaim(memory, space, H5P_DEFAULT, &text);
        }
        H5Tclose(memory);
        return copy;
    }
    size_t bytes = H5Tget_size(type);
    if (bytes > KPU_STORE_TEXT_MAX)
        return NULL;
    char *text = calloc(bytes + 1, 1);
    if (text && read(object, type, text) < 0) {
        free(text);
        return NULL;
    }
    return text;
}

static herr_t read_dataset(hid_t dataset, hid_t type, void *out)
{
    return H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out);
}

char *kpu_store_get_text(hid_t object, const char *name)
{
    hid_t attribute = H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT) : -1;
    if (attribute < 0)
        return NULL;
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    char *text = type >= 0 && space >= 0 ? read_string(attribute, type, space, H5Aread) : NULL;
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    H5Aclose(attribute);
    return text;
}

char *kpu_store_read_text(hid_t dataset)
{
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    char *text = type >= 0 && space >= 0 ? read_string(dataset, type, space, read_dataset) : NULL;
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    return text;
}

bool kpu_store_get_int(hid_t object, const char *name, int64_t *out)
{
    hid_t attribute = H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT) : -1;
    if (attribute < 0)
        return false;
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    bool ok = type >= 0 && space >= 0 && H5Tget_class(type) == H5T_INTEGER &&
              kpu_guard_number(type) && H5Sget_simple_extent_npoints(space) == 1 &&
              H5Aread(attribute, H5T_NATIVE_INT64, out) >= 0;
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    H5Aclose(attribute);
    return ok;
}

/* ---- A column of a file ----------------------------------------------------------------- */

/* Our enumerations number their words 0, 1, 2, ...: then a value is an index. */
static int load_words(hid_t type, kpu_column *column, const char **why)
{
    int count = H5Tget_nmembers(type);
    hid_t base = H5Tget_super(type);
    size_t base_bytes = base >= 0 && kpu_guard_number(base) ? H5Tget_size(base) : 0;
    if (base >= 0)
        H5Tclose(base);
    *why = "is an enumeration whose values are not the signed bytes 0, 1, 2, ...";
    if (base_bytes != 1 || count < 1 || count > KPU_STORE_WORDS_MAX)
        return KPU_E_INPUT;
    char **words = calloc((size_t)count, sizeof *words);
    if (!words)
        return KPU_E_MEMORY;
    column->words = (const char *const *)words;
    column->word_count = (size_t)count;
    for (int i = 0; i < count; i++) {
        signed char value = -1;
        char *word = H5Tget_member_name(type, (unsigned)i);
        bool good = word && strlen(word) <= KPU_STORE_NAME_MAX &&
                    H5Tget_member_value(type, (unsigned)i, &value) >= 0 && value >= 0 &&
                    value < count && !words[value];
        if (good)
            words[value] = strdup(word);
        H5free_memory(word);
        if (!good)
            return KPU_E_INPUT;
        if (!words[value])
            return KPU_E_MEMORY;
    }
    return KPU_OK;
}

static int load_type(hid_t type, kpu_column *column, const char **why)
{
    size_t bytes = H5Tget_size(type);
    *why = "holds neither 64-bit numbers nor an enumeration nor strings";
    switch (H5Tget_class(type)) {
    case H5T_INTEGER:
        column->type = KPU_COLUMN_INT64;
        return kpu_guard_number(type) && (bytes < 8 || H5Tget_sign(type) == H5T_SGN_2)
                   ? KPU_OK
                   : KPU_E_INPUT;
    case H5T_FLOAT:
        column->type = KPU_COLUMN_DOUBLE;
        return kpu_guard_number(type) ? KPU_OK : KPU_E_INPUT;
    case H5T_STRING:
        column->type = KPU_COLUMN_STRING;
        return H5Tis_variable_str(type) > 0 || bytes <= KPU_STORE_TEXT_MAX ? KPU_OK : KPU_E_INPUT;
    case H5T_ENUM: column->type = KPU_COLUMN_ENUM; return load_words(type, column, why);
    default: return KPU_E_INPUT;
    }
}

static const char *get_text_or_empty(hid_t dataset, const char *name)
{
    char *text = kpu_store_get_text(dataset, name);
    return text ? text : strdup("");
}

static kpu_metric_sense load_sense(hid_t dataset)
{
    char *text = kpu_store_get_text(dataset, "sense");
    kpu_metric_sense sense = KPU_SENSE_NONE;
    if (text && strcmp(text, sense_names[KPU_SENSE_MIN]) == 0)
        sense = KPU_SENSE_MIN;
    if (text && strcmp(text, sense_names[KPU_SENSE_MAX]) == 0)
        sense = KPU_SENSE_MAX;
    free(text);
    return sense;
}

int kpu_store_column_load(hid_t dataset, const char *group, const char *name, kpu_column *column,
                          const char **why)
{
    *column = (kpu_column){0};
    hid_t type = H5Dget_type(dataset);
    *why = "has a damaged type";
    int code = type < 0 ? KPU_E_INPUT : load_type(type, column, why);
    if (type >= 0)
        H5Tclose(type);
    if (code == KPU_OK) {
        column->group = strdup(group);
        column->name = strdup(name);
        column->unit = get_text_or_empty(dataset, "unit");
        column->description = get_text_or_empty(dataset, "description");
        column->sense = load_sense(dataset);
        if (!column->group || !column->name || !column->unit || !column->description)
            code = KPU_E_MEMORY;
    }
    if (code != KPU_OK)
        kpu_store_column_fini(column);
    return code;
}

herr_t kpu_store_bound_metadata(hid_t access, size_t columns)
{
    /* A column: its header, and a path of nodes to a chunk. */
    const size_t file_bytes = 1 << 20, column_bytes = 12 << 10, most_bytes = 32 << 20;
    H5AC_cache_config_t config = {.version = H5AC__CURR_CACHE_CONFIG_VERSION};
    if (H5Pget_mdc_config(access, &config) < 0)
        return -1;
    size_t bytes = file_bytes + column_bytes * columns;
    config.set_initial_size = 1;
    config.initial_size = config.max_size = config.min_size =
        bytes < most_bytes ? bytes : most_bytes;
    config.incr_mode = H5C_incr__off;
    config.flash_incr_mode = H5C_flash_incr__off;
    config.decr_mode = H5C_decr__off;
    return H5Pset_mdc_config(access, &config);
}

/* ---- Complaints ------------------------------------------------------------------------- */

/* The innermost record of the stack says what happened; the others only who called. */
static herr_t keep_innermost(unsigned n, const H5E_error2_t *record, void *context)
{
    char *text = context;
    if (n == 0 && record->desc)
        snprintf(text, KPU_STORE_NAME_MAX, "%s", record->desc);
    return 0;
}

int kpu_store_complain_hdf5(const char *path, int code, const char *what, kpu_diag *diag)
{
    char text[KPU_STORE_NAME_MAX + 1] = "";
    kpu_place place = {.file = path};
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, text);
    return text[0] ? kpu_diag_add_at(diag, code, &place, "%s: HDF5: %s", what, text)
                   : kpu_diag_add_at(diag, code, &place, "%s", what);
}

void kpu_store_silence_hdf5(void)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}
