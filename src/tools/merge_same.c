/* Whether two files are parts of one run. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/merge.h"
#include "tools/run_place.h"

size_t kpu_merge_file_column(const kpu_merge *merge, size_t column)
{
    return column + (merge->has_place && column >= merge->columns.metric_first);
}

/* ---- Identity ---------------------------------------------------------------------------- */

/* The value of a line "name value", up to the end of the line; NULL if there is none. */
static const char *value_of(const char *identity, const char *name, size_t *length)
{
    size_t name_length = strlen(name);
    for (const char *line = identity; line && *line;) {
        if (strncmp(line, name, name_length) == 0 && line[name_length] == ' ') {
            *length = strcspn(line + name_length + 1, "\n");
            return line + name_length + 1;
        }
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return NULL;
}

/* ", the seed (1 here, 2 there)", unless it is the same. */
static void put_difference(kpu_text *out, const kpu_identity_part *part, const char *first,
                           const char *other)
{
    enum { SHOWN = 40 };
    size_t length[2] = {0};
    const char *there = value_of(first, part->name, &length[0]);
    const char *here = value_of(other, part->name, &length[1]);
    if (there && here && length[0] == length[1] && memcmp(there, here, length[0]) == 0)
        return;
    for (int i = 0; i < 2; i++)
        length[i] = length[i] > SHOWN ? SHOWN : length[i];
    kpu_text_format(out, "%s%s (%.*s here, %.*s there)", out->length ? ", " : "", part->meaning,
                    here ? (int)length[1] : 7, here ? here : "nothing", there ? (int)length[0] : 7,
                    there ? there : "nothing");
}

/* Of the machine and workload files, those that the first run did not have, by the lines
 * "HASH  NAME" behind the two of the sweep. */
static void put_files(kpu_text *out, const char *first, const char *other)
{
    enum { SWEEPS = 2, HASH = 32, BEFORE_NAME = 34 };
    int told = 0;
    for (int n = 0; other && *other; n++) {
        size_t length = strcspn(other, "\n");
        char hash[HASH + 1] = "";
        if (length > BEFORE_NAME)
            memcpy(hash, other, HASH);
        if (n >= SWEEPS && *hash && !strstr(first, hash))
            kpu_text_format(out, "%s%.*s",
                            told++ ? ", " : "; other content: ", (int)(length - BEFORE_NAME),
                            other + BEFORE_NAME);
        other += length + (other[length] == '\n');
    }
}

/* What is compared, of the first part and another one; NULL: it has none. */
typedef struct texts {
    char *identity, *hashes;
} texts;

static texts read_texts(kpu_results *results)
{
    return (texts){kpu_results_text(results, "identity"), kpu_results_text(results, "hashes")};
}

static void free_texts(texts *t)
{
    free(t->identity);
    free(t->hashes);
}

static int compare_texts(const kpu_merge *merge, const texts *first, const texts *other,
                         const char *path, kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    kpu_identity identity;
    kpu_text differences = {0};
    int status = kpu_space_identity(merge->space, &identity);
    for (size_t i = 0; !status && i < KPU_IDENTITY_PARTS; i++)
        put_difference(&differences, &identity.part[i], first->identity, other->identity);
    if (differences.length > 0 && first->hashes && other->hashes)
        put_files(&differences, first->hashes, other->hashes);
    if (status || differences.failed)
        status = KPU_E_MEMORY;
    else if (differences.length > 0)
        status = kpu_diag_add_at(diag, KPU_E_INPUT, &place, "is a part of another run than %s: %s",
                                 merge->parts[0].path, differences.data);
    kpu_text_fini(&differences);
    return status;
}

static int check_identity(const kpu_merge *merge, kpu_results *first, kpu_results *other,
                          const char *path, kpu_diag *diag)
{
    texts text[2] = {read_texts(first), read_texts(other)};
    const kpu_place place = {.file = text[0].identity ? path : merge->parts[0].path};
    int status = text[0].identity && text[1].identity
                     ? compare_texts(merge, &text[0], &text[1], path, diag)
                     : kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                                       "has no identity: it was not written by run --shard");
    free_texts(&text[0]);
    free_texts(&text[1]);
    return status;
}

/* ---- Columns ----------------------------------------------------------------------------- */

static bool is_same_column(const kpu_column *a, const kpu_column *b)
{
    if (strcmp(a->group, b->group) != 0 || strcmp(a->name, b->name) != 0 ||
        strcmp(a->unit, b->unit) != 0 || strcmp(a->description, b->description) != 0 ||
        a->sense != b->sense || a->type != b->type)
        return false;
    if (a->type != KPU_COLUMN_ENUM)
        return true;
    bool same = a->word_count == b->word_count;
    for (size_t i = 0; same && i < a->word_count; i++)
        same = strcmp(a->words[i], b->words[i]) == 0;
    return same;
}

static int check_columns(const kpu_merge *merge, kpu_results *results, const char *path,
                         kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    size_t count = kpu_results_column_count(results);
    if (count != merge->columns.count + merge->has_place)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "has %zu columns, expected %zu", count,
                               merge->columns.count + merge->has_place);
    for (size_t i = 0; i < merge->columns.count; i++) {
        const kpu_column *expected = &merge->columns.column[i];
        const kpu_column *found = kpu_results_column(results, kpu_merge_file_column(merge, i));
        if (!is_same_column(expected, found))
            return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                                   "column '%s/%s' is not what this program writes: expected "
                                   "'%s/%s' with its unit, sense, type and description",
                                   found->group, found->name, expected->group, expected->name);
    }
    const kpu_column *last =
        merge->has_place ? kpu_results_column(results, merge->columns.metric_first) : NULL;
    if (last && (strcmp(last->name, KPU_PLACE_COLUMN) != 0 || last->type != KPU_COLUMN_INT64))
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "has no column candidates/" KPU_PLACE_COLUMN);
    return KPU_OK;
}

/* ---- The whole --------------------------------------------------------------------------- */

/* That their content is the same, the identity says. */
static int check_tables(const kpu_merge *merge, kpu_results *results, const char *path,
                        kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    const struct {
        const char *name;
        size_t rows;
    } tables[] = {{"workloads", kpu_space_gemm_count(merge->space)},
                  {"machines", kpu_space_machine_count(merge->space)}};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        int64_t rows = kpu_results_table_rows(results, tables[i].name);
        if (rows != (int64_t)tables[i].rows)
            return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                                   "/%s has %" PRId64 " rows, expected %zu", tables[i].name, rows,
                                   tables[i].rows);
    }
    return KPU_OK;
}

static int check_cut(const kpu_merge *merge, const char *path, kpu_diag *diag)
{
    const kpu_merge_part *first = &merge->parts[0], *other = &merge->parts[merge->count];
    const kpu_place place = {.file = path};
    if (other->count != first->count)
        return kpu_diag_add_at(
            diag, KPU_E_INPUT, &place,
            "is part %" PRId64 " of %" PRId64 ", but %s is part %" PRId64 " of %" PRId64,
            other->index + 1, other->count, first->path, first->index + 1, first->count);
    if (other->block != first->block)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "has blocks of %" PRId64 ", %s of %" PRId64, other->block,
                               first->path, first->block);
    return KPU_OK;
}

int kpu_merge_check_same(const kpu_merge *merge, kpu_results *first, kpu_results *other,
                         const char *path, kpu_diag *diag)
{
    int status = check_identity(merge, first, other, path, diag);
    if (!status)
        status = check_cut(merge, path, diag);
    if (!status)
        status = check_tables(merge, other, path, diag);
    return status ? status : check_columns(merge, other, path, diag);
}
