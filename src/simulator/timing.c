#include "simulator/timing.h"

#include <math.h>

/* False if the occupancy is beyond 2^60 cycles: a validated machine and tiles that fit it never
 * come near. */
static bool occupancy(int64_t bytes, kpu_rational bandwidth, int64_t *cycles)
{
    *cycles = kpu_rational_ceil_quotient(bytes, bandwidth);
    return *cycles < INT64_C(1) << 60;
}

/* A block mover that turns a tile takes all of it in by rows before it gives it out by columns. */
static void turn(const kpu_problem *problem, timing *t)
{
    for (int x = 0; x < KPU_OPERANDS; x++)
        for (int e = 0; e < KPU_EDGES && problem->transposed[x]; e++)
            t->in[x].bm[e] *= 2;
}

static bool bind_transfers(const kpu_machine *machine, const kpu_program *p, timing *t)
{
    const kpu_rational stream[KPU_OPERANDS] = {
        [KPU_A] = machine->row_bytes_per_cycle,
        [KPU_B] = machine->col_bytes_per_cycle,
        [KPU_C] = machine->drain_bytes_per_cycle,
    };
    bool ok = true;
    for (int e = 0; e < KPU_EDGES; e++) {
        for (int x = 0; x < KPU_OPERANDS; x++) {
            ok &= occupancy(p->tile_bytes[x][e], machine->dma_bytes_per_cycle, &t->in[x].dma[e]);
            ok &= occupancy(p->tile_bytes[x][e], machine->block_mover_bytes_per_cycle,
                            &t->in[x].bm[e]);
            ok &= occupancy(p->tile_bytes[x][e], stream[x], &t->in[x].str[e]);
        }
        t->out[0].dma[e] = t->in[KPU_C].dma[e];
        t->out[0].bm[e] = t->in[KPU_C].bm[e];
        t->out[0].str[e] = t->in[KPU_C].str[e];
        ok &= occupancy(p->final_bytes[e], machine->dma_bytes_per_cycle, &t->out[1].dma[e]);
        ok &= occupancy(p->final_bytes[e], machine->block_mover_bytes_per_cycle, &t->out[1].bm[e]);
        ok &= occupancy(p->final_bytes[e], stream[KPU_C], &t->out[1].str[e]);
    }
    return ok;
}

static void bind_compute(const kpu_machine *machine, const kpu_program *p, timing *t)
{
    int64_t rows = machine->fabric_rows, cols = machine->fabric_cols;
    int64_t fill = kpu_machine_fill_cycles(machine, p->unpipelined_row_fills);
    t->skew = kpu_machine_skew_cycles(machine);
    for (int e = 0; e < KPU_EDGES; e++) {
        t->passes_row[e] = kpu_ceil_div(p->extent[p->row_dim][e >> p->row_dim & 1], rows);
        t->passes_col[e] = kpu_ceil_div(p->extent[p->col_dim][e >> p->col_dim & 1], cols);
        int64_t depth = p->extent[p->depth_dim][e >> p->depth_dim & 1];
        t->compute[e] = t->passes_row[e] * t->passes_col[e] * (depth + fill);
    }
}

/* Every command started only after the one before it had ended: no schedule is longer. */
static double serial_cycles(const timing *t, const kpu_program *p)
{
    double step = (double)(t->compute[0] + t->skew);
    for (int x = 0; x < KPU_OPERANDS; x++)
        step += 2.0 * ((double)t->in[x].dma[0] + (double)t->in[x].bm[0] + (double)t->in[x].str[0] +
                       (double)t->dma_latency + (double)t->bm_latency + (double)t->str_latency);
    return step * (double)p->tiles[KPU_M] * (double)p->tiles[KPU_N] * (double)p->tiles[KPU_K];
}

int timing_bind(const kpu_machine *machine, const kpu_problem *problem, const kpu_program *program,
                timing *t)
{
    t->dma_latency = machine->dma_latency_cycles;
    t->bm_latency = machine->block_mover_latency_cycles;
    t->str_latency = machine->streamer_latency_cycles;
    t->dma_engines = machine->dram_channels;
    t->bm_engines = machine->block_mover_engines;
    if (!bind_transfers(machine, program, t))
        return KPU_E_RANGE;
    turn(problem, t);
    bind_compute(machine, program, t);
    return serial_cycles(t, program) < ldexp(1.0, 62) ? KPU_OK : KPU_E_RANGE;
}
