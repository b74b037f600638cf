/* The ring of kpu_explore: see ring.h. What is relaxed here is ordered by `finished` and
 * `delivered`, or need not be exact. */
#include "explorer/ring.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLOTS_PER_WORKER = 256,
    SLOTS_MIN = 512,
    SLOTS_MAX = 4096,
    SLOTS_PER_RANK = 2048,
    SLOTS_OF_RANKS_MAX = 1 << 17,
    ENCODED_BYTES = 32 << 20, /* that wait, or are to come from other ranks */
    UNITS_PER_THREAD = 2,     /* more, if these take more */
    FIRST_BYTES = 2,          /* of a metric, as long as nothing is known */
    KEPT_BYTES = 16           /* that a block of memory takes beyond its own */
};
static const double learning = 1.0 / 64;

bool kpu_ring_init(kpu_ring *ring, const kpu_units *units, int workers, int ranks)
{
    int64_t most = kpu_units_count(units), count = (int64_t)workers * SLOTS_PER_WORKER;
    int64_t of_ranks = (int64_t)ranks * SLOTS_PER_RANK;
    count = count < SLOTS_MIN ? SLOTS_MIN : count > SLOTS_MAX ? SLOTS_MAX : count;
    of_ranks = ranks < 2 ? 0 : of_ranks < SLOTS_OF_RANKS_MAX ? of_ranks : SLOTS_OF_RANKS_MAX;
    ring->units = units;
    ring->has_ranks = ranks > 1;
    ring->plain_max = count;
    ring->unit_bytes = (double)(KPU_UNIT_POINTS * kpu_metric_count()) * FIRST_BYTES;
    count = count > of_ranks ? count : of_ranks;
    count = count < most ? count : most > 0 ? most : 1;
    atomic_init(&ring->delivered, 0);
    atomic_init(&ring->plain, 0);
    atomic_init(&ring->encoded, 0);
    atomic_init(&ring->encoded_max, ENCODED_BYTES);
    ring->slot_count = (size_t)count;
    ring->slots = calloc(ring->slot_count, sizeof *ring->slots);
    return ring->slots != NULL;
}

void kpu_ring_fini(kpu_ring *ring)
{
    for (size_t i = 0; ring->slots && i < ring->slot_count; i++) {
        free(ring->slots[i].encoded);
        kpu_unit_free(&ring->slots[i].unit);
    }
    free(ring->slots);
    ring->slots = NULL;
}

/* ---- Workers ----------------------------------------------------------------------------- */

bool kpu_ring_reaches(kpu_ring *ring, int64_t unit)
{
    int64_t delivered = atomic_load_explicit(&ring->delivered, memory_order_acquire);
    return unit - delivered < (int64_t)ring->slot_count;
}

bool kpu_ring_is_full(kpu_ring *ring)
{
    return atomic_load_explicit(&ring->encoded, memory_order_relaxed) >
           atomic_load_explicit(&ring->encoded_max, memory_order_relaxed);
}

bool kpu_ring_encodes(kpu_ring *ring)
{
    return ring->has_ranks &&
           atomic_load_explicit(&ring->plain, memory_order_relaxed) >= ring->plain_max;
}

void kpu_ring_keep(kpu_ring *ring, int64_t unit, const char *bytes, size_t size)
{
    kpu_slot *s = kpu_ring_slot(ring, unit);
    s->bytes = size;
    s->encoded = bytes ? malloc(size + 1) : NULL;
    if (s->encoded)
        memcpy(s->encoded, bytes, size);
    else
        s->error = kpu_unit_lack_memory(ring->units, unit, &s->unit);
}

void kpu_ring_finish(kpu_ring *ring, int64_t unit)
{
    kpu_slot *s = kpu_ring_slot(ring, unit);
    s->is_noted = false;
    if (ring->has_ranks && s->encoded)
        atomic_fetch_add_explicit(&ring->encoded, (int64_t)s->bytes, memory_order_relaxed);
    else if (ring->has_ranks)
        atomic_fetch_add_explicit(&ring->plain, 1, memory_order_relaxed);
    atomic_store_explicit(&s->finished, unit + 1, memory_order_release);
}

/* ---- The sink's thread -------------------------------------------------------------------- */

bool kpu_ring_is_finished(const kpu_ring *ring, int64_t unit)
{
    const kpu_slot *s = kpu_ring_slot(ring, unit);
    return atomic_load_explicit(&s->finished, memory_order_acquire) == unit + 1;
}

/* Of a long ring the slots keep no memory. */
static void empty_slot(kpu_ring *ring, kpu_slot *s)
{
    if (s->encoded)
        atomic_fetch_sub_explicit(&ring->encoded, (int64_t)s->bytes, memory_order_relaxed);
    else
        atomic_fetch_sub_explicit(&ring->plain, 1, memory_order_relaxed);
    free(s->encoded);
    s->encoded = NULL;
    kpu_unit_free(&s->unit);
}

void kpu_ring_advance(kpu_ring *ring)
{
    int64_t unit = atomic_load_explicit(&ring->delivered, memory_order_relaxed);
    if (ring->has_ranks)
        empty_slot(ring, kpu_ring_slot(ring, unit));
    atomic_store_explicit(&ring->delivered, unit + 1, memory_order_release);
}

int64_t kpu_ring_end_of_lending(kpu_ring *ring, size_t threads, int64_t next, int64_t lent)
{
    int64_t delivered = atomic_load_explicit(&ring->delivered, memory_order_relaxed);
    int64_t waiting = atomic_load_explicit(&ring->encoded, memory_order_relaxed);
    int64_t end = delivered + (int64_t)ring->slot_count, count = kpu_units_count(ring->units);
    double least = UNITS_PER_THREAD * ring->unit_bytes * (double)threads;
    int64_t most = least > ENCODED_BYTES ? (int64_t)least : ENCODED_BYTES;
    int64_t fit = next + (int64_t)((double)(most - waiting) / ring->unit_bytes) - lent;
    atomic_store_explicit(&ring->encoded_max, most, memory_order_relaxed);
    end = end < fit ? end : fit;
    return end < count ? end : count;
}

void kpu_ring_learn(kpu_ring *ring, size_t size)
{
    ring->unit_bytes += learning * ((double)(size + KEPT_BYTES) - ring->unit_bytes);
}

/* ---- Units -------------------------------------------------------------------------------- */

bool kpu_unit_make_room(kpu_unit *unit)
{
    if (unit->rows)
        return true;
    size_t metrics = KPU_UNIT_POINTS * kpu_metric_count();
    unit->metrics = malloc(metrics * sizeof *unit->metrics + KPU_UNIT_POINTS * sizeof *unit->rows);
    unit->rows = unit->metrics ? (kpu_row *)(void *)(unit->metrics + metrics) : NULL;
    return unit->rows != NULL;
}

void kpu_unit_free(kpu_unit *unit)
{
    free(unit->metrics);
    *unit = (kpu_unit){0};
}

int kpu_unit_lack_memory(const kpu_units *units, int64_t unit, kpu_unit *out)
{
    out->count = 0;
    out->candidates = 0;
    out->end = kpu_units_begin(units, unit);
    return KPU_E_MEMORY;
}
