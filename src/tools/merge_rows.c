/* The rows of all parts in the order of a single run. Each row has a number by which they are
 * ordered, ascending within its part: its id, or its place in the order of evaluation. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/merge.h"
#include "tools/merge_spool.h"

/* Columns of every file, the first of all (src/tools/columns.c). */
enum { ID, MACHINE, GEMM };

/* A part whose rows are not used up. */
typedef struct source {
    const kpu_merge_part *part;
    kpu_spool_file *file;
    int64_t at;     /* row of the tile */
    int64_t number; /* of the row at which it stands */
    int64_t last;   /* of the row before it, or -1 */
} source;

struct kpu_merge_rows {
    const kpu_merge *merge;
    kpu_spool spool;
    source *sources;
    source **heap; /* the least number first */
    size_t heap_count;
    int64_t last; /* number of the row that was given last, or -1 */
    const kpu_merge_part *last_part;
};

/* ---- A row's number and block ------------------------------------------------------------ */

/* The point of the run that has this id: [sweep] sample draws one point of each of as many equal
 * strata (src/explorer/space.c). */
static int64_t point_of(const kpu_space *space, int64_t id)
{
    int64_t raw = kpu_space_raw_size(space), run = kpu_space_run_size(space);
    if (raw == run)
        return id;
    __extension__ typedef unsigned __int128 u128;
    return (int64_t)((((u128)id + 1) * (u128)run - 1) / (u128)raw);
}

bool kpu_merge_is_place(const kpu_merge *merge, const kpu_merge_place *place)
{
    return place->id >= 0 && place->id < kpu_space_raw_size(merge->space) && place->machine >= 0 &&
           place->machine < (int64_t)kpu_space_machine_count(merge->space) && place->gemm >= 0 &&
           place->gemm < (int64_t)kpu_space_gemm_count(merge->space);
}

int64_t kpu_merge_block_of(const kpu_merge *merge, const kpu_merge_part *part,
                           const kpu_merge_place *place)
{
    switch (merge->search->shards) {
    case KPU_SHARDS_OF_POINTS: return point_of(merge->space, place->id) / merge->block;
    case KPU_SHARDS_OF_GEMMS:
        return place->machine * (int64_t)kpu_space_gemm_count(merge->space) + place->gemm;
    default: return place->row / merge->block * merge->shards + part->index;
    }
}

/* Whose row it is. */
static int64_t owner_of(const kpu_merge *merge, const source *s, const kpu_metric_value *row)
{
    const kpu_merge_place place = {.id = row[ID * KPU_SPOOL_TILE].i};
    if (merge->search->shards == KPU_SHARDS_OF_GEMMS)
        return row[GEMM * KPU_SPOOL_TILE].i % merge->shards;
    if (merge->search->shards == KPU_SHARDS_OF_DRAWS)
        return s->number / merge->block % merge->shards;
    return kpu_merge_block_of(merge, s->part, &place) % merge->shards;
}

static int64_t number_of(const kpu_merge *merge, const source *s, const kpu_metric_value *row)
{
    if (merge->search->shards != KPU_SHARDS_OF_DRAWS)
        return row[ID * KPU_SPOOL_TILE].i;
    if (merge->has_place)
        return row[merge->columns.metric_first * KPU_SPOOL_TILE].i;
    const kpu_merge_place place = {.row = s->file->next + s->at};
    return kpu_merge_block_of(merge, s->part, &place) * merge->block + place.row % merge->block;
}

static int complain_row(const source *s, const char *what, kpu_diag *diag)
{
    const kpu_place place = {.file = s->part->path};
    return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "row %" PRId64 " %s", s->file->next + s->at,
                           what);
}

/* Learns the number of the row at which a source stands. */
static int look_at(const kpu_merge *merge, source *s, kpu_diag *diag)
{
    const kpu_metric_value *row = s->file->tile + s->at;
    const kpu_merge_place place = {.id = row[ID * KPU_SPOOL_TILE].i,
                                   .machine = row[MACHINE * KPU_SPOOL_TILE].i,
                                   .gemm = row[GEMM * KPU_SPOOL_TILE].i};
    if (!kpu_merge_is_place(merge, &place))
        return complain_row(s, "has an id, machine or GEMM that the space has not", diag);
    s->number = number_of(merge, s, row);
    if (s->number <= s->last)
        return complain_row(s, "does not come after the one before it", diag);
    if (owner_of(merge, s, row) != s->part->index)
        return complain_row(s, "belongs to another part", diag);
    return KPU_OK;
}

/* ---- The heap ---------------------------------------------------------------------------- */

static bool is_before(const source *a, const source *b)
{
    return a->number < b->number || (a->number == b->number && a->part->index < b->part->index);
}

static void sift_down(kpu_merge_rows *rows, size_t at)
{
    source *moving = rows->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < rows->heap_count && is_before(rows->heap[child + 1], rows->heap[child]))
            child++;
        if (child >= rows->heap_count || !is_before(rows->heap[child], moving))
            break;
        rows->heap[at] = rows->heap[child];
        at = child;
    }
    rows->heap[at] = moving;
}

static int start_source(kpu_merge_rows *rows, size_t i, kpu_diag *diag)
{
    const kpu_merge_part *part = &rows->merge->parts[i];
    source *s = &rows->sources[i];
    *s = (source){.part = part, .file = &rows->spool.files[i], .last = -1};
    s->file->path = part->path;
    s->file->rows = part->rows;
    if (part->rows == 0)
        return KPU_OK;
    int status = kpu_spool_advance(&rows->spool, s->file, diag);
    if (!status)
        status = look_at(rows->merge, s, diag);
    if (!status)
        rows->heap[rows->heap_count++] = s;
    return status;
}

int kpu_merge_rows_open(const kpu_merge *merge, const char *beside, kpu_merge_rows **out,
                        kpu_diag *diag)
{
    kpu_merge_rows *rows = calloc(1, sizeof *rows);
    *out = rows;
    if (!rows)
        return KPU_E_MEMORY;
    rows->merge = merge;
    rows->last = -1;
    rows->sources = calloc(merge->count, sizeof *rows->sources);
    rows->heap = calloc(merge->count, sizeof *rows->heap);
    int status = kpu_spool_init(&rows->spool, merge->count, merge->columns.count + merge->has_place,
                                beside, diag);
    if (!rows->sources || !rows->heap)
        status = KPU_E_MEMORY;
    for (size_t i = 0; !status && i < merge->count; i++)
        status = *merge->stop ? KPU_E_INTERRUPTED : start_source(rows, i, diag);
    for (size_t i = rows->heap_count / 2; !status && i-- > 0;)
        sift_down(rows, i);
    return status;
}

void kpu_merge_rows_close(kpu_merge_rows *rows)
{
    if (!rows)
        return;
    kpu_spool_fini(&rows->spool);
    free(rows->sources);
    free(rows->heap);
    free(rows);
}

/* ---- Rows -------------------------------------------------------------------------------- */

/* The number before which the first source of the heap may go on. */
static int64_t limit_of(const kpu_merge_rows *rows)
{
    int64_t limit = INT64_MAX;
    for (size_t i = 1; i < rows->heap_count && i <= 2; i++)
        if (rows->heap[i]->number < limit)
            limit = rows->heap[i]->number;
    return limit;
}

/* Two sources that stand at one number: the first was given. Where all rows are there, numbers of
 * draws leave none out. */
static int check_number(const kpu_merge_rows *rows, const source *s, kpu_diag *diag)
{
    const kpu_merge *merge = rows->merge;
    const kpu_place place = {.file = s->part->path};
    bool counts =
        merge->search->shards == KPU_SHARDS_OF_DRAWS && !merge->has_place && !merge->missing.length;
    if (s->number <= rows->last)
        return kpu_diag_add_at(
            diag, KPU_E_INPUT, &place, "row %" PRId64 " is in %s, too: both have number %" PRId64,
            s->file->next + s->at, rows->last_part ? rows->last_part->path : "?", s->number);
    if (counts && s->number != rows->last + 1)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "row %" PRId64 " comes after rows that are missing in other parts",
                               s->file->next + s->at);
    return KPU_OK;
}

/* To the next row; *ended: there is none. */
static int step(kpu_merge_rows *rows, source *s, bool *ended, kpu_diag *diag)
{
    int status = KPU_OK;
    s->last = s->number;
    s->at++;
    *ended = s->file->next + s->at >= s->file->rows;
    if (!*ended && s->at == KPU_SPOOL_TILE) {
        status = kpu_spool_advance(&rows->spool, s->file, diag);
        s->at = 0;
    }
    return status || *ended ? status : look_at(rows->merge, s, diag);
}

/* Rows of a tile, column by column -> one after another. */
static void put_rows(const kpu_merge *merge, const kpu_metric_value *tile, size_t count,
                     kpu_metric_value *out)
{
    for (size_t c = 0; c < merge->columns.count; c++) {
        const kpu_metric_value *values = tile + kpu_merge_file_column(merge, c) * KPU_SPOOL_TILE;
        for (size_t row = 0; row < count; row++)
            out[row * merge->columns.count + c] = values[row];
    }
}

/* What the first source has of its tile before another one's turn; at most `capacity` rows. */
static int take_run(kpu_merge_rows *rows, kpu_metric_value *out, size_t capacity, size_t *count,
                    kpu_diag *diag)
{
    source *s = rows->heap[0];
    int64_t limit = limit_of(rows), first = s->at;
    bool ended = false, is_tile_done = false;
    int status = KPU_OK;
    *count = 0;
    do {
        status = check_number(rows, s, diag);
        if (status)
            return status;
        rows->last = s->number;
        rows->last_part = s->part;
        ++*count;
        is_tile_done = s->at == KPU_SPOOL_TILE - 1 || *count == capacity;
        if (!is_tile_done)
            status = step(rows, s, &ended, diag);
    } while (!status && !is_tile_done && !ended && s->number < limit);
    put_rows(rows->merge, s->file->tile + first, *count, out);
    if (is_tile_done)
        status = step(rows, s, &ended, diag);
    if (ended)
        rows->heap[0] = rows->heap[--rows->heap_count];
    if (!status && rows->heap_count > 0)
        sift_down(rows, 0);
    return status;
}

int kpu_merge_rows_next(kpu_merge_rows *rows, kpu_metric_value *out, size_t capacity, size_t *count,
                        kpu_diag *diag)
{
    *count = 0;
    while (*count < capacity && rows->heap_count > 0) {
        size_t run = 0;
        int status = take_run(rows, out + *count * rows->merge->columns.count, capacity - *count,
                              &run, diag);
        if (status)
            return status;
        *count += run;
    }
    return KPU_OK;
}
