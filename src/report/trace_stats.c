/* Use of engines, waits and the critical path of a trace. */
#include "report/trace_stats.h"

#include <stdlib.h>
#include <string.h>

static int complain(const kpu_trace_stats *s, const char *what)
{
    const kpu_place place = {.file = s->path};
    return kpu_diag_add_at(s->diag, KPU_E_INPUT, &place, "%s", what);
}

static int compare_int(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* ---- Order -------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
    return compare_int(((const trace_command *)a)->number, ((const trace_command *)b)->number);
}

/* Commands are numbered 0, 1, ... without gaps, so that numbers are places. */
static int sort_commands(kpu_trace_stats *s)
{
    if (s->command_count == 0)
        return complain(s, "no commands: the trace has no complete events (\"ph\": \"X\")");
    qsort(s->commands, s->command_count, sizeof *s->commands, by_number);
    for (size_t i = 0; i < s->command_count; i++)
        if (s->commands[i].number != (int64_t)i)
            return complain(s, "the numbers of its commands (args.command) are not 0, 1, 2, ...");
    return KPU_OK;
}

/* Parts come one after the other, each after the end of the one before it. */
static int find_barriers(kpu_trace_stats *s)
{
    int64_t last = -1, barrier = -1;
    for (size_t i = 0; i < s->command_count; i++) {
        trace_command *c = &s->commands[i];
        if (i > 0 && c->part < c[-1].part)
            return complain(s, "the numbers of its parts (args.part) do not ascend");
        if (i > 0 && c->part > c[-1].part)
            barrier = last;
        if (last < 0 || c->ready > s->commands[last].ready)
            last = (int64_t)i;
        c->barrier = barrier;
    }
    return KPU_OK;
}

/* A command as the sort sees it: without a look at anything else. */
typedef struct moment {
    int64_t class, track, start, number;
} moment;

static int by_engine(const void *a, const void *b)
{
    const moment *x = a, *y = b;
    int order = compare_int(x->track, y->track);
    order = order ? order : compare_int(x->start, y->start);
    return order ? order : compare_int(x->number, y->number);
}

static int by_class(const void *a, const void *b)
{
    const moment *x = a, *y = b;
    int order = compare_int(x->class, y->class);
    order = order ? order : compare_int(x->start, y->start);
    return order ? order : compare_int(x->number, y->number);
}

/* The first track of the same class stands for the class. Tracks of a class lie together. */
static void number_classes(const kpu_trace_stats *s, moment *moments, int64_t *class_of)
{
    int64_t last = -1;
    for (size_t t = 0; t < s->track_count; t++) {
        bool same = last >= 0 && s->tracks[t].class && s->tracks[last].class &&
                    strcmp(trace_stats_name(s, s->tracks[t].class),
                           trace_stats_name(s, s->tracks[last].class)) == 0;
        if (!same)
            last = (int64_t)t;
        class_of[t] = last;
    }
    for (size_t i = 0; i < s->command_count; i++)
        moments[i].class = class_of[moments[i].track];
}

static int find_neighbours(kpu_trace_stats *s)
{
    size_t n = s->command_count;
    moment *moments = calloc(n, sizeof *moments);
    int64_t *class_of = calloc(s->track_count, sizeof *class_of);
    s->before_on_engine = calloc(n, sizeof *s->before_on_engine);
    s->before_in_class = calloc(n, sizeof *s->before_in_class);
    bool complete = moments && class_of && s->before_on_engine && s->before_in_class;
    for (size_t i = 0; complete && i < n; i++)
        moments[i] = (moment){
            .track = s->commands[i].track, .start = s->commands[i].start, .number = (int64_t)i};
    if (complete) {
        number_classes(s, moments, class_of);
        qsort(moments, n, sizeof *moments, by_engine);
        for (size_t i = 0; i < n; i++)
            s->before_on_engine[moments[i].number] =
                i > 0 && moments[i].track == moments[i - 1].track ? moments[i - 1].number : -1;
        qsort(moments, n, sizeof *moments, by_class);
        for (size_t i = 0; i < n; i++)
            s->before_in_class[moments[i].number] =
                i > 0 && moments[i].class == moments[i - 1].class ? moments[i - 1].number : -1;
    }
    free(moments);
    free(class_of);
    return complete ? KPU_OK : KPU_E_MEMORY;
}

/* ---- Engines and waits -------------------------------------------------------------------- */

static void keep_gap(kpu_trace_stats *s, const trace_gap *gap)
{
    size_t at = s->longest_count;
    while (at > 0 && s->longest[at - 1].to - s->longest[at - 1].from < gap->to - gap->from)
        at--;
    if (at == TRACE_LONGEST)
        return;
    size_t kept = s->longest_count < TRACE_LONGEST ? s->longest_count : TRACE_LONGEST - 1;
    memmove(&s->longest[at + 1], &s->longest[at], (kept - at) * sizeof *gap);
    s->longest[at] = *gap;
    s->longest_count = kept + 1;
}

static int complain_overlap(const kpu_trace_stats *s, const trace_command *c, int64_t free_at)
{
    const kpu_place place = {.file = s->path};
    return kpu_diag_add_at(s->diag, KPU_E_INPUT, &place,
                           "traceEvents[%lld]: two commands overlap on one engine: this one begins "
                           "at cycle %lld, the one before it ends at %lld",
                           (long long)c->event, (long long)c->start, (long long)free_at);
}

static int measure_engines(kpu_trace_stats *s)
{
    for (size_t i = 0; i < s->command_count; i++) {
        const trace_command *c = &s->commands[i];
        int64_t before = s->before_on_engine[i];
        int64_t free_at = before >= 0 ? s->commands[before].busy_end : 0;
        if (free_at > c->start)
            return complain_overlap(s, c, free_at);
        s->tracks[c->track].commands++;
        s->tracks[c->track].busy += c->busy_end - c->start;
        s->cycles = c->ready > s->cycles ? c->ready : s->cycles;
        if (c->start > free_at)
            keep_gap(s, &(trace_gap){(int64_t)i, free_at, c->start});
    }
    return KPU_OK;
}

/* ---- The critical path -------------------------------------------------------------------- */

int64_t trace_stats_cause(const kpu_trace_stats *s, int64_t command, uint8_t *link)
{
    const trace_command *c = &s->commands[command];
    int64_t engine = s->before_on_engine[command], class = s->before_in_class[command];
    *link = c->critical_kind;
    if (c->critical >= 0)
        return c->critical;
    *link = TRACE_LINK_BARRIER;
    if (c->barrier >= 0 && s->commands[c->barrier].ready == c->start)
        return c->barrier;
    *link = TRACE_LINK_ENGINE;
    if (engine >= 0 && s->commands[engine].busy_end == c->start)
        return engine;
    *link = class >= 0 && c->start > 0 ? TRACE_LINK_ORDER : TRACE_LINK_START;
    return *link == TRACE_LINK_ORDER ? class : -1;
}

static int64_t last_command(const kpu_trace_stats *s)
{
    size_t last = 0;
    for (size_t i = 1; i < s->command_count; i++)
        if (s->commands[i].ready > s->commands[last].ready)
            last = i;
    return (int64_t)last;
}

/* From the last command back: each element lasts from when it hung on the one before it. If the
 * next one waited for the end of a FAB that its streams held up, the way leads through the stream
 * that came last. */
static int find_path(kpu_trace_stats *s)
{
    int64_t at = last_command(s), to = s->commands[at].ready;
    s->path_links = calloc(s->command_count, sizeof *s->path_links);
    if (!s->path_links)
        return KPU_E_MEMORY;
    while (at >= 0 && s->path_count < s->command_count) {
        const trace_command *c = &s->commands[at];
        trace_link *l = &s->path_links[s->path_count++];
        *l = (trace_link){.command = at, .to = to};
        if (c->tail >= 0 && to >= c->busy_end) {
            l->from = c->busy_end;
            l->link = KPU_WAIT_STREAM_READY;
            at = c->tail;
        } else {
            l->from = c->start;
            at = trace_stats_cause(s, at, &l->link);
        }
        to = l->from;
    }
    return KPU_OK;
}

int trace_stats_evaluate(kpu_trace_stats *s)
{
    int status = sort_commands(s);
    if (!status)
        status = trace_stats_check_times(s);
    if (!status)
        status = find_barriers(s);
    if (!status)
        status = find_neighbours(s);
    if (!status)
        status = measure_engines(s);
    if (!status)
        status = trace_stats_check_totals(s);
    return status ? status : find_path(s);
}
