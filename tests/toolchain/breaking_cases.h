/* breaking_cases.h - small cases, each of which needs certain waits to come out right, and the
 * tables of docs/legality.md. */
#ifndef KPU_TESTS_BREAKING_CASES_H
#define KPU_TESTS_BREAKING_CASES_H

#include "kpu/schedule.h"

/* How wide DMA engines, block movers, streamers in and out are. */
enum { BREAKING_DMA, BREAKING_BM, BREAKING_IN, BREAKING_OUT, BREAKING_WIDTHS };

/* Windows of one tile everywhere, but of all of C where that is said. */
typedef struct breaking_case {
    const char *name, *about;
    int64_t dim[KPU_DIMS], tile[KPU_DIMS]; /* f32 */
    int64_t dataflow, swap, block_k;       /* block_k: the outermost loop is over blocks of k */
    bool keeps_c[KPU_HOIST_LEVELS];        /* at L3, at L2 */
    int64_t buffers[2];                    /* d3 = d2, d1 */
    bool double_buffered;                  /* registers for two stationary tiles */
    int64_t width[BREAKING_WIDTHS];        /* bytes a cycle */
} breaking_case;

/* A wait that is left out, and a case that comes out wrong without it. */
typedef struct breaking_wait {
    int wait;
    const char *breaks, *case_name;
} breaking_wait;

/* A ring that has a slot fewer than its waits believe. L1 and the registers are rings, too. */
enum { BREAKING_L1 = KPU_HOIST_LEVELS, BREAKING_REGISTERS, BREAKING_LEVELS };
typedef struct breaking_ring {
    int operand, level; /* KPU_HOIST_*, BREAKING_L1, BREAKING_REGISTERS */
    const char *case_name;
} breaking_ring;

extern const breaking_case breaking_cases[];
extern const size_t breaking_case_count;
extern const breaking_wait breaking_waits[];
extern const size_t breaking_wait_count;
extern const breaking_ring breaking_rings[];
extern const size_t breaking_ring_count;

const breaking_case *breaking_case_find(const char *name); /* NULL: none */
/* False: it does not fit, which no case should. */
bool breaking_case_map(const breaking_case *c, int control, kpu_machine *machine, kpu_mapping *out);
/* The tables as docs/legality.md has them: waits, rings, cases. */
enum { BREAKING_TABLES = 3 };
void breaking_put_table(int table, kpu_text *out);

#endif
