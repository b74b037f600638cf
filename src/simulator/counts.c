/* What a run tallied -> commands, bytes and busy cycles. */
#include <string.h>

#include "simulator/timing.h"

static void count_in(const kpu_simulator *s, int x, int e, kpu_counts *out)
{
    const tally *n = &s->tally;
    const kpu_program *p = &s->program;
    int64_t bytes = p->tile_bytes[x][e];
    out->commands[KPU_CMD_DMA_LOAD_A + x] += n->dma_load[x][e];
    out->commands[KPU_CMD_BM_LOAD_A + x] += n->bm_load[x][e];
    out->commands[KPU_CMD_STR_A + x] += n->stream_in[x][e];
    out->traffic.dram_read[x] += n->dma_load[x][e] * bytes;
    out->traffic.l3_to_l2[x] += n->bm_load[x][e] * bytes;
    out->traffic.l2_to_l1[x] += n->stream_in[x][e] * bytes;
    out->busy[KPU_ENGINE_STR_A + x] += n->stream_in[x][e] * s->timing.in[x].str[e];
}

/* What L1 feeds the fabric with: the stationary tile as streamed; every other operand once per
 * pass along the dimension that it does not have; C goes back in as many passes as it came. */
static void count_fed(const kpu_simulator *s, int e, kpu_counts *out)
{
    const kpu_program *p = &s->program;
    static const uint8_t lacks[KPU_OPERANDS] = {KPU_N, KPU_M, KPU_K};
    for (int x = 0; x < KPU_OPERANDS; x++) {
        if (x == p->stationary) {
            out->traffic.l1_to_fabric[x] += s->tally.stream_in[x][e] * p->tile_bytes[x][e];
            continue;
        }
        int64_t passes = lacks[x] == p->col_dim ? s->timing.passes_col[e] : s->timing.passes_row[e];
        int64_t bytes = s->tally.fab[e] * passes * p->tile_bytes[x][e];
        out->traffic.l1_to_fabric[x] += bytes;
        if (x == KPU_C)
            out->traffic.fabric_to_l1[x] += bytes;
    }
}

static void count_out(const kpu_simulator *s, int final, int e, kpu_counts *out)
{
    const tally *n = &s->tally;
    const kpu_program *p = &s->program;
    int64_t bytes = final ? p->final_bytes[e] : p->tile_bytes[KPU_C][e];
    out->commands[KPU_CMD_STR_COUT] += n->stream_out[final][e];
    out->commands[KPU_CMD_BM_STORE_C] += n->bm_store[final][e];
    out->commands[KPU_CMD_DMA_STORE_C] += n->dma_store[final][e];
    out->traffic.l1_to_l2[KPU_C] += n->stream_out[final][e] * bytes;
    out->traffic.l2_to_l3[KPU_C] += n->bm_store[final][e] * bytes;
    out->traffic.dram_write[KPU_C] += n->dma_store[final][e] * bytes;
    out->busy[KPU_ENGINE_STR_COUT] += n->stream_out[final][e] * s->timing.out[final].str[e];
    if (p->stationary == KPU_C)
        out->traffic.fabric_to_l1[KPU_C] += n->stream_out[final][e] * bytes;
}

static void count_engines(const kpu_simulator *s, kpu_counts *out)
{
    int64_t *busy = s->busy;
    out->dma_busy = busy;
    for (int64_t i = 0; i < s->timing.dma_engines; i++) {
        *busy++ = s->dma[i].busy;
        out->busy[KPU_ENGINE_DMA] += s->dma[i].busy;
    }
    out->bm_busy = busy;
    for (int64_t i = 0; i < s->timing.bm_engines; i++) {
        *busy++ = s->bm[i].busy;
        out->busy[KPU_ENGINE_BM] += s->bm[i].busy;
    }
}

void count_run(const kpu_simulator *s, kpu_counts *out)
{
    memset(out, 0, sizeof *out);
    for (int e = 0; e < KPU_EDGES; e++) {
        for (int x = 0; x < KPU_OPERANDS; x++)
            count_in(s, x, e, out);
        count_fed(s, e, out);
        count_out(s, 0, e, out);
        count_out(s, 1, e, out);
        out->steps += s->tally.fab[e];
        out->compute_cycles += s->tally.fab[e] * s->timing.compute[e];
    }
    out->commands[KPU_CMD_FAB] = out->steps;
    out->busy[KPU_ENGINE_FAB] = out->compute_cycles;
    count_engines(s, out);
    memcpy(out->stalls, s->tally.stalls, sizeof out->stalls);
    out->cycles = s->tally.cycles;
    out->drain_cycles = out->cycles - s->tally.fabric_end;
}
