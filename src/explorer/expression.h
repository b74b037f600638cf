/* The inside of an expression: a postfix program over a small stack. */
#ifndef KPU_EXPLORER_EXPRESSION_H
#define KPU_EXPLORER_EXPRESSION_H

#include "kpu/explorer.h"

enum { KPU_EXPRESSION_STACK = 64 };

typedef enum kpu_opcode {
    KPU_OP_CONSTANT,
    KPU_OP_SLOT,
    KPU_OP_NEGATE,
    KPU_OP_NOT,
    KPU_OP_OR,
    KPU_OP_AND,
    KPU_OP_EQUAL,
    KPU_OP_UNEQUAL,
    KPU_OP_LESS_EQUAL,
    KPU_OP_LESS,
    KPU_OP_GREATER_EQUAL,
    KPU_OP_GREATER,
    KPU_OP_ADD,
    KPU_OP_SUBTRACT,
    KPU_OP_MULTIPLY,
    KPU_OP_DIVIDE,
    KPU_OP_REMAINDER,
    KPU_OP_MIN,
    KPU_OP_MAX
} kpu_opcode;

typedef struct kpu_instruction {
    kpu_opcode op;
    int slot;
    double value;
} kpu_instruction;

struct kpu_expression {
    size_t count;
    kpu_instruction code[];
};

/* All values that something may have: low..high, and no number at all if `nan`. */
typedef struct kpu_interval {
    double low, high;
    bool nan;
} kpu_interval;

/* The values of the expression when each slot may have any of its values, at least. */
kpu_interval kpu_expression_interval(const kpu_expression *expression, const kpu_interval *slots);

#endif
