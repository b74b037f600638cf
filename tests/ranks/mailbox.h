/* A transport for tests: ranks are threads of one process, messages lie in mailboxes, and a rank
 * can be lost in many ways, at a message that is known beforehand. */
#ifndef KPU_MAILBOX_H
#define KPU_MAILBOX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kpu/ranks.h"

enum { MAILBOX_RANKS = 4 };

typedef enum fault_kind {
    FAULT_NONE,
    FAULT_VANISHES, /* nothing it says arrives any more */
    FAULT_STOPS,    /* neither hears nor says anything for a while, then goes on */
    FAULT_IS_SLOW,  /* from then on whatever it says arrives late, but it arrives */
    FAULT_LIES,     /* what it says is cut short */
    FAULT_UNREAD    /* there is no memory to read that message */
} fault_kind;

typedef struct fault {
    fault_kind kind;
    int rank;
    int64_t message; /* so many messages were said by this rank before */
    double seconds;  /* STOPS, IS_SLOW */
} fault;

typedef struct letter {
    struct letter *next;
    int from;
    double ripe; /* when it can be read */
    bool unread;
    size_t size;
    char bytes[];
} letter;

typedef struct mailboxes {
    pthread_mutex_t lock;
    pthread_cond_t spoken; /* a rank has said its first word, or never will */
    letter *first[MAILBOX_RANKS], *last[MAILBOX_RANKS];
    int64_t said[MAILBOX_RANKS], bytes;
    bool is_gone[MAILBOX_RANKS];
    bool has_begun;
    int count;
    fault fault;
} mailboxes;

/* One rank's end. */
typedef struct mailbox {
    mailboxes *all;
    kpu_ranks ranks;
    bool has_stopped;
} mailbox;

static inline double mailbox_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline void mailbox_sleep(double seconds)
{
    nanosleep(&(struct timespec){.tv_sec = (time_t)seconds,
                                 .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)},
              NULL);
}

static inline bool mailbox_is_due(const mailbox *m)
{
    const fault *f = &m->all->fault;
    return f->kind != FAULT_NONE && f->rank == m->ranks.rank &&
           m->all->said[m->ranks.rank] >= f->message;
}

static inline void mailbox_go(mailbox *m)
{
    m->all->is_gone[m->ranks.rank] = true;
    pthread_cond_signal(&m->all->spoken);
}

/* With the lock. */
static inline void mailbox_post(mailbox *m, int to, const void *bytes, size_t size)
{
    mailboxes *all = m->all;
    const bool is_due = mailbox_is_due(m);
    if (is_due && all->fault.kind == FAULT_LIES)
        size = size > 28 ? size - 1 : size;
    letter *l = malloc(sizeof *l + size);
    if (!l)
        abort();
    *l = (letter){.from = m->ranks.rank, .size = size, .ripe = mailbox_now()};
    l->unread =
        is_due && all->fault.kind == FAULT_UNREAD && all->said[l->from] == all->fault.message;
    if (is_due && all->fault.kind == FAULT_IS_SLOW)
        l->ripe += all->fault.seconds;
    memcpy(l->bytes, bytes, size);
    if (all->last[to])
        all->last[to]->next = l;
    else
        all->first[to] = l;
    all->last[to] = l;
    all->said[m->ranks.rank]++;
    all->bytes += (int64_t)size;
    all->has_begun |= m->ranks.rank == 0;
    pthread_cond_signal(&all->spoken);
}

/* With the lock, which it leaves meanwhile. */
static inline void mailbox_stop_for_a_while(mailbox *m)
{
    if (!mailbox_is_due(m) || m->all->fault.kind != FAULT_STOPS || m->has_stopped)
        return;
    m->has_stopped = true;
    pthread_cond_signal(&m->all->spoken);
    pthread_mutex_unlock(&m->all->lock);
    mailbox_sleep(m->all->fault.seconds);
    pthread_mutex_lock(&m->all->lock);
}

static inline int mailbox_send(void *context, int to, const void *bytes, size_t size)
{
    mailbox *m = context;
    int code = KPU_OK;
    pthread_mutex_lock(&m->all->lock);
    mailbox_stop_for_a_while(m);
    if (mailbox_is_due(m) && m->all->fault.kind == FAULT_VANISHES)
        mailbox_go(m);
    if (m->all->is_gone[m->ranks.rank])
        code = KPU_E_IO;
    else
        mailbox_post(m, to, bytes, size);
    pthread_mutex_unlock(&m->all->lock);
    return code;
}

/* Small runs would be over before the others have said hello. */
static inline void mailbox_wait_for_all(mailbox *m)
{
    mailboxes *all = m->all;
    if (m->ranks.rank > 0 || !all->has_begun)
        return;
    for (int r = 1; r < all->count; r++) {
        bool stops =
            all->fault.kind == FAULT_STOPS && all->fault.rank == r && all->fault.message == 0;
        while (all->said[r] == 0 && !all->is_gone[r] && !stops)
            pthread_cond_wait(&all->spoken, &all->lock);
    }
}

static inline int mailbox_receive(void *context, int *from, void **bytes, size_t *size)
{
    mailbox *m = context;
    mailboxes *all = m->all;
    int me = m->ranks.rank, code = KPU_OK;
    *from = -1;
    pthread_mutex_lock(&all->lock);
    mailbox_stop_for_a_while(m);
    mailbox_wait_for_all(m);
    letter *l = all->first[me];
    if (all->is_gone[me]) {
        code = KPU_E_IO;
    } else if (l && l->ripe <= mailbox_now()) {
        all->first[me] = l->next;
        all->last[me] = l->next ? all->last[me] : NULL;
        *from = l->from;
        *size = l->size;
        *bytes = l->unread ? NULL : malloc(l->size + 1);
        code = *bytes ? KPU_OK : KPU_E_MEMORY;
        if (*bytes)
            memcpy(*bytes, l->bytes, l->size);
        free(l);
    }
    pthread_mutex_unlock(&all->lock);
    return code;
}

static inline void mailboxes_init(mailboxes *all, int count, const fault *f)
{
    memset(all, 0, sizeof *all);
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->spoken, NULL);
    all->count = count;
    if (f)
        all->fault = *f;
}

static inline void mailboxes_fini(mailboxes *all)
{
    for (int r = 0; r < all->count; r++)
        while (all->first[r]) {
            letter *l = all->first[r];
            all->first[r] = l->next;
            free(l);
        }
    pthread_cond_destroy(&all->spoken);
    pthread_mutex_destroy(&all->lock);
}

static inline void mailbox_init(mailbox *m, mailboxes *all, int rank, double patience_s)
{
    *m = (mailbox){.all = all,
                   .ranks = {.rank = rank,
                             .count = all->count,
                             .context = m,
                             .send = mailbox_send,
                             .receive = mailbox_receive,
                             .patience_s = patience_s,
                             .eager = true}};
}

#endif
