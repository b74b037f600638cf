/* Private to DFX: what its files share. */
#ifndef KPU_SRC_COMPILER_DFX_PRIVATE_H
#define KPU_SRC_COMPILER_DFX_PRIVATE_H

#include "kpu/dfx.h"

extern const char *const kpu_dfx_operand_names[KPU_OPERANDS]; /* "A", "B", "C" */

/* ---- Words of the text -------------------------------------------------------------------- */

/* Flags of an operation. */
#define KPU_DFX_FLAG_LIST(X) X(unless_fresh) X(transpose) X(broadcast) X(accumulate)
#define KPU_X(name) KPU_DFX_FLAG_##name,
enum { KPU_DFX_FLAG_LIST(KPU_X) KPU_DFX_FLAGS };
#undef KPU_X
extern const char *const kpu_dfx_flag_names[KPU_DFX_FLAGS];
bool *kpu_dfx_flag(kpu_dfx_operation *operation, size_t flag);
/* Whether it moves between EXTERNAL, L3 and L2: only then it has a hoist. */
bool kpu_dfx_has_hoist(const kpu_dfx_operation *operation);

/* ---- The loop body ------------------------------------------------------------------------ */

/* Where each operation of a body stands. */
enum {
    KPU_DFX_LOAD_L3, /* + operand */
    KPU_DFX_LOAD_L2 = KPU_DFX_LOAD_L3 + KPU_OPERANDS,
    KPU_DFX_STREAM = KPU_DFX_LOAD_L2 + KPU_OPERANDS,
    KPU_DFX_MATMUL = KPU_DFX_STREAM + KPU_OPERANDS,
    KPU_DFX_STORE_L2,
    KPU_DFX_STORE_L3,
    KPU_DFX_STORE_EXTERNAL,
    KPU_DFX_END,
    KPU_DFX_BODY
};

/* All that distinguishes one body from another. */
typedef struct kpu_dfx_body_shape {
    int dataflow;
    uint8_t hoist[KPU_OPERANDS][KPU_HOIST_LEVELS];
    bool transposed[KPU_OPERANDS];
    bool accumulate; /* K has more than one tile */
} kpu_dfx_body_shape;

/* The operations of one step, in emission order. */
void kpu_dfx_make_body(const kpu_dfx_body_shape *shape, kpu_dfx_operation body[KPU_DFX_BODY]);

/* ---- What loops and operations say -------------------------------------------------------- */

/* A machine to lay mappings over where only loops and rings count: never ask what fits. */
extern const kpu_machine kpu_dfx_any_machine;

/* The allocations that a mapping needs; their number. */
size_t kpu_dfx_make_allocations(const kpu_mapping *mapping,
                                kpu_dfx_allocation out[KPU_OPERANDS * 3]);
/* Hints of a kernel but for the machine's; `machine` may be NULL. */
void kpu_dfx_make_hints(const kpu_machine *machine, const kpu_mapping *mapping,
                        kpu_dfx_kernel_hints *out);

/* ---- Verify ------------------------------------------------------------------------------- */

/* Of what a complaint is. */
enum kpu_dfx_part {
    KPU_DFX_PART_PROGRAM,
    KPU_DFX_PART_TENSOR,
    KPU_DFX_PART_KERNEL,
    KPU_DFX_PART_LOOP,
    KPU_DFX_PART_ALLOCATION,
    KPU_DFX_PART_OPERATION
};
typedef struct kpu_dfx_part_id {
    enum kpu_dfx_part part;
    size_t owner; /* tensor or kernel */
    size_t index; /* loop, allocation, operation of a kernel */
} kpu_dfx_part_id;

/* Where the parts stand in a text; NULL: nowhere. */
typedef struct kpu_dfx_locator {
    kpu_place (*place)(const void *context, kpu_dfx_part_id part);
    const void *context;
} kpu_dfx_locator;

/* Complaints after which a reader gives up. */
enum { KPU_DFX_ERRORS_MAX = 50 };

/* One verification. */
typedef struct kpu_dfx_check {
    const kpu_dfx *dfx;
    const char *file;
    const kpu_dfx_locator *locator;
    kpu_diag *diag;
    int complaints, code;
} kpu_dfx_check;

/* Begins with whose complaint it is, "kernel 'mm0', operation 3: ". */
void kpu_dfx_complain(kpu_dfx_check *check, kpu_dfx_part_id part, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool kpu_dfx_check_full(const kpu_dfx_check *check); /* enough complaints */
/* kpu_dfx_verify with places. */
int kpu_dfx_verify_at(const kpu_dfx *dfx, const char *file, const kpu_dfx_locator *locator,
                      kpu_diag *diag);
/* All of one kernel but who reads and writes its tensors. False if it names no tensors of its
 * program. */
bool kpu_dfx_check_kernel(kpu_dfx_check *check, size_t kernel);
/* Its operations, once its loops are fine. False if they do not form a body at all: then hoists
 * mean nothing. */
bool kpu_dfx_check_body(kpu_dfx_check *check, size_t kernel);

#endif
