/* Private to the explorer: a static k-d tree over points with ids, for questions about dominance
 * (Bentley 1975; every node keeps the corners of its box). It is balanced by rank and takes the
 * dimensions in turn, so that scales of the objectives do not matter. No NaN. */
#ifndef KPU_SRC_EXPLORER_KD_TREE_H
#define KPU_SRC_EXPLORER_KD_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct kpu_kd_tree {
    int objectives;
    size_t count, live; /* points; those of them that are not dead */
    double *values;     /* row-major, in the order of the tree */
    int64_t *ids;
    bool *dead;     /* dominated by a point that came later */
    double *boxes;  /* of node n: lowest corner, highest corner */
    int64_t *least; /* of node n: the least id */
} kpu_kd_tree;

/* An empty tree with room for `count` points, to be filled in by the caller: values, ids, count.
 * False: out of memory. Fini takes what is zeroed. */
bool kpu_kd_init(kpu_kd_tree *tree, int objectives, size_t count);
void kpu_kd_fini(kpu_kd_tree *tree);
/* Orders the points and makes the boxes; all are live. */
void kpu_kd_build(kpu_kd_tree *tree);

/* A point, and its id. */
typedef struct kpu_kd_point {
    const double *values; /* NULL: none */
    int64_t id;
} kpu_kd_point;

/* Lexicographic by values, then by id, and anything is before nothing. */
bool kpu_kd_before(int objectives, kpu_kd_point a, kpu_kd_point b);

/* The first of `best` and of the points, dead ones too, that are at most `bound` everywhere. */
kpu_kd_point kpu_kd_first_below(const kpu_kd_tree *tree, const double *bound, kpu_kd_point best);
/* Marks as dead what is at least `value` everywhere and more somewhere. */
void kpu_kd_kill_above(kpu_kd_tree *tree, const double *value);

#endif
