/* Private to the program: a table for people, as aligned text or as Markdown. */
#ifndef KPU_SRC_TOOLS_TABLE_H
#define KPU_SRC_TOOLS_TABLE_H

#include "kpu/base.h"

/* Cells row by row, the first row is the heading. Zeroed but for `columns` and `right` it is a
 * valid empty one. */
typedef struct kpu_tool_table {
    size_t columns;  /* at most 64 */
    uint64_t right;  /* bit i: column i is aligned to the right */
    char **cells;
    size_t count, capacity;
    bool failed; /* out of memory: nothing more is added */
} kpu_tool_table;

/* Appends the next cell. */
void kpu_tool_table_put(kpu_tool_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Print to the standard output and free the cells. KPU_OK or KPU_E_MEMORY. */
int kpu_tool_table_print(kpu_tool_table *table);
int kpu_tool_table_print_markdown(kpu_tool_table *table);

#endif
