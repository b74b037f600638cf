/* The pieces of a .dfg, a line a fact. */
#ifndef KPU_DFG_H
#define KPU_DFG_H

#include "workload/graph_private.h"

/* Part of a line. */
typedef struct dfg_span {
    const char *begin, *end;
} dfg_span;

/* A complaint copies its line: a longer one is left out. */
enum { DFG_SHOWN_LINE_MAX = 4096 };

typedef struct dfg_id {
    int64_t id;
    int32_t node;
} dfg_id;

/* From which node to which one an edge leads. */
typedef struct dfg_pair {
    int32_t from, to;
    bool is_listed; /* an ADJ says so too */
} dfg_pair;

/* A reading. Complaints are at the current line. */
typedef struct dfg {
    kpu_graph *graph;
    const kpu_graph_source *source;
    kpu_diag *diag;
    dfg_span line;
    int64_t number;
    int code, complaints;
    kpu_tensor **operand_types; /* of each node, as its line says them */
    bool **is_fed;              /* of each node: operands that an edge leads to */
    dfg_id *ids;                /* of the nodes, ascending */
    dfg_pair *pairs;            /* of the edges, ascending once all are read */
    size_t pair_count;
    size_t node_lines, edge_lines, adjacent_lines;
    bool has_title, is_directed;
    int64_t running_id, node_count, edge_count, adjacent_count; /* as they are said; -1: not yet */
} dfg;

/* Complains at `where`, which lies in the current line. */
int dfg_complain(dfg *d, const char *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int dfg_out_of_memory(dfg *d);

/* Without blanks at both ends. */
dfg_span dfg_trim(dfg_span span);
/* The part before the first `separator`, trimmed; false once nothing is left. A separator after a
 * backslash is none; nor is a comma between brackets. */
bool dfg_cut(dfg_span *rest, char separator, dfg_span *out);
/* All parts, of which the first `most` go to parts[]; returns how many there are. */
int dfg_split(dfg_span span, char separator, dfg_span *parts, int most);
bool dfg_is(dfg_span span, const char *text);
/* If the span begins with a word and then a blank or its end: removes it. */
bool dfg_skip_word(dfg_span *span, const char *word);
bool dfg_skip(dfg_span *span, const char *text); /* anything, and blanks before and after it */
int dfg_int(dfg *d, dfg_span span, const char *what, int64_t *out); /* from 0 */
/* Copied, without its backslashes; a name may not be empty. */
int dfg_text(dfg *d, dfg_span span, size_t max_bytes, char **out);
/* "tensor<4x16xf32>" */
int dfg_type(dfg *d, dfg_span span, kpu_tensor *out);

/* Of the line after its first word. */
int dfg_take_node(dfg *d, dfg_span rest);
int dfg_take_edge(dfg *d, dfg_span rest);
int dfg_take_adjacent(dfg *d, dfg_span rest);
int dfg_take_sources(dfg *d, dfg_span rest);
int dfg_take_sinks(dfg *d, dfg_span rest);
/* Once all nodes are read: complains of numbers and tensors that are there twice, and gives nodes
 * of the same name one each. */
int dfg_index_nodes(dfg *d);
/* Between reading edges and the lines about them; after all lines. */
void dfg_sort_pairs(dfg *d);
int dfg_check_edges(dfg *d);
/* The node with that id, or -1 and a complaint. */
int32_t dfg_find_node(dfg *d, dfg_span id);

#endif
