/* Private to the program: the flags with which `eval` and `show` say one candidate. */
#ifndef KPU_SRC_TOOLS_CASE_OPTIONS_H
#define KPU_SRC_TOOLS_CASE_OPTIONS_H

#include "kpu/metrics.h"
#include "tools/command.h"

typedef struct kpu_case_values {
    const char *machine, *gemm, *types;
    const char *tile, *block, *dataflow, *order, *d3, *d2, *d1, *control, *eddo_window, *residency;
    bool swap;
    kpu_option_list set;
} kpu_case_values;

/* Rows of a command's table of options; `member` is its kpu_case_values. */
#define KPU_CASE_OPTION(type, member, name, field, kind, argument, help)                           \
    {                                                                                              \
        name, 0, kind, offsetof(type, member.field), argument, help, 0, 0                          \
    }
#define KPU_CASE_OPTIONS(type, member)                                                             \
    KPU_CASE_OPTION(type, member, "machine", machine, KPU_OPTION_TEXT, "M",                        \
                    "machine: a file, or a name in configs/"),                                     \
        KPU_CASE_OPTION(type, member, "gemm", gemm, KPU_OPTION_TEXT, "MxNxK",                      \
                        "sizes of C[M,N] = A[M,K] * B[K,N]"),                                      \
        KPU_CASE_OPTION(type, member, "types", types, KPU_OPTION_TEXT, "T",                        \
                        "element types: fp32 (default), bf16, fp16, int8, or one for each as in "  \
                        "\"A=int8 B=int8 C=int8 P=int32\""),                                       \
        KPU_CASE_OPTION(type, member, "tile", tile, KPU_OPTION_TEXT, "TMxTNxTK", "tile sizes"),    \
        KPU_CASE_OPTION(type, member, "block", block, KPU_OPTION_TEXT, "BMxBNxBK",                 \
                        "block sizes, 0 the whole dimension (default)"),                           \
        KPU_CASE_OPTION(type, member, "dataflow", dataflow, KPU_OPTION_TEXT, "D",                  \
                        "os (default), ws or is"),                                                 \
        KPU_CASE_OPTION(type, member, "swap", swap, KPU_OPTION_FLAG, NULL,                         \
                        "exchange the two outer tile loops"),                                      \
        KPU_CASE_OPTION(type, member, "order", order, KPU_OPTION_TEXT, "ORDER",                    \
                        "order of the block loops, a permutation of mnk (default)"),               \
        KPU_CASE_OPTION(type, member, "d3", d3, KPU_OPTION_TEXT, "N | A/B/C",                      \
                        "buffering in L3, one number or three (default 2)"),                       \
        KPU_CASE_OPTION(type, member, "d2", d2, KPU_OPTION_TEXT, "N | A/B/C",                      \
                        "buffering in L2, one number or three (default 2)"),                       \
        KPU_CASE_OPTION(type, member, "d1", d1, KPU_OPTION_TEXT, "N",                              \
                        "buffering in L1 (default 2)"),                                            \
        KPU_CASE_OPTION(type, member, "control", control, KPU_OPTION_TEXT, "C",                    \
                        "iddo (default) or eddo"),                                                 \
        KPU_CASE_OPTION(type, member, "eddo-window", eddo_window, KPU_OPTION_TEXT, "N",            \
                        "commands among which eddo chooses (default 32)"),                         \
        KPU_CASE_OPTION(type, member, "residency", residency, KPU_OPTION_TEXT, "R",                \
                        "auto (default), or hoists L3-L2 of A/B/C as 3-4/6-6/6-6"),                \
        KPU_CASE_OPTION(type, member, "set", set, KPU_OPTION_LIST, "S.K=V",                        \
                        "override a key of the machine, as l2.banks=4; again and again")

typedef struct kpu_tool_case {
    kpu_machine machine;
    kpu_problem problem;
    kpu_candidate candidate;
} kpu_tool_case;

/* Gathers all complaints about the flags. */
int kpu_case_values_read(const kpu_case_values *values, kpu_tool_case *out, kpu_diag *diag);
/* The same for what times no machine: there need not be one. */
int kpu_case_values_read_untimed(const kpu_case_values *values, kpu_tool_case *out, kpu_diag *diag);
/* The candidate alone; a flag that was not given leaves its default. */
int kpu_case_candidate_read(const kpu_case_values *values, kpu_candidate *out, kpu_diag *diag);
/* Whether any of the flags was given. */
bool kpu_case_values_given(const kpu_case_values *values);
/* Machine by file or name, with its overrides. */
int kpu_tool_load_machine(const char *machine, const kpu_option_list *set, kpu_machine *out,
                          kpu_diag *diag);

#endif
