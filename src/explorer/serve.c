/* A rank that serves rank 0: its leading thread reads and writes messages, its pool does the
 * work. */
#include "explorer/serve.h"

#include <omp.h>
#include <stdlib.h>
#include <time.h>

static const size_t flush_bytes = 256 * 1024;
static const int64_t listen_min_ns = 20 * 1000, listen_max_ns = 2 * 1000 * 1000;
static const int64_t unheard_ns = 100 * 1000 * 1000; /* more between two looks is no silence */
static const int64_t second_ns = 1000 * 1000 * 1000;

typedef struct server {
    const kpu_space *space;
    kpu_ranks *ranks;
    const kpu_search_options *options;
    kpu_diag *diag;
    char identity[KPU_MESSAGE_IDENTITY];
    kpu_serving serving;
    kpu_pool *pool;
    int64_t run, batch;           /* that it works for */
    kpu_remote_job job;           /* of the batch */
    int64_t looked_ns, silent_ns; /* since rank 0 was heard, as far as anybody listened */
    int64_t sent_ns, flushed_ns;
    kpu_text message, done;
    bool is_home;
    int code; /* with which it ends */
} server;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * second_ns + t.tv_nsec;
}

/* One that leaves before it is sent home has lost all others: whoever ends the transport should not
 * wait for them. */
static void leave(server *s, int code)
{
    if (code != KPU_OK)
        s->ranks->lost = s->ranks->count - 1;
    s->is_home = true;
    s->code = code;
}

/* ---- Sending ------------------------------------------------------------------------------ */

static void begin_message(server *s, kpu_message_kind kind)
{
    const kpu_message_head head = {s->run, s->batch, kind};
    kpu_text_clear(&s->message);
    s->message.failed = false;
    kpu_put(&s->message, &head, sizeof head);
}

static void send(server *s)
{
    int code = s->message.failed
                   ? KPU_E_MEMORY
                   : s->ranks->send(s->ranks->context, 0, s->message.data, s->message.length);
    s->sent_ns = now_ns();
    if (code != KPU_OK && !s->is_home)
        leave(s, code);
}

static void say_hello(server *s)
{
    begin_message(s, KPU_MESSAGE_HELLO);
    kpu_put_int(&s->message, (int64_t)kpu_pool_size(s->pool));
    send(s);
}

static void say_goodbye(server *s, int code)
{
    leave(s, code);
    begin_message(s, KPU_MESSAGE_LEAVING);
    kpu_put_int32(&s->message, code);
    send(s);
}

static void say_something(server *s)
{
    if (now_ns() - s->sent_ns < kpu_message_pause_ns(s->ranks))
        return;
    begin_message(s, KPU_MESSAGE_ALIVE);
    send(s);
}

/* What is done goes when nothing else is left to do, or it has waited for a while. */
static void flush(server *s)
{
    kpu_pool_done done = {.text = s->done};
    bool waited = now_ns() - s->flushed_ns >= kpu_served_jobs[s->job].flush_ns;
    if (!kpu_pool_has_news(s->pool, waited, flush_bytes))
        return;
    kpu_text_clear(&done.text);
    kpu_pool_collect(s->pool, &done);
    s->done = done.text;
    s->flushed_ns = now_ns();
    if (done.error != KPU_OK) {
        say_goodbye(s, done.error);
    } else if (done.text.length > 0) {
        begin_message(s, KPU_MESSAGE_DONE);
        kpu_put_int(&s->message, done.spent_ns);
        kpu_put(&s->message, done.text.data, done.text.length);
        send(s);
    }
}

/* ---- Receiving ---------------------------------------------------------------------------- */

static void hear_begin(server *s, const kpu_message_head *head, kpu_reader *reader)
{
    double patience;
    char identity[KPU_MESSAGE_IDENTITY];
    kpu_read(reader, &patience, sizeof patience);
    kpu_read(reader, identity, sizeof identity);
    kpu_pool_drop(s->pool);
    s->run = head->run;
    s->batch = 0;
    if (reader->failed || memcmp(identity, s->identity, sizeof identity) != 0) {
        say_goodbye(s, KPU_E_INPUT);
        kpu_diag_add(s->diag, KPU_E_INPUT,
                     "rank %d has another sweep than rank 0: its machines, workloads, axes, seed "
                     "or program differ",
                     s->ranks->rank);
        return;
    }
    s->ranks->patience_s = patience;
    kpu_cells_free(s->serving.cells);
    s->serving.cells = NULL;
    say_hello(s);
}

/* Of a new batch, nothing else is under way: what is left of the one before is not wanted. */
static bool prepare(server *s, int64_t batch, kpu_remote_job job, kpu_reader *shared)
{
    if (batch == s->batch)
        return true;
    kpu_pool_drop(s->pool);
    s->batch = batch;
    s->job = job;
    return kpu_served_jobs[job].prepare(&s->serving, shared);
}

/* Takes the message. */
static void hear_work(server *s, const kpu_message_head *head, kpu_reader reader, void *message)
{
    uint32_t job = kpu_read_size(&reader);
    size_t size = kpu_read_size(&reader);
    kpu_reader shared = {kpu_read_bytes(&reader, size), size, false};
    kpu_pool_work work = {.message = message, .job = (kpu_remote_job)job};
    work.first = kpu_read_int(&reader);
    work.count = kpu_read_int(&reader);
    work.items = reader;
    if (reader.failed || job >= KPU_REMOTE_JOBS || !prepare(s, head->batch, work.job, &shared)) {
        free(message);
        say_goodbye(s, KPU_E_MEMORY);
    } else if (!kpu_pool_add(s->pool, &work)) {
        say_goodbye(s, KPU_E_MEMORY);
    }
}

static void hear(server *s, void *message, size_t size)
{
    kpu_reader reader = {message, size, false};
    kpu_message_head head;
    kpu_read(&reader, &head, sizeof head);
    s->silent_ns = 0;
    if (head.kind == KPU_MESSAGE_WORK && head.run == s->run) {
        hear_work(s, &head, reader, message);
        return;
    }
    if (head.kind == KPU_MESSAGE_HOME) {
        s->ranks->lost = kpu_read_int32(&reader);
        leave(s, KPU_OK);
    } else if (head.kind == KPU_MESSAGE_BEGIN) {
        hear_begin(s, &head, &reader);
    } else if (head.kind == KPU_MESSAGE_END && head.run == s->run) {
        kpu_pool_drop(s->pool);
    }
    free(message);
}

static bool receive(server *s)
{
    int from = -1;
    void *message = NULL;
    size_t size = 0;
    int code = s->ranks->receive(s->ranks->context, &from, &message, &size);
    if (code != KPU_OK)
        leave(s, code);
    if (code != KPU_OK || from < 0)
        return false;
    if (from == 0)
        hear(s, message, size);
    else
        free(message);
    return !s->is_home;
}

/* ---- Before and after ---------------------------------------------------------------------- */

/* False: nothing of use was said. */
static bool hears_end(kpu_ranks *ranks, bool *begins)
{
    int from = -1;
    void *message = NULL;
    size_t size = 0;
    int code = ranks->receive(ranks->context, &from, &message, &size);
    kpu_reader reader = {message, code == KPU_OK && from == 0 ? size : 0, false};
    kpu_message_head head;
    kpu_read(&reader, &head, sizeof head);
    *begins = code != KPU_OK || head.kind == KPU_MESSAGE_BEGIN;
    if (head.kind == KPU_MESSAGE_BEGIN) {
        head.kind = KPU_MESSAGE_LEAVING;
        ranks->send(ranks->context, 0, &head, sizeof head);
    }
    if (head.kind == KPU_MESSAGE_HOME)
        ranks->lost = kpu_read_int32(&reader);
    free(message);
    return *begins || head.kind == KPU_MESSAGE_HOME;
}

/* False: rank 0 sends this one home. */
static bool wait_for_end(kpu_ranks *ranks, const volatile int *stop)
{
    const struct timespec nap = {.tv_nsec = listen_max_ns};
    int64_t patience = (int64_t)(ranks->patience_s * KPU_RANKS_LEADER_PATIENCE * 1e9);
    bool begins = true, is_end = false;
    for (int64_t began = now_ns(); !is_end && !*stop && now_ns() - began < patience;) {
        is_end = hears_end(ranks, &begins);
        if (!is_end)
            nanosleep(&nap, NULL);
    }
    return begins || !is_end;
}

bool kpu_ranks_decline(kpu_ranks *ranks)
{
    const volatile int never = 0;
    bool begins = wait_for_end(ranks, &never);
    if (begins)
        ranks->lost = ranks->count - 1;
    return begins;
}

void kpu_ranks_wait(kpu_ranks *ranks, const volatile int *stop)
{
    (void)wait_for_end(ranks, stop);
}

/* ---- The loop ----------------------------------------------------------------------------- */

static void look_around(server *s)
{
    int64_t now = now_ns(), passed = now - s->looked_ns;
    double patience_s = s->ranks->patience_s * KPU_RANKS_LEADER_PATIENCE;
    s->looked_ns = now;
    s->silent_ns += passed < unheard_ns ? passed : unheard_ns;
    if (s->options->stop && *s->options->stop)
        say_goodbye(s, KPU_E_INTERRUPTED);
    else if ((double)s->silent_ns > patience_s * (double)second_ns)
        leave(s, kpu_diag_add(s->diag, KPU_E_IO, "rank %d has heard nothing of rank 0 for %g s",
                              s->ranks->rank, patience_s));
}

static int lead(void *context, kpu_pool *pool)
{
    server *s = context;
    int64_t pause = listen_min_ns;
    s->pool = pool;
    s->looked_ns = s->flushed_ns = s->sent_ns = now_ns();
    if (!kpu_serving_init(&s->serving, s->space, kpu_pool_size(pool)))
        leave(s, KPU_E_MEMORY);
    while (!s->is_home) {
        bool hears = false;
        while (receive(s))
            hears = true;
        if (!s->is_home)
            flush(s);
        if (!s->is_home)
            say_something(s);
        if (!s->is_home)
            look_around(s);
        pause = hears ? listen_min_ns : kpu_message_longer(pause, listen_max_ns);
        if (!s->is_home)
            kpu_pool_wait(pool, pause);
    }
    kpu_pool_drop(pool);
    return s->code;
}

int kpu_search_serve(const kpu_space *space, kpu_ranks *ranks, const kpu_search_options *options,
                     kpu_diag *diag)
{
    server s = {.space = space, .ranks = ranks, .options = options, .diag = diag};
    const kpu_pool_options pool = {
        .serving = &s.serving, .plain_walk = options->plain_walk, .stop = options->stop};
    int threads = options->threads > 0 ? options->threads : omp_get_max_threads();
    int code = kpu_message_identity(space, s.identity);
    if (code == KPU_OK)
        code = kpu_pool_open(&pool, threads, lead, &s, diag);
    kpu_serving_fini(&s.serving);
    kpu_text_fini(&s.message);
    kpu_text_fini(&s.done);
    if (code == KPU_E_MEMORY)
        kpu_diag_add(diag, code, "rank %d is out of memory", ranks->rank);
    return code;
}
