/* What a trace says twice must agree: times in microseconds and in cycles, counts at the end. */
#include <inttypes.h>
#include <math.h>

#include "report/trace_stats.h"

/* The writer rounds down to picoseconds; a double keeps so much of a long time. */
#define ROUNDING_PS 2.0
#define ROUNDING_RELATIVE 1e-14
#define PICOSECONDS_PER_MICROSECOND 1e6
#define NANOSECONDS_PER_MICROSECOND 1e3

int trace_stats_read_totals(kpu_trace_stats *s, const json_node *root)
{
    json_node other, clock, commands, cycles;
    int status = json_node_member(root, "otherData", &other);
    if (!status)
        status = json_node_member(&other, "clock_ghz", &clock);
    if (!status)
        status = json_node_real(&clock, &s->clock_ghz);
    if (!status && !(s->clock_ghz > 0))
        status =
            json_node_complain(&clock, "expected a clock of more than 0 GHz, got %g", s->clock_ghz);
    if (!status)
        status = json_node_member(&other, "commands", &commands);
    if (!status)
        status = json_node_int(&commands, 0, INT64_MAX, &s->total_commands);
    if (!status)
        status = json_node_member(&other, "cycles", &cycles);
    return status ? status : json_node_int(&cycles, 0, INT64_MAX, &s->total_cycles);
}

static int complain_total(const kpu_trace_stats *s, const char *what, int64_t said, int64_t found)
{
    const kpu_place place = {.file = s->path};
    return kpu_diag_add_at(s->diag, KPU_E_INPUT, &place,
                           "otherData.%s: %" PRId64 ", but the events have %" PRId64, what, said,
                           found);
}

int trace_stats_check_totals(const kpu_trace_stats *s)
{
    if (s->total_commands != (int64_t)s->command_count)
        return complain_total(s, "commands", s->total_commands, (int64_t)s->command_count);
    if (s->total_cycles != s->cycles)
        return complain_total(s, "cycles", s->total_cycles, s->cycles);
    return KPU_OK;
}

static bool is_at(const kpu_trace_stats *s, double microseconds, int64_t cycle)
{
    double wanted_ps =
        (double)cycle * NANOSECONDS_PER_MICROSECOND / s->clock_ghz; /* a cycle of 1 GHz: 1000 ps */
    double got_ps = microseconds * PICOSECONDS_PER_MICROSECOND;
    return fabs(got_ps - wanted_ps) <= ROUNDING_PS + ROUNDING_RELATIVE * wanted_ps;
}

int trace_stats_check_times(const kpu_trace_stats *s)
{
    const kpu_place place = {.file = s->path};
    const double per_cycle = 1 / (s->clock_ghz * NANOSECONDS_PER_MICROSECOND);
    for (size_t i = 0; i < s->command_count; i++) {
        const trace_command *c = &s->commands[i];
        if (!is_at(s, c->ts, c->start))
            return kpu_diag_add_at(s->diag, KPU_E_INPUT, &place,
                                   "traceEvents[%" PRId64 "].ts: %.15g, but args.cycle %" PRId64
                                   " at %g GHz is %.15g microseconds",
                                   c->event, c->ts, c->start, s->clock_ghz,
                                   (double)c->start * per_cycle);
        if (!is_at(s, c->ts + c->dur, c->busy_end))
            return kpu_diag_add_at(s->diag, KPU_E_INPUT, &place,
                                   "traceEvents[%" PRId64 "].dur: %.15g, but from args.cycle "
                                   "%" PRId64 " to busy_end %" PRId64
                                   " at %g GHz are %.15g microseconds",
                                   c->event, c->dur, c->start, c->busy_end, s->clock_ghz,
                                   (double)(c->busy_end - c->start) * per_cycle);
    }
    return KPU_OK;
}
