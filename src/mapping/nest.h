/* Private to the library: exact arithmetic over the six-deep nest, shared by residency and
 * closed-form traffic. */
#ifndef KPU_SRC_MAPPING_NEST_H
#define KPU_SRC_MAPPING_NEST_H

#include "mapping/dataflow.h"

/* Elements of an operand that live in blocks of each class (0: all blocks but the last, 1: the
 * last block) of its two dimensions, and how often a window at hoist `p` brings them in. */
typedef struct kpu_visits {
    int64_t elements[2][2];
    int64_t times[2][2]; /* 0 where there are no elements */
} kpu_visits;

/* Section "Nest, windows, traffic" of docs/model.md. An irrelevant loop outside the window makes
 * it come again only if a relevant loop between the two really iterates. */
void kpu_mapping_visits(const kpu_mapping *mapping, int operand, int hoist, kpu_visits *out);

/* Largest number of tiles in any window of the operand at hoist p. */
int64_t kpu_mapping_window_tiles(const kpu_mapping *mapping, int operand, int hoist);

/* What is wrong with the problem, or NULL. */
const char *kpu_mapping_problem_error(const kpu_problem *problem);

/* Bytes into and out of a level that holds the operand at hoist p (A, B: out is 0). */
typedef struct kpu_link_bytes {
    int64_t in, out;
} kpu_link_bytes;
kpu_link_bytes kpu_mapping_link_bytes(const kpu_mapping *mapping, int operand, int hoist);
/* Adds those of `elements` that come `times` times: C is fresh at the first, final at the last. */
static inline void kpu_add_visits(const kpu_problem *problem, int operand, int64_t elements,
                                  int64_t times, kpu_link_bytes *sum)
{
    if (operand == KPU_C) {
        sum->in += elements * (times - 1) * problem->partial_bytes;
        sum->out +=
            elements * ((times - 1) * problem->partial_bytes + problem->element_bytes[KPU_C]);
    } else {
        sum->in += elements * times * problem->element_bytes[operand];
    }
}

/* Fills hoist, window_tiles, slots and the L3 and L2 footprints; sets KPU_LIMIT_L3, _L2. */
void kpu_mapping_choose_residency(const kpu_machine *machine, kpu_mapping *mapping);
void kpu_mapping_apply_hoists(const kpu_machine *machine, kpu_mapping *mapping);

/* a * b and a + b that stop at INT64_MAX: capacities are compared, never added up further. */
static inline int64_t kpu_mul_saturate(int64_t a, int64_t b)
{
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}
static inline int64_t kpu_add_saturate(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

#endif
