/* Numbers as people read them. */
#include <math.h>
#include <stdio.h>
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

const char *kpu_size_text(double bytes, char out[KPU_SIZE_TEXT])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    const double step = 1024.0;
    size_t unit = 0;
    for (; bytes >= step && unit + 1 < sizeof units / sizeof *units; unit++)
        bytes /= step;
    snprintf(out, KPU_SIZE_TEXT, bytes == floor(bytes) ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
    return out;
}

void kpu_text_put_size(kpu_text *text, int64_t bytes)
{
    char size[KPU_SIZE_TEXT];
    kpu_text_put(text, kpu_size_text((double)bytes, size));
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
