/* executed_case.h - runs a schedule on random matrices and compares with OpenBLAS. */
#ifndef KPU_TESTS_EXECUTED_CASE_H
#define KPU_TESTS_EXECUTED_CASE_H

#include "kpu/execute.h"

typedef struct executed_types {
    int dtype[KPU_OPERANDS], partial;
} executed_types;

/* Every kind of sum, with inputs and outputs narrower than it. */
extern const executed_types executed_type_table[];
enum { EXECUTED_TYPES = 12 };

/* Element sizes of the problem from the types. */
void executed_set_types(kpu_problem *problem, const executed_types *types);

enum { EXECUTED_RIGHT, EXECUTED_WRONG, EXECUTED_FAILED };
/* Random matrices through the schedule. Integers must come out exactly. Floats: a sum of K products
 * in a type of unit roundoff u, in whatever order, is off by at most g = K*u / (1 - K*u) times the
 * sum of the products' magnitudes (Higham, Accuracy and Stability of Numerical Algorithms, 3.1);
 * products of narrower inputs are exact in it, so this is on the safe side. The reference, cblas in
 * double, has its own g; and the output is rounded once more to the type of C. */
int executed_run(const kpu_schedule *schedule, const executed_types *types, uint64_t seed);

#endif
