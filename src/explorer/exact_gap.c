/* How much the open cells of a GEMM could add to its front at most: the volume that the front and
 * their bounds dominate together, less that of the front.
 *
 * Of many cells only an outline is measured: the objectives but the last are cut into a grid, and
 * of all bounds in a column of it one point stays, at the column's foot, with the least last
 * objective. It dominates them all, so the volume is not less than theirs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "explorer/exact.h"

enum {
    COLUMNS_EASY = 1 << 14, /* up to three objectives, where a volume costs little */
    COLUMNS_HARD = 1 << 6,
    EASY_OBJECTIVES = 3,
    HARD_MEMBERS = 100,          /* of a front whose volume is measured, of more objectives */
    REST_NS = 500 * 1000 * 1000, /* between two looks, and as much more as this many times */
    REST_TIMES = 50              /* what the last one took */
};

typedef struct outline {
    size_t objectives, steps, columns;
    const double *reference;
    double low[KPU_OBJECTIVES_MAX]; /* of all bounds */
    double *last;                   /* of each column; INFINITY: none */
    double *points;                 /* row-major; the front follows */
    size_t count;
} outline;

/* Cells whose bounds lie beyond the reference add nothing. */
static bool counts(const outline *o, const double *bound)
{
    for (size_t i = 0; i < o->objectives; i++)
        if (!(bound[i] < o->reference[i]))
            return false;
    return true;
}

/* False if the bound of a cell says nothing about some objective: then nothing is known. */
static bool find_low(outline *o, const kpu_exact_gemm *g)
{
    for (size_t i = 0; i < o->objectives; i++)
        o->low[i] = o->reference[i];
    for (size_t n = 0; n < kpu_exact_open_count(g); n++) {
        const double *bound = kpu_exact_open_at(g, n).bound;
        for (size_t i = 0; i < o->objectives && counts(o, bound); i++)
            o->low[i] = fmin(o->low[i], bound[i]);
    }
    for (size_t i = 0; i < o->objectives; i++)
        if (isinf(o->low[i]))
            return false;
    return true;
}

static double step_size(const outline *o, size_t objective)
{
    return (o->reference[objective] - o->low[objective]) / (double)o->steps;
}

static size_t column_of(const outline *o, const double *bound)
{
    size_t column = 0;
    for (size_t i = 0; i + 1 < o->objectives; i++) {
        double step = (bound[i] - o->low[i]) / step_size(o, i);
        size_t whole = step < (double)o->steps ? (size_t)step : o->steps - 1;
        while (whole > 0 && o->low[i] + (double)whole * step_size(o, i) > bound[i])
            whole--; /* the foot must not lie above, rounding or not */
        column = column * o->steps + whole;
    }
    return column;
}

static void put_foot(outline *o, size_t column)
{
    double *point = o->points + o->count++ * o->objectives;
    point[o->objectives - 1] = o->last[column];
    for (size_t i = o->objectives - 1; i-- > 0; column /= o->steps)
        point[i] = o->low[i] + (double)(column % o->steps) * step_size(o, i);
}

static void draw(outline *o, const kpu_exact_gemm *g)
{
    for (size_t c = 0; c < o->columns; c++)
        o->last[c] = INFINITY;
    for (size_t n = 0; n < kpu_exact_open_count(g); n++) {
        const double *bound = kpu_exact_open_at(g, n).bound;
        if (!counts(o, bound))
            continue;
        double *last = &o->last[column_of(o, bound)];
        *last = fmin(*last, bound[o->objectives - 1]);
    }
    for (size_t c = 0; c < o->columns; c++)
        if (o->last[c] < INFINITY)
            put_foot(o, c);
}

static void copy(outline *o, const kpu_exact_gemm *g)
{
    for (size_t n = 0; n < kpu_exact_open_count(g); n++)
        memcpy(o->points + o->count++ * o->objectives, kpu_exact_open_at(g, n).bound,
               o->objectives * sizeof(double));
}

/* As many steps as the columns allow. */
static void choose_grid(outline *o)
{
    size_t most = o->objectives <= EASY_OBJECTIVES ? COLUMNS_EASY : COLUMNS_HARD;
    for (o->steps = 1, o->columns = 1; o->objectives > 1; o->steps++) {
        size_t columns = 1;
        for (size_t i = 0; i + 1 < o->objectives && columns <= most; i++)
            columns *= o->steps + 1;
        if (columns > most)
            break;
        o->columns = columns;
    }
}

static double measure(outline *o, const kpu_exact_gemm *g)
{
    const size_t members = kpu_archive_count(g->front);
    double *front = o->points + o->count * o->objectives;
    if (kpu_archive_read(g->front, front, NULL) != KPU_OK)
        return NAN;
    double before = kpu_hypervolume(front, (int64_t)members, (int)o->objectives, o->reference);
    double after =
        kpu_hypervolume(o->points, (int64_t)(o->count + members), (int)o->objectives, o->reference);
    return before < 0 || after < 0 ? NAN : fmax(after - before, 0);
}

static double measure_open(const kpu_exact_gemm *g, size_t objectives, const double *reference)
{
    outline o = {.objectives = objectives, .reference = reference};
    const size_t members = kpu_archive_count(g->front);
    double gap = NAN;
    choose_grid(&o);
    const size_t open = kpu_exact_open_count(g);
    const size_t most = open < o.columns ? open : o.columns;
    o.last = malloc(o.columns * sizeof *o.last);
    o.points = malloc(((most + members) * objectives + 1) * sizeof *o.points);
    if (o.last && o.points && find_low(&o, g)) {
        if (open <= o.columns)
            copy(&o, g);
        else
            draw(&o, g);
        gap = measure(&o, g);
    }
    free(o.last);
    free(o.points);
    return gap;
}

void kpu_exact_measure_gap(kpu_exact *exact, int64_t gemm)
{
    kpu_exact_gemm *g = &exact->gemms[gemm];
    const double *reference;
    double weight;
    bool is_hard =
        exact->objectives > EASY_OBJECTIVES && kpu_archive_count(g->front) > HARD_MEMBERS;
    if (kpu_exact_open_count(g) == 0)
        g->gap = 0;
    else if (is_hard || !kpu_search_unit(exact->session->fronts, gemm, &reference, &weight))
        g->gap = NAN;
    else
        g->gap = weight * measure_open(g, exact->objectives, reference);
}

void kpu_exact_report_gap(kpu_exact *exact)
{
    kpu_search_progress *progress = exact->session->progress;
    progress->gap = 0;
    progress->boxes = progress->open = 0;
    for (size_t g = 0; g < exact->gemm_count; g++) {
        progress->gap += exact->gemms[g].gap;
        progress->boxes += exact->gemms[g].boxes;
        progress->open += (int64_t)kpu_exact_open_count(&exact->gemms[g]);
    }
    progress->done = progress->evaluations;
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void kpu_exact_look_at_gap(kpu_exact *exact, int64_t gemm)
{
    int64_t began = now_ns();
    if (began < exact->next_gap_ns)
        return;
    kpu_exact_measure_gap(exact, gemm);
    kpu_exact_report_gap(exact);
    int64_t ended = now_ns();
    exact->next_gap_ns = ended + REST_NS + REST_TIMES * (ended - began);
}
