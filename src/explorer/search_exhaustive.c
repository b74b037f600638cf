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
    const kpu_explore_options options = {.threads = session->options->threads,
                                         .sink = take,
                                         .sink_context = session,
                                         .progress = report,
                                         .progress_context = session,
                                         .stop = session->options->stop,
                                         .plain_walk = session->options->plain_walk};
    return kpu_explore(session->space, &options, session->diag);
}

const kpu_search kpu_search_exhaustive = {
    .name = "exhaustive",
    .summary = "every point of the space, or every one of a sample",
    .sample = KPU_SEARCH_TAKES,
    .run = run,
};
