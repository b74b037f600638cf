/* compare.h - every field of a result of the library against the reference implementation's. */
#ifndef KPU_TESTS_COMPARE_H
#define KPU_TESTS_COMPARE_H

#include "kpu/metrics.h"
#include "reference.h"

#include <stdio.h>

/* Number of fields that differ; each is written to `log` (may be NULL) as "name: got, want". */
int compare_results(const kpu_machine *machine, const kpu_result *got, const ref_result *want,
                    FILE *log);

#endif
