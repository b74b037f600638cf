#include "explorer/ahead.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What takes less is not worth it: rows wait in rooms for some thousand a worker. */
static const int64_t worth_ns = 1000 * 1000;
/* So many bytes are written with every commit, as long as they wait: some 18,000 results. */
enum { BYTES_MAX = 8 << 20, CHAINS = 4096 };

typedef struct entry {
    struct entry *next; /* of its chain */
    int64_t index;
    size_t size;
    char bytes[]; /* as kpu_row_encode writes them */
} entry;

struct kpu_ahead {
    const kpu_space *space;
    pthread_mutex_t lock;  /* of all below, but for asking whether there is anything */
    _Atomic size_t count;  /* entries */
    _Atomic bool is_known; /* some came from an earlier process */
    size_t bytes;
    bool changed; /* since they were written */
    entry *chains[CHAINS];
};

/* In bytes, before each result. */
static const size_t head_bytes = sizeof(int64_t) + sizeof(uint32_t);

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

kpu_ahead *kpu_ahead_new(const kpu_space *space)
{
    kpu_ahead *ahead = calloc(1, sizeof *ahead);
    if (!ahead)
        return NULL;
    ahead->space = space;
    atomic_init(&ahead->count, 0);
    atomic_init(&ahead->is_known, false);
    if (pthread_mutex_init(&ahead->lock, NULL) == 0)
        return ahead;
    free(ahead);
    return NULL;
}

void kpu_ahead_free(kpu_ahead *ahead)
{
    if (!ahead)
        return;
    for (size_t c = 0; c < CHAINS; c++)
        for (entry *e = ahead->chains[c], *next; e; e = next) {
            next = e->next;
            free(e);
        }
    pthread_mutex_destroy(&ahead->lock);
    free(ahead);
}

/* ---- Entries, under the lock -------------------------------------------------------------- */

/* Where the pointer to the entry is, or that to the end of its chain. */
static entry **find(kpu_ahead *ahead, int64_t index)
{
    entry **at = &ahead->chains[kpu_random_u64(0, 0, (uint64_t)index) % CHAINS];
    while (*at && (*at)->index != index)
        at = &(*at)->next;
    return at;
}

/* False: out of memory, or too many. One that is there already stays. */
static bool add(kpu_ahead *ahead, int64_t index, const char *bytes, size_t size)
{
    entry **at = find(ahead, index);
    if (*at)
        return true;
    if (ahead->bytes + head_bytes + size > BYTES_MAX)
        return false;
    entry *e = malloc(sizeof *e + size);
    if (!e)
        return false;
    *e = (entry){.index = index, .size = size};
    memcpy(e->bytes, bytes, size);
    *at = e;
    ahead->bytes += head_bytes + size;
    ahead->changed = true;
    atomic_fetch_add_explicit(&ahead->count, 1, memory_order_relaxed);
    return true;
}

static void drop(kpu_ahead *ahead, entry **at)
{
    entry *e = *at;
    *at = e->next;
    ahead->bytes -= head_bytes + e->size;
    ahead->changed = true;
    atomic_fetch_sub_explicit(&ahead->count, 1, memory_order_relaxed);
    free(e);
}

/* ---- Evaluations -------------------------------------------------------------------------- */

bool kpu_ahead_recall(kpu_ahead *ahead, int64_t index, kpu_metric_value *metrics)
{
    if (!ahead || !atomic_load_explicit(&ahead->is_known, memory_order_relaxed))
        return false;
    pthread_mutex_lock(&ahead->lock);
    const entry *e = *find(ahead, index);
    if (e) {
        kpu_reader reader = {e->bytes, e->size, false};
        kpu_row_decode(&reader, NULL, metrics);
    }
    pthread_mutex_unlock(&ahead->lock);
    return e != NULL;
}

int64_t kpu_ahead_begin(const kpu_ahead *ahead)
{
    return ahead ? now_ns() : 0;
}

/* Without memory for it, it may be lost: then it is evaluated again. */
void kpu_ahead_note(kpu_ahead *ahead, int64_t index, const kpu_metric_value *metrics, int64_t began)
{
    if (ahead && now_ns() - began >= worth_ns)
        kpu_ahead_keep(ahead, index, metrics);
}

void kpu_ahead_keep(kpu_ahead *ahead, int64_t index, const kpu_metric_value *metrics)
{
    kpu_text text = {0};
    if (!ahead)
        return;
    kpu_row_encode(NULL, metrics, &text);
    if (!text.failed) {
        pthread_mutex_lock(&ahead->lock);
        (void)add(ahead, index, text.data, text.length);
        pthread_mutex_unlock(&ahead->lock);
    }
    kpu_text_fini(&text);
}

void kpu_ahead_settle(kpu_ahead *ahead, int64_t index)
{
    if (!ahead || atomic_load_explicit(&ahead->count, memory_order_relaxed) == 0)
        return;
    pthread_mutex_lock(&ahead->lock);
    entry **at = find(ahead, index);
    if (*at)
        drop(ahead, at);
    pthread_mutex_unlock(&ahead->lock);
}

/* ---- From process to process --------------------------------------------------------------- */

bool kpu_ahead_write(kpu_ahead *ahead, kpu_text *out)
{
    if (!ahead)
        return false;
    pthread_mutex_lock(&ahead->lock);
    bool changed = ahead->changed;
    if (changed)
        kpu_text_clear(out);
    for (size_t c = 0; changed && c < CHAINS; c++)
        for (const entry *e = ahead->chains[c]; e; e = e->next) {
            kpu_put_int(out, e->index);
            kpu_put_size(out, e->size);
            kpu_put(out, e->bytes, e->size);
        }
    ahead->changed = ahead->changed && out->failed;
    pthread_mutex_unlock(&ahead->lock);
    return changed && !out->failed;
}

/* The file may come from anywhere. */
static bool is_row(const char *bytes, size_t size, kpu_metric_value *metrics)
{
    kpu_reader reader = {bytes, size, false};
    kpu_row_decode(&reader, NULL, metrics);
    bool good = !reader.failed && reader.left == 0;
    for (size_t m = 0; good && m < kpu_metric_count(); m++) {
        const kpu_metric *metric = kpu_metric_at(m);
        good = !metric->words ||
               (metrics[m].i >= 0 && (uint64_t)metrics[m].i < (uint64_t)metric->word_count);
    }
    return good;
}

static int load(kpu_ahead *ahead, kpu_reader *reader, kpu_metric_value *scratch)
{
    while (reader->left > 0) {
        int64_t index = kpu_read_int(reader);
        size_t size = kpu_read_size(reader);
        const char *bytes = kpu_read_bytes(reader, size);
        if (!bytes || index < 0 || index >= kpu_space_raw_size(ahead->space) ||
            !is_row(bytes, size, scratch))
            return KPU_E_INPUT;
        if (!add(ahead, index, bytes, size))
            return KPU_E_MEMORY;
    }
    return KPU_OK;
}

int kpu_ahead_load(kpu_ahead *ahead, const void *bytes, size_t size)
{
    kpu_reader reader = {bytes, size, false};
    kpu_metric_value *scratch = calloc(kpu_metric_count(), sizeof *scratch);
    int code = scratch ? load(ahead, &reader, scratch) : KPU_E_MEMORY;
    atomic_store_explicit(&ahead->is_known, size > 0, memory_order_relaxed);
    free(scratch);
    return code;
}
