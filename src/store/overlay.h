/* What was written over committed parts of a file and is not in it yet: blocks by their number.
 * Zeroed memory is a valid empty one. */
#ifndef KPU_STORE_OVERLAY_H
#define KPU_STORE_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KPU_BLOCK_BYTES = 512 };

typedef struct kpu_overlay {
    uint64_t *numbers; /* of each block */
    bool *changed;     /* since it was settled */
    unsigned char **slabs;
    size_t count, capacity, slab_count;
    uint32_t *slots; /* hash table: index + 1, 0 is free */
    size_t slot_count;
} kpu_overlay;

void kpu_overlay_fini(kpu_overlay *overlay);
/* NULL if it is not there. */
unsigned char *kpu_overlay_find(const kpu_overlay *overlay, uint64_t number);
/* A block that is not there yet, unset, unchanged. NULL: out of memory. */
unsigned char *kpu_overlay_add(kpu_overlay *overlay, uint64_t number);
/* The block, to be changed, and whether it was added for that. */
unsigned char *kpu_overlay_change(kpu_overlay *overlay, uint64_t number, bool *added);
/* From now on what is there now counts as unchanged. */
void kpu_overlay_settle(kpu_overlay *overlay);
/* Forgets what was not changed since. False: out of memory, nothing happened. */
bool kpu_overlay_drop_settled(kpu_overlay *overlay);
unsigned char *kpu_overlay_block(const kpu_overlay *overlay, size_t index);
/* Indices of all blocks by ascending number, malloc'ed; NULL: out of memory. */
size_t *kpu_overlay_order(const kpu_overlay *overlay);

#endif
