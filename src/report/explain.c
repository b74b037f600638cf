/* One candidate, explained to a person. */
#include "report/explain.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void explain_put_count(kpu_text *text, int64_t value)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)value);
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0 && digits[i - 1] != '-')
            kpu_text_put(text, ",");
        kpu_text_put_bytes(text, &digits[i], 1);
    }
}

const char *explain_bytes(double bytes, char out[24])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t unit = 0;
    while (bytes >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        bytes /= 1024;
        unit++;
    }
    bool whole = bytes == floor(bytes) && bytes < 10000;
    snprintf(out, 24, whole ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
    return out;
}

void explain_heading(kpu_text *text, const char *title)
{
    kpu_text_format(text, "\n%s\n", title);
    kpu_text_repeat(text, '-', (int)strlen(title));
    kpu_text_put(text, "\n");
}

static void put_summary(const explanation *e)
{
    const kpu_mapping *m = e->mapping;
    const int64_t *dim = m->problem.dim;
    kpu_text_format(e->text, "GEMM %lldx%lldx%lld (MxNxK) on %s: tile %lldx%lldx%lld, %s, %s\n",
                    (long long)dim[KPU_M], (long long)dim[KPU_N], (long long)dim[KPU_K],
                    e->machine->name[0] ? e->machine->name : "this machine",
                    (long long)m->tile[KPU_M], (long long)m->tile[KPU_N], (long long)m->tile[KPU_K],
                    kpu_dataflow_names[m->dataflow], kpu_control_names[m->control]);
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
                        explain_bytes((double)needs[limit], need),
                        level == KPU_LEVEL_L3   ? "L3"
                        : level == KPU_LEVEL_L2 ? "L2"
                                                : "L1",
                        explain_bytes((double)kpu_machine_capacity_bytes(e->machine, level), has));
    }
}

static void put_totals(const explanation *e)
{
    const kpu_counts *n = &e->result->counts;
    kpu_energy energy;
    kpu_result_energy(e->machine, e->result, &energy);
    kpu_text_put(e->text, "It takes ");
    explain_put_count(e->text, n->cycles);
    kpu_text_format(e->text, " cycles (%.6g us at %g GHz), %.1f %% of them computing; %.6g uJ.\n",
                    (double)n->cycles / e->machine->clock_ghz / 1e3, e->machine->clock_ghz,
                    100.0 * (double)n->compute_cycles / (double)n->cycles,
                    energy.total_pj / 1e6);
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
    kpu_text_put(e->text, "\nTraffic and footprint\n---------------------\n  DRAM          ");
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

void kpu_result_summarise(kpu_text *text, const kpu_machine *machine, const kpu_result *result)
{
    explanation e = {text, machine, result, &result->mapping};
    put_summary(&e);
    if (result->mapping.broken) {
        put_limits(&e);
        return;
    }
    put_totals(&e);
    put_traffic(&e);
    explain_cycles(&e);
}

void kpu_result_explain(kpu_text *text, const kpu_machine *machine, const kpu_result *result)
{
    explanation e = {text, machine, result, &result->mapping};
    put_summary(&e);
    if (result->mapping.broken) {
        put_limits(&e);
        return;
    }
    put_totals(&e);
    explain_nest(&e);
    explain_hierarchy(&e);
    explain_cycles(&e);
    explain_bounds(&e);
}
