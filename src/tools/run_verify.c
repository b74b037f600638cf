/* run --verify: some candidates are executed with random numbers once all are timed. */
#include <inttypes.h>
#include <stdlib.h>

#include "tools/functional_check.h"
#include "tools/run.h"

int kpu_run_checks_init(kpu_run_checks *checks, const kpu_run *run, int64_t wanted, kpu_diag *diag)
{
    *checks = (kpu_run_checks){.run = run, .wanted = wanted};
    if (wanted == 0)
        return KPU_OK;
    for (size_t g = 0; g < kpu_space_gemm_count(run->space); g++) {
        const kpu_gemm *gemm = kpu_space_gemm(run->space, (int64_t)g);
        kpu_functional_types types;
        if (kpu_functional_choose_types(&gemm->problem, &types, diag))
            return kpu_diag_add(diag, KPU_E_INPUT, "--verify: GEMM %s cannot be executed",
                                gemm->name);
    }
    checks->points = calloc((size_t)wanted, sizeof *checks->points);
    return checks->points ? KPU_OK : kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
}

void kpu_run_checks_fini(kpu_run_checks *checks)
{
    free(checks->points);
    *checks = (kpu_run_checks){0};
}

/* Rows need not come by ascending id. */
void kpu_run_checks_add(kpu_run_checks *checks, const kpu_row *row)
{
    const bool full = checks->count == checks->wanted;
    if (checks->wanted == 0 || !row->metrics[kpu_metric_find("feasible")].i ||
        (full && checks->points[checks->count - 1].index < row->point.index))
        return;
    int64_t at = full ? checks->count - 1 : checks->count++;
    for (; at > 0 && checks->points[at - 1].index > row->point.index; at--)
        checks->points[at] = checks->points[at - 1];
    checks->points[at] = row->point;
}

/* ---- Which candidates --------------------------------------------------------------------- */

static int compare_points(const void *a, const void *b)
{
    const kpu_point *first = a, *second = b;
    return (first->index > second->index) - (first->index < second->index);
}

static int64_t member_count(const kpu_fronts *fronts)
{
    int64_t count = 0;
    for (size_t g = 0; g < kpu_space_gemm_count(fronts->space); g++)
        count += (int64_t)fronts->front[g].count;
    return count;
}

/* All members, by ascending id, into members[]. */
static void list_members(const kpu_fronts *fronts, kpu_point *members)
{
    int64_t count = 0;
    for (size_t g = 0; g < kpu_space_gemm_count(fronts->space); g++)
        for (size_t i = 0; i < fronts->front[g].count; i++)
            members[count++] = fronts->front[g].rows[i]->point;
    qsort(members, (size_t)count, sizeof *members, compare_points);
}

/* ---- Doing it ----------------------------------------------------------------------------- */

typedef struct progress {
    const kpu_run_checks *checks;
    const volatile int *stop;
    int64_t done, elements;
    kpu_diag *diag;
} progress;

static int do_points(progress *p, const kpu_point *points, int64_t count, const kpu_point *except,
                     int64_t except_count)
{
    const kpu_space *space = p->checks->run->space;
    int status = KPU_OK;
    for (int64_t i = 0; !status && i < count && p->done < p->checks->wanted; i++) {
        if (except &&
            bsearch(&points[i], except, (size_t)except_count, sizeof *except, compare_points))
            continue;
        const kpu_tool_case c = {.machine = *kpu_space_machine(space, points[i].machine),
                                 .problem = kpu_space_gemm(space, points[i].gemm)->problem,
                                 .candidate = points[i].candidate};
        kpu_gemm_verdict verdict;
        if (*p->stop)
            return kpu_diag_add(p->diag, KPU_E_INTERRUPTED,
                                "interrupted after %" PRId64 " candidates were executed; all "
                                "results are in %s",
                                p->done, p->checks->run->output);
        status = kpu_functional_check_candidate(&c, points[i].index, kpu_space_seed(space),
                                                &verdict, p->diag);
        if (!status) {
            p->done++;
            p->elements += verdict.elements;
        }
    }
    return status;
}

int kpu_run_checks_do(const kpu_run_checks *checks, const kpu_fronts *fronts,
                      const volatile int *stop, kpu_text *out, kpu_diag *diag)
{
    progress p = {.checks = checks, .stop = stop, .diag = diag};
    const int64_t members = member_count(fronts);
    kpu_point *front = calloc((size_t)members + 1, sizeof *front);
    if (!front)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    list_members(fronts, front);
    int status = do_points(&p, front, members, NULL, 0);
    const int64_t of_fronts = p.done;
    if (!status)
        status = do_points(&p, checks->points, checks->count, front, members);
    free(front);
    if (!status) {
        kpu_text_format(out, "Executed %" PRId64 " candidates, %" PRId64 " of them of the fronts: ",
                        p.done, of_fronts);
        kpu_text_put_grouped(out, p.elements);
        kpu_text_put(out, " elements agree with the reference.\n");
    }
    return status;
}
