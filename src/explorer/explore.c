/* Workers over the points of a space.
 *
 * Points are cut into blocks of BLOCK_POINTS. A worker claims the next block with one atomic
 * increment, evaluates it into the block's own rows, and marks it done. Thread 0, which works like
 * the others, looks between two points whether the oldest block is done and hands it to the sink:
 * rows leave in order of their points, from one thread, and no lock is ever taken. A ring of
 * blocks bounds the memory; who finds it full waits until thread 0 has delivered. */
#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kpu/explorer.h"

enum { BLOCK_POINTS = 64, BLOCKS_PER_THREAD = 8, WAIT_NANOSECONDS = 50000 };

typedef struct block {
    _Atomic int64_t done; /* number of the block whose rows are complete, plus 1 */
    int64_t points;       /* of it that were looked at: all, unless the run was stopped */
    size_t count;         /* rows: points that no constraint excludes */
    int code;             /* why the block ends early */
    int64_t failed_point;
    kpu_row *rows;
    kpu_metric_value *values;
} block;

typedef struct exploration {
    const kpu_space *space;
    const kpu_explore_options *options;
    kpu_diag *diag;
    int64_t total, block_count;
    block *blocks;
    int64_t ring;
    _Atomic int64_t next;      /* block to claim */
    _Atomic int64_t delivered; /* blocks that the sink has had */
    _Atomic int quit;          /* claim no more, finish no more points */
    _Atomic int active;        /* workers that have not left */
    int64_t points_delivered;  /* thread 0 only, like all below */
    int code;
} exploration;

static void pause_briefly(void)
{
    struct timespec t = {0, WAIT_NANOSECONDS};
    nanosleep(&t, NULL);
}

static bool must_stop(exploration *e)
{
    if (e->options->stop && *e->options->stop)
        return true;
    return atomic_load_explicit(&e->quit, memory_order_relaxed) != 0;
}

static void quit(exploration *e, int code)
{
    if (e->code == KPU_OK)
        e->code = code;
    atomic_store(&e->quit, 1);
}

/* ---- delivery, thread 0 ----------------------------------------------------------------- */

static int report_failure(exploration *e, const block *b)
{
    return kpu_diag_add(e->diag, b->code, "candidate %lld could not be evaluated: %s",
                        (long long)b->failed_point, kpu_error_text(b->code));
}

/* Hands over all blocks that are done, in order. */
static void deliver(exploration *e)
{
    while (e->code == KPU_OK) {
        int64_t n = atomic_load_explicit(&e->delivered, memory_order_relaxed);
        block *b = &e->blocks[n % e->ring];
        if (n == e->block_count || atomic_load_explicit(&b->done, memory_order_acquire) != n + 1)
            return;
        int code = b->count ? e->options->sink(e->options->sink_context, b->rows, b->count,
                                               e->diag)
                            : KPU_OK;
        e->points_delivered += b->points;
        int64_t expected = (n + 1) * BLOCK_POINTS < e->total ? BLOCK_POINTS
                                                             : e->total - n * BLOCK_POINTS;
        if (code == KPU_OK && b->code != KPU_OK)
            code = report_failure(e, b);
        if (code == KPU_OK && b->points < expected)
            code = KPU_E_INTERRUPTED;
        atomic_store_explicit(&e->delivered, n + 1, memory_order_release);
        if (code == KPU_OK && e->options->progress &&
            e->options->progress(e->options->progress_context, e->points_delivered, e->total))
            code = KPU_E_INTERRUPTED;
        if (code != KPU_OK)
            quit(e, code);
    }
}

/* ---- workers ---------------------------------------------------------------------------- */

static void evaluate_block(exploration *e, kpu_simulator *simulator, int64_t n, bool delivers)
{
    block *b = &e->blocks[n % e->ring];
    int64_t from = n * BLOCK_POINTS;
    int64_t to = from + BLOCK_POINTS < e->total ? from + BLOCK_POINTS : e->total;
    b->count = 0;
    b->points = 0;
    b->code = KPU_OK;
    for (int64_t i = from; i < to && !must_stop(e) && b->code == KPU_OK; i++) {
        kpu_row *row = &b->rows[b->count];
        if (delivers)
            deliver(e);
        if (!kpu_space_point(e->space, i, &row->point)) {
            b->points++;
            continue;
        }
        const kpu_machine *machine = kpu_space_machine(e->space, row->point.machine);
        kpu_result result;
        b->code = kpu_evaluate(simulator, machine,
                               &kpu_space_gemm(e->space, row->point.gemm)->problem,
                               &row->point.candidate, &result);
        if (b->code != KPU_OK) {
            b->failed_point = row->point.index;
            break;
        }
        kpu_metric_value *values = b->values + b->count * kpu_metric_count();
        kpu_metrics_compute(machine, &result, values);
        row->metrics = values;
        b->count++;
        b->points++;
    }
    atomic_store_explicit(&b->done, n + 1, memory_order_release);
}

/* False if the run stopped while the ring was full. */
static bool wait_for_room(exploration *e, int64_t n, bool delivers)
{
    while (n - atomic_load_explicit(&e->delivered, memory_order_acquire) >= e->ring) {
        if (must_stop(e))
            return false;
        if (delivers)
            deliver(e);
        else
            pause_briefly();
    }
    return true;
}

static void work(exploration *e, kpu_simulator *simulator, bool delivers)
{
    while (!must_stop(e)) {
        int64_t n = atomic_fetch_add_explicit(&e->next, 1, memory_order_relaxed);
        if (n >= e->block_count || !wait_for_room(e, n, delivers))
            return;
        evaluate_block(e, simulator, n, delivers);
        if (delivers)
            deliver(e);
    }
}

/* Thread 0 stays until nobody can complete a block any more, and delivers what is complete. */
static void finish(exploration *e)
{
    while (atomic_load_explicit(&e->active, memory_order_acquire) > 0) {
        deliver(e);
        pause_briefly();
    }
    deliver(e);
    bool all = atomic_load(&e->delivered) == e->block_count;
    if (e->code == KPU_OK && !all)
        e->code = KPU_E_INTERRUPTED;
}

static void run_worker(exploration *e, int thread)
{
    kpu_simulator *simulator = kpu_simulator_new();
    if (simulator)
        work(e, simulator, thread == 0);
    else
        atomic_store(&e->quit, KPU_E_MEMORY);
    kpu_simulator_free(simulator);
    atomic_fetch_sub_explicit(&e->active, 1, memory_order_release);
    if (thread == 0)
        finish(e);
}

/* ---- set-up ----------------------------------------------------------------------------- */

static bool reserve_blocks(exploration *e, int threads)
{
    e->ring = (int64_t)threads * BLOCKS_PER_THREAD;
    e->ring = e->ring < e->block_count ? e->ring : e->block_count;
    e->blocks = calloc((size_t)e->ring + 1, sizeof *e->blocks);
    for (int64_t i = 0; e->blocks && i < e->ring; i++) {
        block *b = &e->blocks[i];
        b->rows = malloc(BLOCK_POINTS * sizeof *b->rows);
        b->values = malloc(BLOCK_POINTS * kpu_metric_count() * sizeof *b->values);
        if (!b->rows || !b->values)
            return false;
    }
    return e->blocks != NULL;
}

static void free_blocks(exploration *e)
{
    for (int64_t i = 0; e->blocks && i < e->ring; i++) {
        free(e->blocks[i].rows);
        free(e->blocks[i].values);
    }
    free(e->blocks);
}

int kpu_explore(const kpu_space *space, const kpu_explore_options *options, kpu_diag *diag)
{
    exploration e = {.space = space, .options = options, .diag = diag};
    e.total = kpu_space_run_size(space);
    e.block_count = kpu_ceil_div(e.total, BLOCK_POINTS);
    int64_t threads = options->threads > 0 ? options->threads : omp_get_max_threads();
    if (threads > e.block_count)
        threads = e.block_count > 0 ? e.block_count : 1;
    if (!reserve_blocks(&e, (int)threads)) {
        free_blocks(&e);
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory for %lld threads",
                            (long long)threads);
    }
    atomic_store(&e.active, (int)threads);
    omp_set_dynamic(0); /* for this thread: the team is as large as was asked for */
#pragma omp parallel num_threads((int)threads) default(none) shared(e, threads)
    {
#pragma omp single
        {
            int missing = (int)threads - omp_get_num_threads();
            atomic_fetch_sub(&e.active, missing);
        }
        run_worker(&e, omp_get_thread_num());
    }
    free_blocks(&e);
    if (atomic_load(&e.quit) == KPU_E_MEMORY && e.code == KPU_E_INTERRUPTED)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory for a worker");
    return e.code;
}
