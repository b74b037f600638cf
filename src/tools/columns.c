#include "tools/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define AT(member) offsetof(kpu_candidate, member)
#define FIELD(name, member)                                                                        \
    {                                                                                              \
        name, name, NULL, AT(member), false, NULL, 0                                               \
    }
#define OPERAND(name, key, text, member)                                                           \
    {                                                                                              \
        name, key, text, AT(member), false, NULL, 0                                                \
    }

static const char letters[] = "mnk"; /* KPU_M, KPU_N, KPU_K */
static const char *const order_words[] = {"mnk", "mkn", "nmk", "nkm", "kmn", "knm"};

static const kpu_candidate_field fields[] = {
    FIELD("TM", tile[KPU_M]),
    FIELD("TN", tile[KPU_N]),
    FIELD("TK", tile[KPU_K]),
    FIELD("BM", block[KPU_M]),
    FIELD("BN", block[KPU_N]),
    FIELD("BK", block[KPU_K]),
    {"dataflow", "dataflow", NULL, AT(dataflow), false, kpu_dataflow_names, KPU_DATAFLOWS},
    FIELD("swap", swap),
    {"order", "order", NULL, AT(order), true, order_words, COUNT(order_words)},
    OPERAND("d3_A", "d3", "buffering of A at L3", l3_buffers[KPU_A]),
    OPERAND("d3_B", "d3", "buffering of B at L3", l3_buffers[KPU_B]),
    OPERAND("d3_C", "d3", "buffering of C at L3", l3_buffers[KPU_C]),
    OPERAND("d2_A", "d2", "buffering of A at L2", l2_buffers[KPU_A]),
    OPERAND("d2_B", "d2", "buffering of B at L2", l2_buffers[KPU_B]),
    OPERAND("d2_C", "d2", "buffering of C at L2", l2_buffers[KPU_C]),
    FIELD("d1", l1_buffers),
    {"control", "control", NULL, AT(control), false, kpu_control_names, KPU_CONTROLS},
    FIELD("eddo_window", eddo_window),
    OPERAND("auto_residency", "residency",
            "1 if the hoist positions were chosen, 0 if they were given", auto_residency),
};

size_t kpu_candidate_field_count(void)
{
    return COUNT(fields);
}

const kpu_candidate_field *kpu_candidate_field_at(size_t index)
{
    return &fields[index];
}

static int64_t order_number(const int64_t order[KPU_DIMS])
{
    for (size_t i = 0; i < COUNT(order_words); i++) {
        bool same = true;
        for (int d = 0; d < KPU_DIMS; d++)
            same = same && order_words[i][d] == letters[order[d]];
        if (same)
            return (int64_t)i;
    }
    return -1;
}

int64_t kpu_candidate_field_value(const kpu_candidate_field *field, const kpu_candidate *candidate)
{
    const int64_t *value = (const void *)((const char *)candidate + field->offset);
    return field->is_order ? order_number(value) : *value;
}

bool kpu_candidate_field_set(const kpu_candidate_field *field, int64_t value,
                             kpu_candidate *candidate)
{
    int64_t *target = (void *)((char *)candidate + field->offset);
    if (field->words && (value < 0 || value >= (int64_t)field->word_count))
        return false;
    if (!field->is_order) {
        *target = value;
        return true;
    }
    for (int d = 0; d < KPU_DIMS; d++)
        target[d] = strchr(letters, order_words[value][d]) - letters;
    return true;
}

/* ---- The columns ------------------------------------------------------------------------ */

static const kpu_column place_columns[] = {
    {"candidates", "id", "", "number of the point in the space", KPU_SENSE_NONE, KPU_COLUMN_INT64,
     NULL, 0},
    {"candidates", "machine", "", "row of /machines, from 0", KPU_SENSE_NONE, KPU_COLUMN_INT64,
     NULL, 0},
    {"candidates", "gemm", "", "row of /workloads, from 0", KPU_SENSE_NONE, KPU_COLUMN_INT64, NULL,
     0},
};
enum { PLACE_COLUMNS = COUNT(place_columns) };

static kpu_column field_column(const kpu_candidate_field *field)
{
    const kpu_key *key = kpu_key_find(KPU_FILE_SWEEP, "space", field->key);
    return (kpu_column){.group = "candidates",
                        .name = field->name,
                        .unit = field->offset == AT(auto_residency) ? "" : key->unit,
                        .description = field->description ? field->description : key->help,
                        .type = field->words ? KPU_COLUMN_ENUM : KPU_COLUMN_INT64,
                        .words = field->words,
                        .word_count = field->word_count};
}

/* The words of a key as owned strings at the end of out->words. */
static bool add_words(const kpu_key *key, kpu_columns *out, kpu_column *column)
{
    char word[KPU_INI_NAME_MAX];
    size_t first = out->word_count;
    for (int64_t n = 0; kpu_key_word(key, n, word, sizeof word); n++) {
        char *copy = strdup(word);
        if (!copy)
            return false;
        out->words[out->word_count++] = copy;
    }
    column->words = (const char *const *)&out->words[first];
    column->word_count = out->word_count - first;
    return true;
}

static bool add_axis(const kpu_key *key, kpu_columns *out)
{
    char *name = NULL;
    if (asprintf(&name, "%s.%s", key->section, key->name) < 0)
        return false;
    out->names[out->name_count++] = name;
    kpu_column *column = &out->column[out->count++];
    *column = (kpu_column){.group = "candidates",
                           .name = name,
                           .unit = key->unit,
                           .description = key->help,
                           .type = key->type == KPU_KEY_INT    ? KPU_COLUMN_INT64
                                   : key->type == KPU_KEY_WORD ? KPU_COLUMN_ENUM
                                                               : KPU_COLUMN_DOUBLE};
    return key->type != KPU_KEY_WORD || add_words(key, out, column);
}

static kpu_column metric_column(const kpu_metric *metric)
{
    return (kpu_column){.group = "metrics",
                        .name = metric->name,
                        .unit = metric->unit,
                        .description = metric->description,
                        .sense = metric->sense,
                        .type = metric->words                      ? KPU_COLUMN_ENUM
                                : metric->type == KPU_METRIC_INT64 ? KPU_COLUMN_INT64
                                                                   : KPU_COLUMN_DOUBLE,
                        .words = metric->words,
                        .word_count = metric->word_count};
}

static size_t count_words(const kpu_space *space)
{
    char word[KPU_INI_NAME_MAX];
    size_t count = 0;
    for (size_t a = 0; a < kpu_space_machine_axis_count(space); a++) {
        const kpu_key *key = kpu_space_machine_axis(space, a);
        for (int64_t n = 0; key->type == KPU_KEY_WORD && kpu_key_word(key, n, word, sizeof word);
             n++)
            count++;
    }
    return count;
}

int kpu_columns_make(const kpu_space *space, kpu_columns *out)
{
    size_t axes = kpu_space_machine_axis_count(space);
    size_t all = PLACE_COLUMNS + COUNT(fields) + axes + kpu_metric_count();
    *out = (kpu_columns){.column = calloc(all, sizeof *out->column),
                         .names = calloc(axes + 1, sizeof *out->names),
                         .words = calloc(count_words(space) + 1, sizeof *out->words)};
    if (!out->column || !out->names || !out->words)
        return KPU_E_MEMORY;
    for (size_t i = 0; i < PLACE_COLUMNS; i++)
        out->column[out->count++] = place_columns[i];
    for (size_t i = 0; i < COUNT(fields); i++)
        out->column[out->count++] = field_column(&fields[i]);
    out->axis_first = out->count;
    for (size_t a = 0; a < axes; a++)
        if (!add_axis(kpu_space_machine_axis(space, a), out))
            return KPU_E_MEMORY;
    out->metric_first = out->count;
    for (size_t m = 0; m < kpu_metric_count(); m++)
        out->column[out->count++] = metric_column(kpu_metric_at(m));
    return KPU_OK;
}

void kpu_columns_fini(kpu_columns *columns)
{
    for (size_t i = 0; i < columns->name_count; i++)
        free(columns->names[i]);
    for (size_t i = 0; i < columns->word_count; i++)
        free(columns->words[i]);
    free(columns->names);
    free(columns->words);
    free(columns->column);
    *columns = (kpu_columns){0};
}

void kpu_columns_put_row(const kpu_columns *columns, const kpu_space *space, const kpu_row *row,
                         kpu_metric_value *values)
{
    const kpu_point *point = &row->point;
    kpu_metric_value *out = values;
    (out++)->i = point->index;
    (out++)->i = point->machine;
    (out++)->i = point->gemm;
    for (size_t i = 0; i < COUNT(fields); i++)
        (out++)->i = kpu_candidate_field_value(&fields[i], &point->candidate);
    for (size_t a = 0; columns->axis_first + a < columns->metric_first; a++, out++) {
        double value = kpu_space_machine_axis_value(space, a, point->machine);
        if (columns->column[columns->axis_first + a].type == KPU_COLUMN_DOUBLE)
            out->d = value;
        else
            out->i = (int64_t)value;
    }
    memcpy(out, row->metrics, kpu_metric_count() * sizeof *out);
}

/* ---- Back ------------------------------------------------------------------------------- */

static int read_value(kpu_results *results, const char *name, int64_t row, int64_t *out,
                      kpu_diag *diag)
{
    kpu_metric_value value;
    int column = kpu_results_find(results, name);
    if (column < 0)
        return kpu_diag_add(diag, KPU_E_INPUT, "the results have no column '%s'", name);
    int status = kpu_results_read(results, (size_t)column, row, 1, &value, diag);
    *out = status ? 0 : value.i;
    return status;
}

const char *const kpu_hoist_columns[KPU_OPERANDS][KPU_HOIST_LEVELS] = {
    {"hoist_l3_A", "hoist_l2_A"}, {"hoist_l3_B", "hoist_l2_B"}, {"hoist_l3_C", "hoist_l2_C"}};

static void take_hoists(const kpu_metric_value *metrics, kpu_candidate *candidate)
{
    for (int x = 0; x < KPU_OPERANDS; x++)
        for (int level = 0; level < KPU_HOIST_LEVELS; level++)
            candidate->hoist[x][level] = metrics[kpu_metric_find(kpu_hoist_columns[x][level])].i;
}

bool kpu_columns_take_point(const kpu_columns *columns, const kpu_space *space,
                            const kpu_metric_value *values, kpu_point *out)
{
    const kpu_metric_value *field = values + PLACE_COLUMNS;
    *out = (kpu_point){.index = values[0].i, .machine = values[1].i, .gemm = values[2].i};
    bool known = out->index >= 0 && out->index < kpu_space_raw_size(space) && out->machine >= 0 &&
                 out->machine < (int64_t)kpu_space_machine_count(space) && out->gemm >= 0 &&
                 out->gemm < (int64_t)kpu_space_gemm_count(space);
    for (size_t i = 0; known && i < COUNT(fields); i++)
        known = kpu_candidate_field_set(&fields[i], field[i].i, &out->candidate);
    if (known && !out->candidate.auto_residency)
        take_hoists(values + columns->metric_first, &out->candidate);
    return known;
}

bool kpu_columns_is_followed(const kpu_space *space, size_t metric)
{
    bool followed = kpu_metric_find("feasible") == (int)metric || kpu_search_needs(space, metric);
    for (size_t i = 0; !followed && i < kpu_space_objective_count(space); i++)
        followed = kpu_space_objective(space, i) == (int)metric;
    return followed;
}

static int read_hoists(kpu_results *results, int64_t row, kpu_candidate *candidate, kpu_diag *diag)
{
    int status = KPU_OK;
    for (int x = 0; !status && x < KPU_OPERANDS; x++)
        for (int level = 0; !status && level < KPU_HOIST_LEVELS; level++)
            status = read_value(results, kpu_hoist_columns[x][level], row,
                                &candidate->hoist[x][level], diag);
    return status;
}

int kpu_columns_read_point(kpu_results *results, int64_t row, kpu_point *out, kpu_diag *diag)
{
    *out = (kpu_point){0};
    int status = read_value(results, "id", row, &out->index, diag);
    if (!status)
        status = read_value(results, "machine", row, &out->machine, diag);
    if (!status)
        status = read_value(results, "gemm", row, &out->gemm, diag);
    for (size_t i = 0; !status && i < COUNT(fields); i++) {
        int64_t value = 0;
        status = read_value(results, fields[i].name, row, &value, diag);
        if (!status && !kpu_candidate_field_set(&fields[i], value, &out->candidate))
            status = kpu_diag_add(diag, KPU_E_INPUT, "%s = %lld of row %lld is no word of ours",
                                  fields[i].name, (long long)value, (long long)row);
    }
    if (!status && !out->candidate.auto_residency)
        status = read_hoists(results, row, &out->candidate, diag);
    return status;
}
