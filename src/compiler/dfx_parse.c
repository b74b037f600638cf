/* Text of a program -> the program (docs/dfx.md). */
#include "compiler/dfx_parser.h"

#include <stdlib.h>
#include <string.h>

/* ---- Statements outside kernels ----------------------------------------------------------- */

static void parse_version(kpu_dfx_parser *p)
{
    kpu_dfx_lexer *l = &p->lexer;
    char word[KPU_DFX_WORD_MAX + 1];
    if (p->has_version) {
        kpu_dfx_complain_at(l, 0, "a second version");
        return;
    }
    p->has_version = true;
    if (!kpu_dfx_take_word(l, "a version", word))
        return;
    if (strcmp(word, KPU_DFX_VERSION) != 0)
        kpu_dfx_complain_at(l, l->at - strlen(word), "version %s is not known here: expected %s",
                            word, KPU_DFX_VERSION);
    else
        kpu_dfx_take_line_end(l);
}

static void parse_graph(kpu_dfx_parser *p)
{
    char name[KPU_GRAPH_NAME_MAX + 1];
    if (p->has_graph) {
        kpu_dfx_complain_at(&p->lexer, 0, "a second graph");
        return;
    }
    p->has_graph = true;
    if (!kpu_dfx_take_string(&p->lexer, "the graph's name", name) ||
        !kpu_dfx_take_line_end(&p->lexer))
        return;
    char *copy = strdup(name);
    if (!copy) {
        kpu_dfx_out_of_memory(&p->lexer);
        return;
    }
    free(p->dfx->graph_name);
    p->dfx->graph_name = copy;
}

/* Room for one more: the capacity is the power of two that `count` fills. */
static bool reserve(kpu_dfx_parser *p, void **items, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return true;
    void *grown = reallocarray(*items, count == 0 ? 1 : 2 * count, size);
    if (!grown)
        return kpu_dfx_out_of_memory(&p->lexer);
    *items = grown;
    return true;
}

/* "[4, 16]" */
static bool parse_shape(kpu_dfx_lexer *l, kpu_dfx_tensor *tensor)
{
    if (!kpu_dfx_take(l, "["))
        return false;
    if (kpu_dfx_skip(l, "]"))
        return true;
    do {
        if (tensor->rank == KPU_RANK_MAX)
            return kpu_dfx_complain_at(l, l->at, "more than %d dimensions", KPU_RANK_MAX);
        if (!kpu_dfx_take_int(l, "a dimension", (kpu_range){1, KPU_WORKLOAD_DIM_MAX},
                              &tensor->shape[tensor->rank++]))
            return false;
    } while (kpu_dfx_skip(l, ","));
    return kpu_dfx_take(l, "]");
}

static void parse_tensor(kpu_dfx_parser *p)
{
    kpu_dfx_lexer *l = &p->lexer;
    kpu_dfx *dfx = p->dfx;
    char name[KPU_GRAPH_NAME_MAX + 1];
    if (!kpu_dfx_take_string(l, "a tensor's name", name))
        return;
    if (dfx->tensor_count == KPU_DFX_TENSORS_MAX) {
        kpu_dfx_complain_at(l, 0, "more than %d tensors", KPU_DFX_TENSORS_MAX);
        return;
    }
    void *lines = p->tensor_lines;
    bool reserved = reserve(p, &lines, dfx->tensor_count, sizeof *p->tensor_lines);
    p->tensor_lines = lines;
    kpu_dfx_tensor *tensor = reserved ? kpu_dfx_add_tensor(dfx, name) : NULL;
    if (!tensor || !kpu_dfx_index_add(&p->tensors, tensor->name, (int32_t)dfx->tensor_count - 1)) {
        kpu_dfx_out_of_memory(l);
        return;
    }
    p->tensor_lines[dfx->tensor_count - 1] = l->line;
    const kpu_dfx_words roles = {"a role", kpu_dfx_role_names, KPU_DFX_ROLES};
    if (kpu_dfx_take_dtype(l, &tensor->dtype) && parse_shape(l, tensor) &&
        kpu_dfx_take_listed(l, roles, &tensor->role))
        kpu_dfx_take_line_end(l);
}

static void parse_kernel(kpu_dfx_parser *p)
{
    kpu_dfx_lexer *l = &p->lexer;
    kpu_dfx *dfx = p->dfx;
    char name[KPU_GRAPH_NAME_MAX + 1];
    p->skipping = true; /* what follows a wrong line says nothing */
    if (!kpu_dfx_take_string(l, "a kernel's name", name) || !kpu_dfx_take_line_end(l))
        return;
    if (dfx->kernel_count == KPU_DFX_KERNELS_MAX) {
        kpu_dfx_complain_at(l, 0, "more than %d kernels", KPU_DFX_KERNELS_MAX);
        return;
    }
    void *lines = p->kernel_lines;
    bool reserved = reserve(p, &lines, dfx->kernel_count, sizeof *p->kernel_lines);
    p->kernel_lines = lines;
    kpu_dfx_kernel *kernel = reserved ? kpu_dfx_add_kernel(dfx, name) : NULL;
    if (!kernel || !kpu_dfx_index_add(&p->kernels, kernel->name, (int32_t)dfx->kernel_count - 1)) {
        kpu_dfx_out_of_memory(l);
        return;
    }
    p->kernel = kernel;
    p->lines = &p->kernel_lines[dfx->kernel_count - 1];
    *p->lines = (kpu_dfx_kernel_lines){.kernel = l->line};
    p->skipping = false;
    p->loop_count = 0;
    p->seen = p->hints_seen = 0;
}

/* ---- Names -------------------------------------------------------------------------------- */

bool kpu_dfx_unknown_name(kpu_dfx_parser *p, bool tensor, const char *name, size_t at)
{
    enum { COMPARED_MAX = 1000 };
    size_t count = tensor ? p->dfx->tensor_count : p->dfx->kernel_count;
    if (count > COMPARED_MAX) /* a program of thousands of wrong names is to be refused at once */
        count = COMPARED_MAX;
    const char **names = calloc(count + 1, sizeof *names);
    if (!names)
        return kpu_dfx_out_of_memory(&p->lexer);
    for (size_t i = 0; i < count; i++)
        names[i] = tensor ? p->dfx->tensors[i].name : p->dfx->kernels[i].name;
    const char *nearest = kpu_nearest_name(name, names, count);
    kpu_dfx_complain_at(&p->lexer, at, "no %s '%s' stands above%s%s%s",
                        tensor ? "tensor" : "kernel", name, nearest ? "; did you mean '" : "",
                        nearest ? nearest : "", nearest ? "'?" : "");
    free(names);
    return false;
}

/* ---- All of it ---------------------------------------------------------------------------- */

typedef struct statement {
    const char *name;
    void (*parse)(kpu_dfx_parser *parser);
} statement;

static void parse_outside(kpu_dfx_parser *p)
{
    static const statement statements[] = {{"dfx", parse_version},
                                           {"graph", parse_graph},
                                           {"tensor", parse_tensor},
                                           {"kernel", parse_kernel}};
    enum { STATEMENTS = sizeof statements / sizeof *statements };
    const char *names[STATEMENTS];
    for (size_t i = 0; i < STATEMENTS; i++)
        names[i] = statements[i].name;
    uint8_t row;
    if (!kpu_dfx_take_listed(&p->lexer, (kpu_dfx_words){"a statement", names, STATEMENTS}, &row))
        return;
    if (row != 0 && !p->has_version) {
        p->has_version = true;
        kpu_dfx_complain_at(&p->lexer, 0, "expected 'dfx %s' first", KPU_DFX_VERSION);
    }
    statements[row].parse(p);
}

static void parse(kpu_dfx_parser *p)
{
    kpu_dfx_lexer *l = &p->lexer;
    while (kpu_dfx_next_line(l))
        if (p->skipping)
            p->skipping = !kpu_dfx_skip(l, "end");
        else if (p->kernel)
            kpu_dfx_parse_in_kernel(p);
        else
            parse_outside(p);
    if (l->code != KPU_OK)
        return;
    const kpu_place place = {.file = l->path};
    if (!p->has_version || !p->has_graph)
        l->code = kpu_diag_add_at(l->diag, KPU_E_INPUT, &place, "there is no '%s'",
                                  p->has_version ? "graph" : "dfx " KPU_DFX_VERSION);
    else if (p->kernel)
        l->code = kpu_diag_add_at(l->diag, KPU_E_INPUT, &place, "kernel '%s' without its end",
                                  p->kernel->name);
}

static const char *line_of(const kpu_dfx_parser *p, kpu_dfx_part_id id)
{
    if (id.part == KPU_DFX_PART_PROGRAM)
        return NULL;
    if (id.part == KPU_DFX_PART_TENSOR)
        return p->tensor_lines[id.owner];
    const kpu_dfx_kernel_lines *lines = &p->kernel_lines[id.owner];
    return id.part == KPU_DFX_PART_LOOP         ? lines->loops[id.index]
           : id.part == KPU_DFX_PART_ALLOCATION ? lines->allocations[id.index]
           : id.part == KPU_DFX_PART_OPERATION  ? lines->operations[id.index]
                                                : lines->kernel;
}

/* For the verifier. Lines are counted again: it asks only to complain. */
static kpu_place place_of(const void *context, kpu_dfx_part_id id)
{
    const kpu_dfx_parser *p = context;
    const char *line = line_of(p, id);
    kpu_place place = {.file = p->lexer.path, .text = line};
    if (!line)
        return place;
    place.line = place.column = 1;
    for (const char *c = p->lexer.text; c < line; c++)
        place.line += *c == '\n';
    place.column += (int64_t)strspn(line, " \t");
    return place;
}

static int parse_and_verify(kpu_dfx_parser *p)
{
    const kpu_dfx_locator locator = {place_of, p};
    parse(p);
    if (p->lexer.code != KPU_OK)
        return p->lexer.code;
    return kpu_dfx_verify_at(p->dfx, p->lexer.path, &locator, p->lexer.diag);
}

int kpu_dfx_parse(const char *path, const char *text, size_t bytes, kpu_dfx **out, kpu_diag *diag)
{
    *out = NULL;
    char *copy = malloc(bytes + 1); /* complaints show lines, which must end */
    kpu_dfx_parser p = {.dfx = kpu_dfx_new("")};
    int code = KPU_E_MEMORY;
    if (p.dfx && copy) {
        memcpy(copy, text, bytes);
        copy[bytes] = '\0';
        p.lexer = (kpu_dfx_lexer){
            .path = path, .text = copy, .next = copy, .end = copy + bytes, .diag = diag};
        code = parse_and_verify(&p);
    } else {
        kpu_diag_add(diag, code, "out of memory");
    }
    if (code == KPU_OK)
        *out = p.dfx;
    else
        kpu_dfx_free(p.dfx);
    kpu_dfx_index_fini(&p.tensors);
    kpu_dfx_index_fini(&p.kernels);
    free(p.tensor_lines);
    free(p.kernel_lines);
    free(copy);
    return code;
}
