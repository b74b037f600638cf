/* What two files were made from: which machines and GEMMs are the same, and what differs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/diff.h"

static const char *const only_in[KPU_DIFF_SIDES] = {"only in A", "only in B"};

/* ---- Facts ------------------------------------------------------------------------------ */

static char *copy_of(const char *text)
{
    return text ? strdup(text) : NULL;
}

/* The text as an owned string; NULL: no memory. */
static char *finish(kpu_text *text)
{
    if (!text->failed)
        return text->data;
    kpu_text_fini(text);
    return NULL;
}

static char *join(const char *first, const char *between, const char *second)
{
    kpu_text text = {0};
    kpu_text_format(&text, "%s%s%s", first, between, second);
    return finish(&text);
}

/* A row for what differs; nothing for what does not. `name` becomes the fact's; NULL: no memory. */
static int add_fact(kpu_diff *diff, const char *what, char *name,
                    const char *const value[KPU_DIFF_SIDES])
{
    const char *a = value[KPU_DIFF_A], *b = value[KPU_DIFF_B];
    if (!name)
        return KPU_E_MEMORY;
    if (a == b || (a && b && strcmp(a, b) == 0)) {
        free(name);
        return KPU_OK;
    }
    kpu_diff_fact *facts = realloc(diff->facts, (diff->fact_count + 1) * sizeof *facts);
    if (!facts) {
        free(name);
        return KPU_E_MEMORY;
    }
    diff->facts = facts;
    facts[diff->fact_count++] =
        (kpu_diff_fact){.what = what, .name = name, .value = {copy_of(a), copy_of(b)}};
    const kpu_diff_fact *fact = &facts[diff->fact_count - 1];
    return (a && !fact->value[KPU_DIFF_A]) || (b && !fact->value[KPU_DIFF_B]) ? KPU_E_MEMORY
                                                                              : KPU_OK;
}

static kpu_results *results_of(const kpu_diff *diff, int side)
{
    return diff->side[side].pareto.results;
}

typedef char *(*get_text)(kpu_results *results, const char *name);

static int compare_texts(kpu_diff *diff, const char *what, const char *name, get_text get)
{
    char *value[KPU_DIFF_SIDES];
    for (int side = 0; side < KPU_DIFF_SIDES; side++)
        value[side] = get(results_of(diff, side), name);
    int status = add_fact(diff, what, strdup(""), (const char *const *)value);
    free(value[KPU_DIFF_A]);
    free(value[KPU_DIFF_B]);
    return status;
}

static int compare_completeness(kpu_diff *diff)
{
    const char *value[KPU_DIFF_SIDES];
    for (int side = 0; side < KPU_DIFF_SIDES; side++)
        value[side] = kpu_results_complete(results_of(diff, side)) ? "complete" : "interrupted";
    return add_fact(diff, "run", strdup(""), value);
}

/* ---- Which rows of the tables are the same ------------------------------------------------- */

/* Rows of a table and what they are known by. */
typedef struct keyed {
    char **keys;
    int64_t *order; /* rows by key, equal ones by row */
    int64_t count;
} keyed;

static int compare_keys(const void *a, const void *b, void *context)
{
    char *const *keys = context;
    int64_t i = *(const int64_t *)a, j = *(const int64_t *)b;
    int order = strcmp(keys[i], keys[j]);
    return order ? order : (i > j) - (i < j);
}

static bool sort_keyed(keyed *k)
{
    k->order = calloc((size_t)k->count + 1, sizeof *k->order);
    for (int64_t i = 0; k->order && i < k->count; i++)
        k->order[i] = i;
    if (k->order)
        qsort_r(k->order, (size_t)k->count, sizeof *k->order, compare_keys, k->keys);
    return k->order;
}

/* The n-th row of a key is the n-th row of that key. */
static void pair_keyed(const keyed k[KPU_DIFF_SIDES], int64_t *const partner[KPU_DIFF_SIDES])
{
    const keyed *a = &k[KPU_DIFF_A], *b = &k[KPU_DIFF_B];
    for (int64_t i = 0, j = 0; i < a->count && j < b->count;) {
        int order = strcmp(a->keys[a->order[i]], b->keys[b->order[j]]);
        if (order == 0) {
            partner[KPU_DIFF_A][a->order[i]] = b->order[j];
            partner[KPU_DIFF_B][b->order[j]] = a->order[i];
        }
        i += order <= 0;
        j += order >= 0;
    }
}

static void free_keyed(keyed *k)
{
    for (int64_t i = 0; k->keys && i < k->count; i++)
        free(k->keys[i]);
    free(k->keys);
    free(k->order);
}

typedef char *(*get_key)(kpu_results *results, int64_t row);

/* Fills the partners of all rows of a table; -1 stays where there is none. */
static int pair_rows(kpu_diff *diff, get_key get, const int64_t count[KPU_DIFF_SIDES],
                     int64_t *const partner[KPU_DIFF_SIDES])
{
    keyed k[KPU_DIFF_SIDES] = {0};
    int status = KPU_OK;
    for (int side = 0; side < KPU_DIFF_SIDES && !status; side++) {
        k[side] =
            (keyed){.keys = calloc((size_t)count[side] + 1, sizeof(char *)), .count = count[side]};
        for (int64_t i = 0; k[side].keys && !status && i < count[side]; i++)
            status = (k[side].keys[i] = get(results_of(diff, side), i)) ? KPU_OK : KPU_E_MEMORY;
        if (!status && (!k[side].keys || !sort_keyed(&k[side])))
            status = KPU_E_MEMORY;
    }
    if (!status)
        pair_keyed(k, partner);
    for (int side = 0; side < KPU_DIFF_SIDES; side++)
        free_keyed(&k[side]);
    return status;
}

static int64_t *no_partners(int64_t count)
{
    int64_t *partner = malloc(((size_t)count + 1) * sizeof *partner);
    for (int64_t i = 0; partner && i < count; i++)
        partner[i] = -1;
    return partner;
}

/* ---- GEMMs ------------------------------------------------------------------------------ */

/* All but how many there are. */
static char *gemm_key(kpu_results *results, int64_t row)
{
    static const char *const columns[] = {"workload", "name", "M",  "N", "K",
                                          "eA",       "eB",   "eC", "eP"};
    kpu_text text = {0};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        char *cell = kpu_results_cell(results, "workloads", columns[i], row);
        kpu_text_format(&text, "%s\n", cell ? cell : "?");
        free(cell);
    }
    return finish(&text);
}

static char *gemm_name(const kpu_diff_side *side, int64_t row)
{
    kpu_text text = {0};
    kpu_pareto_put_gemm(&side->pareto, row, &text);
    return finish(&text);
}

static int compare_gemm_counts(kpu_diff *diff, int64_t row, int64_t partner)
{
    char *value[KPU_DIFF_SIDES] = {
        kpu_results_cell(results_of(diff, KPU_DIFF_A), "workloads", "count", row),
        kpu_results_cell(results_of(diff, KPU_DIFF_B), "workloads", "count", partner)};
    int status = add_fact(diff, "count of GEMM", gemm_name(&diff->side[KPU_DIFF_A], row),
                          (const char *const *)value);
    free(value[KPU_DIFF_A]);
    free(value[KPU_DIFF_B]);
    return status;
}

static int compare_gemms(kpu_diff *diff)
{
    int64_t count[KPU_DIFF_SIDES], *partner[KPU_DIFF_SIDES];
    for (int side = 0; side < KPU_DIFF_SIDES; side++) {
        count[side] = diff->side[side].pareto.gemm_count;
        partner[side] = diff->side[side].gemm_partner = no_partners(count[side]);
    }
    if (!partner[KPU_DIFF_A] || !partner[KPU_DIFF_B])
        return KPU_E_MEMORY;
    int status = pair_rows(diff, gemm_key, count, partner);
    for (int side = 0; side < KPU_DIFF_SIDES; side++)
        for (int64_t i = 0; !status && i < count[side]; i++) {
            const char *value[KPU_DIFF_SIDES] = {NULL};
            value[side] = only_in[side];
            if (partner[side][i] < 0)
                status = add_fact(diff, "GEMM", gemm_name(&diff->side[side], i), value);
            else if (side == KPU_DIFF_A)
                status = compare_gemm_counts(diff, i, partner[side][i]);
        }
    return status;
}

/* ---- Machines --------------------------------------------------------------------------- */

/* The whole machine, to the last digit. */
static char *machine_key(kpu_results *results, int64_t row)
{
    char *ini = kpu_results_cell(results, "machines", "ini", row);
    return ini ? ini : kpu_results_cell(results, "machines", "name", row);
}

static int64_t rows_of_name(const kpu_diff_side *side, const char *name, int64_t *last)
{
    int64_t count = 0;
    for (int64_t i = 0; i < side->pareto.machine_count; i++)
        if (strcmp(side->pareto.machine_names[i], name) == 0) {
            count++;
            *last = i;
        }
    return count;
}

static int compare_machine_keys(kpu_diff *diff, int64_t row, int64_t partner)
{
    int status = KPU_OK;
    for (size_t f = 0; !status && f < kpu_machine_field_count(); f++) {
        kpu_machine_field field = kpu_machine_field_at(f);
        const char *machine = diff->side[KPU_DIFF_A].pareto.machine_names[row];
        char *value[KPU_DIFF_SIDES], *key = join(field.section, ".", field.name);
        if (!key)
            return KPU_E_MEMORY;
        value[KPU_DIFF_A] = kpu_results_cell(results_of(diff, KPU_DIFF_A), "machines", key, row);
        value[KPU_DIFF_B] =
            kpu_results_cell(results_of(diff, KPU_DIFF_B), "machines", key, partner);
        status = add_fact(diff, "machine", join(machine, " ", key), (const char *const *)value);
        free(value[KPU_DIFF_A]);
        free(value[KPU_DIFF_B]);
        free(key);
    }
    return status;
}

/* Machines that share a name which nothing else bears are the same one, changed. */
static int pair_changed_machines(kpu_diff *diff)
{
    kpu_diff_side *a = &diff->side[KPU_DIFF_A], *b = &diff->side[KPU_DIFF_B];
    int status = KPU_OK;
    for (int64_t i = 0; !status && i < a->pareto.machine_count; i++) {
        const char *name = a->pareto.machine_names[i];
        int64_t own = 0, other = 0;
        if (a->machine_partner[i] >= 0 || rows_of_name(a, name, &own) != 1 ||
            rows_of_name(b, name, &other) != 1)
            continue;
        a->machine_partner[i] = other;
        b->machine_partner[other] = i;
        status = compare_machine_keys(diff, i, other);
    }
    return status;
}

/* Variants of a machine bear one name: a fact for all of them. */
static int64_t lonely_of_name(const kpu_diff_side *side, const char *name)
{
    int64_t count = 0;
    for (int64_t i = 0; i < side->pareto.machine_count; i++)
        count += side->machine_partner[i] < 0 && strcmp(side->pareto.machine_names[i], name) == 0;
    return count;
}

static int add_lonely_machines(kpu_diff *diff, const char *name)
{
    char text[KPU_DIFF_SIDES][40];
    const char *value[KPU_DIFF_SIDES] = {NULL};
    for (int side = 0; side < KPU_DIFF_SIDES; side++) {
        long long count = lonely_of_name(&diff->side[side], name);
        if (count == 0)
            continue;
        snprintf(text[side], sizeof text[side], "%lld %s", count, only_in[side]);
        value[side] = text[side];
    }
    return add_fact(diff, "machine", strdup(name), value);
}

static int compare_machines(kpu_diff *diff)
{
    int64_t count[KPU_DIFF_SIDES], *partner[KPU_DIFF_SIDES];
    for (int side = 0; side < KPU_DIFF_SIDES; side++) {
        count[side] = diff->side[side].pareto.machine_count;
        partner[side] = diff->side[side].machine_partner = no_partners(count[side]);
    }
    if (!partner[KPU_DIFF_A] || !partner[KPU_DIFF_B])
        return KPU_E_MEMORY;
    int status = pair_rows(diff, machine_key, count, partner);
    if (!status)
        status = pair_changed_machines(diff);
    for (int side = 0; side < KPU_DIFF_SIDES; side++)
        for (int64_t i = 0; !status && i < count[side]; i++) {
            const char *name = diff->side[side].pareto.machine_names[i];
            bool first = kpu_pareto_first_of_name(diff->side[side].pareto.machine_names, i) == i;
            bool told = side == KPU_DIFF_B && lonely_of_name(&diff->side[KPU_DIFF_A], name) > 0;
            if (first && !told)
                status = add_lonely_machines(diff, name);
        }
    return status;
}

/* ---- The sweep -------------------------------------------------------------------------- */

static void parse_sweep(kpu_results *results, kpu_ini *out)
{
    char *text = kpu_results_text(results, "sweep");
    *out = (kpu_ini){0};
    /* Keys that this version does not know are not compared. */
    if (text)
        kpu_ini_parse("sweep", text, strlen(text), KPU_FILE_SWEEP, out, NULL);
    free(text);
}

static char *setting_name(const kpu_setting *setting)
{
    kpu_text text = {0};
    kpu_text_format(&text, "[%s] %s", setting->section, setting->name);
    return finish(&text);
}

static int compare_key(kpu_diff *diff, const kpu_ini ini[KPU_DIFF_SIDES], const kpu_setting *key)
{
    const char *value[KPU_DIFF_SIDES];
    for (int side = 0; side < KPU_DIFF_SIDES; side++) {
        const kpu_setting *found = kpu_ini_find(&ini[side], key->section, key->name);
        value[side] = found ? found->value : NULL;
    }
    return add_fact(diff, "sweep", setting_name(key), value);
}

static int compare_sweeps(kpu_diff *diff)
{
    kpu_ini ini[KPU_DIFF_SIDES];
    int status = KPU_OK;
    for (int side = 0; side < KPU_DIFF_SIDES; side++)
        parse_sweep(results_of(diff, side), &ini[side]);
    for (size_t i = 0; !status && i < ini[KPU_DIFF_A].count; i++)
        status = compare_key(diff, ini, &ini[KPU_DIFF_A].settings[i]);
    for (size_t i = 0; !status && i < ini[KPU_DIFF_B].count; i++) {
        const kpu_setting *key = &ini[KPU_DIFF_B].settings[i];
        if (!kpu_ini_find(&ini[KPU_DIFF_A], key->section, key->name))
            status = compare_key(diff, ini, key);
    }
    for (int side = 0; side < KPU_DIFF_SIDES; side++)
        kpu_ini_fini(&ini[side]);
    return status;
}

/* ---- Metrics ---------------------------------------------------------------------------- */

static int compare_columns(kpu_diff *diff)
{
    int status = KPU_OK;
    for (int side = 0; side < KPU_DIFF_SIDES; side++) {
        kpu_results *own = results_of(diff, side), *other = results_of(diff, 1 - side);
        for (size_t i = 0; !status && i < kpu_results_column_count(own); i++) {
            const kpu_column *column = kpu_results_column(own, i);
            const char *value[KPU_DIFF_SIDES] = {NULL};
            value[side] = only_in[side];
            if (strcmp(column->group, "metrics") == 0 && kpu_results_find(other, column->name) < 0)
                status = add_fact(diff, "metric", strdup(column->name), value);
        }
    }
    return status;
}

int kpu_diff_compare_setup(kpu_diff *diff)
{
    static const struct {
        const char *what, *name;
        get_text get;
    } texts[] = {{"model version", "model_version", kpu_results_attribute},
                 {"made by version", "library_version", kpu_results_attribute},
                 {"search", "search", kpu_results_attribute},
                 {"gap", "gap", kpu_results_attribute},
                 {"objectives", "objectives", kpu_results_attribute},
                 {"seed", "seed", kpu_results_text}};
    int status = compare_completeness(diff);
    for (size_t i = 0; !status && i < sizeof texts / sizeof *texts; i++)
        status = compare_texts(diff, texts[i].what, texts[i].name, texts[i].get);
    if (!status)
        status = compare_machines(diff);
    if (!status)
        status = compare_gemms(diff);
    if (!status)
        status = compare_sweeps(diff);
    return status ? status : compare_columns(diff);
}
