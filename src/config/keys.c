/* The table of keys, and the scalars that it describes. */
#include "kpu/config.h"

#include <stdio.h>
#include <string.h>

enum {
    GIVEN_REQUIRED = 1,
    GIVEN_OPTIONAL = 0,
    GIVEN_AXIS = 2,
    GIVEN_REQUIRED_AXIS = GIVEN_REQUIRED | GIVEN_AXIS
};

static const kpu_key keys[] = {
#define ROW(file_, section_, name_, type_, names_, given, unit_, fallback_, min_, max_, words_,    \
            alternative_, help_)                                                                   \
    {.file = KPU_FILE_##file_,                                                                     \
     .section = section_,                                                                          \
     .name = name_,                                                                                \
     .type = KPU_KEY_##type_,                                                                      \
     .names = KPU_NAMES_##names_,                                                                  \
     .axis = (GIVEN_##given & GIVEN_AXIS) != 0,                                                    \
     .required = (GIVEN_##given & GIVEN_REQUIRED) != 0,                                            \
     .unit = unit_,                                                                                \
     .fallback = fallback_,                                                                        \
     .min = min_,                                                                                  \
     .max = max_,                                                                                  \
     .words = words_,                                                                              \
     .alternative = alternative_,                                                                  \
     .help = help_},
#include "keys.def"
#undef ROW
};

size_t kpu_key_count(void)
{
    return sizeof keys / sizeof keys[0];
}

const kpu_key *kpu_key_at(size_t index)
{
    return index < kpu_key_count() ? &keys[index] : NULL;
}

/* Most names differ in their first letter; a space of 65,536 machines looks for many of them. */
static bool is_same(const char *a, const char *b)
{
    return a[0] == b[0] && strcmp(a, b) == 0;
}

const kpu_key *kpu_key_find(kpu_key_file file, const char *section, const char *name)
{
    const kpu_key *any = NULL;
    for (size_t i = 0; i < kpu_key_count(); i++) {
        if (keys[i].file != file || !is_same(keys[i].section, section))
            continue;
        if (keys[i].names != KPU_NAMES_ONE)
            any = &keys[i];
        else if (is_same(keys[i].name, name))
            return &keys[i];
    }
    return any;
}

/* Start and length of the n-th of words separated by single spaces; NULL if there is none. */
static const char *nth_word(const char *words, int64_t n, size_t *length)
{
    for (; words && *words; n--) {
        *length = strcspn(words, " ");
        if (n == 0)
            return words;
        words += *length;
        words += *words == ' ';
    }
    return NULL;
}

bool kpu_key_word(const kpu_key *key, int64_t n, char *buffer, size_t size)
{
    size_t length = 0;
    const char *word = n >= 0 ? nth_word(key->words, n, &length) : NULL;
    if (!word || length >= size)
        return false;
    memcpy(buffer, word, length);
    buffer[length] = '\0';
    return true;
}

/* Units that are words, as "cycle", have a plural; those as "KiB" and "s" have none. */
static bool is_word(const char *unit)
{
    enum { SHORTEST_WORD = 3 };
    size_t letters = strspn(unit, "abcdefghijklmnopqrstuvwxyz");
    return letters >= SHORTEST_WORD && unit[letters] == '\0';
}

/* "a whole number from 1 to 64 cycles" */
static void describe(const kpu_key *key, char *out, size_t size)
{
    static const char *const forms[] = {
        [KPU_KEY_INT] = "a whole number",
        [KPU_KEY_RATIONAL] = "a number such as 8, 12.8 or 400/3",
        [KPU_KEY_REAL] = "a decimal number such as 0.5",
    };
    const char *space = *key->unit ? " " : "", *plural = is_word(key->unit) ? "s" : "";
    if (key->type == KPU_KEY_WORD)
        snprintf(out, size, "one of: %s", key->words);
    else if (key->type == KPU_KEY_TEXT)
        snprintf(out, size, "%s", key->help);
    else if (key->type == KPU_KEY_INT)
        snprintf(out, size, "%s from %.0f to %.0f%s%s%s", forms[key->type], key->min, key->max,
                 space, key->unit, plural);
    else
        snprintf(out, size, "%s from %.10g to %.10g%s%s%s", forms[key->type], key->min, key->max,
                 space, key->unit, plural);
}

enum { SHOWN_VALUE = 60, DESCRIPTION_SIZE = 256 };

static int complain(const kpu_key *key, const char *text, const char *what, const kpu_place *place,
                    kpu_diag *diag)
{
    char expected[DESCRIPTION_SIZE];
    const char *section = key->section ? key->section : "";
    describe(key, expected, sizeof expected);
    if (*text == '\0')
        return kpu_diag_add_at(diag, KPU_E_INPUT, place, "%s%s%s has no value; expected %s",
                               section, *section ? "." : "", key->name, expected);
    bool cut = strlen(text) > SHOWN_VALUE;
    return kpu_diag_add_at(diag, KPU_E_INPUT, place, "%s%s%s: '%.*s%s' %s; expected %s", section,
                           *section ? "." : "", key->name, SHOWN_VALUE, text, cut ? "..." : "",
                           what, expected);
}

static size_t digits_of(const char *text)
{
    return strspn(text, "0123456789");
}

/* digits[.digits] without a sign */
static bool is_decimal(const char *text, size_t length)
{
    size_t whole = digits_of(text);
    if (whole == 0 || whole == length)
        return whole > 0;
    size_t fraction = whole < length && text[whole] == '.' ? digits_of(text + whole + 1) : 0;
    return fraction > 0 && whole + 1 + fraction == length;
}

static bool is_fraction(const char *text)
{
    size_t length = strlen(text), num = strcspn(text, "/");
    return is_decimal(text, num) && (num == length || is_decimal(text + num + 1, length - num - 1));
}

static const char *range_error(const kpu_key *key, double value)
{
    return value < key->min ? "is too small" : value > key->max ? "is too large" : NULL;
}

int kpu_key_parse_int(const kpu_key *key, const char *text, const kpu_place *place, int64_t *out,
                      kpu_diag *diag)
{
    bool negative = *text == '-';
    const char *digits = text + negative;
    if (*digits == '\0' || digits[digits_of(digits)] != '\0')
        return complain(key, text, "is not a whole number", place, diag);
    int64_t value = 0;
    for (; *digits; digits++) {
        if (kpu_mul_overflows(value, 10, &value) || kpu_add_overflows(value, *digits - '0', &value))
            return complain(key, text, negative ? "is too small" : "is too large", place, diag);
    }
    value = negative ? -value : value;
    const char *error = range_error(key, (double)value);
    if (error)
        return complain(key, text, error, place, diag);
    *out = value;
    return KPU_OK;
}

int kpu_key_parse_rational(const kpu_key *key, const char *text, const kpu_place *place,
                           kpu_rational *out, kpu_diag *diag)
{
    kpu_rational value;
    if (*text == '-' && is_fraction(text + 1))
        return complain(key, text, "is too small", place, diag);
    if (!is_fraction(text))
        return complain(key, text, "is not a number", place, diag);
    if (!kpu_rational_parse(text, &value)) {
        const char *slash = strchr(text, '/');
        bool zero = slash && strspn(slash + 1, "0.") == strlen(slash + 1);
        return complain(key, text, zero ? "divides by zero" : "has too many digits", place, diag);
    }
    const char *error = range_error(key, kpu_rational_value(value));
    if (error)
        return complain(key, text, error, place, diag);
    *out = value;
    return KPU_OK;
}

int kpu_key_parse_real(const kpu_key *key, const char *text, const kpu_place *place, double *out,
                       kpu_diag *diag)
{
    kpu_rational value;
    if (*text == '-' && is_decimal(text + 1, strlen(text + 1)))
        return complain(key, text, "is too small", place, diag);
    if (!is_decimal(text, strlen(text)))
        return complain(key, text, "is not a decimal number", place, diag);
    /* Through a rational, not strtod: the host's locale must not move the decimal point. */
    if (!kpu_rational_parse(text, &value))
        return complain(key, text, "has too many digits", place, diag);
    const char *error = range_error(key, kpu_rational_value(value));
    if (error)
        return complain(key, text, error, place, diag);
    *out = kpu_rational_value(value);
    return KPU_OK;
}

int kpu_key_parse_word(const kpu_key *key, const char *text, const kpu_place *place, int64_t *out,
                       kpu_diag *diag)
{
    size_t length = 0;
    const char *word;
    for (int64_t n = 0; (word = nth_word(key->words, n, &length)) != NULL; n++) {
        if (strlen(text) == length && memcmp(text, word, length) == 0) {
            *out = n;
            return KPU_OK;
        }
    }
    return complain(key, text, "is not known", place, diag);
}

int kpu_key_check(const kpu_key *key, const char *text, const kpu_place *place, kpu_diag *diag)
{
    int64_t integer;
    kpu_rational rational;
    double real;
    switch (key->type) {
    case KPU_KEY_INT: return kpu_key_parse_int(key, text, place, &integer, diag);
    case KPU_KEY_RATIONAL: return kpu_key_parse_rational(key, text, place, &rational, diag);
    case KPU_KEY_REAL: return kpu_key_parse_real(key, text, place, &real, diag);
    case KPU_KEY_WORD: return kpu_key_parse_word(key, text, place, &integer, diag);
    case KPU_KEY_TEXT: break;
    }
    return *text ? KPU_OK : complain(key, text, "", place, diag);
}
