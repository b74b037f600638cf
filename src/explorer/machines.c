/* Machine variants: every base machine with every combination of the machine axes. */
#include "explorer/space.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char section[] = "machine_axes";

/* ---- Values of a machine axis ------------------------------------------------------------ */

static bool add_value(kpu_machine_axis *axis, char *text, double value)
{
    axis->text[axis->count] = text;
    axis->value[axis->count++] = value;
    return text != NULL;
}

static bool reserve(kpu_machine_axis *axis, int64_t count)
{
    axis->text = calloc((size_t)count, sizeof *axis->text);
    axis->value = calloc((size_t)count, sizeof *axis->value);
    return axis->text && axis->value;
}

/* Integers have ranges: the language of the candidate's axes. */
static int read_integers(kpu_machine_axis *axis, const kpu_setting *setting, kpu_diag *diag)
{
    kpu_axis parsed;
    kpu_values values = {0};
    int code = kpu_axis_parse(&parsed, axis->key, KPU_ELEMENT_INTEGER, setting->value,
                              &setting->place, diag);
    if (code != KPU_OK)
        return code;
    code = kpu_axis_expand(&parsed, &(kpu_axis_extent){0}, &values, diag);
    if (code == KPU_OK && values.count > KPU_MACHINE_VARIANTS_MAX)
        code = kpu_diag_add_at(diag, KPU_E_INPUT, &setting->place,
                               "%s: more than %d values of a machine", setting->name,
                               KPU_MACHINE_VARIANTS_MAX);
    bool good = code == KPU_OK && reserve(axis, values.count);
    for (int64_t i = 0; good && i < values.count; i++) {
        char *text = NULL;
        good = asprintf(&text, "%" PRId64, values.number[i]) >= 0 &&
               add_value(axis, text, (double)values.number[i]);
    }
    free(values.number);
    kpu_axis_fini(&parsed);
    return good || code != KPU_OK ? code : kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
}

/* One value of a key that is no integer, as a number. */
static int read_number(const kpu_key *key, const kpu_list_entry *entry, double *out, kpu_diag *diag)
{
    kpu_rational rational;
    int64_t word;
    int code;
    switch (key->type) {
    case KPU_KEY_RATIONAL:
        code = kpu_key_parse_rational(key, entry->text, &entry->place, &rational, diag);
        *out = code == KPU_OK ? kpu_rational_value(rational) : 0;
        return code;
    case KPU_KEY_WORD:
        code = kpu_key_parse_word(key, entry->text, &entry->place, &word, diag);
        *out = code == KPU_OK ? (double)word : 0;
        return code;
    case KPU_KEY_REAL: return kpu_key_parse_real(key, entry->text, &entry->place, out, diag);
    default:
        return kpu_diag_add_at(diag, KPU_E_INPUT, &entry->place,
                               "%s.%s is free text, which cannot be an axis", key->section,
                               key->name);
    }
}

static bool has_value(const kpu_machine_axis *axis, double value)
{
    for (int64_t i = 0; i < axis->count; i++) {
        if (axis->value[i] == value)
            return true;
    }
    return false;
}

static int read_list(kpu_machine_axis *axis, const kpu_setting *setting, kpu_diag *diag)
{
    kpu_list_entry *entries;
    size_t count;
    int worst = kpu_list_split(setting, &entries, &count, diag);
    if (worst == KPU_OK && !reserve(axis, (int64_t)count))
        worst = kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    for (size_t i = 0; i < count && axis->text && axis->value; i++) {
        double value = 0;
        int code = read_number(axis->key, &entries[i], &value, diag);
        if (code == KPU_OK && has_value(axis, value)) {
            code = kpu_diag_add_at(diag, KPU_E_INPUT, &entries[i].place,
                                   "%s: '%s' stands in the list twice", setting->name,
                                   entries[i].text);
        }
        if (code == KPU_OK && !add_value(axis, strdup(entries[i].text), value))
            code = kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
        worst = code != KPU_OK ? code : worst;
    }
    kpu_list_free(entries, count);
    return worst;
}

/* "l2.bank_kib" -> its row of the key table; the reader of the sweep has checked that it is one. */
static const kpu_key *find_machine_key(const char *name)
{
    char part[KPU_INI_NAME_MAX + 1];
    const char *dot = strchr(name, '.');
    size_t length = dot ? (size_t)(dot - name) : sizeof part;
    if (length >= sizeof part)
        return NULL;
    memcpy(part, name, length);
    part[length] = '\0';
    return kpu_key_find(KPU_FILE_MACHINE, part, dot + 1);
}

/* Two keys that say the same in two units would overwrite each other unseen. */
static int check_alternatives(const kpu_space *space, const kpu_key *key,
                              const kpu_setting *setting, kpu_diag *diag)
{
    for (size_t a = 0; a < space->machine_axis_count && key->alternative; a++) {
        const kpu_key *other = space->machine_axes[a].key;
        if (strcmp(other->section, key->section) == 0 &&
            strcmp(other->name, key->alternative) == 0) {
            return kpu_diag_add_at(diag, KPU_E_INPUT, &setting->place,
                                   "'%s' says the same as '%s.%s', which is an axis already",
                                   setting->name, other->section, other->name);
        }
    }
    return KPU_OK;
}

static int read_axis(kpu_space *space, const kpu_setting *setting, kpu_diag *diag)
{
    const kpu_key *key = find_machine_key(setting->name);
    if (!key)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &setting->place, "'%s' is no machine key",
                               setting->name);
    if (space->machine_axis_count == KPU_DIGITS_MAX - 1)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &setting->place, "more than %d machine axes",
                               KPU_DIGITS_MAX - 1);
    int code = check_alternatives(space, key, setting, diag);
    if (code != KPU_OK)
        return code;
    kpu_machine_axis *axis = &space->machine_axes[space->machine_axis_count++];
    *axis = (kpu_machine_axis){.key = key};
    return key->type == KPU_KEY_INT ? read_integers(axis, setting, diag)
                                    : read_list(axis, setting, diag);
}

static int read_axes(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    int worst = KPU_OK;
    space->machine_axis_count = 0;
    space->machine_axes = calloc(sweep->count + 1, sizeof *space->machine_axes);
    if (!space->machine_axes)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    for (size_t i = 0; i < sweep->count; i++) {
        if (strcmp(sweep->settings[i].section, section) != 0)
            continue;
        int code = read_axis(space, &sweep->settings[i], diag);
        worst = code != KPU_OK ? code : worst;
    }
    return worst;
}

/* ---- Digits ------------------------------------------------------------------------------ */

static int number_axes(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    char text[KPU_DIGITS_MAX][2 * KPU_INI_NAME_MAX + 2];
    const char *names[KPU_DIGITS_MAX];
    int64_t lengths[KPU_DIGITS_MAX];
    for (size_t a = 0; a < space->machine_axis_count; a++) {
        const kpu_machine_axis *axis = &space->machine_axes[a];
        snprintf(text[a], sizeof text[a], "%s.%s", axis->key->section, axis->key->name);
        names[a] = text[a];
        lengths[a] = axis->count;
    }
    space->machine_digits =
        (kpu_digits){.of_machine = true, .axis_count = space->machine_axis_count};
    int code = kpu_digits_make(&space->machine_digits, names, sweep, diag);
    if (code == KPU_OK)
        code = kpu_digits_lengths(&space->machine_digits, names, lengths, "",
                                  space->machine_lengths, diag);
    return code;
}

/* Values of variant `n` of a base machine, index by axis. */
static void decode(const kpu_space *space, int64_t n, int64_t value_of[KPU_DIGITS_MAX])
{
    int64_t digit[KPU_DIGITS_MAX];
    for (size_t d = space->machine_digits.digit_count; d-- > 0; n /= space->machine_lengths[d])
        digit[d] = n % space->machine_lengths[d];
    for (size_t a = 0; a < space->machine_axis_count; a++)
        value_of[a] = digit[space->machine_digits.digit_of[a]];
}

/* ---- Base machines ----------------------------------------------------------------------- */

/* A bare name is that of a machine in configs/. */
static int read_text(kpu_space *space, const kpu_ini *sweep, const kpu_list_entry *entry,
                     kpu_space_text *out, kpu_diag *diag)
{
    size_t length = strlen(entry->text);
    bool is_path =
        strchr(entry->text, '/') || (length > 4 && strcmp(entry->text + length - 4, ".ini") == 0);
    char *name = NULL;
    *out = (kpu_space_text){0};
    if (asprintf(&name, is_path ? "%s" : "configs/%s.ini", entry->text) < 0)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    int code = kpu_space_read_file(space, sweep, name, &entry->place, out, diag);
    free(name);
    return code;
}

static int apply_axes(const kpu_space *space, kpu_ini *ini, int64_t variant, kpu_diag *diag)
{
    int64_t value_of[KPU_DIGITS_MAX];
    decode(space, variant, value_of);
    for (size_t a = 0; a < space->machine_axis_count; a++) {
        const kpu_machine_axis *axis = &space->machine_axes[a];
        char *assignment = NULL;
        if (asprintf(&assignment, "%s.%s=%s", axis->key->section, axis->key->name,
                     axis->text[value_of[a]]) < 0)
            return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
        int code = kpu_ini_set(ini, assignment, diag);
        free(assignment);
        if (code != KPU_OK)
            return code;
    }
    return KPU_OK;
}

static int make_variants(kpu_space *space, kpu_ini *ini, kpu_diag *diag)
{
    size_t variants = (size_t)space->machine_axes_size;
    kpu_machine *machines =
        realloc(space->machines, (space->machine_count + variants) * sizeof *machines);
    if (!machines)
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    space->machines = machines;
    for (size_t v = 0; v < variants; v++) {
        int code = apply_axes(space, ini, (int64_t)v, diag);
        if (code == KPU_OK)
            code = kpu_machine_from_ini(ini, &machines[space->machine_count], diag);
        if (code != KPU_OK)
            return code; /* the next variant would most likely say the same */
        space->machine_count++;
    }
    return KPU_OK;
}

static int read_machine(kpu_space *space, const kpu_ini *sweep, const kpu_list_entry *entry,
                        kpu_diag *diag)
{
    kpu_space_text file;
    kpu_ini ini = {0};
    int code = read_text(space, sweep, entry, &file, diag);
    if (code == KPU_OK)
        code = kpu_ini_parse(file.path, file.text, file.bytes, KPU_FILE_MACHINE, &ini, diag);
    if (code == KPU_OK)
        code = kpu_space_add_source(space, file.path, file.text, diag);
    if (code == KPU_OK)
        code = make_variants(space, &ini, diag);
    kpu_ini_fini(&ini);
    kpu_space_text_fini(&file);
    return code;
}

/* The product of the axes, checked against the limit with each factor. */
static int count_variants(kpu_space *space, const kpu_setting *machines, size_t bases,
                          kpu_diag *diag)
{
    int64_t count = (int64_t)bases;
    for (size_t d = 0; d < space->machine_digits.digit_count; d++) {
        count *= space->machine_lengths[d];
        if (count > KPU_MACHINE_VARIANTS_MAX) {
            return kpu_diag_add_at(diag, KPU_E_INPUT, &machines->place,
                                   "machines and [machine_axes] make more than %d machines",
                                   KPU_MACHINE_VARIANTS_MAX);
        }
    }
    space->machine_axes_size = count / (int64_t)bases;
    return KPU_OK;
}

static int read_bases(kpu_space *space, const kpu_ini *sweep, const kpu_setting *machines,
                      kpu_diag *diag)
{
    kpu_list_entry *entries;
    size_t count;
    int worst = kpu_list_split(machines, &entries, &count, diag);
    if (worst == KPU_OK)
        worst = count_variants(space, machines, count, diag);
    for (size_t i = 0; i < count && worst != KPU_E_MEMORY && space->machine_axes_size > 0; i++) {
        int code = read_machine(space, sweep, &entries[i], diag);
        worst = code != KPU_OK ? code : worst;
    }
    kpu_list_free(entries, count);
    return worst;
}

int kpu_space_read_machines(kpu_space *space, const kpu_ini *sweep, kpu_diag *diag)
{
    const kpu_setting *machines = kpu_ini_find(sweep, "sweep", "machines");
    int code = read_axes(space, sweep, diag);
    if (code == KPU_OK)
        code = number_axes(space, sweep, diag);
    if (code != KPU_OK || !machines)
        return code; /* what is required, kpu_ini_check_required has told */
    return read_bases(space, sweep, machines, diag);
}

void kpu_space_free_machines(kpu_space *space)
{
    for (size_t a = 0; a < space->machine_axis_count; a++) {
        kpu_machine_axis *axis = &space->machine_axes[a];
        for (int64_t i = 0; i < axis->count; i++)
            free(axis->text[i]);
        free(axis->text);
        free(axis->value);
    }
    free(space->machine_axes);
    free(space->machines);
}

/* ---- Accessors --------------------------------------------------------------------------- */

size_t kpu_space_machine_count(const kpu_space *space)
{
    return space->machine_count;
}

const kpu_machine *kpu_space_machine(const kpu_space *space, int64_t machine)
{
    return &space->machines[machine];
}

size_t kpu_space_machine_axis_count(const kpu_space *space)
{
    return space->machine_axis_count;
}

const kpu_key *kpu_space_machine_axis(const kpu_space *space, size_t axis)
{
    return space->machine_axes[axis].key;
}

double kpu_space_machine_axis_value(const kpu_space *space, size_t axis, int64_t machine)
{
    int64_t value_of[KPU_DIGITS_MAX];
    decode(space, machine % space->machine_axes_size, value_of);
    return space->machine_axes[axis].value[value_of[axis]];
}
