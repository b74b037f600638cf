/* Exact hypervolume.
 *
 * Points that count are sorted by the last objective; from where a point starts in it, the point
 * owns what it dominates in the other objectives and no earlier one does. So the volume is the sum
 * of (reference - last) x (what the point adds to the volume of the earlier ones in one objective
 * less). In two objectives that is a step of a staircase. In three it is an update of a staircase
 * that is kept sorted: O(n log n) (Fonseca, Paquete, Lopez-Ibanez 2006). In more it is the volume
 * of the point's own box less that of the earlier ones cut to the box (While, Bradstreet, Barone
 * 2012): the cut ones that others dominate are thrown away first, which leaves few. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explorer/dominance.h"
#include "explorer/rank_set.h"
#include "kpu/explorer.h"

/* Distinct points, none dominated, all below the reference; sorted by the last objective. */
typedef struct points {
    int objectives;
    int64_t count;
    double *values; /* row-major */
    const double *reference;
} points;

static const double *point_at(const points *p, int64_t n)
{
    return p->values + n * p->objectives;
}

/* ---- Making them ------------------------------------------------------------------------ */

static int compare_points(const void *a, const void *b, void *context)
{
    int last = *(const int *)context - 1;
    const double *x = a, *y = b;
    if (x[last] != y[last])
        return x[last] < y[last] ? -1 : 1;
    return kpu_compare_values(x, y, last);
}

/* Replaces the `count` points in values, not sorted, dominated ones and duplicates too, by what
 * the sums need. False: out of memory. */
static bool tidy(points *p)
{
    size_t width = (size_t)p->objectives, bytes = width * sizeof(double);
    int64_t *front = malloc(((size_t)p->count + 1) * sizeof *front);
    int64_t found = front ? kpu_pareto_front(p->values, p->count, p->objectives, front) : -1;
    for (int64_t i = 0; i < found; i++)
        memmove(p->values + (size_t)i * width, p->values + (size_t)front[i] * width, bytes);
    free(front);
    if (found < 0)
        return false;
    qsort_r(p->values, (size_t)found, bytes, compare_points, &p->objectives);
    p->count = 0;
    for (int64_t i = 0; i < found; i++) {
        const double *value = p->values + (size_t)i * width;
        if (i == 0 || kpu_compare_values(value, value - width, p->objectives) != 0)
            memmove(p->values + (size_t)p->count++ * width, value, bytes);
    }
    return true;
}

/* ---- One, two, three objectives --------------------------------------------------------- */

static double volume_1(const points *p)
{
    return p->count ? p->reference[0] - p->values[0] : 0;
}

/* Sorted by the second objective, so the first one falls. */
static double volume_2(const points *p)
{
    double volume = 0, edge = p->reference[0];
    for (int64_t n = 0; n < p->count; n++) {
        const double *value = point_at(p, n);
        volume += (p->reference[1] - value[1]) * (edge - value[0]);
        edge = value[0];
    }
    return volume;
}

/* A staircase over the first two objectives: of the points seen so far, those that no other one
 * dominates there, by rank of the first objective. */
typedef struct staircase {
    const points *points;
    int64_t *order; /* rank -> point */
    int64_t *ranks; /* point -> rank */
    kpu_rank_set steps;
} staircase;

static int compare_firsts(const void *a, const void *b, void *context)
{
    const points *p = context;
    int64_t i = *(const int64_t *)a, j = *(const int64_t *)b;
    double x = point_at(p, i)[0], y = point_at(p, j)[0];
    if (x != y)
        return x < y ? -1 : 1;
    return (i > j) - (i < j);
}

static bool staircase_init(staircase *s, points *p)
{
    size_t room = (size_t)p->count + 1;
    *s = (staircase){.points = p};
    s->order = malloc(room * sizeof *s->order);
    s->ranks = malloc(room * sizeof *s->ranks);
    if (!s->order || !s->ranks || !kpu_ranks_init(&s->steps, p->count))
        return false;
    for (int64_t n = 0; n < p->count; n++)
        s->order[n] = n;
    qsort_r(s->order, (size_t)p->count, sizeof *s->order, compare_firsts, p);
    for (int64_t rank = 0; rank < p->count; rank++)
        s->ranks[s->order[rank]] = rank;
    return true;
}

static void staircase_fini(staircase *s)
{
    free(s->order);
    free(s->ranks);
    kpu_ranks_fini(&s->steps);
}

/* Enters point n and returns the area that it adds: column by column from the point to the right,
 * over the steps that it covers, to the first one that is lower or to the reference. */
static double staircase_add(staircase *s, int64_t n)
{
    const points *p = s->points;
    const double *value = point_at(p, n);
    int64_t rank = s->ranks[n], before = kpu_ranks_before(&s->steps, rank);
    double top = before < 0 ? p->reference[1] : point_at(p, s->order[before])[1];
    double left = value[0], area = 0;
    for (;;) {
        int64_t after = kpu_ranks_after(&s->steps, rank);
        const double *next = after < 0 ? p->reference : point_at(p, s->order[after]);
        area += (next[0] - left) * (top - value[1]);
        if (after < 0 || next[1] < value[1])
            break;
        kpu_ranks_remove(&s->steps, after);
        left = next[0];
        top = next[1];
    }
    kpu_ranks_add(&s->steps, rank);
    return area;
}

/* -1: out of memory. */
static double volume_3(points *p)
{
    staircase s;
    double volume = staircase_init(&s, p) ? 0 : -1;
    for (int64_t n = 0; volume >= 0 && n < p->count; n++)
        volume += (p->reference[2] - point_at(p, n)[2]) * staircase_add(&s, n);
    staircase_fini(&s);
    return volume;
}

/* ---- More ------------------------------------------------------------------------------- */

static double volume_of(points *p);

/* What point n adds, in all objectives but the last, to the points before it. -1: out of memory. */
static double added_by(const points *p, int64_t n, double *scratch)
{
    const double *value = point_at(p, n);
    int width = p->objectives - 1;
    points cut = {width, n, scratch, p->reference};
    double box = 1;
    for (int d = 0; d < width; d++)
        box *= p->reference[d] - value[d];
    if (isinf(box))
        return box;
    for (int64_t i = 0; i < n; i++)
        for (int d = 0; d < width; d++)
            scratch[i * width + d] = fmax(point_at(p, i)[d], value[d]);
    if (!tidy(&cut))
        return -1;
    double covered = volume_of(&cut);
    /* Rounding may make it more than the whole. */
    return covered < 0 ? -1 : fmax(box - covered, 0);
}

static double volume_more(const points *p)
{
    double volume = 0,
           *scratch = malloc(((size_t)p->count + 1) * (size_t)p->objectives * sizeof *scratch);
    if (!scratch)
        return -1;
    for (int64_t n = 0; n < p->count; n++) {
        double added = added_by(p, n, scratch);
        if (added < 0) {
            volume = -1;
            break;
        }
        volume += (p->reference[p->objectives - 1] - point_at(p, n)[p->objectives - 1]) * added;
    }
    free(scratch);
    return volume;
}

static double volume_of(points *p)
{
    switch (p->objectives) {
    case 1: return volume_1(p);
    case 2: return volume_2(p);
    case 3: return volume_3(p);
    default: return volume_more(p);
    }
}

/* ---- From outside ----------------------------------------------------------------------- */

/* Copies the points that count. */
static void take_points(points *p, const double *values, int64_t count)
{
    size_t width = (size_t)p->objectives;
    for (int64_t i = 0; i < count; i++) {
        const double *value = values + (size_t)i * width;
        bool counts = true;
        for (int d = 0; counts && d < p->objectives; d++)
            counts = value[d] < p->reference[d];
        if (counts)
            memcpy(p->values + (size_t)p->count++ * width, value, width * sizeof *value);
    }
}

/* A box that counts and has an infinite side. */
static bool is_infinite(const points *p)
{
    for (int64_t i = 0; i < p->count; i++)
        for (int d = 0; d < p->objectives; d++)
            if (isinf(p->reference[d] - point_at(p, i)[d]))
                return true;
    return false;
}

double kpu_hypervolume(const double *values, int64_t count, int objectives, const double *reference)
{
    if (count <= 0 || objectives <= 0)
        return 0;
    points p = {.objectives = objectives, .reference = reference};
    p.values = malloc((size_t)count * (size_t)objectives * sizeof *p.values);
    if (!p.values)
        return -1;
    take_points(&p, values, count);
    double volume = INFINITY;
    if (!is_infinite(&p))
        volume = tidy(&p) ? volume_of(&p) : -1;
    free(p.values);
    return volume;
}
