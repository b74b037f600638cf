#include "report/listing.h"

#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 24, COLUMN_GAP = 2 };

/* The listing with what the style adds to and takes from it. */
typedef struct printer {
    const listing *list;
    const kpu_list_style *style;
    const listing_column *column[COLUMNS_MAX];
    size_t columns;
    int width[COLUMNS_MAX]; /* of a table */
    int kernel_width;
    int blanks; /* before the next cell */
    outlet out;
    kpu_text cell; /* scratch */
    bool any;      /* records so far */
} printer;

static const char *cell_text(const printer *p)
{
    return p->cell.length > 0 ? p->cell.data : "";
}

static void make_cell(printer *p, size_t c, int64_t row)
{
    kpu_text_clear(&p->cell);
    p->column[c]->put(p->list->source, row, &p->cell);
    p->out.text.failed |= p->cell.failed;
    if (p->style->format == KPU_TABLE_TEXT && p->column[c]->number && p->cell.length > 0) {
        long long value = strtoll(p->cell.data, NULL, 10);
        kpu_text_clear(&p->cell);
        kpu_text_put_grouped(&p->cell, value);
    }
}

static bool has_record(const printer *p, int64_t row)
{
    return !p->list->has || p->list->has(p->list->source, row);
}

/* ---- For people --------------------------------------------------------------------------- */

static void widen(int *width, size_t length)
{
    *width = (int)length > *width ? (int)length : *width;
}

static const char *heading_of(const listing_column *column)
{
    return column->heading ? column->heading : column->title;
}

static void measure(printer *p)
{
    for (size_t c = 0; c < p->columns; c++)
        p->width[c] = (int)strlen(heading_of(p->column[c]));
    for (int64_t row = 0; row < p->list->rows; row++)
        for (size_t c = 0; c < p->columns && has_record(p, row); c++) {
            make_cell(p, c, row);
            widen(&p->width[c], p->cell.length);
        }
    if (p->style->kernel) {
        p->kernel_width = (int)strlen("kernel");
        widen(&p->kernel_width, strlen(p->style->kernel));
    }
}

/* Blanks go before the next cell that is not empty, so that none end a line. */
static void put_padded(printer *p, size_t c, const char *cell)
{
    kpu_text *text = &p->out.text;
    int pad = p->width[c] - (int)strlen(cell);
    if (*cell) {
        kpu_text_repeat(text, ' ', p->blanks + (p->column[c]->number ? pad : 0));
        kpu_text_put(text, cell);
        p->blanks = p->column[c]->number ? 0 : pad;
    } else {
        p->blanks += pad;
    }
    p->blanks += COLUMN_GAP;
    if (c + 1 < p->columns)
        return;
    kpu_text_put(text, "\n");
    p->blanks = 0;
}

static void put_kernel_cell(printer *p, const char *cell)
{
    if (!p->style->kernel)
        return;
    kpu_text_put(&p->out.text, cell);
    p->blanks = p->kernel_width - (int)strlen(cell) + COLUMN_GAP;
}

static void begin_table(printer *p)
{
    measure(p);
    if (p->style->follows)
        return;
    put_kernel_cell(p, "kernel");
    for (size_t c = 0; c < p->columns; c++)
        put_padded(p, c, heading_of(p->column[c]));
}

static void put_table_record(printer *p, int64_t row)
{
    put_kernel_cell(p, p->style->kernel);
    for (size_t c = 0; c < p->columns; c++) {
        make_cell(p, c, row);
        put_padded(p, c, cell_text(p));
    }
}

/* ---- For programs ------------------------------------------------------------------------- */

static void begin_csv(printer *p)
{
    if (p->style->follows)
        return;
    kpu_text_put(&p->out.text, p->style->kernel ? "kernel," : "");
    for (size_t c = 0; c < p->columns; c++) {
        kpu_text_put(&p->out.text, c > 0 ? "," : "");
        outlet_put_csv(&p->out.text, p->column[c]->title);
    }
    kpu_text_put(&p->out.text, "\n");
}

static void put_csv_record(printer *p, int64_t row)
{
    if (p->style->kernel) {
        outlet_put_csv(&p->out.text, p->style->kernel);
        kpu_text_put(&p->out.text, ",");
    }
    for (size_t c = 0; c < p->columns; c++) {
        make_cell(p, c, row);
        kpu_text_put(&p->out.text, c > 0 ? "," : "");
        outlet_put_csv(&p->out.text, cell_text(p));
    }
    kpu_text_put(&p->out.text, "\n");
}

static void begin_json(printer *p)
{
    kpu_text_put(&p->out.text, p->style->follows ? "" : "[");
}

static void put_json_record(printer *p, int64_t row)
{
    kpu_text *text = &p->out.text;
    const char *between = "";
    kpu_text_put(text, p->any || p->style->follows ? ",\n {" : "\n {");
    if (p->style->kernel) {
        kpu_text_put(text, "\"kernel\": ");
        kpu_text_put_json_string(text, p->style->kernel);
        between = ", ";
    }
    for (size_t c = 0; c < p->columns; c++) {
        make_cell(p, c, row);
        if (p->cell.length == 0 && !p->column[c]->null)
            continue;
        kpu_text_put(text, between);
        kpu_text_put_json_string(text, p->column[c]->title);
        kpu_text_put(text, ": ");
        if (p->cell.length == 0)
            kpu_text_put(text, "null");
        else if (p->column[c]->number)
            kpu_text_put(text, cell_text(p));
        else
            kpu_text_put_json_string(text, cell_text(p));
        between = ", ";
    }
    kpu_text_put(text, "}");
}

static void end_json(printer *p)
{
    kpu_text_put(&p->out.text, p->style->continues           ? ""
                               : p->any || p->style->follows ? "\n]\n"
                                                             : "]\n");
}

static void end_nothing(printer *p)
{
    (void)p;
}

static const struct {
    void (*begin)(printer *p);
    void (*put)(printer *p, int64_t row);
    void (*end)(printer *p);
} forms[KPU_TABLE_FORMATS] = {
    [KPU_TABLE_TEXT] = {begin_table, put_table_record, end_nothing},
    [KPU_TABLE_CSV] = {begin_csv, put_csv_record, end_nothing},
    [KPU_TABLE_JSON] = {begin_json, put_json_record, end_json},
};

int listing_print(const listing *list, const kpu_list_style *style, const kpu_sink *sink)
{
    printer p = {.list = list, .style = style, .out = {.sink = sink}};
    for (size_t c = 0; c < list->column_count; c++)
        if (style->verbose || !list->columns[c].verbose_only)
            p.column[p.columns++] = &list->columns[c];
    forms[style->format].begin(&p);
    for (int64_t row = 0; row < list->rows && !outlet_pass(&p.out); row++) {
        if (!has_record(&p, row))
            continue;
        forms[style->format].put(&p, row);
        p.any = true;
    }
    forms[style->format].end(&p);
    kpu_text_fini(&p.cell);
    return outlet_end(&p.out);
}
