/* Private to the program: eval --jsonl. */
#ifndef KPU_SRC_TOOLS_JSONL_H
#define KPU_SRC_TOOLS_JSONL_H

#include <stdio.h>

#include "kpu/base.h"

typedef struct kpu_jsonl {
    int questions; /* file descriptor that the cases come from */
    FILE *answers;
    bool plain_walk; /* without fast-forward */
} kpu_jsonl;

/* Reads a case a line, prints a result a line. A bad line gives {"error": ...} in its place and
 * KPU_E_INPUT in the end. */
int kpu_tool_jsonl(const kpu_jsonl *streams, kpu_diag *diag);

#endif
