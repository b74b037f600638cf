/* What is loaded where. */
#include <inttypes.h>

#include "tools/loader/loader.h"

static void put_sizes(kpu_text *out, const int64_t size[KPU_DIMS])
{
    kpu_text_format(out, "%" PRId64 "x%" PRId64 "x%" PRId64, size[KPU_M], size[KPU_N], size[KPU_K]);
}

/* What has gathered in `cell`, which is empty then. */
static void add_cell(kpu_table *table, kpu_text *cell)
{
    kpu_table_add_text(table, cell->failed || !cell->data ? "" : cell->data);
    table->failed |= cell->failed;
    kpu_text_clear(cell);
}

static void put_tensors(const loader_binding *b, kpu_text *out)
{
    static const char *const titles[] = {"tensor", "role", "type", "shape", "address", "bytes"};
    enum { COLUMNS = sizeof titles / sizeof *titles };
    kpu_table table;
    kpu_text cell = {0};
    kpu_table_init(&table, titles, COLUMNS);
    for (size_t t = 0; t < b->program->tensor_count; t++) {
        const kpu_dfx_tensor *tensor = &b->program->tensors[t];
        kpu_table_add_text(&table, tensor->name);
        kpu_table_add_text(&table, kpu_dfx_role_names[tensor->role]);
        kpu_table_add_text(&table, kpu_dtype_name(tensor->dtype));
        for (int d = 0; d < tensor->rank; d++)
            kpu_text_format(&cell, "%s%" PRId64, d ? "x" : "", tensor->shape[d]);
        add_cell(&table, &cell);
        kpu_text_format(&cell, "0x%" PRIx64, (uint64_t)b->tensors[t].address);
        add_cell(&table, &cell);
        kpu_table_add_int(&table, b->tensors[t].bytes);
    }
    kpu_table_print(&table, KPU_TABLE_TEXT, out);
    kpu_text_fini(&cell);
    kpu_table_fini(&table);
}

static void put_kernels(const loader_binding *b, kpu_text *out)
{
    static const char *const titles[] = {"kernel", "runs",    "MxNxK",  "tile",
                                         "flow",   "control", "begins", "cycles"};
    enum { COLUMNS = sizeof titles / sizeof *titles };
    kpu_table table;
    kpu_text cell = {0};
    kpu_table_init(&table, titles, COLUMNS);
    for (size_t k = 0; k < b->program->kernel_count; k++) {
        const loader_kernel *kernel = &b->kernels[k];
        const kpu_mapping *m = &kernel->result.mapping;
        kpu_table_add_text(&table, kernel->code->name);
        kpu_table_add_int(&table, kernel->code->batch);
        put_sizes(&cell, m->problem.dim);
        add_cell(&table, &cell);
        put_sizes(&cell, m->tile);
        add_cell(&table, &cell);
        kpu_table_add_text(&table, kpu_dataflow_names[m->dataflow]);
        kpu_table_add_text(&table, kpu_control_names[m->control]);
        kpu_table_add_int(&table, kernel->start_cycle);
        kpu_table_add_int(&table, kernel->result.counts.cycles);
    }
    kpu_table_print(&table, KPU_TABLE_TEXT, out);
    kpu_text_fini(&cell);
    kpu_table_fini(&table);
}

/* The fullest that a level gets, of how much there is. */
static void put_level(const loader_binding *b, int level, const char *name, kpu_text *out)
{
    int64_t most = 0;
    for (size_t k = 0; k < b->program->kernel_count; k++) {
        const kpu_mapping *m = &b->kernels[k].result.mapping;
        const int64_t bytes[KPU_LEVELS] = {[KPU_LEVEL_L3] = m->l3_bytes,
                                           [KPU_LEVEL_L2] = m->l2_bytes,
                                           [KPU_LEVEL_L1] = m->l1_bytes};
        most = bytes[level] > most ? bytes[level] : most;
    }
    kpu_text_format(out, ", %s ", name);
    kpu_text_put_size(out, most);
    kpu_text_put(out, " of ");
    kpu_text_put_size(out, kpu_machine_capacity_bytes(&b->machine, level));
}

void loader_put_summary(const loader_binding *b, bool all, kpu_text *out)
{
    kpu_text_format(out, "%s (%s) on %s: %zu kernel%s, ", b->path, b->program->graph_name,
                    b->machine.name, b->program->kernel_count,
                    b->program->kernel_count == 1 ? "" : "s");
    kpu_text_put_grouped(out, b->cycles);
    kpu_text_put(out, " cycles\n");
    if (!all)
        return;
    kpu_text_put(out, "DRAM ");
    kpu_text_put_size(out, b->dram_bytes);
    put_level(b, KPU_LEVEL_L3, "L3", out);
    put_level(b, KPU_LEVEL_L2, "L2", out);
    put_level(b, KPU_LEVEL_L1, "L1", out);
    kpu_text_put(out, "\n\n");
    put_tensors(b, out);
    kpu_text_put(out, "\n");
    put_kernels(b, out);
}
