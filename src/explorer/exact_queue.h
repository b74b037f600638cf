/* The open cells of one GEMM, best first, and the tree of its splits. Both grow in pieces that
 * never move, so that growing needs no second copy. */
#ifndef KPU_EXPLORER_EXACT_QUEUE_H
#define KPU_EXPLORER_EXACT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Pieces ------------------------------------------------------------------------------- */

/* An array of elements of `stride` bytes, at most 2^32. init/fini. */
typedef struct kpu_pieces {
    size_t stride, count, piece_count, piece_capacity;
    char **pieces;
} kpu_pieces;

void kpu_pieces_init(kpu_pieces *pieces, size_t stride);
void kpu_pieces_fini(kpu_pieces *pieces);
/* Makes room for `more` elements, whose content is undefined. False: out of memory. */
bool kpu_pieces_grow(kpu_pieces *pieces, size_t more);
enum { KPU_PIECE_BITS = 12 };
static inline void *kpu_pieces_at(const kpu_pieces *pieces, size_t n)
{
    return pieces->pieces[n >> KPU_PIECE_BITS] +
           (n & ((1u << KPU_PIECE_BITS) - 1)) * pieces->stride;
}

/* ---- Queue -------------------------------------------------------------------------------- */

/* What is kept of an open cell: its bound and its packed ranges. */
typedef struct kpu_open_cell {
    uint32_t node; /* of the tree */
    double *bound;
    uint64_t *words;
} kpu_open_cell;

typedef struct kpu_queue_item {
    double key;
    uint32_t slot;
    uint32_t age; /* how many were pushed before it */
} kpu_queue_item;

/* A heap. Of equal keys the one pushed last is the first: where keys tell nothing, the search goes
 * deep and not wide. */
typedef struct kpu_queue {
    size_t objectives, words;
    uint32_t pushed;
    kpu_pieces slots;
    uint32_t *free_slots;
    size_t free_count, free_capacity;
    kpu_queue_item *heap;
    size_t count, capacity;
} kpu_queue;

void kpu_queue_init(kpu_queue *queue, size_t objectives, size_t words);
void kpu_queue_fini(kpu_queue *queue);
/* Copies `cell`. False: out of memory. */
bool kpu_queue_push(kpu_queue *queue, double key, const kpu_open_cell *cell);
/* The cell of the least key leaves; its arrays belong to the queue and are valid until the next
 * push. False: empty. */
bool kpu_queue_pop(kpu_queue *queue, kpu_open_cell *out);
/* The n-th of queue->count, in no order. */
kpu_open_cell kpu_queue_at(const kpu_queue *queue, size_t n);

/* ---- Tree --------------------------------------------------------------------------------- */

/* How a cell ended. What else a certificate says is computed when it is written. */
typedef enum kpu_node_kind {
    KPU_NODE_OPEN,
    KPU_NODE_SPLIT,
    KPU_NODE_EMPTY,    /* nothing in it fits, or is admitted */
    KPU_NODE_BOUNDED,  /* its bound was dominated */
    KPU_NODE_SIMULATED /* one candidate */
} kpu_node_kind;

typedef struct kpu_node {
    uint32_t kind : 3, dial : 5, at : 24; /* SPLIT: at this value of the range */
    uint32_t link; /* SPLIT: the first of two nodes; SIMULATED: where its values stand */
} kpu_node;
_Static_assert(sizeof(kpu_node) == 8, "ten million nodes are 80 MB");

typedef struct kpu_tree {
    kpu_pieces nodes;  /* kpu_node; the first is the root */
    kpu_pieces values; /* objectives of what was simulated */
} kpu_tree;

/* With an open root. False: out of memory; fini it in any case. */
bool kpu_tree_init(kpu_tree *tree, size_t objectives);
void kpu_tree_fini(kpu_tree *tree);
static inline kpu_node *kpu_tree_at(const kpu_tree *tree, uint32_t node)
{
    return kpu_pieces_at(&tree->nodes, node);
}
/* False: out of memory, or of numbers of nodes. */
bool kpu_tree_split(kpu_tree *tree, uint32_t node, size_t dial, int32_t at);
bool kpu_tree_keep(kpu_tree *tree, uint32_t node, const double *values);

#endif
