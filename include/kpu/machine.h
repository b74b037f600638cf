/* kpu/machine.h - one KPU: capacities, widths, latencies, energy (docs/model.md, "Hardware").
 * Units: bytes, KiB, cycles of the fabric clock, picojoule per byte or per MAC. */
#ifndef KPU_MACHINE_H
#define KPU_MACHINE_H

#include "kpu/config.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { KPU_LEVEL_DRAM, KPU_LEVEL_L3, KPU_LEVEL_L2, KPU_LEVEL_L1, KPU_LEVELS };
enum { KPU_PIPELINING_NONE, KPU_PIPELINING_FULL };
enum { KPU_MACHINE_NAME_MAX = 63 };

typedef struct kpu_machine {
    char name[KPU_MACHINE_NAME_MAX + 1];
    int64_t dram_channels; /* = DMA engines */
    kpu_rational dma_bytes_per_cycle;
    int64_t dma_latency_cycles;
    int64_t l3_tiles, l3_tile_kib;
    int64_t block_mover_engines;
    kpu_rational block_mover_bytes_per_cycle;
    int64_t block_mover_latency_cycles;
    int64_t l2_banks, l2_bank_kib;
    kpu_rational row_bytes_per_cycle, col_bytes_per_cycle, drain_bytes_per_cycle;
    int64_t streamer_latency_cycles;
    int64_t l1_buffers, l1_buffer_kib;
    int64_t fabric_rows, fabric_cols, registers_per_pe;
    int64_t pipelining; /* KPU_PIPELINING_* */
    double clock_ghz;
    double read_pj[KPU_LEVELS], write_pj[KPU_LEVELS]; /* per byte */
    double mac_pj;                                    /* per MAC */
    double leakage_mw;
} kpu_machine;

/* Largest capacity of L3, L2 or L1 together, and largest terms of a bandwidth: with these,
 * bytes * den of anything that fits stays below 2^62. */
#define KPU_MACHINE_CAPACITY_MAX (INT64_C(1) << 42)
#define KPU_MACHINE_BANDWIDTH_DEN_MAX INT64_C(1000000)
#define KPU_MACHINE_BANDWIDTH_NUM_MAX INT64_C(1000000000000)

/* The machine that an INI (kind KPU_FILE_MACHINE, --set done) describes. A bandwidth in GB/s
 * (10^9 bytes per second) becomes the exact rational gb_per_s / clock_ghz. Every key but those of
 * [machine] is required; its name defaults to that of the file, without folder and .ini. */
int kpu_machine_from_ini(const kpu_ini *ini, kpu_machine *out, kpu_diag *diag);
/* Reads the file and all of the above. */
int kpu_machine_load(const char *path, kpu_machine *out, kpu_diag *diag);
/* Capacity of KPU_LEVEL_L3, _L2 or _L1 in bytes; 0 for the DRAM, which has no limit. */
int64_t kpu_machine_capacity_bytes(const kpu_machine *machine, int level);
/* Cycles between the end of a step and its last result, as a pipelined array fills and drains in
 * the shadow of other passes; 0 if it is not pipelined. */
int64_t kpu_machine_skew_cycles(const kpu_machine *machine);
/* What a pass costs beyond its depth if the array is not pipelined, else 0: the rows fill
 * `row_fills` times. */
int64_t kpu_machine_fill_cycles(const kpu_machine *machine, int64_t row_fills);
/* Every field in its range (the table of keys), no capacity or bandwidth beyond its limit. */
int kpu_machine_validate(const kpu_machine *machine, kpu_diag *diag);

#ifdef __cplusplus
}
#endif
#endif
