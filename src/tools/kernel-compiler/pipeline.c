/* Graph -> matrix multiplications -> mappings -> program -> object. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compile.h"
#include "tools/output.h"

typedef struct compilation {
    const compiler_values *values;
    kpu_diag *diag;
    compiler_request request;
    kpu_graph *graph;
    kpu_matmul_list matmuls;
    compiler_choice *choices; /* one a matmul */
    kpu_dfx *dfx;
    kpu_text listing; /* what --dump, --emit-dfx and --emit-flat print */
    kpu_text remarks; /* what --verbose says */
} compilation;

static int complain_memory(const compilation *c)
{
    return kpu_diag_add(c->diag, KPU_E_MEMORY, "out of memory");
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int read_graph(compilation *c, const char *path)
{
    int status = kpu_graph_read(path, &c->graph, c->diag);
    if (!status && c->values->dump)
        kpu_graph_print_json(c->graph, &c->listing);
    return status;
}

static int choose(compilation *c)
{
    c->choices = calloc(c->matmuls.count + 1, sizeof *c->choices);
    if (!c->choices)
        return complain_memory(c);
    return compiler_choose(&c->request, c->graph, &c->matmuls, c->choices, c->diag);
}

static int build(compilation *c)
{
    kpu_mapping *mappings = calloc(c->matmuls.count + 1, sizeof *mappings);
    if (!mappings)
        return complain_memory(c);
    for (size_t i = 0; i < c->matmuls.count; i++)
        mappings[i] = c->choices[i].mapping;
    const kpu_dfx_source source = {c->graph, &c->matmuls, mappings, &c->request.machine};
    int status = kpu_dfx_build(&source, &c->dfx, c->diag);
    free(mappings);
    return status ? status : kpu_dfx_verify(c->dfx, NULL, c->diag);
}

static int emit(compilation *c)
{
    const compiler_values *v = c->values;
    int status = KPU_OK;
    if (v->emit_dfx)
        kpu_dfx_print(c->dfx, &c->listing);
    for (size_t i = 0; !status && v->emit_flat && i < c->dfx->kernel_count; i++)
        status = kpu_dfx_print_flat(c->dfx, i, &c->listing, c->diag);
    return status;
}

static int write_object(compilation *c)
{
    const compiler_values *v = c->values;
    return v->output ? kpu_object_write(v->output, c->dfx, c->request.format, c->diag) : KPU_OK;
}

static void explain(compilation *c, double ms)
{
    size_t kernels = c->dfx->kernel_count;
    compiler_explain(c->dfx, c->choices, &c->request.machine, &c->remarks);
    kpu_text_format(&c->remarks, "%s: %zu kernel%s in %.1f ms\n",
                    c->values->output ? c->values->output : "no object", kernels,
                    kernels == 1 ? "" : "s", ms);
}

/* Whatever has been listed is shown, also when what followed failed. */
static int put_listing(compilation *c)
{
    const char *path = c->values->listing;
    if (!path || !c->listing.length)
        return kpu_tool_print(&c->listing);
    if (c->listing.failed)
        return complain_memory(c);
    return kpu_file_write(path, c->listing.data, c->listing.length, c->diag);
}

static void close_compilation(compilation *c)
{
    kpu_text_fini(&c->listing);
    kpu_text_fini(&c->remarks);
    kpu_dfx_free(c->dfx);
    free(c->choices);
    kpu_matmul_list_fini(&c->matmuls);
    kpu_graph_free(c->graph);
}

static int compile(compilation *c)
{
    int status = choose(c);
    if (!status)
        status = build(c);
    return status ? status : emit(c);
}

/* The graph comes before the machine: what is wrong with it is told wherever machines are. */
static int prepare(compilation *c, const char *graph)
{
    int status = compiler_request_read(c->values, &c->request, c->diag);
    if (!status)
        status = read_graph(c, graph);
    if (!status)
        status = kpu_graph_lower(c->graph, &c->matmuls, c->diag);
    if (!status && !compiler_only_dumps(c->values)) {
        status = compiler_request_load(c->values, &c->request, c->diag);
        status = status ? status : compile(c);
    }
    return status;
}

/* The object comes last: it is not left behind if the listing cannot be written. */
int compiler_run(const compiler_values *values, const char *graph, kpu_diag *diag)
{
    compilation c = {.values = values, .diag = diag};
    double began_ms = now_ms();
    int status = prepare(&c, graph);
    int put = put_listing(&c);
    status = status ? status : put;
    if (!status)
        status = write_object(&c);
    if (!status && values->verbose) {
        explain(&c, now_ms() - began_ms);
        status = kpu_tool_remark(&c.remarks);
    }
    close_compilation(&c);
    return status;
}
