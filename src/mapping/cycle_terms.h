/* Private to the mapping: bounds on the cycles of a run, all of one form (docs/bounds.md,
 * "Cycles"). Something - an engine of a class, a slot of a ring - is held for `held` cycles in all,
 * by `slots` of its kind, not before `before`, and `after` must follow. */
#ifndef KPU_SRC_MAPPING_CYCLE_TERMS_H
#define KPU_SRC_MAPPING_CYCLE_TERMS_H

#include "mapping/nest.h"

typedef struct kpu_cycle_term {
    int64_t before, held, slots, after;
} kpu_cycle_term;

/* 0 if there are no slots: the term does not apply. */
static inline int64_t kpu_cycle_term_bound(const kpu_cycle_term *t)
{
    int64_t ends = kpu_add_saturate(t->before, t->after);
    return t->slots ? kpu_add_saturate(ends, kpu_ceil_div(t->held, t->slots)) : 0;
}

/* Cycles for which bytes keep an engine busy. */
static inline int64_t kpu_dma_cycles(const kpu_machine *machine, int64_t bytes)
{
    return kpu_rational_ceil_quotient(bytes, machine->dma_bytes_per_cycle);
}
static inline int64_t kpu_bm_cycles(const kpu_machine *machine, int64_t bytes)
{
    return kpu_rational_ceil_quotient(bytes, machine->block_mover_bytes_per_cycle);
}
/* A tile of A or B that is turned on its way to L2 goes through the block mover twice: in by rows,
 * out by columns. */
static inline int64_t kpu_bm_load_cycles(const kpu_machine *machine, const kpu_problem *problem,
                                         int operand, int64_t bytes)
{
    int64_t cycles = kpu_bm_cycles(machine, bytes);
    return problem->transposed[operand] ? kpu_mul_saturate(2, cycles) : cycles;
}
static inline int64_t kpu_stream_cycles(const kpu_machine *machine, int operand, int64_t bytes)
{
    kpu_rational bandwidth = operand == KPU_A   ? machine->row_bytes_per_cycle
                             : operand == KPU_B ? machine->col_bytes_per_cycle
                                                : machine->drain_bytes_per_cycle;
    return kpu_rational_ceil_quotient(bytes, bandwidth);
}

/* How the first tiles come in and the last one goes out. */
typedef struct kpu_run_ends {
    int64_t lat1, lat2, lat3;      /* latencies of streamers, block movers, DMA */
    int64_t arrival[KPU_OPERANDS]; /* of the first tile of A, B in L2 */
    int64_t first;                 /* start of the first step */
    int64_t skew;                  /* from the end of a step to its results */
    int64_t out;                   /* from the end of the last STR_COUT to that of the run */
    int64_t drain;                 /* from the end of the last step to that of the run */
} kpu_run_ends;

/* The tiles that decide it: the first of A and of B, the last of C. */
typedef struct kpu_end_tiles {
    int64_t first_bytes[2], final_bytes;
} kpu_end_tiles;
void kpu_run_ends_init(const kpu_machine *machine, const kpu_problem *problem, int stationary,
                       const kpu_end_tiles *tiles, kpu_run_ends *out);

#endif
