/* Statements of a kernel: its sizes, operands, hints, allocations and loops. */
#include "compiler/dfx_parser.h"

#include <stdlib.h>
#include <string.h>

static const kpu_range any_int = {INT64_MIN, INT64_MAX}; /* the verifier knows what is legal */

typedef struct statement {
    const char *name;
    bool (*parse)(kpu_dfx_parser *parser);
    bool once, required;
} statement;

/* ---- Sizes and operands ------------------------------------------------------------------- */

static bool parse_sizes(kpu_dfx_parser *p)
{
    kpu_dfx_lexer *l = &p->lexer;
    for (int d = 0; d < KPU_DIMS; d++) {
        if (d > 0 && !kpu_dfx_take(l, kpu_dfx_dimension_names[d]))
            return false;
        if (!kpu_dfx_take_int(l, kpu_dfx_dimension_names[d], (kpu_range){1, KPU_WORKLOAD_DIM_MAX},
                              &p->kernel->dim[d]))
            return false;
    }
    return true;
}

/* "A" f32 transposed batch_stride 12 */
static bool parse_operand(kpu_dfx_parser *p, int x)
{
    kpu_dfx_lexer *l = &p->lexer;
    kpu_dfx_kernel *kernel = p->kernel;
    char name[KPU_GRAPH_NAME_MAX + 1];
    size_t at = l->at;
    if (!kpu_dfx_take_string(l, "a tensor's name", name))
        return false;
    kernel->tensor[x] = kpu_dfx_index_find(&p->tensors, name);
    if (kernel->tensor[x] < 0)
        return kpu_dfx_unknown_name(p, true, name, at + 1);
    if (!kpu_dfx_take_dtype(l, &kernel->dtype[x]))
        return false;
    if (x == KPU_C &&
        (!kpu_dfx_take(l, "partial") || !kpu_dfx_take_dtype(l, &kernel->partial_dtype)))
        return false;
    kernel->transposed[x] = kpu_dfx_skip(l, "transposed");
    return !kpu_dfx_skip(l, "batch_stride") ||
           kpu_dfx_take_int(l, "batch_stride", (kpu_range){1, KPU_WORKLOAD_PRODUCT_MAX},
                            &kernel->batch_stride[x]);
}

static bool parse_a(kpu_dfx_parser *p)
{
    return parse_operand(p, KPU_A);
}

static bool parse_b(kpu_dfx_parser *p)
{
    return parse_operand(p, KPU_B);
}

static bool parse_c(kpu_dfx_parser *p)
{
    return parse_operand(p, KPU_C);
}

static bool parse_batch(kpu_dfx_parser *p)
{
    return kpu_dfx_take_int(&p->lexer, "batch", any_int, &p->kernel->batch);
}

static bool add_dependency(kpu_dfx_parser *p, int32_t on)
{
    kpu_dfx_kernel *kernel = p->kernel;
    int32_t *grown =
        reallocarray(kernel->depends_on, kernel->depends_count + 1, sizeof *kernel->depends_on);
    if (!grown)
        return kpu_dfx_out_of_memory(&p->lexer);
    kernel->depends_on = grown;
    grown[kernel->depends_count++] = on;
    return true;
}

static bool parse_after(kpu_dfx_parser *p)
{
    kpu_dfx_lexer *l = &p->lexer;
    char name[KPU_GRAPH_NAME_MAX + 1];
    do {
        size_t at = l->at;
        if (!kpu_dfx_take_string(l, "a kernel's name", name))
            return false;
        int32_t on = kpu_dfx_index_find(&p->kernels, name);
        if (on < 0)
            return kpu_dfx_unknown_name(p, false, name, at + 1);
        if (p->kernel->depends_count == KPU_OPERANDS)
            return kpu_dfx_complain_at(l, at + 1, "more kernels to wait for than operands");
        if (!add_dependency(p, on))
            return false;
    } while (kpu_dfx_skip(l, ","));
    return true;
}

/* ---- Settings ----------------------------------------------------------------------------- */

static bool parse_dataflow(kpu_dfx_parser *p)
{
    const kpu_dfx_words words = {"a dataflow", kpu_dfx_dataflow_names, KPU_DATAFLOWS};
    return kpu_dfx_take_listed(&p->lexer, words, &p->kernel->dataflow);
}

static bool parse_control(kpu_dfx_parser *p)
{
    const kpu_dfx_words words = {"a control", kpu_control_names, KPU_CONTROLS};
    return kpu_dfx_take_listed(&p->lexer, words, &p->kernel->control);
}

static bool parse_eddo_window(kpu_dfx_parser *p)
{
    return kpu_dfx_take_int(&p->lexer, "eddo_window", any_int, &p->kernel->eddo_window);
}

static bool parse_l1_buffers(kpu_dfx_parser *p)
{
    return kpu_dfx_take_int(&p->lexer, "l1_buffers", any_int, &p->kernel->l1_buffers);
}

/* ---- Hints -------------------------------------------------------------------------------- */

enum { HINT_INTS = 5, HINT_INTENSITY = HINT_INTS, HINT_REUSE, HINT_MACHINE, HINTS };
static const char *const hint_names[HINTS] = {
    "dram_bytes",         "l3_l2_bytes",          "l2_l1_bytes", "compute_cycles",
    "parallelism_degree", "arithmetic_intensity", "reuse",       "machine"};

static bool parse_reuse(kpu_dfx_lexer *l, double reuse[KPU_OPERANDS])
{
    for (int x = 0; x < KPU_OPERANDS; x++)
        if ((x > 0 && !kpu_dfx_take(l, ",")) || !kpu_dfx_take_real(l, "reuse", &reuse[x]))
            return false;
    return true;
}

static bool parse_machine(kpu_dfx_lexer *l, char out[KPU_MACHINE_NAME_MAX + 1])
{
    char name[KPU_GRAPH_NAME_MAX + 1];
    size_t at = l->at;
    if (!kpu_dfx_take_string(l, "a machine's name", name))
        return false;
    if (strlen(name) > KPU_MACHINE_NAME_MAX)
        return kpu_dfx_complain_at(l, at + 1, "a machine's name of more than %d bytes",
                                   KPU_MACHINE_NAME_MAX);
    memcpy(out, name, strlen(name) + 1);
    return true;
}

static bool parse_hint(kpu_dfx_parser *p)
{
    kpu_dfx_lexer *l = &p->lexer;
    kpu_dfx_kernel_hints *h = &p->kernel->hints;
    int64_t *const ints[HINT_INTS] = {&h->dram_bytes, &h->l3_l2_bytes, &h->l2_l1_bytes,
                                      &h->compute_cycles, &h->parallelism_degree};
    uint8_t hint;
    if (!kpu_dfx_take_listed(l, (kpu_dfx_words){"a hint", hint_names, HINTS}, &hint))
        return false;
    if (p->hints_seen >> hint & 1)
        return kpu_dfx_complain_at(l, l->at - strlen(hint_names[hint]), "a second hint %s",
                                   hint_names[hint]);
    p->hints_seen |= 1u << hint;
    if (hint < HINT_INTS)
        return kpu_dfx_take_int(l, hint_names[hint], any_int, ints[hint]);
    return hint == HINT_INTENSITY ? kpu_dfx_take_real(l, hint_names[hint], &h->arithmetic_intensity)
           : hint == HINT_REUSE   ? parse_reuse(l, h->reuse)
                                  : parse_machine(l, h->machine);
}

/* ---- Allocations and loops ---------------------------------------------------------------- */

static bool parse_allocation(kpu_dfx_parser *p)
{
    kpu_dfx_lexer *l = &p->lexer;
    kpu_dfx_kernel *kernel = p->kernel;
    if (kernel->allocation_count == KPU_OPERANDS * 3)
        return kpu_dfx_complain_at(l, 0, "more than %d allocations", KPU_OPERANDS * 3);
    p->lines->allocations[kernel->allocation_count] = l->line;
    kpu_dfx_allocation *a = &kernel->allocations[kernel->allocation_count++];
    const kpu_dfx_words operands = {"an operand", kpu_dfx_operand_names, KPU_OPERANDS};
    const kpu_dfx_words levels = {"a level", kpu_dfx_level_names, KPU_DFX_LEVELS};
    const kpu_dfx_words hints = {"a hint", kpu_dfx_hint_names, KPU_DFX_HINTS};
    return kpu_dfx_take_listed(l, operands, &a->operand) &&
           kpu_dfx_take_listed(l, levels, &a->level) && kpu_dfx_take(l, "tiles") &&
           kpu_dfx_take_int(l, "tiles", any_int, &a->tiles) && kpu_dfx_take(l, "buffers") &&
           kpu_dfx_take_int(l, "buffers", any_int, &a->buffers) && kpu_dfx_take(l, "size_bytes") &&
           kpu_dfx_take_int(l, "size_bytes", any_int, &a->size_bytes) &&
           kpu_dfx_take_listed(l, hints, &a->hint);
}

/* mb over M from 0 to 1024 step 256 */
static bool parse_loop(kpu_dfx_parser *p)
{
    kpu_dfx_lexer *l = &p->lexer;
    if (p->loop_count == KPU_NEST)
        return kpu_dfx_complain_at(l, 0, "more than %d loops", KPU_NEST);
    p->lines->loops[p->loop_count] = l->line;
    kpu_dfx_loop *loop = &p->kernel->loops[p->loop_count++];
    char word[KPU_DFX_WORD_MAX + 1];
    if (!kpu_dfx_take_word(l, "an induction variable", word))
        return false;
    if (strlen(word) > KPU_DFX_VAR_MAX)
        return kpu_dfx_complain_at(l, l->at - strlen(word), "a variable of more than %d bytes",
                                   KPU_DFX_VAR_MAX);
    memcpy(loop->var, word, strlen(word) + 1);
    const kpu_dfx_words dimensions = {"a dimension", kpu_dfx_dimension_names, KPU_DIMS};
    return kpu_dfx_take(l, "over") && kpu_dfx_take_listed(l, dimensions, &loop->dim) &&
           kpu_dfx_take(l, "from") && kpu_dfx_take_int(l, "start", any_int, &loop->start) &&
           kpu_dfx_take(l, "to") && kpu_dfx_take_int(l, "end", any_int, &loop->end) &&
           kpu_dfx_take(l, "step") && kpu_dfx_take_int(l, "step", any_int, &loop->step);
}

static bool parse_operation(kpu_dfx_parser *p)
{
    kpu_dfx_kernel *kernel = p->kernel;
    if (kernel->operation_count == KPU_DFX_OPERATIONS_MAX)
        return kpu_dfx_complain_at(&p->lexer, 0, "more than %d operations", KPU_DFX_OPERATIONS_MAX);
    p->lines->operations[kernel->operation_count] = p->lexer.line;
    return kpu_dfx_parse_operation(&p->lexer, &kernel->operations[kernel->operation_count++]);
}

/* ---- The statements ----------------------------------------------------------------------- */

static bool parse_end(kpu_dfx_parser *p);

static const statement statements[] = {
    {"M", parse_sizes, true, true},
    {"A", parse_a, true, true},
    {"B", parse_b, true, true},
    {"C", parse_c, true, true},
    {"batch", parse_batch, true, true},
    {"after", parse_after, true, false},
    {"dataflow", parse_dataflow, true, true},
    {"control", parse_control, true, true},
    {"eddo_window", parse_eddo_window, true, true},
    {"l1_buffers", parse_l1_buffers, true, true},
    {"hint", parse_hint, false, false},
    {"allocate", parse_allocation, false, false},
    {"for", parse_loop, false, false},
    {"end", parse_end, false, false},
};
enum { STATEMENTS = sizeof statements / sizeof *statements };

/* Nothing has a default: what was not said is missing. */
static bool parse_end(kpu_dfx_parser *p)
{
    const char *name = p->kernel->name;
    bool fine = true;
    for (size_t i = 0; i < STATEMENTS; i++)
        if (statements[i].required && !(p->seen >> i & 1))
            fine = kpu_dfx_complain_at(&p->lexer, 0, "kernel '%s' does not say %s", name,
                                       statements[i].name);
    for (size_t i = 0; i < HINTS; i++)
        if (!(p->hints_seen >> i & 1))
            fine = kpu_dfx_complain_at(&p->lexer, 0, "kernel '%s' does not say hint %s", name,
                                       hint_names[i]);
    if (p->loop_count < KPU_NEST)
        fine = kpu_dfx_complain_at(&p->lexer, 0, "kernel '%s' has %zu loops: expected %d", name,
                                   p->loop_count, KPU_NEST);
    p->kernel = NULL;
    return fine;
}

void kpu_dfx_parse_in_kernel(kpu_dfx_parser *p)
{
    kpu_dfx_lexer *l = &p->lexer;
    const char *names[STATEMENTS];
    for (size_t i = 0; i < STATEMENTS; i++)
        names[i] = statements[i].name;
    uint8_t row;
    if (kpu_dfx_skip(l, "%")) {
        if (parse_operation(p))
            kpu_dfx_take_line_end(l);
        return;
    }
    if (!kpu_dfx_take_listed(l, (kpu_dfx_words){"a statement of a kernel", names, STATEMENTS},
                             &row))
        return;
    if (statements[row].once && (p->seen >> row & 1)) {
        kpu_dfx_complain_at(l, l->at - strlen(names[row]), "a second %s", names[row]);
        return;
    }
    p->seen |= 1u << row;
    if (statements[row].parse(p))
        kpu_dfx_take_line_end(l);
}
