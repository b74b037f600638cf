/* Members of a front that has been checked, timed again for a comparison of all that a results
 * file says of them. */
#include "explorer/certify.h"

#include <stdlib.h>

typedef struct timing {
    const kpu_space *space;
    const kpu_certify_member *members;
    size_t count;
    kpu_row *rows;
    kpu_metric_value *metrics;
} timing;

static int time_member(void *context, kpu_worker *worker, int64_t item)
{
    const timing *t = context;
    kpu_certify_box box;
    kpu_metric_value *metrics = t->metrics + (size_t)item * kpu_metric_count();
    kpu_row *row = &t->rows[item];
    bool feasible;
    kpu_certify_box_of_id(t->space, t->members[item].id, &box);
    kpu_certify_box_point(t->space, &box, 0, &row->point);
    row->metrics = metrics;
    kpu_simulator_set_fast_forward(worker->simulator, false);
    return kpu_certify_evaluate(t->space, worker, &row->point, &feasible, metrics);
}

static int lead(void *context, kpu_team *team)
{
    const timing *t = context;
    return kpu_team_run(team, (int64_t)t->count, time_member, context);
}

int kpu_certify_time_members(const kpu_certify_options *options, const kpu_space *space,
                             const kpu_certify_member *members, size_t count, kpu_row **out,
                             kpu_diag *diag)
{
    /* the rows, and behind them their metrics */
    kpu_row *rows = calloc(count + 1, sizeof *rows + kpu_metric_count() * sizeof(kpu_metric_value));
    timing t = {space, members, count, rows, (kpu_metric_value *)(void *)(rows + count)};
    const kpu_team_options team = {.threads = options->threads};
    int code = rows ? kpu_team_open(&team, lead, &t, diag)
                    : kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    if (code != KPU_OK) {
        free(rows);
        rows = NULL;
    }
    *out = rows;
    return code;
}
