/* Private to the report: what is kept of a trace that is read. */
#ifndef KPU_SRC_REPORT_TRACE_STATS_H
#define KPU_SRC_REPORT_TRACE_STATS_H

#include "base/json.h"
#include "kpu/report.h"

enum { TRACE_NAME_MAX = 120, TRACE_LONGEST = 10, TRACE_TRACKS_MAX = 1 << 18 };

/* Why a command begins when it does: KPU_WAIT_*, or one of these. */
enum { TRACE_LINK_ENGINE = KPU_WAITS, TRACE_LINK_ORDER, TRACE_LINK_BARRIER, TRACE_LINK_START };
enum { TRACE_LINKS = TRACE_LINK_START + 1 };

typedef struct trace_command {
    int64_t number, part, start, busy_end, ready;
    int64_t critical, tail; /* command whose wait ended at the start; whose stream ended last at the
                               end of a FAB; -1: none */
    int64_t barrier;        /* of the parts before its own, the command that ends last; -1 */
    int32_t track;          /* number in tracks */
    uint8_t critical_kind;  /* KPU_WAIT_* */
    size_t name;            /* offset in names */
    double ts, dur;         /* microseconds */
    int64_t event;          /* number in traceEvents */
} trace_command;

/* An engine. */
typedef struct trace_track {
    size_t name, class; /* offsets in names; engines of a class share a queue. 0: none yet */
    int64_t commands, busy;
} trace_track;

/* One element of the critical path: from it on, until the next begins. */
typedef struct trace_link {
    int64_t command;
    int64_t from, to;
    uint8_t link; /* why it began: the way to the element before it */
} trace_link;

typedef struct trace_gap {
    int64_t command, from, to;
} trace_gap;

struct kpu_trace_stats {
    const char *path;
    kpu_diag *diag;
    int status;
    /* The scanner: text outside of events goes into `frame`, an event into `event`. */
    kpu_text frame, event;
    int depth;
    bool in_string, is_escaped, in_events, has_events, has_root;
    bool wants_event, wants_comma;
    char key[32]; /* the last string at depth 1 */
    size_t key_length;
    int64_t line, column, event_line, event_column;
    int64_t events;
    /* What the events say. */
    trace_command *commands; /* by number, once finished */
    size_t command_count, command_capacity;
    trace_track *tracks; /* by number in the file */
    size_t track_count;
    kpu_text names;   /* each with its NUL; the first one is empty */
    double clock_ghz; /* this and the totals: what stands after the events */
    int64_t total_commands, total_cycles;
    /* What follows from it. */
    int64_t cycles;
    int64_t *in_time;                            /* commands by class, start and number */
    int64_t *before_on_engine, *before_in_class; /* of each command, -1: none */
    trace_link *path_links;                      /* from the last command back */
    size_t path_count;
    trace_gap longest[TRACE_LONGEST];
    size_t longest_count;
};

/* One event's text. */
int trace_stats_read_event(kpu_trace_stats *stats, const char *text, size_t bytes);
/* The text around the events: clock and totals. */
int trace_stats_read_totals(kpu_trace_stats *stats, const json_node *root);
/* Whether times in microseconds are those in cycles, and totals those of the events. */
int trace_stats_check_times(const kpu_trace_stats *stats);
int trace_stats_check_totals(const kpu_trace_stats *stats);
/* After the last event: everything else. */
int trace_stats_evaluate(kpu_trace_stats *stats);

/* What a command's start hangs on, and how; -1: nothing. */
int64_t trace_stats_cause(const kpu_trace_stats *stats, int64_t command, uint8_t *link);

static inline const char *trace_stats_name(const kpu_trace_stats *stats, size_t offset)
{
    return stats->names.data ? stats->names.data + offset : "";
}

#endif
