/* The bound schedule, a record a command. */
#include <inttypes.h>

#include "report/schedule_list.h"

static const char *const components[KPU_ENGINE_CLASSES] = {
    [KPU_ENGINE_DMA] = "DMA",          [KPU_ENGINE_BM] = "BlockMover",
    [KPU_ENGINE_STR_A] = "Streamer",   [KPU_ENGINE_STR_B] = "Streamer",
    [KPU_ENGINE_STR_CIN] = "Streamer", [KPU_ENGINE_STR_COUT] = "Streamer",
    [KPU_ENGINE_FAB] = "Fabric"};

static const char *const ops[KPU_COMMANDS] = {
    [KPU_CMD_DMA_LOAD_A] = "prefetch_A", [KPU_CMD_DMA_LOAD_B] = "prefetch_B",
    [KPU_CMD_DMA_LOAD_C] = "prefetch_C", [KPU_CMD_BM_LOAD_A] = "move",
    [KPU_CMD_BM_LOAD_B] = "move",        [KPU_CMD_BM_LOAD_C] = "move",
    [KPU_CMD_STR_A] = "stream_row",      [KPU_CMD_STR_B] = "stream_col",
    [KPU_CMD_STR_CIN] = "stream_in",     [KPU_CMD_FAB] = "accumulate",
    [KPU_CMD_STR_COUT] = "drain",        [KPU_CMD_BM_STORE_C] = "move",
    [KPU_CMD_DMA_STORE_C] = "store_C"};

/* ---- Columns ------------------------------------------------------------------------------ */

static void put_cycle(const void *source, int64_t row, kpu_text *text)
{
    const schedule_list *l = source;
    kpu_text_put_int(text, l->style->start_cycle + schedule_list_at(l, row)->start);
}

static void put_component(const void *source, int64_t row, kpu_text *text)
{
    kpu_text_put(text, components[kpu_command_class(schedule_list_at(source, row)->kind)]);
}

static void put_op(const void *source, int64_t row, kpu_text *text)
{
    const schedule_list *l = source;
    const kpu_command *c = schedule_list_at(l, row);
    bool moves_in = c->kind == KPU_CMD_BM_LOAD_A || c->kind == KPU_CMD_BM_LOAD_B;
    bool turns = moves_in && l->schedule->mapping.problem.transposed[c->operand];
    kpu_text_put(text, turns ? "transpose" : ops[c->kind]);
}

static void put_tile(const void *source, int64_t row, kpu_text *text)
{
    const kpu_command *c = schedule_list_at(source, row);
    char tile[KPU_COMMAND_TILE_TEXT];
    if (c->kind != KPU_CMD_FAB)
        kpu_text_put(text, kpu_command_tile_text(c, tile));
}

static void put_result(const void *source, int64_t row, kpu_text *text)
{
    const kpu_command *c = schedule_list_at(source, row);
    char tile[KPU_COMMAND_TILE_TEXT];
    if (c->kind == KPU_CMD_FAB)
        kpu_text_put(text, kpu_command_tile_text(c, tile));
}

static void put_place(const schedule_list *l, int64_t row, int side, kpu_text *text)
{
    char place[KPU_PLACE_TEXT];
    kpu_text_put(text, kpu_command_place_text(l->schedule, schedule_list_at(l, row), side, place));
}

static void put_src(const void *source, int64_t row, kpu_text *text)
{
    put_place(source, row, KPU_COMMAND_SOURCE, text);
}

static void put_dst(const void *source, int64_t row, kpu_text *text)
{
    put_place(source, row, KPU_COMMAND_DEST, text);
}

static void put_address(const schedule_list *l, int64_t row, int side, kpu_text *text)
{
    int64_t address = kpu_command_address(l->schedule, schedule_list_at(l, row), side);
    if (address >= 0)
        kpu_text_format(text, "0x%" PRIx64, (uint64_t)address);
}

static void put_src_address(const void *source, int64_t row, kpu_text *text)
{
    put_address(source, row, KPU_COMMAND_SOURCE, text);
}

static void put_dst_address(const void *source, int64_t row, kpu_text *text)
{
    put_address(source, row, KPU_COMMAND_DEST, text);
}

static void put_number(const void *source, int64_t row, kpu_text *text)
{
    kpu_text_put_int(text, ((const schedule_list *)source)->order[row]);
}

static void put_engine(const void *source, int64_t row, kpu_text *text)
{
    const kpu_command *c = schedule_list_at(source, row);
    char engine[KPU_ENGINE_TEXT];
    kpu_text_put(text, kpu_engine_text(kpu_command_class(c->kind), c->engine, engine));
}

static void put_step(const void *source, int64_t row, kpu_text *text)
{
    kpu_text_put_int(text, schedule_list_at(source, row)->step);
}

static void put_bytes(const void *source, int64_t row, kpu_text *text)
{
    kpu_text_put_int(text, schedule_list_at(source, row)->bytes);
}

static void put_busy_end(const void *source, int64_t row, kpu_text *text)
{
    const schedule_list *l = source;
    kpu_text_put_int(text, l->style->start_cycle + schedule_list_at(l, row)->busy_end);
}

static void put_ready(const void *source, int64_t row, kpu_text *text)
{
    const schedule_list *l = source;
    kpu_text_put_int(text, l->style->start_cycle + schedule_list_at(l, row)->ready);
}

/* "l3_loaded:12@120": the wait, for which command, over when. */
static void put_waits(const void *source, int64_t row, kpu_text *text)
{
    const schedule_list *l = source;
    const kpu_command *c = schedule_list_at(l, row);
    for (int64_t i = 0; i < c->wait_count; i++) {
        const kpu_wait *wait = &l->schedule->waits[c->first_wait + i];
        kpu_text_format(text, "%s%s:%lld@%lld", i > 0 ? " " : "", kpu_wait_tokens[wait->kind],
                        (long long)wait->command,
                        (long long)(l->style->start_cycle + kpu_wait_end(l->schedule, wait)));
    }
}

static const listing_column columns[] = {
    {.title = "cycle", .number = true, .put = put_cycle},
    {.title = "component", .put = put_component},
    {.title = "op", .put = put_op},
    {.title = "tile_id", .put = put_tile},
    {.title = "src", .put = put_src},
    {.title = "dst", .put = put_dst},
    {.title = "result", .put = put_result},
    {.title = "command", .number = true, .verbose_only = true, .put = put_number},
    {.title = "engine", .verbose_only = true, .put = put_engine},
    {.title = "step", .number = true, .verbose_only = true, .put = put_step},
    {.title = "bytes", .number = true, .verbose_only = true, .put = put_bytes},
    {.title = "src_address", .verbose_only = true, .put = put_src_address},
    {.title = "dst_address", .verbose_only = true, .put = put_dst_address},
    {.title = "busy_end", .number = true, .verbose_only = true, .put = put_busy_end},
    {.title = "ready", .number = true, .verbose_only = true, .put = put_ready},
    {.title = "waits", .verbose_only = true, .put = put_waits},
};

static int by_start(const kpu_command *a, const kpu_command *b)
{
    return a->start < b->start ? -1 : a->start > b->start;
}

int kpu_schedule_put_commands(const kpu_schedule *schedule, const kpu_list_style *style,
                              const kpu_sink *sink)
{
    schedule_list source;
    int status = schedule_list_make(schedule, style, by_start, &source);
    const listing list = {.columns = columns,
                          .column_count = sizeof columns / sizeof *columns,
                          .source = &source,
                          .rows = source.count};
    if (!status)
        status = listing_print(&list, style, sink);
    schedule_list_fini(&source);
    return status;
}
