#include "tools/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS_MAX = 64, FIRST_CAPACITY = 64, GAP = 2 };

static bool reserve(kpu_tool_table *table)
{
    if (table->count < table->capacity)
        return true;
    size_t capacity = table->capacity ? 2 * table->capacity : FIRST_CAPACITY;
    char **cells = realloc(table->cells, capacity * sizeof *cells);
    if (!cells)
        return false;
    table->cells = cells;
    table->capacity = capacity;
    return true;
}

void kpu_tool_table_put(kpu_tool_table *table, const char *format, ...)
{
    char *cell = NULL;
    va_list list;
    va_start(list, format);
    if (!table->failed && (!reserve(table) || vasprintf(&cell, format, list) < 0))
        table->failed = true;
    va_end(list);
    if (!table->failed)
        table->cells[table->count++] = cell;
}

static int finish(kpu_tool_table *table)
{
    int status = table->failed ? KPU_E_MEMORY : KPU_OK;
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i]);
    free(table->cells);
    table->cells = NULL;
    table->count = table->capacity = 0;
    table->failed = false;
    return status;
}

/* Characters, not bytes: names of files may be in any script. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

static void find_widths(const kpu_tool_table *table, int *widths)
{
    for (size_t i = 0; i < table->count; i++) {
        int width = width_of(table->cells[i]), *widest = &widths[i % table->columns];
        *widest = width > *widest ? width : *widest;
    }
}

static void print_cell(const kpu_tool_table *table, size_t index, const int *widths)
{
    size_t column = index % table->columns;
    int padding = widths[column] - width_of(table->cells[index]);
    bool right = (table->right >> column) & 1, last = column + 1 == table->columns;
    printf("%*s%s%*s", right ? padding : 0, "", table->cells[index],
           right || last ? 0 : padding, "");
    if (last)
        putchar('\n');
    else
        printf("%*s", GAP, "");
}

int kpu_tool_table_print(kpu_tool_table *table)
{
    int widths[COLUMNS_MAX] = {0};
    if (!table->failed) {
        find_widths(table, widths);
        for (size_t i = 0; i < table->count; i++)
            print_cell(table, i, widths);
    }
    return finish(table);
}

static void print_markdown_cell(const char *text)
{
    printf("| ");
    for (; *text; text++)
        printf(*text == '|' ? "\\|" : *text == '*' || *text == '<' ? "\\%c" : "%c", *text);
    putchar(' ');
}

int kpu_tool_table_print_markdown(kpu_tool_table *table)
{
    for (size_t i = 0; !table->failed && i < table->count; i++) {
        print_markdown_cell(table->cells[i]);
        if ((i + 1) % table->columns != 0)
            continue;
        puts("|");
        for (size_t c = 0; i + 1 == table->columns && c < table->columns; c++)
            printf("%s%s", (table->right >> c) & 1 ? "| ---: " : "| --- ",
                   c + 1 == table->columns ? "|\n" : "");
    }
    return finish(table);
}
