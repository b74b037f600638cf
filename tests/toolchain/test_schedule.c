/* A schedule, command by command, against the simulator's fast passes and the closed forms. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kpu/schedule.h"
#include "random_case.h"
#include "run_suite.h"

/* What a schedule counts, to be compared with the simulator's. */
static void count(const kpu_schedule *s, kpu_counts *out)
{
    memset(out, 0, sizeof *out);
    out->cycles = s->cycles;
    out->steps = s->steps;
    for (int64_t i = 0; i < s->command_count; i++) {
        const kpu_command *c = &s->commands[i];
        int64_t *const moved[KPU_COMMANDS] = {
            [KPU_CMD_DMA_LOAD_A] = out->traffic.dram_read,
            [KPU_CMD_DMA_LOAD_B] = out->traffic.dram_read,
            [KPU_CMD_DMA_LOAD_C] = out->traffic.dram_read,
            [KPU_CMD_BM_LOAD_A] = out->traffic.l3_to_l2,
            [KPU_CMD_BM_LOAD_B] = out->traffic.l3_to_l2,
            [KPU_CMD_BM_LOAD_C] = out->traffic.l3_to_l2,
            [KPU_CMD_STR_A] = out->traffic.l2_to_l1,
            [KPU_CMD_STR_B] = out->traffic.l2_to_l1,
            [KPU_CMD_STR_CIN] = out->traffic.l2_to_l1,
            [KPU_CMD_STR_COUT] = out->traffic.l1_to_l2,
            [KPU_CMD_BM_STORE_C] = out->traffic.l2_to_l3,
            [KPU_CMD_DMA_STORE_C] = out->traffic.dram_write,
        };
        out->commands[c->kind]++;
        out->busy[kpu_command_class(c->kind)] += kpu_command_work_cycles(s, c);
        if (moved[c->kind])
            moved[c->kind][c->operand] += c->bytes;
    }
    out->compute_cycles = out->busy[KPU_ENGINE_FAB];
}

static bool same_traffic(const kpu_traffic *a, const kpu_traffic *b)
{
    return !memcmp(a->dram_read, b->dram_read, sizeof a->dram_read) &&
           !memcmp(a->dram_write, b->dram_write, sizeof a->dram_write) &&
           !memcmp(a->l3_to_l2, b->l3_to_l2, sizeof a->l3_to_l2) &&
           !memcmp(a->l2_to_l3, b->l2_to_l3, sizeof a->l2_to_l3) &&
           !memcmp(a->l2_to_l1, b->l2_to_l1, sizeof a->l2_to_l1) &&
           !memcmp(a->l1_to_l2, b->l1_to_l2, sizeof a->l1_to_l2);
}

static bool same_counts(const kpu_counts *a, const kpu_counts *b)
{
    return a->cycles == b->cycles && a->steps == b->steps &&
           a->compute_cycles == b->compute_cycles &&
           !memcmp(a->commands, b->commands, sizeof a->commands) &&
           !memcmp(a->busy, b->busy, sizeof a->busy) && same_traffic(&a->traffic, &b->traffic);
}

static bool agrees(kpu_simulator *simulator, const random_case *c, const kpu_mapping *m)
{
    kpu_schedule s;
    kpu_counts simulated, counted;
    if (kpu_simulator_run(simulator, &c->machine, m, &simulated) != KPU_OK)
        return false;
    if (kpu_schedule_make(&c->machine, m, NULL, &s, NULL) != KPU_OK)
        return false;
    count(&s, &counted);
    bool same = same_counts(&simulated, &counted);
    kpu_schedule_fini(&s);
    if (!same)
        random_case_print(c, stdout);
    return same;
}

static void test_agrees_with_simulator(void)
{
    kpu_simulator *simulator = kpu_simulator_new();
    int64_t feasible = 0, wrong = 0;
    for (uint64_t i = 0; i < 6000; i++) {
        random_case c;
        kpu_mapping m;
        random_case_draw(7, i, &c);
        random_case_transpose(i, &c);
        kpu_mapping_make(&c.machine, &c.problem, &c.candidate, &m);
        if (m.broken)
            continue;
        feasible++;
        if (!agrees(simulator, &c, &m) && ++wrong > 5)
            break;
    }
    kpu_simulator_free(simulator);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(feasible > 2000);
    printf(" %" PRId64 " cases ", feasible);
}

int main(void)
{
    CU_TestInfo tests[] = {{"agrees with the simulator", test_agrees_with_simulator},
                           CU_TEST_INFO_NULL};
    return run_suite("schedule", tests);
}
