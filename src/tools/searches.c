/* kpu-dse searches: the table of searches. */
#include "kpu/explorer.h"
#include "kpu/report.h"
#include "tools/command.h"
#include "tools/output.h"

static int run(const kpu_call *call)
{
    static const char *const titles[] = {"search", "budget", "what it evaluates"};
    static const char *const needs[] = {[KPU_SEARCH_REFUSES] = "none",
                                        [KPU_SEARCH_TAKES] = "optional",
                                        [KPU_SEARCH_NEEDS] = "required"};
    kpu_text text = {0};
    kpu_table table;
    (void)call;
    kpu_table_init(&table, titles, sizeof titles / sizeof *titles);
    for (size_t i = 0; i < kpu_search_count(); i++) {
        const kpu_search *search = kpu_search_at(i);
        kpu_table_add_text(&table, search->name);
        kpu_table_add_text(&table, needs[search->budget]);
        kpu_table_add_text(&table, search->summary);
    }
    kpu_table_print(&table, KPU_TABLE_TEXT, &text);
    kpu_table_fini(&table);
    return kpu_tool_print(&text);
}

const kpu_tool_command kpu_command_searches = {
    .name = "searches",
    .operands = "",
    .summary = "list every search and what it evaluates",
    .details = "",
    .run = run,
};
