#include "breaking_cases.h"

#include <string.h>

#include "executed_case.h"

const breaking_case breaking_cases[] = {
    {.name = "one-tile",
     .about = "one step: everything waits for data only",
     .dim = {8, 8, 8},
     .tile = {8, 8, 8},
     .dataflow = KPU_OS,
     .buffers = {1, 1},
     .width = {8, 8, 8, 8}},
    {.name = "fast-dma",
     .about = "DMA engines are ahead of block movers, single buffered",
     .dim = {8, 8, 32},
     .tile = {8, 8, 8},
     .dataflow = KPU_OS,
     .buffers = {1, 1},
     .width = {64, 4, 64, 64}},
    {.name = "slow-streams",
     .about = "block movers are ahead of streamers, which are slower than the array",
     .dim = {8, 8, 32},
     .tile = {8, 8, 8},
     .dataflow = KPU_OS,
     .buffers = {1, 1},
     .width = {8, 64, 2, 64}},
    {.name = "slow-array",
     .about = "every mover is ahead of the array",
     .dim = {8, 8, 32},
     .tile = {8, 8, 8},
     .dataflow = KPU_OS,
     .buffers = {2, 1},
     .width = {64, 64, 64, 64}},
    {.name = "results-in-l3",
     .about = "results come faster than DMA engines store them",
     .dim = {8, 32, 4},
     .tile = {8, 8, 4},
     .dataflow = KPU_OS,
     .buffers = {1, 1},
     .width = {2, 64, 64, 64}},
    {.name = "results-in-l2",
     .about = "results come faster than block movers store them",
     .dim = {8, 32, 4},
     .tile = {8, 8, 4},
     .dataflow = KPU_OS,
     .buffers = {1, 1},
     .width = {64, 2, 64, 64}},
    {.name = "sums-from-dram",
     .about = "partial sums go to DRAM and come back",
     .dim = {8, 16, 16},
     .tile = {8, 8, 8},
     .dataflow = KPU_WS,
     .swap = 1,
     .buffers = {2, 1},
     .width = {8, 64, 64, 64}},
    {.name = "sums-from-l3",
     .about = "partial sums go to L3 and come back",
     .dim = {8, 16, 16},
     .tile = {8, 8, 8},
     .dataflow = KPU_WS,
     .swap = 1,
     .keeps_c = {true, false},
     .buffers = {2, 1},
     .width = {8, 8, 64, 64}},
    {.name = "sums-from-l2",
     .about = "partial sums go to L2, slowly, and come back",
     .dim = {8, 8, 16},
     .tile = {8, 8, 8},
     .dataflow = KPU_WS,
     .keeps_c = {true, true},
     .buffers = {2, 2},
     .width = {64, 64, 64, 2}},
    {.name = "sums-return",
     .about = "partial sums come back into the registers, block after block of k",
     .dim = {8, 16, 16},
     .tile = {8, 8, 8},
     .dataflow = KPU_OS,
     .block_k = 8,
     .keeps_c = {true, true},
     .buffers = {2, 2},
     .double_buffered = true,
     .width = {64, 64, 64, 4}},
    {.name = "sums-replaced",
     .about = "the same, with registers for one tile only",
     .dim = {8, 16, 16},
     .tile = {8, 8, 8},
     .dataflow = KPU_OS,
     .block_k = 8,
     .keeps_c = {true, true},
     .buffers = {2, 2},
     .width = {64, 64, 64, 4}},
    {.name = "slow-drain-l1",
     .about = "results leave L1 more slowly than the array makes them",
     .dim = {32, 8, 8},
     .tile = {8, 8, 8},
     .dataflow = KPU_WS,
     .buffers = {2, 1},
     .width = {64, 64, 64, 2}},
    {.name = "slow-drain-registers",
     .about = "results leave the registers more slowly than the array makes them",
     .dim = {32, 8, 8},
     .tile = {8, 8, 8},
     .dataflow = KPU_OS,
     .buffers = {2, 1},
     .width = {64, 64, 64, 2}},
    {.name = "next-weights",
     .about = "the next weights come while the array works with the present ones",
     .dim = {8, 32, 8},
     .tile = {8, 8, 8},
     .dataflow = KPU_WS,
     .buffers = {2, 2},
     .width = {64, 64, 64, 64}},
};
const size_t breaking_case_count = sizeof breaking_cases / sizeof breaking_cases[0];

const breaking_wait breaking_waits[] = {
    {KPU_WAIT_L3_SLOT_AB, "the next tile falls on one that a block mover reads", "fast-dma"},
    {KPU_WAIT_L3_SLOT_AB, "the next tile falls on one that is on its way", "slow-array"},
    {KPU_WAIT_L3_SLOT_C, "a result falls on one that a DMA engine reads", "results-in-l3"},
    {KPU_WAIT_L2_SLOT_AB, "the next tile falls on one that a streamer reads", "slow-streams"},
    {KPU_WAIT_L2_SLOT_C, "a result falls on one that a block mover reads", "results-in-l2"},
    {KPU_WAIT_DRAM_C, "sums are fetched before they are back in DRAM", "sums-from-dram"},
    {KPU_WAIT_L3_LOADED, "a block mover takes what is not in L3 yet", "one-tile"},
    {KPU_WAIT_L3_STORED, "sums are fetched before they are back in L3", "sums-from-l3"},
    {KPU_WAIT_L2_LOADED, "a streamer takes what is not in L2 yet", "one-tile"},
    {KPU_WAIT_L2_STORED, "sums are streamed in before they are back in L2", "sums-from-l2"},
    {KPU_WAIT_L2_STORED, "the same, into the registers", "sums-return"},
    {KPU_WAIT_BM_STORE_SOURCE, "a block mover stores what has not left the array", "one-tile"},
    {KPU_WAIT_DMA_STORE_SOURCE, "a DMA engine stores what is not in L3 yet", "one-tile"},
    {KPU_WAIT_L1_SLOT, "the next tile falls on one that the array reads", "slow-array"},
    {KPU_WAIT_ACCUMULATORS, "fresh sums fall on results that stream out", "slow-drain-l1"},
    {KPU_WAIT_ACCUMULATORS, "sums that come back fall on such results", "sums-from-dram"},
    {KPU_WAIT_REGISTERS, "the next weights fall on those that the array uses", "next-weights"},
    {KPU_WAIT_REGISTERS, "fresh sums fall on results that stream out", "slow-drain-registers"},
    {KPU_WAIT_REGISTERS, "sums that come back fall on such results", "sums-replaced"},
    {KPU_WAIT_STREAM_FIRST, "the array begins before its operands come", "one-tile"},
    {KPU_WAIT_STREAM_READY, "the array ends before all of them have come", "slow-streams"},
    {KPU_WAIT_STATIONARY, "the array begins without its weights", "next-weights"},
    {KPU_WAIT_STATIONARY, "the array begins without the sums so far", "sums-return"},
    {KPU_WAIT_RESULT, "a streamer takes what is not computed yet", "one-tile"},
};
const size_t breaking_wait_count = sizeof breaking_waits / sizeof breaking_waits[0];

const breaking_ring breaking_rings[] = {
    {KPU_A, KPU_HOIST_L3, "slow-array"},     {KPU_B, KPU_HOIST_L3, "slow-array"},
    {KPU_C, KPU_HOIST_L3, "sums-from-dram"}, {KPU_A, KPU_HOIST_L2, "slow-array"},
    {KPU_B, KPU_HOIST_L2, "slow-array"},     {KPU_C, KPU_HOIST_L2, "sums-from-l3"},
    {KPU_A, BREAKING_L1, "sums-return"},     {KPU_B, BREAKING_L1, "sums-return"},
    {KPU_C, BREAKING_L1, "next-weights"},    {KPU_C, BREAKING_REGISTERS, "sums-return"},
};
const size_t breaking_ring_count = sizeof breaking_rings / sizeof breaking_rings[0];

const breaking_case *breaking_case_find(const char *name)
{
    for (size_t i = 0; i < breaking_case_count; i++)
        if (strcmp(breaking_cases[i].name, name) == 0)
            return &breaking_cases[i];
    return NULL;
}

/* Four by four PEs that hold one tile of 8 x 8, or two; memories in which everything fits. */
static kpu_machine machine_of(const breaking_case *c)
{
    return (kpu_machine){
        .name = "breaking",
        .dram_channels = 2,
        .dma_bytes_per_cycle = {c->width[BREAKING_DMA], 1},
        .dma_latency_cycles = 10,
        .l3_tiles = 1,
        .l3_tile_kib = 64,
        .block_mover_engines = 2,
        .block_mover_bytes_per_cycle = {c->width[BREAKING_BM], 1},
        .block_mover_latency_cycles = 5,
        .l2_banks = 1,
        .l2_bank_kib = 64,
        .row_bytes_per_cycle = {c->width[BREAKING_IN], 1},
        .col_bytes_per_cycle = {c->width[BREAKING_IN], 1},
        .drain_bytes_per_cycle = {c->width[BREAKING_OUT], 1},
        .streamer_latency_cycles = 3,
        .l1_buffers = 1,
        .l1_buffer_kib = 64,
        .fabric_rows = 4,
        .fabric_cols = 4,
        .registers_per_pe = c->double_buffered ? 8 : 4,
        .pipelining = KPU_PIPELINING_FULL,
        .clock_ghz = 1,
        .read_pj = {1, 1, 1, 1},
        .write_pj = {1, 1, 1, 1},
        .mac_pj = 1,
    };
}

bool breaking_case_map(const breaking_case *c, int control, kpu_machine *machine, kpu_mapping *out)
{
    *machine = machine_of(c);
    kpu_problem problem = {.dim = {c->dim[KPU_M], c->dim[KPU_N], c->dim[KPU_K]}};
    executed_set_types(&problem, &executed_type_table[0]);
    kpu_candidate candidate;
    kpu_candidate_defaults(&candidate);
    memcpy(candidate.tile, c->tile, sizeof candidate.tile);
    candidate.block[KPU_K] = c->block_k;
    if (c->block_k)
        memcpy(candidate.order, (const int64_t[]){KPU_K, KPU_M, KPU_N}, sizeof candidate.order);
    candidate.dataflow = c->dataflow;
    candidate.swap = c->swap;
    candidate.control = control;
    candidate.auto_residency = 0;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        candidate.l3_buffers[x] = candidate.l2_buffers[x] = c->buffers[0];
        for (int level = 0; level < KPU_HOIST_LEVELS; level++)
            candidate.hoist[x][level] = x == KPU_C && c->keeps_c[level] ? 0 : KPU_NEST;
    }
    candidate.l1_buffers = c->buffers[1];
    return kpu_mapping_make(machine, &problem, &candidate, out) == KPU_OK && !out->broken;
}

/* ---- The tables of docs/legality.md ------------------------------------------------------- */

static void put_waits(kpu_text *out)
{
    kpu_text_put(out, "| wait | left out | case |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < breaking_wait_count; i++)
        kpu_text_format(out, "| `%s` | %s | `%s` |\n", kpu_wait_tokens[breaking_waits[i].wait],
                        breaking_waits[i].breaks, breaking_waits[i].case_name);
}

static void put_rings(kpu_text *out)
{
    kpu_text_put(out, "| ring with a slot too few | case |\n| --- | --- |\n");
    static const char *const levels[BREAKING_LEVELS] = {"L3", "L2", "L1", "the registers"};
    for (size_t i = 0; i < breaking_ring_count; i++)
        kpu_text_format(out, "| %c in %s | `%s` |\n", "ABC"[breaking_rings[i].operand],
                        levels[breaking_rings[i].level], breaking_rings[i].case_name);
}

static void put_cases(kpu_text *out)
{
    kpu_text_put(out, "| case | what happens | M, N, K | tile | dataflow | d3 = d2, d1 "
                      "| DMA, block mover, in, out |\n"
                      "| --- | --- | --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < breaking_case_count; i++) {
        const breaking_case *c = &breaking_cases[i];
        kpu_text_format(out, "| `%s` | %s |", c->name, c->about);
        for (int d = 0; d < KPU_DIMS; d++)
            kpu_text_format(out, "%s %lld", d ? "," : "", (long long)c->dim[d]);
        kpu_text_put(out, " |");
        for (int d = 0; d < KPU_DIMS; d++)
            kpu_text_format(out, "%s %lld", d ? "," : "", (long long)c->tile[d]);
        kpu_text_format(out, " | %s%s%s | %lld, %lld | %lld, %lld, %lld, %lld |\n",
                        kpu_dataflow_names[c->dataflow], c->swap ? ", swap" : "",
                        c->double_buffered ? ", doubled" : "", (long long)c->buffers[0],
                        (long long)c->buffers[1], (long long)c->width[BREAKING_DMA],
                        (long long)c->width[BREAKING_BM], (long long)c->width[BREAKING_IN],
                        (long long)c->width[BREAKING_OUT]);
    }
}

void breaking_put_table(int table, kpu_text *out)
{
    static void (*const tables[BREAKING_TABLES])(kpu_text *) = {put_waits, put_rings, put_cases};
    tables[table](out);
}
