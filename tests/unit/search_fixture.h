/* Helpers of the tests of searches: a space from text, and all rows that a search hands over. */
#ifndef KPU_SEARCH_FIXTURE_H
#define KPU_SEARCH_FIXTURE_H

#include "kpu/explorer.h"

#include "config_fixture.h"

static inline kpu_space *make_space(const char *text, kpu_diag *diag)
{
    kpu_ini ini = {0};
    kpu_space *space = NULL;
    if (kpu_ini_parse(KPU_SOURCE_DIR "/sweeps/t.ini", text, strlen(text), KPU_FILE_SWEEP, &ini,
                      diag) == KPU_OK)
        kpu_space_make(&ini, &space, diag);
    kpu_ini_fini(&ini);
    return space;
}

static inline kpu_space *must_make_space(const char *text)
{
    kpu_diag diag = {0};
    kpu_space *space = make_space(text, &diag);
    show_unexpected(&diag);
    kpu_diag_fini(&diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(space);
    return space;
}

/* What came, in the order in which it came: count points and their metrics. */
typedef struct found {
    kpu_point *points;
    kpu_metric_value *metrics;
    size_t count, capacity;
    size_t stop_after; /* rows after which *stop is set; 0: never */
    volatile int stop;
    kpu_search_progress summary;
    int code;
} found;

static inline int keep_rows(void *context, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    found *f = context;
    size_t width = kpu_metric_count();
    (void)diag;
    if (f->count + count > f->capacity) {
        f->capacity = 2 * (f->count + count);
        f->points = realloc(f->points, f->capacity * sizeof *f->points);
        f->metrics = realloc(f->metrics, f->capacity * width * sizeof *f->metrics);
    }
    CU_ASSERT_FATAL(f->points != NULL && f->metrics != NULL);
    for (size_t i = 0; i < count; i++, f->count++) {
        f->points[f->count] = rows[i].point;
        memcpy(f->metrics + f->count * width, rows[i].metrics, width * sizeof *f->metrics);
    }
    f->stop = f->stop_after > 0 && f->count >= f->stop_after;
    return KPU_OK;
}

/* Runs a search into *out, of which stop_after may be set; what it needs no budget for gets none.
 */
static inline void search(const kpu_space *space, const kpu_search_settings *settings, int threads,
                          found *out)
{
    kpu_diag diag = {0};
    const kpu_search_options options = {.settings = settings,
                                        .threads = threads,
                                        .sink = keep_rows,
                                        .sink_context = out,
                                        .stop = &out->stop};
    out->code = kpu_search_run(space, &options, &out->summary, &diag);
    show_unexpected(&diag);
    kpu_diag_fini(&diag);
}

static inline void found_fini(found *f)
{
    free(f->points);
    free(f->metrics);
    *f = (found){0};
}

/* The settings of a search by name, with the budget only if it takes one. */
static inline kpu_search_settings settings_of(const char *name, int64_t budget, uint64_t seed)
{
    const kpu_search *s = kpu_search_find(name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    return (kpu_search_settings){.search = s,
                                 .budget = s->budget == KPU_SEARCH_REFUSES ? 0 : budget,
                                 .seed = seed,
                                 .nsga2_population = 20};
}

#endif
