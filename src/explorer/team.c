/* A team of workers: see team.h.
 *
 * A batch is announced and ended under a lock with two conditions, once each; items are claimed by
 * one atomic addition, several at a time when they are cheap. If other ranks help, the thread that
 * leads deals out items to them meanwhile, and announces the batch once more when one of them was
 * lost after the workers had left. */
#include "explorer/team.h"

#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "explorer/deal.h"

enum {
    CLAIM_MAX = 16,
    WORKERS_MAX = 1024 /* beyond, the OpenMP runtime may fail to start them, and would exit */
};
static const int64_t claim_target_ns = 50 * 1000;
static const int64_t watch_ns = 5 * 1000 * 1000;
static const int64_t listen_min_ns = 20 * 1000, listen_max_ns = 1000 * 1000; /* to other ranks */
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
    const kpu_team_remote *remote; /* NULL: only the workers do it */
    kpu_deal deal;
    _Atomic int64_t failed; /* first item that failed so far; `count` if none */
    _Atomic bool cancelled;
    kpu_worker *alone; /* of the leading thread, if it has no other */
    kpu_hub *hub;      /* the other ranks; NULL: there are none */
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
    int64_t claim = 1, fair = t->deal.count / (int64_t)(8 * t->size);
    int64_t most = fair < 1 ? 1 : fair < CLAIM_MAX ? fair : CLAIM_MAX;
    for (;;) {
        int64_t item = 0, claimed = kpu_deal_claim(&t->deal, claim, &item);
        if (claimed == 0 || atomic_load_explicit(&t->cancelled, memory_order_relaxed))
            return;
        int64_t began = now_ns();
        for (int64_t end = item + claimed; item < end; item++)
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
    kpu_worker w = {.number = number, .simulator = kpu_simulator_new(), .ahead = t->options->ahead};
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

/* Whether something came from another rank. */
static bool listens(kpu_team *t)
{
    return t->hub && kpu_hub_pump(t->hub);
}

/* One item at a time, so that a stop is seen between any two; inside one the simulator asks. */
static void work_alone(kpu_team *t)
{
    int64_t watched = now_ns(), item;
    int64_t pause = t->hub ? listen_max_ns : watch_ns;
    while (kpu_deal_claim(&t->deal, 1, &item) > 0) {
        do_item(t, t->alone, item);
        if (now_ns() - watched < pause)
            continue;
        if (asks_to_stop(t))
            return;
        listens(t);
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

/* When the thread that leads looks up next: soon, as long as messages come; then after longer and
 * longer, but what comes never waits for more than a share of the time that it took to come. */
typedef struct watch {
    int64_t pause_ns;
    int64_t asked_ns;
} watch;

static watch begin_watch(const kpu_team *t)
{
    return (watch){.pause_ns = t->hub ? listen_min_ns : watch_ns, .asked_ns = now_ns()};
}

static void look_up(kpu_team *t, watch *w)
{
    if (listens(t))
        w->pause_ns = listen_min_ns;
    else if (t->hub)
        w->pause_ns = kpu_message_longer(w->pause_ns, listen_max_ns);
    if (now_ns() - w->asked_ns < watch_ns)
        return;
    asks_to_stop(t);
    w->asked_ns = now_ns();
}

/* Until every worker has left, looking up now and then. */
static void wait_for_workers(kpu_team *t)
{
    watch w = begin_watch(t);
    pthread_mutex_lock(&t->lock);
    while (t->busy > 0) {
        struct timespec until = after_ns(w.pause_ns);
        while (t->busy > 0 && pthread_cond_timedwait(&t->ended, &t->lock, &until) == 0) {
        }
        if (t->busy > 0) {
            pthread_mutex_unlock(&t->lock);
            look_up(t, &w);
            pthread_mutex_lock(&t->lock);
        }
    }
    pthread_mutex_unlock(&t->lock);
}

static void work_off(kpu_team *t)
{
    if (t->alone) {
        work_alone(t);
    } else {
        announce(t);
        wait_for_workers(t);
    }
}

/* Until all that other ranks have is back; false if some of it has to be done here. */
static bool wait_for_ranks(kpu_team *t)
{
    watch w = begin_watch(t);
    while (!atomic_load_explicit(&t->cancelled, memory_order_relaxed)) {
        if (kpu_deal_left(&t->deal) > 0)
            return false;
        if (kpu_hub_missing(t->hub) == 0)
            return true;
        look_up(t, &w);
        nanosleep(&(struct timespec){.tv_nsec = (long)w.pause_ns}, NULL);
    }
    return true;
}

/* ---- Other ranks -------------------------------------------------------------------------- */

static void share(void *context, int64_t *mark, kpu_text *out)
{
    kpu_team *t = context;
    t->remote->share(t->context, mark, out);
}

static void encode(void *context, int64_t item, kpu_text *out)
{
    kpu_team *t = context;
    t->remote->encode(t->context, item, out);
}

static int64_t count_left(void *context)
{
    kpu_team *t = context;
    bool ends = atomic_load_explicit(&t->cancelled, memory_order_relaxed) ||
                atomic_load_explicit(&t->failed, memory_order_relaxed) < t->deal.count;
    return ends ? 0 : kpu_deal_left(&t->deal);
}

static int64_t lend(void *context, int64_t most, int64_t *first)
{
    kpu_team *t = context;
    return kpu_deal_lend(&t->deal, most, t->deal.count, first);
}

static bool take_back(void *context, int64_t item, int code, const char *bytes, size_t size)
{
    kpu_team *t = context;
    if (code == KPU_OK && !t->remote->decode(t->context, item, bytes, size))
        return false;
    kpu_deal_settle(&t->deal);
    if (code != KPU_OK)
        note_failure(t, item, code);
    return true;
}

static void give_back(void *context, int64_t first, int64_t count)
{
    kpu_team *t = context;
    kpu_deal_give_back(&t->deal, first, count);
}

static void run_shared(kpu_team *t, const kpu_team_remote *remote)
{
    const kpu_hub_batch batch = {.job = remote->job,
                                 .context = t,
                                 .threads = t->size,
                                 .share = remote->share ? share : NULL,
                                 .encode = remote->encode ? encode : NULL,
                                 .left = count_left,
                                 .take = lend,
                                 .done = take_back,
                                 .again = give_back};
    t->remote = remote;
    kpu_hub_begin(t->hub, &batch);
    do
        work_off(t);
    while (!wait_for_ranks(t));
    kpu_hub_end(t->hub);
}

/* ---- Batches ------------------------------------------------------------------------------ */

int kpu_team_share(kpu_team *team, int64_t count, kpu_team_job job, void *context,
                   const kpu_team_remote *remote)
{
    if (asks_to_stop(team))
        return KPU_E_INTERRUPTED;
    team->job = job;
    team->context = context;
    team->error = KPU_OK;
    kpu_deal_begin(&team->deal, count);
    atomic_store_explicit(&team->failed, count, memory_order_relaxed);
    if (count == 0)
        return KPU_OK;
    if (team->hub && remote)
        run_shared(team, remote);
    else
        work_off(team);
    if (atomic_load_explicit(&team->cancelled, memory_order_relaxed))
        return KPU_E_INTERRUPTED;
    return team->error;
}

int kpu_team_run(kpu_team *team, int64_t count, kpu_team_job job, void *context)
{
    return kpu_team_share(team, count, job, context, NULL);
}

size_t kpu_team_power(const kpu_team *team)
{
    return team->size + (team->hub ? kpu_hub_threads(team->hub) : 0);
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
    kpu_worker alone = {.simulator = workers > 0 ? NULL : kpu_simulator_new(),
                        .ahead = t->options->ahead};
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

static bool make_lock(kpu_team *t)
{
    if (!kpu_deal_init(&t->deal))
        return false;
    if (pthread_mutex_init(&t->lock, NULL) == 0) {
        if (make_conditions(t))
            return true;
        pthread_mutex_destroy(&t->lock);
    }
    kpu_deal_fini(&t->deal);
    return false;
}

static void destroy_lock(kpu_team *t)
{
    pthread_cond_destroy(&t->announced);
    pthread_cond_destroy(&t->ended);
    pthread_mutex_destroy(&t->lock);
    kpu_deal_fini(&t->deal);
}

int kpu_team_open(const kpu_team_options *options, int (*lead)(void *context, kpu_team *team),
                  void *context, kpu_diag *diag)
{
    kpu_team team = {.options = options};
    const leading what = {lead, context};
    int workers = options->threads > 0 ? options->threads : omp_get_max_threads();
    workers = workers < WORKERS_MAX ? workers : WORKERS_MAX;
    if (kpu_hub_open(options->ranks, options->space, &team.hub) != KPU_OK)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    if (!make_lock(&team)) {
        kpu_hub_close(team.hub);
        return kpu_diag_add(diag, KPU_E_MEMORY, "cannot start workers");
    }
    atomic_store_explicit(&team.opened, true, memory_order_release);
    int code = run_team(&team, workers + 1, &what);
    kpu_hub_close(team.hub);
    destroy_lock(&team);
    return code;
}
