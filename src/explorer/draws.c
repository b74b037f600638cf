/* Searches that draw: chunks of a sequence are decoded by the team, since most points may be
 * excluded by constraints, then the candidates among them are evaluated in batches. */
#include "explorer/draws.h"

#include <stdlib.h>

#include "explorer/id_set.h"
#include "explorer/permutation.h"

enum {
    CHUNK = 4096,   /* draws decoded at once */
    NEW_SHARE = 16, /* less than one new candidate in so many: the sequence is used up */
};

typedef struct drawing {
    kpu_search_session *session;
    const kpu_draws *draws; /* that are used now */
    kpu_draws all;          /* the permutation */
    kpu_permutation permutation;
    bool repeats; /* points come again: they are remembered */
    kpu_id_set seen;
    int64_t next, size; /* draws made of draws; points of the space */
    int64_t taken;      /* candidates of the whole sequence, those of other shards too */
    int64_t block;      /* of shards */
    kpu_point *points;  /* a chunk of draws */
    bool *admitted;
    kpu_point *batch;
    size_t batched;
    kpu_team *team;
} drawing;

static int64_t term(const void *context, int64_t n)
{
    return kpu_permutation_at(context, n);
}

/* A job: one draw. */
static int decode(void *context, kpu_worker *worker, int64_t item)
{
    drawing *d = context;
    (void)worker;
    int64_t index = d->draws->index(d->draws->context, d->next + item);
    d->admitted[item] = kpu_space_point_at(d->session->space, index, &d->points[item]);
    return KPU_OK;
}

static int64_t left(const drawing *d)
{
    return d->session->settings.budget - d->taken;
}

static int flush(drawing *d)
{
    int code = kpu_search_evaluate(d->session, d->team, d->batch, d->batched);
    d->batched = 0;
    return code;
}

/* Puts a candidate into the batch, unless it has been there, which *is_new tells, or belongs to
 * another shard. */
static int take(drawing *d, const kpu_point *point, bool *is_new)
{
    *is_new = true;
    if (d->repeats) {
        int code = kpu_id_set_add(&d->seen, point->index, is_new);
        if (code != KPU_OK)
            return kpu_diag_add(d->session->diag, code, "out of memory");
    }
    if (!*is_new || !kpu_shard_has(d->session->options->shard, d->block, d->taken++))
        return KPU_OK;
    d->batch[d->batched++] = *point;
    return d->batched == KPU_SEARCH_BATCH ? flush(d) : KPU_OK;
}

/* Draws a chunk. *stale: hardly any of its candidates was new. */
static int draw(drawing *d, bool *stale)
{
    int64_t count = d->size - d->next < CHUNK ? d->size - d->next : CHUNK;
    int64_t candidates = 0, fresh = 0;
    int code = kpu_team_run(d->team, count, decode, d);
    for (int64_t i = 0; i < count && code == KPU_OK && left(d) > 0; i++) {
        bool is_new = false;
        if (d->admitted[i])
            code = take(d, &d->points[i], &is_new);
        candidates += d->admitted[i];
        fresh += is_new;
    }
    d->next += count;
    *stale = fresh * NEW_SHARE < candidates;
    return code;
}

static int search(void *context, kpu_team *team)
{
    drawing *d = context;
    int code = KPU_OK;
    d->team = team;
    while (code == KPU_OK && left(d) > 0) {
        bool stale;
        code = draw(d, &stale);
        bool is_used_up = d->next >= d->size || (stale && d->draws != &d->all);
        if (is_used_up && d->draws == &d->all)
            break;
        if (is_used_up) {
            d->draws = &d->all;
            d->next = 0;
        }
    }
    return code == KPU_OK && d->batched > 0 ? flush(d) : code;
}

/* `draws`: those to begin with; NULL: the permutation. */
static int search_with(kpu_search_session *session, const kpu_draws *draws)
{
    kpu_search_progress *progress = session->progress;
    const kpu_shard shard = session->options->shard;
    drawing d = {.session = session,
                 .size = kpu_space_raw_size(session->space),
                 .block = kpu_shard_block(session->space, shard.count),
                 .repeats = draws != NULL};
    kpu_permutation_init(&d.permutation, d.size,
                         kpu_random_u64(session->settings.seed, KPU_STREAM_RANDOM, 0));
    d.all = (kpu_draws){.index = term, .context = &d.permutation};
    d.draws = draws ? draws : &d.all;
    d.points = calloc(CHUNK, sizeof *d.points);
    d.admitted = calloc(CHUNK, sizeof *d.admitted);
    d.batch = calloc(KPU_SEARCH_BATCH, sizeof *d.batch);
    progress->total = kpu_shard_share(
        shard, d.block, session->settings.budget < d.size ? session->settings.budget : d.size);
    int code = d.points && d.admitted && d.batch
                   ? kpu_search_open_team(session, search, &d)
                   : kpu_diag_add(session->diag, KPU_E_MEMORY, "out of memory");
    if (code == KPU_OK) /* constraints may leave fewer candidates than the budget */
        progress->total = progress->done;
    kpu_id_set_fini(&d.seen);
    free(d.points);
    free(d.admitted);
    free(d.batch);
    return code;
}

int kpu_draws_search(kpu_search_session *session, const kpu_draws *draws)
{
    return search_with(session, draws);
}

int kpu_draws_search_all(kpu_search_session *session)
{
    return search_with(session, NULL);
}
