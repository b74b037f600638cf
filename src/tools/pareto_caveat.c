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

void kpu_pareto_put_caveat(const kpu_pareto *p, kpu_text *out)
{
    char *name = kpu_results_attribute(p->results, "search");
    char *stored = kpu_results_attribute(p->results, "objectives");
    const kpu_search *search = name ? kpu_search_find(name) : NULL;
    if (search && search->only_fronts && stored && !is_covered(p, stored))
        kpu_text_format(out,
                        "%s: note: holds the fronts of %s for each GEMM and nothing else (search "
                        "%s); candidates that are not in it may belong to this one\n",
                        p->question->path, stored, name);
    free(name);
    free(stored);
}
