/* Private to the program: a long text into a file, a piece at a time. */
#ifndef KPU_SRC_TOOLS_FILE_SINK_H
#define KPU_SRC_TOOLS_FILE_SINK_H

#include <stdio.h>

#include "kpu/report.h"

/* Written beside its place; pipes and devices are written as they are. */
typedef struct kpu_file_sink {
    const char *path;
    char *partial; /* NULL: written in place */
    FILE *file;
    int error; /* errno of the first failed write, 0: none */
} kpu_file_sink;

int kpu_file_sink_open(const char *path, kpu_file_sink *out, kpu_diag *diag);
/* What takes pieces for it. A failed write shows when it is closed. */
kpu_sink kpu_file_sink_of(kpu_file_sink *file);
/* With KPU_OK as `status` the file gets its name, else it is removed. Returns the status, or what
 * went wrong. */
int kpu_file_sink_close(kpu_file_sink *file, int status, kpu_diag *diag);

/* To the standard output, which is checked at the program's end. */
kpu_sink kpu_stdout_sink(void);

#endif
