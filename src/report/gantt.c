/* Which bars a chart of a schedule has. */
#include "report/gantt.h"

#include <stdio.h>
#include <stdlib.h>

#include "report/slot_uses.h"

void kpu_gantt_fini(kpu_gantt *gantt)
{
    free(gantt->rows);
    free(gantt->bars);
    *gantt = (kpu_gantt){0};
}

static bool is_chosen(const kpu_gantt *g, const kpu_command *c)
{
    return c->step >= g->first_step && c->step <= g->last_step;
}

static const char *const verbs[KPU_COMMANDS] = {
    [KPU_CMD_DMA_LOAD_A] = "load",  [KPU_CMD_DMA_LOAD_B] = "load", [KPU_CMD_DMA_LOAD_C] = "load",
    [KPU_CMD_BM_LOAD_A] = "load",   [KPU_CMD_BM_LOAD_B] = "load",  [KPU_CMD_BM_LOAD_C] = "load",
    [KPU_CMD_STR_A] = "in",         [KPU_CMD_STR_B] = "in",        [KPU_CMD_STR_CIN] = "in",
    [KPU_CMD_FAB] = "compute",      [KPU_CMD_STR_COUT] = "out",    [KPU_CMD_BM_STORE_C] = "store",
    [KPU_CMD_DMA_STORE_C] = "store"};

const char *gantt_verb(const kpu_command *c)
{
    return verbs[c->kind];
}

static int begin(const kpu_schedule *schedule, int64_t first_step, int64_t last_step,
                 kpu_gantt *out)
{
    *out = (kpu_gantt){.schedule = schedule,
                       .first_step = first_step,
                       .last_step = last_step,
                       .start = INT64_MAX,
                       .end = INT64_MIN};
    out->rows = calloc(KPU_GANTT_ROWS_MAX, sizeof *out->rows);
    out->bars = calloc(KPU_GANTT_BARS_MAX, sizeof *out->bars);
    return out->rows && out->bars ? KPU_OK : KPU_E_MEMORY;
}

static int finish(kpu_gantt *g, int status)
{
    if (!status && g->bar_count == 0)
        status = KPU_E_RANGE;
    if (status)
        kpu_gantt_fini(g);
    return status;
}

static void widen(kpu_gantt *g, const kpu_command *c)
{
    g->start = c->start < g->start ? c->start : g->start;
    g->end = c->ready > g->end ? c->ready : g->end;
}

static int add_bar(kpu_gantt *g, int64_t row, int64_t command)
{
    if (g->bar_count == KPU_GANTT_BARS_MAX)
        return KPU_E_RANGE;
    bool chosen = g->row_is_command || is_chosen(g, &g->schedule->commands[command]);
    g->bars[g->bar_count++] = (kpu_gantt_bar){.row = row, .command = command, .chosen = chosen};
    return KPU_OK;
}

/* ---- A row an engine ---------------------------------------------------------------------- */

static int compare_engines(const kpu_command *a, const kpu_command *b)
{
    int x = kpu_command_class(a->kind), y = kpu_command_class(b->kind);
    if (x != y)
        return x < y ? -1 : 1;
    return a->engine < b->engine ? -1 : a->engine > b->engine;
}

static int by_start(const kpu_command *a, const kpu_command *b)
{
    return a->start < b->start ? -1 : a->start > b->start;
}

static int by_engine(const kpu_command *a, const kpu_command *b)
{
    int order = compare_engines(a, b);
    return order ? order : by_start(a, b);
}

static int add_engines(kpu_gantt *g, const schedule_list *list)
{
    const kpu_command *last = NULL;
    int status = KPU_OK;
    for (int64_t i = 0; !status && i < list->count; i++) {
        const kpu_command *c = schedule_list_at(list, i);
        if (c->start >= g->end || c->busy_end <= g->start)
            continue;
        if (!last || compare_engines(c, last) != 0) {
            if (g->row_count == KPU_GANTT_ROWS_MAX)
                return KPU_E_RANGE;
            kpu_engine_text(kpu_command_class(c->kind), c->engine, g->rows[g->row_count++]);
        }
        last = c;
        status = add_bar(g, g->row_count - 1, list->order[i]);
    }
    return status;
}

int kpu_gantt_of_engines(const kpu_schedule *schedule, int64_t first_step, int64_t last_step,
                         kpu_gantt *out)
{
    const kpu_list_style all = {.last_step = schedule->steps};
    schedule_list list = {0};
    int status = begin(schedule, first_step, last_step, out);
    for (int64_t i = 0; i < schedule->command_count; i++)
        if (is_chosen(out, &schedule->commands[i]))
            widen(out, &schedule->commands[i]);
    if (!status)
        status = schedule_list_make(schedule, &all, by_engine, &list);
    if (!status)
        status = add_engines(out, &list);
    schedule_list_fini(&list);
    return finish(out, status);
}

/* ---- A row a command ---------------------------------------------------------------------- */

/* Waits that lead from a step's compute back to the loads of its tiles, or on to the stores of its
 * result. */
static const uint32_t waits_back = 1u << KPU_WAIT_STREAM_FIRST | 1u << KPU_WAIT_STATIONARY |
                                   1u << KPU_WAIT_L2_LOADED | 1u << KPU_WAIT_L3_LOADED;
static const uint32_t waits_on =
    1u << KPU_WAIT_RESULT | 1u << KPU_WAIT_BM_STORE_SOURCE | 1u << KPU_WAIT_DMA_STORE_SOURCE;

static void mark_back(const kpu_schedule *s, bool *marked)
{
    for (int64_t i = s->command_count - 1; i >= 0; i--)
        for (int64_t w = 0; marked[i] && w < s->commands[i].wait_count; w++) {
            const kpu_wait *wait = &s->waits[s->commands[i].first_wait + w];
            if (waits_back >> wait->kind & 1)
                marked[wait->command] = true;
        }
}

/* From a compute of the chosen steps on: `marked` itself also marks what led to it. */
static void mark_on(const kpu_gantt *g, bool *marked)
{
    const kpu_schedule *s = g->schedule;
    for (int64_t i = 0; i < s->command_count; i++)
        for (int64_t w = 0; w < s->commands[i].wait_count; w++) {
            const kpu_wait *wait = &s->waits[s->commands[i].first_wait + w];
            if ((waits_on >> wait->kind & 1) && marked[wait->command])
                marked[i] = true;
        }
}

static void mark(const kpu_gantt *g, bool *marked)
{
    const kpu_schedule *s = g->schedule;
    for (int64_t i = 0; i < s->command_count; i++)
        marked[i] = s->commands[i].kind == KPU_CMD_FAB && is_chosen(g, &s->commands[i]);
    mark_on(g, marked);
    mark_back(s, marked);
}

static int add_commands(kpu_gantt *g, const schedule_list *list, const bool *marked)
{
    char engine[KPU_ENGINE_TEXT], tile[KPU_COMMAND_TILE_TEXT];
    for (int64_t i = 0; i < list->count; i++) {
        const kpu_command *c = schedule_list_at(list, i);
        if (!marked[list->order[i]])
            continue;
        if (g->row_count == KPU_GANTT_ROWS_MAX)
            return KPU_E_RANGE;
        snprintf(g->rows[g->row_count++], KPU_GANTT_ROW_TEXT, "%.15s %s %.38s",
                 kpu_engine_text(kpu_command_class(c->kind), c->engine, engine), gantt_verb(c),
                 kpu_command_tile_text(c, tile));
        widen(g, c);
        int status = add_bar(g, g->row_count - 1, list->order[i]);
        if (status)
            return status;
    }
    return KPU_OK;
}

int kpu_gantt_of_steps(const kpu_schedule *schedule, int64_t first_step, int64_t last_step,
                       kpu_gantt *out)
{
    const kpu_list_style all = {.last_step = schedule->steps};
    schedule_list list = {0};
    int status = begin(schedule, first_step, last_step, out);
    bool *marked = calloc((size_t)schedule->command_count + 1, sizeof *marked);
    if (!status)
        status = marked ? schedule_list_make(schedule, &all, by_start, &list) : KPU_E_MEMORY;
    if (!status) {
        out->row_is_command = true;
        mark(out, marked);
        status = add_commands(out, &list, marked);
    }
    schedule_list_fini(&list);
    free(marked);
    return finish(out, status);
}

/* ---- Records ------------------------------------------------------------------------------ */

typedef struct bar_source {
    const kpu_gantt *gantt;
    int64_t start_cycle;
} bar_source;

static const kpu_command *command_at(const void *source, int64_t row)
{
    const kpu_gantt *g = ((const bar_source *)source)->gantt;
    return &g->schedule->commands[g->bars[row].command];
}

static void put_engine(const void *source, int64_t row, kpu_text *text)
{
    const kpu_command *c = command_at(source, row);
    char engine[KPU_ENGINE_TEXT];
    kpu_text_put(text, kpu_engine_text(kpu_command_class(c->kind), c->engine, engine));
}

static void put_verb(const void *source, int64_t row, kpu_text *text)
{
    kpu_text_put(text, gantt_verb(command_at(source, row)));
}

static void put_tile(const void *source, int64_t row, kpu_text *text)
{
    char tile[KPU_COMMAND_TILE_TEXT];
    kpu_text_put(text, kpu_command_tile_text(command_at(source, row), tile));
}

static void put_step(const void *source, int64_t row, kpu_text *text)
{
    kpu_text_put_int(text, command_at(source, row)->step);
}

#define CYCLE_COLUMN(name)                                                                         \
    static void put_##name(const void *source, int64_t row, kpu_text *text)                        \
    {                                                                                              \
        int64_t start_cycle = ((const bar_source *)source)->start_cycle;                           \
        kpu_text_put_int(text, start_cycle + command_at(source, row)->name);                       \
    }
CYCLE_COLUMN(start)
CYCLE_COLUMN(busy_end)
CYCLE_COLUMN(ready)
#undef CYCLE_COLUMN

static const listing_column columns[] = {
    {.title = "engine", .put = put_engine},
    {.title = "verb", .put = put_verb},
    {.title = "tile", .put = put_tile},
    {.title = "step", .number = true, .put = put_step},
    {.title = "start", .number = true, .put = put_start},
    {.title = "busy_end", .number = true, .put = put_busy_end},
    {.title = "ready", .number = true, .put = put_ready},
};

int kpu_gantt_put_list(const kpu_gantt *gantt, const kpu_list_style *style, const kpu_sink *sink)
{
    const bar_source source = {gantt, style->start_cycle};
    const listing list = {.columns = columns,
                          .column_count = sizeof columns / sizeof *columns,
                          .source = &source,
                          .rows = gantt->bar_count};
    return listing_print(&list, style, sink);
}
