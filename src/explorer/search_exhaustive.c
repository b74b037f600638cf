/* Every point of the run, one after another. */
#include "explorer/search.h"

static int take(void *context, const kpu_row *rows, size_t count, kpu_diag *diag)
{
    kpu_search_session *s = context;
    int code = KPU_OK;
    for (size_t i = 0; code == KPU_OK && i < count; i++)
        code = kpu_search_note(s, &rows[i].point, rows[i].metrics);
    if (code != KPU_OK)
        return kpu_diag_add(diag, code, "out of memory");
    return kpu_search_deliver(s, rows, count);
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
                                         .ranks = given->ranks};
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
