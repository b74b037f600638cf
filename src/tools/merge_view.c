/* The rows of all parts as a view: nothing is copied, each part's rows are mapped, block by block,
 * to where a single run has them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/merge.h"

/* Blocks that are counted, and entries of all parts together that each column lists; beyond them
 * the view is in the order of the parts. */
enum { BLOCKS_MAX = 1 << 20, ENTRIES_MAX = 1 << 14, BATCH = 4096 };

/* ---- Names ------------------------------------------------------------------------------- */

/* Real folder of a file, "/" at its end; malloc'ed. */
static char *real_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    char *real = folder ? realpath(folder, NULL) : NULL, *text = NULL;
    if (real && asprintf(&text, "%s%s", real, strcmp(real, "/") == 0 ? "" : "/") < 0)
        text = NULL;
    free(real);
    free(folder);
    return text;
}

/* Of a file beside the view or below, from the view's folder on; malloc'ed, NULL: it is not there.
 */
static char *relative_name(const char *view_folder, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = real_folder(path), *name = NULL;
    size_t length = strlen(view_folder);
    if (folder && strncmp(folder, view_folder, length) == 0 &&
        asprintf(&name, "%s%s", folder + length, slash ? slash + 1 : path) < 0)
        name = NULL;
    free(folder);
    return name;
}

/* Parts that are elsewhere, and the first of them. */
static size_t count_elsewhere(const kpu_merge *merge, const char *folder, const char **first)
{
    size_t count = 0;
    for (size_t i = merge->count; i-- > 0;) {
        char *name = relative_name(folder, merge->parts[i].path);
        if (!name) {
            *first = merge->parts[i].path;
            count++;
        }
        free(name);
    }
    return count;
}

int kpu_merge_check_folders(const kpu_merge *merge, const char *output, kpu_diag *diag)
{
    char *folder = real_folder(output), others[48] = "";
    kpu_place place = {0};
    size_t count = folder ? count_elsewhere(merge, folder, &place.file) : 0;
    free(folder); /* if there is none, creating the file tells */
    if (count == 0)
        return KPU_OK;
    if (count > 1)
        snprintf(others, sizeof others, ", nor %s %zu other%s", count == 2 ? "is" : "are",
                 count - 1, count == 2 ? "" : "s");
    return kpu_diag_add_at(diag, KPU_E_USAGE, &place,
                           "is neither in the folder of %s nor below%s: a view is moved together "
                           "with its parts",
                           output, others);
}

/* ---- Blocks ------------------------------------------------------------------------------ */

typedef struct blocks {
    const kpu_merge *merge;
    int64_t *rows;  /* of each block */
    int64_t *first; /* row of the view that is the block's first */
    int64_t count;
    kpu_metric_value *columns[3]; /* a batch of each that tells the block */
} blocks;

static const char *const telling[] = {"id", "machine", "gemm"};

static int64_t count_blocks(const kpu_merge *merge)
{
    int64_t rounds = 0, run = kpu_space_run_size(merge->space);
    switch (merge->search->shards) {
    case KPU_SHARDS_OF_POINTS: return kpu_ceil_div(run, merge->block);
    case KPU_SHARDS_OF_GEMMS:
        return (int64_t)kpu_space_gemm_count(merge->space) *
               (int64_t)kpu_space_machine_count(merge->space);
    default:
        for (size_t i = 0; i < merge->count; i++) {
            int64_t own = kpu_ceil_div(merge->parts[i].rows, merge->block);
            rounds = own > rounds ? own : rounds;
        }
        return kpu_mul_overflows(rounds, merge->shards, &rounds) ? INT64_MAX : rounds;
    }
}

static int complain(const kpu_merge_part *part, int64_t row, kpu_diag *diag)
{
    const kpu_place place = {.file = part->path};
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                           "row %" PRId64 " belongs to another part, or is out of order", row);
}

static bool is_own(const kpu_merge *merge, const kpu_merge_part *part, int64_t block)
{
    int64_t gemms = (int64_t)kpu_space_gemm_count(merge->space);
    bool by_gemm = merge->search->shards == KPU_SHARDS_OF_GEMMS;
    return (by_gemm ? block % gemms : block) % merge->shards == part->index;
}

/* `count` rows from `first` on; *last: the id before them. */
static int count_batch(blocks *b, const kpu_merge_part *part, int64_t first, int64_t count,
                       int64_t *last)
{
    for (int64_t i = 0; i < count; i++) {
        const kpu_merge_place place = {first + i, b->columns[0][i].i, b->columns[1][i].i,
                                       b->columns[2][i].i};
        bool ascends = place.id > *last || b->merge->search->shards == KPU_SHARDS_OF_DRAWS;
        int64_t block = ascends && kpu_merge_is_place(b->merge, &place)
                            ? kpu_merge_block_of(b->merge, part, &place)
                            : -1;
        if (block < 0 || block >= b->count || !is_own(b->merge, part, block))
            return (int)i + 1;
        b->rows[block]++;
        *last = place.id;
    }
    return 0;
}

static int count_part(blocks *b, const kpu_merge_part *part, kpu_diag *diag)
{
    kpu_results *results = NULL;
    int64_t last = -1;
    int status = kpu_results_open(part->path, &results, diag);
    for (int64_t row = 0; !status && row < part->rows; row += BATCH) {
        int64_t count = part->rows - row < BATCH ? part->rows - row : BATCH;
        for (size_t c = 0; !status && c < 3; c++) {
            int column = kpu_results_find(results, telling[c]);
            status = kpu_results_read(results, (size_t)column, row, count, b->columns[c], diag);
        }
        int bad = status ? 0 : count_batch(b, part, row, count, &last);
        if (bad)
            status = complain(part, row + bad - 1, diag);
        if (!status && *b->merge->stop)
            status = KPU_E_INTERRUPTED;
    }
    kpu_results_close(results);
    return status;
}

static int count_rows(blocks *b, kpu_diag *diag)
{
    int status = KPU_OK;
    b->rows = calloc((size_t)b->count + 1, sizeof *b->rows);
    b->first = calloc((size_t)b->count + 1, sizeof *b->first);
    for (size_t c = 0; c < 3; c++) {
        b->columns[c] = malloc(BATCH * sizeof *b->columns[c]);
        status = b->columns[c] ? status : KPU_E_MEMORY;
    }
    if (!b->rows || !b->first)
        status = KPU_E_MEMORY;
    for (size_t i = 0; !status && i < b->merge->count; i++)
        status = count_part(b, &b->merge->parts[i], diag);
    for (int64_t n = 0, row = 0; !status && n < b->count; row += b->rows[n++])
        b->first[n] = row;
    return status;
}

static void free_blocks(blocks *b)
{
    for (size_t c = 0; c < 3; c++)
        free(b->columns[c]);
    free(b->rows);
    free(b->first);
}

/* ---- The view ---------------------------------------------------------------------------- */

typedef struct plan {
    kpu_view_part *parts;
    kpu_view_piece *pieces; /* of all parts */
    size_t piece_count;
} plan;

static void add_piece(plan *p, kpu_view_part *part, int64_t first, int64_t count)
{
    kpu_view_piece *last = part->piece_count ? &p->pieces[p->piece_count - 1] : NULL;
    if (last && last->first + last->count == first) {
        last->count += count;
        return;
    }
    p->pieces[p->piece_count++] = (kpu_view_piece){first, count};
    part->piece_count++;
}

/* A part's own blocks, one after another. */
static void add_blocks(plan *p, const blocks *b, const kpu_merge_part *part, kpu_view_part *to)
{
    for (int64_t n = 0; n < b->count; n++)
        if (b->rows[n] > 0 && is_own(b->merge, part, n))
            add_piece(p, to, b->first[n], b->rows[n]);
}

static int make_plan(const kpu_merge *merge, const blocks *b, plan *p)
{
    size_t most = (size_t)b->count + merge->count;
    int64_t row = 0;
    p->parts = calloc(merge->count, sizeof *p->parts);
    p->pieces = calloc(most + 1, sizeof *p->pieces);
    if (!p->parts || !p->pieces)
        return KPU_E_MEMORY;
    for (size_t i = 0; i < merge->count; i++) {
        kpu_view_part *part = &p->parts[i];
        part->rows = merge->parts[i].rows;
        part->pieces = p->pieces + p->piece_count;
        if (b->count > 0)
            add_blocks(p, b, &merge->parts[i], part);
        else if (part->rows > 0)
            add_piece(p, part, row, part->rows);
        row += part->rows;
    }
    return KPU_OK;
}

static size_t count_entries(const plan *p, size_t part_count)
{
    size_t entries = 0;
    for (size_t i = 0; i < part_count; i++)
        entries += kpu_view_part_entries(&p->parts[i]);
    return entries;
}

static void free_plan(plan *p, size_t count)
{
    for (size_t i = 0; p->parts && i < count; i++)
        free((char *)p->parts[i].file);
    free(p->parts);
    free(p->pieces);
    *p = (plan){0};
}

static int name_parts(const kpu_merge *merge, const char *output, plan *p)
{
    char *folder = real_folder(output);
    int status = folder ? KPU_OK : KPU_E_MEMORY;
    for (size_t i = 0; !status && i < merge->count; i++) {
        p->parts[i].file = relative_name(folder, merge->parts[i].path);
        status = p->parts[i].file ? KPU_OK : KPU_E_MEMORY;
    }
    free(folder);
    return status;
}

static int plan_view(const kpu_merge *merge, plan *p, bool *in_order, kpu_diag *diag)
{
    blocks b = {.merge = merge, .count = count_blocks(merge)};
    int status = KPU_OK;
    *in_order = b.count <= BLOCKS_MAX;
    if (!*in_order)
        b.count = 0;
    else
        status = count_rows(&b, diag);
    if (!status)
        status = make_plan(merge, &b, p);
    if (!status && *in_order && count_entries(p, merge->count) > ENTRIES_MAX) {
        free_plan(p, merge->count);
        *in_order = false;
        status = make_plan(merge, &(const blocks){.merge = merge}, p);
    }
    free_blocks(&b);
    return status;
}

int kpu_merge_write_view(const kpu_merge *merge, const char *output, kpu_store *store,
                         bool *in_order, kpu_diag *diag)
{
    plan p = {0};
    int status = plan_view(merge, &p, in_order, diag);
    if (!status)
        status = name_parts(merge, output, &p);
    if (!status) {
        const kpu_view view = {.columns = merge->columns.column,
                               .column_count = merge->columns.count,
                               .parts = p.parts,
                               .part_count = merge->count,
                               .rows = merge->rows,
                               .stop = merge->stop};
        status = kpu_store_write_view(store, &view, diag);
    }
    free_plan(&p, merge->count);
    return status;
}
