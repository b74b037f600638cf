/* What every graph that was read must stand: it can be lowered or a complaint says why not, and
 * what is printed of it is read again as what prints the same. */
#ifndef KPU_TESTS_GRAPH_ROUND_TRIP_H
#define KPU_TESTS_GRAPH_ROUND_TRIP_H

#include "kpu/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*print_graph)(const kpu_graph *graph, kpu_text *out);

static inline void fail_round_trip(const char *what, const char *first, const char *second)
{
    fprintf(stderr, "%s\n%s\n---\n%s\n", what, first, second ? second : "");
    abort();
}

static inline void round_trip(const kpu_graph *graph, print_graph print, const char *path)
{
    kpu_text first = {0}, second = {0};
    kpu_diag diag = {0};
    kpu_graph *again;
    print(graph, &first);
    if (first.failed)
        fail_round_trip("nothing was printed", "", NULL);
    const kpu_graph_source source = {path, first.data, first.length};
    if (kpu_graph_parse(&source, &again, &diag) != KPU_OK)
        fail_round_trip("what was printed is refused", first.data, kpu_diag_render(&diag));
    print(again, &second);
    if (strcmp(first.data, second.data) != 0)
        fail_round_trip("what was printed prints differently", first.data, second.data);
    kpu_graph_free(again);
    kpu_text_fini(&first);
    kpu_text_fini(&second);
}

static inline void read_graph(const uint8_t *data, size_t size, const char *path)
{
    char *text = malloc(size + 1);
    kpu_graph *graph;
    kpu_diag diag = {0};
    kpu_matmul_list matmuls;
    if (!text)
        exit(1);
    memcpy(text, data, size);
    text[size] = '\0';
    const kpu_graph_source source = {path, text, size};
    int code = kpu_graph_parse(&source, &graph, &diag);
    if ((code == KPU_OK) != (diag.count == 0) || (code == KPU_OK) != (graph != NULL))
        fail_round_trip("refused without a complaint, or the other way round", text, NULL);
    if (graph) {
        round_trip(graph, kpu_graph_print_dfg, "again.dfg");
        round_trip(graph, kpu_graph_print_json, "again.json");
        code = kpu_graph_lower(graph, &matmuls, &diag);
        if ((code == KPU_OK) != (diag.count == 0))
            fail_round_trip("not lowered, and no complaint", text, NULL);
        kpu_matmul_list_fini(&matmuls);
    }
    free(kpu_diag_render(&diag));
    kpu_diag_fini(&diag);
    kpu_graph_free(graph);
    free(text);
}

#endif
