/* EDGE 3 -> 4 : flow|stationary|type|scalar bits|source slot|destination slot|schedule vector
 * and the lines that repeat what edges say: ADJ 3 : 4, SOURCE: 0, 1 and SINK: 4. */
#include "workload/dfg.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIELD_FLOW,
    FIELD_STATIONARY,
    FIELD_TYPE,
    FIELD_BITS,
    FIELD_SOURCE,
    FIELD_DEST,
    FIELD_SCHEDULE,
    FIELDS
};
enum { SCHEDULE_MAX = 255 };

typedef struct edge_ends {
    int32_t from, to;
    int64_t source_slot, dest_slot;
    kpu_tensor type;
} edge_ends;

int32_t dfg_find_node(dfg *d, dfg_span span)
{
    int64_t id;
    if (dfg_int(d, span, "the id of a node", &id) != KPU_OK)
        return -1;
    size_t low = 0, high = d->graph->node_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (d->ids[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < d->graph->node_count && d->ids[low].id == id)
        return d->ids[low].node;
    dfg_complain(d, span.begin, "there is no NODE %lld", (long long)id);
    return -1;
}

static int take_fields(dfg *d, dfg_span rest, dfg_span fields[FIELDS])
{
    const char *begin = dfg_trim(rest).begin;
    int count = dfg_split(rest, '|', fields, FIELDS);
    if (count == FIELDS)
        return KPU_OK;
    return dfg_complain(d, begin,
                        "%d fields; expected %d: flow|stationary|type|scalar bits|source slot|"
                        "destination slot|schedule vector",
                        count, FIELDS);
}

static int take_bool(dfg *d, dfg_span span, bool *out)
{
    *out = dfg_is(span, "true");
    if (*out || dfg_is(span, "false"))
        return KPU_OK;
    return dfg_complain(d, span.begin, "expected true or false: is the flow stationary?");
}

static int take_schedule(dfg *d, dfg_span span, const char **out)
{
    size_t length = (size_t)(span.end - span.begin);
    if (length > SCHEDULE_MAX || strspn(span.begin, "0123456789,.- ") < length)
        return dfg_complain(d, span.begin, "expected a schedule vector such as 1,1,1");
    *out = kpu_graph_copy(d->graph, span.begin, length);
    return *out ? KPU_OK : dfg_out_of_memory(d);
}

/* A type takes the bits of its bytes; a truth value may also say that it has one. */
static int check_bits(dfg *d, dfg_span span, const kpu_tensor *type)
{
    int64_t bits, expected = 8 * kpu_dtype_bytes(type->dtype);
    int code = dfg_int(d, span, "the bits of a scalar", &bits);
    if (code != KPU_OK || bits == expected || (type->dtype == KPU_BOOL && bits == 1))
        return code;
    return dfg_complain(d, span.begin, "%lld bits; an element of type %s has %lld", (long long)bits,
                        kpu_dtype_name(type->dtype), (long long)expected);
}

static int check_slots(dfg *d, const dfg_span fields[FIELDS], const edge_ends *ends)
{
    const kpu_node *from = &d->graph->nodes[ends->from], *to = &d->graph->nodes[ends->to];
    if (ends->source_slot >= (int64_t)from->output_count)
        return dfg_complain(d, fields[FIELD_SOURCE].begin, "node %lld (%s) has no result %lld",
                            (long long)from->id, from->name, (long long)ends->source_slot);
    if (ends->dest_slot >= (int64_t)to->input_count)
        return dfg_complain(d, fields[FIELD_DEST].begin, "node %lld (%s) has no operand %lld",
                            (long long)to->id, to->name, (long long)ends->dest_slot);
    if (d->is_fed[ends->to][ends->dest_slot])
        return dfg_complain(d, fields[FIELD_DEST].begin,
                            "operand %lld of node %lld (%s) has an edge already",
                            (long long)ends->dest_slot, (long long)to->id, to->name);
    return KPU_OK;
}

static int complain_type(dfg *d, const dfg_span fields[FIELDS], const char *whose,
                         const kpu_tensor *type)
{
    char text[KPU_GRAPH_TYPE_TEXT];
    kpu_graph_type_text(type, text);
    return dfg_complain(d, fields[FIELD_TYPE].begin, "the %s is %s", whose, text);
}

static int check_types(dfg *d, const dfg_span fields[FIELDS], const edge_ends *ends)
{
    const kpu_node *from = &d->graph->nodes[ends->from];
    const kpu_tensor *result = &d->graph->tensors[from->outputs[ends->source_slot]];
    const kpu_tensor *operand = &d->operand_types[ends->to][ends->dest_slot];
    if (!kpu_graph_same_type(&ends->type, result))
        return complain_type(d, fields, "result that it comes from", result);
    if (!kpu_graph_same_type(&ends->type, operand))
        return complain_type(d, fields, "operand that it leads to", operand);
    return KPU_OK;
}

static int take_ends(dfg *d, dfg_span ids, edge_ends *out)
{
    static const char arrow[] = "->";
    const char *at = memmem(ids.begin, (size_t)(ids.end - ids.begin), arrow, strlen(arrow));
    if (!at)
        return dfg_complain(d, ids.begin, "expected EDGE from -> to : ...");
    out->from = dfg_find_node(d, dfg_trim((dfg_span){ids.begin, at}));
    out->to = dfg_find_node(d, dfg_trim((dfg_span){at + strlen(arrow), ids.end}));
    return out->from >= 0 && out->to >= 0 ? KPU_OK : KPU_E_INPUT;
}

static int link_edge(dfg *d, const dfg_span fields[FIELDS], const edge_ends *ends)
{
    const kpu_graph_owned *owned = d->graph->owned;
    kpu_graph_edge *edge = &owned->extras[ends->to].edges[ends->dest_slot];
    kpu_node *from = &d->graph->nodes[ends->from], *to = &d->graph->nodes[ends->to];
    int code = dfg_int(d, fields[FIELD_FLOW], "the flow", &edge->flow);
    if (code == KPU_OK)
        code = take_bool(d, fields[FIELD_STATIONARY], &edge->stationary);
    if (code == KPU_OK)
        code = take_schedule(d, fields[FIELD_SCHEDULE], &edge->schedule);
    to->inputs[ends->dest_slot] = from->outputs[ends->source_slot];
    d->is_fed[ends->to][ends->dest_slot] = true;
    d->pairs[d->pair_count++] = (dfg_pair){ends->from, ends->to, false};
    return code;
}

int dfg_take_edge(dfg *d, dfg_span rest)
{
    dfg_span ids, fields[FIELDS] = {0};
    edge_ends ends = {0};
    const char *begin = rest.begin;
    d->edge_lines++;
    dfg_cut(&rest, ':', &ids);
    if (!rest.begin)
        return dfg_complain(d, begin, "expected EDGE from -> to : flow|stationary|...");
    int code = take_ends(d, ids, &ends);
    if (code == KPU_OK)
        code = take_fields(d, rest, fields);
    if (code == KPU_OK)
        code = dfg_type(d, fields[FIELD_TYPE], &ends.type);
    if (code == KPU_OK)
        code = check_bits(d, fields[FIELD_BITS], &ends.type);
    if (code == KPU_OK)
        code = dfg_int(d, fields[FIELD_SOURCE], "a slot", &ends.source_slot);
    if (code == KPU_OK)
        code = dfg_int(d, fields[FIELD_DEST], "a slot", &ends.dest_slot);
    if (code == KPU_OK)
        code = check_slots(d, fields, &ends);
    if (code == KPU_OK)
        code = check_types(d, fields, &ends);
    return code == KPU_OK ? link_edge(d, fields, &ends) : code;
}

/* ---- What repeats the edges --------------------------------------------------------------- */

static int compare_pairs(const void *a, const void *b)
{
    const dfg_pair *x = a, *y = b;
    int from = (x->from > y->from) - (x->from < y->from);
    return from ? from : (x->to > y->to) - (x->to < y->to);
}

void dfg_sort_pairs(dfg *d)
{
    size_t kept = 0;
    qsort(d->pairs, d->pair_count, sizeof *d->pairs, compare_pairs);
    for (size_t i = 0; i < d->pair_count; i++) { /* two edges between the same nodes: one pair */
        if (kept == 0 || compare_pairs(&d->pairs[kept - 1], &d->pairs[i]) != 0)
            d->pairs[kept++] = d->pairs[i];
    }
    d->pair_count = kept;
}

int dfg_take_adjacent(dfg *d, dfg_span rest)
{
    dfg_span id, next;
    d->adjacent_lines++;
    dfg_cut(&rest, ':', &id);
    if (!rest.begin)
        return dfg_complain(d, id.begin, "expected ADJ from : to, to, ...");
    int32_t from = dfg_find_node(d, id);
    int code = from < 0 ? KPU_E_INPUT : KPU_OK;
    while (code == KPU_OK && dfg_cut(&rest, ',', &next)) {
        const dfg_pair key = {from, dfg_find_node(d, next), false};
        if (key.to < 0)
            return KPU_E_INPUT;
        dfg_pair *pair = bsearch(&key, d->pairs, d->pair_count, sizeof *d->pairs, compare_pairs);
        if (pair)
            pair->is_listed = true;
        else
            code = dfg_complain(d, next.begin, "there is no EDGE %lld -> %lld",
                                (long long)d->graph->nodes[from].id,
                                (long long)d->graph->nodes[key.to].id);
    }
    return code;
}

/* Where the pairs of a node begin. */
static size_t first_pair(const dfg *d, int32_t from)
{
    size_t low = 0, high = d->pair_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (d->pairs[middle].from < from)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int take_source(dfg *d, dfg_span id, int32_t node)
{
    const kpu_node *end = &d->graph->nodes[node];
    if (end->input_count == 0)
        return KPU_OK;
    return dfg_complain(d, id.begin, "node %lld (%s) has operands; a source has none",
                        (long long)end->id, end->name);
}

static int take_sink(dfg *d, dfg_span id, int32_t node)
{
    const kpu_node *end = &d->graph->nodes[node];
    size_t pair = first_pair(d, node);
    if (pair == d->pair_count || d->pairs[pair].from != node)
        return KPU_OK;
    return dfg_complain(d, id.begin, "an edge leads on from node %lld (%s); from a sink leads none",
                        (long long)end->id, end->name);
}

static int take_list(dfg *d, dfg_span rest, int (*take)(dfg *, dfg_span, int32_t))
{
    dfg_span id;
    int code = KPU_OK;
    rest = dfg_trim(rest);
    if (rest.begin == rest.end)
        return KPU_OK;
    while (code == KPU_OK && dfg_cut(&rest, ',', &id)) {
        int32_t node = dfg_find_node(d, id);
        code = node < 0 ? KPU_E_INPUT : take(d, id, node);
    }
    return code;
}

int dfg_take_sources(dfg *d, dfg_span rest)
{
    return take_list(d, rest, take_source);
}

int dfg_take_sinks(dfg *d, dfg_span rest)
{
    return take_list(d, rest, take_sink);
}

static int check_operands(dfg *d, size_t index)
{
    const kpu_node *node = &d->graph->nodes[index];
    for (size_t i = 0; i < node->input_count; i++) {
        if (d->is_fed[index][i])
            continue;
        d->complaints++;
        d->code =
            kpu_diag_add_at(d->diag, KPU_E_INPUT, &node->place,
                            "no EDGE leads to operand %zu of node %lld", i, (long long)node->id);
    }
    return d->code;
}

int dfg_check_edges(dfg *d)
{
    const kpu_place whole = {.file = d->source->path};
    for (size_t n = 0; n < d->graph->node_count && d->complaints < KPU_GRAPH_COMPLAINTS_MAX; n++)
        check_operands(d, n);
    for (size_t i = 0; i < d->pair_count && d->adjacent_count >= 0; i++) {
        if (d->pairs[i].is_listed || d->complaints >= KPU_GRAPH_COMPLAINTS_MAX)
            continue;
        d->complaints++;
        d->code =
            kpu_diag_add_at(d->diag, KPU_E_INPUT, &whole, "EDGE %lld -> %lld is in no ADJ line",
                            (long long)d->graph->nodes[d->pairs[i].from].id,
                            (long long)d->graph->nodes[d->pairs[i].to].id);
    }
    return d->code;
}
