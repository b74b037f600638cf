#include "compare.h"

#include <math.h>

typedef struct comparison {
    FILE *log;
    int differences;
} comparison;

static void compare_ints(comparison *c, const char *name, const int64_t *got, const int64_t *want,
                         int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (got[i] == want[i])
            continue;
        c->differences++;
        if (c->log)
            fprintf(c->log, "  %s[%lld]: got %lld, want %lld\n", name, (long long)i,
                    (long long)got[i], (long long)want[i]);
    }
}

static void compare_int(comparison *c, const char *name, int64_t got, int64_t want)
{
    compare_ints(c, name, &got, &want, 1);
}

static void compare_double(comparison *c, const char *name, double got, double want)
{
    if (fabs(got - want) <= 1e-12 * fabs(want))
        return;
    c->differences++;
    if (c->log)
        fprintf(c->log, "  %s: got %.17g, want %.17g\n", name, got, want);
}

static void compare_mapping(comparison *c, const kpu_mapping *got, const ref_result *want)
{
    const int64_t pairs = KPU_OPERANDS * KPU_HOIST_LEVELS;
    compare_ints(c, "hoist", got->hoist[0], want->hoist[0], pairs);
    compare_ints(c, "W", got->window_tiles[0], want->window_tiles[0], pairs);
    compare_ints(c, "S", got->slots[0], want->slots[0], pairs);
    compare_int(c, "l3_bytes", got->l3_bytes, want->l3_bytes);
    compare_int(c, "l2_bytes", got->l2_bytes, want->l2_bytes);
    compare_int(c, "l1_bytes", got->l1_bytes, want->l1_bytes);
    compare_int(c, "registers_per_pe", got->registers_per_pe, want->registers_per_pe);
    compare_int(c, "double_buffered", got->double_buffered, want->double_buffered);
}

static void compare_traffic(comparison *c, const char *name, const kpu_traffic *got,
                            const kpu_traffic *want)
{
    char field[64];
    static const char *const links[] = {"dram_read", "dram_write", "l3_to_l2",     "l2_to_l3",
                                        "l2_to_l1",  "l1_to_l2",   "l1_to_fabric", "fabric_to_l1"};
    const int64_t *const gots[] = {got->dram_read,    got->dram_write,  got->l3_to_l2,
                                   got->l2_to_l3,     got->l2_to_l1,    got->l1_to_l2,
                                   got->l1_to_fabric, got->fabric_to_l1};
    const int64_t *const wants[] = {want->dram_read,    want->dram_write,  want->l3_to_l2,
                                    want->l2_to_l3,     want->l2_to_l1,    want->l1_to_l2,
                                    want->l1_to_fabric, want->fabric_to_l1};
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        snprintf(field, sizeof field, "%s %s", name, links[i]);
        compare_ints(c, field, gots[i], wants[i], KPU_OPERANDS);
    }
}

static void compare_counts(comparison *c, const kpu_machine *machine, const kpu_counts *got,
                           const kpu_counts *want)
{
    compare_int(c, "cycles", got->cycles, want->cycles);
    compare_int(c, "compute_cycles", got->compute_cycles, want->compute_cycles);
    compare_int(c, "drain_cycles", got->drain_cycles, want->drain_cycles);
    compare_int(c, "steps", got->steps, want->steps);
    compare_ints(c, "commands", got->commands, want->commands, KPU_COMMANDS);
    compare_ints(c, "busy", got->busy, want->busy, KPU_ENGINE_CLASSES);
    for (int i = 0; i < KPU_STALLS; i++)
        compare_ints(c, kpu_stall_names[i], got->stalls[i], want->stalls[i], KPU_OPERANDS);
    compare_ints(c, "dma_busy", got->dma_busy, want->dma_busy, machine->dram_channels);
    compare_ints(c, "bm_busy", got->bm_busy, want->bm_busy, machine->block_mover_engines);
    compare_traffic(c, "simulated", &got->traffic, &want->traffic);
}

static void compare_energy(comparison *c, const kpu_machine *machine, const kpu_result *got,
                           const ref_result *want)
{
    kpu_energy energy;
    int64_t read[KPU_LEVELS], written[KPU_LEVELS];
    double total = want->mac_pj + want->leakage_pj;
    kpu_result_energy(machine, got, &energy);
    kpu_result_level_bytes(got, read, written);
    compare_ints(c, "read", read, want->level_read, KPU_LEVELS);
    compare_ints(c, "written", written, want->level_written, KPU_LEVELS);
    for (int level = 0; level < KPU_LEVELS; level++) {
        compare_double(c, "level_pj", energy.level_pj[level], want->level_pj[level]);
        total += want->level_pj[level];
    }
    compare_double(c, "mac_pj", energy.mac_pj, want->mac_pj);
    compare_double(c, "leakage_pj", energy.leakage_pj, want->leakage_pj);
    compare_double(c, "total_pj", energy.total_pj, total);
}

int compare_results(const kpu_machine *machine, const kpu_result *got, const ref_result *want,
                    FILE *log)
{
    comparison c = {.log = log};
    kpu_traffic closed_form;
    compare_int(&c, "broken", got->mapping.broken, want->broken);
    if (got->mapping.broken || want->broken)
        return c.differences;
    compare_mapping(&c, &got->mapping, want);
    compare_counts(&c, machine, &got->counts, &want->counts);
    compare_energy(&c, machine, got, want);
    kpu_mapping_traffic(machine, &got->mapping, &closed_form);
    compare_traffic(&c, "closed form", &closed_form, &want->counts.traffic);
    return c.differences;
}
