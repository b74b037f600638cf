/* kpu/report.h - text, JSON and diagrams for people and programs; JSON cases in. */
#ifndef KPU_REPORT_H
#define KPU_REPORT_H

#include <stdio.h>

#include "kpu/metrics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One {"hw", "problem", "candidate"} object, names as on the model page. */
int kpu_case_parse(const char *json, size_t bytes, kpu_machine *machine, kpu_problem *problem,
                   kpu_candidate *candidate, kpu_diag *diag);
/* The result as one line of JSON (no newline), field names of the published test vectors. A NUL-
 * terminated string in *buffer, grown with realloc; *capacity follows. */
int kpu_result_print_json(const kpu_machine *machine, const kpu_result *result, char **buffer,
                          size_t *capacity);

#ifdef __cplusplus
}
#endif
#endif
