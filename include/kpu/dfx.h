/* kpu/dfx.h - the machine-independent program: one kernel per matrix multiplication, each a nest of
 * tiled loops with data moves and compute operations in it. No addresses, no engines, no cycles:
 * those belong to the machine that it is loaded on.
 *
 * The loops and operations are the program: kpu_dfx_bind derives the mapping from them alone. Nodes
 * refer to each other by index or number. docs/dfx.md describes the text, docs/kpu-object.md the
 * object file. */
#ifndef KPU_DFX_H
#define KPU_DFX_H

#include "kpu/graph.h"
#include "kpu/mapping.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KPU_DFX_VERSION "1.0"

/* Limits, checked before anything is allocated. */
enum {
    KPU_DFX_TENSORS_MAX = 100000,
    KPU_DFX_KERNELS_MAX = 100000,
    KPU_DFX_OPERATIONS_MAX = 64, /* of a kernel */
    KPU_DFX_DEPENDS_MAX = 8,
    KPU_DFX_VAR_MAX = 15, /* bytes of an induction variable */
    KPU_DFX_FLAT_OPERATIONS_MAX = 1000000
};

/* name in text and JSON */
#define KPU_DFX_LEVEL_LIST(X)                                                                      \
    X(EXTERNAL, "EXTERNAL")                                                                        \
    X(L3, "L3")                                                                                    \
    X(L2, "L2")                                                                                    \
    X(L1, "L1")                                                                                    \
    X(REGISTER, "REGISTER")
#define KPU_DFX_TYPE_LIST(X)                                                                       \
    X(DATA_MOVE, "DATA_MOVE")                                                                      \
    X(COMPUTE, "COMPUTE")                                                                          \
    X(BARRIER, "BARRIER")
/* the last ones are known, but no kernel of ours has them yet: the verifier says so */
#define KPU_DFX_SUBTYPE_LIST(X)                                                                    \
    X(NONE, "NONE")                                                                                \
    X(LOAD, "LOAD")                                                                                \
    X(STORE, "STORE")                                                                              \
    X(PREFETCH, "PREFETCH")                                                                        \
    X(FLUSH, "FLUSH")                                                                              \
    X(MATMUL_TILE, "MATMUL_TILE")                                                                  \
    X(CONV2D_TILE, "CONV2D_TILE")                                                                  \
    X(ELEMENTWISE, "ELEMENTWISE")                                                                  \
    X(REDUCTION, "REDUCTION")                                                                      \
    X(SOFTMAX_TILE, "SOFTMAX_TILE")                                                                \
    X(LAYERNORM_TILE, "LAYERNORM_TILE")
/* When an operation of the loop body takes place. */
#define KPU_DFX_WHEN_LIST(X)                                                                       \
    X(EVERY_STEP, "EVERY_STEP")   /* at each iteration of the innermost loop */                    \
    X(FIRST_USE, "FIRST_USE")     /* at the first use of its tile in its window */                 \
    X(RUN_BEGINS, "RUN_BEGINS")   /* at the first step of a run: the stationary tile is new */     \
    X(RUN_ENDS, "RUN_ENDS")       /* at the last step of a run */                                  \
    X(WINDOW_ENDS, "WINDOW_ENDS") /* when its tile's window ends */                                \
    X(KERNEL_ENDS, "KERNEL_ENDS") /* after the nest */
/* What becomes of a tensor, or an allocation. */
#define KPU_DFX_HINT_LIST(X)                                                                       \
    X(TEMPORARY, "TEMPORARY")                                                                      \
    X(PERSISTENT, "PERSISTENT")                                                                    \
    X(SHARED, "SHARED")
#define KPU_DFX_ROLE_LIST(X)                                                                       \
    X(INPUT, "INPUT")                                                                              \
    X(OUTPUT, "OUTPUT")                                                                            \
    X(INTERMEDIATE, "INTERMEDIATE")                                                                \
    X(CONSTANT, "CONSTANT")

#define KPU_X(name, text) KPU_DFX_##name,
enum { KPU_DFX_LEVEL_LIST(KPU_X) KPU_DFX_LEVELS };
enum { KPU_DFX_TYPE_LIST(KPU_X) KPU_DFX_TYPES };
enum { KPU_DFX_SUBTYPE_LIST(KPU_X) KPU_DFX_SUBTYPES };
enum { KPU_DFX_WHEN_LIST(KPU_X) KPU_DFX_WHENS };
enum { KPU_DFX_HINT_LIST(KPU_X) KPU_DFX_HINTS };
enum { KPU_DFX_ROLE_LIST(KPU_X) KPU_DFX_ROLES };
#undef KPU_X
extern const char *const kpu_dfx_level_names[KPU_DFX_LEVELS];
extern const char *const kpu_dfx_type_names[KPU_DFX_TYPES];
extern const char *const kpu_dfx_subtype_names[KPU_DFX_SUBTYPES];
extern const char *const kpu_dfx_when_names[KPU_DFX_WHENS];
extern const char *const kpu_dfx_hint_names[KPU_DFX_HINTS];
extern const char *const kpu_dfx_role_names[KPU_DFX_ROLES];
/* "output_stationary", ...: dataflows as the published formats call them. */
extern const char *const kpu_dfx_dataflow_names[KPU_DATAFLOWS];
extern const char *const kpu_dfx_dimension_names[KPU_DIMS]; /* "M", "N", "K" */

typedef struct kpu_dfx_tensor {
    char *name; /* unique */
    int32_t dtype, rank;
    int64_t shape[KPU_RANK_MAX];
    uint8_t role; /* KPU_DFX_INPUT ... */
} kpu_dfx_tensor;

/* for (var = start; var < end; var += step), elements of one dimension. A tile loop runs inside a
 * block loop of the same dimension, from its value to the least of that + block step and the
 * dimension: its start and end are then those of the first block. */
typedef struct kpu_dfx_loop {
    char var[KPU_DFX_VAR_MAX + 1]; /* unique in its kernel */
    uint8_t dim;                   /* KPU_M ... */
    int64_t start, end, step;
} kpu_dfx_loop;

/* What a level keeps of an operand: abstract, resolved by the loader. */
typedef struct kpu_dfx_allocation {
    uint8_t operand, level; /* L3, L2, L1 */
    int64_t tiles;          /* W: the largest window; L1: 1 */
    int64_t buffers;        /* d: tiles of look-ahead + 1 */
    int64_t size_bytes;     /* (W + d - 1) slots of a full tile */
    uint8_t hint;
} kpu_dfx_allocation;

typedef struct kpu_dfx_operation {
    int32_t id;           /* op_id: from 1, ascending */
    uint8_t type;         /* KPU_DFX_DATA_MOVE ... */
    uint8_t subtype;      /* KPU_DFX_LOAD ... */
    uint8_t operand;      /* moves: which; compute, barrier: KPU_C */
    uint8_t source, dest; /* levels; compute: L1, and where C accumulates: REGISTER (os) or L1;
                             barrier: EXTERNAL both */
    uint8_t when;         /* KPU_DFX_EVERY_STEP ... */
    uint8_t hoist; /* moves between EXTERNAL, L3 and L2: position in the nest, 0..6, from which on
                      loops lie inside the window of the inner of the two levels; else 6 */
    bool unless_fresh; /* C: not for a tile that starts from zero */
    bool transpose, broadcast;
    bool accumulate; /* compute: adds to what earlier steps left, unless fresh; false if K is one
                        tile */
    int32_t depends_on[KPU_DFX_DEPENDS_MAX]; /* ids, ascending */
    uint8_t depends_count;
    int32_t produces; /* what others name in depends_on: its id */
} kpu_dfx_operation;

/* What a reader may want to know at once; nothing depends on it. Of one run of the kernel. */
typedef struct kpu_dfx_kernel_hints {
    int64_t dram_bytes, l3_l2_bytes, l2_l1_bytes;
    int64_t compute_cycles;      /* of `machine`; 0: not estimated */
    int64_t parallelism_degree;  /* C tiles that do not depend on each other */
    double arithmetic_intensity; /* MACs per DRAM byte */
    double reuse[KPU_OPERANDS];  /* bytes L3 -> L2 (C: both ways) per byte from (to) DRAM */
    char machine[KPU_MACHINE_NAME_MAX + 1]; /* that it was compiled for; "": none */
} kpu_dfx_kernel_hints;

typedef struct kpu_dfx_kernel {
    char *name; /* unique */
    int32_t tensor[KPU_OPERANDS];
    int32_t dtype[KPU_OPERANDS], partial_dtype;
    int64_t dim[KPU_DIMS];
    bool transposed[KPU_OPERANDS];      /* as in kpu_problem */
    int64_t batch;                      /* the nest runs that often, */
    int64_t batch_stride[KPU_OPERANDS]; /* each time that many elements further on */
    uint8_t dataflow, control;
    int64_t eddo_window;
    int64_t l1_buffers;
    kpu_dfx_loop loops[KPU_NEST]; /* outermost first: three block loops, three tile loops */
    kpu_dfx_allocation allocations[KPU_OPERANDS * 3]; /* L3 of A, B, C; L2; L1 of what streams */
    size_t allocation_count;
    kpu_dfx_operation operations[KPU_DFX_OPERATIONS_MAX]; /* of one step, in emission order */
    size_t operation_count;
    int32_t *depends_on; /* kernels that must have ended, ascending: a barrier. Of malloc, released
                            with the program */
    size_t depends_count;
    kpu_dfx_kernel_hints hints;
} kpu_dfx_kernel;

/* A program, kernels in the order in which they run. new/free. */
typedef struct kpu_dfx {
    char *graph_name;
    kpu_dfx_tensor *tensors;
    size_t tensor_count;
    kpu_dfx_kernel *kernels;
    size_t kernel_count;
} kpu_dfx;

kpu_dfx *kpu_dfx_new(const char *graph_name); /* NULL: out of memory */
void kpu_dfx_free(kpu_dfx *dfx);
/* Appended, zeroed, with that name; NULL: out of memory. Pointers to earlier ones become invalid.
 */
kpu_dfx_tensor *kpu_dfx_add_tensor(kpu_dfx *dfx, const char *name);
kpu_dfx_kernel *kpu_dfx_add_kernel(kpu_dfx *dfx, const char *name);

/* ---- Build -------------------------------------------------------------------------------- */

/* All tensors of a graph that its matmuls touch, and one kernel each; `mappings[n]` is feasible and
 * of matmuls[n].problem. `machine` is the one that hints are for. */
typedef struct kpu_dfx_source {
    const kpu_graph *graph;
    const kpu_matmul_list *matmuls;
    const kpu_mapping *mappings;
    const kpu_machine *machine;
} kpu_dfx_source;
int kpu_dfx_build(const kpu_dfx_source *source, kpu_dfx **out, kpu_diag *diag);

/* ---- Verify, bind ------------------------------------------------------------------------- */

/* All that makes a program legal, without a machine: loops that nest, operations that form the path
 * of each operand down and back, each dependency on an earlier producer that it needs, allocations
 * that match loops and hoists, tensors that match kernels, kernels that wait for whoever writes
 * what they read. Gathers all complaints, each naming kernel and operation; `file` may be NULL.
 * KPU_E_INPUT. */
int kpu_dfx_verify(const kpu_dfx *dfx, const char *file, kpu_diag *diag);

void kpu_dfx_kernel_problem(const kpu_dfx_kernel *kernel, kpu_problem *out);
/* The candidate, with explicit hoists, that the loops and operations of a verified kernel say. */
void kpu_dfx_kernel_candidate(const kpu_dfx_kernel *kernel, kpu_candidate *out);
/* That candidate laid over the kernel's problem on a machine. KPU_E_INPUT: it does not fit; the
 * complaint says which limit, how many bytes it needs and how many there are. */
int kpu_dfx_bind(const kpu_dfx_kernel *kernel, const kpu_machine *machine, kpu_mapping *out,
                 kpu_diag *diag);

/* ---- Text --------------------------------------------------------------------------------- */

/* The whole program as text, and back: parse(print(x)) = x, bit for bit (doubles included). Parsed
 * text is verified. All complaints with line, column and the line itself. On failure *out is
 * NULL. */
void kpu_dfx_print(const kpu_dfx *dfx, kpu_text *out);
int kpu_dfx_parse(const char *path, const char *text, size_t bytes, kpu_dfx **out, kpu_diag *diag);
/* Whether two programs are the same in every field. */
bool kpu_dfx_equal(const kpu_dfx *a, const kpu_dfx *b);

/* The published flat form: every operation of every step of one kernel unrolled (JSON, docs/dfx.md;
 * keys of the published sample). KPU_E_RANGE: more than KPU_DFX_FLAT_OPERATIONS_MAX. */
int kpu_dfx_print_flat(const kpu_dfx *dfx, size_t kernel, kpu_text *out, kpu_diag *diag);
/* And back: the program of one kernel that unrolls to it, with two of every buffer, which the flat
 * form does not say. C may also go from REGISTER to EXTERNAL at once, as in the published sample.
 * A file that no kernel unrolls to is complained of by its operation. On failure *out is NULL. */
int kpu_dfx_parse_flat(const char *path, const char *text, size_t bytes, kpu_dfx **out,
                       kpu_diag *diag);

#ifdef __cplusplus
}
#endif
#endif
