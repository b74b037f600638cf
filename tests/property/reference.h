/* reference.h - a second, deliberately naive implementation of the machine model, to test the
 * library against. It shares no code with it: it was written from the model's page alone. Every
 * step, every command and every wait is a record of its own; nothing is clever, nothing is
 * folded. Time and memory grow with the number of steps: for cases up to a few thousand.
 * Aborts when out of memory: it is a test. */
#ifndef KPU_TESTS_REFERENCE_H
#define KPU_TESTS_REFERENCE_H

#include "kpu/simulator.h"

typedef struct ref_result {
    uint32_t broken; /* bits 1 << KPU_LIMIT_*; if any, only this is set */
    int64_t hoist[KPU_OPERANDS][KPU_HOIST_LEVELS];
    int64_t window_tiles[KPU_OPERANDS][KPU_HOIST_LEVELS];
    int64_t slots[KPU_OPERANDS][KPU_HOIST_LEVELS];
    int64_t l3_bytes, l2_bytes, l1_bytes, registers_per_pe;
    bool double_buffered;
    kpu_counts counts; /* its dma_busy and bm_busy belong to this result */
    int64_t level_read[KPU_LEVELS], level_written[KPU_LEVELS];
    double level_pj[KPU_LEVELS], mac_pj, leakage_pj;
} ref_result;

void ref_evaluate(const kpu_machine *machine, const kpu_problem *problem,
                  const kpu_candidate *candidate, ref_result *out);
void ref_result_fini(ref_result *result);

/* Number of steps of the nest, 0 if the input is illegal or there are more than `limit`. */
int64_t ref_count_steps(const kpu_problem *problem, const kpu_candidate *candidate, int64_t limit);

#endif
