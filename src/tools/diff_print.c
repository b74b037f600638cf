/* A comparison for people. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/diff.h"
#include "tools/output.h"

enum { VALUE_WIDTH = 40 };

static const char *const side_names[KPU_DIFF_SIDES] = {"A", "B"};

/* How many of `count` rows to print. */
static int64_t shown_of(int64_t count, int64_t limit)
{
    return limit > 0 && count > limit ? limit : count;
}

static void put_rest(int64_t rest, kpu_text *out)
{
    if (rest <= 0)
        return;
    kpu_text_put(out, "... and ");
    kpu_text_put_grouped(out, rest);
    kpu_text_put(out, " more (--rows 0 prints all)\n");
}

/* ---- What was asked --------------------------------------------------------------------- */

static void put_files(const kpu_diff *diff, kpu_text *out)
{
    for (int i = 0; i < KPU_DIFF_SIDES; i++) {
        const kpu_diff_side *side = &diff->side[i];
        kpu_text_format(out, "%s  %s: ", side_names[i], side->question.path);
        kpu_text_put_grouped(out, kpu_results_rows(side->pareto.results));
        kpu_text_put(out, " candidates\n");
    }
}

/* Lists of values may be long. */
static void add_shortened(kpu_table *table, const char *value)
{
    char text[VALUE_WIDTH + 4];
    if (!value)
        value = "-";
    size_t length = strlen(value);
    if (length > VALUE_WIDTH) {
        length = VALUE_WIDTH - 3;
        while (length > 0 && ((unsigned char)value[length] & 0xC0) == 0x80)
            length--; /* not within a character */
    }
    memcpy(text, value, length);
    strcpy(text + length, value[length] ? "..." : "");
    kpu_table_add_text(table, text);
}

static void put_facts(const kpu_diff *diff, int64_t limit, kpu_text *out)
{
    static const char *const titles[] = {"what differs", "A", "B"};
    int64_t count = (int64_t)diff->fact_count, shown = shown_of(count, limit);
    kpu_table table;
    if (count == 0) {
        kpu_text_put(out, "\nThe same machines, GEMMs, sweep and versions.\n");
        return;
    }
    kpu_table_init(&table, titles, sizeof titles / sizeof *titles);
    for (int64_t i = 0; i < shown; i++) {
        const kpu_diff_fact *fact = &diff->facts[i];
        kpu_text name = {0};
        kpu_text_format(&name, "%s%s%s", fact->what, *fact->name ? " " : "", fact->name);
        kpu_table_add_text(&table, name.failed ? "" : name.data);
        table.failed |= name.failed;
        kpu_text_fini(&name);
        for (int side = 0; side < KPU_DIFF_SIDES; side++)
            add_shortened(&table, fact->value[side]);
    }
    kpu_text_put(out, "\n");
    kpu_table_print(&table, KPU_TABLE_TEXT, out);
    put_rest(count - shown, out);
    kpu_table_fini(&table);
}

/* ---- Candidates and metrics ------------------------------------------------------------- */

static void put_counts(const kpu_diff *diff, kpu_text *out)
{
    const kpu_diff_side *a = &diff->side[KPU_DIFF_A], *b = &diff->side[KPU_DIFF_B];
    kpu_text_put(out, "\ncandidates: ");
    kpu_text_put_grouped(out, diff->both);
    kpu_text_put(out, " in both, ");
    kpu_text_put_grouped(out, a->only);
    kpu_text_put(out, " only in A, ");
    kpu_text_put_grouped(out, b->only);
    kpu_text_put(out, " only in B\n");
    if (diff->both > 0 && diff->changed == 0)
        kpu_text_put(out, "Those in both have the same numbers.\n");
    if (a->fits_alone + b->fits_alone > 0) {
        kpu_text_put(out, "Of those in both, ");
        kpu_text_put_grouped(out, a->fits_alone);
        kpu_text_put(out, " fit only in A, ");
        kpu_text_put_grouped(out, b->fits_alone);
        kpu_text_put(out, " only in B.\n");
    }
}

static void add_percent(kpu_table *table, double change)
{
    if (isnan(change))
        kpu_table_add_text(table, "");
    else
        kpu_table_add_real(table, 100 * change);
}

static void add_metric(const kpu_diff *diff, const kpu_diff_metric *m, kpu_table *table)
{
    const kpu_pareto *a = &diff->side[KPU_DIFF_A].pareto;
    kpu_table_add_text(table, kpu_pareto_column(a, m->column[KPU_DIFF_A])->name);
    kpu_table_add_int(table, m->lower + m->higher + m->other);
    kpu_table_add_int(table, m->lower);
    kpu_table_add_int(table, m->higher);
    add_percent(table, m->change);
    for (int side = 0; side < KPU_DIFF_SIDES; side++)
        kpu_pareto_add_value(kpu_pareto_column(&diff->side[side].pareto, m->column[side]),
                             m->value[side], table);
    for (int side = 0; side < KPU_DIFF_SIDES; side++) {
        kpu_text id = {0};
        kpu_text_put_int(&id, m->id[side]); /* without commas, as `show` takes it */
        kpu_table_add_text(table, id.failed ? "" : id.data);
        table->failed |= id.failed;
        kpu_text_fini(&id);
    }
}

static void put_metrics(const kpu_diff *diff, int64_t limit, kpu_text *out)
{
    static const char *const titles[] = {"metric",      "differ",   "lower in B",
                                         "higher in B", "change %", "A",
                                         "B",           "id in A",  "id in B"};
    int64_t count = 0;
    kpu_table table;
    kpu_table_init(&table, titles, sizeof titles / sizeof *titles);
    for (size_t i = 0; i < diff->metric_count; i++) {
        const kpu_diff_metric *m = &diff->metrics[i];
        if (m->lower + m->higher + m->other == 0)
            continue;
        if (limit == 0 || count < limit)
            add_metric(diff, m, &table);
        count++;
    }
    if (count > 0) {
        kpu_text_put_grouped(out, diff->changed - diff->side[KPU_DIFF_A].fits_alone -
                                      diff->side[KPU_DIFF_B].fits_alone);
        kpu_text_put(out,
                     " of those in both have other numbers; of each metric the largest change:\n");
        kpu_table_print(&table, KPU_TABLE_TEXT, out);
        put_rest(count - shown_of(count, limit), out);
    }
    kpu_table_fini(&table);
}

/* ---- Fronts ----------------------------------------------------------------------------- */

static int64_t member_count(const kpu_diff_side *side, int64_t gemm)
{
    return side->pareto.first[gemm + 1] - side->pareto.first[gemm];
}

static bool is_changed(const kpu_diff_front *front)
{
    return front->fresh + front->gone + front->changed > 0;
}

static void put_heading(const kpu_diff *diff, const kpu_diff_front *front, kpu_text *out)
{
    int64_t size[KPU_DIFF_SIDES];
    for (int i = 0; i < KPU_DIFF_SIDES; i++)
        size[i] = member_count(&diff->side[i], front->gemm[i]);
    kpu_pareto_put_gemm(&diff->side[KPU_DIFF_A].pareto, front->gemm[KPU_DIFF_A], out);
    kpu_text_put(out, ": ");
    if (size[KPU_DIFF_A] + size[KPU_DIFF_B] == 0) {
        kpu_text_put(out, "no candidate fits in either file\n");
    } else if (!is_changed(front)) {
        kpu_text_put(out, "the same front, of ");
        kpu_text_put_grouped(out, size[KPU_DIFF_A]);
        kpu_text_put(out, "\n");
    } else {
        const struct {
            const char *before;
            int64_t count;
        } parts[] = {{"A has ", size[KPU_DIFF_A]},
                     {" on the front, B ", size[KPU_DIFF_B]},
                     {": ", front->fresh},
                     {" new, ", front->gone},
                     {" gone, ", front->changed}};
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            kpu_text_put(out, parts[i].before);
            kpu_text_put_grouped(out, parts[i].count);
        }
        kpu_text_put(out, " changed\n");
    }
}

static void add_objective_value(const kpu_pareto *p, int d, double value, kpu_table *table)
{
    if (isfinite(value) && kpu_pareto_column(p, p->objectives[d])->type != KPU_COLUMN_DOUBLE)
        kpu_table_add_int(table, llround(value));
    else
        kpu_table_add_real(table, value);
}

static void put_best(const kpu_diff *diff, const kpu_diff_front *front, kpu_text *out)
{
    static const char *const titles[] = {"best", "A", "B", "change %"};
    const kpu_pareto *a = &diff->side[KPU_DIFF_A].pareto;
    kpu_table table;
    kpu_table_init(&table, titles, sizeof titles / sizeof *titles);
    for (int d = 0; d < a->objective_count; d++) {
        double best[KPU_DIFF_SIDES];
        kpu_table_add_text(&table, kpu_pareto_column(a, a->objectives[d])->name);
        for (int i = 0; i < KPU_DIFF_SIDES; i++) {
            best[i] = kpu_diff_best(&diff->side[i], front->gemm[i], d, NULL);
            add_objective_value(a, d, best[i], &table);
        }
        add_percent(&table, kpu_diff_change(best[KPU_DIFF_A], best[KPU_DIFF_B]));
    }
    kpu_table_print(&table, KPU_TABLE_TEXT, out);
    kpu_table_fini(&table);
}

static void put_measures(const kpu_diff *diff, const kpu_diff_front *front, kpu_text *out)
{
    const kpu_pareto *p = &diff->side[KPU_DIFF_A].pareto;
    const kpu_measure *a = &front->measure[KPU_DIFF_A], *b = &front->measure[KPU_DIFF_B];
    kpu_text_format(out, "hypervolume  A %.4f, B %.4f; B/A %.4g; reference", a->hypervolume,
                    b->hypervolume, b->hypervolume / a->hypervolume);
    for (int d = 0; d < p->objective_count; d++) {
        kpu_text_put(out, d ? ", " : " ");
        kpu_pareto_put_objective(p, d, front->box.reference[d], out);
    }
    kpu_text_format(out, "\nepsilon      A to B x%.4g, %+.4g; B to A x%.4g, %+.4g\n",
                    a->epsilon_multiplicative, a->epsilon_additive, b->epsilon_multiplicative,
                    b->epsilon_additive);
}

/* ---- Members ---------------------------------------------------------------------------- */

/* What is said of a member beyond its own numbers: of its candidate in the other file. */
static char *describe(const kpu_diff *diff, int side, int64_t at)
{
    static const char *const words[] = {[KPU_DIFF_ABSENT] = "absent",
                                        [KPU_DIFF_UNFIT] = "does not fit",
                                        [KPU_DIFF_BEATEN] = "beaten"};
    const kpu_pareto *p = &diff->side[side].pareto, *other = &diff->side[1 - side].pareto;
    const kpu_diff_member *member = &diff->side[side].members[at];
    kpu_text text = {0};
    if (member->state < KPU_DIFF_DIFFERENT)
        kpu_text_put(&text, words[member->state]);
    for (int d = 0; member->state == KPU_DIFF_DIFFERENT && d < p->objective_count; d++) {
        double own = p->costs[at * p->objective_count + d];
        double theirs = other->costs[member->partner * p->objective_count + d];
        if (own == theirs)
            continue;
        kpu_text_put(&text, text.length ? ", " : "");
        kpu_pareto_put_objective(p, d, theirs, &text);
    }
    if (!text.failed)
        return text.data;
    kpu_text_fini(&text);
    return NULL;
}

static char *name_beater(const kpu_diff *diff, int side, int64_t at)
{
    int64_t beater = diff->side[side].members[at].beaten_by;
    kpu_text text = {0};
    if (beater < 0)
        kpu_text_put(&text, "-");
    else
        kpu_text_put_int(&text, kpu_pareto_cell(&diff->side[1 - side].pareto, beater, "id"));
    if (!text.failed)
        return text.data;
    kpu_text_fini(&text);
    return NULL;
}

/* A table of the members of a front that are in a state of the range. */
typedef struct members {
    const char *title;
    int side;
    kpu_diff_state from, to;
} members;

static void put_listed(const kpu_diff *diff, const members *m, const int64_t *listed, int64_t count,
                       kpu_text *out)
{
    static const char *const in_titles[KPU_DIFF_SIDES] = {"in B", "in A"};
    static const char *const by_titles[KPU_DIFF_SIDES] = {"beaten in B by", "beaten in A by"};
    char **in = calloc((size_t)count + 1, sizeof *in), **by = calloc((size_t)count + 1, sizeof *by);
    bool made = in && by;
    for (int64_t i = 0; made && i < count; i++) {
        in[i] = describe(diff, m->side, listed[i]);
        by[i] = name_beater(diff, m->side, listed[i]);
        made = in[i] && by[i];
    }
    const kpu_pareto_note notes[] = {{in_titles[m->side], (const char *const *)in},
                                     {by_titles[m->side], (const char *const *)by}};
    const kpu_pareto_list list = {.members = listed,
                                  .count = count,
                                  .notes = notes,
                                  .note_count = m->from == KPU_DIFF_DIFFERENT ? 1 : 2};
    if (made)
        kpu_pareto_put_list(&diff->side[m->side].pareto, &list, out);
    else
        out->failed = true;
    for (int64_t i = 0; i < count; i++) {
        free(in ? in[i] : NULL);
        free(by ? by[i] : NULL);
    }
    free(in);
    free(by);
}

static void put_members(const kpu_diff *diff, const kpu_diff_front *front, const members *m,
                        int64_t limit, kpu_text *out)
{
    const kpu_diff_side *side = &diff->side[m->side];
    int64_t gemm = front->gemm[m->side], count = 0;
    int64_t *listed = calloc((size_t)member_count(side, gemm) + 1, sizeof *listed);
    if (!listed) {
        out->failed = true;
        return;
    }
    for (int64_t at = side->pareto.first[gemm]; at < side->pareto.first[gemm + 1]; at++)
        if (side->members[at].state >= m->from && side->members[at].state <= m->to)
            listed[count++] = at;
    if (count > 0) {
        kpu_text_format(out, "%s:\n", m->title);
        put_listed(diff, m, listed, shown_of(count, limit), out);
        put_rest(count - shown_of(count, limit), out);
    }
    free(listed);
}

static void put_front(const kpu_diff *diff, const kpu_diff_front *front, int64_t limit,
                      kpu_text *out)
{
    static const members tables[] = {
        {"new, on the front of B", KPU_DIFF_B, KPU_DIFF_ABSENT, KPU_DIFF_BEATEN},
        {"gone, on the front of A", KPU_DIFF_A, KPU_DIFF_ABSENT, KPU_DIFF_BEATEN},
        {"changed, as in B", KPU_DIFF_B, KPU_DIFF_DIFFERENT, KPU_DIFF_DIFFERENT}};
    put_heading(diff, front, out);
    if (!is_changed(front))
        return;
    if (member_count(&diff->side[KPU_DIFF_A], front->gemm[KPU_DIFF_A]) > 0 &&
        member_count(&diff->side[KPU_DIFF_B], front->gemm[KPU_DIFF_B]) > 0) {
        put_best(diff, front, out);
        put_measures(diff, front, out);
    }
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        put_members(diff, front, &tables[i], limit, out);
}

int kpu_diff_print(const kpu_diff *diff, int64_t limit)
{
    kpu_text out = {0};
    put_files(diff, &out);
    put_facts(diff, limit, &out);
    put_counts(diff, &out);
    put_metrics(diff, limit, &out);
    for (size_t i = 0; i < diff->front_count; i++) {
        /* Lines of fronts that are the same stand together. */
        if (i == 0 || is_changed(&diff->fronts[i]) || is_changed(&diff->fronts[i - 1]))
            kpu_text_put(&out, "\n");
        put_front(diff, &diff->fronts[i], limit, &out);
    }
    return kpu_tool_print(&out);
}
