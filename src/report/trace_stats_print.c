/* What a trace says, for people and for programs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/trace_stats.h"

static const char *const link_names[TRACE_LINKS - KPU_WAITS] = {
    "its engine was busy", "order of its queue", "the kernel before it", "nothing"};
static const char *const link_tokens[TRACE_LINKS - KPU_WAITS] = {"engine", "order", "barrier",
                                                                 "start"};

static const char *link_name(int link)
{
    return link < KPU_WAITS ? kpu_wait_names[link] : link_names[link - KPU_WAITS];
}

static const char *link_token(int link)
{
    return link < KPU_WAITS ? kpu_wait_tokens[link] : link_tokens[link - KPU_WAITS];
}

static const char *command_name(const kpu_trace_stats *s, int64_t command)
{
    return trace_stats_name(s, s->commands[command].name);
}

static const char *engine_name(const kpu_trace_stats *s, int64_t track)
{
    return trace_stats_name(s, s->tracks[track].name);
}

static double share(const kpu_trace_stats *s, int64_t cycles)
{
    return s->cycles > 0 ? 100.0 * (double)cycles / (double)s->cycles : 0;
}

/* ---- The path by engine and by cause ------------------------------------------------------ */

typedef struct total {
    int64_t elements, busy, rest; /* rest: on its way, or held up */
} total;

typedef struct totals {
    total *engines; /* by track */
    total links[TRACE_LINKS];
} totals;

static int64_t overlap(int64_t from, int64_t to, int64_t start, int64_t end)
{
    int64_t first = from > start ? from : start, last = to < end ? to : end;
    return last > first ? last - first : 0;
}

/* An element's time is also put down to the way to the element after it: what that one waited
 * for. */
static bool add_up(const kpu_trace_stats *s, totals *t)
{
    *t = (totals){.engines = calloc(s->track_count, sizeof *t->engines)};
    for (size_t i = 0; t->engines && i < s->path_count; i++) {
        const trace_link *l = &s->path_links[i];
        const trace_command *c = &s->commands[l->command];
        int64_t busy = overlap(l->from, l->to, c->start, c->busy_end);
        total *const sums[] = {&t->engines[c->track], &t->links[l->link]};
        for (size_t k = 0; k < sizeof sums / sizeof *sums; k++) {
            sums[k]->elements++;
            sums[k]->busy += busy;
            sums[k]->rest += l->to - l->from - busy;
        }
    }
    return t->engines != NULL;
}

/* ---- For people --------------------------------------------------------------------------- */

static void put_table(kpu_table *table, kpu_text *text)
{
    kpu_table_print(table, KPU_TABLE_TEXT, text);
    text->failed |= table->failed;
    kpu_table_fini(table);
}

static void add_percent(kpu_table *table, double percent)
{
    kpu_text cell = {0};
    kpu_text_format(&cell, "%5.1f %%", percent);
    table->failed |= cell.failed;
    kpu_table_add_text(table, cell.data ? cell.data : "");
    kpu_text_fini(&cell);
}

static void put_engines(const kpu_trace_stats *s, kpu_text *text)
{
    static const char *const titles[] = {"engine", "commands", "busy", "share of the run"};
    kpu_table table;
    kpu_table_init(&table, titles, sizeof titles / sizeof *titles);
    for (size_t t = 0; t < s->track_count; t++) {
        if (s->tracks[t].commands == 0)
            continue;
        kpu_table_add_text(&table, engine_name(s, (int64_t)t));
        kpu_table_add_int(&table, s->tracks[t].commands);
        kpu_table_add_int(&table, s->tracks[t].busy);
        add_percent(&table, share(s, s->tracks[t].busy));
    }
    put_table(&table, text);
}

static void put_waits(const kpu_trace_stats *s, kpu_text *text)
{
    static const char *const titles[] = {"cycles", "from", "engine", "command", "waits for"};
    kpu_table table;
    kpu_text_put(text, "\nLongest waits: an engine idle before a command\n\n");
    kpu_table_init(&table, titles, sizeof titles / sizeof *titles);
    for (size_t i = 0; i < s->longest_count; i++) {
        const trace_gap *gap = &s->longest[i];
        const trace_command *c = &s->commands[gap->command];
        uint8_t link;
        kpu_table_add_int(&table, gap->to - gap->from);
        kpu_table_add_int(&table, gap->from);
        kpu_table_add_text(&table, engine_name(s, c->track));
        kpu_table_add_text(&table, command_name(s, gap->command));
        trace_stats_cause(s, gap->command, &link);
        kpu_table_add_text(&table, link_name(link));
    }
    put_table(&table, text);
}

static void put_total(const kpu_trace_stats *s, kpu_table *table, const char *name,
                      const total *sum)
{
    if (sum->elements == 0)
        return;
    kpu_table_add_text(table, name);
    kpu_table_add_int(table, sum->elements);
    kpu_table_add_int(table, sum->busy);
    kpu_table_add_int(table, sum->rest);
    add_percent(table, share(s, sum->busy + sum->rest));
}

static void put_path(const kpu_trace_stats *s, kpu_text *text)
{
    static const char *const by_engine[] = {"engine", "commands", "busy", "latency", "share"};
    static const char *const by_link[] = {"began when this ended", "commands", "busy", "latency",
                                          "share"};
    kpu_table table;
    totals t;
    if (!add_up(s, &t)) {
        text->failed = true;
        return;
    }
    kpu_text_format(text, "\nCritical path: %zu commands, each begun by the one before it\n\n",
                    s->path_count);
    kpu_table_init(&table, by_engine, sizeof by_engine / sizeof *by_engine);
    for (size_t i = 0; i < s->track_count; i++)
        put_total(s, &table, engine_name(s, (int64_t)i), &t.engines[i]);
    put_table(&table, text);
    kpu_text_put(text, "\n");
    kpu_table_init(&table, by_link, sizeof by_link / sizeof *by_link);
    for (int i = 0; i < TRACE_LINKS; i++)
        put_total(s, &table, link_name(i), &t.links[i]);
    put_table(&table, text);
    free(t.engines);
}

void kpu_trace_stats_put_text(const kpu_trace_stats *s, kpu_text *text)
{
    kpu_text_put_grouped(text, (int64_t)s->command_count);
    kpu_text_put(text, " commands in ");
    kpu_text_put_grouped(text, s->cycles);
    kpu_text_put(text, " cycles\n\n");
    put_engines(s, text);
    if (s->longest_count > 0)
        put_waits(s, text);
    put_path(s, text);
}

/* ---- For programs ------------------------------------------------------------------------- */

static void put_json_name(kpu_text *text, const char *key, const char *name)
{
    kpu_text_format(text, "\"%s\": ", key);
    kpu_text_put_json_string(text, name);
}

static void put_json_engines(const kpu_trace_stats *s, kpu_text *text)
{
    const char *between = "";
    for (size_t t = 0; t < s->track_count; t++) {
        const trace_track *track = &s->tracks[t];
        if (track->commands == 0)
            continue;
        kpu_text_format(text, "%s\n  {", between);
        put_json_name(text, "engine", engine_name(s, (int64_t)t));
        kpu_text_format(text,
                        ", \"commands\": %" PRId64 ", \"busy\": %" PRId64 ", \"utilisation\": ",
                        track->commands, track->busy);
        kpu_text_put_json_number(text, share(s, track->busy) / 100);
        kpu_text_put(text, "}");
        between = ",";
    }
}

static void put_json_waits(const kpu_trace_stats *s, kpu_text *text)
{
    for (size_t i = 0; i < s->longest_count; i++) {
        const trace_gap *gap = &s->longest[i];
        const trace_command *c = &s->commands[gap->command];
        uint8_t link;
        kpu_text_format(text, "%s\n  {\"cycles\": %" PRId64 ", \"from\": %" PRId64 ", ",
                        i > 0 ? "," : "", gap->to - gap->from, gap->from);
        put_json_name(text, "engine", engine_name(s, c->track));
        kpu_text_format(text, ", \"command\": %" PRId64 ", ", gap->command);
        put_json_name(text, "name", command_name(s, gap->command));
        kpu_text_put(text, ", ");
        trace_stats_cause(s, gap->command, &link);
        put_json_name(text, "wait", link_token(link));
        kpu_text_put(text, "}");
    }
}

/* From the first command on. */
static void put_json_path(const kpu_trace_stats *s, kpu_text *text)
{
    for (size_t i = s->path_count; i-- > 0;) {
        const trace_link *l = &s->path_links[i];
        kpu_text_format(text, "%s\n  {\"command\": %" PRId64 ", ", i + 1 < s->path_count ? "," : "",
                        l->command);
        put_json_name(text, "name", command_name(s, l->command));
        kpu_text_put(text, ", ");
        put_json_name(text, "engine", engine_name(s, s->commands[l->command].track));
        kpu_text_put(text, ", ");
        put_json_name(text, "wait", link_token(l->link));
        kpu_text_format(text, ", \"from\": %" PRId64 ", \"to\": %" PRId64 "}", l->from, l->to);
    }
}

void kpu_trace_stats_put_json(const kpu_trace_stats *s, kpu_text *text)
{
    kpu_text_format(text, "{\"commands\": %zu, \"cycles\": %" PRId64 ",\n \"engines\": [",
                    s->command_count, s->cycles);
    put_json_engines(s, text);
    kpu_text_put(text, "\n ],\n \"waits\": [");
    put_json_waits(s, text);
    kpu_text_put(text, "\n ],\n \"critical_path\": [");
    put_json_path(s, text);
    kpu_text_put(text, "\n ]}\n");
}
