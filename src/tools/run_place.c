#include "tools/run_place.h"

#include <stdlib.h>
#include <string.h>

bool kpu_place_is_kept(const kpu_space *space, kpu_shard shard)
{
    return shard.count > 0 && kpu_space_keep(space).kind != KPU_KEEP_ALL &&
           kpu_space_search(space)->search->shards == KPU_SHARDS_OF_DRAWS;
}

int kpu_place_columns(const kpu_run *run, const kpu_columns *columns, kpu_columns *out)
{
    size_t first = columns->metric_first;
    *out = *columns;
    out->column = malloc((columns->count + 1) * sizeof *out->column);
    if (!out->column)
        return KPU_E_MEMORY;
    memcpy(out->column, columns->column, columns->count * sizeof *out->column);
    if (!kpu_place_is_kept(run->space, run->shard))
        return KPU_OK;
    memmove(out->column + first + 1, out->column + first,
            (columns->count - first) * sizeof *out->column);
    out->column[first] =
        (kpu_column){.group = "candidates",
                     .name = KPU_PLACE_COLUMN,
                     .unit = "",
                     .description = "number of the evaluation in the whole run, from 0",
                     .type = KPU_COLUMN_INT64};
    out->count++;
    out->metric_first++;
    return KPU_OK;
}

/* Blocks are dealt out in turn. */
static int64_t place_of(const kpu_run *run, int64_t number)
{
    int64_t block = kpu_shard_block(run->space, run->shard.count);
    return (number / block * run->shard.count + run->shard.index) * block + number % block;
}

void kpu_place_put_row(const kpu_run *run, const kpu_columns *columns,
                       const kpu_metric_value *values, int64_t number, kpu_metric_value *out)
{
    size_t first = columns->metric_first;
    memcpy(out, values, first * sizeof *out);
    out += first;
    if (kpu_place_is_kept(run->space, run->shard))
        (out++)->i = place_of(run, number);
    memcpy(out, values + first, (columns->count - first) * sizeof *out);
}
