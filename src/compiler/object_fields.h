/* Private: the fields of a program as tables, one row a field, for all that walks over them: both
 * forms of the object file, and its differences. */
#ifndef KPU_SRC_COMPILER_OBJECT_FIELDS_H
#define KPU_SRC_COMPILER_OBJECT_FIELDS_H

#include "kpu/kpu_object.h"

typedef enum object_kind {
    OBJECT_WORD,   /* uint8_t: number of a word of `names` */
    OBJECT_BYTE,   /* uint8_t, min .. max */
    OBJECT_BOOL,   /* bool */
    OBJECT_INT32,  /* int32_t, min .. max */
    OBJECT_INT64,  /* int64_t, min .. max */
    OBJECT_REAL,   /* double >= 0 */
    OBJECT_DTYPE,  /* int32_t: KPU_F64 ... */
    OBJECT_TENSOR, /* int32_t: a tensor of the program */
    OBJECT_STRING, /* char * */
    OBJECT_CHARS,  /* char[max + 1] */
    OBJECT_KINDS
} object_kind;

typedef struct object_field {
    const char *key; /* in JSON, and in complaints */
    object_kind kind;
    size_t offset;
    int64_t min, max;         /* numbers; bytes of OBJECT_CHARS */
    const char *const *names; /* of words: max + 1 */
} object_field;

typedef struct object_record {
    const char *what;
    const object_field *fields;
    size_t count;
} object_record;

extern const object_record kpu_object_program;     /* kpu_dfx: its name */
extern const object_record kpu_object_tensor;      /* kpu_dfx_tensor, but its shape */
extern const object_record kpu_object_kernel_name; /* kpu_dfx_kernel */
extern const object_record kpu_object_metadata;    /* kpu_dfx_kernel: what is one number or word */
extern const object_record kpu_object_operands[KPU_OPERANDS]; /* kpu_dfx_kernel, per operand */
extern const object_record kpu_object_hints;                  /* kpu_dfx_kernel_hints */
extern const object_record kpu_object_loop;
extern const object_record kpu_object_allocation;
extern const object_record kpu_object_operation; /* but what it depends on */

bool kpu_object_field_is_text(const object_field *field); /* OBJECT_STRING, OBJECT_CHARS */
/* Bytes of a field in the binary form: of a text, those of its number in the table of strings. */
int kpu_object_field_bytes(const object_field *field);
/* The largest number that the field may hold in a program of that many tensors. */
int64_t kpu_object_field_max(const object_field *field, size_t tensor_count);
/* Value of a field that is neither text nor real; a new one is in range. */
int64_t kpu_object_field_get(const object_field *field, const void *record);
void kpu_object_field_set(const object_field *field, void *record, int64_t value);
const char *kpu_object_field_text(const object_field *field, const void *record);
/* KPU_E_MEMORY; KPU_E_RANGE: longer than the field. */
int kpu_object_field_set_text(const object_field *field, void *record, const char *text,
                              size_t bytes);
double kpu_object_field_real(const object_field *field, const void *record);
void kpu_object_field_set_real(const object_field *field, void *record, double value);

#endif
