/* Every field of every command: a small schedule by hand, what holds for all of them by random
 * cases, and schedules that are wrong on purpose. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kpu/schedule.h"
#include "random_case.h"
#include "run_suite.h"

enum { CASES = 1500 };

/* Draws the next feasible case from *number on. */
static void draw(uint64_t seed, uint64_t *number, random_case *c, kpu_mapping *m)
{
    do {
        random_case_draw(seed, *number, c);
        random_case_transpose((*number)++, c);
        kpu_mapping_make(&c->machine, &c->problem, &c->candidate, m);
    } while (m->broken);
}

/* ---- By hand --------------------------------------------------------------------------------- */

/* 2 x 2 PEs; a DMA engine moves 8 bytes a cycle, a block mover 16, streamers 4, 4 and 8. */
static kpu_machine small_machine(void)
{
    kpu_machine m = {.name = "small",
                     .dram_channels = 1,
                     .dma_bytes_per_cycle = {8, 1},
                     .dma_latency_cycles = 10,
                     .l3_tiles = 1,
                     .l3_tile_kib = 64,
                     .block_mover_engines = 1,
                     .block_mover_bytes_per_cycle = {16, 1},
                     .block_mover_latency_cycles = 3,
                     .l2_banks = 1,
                     .l2_bank_kib = 32,
                     .row_bytes_per_cycle = {4, 1},
                     .col_bytes_per_cycle = {4, 1},
                     .drain_bytes_per_cycle = {8, 1},
                     .streamer_latency_cycles = 2,
                     .l1_buffers = 1,
                     .l1_buffer_kib = 16,
                     .fabric_rows = 2,
                     .fabric_cols = 2,
                     .registers_per_pe = 8,
                     .pipelining = KPU_PIPELINING_FULL,
                     .clock_ghz = 1.0};
    return m;
}

static kpu_mapping small_mapping(const kpu_machine *machine, bool transposed)
{
    const kpu_problem problem = {.dim = {4, 4, 16},
                                 .element_bytes = {4, 4, 4},
                                 .partial_bytes = 4,
                                 .transposed = {false, transposed, false}};
    kpu_candidate c;
    kpu_mapping m;
    kpu_candidate_defaults(&c);
    memcpy(c.tile, (const int64_t[]){4, 4, 16}, sizeof c.tile);
    kpu_mapping_make(machine, &problem, &c, &m);
    CU_ASSERT_EQUAL(m.broken, 0);
    return m;
}

typedef struct expected {
    int kind;
    int64_t bytes, start, busy_end, ready, critical_for;
} expected;

static void expect_commands(const kpu_schedule *s, const expected *want, int64_t count)
{
    CU_ASSERT_EQUAL_FATAL(s->command_count, count);
    for (int64_t i = 0; i < count; i++) {
        const kpu_command *c = &s->commands[i];
        CU_ASSERT_EQUAL(c->kind, want[i].kind);
        CU_ASSERT_EQUAL(c->bytes, want[i].bytes);
        CU_ASSERT_EQUAL(c->start, want[i].start);
        CU_ASSERT_EQUAL(c->busy_end, want[i].busy_end);
        CU_ASSERT_EQUAL(c->ready, want[i].ready);
        CU_ASSERT_EQUAL(c->critical < 0 ? -1 : s->waits[c->critical].command, want[i].critical_for);
    }
}

/* One tile: A and B of 256 bytes, C of 64. The array works 2 x 2 passes of 16 cycles. */
static void test_one_tile(void)
{
    static const expected want[] = {
        {KPU_CMD_DMA_LOAD_A, 256, 0, 32, 42, -1},   {KPU_CMD_DMA_LOAD_B, 256, 32, 64, 74, -1},
        {KPU_CMD_BM_LOAD_A, 256, 42, 58, 61, 0},    {KPU_CMD_BM_LOAD_B, 256, 74, 90, 93, 1},
        {KPU_CMD_STR_A, 256, 61, 125, 127, 2},      {KPU_CMD_STR_B, 256, 93, 157, 159, 3},
        {KPU_CMD_FAB, 0, 95, 159, 159, 5},          {KPU_CMD_STR_COUT, 64, 161, 169, 171, 6},
        {KPU_CMD_BM_STORE_C, 64, 171, 175, 178, 7}, {KPU_CMD_DMA_STORE_C, 64, 178, 186, 196, 8},
    };
    kpu_machine machine = small_machine();
    kpu_mapping m = small_mapping(&machine, false);
    kpu_schedule s;
    for (int control = 0; control < KPU_CONTROLS; control++) {
        m.control = control;
        CU_ASSERT_EQUAL_FATAL(kpu_schedule_make(&machine, &m, NULL, &s, NULL), KPU_OK);
        expect_commands(&s, want, sizeof want / sizeof *want);
        CU_ASSERT_EQUAL(s.cycles, 196);
        const kpu_command *fab = &s.commands[6];
        CU_ASSERT(fab->fresh && fab->run_begins && fab->run_ends);
        CU_ASSERT_EQUAL(kpu_command_work_cycles(&s, fab), 64);
        CU_ASSERT(s.commands[7].final && s.commands[8].final && s.commands[9].final);
        CU_ASSERT(s.commands[7].fresh && s.commands[8].fresh);
        kpu_schedule_fini(&s);
    }
}

/* B lies transposed: the block mover is busy with it for 32 cycles instead of 16, and all that
 * follows comes 16 cycles later. */
static void test_transposed(void)
{
    static const expected want[] = {
        {KPU_CMD_DMA_LOAD_A, 256, 0, 32, 42, -1},   {KPU_CMD_DMA_LOAD_B, 256, 32, 64, 74, -1},
        {KPU_CMD_BM_LOAD_A, 256, 42, 58, 61, 0},    {KPU_CMD_BM_LOAD_B, 256, 74, 106, 109, 1},
        {KPU_CMD_STR_A, 256, 61, 125, 127, 2},      {KPU_CMD_STR_B, 256, 109, 173, 175, 3},
        {KPU_CMD_FAB, 0, 111, 175, 175, 5},         {KPU_CMD_STR_COUT, 64, 177, 185, 187, 6},
        {KPU_CMD_BM_STORE_C, 64, 187, 191, 194, 7}, {KPU_CMD_DMA_STORE_C, 64, 194, 202, 212, 8},
    };
    kpu_machine machine = small_machine();
    kpu_mapping m = small_mapping(&machine, true);
    kpu_schedule s;
    CU_ASSERT_EQUAL_FATAL(kpu_schedule_make(&machine, &m, NULL, &s, NULL), KPU_OK);
    expect_commands(&s, want, sizeof want / sizeof *want);
    kpu_schedule_fini(&s);
}

static void test_texts(void)
{
    char text[KPU_COMMAND_TILE_TEXT];
    const kpu_command a = {.operand = KPU_A, .tile = {1, -1, 3}},
                      b = {.operand = KPU_B, .tile = {-1, 2, 3}},
                      fab = {.kind = KPU_CMD_FAB, .operand = KPU_C, .tile = {1, 2, 3}};
    CU_ASSERT_STRING_EQUAL(kpu_command_tile_text(&a, text), "A[1,3]");
    CU_ASSERT_STRING_EQUAL(kpu_command_tile_text(&b, text), "B[3,2]");
    CU_ASSERT_STRING_EQUAL(kpu_command_tile_text(&fab, text), "C[1,2]");
    for (int i = 0; i < KPU_WAITS; i++) {
        CU_ASSERT_PTR_NOT_NULL(kpu_wait_tokens[i]);
        for (int j = 0; j < i; j++)
            CU_ASSERT(strcmp(kpu_wait_tokens[i], kpu_wait_tokens[j]) &&
                      strcmp(kpu_wait_names[i], kpu_wait_names[j]));
    }
}

/* ---- What holds for all ---------------------------------------------------------------------- */

static int64_t failures;
static void hold(bool holds, const char *what, const random_case *c, int64_t command)
{
    if (holds || failures++ > 5)
        return;
    printf("%s, command %" PRId64 "\n", what, command);
    random_case_print(c, stdout);
}

/* Its start is the latest of its waits and its engine, and `critical` says which. */
static void check_times(const kpu_schedule *s, const random_case *rc, int64_t i)
{
    const kpu_command *c = &s->commands[i];
    int64_t over = -1, first = -1, end = c->start + kpu_command_work_cycles(s, c);
    bool streams = false;
    for (int64_t w = c->first_wait; w < c->first_wait + c->wait_count; w++) {
        const kpu_wait *wait = &s->waits[w];
        int64_t at = kpu_wait_end(s, wait);
        hold(wait->command >= 0 && wait->command < i, "waits for a later one", rc, i);
        hold(!streams || wait->kind == KPU_WAIT_STREAM_READY, "waits in another order", rc, i);
        streams = wait->kind == KPU_WAIT_STREAM_READY;
        if (streams) {
            end = at > end ? at : end;
        } else if (at > over) {
            over = at;
            first = w;
        }
    }
    hold(c->start >= over, "does not wait", rc, i);
    hold(c->critical == (over == c->start ? first : -1), "critical", rc, i);
    hold(c->busy_end == end, "busy for another time", rc, i);
    hold(c->ready == end + kpu_schedule_latency(s, kpu_command_class(c->kind)), "ready", rc, i);
}

static bool within(int64_t slot, int64_t slots)
{
    return slot >= 0 && slot < slots;
}

/* Slots on the two sides of a transfer: which ring, or none. */
static void check_slots(const kpu_schedule *s, const random_case *rc, int64_t i)
{
    const kpu_command *c = &s->commands[i];
    const int64_t *ring = s->slots[c->operand];
    bool registers = c->run_begins || c->run_ends;
    int64_t core = registers ? s->register_slots : s->l1_slots[c->operand];
    const int64_t none = -1;
    const struct {
        int64_t source, dest;
    } slots[KPU_ENGINE_CLASSES][2] = {
        [KPU_ENGINE_DMA] = {{none, ring[KPU_HOIST_L3]}, {ring[KPU_HOIST_L3], none}},
        [KPU_ENGINE_BM] = {{ring[KPU_HOIST_L3], ring[KPU_HOIST_L2]},
                           {ring[KPU_HOIST_L2], ring[KPU_HOIST_L3]}},
        [KPU_ENGINE_STR_A] = {{ring[KPU_HOIST_L2], core}},
        [KPU_ENGINE_STR_B] = {{ring[KPU_HOIST_L2], core}},
        [KPU_ENGINE_STR_CIN] = {{ring[KPU_HOIST_L2], core}},
        [KPU_ENGINE_STR_COUT] = {{core, ring[KPU_HOIST_L2]}},
        [KPU_ENGINE_FAB] = {{none, none}},
    };
    bool store = c->kind == KPU_CMD_BM_STORE_C || c->kind == KPU_CMD_DMA_STORE_C;
    int64_t source = slots[kpu_command_class(c->kind)][store].source;
    int64_t dest = slots[kpu_command_class(c->kind)][store].dest;
    hold(source < 0 ? c->source_slot == -1 : within(c->source_slot, source), "source", rc, i);
    hold(dest < 0 ? c->dest_slot == -1 : within(c->dest_slot, dest), "dest", rc, i);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        int64_t held = s->l1_slots[x] ? s->l1_slots[x] : s->register_slots;
        bool used = c->kind == KPU_CMD_FAB;
        hold(used ? within(c->use_slot[x], held) : c->use_slot[x] == -1, "use", rc, i);
    }
}

static void check_data(const kpu_schedule *s, const random_case *rc, int64_t i)
{
    const kpu_command *c = &s->commands[i];
    const kpu_problem *p = &s->mapping.problem;
    int64_t extent[KPU_DIMS];
    kpu_command_extent(s, c, extent);
    int64_t element = c->operand != KPU_C ? p->element_bytes[c->operand]
                      : c->final          ? p->element_bytes[KPU_C]
                                          : p->partial_bytes;
    int64_t bytes = extent[KPU_M] * extent[KPU_N] * extent[KPU_K] * element;
    hold(c->bytes == (c->kind == KPU_CMD_FAB ? 0 : bytes), "bytes", rc, i);
    hold(i == 0 || c->step >= c[-1].step, "steps in order", rc, i);
    hold(c->run >= 0 && c->run <= c->step && c->step < s->steps, "run and step", rc, i);
    hold(c->engine >= 0 && c->engine < kpu_schedule_engines(s, kpu_command_class(c->kind)),
         "engine", rc, i);
    static const uint8_t lacks[KPU_OPERANDS] = {KPU_N, KPU_M, KPU_K};
    for (int d = 0; d < KPU_DIMS; d++) {
        bool lacking = c->kind != KPU_CMD_FAB && d == lacks[c->operand];
        hold(lacking ? c->tile[d] == -1 : within(c->tile[d], s->mapping.tiles[d]), "tile", rc, i);
    }
}

/* A load into L3 waits for every block mover that read the slot's tile before. */
static void check_readers(const kpu_schedule *s, const random_case *rc, int64_t i)
{
    const kpu_command *c = &s->commands[i];
    int64_t readers = 0, waits = 0, reads = KPU_CMD_BM_LOAD_A + c->operand;
    for (int64_t j = i - 1; j >= 0; j--) {
        const kpu_command *before = &s->commands[j];
        if (before->kind == reads && before->source_slot == c->dest_slot)
            readers++;
        if (before->kind == c->kind && before->dest_slot == c->dest_slot)
            break;
    }
    for (int64_t w = c->first_wait; w < c->first_wait + c->wait_count; w++)
        waits += s->waits[w].kind == KPU_WAIT_L3_SLOT_AB;
    hold(waits == readers, "readers", rc, i);
}

static void test_commands(void)
{
    uint64_t number = 0;
    failures = 0;
    for (int i = 0; i < CASES; i++) {
        random_case c;
        kpu_mapping m;
        kpu_schedule s;
        draw(3, &number, &c, &m);
        CU_ASSERT_EQUAL_FATAL(kpu_schedule_make(&c.machine, &m, NULL, &s, NULL), KPU_OK);
        int64_t latest = 0;
        for (int64_t j = 0; j < s.command_count; j++) {
            check_times(&s, &c, j);
            check_slots(&s, &c, j);
            check_data(&s, &c, j);
            if (s.commands[j].kind <= KPU_CMD_DMA_LOAD_B && s.command_count < 2000)
                check_readers(&s, &c, j);
            latest = s.commands[j].ready > latest ? s.commands[j].ready : latest;
        }
        hold(s.cycles == latest, "cycles", &c, -1);
        kpu_schedule_fini(&s);
    }
    CU_ASSERT_EQUAL(failures, 0);
}

/* ---- Layout -----------------------------------------------------------------------------------
 */

static void check_layout(const kpu_schedule *s, const random_case *c)
{
    const kpu_layout *l = &s->layout;
    int64_t l3 = 0, l2 = 0, l1 = 0, dram = 0;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        hold(l->dram_base[x] >= dram && l->dram_base[x] % 4096 == 0, "dram", c, x);
        hold(l->l3_base[x] >= l3 && l->l2_base[x] >= l2 && l->l1_base[x] >= l1, "rings", c, x);
        dram = l->dram_base[x] + l->dram_bytes[x];
        l3 = l->l3_base[x] + s->slots[x][KPU_HOIST_L3] * l->slot_bytes[x];
        l2 = l->l2_base[x] + s->slots[x][KPU_HOIST_L2] * l->slot_bytes[x];
        l1 = l->l1_base[x] + l->l1_slots[x] * l->slot_bytes[x];
    }
    hold(l3 <= kpu_machine_capacity_bytes(&s->machine, KPU_LEVEL_L3) && l3 == s->mapping.l3_bytes,
         "l3", c, -1);
    hold(l2 <= kpu_machine_capacity_bytes(&s->machine, KPU_LEVEL_L2) && l2 == s->mapping.l2_bytes,
         "l2", c, -1);
    hold(l1 <= kpu_machine_capacity_bytes(&s->machine, KPU_LEVEL_L1) && l1 == s->mapping.l1_bytes,
         "l1", c, -1);
    bool partial = false;
    for (int64_t i = 0; i < s->command_count; i++)
        partial |= s->commands[i].kind == KPU_CMD_DMA_STORE_C && !s->commands[i].final;
    const kpu_problem *p = &s->mapping.problem;
    bool in_place = l->dram_partial_base == l->dram_base[KPU_C];
    hold(partial == (l->dram_partial_bytes > 0), "partial sums", c, -1);
    if (partial)
        hold(in_place ? p->partial_bytes == p->element_bytes[KPU_C] : l->dram_partial_base >= dram,
             "place of partial sums", c, -1);
}

static void test_layout(void)
{
    uint64_t number = 0;
    failures = 0;
    for (int i = 0; i < CASES; i++) {
        random_case c;
        kpu_mapping m;
        kpu_schedule s;
        draw(4, &number, &c, &m);
        CU_ASSERT_EQUAL_FATAL(kpu_schedule_make(&c.machine, &m, NULL, &s, NULL), KPU_OK);
        check_layout(&s, &c);
        kpu_schedule_fini(&s);
    }
    CU_ASSERT_EQUAL(failures, 0);
}

/* ---- Wrong on purpose -------------------------------------------------------------------------
 */

static int64_t count_waits(const kpu_schedule *s, int kind)
{
    int64_t count = 0;
    for (int64_t i = 0; i < s->wait_count; i++)
        count += s->waits[i].kind == kind;
    return count;
}

/* One kind of wait is gone, the others are all there, and so is every command, with its times. */
static void check_without(const kpu_schedule *right, const random_case *c, int kind)
{
    const kpu_schedule_options options = {.without = UINT32_C(1) << kind};
    kpu_schedule wrong;
    CU_ASSERT_EQUAL_FATAL(
        kpu_schedule_make(&right->machine, &right->mapping, &options, &wrong, NULL), KPU_OK);
    hold(wrong.command_count == right->command_count, "as many commands", c, kind);
    for (int k = 0; k < KPU_WAITS; k++)
        hold(count_waits(&wrong, k) == (k == kind ? 0 : count_waits(right, k)), "waits", c, k);
    for (int64_t i = 0; i < wrong.command_count; i++)
        hold(wrong.commands[i].busy_end > wrong.commands[i].start, "has times", c, i);
    if (right->mapping.control == KPU_IDDO)
        hold(wrong.cycles <= right->cycles, "no slower", c, kind);
    kpu_schedule_fini(&wrong);
}

/* Memory has a slot less than the waits know of: the same times, other slots. */
static void check_shortened(const kpu_schedule *right, const random_case *c, int x, int level)
{
    kpu_schedule_options options = {0};
    options.shortened[x][level] = 1;
    kpu_schedule wrong;
    CU_ASSERT_EQUAL_FATAL(
        kpu_schedule_make(&right->machine, &right->mapping, &options, &wrong, NULL), KPU_OK);
    int64_t slots = right->slots[x][level] > 1 ? right->slots[x][level] - 1 : 1;
    hold(wrong.slots[x][level] == slots, "slots", c, x);
    hold(wrong.cycles == right->cycles && wrong.wait_count == right->wait_count, "times", c, x);
    for (int64_t i = 0; i < wrong.command_count; i++)
        check_slots(&wrong, c, i);
    kpu_schedule_fini(&wrong);
}

static void test_wrong_on_purpose(void)
{
    uint64_t number = 0;
    int64_t seen[KPU_WAITS] = {0};
    failures = 0;
    for (int i = 0; i < CASES / 10; i++) {
        random_case c;
        kpu_mapping m;
        kpu_schedule s;
        draw(5, &number, &c, &m);
        CU_ASSERT_EQUAL_FATAL(kpu_schedule_make(&c.machine, &m, NULL, &s, NULL), KPU_OK);
        for (int kind = 0; kind < KPU_WAITS; kind++) {
            seen[kind] += count_waits(&s, kind);
            check_without(&s, &c, kind);
        }
        for (int x = 0; x < KPU_OPERANDS; x++)
            for (int level = 0; level < KPU_HOIST_LEVELS; level++)
                check_shortened(&s, &c, x, level);
        kpu_schedule_fini(&s);
    }
    CU_ASSERT_EQUAL(failures, 0);
    for (int kind = 0; kind < KPU_WAITS; kind++)
        CU_ASSERT(seen[kind] > 0);
}

/* ---- Limits -----------------------------------------------------------------------------------
 */

static void test_limits(void)
{
    kpu_machine machine = small_machine();
    kpu_mapping m = small_mapping(&machine, false);
    kpu_schedule s;
    kpu_diag diag = {0};
    kpu_schedule_options options = {.max_commands = 10};
    CU_ASSERT_EQUAL(kpu_schedule_make(&machine, &m, &options, &s, &diag), KPU_OK);
    CU_ASSERT_EQUAL(diag.count, 0);
    kpu_schedule_fini(&s);
    for (options.max_commands = 1; options.max_commands < 10; options.max_commands++) {
        CU_ASSERT_EQUAL(kpu_schedule_make(&machine, &m, &options, &s, &diag), KPU_E_RANGE);
        CU_ASSERT_EQUAL_FATAL(diag.count, (size_t)options.max_commands);
    }
    CU_ASSERT_STRING_EQUAL(diag.entries[0].message, "the schedule has more than 1 commands "
                                                    "(steps: 1); larger tiles give fewer");
    machine.dma_latency_cycles = INT64_C(1) << 60;
    CU_ASSERT_EQUAL(kpu_schedule_make(&machine, &m, NULL, &s, &diag), KPU_E_RANGE);
    m.control = KPU_EDDO;
    CU_ASSERT_EQUAL(kpu_schedule_make(&machine, &m, NULL, &s, &diag), KPU_E_RANGE);
    CU_ASSERT_STRING_EQUAL(diag.entries[diag.count - 1].message,
                           "the schedule takes more cycles than 64 bits hold");
    kpu_diag_fini(&diag);
}

int main(void)
{
    CU_TestInfo tests[] = {{"one tile, by hand", test_one_tile},
                           {"a transposed operand, by hand", test_transposed},
                           {"texts", test_texts},
                           {"what holds for every command", test_commands},
                           {"layout", test_layout},
                           {"wrong on purpose", test_wrong_on_purpose},
                           {"limits", test_limits},
                           CU_TEST_INFO_NULL};
    return run_suite("schedule commands", tests);
}
