/* The line of progress of a run. */
#include <math.h>
#include <stdio.h>

#include "tools/run_session.h"

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

void kpu_run_put_done(kpu_text *out, int64_t done, int64_t total)
{
    kpu_text_put_grouped(out, done);
    if (total > 0) {
        kpu_text_put(out, " of ");
        kpu_text_put_grouped(out, total);
    } else {
        kpu_text_put(out, " evaluated");
    }
}

void kpu_run_put_rate(kpu_text *out, int64_t left, double rate)
{
    kpu_text_put(out, ", ");
    kpu_text_put_grouped(out, (int64_t)rate);
    kpu_text_put(out, "/s");
    if (left >= 0 && rate > 0) {
        kpu_text_put(out, ", ");
        put_time_left(out, (double)left / rate);
    }
}

/* Points looked at if there is an end to them, else candidates evaluated; the rate is that of this
 * call. */
static void put_progress(kpu_text *out, const kpu_run_session *s, const kpu_search_progress *p,
                         double seconds)
{
    bool has_end = p->total > 0;
    bool counts_points = kpu_run_counts_points(s->run->space);
    int64_t before = counts_points ? s->known_points : s->known;
    int64_t done = has_end ? p->done : p->evaluations;
    double rate = seconds > 0 && done > before ? (double)(done - before) / seconds : 0;
    kpu_run_put_done(out, done, p->total);
    kpu_run_put_rate(out, has_end ? p->total - done : -1, rate);
    if (p->hypervolume > 0)
        kpu_text_format(out, ", front %.6g", p->hypervolume);
    if (!isnan(p->gap))
        kpu_text_format(out, ", missing at most %.3g", p->gap);
    put_best(out, &s->fronts);
}

void kpu_run_show_progress(kpu_run_session *s, const kpu_search_progress *progress)
{
    const double interval = 0.2;
    double now = kpu_run_seconds();
    if (!s->shows_progress || progress->evaluations == 0 || now - s->shown < interval)
        return;
    s->shown = now;
    kpu_text line = {0};
    put_progress(&line, s, progress, now - s->start);
    if (!line.failed)
        fprintf(stderr, "\r%.78s\033[K", line.data);
    kpu_text_fini(&line);
}
