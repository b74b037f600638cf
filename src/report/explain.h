/* Private to the report: the parts of an explanation, in the order in which they are printed. */
#ifndef KPU_SRC_REPORT_EXPLAIN_H
#define KPU_SRC_REPORT_EXPLAIN_H

#include "kpu/report.h"

enum { EXPLAIN_WIDTH = 80, EXPLAIN_FORMULA = 96 };

typedef struct explanation {
    kpu_text *text;
    const kpu_machine *machine;
    const kpu_result *result;
    const kpu_mapping *mapping;
} explanation;

void explain_nest(const explanation *e);
void explain_hierarchy(const explanation *e);
void explain_cycles(const explanation *e);
void explain_bounds(const explanation *e);

void explain_heading(kpu_text *text, const char *title);

#endif
