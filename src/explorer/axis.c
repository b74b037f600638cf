#include "explorer/axis.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* No number up to KPU_WORKLOAD_DIM_MAX has more divisors: 963761198400 has as many. */
enum { DIVISORS_MAX = 6720 };

/* One entry being parsed: its text, a copy that may be cut up, and where it began. */
typedef struct entry {
    const kpu_axis *axis;
    char *text;
    int64_t at;
    kpu_diag *diag;
} entry;

static kpu_place place_at(const kpu_axis *axis, int64_t at)
{
    kpu_place place = axis->place;
    place.column += place.column > 0 ? at : 0;
    return place;
}

static char *skip_blanks(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

static void trim_end(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
}

/* The integer at `text`, a part of the entry's text. */
static int parse_int(const entry *e, const char *text, int64_t *out)
{
    kpu_place place = place_at(e->axis, e->at + (text - e->text));
    return kpu_key_parse_int(e->axis->key, text, &place, out, e->diag);
}

static int fail(const entry *e, const char *where, const char *message)
{
    kpu_place place = place_at(e->axis, e->at + (where - e->text));
    return kpu_diag_add_at(e->diag, KPU_E_INPUT, &place, "%s: %s", e->axis->key->name, message);
}

/* "+16" or "x2" after a range; the step of a key is no value of it, so it has bounds of its own. */
static int parse_step(const entry *e, char *text, kpu_axis_item *out)
{
    const kpu_key step_key = {.type = KPU_KEY_INT,
                              .section = e->axis->key->name,
                              .name = "step",
                              .unit = "",
                              .min = 1,
                              .max = 1e15};
    out->kind = *text == 'x' ? KPU_ITEM_PRODUCT : KPU_ITEM_SUM;
    if (*text != 'x' && *text != '+')
        return fail(e, text, "expected a step after the range: +16 or x2");
    char *number = skip_blanks(text + 1);
    kpu_place place = place_at(e->axis, e->at + (number - e->text));
    int code = kpu_key_parse_int(&step_key, number, &place, &out->number[2], e->diag);
    if (code == KPU_OK && out->kind == KPU_ITEM_PRODUCT && out->number[2] < 2)
        return fail(e, text, "a range by x1 never ends; the factor must be at least 2");
    return code;
}

/* FIRST..LAST, cut at `dots`. */
static int parse_bounds(const entry *e, char *text, char *dots, kpu_axis_item *out)
{
    *dots = '\0';
    trim_end(text);
    int code = parse_int(e, text, &out->number[0]);
    if (code == KPU_OK)
        code = parse_int(e, skip_blanks(dots + 2), &out->number[1]);
    if (code == KPU_OK && out->number[0] > out->number[1]) {
        return fail(e, text,
                    "a range that runs backwards: its first number must not exceed its "
                    "last");
    }
    return code;
}

static int parse_range(const entry *e, char *dots, kpu_axis_item *out)
{
    char *step = dots + 2;
    step += strcspn(step, "+xX");
    *out = (kpu_axis_item){.kind = KPU_ITEM_SUM, .number = {[2] = 1}, .at = e->at};
    if (*step != '\0') {
        int code = parse_step(e, step, out);
        if (code != KPU_OK)
            return code;
        *step = '\0';
    }
    trim_end(dots + 2);
    int code = parse_bounds(e, e->text, dots, out);
    if (code == KPU_OK && out->kind == KPU_ITEM_PRODUCT && out->number[0] < 1)
        return fail(e, e->text, "a range by a factor must not begin at 0");
    return code;
}

static const char divisors_word[] = "divisors";

static int parse_divisors(const entry *e, kpu_axis_item *out)
{
    char *limits = skip_blanks(e->text + strlen(divisors_word));
    *out = (kpu_axis_item){.kind = KPU_ITEM_DIVISORS, .number = {1, INT64_MAX}, .at = e->at};
    if (e->axis->element != KPU_ELEMENT_EXTENT) {
        return fail(e, e->text,
                    "divisors belong to a dimension of the GEMM: to TM, TN, TK, BM, BN "
                    "and BK only");
    }
    if (*limits == '\0')
        return KPU_OK;
    char *dots = strstr(limits, "..");
    if (!dots)
        return fail(e, limits, "expected limits after divisors, such as 16..512");
    return parse_bounds(e, limits, dots, out);
}

static int parse_item(const entry *e, kpu_axis_item *out)
{
    bool has_ranges = e->axis->element <= KPU_ELEMENT_EXTENT ||
                      e->axis->element == KPU_ELEMENT_TRIPLE; /* of one number for all three */
    char *dots = strstr(e->text, "..");
    size_t word = strlen(divisors_word);
    if (e->text[0] == '\0')
        return fail(e, e->text, "an empty entry in the list");
    if (strncmp(e->text, divisors_word, word) == 0 && !isalnum((unsigned char)e->text[word]))
        return parse_divisors(e, out);
    if (has_ranges && dots)
        return parse_range(e, dots, out);
    *out = (kpu_axis_item){.kind = KPU_ITEM_VALUE, .at = e->at};
    kpu_place place = place_at(e->axis, e->at);
    return kpu_element_parse(e->axis->element, e->axis->key, e->text, &place, out->number, e->diag);
}

/* Every entry of the list, so that all its mistakes are told at once. */
static int parse_list(kpu_axis *axis, char *copy, kpu_diag *diag)
{
    int worst = KPU_OK, wrong = 0;
    for (char *from = copy, *next = copy; next && wrong < KPU_INI_ERRORS_MAX; from = next) {
        next = strchr(from, ',');
        if (next)
            *next++ = '\0';
        char *text = skip_blanks(from);
        trim_end(text);
        entry e = {.axis = axis, .text = text, .at = text - copy, .diag = diag};
        kpu_axis_item *item = &axis->items[axis->count];
        int code = parse_item(&e, item);
        worst = code != KPU_OK ? code : worst;
        wrong += code != KPU_OK;
        axis->has_divisors |= code == KPU_OK && item->kind == KPU_ITEM_DIVISORS;
        axis->count += code == KPU_OK;
    }
    return worst;
}

int kpu_axis_parse(kpu_axis *axis, const kpu_key *key, kpu_element_kind element, const char *text,
                   const kpu_place *place, kpu_diag *diag)
{
    size_t entries = 1;
    for (const char *c = text; *c != '\0'; c++)
        entries += *c == ',';
    *axis = (kpu_axis){.key = key, .place = *place, .element = element};
    axis->items = calloc(entries, sizeof *axis->items);
    char *copy = strdup(text);
    int code = axis->items && copy ? parse_list(axis, copy, diag)
                                   : kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    free(copy);
    if (code != KPU_OK)
        kpu_axis_fini(axis);
    return code;
}

void kpu_axis_fini(kpu_axis *axis)
{
    free(axis->items);
    *axis = (kpu_axis){0};
}

/* An axis being expanded for a GEMM. */
typedef struct expansion {
    const kpu_axis *axis;
    const kpu_axis_extent *extent;
    int64_t *divisors; /* all of the extent's, ascending; NULL if the axis has none */
    int64_t divisor_count;
    kpu_diag *diag;
} expansion;

static int compare_numbers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* All divisors of `size`, ascending, from its prime factors. */
static int64_t list_divisors(int64_t size, int64_t out[DIVISORS_MAX])
{
    int64_t count = 1;
    out[0] = 1;
    for (int64_t p = 2; size > 1; p += p > 2 ? 2 : 1) {
        if (p > size / p)
            p = size; /* what is left is prime */
        const int64_t before = count;
        for (int64_t power = 1; size % p == 0;) {
            size /= p;
            power *= p;
            for (int64_t i = 0; i < before; i++)
                out[count++] = out[i] * power;
        }
    }
    qsort(out, (size_t)count, sizeof *out, compare_numbers);
    return count;
}

static int expansion_init(expansion *x)
{
    if (!x->axis->has_divisors)
        return KPU_OK;
    x->divisors = malloc(DIVISORS_MAX * sizeof *x->divisors);
    if (!x->divisors)
        return kpu_diag_add(x->diag, KPU_E_MEMORY, "out of memory");
    x->divisor_count = list_divisors(x->extent->size, x->divisors);
    return KPU_OK;
}

/* The divisors within the item's limits, to `out` unless it is NULL. */
static int64_t take_divisors(const expansion *x, const kpu_axis_item *item, int64_t *out)
{
    int64_t count = 0;
    for (int64_t i = 0; i < x->divisor_count; i++) {
        if (x->divisors[i] < item->number[0] || x->divisors[i] > item->number[1])
            continue;
        if (out)
            out[count] = x->divisors[i];
        count++;
    }
    return count;
}

/* How many elements an item stands for, counted without making them. */
static int64_t item_count(const expansion *x, const kpu_axis_item *item)
{
    const int64_t *n = item->number;
    int64_t count = 0;
    switch (item->kind) {
    case KPU_ITEM_VALUE: return 1;
    case KPU_ITEM_DIVISORS: return take_divisors(x, item, NULL);
    case KPU_ITEM_SUM: count = (n[1] - n[0]) / n[2]; return count < INT64_MAX ? count + 1 : count;
    case KPU_ITEM_PRODUCT:
        for (int64_t v = n[0]; v <= n[1]; v *= n[2]) {
            count++;
            if (v > n[1] / n[2])
                break;
        }
    }
    return count;
}

static void fill_item(const expansion *x, const kpu_axis_item *item, int64_t count, int64_t *out)
{
    const size_t width = kpu_element_width(x->axis->element);
    if (item->kind == KPU_ITEM_DIVISORS) {
        take_divisors(x, item, out);
        return;
    }
    if (item->kind == KPU_ITEM_VALUE) {
        memcpy(out, item->number, width * sizeof *out);
        return;
    }
    int64_t value = item->number[0], step = item->number[2];
    for (int64_t i = 0; i < count; i++) {
        for (size_t k = 0; k < width; k++)
            *out++ = value;
        if (i + 1 < count)
            value = item->kind == KPU_ITEM_SUM ? value + step : value * step;
    }
}

/* Elements by value, then by index. */
typedef struct sorting {
    const int64_t *number;
    size_t width;
} sorting;

static int compare(const void *a, const void *b, void *context)
{
    const sorting *s = context;
    int64_t i = *(const int64_t *)a, j = *(const int64_t *)b;
    const int64_t *x = s->number + (size_t)i * s->width, *y = s->number + (size_t)j * s->width;
    for (size_t k = 0; k < s->width; k++) {
        if (x[k] != y[k])
            return x[k] < y[k] ? -1 : 1;
    }
    return (i > j) - (i < j);
}

static int complain_double(const expansion *x, const kpu_values *values, int64_t index)
{
    const kpu_axis *axis = x->axis;
    const kpu_axis_item *item = axis->items;
    for (int64_t before = item_count(x, item);
         before <= index && item + 1 < axis->items + axis->count;)
        before += item_count(x, ++item);
    kpu_place place = place_at(axis, item->at);
    if (kpu_element_width(axis->element) > 1 || axis->element > KPU_ELEMENT_EXTENT)
        return kpu_diag_add_at(x->diag, KPU_E_INPUT, &place,
                               "%s: this value stands in the list twice", axis->key->name);
    return kpu_diag_add_at(x->diag, KPU_E_INPUT, &place,
                           "%s: %" PRId64 " stands in the list twice%s%s", axis->key->name,
                           values->number[index], axis->has_divisors ? " for the GEMM " : "",
                           axis->has_divisors ? x->extent->gemm : "");
}

static int check_doubles(const expansion *x, const kpu_values *values)
{
    if (x->axis->count == 1)
        return KPU_OK; /* a single range or set of divisors has none */
    int64_t *order = malloc((size_t)values->count * sizeof *order);
    if (!order)
        return kpu_diag_add(x->diag, KPU_E_MEMORY, "out of memory");
    for (int64_t i = 0; i < values->count; i++)
        order[i] = i;
    sorting s = {values->number, kpu_element_width(x->axis->element)};
    qsort_r(order, (size_t)values->count, sizeof *order, compare, &s);
    int64_t twice = INT64_MAX;
    for (int64_t i = 1; i < values->count; i++) {
        size_t bytes = s.width * sizeof(int64_t);
        if (memcmp(s.number + (size_t)order[i] * s.width, s.number + (size_t)order[i - 1] * s.width,
                   bytes) == 0 &&
            order[i] < twice)
            twice = order[i];
    }
    free(order);
    return twice == INT64_MAX ? KPU_OK : complain_double(x, values, twice);
}

static int count_values(const expansion *x, int64_t *out)
{
    const kpu_axis *axis = x->axis;
    const kpu_axis_extent *extent = x->extent;
    *out = 0;
    for (size_t i = 0; i < axis->count; i++) {
        const kpu_axis_item *item = &axis->items[i];
        int64_t count = item_count(x, item);
        kpu_place place = place_at(axis, item->at);
        if (count == 0) {
            return kpu_diag_add_at(x->diag, KPU_E_INPUT, &place,
                                   "%s: %s = %" PRId64 " of the GEMM %s has no divisor within "
                                   "%" PRId64 "..%" PRId64,
                                   axis->key->name, extent->name, extent->size, extent->gemm,
                                   item->number[0], item->number[1]);
        }
        if (count > KPU_AXIS_VALUES_MAX - *out)
            return kpu_diag_add_at(x->diag, KPU_E_INPUT, &place,
                                   "%s: more than %d values on one axis", axis->key->name,
                                   KPU_AXIS_VALUES_MAX);
        *out += count;
    }
    return KPU_OK;
}

static int fill(const expansion *x, kpu_values *out)
{
    const kpu_axis *axis = x->axis;
    const size_t width = kpu_element_width(axis->element);
    int64_t count;
    int code = count_values(x, &count);
    if (code != KPU_OK)
        return code;
    size_t bytes = (size_t)count * width * sizeof(int64_t);
    int64_t *number = bytes > 0 ? malloc(bytes) : NULL;
    if (!number)
        return kpu_diag_add(x->diag, KPU_E_MEMORY, "out of memory");
    int64_t *next = number;
    for (size_t i = 0; i < axis->count; i++) {
        int64_t n = item_count(x, &axis->items[i]);
        fill_item(x, &axis->items[i], n, next);
        next += (size_t)n * width;
    }
    *out = (kpu_values){count, number};
    return check_doubles(x, out);
}

int kpu_axis_expand(const kpu_axis *axis, const kpu_axis_extent *extent, kpu_values *out,
                    kpu_diag *diag)
{
    expansion x = {.axis = axis, .extent = extent, .diag = diag};
    *out = (kpu_values){0};
    int code = expansion_init(&x);
    if (code == KPU_OK)
        code = fill(&x, out);
    free(x.divisors);
    if (code != KPU_OK) {
        free(out->number);
        *out = (kpu_values){0};
    }
    return code;
}
