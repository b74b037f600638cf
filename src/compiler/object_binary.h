/* Private: the binary form's frame (docs/kpu-object.md). All numbers are little-endian. */
#ifndef KPU_SRC_COMPILER_OBJECT_BINARY_H
#define KPU_SRC_COMPILER_OBJECT_BINARY_H

#include "compiler/object_fields.h"

/* Sections in their order. */
#define OBJECT_SECTION_LIST(X)                                                                     \
    X(META) /* version, name, counts */                                                            \
    X(TENS) /* tensors */                                                                          \
    X(OPER) /* kernels: loops, allocations, operations */                                          \
    X(DEPS) /* what each kernel and each operation waits for */                                    \
    X(HINT) /* hints */                                                                            \
    X(STRS) /* the strings that the others name by number */

enum {
#define KPU_X(name) OBJECT_##name,
    OBJECT_SECTION_LIST(KPU_X)
#undef KPU_X
        OBJECT_SECTIONS
};

enum {
    OBJECT_HEADER_BYTES = 16,  /* magic, major, minor, flags, number of sections */
    OBJECT_ENTRY_BYTES = 32,   /* id, flags, offset, bytes, checksum */
    OBJECT_CHECKSUM_BYTES = 8, /* of header and table, after them */
    OBJECT_SECTIONS_MAX = 64,
    OBJECT_ID_BYTES = 4,
    OBJECT_OPTIONAL = 1 /* flag of a section: who does not know it may skip it */
};

extern const char kpu_object_magic[4];
extern const char *const kpu_object_section_names[OBJECT_SECTIONS];

/* One known section, or any other when `name` is of the file. */
typedef struct object_section {
    char name[OBJECT_ID_BYTES + 1];
    const unsigned char *data;
    size_t offset, bytes;
} object_section;

typedef struct object_frame {
    const char *path;
    const unsigned char *data;
    size_t bytes;
    kpu_diag *diag;
    object_section sections[OBJECT_SECTIONS]; /* those that are known */
} object_frame;

bool kpu_object_is_binary(const void *data, size_t bytes);
/* Header, table, checksums: sections lie one after the other and fill the file. */
int kpu_object_frame_read(object_frame *frame);
uint64_t kpu_object_load_uint(const unsigned char *at, int bytes);

void kpu_object_print_binary(const kpu_dfx *dfx, kpu_text *out);
/* Not verified yet. */
int kpu_object_parse_binary(object_frame *frame, kpu_dfx **out);

#endif
