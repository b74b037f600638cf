/* Private to the mapping: the parts of docs/bounds.md, "A box", from dimensions to cycles. `low`
 * and `high` of a range hold for all candidates of the box. */
#ifndef KPU_SRC_MAPPING_BOX_BOUNDS_H
#define KPU_SRC_MAPPING_BOX_BOUNDS_H

#include "mapping/nest.h"

/* Elements of a dimension in whose blocks the tile loop iterates, surely or perhaps, or does not.
 */
typedef struct box_part {
    int64_t extent;
    bool iterates;
} box_part;

typedef struct box_dimension {
    int64_t size;
    kpu_range tile, block;          /* clamped, and at no odds with each other */
    kpu_range tiles, blocks;        /* along the dimension */
    kpu_range block_tiles;          /* in a full block */
    kpu_range all_elements;         /* in all its tiles, each counted full */
    kpu_range block_elements;       /* in those of a full block */
    int64_t edge;                   /* least extent of the last tile */
    box_part surely[2], perhaps[2]; /* for the least and for the most visits */
} box_dimension;

/* One dataflow with swap and one order of the box. */
typedef struct box_variant {
    const kpu_machine *machine;
    const kpu_problem *problem;
    const kpu_box *box;
    const kpu_dataflow *flow;
    int stationary;
    uint8_t loop_dim[KPU_NEST];
    const box_dimension *dim; /* [KPU_DIMS] */
} box_variant;

/* A hoist that some candidate may have. */
typedef struct box_hoist {
    int64_t position;
    int64_t window_tiles; /* at most */
    kpu_range ring_bytes[KPU_HOIST_LEVELS];
    kpu_link_bytes least; /* in and out */
    int64_t most;         /* in and out together */
} box_hoist;

typedef struct box_hoists {
    box_hoist at[KPU_NEST + 1];
    int count;
} box_hoists;

/* What holds for all combinations of hoists that a candidate may have at a level. */
typedef struct box_level {
    kpu_link_bytes link[KPU_OPERANDS];  /* least */
    int64_t joint_bytes;                /* least sum over the operands, in and out */
    int64_t ring_bytes;                 /* least footprint */
    kpu_range position[KPU_OPERANDS];   /* of the hoists */
    int64_t window_tiles[KPU_OPERANDS]; /* at most */
} box_level;

/* False: no tile and block of these ranges fit together. */
bool box_dimension_init(int64_t size, kpu_range tile, kpu_range block, box_dimension *out);
/* The hoist at `position`. */
void box_hoist_init(const box_variant *variant, int operand, int position, box_hoist *out);
/* Both levels; false: nothing fits. */
bool box_levels_choose(const box_variant *variant, box_level out[KPU_HOIST_LEVELS]);
/* Least number of passes over the dimension, if `side` of its elements fit the array. */
int64_t box_passes(const box_dimension *dimension, int64_t side);
/* From the least traffic below L2; `register_slots`: most stationary tiles in the array. */
int64_t box_cycles(const box_variant *variant, const box_level levels[KPU_HOIST_LEVELS],
                   const kpu_traffic *traffic, int64_t register_slots);

#endif
