/* The line of progress of a run. */
#include <math.h>

#include "tools/run.h"

static void put_time_left(kpu_text *out, double left)
{
    int64_t whole = left < 360000 ? (int64_t)ceil(left) : 360000;
    if (whole >= 3600)
        kpu_text_format(out, "%lld h %02lld min left", (long long)(whole / 3600),
                        (long long)(whole / 60 % 60));
    else
        kpu_text_format(out, "%lld:%02lld left", (long long)(whole / 60), (long long)(whole % 60));
}

/* The best so far of the first objective, for the GEMM at which the run is. */
static void put_best(kpu_text *out, const kpu_fronts *fronts)
{
    const kpu_front *front = &fronts->front[fronts->last_gemm];
    if (isinf(front->best))
        return;
    kpu_text_format(out, ", %s: %s ", kpu_space_gemm(fronts->space, fronts->last_gemm)->name,
                    kpu_metric_at((size_t)kpu_space_objective(fronts->space, 0))->name);
    double best = kpu_fronts_shown(fronts, 0, front->best);
    if (best == floor(best) && fabs(best) < 1e15)
        kpu_text_put_grouped(out, (int64_t)best);
    else
        kpu_text_format(out, "%.6g", best);
}

/* Points looked at if there is an end to them, else candidates evaluated. */
static void put_pace(kpu_text *out, const kpu_search_progress *p, double seconds)
{
    bool has_end = p->total > 0;
    int64_t done = has_end ? p->done : p->evaluations;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    kpu_text_put_grouped(out, done);
    if (has_end) {
        kpu_text_put(out, " of ");
        kpu_text_put_grouped(out, p->total);
    } else {
        kpu_text_put(out, " evaluated");
    }
    kpu_text_put(out, ", ");
    kpu_text_put_grouped(out, (int64_t)rate);
    kpu_text_put(out, "/s");
    if (has_end && rate > 0) {
        kpu_text_put(out, ", ");
        put_time_left(out, (double)(p->total - p->done) / rate);
    }
}

void kpu_run_put_progress(kpu_text *out, const kpu_search_progress *progress, double seconds,
                          const kpu_fronts *fronts)
{
    put_pace(out, progress, seconds);
    if (progress->hypervolume > 0)
        kpu_text_format(out, ", front %.6g", progress->hypervolume);
    if (!isnan(progress->gap))
        kpu_text_format(out, ", missing at most %.3g", progress->gap);
    put_best(out, fronts);
}
