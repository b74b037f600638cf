/* The fronts of a run: memory bounded by the fronts, whatever the number of candidates. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/run.h"

static const kpu_metric *objective(const kpu_fronts *fronts, size_t index)
{
    return kpu_metric_at((size_t)kpu_space_objective(fronts->space, index));
}

int kpu_fronts_init(kpu_fronts *fronts, const kpu_space *space)
{
    size_t gemms = kpu_space_gemm_count(space);
    *fronts = (kpu_fronts){.space = space,
                           .front = calloc(gemms + 1, sizeof *fronts->front),
                           .objectives = kpu_space_objective_count(space)};
    for (size_t g = 0; fronts->front && g < gemms; g++)
        fronts->front[g].best = INFINITY;
    return fronts->front ? KPU_OK : KPU_E_MEMORY;
}

void kpu_fronts_fini(kpu_fronts *fronts)
{
    for (size_t g = 0; fronts->front && g < kpu_space_gemm_count(fronts->space); g++) {
        for (size_t i = 0; i < fronts->front[g].count; i++)
            free(fronts->front[g].rows[i]);
        free(fronts->front[g].rows);
    }
    free(fronts->front);
    *fronts = (kpu_fronts){0};
}

double kpu_fronts_shown(const kpu_fronts *fronts, size_t index, double cost)
{
    return objective(fronts, index)->sense == KPU_SENSE_MAX ? -cost : cost;
}

/* False if an objective is no number. */
static bool costs_of(const kpu_fronts *fronts, const kpu_metric_value *metrics, double *out)
{
    bool numbers = true;
    for (size_t i = 0; i < fronts->objectives; i++) {
        const kpu_metric *metric = objective(fronts, i);
        kpu_metric_value value = metrics[kpu_space_objective(fronts->space, i)];
        double number = metric->type == KPU_METRIC_INT64 ? (double)value.i : value.d;
        out[i] = metric->sense == KPU_SENSE_MAX ? -number : number;
        numbers = numbers && !isnan(number);
    }
    return numbers;
}

typedef struct relation {
    bool first_better, second_better; /* in some objective */
} relation;

static relation compare(const double *first, const double *second, size_t count)
{
    relation r = {false, false};
    for (size_t i = 0; i < count && !(r.first_better && r.second_better); i++) {
        r.first_better |= first[i] < second[i];
        r.second_better |= second[i] < first[i];
    }
    return r;
}

/* Removes what `row` dominates; false, and nothing is removed, if it is dominated itself. What
 * settles that moves forward, so that for most rows the first few comparisons do: a member that
 * dominates it, or equals it, so that it dominates none. */
static bool make_way(kpu_front *front, const kpu_front_row *row, size_t objectives)
{
    size_t kept = 0;
    for (size_t i = 0; i < front->count; i++) {
        kpu_front_row *member = front->rows[i];
        relation r = compare(member->cost, row->cost, objectives);
        if (!r.second_better) { /* then no member was dominated so far */
            front->rows[i] = front->rows[i / 2];
            front->rows[i / 2] = member;
            return !r.first_better;
        }
        if (!r.first_better)
            free(member);
        else
            front->rows[kept++] = member;
    }
    front->count = kept;
    return true;
}

static int append(kpu_front *front, kpu_front_row *row)
{
    if (front->count == front->capacity) {
        size_t capacity = front->capacity ? 2 * front->capacity : 64;
        kpu_front_row **rows = realloc(front->rows, capacity * sizeof(kpu_front_row *));
        if (!rows)
            return KPU_E_MEMORY;
        front->rows = rows;
        front->capacity = capacity;
    }
    front->rows[front->count++] = row;
    return KPU_OK;
}

int kpu_fronts_add(kpu_fronts *fronts, const kpu_row *row, bool *joined)
{
    if (joined)
        *joined = false;
    kpu_front *front = &fronts->front[row->point.gemm];
    fronts->rows++;
    fronts->last_gemm = row->point.gemm;
    if (!row->metrics[kpu_metric_find("feasible")].i)
        return KPU_OK;
    fronts->feasible++;
    kpu_front_row *candidate =
        malloc(sizeof *candidate + fronts->objectives * sizeof *candidate->cost);
    if (!candidate)
        return KPU_E_MEMORY;
    candidate->point = row->point;
    int status = KPU_OK;
    bool kept = costs_of(fronts, row->metrics, candidate->cost) &&
                make_way(front, candidate, fronts->objectives);
    if (kept) {
        front->best = fmin(front->best, candidate->cost[0]);
        status = append(front, candidate);
    }
    if (!kept || status)
        free(candidate);
    else if (joined)
        *joined = true;
    return status;
}

/* A copy of a member of another front, if it belongs here too. */
static int join(kpu_front *front, const kpu_front_row *member, size_t objectives)
{
    size_t bytes = sizeof *member + objectives * sizeof *member->cost;
    kpu_front_row *copy = malloc(bytes);
    if (!copy)
        return KPU_E_MEMORY;
    memcpy(copy, member, bytes);
    bool kept = make_way(front, copy, objectives);
    int status = kept ? append(front, copy) : KPU_OK;
    if (!kept || status)
        free(copy);
    return status;
}

int kpu_fronts_join(kpu_fronts *fronts, const kpu_fronts *others)
{
    int status = KPU_OK;
    for (size_t g = 0; g < kpu_space_gemm_count(fronts->space); g++) {
        kpu_front *front = &fronts->front[g];
        const kpu_front *other = &others->front[g];
        for (size_t i = 0; !status && i < other->count; i++)
            status = join(front, other->rows[i], fronts->objectives);
        front->best = fmin(front->best, other->best);
    }
    return status;
}
