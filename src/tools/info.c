/* kpu-dse info: what a results file holds. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "kpu/explorer.h"
#include "kpu/report.h"
#include "kpu/store.h"
#include "tools/command.h"
#include "tools/output.h"
#include "tools/results_input.h"

enum { BLOCK_ROWS = 65536 };

typedef struct values {
    const char *text;
    bool columns;
} values;

static const kpu_option options[] = {
    {"columns", 'c', KPU_OPTION_FLAG, offsetof(values, columns), NULL,
     "list the columns with their units and meanings", 0, 0},
    {"text", 't', KPU_OPTION_TEXT, offsetof(values, text), "NAME",
     "print a text that is kept with the results, as sweep", 0, 0},
};

static void put_attribute(kpu_text *text, kpu_results *results, const char *title, const char *name)
{
    char *value = kpu_results_attribute(results, name);
    if (value)
        kpu_text_format(text, "%-12s %s\n", title, value);
    free(value);
}

/* A number among words, if the file has it. */
static void put_number(kpu_text *text, kpu_results *results, const char *before, const char *name,
                       const char *after)
{
    char *value = kpu_results_attribute(results, name);
    if (value) {
        kpu_text_put(text, before);
        kpu_text_put_grouped(text, strtoll(value, NULL, 10));
        kpu_text_put(text, after);
    }
    free(value);
}

/* "random, 300 evaluated of 1,152 points (budget 300)" */
static void put_search(kpu_text *text, kpu_results *results)
{
    char *search = kpu_results_attribute(results, "search");
    char *gap = kpu_results_attribute(results, "gap");
    const kpu_search *known = search ? kpu_search_find(search) : NULL;
    if (search) {
        kpu_text_format(text, "search       %s", search);
        put_number(text, results, ", ", "evaluations", " evaluated");
        put_number(text, results, " of ", "points", " points");
        put_number(text, results, " (budget ", "budget", ")");
        if (gap && strtod(gap, NULL) > 0)
            kpu_text_format(text, ", missing at most %.3g", strtod(gap, NULL));
        else if (gap)
            kpu_text_put(text, ", fronts complete");
        else if (known && known->only_fronts)
            kpu_text_put(text, ", fronts perhaps incomplete");
        kpu_text_put(text, "\n");
    }
    free(search);
    free(gap);
}

/* Nothing if all that was evaluated has a row, or the search says it. */
static void put_rows_kept(kpu_text *text, kpu_results *results)
{
    char *search = kpu_results_attribute(results, "search");
    char *store = kpu_results_attribute(results, "store");
    const kpu_search *known = search ? kpu_search_find(search) : NULL;
    if (store && strcmp(store, "all") != 0 && !(known && known->only_fronts))
        kpu_text_format(text, "rows kept    %s\n", store);
    free(search);
    free(store);
}

static void put_end(kpu_text *text, kpu_results *results)
{
    char *missing = kpu_results_attribute(results, "shards_missing");
    if (missing)
        kpu_text_format(text, " (without the parts %s)", missing);
    else if (!kpu_results_complete(results))
        kpu_text_put(text, " (so far: the run did not end)");
    free(missing);
}

/* A text that is one line. */
static void put_line(kpu_text *text, kpu_results *results, const char *title, const char *name)
{
    char *value = kpu_results_text(results, name);
    if (value)
        kpu_text_format(text, "%-12s %.*s\n", title, (int)strcspn(value, "\n"), value);
    free(value);
}

/* How many rows have feasible = 1; -1 if the file does not say. */
static int count_feasible(kpu_results *results, int64_t *out, kpu_diag *diag)
{
    int column = kpu_results_find(results, "feasible");
    int64_t rows = kpu_results_rows(results);
    kpu_metric_value *fits = malloc(BLOCK_ROWS * sizeof *fits);
    int status = fits ? KPU_OK : KPU_E_MEMORY;
    *out = column < 0 ? -1 : 0;
    for (int64_t row = 0; !status && column >= 0 && row < rows; row += BLOCK_ROWS) {
        int64_t count = rows - row < BLOCK_ROWS ? rows - row : BLOCK_ROWS;
        status = kpu_results_read(results, (size_t)column, row, count, fits, diag);
        for (int64_t i = 0; !status && i < count; i++)
            *out += fits[i].i != 0;
    }
    free(fits);
    return status;
}

/* The cells of one column of a table, separated by commas; equal neighbours once. */
static void put_names(kpu_text *text, kpu_results *results, const char *table, const char *column)
{
    const int64_t rows = kpu_results_table_rows(results, table); /* looks at all columns */
    char *before = NULL;
    for (int64_t row = 0; row < rows; row++) {
        char *name = kpu_results_cell(results, table, column, row);
        if (!name)
            break;
        if (!before || strcmp(name, before) != 0)
            kpu_text_format(text, "%s%s", row > 0 ? ", " : "", name);
        free(before);
        before = name;
    }
    free(before);
    kpu_text_put(text, "\n");
}

static void put_columns(kpu_text *text, kpu_results *results)
{
    static const char *const titles[] = {"column", "unit", "what it is"};
    kpu_table table;
    kpu_table_init(&table, titles, sizeof titles / sizeof *titles);
    for (size_t i = 0; i < kpu_results_column_count(results); i++) {
        const kpu_column *column = kpu_results_column(results, i);
        kpu_table_add_text(&table, column->name);
        kpu_table_add_text(&table, column->unit);
        kpu_table_add_text(&table, column->description);
    }
    kpu_text_put(text, "\n");
    kpu_table_print(&table, KPU_TABLE_TEXT, text);
    kpu_table_fini(&table);
}

static int put_info(kpu_text *text, kpu_results *results, kpu_diag *diag)
{
    int64_t feasible;
    int status = count_feasible(results, &feasible, diag);
    if (status)
        return status;
    kpu_text_put(text, "candidates   ");
    kpu_text_put_grouped(text, kpu_results_rows(results));
    if (feasible >= 0) {
        kpu_text_put(text, ", of which ");
        kpu_text_put_grouped(text, feasible);
        kpu_text_put(text, " fit");
    }
    put_end(text, results);
    kpu_text_put(text, "\nmachines     ");
    put_names(text, results, "machines", "name");
    kpu_text_put(text, "workloads    ");
    put_names(text, results, "workloads", "workload");
    kpu_text_put(text, "GEMMs        ");
    put_names(text, results, "workloads", "name");
    put_attribute(text, results, "objectives", "objectives");
    put_search(text, results);
    put_rows_kept(text, results);
    put_attribute(text, results, "shard", "shard");
    put_line(text, results, "seed", "seed");
    put_line(text, results, "command", "command_line");
    put_attribute(text, results, "made by", "library_version");
    put_attribute(text, results, "model", "model_version");
    kpu_text_format(text, "columns      %zu (--columns lists them)\n",
                    kpu_results_column_count(results));
    return KPU_OK;
}

static int put_stored_text(kpu_text *text, kpu_results *results, const char *path, const char *name,
                           kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    char *stored = kpu_results_text(results, name);
    if (!stored)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "keeps no text \"%s\"", name);
    kpu_text_put(text, stored);
    if (*stored && stored[strlen(stored) - 1] != '\n')
        kpu_text_put(text, "\n");
    free(stored);
    return KPU_OK;
}

static int run(const kpu_call *call)
{
    const values *v = call->values;
    const char *path = call->operands[0];
    kpu_results *results = NULL;
    kpu_text text = {0};
    int status = kpu_tool_open_results(path, &results, call->diag);
    if (status)
        return status;
    if (v->text)
        status = put_stored_text(&text, results, path, v->text, call->diag);
    else
        status = put_info(&text, results, call->diag);
    if (!status && v->columns)
        put_columns(&text, results);
    kpu_results_close(results);
    int printed = kpu_tool_print(&text);
    return status ? status : printed;
}

const kpu_tool_command kpu_command_info = {
    .name = "info",
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "say what a results file holds",
    .details = "",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .values_bytes = sizeof(values),
    .run = run,
};
