/* Open addressing, linear probing, at most half full. */
#include "explorer/id_set.h"

#include <stdlib.h>

enum { CAPACITY_MIN = 1024 };

/* Where the number is, or would be. */
static size_t find(const kpu_id_set *set, int64_t id)
{
    size_t mask = set->capacity - 1, at = kpu_random_u64(0, 0, (uint64_t)id) & mask;
    while (set->slots[at] != 0 && set->slots[at] != id + 1)
        at = (at + 1) & mask;
    return at;
}

static int grow(kpu_id_set *set)
{
    kpu_id_set larger = {.count = set->count,
                         .capacity = set->capacity ? 2 * set->capacity : CAPACITY_MIN};
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (!larger.slots)
        return KPU_E_MEMORY;
    for (size_t i = 0; i < set->capacity; i++) {
        if (set->slots[i] != 0)
            larger.slots[find(&larger, set->slots[i] - 1)] = set->slots[i];
    }
    free(set->slots);
    *set = larger;
    return KPU_OK;
}

int kpu_id_set_add(kpu_id_set *set, int64_t id, bool *added)
{
    *added = false;
    if (2 * (set->count + 1) > set->capacity) {
        int code = grow(set);
        if (code != KPU_OK)
            return code;
    }
    size_t at = find(set, id);
    *added = set->slots[at] == 0;
    set->slots[at] = id + 1;
    set->count += *added;
    return KPU_OK;
}

bool kpu_id_set_has(const kpu_id_set *set, int64_t id)
{
    return set->capacity > 0 && set->slots[find(set, id)] != 0;
}

void kpu_id_set_fini(kpu_id_set *set)
{
    free(set->slots);
    *set = (kpu_id_set){0};
}
