/* Where commands take from and put to. */
#include <inttypes.h>
#include <stdio.h>

#include "mapping/dataflow.h"
#include "report/schedule_places.h"

const char *const place_names[PLACES] = {"DRAM", "L3", "L2", "L1", "registers"};
const char place_operand_letters[KPU_OPERANDS] = {'A', 'B', 'C'};

/* A stream's inner end is L1 here; the stationary operand's is registers. */
static const uint8_t places_of[KPU_COMMANDS][2] = {
    [KPU_CMD_DMA_LOAD_A] = {PLACE_DRAM, PLACE_L3}, [KPU_CMD_DMA_LOAD_B] = {PLACE_DRAM, PLACE_L3},
    [KPU_CMD_DMA_LOAD_C] = {PLACE_DRAM, PLACE_L3}, [KPU_CMD_BM_LOAD_A] = {PLACE_L3, PLACE_L2},
    [KPU_CMD_BM_LOAD_B] = {PLACE_L3, PLACE_L2},    [KPU_CMD_BM_LOAD_C] = {PLACE_L3, PLACE_L2},
    [KPU_CMD_STR_A] = {PLACE_L2, PLACE_L1},        [KPU_CMD_STR_B] = {PLACE_L2, PLACE_L1},
    [KPU_CMD_STR_CIN] = {PLACE_L2, PLACE_L1},      [KPU_CMD_FAB] = {PLACE_NONE, PLACE_NONE},
    [KPU_CMD_STR_COUT] = {PLACE_L1, PLACE_L2},     [KPU_CMD_BM_STORE_C] = {PLACE_L2, PLACE_L3},
    [KPU_CMD_DMA_STORE_C] = {PLACE_L3, PLACE_DRAM}};

int place_of_command(const kpu_command *c, int side)
{
    int place = places_of[c->kind][side];
    bool stationary = c->kind == KPU_CMD_STR_COUT ? c->run_ends : c->run_begins;
    return place == PLACE_L1 && stationary ? PLACE_REGISTERS : place;
}

int64_t place_slot(const kpu_command *c, int side)
{
    return side == KPU_COMMAND_SOURCE ? c->source_slot : c->dest_slot;
}

int place_in_array(const kpu_schedule *schedule, int operand)
{
    const kpu_dataflow *flow = kpu_dataflow_at(schedule->mapping.dataflow);
    return operand == kpu_dataflow_stationary(flow) ? PLACE_REGISTERS : PLACE_L1;
}

int64_t place_slots(const kpu_schedule *s, int place, int operand)
{
    const int64_t counts[PLACES] = {[PLACE_L3] = s->slots[operand][KPU_HOIST_L3],
                                    [PLACE_L2] = s->slots[operand][KPU_HOIST_L2],
                                    [PLACE_L1] = s->l1_slots[operand],
                                    [PLACE_REGISTERS] = s->register_slots};
    if (place == PLACE_REGISTERS && place_in_array(s, operand) != PLACE_REGISTERS)
        return 0;
    return counts[place];
}

void place_put(kpu_text *text, const kpu_command *c, int side)
{
    int place = place_of_command(c, side);
    if (place == PLACE_NONE)
        return;
    kpu_text_put(text, place_names[place]);
    if (place == PLACE_DRAM)
        return;
    kpu_text_format(text, ".%c[%lld]", place_operand_letters[c->operand],
                    (long long)place_slot(c, side));
}

/* ---- Addresses ---------------------------------------------------------------------------- */

/* Of a tile's first element in its tensor, which is row-major. */
static int64_t dram_address(const kpu_schedule *s, const kpu_command *c)
{
    static const uint8_t dims[KPU_OPERANDS][2] = {{KPU_M, KPU_K}, {KPU_K, KPU_N}, {KPU_M, KPU_N}};
    const kpu_problem *p = &s->mapping.problem;
    bool partial = c->operand == KPU_C && !c->final;
    int row = dims[c->operand][p->transposed[c->operand]];
    int column = dims[c->operand][!p->transposed[c->operand]];
    int64_t element = c->tile[row] * s->mapping.tile[row] * p->dim[column] +
                      c->tile[column] * s->mapping.tile[column];
    return (partial ? s->layout.dram_partial_base : s->layout.dram_base[c->operand]) +
           element * (partial ? p->partial_bytes : p->element_bytes[c->operand]);
}

int64_t kpu_command_address(const kpu_schedule *s, const kpu_command *c, int side)
{
    const kpu_layout *l = &s->layout;
    const int64_t *const bases[PLACES] = {
        [PLACE_L3] = l->l3_base, [PLACE_L2] = l->l2_base, [PLACE_L1] = l->l1_base};
    int place = place_of_command(c, side);
    if (place == PLACE_DRAM)
        return dram_address(s, c);
    if (place == PLACE_REGISTERS || place == PLACE_NONE)
        return -1;
    return bases[place][c->operand] + place_slot(c, side) * l->slot_bytes[c->operand];
}

const char *kpu_command_place_text(const kpu_schedule *s, const kpu_command *c, int side,
                                   char out[KPU_PLACE_TEXT])
{
    const kpu_layout *l = &s->layout;
    const struct {
        const char *format;
        int64_t unit; /* the number is that of the unit that the address lies in */
    } texts[PLACES] = {[PLACE_L3] = {"L3_tile_", l->l3_tile_bytes},
                       [PLACE_L2] = {"L2_bank_", l->l2_bank_bytes},
                       [PLACE_L1] = {"L1_", l->l1_buffer_bytes}};
    int place = place_of_command(c, side);
    out[0] = '\0';
    if (place == PLACE_DRAM)
        snprintf(out, KPU_PLACE_TEXT, "0x%" PRIx64, (uint64_t)dram_address(s, c));
    else if (place == PLACE_REGISTERS)
        snprintf(out, KPU_PLACE_TEXT, "registers_%" PRId64, place_slot(c, side));
    else if (place != PLACE_NONE)
        snprintf(out, KPU_PLACE_TEXT, "%s%" PRId64, texts[place].format,
                 kpu_command_address(s, c, side) / texts[place].unit);
    return out;
}

const char *kpu_engine_text(int engine_class, int64_t engine, char out[KPU_ENGINE_TEXT])
{
    bool several = engine_class == KPU_ENGINE_DMA || engine_class == KPU_ENGINE_BM;
    if (several)
        snprintf(out, KPU_ENGINE_TEXT, "%s%" PRId64, kpu_engine_names[engine_class], engine);
    else
        snprintf(out, KPU_ENGINE_TEXT, "%s", kpu_engine_names[engine_class]);
    return out;
}
