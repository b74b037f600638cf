/* test_resume.c - on random spaces, every search: stopped again and again, and gone on with what
 * had come, with whatever ranks, it ends as if it had not been disturbed; its parts put together
 * are the whole; the rows that are kept are those of a definition in plain words. test_resume
 * [SPACES [SEED]] */
#include "resume_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 700, STOPS_MAX = 4, SHARDS_MAX = 7 };

/* ---- Stopping ----------------------------------------------------------------------------- */

/* A process that was killed left an earlier state: of a search that begins anew any first rows. */
static void lose_some(test_run *t, kept *k)
{
    if (strcmp(kpu_space_search(t->space)->search->name, "exhaustive") == 0 ||
        !random_chance(&t->random, 30))
        return;
    k->log.count = (size_t)random_between(&t->random, 0, (int64_t)k->log.count);
    k->evaluations = (int64_t)k->log.count;
    t->kills++;
}

/* Stops it some times, each time after as many rows, and lets it end then. */
static void run_disturbed(test_run *t, const way *w, size_t rows_expected, kept *k)
{
    int64_t stops = random_between(&t->random, 1, STOPS_MAX);
    for (int64_t i = 0; i < stops; i++) {
        int64_t most = (int64_t)rows_expected / stops;
        run_once(t, w, (size_t)random_between(&t->random, 1, most > 0 ? most : 1), k);
        if (k->code == KPU_OK)
            return;
        t->stops++;
        expect(t, k->given.count == 0 && k->bytes == 0, "nothing is given of half a search");
        lose_some(t, k);
    }
    run_once(t, w, 0, k);
}

static bool same_number(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static void expect_same(test_run *t, const kept *whole, const kept *again)
{
    const kpu_search_progress *a = &whole->summary, *b = &again->summary;
    expect(t, again->code == KPU_OK, "it ends");
    expect(t, rows_same(&whole->log, &again->log), "all rows are the same");
    expect(t, rows_same(&whole->given, &again->given), "all rows of the fronts are the same");
    expect(t, a->done == b->done && a->total == b->total, "it has come as far");
    expect(t, a->evaluations == b->evaluations && a->feasible == b->feasible,
           "as many evaluations");
    expect(t, a->boxes == b->boxes && a->open == b->open, "as many boxes");
    expect(t, same_number(a->gap, b->gap), "the same gap");
    expect(t, same_number(a->hypervolume, b->hypervolume), "the same hypervolume");
    expect(t,
           whole->bytes == again->bytes &&
               (whole->bytes == 0 ||
                memcmp(whole->certificate, again->certificate, whole->bytes) == 0),
           "the same certificate");
}

static void check_resume(test_run *t, const way *w)
{
    kept whole = {0}, again = {0};
    run_once(t, w, 0, &whole);
    run_disturbed(t, w, whole.log.count, &again);
    expect_same(t, &whole, &again);
    kept_fini(&whole);
    kept_fini(&again);
}

/* ---- Parts -------------------------------------------------------------------------------- */

static const kpu_search *search_of(const test_run *t)
{
    return kpu_space_search(t->space)->search;
}

static const rows *rows_of(const test_run *t, const kept *k)
{
    return gives_fronts(t) ? &k->given : &k->log;
}

/* By ascending id. */
static void merge_ids(const test_run *t, const kept *parts, int64_t count, rows *out)
{
    size_t next[SHARDS_MAX] = {0};
    for (;;) {
        int64_t first = -1;
        for (int64_t p = 0; p < count; p++) {
            const rows *r = rows_of(t, &parts[p]);
            if (next[p] < r->count &&
                (first < 0 ||
                 r->points[next[p]].index < rows_of(t, &parts[first])->points[next[first]].index))
                first = p;
        }
        if (first < 0)
            return;
        rows_add_copy(out, rows_of(t, &parts[first]), next[first]++);
    }
}

/* A block of each in turn. */
static void merge_blocks(const test_run *t, const kept *parts, int64_t count, rows *out)
{
    size_t block = (size_t)kpu_shard_block(t->space, count), next[SHARDS_MAX] = {0};
    for (int64_t p = 0, idle = 0; idle < count; p = (p + 1) % count) {
        const rows *r = rows_of(t, &parts[p]);
        idle = next[p] < r->count ? 0 : idle + 1;
        for (size_t i = 0; i < block && next[p] < r->count; i++)
            rows_add_copy(out, r, next[p]++);
    }
}

/* Every row of the whole is in the part to which it belongs, as the header says it. */
static void check_places(test_run *t, const rows *whole, const kept *parts, int64_t count)
{
    int64_t block = kpu_shard_block(t->space, count), n = 0;
    size_t next[SHARDS_MAX] = {0};
    bool good = true;
    for (size_t i = 0; i < whole->count && good; i++) {
        const kpu_point *at = &whole->points[i];
        kpu_point point;
        int64_t place = (int64_t)i / block;
        if (search_of(t)->shards == KPU_SHARDS_OF_POINTS) {
            while (kpu_space_point(t->space, n, &point), point.index != at->index)
                n++;
            place = n / block;
        } else if (search_of(t)->shards == KPU_SHARDS_OF_GEMMS) {
            place = at->gemm;
        }
        const rows *part = rows_of(t, &parts[place % count]);
        size_t *mine = &next[place % count];
        good = *mine < part->count && part->points[(*mine)++].index == at->index;
    }
    for (int64_t p = 0; p < count; p++)
        good &= next[p] == rows_of(t, &parts[p])->count;
    expect(t, good, "each row is in its part");
}

static void check_parts(test_run *t, int64_t count)
{
    kept whole = {0}, parts[SHARDS_MAX] = {0};
    rows together = {0};
    int64_t evaluations = 0, feasible = 0, done = 0;
    run_once(t, &(way){.certifies = false}, 0, &whole);
    for (int64_t p = 0; p < count; p++) {
        const way part = {.shard = {p, count}};
        if (random_chance(&t->random, 50))
            run_once(t, &part, 0, &parts[p]);
        else
            run_disturbed(t, &part, whole.log.count / (size_t)count, &parts[p]);
        expect(t, parts[p].code == KPU_OK, "a part ends");
        evaluations += parts[p].summary.evaluations;
        feasible += parts[p].summary.feasible;
        done += parts[p].summary.done;
        t->parts++;
    }
    if (search_of(t)->shards == KPU_SHARDS_OF_DRAWS)
        merge_blocks(t, parts, count, &together);
    else
        merge_ids(t, parts, count, &together);
    expect(t, rows_same(&together, rows_of(t, &whole)), "the parts together are the whole");
    expect(t,
           evaluations == whole.summary.evaluations && feasible == whole.summary.feasible &&
               done == whole.summary.done,
           "the parts count what the whole counts");
    check_places(t, rows_of(t, &whole), parts, count);
    rows_fini(&together);
    kept_fini(&whole);
    for (int64_t p = 0; p < count; p++)
        kept_fini(&parts[p]);
}

/* ---- Selections --------------------------------------------------------------------------- */

static double cost(const test_run *t, const rows *r, size_t row, size_t objective)
{
    size_t metric = (size_t)kpu_space_objective(t->space, objective);
    kpu_metric_value value = rows_metrics(r, row)[metric];
    double number = kpu_metric_at(metric)->type == KPU_METRIC_INT64 ? (double)value.i : value.d;
    return kpu_metric_at(metric)->sense == KPU_SENSE_MAX ? -number : number;
}

static bool fits(const rows *r, size_t row)
{
    return rows_metrics(r, row)[kpu_metric_find("feasible")].i != 0;
}

static bool has_numbers(const test_run *t, const rows *r, size_t row)
{
    bool numbers = fits(r, row);
    for (size_t i = 0; i < kpu_space_objective_count(t->space); i++)
        numbers &= !isnan(cost(t, r, row, i));
    return numbers;
}

static bool dominates(const test_run *t, const rows *r, size_t a, size_t b)
{
    bool better = false;
    if (r->points[a].gemm != r->points[b].gemm || !has_numbers(t, r, a))
        return false;
    for (size_t i = 0; i < kpu_space_objective_count(t->space); i++) {
        double x = cost(t, r, a, i), y = cost(t, r, b, i);
        if (x > y)
            return false;
        better |= x < y;
    }
    return better;
}

/* Whether b comes before a among the best of its GEMM. */
static bool goes_before(const test_run *t, const rows *r, size_t b, size_t a)
{
    if (r->points[a].gemm != r->points[b].gemm || !fits(r, b) || isnan(cost(t, r, b, 0)))
        return false;
    double x = cost(t, r, b, 0), y = cost(t, r, a, 0);
    return x < y || (!(y < x) && r->points[b].index < r->points[a].index);
}

/* Whether the row is to be kept, by counting those that stand against it. */
static bool belongs(const test_run *t, const rows *all, size_t row)
{
    kpu_keep keep = kpu_space_keep(t->space);
    int64_t against = 0;
    for (size_t other = 0; other < all->count; other++)
        against += keep.kind == KPU_KEEP_FRONT ? dominates(t, all, other, row)
                                               : goes_before(t, all, other, row);
    if (keep.kind == KPU_KEEP_FRONT)
        return has_numbers(t, all, row) && against == 0;
    return fits(all, row) && !isnan(cost(t, all, row, 0)) && against < keep.count;
}

/* The numbers of what is kept of `from`, offered in the order of `order`. */
static int64_t *select_rows(const test_run *t, const rows *from, const size_t *order, size_t *count)
{
    kpu_selection *selection = kpu_selection_new(t->space, kpu_space_keep(t->space));
    int64_t *numbers = NULL;
    bool accepted;
    if (!selection)
        abort();
    for (size_t i = 0; i < from->count; i++) {
        size_t at = order ? order[i] : i;
        const kpu_row row = {.point = from->points[at], .metrics = rows_metrics(from, at)};
        if (kpu_selection_offer(selection, &row, (int64_t)at, &accepted) != KPU_OK)
            abort();
    }
    if (kpu_selection_list(selection, &numbers, count) != KPU_OK)
        abort();
    kpu_selection_free(selection);
    return numbers;
}

static size_t *shuffle(test_run *t, size_t count)
{
    size_t *order = malloc((count + 1) * sizeof *order);
    if (!order)
        abort();
    for (size_t i = 0; i < count; i++) {
        size_t other = (size_t)random_between(&t->random, 0, (int64_t)i);
        order[i] = order[other];
        order[other] = i;
    }
    return order;
}

/* Those kept of a log are those kept of all. */
static void check_log(test_run *t, const rows *all, const int64_t *numbers, size_t count)
{
    kept log = {0};
    size_t logged;
    run_disturbed(t, &(way){.selects = true}, all->count, &log);
    int64_t *kept_rows = select_rows(t, &log.log, NULL, &logged);
    bool same = logged == count;
    for (size_t i = 0; same && i < count; i++)
        same = log.log.points[kept_rows[i]].index == all->points[numbers[i]].index;
    expect(t, same, "the log keeps the same");
    expect(t, log.summary.evaluations == (int64_t)all->count, "all were evaluated");
    free(kept_rows);
    kept_fini(&log);
}

static void check_selection(test_run *t)
{
    kept all = {0};
    size_t count, mixed, *order;
    kpu_keep keep = kpu_space_keep(t->space);
    run_once(t, &(way){.certifies = false}, 0, &all);
    order = shuffle(t, all.log.count);
    int64_t *numbers = select_rows(t, &all.log, NULL, &count);
    int64_t *other = select_rows(t, &all.log, order, &mixed);
    expect(t, count == mixed && memcmp(numbers, other, count * sizeof *other) == 0,
           "the order of offering does not matter");
    for (size_t i = 0, at = 0; keep.kind != KPU_KEEP_SAMPLE && i < all.log.count; i++) {
        bool is_kept = at < count && numbers[at] == (int64_t)i;
        at += is_kept;
        expect(t, is_kept == belongs(t, &all.log, i), "what is kept belongs");
    }
    if (keep.kind == KPU_KEEP_SAMPLE)
        expect(t,
               (int64_t)count ==
                   (keep.count < (int64_t)all.log.count ? keep.count : (int64_t)all.log.count),
               "a sample is as large as asked for");
    check_log(t, &all.log, numbers, count);
    free(order);
    free(numbers);
    free(other);
    kept_fini(&all);
    t->selections++;
}

/* ---- One space ---------------------------------------------------------------------------- */

/* The same space with another search, sample or store. */
static bool make(test_run *t, const random_space *base, const char *sweep_lines,
                 const char *search_lines)
{
    static const char head[] = "[sweep]\n";
    t->text = *base;
    int length = snprintf(t->text.sweep, sizeof t->text.sweep, "%s%s%s[search]\n%s", head,
                          sweep_lines, base->sweep + strlen(head), search_lines);
    t->space = length < RANDOM_TEXT ? random_space_make(&t->text) : NULL;
    expect(t, t->space != NULL, "a space");
    return t->space != NULL;
}

static void check_search(test_run *t, const random_space *base, const char *sweep_lines,
                         const char *search_lines)
{
    if (!make(t, base, sweep_lines, search_lines))
        return;
    const kpu_search *search = search_of(t);
    bool has_budget = kpu_space_search(t->space)->budget > 0;
    way w = {.certifies = search->certificate == KPU_SEARCH_TAKES && random_chance(&t->random, 70)};
    check_resume(t, &w);
    if (search->shards != KPU_SHARDS_NONE && !(search->only_fronts && has_budget))
        check_parts(t, random_between(&t->random, 1, SHARDS_MAX));
    kpu_space_free(t->space);
    t->space = NULL;
}

static void check_searches(test_run *t, const random_space *base)
{
    char lines[160], sample[64];
    for (size_t i = 0; i < kpu_search_count(); i++) {
        const kpu_search *search = kpu_search_at(i);
        int64_t budget = search->budget == KPU_SEARCH_NEEDS
                             ? random_between(&t->random, 1, POINTS + POINTS / 4)
                             : 0;
        if (search->budget == KPU_SEARCH_TAKES && random_chance(&t->random, 30))
            budget = random_between(&t->random, 1, POINTS / 4);
        snprintf(lines, sizeof lines, "method = %s\nbudget = %lld\nnsga2_population = %lld\n",
                 search->name, (long long)budget, (long long)random_between(&t->random, 4, 20));
        bool samples = search->sample != KPU_SEARCH_REFUSES && random_chance(&t->random, 40);
        snprintf(sample, sizeof sample, "seed = %lld\nsample = %lld\n",
                 (long long)random_between(&t->random, 0, 9),
                 (long long)(samples ? random_between(&t->random, 1, POINTS) : 0));
        check_search(t, base, sample, lines);
    }
}

static void check_selections(test_run *t, const random_space *base)
{
    static const char *const ways[] = {"front", "top", "sample"};
    char lines[96];
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        int64_t count = random_between(&t->random, 1, random_chance(&t->random, 50) ? 8 : POINTS);
        if (i == 0)
            snprintf(lines, sizeof lines, "store = front\n");
        else
            snprintf(lines, sizeof lines, "seed = %llu\nstore = %s %lld\n",
                     (unsigned long long)t->number, ways[i], (long long)count);
        if (make(t, base, lines, "method = exhaustive\n"))
            check_selection(t);
        kpu_space_free(t->space);
        t->space = NULL;
    }
}

int main(int argc, char **argv)
{
    long spaces = argc > 1 ? strtol(argv[1], NULL, 10) : 40;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    test_run t = {0};
    for (; t.spaces < spaces; t.spaces++) {
        random_space base;
        t.number = (uint64_t)t.spaces;
        t.random = (random_stream){.seed = seed + 1000, .stream = t.number};
        t.failed = false;
        random_space_draw(seed, t.number, POINTS, &base);
        check_searches(&t, &base);
        check_selections(&t, &base);
    }
    printf("%ld spaces, %ld failures; %ld runs, %ld stops, %ld of them lost rows; %ld parts, %ld "
           "selections; %ld runs of several ranks, %ld messages, %ld ranks lost\n",
           t.spaces, t.failures, t.runs, t.stops, t.kills, t.parts, t.selections, t.crews,
           t.messages, t.lost);
    return t.failures != 0;
}
