#include "kpu/base.h"

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

bool kpu_rational_make(int64_t num, int64_t den, kpu_rational *out)
{
    if (den == 0 || num == INT64_MIN || den == INT64_MIN)
        return false; /* their absolute value does not fit */
    int64_t divisor = common_divisor(num, den);
    if (den < 0)
        divisor = -divisor;
    *out = (kpu_rational){num / divisor, den / divisor};
    return true;
}

bool kpu_rational_div(kpu_rational a, kpu_rational b, kpu_rational *out)
{
    /* (a.num / b.num) * (b.den / a.den), each factor reduced first: the products then overflow
     * only if the result does not fit. */
    kpu_rational nums, dens;
    int64_t num, den;
    if (!kpu_rational_make(a.num, b.num, &nums) || !kpu_rational_make(b.den, a.den, &dens))
        return false;
    if (kpu_mul_overflows(nums.num, dens.num, &num) || kpu_mul_overflows(nums.den, dens.den, &den))
        return false;
    return kpu_rational_make(num, den, out);
}

int64_t kpu_rational_ceil_quotient(int64_t a, kpu_rational b)
{
    int64_t scaled, whole;
    if (!kpu_mul_overflows(a, b.den, &scaled))
        return kpu_ceil_div(scaled, b.num);
    int64_t rest = kpu_ceil_div(a % b.num * b.den, b.num);
    if (kpu_mul_overflows(a / b.num, b.den, &whole) || kpu_add_overflows(whole, rest, &whole))
        return INT64_MAX;
    return whole;
}

double kpu_rational_value(kpu_rational r)
{
    return (double)r.num / (double)r.den;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Appends the digits at *text to *number; false on overflow. */
static bool take_digits(const char **text, int64_t *number)
{
    for (; is_digit(**text); ++*text) {
        if (kpu_mul_overflows(*number, 10, number) ||
            kpu_add_overflows(*number, **text - '0', number))
            return false;
    }
    return true;
}

/* "12.8" -> 128/10 */
static bool take_decimal(const char **text, kpu_rational *out)
{
    int64_t num = 0, den = 1;
    if (!is_digit(**text) || !take_digits(text, &num))
        return false;
    if (**text == '.') {
        const char *fraction = ++*text;
        const char *end = fraction;
        while (is_digit(*end))
            end++;
        if (end == fraction)
            return false;
        while (end > fraction && end[-1] == '0') /* 8.000 is as exact as 8 */
            end--;
        for (; *text < end; ++*text) {
            if (kpu_mul_overflows(num, 10, &num) || kpu_mul_overflows(den, 10, &den) ||
                kpu_add_overflows(num, **text - '0', &num))
                return false;
        }
        while (**text == '0')
            ++*text;
    }
    return kpu_rational_make(num, den, out);
}

bool kpu_rational_parse(const char *text, kpu_rational *out)
{
    kpu_rational num, den = {1, 1};
    if (!take_decimal(&text, &num))
        return false;
    if (*text == '/') {
        text++;
        if (!take_decimal(&text, &den))
            return false;
    }
    return *text == '\0' && kpu_rational_div(num, den, out);
}
