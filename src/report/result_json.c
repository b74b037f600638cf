/* A result as JSON, one line, in the layout of the published test vectors. Written by hand: an
 * outside optimiser asks for tens of thousands of these a second. */
#include "kpu/report.h"

static const char operand_letter[KPU_OPERANDS] = {'A', 'B', 'C'};
static const char *const level_names[KPU_LEVELS] = {"dram", "l3", "l2", "l1"};

static void put_key(kpu_text *text, const char *key)
{
    kpu_text_put_bytes(text, "\"", 1);
    kpu_text_put(text, key);
    kpu_text_put_bytes(text, "\":", 2);
}

static void put_int_field(kpu_text *text, const char *key, int64_t value, const char *after)
{
    put_key(text, key);
    kpu_text_put_int(text, value);
    kpu_text_put(text, after);
}

static void put_double_field(kpu_text *text, const char *key, double value, const char *after)
{
    put_key(text, key);
    kpu_text_put_json_number(text, value);
    kpu_text_put(text, after);
}

static void put_reasons(kpu_text *text, uint32_t broken)
{
    const char *first = "", *comma = "";
    kpu_text list = {0};
    for (int i = 0; i < KPU_LIMITS; i++) {
        if (!(broken & (1u << i)))
            continue;
        if (!*first)
            first = kpu_limit_names[i];
        kpu_text_format(&list, "%s\"%s\"", comma, kpu_limit_names[i]);
        comma = ",";
    }
    text->failed |= list.failed;
    kpu_text_format(text, "\"feasible\":%s,\"reason\":\"%s\",\"reasons\":[%s]",
                    broken ? "false" : "true", first, list.data ? list.data : "");
    kpu_text_fini(&list);
}

/* [L3, L2] of each operand. */
static void put_pairs(kpu_text *text, const char *key,
                      const int64_t values[KPU_OPERANDS][KPU_HOIST_LEVELS])
{
    put_key(text, key);
    for (int x = 0; x < KPU_OPERANDS; x++) {
        kpu_text_put(text, x == 0 ? "{\"" : ",\"");
        kpu_text_put_bytes(text, &operand_letter[x], 1);
        kpu_text_put(text, "\":[");
        kpu_text_put_int(text, values[x][KPU_HOIST_L3]);
        kpu_text_put(text, ",");
        kpu_text_put_int(text, values[x][KPU_HOIST_L2]);
        kpu_text_put(text, "]");
    }
    kpu_text_put(text, "},");
}

static void put_footprint(kpu_text *text, const kpu_mapping *mapping)
{
    kpu_text_put(text, "\"footprint\":{");
    put_int_field(text, "l3", mapping->l3_bytes, ",");
    put_int_field(text, "l2", mapping->l2_bytes, ",");
    put_int_field(text, "l1", mapping->l1_bytes, ",");
    put_int_field(text, "registers_per_pe", mapping->registers_per_pe, "},");
    put_key(text, "double_buffered");
    kpu_text_put(text, mapping->double_buffered ? "true," : "false,");
}

static void put_each(kpu_text *text, const char *key, const int64_t *busy, int64_t count)
{
    put_key(text, key);
    kpu_text_put(text, "[");
    for (int64_t i = 0; i < count; i++) {
        if (i > 0)
            kpu_text_put(text, ",");
        kpu_text_put_int(text, busy[i]);
    }
    kpu_text_put(text, "]");
}

static void put_busy(kpu_text *text, const kpu_machine *machine, const kpu_counts *counts)
{
    kpu_text_put(text, "\"busy\":{");
    for (int i = 0; i < KPU_ENGINE_CLASSES; i++)
        put_int_field(text, kpu_engine_names[i], counts->busy[i],
                      i + 1 < KPU_ENGINE_CLASSES ? "," : "},\"busy_each\":{");
    put_each(text, "dma", counts->dma_busy, machine->dram_channels);
    kpu_text_put(text, ",");
    put_each(text, "bm", counts->bm_busy, machine->block_mover_engines);
    kpu_text_put(text, "},");
}

/* Links that carry only C (downwards) have no entry for A and B. */
static void put_bytes(kpu_text *text, const kpu_traffic *t)
{
    const struct {
        const char *name;
        const int64_t *bytes;
        int first;
    } links[] = {
        {"dram_read", t->dram_read, KPU_A},       {"dram_write", t->dram_write, KPU_C},
        {"l3_to_l2", t->l3_to_l2, KPU_A},         {"l2_to_l3", t->l2_to_l3, KPU_C},
        {"l2_to_l1", t->l2_to_l1, KPU_A},         {"l1_to_l2", t->l1_to_l2, KPU_C},
        {"l1_to_fabric", t->l1_to_fabric, KPU_A}, {"fabric_to_l1", t->fabric_to_l1, KPU_C},
    };
    const char *before = "\"bytes\":{\"";
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        for (int x = links[i].first; x < KPU_OPERANDS; x++) {
            kpu_text_put(text, before);
            kpu_text_put(text, links[i].name);
            const char end[] = {'_', operand_letter[x], '"', ':'};
            kpu_text_put_bytes(text, end, sizeof end);
            kpu_text_put_int(text, links[i].bytes[x]);
            before = ",\"";
        }
    kpu_text_put(text, "},");
}

static void put_levels(kpu_text *text, const kpu_result *result)
{
    int64_t read[KPU_LEVELS], written[KPU_LEVELS];
    kpu_result_level_bytes(result, read, written);
    kpu_text_put(text, "\"levels\":{");
    for (int level = 0; level < KPU_LEVELS; level++) {
        put_key(text, level_names[level]);
        kpu_text_put(text, "{");
        put_int_field(text, "read", read[level], ",");
        put_int_field(text, "written", written[level], level + 1 < KPU_LEVELS ? "}," : "}},");
    }
}

static void put_commands(kpu_text *text, const kpu_counts *counts)
{
    const char *comma = "";
    put_int_field(text, "steps", counts->steps, ",\"commands\":{");
    for (int i = 0; i < KPU_COMMANDS; i++) {
        if (counts->commands[i] == 0)
            continue;
        kpu_text_put(text, comma);
        put_int_field(text, kpu_command_names[i], counts->commands[i], "");
        comma = ",";
    }
    kpu_text_put(text, "},");
}

static void put_stalls(kpu_text *text, const kpu_counts *counts)
{
    kpu_text_put(text, "\"stalls\":{");
    const char *comma = "";
    for (int cause = 0; cause < KPU_STALLS; cause++)
        for (int x = 0; x < KPU_OPERANDS; x++) {
            if (counts->stalls[cause][x] == 0)
                continue;
            kpu_text_put(text, comma);
            kpu_text_put(text, "\"");
            kpu_text_put(text, kpu_stall_names[cause]);
            const char end[] = {' ', operand_letter[x], '"', ':'};
            kpu_text_put_bytes(text, end, sizeof end);
            kpu_text_put_int(text, counts->stalls[cause][x]);
            comma = ",";
        }
    if (counts->drain_cycles != 0) {
        kpu_text_put(text, comma);
        put_int_field(text, "drain", counts->drain_cycles, "");
    }
    kpu_text_put(text, "},");
}

static void put_energy(kpu_text *text, const kpu_machine *machine, const kpu_result *result)
{
    kpu_energy energy;
    kpu_result_energy(machine, result, &energy);
    kpu_text_put(text, "\"energy_pj\":{");
    for (int level = 0; level < KPU_LEVELS; level++)
        put_double_field(text, level_names[level], energy.level_pj[level], ",");
    put_double_field(text, "mac", energy.mac_pj, ",");
    put_double_field(text, "leakage", energy.leakage_pj, ",");
    put_double_field(text, "total", energy.total_pj, "},");
}

static void put_macs(kpu_text *text, const kpu_machine *machine, const kpu_result *result)
{
    const int64_t *dim = result->mapping.problem.dim;
    int64_t macs = dim[KPU_M] * dim[KPU_N] * dim[KPU_K];
    double peak =
        (double)(machine->fabric_rows * machine->fabric_cols) * (double)result->counts.cycles;
    put_int_field(text, "macs", macs, ",");
    put_double_field(text, "utilisation", (double)macs / peak, "");
}

void kpu_result_put_json_fields(kpu_text *text, const kpu_machine *machine,
                                const kpu_result *result)
{
    const kpu_mapping *mapping = &result->mapping;
    const kpu_counts *counts = &result->counts;
    put_reasons(text, mapping->broken);
    if (mapping->broken)
        return;
    kpu_text_put(text, ",");
    put_pairs(text, "residency", mapping->hoist);
    put_pairs(text, "W", mapping->window_tiles);
    put_pairs(text, "S", mapping->slots);
    put_footprint(text, mapping);
    put_int_field(text, "cycles", counts->cycles, ",");
    put_int_field(text, "compute_cycles", counts->compute_cycles, ",");
    put_busy(text, machine, counts);
    put_bytes(text, &counts->traffic);
    put_levels(text, result);
    put_commands(text, counts);
    put_stalls(text, counts);
    put_energy(text, machine, result);
    put_macs(text, machine, result);
}

void kpu_result_put_json(kpu_text *text, const kpu_machine *machine, const kpu_result *result)
{
    kpu_text_put(text, "{");
    kpu_result_put_json_fields(text, machine, result);
    kpu_text_put(text, "}");
}

int kpu_result_print_json(const kpu_machine *machine, const kpu_result *result, char **buffer,
                          size_t *capacity)
{
    kpu_text text = {.data = *buffer, .capacity = *capacity};
    kpu_result_put_json(&text, machine, result);
    *buffer = text.data;
    *capacity = text.capacity;
    return text.failed ? KPU_E_MEMORY : KPU_OK;
}
