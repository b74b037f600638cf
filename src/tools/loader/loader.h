/* Private to kpu-loader: an object bound to a machine, and what is done with it. */
#ifndef KPU_SRC_TOOLS_LOADER_LOADER_H
#define KPU_SRC_TOOLS_LOADER_LOADER_H

#include "kpu/kpu_object.h"
#include "kpu/report.h"
#include "tools/command.h"

/* The command line. */
typedef struct loader_values {
    const char *machine, *format, *emit, *trace;
    const char *operand[KPU_OPERANDS]; /* --input-a, --input-b, --output-c */
    kpu_option_list set, inputs, outputs;
    int64_t random; /* seed; -1: not given */
    bool dry_run, verbose, check, profile;
} loader_values;

/* Whether the program is executed with numbers. */
bool loader_executes(const loader_values *values);
/* Whether commands are wanted one by one, and not cycles alone. */
bool loader_needs_commands(const loader_values *values);

/* ---- Binding (bind.c) ---------------------------------------------------------------------- */

typedef struct loader_kernel {
    const kpu_dfx_kernel *code;
    kpu_result result;         /* of one run; there are code->batch of them */
    kpu_metric_value *metrics; /* kpu_metric_count() of them */
    int64_t start_cycle;       /* of the first run: kernels and their runs follow one another */
} loader_kernel;

/* Where a tensor lies in DRAM. */
typedef struct loader_place {
    int64_t address, bytes;
} loader_place;

typedef struct loader_binding {
    const char *path; /* of the object */
    kpu_dfx *program;
    kpu_machine machine;
    loader_kernel *kernels;     /* program->kernel_count */
    loader_place *tensors;      /* program->tensor_count */
    loader_place partial_sums;  /* scratch, of whichever kernel runs; 0 bytes: none needs it */
    int64_t cycles, dram_bytes; /* of the whole program */
    bool needs_commands;        /* kernels of too many are refused */
} loader_binding;

/* Reads the object, lays every kernel over the machine, times it and places the tensors. Complains
 * about every kernel that does not fit. */
int loader_bind(const char *path, const loader_values *values, loader_binding *out, kpu_diag *diag);
void loader_unbind(loader_binding *binding);
/* One line; or tensors, kernels and memories too. */
void loader_put_summary(const loader_binding *binding, bool all, kpu_text *out);

/* ---- Stages: what is done with each run of each kernel -------------------------------------- */

/* One run of a kernel: number `batch` of code->batch. */
typedef struct loader_run {
    const loader_kernel *kernel;
    int64_t batch, start_cycle;
    const char *name;             /* "mm0", or "mm0[3]" */
    const kpu_schedule *schedule; /* its addresses are those of this run */
    bool is_first, is_last;       /* of the program */
} loader_run;

typedef struct loader_job {
    const loader_binding *binding;
    const loader_values *values;
    const struct loader_files *files;
    kpu_diag *diag;
} loader_job;

/* A row of the table in main.c; each in a file of its own. begin makes the state, if it needs one.
 * end comes whatever happened, of that stage or another (`status`), frees the state and returns the
 * status, or its own if it is the first that is not well. */
typedef struct loader_stage {
    bool (*wanted)(const loader_values *values);
    int (*begin)(const loader_job *job, void **state);
    int (*run)(const loader_job *job, void *state, const loader_run *run);
    int (*end)(const loader_job *job, void *state, int status);
} loader_stage;
extern const loader_stage loader_stage_list;    /* --dry-run: the bound schedule */
extern const loader_stage loader_stage_emit;    /* --emit: descriptors */
extern const loader_stage loader_stage_trace;   /* --trace */
extern const loader_stage loader_stage_execute; /* inputs, outputs, --check */

/* Time by engine and level, stalls, roofline (profile.c). */
int loader_print_profile(const loader_job *job);

/* ---- Files (files.c) ------------------------------------------------------------------------ */

/* A file for a tensor, as the command line has it. */
typedef struct loader_file {
    const char *option, *path;
    size_t tensor;
} loader_file;

typedef struct loader_files {
    loader_file *inputs, *outputs;
    size_t input_count, output_count;
} loader_files;

/* Which file is for which tensor; and that no file is written over another that the program reads
 * or writes. To be freed after an error too. */
int loader_find_files(const loader_job *job, loader_files *out);
void loader_free_files(loader_files *files);

/* ---- Shared ------------------------------------------------------------------------------- */

/* Where one run of a kernel finds an operand in its tensor, in bytes. */
int64_t loader_batch_offset(const kpu_dfx_kernel *code, int operand, int64_t batch);
int loader_no_memory(kpu_diag *diag);
/* Whether no kernel computes it. */
bool loader_is_from_outside(const kpu_dfx_tensor *tensor);

#endif
