/* The files that are merged: what they say of themselves, and whether all are there. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/merge.h"
#include "tools/run_place.h"
#include "tools/stored_space.h"

/* ---- One file --------------------------------------------------------------------------- */

enum { SHARDS_MAX = 1000000 }; /* as run --shard has it */

static bool parse_int(const char *text, int64_t least, int64_t *out)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    *out = value;
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && value >= least;
}

/* "3/8" */
static bool parse_shard(char *text, kpu_merge_part *part)
{
    char *slash = strchr(text, '/');
    if (!slash)
        return false;
    *slash = '\0';
    bool known = parse_int(text, 1, &part->index) && parse_int(slash + 1, 1, &part->count) &&
                 part->index <= part->count && part->count <= SHARDS_MAX;
    part->index--;
    return known;
}

static int read_shard(kpu_results *results, kpu_merge_part *part, kpu_diag *diag)
{
    const kpu_place place = {.file = part->path};
    char *shard = kpu_results_attribute(results, "shard");
    char *block = kpu_results_attribute(results, "shard_block");
    int status = KPU_OK;
    if (!shard)
        status = kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                                 "is no part of a run: it was not written by run --shard");
    else if (!parse_shard(shard, part) || !block || !parse_int(block, 1, &part->block))
        status = kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                                 "does not say well which part of a run it is");
    free(shard);
    free(block);
    return status;
}

static void read_outcome(kpu_results *results, kpu_merge_part *part)
{
    char *evaluations = kpu_results_attribute(results, "evaluations");
    char *gap = kpu_results_attribute(results, "gap"), *end = NULL;
    if (!evaluations || !parse_int(evaluations, 0, &part->evaluations))
        part->evaluations = -1;
    part->gap = gap ? strtod(gap, &end) : NAN;
    part->has_gap = gap && end != gap && *end == '\0' && !isnan(part->gap);
    part->rows = kpu_results_rows(results);
    part->is_done = kpu_results_complete(results);
    free(evaluations);
    free(gap);
}

/* Its name is that of a run that is not at its end? Better said than "No such file". */
static int open_part(const char *path, kpu_results **out, kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    kpu_store_state state;
    kpu_store_probe(path, &state);
    if (!state.is_finished && state.is_partial && state.is_written)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "is not finished, a run is writing it (%s): wait for its end, or "
                               "merge %s.partial with --allow-missing",
                               *state.writer ? state.writer : "nothing is known of it", path);
    if (!state.is_finished && state.is_partial)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "is not finished: continue it with run --resume, or merge "
                               "%s.partial with --allow-missing",
                               path);
    return kpu_results_open(path, out, diag);
}

/* ---- The first one says what is expected of all ------------------------------------------ */

static int check_version(kpu_results *results, const char *path, kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    char *version = kpu_results_attribute(results, "model_version");
    bool same = version && strcmp(version, KPU_MODEL_VERSION) == 0;
    int status = same ? KPU_OK
                      : kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                                        "is of model version %.40s, this program of %s: merge with "
                                        "the program that ran the parts",
                                        version ? version : "?", KPU_MODEL_VERSION);
    free(version);
    return status;
}

static int learn_search(kpu_merge *merge, const char *path, kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    merge->search = kpu_space_search(merge->space)->search;
    merge->keep = kpu_space_keep(merge->space);
    if (merge->search->shards == KPU_SHARDS_NONE)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "says that it is a part, but the search %s has none",
                               merge->search->name);
    if (merge->block != kpu_shard_block(merge->space, merge->shards))
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "has blocks of %" PRId64 ", expected %" PRId64, merge->block,
                               kpu_shard_block(merge->space, merge->shards));
    merge->has_place = kpu_place_is_kept(merge->space, (kpu_shard){0, merge->shards});
    return KPU_OK;
}

static int learn(kpu_merge *merge, kpu_results *first, kpu_diag *diag)
{
    const kpu_merge_part *part = &merge->parts[0];
    merge->shards = part->count;
    merge->block = part->block;
    int status = check_version(first, part->path, diag);
    if (!status)
        status = kpu_stored_space_read(first, part->path, &merge->space, diag);
    if (!status)
        status = learn_search(merge, part->path, diag);
    return status ? status : kpu_columns_make(merge->space, &merge->columns);
}

/* ---- All of them ------------------------------------------------------------------------- */

static int by_index(const void *a, const void *b)
{
    const kpu_merge_part *one = a, *other = b;
    return (one->index > other->index) - (one->index < other->index);
}

static int check_overlap(const kpu_merge *merge, kpu_diag *diag)
{
    int status = KPU_OK;
    for (size_t i = 1; i < merge->count; i++) {
        const kpu_merge_part *part = &merge->parts[i], *before = part - 1;
        const kpu_place place = {.file = part->path};
        if (part->index == before->index)
            status = kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                                     "is part %" PRId64 " of %" PRId64 ", and so is %s",
                                     part->index + 1, merge->shards, before->path);
    }
    return status;
}

/* Parts from `first` to before `end`. */
static void put_missing(kpu_merge *merge, int64_t first, int64_t end)
{
    if (first >= end)
        return;
    kpu_text_format(&merge->missing, "%s%" PRId64, merge->missing.length ? ", " : "", first + 1);
    if (end - first > 1)
        kpu_text_format(&merge->missing, "-%" PRId64, end);
}

/* Those that are there to their end count. */
static void list_missing(kpu_merge *merge)
{
    int64_t next = 0;
    for (size_t i = 0; i < merge->count; i++) {
        if (!merge->parts[i].is_done)
            continue;
        put_missing(merge, next, merge->parts[i].index);
        next = merge->parts[i].index + 1;
    }
    put_missing(merge, next, merge->shards);
}

static int complain_unfinished(const kpu_merge *merge, kpu_diag *diag)
{
    int status = KPU_OK;
    for (size_t i = 0; i < merge->count; i++) {
        const kpu_place place = {.file = merge->parts[i].path};
        if (!merge->parts[i].is_done)
            status = kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                                     "is not finished: %" PRId64
                                     " rows so far; continue it with run --resume",
                                     merge->parts[i].rows);
    }
    return status;
}

/* An unfinished part has the rows that came; but of a choice among all it has made none yet. */
static int check_missing(kpu_merge *merge, bool may_miss, kpu_diag *diag)
{
    list_missing(merge);
    if (merge->missing.failed)
        return KPU_E_MEMORY;
    if (!merge->missing.length || may_miss)
        return KPU_OK;
    complain_unfinished(merge, diag);
    return kpu_diag_add(diag, KPU_E_INPUT,
                        "of %" PRId64 " parts these are missing: %s; --allow-missing merges the "
                        "others",
                        merge->shards, merge->missing.data);
}

static int read_part(kpu_merge *merge, size_t i, kpu_results **first, kpu_diag *diag)
{
    kpu_merge_part *part = &merge->parts[i];
    kpu_results *results = NULL;
    int status = open_part(part->path, &results, diag);
    if (!status)
        status = read_shard(results, part, diag);
    if (!status && !*first)
        status = learn(merge, results, diag);
    if (!status)
        status = kpu_merge_check_same(merge, *first ? *first : results, results, part->path, diag);
    if (!status) {
        read_outcome(results, part);
        if (kpu_add_overflows(merge->rows, part->rows, &merge->rows))
            status = KPU_E_RANGE;
    }
    if (!status && !*first)
        *first = results;
    else
        kpu_results_close(results);
    return status;
}

int kpu_merge_read_parts(char *const *paths, size_t count, bool may_miss, kpu_merge *out,
                         kpu_diag *diag)
{
    kpu_results *first = NULL;
    out->parts = calloc(count, sizeof *out->parts);
    int status = out->parts ? KPU_OK : KPU_E_MEMORY;
    for (; !status && out->count < count && !*out->stop; out->count++) {
        out->parts[out->count] = (kpu_merge_part){.path = paths[out->count]};
        status = read_part(out, out->count, &first, diag);
    }
    kpu_results_close(first);
    if (!status && *out->stop)
        status = KPU_E_INTERRUPTED;
    if (status)
        return status;
    qsort(out->parts, out->count, sizeof *out->parts, by_index);
    status = check_overlap(out, diag);
    return status ? status : check_missing(out, may_miss, diag);
}

void kpu_merge_fini(kpu_merge *merge)
{
    kpu_columns_fini(&merge->columns);
    kpu_space_free(merge->space);
    kpu_text_fini(&merge->missing);
    free(merge->parts);
}
