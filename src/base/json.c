#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PATH_MAX_BYTES = 256, MESSAGE_MAX_BYTES = 512 };

/* Jansson's words, but for those that name its flags. */
static const char *fault_text(const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);
    if (code == json_error_null_character || code == json_error_null_byte_in_key)
        return "\\u0000 in a string; no string may hold that character";
    return error->text;
}

int json_node_parse(const char *file, const char *text, size_t bytes, json_node *root,
                    kpu_diag *diag)
{
    json_error_t error;
    *root = (json_node){.file = file, .diag = diag};
    json_t *value = json_loadb(text, bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!value) {
        const kpu_place place = {
            .file = file,
            .line = error.line > 0 ? error.line : 0,
            .column = error.line > 0 && error.column > 0 ? error.column : 0,
        };
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "no JSON: %s", fault_text(&error));
    }
    root->value = value;
    return KPU_OK;
}

void json_node_free(json_node *root)
{
    json_decref((json_t *)(uintptr_t)root->value); /* what is ours came from json_loadb */
    root->value = NULL;
}

/* The path of a node, cut off at the front if it is too long. */
static size_t put_path(const json_node *node, char *path, size_t size)
{
    if (!node->parent)
        return 0;
    size_t at = put_path(node->parent, path, size);
    int length = node->key ? snprintf(path + at, size - at, "%s%s", at ? "." : "", node->key)
                           : snprintf(path + at, size - at, "[%zu]", node->index);
    size_t end = at + (size_t)(length > 0 ? length : 0);
    return end < size ? end : size - 1;
}

int json_node_complain(const json_node *node, const char *format, ...)
{
    char path[PATH_MAX_BYTES] = "", message[MESSAGE_MAX_BYTES];
    put_path(node, path, sizeof path);
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    const kpu_place place = {.file = node->file};
    return kpu_diag_add_at(node->diag, KPU_E_INPUT, &place, "%s%s%s", path, *path ? ": " : "",
                           message);
}

const char *json_node_type_text(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER: return "an integer";
    case JSON_REAL: return "a real number";
    case JSON_TRUE:
    case JSON_FALSE: return "a boolean";
    case JSON_NULL: break;
    }
    return "null";
}

static int complain_type(const json_node *node, const char *expected)
{
    return json_node_complain(node, "expected %s, got %s", expected,
                              json_node_type_text(node->value));
}

bool json_node_find(const json_node *object, const char *key, json_node *out)
{
    const json_t *value = json_object_get(object->value, key);
    *out = (json_node){
        .value = value, .parent = object, .key = key, .file = object->file, .diag = object->diag};
    return value != NULL;
}

int json_node_member(const json_node *object, const char *key, json_node *out)
{
    if (json_node_find(object, key, out))
        return KPU_OK;
    if (!json_is_object(object->value))
        return complain_type(object, "an object");
    return json_node_complain(object, "\"%s\" is missing", key);
}

void json_node_item(const json_node *array, size_t index, json_node *out)
{
    *out = (json_node){.value = json_array_get(array->value, index),
                       .parent = array,
                       .index = index,
                       .file = array->file,
                       .diag = array->diag};
}

int json_node_check_keys(const json_node *object, const char *const *names, size_t count)
{
    int status = json_node_object(object);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object->value, key, value)
    {
        size_t i = 0;
        while (i < count && strcmp(names[i], key) != 0)
            i++;
        if (i < count)
            continue;
        const char *nearest = kpu_nearest_name(key, names, count);
        status = json_node_complain(object, "unknown key \"%.64s\"%s%s%s", key,
                                    nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                                    nearest ? "\"?" : "");
    }
    return status;
}

int json_node_object(const json_node *node)
{
    return json_is_object(node->value) ? KPU_OK : complain_type(node, "an object");
}

int json_node_array(const json_node *node, size_t max_items, size_t *items)
{
    *items = 0;
    if (!json_is_array(node->value))
        return complain_type(node, "an array");
    size_t size = json_array_size(node->value);
    if (size > max_items)
        return json_node_complain(node, "%zu elements; at most %zu are allowed", size, max_items);
    *items = size;
    return KPU_OK;
}

int json_node_string(const json_node *node, const char **out)
{
    if (!json_is_string(node->value))
        return complain_type(node, "a string");
    const char *string = json_string_value(node->value);
    if (strlen(string) != json_string_length(node->value))
        return json_node_complain(node, "a string with a NUL in it");
    *out = string;
    return KPU_OK;
}

int json_node_int(const json_node *node, int64_t min, int64_t max, int64_t *out)
{
    if (!json_is_integer(node->value))
        return complain_type(node, "an integer");
    int64_t value = json_integer_value(node->value);
    if (value < min || value > max)
        return json_node_complain(node, "expected an integer from %lld to %lld, got %lld",
                                  (long long)min, (long long)max, (long long)value);
    *out = value;
    return KPU_OK;
}

int json_node_real(const json_node *node, double *out)
{
    if (!json_is_number(node->value))
        return complain_type(node, "a number");
    *out = json_number_value(node->value);
    return KPU_OK;
}

int json_node_bool(const json_node *node, bool *out)
{
    if (!json_is_boolean(node->value))
        return complain_type(node, "true or false");
    *out = json_is_true(node->value);
    return KPU_OK;
}

int json_node_word(const json_node *node, const char *const *names, size_t count, size_t *out)
{
    const char *word;
    int status = json_node_string(node, &word);
    if (status)
        return status;
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], word) == 0) {
            *out = i;
            return KPU_OK;
        }
    const char *nearest = kpu_nearest_name(word, names, count);
    return json_node_complain(node, "unknown word \"%.64s\"; %s \"%s\"", word,
                              nearest ? "did you mean" : "expected one like",
                              nearest ? nearest : names[0]);
}
