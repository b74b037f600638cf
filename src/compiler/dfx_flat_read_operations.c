/* The flat form, read: each operation by itself, as one of those of a loop body. */
#include "compiler/dfx_flat_read.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct reader {
    flat_file *file;
    kpu_dfx_operation body[KPU_DFX_BODY];
    int32_t last[KPU_DFX_BODY]; /* so far, of each kind; -1: none */
} reader;

typedef struct place {
    json_node level_node, tile_node;
    int operand;
    size_t level;
    int64_t tile[2];
} place;

/* ---- Places ------------------------------------------------------------------------------- */

static int read_operand(const flat_file *file, const json_node *node, int *out)
{
    json_node tensor;
    const char *name;
    int status = json_node_member(node, "tensor", &tensor);
    if (!status)
        status = json_node_string(&tensor, &name);
    if (status)
        return status;
    for (int x = 0; x < KPU_OPERANDS; x++)
        if (strcmp(name, file->name[x]) == 0) {
            *out = x;
            return KPU_OK;
        }
    return json_node_complain(&tensor, "\"%.64s\": expected \"%.64s\", \"%.64s\" or \"%.64s\"",
                              name, file->name[KPU_A], file->name[KPU_B], file->name[KPU_C]);
}

static int read_place(const flat_file *file, const json_node *node, place *out)
{
    static const char *const keys[] = {"tensor", "level", "tile"};
    size_t count;
    int status = json_node_check_keys(node, keys, COUNT(keys));
    if (!status)
        status = read_operand(file, node, &out->operand);
    if (!status)
        status = json_node_member(node, "level", &out->level_node);
    if (!status)
        status = json_node_word(&out->level_node, kpu_dfx_level_names, KPU_DFX_LEVELS, &out->level);
    if (!status)
        status = json_node_member(node, "tile", &out->tile_node);
    if (!status)
        status = json_node_array(&out->tile_node, 2, &count);
    if (!status && count < 2)
        status = json_node_complain(&out->tile_node, "%zu elements; expected 2", count);
    for (size_t i = 0; i < 2 && !status; i++) {
        json_node number;
        json_node_item(&out->tile_node, i, &number);
        int64_t tiles = file->tiles[kpu_dfx_flat_dims[out->operand][i]];
        status = json_node_int(&number, 0, tiles - 1, &out->tile[i]);
    }
    return status;
}

static void set_tile(flat_operation *o, const place *p)
{
    for (int i = 0; i < 2; i++)
        o->tile[kpu_dfx_flat_dims[p->operand][i]] = (int32_t)p->tile[i];
}

/* ---- Moves -------------------------------------------------------------------------------- */

/* Which of the body's moves begins at that place; where it must lead to. */
static int find_kind(const reader *r, const json_node *node, size_t subtype, const place *source,
                     const place *dest)
{
    for (int kind = 0; kind < KPU_DFX_END; kind++) {
        const kpu_dfx_operation *o = &r->body[kind];
        if (o->type != KPU_DFX_DATA_MOVE || o->subtype != subtype ||
            o->operand != source->operand || o->source != source->level)
            continue;
        if (o->dest == dest->level)
            return kind;
        bool may_leave = kind == KPU_DFX_STORE_L2 && o->source == KPU_DFX_REGISTER;
        if (may_leave && dest->level == KPU_DFX_EXTERNAL)
            return KPU_DFX_STORE_EXTERNAL;
        json_node_complain(&dest->level_node,
                           "\"%s\": expected \"%s\"%s, where a %s of %s from %s "
                           "leads to",
                           kpu_dfx_level_names[dest->level], kpu_dfx_level_names[o->dest],
                           may_leave ? " or \"EXTERNAL\"" : "", kpu_dfx_subtype_names[subtype],
                           kpu_dfx_operand_names[o->operand], kpu_dfx_level_names[o->source]);
        return -1;
    }
    if (source->operand != KPU_C && subtype == KPU_DFX_STORE)
        json_node_complain(node, "a STORE of %s, which is read only",
                           kpu_dfx_operand_names[source->operand]);
    else
        json_node_complain(&source->level_node, "\"%s\": %s has no %s of %s from there",
                           kpu_dfx_level_names[source->level],
                           kpu_dfx_dataflow_names[r->file->dataflow],
                           kpu_dfx_subtype_names[subtype], kpu_dfx_operand_names[source->operand]);
    return -1;
}

/* C takes one of the two ways back, always the same. */
static int check_way_back(reader *r, const json_node *node, int kind, size_t source)
{
    if (kind != KPU_DFX_STORE_L2 && kind != KPU_DFX_STORE_L3 && kind != KPU_DFX_STORE_EXTERNAL)
        return KPU_OK;
    bool is_direct = kind == KPU_DFX_STORE_EXTERNAL && source == KPU_DFX_REGISTER;
    bool is_first = true;
    for (int k = KPU_DFX_STORE_L2; k <= KPU_DFX_STORE_EXTERNAL; k++)
        is_first = is_first && r->last[k] < 0;
    if (is_first)
        r->file->is_direct = is_direct;
    if (r->file->is_direct == is_direct)
        return KPU_OK;
    return json_node_complain(
        node, "C is stored %s here, but %s before: one of the two, everywhere",
        is_direct ? "at once" : "through L2 and L3", is_direct ? "through L2 and L3" : "at once");
}

/* The block mover turns all tiles of an operand, or none. */
static int read_flags(reader *r, const json_node *node, int kind)
{
    json_node flag;
    bool broadcast = false, transpose = false;
    int status = KPU_OK;
    if (json_node_find(node, "broadcast", &flag))
        status = json_node_bool(&flag, &broadcast);
    if (!status && broadcast)
        status = json_node_complain(&flag, "no kernel has broadcasts yet");
    if (!status && json_node_find(node, "transpose", &flag))
        status = json_node_bool(&flag, &transpose);
    int x = kind - KPU_DFX_LOAD_L2;
    if (x != KPU_A && x != KPU_B)
        return status || !transpose
                   ? status
                   : json_node_complain(&flag, "only a LOAD of A or B from L3 to L2 turns a tile");
    int *turned = &r->file->turned[x];
    if (*turned < 0)
        *turned = transpose;
    if (status || *turned == transpose)
        return status;
    return json_node_complain(node, "transpose is %s here, but %s at the first tile of %s",
                              transpose ? "true" : "false", *turned ? "true" : "false",
                              kpu_dfx_operand_names[x]);
}

static int read_move(reader *r, const json_node *node, flat_operation *out)
{
    static const char *const keys[] = {"op_id",      "type",     "subtype",   "source",   "dest",
                                       "depends_on", "produces", "transpose", "broadcast"};
    json_node word, source_node, dest_node;
    size_t subtype = 0;
    place source, dest;
    int status = json_node_check_keys(node, keys, COUNT(keys));
    if (!status)
        status = json_node_member(node, "subtype", &word);
    if (!status)
        status = json_node_word(&word, kpu_dfx_subtype_names, KPU_DFX_SUBTYPES, &subtype);
    if (!status && subtype != KPU_DFX_LOAD && subtype != KPU_DFX_STORE)
        status =
            json_node_complain(&word, "%s: expected LOAD or STORE", kpu_dfx_subtype_names[subtype]);
    if (!status)
        status = json_node_member(node, "source", &source_node);
    if (!status)
        status = read_place(r->file, &source_node, &source);
    if (!status)
        status = json_node_member(node, "dest", &dest_node);
    if (!status)
        status = read_place(r->file, &dest_node, &dest);
    if (!status && (source.operand != dest.operand || source.tile[0] != dest.tile[0] ||
                    source.tile[1] != dest.tile[1]))
        status = json_node_complain(&dest_node, "another tile than that of source");
    if (status)
        return status;
    int kind = find_kind(r, node, subtype, &source, &dest);
    if (kind < 0)
        return KPU_E_INPUT;
    out->kind = (uint8_t)kind;
    set_tile(out, &source);
    status = check_way_back(r, node, kind, source.level);
    return status ? status : read_flags(r, node, kind);
}

/* ---- Computations ------------------------------------------------------------------------- */

static int read_operand_of_compute(const reader *r, const json_node *node, int x,
                                   flat_operation *out)
{
    int level = x == KPU_C ? r->body[KPU_DFX_MATMUL].dest : r->body[KPU_DFX_STREAM + x].dest;
    place p;
    int status = read_place(r->file, node, &p);
    if (status)
        return status;
    if (p.operand != x)
        return json_node_complain(node, "tensor \"%.64s\": expected \"%.64s\"",
                                  r->file->name[p.operand], r->file->name[x]);
    if (p.level != (size_t)level)
        return json_node_complain(&p.level_node, "\"%s\": expected \"%s\" in %s",
                                  kpu_dfx_level_names[p.level], kpu_dfx_level_names[level],
                                  kpu_dfx_dataflow_names[r->file->dataflow]);
    if (x == KPU_B && p.tile[0] != out->tile[KPU_K])
        return json_node_complain(&p.tile_node, "[%lld, %lld]: expected row %d, the column of A",
                                  (long long)p.tile[0], (long long)p.tile[1], out->tile[KPU_K]);
    if (x == KPU_C && (p.tile[0] != out->tile[KPU_M] || p.tile[1] != out->tile[KPU_N]))
        return json_node_complain(&p.tile_node, "[%lld, %lld]: expected [%d, %d], as A and B say",
                                  (long long)p.tile[0], (long long)p.tile[1], out->tile[KPU_M],
                                  out->tile[KPU_N]);
    set_tile(out, &p);
    return KPU_OK;
}

static int read_compute(const reader *r, const json_node *node, flat_operation *out)
{
    static const char *const keys[] = {"op_id",  "type",       "subtype",    "inputs",
                                       "output", "accumulate", "depends_on", "produces"};
    json_node child, place_node;
    size_t subtype = 0, count = 0;
    int status = json_node_check_keys(node, keys, COUNT(keys));
    if (!status)
        status = json_node_member(node, "subtype", &child);
    if (!status)
        status = json_node_word(&child, kpu_dfx_subtype_names, KPU_DFX_SUBTYPES, &subtype);
    if (!status && subtype != KPU_DFX_MATMUL_TILE)
        status =
            json_node_complain(&child, "%s: expected MATMUL_TILE", kpu_dfx_subtype_names[subtype]);
    if (!status)
        status = json_node_member(node, "inputs", &child);
    if (!status)
        status = json_node_array(&child, 2, &count);
    if (!status && count < 2)
        status = json_node_complain(&child, "%zu elements; expected 2", count);
    for (int x = KPU_A; x <= KPU_B && !status; x++) {
        json_node_item(&child, (size_t)x, &place_node);
        status = read_operand_of_compute(r, &place_node, x, out);
    }
    if (!status)
        status = json_node_member(node, "output", &place_node);
    if (!status)
        status = read_operand_of_compute(r, &place_node, KPU_C, out);
    if (!status)
        status = json_node_member(node, "accumulate", &child);
    out->kind = KPU_DFX_MATMUL;
    return status ? status : json_node_bool(&child, &out->accumulate);
}

/* ---- All of them -------------------------------------------------------------------------- */

static int compare_id(const void *key, const void *element)
{
    int64_t wanted = *(const int64_t *)key, id = ((const flat_operation *)element)->id;
    return (wanted > id) - (wanted < id);
}

static int read_numbers(const reader *r, const json_node *node, size_t at)
{
    flat_operation *all = r->file->operations;
    json_node child, on;
    int64_t id, produces = 0, other = 0;
    size_t count = 0;
    int status = json_node_member(node, "op_id", &child);
    if (!status)
        status = json_node_int(&child, at > 0 ? all[at - 1].id + 1 : 1, INT64_MAX - 1, &id);
    if (status)
        return status;
    all[at].id = id;
    status = json_node_member(node, "produces", &child);
    if (!status)
        status = json_node_int(&child, 1, INT64_MAX, &produces);
    if (!status && produces != id)
        status = json_node_complain(&child, "%lld: expected %lld, its op_id", (long long)produces,
                                    (long long)id);
    if (!status)
        status = json_node_member(node, "depends_on", &child);
    if (!status)
        status = json_node_array(&child, at, &count);
    for (size_t i = 0; i < count && !status; i++) {
        json_node_item(&child, i, &on);
        status = json_node_int(&on, 1, id - 1, &other);
        if (!status && !bsearch(&other, all, at, sizeof *all, compare_id))
            status = json_node_complain(&on, "%lld: there is no such operation", (long long)other);
    }
    return status;
}

static int read_operation(reader *r, size_t at)
{
    flat_file *file = r->file;
    flat_operation *o = &file->operations[at];
    json_node node, type_node;
    size_t type = 0;
    json_node_item(&file->list, at, &node);
    int status = json_node_member(&node, "type", &type_node);
    if (!status)
        status = json_node_word(&type_node, kpu_dfx_type_names, KPU_DFX_TYPES, &type);
    if (!status && type == KPU_DFX_BARRIER)
        status = json_node_complain(&type_node, "BARRIER: one kernel needs none; expected "
                                                "DATA_MOVE or COMPUTE");
    if (!status)
        status = type == KPU_DFX_COMPUTE ? read_compute(r, &node, o) : read_move(r, &node, o);
    if (!status)
        status = read_numbers(r, &node, at);
    if (status)
        return status;
    o->next = -1;
    if (r->last[o->kind] < 0)
        file->first[o->kind] = (int32_t)at;
    else
        file->operations[r->last[o->kind]].next = (int32_t)at;
    r->last[o->kind] = (int32_t)at;
    return KPU_OK;
}

int kpu_dfx_flat_read_operations(flat_file *file)
{
    reader r = {.file = file};
    kpu_dfx_body_shape shape = {.dataflow = (int)file->dataflow};
    kpu_dfx_make_body(&shape, r.body);
    memset(r.last, -1, sizeof r.last);
    memset(file->first, -1, sizeof file->first);
    memset(file->turned, -1, sizeof file->turned);
    file->operations = calloc(file->count, sizeof *file->operations); /* one computes at least */
    if (!file->operations)
        return kpu_diag_add(file->root.diag, KPU_E_MEMORY, "out of memory");
    int status = KPU_OK;
    for (size_t i = 0; i < file->count && !status; i++)
        status = read_operation(&r, i);
    return status;
}
