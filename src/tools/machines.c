/* kpu-dse machines: the machines of a folder, side by side. */
#include <stdio.h>
#include <stdlib.h>

#include "kpu/report.h"
#include "tools/command.h"
#include "tools/machine_files.h"
#include "tools/output.h"

static void add_format(kpu_table *table, kpu_text *text)
{
    kpu_table_add_text(table, text->data ? text->data : "");
    table->failed |= text->failed;
    kpu_text_fini(text);
}

static void add_capacity(kpu_table *table, const kpu_machine *machine, int level)
{
    kpu_text text = {0};
    kpu_text_put_size(&text, kpu_machine_capacity_bytes(machine, level));
    add_format(table, &text);
}

static void add_row(kpu_table *table, const kpu_machine *m)
{
    kpu_text text = {0};
    kpu_table_add_text(table, m->name);
    kpu_text_format(&text, "%lldx%lld", (long long)m->fabric_rows, (long long)m->fabric_cols);
    add_format(table, &text);
    kpu_table_add_real(table, m->clock_ghz);
    kpu_table_add_int(table, m->dram_channels);
    kpu_table_add_real(table,
                       (double)m->dram_channels * kpu_rational_value(m->dma_bytes_per_cycle));
    kpu_table_add_int(table, m->block_mover_engines);
    for (int level = KPU_LEVEL_L3; level < KPU_LEVELS; level++)
        add_capacity(table, m, level);
}

static int list(const kpu_machine_files *files, kpu_table *table, kpu_diag *diag)
{
    int status = KPU_OK;
    for (size_t i = 0; i < files->count; i++) {
        kpu_machine machine;
        char *path = NULL;
        if (asprintf(&path, "%s/%s.ini", files->folder, files->names[i]) < 0)
            return KPU_E_MEMORY;
        int loaded = kpu_machine_load(path, &machine, diag);
        if (!loaded)
            add_row(table, &machine);
        status = loaded ? loaded : status;
        free(path);
    }
    return status;
}

static int run(const kpu_call *call)
{
    static const char *const titles[] = {"machine", "array", "GHz", "DMA", "DRAM B/cycle",
                                         "movers",  "L3",    "L2",  "L1"};
    kpu_machine_files files;
    kpu_table table;
    kpu_text text = {0};
    const char *folder = call->operand_count > 0 ? call->operands[0] : NULL;
    int status = kpu_machine_files_list(folder, &files, call->diag);
    kpu_table_init(&table, titles, sizeof titles / sizeof *titles);
    if (!status)
        status = list(&files, &table, call->diag);
    if (!status && files.count == 0)
        status = kpu_diag_add(call->diag, KPU_E_INPUT, "%s: no machine files (*.ini) in it",
                              files.folder);
    if (table.count > 0)
        kpu_table_print(&table, KPU_TABLE_TEXT, &text);
    int printed = kpu_tool_print(&text);
    kpu_table_fini(&table);
    kpu_machine_files_fini(&files);
    return status ? status : printed;
}

const kpu_tool_command kpu_command_machines = {
    .name = "machines",
    .operands = "[DIR]",
    .max_operands = 1,
    .summary = "list the machines of a folder (configs/)",
    .details = "",
    .run = run,
};
