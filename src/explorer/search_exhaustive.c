/* Every point of the run, one after another. */
#include "explorer/search.h"

static int note_all(kpu_search_session *s, const kpu_row *rows, size_t count)
{
    int code = KPU_OK;
    for (size_t i = 0; code == KPU_OK && i < count; i++)
        code = kpu_search_note(s, &rows[i].point, rows[i].metrics);
    return code == KPU_OK ? KPU_OK : kpu_diag_add(s->diag, code, "out of memory");
}

/* Rows that were not handed over do not count: the run may go on before them. */
static int take(void *context, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    kpu_search_session *s = context;
    int64_t evaluations = s->progress->evaluations, feasible = s->progress->feasible;
    (void)diag; /* the session's */
    int code = note_all(s, rows, count);
    if (code == KPU_OK)
        code = kpu_search_deliver(s, rows, count);
    if (code != KPU_OK) {
        s->progress->evaluations = evaluations;
        s->progress->feasible = feasible;
    }
    return code;
}

static bool report(void *context, int64_t done, int64_t total)
{
    kpu_search_session *s = context;
    s->progress->done = done;
    s->progress->total = total;
    return kpu_search_is_stopped(s);
}

static int run(kpu_search_session *session)
{
    const kpu_search_options *given = session->options;
    const kpu_explore_options options = {.threads = given->threads,
                                         .sink = take,
                                         .sink_context = session,
                                         .progress = report,
                                         .progress_context = session,
                                         .stop = given->stop,
                                         .plain_walk = given->plain_walk,
                                         .first = given->past ? given->past->points : 0,
                                         .shard = given->shard,
                                         .ranks = given->ranks,
                                         .ahead = session->ahead};
    session->progress->total =
        kpu_shard_share(given->shard, kpu_shard_block(session->space, given->shard.count),
                        kpu_space_run_size(session->space));
    int code = given->past ? kpu_search_restore(session) : KPU_OK;
    return code == KPU_OK ? kpu_explore(session->space, &options, session->diag) : code;
}

const kpu_search kpu_search_exhaustive = {
    .name = "exhaustive",
    .summary = "every point of the space, or every one of a sample",
    .sample = KPU_SEARCH_TAKES,
    .shards = KPU_SHARDS_OF_POINTS,
    .run = run,
};
