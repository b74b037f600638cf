/* A comparison for programs: one fact a row. */
#include <math.h>
#include <string.h>

#include "tools/diff.h"
#include "tools/output.h"

static const char *const titles[] = {"what", "workload", "gemm", "name", "count",
                                     "id_a", "id_b",     "a",    "b",    "change"};

/* A cell: text, a value of a column, or a number; none of them: empty. */
typedef struct cell {
    const char *text;
    const kpu_column *column;
    kpu_metric_value value;
    bool is_number;
    double number;
} cell;

typedef struct row {
    const char *what, *workload, *gemm, *name; /* NULL: empty */
    int64_t count;                             /* -1: empty */
    int64_t id[KPU_DIFF_SIDES];                /* -1: empty */
    cell side[KPU_DIFF_SIDES];
    double change; /* NaN: empty */
} row;

static const row empty_row = {.count = -1, .id = {-1, -1}, .change = NAN};

static cell number_cell(double number)
{
    return (cell){.is_number = true, .number = number};
}

static void add_text(kpu_table *table, const char *text)
{
    if (text)
        kpu_table_add_text(table, text);
    else
        kpu_table_add_real(table, NAN);
}

static void add_count(kpu_table *table, int64_t count)
{
    if (count >= 0)
        kpu_table_add_int(table, count);
    else
        kpu_table_add_real(table, NAN);
}

static void add_cell(kpu_table *table, const cell *c)
{
    if (c->column)
        kpu_pareto_add_value(c->column, c->value, table);
    else if (c->is_number)
        kpu_table_add_real(table, c->number);
    else
        add_text(table, c->text);
}

static void add_row(kpu_table *table, const row *r)
{
    add_text(table, r->what);
    add_text(table, r->workload);
    add_text(table, r->gemm);
    add_text(table, r->name);
    add_count(table, r->count);
    for (int i = 0; i < KPU_DIFF_SIDES; i++)
        add_count(table, r->id[i]);
    for (int i = 0; i < KPU_DIFF_SIDES; i++)
        add_cell(table, &r->side[i]);
    kpu_table_add_real(table, r->change);
}

/* ---- What was asked, candidates, metrics ------------------------------------------------ */

static void add_counts(const kpu_diff *diff, kpu_table *table)
{
    const struct {
        const char *name;
        int64_t count;
    } counts[] = {{"both", diff->both},
                  {"only in A", diff->side[KPU_DIFF_A].only},
                  {"only in B", diff->side[KPU_DIFF_B].only},
                  {"fit only in A", diff->side[KPU_DIFF_A].fits_alone},
                  {"fit only in B", diff->side[KPU_DIFF_B].fits_alone},
                  {"changed", diff->changed}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        row r = empty_row;
        r.what = "candidates";
        r.name = counts[i].name;
        r.count = counts[i].count;
        add_row(table, &r);
    }
}

static void add_facts(const kpu_diff *diff, kpu_table *table)
{
    for (size_t i = 0; i < diff->fact_count; i++) {
        row r = empty_row;
        r.what = diff->facts[i].what;
        r.name = diff->facts[i].name;
        for (int side = 0; side < KPU_DIFF_SIDES; side++)
            r.side[side].text = diff->facts[i].value[side];
        add_row(table, &r);
    }
}

static void add_metrics(const kpu_diff *diff, kpu_table *table)
{
    for (size_t i = 0; i < diff->metric_count; i++) {
        const kpu_diff_metric *m = &diff->metrics[i];
        row r = empty_row;
        r.name = kpu_pareto_column(&diff->side[KPU_DIFF_A].pareto, m->column[KPU_DIFF_A])->name;
        r.what = "metric lower";
        r.count = m->lower;
        if (m->lower > 0)
            add_row(table, &r);
        r.what = "metric higher";
        r.count = m->higher;
        if (m->higher > 0)
            add_row(table, &r);
        r.what = "metric";
        r.count = m->lower + m->higher + m->other;
        r.change = m->change;
        for (int side = 0; side < KPU_DIFF_SIDES; side++) {
            r.id[side] = m->id[side];
            r.side[side].column = kpu_pareto_column(&diff->side[side].pareto, m->column[side]);
            r.side[side].value = m->value[side];
        }
        if (r.count > 0)
            add_row(table, &r);
    }
}

/* ---- Fronts ----------------------------------------------------------------------------- */

static void add_numbers(kpu_table *table, row *r, double a, double b)
{
    r->side[KPU_DIFF_A] = number_cell(a);
    r->side[KPU_DIFF_B] = number_cell(b);
    add_row(table, r);
}

static void add_change(kpu_table *table, row *r, double a, double b)
{
    r->change = kpu_diff_change(a, b);
    add_numbers(table, r, a, b);
    r->change = NAN;
}

static int64_t id_of(const kpu_diff_side *side, int64_t member)
{
    return member < 0 ? -1 : kpu_pareto_cell(&side->pareto, member, "id");
}

static void add_objectives(const kpu_diff *diff, const kpu_diff_front *front, row r,
                           kpu_table *table)
{
    const kpu_pareto *p = &diff->side[KPU_DIFF_A].pareto;
    for (int d = 0; d < p->objective_count; d++) {
        double best[KPU_DIFF_SIDES];
        r.what = "best";
        r.name = kpu_pareto_column(p, p->objectives[d])->name;
        for (int i = 0; i < KPU_DIFF_SIDES; i++) {
            int64_t member;
            best[i] = kpu_diff_best(&diff->side[i], front->gemm[i], d, &member);
            r.id[i] = id_of(&diff->side[i], member);
        }
        add_change(table, &r, best[KPU_DIFF_A], best[KPU_DIFF_B]);
        r.what = "reference";
        r.id[KPU_DIFF_A] = r.id[KPU_DIFF_B] = -1;
        double reference = kpu_pareto_turned(p, d, front->box.reference[d]);
        add_numbers(table, &r, reference, reference);
    }
}

static void add_measures(const kpu_diff *diff, const kpu_diff_front *front, row r, kpu_table *table)
{
    const kpu_measure *a = &front->measure[KPU_DIFF_A], *b = &front->measure[KPU_DIFF_B];
    double size[KPU_DIFF_SIDES];
    for (int i = 0; i < KPU_DIFF_SIDES; i++) {
        const kpu_pareto *p = &diff->side[i].pareto;
        size[i] = (double)(p->first[front->gemm[i] + 1] - p->first[front->gemm[i]]);
    }
    r.what = "front size";
    add_change(table, &r, size[KPU_DIFF_A], size[KPU_DIFF_B]);
    add_objectives(diff, front, r, table);
    r.what = "hypervolume";
    add_change(table, &r, a->hypervolume, b->hypervolume);
    r.what = "epsilon additive";
    add_numbers(table, &r, a->epsilon_additive, b->epsilon_additive);
    r.what = "epsilon multiplicative";
    add_numbers(table, &r, a->epsilon_multiplicative, b->epsilon_multiplicative);
}

/* Of members that both have with other values, B tells. */
static const char *what_of(int side, kpu_diff_state state)
{
    if (state == KPU_DIFF_SAME || (state == KPU_DIFF_DIFFERENT && side == KPU_DIFF_A))
        return NULL;
    return state == KPU_DIFF_DIFFERENT ? "changed" : side == KPU_DIFF_A ? "gone" : "new";
}

static void add_members(const kpu_diff *diff, const kpu_diff_front *front, int at, row r,
                        kpu_table *table)
{
    const kpu_diff_side *side = &diff->side[at], *other = &diff->side[1 - at];
    const kpu_pareto *p = &side->pareto;
    int64_t gemm = front->gemm[at];
    for (int64_t m = p->first[gemm]; m < p->first[gemm + 1]; m++) {
        const kpu_diff_member *member = &side->members[m];
        r.what = what_of(at, member->state);
        for (int d = 0; r.what && d < p->objective_count; d++) {
            double value[KPU_DIFF_SIDES] = {NAN, NAN};
            r.name = kpu_pareto_column(p, p->objectives[d])->name;
            r.id[at] = id_of(side, m);
            r.id[1 - at] = id_of(other, member->partner);
            value[at] = kpu_pareto_turned(p, d, p->costs[m * p->objective_count + d]);
            if (member->partner >= 0)
                value[1 - at] = kpu_pareto_turned(
                    p, d, other->pareto.costs[member->partner * p->objective_count + d]);
            add_change(table, &r, value[KPU_DIFF_A], value[KPU_DIFF_B]);
        }
    }
}

int kpu_diff_print_rows(const kpu_diff *diff, kpu_table_format format)
{
    kpu_text out = {0};
    kpu_table table;
    kpu_table_init(&table, titles, sizeof titles / sizeof *titles);
    add_facts(diff, &table);
    add_counts(diff, &table);
    add_metrics(diff, &table);
    for (size_t i = 0; i < diff->front_count; i++) {
        const kpu_diff_front *front = &diff->fronts[i];
        const kpu_pareto *a = &diff->side[KPU_DIFF_A].pareto;
        row r = empty_row;
        r.workload = a->workload_names[front->gemm[KPU_DIFF_A]];
        r.gemm = a->gemm_names[front->gemm[KPU_DIFF_A]];
        add_measures(diff, front, r, &table);
        for (int side = 0; side < KPU_DIFF_SIDES; side++)
            add_members(diff, front, side, r, &table);
    }
    kpu_table_print(&table, format, &out);
    kpu_table_fini(&table);
    return kpu_tool_print(&out);
}
