#include "tools/sweep_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* True if it begins with a section of machines. */
static bool is_of_machine(const char *assignment)
{
    assignment += strspn(assignment, " \t");
    size_t length = strcspn(assignment, ". \t=");
    for (size_t i = 0; i < kpu_key_count(); i++) {
        const kpu_key *key = kpu_key_at(i);
        if (key->file == KPU_FILE_MACHINE && strlen(key->section) == length &&
            strncmp(key->section, assignment, length) == 0)
            return true;
    }
    return false;
}

int kpu_tool_set(kpu_ini *sweep, const char *assignment, kpu_diag *diag)
{
    if (!is_of_machine(assignment))
        return kpu_ini_set(sweep, assignment, diag);
    char *axis = NULL;
    if (asprintf(&axis, "machine_axes.%s", assignment + strspn(assignment, " \t")) < 0)
        return KPU_E_MEMORY;
    int status = kpu_ini_set(sweep, axis, diag);
    free(axis);
    return status;
}

static void name_source(kpu_ini *sweep, const char *key, const char *option)
{
    for (size_t i = 0; i < sweep->count; i++) {
        kpu_setting *s = &sweep->settings[i];
        size_t section = strlen(s->section);
        if (strncmp(key, s->section, section) == 0 && key[section] == '.' &&
            strcmp(key + section + 1, s->name) == 0)
            s->place.file = option;
    }
}

int kpu_tool_set_option(kpu_ini *sweep, const char *option, const char *key, const char *value,
                        kpu_diag *diag)
{
    char *assignment = NULL;
    if (asprintf(&assignment, "%s=%s", key, value) < 0)
        return KPU_E_MEMORY;
    kpu_diag found;
    kpu_diag_init(&found);
    int status = kpu_ini_set(sweep, assignment, &found);
    for (size_t i = 0; i < found.count; i++) {
        const kpu_diag_entry *entry = &found.entries[i];
        const kpu_place place = {option, entry->line, entry->column, entry->text};
        kpu_diag_add_at(diag, entry->code, &place, "%s", entry->message);
    }
    if (!status)
        name_source(sweep, key, option);
    kpu_diag_fini(&found);
    free(assignment);
    return status;
}

int kpu_tool_read_sweep(const char *path, const kpu_option_list *sets, kpu_ini *out, kpu_diag *diag)
{
    int status = kpu_ini_read(path, KPU_FILE_SWEEP, out, diag);
    for (size_t i = 0; i < sets->count; i++) {
        int result = kpu_tool_set(out, sets->items[i], diag);
        status = result ? result : status;
    }
    return status;
}
