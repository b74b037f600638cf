/* Exact Pareto fronts.
 *
 * Points are sorted by objective, ties by the next one, so that whatever dominates a point stands
 * before it. Then one objective is a scan, two a running minimum, three a running minimum over a
 * Fenwick tree on the ranks of the second (Kung, Luccio, Preparata 1975), more a comparison with
 * the front so far: O(n log n + n f) for a front of f. Equal points are handled as one group: its
 * first member decides, the others follow it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explorer/dominance.h"
#include "kpu/explorer.h"

typedef struct points {
    const double *values; /* row-major, all of them */
    int objectives;
    int64_t count;  /* of order[] */
    int64_t *order; /* indices into values: sorted, without those that have a NaN */
} points;

static const double *point_at(const points *p, int64_t n)
{
    return p->values + p->order[n] * p->objectives;
}

static int compare_points(const void *a, const void *b, void *context)
{
    const points *p = context;
    int64_t i = *(const int64_t *)a, j = *(const int64_t *)b;
    int order = kpu_compare_values(p->values + i * p->objectives, p->values + j * p->objectives,
                                   p->objectives);
    return order ? order : (i > j) - (i < j);
}

static void sort_points(points *p, int64_t count)
{
    p->count = 0;
    for (int64_t i = 0; i < count; i++)
        if (!kpu_has_nan(p->values + i * p->objectives, p->objectives))
            p->order[p->count++] = i;
    qsort_r(p->order, (size_t)p->count, sizeof *p->order, compare_points, p);
}

/* ---- The points seen so far, as a test "is this one weakly dominated by one of them?" ----
 * Asked in sorted order and only for points that differ from all before, weakly dominated is
 * dominated. */

typedef struct archive {
    int objectives;
    double least;  /* 2 objectives: least second value so far */
    bool any;      /* something has been seen */
    double *ranks; /* 3: sorted distinct second values */
    double *tree;  /* 3: Fenwick tree, least third value of each prefix of ranks */
    int64_t rank_count;
    double *members; /* more: the front so far, less the first objective, row-major */
    int64_t member_count;
} archive;

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool archive_init_ranks(archive *a, const points *p)
{
    size_t slots = p->count ? (size_t)p->count : 1;
    a->ranks = malloc(slots * sizeof *a->ranks);
    a->tree = malloc((slots + 1) * sizeof *a->tree);
    if (!a->ranks || !a->tree)
        return false;
    for (int64_t n = 0; n < p->count; n++)
        a->ranks[n] = point_at(p, n)[1];
    qsort(a->ranks, (size_t)p->count, sizeof *a->ranks, compare_doubles);
    for (int64_t n = 0; n < p->count; n++)
        if (n == 0 || a->ranks[n] != a->ranks[n - 1])
            a->ranks[a->rank_count++] = a->ranks[n];
    for (int64_t n = 0; n <= a->rank_count; n++)
        a->tree[n] = NAN; /* nothing there: unlike infinity, which is a value */
    return true;
}

static bool archive_init(archive *a, const points *p)
{
    *a = (archive){.objectives = p->objectives};
    if (p->objectives == 3)
        return archive_init_ranks(a, p);
    if (p->objectives < 4)
        return true;
    size_t slots = p->count ? (size_t)p->count : 1;
    a->members = malloc(slots * (size_t)(p->objectives - 1) * sizeof *a->members);
    return a->members;
}

static void archive_fini(archive *a)
{
    free(a->ranks);
    free(a->tree);
    free(a->members);
}

/* Rank from 1. */
static int64_t rank_of(const archive *a, double value)
{
    int64_t low = 0, high = a->rank_count - 1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (a->ranks[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low + 1;
}

static bool tree_has(const archive *a, const double *value)
{
    for (int64_t r = rank_of(a, value[1]); r > 0; r -= r & -r)
        if (a->tree[r] <= value[2])
            return true;
    return false;
}

static void tree_add(archive *a, const double *value)
{
    for (int64_t r = rank_of(a, value[1]); r <= a->rank_count; r += r & -r)
        if (!(a->tree[r] <= value[2]))
            a->tree[r] = value[2];
}

/* Members come in order of the first objective: it needs no comparison. A member that dominated
 * one point often dominates the next, so it moves a step to the front. */
static bool members_have(archive *a, const double *value)
{
    int width = a->objectives - 1;
    size_t bytes = (size_t)width * sizeof(double);
    for (int64_t m = 0; m < a->member_count; m++) {
        double *member = a->members + m * width;
        int d = 0;
        while (d < width && member[d] <= value[d + 1])
            d++;
        if (d < width)
            continue;
        int64_t ahead = m / 2;
        for (size_t i = 0; i < bytes / sizeof(double); i++) {
            double *other = a->members + ahead * width + i, kept = *other;
            *other = member[i];
            member[i] = kept;
        }
        return true;
    }
    return false;
}

static bool archive_has(archive *a, const double *value)
{
    switch (a->objectives) {
    case 1: return a->any;
    case 2: return a->any && a->least <= value[1];
    case 3: return tree_has(a, value);
    default: return members_have(a, value);
    }
}

static void archive_add(archive *a, const double *value)
{
    a->any = true;
    if (a->objectives == 2) {
        a->least = value[1];
    } else if (a->objectives == 3) {
        tree_add(a, value);
    } else if (a->objectives > 3) {
        size_t width = (size_t)a->objectives - 1;
        memcpy(a->members + (size_t)a->member_count++ * width, value + 1, width * sizeof *value);
    }
}

/* ---- The front -------------------------------------------------------------------------- */

static int compare_indices(const void *a, const void *b)
{
    int64_t i = *(const int64_t *)a, j = *(const int64_t *)b;
    return (i > j) - (i < j);
}

static int64_t collect(const points *p, archive *a, int64_t *front)
{
    int64_t count = 0;
    bool kept = false;
    for (int64_t n = 0; n < p->count; n++) {
        const double *value = point_at(p, n);
        bool repeated = n > 0 && kpu_compare_values(value, point_at(p, n - 1), p->objectives) == 0;
        if (!repeated) {
            kept = !archive_has(a, value);
            if (kept)
                archive_add(a, value);
        }
        if (kept)
            front[count++] = p->order[n];
    }
    qsort(front, (size_t)count, sizeof *front, compare_indices);
    return count;
}

int64_t kpu_pareto_front(const double *values, int64_t count, int objectives, int64_t *front)
{
    if (count <= 0 || objectives <= 0)
        return 0;
    points p = {.values = values, .objectives = objectives};
    archive a;
    p.order = malloc((size_t)count * sizeof *p.order);
    if (!p.order)
        return -1;
    sort_points(&p, count);
    int64_t found = archive_init(&a, &p) ? collect(&p, &a, front) : -1;
    archive_fini(&a);
    free(p.order);
    return found;
}
