/* One element of an axis: a number, a word, a triple, an order, a residency. */
#include "explorer/axis.h"

#include <stdlib.h>
#include <string.h>

typedef int (*element_parser)(const kpu_key *key, const char *text, const kpu_place *place,
                              int64_t *out, kpu_diag *diag);

bool kpu_order_parse(const char *text, int64_t order[KPU_DIMS])
{
    static const char letters[] = "mnk";
    unsigned seen = 0;
    if (strlen(text) != KPU_DIMS)
        return false;
    for (int i = 0; i < KPU_DIMS; i++) {
        const char *letter = strchr(letters, text[i]);
        if (!letter)
            return false;
        order[i] = letter - letters;
        seen |= 1u << order[i];
    }
    return seen == 7;
}

int64_t kpu_order_number(const int64_t order[KPU_DIMS])
{
    return (order[0] * KPU_DIMS + order[1]) * KPU_DIMS + order[2];
}

static int parse_order(const kpu_key *key, const char *text, const kpu_place *place, int64_t *out,
                       kpu_diag *diag)
{
    int64_t word;
    int code = kpu_key_parse_word(key, text, place, &word, diag);
    if (code == KPU_OK && !kpu_order_parse(text, out))
        return KPU_E_INTERNAL; /* the key table has a word that is no permutation */
    return code;
}

/* Cuts `text` at each '/': up to three parts, trimmed of nothing. Returns how many there are. */
static int split_operands(char *text, char *part[KPU_OPERANDS])
{
    int count = 0;
    for (char *next = text; next; count++) {
        char *from = next;
        next = strchr(from, '/');
        if (next)
            *next++ = '\0';
        if (count < KPU_OPERANDS)
            part[count] = from;
    }
    return count;
}

static kpu_place moved(const kpu_place *place, int64_t by)
{
    kpu_place result = *place;
    result.column += result.column > 0 ? by : 0;
    return result;
}

static int parse_triple_parts(const kpu_key *key, char *copy, const kpu_place *place, int64_t *out,
                              kpu_diag *diag)
{
    char *part[KPU_OPERANDS];
    int count = split_operands(copy, part);
    if (count != 1 && count != KPU_OPERANDS) {
        return kpu_diag_add_at(diag, KPU_E_INPUT, place,
                               "%s: expected one number, or three for A, B and C such as 3/2/1",
                               key->name);
    }
    for (int x = 0; x < KPU_OPERANDS; x++) {
        if (x >= count) {
            out[x] = out[0];
            continue;
        }
        kpu_place here = moved(place, part[x] - copy);
        int code = kpu_key_parse_int(key, part[x], &here, &out[x], diag);
        if (code != KPU_OK)
            return code;
    }
    return KPU_OK;
}

static int parse_triple(const kpu_key *key, const char *text, const kpu_place *place, int64_t *out,
                        kpu_diag *diag)
{
    char *copy = strdup(text);
    if (!copy)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    int code = parse_triple_parts(key, copy, place, out, diag);
    free(copy);
    return code;
}

static bool is_position(char c)
{
    return c >= '0' && c <= '0' + KPU_NEST;
}

/* 3-4/6-6/6-6, every position one digit. */
static int parse_residency(const kpu_key *key, const char *text, const kpu_place *place,
                           int64_t *out, kpu_diag *diag)
{
    memset(out, 0, KPU_ELEMENT_MAX * sizeof *out);
    out[0] = strcmp(text, "auto") == 0;
    if (out[0])
        return KPU_OK;
    bool good = strlen(text) == 4 * KPU_OPERANDS - 1;
    for (size_t x = 0; x < KPU_OPERANDS && good; x++) {
        const char *pair = text + 4 * x;
        good = is_position(pair[0]) && pair[1] == '-' && is_position(pair[2]) &&
               (x + 1 == KPU_OPERANDS || pair[3] == '/');
        if (good && pair[0] > pair[2]) {
            kpu_place here = moved(place, (int64_t)(4 * x));
            return kpu_diag_add_at(diag, KPU_E_INPUT, &here,
                                   "%s: '%.3s': the position at L3 must not exceed the one at L2",
                                   key->name, pair);
        }
        out[1 + 2 * x] = pair[0] - '0';
        out[2 + 2 * x] = pair[2] - '0';
    }
    if (good)
        return KPU_OK;
    return kpu_diag_add_at(diag, KPU_E_INPUT, place,
                           "%s: '%s' is no residency; expected auto, or positions 0 to 6 at L3-L2 "
                           "of A, B and C such as 3-4/6-6/6-6",
                           key->name, text);
}

static const struct element {
    size_t width;
    element_parser parse;
} elements[KPU_ELEMENT_KINDS] = {
    [KPU_ELEMENT_INTEGER] = {1, kpu_key_parse_int},
    [KPU_ELEMENT_EXTENT] = {1, kpu_key_parse_int},
    [KPU_ELEMENT_WORD] = {1, kpu_key_parse_word},
    [KPU_ELEMENT_ORDER] = {KPU_DIMS, parse_order},
    [KPU_ELEMENT_TRIPLE] = {KPU_OPERANDS, parse_triple},
    [KPU_ELEMENT_RESIDENCY] = {1 + KPU_OPERANDS * KPU_HOIST_LEVELS, parse_residency},
};

size_t kpu_element_width(kpu_element_kind element)
{
    return elements[element].width;
}

int kpu_element_parse(kpu_element_kind element, const kpu_key *key, const char *text,
                      const kpu_place *place, int64_t out[KPU_ELEMENT_MAX], kpu_diag *diag)
{
    return elements[element].parse(key, text, place, out, diag);
}
