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

/* Letters to insert, delete, replace or exchange with their neighbour (optimal string alignment:
 * a swap is one slip of the fingers, not two). Case is ignored, so that `tm` is near `TM`. Both
 * fit LONGEST_NAME. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][LONGEST_NAME + 1]; /* of a[i-2], a[i-1], a[i], in turn */
    size_t columns = strlen(b), i;
    for (size_t j = 0; j <= columns; j++)
        rows[0][j] = j;
    for (i = 1; a[i - 1] != '\0'; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            char x = lower(a[i - 1]), y = lower(b[j - 1]);
            row[j] = smaller(above[j - 1] + (x != y), 1 + smaller(above[j], row[j - 1]));
            if (i > 1 && j > 1 && x == lower(b[j - 2]) && y == lower(a[i - 2]))
                row[j] = smaller(row[j], above2[j - 2] + 1);
        }
    }
    return rows[(i - 1) % 3][columns];
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
