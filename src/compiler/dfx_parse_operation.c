/* "%4 = LOAD A L3 -> L2 FIRST_USE hoist 2 transpose depends_on %1": an operation, whose number is
 * also what it produces. */
#include "compiler/dfx_parser.h"

#include <string.h>

static const kpu_range ids = {1, INT32_MAX};

static bool take_id(kpu_dfx_lexer *l, int32_t *out)
{
    int64_t id;
    if (!kpu_dfx_take_int(l, "the number of an operation", ids, &id))
        return false;
    *out = (int32_t)id;
    return true;
}

static uint8_t type_of(uint8_t subtype)
{
    return subtype == KPU_DFX_NONE    ? KPU_DFX_BARRIER
           : subtype <= KPU_DFX_FLUSH ? KPU_DFX_DATA_MOVE
                                      : KPU_DFX_COMPUTE;
}

/* What it is: "LOAD A L3 -> L2", or "BARRIER". */
static bool parse_what(kpu_dfx_lexer *l, kpu_dfx_operation *o)
{
    const char *names[KPU_DFX_SUBTYPES];
    memcpy(names, kpu_dfx_subtype_names, sizeof names);
    names[KPU_DFX_NONE] = kpu_dfx_type_names[KPU_DFX_BARRIER];
    o->operand = KPU_C;
    if (!kpu_dfx_take_listed(l, (kpu_dfx_words){"an operation", names, KPU_DFX_SUBTYPES},
                             &o->subtype))
        return false;
    o->type = type_of(o->subtype);
    if (o->type == KPU_DFX_BARRIER)
        return true;
    const kpu_dfx_words operands = {"an operand", kpu_dfx_operand_names, KPU_OPERANDS};
    const kpu_dfx_words levels = {"a level", kpu_dfx_level_names, KPU_DFX_LEVELS};
    return kpu_dfx_take_listed(l, operands, &o->operand) &&
           kpu_dfx_take_listed(l, levels, &o->source) && kpu_dfx_take(l, "->") &&
           kpu_dfx_take_listed(l, levels, &o->dest);
}

static bool parse_hoist(kpu_dfx_lexer *l, kpu_dfx_operation *o)
{
    o->hoist = KPU_NEST;
    if (!kpu_dfx_has_hoist(o))
        return true;
    int64_t hoist;
    if (!kpu_dfx_take(l, "hoist") ||
        !kpu_dfx_take_int(l, "hoist", (kpu_range){0, KPU_NEST}, &hoist))
        return false;
    o->hoist = (uint8_t)hoist;
    return true;
}

static bool parse_depends(kpu_dfx_lexer *l, kpu_dfx_operation *o)
{
    do {
        if (o->depends_count == KPU_DFX_DEPENDS_MAX)
            return kpu_dfx_complain_at(l, l->at, "depends on more than %d", KPU_DFX_DEPENDS_MAX);
        if (!kpu_dfx_take(l, "%") || !take_id(l, &o->depends_on[o->depends_count++]))
            return false;
    } while (kpu_dfx_skip(l, ","));
    return true;
}

bool kpu_dfx_parse_operation(kpu_dfx_lexer *l, kpu_dfx_operation *o)
{
    const kpu_dfx_words whens = {"a moment", kpu_dfx_when_names, KPU_DFX_WHENS};
    if (!take_id(l, &o->id) || !kpu_dfx_take(l, "=") || !parse_what(l, o) ||
        !kpu_dfx_take_listed(l, whens, &o->when) || !parse_hoist(l, o))
        return false;
    o->produces = o->id;
    for (size_t flag = 0; flag < KPU_DFX_FLAGS; flag++) /* in this order */
        *kpu_dfx_flag(o, flag) = kpu_dfx_skip(l, kpu_dfx_flag_names[flag]);
    return !kpu_dfx_skip(l, "depends_on") || parse_depends(l, o);
}
