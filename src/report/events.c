/* Tile events: what happens to which tile, in an order of dependency. */
#include "report/logical.h"
#include "report/schedule_list.h"

typedef struct tile_event {
    const char *type, *stage;
    int64_t tile[KPU_DIMS]; /* -1: does not apply */
    int64_t time;
} tile_event;

typedef struct event_source {
    void (*get)(const struct event_source *source, int64_t row, tile_event *out);
    const kpu_mapping *mapping; /* logical time */
    const schedule_list *list;  /* cycles */
    int64_t first_step, start_cycle;
} event_source;

/* ---- Columns ------------------------------------------------------------------------------ */

static void put_type(const void *source, int64_t row, kpu_text *text)
{
    const event_source *s = source;
    tile_event event;
    s->get(s, row, &event);
    kpu_text_put(text, event.type);
}

static void put_stage(const void *source, int64_t row, kpu_text *text)
{
    const event_source *s = source;
    tile_event event;
    s->get(s, row, &event);
    kpu_text_put(text, event.stage);
}

static void put_index(const event_source *s, int64_t row, int dim, kpu_text *text)
{
    tile_event event;
    s->get(s, row, &event);
    if (event.tile[dim] >= 0)
        kpu_text_put_int(text, event.tile[dim]);
}

static void put_i(const void *source, int64_t row, kpu_text *text)
{
    put_index(source, row, KPU_M, text);
}

static void put_j(const void *source, int64_t row, kpu_text *text)
{
    put_index(source, row, KPU_N, text);
}

static void put_k(const void *source, int64_t row, kpu_text *text)
{
    put_index(source, row, KPU_K, text);
}

static void put_t(const void *source, int64_t row, kpu_text *text)
{
    const event_source *s = source;
    tile_event event;
    s->get(s, row, &event);
    kpu_text_put_int(text, s->start_cycle + event.time);
}

static const listing_column columns[] = {
    {.title = "type", .put = put_type},
    {.title = "stage", .put = put_stage},
    {.title = "i", .number = true, .null = true, .put = put_i},
    {.title = "j", .number = true, .null = true, .put = put_j},
    {.title = "k", .number = true, .null = true, .put = put_k},
    {.title = "t", .number = true, .put = put_t},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

/* ---- In logical time ---------------------------------------------------------------------- */

/* Of every step, in this order. */
static const struct {
    const char *type, *stage;
    uint8_t dims; /* bit: that index applies */
    uint8_t delay;
    bool first_column; /* only for the first tile along n: A is reused across them */
} stages[] = {
    {"B", "dma", 1 << KPU_N | 1 << KPU_K, 0, false},
    {"B", "move", 1 << KPU_N | 1 << KPU_K, 1, false},
    {"A", "move", 1 << KPU_M | 1 << KPU_K, 1, true},
    {"A+B", "stream", 1 << KPU_M | 1 << KPU_N | 1 << KPU_K, 2, false},
    {"C", "compute", 1 << KPU_M | 1 << KPU_N | 1 << KPU_K, 3, false},
};
enum { STAGES = sizeof stages / sizeof *stages, STEP_TIME = 4 };

static bool has_logical(const void *source, int64_t row)
{
    const event_source *s = source;
    int64_t tile[KPU_DIMS];
    logical_tile(s->mapping, s->first_step + row / STAGES, tile);
    return !stages[row % STAGES].first_column || tile[KPU_N] == 0;
}

static void get_logical(const event_source *s, int64_t row, tile_event *out)
{
    int64_t step = s->first_step + row / STAGES;
    int stage = (int)(row % STAGES);
    *out = (tile_event){.type = stages[stage].type,
                        .stage = stages[stage].stage,
                        .time = STEP_TIME * step + stages[stage].delay};
    logical_tile(s->mapping, step, out->tile);
    for (int d = 0; d < KPU_DIMS; d++)
        if (!(stages[stage].dims >> d & 1))
            out->tile[d] = -1;
}

int kpu_logical_put_events(const kpu_mapping *mapping, const kpu_list_style *style,
                           const kpu_sink *sink)
{
    const event_source source = {.get = get_logical,
                                 .mapping = mapping,
                                 .first_step = style->first_step,
                                 .start_cycle = style->start_cycle};
    int64_t steps = logical_steps(mapping, style);
    const listing list = {.columns = columns,
                          .column_count = COLUMNS,
                          .source = &source,
                          .rows = STAGES * steps,
                          .has = has_logical};
    return steps < 0 ? KPU_E_RANGE : listing_print(&list, style, sink);
}

/* ---- In cycles ---------------------------------------------------------------------------- */

static const char *const stage_of[KPU_ENGINE_CLASSES] = {
    [KPU_ENGINE_DMA] = "dma",        [KPU_ENGINE_BM] = "move",
    [KPU_ENGINE_STR_A] = "stream",   [KPU_ENGINE_STR_B] = "stream",
    [KPU_ENGINE_STR_CIN] = "stream", [KPU_ENGINE_STR_COUT] = "stream",
    [KPU_ENGINE_FAB] = "compute"};

static void get_timed(const event_source *s, int64_t row, tile_event *out)
{
    static const char *const types[KPU_OPERANDS] = {"A", "B", "C"};
    const kpu_command *c = schedule_list_at(s->list, row);
    *out = (tile_event){
        .type = types[c->operand], .stage = stage_of[kpu_command_class(c->kind)], .time = c->start};
    for (int d = 0; d < KPU_DIMS; d++)
        out->tile[d] = c->tile[d];
}

int kpu_schedule_put_events(const kpu_schedule *schedule, const kpu_list_style *style,
                            const kpu_sink *sink)
{
    schedule_list commands;
    int status = schedule_list_make(schedule, style, NULL, &commands);
    const event_source source = {
        .get = get_timed, .list = &commands, .start_cycle = style->start_cycle};
    const listing list = {
        .columns = columns, .column_count = COLUMNS, .source = &source, .rows = commands.count};
    if (!status)
        status = listing_print(&list, style, sink);
    schedule_list_fini(&commands);
    return status;
}
