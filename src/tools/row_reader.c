#include "tools/row_reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NO_COLUMN SIZE_MAX
enum { BLOCK_ROWS = 4096 }; /* a chunk of the file */

static size_t find(const kpu_row_source *source, const char *name)
{
    if (source->results) {
        int found = kpu_results_find(source->results, name);
        return found < 0 ? NO_COLUMN : (size_t)found;
    }
    for (size_t i = 0; i < source->store_column_count; i++)
        if (strcmp(source->store_columns[i].name, name) == 0)
            return i;
    return NO_COLUMN;
}

static bool is_hoist(size_t metric)
{
    for (int x = 0; x < KPU_OPERANDS; x++)
        for (int level = 0; level < KPU_HOIST_LEVELS; level++)
            if (kpu_metric_find(kpu_hoist_columns[x][level]) == (int)metric)
                return true;
    return false;
}

static bool is_wanted(const kpu_row_source *source, size_t column)
{
    const kpu_columns *columns = source->columns;
    if (source->whole || column < columns->axis_first)
        return true;
    if (column < columns->metric_first)
        return false;
    size_t metric = column - columns->metric_first;
    return kpu_columns_is_followed(source->space, metric) || is_hoist(metric);
}

int kpu_row_reader_init(kpu_row_reader *reader, const kpu_row_source *source, kpu_diag *diag)
{
    const size_t count = source->columns->count;
    const kpu_place place = {.file = source->path};
    *reader = (kpu_row_reader){.source = *source,
                               .at = calloc(count, sizeof *reader->at),
                               .column = calloc(BLOCK_ROWS, sizeof *reader->column),
                               .rows = calloc(BLOCK_ROWS * count, sizeof *reader->rows),
                               .has_points = true};
    if (!reader->at || !reader->column || !reader->rows)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++) {
        reader->at[i] =
            is_wanted(source, i) ? find(source, source->columns->column[i].name) : NO_COLUMN;
        reader->has_points &= i >= source->columns->axis_first || reader->at[i] != NO_COLUMN;
    }
    if (reader->at[0] == NO_COLUMN)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "has no column id");
    return KPU_OK;
}

void kpu_row_reader_fini(kpu_row_reader *reader)
{
    free(reader->at);
    free(reader->column);
    free(reader->rows);
    *reader = (kpu_row_reader){0};
}

int64_t kpu_row_reader_count(const kpu_row_reader *reader)
{
    const kpu_row_source *source = &reader->source;
    return source->results ? kpu_results_rows(source->results) : kpu_store_rows(source->store);
}

static int read_block(kpu_row_reader *reader, int64_t n, kpu_diag *diag)
{
    const kpu_row_source *source = &reader->source;
    const size_t width = source->columns->count;
    int64_t left = kpu_row_reader_count(reader) - (n - n % BLOCK_ROWS);
    int status = KPU_OK;
    reader->first = n - n % BLOCK_ROWS;
    reader->count = 0; /* until all of it is there */
    int64_t count = left < BLOCK_ROWS ? left : BLOCK_ROWS;
    for (size_t i = 0; !status && i < width; i++) {
        if (reader->at[i] == NO_COLUMN)
            continue;
        status = source->results ? kpu_results_read(source->results, reader->at[i], reader->first,
                                                    count, reader->column, diag)
                                 : kpu_store_read(source->store, reader->at[i], reader->first,
                                                  count, reader->column, diag);
        for (int64_t r = 0; !status && r < count; r++)
            reader->rows[(size_t)r * width + i] = reader->column[r];
    }
    reader->count = status ? 0 : count;
    return status;
}

int kpu_row_reader_values(kpu_row_reader *reader, int64_t n, const kpu_metric_value **out,
                          kpu_diag *diag)
{
    int status = KPU_OK;
    if (n < reader->first || n >= reader->first + reader->count)
        status = read_block(reader, n, diag);
    *out = reader->rows + (size_t)(n - reader->first) * reader->source.columns->count;
    return status;
}

/* A source of few columns has rows of a run over all points, whose number is their place. */
static bool find_point(const kpu_row_reader *reader, const kpu_metric_value *values, kpu_point *out)
{
    const kpu_space *space = reader->source.space;
    int64_t id = values[0].i;
    if (reader->has_points)
        return kpu_columns_take_point(reader->source.columns, space, values, out);
    return id >= 0 && id < kpu_space_run_size(space) && kpu_space_point(space, id, out) &&
           out->index == id;
}

int kpu_row_reader_row(kpu_row_reader *reader, int64_t n, kpu_row *out, kpu_diag *diag)
{
    const kpu_place place = {.file = reader->source.path};
    const kpu_metric_value *values;
    int status = kpu_row_reader_values(reader, n, &values, diag);
    if (status)
        return status;
    out->metrics = values + reader->source.columns->metric_first;
    if (find_point(reader, values, &out->point))
        return KPU_OK;
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                           "row %" PRId64 ", id %" PRId64 ", is no point of the space", n,
                           values[0].i);
}
