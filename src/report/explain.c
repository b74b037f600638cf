/* One candidate, explained to a person. */
#include "report/explain.h"

#include <string.h>

void explain_heading(kpu_text *text, const char *title)
{
    kpu_text_format(text, "\n%s\n", title);
    kpu_text_repeat(text, '-', (int)strlen(title));
    kpu_text_put(text, "\n");
}

/* "64x64x64" */
static void put_sizes(const explanation *e, const int64_t size[KPU_DIMS])
{
    kpu_text_format(e->text, "%lldx%lldx%lld", (long long)size[KPU_M], (long long)size[KPU_N],
                    (long long)size[KPU_K]);
}

static void put_buffering(const explanation *e, int level, const char *name)
{
    const kpu_mapping *m = e->mapping;
    int64_t a = m->buffers[KPU_A][level], b = m->buffers[KPU_B][level];
    int64_t c = m->buffers[KPU_C][level];
    kpu_text_format(e->text, ", %s %lld", name, (long long)a);
    if (a != b || a != c)
        kpu_text_format(e->text, "/%lld/%lld", (long long)b, (long long)c);
}

static void put_summary(const explanation *e)
{
    const kpu_mapping *m = e->mapping;
    kpu_text_put(e->text, "GEMM ");
    put_sizes(e, m->problem.dim);
    kpu_text_format(e->text, " (MxNxK) on %s\n",
                    e->machine->name[0] ? e->machine->name : "this machine");
    if (m->broken >> KPU_LIMIT_INPUT & 1)
        return;
    kpu_text_put(e->text, "tile ");
    put_sizes(e, m->tile);
    kpu_text_put(e->text, ", block ");
    put_sizes(e, m->block);
    kpu_text_format(e->text, ", %s, %s", kpu_dataflow_names[m->dataflow],
                    kpu_control_names[m->control]);
    put_buffering(e, KPU_HOIST_L3, "d3");
    put_buffering(e, KPU_HOIST_L2, "d2");
    kpu_text_format(e->text, ", d1 %lld\n", (long long)m->l1_buffers);
}

static void put_limits(const explanation *e)
{
    const kpu_mapping *m = e->mapping;
    if (m->broken >> KPU_LIMIT_INPUT & 1) {
        kpu_text_format(e->text, "It is no candidate: %s.\n", m->input_error);
        return;
    }
    const int64_t needs[KPU_LIMITS] = {0, m->l3_bytes, m->l2_bytes, m->l1_bytes, m->full_passes};
    char need[24], has[24];
    for (int limit = KPU_LIMIT_L3; limit < KPU_LIMITS; limit++) {
        if (!(m->broken >> limit & 1))
            continue;
        if (limit == KPU_LIMIT_REGISTERS) {
            kpu_text_format(e->text, "It does not fit: it needs %lld registers per PE, of %lld.\n",
                            (long long)needs[limit], (long long)e->machine->registers_per_pe);
            continue;
        }
        int level = KPU_LEVEL_L3 + (limit - KPU_LIMIT_L3);
        kpu_text_format(e->text, "It does not fit: it needs %s of %s, of %s.\n",
                        kpu_size_text((double)needs[limit], need),
                        level == KPU_LEVEL_L3   ? "L3"
                        : level == KPU_LEVEL_L2 ? "L2"
                                                : "L1",
                        kpu_size_text((double)kpu_machine_capacity_bytes(e->machine, level), has));
    }
}

static void put_totals(const explanation *e)
{
    const kpu_counts *n = &e->result->counts;
    kpu_energy energy;
    kpu_result_energy(e->machine, e->result, &energy);
    kpu_text_put(e->text, "\n  cycles        ");
    kpu_text_put_grouped(e->text, n->cycles);
    kpu_text_format(e->text, ", %.1f %% of them computing\n",
                    100.0 * (double)n->compute_cycles / (double)n->cycles);
    kpu_text_put(e->text, "  time          ");
    kpu_text_put_scaled(e->text, (double)n->cycles / e->machine->clock_ghz * 1e-9, "s");
    kpu_text_format(e->text, " at %g GHz\n", e->machine->clock_ghz);
    kpu_text_put(e->text, "  energy        ");
    kpu_text_put_scaled(e->text, energy.total_pj * 1e-12, "J");
    kpu_text_format(e->text, ", %.0f %% of it DRAM\n",
                    100.0 * energy.level_pj[KPU_LEVEL_DRAM] / energy.total_pj);
}

static void put_level_line(const explanation *e, const char *name, int64_t used, int level)
{
    int64_t capacity = kpu_machine_capacity_bytes(e->machine, level);
    kpu_text_format(e->text, "  %-14s", name);
    kpu_text_put_size(e->text, used);
    kpu_text_put(e->text, " of ");
    kpu_text_put_size(e->text, capacity);
    kpu_text_format(e->text, " (%.0f %%)\n", 100.0 * (double)used / (double)capacity);
}

static void put_traffic(const explanation *e)
{
    const kpu_mapping *m = e->mapping;
    int64_t read[KPU_LEVELS], written[KPU_LEVELS];
    kpu_result_level_bytes(e->result, read, written);
    int64_t total = read[KPU_LEVEL_DRAM] + written[KPU_LEVEL_DRAM];
    kpu_text_put(e->text, "  DRAM          ");
    kpu_text_put_size(e->text, read[KPU_LEVEL_DRAM]);
    kpu_text_put(e->text, " read, ");
    kpu_text_put_size(e->text, written[KPU_LEVEL_DRAM]);
    kpu_text_format(e->text, " written: %.3g x the compulsory traffic\n",
                    (double)total / (double)e->result->bounds.compulsory_dram_bytes);
    put_level_line(e, "L3", m->l3_bytes, KPU_LEVEL_L3);
    put_level_line(e, "L2", m->l2_bytes, KPU_LEVEL_L2);
    put_level_line(e, "L1", m->l1_bytes, KPU_LEVEL_L1);
    kpu_text_format(e->text, "  registers     %lld of %lld per PE%s\n",
                    (long long)m->registers_per_pe, (long long)e->machine->registers_per_pe,
                    m->double_buffered ? ", double-buffered" : "");
}

static void put_result(const explanation *e, bool whole)
{
    put_summary(e);
    if (e->mapping->broken) {
        put_limits(e);
        return;
    }
    put_totals(e);
    put_traffic(e);
    if (whole) {
        explain_nest(e);
        explain_hierarchy(e);
    }
    explain_cycles(e);
    if (whole)
        explain_bounds(e);
}

void kpu_result_summarise(kpu_text *text, const kpu_machine *machine, const kpu_result *result)
{
    put_result(&(explanation){text, machine, result, &result->mapping}, false);
}

void kpu_result_explain(kpu_text *text, const kpu_machine *machine, const kpu_result *result)
{
    put_result(&(explanation){text, machine, result, &result->mapping}, true);
}
