/* Where the cycles went, and how far the candidate is from what nothing can beat. */
#include <stdio.h>
#include <stdlib.h>

#include "report/explain.h"

enum { ROWS = KPU_STALLS * KPU_OPERANDS + 2, BAR = 36 };

typedef struct share {
    char label[40];
    int64_t cycles;
} share;

static int by_cycles(const void *a, const void *b)
{
    int64_t x = ((const share *)a)->cycles, y = ((const share *)b)->cycles;
    return (x < y) - (x > y);
}

void explain_cycles(const explanation *e)
{
    const kpu_counts *n = &e->result->counts;
    share rows[ROWS];
    int count = 0;
    for (int s = 0; s < KPU_STALLS; s++)
        for (int x = 0; x < KPU_OPERANDS; x++) {
            if (!n->stalls[s][x])
                continue;
            snprintf(rows[count].label, sizeof rows[count].label, "%s %c", kpu_stall_names[s],
                     'A' + x);
            rows[count++].cycles = n->stalls[s][x];
        }
    if (n->drain_cycles) {
        snprintf(rows[count].label, sizeof rows[count].label, "drain");
        rows[count++].cycles = n->drain_cycles;
    }
    qsort(rows, (size_t)count, sizeof *rows, by_cycles);
    explain_heading(e->text, "Where the cycles went");
    for (int i = -1; i < count; i++) {
        int64_t cycles = i < 0 ? n->compute_cycles : rows[i].cycles;
        double part = (double)cycles / (double)n->cycles;
        kpu_text_format(e->text, "%-18s %15lld %5.1f %%", i < 0 ? "compute" : rows[i].label,
                        (long long)cycles, 100.0 * part);
        int bar = (int)(part * BAR + 0.5);
        kpu_text_put(e->text, bar > 0 ? " " : "");
        kpu_text_repeat(e->text, i < 0 ? '#' : '=', bar);
        kpu_text_put(e->text, "\n");
    }
}

static void put_bound(const explanation *e, const char *what, double value, double bound)
{
    kpu_text_format(e->text, "%-32s %14.6g  bound %14.6g  x%.4g\n", what, value, bound,
                    value / bound);
}

void explain_bounds(const explanation *e)
{
    explain_heading(e->text, "Distance from the bounds");
    kpu_metric_value *values = malloc(kpu_metric_count() * sizeof *values);
    if (!values) {
        e->text->failed = true;
        return;
    }
    kpu_metrics_compute(e->machine, e->result, values);
    const kpu_bounds *b = &e->result->bounds;
    double cycles = (double)e->result->counts.cycles;
    put_bound(e, "cycles, the array never waiting", cycles, (double)b->mac_cycles);
    put_bound(e, "cycles, the busiest engines", cycles,
              (double)values[kpu_metric_find("bound_engine_cycles")].i);
    put_bound(e, "DRAM bytes, each datum once", (double)values[kpu_metric_find("dram_bytes")].i,
              (double)b->compulsory_dram_bytes);
    if (b->io_lower_bound_elements > 0)
        put_bound(e, "DRAM elements, this much memory",
                  (double)values[kpu_metric_find("dram_elements")].i, b->io_lower_bound_elements);
    free(values);
}
