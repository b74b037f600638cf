/* Rows that are kept of many: the members of the fronts, the best, or some at random. The best and
 * those at random are the least in an order of all candidates, so it does not matter in which order
 * they come. */
#include <math.h>
#include <stdlib.h>

#include "explorer/search.h"

/* A row as a heap knows it. */
typedef struct entry {
    union {
        double cost;
        uint64_t draw;
    } key;
    int64_t id, number;
} entry;

/* The least `count` that came, the greatest of them first. */
typedef struct heap {
    entry *entries;
    size_t count, capacity;
} heap;

struct kpu_selection {
    const kpu_space *space;
    kpu_keep keep;
    size_t parts; /* fronts, or heaps: one a GEMM, or one of all */
    kpu_archive **fronts;
    heap *heaps;
};

/* ---- Heaps ------------------------------------------------------------------------------- */

static bool precedes(kpu_keep_kind kind, const entry *a, const entry *b)
{
    if (kind == KPU_KEEP_TOP && a->key.cost != b->key.cost)
        return a->key.cost < b->key.cost;
    if (kind == KPU_KEEP_SAMPLE && a->key.draw != b->key.draw)
        return a->key.draw < b->key.draw;
    return a->id < b->id;
}

static bool make_room(heap *h)
{
    if (h->count < h->capacity)
        return true;
    size_t capacity = h->capacity ? 2 * h->capacity : 16;
    entry *larger = realloc(h->entries, capacity * sizeof *larger);
    if (!larger)
        return false;
    h->entries = larger;
    h->capacity = capacity;
    return true;
}

static void rise(kpu_keep_kind kind, heap *h, size_t at, const entry *e)
{
    for (; at > 0 && precedes(kind, &h->entries[(at - 1) / 2], e); at = (at - 1) / 2)
        h->entries[at] = h->entries[(at - 1) / 2];
    h->entries[at] = *e;
}

static void sink(kpu_keep_kind kind, heap *h, const entry *e)
{
    size_t at = 0;
    for (size_t child = 1; child < h->count; child = 2 * at + 1) {
        if (child + 1 < h->count && precedes(kind, &h->entries[child], &h->entries[child + 1]))
            child++;
        if (!precedes(kind, e, &h->entries[child]))
            break;
        h->entries[at] = h->entries[child];
        at = child;
    }
    h->entries[at] = *e;
}

static int keep_least(kpu_selection *s, heap *h, const entry *e, bool *accepted)
{
    *accepted = true;
    if ((int64_t)h->count < s->keep.count) {
        if (!make_room(h))
            return KPU_E_MEMORY;
        rise(s->keep.kind, h, h->count++, e);
    } else if (precedes(s->keep.kind, e, &h->entries[0])) {
        sink(s->keep.kind, h, e);
    } else {
        *accepted = false;
    }
    return KPU_OK;
}

/* ---- Making ------------------------------------------------------------------------------ */

static bool make_fronts(kpu_selection *s)
{
    s->fronts = calloc(s->parts, sizeof(kpu_archive *));
    for (size_t i = 0; s->fronts && i < s->parts; i++) {
        s->fronts[i] = kpu_archive_new((int)kpu_space_objective_count(s->space));
        if (!s->fronts[i])
            return false;
    }
    return s->fronts != NULL;
}

kpu_selection *kpu_selection_new(const kpu_space *space, kpu_keep keep)
{
    kpu_selection *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    *s = (kpu_selection){.space = space, .keep = keep, .parts = kpu_space_gemm_count(space)};
    if (keep.kind == KPU_KEEP_SAMPLE)
        s->parts = 1;
    if (keep.kind != KPU_KEEP_FRONT)
        s->heaps = calloc(s->parts, sizeof *s->heaps);
    if (keep.kind == KPU_KEEP_FRONT ? make_fronts(s) : s->heaps != NULL)
        return s;
    kpu_selection_free(s);
    return NULL;
}

void kpu_selection_free(kpu_selection *selection)
{
    if (!selection)
        return;
    for (size_t i = 0; selection->fronts && i < selection->parts; i++)
        kpu_archive_free(selection->fronts[i]);
    for (size_t i = 0; selection->heaps && i < selection->parts; i++)
        free(selection->heaps[i].entries);
    free(selection->fronts);
    free(selection->heaps);
    free(selection);
}

/* ---- Offering ---------------------------------------------------------------------------- */

static int offer_to_front(kpu_selection *s, const kpu_row *row, int64_t number, bool *accepted)
{
    kpu_archive *front = s->fronts[row->point.gemm];
    double costs[KPU_OBJECTIVES_MAX];
    *accepted =
        kpu_search_costs(s->space, row->metrics, costs) && kpu_archive_dominator(front, costs) < 0;
    return *accepted ? kpu_archive_add(front, costs, number) : KPU_OK;
}

static int offer_to_top(kpu_selection *s, const kpu_row *row, int64_t number, bool *accepted)
{
    entry e = {.id = row->point.index, .number = number};
    e.key.cost = kpu_search_cost(s->space, row->metrics, 0);
    *accepted = false;
    if (row->metrics[kpu_metric_find("feasible")].i == 0 || isnan(e.key.cost))
        return KPU_OK;
    return keep_least(s, &s->heaps[row->point.gemm], &e, accepted);
}

static int offer_to_sample(kpu_selection *s, const kpu_row *row, int64_t number, bool *accepted)
{
    const entry e = {.key.draw = kpu_random_u64(kpu_space_seed(s->space), KPU_STREAM_KEEP,
                                                (uint64_t)row->point.index),
                     .id = row->point.index,
                     .number = number};
    return keep_least(s, &s->heaps[0], &e, accepted);
}

int kpu_selection_offer(kpu_selection *selection, const kpu_row *row, int64_t number,
                        bool *accepted)
{
    static int (*const ways[])(kpu_selection *, const kpu_row *, int64_t, bool *) = {
        [KPU_KEEP_FRONT] = offer_to_front,
        [KPU_KEEP_TOP] = offer_to_top,
        [KPU_KEEP_SAMPLE] = offer_to_sample,
    };
    return ways[selection->keep.kind](selection, row, number, accepted);
}

/* ---- Listing ----------------------------------------------------------------------------- */

static int compare_numbers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static size_t count_of(const kpu_selection *s, size_t part)
{
    return s->fronts ? kpu_archive_count(s->fronts[part]) : s->heaps[part].count;
}

static int read_numbers(const kpu_selection *s, size_t part, int64_t *out)
{
    if (s->fronts)
        return kpu_archive_read(s->fronts[part], NULL, out);
    for (size_t i = 0; i < s->heaps[part].count; i++)
        out[i] = s->heaps[part].entries[i].number;
    return KPU_OK;
}

int kpu_selection_list(const kpu_selection *selection, int64_t **numbers, size_t *count)
{
    int code = KPU_OK;
    *count = 0;
    for (size_t i = 0; i < selection->parts; i++)
        *count += count_of(selection, i);
    *numbers = malloc((*count + 1) * sizeof **numbers);
    if (!*numbers)
        return KPU_E_MEMORY;
    int64_t *next = *numbers;
    for (size_t i = 0; code == KPU_OK && i < selection->parts; i++) {
        code = read_numbers(selection, i, next);
        next += count_of(selection, i);
    }
    if (code == KPU_OK) {
        qsort(*numbers, *count, sizeof **numbers, compare_numbers);
        return KPU_OK;
    }
    free(*numbers);
    *numbers = NULL;
    *count = 0;
    return code;
}
