/* The head of a certificate: what it is about, and the members of the front. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "explorer/certify.h"

/* The next line, which must begin with this word. */
static int read_line_of(kpu_certify_reader *reader, const char *word)
{
    int code = kpu_certify_read_line(reader);
    if (code != KPU_OK || strcmp(reader->word[0], word) == 0)
        return code;
    return kpu_certify_complain(reader, 0, "expected a line '%s'", word);
}

/* "WORD TEXT", and TEXT as expected. */
static int read_text(kpu_certify_reader *reader, const char *word, const char *expected,
                     const char *what)
{
    int code = read_line_of(reader, word);
    if (code == KPU_OK)
        code = kpu_certify_want_words(reader, 2);
    if (code != KPU_OK || strcmp(reader->word[1], expected) == 0)
        return code;
    return kpu_certify_complain(reader, 1, "%s: the results say %s", what, expected);
}

/* "WORD NUMBER", and NUMBER as expected. */
static int read_count(kpu_certify_reader *reader, const char *word, int64_t expected,
                      const char *what)
{
    int64_t value = 0;
    int code = read_line_of(reader, word);
    if (code == KPU_OK)
        code = kpu_certify_want_words(reader, 2);
    if (code == KPU_OK)
        code = kpu_certify_want_int(reader, 1, (kpu_certify_range){0, INT64_MAX}, &value);
    if (code != KPU_OK || value == expected)
        return code;
    return kpu_certify_complain(reader, 1, "%s: the space of the results has %" PRId64, what,
                                expected);
}

static int read_space(kpu_certify_reader *reader, const kpu_space *space)
{
    char hash[33];
    int code = kpu_space_hash(space, hash);
    if (code != KPU_OK)
        return kpu_diag_add(reader->diag, code, "%s", kpu_error_text(code));
    return read_text(reader, "space", hash, "a certificate of another space");
}

static int read_objectives(kpu_certify_reader *reader, const kpu_space *space)
{
    size_t count = kpu_space_objective_count(space);
    int code = read_line_of(reader, "objectives");
    if (code == KPU_OK && count > KPU_CERTIFY_OBJECTIVES_MAX)
        return kpu_certify_complain(reader, KPU_CERTIFY_WORDS_MAX,
                                    "the results have %zu objectives, a certificate at most %d",
                                    count, KPU_CERTIFY_OBJECTIVES_MAX);
    if (code == KPU_OK)
        code = kpu_certify_want_words(reader, 1 + count);
    for (size_t i = 0; code == KPU_OK && i < count; i++) {
        const char *name = kpu_metric_at((size_t)kpu_space_objective(space, i))->name;
        if (strcmp(reader->word[1 + i], name) != 0)
            code = kpu_certify_complain(
                reader, 1 + i, "other objectives: number %zu of the results is %s", i + 1, name);
    }
    return code;
}

/* ---- Members ----------------------------------------------------------------------------- */

static int append(kpu_certify_proof *proof, const kpu_certify_member *member)
{
    if (proof->member_count == proof->member_capacity) {
        size_t capacity = proof->member_capacity ? 2 * proof->member_capacity : 256;
        kpu_certify_member *grown = realloc(proof->members, capacity * sizeof *grown);
        if (!grown)
            return KPU_E_MEMORY;
        proof->members = grown;
        proof->member_capacity = capacity;
    }
    proof->members[proof->member_count++] = *member;
    return KPU_OK;
}

static int check_order(const kpu_certify_reader *reader, const kpu_certify_proof *proof,
                       const kpu_certify_member *member)
{
    kpu_certify_box box;
    kpu_certify_box_of_id(proof->space, member->id, &box);
    if (box.gemm.low != member->gemm)
        return kpu_certify_complain(
            reader, 3, "the candidate with this id belongs to GEMM %" PRId64, box.gemm.low);
    if (proof->member_count == 0)
        return KPU_OK;
    const kpu_certify_member *before = &proof->members[proof->member_count - 1];
    if (member->gemm > before->gemm || (member->gemm == before->gemm && member->id > before->id))
        return KPU_OK;
    return kpu_certify_complain(reader, 3, "members must ascend by GEMM, then by id");
}

/* m n gemm id value ... */
static int read_member(kpu_certify_reader *reader, kpu_certify_proof *proof)
{
    const kpu_space *space = proof->space;
    const kpu_certify_range number = {(int64_t)proof->member_count, (int64_t)proof->member_count};
    const kpu_certify_range gemms = {0, (int64_t)kpu_space_gemm_count(space) - 1};
    const kpu_certify_range ids = {0, kpu_space_raw_size(space) - 1};
    kpu_certify_member member = {0};
    int code = read_line_of(reader, "m");
    if (code == KPU_OK)
        code = kpu_certify_want_words(reader, 4 + proof->objectives);
    if (code == KPU_OK)
        code = kpu_certify_want_int(reader, 1, number, &member.id);
    if (code == KPU_OK)
        code = kpu_certify_want_int(reader, 2, gemms, &member.gemm);
    if (code == KPU_OK)
        code = kpu_certify_want_int(reader, 3, ids, &member.id);
    for (size_t i = 0; code == KPU_OK && i < proof->objectives; i++)
        code = kpu_certify_want_value(reader, 4 + i, false, &member.value[i]);
    if (code == KPU_OK)
        code = check_order(reader, proof, &member);
    if (code != KPU_OK)
        return code;
    member.line = reader->number;
    code = append(proof, &member);
    return code == KPU_OK ? code : kpu_diag_add(reader->diag, code, "out of memory");
}

static int read_members(kpu_certify_reader *reader, kpu_certify_proof *proof)
{
    int64_t count = 0;
    int code = read_line_of(reader, "members");
    if (code == KPU_OK)
        code = kpu_certify_want_words(reader, 2);
    if (code == KPU_OK)
        code = kpu_certify_want_int(
            reader, 1, (kpu_certify_range){0, kpu_space_raw_size(proof->space)}, &count);
    for (int64_t n = 0; code == KPU_OK && n < count; n++)
        code = read_member(reader, proof);
    return code;
}

int kpu_certify_read_head(kpu_certify_reader *reader, kpu_certify_proof *proof)
{
    const kpu_space *space = proof->space;
    int code = read_text(reader, "kpu-dse-certificate", "1", "another version of the format");
    if (code == KPU_OK)
        code = read_text(reader, "model", KPU_MODEL_VERSION, "another version of the model");
    if (code == KPU_OK)
        code = read_space(reader, space);
    if (code == KPU_OK)
        code = read_objectives(reader, space);
    if (code == KPU_OK)
        code = read_count(reader, "gemms", (int64_t)kpu_space_gemm_count(space), "GEMMs");
    if (code == KPU_OK)
        code = read_count(reader, "candidates", kpu_space_raw_size(space), "candidates");
    if (code == KPU_OK)
        code = read_members(reader, proof);
    if (code == KPU_OK)
        code = read_line_of(reader, "tree");
    return code == KPU_OK ? kpu_certify_want_words(reader, 1) : code;
}
