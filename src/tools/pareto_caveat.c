/* What a file does not hold cannot be on a front that is taken from it. */
#include <stdlib.h>
#include <string.h>

#include "tools/pareto.h"

/* Whether a name stands in a list with commas. */
static bool is_listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = strstr(list, name); at; at = strstr(at + 1, name))
        if ((at == list || at[-1] == ',') && (at[length] == ',' || !at[length]))
            return true;
    return false;
}

/* The front over some of the objectives has no values that the front over all of them lacks, and
 * what wins against other GEMMs wins within its own. */
static bool is_covered(const kpu_pareto *p, const char *stored)
{
    bool covered = !p->question->where && p->question->per != KPU_PER_MACHINE;
    for (int d = 0; d < p->objective_count; d++)
        covered = covered && is_listed(stored, kpu_pareto_column(p, p->objectives[d])->name);
    return covered;
}

static void put_note(const kpu_pareto *p, kpu_text *out, const char *what)
{
    kpu_text_format(out, "%s: note: %s; candidates that are not in it may belong to this one\n",
                    p->question->path, what);
}

/* A part of a run, and one that did not come to its end. */
static void put_part(const kpu_pareto *p, kpu_text *out)
{
    char *shard = kpu_results_attribute(p->results, "shard");
    char *missing = kpu_results_attribute(p->results, "shards_missing");
    kpu_text what = {0};
    if (missing)
        kpu_text_format(&what, "lacks the parts %s of the run", missing);
    else if (!kpu_results_complete(p->results))
        kpu_text_put(&what, "is of a run that did not end");
    else if (shard)
        kpu_text_format(&what, "holds the part %s of a run", shard);
    if (what.length > 0)
        put_note(p, out, what.data);
    kpu_text_fini(&what);
    free(shard);
    free(missing);
}

/* Of the best few by the first objective, the best is among them. */
static bool is_first(const kpu_pareto *p, const char *stored)
{
    size_t length = strcspn(stored, ",");
    const char *name = kpu_pareto_column(p, p->objectives[0])->name;
    return p->objective_count == 1 && is_covered(p, stored) && strlen(name) == length &&
           strncmp(name, stored, length) == 0;
}

/* What was evaluated and has no row. */
static void put_choice(const kpu_pareto *p, kpu_text *out, const char *store, const char *stored)
{
    char *search = kpu_results_attribute(p->results, "search");
    const kpu_search *known = search ? kpu_search_find(search) : NULL;
    const bool only_fronts = known && known->only_fronts;
    kpu_text what = {0};
    if (only_fronts && !is_covered(p, stored))
        kpu_text_format(&what, "holds the fronts of %s for each GEMM and nothing else (search %s)",
                        stored, search);
    else if (!only_fronts && strcmp(store, "front") == 0 && !is_covered(p, stored))
        kpu_text_format(&what, "holds the fronts of %s for each GEMM and nothing else (store %s)",
                        stored, store);
    else if (strncmp(store, "top ", 4) == 0 && !is_first(p, stored))
        kpu_text_format(&what, "holds the %s best of each GEMM by %.*s and nothing else (store %s)",
                        store + 4, (int)strcspn(stored, ","), stored, store);
    else if (strncmp(store, "sample ", 7) == 0)
        kpu_text_format(&what, "holds %s candidates, drawn of all, and nothing else (store %s)",
                        store + 7, store);
    if (what.length > 0)
        put_note(p, out, what.data);
    kpu_text_fini(&what);
    free(search);
}

void kpu_pareto_put_caveat(const kpu_pareto *p, kpu_text *out)
{
    char *store = kpu_results_attribute(p->results, "store");
    char *stored = kpu_results_attribute(p->results, "objectives");
    put_part(p, out);
    if (stored)
        put_choice(p, out, store ? store : "all", stored);
    free(store);
    free(stored);
}
