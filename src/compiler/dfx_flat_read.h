/* Private to DFX: the flat form, read. What a file says is gathered here, then a kernel is sought
 * that unrolls to it. */
#ifndef KPU_SRC_COMPILER_DFX_FLAT_READ_H
#define KPU_SRC_COMPILER_DFX_FLAT_READ_H

#include "base/json.h"
#include "compiler/dfx_flat.h"

/* One operation of the file. */
typedef struct flat_operation {
    int64_t id;
    int32_t next; /* of the same kind; -1: none */
    uint8_t kind; /* where it stands in a body; KPU_DFX_STORE_EXTERNAL also right from REGISTER */
    bool accumulate;
    int32_t tile[KPU_DIMS]; /* moves: those of the operand */
} flat_operation;

typedef struct flat_file {
    json_node root, list; /* `list`: its operations */
    const char *graph_name;
    /* the problem, its tiles, how many there are along each dimension */
    kpu_problem problem;
    int64_t tile[KPU_DIMS], tiles[KPU_DIMS];
    size_t dataflow;
    int64_t compute_cycles; /* its hint */
    /* the tensors of A, B, C */
    const char *name[KPU_OPERANDS];
    kpu_dfx_tensor tensor[KPU_OPERANDS]; /* names not set */
    int64_t batch, batch_stride[KPU_OPERANDS];
    /* operations; the first of each kind, -1: none */
    flat_operation *operations;
    size_t count;
    int32_t first[KPU_DFX_BODY];
    bool is_direct;           /* C goes from REGISTER to EXTERNAL at once */
    int turned[KPU_OPERANDS]; /* transpose of the first load to L2; -1: none so far */
} flat_file;

extern const uint8_t kpu_dfx_flat_dims[KPU_OPERANDS][2]; /* of rows and columns */

/* Whether parsed JSON is of the flat form: operations, but no kernels. */
bool kpu_dfx_is_flat(const json_node *root);
/* A program of one kernel. */
int kpu_dfx_read_flat(const json_node *root, kpu_dfx **out);

/* Metadata, tensors, hints; then which tensor is A, B, C. */
int kpu_dfx_flat_read_head(flat_file *file);
/* Operations one by one. `file->operations` belongs to the caller also on failure. */
int kpu_dfx_flat_read_operations(flat_file *file);
/* Kernel and mapping as one program. */
int kpu_dfx_flat_build(const flat_file *file, const kpu_mapping *mapping, kpu_dfx **out);

/* The nests that compute in the order of the file, their windows those with as many loads and
 * stores: each is handed to `take` until it says true. */
typedef struct flat_search {
    const flat_file *file;
    bool (*take)(void *context, const kpu_mapping *mapping);
    void *context;
} flat_search;
/* KPU_E_INPUT, with a complaint: no nest computes in this order. */
int kpu_dfx_flat_search(const flat_search *search);

/* How the unrolled kernel and the file differ. */
typedef struct flat_difference {
    size_t at;      /* operation of the file; SIZE_MAX: none */
    bool reordered; /* the same operations, but kinds follow each other differently */
    kpu_text text;  /* path in the operation and what was expected; fini it */
} flat_difference;
/* Each kind has its own order; an operation depends on those whose results it reads.
 * KPU_E_MEMORY, KPU_E_RANGE: more operations than any flat form may have. */
int kpu_dfx_flat_compare(const flat_file *file, const kpu_dfx_kernel *kernel,
                         const kpu_mapping *mapping, flat_difference *out);

#endif
