#include "kpu/simulator.h"

#include <stdlib.h>
#include <string.h>

#include "simulator/iddo.h"

const char *const kpu_command_names[KPU_COMMANDS] = {
    "DMA_LOAD_A", "DMA_LOAD_B", "DMA_LOAD_C", "BM_LOAD_A", "BM_LOAD_B",  "BM_LOAD_C",  "STR_A",
    "STR_B",      "STR_CIN",    "FAB",        "STR_COUT",  "BM_STORE_C", "DMA_STORE_C"};
const char *const kpu_engine_names[KPU_ENGINE_CLASSES] = {"dma",     "bm",       "str_a", "str_b",
                                                          "str_cin", "str_cout", "fab"};
const char *const kpu_stall_names[KPU_STALLS] = {
    "latency",    "l3 slots",     "l2 slots", "l1 slots",     "registers slots", "dram bandwidth",
    "dram order", "l3 bandwidth", "l3 order", "l2 bandwidth", "l2 order"};

kpu_simulator *kpu_simulator_new(void)
{
    return calloc(1, sizeof(kpu_simulator));
}

void kpu_simulator_free(kpu_simulator *s)
{
    if (!s)
        return;
    eddo_free(s->eddo);
    free(s->engines_buffer.data);
    free(s->busy_buffer.data);
    free(s->slots_buffer.data);
    free(s->stored_buffer.data);
    repeats_free(s->repeats);
    free(s->l1_buffer.data);
    free(s);
}

void kpu_simulator_set_stop(kpu_simulator *s, bool (*stop)(void *context), void *context)
{
    s->stop = stop;
    s->stop_context = context;
}

bool buffer_reserve(buffer *b, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count ? count : 1, size, &bytes))
        return false;
    if (bytes <= b->bytes)
        return true;
    void *data = malloc(bytes);
    if (!data)
        return false;
    free(b->data);
    b->data = data;
    b->bytes = bytes;
    return true;
}

int64_t kpu_simulator_steps_walked(const kpu_simulator *s)
{
    return s->steps_walked;
}

/* The engines and the results' per-engine busy cycles: both start from zero. */
static bool reserve_engines(kpu_simulator *s)
{
    size_t engines = (size_t)(s->timing.dma_engines + s->timing.bm_engines);
    if (!buffer_reserve(&s->engines_buffer, engines, sizeof(engine)) ||
        !buffer_reserve(&s->busy_buffer, engines, sizeof(int64_t)))
        return false;
    memset(s->engines_buffer.data, 0, engines * sizeof(engine));
    s->dma = s->engines_buffer.data;
    s->bm = s->dma + s->timing.dma_engines;
    s->busy = s->busy_buffer.data;
    return true;
}

/* A ring never holds more tiles than there are: slots beyond that are memory nobody touches. */
static bool reserve_rings(kpu_simulator *s)
{
    const kpu_program *p = &s->program;
    size_t ab = 0, c3 = (size_t)p->window[KPU_C][KPU_HOIST_L3].slots,
           c2 = (size_t)p->window[KPU_C][KPU_HOIST_L2].slots;
    for (int x = KPU_A; x <= KPU_B; x++)
        for (int level = 0; level < KPU_HOIST_LEVELS; level++)
            ab += (size_t)p->window[x][level].slots;
    size_t bytes = ab * sizeof(slot) + (c3 + c2) * sizeof(slot_c);
    if (!buffer_reserve(&s->slots_buffer, bytes, 1))
        return false;
    slot *next = s->slots_buffer.data;
    for (size_t i = 0; i < ab; i++)
        next[i] = (slot){.release = -1};
    for (int x = KPU_A; x <= KPU_B; x++)
        for (int level = 0; level < KPU_HOIST_LEVELS; level++) {
            s->ring[x][level] = next;
            next += p->window[x][level].slots;
        }
    slot_c *c = (slot_c *)(void *)next;
    for (size_t i = 0; i < c3 + c2; i++)
        c[i] = (slot_c){.release = -1};
    s->ring_c[KPU_HOIST_L3] = c;
    s->ring_c[KPU_HOIST_L2] = c + c3;
    return true;
}

static bool reserve_l1(kpu_simulator *s)
{
    size_t d1 = (size_t)s->program.l1_buffers;
    if (!buffer_reserve(&s->l1_buffer, 2 * d1, sizeof(int64_t)))
        return false;
    s->fab_end = s->l1_buffer.data;
    s->cout_end = s->fab_end + d1;
    for (size_t i = 0; i < 2 * d1; i++)
        s->fab_end[i] = -1;
    return true;
}

int reserve_iddo(kpu_simulator *s, int64_t stores)
{
    size_t count = 1;
    while ((int64_t)count < stores)
        count *= 2;
    if (!reserve_engines(s) || !reserve_rings(s) || !reserve_l1(s) ||
        !buffer_reserve(&s->stored_buffer, count, sizeof(dram_time)))
        return KPU_E_MEMORY;
    s->stored = s->stored_buffer.data;
    s->stored_mask = (int64_t)count - 1;
    memset(&s->tally, 0, sizeof s->tally);
    return KPU_OK;
}

int reserve_eddo(kpu_simulator *s)
{
    if (!reserve_engines(s))
        return KPU_E_MEMORY;
    memset(&s->tally, 0, sizeof s->tally);
    return KPU_OK;
}

void kpu_simulator_set_fast_forward(kpu_simulator *s, bool on)
{
    s->no_fast_forward = !on;
}

int kpu_simulator_run(kpu_simulator *s, const kpu_machine *machine, const kpu_mapping *mapping,
                      kpu_counts *out)
{
    kpu_program_compile(mapping, &s->program);
    int code = timing_bind(machine, &mapping->problem, &s->program, &s->timing);
    if (code != KPU_OK)
        return code;
    code = s->program.control == KPU_EDDO ? run_eddo(s) : run_iddo(s);
    if (code == KPU_OK)
        count_run(s, out);
    return code;
}
