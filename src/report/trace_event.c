/* One event of a trace. */
#include <stdlib.h>
#include <string.h>

#include "report/trace_stats.h"

enum { WAITS_MAX = 1 << 16 };
/* No trace is longer: its picoseconds would leave 64 bits. */
#define MICROSECONDS_MAX 4e12

/* ---- Names -------------------------------------------------------------------------------- */

static size_t add_name(kpu_trace_stats *s, const char *name)
{
    if (s->names.length == 0)
        kpu_text_put_bytes(&s->names, "", 1);
    size_t offset = s->names.length;
    kpu_text_put_bytes(&s->names, name, strlen(name) + 1);
    return offset;
}

static int read_name(const json_node *object, const char *key, char out[TRACE_NAME_MAX + 1])
{
    json_node node;
    const char *name = "";
    int status = json_node_member(object, key, &node);
    if (!status)
        status = json_node_string(&node, &name);
    if (!status && strlen(name) > TRACE_NAME_MAX)
        return json_node_complain(&node, "a name of more than %d bytes", TRACE_NAME_MAX);
    if (!status)
        strcpy(out, name);
    return status;
}

static int read_int(const json_node *object, const char *key, int64_t least, int64_t *out)
{
    json_node node;
    int status = json_node_member(object, key, &node);
    return status ? status : json_node_int(&node, least, INT64_MAX / 4, out);
}

/* ---- Tracks ------------------------------------------------------------------------------- */

/* Room for the track that the event is of. */
static int read_track(kpu_trace_stats *s, const json_node *event, size_t *out)
{
    json_node node;
    int64_t tid = 0;
    int status = json_node_member(event, "tid", &node);
    if (!status)
        status = json_node_int(&node, 0, TRACE_TRACKS_MAX - 1, &tid);
    if (status)
        return status;
    *out = (size_t)tid;
    if (*out < s->track_count)
        return KPU_OK;
    size_t count = *out + 1 > 2 * s->track_count ? *out + 1 : 2 * s->track_count;
    trace_track *tracks = realloc(s->tracks, count * sizeof *tracks);
    if (!tracks)
        return KPU_E_MEMORY;
    memset(tracks + s->track_count, 0, (count - s->track_count) * sizeof *tracks);
    s->tracks = tracks;
    s->track_count = count;
    return KPU_OK;
}

static int read_track_name(kpu_trace_stats *s, const json_node *event)
{
    json_node args;
    size_t track;
    char name[TRACE_NAME_MAX + 1] = "";
    int status = read_name(event, "name", name);
    if (status || strcmp(name, "thread_name") != 0)
        return status;
    status = read_track(s, event, &track);
    if (!status)
        status = json_node_member(event, "args", &args);
    if (!status)
        status = read_name(&args, "name", name);
    if (!status)
        s->tracks[track].name = add_name(s, name);
    return status;
}

/* ---- Commands ----------------------------------------------------------------------------- */

typedef struct wait_entry {
    size_t kind;
    int64_t command, end;
} wait_entry;

/* ["l3_loaded", 12, 120] */
static int read_wait(const json_node *waits, size_t index, int64_t command, wait_entry *out)
{
    json_node wait, kind, by, end;
    size_t items;
    json_node_item(waits, index, &wait);
    int status = json_node_array(&wait, 3, &items);
    if (!status && items != 3)
        return json_node_complain(&wait, "expected [kind, command, cycle]");
    if (status)
        return status;
    json_node_item(&wait, 0, &kind);
    json_node_item(&wait, 1, &by);
    json_node_item(&wait, 2, &end);
    status = json_node_word(&kind, kpu_wait_tokens, KPU_WAITS, &out->kind);
    if (!status)
        status = json_node_int(&by, 0, command > 0 ? command - 1 : 0, &out->command);
    return status ? status : json_node_int(&end, 0, INT64_MAX / 4, &out->end);
}

static int read_waits(const json_node *args, trace_command *c)
{
    json_node waits, critical;
    size_t items;
    int64_t which = -1;
    int status = json_node_member(args, "waits", &waits);
    if (!status)
        status = json_node_array(&waits, WAITS_MAX, &items);
    if (!status)
        status = json_node_member(args, "critical", &critical);
    if (!status)
        status = json_node_int(&critical, -1, (int64_t)items - 1, &which);
    for (size_t i = 0; !status && i < items; i++) {
        wait_entry wait;
        status = read_wait(&waits, i, c->number, &wait);
        if (status)
            break;
        if ((int64_t)i == which) {
            c->critical = wait.command;
            c->critical_kind = (uint8_t)wait.kind;
        }
        if (wait.kind == KPU_WAIT_STREAM_READY && wait.end == c->busy_end)
            c->tail = wait.command;
    }
    return status;
}

static int add_command(kpu_trace_stats *s, const trace_command *c)
{
    if (s->command_count == s->command_capacity) {
        size_t capacity = s->command_capacity ? 2 * s->command_capacity : 256;
        trace_command *commands = realloc(s->commands, capacity * sizeof *commands);
        if (!commands)
            return KPU_E_MEMORY;
        s->commands = commands;
        s->command_capacity = capacity;
    }
    s->commands[s->command_count++] = *c;
    return KPU_OK;
}

static int read_microseconds(const json_node *event, const char *key, double *out)
{
    json_node node;
    int status = json_node_member(event, key, &node);
    if (!status)
        status = json_node_real(&node, out);
    if (!status && !(*out >= 0 && *out <= MICROSECONDS_MAX))
        status = json_node_complain(&node, "expected microseconds from 0 to %g, got %g",
                                    MICROSECONDS_MAX, *out);
    return status;
}

static int read_times(const json_node *event, const json_node *args, trace_command *c)
{
    int status = read_microseconds(event, "ts", &c->ts);
    if (!status)
        status = read_microseconds(event, "dur", &c->dur);
    if (!status)
        status = read_int(args, "command", 0, &c->number);
    if (!status)
        status = read_int(args, "part", 0, &c->part);
    if (!status)
        status = read_int(args, "cycle", 0, &c->start);
    if (!status)
        status = read_int(args, "busy_end", c->start, &c->busy_end);
    return status ? status : read_int(args, "ready", c->busy_end, &c->ready);
}

static int read_command(kpu_trace_stats *s, const json_node *event)
{
    json_node args;
    trace_command c = {.critical = -1, .tail = -1, .event = s->events};
    char name[TRACE_NAME_MAX + 1] = "", class[TRACE_NAME_MAX + 1] = "";
    size_t track;
    json_node number;
    if (!json_node_find(event, "args", &args) || !json_node_find(&args, "command", &number))
        return json_node_complain(event, "an event without args.command; only traces that kpu-dse "
                                         "schedule or kpu-loader wrote can be read");
    int status = read_name(event, "name", name);
    if (!status)
        status = read_name(event, "cat", class);
    if (!status)
        status = read_track(s, event, &track);
    if (!status)
        status = read_times(event, &args, &c);
    if (!status)
        status = read_waits(&args, &c);
    if (status)
        return status;
    if (!s->tracks[track].class || strcmp(trace_stats_name(s, s->tracks[track].class), class) != 0)
        s->tracks[track].class = add_name(s, class);
    c.track = (int32_t)track;
    c.name = add_name(s, name);
    return add_command(s, &c);
}

/* ---- Any event ---------------------------------------------------------------------------- */

static int read_value(kpu_trace_stats *s, const json_node *event)
{
    json_node phase_node;
    const char *phase = "";
    int status = json_node_member(event, "ph", &phase_node);
    if (!status)
        status = json_node_string(&phase_node, &phase);
    if (status)
        return status;
    if (strcmp(phase, "M") == 0)
        return read_track_name(s, event);
    double counted_at;
    if (strcmp(phase, "C") == 0)
        return read_microseconds(event, "ts", &counted_at);
    return strcmp(phase, "X") == 0 ? read_command(s, event) : KPU_OK;
}

/* A complaint about the event's text, as one about the file. */
static int complain_text(kpu_trace_stats *s, const kpu_diag *inner)
{
    const kpu_diag_entry *e = &inner->entries[0];
    kpu_place place = {.file = s->path, .line = s->event_line, .column = s->event_column};
    if (inner->count == 0)
        return KPU_E_MEMORY;
    if (e->line > 0) {
        place.line = s->event_line + e->line - 1;
        place.column = e->line > 1 ? e->column : s->event_column + e->column - 1;
    }
    return kpu_diag_add_at(s->diag, e->code, &place, "%s", e->message);
}

int trace_stats_read_event(kpu_trace_stats *s, const char *text, size_t bytes)
{
    kpu_diag inner;
    json_node parsed = {0};
    kpu_diag_init(&inner);
    int status = json_node_parse(s->path, text, bytes, &parsed, &inner);
    if (status)
        status = complain_text(s, &inner);
    kpu_diag_fini(&inner);
    if (status)
        return status;
    const json_node root = {.file = s->path, .diag = s->diag};
    const json_node events = {
        .parent = &root, .key = "traceEvents", .file = s->path, .diag = s->diag};
    const json_node event = {.value = parsed.value,
                             .parent = &events,
                             .index = (size_t)s->events,
                             .file = s->path,
                             .diag = s->diag};
    status = read_value(s, &event);
    json_node_free(&parsed);
    return status;
}
