/* The injection schedule, a record a step: when its tiles of A and B are in which memory. */
#include <stdlib.h>

#include "report/logical.h"
#include "report/schedule_list.h"

enum { TIME_COMPUTE, TIME_A_L2, TIME_B_DRAM, TIME_B_L3, TIME_B_L2, TIME_AB_L1, TIMES };

typedef struct injection {
    int64_t tile[KPU_DIMS];
    int64_t time[TIMES];
} injection;

typedef struct injection_source {
    void (*get)(const struct injection_source *source, int64_t row, injection *out);
    const kpu_mapping *mapping;
    const injection *steps; /* of a schedule; NULL: logical time */
    int64_t first_step, start_cycle;
} injection_source;

/* ---- Columns ------------------------------------------------------------------------------ */

static void put_tile(const void *source, int64_t row, kpu_text *text)
{
    const injection_source *s = source;
    injection step;
    s->get(s, row, &step);
    long long m = step.tile[KPU_M], n = step.tile[KPU_N], k = step.tile[KPU_K];
    kpu_text_format(text, "C[%lld,%lld] += A[%lld,%lld] * B[%lld,%lld]", m, n, m, k, k, n);
}

#define TIME_COLUMN(name, which)                                                                   \
    static void put_##name(const void *source, int64_t row, kpu_text *text)                        \
    {                                                                                              \
        const injection_source *s = source;                                                        \
        injection step;                                                                            \
        s->get(s, row, &step);                                                                     \
        kpu_text_put_int(text, s->start_cycle + step.time[which]);                                 \
    }
TIME_COLUMN(compute, TIME_COMPUTE)
TIME_COLUMN(a_l2, TIME_A_L2)
TIME_COLUMN(b_dram, TIME_B_DRAM)
TIME_COLUMN(b_l3, TIME_B_L3)
TIME_COLUMN(b_l2, TIME_B_L2)
TIME_COLUMN(ab_l1, TIME_AB_L1)
#undef TIME_COLUMN

static const listing_column columns[] = {
    {.title = "tile", .put = put_tile},
    {.title = "T_compute", .heading = "compute", .number = true, .put = put_compute},
    {.title = "A_in_L2", .heading = "A L2", .number = true, .put = put_a_l2},
    {.title = "B_in_DRAM", .heading = "B DRAM", .number = true, .put = put_b_dram},
    {.title = "B_in_L3", .heading = "B L3", .number = true, .put = put_b_l3},
    {.title = "B_in_L2", .heading = "B L2", .number = true, .put = put_b_l2},
    {.title = "A+B_in_L1", .heading = "A+B L1", .number = true, .put = put_ab_l1},
};

static int print(const injection_source *source, int64_t rows, const kpu_list_style *style,
                 const kpu_sink *sink)
{
    const listing list = {.columns = columns,
                          .column_count = sizeof columns / sizeof *columns,
                          .source = source,
                          .rows = rows};
    return listing_print(&list, style, sink);
}

/* ---- In logical time ---------------------------------------------------------------------- */

#define LOGICAL_STEP_MAX (INT64_C(1) << 59)

int64_t logical_steps(const kpu_mapping *mapping, const kpu_list_style *style)
{
    /* All tiles together are at most KPU_WORKLOAD_PRODUCT_MAX. */
    int64_t steps = mapping->tiles[KPU_M] * mapping->tiles[KPU_N] * mapping->tiles[KPU_K];
    int64_t last = style->last_step < steps ? style->last_step : steps - 1;
    if (last < style->first_step)
        return 0;
    bool few = last - style->first_step < KPU_SCHEDULE_COMMANDS_MAX && last <= LOGICAL_STEP_MAX;
    return few ? last - style->first_step + 1 : -1;
}

/* The published latencies, in steps. */
enum { DRAM_TO_L3 = 100, L3_TO_L2 = 10, L2_TO_L1 = 10 };

static void get_logical(const injection_source *s, int64_t row, injection *out)
{
    int64_t in_l1 = s->first_step + row;
    logical_tile(s->mapping, in_l1, out->tile);
    int64_t in_l2 = in_l1 - L2_TO_L1, in_l3 = in_l2 - L3_TO_L2;
    out->time[TIME_COMPUTE] = out->time[TIME_AB_L1] = in_l1;
    out->time[TIME_A_L2] = out->time[TIME_B_L2] = in_l2;
    out->time[TIME_B_L3] = in_l3;
    out->time[TIME_B_DRAM] = in_l3 - DRAM_TO_L3;
}

int kpu_logical_put_injection(const kpu_mapping *mapping, const kpu_list_style *style,
                              const kpu_sink *sink)
{
    const injection_source source = {.get = get_logical,
                                     .mapping = mapping,
                                     .first_step = style->first_step,
                                     .start_cycle = style->start_cycle};
    int64_t steps = logical_steps(mapping, style);
    return steps < 0 ? KPU_E_RANGE : print(&source, steps, style, sink);
}

/* ---- In cycles ---------------------------------------------------------------------------- */

/* How what lies in a slot came there. */
typedef struct arrival {
    int64_t left_dram, in_l3, in_l2, in_array;
} arrival;

typedef struct tracking {
    arrival *l3[KPU_OPERANDS], *l2[KPU_OPERANDS]; /* of A and B, by slot */
    arrival array[KPU_OPERANDS];                  /* what the step that is being emitted works on */
    injection *steps;
    int64_t first_step, count;
} tracking;

static void get_timed(const injection_source *s, int64_t row, injection *out)
{
    *out = s->steps[row];
}

static int begin_tracking(const kpu_schedule *schedule, tracking *t)
{
    for (int x = KPU_A; x <= KPU_B; x++) {
        size_t l3 = (size_t)schedule->slots[x][KPU_HOIST_L3];
        size_t l2 = (size_t)schedule->slots[x][KPU_HOIST_L2];
        t->l3[x] = calloc(l3 + 1, sizeof *t->l3[x]);
        t->l2[x] = calloc(l2 + 1, sizeof *t->l2[x]);
        if (!t->l3[x] || !t->l2[x])
            return KPU_E_MEMORY;
    }
    t->steps = calloc((size_t)t->count + 1, sizeof *t->steps);
    return t->steps ? KPU_OK : KPU_E_MEMORY;
}

static void end_tracking(tracking *t)
{
    for (int x = KPU_A; x <= KPU_B; x++) {
        free(t->l3[x]);
        free(t->l2[x]);
    }
    free(t->steps);
}

static void note_compute(tracking *t, const kpu_command *c)
{
    int64_t row = c->step - t->first_step;
    if (row < 0 || row >= t->count)
        return;
    const arrival *a = &t->array[KPU_A], *b = &t->array[KPU_B];
    t->steps[row] =
        (injection){.time = {[TIME_COMPUTE] = c->start,
                             [TIME_A_L2] = a->in_l2,
                             [TIME_B_DRAM] = b->left_dram,
                             [TIME_B_L3] = b->in_l3,
                             [TIME_B_L2] = b->in_l2,
                             [TIME_AB_L1] = a->in_array > b->in_array ? a->in_array : b->in_array}};
    for (int d = 0; d < KPU_DIMS; d++)
        t->steps[row].tile[d] = c->tile[d];
}

/* In emission order a slot always holds what the next reader of it wants. */
static void note_command(tracking *t, const kpu_command *c)
{
    int x = c->operand;
    if (c->kind == KPU_CMD_FAB) {
        note_compute(t, c);
    } else if (c->kind == KPU_CMD_DMA_LOAD_A || c->kind == KPU_CMD_DMA_LOAD_B) {
        t->l3[x][c->dest_slot] = (arrival){.left_dram = c->start, .in_l3 = c->ready};
    } else if (c->kind == KPU_CMD_BM_LOAD_A || c->kind == KPU_CMD_BM_LOAD_B) {
        t->l2[x][c->dest_slot] = t->l3[x][c->source_slot];
        t->l2[x][c->dest_slot].in_l2 = c->ready;
    } else if (c->kind == KPU_CMD_STR_A || c->kind == KPU_CMD_STR_B) {
        t->array[x] = t->l2[x][c->source_slot];
        t->array[x].in_array = c->ready;
    }
}

int kpu_schedule_put_injection(const kpu_schedule *schedule, const kpu_list_style *style,
                               const kpu_sink *sink)
{
    tracking t = {.first_step = style->first_step,
                  .count = logical_steps(&schedule->mapping, style)};
    int status = t.count < 0 ? KPU_E_RANGE : begin_tracking(schedule, &t);
    for (int64_t i = 0; !status && i < schedule->command_count; i++)
        note_command(&t, &schedule->commands[i]);
    const injection_source source = {
        .get = get_timed, .steps = t.steps, .start_cycle = style->start_cycle};
    if (!status)
        status = print(&source, t.count, style, sink);
    end_tracking(&t);
    return status;
}
