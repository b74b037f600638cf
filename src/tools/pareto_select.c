/* Which candidates of a results file belong to a front. Columns are read in blocks, and only
 * those that matter: the group, the objectives and what the filter mentions. Memory is that of the
 * fronts. */
#include <stdlib.h>
#include <string.h>

#include "tools/pareto.h"
#include "tools/results_input.h"

enum { BLOCK_ROWS = 65536, NAME_BYTES = 64 };

/* What a pass over the file needs. */
typedef struct scan {
    kpu_pareto *pareto;
    kpu_pareto_filter filter;
    size_t feasible, gemm, machine; /* columns */
    kpu_archive **archives;         /* of each group; NULL: nothing yet */
    kpu_diag *diag;
} scan;

/* ---- The objectives --------------------------------------------------------------------- */

static int complain_objective(const kpu_pareto *p, const char *name, kpu_diag *diag)
{
    size_t count = kpu_results_column_count(p->results), known = 0;
    if (kpu_results_find(p->results, name) >= 0)
        return kpu_diag_add(diag, KPU_E_USAGE,
                            "\"%s\" cannot be an objective: neither less nor more of it is better",
                            name);
    const char **names = calloc(count + 1, sizeof *names);
    if (!names)
        return KPU_E_MEMORY;
    for (size_t i = 0; i < count; i++)
        if (kpu_pareto_column(p, i)->sense != KPU_SENSE_NONE)
            names[known++] = kpu_pareto_column(p, i)->name;
    const char *nearest = kpu_nearest_name(name, names, known);
    free(names);
    if (nearest)
        return kpu_diag_add(diag, KPU_E_USAGE, "unknown objective \"%s\"; did you mean \"%s\"?",
                            name, nearest);
    return kpu_diag_add(diag, KPU_E_USAGE, "unknown objective \"%s\"; see kpu-dse metrics", name);
}

static int add_objective(kpu_pareto *p, const char *text, size_t length, kpu_diag *diag)
{
    char name[NAME_BYTES];
    while (length > 0 && strchr(" \t", *text))
        text++, length--;
    while (length > 0 && strchr(" \t", text[length - 1]))
        length--;
    if (length == 0 || length >= sizeof name)
        return kpu_diag_add(diag, KPU_E_USAGE,
                            "--objectives: expected names of metrics with commas between them");
    memcpy(name, text, length);
    name[length] = '\0';
    int column = kpu_results_find(p->results, name);
    if (column < 0 || kpu_pareto_column(p, (size_t)column)->sense == KPU_SENSE_NONE)
        return complain_objective(p, name, diag);
    for (int i = 0; i < p->objective_count; i++)
        if (p->objectives[i] == (size_t)column)
            return kpu_diag_add(diag, KPU_E_USAGE, "objective \"%s\" is given twice", name);
    if (p->objective_count == KPU_PARETO_OBJECTIVES_MAX)
        return kpu_diag_add(diag, KPU_E_USAGE, "more than %d objectives",
                            KPU_PARETO_OBJECTIVES_MAX);
    p->objectives[p->objective_count++] = (size_t)column;
    return KPU_OK;
}

static int add_objectives(kpu_pareto *p, const char *list, kpu_diag *diag)
{
    int status = KPU_OK;
    for (;;) {
        size_t length = strcspn(list, ",");
        int result = add_objective(p, list, length, diag);
        status = result ? result : status;
        if (!list[length])
            return status;
        list += length + 1;
    }
}

/* The objectives of the sweep that made the file; without one, the default of that key. */
static int choose_objectives(kpu_pareto *p, kpu_diag *diag)
{
    if (p->question->objectives)
        return add_objectives(p, p->question->objectives, diag);
    char *stored = kpu_results_attribute(p->results, "objectives");
    int status = add_objectives(
        p, stored ? stored : kpu_key_find(KPU_FILE_SWEEP, "sweep", "objectives")->fallback, diag);
    free(stored);
    return status;
}

/* ---- The groups ------------------------------------------------------------------------- */

double kpu_pareto_turned(const kpu_pareto *p, int objective, double value)
{
    return kpu_pareto_column(p, p->objectives[objective])->sense == KPU_SENSE_MAX ? -value : value;
}

static int complain(const kpu_pareto *p, kpu_diag *diag, const char *what)
{
    const kpu_place place = {.file = p->question->path};
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "%s", what);
}

static int find_column(const kpu_pareto *p, const char *name, size_t *out, kpu_diag *diag)
{
    const kpu_place place = {.file = p->question->path};
    int column = kpu_results_find(p->results, name);
    if (column < 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "has no column \"%s\"", name);
    *out = (size_t)column;
    return KPU_OK;
}

static int read_names(const kpu_pareto *p, const char *table, const char *column, char ***out)
{
    int64_t count = kpu_results_table_rows(p->results, table);
    *out = calloc((size_t)count + 1, sizeof **out);
    for (int64_t i = 0; *out && i < count; i++) {
        char *cell = kpu_results_cell(p->results, table, column, i);
        (*out)[i] = cell ? cell : strdup("?");
        if (!(*out)[i])
            return KPU_E_MEMORY;
    }
    return *out ? KPU_OK : KPU_E_MEMORY;
}

static int make_groups(kpu_pareto *p, kpu_diag *diag)
{
    p->gemm_count = kpu_results_table_rows(p->results, "workloads");
    p->machine_count = kpu_results_table_rows(p->results, "machines");
    if (p->gemm_count == 0 || p->machine_count == 0)
        return complain(p, diag, "has no tables /workloads and /machines");
    const int64_t counts[] = {[KPU_PER_GEMM] = p->gemm_count,
                              [KPU_PER_WORKLOAD] = p->gemm_count,
                              [KPU_PER_MACHINE] = p->gemm_count * p->machine_count,
                              [KPU_PER_ALL] = 1};
    p->group_count = counts[p->question->per];
    p->rows = calloc((size_t)p->group_count, sizeof *p->rows);
    p->feasible = calloc((size_t)p->group_count, sizeof *p->feasible);
    p->considered = calloc((size_t)p->group_count, sizeof *p->considered);
    if (!p->rows || !p->feasible || !p->considered)
        return KPU_E_MEMORY;
    int status = read_names(p, "workloads", "workload", &p->workload_names);
    if (!status)
        status = read_names(p, "workloads", "name", &p->gemm_names);
    if (!status)
        status = read_names(p, "machines", "name", &p->machine_names);
    return status;
}

static int64_t group_of(const kpu_pareto *p, int64_t gemm, int64_t machine)
{
    switch (p->question->per) {
    case KPU_PER_GEMM: return gemm;
    case KPU_PER_WORKLOAD: return kpu_pareto_first_of_name(p->workload_names, gemm);
    case KPU_PER_MACHINE: return gemm * p->machine_count + machine;
    case KPU_PER_ALL: break;
    }
    return 0;
}

/* ---- The pass over the rows ------------------------------------------------------------- */

/* What the front of a group is made of: all objectives minimised. */
static int add_candidate(scan *s, int64_t group, int64_t row, int64_t at)
{
    const kpu_pareto *p = s->pareto;
    double cost[KPU_PARETO_OBJECTIVES_MAX];
    if (!s->archives[group] && !(s->archives[group] = kpu_archive_new(p->objective_count)))
        return KPU_E_MEMORY;
    for (int i = 0; i < p->objective_count; i++)
        cost[i] =
            kpu_pareto_turned(p, i, kpu_pareto_number(p, s->filter.blocks, p->objectives[i], at));
    return kpu_archive_add(s->archives[group], cost, row);
}

static int take_row(scan *s, int64_t first, int64_t at)
{
    kpu_pareto *p = s->pareto;
    int64_t gemm = s->filter.blocks[s->gemm][at].i, machine = s->filter.blocks[s->machine][at].i;
    if (gemm < 0 || gemm >= p->gemm_count || machine < 0 || machine >= p->machine_count)
        return complain(p, s->diag, "a row names a GEMM or a machine that the file does not have");
    int64_t group = group_of(p, gemm, machine);
    p->rows[group]++;
    if (s->filter.blocks[s->feasible][at].i == 0)
        return KPU_OK;
    p->feasible[group]++;
    if (!kpu_pareto_filter_keeps(&s->filter, gemm, machine, at))
        return KPU_OK;
    p->considered[group]++;
    return add_candidate(s, group, first + at, at);
}

static int scan_rows(scan *s)
{
    kpu_results *results = s->pareto->results;
    size_t columns = kpu_results_column_count(results);
    int64_t rows = kpu_results_rows(results);
    int status = KPU_OK;
    for (int64_t first = 0; first < rows && !status; first += BLOCK_ROWS) {
        int64_t count = rows - first < BLOCK_ROWS ? rows - first : BLOCK_ROWS;
        for (size_t i = 0; i < columns && !status; i++)
            if (s->filter.used[i])
                status = kpu_results_read(results, i, first, count, s->filter.blocks[i], s->diag);
        for (int64_t at = 0; at < count && !status; at++)
            status = take_row(s, first, at);
    }
    return status;
}

static int prepare_scan(scan *s)
{
    kpu_pareto *p = s->pareto;
    size_t columns = kpu_results_column_count(p->results);
    s->filter.used = calloc(columns + 1, sizeof *s->filter.used);
    s->filter.blocks = calloc(columns + 1, sizeof *s->filter.blocks);
    s->archives = calloc((size_t)p->group_count + 1, sizeof *s->archives);
    if (!s->filter.used || !s->filter.blocks || !s->archives)
        return KPU_E_MEMORY;
    int status = find_column(p, "feasible", &s->feasible, s->diag);
    if (!status)
        status = find_column(p, "gemm", &s->gemm, s->diag);
    if (!status)
        status = find_column(p, "machine", &s->machine, s->diag);
    if (!status)
        status = kpu_pareto_filter_parse(&s->filter, s->diag);
    if (status)
        return status;
    s->filter.used[s->feasible] = s->filter.used[s->gemm] = s->filter.used[s->machine] = true;
    for (int i = 0; i < p->objective_count; i++)
        s->filter.used[p->objectives[i]] = true;
    for (size_t i = 0; i < columns && !status; i++)
        if (s->filter.used[i] &&
            !(s->filter.blocks[i] = calloc(BLOCK_ROWS, sizeof **s->filter.blocks)))
            status = KPU_E_MEMORY;
    return status;
}

static void finish_scan(scan *s)
{
    size_t columns = kpu_results_column_count(s->pareto->results);
    for (size_t i = 0; s->filter.blocks && i < columns; i++)
        free(s->filter.blocks[i]);
    free(s->filter.blocks);
    free(s->filter.used);
    for (int64_t group = 0; s->archives && group < s->pareto->group_count; group++)
        kpu_archive_free(s->archives[group]);
    free(s->archives);
    kpu_pareto_filter_fini(&s->filter);
}

/* ---- The fronts ------------------------------------------------------------------------- */

/* The members of a group, which the archive gives in the order that they are shown in. */
static int take_front(kpu_pareto *p, int64_t group, const kpu_archive *archive, int64_t *rows)
{
    size_t objectives = (size_t)p->objective_count, count = kpu_archive_count(archive);
    double *costs = p->costs + (size_t)p->member_count * objectives, *last = NULL;
    int status = kpu_archive_read(archive, costs, rows);
    for (size_t i = 0; !status && i < count; i++) {
        const double *cost = costs + i * objectives;
        double *place = p->costs + (size_t)p->member_count * objectives;
        if (p->question->unique && last && memcmp(last, cost, objectives * sizeof *cost) == 0)
            continue;
        last = memmove(place, cost, objectives * sizeof *cost);
        p->members[p->member_count++] = (kpu_pareto_member){rows[i], group};
    }
    return status;
}

static int find_fronts(kpu_pareto *p, kpu_archive *const *archives)
{
    size_t total = 0;
    for (int64_t group = 0; group < p->group_count; group++)
        total += archives[group] ? kpu_archive_count(archives[group]) : 0;
    p->members = calloc(total + 1, sizeof *p->members);
    p->costs = calloc((total + 1) * (size_t)p->objective_count, sizeof *p->costs);
    p->first = calloc((size_t)p->group_count + 1, sizeof *p->first);
    int64_t *rows = calloc(total + 1, sizeof *rows);
    int status = p->members && p->costs && p->first && rows ? KPU_OK : KPU_E_MEMORY;
    for (int64_t group = 0; !status && group < p->group_count; group++) {
        if (archives[group])
            status = take_front(p, group, archives[group], rows);
        p->first[group + 1] = p->member_count;
    }
    free(rows);
    return status;
}

/* ---- What is shown of them -------------------------------------------------------------- */

static int choose_shown(kpu_pareto *p)
{
    size_t columns = kpu_results_column_count(p->results);
    p->shown = calloc(columns + KPU_PARETO_OBJECTIVES_MAX, sizeof *p->shown);
    if (!p->shown)
        return KPU_E_MEMORY;
    for (size_t i = 0; i < columns; i++)
        if (strcmp(kpu_pareto_column(p, i)->group, "candidates") == 0)
            p->shown[p->shown_count++] = i;
    for (int i = 0; i < p->objective_count; i++)
        p->shown[p->shown_count++] = p->objectives[i];
    return KPU_OK;
}

static int compare_rows(const void *a, const void *b, void *context)
{
    const kpu_pareto_member *members = context;
    int64_t i = members[*(const int64_t *)a].row, j = members[*(const int64_t *)b].row;
    return (i > j) - (i < j);
}

/* One column of all members; `order` lists them by row. */
static int read_column(kpu_pareto *p, size_t j, const int64_t *order, kpu_metric_value *block,
                       kpu_diag *diag)
{
    int64_t rows = kpu_results_rows(p->results), held = -1;
    for (int64_t i = 0; i < p->member_count; i++) {
        int64_t member = order[i], row = p->members[member].row;
        int64_t first = row - row % BLOCK_ROWS;
        int64_t count = rows - first < BLOCK_ROWS ? rows - first : BLOCK_ROWS;
        if (first != held) {
            int status = kpu_results_read(p->results, p->shown[j], first, count, block, diag);
            if (status)
                return status;
            held = first;
        }
        p->cells[(size_t)member * p->shown_count + j] = block[row - first];
    }
    return KPU_OK;
}

static int read_shown(kpu_pareto *p, kpu_diag *diag)
{
    int status = choose_shown(p);
    if (status)
        return status;
    int64_t *order = calloc((size_t)p->member_count + 1, sizeof *order);
    kpu_metric_value *block = calloc(BLOCK_ROWS, sizeof *block);
    p->cells = calloc((size_t)p->member_count * p->shown_count + 1, sizeof *p->cells);
    if (!order || !block || !p->cells)
        status = KPU_E_MEMORY;
    for (int64_t i = 0; !status && i < p->member_count; i++)
        order[i] = i;
    if (!status)
        qsort_r(order, (size_t)p->member_count, sizeof *order, compare_rows, p->members);
    for (size_t j = 0; j < p->shown_count && !status; j++)
        status = read_column(p, j, order, block, diag);
    free(order);
    free(block);
    return status;
}

int kpu_pareto_find(const kpu_pareto_question *question, kpu_pareto *out, kpu_diag *diag)
{
    *out = (kpu_pareto){.question = question};
    int status = kpu_tool_open_results(question->path, &out->results, diag);
    if (status)
        return status;
    scan s = {.pareto = out, .filter = {.pareto = out}, .diag = diag};
    status = choose_objectives(out, diag);
    if (!status)
        status = make_groups(out, diag);
    if (!status)
        status = prepare_scan(&s);
    if (!status)
        status = scan_rows(&s);
    if (!status)
        status = find_fronts(out, s.archives);
    if (!status && question->reference)
        status = kpu_pareto_measure(out, diag);
    if (!status)
        status = read_shown(out, diag);
    finish_scan(&s);
    return status;
}

static void free_names(char **names, int64_t count)
{
    for (int64_t i = 0; names && i < count; i++)
        free(names[i]);
    free(names);
}

void kpu_pareto_fini(kpu_pareto *p)
{
    kpu_results_close(p->results);
    free_names(p->workload_names, p->gemm_count);
    free_names(p->gemm_names, p->gemm_count);
    free_names(p->machine_names, p->machine_count);
    free(p->rows);
    free(p->feasible);
    free(p->considered);
    free(p->members);
    free(p->first);
    free(p->hypervolumes);
    free(p->references);
    free(p->costs);
    free(p->shown);
    free(p->cells);
    *p = (kpu_pareto){0};
}
