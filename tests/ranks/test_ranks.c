/* Several ranks give the rows of one process, whatever the search, and whoever is lost when. */
#include "mailbox.h"

#include "search_fixture.h"

#include <math.h>
#include <stdio.h>

static const char sweep[] =
    "[sweep]\nname = t\nmachines = minimal, edge-ai\nobjectives = cycles, dram_bytes\n"
    "[workload]\ngemms = a:24x40x16, b:36x18x20\n"
    "[space]\nTM = divisors\nTN = 8, 16\nTK = 8, 16\nd3 = 1..3\ndataflow = os, ws, is\n"
    "[constraints]\nsome = TM*TN != 64 or dataflow == ws\n";
static const double patience = 0.15;
enum { BUDGET = 600 };

/* ---- A run of several ranks ---------------------------------------------------------------- */

typedef struct crew {
    const kpu_space *space;  /* of rank 0 */
    const kpu_space *others; /* NULL: they could not make it */
    int count, threads;
    fault fault;
    double patience;
    mailboxes boxes;
    mailbox box[MAILBOX_RANKS];
    pthread_t thread[MAILBOX_RANKS];
    int served[MAILBOX_RANKS]; /* what kpu_search_serve returned, or kpu_ranks_decline */
} crew;

typedef struct sailor {
    crew *crew;
    int rank;
} sailor;

static void *serve(void *context)
{
    const sailor *s = context;
    crew *c = s->crew;
    const kpu_search_options options = {.threads = c->threads};
    kpu_ranks *ranks = &c->box[s->rank].ranks;
    const volatile int never = 0;
    c->served[s->rank] =
        c->others ? kpu_search_serve(c->others, ranks, &options, NULL) : kpu_ranks_decline(ranks);
    if (!c->others && !c->served[s->rank])
        kpu_ranks_wait(ranks, &never);
    pthread_mutex_lock(&c->boxes.lock);
    mailbox_go(&c->box[s->rank]);
    pthread_mutex_unlock(&c->boxes.lock);
    return NULL;
}

static void begin_crew(crew *c, sailor sailors[MAILBOX_RANKS])
{
    mailboxes_init(&c->boxes, c->count, &c->fault);
    for (int r = 0; r < c->count; r++)
        mailbox_init(&c->box[r], &c->boxes, r, c->patience > 0 ? c->patience : patience);
    for (int r = 1; r < c->count; r++) {
        sailors[r] = (sailor){c, r};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&c->thread[r], NULL, serve, &sailors[r]), 0);
    }
}

static void end_crew(crew *c)
{
    kpu_ranks_dismiss(&c->box[0].ranks);
    for (int r = 1; r < c->count; r++)
        pthread_join(c->thread[r], NULL);
    mailboxes_fini(&c->boxes);
}

static void run_crew(crew *c, const kpu_search_options *options, found *out)
{
    sailor sailors[MAILBOX_RANKS];
    kpu_diag diag = {0};
    kpu_search_options how = *options;
    begin_crew(c, sailors);
    how.ranks = &c->box[0].ranks;
    how.threads = c->threads;
    how.sink = keep_rows;
    how.sink_context = out;
    how.stop = &out->stop;
    out->code = kpu_search_run(c->space, &how, &out->summary, &diag);
    end_crew(c);
    show_unexpected(&diag);
    kpu_diag_fini(&diag);
}

static bool same_rows(const found *a, const found *b)
{
    size_t width = kpu_metric_count();
    return a->count == b->count &&
           memcmp(a->points, b->points, a->count * sizeof *a->points) == 0 &&
           memcmp(a->metrics, b->metrics, a->count * width * sizeof *a->metrics) == 0;
}

/* Runs a search with the crew, and expects the rows of `alone`. */
static void expect_same(crew *c, const char *name, const found *alone)
{
    const kpu_search_settings settings = settings_of(name, BUDGET, 1);
    const kpu_search_options options = {.settings = &settings};
    found with = {0};
    run_crew(c, &options, &with);
    bool same = with.code == KPU_OK && same_rows(&with, alone) &&
                with.summary.evaluations == alone->summary.evaluations &&
                with.summary.boxes == alone->summary.boxes;
    CU_ASSERT(same);
    if (!same)
        fprintf(stderr, "%s, %d ranks, fault %d of rank %d at %d: code %d, %zu rows, not %zu\n",
                name, c->count, (int)c->fault.kind, c->fault.rank, (int)c->fault.message, with.code,
                with.count, alone->count);
    found_fini(&with);
}

static found run_alone(const kpu_space *space, const char *name)
{
    const kpu_search_settings settings = settings_of(name, BUDGET, 1);
    found alone = {0};
    search(space, &settings, 2, &alone);
    CU_ASSERT_EQUAL(alone.code, KPU_OK);
    return alone;
}

/* ---- Tests --------------------------------------------------------------------------------- */

static void test_any_number_of_ranks(void)
{
    kpu_space *space = must_make_space(sweep);
    for (size_t i = 0; i < kpu_search_count(); i++) {
        const char *name = kpu_search_at(i)->name;
        found alone = run_alone(space, name);
        int64_t answers = 0;
        for (int ranks = 2; ranks <= MAILBOX_RANKS; ranks++)
            for (int threads = 1; threads <= 3; threads += 2) {
                crew c = {.space = space,
                          .others = space,
                          .count = ranks,
                          .threads = threads,
                          .patience = 30};
                expect_same(&c, name, &alone);
                CU_ASSERT_EQUAL(c.box[0].ranks.lost, 0);
                answers += c.box[0].ranks.messages - (ranks - 1); /* each says hello */
                for (int r = 1; r < ranks; r++)
                    CU_ASSERT_EQUAL(c.served[r], KPU_OK);
            }
        CU_ASSERT(answers > 0);
        found_fini(&alone);
    }
    kpu_space_free(space);
}

/* At every message of a rank, as many as there are. */
static void lose_at_each(const char *name, fault_kind kind, double seconds, int64_t most)
{
    kpu_space *space = must_make_space(sweep);
    found alone = run_alone(space, name);
    bool was_due = true;
    for (int64_t n = 0; was_due && n < most; n++) {
        crew c = {.space = space,
                  .others = space,
                  .count = 3,
                  .threads = 1,
                  .fault = {kind, 1, n, seconds}};
        expect_same(&c, name, &alone);
        was_due = c.boxes.said[1] >= n && (kind != FAULT_VANISHES || c.served[1] != KPU_OK);
    }
    found_fini(&alone);
    kpu_space_free(space);
}

static void for_each_search(fault_kind kind, double seconds, int64_t most)
{
    for (size_t i = 0; i < kpu_search_count(); i++)
        lose_at_each(kpu_search_at(i)->name, kind, seconds, most);
}

static void test_a_rank_vanishes(void)
{
    for_each_search(FAULT_VANISHES, 0, 8);
}

static void test_a_rank_stops_for_a_while(void)
{
    for_each_search(FAULT_STOPS, 2.5 * patience, 4);
}

static void test_a_rank_is_slow(void)
{
    for_each_search(FAULT_IS_SLOW, patience / 5, 2);
}

static void test_a_rank_says_nonsense(void)
{
    for_each_search(FAULT_LIES, 0, 4);
}

static void test_an_answer_finds_no_memory(void)
{
    for_each_search(FAULT_UNREAD, 0, 4);
}

static bool note_ahead(void *context, const kpu_search_progress *progress)
{
    size_t *most = context;
    *most = progress->ahead_bytes > *most ? progress->ahead_bytes : *most;
    return false;
}

/* One rank is silent for seconds: what another one found meanwhile is told ahead of its row. None
 * of it took long. Who gets which work depends on the clock, and one of them may have got none. */
static void test_what_waits_is_told(void)
{
    kpu_space *space = must_make_space(sweep);
    found alone = run_alone(space, "exhaustive");
    size_t most = 0;
    const kpu_search_settings settings = settings_of("exhaustive", 0, 1);
    const kpu_search_options options = {
        .settings = &settings, .progress = note_ahead, .progress_context = &most};
    for (int attempt = 0; attempt < 8 && most == 0; attempt++) {
        found with = {0};
        crew c = {.space = space,
                  .others = space,
                  .count = 3,
                  .threads = 1,
                  .patience = 30,
                  .fault = {FAULT_STOPS, 1, 1, 1.6}};
        run_crew(&c, &options, &with);
        CU_ASSERT(same_rows(&with, &alone));
        found_fini(&with);
    }
    CU_ASSERT(most > 0);
    found_fini(&alone);
    kpu_space_free(space);
}

static void test_all_others_are_lost(void)
{
    kpu_space *space = must_make_space(sweep);
    for (size_t i = 0; i < kpu_search_count(); i++) {
        const char *name = kpu_search_at(i)->name;
        found alone = run_alone(space, name);
        crew c = {.space = space,
                  .others = space,
                  .count = 2,
                  .threads = 2,
                  .fault = {FAULT_VANISHES, 1, 2, 0}};
        expect_same(&c, name, &alone);
        found_fini(&alone);
    }
    kpu_space_free(space);
}

/* It goes home, and the others do its work. */
static void test_a_rank_with_another_sweep(void)
{
    kpu_space *space = must_make_space(sweep);
    char text[sizeof sweep + 8];
    snprintf(text, sizeof text, "%s", sweep);
    memcpy(strstr(text, "36x18x20"), "36x18x21", 8);
    kpu_space *another = must_make_space(text);
    found alone = run_alone(space, "exhaustive");
    crew c = {.space = space, .others = another, .count = 2, .threads = 1};
    expect_same(&c, "exhaustive", &alone);
    CU_ASSERT_EQUAL(c.served[1], KPU_E_INPUT);
    CU_ASSERT_EQUAL(c.box[0].ranks.lost, 1);
    found_fini(&alone);
    kpu_space_free(space);
    kpu_space_free(another);
}

/* Whoever cannot begin leaves, and tells why unless rank 0 could not either. */
static void test_ranks_without_a_space(void)
{
    sailor sailors[MAILBOX_RANKS];
    kpu_space *space = must_make_space(sweep);
    found alone = run_alone(space, "exhaustive");
    crew c = {.space = space, .count = 3, .threads = 1, .patience = 30};
    expect_same(&c, "exhaustive", &alone);
    CU_ASSERT_EQUAL(c.box[0].ranks.lost, 2);
    CU_ASSERT(c.served[1] == true && c.served[2] == true);
    begin_crew(&c, sailors);
    kpu_ranks_dismiss(&c.box[0].ranks); /* those that wait for the last word hear a second one */
    end_crew(&c);
    CU_ASSERT(c.served[1] == false && c.served[2] == false);
    found_fini(&alone);
    kpu_space_free(space);
}

/* Rows of an earlier run, from a slow disk. */
static int read_slowly(void *context, int64_t n, int64_t *id, kpu_metric_value *metrics,
                       kpu_diag *diag)
{
    const found *f = context;
    size_t width = kpu_metric_count();
    (void)diag;
    mailbox_sleep(0.002);
    *id = f->points[n].index;
    memcpy(metrics, f->metrics + (size_t)n * width, width * sizeof *metrics);
    return KPU_OK;
}

/* The others wait, longer than they would for one that is lost. */
static void test_rank_0_is_long_in_beginning(void)
{
    kpu_space *space = must_make_space(sweep);
    found alone = run_alone(space, "exhaustive"), rest = {0};
    const kpu_search_settings settings = settings_of("exhaustive", BUDGET, 1);
    const int64_t known = (int64_t)alone.count / 2;
    const kpu_search_past past = {.count = known,
                                  .read = read_slowly,
                                  .context = &alone,
                                  .points = alone.points[known].index,
                                  .evaluations = known};
    const kpu_search_options options = {.settings = &settings, .past = &past};
    crew c = {.space = space, .others = space, .count = 2, .threads = 1, .patience = 0.1};
    run_crew(&c, &options, &rest);
    CU_ASSERT((double)known * 0.002 > 1.5 * KPU_RANKS_LEADER_PATIENCE * 0.1);
    CU_ASSERT_EQUAL(rest.code, KPU_OK);
    CU_ASSERT_EQUAL(rest.count + (size_t)known, alone.count);
    CU_ASSERT_EQUAL(c.served[1], KPU_OK);
    found_fini(&alone);
    found_fini(&rest);
    kpu_space_free(space);
}

static void test_rank_0_vanishes(void)
{
    kpu_space *space = must_make_space(sweep);
    crew c = {.space = space,
              .others = space,
              .count = 2,
              .threads = 1,
              .fault = {FAULT_VANISHES, 0, 1, 0},
              .patience = 0.05};
    found alone = run_alone(space, "exhaustive");
    expect_same(&c, "exhaustive", &alone); /* it cannot reach anybody, and does all itself */
    CU_ASSERT_EQUAL(c.served[1], KPU_E_IO);
    found_fini(&alone);
    kpu_space_free(space);
}

/* What was handed over when it was stopped are the first rows. */
static void test_a_stop(void)
{
    kpu_space *space = must_make_space(sweep);
    for (size_t i = 0; i < kpu_search_count(); i++) {
        const kpu_search *s = kpu_search_at(i);
        const kpu_search_settings settings = settings_of(s->name, BUDGET, 1);
        const kpu_search_options options = {.settings = &settings};
        found alone = run_alone(space, s->name), some = {.stop_after = 20};
        crew c = {.space = space, .others = space, .count = 3, .threads = 1, .patience = 30};
        run_crew(&c, &options, &some);
        CU_ASSERT(some.code == KPU_E_INTERRUPTED || some.count == alone.count);
        CU_ASSERT(some.count <= alone.count);
        CU_ASSERT_EQUAL(memcmp(some.points, alone.points, some.count * sizeof *some.points), 0);
        CU_ASSERT_EQUAL(c.served[1], KPU_OK);
        found_fini(&alone);
        found_fini(&some);
    }
    kpu_space_free(space);
}

static bool hear_nothing(void *context, int64_t done, int64_t total)
{
    int64_t *heard = context;
    heard[0] = done;
    heard[1] = total;
    return false;
}

/* From every place, in parts: together the rows of the whole. */
static void test_parts_and_beginnings(void)
{
    kpu_space *space = must_make_space(sweep);
    found alone = run_alone(space, "exhaustive");
    for (int64_t first = 0; first < kpu_space_run_size(space); first += 101) {
        size_t rows = 0;
        for (int64_t part = 0; part < 3; part++) {
            int64_t heard[2] = {-1, -1};
            found some = {0};
            const kpu_explore_options options = {.threads = 2,
                                                 .sink = keep_rows,
                                                 .sink_context = &some,
                                                 .progress = hear_nothing,
                                                 .progress_context = heard,
                                                 .first = first / 3,
                                                 .shard = {part, 3}};
            CU_ASSERT_EQUAL(kpu_explore(space, &options, NULL), KPU_OK);
            CU_ASSERT(heard[0] == heard[1] && heard[0] > 0);
            rows += some.count;
            found_fini(&some);
        }
        CU_ASSERT(first > 2 ? rows < alone.count : rows == alone.count);
    }
    found_fini(&alone);
    kpu_space_free(space);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"any number of ranks", test_any_number_of_ranks},
        {"a rank vanishes", test_a_rank_vanishes},
        {"a rank stops for a while", test_a_rank_stops_for_a_while},
        {"a rank is slow", test_a_rank_is_slow},
        {"a rank says nonsense", test_a_rank_says_nonsense},
        {"an answer finds no memory", test_an_answer_finds_no_memory},
        {"what waits is told", test_what_waits_is_told},
        {"all others are lost", test_all_others_are_lost},
        {"a rank with another sweep", test_a_rank_with_another_sweep},
        {"ranks without a space", test_ranks_without_a_space},
        {"rank 0 is long in beginning", test_rank_0_is_long_in_beginning},
        {"rank 0 vanishes", test_rank_0_vanishes},
        {"a stop", test_a_stop},
        {"parts and beginnings", test_parts_and_beginnings},
        CU_TEST_INFO_NULL,
    };
    return run_suite("ranks", tests);
}
