#include "random_case.h"

#include "reference.h"

#include <string.h>

#define PICK(random, table)                                                                        \
    ((table)[random_between((random), 0, (int64_t)(sizeof(table) / sizeof((table)[0])) - 1)])

int64_t random_between(random_stream *random, int64_t least, int64_t most)
{
    uint64_t drawn = kpu_random_u64(random->seed, random->stream, random->index++);
    return least + (int64_t)(drawn % (uint64_t)(most - least + 1));
}

bool random_chance(random_stream *random, int64_t percent)
{
    return random_between(random, 1, 100) <= percent;
}

static kpu_rational draw_bandwidth(random_stream *random)
{
    static const int64_t widths[] = {1, 2, 3, 4, 8, 16, 42, 64, 200, 1000};
    kpu_rational out;
    int64_t den = random_chance(random, 50) ? 1 : random_between(random, 1, 9);
    if (!kpu_rational_make(PICK(random, widths), den, &out))
        out = (kpu_rational){1, 1};
    return out;
}

static int64_t draw_latency(random_stream *random)
{
    static const int64_t latencies[] = {0, 0, 0, 1, 2, 5, 11, 25, 100, 250, 1000};
    return PICK(random, latencies);
}

static int64_t draw_engines(random_stream *random)
{
    static const int64_t counts[] = {1, 1, 1, 2, 2, 3, 4, 5, 7, 16, 40};
    return PICK(random, counts);
}

/* `tight` capacities decide the residency, wide ones let everything fit. */
static void draw_capacity(random_stream *random, int64_t *banks, int64_t *kib)
{
    bool tight = random_chance(random, 40);
    *banks = random_between(random, 1, tight ? 3 : 8);
    *kib = random_between(random, 1, tight ? 5 : 300);
}

static void draw_machine(random_stream *random, kpu_machine *out)
{
    *out = (kpu_machine){.name = "random", .clock_ghz = 0.5, .mac_pj = 0.25, .leakage_mw = 3.0};
    out->dram_channels = draw_engines(random);
    out->dma_bytes_per_cycle = draw_bandwidth(random);
    out->dma_latency_cycles = draw_latency(random);
    draw_capacity(random, &out->l3_tiles, &out->l3_tile_kib);
    out->block_mover_engines = draw_engines(random);
    out->block_mover_bytes_per_cycle = draw_bandwidth(random);
    out->block_mover_latency_cycles = draw_latency(random);
    draw_capacity(random, &out->l2_banks, &out->l2_bank_kib);
    out->row_bytes_per_cycle = draw_bandwidth(random);
    out->col_bytes_per_cycle = draw_bandwidth(random);
    out->drain_bytes_per_cycle = draw_bandwidth(random);
    out->streamer_latency_cycles = draw_latency(random);
    draw_capacity(random, &out->l1_buffers, &out->l1_buffer_kib);
    out->fabric_rows = random_between(random, 1, 12);
    out->fabric_cols = random_between(random, 1, 12);
    out->registers_per_pe = random_chance(random, 50) ? 200 : random_between(random, 1, 40);
    out->pipelining = random_between(random, KPU_PIPELINING_NONE, KPU_PIPELINING_FULL);
    for (int level = 0; level < KPU_LEVELS; level++) {
        out->read_pj[level] = 100.0 / (1 + 3 * level);
        out->write_pj[level] = 110.0 / (1 + 2 * level);
    }
}

static void draw_problem(random_stream *random, kpu_problem *out)
{
    static const int64_t sizes[] = {1, 2, 4, 8};
    *out = (kpu_problem){0};
    for (int d = 0; d < KPU_DIMS; d++)
        out->dim[d] = random_between(random, 1, random_chance(random, 30) ? 8 : 100);
    out->element_bytes[KPU_A] = PICK(random, sizes);
    out->element_bytes[KPU_B] = PICK(random, sizes);
    out->element_bytes[KPU_C] = PICK(random, sizes);
    out->partial_bytes = random_chance(random, 50)
                             ? out->element_bytes[KPU_C]
                             : out->element_bytes[KPU_C] * random_between(random, 1, 4);
}

static void draw_tiling(random_stream *random, const kpu_problem *problem, kpu_candidate *out)
{
    for (int d = 0; d < KPU_DIMS; d++) {
        int64_t dim = problem->dim[d];
        int64_t trips = random_between(random, 1, random_chance(random, 20) ? 40 : 8);
        out->tile[d] = kpu_ceil_div(dim, trips);
        if (random_chance(random, 10))
            out->tile[d] = random_between(random, 1, 2 * dim);
        int64_t tile = out->tile[d] < dim ? out->tile[d] : dim;
        out->block[d] = random_chance(random, 30)
                            ? 0
                            : tile * random_between(random, 1, kpu_ceil_div(dim, tile) + 1);
        if (random_chance(random, 1))
            out->block[d] = random_between(random, 0, dim); /* perhaps illegal */
    }
}

static void draw_order(random_stream *random, int64_t order[KPU_DIMS])
{
    for (int i = 0; i < KPU_DIMS; i++) {
        int64_t j = random_between(random, 0, i);
        order[i] = order[j];
        order[j] = i;
    }
}

static void draw_buffering(random_stream *random, int64_t buffers[KPU_OPERANDS])
{
    bool equal = random_chance(random, 40);
    for (int x = 0; x < KPU_OPERANDS; x++)
        buffers[x] = equal && x > 0 ? buffers[0] : random_between(random, 1, 4);
}

static void draw_residency(random_stream *random, kpu_candidate *out)
{
    out->auto_residency = random_chance(random, 40);
    bool high = random_chance(random, 50); /* windows small enough to fit */
    for (int x = 0; x < KPU_OPERANDS; x++) {
        int64_t l2 = random_between(random, high ? 3 : 0, KPU_NEST);
        out->hoist[x][KPU_HOIST_L2] = l2;
        out->hoist[x][KPU_HOIST_L3] = random_between(random, 0, l2);
    }
    if (out->auto_residency)
        memset(out->hoist, 0, sizeof out->hoist);
    else if (random_chance(random, 1))
        out->hoist[KPU_A][KPU_HOIST_L3] = KPU_NEST; /* perhaps illegal */
}

static void draw_candidate(random_stream *random, const kpu_problem *problem, int64_t step_limit,
                           kpu_candidate *out)
{
    kpu_candidate_defaults(out);
    out->dataflow = random_between(random, 0, KPU_DATAFLOWS - 1);
    out->swap = random_between(random, 0, 1);
    out->control = random_between(random, 0, KPU_CONTROLS - 1);
    out->eddo_window = random_chance(random, 25)
                           ? 32
                           : random_between(random, 1, random_chance(random, 50) ? 6 : 40);
    out->l1_buffers = random_between(random, 1, 4);
    draw_order(random, out->order);
    draw_buffering(random, out->l3_buffers);
    draw_buffering(random, out->l2_buffers);
    draw_residency(random, out);
    for (int i = 0; i < 100; i++) {
        draw_tiling(random, problem, out);
        int64_t steps = ref_count_steps(problem, out, 2000);
        if (steps <= step_limit)
            return; /* an illegal block counts 0 */
    }
    memset(out->tile, 0x3f, sizeof out->tile);
    memset(out->block, 0, sizeof out->block);
}

void random_case_draw(uint64_t seed, uint64_t number, random_case *out)
{
    random_stream random = {.seed = seed, .stream = number};
    draw_machine(&random, &out->machine);
    draw_problem(&random, &out->problem);
    draw_candidate(&random, &out->problem, random_chance(&random, 2) ? 2000 : 200, &out->candidate);
}

void random_case_transpose(uint64_t number, random_case *c)
{
    c->problem.transposed[KPU_A] = number % 8 == 2 || number % 8 == 6;
    c->problem.transposed[KPU_B] = number % 8 == 4 || number % 8 == 6;
}

/* ---- long loops --------------------------------------------------------------------------- */

static int64_t draw_trips(random_stream *random)
{
    static const int64_t most[] = {1, 4, 8, 20, 20, 40, 100};
    int64_t limit = PICK(random, most);
    return random_between(random, limit / 2 + 1, limit);
}

/* Tiles first, then a problem that takes that many of them. */
static void draw_long_tiling(random_stream *random, int64_t step_limit, random_case *out)
{
    kpu_candidate *c = &out->candidate;
    int64_t trips[KPU_DIMS];
    do {
        for (int d = 0; d < KPU_DIMS; d++)
            trips[d] = draw_trips(random);
    } while (trips[KPU_M] * trips[KPU_N] * trips[KPU_K] > step_limit);
    bool blocked = random_chance(random, 50), even = random_chance(random, 60);
    for (int d = 0; d < KPU_DIMS; d++) {
        c->tile[d] = random_between(random, 1, 16);
        out->problem.dim[d] = trips[d] * c->tile[d];
        if (!even)
            out->problem.dim[d] -= random_between(random, 0, c->tile[d] - 1);
        c->block[d] = 0;
        if (blocked && random_chance(random, 70))
            c->block[d] = c->tile[d] * random_between(random, 1, kpu_ceil_div(trips[d], 2));
    }
}

/* Memory for windows of many tiles, more often than not. */
static void draw_long_machine(random_stream *random, kpu_machine *out)
{
    draw_machine(random, out);
    if (random_chance(random, 70))
        out->l3_tile_kib *= random_between(random, 1, 20);
    if (random_chance(random, 60))
        out->l2_bank_kib *= random_between(random, 1, 10);
    if (random_chance(random, 80))
        out->registers_per_pe = 256;
}

void random_case_draw_long(uint64_t seed, uint64_t number, random_case *out)
{
    random_stream random = {.seed = seed, .stream = number, .index = UINT64_C(1) << 32};
    static const int64_t limits[] = {1000, 5000, 5000, 20000};
    draw_long_machine(&random, &out->machine);
    draw_problem(&random, &out->problem);
    draw_candidate(&random, &out->problem, 2000, &out->candidate);
    if (random_chance(&random, 60)) {
        out->candidate.auto_residency = 1;
        memset(out->candidate.hoist, 0, sizeof out->candidate.hoist);
    }
    draw_long_tiling(&random, PICK(&random, limits), out);
}

/* ---- JSON --------------------------------------------------------------------------------- */

static void print_bandwidth(FILE *file, const char *key, kpu_rational r)
{
    fprintf(file, "\"%s\":[%lld,%lld],", key, (long long)r.num, (long long)r.den);
}

static void print_machine(const kpu_machine *m, FILE *file)
{
    static const char *const levels[] = {"dram", "l3", "l2", "l1"};
    fprintf(file, "\"hw\":{\"dram\":{\"channels\":%lld},\"dma\":{", (long long)m->dram_channels);
    print_bandwidth(file, "bytes_per_cycle", m->dma_bytes_per_cycle);
    fprintf(file, "\"latency\":%lld},\"l3\":{\"tiles\":%lld,\"tile_kib\":%lld},",
            (long long)m->dma_latency_cycles, (long long)m->l3_tiles, (long long)m->l3_tile_kib);
    fprintf(file, "\"block_mover\":{\"engines\":%lld,", (long long)m->block_mover_engines);
    print_bandwidth(file, "bytes_per_cycle", m->block_mover_bytes_per_cycle);
    fprintf(file, "\"latency\":%lld},\"l2\":{\"banks\":%lld,\"bank_kib\":%lld},\"streamer\":{",
            (long long)m->block_mover_latency_cycles, (long long)m->l2_banks,
            (long long)m->l2_bank_kib);
    print_bandwidth(file, "row_bytes_per_cycle", m->row_bytes_per_cycle);
    print_bandwidth(file, "col_bytes_per_cycle", m->col_bytes_per_cycle);
    print_bandwidth(file, "drain_bytes_per_cycle", m->drain_bytes_per_cycle);
    fprintf(file, "\"latency\":%lld},\"l1\":{\"buffers\":%lld,\"buffer_kib\":%lld},",
            (long long)m->streamer_latency_cycles, (long long)m->l1_buffers,
            (long long)m->l1_buffer_kib);
    fprintf(file, "\"fabric\":{\"rows\":%lld,\"cols\":%lld,\"registers_per_pe\":%lld,",
            (long long)m->fabric_rows, (long long)m->fabric_cols, (long long)m->registers_per_pe);
    fprintf(file, "\"pipelining\":\"%s\",\"clock_ghz\":%.17g},\"energy\":{",
            m->pipelining == KPU_PIPELINING_FULL ? "full" : "none", m->clock_ghz);
    for (int level = 0; level < KPU_LEVELS; level++)
        fprintf(file, "\"%s_read_pj\":%.17g,\"%s_write_pj\":%.17g,", levels[level],
                m->read_pj[level], levels[level], m->write_pj[level]);
    fprintf(file, "\"mac_pj\":%.17g,\"leakage_mw\":%.17g}}", m->mac_pj, m->leakage_mw);
}

static void print_buffers(FILE *file, const char *key, const int64_t buffers[KPU_OPERANDS])
{
    fprintf(file, "\"%s\":{\"A\":%lld,\"B\":%lld,\"C\":%lld},", key, (long long)buffers[KPU_A],
            (long long)buffers[KPU_B], (long long)buffers[KPU_C]);
}

static void print_candidate(const kpu_candidate *c, FILE *file)
{
    fprintf(file, "\"candidate\":{");
    for (int d = 0; d < KPU_DIMS; d++)
        fprintf(file, "\"T%c\":%lld,\"B%c\":%lld,", "MNK"[d], (long long)c -> tile[d], "MNK"[d],
                (long long)c -> block[d]);
    fprintf(file, "\"dataflow\":\"%s\",\"swap\":%lld,\"order\":\"%c%c%c\",",
            kpu_dataflow_names[c->dataflow], (long long)c->swap, "mnk"[c->order[0]],
            "mnk"[c->order[1]], "mnk"[c->order[2]]);
    print_buffers(file, "d3", c->l3_buffers);
    print_buffers(file, "d2", c->l2_buffers);
    fprintf(file, "\"d1\":%lld,\"control\":\"%s\",\"eddo_window\":%lld,\"residency\":",
            (long long)c->l1_buffers, kpu_control_names[c->control], (long long)c->eddo_window);
    if (c->auto_residency) {
        fprintf(file, "\"auto\"}");
        return;
    }
    for (int x = 0; x < KPU_OPERANDS; x++)
        fprintf(file, "%c\"%c\":[%lld,%lld]", x ? ',' : '{', "ABC"[x],
                (long long)c -> hoist[x][KPU_HOIST_L3], (long long)c -> hoist[x][KPU_HOIST_L2]);
    fprintf(file, "}}");
}

void random_case_print(const random_case *c, FILE *file)
{
    const kpu_problem *p = &c->problem;
    fprintf(file, "{");
    print_machine(&c->machine, file);
    fprintf(file, ",\"problem\":{\"M\":%lld,\"N\":%lld,\"K\":%lld,\"eA\":%lld,\"eB\":%lld,",
            (long long)p->dim[KPU_M], (long long)p->dim[KPU_N], (long long)p->dim[KPU_K],
            (long long)p->element_bytes[KPU_A], (long long)p->element_bytes[KPU_B]);
    fprintf(file, "\"eC\":%lld,\"eP\":%lld},", (long long)p->element_bytes[KPU_C],
            (long long)p->partial_bytes);
    print_candidate(&c->candidate, file);
    fprintf(file, "}\n");
}
