/* The rows of a results file against the members of a front. */
#include "tools/certify.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/columns.h"

enum { ROWS_AT_ONCE = 2048 };

typedef struct comparison {
    const kpu_certify_results *what;
    kpu_diag *diag;
    kpu_columns columns;
    size_t *found;            /* of each of our columns, the file's */
    kpu_metric_value *values; /* of the rows at hand, column by column */
    int64_t first, count;     /* of these rows */
    bool *seen;               /* members whose rows came */
    kpu_certify_member *members;
    int64_t *member_rows; /* members among the rows at hand, and which rows they are */
    size_t member_count;
    kpu_metric_value *expected; /* one row */
} comparison;

static int no_memory(const comparison *c)
{
    return kpu_diag_add(c->diag, KPU_E_MEMORY, "out of memory");
}

__attribute__((format(printf, 3, 4))) static int refute(const comparison *c, int64_t row,
                                                        const char *format, ...)
{
    const kpu_place place = {.file = c->what->path};
    char message[256];
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    return kpu_diag_add_at(c->diag, KPU_E_REFUTED, &place, "row %" PRId64 ": %s", row, message);
}

static kpu_metric_value value_at(const comparison *c, size_t column, int64_t row)
{
    return c->values[column * ROWS_AT_ONCE + (size_t)row];
}

/* ---- Members ----------------------------------------------------------------------------- */

static bool same(kpu_column_type type, kpu_metric_value a, kpu_metric_value b)
{
    if (type == KPU_COLUMN_DOUBLE)
        return a.d == b.d || (isnan(a.d) && isnan(b.d));
    return a.i == b.i;
}

static int compare_row(const comparison *c, const kpu_row *row, int64_t at)
{
    kpu_columns_put_row(&c->columns, c->what->space, row, c->expected);
    for (size_t i = 0; i < c->columns.count; i++) {
        const kpu_column *column = &c->columns.column[i];
        kpu_metric_value have = value_at(c, i, at), want = c->expected[i];
        if (same(column->type, have, want))
            continue;
        bool real = column->type == KPU_COLUMN_DOUBLE;
        return refute(c, c->first + at, "%s of candidate %" PRId64 " is %.17g, timed again %.17g",
                      column->name, row->point.index, real ? have.d : (double)have.i,
                      real ? want.d : (double)want.i);
    }
    return KPU_OK;
}

/* Times the members among the rows at hand, and compares all columns. */
static int compare_members(const comparison *c)
{
    kpu_row *rows = NULL;
    int status = kpu_certify_time_members(c->what->options, c->what->space, c->members,
                                          c->member_count, &rows, c->diag);
    for (size_t i = 0; !status && i < c->member_count; i++)
        status = compare_row(c, &rows[i], c->member_rows[i]);
    free(rows);
    return status;
}

/* ---- Other rows -------------------------------------------------------------------------- */

/* A row that is no member must not be fit for the front. */
static int check_other(const comparison *c, int64_t at, int64_t id, int64_t gemm)
{
    const kpu_certify_facts *facts = c->what->facts;
    double value[KPU_CERTIFY_OBJECTIVES_MAX];
    size_t feasible = c->columns.metric_first + (size_t)kpu_metric_find("feasible");
    if (!value_at(c, feasible, at).i)
        return KPU_OK;
    for (size_t i = 0; i < kpu_space_objective_count(c->what->space); i++) {
        size_t column = c->columns.metric_first + (size_t)kpu_space_objective(c->what->space, i);
        kpu_metric_value v = value_at(c, column, at);
        value[i] = c->columns.column[column].type == KPU_COLUMN_DOUBLE ? v.d : (double)v.i;
        if (isnan(value[i]))
            return KPU_OK;
    }
    for (size_t m = 0; m < facts->member_count; m++)
        if (facts->members[m].gemm == gemm &&
            kpu_certify_dominates(c->what->space, facts->members[m].value, value))
            return KPU_OK;
    return refute(c, c->first + at,
                  "candidate %" PRId64 " is no member of the front, and no member dominates it",
                  id);
}

/* ---- All rows ---------------------------------------------------------------------------- */

static int sort_row(comparison *c, int64_t at)
{
    const size_t id_column = 0, gemm_column = 2; /* id, machine, gemm */
    const kpu_certify_facts *facts = c->what->facts;
    int64_t id = value_at(c, id_column, at).i, gemm = value_at(c, gemm_column, at).i;
    int64_t member = kpu_certify_find_member(facts->members, facts->member_count, gemm, id);
    if (member < 0)
        return check_other(c, at, id, gemm);
    if (c->seen[member])
        return refute(c, c->first + at, "a second row of candidate %" PRId64, id);
    c->seen[member] = true;
    c->members[c->member_count] = c->what->facts->members[member];
    c->member_rows[c->member_count++] = at;
    return KPU_OK;
}

static int compare_chunk(comparison *c)
{
    int status = KPU_OK;
    for (size_t i = 0; !status && i < c->columns.count; i++)
        status = kpu_results_read(c->what->results, c->found[i], c->first, c->count,
                                  &c->values[i * ROWS_AT_ONCE], c->diag);
    c->member_count = 0;
    for (int64_t at = 0; !status && at < c->count; at++)
        status = sort_row(c, at);
    return !status && c->member_count > 0 ? compare_members(c) : status;
}

static int find_columns(comparison *c)
{
    const kpu_place place = {.file = c->what->path};
    for (size_t i = 0; i < c->columns.count; i++) {
        int column = kpu_results_find(c->what->results, c->columns.column[i].name);
        if (column < 0)
            return kpu_diag_add_at(c->diag, KPU_E_REFUTED, &place, "has no column %s",
                                   c->columns.column[i].name);
        c->found[i] = (size_t)column;
    }
    return KPU_OK;
}

static int check_all_seen(const comparison *c)
{
    const kpu_place place = {.file = c->what->path};
    for (size_t m = 0; m < c->what->facts->member_count; m++)
        if (!c->seen[m])
            return kpu_diag_add_at(c->diag, KPU_E_REFUTED, &place,
                                   "has no row of candidate %" PRId64 ", member %zu of the front",
                                   c->what->facts->members[m].id, m);
    return KPU_OK;
}

static int compare(comparison *c)
{
    int64_t rows = kpu_results_rows(c->what->results);
    int status = find_columns(c);
    for (c->first = 0; !status && c->first < rows; c->first += c->count) {
        int64_t left = rows - c->first;
        c->count = left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE;
        status = compare_chunk(c);
    }
    return status ? status : check_all_seen(c);
}

int kpu_certify_compare_rows(const kpu_certify_results *what, kpu_diag *diag)
{
    comparison c = {.what = what, .diag = diag};
    int status = kpu_columns_make(what->space, &c.columns);
    c.found = calloc(c.columns.count + 1, sizeof *c.found);
    c.values = calloc(c.columns.count + 1, ROWS_AT_ONCE * sizeof *c.values);
    c.expected = calloc(c.columns.count + 1, sizeof *c.expected);
    c.seen = calloc(what->facts->member_count + 1, sizeof *c.seen);
    c.members = calloc(ROWS_AT_ONCE, sizeof *c.members);
    c.member_rows = calloc(ROWS_AT_ONCE, sizeof *c.member_rows);
    bool made =
        !status && c.found && c.values && c.expected && c.seen && c.members && c.member_rows;
    status = made ? compare(&c) : no_memory(&c);
    kpu_columns_fini(&c.columns);
    free(c.found);
    free(c.values);
    free(c.expected);
    free(c.seen);
    free(c.members);
    free(c.member_rows);
    return status;
}
