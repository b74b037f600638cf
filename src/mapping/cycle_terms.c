#include "mapping/cycle_terms.h"

const char *const kpu_cycle_bound_names[KPU_CYCLE_BOUNDS] = {
    "compute",   "dma",  "bm",   "str_a", "str_b", "str_cin", "str_cout", "l1",   "accumulators",
    "registers", "l3_a", "l3_b", "l3_c",  "l2_a",  "l2_b",    "l2_c",     "chain"};

static int64_t sum(const int64_t *values, int count)
{
    int64_t total = 0;
    for (int i = 0; i < count; i++)
        total = kpu_add_saturate(total, values[i]);
    return total;
}

void kpu_run_ends_init(const kpu_machine *machine, const kpu_problem *problem, int stationary,
                       const kpu_end_tiles *tiles, kpu_run_ends *out)
{
    int64_t final_bytes = tiles->final_bytes;
    int64_t lat1 = machine->streamer_latency_cycles, lat2 = machine->block_mover_latency_cycles,
            lat3 = machine->dma_latency_cycles;
    *out = (kpu_run_ends){
        .lat1 = lat1, .lat2 = lat2, .lat3 = lat3, .skew = kpu_machine_skew_cycles(machine)};
    for (int x = KPU_A; x <= KPU_B; x++) {
        int64_t bytes = tiles->first_bytes[x];
        const int64_t in[] = {kpu_dma_cycles(machine, bytes),
                              lat3,
                              kpu_bm_load_cycles(machine, problem, x, bytes),
                              lat2,
                              lat1,
                              x == stationary ? kpu_stream_cycles(machine, x, bytes) : 0};
        out->arrival[x] = sum(in, 4);
        int64_t start = sum(in, 6);
        out->first = start > out->first ? start : out->first;
    }
    const int64_t leave[] = {lat1, kpu_bm_cycles(machine, final_bytes), lat2,
                             kpu_dma_cycles(machine, final_bytes), lat3};
    out->out = sum(leave, 5);
    const int64_t last[] = {out->skew, kpu_stream_cycles(machine, KPU_C, final_bytes), out->out};
    out->drain = sum(last, 3);
}
