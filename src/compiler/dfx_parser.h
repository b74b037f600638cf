/* Private to DFX: one parsing of its text. */
#ifndef KPU_SRC_COMPILER_DFX_PARSER_H
#define KPU_SRC_COMPILER_DFX_PARSER_H

#include "compiler/dfx_lexer.h"

/* Names and the index of what they name; zeroed memory is a valid empty one. */
typedef struct kpu_dfx_index {
    void *tree;
} kpu_dfx_index;
/* Of equal names the first counts. `name` is borrowed. False: out of memory. */
bool kpu_dfx_index_add(kpu_dfx_index *index, const char *name, int32_t value);
int32_t kpu_dfx_index_find(const kpu_dfx_index *index, const char *name); /* -1: none */
void kpu_dfx_index_fini(kpu_dfx_index *index);

/* Where the parts of a kernel stand: the beginning of their lines. */
typedef struct kpu_dfx_kernel_lines {
    const char *kernel, *loops[KPU_NEST], *allocations[KPU_OPERANDS * 3],
        *operations[KPU_DFX_OPERATIONS_MAX];
} kpu_dfx_kernel_lines;

typedef struct kpu_dfx_parser {
    kpu_dfx_lexer lexer;
    kpu_dfx *dfx;
    kpu_dfx_index tensors, kernels;
    const char **tensor_lines;          /* of each tensor */
    kpu_dfx_kernel_lines *kernel_lines; /* of each kernel */
    kpu_dfx_kernel *kernel;             /* the one that is open; NULL: none */
    kpu_dfx_kernel_lines *lines;        /* of that one */
    size_t loop_count;                  /* of that one */
    uint32_t seen, hints_seen;          /* statements of that one; hints */
    bool has_version, has_graph;
    bool skipping; /* to the end of a kernel whose first line is wrong */
} kpu_dfx_parser;

/* One statement of an open kernel, from its first byte. */
void kpu_dfx_parse_in_kernel(kpu_dfx_parser *parser);
/* "%4 = LOAD A L3 -> L2 FIRST_USE hoist 2 depends_on %1", from the % on. */
bool kpu_dfx_parse_operation(kpu_dfx_lexer *lexer, kpu_dfx_operation *out);
/* Complains, with the nearest name that a tensor, or a kernel, has; returns false. */
bool kpu_dfx_unknown_name(kpu_dfx_parser *parser, bool tensor, const char *name, size_t at);

#endif
