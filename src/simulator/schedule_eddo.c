/* The explicit discipline, event by event: a free DMA engine or block mover takes, of the first
 * eddo_window unstarted commands of its queue, the first whose waits are over. Streamers and the
 * fabric run in order, so a command of theirs is timed as soon as all it waits for is; that may
 * be ahead of the queues' present. */
#include <stdlib.h>
#include <string.h>

#include "simulator/schedule_build.h"

/* A heap of commands, smallest key first. */
typedef struct entry {
    int64_t key, command;
} entry;
typedef struct heap {
    entry *entries;
    int64_t count;
} heap;

/* DMA engines or block movers with their queue. */
typedef struct queue {
    int64_t *commands; /* in emission order */
    int64_t count;
    int64_t entered; /* commands that are, or have been, within the window */
    int64_t started;
    heap waiting;    /* within it, timed waits, by the cycle when the last is over */
    heap ready;      /* of these, all over: by emission order */
    heap idle, busy; /* engines: free ones by index, others by the cycle when they are free */
} queue;
enum { QUEUES = 2 };

typedef struct eddo {
    kpu_schedule *s;
    queue queue[QUEUES];
    int64_t now;
    /* Per command: how many of its waits have no times yet, counting its predecessor on a
     * streamer or the fabric as one; which waits are for it (lists through the waits); who runs
     * after it on its streamer or the fabric; whether its queue's window has reached it. */
    int64_t *untimed, *first_waiter, *successor;
    bool *in_window;
    int64_t *next_waiter, *waiter; /* per wait: next of the list, who waits */
    int64_t *stack, depth;         /* commands of streamers and fabric that can be timed */
    int64_t free_at[KPU_ENGINE_CLASSES];
} eddo;

/* ---- heaps ---------------------------------------------------------------------------------- */

static void push(heap *h, int64_t key, int64_t command)
{
    int64_t at = h->count++;
    while (at > 0 && h->entries[(at - 1) / 2].key > key) {
        h->entries[at] = h->entries[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    h->entries[at] = (entry){key, command};
}

static entry pop(heap *h)
{
    entry top = h->entries[0], last = h->entries[--h->count];
    int64_t at = 0;
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child + 1 < h->count && h->entries[child + 1].key < h->entries[child].key)
            child++;
        if (child >= h->count || h->entries[child].key >= last.key)
            break;
        h->entries[at] = h->entries[child];
        at = child;
    }
    h->entries[at] = last;
    return top;
}

/* ---- what follows when a command has its times ------------------------------------------------
 */

/* -1: a streamer's or the fabric's. */
static int queue_of(const kpu_command *c)
{
    uint8_t engine = kpu_command_class(c->kind);
    return engine == KPU_ENGINE_DMA ? 0 : engine == KPU_ENGINE_BM ? 1 : -1;
}

static int64_t waits_over(const kpu_schedule *s, const kpu_command *c)
{
    int64_t over = 0;
    for (int64_t i = c->first_wait; i < c->first_wait + c->wait_count; i++) {
        int64_t end = kpu_wait_end(s, &s->waits[i]);
        over = end > over ? end : over;
    }
    return over;
}

/* All that the command waits for has its times. */
static void can_be_timed(eddo *d, int64_t command)
{
    const kpu_command *c = &d->s->commands[command];
    int q = queue_of(c);
    if (q < 0)
        d->stack[d->depth++] = command;
    else if (d->in_window[command])
        push(&d->queue[q].waiting, waits_over(d->s, c), command);
}

static void wait_is_timed(eddo *d, int64_t command)
{
    if (--d->untimed[command] == 0)
        can_be_timed(d, command);
}

static void tell_waiters(eddo *d, int64_t command)
{
    for (int64_t i = d->first_waiter[command]; i >= 0; i = d->next_waiter[i])
        wait_is_timed(d, d->waiter[i]);
    if (d->successor[command] >= 0)
        wait_is_timed(d, d->successor[command]);
}

/* Streamers and the fabric as far as they get. */
static int run_in_order(eddo *d)
{
    while (d->depth > 0) {
        int64_t command = d->stack[--d->depth];
        kpu_command *c = &d->s->commands[command];
        int64_t *free_at = &d->free_at[kpu_command_class(c->kind)];
        int code = schedule_time_command(d->s, c, *free_at);
        if (code != KPU_OK)
            return code;
        *free_at = c->busy_end;
        tell_waiters(d, command);
    }
    return KPU_OK;
}

/* ---- queues -----------------------------------------------------------------------------------
 */

static void fill_window(eddo *d, queue *q)
{
    while (q->entered < q->count && q->entered - q->started < d->s->mapping.eddo_window) {
        int64_t command = q->commands[q->entered++];
        d->in_window[command] = true;
        if (d->untimed[command] == 0)
            can_be_timed(d, command);
    }
}

static void advance_to(const eddo *d, queue *q)
{
    while (q->waiting.count > 0 && q->waiting.entries[0].key <= d->now) {
        int64_t command = pop(&q->waiting).command;
        push(&q->ready, command, command);
    }
    while (q->busy.count > 0 && q->busy.entries[0].key <= d->now) {
        int64_t engine = pop(&q->busy).command;
        push(&q->idle, engine, engine);
    }
}

/* Starts what can start now. Whatever follows from it lies later than now. */
static int start_ready(eddo *d, queue *q)
{
    for (;;) {
        fill_window(d, q);
        advance_to(d, q);
        if (q->ready.count == 0 || q->idle.count == 0)
            return KPU_OK;
        int64_t command = pop(&q->ready).command;
        kpu_command *c = &d->s->commands[command];
        c->engine = (int32_t)pop(&q->idle).command;
        int code = schedule_time_command(d->s, c, d->now);
        if (code != KPU_OK)
            return code;
        push(&q->busy, c->busy_end, c->engine);
        q->started++;
        tell_waiters(d, command);
    }
}

/* The next cycle at which a queue can start something, or learn that it cannot. */
static int64_t next_event(const eddo *d)
{
    int64_t next = INT64_MAX;
    for (int i = 0; i < QUEUES; i++) {
        const queue *q = &d->queue[i];
        if (q->waiting.count > 0 && q->waiting.entries[0].key < next)
            next = q->waiting.entries[0].key;
        if (q->ready.count > 0 && q->busy.count > 0 && q->busy.entries[0].key < next)
            next = q->busy.entries[0].key;
    }
    return next;
}

static int simulate(eddo *d)
{
    do {
        int code = KPU_OK;
        for (int i = 0; i < QUEUES && code == KPU_OK; i++)
            code = start_ready(d, &d->queue[i]);
        if (code == KPU_OK)
            code = run_in_order(d);
        if (code != KPU_OK)
            return code;
        d->now = next_event(d);
    } while (d->now < INT64_MAX);
    return KPU_OK;
}

/* ---- preparation ------------------------------------------------------------------------------
 */

/* Who waits for whom. */
static void link_commands(eddo *d)
{
    const kpu_schedule *s = d->s;
    int64_t latest[KPU_ENGINE_CLASSES];
    memset(latest, -1, sizeof latest);
    for (int64_t i = 0; i < s->command_count; i++)
        d->first_waiter[i] = d->successor[i] = -1;
    for (int64_t i = 0; i < s->command_count; i++) {
        const kpu_command *c = &s->commands[i];
        int q = queue_of(c);
        d->untimed[i] = c->wait_count;
        for (int64_t w = c->first_wait; w < c->first_wait + c->wait_count; w++) {
            d->waiter[w] = i;
            d->next_waiter[w] = d->first_waiter[s->waits[w].command];
            d->first_waiter[s->waits[w].command] = w;
        }
        int64_t *before = &latest[kpu_command_class(c->kind)];
        if (q >= 0) {
            d->queue[q].commands[d->queue[q].count++] = i;
        } else if (*before >= 0) {
            d->successor[*before] = i;
            d->untimed[i]++;
        }
        *before = i;
    }
    for (int64_t i = 0; i < s->command_count; i++)
        if (d->untimed[i] == 0 && queue_of(&s->commands[i]) < 0)
            can_be_timed(d, i);
}

static bool prepare_queue(queue *q, int64_t commands, int64_t engines)
{
    size_t room = (size_t)commands, engine_room = (size_t)engines;
    q->commands = malloc(room * sizeof *q->commands);
    q->waiting.entries = malloc(room * sizeof *q->waiting.entries);
    q->ready.entries = malloc(room * sizeof *q->ready.entries);
    q->idle.entries = malloc(engine_room * sizeof *q->idle.entries);
    q->busy.entries = malloc(engine_room * sizeof *q->busy.entries);
    bool complete =
        q->commands && q->waiting.entries && q->ready.entries && q->idle.entries && q->busy.entries;
    for (int64_t i = 0; i < engines && complete; i++)
        push(&q->idle, i, i);
    return complete;
}

static bool prepare(eddo *d)
{
    const kpu_schedule *s = d->s;
    size_t commands = (size_t)s->command_count, waits = (size_t)s->wait_count + 1;
    d->untimed = malloc(commands * sizeof *d->untimed);
    d->first_waiter = malloc(commands * sizeof *d->first_waiter);
    d->successor = malloc(commands * sizeof *d->successor);
    d->in_window = calloc(commands, sizeof *d->in_window);
    d->stack = malloc(commands * sizeof *d->stack);
    d->next_waiter = malloc(waits * sizeof *d->next_waiter);
    d->waiter = malloc(waits * sizeof *d->waiter);
    bool complete = d->untimed && d->first_waiter && d->successor && d->in_window && d->stack &&
                    d->next_waiter && d->waiter;
    static const int classes[QUEUES] = {KPU_ENGINE_DMA, KPU_ENGINE_BM};
    for (int i = 0; i < QUEUES; i++)
        if (!prepare_queue(&d->queue[i], s->command_count, kpu_schedule_engines(s, classes[i])))
            complete = false;
    return complete;
}

static void fini(eddo *d)
{
    free(d->untimed);
    free(d->first_waiter);
    free(d->successor);
    free(d->in_window);
    free(d->stack);
    free(d->next_waiter);
    free(d->waiter);
    for (int i = 0; i < QUEUES; i++) {
        queue *q = &d->queue[i];
        free(q->commands);
        free(q->waiting.entries);
        free(q->ready.entries);
        free(q->idle.entries);
        free(q->busy.entries);
    }
}

int schedule_time_eddo(kpu_schedule *s)
{
    eddo d = {.s = s};
    int code = KPU_E_MEMORY;
    if (prepare(&d)) {
        link_commands(&d);
        code = simulate(&d);
    }
    fini(&d);
    return code;
}
