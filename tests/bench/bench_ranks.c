/* What ranks cost rank 0, which is one thread: receiving, putting in order and decoding the rows
 * that others send, nothing else. The others are played by a transport that answers at once, from
 * what was evaluated before. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"
#include "explorer/units.h"
#include "kpu/ranks.h"

#define TILES KPU_SOURCE_DIR "/tests/bench/tiles.ini"

/* All units of a space, evaluated and encoded. */
typedef struct replay {
    const kpu_space *space;
    kpu_units units;
    kpu_text all;
    size_t *begin; /* of each unit in `all`, and the end */
    int64_t rows;
    double encode_s;
} replay;

/* What another rank has to say. */
typedef struct letter {
    struct letter *next;
    kpu_text text;
} letter;

typedef struct player {
    const replay *replay;
    int64_t threads, unit_ns; /* that it says it has, and needs */
    letter *first, *last;
    int64_t heard; /* messages to it */
} player;

static bool goes_on(void *context)
{
    (void)context;
    return false;
}

static int encode_all(replay *r, kpu_diag *diag)
{
    kpu_row rows[KPU_UNIT_POINTS];
    kpu_metric_value *metrics = calloc(KPU_UNIT_POINTS * kpu_metric_count(), sizeof *metrics);
    kpu_unit unit = {.rows = rows, .metrics = metrics};
    kpu_result result;
    kpu_simulator *simulator = kpu_simulator_new();
    const kpu_unit_options options = {
        .space = r->space, .simulator = simulator, .result = &result, .is_cancelled = goes_on};
    int64_t count = kpu_units_count(&r->units);
    r->begin = calloc((size_t)count + 1, sizeof *r->begin);
    int code = metrics && simulator && r->begin ? KPU_OK : KPU_E_MEMORY;
    if (code == KPU_OK)
        kpu_simulator_set_fast_forward(simulator, true);
    for (int64_t u = 0; code == KPU_OK && u < count; u++) {
        code = kpu_unit_evaluate(&r->units, u, &options, &unit);
        double start = bench_seconds(CLOCK_THREAD_CPUTIME_ID);
        kpu_unit_encode(&r->units, u, &unit, &r->all);
        r->encode_s += bench_seconds(CLOCK_THREAD_CPUTIME_ID) - start;
        r->rows += (int64_t)unit.count;
        r->begin[u + 1] = r->all.length;
    }
    kpu_simulator_free(simulator);
    free(metrics);
    return code == KPU_OK && r->all.failed ? KPU_E_MEMORY
           : code == KPU_OK                ? KPU_OK
                                           : kpu_diag_add(diag, code, "cannot evaluate");
}

/* ---- The transport ------------------------------------------------------------------------- */

static kpu_text *write_letter(player *p, const kpu_message_head *about, kpu_message_kind kind)
{
    letter *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    const kpu_message_head head = {about->run, about->batch, kind};
    kpu_put(&l->text, &head, sizeof head);
    if (p->last)
        p->last->next = l;
    else
        p->first = l;
    p->last = l;
    return &l->text;
}

static void answer_work(player *p, const kpu_message_head *head, kpu_reader *reader)
{
    const replay *r = p->replay;
    kpu_read_size(reader);
    kpu_read_bytes(reader, kpu_read_size(reader));
    int64_t first = kpu_read_int(reader), count = kpu_read_int(reader);
    kpu_text *text = write_letter(p, head, KPU_MESSAGE_DONE);
    if (!text)
        return;
    kpu_put_int(text, count * p->unit_ns);
    for (int64_t u = first; u < first + count; u++) {
        kpu_put_int(text, u);
        kpu_put_int32(text, KPU_OK);
        kpu_put_size(text, r->begin[u + 1] - r->begin[u]);
        kpu_put(text, r->all.data + r->begin[u], r->begin[u + 1] - r->begin[u]);
    }
}

static int hear(void *context, int to, const void *bytes, size_t size)
{
    player *p = context;
    kpu_reader reader = {bytes, size, false};
    kpu_message_head head;
    (void)to;
    p->heard++;
    kpu_read(&reader, &head, sizeof head);
    if (head.kind == KPU_MESSAGE_WORK)
        answer_work(p, &head, &reader);
    kpu_text *text =
        head.kind == KPU_MESSAGE_BEGIN ? write_letter(p, &head, KPU_MESSAGE_HELLO) : NULL;
    if (text)
        kpu_put_int(text, p->threads);
    return KPU_OK;
}

static int say(void *context, int *from, void **bytes, size_t *size)
{
    player *p = context;
    letter *l = p->first;
    *from = l ? 1 : -1;
    if (!l)
        return KPU_OK;
    p->first = l->next;
    p->last = p->first ? p->last : NULL;
    *bytes = l->text.data;
    *size = l->text.length;
    free(l);
    return KPU_OK;
}

/* ---- Measuring ----------------------------------------------------------------------------- */

typedef struct cost {
    double cpu_s;
    int64_t rows, received, sent, bytes;
} cost;

static int count_rows(void *context, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    (void)rows;
    (void)diag;
    *(int64_t *)context += (int64_t)count;
    return KPU_OK;
}

static int explore(const replay *r, int64_t threads, int64_t unit_ns, cost *out, kpu_diag *diag)
{
    player p = {.replay = r, .threads = threads, .unit_ns = unit_ns};
    kpu_ranks ranks = {
        .count = 2, .context = &p, .send = hear, .receive = say, .patience_s = 60, .eager = true};
    *out = (cost){0};
    const kpu_explore_options options = {
        .threads = 1, .sink = count_rows, .sink_context = &out->rows, .ranks = &ranks};
    double start = bench_seconds(CLOCK_THREAD_CPUTIME_ID);
    int code = kpu_explore(r->space, &options, diag);
    out->cpu_s = bench_seconds(CLOCK_THREAD_CPUTIME_ID) - start;
    out->received = ranks.messages;
    out->bytes = ranks.bytes;
    out->sent = p.heard;
    return code;
}

static int explore_best(const bench *b, const replay *r, bool small, cost *best, kpu_diag *diag)
{
    int code = KPU_OK;
    for (int i = 0; i < b->repeats && code == KPU_OK; i++) {
        cost c;
        code = explore(r, small ? 1 : 256, small ? 1000 * 1000 * 1000 : 1000, &c, diag);
        if (i == 0 || c.cpu_s < best->cpu_s)
            *best = c;
    }
    return code;
}

static double decode_all(const replay *r)
{
    kpu_row rows[KPU_UNIT_POINTS];
    kpu_unit unit = {.rows = rows};
    unit.metrics = calloc(KPU_UNIT_POINTS * kpu_metric_count(), sizeof *unit.metrics);
    double start = bench_seconds(CLOCK_THREAD_CPUTIME_ID);
    for (int64_t u = 0; unit.metrics && u < kpu_units_count(&r->units); u++) {
        kpu_reader reader = {r->all.data + r->begin[u], r->begin[u + 1] - r->begin[u], false};
        kpu_unit_decode(&r->units, u, r->space, &reader, &unit);
    }
    double took = bench_seconds(CLOCK_THREAD_CPUTIME_ID) - start;
    free(unit.metrics);
    return took;
}

static void print(const replay *r, const cost *large, const cost *small)
{
    double rows = (double)r->rows, decode_s = decode_all(r);
    double row_ns = large->cpu_s / rows * 1e9;
    double letters = (double)(small->received + small->sent);
    double letter_ns = (small->cpu_s - large->cpu_s) / letters * 1e9;
    printf("ranks: what they cost rank 0 (processor time of its leading thread)\n");
    printf("  rows                     %10.0f of %zu metrics, %zu bytes each in memory\n", rows,
           kpu_metric_count(), kpu_metric_count() * sizeof(kpu_metric_value));
    printf("  bytes of a message a row %10.1f\n", (double)r->all.length / rows);
    printf("  encoding, elsewhere      %10.0f ns a row\n", r->encode_s / rows * 1e9);
    printf("  decoding                 %10.0f ns a row\n", decode_s / rows * 1e9);
    printf("  all: receive, order, decode, hand over\n");
    printf("    %6" PRId64 " rows an answer    %10.0f ns a row: %.2f million rows a second\n",
           large->rows / (large->received > 1 ? large->received - 1 : 1), row_ns, 1e3 / row_ns);
    printf("    %6" PRId64 " rows an answer    %10.0f ns a row\n",
           small->rows / (small->received > 1 ? small->received - 1 : 1),
           small->cpu_s / rows * 1e9);
    printf("  a message more           %10.0f ns, without its transport\n", letter_ns);
}

int bench_ranks(const bench *b, const void *unused, kpu_diag *diag)
{
    kpu_space *space = NULL;
    cost large, small;
    (void)unused;
    int code = bench_load_space(TILES, "cycles, dram_bytes", b->tile_step, &space, diag);
    replay r = {.space = space};
    if (code == KPU_OK) {
        r.units.total = kpu_space_run_size(space);
        code = encode_all(&r, diag);
    }
    if (code == KPU_OK)
        code = explore_best(b, &r, false, &large, diag);
    if (code == KPU_OK)
        code = explore_best(b, &r, true, &small, diag);
    if (code == KPU_OK)
        print(&r, &large, &small);
    kpu_text_fini(&r.all);
    free(r.begin);
    kpu_space_free(space);
    return code;
}
