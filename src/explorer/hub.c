/* Rank 0's side of the ranks: see hub.h.
 *
 * Nobody asks for work: this side keeps each rank supplied with what its threads do in some tens of
 * milliseconds, twice, so that no thread waits for a message and messages stay rare. Near the end
 * of a batch a grant is half of a rank's share of what is left, so that all end together. */
#include "explorer/hub.h"

#include <stdlib.h>
#include <time.h>

#include "explorer/message.h"

static const double grant_ns = 60e6;     /* work of each thread */
static const double least_ns = 300e3;    /* below so much work left for a thread none is sent */
static const int64_t unheard_ns = 100e6; /* more than that between two looks is no silence */
static const int64_t second_ns = 1000 * 1000 * 1000;
static const double learning = 0.25;
enum { GRANT_MOST = 1 << 16 };

/* Items first .. first+count-1. */
typedef struct grant {
    struct grant *next;
    int64_t first, count, missing;
    unsigned char back[]; /* of each item */
} grant;

typedef enum peer_state { PEER_UNHEARD, PEER_SERVES, PEER_LOST } peer_state;

typedef struct peer {
    peer_state state;
    int64_t threads;
    int64_t heard_at; /* on the hub's clock */
    int64_t sent_ns;  /* when something was */
    int64_t batch;    /* of which it has what its items share */
    int64_t mark;
    int64_t missing;
    grant *grants;
} peer;

struct kpu_hub {
    kpu_ranks *ranks;
    peer *peers;
    const kpu_hub_batch *batch; /* NULL: none */
    int64_t run, number;        /* of the batch */
    int64_t missing;
    size_t threads;
    int64_t looked_ns, clock;        /* that stands still while nobody listens */
    double item_ns[KPU_REMOTE_JOBS]; /* of one thread; 0: not known */
    kpu_text message;                /* that is being made */
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * second_ns + t.tv_nsec;
}

/* ---- Sending ------------------------------------------------------------------------------ */

static void begin_message(kpu_hub *h, kpu_message_kind kind)
{
    const kpu_message_head head = {h->run, h->number, kind};
    kpu_text_clear(&h->message);
    h->message.failed = false;
    kpu_put(&h->message, &head, sizeof head);
}

static int send(kpu_hub *h, int to)
{
    if (h->message.failed)
        return KPU_E_MEMORY;
    h->peers[to].sent_ns = now_ns();
    return h->ranks->send(h->ranks->context, to, h->message.data, h->message.length);
}

/* ---- Losing ------------------------------------------------------------------------------- */

static void drop_grants(kpu_hub *h, peer *p)
{
    while (p->grants) {
        grant *g = p->grants;
        p->grants = g->next;
        free(g);
    }
    h->missing -= p->missing;
    p->missing = 0;
}

static void give_out_again(const kpu_hub *h, const grant *g)
{
    for (int64_t i = 0, end; i < g->count; i = end + 1) {
        for (end = i; end < g->count && !g->back[end]; end++) {
        }
        if (end > i)
            h->batch->again(h->batch->context, g->first + i, end - i);
    }
}

static void lose(kpu_hub *h, int rank)
{
    peer *p = &h->peers[rank];
    if (p->state == PEER_LOST)
        return;
    for (const grant *g = p->grants; g; g = g->next)
        give_out_again(h, g);
    drop_grants(h, p);
    h->threads -= (size_t)p->threads;
    p->threads = 0;
    p->state = PEER_LOST;
    h->ranks->lost++;
}

static void send_home(kpu_hub *h, int to)
{
    begin_message(h, KPU_MESSAGE_HOME);
    kpu_put_int32(&h->message, h->ranks->lost);
    send(h, to); /* that it may not arrive is why it is sent */
}

static void lose_silent(kpu_hub *h)
{
    int64_t patience = (int64_t)(h->ranks->patience_s * (double)second_ns);
    for (int r = 1; r < h->ranks->count; r++) {
        const peer *p = &h->peers[r]; /* before it says hello it may have files to read */
        int64_t most = p->state == PEER_UNHEARD ? KPU_RANKS_LEADER_PATIENCE * patience : patience;
        if (p->state == PEER_LOST || h->clock - p->heard_at < most)
            continue;
        lose(h, r);
        send_home(h, r);
    }
}

/* ---- Receiving ---------------------------------------------------------------------------- */

static void hear_hello(kpu_hub *h, int from, kpu_reader *reader)
{
    peer *p = &h->peers[from];
    int64_t threads = kpu_read_int(reader);
    if (p->state != PEER_UNHEARD || reader->failed || threads < 1)
        return;
    p->state = PEER_SERVES;
    p->threads = threads;
    h->threads += (size_t)threads;
}

static grant *grant_of(const peer *p, int64_t item)
{
    for (grant *g = p->grants; g; g = g->next)
        if (item >= g->first && item - g->first < g->count)
            return g;
    return NULL;
}

static void remove_grant(peer *p, grant *g)
{
    grant **place = &p->grants;
    while (*place != g)
        place = &(*place)->next;
    *place = g->next;
    free(g);
}

/* False: it makes no sense. */
static bool hear_item(kpu_hub *h, peer *p, kpu_reader *reader)
{
    int64_t item = kpu_read_int(reader);
    int32_t code = kpu_read_int32(reader);
    size_t size = kpu_read_size(reader);
    const char *bytes = kpu_read_bytes(reader, size);
    grant *g = bytes ? grant_of(p, item) : NULL;
    if (!g || g->back[item - g->first] ||
        !h->batch->done(h->batch->context, item, code, bytes, size))
        return false;
    g->back[item - g->first] = 1;
    p->missing--;
    h->missing--;
    if (--g->missing == 0)
        remove_grant(p, g);
    return true;
}

static void hear_done(kpu_hub *h, int from, const kpu_message_head *head, kpu_reader *reader)
{
    peer *p = &h->peers[from];
    if (!h->batch || head->batch != h->number)
        return;
    double spent = (double)kpu_read_int(reader), items = 0;
    while (reader->left > 0) {
        if (!hear_item(h, p, reader)) {
            lose(h, from);
            send_home(h, from);
            return;
        }
        items++;
    }
    double *item_ns = &h->item_ns[h->batch->job];
    if (items > 0)
        *item_ns = *item_ns > 0 ? *item_ns + learning * (spent / items - *item_ns) : spent / items;
}

static void hear(kpu_hub *h, int from, const char *bytes, size_t size)
{
    peer *p = &h->peers[from];
    kpu_reader reader = {bytes, size, false};
    kpu_message_head head;
    kpu_read(&reader, &head, sizeof head);
    p->heard_at = h->clock;
    if (p->state == PEER_LOST) {
        send_home(h, from);
        return;
    }
    if (reader.failed || head.run != h->run)
        return; /* of an earlier run */
    if (head.kind == KPU_MESSAGE_HELLO)
        hear_hello(h, from, &reader);
    else if (head.kind == KPU_MESSAGE_DONE)
        hear_done(h, from, &head, &reader);
    else if (head.kind == KPU_MESSAGE_LEAVING)
        lose(h, from);
}

/* Nobody can be reached any more, or what the rank said is lost. */
static void receive_error(kpu_hub *h, int code, int from)
{
    if (code == KPU_E_MEMORY && from > 0 && from < h->ranks->count) {
        lose(h, from);
        send_home(h, from);
    }
    for (int r = 1; code == KPU_E_IO && r < h->ranks->count; r++)
        lose(h, r);
}

/* False: nothing is there. */
static bool receive(kpu_hub *h)
{
    int from = -1;
    void *bytes = NULL;
    size_t size = 0;
    int code = h->ranks->receive(h->ranks->context, &from, &bytes, &size);
    if (code != KPU_OK)
        receive_error(h, code, from);
    if (code != KPU_OK || from < 0)
        return false;
    h->ranks->messages++;
    h->ranks->bytes += (int64_t)size;
    if (from > 0 && from < h->ranks->count)
        hear(h, from, bytes, size);
    free(bytes);
    return true;
}

/* ---- Dealing out -------------------------------------------------------------------------- */

static double least_of(double a, double b)
{
    return a < b ? a : b;
}

/* How many items the rank gets now: it should have what it does in twice the time of a grant, but
 * no more than its share of what is left. */
static int64_t size_of_grant(const kpu_hub *h, const peer *p)
{
    const kpu_hub_batch *b = h->batch;
    double item_ns = h->item_ns[b->job], all = (double)(h->threads + b->threads);
    double left = (double)b->left(b->context);
    double each = item_ns > 0 && item_ns < grant_ns ? grant_ns / item_ns : 1;
    double wanted = (double)p->threads * each, share = left * (double)p->threads / all;
    double target = least_of(2 * wanted, share < 1 ? 1 : share);
    bool is_little = item_ns > 0 && left * item_ns / (double)b->threads < least_ns;
    if (left < 1 || 2 * (double)p->missing > target || (is_little && !h->ranks->eager))
        return 0;
    double count = least_of(least_of(wanted, target - (double)p->missing), share / 2);
    return count < 1 ? 1 : count < GRANT_MOST ? (int64_t)count : GRANT_MOST;
}

static void make_work(kpu_hub *h, peer *p, const grant *g)
{
    const kpu_hub_batch *b = h->batch;
    const uint32_t job = (uint32_t)b->job;
    begin_message(h, KPU_MESSAGE_WORK);
    kpu_put(&h->message, &job, sizeof job);
    size_t shared = kpu_begin_size(&h->message);
    if (b->share && p->batch != h->number)
        b->share(b->context, &p->mark, &h->message);
    kpu_end_size(&h->message, shared);
    kpu_put_int(&h->message, g->first);
    kpu_put_int(&h->message, g->count);
    for (int64_t i = 0; i < g->count; i++) {
        size_t item = kpu_begin_size(&h->message);
        if (b->encode)
            b->encode(b->context, g->first + i, &h->message);
        kpu_end_size(&h->message, item);
    }
    p->batch = h->number;
}

/* What cannot be sent is lost with the rank: it may not know what its items share. */
static bool deal_to(kpu_hub *h, int rank)
{
    peer *p = &h->peers[rank];
    const kpu_hub_batch *b = h->batch;
    int64_t count = p->state == PEER_SERVES ? size_of_grant(h, p) : 0;
    grant *g = count > 0 ? calloc(1, sizeof *g + (size_t)count) : NULL;
    if (!g)
        return false;
    g->count = b->take(b->context, count, &g->first);
    if (g->count == 0) {
        free(g);
        return false;
    }
    g->missing = g->count;
    g->next = p->grants;
    p->grants = g;
    p->missing += g->count;
    h->missing += g->count;
    make_work(h, p, g);
    if (send(h, rank) != KPU_OK)
        lose(h, rank);
    return true;
}

static void deal(kpu_hub *h)
{
    for (bool some = h->batch != NULL; some;) {
        some = false;
        for (int r = 1; r < h->ranks->count; r++)
            some |= deal_to(h, r);
    }
}

/* ---- The whole ---------------------------------------------------------------------------- */

static void say_something(kpu_hub *h)
{
    int64_t now = now_ns(), pause = kpu_message_pause_ns(h->ranks);
    for (int r = 1; r < h->ranks->count; r++) {
        if (h->peers[r].state != PEER_SERVES || now - h->peers[r].sent_ns < pause)
            continue;
        begin_message(h, KPU_MESSAGE_ALIVE);
        if (send(h, r) == KPU_E_IO)
            lose(h, r);
    }
}

bool kpu_hub_pump(kpu_hub *hub)
{
    int64_t now = now_ns(), passed = now - hub->looked_ns;
    bool some = false;
    hub->looked_ns = now;
    hub->clock += passed < unheard_ns ? passed : unheard_ns;
    while (receive(hub))
        some = true;
    lose_silent(hub);
    say_something(hub);
    deal(hub);
    return some;
}

void kpu_hub_begin(kpu_hub *hub, const kpu_hub_batch *batch)
{
    hub->batch = batch;
    hub->number++;
    kpu_hub_pump(hub);
}

void kpu_hub_end(kpu_hub *hub)
{
    for (int r = 1; r < hub->ranks->count; r++) {
        peer *p = &hub->peers[r];
        if (p->missing == 0)
            continue;
        drop_grants(hub, p);
        begin_message(hub, KPU_MESSAGE_END);
        if (send(hub, r) != KPU_OK)
            lose(hub, r);
    }
    hub->batch = NULL;
}

int64_t kpu_hub_missing(const kpu_hub *hub)
{
    return hub->missing;
}

size_t kpu_hub_threads(const kpu_hub *hub)
{
    return hub->threads;
}

static void say_begin(kpu_hub *h, const char *identity)
{
    for (int r = 1; r < h->ranks->count; r++) {
        begin_message(h, KPU_MESSAGE_BEGIN);
        kpu_put(&h->message, &h->ranks->patience_s, sizeof h->ranks->patience_s);
        kpu_put(&h->message, identity, KPU_MESSAGE_IDENTITY);
        if (send(h, r) != KPU_OK)
            lose(h, r);
    }
}

int kpu_hub_open(kpu_ranks *ranks, const kpu_space *space, kpu_hub **out)
{
    char identity[KPU_MESSAGE_IDENTITY];
    *out = NULL;
    if (!ranks || ranks->count < 2)
        return KPU_OK;
    kpu_hub *hub = calloc(1, sizeof *hub);
    peer *peers = calloc((size_t)ranks->count, sizeof *peers);
    if (!hub || !peers || kpu_message_identity(space, identity) != KPU_OK) {
        free(hub);
        free(peers);
        return KPU_E_MEMORY;
    }
    hub->ranks = ranks;
    hub->peers = peers;
    hub->run = hub->looked_ns = now_ns();
    ranks->lost = 0;
    say_begin(hub, identity);
    *out = hub;
    return KPU_OK;
}

void kpu_hub_close(kpu_hub *hub)
{
    if (!hub)
        return;
    kpu_hub_end(hub);
    kpu_text_fini(&hub->message);
    free(hub->peers);
    free(hub);
}

void kpu_ranks_keep(kpu_ranks *ranks)
{
    const kpu_message_head head = {.kind = KPU_MESSAGE_ALIVE};
    int64_t now = now_ns();
    if (!ranks || ranks->rank > 0 || now - ranks->kept_ns < kpu_message_pause_ns(ranks))
        return;
    for (int r = 1; r < ranks->count; r++)
        ranks->send(ranks->context, r, &head, sizeof head);
    ranks->kept_ns = now;
}

void kpu_ranks_dismiss(kpu_ranks *ranks)
{
    const struct {
        kpu_message_head head;
        int32_t lost;
    } home = {{.kind = KPU_MESSAGE_HOME}, ranks->lost};
    for (int r = 1; r < ranks->count; r++)
        ranks->send(ranks->context, r, &home, sizeof home.head + sizeof home.lost);
}
