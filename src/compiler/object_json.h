/* Private: the JSON form (docs/kpu-object.md). */
#ifndef KPU_SRC_COMPILER_OBJECT_JSON_H
#define KPU_SRC_COMPILER_OBJECT_JSON_H

#include "base/json.h"
#include "compiler/object_fields.h"
#include "compiler/object_names.h"

/* The two dimensions of an operand's tiles, row first. */
extern const uint8_t kpu_object_tile_dims[KPU_OPERANDS][2];
/* The published name of an element type: "float32" for f32. */
void kpu_object_long_type(int dtype, char out[16]);
/* Variable and step of the tile loop over a dimension; "" and 0 if there is none. */
const char *kpu_object_tile_var(const kpu_dfx_kernel *kernel, int dim);
int64_t kpu_object_tile_step(const kpu_dfx_kernel *kernel, int dim);
/* Where the operand is read by compute operations: the level that the last of its loads goes to. */
int kpu_object_input_level(const kpu_dfx_kernel *kernel, int operand);

/* The value of a field: a word, number or name as JSON has it. */
void kpu_object_json_put_value(kpu_text *out, const kpu_dfx *dfx, const object_field *field,
                               const void *record);
void kpu_object_print_json(const kpu_dfx *dfx, kpu_text *out);
/* Not verified yet. `text` need not end with a NUL. */
int kpu_object_parse_json(const char *path, const char *text, size_t bytes, kpu_dfx **out,
                          kpu_diag *diag);

/* ---- For the reader's files --------------------------------------------------------------- */

typedef struct object_json_reader {
    kpu_dfx *dfx;
    object_names tensors;
} object_json_reader;

/* Complains of keys that are neither a record's nor among `others`. */
typedef struct object_keys {
    const object_record *record; /* may be NULL */
    const char *const *others;
    size_t count;
} object_keys;
int kpu_object_json_check_keys(const json_node *object, const object_keys *keys);
/* Every field of a record, each of which must be there. */
int kpu_object_json_get(const object_json_reader *reader, const json_node *object,
                        const object_record *record, void *out);
/* A value that follows from others: it may be missing, but not be another. */
int kpu_object_json_expect_int(const json_node *object, const char *key, int64_t value);
int kpu_object_json_expect_text(const json_node *object, const char *key, const char *text);
/* Of operation `index` of a kernel whose tensors and loops are read already. */
int kpu_object_json_get_operation(const json_node *node, const kpu_dfx *dfx,
                                  const kpu_dfx_kernel *kernel, kpu_dfx_operation *out);

#endif
