/* Chrome's trace format (JSON), as Perfetto and chrome://tracing read it. Times there are
 * microseconds; picoseconds are rounded down, so that slices which meet in cycles meet there too,
 * and never overlap. One event a line. */
#include "report/trace.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "report/schedule_places.h"

struct kpu_trace {
    const kpu_machine *machine;
    outlet out;
    int64_t commands; /* so far: numbers in the file go on from schedule to schedule */
    int64_t cycles;   /* the latest end */
    int64_t parts;    /* schedules so far */
    bool any;         /* events so far */
};

static const struct {
    const char *name, *series[TRACE_SERIES_MAX];
} counters[TRACE_COUNTERS] = {
    [TRACE_L3] = {"L3 bytes", {"A", "B", "C"}},
    [TRACE_L2] = {"L2 bytes", {"A", "B", "C"}},
    [TRACE_L1] = {"L1 bytes", {"A", "B", "C"}},
    [TRACE_DRAM_LINK] = {"DRAM bytes/cycle", {"read", "write"}},
    [TRACE_L3_LINK] = {"L3-L2 bytes/cycle", {"to L2", "to L3"}},
    [TRACE_L2_LINK] = {"L2-L1 bytes/cycle", {"A", "B", "C in", "C out"}},
};

/* ---- Times -------------------------------------------------------------------------------- */

/* Cycles that have more picoseconds than this are not written. */
#define PICOSECONDS_MAX 4e18

static double picoseconds(const kpu_trace *t, int64_t cycle)
{
    return floor((double)cycle * (1000.0 / t->machine->clock_ghz));
}

static void put_time(kpu_trace *t, int64_t ps)
{
    kpu_text_format(&t->out.text, "%" PRId64, ps / 1000000);
    if (ps % 1000000)
        kpu_text_format(&t->out.text, ".%06" PRId64, ps % 1000000);
}

static int64_t time_of(const kpu_trace *t, int64_t cycle)
{
    return (int64_t)picoseconds(t, cycle);
}

/* ---- Events ------------------------------------------------------------------------------- */

static void begin_event(kpu_trace *t)
{
    kpu_text_put(&t->out.text, t->any ? ",\n" : "\n");
    t->any = true;
}

/* Tracks are numbered from 1 in the order of kpu_engine_names. */
static int64_t engines_of(const kpu_machine *machine, int class)
{
    return class == KPU_ENGINE_DMA  ? machine->dram_channels
           : class == KPU_ENGINE_BM ? machine->block_mover_engines
                                    : 1;
}

static int64_t track_of(const kpu_machine *machine, int class, int64_t engine)
{
    int64_t track = engine + 1;
    for (int before = 0; before < class; before++)
        track += engines_of(machine, before);
    return track;
}

static void put_metadata(kpu_trace *t, const char *what, int64_t track, const char *name)
{
    begin_event(t);
    kpu_text_format(
        &t->out.text,
        "{\"name\":\"%s\",\"ph\":\"M\",\"pid\":1,\"tid\":%" PRId64 ",\"args\":{\"name\":", what,
        track);
    kpu_text_put_json_string(&t->out.text, name);
    kpu_text_put(&t->out.text, "}}");
}

static void put_tracks(kpu_trace *t)
{
    char name[KPU_ENGINE_TEXT];
    put_metadata(t, "process_name", 0, t->machine->name[0] ? t->machine->name : "KPU");
    for (int class = 0; class < KPU_ENGINE_CLASSES; class ++)
        for (int64_t engine = 0; engine < engines_of(t->machine, class); engine++) {
            int64_t track = track_of(t->machine, class, engine);
            put_metadata(t, "thread_name", track, kpu_engine_text(class, engine, name));
            begin_event(t);
            kpu_text_format(
                &t->out.text,
                "{\"name\":\"thread_sort_index\",\"ph\":\"M\",\"pid\":1,\"tid\":%" PRId64
                ",\"args\":{\"sort_index\":%" PRId64 "}}",
                track, track);
        }
}

typedef struct part {
    const kpu_schedule *schedule;
    const char *kernel;
    int64_t start_cycle;
} part;

static void put_waits(kpu_trace *t, const part *p, const kpu_command *c)
{
    kpu_text *text = &t->out.text;
    kpu_text_put(text, ",\"waits\":[");
    for (int64_t i = 0; i < c->wait_count; i++) {
        const kpu_wait *wait = &p->schedule->waits[c->first_wait + i];
        kpu_text_format(text, "%s[\"%s\",%" PRId64 ",%" PRId64 "]", i > 0 ? "," : "",
                        kpu_wait_tokens[wait->kind], t->commands + wait->command,
                        p->start_cycle + kpu_wait_end(p->schedule, wait));
    }
    kpu_text_format(text, "],\"critical\":%" PRId64,
                    c->critical < 0 ? -1 : c->critical - c->first_wait);
}

static void put_command(kpu_trace *t, const part *p, int64_t number)
{
    const kpu_command *c = &p->schedule->commands[number];
    kpu_text *text = &t->out.text;
    char tile[KPU_COMMAND_TILE_TEXT];
    int class = kpu_command_class(c->kind);
    int64_t start = time_of(t, p->start_cycle + c->start);
    kpu_command_tile_text(c, tile);
    begin_event(t);
    kpu_text_format(text,
                    "{\"name\":\"%s %s\",\"cat\":\"%s\",\"ph\":\"X\",\"pid\":1,\"tid\":%" PRId64,
                    kpu_command_names[c->kind], tile, kpu_engine_names[class],
                    track_of(t->machine, class, c->engine));
    kpu_text_put(text, ",\"ts\":");
    put_time(t, start);
    kpu_text_put(text, ",\"dur\":");
    put_time(t, time_of(t, p->start_cycle + c->busy_end) - start);
    kpu_text_format(text,
                    ",\"args\":{\"command\":%" PRId64 ",\"part\":%" PRId64
                    ",\"tile\":\"%s\",\"step\":%" PRId64,
                    t->commands + number, t->parts, tile, c->step);
    if (p->kernel) {
        kpu_text_put(text, ",\"kernel\":");
        kpu_text_put_json_string(text, p->kernel);
    }
    kpu_text_format(text,
                    ",\"bytes\":%" PRId64 ",\"cycle\":%" PRId64 ",\"busy_end\":%" PRId64
                    ",\"ready\":%" PRId64,
                    c->bytes, p->start_cycle + c->start, p->start_cycle + c->busy_end,
                    p->start_cycle + c->ready);
    put_waits(t, p, c);
    kpu_text_put(text, "}}");
}

/* ---- Counters ----------------------------------------------------------------------------- */

/* What one of a series is worth: bytes of a slot, or bytes per cycle of a link. */
static double unit_of(const part *p, int counter, int series)
{
    const kpu_machine *m = &p->schedule->machine;
    if (counter <= TRACE_L1)
        return (double)p->schedule->layout.slot_bytes[series];
    const kpu_rational *const rates[TRACE_SERIES_MAX] = {
        &m->row_bytes_per_cycle, &m->col_bytes_per_cycle, &m->drain_bytes_per_cycle,
        &m->drain_bytes_per_cycle};
    return kpu_rational_value(counter == TRACE_DRAM_LINK ? m->dma_bytes_per_cycle
                              : counter == TRACE_L3_LINK ? m->block_mover_bytes_per_cycle
                                                         : *rates[series]);
}

static void put_counter(kpu_trace *t, const part *p, const trace_change *at, const int64_t *level)
{
    kpu_text *text = &t->out.text;
    begin_event(t);
    kpu_text_format(text, "{\"name\":\"%s\",\"ph\":\"C\",\"pid\":1,\"tid\":0,\"ts\":",
                    counters[at->counter].name);
    put_time(t, time_of(t, p->start_cycle + at->cycle));
    kpu_text_put(text, ",\"args\":{");
    for (int i = 0; i < TRACE_SERIES_MAX && counters[at->counter].series[i]; i++) {
        kpu_text_format(text, "%s\"%s\":", i > 0 ? "," : "", counters[at->counter].series[i]);
        kpu_text_put_double(text, (double)level[i] * unit_of(p, at->counter, i));
    }
    kpu_text_put(text, "}}");
}

/* One event for all changes of a counter at a cycle, none if they cancel out. */
static void put_counters(kpu_trace *t, const part *p, const trace_change *changes, size_t count)
{
    int64_t level[TRACE_COUNTERS][TRACE_SERIES_MAX] = {{0}};
    for (size_t i = 0, end; i < count && !outlet_pass(&t->out); i = end) {
        const trace_change *at = &changes[i];
        int64_t *now = level[at->counter], before[TRACE_SERIES_MAX];
        bool differs = false;
        for (int s = 0; s < TRACE_SERIES_MAX; s++)
            before[s] = now[s];
        for (end = i;
             end < count && changes[end].cycle == at->cycle && changes[end].counter == at->counter;
             end++)
            now[changes[end].series] += changes[end].sign;
        for (int s = 0; s < TRACE_SERIES_MAX; s++)
            differs |= before[s] != now[s];
        if (differs)
            put_counter(t, p, at, now);
    }
}

/* ---- The whole ---------------------------------------------------------------------------- */

int kpu_trace_new(const kpu_machine *machine, const kpu_sink *sink, kpu_trace **out)
{
    kpu_trace *t = *out = calloc(1, sizeof *t);
    if (!t)
        return KPU_E_MEMORY;
    t->machine = machine;
    t->out.sink = sink;
    kpu_text_put(&t->out.text, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
    put_tracks(t);
    return outlet_pass(&t->out);
}

int kpu_trace_add(kpu_trace *t, const kpu_schedule *schedule, const char *kernel,
                  int64_t start_cycle)
{
    const part p = {schedule, kernel, start_cycle};
    int64_t end;
    if (kpu_add_overflows(start_cycle, schedule->cycles, &end) ||
        picoseconds(t, end) > PICOSECONDS_MAX)
        return KPU_E_RANGE;
    for (int64_t i = 0; i < schedule->command_count && !outlet_pass(&t->out); i++)
        put_command(t, &p, i);
    trace_change *changes = NULL;
    size_t count = 0;
    if (!t->out.status)
        t->out.status = trace_changes_find(schedule, &changes, &count);
    if (!t->out.status)
        put_counters(t, &p, changes, count);
    free(changes);
    t->commands += schedule->command_count;
    t->parts++;
    t->cycles = end > t->cycles ? end : t->cycles;
    return outlet_pass(&t->out);
}

int kpu_trace_finish(kpu_trace *t)
{
    kpu_text *text = &t->out.text;
    kpu_text_put(text,
                 "\n],\n\"otherData\":{\"generator\":\"kpu-dse " KPU_VERSION "\",\"machine\":");
    kpu_text_put_json_string(text, t->machine->name);
    kpu_text_put(text, ",\"clock_ghz\":");
    kpu_text_put_double(text, t->machine->clock_ghz);
    kpu_text_format(text, ",\"commands\":%" PRId64 ",\"cycles\":%" PRId64 "}}\n", t->commands,
                    t->cycles);
    return outlet_end(&t->out);
}

void kpu_trace_free(kpu_trace *t)
{
    if (t)
        kpu_text_fini(&t->out.text);
    free(t);
}
