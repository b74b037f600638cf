/* Numbers as people read them. */
#include <math.h>
#include <string.h>

#include "kpu/report.h"

enum { GROUP_DIGITS = 3 };

void kpu_text_put_grouped(kpu_text *text, int64_t value)
{
    kpu_text digits = {0};
    kpu_text_put_int(&digits, value);
    const char *c = digits.data ? digits.data : "";
    if (*c == '-')
        kpu_text_put_bytes(text, c++, 1);
    for (size_t left = strlen(c); left > 0; left--, c++) {
        kpu_text_put_bytes(text, c, 1);
        if (left > 1 && (left - 1) % GROUP_DIGITS == 0)
            kpu_text_put(text, ",");
    }
    text->failed |= digits.failed;
    kpu_text_fini(&digits);
}

void kpu_text_put_size(kpu_text *text, int64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
    const double step = 1024.0;
    if (bytes < (int64_t)step) {
        kpu_text_format(text, "%lld B", (long long)bytes);
        return;
    }
    double value = (double)bytes / step;
    size_t unit = 0;
    for (; value >= step && unit + 1 < sizeof units / sizeof *units; unit++)
        value /= step;
    int decimals = value == floor(value) ? 0 : value < 10 ? 2 : 1;
    kpu_text_format(text, "%.*f %s", decimals, value, units[unit]);
}

void kpu_text_put_scaled(kpu_text *text, double value, const char *unit)
{
    static const char prefixes[] = {'n', 'u', 'm', ' ', 'k', 'M', 'G', 'T', 'P'};
    enum { NO_PREFIX = 3, LAST = sizeof prefixes - 1 };
    const double step = 1000.0;
    int at = NO_PREFIX;
    for (; value >= step && at < LAST; at++)
        value /= step;
    for (; value > 0 && value < 1 && at > 0; at--)
        value *= step;
    kpu_text_format(text, "%.3g ", value);
    if (at != NO_PREFIX)
        kpu_text_put_bytes(text, &prefixes[at], 1);
    kpu_text_put(text, unit);
}

void kpu_text_put_rational(kpu_text *text, kpu_rational value)
{
    kpu_text_put_int(text, value.num);
    if (value.den == 1)
        return;
    kpu_text_put(text, "/");
    kpu_text_put_int(text, value.den);
}
