#include "tools/sweep_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* True if it begins with "section.key" of a machine, perhaps with white space around. */
static bool is_machine_key(const char *assignment)
{
    char section[KPU_INI_NAME_MAX + 1], name[KPU_INI_NAME_MAX + 1];
    /* the widths are KPU_INI_NAME_MAX */
    if (sscanf(assignment, " %48[^.= \t] . %48[^= \t]", section, name) != 2)
        return false;
    return kpu_key_find(KPU_FILE_MACHINE, section, name) != NULL;
}

int kpu_tool_set(kpu_ini *sweep, const char *assignment, kpu_diag *diag)
{
    if (!is_machine_key(assignment))
        return kpu_ini_set(sweep, assignment, diag);
    char *axis = NULL;
    if (asprintf(&axis, "machine_axes.%s", assignment + strspn(assignment, " \t")) < 0)
        return KPU_E_MEMORY;
    int status = kpu_ini_set(sweep, axis, diag);
    free(axis);
    return status;
}

int kpu_tool_set_option(kpu_ini *sweep, const char *option, const char *key, const char *value,
                        kpu_diag *diag)
{
    char *assignment = NULL, *file = NULL;
    if (asprintf(&assignment, "%s=%s", key, value) < 0)
        return KPU_E_MEMORY;
    if (asprintf(&file, "--%s", option) < 0) {
        free(assignment);
        return KPU_E_MEMORY;
    }
    kpu_diag found;
    kpu_diag_init(&found);
    int status = kpu_ini_set(sweep, assignment, &found);
    for (size_t i = 0; i < found.count; i++) {
        const kpu_diag_entry *entry = &found.entries[i];
        const kpu_place place = {file, entry->line, entry->column, entry->text};
        kpu_diag_add_at(diag, entry->code, &place, "%s", entry->message);
    }
    kpu_diag_fini(&found);
    free(assignment);
    free(file);
    return status;
}

int kpu_tool_read_sweep(const char *path, const kpu_option_list *sets, kpu_ini *out,
                        kpu_diag *diag)
{
    int status = kpu_ini_read(path, KPU_FILE_SWEEP, out, diag);
    for (size_t i = 0; i < sets->count; i++) {
        int result = kpu_tool_set(out, sets->items[i], diag);
        status = result ? result : status;
    }
    return status;
}
