/* What `watch` shows. */
#include <stdio.h>

#include "tools/run_session.h"
#include "tools/watch.h"

static const char *const stages[] = {
    [KPU_WATCH_BEGINNING] = "begins",
    [KPU_WATCH_RUNNING] = "running",
    [KPU_WATCH_STANDING] = "stands still",
    [KPU_WATCH_FINISHED] = "finished",
};

static void put_pace(kpu_text *out, const kpu_watch_pace *pace, double rate)
{
    kpu_run_put_done(out, pace->done, pace->total);
    if (pace->total > 0)
        kpu_text_format(out, " (%.1f %%)", 100.0 * (double)pace->done / (double)pace->total);
    if (rate >= 0)
        kpu_run_put_rate(out, pace->total > 0 ? pace->total - pace->done : -1, rate);
}

static void put_candidates(kpu_text *out, const kpu_watch_pace *pace)
{
    kpu_text_put_grouped(out, pace->evaluations);
    kpu_text_put(out, " candidates");
    if (pace->feasible > 0) {
        kpu_text_put(out, ", ");
        kpu_text_put_grouped(out, pace->feasible);
        kpu_text_put(out, " fit");
    }
}

static void put_run(kpu_text *out, const kpu_watched *run)
{
    const bool is_running = run->stage == KPU_WATCH_RUNNING;
    kpu_text_format(out, "%s: %s", run->path, stages[run->stage]);
    if (run->stage == KPU_WATCH_FINISHED) {
        kpu_text_put(out, ", ");
        put_candidates(out, &run->pace);
        if (run->missing)
            kpu_text_format(out, " (without the parts %s)", run->missing);
    } else if (run->stage != KPU_WATCH_BEGINNING) {
        kpu_text_put(out, ", ");
        put_pace(out, &run->pace, is_running ? run->rate : -1);
    }
    kpu_text_put(out, "\n");
}

/* The only one: who writes, and what that came to. */
static void put_details(kpu_text *out, const kpu_watched *run)
{
    if (*run->writer && run->stage != KPU_WATCH_FINISHED)
        kpu_text_format(out, "written by %s\n", run->writer);
    if (run->stage == KPU_WATCH_STANDING)
        kpu_text_put(out, "nobody writes it; the command that began it goes on with --resume\n");
    if (run->stage == KPU_WATCH_RUNNING || run->stage == KPU_WATCH_STANDING) {
        put_candidates(out, &run->pace);
        kpu_text_put(out, "\n");
    }
}

/* All parts together; they end with the slowest. */
static void put_sum(kpu_text *out, const kpu_watch *watch)
{
    kpu_watch_pace sum = {0};
    double rate = 0;
    size_t ends = 0, finished = 0;
    for (size_t i = 0; i < watch->count; i++) {
        const kpu_watched *run = &watch->runs[i];
        sum.done += run->stage == KPU_WATCH_FINISHED ? 0 : run->pace.done;
        sum.total += run->pace.total;
        sum.evaluations += run->pace.evaluations;
        sum.feasible += run->pace.feasible;
        ends += run->pace.total > 0;
        finished += run->stage == KPU_WATCH_FINISHED;
        rate += run->stage == KPU_WATCH_RUNNING && run->rate > 0 ? run->rate : 0;
    }
    kpu_text_format(out, "all %zu: %zu finished, ", watch->count, finished);
    if (ends > 0 && ends + finished == watch->count) {
        put_pace(out, &sum, rate > 0 ? rate : -1);
        kpu_text_put(out, " in the others; ");
    }
    put_candidates(out, &sum);
    kpu_text_put(out, "\n");
}

static int put_fronts(kpu_text *out, const kpu_watch *watch)
{
    kpu_fronts all;
    int status = kpu_fronts_init(&all, watch->space);
    for (size_t i = 0; !status && i < watch->count; i++)
        if (watch->runs[i].has_fronts)
            status = kpu_fronts_join(&all, &watch->runs[i].fronts);
    if (!status)
        kpu_fronts_print(&all, out);
    kpu_fronts_fini(&all);
    return status;
}

int kpu_watch_put(const kpu_watch *watch, kpu_text *out)
{
    for (size_t i = 0; i < watch->count; i++)
        put_run(out, &watch->runs[i]);
    if (watch->count > 1)
        put_sum(out, watch);
    else
        put_details(out, &watch->runs[0]);
    int status = watch->space && watch->wants_fronts ? put_fronts(out, watch) : KPU_OK;
    return status ? status : out->failed ? KPU_E_MEMORY : KPU_OK;
}
