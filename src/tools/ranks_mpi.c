/* Messages by MPI: point to point alone, nothing that waits, nothing in which all take part but the
 * start and the end. So the loss of a rank stops nobody, if the launcher lets the others live
 * (mpirun --enable-recovery, srun --kill-on-bad-exit=0). */
#include <limits.h>
#include <mpi.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/ranks_transport.h"

enum { TAG = 1, SENDING_MS = 1000 };
static const double patience_s = 10;

/* A message on its way, in or out. */
typedef struct parcel {
    struct parcel *next;
    MPI_Request request;
    int rank;
    size_t size;
    char *bytes;
} parcel;

typedef struct mpi_ranks {
    kpu_ranks ranks;
    MPI_Comm all;
    parcel *sent;
    parcel *coming, **last; /* in the order in which they were announced */
} mpi_ranks;

static void free_parcel(parcel *p)
{
    if (p)
        free(p->bytes);
    free(p);
}

static parcel *new_parcel(int rank, size_t size)
{
    parcel *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->rank = rank;
    p->size = size;
    p->bytes = malloc(size + 1);
    if (p->bytes)
        return p;
    free(p);
    return NULL;
}

/* An error ends it too: what is lost with a rank is not missed. */
static bool has_ended(parcel *p)
{
    int flag = 0;
    return MPI_Test(&p->request, &flag, MPI_STATUS_IGNORE) != MPI_SUCCESS || flag;
}

static void forget_sent(mpi_ranks *m)
{
    for (parcel **place = &m->sent; *place;) {
        parcel *p = *place;
        if (has_ended(p)) {
            *place = p->next;
            free_parcel(p);
        } else {
            place = &p->next;
        }
    }
}

static int send(void *context, int to, const void *bytes, size_t size)
{
    mpi_ranks *m = context;
    forget_sent(m);
    parcel *p = size <= INT_MAX ? new_parcel(to, size) : NULL;
    if (!p)
        return KPU_E_MEMORY;
    memcpy(p->bytes, bytes, size);
    if (MPI_Isend(p->bytes, (int)size, MPI_BYTE, to, TAG, m->all, &p->request) != MPI_SUCCESS) {
        free_parcel(p);
        return KPU_E_IO;
    }
    p->next = m->sent;
    m->sent = p;
    return KPU_OK;
}

/* Read away, so that it does not come again. */
static void refuse(MPI_Message *message)
{
    char nothing;
    MPI_Request request;
    if (MPI_Imrecv(&nothing, 0, MPI_BYTE, message, &request) == MPI_SUCCESS)
        MPI_Request_free(&request);
}

/* Long messages come in pieces; nobody waits for them. KPU_E_MEMORY: that of *from is lost. */
static int accept(mpi_ranks *m, int *from)
{
    int flag = 0, size = 0;
    MPI_Message message;
    MPI_Status status;
    if (MPI_Improbe(MPI_ANY_SOURCE, TAG, m->all, &flag, &message, &status) != MPI_SUCCESS ||
        !flag || MPI_Get_count(&status, MPI_BYTE, &size) != MPI_SUCCESS || size < 0)
        return KPU_OK;
    parcel *p = new_parcel(status.MPI_SOURCE, (size_t)size);
    if (!p) {
        refuse(&message);
        *from = status.MPI_SOURCE;
        return KPU_E_MEMORY;
    }
    if (MPI_Imrecv(p->bytes, size, MPI_BYTE, &message, &p->request) != MPI_SUCCESS) {
        free_parcel(p);
        return KPU_OK; /* its sender is gone */
    }
    *m->last = p;
    m->last = &p->next;
    return KPU_OK;
}

static bool has_earlier(const mpi_ranks *m, const parcel *until)
{
    for (const parcel *p = m->coming; p != until; p = p->next)
        if (p->rank == until->rank)
            return true;
    return false;
}

/* The first one that is all there and whose sender's earlier ones have been read. */
static parcel *take_complete(mpi_ranks *m)
{
    for (parcel **place = &m->coming; *place; place = &(*place)->next) {
        parcel *p = *place;
        if (has_earlier(m, p) || !has_ended(p))
            continue;
        *place = p->next;
        if (m->last == &p->next)
            m->last = place;
        return p;
    }
    return NULL;
}

static int receive(void *context, int *from, void **bytes, size_t *size)
{
    mpi_ranks *m = context;
    *from = -1;
    forget_sent(m);
    int code = accept(m, from);
    parcel *p = code == KPU_OK ? take_complete(m) : NULL;
    if (!p)
        return code;
    *from = p->rank;
    *bytes = p->bytes;
    *size = p->size;
    free(p);
    return KPU_OK;
}

/* ---- Start and end ------------------------------------------------------------------------ */

int kpu_tool_transport_open(kpu_ranks **out, kpu_diag *diag)
{
    int provided;
    mpi_ranks *m = calloc(1, sizeof *m);
    *out = NULL;
    if (!m)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS ||
        MPI_Comm_dup(MPI_COMM_WORLD, &m->all) != MPI_SUCCESS) {
        free(m);
        return kpu_diag_add(diag, KPU_E_IO, "MPI does not start");
    }
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(m->all, MPI_ERRORS_RETURN);
    m->last = &m->coming;
    m->ranks =
        (kpu_ranks){.context = m, .send = send, .receive = receive, .patience_s = patience_s};
    MPI_Comm_rank(m->all, &m->ranks.rank);
    MPI_Comm_size(m->all, &m->ranks.count);
    *out = &m->ranks;
    return KPU_OK;
}

/* For what was said last to leave; a rank that is lost may never take it. */
static void wait_for_sent(mpi_ranks *m)
{
    const struct timespec nap = {.tv_nsec = 1000 * 1000};
    for (int i = 0; i < SENDING_MS && m->sent; i++) {
        int from;
        void *bytes = NULL;
        size_t size;
        receive(m, &from, &bytes, &size);
        free(bytes);
        nanosleep(&nap, NULL);
    }
}

static void *finalize(void *context)
{
    (void)context;
    MPI_Finalize();
    return NULL;
}

/* All ranks take part in the end, a lost one perhaps not: then this process leaves without, which
 * a launcher that knows nothing of losses may call a failure. One that leaves by itself, or alone,
 * has no patience. */
static int leaving_ms(const kpu_ranks *ranks)
{
    return ranks->lost >= ranks->count - 1 ? 500 : 3000;
}

static void leave(const kpu_ranks *ranks, bool some_are_lost)
{
    pthread_t thread;
    struct timespec until;
    if (!some_are_lost) {
        MPI_Finalize();
        return;
    }
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t at = until.tv_sec * INT64_C(1000) + until.tv_nsec / 1000000 + leaving_ms(ranks);
    until = (struct timespec){.tv_sec = at / 1000, .tv_nsec = at % 1000 * 1000000};
    if (pthread_create(&thread, NULL, finalize, NULL) == 0 &&
        pthread_timedjoin_np(thread, NULL, &until) != 0)
        pthread_detach(thread);
}

void kpu_tool_transport_close(kpu_ranks *ranks)
{
    mpi_ranks *m = ranks->context;
    wait_for_sent(m);
    bool some_are_lost = ranks->lost > 0 || m->sent;
    leave(ranks, some_are_lost);
    if (some_are_lost) /* what is on its way may still be looked at */
        return;
    while (m->coming) {
        parcel *p = m->coming;
        m->coming = p->next;
        free_parcel(p);
    }
    free(m);
}
