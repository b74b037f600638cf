/* kpu/simulator.h - times one compiled candidate, command by command. */
#ifndef KPU_SIMULATOR_H
#define KPU_SIMULATOR_H

#include "kpu/mapping.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of the machine model (docs/model.md): equal versions give equal numbers. */
#define KPU_MODEL_VERSION "1"

enum {
    KPU_CMD_DMA_LOAD_A,
    KPU_CMD_DMA_LOAD_B,
    KPU_CMD_DMA_LOAD_C,
    KPU_CMD_BM_LOAD_A,
    KPU_CMD_BM_LOAD_B,
    KPU_CMD_BM_LOAD_C,
    KPU_CMD_STR_A,
    KPU_CMD_STR_B,
    KPU_CMD_STR_CIN,
    KPU_CMD_FAB,
    KPU_CMD_STR_COUT,
    KPU_CMD_BM_STORE_C,
    KPU_CMD_DMA_STORE_C,
    KPU_COMMANDS
};
extern const char *const kpu_command_names[KPU_COMMANDS]; /* "DMA_LOAD_A", ... */

enum {
    KPU_ENGINE_DMA,
    KPU_ENGINE_BM,
    KPU_ENGINE_STR_A,
    KPU_ENGINE_STR_B,
    KPU_ENGINE_STR_CIN,
    KPU_ENGINE_STR_COUT,
    KPU_ENGINE_FAB,
    KPU_ENGINE_CLASSES
};
extern const char *const kpu_engine_names[KPU_ENGINE_CLASSES]; /* "dma", "bm", "str_a", ... */

/* Why the fabric did not compute; each but drain is per operand. */
enum {
    KPU_STALL_LATENCY,
    KPU_STALL_L3_SLOTS,
    KPU_STALL_L2_SLOTS,
    KPU_STALL_L1_SLOTS,
    KPU_STALL_REGISTER_SLOTS,
    KPU_STALL_DRAM_BANDWIDTH,
    KPU_STALL_DRAM_ORDER,
    KPU_STALL_L3_BANDWIDTH,
    KPU_STALL_L3_ORDER,
    KPU_STALL_L2_BANDWIDTH,
    KPU_STALL_L2_ORDER,
    KPU_STALLS
};
extern const char *const kpu_stall_names[KPU_STALLS]; /* "latency", "l3 slots", ... */

typedef struct kpu_counts {
    int64_t cycles, compute_cycles, drain_cycles;
    int64_t steps;
    int64_t commands[KPU_COMMANDS];
    int64_t busy[KPU_ENGINE_CLASSES];         /* summed over the engines of a class */
    int64_t stalls[KPU_STALLS][KPU_OPERANDS]; /* compute + sum + drain = cycles */
    kpu_traffic traffic;
    const int64_t *dma_busy, *bm_busy; /* per engine; belong to the simulator, valid until its
                                          next run; dram_channels and block_mover_engines long */
} kpu_counts;

/* Scratch of one worker, reused from run to run; not shared between threads. */
typedef struct kpu_simulator kpu_simulator;
kpu_simulator *kpu_simulator_new(void); /* NULL: out of memory */
void kpu_simulator_free(kpu_simulator *simulator);
/* Asked now and then during a run (every few thousand steps): true ends it with
 * KPU_E_INTERRUPTED. NULL, as at first: never asked. */
void kpu_simulator_set_stop(kpu_simulator *simulator, bool (*stop)(void *context), void *context);
/* On, as at first: what repeats is not walked through again but repeated; no reported number
 * depends on it. Off: every command is timed by itself. */
void kpu_simulator_set_fast_forward(kpu_simulator *simulator, bool on);
/* Steps of the last run that were timed one by one; the others were repetitions of them. */
int64_t kpu_simulator_steps_walked(const kpu_simulator *simulator);

/* Runs a feasible mapping. KPU_OK, KPU_E_MEMORY, KPU_E_INTERRUPTED, or KPU_E_RANGE (64-bit cycles
 * would overflow).*/
int kpu_simulator_run(kpu_simulator *simulator, const kpu_machine *machine,
                      const kpu_mapping *mapping, kpu_counts *out);

#ifdef __cplusplus
}
#endif
#endif
