/* The flat form, read: how an unrolled kernel and a file differ. */
#include "compiler/dfx_flat_read.h"

#include <stdlib.h>

typedef struct comparison {
    const flat_file *file;
    const kpu_dfx_kernel *kernel;
    flat_difference *out;
    int32_t cursor[KPU_DFX_BODY]; /* the next of each kind; -1: there are no more */
    int32_t *place; /* of each unrolled operation, from 1, that of the file; -1: there is none */
    size_t places;
    int32_t at;  /* of the operations of the file, if they come in our order */
    int missing; /* kind of the first one that the file does not have; -1: none */
} comparison;

static void put_kind(const comparison *c, int kind, kpu_text *out)
{
    const kpu_dfx_operation *o = &c->kernel->operations[kind];
    if (o->type == KPU_DFX_COMPUTE)
        kpu_text_put(out, "COMPUTE");
    else
        kpu_text_format(out, "%s of %s from %s to %s", kpu_dfx_subtype_names[o->subtype],
                        kpu_dfx_operand_names[o->operand],
                        kpu_dfx_level_names[c->file->is_direct && kind == KPU_DFX_STORE_EXTERNAL
                                                ? KPU_DFX_REGISTER
                                                : o->source],
                        kpu_dfx_level_names[o->dest]);
}

/* The first difference in the file's order counts. */
static bool is_news(const comparison *c, int32_t at)
{
    if ((size_t)at >= c->out->at)
        return false;
    c->out->at = (size_t)at;
    kpu_text_clear(&c->out->text);
    return true;
}

/* Direct form: C's way through L2 and L3 is not in the file. */
static bool is_left_out(const comparison *c, int kind)
{
    return c->file->is_direct && (kind == KPU_DFX_STORE_L2 || kind == KPU_DFX_STORE_L3);
}

static void compare_tile(const comparison *c, const kpu_dfx_flat_operation *o, int kind, int32_t at)
{
    const flat_operation *f = &c->file->operations[at];
    const uint8_t *dims = kpu_dfx_flat_dims[o->of->operand];
    bool same = true;
    for (int d = 0; d < KPU_DIMS; d++)
        if (kind == KPU_DFX_MATMUL || d == dims[0] || d == dims[1])
            same = same && f->tile[d] == o->tile[d];
    if (!same && is_news(c, at)) {
        kpu_text_format(&c->out->text, "%s: [%d, %d], but the next ",
                        kind == KPU_DFX_MATMUL ? "output.tile" : "source.tile", f->tile[dims[0]],
                        f->tile[dims[1]]);
        put_kind(c, kind, &c->out->text);
        kpu_text_format(&c->out->text, " is that of [%lld, %lld]", (long long)o->tile[dims[0]],
                        (long long)o->tile[dims[1]]);
    }
    if (kind == KPU_DFX_MATMUL && f->accumulate != o->accumulate && is_news(c, at))
        kpu_text_format(&c->out->text, "accumulate: %s: expected %s, since %s",
                        f->accumulate ? "true" : "false", o->accumulate ? "true" : "false",
                        o->accumulate ? "earlier operations added to this tile"
                                      : "this tile starts from zero");
}

static bool depends_on(const comparison *c, int32_t at, int64_t id)
{
    json_node node, array, on;
    json_node_item(&c->file->list, (size_t)at, &node);
    json_node_find(&node, "depends_on", &array);
    size_t count;
    int64_t got = 0;
    json_node_array(&array, (size_t)at, &count); /* all was read once */
    for (size_t i = 0; i < count; i++) {
        json_node_item(&array, i, &on);
        if (json_node_int(&on, 1, INT64_MAX, &got) == KPU_OK && got == id)
            return true;
    }
    return false;
}

static void compare_dependencies(const comparison *c, const kpu_dfx_flat_operation *o, int kind,
                                 int32_t at)
{
    for (size_t i = 0; i < o->depends_count; i++) {
        int32_t on = c->place[o->depends_on[i]];
        if (on < 0)
            continue; /* what is missing is complained of by itself */
        int64_t id = c->file->operations[on].id;
        if (depends_on(c, at, id) || !is_news(c, at))
            continue;
        kpu_text_format(&c->out->text, "depends_on: %lld is missing, whose result the ",
                        (long long)id);
        put_kind(c, kind, &c->out->text);
        kpu_text_put(&c->out->text, " needs");
    }
}

static void take(void *context, const kpu_dfx_flat_operation *o)
{
    comparison *c = context;
    int kind = (int)(o->of - c->kernel->operations);
    if ((size_t)o->id > c->places) {
        c->missing = c->missing < 0 ? kind : c->missing;
        return;
    }
    if (is_left_out(c, kind)) {
        c->place[o->id] = c->place[o->depends_on[0]];
        return;
    }
    int32_t at = c->cursor[kind];
    c->place[o->id] = at;
    if (at < 0) {
        c->missing = c->missing < 0 ? kind : c->missing;
        return;
    }
    c->out->reordered = c->out->reordered || at != c->at;
    c->at++;
    c->cursor[kind] = c->file->operations[at].next;
    compare_tile(c, o, kind, at);
    compare_dependencies(c, o, kind, at);
}

/* After all that was unrolled: what is too much, or missing. */
static void compare_numbers(comparison *c)
{
    for (int kind = 0; kind < KPU_DFX_BODY; kind++)
        if (c->cursor[kind] >= 0 && is_news(c, c->cursor[kind])) {
            kpu_text_put(&c->out->text, "the loops have no further ");
            put_kind(c, kind, &c->out->text);
        }
    if (c->missing >= 0 && is_news(c, (int32_t)c->file->count)) {
        kpu_text_put(&c->out->text, "the last ");
        put_kind(c, c->missing, &c->out->text);
        kpu_text_put(&c->out->text, " is missing");
    }
}

int kpu_dfx_flat_compare(const flat_file *file, const kpu_dfx_kernel *kernel, const kpu_mapping *m,
                         flat_difference *out)
{
    comparison c = {.file = file, .kernel = kernel, .out = out, .missing = -1};
    c.places = 3 * file->count; /* direct form: two more for each store */
    c.place = malloc((c.places + 1) * sizeof *c.place);
    if (!c.place)
        return KPU_E_MEMORY;
    out->at = SIZE_MAX;
    out->reordered = false;
    for (int kind = 0; kind < KPU_DFX_BODY; kind++)
        c.cursor[kind] = file->first[kind];
    int code = kpu_dfx_unroll(kernel, m, (kpu_dfx_flat_sink){take, &c});
    if (code == KPU_OK)
        compare_numbers(&c);
    free(c.place);
    return code == KPU_OK && out->text.failed ? KPU_E_MEMORY : code;
}
