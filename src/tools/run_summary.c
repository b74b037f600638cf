/* What a run prints once it is finished. */
#include <math.h>

#include "tools/output.h"
#include "tools/run_session.h"

/* What a search with bounds knows of those that it did not evaluate. */
static void put_gap(kpu_text *out, const kpu_search_progress *found)
{
    if (found->gap > 0)
        kpu_text_format(out, "\nThe fronts may lack up to %.3g of volume %.6g.\n", found->gap,
                        found->hypervolume);
    else if (!isnan(found->gap))
        kpu_text_put(out, "\nThe fronts are complete: no other candidate belongs to them.\n");
    else if (found->open > 0)
        kpu_text_put(out, "\nThe fronts may lack candidates; too few were "
                          "evaluated to say more.\n");
}

/* Of how many, unless it is all of them. */
static void put_evaluations(const kpu_run_session *s, kpu_text *out)
{
    int64_t points = kpu_space_raw_size(s->run->space);
    kpu_text_put_grouped(out, s->found.evaluations);
    kpu_text_put(out, " candidates");
    if (points > s->found.evaluations) {
        kpu_text_put(out, " of ");
        kpu_text_put_grouped(out, points);
        kpu_text_put(out, " points");
    }
    kpu_text_put(out, ", ");
}

/* What this call did, and what was known. */
static void put_work(const kpu_run_session *s, kpu_text *out)
{
    double took = kpu_run_seconds() - s->start;
    double cpu = kpu_run_process_seconds() - s->cpu_start;
    int64_t done = s->found.evaluations - s->known_evaluations;
    if (s->known_evaluations > 0) {
        kpu_text_put_grouped(out, s->known_evaluations);
        kpu_text_put(out, " known from before; ");
    }
    kpu_text_format(out, "%.2f s, ", took);
    kpu_text_put_grouped(out, took > 0 && done > 0 ? (int64_t)((double)done / took) : 0);
    kpu_text_format(out, " candidates/s; %.1f %% of the work was writing\n",
                    cpu > 0 ? 100.0 * s->writing / cpu : 0.0);
}

static void put_ranks(const kpu_ranks *ranks, kpu_text *out)
{
    if (!ranks)
        return;
    kpu_text_format(out, "%d ranks, ", ranks->count);
    kpu_text_put_grouped(out, ranks->messages);
    kpu_text_put(out, " messages and ");
    kpu_text_put_grouped(out, ranks->bytes);
    kpu_text_put(out, " bytes to the first");
    if (ranks->lost > 0)
        kpu_text_format(out, "; %d of them %s lost, and what they had to do was done by the others",
                        ranks->lost, ranks->lost > 1 ? "were" : "was");
    kpu_text_put(out, "\n");
}

static void put_place(const kpu_run_session *s, kpu_text *out)
{
    const kpu_run *run = s->run;
    kpu_text_format(out, "Results in %s", run->output);
    if (run->shard.count > 0)
        kpu_text_format(out, ", shard %lld of %lld", (long long)run->shard.index + 1,
                        (long long)run->shard.count);
    if (s->selection) {
        kpu_text_put(out, ": ");
        kpu_text_put_grouped(out, s->kept);
        kpu_text_put(out, " rows are kept (");
        kpu_run_put_keep(out, kpu_space_keep(run->space));
        kpu_text_put(out, ")");
    }
    kpu_text_put(out, "\n");
}

int kpu_run_print_summary(const kpu_run_session *s, kpu_diag *diag)
{
    kpu_text out = {0};
    kpu_fronts_print(&s->fronts, &out);
    put_gap(&out, &s->found);
    kpu_text_put(&out, "\n");
    put_evaluations(s, &out);
    kpu_text_put_grouped(&out, s->found.feasible);
    kpu_text_put(&out, " fit; ");
    put_work(s, &out);
    put_ranks(s->run->ranks, &out);
    put_place(s, &out);
    int status = kpu_tool_print(&out);
    return status ? kpu_diag_add(diag, status, "out of memory") : KPU_OK;
}
