/* Private to the library: checked access to JSON that came from outside. A complaint names the
 * file and the path of the value ("operators[3].inputs[0]"), what was expected and what was got.
 * Only this header includes <jansson.h>. */
#ifndef KPU_SRC_BASE_JSON_H
#define KPU_SRC_BASE_JSON_H

#include <jansson.h>

#include "kpu/base.h"

/* A value and the way to it: nodes live on the stack of whoever walks, parents outlive children. */
typedef struct json_node {
    const json_t *value;
    const struct json_node *parent; /* NULL: the root */
    const char *key;                /* in an object; NULL: an element of an array */
    size_t index;
    const char *file;
    kpu_diag *diag;
} json_node;

/* Parses text (which may hold NULs: a complaint). Objects with a key twice are refused. On KPU_OK
 * root->value belongs to the caller, who releases it with json_node_free. KPU_E_INPUT with line
 * and column. `file` is borrowed as long as the nodes live. */
int json_node_parse(const char *file, const char *text, size_t bytes, json_node *root,
                    kpu_diag *diag);
void json_node_free(json_node *root); /* takes one that was never filled, if zeroed */

/* "path: message" at the file of `node`; returns KPU_E_INPUT. */
int json_node_complain(const json_node *node, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *json_node_type_text(const json_t *value); /* "an object", "a string", ... */

/* The member `key`: complains if `object` is no object or has no such member. */
int json_node_member(const json_node *object, const char *key, json_node *out);
/* The same; false, without complaint, if there is none (or object is no object). */
bool json_node_find(const json_node *object, const char *key, json_node *out);
/* Element `index`, which must exist. */
void json_node_item(const json_node *array, size_t index, json_node *out);
/* Complains of every key of an object that is not among `names`, with the nearest of them. */
int json_node_check_keys(const json_node *object, const char *const *names, size_t count);

/* The value itself. KPU_E_INPUT, with a complaint, if it is something else. Strings belong to the
 * JSON value. */
int json_node_object(const json_node *node);
int json_node_array(const json_node *node, size_t max_items, size_t *items);
int json_node_string(const json_node *node, const char **out);
int json_node_int(const json_node *node, int64_t min, int64_t max, int64_t *out);
int json_node_real(const json_node *node, double *out); /* an integer counts too */
int json_node_bool(const json_node *node, bool *out);
/* Number of the string in `names`; a near miss is suggested. */
int json_node_word(const json_node *node, const char *const *names, size_t count, size_t *out);

#endif
