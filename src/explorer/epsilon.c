/* Epsilon indicators (Zitzler, Thiele, Laumanns, Fonseca, da Fonseca 2003): for each point of one
 * set how near the other set comes to it, and the worst of these. */
#include <math.h>

#include "explorer/dominance.h"
#include "kpu/explorer.h"

/* How far `a` is behind `b` in one objective. */
typedef double (*distance)(double a, double b);

/* Equal values first, here and below: infinities have no difference, zeros no ratio. */
static double difference(double a, double b)
{
    return a == b ? 0 : a - b;
}

static double ratio(double a, double b)
{
    return a == b ? 1 : a / b;
}

/* The largest distance over the objectives; if it is more than `enough`, something that is too. */
static double behind(const double *a, const double *b, int objectives, distance how, double enough)
{
    double worst = how(a[0], b[0]);
    for (int d = 1; d < objectives && worst <= enough; d++)
        worst = fmax(worst, how(a[d], b[d]));
    return worst;
}

/* `none`: what no points at all are behind nothing. */
static double indicator(kpu_point_set a, kpu_point_set b, int objectives, distance how, double none)
{
    double worst = none;
    for (int64_t j = 0; j < b.count; j++) {
        const double *target = b.values + j * objectives;
        double nearest = INFINITY;
        if (kpu_has_nan(target, objectives))
            continue;
        /* A target that is reached as well as an earlier one changes nothing. */
        for (int64_t i = 0; nearest > worst && i < a.count; i++) {
            const double *value = a.values + i * objectives;
            if (!kpu_has_nan(value, objectives))
                nearest = fmin(nearest, behind(value, target, objectives, how, nearest));
        }
        worst = fmax(worst, nearest);
    }
    return worst;
}

double kpu_epsilon_additive(kpu_point_set a, kpu_point_set b, int objectives)
{
    return indicator(a, b, objectives, difference, -INFINITY);
}

static bool any_negative(kpu_point_set front, int objectives)
{
    for (int64_t i = 0; i < front.count * objectives; i++)
        if (front.values[i] < 0)
            return true;
    return false;
}

double kpu_epsilon_multiplicative(kpu_point_set a, kpu_point_set b, int objectives)
{
    if (any_negative(a, objectives) || any_negative(b, objectives))
        return NAN;
    return indicator(a, b, objectives, ratio, 0);
}
