/* A team of workers: see team.h.
 *
 * A batch is announced and ended under a lock with two conditions, once each; items are claimed by
 * one atomic addition, several at a time when they are cheap. */
#include "explorer/team.h"

#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum {
    CLAIM_MAX = 16,
    WORKERS_MAX = 1024 /* beyond, the OpenMP runtime may fail to start them, and would exit */
};
static const int64_t claim_target_ns = 50 * 1000;
static const int64_t watch_ns = 5 * 1000 * 1000;
static const int64_t second_ns = 1000 * 1000 * 1000;

struct kpu_team {
    const kpu_team_options *options;
    _Atomic bool opened; /* everything above, the lock and the conditions are in place */

    pthread_mutex_t lock;
    pthread_cond_t announced, ended;
    uint64_t batch; /* under the lock, as all up to `error`: how many were announced */
    size_t size;    /* workers */
    size_t busy;    /* workers that have not left the batch */
    bool closed;    /* there will be no further one */
    int error;      /* of the item `failed` */

    kpu_team_job job; /* written before the batch is announced */
    void *context;
    int64_t count;
    _Atomic int64_t next;   /* first item that nobody has claimed */
    _Atomic int64_t failed; /* first item that failed so far; `count` if none */
    _Atomic bool cancelled;
    kpu_worker *alone; /* of the leading thread, if it has no other */
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * second_ns + t.tv_nsec;
}

static bool asks_to_stop(kpu_team *t)
{
    if (t->options->is_stopped && t->options->is_stopped(t->options->context))
        atomic_store_explicit(&t->cancelled, true, memory_order_relaxed);
    return atomic_load_explicit(&t->cancelled, memory_order_relaxed);
}

/* ---- Working ----------------------------------------------------------------------------- */

static void note_failure(kpu_team *t, int64_t item, int error)
{
    pthread_mutex_lock(&t->lock);
    if (item < atomic_load_explicit(&t->failed, memory_order_relaxed)) {
        atomic_store_explicit(&t->failed, item, memory_order_relaxed);
        t->error = error;
    }
    pthread_mutex_unlock(&t->lock);
}

/* An item behind one that failed need not be done, those before it must: then the first failure is
 * the same whoever meets it. */
static void do_item(kpu_team *t, kpu_worker *w, int64_t item)
{
    if (atomic_load_explicit(&t->cancelled, memory_order_relaxed) ||
        item > atomic_load_explicit(&t->failed, memory_order_relaxed))
        return;
    int error = w->simulator ? t->job(t->context, w, item) : KPU_E_MEMORY;
    if (error == KPU_E_INTERRUPTED)
        atomic_store_explicit(&t->cancelled, true, memory_order_relaxed);
    else if (error != KPU_OK)
        note_failure(t, item, error);
}

static void work(kpu_team *t, kpu_worker *w)
{
    int64_t claim = 1, fair = t->count / (int64_t)(8 * t->size);
    int64_t most = fair < 1 ? 1 : fair < CLAIM_MAX ? fair : CLAIM_MAX;
    for (;;) {
        int64_t item = atomic_fetch_add_explicit(&t->next, claim, memory_order_relaxed);
        int64_t end = t->count - item > claim ? item + claim : t->count;
        if (item >= t->count || atomic_load_explicit(&t->cancelled, memory_order_relaxed))
            return;
        int64_t began = now_ns();
        for (; item < end; item++)
            do_item(t, w, item);
        int64_t spent = now_ns() - began;
        if (spent < claim_target_ns / 2)
            claim = 2 * claim < most ? 2 * claim : most;
        else if (spent > claim_target_ns && claim > 1)
            claim /= 2;
    }
}

/* Sleeps until a batch after number `seen` is announced; false if there is none any more. */
static bool wait_for_batch(kpu_team *t, uint64_t *seen)
{
    pthread_mutex_lock(&t->lock);
    while (t->batch == *seen && !t->closed)
        pthread_cond_wait(&t->announced, &t->lock);
    bool begins = t->batch != *seen;
    *seen = t->batch;
    pthread_mutex_unlock(&t->lock);
    return begins;
}

static void leave(kpu_team *t)
{
    pthread_mutex_lock(&t->lock);
    if (--t->busy == 0)
        pthread_cond_signal(&t->ended);
    pthread_mutex_unlock(&t->lock);
}

static bool is_cancelled(void *context)
{
    kpu_team *t = context;
    return atomic_load_explicit(&t->cancelled, memory_order_relaxed);
}

static void run_worker(kpu_team *t, size_t number)
{
    /* Stored before the team was called, so it reads true: what makes *t visible even to those who
     * do not know how the OpenMP runtime synchronises. */
    (void)atomic_load_explicit(&t->opened, memory_order_acquire);
    kpu_worker w = {.number = number, .simulator = kpu_simulator_new()};
    uint64_t seen = 0;
    if (w.simulator) {
        kpu_simulator_set_stop(w.simulator, is_cancelled, t);
        kpu_simulator_set_fast_forward(w.simulator, !t->options->plain_walk);
    }
    while (wait_for_batch(t, &seen)) {
        work(t, &w);
        leave(t);
    }
    kpu_simulator_free(w.simulator);
    leave(t);
}

/* ---- Leading ----------------------------------------------------------------------------- */

/* One item at a time, so that a stop is seen between any two; inside one the simulator asks. */
static void work_alone(kpu_team *t)
{
    int64_t watched = now_ns();
    for (int64_t item = 0; item < t->count; item++) {
        do_item(t, t->alone, item);
        if (now_ns() - watched < watch_ns)
            continue;
        if (asks_to_stop(t))
            return;
        watched = now_ns();
    }
}

static struct timespec after_ns(int64_t ns)
{
    int64_t at = now_ns() + ns;
    return (struct timespec){.tv_sec = (time_t)(at / second_ns), .tv_nsec = (long)(at % second_ns)};
}

static void announce(kpu_team *t)
{
    pthread_mutex_lock(&t->lock);
    t->batch++;
    t->busy = t->size;
    pthread_cond_broadcast(&t->announced);
    pthread_mutex_unlock(&t->lock);
}

/* Until every worker has left, looking up now and then. */
static void wait_for_end(kpu_team *t)
{
    pthread_mutex_lock(&t->lock);
    while (t->busy > 0) {
        struct timespec until = after_ns(watch_ns);
        while (t->busy > 0 && pthread_cond_timedwait(&t->ended, &t->lock, &until) == 0) {
        }
        if (t->busy > 0) {
            pthread_mutex_unlock(&t->lock);
            asks_to_stop(t);
            pthread_mutex_lock(&t->lock);
        }
    }
    pthread_mutex_unlock(&t->lock);
}

int kpu_team_run(kpu_team *team, int64_t count, kpu_team_job job, void *context)
{
    if (asks_to_stop(team))
        return KPU_E_INTERRUPTED;
    team->job = job;
    team->context = context;
    team->count = count;
    team->error = KPU_OK;
    atomic_store_explicit(&team->next, 0, memory_order_relaxed);
    atomic_store_explicit(&team->failed, count, memory_order_relaxed);
    if (count == 0)
        return KPU_OK;
    if (team->alone) {
        work_alone(team);
    } else {
        announce(team);
        wait_for_end(team);
    }
    if (atomic_load_explicit(&team->cancelled, memory_order_relaxed))
        return KPU_E_INTERRUPTED;
    return team->error;
}

int64_t kpu_team_failed_item(const kpu_team *team)
{
    return atomic_load_explicit(&team->failed, memory_order_relaxed);
}

size_t kpu_team_size(const kpu_team *team)
{
    return team->size;
}

static bool asks_alone(void *context)
{
    return asks_to_stop(context);
}

/* OpenMP's own barrier follows; this one is seen by those who do not know it. */
static void close_team(kpu_team *t)
{
    pthread_mutex_lock(&t->lock);
    t->closed = true;
    t->busy = t->size;
    pthread_cond_broadcast(&t->announced);
    while (t->busy > 0)
        pthread_cond_wait(&t->ended, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

/* What is called, and by whom it was asked for. */
typedef struct leading {
    int (*lead)(void *context, kpu_team *team);
    void *context;
} leading;

static int lead_workers(kpu_team *t, size_t workers, const leading *what)
{
    kpu_worker alone = {.simulator = workers > 0 ? NULL : kpu_simulator_new()};
    t->size = workers > 0 ? workers : 1;
    t->alone = workers > 0 ? NULL : &alone;
    if (alone.simulator) {
        kpu_simulator_set_stop(alone.simulator, asks_alone, t);
        kpu_simulator_set_fast_forward(alone.simulator, !t->options->plain_walk);
    }
    int code = what->lead(what->context, t);
    if (workers > 0)
        close_team(t);
    kpu_simulator_free(alone.simulator);
    return code;
}

/* The one parallel region. ThreadSanitizer does not see how gcc's OpenMP runtime passes `t` to its
 * threads, so it must not look at that; everything behind run_worker and lead_workers is
 * instrumented. */
__attribute__((no_sanitize("thread"))) static int run_team(kpu_team *t, int threads,
                                                           const leading *what)
{
    int code = KPU_E_INTERNAL;
#pragma omp parallel num_threads(threads) shared(t, what, code) default(none)
    {
        if (omp_get_thread_num() == 0)
            code = lead_workers(t, (size_t)omp_get_num_threads() - 1, what);
        else
            run_worker(t, (size_t)omp_get_thread_num() - 1);
    }
    return code;
}

/* The end of a batch is waited for on a clock that nobody sets. */
static bool make_conditions(kpu_team *t)
{
    pthread_condattr_t monotonic;
    if (pthread_condattr_init(&monotonic) != 0)
        return false;
    bool made = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&t->ended, &monotonic) == 0;
    pthread_condattr_destroy(&monotonic);
    if (made && pthread_cond_init(&t->announced, NULL) != 0) {
        pthread_cond_destroy(&t->ended);
        made = false;
    }
    return made;
}

int kpu_team_open(const kpu_team_options *options, int (*lead)(void *context, kpu_team *team),
                  void *context, kpu_diag *diag)
{
    kpu_team team = {.options = options};
    const leading what = {lead, context};
    int workers = options->threads > 0 ? options->threads : omp_get_max_threads();
    workers = workers < WORKERS_MAX ? workers : WORKERS_MAX;
    if (pthread_mutex_init(&team.lock, NULL) != 0)
        return kpu_diag_add(diag, KPU_E_MEMORY, "cannot start workers");
    if (!make_conditions(&team)) {
        pthread_mutex_destroy(&team.lock);
        return kpu_diag_add(diag, KPU_E_MEMORY, "cannot start workers");
    }
    atomic_store_explicit(&team.opened, true, memory_order_release);
    int code = run_team(&team, workers + 1, &what);
    pthread_cond_destroy(&team.announced);
    pthread_cond_destroy(&team.ended);
    pthread_mutex_destroy(&team.lock);
    return code;
}
