#include "report/slot_uses.h"

#include <stdlib.h>

/* The slots of all memories, one array: those of an operand in a memory lie together. */
typedef struct finder {
    const kpu_schedule *schedule;
    slot_use *open; /* the use of each slot that goes on; first -1: none so far */
    int64_t begin[PLACES][KPU_OPERANDS], slots;
    slot_use_take *take;
    void *context;
    int status;
} finder;

static int begin(finder *f)
{
    for (int place = PLACE_L3; place < PLACES; place++)
        for (int x = 0; x < KPU_OPERANDS; x++) {
            f->begin[place][x] = f->slots;
            f->slots += place_slots(f->schedule, place, x);
        }
    f->open = calloc((size_t)f->slots + 1, sizeof *f->open);
    for (int64_t i = 0; f->open && i < f->slots; i++)
        f->open[i].first = -1;
    return f->open ? KPU_OK : KPU_E_MEMORY;
}

static void close_use(finder *f, const slot_use *use)
{
    if (use->first >= 0 && !f->status)
        f->status = f->take(f->context, use);
}

/* Command `number` touches a slot; `fresh`: with a tile that was not there before. */
static void touch(finder *f, int64_t number, const slot_use *where, bool fresh)
{
    const kpu_command *c = &f->schedule->commands[number];
    slot_use *use = &f->open[f->begin[where->place][where->operand] + where->slot];
    if (fresh || use->first < 0) {
        close_use(f, use);
        *use = *where;
        use->first = number;
        use->start = c->start;
        use->end = c->busy_end;
    }
    if (c->busy_end >= use->end) {
        use->last = number;
        use->end = c->busy_end;
    }
}

static void touch_array(finder *f, int64_t number)
{
    const kpu_command *c = &f->schedule->commands[number];
    for (int x = 0; x < KPU_OPERANDS; x++) {
        slot_use where = {.place = place_in_array(f->schedule, x), .operand = x};
        where.slot = c->use_slot[x];
        /* What starts from zero appears in the array; in registers with the run. */
        bool appears = x == KPU_C && c->fresh;
        touch(f, number, &where, appears && (where.place == PLACE_L1 || c->run_begins));
    }
}

static void touch_ends(finder *f, int64_t number)
{
    const kpu_command *c = &f->schedule->commands[number];
    bool store = c->kind == KPU_CMD_STR_COUT || c->kind == KPU_CMD_BM_STORE_C;
    for (int side = KPU_COMMAND_SOURCE; side <= KPU_COMMAND_DEST; side++) {
        slot_use where = {.place = place_of_command(c, side), .operand = c->operand};
        where.slot = place_slot(c, side);
        if (where.place != PLACE_DRAM)
            touch(f, number, &where, side == KPU_COMMAND_DEST && (!store || c->fresh));
    }
}

int slot_uses_find(const kpu_schedule *schedule, slot_use_take *take, void *context)
{
    finder f = {.schedule = schedule, .take = take, .context = context};
    f.status = begin(&f);
    for (int64_t i = 0; !f.status && i < schedule->command_count; i++) {
        if (schedule->commands[i].kind == KPU_CMD_FAB)
            touch_array(&f, i);
        else
            touch_ends(&f, i);
    }
    for (int64_t i = 0; !f.status && i < f.slots; i++)
        close_use(&f, &f.open[i]);
    free(f.open);
    return f.status;
}
