/* Fronts for people (a table each) and for programs (CSV, JSON: one table, exact numbers). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/columns.h"
#include "tools/output.h"
#include "tools/pareto.h"

static const kpu_column *shown_column(const kpu_pareto *p, size_t j)
{
    return kpu_results_column(p->results, p->shown[j]);
}

static kpu_metric_value cell_at(const kpu_pareto *p, int64_t member, size_t j)
{
    return p->cells[(size_t)member * p->shown_count + j];
}

int64_t kpu_pareto_cell(const kpu_pareto *p, int64_t member, const char *name)
{
    for (size_t j = 0; j < p->shown_count; j++)
        if (strcmp(shown_column(p, j)->name, name) == 0)
            return cell_at(p, member, j).i;
    return 0;
}

void kpu_pareto_add_value(const kpu_column *column, kpu_metric_value value, kpu_table *table)
{
    if (column->type == KPU_COLUMN_ENUM)
        kpu_table_add_text(table, value.i >= 0 && (size_t)value.i < column->word_count
                                      ? column->words[value.i]
                                      : "?");
    else if (column->type == KPU_COLUMN_DOUBLE)
        kpu_table_add_real(table, value.d);
    else
        kpu_table_add_int(table, value.i);
}

/* ---- For people ------------------------------------------------------------------------- */

/* How a column of the file is shown. */
typedef enum style {
    STYLE_HIDDEN,
    STYLE_ID,
    STYLE_MACHINE,
    STYLE_GEMM,
    STYLE_VALUE,
    STYLE_TRIPLE
} style;

typedef struct layout {
    style *styles; /* of each shown column */
    const char **titles;
    size_t columns;
    const kpu_pareto_list *list;
    int id_width;
} layout;

static bool varies(const kpu_pareto *p, const layout *l, size_t j)
{
    kpu_metric_value one = cell_at(p, l->list->members[0], j);
    for (int64_t i = 1; i < l->list->count; i++) {
        kpu_metric_value other = cell_at(p, l->list->members[i], j);
        if (memcmp(&one, &other, sizeof one) != 0)
            return true;
    }
    return false;
}

static const kpu_candidate_field *field_named(const char *name)
{
    for (size_t i = 0; i < kpu_candidate_field_count(); i++)
        if (strcmp(kpu_candidate_field_at(i)->name, name) == 0)
            return kpu_candidate_field_at(i);
    return NULL;
}

/* Every member has what the sweep would have without saying anything. */
static bool is_default(const kpu_pareto *p, const layout *l, size_t j)
{
    const kpu_column *column = shown_column(p, j);
    const kpu_candidate_field *field = field_named(column->name);
    int64_t value = cell_at(p, l->list->members[0], j).i;
    if (varies(p, l, j))
        return false;
    if (!field)
        return true;
    const char *fallback = kpu_key_find(KPU_FILE_SWEEP, "space", field->key)->fallback;
    char *end = NULL;
    if (!fallback)
        return false;
    if (column->type == KPU_COLUMN_ENUM)
        return value >= 0 && (size_t)value < column->word_count &&
               strcmp(column->words[value], fallback) == 0;
    int64_t number = strtoll(fallback, &end, 10);
    return value == (*end ? 1 : number); /* auto_residency is 1 for "auto" */
}

/* A field of A, with those of B and C behind it in the file: one column for all three. */
static bool is_triple(const kpu_pareto *p, size_t j)
{
    const kpu_candidate_field *field = field_named(shown_column(p, j)->name);
    return field && strcmp(field->name, field->key) != 0 && strstr(field->name, "_A") &&
           j + 2 < p->shown_count;
}

static bool is_always_shown(const char *name)
{
    static const char *const names[] = {"TM", "TN", "TK", "dataflow"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return strchr(name, '.') != NULL; /* a machine key */
}

/* Machines that only differ in axes share a name, and the axes are shown. */
static bool several_names(char *const *names, int64_t count)
{
    for (int64_t i = 1; i < count; i++)
        if (strcmp(names[i], names[0]) != 0)
            return true;
    return false;
}

static style style_of(const kpu_pareto *p, const layout *l, size_t j)
{
    const char *name = shown_column(p, j)->name;
    kpu_pareto_per per = p->question->per;
    if (j + (size_t)p->objective_count >= p->shown_count)
        return STYLE_VALUE;
    if (strcmp(name, "id") == 0)
        return STYLE_ID;
    if (strcmp(name, "machine") == 0)
        return per != KPU_PER_MACHINE && several_names(p->machine_names, p->machine_count)
                   ? STYLE_MACHINE
                   : STYLE_HIDDEN;
    if (strcmp(name, "gemm") == 0)
        return per == KPU_PER_WORKLOAD || per == KPU_PER_ALL ? STYLE_GEMM : STYLE_HIDDEN;
    if (is_triple(p, j))
        return is_default(p, l, j) && is_default(p, l, j + 1) && is_default(p, l, j + 2)
                   ? STYLE_HIDDEN
                   : STYLE_TRIPLE;
    return is_always_shown(name) || !is_default(p, l, j) ? STYLE_VALUE : STYLE_HIDDEN;
}

static const char *title_of(const kpu_pareto *p, size_t j, style shown_as)
{
    const char *name = shown_column(p, j)->name;
    return shown_as == STYLE_TRIPLE ? field_named(name)->key
           : shown_as == STYLE_GEMM ? "GEMM"
                                    : name;
}

static bool make_layout(const kpu_pareto *p, layout *l)
{
    l->styles = calloc(p->shown_count + 1, sizeof *l->styles);
    l->titles = calloc(p->shown_count + l->list->note_count + 1, sizeof *l->titles);
    if (!l->styles || !l->titles)
        return false;
    for (size_t j = 0; j < p->shown_count; j++) {
        l->styles[j] = style_of(p, l, j);
        if (l->styles[j] != STYLE_HIDDEN)
            l->titles[l->columns++] = title_of(p, j, l->styles[j]);
        if (is_triple(p, j))
            j += KPU_OPERANDS - 1;
    }
    for (size_t n = 0; n < l->list->note_count; n++)
        l->titles[l->columns++] = l->list->notes[n].title;
    for (int64_t i = 0; i < l->list->count; i++) {
        long long id = kpu_pareto_cell(p, l->list->members[i], "id");
        int width = snprintf(NULL, 0, "%lld", id);
        l->id_width = width > l->id_width ? width : l->id_width;
    }
    return true;
}

static void add_triple(const kpu_pareto *p, int64_t member, size_t j, kpu_table *table)
{
    char text[3 * 24];
    long long a = cell_at(p, member, j).i, b = cell_at(p, member, j + 1).i,
              c = cell_at(p, member, j + 2).i;
    snprintf(text, sizeof text, a == b && b == c ? "%lld" : "%lld/%lld/%lld", a, b, c);
    kpu_table_add_text(table, text);
}

static void add_member(const kpu_pareto *p, const layout *l, int64_t member, kpu_table *table)
{
    char id[24];
    for (size_t j = 0; j < p->shown_count; j++) {
        kpu_metric_value value = cell_at(p, member, j);
        switch (l->styles[j]) {
        case STYLE_HIDDEN: break;
        case STYLE_ID: /* as `show` takes it: without commas */
            snprintf(id, sizeof id, "%*lld", l->id_width, (long long)value.i);
            kpu_table_add_text(table, id);
            break;
        case STYLE_MACHINE: kpu_table_add_text(table, p->machine_names[value.i]); break;
        case STYLE_GEMM: kpu_table_add_text(table, p->gemm_names[value.i]); break;
        case STYLE_VALUE: kpu_pareto_add_value(shown_column(p, j), value, table); break;
        case STYLE_TRIPLE: add_triple(p, member, j, table); break;
        }
    }
}

void kpu_pareto_put_gemm(const kpu_pareto *p, int64_t gemm, kpu_text *out)
{
    static const char *const dims[] = {"M", "N", "K"};
    kpu_text_format(out, "%s %s, ", p->workload_names[gemm], p->gemm_names[gemm]);
    for (int i = 0; i < KPU_DIMS; i++) {
        char *cell = kpu_results_cell(p->results, "workloads", dims[i], gemm);
        kpu_text_format(out, "%s%s", i ? "x" : "", cell ? cell : "?");
        free(cell);
    }
}

/* Several variants of a machine bear its name: then the number tells. */
static void put_machine(const kpu_pareto *p, int64_t machine, kpu_text *out)
{
    int64_t same = 0;
    for (int64_t i = 0; i < p->machine_count; i++)
        same += strcmp(p->machine_names[i], p->machine_names[machine]) == 0;
    kpu_text_format(out, ", on %s", p->machine_names[machine]);
    if (same > 1)
        kpu_text_format(out, " (machine %lld)", (long long)machine);
}

static void put_heading(const kpu_pareto *p, int64_t group, int64_t size, kpu_text *out)
{
    switch (p->question->per) {
    case KPU_PER_GEMM: kpu_pareto_put_gemm(p, group, out); break;
    case KPU_PER_WORKLOAD: kpu_text_format(out, "workload %s", p->workload_names[group]); break;
    case KPU_PER_MACHINE:
        kpu_pareto_put_gemm(p, group / p->machine_count, out);
        put_machine(p, group % p->machine_count, out);
        break;
    case KPU_PER_ALL: kpu_text_put(out, "everything"); break;
    }
    if (p->feasible[group] == 0) {
        kpu_text_put(out, ": no candidate fits\n");
        return;
    }
    kpu_text_put(out, ": ");
    kpu_text_put_grouped(out, size);
    kpu_text_put(out, " on the front, of ");
    if (p->question->where) {
        kpu_text_put_grouped(out, p->considered[group]);
        kpu_text_put(out, " that --where keeps of ");
    }
    kpu_text_put_grouped(out, p->feasible[group]);
    kpu_text_put(out, " that fit\n");
}

void kpu_pareto_put_list(const kpu_pareto *p, const kpu_pareto_list *list, kpu_text *out)
{
    kpu_table table;
    layout l = {.list = list};
    if (list->count == 0)
        return;
    if (make_layout(p, &l)) {
        kpu_table_init(&table, l.titles, l.columns);
        for (int64_t i = 0; i < list->count; i++) {
            add_member(p, &l, list->members[i], &table);
            for (size_t n = 0; n < list->note_count; n++)
                kpu_table_add_text(&table, list->notes[n].cells[i]);
        }
        kpu_table_print(&table, KPU_TABLE_TEXT, out);
        kpu_table_fini(&table);
    } else {
        out->failed = true;
    }
    free(l.styles);
    free(l.titles);
}

void kpu_pareto_put_objective(const kpu_pareto *p, int d, double cost, kpu_text *out)
{
    const double grouped_from = 1e4, grouped_to = 1e15;
    double value = kpu_pareto_turned(p, d, cost), size = fabs(value);
    kpu_text_format(out, "%s ", kpu_pareto_column(p, p->objectives[d])->name);
    if (size >= grouped_from && size < grouped_to)
        kpu_text_put_grouped(out, llround(value));
    else
        kpu_text_format(out, "%.5g", value);
}

static void put_volume(const kpu_pareto *p, int64_t group, kpu_text *out)
{
    if (!p->hypervolumes || p->first[group] == p->first[group + 1])
        return;
    kpu_text_format(out, "hypervolume %.8g up to", p->hypervolumes[group]);
    for (int d = 0; d < p->objective_count; d++) {
        double reference = p->references[group * p->objective_count + d];
        kpu_text_put(out, d ? ", " : " ");
        kpu_pareto_put_objective(p, d, reference, out);
    }
    kpu_text_put(out, "\n");
}

/* Not what the file has no rows of, nor what the filter takes out altogether. */
static bool is_shown(const kpu_pareto *p, int64_t group)
{
    return p->considered[group] > 0 || (p->rows[group] > 0 && !p->question->where);
}

static void put_fronts(const kpu_pareto *p, kpu_text *out)
{
    int64_t *members = calloc((size_t)p->member_count + 1, sizeof *members);
    out->failed |= !members;
    for (int64_t i = 0; members && i < p->member_count; i++)
        members[i] = i;
    for (int64_t group = 0; members && group < p->group_count; group++) {
        kpu_pareto_list list = {.members = members + p->first[group],
                                .count = p->first[group + 1] - p->first[group]};
        if (!is_shown(p, group))
            continue;
        if (out->length > 0)
            kpu_text_put(out, "\n");
        put_heading(p, group, list.count, out);
        kpu_pareto_put_list(p, &list, out);
        put_volume(p, group, out);
    }
    if (out->length == 0)
        kpu_text_put(out, p->question->where ? "--where keeps no candidate that fits\n"
                                             : "no candidates\n");
    free(members);
}

/* ---- For programs ----------------------------------------------------------------------- */

/* Titles of put_rows, malloc'ed; those of the references own their text in `names`. */
static const char **row_titles(const kpu_pareto *p, kpu_text *names, size_t *count)
{
    static const char *const first[] = {"workload", "gemm_name", "machine_name"};
    enum { FIRST = sizeof first / sizeof *first };
    const char **titles =
        calloc(FIRST + p->shown_count + 1 + KPU_PARETO_OBJECTIVES_MAX, sizeof *titles);
    *count = 0;
    for (size_t i = 0; titles && i < FIRST; i++)
        titles[(*count)++] = first[i];
    for (size_t j = 0; titles && j < p->shown_count; j++)
        titles[(*count)++] = shown_column(p, j)->name;
    if (!titles || !p->hypervolumes)
        return titles;
    titles[(*count)++] = "hypervolume";
    for (int d = 0; d < p->objective_count; d++) {
        kpu_text_format(&names[d], "reference_%s", kpu_pareto_column(p, p->objectives[d])->name);
        titles[(*count)++] = names[d].failed ? "" : names[d].data;
    }
    return titles;
}

static void add_row(const kpu_pareto *p, int64_t member, kpu_table *table)
{
    int64_t gemm = kpu_pareto_cell(p, member, "gemm"), group = p->members[member].group;
    kpu_table_add_text(table, p->workload_names[gemm]);
    kpu_table_add_text(table, p->gemm_names[gemm]);
    kpu_table_add_text(table, p->machine_names[kpu_pareto_cell(p, member, "machine")]);
    for (size_t j = 0; j < p->shown_count; j++)
        kpu_pareto_add_value(shown_column(p, j), cell_at(p, member, j), table);
    if (!p->hypervolumes)
        return;
    kpu_table_add_real(table, p->hypervolumes[group]);
    for (int d = 0; d < p->objective_count; d++)
        kpu_table_add_real(table,
                           kpu_pareto_turned(p, d, p->references[group * p->objective_count + d]));
}

static void put_rows(const kpu_pareto *p, kpu_table_format format, kpu_text *out)
{
    kpu_text names[KPU_PARETO_OBJECTIVES_MAX] = {0};
    kpu_table table;
    size_t columns;
    const char **titles = row_titles(p, names, &columns);
    if (titles) {
        kpu_table_init(&table, titles, columns);
        for (int64_t i = 0; i < p->member_count; i++)
            add_row(p, i, &table);
        kpu_table_print(&table, format, out);
        kpu_table_fini(&table);
    }
    out->failed |= !titles;
    for (int d = 0; d < KPU_PARETO_OBJECTIVES_MAX; d++) {
        out->failed |= names[d].failed;
        kpu_text_fini(&names[d]);
    }
    free(titles);
}

int kpu_pareto_print(const kpu_pareto *p, kpu_table_format format)
{
    kpu_text out = {0};
    if (format == KPU_TABLE_TEXT)
        put_fronts(p, &out);
    else
        put_rows(p, format, &out);
    return kpu_tool_print(&out);
}
