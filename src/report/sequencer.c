/* The distributed sequencer: each engine's own program. Every slot of a ring is a credit: the
 * command that fills it first takes the credit, the one that uses it last gives it back. What has
 * arrived is the ready flag of its slot. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/schedule_list.h"
#include "report/slot_uses.h"

enum { WIDTH = 80, INDENT = 38, CREDIT = 16 };

/* Bit place * KPU_OPERANDS + operand: one slot of that ring. */
typedef uint16_t ring_set;

typedef struct program {
    schedule_list list; /* all commands: by engine, then by start */
    const kpu_list_style *style;
    int64_t *place; /* of every command: its number in its engine's program */
    ring_set *takes, *gives;
} program;

static const kpu_command *command_at(const program *p, int64_t row)
{
    return schedule_list_at(&p->list, row);
}

/* ---- Credits and flags -------------------------------------------------------------------- */

static const char *ring_name(int place)
{
    return place == PLACE_REGISTERS ? "reg" : place_names[place];
}

static void put_rings(ring_set rings, kpu_text *text)
{
    const char *between = "";
    for (int place = PLACE_L3; place < PLACES; place++)
        for (int x = 0; x < KPU_OPERANDS; x++)
            if (rings >> (place * KPU_OPERANDS + x) & 1) {
                kpu_text_format(text, "%s%s.%c", between, ring_name(place),
                                place_operand_letters[x]);
                between = " ";
            }
}

/* The flag that a command raises: that of the slot that it fills, or of the tile of C that the
 * array or the DRAM then has. */
static void put_flag(const kpu_command *c, kpu_text *text)
{
    char tile[KPU_COMMAND_TILE_TEXT];
    int place = place_of_command(c, KPU_COMMAND_DEST);
    kpu_command_tile_text(c, tile);
    if (place == PLACE_NONE || place == PLACE_DRAM)
        kpu_text_format(text, "%s.%s", place == PLACE_DRAM ? "DRAM" : "array", tile);
    else
        kpu_text_format(text, "%s.%c[%" PRId64 "]", ring_name(place),
                        place_operand_letters[c->operand], c->dest_slot);
}

static bool same_flag(const kpu_command *a, const kpu_command *b)
{
    return place_of_command(a, KPU_COMMAND_DEST) == place_of_command(b, KPU_COMMAND_DEST) &&
           a->operand == b->operand && a->dest_slot == b->dest_slot;
}

/* Waits for the end of a use are credits; the others are flags. */
static bool is_flag(const kpu_wait *wait)
{
    return kpu_wait_moments[wait->kind] != KPU_MOMENT_BUSY_END;
}

static void put_flags(const kpu_schedule *s, const kpu_command *c, kpu_text *text)
{
    const kpu_wait *waits = &s->waits[c->first_wait];
    const char *between = "";
    for (int64_t i = 0; i < c->wait_count; i++) {
        const kpu_command *by = &s->commands[waits[i].command];
        bool known = !is_flag(&waits[i]);
        for (int64_t j = 0; j < i && !known; j++)
            known = is_flag(&waits[j]) && same_flag(by, &s->commands[waits[j].command]);
        if (known)
            continue;
        kpu_text_put(text, between);
        put_flag(by, text);
        between = " ";
    }
}

/* ---- Columns ------------------------------------------------------------------------------ */

static void put_engine(const void *source, int64_t row, kpu_text *text)
{
    const kpu_command *c = command_at(source, row);
    char engine[KPU_ENGINE_TEXT];
    kpu_text_put(text, kpu_engine_text(kpu_command_class(c->kind), c->engine, engine));
}

static void put_place(const void *source, int64_t row, kpu_text *text)
{
    const program *p = source;
    kpu_text_put_int(text, p->place[p->list.order[row]]);
}

static void put_cycle(const void *source, int64_t row, kpu_text *text)
{
    const program *p = source;
    kpu_text_put_int(text, p->style->start_cycle + command_at(p, row)->start);
}

static void put_command(const void *source, int64_t row, kpu_text *text)
{
    kpu_text_put(text, kpu_command_names[command_at(source, row)->kind]);
}

static void put_tile(const void *source, int64_t row, kpu_text *text)
{
    char tile[KPU_COMMAND_TILE_TEXT];
    kpu_text_put(text, kpu_command_tile_text(command_at(source, row), tile));
}

static void put_take(const void *source, int64_t row, kpu_text *text)
{
    const program *p = source;
    put_rings(p->takes[p->list.order[row]], text);
}

static void put_await(const void *source, int64_t row, kpu_text *text)
{
    const program *p = source;
    put_flags(p->list.schedule, command_at(p, row), text);
}

static void put_raise(const void *source, int64_t row, kpu_text *text)
{
    put_flag(command_at(source, row), text);
}

static void put_give(const void *source, int64_t row, kpu_text *text)
{
    const program *p = source;
    put_rings(p->gives[p->list.order[row]], text);
}

static const listing_column columns[] = {
    {.title = "engine", .put = put_engine},
    {.title = "n", .number = true, .put = put_place},
    {.title = "cycle", .number = true, .put = put_cycle},
    {.title = "command", .put = put_command},
    {.title = "tile", .put = put_tile},
    {.title = "take", .put = put_take},
    {.title = "await", .put = put_await},
    {.title = "raise", .put = put_raise},
    {.title = "give", .put = put_give},
};
enum { FIRST_ACTION = 5, COLUMNS = sizeof columns / sizeof *columns };

static bool has_record(const void *source, int64_t row)
{
    const program *p = source;
    int64_t step = command_at(p, row)->step;
    return step >= p->style->first_step && step <= p->style->last_step;
}

/* ---- For people --------------------------------------------------------------------------- */

static void put_credits(const kpu_schedule *s, kpu_text *text)
{
    const char *between = "credits at the start:";
    size_t line = text->length;
    for (int place = PLACE_L3; place < PLACES; place++)
        for (int x = 0; x < KPU_OPERANDS; x++) {
            int64_t slots = place_slots(s, place, x);
            if (slots == 0)
                continue;
            kpu_text_put(text, between);
            if (text->length - line > WIDTH - CREDIT) {
                kpu_text_put(text, "\n ");
                line = text->length;
            }
            kpu_text_format(text, " %s.%c %" PRId64, ring_name(place), place_operand_letters[x],
                            slots);
            between = ",";
        }
    kpu_text_put(text, "\n");
}

/* One command: "take L2.A; await L3.A[0]; raise L2.A[0]; give L3.A", broken where it is too long.
 */
static void put_line(const program *p, int64_t row, kpu_text *text, kpu_text *action)
{
    size_t line = text->length;
    char tile[KPU_COMMAND_TILE_TEXT];
    const kpu_command *c = command_at(p, row);
    kpu_text_format(text, "%6" PRId64 " %10" PRId64 "  %s %s", p->place[p->list.order[row]],
                    p->style->start_cycle + c->start, kpu_command_names[c->kind],
                    kpu_command_tile_text(c, tile));
    const char *between = "";
    for (int i = FIRST_ACTION; i < COLUMNS; i++) {
        kpu_text_clear(action);
        columns[i].put(p, row, action);
        if (action->length == 0)
            continue;
        kpu_text_put(text, between);
        size_t length = strlen(columns[i].title) + 2 + action->length;
        if (text->length - line > INDENT && text->length - line + length + 1 > WIDTH) {
            kpu_text_put(text, "\n");
            line = text->length;
        }
        int pad = INDENT - (int)(text->length - line);
        kpu_text_repeat(text, ' ', pad > 0 ? pad : 1);
        kpu_text_format(text, "%s %s", columns[i].title, action->data);
        between = ";";
    }
    kpu_text_put(text, "\n");
}

static int print_programs(const program *p, const kpu_sink *sink)
{
    outlet out = {.sink = sink};
    kpu_text action = {0};
    const kpu_command *last = NULL;
    put_credits(p->list.schedule, &out.text);
    for (int64_t row = 0; row < p->list.count && !outlet_pass(&out); row++) {
        const kpu_command *c = command_at(p, row);
        if (!has_record(p, row))
            continue;
        if (!last || kpu_command_class(c->kind) != kpu_command_class(last->kind) ||
            c->engine != last->engine) {
            kpu_text_put(&out.text, "\n");
            put_engine(p, row, &out.text);
            kpu_text_put(&out.text, "\n");
        }
        put_line(p, row, &out.text, &action);
        last = c;
    }
    out.text.failed |= action.failed;
    kpu_text_fini(&action);
    return outlet_end(&out);
}

/* ---- The whole ---------------------------------------------------------------------------- */

static int by_engine(const kpu_command *a, const kpu_command *b)
{
    int x = kpu_command_class(a->kind), y = kpu_command_class(b->kind);
    if (x != y)
        return x < y ? -1 : 1;
    if (a->engine != b->engine)
        return a->engine < b->engine ? -1 : 1;
    return a->start < b->start ? -1 : a->start > b->start;
}

static int take_use(void *context, const slot_use *use)
{
    program *p = context;
    ring_set ring = (ring_set)(1u << (use->place * KPU_OPERANDS + use->operand));
    p->takes[use->first] |= ring;
    p->gives[use->last] |= ring;
    return KPU_OK;
}

static void number_commands(program *p)
{
    const kpu_command *last = NULL;
    int64_t number = 0;
    for (int64_t row = 0; row < p->list.count; row++) {
        const kpu_command *c = command_at(p, row);
        bool same = last && kpu_command_class(c->kind) == kpu_command_class(last->kind) &&
                    c->engine == last->engine;
        number = same ? number + 1 : 0;
        p->place[p->list.order[row]] = number;
        last = c;
    }
}

static int make(const kpu_schedule *schedule, const kpu_list_style *style, program *p)
{
    const kpu_list_style all = {.last_step = schedule->steps};
    size_t count = (size_t)schedule->command_count + 1;
    p->style = style;
    int status = schedule_list_make(schedule, &all, by_engine, &p->list);
    p->place = calloc(count, sizeof *p->place);
    p->takes = calloc(count, sizeof *p->takes);
    p->gives = calloc(count, sizeof *p->gives);
    if (!p->place || !p->takes || !p->gives)
        status = status ? status : KPU_E_MEMORY;
    if (!status)
        status = slot_uses_find(schedule, take_use, p);
    if (!status)
        number_commands(p);
    return status;
}

int kpu_schedule_put_sequencer(const kpu_schedule *schedule, const kpu_list_style *style,
                               const kpu_sink *sink)
{
    program p = {0};
    const listing list = {.columns = columns,
                          .column_count = COLUMNS,
                          .source = &p,
                          .rows = schedule->command_count,
                          .has = has_record};
    int status = make(schedule, style, &p);
    if (!status && style->format == KPU_TABLE_TEXT)
        status = print_programs(&p, sink);
    else if (!status)
        status = listing_print(&list, style, sink);
    schedule_list_fini(&p.list);
    free(p.place);
    free(p.takes);
    free(p.gives);
    return status;
}
