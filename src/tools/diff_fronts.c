/* The fronts of two files: whose members are new, gone or changed, and what each front is worth. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/diff.h"

double kpu_diff_change(double a, double b)
{
    if (a == b)
        return 0;
    return a == 0 && !isnan(b) ? copysign(INFINITY, b) : (b - a) / fabs(a);
}

/* ---- Partners --------------------------------------------------------------------------- */

static int compare_rows(const void *a, const void *b, void *context)
{
    const kpu_pareto_member *members = context;
    int64_t i = members[*(const int64_t *)a].row, j = members[*(const int64_t *)b].row;
    return (i > j) - (i < j);
}

int kpu_diff_prepare_fronts(kpu_diff *diff)
{
    for (int i = 0; i < KPU_DIFF_SIDES; i++) {
        kpu_diff_side *side = &diff->side[i];
        size_t count = (size_t)side->pareto.member_count;
        side->members = calloc(count + 1, sizeof *side->members);
        side->by_row = calloc(count + 1, sizeof *side->by_row);
        if (!side->members || !side->by_row)
            return KPU_E_MEMORY;
        for (size_t m = 0; m < count; m++) {
            side->members[m] = (kpu_diff_member){.partner_row = -1, .partner = -1, .beaten_by = -1};
            side->by_row[m] = (int64_t)m;
        }
        qsort_r(side->by_row, count, sizeof *side->by_row, compare_rows, side->pareto.members);
    }
    return KPU_OK;
}

/* The member that stands in this row, or -1. */
static int64_t member_of_row(const kpu_diff_side *side, int64_t row)
{
    int64_t low = 0, high = side->pareto.member_count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (side->pareto.members[side->by_row[middle]].row < row)
            low = middle + 1;
        else
            high = middle;
    }
    bool found =
        low < side->pareto.member_count && side->pareto.members[side->by_row[low]].row == row;
    return found ? side->by_row[low] : -1;
}

void kpu_diff_note_pair(kpu_diff *diff, const int64_t row[KPU_DIFF_SIDES])
{
    for (int i = 0; i < KPU_DIFF_SIDES; i++) {
        int64_t member = member_of_row(&diff->side[i], row[i]);
        if (member >= 0)
            diff->side[i].members[member].partner_row = row[1 - i];
    }
}

static const double *costs_of(const kpu_diff_side *side, int64_t member)
{
    return side->pareto.costs + member * side->pareto.objective_count;
}

static int find_state(const kpu_diff_side *side, const kpu_diff_side *other, int64_t at,
                      kpu_diag *diag)
{
    kpu_diff_member *member = &side->members[at];
    size_t bytes = (size_t)side->pareto.objective_count * sizeof(double);
    kpu_metric_value fits;
    if (member->partner_row < 0)
        return KPU_OK; /* KPU_DIFF_ABSENT */
    member->partner = member_of_row(other, member->partner_row);
    if (member->partner >= 0) {
        bool same = memcmp(costs_of(side, at), costs_of(other, member->partner), bytes) == 0;
        member->state = same ? KPU_DIFF_SAME : KPU_DIFF_DIFFERENT;
        return KPU_OK;
    }
    int column = kpu_results_find(other->pareto.results, "feasible");
    int status = kpu_results_read(other->pareto.results, (size_t)column, member->partner_row, 1,
                                  &fits, diag);
    member->state = !status && fits.i ? KPU_DIFF_BEATEN : KPU_DIFF_UNFIT;
    return status;
}

static int find_states(kpu_diff *diff, kpu_diag *diag)
{
    int status = KPU_OK;
    for (int i = 0; i < KPU_DIFF_SIDES; i++) {
        const kpu_diff_side *side = &diff->side[i], *other = &diff->side[1 - i];
        for (int64_t m = 0; !status && m < side->pareto.member_count; m++)
            status = find_state(side, other, side->by_row[m], diag);
    }
    return status;
}

/* ---- A GEMM that both have --------------------------------------------------------------- */

static int64_t first_member(const kpu_diff_side *side, int64_t gemm)
{
    return side->pareto.first[gemm];
}

static kpu_point_set set_of(const kpu_diff_side *side, int64_t gemm)
{
    int64_t first = first_member(side, gemm);
    return (kpu_point_set){costs_of(side, first), side->pareto.first[gemm + 1] - first};
}

double kpu_diff_best(const kpu_diff_side *side, int64_t gemm, int objective, int64_t *member)
{
    kpu_point_set set = set_of(side, gemm);
    int objectives = side->pareto.objective_count;
    int64_t best = 0;
    for (int64_t i = 1; i < set.count; i++)
        if (set.values[i * objectives + objective] < set.values[best * objectives + objective])
            best = i;
    if (member)
        *member = set.count ? first_member(side, gemm) + best : -1;
    return set.count ? kpu_pareto_turned(&side->pareto, objective,
                                         set.values[best * objectives + objective])
                     : NAN;
}

/* Who of the other front dominates a member that is not on it. */
static int find_beaters(const kpu_diff_side *side, kpu_point_set own, int64_t first_own,
                        kpu_point_set other, int64_t first_other)
{
    int objectives = side->pareto.objective_count;
    kpu_archive *archive = kpu_archive_new(objectives);
    int status = archive ? KPU_OK : KPU_E_MEMORY;
    for (int64_t i = 0; !status && i < other.count; i++)
        status = kpu_archive_add(archive, other.values + i * objectives, first_other + i);
    for (int64_t i = 0; !status && i < own.count; i++)
        side->members[first_own + i].beaten_by =
            kpu_archive_dominator(archive, own.values + i * objectives);
    kpu_archive_free(archive);
    return status;
}

static void count_states(const kpu_diff *diff, kpu_diff_front *front)
{
    for (int i = 0; i < KPU_DIFF_SIDES; i++) {
        const kpu_diff_side *side = &diff->side[i];
        int64_t first = first_member(side, front->gemm[i]);
        int64_t count = set_of(side, front->gemm[i]).count;
        for (int64_t m = first; m < first + count; m++) {
            kpu_diff_state state = side->members[m].state;
            front->changed += i == KPU_DIFF_B && state == KPU_DIFF_DIFFERENT;
            *(i == KPU_DIFF_A ? &front->gone : &front->fresh) += state < KPU_DIFF_DIFFERENT;
        }
    }
}

static int compare_front(const kpu_diff *diff, kpu_diff_front *front)
{
    const kpu_pareto *pareto = &diff->side[KPU_DIFF_A].pareto;
    bool negated[KPU_PARETO_OBJECTIVES_MAX];
    kpu_point_set set[KPU_DIFF_SIDES];
    int status = KPU_OK;
    for (int d = 0; d < pareto->objective_count; d++)
        negated[d] = kpu_pareto_column(pareto, pareto->objectives[d])->sense == KPU_SENSE_MAX;
    for (int i = 0; i < KPU_DIFF_SIDES; i++)
        set[i] = set_of(&diff->side[i], front->gemm[i]);
    kpu_measure_box_make(set, KPU_DIFF_SIDES, pareto->objective_count, &front->box);
    for (int i = 0; !status && i < KPU_DIFF_SIDES; i++) {
        const kpu_diff_side *side = &diff->side[i], *other = &diff->side[1 - i];
        status = kpu_measure_set(&front->box, negated, set[i], set[1 - i], &front->measure[i]);
        if (!status)
            status = find_beaters(side, set[i], first_member(side, front->gemm[i]), set[1 - i],
                                  first_member(other, front->gemm[1 - i]));
    }
    count_states(diff, front);
    return status;
}

int kpu_diff_compare_fronts(kpu_diff *diff, kpu_diag *diag)
{
    const kpu_diff_side *a = &diff->side[KPU_DIFF_A];
    diff->fronts = calloc((size_t)a->pareto.gemm_count + 1, sizeof *diff->fronts);
    int status = diff->fronts ? find_states(diff, diag) : KPU_E_MEMORY;
    for (int64_t gemm = 0; !status && gemm < a->pareto.gemm_count; gemm++) {
        if (a->gemm_partner[gemm] < 0)
            continue;
        kpu_diff_front *front = &diff->fronts[diff->front_count++];
        *front = (kpu_diff_front){.gemm = {gemm, a->gemm_partner[gemm]}};
        status = compare_front(diff, front);
    }
    return status;
}
