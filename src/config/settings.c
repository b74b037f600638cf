/* Settings: checked against the table, found, replaced, printed. */
#include "config_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 128 };

static const char *kind_text(kpu_key_file kind)
{
    return kind == KPU_FILE_MACHINE ? "machine" : "sweep";
}

bool kpu_config_is_name(const char *text, size_t length)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    return length > 0 && strspn(text, allowed) >= length;
}

size_t kpu_config_comment(const char *value, size_t length)
{
    size_t i = 0;
    while (i < length && ((value[i] != ';' && value[i] != '#') ||
                          (i > 0 && value[i - 1] != ' ' && value[i - 1] != '\t')))
        i++;
    return i;
}

bool kpu_config_has_section(kpu_key_file kind, const char *section)
{
    for (size_t i = 0; i < kpu_key_count(); i++) {
        if (kpu_key_at(i)->file == kind && strcmp(kpu_key_at(i)->section, section) == 0)
            return true;
    }
    return false;
}

/* Names of the sections of a kind, or of a section's keys. */
static size_t gather_names(kpu_key_file kind, const char *section, const char **names)
{
    size_t count = 0;
    for (size_t i = 0; i < kpu_key_count() && count < NAMES_MAX; i++) {
        const kpu_key *key = kpu_key_at(i);
        if (key->file != kind || (section && strcmp(key->section, section) != 0))
            continue;
        const char *name = section ? key->name : key->section;
        if (count == 0 || strcmp(names[count - 1], name) != 0)
            names[count++] = name;
    }
    return count;
}

static void join(const char *const *names, size_t count, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", names[i]);
}

int kpu_config_unknown_section(kpu_key_file kind, const char *section, const kpu_place *place,
                               kpu_diag *diag)
{
    const char *names[NAMES_MAX];
    char known[512];
    kpu_key_file other = kind == KPU_FILE_MACHINE ? KPU_FILE_SWEEP : KPU_FILE_MACHINE;
    if (kpu_config_has_section(other, section))
        return kpu_diag_add_at(diag, KPU_E_INPUT, place,
                               "section [%s] belongs in a %s file, and this is read as a %s",
                               section, kind_text(other), kind_text(kind));
    size_t count = gather_names(kind, NULL, names);
    const char *nearest = kpu_nearest_name(section, names, count);
    if (nearest)
        return kpu_diag_add_at(diag, KPU_E_INPUT, place, "unknown section [%s]; did you mean [%s]?",
                               section, nearest);
    join(names, count, known, sizeof known);
    return kpu_diag_add_at(diag, KPU_E_INPUT, place, "unknown section [%s]; sections of a %s: %s",
                           section, kind_text(kind), known);
}

static const char *section_with(kpu_key_file kind, const char *name)
{
    for (size_t i = 0; i < kpu_key_count(); i++) {
        if (kpu_key_at(i)->file == kind && strcmp(kpu_key_at(i)->name, name) == 0)
            return kpu_key_at(i)->section;
    }
    return NULL;
}

static int unknown_key(kpu_key_file kind, const kpu_config_item *item, kpu_diag *diag)
{
    const char *names[NAMES_MAX];
    char known[512];
    size_t count = gather_names(kind, item->section, names);
    const char *nearest = kpu_nearest_name(item->name, names, count);
    const char *elsewhere = section_with(kind, item->name);
    const kpu_place *place = &item->name_place;
    if (nearest)
        return kpu_diag_add_at(diag, KPU_E_INPUT, place,
                               "unknown key '%s' in [%s]; did you mean '%s'?", item->name,
                               item->section, nearest);
    if (elsewhere)
        return kpu_diag_add_at(diag, KPU_E_INPUT, place,
                               "unknown key '%s' in [%s]; it belongs in [%s]", item->name,
                               item->section, elsewhere);
    join(names, count, known, sizeof known);
    return kpu_diag_add_at(diag, KPU_E_INPUT, place, "unknown key '%s' in [%s]; its keys: %s",
                           item->name, item->section, known);
}

/* The name is that of a machine key that holds a number or a word. */
static int check_machine_axis(const kpu_config_item *item, kpu_diag *diag)
{
    char names[NAMES_MAX][2 * KPU_INI_NAME_MAX];
    const char *list[NAMES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < kpu_key_count() && count < NAMES_MAX; i++) {
        const kpu_key *key = kpu_key_at(i);
        if (key->file != KPU_FILE_MACHINE || key->type == KPU_KEY_TEXT)
            continue;
        snprintf(names[count], sizeof names[count], "%s.%s", key->section, key->name);
        if (strcmp(names[count], item->name) == 0)
            return KPU_OK;
        list[count] = names[count];
        count++;
    }
    const char *nearest = kpu_nearest_name(item->name, list, count);
    return kpu_diag_add_at(diag, KPU_E_INPUT, &item->name_place,
                           "'%s' is no machine key that can be an axis; %s%s%s", item->name,
                           nearest ? "did you mean '" : "expected section.key, such as l2.bank_kib",
                           nearest ? nearest : "", nearest ? "'?" : "");
}

static void setting_fini(kpu_setting *setting)
{
    free(setting->section);
    free(setting->name);
    free(setting->value);
    free(setting->line);
}

void kpu_ini_fini(kpu_ini *ini)
{
    if (!ini)
        return;
    for (size_t i = 0; i < ini->count; i++)
        setting_fini(&ini->settings[i]);
    free(ini->settings);
    free(ini->path);
    free(ini->text);
    *ini = (kpu_ini){0};
}

static kpu_setting *find(const kpu_ini *ini, const char *section, const char *name)
{
    for (size_t i = 0; name && i < ini->count; i++) {
        kpu_setting *setting = &ini->settings[i];
        if (setting->section[0] == section[0] && setting->name[0] == name[0] &&
            strcmp(setting->section, section) == 0 && strcmp(setting->name, name) == 0)
            return setting;
    }
    return NULL;
}

const kpu_setting *kpu_ini_find(const kpu_ini *ini, const char *section, const char *name)
{
    return find(ini, section, name);
}

const char *kpu_ini_value(const kpu_ini *ini, const char *section, const char *name)
{
    const kpu_setting *setting = find(ini, section, name);
    const kpu_key *key = kpu_key_find(ini->kind, section, name);
    return setting ? setting->value : key ? key->fallback : NULL;
}

static bool make_setting(const kpu_config_item *item, const kpu_key *key, kpu_setting *out)
{
    const kpu_place *place = &item->value_place;
    *out = (kpu_setting){.key = key,
                         .section = strdup(item->section),
                         .name = strdup(item->name),
                         .value = strndup(item->value, item->value_length),
                         .line = strndup(place->text, strcspn(place->text, "\r\n")),
                         .place = *place};
    out->place.text = out->line;
    if (out->section && out->name && out->value && out->line)
        return true;
    setting_fini(out);
    return false;
}

static bool append(kpu_ini *ini, const kpu_setting *setting)
{
    if (ini->count == ini->capacity) {
        size_t capacity = ini->capacity ? 2 * ini->capacity : 32;
        kpu_setting *settings = realloc(ini->settings, capacity * sizeof *settings);
        if (!settings)
            return false;
        ini->settings = settings;
        ini->capacity = capacity;
    }
    ini->settings[ini->count++] = *setting;
    return true;
}

static void remove_setting(kpu_ini *ini, kpu_setting *setting)
{
    if (!setting)
        return;
    size_t index = (size_t)(setting - ini->settings);
    setting_fini(setting);
    ini->count--;
    memmove(setting, setting + 1, (ini->count - index) * sizeof *setting);
}

static int check_duplicate(const kpu_ini *ini, const kpu_config_item *item, const kpu_key *key,
                           kpu_diag *diag)
{
    const kpu_setting *same = find(ini, item->section, item->name);
    const kpu_setting *other = find(ini, item->section, key->alternative);
    if (same)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &item->name_place,
                               "duplicate key '%s' in [%s]; first given in line %lld", item->name,
                               item->section, (long long)same->place.line);
    if (other)
        return kpu_diag_add_at(diag, KPU_E_INPUT, &item->name_place,
                               "[%s] gives both '%s' (line %lld) and '%s'; give one of them",
                               item->section, other->name, (long long)other->place.line,
                               item->name);
    return KPU_OK;
}

/* Puts `setting` in the place of the one that it replaces, so that the order stays the file's. */
static bool put(kpu_ini *ini, kpu_setting *setting)
{
    remove_setting(ini, find(ini, setting->section, setting->key->alternative));
    kpu_setting *old = find(ini, setting->section, setting->name);
    if (!old)
        return append(ini, setting);
    setting_fini(old);
    *old = *setting;
    return true;
}

int kpu_config_add(kpu_ini *ini, const kpu_config_item *item, bool replace, kpu_diag *diag)
{
    const kpu_key *key = kpu_key_find(ini->kind, item->section, item->name);
    kpu_setting setting;
    if (!key)
        return unknown_key(ini->kind, item, diag);
    if (ini->count >= KPU_INI_KEYS_MAX && !find(ini, item->section, item->name))
        return kpu_diag_add_at(diag, KPU_E_INPUT, &item->name_place, "more than %d keys",
                               KPU_INI_KEYS_MAX);
    int code = key->names == KPU_NAMES_MACHINE ? check_machine_axis(item, diag) : KPU_OK;
    if (code == KPU_OK && !replace)
        code = check_duplicate(ini, item, key, diag);
    if (code != KPU_OK)
        return code;
    if (!make_setting(item, key, &setting))
        return kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    if (item->value_length == 0)
        code = kpu_diag_add_at(diag, KPU_E_INPUT, &item->value_place,
                               "%s.%s has no value; expected %s", item->section, item->name,
                               key->help);
    else if (!key->axis)
        code = kpu_key_check(key, setting.value, &setting.place, diag);
    if (code == KPU_OK && !put(ini, &setting))
        code = kpu_diag_add(diag, KPU_E_MEMORY, "out of memory");
    if (code != KPU_OK)
        setting_fini(&setting);
    return code;
}

int kpu_ini_check_required(const kpu_ini *ini, kpu_diag *diag)
{
    int code = KPU_OK;
    const kpu_place place = {.file = ini->path};
    for (size_t i = 0; i < kpu_key_count(); i++) {
        const kpu_key *key = kpu_key_at(i);
        if (key->file != ini->kind || !key->required || find(ini, key->section, key->name) ||
            find(ini, key->section, key->alternative))
            continue;
        code = kpu_diag_add_at(diag, KPU_E_INPUT, &place, "key '%s'%s%s%s is missing in [%s]: %s",
                               key->name, key->alternative ? " (or '" : "",
                               key->alternative ? key->alternative : "",
                               key->alternative ? "')" : "", key->section, key->help);
    }
    return code;
}

static size_t skip_blanks(const char *text, size_t at)
{
    return at + strspn(text + at, " \t");
}

/* Splits "section.key=value"; false if it is none. Names go to the two buffers. */
static bool split_assignment(const char *text, char section[KPU_INI_NAME_MAX + 1],
                             char name[KPU_INI_NAME_MAX + 1], kpu_config_item *item)
{
    size_t start = skip_blanks(text, 0);
    size_t equals = start + strcspn(text + start, "=");
    size_t dot = start + strcspn(text + start, ".");
    if (text[equals] != '=' || dot >= equals || dot == start)
        return false;
    size_t end = equals;
    while (end > dot + 1 && (text[end - 1] == ' ' || text[end - 1] == '\t'))
        end--;
    size_t name_length = end - dot - 1, section_length = dot - start;
    if (name_length > KPU_INI_NAME_MAX || section_length > KPU_INI_NAME_MAX ||
        !kpu_config_is_name(text + start, section_length) ||
        !kpu_config_is_name(text + dot + 1, name_length))
        return false;
    memcpy(section, text + start, section_length);
    memcpy(name, text + dot + 1, name_length);
    section[section_length] = name[name_length] = '\0';
    size_t value = skip_blanks(text, equals + 1), last = strlen(text);
    while (last > value && (text[last - 1] == ' ' || text[last - 1] == '\t'))
        last--;
    *item = (kpu_config_item){.section = section, .name = name, .value = text + value};
    item->value_length = last - value;
    item->name_place = (kpu_place){"--set", 0, (int64_t)dot + 2, text};
    item->value_place = (kpu_place){"--set", 0, (int64_t)value + 1, text};
    return true;
}

int kpu_ini_set(kpu_ini *ini, const char *assignment, kpu_diag *diag)
{
    char section[KPU_INI_NAME_MAX + 1], name[KPU_INI_NAME_MAX + 1];
    kpu_config_item item;
    kpu_place place = {"--set", 0, 1, assignment};
    size_t length = strlen(assignment), junk = kpu_text_first_junk(assignment, length);
    if (junk < length || length > KPU_INI_LINE_MAX) {
        place.column = (int64_t)junk + 1;
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "%s",
                               junk < length ? "a byte here is no text"
                                             : "longer than 65536 bytes");
    }
    if (!split_assignment(assignment, section, name, &item))
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "expected section.key=value");
    if (!kpu_config_has_section(ini->kind, section))
        return kpu_config_unknown_section(ini->kind, section, &place, diag);
    size_t comment = kpu_config_comment(item.value, item.value_length);
    if (comment < item.value_length) { /* it would be lost where the settings are kept as text */
        place.column = item.value_place.column + (int64_t)comment;
        return kpu_diag_add_at(diag, KPU_E_INPUT, &place, "a comment begins here");
    }
    return kpu_config_add(ini, &item, true, diag);
}

static void print_row(FILE *out, const kpu_ini *ini, const kpu_key *key, const char **section)
{
    for (size_t i = 0; i < ini->count; i++) {
        const kpu_setting *setting = &ini->settings[i];
        if (setting->key != key)
            continue;
        if (!*section || strcmp(*section, key->section) != 0)
            fprintf(out, "%s[%s]\n", *section ? "\n" : "", key->section);
        *section = key->section;
        /* What was one line of the longest kind is one again. */
        size_t bytes = strlen(setting->name) + strlen(setting->value) + strlen(" = ");
        fprintf(out, "%s%s%s\n", setting->name, bytes > KPU_INI_LINE_MAX ? "=" : " = ",
                setting->value);
    }
}

char *kpu_ini_print(const kpu_ini *ini)
{
    char *text = NULL;
    size_t size = 0;
    const char *section = NULL;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (size_t i = 0; i < kpu_key_count(); i++)
        print_row(out, ini, kpu_key_at(i), &section);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
