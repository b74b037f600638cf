/* run --verify: some candidates of the finished results are executed with random numbers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/functional_check.h"
#include "tools/output.h"
#include "tools/row_reader.h"
#include "tools/run.h"

int kpu_run_check_types(const kpu_run *run, kpu_diag *diag)
{
    for (size_t g = 0; g < kpu_space_gemm_count(run->space); g++) {
        const kpu_gemm *gemm = kpu_space_gemm(run->space, (int64_t)g);
        kpu_functional_types types;
        if (kpu_functional_choose_types(&gemm->problem, &types, diag))
            return kpu_diag_add(diag, KPU_E_INPUT, "--verify: GEMM %s cannot be executed",
                                gemm->name);
    }
    return KPU_OK;
}

/* ---- Which candidates --------------------------------------------------------------------- */

/* Those that fit, as many as are wanted, by ascending id. */
typedef struct choice {
    const kpu_run *run;
    kpu_fronts fronts;
    kpu_point *points;
    int64_t count;
} choice;

/* Rows need not come by ascending id. */
static void add(choice *c, const kpu_row *row)
{
    const bool full = c->count == c->run->verify;
    if (!row->metrics[kpu_metric_find("feasible")].i ||
        (full && c->points[c->count - 1].index < row->point.index))
        return;
    int64_t at = full ? c->count - 1 : c->count++;
    for (; at > 0 && c->points[at - 1].index > row->point.index; at--)
        c->points[at] = c->points[at - 1];
    c->points[at] = row->point;
}

static int tell_interrupted(const kpu_run *run, kpu_diag *diag)
{
    return kpu_diag_add(diag, KPU_E_INTERRUPTED, "interrupted; all results are in %s", run->output);
}

static int read_rows(choice *c, kpu_row_reader *reader, kpu_diag *diag)
{
    int status = KPU_OK;
    for (int64_t n = 0; !status && n < kpu_row_reader_count(reader); n++) {
        kpu_row row;
        status = *kpu_run_stop() ? tell_interrupted(c->run, diag)
                                 : kpu_row_reader_row(reader, n, &row, diag);
        if (!status && kpu_fronts_add(&c->fronts, &row, NULL))
            status = kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
        if (!status)
            add(c, &row);
    }
    return status;
}

static int choose(choice *c, const kpu_columns *columns, kpu_diag *diag)
{
    kpu_row_source source = {.space = c->run->space, .columns = columns, .path = c->run->output};
    kpu_row_reader reader = {0};
    c->points = calloc((size_t)c->run->verify, sizeof *c->points);
    if (!c->points || kpu_fronts_init(&c->fronts, c->run->space))
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    int status = kpu_results_open(c->run->output, &source.results, diag);
    if (!status)
        status = kpu_row_reader_init(&reader, &source, diag);
    if (!status)
        status = read_rows(c, &reader, diag);
    kpu_row_reader_fini(&reader);
    kpu_results_close(source.results);
    return status;
}

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
    const choice *choice;
    int64_t done, elements;
    kpu_diag *diag;
} progress;

static int do_points(progress *p, const kpu_point *points, int64_t count, const kpu_point *except,
                     int64_t except_count)
{
    const kpu_run *run = p->choice->run;
    const kpu_space *space = run->space;
    int status = KPU_OK;
    for (int64_t i = 0; !status && i < count && p->done < run->verify; i++) {
        if (except &&
            bsearch(&points[i], except, (size_t)except_count, sizeof *except, compare_points))
            continue;
        const kpu_tool_case c = {.machine = *kpu_space_machine(space, points[i].machine),
                                 .problem = kpu_space_gemm(space, points[i].gemm)->problem,
                                 .candidate = points[i].candidate};
        kpu_gemm_verdict verdict;
        status = kpu_functional_check_candidate(&c, points[i].index, kpu_space_seed(space),
                                                &verdict, p->diag);
        if (!status) {
            p->done++;
            p->elements += verdict.elements;
        }
    }
    return status;
}

static int execute(const choice *c, kpu_text *out, kpu_diag *diag)
{
    progress p = {.choice = c, .diag = diag};
    const int64_t members = member_count(&c->fronts);
    kpu_point *front = calloc((size_t)members + 1, sizeof *front);
    if (!front)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    list_members(&c->fronts, front);
    int status = do_points(&p, front, members, NULL, 0);
    const int64_t of_fronts = p.done;
    if (!status)
        status = do_points(&p, c->points, c->count, front, members);
    free(front);
    if (!status) {
        kpu_text_format(out, "Executed %" PRId64 " candidates, %" PRId64 " of them of the fronts: ",
                        p.done, of_fronts);
        kpu_text_put_grouped(out, p.elements);
        kpu_text_put(out, " elements agree with the reference.\n");
    }
    return status;
}

/* Executing a large candidate takes its time, and whoever interrupts it need not wait. */
static int execute_or_end(const choice *c, kpu_text *out, kpu_diag *diag)
{
    kpu_text last = {0};
    kpu_text_format(&last,
                    "error: interrupted while candidates were executed; all results are in "
                    "%s\n",
                    c->run->output);
    if (last.failed)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    fflush(stdout);
    kpu_run_end_on_signal(last.data);
    int status = *kpu_run_stop() ? tell_interrupted(c->run, diag) : execute(c, out, diag);
    kpu_run_end_on_signal(NULL);
    kpu_text_fini(&last);
    return status;
}

int kpu_run_verify(const kpu_run *run, const kpu_columns *columns, kpu_diag *diag)
{
    choice c = {.run = run};
    kpu_text out = {0};
    int status = choose(&c, columns, diag);
    if (!status)
        status = execute_or_end(&c, &out, diag);
    kpu_fronts_fini(&c.fronts);
    free(c.points);
    if (!status && !run->quiet)
        return kpu_tool_print(&out);
    kpu_text_fini(&out);
    return status;
}
