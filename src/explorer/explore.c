/* The parallel evaluation of a space.
 *
 * The points of a run are cut into units of UNIT_POINTS. Workers claim units in order with one
 * atomic addition and leave their rows in a ring of slots, unit u in slot u % slots. The calling
 * thread evaluates nothing: it hands finished units to the sink in order, reports progress, looks
 * at the stop flag and sleeps in between, so that a slow candidate delays neither writing nor
 * Ctrl-C, and the sink (a results file, which one thread must own) runs where it was made. A worker
 * that is a whole ring ahead waits. No result depends on who evaluated what, or when.
 *
 * All that threads share is const or goes through the C11 atomics below. */
#include <inttypes.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "explorer/search.h"

enum {
    UNIT_POINTS = 16,
    SLOTS_PER_WORKER = 256,
    SLOTS_MIN = 512,
    SLOTS_MAX = 4096,
    CLAIM_MAX = 16,    /* units claimed at once when points are cheap */
    WORKERS_MAX = 1024 /* beyond, the OpenMP runtime may fail to start them, and would exit */
};
static const int64_t claim_target_ns = 200 * 1000; /* work per claim, so that claims are rare */
static const long nap_min_ns = 50 * 1000, nap_max_ns = 2 * 1000 * 1000;
static const int64_t progress_interval_ns = 100 * 1000 * 1000;

typedef struct slot {
    _Atomic int64_t finished; /* the unit whose rows are here, + 1 */
    int error;                /* kpu_error of the last point tried; ends the run there */
    int64_t failed;           /* that point's number in the shard */
    size_t count;
    kpu_row rows[UNIT_POINTS];
} slot;

typedef struct team {
    const kpu_space *space;
    const kpu_explore_options *options;
    int64_t total; /* points of the shard */
    int64_t first; /* of these that are done already; the units are cut from here on */
    int64_t units;
    int64_t block; /* of the shard; 0: it has all points of the run */
    size_t slot_count, metric_count;
    slot *slots;
    kpu_metric_value *metrics; /* of all rows of all slots */
    _Atomic bool opened;       /* everything above is in place */
    _Atomic bool cancelled;    /* the sink's thread wants no more */
    _Atomic int gone;          /* workers that touch nothing of this any more */
    _Atomic int64_t delivered; /* units whose slots are free again */
    _Atomic int64_t next;      /* first unit that nobody has claimed */
} team;

/* Scratch of one worker. */
typedef struct worker {
    kpu_simulator *simulator;
    kpu_result result;
    int64_t claim; /* units to claim next */
} worker;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void nap(long ns)
{
    nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

/* ---- Workers ----------------------------------------------------------------------------- */

/* The number in the run of point `local` of the shard: its blocks are every count-th. */
static int64_t number_in_run(const team *t, int64_t local)
{
    const kpu_shard *shard = &t->options->shard;
    if (t->block == 0)
        return local;
    return (local / t->block * shard->count + shard->index) * t->block + local % t->block;
}

static int evaluate_point(team *t, worker *w, int64_t local, slot *out)
{
    kpu_row *row = &out->rows[out->count];
    if (!kpu_space_point(t->space, number_in_run(t, local), &row->point))
        return KPU_OK;
    if (!w->simulator)
        return KPU_E_MEMORY;
    const kpu_machine *machine = kpu_space_machine(t->space, row->point.machine);
    const kpu_problem *problem = &kpu_space_gemm(t->space, row->point.gemm)->problem;
    int code = kpu_evaluate(w->simulator, machine, problem, &row->point.candidate, &w->result);
    if (code != KPU_OK)
        return code;
    size_t index = (size_t)(out - t->slots) * UNIT_POINTS + out->count;
    kpu_metric_value *values = t->metrics + index * t->metric_count;
    kpu_metrics_compute(machine, &w->result, values);
    row->metrics = values;
    out->count++;
    return KPU_OK;
}

static bool wait_for_slot(team *t, int64_t unit)
{
    while (unit - atomic_load_explicit(&t->delivered, memory_order_acquire) >=
           (int64_t)t->slot_count) {
        if (atomic_load_explicit(&t->cancelled, memory_order_relaxed))
            return false;
        nap(nap_min_ns);
    }
    return true;
}

/* The first point behind it. */
static int64_t end_of_unit(const team *t, int64_t unit)
{
    int64_t left = t->total - t->first - unit * UNIT_POINTS;
    return t->total - left + (left < UNIT_POINTS ? left : UNIT_POINTS);
}

static bool work_unit(team *t, worker *w, int64_t unit)
{
    if (!wait_for_slot(t, unit))
        return false;
    slot *s = &t->slots[unit % (int64_t)t->slot_count];
    int64_t first = t->first + unit * UNIT_POINTS, end = end_of_unit(t, unit);
    s->count = 0;
    s->error = KPU_OK;
    for (int64_t n = first; n < end && s->error == KPU_OK; n++) {
        s->failed = n;
        if (atomic_load_explicit(&t->cancelled, memory_order_relaxed))
            s->error = KPU_E_INTERRUPTED; /* what is there is complete, and delivered */
        else
            s->error = evaluate_point(t, w, n, s);
    }
    atomic_store_explicit(&s->finished, unit + 1, memory_order_release);
    return true;
}

/* Claims some units and works on them; false when there is nothing left to do. */
static bool work(team *t, worker *w)
{
    int64_t unit = atomic_fetch_add_explicit(&t->next, w->claim, memory_order_relaxed);
    int64_t end = unit + w->claim < t->units ? unit + w->claim : t->units;
    int64_t began = now_ns();
    if (unit >= end)
        return false;
    for (int64_t u = unit; u < end; u++) {
        if (!work_unit(t, w, u))
            return false;
    }
    int64_t spent = now_ns() - began;
    if (spent < claim_target_ns / 2 && w->claim < CLAIM_MAX)
        w->claim *= 2;
    else if (spent > claim_target_ns && w->claim > 1)
        w->claim /= 2;
    return !atomic_load_explicit(&t->cancelled, memory_order_relaxed);
}

static bool is_cancelled(void *context)
{
    team *t = context;
    return atomic_load_explicit(&t->cancelled, memory_order_relaxed);
}

static void run_worker(team *t)
{
    /* Stored before the team was called, so it reads true: what makes *t visible even to those who
     * do not know how the OpenMP runtime synchronises. */
    (void)atomic_load_explicit(&t->opened, memory_order_acquire);
    worker w = {.simulator = kpu_simulator_new(), .claim = 1};
    if (w.simulator) {
        kpu_simulator_set_stop(w.simulator, is_cancelled, t);
        kpu_simulator_set_fast_forward(w.simulator, !t->options->plain_walk);
    }
    while (work(t, &w)) {
    }
    kpu_simulator_free(w.simulator);
    atomic_fetch_add_explicit(&t->gone, 1, memory_order_release);
}

/* ---- The sink's thread ------------------------------------------------------------------- */

static int describe_failure(const team *t, const slot *s, kpu_diag *diag)
{
    kpu_point point;
    if (s->error == KPU_E_INTERRUPTED)
        return s->error;
    if (!kpu_space_point(t->space, number_in_run(t, s->failed), &point))
        return kpu_diag_add(diag, KPU_E_INTERNAL, "an excluded point failed");
    return kpu_diag_add(diag, s->error, "point %" PRId64 " (GEMM %s on %s): %s", point.index,
                        kpu_space_gemm(t->space, point.gemm)->name,
                        kpu_space_machine(t->space, point.machine)->name, kpu_error_text(s->error));
}

/* How far the hand-over has come. */
typedef struct delivery {
    int64_t units;
    int64_t points; /* whose rows were handed over, those done before too */
    int64_t next_report_ns;
    bool ended; /* the sink refused, or a point failed: nothing may follow */
} delivery;

/* Of a unit that ended early its first points count. */
static int hand_over(const team *t, const slot *s, delivery *d, kpu_diag *diag)
{
    const kpu_explore_options *options = t->options;
    int code = KPU_OK;
    if (s->count > 0 && options->sink)
        code = options->sink(options->sink_context, s->rows, s->count, diag);
    if (code != KPU_OK)
        return code;
    d->points = s->error == KPU_OK ? end_of_unit(t, d->units) : s->failed;
    return s->error == KPU_OK ? KPU_OK : describe_failure(t, s, diag);
}

/* Hands over every finished unit in order, up to one that is not. */
static int drain(team *t, delivery *d, kpu_diag *diag)
{
    while (d->units < t->units && !d->ended) {
        const slot *s = &t->slots[d->units % (int64_t)t->slot_count];
        if (atomic_load_explicit(&s->finished, memory_order_acquire) != d->units + 1)
            return KPU_OK;
        int code = hand_over(t, s, d, diag);
        d->ended = code != KPU_OK;
        if (d->ended)
            return code;
        atomic_store_explicit(&t->delivered, ++d->units, memory_order_release);
    }
    return KPU_OK;
}

static bool report(const team *t, const delivery *d)
{
    const kpu_explore_options *options = t->options;
    return options->progress && options->progress(options->progress_context, d->points, t->total);
}

static bool wants_stop(const team *t, delivery *d)
{
    const kpu_explore_options *options = t->options;
    if (options->stop && *options->stop)
        return true;
    int64_t now = now_ns();
    if (now < d->next_report_ns)
        return false;
    d->next_report_ns = now + progress_interval_ns;
    return report(t, d);
}

/* `alone`: OpenMP gave no second thread, so this one evaluates too. */
static int deliver(team *t, delivery *d, worker *alone, kpu_diag *diag)
{
    long pause = nap_min_ns;
    for (;;) {
        int64_t before = d->units;
        int code = drain(t, d, diag);
        if (code != KPU_OK)
            return code;
        if (d->units == t->units)
            return KPU_OK;
        if (wants_stop(t, d))
            return KPU_E_INTERRUPTED;
        if (alone) {
            work(t, alone);
            continue;
        }
        /* A ring that fills quickly is looked at often. */
        bool busy = d->units - before > (int64_t)t->slot_count / 8;
        pause = busy ? nap_min_ns : 2 * pause < nap_max_ns ? 2 * pause : nap_max_ns;
        nap(pause);
    }
}

static void wait_for_workers(team *t, int workers)
{
    while (atomic_load_explicit(&t->gone, memory_order_acquire) < workers)
        nap(nap_min_ns);
}

static int lead(team *t, int workers, kpu_diag *diag)
{
    worker alone = {.simulator = workers > 0 ? NULL : kpu_simulator_new(), .claim = 1};
    delivery d = {.points = t->first, .next_report_ns = now_ns() + progress_interval_ns};
    if (alone.simulator)
        kpu_simulator_set_fast_forward(alone.simulator, !t->options->plain_walk);
    int code = deliver(t, &d, workers > 0 ? NULL : &alone, diag);
    atomic_store_explicit(&t->cancelled, true, memory_order_relaxed);
    wait_for_workers(t, workers);
    kpu_simulator_free(alone.simulator);
    if (code == KPU_E_INTERRUPTED) { /* what was finished meanwhile is not lost */
        int late = drain(t, &d, diag);
        code = late != KPU_OK ? late : code;
    }
    report(t, &d); /* the last word, whoever stopped */
    return code == KPU_E_INTERRUPTED && d.units == t->units ? KPU_OK : code;
}

/* The one parallel region. ThreadSanitizer does not see how gcc's OpenMP runtime passes `t` to its
 * threads, so it must not look at that; everything behind run_worker and lead is instrumented. */
__attribute__((no_sanitize("thread"))) static int run_team(team *t, int threads, kpu_diag *diag)
{
    int code = KPU_E_INTERNAL;
#pragma omp parallel num_threads(threads) shared(t, diag, code) default(none)
    {
        if (omp_get_thread_num() == 0)
            code = lead(t, omp_get_num_threads() - 1, diag);
        else
            run_worker(t);
    }
    return code;
}

/* ---- The points -------------------------------------------------------------------------- */

static void choose_points(team *t)
{
    const kpu_shard *shard = &t->options->shard;
    t->total = kpu_space_run_size(t->space);
    if (shard->count > 1) {
        t->block = kpu_shard_block(t->space, shard->count);
        t->total = kpu_shard_share(*shard, t->block, t->total);
    }
    t->first = t->options->first < t->total ? t->options->first : t->total;
    t->units = kpu_ceil_div(t->total - t->first, UNIT_POINTS);
}

/* ---- */

/* Complete when the store that ends it is seen. */
static bool team_init(team *t, int workers)
{
    t->metric_count = kpu_metric_count();
    t->slot_count = (size_t)workers * SLOTS_PER_WORKER;
    t->slot_count = t->slot_count < SLOTS_MIN ? SLOTS_MIN : t->slot_count;
    t->slot_count = t->slot_count > SLOTS_MAX ? SLOTS_MAX : t->slot_count;
    if ((int64_t)t->slot_count > t->units)
        t->slot_count = (size_t)(t->units > 0 ? t->units : 1);
    t->slots = calloc(t->slot_count, sizeof *t->slots);
    t->metrics = calloc(t->slot_count * UNIT_POINTS * t->metric_count, sizeof *t->metrics);
    atomic_store_explicit(&t->opened, true, memory_order_release);
    return t->slots && t->metrics;
}

int kpu_explore(const kpu_space *space, const kpu_explore_options *options, kpu_diag *diag)
{
    team t = {.space = space, .options = options};
    choose_points(&t);
    if (options->stop && *options->stop) { /* before the workers could finish a small space */
        report(&t, &(delivery){.points = t.first});
        return KPU_E_INTERRUPTED;
    }
    int workers = options->threads > 0 ? options->threads : omp_get_max_threads();
    workers = workers < WORKERS_MAX ? workers : WORKERS_MAX;
    workers = workers < t.units ? workers : (int)t.units;
    int code = team_init(&t, workers) ? run_team(&t, workers + 1, diag)
                                      : kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    free(t.slots);
    free(t.metrics);
    return code;
}
