/* Private to the program: the column that the file of a part has besides those of a whole run, if
 * the search draws and not all rows are kept: where the row stands in the order of evaluation of
 * the whole run. Its id does not tell, and merge has to know. */
#ifndef KPU_SRC_TOOLS_RUN_PLACE_H
#define KPU_SRC_TOOLS_RUN_PLACE_H

#include "tools/run.h"

/* It stands before the metrics. */
#define KPU_PLACE_COLUMN "evaluation"

bool kpu_place_is_kept(const kpu_space *space, kpu_shard shard);
/* The columns of the file: out->column is the caller's to free, nothing else of it. KPU_OK or
 * KPU_E_MEMORY. */
int kpu_place_columns(const kpu_run *run, const kpu_columns *columns, kpu_columns *out);
/* A row of those columns from one of a whole run, for evaluation `number` of the part. */
void kpu_place_put_row(const kpu_run *run, const kpu_columns *columns,
                       const kpu_metric_value *values, int64_t number, kpu_metric_value *out);

#endif
