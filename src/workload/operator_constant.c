/* CONSTANT: a tensor from outside, the same in every run. */
#include "workload/operator.h"

const kpu_operator kpu_operator_constant = {
    .name = "CONSTANT",
    .summary = "a tensor from outside, the same in every run",
    .min_outputs = 1,
    .max_outputs = 1,
    .lower = kpu_operator_lower_to_nothing,
};
