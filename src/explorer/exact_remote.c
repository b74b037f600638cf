/* Rounds of the exact search on other ranks. A rank has copies of the fronts: it gets every point
 * that joins one, and what a front answers depends on nothing else. So it bounds and splits cells
 * exactly as rank 0 would. */
#include <stdlib.h>

#include "explorer/exact_batch.h"
#include "explorer/message.h"
#include "explorer/serve.h"

enum { ITEM_CELL, ITEM_POINT, ITEM_KNOWN };

/* ---- Rank 0 ------------------------------------------------------------------------------- */

/* Of a member: GEMM, id, costs. */
bool kpu_exact_log(kpu_exact *exact, const kpu_point *point, const kpu_metric_value *metrics)
{
    const kpu_search_session *session = exact->session;
    const kpu_ranks *ranks = session->options->ranks;
    double costs[KPU_OBJECTIVES_MAX];
    if (!ranks || ranks->count < 2 || !kpu_search_costs(session->space, metrics, costs) ||
        kpu_archive_dominator(exact->gemms[point->gemm].front, costs) >= 0)
        return true;
    kpu_put_int(&exact->log, point->gemm);
    kpu_put_int(&exact->log, point->index);
    kpu_put(&exact->log, costs, exact->objectives * sizeof *costs);
    return !exact->log.failed;
}

/* The GEMM, then what has joined fronts since. */
static void share(void *context, int64_t *mark, kpu_text *out)
{
    const kpu_exact_batch *b = context;
    const kpu_text *log = &b->exact->log;
    kpu_put_int(out, b->gemm->shape.gemm);
    if (log->length > (size_t)*mark)
        kpu_put(out, log->data + *mark, log->length - (size_t)*mark);
    *mark = (int64_t)log->length;
}

static void encode(void *context, int64_t n, kpu_text *out)
{
    const kpu_exact_batch *b = context;
    const kpu_exact_item *it = &b->items[n];
    const uint8_t kind = it->is_known ? ITEM_KNOWN : it->is_point ? ITEM_POINT : ITEM_CELL;
    uint64_t words[KPU_CELL_WORDS];
    kpu_put(out, &kind, sizeof kind);
    if (kind == ITEM_POINT) {
        kpu_put_int(out, it->point.index);
    } else if (kind == ITEM_CELL) {
        kpu_cell_pack(&b->gemm->shape, &it->cell, words);
        kpu_put_size(out, it->limit);
        kpu_put(out, words, b->gemm->shape.words * sizeof *words);
    }
}

typedef struct split_code {
    int32_t at, split[2];
    uint8_t dial, outcome[2], is_point[2];
} split_code;

static void encode_split(const kpu_exact_split *split, size_t objectives, kpu_text *out)
{
    split_code code;
    memset(&code, 0, sizeof code);
    code.at = split->at;
    code.dial = (uint8_t)split->dial;
    for (int i = 0; i < 2; i++) {
        code.split[i] = split->part[i].split;
        code.outcome[i] = (uint8_t)split->part[i].outcome;
        code.is_point[i] = split->part[i].is_point;
    }
    kpu_put(out, &code, sizeof code);
    for (int i = 0; i < 2; i++) {
        const kpu_exact_part *part = &split->part[i];
        if (part->outcome != KPU_EXACT_OPEN)
            continue;
        kpu_put(out, &part->key, sizeof part->key);
        kpu_put(out, part->bound, objectives * sizeof *part->bound);
    }
}

static bool decode_split(const kpu_cell_shape *shape, const kpu_cell *cell, kpu_reader *reader,
                         kpu_exact_split *out)
{
    size_t objectives = kpu_space_objective_count(shape->space);
    split_code code;
    kpu_read(reader, &code, sizeof code);
    out->dial = code.dial;
    out->at = code.at;
    if (reader->failed || out->dial >= shape->dials || code.at <= cell->low[out->dial] ||
        code.at > cell->high[out->dial] || code.outcome[0] > KPU_EXACT_BOUNDED ||
        code.outcome[1] > KPU_EXACT_BOUNDED)
        return false;
    for (int i = 0; i < 2; i++) {
        kpu_exact_part *part = &out->part[i];
        part->cell = *cell;
        if (i == 0)
            part->cell.high[out->dial] = code.at - 1;
        else
            part->cell.low[out->dial] = code.at;
        part->split = code.split[i];
        part->outcome = (kpu_exact_outcome)code.outcome[i];
        part->is_point = code.is_point[i] != 0;
        if (part->outcome != KPU_EXACT_OPEN)
            continue;
        kpu_read(reader, &part->key, sizeof part->key);
        kpu_read(reader, part->bound, objectives * sizeof *part->bound);
    }
    return !reader->failed;
}

/* The part that went on, as split number `next`; NULL: none did. False: that is no answer. */
static bool find_next(const kpu_exact_split *split, size_t next, const kpu_cell **out)
{
    *out = NULL;
    for (int i = 0; i < 2; i++) {
        const kpu_exact_part *part = &split->part[i];
        if (part->split < 0)
            continue;
        if (*out || part->split != (int32_t)next || part->outcome != KPU_EXACT_OPEN)
            return false;
        *out = &part->cell;
    }
    return true;
}

/* Each split but the first is of the part of the one before that went on. */
static bool decode_cell(const kpu_cell_shape *shape, kpu_exact_item *it, kpu_reader *reader)
{
    const kpu_cell *cell = &it->cell;
    for (it->count = 0; reader->left > 0; it->count++) {
        kpu_exact_split *split = &it->splits[it->count];
        if (!cell || it->count == it->limit || !decode_split(shape, cell, reader, split) ||
            !find_next(split, it->count + 1, &cell))
            return false;
    }
    return it->count > 0 && !cell;
}

static bool decode(void *context, int64_t n, const char *bytes, size_t size)
{
    kpu_exact_batch *b = context;
    kpu_exact_item *it = &b->items[n];
    kpu_reader reader = {bytes, size, false};
    if (it->is_known)
        return size == 0;
    if (!it->is_point)
        return decode_cell(&b->gemm->shape, it, &reader);
    kpu_row_decode(&reader, NULL, it->metrics);
    return !reader.failed && reader.left == 0;
}

const kpu_team_remote kpu_exact_remote = {
    .job = KPU_REMOTE_CELLS, .share = share, .encode = encode, .decode = decode};

/* ---- The others --------------------------------------------------------------------------- */

/* Of a worker. */
typedef struct scratch {
    kpu_exact_split splits[KPU_EXACT_DIVE_DEPTH];
    double *bounds;
} scratch;

struct kpu_served_cells {
    size_t gemm_count, workers, objectives;
    int64_t gemm; /* of this round */
    kpu_cell_shape shape;
    kpu_archive **fronts; /* of each GEMM */
    scratch *scratch;
};

static bool make_scratch(scratch *s, size_t objectives)
{
    s->bounds = calloc((size_t)KPU_EXACT_DIVE_DEPTH * 2 * objectives, sizeof *s->bounds);
    for (size_t i = 0; s->bounds && i < KPU_EXACT_DIVE_DEPTH; i++)
        for (size_t side = 0; side < 2; side++)
            s->splits[i].part[side].bound = s->bounds + (2 * i + side) * objectives;
    return s->bounds != NULL;
}

static struct kpu_served_cells *make_cells(const kpu_serving *serving)
{
    struct kpu_served_cells *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->gemm_count = kpu_space_gemm_count(serving->space);
    c->workers = serving->workers;
    c->objectives = kpu_space_objective_count(serving->space);
    c->gemm = -1;
    c->fronts = calloc(c->gemm_count, sizeof(kpu_archive *));
    c->scratch = calloc(c->workers, sizeof *c->scratch);
    bool made = c->fronts && c->scratch;
    for (size_t g = 0; made && g < c->gemm_count; g++)
        made = (c->fronts[g] = kpu_archive_new((int)c->objectives)) != NULL;
    for (size_t w = 0; made && w < c->workers; w++)
        made = make_scratch(&c->scratch[w], c->objectives);
    if (made)
        return c;
    kpu_cells_free(c);
    return NULL;
}

void kpu_cells_free(struct kpu_served_cells *cells)
{
    if (!cells)
        return;
    for (size_t g = 0; cells->fronts && g < cells->gemm_count; g++)
        kpu_archive_free(cells->fronts[g]);
    for (size_t w = 0; cells->scratch && w < cells->workers; w++)
        free(cells->scratch[w].bounds);
    free(cells->fronts);
    free(cells->scratch);
    free(cells);
}

bool kpu_cells_prepare(kpu_serving *serving, kpu_reader *shared)
{
    if (!serving->cells)
        serving->cells = make_cells(serving);
    struct kpu_served_cells *c = serving->cells;
    double costs[KPU_OBJECTIVES_MAX];
    int64_t gemm = kpu_read_int(shared);
    if (!c || gemm < 0 || gemm >= (int64_t)c->gemm_count)
        return false;
    while (shared->left > 0) {
        int64_t of = kpu_read_int(shared), id = kpu_read_int(shared);
        kpu_read(shared, costs, c->objectives * sizeof *costs);
        if (shared->failed || of < 0 || of >= (int64_t)c->gemm_count ||
            kpu_archive_add(c->fronts[of], costs, id) != KPU_OK)
            return false;
    }
    if (c->gemm != gemm)
        kpu_cell_shape_init(&c->shape, serving->space, gemm);
    c->gemm = gemm;
    return !shared->failed;
}

static int serve_cell(const struct kpu_served_cells *c, const kpu_worker *worker,
                      kpu_reader *reader, kpu_text *out)
{
    kpu_exact_split *splits = c->scratch[worker->number].splits;
    uint64_t words[KPU_CELL_WORDS];
    kpu_cell cell;
    size_t limit = kpu_read_size(reader);
    kpu_read(reader, words, c->shape.words * sizeof *words);
    if (reader->failed || limit < 1 || limit > KPU_EXACT_DIVE_DEPTH)
        return KPU_E_INTERNAL;
    kpu_cell_unpack(&c->shape, words, &cell);
    if (kpu_cell_is_point(&c->shape, &cell))
        return KPU_E_INTERNAL;
    size_t count = kpu_exact_dive(&c->shape, c->fronts[c->gemm], &cell, limit, splits);
    for (size_t i = 0; i < count; i++)
        encode_split(&splits[i], c->objectives, out);
    return KPU_OK;
}

int kpu_cells_serve(const kpu_serving *serving, kpu_worker *worker, int64_t item,
                    kpu_reader *reader, kpu_text *out)
{
    uint8_t kind;
    kpu_read(reader, &kind, sizeof kind);
    if (kind == ITEM_POINT)
        return kpu_served_jobs[KPU_REMOTE_POINTS].serve(serving, worker, item, reader, out);
    return kind == ITEM_CELL ? serve_cell(serving->cells, worker, reader, out) : KPU_OK;
}
