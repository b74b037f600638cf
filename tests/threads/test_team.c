/* A team of workers: every item of every batch is done once, by one worker; what a batch returns
 * does not depend on the number of threads; stopping and failing leave nobody behind; workers time
 * candidates by the plain walk if they are told to. */
#include "explorer/team.h"

#include "search_fixture.h"
#include <stdlib.h>
#include <time.h>

enum { BATCHES = 40, ITEMS = 3000, THREADS_MOST = 6 };

typedef struct trial {
    int threads;
    int done[ITEMS];   /* how often each item was, by the workers */
    int64_t sum[1024]; /* of each worker: it alone writes it */
    int64_t fail_from; /* items from here on fail, with their own number; -1: none */
    bool wants_stop;
    int asked, stop_when_asked; /* so often; 0: never */
} trial;

static int do_item(void *context, kpu_worker *worker, int64_t item)
{
    trial *t = context;
    if (!worker->simulator)
        return KPU_E_INTERNAL;
    t->done[item]++;
    t->sum[worker->number] += item;
    return t->fail_from >= 0 && item >= t->fail_from ? KPU_E_RANGE : KPU_OK;
}

static int64_t sum_of(const trial *t)
{
    int64_t sum = 0;
    for (size_t i = 0; i < sizeof t->sum / sizeof *t->sum; i++)
        sum += t->sum[i];
    return sum;
}

/* Batches of all sizes, one after another; between them the leading thread looks at everything. */
static int lead_many(void *context, kpu_team *team)
{
    trial *t = context;
    int64_t expected = 0;
    CU_ASSERT(kpu_team_size(team) >= 1 && kpu_team_size(team) <= (size_t)t->threads);
    for (int64_t batch = 0; batch < BATCHES; batch++) {
        int64_t count = batch % 5 == 0 ? batch / 5 : batch * ITEMS / BATCHES;
        memset(t->done, 0, sizeof t->done);
        CU_ASSERT_EQUAL(kpu_team_run(team, count, do_item, t), KPU_OK);
        for (int64_t i = 0; i < ITEMS; i++)
            CU_ASSERT_EQUAL(t->done[i], i < count);
        expected += count * (count - 1) / 2;
        CU_ASSERT_EQUAL(sum_of(t), expected);
    }
    return KPU_E_IO; /* what lead returns comes back */
}

static bool asks(void *context)
{
    trial *t = context;
    t->asked++;
    return t->wants_stop || t->asked == t->stop_when_asked;
}

static int open_team(trial *t, int (*lead)(void *context, kpu_team *team))
{
    const kpu_team_options options = {.threads = t->threads, .is_stopped = asks, .context = t};
    return kpu_team_open(&options, lead, t, NULL);
}

static trial *new_trial(int threads)
{
    trial *t = calloc(1, sizeof *t);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    if (t)
        *t = (trial){.threads = threads, .fail_from = -1};
    return t;
}

static void test_every_item_is_done_once(void)
{
    for (int threads = 1; threads <= THREADS_MOST; threads++) {
        trial *t = new_trial(threads);
        CU_ASSERT_EQUAL(open_team(t, lead_many), KPU_E_IO);
        CU_ASSERT(t->asked >= BATCHES);
        free(t);
    }
}

/* The first failure is the same whoever meets it, and the team goes on. */
static int lead_failing(void *context, kpu_team *team)
{
    trial *t = context;
    for (int64_t from = 0; from < ITEMS; from += ITEMS / 10) {
        memset(t->done, 0, sizeof t->done);
        t->fail_from = from;
        CU_ASSERT_EQUAL(kpu_team_run(team, ITEMS, do_item, t), KPU_E_RANGE);
        CU_ASSERT_EQUAL(kpu_team_failed_item(team), from);
        for (int64_t i = 0; i <= from; i++)
            CU_ASSERT_EQUAL(t->done[i], 1);
    }
    t->fail_from = -1;
    return kpu_team_run(team, ITEMS, do_item, t);
}

static void test_the_first_failure(void)
{
    for (int threads = 1; threads <= THREADS_MOST; threads++) {
        trial *t = new_trial(threads);
        CU_ASSERT_EQUAL(open_team(t, lead_failing), KPU_OK);
        free(t);
    }
}

static int lead_stopped(void *context, kpu_team *team)
{
    trial *t = context;
    CU_ASSERT_EQUAL(kpu_team_run(team, ITEMS, do_item, t), KPU_OK);
    t->wants_stop = true;
    CU_ASSERT_EQUAL(kpu_team_run(team, ITEMS, do_item, t), KPU_E_INTERRUPTED);
    t->wants_stop = false; /* once stopped, it stays so */
    CU_ASSERT_EQUAL(kpu_team_run(team, ITEMS, do_item, t), KPU_E_INTERRUPTED);
    CU_ASSERT_EQUAL(sum_of(t), (int64_t)ITEMS * (ITEMS - 1) / 2);
    return KPU_OK;
}

static int do_slowly(void *context, kpu_worker *worker, int64_t item)
{
    nanosleep(&(struct timespec){.tv_nsec = 100 * 1000}, NULL);
    return do_item(context, worker, item);
}

/* The leading thread looks up while the batch is under way. */
static int lead_interrupted(void *context, kpu_team *team)
{
    trial *t = context;
    t->stop_when_asked = t->asked + 3;
    CU_ASSERT_EQUAL(kpu_team_run(team, ITEMS, do_slowly, t), KPU_E_INTERRUPTED);
    int64_t done = 0;
    for (int64_t i = 0; i < ITEMS; i++)
        done += t->done[i];
    CU_ASSERT(done > 0 && done < ITEMS);
    return KPU_OK;
}

static void test_a_stop(void)
{
    for (int threads = 1; threads <= THREADS_MOST; threads++) {
        trial *t = new_trial(threads);
        CU_ASSERT_EQUAL(open_team(t, lead_stopped), KPU_OK);
        memset(t->done, 0, sizeof t->done);
        CU_ASSERT_EQUAL(open_team(t, lead_interrupted), KPU_OK);
        free(t);
    }
}

/* A candidate with many steps that are alike. */
static const char long_sweep[] =
    "[sweep]\nname = t\nmachines = default\n[workload]\ngemms = a:1024x1024x1024\n"
    "[space]\nTM = 64\nTN = 64\nTK = 64\n";

typedef struct walking {
    const kpu_space *space;
    bool plain;
} walking;

static int time_long(void *context, kpu_worker *worker, int64_t item)
{
    const walking *w = context;
    kpu_point point;
    if (!kpu_space_point(w->space, item, &point))
        return KPU_E_INTERNAL;
    int code = kpu_evaluate(worker->simulator, kpu_space_machine(w->space, point.machine),
                            &kpu_space_gemm(w->space, point.gemm)->problem, &point.candidate,
                            &worker->result);
    bool all = kpu_simulator_steps_walked(worker->simulator) == worker->result.counts.steps;
    return code != KPU_OK ? code : all == w->plain ? KPU_OK : KPU_E_INTERNAL;
}

static int lead_walk(void *context, kpu_team *team)
{
    return kpu_team_run(team, 1, time_long, context);
}

static void test_the_plain_walk(void)
{
    kpu_space *space = must_make_space(long_sweep);
    for (int plain = 0; plain <= 1; plain++) {
        walking w = {space, plain != 0};
        const kpu_team_options options = {.threads = 2, .plain_walk = w.plain};
        CU_ASSERT_EQUAL(kpu_team_open(&options, lead_walk, &w, NULL), KPU_OK);
    }
    kpu_space_free(space);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"every item is done once", test_every_item_is_done_once},
        {"the first failure", test_the_first_failure},
        {"a stop", test_a_stop},
        {"the plain walk", test_the_plain_walk},
        CU_TEST_INFO_NULL,
    };
    return run_suite("team", tests);
}
