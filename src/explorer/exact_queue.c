#include "explorer/exact_queue.h"

#include <stdlib.h>
#include <string.h>

/* ---- Pieces ------------------------------------------------------------------------------- */

void kpu_pieces_init(kpu_pieces *pieces, size_t stride)
{
    *pieces = (kpu_pieces){.stride = stride};
}

void kpu_pieces_fini(kpu_pieces *pieces)
{
    for (size_t i = 0; i < pieces->piece_count; i++)
        free(pieces->pieces[i]);
    free(pieces->pieces);
    *pieces = (kpu_pieces){0};
}

static bool add_piece(kpu_pieces *p)
{
    if (p->piece_count == p->piece_capacity) {
        size_t capacity = p->piece_capacity ? 2 * p->piece_capacity : 16;
        char **grown = realloc(p->pieces, capacity * sizeof *grown);
        if (!grown)
            return false;
        p->pieces = grown;
        p->piece_capacity = capacity;
    }
    char *piece = malloc(p->stride << KPU_PIECE_BITS);
    if (!piece)
        return false;
    p->pieces[p->piece_count++] = piece;
    return true;
}

bool kpu_pieces_grow(kpu_pieces *pieces, size_t more)
{
    size_t count = pieces->count + more;
    if (count > UINT32_MAX)
        return false;
    while (pieces->piece_count << KPU_PIECE_BITS < count)
        if (!add_piece(pieces))
            return false;
    pieces->count = count;
    return true;
}

/* ---- Queue -------------------------------------------------------------------------------- */

void kpu_queue_init(kpu_queue *queue, size_t objectives, size_t words)
{
    *queue = (kpu_queue){.objectives = objectives, .words = words};
    kpu_pieces_init(&queue->slots, (1 + objectives + words) * sizeof(uint64_t));
}

void kpu_queue_fini(kpu_queue *queue)
{
    kpu_pieces_fini(&queue->slots);
    free(queue->free_slots);
    free(queue->heap);
    *queue = (kpu_queue){0};
}

/* A slot is its node, its bound, its words. */
static kpu_open_cell cell_at(const kpu_queue *q, uint32_t slot)
{
    uint64_t *data = kpu_pieces_at(&q->slots, slot);
    return (kpu_open_cell){(uint32_t)data[0], (double *)(data + 1), data + 1 + q->objectives};
}

/* The free slots never number more than all slots, so there is room to free any. */
static bool take_slot(kpu_queue *q, uint32_t *out)
{
    if (q->free_count > 0) {
        *out = q->free_slots[--q->free_count];
        return true;
    }
    if (q->slots.count == q->free_capacity) {
        size_t capacity = q->free_capacity ? 2 * q->free_capacity : 1024;
        uint32_t *grown = realloc(q->free_slots, capacity * sizeof *grown);
        if (!grown)
            return false;
        q->free_slots = grown;
        q->free_capacity = capacity;
    }
    *out = (uint32_t)q->slots.count;
    return kpu_pieces_grow(&q->slots, 1);
}

static bool before(kpu_queue_item a, kpu_queue_item b)
{
    return a.key != b.key ? a.key < b.key : a.age > b.age;
}

static void sift_up(kpu_queue *q, size_t at, kpu_queue_item item)
{
    while (at > 0 && before(item, q->heap[(at - 1) / 2])) {
        q->heap[at] = q->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    q->heap[at] = item;
}

static void sift_down(kpu_queue *q, size_t at, kpu_queue_item item)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= q->count)
            break;
        if (child + 1 < q->count && before(q->heap[child + 1], q->heap[child]))
            child++;
        if (before(item, q->heap[child]))
            break;
        q->heap[at] = q->heap[child];
        at = child;
    }
    q->heap[at] = item;
}

bool kpu_queue_push(kpu_queue *queue, double key, const kpu_open_cell *cell)
{
    uint32_t slot;
    if (queue->count == queue->capacity) {
        size_t capacity = queue->capacity ? 2 * queue->capacity : 1024;
        kpu_queue_item *grown = realloc(queue->heap, capacity * sizeof *grown);
        if (!grown)
            return false;
        queue->heap = grown;
        queue->capacity = capacity;
    }
    if (!take_slot(queue, &slot))
        return false;
    kpu_open_cell kept = cell_at(queue, slot);
    *(uint64_t *)kpu_pieces_at(&queue->slots, slot) = cell->node;
    memcpy(kept.bound, cell->bound, queue->objectives * sizeof(double));
    memcpy(kept.words, cell->words, queue->words * sizeof(uint64_t));
    sift_up(queue, queue->count++, (kpu_queue_item){key, slot, queue->pushed++});
    return true;
}

bool kpu_queue_pop(kpu_queue *queue, kpu_open_cell *out)
{
    if (queue->count == 0)
        return false;
    uint32_t slot = queue->heap[0].slot;
    *out = cell_at(queue, slot);
    queue->free_slots[queue->free_count++] = slot;
    queue->count--;
    if (queue->count > 0)
        sift_down(queue, 0, queue->heap[queue->count]);
    return true;
}

kpu_open_cell kpu_queue_at(const kpu_queue *queue, size_t n)
{
    return cell_at(queue, queue->heap[n].slot);
}

/* ---- Tree --------------------------------------------------------------------------------- */

bool kpu_tree_init(kpu_tree *tree, size_t objectives)
{
    kpu_pieces_init(&tree->nodes, sizeof(kpu_node));
    kpu_pieces_init(&tree->values, objectives * sizeof(double));
    if (!kpu_pieces_grow(&tree->nodes, 1))
        return false;
    *kpu_tree_at(tree, 0) = (kpu_node){.kind = KPU_NODE_OPEN};
    return true;
}

void kpu_tree_fini(kpu_tree *tree)
{
    kpu_pieces_fini(&tree->nodes);
    kpu_pieces_fini(&tree->values);
}

bool kpu_tree_split(kpu_tree *tree, uint32_t node, size_t dial, int32_t at)
{
    size_t first = tree->nodes.count;
    if (!kpu_pieces_grow(&tree->nodes, 2))
        return false;
    *kpu_tree_at(tree, node) = (kpu_node){.kind = KPU_NODE_SPLIT,
                                          .dial = (uint32_t)dial & 31,
                                          .at = (uint32_t)at & 0xffffff,
                                          .link = (uint32_t)first};
    for (size_t i = 0; i < 2; i++)
        *kpu_tree_at(tree, (uint32_t)(first + i)) = (kpu_node){.kind = KPU_NODE_OPEN};
    return true;
}

bool kpu_tree_keep(kpu_tree *tree, uint32_t node, const double *values)
{
    size_t at = tree->values.count;
    if (!kpu_pieces_grow(&tree->values, 1))
        return false;
    memcpy(kpu_pieces_at(&tree->values, at), values, tree->values.stride);
    *kpu_tree_at(tree, node) = (kpu_node){.kind = KPU_NODE_SIMULATED, .link = (uint32_t)at};
    return true;
}
