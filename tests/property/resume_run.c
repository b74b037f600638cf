#include "resume_run.h"

#include <stdlib.h>
#include <string.h>

#include "ranks/mailbox.h"

/* ---- Rows --------------------------------------------------------------------------------- */

const kpu_metric_value *rows_metrics(const rows *r, size_t at)
{
    return r->metrics + at * kpu_metric_count();
}

static void add_row(rows *r, const kpu_row *row)
{
    size_t width = kpu_metric_count();
    if (r->count == r->capacity) {
        r->capacity = 2 * r->capacity + 64;
        r->points = realloc(r->points, r->capacity * sizeof *r->points);
        r->metrics = realloc(r->metrics, r->capacity * width * sizeof *r->metrics);
        if (!r->points || !r->metrics)
            abort();
    }
    r->points[r->count] = row->point;
    memcpy(r->metrics + r->count * width, row->metrics, width * sizeof *r->metrics);
    r->count++;
}

void rows_add_copy(rows *to, const rows *from, size_t at)
{
    const kpu_row row = {.point = from->points[at], .metrics = rows_metrics(from, at)};
    add_row(to, &row);
}

bool rows_same(const rows *a, const rows *b)
{
    size_t width = kpu_metric_count() * sizeof *a->metrics;
    bool same = a->count == b->count;
    for (size_t i = 0; i < a->count && same; i++)
        same = a->points[i].index == b->points[i].index &&
               memcmp(rows_metrics(a, i), rows_metrics(b, i), width) == 0;
    return same;
}

void rows_fini(rows *r)
{
    free(r->points);
    free(r->metrics);
    *r = (rows){0};
}

/* ---- One space, and what is wrong with it ------------------------------------------------- */

void expect(test_run *t, bool holds, const char *what)
{
    if (holds)
        return;
    printf("space %llu, %s: does not hold: %s\n", (unsigned long long)t->number,
           t->space ? kpu_space_search(t->space)->search->name : "none", what);
    if (!t->failed && t->failures < 3)
        random_space_print(&t->text, stdout);
    t->failures += !t->failed;
    t->failed = true;
}

/* ---- A run, as a program would keep it ---------------------------------------------------- */

void kept_fini(kept *k)
{
    rows_fini(&k->log);
    rows_fini(&k->given);
    free(k->certificate);
    *k = (kept){0};
}

typedef struct run_context {
    test_run *t;
    kept *k;
    kpu_shard shard;
    kpu_selection *selection; /* NULL: all rows are kept */
    size_t came;              /* rows in this run */
    size_t stop_after;        /* of them; 0: never */
    size_t committed;         /* rows of the log when the numbers were last set */
    int64_t before;           /* evaluations of earlier runs */
    volatile int stop;
} run_context;

bool gives_fronts(const test_run *t)
{
    return kpu_space_search(t->space)->search->only_fronts;
}

static void count_row(run_context *c)
{
    c->came++;
    if (c->stop_after > 0 && c->came >= c->stop_after)
        c->stop = 1;
}

static int keep_rows(void *context, const kpu_row *from, size_t count, kpu_diag *diag)
{
    run_context *c = context;
    rows *to = gives_fronts(c->t) ? &c->k->given : &c->k->log;
    (void)diag;
    for (size_t i = 0; i < count; i++) {
        bool accepted = true;
        int64_t number = (int64_t)to->count;
        if (c->selection &&
            kpu_selection_offer(c->selection, &from[i], number, &accepted) != KPU_OK)
            abort();
        if (accepted)
            add_row(to, &from[i]);
        if (!gives_fronts(c->t))
            count_row(c);
    }
    return KPU_OK;
}

static int note_row(void *context, const kpu_row *row, kpu_diag *diag)
{
    run_context *c = context;
    (void)diag;
    add_row(&c->k->log, row);
    count_row(c);
    return KPU_OK;
}

static int keep_text(void *context, const char *text, size_t bytes, kpu_diag *diag)
{
    kept *k = ((run_context *)context)->k;
    (void)diag;
    if (k->bytes + bytes > k->room) {
        k->room = 2 * (k->bytes + bytes);
        k->certificate = realloc(k->certificate, k->room);
        if (!k->certificate)
            abort();
    }
    memcpy(k->certificate + k->bytes, text, bytes);
    k->bytes += bytes;
    return KPU_OK;
}

/* Candidates among the first `points` points of the shard, counted one by one. */
static int64_t candidates_before(const test_run *t, kpu_shard shard, int64_t points)
{
    int64_t block = kpu_shard_block(t->space, shard.count), seen = 0, candidates = 0;
    kpu_point point;
    for (int64_t n = 0; n < kpu_space_run_size(t->space) && seen < points; n++) {
        if (shard.count > 1 && n / block % shard.count != shard.index)
            continue;
        seen++;
        candidates += kpu_space_point(t->space, n, &point);
    }
    return candidates;
}

/* What is said is true of the rows that came, no more and no less. */
static bool commit(void *context, const kpu_search_progress *progress)
{
    run_context *c = context;
    test_run *t = c->t;
    int64_t known = c->before < progress->evaluations ? c->before : progress->evaluations;
    expect(t, known + (int64_t)c->came == progress->evaluations, "progress counts what came");
    if (strcmp(kpu_space_search(t->space)->search->name, "exhaustive") == 0)
        expect(t, candidates_before(t, c->shard, progress->done) == progress->evaluations,
               "the rows of the first points, no others");
    c->k->points = progress->done;
    c->k->evaluations = progress->evaluations;
    c->k->feasible = progress->feasible;
    c->committed = c->k->log.count;
    return false;
}

/* A row of the log; of what a search need not know there is rubbish. */
static int read_row(void *context, int64_t n, int64_t *id, kpu_metric_value *metrics,
                    kpu_diag *diag)
{
    run_context *c = context;
    (void)diag;
    *id = c->k->log.points[n].index;
    for (size_t m = 0; m < kpu_metric_count(); m++) {
        if (kpu_search_needs(c->t->space, m))
            metrics[m] = rows_metrics(&c->k->log, (size_t)n)[m];
        else
            metrics[m].i = 0x7ff8dead12345678;
    }
    return KPU_OK;
}

/* The selection, as the log says. */
static kpu_selection *replay(const test_run *t, const rows *log)
{
    kpu_selection *selection = kpu_selection_new(t->space, kpu_space_keep(t->space));
    for (size_t i = 0; selection && i < log->count; i++) {
        const kpu_row row = {.point = log->points[i], .metrics = rows_metrics(log, i)};
        bool accepted;
        if (kpu_selection_offer(selection, &row, (int64_t)i, &accepted) != KPU_OK || !accepted)
            return NULL;
    }
    return selection;
}

/* ---- With other ranks --------------------------------------------------------------------- */

static const double patience_s = 0.3;

typedef struct helper {
    const kpu_space *space;
    mailbox box;
    int threads;
    pthread_t thread;
} helper;

/* All ranks, and their mail. */
typedef struct crew {
    mailboxes all;
    helper ranks[MAILBOX_RANKS];
} crew;

static void *help(void *context)
{
    helper *h = context;
    const kpu_search_options options = {.threads = h->threads};
    kpu_search_serve(h->space, &h->box.ranks, &options, NULL);
    pthread_mutex_lock(&h->box.all->lock);
    mailbox_go(&h->box);
    pthread_mutex_unlock(&h->box.all->lock);
    return NULL;
}

/* Few have helpers that are lost: that takes time. */
static fault draw_fault(test_run *t, int ranks)
{
    fault f = {.rank = (int)random_between(&t->random, 1, ranks - 1),
               .message = random_between(&t->random, 1, 20)};
    if (random_chance(&t->random, 3))
        f.kind = random_chance(&t->random, 50) ? FAULT_VANISHES : FAULT_UNREAD;
    return f;
}

/* NULL: nobody helps. */
static kpu_ranks *begin_crew(test_run *t, crew *c)
{
    int count = random_chance(&t->random, 50) ? 1 : (int)random_between(&t->random, 2, 4);
    c->all.count = count;
    if (count == 1)
        return NULL;
    const fault f = draw_fault(t, count);
    mailboxes_init(&c->all, count, &f);
    for (int r = 0; r < count; r++) {
        helper *h = &c->ranks[r];
        *h = (helper){.space = t->space, .threads = (int)random_between(&t->random, 1, 2)};
        mailbox_init(&h->box, &c->all, r, patience_s);
        if (r > 0 && pthread_create(&h->thread, NULL, help, h) != 0)
            abort();
    }
    t->crews++;
    return &c->ranks[0].box.ranks;
}

static void end_crew(test_run *t, crew *c)
{
    if (c->all.count == 1)
        return;
    t->lost += c->ranks[0].box.ranks.lost;
    t->messages += c->ranks[0].box.ranks.messages;
    kpu_ranks_dismiss(&c->ranks[0].box.ranks);
    for (int r = 1; r < c->all.count; r++)
        pthread_join(c->ranks[r].thread, NULL);
    mailboxes_fini(&c->all);
}

/* ---- The whole ---------------------------------------------------------------------------- */

static void show(kpu_diag *diag)
{
    char *complaints = diag->count ? kpu_diag_render(diag) : NULL;
    if (complaints)
        fputs(complaints, stdout);
    free(complaints);
    kpu_diag_fini(diag);
}

void run_once(test_run *t, const way *w, size_t stop_after, kept *k)
{
    crew others;
    kpu_diag diag = {0};
    run_context c = {.t = t,
                     .k = k,
                     .shard = w->shard,
                     .stop_after = stop_after,
                     .committed = k->log.count,
                     .before = k->evaluations};
    const kpu_search_past past = {.count = (int64_t)k->log.count,
                                  .read = read_row,
                                  .context = &c,
                                  .points = k->points,
                                  .evaluations = k->evaluations,
                                  .feasible = k->feasible};
    const kpu_search_options options = {.threads = (int)random_between(&t->random, 1, 3),
                                        .sink = keep_rows,
                                        .sink_context = &c,
                                        .progress = commit,
                                        .progress_context = &c,
                                        .stop = &c.stop,
                                        .certificate = w->certifies ? keep_text : NULL,
                                        .certificate_context = &c,
                                        .past = k->evaluations > 0 || k->points > 0 ? &past : NULL,
                                        .noted = gives_fronts(t) ? note_row : NULL,
                                        .noted_context = &c,
                                        .shard = w->shard,
                                        .ranks = begin_crew(t, &others)};
    rows_fini(&k->given);
    c.selection = w->selects ? replay(t, &k->log) : NULL;
    expect(t, !w->selects || c.selection, "the log is accepted once more");
    k->code = kpu_search_run(t->space, &options, &k->summary, &diag);
    end_crew(t, &others);
    show(&diag);
    kpu_selection_free(c.selection);
    expect(t, k->code == KPU_OK || (k->code == KPU_E_INTERRUPTED && c.stop), "it runs");
    expect(t, c.committed == k->log.count, "the last word is of all rows");
    t->runs++;
}
