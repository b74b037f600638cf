/* Private to the report: lists of records that are made while they are printed; a table is made
 * twice, to learn its widths. */
#ifndef KPU_SRC_REPORT_LISTING_H
#define KPU_SRC_REPORT_LISTING_H

#include "report/outlet.h"

typedef struct listing_column {
    const char *title;
    const char *heading; /* a shorter title, of tables; NULL: the title */
    bool number;         /* the text that `put` appends is an integer */
    bool null;           /* JSON: null where there is no value; else the key is left out there */
    bool verbose_only;
    /* Appends the value, or nothing: there is none. `row` is that of a record. */
    void (*put)(const void *source, int64_t row, kpu_text *text);
} listing_column;

typedef struct listing {
    const listing_column *columns;
    size_t column_count;
    const void *source;
    int64_t rows;
    /* Whether there is a record of that row; NULL: of each. */
    bool (*has)(const void *source, int64_t row);
} listing;

int listing_print(const listing *list, const kpu_list_style *style, const kpu_sink *sink);

#endif
