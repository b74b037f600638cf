/* Views of a schedule on random cases: every list read back and compared with the commands, the
 * sequencers' credits played through, charts within their width, logical time against the published
 * loops written down again.
 *   test_views [CASES [SEED]] */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "kpu/report.h"
#include "random_case.h"

enum { RINGS_MAX = 16, LINE_MAX = 1100 };

typedef struct view_run {
    random_case c;
    kpu_mapping m;
    kpu_schedule s;
    kpu_text text;
    int64_t checked, failures;
} view_run;

static void fail(view_run *run, const char *what, int64_t got, int64_t want)
{
    if (run->failures++ > 10)
        return;
    printf("%s: %" PRId64 ", expected %" PRId64 "\n", what, got, want);
    random_case_print(&run->c, stdout);
}

static void expect(view_run *run, const char *what, int64_t got, int64_t want)
{
    if (got != want)
        fail(run, what, got, want);
}

static void expect_text(view_run *run, const char *what, const json_t *object, const char *key,
                        const char *want)
{
    const char *got = json_string_value(json_object_get(object, key));
    if (!got || strcmp(got, want) != 0) {
        fail(run, what, 0, 1);
        if (run->failures < 10)
            printf("\"%s\", expected \"%s\"\n", got ? got : "(none)", want);
    }
}

static int take(void *context, const char *text, size_t bytes)
{
    kpu_text_put_bytes(context, text, bytes);
    return KPU_OK;
}

typedef int put_list(const kpu_schedule *schedule, const kpu_list_style *style,
                     const kpu_sink *sink);

static json_t *parse(view_run *run)
{
    json_error_t error;
    json_t *list = json_loadb(run->text.data, run->text.length, JSON_REJECT_DUPLICATES, &error);
    expect(run, "a JSON array", json_is_array(list), 1);
    return list;
}

static json_t *list_of(view_run *run, put_list *put, bool verbose)
{
    const kpu_list_style style = {
        .format = KPU_TABLE_JSON, .last_step = run->s.steps, .verbose = verbose};
    const kpu_sink sink = {take, &run->text};
    kpu_text_clear(&run->text);
    expect(run, "list", put(&run->s, &style, &sink), KPU_OK);
    return parse(run);
}

static int64_t int_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : INT64_MIN;
}

/* ---- Commands ----------------------------------------------------------------------------- */

/* Of the first element of its tile in the row-major tensor. */
static int64_t dram_address(const view_run *run, const kpu_command *c)
{
    const kpu_problem *p = &run->m.problem;
    int64_t m = c->tile[KPU_M] * run->m.tile[KPU_M], n = c->tile[KPU_N] * run->m.tile[KPU_N];
    int64_t k = c->tile[KPU_K] * run->m.tile[KPU_K];
    if (c->operand == KPU_A)
        return run->s.layout.dram_base[KPU_A] +
               (p->transposed[KPU_A] ? k * p->dim[KPU_M] + m : m * p->dim[KPU_K] + k) *
                   p->element_bytes[KPU_A];
    if (c->operand == KPU_B)
        return run->s.layout.dram_base[KPU_B] +
               (p->transposed[KPU_B] ? n * p->dim[KPU_K] + k : k * p->dim[KPU_N] + n) *
                   p->element_bytes[KPU_B];
    int64_t element = m * p->dim[KPU_N] + n;
    return c->final ? run->s.layout.dram_base[KPU_C] + element * p->element_bytes[KPU_C]
                    : run->s.layout.dram_partial_base + element * p->partial_bytes;
}

static void check_address(view_run *run, const json_t *row, const kpu_command *c, bool dest)
{
    const char *text =
        json_string_value(json_object_get(row, dest ? "dst_address" : "src_address"));
    int64_t address = kpu_command_address(&run->s, c, dest);
    expect(run, "an address", text != NULL, address >= 0);
    if (text)
        expect(run, "address", strtoll(text, NULL, 16), address);
    if (c->kind == KPU_CMD_DMA_STORE_C ? dest : c->kind <= KPU_CMD_DMA_LOAD_C && !dest)
        expect(run, "address in DRAM", address, dram_address(run, c));
}

static void check_commands(view_run *run)
{
    json_t *list = list_of(run, kpu_schedule_put_commands, true);
    const json_t *row;
    size_t i;
    int64_t before = 0;
    bool *seen = calloc((size_t)run->s.command_count, sizeof *seen);
    expect(run, "commands", (int64_t)json_array_size(list), run->s.command_count);
    json_array_foreach(list, i, row)
    {
        char tile[KPU_COMMAND_TILE_TEXT];
        int64_t number = int_of(row, "command");
        const kpu_command *c = &run->s.commands[number];
        expect(run, "each once", seen[number], false);
        seen[number] = true;
        expect(run, "cycle", int_of(row, "cycle"), c->start);
        expect(run, "in time", int_of(row, "cycle") >= before, true);
        expect(run, "ready", int_of(row, "ready"), c->ready);
        bool fab = c->kind == KPU_CMD_FAB;
        expect_text(run, "tile", row, fab ? "result" : "tile_id", kpu_command_tile_text(c, tile));
        expect(run, "src", json_object_get(row, "src") != NULL, !fab);
        expect(run, "dst", json_object_get(row, "dst") != NULL, !fab);
        check_address(run, row, c, false);
        check_address(run, row, c, true);
        before = c->start;
    }
    free(seen);
    json_decref(list);
}

/* ---- Injection: back through the waits ---------------------------------------------------- */

/* The command that the wait of this kind is for; -1: none. With `operand`, one that moves it. */
static int64_t waits_for(const view_run *run, int64_t command, int kind, int operand)
{
    const kpu_command *c = &run->s.commands[command];
    for (int64_t i = c->first_wait; i < c->first_wait + c->wait_count; i++)
        if (run->s.waits[i].kind == kind &&
            run->s.commands[run->s.waits[i].command].operand == operand)
            return run->s.waits[i].command;
    return -1;
}

/* The stream that brought an operand's tile for the FAB: of this step, or of the run's beginning,
 * which the FABs since then share. */
static int64_t stream_of(const view_run *run, int64_t fab, int operand)
{
    int64_t stream = waits_for(run, fab, KPU_WAIT_STREAM_FIRST, operand);
    int64_t run_number = run->s.commands[fab].run;
    for (int64_t i = fab; stream < 0 && i >= 0 && run->s.commands[i].run == run_number; i--)
        if (run->s.commands[i].kind == KPU_CMD_FAB)
            stream = waits_for(run, i, KPU_WAIT_STATIONARY, operand);
    return stream;
}

static void check_injection_row(view_run *run, const json_t *row, int64_t fab)
{
    const kpu_command *c = run->s.commands;
    int64_t a = stream_of(run, fab, KPU_A), b = stream_of(run, fab, KPU_B);
    int64_t a_move = waits_for(run, a, KPU_WAIT_L2_LOADED, KPU_A);
    int64_t b_move = waits_for(run, b, KPU_WAIT_L2_LOADED, KPU_B);
    int64_t b_load = waits_for(run, b_move, KPU_WAIT_L3_LOADED, KPU_B);
    char tile[192];
    const int64_t *t = c[fab].tile;
    snprintf(tile, sizeof tile,
             "C[%" PRId64 ",%" PRId64 "] += A[%" PRId64 ",%" PRId64 "] * B[%" PRId64 ",%" PRId64
             "]",
             t[KPU_M], t[KPU_N], t[KPU_M], t[KPU_K], t[KPU_K], t[KPU_N]);
    expect_text(run, "tile of a step", row, "tile", tile);
    expect(run, "T_compute", int_of(row, "T_compute"), c[fab].start);
    expect(run, "A_in_L2", int_of(row, "A_in_L2"), c[a_move].ready);
    expect(run, "B_in_DRAM", int_of(row, "B_in_DRAM"), c[b_load].start);
    expect(run, "B_in_L3", int_of(row, "B_in_L3"), c[b_load].ready);
    expect(run, "B_in_L2", int_of(row, "B_in_L2"), c[b_move].ready);
    expect(run, "A+B_in_L1", int_of(row, "A+B_in_L1"),
           c[a].ready > c[b].ready ? c[a].ready : c[b].ready);
}

static void check_injection(view_run *run)
{
    json_t *list = list_of(run, kpu_schedule_put_injection, false);
    size_t row = 0;
    expect(run, "steps", (int64_t)json_array_size(list), run->s.steps);
    for (int64_t i = 0; i < run->s.command_count; i++)
        if (run->s.commands[i].kind == KPU_CMD_FAB)
            check_injection_row(run, json_array_get(list, row++), i);
    json_decref(list);
}

/* ---- Events ------------------------------------------------------------------------------- */

static void expect_index(view_run *run, const json_t *row, const char *key, int64_t want)
{
    const json_t *value = json_object_get(row, key);
    expect(run, "null or an index", want < 0 ? json_is_null(value) : json_is_integer(value), 1);
    if (want >= 0)
        expect(run, key, json_integer_value(value), want);
}

static void expect_event(view_run *run, const json_t *row, const char *type, const char *stage,
                         const int64_t index[KPU_DIMS])
{
    static const char *const keys[KPU_DIMS] = {"i", "j", "k"};
    expect_text(run, "type", row, "type", type);
    expect_text(run, "stage", row, "stage", stage);
    for (int d = 0; d < KPU_DIMS; d++)
        expect_index(run, row, keys[d], index[d]);
}

static void check_events(view_run *run)
{
    static const char *const stages[KPU_ENGINE_CLASSES] = {"dma",    "move",   "stream", "stream",
                                                           "stream", "stream", "compute"};
    static const char *const types[KPU_OPERANDS] = {"A", "B", "C"};
    json_t *list = list_of(run, kpu_schedule_put_events, false);
    expect(run, "events", (int64_t)json_array_size(list), run->s.command_count);
    for (int64_t i = 0; i < run->s.command_count; i++) {
        const kpu_command *c = &run->s.commands[i];
        const json_t *row = json_array_get(list, (size_t)i);
        expect_event(run, row, types[c->operand], stages[kpu_command_class(c->kind)], c->tile);
        expect(run, "t", int_of(row, "t"), c->start);
    }
    json_decref(list);
}

/* The published loops. */
static void check_logical_events(view_run *run)
{
    const kpu_list_style style = {.format = KPU_TABLE_JSON, .last_step = INT64_MAX};
    const kpu_sink sink = {take, &run->text};
    kpu_text_clear(&run->text);
    expect(run, "logical events", kpu_logical_put_events(&run->m, &style, &sink), KPU_OK);
    json_t *list = parse(run);
    size_t at = 0;
    int64_t t = 0;
    for (int64_t i = 0; i < run->m.tiles[KPU_M]; i++)
        for (int64_t j = 0; j < run->m.tiles[KPU_N]; j++)
            for (int64_t k = 0; k < run->m.tiles[KPU_K]; k++, t += 4) {
                const int64_t a[KPU_DIMS] = {i, -1, k}, b[KPU_DIMS] = {-1, j, k};
                const int64_t all[KPU_DIMS] = {i, j, k};
                size_t first = at;
                expect_event(run, json_array_get(list, at++), "B", "dma", b);
                expect_event(run, json_array_get(list, at++), "B", "move", b);
                if (j == 0)
                    expect_event(run, json_array_get(list, at++), "A", "move", a);
                expect_event(run, json_array_get(list, at++), "A+B", "stream", all);
                expect_event(run, json_array_get(list, at++), "C", "compute", all);
                expect(run, "t of dma", int_of(json_array_get(list, first), "t"), t);
                expect(run, "t of move", int_of(json_array_get(list, first + 1), "t"), t + 1);
                expect(run, "t of stream", int_of(json_array_get(list, at - 2), "t"), t + 2);
                expect(run, "t of compute", int_of(json_array_get(list, at - 1), "t"), t + 3);
            }
    expect(run, "logical events", (int64_t)json_array_size(list), (int64_t)at);
    json_decref(list);
}

static void check_logical_injection(view_run *run)
{
    const kpu_list_style style = {.format = KPU_TABLE_JSON, .last_step = INT64_MAX};
    const kpu_sink sink = {take, &run->text};
    kpu_text_clear(&run->text);
    expect(run, "logical injection", kpu_logical_put_injection(&run->m, &style, &sink), KPU_OK);
    json_t *list = parse(run);
    const int64_t *n = run->m.tiles;
    for (int64_t t = 0; t < n[KPU_M] * n[KPU_N] * n[KPU_K]; t++) {
        const json_t *row = json_array_get(list, (size_t)t);
        int64_t k = t % n[KPU_K], j = t / n[KPU_K] % n[KPU_N], i = t / n[KPU_K] / n[KPU_N];
        char tile[192];
        snprintf(tile, sizeof tile,
                 "C[%" PRId64 ",%" PRId64 "] += A[%" PRId64 ",%" PRId64 "] * B[%" PRId64 ",%" PRId64
                 "]",
                 i, j, i, k, k, j);
        expect_text(run, "logical tile", row, "tile", tile);
        expect(run, "T_compute", int_of(row, "T_compute"), t);
        expect(run, "A_in_L2", int_of(row, "A_in_L2"), t - 10);
        expect(run, "B_in_DRAM", int_of(row, "B_in_DRAM"), t - 120);
        expect(run, "B_in_L3", int_of(row, "B_in_L3"), t - 20);
        expect(run, "B_in_L2", int_of(row, "B_in_L2"), t - 10);
        expect(run, "A+B_in_L1", int_of(row, "A+B_in_L1"), t);
    }
    json_decref(list);
}

/* ---- Sequencers: their credits played through --------------------------------------------- */

/* A credit taken or given back. */
typedef struct credit {
    int64_t cycle;
    int sign, ring;
} credit;

/* What is given back at a cycle can be taken at that cycle. */
static int by_cycle(const void *a, const void *b)
{
    const credit *x = a, *y = b;
    if (x->cycle != y->cycle)
        return x->cycle < y->cycle ? -1 : 1;
    return y->sign - x->sign;
}

typedef struct credits {
    credit *list;
    size_t count;
} credits;

static int ring_of(const char *name, size_t length)
{
    static const char *const names[] = {"L3.A", "L3.B", "L3.C", "L2.A",  "L2.B",  "L2.C",
                                        "L1.A", "L1.B", "L1.C", "reg.A", "reg.B", "reg.C"};
    for (int i = 0; i < (int)(sizeof names / sizeof *names); i++)
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
            return i;
    return RINGS_MAX - 1;
}

static void add_credits(credits *c, const char *rings, int64_t cycle, int sign)
{
    while (rings && *rings) {
        size_t length = strcspn(rings, " ");
        c->list[c->count++] = (credit){cycle, sign, ring_of(rings, length)};
        rings += length + strspn(rings + length, " ");
    }
}

static void play(view_run *run, credits *c)
{
    const kpu_schedule *s = &run->s;
    int64_t left[RINGS_MAX] = {0}, all[RINGS_MAX];
    for (int x = 0; x < KPU_OPERANDS; x++) {
        left[x] = s->slots[x][KPU_HOIST_L3];
        left[3 + x] = s->slots[x][KPU_HOIST_L2];
        left[6 + x] = s->l1_slots[x];
        left[9 + x] = s->l1_slots[x] ? 0 : s->register_slots;
    }
    memcpy(all, left, sizeof all);
    qsort(c->list, c->count, sizeof *c->list, by_cycle);
    for (size_t i = 0; i < c->count; i++) {
        left[c->list[i].ring] += c->list[i].sign;
        if (left[c->list[i].ring] < 0)
            fail(run, "credits of a ring", c->list[i].ring, 0);
    }
    for (int r = 0; r < RINGS_MAX; r++)
        expect(run, "credits at the end", left[r], all[r]);
}

static const kpu_command *by_engine_commands(const view_run *run, const char *engine, int64_t n)
{
    for (int64_t i = 0; i < run->s.command_count; i++) {
        const kpu_command *c = &run->s.commands[i];
        char name[KPU_ENGINE_TEXT];
        int64_t before = 0;
        if (strcmp(kpu_engine_text(kpu_command_class(c->kind), c->engine, name), engine) != 0)
            continue;
        for (int64_t k = 0; k < run->s.command_count; k++) {
            const kpu_command *o = &run->s.commands[k];
            before += kpu_command_class(o->kind) == kpu_command_class(c->kind) &&
                      o->engine == c->engine && o->start < c->start;
        }
        if (before == n)
            return c;
    }
    return NULL;
}

static const char *const slot_rings[KPU_WAITS] = {
    [KPU_WAIT_L3_SLOT_AB] = "L3.", [KPU_WAIT_L3_SLOT_C] = "L3.", [KPU_WAIT_L2_SLOT_AB] = "L2.",
    [KPU_WAIT_L2_SLOT_C] = "L2.",  [KPU_WAIT_L1_SLOT] = "L1.",   [KPU_WAIT_ACCUMULATORS] = "L1.",
    [KPU_WAIT_REGISTERS] = "reg."};

/* What waits for a slot takes a credit of its ring; of those that it waits for, the one that ends
 * last gives it back. */
static void check_slot_waits(view_run *run, int64_t number, const json_t *const *rows)
{
    const kpu_command *c = &run->s.commands[number];
    const char *ring = NULL;
    int64_t last = -1;
    for (int64_t i = c->first_wait; i < c->first_wait + c->wait_count; i++) {
        const kpu_wait *wait = &run->s.waits[i];
        if (!slot_rings[wait->kind])
            continue;
        ring = slot_rings[wait->kind];
        if (last < 0 || run->s.commands[wait->command].busy_end > run->s.commands[last].busy_end)
            last = wait->command;
    }
    if (!ring)
        return;
    char name[8];
    snprintf(name, sizeof name, "%s%c", ring, "ABC"[c->operand]);
    const char *takes = json_string_value(json_object_get(rows[number], "take"));
    const char *gives = json_string_value(json_object_get(rows[last], "give"));
    expect(run, "a credit taken", takes && strstr(takes, name), 1);
    expect(run, "a credit given back", gives && strstr(gives, name), 1);
}

static void check_sequencer(view_run *run)
{
    json_t *list = list_of(run, kpu_schedule_put_sequencer, false);
    const json_t *row;
    size_t i;
    credits c = {.list = calloc(8 * (size_t)run->s.command_count + 1, sizeof(credit))};
    const json_t **rows = calloc((size_t)run->s.command_count + 1, sizeof *rows);
    expect(run, "all commands", (int64_t)json_array_size(list), run->s.command_count);
    json_array_foreach(list, i, row)
    {
        const char *engine = json_string_value(json_object_get(row, "engine"));
        const kpu_command *command = by_engine_commands(run, engine, int_of(row, "n"));
        expect(run, "a command of its engine", command && !rows[command - run->s.commands], 1);
        if (!command)
            break;
        rows[command - run->s.commands] = row;
        expect(run, "cycle of its engine", int_of(row, "cycle"), command->start);
        add_credits(&c, json_string_value(json_object_get(row, "take")), command->start, -1);
        add_credits(&c, json_string_value(json_object_get(row, "give")), command->busy_end, 1);
    }
    play(run, &c);
    for (int64_t k = 0; k < run->s.command_count; k++)
        check_slot_waits(run, k, rows);
    free(rows);
    free(c.list);
    json_decref(list);
}

/* ---- Charts ------------------------------------------------------------------------------- */

static void check_width(view_run *run, int width)
{
    for (const char *line = run->text.data; line && *line;) {
        size_t length = strcspn(line, "\n");
        if ((int)length > width)
            fail(run, "columns", (int64_t)length, width);
        line += length + (line[length] == '\n');
    }
}

static double number_after(const char *at, const char *key)
{
    const char *found = strstr(at, key);
    return found ? strtod(found + strlen(key), NULL) : -1;
}

/* Bars lie within the frame, and those of a row apart. */
static void check_svg(view_run *run, const kpu_gantt *gantt)
{
    double row_end[4096] = {0};
    int64_t bars = 0;
    kpu_text_clear(&run->text);
    kpu_gantt_put_svg(gantt, &run->text);
    for (const char *at = run->text.data; (at = strstr(at, "<rect class=\"bar\""));
         at += strlen("<rect")) {
        double x = number_after(at, " x=\""), end = x + number_after(at, " width=\"");
        int y = (int)number_after(at, " y=\"");
        expect(run, "a bar in the frame", x >= 149.99 && end <= 1180.02 && end >= x, 1);
        if (y >= 0 && y < 4096 && x < row_end[y] - 0.02)
            fail(run, "bars apart", (int64_t)x, (int64_t)row_end[y]);
        if (y >= 0 && y < 4096)
            row_end[y] = end;
        bars++;
    }
    expect(run, "bars", bars, gantt->bar_count);
}

static void check_charts(view_run *run, uint64_t number)
{
    int64_t first = (int64_t)number % run->s.steps;
    int64_t last = first + 3 < run->s.steps ? first + 3 : run->s.steps - 1;
    for (int i = 0; i < 2; i++) {
        kpu_gantt gantt;
        int status = (i ? kpu_gantt_of_steps : kpu_gantt_of_engines)(&run->s, first, last, &gantt);
        expect(run, "chart", status, KPU_OK);
        if (status)
            continue;
        int64_t computed = 0;
        for (int64_t b = 0; b < gantt.bar_count; b++)
            computed +=
                run->s.commands[gantt.bars[b].command].kind == KPU_CMD_FAB && gantt.bars[b].chosen;
        expect(run, "a chosen step computes", computed, last - first + 1);
        static const int widths[] = {KPU_GANTT_WIDTH_MIN, 80, 200, KPU_GANTT_WIDTH_MAX};
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
            kpu_text_clear(&run->text);
            kpu_gantt_put_text(&gantt, widths[w], &run->text);
            check_width(run, widths[w]);
        }
        if (i == 0 || gantt.row_count < 100)
            check_svg(run, &gantt);
        kpu_gantt_fini(&gantt);
    }
}

/* ---- Lists in parts ----------------------------------------------------------------------- */

static void check_parts(view_run *run)
{
    const kpu_sink sink = {take, &run->text};
    kpu_list_style style = {.format = KPU_TABLE_JSON,
                            .last_step = run->s.steps,
                            .kernel = "first \"one\"",
                            .continues = true};
    kpu_text_clear(&run->text);
    kpu_schedule_put_commands(&run->s, &style, &sink);
    style = (kpu_list_style){.format = KPU_TABLE_JSON,
                             .last_step = run->s.steps,
                             .kernel = "second",
                             .start_cycle = run->s.cycles,
                             .follows = true};
    kpu_schedule_put_commands(&run->s, &style, &sink);
    json_t *list = parse(run);
    int64_t n = run->s.command_count;
    expect(run, "both parts", (int64_t)json_array_size(list), 2 * n);
    expect_text(run, "first", json_array_get(list, 0), "kernel", "first \"one\"");
    expect_text(run, "second", json_array_get(list, (size_t)n), "kernel", "second");
    expect(run, "later", int_of(json_array_get(list, (size_t)n), "cycle"),
           int_of(json_array_get(list, 0), "cycle") + run->s.cycles);
    json_decref(list);
}

static void check_case(view_run *run, uint64_t seed, uint64_t number)
{
    random_case_draw(seed, number, &run->c);
    if (kpu_mapping_make(&run->c.machine, &run->c.problem, &run->c.candidate, &run->m) ||
        run->m.broken)
        return;
    if (kpu_schedule_make(&run->c.machine, &run->m, NULL, &run->s, NULL))
        return;
    check_commands(run);
    check_injection(run);
    check_events(run);
    check_logical_events(run);
    check_logical_injection(run);
    if (run->s.command_count < 600)
        check_sequencer(run);
    check_charts(run, number);
    check_parts(run);
    kpu_schedule_fini(&run->s);
    run->checked++;
}

int main(int argc, char **argv)
{
    view_run run = {0};
    uint64_t cases = argc > 1 ? strtoull(argv[1], NULL, 10) : 100;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 5;
    for (uint64_t number = 0; number < cases; number++)
        check_case(&run, seed, number);
    printf("%" PRId64 " schedules, %" PRId64 " failures\n", run.checked, run.failures);
    kpu_text_fini(&run.text);
    return run.failures == 0 && run.checked > (int64_t)cases / 8 ? 0 : 1;
}
