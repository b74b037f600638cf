/* Graphs from text, for tests. */
#ifndef KPU_TESTS_GRAPH_TEXT_H
#define KPU_TESTS_GRAPH_TEXT_H

#include "kpu/graph.h"

#include "run_suite.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void show_complaints(const kpu_diag *diag)
{
    char *text = diag->count ? kpu_diag_render(diag) : NULL;
    if (text)
        fprintf(stderr, "%s", text);
    free(text);
}

/* A graph from text that must be right. */
static inline kpu_graph *graph_of(const char *path, const char *text)
{
    kpu_diag diag = {0};
    kpu_graph *graph = NULL;
    const kpu_graph_source source = {path, text, strlen(text)};
    CU_ASSERT_EQUAL(kpu_graph_parse(&source, &graph, &diag), KPU_OK);
    show_complaints(&diag);
    kpu_diag_fini(&diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(graph);
    return graph;
}

/* A sample of sweeps/graphs. */
static inline kpu_graph *graph_of_sample(const char *name)
{
    char path[512];
    kpu_diag diag = {0};
    kpu_graph *graph = NULL;
    snprintf(path, sizeof path, KPU_SOURCE_DIR "/sweeps/graphs/%s", name);
    CU_ASSERT_EQUAL(kpu_graph_read(path, &graph, &diag), KPU_OK);
    show_complaints(&diag);
    kpu_diag_fini(&diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(graph);
    return graph;
}

static inline kpu_matmul_list matmuls_of(const kpu_graph *graph)
{
    kpu_diag diag = {0};
    kpu_matmul_list list;
    CU_ASSERT_EQUAL(kpu_graph_lower(graph, &list, &diag), KPU_OK);
    show_complaints(&diag);
    kpu_diag_fini(&diag);
    return list;
}

/* The text as a new string with its first `old` replaced. */
static inline char *replace_first(const char *text, const char *old, const char *new_text)
{
    const char *at = strstr(text, old);
    kpu_text out = {0};
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    kpu_text_put_bytes(&out, text, (size_t)(at - text));
    kpu_text_put(&out, new_text);
    kpu_text_put(&out, at + strlen(old));
    return out.data;
}

#endif
