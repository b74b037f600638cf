#include "kpu/base.h"

#include <string.h>

enum { LONGEST_NAME = 64 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein distance; case is ignored, so that `tm` is near `TM`. Both fit LONGEST_NAME. */
static size_t distance(const char *a, const char *b)
{
    size_t row[LONGEST_NAME + 1];
    size_t columns = strlen(b);
    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < columns; j++) {
            size_t replaced = diagonal + (lower(a[i]) != lower(b[j]));
            diagonal = row[j + 1];
            row[j + 1] = smaller(replaced, 1 + smaller(diagonal, row[j]));
        }
    }
    return row[columns];
}

const char *kpu_nearest_name(const char *name, const char *const *names, size_t count)
{
    size_t length = strlen(name);
    if (length == 0 || length > LONGEST_NAME)
        return NULL;
    /* A suggestion with more than a third of its letters wrong only confuses. */
    size_t best = length / 3 + 2;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t other = strlen(names[i]);
        if (other > LONGEST_NAME)
            continue;
        size_t d = distance(name, names[i]);
        if (d < best && d < (other > length ? other : length)) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}
