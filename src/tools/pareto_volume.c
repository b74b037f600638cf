/* --hypervolume: the volume that each front dominates. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/measure.h"

/* A number for each objective with commas between, as minimised. */
static int parse_reference(const kpu_pareto *p, double *out, kpu_diag *diag)
{
    const char *text = p->question->reference;
    int found = 0;
    for (char *end; *text && found < p->objective_count; found++, text = end) {
        double value = strtod(text, &end);
        if (end == text || !isfinite(value) || (*end && *end != ','))
            break;
        out[found] = kpu_pareto_turned(p, found, value);
        end += *end == ',' && end[1];
    }
    if (found == p->objective_count && !*text)
        return KPU_OK;
    return kpu_diag_add(diag, KPU_E_USAGE,
                        "--hypervolume: expected auto or %d number%s with commas between, one for "
                        "each objective; got \"%s\"",
                        p->objective_count, p->objective_count > 1 ? "s" : "",
                        p->question->reference);
}

static int measure_group(kpu_pareto *p, int64_t group, const double *given)
{
    size_t objectives = (size_t)p->objective_count;
    double *reference = p->references + (size_t)group * objectives;
    const kpu_point_set set = {p->costs + (size_t)p->first[group] * objectives,
                               p->first[group + 1] - p->first[group]};
    kpu_measure_box box;
    kpu_measure_box_make(&set, 1, p->objective_count, &box);
    memcpy(reference, given ? given : box.reference, objectives * sizeof *reference);
    p->hypervolumes[group] = kpu_hypervolume(set.values, set.count, p->objective_count, reference);
    return p->hypervolumes[group] < 0 ? KPU_E_MEMORY : KPU_OK;
}

int kpu_pareto_measure(kpu_pareto *p, kpu_diag *diag)
{
    double given[KPU_PARETO_OBJECTIVES_MAX];
    bool automatic = strcmp(p->question->reference, "auto") == 0;
    size_t groups = (size_t)p->group_count;
    int status = automatic ? KPU_OK : parse_reference(p, given, diag);
    if (status)
        return status;
    p->hypervolumes = calloc(groups + 1, sizeof *p->hypervolumes);
    p->references = calloc((groups + 1) * (size_t)p->objective_count, sizeof *p->references);
    if (!p->hypervolumes || !p->references)
        return KPU_E_MEMORY;
    for (int64_t group = 0; !status && group < p->group_count; group++)
        if (p->first[group + 1] > p->first[group])
            status = measure_group(p, group, automatic ? NULL : given);
    return status;
}
