/* Tables of mixed columns: aligned for people, CSV and JSON for programs. */
#include <stdlib.h>
#include <string.h>

#include "report/outlet.h"

enum { FIRST_CELLS = 64 };

void kpu_table_init(kpu_table *table, const char *const *titles, size_t columns)
{
    *table = (kpu_table){.titles = titles, .columns = columns};
}

void kpu_table_fini(kpu_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i].text);
    free(table->cells);
    *table = (kpu_table){0};
}

static kpu_cell *add_cell(kpu_table *table, kpu_cell_type type)
{
    if (table->count == table->capacity) {
        size_t capacity = table->capacity ? 2 * table->capacity : FIRST_CELLS;
        kpu_cell *cells = realloc(table->cells, capacity * sizeof *cells);
        if (!cells) {
            table->failed = true;
            return NULL;
        }
        table->cells = cells;
        table->capacity = capacity;
    }
    kpu_cell *cell = &table->cells[table->count++];
    *cell = (kpu_cell){.type = type};
    return cell;
}

void kpu_table_add_text(kpu_table *table, const char *value)
{
    kpu_cell *cell = add_cell(table, KPU_CELL_TEXT);
    if (cell && !(cell->text = strdup(value)))
        table->failed = true;
}

void kpu_table_add_int(kpu_table *table, int64_t value)
{
    kpu_cell *cell = add_cell(table, KPU_CELL_INT);
    if (cell)
        cell->number.i = value;
}

void kpu_table_add_real(kpu_table *table, double value)
{
    kpu_cell *cell = add_cell(table, KPU_CELL_REAL);
    if (cell)
        cell->number.d = value;
}

/* ---- For people ------------------------------------------------------------------------- */

static void put_real(kpu_text *text, double value)
{
    const double grouped_from = 1e5, grouped_to = 1e15;
    if (value >= grouped_from && value < grouped_to)
        kpu_text_put_grouped(text, (int64_t)(value + 0.5));
    else
        kpu_text_format(text, "%.4g", value);
}

static void put_cell(kpu_text *text, const kpu_cell *cell)
{
    if (cell->type == KPU_CELL_TEXT)
        kpu_text_put(text, cell->text ? cell->text : "");
    else if (cell->type == KPU_CELL_INT)
        kpu_text_put_grouped(text, cell->number.i);
    else
        put_real(text, cell->number.d);
}

static int cell_width(const kpu_cell *cell)
{
    kpu_text text = {0};
    put_cell(&text, cell);
    int width = (int)text.length;
    kpu_text_fini(&text);
    return width;
}

static int column_width(const kpu_table *table, size_t column)
{
    int width = (int)strlen(table->titles[column]);
    for (size_t i = column; i < table->count; i += table->columns) {
        int cell = cell_width(&table->cells[i]);
        width = cell > width ? cell : width;
    }
    return width;
}

static void put_padded(kpu_text *out, const char *string, int width, bool right)
{
    int pad = width - (int)strlen(string);
    if (right)
        kpu_text_repeat(out, ' ', pad);
    kpu_text_put(out, string);
    if (!right)
        kpu_text_repeat(out, ' ', pad);
}

static void put_line(const kpu_table *table, const int *width, size_t first, kpu_text *out)
{
    bool title = first == SIZE_MAX;
    for (size_t c = 0; c < table->columns; c++) {
        kpu_text text = {0};
        const kpu_cell *cell = title ? &table->cells[c] : &table->cells[first + c];
        bool right = table->count > 0 && cell->type != KPU_CELL_TEXT;
        bool last = c + 1 == table->columns;
        if (title)
            kpu_text_put(&text, table->titles[c]);
        else
            put_cell(&text, cell);
        put_padded(out, text.data ? text.data : "", last && !right ? 0 : width[c], right);
        kpu_text_put(out, last ? "\n" : "  ");
        out->failed |= text.failed;
        kpu_text_fini(&text);
    }
}

static void print_text(const kpu_table *table, kpu_text *out)
{
    int *width = calloc(table->columns, sizeof *width);
    if (!width) {
        out->failed = true;
        return;
    }
    for (size_t c = 0; c < table->columns; c++)
        width[c] = column_width(table, c);
    put_line(table, width, SIZE_MAX, out);
    for (size_t first = 0; first < table->count; first += table->columns)
        put_line(table, width, first, out);
    free(width);
}

/* ---- For programs ----------------------------------------------------------------------- */

static void print_csv(const kpu_table *table, kpu_text *out)
{
    for (size_t c = 0; c < table->columns; c++) {
        kpu_text_put(out, c > 0 ? "," : "");
        outlet_put_csv(out, table->titles[c]);
    }
    kpu_text_put(out, "\n");
    for (size_t i = 0; i < table->count; i++) {
        const kpu_cell *cell = &table->cells[i];
        kpu_text_put(out, i % table->columns > 0 ? "," : "");
        if (cell->type == KPU_CELL_TEXT)
            outlet_put_csv(out, cell->text ? cell->text : "");
        else if (cell->type == KPU_CELL_INT)
            kpu_text_put_int(out, cell->number.i);
        else if (cell->number.d == cell->number.d) /* NaN: an empty field */
            kpu_text_put_double(out, cell->number.d);
        if ((i + 1) % table->columns == 0)
            kpu_text_put(out, "\n");
    }
}

static void print_json(const kpu_table *table, kpu_text *out)
{
    kpu_text_put(out, "[");
    for (size_t i = 0; i < table->count; i++) {
        const kpu_cell *cell = &table->cells[i];
        size_t column = i % table->columns;
        kpu_text_put(out, column > 0 ? ", " : i > 0 ? ",\n {" : "\n {");
        kpu_text_put_json_string(out, table->titles[column]);
        kpu_text_put(out, ": ");
        if (cell->type == KPU_CELL_TEXT)
            kpu_text_put_json_string(out, cell->text ? cell->text : "");
        else if (cell->type == KPU_CELL_INT)
            kpu_text_put_int(out, cell->number.i);
        else
            kpu_text_put_json_number(out, cell->number.d);
        if (column + 1 == table->columns)
            kpu_text_put(out, "}");
    }
    kpu_text_put(out, table->count > 0 ? "\n]\n" : "]\n");
}

const char *const kpu_table_format_names[KPU_TABLE_FORMATS] = {"table", "csv", "json"};

void kpu_table_print(const kpu_table *table, kpu_table_format format, kpu_text *out)
{
    static void (*const printers[KPU_TABLE_FORMATS])(const kpu_table *, kpu_text *) = {
        print_text, print_csv, print_json};
    out->failed |= table->failed;
    printers[format](table, out);
}
