/* Cuts a trace into its events as it comes, so that memory does not grow with its text. */
#include <stdlib.h>
#include <string.h>

#include "report/trace_stats.h"

enum { EVENT_BYTES_MAX = 1 << 20, FRAME_BYTES_MAX = 1 << 20, DEPTH_MAX = 64 };
static const char events_key[] = "traceEvents";

int kpu_trace_stats_new(const char *path, kpu_diag *diag, kpu_trace_stats **out)
{
    kpu_trace_stats *s = *out = calloc(1, sizeof *s);
    if (!s)
        return KPU_E_MEMORY;
    s->path = path;
    s->diag = diag;
    s->line = s->column = 1;
    return KPU_OK;
}

void kpu_trace_stats_free(kpu_trace_stats *s)
{
    if (!s)
        return;
    kpu_text_fini(&s->frame);
    kpu_text_fini(&s->event);
    kpu_text_fini(&s->names);
    free(s->commands);
    free(s->tracks);
    free(s->in_time);
    free(s->before_on_engine);
    free(s->before_in_class);
    free(s->path_links);
    free(s);
}

static int complain(kpu_trace_stats *s, const char *what)
{
    const kpu_place place = {.file = s->path, .line = s->line, .column = s->column};
    return kpu_diag_add_at(s->diag, KPU_E_INPUT, &place, "%s", what);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* ---- Strings ------------------------------------------------------------------------------ */

static void take_in_string(kpu_trace_stats *s, char c)
{
    if (s->is_escaped)
        s->is_escaped = false;
    else if (c == '\\')
        s->is_escaped = true;
    else if (c == '"')
        s->in_string = false;
    if (s->in_string && s->depth == 1 && s->key_length < sizeof s->key)
        s->key[s->key_length++] = c;
}

static void begin_string(kpu_trace_stats *s)
{
    s->in_string = true;
    if (s->depth == 1)
        s->key_length = 0;
}

/* ---- Events ------------------------------------------------------------------------------- */

static bool in_event(const kpu_trace_stats *s)
{
    return s->in_events && s->depth > 2;
}

static int end_event(kpu_trace_stats *s)
{
    s->wants_comma = true;
    if (s->event.failed)
        return KPU_E_MEMORY;
    int status = trace_stats_read_event(s, s->event.data, s->event.length);
    kpu_text_clear(&s->event);
    s->events++;
    return status;
}

/* A character between events. */
static int check_between(kpu_trace_stats *s, char c)
{
    if (is_blank(c))
        return KPU_OK;
    if (c == ',' && s->wants_comma) {
        s->wants_comma = false;
        s->wants_event = true;
        return KPU_OK;
    }
    if (c == '{' && !s->wants_comma) {
        s->wants_event = false;
        s->event_line = s->line;
        s->event_column = s->column;
        return KPU_OK;
    }
    if (c == ']' && !s->wants_event)
        return KPU_OK;
    return complain(s, s->wants_comma ? "expected a comma or the end of traceEvents"
                                      : "expected an event, an object");
}

/* ---- Everything --------------------------------------------------------------------------- */

static void open_bracket(kpu_trace_stats *s, char c)
{
    size_t length = sizeof events_key - 1;
    bool is_key = s->key_length == length && memcmp(s->key, events_key, length) == 0;
    if (c == '[' && s->depth == 1 && is_key && !s->has_events)
        s->in_events = s->has_events = true;
    s->has_root = true;
    s->depth++;
}

static int close_bracket(kpu_trace_stats *s)
{
    bool was_in_event = in_event(s);
    s->depth--; /* at depth 0 no bracket but the first is let through */
    if (s->in_events && s->depth == 1)
        s->in_events = false;
    return was_in_event && s->depth == 2 ? end_event(s) : KPU_OK;
}

/* Where the character belongs: to an event, or to the text around them. */
static int keep(kpu_trace_stats *s, char c, bool in_events)
{
    kpu_text *text = in_events ? &s->event : &s->frame;
    if (text->length >= (in_events ? EVENT_BYTES_MAX : FRAME_BYTES_MAX))
        return complain(s, in_events ? "an event of more than 1 MiB"
                                     : "more than 1 MiB that is no event");
    kpu_text_put_bytes(text, &c, 1);
    return KPU_OK;
}

/* A character outside of all brackets. */
static int check_outside(kpu_trace_stats *s, char c)
{
    if (is_blank(c) || (c == '{' && !s->has_root))
        return KPU_OK;
    return complain(s, s->has_root ? "more after the end of the JSON object"
                                   : "no trace: expected a JSON object");
}

static int take(kpu_trace_stats *s, char c)
{
    bool between = s->in_events && s->depth == 2;
    int status = between ? check_between(s, c) : s->depth == 0 ? check_outside(s, c) : KPU_OK;
    /* Commas between events stay away from the frame: the events are not there either. */
    if (!status && (!between || c == '{' || c == ']'))
        status = keep(s, c, between ? c == '{' : in_event(s));
    if (status)
        return status;
    if (s->in_string) {
        take_in_string(s, c);
        return KPU_OK;
    }
    if (c == '"')
        begin_string(s);
    if (c == '{' || c == '[') {
        if (s->depth == DEPTH_MAX)
            return complain(s, "brackets within brackets more than 64 deep");
        open_bracket(s, c);
    }
    return c == '}' || c == ']' ? close_bracket(s) : KPU_OK;
}

int kpu_trace_stats_add(kpu_trace_stats *s, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count && !s->status; i++) {
        s->status = take(s, bytes[i]);
        s->column++;
        if (bytes[i] == '\n') {
            s->line++;
            s->column = 1;
        }
    }
    return s->status;
}

int kpu_trace_stats_finish(kpu_trace_stats *s)
{
    json_node root = {0};
    if (s->status)
        return s->status;
    if (s->frame.failed || s->names.failed)
        return KPU_E_MEMORY;
    if (s->depth > 0)
        return complain(s, "the file ends too early: brackets are still open");
    int status = json_node_parse(s->path, s->frame.data ? s->frame.data : "", s->frame.length,
                                 &root, s->diag);
    if (!status && !s->has_events)
        status = complain(s, "no trace: there is no list \"traceEvents\"");
    if (!status)
        status = trace_stats_read_totals(s, &root);
    json_node_free(&root);
    return status ? status : trace_stats_evaluate(s);
}
