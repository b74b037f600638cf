/* Whether the operations of a kernel are a body: each operand's path down to the array and C's way
 * back, complete, once, in emission order, each operation waiting for what it reads. */
#include "compiler/dfx_private.h"

typedef struct body_check {
    kpu_dfx_check *check;
    size_t kernel;
    const kpu_dfx_kernel *of;
} body_check;

static kpu_dfx_part_id operation_id(const body_check *b, size_t index)
{
    return (kpu_dfx_part_id){KPU_DFX_PART_OPERATION, b->kernel, index};
}

/* ---- Words -------------------------------------------------------------------------------- */

typedef struct word {
    const char *what;
    uint8_t value, count;
} word;

/* Every number is one of its list. */
static bool check_words(const body_check *b, size_t index)
{
    const kpu_dfx_operation *o = &b->of->operations[index];
    const word words[] = {
        {"type", o->type, KPU_DFX_TYPES},        {"subtype", o->subtype, KPU_DFX_SUBTYPES},
        {"operand", o->operand, KPU_OPERANDS},   {"source level", o->source, KPU_DFX_LEVELS},
        {"dest level", o->dest, KPU_DFX_LEVELS}, {"when", o->when, KPU_DFX_WHENS},
        {"hoist", o->hoist, KPU_NEST + 1},
    };
    bool fine = true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].value >= words[i].count) {
            kpu_dfx_complain(b->check, operation_id(b, index), "%s %d: expected 0 to %d",
                             words[i].what, words[i].value, words[i].count - 1);
            fine = false;
        }
    if (o->depends_count > KPU_DFX_DEPENDS_MAX) {
        kpu_dfx_complain(b->check, operation_id(b, index), "depends on %d: at most %d are allowed",
                         o->depends_count, KPU_DFX_DEPENDS_MAX);
        fine = false;
    }
    return fine;
}

/* What is known, but in no kernel of ours. */
static bool check_lowered(const body_check *b, size_t index)
{
    const kpu_dfx_operation *o = &b->of->operations[index];
    bool lowered = o->type == KPU_DFX_DATA_MOVE
                       ? o->subtype == KPU_DFX_LOAD || o->subtype == KPU_DFX_STORE
                   : o->type == KPU_DFX_COMPUTE ? o->subtype == KPU_DFX_MATMUL_TILE
                                                : o->subtype == KPU_DFX_NONE;
    if (!lowered)
        kpu_dfx_complain(b->check, operation_id(b, index),
                         "%s with subtype %s is not supported in a kernel: expected DATA_MOVE with "
                         "LOAD or STORE, COMPUTE with MATMUL_TILE, or BARRIER with NONE",
                         kpu_dfx_type_names[o->type], kpu_dfx_subtype_names[o->subtype]);
    return lowered;
}

/* ---- Which operations --------------------------------------------------------------------- */

/* What an operation is, apart from when and for whom. */
static bool same_move(const kpu_dfx_operation *a, const kpu_dfx_operation *b)
{
    return a->type == b->type && a->subtype == b->subtype && a->operand == b->operand &&
           a->source == b->source && a->dest == b->dest;
}

/* "LOAD of A from L2 to L1" */
static void put_wanted(kpu_text *out, const kpu_dfx_operation *o)
{
    if (o->type == KPU_DFX_DATA_MOVE)
        kpu_text_format(out, "%s of %s from %s to %s", kpu_dfx_subtype_names[o->subtype],
                        kpu_dfx_operand_names[o->operand], kpu_dfx_level_names[o->source],
                        kpu_dfx_level_names[o->dest]);
    else if (o->type == KPU_DFX_COMPUTE)
        kpu_text_format(out, "COMPUTE of %s from %s to %s", kpu_dfx_subtype_names[o->subtype],
                        kpu_dfx_level_names[o->source], kpu_dfx_level_names[o->dest]);
    else
        kpu_text_format(out, "the BARRIER (of C, from and to %s)", kpu_dfx_level_names[o->source]);
}

static void complain_of(const body_check *b, kpu_dfx_part_id id, const char *format,
                        const kpu_dfx_operation *wanted)
{
    kpu_text text = {0};
    put_wanted(&text, wanted);
    kpu_dfx_complain(b->check, id, format, text.data ? text.data : "an operation");
    kpu_text_fini(&text);
}

/* Every operation of the body is there, once, and no other. */
static bool check_set(const body_check *b, const kpu_dfx_operation body[KPU_DFX_BODY])
{
    bool fine = true, seen[KPU_DFX_BODY] = {false};
    for (size_t i = 0; i < b->of->operation_count; i++) {
        int at = 0;
        while (at < KPU_DFX_BODY && !same_move(&b->of->operations[i], &body[at]))
            at++;
        if (at == KPU_DFX_BODY)
            kpu_dfx_complain(b->check, operation_id(b, i),
                             "lies on no path of its operand under %s",
                             kpu_dfx_dataflow_names[b->of->dataflow]);
        else if (seen[at])
            kpu_dfx_complain(b->check, operation_id(b, i), "is there twice");
        fine = fine && at < KPU_DFX_BODY && !seen[at];
        if (at < KPU_DFX_BODY)
            seen[at] = true;
    }
    for (int at = 0; at < KPU_DFX_BODY; at++) {
        if (!seen[at])
            complain_of(b, (kpu_dfx_part_id){KPU_DFX_PART_KERNEL, b->kernel, 0}, "%s is missing",
                        &body[at]);
        fine = fine && seen[at];
    }
    return fine;
}

static bool check_order(const body_check *b, const kpu_dfx_operation body[KPU_DFX_BODY])
{
    for (size_t i = 0; i < KPU_DFX_BODY; i++)
        if (!same_move(&b->of->operations[i], &body[i])) {
            complain_of(b, operation_id(b, i),
                        "is out of order: operations stand as they are issued, here %s", &body[i]);
            return false;
        }
    return true;
}

/* ---- Their fields ------------------------------------------------------------------------- */

/* An inner window lies within the outer one, and C goes back where it came from: the hoists of its
 * loads count. */
static void check_hoists(const body_check *b)
{
    const kpu_dfx_operation *o = b->of->operations;
    for (size_t x = 0; x < KPU_OPERANDS; x++)
        if (o[KPU_DFX_LOAD_L3 + x].hoist > o[KPU_DFX_LOAD_L2 + x].hoist)
            kpu_dfx_complain(b->check, operation_id(b, KPU_DFX_LOAD_L2 + x),
                             "hoist %d: expected at least %d, that of the load into L3",
                             o[KPU_DFX_LOAD_L2 + x].hoist, o[KPU_DFX_LOAD_L3 + x].hoist);
}

static void check_flag(const body_check *b, size_t index, const char *name, const bool pair[2])
{
    if (pair[0] != pair[1])
        kpu_dfx_complain(b->check, operation_id(b, index), "%s is %s: expected %s", name,
                         pair[0] ? "true" : "false", pair[1] ? "true" : "false");
}

static void check_number(const body_check *b, size_t index, const char *name, const int pair[2])
{
    if (pair[0] != pair[1])
        kpu_dfx_complain(b->check, operation_id(b, index), "%s is %d: expected %d", name, pair[0],
                         pair[1]);
}

static bool depends(const kpu_dfx_operation *operation, int32_t on)
{
    for (size_t i = 0; i < operation->depends_count; i++)
        if (operation->depends_on[i] == on)
            return true;
    return false;
}

/* It waits for the producers of what it reads, in ascending order, and for nobody else. */
static void check_depends(const body_check *b, size_t index, const kpu_dfx_operation *wanted)
{
    const kpu_dfx_operation *o = &b->of->operations[index];
    for (size_t i = 0; i < wanted->depends_count; i++)
        if (!depends(o, wanted->depends_on[i]))
            kpu_dfx_complain(b->check, operation_id(b, index),
                             "does not depend on %d, whose result it needs", wanted->depends_on[i]);
    for (size_t i = 0; i < o->depends_count; i++)
        if (!depends(wanted, o->depends_on[i]))
            kpu_dfx_complain(b->check, operation_id(b, index),
                             "depends on %d, whose result it does not need", o->depends_on[i]);
        else if (i > 0 && o->depends_on[i] <= o->depends_on[i - 1])
            kpu_dfx_complain(b->check, operation_id(b, index),
                             "depends on %d after %d: expected ascending order", o->depends_on[i],
                             o->depends_on[i - 1]);
}

static void check_fields(const body_check *b, size_t index, const kpu_dfx_operation *wanted)
{
    const kpu_dfx_operation *o = &b->of->operations[index];
    if (o->when != wanted->when)
        kpu_dfx_complain(b->check, operation_id(b, index), "takes place at %s: expected %s",
                         kpu_dfx_when_names[o->when], kpu_dfx_when_names[wanted->when]);
    check_number(b, index, "op_id", (int[]){o->id, wanted->id});
    check_number(b, index, "produces", (int[]){o->produces, wanted->produces});
    check_number(b, index, "hoist", (int[]){o->hoist, wanted->hoist});
    check_flag(b, index, "unless_fresh", (bool[]){o->unless_fresh, wanted->unless_fresh});
    check_flag(b, index, "transpose", (bool[]){o->transpose, wanted->transpose});
    check_flag(b, index, "broadcast", (bool[]){o->broadcast, wanted->broadcast});
    check_flag(b, index, "accumulate", (bool[]){o->accumulate, wanted->accumulate});
    check_depends(b, index, wanted);
}

bool kpu_dfx_check_body(kpu_dfx_check *check, size_t kernel)
{
    const kpu_dfx_kernel *of = &check->dfx->kernels[kernel];
    const body_check b = {check, kernel, of};
    bool fine = true;
    for (size_t i = 0; i < of->operation_count; i++)
        fine = check_words(&b, i) && check_lowered(&b, i) && fine;
    kpu_dfx_body_shape shape = {.dataflow = of->dataflow};
    kpu_dfx_operation body[KPU_DFX_BODY];
    kpu_dfx_make_body(&shape, body);
    if (!fine || !check_set(&b, body) || !check_order(&b, body))
        return false;
    int k = 0; /* position of the tile loop over K: its block loop and it run once or more often */
    while (of->loops[KPU_BLOCK_LOOPS + k].dim != KPU_K)
        k++;
    shape.accumulate = of->loops[KPU_BLOCK_LOOPS + k].step < of->dim[KPU_K];
    for (int x = 0; x < KPU_OPERANDS; x++) {
        shape.transposed[x] = of->transposed[x];
        shape.hoist[x][KPU_HOIST_L3] = of->operations[KPU_DFX_LOAD_L3 + x].hoist;
        shape.hoist[x][KPU_HOIST_L2] = of->operations[KPU_DFX_LOAD_L2 + x].hoist;
    }
    kpu_dfx_make_body(&shape, body);
    check_hoists(&b);
    for (size_t i = 0; i < KPU_DFX_BODY; i++)
        check_fields(&b, i, &body[i]);
    return true;
}
