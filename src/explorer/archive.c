/* A front that grows.
 *
 * The last members to come stand in a short buffer that is scanned, the others in static k-d trees,
 * each about eight times as large as the one before (the logarithmic method: Bentley and Saxe
 * 1980). A full buffer is merged into the first tree that holds it together with all smaller ones.
 * So a point is moved a few times for each size of tree, and a question visits few trees.
 *
 * A member that becomes dominated is only marked, and goes at the next merge. Questions may ignore
 * the marks: what dominates the marked one stands before it in the canonical order, below the same
 * bounds. For the same reason a member that equals a bound is the first below it only if it is the
 * only one, and an answer depends on the members alone. */
#include <stdlib.h>
#include <string.h>

#include "explorer/dominance.h"
#include "explorer/kd_tree.h"
#include "kpu/explorer.h"

enum { BUFFER_POINTS = 32, GROWTH = 8, LEVELS = 18 /* more than memory holds */ };

struct kpu_archive {
    int objectives;
    size_t buffered;
    double *values; /* of the buffer, row-major */
    int64_t ids[BUFFER_POINTS];
    kpu_kd_tree levels[LEVELS]; /* zeroed: empty */
};

kpu_archive *kpu_archive_new(int objectives)
{
    if (objectives < 1)
        return NULL;
    kpu_archive *archive = calloc(1, sizeof *archive);
    if (!archive)
        return NULL;
    archive->objectives = objectives;
    archive->values = malloc(BUFFER_POINTS * (size_t)objectives * sizeof *archive->values);
    if (archive->values)
        return archive;
    free(archive);
    return NULL;
}

void kpu_archive_free(kpu_archive *archive)
{
    if (!archive)
        return;
    for (int level = 0; level < LEVELS; level++)
        kpu_kd_fini(&archive->levels[level]);
    free(archive->values);
    free(archive);
}

static double *buffer_at(const kpu_archive *a, size_t at)
{
    return a->values + at * (size_t)a->objectives;
}

/* ---- Merging ---------------------------------------------------------------------------- */

static size_t level_room(int level)
{
    size_t room = BUFFER_POINTS;
    for (int i = 0; i <= level; i++)
        room *= GROWTH;
    return room;
}

/* The first level that holds the buffer and the live points of all levels up to it; *count is how
 * many these are. */
static int level_to_fill(const kpu_archive *a, size_t *count)
{
    *count = a->buffered;
    for (int level = 0; level < LEVELS - 1; level++) {
        *count += a->levels[level].live;
        if (*count <= level_room(level))
            return level;
    }
    *count += a->levels[LEVELS - 1].live;
    return LEVELS - 1;
}

static void take(kpu_kd_tree *tree, const double *values, int64_t id)
{
    size_t width = (size_t)tree->objectives;
    memcpy(tree->values + tree->count * width, values, width * sizeof *values);
    tree->ids[tree->count++] = id;
}

static int merge(kpu_archive *a)
{
    size_t count;
    int last = level_to_fill(a, &count);
    kpu_kd_tree merged;
    if (!kpu_kd_init(&merged, a->objectives, count))
        return KPU_E_MEMORY;
    for (int level = 0; level <= last; level++) {
        kpu_kd_tree *tree = &a->levels[level];
        for (size_t i = 0; i < tree->count; i++)
            if (!tree->dead[i])
                take(&merged, tree->values + i * (size_t)a->objectives, tree->ids[i]);
        kpu_kd_fini(tree);
    }
    for (size_t i = 0; i < a->buffered; i++)
        take(&merged, buffer_at(a, i), a->ids[i]);
    a->buffered = 0;
    kpu_kd_build(&merged);
    a->levels[last] = merged;
    return KPU_OK;
}

/* ---- Adding and asking ------------------------------------------------------------------ */

/* The first member that is at most `bound` everywhere. */
static kpu_kd_point first_below(const kpu_archive *a, const double *bound)
{
    kpu_kd_point best = {0};
    for (int level = LEVELS - 1; level >= 0; level--)
        best = kpu_kd_first_below(&a->levels[level], bound, best);
    for (size_t i = 0; i < a->buffered; i++) {
        kpu_kd_point point = {buffer_at(a, i), a->ids[i]};
        if (kpu_weakly_dominates(point.values, bound, a->objectives) &&
            kpu_kd_before(a->objectives, point, best))
            best = point;
    }
    return best;
}

int64_t kpu_archive_dominator(const kpu_archive *archive, const double *bound)
{
    kpu_kd_point first = first_below(archive, bound);
    if (!first.values || kpu_compare_values(first.values, bound, archive->objectives) == 0)
        return -1;
    return first.id;
}

/* The buffer keeps live members only. */
static void remove_above(kpu_archive *a, const double *value)
{
    size_t kept = 0, width = (size_t)a->objectives;
    for (int level = 0; level < LEVELS; level++)
        kpu_kd_kill_above(&a->levels[level], value);
    for (size_t i = 0; i < a->buffered; i++) {
        if (kpu_weakly_dominates(value, buffer_at(a, i), a->objectives) &&
            kpu_compare_values(value, buffer_at(a, i), a->objectives) != 0)
            continue;
        memmove(buffer_at(a, kept), buffer_at(a, i), width * sizeof(double));
        a->ids[kept++] = a->ids[i];
    }
    a->buffered = kept;
}

int kpu_archive_add(kpu_archive *archive, const double *values, int64_t id)
{
    int objectives = archive->objectives;
    if (kpu_has_nan(values, objectives))
        return KPU_OK;
    const kpu_kd_point below = first_below(archive, values);
    const bool is_equal = below.values && kpu_compare_values(below.values, values, objectives) == 0;
    if (below.values && !is_equal)
        return KPU_OK;
    /* Room first: from here on nothing can fail halfway. */
    int status = archive->buffered == BUFFER_POINTS ? merge(archive) : KPU_OK;
    if (status)
        return status;
    if (!is_equal) /* its equal has removed them */
        remove_above(archive, values);
    double *place = buffer_at(archive, archive->buffered);
    for (int d = 0; d < objectives; d++)
        place[d] = values[d] + 0.0; /* -0.0 becomes 0.0: equal values are equal bits */
    archive->ids[archive->buffered++] = id;
    return KPU_OK;
}

/* ---- Reading ---------------------------------------------------------------------------- */

size_t kpu_archive_count(const kpu_archive *archive)
{
    size_t count = archive->buffered;
    for (int level = 0; level < LEVELS; level++)
        count += archive->levels[level].live;
    return count;
}

static int compare_members(const void *a, const void *b, void *context)
{
    const int *objectives = context;
    const kpu_kd_point *x = a, *y = b;
    int order = kpu_compare_values(x->values, y->values, *objectives);
    return order ? order : (x->id > y->id) - (x->id < y->id);
}

static void list_members(const kpu_archive *a, kpu_kd_point *members)
{
    size_t count = 0;
    for (int level = 0; level < LEVELS; level++) {
        const kpu_kd_tree *tree = &a->levels[level];
        for (size_t i = 0; i < tree->count; i++)
            if (!tree->dead[i])
                members[count++] =
                    (kpu_kd_point){tree->values + i * (size_t)a->objectives, tree->ids[i]};
    }
    for (size_t i = 0; i < a->buffered; i++)
        members[count++] = (kpu_kd_point){buffer_at(a, i), a->ids[i]};
}

int kpu_archive_read(const kpu_archive *archive, double *values, int64_t *ids)
{
    size_t count = kpu_archive_count(archive), width = (size_t)archive->objectives;
    kpu_kd_point *members = malloc((count + 1) * sizeof *members);
    if (!members)
        return KPU_E_MEMORY;
    int objectives = archive->objectives;
    list_members(archive, members);
    qsort_r(members, count, sizeof *members, compare_members, &objectives);
    for (size_t i = 0; i < count; i++) {
        if (values)
            memcpy(values + i * width, members[i].values, width * sizeof *values);
        if (ids)
            ids[i] = members[i].id;
    }
    free(members);
    return KPU_OK;
}
