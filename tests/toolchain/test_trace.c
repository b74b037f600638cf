/* Traces by the rules of their format, on random cases: every event has what its kind needs, slices
 * of a track do not overlap, counters stay within the memories and end at zero; and what
 * trace-stats reads in them is what the simulator counts. Two schedules in one trace, the second
 * after the first.
 *   test_trace [CASES [SEED]] */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kpu/report.h"
#include "random_case.h"

enum { TRACKS = 4096, COUNTERS = 6, SERIES = 4, PIECE = 997 };

typedef struct slice {
    int64_t track, start, end, command;
} slice;

typedef struct trace_run {
    random_case c;
    kpu_schedule s;
    kpu_simulator *simulator;
    kpu_counts counts;
    kpu_text trace;
    int64_t parts;
    slice *slices;
    size_t slice_count;
    bool named[TRACKS];
    double last[COUNTERS][SERIES]; /* latest value of each counter */
    int64_t checked, failures;
} trace_run;

static void fail(trace_run *run, const char *what, int64_t got, int64_t want)
{
    if (run->failures++ > 10)
        return;
    printf("%s: %" PRId64 ", expected %" PRId64 "\n", what, got, want);
    random_case_print(&run->c, stdout);
}

static void expect(trace_run *run, const char *what, int64_t got, int64_t want)
{
    if (got != want)
        fail(run, what, got, want);
}

static void expect_true(trace_run *run, const char *what, bool holds)
{
    if (!holds)
        fail(run, what, 0, 1);
}

static int take(void *context, const char *text, size_t bytes)
{
    kpu_text_put_bytes(context, text, bytes);
    return KPU_OK;
}

static int write_trace(trace_run *run)
{
    const kpu_sink sink = {take, &run->trace};
    kpu_trace *trace = NULL;
    kpu_text_clear(&run->trace);
    int status = kpu_trace_new(&run->c.machine, &sink, &trace);
    for (int64_t part = 0; !status && part < run->parts; part++)
        status =
            kpu_trace_add(trace, &run->s, run->parts > 1 ? "twice" : NULL, part * run->s.cycles);
    if (!status)
        status = kpu_trace_finish(trace);
    kpu_trace_free(trace);
    return status;
}

/* ---- Events ------------------------------------------------------------------------------- */

static int64_t int_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* Microseconds in the file, picoseconds here. */
static int64_t time_of(trace_run *run, const json_t *event, const char *key)
{
    const json_t *value = json_object_get(event, key);
    expect_true(run, key, json_is_number(value) && json_number_value(value) >= 0);
    return llround(json_number_value(value) * 1e6);
}

static void check_slice(trace_run *run, const json_t *event)
{
    const json_t *args = json_object_get(event, "args");
    int64_t track = int_of(event, "tid"), number = int_of(args, "command");
    int64_t start = time_of(run, event, "ts"), length = time_of(run, event, "dur");
    expect_true(run, "a named track", track > 0 && track < TRACKS && run->named[track]);
    expect(run, "number", number, (int64_t)run->slice_count);
    const kpu_command *c = &run->s.commands[number % run->s.command_count];
    int64_t begin = number / run->s.command_count * run->s.cycles;
    expect(run, "cycle", int_of(args, "cycle"), begin + c->start);
    expect(run, "busy_end", int_of(args, "busy_end"), begin + c->busy_end);
    expect(run, "ready", int_of(args, "ready"), begin + c->ready);
    expect(run, "waits", (int64_t)json_array_size(json_object_get(args, "waits")), c->wait_count);
    double cycle_ps = 1000 / run->c.machine.clock_ghz;
    expect_true(run, "start", fabs((double)start - (double)(begin + c->start) * cycle_ps) <= 1);
    run->slices[run->slice_count++] =
        (slice){.track = track, .start = start, .end = start + length, .command = number};
}

static double capacity_of(const trace_run *run, int counter)
{
    const kpu_mapping *m = &run->s.mapping;
    const kpu_machine *h = &run->c.machine;
    const double most[COUNTERS] = {
        (double)m->l3_bytes,
        (double)m->l2_bytes,
        (double)m->l1_bytes,
        (double)h->dram_channels * kpu_rational_value(h->dma_bytes_per_cycle),
        (double)h->block_mover_engines * kpu_rational_value(h->block_mover_bytes_per_cycle),
        kpu_rational_value(h->row_bytes_per_cycle) + kpu_rational_value(h->col_bytes_per_cycle) +
            2 * kpu_rational_value(h->drain_bytes_per_cycle)};
    return most[counter];
}

static void check_counter(trace_run *run, const json_t *event)
{
    static const char *const names[COUNTERS] = {"L3 bytes",          "L2 bytes",
                                                "L1 bytes",          "DRAM bytes/cycle",
                                                "L3-L2 bytes/cycle", "L2-L1 bytes/cycle"};
    const char *name = json_string_value(json_object_get(event, "name")), *key;
    int counter = 0, series = 0;
    double sum = 0;
    json_t *value;
    while (counter < COUNTERS && strcmp(name, names[counter]) != 0)
        counter++;
    if (counter == COUNTERS) {
        fail(run, name, 0, 0);
        return;
    }
    time_of(run, event, "ts");
    json_object_foreach(json_object_get(event, "args"), key, value)
    {
        expect_true(run, "a counter from 0 on", json_number_value(value) >= 0);
        sum += run->last[counter][series++] = json_number_value(value);
    }
    if (sum > capacity_of(run, counter) * (1 + 1e-12))
        fail(run, name, (int64_t)sum, (int64_t)capacity_of(run, counter));
}

static void check_event(trace_run *run, const json_t *event)
{
    const char *phase = json_string_value(json_object_get(event, "ph"));
    bool whole = phase && json_is_string(json_object_get(event, "name")) &&
                 json_is_integer(json_object_get(event, "pid")) &&
                 json_is_integer(json_object_get(event, "tid")) &&
                 json_is_object(json_object_get(event, "args"));
    expect_true(run, "name, ph, pid, tid and args", whole);
    if (!whole)
        return;
    if (strcmp(phase, "X") == 0)
        check_slice(run, event);
    else if (strcmp(phase, "C") == 0)
        check_counter(run, event);
    else
        expect_true(run, "M, X or C", strcmp(phase, "M") == 0);
    int64_t track = int_of(event, "tid");
    if (strcmp(json_string_value(json_object_get(event, "name")), "thread_name") == 0 &&
        track < TRACKS)
        run->named[track] = true;
}

static int by_track(const void *a, const void *b)
{
    const slice *x = a, *y = b;
    if (x->track != y->track)
        return x->track < y->track ? -1 : 1;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return (x->command > y->command) - (x->command < y->command);
}

static void check_trace(trace_run *run)
{
    json_error_t error;
    json_t *root = json_loadb(run->trace.data, run->trace.length, JSON_REJECT_DUPLICATES, &error);
    const json_t *events = json_object_get(root, "traceEvents"), *event;
    size_t i, count = (size_t)(run->parts * run->s.command_count);
    expect_true(run, "JSON with traceEvents", json_is_array(events));
    run->slices = calloc(count + 1, sizeof *run->slices);
    run->slice_count = 0;
    memset(run->named, 0, sizeof run->named);
    memset(run->last, 0, sizeof run->last);
    json_array_foreach(events, i, event) check_event(run, event);
    expect(run, "slices", (int64_t)run->slice_count, (int64_t)count);
    qsort(run->slices, run->slice_count, sizeof *run->slices, by_track);
    for (i = 1; i < run->slice_count; i++)
        expect_true(run, "slices apart",
                    run->slices[i].track != run->slices[i - 1].track ||
                        run->slices[i].start >= run->slices[i - 1].end);
    for (int c = 0; c < COUNTERS; c++)
        for (int s = 0; s < SERIES; s++)
            expect(run, "counters at the end", (int64_t)run->last[c][s], 0);
    const json_t *other = json_object_get(root, "otherData");
    expect(run, "cycles", int_of(other, "cycles"), run->parts * run->s.cycles);
    free(run->slices);
    json_decref(root);
}

/* ---- What trace-stats makes of it --------------------------------------------------------- */

static int64_t busy_of_class(const json_t *engines, const char *name)
{
    int64_t busy = 0;
    const json_t *engine;
    size_t i;
    json_array_foreach(engines, i, engine)
    {
        const char *of = json_string_value(json_object_get(engine, "engine"));
        size_t length = strlen(name);
        bool numbered = strcmp(name, "dma") == 0 || strcmp(name, "bm") == 0;
        if (numbered ? strncmp(of, name, length) == 0 : strcmp(of, name) == 0)
            busy += int_of(engine, "busy");
    }
    return busy;
}

/* From the first command to the end of the run without a gap. */
static void check_path(trace_run *run, const json_t *path)
{
    const json_t *element;
    size_t i;
    int64_t at = 0, barriers = 0;
    json_array_foreach(path, i, element)
    {
        expect(run, "path without gaps", int_of(element, "from"), at);
        expect_true(run, "path in time", int_of(element, "to") >= at);
        at = int_of(element, "to");
        barriers += strcmp(json_string_value(json_object_get(element, "wait")), "barrier") == 0;
    }
    expect(run, "from one part to the next", barriers, run->parts - 1);
    expect(run, "path to the end", at, run->parts * run->s.cycles);
}

static void check_stats(trace_run *run, const json_t *root)
{
    const json_t *engines = json_object_get(root, "engines");
    expect(run, "cycles of the stats", int_of(root, "cycles"), run->parts * run->s.cycles);
    expect(run, "commands", int_of(root, "commands"), run->parts * run->s.command_count);
    for (int class = 0; class < KPU_ENGINE_FAB; class ++)
        expect(run, kpu_engine_names[class], busy_of_class(engines, kpu_engine_names[class]),
               run->parts * run->counts.busy[class]);
    check_path(run, json_object_get(root, "critical_path"));
}

static void read_stats(trace_run *run)
{
    kpu_trace_stats *stats = NULL;
    kpu_diag diag = {0};
    kpu_text text = {0};
    json_error_t error;
    int status = kpu_trace_stats_new("test", &diag, &stats);
    for (size_t at = 0; !status && at < run->trace.length; at += PIECE) {
        size_t left = run->trace.length - at;
        status = kpu_trace_stats_add(stats, run->trace.data + at, left < PIECE ? left : PIECE);
    }
    if (!status)
        status = kpu_trace_stats_finish(stats);
    expect(run, diag.count ? diag.entries[0].message : "status", status, KPU_OK);
    if (!status) {
        kpu_trace_stats_put_json(stats, &text);
        json_t *root = json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, &error);
        expect_true(run, "JSON of the stats", root != NULL);
        check_stats(run, root);
        json_decref(root);
    }
    kpu_text_fini(&text);
    kpu_diag_fini(&diag);
    kpu_trace_stats_free(stats);
}

/* ---- Cases -------------------------------------------------------------------------------- */

static void check_case(trace_run *run, uint64_t seed, uint64_t number)
{
    kpu_mapping mapping;
    random_case_draw(seed, number, &run->c);
    if (kpu_mapping_make(&run->c.machine, &run->c.problem, &run->c.candidate, &mapping) ||
        mapping.broken)
        return;
    if (kpu_schedule_make(&run->c.machine, &mapping, NULL, &run->s, NULL))
        return;
    run->parts = 1 + (int64_t)(number % 2);
    expect(run, "simulated",
           kpu_simulator_run(run->simulator, &run->c.machine, &mapping, &run->counts), KPU_OK);
    expect(run, "written", write_trace(run), KPU_OK);
    check_trace(run);
    read_stats(run);
    kpu_schedule_fini(&run->s);
    run->checked++;
}

int main(int argc, char **argv)
{
    trace_run run = {.simulator = kpu_simulator_new()};
    uint64_t cases = argc > 1 ? strtoull(argv[1], NULL, 10) : 60;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 11;
    if (!run.simulator)
        return 2;
    for (uint64_t number = 0; number < cases; number++)
        check_case(&run, seed, number);
    printf("%" PRId64 " traces, %" PRId64 " failures\n", run.checked, run.failures);
    kpu_text_fini(&run.trace);
    kpu_simulator_free(run.simulator);
    return run.failures == 0 && run.checked > (int64_t)cases / 8 ? 0 : 1;
}
