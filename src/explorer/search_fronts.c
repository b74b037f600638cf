/* The fronts of a search, one a GEMM, and how large they are. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explorer/search.h"

enum {
    FIRST = 16,          /* fitting candidates that settle the unit */
    EASY_OBJECTIVES = 3, /* up to which a volume costs little */
    EASY_MEMBERS = 100   /* of a front of more objectives */
};

/* One GEMM. */
typedef struct front {
    kpu_archive *archive;
    int64_t candidates;                   /* that fit */
    double best[KPU_OBJECTIVES_MAX];      /* of the first of them */
    double reference[KPU_OBJECTIVES_MAX]; /* their worst; once settled, a tenth beyond it */
    double weight;                        /* 0: not settled */
    double volume;                        /* when there were `measured` candidates */
    int64_t measured;
} front;

struct kpu_search_fronts {
    size_t gemms, objectives;
    front *front;
};

int kpu_search_fronts_make(const kpu_space *space, kpu_search_fronts **out)
{
    kpu_search_fronts *fronts = calloc(1, sizeof *fronts);
    *out = fronts;
    if (!fronts)
        return KPU_E_MEMORY;
    fronts->objectives = kpu_space_objective_count(space);
    fronts->gemms = kpu_space_gemm_count(space);
    fronts->front = calloc(fronts->gemms, sizeof *fronts->front);
    bool made = fronts->front != NULL;
    for (size_t g = 0; made && g < fronts->gemms; g++) {
        fronts->front[g].archive = kpu_archive_new((int)fronts->objectives);
        made = fronts->front[g].archive != NULL;
    }
    if (made)
        return KPU_OK;
    kpu_search_fronts_free(fronts);
    *out = NULL;
    return KPU_E_MEMORY;
}

void kpu_search_fronts_free(kpu_search_fronts *fronts)
{
    for (size_t g = 0; fronts && fronts->front && g < fronts->gemms; g++)
        kpu_archive_free(fronts->front[g].archive);
    if (fronts)
        free(fronts->front);
    free(fronts);
}

kpu_archive *kpu_search_front(kpu_search_fronts *fronts, int64_t gemm)
{
    return fronts->front[gemm].archive;
}

/* ---- The unit ---------------------------------------------------------------------------- */

/* Objectives in which the first candidates do not differ have their own size for a unit. */
static void settle(const kpu_search_fronts *fronts, front *f)
{
    double volume = 1;
    for (size_t i = 0; i < fronts->objectives; i++) {
        double extent = f->reference[i] - f->best[i];
        if (!(extent > 0))
            extent = f->reference[i] != 0 ? fabs(f->reference[i]) : 1;
        f->reference[i] += extent / 10;
        volume *= extent;
    }
    f->weight = 1 / volume / (double)fronts->gemms;
}

static void learn_unit(const kpu_search_fronts *fronts, front *f, const double *costs)
{
    for (size_t i = 0; i < fronts->objectives; i++) {
        f->best[i] = f->candidates == 1 ? costs[i] : fmin(f->best[i], costs[i]);
        f->reference[i] = f->candidates == 1 ? costs[i] : fmax(f->reference[i], costs[i]);
    }
    if (f->candidates == FIRST)
        settle(fronts, f);
}

void kpu_search_fronts_close(kpu_search_fronts *fronts)
{
    for (size_t g = 0; g < fronts->gemms; g++) {
        front *f = &fronts->front[g];
        if (f->candidates > 0 && f->candidates < FIRST && f->weight == 0)
            settle(fronts, f);
    }
}

int kpu_search_fronts_add(kpu_search_fronts *fronts, const kpu_point *point, const double *costs)
{
    front *f = &fronts->front[point->gemm];
    if (++f->candidates <= FIRST)
        learn_unit(fronts, f, costs);
    return kpu_archive_add(f->archive, costs, point->index);
}

bool kpu_search_unit(const kpu_search_fronts *fronts, int64_t gemm, const double **reference,
                     double *weight)
{
    const front *f = &fronts->front[gemm];
    *reference = f->reference;
    *weight = f->weight;
    return f->weight > 0;
}

/* ---- The volume -------------------------------------------------------------------------- */

static double measure(const kpu_search_fronts *fronts, const front *f)
{
    size_t count = kpu_archive_count(f->archive);
    double volume = NAN;
    double *values = calloc(count * fronts->objectives + 1, sizeof *values);
    if (values && kpu_archive_read(f->archive, values, NULL) == KPU_OK)
        volume = kpu_hypervolume(values, (int64_t)count, (int)fronts->objectives, f->reference);
    free(values);
    return volume < 0 ? NAN : volume; /* no memory */
}

double kpu_search_hypervolume(kpu_search_fronts *fronts)
{
    double sum = 0;
    for (size_t g = 0; g < fronts->gemms; g++) {
        front *f = &fronts->front[g];
        if (f->weight == 0)
            continue;
        if (fronts->objectives > EASY_OBJECTIVES && kpu_archive_count(f->archive) > EASY_MEMBERS)
            return NAN;
        if (f->measured != f->candidates)
            f->volume = measure(fronts, f);
        f->measured = f->candidates;
        sum += f->weight * f->volume;
    }
    return sum;
}
