/* Writes why the fronts are complete (docs/certificate.md). What the tree does not hold, bounds and
 * the members that dominate them, is computed again, by the team. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explorer/exact.h"

enum { LINE_MAX_BYTES = 256, LINES = 2048, PIECE_BYTES = 1 << 16 };

/* The members of one GEMM by their ids; their numbers follow one another. */
typedef struct members {
    int64_t first;
    size_t count;
    int64_t *ids;
    double *values; /* row-major, as costs */
} members;

/* A line about a closed cell whose text is still to be made. */
typedef struct line {
    const kpu_exact_gemm *gemm;
    const members *members;
    kpu_cell cell;
    kpu_node node;
    size_t length;
    char text[LINE_MAX_BYTES];
} line;

typedef struct writer {
    kpu_exact *exact;
    size_t objectives;
    double sign[KPU_EXACT_CERTIFIED_OBJECTIVES]; /* -1: a cost is the negative of what is shown */
    members *of_gemm;
    kpu_hash *hash;
    int64_t line_count;
    line *lines; /* not written yet */
    size_t pending;
    char *piece;
    size_t used;
} writer;

/* ---- Text --------------------------------------------------------------------------------- */

static int out_of_memory(const writer *w)
{
    return kpu_diag_add(w->exact->session->diag, KPU_E_MEMORY, "out of memory");
}

static int flush(writer *w)
{
    const kpu_search_session *session = w->exact->session;
    size_t bytes = w->used;
    w->used = 0;
    kpu_ranks_keep(session->options->ranks);
    return session->options->certificate(session->options->certificate_context, w->piece, bytes,
                                         session->diag);
}

static int put(writer *w, const char *text, size_t length)
{
    int code = w->used + length > PIECE_BYTES ? flush(w) : KPU_OK;
    kpu_hash_add(w->hash, text, length);
    memcpy(w->piece + w->used, text, length);
    w->used += length;
    w->line_count++;
    return code;
}

__attribute__((format(printf, 2, 3))) static int put_line(writer *w, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text - 1, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof text - 1)
        return kpu_diag_add(w->exact->session->diag, KPU_E_INTERNAL, "a line of the certificate");
    text[length] = '\n';
    return put(w, text, (size_t)length + 1);
}

/* " v v v", of costs. */
static size_t print_values(const writer *w, const double *costs, char *out, size_t room)
{
    size_t length = 0;
    for (size_t i = 0; i < w->objectives; i++) {
        double shown = isnan(costs[i]) ? NAN : w->sign[i] * costs[i] + 0.0; /* no -0, no -nan */
        length += (size_t)snprintf(out + length, room - length, " %.17g", shown);
    }
    return length;
}

/* ---- Members ------------------------------------------------------------------------------ */

typedef struct by_id {
    int64_t id;
    size_t at;
} by_id;

static int compare_ids(const void *a, const void *b)
{
    const by_id *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int sort_members(members *m, const kpu_archive *front, size_t objectives)
{
    double *values = malloc((m->count * objectives + 1) * sizeof *values);
    by_id *order = malloc((m->count + 1) * sizeof *order);
    int code = values && order ? kpu_archive_read(front, values, m->ids) : KPU_E_MEMORY;
    for (size_t i = 0; code == KPU_OK && i < m->count; i++)
        order[i] = (by_id){m->ids[i], i};
    if (code == KPU_OK)
        qsort(order, m->count, sizeof *order, compare_ids);
    for (size_t i = 0; code == KPU_OK && i < m->count; i++) {
        m->ids[i] = order[i].id;
        memcpy(m->values + i * objectives, values + order[i].at * objectives,
               objectives * sizeof *values);
    }
    free(values);
    free(order);
    return code;
}

static int read_members(writer *w)
{
    int64_t next = 0;
    for (size_t g = 0; g < w->exact->gemm_count; g++) {
        members *m = &w->of_gemm[g];
        const kpu_archive *front = w->exact->gemms[g].front;
        m->first = next;
        m->count = kpu_archive_count(front);
        m->ids = malloc((m->count + 1) * sizeof *m->ids);
        m->values = malloc((m->count * w->objectives + 1) * sizeof *m->values);
        if (!m->ids || !m->values || sort_members(m, front, w->objectives) != KPU_OK)
            return out_of_memory(w);
        next += (int64_t)m->count;
    }
    return KPU_OK;
}

/* Number of the member that has this id, or -1. */
static int64_t find_member(const members *m, int64_t id)
{
    size_t low = 0, high = m->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < m->count && m->ids[low] == id ? m->first + (int64_t)low : -1;
}

/* ---- Closed cells ------------------------------------------------------------------------- */

/* A job. A cell that a front dominated once is dominated by the final one. */
static int print_closed(void *context, kpu_worker *worker, int64_t item)
{
    const writer *w = context;
    line *l = &w->lines[item];
    double bound[KPU_EXACT_CERTIFIED_OBJECTIVES];
    const double *costs = bound;
    const bool is_timed = l->node.kind == KPU_NODE_SIMULATED;
    (void)worker;
    if (l->length > 0)
        return KPU_OK;
    if (is_timed)
        costs = kpu_pieces_at(&l->gemm->tree.values, l->node.link);
    else if (kpu_exact_bound(&l->gemm->shape, &l->cell, bound) != KPU_EXACT_OPEN)
        return KPU_E_INTERNAL;
    int64_t id = kpu_archive_dominator(l->gemm->front, costs);
    bool is_number = true;
    for (size_t i = 0; i < w->objectives; i++)
        is_number &= !isnan(costs[i]);
    if (is_timed && id < 0 && is_number) {
        l->length = (size_t)sprintf(l->text, "p\n");
        return find_member(l->members, kpu_cell_first_point(&l->gemm->shape, &l->cell)) >= 0
                   ? KPU_OK
                   : KPU_E_INTERNAL;
    }
    if (is_number && id < 0)
        return KPU_E_INTERNAL;
    size_t used = (size_t)(is_number ? sprintf(l->text, "%c %" PRId64, is_timed ? 'e' : 'd',
                                               find_member(l->members, id))
                                     : sprintf(l->text, "n"));
    used += print_values(w, costs, l->text + used, sizeof l->text - used - 1);
    l->text[used] = '\n';
    l->length = used + 1;
    return KPU_OK;
}

static int write_pending(writer *w)
{
    int code = kpu_team_run(w->exact->team, (int64_t)w->pending, print_closed, w);
    for (size_t i = 0; code == KPU_OK && i < w->pending; i++)
        code = put(w, w->lines[i].text, w->lines[i].length);
    w->pending = 0;
    return code == KPU_E_INTERNAL
               ? kpu_diag_add(w->exact->session->diag, code, "a closed box is not closed")
               : code;
}

/* ---- The tree ----------------------------------------------------------------------------- */

static int add_line(writer *w, size_t gemm, const kpu_node *node, const kpu_cell *cell)
{
    int code = w->pending == LINES ? write_pending(w) : KPU_OK;
    line *l = &w->lines[w->pending++];
    const kpu_exact_gemm *g = &w->exact->gemms[gemm];
    l->gemm = g;
    l->members = &w->of_gemm[gemm];
    l->node = *node;
    l->cell = *cell;
    l->length = 0;
    if (node->kind == KPU_NODE_SPLIT)
        l->length = (size_t)sprintf(l->text, "s %d %u\n", g->shape.dial[node->dial].digit,
                                    (unsigned)node->at);
    else if (node->kind == KPU_NODE_EMPTY)
        l->length = (size_t)sprintf(l->text, "i\n");
    return code;
}

/* As deep as the tree, which halves a range each time. */
static int write_cell(writer *w, size_t gemm, uint32_t number, kpu_cell *cell)
{
    const kpu_node *node = kpu_tree_at(&w->exact->gemms[gemm].tree, number);
    int code = add_line(w, gemm, node, cell);
    if (node->kind != KPU_NODE_SPLIT || code != KPU_OK)
        return code;
    int32_t low = cell->low[node->dial], high = cell->high[node->dial], at = (int32_t)node->at;
    cell->high[node->dial] = at - 1;
    code = write_cell(w, gemm, node->link, cell);
    cell->high[node->dial] = high;
    cell->low[node->dial] = at;
    if (code == KPU_OK)
        code = write_cell(w, gemm, node->link + 1, cell);
    cell->low[node->dial] = low;
    return code;
}

static int write_gemms(writer *w, size_t low, size_t high)
{
    if (low == high) {
        kpu_cell cell;
        kpu_cell_all(&w->exact->gemms[low].shape, &cell);
        return write_cell(w, low, 0, &cell);
    }
    size_t at = low + (high - low + 1) / 2;
    int code = write_pending(w);
    if (code == KPU_OK)
        code = put_line(w, "s -2 %zu", at);
    if (code == KPU_OK)
        code = write_gemms(w, low, at - 1);
    return code == KPU_OK ? write_gemms(w, at, high) : code;
}

/* ---- The whole ---------------------------------------------------------------------------- */

static int write_head(writer *w)
{
    const kpu_space *space = w->exact->session->space;
    char hash[33], names[LINE_MAX_BYTES * 2] = "";
    int64_t count = 0;
    size_t used = 0;
    if (kpu_space_hash(space, hash) != KPU_OK)
        return out_of_memory(w);
    for (size_t i = 0; i < w->objectives; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, " %s",
                                 kpu_metric_at((size_t)kpu_space_objective(space, i))->name);
    for (size_t g = 0; g < w->exact->gemm_count; g++)
        count += (int64_t)w->of_gemm[g].count;
    int codes[] = {put_line(w, "kpu-dse-certificate 1"),
                   put_line(w, "model %s", KPU_MODEL_VERSION),
                   put_line(w, "space %s", hash),
                   put_line(w, "objectives%s", names),
                   put_line(w, "gemms %zu", w->exact->gemm_count),
                   put_line(w, "candidates %" PRId64, kpu_space_raw_size(space)),
                   put_line(w, "members %" PRId64, count)};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i] != KPU_OK)
            return codes[i];
    return KPU_OK;
}

static int write_members(writer *w)
{
    int code = KPU_OK;
    for (size_t g = 0; g < w->exact->gemm_count; g++) {
        const members *m = &w->of_gemm[g];
        for (size_t i = 0; code == KPU_OK && i < m->count; i++) {
            char values[LINE_MAX_BYTES];
            print_values(w, m->values + i * w->objectives, values, sizeof values);
            code = put_line(w, "m %" PRId64 " %zu %" PRId64 "%s", m->first + (int64_t)i, g,
                            m->ids[i], values);
        }
    }
    return code;
}

static int write_end(writer *w)
{
    char hash[33];
    kpu_hash_text(w->hash, hash);
    int code = put_line(w, "end %" PRId64 " %s", w->line_count, hash);
    return code == KPU_OK ? flush(w) : code;
}

static int write_all(writer *w)
{
    int code = read_members(w);
    if (code == KPU_OK)
        code = write_head(w);
    if (code == KPU_OK)
        code = write_members(w);
    if (code == KPU_OK)
        code = put_line(w, "tree");
    if (code == KPU_OK)
        code = write_gemms(w, 0, w->exact->gemm_count - 1);
    if (code == KPU_OK)
        code = write_pending(w);
    return code == KPU_OK ? write_end(w) : code;
}

int kpu_exact_write_certificate(kpu_exact *exact)
{
    writer w = {.exact = exact,
                .objectives = exact->objectives,
                .of_gemm = calloc(exact->gemm_count, sizeof *w.of_gemm),
                .hash = kpu_hash_new(),
                .lines = calloc(LINES, sizeof *w.lines),
                .piece = malloc(PIECE_BYTES)};
    for (size_t i = 0; i < w.objectives && i < KPU_EXACT_CERTIFIED_OBJECTIVES; i++) {
        int metric = kpu_space_objective(exact->session->space, i);
        w.sign[i] = kpu_metric_at((size_t)metric)->sense == KPU_SENSE_MAX ? -1 : 1;
    }
    int code = w.of_gemm && w.hash && w.lines && w.piece ? write_all(&w) : out_of_memory(&w);
    for (size_t g = 0; w.of_gemm && g < exact->gemm_count; g++) {
        free(w.of_gemm[g].ids);
        free(w.of_gemm[g].values);
    }
    free(w.of_gemm);
    free(w.lines);
    free(w.piece);
    kpu_hash_free(w.hash);
    return code;
}
