/* Private to kpu-kernel-compiler: from a graph and what was asked for to mappings. */
#ifndef KPU_SRC_TOOLS_KERNEL_COMPILER_COMPILE_H
#define KPU_SRC_TOOLS_KERNEL_COMPILER_COMPILE_H

#include "kpu/dfx.h"
#include "kpu/kpu_object.h"
#include "kpu/tiling.h"
#include "tools/case_options.h"

/* What the options set. */
typedef struct compiler_values {
    kpu_case_values c; /* machine and candidate; no GEMM */
    const char *output, *format, *listing;
    const char *strategy, *from, *objective, *buffering, *target_reuse;
    int64_t min_tile_elements, max_tiles_per_dim, budget, threads;
    bool prefer_square, dump, emit_dfx, emit_flat, verbose;
} compiler_values;

/* The same, read. */
typedef struct compiler_request {
    kpu_machine machine;
    kpu_candidate base;
    bool any_dataflow;
    bool has_tile;                     /* base.tile is asked for */
    bool has_problem;                  /* --from: base is a candidate of this problem */
    kpu_problem problem;               /* of --from */
    const kpu_tile_strategy *strategy; /* unless has_tile or has_problem */
    kpu_tiling_question question;      /* machine and problem not set */
    kpu_object_format format;
} compiler_request;

/* Nothing that is written may be a file that is read, or another that is written. */
int compiler_check_files(const compiler_values *values, const char *graph, kpu_diag *diag);

/* Gathers all complaints about the options; opens no file. */
int compiler_request_read(const compiler_values *values, compiler_request *out, kpu_diag *diag);
/* The machine, and what --from says. */
int compiler_request_load(const compiler_values *values, compiler_request *out, kpu_diag *diag);
/* Only the graph is asked for: no machine is needed. */
bool compiler_only_dumps(const compiler_values *values);

enum { COMPILER_PATH_SIZE = 4096 };
/* "RESULTS.h5:ID" cut in two; the ID. NULL: no such thing. */
const char *compiler_split_from(const char *from, char path[COMPILER_PATH_SIZE]);

/* A mapping for each matrix multiplication, and why it is that one. */
typedef struct compiler_choice {
    kpu_mapping mapping;
    char why[KPU_TILING_WHY_MAX + 1];
} compiler_choice;

/* choices[matmuls->count]. Equal problems get equal mappings, and are looked at once. Complaints
 * name the operator. */
int compiler_choose(const compiler_request *request, const kpu_graph *graph,
                    const kpu_matmul_list *matmuls, compiler_choice *choices, kpu_diag *diag);

/* Reads the graph, compiles it, and writes and prints what was asked for. */
int compiler_run(const compiler_values *values, const char *graph, kpu_diag *diag);

/* What --verbose says, kernel by kernel, appended to `out`. */
void compiler_explain(const kpu_dfx *dfx, const compiler_choice *choices,
                      const kpu_machine *machine, kpu_text *out);

#endif
