/* Domain flow graphs as text (.dfg): lines in any order, each known by its first word. */
#include "workload/dfg.h"

#include <stdlib.h>
#include <string.h>

/* Nodes first, then what refers to them, then what refers to edges. */
enum { PASS_NODES, PASS_EDGES, PASS_REST, PASSES };

static int take_title(dfg *d, dfg_span rest)
{
    if (d->has_title)
        return dfg_complain(d, rest.begin, "a second title");
    d->has_title = true;
    char *name = kpu_graph_copy(d->graph, rest.begin, (size_t)(rest.end - rest.begin));
    if (!name)
        return dfg_out_of_memory(d);
    const char *fault = *name ? kpu_graph_name_fault(name, KPU_GRAPH_NAME_MAX) : "is missing";
    d->graph->name = name;
    return fault ? dfg_complain(d, rest.begin, "the name of the graph %s", fault) : KPU_OK;
}

static int take_directed(dfg *d, dfg_span rest)
{
    d->is_directed = true;
    return rest.begin == rest.end ? KPU_OK : dfg_complain(d, rest.begin, "expected no more here");
}

static int take_once(dfg *d, dfg_span rest, const char *what, int64_t *out)
{
    if (*out >= 0)
        return dfg_complain(d, rest.begin, "%s is given twice", what);
    return dfg_int(d, rest, what, out);
}

static int take_running_id(dfg *d, dfg_span rest)
{
    return take_once(d, rest, "the highest id", &d->running_id);
}

static int take_node_count(dfg *d, dfg_span rest)
{
    return take_once(d, rest, "the number of nodes", &d->node_count);
}

static int take_edge_count(dfg *d, dfg_span rest)
{
    return take_once(d, rest, "the number of edges", &d->edge_count);
}

static int take_adjacent_count(dfg *d, dfg_span rest)
{
    return take_once(d, rest, "the number of ADJ lines", &d->adjacent_count);
}

static const struct {
    const char *word;
    int pass;
    int (*take)(dfg *d, dfg_span rest);
} lines[] = {
    {"Domain Flow Graph:", PASS_NODES, take_title},
    {"DIRECTED", PASS_NODES, take_directed},
    {"RUNNING_NODE_ID", PASS_NODES, take_running_id},
    {"NODES", PASS_NODES, take_node_count},
    {"NODE", PASS_NODES, dfg_take_node},
    {"EDGES", PASS_NODES, take_edge_count},
    {"EDGE", PASS_EDGES, dfg_take_edge},
    {"ADJACENCY", PASS_NODES, take_adjacent_count},
    {"ADJ", PASS_REST, dfg_take_adjacent},
    {"SOURCE:", PASS_REST, dfg_take_sources},
    {"SINK:", PASS_REST, dfg_take_sinks},
};
enum { LINES = sizeof lines / sizeof *lines, WORD_BYTES = 40 };

/* ---- Lines -------------------------------------------------------------------------------- */

static bool next_line(dfg *d)
{
    const char *end = d->source->text + d->source->bytes;
    const char *begin = d->number == 0 ? d->source->text : d->line.end;
    if (d->number > 0) {
        if (begin < end && *begin == '\r')
            begin++;
        begin += begin < end; /* the newline */
    }
    if (begin >= end)
        return false;
    const char *newline = memchr(begin, '\n', (size_t)(end - begin));
    const char *stop = newline ? newline : end;
    if (stop > begin && stop[-1] == '\r' && newline)
        stop--;
    d->line = (dfg_span){begin, stop};
    d->number++;
    return true;
}

static void rewind_lines(dfg *d)
{
    d->number = 0;
}

static int complain_word(dfg *d)
{
    const char *words[LINES];
    char word[WORD_BYTES];
    dfg_span line = dfg_trim(d->line);
    size_t length = 0;
    while (line.begin + length < line.end && length + 1 < sizeof word &&
           line.begin[length] != ' ' && line.begin[length] != '\t')
        length++;
    memcpy(word, line.begin, length);
    word[length] = '\0';
    for (size_t i = 0; i < LINES; i++)
        words[i] = lines[i].word;
    const char *nearest = kpu_nearest_name(word, words, LINES);
    return dfg_complain(d, line.begin, "unknown word '%s'%s%s%s", word,
                        nearest ? "; did you mean '" : "; expected NODE, EDGE, ADJ or such",
                        nearest ? nearest : "", nearest ? "'?" : "");
}

static int take_line(dfg *d, int pass)
{
    dfg_span rest = dfg_trim(d->line);
    if (rest.begin == rest.end)
        return KPU_OK;
    for (size_t i = 0; i < LINES; i++) {
        bool colon = lines[i].word[strlen(lines[i].word) - 1] == ':';
        if (colon ? dfg_skip(&rest, lines[i].word) : dfg_skip_word(&rest, lines[i].word))
            return lines[i].pass == pass ? lines[i].take(d, rest) : KPU_OK;
    }
    return pass == PASS_NODES ? complain_word(d) : KPU_OK;
}

/* The lines of one pass, as far as complaints go. */
static void take_lines(dfg *d, int pass)
{
    rewind_lines(d);
    while (d->complaints < KPU_GRAPH_COMPLAINTS_MAX && next_line(d))
        take_line(d, pass);
}

/* Counts lines, so that there is room for what they say, and looks for bytes that are no text. */
static int count_lines(dfg *d, size_t *nodes, size_t *edges)
{
    rewind_lines(d);
    while (next_line(d)) {
        size_t bytes = (size_t)(d->line.end - d->line.begin);
        size_t junk = kpu_text_first_junk(d->line.begin, bytes);
        dfg_span rest = d->line;
        if (junk < bytes)
            return dfg_complain(d, d->line.begin + junk, "a byte that is no text");
        *nodes += dfg_skip_word(&rest, "NODE");
        *edges += dfg_skip_word(&rest, "EDGE");
        if (*nodes > KPU_GRAPH_NODES_MAX)
            return dfg_complain(d, d->line.begin, "more than %d nodes", KPU_GRAPH_NODES_MAX);
    }
    return KPU_OK;
}

/* ---- The whole ---------------------------------------------------------------------------- */

static int allocate(dfg *d, size_t nodes, size_t edges)
{
    kpu_graph_owned *owned = d->graph->owned;
    int code = kpu_graph_reserve_nodes(d->graph, nodes, d->diag);
    owned->extras = calloc(nodes + 1, sizeof *owned->extras);
    d->operand_types = calloc(nodes + 1, sizeof *d->operand_types);
    d->is_fed = calloc(nodes + 1, sizeof *d->is_fed);
    d->ids = calloc(nodes + 1, sizeof *d->ids);
    d->pairs = calloc(edges + 1, sizeof *d->pairs);
    if (code != KPU_OK || !owned->extras || !d->operand_types || !d->is_fed || !d->ids || !d->pairs)
        return dfg_out_of_memory(d);
    return KPU_OK;
}

static void check_count(dfg *d, const char *what, int64_t said, size_t found)
{
    const kpu_place whole = {.file = d->source->path};
    if (said >= 0 && said == (int64_t)found)
        return;
    d->complaints++;
    if (said < 0)
        d->code = kpu_diag_add_at(d->diag, KPU_E_INPUT, &whole, "no line %s", what);
    else
        d->code = kpu_diag_add_at(d->diag, KPU_E_INPUT, &whole, "%s says %lld, but there are %zu",
                                  what, (long long)said, found);
}

static void check_whole(dfg *d)
{
    const kpu_place whole = {.file = d->source->path};
    if (!d->has_title || !d->is_directed) {
        d->complaints++;
        d->code = kpu_diag_add_at(d->diag, KPU_E_INPUT, &whole, "no line '%s'",
                                  d->has_title ? "DIRECTED" : "Domain Flow Graph: name");
    }
    check_count(d, "NODES", d->node_count, d->graph->node_count);
    check_count(d, "EDGES", d->edge_count, d->edge_lines);
    if (d->adjacent_count >= 0 || d->adjacent_lines > 0)
        check_count(d, "ADJACENCY", d->adjacent_count, d->adjacent_lines);
}

static int parse(dfg *d)
{
    size_t nodes = 0, edges = 0;
    if (count_lines(d, &nodes, &edges) != KPU_OK || allocate(d, nodes, edges) != KPU_OK)
        return d->code;
    take_lines(d, PASS_NODES);
    if (d->code != KPU_OK || dfg_index_nodes(d) != KPU_OK)
        return d->code;
    take_lines(d, PASS_EDGES);
    if (d->code == KPU_OK)
        dfg_sort_pairs(d);
    if (d->code == KPU_OK)
        take_lines(d, PASS_REST);
    if (d->code == KPU_OK)
        check_whole(d);
    return d->code == KPU_OK ? dfg_check_edges(d) : d->code;
}

int kpu_dfg_parse(const kpu_graph_source *source, kpu_graph **out, kpu_diag *diag)
{
    dfg d = {.source = source,
             .diag = diag,
             .running_id = -1,
             .node_count = -1,
             .edge_count = -1,
             .adjacent_count = -1};
    *out = d.graph = kpu_graph_new(KPU_GRAPH_DFG, source->path, diag);
    int code = d.graph ? parse(&d) : KPU_E_MEMORY;
    free(d.operand_types);
    free(d.is_fed);
    free(d.ids);
    free(d.pairs);
    return code;
}
