/* Private to the program: a finished text to the standard output. */
#ifndef KPU_SRC_TOOLS_OUTPUT_H
#define KPU_SRC_TOOLS_OUTPUT_H

#include "kpu/report.h"

/* Prints and frees. Whether it reached its reader is checked once, at the program's end. */
int kpu_tool_print(kpu_text *text);
/* The same for what is said about the output, to the standard error. */
int kpu_tool_remark(kpu_text *text);
/* A file that a command reads or writes. */
typedef struct kpu_tool_file {
    const char *what; /* "--trace", "GRAPH" */
    const char *path; /* NULL: not given */
    bool is_written;
} kpu_tool_file;
/* Nothing that is written is another of these files, by whatever path (a device may be: /dev/null).
 * KPU_E_USAGE. */
int kpu_tool_check_files(const kpu_tool_file *files, size_t count, kpu_diag *diag);
/* The format of that name; NULL: the table. KPU_E_USAGE if there is none. */
int kpu_tool_choose_format(const char *name, kpu_table_format *out, kpu_diag *diag);

#endif
