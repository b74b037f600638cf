/* An expression over ranges of values: what it cannot be. */
#include <math.h>

#include "explorer/expression.h"

static const kpu_interval anything = {-INFINITY, INFINITY, true};

static bool may_hold(kpu_interval a)
{
    return a.low != 0 || a.high != 0;
}

static bool may_fail(kpu_interval a)
{
    return a.nan || (a.low <= 0 && a.high >= 0);
}

static kpu_interval truth(bool may_be_true, bool may_be_false)
{
    return (kpu_interval){may_be_false ? 0 : 1, may_be_true ? 1 : 0, false};
}

/* Comparisons with NaN are false. */
static kpu_interval compare(kpu_opcode op, kpu_interval a, kpu_interval b)
{
    const bool nan = a.nan || b.nan, overlap = a.low <= b.high && b.low <= a.high;
    const bool same = a.low == b.high && a.high == b.low; /* one value, of both */
    switch (op) {
    case KPU_OP_EQUAL: return truth(overlap, !same || nan);
    case KPU_OP_UNEQUAL: return truth(!same, overlap || nan);
    case KPU_OP_LESS_EQUAL: return truth(a.low <= b.high, a.high > b.low || nan);
    case KPU_OP_LESS: return truth(a.low < b.high, a.high >= b.low || nan);
    case KPU_OP_GREATER_EQUAL: return truth(a.high >= b.low, a.low < b.high || nan);
    default: return truth(a.high > b.low, a.low <= b.high || nan);
    }
}

static double compute(kpu_opcode op, double a, double b)
{
    switch (op) {
    case KPU_OP_ADD: return a + b;
    case KPU_OP_SUBTRACT: return a - b;
    case KPU_OP_MULTIPLY: return a * b;
    case KPU_OP_DIVIDE: return a / b;
    case KPU_OP_MIN: return a < b ? a : b;
    default: return a > b ? a : b;
    }
}

/* These are monotone in both operands, rounding included, so that they are extreme at corners. */
static kpu_interval combine(kpu_opcode op, kpu_interval a, kpu_interval b)
{
    const double corners[] = {compute(op, a.low, b.low), compute(op, a.low, b.high),
                              compute(op, a.high, b.low), compute(op, a.high, b.high)};
    kpu_interval out = {corners[0], corners[0], a.nan || b.nan};
    if (op == KPU_OP_DIVIDE && b.low <= 0 && b.high >= 0)
        return anything;
    for (int i = 0; i < 4; i++) {
        if (isnan(corners[i]))
            return anything;
        out.low = fmin(out.low, corners[i]);
        out.high = fmax(out.high, corners[i]);
    }
    return out;
}

/* fmod has the sign of a, and is smaller than b. */
static kpu_interval remainder_of(kpu_interval a, kpu_interval b)
{
    if (a.nan || b.nan || isinf(a.low) || isinf(a.high) || (b.low <= 0 && b.high >= 0))
        return anything;
    if (a.low == a.high && b.low == b.high)
        return (kpu_interval){fmod(a.low, b.low), fmod(a.low, b.low), false};
    double most = fmax(fabs(b.low), fabs(b.high));
    return (kpu_interval){a.low < 0 ? fmax(a.low, -most) : 0, a.high > 0 ? fmin(a.high, most) : 0,
                          false};
}

static kpu_interval apply(kpu_opcode op, kpu_interval a, kpu_interval b)
{
    switch (op) {
    case KPU_OP_OR: return truth(may_hold(a) || may_hold(b), may_fail(a) && may_fail(b));
    case KPU_OP_AND: return truth(may_hold(a) && may_hold(b), may_fail(a) || may_fail(b));
    case KPU_OP_EQUAL:
    case KPU_OP_UNEQUAL:
    case KPU_OP_LESS_EQUAL:
    case KPU_OP_LESS:
    case KPU_OP_GREATER_EQUAL:
    case KPU_OP_GREATER: return compare(op, a, b);
    case KPU_OP_REMAINDER: return remainder_of(a, b);
    default: return combine(op, a, b);
    }
}

kpu_interval kpu_expression_interval(const kpu_expression *expression, const kpu_interval *slots)
{
    kpu_interval stack[KPU_EXPRESSION_STACK] = {{0, 0, false}};
    size_t top = 0;
    for (size_t i = 0; i < expression->count; i++) {
        const kpu_instruction *code = &expression->code[i];
        kpu_interval *last = top > 0 ? &stack[top - 1] : stack;
        switch (code->op) {
        case KPU_OP_CONSTANT:
            stack[top++] = (kpu_interval){code->value, code->value, isnan(code->value)};
            break;
        case KPU_OP_SLOT: stack[top++] = slots[code->slot]; break;
        case KPU_OP_NEGATE: *last = (kpu_interval){-last->high, -last->low, last->nan}; break;
        case KPU_OP_NOT: *last = truth(may_fail(*last), may_hold(*last)); break;
        default: top--; stack[top - 1] = apply(code->op, stack[top - 1], stack[top]);
        }
    }
    return stack[0];
}
