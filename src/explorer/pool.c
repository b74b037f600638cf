/* A pool of workers: see serve.h.
 *
 * Items stand in a queue of messages, as they came. A worker takes several at a time when they are
 * cheap, under a lock, and puts what came out into a common text, under the same lock. */
#include "explorer/serve.h"

#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { CLAIM_MAX = 64, WORKERS_MAX = 1024 };
static const int64_t claim_target_ns = 200 * 1000;
static const int64_t second_ns = 1000 * 1000 * 1000;

typedef struct batch {
    struct batch *next;
    kpu_pool_work work; /* items that nobody has taken */
    size_t users;       /* workers that read the message */
} batch;

struct kpu_pool {
    const kpu_pool_options *options;
    _Atomic bool opened, dropped;
    size_t size; /* workers */
    kpu_worker *alone;

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t filled, emptied;
    batch *head, *tail; /* with items to take */
    size_t busy;        /* workers that have some */
    size_t present;     /* workers that have not gone */
    bool closed;
    kpu_pool_done done;
};

/* What a worker has taken. */
typedef struct claim {
    batch *from;
    kpu_remote_job job;
    kpu_reader items;
    int64_t first, count, most;
    int error;
    kpu_text out;
} claim;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * second_ns + t.tv_nsec;
}

static bool is_stopped(void *context)
{
    kpu_pool *p = context;
    const volatile int *stop = p->options->stop;
    return atomic_load_explicit(&p->dropped, memory_order_relaxed) || (stop && *stop);
}

/* ---- The queue, under the lock ------------------------------------------------------------ */

static void release(batch *b)
{
    if (b->work.count > 0 || b->users > 0)
        return;
    free(b->work.message);
    free(b);
}

/* Takes items off the first batch, which leaves the queue with its last one. */
static bool take(kpu_pool *p, claim *c)
{
    batch *b = p->head;
    if (!b)
        return false;
    kpu_pool_work *w = &b->work;
    c->from = b;
    c->job = w->job;
    c->items = w->items;
    c->first = w->first;
    c->count = w->count < c->most ? w->count : c->most;
    for (int64_t i = 0; i < c->count; i++)
        kpu_read_bytes(&w->items, kpu_read_size(&w->items));
    w->first += c->count;
    w->count -= c->count;
    b->users++;
    p->busy++;
    if (w->count == 0) {
        p->head = b->next;
        p->tail = p->head ? p->tail : NULL;
    }
    return true;
}

static void put_back(kpu_pool *p, claim *c, int64_t spent)
{
    bool is_wanted = !atomic_load_explicit(&p->dropped, memory_order_relaxed);
    c->from->users--;
    release(c->from);
    if (is_wanted && c->error == KPU_OK) {
        kpu_put(&p->done.text, c->out.data, c->out.length);
        p->done.spent_ns += spent;
    }
    if (p->done.error == KPU_OK)
        p->done.error = c->error == KPU_OK && p->done.text.failed ? KPU_E_MEMORY : c->error;
    p->busy--;
    if (p->busy == 0 && !p->head)
        pthread_cond_signal(&p->emptied);
}

/* ---- Workers ------------------------------------------------------------------------------ */

/* False: whoever does the item must not be this rank. */
static bool do_item(kpu_pool *p, kpu_worker *w, claim *c, int64_t item)
{
    size_t size = kpu_read_size(&c->items);
    const char *bytes = kpu_read_bytes(&c->items, size);
    kpu_reader reader = {bytes, size, bytes == NULL};
    const kpu_served_job *job = &kpu_served_jobs[c->job];
    kpu_put_int(&c->out, item);
    size_t code_at = c->out.length;
    kpu_put_int32(&c->out, KPU_OK);
    size_t out = kpu_begin_size(&c->out);
    int32_t code =
        w->simulator ? job->serve(p->options->serving, w, item, &reader, &c->out) : KPU_E_MEMORY;
    kpu_end_size(&c->out, out);
    if (c->out.failed || reader.failed)
        code = c->out.failed ? KPU_E_MEMORY : KPU_E_INTERNAL;
    else
        memcpy(c->out.data + code_at, &code, sizeof code);
    /* These are no answers: another one may do better. */
    c->error = code == KPU_E_MEMORY || code == KPU_E_INTERRUPTED || reader.failed ? code : KPU_OK;
    return c->error == KPU_OK;
}

static void do_items(kpu_pool *p, kpu_worker *w, claim *c)
{
    kpu_text_clear(&c->out);
    c->out.failed = false;
    c->error = KPU_OK;
    for (int64_t i = 0; i < c->count && !is_stopped(p) && do_item(p, w, c, c->first + i); i++) {
    }
    if (is_stopped(p))
        c->error = KPU_E_INTERRUPTED;
}

/* Called with the lock, returns with it. */
static void work(kpu_pool *p, kpu_worker *w, claim *c)
{
    pthread_mutex_unlock(&p->lock);
    int64_t began = now_ns();
    do_items(p, w, c);
    int64_t spent = now_ns() - began;
    if (spent < claim_target_ns / 2 && c->count == c->most && c->most < CLAIM_MAX)
        c->most *= 2;
    else if (spent > claim_target_ns && c->most > 1)
        c->most /= 2;
    pthread_mutex_lock(&p->lock);
    put_back(p, c, spent);
}

static kpu_simulator *make_simulator(kpu_pool *p)
{
    kpu_simulator *simulator = kpu_simulator_new();
    if (simulator) {
        kpu_simulator_set_stop(simulator, is_stopped, p);
        kpu_simulator_set_fast_forward(simulator, !p->options->plain_walk);
    }
    return simulator;
}

static void run_worker(kpu_pool *p, size_t number)
{
    /* As in team.c: what makes *p visible to those who do not know the OpenMP runtime. */
    (void)atomic_load_explicit(&p->opened, memory_order_acquire);
    kpu_worker w = {.number = number, .simulator = make_simulator(p)};
    claim c = {.most = 1};
    pthread_mutex_lock(&p->lock);
    while (!p->closed) {
        if (take(p, &c))
            work(p, &w, &c);
        else
            pthread_cond_wait(&p->filled, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    kpu_simulator_free(w.simulator);
    kpu_text_fini(&c.out);
    pthread_mutex_lock(&p->lock);
    p->present--;
    pthread_cond_signal(&p->emptied);
    pthread_mutex_unlock(&p->lock);
}

/* ---- Leading ------------------------------------------------------------------------------ */

size_t kpu_pool_size(const kpu_pool *pool)
{
    return pool->size;
}

bool kpu_pool_add(kpu_pool *pool, const kpu_pool_work *work)
{
    batch *b = calloc(1, sizeof *b);
    if (!b || work->count < 1) {
        free(work->message);
        free(b);
        return b != NULL;
    }
    b->work = *work;
    pthread_mutex_lock(&pool->lock);
    if (pool->tail)
        pool->tail->next = b;
    else
        pool->head = b;
    pool->tail = b;
    pthread_cond_broadcast(&pool->filled);
    pthread_mutex_unlock(&pool->lock);
    return true;
}

void kpu_pool_drop(kpu_pool *pool)
{
    atomic_store_explicit(&pool->dropped, true, memory_order_relaxed);
    pthread_mutex_lock(&pool->lock);
    while (pool->head) {
        batch *b = pool->head;
        pool->head = b->next;
        b->work.count = 0;
        release(b);
    }
    pool->tail = NULL;
    while (pool->busy > 0)
        pthread_cond_wait(&pool->emptied, &pool->lock);
    kpu_text_clear(&pool->done.text);
    pool->done.spent_ns = 0;
    if (pool->done.error == KPU_E_INTERRUPTED)
        pool->done.error = KPU_OK;
    pthread_mutex_unlock(&pool->lock);
    atomic_store_explicit(&pool->dropped, false, memory_order_relaxed);
}

static void work_alone(kpu_pool *p)
{
    claim c = {.most = 1};
    pthread_mutex_lock(&p->lock);
    if (take(p, &c))
        work(p, p->alone, &c);
    pthread_mutex_unlock(&p->lock);
    kpu_text_fini(&c.out);
}

static bool is_idle(const kpu_pool *p)
{
    return p->busy == 0 && !p->head;
}

void kpu_pool_wait(kpu_pool *pool, int64_t ns)
{
    int64_t at = now_ns() + ns;
    struct timespec until = {.tv_sec = (time_t)(at / second_ns), .tv_nsec = (long)(at % second_ns)};
    pthread_mutex_lock(&pool->lock);
    bool was_idle = is_idle(pool);
    while (!pool->alone && (was_idle || !is_idle(pool)) &&
           pthread_cond_timedwait(&pool->emptied, &pool->lock, &until) == 0) {
    }
    pthread_mutex_unlock(&pool->lock);
    if (!pool->alone)
        return;
    if (was_idle)
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    else
        work_alone(pool);
}

bool kpu_pool_has_news(kpu_pool *pool, bool waited, size_t bytes)
{
    pthread_mutex_lock(&pool->lock);
    size_t done = pool->done.text.length;
    bool has =
        pool->done.error != KPU_OK || done >= bytes || (done > 0 && (waited || is_idle(pool)));
    pthread_mutex_unlock(&pool->lock);
    return has;
}

void kpu_pool_collect(kpu_pool *pool, kpu_pool_done *done)
{
    kpu_text empty = done->text;
    pthread_mutex_lock(&pool->lock);
    *done = pool->done;
    pool->done.text = empty;
    pool->done.spent_ns = 0;
    pthread_mutex_unlock(&pool->lock);
}

/* ---- The whole ---------------------------------------------------------------------------- */

typedef struct leading {
    int (*lead)(void *context, kpu_pool *pool);
    void *context;
} leading;

static void close_pool(kpu_pool *p)
{
    kpu_pool_drop(p);
    pthread_mutex_lock(&p->lock);
    p->closed = true;
    pthread_cond_broadcast(&p->filled);
    while (p->present > 0)
        pthread_cond_wait(&p->emptied, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

static int lead_workers(kpu_pool *p, size_t workers, const leading *what)
{
    kpu_worker alone = {.simulator = workers > 0 ? NULL : make_simulator(p)};
    p->size = workers > 0 ? workers : 1;
    p->alone = workers > 0 ? NULL : &alone;
    pthread_mutex_lock(&p->lock);
    p->present = workers;
    pthread_mutex_unlock(&p->lock);
    int code = what->lead(what->context, p);
    close_pool(p);
    kpu_simulator_free(alone.simulator);
    return code;
}

/* The one parallel region; ThreadSanitizer must not look at it, as in team.c. */
__attribute__((no_sanitize("thread"))) static int run_pool(kpu_pool *p, int threads,
                                                           const leading *what)
{
    int code = KPU_E_INTERNAL;
#pragma omp parallel num_threads(threads) shared(p, what, code) default(none)
    {
        if (omp_get_thread_num() == 0)
            code = lead_workers(p, (size_t)omp_get_num_threads() - 1, what);
        else
            run_worker(p, (size_t)omp_get_thread_num() - 1);
    }
    return code;
}

static bool make_conditions(kpu_pool *p)
{
    pthread_condattr_t monotonic;
    if (pthread_condattr_init(&monotonic) != 0)
        return false;
    bool made = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&p->emptied, &monotonic) == 0;
    pthread_condattr_destroy(&monotonic);
    if (made && pthread_cond_init(&p->filled, NULL) != 0) {
        pthread_cond_destroy(&p->emptied);
        made = false;
    }
    return made;
}

int kpu_pool_open(const kpu_pool_options *options, int threads,
                  int (*lead)(void *context, kpu_pool *pool), void *context, kpu_diag *diag)
{
    kpu_pool pool = {.options = options};
    const leading what = {lead, context};
    int workers = threads < WORKERS_MAX ? threads : WORKERS_MAX;
    if (pthread_mutex_init(&pool.lock, NULL) != 0)
        return kpu_diag_add(diag, KPU_E_MEMORY, "cannot start workers");
    if (!make_conditions(&pool)) {
        pthread_mutex_destroy(&pool.lock);
        return kpu_diag_add(diag, KPU_E_MEMORY, "cannot start workers");
    }
    atomic_store_explicit(&pool.opened, true, memory_order_release);
    int code = run_pool(&pool, workers + 1, &what);
    kpu_text_fini(&pool.done.text);
    pthread_cond_destroy(&pool.filled);
    pthread_cond_destroy(&pool.emptied);
    pthread_mutex_destroy(&pool.lock);
    return code;
}
