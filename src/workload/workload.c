/* Problems and lists of them: limits, the inline list. */
#include "workload_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ELEMENT_BYTES_MAX = 64 };

#define DIM_KEY(letter)                                                                            \
    {                                                                                              \
        .section = "gemm", .name = letter, .type = KPU_KEY_INT, .unit = "", .min = 1,              \
        .max = (double)KPU_WORKLOAD_DIM_MAX                                                        \
    }
const kpu_key kpu_workload_number_keys[KPU_WORKLOAD_NUMBERS] = {
    [KPU_M] = DIM_KEY("M"),
    [KPU_N] = DIM_KEY("N"),
    [KPU_K] = DIM_KEY("K"),
    [KPU_WORKLOAD_COUNT] = {.section = "gemm",
                            .name = "count",
                            .type = KPU_KEY_INT,
                            .unit = "",
                            .min = 1,
                            .max = KPU_WORKLOAD_COUNT_MAX},
};

static bool product_fits(int64_t a, int64_t b, int64_t c)
{
    int64_t product;
    return !kpu_mul_overflows(a, b, &product) && !kpu_mul_overflows(product, c, &product) &&
           product <= KPU_WORKLOAD_PRODUCT_MAX;
}

static int check_parts(const kpu_problem *p, const kpu_place *place, kpu_diag *diag)
{
    for (int d = 0; d < KPU_DIMS; d++) {
        if (p->dim[d] < 1 || p->dim[d] > KPU_WORKLOAD_DIM_MAX)
            return kpu_diag_add_at(diag, KPU_E_INPUT, place, "%c = %lld; expected 1 to %lld",
                                   "MNK"[d], (long long)p -> dim[d],
                                   (long long)KPU_WORKLOAD_DIM_MAX);
    }
    for (int x = 0; x <= KPU_OPERANDS; x++) {
        int64_t bytes = x < KPU_OPERANDS ? p->element_bytes[x] : p->partial_bytes;
        if (bytes < 1 || bytes > ELEMENT_BYTES_MAX)
            return kpu_diag_add_at(diag, KPU_E_INPUT, place,
                                   "an element of %c has %lld bytes; expected 1 to %d", "ABCP"[x],
                                   (long long)bytes, ELEMENT_BYTES_MAX);
    }
    if (p->element_bytes[KPU_C] > p->partial_bytes)
        return kpu_diag_add_at(diag, KPU_E_INPUT, place,
                               "an element of C (%lld bytes) is larger than a partial sum (%lld "
                               "bytes)",
                               (long long)p->element_bytes[KPU_C], (long long)p->partial_bytes);
    return KPU_OK;
}

int kpu_problem_validate(const kpu_problem *p, const kpu_place *place, kpu_diag *diag)
{
    const int64_t *dim = p->dim;
    int code = check_parts(p, place, diag);
    if (code != KPU_OK)
        return code;
    if (product_fits(dim[KPU_M], dim[KPU_N], dim[KPU_K]) &&
        product_fits(dim[KPU_M], dim[KPU_K], p->element_bytes[KPU_A]) &&
        product_fits(dim[KPU_K], dim[KPU_N], p->element_bytes[KPU_B]) &&
        product_fits(dim[KPU_M], dim[KPU_N], p->partial_bytes))
        return KPU_OK;
    return kpu_diag_add_at(diag, KPU_E_INPUT, place,
                           "a GEMM of %lldx%lldx%lld is too large: M*N*K and the bytes of each "
                           "matrix may not exceed 2^62",
                           (long long)dim[KPU_M], (long long)dim[KPU_N], (long long)dim[KPU_K]);
}

void kpu_workload_fini(kpu_workload *workload)
{
    if (!workload)
        return;
    for (size_t i = 0; i < workload->gemm_count; i++)
        free(workload->gemms[i].name);
    free(workload->gemms);
    free(workload->name);
    *workload = (kpu_workload){0};
}

int kpu_workload_add(kpu_workload *workload, const kpu_gemm *gemm, const kpu_place *place,
                     kpu_diag *diag)
{
    size_t count = workload->gemm_count;
    if (count >= KPU_WORKLOAD_GEMMS_MAX)
        return kpu_diag_add_at(diag, KPU_E_INPUT, place, "more than %d GEMMs in a workload",
                               KPU_WORKLOAD_GEMMS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(workload->gemms[i].name, gemm->name) == 0)
            return kpu_diag_add_at(diag, KPU_E_INPUT, place,
                                   "duplicate GEMM '%s'; it is number %zu already", gemm->name,
                                   i + 1);
    }
    int code = kpu_problem_validate(&gemm->problem, place, diag);
    if (code != KPU_OK)
        return code;
    if ((count & (count - 1)) == 0) { /* full: capacities are the powers of two */
        kpu_gemm *gemms = realloc(workload->gemms, (count ? 2 * count : 1) * sizeof *gemms);
        if (!gemms)
            return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
        workload->gemms = gemms;
    }
    kpu_gemm copy = *gemm;
    copy.name = strdup(gemm->name);
    if (!copy.name)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    workload->gemms[workload->gemm_count++] = copy;
    return KPU_OK;
}

/* ---- name:MxNxK xCOUNT, ... --------------------------------------------------------------- */

typedef struct cursor {
    const char *text;
    size_t at;
    const kpu_place *origin; /* of text[0] */
    kpu_diag *diag;
} cursor;

static kpu_place here(const cursor *c)
{
    kpu_place place = c->origin ? *c->origin : (kpu_place){0};
    if (place.column > 0)
        place.column += (int64_t)c->at;
    return place;
}

static void skip_blanks(cursor *c)
{
    c->at += strspn(c->text + c->at, " \t");
}

/* A number that ends at one of `stops` or at the end. */
static int take_number(cursor *c, const kpu_key *key, const char *stops, int64_t *out)
{
    kpu_place place = here(c);
    size_t length = strcspn(c->text + c->at, stops);
    char *token = strndup(c->text + c->at, length);
    if (!token)
        return kpu_diag_add(c->diag, KPU_E_MEMORY, "out of memory");
    c->at += length;
    int code = kpu_key_parse_int(key, token, &place, out, c->diag);
    free(token);
    return code;
}

static int expected_gemm(const cursor *c)
{
    kpu_place place = here(c);
    return kpu_diag_add_at(c->diag, KPU_E_INPUT, &place,
                           "expected name:MxNxK or name:MxNxK xCOUNT, such as qkv:384x768x768 x12");
}

static int take_name(cursor *c, char *name, size_t size)
{
    size_t length = strcspn(c->text + c->at, ":,");
    if (length == 0 || length >= size || c->text[c->at + length] != ':')
        return expected_gemm(c);
    memcpy(name, c->text + c->at, length);
    while (length > 0 && (name[length - 1] == ' ' || name[length - 1] == '\t'))
        length--;
    name[length] = '\0';
    c->at += strcspn(c->text + c->at, ":") + 1;
    return KPU_OK;
}

static int take_shape(cursor *c, kpu_gemm *gemm)
{
    for (int d = 0; d < KPU_DIMS; d++) {
        skip_blanks(c);
        int code = take_number(c, &kpu_workload_number_keys[d], "x, \t", &gemm->problem.dim[d]);
        if (code != KPU_OK)
            return code;
        if (d < KPU_K && c->text[c->at++] != 'x') {
            c->at--;
            return expected_gemm(c);
        }
    }
    if (c->text[c->at] == 'x') /* 1x2x3x4 is no shape, and no shape with a count either */
        return expected_gemm(c);
    skip_blanks(c);
    gemm->count = 1;
    if (c->text[c->at] == 'x') {
        c->at++;
        return take_number(c, &kpu_workload_number_keys[KPU_WORKLOAD_COUNT], ", \t", &gemm->count);
    }
    return KPU_OK;
}

static int take_gemm(cursor *c, const kpu_element_types *types, kpu_workload *out)
{
    char name[128];
    kpu_gemm gemm = {.name = name};
    skip_blanks(c);
    kpu_place place = here(c);
    int code = take_name(c, name, sizeof name);
    if (code == KPU_OK)
        code = take_shape(c, &gemm);
    if (code != KPU_OK)
        return code;
    skip_blanks(c);
    if (c->text[c->at] != ',' && c->text[c->at] != '\0')
        return expected_gemm(c);
    memcpy(gemm.problem.element_bytes, types->bytes, sizeof types->bytes);
    gemm.problem.partial_bytes = types->partial_bytes;
    return kpu_workload_add(out, &gemm, &place, c->diag);
}

int kpu_workload_parse_inline(const char *text, const kpu_place *place,
                              const kpu_element_types *types, kpu_workload *out, kpu_diag *diag)
{
    cursor c = {text, 0, place, diag};
    int code = KPU_OK;
    *out = (kpu_workload){.name = strdup("inline")};
    if (!out->name)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    for (bool more = true; more;) {
        int gemm_code = take_gemm(&c, types, out);
        code = gemm_code != KPU_OK ? gemm_code : code;
        c.at += strcspn(c.text + c.at, ","); /* after a complaint: on with the next */
        more = c.text[c.at] == ',';
        c.at += more;
    }
    if (code != KPU_OK)
        kpu_workload_fini(out);
    return code;
}
