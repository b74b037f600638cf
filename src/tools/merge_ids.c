/* That no id stands twice among rows that do not come by id. A set of all ids could be larger than
 * the memory: it is made of a share of them at a time, the others are passed over. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/merge.h"

enum { BLOCK = 4096, SHARE_BITS = 22 }; /* ids of a share, and half the places for them */

typedef struct id_share {
    int64_t *places; /* -1: free; a power of two of them */
    size_t mask, used;
    uint64_t shares, share; /* of how many, and which one this is */
    const volatile int *stop;
    kpu_metric_value block[BLOCK];
} id_share;

static uint64_t scatter(int64_t id)
{
    uint64_t x = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);
    return x ^ x >> 32;
}

/* False if it is there already. */
static bool add(id_share *set, int64_t id)
{
    uint64_t hash = scatter(id);
    if (hash % set->shares != set->share)
        return true;
    size_t at = (size_t)(hash / set->shares) & set->mask;
    while (set->places[at] >= 0 && set->places[at] != id)
        at = (at + 1) & set->mask;
    bool fresh = set->places[at] < 0;
    set->places[at] = id;
    set->used += fresh;
    return fresh;
}

/* Ids of a run are spread evenly over the shares; those of a file that was made up need not be. */
static bool is_full(const id_share *set)
{
    return set->used > set->mask / 4 * 3;
}

static int add_rows(id_share *set, kpu_results *results, const kpu_merge_part *part, kpu_diag *diag)
{
    const kpu_place place = {.file = part->path};
    int column = kpu_results_find(results, "id");
    kpu_metric_value *ids = set->block;
    int status = column < 0 ? KPU_E_INTERNAL : KPU_OK;
    for (int64_t row = 0; !status && row < part->rows; row += BLOCK) {
        int64_t count = part->rows - row < BLOCK ? part->rows - row : BLOCK;
        status = *set->stop ? KPU_E_INTERRUPTED
                            : kpu_results_read(results, (size_t)column, row, count, ids, diag);
        for (int64_t i = 0; !status && i < count; i++) {
            if (ids[i].i < 0)
                status = kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                                         "row %" PRId64 " has an id below 0", row + i);
            else if (!add(set, ids[i].i))
                status = kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                                         "row %" PRId64 " has the id %" PRId64
                                         ", which stands in this or another part already",
                                         row + i, ids[i].i);
            else if (is_full(set))
                status =
                    kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                                    "row %" PRId64 " has an id that no run has drawn", row + i);
        }
    }
    return status;
}

static int add_part(id_share *set, const kpu_merge_part *part, kpu_diag *diag)
{
    kpu_results *results = NULL;
    int status = kpu_results_open(part->path, &results, diag);
    if (!status)
        status = add_rows(set, results, part, diag);
    kpu_results_close(results);
    return status;
}

/* Twice as many places as the share is expected to have ids, and some. */
static size_t places_for(int64_t rows)
{
    size_t places = 1024;
    while (places < (size_t)2 << SHARE_BITS && places / 2 < (size_t)rows)
        places *= 2;
    return places;
}

int kpu_merge_check_ids(const kpu_merge *merge, kpu_diag *diag)
{
    const int64_t most = ((int64_t)1 << SHARE_BITS) / 4 * 3;
    id_share *set = calloc(1, sizeof *set);
    size_t places = places_for(merge->rows);
    int status = KPU_E_MEMORY;
    if (set)
        set->places = malloc(places * sizeof *set->places);
    if (set && set->places) {
        set->mask = places - 1;
        set->stop = merge->stop;
        set->shares = (uint64_t)(merge->rows / most + 1);
        status = KPU_OK;
    }
    for (; !status && set->share < set->shares; set->share++) {
        memset(set->places, -1, places * sizeof *set->places);
        set->used = 0;
        for (size_t i = 0; !status && i < merge->count; i++)
            status = add_part(set, &merge->parts[i], diag);
    }
    if (set)
        free(set->places);
    free(set);
    return status;
}
