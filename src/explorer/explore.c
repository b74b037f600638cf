/* The parallel evaluation of a space.
 *
 * The points of a run are cut into units. Workers claim units in order with one atomic addition and
 * leave their rows in a ring of slots, unit u in slot u % slots. The calling
 * thread evaluates nothing: it hands finished units to the sink in order, reports progress, looks
 * at the stop flag and sleeps in between, so that a slow candidate delays neither writing nor
 * Ctrl-C, and the sink (a results file, which one thread must own) runs where it was made. A worker
 * that is a whole ring ahead waits. Other ranks are lent units, and what they send waits in the
 * ring to be decoded when its turn comes; so does what is done here, if much waits. How much
 * memory that takes is bounded. No result depends on who evaluated what, or when.
 *
 * All that threads share is const or goes through the C11 atomics below. */
#include <inttypes.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "explorer/deal.h"
#include "explorer/hub.h"
#include "explorer/ring.h"
#include "explorer/search.h"

enum {
    CLAIM_MAX = 16,    /* units claimed at once when points are cheap */
    WORKERS_MAX = 1024 /* beyond, the OpenMP runtime may fail to start them, and would exit */
};
static const int64_t claim_target_ns = 200 * 1000; /* work per claim, so that claims are rare */
static const long nap_min_ns = 50 * 1000, nap_max_ns = 2 * 1000 * 1000;
static const int64_t stalled_ns = 1000 * 1000 * 1000; /* a unit takes long */
static const int64_t progress_interval_ns = 100 * 1000 * 1000;

typedef struct team {
    const kpu_space *space;
    const kpu_explore_options *options;
    kpu_units units;
    kpu_ring ring;
    kpu_deal deal;          /* units */
    kpu_hub *hub;           /* other ranks; NULL: there are none */
    struct delivery *alone; /* where OpenMP gave no second thread: of this one */
    int64_t next_look_ns;   /* of that thread */
    _Atomic bool opened;    /* everything above is in place */
    _Atomic bool cancelled; /* the sink's thread wants no more */
    _Atomic int gone;       /* workers that touch nothing of this any more */
} team;

/* Scratch of one worker. */
typedef struct worker {
    kpu_simulator *simulator;
    kpu_result result;
    int64_t claim; /* units to claim next */
    kpu_unit unit; /* that is to be encoded */
    kpu_text text;
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

static void look_up(team *t);

static bool is_cancelled(void *context)
{
    team *t = context;
    if (t->alone)
        look_up(t);
    return atomic_load_explicit(&t->cancelled, memory_order_relaxed);
}

static int evaluate(team *t, worker *w, int64_t unit, kpu_unit *out)
{
    const kpu_unit_options options = {.space = t->space,
                                      .simulator = w->simulator,
                                      .result = &w->result,
                                      .ahead = t->options->ahead,
                                      .is_cancelled = is_cancelled,
                                      .context = t};
    return kpu_unit_make_room(out) ? kpu_unit_evaluate(&t->units, unit, &options, out)
                                   : kpu_unit_lack_memory(&t->units, unit, out);
}

static void encode(team *t, worker *w, int64_t unit)
{
    kpu_text_clear(&w->text);
    w->text.failed = false;
    kpu_unit_encode(&t->units, unit, &w->unit, &w->text);
    kpu_ring_keep(&t->ring, unit, w->text.failed ? NULL : w->text.data, w->text.length);
}

/* What is there of a unit that was cancelled is complete, and delivered. */
static void do_unit(team *t, worker *w, int64_t unit)
{
    kpu_slot *s = kpu_ring_slot(&t->ring, unit);
    bool encodes = kpu_ring_encodes(&t->ring);
    s->error = evaluate(t, w, unit, encodes ? &w->unit : &s->unit);
    if (encodes)
        encode(t, w, unit);
    kpu_ring_finish(&t->ring, unit);
}

static int64_t count_delivered(team *t)
{
    return atomic_load_explicit(&t->ring.delivered, memory_order_relaxed);
}

/* What the ring waits for may be done at any time. */
static bool may_do(team *t, int64_t unit)
{
    return kpu_ring_reaches(&t->ring, unit) &&
           (unit == count_delivered(t) || t->alone || !kpu_ring_is_full(&t->ring));
}

/* Units that were another rank's lie in the ring, and may be what it waits for. */
static bool wait_for_slot(team *t, worker *w, int64_t unit)
{
    int64_t again;
    while (!may_do(t, unit)) {
        if (is_cancelled(t))
            return false;
        if (kpu_deal_claim_again(&t->deal, 1, &again) > 0)
            do_unit(t, w, again);
        else
            nap(nap_min_ns);
    }
    return true;
}

/* Claims some units and works on them; false when there is nothing left to do. */
static bool work(team *t, worker *w)
{
    int64_t unit = 0, count = kpu_deal_claim(&t->deal, w->claim, &unit);
    int64_t began = now_ns();
    for (int64_t u = unit; u < unit + count; u++) {
        if (!wait_for_slot(t, w, u))
            return false;
        do_unit(t, w, u);
    }
    int64_t spent = now_ns() - began;
    if (spent < claim_target_ns / 2 && w->claim < CLAIM_MAX)
        w->claim *= 2;
    else if (spent > claim_target_ns && w->claim > 1)
        w->claim /= 2;
    return count > 0 && !is_cancelled(t);
}

/* With ranks that may be lost there may be more to do than there was. */
static bool stays(team *t)
{
    if (!t->hub || is_cancelled(t) || count_delivered(t) >= t->deal.count)
        return false;
    nap(nap_max_ns);
    return true;
}

static void init_worker(team *t, worker *w)
{
    *w = (worker){.simulator = kpu_simulator_new(), .claim = 1};
    if (!w->simulator)
        return;
    kpu_simulator_set_stop(w->simulator, is_cancelled, t);
    kpu_simulator_set_fast_forward(w->simulator, !t->options->plain_walk);
}

static void fini_worker(worker *w)
{
    kpu_simulator_free(w->simulator);
    kpu_unit_free(&w->unit);
    kpu_text_fini(&w->text);
}

static void run_worker(team *t)
{
    /* Stored before the team was called, so it reads true: what makes *t visible even to those who
     * do not know how the OpenMP runtime synchronises. */
    (void)atomic_load_explicit(&t->opened, memory_order_acquire);
    worker w;
    init_worker(t, &w);
    while (work(t, &w) || stays(t)) {
    }
    fini_worker(&w);
    atomic_fetch_add_explicit(&t->gone, 1, memory_order_release);
}

/* ---- Other ranks -------------------------------------------------------------------------- */

static void share(void *context, int64_t *mark, kpu_text *out)
{
    const team *t = context;
    (void)mark;
    kpu_put(out, &t->units, sizeof t->units);
}

/* The first unit that may not be lent now. */
static int64_t end_of_lending(team *t)
{
    return kpu_ring_end_of_lending(&t->ring, kpu_hub_threads(t->hub),
                                   atomic_load_explicit(&t->deal.next, memory_order_relaxed),
                                   kpu_hub_missing(t->hub));
}

static int64_t count_left(void *context)
{
    team *t = context;
    int64_t next = atomic_load_explicit(&t->deal.next, memory_order_relaxed);
    int64_t end = end_of_lending(t);
    return (next < end ? end - next : 0) +
           atomic_load_explicit(&t->deal.waiting, memory_order_relaxed);
}

static int64_t lend(void *context, int64_t most, int64_t *first)
{
    team *t = context;
    return kpu_deal_lend(&t->deal, most, end_of_lending(t), first);
}

/* Decoded when it is handed over. */
static bool take_back(void *context, int64_t unit, int code, const char *bytes, size_t size)
{
    team *t = context;
    kpu_deal_settle(&t->deal);
    kpu_ring_slot(&t->ring, unit)->error = code;
    kpu_ring_keep(&t->ring, unit, bytes, size);
    kpu_ring_learn(&t->ring, size);
    kpu_ring_finish(&t->ring, unit);
    return true;
}

static void give_back(void *context, int64_t first, int64_t count)
{
    team *t = context;
    kpu_deal_give_back(&t->deal, first, count);
}

/* ---- The sink's thread ------------------------------------------------------------------- */

static int describe_failure(const team *t, int64_t local, int error, kpu_diag *diag)
{
    kpu_point point;
    if (error == KPU_E_INTERRUPTED)
        return error;
    kpu_space_decode(t->space, kpu_units_number(&t->units, local), &point);
    return kpu_diag_add(diag, error, "point %" PRId64 " (GEMM %s on %s): %s", point.index,
                        kpu_space_gemm(t->space, point.gemm)->name,
                        kpu_space_machine(t->space, point.machine)->name, kpu_error_text(error));
}

/* How far the hand-over has come. */
typedef struct delivery {
    int64_t units;
    int64_t points; /* whose rows were handed over, those done before too */
    int64_t next_report_ns;
    int64_t last_ns; /* when something was handed over */
    bool ended;      /* the sink refused, or a point failed: nothing may follow */
    kpu_unit decoded;
} delivery;

static int decode(const team *t, const kpu_slot *s, int64_t unit, kpu_unit *out, kpu_diag *diag)
{
    kpu_reader reader = {s->encoded, s->bytes, false};
    if (!kpu_unit_make_room(out))
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    if (!kpu_unit_decode(&t->units, unit, t->space, &reader, out))
        return kpu_diag_add(diag, KPU_E_INTERNAL, "a rank sent what is no row");
    return KPU_OK;
}

/* Of a unit that ended early its first points count. */
static int hand_over(const team *t, const kpu_slot *s, delivery *d, kpu_diag *diag)
{
    const kpu_explore_options *options = t->options;
    const kpu_unit *unit = s->encoded ? &d->decoded : &s->unit;
    int code = s->encoded ? decode(t, s, d->units, &d->decoded, diag) : KPU_OK;
    if (code == KPU_OK && unit->count > 0 && options->sink)
        code = options->sink(options->sink_context, unit->rows, unit->count, diag);
    if (code != KPU_OK)
        return code;
    d->points = unit->end;
    return s->error == KPU_OK ? KPU_OK : describe_failure(t, unit->end, s->error, diag);
}

/* Hands over every finished unit in order, up to one that is not. */
static int drain(team *t, delivery *d, kpu_diag *diag)
{
    while (d->units < t->deal.count && !d->ended) {
        if (!kpu_ring_is_finished(&t->ring, d->units))
            return KPU_OK;
        int code = hand_over(t, kpu_ring_slot(&t->ring, d->units), d, diag);
        d->ended = code != KPU_OK;
        if (d->ended)
            return code;
        kpu_ring_advance(&t->ring);
        d->units++;
        d->last_ns = now_ns();
    }
    return KPU_OK;
}

static bool report(const team *t, const delivery *d)
{
    const kpu_explore_options *options = t->options;
    return options->progress &&
           options->progress(options->progress_context, d->points, t->units.total);
}

/* What comes from other ranks waits as it came. If it waits for long, it is noted, as what is done
 * here is when it is done. */
static void note_waiting(const team *t, delivery *d)
{
    int64_t end = d->units + (int64_t)t->ring.slot_count;
    end = end < t->deal.count ? end : t->deal.count;
    for (int64_t u = d->units; u < end; u++) {
        kpu_slot *s = kpu_ring_slot(&t->ring, u);
        if (!kpu_ring_is_finished(&t->ring, u) || !s->encoded || s->is_noted)
            continue;
        s->is_noted = true;
        if (decode(t, s, u, &d->decoded, NULL) != KPU_OK)
            continue; /* it is told when its turn comes */
        for (size_t i = 0; i < d->decoded.count; i++)
            kpu_ahead_keep(t->options->ahead, d->decoded.rows[i].point.index,
                           d->decoded.rows[i].metrics);
    }
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
    if (t->hub && t->options->ahead && now - d->last_ns > stalled_ns)
        note_waiting(t, d);
    return report(t, d);
}

/* The sink's thread, while it works itself. */
static void look_up(team *t)
{
    int64_t now = now_ns();
    if (now < t->next_look_ns)
        return;
    t->next_look_ns = now + nap_max_ns;
    if (t->hub)
        kpu_hub_pump(t->hub);
    if (wants_stop(t, t->alone))
        atomic_store_explicit(&t->cancelled, true, memory_order_relaxed);
}

/* What a thread claims that is alone has to have a place, as nobody else makes one. */
static bool work_alone(team *t, worker *w)
{
    int64_t last = atomic_load_explicit(&t->deal.next, memory_order_relaxed) + w->claim - 1;
    bool has_room = kpu_ring_reaches(&t->ring, last) && !kpu_ring_is_full(&t->ring);
    return (has_room || atomic_load_explicit(&t->deal.waiting, memory_order_relaxed) > 0) &&
           work(t, w);
}

/* `alone`: OpenMP gave no second thread, so this one evaluates too. */
static int deliver(team *t, delivery *d, worker *alone, kpu_diag *diag)
{
    long pause = nap_min_ns;
    for (;;) {
        int64_t before = d->units;
        bool hears = t->hub && kpu_hub_pump(t->hub);
        int code = drain(t, d, diag);
        if (code != KPU_OK)
            return code;
        if (d->units == t->deal.count)
            return KPU_OK;
        if (wants_stop(t, d) || atomic_load_explicit(&t->cancelled, memory_order_relaxed))
            return KPU_E_INTERRUPTED;
        if (alone && work_alone(t, alone))
            continue;
        /* A ring that fills quickly is looked at often. */
        bool busy = hears || d->units - before > (int64_t)t->ring.slot_count / 8;
        pause = busy ? nap_min_ns : 2 * pause < nap_max_ns ? 2 * pause : nap_max_ns;
        nap(pause);
    }
}

static void begin_sharing(team *t, kpu_hub_batch *batch, int workers)
{
    *batch = (kpu_hub_batch){.job = KPU_REMOTE_UNITS,
                             .context = t,
                             .threads = workers > 0 ? (size_t)workers : 1,
                             .share = share,
                             .left = count_left,
                             .take = lend,
                             .done = take_back,
                             .again = give_back};
    if (t->hub)
        kpu_hub_begin(t->hub, batch);
}

static void wait_for_workers(team *t, int workers)
{
    while (atomic_load_explicit(&t->gone, memory_order_acquire) < workers)
        nap(nap_min_ns);
}

static int lead(team *t, int workers, kpu_diag *diag)
{
    worker alone = {.simulator = NULL};
    kpu_hub_batch shared;
    delivery d = {.points = t->units.first,
                  .next_report_ns = now_ns() + progress_interval_ns,
                  .last_ns = now_ns()};
    if (workers == 0) {
        t->alone = &d;
        init_worker(t, &alone);
    }
    begin_sharing(t, &shared, workers);
    int code = deliver(t, &d, workers > 0 ? NULL : &alone, diag);
    atomic_store_explicit(&t->cancelled, true, memory_order_relaxed);
    if (t->hub)
        kpu_hub_end(t->hub);
    wait_for_workers(t, workers);
    fini_worker(&alone);
    if (code == KPU_E_INTERRUPTED) { /* what was finished meanwhile is not lost */
        int late = drain(t, &d, diag);
        code = late != KPU_OK ? late : code;
    }
    kpu_unit_free(&d.decoded);
    report(t, &d); /* the last word, whoever stopped */
    return code == KPU_E_INTERRUPTED && d.units == t->deal.count ? KPU_OK : code;
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

/* ---- */

static void choose_points(kpu_units *units, const kpu_space *space,
                          const kpu_explore_options *options)
{
    units->total = kpu_space_run_size(space);
    if (options->shard.count > 1) {
        units->shard = options->shard;
        units->block = kpu_shard_block(space, options->shard.count);
        units->total = kpu_shard_share(options->shard, units->block, units->total);
    }
    units->first = options->first < units->total ? options->first : units->total;
}

static int run(team *t, kpu_diag *diag)
{
    const kpu_explore_options *options = t->options;
    int workers = options->threads > 0 ? options->threads : omp_get_max_threads();
    workers = workers < WORKERS_MAX ? workers : WORKERS_MAX;
    workers = workers < t->deal.count ? workers : (int)t->deal.count;
    if (!kpu_ring_init(&t->ring, &t->units, workers, t->hub ? options->ranks->count : 1))
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    /* Complete when this is seen. */
    atomic_store_explicit(&t->opened, true, memory_order_release);
    int code = run_team(t, workers + 1, diag);
    kpu_ring_fini(&t->ring);
    return code;
}

int kpu_explore(const kpu_space *space, const kpu_explore_options *options, kpu_diag *diag)
{
    team t = {.space = space, .options = options};
    choose_points(&t.units, space, options);
    if (options->stop && *options->stop) { /* before the workers could finish a small space */
        report(&t, &(delivery){.points = t.units.first});
        return KPU_E_INTERRUPTED;
    }
    if (!kpu_deal_init(&t.deal))
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    kpu_deal_begin(&t.deal, kpu_units_count(&t.units));
    int code = kpu_hub_open(options->ranks, space, &t.hub);
    code = code == KPU_OK ? run(&t, diag) : kpu_diag_add(diag, code, "out of memory");
    kpu_hub_close(t.hub);
    kpu_deal_fini(&t.deal);
    return code;
}
