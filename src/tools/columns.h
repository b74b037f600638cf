/* Private to the program: rows of an exploration <-> columns of a results file. */
#ifndef KPU_SRC_TOOLS_COLUMNS_H
#define KPU_SRC_TOOLS_COLUMNS_H

#include "kpu/explorer.h"
#include "kpu/store.h"

/* A field of the candidate that is one column. */
typedef struct kpu_candidate_field {
    const char *name;
    const char *key;         /* of [space]: whose unit and help it has */
    const char *description; /* NULL: the key's help */
    size_t offset;           /* of an int64_t in kpu_candidate; of order[] if is_order */
    bool is_order;           /* its value is the number of its word */
    const char *const *words;
    size_t word_count;
} kpu_candidate_field;

size_t kpu_candidate_field_count(void);
const kpu_candidate_field *kpu_candidate_field_at(size_t index);
int64_t kpu_candidate_field_value(const kpu_candidate_field *field, const kpu_candidate *candidate);
/* False if the value is none of the field's. */
bool kpu_candidate_field_set(const kpu_candidate_field *field, int64_t value,
                             kpu_candidate *candidate);

/* All columns of the rows of a space, in this order: id, machine, gemm, the candidate's fields, the
 * machine axes, the metrics. */
typedef struct kpu_columns {
    kpu_column *column;
    size_t count, axis_first, metric_first;
    char **names; /* owned: of the machine axes */
    char **words; /* owned: of the machine axes that are words */
    size_t name_count, word_count;
} kpu_columns;

/* KPU_OK or KPU_E_MEMORY. kpu_columns_fini it in any case. */
int kpu_columns_make(const kpu_space *space, kpu_columns *out);
void kpu_columns_fini(kpu_columns *columns);
/* One row into values[columns->count]. */
void kpu_columns_put_row(const kpu_columns *columns, const kpu_space *space, const kpu_row *row,
                         kpu_metric_value *values);

/* The point of such values; the hoists too if residency was not automatic. False: it is none of the
 * space. */
bool kpu_columns_take_point(const kpu_columns *columns, const kpu_space *space,
                            const kpu_metric_value *values, kpu_point *out);
/* Whether fronts or the search look at this metric. */
bool kpu_columns_is_followed(const kpu_space *space, size_t metric);

/* Where the hoists of a row are: asked for if residency was not automatic. */
extern const char *const kpu_hoist_columns[KPU_OPERANDS][KPU_HOIST_LEVELS];
/* What row `row` of a results file was asked; the hoists too if residency was not automatic. */
int kpu_columns_read_point(kpu_results *results, int64_t row, kpu_point *out, kpu_diag *diag);

#endif
