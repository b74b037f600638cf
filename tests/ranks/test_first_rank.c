/* What the first rank does with answers that come before their turn: it keeps so many, asks for no
 * more, and goes on when the one that was missing is there. The others are played by a transport
 * that answers at once, but for the first unit that was given out. */
#include <stdlib.h>
#include <time.h>

#include "explorer/units.h"
#include "search_fixture.h"

static const char sweep[] = "[sweep]\nname = t\nmachines = edge-ai\nobjectives = cycles\n"
                            "[workload]\ngemms = a:1024x1024x1024\n"
                            "[space]\nTM = 8..256 +8\nTN = 8..256 +8\nTK = 8..256 +8\n"
                            "dataflow = os, ws, is\nd3 = 1..5\nd2 = 1..5\n";
enum { RANKS = 64, METRICS_THAT_DIFFER = 20, BYTES_MOST = 48 << 20 };
static const int64_t unit_ns = 1000; /* that the others say they need */
static const int64_t quiet_ns = 300 * 1000 * 1000;

typedef struct letter {
    struct letter *next;
    int from;
    kpu_text text;
} letter;

typedef struct player {
    kpu_text unit; /* the answer to each */
    letter *first, *last;
    int64_t asked_ns; /* when there was the last work */
    int64_t bytes;    /* answered before the late one */
    int late_rank;    /* 0: none is yet */
    int64_t late_unit;
    kpu_message_head late_head;
    bool is_released;
} player;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- The other ranks ----------------------------------------------------------------------- */

static kpu_text *write_letter(player *p, int from, kpu_message_head head, kpu_message_kind kind)
{
    letter *l = calloc(1, sizeof *l);
    CU_ASSERT_PTR_NOT_NULL_FATAL(l);
    l->from = from;
    head.kind = kind;
    kpu_put(&l->text, &head, sizeof head);
    if (p->last)
        p->last->next = l;
    else
        p->first = l;
    p->last = l;
    return &l->text;
}

static void answer(player *p, kpu_text *text, int64_t unit)
{
    kpu_put_int(text, unit);
    kpu_put_int32(text, KPU_OK);
    kpu_put_size(text, p->unit.length);
    kpu_put(text, p->unit.data, p->unit.length);
}

static void hear_work(player *p, int rank, const kpu_message_head *head, kpu_reader *reader)
{
    kpu_read_size(reader);
    kpu_read_bytes(reader, kpu_read_size(reader));
    int64_t first = kpu_read_int(reader), count = kpu_read_int(reader);
    p->asked_ns = now_ns();
    if (p->late_rank == 0) {
        p->late_rank = rank;
        p->late_unit = first;
        p->late_head = *head;
    }
    kpu_text *text = write_letter(p, rank, *head, KPU_MESSAGE_DONE);
    kpu_put_int(text, count * unit_ns);
    for (int64_t unit = first; unit < first + count; unit++) {
        if (unit == p->late_unit)
            continue;
        answer(p, text, unit);
        p->bytes += p->is_released ? 0 : (int64_t)p->unit.length;
    }
}

static int hear(void *context, int to, const void *bytes, size_t size)
{
    player *p = context;
    kpu_reader reader = {bytes, size, false};
    kpu_message_head head;
    kpu_read(&reader, &head, sizeof head);
    if (head.kind == KPU_MESSAGE_BEGIN)
        kpu_put_int(write_letter(p, to, head, KPU_MESSAGE_HELLO), 1);
    else if (head.kind == KPU_MESSAGE_WORK)
        hear_work(p, to, &head, &reader);
    return KPU_OK;
}

static int say(void *context, int *from, void **bytes, size_t *size)
{
    player *p = context;
    if (!p->first && p->late_rank > 0 && !p->is_released && now_ns() - p->asked_ns > quiet_ns) {
        kpu_text *text = write_letter(p, p->late_rank, p->late_head, KPU_MESSAGE_DONE);
        kpu_put_int(text, unit_ns);
        answer(p, text, p->late_unit);
        p->is_released = true;
    }
    letter *l = p->first;
    *from = l ? l->from : -1;
    if (!l)
        return KPU_OK;
    p->first = l->next;
    p->last = p->first ? p->last : NULL;
    *bytes = l->text.data;
    *size = l->text.length;
    free(l);
    return KPU_OK;
}

static void make_unit(kpu_text *out)
{
    size_t width = kpu_metric_count();
    kpu_metric_value *metrics = calloc(KPU_UNIT_POINTS * width, sizeof *metrics);
    kpu_row rows[KPU_UNIT_POINTS];
    const kpu_units units = {.total = KPU_UNIT_POINTS};
    kpu_unit unit = {.end = KPU_UNIT_POINTS, .candidates = 0xffff, .rows = rows};
    CU_ASSERT_PTR_NOT_NULL_FATAL(metrics);
    for (size_t i = 0; i < KPU_UNIT_POINTS; i++) {
        for (size_t m = 0; m < METRICS_THAT_DIFFER; m++)
            metrics[i * width + m].i = (int64_t)kpu_random_u64(1, i, m);
        rows[i].metrics = metrics + i * width;
    }
    unit.count = KPU_UNIT_POINTS;
    kpu_unit_encode(&units, 0, &unit, out);
    free(metrics);
}

/* ---- The first rank ------------------------------------------------------------------------ */

typedef struct hearing {
    const player *player;
    int64_t rows, last;
    bool is_ordered;
} hearing;

static int take(void *context, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    hearing *h = context;
    (void)diag;
    for (size_t i = 0; i < count; i++) {
        h->is_ordered &= rows[i].point.index == h->last + 1;
        h->last = rows[i].point.index;
    }
    h->rows += (int64_t)count;
    return KPU_OK;
}

static bool has_enough(void *context, int64_t done, int64_t total)
{
    const hearing *h = context;
    (void)total;
    return h->player->is_released && done > (h->player->late_unit + 1) * KPU_UNIT_POINTS;
}

static void explore(int count)
{
    player p = {.late_unit = -1};
    hearing h = {.player = &p, .last = -1, .is_ordered = true};
    kpu_ranks ranks = {.count = count,
                       .context = &p,
                       .send = hear,
                       .receive = say,
                       .patience_s = 60,
                       .eager = true};
    const kpu_explore_options options = {.threads = 1,
                                         .sink = take,
                                         .sink_context = &h,
                                         .progress = has_enough,
                                         .progress_context = &h,
                                         .ranks = &ranks};
    kpu_space *space = must_make_space(sweep);
    CU_ASSERT(kpu_space_run_size(space) > 2000000);
    make_unit(&p.unit);
    CU_ASSERT_EQUAL(kpu_explore(space, &options, NULL), KPU_E_INTERRUPTED);
    CU_ASSERT(p.is_released);
    CU_ASSERT(p.bytes > 1 << 20);
    CU_ASSERT(p.bytes < BYTES_MOST);
    CU_ASSERT(h.is_ordered && h.rows > p.bytes / (int64_t)p.unit.length);
    CU_ASSERT_EQUAL(ranks.lost, 0);
    while (p.first) {
        letter *l = p.first;
        p.first = l->next;
        kpu_text_fini(&l->text);
        free(l);
    }
    kpu_text_fini(&p.unit);
    kpu_space_free(space);
}

static void test_few_ranks(void)
{
    explore(2);
}

static void test_many_ranks(void)
{
    explore(RANKS);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"few ranks", test_few_ranks},
        {"many ranks", test_many_ranks},
        CU_TEST_INFO_NULL,
    };
    return run_suite("first rank", tests);
}
