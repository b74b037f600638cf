/* The bounds of docs/bounds.md, from that page alone: nothing here uses src/mapping's boxes. The
 * names are those of the page, and so is the order of the files: certify_bounds.c has the hull and
 * the variants, certify_layout.c dimensions, windows and visits, certify_hoists.c hoists,
 * certify_cycles.c traffic below L2, L1, registers and cycles, certify_mapping.c the cycles of one
 * mapping. */
#ifndef KPU_EXPLORER_CERTIFY_BOUNDS_H
#define KPU_EXPLORER_CERTIFY_BOUNDS_H

#include "explorer/certify.h"
#include "mapping/dataflow.h" /* what the model says of a dataflow */

/* Sums and products that leave 64 bits stop there. */
static inline int64_t sum(int64_t a, int64_t b)
{
    int64_t c;
    return __builtin_add_overflow(a, b, &c) ? INT64_MAX : c;
}
static inline int64_t product(int64_t a, int64_t b)
{
    int64_t c;
    return __builtin_mul_overflow(a, b, &c) ? INT64_MAX : c;
}
static inline int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
static inline int64_t largest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
/* u(bytes, w): cycles that bytes occupy an engine. */
static inline int64_t occupancy(int64_t bytes, kpu_rational bandwidth)
{
    return kpu_ceil_div(product(bytes, bandwidth.den), bandwidth.num);
}

/* lo and hi of something that differs from candidate to candidate. */
typedef struct kpu_certify_span {
    int64_t lo, hi;
} kpu_certify_span;

/* "A box": the hull of its candidates, of one GEMM on one machine. */
typedef struct kpu_certify_hull {
    kpu_certify_span tile[KPU_DIMS], block[KPU_DIMS]; /* a whole dimension is INT64_MAX */
    kpu_certify_span buffers[KPU_OPERANDS][KPU_HOIST_LEVELS], l1_buffers;
    bool dataflow[KPU_DATAFLOWS], swap[2];
    bool order[KPU_DIMS][KPU_DIMS];                /* by its first two loops */
    bool all_auto, same_hoists;                    /* neither: nothing is known of the hoists */
    int64_t hoist[KPU_OPERANDS][KPU_HOIST_LEVELS]; /* if same_hoists */
} kpu_certify_hull;
void kpu_certify_hull_make(const kpu_space *space, const kpu_certify_box *box,
                           kpu_certify_hull *out);

/* "Dimensions" */
typedef struct kpu_certify_dim {
    int64_t size;
    kpu_certify_span tile, block;             /* T, B */
    kpu_certify_span tiles, blocks, in_block; /* N, Nb, n */
    kpu_certify_span all, part;               /* elements, tiles counted full */
    int64_t edge;
} kpu_certify_dim;

/* One pair of a dataflow with swap and an order. */
typedef struct kpu_certify_variant {
    const kpu_machine *machine;
    const kpu_problem *problem;
    const kpu_certify_hull *hull;
    const kpu_dataflow *flow;
    int loop[KPU_NEST]; /* dimension of each loop, outermost first: three block, three tile loops */
    kpu_certify_dim dim[KPU_DIMS];
} kpu_certify_variant;

/* False: proven empty. */
bool kpu_certify_layout(kpu_certify_variant *v);
/* Passes along a dimension that the array holds on a side of that many PEs, lo. */
int64_t kpu_certify_passes(const kpu_certify_dim *dim, int64_t side);
/* The two dimensions of an operand, the one that it lacks, and the bytes of its elements as they
 * are kept: partial sums of C. */
void kpu_certify_dims_of(int operand, int dims[2]);
int kpu_certify_dim_lacking(int operand);
int64_t kpu_certify_element_bytes(const kpu_problem *problem, int operand);
/* "Windows": of an operand that a level holds at hoist p. */
kpu_certify_span kpu_certify_ring_bytes(const kpu_certify_variant *v, int operand, int level,
                                        int p);
int64_t kpu_certify_window_tiles(const kpu_certify_variant *v, int operand, int p); /* Whi */
typedef struct kpu_certify_bytes {
    int64_t in, out;
} kpu_certify_bytes;
/* lo, or hi */
kpu_certify_bytes kpu_certify_link_bytes(const kpu_certify_variant *v, int operand, int p, bool hi);
/* Of one mapping: how often a tile comes into the level, and whether it lies in the last block of
 * each of its two dimensions. */
int64_t kpu_certify_visits(const kpu_certify_variant *v, int operand, int p, const bool last[2]);
/* Whether the loop at this position iterates in some candidate. */
bool kpu_certify_perhaps_iterates(const kpu_certify_variant *v, int position);

/* "Hoists": what is kept at one level. */
typedef struct kpu_certify_level {
    kpu_certify_bytes bytes[KPU_OPERANDS];
    int64_t joint, footprint;
    int64_t slots[KPU_OPERANDS];                        /* S_X */
    int64_t smallest[KPU_OPERANDS], most[KPU_OPERANDS]; /* hoists of the kept combinations */
} kpu_certify_level;
/* `above`: the level above, NULL at L3. False: proven empty. */
bool kpu_certify_hoists(const kpu_certify_variant *v, int level, const kpu_certify_level *above,
                        kpu_certify_level *out);

/* "Cycles": what comes before the first step and after the last one. */
typedef struct kpu_certify_ends {
    int64_t lat3, lat2, lat1, skew, fill;
    int64_t in[KPU_OPERANDS], first, out, drain; /* in: of A and B */
} kpu_certify_ends;
void kpu_certify_ends_make(const kpu_certify_variant *v, kpu_certify_ends *out);
/* Bytes per cycle of an operand's streamers. */
kpu_rational kpu_certify_streamer(const kpu_machine *machine, int operand);

/* The rest, into counts.cycles, counts.traffic and the footprints of mapping. False: proven
 * empty. */
bool kpu_certify_cycles(const kpu_certify_variant *v,
                        const kpu_certify_level level[KPU_HOIST_LEVELS], kpu_result *out);

/* "A mapping": a bound on the cycles of one candidate; the variant has its hoists, every lo is hi.
 */
int64_t kpu_certify_mapping_cycles(const kpu_certify_variant *v,
                                   const kpu_certify_level level[KPU_HOIST_LEVELS]);

#endif
