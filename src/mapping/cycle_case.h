/* Private to the mapping: a mapping as the bounds on its cycles see it (docs/bounds.md, "A
 * mapping"): tiles in classes, and sums over them. */
#ifndef KPU_SRC_MAPPING_CYCLE_CASE_H
#define KPU_SRC_MAPPING_CYCLE_CASE_H

#include "mapping/cycle_terms.h"

/* Classes of the tiles along a dimension. */
enum { KPU_TILE_IN_FULL_BLOCK, KPU_TILE_IN_LAST_BLOCK, KPU_TILE_EDGE, KPU_TILE_CLASSES };
/* Where a tile of C comes from and goes to: levels, and the fabric. */
enum { KPU_VISIT_L3, KPU_VISIT_L2, KPU_VISIT_RUN, KPU_VISITS };

/* By the sizes of the tile's two dimensions, full or edge. */
typedef struct kpu_tile_cycles {
    int64_t of[2][2];
} kpu_tile_cycles;

typedef struct kpu_transfer_cycles {
    kpu_tile_cycles dma, bm, stream;
} kpu_transfer_cycles;

typedef struct kpu_cycle_case {
    const kpu_machine *machine;
    const kpu_mapping *mapping;
    int stationary;
    kpu_run_ends ends;
    int64_t tiles[KPU_DIMS][KPU_TILE_CLASSES]; /* how many */
    int64_t sizes[KPU_DIMS][2];                /* how many are full, edge */
    int64_t factor[KPU_DIMS][2];               /* of a step's compute cycles, by size */
    int64_t factors[KPU_DIMS];                 /* summed over the tiles */
    kpu_transfer_cycles in[KPU_OPERANDS];      /* C: partial sums, in and out */
    kpu_transfer_cycles final;                 /* of C */
    kpu_visits visits[KPU_OPERANDS][KPU_VISITS];
} kpu_cycle_case;

/* False if a run may take so long that sums of cycles could leave 64 bits. */
bool kpu_cycle_case_init(const kpu_machine *machine, const kpu_mapping *mapping,
                         kpu_cycle_case *out);

/* Tiles of an operand of which each class has (visits - first) * cycles: A and B are loaded at
 * every visit, `first` = 0; C not at its first, `first` = 1. */
int64_t kpu_sum_visits(const kpu_cycle_case *c, int operand, int visit, int first,
                       const kpu_tile_cycles *cycles);
/* Each tile once. */
int64_t kpu_sum_tiles(const kpu_cycle_case *c, int operand, const kpu_tile_cycles *cycles);
int64_t kpu_count_visits(const kpu_cycle_case *c, int operand, int visit);

void kpu_operand_dimensions(int operand, int dims[2]);
/* The visits of a tile of C of these classes in m and n. */
int64_t kpu_visits_of_c(const kpu_cycle_case *c, int visit, int m_class, int n_class);

/* Rings of C, and the steps of one C tile after another. */
kpu_cycle_term kpu_bound_l2_ring_of_c(const kpu_cycle_case *c);
kpu_cycle_term kpu_bound_l3_ring_of_c(const kpu_cycle_case *c);
kpu_cycle_term kpu_bound_chain(const kpu_cycle_case *c);

#endif
