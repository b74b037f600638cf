/* A candidate is what was asked: its GEMM and machine, the fields of the candidate as they were
 * given, and the hoists if they were given too. Its number in the space does not belong to it. */
#include "tools/diff_keys.h"

#include <stdlib.h>
#include <string.h>

enum { GEMM, MACHINE, HOISTS, FIELDS = HOISTS + KPU_OPERANDS * KPU_HOIST_LEVELS };

/* Numbers of the file's words among those of the field: files of other versions may have others. */
static bool map_words(kpu_key_column *c, const kpu_column *column)
{
    c->word_count = column->word_count;
    c->words = malloc((column->word_count + 1) * sizeof *c->words);
    for (size_t i = 0; c->words && i < column->word_count; i++) {
        c->words[i] = -1;
        for (size_t w = 0; w < c->field->word_count; w++)
            if (strcmp(column->words[i], c->field->words[w]) == 0)
                c->words[i] = (int64_t)w;
    }
    return c->words;
}

static int add_column(kpu_keys *k, const char *path, const char *name,
                      const kpu_candidate_field *field, kpu_diag *diag)
{
    const kpu_place place = {.file = path};
    int column = kpu_results_find(k->results, name);
    if (column < 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "has no column \"%s\"", name);
    kpu_key_column *c = &k->columns[k->count++];
    *c = (kpu_key_column){.column = (size_t)column, .field = field};
    c->block = malloc(KPU_KEYS_BLOCK * sizeof *c->block);
    const kpu_column *described = kpu_results_column(k->results, (size_t)column);
    if (!c->block || (field && described->words && !map_words(c, described)))
        return KPU_E_MEMORY;
    return KPU_OK;
}

int kpu_keys_init(kpu_keys *k, const kpu_diff *diff, int side, kpu_diag *diag)
{
    const kpu_diff_side *s = &diff->side[side];
    const char *path = s->question.path;
    *k = (kpu_keys){.results = s->pareto.results, .side = s, .first = side == KPU_DIFF_A};
    k->columns = calloc(FIELDS + kpu_candidate_field_count(), sizeof *k->columns);
    if (!k->columns)
        return KPU_E_MEMORY;
    int status = add_column(k, path, "gemm", NULL, diag);
    if (!status)
        status = add_column(k, path, "machine", NULL, diag);
    for (int x = 0; x < KPU_OPERANDS; x++)
        for (int level = 0; !status && level < KPU_HOIST_LEVELS; level++)
            status = add_column(k, path, kpu_hoist_columns[x][level], NULL, diag);
    for (size_t i = 0; !status && i < kpu_candidate_field_count(); i++) {
        const kpu_candidate_field *field = kpu_candidate_field_at(i);
        status = add_column(k, path, field->name, field, diag);
    }
    return status;
}

void kpu_keys_fini(kpu_keys *k)
{
    for (size_t i = 0; i < k->count; i++) {
        free(k->columns[i].words);
        free(k->columns[i].block);
    }
    free(k->columns);
    *k = (kpu_keys){0};
}

int kpu_keys_read(kpu_keys *k, int64_t first, int64_t count, kpu_diag *diag)
{
    int status = KPU_OK;
    for (size_t i = 0; !status && i < k->count; i++)
        status = kpu_results_read(k->results, k->columns[i].column, first, count,
                                  k->columns[i].block, diag);
    return status;
}

static int64_t value_of(const kpu_key_column *c, int64_t at)
{
    int64_t value = c->block[at].i;
    if (!c->words)
        return value;
    return value >= 0 && (size_t)value < c->word_count ? c->words[value] : -1;
}

/* A row of a table as A counts it; -1: the other file has no such row. */
static int64_t shared_number(const kpu_keys *k, const int64_t *partner, int64_t count, int64_t row)
{
    if (row < 0 || row >= count || partner[row] < 0)
        return -1;
    return k->first ? row : partner[row];
}

bool kpu_keys_hash(const kpu_keys *k, int64_t at, kpu_key_hash *out)
{
    int64_t gemm = k->columns[GEMM].block[at].i, machine = k->columns[MACHINE].block[at].i;
    struct {
        int64_t gemm, machine;
        kpu_candidate candidate;
    } key = {0}; /* 64-bit numbers only: no padding */
    char text[33];
    key.gemm = shared_number(k, k->side->gemm_partner, k->side->pareto.gemm_count, gemm);
    key.machine =
        shared_number(k, k->side->machine_partner, k->side->pareto.machine_count, machine);
    if (key.gemm < 0 || key.machine < 0)
        return false;
    for (size_t i = FIELDS; i < k->count; i++)
        if (!kpu_candidate_field_set(k->columns[i].field, value_of(&k->columns[i], at),
                                     &key.candidate))
            return false;
    for (int i = 0; !key.candidate.auto_residency && i < FIELDS - HOISTS; i++)
        key.candidate.hoist[i / KPU_HOIST_LEVELS][i % KPU_HOIST_LEVELS] =
            k->columns[HOISTS + i].block[at].i;
    kpu_hash_hex(&key, sizeof key, text);
    out->low = strtoull(text + 16, NULL, 16);
    text[16] = '\0';
    out->high = strtoull(text, NULL, 16);
    return true;
}
