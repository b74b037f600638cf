/* The exact search of one GEMM, round by round. A round takes the best open cells, has the team
 * work on all of them, and puts what came out in its place, in their order. How many it takes does
 * not depend on the number of threads. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explorer/exact_batch.h"

enum {
    POINTS_FIRST = 8, /* candidates of the first rounds; later more, by a share of all */
    POINTS_SHARE = 16,
    DIVES_UNTIL = 64, /* evaluations */
};
static const double slack_first = 0.25, slack_factor = 0.25, slack_last = 1.0 / 256;

kpu_exact_batch *kpu_exact_batch_new(const kpu_exact *exact)
{
    kpu_exact_batch *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    size_t splits = KPU_EXACT_BATCH + KPU_EXACT_DIVES * KPU_EXACT_DIVE_DEPTH;
    b->bounds = calloc((KPU_EXACT_BATCH + 2 * splits) * exact->objectives, sizeof *b->bounds);
    b->metrics = calloc(KPU_EXACT_BATCH * kpu_metric_count(), sizeof *b->metrics);
    if (!b->bounds || !b->metrics) {
        kpu_exact_batch_free(b);
        return NULL;
    }
    for (size_t i = 0; i < splits; i++)
        for (size_t side = 0; side < 2; side++) {
            kpu_exact_split *split =
                i < KPU_EXACT_BATCH ? &b->splits[i] : &b->dives[i - KPU_EXACT_BATCH];
            split->part[side].bound =
                b->bounds + (KPU_EXACT_BATCH + 2 * i + side) * exact->objectives;
        }
    for (size_t i = 0; i < KPU_EXACT_BATCH; i++) {
        b->items[i].bound = b->bounds + i * exact->objectives;
        b->items[i].metrics = b->metrics + i * kpu_metric_count();
    }
    return b;
}

void kpu_exact_batch_free(kpu_exact_batch *batch)
{
    if (!batch)
        return;
    free(batch->bounds);
    free(batch->metrics);
    free(batch);
}

/* ---- Making ------------------------------------------------------------------------------- */

static bool push(kpu_exact *exact, kpu_exact_gemm *g, uint32_t node, const kpu_exact_part *part)
{
    uint64_t words[KPU_CELL_WORDS];
    const kpu_open_cell cell = {node, part->bound, words};
    kpu_cell_pack(&g->shape, &part->cell, words);
    if (g->queue.count + g->later.count < exact->open_max)
        return kpu_queue_push(&g->queue, part->key, &cell);
    return kpu_queue_push(&g->deep, (double)kpu_cell_points(&g->shape, &part->cell), &cell);
}

int kpu_exact_gemm_init(kpu_exact *exact, int64_t gemm)
{
    kpu_exact_gemm *g = &exact->gemms[gemm];
    double bound[KPU_OBJECTIVES_MAX];
    kpu_exact_part whole = {.bound = bound, .key = -INFINITY};
    g->gap = NAN;
    kpu_cell_shape_init(&g->shape, exact->session->space, gemm);
    kpu_queue_init(&g->queue, exact->objectives, g->shape.words);
    kpu_queue_init(&g->later, exact->objectives, g->shape.words);
    kpu_queue_init(&g->deep, exact->objectives, g->shape.words);
    g->slack = slack_first;
    if (!kpu_tree_init(&g->tree, exact->objectives))
        return KPU_E_MEMORY;
    kpu_cell_all(&g->shape, &whole.cell);
    g->boxes = 1;
    if (kpu_exact_bound(&g->shape, &whole.cell, bound) == KPU_EXACT_EMPTY) {
        kpu_tree_at(&g->tree, 0)->kind = KPU_NODE_EMPTY;
        return KPU_OK;
    }
    return push(exact, g, 0, &whole) ? KPU_OK : KPU_E_MEMORY;
}

void kpu_exact_gemm_fini(kpu_exact_gemm *gemm)
{
    kpu_queue_fini(&gemm->queue);
    kpu_queue_fini(&gemm->later);
    kpu_queue_fini(&gemm->deep);
    kpu_tree_fini(&gemm->tree);
}

/* ---- Jobs --------------------------------------------------------------------------------- */

static int work(void *context, kpu_worker *worker, int64_t n)
{
    kpu_exact_batch *b = context;
    kpu_exact_item *it = &b->items[n];
    if (it->is_known)
        return KPU_OK;
    if (it->is_point)
        return kpu_search_measure(b->exact->session->space, worker, &it->point, it->metrics);
    it->count = kpu_exact_dive(&b->gemm->shape, b->gemm->front, &it->cell, it->limit, it->splits);
    return KPU_OK;
}

/* ---- Rounds ------------------------------------------------------------------------------- */

static size_t points_of_round(const kpu_exact_gemm *g, int64_t limit)
{
    int64_t most = POINTS_FIRST + g->evaluations / POINTS_SHARE;
    most = most < limit - g->evaluations ? most : limit - g->evaluations;
    return (size_t)(most < KPU_EXACT_BATCH ? most : KPU_EXACT_BATCH);
}

static void take(kpu_exact_batch *b, const kpu_open_cell *open, const kpu_cell *cell, bool is_point)
{
    kpu_exact_item *it = &b->items[b->count];
    bool dives = b->gemm->evaluations < DIVES_UNTIL && b->count < KPU_EXACT_DIVES;
    it->node = open->node;
    it->is_point = is_point;
    it->is_known = false;
    it->cell = *cell;
    memcpy(it->bound, open->bound, b->exact->objectives * sizeof *it->bound);
    it->count = 0;
    it->limit = dives ? KPU_EXACT_DIVE_DEPTH : 1;
    it->splits = dives ? &b->dives[b->count * KPU_EXACT_DIVE_DEPTH] : &b->splits[b->count];
    if (is_point)
        kpu_space_point(b->exact->session->space, kpu_cell_first_point(&b->gemm->shape, cell),
                        &it->point);
    b->count++;
    b->points += is_point;
}

static void close_node(const kpu_exact *exact, kpu_exact_gemm *g, uint32_t node, kpu_node_kind kind)
{
    if (exact->keeps_tree)
        kpu_tree_at(&g->tree, node)->kind = kind & 7;
}

/* Whether a member dominates the bound worsened by the slack. */
static bool can_wait(const kpu_exact_gemm *g, const double *bound)
{
    double worse[KPU_OBJECTIVES_MAX];
    for (size_t i = 0; i < g->queue.objectives; i++)
        worse[i] = bound[i] + g->slack * fabs(bound[i]);
    return g->slack > 0 && kpu_archive_dominator(g->front, worse) >= 0;
}

/* The next pass. */
static bool begin_pass(kpu_exact_gemm *g)
{
    kpu_queue empty = g->queue;
    if (g->later.count == 0)
        return false;
    g->queue = g->later;
    g->later = empty;
    g->slack = g->slack > slack_last ? g->slack * slack_factor : 0;
    return true;
}

/* The next cell that is worked on; false: there is none in this round. */
static bool pop(kpu_exact_batch *b, kpu_open_cell *open)
{
    kpu_exact_gemm *g = b->gemm;
    for (;;) {
        bool is_deep = kpu_queue_pop(&g->deep, open);
        if (!is_deep && !kpu_queue_pop(&g->queue, open)) {
            if (b->count > 0 || !begin_pass(g))
                return false;
        } else if (kpu_archive_dominator(g->front, open->bound) >= 0) {
            close_node(b->exact, g, open->node, KPU_NODE_BOUNDED);
        } else if (is_deep || !can_wait(g, open->bound)) {
            return true;
        } else if (!kpu_queue_push(&g->later, kpu_exact_key(open->bound, b->exact->objectives),
                                   open)) {
            b->is_out_of_memory = true;
            return false;
        }
    }
}

static bool put_back(kpu_exact_batch *b, uint32_t node, const kpu_cell *cell, double *bound)
{
    const kpu_exact_part part = {
        .cell = *cell, .bound = bound, .key = kpu_exact_key(bound, b->exact->objectives)};
    return push(b->exact, b->gemm, node, &part);
}

/* Takes the best open cells. Ends before the first candidate for which there is no room. */
static bool fill(kpu_exact_batch *b, size_t points)
{
    kpu_exact_gemm *g = b->gemm;
    kpu_open_cell open;
    b->count = b->points = 0;
    while (b->count < KPU_EXACT_BATCH && pop(b, &open)) {
        kpu_cell cell;
        kpu_cell_unpack(&g->shape, open.words, &cell);
        bool is_point = kpu_cell_is_point(&g->shape, &cell);
        if (is_point && b->points == points)
            return put_back(b, open.node, &cell, open.bound);
        take(b, &open, &cell, is_point);
    }
    return !b->is_out_of_memory;
}

/* As kpu_search_costs, but all of them: a certificate tells those that are NaN too. */
static void list_costs(const kpu_exact *exact, const kpu_metric_value *metrics, double *costs)
{
    for (size_t i = 0; i < exact->objectives; i++) {
        costs[i] = kpu_search_cost(exact->session->space, metrics, i);
    }
}

/* Complaints are told. */
static int merge_point(kpu_exact_batch *b, kpu_exact_item *it)
{
    kpu_exact *exact = b->exact;
    kpu_search_session *session = exact->session;
    double costs[KPU_OBJECTIVES_MAX];
    bool good = kpu_exact_log(exact, &it->point, it->metrics) &&
                kpu_search_note(session, &it->point, it->metrics) == KPU_OK;
    b->gemm->evaluations++;
    if (good && exact->keeps_tree) {
        list_costs(exact, it->metrics, costs);
        good = kpu_tree_keep(&b->gemm->tree, it->node, costs);
    }
    if (!good)
        return kpu_diag_add(session->diag, KPU_E_MEMORY, "out of memory");
    return it->is_known ? KPU_OK : kpu_search_tell(session, &it->point, it->metrics);
}

static bool merge_part(kpu_exact_batch *b, const kpu_exact_item *it, kpu_exact_part *part,
                       uint32_t node)
{
    static const kpu_node_kind closed[] = {
        [KPU_EXACT_EMPTY] = KPU_NODE_EMPTY, [KPU_EXACT_BOUNDED] = KPU_NODE_BOUNDED};
    if (part->outcome != KPU_EXACT_OPEN) {
        close_node(b->exact, b->gemm, node, closed[part->outcome]);
        return true;
    }
    if (part->is_point && it->limit > 1)
        part->key = -INFINITY; /* the end of a dive is simulated next */
    return push(b->exact, b->gemm, node, part);
}

static bool merge_splits(kpu_exact_batch *b, const kpu_exact_item *it)
{
    kpu_exact_gemm *g = b->gemm;
    uint32_t nodes[KPU_EXACT_DIVE_DEPTH] = {it->node};
    g->boxes += 2 * (int64_t)it->count;
    for (size_t i = 0; i < it->count; i++) {
        kpu_exact_split *split = &it->splits[i];
        uint32_t first = 0;
        if (b->exact->keeps_tree) {
            if (!kpu_tree_split(&g->tree, nodes[i], split->dial, split->at))
                return false;
            first = kpu_tree_at(&g->tree, nodes[i])->link;
        }
        for (uint32_t side = 0; side < 2; side++) {
            kpu_exact_part *part = &split->part[side];
            if (part->split >= 0)
                nodes[part->split] = first + side;
            else if (!merge_part(b, it, part, first + side))
                return false;
        }
    }
    return true;
}

static int merge(kpu_exact_batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        kpu_exact_item *it = &b->items[i];
        if (!it->is_point && !merge_splits(b, it))
            return kpu_diag_add(b->exact->session->diag, KPU_E_MEMORY, "out of memory");
        int code = it->is_point ? merge_point(b, it) : KPU_OK;
        if (code != KPU_OK)
            return code;
    }
    return KPU_OK;
}

/* What a stopped round had taken is open: it belongs to what is missing. */
static int give_up(kpu_exact_batch *b)
{
    for (size_t i = 0; i < b->count; i++)
        if (!put_back(b, b->items[i].node, &b->items[i].cell, b->items[i].bound))
            return kpu_diag_add(b->exact->session->diag, KPU_E_MEMORY, "out of memory");
    return KPU_E_INTERRUPTED;
}

/* The round's first candidates, as far as they are known. */
static int recall(kpu_exact_batch *b)
{
    kpu_search_session *session = b->exact->session;
    int code = KPU_OK;
    for (size_t i = 0; code == KPU_OK && i < b->count && kpu_search_knows_next(session); i++) {
        kpu_exact_item *it = &b->items[i];
        it->is_known = it->is_point;
        if (it->is_point)
            code = kpu_search_recall(session, &it->point, it->metrics);
    }
    return code;
}

static int run_round(kpu_exact_batch *b)
{
    kpu_exact *exact = b->exact;
    int code = recall(b);
    if (code != KPU_OK)
        return code;
    code = kpu_team_share(exact->team, (int64_t)b->count, work, b, &kpu_exact_remote);
    if (code == KPU_OK)
        return merge(b);
    if (code == KPU_E_INTERRUPTED)
        return give_up(b);
    return kpu_search_complain(exact->session, &b->items[kpu_team_failed_item(exact->team)].point,
                               code);
}

int kpu_exact_gemm_search(kpu_exact *exact, int64_t gemm, int64_t limit)
{
    kpu_exact_batch *b = exact->batch;
    kpu_exact_gemm *g = &exact->gemms[gemm];
    int code = KPU_OK;
    b->exact = exact;
    b->gemm = g;
    while (code == KPU_OK && kpu_exact_open_count(g) > 0) {
        if (!fill(b, points_of_round(g, limit)))
            return kpu_diag_add(exact->session->diag, KPU_E_MEMORY, "out of memory");
        if (b->count == 0)
            break; /* nothing is open any more, or no candidate may be simulated */
        code = run_round(b);
        kpu_exact_look_at_gap(exact, gemm);
    }
    return code;
}
