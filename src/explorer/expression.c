/* Constraints and filters: text -> a postfix program over a small stack of doubles.
 *
 *     or  <  and  <  not  <  == != < <= > >=  <  + -  <  * / %  <  unary -
 *
 * Truth is "neither zero nor NaN", so that a comparison with a number that does not exist is
 * false. Comparisons do not chain: what `a < b < c` means in C is never what was meant. */
#include "explorer/expression.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NESTING_MAX = 64, NUMBER_MAX = 64, NAME_MAX_BYTES = 64, INSTRUCTIONS_MAX = 4096 };

enum { LEVEL_OR = 1, LEVEL_AND, LEVEL_NOT, LEVEL_COMPARE, LEVEL_SUM, LEVEL_PRODUCT, LEVEL_UNARY };

/* Where one spelling begins with another, the longer one stands first. */
static const struct binary {
    const char *text;
    kpu_opcode op;
    int level;
} binaries[] = {
    {"or", KPU_OP_OR, LEVEL_OR},
    {"and", KPU_OP_AND, LEVEL_AND},
    {"==", KPU_OP_EQUAL, LEVEL_COMPARE},
    {"!=", KPU_OP_UNEQUAL, LEVEL_COMPARE},
    {"<=", KPU_OP_LESS_EQUAL, LEVEL_COMPARE},
    {"<", KPU_OP_LESS, LEVEL_COMPARE},
    {">=", KPU_OP_GREATER_EQUAL, LEVEL_COMPARE},
    {">", KPU_OP_GREATER, LEVEL_COMPARE},
    {"+", KPU_OP_ADD, LEVEL_SUM},
    {"-", KPU_OP_SUBTRACT, LEVEL_SUM},
    {"*", KPU_OP_MULTIPLY, LEVEL_PRODUCT},
    {"/", KPU_OP_DIVIDE, LEVEL_PRODUCT},
    {"%", KPU_OP_REMAINDER, LEVEL_PRODUCT},
};

/* Spellings of other languages, and ours. */
static const struct hint {
    const char *text, *ours;
} hints[] = {{"&&", "and"}, {"&", "and"}, {"||", "or"},      {"|", "or"},
             {"!", "not"},  {"=", "=="},  {"^", "a product"}};

/* What was just parsed: a word waits for the name that it is compared with. */
typedef enum term_kind { TERM_VALUE, TERM_NAME, TERM_WORD } term_kind;
typedef struct term {
    term_kind kind;
    char name[NAME_MAX_BYTES];
    size_t at;              /* offset in the text */
    size_t kpu_instruction; /* that loads it */
} term;

typedef struct parser {
    const char *text;
    size_t at;
    const kpu_expression_names *names;
    const kpu_place *place;
    kpu_diag *diag;
    kpu_expression *out;
    int nesting, stack;
    int error;
} parser;

static bool parse_level(parser *p, int level, term *out);

static kpu_place place_at(const parser *p, size_t at)
{
    kpu_place place = p->place ? *p->place : (kpu_place){NULL, 0, 1, p->text};
    place.column = place.column > 0 ? place.column + (int64_t)at : 0;
    return place;
}

static bool fail(parser *p, size_t at, const char *message)
{
    kpu_place place = place_at(p, at);
    p->error = kpu_diag_add_at(p->diag, KPU_E_INPUT, &place, "%s", message);
    return false;
}

static bool fail_unknown(parser *p, const term *word)
{
    const kpu_expression_names *names = p->names;
    const char *near =
        kpu_nearest_name(word->name, names->known, names->known ? names->known_count : 0);
    kpu_place place = place_at(p, word->at);
    p->error = kpu_diag_add_at(p->diag, KPU_E_INPUT, &place, "unknown name '%s'%s%s%s", word->name,
                               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return false;
}

static void skip_blanks(parser *p)
{
    while (isspace((unsigned char)p->text[p->at]))
        p->at++;
}

static bool is_name_start(char c)
{
    return isalpha((unsigned char)c) || c == '_';
}

static size_t name_length(const char *text)
{
    size_t n = 0;
    while (is_name_start(text[n]) || (n > 0 && (isdigit((unsigned char)text[n]) || text[n] == '.')))
        n++;
    return n;
}

/* `keyword` stands here: a symbol, or a whole name. */
static bool stands(const parser *p, const char *keyword)
{
    const char *here = p->text + p->at;
    size_t length = strlen(keyword);
    if (is_name_start(keyword[0]))
        return name_length(here) == length && strncmp(here, keyword, length) == 0;
    return strncmp(here, keyword, length) == 0;
}

static bool take(parser *p, const char *keyword)
{
    skip_blanks(p);
    if (!stands(p, keyword))
        return false;
    p->at += strlen(keyword);
    return true;
}

/* Something else was expected here: perhaps this is how another language spells it. */
static bool fail_expected(parser *p, const char *expected)
{
    char message[NUMBER_MAX];
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
        if (stands(p, hints[i].text)) {
            snprintf(message, sizeof message, "write '%s' as %s", hints[i].text, hints[i].ours);
            return fail(p, p->at, message);
        }
    }
    return fail(p, p->at, expected);
}

/* Every kpu_instruction has at least one character of its own, which bounds the program, too. */
static bool emit(parser *p, kpu_instruction code, int stack_change)
{
    if (p->out->count == INSTRUCTIONS_MAX)
        return fail(p, p->at, "an expression of more than 4096 names, numbers and operators");
    p->stack += stack_change;
    if (p->stack > KPU_EXPRESSION_STACK)
        return fail(p, p->at, "too deeply nested");
    p->out->code[p->out->count++] = code;
    return true;
}

static bool parse_number(parser *p)
{
    const char *from = p->text + p->at, *c = from;
    while (isdigit((unsigned char)*c))
        c++;
    if (*c == '.' && isdigit((unsigned char)c[1]))
        for (c++; isdigit((unsigned char)*c);)
            c++;
    if (*c == 'e' || *c == 'E') {
        const char *e = c + 1 + (c[1] == '+' || c[1] == '-');
        while (isdigit((unsigned char)*e))
            c = ++e;
    }
    char digits[NUMBER_MAX];
    size_t length = (size_t)(c - from);
    if (length >= sizeof digits)
        return fail(p, p->at, "a number with too many digits");
    memcpy(digits, from, length);
    digits[length] = '\0';
    double value = strtod(digits, NULL);
    if (!isfinite(value))
        return fail(p, p->at, "a number out of range");
    if (is_name_start(*c) || *c == '.')
        return fail(p, p->at, "not a number (write 64, 0.5 or 1e6)");
    p->at += length;
    return emit(p, (kpu_instruction){.op = KPU_OP_CONSTANT, .value = value}, 1);
}

static bool take_name(parser *p, size_t length, term *out)
{
    if (length >= sizeof out->name)
        return fail(p, p->at, "a name longer than any that there is");
    memcpy(out->name, p->text + p->at, length);
    out->name[length] = '\0';
    out->at = p->at;
    out->kpu_instruction = p->out->count;
    p->at += length;
    return true;
}

static bool parse_name(parser *p, term *out)
{
    if (!take_name(p, name_length(p->text + p->at), out))
        return false;
    int slot = p->names->slot(p->names->context, out->name);
    out->kind = slot >= 0 ? TERM_NAME : TERM_WORD;
    return emit(p, (kpu_instruction){.op = slot >= 0 ? KPU_OP_SLOT : KPU_OP_CONSTANT, .slot = slot},
                1);
}

static bool parse_quoted(parser *p, term *out)
{
    size_t from = p->at;
    char quote = p->text[p->at++];
    const char *end = strchr(p->text + p->at, quote);
    if (!end)
        return fail(p, from, "a quote that is not closed");
    if (!take_name(p, (size_t)(end - (p->text + p->at)), out))
        return false;
    p->at++;
    out->kind = TERM_WORD;
    return emit(p, (kpu_instruction){.op = KPU_OP_CONSTANT}, 1);
}

/* min(a, b, ...), max(a, b, ...) */
static bool parse_call(parser *p, kpu_opcode op)
{
    size_t from = p->at;
    if (!take(p, "("))
        return fail(p, from, "expected '(' after min or max");
    for (int arguments = 0;; arguments++) {
        term ignored;
        if (!parse_level(p, LEVEL_OR, &ignored))
            return false;
        if (ignored.kind == TERM_WORD)
            return fail_unknown(p, &ignored);
        if (arguments > 0 && !emit(p, (kpu_instruction){.op = op}, -1))
            return false;
        if (take(p, ")"))
            return true;
        if (!take(p, ","))
            return fail(p, p->at, "expected ',' or ')'");
    }
}

static bool parse_parenthesis(parser *p, term *out)
{
    size_t from = p->at;
    p->at++;
    if (!parse_level(p, LEVEL_OR, out))
        return false;
    if (!take(p, ")"))
        return fail(p, p->text[p->at] == '\0' ? from : p->at,
                    p->text[p->at] == '\0' ? "a parenthesis that is not closed" : "expected ')'");
    return true;
}

static bool parse_primary(parser *p, term *out)
{
    skip_blanks(p);
    char c = p->text[p->at];
    *out = (term){.at = p->at};
    if (isdigit((unsigned char)c))
        return parse_number(p);
    if (c == '(')
        return parse_parenthesis(p, out);
    if (c == '\'' || c == '"')
        return parse_quoted(p, out);
    if (take(p, "min"))
        return parse_call(p, KPU_OP_MIN);
    if (take(p, "max"))
        return parse_call(p, KPU_OP_MAX);
    if (stands(p, "not"))
        return fail(p, p->at, "'not' needs parentheses here");
    if (stands(p, "and") || stands(p, "or") || !is_name_start(c))
        return fail_expected(p, "expected a number, a name or '('");
    return parse_name(p, out);
}

static bool parse_unary(parser *p, int level, term *out)
{
    size_t from = p->at;
    kpu_opcode op = KPU_OP_NEGATE;
    if (level <= LEVEL_NOT && take(p, "not")) {
        op = KPU_OP_NOT;
        if (!parse_level(p, LEVEL_NOT, out))
            return false;
    } else if (take(p, "-")) {
        if (!parse_level(p, LEVEL_UNARY, out))
            return false;
    } else {
        return parse_primary(p, out);
    }
    if (out->kind == TERM_WORD)
        return fail_unknown(p, out);
    *out = (term){.at = from};
    return emit(p, (kpu_instruction){.op = op}, 0);
}

/* Gives the word in a comparison the number that it has for the name on the other side. */
static bool resolve_word(parser *p, const term *word, const term *name)
{
    const kpu_expression_names *names = p->names;
    double value;
    if (name->kind != TERM_NAME || !names->word)
        return fail_unknown(p, word);
    if (names->word(names->context, name->name, word->name, &value)) {
        p->out->code[word->kpu_instruction].value = value;
        return true;
    }
    const char *words = names->words ? names->words(names->context, name->name) : NULL;
    if (!words)
        return fail_unknown(p, word);
    kpu_place place = place_at(p, word->at);
    p->error = kpu_diag_add_at(p->diag, KPU_E_INPUT, &place, "'%s' is no value of '%s': %s",
                               word->name, name->name, words);
    return false;
}

static bool resolve_words(parser *p, int level, const term *left, const term *right)
{
    if (level == LEVEL_COMPARE && left->kind == TERM_WORD && right->kind != TERM_WORD)
        return resolve_word(p, left, right);
    if (level == LEVEL_COMPARE && right->kind == TERM_WORD && left->kind != TERM_WORD)
        return resolve_word(p, right, left);
    if (left->kind == TERM_WORD)
        return fail_unknown(p, left);
    if (right->kind == TERM_WORD)
        return fail_unknown(p, right);
    return true;
}

static const struct binary *find_binary(parser *p, int level)
{
    skip_blanks(p);
    for (size_t i = 0; i < sizeof binaries / sizeof *binaries; i++) {
        if (binaries[i].level >= level && stands(p, binaries[i].text))
            return &binaries[i];
    }
    return NULL;
}

static bool parse_binaries(parser *p, int level, term *out)
{
    if (!parse_unary(p, level, out))
        return false;
    int last = 0;
    for (const struct binary *b; (b = find_binary(p, level)) != NULL;) {
        size_t from = p->at;
        if (b->level == LEVEL_COMPARE && last == LEVEL_COMPARE)
            return fail(p, from, "comparisons do not chain: write 'a < b and b < c'");
        p->at += strlen(b->text);
        term right;
        if (!parse_level(p, b->level + 1, &right) || !resolve_words(p, b->level, out, &right) ||
            !emit(p, (kpu_instruction){.op = b->op}, -1))
            return false;
        *out = (term){.at = out->at};
        last = b->level;
    }
    return true;
}

static bool parse_level(parser *p, int level, term *out)
{
    skip_blanks(p);
    if (p->nesting == NESTING_MAX)
        return fail(p, p->at, "too deeply nested");
    p->nesting++;
    bool good = parse_binaries(p, level, out);
    p->nesting--;
    return good;
}

static bool parse_all(parser *p)
{
    term whole;
    if (!parse_level(p, LEVEL_OR, &whole))
        return false;
    skip_blanks(p);
    if (p->text[p->at] != '\0')
        return fail_expected(p, p->text[p->at] == ')' ? "a ')' without its '('"
                                                      : "expected an operator");
    return whole.kind != TERM_WORD || fail_unknown(p, &whole);
}

int kpu_expression_parse(const char *text, const kpu_expression_names *names,
                         const kpu_place *place, kpu_expression **out, kpu_diag *diag)
{
    *out = NULL;
    size_t length = strlen(text), most = length < INSTRUCTIONS_MAX ? length + 1 : INSTRUCTIONS_MAX;
    kpu_expression *expression = malloc(sizeof *expression + most * sizeof(kpu_instruction));
    if (!expression)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    expression->count = 0;
    parser p = {.text = text, .names = names, .place = place, .diag = diag, .out = expression};
    if (!parse_all(&p)) {
        free(expression);
        return p.error;
    }
    *out = expression;
    return KPU_OK;
}

void kpu_expression_free(kpu_expression *expression)
{
    free(expression);
}

static bool truth(double x)
{
    return x != 0.0 && !isnan(x);
}

static double apply(kpu_opcode op, double a, double b)
{
    switch (op) {
    case KPU_OP_OR: return truth(a) || truth(b);
    case KPU_OP_AND: return truth(a) && truth(b);
    case KPU_OP_EQUAL: return a == b;
    case KPU_OP_UNEQUAL: return a < b || a > b; /* false for NaN, as the other comparisons are */
    case KPU_OP_LESS_EQUAL: return a <= b;
    case KPU_OP_LESS: return a < b;
    case KPU_OP_GREATER_EQUAL: return a >= b;
    case KPU_OP_GREATER: return a > b;
    case KPU_OP_ADD: return a + b;
    case KPU_OP_SUBTRACT: return a - b;
    case KPU_OP_MULTIPLY: return a * b;
    case KPU_OP_DIVIDE: return a / b;
    case KPU_OP_REMAINDER: return fmod(a, b);
    case KPU_OP_MIN: return isnan(a) || a < b ? a : b;
    case KPU_OP_MAX: return isnan(a) || a > b ? a : b;
    default: return NAN;
    }
}

double kpu_expression_value(const kpu_expression *expression, const double *slots)
{
    double stack[KPU_EXPRESSION_STACK] = {0};
    size_t top = 0;
    for (size_t i = 0; i < expression->count; i++) {
        const kpu_instruction *code = &expression->code[i];
        switch (code->op) {
        case KPU_OP_CONSTANT: stack[top++] = code->value; break;
        case KPU_OP_SLOT: stack[top++] = slots[code->slot]; break;
        case KPU_OP_NEGATE: stack[top - 1] = -stack[top - 1]; break;
        case KPU_OP_NOT: stack[top - 1] = !truth(stack[top - 1]); break;
        default: top--; stack[top - 1] = apply(code->op, stack[top - 1], stack[top]);
        }
    }
    return stack[0];
}
