/* kpu/metrics.h - counts -> what a user reads. One table of metrics drives the results file, the
 * JSON, the objectives, `kpu-dse metrics` and docs/metrics.md. */
#ifndef KPU_METRICS_H
#define KPU_METRICS_H

#include "kpu/simulator.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Everything known about one evaluated candidate. If mapping.broken, counts are all zero. */
typedef struct kpu_result {
    kpu_mapping mapping;
    kpu_bounds bounds;
    kpu_counts counts;
} kpu_result;

/* Maps, and if it fits simulates. KPU_OK also for a candidate that does not fit. */
int kpu_evaluate(kpu_simulator *simulator, const kpu_machine *machine, const kpu_problem *problem,
                 const kpu_candidate *candidate, kpu_result *out);

typedef struct kpu_energy {
    double level_pj[KPU_LEVELS], mac_pj, leakage_pj, total_pj;
} kpu_energy;
void kpu_result_energy(const kpu_machine *machine, const kpu_result *result, kpu_energy *out);
/* Bytes read from and written to each level (docs/model.md, "Bytes per level"). */
void kpu_result_level_bytes(const kpu_result *result, int64_t read[KPU_LEVELS],
                            int64_t written[KPU_LEVELS]);

typedef enum kpu_metric_type { KPU_METRIC_INT64, KPU_METRIC_DOUBLE } kpu_metric_type;
typedef enum kpu_metric_sense { KPU_SENSE_NONE, KPU_SENSE_MIN, KPU_SENSE_MAX } kpu_metric_sense;
typedef union kpu_metric_value {
    int64_t i;
    double d;
} kpu_metric_value;

typedef struct kpu_metric {
    const char *name; /* "cycles", "dram_read_bytes", ...: lower case, [a-z0-9_] */
    const char *unit; /* "cycle", "B", "pJ", "1" */
    kpu_metric_type type;
    kpu_metric_sense sense;
    const char *description;
    const char *const *words; /* enumerated: value.i names one of them; else NULL */
    size_t word_count;
} kpu_metric;

size_t kpu_metric_count(void);
const kpu_metric *kpu_metric_at(size_t index);
/* Index of a metric by name, or -1. */
int kpu_metric_find(const char *name);
/* "none", then the limits in order: the words of `reason`. */
enum { KPU_REASONS = KPU_LIMITS + 1 };
extern const char *const kpu_reason_names[KPU_REASONS];

/* All metrics of one result, in table order, into values[kpu_metric_count()]. An infeasible
 * result gives `feasible` = 0, `reason`, its footprints and hoists, and 0 / NaN for the rest. */
void kpu_metrics_compute(const kpu_machine *machine, const kpu_result *result,
                         kpu_metric_value *values);

/* What no candidate with these lower bounds can beat in a metric: a lower bound of it, or an upper
 * bound if its sense is MAX. -INFINITY (INFINITY) if the table does not call the metric MONOTONE.
 * Holds for the numbers that kpu_metrics_compute gives, rounding included: it evaluates the same
 * expression, and every operation in it is monotone. Of an empty box: INFINITY (-INFINITY). */
double kpu_metric_bound(const kpu_machine *machine, const kpu_problem *problem,
                        const kpu_lower_bounds *bounds, size_t metric);

#ifdef __cplusplus
}
#endif
#endif
