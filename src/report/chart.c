/* A scatter chart in characters. */
#include <math.h>
#include <string.h>

#include "kpu/report.h"

enum { COLUMNS = 62, ROWS = 13, LABEL = 9 };

typedef struct scale {
    double low, high; /* of the data, or of its logarithm */
    bool logarithmic;
} scale;

static scale scale_of(const double *values, size_t count)
{
    scale s = {.low = INFINITY, .high = -INFINITY};
    for (size_t i = 0; i < count; i++) {
        s.low = fmin(s.low, values[i]);
        s.high = fmax(s.high, values[i]);
    }
    s.logarithmic = s.low > 0;
    if (s.logarithmic) {
        s.low = log10(s.low);
        s.high = log10(s.high);
    }
    return s;
}

/* Cell 0 .. cells-1 of a value. */
static int place(const scale *s, double value, int cells)
{
    double at = s->logarithmic ? log10(value) : value;
    double span = s->high - s->low;
    return span > 0 ? (int)lround((at - s->low) / span * (cells - 1)) : cells / 2;
}

static void put_label(kpu_text *out, const scale *s, double fraction, bool left)
{
    double at = s->low + fraction * (s->high - s->low);
    kpu_text label = {0};
    kpu_text_put_scaled(&label, s->logarithmic ? pow(10.0, at) : at, "");
    kpu_text_format(out, left ? "%-*s" : "%*s", LABEL - 1, label.data ? label.data : "");
    out->failed |= label.failed;
    kpu_text_fini(&label);
}

static void put_rows(kpu_text *out, char grid[ROWS][COLUMNS + 1], const scale *y)
{
    for (int row = 0; row < ROWS; row++) {
        if (row % ((ROWS - 1) / 2) == 0)
            put_label(out, y, 1.0 - (double)row / (ROWS - 1), false);
        else
            kpu_text_repeat(out, ' ', LABEL - 1);
        size_t length = COLUMNS;
        while (length > 0 && grid[row][length - 1] == ' ')
            length--;
        kpu_text_put(out, length > 0 ? " | " : " |");
        kpu_text_put_bytes(out, grid[row], length);
        kpu_text_put(out, "\n");
    }
}

void kpu_chart_print(const kpu_chart *chart, kpu_text *out)
{
    char grid[ROWS][COLUMNS + 1];
    if (chart->count == 0)
        return;
    scale x = scale_of(chart->x, chart->count), y = scale_of(chart->y, chart->count);
    memset(grid, ' ', sizeof grid);
    for (size_t i = 0; i < chart->count; i++)
        grid[ROWS - 1 - place(&y, chart->y[i], ROWS)][place(&x, chart->x[i], COLUMNS)] = '*';
    kpu_text_format(out, "%*s%s%s\n", LABEL, "", chart->y_title,
                    y.logarithmic ? " (logarithmic)" : "");
    put_rows(out, grid, &y);
    kpu_text_repeat(out, ' ', LABEL);
    kpu_text_put(out, "+");
    kpu_text_repeat(out, '-', COLUMNS + 1);
    kpu_text_format(out, "\n%*s", LABEL + 2, "");
    put_label(out, &x, 0, true);
    kpu_text title = {0};
    kpu_text_format(&title, "%s%s", chart->x_title, x.logarithmic ? " (logarithmic)" : "");
    int gap = COLUMNS - 2 * (LABEL - 1) - (int)title.length;
    kpu_text_repeat(out, ' ', gap / 2);
    kpu_text_put(out, title.data ? title.data : "");
    kpu_text_repeat(out, ' ', gap - gap / 2);
    put_label(out, &x, 1, false);
    kpu_text_put(out, "\n");
    kpu_text_fini(&title);
}
