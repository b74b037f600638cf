/* kpu/schedule.h: making a schedule, and what is known of its commands without their times. */
#include "kpu/schedule.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mapping/dataflow.h"
#include "simulator/schedule_build.h"

const char *const kpu_wait_names[KPU_WAITS] = {
#define KPU_X(name, text, moment) text,
    KPU_WAIT_LIST(KPU_X)
#undef KPU_X
};

const char *const kpu_wait_tokens[KPU_WAITS] = {
    [KPU_WAIT_L3_SLOT_AB] = "l3_slot_ab",
    [KPU_WAIT_L3_SLOT_C] = "l3_slot_c",
    [KPU_WAIT_L2_SLOT_AB] = "l2_slot_ab",
    [KPU_WAIT_L2_SLOT_C] = "l2_slot_c",
    [KPU_WAIT_DRAM_C] = "dram_c",
    [KPU_WAIT_L3_LOADED] = "l3_loaded",
    [KPU_WAIT_L3_STORED] = "l3_stored",
    [KPU_WAIT_L2_LOADED] = "l2_loaded",
    [KPU_WAIT_L2_STORED] = "l2_stored",
    [KPU_WAIT_BM_STORE_SOURCE] = "bm_store_source",
    [KPU_WAIT_DMA_STORE_SOURCE] = "dma_store_source",
    [KPU_WAIT_L1_SLOT] = "l1_slot",
    [KPU_WAIT_ACCUMULATORS] = "accumulators",
    [KPU_WAIT_REGISTERS] = "registers",
    [KPU_WAIT_STREAM_FIRST] = "stream_first",
    [KPU_WAIT_STREAM_READY] = "stream_ready",
    [KPU_WAIT_STATIONARY] = "stationary",
    [KPU_WAIT_RESULT] = "result",
};

const uint8_t kpu_wait_moments[KPU_WAITS] = {
#define KPU_X(name, text, moment) KPU_MOMENT_##moment,
    KPU_WAIT_LIST(KPU_X)
#undef KPU_X
};

static const uint8_t command_classes[KPU_COMMANDS] = {
    [KPU_CMD_DMA_LOAD_A] = KPU_ENGINE_DMA,    [KPU_CMD_DMA_LOAD_B] = KPU_ENGINE_DMA,
    [KPU_CMD_DMA_LOAD_C] = KPU_ENGINE_DMA,    [KPU_CMD_BM_LOAD_A] = KPU_ENGINE_BM,
    [KPU_CMD_BM_LOAD_B] = KPU_ENGINE_BM,      [KPU_CMD_BM_LOAD_C] = KPU_ENGINE_BM,
    [KPU_CMD_STR_A] = KPU_ENGINE_STR_A,       [KPU_CMD_STR_B] = KPU_ENGINE_STR_B,
    [KPU_CMD_STR_CIN] = KPU_ENGINE_STR_CIN,   [KPU_CMD_FAB] = KPU_ENGINE_FAB,
    [KPU_CMD_STR_COUT] = KPU_ENGINE_STR_COUT, [KPU_CMD_BM_STORE_C] = KPU_ENGINE_BM,
    [KPU_CMD_DMA_STORE_C] = KPU_ENGINE_DMA,
};

uint8_t kpu_command_class(int kind)
{
    return command_classes[kind];
}

int64_t kpu_schedule_engines(const kpu_schedule *s, int engine)
{
    return engine == KPU_ENGINE_DMA  ? s->machine.dram_channels
           : engine == KPU_ENGINE_BM ? s->machine.block_mover_engines
                                     : 1;
}

int64_t kpu_schedule_latency(const kpu_schedule *s, int engine)
{
    return engine == KPU_ENGINE_DMA   ? s->machine.dma_latency_cycles
           : engine == KPU_ENGINE_BM  ? s->machine.block_mover_latency_cycles
           : engine == KPU_ENGINE_FAB ? 0
                                      : s->machine.streamer_latency_cycles;
}

void kpu_command_extent(const kpu_schedule *s, const kpu_command *c, int64_t extent[KPU_DIMS])
{
    const kpu_mapping *m = &s->mapping;
    for (int d = 0; d < KPU_DIMS; d++) {
        int64_t left = m->problem.dim[d] - c->tile[d] * m->tile[d];
        extent[d] = c->tile[d] < 0 ? 1 : left < m->tile[d] ? left : m->tile[d];
    }
}

const char *kpu_command_tile_text(const kpu_command *c, char out[KPU_COMMAND_TILE_TEXT])
{
    static const uint8_t dims[KPU_OPERANDS][2] = {
        [KPU_A] = {KPU_M, KPU_K}, [KPU_B] = {KPU_K, KPU_N}, [KPU_C] = {KPU_M, KPU_N}};
    const uint8_t *d = dims[c->operand];
    snprintf(out, KPU_COMMAND_TILE_TEXT, "%c[%" PRId64 ",%" PRId64 "]", "ABC"[c->operand],
             c -> tile[d[0]], c -> tile[d[1]]);
    return out;
}

/* ---- layout ------------------------------------------------------------------------------- */

static int64_t align_page(int64_t bytes)
{
    return (bytes + 4095) / 4096 * 4096;
}

static void lay_out_dram(const kpu_mapping *m, bool partial_sums, kpu_layout *out)
{
    const int64_t *n = m->problem.dim;
    const int64_t elements[] = {n[KPU_M] * n[KPU_K], n[KPU_K] * n[KPU_N], n[KPU_M] * n[KPU_N]};
    int64_t at = 0;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        out->dram_base[x] = at;
        out->dram_bytes[x] = elements[x] * m->problem.element_bytes[x];
        at += align_page(out->dram_bytes[x]);
    }
    if (!partial_sums)
        return;
    bool in_place = m->problem.partial_bytes == m->problem.element_bytes[KPU_C];
    out->dram_partial_base = in_place ? out->dram_base[KPU_C] : at;
    out->dram_partial_bytes = elements[KPU_C] * m->problem.partial_bytes;
}

static void lay_out(const kpu_machine *machine, kpu_schedule *s)
{
    const kpu_mapping *m = &s->mapping;
    kpu_layout *out = &s->layout;
    kpu_traffic traffic;
    kpu_mapping_traffic(machine, m, &traffic);
    lay_out_dram(m, traffic.dram_read[KPU_C] > 0, out);
    int64_t l3 = 0, l2 = 0, l1 = 0;
    for (int x = 0; x < KPU_OPERANDS; x++) {
        int64_t bytes = out->slot_bytes[x] = m->slot_bytes[x];
        out->l3_base[x] = l3;
        out->l2_base[x] = l2;
        out->l1_base[x] = l1;
        out->l1_slots[x] = s->l1_slots[x];
        l3 += s->slots[x][KPU_HOIST_L3] * bytes;
        l2 += s->slots[x][KPU_HOIST_L2] * bytes;
        l1 += s->l1_slots[x] * bytes;
    }
    out->l3_tile_bytes = machine->l3_tile_kib * 1024;
    out->l2_bank_bytes = machine->l2_bank_kib * 1024;
    out->l1_buffer_bytes = machine->l1_buffer_kib * 1024;
}

/* ---- making ------------------------------------------------------------------------------- */

static void set_slots(kpu_schedule *s, const kpu_schedule_options *options)
{
    const kpu_mapping *m = &s->mapping;
    int stationary = kpu_dataflow_stationary(kpu_dataflow_at(m->dataflow));
    for (int x = 0; x < KPU_OPERANDS; x++) {
        for (int level = 0; level < KPU_HOIST_LEVELS; level++) {
            int64_t slots = m->slots[x][level] - options->shortened[x][level];
            s->slots[x][level] = slots > 1 ? slots : 1;
        }
        s->l1_slots[x] = x == stationary ? 0 : m->l1_buffers;
    }
    s->register_slots = m->double_buffered ? 2 : 1;
}

static int make(kpu_schedule *s, const kpu_schedule_options *options, kpu_diag *diag)
{
    static int (*const set_times[KPU_CONTROLS])(kpu_schedule *) = {
        [KPU_IDDO] = schedule_time_iddo, [KPU_EDDO] = schedule_time_eddo};
    int code = schedule_emit(s, options, diag);
    if (code != KPU_OK)
        return code;
    code = set_times[s->mapping.control](s);
    if (code == KPU_E_RANGE)
        return kpu_diag_add(diag, code, "the schedule takes more cycles than 64 bits hold");
    if (code != KPU_OK)
        return kpu_diag_add(diag, code, "out of memory for the schedule's times");
    for (int64_t i = 0; i < s->command_count; i++)
        if (s->commands[i].ready > s->cycles)
            s->cycles = s->commands[i].ready;
    return KPU_OK;
}

int kpu_schedule_make(const kpu_machine *machine, const kpu_mapping *mapping,
                      const kpu_schedule_options *options, kpu_schedule *out, kpu_diag *diag)
{
    static const kpu_schedule_options defaults = {0};
    options = options ? options : &defaults;
    *out = (kpu_schedule){.machine = *machine, .mapping = *mapping};
    set_slots(out, options);
    lay_out(machine, out);
    int code = make(out, options, diag);
    if (code != KPU_OK)
        kpu_schedule_fini(out);
    return code;
}

void kpu_schedule_fini(kpu_schedule *s)
{
    free(s->commands);
    free(s->waits);
    *s = (kpu_schedule){0};
}
