/* tiny_machine.h - a machine whose runs can be followed by hand. */
#ifndef KPU_TESTS_TINY_MACHINE_H
#define KPU_TESTS_TINY_MACHINE_H

#include "kpu/machine.h"

/* One engine of each kind moving an element of 4 bytes a cycle; latencies 10, 3 and 2; one PE with
 * one register. Every tile is one element. */
static const kpu_machine tiny_machine = {
    .name = "tiny",
    .dram_channels = 1,
    .dma_bytes_per_cycle = {4, 1},
    .dma_latency_cycles = 10,
    .l3_tiles = 1,
    .l3_tile_kib = 1024,
    .block_mover_engines = 1,
    .block_mover_bytes_per_cycle = {4, 1},
    .block_mover_latency_cycles = 3,
    .l2_banks = 1,
    .l2_bank_kib = 1024,
    .row_bytes_per_cycle = {4, 1},
    .col_bytes_per_cycle = {4, 1},
    .drain_bytes_per_cycle = {4, 1},
    .streamer_latency_cycles = 2,
    .l1_buffers = 1,
    .l1_buffer_kib = 1024,
    .fabric_rows = 1,
    .fabric_cols = 1,
    .registers_per_pe = 1,
    .pipelining = KPU_PIPELINING_FULL,
    .clock_ghz = 1,
    .read_pj = {8, 4, 2, 1},
    .write_pj = {8, 4, 2, 1},
    .mac_pj = 1,
    .leakage_mw = 1,
};

#endif
