/* kpu/machine.h: from INI, exact bandwidths, limits, and the machines that we ship. */
#include "config_fixture.h"

#include "kpu/machine.h"

#include <math.h>

#define CONFIGS KPU_SOURCE_DIR "/configs/"

static int read_default(kpu_ini *ini, kpu_diag *diag)
{
    kpu_diag_init(diag);
    int code = kpu_ini_read(CONFIGS "default.ini", KPU_FILE_MACHINE, ini, diag);
    show_unexpected(diag);
    return code;
}

/* The default machine with one or two assignments. */
static int make(const char *first, const char *second, kpu_machine *machine, kpu_diag *diag)
{
    kpu_ini ini;
    CU_ASSERT_EQUAL_FATAL(read_default(&ini, diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_ini_set(&ini, first, diag), KPU_OK);
    if (second)
        CU_ASSERT_EQUAL(kpu_ini_set(&ini, second, diag), KPU_OK);
    show_unexpected(diag);
    int code = kpu_machine_from_ini(&ini, machine, diag);
    kpu_ini_fini(&ini);
    return code;
}

static void expect_dma(const char *first, const char *second, int64_t num, int64_t den)
{
    kpu_machine machine;
    kpu_diag diag;
    CU_ASSERT_EQUAL(make(first, second, &machine, &diag), KPU_OK);
    show_unexpected(&diag);
    CU_ASSERT_EQUAL(machine.dma_bytes_per_cycle.num, num);
    CU_ASSERT_EQUAL(machine.dma_bytes_per_cycle.den, den);
    kpu_diag_fini(&diag);
}

static void expect_bad(const char *first, const char *second, const char *part)
{
    kpu_machine machine;
    kpu_diag diag;
    CU_ASSERT_EQUAL(make(first, second, &machine, &diag), KPU_E_INPUT);
    CU_ASSERT_TRUE(has_complaint(&diag, 0, 0, part));
    kpu_diag_fini(&diag);
}

static void test_default_machine_is_the_issue_s(void)
{
    kpu_machine m;
    kpu_diag diag = {0};
    CU_ASSERT_EQUAL(kpu_machine_load(CONFIGS "default.ini", &m, &diag), KPU_OK);
    show_unexpected(&diag);
    CU_ASSERT_STRING_EQUAL(m.name, "default");
    CU_ASSERT(m.dram_channels == 4 && m.dma_latency_cycles == 100);
    CU_ASSERT(m.dma_bytes_per_cycle.num == 8 && m.dma_bytes_per_cycle.den == 1);
    CU_ASSERT(m.block_mover_engines == 4 && m.block_mover_latency_cycles == 10);
    CU_ASSERT(m.block_mover_bytes_per_cycle.num == 16 && m.block_mover_bytes_per_cycle.den == 1);
    CU_ASSERT(m.row_bytes_per_cycle.num == 64 && m.col_bytes_per_cycle.num == 64);
    CU_ASSERT(m.drain_bytes_per_cycle.num == 64 && m.streamer_latency_cycles == 11);
    CU_ASSERT_EQUAL(kpu_machine_capacity_bytes(&m, KPU_LEVEL_L3), 4 * 128 * 1024);
    CU_ASSERT_EQUAL(kpu_machine_capacity_bytes(&m, KPU_LEVEL_L2), 8 * 64 * 1024);
    CU_ASSERT_EQUAL(kpu_machine_capacity_bytes(&m, KPU_LEVEL_L1), 4 * 32 * 1024);
    CU_ASSERT_EQUAL(kpu_machine_capacity_bytes(&m, KPU_LEVEL_DRAM), 0);
    CU_ASSERT(m.fabric_rows == 16 && m.fabric_cols == 16 && m.registers_per_pe == 64);
    CU_ASSERT_EQUAL(m.pipelining, KPU_PIPELINING_FULL);
    CU_ASSERT_EQUAL(m.clock_ghz, 2.0);
    CU_ASSERT(m.mac_pj == 4.6 && m.read_pj[KPU_LEVEL_L1] == 2.5 && m.write_pj[KPU_LEVEL_L1] == 2.5);
    CU_ASSERT(m.read_pj[KPU_LEVEL_DRAM] == 162.5 && m.leakage_mw > 0);
    kpu_diag_fini(&diag);
}

/* The public configurations: array, clock, L3, L2, engines, bytes per cycle of a DMA engine. */
static void test_shipped_machines(void)
{
    static const struct {
        const char *name;
        int64_t array, l3_tiles, l3_kib, l2_banks, l2_kib, dma, movers, dma_num, dma_den;
        double clock, dram_gb_per_s;
    } public[] = {
        {"minimal", 8, 1, 64, 4, 32, 1, 1, 100, 1, 0.5, 50},
        {"edge-ai", 16, 2, 128, 16, 64, 2, 4, 400, 3, 0.75, 200},
        {"embodied-ai", 24, 64, 256, 1024, 64, 8, 64, 25, 1, 1.0, 200},
        {"datacenter", 32, 256, 512, 4096, 128, 32, 256, 100, 1, 1.5, 4800},
    };
    for (size_t i = 0; i < sizeof public / sizeof public[0]; i++) {
        char path[512];
        kpu_machine m;
        kpu_diag diag = {0};
        snprintf(path, sizeof path, CONFIGS "%s.ini", public[i].name);
        CU_ASSERT_EQUAL(kpu_machine_load(path, &m, &diag), KPU_OK);
        show_unexpected(&diag);
        CU_ASSERT_STRING_EQUAL(m.name, public[i].name);
        CU_ASSERT(m.fabric_rows == public[i].array && m.fabric_cols == public[i].array);
        CU_ASSERT(m.l3_tiles == public[i].l3_tiles && m.l3_tile_kib == public[i].l3_kib);
        CU_ASSERT(m.l2_banks == public[i].l2_banks && m.l2_bank_kib == public[i].l2_kib);
        CU_ASSERT(m.dram_channels == public[i].dma && m.block_mover_engines == public[i].movers);
        CU_ASSERT_EQUAL(m.dma_bytes_per_cycle.num, public[i].dma_num);
        CU_ASSERT_EQUAL(m.dma_bytes_per_cycle.den, public[i].dma_den);
        CU_ASSERT_EQUAL(m.clock_ghz, public[i].clock);
        CU_ASSERT_DOUBLE_EQUAL(kpu_rational_value(m.dma_bytes_per_cycle) * m.clock_ghz *
                                   (double)m.dram_channels,
                               public[i].dram_gb_per_s, 1e-9);
        kpu_diag_fini(&diag);
    }
}

static void test_bandwidth_is_exact(void)
{
    expect_dma("dma.bytes_per_cycle=400/3", NULL, 400, 3);
    expect_dma("dma.bytes_per_cycle=12.8", NULL, 64, 5);
    expect_dma("dma.gb_per_s=50", NULL, 25, 1); /* 2 GHz; replaces the file's bytes_per_cycle */
    expect_dma("dma.gb_per_s=100", "fabric.clock_ghz=0.75", 400, 3);
    expect_dma("fabric.clock_ghz=0.75", "dma.gb_per_s=100", 400, 3);
    expect_dma("dma.gb_per_s=25.6", "fabric.clock_ghz=4/3", 96, 5);
    expect_dma("dma.gb_per_s=25.6", "dma.bytes_per_cycle=3", 3, 1); /* and the other way round */
    expect_dma("fabric.clock_ghz=1", NULL, 8, 1); /* bytes per cycle do not depend on the clock */
    expect_bad("dma.gb_per_s=0.0012345", "fabric.clock_ghz=7.654321", "too many digits");
}

static void test_limits(void)
{
    expect_bad("l3.tiles=65536", "l3.tile_kib=1073741824", "l3 holds");
    expect_bad("l2.banks=65536", "l2.bank_kib=65537", "l2 holds");
    expect_bad("dma.gb_per_s=0.001", "fabric.clock_ghz=1000", "dma.bytes_per_cycle");
    kpu_machine m;
    kpu_diag diag;
    CU_ASSERT_EQUAL(make("l2.banks=65536", "l2.bank_kib=65536", &m, &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_machine_capacity_bytes(&m, KPU_LEVEL_L2), KPU_MACHINE_CAPACITY_MAX);
    kpu_diag_fini(&diag);
}

static void test_every_key_is_required(void)
{
    kpu_ini ini;
    kpu_machine machine;
    kpu_diag diag = {0};
    CU_ASSERT_EQUAL(
        kpu_ini_parse("m.ini", "[dma]\nlatency = 1\n", 18, KPU_FILE_MACHINE, &ini, &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_machine_from_ini(&ini, &machine, &diag), KPU_E_INPUT);
    size_t required = 0;
    for (size_t i = 0; i < kpu_key_count(); i++)
        required += kpu_key_at(i)->file == KPU_FILE_MACHINE && kpu_key_at(i)->required;
    CU_ASSERT_EQUAL(diag.count, required - 1);
    CU_ASSERT_TRUE(
        has_complaint(&diag, 0, 0, "'bytes_per_cycle' (or 'gb_per_s') is missing in [dma]"));
    CU_ASSERT_TRUE(has_complaint(&diag, 0, 0, "'mac_pj' is missing in [energy]"));
    kpu_ini_fini(&ini);
    kpu_diag_fini(&diag);
}

/* Every machine key reaches the machine: changing it changes some member. */
static void test_every_key_has_an_effect(void)
{
    kpu_machine before, after;
    kpu_diag diag;
    CU_ASSERT_EQUAL(make("machine.name=same", NULL, &before, &diag), KPU_OK);
    for (size_t i = 0; i < kpu_key_count(); i++) {
        const kpu_key *key = kpu_key_at(i);
        char assignment[128];
        if (key->file != KPU_FILE_MACHINE || key->type == KPU_KEY_TEXT)
            continue;
        snprintf(assignment, sizeof assignment, "%s.%s=%s", key->section, key->name,
                 key->type == KPU_KEY_WORD ? "none" : "77");
        CU_ASSERT_EQUAL(make(assignment, "machine.name=same", &after, &diag), KPU_OK);
        CU_ASSERT_NOT_EQUAL(memcmp(&before, &after, sizeof before), 0);
    }
    kpu_diag_fini(&diag);
}

static void expect_invalid(const kpu_machine *machine, const char *part)
{
    kpu_diag diag = {0};
    CU_ASSERT_EQUAL(kpu_machine_validate(machine, &diag), KPU_E_INPUT);
    CU_ASSERT_TRUE(has_complaint(&diag, 0, 0, part));
    kpu_diag_fini(&diag);
}

/* A machine that did not come from an INI (from JSON, say). */
static void test_validate(void)
{
    kpu_machine good, bad;
    kpu_diag diag = {0};
    CU_ASSERT_EQUAL(kpu_machine_load(CONFIGS "default.ini", &good, &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_machine_validate(&good, &diag), KPU_OK);
    bad = good;
    bad.fabric_rows = 0;
    expect_invalid(&bad, "fabric.rows = 0");
    bad = good;
    bad.dram_channels = 0;
    expect_invalid(&bad, "dram.channels = 0");
    bad = good;
    bad.dma_bytes_per_cycle = (kpu_rational){0, 1};
    expect_invalid(&bad, "dma.bytes_per_cycle");
    bad = good;
    bad.row_bytes_per_cycle = (kpu_rational){1, 0};
    expect_invalid(&bad, "streamer.row_bytes_per_cycle");
    bad = good;
    bad.dma_latency_cycles = -1;
    expect_invalid(&bad, "dma.latency");
    bad = good;
    bad.pipelining = 2;
    expect_invalid(&bad, "fabric.pipelining");
    bad = good;
    bad.mac_pj = -1;
    expect_invalid(&bad, "energy.mac_pj");
    bad.mac_pj = (double)NAN;
    expect_invalid(&bad, "energy.mac_pj");
    bad = good;
    bad.l1_buffers = INT64_MAX;
    expect_invalid(&bad, "l1.buffers");
    kpu_diag_fini(&diag);
}

static void test_names(void)
{
    kpu_machine m;
    kpu_diag diag;
    CU_ASSERT_EQUAL(make("machine.name=my machine", NULL, &m, &diag), KPU_OK);
    CU_ASSERT_STRING_EQUAL(m.name, "my machine");
    expect_bad("machine.name=0123456789012345678901234567890123456789012345678901234567890123",
               NULL, "at most 63");
    CU_ASSERT_EQUAL(kpu_machine_load("no/such.ini", &m, &diag), KPU_E_INPUT);
    CU_ASSERT_TRUE(has_complaint(&diag, 0, 0, "No such file"));
    kpu_diag_fini(&diag);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"default", test_default_machine_is_the_issue_s},
        {"shipped machines", test_shipped_machines},
        {"exact bandwidth", test_bandwidth_is_exact},
        {"limits", test_limits},
        {"required keys", test_every_key_is_required},
        {"every key has an effect", test_every_key_has_an_effect},
        {"validate", test_validate},
        {"names", test_names},
        CU_TEST_INFO_NULL,
    };
    return run_suite("machine", tests);
}
