#include "kpu/machine.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* How a member is kept; a DECIMAL is given exactly (it divides others) and kept as a double. */
typedef enum field_type {
    FIELD_INT,
    FIELD_RATIONAL,
    FIELD_REAL,
    FIELD_WORD,
    FIELD_DECIMAL
} field_type;

typedef struct field {
    field_type type;
    const char *section, *name;
    size_t offset;
} field;

static const field fields[] = {
#define FIELD(type, section, key, member)                                                          \
    {FIELD_##type, section, key, offsetof(kpu_machine, member)},
#include "fields.def"
#undef FIELD
};

enum { FIELD_COUNT = sizeof fields / sizeof fields[0] };

int64_t kpu_machine_capacity_bytes(const kpu_machine *machine, int level)
{
    switch (level) {
    case KPU_LEVEL_L3: return machine->l3_tiles * machine->l3_tile_kib * 1024;
    case KPU_LEVEL_L2: return machine->l2_banks * machine->l2_bank_kib * 1024;
    case KPU_LEVEL_L1: return machine->l1_buffers * machine->l1_buffer_kib * 1024;
    default: return 0;
    }
}

int64_t kpu_machine_skew_cycles(const kpu_machine *machine)
{
    bool pipelined = machine->pipelining == KPU_PIPELINING_FULL;
    return pipelined ? machine->fabric_rows + machine->fabric_cols - 2 : 0;
}

int64_t kpu_machine_fill_cycles(const kpu_machine *machine, int64_t row_fills)
{
    bool pipelined = machine->pipelining == KPU_PIPELINING_FULL;
    return pipelined ? 0 : row_fills * machine->fabric_rows + machine->fabric_cols - 2;
}

static int parse_field(const field *f, const kpu_setting *setting, void *member, kpu_diag *diag)
{
    const kpu_key *key = setting->key;
    kpu_rational exact;
    int code = KPU_OK;
    switch (f->type) {
    case FIELD_INT: return kpu_key_parse_int(key, setting->value, &setting->place, member, diag);
    case FIELD_WORD: return kpu_key_parse_word(key, setting->value, &setting->place, member, diag);
    case FIELD_REAL: return kpu_key_parse_real(key, setting->value, &setting->place, member, diag);
    case FIELD_RATIONAL:
        return kpu_key_parse_rational(key, setting->value, &setting->place, member, diag);
    case FIELD_DECIMAL:
        code = kpu_key_parse_rational(key, setting->value, &setting->place, &exact, diag);
        if (code == KPU_OK)
            *(double *)member = kpu_rational_value(exact);
        break;
    }
    return code;
}

static bool is_bandwidth_within_limits(kpu_rational r)
{
    return r.num > 0 && r.den > 0 && r.num <= KPU_MACHINE_BANDWIDTH_NUM_MAX &&
           r.den <= KPU_MACHINE_BANDWIDTH_DEN_MAX;
}

/* The bandwidth is given in GB/s: bytes per cycle = GB/s / GHz, exactly. */
static int divide_by_clock(const kpu_ini *ini, const kpu_setting *setting, kpu_rational *out,
                           kpu_diag *diag)
{
    const kpu_setting *clock = kpu_ini_find(ini, "fabric", "clock_ghz");
    kpu_rational rate, ghz;
    int code = kpu_key_parse_rational(setting->key, setting->value, &setting->place, &rate, diag);
    if (code != KPU_OK || !clock)
        return code; /* a missing clock has been complained of */
    code = kpu_key_parse_rational(clock->key, clock->value, &clock->place, &ghz, NULL);
    if (code != KPU_OK)
        return code; /* the clock's own field complains */
    if (kpu_rational_div(rate, ghz, out) && is_bandwidth_within_limits(*out))
        return KPU_OK;
    return kpu_diag_add_at(diag, KPU_E_INPUT, &setting->place,
                           "%s.%s / fabric.clock_ghz = %s / %s has too many digits for an exact "
                           "bandwidth; round one of them",
                           setting->section, setting->name, setting->value, clock->value);
}

static int take_field(const kpu_ini *ini, const field *f, kpu_machine *out, kpu_diag *diag)
{
    void *member = (char *)out + f->offset;
    const kpu_setting *setting = kpu_ini_find(ini, f->section, f->name);
    if (setting)
        return parse_field(f, setting, member, diag);
    const char *alternative = kpu_key_find(KPU_FILE_MACHINE, f->section, f->name)->alternative;
    setting = alternative ? kpu_ini_find(ini, f->section, alternative) : NULL;
    return setting ? divide_by_clock(ini, setting, member, diag) : KPU_OK;
}

static int take_name(const kpu_ini *ini, kpu_machine *out, kpu_diag *diag)
{
    const kpu_setting *setting = kpu_ini_find(ini, "machine", "name");
    const char *slash = strrchr(ini->path, '/');
    const char *name = setting ? setting->value : slash ? slash + 1 : ini->path;
    size_t length = strlen(name);
    kpu_place place = setting ? setting->place : (kpu_place){.file = ini->path};
    if (!setting && length > 4 && strcmp(name + length - 4, ".ini") == 0)
        length -= 4;
    if (length > KPU_MACHINE_NAME_MAX)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place,
                               "machine.name: at most %d bytes, these are %zu",
                               KPU_MACHINE_NAME_MAX, length);
    memcpy(out->name, name, length);
    out->name[length] = '\0';
    return KPU_OK;
}

int kpu_machine_from_ini(const kpu_ini *ini, kpu_machine *out, kpu_diag *diag)
{
    *out = (kpu_machine){0};
    if (ini->kind != KPU_FILE_MACHINE)
        return kpu_diag_add(diag, KPU_E_USAGE, "%s is not read as a machine", ini->path);
    int code = kpu_ini_check_required(ini, diag);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        int field_code = take_field(ini, &fields[i], out, diag);
        code = field_code != KPU_OK ? field_code : code;
    }
    int name_code = take_name(ini, out, diag);
    code = name_code != KPU_OK ? name_code : code;
    return code != KPU_OK ? code : kpu_machine_validate(out, diag);
}

int kpu_machine_load(const char *path, kpu_machine *out, kpu_diag *diag)
{
    kpu_ini ini;
    *out = (kpu_machine){0};
    int code = kpu_ini_read(path, KPU_FILE_MACHINE, &ini, diag);
    if (code == KPU_OK)
        code = kpu_machine_from_ini(&ini, out, diag);
    kpu_ini_fini(&ini);
    return code;
}

static int check_number(const kpu_machine *machine, const kpu_key *key, double value,
                        kpu_diag *diag)
{
    if (isfinite(value) && value >= key->min && value <= key->max)
        return KPU_OK;
    return kpu_diag_add(diag, KPU_E_INPUT, "machine '%s': %s.%s = %.10g is outside %.10g .. %.10g",
                        machine->name, key->section, key->name, value, key->min, key->max);
}

static int check_bandwidth(const kpu_machine *machine, const kpu_key *key, kpu_rational r,
                           kpu_diag *diag)
{
    if (!is_bandwidth_within_limits(r))
        return kpu_diag_add(diag, KPU_E_INPUT,
                            "machine '%s': %s.%s = %lld/%lld; expected a positive number of at "
                            "most %lld/%lld",
                            machine->name, key->section, key->name, (long long)r.num,
                            (long long)r.den, (long long)KPU_MACHINE_BANDWIDTH_NUM_MAX,
                            (long long)KPU_MACHINE_BANDWIDTH_DEN_MAX);
    return check_number(machine, key, kpu_rational_value(r), diag);
}

static int check_word(const kpu_machine *machine, const kpu_key *key, int64_t number,
                      kpu_diag *diag)
{
    char word[KPU_INI_NAME_MAX];
    if (kpu_key_word(key, number, word, sizeof word))
        return KPU_OK;
    return kpu_diag_add(diag, KPU_E_INPUT, "machine '%s': %s.%s = %lld is none of: %s",
                        machine->name, key->section, key->name, (long long)number, key->words);
}

static int check_field(const kpu_machine *machine, const field *f, kpu_diag *diag)
{
    const kpu_key *key = kpu_key_find(KPU_FILE_MACHINE, f->section, f->name);
    const void *member = (const char *)machine + f->offset;
    assert(key);
    switch (f->type) {
    case FIELD_INT: return check_number(machine, key, (double)*(const int64_t *)member, diag);
    case FIELD_WORD: return check_word(machine, key, *(const int64_t *)member, diag);
    case FIELD_RATIONAL: return check_bandwidth(machine, key, *(const kpu_rational *)member, diag);
    case FIELD_REAL:
    case FIELD_DECIMAL: return check_number(machine, key, *(const double *)member, diag);
    }
    return KPU_OK;
}

int kpu_machine_validate(const kpu_machine *machine, kpu_diag *diag)
{
    static const char *const names[] = {
        [KPU_LEVEL_L3] = "l3", [KPU_LEVEL_L2] = "l2", [KPU_LEVEL_L1] = "l1"};
    int code = KPU_OK;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        int field_code = check_field(machine, &fields[i], diag);
        code = field_code != KPU_OK ? field_code : code;
    }
    /* Only now: the product of two fields in range does not overflow 64 bits. */
    for (int level = KPU_LEVEL_L3; code == KPU_OK && level <= KPU_LEVEL_L1; level++) {
        int64_t bytes = kpu_machine_capacity_bytes(machine, level);
        if (bytes > KPU_MACHINE_CAPACITY_MAX)
            code = kpu_diag_add(
                diag, KPU_E_INPUT, "machine '%s': %s holds %lld bytes; at most %lld", machine->name,
                names[level], (long long)bytes, (long long)KPU_MACHINE_CAPACITY_MAX);
    }
    return code;
}
