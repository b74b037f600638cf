/* kpu/config.h: the table of keys, reading of INI files, --set, and every kind of bad input. */
#include "config_fixture.h"

#include "kpu/config.h"

#include <sys/stat.h>
#include <unistd.h>

static int parse(const char *text, kpu_key_file kind, kpu_ini *ini, kpu_diag *diag)
{
    kpu_diag_init(diag);
    return kpu_ini_parse("t.ini", text, strlen(text), kind, ini, diag);
}

/* Exactly one complaint, of bad input, at line:column. */
static void expect_one(const char *text, kpu_key_file kind, int64_t line, int64_t column,
                       const char *part)
{
    kpu_ini ini;
    kpu_diag diag;
    CU_ASSERT_EQUAL(parse(text, kind, &ini, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL(diag.count, 1);
    CU_ASSERT_TRUE(has_complaint(&diag, line, column, part));
    if (diag.count > 1)
        show_unexpected(&diag);
    kpu_ini_fini(&ini);
    kpu_diag_fini(&diag);
}

/* ---- the table --------------------------------------------------------------------------- */

static void check_row(const kpu_key *key)
{
    kpu_diag diag = {0};
    kpu_place place = {0};
    CU_ASSERT_TRUE(key->help && strlen(key->help) > 10);
    CU_ASSERT_PTR_NOT_NULL(key->unit);
    CU_ASSERT_TRUE(strlen(key->name) <= KPU_INI_NAME_MAX);
    CU_ASSERT_TRUE(strlen(key->section) <= KPU_INI_NAME_MAX);
    CU_ASSERT_EQUAL(strcmp(key->name, "*") == 0, key->names != KPU_NAMES_ONE);
    CU_ASSERT_FALSE(key->required && key->fallback);
    CU_ASSERT_EQUAL(key->type == KPU_KEY_WORD, key->words != NULL);
    if (key->type == KPU_KEY_INT || key->type == KPU_KEY_RATIONAL || key->type == KPU_KEY_REAL)
        CU_ASSERT_TRUE(key->min < key->max);
    if (key->type == KPU_KEY_INT)
        CU_ASSERT_TRUE(key->max <= 9007199254740992.0); /* exact as a double */
    if (key->fallback)
        CU_ASSERT_EQUAL(kpu_key_check(key, key->fallback, &place, &diag), KPU_OK);
    if (key->names == KPU_NAMES_ONE)
        CU_ASSERT_PTR_EQUAL(kpu_key_find(key->file, key->section, key->name), key);
    if (key->alternative) {
        const kpu_key *other = kpu_key_find(key->file, key->section, key->alternative);
        CU_ASSERT_PTR_NOT_NULL_FATAL(other);
        CU_ASSERT_STRING_EQUAL(other->alternative, key->name);
        CU_ASSERT_FALSE(key->required && other->required);
    }
    show_unexpected(&diag);
    kpu_diag_fini(&diag);
}

static void test_table_conforms(void)
{
    CU_ASSERT(kpu_key_count() > 60);
    CU_ASSERT_PTR_NULL(kpu_key_at(kpu_key_count()));
    for (size_t i = 0; i < kpu_key_count(); i++) {
        const kpu_key *key = kpu_key_at(i);
        check_row(key);
        for (size_t j = 0; j < i; j++) {
            const kpu_key *other = kpu_key_at(j);
            CU_ASSERT_FALSE(other->file == key->file && !strcmp(other->section, key->section) &&
                            !strcmp(other->name, key->name));
            /* rows of a section stand together: printing relies on it */
            if (other->file == key->file && !strcmp(other->section, key->section))
                CU_ASSERT_STRING_EQUAL(kpu_key_at(i - 1)->section, key->section);
        }
    }
}

static void test_key_find(void)
{
    CU_ASSERT_PTR_NOT_NULL(kpu_key_find(KPU_FILE_MACHINE, "dma", "latency"));
    CU_ASSERT_PTR_NULL(kpu_key_find(KPU_FILE_SWEEP, "dma", "latency"));
    CU_ASSERT_PTR_NULL(kpu_key_find(KPU_FILE_MACHINE, "dma", "*"));
    CU_ASSERT_PTR_NULL(kpu_key_find(KPU_FILE_MACHINE, "dma", "Latency"));
    CU_ASSERT_STRING_EQUAL(kpu_key_find(KPU_FILE_SWEEP, "constraints", "fit")->name, "*");
    char word[8];
    const kpu_key *dataflow = kpu_key_find(KPU_FILE_SWEEP, "space", "dataflow");
    CU_ASSERT_TRUE(kpu_key_word(dataflow, 2, word, sizeof word));
    CU_ASSERT_STRING_EQUAL(word, "is");
    CU_ASSERT_FALSE(kpu_key_word(dataflow, 3, word, sizeof word));
    CU_ASSERT_FALSE(kpu_key_word(dataflow, -1, word, sizeof word));
}

/* ---- scalars ----------------------------------------------------------------------------- */

static void expect_int(const char *text, int64_t expected)
{
    const kpu_key *key = kpu_key_find(KPU_FILE_SWEEP, "space", "TM");
    kpu_diag diag = {0};
    kpu_place place = {"f", 2, 3, text};
    int64_t value = -1;
    CU_ASSERT_EQUAL(kpu_key_parse_int(key, text, &place, &value, &diag), KPU_OK);
    CU_ASSERT_EQUAL(value, expected);
    kpu_diag_fini(&diag);
}

static void expect_bad(const char *section, const char *name, const char *text, const char *part)
{
    kpu_key_file kind = strcmp(section, "space") == 0 ? KPU_FILE_SWEEP : KPU_FILE_MACHINE;
    const kpu_key *key = kpu_key_find(kind, section, name);
    kpu_diag diag = {0};
    kpu_place place = {"f", 2, 3, text};
    CU_ASSERT_PTR_NOT_NULL_FATAL(key);
    CU_ASSERT_EQUAL(kpu_key_check(key, text, &place, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL(diag.count, 1);
    CU_ASSERT_TRUE(has_complaint(&diag, 2, 3, part));
    CU_ASSERT_TRUE(has_complaint(&diag, 2, 3, name));
    CU_ASSERT_TRUE(has_complaint(&diag, 2, 3, "expected"));
    kpu_diag_fini(&diag);
}

static void test_integers(void)
{
    expect_int("1", 1);
    expect_int("0064", 64);
    expect_int("1099511627776", INT64_C(1) << 40);
    expect_bad("space", "TM", "0", "too small");
    expect_bad("space", "TM", "-4", "too small");
    expect_bad("space", "TM", "-99999999999999999999", "too small");
    expect_bad("space", "TM", "1e3", "not a whole number");
    expect_bad("space", "TM", "4.5", "not a whole number");
    expect_bad("space", "TM", "0x10", "not a whole number");
    expect_bad("space", "TM", "+4", "not a whole number");
    expect_bad("space", "TM", "12 ", "not a whole number");
    expect_bad("space", "TM", "-", "not a whole number");
    expect_bad("space", "TM", "", "no value");
    expect_bad("space", "TM", "9223372036854775808", "too large");
    expect_bad("space", "TM", "1099511627777", "too large");
    expect_bad("space", "TM", "1099511627777", "from 1 to 1099511627776 elements");
}

/* What would read as a comment where it is kept with the results is no value. */
static void test_values_are_no_comments(void)
{
    kpu_ini ini = {0};
    kpu_diag diag = {0};
    static const char text[] = "[sweep]\nname =;x\nmachines = a;b#c ;d\n";
    CU_ASSERT_EQUAL(kpu_ini_parse("t.ini", text, strlen(text), KPU_FILE_SWEEP, &ini, &diag),
                    KPU_E_INPUT);
    CU_ASSERT(has_complaint(&diag, 2, 0, "no value"));
    CU_ASSERT_STRING_EQUAL(kpu_ini_value(&ini, "sweep", "machines"), "a;b#c");
    CU_ASSERT_EQUAL(kpu_ini_set(&ini, "sweep.name=#1", &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL(kpu_ini_set(&ini, "sweep.name=a ;b", &diag), KPU_E_INPUT);
    CU_ASSERT(has_complaint(&diag, 0, 14, "a comment begins here"));
    CU_ASSERT_EQUAL(kpu_ini_set(&ini, "sweep.name=a;b", &diag), KPU_OK);
    kpu_ini_fini(&ini);
    kpu_diag_fini(&diag);
}

static void test_other_scalars(void)
{
    expect_bad("dma", "bytes_per_cycle", "0", "too small");
    expect_bad("dma", "bytes_per_cycle", "0/3", "too small");
    expect_bad("dma", "bytes_per_cycle", "-8", "too small");
    expect_bad("dma", "bytes_per_cycle", "8/0", "divides by zero");
    expect_bad("dma", "bytes_per_cycle", "8/0.00", "divides by zero");
    expect_bad("dma", "bytes_per_cycle", "1e3", "not a number");
    expect_bad("dma", "bytes_per_cycle", "8 B", "not a number");
    expect_bad("dma", "bytes_per_cycle", "400/", "not a number");
    expect_bad("dma", "bytes_per_cycle", "1000001", "too large");
    expect_bad("dma", "bytes_per_cycle", "1.00000000000000000001", "too many digits");
    expect_bad("energy", "mac_pj", "-1", "too small");
    expect_bad("energy", "mac_pj", "1/2", "not a decimal");
    expect_bad("energy", "mac_pj", "nan", "not a decimal");
    expect_bad("energy", "mac_pj", "1e9", "not a decimal");
    expect_bad("energy", "mac_pj", "1000000.5", "too large");
    expect_bad("fabric", "pipelining", "half", "one of: none full");
    expect_bad("fabric", "pipelining", "ful", "one of: none full");
    expect_bad("fabric", "pipelining", "none full", "one of: none full");
    const kpu_key *key = kpu_key_find(KPU_FILE_MACHINE, "energy", "mac_pj");
    double value = 0;
    CU_ASSERT_EQUAL(kpu_key_parse_real(key, "4.6", NULL, &value, NULL), KPU_OK);
    CU_ASSERT_EQUAL(value, 4.6);
    int64_t word = -1;
    key = kpu_key_find(KPU_FILE_MACHINE, "fabric", "pipelining");
    CU_ASSERT_EQUAL(kpu_key_parse_word(key, "full", NULL, &word, NULL), KPU_OK);
    CU_ASSERT_EQUAL(word, 1);
}

/* ---- good files -------------------------------------------------------------------------- */

static void expect_value(const kpu_ini *ini, const char *section, const char *name,
                         const char *value)
{
    const kpu_setting *setting = kpu_ini_find(ini, section, name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(setting);
    CU_ASSERT_STRING_EQUAL(setting->value, value);
}

static void test_reads_sections_comments_and_places(void)
{
    kpu_ini ini;
    kpu_diag diag;
    const char *text = "\xEF\xBB\xBF; a comment\r\n\r\n[dma]  # the DMA\r\n"
                       "  bytes_per_cycle =   400/3   ; exact\r\n"
                       "latency=7\r\n"
                       "# [l3]\r\n"
                       "[ machine ]\n"
                       "source = a;b #c and = d#e ; gone\n"
                       "name = last line";
    CU_ASSERT_EQUAL(parse(text, KPU_FILE_MACHINE, &ini, &diag), KPU_OK);
    show_unexpected(&diag);
    CU_ASSERT_EQUAL(ini.count, 4);
    expect_value(&ini, "dma", "bytes_per_cycle", "400/3");
    expect_value(&ini, "dma", "latency", "7");
    expect_value(&ini, "machine", "source", "a;b");
    expect_value(&ini, "machine", "name", "last line");
    const kpu_setting *setting = kpu_ini_find(&ini, "dma", "bytes_per_cycle");
    CU_ASSERT_EQUAL(setting->place.line, 4);
    CU_ASSERT_EQUAL(setting->place.column, 23);
    CU_ASSERT_STRING_EQUAL(setting->place.file, "t.ini");
    CU_ASSERT_STRING_EQUAL(setting->place.text, "  bytes_per_cycle =   400/3   ; exact");
    CU_ASSERT_STRING_EQUAL(setting->key->name, "bytes_per_cycle");
    kpu_ini_fini(&ini);
    kpu_diag_fini(&diag);
}

/* inih alone cuts lines at 200 bytes and reads an indented line as more of the value before. */
static void test_long_and_indented_lines(void)
{
    enum { LENGTH = 60000 };
    char *text = malloc(LENGTH + 200);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    strcpy(text, "[space]\n\tTM = 1");
    size_t at = strlen(text);
    while (at < LENGTH)
        at += (size_t)sprintf(text + at, ", %zu", at);
    strcpy(text + at, "\n    TN = 8, 16\n   TK = 4\n");
    kpu_ini ini;
    kpu_diag diag;
    CU_ASSERT_EQUAL(parse(text, KPU_FILE_SWEEP, &ini, &diag), KPU_OK);
    show_unexpected(&diag);
    CU_ASSERT_EQUAL(ini.count, 3);
    CU_ASSERT_EQUAL(strlen(kpu_ini_find(&ini, "space", "TM")->value),
                    at - strlen("[space]\n\tTM = "));
    expect_value(&ini, "space", "TN", "8, 16");
    expect_value(&ini, "space", "TK", "4");
    kpu_ini_fini(&ini);
    kpu_diag_fini(&diag);
    free(text);
}

static void test_free_sections(void)
{
    kpu_ini ini;
    kpu_diag diag;
    const char *text = "[constraints]\nfit = TM*TN <= 65536\n[lockstep]\nsquare = TM, TN\n"
                       "[machine_axes]\nl2.bank_kib = 16..128 x2\ndma.gb_per_s = 10, 20\n";
    CU_ASSERT_EQUAL(parse(text, KPU_FILE_SWEEP, &ini, &diag), KPU_OK);
    show_unexpected(&diag);
    expect_value(&ini, "constraints", "fit", "TM*TN <= 65536");
    expect_value(&ini, "machine_axes", "l2.bank_kib", "16..128 x2");
    CU_ASSERT_STRING_EQUAL(kpu_ini_find(&ini, "lockstep", "square")->key->name, "*");
    kpu_ini_fini(&ini);
    kpu_diag_fini(&diag);
    expect_one("[machine_axes]\nl2.bank_kb = 1\n", KPU_FILE_SWEEP, 2, 1,
               "did you mean 'l2.bank_kib'");
    expect_one("[machine_axes]\nbanks = 1\n", KPU_FILE_SWEEP, 2, 1, "no machine key");
    expect_one("[machine_axes]\nmachine.name = a, b\n", KPU_FILE_SWEEP, 2, 1, "no machine key");
    expect_one("[constraints]\nfit = a\nfit = b\n", KPU_FILE_SWEEP, 3, 1, "duplicate key 'fit'");
}

/* What is printed can be read again, and says the same whatever the file's order. */
static void test_print_is_canonical(void)
{
    kpu_ini a, b, again;
    kpu_diag diag;
    CU_ASSERT_EQUAL(
        parse("[l2]\nbank_kib=8\nbanks = 2\n[dma]\nlatency = 7 ; c\n", KPU_FILE_MACHINE, &a, &diag),
        KPU_OK);
    CU_ASSERT_EQUAL(
        parse("[dma]\nlatency=7\n[l2]\nbanks=2\nbank_kib=8", KPU_FILE_MACHINE, &b, &diag), KPU_OK);
    char *text_a = kpu_ini_print(&a), *text_b = kpu_ini_print(&b);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text_a);
    CU_ASSERT_STRING_EQUAL(text_a, "[dma]\nlatency = 7\n\n[l2]\nbanks = 2\nbank_kib = 8\n");
    CU_ASSERT_STRING_EQUAL(text_a, text_b);
    CU_ASSERT_EQUAL(parse(text_a, KPU_FILE_MACHINE, &again, &diag), KPU_OK);
    CU_ASSERT_EQUAL(again.count, 3);
    free(text_a);
    free(text_b);
    kpu_ini_fini(&a);
    kpu_ini_fini(&b);
    kpu_ini_fini(&again);
}

static void test_defaults_and_required(void)
{
    kpu_ini ini;
    kpu_diag diag;
    CU_ASSERT_EQUAL(
        parse("[space]\nTM = 1\nTK = 1\n[sweep]\nname = n\n", KPU_FILE_SWEEP, &ini, &diag), KPU_OK);
    CU_ASSERT_STRING_EQUAL(kpu_ini_value(&ini, "space", "dataflow"), "os");
    CU_ASSERT_STRING_EQUAL(kpu_ini_value(&ini, "space", "TM"), "1");
    CU_ASSERT_PTR_NULL(kpu_ini_value(&ini, "space", "TN"));
    CU_ASSERT_PTR_NULL(kpu_ini_value(&ini, "sweep", "output"));
    CU_ASSERT_EQUAL(kpu_ini_check_required(&ini, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL(diag.count, 2);
    CU_ASSERT_TRUE(has_complaint(&diag, 0, 0, "'TN' is missing in [space]"));
    CU_ASSERT_TRUE(has_complaint(&diag, 0, 0, "'machines' is missing in [sweep]"));
    kpu_ini_fini(&ini);
    kpu_diag_fini(&diag);
}

static void test_detect(void)
{
    const char *sweep = "# [dram]\n [sweep]\nname = x\n", *machine = "[dram]\n[dma]\n";
    CU_ASSERT_EQUAL(kpu_ini_detect(sweep, strlen(sweep)), KPU_FILE_SWEEP);
    CU_ASSERT_EQUAL(kpu_ini_detect(machine, strlen(machine)), KPU_FILE_MACHINE);
    CU_ASSERT_EQUAL(kpu_ini_detect("", 0), KPU_FILE_MACHINE);
    CU_ASSERT_EQUAL(kpu_ini_detect("[", 1), KPU_FILE_MACHINE);
}

/* ---- bad files --------------------------------------------------------------------------- */

static void test_bad_lines(void)
{
    const kpu_key_file m = KPU_FILE_MACHINE;
    expect_one("", m, 0, 0, "empty");
    expect_one("\n\n# only a comment\n", m, 0, 0, "empty");
    expect_one("[dma]\n", m, 0, 0, "empty");
    expect_one("[dma\nlatency = x\n", m, 1, 5, "closing ]");
    expect_one("[dma] latency = 1\n", m, 1, 7, "nothing but a comment");
    expect_one("[]\n", m, 1, 0, "section's name");
    expect_one("latency = 1\n", m, 1, 1, "before any [section]");
    expect_one("[dma]\nlatency 1\n", m, 2, 1, "expected key = value");
    expect_one("[dma]\nlatency: 1\n", m, 2, 1, "expected key = value");
    expect_one("[dma]\n= 1\n", m, 2, 1, "key's name");
    expect_one("[dma]\nlatency cycles = 1\n", m, 2, 1, "key's name");
    expect_one("[dma]\nlatency =\n", m, 2, 10, "no value");
    expect_one("[dma]\nlatency = ; none\n", m, 2, 0, "no value");
    expect_one("[dma]\nlatency = 1e3\n", m, 2, 11, "not a whole number");
    expect_one("[dma]\nlatency = 1, 2\n", m, 2, 11, "not a whole number");
    expect_one("[space]\nTM =\n", KPU_FILE_SWEEP, 2, 5, "no value");
}

/* inih alone would give `latency` to [l3], the section before. */
static void test_keys_after_a_bad_section_go_nowhere(void)
{
    kpu_ini ini;
    kpu_diag diag;
    CU_ASSERT_EQUAL(parse("[l3]\ntiles = 1\n[dma\ntile_kib = 9\n[l2]\nbanks = 2\n",
                          KPU_FILE_MACHINE, &ini, &diag),
                    KPU_E_INPUT);
    CU_ASSERT_EQUAL(diag.count, 1);
    CU_ASSERT_PTR_NULL(kpu_ini_find(&ini, "l3", "tile_kib"));
    CU_ASSERT_PTR_NOT_NULL(kpu_ini_find(&ini, "l2", "banks"));
    kpu_ini_fini(&ini);
    kpu_diag_fini(&diag);
}

static void test_unknown_and_duplicate(void)
{
    const kpu_key_file m = KPU_FILE_MACHINE;
    expect_one("[dma]\n  latnecy = 1\n", m, 2, 3,
               "unknown key 'latnecy' in [dma]; did you mean 'latency'?");
    expect_one("[dma]\nchannels = 1\n", m, 2, 1, "belongs in [dram]");
    expect_one("[dma]\nfrobnicate = 1\n", m, 2, 1, "its keys: bytes_per_cycle, gb_per_s, latency");
    expect_one("[blok_mover]\nengines = 1\nfoo = 1\n", m, 1, 2, "did you mean [block_mover]?");
    expect_one("[zzz]\n", m, 1, 2, "sections of a machine: machine, dram, dma");
    expect_one("[space]\nTM = 1\n", m, 1, 2, "belongs in a sweep file");
    expect_one("[dma]\nlatency = 1\nlatency = 1\n", m, 3, 1,
               "duplicate key 'latency' in [dma]; first given in line 2");
    expect_one("[dma]\nlatency = 1\n  latency = 2\n", m, 3, 3, "duplicate key");
    expect_one("[dma]\nlatency = 1\n[l2]\nbanks = 1\n[dma]\ngb_per_s = 1\n", m, 5, 2,
               "duplicate section [dma]; first given in line 1");
    expect_one("[dma]\ngb_per_s = 1\nbytes_per_cycle = 2\n", m, 3, 1,
               "gives both 'gb_per_s' (line 2) and 'bytes_per_cycle'");
    expect_one("[space]\ntm = 1\n", KPU_FILE_SWEEP, 2, 1, "did you mean 'TM'?");
}

static void test_gathers_all_complaints(void)
{
    kpu_ini ini;
    kpu_diag diag;
    CU_ASSERT_EQUAL(
        parse("[dma]\nlatency = x\nfoo = 1\n[dram\n[l3]\ntiles = 0\njunk\n[l2]\nbanks = 4\n",
              KPU_FILE_MACHINE, &ini, &diag),
        KPU_E_INPUT);
    CU_ASSERT_EQUAL(diag.count, 5);
    CU_ASSERT_TRUE(has_complaint(&diag, 2, 11, "not a whole number"));
    CU_ASSERT_TRUE(has_complaint(&diag, 3, 1, "unknown key"));
    CU_ASSERT_TRUE(has_complaint(&diag, 4, 0, "closing ]"));
    CU_ASSERT_TRUE(has_complaint(&diag, 6, 9, "too small"));
    CU_ASSERT_TRUE(has_complaint(&diag, 7, 1, "expected key = value"));
    char *text = kpu_diag_render(&diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(strstr(text, "t.ini:6:9: error: l3.tiles: '0' is too small"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\n  tiles = 0\n          ^\n"));
    free(text);
    kpu_ini_fini(&ini);
    kpu_diag_fini(&diag);
}

static void expect_bytes(const char *bytes, size_t size, int64_t line, int64_t column,
                         const char *part)
{
    kpu_ini ini;
    kpu_diag diag = {0};
    CU_ASSERT_EQUAL(kpu_ini_parse("b.ini", bytes, size, KPU_FILE_MACHINE, &ini, &diag),
                    KPU_E_INPUT);
    CU_ASSERT_TRUE(has_complaint(&diag, line, column, part));
    CU_ASSERT_TRUE(diag.count <= KPU_INI_ERRORS_MAX + 1);
    kpu_ini_fini(&ini);
    kpu_diag_fini(&diag);
}

static void test_junk(void)
{
    static char noise[100000];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)kpu_random_u64(7, 7, i);
    expect_bytes(noise, sizeof noise, 0, 0, "no text");
    expect_bytes(noise, sizeof noise, 0, 0, "too many errors");
    expect_bytes("[dma]\nlat\0ency = 1\n", 19, 2, 4, "byte 0x00 is no text");
    expect_bytes("[dma]\nlatency = \xFF\n", 18, 2, 11, "byte 0xFF is no text");
    expect_bytes("[dma]\nlatency = 1\rx\n", 20, 2, 12, "byte 0x0D is no text");
    expect_bytes("\xFF\xFE[\0d\0", 6, 1, 1, "no text");
}

static void test_over_long(void)
{
    size_t size = KPU_INI_LINE_MAX + 100;
    char *text = malloc(size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, '1', size);
    memcpy(text, "[dma]\nlatency = ", 16);
    expect_bytes(text, size, 2, 1, "at most 65536");
    free(text);
    expect_one("[dma]\nlatency_that_is_much_longer_than_any_name_of_a_key_may_be = 1\n",
               KPU_FILE_MACHINE, 2, 1, "key's name is 1 to 48");
    expect_one("[section_that_is_much_longer_than_any_name_of_a_section]\n", KPU_FILE_MACHINE, 1, 2,
               "section's name is 1 to 48");
}

/* A line of the longest kind is printed as one that can be read. */
static void test_longest_line(void)
{
    static const char head[] = "[sweep]\nname=t\nmachines=m\n[space]\nTM=";
    const size_t bytes = sizeof head - 1 + KPU_INI_LINE_MAX - strlen("TM=");
    char *text = malloc(bytes), *printed;
    kpu_ini ini = {0}, again = {0};
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, '1', bytes);
    memcpy(text, head, sizeof head - 1);
    CU_ASSERT_EQUAL_FATAL(kpu_ini_parse("s.ini", text, bytes, KPU_FILE_SWEEP, &ini, NULL), KPU_OK);
    printed = kpu_ini_print(&ini);
    CU_ASSERT_PTR_NOT_NULL_FATAL(printed);
    CU_ASSERT_EQUAL(
        kpu_ini_parse("again.ini", printed, strlen(printed), KPU_FILE_SWEEP, &again, NULL), KPU_OK);
    kpu_ini_fini(&again);
    kpu_ini_fini(&ini);
    free(printed);
    free(text);
}

static void expect_unreadable(const char *path, const char *part)
{
    kpu_ini ini;
    kpu_diag diag = {0};
    CU_ASSERT_EQUAL(kpu_ini_read(path, KPU_FILE_MACHINE, &ini, &diag), KPU_E_INPUT);
    CU_ASSERT_EQUAL(diag.count, 1);
    CU_ASSERT_TRUE(has_complaint(&diag, 0, 0, part));
    CU_ASSERT_STRING_EQUAL(diag.entries[0].file, path);
    kpu_ini_fini(&ini);
    kpu_diag_fini(&diag);
}

static void test_files(void)
{
    char folder[] = "test_config_XXXXXX", path[64];
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    expect_unreadable(folder, "is a directory");
    snprintf(path, sizeof path, "%s/none.ini", folder);
    expect_unreadable(path, "No such file");
    FILE *out = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    fclose(out);
    expect_unreadable(path, "empty");
    if (geteuid() != 0) { /* root may read everything */
        chmod(path, 0);
        expect_unreadable(path, "Permission denied");
    }
    CU_ASSERT_EQUAL(truncate(path, (off_t)KPU_TEXT_FILE_MAX + 1), 0);
    chmod(path, 0600);
    expect_unreadable(path, "too large");
    unlink(path);
    rmdir(folder);
}

/* ---- --set ------------------------------------------------------------------------------- */

static void expect_bad_set(kpu_ini *ini, const char *assignment, const char *part)
{
    kpu_diag diag = {0};
    char *before = kpu_ini_print(ini);
    CU_ASSERT_EQUAL(kpu_ini_set(ini, assignment, &diag), KPU_E_INPUT);
    CU_ASSERT_TRUE(has_complaint(&diag, 0, 0, part));
    CU_ASSERT_STRING_EQUAL(diag.entries[0].file, "--set");
    char *after = kpu_ini_print(ini);
    CU_ASSERT_STRING_EQUAL(before, after);
    free(before);
    free(after);
    kpu_diag_fini(&diag);
}

static void test_set(void)
{
    kpu_ini ini;
    kpu_diag diag;
    CU_ASSERT_EQUAL(parse("[dma]\ngb_per_s = 50\nlatency = 1\n", KPU_FILE_MACHINE, &ini, &diag),
                    KPU_OK);
    CU_ASSERT_EQUAL(kpu_ini_set(&ini, " dma.latency = 9 ", &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_ini_set(&ini, "dma.bytes_per_cycle=400/3", &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_ini_set(&ini, "l2.banks=3", &diag), KPU_OK);
    show_unexpected(&diag);
    expect_value(&ini, "dma", "latency", "9");
    expect_value(&ini, "dma", "bytes_per_cycle", "400/3");
    expect_value(&ini, "l2", "banks", "3");
    CU_ASSERT_PTR_NULL(kpu_ini_find(&ini, "dma", "gb_per_s"));
    CU_ASSERT_STRING_EQUAL(kpu_ini_find(&ini, "dma", "latency")->place.file, "--set");
    CU_ASSERT_EQUAL(kpu_ini_find(&ini, "dma", "latency")->place.line, 0);
    CU_ASSERT_EQUAL(kpu_ini_set(&ini, "dma.gb_per_s=7", &diag), KPU_OK);
    CU_ASSERT_PTR_NULL(kpu_ini_find(&ini, "dma", "bytes_per_cycle"));
    CU_ASSERT_EQUAL(ini.count, 3);
    expect_bad_set(&ini, "dma.latency", "section.key=value");
    expect_bad_set(&ini, "latency=1", "section.key=value");
    expect_bad_set(&ini, "=1", "section.key=value");
    expect_bad_set(&ini, ".=1", "section.key=value");
    expect_bad_set(&ini, "", "section.key=value");
    expect_bad_set(&ini, "dma.latency=", "no value");
    expect_bad_set(&ini, "dma.latency=-4", "too small");
    expect_bad_set(&ini, "dma.latnecy=4", "did you mean 'latency'");
    expect_bad_set(&ini, "dmaa.latency=4", "did you mean [dma]");
    expect_bad_set(&ini, "dma.latency=4\n", "no text");
    kpu_ini_fini(&ini);
    kpu_diag_fini(&diag);
}

static void test_set_in_a_free_section(void)
{
    kpu_ini ini;
    kpu_diag diag;
    CU_ASSERT_EQUAL(parse("[space]\nTM = 1\n", KPU_FILE_SWEEP, &ini, &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_ini_set(&ini, "machine_axes.l2.bank_kib=16, 32", &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_ini_set(&ini, "constraints.fit=TM == TN", &diag), KPU_OK);
    CU_ASSERT_EQUAL(kpu_ini_set(&ini, "space.TM=8..64 x2", &diag), KPU_OK);
    show_unexpected(&diag);
    expect_value(&ini, "machine_axes", "l2.bank_kib", "16, 32");
    expect_value(&ini, "constraints", "fit", "TM == TN");
    expect_value(&ini, "space", "TM", "8..64 x2");
    kpu_ini_fini(&ini);
    kpu_diag_fini(&diag);
}

int main(void)
{
    CU_TestInfo tests[] = {
        {"table conforms", test_table_conforms},
        {"key find", test_key_find},
        {"integers", test_integers},
        {"other scalars", test_other_scalars},
        {"no comments", test_values_are_no_comments},
        {"sections, comments, places", test_reads_sections_comments_and_places},
        {"long and indented lines", test_long_and_indented_lines},
        {"free sections", test_free_sections},
        {"print", test_print_is_canonical},
        {"defaults and required", test_defaults_and_required},
        {"detect", test_detect},
        {"bad lines", test_bad_lines},
        {"keys after a bad section", test_keys_after_a_bad_section_go_nowhere},
        {"unknown and duplicate", test_unknown_and_duplicate},
        {"gathers all", test_gathers_all_complaints},
        {"junk", test_junk},
        {"over-long", test_over_long},
        {"longest line", test_longest_line},
        {"files", test_files},
        {"set", test_set},
        {"set in a free section", test_set_in_a_free_section},
        CU_TEST_INFO_NULL,
    };
    return run_suite("config", tests);
}
