/* --where: an expression over the columns of a results file, and over the names in its tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/pareto.h"

int64_t kpu_pareto_first_of_name(char *const *names, int64_t at)
{
    int64_t first = 0;
    while (strcmp(names[first], names[at]) != 0)
        first++;
    return first;
}

const kpu_column *kpu_pareto_column(const kpu_pareto *p, size_t column)
{
    return kpu_results_column(p->results, column);
}

double kpu_pareto_number(const kpu_pareto *p, kpu_metric_value *const *blocks, size_t column,
                         int64_t at)
{
    const kpu_metric_value *value = &blocks[column][at];
    return kpu_pareto_column(p, column)->type == KPU_COLUMN_DOUBLE ? value->d : (double)value->i;
}

/* Names that are no columns: a name has the number of the first one like it. */
enum { EXTRA_WORKLOAD, EXTRA_GEMM, EXTRA_MACHINE, EXTRAS };
static const char *const extra_names[EXTRAS] = {"workload", "gemm_name", "machine_name"};

static int slot_of(void *context, const char *name)
{
    kpu_pareto_filter *f = context;
    int column = kpu_results_find(f->pareto->results, name);
    if (column >= 0) {
        f->used[column] = true;
        return column;
    }
    for (int i = 0; i < EXTRAS; i++)
        if (strcmp(name, extra_names[i]) == 0)
            return (int)kpu_results_column_count(f->pareto->results) + i;
    return -1;
}

/* A list of names that a column is an index of, or a name that is no column stands for. */
static char *const *names_behind(const kpu_pareto_filter *f, const char *name, int64_t *count,
                                 bool *is_index)
{
    const kpu_pareto *p = f->pareto;
    const struct {
        const char *index, *extra;
        char *const *names;
        int64_t count;
    } lists[] = {{"", extra_names[EXTRA_WORKLOAD], p->workload_names, p->gemm_count},
                 {"gemm", extra_names[EXTRA_GEMM], p->gemm_names, p->gemm_count},
                 {"machine", extra_names[EXTRA_MACHINE], p->machine_names, p->machine_count}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        *is_index = strcmp(name, lists[i].index) == 0;
        *count = lists[i].count;
        if (*is_index || strcmp(name, lists[i].extra) == 0)
            return lists[i].names;
    }
    return NULL;
}

/* An index stands for one row, so its name has to be the only one. */
static bool word_in_table(const kpu_pareto_filter *f, const char *name, const char *word,
                          double *value)
{
    bool is_index;
    int64_t count, found = -1, same = 0;
    char *const *names = names_behind(f, name, &count, &is_index);
    for (int64_t i = 0; names && i < count; i++)
        if (strcmp(names[i], word) == 0) {
            found = found < 0 ? i : found;
            same++;
        }
    if (found < 0)
        return false;
    if (is_index && same > 1) {
        kpu_diag_add(f->diag, KPU_E_USAGE,
                     "--where: there are %lld of the name \"%s\"; %s_name == '%s' takes them all",
                     (long long)same, word, name, word);
        return false;
    }
    *value = (double)found;
    return true;
}

static bool word_of(void *context, const char *name, const char *word, double *value)
{
    const kpu_pareto_filter *f = context;
    int index = kpu_results_find(f->pareto->results, name);
    const kpu_column *column = index < 0 ? NULL : kpu_pareto_column(f->pareto, (size_t)index);
    for (size_t i = 0; column && column->words && i < column->word_count; i++)
        if (strcmp(column->words[i], word) == 0) {
            *value = (double)i;
            return true;
        }
    return word_in_table(f, name, word, value);
}

static void append_word(char *list, size_t size, const char *word)
{
    size_t used = strlen(list);
    snprintf(list + used, size - used, "%s%s", used ? " " : "", word);
}

static const char *words_of(void *context, const char *name)
{
    kpu_pareto_filter *f = context;
    bool is_index;
    int64_t count = 0;
    int index = kpu_results_find(f->pareto->results, name);
    const kpu_column *column = index < 0 ? NULL : kpu_pareto_column(f->pareto, (size_t)index);
    char *const *names = names_behind(f, name, &count, &is_index);
    f->words[0] = '\0';
    for (size_t i = 0; column && column->words && i < column->word_count; i++)
        append_word(f->words, sizeof f->words, column->words[i]);
    for (int64_t i = 0; names && i < count; i++)
        if (kpu_pareto_first_of_name(names, i) == i)
            append_word(f->words, sizeof f->words, names[i]);
    return *f->words ? f->words : NULL;
}

int kpu_pareto_filter_parse(kpu_pareto_filter *f, kpu_diag *diag)
{
    const char *text = f->pareto->question->where;
    if (!text)
        return KPU_OK;
    size_t count = kpu_results_column_count(f->pareto->results);
    f->diag = diag;
    f->slots = calloc(count + EXTRAS, sizeof *f->slots);
    const char **known = calloc(count + EXTRAS, sizeof *known);
    if (!known || !f->slots) {
        free(known);
        return KPU_E_MEMORY;
    }
    for (size_t i = 0; i < count; i++)
        known[i] = kpu_pareto_column(f->pareto, i)->name;
    for (size_t i = 0; i < EXTRAS; i++)
        known[count + i] = extra_names[i];
    const kpu_expression_names names = {.context = f,
                                        .slot = slot_of,
                                        .word = word_of,
                                        .words = words_of,
                                        .known = known,
                                        .known_count = count + EXTRAS};
    const kpu_place place = {.file = "--where", .column = 1, .text = text};
    int status = kpu_expression_parse(text, &names, &place, &f->where, diag);
    free(known);
    return status;
}

bool kpu_pareto_filter_keeps(const kpu_pareto_filter *f, int64_t gemm, int64_t machine, int64_t at)
{
    const kpu_pareto *p = f->pareto;
    size_t count = kpu_results_column_count(p->results);
    if (!f->where)
        return true;
    for (size_t i = 0; i < count; i++)
        if (f->used[i])
            f->slots[i] = kpu_pareto_number(p, f->blocks, i, at);
    f->slots[count + EXTRA_WORKLOAD] = (double)kpu_pareto_first_of_name(p->workload_names, gemm);
    f->slots[count + EXTRA_GEMM] = (double)kpu_pareto_first_of_name(p->gemm_names, gemm);
    f->slots[count + EXTRA_MACHINE] = (double)kpu_pareto_first_of_name(p->machine_names, machine);
    double value = kpu_expression_value(f->where, f->slots);
    return value < 0 || value > 0; /* not NaN */
}

void kpu_pareto_filter_fini(kpu_pareto_filter *f)
{
    kpu_expression_free(f->where);
    free(f->slots);
}
