/* --profile: where the time went. */
#include <inttypes.h>
#include <stdlib.h>

#include "tools/loader/loader.h"
#include "tools/output.h"

/* Of all runs of all kernels; doubles, for sums of sums may exceed 64 bits. */
typedef struct totals {
    double cycles, compute, drain, macs;
    double busy[KPU_ENGINE_CLASSES];
    double stalls[KPU_STALLS][KPU_OPERANDS];
    double read[KPU_LEVELS], written[KPU_LEVELS];
} totals;

static void add_kernel(totals *sum, const loader_kernel *kernel)
{
    const kpu_counts *n = &kernel->result.counts;
    const int64_t *dim = kernel->result.mapping.problem.dim;
    const double runs = (double)kernel->code->batch;
    int64_t read[KPU_LEVELS], written[KPU_LEVELS];
    kpu_result_level_bytes(&kernel->result, read, written);
    sum->cycles += runs * (double)n->cycles;
    sum->compute += runs * (double)n->compute_cycles;
    sum->drain += runs * (double)n->drain_cycles;
    sum->macs += runs * (double)dim[KPU_M] * (double)dim[KPU_N] * (double)dim[KPU_K];
    for (int e = 0; e < KPU_ENGINE_CLASSES; e++)
        sum->busy[e] += runs * (double)n->busy[e];
    for (int s = 0; s < KPU_STALLS; s++)
        for (int x = 0; x < KPU_OPERANDS; x++)
            sum->stalls[s][x] += runs * (double)n->stalls[s][x];
    for (int l = 0; l < KPU_LEVELS; l++) {
        sum->read[l] += runs * (double)read[l];
        sum->written[l] += runs * (double)written[l];
    }
}

static double percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

/* A sum of whole numbers, with all its digits while a double has them. */
static void add_whole(kpu_table *table, double value)
{
    if (value < 0x1p53)
        kpu_table_add_int(table, (int64_t)value);
    else
        kpu_table_add_real(table, value);
}

/* ---- Tables ------------------------------------------------------------------------------ */

static void put_table(kpu_table *table, const char *title, kpu_text *out)
{
    kpu_text_format(out, "\n%s\n", title);
    kpu_table_print(table, KPU_TABLE_TEXT, out);
    kpu_table_fini(table);
}

static void put_kernels(const loader_binding *b, const totals *sum, kpu_text *out)
{
    static const char *const titles[] = {"kernel",   "runs",          "cycles",
                                         "% of all", "% utilisation", "MAC/DRAM byte"};
    const size_t utilisation = (size_t)kpu_metric_find("utilisation");
    const size_t intensity = (size_t)kpu_metric_find("arithmetic_intensity");
    kpu_table table;
    kpu_table_init(&table, titles, sizeof titles / sizeof *titles);
    for (size_t k = 0; k < b->program->kernel_count; k++) {
        const loader_kernel *kernel = &b->kernels[k];
        const double runs = (double)kernel->code->batch;
        kpu_table_add_text(&table, kernel->code->name);
        kpu_table_add_int(&table, kernel->code->batch);
        kpu_table_add_int(&table, kernel->result.counts.cycles);
        kpu_table_add_real(&table,
                           percent(runs * (double)kernel->result.counts.cycles, sum->cycles));
        kpu_table_add_real(&table, 100 * kernel->metrics[utilisation].d);
        kpu_table_add_real(&table, kernel->metrics[intensity].d);
    }
    put_table(&table, "Kernels (cycles of one run)", out);
}

static void put_engines(const kpu_machine *machine, const totals *sum, kpu_text *out)
{
    static const char *const titles[] = {"engine", "engines", "busy cycles", "% busy"};
    kpu_table table;
    kpu_table_init(&table, titles, sizeof titles / sizeof *titles);
    for (int e = 0; e < KPU_ENGINE_CLASSES; e++) {
        int64_t engines = e == KPU_ENGINE_DMA  ? machine->dram_channels
                          : e == KPU_ENGINE_BM ? machine->block_mover_engines
                                               : 1;
        kpu_table_add_text(&table, kpu_engine_names[e]);
        kpu_table_add_int(&table, engines);
        add_whole(&table, sum->busy[e]);
        kpu_table_add_real(&table, percent(sum->busy[e], (double)engines * sum->cycles));
    }
    put_table(&table, "Engines", out);
}

static void put_levels(const totals *sum, kpu_text *out)
{
    static const char *const titles[] = {"level", "bytes read", "bytes written", "bytes/cycle"};
    static const char *const names[KPU_LEVELS] = {"DRAM", "L3", "L2", "L1"};
    kpu_table table;
    kpu_table_init(&table, titles, sizeof titles / sizeof *titles);
    for (int l = 0; l < KPU_LEVELS; l++) {
        kpu_table_add_text(&table, names[l]);
        add_whole(&table, sum->read[l]);
        add_whole(&table, sum->written[l]);
        kpu_table_add_real(&table, (sum->read[l] + sum->written[l]) / sum->cycles);
    }
    put_table(&table, "Levels", out);
}

/* ---- Stalls, largest first ---------------------------------------------------------------- */

typedef struct cause {
    const char *name;
    const char *operand;
    double cycles;
} cause;

static int compare_causes(const void *a, const void *b)
{
    const cause *first = a, *second = b;
    return (first->cycles < second->cycles) - (first->cycles > second->cycles);
}

static void put_stalls(const totals *sum, kpu_text *out)
{
    static const char *const titles[] = {"the fabric", "operand", "cycles", "%"};
    static const char *const operands[KPU_OPERANDS] = {"A", "B", "C"};
    cause causes[KPU_STALLS * KPU_OPERANDS + 1];
    size_t count = 0;
    for (int s = 0; s < KPU_STALLS; s++)
        for (int x = 0; x < KPU_OPERANDS; x++)
            if (sum->stalls[s][x] > 0)
                causes[count++] = (cause){kpu_stall_names[s], operands[x], sum->stalls[s][x]};
    if (sum->drain > 0)
        causes[count++] = (cause){"drain", "", sum->drain};
    qsort(causes, count, sizeof *causes, compare_causes);
    kpu_table table;
    kpu_table_init(&table, titles, sizeof titles / sizeof *titles);
    kpu_table_add_text(&table, "computes");
    kpu_table_add_text(&table, "");
    add_whole(&table, sum->compute);
    kpu_table_add_real(&table, percent(sum->compute, sum->cycles));
    for (size_t i = 0; i < count; i++) {
        kpu_table_add_text(&table, causes[i].name);
        kpu_table_add_text(&table, causes[i].operand);
        add_whole(&table, causes[i].cycles);
        kpu_table_add_real(&table, percent(causes[i].cycles, sum->cycles));
    }
    put_table(&table, "Cycles: the fabric computes, or stalls", out);
}

/* ---- Roofline ---------------------------------------------------------------------------- */

static void put_roofline(const kpu_machine *machine, const totals *sum, kpu_text *out)
{
    const double peak = (double)machine->fabric_rows * (double)machine->fabric_cols;
    const double dram =
        (double)machine->dram_channels * kpu_rational_value(machine->dma_bytes_per_cycle);
    const double intensity = sum->macs / (sum->read[KPU_LEVEL_DRAM] + sum->written[KPU_LEVEL_DRAM]);
    const double slope = intensity * dram, roof = slope < peak ? slope : peak;
    kpu_text_format(out,
                    "\nRoofline\n%.3g MACs per DRAM byte; the ridge is at %.3g, so %s bounds it: "
                    "%.4g MACs per cycle.\nIt reaches %.4g, %.1f %% of that.\n",
                    intensity, peak / dram, slope < peak ? "DRAM" : "the fabric", roof,
                    sum->macs / sum->cycles, percent(sum->macs / sum->cycles, roof));
}

/* ---- The whole --------------------------------------------------------------------------- */

static void put_profile(const loader_binding *b, kpu_text *out)
{
    totals sum = {0};
    const double peak = (double)b->machine.fabric_rows * (double)b->machine.fabric_cols;
    for (size_t k = 0; k < b->program->kernel_count; k++)
        add_kernel(&sum, &b->kernels[k]);
    kpu_text_format(out, "%s (%s) on %s: ", b->path, b->program->graph_name, b->machine.name);
    kpu_text_put_grouped(out, b->cycles);
    kpu_text_put(out, " cycles, ");
    kpu_text_put_scaled(out, sum.cycles / b->machine.clock_ghz * 1e-9, "s");
    kpu_text_put(out, "; ");
    kpu_text_put_scaled(out, sum.macs, "MAC");
    kpu_text_format(out, ", utilisation %.1f %%\n", percent(sum.macs / sum.cycles, peak));
    put_kernels(b, &sum, out);
    put_engines(&b->machine, &sum, out);
    put_levels(&sum, out);
    put_stalls(&sum, out);
    put_roofline(&b->machine, &sum, out);
}

/* A row a kernel: all metrics, for programs. */
static int put_metrics(const loader_binding *b, kpu_table_format format, kpu_text *out)
{
    enum { BEFORE = 2 };
    const size_t metrics = kpu_metric_count();
    const char **titles = calloc(metrics + BEFORE, sizeof *titles);
    kpu_table table;
    if (!titles)
        return KPU_E_MEMORY;
    titles[0] = "kernel";
    titles[1] = "runs";
    for (size_t i = 0; i < metrics; i++)
        titles[BEFORE + i] = kpu_metric_at(i)->name;
    kpu_table_init(&table, titles, metrics + BEFORE);
    for (size_t k = 0; k < b->program->kernel_count; k++) {
        kpu_table_add_text(&table, b->kernels[k].code->name);
        kpu_table_add_int(&table, b->kernels[k].code->batch);
        for (size_t i = 0; i < metrics; i++) {
            const kpu_metric *metric = kpu_metric_at(i);
            const kpu_metric_value value = b->kernels[k].metrics[i];
            if (metric->words)
                kpu_table_add_text(&table, metric->words[value.i]);
            else if (metric->type == KPU_METRIC_INT64)
                kpu_table_add_int(&table, value.i);
            else
                kpu_table_add_real(&table, value.d);
        }
    }
    kpu_table_print(&table, format, out);
    kpu_table_fini(&table);
    free(titles);
    return KPU_OK;
}

int loader_print_profile(const loader_job *job)
{
    kpu_text out = {0};
    kpu_table_format format;
    int status = kpu_tool_choose_format(job->values->format, &format, job->diag);
    if (!status && format == KPU_TABLE_TEXT)
        put_profile(job->binding, &out);
    else if (!status)
        status = put_metrics(job->binding, format, &out);
    int printed = kpu_tool_print(&out);
    status = status ? status : printed;
    return status == KPU_E_MEMORY ? loader_no_memory(job->diag) : status;
}
