/* Boxes of the space of one GEMM, as the exact search splits them.
 *
 * A cell is a range of machines and a range of each digit (docs/certificate.md) that has more than
 * one value; these ranges are what `dial` counts below, the machine first if there are several.
 * Between a split and the next a cell is kept packed: as few bits a range as its length needs. */
#ifndef KPU_EXPLORER_EXACT_CELL_H
#define KPU_EXPLORER_EXACT_CELL_H

#include "explorer/space.h"

enum {
    KPU_CELL_DIALS = 1 + KPU_SPACE_AXES,
    KPU_CELL_WORDS = (KPU_CELL_DIALS * 2 * 20 + 63) / 64, /* an axis has at most 10^6 values */
    KPU_CELL_MACHINE = -1
};

typedef struct kpu_dial {
    int digit;      /* of the candidate, or KPU_CELL_MACHINE */
    int32_t length; /* > 1 */
    int bits;       /* of one end of a range */
    int64_t stride; /* in point indices */
    int turn;       /* dials of a smaller one are split first */
} kpu_dial;

/* What the cells of one GEMM have in common. Immutable once made. */
typedef struct kpu_cell_shape {
    const kpu_space *space;
    int64_t gemm;
    int64_t first; /* point index of the first candidate on machine 0 */
    size_t dials, words;
    kpu_dial dial[KPU_CELL_DIALS];
    int dial_of_axis[KPU_SPACE_AXES]; /* -1: one value */
    int dial_of_machine;              /* -1: one machine */
    bool sorted[KPU_SPACE_AXES];      /* the axis' numbers ascend: its ends are its extremes */
} kpu_cell_shape;

typedef struct kpu_cell {
    int32_t low[KPU_CELL_DIALS], high[KPU_CELL_DIALS]; /* inclusive */
} kpu_cell;

void kpu_cell_shape_init(kpu_cell_shape *shape, const kpu_space *space, int64_t gemm);
void kpu_cell_all(const kpu_cell_shape *shape, kpu_cell *out);
void kpu_cell_pack(const kpu_cell_shape *shape, const kpu_cell *cell, uint64_t *words);
void kpu_cell_unpack(const kpu_cell_shape *shape, const uint64_t *words, kpu_cell *out);

/* Number of points, saturated. */
int64_t kpu_cell_points(const kpu_cell_shape *shape, const kpu_cell *cell);
bool kpu_cell_is_point(const kpu_cell_shape *shape, const kpu_cell *cell);
/* Index of the point with the least value of every range. */
int64_t kpu_cell_first_point(const kpu_cell_shape *shape, const kpu_cell *cell);
/* -1 while there is more than one machine in it. */
int64_t kpu_cell_machine(const kpu_cell_shape *shape, const kpu_cell *cell);
/* False if no tile and block of its ranges go together for one of M, N and K: nothing fits then. */
bool kpu_cell_has_layout(const kpu_cell_shape *shape, const kpu_cell *cell);
/* The least and the largest value of every field of its candidates; of one machine. */
void kpu_cell_extremes(const kpu_cell_shape *shape, const kpu_cell *cell, kpu_point *low,
                       kpu_point *high);
/* The hull of its candidates. */
void kpu_cell_hull(const kpu_cell_shape *shape, const kpu_cell *cell, kpu_box *out);

#endif
