/* Sorting by domination: the fronts of Deb's fast non-dominated sort, found one individual at a
 * time in lexicographic order (ENS-SS: Zhang, Tian, Cheng and Jin 2015), which needs no lists of
 * who dominates whom. */
#include "explorer/nsga2.h"

#include <math.h>
#include <stdlib.h>

static int compare_numbers(double a, double b)
{
    return (a > b) - (a < b);
}

static int compare_ids(const kpu_individual *a, const kpu_individual *b)
{
    return (a->id > b->id) - (a->id < b->id);
}

/* An order in which nobody comes before those that are fitter. */
static int by_costs(const void *first, const void *second, void *context)
{
    const kpu_individual *a = first, *b = second;
    size_t objectives = *(const size_t *)context;
    int order = compare_numbers(a->violation, b->violation);
    for (size_t i = 0; order == 0 && a->violation <= 0 && i < objectives; i++)
        order = compare_numbers(a->costs[i], b->costs[i]);
    return order != 0 ? order : compare_ids(a, b);
}

/* `a` comes before `b` in that order. */
static bool is_fitter(const kpu_individual *a, const kpu_individual *b, size_t objectives)
{
    bool differs = false;
    if (a->violation > 0 || b->violation > 0)
        return a->violation < b->violation;
    for (size_t i = 0; i < objectives; i++) {
        if (a->costs[i] > b->costs[i])
            return false;
        differs |= a->costs[i] < b->costs[i];
    }
    return differs;
}

/* `last` is the last of its front so far, `before` leads from each to the one before it. */
static bool front_beats(const kpu_individual *all, size_t last, const size_t *before, size_t i,
                        size_t objectives)
{
    for (; last != SIZE_MAX; last = before[last]) {
        if (is_fitter(&all[last], &all[i], objectives))
            return true;
    }
    return false;
}

/* room: 2 * count. */
static void rank(kpu_individual *all, size_t count, size_t objectives, size_t *room)
{
    size_t *last = room, *before = room + count, fronts = 0;
    for (size_t i = 0; i < count; i++) {
        size_t front = 0;
        while (front < fronts && front_beats(all, last[front], before, i, objectives))
            front++;
        before[i] = front < fronts ? last[front] : SIZE_MAX;
        last[front] = i;
        fronts += front == fronts;
        all[i].rank = (int32_t)front;
    }
}

/* ---- Crowding ---------------------------------------------------------------------------- */

static int by_rank(const void *first, const void *second)
{
    const kpu_individual *a = first, *b = second;
    int order = (a->rank > b->rank) - (a->rank < b->rank);
    if (order == 0)
        order = -compare_numbers(a->crowding, b->crowding);
    return order != 0 ? order : compare_ids(a, b);
}

static int by_one_cost(const void *first, const void *second, void *context)
{
    const kpu_individual *a = *(kpu_individual *const *)first;
    const kpu_individual *b = *(kpu_individual *const *)second;
    size_t objective = *(const size_t *)context;
    int order = compare_numbers(a->costs[objective], b->costs[objective]);
    return order != 0 ? order : compare_ids(a, b);
}

/* The ends of a front are infinitely lonely; between them the sides of the box that the two
 * neighbours span count, each as a part of the front's extent. */
static void crowd(kpu_individual **front, size_t count, size_t objective)
{
    qsort_r(front, count, sizeof(kpu_individual *), by_one_cost, &objective);
    double extent = front[count - 1]->costs[objective] - front[0]->costs[objective];
    front[0]->crowding = front[count - 1]->crowding = INFINITY;
    if (!(extent > 0) || isinf(extent))
        return;
    for (size_t i = 1; i + 1 < count; i++)
        front[i]->crowding +=
            (front[i + 1]->costs[objective] - front[i - 1]->costs[objective]) / extent;
}

/* Individuals are ordered by rank. */
static void crowd_fronts(kpu_individual *all, size_t count, size_t objectives,
                         kpu_individual **front)
{
    for (size_t first = 0, end; first < count; first = end) {
        for (end = first; end < count && all[end].rank == all[first].rank; end++)
            front[end - first] = &all[end];
        for (size_t i = 0; i < objectives && all[first].violation <= 0; i++)
            crowd(front, end - first, i);
    }
}

int kpu_nsga2_sort(kpu_individual *individuals, size_t count, size_t objectives)
{
    size_t *room = calloc(2 * count + 1, sizeof *room);
    kpu_individual **front = calloc(count + 1, sizeof(kpu_individual *));
    bool made = room && front;
    if (made && count > 0) {
        qsort_r(individuals, count, sizeof *individuals, by_costs, &objectives);
        rank(individuals, count, objectives, room);
        for (size_t i = 0; i < count; i++)
            individuals[i].crowding = 0;
        qsort(individuals, count, sizeof *individuals, by_rank);
        crowd_fronts(individuals, count, objectives, front);
        qsort(individuals, count, sizeof *individuals, by_rank);
    }
    free(room);
    free(front);
    return made ? KPU_OK : KPU_E_MEMORY;
}
