/* When memories fill and links are busy, as steps up and down. */
#include <stdlib.h>

#include "report/slot_uses.h"
#include "report/trace.h"

typedef struct gathering {
    trace_change *changes;
    size_t count, capacity;
} gathering;

static int add(gathering *g, int64_t cycle, int counter, int series, int sign)
{
    if (g->count == g->capacity) {
        size_t capacity = g->capacity ? 2 * g->capacity : 256;
        trace_change *changes = realloc(g->changes, capacity * sizeof *changes);
        if (!changes)
            return KPU_E_MEMORY;
        g->changes = changes;
        g->capacity = capacity;
    }
    g->changes[g->count++] = (trace_change){.cycle = cycle,
                                            .counter = (uint8_t)counter,
                                            .series = (uint8_t)series,
                                            .sign = (int8_t)sign};
    return KPU_OK;
}

static int add_interval(gathering *g, const trace_change *from, int64_t end)
{
    int status = add(g, from->cycle, from->counter, from->series, 1);
    return status ? status : add(g, end, from->counter, from->series, -1);
}

static int take_use(void *context, const slot_use *use)
{
    static const int8_t counters[PLACES] = {-1, TRACE_L3, TRACE_L2, TRACE_L1, -1};
    int counter = counters[use->place];
    if (counter < 0)
        return KPU_OK;
    return add_interval(context,
                        &(trace_change){.cycle = use->start,
                                        .counter = (uint8_t)counter,
                                        .series = (uint8_t)use->operand},
                        use->end);
}

/* The link that a command uses, and in which direction or by which streamer. */
static int take_transfer(gathering *g, const kpu_command *c)
{
    static const struct {
        int8_t counter;
        uint8_t series;
    } links[KPU_ENGINE_CLASSES] = {[KPU_ENGINE_DMA] = {TRACE_DRAM_LINK, 0},
                                   [KPU_ENGINE_BM] = {TRACE_L3_LINK, 0},
                                   [KPU_ENGINE_STR_A] = {TRACE_L2_LINK, 0},
                                   [KPU_ENGINE_STR_B] = {TRACE_L2_LINK, 1},
                                   [KPU_ENGINE_STR_CIN] = {TRACE_L2_LINK, 2},
                                   [KPU_ENGINE_STR_COUT] = {TRACE_L2_LINK, 3},
                                   [KPU_ENGINE_FAB] = {-1, 0}};
    int class = kpu_command_class(c->kind);
    bool store = c->kind == KPU_CMD_BM_STORE_C || c->kind == KPU_CMD_DMA_STORE_C;
    if (links[class].counter < 0)
        return KPU_OK;
    return add_interval(g,
                        &(trace_change){.cycle = c->start,
                                        .counter = (uint8_t)links[class].counter,
                                        .series = (uint8_t)(links[class].series + store)},
                        c->busy_end);
}

static int compare(const void *a, const void *b)
{
    const trace_change *x = a, *y = b;
    if (x->cycle != y->cycle)
        return x->cycle < y->cycle ? -1 : 1;
    return (x->counter > y->counter) - (x->counter < y->counter);
}

int trace_changes_find(const kpu_schedule *schedule, trace_change **out, size_t *count)
{
    gathering g = {0};
    int status = slot_uses_find(schedule, take_use, &g);
    for (int64_t i = 0; !status && i < schedule->command_count; i++)
        status = take_transfer(&g, &schedule->commands[i]);
    if (!status && g.count > 0)
        qsort(g.changes, g.count, sizeof *g.changes, compare);
    if (status)
        free(g.changes);
    *out = status ? NULL : g.changes;
    *count = status ? 0 : g.count;
    return status;
}
