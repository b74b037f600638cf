#include "store/overlay.h"

#include <stdlib.h>
#include <string.h>

enum { SLAB_BLOCKS = 256, FIRST_SLOTS = 1024, SLABS_KEPT = 16 };

void kpu_overlay_fini(kpu_overlay *overlay)
{
    for (size_t i = 0; i < overlay->slab_count; i++)
        free(overlay->slabs[i]);
    free(overlay->slabs);
    free(overlay->numbers);
    free(overlay->changed);
    free(overlay->slots);
    *overlay = (kpu_overlay){0};
}

unsigned char *kpu_overlay_block(const kpu_overlay *overlay, size_t index)
{
    return overlay->slabs[index / SLAB_BLOCKS] + index % SLAB_BLOCKS * KPU_BLOCK_BYTES;
}

/* Where the block is, or would be. */
static size_t slot_of(const kpu_overlay *overlay, uint64_t number)
{
    size_t mask = overlay->slot_count - 1;
    size_t slot = (size_t)((number * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & mask;
    while (overlay->slots[slot] && overlay->numbers[overlay->slots[slot] - 1] != number)
        slot = (slot + 1) & mask;
    return slot;
}

unsigned char *kpu_overlay_find(const kpu_overlay *overlay, uint64_t number)
{
    if (overlay->count == 0)
        return NULL;
    uint32_t found = overlay->slots[slot_of(overlay, number)];
    return found ? kpu_overlay_block(overlay, found - 1) : NULL;
}

static bool grow_slots(kpu_overlay *overlay)
{
    size_t count = overlay->slot_count ? 2 * overlay->slot_count : FIRST_SLOTS;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (!slots)
        return false;
    free(overlay->slots);
    overlay->slots = slots;
    overlay->slot_count = count;
    for (size_t i = 0; i < overlay->count; i++)
        slots[slot_of(overlay, overlay->numbers[i])] = (uint32_t)(i + 1);
    return true;
}

static bool grow_blocks(kpu_overlay *overlay)
{
    size_t slabs = overlay->slab_count, capacity = overlay->capacity + SLAB_BLOCKS;
    uint64_t *numbers = realloc(overlay->numbers, capacity * sizeof *numbers);
    if (numbers)
        overlay->numbers = numbers;
    bool *changed = realloc(overlay->changed, capacity * sizeof *changed);
    if (changed)
        overlay->changed = changed;
    unsigned char **list = realloc(overlay->slabs, (slabs + 1) * sizeof *list);
    if (list)
        overlay->slabs = list;
    unsigned char *slab = malloc((size_t)SLAB_BLOCKS * KPU_BLOCK_BYTES);
    if (!numbers || !changed || !list || !slab || capacity > UINT32_MAX) {
        free(slab);
        return false;
    }
    overlay->slabs[overlay->slab_count++] = slab;
    overlay->capacity = capacity;
    return true;
}

unsigned char *kpu_overlay_add(kpu_overlay *overlay, uint64_t number)
{
    if ((overlay->count == overlay->capacity && !grow_blocks(overlay)) ||
        (2 * overlay->count >= overlay->slot_count && !grow_slots(overlay)))
        return NULL;
    size_t index = overlay->count++;
    overlay->numbers[index] = number;
    overlay->changed[index] = false;
    overlay->slots[slot_of(overlay, number)] = (uint32_t)(index + 1);
    return kpu_overlay_block(overlay, index);
}

unsigned char *kpu_overlay_change(kpu_overlay *overlay, uint64_t number, bool *added)
{
    unsigned char *block = kpu_overlay_find(overlay, number);
    *added = !block;
    if (!block)
        block = kpu_overlay_add(overlay, number);
    if (block)
        overlay->changed[overlay->slots[slot_of(overlay, number)] - 1] = true;
    return block;
}

void kpu_overlay_settle(kpu_overlay *overlay)
{
    if (overlay->count > 0)
        memset(overlay->changed, 0, overlay->count * sizeof *overlay->changed);
}

/* Empty, but for memory that is worth keeping. */
static void clear(kpu_overlay *overlay)
{
    if (overlay->slab_count > SLABS_KEPT) {
        kpu_overlay_fini(overlay);
        return;
    }
    overlay->count = 0;
    if (overlay->slots)
        memset(overlay->slots, 0, overlay->slot_count * sizeof *overlay->slots);
}

bool kpu_overlay_drop_settled(kpu_overlay *overlay)
{
    kpu_overlay kept = {0};
    for (size_t i = 0; i < overlay->count; i++) {
        bool added;
        if (!overlay->changed[i])
            continue;
        unsigned char *block = kpu_overlay_change(&kept, overlay->numbers[i], &added);
        if (!block) {
            kpu_overlay_fini(&kept);
            return false;
        }
        memcpy(block, kpu_overlay_block(overlay, i), KPU_BLOCK_BYTES);
    }
    if (kept.count == 0) {
        clear(overlay);
        return true;
    }
    kpu_overlay_fini(overlay);
    *overlay = kept;
    return true;
}

typedef struct place {
    uint64_t number;
    size_t index;
} place;

static int by_number(const void *a, const void *b)
{
    uint64_t x = ((const place *)a)->number, y = ((const place *)b)->number;
    return (x > y) - (x < y);
}

size_t *kpu_overlay_order(const kpu_overlay *overlay)
{
    place *places = calloc(overlay->count + 1, sizeof *places);
    size_t *order = calloc(overlay->count + 1, sizeof *order);
    if (places && order) {
        for (size_t i = 0; i < overlay->count; i++)
            places[i] = (place){overlay->numbers[i], i};
        qsort(places, overlay->count, sizeof *places, by_number);
        for (size_t i = 0; i < overlay->count; i++)
            order[i] = places[i].index;
    } else {
        free(order);
        order = NULL;
    }
    free(places);
    return order;
}
