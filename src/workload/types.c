/* Element types: names, bytes, presets. */
#include "workload_private.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int64_t bytes;
} types[] = {
    {"fp64", 8},    {"f64", 8},   {"float64", 8},  {"double", 8}, {"fp32", 4}, {"f32", 4},
    {"float32", 4}, {"float", 4}, {"tf32", 4},     {"fp16", 2},   {"f16", 2},  {"float16", 2},
    {"half", 2},    {"bf16", 2},  {"bfloat16", 2}, {"fp8", 1},    {"f8", 1},   {"e4m3", 1},
    {"e5m2", 1},    {"int64", 8}, {"i64", 8},      {"int32", 4},  {"i32", 4},  {"uint32", 4},
    {"u32", 4},     {"int16", 2}, {"i16", 2},      {"uint16", 2}, {"u16", 2},  {"int8", 1},
    {"i8", 1},      {"uint8", 1}, {"u8", 1},
};
enum { TYPE_COUNT = sizeof types / sizeof types[0] };

/* Sums of narrow types are kept at 32 bits, as multiply-accumulate units do. */
static const struct {
    const char *name;
    kpu_element_types types;
} presets[] = {
    {"fp32", {{4, 4, 4}, 4}},
    {"bf16", {{2, 2, 2}, 4}},
    {"fp16", {{2, 2, 2}, 4}},
    {"int8", {{1, 1, 1}, 4}},
};
enum { PRESET_COUNT = sizeof presets / sizeof presets[0] };

static const char operand_letters[] = "ABCP";
enum { ROLES = KPU_OPERANDS + 1 };

int64_t kpu_element_type_bytes(const char *name)
{
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (strcmp(types[i].name, name) == 0)
            return types[i].bytes;
    }
    return 0;
}

static kpu_place at(const kpu_place *place, size_t offset)
{
    kpu_place moved = place ? *place : (kpu_place){0};
    if (moved.column > 0)
        moved.column += (int64_t)offset;
    return moved;
}

static int unknown_type(const char *name, const kpu_place *place, kpu_diag *diag)
{
    const char *names[TYPE_COUNT];
    for (size_t i = 0; i < TYPE_COUNT; i++)
        names[i] = types[i].name;
    const char *nearest = kpu_nearest_name(name, names, TYPE_COUNT);
    return kpu_diag_add_at(diag, KPU_E_INPUT, place, "unknown element type '%s'%s%s%s", name,
                           nearest ? "; did you mean '"
                                   : "; expected fp32, bf16, int8, int32 or such",
                           nearest ? nearest : "", nearest ? "'?" : "");
}

enum { TOKEN_MAX = 24 };

/* One "A=int8" into bytes[role]. */
static int take_role(const char *token, const kpu_place *place, int64_t bytes[ROLES],
                     kpu_diag *diag)
{
    const char *letter = token[0] ? strchr(operand_letters, token[0]) : NULL;
    if (!letter || token[1] != '=')
        return kpu_diag_add_at(diag, KPU_E_INPUT, place,
                               "'%s': expected fp32, bf16, fp16 or int8, or A=type B=type C=type "
                               "P=type",
                               token);
    int64_t *slot = &bytes[letter - operand_letters];
    if (*slot != 0)
        return kpu_diag_add_at(diag, KPU_E_INPUT, place, "'%c' is given twice", *letter);
    *slot = kpu_element_type_bytes(token + 2);
    return *slot ? KPU_OK : unknown_type(token + 2, place, diag);
}

static int take_roles(const char *text, const kpu_place *place, int64_t bytes[ROLES],
                      kpu_diag *diag)
{
    for (size_t i = strspn(text, " \t,"); text[i];) {
        char token[TOKEN_MAX + 1];
        size_t length = strcspn(text + i, " \t,");
        kpu_place here = at(place, i);
        snprintf(token, sizeof token, "%.*s", (int)(length < TOKEN_MAX ? length : TOKEN_MAX),
                 text + i);
        int code = take_role(token, &here, bytes, diag);
        if (code != KPU_OK)
            return code;
        i += length;
        i += strspn(text + i, " \t,");
    }
    return KPU_OK;
}

int kpu_element_types_parse(const char *text, const kpu_place *place, kpu_element_types *out,
                            kpu_diag *diag)
{
    for (size_t i = 0; i < PRESET_COUNT; i++) {
        if (strcmp(presets[i].name, text) == 0) {
            *out = presets[i].types;
            return KPU_OK;
        }
    }
    int64_t bytes[ROLES] = {0};
    int code = take_roles(text, place, bytes, diag);
    if (code != KPU_OK)
        return code;
    for (int role = 0; role < ROLES; role++) {
        if (bytes[role] == 0)
            return kpu_diag_add_at(diag, KPU_E_INPUT, place,
                                   "no element type for %c; expected all of A=type B=type C=type "
                                   "P=type (P: partial sums)",
                                   operand_letters[role]);
    }
    if (bytes[KPU_C] > bytes[KPU_OPERANDS])
        return kpu_diag_add_at(diag, KPU_E_INPUT, place,
                               "an element of C (%lld bytes) is larger than a partial sum P (%lld "
                               "bytes)",
                               (long long)bytes[KPU_C], (long long)bytes[KPU_OPERANDS]);
    *out = (kpu_element_types){{bytes[KPU_A], bytes[KPU_B], bytes[KPU_C]}, bytes[KPU_OPERANDS]};
    return KPU_OK;
}
