/* The candidates that both files have, and how their numbers differ.
 *
 * The candidates of A are entered into a hash table, those of B are looked up. What does not fit
 * into the table at once is done in several passes, each for the keys of one remainder: memory is
 * bounded, whatever the number of rows and their order. Metrics are then compared column by
 * column: those of A are gathered for all pairs of the pass, those of B streamed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/diff_keys.h"

enum { PASS_ROWS = 1 << 21, EMPTY = -1 };

/* A candidate of A; they are in the order of their rows. */
typedef struct entry {
    kpu_key_hash key;
    int64_t row;
    bool taken; /* by a candidate of B */
} entry;

/* A candidate of B, in the order of its rows, and the entry that it is. */
typedef struct pair {
    int64_t row;
    size_t entry;
    bool fits_once; /* in one of the files only: its other numbers say nothing */
    bool changed;   /* in some metric */
} pair;

typedef struct pass {
    kpu_diff *diff;
    kpu_keys keys[KPU_DIFF_SIDES];
    uint64_t number, count; /* this pass, all passes */
    entry *entries;
    size_t entry_count, entry_room;
    int32_t *slots;    /* -> entries */
    size_t slot_count; /* a power of two */
    pair *pairs;
    size_t pair_count;
    kpu_metric_value *gathered; /* a column of A, of each entry */
    kpu_metric_value *block;    /* rows of a column */
    kpu_diag *diag;
} pass;

static kpu_results *results_of(const pass *p, int side)
{
    return p->diff->side[side].pareto.results;
}

static int64_t block_rows(const pass *p, int side, int64_t first)
{
    int64_t rows = kpu_results_rows(results_of(p, side)) - first;
    return rows < KPU_KEYS_BLOCK ? rows : KPU_KEYS_BLOCK;
}

/* ---- Matching --------------------------------------------------------------------------- */

static int enter(pass *p, kpu_key_hash key, int64_t row)
{
    if (p->entry_count == p->entry_room) {
        size_t room = p->entry_room ? 2 * p->entry_room : KPU_KEYS_BLOCK;
        entry *entries = realloc(p->entries, room * sizeof *entries);
        if (!entries)
            return KPU_E_MEMORY;
        p->entries = entries;
        p->entry_room = room;
    }
    p->entries[p->entry_count++] = (entry){.key = key, .row = row};
    return KPU_OK;
}

/* Slots for what was entered, half of them free. */
static int fill_slots(pass *p)
{
    free(p->slots);
    free(p->pairs);
    for (p->slot_count = 2; p->slot_count < 2 * p->entry_count;)
        p->slot_count *= 2;
    p->slots = malloc(p->slot_count * sizeof *p->slots);
    p->pairs = malloc((p->entry_count + 1) * sizeof *p->pairs);
    p->pair_count = 0;
    if (!p->slots || !p->pairs)
        return KPU_E_MEMORY;
    memset(p->slots, EMPTY, p->slot_count * sizeof *p->slots);
    for (size_t e = 0; e < p->entry_count; e++) {
        size_t slot = p->entries[e].key.low & (p->slot_count - 1);
        while (p->slots[slot] != EMPTY)
            slot = (slot + 1) & (p->slot_count - 1);
        p->slots[slot] = (int32_t)e;
    }
    return KPU_OK;
}

/* Pairs a candidate of B with the first entry of its key that none has taken yet. */
static int look_up(pass *p, kpu_key_hash key, int64_t row)
{
    for (size_t slot = key.low & (p->slot_count - 1); p->slots[slot] != EMPTY;
         slot = (slot + 1) & (p->slot_count - 1)) {
        entry *e = &p->entries[p->slots[slot]];
        if (e->taken || e->key.high != key.high || e->key.low != key.low)
            continue;
        e->taken = true;
        p->pairs[p->pair_count++] = (pair){.row = row, .entry = (size_t)p->slots[slot]};
        kpu_diff_note_pair(p->diff, (const int64_t[]){e->row, row});
        break;
    }
    return KPU_OK;
}

typedef int (*use_key)(pass *p, kpu_key_hash key, int64_t row);

static int scan(pass *p, int side, use_key use)
{
    kpu_keys *keys = &p->keys[side];
    int64_t rows = kpu_results_rows(results_of(p, side));
    int status = KPU_OK;
    for (int64_t first = 0; !status && first < rows; first += KPU_KEYS_BLOCK) {
        int64_t count = block_rows(p, side, first);
        kpu_key_hash key;
        status = kpu_keys_read(keys, first, count, p->diag);
        for (int64_t at = 0; !status && at < count; at++)
            if (kpu_keys_hash(keys, at, &key) && key.high % p->count == p->number)
                status = use(p, key, first + at);
    }
    return status;
}

/* ---- Metrics ---------------------------------------------------------------------------- */

/* One value of a column, in whatever type the file has it. */
typedef struct cell {
    const kpu_column *column;
    kpu_metric_value value;
} cell;

static double number_of(cell c)
{
    return c.column->type == KPU_COLUMN_DOUBLE ? c.value.d : (double)c.value.i;
}

static const char *word_of(cell c)
{
    bool known = c.value.i >= 0 && (size_t)c.value.i < c.column->word_count;
    return known ? c.column->words[c.value.i] : "?";
}

static bool is_same(cell a, cell b)
{
    if (a.column->words && b.column->words)
        return strcmp(word_of(a), word_of(b)) == 0;
    if (a.column->type == KPU_COLUMN_INT64 && b.column->type == KPU_COLUMN_INT64)
        return a.value.i == b.value.i;
    double x = number_of(a), y = number_of(b);
    return x == y || (isnan(x) && isnan(y));
}

static void note_change(kpu_diff_metric *m, cell a, cell b, const int64_t row[KPU_DIFF_SIDES])
{
    bool words = a.column->words || b.column->words;
    bool first = m->lower + m->higher + m->other == 0;
    double change = words ? NAN : kpu_diff_change(number_of(a), number_of(b));
    if (change < 0)
        m->lower++;
    else if (change > 0)
        m->higher++;
    else
        m->other++;
    bool larger = fabs(change) > fabs(m->change) || (!isnan(change) && isnan(m->change));
    bool earlier = (change == m->change || (isnan(change) && isnan(m->change))) &&
                   row[KPU_DIFF_B] < m->row[KPU_DIFF_B];
    if (!first && !larger && !earlier)
        return;
    m->change = change;
    for (int side = 0; side < KPU_DIFF_SIDES; side++) {
        m->row[side] = row[side];
        m->value[side] = (side == KPU_DIFF_A ? a : b).value;
    }
}

static int gather(pass *p, size_t column)
{
    int64_t held = -1;
    for (size_t e = 0; e < p->entry_count; e++) {
        int64_t row = p->entries[e].row, first = row - row % KPU_KEYS_BLOCK;
        if (!p->entries[e].taken)
            continue;
        if (first != held) {
            int status = kpu_results_read(results_of(p, KPU_DIFF_A), column, first,
                                          block_rows(p, KPU_DIFF_A, first), p->block, p->diag);
            if (status)
                return status;
            held = first;
        }
        p->gathered[e] = p->block[row - first];
    }
    return KPU_OK;
}

/* One column of each file, and what to do with a pair of values. */
typedef struct comparison {
    size_t column[KPU_DIFF_SIDES];
    void (*use)(pass *p, pair *both, const cell values[KPU_DIFF_SIDES], kpu_diff_metric *metric);
    kpu_diff_metric *metric;
} comparison;

static int compare_columns(pass *p, const comparison *c)
{
    kpu_results *b = results_of(p, KPU_DIFF_B);
    cell values[KPU_DIFF_SIDES];
    int64_t held = -1;
    int status = gather(p, c->column[KPU_DIFF_A]);
    for (int side = 0; side < KPU_DIFF_SIDES; side++)
        values[side].column = kpu_results_column(results_of(p, side), c->column[side]);
    for (size_t i = 0; !status && i < p->pair_count; i++) {
        pair *both = &p->pairs[i];
        int64_t first = both->row - both->row % KPU_KEYS_BLOCK;
        if (first != held)
            status = kpu_results_read(b, c->column[KPU_DIFF_B], first,
                                      block_rows(p, KPU_DIFF_B, first), p->block, p->diag);
        if (status)
            break;
        held = first;
        values[KPU_DIFF_A].value = p->gathered[both->entry];
        values[KPU_DIFF_B].value = p->block[both->row - first];
        c->use(p, both, values, c->metric);
    }
    return status;
}

static void use_fit(pass *p, pair *both, const cell values[KPU_DIFF_SIDES], kpu_diff_metric *metric)
{
    (void)metric;
    bool a = values[KPU_DIFF_A].value.i, b = values[KPU_DIFF_B].value.i;
    both->fits_once = both->changed = a != b;
    p->diff->side[KPU_DIFF_A].fits_alone += a && !b;
    p->diff->side[KPU_DIFF_B].fits_alone += b && !a;
}

static void use_metric(pass *p, pair *both, const cell values[KPU_DIFF_SIDES],
                       kpu_diff_metric *metric)
{
    if (both->fits_once || is_same(values[KPU_DIFF_A], values[KPU_DIFF_B]))
        return;
    both->changed = true;
    note_change(metric, values[KPU_DIFF_A], values[KPU_DIFF_B],
                (const int64_t[]){p->entries[both->entry].row, both->row});
}

static int compare_metrics(pass *p)
{
    kpu_diff *diff = p->diff;
    comparison fit = {.use = use_fit};
    for (int side = 0; side < KPU_DIFF_SIDES; side++)
        fit.column[side] = (size_t)kpu_results_find(results_of(p, side), "feasible");
    free(p->gathered);
    p->gathered = malloc((p->entry_count + 1) * sizeof *p->gathered);
    int status = p->gathered ? compare_columns(p, &fit) : KPU_E_MEMORY;
    for (size_t m = 0; !status && p->pair_count && m < diff->metric_count; m++) {
        kpu_diff_metric *metric = &diff->metrics[m];
        comparison c = {
            {metric->column[KPU_DIFF_A], metric->column[KPU_DIFF_B]}, use_metric, metric};
        status = compare_columns(p, &c);
    }
    diff->both += (int64_t)p->pair_count;
    for (size_t i = 0; i < p->pair_count; i++)
        diff->changed += p->pairs[i].changed;
    return status;
}

/* ---- All passes ------------------------------------------------------------------------- */

static int list_metrics(kpu_diff *diff)
{
    kpu_results *a = diff->side[KPU_DIFF_A].pareto.results;
    kpu_results *b = diff->side[KPU_DIFF_B].pareto.results;
    diff->metrics = calloc(kpu_results_column_count(a) + 1, sizeof *diff->metrics);
    for (size_t i = 0; diff->metrics && i < kpu_results_column_count(a); i++) {
        const kpu_column *column = kpu_results_column(a, i);
        int other = kpu_results_find(b, column->name);
        if (strcmp(column->group, "metrics") == 0 && other >= 0)
            diff->metrics[diff->metric_count++] =
                (kpu_diff_metric){.column = {i, (size_t)other}, .change = NAN};
    }
    return diff->metrics ? KPU_OK : KPU_E_MEMORY;
}

/* Of the candidates with the largest changes. */
static int read_ids(pass *p)
{
    int status = KPU_OK;
    for (int side = 0; side < KPU_DIFF_SIDES; side++) {
        kpu_results *results = results_of(p, side);
        int column = kpu_results_find(results, "id");
        for (size_t i = 0; column >= 0 && !status && i < p->diff->metric_count; i++) {
            kpu_diff_metric *m = &p->diff->metrics[i];
            if (m->lower + m->higher + m->other == 0)
                continue;
            status = kpu_results_read(results, (size_t)column, m->row[side], 1, p->block, p->diag);
            m->id[side] = status ? 0 : p->block[0].i;
        }
    }
    return status;
}

static int run_pass(pass *p)
{
    p->entry_count = 0;
    int status = scan(p, KPU_DIFF_A, enter);
    if (!status)
        status = fill_slots(p);
    if (!status)
        status = scan(p, KPU_DIFF_B, look_up);
    return status ? status : compare_metrics(p);
}

int kpu_diff_match(kpu_diff *diff, kpu_diag *diag)
{
    pass p = {.diff = diff, .diag = diag};
    p.count = 1 + (uint64_t)kpu_results_rows(results_of(&p, KPU_DIFF_A)) / PASS_ROWS;
    p.block = malloc(KPU_KEYS_BLOCK * sizeof *p.block);
    int status = p.block ? list_metrics(diff) : KPU_E_MEMORY;
    for (int side = 0; side < KPU_DIFF_SIDES && !status; side++)
        status = kpu_keys_init(&p.keys[side], diff, side, diag);
    for (p.number = 0; !status && p.number < p.count; p.number++)
        status = run_pass(&p);
    if (!status)
        status = read_ids(&p);
    for (int side = 0; side < KPU_DIFF_SIDES; side++) {
        kpu_keys_fini(&p.keys[side]);
        diff->side[side].only = kpu_results_rows(results_of(&p, side)) - diff->both;
    }
    free(p.entries);
    free(p.slots);
    free(p.pairs);
    free(p.gathered);
    free(p.block);
    return status;
}
