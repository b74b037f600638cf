/* The fronts of a run for people. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/run.h"

/* Room for the id, the machine's name and keys (61), the candidate's fields (19), objectives. */
enum { ROWS_SHOWN = 10, AXES_MAX = 64, OBJECTIVES_MAX = 32, COLUMNS_MAX = 160 };

static int by_cost(const void *first, const void *second, void *context)
{
    const kpu_front_row *a = *(kpu_front_row *const *)first, *b = *(kpu_front_row *const *)second;
    const kpu_fronts *fronts = context;
    for (size_t i = 0; i < fronts->objectives; i++)
        if (a->cost[i] != b->cost[i])
            return a->cost[i] < b->cost[i] ? -1 : 1;
    return (a->point.index > b->point.index) - (a->point.index < b->point.index);
}

static void sort_front(const kpu_fronts *fronts, const kpu_front *front)
{
    if (front->count > 0)
        qsort_r(front->rows, front->count, sizeof *front->rows, by_cost, (void *)fronts);
}

/* Rows that are equal in every objective follow one another; the first speaks for all. */
static bool repeats(const kpu_fronts *fronts, const kpu_front *front, size_t row)
{
    for (size_t i = 0; row > 0 && i < fronts->objectives; i++)
        if (front->rows[row]->cost[i] != front->rows[row - 1]->cost[i])
            return false;
    return row > 0;
}

static size_t count_distinct(const kpu_fronts *fronts, const kpu_front *front)
{
    size_t distinct = 0;
    for (size_t i = 0; i < front->count; i++)
        distinct += !repeats(fronts, front, i);
    return distinct;
}

/* What the table shows: fields in which the front's members differ, and the tile and dataflow. */
typedef struct front_table {
    bool has_machine;
    int id_width;
    const kpu_candidate_field *field[COLUMNS_MAX];
    size_t fields;
    const char *titles[COLUMNS_MAX];
    char axis_titles[AXES_MAX][2 * KPU_INI_NAME_MAX + 2];
    size_t columns;
} front_table;

static bool varies(const kpu_front *front, const kpu_candidate_field *field)
{
    int64_t first = kpu_candidate_field_value(field, &front->rows[0]->point.candidate);
    for (size_t i = 1; i < front->count; i++)
        if (kpu_candidate_field_value(field, &front->rows[i]->point.candidate) != first)
            return true;
    return false;
}

/* A field of A, which those of B and C follow: one column for all three. */
static bool is_triple(const kpu_candidate_field *field)
{
    return strcmp(field->name, field->key) != 0 && field->name[strlen(field->name) - 1] == 'A';
}

static bool is_always_shown(const kpu_candidate_field *field)
{
    static const char *const names[] = {"TM", "TN", "TK", "dataflow"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(field->name, names[i]) == 0)
            return true;
    return false;
}

static void plan_machine(const kpu_space *space, front_table *out)
{
    const char *name = kpu_space_machine(space, 0)->name;
    for (size_t m = 1; m < kpu_space_machine_count(space); m++)
        out->has_machine |= strcmp(kpu_space_machine(space, (int64_t)m)->name, name) != 0;
    if (out->has_machine)
        out->titles[out->columns++] = "machine";
    for (size_t a = 0; a < kpu_space_machine_axis_count(space); a++) {
        const kpu_key *key = kpu_space_machine_axis(space, a);
        snprintf(out->axis_titles[a], sizeof out->axis_titles[a], "%s.%s", key->section, key->name);
        out->titles[out->columns++] = out->axis_titles[a];
    }
}

static void plan_table(const kpu_fronts *fronts, const kpu_front *front, front_table *out)
{
    *out = (front_table){0};
    out->titles[out->columns++] = "id";
    for (size_t i = 0; i < front->count; i++) {
        int width = snprintf(NULL, 0, "%lld", (long long)front->rows[i]->point.index);
        out->id_width = width > out->id_width ? width : out->id_width;
    }
    plan_machine(fronts->space, out);
    for (size_t i = 0; i < kpu_candidate_field_count(); i++) {
        const kpu_candidate_field *field = kpu_candidate_field_at(i);
        bool triple = is_triple(field), shown = is_always_shown(field);
        for (int x = 0; x < (triple ? KPU_OPERANDS : 1); x++)
            shown = shown || varies(front, field + x);
        if (shown) {
            out->field[out->fields++] = field;
            out->titles[out->columns++] = triple ? field->key : field->name;
        }
        i += triple ? KPU_OPERANDS - 1 : 0;
    }
    for (size_t i = 0; i < fronts->objectives && i < OBJECTIVES_MAX; i++)
        out->titles[out->columns++] =
            kpu_metric_at((size_t)kpu_space_objective(fronts->space, i))->name;
}

static void add_machine(const kpu_space *space, const front_table *plan, int64_t machine,
                        kpu_table *table)
{
    char word[KPU_INI_NAME_MAX];
    if (plan->has_machine)
        kpu_table_add_text(table, kpu_space_machine(space, machine)->name);
    for (size_t a = 0; a < kpu_space_machine_axis_count(space); a++) {
        double value = kpu_space_machine_axis_value(space, a, machine);
        if (kpu_key_word(kpu_space_machine_axis(space, a), (int64_t)value, word, sizeof word))
            kpu_table_add_text(table, word);
        else
            kpu_table_add_real(table, value);
    }
}

static void add_field(const kpu_candidate_field *field, const kpu_candidate *candidate,
                      kpu_table *table)
{
    int64_t value = kpu_candidate_field_value(field, candidate);
    if (field->words) {
        kpu_table_add_text(table, field->words[value]);
    } else if (is_triple(field)) {
        int64_t b = kpu_candidate_field_value(field + 1, candidate);
        int64_t c = kpu_candidate_field_value(field + 2, candidate);
        char text[3 * 24];
        snprintf(text, sizeof text, value == b && b == c ? "%lld" : "%lld/%lld/%lld",
                 (long long)value, (long long)b, (long long)c);
        kpu_table_add_text(table, text);
    } else {
        kpu_table_add_int(table, value);
    }
}

static void add_row(const kpu_fronts *fronts, const front_table *plan, const kpu_front_row *row,
                    kpu_table *table)
{
    char id[24];
    snprintf(id, sizeof id, "%*lld", plan->id_width, (long long)row->point.index);
    kpu_table_add_text(table, id); /* as `show` takes it: without commas */
    add_machine(fronts->space, plan, row->point.machine, table);
    for (size_t i = 0; i < plan->fields; i++)
        add_field(plan->field[i], &row->point.candidate, table);
    for (size_t i = 0; i < fronts->objectives && i < OBJECTIVES_MAX; i++) {
        int metric = kpu_space_objective(fronts->space, i);
        double value = kpu_fronts_shown(fronts, i, row->cost[i]);
        if (kpu_metric_at((size_t)metric)->type == KPU_METRIC_INT64)
            kpu_table_add_int(table, (int64_t)value);
        else
            kpu_table_add_real(table, value);
    }
}

/* All rows but repetitions, or some of them at even distances, the first and last among them. */
static void put_table(const kpu_fronts *fronts, const kpu_front *front, kpu_text *out)
{
    front_table plan;
    kpu_table table;
    plan_table(fronts, front, &plan);
    kpu_table_init(&table, plan.titles, plan.columns);
    size_t distinct = count_distinct(fronts, front), seen = 0, shown = 0;
    size_t wanted = distinct < ROWS_SHOWN ? distinct : ROWS_SHOWN;
    for (size_t i = 0; i < front->count; i++) {
        if (repeats(fronts, front, i))
            continue;
        if (seen++ != (wanted > 1 ? shown * (distinct - 1) / (wanted - 1) : 0))
            continue;
        add_row(fronts, &plan, front->rows[i], &table);
        shown++;
    }
    kpu_table_print(&table, KPU_TABLE_TEXT, out);
    kpu_table_fini(&table);
    if (shown < distinct)
        kpu_text_format(out, "(%zu of %zu)\n", shown, distinct);
}

static void put_heading(const kpu_fronts *fronts, int64_t gemm, kpu_text *out)
{
    const kpu_gemm *g = kpu_space_gemm(fronts->space, gemm);
    const int64_t *dim = g->problem.dim;
    kpu_text_format(out, "\n%s %s, %lldx%lldx%lld", kpu_space_workload_name(fronts->space, gemm),
                    g->name, (long long)dim[KPU_M], (long long)dim[KPU_N], (long long)dim[KPU_K]);
    if (g->count > 1)
        kpu_text_format(out, " x%lld", (long long)g->count);
    kpu_text_put(out, ": ");
}

static void put_chart(const kpu_fronts *fronts, int64_t gemm, kpu_text *out)
{
    const kpu_front *front = &fronts->front[gemm];
    double *numbers = calloc(2 * front->count + 1, sizeof *numbers);
    if (!numbers) {
        out->failed = true;
        return;
    }
    const kpu_chart chart = {
        .x_title = kpu_metric_at((size_t)kpu_space_objective(fronts->space, 0))->name,
        .y_title = kpu_metric_at((size_t)kpu_space_objective(fronts->space, 1))->name,
        .x = numbers,
        .y = numbers + front->count,
        .count = front->count};
    for (size_t i = 0; i < front->count; i++) {
        numbers[i] = kpu_fronts_shown(fronts, 0, front->rows[i]->cost[0]);
        numbers[front->count + i] = kpu_fronts_shown(fronts, 1, front->rows[i]->cost[1]);
    }
    put_heading(fronts, gemm, out);
    kpu_text_put(out, "the front\n");
    kpu_chart_print(&chart, out);
    free(numbers);
}

/* The GEMM with most multiply-accumulates of those that have a front to draw, or -1. */
static int64_t busiest_gemm(const kpu_fronts *fronts)
{
    int64_t busiest = -1;
    double most = 0;
    for (size_t g = 0; g < kpu_space_gemm_count(fronts->space); g++) {
        const kpu_gemm *gemm = kpu_space_gemm(fronts->space, (int64_t)g);
        const int64_t *dim = gemm->problem.dim;
        double work =
            (double)gemm->count * (double)dim[KPU_M] * (double)dim[KPU_N] * (double)dim[KPU_K];
        if (fronts->front[g].count > 1 && work > most) {
            busiest = (int64_t)g;
            most = work;
        }
    }
    return busiest;
}

void kpu_fronts_print(const kpu_fronts *fronts, kpu_text *out)
{
    for (size_t g = 0; g < kpu_space_gemm_count(fronts->space); g++) {
        const kpu_front *front = &fronts->front[g];
        sort_front(fronts, front);
        put_heading(fronts, (int64_t)g, out);
        if (front->count == 0) {
            kpu_text_put(out, "no candidate fits\n");
            continue;
        }
        size_t distinct = count_distinct(fronts, front);
        kpu_text_format(out, "%zu on the front", distinct);
        if (distinct < front->count)
            kpu_text_format(out, ", and %zu equal to one of them", front->count - distinct);
        kpu_text_put(out, "\n");
        put_table(fronts, front, out);
    }
    int64_t drawn = fronts->objectives > 1 ? busiest_gemm(fronts) : -1;
    if (drawn >= 0)
        put_chart(fronts, drawn, out);
}
