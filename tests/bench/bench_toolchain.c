/* From a graph to numbers: 1024^3 in tiles of 64, float32, on one core. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "kpu/execute.h"
#include "kpu/kpu_object.h"

enum { TILE = 64, FULL_SIZE = 1024, SMOKE_SIZE = 128 };

typedef struct toolchain {
    const kpu_machine *machine;
    int64_t size;
    kpu_text graph, object[KPU_OBJECT_FORMATS];
    kpu_mapping mapping;
    kpu_schedule schedule;
    float *a, *b, *c;
} toolchain;

static void put_graph(int64_t size, kpu_text *out)
{
    kpu_text_put(out, "{\"op\": \"matmul\"");
    for (const char *name = "ABC"; *name; name++)
        kpu_text_format(out, ", \"%c\": {\"shape\": [%lld, %lld], \"dtype\": \"float32\"}", *name,
                        (long long)size, (long long)size);
    kpu_text_put(out, "}");
}

/* All that lies between the text of a graph and the object in both forms. */
static int compile(toolchain *t, kpu_diag *diag)
{
    const kpu_graph_source text = {
        .path = "matmul.json", .text = t->graph.data, .bytes = t->graph.length};
    kpu_graph *graph;
    kpu_matmul_list matmuls;
    int code = kpu_graph_parse(&text, &graph, diag);
    if (code)
        return code;
    code = kpu_graph_lower(graph, &matmuls, diag);
    kpu_candidate candidate;
    kpu_candidate_defaults(&candidate);
    for (int d = 0; d < KPU_DIMS; d++)
        candidate.tile[d] = TILE;
    if (code == KPU_OK)
        code = kpu_mapping_make(t->machine, &matmuls.items[0].problem, &candidate, &t->mapping);
    kpu_dfx *dfx = NULL;
    if (code == KPU_OK) {
        const kpu_dfx_source source = {graph, &matmuls, &t->mapping, t->machine};
        code = kpu_dfx_build(&source, &dfx, diag);
    }
    if (code == KPU_OK)
        code = kpu_dfx_verify(dfx, NULL, diag);
    for (int f = 0; code == KPU_OK && f < KPU_OBJECT_FORMATS; f++) {
        kpu_text_clear(&t->object[f]);
        kpu_object_print(dfx, (kpu_object_format)f, &t->object[f]);
        code = t->object[f].failed ? KPU_E_MEMORY : KPU_OK;
    }
    kpu_dfx_free(dfx);
    kpu_matmul_list_fini(&matmuls);
    kpu_graph_free(graph);
    return code;
}

static int read_back(toolchain *t, kpu_diag *diag)
{
    kpu_dfx *dfx;
    const kpu_text *object = &t->object[KPU_OBJECT_BINARY];
    int code = kpu_object_parse("matmul.kpu", object->data, object->length, &dfx, diag);
    if (code == KPU_OK) {
        code = kpu_dfx_bind(&dfx->kernels[0], t->machine, &t->mapping, diag);
        kpu_dfx_free(dfx);
    }
    return code;
}

static int schedule(toolchain *t, kpu_diag *diag)
{
    kpu_schedule_fini(&t->schedule);
    return kpu_schedule_make(t->machine, &t->mapping, NULL, &t->schedule, diag);
}

static int check(toolchain *t, kpu_diag *diag)
{
    return kpu_schedule_check(&t->schedule, diag);
}

static int execute(toolchain *t, kpu_diag *diag)
{
    const kpu_matrices matrices = {.a = t->a,
                                   .b = t->b,
                                   .c = t->c,
                                   .dtype = {KPU_F32, KPU_F32, KPU_F32},
                                   .partial_dtype = KPU_F32};
    return kpu_execute(&t->schedule, &matrices, diag);
}

static const struct stage {
    const char *name;
    int (*run)(toolchain *t, kpu_diag *diag);
} stages[] = {{"graph text -> object, both forms", compile},
              {"object -> mapping on the machine", read_back},
              {"schedule, command by command", schedule},
              {"check of the schedule", check},
              {"execution with numbers", execute}};
enum { STAGES = sizeof stages / sizeof *stages };

static bool make_matrices(toolchain *t)
{
    size_t count = (size_t)(t->size * t->size);
    t->a = malloc(count * sizeof *t->a);
    t->b = malloc(count * sizeof *t->b);
    t->c = malloc(count * sizeof *t->c);
    for (size_t i = 0; t->a && t->b && i < count; i++) {
        t->a[i] = (float)((double)kpu_random_u64(1, 0, i) * 0x1p-63 - 1);
        t->b[i] = (float)((double)kpu_random_u64(1, 1, i) * 0x1p-63 - 1);
    }
    return t->a && t->b && t->c;
}

static int measure(const bench *b, toolchain *t, kpu_diag *diag)
{
    int code = KPU_OK;
    for (int s = 0; code == KPU_OK && s < STAGES; s++) {
        double best = 0;
        for (int i = 0; code == KPU_OK && i < b->repeats; i++) {
            double begin = bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
            code = stages[s].run(t, diag);
            double seconds = bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
            best = i == 0 || seconds < best ? seconds : best;
        }
        printf("%-34s %10.2f ms\n", stages[s].name, best * 1e3);
    }
    return code;
}

int bench_toolchain(const bench *b, const void *unused, kpu_diag *diag)
{
    (void)unused;
    toolchain t = {.machine = &b->machine, .size = b->searches_long ? FULL_SIZE : SMOKE_SIZE};
    put_graph(t.size, &t.graph);
    printf("From a graph to numbers: %lld^3 in tiles of %d, float32, one core\n", (long long)t.size,
           TILE);
    int code = make_matrices(&t) ? measure(b, &t, diag) : KPU_E_MEMORY;
    printf("%lld commands, %lld cycles; object: %zu bytes as JSON, %zu binary\n",
           (long long)t.schedule.command_count, (long long)t.schedule.cycles,
           t.object[KPU_OBJECT_JSON].length, t.object[KPU_OBJECT_BINARY].length);
    kpu_schedule_fini(&t.schedule);
    kpu_text_fini(&t.graph);
    for (int f = 0; f < KPU_OBJECT_FORMATS; f++)
        kpu_text_fini(&t.object[f]);
    free(t.a);
    free(t.b);
    free(t.c);
    return code;
}
