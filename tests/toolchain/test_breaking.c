/* Every wait is needed: without it, some case comes out wrong, and the check says so. Prints the
 * tables of docs/legality.md if called with --tables. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "breaking_cases.h"
#include "executed_case.h"
#include "random_case.h"
#include "run_suite.h"

static const executed_types *const floats = &executed_type_table[0];

/* What became of a schedule. */
typedef struct verdict {
    bool made, is_right, is_accepted;
} verdict;

/* What is done to a schedule. */
typedef struct damage {
    kpu_schedule_options options;
    bool runs_if_accepted; /* what is refused counts as wrong */
    bool shortens_edge;    /* the ring of `operand` in L1, or in the registers */
    int operand;
} damage;

/* The array's buffers of an operand, all but the last, used in turn as if they were all. False: it
 * has only one. */
static bool shorten_edge(kpu_schedule *s, int x)
{
    int64_t *slots = s->l1_slots[x] ? &s->l1_slots[x] : &s->register_slots;
    if (*slots < 2)
        return false;
    --*slots;
    for (int64_t i = 0; i < s->command_count; i++) {
        kpu_command *c = &s->commands[i];
        if (c->kind == KPU_CMD_FAB)
            c->use_slot[x] %= *slots;
        else if (c->operand == x && c->kind == KPU_CMD_STR_COUT)
            c->source_slot %= *slots;
        else if (c->operand == x && c->kind < KPU_CMD_FAB && c->kind >= KPU_CMD_STR_A)
            c->dest_slot %= *slots;
    }
    return true;
}

static verdict judge(const kpu_machine *machine, const kpu_mapping *mapping, const damage *how)
{
    kpu_schedule s;
    if (kpu_schedule_make(machine, mapping, &how->options, &s, NULL) != KPU_OK)
        return (verdict){0};
    verdict v = {.made = !how->shortens_edge || shorten_edge(&s, how->operand)};
    v.is_accepted = kpu_schedule_check(&s, NULL) == KPU_OK;
    bool runs = v.is_accepted || !how->runs_if_accepted;
    v.is_right = runs && executed_run(&s, floats, 1) == EXECUTED_RIGHT;
    kpu_schedule_fini(&s);
    return v;
}

static verdict judge_case(const char *name, int control, const damage *how)
{
    const breaking_case *c = breaking_case_find(name);
    kpu_machine machine;
    kpu_mapping mapping;
    if (!c || !breaking_case_map(c, control, &machine, &mapping))
        return (verdict){0};
    return judge(&machine, &mapping, how);
}

static void test_cases_are_right(void)
{
    for (size_t i = 0; i < breaking_case_count; i++)
        for (int control = 0; control < KPU_CONTROLS; control++) {
            verdict v = judge_case(breaking_cases[i].name, control, &(damage){0});
            CU_ASSERT(v.made && v.is_right && v.is_accepted);
        }
}

/* Under both controls the numbers are wrong, and the check refuses the schedule. */
static bool breaks(const char *name, const damage *how)
{
    bool all = true;
    for (int control = 0; control < KPU_CONTROLS; control++) {
        verdict v = judge_case(name, control, how);
        if (v.made && !v.is_right && !v.is_accepted)
            continue;
        all = false;
        printf("\n%s, %s: numbers %s, schedule %s ", name, kpu_control_names[control],
               v.is_right ? "right" : "wrong", v.is_accepted ? "accepted" : "refused");
    }
    return all;
}

static void test_waits(void)
{
    uint32_t seen = 0;
    for (size_t i = 0; i < breaking_wait_count; i++) {
        const breaking_wait *w = &breaking_waits[i];
        damage how = {.options = {.without = UINT32_C(1) << w->wait}};
        bool broken = breaks(w->case_name, &how);
        CU_ASSERT(broken);
        if (!broken)
            printf("without %s\n", kpu_wait_tokens[w->wait]);
        seen |= how.options.without;
    }
    CU_ASSERT_EQUAL(seen, (UINT32_C(1) << KPU_WAITS) - 1);
}

static void test_rings(void)
{
    uint32_t seen = 0;
    for (size_t i = 0; i < breaking_ring_count; i++) {
        const breaking_ring *r = &breaking_rings[i];
        damage how = {.shortens_edge = r->level >= BREAKING_L1, .operand = r->operand};
        if (!how.shortens_edge)
            how.options.shortened[r->operand][r->level] = 1;
        bool broken = breaks(r->case_name, &how);
        CU_ASSERT(broken);
        if (!broken)
            printf("%c, level %d\n", "ABC"[r->operand], r -> level);
        /* one bit for the registers, whoever stays in them */
        seen |= UINT32_C(1) << (r->level == BREAKING_REGISTERS
                                    ? KPU_OPERANDS * BREAKING_REGISTERS
                                    : r->operand * BREAKING_REGISTERS + r->level);
    }
    CU_ASSERT_EQUAL(seen, (UINT32_C(2) << KPU_OPERANDS * BREAKING_REGISTERS) - 1);
}

/* ---- Moments ------------------------------------------------------------------------------ */

/* The latest moment of all commands, as the check wants to read it. */
static int64_t latest_moment(const kpu_schedule *s)
{
    int64_t latest = 0;
    for (int64_t i = 0; i < s->command_count; i++)
        if (s->commands[i].ready > latest)
            latest = s->commands[i].ready;
    return latest;
}

static bool goes_unnoticed(kpu_schedule *s)
{
    int64_t cycles = s->cycles;
    s->cycles = latest_moment(s);
    bool is_accepted = kpu_schedule_check(s, NULL) == KPU_OK;
    bool is_right = executed_run(s, floats, 1) == EXECUTED_RIGHT;
    s->cycles = cycles;
    return is_accepted || is_right;
}

/* A command that began when a wait was over, begun one cycle earlier. The end of a FAB, which its
 * streams may decide, stays. */
static bool begins_early_unnoticed(kpu_schedule *s, int64_t index)
{
    kpu_command *c = &s->commands[index], kept = *c;
    c->start--;
    if (c->kind != KPU_CMD_FAB) {
        c->busy_end--;
        c->ready--;
    }
    bool unnoticed = goes_unnoticed(s);
    *c = kept;
    return unnoticed;
}

/* A FAB that ended when its last stream was ready, ended one cycle earlier. */
static bool ends_early_unnoticed(kpu_schedule *s, int64_t index)
{
    kpu_command *c = &s->commands[index], kept = *c;
    c->busy_end--;
    c->ready--;
    bool unnoticed = goes_unnoticed(s);
    *c = kept;
    return unnoticed;
}

static bool waits_to_end(const kpu_schedule *s, const kpu_command *c)
{
    return c->kind == KPU_CMD_FAB && c->busy_end - c->start > kpu_command_work_cycles(s, c);
}

/* Counts by kind of wait the commands that waited, and the numbers that came out right, or the
 * schedules that were accepted, all the same. */
static void count_early(const char *name, int control, int64_t waited[KPU_WAITS],
                        int64_t unnoticed[KPU_WAITS])
{
    kpu_machine machine;
    kpu_mapping mapping;
    kpu_schedule s;
    if (!breaking_case_map(breaking_case_find(name), control, &machine, &mapping) ||
        kpu_schedule_make(&machine, &mapping, NULL, &s, NULL) != KPU_OK) {
        CU_FAIL("no schedule");
        return;
    }
    for (int64_t i = 0; i < s.command_count; i++) {
        if (s.commands[i].critical >= 0) {
            int kind = s.waits[s.commands[i].critical].kind;
            waited[kind]++;
            unnoticed[kind] += begins_early_unnoticed(&s, i);
        }
        if (waits_to_end(&s, &s.commands[i])) {
            waited[KPU_WAIT_STREAM_READY]++;
            unnoticed[KPU_WAIT_STREAM_READY] += ends_early_unnoticed(&s, i);
        }
    }
    kpu_schedule_fini(&s);
}

static void test_one_cycle_early(void)
{
    int64_t waited[KPU_WAITS] = {0}, unnoticed[KPU_WAITS] = {0};
    for (size_t i = 0; i < breaking_case_count; i++)
        for (int control = 0; control < KPU_CONTROLS; control++)
            count_early(breaking_cases[i].name, control, waited, unnoticed);
    for (int w = 0; w < KPU_WAITS; w++) {
        CU_ASSERT_EQUAL(unnoticed[w], 0);
        CU_ASSERT(waited[w] > 0);
        if (unnoticed[w] || !waited[w])
            printf("\n%s: %" PRId64 " waited, %" PRId64 " unnoticed ", kpu_wait_tokens[w],
                   waited[w], unnoticed[w]);
    }
}

/* ---- Random cases ------------------------------------------------------------------------- */

/* Without a wait, with a ring of L3 or L2 shortened, with the array's buffers shortened. */
enum { WAYS = KPU_WAITS + KPU_OPERANDS * (KPU_HOIST_LEVELS + 1) };

/* The n-th way; false if the mapping has no ring to shorten. */
static bool break_by(int way, const kpu_mapping *mapping, damage *how)
{
    *how = (damage){.runs_if_accepted = true};
    if (way < KPU_WAITS) {
        how->options.without = UINT32_C(1) << way;
        return true;
    }
    int level = (way - KPU_WAITS) / KPU_OPERANDS;
    how->operand = (way - KPU_WAITS) % KPU_OPERANDS;
    how->shortens_edge = level == KPU_HOIST_LEVELS;
    if (how->shortens_edge)
        return true;
    how->options.shortened[how->operand][level] = 1;
    return mapping->slots[how->operand][level] > 1;
}

/* What is accepted comes out right, whatever the case; and of every way some are refused. */
static void test_check_sees_what_numbers_see(void)
{
    int64_t refused[WAYS] = {0}, unseen = 0;
    for (uint64_t i = 0; i < 300; i++) {
        random_case c;
        kpu_mapping mapping;
        random_case_draw(11, i, &c);
        executed_set_types(&c.problem, floats);
        kpu_mapping_make(&c.machine, &c.problem, &c.candidate, &mapping);
        for (int way = 0; way < WAYS && !mapping.broken; way++) {
            damage how;
            if (!break_by(way, &mapping, &how))
                continue;
            verdict v = judge(&c.machine, &mapping, &how);
            refused[way] += v.made && !v.is_accepted;
            unseen += v.made && !v.is_right && v.is_accepted;
        }
    }
    CU_ASSERT_EQUAL(unseen, 0);
    for (int way = 0; way < WAYS; way++)
        CU_ASSERT(refused[way] > 0);
}

/* ---- The document ------------------------------------------------------------------------- */

static void test_document(void)
{
    char *document = NULL;
    size_t bytes;
    CU_ASSERT_EQUAL(kpu_text_read(KPU_SOURCE_DIR "/docs/legality.md", &document, &bytes, NULL),
                    KPU_OK);
    for (int i = 0; i < BREAKING_TABLES; i++) {
        kpu_text table = {0};
        breaking_put_table(i, &table);
        /* test_breaking --tables prints what belongs there */
        CU_ASSERT(document && !table.failed && strstr(document, table.data));
        kpu_text_fini(&table);
    }
    free(document);
}

static int print_tables(void)
{
    kpu_text tables = {0};
    for (int i = 0; i < BREAKING_TABLES; i++) {
        breaking_put_table(i, &tables);
        kpu_text_put(&tables, "\n");
    }
    fputs(tables.failed ? "" : tables.data, stdout);
    kpu_text_fini(&tables);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--tables") == 0)
        return print_tables();
    CU_TestInfo tests[] = {
        {"the cases are right", test_cases_are_right},
        {"every wait is needed", test_waits},
        {"every slot is needed", test_rings},
        {"one cycle early", test_one_cycle_early},
        {"the check sees what the numbers see", test_check_sees_what_numbers_see},
        {"docs/legality.md", test_document},
        CU_TEST_INFO_NULL,
    };
    return run_suite("breaking", tests);
}
