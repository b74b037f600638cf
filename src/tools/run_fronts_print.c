/* The fronts of a run for people. */
#include <stdlib.h>
#include <string.h>

#include "tools/run.h"

enum { ROWS_SHOWN = 10, COLUMNS_MAX = 64 };

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

/* What the table shows: fields in which the front's members differ, and the dataflow always. */
typedef struct front_table {
    bool has_machine;
    const kpu_candidate_field *field[COLUMNS_MAX];
    size_t fields;
    const char *titles[COLUMNS_MAX];
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

static bool is_always_shown(const kpu_candidate_field *field)
{
    static const char *const names[] = {"TM", "TN", "TK", "dataflow"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(field->name, names[i]) == 0)
            return true;
    return false;
}

static void plan_table(const kpu_fronts *fronts, const kpu_front *front, front_table *out)
{
    *out = (front_table){.has_machine = kpu_space_machine_count(fronts->space) > 1};
    out->titles[out->columns++] = "id";
    if (out->has_machine) {
        out->titles[out->columns++] = "machine";
        out->titles[out->columns++] = "name";
    }
    for (size_t i = 0; i < kpu_candidate_field_count(); i++) {
        const kpu_candidate_field *field = kpu_candidate_field_at(i);
        if (!is_always_shown(field) && !varies(front, field))
            continue;
        out->field[out->fields++] = field;
        out->titles[out->columns++] = field->name;
    }
    for (size_t i = 0; i < fronts->objectives; i++)
        out->titles[out->columns++] =
            kpu_metric_at((size_t)kpu_space_objective(fronts->space, i))->name;
}

static void add_row(const kpu_fronts *fronts, const front_table *plan, const kpu_front_row *row,
                    kpu_table *table)
{
    const kpu_point *point = &row->point;
    size_t others = plan->columns - fronts->objectives;
    kpu_table_add_int(table, point->index);
    if (plan->has_machine) {
        kpu_table_add_int(table, point->machine);
        kpu_table_add_text(table, kpu_space_machine(fronts->space, point->machine)->name);
    }
    for (size_t i = 0; i < plan->fields; i++) {
        int64_t value = kpu_candidate_field_value(plan->field[i], &point->candidate);
        if (plan->field[i]->words)
            kpu_table_add_text(table, plan->field[i]->words[value]);
        else
            kpu_table_add_int(table, value);
    }
    for (size_t i = 0; others + i < plan->columns; i++) {
        double shown = kpu_fronts_shown(fronts, i, row->cost[i]);
        size_t metric = (size_t)kpu_space_objective(fronts->space, i);
        if (kpu_metric_at(metric)->type == KPU_METRIC_INT64)
            kpu_table_add_int(table, (int64_t)shown);
        else
            kpu_table_add_real(table, shown);
    }
}

/* All rows, or some of them at even distances, the first and the last among them. */
static void put_table(const kpu_fronts *fronts, const kpu_front *front, kpu_text *out)
{
    front_table plan;
    kpu_table table;
    plan_table(fronts, front, &plan);
    kpu_table_init(&table, plan.titles, plan.columns);
    size_t shown = front->count < ROWS_SHOWN ? front->count : ROWS_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        size_t at = shown > 1 ? i * (front->count - 1) / (shown - 1) : 0;
        add_row(fronts, &plan, front->rows[at], &table);
    }
    kpu_table_print(&table, KPU_TABLE_TEXT, out);
    kpu_table_fini(&table);
    if (shown < front->count)
        kpu_text_format(out, "(%zu of %zu)\n", shown, front->count);
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
        .x = numbers, .y = numbers + front->count, .count = front->count};
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
        double work = (double)gemm->count * (double)dim[KPU_M] * (double)dim[KPU_N] *
                      (double)dim[KPU_K];
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
        kpu_text_format(out, "%zu on the front\n", front->count);
        put_table(fronts, front, out);
    }
    int64_t drawn = fronts->objectives > 1 ? busiest_gemm(fronts) : -1;
    if (drawn >= 0)
        put_chart(fronts, drawn, out);
}
