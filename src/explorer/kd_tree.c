#include "explorer/kd_tree.h"

#include <stdlib.h>
#include <string.h>

#include "explorer/dominance.h"

enum { LEAF_POINTS = 8 };

/* A node: which it is (children of n are 2n+1 and 2n+2), and its points. */
typedef struct node {
    size_t number, first, end;
    int dimension; /* that it is split by */
} node;

static bool is_leaf(node n)
{
    return n.end - n.first <= LEAF_POINTS;
}

static size_t middle_of(node n)
{
    return n.first + (n.end - n.first) / 2;
}

static node left_of(const kpu_kd_tree *t, node n)
{
    return (node){2 * n.number + 1, n.first, middle_of(n), (n.dimension + 1) % t->objectives};
}

static node right_of(const kpu_kd_tree *t, node n)
{
    return (node){2 * n.number + 2, middle_of(n), n.end, (n.dimension + 1) % t->objectives};
}

static double *lowest_of(const kpu_kd_tree *t, node n)
{
    return t->boxes + 2 * n.number * (size_t)t->objectives;
}

static double *highest_of(const kpu_kd_tree *t, node n)
{
    return lowest_of(t, n) + t->objectives;
}

static double *value_at(const kpu_kd_tree *t, size_t at)
{
    return t->values + at * (size_t)t->objectives;
}

/* Nodes of a tree over `count` points: full down to the level of the largest leaf. */
static size_t node_count(size_t count)
{
    size_t nodes = 1;
    for (size_t width = count; width > LEAF_POINTS; width -= width / 2)
        nodes = 2 * nodes + 1;
    return nodes;
}

bool kpu_kd_init(kpu_kd_tree *t, int objectives, size_t count)
{
    size_t width = (size_t)objectives, room = count ? count : 1, nodes = node_count(count);
    *t = (kpu_kd_tree){.objectives = objectives};
    t->values = malloc(room * width * sizeof *t->values);
    t->ids = malloc(room * sizeof *t->ids);
    t->dead = malloc(room * sizeof *t->dead);
    t->boxes = malloc(2 * nodes * width * sizeof *t->boxes);
    t->least = malloc(nodes * sizeof *t->least);
    if (t->values && t->ids && t->dead && t->boxes && t->least)
        return true;
    kpu_kd_fini(t);
    return false;
}

void kpu_kd_fini(kpu_kd_tree *t)
{
    free(t->values);
    free(t->ids);
    free(t->dead);
    free(t->boxes);
    free(t->least);
    *t = (kpu_kd_tree){0};
}

/* ---- Building --------------------------------------------------------------------------- */

static void swap_points(kpu_kd_tree *t, size_t a, size_t b)
{
    double *x = value_at(t, a), *y = value_at(t, b);
    for (int d = 0; d < t->objectives; d++) {
        double kept = x[d];
        x[d] = y[d];
        y[d] = kept;
    }
    int64_t id = t->ids[a];
    t->ids[a] = t->ids[b];
    t->ids[b] = id;
}

/* Hoare's selection: nothing before the middle is larger in the node's dimension than what is
 * behind it. Equal values stop both scans, so many ties cost no more than none. */
static void split_at_middle(kpu_kd_tree *t, node n)
{
    size_t low = n.first, high = n.end - 1, middle = middle_of(n);
    while (low < high) {
        double pivot = value_at(t, low + (high - low) / 2)[n.dimension];
        size_t i = low, j = high;
        for (;;) {
            while (value_at(t, i)[n.dimension] < pivot)
                i++;
            while (value_at(t, j)[n.dimension] > pivot)
                j--;
            if (i >= j)
                break;
            swap_points(t, i++, j--);
        }
        if (i == j) /* both stand on one that equals the pivot */
            i++;
        if (middle < i)
            high = i - 1;
        else
            low = i;
    }
}

static void make_box(kpu_kd_tree *t, node n)
{
    size_t bytes = (size_t)t->objectives * sizeof(double);
    double *lowest = lowest_of(t, n), *highest = highest_of(t, n);
    memcpy(lowest, value_at(t, n.first), bytes);
    memcpy(highest, lowest, bytes);
    t->least[n.number] = t->ids[n.first];
    for (size_t i = n.first + 1; i < n.end; i++) {
        if (t->ids[i] < t->least[n.number])
            t->least[n.number] = t->ids[i];
        for (int d = 0; d < t->objectives; d++) {
            double value = value_at(t, i)[d];
            lowest[d] = value < lowest[d] ? value : lowest[d];
            highest[d] = value > highest[d] ? value : highest[d];
        }
    }
}

static void build(kpu_kd_tree *t, node n)
{
    make_box(t, n);
    if (is_leaf(n))
        return;
    split_at_middle(t, n);
    build(t, left_of(t, n));
    build(t, right_of(t, n));
}

void kpu_kd_build(kpu_kd_tree *t)
{
    t->live = t->count;
    memset(t->dead, 0, t->count * sizeof *t->dead);
    if (t->count)
        build(t, (node){0, 0, t->count, 0});
}

/* ---- Asking ----------------------------------------------------------------------------- */

bool kpu_kd_before(int objectives, kpu_kd_point a, kpu_kd_point b)
{
    if (!a.values || !b.values)
        return a.values;
    int order = kpu_compare_values(a.values, b.values, objectives);
    return order ? order < 0 : a.id < b.id;
}

/* What stands before, or at, all points of a node. */
static kpu_kd_point corner_of(const kpu_kd_tree *t, node n)
{
    return (kpu_kd_point){lowest_of(t, n), t->least[n.number]};
}

/* A node can matter if its corner is below the bound and stands before the best. With the ids that
 * holds for any number of equal points, too. */
static bool may_hold_first(const kpu_kd_tree *t, node n, const double *bound, kpu_kd_point best)
{
    return kpu_weakly_dominates(lowest_of(t, n), bound, t->objectives) &&
           kpu_kd_before(t->objectives, corner_of(t, n), best);
}

static void first_below(const kpu_kd_tree *t, node n, const double *bound, kpu_kd_point *best)
{
    if (!may_hold_first(t, n, bound, *best))
        return;
    if (is_leaf(n)) {
        for (size_t i = n.first; i < n.end; i++) {
            kpu_kd_point point = {value_at(t, i), t->ids[i]};
            if (kpu_weakly_dominates(point.values, bound, t->objectives) &&
                kpu_kd_before(t->objectives, point, *best))
                *best = point;
        }
        return;
    }
    node left = left_of(t, n), right = right_of(t, n);
    bool swap = kpu_kd_before(t->objectives, corner_of(t, right), corner_of(t, left));
    first_below(t, swap ? right : left, bound, best);
    first_below(t, swap ? left : right, bound, best);
}

kpu_kd_point kpu_kd_first_below(const kpu_kd_tree *t, const double *bound, kpu_kd_point best)
{
    if (t->count)
        first_below(t, (node){0, 0, t->count, 0}, bound, &best);
    return best;
}

static void kill_above(kpu_kd_tree *t, node n, const double *value)
{
    if (!kpu_weakly_dominates(value, highest_of(t, n), t->objectives))
        return;
    if (!is_leaf(n)) {
        kill_above(t, left_of(t, n), value);
        kill_above(t, right_of(t, n), value);
        return;
    }
    for (size_t i = n.first; i < n.end; i++)
        if (!t->dead[i] && kpu_weakly_dominates(value, value_at(t, i), t->objectives) &&
            kpu_compare_values(value, value_at(t, i), t->objectives) != 0) {
            t->dead[i] = true;
            t->live--;
        }
}

void kpu_kd_kill_above(kpu_kd_tree *t, const double *value)
{
    if (t->live)
        kill_above(t, (node){0, 0, t->count, 0}, value);
}
