/* kpu/compiler.h - a feasible mapping -> a program in loop form: the nest, where each operand is
 * held, what streams. It knows bytes and tiles, no engines and no cycles; its size does not depend
 * on the problem's. */
#ifndef KPU_COMPILER_H
#define KPU_COMPILER_H

#include "kpu/mapping.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Masks over nest positions: bit i is the loop at position i, 0 outermost. */
typedef struct kpu_program_window {
    uint8_t hoist;             /* p: loops at positions >= p are inside */
    uint8_t relevant_outside;  /* the loops whose indices identify the window */
    uint8_t relevant_inside;   /* the loops that number the tiles of a window */
    uint8_t irrelevant_inside; /* all zero at the first use of a tile in its window */
    int64_t slots;             /* S of its ring */
} kpu_program_window;

/* Edge masks: bit d set if the tile is the last, smaller one along dimension d. */
enum { KPU_EDGES = 1 << KPU_DIMS };

typedef struct kpu_program {
    uint8_t loop_dim[KPU_NEST];
    uint8_t relevant[KPU_OPERANDS]; /* loops that index the operand */
    int64_t trips[KPU_NEST][2];     /* tile loops: in a full block, in the last block */
    int64_t tiles[KPU_DIMS];
    bool has_edge[KPU_DIMS];
    kpu_program_window window[KPU_OPERANDS][KPU_HOIST_LEVELS];
    uint8_t stationary; /* the operand that a run keeps in the array */
    int64_t l1_buffers; /* d1 tiles of each streamed operand */
    bool double_buffered;
    int64_t control, eddo_window;
    int64_t extent[KPU_DIMS][2];                 /* of a full tile, of the edge tile */
    int64_t tile_bytes[KPU_OPERANDS][KPU_EDGES]; /* A, B; C as partial sums */
    int64_t final_bytes[KPU_EDGES];              /* C as final output */
    uint8_t row_dim, col_dim, depth_dim;         /* how the array holds a tile */
    int64_t unpipelined_row_fills;
} kpu_program;

/* The mapping must be feasible. Pure; allocates nothing. */
void kpu_program_compile(const kpu_mapping *mapping, kpu_program *out);

#ifdef __cplusplus
}
#endif
#endif
