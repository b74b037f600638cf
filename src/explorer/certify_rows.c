/* Members of a front that has been checked, timed again for a comparison of all their metrics. */
#include "explorer/certify.h"

typedef struct timing {
    const kpu_space *space;
    const kpu_certify_member *members;
    size_t count;
    kpu_metric_value *metrics;
} timing;

static int time_member(void *context, kpu_worker *worker, int64_t item)
{
    const timing *t = context;
    kpu_certify_box box;
    kpu_point point;
    bool feasible;
    kpu_certify_box_of_id(t->space, t->members[item].id, &box);
    kpu_certify_box_point(t->space, &box, 0, &point);
    return kpu_certify_evaluate(t->space, worker, &point, &feasible,
                                t->metrics + (size_t)item * kpu_metric_count());
}

static int lead(void *context, kpu_team *team)
{
    const timing *t = context;
    return kpu_team_run(team, (int64_t)t->count, time_member, context);
}

int kpu_certify_time_members(const kpu_space *space, const kpu_certify_member *members,
                             size_t count, const kpu_certify_options *options,
                             kpu_metric_value *metrics, kpu_diag *diag)
{
    timing t = {space, members, count, metrics};
    const kpu_team_options team = {.threads = options->threads};
    int code = kpu_team_open(&team, lead, &t, diag);
    return code;
}
