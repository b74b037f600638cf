#include "report/case_fields.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define GROUP(name, fields)                                                                        \
    {                                                                                              \
        name, fields, COUNT(fields)                                                                \
    }

/* ---- hw: sections and keys are those of a machine file ---------------------------------- */

#define INT(name, member)                                                                          \
    {                                                                                              \
        name, KPU_FIELD_INT, offsetof(kpu_machine, member), false, NULL, 0                         \
    }
#define RATIONAL(name, member)                                                                     \
    {                                                                                              \
        name, KPU_FIELD_RATIONAL, offsetof(kpu_machine, member), false, NULL, 0                    \
    }
#define REAL(name, member)                                                                         \
    {                                                                                              \
        name, KPU_FIELD_REAL, offsetof(kpu_machine, member), false, NULL, 0                        \
    }

static const char *const pipelining_words[] = {"none", "full"}; /* KPU_PIPELINING_* */

static const kpu_field dram[] = {INT("channels", dram_channels)};
static const kpu_field dma[] = {RATIONAL("bytes_per_cycle", dma_bytes_per_cycle),
                                INT("latency", dma_latency_cycles)};
static const kpu_field l3[] = {INT("tiles", l3_tiles), INT("tile_kib", l3_tile_kib)};
static const kpu_field block_mover[] = {INT("engines", block_mover_engines),
                                        RATIONAL("bytes_per_cycle", block_mover_bytes_per_cycle),
                                        INT("latency", block_mover_latency_cycles)};
static const kpu_field l2[] = {INT("banks", l2_banks), INT("bank_kib", l2_bank_kib)};
static const kpu_field streamer[] = {RATIONAL("row_bytes_per_cycle", row_bytes_per_cycle),
                                     RATIONAL("col_bytes_per_cycle", col_bytes_per_cycle),
                                     RATIONAL("drain_bytes_per_cycle", drain_bytes_per_cycle),
                                     INT("latency", streamer_latency_cycles)};
static const kpu_field l1[] = {INT("buffers", l1_buffers), INT("buffer_kib", l1_buffer_kib)};
static const kpu_field fabric[] = {
    INT("rows", fabric_rows),
    INT("cols", fabric_cols),
    INT("registers_per_pe", registers_per_pe),
    {"pipelining", KPU_FIELD_WORD, offsetof(kpu_machine, pipelining), false, pipelining_words,
     COUNT(pipelining_words)},
    REAL("clock_ghz", clock_ghz),
};
static const kpu_field energy[] = {
    REAL("dram_read_pj", read_pj[KPU_LEVEL_DRAM]),
    REAL("dram_write_pj", write_pj[KPU_LEVEL_DRAM]),
    REAL("l3_read_pj", read_pj[KPU_LEVEL_L3]),
    REAL("l3_write_pj", write_pj[KPU_LEVEL_L3]),
    REAL("l2_read_pj", read_pj[KPU_LEVEL_L2]),
    REAL("l2_write_pj", write_pj[KPU_LEVEL_L2]),
    REAL("l1_read_pj", read_pj[KPU_LEVEL_L1]),
    REAL("l1_write_pj", write_pj[KPU_LEVEL_L1]),
    REAL("mac_pj", mac_pj),
    REAL("leakage_mw", leakage_mw),
};

const kpu_field_group kpu_hw_groups[KPU_HW_GROUPS] = {
    GROUP("dram", dram),     GROUP("dma", dma),
    GROUP("l3", l3),         GROUP("block_mover", block_mover),
    GROUP("l2", l2),         GROUP("streamer", streamer),
    GROUP("l1", l1),         GROUP("fabric", fabric),
    GROUP("energy", energy),
};

/* ---- problem and candidate -------------------------------------------------------------- */

#define PROBLEM(name, member)                                                                      \
    {                                                                                              \
        name, KPU_FIELD_INT, offsetof(kpu_problem, member), false, NULL, 0                         \
    }

static const kpu_field problem[] = {
    PROBLEM("M", dim[KPU_M]),
    PROBLEM("N", dim[KPU_N]),
    PROBLEM("K", dim[KPU_K]),
    PROBLEM("eA", element_bytes[KPU_A]),
    PROBLEM("eB", element_bytes[KPU_B]),
    PROBLEM("eC", element_bytes[KPU_C]),
    PROBLEM("eP", partial_bytes),
};
const kpu_field_group kpu_problem_group = GROUP("problem", problem);

#define FIELD(name, type, member, optional)                                                        \
    {                                                                                              \
        name, type, offsetof(kpu_candidate, member), optional, NULL, 0                             \
    }
#define WORD(name, member, words)                                                                  \
    {                                                                                              \
        name, KPU_FIELD_WORD, offsetof(kpu_candidate, member), false, words, COUNT(words)          \
    }

static const kpu_field candidate[] = {
    FIELD("TM", KPU_FIELD_INT, tile[KPU_M], false),
    FIELD("TN", KPU_FIELD_INT, tile[KPU_N], false),
    FIELD("TK", KPU_FIELD_INT, tile[KPU_K], false),
    FIELD("BM", KPU_FIELD_INT, block[KPU_M], false),
    FIELD("BN", KPU_FIELD_INT, block[KPU_N], false),
    FIELD("BK", KPU_FIELD_INT, block[KPU_K], false),
    WORD("dataflow", dataflow, kpu_dataflow_names),
    FIELD("swap", KPU_FIELD_INT, swap, false),
    FIELD("order", KPU_FIELD_ORDER, order, true),
    FIELD("d3", KPU_FIELD_BUFFERING, l3_buffers, false),
    FIELD("d2", KPU_FIELD_BUFFERING, l2_buffers, false),
    FIELD("d1", KPU_FIELD_INT, l1_buffers, false),
    WORD("control", control, kpu_control_names),
    FIELD("eddo_window", KPU_FIELD_INT, eddo_window, true),
    FIELD("residency", KPU_FIELD_RESIDENCY, auto_residency, false),
};
const kpu_field_group kpu_candidate_group = GROUP("candidate", candidate);
